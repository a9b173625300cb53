// SPDX-License-Identifier: Apache-2.0
/* Places of connection records: entries by slot; two hash indexes, of the forward and of the reverse key, whose chains run
 * through the entries; free slots in a list, oldest first. All in one allocation. */
#include "connection_table.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CAPACITY (1u << 24)

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
    size_t entries = aligned(sizes->capacity * sizeof(struct pc_entry));
    size_t heads = aligned(chains * sizeof(uint32_t));
    size_t timeouts = aligned(sizes->services * sizeof(struct pc_timeouts));
    size_t backends = aligned(sizes->backends * sizeof(struct pc_backend_counters));
    uint8_t *memory = calloc(1, table + entries + PC_INDEXES * heads + timeouts + backends);
    if (!memory)
        return NULL;
    struct pc_connections *c = (void *)memory;
    c->sizes = *sizes;
    c->chain_mask = (uint32_t)chains - 1;
    c->entry = (void *)(memory += table);
    c->chain[PC_INDEX_FORWARD] = (void *)(memory += entries);
    c->chain[PC_INDEX_REVERSE] = (void *)(memory += heads);
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
        c->entry[i].in[PC_INDEX_FORWARD].previous = i == 0 ? PC_NO_SLOT : i - 1;
        c->entry[i].in[PC_INDEX_FORWARD].next = i + 1 == capacity ? PC_NO_SLOT : i + 1;
    }
    c->first_free = 0;
    c->last_free = capacity - 1;
    for (unsigned i = 0; i < PC_INDEXES; i++)
        memset(c->chain[i], 0xff, (c->chain_mask + (size_t)1) * sizeof(*c->chain[i]));
    for (unsigned i = 0; i < c->sizes.services; i++)
        c->timeouts[i] = pc_timeouts_default();
    memset(c->backend, 0, c->sizes.backends * sizeof(*c->backend));
    c->limit = c->sizes.embryonic_limit;
    c->used = c->embryonic = 0;
}

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
    uint32_t at = c->chain[PC_INDEX_FORWARD][chain_of(c, key, service, public_end)];
    for (; at != PC_NO_SLOT; at = c->entry[at].in[PC_INDEX_FORWARD].next) {
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
    uint32_t at = c->chain[PC_INDEX_REVERSE][chain_of(c, key, 0, backend_end)];
    for (; at != PC_NO_SLOT; at = c->entry[at].in[PC_INDEX_REVERSE].next) {
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

static uint32_t *chain_of_record(const struct pc_connections *c, const struct pc_connection *r,
                                 unsigned index)
{
    if (index == PC_INDEX_FORWARD)
        return &c->chain[PC_INDEX_FORWARD][chain_of(c, &r->key, r->service, &r->public_end)];
    return &c->chain[PC_INDEX_REVERSE][chain_of(c, &r->key, 0, &r->backend_end)];
}

/* Out of the list that begins with *first; `last` is NULL for chains, which are entered in front. */
static void leave(struct pc_connections *c, uint32_t slot, unsigned index, uint32_t *first,
                  uint32_t *last)
{
    struct pc_link at = c->entry[slot].in[index];
    *(at.previous == PC_NO_SLOT ? first : &c->entry[at.previous].in[index].next) = at.next;
    if (at.next != PC_NO_SLOT)
        c->entry[at.next].in[index].previous = at.previous;
    else if (last)
        *last = at.previous;
}

static void join(struct pc_connections *c, uint32_t slot, unsigned index)
{
    uint32_t *first = chain_of_record(c, &c->entry[slot].r, index);
    c->entry[slot].in[index] = (struct pc_link){.next = *first, .previous = PC_NO_SLOT};
    if (*first != PC_NO_SLOT)
        c->entry[*first].in[index].previous = slot;
    *first = slot;
}

void pc_entry_take(struct pc_connections *c, uint32_t slot)
{
    leave(c, slot, PC_INDEX_FORWARD, &c->first_free, &c->last_free);
    join(c, slot, PC_INDEX_FORWARD);
    join(c, slot, PC_INDEX_REVERSE);
    c->used++;
}

void pc_entry_give(struct pc_connections *c, uint32_t slot)
{
    for (unsigned i = 0; i < PC_INDEXES; i++)
        leave(c, slot, i, chain_of_record(c, &c->entry[slot].r, i), NULL);
    c->entry[slot].in[PC_INDEX_FORWARD] =
        (struct pc_link){.next = PC_NO_SLOT, .previous = c->last_free};
    *(c->last_free == PC_NO_SLOT ? &c->first_free
                                 : &c->entry[c->last_free].in[PC_INDEX_FORWARD].next) = slot;
    c->last_free = slot;
    c->used--;
}
