/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slot table of a service: a power of two of backend numbers. All the arithmetic of a scheduler is here, at the time of
 * a change; whoever schedules a connection only indexes the table: with a counter (rr, wrr, fast), with a hash of the client
 * (mh, sh) or with two random numbers (lc, wlc).
 *
 * A table depends on the set of backends alone, not on their order: they are taken in the order of their names, so two
 * machines with one configuration have one table. A backend of weight 0 is drained: it is in no table. Every other backend
 * has at least one slot. Nothing is allocated and nothing is kept between calls; health, records and the choice of a slot
 * are not known here.
 *
 * scheduler  shares   order of the slots, and where it comes from
 * rr         equal    A B C A B C (IPVS ip_vs_rr.c)
 * wrr        weights  smooth weighted round robin (nginx ngx_http_upstream_round_robin.c): A A B A C A A, not A A A A A B C
 * mh         weights  Maglev (Eisenbud et al., NSDI 2016, section 3.4): a change of the set moves few other slots
 * sh         weights  as many slots in a row as the weight says, round after round (IPVS ip_vs_sh.c)
 * lc         equal    as rr; two random slots are two candidates, the one with fewer active connections wins
 * wlc        weights  as wrr; likewise with active connections per weight. Candidates are drawn by weight: with even draws
 *                     a backend of weight 1000 among a hundred of weight 1 would be a candidate as rarely as each of them
 * fast       weights  as wrr, with the weights of pc_schedule_fast()
 */
#ifndef PC_SCHEDULE_H
#define PC_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#define PC_SLOTS_MAX 65536u
#define PC_SLOT_NONE 0xffff /* in the slots of an empty table; no backend has this number */

enum pc_scheduler {
    PC_SCHEDULER_RR,
    PC_SCHEDULER_WRR,
    PC_SCHEDULER_MH,
    PC_SCHEDULER_SH,
    PC_SCHEDULER_LC,
    PC_SCHEDULER_WLC,
    PC_SCHEDULER_FAST,
    PC_SCHEDULER_MAX,
};

struct pc_schedule_backend {
    const char *name; /* unique; the order, and the preferences of mh, come from it */
    uint16_t number;  /* what stands in the slots, below PC_SLOT_NONE */
    uint16_t weight;  /* 0 drained */
};

/* What the computation needs for one backend: the caller gives an array with as many elements as it has backends, with any
 * contents, and may use it again. 32 bytes each. */
struct pc_schedule_work {
    const struct pc_schedule_backend *backend;
    uint32_t rank;  /* in the order of names */
    uint32_t share; /* the weight that counts */
    uint32_t count; /* slots it gets */
    uint32_t rest;  /* what rounding left, then slots still to be given */
    uint32_t at;    /* mh: its next preferred slot */
    uint32_t skip;  /* mh: from one preferred slot to the next */
};

/**
 * pc_schedule() - compute a slot table
 * @scheduler: which one
 * @backends: in any order, names unique; may be NULL when there are none
 * @n: how many; any number, of which at most @n_slots with a weight
 * @work: @n elements, their contents are lost also on failure
 * @slots: @n_slots elements, untouched on failure
 * @n_slots: a power of two, 1 to PC_SLOTS_MAX
 *
 * Backend i of weight w(i) gets w(i) * n_slots / sum(w) slots, rounded up or down so that the sum is right (largest
 * remainder), exactly that where it is an integer; a backend that would have less than one gets one, and the others share
 * the rest in the same way. The table of wrr is one whole cycle of the algorithm with these counts as weights, so a counter
 * that wraps around goes on smoothly. For equal weights counts differ by one, so 100 slots a backend make shares even to 1 %
 * (the size that the Maglev paper advises).
 *
 * With d distinct counts, rr, sh and lc take time linear in @n_slots, and the others d * n_slots; d is at most
 * sqrt(2 * n_slots) because the sum of the counts is n_slots. mh adds the n_slots log n_slots of its paper, sorting n log n.
 *
 * Return: the number of backends in the table; 0 when no backend has a weight: all slots are PC_SLOT_NONE. -EINVAL: the
 * number of slots is no power of two or too large, the scheduler is unknown, a name is missing or a number is
 * PC_SLOT_NONE. -EEXIST: two backends with a weight have one name. -ENOSPC: more backends have a weight than there are
 * slots.
 * Context: any thread; @work and @slots belong to the call.
 */
int pc_schedule(enum pc_scheduler scheduler, const struct pc_schedule_backend *backends, size_t n,
                struct pc_schedule_work *work, uint16_t *slots, size_t n_slots);

#define PC_FAST_MEDIAN 256 /* the weight of a backend that answers in the median time */
#define PC_FAST_RANGE 8    /* no weight is more than this many times larger or smaller */

/**
 * pc_schedule_fast() - weights from measured response times
 * @backends: their weights only say who is drained
 * @response: @n times, all in one unit; 0: not measured
 * @n: how many
 * @work: @n elements, their contents are lost
 * @weights: @n weights, of which those of drained backends are 0, the others PC_FAST_MEDIAN / PC_FAST_RANGE to
 *           PC_FAST_MEDIAN * PC_FAST_RANGE
 *
 * The weight is PC_FAST_MEDIAN * median / response, rounded: a backend twice as fast as the median one gets twice its
 * connections. Times are compared with their (lower) median rather than with the fastest, so that one server that fails
 * at once, and is fast at that, does not take all connections. The limits keep a slow server measured and bound what
 * one wrong time can do. A backend that was not measured counts as a median one. Times should be means over many
 * connections, such as those from SYN to SYN-ACK; nothing is smoothed here.
 *
 * Context: any thread.
 */
void pc_schedule_fast(const struct pc_schedule_backend *backends, const uint32_t *response,
                      size_t n, struct pc_schedule_work *work, uint16_t *weights);

/* "rr" and so on; NULL for a number that is none. */
const char *pc_scheduler_name(enum pc_scheduler scheduler);

/* Return 0 or -EINVAL; the output is untouched on failure. */
int pc_scheduler_parse(const char *name, enum pc_scheduler *ret);

#endif
