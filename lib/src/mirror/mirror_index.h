// SPDX-License-Identifier: Apache-2.0
/* The inside of the index of connections, for mirror_index.c, which uses it, and mirror_index_life.c, which makes it. */
#ifndef PC_MIRROR_INDEX_H
#define PC_MIRROR_INDEX_H

#include <urcu-bp.h>
#include <urcu/rculfhash.h>

#include "base/siphash.h"
#include "mirror_track.h"

/* Two cache lines: what walks through chains look at, and the record. */
struct pc_node {
    struct cds_lfht_node forward, reverse;
    uint32_t slot, generation; /* atomic */
    struct pc_known known;     /* readers look at what never changes: client and ends */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct pc_node) == 128, "two cache lines");

/* Clients whose hash is known ahead; a power of two. */
#define PREPARED 32

struct prepared {
    struct portcam_mirror_client client;
    uint64_t hash;
};

struct pc_mirror_index {
    struct cds_lfht *forward, *reverse;
    uint64_t bucket_mask;
    struct prepared prepared[PREPARED];
    struct pc_node *pool;
    uint32_t nodes, fresh;          /* those from `fresh` on were never used */
    struct pc_node *free, *retired; /* by lost_next; retired: a reader may still be there */
    uint8_t key[PC_SIPHASH_KEY];
    char grace; /* see tsan.h */
};

#endif
