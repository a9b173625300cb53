// SPDX-License-Identifier: Apache-2.0
/* Records in the path of a packet, step by step as in docs/pipeline.md section 4. */
#include "stateful.h"

#include "crc32c.h"

enum { SCTP = 132 };

/* One packet on its way through the steps. */
struct step {
    const struct pc_stateful *see; /* NULL: no records */
    struct pc_stateful *act;       /* NULL: nothing happens */
    const struct pc_tables *t;
    const struct pc_parsed *p;
    const struct pc_choice *choice;
    const struct portcam_service_row *service; /* towards a service */
    struct pc_client_key key;
    struct pc_packet packet;
    struct pc_decision *d;
};

/* ---- the records, wherever they are ---- */

static int forward_lookup(const struct step *s, struct pc_end public_end)
{
    const struct pc_stateful *see = s->see;
    unsigned service = s->service->service;
    if (!see)
        return -1;
    if (see->ops)
        return see->ops->forward(see->ctx, &s->key, service, public_end);
    return see->connections ? pc_connections_forward(see->connections, &s->key, service, public_end)
                            : -1;
}

static int reverse_lookup(const struct step *s, unsigned endpoint)
{
    const struct pc_stateful *see = s->see;
    if (!see)
        return -1;
    if (see->ops)
        return see->ops->reverse(see->ctx, &s->key, endpoint);
    return see->connections ? pc_connections_reverse(see->connections, &s->key, endpoint) : -1;
}

static const struct pc_connection *record_of(const struct step *s, unsigned slot)
{
    return s->see->ops ? s->see->ops->get(s->see->ctx, slot)
                       : pc_connections_get(s->see->connections, slot);
}

static uint32_t active_of(const struct step *s, unsigned backend)
{
    const struct pc_stateful *see = s->see;
    if (!see)
        return 0;
    if (see->ops)
        return see->ops->active(see->ctx, backend);
    return see->connections ? pc_connections_backend(see->connections, backend).active : 0;
}

static enum pc_result insert_record(struct step *s, struct pc_insert *i, unsigned *slot)
{
    struct pc_stateful *act = s->act;
    if (!s->see)
        return PC_RESULT_OK;
    if (!s->see->ops && !s->see->connections)
        return PC_RESULT_FULL;
    if (!act)
        return s->see->ops ? s->see->ops->may_insert(s->see->ctx, i)
                           : pc_connections_may_insert(s->see->connections, i);
    if (act->ops)
        return act->ops->insert(act->ctx, i, &s->packet, slot);
    enum pc_result result = pc_connections_insert(act->connections, i, &s->packet, slot);
    if (result == PC_RESULT_BAD_SLOT) { /* whoever chose it compares the slots */
        i->slot = PC_SLOT_ANY;
        result = pc_connections_insert(act->connections, i, &s->packet, slot);
    }
    return result;
}

static void replace_record(struct step *s, unsigned slot, const struct pc_insert *i)
{
    struct pc_stateful *act = s->act;
    if (act && act->ops)
        act->ops->replace(act->ctx, slot, i, &s->packet);
    else if (act)
        pc_connections_replace(act->connections, slot, record_of(s, slot)->generation, i,
                               &s->packet, NULL);
}

static void packet_passes(struct step *s, unsigned slot)
{
    struct pc_packet_result ret = {.ended = NULL};
    if (s->act && s->act->ops)
        s->act->ops->packet(s->act->ctx, slot, &s->packet);
    else if (s->act)
        pc_connections_packet(s->act->connections, slot, &s->packet, &ret);
}

/* ---- rows ---- */

static const struct portcam_backend_row *backend_row(const struct step *s, unsigned backend)
{
    return pc_tables_get(s->t, PORTCAM_TABLE_BACKEND, backend);
}

static bool is_own_family(const struct step *s, unsigned family)
{
    return (family == PORTCAM_FAMILY_6) == s->p->is_v6;
}

/* Leave to this backend for this reason. */
static void to_backend(struct step *s, unsigned reason, unsigned backend)
{
    const struct portcam_backend_row *b = backend_row(s, backend);
    if (!b || !is_own_family(s, b->family)) {
        pc_decide_drop(PORTCAM_REASON_NO_BACKEND, s->d);
        return;
    }
    s->d->reason = (uint8_t)reason;
    s->d->egress = b->egress;
    s->d->backend = (int)backend;
}

/* ---- step 7: a slot and its candidates ---- */

static unsigned client_hash(const struct step *s)
{
    const struct pc_tuple *client = &s->p->src;
    bool with_port = s->service->pick == PORTCAM_PICK_CLIENT_IP_PORT;
    uint8_t port[2] = {0};
    if (with_port) {
        port[0] = (uint8_t)(client->port >> 8);
        port[1] = (uint8_t)client->port;
    }
    return pc_crc32c(pc_crc32c(0, client->ip, sizeof(client->ip)), port, sizeof(port));
}

static unsigned random_index(struct step *s)
{
    if (s->choice)
        return s->choice->index;
    uint64_t state = s->see ? s->see->random : 0;
    state = state * 6364136223846793005u + 1442695040888963407u;
    if (s->act)
        s->act->random = state;
    return (unsigned)(state >> 48);
}

