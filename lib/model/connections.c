// SPDX-License-Identifier: Apache-2.0
/* Beginning and end of connection records, and what is set and read from outside: connections.h. */
#include "connection_table.h"

#include <string.h>

/* ---- settings and counters ---- */

bool pc_connections_set_timeouts(struct pc_connections *c, unsigned service,
                                 const struct pc_timeouts *t)
{
    if (service >= c->sizes.services)
        return false;
    for (unsigned s = PC_STATE_NONE + 1; s < PC_STATE_MAX; s++) {
        uint32_t ms = pc_timeout_of(t, s);
        if (ms == 0 || ms > INT32_MAX)
            return false;
    }
    c->timeouts[service] = *t;
    return true;
}

void pc_connections_set_embryonic_limit(struct pc_connections *c, unsigned limit)
{
    c->limit = limit;
}

unsigned pc_connections_used(const struct pc_connections *c)
{
    return c->used;
}

unsigned pc_connections_embryonic(const struct pc_connections *c)
{
    return c->embryonic;
}

struct pc_backend_counters pc_connections_backend(const struct pc_connections *c, unsigned backend)
{
    if (backend >= c->sizes.backends)
        return (struct pc_backend_counters){0};
    return c->backend[backend];
}

/* ---- begin and end of a record ---- */

void pc_record_begin(struct pc_connections *c, struct pc_connection *r,
                     const struct pc_packet *first)
{
    bool tcp = r->key.protocol == PC_PROTOCOL_TCP;
    r->generation++;
    r->state = tcp ? PC_STATE_SYN_SEEN : PC_STATE_UNREPLIED;
    r->embryonic = true;
    r->syn_repeats = 0;
    r->client_next = tcp ? pc_tcp_end(first->seq, first->payload, first->tcp_flags) : 0;
    r->created = r->last_used = first->now;
    r->forward = (struct portcam_counter_row){.packets = 1, .octets = first->len};
    r->reverse = (struct portcam_counter_row){0};
    struct pc_backend_counters *b = &c->backend[r->backend];
    b->new_connections++;
    b->records++;
    b->active++;
    c->embryonic++;
}

void pc_record_finish(struct pc_connections *c, const struct pc_connection *r,
                      enum pc_end_reason reason, uint32_t now, struct pc_ended *ended)
{
    struct pc_backend_counters *b = &c->backend[r->backend];
    b->records--;
    b->active -= pc_state_is_active(r->state) ? 1 : 0;
    c->embryonic -= r->embryonic ? 1 : 0;
    if (ended)
        *ended = (struct pc_ended){.record = *r, .reason = (uint8_t)reason, .at = now};
}

static void end(struct pc_connections *c, uint32_t slot, enum pc_end_reason reason, uint32_t now,
                struct pc_ended *ended)
{
    pc_record_finish(c, &c->entry[slot].r, reason, now, ended);
    pc_entry_give(c, slot);
    c->entry[slot].r.state = PC_STATE_NONE;
}

static void write_backend(struct pc_connection *r, const struct pc_insert *i)
{
    r->backend = i->backend;
    r->backend_generation = i->backend_generation;
    r->backend_end = i->backend_end;
}

static bool is_free(const struct pc_connections *c, uint32_t slot)
{
    return slot < c->sizes.capacity && c->entry[slot].r.state == PC_STATE_NONE;
}

enum pc_result pc_connections_insert(struct pc_connections *c, const struct pc_insert *i,
                                     const struct pc_packet *first, unsigned *slot)
{
    if (pc_connections_forward(c, &i->key, i->service, &i->public_end) >= 0)
        return PC_RESULT_EXISTS;
    if (pc_connections_reverse(c, &i->key, &i->backend_end) >= 0)
        return PC_RESULT_AMBIGUOUS;
    if (i->full || c->used == c->sizes.capacity)
        return PC_RESULT_FULL;
    if (c->embryonic >= c->limit)
        return PC_RESULT_EMBRYONIC_FULL;
    uint32_t at = i->slot == PC_SLOT_ANY ? c->first_free : i->slot;
    if (!is_free(c, at))
        return PC_RESULT_BAD_SLOT;
    struct pc_connection *r = &c->entry[at].r;
    r->key = i->key;
    r->service = i->service;
    r->public_end = i->public_end;
    write_backend(r, i);
    pc_entry_take(c, at);
    pc_record_begin(c, r, first);
    *slot = at;
    return PC_RESULT_OK;
}

static enum pc_result find(const struct pc_connections *c, unsigned slot, uint32_t generation)
{
    const struct pc_connection *r = pc_connections_get(c, slot);
    if (!r)
        return PC_RESULT_NOT_FOUND;
    return r->generation == generation ? PC_RESULT_OK : PC_RESULT_CHANGED;
}

enum pc_result pc_connections_replace(struct pc_connections *c, unsigned slot, uint32_t generation,
                                      const struct pc_insert *i, const struct pc_packet *first,
                                      struct pc_ended *ended)
{
    enum pc_result result = find(c, slot, generation);
    if (result != PC_RESULT_OK)
        return result;
    struct pc_connection *r = &c->entry[slot].r;
    int other = pc_connections_reverse(c, &r->key, &i->backend_end);
    if (other >= 0 && other != (int)slot)
        return PC_RESULT_AMBIGUOUS;
    pc_record_finish(c, r, PC_END_PORT_REUSE, first->now, ended);
    pc_entry_give(c, slot);
    write_backend(r, i);
    pc_entry_take(c, slot);
    pc_record_begin(c, r, first);
    return PC_RESULT_OK;
}

enum pc_result pc_connections_delete(struct pc_connections *c, unsigned slot, uint32_t generation,
                                     uint32_t now, struct pc_ended *ended)
{
    enum pc_result result = find(c, slot, generation);
    if (result == PC_RESULT_OK)
        end(c, slot, PC_END_DELETED, now, ended);
    return result;
}

bool pc_connections_sweep(struct pc_connections *c, unsigned slot, uint32_t now, bool frozen,
                          struct pc_ended *ended)
{
    if (!pc_connections_get(c, slot))
        return false;
    struct pc_connection *r = &c->entry[slot].r;
    if (frozen) {
        r->last_used = now;
        return false;
    }
    if (!pc_timeout_over(now, r->last_used, pc_timeout_of(&c->timeouts[r->service], r->state)))
        return false;
    end(c, slot, PC_END_EXPIRED, now, ended);
    return true;
}

bool pc_connection_matches(const struct pc_connection *r, const struct pc_connection_filter *f)
{
    if (f->by_service && r->service != f->service)
        return false;
    if (f->by_backend && r->backend != f->backend)
        return false;
    if (f->by_client && (r->key.is_v6 != f->client_is_v6 ||
                         memcmp(r->key.client.ip, f->client.ip, sizeof(f->client.ip)) != 0))
        return false;
    if (f->by_client_port && r->key.client.port != f->client.port)
        return false;
    return !f->by_state || r->state == f->state;
}

unsigned pc_connections_remove(struct pc_connections *c, const struct pc_connection_filter *f,
                               uint32_t now, pc_receipt receipt, void *user)
{
    unsigned removed = 0;
    for (unsigned slot = 0; slot < c->sizes.capacity; slot++) {
        const struct pc_connection *r = pc_connections_get(c, slot);
        if (!r || !pc_connection_matches(r, f))
            continue;
        struct pc_ended ended;
        end(c, slot, PC_END_REMOVED, now, &ended);
        removed++;
        if (receipt)
            receipt(user, &ended);
    }
    return removed;
}
