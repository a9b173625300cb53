// SPDX-License-Identifier: Apache-2.0
/*
 * Datagrams of which fragments were seen: which bytes of them came, what was decided about them, and the frames that wait for
 * that. Everything is bounded: when there is no room the oldest goes. Nothing here decides about packets.
 */
#ifndef PC_SLOW_DATAGRAMS_H
#define PC_SLOW_DATAGRAMS_H

#include <sys/queue.h>

#include "decide.h"
#include "slow.h"

/* A frame that waits. */
struct pc_held {
    STAILQ_ENTRY(pc_held) next;
    struct pc_slow_header header;
    bool whole; /* no fragment: a packet of the same flow that came behind one that waits */
    size_t len;
    uint8_t bytes[];
};
STAILQ_HEAD(pc_held_list, pc_held);

/* What becomes of the frames of a datagram. */
struct pc_verdict {
    enum pc_slow_outcome outcome;
    uint8_t egress; /* where the outcome is to send */
    struct pc_change change;
};

enum pc_datagram_state {
    PC_DATAGRAM_NEW,     /* the first fragment is not yet there */
    PC_DATAGRAM_ENDLESS, /* it is, but waits for the length of the whole */
    PC_DATAGRAM_DECIDED, /* frames follow the verdict */
    PC_DATAGRAM_DEAD     /* all the rest is dropped */
};

/* Bytes that came. */
struct pc_range {
    uint64_t hash; /* of what they are */
    uint16_t from, to;
};

struct pc_datagram_key {
    uint8_t ingress, is_v6, protocol, zero;
    uint16_t vlan, zero2;
    uint32_t id;
    uint8_t src[16], dst[16];
};

struct pc_datagram {
    TAILQ_ENTRY(pc_datagram) age, waiting;
    struct pc_datagram *chain;
    struct pc_datagram_key key;
    enum pc_datagram_state state;
    bool is_waiting;         /* in the queue of those that hold frames */
    uint64_t made, holds;    /* ms: when it began; to hold frames */
    struct pc_range *ranges; /* in order, they do not touch each other's bytes */
    unsigned n_ranges, room;
    uint32_t end, came; /* bytes of the whole, 0 not known; of them there */
    struct pc_held_list held;
    size_t held_bytes;
    uint16_t ports[2]; /* where it is endless: of its flow */
    struct pc_verdict verdict;
};
TAILQ_HEAD(pc_datagram_queue, pc_datagram);

/* A frame is given up. Frees it, or keeps it. */
typedef void (*pc_lost_fn)(void *ctx, struct pc_held *held, enum pc_slow_outcome why);

struct pc_datagrams {
    struct pc_slow_limits limits;
    uint8_t key[16]; /* of the hashes */
    struct pc_datagram **chains;
    unsigned mask;                            /* chains - 1 */
    struct pc_datagram_queue by_age, waiting; /* oldest first */
    unsigned count, held;
    size_t held_bytes;
    pc_lost_fn lost;
    void *ctx;
};

/* 0 or -ENOMEM. Limits are whole, and in range. */
int pc_datagrams_init(struct pc_datagrams *t, const struct pc_slow_limits *limits, pc_lost_fn lost,
                      void *ctx);
void pc_datagrams_fini(struct pc_datagrams *t);

/* What is beyond the new limits goes, oldest first. */
void pc_datagrams_set_limits(struct pc_datagrams *t, const struct pc_slow_limits *limits);

/* The datagram of a fragment; NULL without memory. */
struct pc_datagram *pc_datagrams_get(struct pc_datagrams *t, const struct pc_parsed *p,
                                     uint64_t now);

/* Forget one. It holds nothing. */
void pc_datagrams_forget(struct pc_datagrams *t, struct pc_datagram *d);

/* Drop all that it holds, for this reason, and all that is to come. */
void pc_datagrams_kill(struct pc_datagrams *t, struct pc_datagram *d, enum pc_slow_outcome why);

enum pc_came { PC_CAME_NEW, PC_CAME_AGAIN, PC_CAME_ACROSS /* it overlaps */, PC_CAME_TOO_MANY };

/* The bytes of a fragment came. */
enum pc_came pc_datagram_add(const struct pc_datagrams *t, struct pc_datagram *d,
                             const struct pc_parsed *p, const uint8_t *frame);

static inline bool pc_datagram_is_whole(const struct pc_datagram *d)
{
    return d->end != 0 && d->came == d->end;
}

/* Let a frame wait; false where it cannot, and the datagram may be dead then. */
bool pc_datagrams_hold(struct pc_datagrams *t, struct pc_datagram *d,
                       const struct pc_slow_header *header, const uint8_t *frame, size_t len,
                       bool whole, uint64_t now);

/* Frames that waited, in the order in which they came, to the end of a list; pc_datagrams_release() frees each. */
void pc_datagrams_take(struct pc_datagrams *t, struct pc_datagram *d, struct pc_held_list *ret);
void pc_datagrams_release(struct pc_datagrams *t, struct pc_held *held);

/* What has waited for too long, and what is too old. */
void pc_datagrams_tick(struct pc_datagrams *t, uint64_t now);
uint64_t pc_datagrams_next(const struct pc_datagrams *t);

#endif
