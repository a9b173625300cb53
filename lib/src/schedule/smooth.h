/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns in proportion to weights: how many each backend has (pc_smooth_share), and in which order (pc_smooth_start and
 * pc_smooth_next). The order is that of smooth weighted round robin, nginx's ngx_http_upstream_get_peer(): at each turn
 * every backend gains its weight, the first one that has most takes the turn and pays the sum of all weights.
 *
 * At no time has a backend had a whole turn more than its due. It may still have two turns in a row though less than half of
 * all are its own: nginx's order is even, but not the one with the fewest repetitions.
 *
 * Backends of equal weight take turns among themselves in their order, so it is enough to look at the one of them whose
 * turn is next. This gives the same order as a look at each, in steps of the number of distinct weights.
 */
#ifndef PC_SMOOTH_H
#define PC_SMOOTH_H

#include <stdbool.h>

#include "schedule.h"

/* Distinct numbers of turns with a sum of at most 65,537: 1 + 2 + ... + 361 = 65,341. */
#define PC_SMOOTH_CLASSES 361

struct pc_smooth_class {
    int64_t current; /* nginx's current_weight of the one whose turn is next */
    uint32_t count;
    uint32_t first, members; /* in the work array */
    uint32_t next;           /* member, counted from 0 */
};

struct pc_smooth {
    struct pc_schedule_work *work;
    int64_t total;
    uint32_t classes;
    struct pc_smooth_class class[PC_SMOOTH_CLASSES];
};

typedef bool (*pc_smooth_before)(const struct pc_schedule_work *a,
                                 const struct pc_schedule_work *b);

/* Heap sort: needs no memory, and n log n steps for any input. */
void pc_smooth_sort(struct pc_schedule_work *work, size_t n, pc_smooth_before before);

/* Sets `count` from `share` (1 or more) and `rank`; 1 <= n <= turns <= 65,537. Changes the order of the array. */
void pc_smooth_share(struct pc_schedule_work *work, size_t n, uint32_t turns);

/* Reads `count` (1 or more, of sum at most 65,537) and `rank`. Changes the order of the array, which must then stay as it
 * is. After as many turns as the sum of counts everything starts again. */
void pc_smooth_start(struct pc_smooth *s, struct pc_schedule_work *work, size_t n);
struct pc_schedule_work *pc_smooth_next(struct pc_smooth *s);

#endif
