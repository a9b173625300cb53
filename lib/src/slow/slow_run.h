// SPDX-License-Identifier: Apache-2.0
/* The slow path of a card: slow_run.c owns the rings and the thread's turn, slow_card.c is what the engine sees of the card,
 * slow_json.c puts it into words. */
#ifndef PC_SLOW_RUN_H
#define PC_SLOW_RUN_H

#include <pthread.h>

#include "instance/instance.h"
#include "portcam/mirror.h"
#include "portcam/punt.h"
#include "portcam/slow_path.h"
#include "slow.h"

/* What a new configuration changes. */
struct pc_slow_news {
    struct pc_tables *tables;
    struct pc_slow_limits limits;
};

/* What status tells; a copy that the running thread makes. */
struct pc_slow_told {
    struct pc_slow_stats engine;
    uint64_t unsent;   /* frames that the card did not take */
    uint64_t restarts; /* of the rings */
    uint32_t ring_full, refused;
    bool running;
};

struct portcam_slow_path {
    struct portcam *pc;
    struct portcam_mirror *mirror; /* NULL: connections are not known */
    struct portcam_punt *punt;
    struct pc_slow *engine;
    struct pc_tables *tables;  /* of the running thread */
    struct pc_slow_news *news; /* atomic; NULL: none */
    uint64_t restarted_ms, told_ms;
    bool broken; /* the rings need a restart */
    struct pc_slow_told now;
    pthread_mutex_t lock; /* told */
    struct pc_slow_told told;
};

/* The card as the engine sees it (slow_card.c). */
struct pc_slow_ops pc_slow_card_ops(struct portcam_slow_path *s);

/* A new configuration runs: the slow path follows, if there is one. 0 or -ENOMEM, then it goes on with the old rows. */
int pc_slow_path_follow(struct portcam *pc);

#endif
