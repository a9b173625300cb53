// SPDX-License-Identifier: Apache-2.0
/*
 * Connection records that go from the card to the host and back: before a reset they are read, behind it they are inserted
 * again. A list can be filled from the card, from its mirror, or by hand.
 */
#ifndef PC_SAVED_H
#define PC_SAVED_H

#include "instance/instance.h"

struct pc_saved {
    struct portcam_connection_image *image;
    size_t count, room;
    uint32_t now; /* TIME_MS when they were read */
};

/* One more; 0 or -ENOMEM. */
int pc_saved_add(struct pc_saved *records, const struct portcam_connection_image *image);

/* All records of the card. 0 or -errno, with a message in pc_hw_error(). */
int pc_saved_read(struct portcam *pc, struct pc_saved *ret);

/* What a mirror that stopped knows better: states, and records that are not in the list. Without a mirror nothing happens.
 * 0 or -ENOMEM. */
int pc_saved_merge(struct portcam *pc, struct pc_saved *records);

/*
 * Make all of them in the card. Those that it refuses are left out: *ret_made says how many there are, *ret_status why the
 * last one was refused. 0 or -errno, with a message in pc_hw_error().
 */
int pc_saved_restore(struct portcam *pc, const struct pc_saved *records, size_t *ret_made,
                     unsigned *ret_status);

/* In the state directory while a reset is on its way (saved_file.c). NULL: there is none. 0 or -errno; -ENOENT: nothing that
 * could be of use. */
int pc_saved_write(const char *dir, const struct pc_saved *saved);
int pc_saved_load(const char *dir, struct pc_saved *ret);
void pc_saved_forget(const char *dir);

void pc_saved_free(struct pc_saved *records);

/*
 * End the records that the rows in the card have no place for, or that belonged to other rows in `before`, the rows that
 * the card had when this library came (NULL: the same as now). How many, in the log. 0 or -errno, with a message.
 */
int pc_end_stale(struct portcam *pc, const struct pc_image *before, struct portcam_report *report);

#endif
