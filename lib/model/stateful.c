// SPDX-License-Identifier: Apache-2.0
/* Records in the path of a packet, step by step as in docs/pipeline.md section 4. */
#include "stateful_step.h"

enum { SCTP = 132 };

/* ---- rows ---- */

/* Leave to this backend for this reason. */
static void to_backend(struct step *s, unsigned reason, unsigned backend)
{
    const struct portcam_backend_row *b = pc_step_backend(s, backend);
    if (!b || !pc_step_is_own_family(s, b->family)) {
        pc_decide_drop(PORTCAM_REASON_NO_BACKEND, s->d);
        return;
    }
    s->d->reason = (uint8_t)reason;
    s->d->egress = b->egress;
    s->d->backend = (int)backend;
}

/* ---- step 7: a slot and its candidates ---- */

static void no_backend(struct step *s)
{
    bool reject = s->service->no_backend == PORTCAM_NO_BACKEND_REJECT;
    pc_decide_drop(reject ? PORTCAM_REASON_NO_BACKEND_REJECT : PORTCAM_REASON_NO_BACKEND, s->d);
}

/* ---- step 9: the record ---- */

static struct pc_insert new_record(const struct step *s, unsigned backend)
{
    const struct portcam_limits_row *limits = pc_tables_get(s->t, PORTCAM_TABLE_LIMITS, 0);
    return (struct pc_insert){
        .key = s->key,
        .service = s->service->service,
        .public_end = {.address = (uint16_t)s->d->address, .port = s->p->dst.port},
        .backend = (uint16_t)backend,
        .endpoint = pc_step_backend(s, backend)->endpoint,
        .slot = s->choice ? s->choice->slot : PC_SLOT_ANY,
        .full = s->choice && !s->choice->room,
        .embryonic_limit = limits ? limits->embryonic : 0,
    };
}

static void without_record(struct step *s, unsigned drop, unsigned hash, unsigned backend)
{
    if (s->service->full == PORTCAM_FULL_HASH)
        to_backend(s, hash, backend);
    else if (s->service->full == PORTCAM_FULL_PUNT && drop == PORTCAM_REASON_TABLE_FULL)
        pc_decide_drop(PORTCAM_REASON_TABLE_FULL_PUNT, s->d);
    else
        pc_decide_drop(drop, s->d);
}

static void insert(struct step *s, unsigned backend)
{
    struct pc_insert i = new_record(s, backend);
    unsigned slot = 0;
    enum pc_result result = pc_step_insert(s, &i, &slot);
    if (result == PC_RESULT_FULL) {
        without_record(s, PORTCAM_REASON_TABLE_FULL, PORTCAM_REASON_TABLE_FULL_HASH, backend);
    } else if (result == PC_RESULT_EMBRYONIC_FULL) {
        without_record(s, PORTCAM_REASON_EMBRYONIC_FULL, PORTCAM_REASON_EMBRYONIC_FULL_HASH,
                       backend);
    } else {
        s->d->began = s->d->inserted = true;
        s->d->record = s->act ? (int)slot : -1;
        to_backend(s, PORTCAM_REASON_CONNECTION_NEW, backend);
    }
}

static void replace(struct step *s, unsigned slot, unsigned backend)
{
    struct pc_insert i = new_record(s, backend);
    pc_step_replace(s, slot, &i);
    s->d->began = true;
    to_backend(s, PORTCAM_REASON_CONNECTION_NEW, backend);
}

/* Steps 6 to 9; `own` is the slot of the record whose place is taken, or -1. */
static void new_connection(struct step *s, int own)
{
    const struct portcam_domain_row *domain =
        pc_tables_get(s->t, PORTCAM_TABLE_DOMAIN, s->service->domain);
    if (domain->state == PORTCAM_DOMAIN_STATE_DRAINING) {
        pc_decide_by_policy(s->t, s->p, domain, s->d);
        return;
    }
    pc_step_pick(s);
    s->d->asked = own < 0 && s->service->pick == PORTCAM_PICK_COUNTER;
    if (!pc_step_has_candidate(s)) {
        no_backend(s);
        return;
    }
    int backend = pc_step_choose(s, own);
    if (backend < 0)
        pc_decide_drop(PORTCAM_REASON_AMBIGUOUS_REJECT, s->d);
    else if (own >= 0)
        replace(s, (unsigned)own, (unsigned)backend);
    else
        insert(s, (unsigned)backend);
}

