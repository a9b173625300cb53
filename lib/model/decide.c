// SPDX-License-Identifier: Apache-2.0
/* What the tables decide, in the order of docs/pipeline.md sections 2 and 3. */
#include "decide.h"

#include <string.h>

enum { SCTP = 132, DCCP = 33, UDP_LITE = 136 };

static const struct portcam_function_row *function_row(const struct pc_tables *t, unsigned f)
{
    return pc_tables_get(t, PORTCAM_TABLE_FUNCTION, f);
}

/* The lowest host function with the frame's destination MAC, `except` left out; 0 if there is none. */
static unsigned function_by_mac(const struct pc_tables *t, const struct pc_parsed *p,
                                unsigned except)
{
    if (!p->has_mac)
        return 0;
    for (uint32_t left = pc_tables_functions(t) & ~1u; left; left &= left - 1) {
        unsigned f = (unsigned)__builtin_ctz(left);
        const struct portcam_function_row *r = function_row(t, f);
        if (f != except && r->flags & PORTCAM_FUNCTION_ROW_HAS_MAC &&
            memcmp(r->mac, p->dst_mac, 6) == 0)
            return f;
    }
    return 0;
}

unsigned pc_default_egress(const struct pc_tables *t, const struct pc_parsed *p)
{
    if (p->ingress != 0)
        return 0;
    unsigned by_mac = function_by_mac(t, p, 0);
    if (by_mac)
        return by_mac;
    for (uint32_t left = pc_tables_functions(t) & ~1u; left; left &= left - 1) {
        unsigned f = (unsigned)__builtin_ctz(left);
        const struct portcam_function_row *r = function_row(t, f);
        if (r->flags & PORTCAM_FUNCTION_ROW_IS_DEFAULT)
            return f;
    }
    return 1;
}

void pc_decide_pass(const struct pc_tables *t, const struct pc_parsed *p, unsigned reason,
                    struct pc_decision *d)
{
    d->reason = (uint8_t)reason;
    d->egress = (uint8_t)pc_default_egress(t, p);
}

void pc_decide_drop(unsigned reason, struct pc_decision *d)
{
    d->reason = (uint8_t)reason;
    d->drop = true;
}

unsigned pc_reply_egress(const struct pc_tables *t, const struct pc_parsed *p)
{
    unsigned hairpin = function_by_mac(t, p, p->ingress);
    return hairpin ? hairpin : pc_default_egress(t, p);
}

static bool is_loopback(const struct pc_parsed *p)
{
    static const uint8_t one[16] = {[15] = 1};
    return p->is_v6 ? memcmp(p->dst.ip, one, 16) == 0 : p->dst.ip[0] == 127;
}

/* Step 1: the address number (0xffff is ANY), or -1; d->domain with it. */
static int match_address(const struct pc_tables *t, const struct pc_parsed *p,
                         struct pc_decision *d)
{
    int domain, address;
    if (is_loopback(p)) {
        const struct portcam_function_row *f = p->ingress ? function_row(t, p->ingress) : NULL;
        if (!f || !(f->flags & PORTCAM_FUNCTION_ROW_HAS_DOMAIN))
            return -1;
        domain = f->domain;
        address = PORTCAM_ADDRESS_ANY;
    } else {
        int row = pc_tables_address(t, p);
        if (row < 0)
            return -1;
        const struct portcam_address_row *a =
            pc_tables_get(t, PORTCAM_TABLE_ADDRESS, (unsigned)row);
        domain = a->domain;
        address = a->address;
        d->address_row = row;
    }
    if (!pc_tables_get(t, PORTCAM_TABLE_DOMAIN, (unsigned)domain)) {
        d->address_row = -1;
        return -1;
    }
    d->loopback = address == PORTCAM_ADDRESS_ANY;
    d->domain = domain;
    d->address = address == PORTCAM_ADDRESS_ANY ? -1 : address;
    return address;
}

