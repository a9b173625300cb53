// SPDX-License-Identifier: Apache-2.0
/* Places of connection records: entries by slot; two hash indexes, of the forward and of the reverse key, whose chains run
 * through the entries; for each family the slots that were given back in a list, oldest first. All in one allocation, of
 * which only what is used is touched. */
#include "connection_table.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROWS (1u << 20)
#define MAX_STASH 64

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static void begin_families(struct pc_connections *c)
{
    unsigned at = 0;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        unsigned rows = c->sizes.rows[v6];
        unsigned end = at + rows + (rows ? c->sizes.stash : 0);
        c->family[v6] = (struct pc_family){.first = at,
                                           .rows = rows,
                                           .end = end,
                                           .fresh = at,
                                           .top = at,
                                           .first_free = PC_NO_SLOT,
                                           .last_free = PC_NO_SLOT};
        at = end;
    }
    c->capacity = at;
}

struct pc_connections *pc_connections_new(const struct pc_connection_sizes *sizes)
{
    if (sizes->rows[0] > MAX_ROWS || sizes->rows[1] > MAX_ROWS || sizes->stash > MAX_STASH)
        return NULL;
    size_t rows = (size_t)sizes->rows[0] + sizes->rows[1];
    if (rows == 0)
        return NULL;
    size_t capacity = rows + 2u * sizes->stash, chains = 1;
    while (chains < capacity)
        chains *= 2;
    size_t table = aligned(sizeof(struct pc_connections));
    size_t entries = aligned(capacity * sizeof(struct pc_entry));
    size_t heads = aligned(chains * sizeof(uint32_t));
    size_t backends = aligned(sizes->backends * sizeof(struct pc_backend_counters));
    uint8_t *memory = calloc(1, table + entries + PC_INDEXES * heads + backends);
    if (!memory)
        return NULL;
    struct pc_connections *c = (void *)memory;
    c->sizes = *sizes;
    c->chain_mask = (uint32_t)chains - 1;
    c->entry = (void *)(memory += table);
    c->chain[PC_INDEX_FORWARD] = (void *)(memory += entries);
    c->chain[PC_INDEX_REVERSE] = (void *)(memory += heads);
    c->backend = (void *)(memory + heads);
    begin_families(c);
    return c;
}

void pc_connections_free(struct pc_connections *c)
{
    free(c);
}

void pc_connections_clear(struct pc_connections *c)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const struct pc_family *f = &c->family[v6];
        memset(&c->entry[f->first], 0, (f->top - f->first) * sizeof(*c->entry));
    }
    if (c->began) {
        for (unsigned i = 0; i < PC_INDEXES; i++)
            memset(c->chain[i], 0, (c->chain_mask + (size_t)1) * sizeof(*c->chain[i]));
        memset(c->backend, 0, c->sizes.backends * sizeof(*c->backend));
    }
    begin_families(c);
    c->began = 0;
    c->embryonic = 0;
    c->moment = c->changes = 0;
}

