// SPDX-License-Identifier: Apache-2.0
/*
 * Records between mirror and card; see slow_records.h. A packet of the slow path is not seen by the card's record, so what it
 * changes there is written: its state, and that it lives, when half of its time is over. Its packets and octets are counted
 * with that, not before.
 */
#include "slow_records.h"

#include <string.h>

enum { TCP = 6 };

struct pc_connections *pc_slow_scratch(void)
{
    const struct pc_connection_sizes sizes = {.rows = {1, 1}, .backends = 1};
    return pc_connections_new(&sizes);
}

static bool same_key(const struct pc_client_key *a, const struct pc_client_key *b)
{
    return memcmp(a->client.ip, b->client.ip, sizeof(a->client.ip)) == 0 &&
           a->client.port == b->client.port && a->is_v6 == b->is_v6 && a->protocol == b->protocol &&
           a->group == b->group && a->kept_port == b->kept_port;
}

/* Its index, or -1. */
static int remember(struct pc_slow_view *v, const struct pc_connection *r)
{
    if (r->state == PC_STATE_NONE || r->state >= PC_STATE_MAX)
        return -1;
    for (unsigned i = 0; i < v->n_known; i++) {
        if (v->known[i].slot == r->slot && v->known[i].generation == r->generation)
            return (int)i;
    }
    if (v->n_known == sizeof(v->known) / sizeof(v->known[0]))
        return -1;
    v->known[v->n_known] = *r;
    return (int)v->n_known++;
}

/* True once, where it matters: what the card did until now is known from here on. */
static bool settles(struct pc_slow_view *v)
{
    bool card_tells = v->creates && v->asked && !v->sure;
    if (v->settled || !v->ops->settle || card_tells)
        return false;
    v->settled = true;
    v->ops->settle(v->ops->ctx, v->sure);
    return true;
}

static int find_forward(void *ctx, const struct pc_client_key *key, unsigned service,
                        struct pc_end public_end)
{
    struct pc_slow_view *v = ctx;
    struct pc_connection r;

    v->asked = true;
    do {
        if (v->ops->find_forward(v->ops->ctx, key, service, public_end, &r) &&
            same_key(&r.key, key) && r.service == service &&
            r.public_end.address == public_end.address && r.public_end.port == public_end.port)
            return remember(v, &r);
    } while (settles(v));
    return -1;
}

static int find_reverse(void *ctx, const struct pc_client_key *key, unsigned endpoint)
{
    struct pc_slow_view *v = ctx;
    struct pc_connection r;

    do {
        if (v->ops->find_reverse(v->ops->ctx, key, endpoint, &r) && same_key(&r.key, key) &&
            r.endpoint == endpoint)
            return remember(v, &r);
    } while (settles(v));
    return -1;
}

static const struct pc_connection *get(void *ctx, unsigned slot)
{
    const struct pc_slow_view *v = ctx;
    return slot < v->n_known ? &v->known[slot] : NULL;
}

static uint32_t active(void *ctx, unsigned backend)
{
    const struct pc_slow_view *v = ctx;
    return v->ops->active ? v->ops->active(v->ops->ctx, backend) : 0;
}

static enum pc_result may_insert(void *ctx, const struct pc_insert *i)
{
    const struct pc_slow_view *v = ctx;

    if (i->embryonic_limit && v->ops->embryonic &&
        v->ops->embryonic(v->ops->ctx) >= i->embryonic_limit)
        return PC_RESULT_EMBRYONIC_FULL;
    return PC_RESULT_OK;
}

static struct pc_connection new_record(const struct pc_insert *i, const struct pc_packet *first)
{
    bool tcp = i->key.protocol == TCP;
    return (struct pc_connection){
        .key = i->key,
        .service = i->service,
        .public_end = i->public_end,
        .backend = i->backend,
        .endpoint = i->endpoint,
        .state = tcp ? PC_STATE_SYN_SEEN : PC_STATE_UNREPLIED,
        .embryonic = true,
        .client_next = tcp ? pc_tcp_end(first->seq, first->payload, first->tcp_flags) : 0,
        .created = first->now,
        .last_used = first->now,
        .forward = {.packets = 1, .octets = first->len},
    };
}

static enum pc_result insert(void *ctx, const struct pc_insert *i, const struct pc_packet *first,
                             unsigned *slot)
{
    struct pc_slow_view *v = ctx;
    struct pc_connection r = new_record(i, first);
    enum pc_result result = may_insert(ctx, i);

    if (result != PC_RESULT_OK)
        return result;
    result = v->ops->insert(v->ops->ctx, &r);
    if (result == PC_RESULT_EXISTS || result == PC_RESULT_AMBIGUOUS) {
        v->conflict = true;
        result = PC_RESULT_OK;
    } else if (result != PC_RESULT_OK) {
        return PC_RESULT_FULL;
    } else {
        v->inserted++;
    }
    *slot = 0;
    return result;
}

static bool update(struct pc_slow_view *v, unsigned slot, const struct pc_connection *to)
{
    if (v->ops->update(v->ops->ctx, &v->known[slot], to) != PC_RESULT_OK)
        return false;
    v->updated++;
    return true;
}

static enum pc_result replace(void *ctx, unsigned slot, const struct pc_insert *i,
                              const struct pc_packet *first)
{
    struct pc_slow_view *v = ctx;
    struct pc_connection r = new_record(i, first);

    if (!update(v, slot, &r))
        v->conflict = true;
    return PC_RESULT_OK;
}

/* The record behind a packet; false where the card need not know. */
static bool follow(struct pc_slow_view *v, const struct pc_connection *r, const struct pc_packet *p,
                   struct pc_connection *ret)
{
    const struct portcam_timeout_row *timeouts =
        pc_tables_get(v->tables, PORTCAM_TABLE_TIMEOUT, r->service);
    struct pc_packet_result result = {.ended = NULL};
    struct pc_connection alone = *r;
    unsigned slot;

    alone.backend = 0; /* the only one of the scratch table */
    if (pc_connections_restore(v->scratch, &alone, PC_SLOT_ANY, false, &slot) != PC_RESULT_OK)
        return false;
    pc_connections_packet(v->scratch, slot, p, &result);
    *ret = *pc_connections_get(v->scratch, slot);
    pc_connections_delete(v->scratch, slot, ret->generation, p->now, NULL);
    ret->backend = r->backend;
    ret->slot = r->slot;
    ret->generation = r->generation;
    bool aged = timeouts && ret->last_used == p->now &&
                pc_timeout_over(p->now, r->last_used, pc_timeout_of(timeouts, r->state) / 2);
    return result.effects & PC_EFFECT_KEPT || ret->state != r->state ||
           ret->embryonic != r->embryonic || aged;
}

static void packet(void *ctx, unsigned slot, const struct pc_packet *p)
{
    struct pc_slow_view *v = ctx;
    struct pc_connection after;

    if (follow(v, &v->known[slot], p, &after))
        update(v, slot, &after);
}

const struct pc_record_ops PcSlowRecords = {
    .forward = find_forward,
    .reverse = find_reverse,
    .get = get,
    .active = active,
    .may_insert = may_insert,
    .insert = insert,
    .replace = replace,
    .packet = packet,
};
