// SPDX-License-Identifier: Apache-2.0
/* Populating the lookup table of the Maglev paper (its pseudocode 1) without storing the lists. */
#include <string.h>

#include "base/siphash.h"
#include "maglev.h"
#include "smooth.h"

uint32_t pc_maglev_prime(uint32_t n_slots)
{
    static const uint32_t primes[] = {2,   2,    5,    11,   17,   37,    67,    131,  257,
                                      521, 1031, 2053, 4099, 8209, 16411, 32771, 65537};
    unsigned i = 0;

    while (n_slots >> (i + 1))
        i++;
    return primes[i];
}

void pc_maglev_prefer(struct pc_schedule_work *work, size_t n, uint32_t prime)
{
    static const uint8_t start[] = "portcam mh start", steps[] = "portcam mh steps";

    for (size_t i = 0; i < n; i++) {
        const char *name = work[i].backend->name;
        size_t len = strlen(name);
        work[i].at = (uint32_t)(pc_siphash(start, name, len) % prime);
        work[i].skip = (uint32_t)(pc_siphash(steps, name, len) % (prime - 1) + 1);
    }
}

void pc_maglev_fill(struct pc_schedule_work *work, size_t n, uint32_t prime, uint16_t *slots,
                    uint32_t n_slots)
{
    struct pc_smooth turns;

    pc_smooth_start(&turns, work, n);
    for (uint32_t left = n_slots; left; left--) {
        struct pc_schedule_work *w = pc_smooth_next(&turns);
        while (w->at >= n_slots || slots[w->at] != PC_SLOT_NONE) {
            w->at += w->skip;
            if (w->at >= prime)
                w->at -= prime;
        }
        slots[w->at] = w->backend->number;
    }
}
