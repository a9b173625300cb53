// SPDX-License-Identifier: Apache-2.0
/*
 * From names to registers. The card knows one pair of addresses and one of ports, and may exchange
 * both sides at once; what goes beyond that is compared here, see trace_filter.h.
 */
#include "trace/trace_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST = 65535, /* of the registers */
    /* Of the card, where more is compared here: what it hands over in vain costs no sample. */
    WIDE_RATE = 20000,
    WIDE_BURST = 4096,
};
#define ALL_REASONS ((uint64_t)-1)

static const struct {
    const char *name, *fate;
} Reasons[] = {
#define REASON(value, name, rule, fate, about) [value] = {name, fate},
    PORTCAM_REASON_LIST(REASON)
#undef REASON
};

/* ---- heads ---- */

/* As the slow path: it may read all of a frame, so all of it is there, with zeros behind the head. */
static void parse_fragment(const struct portcam_trace_sample *s, struct pc_parsed *ret)
{
    uint8_t frame[UINT16_MAX + 1] = {0};

    memcpy(frame, s->head, s->captured);
    pc_parse_slow(frame, s->header.len, s->header.ingress, sizeof(frame), ret);
}

void pc_trace_parse(const struct portcam_trace_sample *s, struct pc_parsed *ret)
{
    pc_parse(s->head, s->header.len, s->header.ingress, UINT16_MAX, ret);
    if (ret->reason == PORTCAM_REASON_FRAGMENT)
        parse_fragment(s, ret);
}
_Static_assert(PORTCAM_TRACE_WINDOW >= PORTCAM_BUILD_WINDOW, "a head is all that is parsed");

bool pc_trace_has_addresses(const struct pc_parsed *p)
{
    static const uint64_t without =
        1ull << PORTCAM_REASON_NON_IP | 1ull << PORTCAM_REASON_UNPARSED_SHORT |
        1ull << PORTCAM_REASON_UNPARSED_VERSION | 1ull << PORTCAM_REASON_UNPARSED_IHL |
        1ull << PORTCAM_REASON_UNPARSED_LENGTH | 1ull << PORTCAM_REASON_OVERSIZE;
    return !p->decided || !(without >> p->reason & 1);
}

/* ---- reading ---- */

struct reader {
    const struct portcam *pc;
    struct portcam_report *report;
    struct pc_trace_plan *plan;
};

static int bad(const struct reader *r, const char *what, const char *text, const char *cure)
{
    pc_report_add(r->report, "usage", "%s is \"%.80s\"; %s", what, text, cure);
    return -EINVAL;
}

static int read_prefix(const struct reader *r, const char *what, const char *text,
                       struct pc_trace_prefix *ret)
{
    if (!text)
        return 0;
    int rc = pc_prefix_parse(text, &ret->ip, &ret->length);
    if (rc == -ERANGE)
        return bad(r, what, text, "it has bits behind its length");
    return rc ? bad(r, what, text, "give an address, or ADDRESS/LENGTH") : 0;
}

static int check_number(const struct reader *r, const char *what, unsigned value)
{
    if (value <= MOST)
        return 0;
    pc_report_add(r->report, "usage", "%s is %u; it is at most %d", what, value, MOST);
    return -EINVAL;
}

static int check_numbers(const struct reader *r, const struct portcam_trace_filter *f)
{
    const struct {
        const char *what;
        unsigned value;
    } numbers[] = {{"the source port", f->src_port},
                   {"the destination port", f->dst_port},
                   {"a port", f->ports[0]},
                   {"a port", f->ports[1]},
                   {"every", f->every},
                   {"rate", f->rate}};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
        rc = check_number(r, numbers[i].what, numbers[i].value);
    if (rc == 0 && f->version != 0 && f->version != 4 && f->version != 6) {
        pc_report_add(r->report, "usage", "there is IP version 4 and 6, not %u", f->version);
        rc = -EINVAL;
    }
    return rc;
}

static bool is_named(const struct portcam_config *config, enum pc_kind kind, size_t index,
                     const char *name)
{
    struct pc_ip ip;
    unsigned length;

    if (strcmp(name, pc_object_name(config, kind, index)) == 0)
        return true;
    if (kind != PC_ADDRESS || pc_prefix_parse(name, &ip, &length))
        return false;
    const struct pc_cfg_address *a = &config->addresses[index];
    return a->vlan == PC_NONE && a->length == length && pc_ip_same_prefix(&a->ip, &ip, length);
}

static int read_name(const struct reader *r, const char *what, enum pc_kind kind, const char *name,
                     int *ret)
{
    const struct pc_numbers *n = &r->pc->plan->numbers[kind];

    if (!name)
        return 0;
    for (size_t i = 0; i < n->count; i++) {
        if (is_named(r->pc->plan->config, kind, i, name)) {
            *ret = n->number[i];
            r->plan->rest.any = true;
            return 0;
        }
    }
    pc_report_add(r->report, "not_found", "there is no %s \"%.80s\"; `portcam %s show` lists them",
                  what, name, what);
    return -ENOENT;
}