/* Step 5. */
static void by_no_record(struct step *s)
{
    switch (s->service->no_record) {
    case PORTCAM_NO_RECORD_REJECT:
        pc_decide_drop(PORTCAM_REASON_NO_RECORD_REJECT, s->d);
        break;
    case PORTCAM_NO_RECORD_DROP:
        pc_decide_drop(PORTCAM_REASON_NO_RECORD_DROP, s->d);
        break;
    case PORTCAM_NO_RECORD_PASS:
        pc_decide_pass(s->t, s->p, PORTCAM_REASON_NO_RECORD_PASS, s->d);
        break;
    default:
        pc_step_pick(s);
        s->d->second = s->d->candidate[0] < 0;
        if (pc_step_has_candidate(s))
            to_backend(s, PORTCAM_REASON_HASH_FORWARD, (unsigned)s->d->candidate[s->d->second]);
        else
            no_backend(s);
        break;
    }
}

/* Step 3. */
static void by_record(struct step *s, unsigned slot)
{
    const struct pc_connection *r = pc_step_record(s, slot);
    const struct portcam_backend_row *b = pc_step_backend(s, r->backend);
    unsigned backend = r->backend;
    s->d->record = (int)slot;
    s->packet.backend_accepts = b && b->weight != 0;
    enum pc_meeting meeting = pc_connection_meets(r, &s->packet);
    if (meeting == PC_MEETS_RESCHEDULE) {
        new_connection(s, (int)slot);
        return;
    }
    pc_step_packet(s, slot);
    s->d->began = meeting == PC_MEETS_KEEP;
    to_backend(s, s->d->began ? PORTCAM_REASON_CONNECTION_NEW : PORTCAM_REASON_CONNECTION_FORWARD,
               backend);
}

static void move_counter(struct step *s)
{
    bool moves = s->choice ? s->choice->asked : s->d->asked;
    if (s->act && moves && s->service->pick == PORTCAM_PICK_COUNTER)
        s->act->counter[s->service->service]++;
}

static void towards_service(struct step *s)
{
    bool keeps_port = s->service->flags & PORTCAM_SERVICE_ROW_KEEPS_PORT;
    if (pc_decide_slow_path(s->t, s->p, !keeps_port, s->d))
        return;
    if (s->d->loopback) {
        by_no_record(s);
        return;
    }
    struct pc_end public_end = {.address = (uint16_t)s->d->address, .port = s->p->dst.port};
    int slot = pc_step_forward(s, public_end);
    if (slot >= 0)
        by_record(s, (unsigned)slot);
    else if (pc_may_create(s->p) == PC_CREATE_OK)
        new_connection(s, -1);
    else
        by_no_record(s);
    move_counter(s);
}

/* ---- from an endpoint ---- */

/* The record of a reply takes it to the client. */
static void by_reply_record(struct step *s, unsigned slot)
{
    const struct pc_connection *r = pc_step_record(s, slot);
    const struct portcam_public_row *row =
        pc_tables_get(s->t, PORTCAM_TABLE_PUBLIC, r->public_end.address);
    struct pc_decision *d = s->d;
    d->record = (int)slot;
    if (!row || !pc_step_is_own_family(s, row->family)) {
        pc_decide_pass(s->t, s->p, PORTCAM_REASON_REPLY_PASS, d);
        return;
    }
    d->reason = PORTCAM_REASON_CONNECTION_REVERSE;
    d->egress = (uint8_t)pc_reply_egress(s->t, s->p);
    d->address = r->public_end.address;
    d->service = r->service;
    d->backend = r->backend;
    d->public_port = r->public_end.port;
}

/* Where a reply goes; nothing happens to its record yet. */
static void find_reply(struct step *s)
{
    struct pc_decision *d = s->d;
    const struct portcam_endpoint_row *e =
        pc_tables_get(s->t, (unsigned)d->endpoint_table, (unsigned)d->endpoint_row);
    if (pc_decide_slow_path(s->t, s->p, !(e->flags & PORTCAM_ENDPOINT_ROW_KEEPS_PORT), d))
        return;
    s->key.client = s->p->dst;
    s->key.group = e->service;
    s->packet.from = PC_FROM_BACKEND;
    s->key.kept_port = d->endpoint_table == PORTCAM_TABLE_ENDPOINT ? 0 : s->p->src.port;
    int slot = pc_step_reverse(s, e->backend);
    if (slot >= 0) {
        by_reply_record(s, (unsigned)slot);
    } else if (e->flags & PORTCAM_ENDPOINT_ROW_ALONE) {
        d->reason = PORTCAM_REASON_HASH_REVERSE;
        d->egress = (uint8_t)pc_reply_egress(s->t, s->p);
        d->address = e->address;
        d->service = e->service;
        d->backend = e->backend;
    } else {
        pc_decide_pass(s->t, s->p, PORTCAM_REASON_REPLY_PASS, d);
    }
}

