// SPDX-License-Identifier: Apache-2.0
/* The inside of the index of connections, for mirror_index.c, which uses it, and mirror_index_life.c, which makes it. */
#ifndef PC_MIRROR_INDEX_H
#define PC_MIRROR_INDEX_H

#include "base/siphash.h"
#include "mirror_track.h"

/* A cache line. What finds its bucket full stands in the next one that is not. */
enum { PC_PLACES = 7 };
struct pc_bucket {
    uint64_t
        entry[PC_PLACES]; /* atomic; 0, or: a part of the hash, 32 bits; 1 + number of the node */
    uint64_t beyond;      /* atomic; entries that went past this bucket */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct pc_bucket) == 64, "a cache line");
_Static_assert(sizeof(struct pc_node) == 128, "two cache lines");

/* Clients whose hash is known ahead; a power of two. */
#define PREPARED 64

struct prepared {
    struct portcam_mirror_client client;
    uint64_t hash;
};

struct pc_mirror_index {
    struct pc_bucket *forward, *reverse;
    uint32_t mask; /* of numbers of buckets */
    struct prepared prepared[PREPARED];
    struct pc_node *pool;
    uint32_t nodes, fresh; /* those from `fresh` on were never used */
    struct pc_node *free;  /* by lost_next */
    uint8_t key[PC_SIPHASH_KEY];
};

#endif
