// SPDX-License-Identifier: Apache-2.0
/*
 * Change sets: from the rows in the card to the rows that are wanted, visible to packets all at once or not at all.
 */
#ifndef PC_CHANGE_H
#define PC_CHANGE_H

#include "hw.h"
#include "rows/plan.h"

/*
 * Make the card's rows those of `plan`, given that they are `now`. Return 0; -EIO with a message that names the row and
 * its object when the card refused it; or -errno of the device, with a message. On failure the card has the old rows, or,
 * when *ret_unknown is set, nobody could find out: read them back.
 */
int pc_change_apply(struct pc_hw *hw, const struct pc_image *now, const struct pc_plan *plan,
                    struct portcam_report *report, bool *ret_unknown);

/* "service \"web\"", "address 198.51.100.1/32": what a row is about. */
void pc_row_object(const struct portcam_config *config, unsigned table, int32_t origin,
                   char text[160]);

/* The rows that differ, [{"op", "table", "row", "object"}]; a new reference or NULL. */
json_t *pc_change_rows(const struct pc_image *now, const struct portcam_config *running,
                       const struct pc_plan *plan);

/* The objects that differ, [{"op", "object", "name", "fields"}]; a new reference or NULL (diff.c). */
json_t *pc_change_objects(const struct portcam_config *now, const struct portcam_config *wanted);

#endif
