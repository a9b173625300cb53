// SPDX-License-Identifier: Apache-2.0
/*
 * What outlives the process: the running configuration with its numbers, in a directory. A change writes the wanted state
 * as next.json before the card's commit and renames it to state.json after it, so that after a crash at any
 * moment one of the two files is what the card runs.
 */
#ifndef PC_STATE_H
#define PC_STATE_H

#include "rows/plan.h"

struct pc_state {
    struct portcam_config *config;
    json_t *names;
    uint32_t seed; /* of the card that the numbers are of: a reset gives it another one */
};

enum pc_state_file { PC_STATE_CURRENT, PC_STATE_NEXT };

/* `dir` NULL: nothing is kept, everything succeeds. Return 0 or -errno, with a message. */
int pc_state_write_next(const char *dir, const struct pc_plan *plan, struct portcam_report *report);
int pc_state_adopt_next(const char *dir, struct portcam_report *report);
void pc_state_drop_next(const char *dir);

/* Keeps other processes out of the directory until the descriptor is closed; -EBUSY when one is in it. */
int pc_state_lock(const char *dir, struct portcam_report *report, int *ret_fd);

/* -ENOENT when there is none, -EBADMSG when it is broken. */
int pc_state_read(const char *dir, enum pc_state_file file, struct portcam_report *report,
                  struct pc_state *ret);
void pc_state_free(struct pc_state *state);

#endif
