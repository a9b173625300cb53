// SPDX-License-Identifier: Apache-2.0
/* The table of connections.h: records in an array by slot; two hash indexes, of the forward and of the reverse key, whose
 * chains run through the records; free slots in a list, oldest first. All in one allocation. */
#include "connections.h"

#include <stdlib.h>
#include <string.h>

#define NO_SLOT UINT32_MAX
#define MAX_CAPACITY (1u << 24)

enum { TCP = 6 };

enum { FORWARD, REVERSE, INDEXES };

struct link {
    uint32_t next, previous;
};

struct entry {
    struct pc_connection r;
    struct link in[INDEXES]; /* its chains; in[FORWARD] is its place in the free list */
};

struct pc_connections {
    struct pc_connection_sizes sizes;
    unsigned limit; /* embryonic records at once */
    unsigned used, embryonic;
    uint32_t first_free, last_free;
    uint32_t chain_mask; /* chains - 1, chains a power of two */
    struct entry *entry;
    uint32_t *chain[INDEXES]; /* first slot of each */
    struct pc_timeouts *timeouts;
    struct pc_backend_counters *backend;
};

/* ---- memory ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

struct pc_connections *pc_connections_new(const struct pc_connection_sizes *sizes)
{
    if (sizes->capacity == 0 || sizes->capacity > MAX_CAPACITY)
        return NULL;
    size_t chains = 1;
    while (chains < sizes->capacity)
        chains *= 2;
    size_t table = aligned(sizeof(struct pc_connections));
    size_t entries = aligned(sizes->capacity * sizeof(struct entry));
    size_t heads = aligned(chains * sizeof(uint32_t));
    size_t timeouts = aligned(sizes->services * sizeof(struct pc_timeouts));
    size_t backends = aligned(sizes->backends * sizeof(struct pc_backend_counters));
    uint8_t *memory = calloc(1, table + entries + INDEXES * heads + timeouts + backends);
    if (!memory)
        return NULL;
    struct pc_connections *c = (void *)memory;
    c->sizes = *sizes;
    c->chain_mask = (uint32_t)chains - 1;
    c->entry = (void *)(memory += table);
    c->chain[FORWARD] = (void *)(memory += entries);
    c->chain[REVERSE] = (void *)(memory += heads);
    c->timeouts = (void *)(memory += heads);
    c->backend = (void *)(memory + timeouts);
    pc_connections_clear(c);
    return c;
}

void pc_connections_free(struct pc_connections *c)
{
    free(c);
}

void pc_connections_clear(struct pc_connections *c)
{
    unsigned capacity = c->sizes.capacity;
    memset(c->entry, 0, capacity * sizeof(*c->entry));
    for (uint32_t i = 0; i < capacity; i++) {
        c->entry[i].r.slot = i;
        c->entry[i].in[FORWARD].previous = i == 0 ? NO_SLOT : i - 1;
        c->entry[i].in[FORWARD].next = i + 1 == capacity ? NO_SLOT : i + 1;
    }
    c->first_free = 0;
    c->last_free = capacity - 1;
    for (unsigned i = 0; i < INDEXES; i++)
        memset(c->chain[i], 0xff, (c->chain_mask + (size_t)1) * sizeof(*c->chain[i]));
    for (unsigned i = 0; i < c->sizes.services; i++)
        c->timeouts[i] = pc_timeouts_default();
    memset(c->backend, 0, c->sizes.backends * sizeof(*c->backend));
    c->limit = c->sizes.embryonic_limit;
    c->used = c->embryonic = 0;
}

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

/* ---- lookups ---- */