void pc_decide_by_policy(const struct pc_tables *t, const struct pc_parsed *p,
                         const struct portcam_domain_row *domain, struct pc_decision *d)
{
    bool stopped = domain->state == PORTCAM_DOMAIN_STATE_STOPPED;
    if (domain->unknown == PORTCAM_POLICY_PASS)
        pc_decide_pass(t, p, stopped ? PORTCAM_REASON_STOPPED_PASS : PORTCAM_REASON_UNKNOWN_PASS,
                       d);
    else if (domain->unknown == PORTCAM_POLICY_DROP)
        pc_decide_drop(stopped ? PORTCAM_REASON_STOPPED_DROP : PORTCAM_REASON_UNKNOWN_DROP, d);
    else
        pc_decide_drop(stopped ? PORTCAM_REASON_STOPPED_REJECT : PORTCAM_REASON_UNKNOWN_REJECT, d);
}

/* Domain states that decide before the mode does; true if one did. */
static bool by_state(const struct pc_tables *t, const struct pc_parsed *p,
                     const struct portcam_domain_row *domain, struct pc_decision *d)
{
    if (domain->state == PORTCAM_DOMAIN_STATE_PAUSED)
        pc_decide_drop(PORTCAM_REASON_PAUSED_DROP, d);
    else if (domain->state == PORTCAM_DOMAIN_STATE_STOPPED)
        pc_decide_by_policy(t, p, domain, d);
    else
        return false;
    return true;
}

bool pc_decide_slow_path(const struct pc_tables *t, const struct pc_parsed *p, bool port_changes,
                         struct pc_decision *d)
{
    if (p->slow || p->about_flow)
        return false;
    if (p->protocol == SCTP && port_changes)
        pc_decide_pass(t, p, PORTCAM_REASON_SCTP_PORTS, d);
    else if (p->protocol == DCCP || p->protocol == UDP_LITE)
        pc_decide_pass(t, p, PORTCAM_REASON_OTHER_CHECKSUM, d);
    else
        return false;
    return true;
}

static bool changes_port(unsigned port, unsigned new_port)
{
    return new_port != 0 && new_port != port;
}

static void by_service(const struct pc_tables *t, const struct pc_parsed *p,
                       const struct portcam_domain_row *domain, struct pc_decision *d)
{
    const struct portcam_service_row *s =
        pc_tables_get(t, PORTCAM_TABLE_SERVICE, (unsigned)d->service_row);
    d->service = s->service;
    if (by_state(t, p, domain, d))
        return;
    if (s->mode == PORTCAM_MODE_STATEFUL) {
        d->stage = PC_STAGE_SERVICE;
        return;
    }
    const struct portcam_backend_row *b = pc_tables_get(t, PORTCAM_TABLE_BACKEND, s->backend);
    bool deliver = s->mode == PORTCAM_MODE_DELIVER;
    if (!b || (!deliver && (b->family == PORTCAM_FAMILY_6) != p->is_v6)) {
        pc_decide_drop(PORTCAM_REASON_NO_BACKEND, d);
        return;
    }
    if (!deliver && pc_decide_slow_path(t, p, changes_port(p->dst.port, b->port), d))
        return;
    d->reason = deliver ? PORTCAM_REASON_DELIVER : PORTCAM_REASON_STATIC_FORWARD;
    d->egress = b->egress;
    d->backend = s->backend;
}

