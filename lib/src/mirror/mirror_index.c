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

#include "base/tsan.h"
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
    return same_key(key, &node->known.record, node->known.is_v6, node->known.kept_port);
}

static int match_reverse(struct cds_lfht_node *at, const void *key)
{
    const struct pc_node *node = caa_container_of(at, struct pc_node, reverse);
    PC_TSAN_ACQUIRE(node);
    return same_key(key, &node->known.record, node->known.is_v6, node->known.kept_port);
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
    if (node) {
        x->free = node->known.lost_next;
        __builtin_prefetch(x->free, 1);
    }
    return node;
}

static void retire(struct pc_mirror_index *x, struct pc_node *node)
{
    node->known.lost_next = x->retired;
    x->retired = node;
}

/* ---- what comes soon ---- */

static unsigned place_of(const struct portcam_mirror_client *c)
{
    return (c->port ^ c->ip[3] ^ c->ip[15]) & (PREPARED - 1);
}

static bool same_bytes(const struct portcam_mirror_client *a, const struct portcam_mirror_client *b)
{
    return a->port == b->port && a->protocol == b->protocol && a->is_v6 == b->is_v6 &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static uint64_t known_hash(const struct pc_mirror_index *x, const struct portcam_mirror_client *c)
{
    const struct prepared *p = &x->prepared[place_of(c)];
    return p->hash && same_bytes(&p->client, c) ? p->hash : client_hash(x, c);
}

static const struct cds_lfht_node *bucket_of(const struct pc_mirror_index *x, unsigned long hash,
                                             bool reverse)
{
    return cds_lfht_mm_mmap.bucket_at(reverse ? x->reverse : x->forward, hash & x->bucket_mask);
}

/* The bucket, or what stands first in it. */
static void fetch(const struct pc_mirror_index *x, unsigned long hash, bool reverse, bool first)
{
    const struct cds_lfht_node *bucket = bucket_of(x, hash, reverse);

    if (first) /* the low bits are flags */
        bucket = (const struct cds_lfht_node *)((uintptr_t)CMM_LOAD_SHARED(bucket->next) &
                                                ~(uintptr_t)7);
    __builtin_prefetch(bucket, 1);
}

void pc_index_prepare(struct pc_mirror_index *x, const struct portcam_mirror_record *r, bool again)
{
    struct pc_index_key forward = key_of(r, false), reverse = key_of(r, true);
    uint64_t hash = known_hash(x, &forward.client);

    if (!again)
        x->prepared[place_of(&forward.client)] = (struct prepared){forward.client, hash};
    fetch(x, end_hash(hash, &forward), false, again);
    fetch(x, end_hash(hash, &reverse), true, again);
}

static unsigned long turned(unsigned long bits)
{
    bits = __builtin_bswap64(bits);
    bits = (bits & 0x0f0f0f0f0f0f0f0fu) << 4 | (bits >> 4 & 0x0f0f0f0f0f0f0f0fu);
    bits = (bits & 0x3333333333333333u) << 2 | (bits >> 2 & 0x3333333333333333u);
    return (bits & 0x5555555555555555u) << 1 | (bits >> 1 & 0x5555555555555555u);
}

void pc_index_prepare_end(struct pc_mirror_index *x, const struct pc_node *node, unsigned turn)
{
    if (turn == 0) {
        __builtin_prefetch(node, 1);
        __builtin_prefetch(&node->known.record, 1);
        return;
    }
    fetch(x, turned(node->forward.reverse_hash), false, turn > 1);
    fetch(x, turned(node->reverse.reverse_hash), true, turn > 1);
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
    there = cds_lfht_add_unique(reverse ? x->reverse : x->forward, end_hash(hash, &key),
                                reverse ? match_reverse : match_forward, &key, own);
    if (there == own)
        return NULL;
    return reverse ? caa_container_of(there, struct pc_node, reverse)
                   : caa_container_of(there, struct pc_node, forward);
}

/* NULL, or the node that has one of the keys. */
static struct pc_node *enter_both(struct pc_mirror_index *x, struct pc_node *node, uint64_t hash,
                                  bool *seen)
{
    struct pc_node *there;

    rcu_read_lock();
    there = enter(x, node, hash, false);
    *seen = !there;
    if (!there)
        there = enter(x, node, hash, true);
    if (there && *seen)
        (void)cds_lfht_del(x->forward, &node->forward);
    rcu_read_unlock();
    return there;
}

int pc_index_add(struct pc_mirror_index *x, const struct portcam_mirror_record *r,
                 struct pc_node **ret)
{
    struct pc_node *node = take(x), *there;
    struct pc_index_key key = key_of(r, true);
    uint64_t hash = known_hash(x, &key.client);
    bool seen = false;

    if (!node)
        return -ENOSPC;
    node->known = (struct pc_known){.record = *r};
    node->known.is_v6 = key.client.is_v6;
    node->known.kept_port = key.kept_port;
    pc_index_update(node, r->slot, r->generation);
    there = enter_both(x, node, hash, &seen);
    *ret = there ? there : node;
    if (there && seen) {
        retire(x, node);
    } else if (there) { /* no reader saw the new one */
        node->known.lost_next = x->free;
        x->free = node;
    }
    return there ? -EEXIST : 0;
}

void pc_index_remove(struct pc_mirror_index *x, struct pc_node *node)
{
    rcu_read_lock();
    (void)cds_lfht_del(x->forward, &node->forward);
    (void)cds_lfht_del(x->reverse, &node->reverse);
    rcu_read_unlock();
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
