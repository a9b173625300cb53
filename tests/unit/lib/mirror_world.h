// SPDX-License-Identifier: Apache-2.0
/*
 * A model card whose connection table a test changes at random, its mirror, and what the mirror told: the told connections
 * must be those of the table whenever all events are followed.
 */
#ifndef PC_TEST_MIRROR_WORLD_H
#define PC_TEST_MIRROR_WORLD_H

#include "card.h"
#include "fixture.h"
#include "lib/src/mirror/mirror_track.h"
#include "sim/rng.h"

enum { WORLD_GENERATIONS = 1 << 20 };

/* A connection by its generation. */
struct told {
    bool live, ended, counted;
    unsigned kind, cause; /* of the last change */
    struct portcam_mirror_record record;
    uint64_t packets; /* of the client, at its end */
};

struct world {
    struct portcam *pc;
    struct portcam_mirror *mirror;
    struct pc_connections *table;
    struct pc_rng rng;
    struct told *told;
    uint64_t *final;       /* packets of the client when it ended, by generation */
    unsigned live, spread; /* spread: clients, and slots of a family, that are used */
    unsigned changes[4];   /* by kind */
};

void world_open(struct world *w, uint64_t seed, unsigned ring_log2, unsigned spread);
void world_close(struct world *w);

/* A new connection in a random slot; the slot, or -1 where it is taken or there is one of these ends. */
int world_insert(struct world *w, uint32_t client, bool is_v6);
/* A packet with TCP flags. */
void world_packet(struct world *w, unsigned slot, unsigned from, unsigned flags);
void world_end(struct world *w, unsigned slot);

/* Any of the things that happen to a connection. */
void world_step(struct world *w);

/* Follow all events. */
void world_follow(struct world *w);

/* What was told is what there is, and every connection is found by both keys. */
void world_check(struct world *w);

#endif