static uint64_t reasons_of(const char *word, size_t len)
{
    uint64_t found = 0;

    for (unsigned i = 0; i < sizeof(Reasons) / sizeof(Reasons[0]); i++) {
        if (Reasons[i].name &&
            ((strlen(Reasons[i].name) == len && memcmp(Reasons[i].name, word, len) == 0) ||
             (strlen(Reasons[i].fate) == len && memcmp(Reasons[i].fate, word, len) == 0)))
            found |= 1ull << i;
    }
    return found;
}

static int read_reasons(const struct reader *r, const char *text)
{
    uint64_t *reasons = &r->plan->card.reasons;

    *reasons = text ? 0 : ALL_REASONS;
    while (text) {
        size_t len = strcspn(text, ",");
        uint64_t found = reasons_of(text, len);
        if (!found) {
            pc_report_add(r->report, "not_found",
                          "there is no reason \"%.*s\"; `portcam stats show --all` lists them; "
                          "pass, drop, rewrite, deliver and reject stand for all of that fate",
                          (int)(len < 80 ? len : 80), text);
            return -ENOENT;
        }
        *reasons |= found;
        text = text[len] ? text + len + 1 : NULL;
    }
    return 0;
}

static int read_what(const struct reader *r, const struct portcam_trace_filter *f)
{
    uint32_t *what = &r->plan->card.what;
    unsigned protocol = 0;

    if (f->protocol && pc_protocol_parse(f->protocol, &protocol))
        return bad(r, "the protocol", f->protocol,
                   "give tcp, udp, sctp, icmp, icmpv6 or a number from 1 to 255");
    if (f->protocol)
        *what |= protocol << PORTCAM_TRACE_FILTER_PROTOCOL_SHIFT | PORTCAM_TRACE_FILTER_BY_PROTOCOL;
    if (f->version)
        *what |=
            PORTCAM_TRACE_FILTER_BY_VERSION | (f->version == 6 ? PORTCAM_TRACE_FILTER_IPV6 : 0);
    if (!f->by_ingress)
        return 0;
    if (f->ingress >= pc_hw_caps(r->pc->hw)->functions) {
        pc_report_add(r->report, "usage", "there is no function %u; this card has 0 to %u",
                      f->ingress, pc_hw_caps(r->pc->hw)->functions - 1);
        return -EINVAL;
    }
    *what |= f->ingress << PORTCAM_TRACE_FILTER_INGRESS_SHIFT | PORTCAM_TRACE_FILTER_BY_INGRESS;
    return 0;
}

/* ---- what the card compares ---- */

static void set_side(const struct pc_trace_prefix *p, uint8_t ip[16], uint8_t mask[16],
                     uint32_t *what)
{
    if (!p->ip.family)
        return;
    memcpy(ip, p->ip.bytes, 16);
    for (unsigned bit = 0; bit < p->length; bit++)
        mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    *what |= PORTCAM_TRACE_FILTER_BY_VERSION | (p->ip.family == 6 ? PORTCAM_TRACE_FILTER_IPV6 : 0);
}

static void set_ports(struct pc_samples_filter *card, unsigned src, unsigned dst)
{
    card->src_port = (uint16_t)src;
    card->src_port_mask = src ? MOST : 0;
    card->dst_port = (uint16_t)dst;
    card->dst_port_mask = dst ? MOST : 0;
}

struct sides {
    struct pc_trace_prefix src, dst, hosts[2];
};

/* Both sides at once are exchanged, or neither: what stands on either side goes to the card as far as that can say it. */
static void set_sides(struct pc_trace_plan *plan, const struct portcam_trace_filter *f,
                      const struct sides *s)
{
    bool has_hosts = s->hosts[0].ip.family || s->hosts[1].ip.family;
    bool has_ports = f->ports[0] || f->ports[1];
    bool fixed = s->src.ip.family || s->dst.ip.family || f->src_port || f->dst_port;
    struct pc_samples_filter *card = &plan->card;

    set_side(&s->src, card->src, card->src_mask, &card->what);
    set_side(&s->dst, card->dst, card->dst_mask, &card->what);
    set_ports(card, f->src_port, f->dst_port);
    if (!fixed && has_hosts) {
        set_side(&s->hosts[0], card->src, card->src_mask, &card->what);
        set_side(&s->hosts[1], card->dst, card->dst_mask, &card->what);
        card->what |= PORTCAM_TRACE_FILTER_BOTH;
    } else if (!fixed && has_ports) {
        set_ports(card, f->ports[0], f->ports[1]);
        card->what |= PORTCAM_TRACE_FILTER_BOTH;
    }
    if (has_hosts && fixed) {
        memcpy(plan->rest.hosts, s->hosts, sizeof(s->hosts));
        plan->rest.any = true;
    }
    if (has_ports && (fixed || has_hosts)) {
        memcpy(plan->rest.ports, f->ports, sizeof(f->ports));
        plan->rest.any = true;
    }
}

