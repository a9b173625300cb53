/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of slot tables share: cmocka, sets of backends, random ones by a seed, and tables of them. */
#ifndef PC_TEST_SCHEDULE_SETS_H
#define PC_TEST_SCHEDULE_SETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/src/schedule/schedule.h"

enum { SET_MAX = 4096, SET_NAME = 24 };

static uint64_t Seed = 1;

static inline uint32_t draw(uint32_t below)
{
    Seed += 0x9e3779b97f4a7c15ull;
    uint64_t z = Seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (uint32_t)((z ^ (z >> 31)) % below);
}

/* Numbers are 3 * i + 1 for the i-th of the names "b0000", "b0001" ..., so a number tells its place in the order. */
struct set {
    size_t n;
    struct pc_schedule_backend backend[SET_MAX];
    char name[SET_MAX][SET_NAME];
};

static inline struct set *set_new(size_t n, uint16_t weight)
{
    struct set *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        snprintf(s->name[i], SET_NAME, "b%04zu", i);
        s->backend[i] = (struct pc_schedule_backend){s->name[i], (uint16_t)(3 * i + 1), weight};
    }
    return s;
}

static inline size_t set_place(uint16_t number)
{
    assert_int_equal(number % 3, 1);
    return number / 3u;
}

static inline void set_shuffle(struct set *s)
{
    for (size_t i = s->n; i-- > 1;) {
        size_t k = draw((uint32_t)i + 1);
        struct pc_schedule_backend t = s->backend[i];
        s->backend[i] = s->backend[k];
        s->backend[k] = t;
    }
}

static inline int set_table(const struct set *s, enum pc_scheduler scheduler, uint16_t *slots,
                            size_t n_slots)
{
    /* Of exactly the size that is asked for, so that a memory checker sees a step too far. */
    struct pc_schedule_work *work = s->n ? malloc(s->n * sizeof(*work)) : NULL;
    int rc = pc_schedule(scheduler, s->n ? s->backend : NULL, s->n, work, slots, n_slots);
    free(work);
    return rc;
}

static inline uint16_t *slots_new(size_t n_slots)
{
    uint16_t *slots = malloc(n_slots * sizeof(*slots));
    assert_non_null(slots);
    memset(slots, 0x5a, n_slots * sizeof(*slots));
    return slots;
}

/* How many slots each place has. */
static inline void set_count(const uint16_t *slots, size_t n_slots, uint32_t count[SET_MAX])
{
    memset(count, 0, SET_MAX * sizeof(*count));
    for (size_t i = 0; i < n_slots; i++)
        count[set_place(slots[i])]++;
}

#endif
