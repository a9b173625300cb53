// SPDX-License-Identifier: Apache-2.0
/*
 * The connections of the mirror by their two keys, in two hash tables of liburcu: one thread adds and removes, any number look
 * up without waiting. Nodes come from a pool that is taken once. One that was removed is used again when no reader can
 * be at it any more.
 *
 * The hash is keyed with random bits, for clients choose their ports; keys are unique, so that no chain gets long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <urcu-bp.h>
#include <urcu/rculfhash.h>

#include "mirror_track.h"
#include "siphash.h"
#include "tsan.h"

struct pc_node {
    struct cds_lfht_node forward, reverse;
    uint32_t slot, generation; /* atomic */
    struct pc_known known;     /* readers look at what never changes: client and ends */
    bool is_v6;
    uint16_t kept_port;
};

struct pc_mirror_index {
    struct cds_lfht *forward, *reverse;
    struct pc_node *pool;
    uint32_t nodes, fresh;          /* those from `fresh` on were never used */
    struct pc_node *free, *retired; /* by lost_next; retired: a reader may still be there */
    uint8_t key[PC_SIPHASH_KEY];
    char grace; /* see tsan.h */
};

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
static unsigned long end_hash(uint64_t hash, const struct pc_index_key *key)
{
    if (key->reverse)
        hash += 1 + ((uint64_t)key->kept_port << 32 | (uint64_t)key->group << 16 | key->endpoint);
    else
        hash ^= (uint64_t)key->port << 16 | key->address;
    hash *= 0x9e3779b97f4a7c15u;
    return (unsigned long)(hash ^ hash >> 29);
}

static bool same_client(const struct portcam_mirror_client *c,
                        const struct portcam_mirror_record *r, bool is_v6)
{
    return c->port == r->client_port && c->protocol == r->protocol && c->is_v6 == is_v6 &&
           memcmp(c->ip, r->client_ip, sizeof(c->ip)) == 0;
}

static bool same_key(const struct pc_index_key *key, const struct portcam_mirror_record *r,
                     bool is_v6, uint16_t kept_port)
{
    if (!same_client(&key->client, r, is_v6))
        return false;
    return key->reverse ? key->endpoint == r->endpoint && key->group == r->group &&
                              key->kept_port == kept_port
                        : key->address == r->address && key->port == r->public_port;
}

bool pc_index_fits(const struct pc_index_key *key, const struct portcam_mirror_record *r)
{
    struct pc_index_key own = key_of(r, key->reverse);
    return same_key(key, r, own.client.is_v6, own.kept_port);
}

static int match_forward(struct cds_lfht_node *at, const void *key)
{
    const struct pc_node *node = caa_container_of(at, struct pc_node, forward);
    PC_TSAN_ACQUIRE(node);
    return same_key(key, &node->known.record, node->is_v6, node->kept_port);
}

static int match_reverse(struct cds_lfht_node *at, const void *key)
{
    const struct pc_node *node = caa_container_of(at, struct pc_node, reverse);
    PC_TSAN_ACQUIRE(node);
    return same_key(key, &node->known.record, node->is_v6, node->kept_port);
}

/* ---- the pool ---- */

static struct pc_node *take(struct pc_mirror_index *x)
{
    struct pc_node *node = x->free;

    if (!node && x->fresh < x->nodes)
        return &x->pool[x->fresh++];
    if (!node && x->retired) {
        synchronize_rcu();
        PC_TSAN_ACQUIRE(&x->grace);
        node = x->retired;
        x->retired = NULL;
    }
    if (node)
        x->free = node->known.lost_next;
    return node;
}

static void retire(struct pc_mirror_index *x, struct pc_node *node)
{
    node->known.lost_next = x->retired;
    x->retired = node;
}

/* ---- adding and removing ---- */

/* NULL, or the node that has this key. */
static struct pc_node *enter(struct pc_mirror_index *x, struct pc_node *node, uint64_t hash,
                             bool reverse)
{
    struct pc_index_key key = key_of(&node->known.record, reverse);
    struct cds_lfht_node *own = reverse ? &node->reverse : &node->forward, *there;

    cds_lfht_node_init(own);
    PC_TSAN_RELEASE(node);
    rcu_read_lock();
    there = cds_lfht_add_unique(reverse ? x->reverse : x->forward, end_hash(hash, &key),
                                reverse ? match_reverse : match_forward, &key, own);
    rcu_read_unlock();
    if (there == own)
        return NULL;
    return reverse ? caa_container_of(there, struct pc_node, reverse)
                   : caa_container_of(there, struct pc_node, forward);
}

