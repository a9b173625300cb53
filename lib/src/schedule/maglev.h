/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maglev hashing: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section 3.4.
 * Every backend has a list of all slots in an order of its own, made from its name alone; the backends take turns, and
 * each takes the first slot of its list that is still free. Shares are as even as turns are, and when one backend goes
 * the others mostly find the slots they had.
 *
 * The lists want a prime number of positions, M, but a card indexes with bits of a hash and has a power of two of slots.
 * Linux IPVS (ip_vs_mh.c), Katran and Cilium have M slots and divide the hash of each packet by M; a divider in a pipeline
 * that takes one packet a clock costs more than it gives. So here M is the smallest prime not below the number of slots,
 * and the positions behind the last slot are left out of every list. What remains of a list is still an order of all slots,
 * which is all that the method asks of it (the paper: "Other methods of generating random permutations [...] would work
 * fine here as well"). With as many slots as M this is exactly the published algorithm. Cutting a table of M slots
 * instead would take slots from some backends and not from others; repeating a smaller one would give some to them twice.
 *
 * Weights: the paper alters "the relative frequency of the backends' turns". Turns are those of smooth.h; for equal weights
 * these are round robin, as published. IPVS gives a backend weight / gcd turns in a row, shifted right until they fit half
 * the bits of the table's size; with many backends the first ones then fill the table in their first round or two, and
 * shares are wrong by a factor. Turns that are spread evenly keep every share exact to one slot.
 */
#ifndef PC_MAGLEV_H
#define PC_MAGLEV_H

#include "schedule.h"

/* The smallest prime not below a power of two, 1 to PC_SLOTS_MAX. */
uint32_t pc_maglev_prime(uint32_t n_slots);

/*
 * Sets `at` and `skip` of each from its name: at = h1(name) mod prime, skip = h2(name) mod (prime - 1) + 1. h1 and h2 are
 * SipHash-2-4 with the keys "portcam mh start" and "portcam mh steps".
 */
void pc_maglev_prefer(struct pc_schedule_work *work, size_t n, uint32_t prime);

/*
 * Fills the slots, all PC_SLOT_NONE before; 1 <= n <= n_slots <= prime <= 65,537. Reads `count` (of sum n_slots), `rank`,
 * `at` and `skip`; changes the order of the array. The expected number of probes is n_slots log n_slots; it is never more
 * than n * prime, for names whose hashes are all equal.
 */
void pc_maglev_fill(struct pc_schedule_work *work, size_t n, uint32_t prime, uint16_t *slots,
                    uint32_t n_slots);

#endif