static int read_sides(const struct reader *r, const struct portcam_trace_filter *f)
{
    struct sides s = {.src.ip.family = 0};
    const struct pc_trace_prefix *all[] = {&s.src, &s.dst, &s.hosts[0], &s.hosts[1]};
    unsigned version = f->version;
    int rc = read_prefix(r, "the source", f->src, &s.src);

    if (rc == 0)
        rc = read_prefix(r, "the destination", f->dst, &s.dst);
    for (unsigned i = 0; rc == 0 && i < 2; i++)
        rc = read_prefix(r, "a host", f->hosts[i], &s.hosts[i]);
    for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++) {
        if (version && all[i]->ip.family && all[i]->ip.family != version) {
            pc_report_add(r->report, "usage", "no packet is of IPv4 and of IPv6");
            rc = -EINVAL;
        }
        version = all[i]->ip.family ? all[i]->ip.family : version;
    }
    if (rc == 0)
        set_sides(r->plan, f, &s);
    return rc;
}

static void set_limits(struct pc_trace_plan *plan, unsigned every, unsigned rate)
{
    bool wide = plan->rest.any;

    plan->rest.every = every;
    plan->rest.rate = rate;
    plan->card.every = wide ? 1 : (uint16_t)every;
    plan->card.rate = wide && rate < WIDE_RATE ? WIDE_RATE : (uint16_t)rate;
    plan->card.burst = wide && rate < WIDE_BURST ? WIDE_BURST : (uint16_t)rate;
}

int pc_trace_plan_make(const struct portcam *pc, const struct portcam_trace_filter *f,
                       struct portcam_report *report, struct pc_trace_plan *ret)
{
    struct pc_trace_plan plan = {
        .rest = {.domain = PC_NONE, .address = PC_NONE, .service = PC_NONE, .backend = PC_NONE}};
    const struct reader r = {pc, report, &plan};
    int rc = check_numbers(&r, f);

    if (rc == 0)
        rc = read_what(&r, f);
    if (rc == 0)
        rc = read_reasons(&r, f->reasons);
    if (rc == 0)
        rc = read_name(&r, "domain", PC_DOMAIN, f->domain, &plan.rest.domain);
    if (rc == 0)
        rc = read_name(&r, "address", PC_ADDRESS, f->address, &plan.rest.address);
    if (rc == 0)
        rc = read_name(&r, "service", PC_SERVICE, f->service, &plan.rest.service);
    if (rc == 0)
        rc = read_name(&r, "backend", PC_BACKEND, f->backend, &plan.rest.backend);
    if (rc == 0)
        rc = read_sides(&r, f);
    if (rc)
        return rc;
    set_limits(&plan, f->every ? f->every : 1, f->rate ? f->rate : PORTCAM_TRACE_RATE);
    *ret = plan;
    return 0;
}

/* ---- what is left ---- */

static bool is_in(const struct pc_trace_prefix *p, const struct pc_tuple *t, bool is_v6)
{
    struct pc_ip ip = {.family = is_v6 ? 6 : 4};

    memcpy(ip.bytes, t->ip, sizeof(ip.bytes));
    return p->ip.family == 0 || pc_ip_same_prefix(&p->ip, &ip, p->length);
}

static bool is_port(unsigned wanted, unsigned port)
{
    return wanted == 0 || wanted == port;
}

static bool hosts_fit(const struct pc_trace_prefix hosts[2], const struct pc_parsed *p)
{
    if (!hosts[0].ip.family && !hosts[1].ip.family)
        return true;
    return pc_trace_has_addresses(p) &&
           ((is_in(&hosts[0], &p->src, p->is_v6) && is_in(&hosts[1], &p->dst, p->is_v6)) ||
            (is_in(&hosts[1], &p->src, p->is_v6) && is_in(&hosts[0], &p->dst, p->is_v6)));
}

static bool ports_fit(const unsigned ports[2], const struct pc_parsed *p)
{
    if (!ports[0] && !ports[1])
        return true;
    return p->has_ports && ((is_port(ports[0], p->src.port) && is_port(ports[1], p->dst.port)) ||
                            (is_port(ports[1], p->src.port) && is_port(ports[0], p->dst.port)));
}

bool pc_trace_fits(const struct pc_trace_rest *rest, const struct portcam_trace_header *h,
                   const struct pc_parsed *p)
{
    return (rest->domain == PC_NONE || rest->domain == h->domain) &&
           (rest->address == PC_NONE || rest->address == h->address) &&
           (rest->service == PC_NONE || rest->service == h->service) &&
           (rest->backend == PC_NONE || rest->backend == h->backend) && hosts_fit(rest->hosts, p) &&
           ports_fit(rest->ports, p);
}
