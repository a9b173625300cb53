/* SPDX-License-Identifier: Apache-2.0 */
/* What records add to a decision: docs/pipeline.md sections 4 and 6. A decision that the tables left open is brought to its
 * end, either so that everything happens, or to see what would happen. Not thread-safe where things happen. */
#ifndef PC_MODEL_STATEFUL_H
#define PC_MODEL_STATEFUL_H

#include "connections.h"
#include "decide.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a card did where the rules leave it a choice. */
struct pc_choice {
    bool asked;     /* the service's counter was moved on */
    uint16_t index; /* pick least: the random number */
    bool second;    /* pick least, both candidates could be taken: it was the second */
    bool room;      /* there was a place for a record; `slot` is it */
    uint32_t slot;
};

/* Records that are kept elsewhere, as pc_connections_*() of the same name would answer. A record that get() gives is valid
 * until the next call. */
struct pc_record_ops {
    int (*forward)(void *ctx, const struct pc_client_key *key, unsigned service,
                   struct pc_end public_end);
    int (*reverse)(void *ctx, const struct pc_client_key *key, unsigned endpoint);
    const struct pc_connection *(*get)(void *ctx, unsigned slot);
    uint32_t (*active)(void *ctx, unsigned backend);
    enum pc_result (*may_insert)(void *ctx, const struct pc_insert *i);
    enum pc_result (*insert)(void *ctx, const struct pc_insert *i, const struct pc_packet *first,
                             unsigned *slot);
    enum pc_result (*replace)(void *ctx, unsigned slot, const struct pc_insert *i,
                              const struct pc_packet *first);
    void (*packet)(void *ctx, unsigned slot, const struct pc_packet *p);
};

struct pc_stateful {
    struct pc_connections *connections; /* NULL in a build without */
    const struct pc_record_ops *ops;    /* NULL: the records are in `connections` */
    void *ctx;                          /* of ops */
    uint16_t *counter;                  /* by service number */
    uint64_t random;                    /* of pick least, where nobody says which number it is */
};

/**
 * pc_stateful_decide() - bring a decision to its end, and let happen what it says
 * @choice: what a card did, NULL: the model's own choice
 * @now: ms
 * @d: as pc_decide_by_tables() left it
 */
void pc_stateful_decide(struct pc_stateful *s, const struct pc_tables *t, const struct pc_parsed *p,
                        const struct pc_choice *choice, uint32_t now, struct pc_decision *d);

/* The same, and nothing happens. `s` NULL: no records, counters 0. */
void pc_stateful_explain(const struct pc_stateful *s, const struct pc_tables *t,
                         const struct pc_parsed *p, struct pc_decision *d);

/* ---- answers of section 6 ---- */

/* The longest: Ethernet, two tags, IPv6, ICMPv6, and the packet up to the end of the window. */
#define PC_ANSWER_FRAME 192

struct pc_answer {
    uint8_t len;    /* 0: none */
    uint8_t egress; /* function */
    uint8_t bytes[PC_ANSWER_FRAME];
};

/* Is the reason of fate reject? */
bool pc_reason_is_reject(unsigned reason);

/* Is this packet one that is never answered? */
bool pc_reject_is_silent(const struct pc_parsed *p);

/* Buckets of tokens: of answers, one for each reason of fate reject; section 9 has others. */
#define PC_BUCKETS 5

struct pc_bucket {
    uint32_t level; /* thousandths of a token */
    uint32_t last;  /* ms */
};

void pc_buckets_fill(struct pc_bucket *buckets, unsigned count);

/* Take a token from a bucket that gains `rate` a second and holds `burst`; false: there is none. */
bool pc_bucket_take(struct pc_bucket *bucket, unsigned rate, unsigned burst, uint32_t now);

/* Which bucket is that of this reason? -1: its fate is not reject. */
int pc_reject_bucket(unsigned reason);

/* The answer to a frame that was parsed as `p`. */
void pc_reject_answer(const struct pc_parsed *p, const uint8_t *frame, struct pc_answer *ret);

#ifdef __cplusplus
}
#endif

#endif
