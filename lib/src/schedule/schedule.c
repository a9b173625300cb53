// SPDX-License-Identifier: Apache-2.0
/* Which backends a slot table has, and the orders of its slots that need no room of their own. */
#include <errno.h>
#include <string.h>

#include "maglev.h"
#include "schedule.h"
#include "smooth.h"

static const char *const Names[PC_SCHEDULER_MAX] = {
    [PC_SCHEDULER_RR] = "rr",     [PC_SCHEDULER_WRR] = "wrr", [PC_SCHEDULER_MH] = "mh",
    [PC_SCHEDULER_SH] = "sh",     [PC_SCHEDULER_LC] = "lc",   [PC_SCHEDULER_WLC] = "wlc",
    [PC_SCHEDULER_FAST] = "fast",
};

const char *pc_scheduler_name(enum pc_scheduler scheduler)
{
    return (unsigned)scheduler < PC_SCHEDULER_MAX ? Names[scheduler] : NULL;
}

int pc_scheduler_parse(const char *name, enum pc_scheduler *ret)
{
    for (unsigned i = 0; i < PC_SCHEDULER_MAX; i++) {
        if (strcmp(name, Names[i]) == 0) {
            *ret = (enum pc_scheduler)i;
            return 0;
        }
    }
    return -EINVAL;
}

static bool by_name(const struct pc_schedule_work *a, const struct pc_schedule_work *b)
{
    return strcmp(a->backend->name, b->backend->name) < 0;
}

static bool by_rank(const struct pc_schedule_work *a, const struct pc_schedule_work *b)
{
    return a->rank < b->rank;
}

/* Those with a weight, in the order of names. Returns how many, or an error. */
static int collect(const struct pc_schedule_backend *backends, size_t n,
                   struct pc_schedule_work *work, size_t n_slots)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        if (!backends[i].name || backends[i].number == PC_SLOT_NONE)
            return -EINVAL;
        if (backends[i].weight)
            work[found++] = (struct pc_schedule_work){.backend = &backends[i]};
    }
    if (found > n_slots)
        return -ENOSPC;
    pc_smooth_sort(work, found, by_name);
    for (size_t i = 0; i < found; i++) {
        work[i].rank = (uint32_t)i;
        if (i > 0 && strcmp(work[i - 1].backend->name, work[i].backend->name) == 0)
            return -EEXIST;
    }
    return (int)found;
}

static void fill_smooth(struct pc_schedule_work *work, size_t n, uint16_t *slots, size_t n_slots)
{
    struct pc_smooth turns;

    pc_smooth_start(&turns, work, n);
    for (size_t i = 0; i < n_slots; i++)
        slots[i] = pc_smooth_next(&turns)->backend->number;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/*
 * IPVS's ip_vs_sh_reassign(): round after round, each backend takes as many slots in a row as its weight says. There the
 * table may end in the middle of a round, or even of the first one, and those that come last have too little or nothing;
 * here weights are divided by what they have in common, and a backend that has all its slots sits out. The tables are the
 * same where all weights are 1, and where they have no common divisor and their sum divides the number of slots.
 */
static void fill_runs(struct pc_schedule_work *work, size_t n, uint16_t *slots, size_t n_slots)
{
    uint32_t common = 0;

    pc_smooth_sort(work, n, by_rank);
    for (size_t i = 0; i < n; i++) {
        common = gcd(work[i].share, common);
        work[i].rest = work[i].count;
    }
    for (size_t at = 0; at < n_slots;) {
        for (size_t i = 0; i < n; i++) {
            uint32_t run = work[i].share / common;
            if (run > work[i].rest)
                run = work[i].rest;
            work[i].rest -= run;
            while (run--)
                slots[at++] = work[i].backend->number;
        }
    }
}

int pc_schedule(enum pc_scheduler scheduler, const struct pc_schedule_backend *backends, size_t n,
                struct pc_schedule_work *work, uint16_t *slots, size_t n_slots)
{
    if ((unsigned)scheduler >= PC_SCHEDULER_MAX || n_slots == 0 || n_slots > PC_SLOTS_MAX ||
        (n_slots & (n_slots - 1)))
        return -EINVAL;
    int found = collect(backends, n, work, n_slots);
    if (found < 0)
        return found;
    for (size_t i = 0; i < n_slots; i++)
        slots[i] = PC_SLOT_NONE;
    if (found == 0)
        return 0;

    bool even = scheduler == PC_SCHEDULER_RR || scheduler == PC_SCHEDULER_LC;
    size_t many = (size_t)found;
    for (size_t i = 0; i < many; i++)
        work[i].share = even ? 1 : work[i].backend->weight;
    pc_smooth_share(work, many, (uint32_t)n_slots);
    if (scheduler == PC_SCHEDULER_MH) {
        uint32_t prime = pc_maglev_prime((uint32_t)n_slots);
        pc_maglev_prefer(work, many, prime);
        pc_maglev_fill(work, many, prime, slots, (uint32_t)n_slots);
    } else if (scheduler == PC_SCHEDULER_SH) {
        fill_runs(work, many, slots, n_slots);
    } else {
        fill_smooth(work, many, slots, n_slots);
    }
    return found;
}