static unsigned slot_index(struct step *s)
{
    switch (s->service->pick) {
    case PORTCAM_PICK_COUNTER:
        return s->see ? s->see->counter[s->service->service] : 0;
    case PORTCAM_PICK_LEAST:
        return random_index(s);
    default:
        return client_hash(s) & 0xffff;
    }
}

static bool is_usable(const struct step *s, unsigned backend)
{
    const struct portcam_backend_row *b = backend_row(s, backend);
    return b && is_own_family(s, b->family) && b->weight != 0;
}

static void pick_slot(struct step *s)
{
    s->d->index = (int)slot_index(s);
    unsigned slot = (unsigned)s->d->index & ((1u << s->service->slots_log2) - 1);
    const struct portcam_schedule_row *row =
        pc_tables_get(s->t, PORTCAM_TABLE_SCHEDULE, s->service->schedule + slot / 8);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *at = row ? row->slot + (slot % 8) * 4 + i * 2u : NULL;
        unsigned backend = at ? at[0] | (unsigned)at[1] << 8 : PORTCAM_BACKEND_NONE;
        s->d->candidate[i] = is_usable(s, backend) ? (int)backend : -1;
    }
}

static bool has_candidate(const struct step *s)
{
    return s->d->candidate[0] >= 0 || s->d->candidate[1] >= 0;
}

static void no_backend(struct step *s)
{
    bool reject = s->service->no_backend == PORTCAM_NO_BACKEND_REJECT;
    pc_decide_drop(reject ? PORTCAM_REASON_NO_BACKEND_REJECT : PORTCAM_REASON_NO_BACKEND, s->d);
}

/* ---- step 8: one of the candidates ---- */

/* Usable and not ambiguous; `own` is the slot of the packet's own record, or -1. */
static bool may_take(const struct step *s, int backend, int own)
{
    if (backend < 0)
        return false;
    int other = reverse_lookup(s, backend_row(s, (unsigned)backend)->endpoint);
    return other < 0 || other == own;
}

/* Fewer active connections for its weight than the first? */
static bool second_is_less(const struct step *s)
{
    uint64_t active[2] = {0, 0}, weight[2];
    for (unsigned i = 0; i < 2; i++) {
        unsigned backend = (unsigned)s->d->candidate[i];
        active[i] = active_of(s, backend);
        weight[i] = backend_row(s, backend)->weight;
    }
    return active[1] * weight[0] < active[0] * weight[1];
}

/* The backend, or -1. */
static int choose(struct step *s, int own)
{
    struct pc_decision *d = s->d;
    bool first = may_take(s, d->candidate[0], own);
    bool second = may_take(s, d->candidate[1], own);
    d->free_choice = first && second && s->service->pick == PORTCAM_PICK_LEAST;
    if (d->free_choice)
        d->second = s->choice ? s->choice->second : second_is_less(s);
    else
        d->second = !first && second;
    return first || second ? d->candidate[d->second] : -1;
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
        .endpoint = backend_row(s, backend)->endpoint,
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
    enum pc_result result = insert_record(s, &i, &slot);
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
    replace_record(s, slot, &i);
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
    pick_slot(s);
    s->d->asked = own < 0 && s->service->pick == PORTCAM_PICK_COUNTER;
    if (!has_candidate(s)) {
        no_backend(s);
        return;
    }
    int backend = choose(s, own);
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
        pick_slot(s);
        s->d->second = s->d->candidate[0] < 0;
        if (has_candidate(s))
            to_backend(s, PORTCAM_REASON_HASH_FORWARD, (unsigned)s->d->candidate[s->d->second]);
        else
            no_backend(s);
        break;
    }
}

/* Step 3. */
static void by_record(struct step *s, unsigned slot)
{
    const struct pc_connection *r = record_of(s, slot);
    const struct portcam_backend_row *b = backend_row(s, r->backend);
    unsigned backend = r->backend;
    s->d->record = (int)slot;
    s->packet.backend_accepts = b && b->weight != 0;
    enum pc_meeting meeting = pc_connection_meets(r, &s->packet);
    if (meeting == PC_MEETS_RESCHEDULE) {
        new_connection(s, (int)slot);
        return;
    }
    packet_passes(s, slot);
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
    int slot = forward_lookup(s, public_end);
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
    const struct pc_connection *r = record_of(s, slot);
    const struct portcam_public_row *row =
        pc_tables_get(s->t, PORTCAM_TABLE_PUBLIC, r->public_end.address);
    struct pc_decision *d = s->d;
    d->record = (int)slot;
    if (!row || !is_own_family(s, row->family)) {
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
    int slot = reverse_lookup(s, e->backend);
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
        packet_passes(s, (unsigned)s->d->record);
}

/* ---- an ICMP error: the record of the packet that it is about, looked at only ---- */

static void error_towards_service(struct step *s)
{
    struct pc_end public_end = {.address = (uint16_t)s->d->address, .port = s->p->dst.port};
    int slot = s->d->loopback ? -1 : forward_lookup(s, public_end);
    if (slot >= 0) {
        s->d->record = slot;
        to_backend(s, PORTCAM_REASON_ICMP_FORWARD, record_of(s, (unsigned)slot)->backend);
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
