// SPDX-License-Identifier: Apache-2.0
/*
 * The connections of the mirror by their two keys: two hash tables of buckets of one cache line each. One thread adds and
 * removes, any number look up without waiting.
 *
 * An entry is one word, which is written whole and stays in its place. It leads to a node of a pool, and the node to a slot
 * of the array. A reader believes none of these: what it finds in the array has the key, or is not what it looks for.
 * So nothing has to wait for readers, and a node that was removed is used again at once.
 *
 * The hash is keyed with random bits, for clients choose their ports; keys are unique, so that no bucket has more than its share.
 */
#include <errno.h>
#include <string.h>

#include "mirror_index.h"

/* ---- keys ---- */

static struct pc_index_key key_of(const struct portcam_mirror_record *r, bool reverse)
{
    struct pc_index_key key = {.reverse = reverse,
                               .client = {.is_v6 = (r->flags & PORTCAM_MIRROR_RECORD_IS_V6) != 0,
                                          .protocol = r->protocol,
                                          .port = r->client_port},
                               .address = r->address,
                               .port = r->public_port,
                               .group = r->group,
                               .endpoint = r->endpoint};

    memcpy(key.client.ip, r->client_ip, sizeof(key.client.ip));
    if (r->flags & PORTCAM_MIRROR_RECORD_KEPT_PORT)
        key.kept_port = r->public_port;
    return key;
}

