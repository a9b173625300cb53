// SPDX-License-Identifier: Apache-2.0
/* Beginning and end of connection records, and what is set and read from outside: connections.h. */
#include "connection_table.h"

/* ---- settings and counters ---- */

unsigned pc_connections_used(const struct pc_connections *c)
{
    return c->family[0].used + c->family[1].used;
}

unsigned pc_connections_used_by(const struct pc_connections *c, bool is_v6)
{
    return c->family[is_v6].used;
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

void pc_connections_watch(struct pc_connections *c, const struct pc_connection_watch *watch)
{
    c->watch = *watch;
}

void pc_record_tell(const struct pc_connections *c, enum portcam_event_kind kind,
                    const struct pc_connection *r, enum portcam_end_cause cause)
{
    if (c->watch.tell)
        c->watch.tell(c->watch.ctx, kind, r, cause);
}

/* ---- active records ---- */

void pc_active_add(struct pc_connections *c, unsigned backend, int more)
{
    if (more == 0)
        return;
    c->change[c->changes++ % PC_ACTIVE_CHANGES] =
        (struct pc_active_change){c->moment, backend, c->backend[backend].active};
    c->backend[backend].active += (uint32_t)more;
}

void pc_connections_tick(struct pc_connections *c)
{
    c->moment++;
}

void pc_connections_active_range(const struct pc_connections *c, unsigned backend, unsigned moments,
                                 uint32_t *least, uint32_t *most)
{
    *least = *most = pc_connections_backend(c, backend).active;
    for (uint64_t i = c->changes; i > 0 && c->changes - i < PC_ACTIVE_CHANGES; i--) {
        const struct pc_active_change *was = &c->change[(i - 1) % PC_ACTIVE_CHANGES];
        if (was->moment + moments < c->moment)
            break;
        if (was->backend != backend)
            continue;
        *least = was->before < *least ? was->before : *least;
        *most = was->before > *most ? was->before : *most;
    }
}

/* ---- begin and end of a record ---- */

/* A record that is filled in begins to count. */
static void begin(struct pc_connections *c, struct pc_connection *r)
{
    struct pc_backend_counters *b = &c->backend[r->backend];
    r->generation = ++c->began;
    b->new_connections++;
    b->records++;
    pc_active_add(c, r->backend, pc_state_is_active(r->state));
    c->embryonic += r->embryonic;
    pc_record_tell(c, PORTCAM_EVENT_KIND_BEGAN, r, PORTCAM_END_CAUSE_EMPTY);
}

void pc_record_begin(struct pc_connections *c, struct pc_connection *r,
                     const struct pc_packet *first)
{
    bool tcp = r->key.protocol == PC_PROTOCOL_TCP;
    r->state = tcp ? PC_STATE_SYN_SEEN : PC_STATE_UNREPLIED;
    r->embryonic = true;
    r->syn_repeats = 0;
    r->client_next = tcp ? pc_tcp_end(first->seq, first->payload, first->tcp_flags) : 0;
    r->created = r->last_used = first->now;
    r->forward = (struct portcam_counter_row){.packets = 1, .octets = first->len};
    r->reverse = (struct portcam_counter_row){0};
    begin(c, r);
}

void pc_record_finish(struct pc_connections *c, const struct pc_connection *r,
                      enum pc_end_reason reason, uint32_t now, struct pc_ended *ended)
{
    static const enum portcam_end_cause causes[] = {
        [PC_END_EXPIRED] = PORTCAM_END_CAUSE_EXPIRED,
        [PC_END_DELETED] = PORTCAM_END_CAUSE_DELETED,
        [PC_END_PORT_REUSE] = PORTCAM_END_CAUSE_PORT_REUSE,
    };
    pc_record_tell(c, PORTCAM_EVENT_KIND_ENDED, r, causes[reason]);
    struct pc_backend_counters *b = &c->backend[r->backend];
    b->records--;
    pc_active_add(c, r->backend, -(int)pc_state_is_active(r->state));
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
    r->endpoint = i->endpoint;
}

static bool is_free(const struct pc_connections *c, uint32_t slot)
{
    return slot < c->capacity && c->entry[slot].r.state == PC_STATE_NONE;
}

enum pc_result pc_connections_may_insert(const struct pc_connections *c, const struct pc_insert *i)
{
    if (pc_connections_forward(c, &i->key, i->service, i->public_end) >= 0)
        return PC_RESULT_EXISTS;
    if (pc_connections_reverse(c, &i->key, i->endpoint) >= 0)
        return PC_RESULT_AMBIGUOUS;
    uint32_t at = pc_entry_free(c, i->key.is_v6);
    if (i->full || at == PC_NO_SLOT)
        return PC_RESULT_FULL;
    if (i->embryonic_limit && c->embryonic >= i->embryonic_limit)
        return PC_RESULT_EMBRYONIC_FULL;
    if (i->slot != PC_SLOT_ANY &&
        (!is_free(c, i->slot) || pc_connections_is_v6(c, i->slot) != i->key.is_v6))
        return PC_RESULT_BAD_SLOT;
    return PC_RESULT_OK;
}

enum pc_result pc_connections_insert(struct pc_connections *c, const struct pc_insert *i,
                                     const struct pc_packet *first, unsigned *slot)
{
    enum pc_result result = pc_connections_may_insert(c, i);
    if (result != PC_RESULT_OK)
        return result;
    uint32_t at = i->slot == PC_SLOT_ANY ? pc_entry_free(c, i->key.is_v6) : i->slot;
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

enum pc_result pc_connections_restore(struct pc_connections *c, const struct pc_connection *r,
                                      uint32_t to, bool full, unsigned *slot)
{
    struct pc_insert i = {.key = r->key,
                          .service = r->service,
                          .public_end = r->public_end,
                          .endpoint = r->endpoint,
                          .slot = to,
                          .full = full};
    enum pc_result result = pc_connections_may_insert(c, &i);
    if (result != PC_RESULT_OK)
        return result;
    uint32_t at = to == PC_SLOT_ANY ? pc_entry_free(c, r->key.is_v6) : to;
    c->entry[at].r = *r;
    pc_entry_take(c, at);
    begin(c, &c->entry[at].r);
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
    int other = pc_connections_reverse(c, &r->key, i->endpoint);
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

bool pc_connections_sweep(struct pc_connections *c, unsigned slot, uint32_t now,
                          const struct portcam_timeout_row *timeouts, bool frozen,
                          struct pc_ended *ended)
{
    if (!timeouts || !pc_connections_get(c, slot))
        return false;
    struct pc_connection *r = &c->entry[slot].r;
    if (frozen) {
        r->last_used = now;
        return false;
    }
    if (!pc_timeout_over(now, r->last_used, pc_timeout_of(timeouts, r->state)))
        return false;
    end(c, slot, PC_END_EXPIRED, now, ended);
    return true;
}

enum pc_result pc_connections_move(struct pc_connections *c, unsigned from, unsigned to)
{
    if (!pc_connections_get(c, from))
        return PC_RESULT_NOT_FOUND;
    if (!is_free(c, to) || pc_connections_is_v6(c, from) != pc_connections_is_v6(c, to))
        return PC_RESULT_BAD_SLOT;
    struct pc_connection r = c->entry[from].r;
    pc_entry_give(c, from);
    c->entry[from].r.state = PC_STATE_NONE;
    c->entry[to].r = r;
    pc_entry_take(c, to);
    pc_record_tell(c, PORTCAM_EVENT_KIND_ARRIVED, &c->entry[to].r, PORTCAM_END_CAUSE_EMPTY);
    pc_record_tell(c, PORTCAM_EVENT_KIND_LEFT, &r, PORTCAM_END_CAUSE_MOVED);
    return PC_RESULT_OK;
}