/* Step 4; false if no endpoint decides. */
static bool by_endpoint(const struct pc_tables *t, const struct pc_parsed *p, struct pc_decision *d)
{
    unsigned table = 0;
    int row = pc_tables_endpoint(t, p, &table);
    if (row < 0)
        return false;
    const struct portcam_endpoint_row *e = pc_tables_get(t, table, (unsigned)row);
    const struct portcam_domain_row *domain = pc_tables_get(t, PORTCAM_TABLE_DOMAIN, e->domain);
    if (!domain)
        return false;
    d->reply = true;
    d->endpoint_table = (int)table;
    d->endpoint_row = row;
    d->domain = e->domain;
    bool stateful = e->flags & PORTCAM_ENDPOINT_ROW_STATEFUL;
    d->address = stateful ? -1 : e->address;
    d->service = stateful ? -1 : e->service;
    d->backend = stateful ? -1 : e->backend;
    if (by_state(t, p, domain, d))
        return true;
    if (stateful) {
        d->stage = PC_STAGE_ENDPOINT;
        return true;
    }
    if (e->flags & PORTCAM_ENDPOINT_ROW_STRICT) {
        pc_decide_pass(t, p, PORTCAM_REASON_STRICT_PASS, d);
        return true;
    }
    if (pc_decide_slow_path(t, p, changes_port(p->src.port, e->public_port), d))
        return true;
    d->reason = PORTCAM_REASON_STATIC_REVERSE;
    d->egress = (uint8_t)pc_reply_egress(t, p);
    return true;
}

static void by_tables(const struct pc_tables *t, const struct pc_parsed *p, struct pc_decision *ret)
{
    int address = match_address(t, p, ret);
    const struct portcam_domain_row *domain = NULL;
    if (address >= 0) {
        domain = pc_tables_get(t, PORTCAM_TABLE_DOMAIN, (unsigned)ret->domain);
        ret->service_row = pc_tables_service(t, (unsigned)ret->domain, (unsigned)address, p);
        if (ret->service_row >= 0) {
            by_service(t, p, domain, ret);
            return;
        }
    }
    if (by_endpoint(t, p, ret))
        return;
    if (!domain)
        pc_decide_pass(t, p, PORTCAM_REASON_NO_MATCH, ret);
    else if (!by_state(t, p, domain, ret))
        pc_decide_by_policy(t, p, domain, ret);
}

void pc_decide_error_pass(const struct pc_tables *t, const struct pc_parsed *p,
                          struct pc_decision *d)
{
    d->drop = d->reply = false;
    d->domain = d->address = d->service = d->backend = -1;
    pc_decide_pass(t, p, PORTCAM_REASON_ICMP_ERROR, d);
}

/* An ICMP error: what the tables say of the packet that answers the embedded one, as far as it concerns the error. */
static void error_by_tables(const struct pc_tables *t, const struct pc_parsed *p,
                            struct pc_decision *d)
{
    struct pc_parsed key;
    pc_parsed_answer(p, &key);
    by_tables(t, &key, d);
    if (d->stage != PC_STAGE_DONE)
        return;
    switch (d->reason) {
    case PORTCAM_REASON_STATIC_FORWARD:
        d->reason = PORTCAM_REASON_ICMP_FORWARD;
        break;
    case PORTCAM_REASON_STATIC_REVERSE:
        d->reason = PORTCAM_REASON_ICMP_REVERSE;
        break;
    case PORTCAM_REASON_DELIVER:
    case PORTCAM_REASON_PAUSED_DROP:
    case PORTCAM_REASON_STOPPED_PASS:
    case PORTCAM_REASON_STOPPED_DROP:
    case PORTCAM_REASON_STOPPED_REJECT:
        break;
    default:
        pc_decide_error_pass(t, p, d);
        break;
    }
}

void pc_decide_by_tables(const struct pc_tables *t, const struct pc_parsed *p,
                         struct pc_decision *ret)
{
    *ret = (struct pc_decision){.address_row = -1,
                                .service_row = -1,
                                .endpoint_table = -1,
                                .endpoint_row = -1,
                                .domain = -1,
                                .address = -1,
                                .service = -1,
                                .backend = -1,
                                .record = -1,
                                .index = -1,
                                .candidate = {-1, -1}};
    if (p->about_flow)
        error_by_tables(t, p, ret);
    else if (!p->decided)
        by_tables(t, p, ret);
    else if (p->reason == PORTCAM_REASON_OVERSIZE)
        pc_decide_drop(p->reason, ret);
    else
        pc_decide_pass(t, p, p->reason, ret);
}