static void from_endpoint(struct step *s)
{
    find_reply(s);
    if (s->d->record >= 0)
        pc_step_packet(s, (unsigned)s->d->record);
}

/* ---- an ICMP error: the record of the packet that it is about, looked at only ---- */

static void error_towards_service(struct step *s)
{
    struct pc_end public_end = {.address = (uint16_t)s->d->address, .port = s->p->dst.port};
    int slot = s->d->loopback ? -1 : pc_step_forward(s, public_end);
    if (slot >= 0) {
        s->d->record = slot;
        to_backend(s, PORTCAM_REASON_ICMP_FORWARD, pc_step_record(s, (unsigned)slot)->backend);
    }
    if (s->d->reason != PORTCAM_REASON_ICMP_FORWARD)
        pc_decide_error_pass(s->t, s->p, s->d);
}

static void error_from_endpoint(struct step *s)
{
    find_reply(s);
    if (s->d->reason == PORTCAM_REASON_REPLY_PASS)
        pc_decide_error_pass(s->t, s->p, s->d);
    else
        s->d->reason = PORTCAM_REASON_ICMP_REVERSE;
}

/* ---- all of it ---- */

static void decide(struct step *s, uint32_t now)
{
    const struct pc_parsed *p = s->p;
    s->key = (struct pc_client_key){.client = p->src, .is_v6 = p->is_v6, .protocol = p->protocol};
    s->packet = (struct pc_packet){.from = PC_FROM_CLIENT,
                                   .tcp_flags = p->tcp_flags,
                                   .seq = p->seq,
                                   .payload = p->payload,
                                   .len = p->len,
                                   .now = now};
    if (s->d->stage == PC_STAGE_ENDPOINT) {
        if (p->about_flow)
            error_from_endpoint(s);
        else
            from_endpoint(s);
        return;
    }
    s->service = pc_tables_get(s->t, PORTCAM_TABLE_SERVICE, (unsigned)s->d->service_row);
    s->key.group = s->service->group;
    s->key.kept_port = s->service->flags & PORTCAM_SERVICE_ROW_EXACT_PORT ? 0 : p->dst.port;
    if (p->about_flow)
        error_towards_service(s);
    else
        towards_service(s);
}

static void decide_packet(struct step *s, uint32_t now)
{
    const struct pc_parsed *packet = s->p;
    struct pc_parsed key;
    if (packet->about_flow) {
        pc_parsed_answer(packet, &key);
        s->p = &key;
    }
    decide(s, now);
    s->p = packet;
}

static void refuse(const struct pc_parsed *p, struct pc_decision *d)
{
    if (!d->drop || !pc_reason_is_reject(d->reason))
        return;
    d->refusal = d->reason;
    if (pc_reject_is_silent(p))
        d->reason = PORTCAM_REASON_REJECT_SILENT;
}

void pc_stateful_decide(struct pc_stateful *s, const struct pc_tables *t, const struct pc_parsed *p,
                        const struct pc_choice *choice, uint32_t now, struct pc_decision *d)
{
    if (d->stage != PC_STAGE_DONE) {
        struct step step = {.see = s, .act = s, .t = t, .p = p, .choice = choice, .d = d};
        decide_packet(&step, now);
    }
    refuse(p, d);
}

void pc_stateful_explain(const struct pc_stateful *s, const struct pc_tables *t,
                         const struct pc_parsed *p, struct pc_decision *d)
{
    if (d->stage != PC_STAGE_DONE) {
        struct step step = {.see = s, .t = t, .p = p, .d = d};
        decide_packet(&step, 0);
    }
    refuse(p, d);
}

void pc_decide(const struct pc_tables *t, const struct pc_parsed *p, struct pc_decision *ret)
{
    pc_decide_by_tables(t, p, ret);
    pc_stateful_explain(NULL, t, p, ret);
}