static bool same_client(const struct portcam_mirror_client *a,
                        const struct portcam_mirror_client *b)
{
    return a->port == b->port && a->protocol == b->protocol && a->is_v6 == b->is_v6 &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool pc_index_fits(const struct pc_index_key *key, const struct portcam_mirror_record *r)
{
    struct pc_index_key own = key_of(r, key->reverse);

    if (!same_client(&key->client, &own.client))
        return false;
    return key->reverse ? key->endpoint == own.endpoint && key->group == own.group &&
                              key->kept_port == own.kept_port
                        : key->address == own.address && key->port == own.port;
}

static uint64_t client_hash(const struct pc_mirror_index *x, const struct portcam_mirror_client *c)
{
    uint8_t bytes[20];

    memcpy(bytes, c->ip, 16);
    memcpy(bytes + 16, &c->port, 2);
    bytes[18] = c->protocol;
    bytes[19] = c->is_v6;
    return pc_siphash(x->key, bytes, sizeof(bytes));
}

/* The hash of a client becomes that of one of its connections. */
static uint64_t end_hash(uint64_t hash, const struct pc_index_key *key)
{
    if (key->reverse)
        hash += 1 + ((uint64_t)key->kept_port << 32 | (uint64_t)key->group << 16 | key->endpoint);
    else
        hash ^= (uint64_t)key->port << 16 | key->address;
    hash *= 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* ---- buckets ---- */

static uint32_t home_of(const struct pc_mirror_index *x, uint64_t hash)
{
    return (uint32_t)hash & x->mask;
}

static uint64_t entry_of(const struct pc_mirror_index *x, const struct pc_node *node, uint64_t hash)
{
    return hash >> 32 << 32 | (uint32_t)(node - x->pool + 1);
}

/* The node of an entry that has the part of the hash which entries have, else NULL. */
static struct pc_node *node_of(const struct pc_mirror_index *x, uint64_t entry, uint64_t hash)
{
    return entry >> 32 == hash >> 32 && (uint32_t)entry ? &x->pool[(uint32_t)entry - 1] : NULL;
}

static void count_beyond(struct pc_bucket *b, uint64_t n)
{
    __atomic_store_n(&b->beyond, b->beyond + n, __ATOMIC_RELAXED);
}

/* There is room somewhere, for there are more places than nodes. */
static struct pc_stand put(struct pc_mirror_index *x, struct pc_bucket *table, uint64_t hash,
                           const struct pc_node *node)
{
    struct pc_stand stand = {.home = home_of(x, hash)};

    for (stand.bucket = stand.home;; stand.bucket = (stand.bucket + 1) & x->mask) {
        struct pc_bucket *b = &table[stand.bucket];
        for (stand.place = 0; stand.place < PC_PLACES; stand.place++) {
            if (b->entry[stand.place] == 0) {
                __atomic_store_n(&b->entry[stand.place], entry_of(x, node, hash), __ATOMIC_RELEASE);
                return stand;
            }
        }
        count_beyond(b, 1);
    }
}

static void take_out(struct pc_mirror_index *x, struct pc_bucket *table,
                     const struct pc_stand *stand)
{
    __atomic_store_n(&table[stand->bucket].entry[stand->place], 0, __ATOMIC_RELAXED);
    for (uint32_t at = stand->home; at != stand->bucket; at = (at + 1) & x->mask)
        count_beyond(&table[at], UINT64_MAX);
}

/* The node that has this key, or NULL; for the thread that writes. */
static struct pc_node *holder(const struct pc_mirror_index *x, uint64_t hash,
                              const struct pc_index_key *key)
{
    const struct pc_bucket *table = key->reverse ? x->reverse : x->forward;

    for (uint32_t at = home_of(x, hash);; at = (at + 1) & x->mask) {
        for (unsigned i = 0; i < PC_PLACES; i++) {
            struct pc_node *node = node_of(x, table[at].entry[i], hash);
            if (node && pc_index_fits(key, &node->record))
                return node;
        }
        if (table[at].beyond == 0)
            return NULL;
    }
}

/* ---- what comes soon ---- */

static struct prepared *prepared_of(struct pc_mirror_index *x,
                                    const struct portcam_mirror_client *c)
{
    return &x->prepared[(c->port ^ c->ip[3] ^ c->ip[15]) & (PREPARED - 1)];
}

static uint64_t known_hash(struct pc_mirror_index *x, const struct portcam_mirror_client *c)
{
    const struct prepared *p = prepared_of(x, c);
    return p->hash && same_client(&p->client, c) ? p->hash : client_hash(x, c);
}

void pc_index_prepare(struct pc_mirror_index *x, const struct portcam_mirror_record *r)
{
    struct pc_index_key forward = key_of(r, false), reverse = key_of(r, true);
    uint64_t hash = client_hash(x, &forward.client);

    *prepared_of(x, &forward.client) = (struct prepared){forward.client, hash};
    __builtin_prefetch(&x->forward[home_of(x, end_hash(hash, &forward))], 1);
    __builtin_prefetch(&x->reverse[home_of(x, end_hash(hash, &reverse))], 1);
}

void pc_index_prepare_end(const struct pc_mirror_index *x, const struct pc_node *node)
{
    __builtin_prefetch(&x->forward[node->forward.bucket], 1);
    __builtin_prefetch(&x->reverse[node->reverse.bucket], 1);
}

/* ---- adding and removing ---- */

static struct pc_node *take(struct pc_mirror_index *x)
{
    struct pc_node *node = x->free;

    if (!node)
        return x->fresh < x->nodes ? &x->pool[x->fresh++] : NULL;
    x->free = node->lost_next;
    if (x->free) {
        __builtin_prefetch(x->free, 1);
        __builtin_prefetch(&x->free->record, 1);
    }
    return node;
}

int pc_index_add(struct pc_mirror_index *x, const struct portcam_mirror_record *r,
                 struct pc_node **ret)
{
    struct pc_index_key forward = key_of(r, false), reverse = key_of(r, true);
    uint64_t client = known_hash(x, &forward.client);
    uint64_t forward_hash = end_hash(client, &forward), reverse_hash = end_hash(client, &reverse);

    *ret = holder(x, forward_hash, &forward);
    if (!*ret)
        *ret = holder(x, reverse_hash, &reverse);
    if (*ret)
        return -EEXIST;
    struct pc_node *node = *ret = take(x);
    if (!node)
        return -ENOSPC;
    node->lost = false;
    node->record = *r;
    pc_index_update(node);
    node->forward = put(x, x->forward, forward_hash, node);
    node->reverse = put(x, x->reverse, reverse_hash, node);
    return 0;
}

void pc_index_remove(struct pc_mirror_index *x, struct pc_node *node)
{
    take_out(x, x->forward, &node->forward);
    take_out(x, x->reverse, &node->reverse);
    node->lost_next = x->free;
    x->free = node;
}

void pc_index_update(struct pc_node *node)
{
    __atomic_store_n(&node->where, (uint64_t)node->record.slot << 32 | node->record.generation,
                     __ATOMIC_RELAXED);
}

/* ---- looking up ---- */

void pc_index_look(const struct pc_mirror_index *x, const struct pc_index_key *key,
                   struct pc_index_cursor *ret)
{
    uint64_t hash = end_hash(client_hash(x, &key->client), key);
    *ret = (struct pc_index_cursor){
        .table = key->reverse ? x->reverse : x->forward, .hash = hash, .bucket = home_of(x, hash)};
}

bool pc_index_next(const struct pc_mirror_index *x, struct pc_index_cursor *c, uint32_t *ret_slot,
                   uint32_t *ret_generation)
{
    for (;; c->place = 0, c->bucket = (c->bucket + 1) & x->mask, c->past++) {
        const struct pc_bucket *b = &c->table[c->bucket];
        while (c->place < PC_PLACES) {
            uint64_t entry = __atomic_load_n(&b->entry[c->place++], __ATOMIC_ACQUIRE);
            const struct pc_node *node = node_of(x, entry, c->hash);
            if (node) {
                uint64_t where = __atomic_load_n(&node->where, __ATOMIC_RELAXED);
                *ret_slot = (uint32_t)(where >> 32);
                *ret_generation = (uint32_t)where;
                return true;
            }
        }
        if (__atomic_load_n(&b->beyond, __ATOMIC_RELAXED) == 0 || c->past == x->mask)
            return false;
    }
}
