// SPDX-License-Identifier: Apache-2.0
/* The inside of the slow path's engine: slow.c takes packets in, slow_verdict.c decides about one and sends it,
 * slow_fragments.c brings fragments to their first one. */
#ifndef PC_SLOW_ENGINE_H
#define PC_SLOW_ENGINE_H

#include "slow_datagrams.h"

enum { PC_SLOW_FRAME_MAX = 65535 };

struct pc_slow {
    struct pc_slow_ops ops;
    struct pc_datagrams datagrams;
    struct pc_held_list ready; /* whole packets that waited and go on */
    struct pc_connections *scratch;
    uint16_t *counter; /* of services; the card has its own */
    uint64_t random;
    struct pc_bucket bucket[PC_BUCKETS];
    struct pc_slow_stats stats;
    uint64_t now;
    const struct pc_tables *tables; /* of the packet in work */
    uint8_t frame[PC_SLOW_FRAME_MAX];
};

/* A packet in work. `at` is its bytes, which may be changed. */
struct pc_slow_work {
    struct pc_slow_header header;
    uint8_t *at;
    size_t len;
    struct pc_parsed parsed;
};

static inline void pc_slow_count(struct pc_slow *e, const struct pc_slow_header *h,
                                 enum pc_slow_outcome outcome)
{
    e->stats.packets[h->reason][outcome]++;
}

/* What becomes of a packet that has its headers, and of the fragments behind it. Refused packets are answered. */
struct pc_verdict pc_slow_decide(struct pc_slow *e, const struct pc_slow_work *w);

/* Does the verdict change the ports of an SCTP packet, and so its checksum? */
bool pc_slow_changes_sctp(const struct pc_slow_work *w, const struct pc_verdict *v);

/* Translate, send or drop, count. `end`: bytes of the datagram that the frame is a fragment of; read only where
 * pc_slow_changes_sctp(). */
void pc_slow_follow(struct pc_slow *e, struct pc_slow_work *w, const struct pc_verdict *v,
                    size_t end);

/* One fragment. */
void pc_slow_fragment(struct pc_slow *e, struct pc_slow_work *w);

#endif
