// SPDX-License-Identifier: Apache-2.0
/*
 * The slow path: what becomes of a packet that the card handed to the host. It is decided with the model's own code, on the
 * rows that the card has and on its mirrored records, rewritten, and sent back through the card. Fragments follow their first
 * one; SCTP gets its checksum; headers may be as long as the packet.
 *
 * The engine owns no thread, no device and no clock: one caller at a time hands it packets and time, and the rest of the
 * world is struct pc_slow_ops. Nothing in a packet or its header is believed before it is bounded, and all memory that
 * packets can claim is bounded by struct pc_slow_limits.
 */
#ifndef PC_SLOW_H
#define PC_SLOW_H

#include "stateful.h"
#include "tables.h"

struct pc_slow;

/* What the engine needs of the card. All are called by the thread of pc_slow_packet() and pc_slow_tick(). */
struct pc_slow_ops {
    void *ctx;
    /* The rows that the card has, never NULL; asked for once a packet, and used until the next time. */
    const struct pc_tables *(*tables)(void *ctx);
    /* The record of a key, as pc_connections_forward() and _reverse() have it; false: none that is known. */
    bool (*find_forward)(void *ctx, const struct pc_client_key *key, unsigned service,
                         struct pc_end public_end, struct pc_connection *ret);
    bool (*find_reverse)(void *ctx, const struct pc_client_key *key, unsigned endpoint,
                         struct pc_connection *ret);
    /* Let what the card did until now be known to the two above; `sure`: the card has what they did not find. NULL: it is
     * always known. */
    void (*settle)(void *ctx, bool sure);
    /* Make a record in the card: ok, exists, ambiguous or full. */
    enum pc_result (*insert)(void *ctx, const struct pc_connection *r);
    /* Bring a record from one state to another: ok, or anything else if it is no longer there. The counters of `to` may
     * be more than those of `from` by what was seen here. */
    enum pc_result (*update)(void *ctx, const struct pc_connection *from,
                             const struct pc_connection *to);
    /* Records of a backend that are not yet closing; embryonic records of the card. NULL: not known. */
    uint32_t (*active)(void *ctx, unsigned backend);
    uint32_t (*embryonic)(void *ctx);
    /* The frame leaves by a function, as it is. */
    void (*send)(void *ctx, unsigned egress, const uint8_t *frame, size_t len);
};

/* Zero means the default everywhere. */
struct pc_slow_limits {
    unsigned datagrams;    /* whose fragments are known at once; default 4,096 */
    unsigned fragments;    /* of one datagram; default 128 */
    size_t held_bytes;     /* of frames that wait, in all; default 4 MiB */
    size_t datagram_bytes; /* and of one datagram; default 128 KiB */
    unsigned hold_ms;      /* how long a frame waits; default 1,000 */
    unsigned remember_ms;  /* how long a datagram is known; default 30,000 */
};

/* Defaults for what is zero; false where something is out of range. */
bool pc_slow_limits_complete(struct pc_slow_limits *limits);

/* What the punt header says of a packet. */
struct pc_slow_header {
    uint8_t reason;   /* enum portcam_reason */
    uint8_t ingress;  /* function */
    uint32_t time_ms; /* of the card */
};

/* What became of a packet. The names are those of pc_slow_outcome_name(). */
enum pc_slow_outcome {
    PC_SLOW_REWRITTEN, /* sent, translated */
    PC_SLOW_DELIVERED, /* sent unchanged to a backend's function */
    PC_SLOW_PASSED,    /* sent unchanged to its default egress */
    PC_SLOW_REFUSED,   /* dropped, and answered as far as limits allow */
    PC_SLOW_DROPPED,   /* dropped by a rule that a card has too */
    PC_SLOW_FULL,      /* no room for its record */
    PC_SLOW_CONFLICT,  /* its record was in the way of another again and again */
    PC_SLOW_TINY,      /* a first fragment without its headers: the datagram is dropped */
    PC_SLOW_MALFORMED, /* a fragment that cannot be one */
    PC_SLOW_OVERLAP,   /* fragments overlap: the datagram is dropped */
    PC_SLOW_REST,      /* of a datagram that is dropped */
    PC_SLOW_NO_ROOM,   /* limits of memory */
    PC_SLOW_EXPIRED,   /* waited too long for another fragment */
    PC_SLOW_NONSENSE,  /* the header cannot be one of a card */
    PC_SLOW_OUTCOMES
};

struct pc_slow_stats {
    /* Every packet comes to be counted here once; `held` of them have not yet. */
    uint64_t packets[PORTCAM_REASON_ROWS][PC_SLOW_OUTCOMES];
    uint64_t answers;           /* sent to those that were refused */
    uint64_t inserted, updated; /* records */
    unsigned datagrams, held;   /* that are known, frames that wait: now */
    size_t held_bytes;          /* of these */
    unsigned datagrams_most;    /* most at once */
    size_t held_bytes_most;     /* most at once */
};

/* NULL: no memory, or limits out of range. */
struct pc_slow *pc_slow_new(const struct pc_slow_ops *ops, const struct pc_slow_limits *limits);

/* Other limits, in range, from here on. */
void pc_slow_set_limits(struct pc_slow *e, const struct pc_slow_limits *limits);

/* Frames that wait are lost. NULL: nothing. */
void pc_slow_free(struct pc_slow *e);

/**
 * pc_slow_packet() - one packet that the card handed over
 * @frame: its bytes; copied before they are looked at
 * @len: bytes, 1 to the longest frame of the card
 * @now_ms: any clock that does not go back
 */
void pc_slow_packet(struct pc_slow *e, const struct pc_slow_header *header, const uint8_t *frame,
                    size_t len, uint64_t now_ms);

/* Time passes. Call it now and then, best at pc_slow_next(). */
void pc_slow_tick(struct pc_slow *e, uint64_t now_ms);

/* When pc_slow_tick() has something to do, UINT64_MAX never. */
uint64_t pc_slow_next(const struct pc_slow *e);

const struct pc_slow_stats *pc_slow_stats(const struct pc_slow *e);

/* "rewritten" and so on; never NULL. */
const char *pc_slow_outcome_name(unsigned outcome);

#endif