static inline uint64_t rotated(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* SipHash-1-3 of a client key and the end it goes to: `end` and `service` for the forward key, the backend's end and 0 for
 * the reverse key. */
static uint32_t chain_of(const struct pc_connections *c, const struct pc_client_key *k,
                         unsigned service, const struct pc_tuple *end)
{
    enum { WORDS = 6, LAST_ROUNDS = 3 };
    uint64_t word[WORDS];
    memcpy(word, k->client.ip, 16);
    memcpy(word + 2, end->ip, 16);
    word[4] = (uint64_t)k->client.port << 32 | (uint64_t)k->group << 16 |
              (uint64_t)k->protocol << 8 | k->is_v6;
    word[5] = (uint64_t)service << 16 | end->port;
    uint64_t v0 = c->sizes.secret[0] ^ 0x736f6d6570736575u;
    uint64_t v1 = c->sizes.secret[1] ^ 0x646f72616e646f6du;
    uint64_t v2 = c->sizes.secret[0] ^ 0x6c7967656e657261u;
    uint64_t v3 = c->sizes.secret[1] ^ 0x7465646279746573u;
    for (unsigned round = 0; round < WORDS + LAST_ROUNDS; round++) {
        uint64_t m = round < WORDS ? word[round] : 0;
        if (round == WORDS)
            v2 ^= 0xff;
        v3 ^= m;
        v0 += v1, v1 = rotated(v1, 13) ^ v0, v0 = rotated(v0, 32);
        v2 += v3, v3 = rotated(v3, 16) ^ v2;
        v0 += v3, v3 = rotated(v3, 21) ^ v0;
        v2 += v1, v1 = rotated(v1, 17) ^ v2, v2 = rotated(v2, 32);
        v0 ^= m;
    }
    return (uint32_t)(v0 ^ v1 ^ v2 ^ v3) & c->chain_mask;
}

static bool same_tuple(const struct pc_tuple *a, const struct pc_tuple *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool same_key(const struct pc_client_key *a, const struct pc_client_key *b)
{
    return a->is_v6 == b->is_v6 && a->protocol == b->protocol && a->group == b->group &&
           same_tuple(&a->client, &b->client);
}

int pc_connections_forward(const struct pc_connections *c, const struct pc_client_key *key,
                           unsigned service, const struct pc_tuple *public_end)
{
    uint32_t at = c->chain[FORWARD][chain_of(c, key, service, public_end)];
    for (; at != NO_SLOT; at = c->entry[at].in[FORWARD].next) {
        const struct pc_connection *r = &c->entry[at].r;
        if (r->service == service && same_key(&r->key, key) &&
            same_tuple(&r->public_end, public_end))
            return (int)at;
    }
    return -1;
}

int pc_connections_reverse(const struct pc_connections *c, const struct pc_client_key *key,
                           const struct pc_tuple *backend_end)
{
    uint32_t at = c->chain[REVERSE][chain_of(c, key, 0, backend_end)];
    for (; at != NO_SLOT; at = c->entry[at].in[REVERSE].next) {
        const struct pc_connection *r = &c->entry[at].r;
        if (same_key(&r->key, key) && same_tuple(&r->backend_end, backend_end))
            return (int)at;
    }
    return -1;
}

const struct pc_connection *pc_connections_get(const struct pc_connections *c, unsigned slot)
{
    if (slot >= c->sizes.capacity || c->entry[slot].r.state == PC_STATE_NONE)
        return NULL;
    return &c->entry[slot].r;
}

/* ---- begin and end of a record ---- */

static uint32_t *chain_of_record(const struct pc_connections *c, const struct pc_connection *r,
                                 unsigned index)
{
    if (index == FORWARD)
        return &c->chain[FORWARD][chain_of(c, &r->key, r->service, &r->public_end)];
    return &c->chain[REVERSE][chain_of(c, &r->key, 0, &r->backend_end)];
}

/* Out of the list that begins with *first; `last` is NULL for chains, which are entered in front. */
static void leave(struct pc_connections *c, uint32_t slot, unsigned index, uint32_t *first,
                  uint32_t *last)
{
    struct link at = c->entry[slot].in[index];
    *(at.previous == NO_SLOT ? first : &c->entry[at.previous].in[index].next) = at.next;
    if (at.next != NO_SLOT)
        c->entry[at.next].in[index].previous = at.previous;
    else if (last)
        *last = at.previous;
}

static void join(struct pc_connections *c, uint32_t slot, unsigned index)
{
    uint32_t *first = chain_of_record(c, &c->entry[slot].r, index);
    c->entry[slot].in[index] = (struct link){.next = *first, .previous = NO_SLOT};
    if (*first != NO_SLOT)
        c->entry[*first].in[index].previous = slot;
    *first = slot;
}

static void take_free(struct pc_connections *c, uint32_t slot)
{
    leave(c, slot, FORWARD, &c->first_free, &c->last_free);
    join(c, slot, FORWARD);
    join(c, slot, REVERSE);
    c->used++;
}

static void give_free(struct pc_connections *c, uint32_t slot)
{
    for (unsigned i = 0; i < INDEXES; i++)
        leave(c, slot, i, chain_of_record(c, &c->entry[slot].r, i), NULL);
    c->entry[slot].in[FORWARD] = (struct link){.next = NO_SLOT, .previous = c->last_free};
    *(c->last_free == NO_SLOT ? &c->first_free : &c->entry[c->last_free].in[FORWARD].next) = slot;
    c->last_free = slot;
    c->used--;
}

/* A new connection in a record whose keys and ends are written. */
static void begin(struct pc_connections *c, struct pc_connection *r, const struct pc_packet *first)
{
    bool tcp = r->key.protocol == TCP;
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

/* What begin() counted as present, no longer is; the receipt. The record keeps its keys. */
static void finish(struct pc_connections *c, const struct pc_connection *r,
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
    finish(c, &c->entry[slot].r, reason, now, ended);
    give_free(c, slot);
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
    take_free(c, at);
    begin(c, r, first);
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
    finish(c, r, PC_END_PORT_REUSE, first->now, ended);
    leave(c, slot, REVERSE, chain_of_record(c, r, REVERSE), NULL);
    write_backend(r, i);
    join(c, slot, REVERSE);
    begin(c, r, first);
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

/* ---- a packet of a record ---- */

static void count(struct pc_connection *r, const struct pc_packet *p)
{
    struct portcam_counter_row *row = p->from == PC_FROM_CLIENT ? &r->forward : &r->reverse;
    row->packets++;
    row->octets += p->len;
}

static void enter(struct pc_connections *c, struct pc_connection *r, enum pc_state state)
{
    c->backend[r->backend].active += pc_state_is_active(state) ? 1 : 0;
    c->backend[r->backend].active -= pc_state_is_active(r->state) ? 1 : 0;
    r->state = (uint8_t)state;
}

static unsigned prove(struct pc_connections *c, struct pc_connection *r)
{
    if (!r->embryonic)
        return 0;
    r->embryonic = false;
    c->embryonic--;
    return PC_EFFECT_PROVEN;
}

/* Effects of a client's TCP packet; `before` is the state it met. */
static unsigned client_effects(struct pc_connections *c, struct pc_connection *r,
                               enum pc_state before, enum pc_tcp_class class_of,
                               const struct pc_packet *p)
{
    uint32_t behind = pc_tcp_end(p->seq, p->payload, p->tcp_flags);
    bool opening = before == PC_STATE_SYN_SEEN || before == PC_STATE_SYN_ACK_SEEN;
    if (class_of == PC_CLASS_SYN && opening) {
        r->client_next = behind;
        r->syn_repeats += r->syn_repeats < UINT8_MAX ? 1 : 0;
        c->backend[r->backend].syn_repeats++;
        return PC_EFFECT_SYN_REPEAT;
    }
    if (class_of == PC_CLASS_ACK || class_of == PC_CLASS_FIN) {
        if ((int32_t)(behind - r->client_next) > 0)
            r->client_next = behind;
        if (before != PC_STATE_SYN_SEEN && before != PC_STATE_RESET)
            return prove(c, r);
    }
    if (class_of == PC_CLASS_SYN_ACK && before == PC_STATE_SYN_ACK_SEEN)
        return prove(c, r);
    return 0;
}

static unsigned backend_effects(struct pc_connections *c, const struct pc_connection *r,
                                enum pc_state before, enum pc_tcp_class class_of, uint32_t now)
{
    struct pc_backend_counters *b = &c->backend[r->backend];
    if (before != PC_STATE_SYN_SEEN)
        return 0;
    if (class_of == PC_CLASS_RST) {
        b->syn_resets++;
        return PC_EFFECT_SYN_RESET;
    }
    if (r->state == PC_STATE_SYN_ACK_SEEN && r->syn_repeats == 0) {
        uint32_t ms = now - r->created;
        b->syn_ack_count++;
        b->syn_ack_ms += ms;
        b->syn_ack_ms_max = ms > b->syn_ack_ms_max ? ms : b->syn_ack_ms_max;
        return PC_EFFECT_SYN_ACK;
    }
    return 0;
}

/* F.14: the same backend if it can take the SYN, or word to the caller to choose one. */
static unsigned reuse_port(struct pc_connections *c, struct pc_connection *r,
                           const struct pc_packet *p, struct pc_ended *ended)
{
    if (!p->backend_accepts || (int32_t)(p->seq - r->client_next) <= 0)
        return PC_EFFECT_RESCHEDULE;
    finish(c, r, PC_END_PORT_REUSE, p->now, ended);
    begin(c, r, p);
    return PC_EFFECT_KEPT;
}

static unsigned tcp_packet(struct pc_connections *c, struct pc_connection *r,
                           const struct pc_packet *p, struct pc_ended *ended)
{
    enum pc_state before = r->state;
    enum pc_tcp_class class_of = pc_tcp_class(p->tcp_flags);
    bool port_reuse;
    enum pc_state after = pc_tcp_next(before, p->from, class_of, &port_reuse);
    if (port_reuse)
        return reuse_port(c, r, p, ended);
    count(r, p);
    if (class_of == PC_CLASS_ODD)
        return 0;
    enter(c, r, after);
    r->last_used = p->now;
    return p->from == PC_FROM_CLIENT ? client_effects(c, r, before, class_of, p)
                                     : backend_effects(c, r, before, class_of, p->now);
}

void pc_connections_packet(struct pc_connections *c, unsigned slot, const struct pc_packet *p,
                           struct pc_packet_result *ret)
{
    struct pc_connection *r = &c->entry[slot].r;
    ret->before = r->state;
    if (r->key.protocol == TCP) {
        ret->effects = (uint8_t)tcp_packet(c, r, p, ret->ended);
    } else {
        count(r, p);
        r->last_used = p->now;
        ret->effects = 0;
        if (p->from == PC_FROM_BACKEND) {
            enter(c, r, PC_STATE_REPLIED);
            ret->effects = (uint8_t)prove(c, r);
        }
    }
    ret->after = r->state;
}
