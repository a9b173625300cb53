// SPDX-License-Identifier: Apache-2.0
/*
 * A card that lies: it stands for the card model behind "model:" and breaks one rule of the ring at
 * a time.
 */
#ifndef FAKE_CARD_H
#define FAKE_CARD_H

#include <stdbool.h>
#include <stdint.h>

enum fake_lie {
    HONEST,
    LIE_HEAD_AHEAD, /* sq_head beyond what was pushed */
    LIE_HEAD_BACK,  /* sq_head behind */
    LIE_COOKIE,
    LIE_STATUS,
    LIE_LAP_GARBAGE,
    LIE_LAP_ONES, /* the whole completion is all-ones */
    LIE_NO_COMPLETION,
    LIE_STOPS,         /* stops the ring with a reason */
    LIE_STOPS_UNKNOWN, /* stops with a reason nobody knows */
    LIE_GONE,          /* every register is all-ones from the doorbell on */
    LIE_NEVER_READY,
    LIE_NEVER_STOPS,
    LIE_REFUSES_RING,
    LIE_TWICE, /* each completion is written twice */
};

struct fake_card {
    enum fake_lie lie;
    unsigned doorbells;
    unsigned cpl_head_writes;
    bool gone;
    unsigned late; /* reads of CMD_STATUS until the ring runs after ENABLE */
};

extern struct fake_card fake_card;

#endif /* FAKE_CARD_H */