static void leave(struct cds_lfht *table, struct cds_lfht_node *at)
{
    rcu_read_lock();
    (void)cds_lfht_del(table, at);
    rcu_read_unlock();
}

int pc_index_add(struct pc_mirror_index *x, const struct portcam_mirror_record *r,
                 struct pc_node **ret)
{
    struct pc_node *node = take(x), *there;
    struct pc_index_key key = key_of(r, true);
    uint64_t hash = client_hash(x, &key.client);

    if (!node)
        return -ENOSPC;
    node->known = (struct pc_known){.record = *r};
    node->is_v6 = key.client.is_v6;
    node->kept_port = key.kept_port;
    pc_index_update(node, r->slot, r->generation);
    there = enter(x, node, hash, false);
    if (there) { /* nobody saw the new one */
        node->known.lost_next = x->free;
        x->free = node;
        *ret = there;
        return -EEXIST;
    }
    there = enter(x, node, hash, true);
    if (there) {
        leave(x->forward, &node->forward);
        retire(x, node);
        *ret = there;
        return -EEXIST;
    }
    *ret = node;
    return 0;
}

void pc_index_remove(struct pc_mirror_index *x, struct pc_node *node)
{
    leave(x->forward, &node->forward);
    leave(x->reverse, &node->reverse);
    retire(x, node);
}

void pc_index_update(struct pc_node *node, uint32_t slot, uint32_t generation)
{
    __atomic_store_n(&node->slot, slot, __ATOMIC_RELAXED);
    __atomic_store_n(&node->generation, generation, __ATOMIC_RELAXED);
}

struct pc_known *pc_node_known(struct pc_node *node)
{
    return &node->known;
}

/* ---- looking up ---- */

bool pc_index_find(const struct pc_mirror_index *x, const struct pc_index_key *key,
                   uint32_t *ret_slot, uint32_t *ret_generation)
{
    unsigned long hash = end_hash(client_hash(x, &key->client), key);
    struct cds_lfht_iter iter;
    struct cds_lfht_node *at;

    rcu_read_lock();
    cds_lfht_lookup(key->reverse ? x->reverse : x->forward, hash,
                    key->reverse ? match_reverse : match_forward, key, &iter);
    at = cds_lfht_iter_get_node(&iter);
    if (at) {
        const struct pc_node *node = key->reverse ? caa_container_of(at, struct pc_node, reverse)
                                                  : caa_container_of(at, struct pc_node, forward);
        *ret_slot = __atomic_load_n(&node->slot, __ATOMIC_RELAXED);
        *ret_generation = __atomic_load_n(&node->generation, __ATOMIC_RELAXED);
    }
    PC_TSAN_RELEASE(&x->grace);
    rcu_read_unlock();
    return at != NULL;
}

/* ---- life ---- */

static struct cds_lfht *new_table(uint32_t slots)
{
    unsigned long buckets = 64;

    while (buckets < slots)
        buckets *= 2;
    return cds_lfht_new(buckets, buckets, buckets, 0, NULL);
}

struct pc_mirror_index *pc_index_new(uint32_t slots)
{
    struct pc_mirror_index *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    /* Some more than there can be, so that those that were removed can wait for readers. */
    x->nodes = slots + slots / 8 + 1024;
    x->pool = calloc(x->nodes, sizeof(*x->pool));
    x->forward = new_table(slots);
    x->reverse = new_table(slots);
    if (!x->pool || !x->forward || !x->reverse ||
        getrandom(x->key, sizeof(x->key), 0) != (ssize_t)sizeof(x->key)) {
        pc_index_free(x);
        return NULL;
    }
    return x;
}

/* All nodes out of a table, and the table away. */
static void free_table(struct cds_lfht *table)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *at;

    if (!table)
        return;
    rcu_read_lock();
    cds_lfht_first(table, &iter);
    for (at = cds_lfht_iter_get_node(&iter); at; at = cds_lfht_iter_get_node(&iter)) {
        (void)cds_lfht_del(table, at);
        cds_lfht_next(table, &iter);
    }
    rcu_read_unlock();
    (void)cds_lfht_destroy(table, NULL);
}

void pc_index_free(struct pc_mirror_index *x)
{
    if (!x)
        return;
    free_table(x->forward);
    free_table(x->reverse);
    free(x->pool);
    free(x);
}