static inline uint64_t rotated(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* SipHash-1-3 of a client key and what the direction adds: service and public end, or the endpoint. */
static uint32_t chain_of(const struct pc_connections *c, const struct pc_client_key *k,
                         uint64_t direction)
{
    enum { WORDS = 4, LAST_ROUNDS = 3 };
    uint64_t word[WORDS];
    memcpy(word, k->client.ip, 16);
    word[2] = (uint64_t)k->client.port << 48 | (uint64_t)k->kept_port << 32 |
              (uint64_t)k->group << 16 | (uint64_t)k->protocol << 8 | k->is_v6;
    word[3] = direction;
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

static uint64_t forward_part(unsigned service, struct pc_end public_end)
{
    return (uint64_t)service << 32 | (uint64_t)public_end.address << 16 | public_end.port;
}

static bool same_tuple(const struct pc_tuple *a, const struct pc_tuple *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool same_key(const struct pc_client_key *a, const struct pc_client_key *b)
{
    return a->is_v6 == b->is_v6 && a->protocol == b->protocol && a->group == b->group &&
           a->kept_port == b->kept_port && same_tuple(&a->client, &b->client);
}

int pc_connections_forward(const struct pc_connections *c, const struct pc_client_key *key,
                           unsigned service, struct pc_end public_end)
{
    uint32_t at = c->chain[PC_INDEX_FORWARD][chain_of(c, key, forward_part(service, public_end))];
    for (; at; at = c->entry[at - 1].in[PC_INDEX_FORWARD].next) {
        const struct pc_connection *r = &c->entry[at - 1].r;
        if (r->service == service && same_key(&r->key, key) &&
            r->public_end.address == public_end.address && r->public_end.port == public_end.port)
            return (int)at - 1;
    }
    return -1;
}

int pc_connections_reverse(const struct pc_connections *c, const struct pc_client_key *key,
                           unsigned endpoint)
{
    uint32_t at = c->chain[PC_INDEX_REVERSE][chain_of(c, key, endpoint)];
    for (; at; at = c->entry[at - 1].in[PC_INDEX_REVERSE].next) {
        const struct pc_connection *r = &c->entry[at - 1].r;
        if (r->endpoint == endpoint && same_key(&r->key, key))
            return (int)at - 1;
    }
    return -1;
}

const struct pc_connection *pc_connections_get(const struct pc_connections *c, unsigned slot)
{
    if (slot >= c->capacity || c->entry[slot].r.state == PC_STATE_NONE)
        return NULL;
    return &c->entry[slot].r;
}

unsigned pc_connections_capacity(const struct pc_connections *c)
{
    return c->capacity;
}

bool pc_connections_is_v6(const struct pc_connections *c, unsigned slot)
{
    return slot >= c->family[1].first;
}

bool pc_connections_is_stash(const struct pc_connections *c, unsigned slot)
{
    const struct pc_family *f = &c->family[pc_connections_is_v6(c, slot)];
    return slot - f->first >= f->rows;
}

struct pc_family *pc_family_of(struct pc_connections *c, uint32_t slot)
{
    return &c->family[pc_connections_is_v6(c, slot)];
}

uint32_t pc_entry_free(const struct pc_connections *c, bool is_v6)
{
    const struct pc_family *f = &c->family[is_v6];
    return f->fresh < f->end ? f->fresh : f->first_free;
}

/* ---- chains: heads and links are a slot plus 1, or 0 ---- */

static uint32_t *chain_of_record(const struct pc_connections *c, const struct pc_connection *r,
                                 unsigned index)
{
    if (index == PC_INDEX_FORWARD)
        return &c->chain[PC_INDEX_FORWARD]
                        [chain_of(c, &r->key, forward_part(r->service, r->public_end))];
    return &c->chain[PC_INDEX_REVERSE][chain_of(c, &r->key, r->endpoint)];
}

static void leave_chain(struct pc_connections *c, uint32_t slot, unsigned index)
{
    struct pc_link at = c->entry[slot].in[index];
    if (at.previous)
        c->entry[at.previous - 1].in[index].next = at.next;
    else
        *chain_of_record(c, &c->entry[slot].r, index) = at.next;
    if (at.next)
        c->entry[at.next - 1].in[index].previous = at.previous;
}

static void join_chain(struct pc_connections *c, uint32_t slot, unsigned index)
{
    uint32_t *first = chain_of_record(c, &c->entry[slot].r, index);
    c->entry[slot].in[index] = (struct pc_link){.next = *first, .previous = 0};
    if (*first)
        c->entry[*first - 1].in[index].previous = slot + 1;
    *first = slot + 1;
}

/* ---- the list of slots that were given back: links are slots, or PC_NO_SLOT ---- */

static void leave_list(struct pc_connections *c, struct pc_family *f, uint32_t slot)
{
    struct pc_link at = c->entry[slot].in[0];
    *(at.previous == PC_NO_SLOT ? &f->first_free : &c->entry[at.previous].in[0].next) = at.next;
    *(at.next == PC_NO_SLOT ? &f->last_free : &c->entry[at.next].in[0].previous) = at.previous;
}

static void join_list(struct pc_connections *c, struct pc_family *f, uint32_t slot)
{
    c->entry[slot].in[0] = (struct pc_link){.next = PC_NO_SLOT, .previous = f->last_free};
    *(f->last_free == PC_NO_SLOT ? &f->first_free : &c->entry[f->last_free].in[0].next) = slot;
    f->last_free = slot;
}

void pc_entry_take(struct pc_connections *c, uint32_t slot)
{
    struct pc_family *f = pc_family_of(c, slot);
    if (slot < f->fresh)
        leave_list(c, f, slot);
    else if (slot == f->fresh)
        do
            f->fresh++;
        while (f->fresh < f->end && c->entry[f->fresh].r.state != PC_STATE_NONE);
    if (slot >= f->top)
        f->top = slot + 1;
    f->used++;
    c->entry[slot].r.slot = slot;
    for (unsigned i = 0; i < PC_INDEXES; i++)
        join_chain(c, slot, i);
}

void pc_entry_give(struct pc_connections *c, uint32_t slot)
{
    struct pc_family *f = pc_family_of(c, slot);
    for (unsigned i = 0; i < PC_INDEXES; i++)
        leave_chain(c, slot, i);
    f->used--;
    if (slot < f->fresh)
        join_list(c, f, slot);
}
