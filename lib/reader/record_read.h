// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a record of the mirror while the card writes it, without a lock: the card writes the version first and last, so
 * a copy whose versions are equal, and were not changed meanwhile, is a record as it was at one moment.
 */
#ifndef PC_RECORD_READ_H
#define PC_RECORD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "portcam_defs.h"

/*
 * How often a record is read again. A write takes the card some nanoseconds; who finds it unfinished so often has found a
 * card that does not end it. Who reads many records has it for all of them together, so that such a card costs nobody long.
 */
#define PC_RECORD_PATIENCE 1000

#define PC_RECORD_WORDS (sizeof(struct portcam_mirror_record) / 4)

/* A slot of the mirror, as either of the two things that it may hold. */
union pc_record {
    struct portcam_mirror_record record; /* state is not none */
    struct portcam_mirror_end end;       /* state is none */
    uint32_t word[PC_RECORD_WORDS];
};

/* False: it is being written, and patience is at its end. */
static inline bool pc_record_read(const uint32_t *at, union pc_record *ret, unsigned *patience)
{
    const unsigned last = PC_RECORD_WORDS - 1;

    for (;;) {
        uint32_t end = __atomic_load_n(&at[last], __ATOMIC_ACQUIRE);

        for (unsigned w = 0; w < PC_RECORD_WORDS; w++)
            ret->word[w] = __atomic_load_n(&at[w], __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        uint32_t begin = __atomic_load_n(&at[0], __ATOMIC_RELAXED);
        uint32_t end2 = __atomic_load_n(&at[last], __ATOMIC_RELAXED);
        if (begin == end && end == end2 && ret->word[0] == end && ret->word[last] == end)
            return true;
        if (*patience == 0)
            return false;
        --*patience;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
}

/* The shape of the card, which bounds what a record may say. */
struct pc_record_bounds {
    uint32_t slots, first_v6; /* slots of IPv6 are from first_v6 on */
    uint32_t services, addresses, backends;
};

/* Could the card have written this to the slot? */
static inline bool pc_record_sane(const union pc_record *r, uint32_t slot,
                                  const struct pc_record_bounds *b)
{
    const struct portcam_mirror_record *m = &r->record;

    if (m->version == 0) /* never written */
        return m->state == PORTCAM_CONNECTION_STATE_NONE;
    if (m->slot != slot || m->state >= PORTCAM_CONNECTION_STATE_MAX)
        return false;
    if (m->state == PORTCAM_CONNECTION_STATE_NONE)
        return r->end.cause < PORTCAM_END_CAUSE_MAX &&
               r->end.last_state < PORTCAM_CONNECTION_STATE_MAX;
    return (m->flags &
            ~(unsigned)(PORTCAM_MIRROR_RECORD_EMBRYONIC | PORTCAM_MIRROR_RECORD_KEPT_PORT |
                        PORTCAM_MIRROR_RECORD_IS_V6)) == 0 &&
           !(m->flags & PORTCAM_MIRROR_RECORD_IS_V6) == (slot < b->first_v6) &&
           m->service < b->services && m->address < b->addresses && m->backend < b->backends &&
           m->endpoint < b->backends;
}

#endif
