// SPDX-License-Identifier: Apache-2.0
/* The object "slow_path" of a configuration: which packets go to the host, how many, and what they may cost there. */
#ifndef PC_CONFIG_SLOW_H
#define PC_CONFIG_SLOW_H

#include "fields.h"
#include "slow/slow.h"

/* Nothing given. */
void pc_slow_path_init(struct pc_cfg_slow_path *s);

/* Reads the member "slow_path" of the top object, if it is there. */
void pc_slow_path_read(struct pc_fields *top, struct pc_cfg_slow_path *ret);

/* What was given, a new reference or NULL without memory. */
json_t *pc_slow_path_json(const struct pc_cfg_slow_path *s);

/* What is in force, given or not: "enabled" and, where it is, all the other keys. */
json_t *pc_slow_path_all(const struct portcam_config *config, const struct portcam_caps *caps);

/* The same as limits of the engine. */
struct pc_slow_limits pc_slow_path_limits(const struct pc_cfg_slow_path *s);

/* Does this configuration hand packets to the host, on a card that can? */
bool pc_slow_path_runs(const struct portcam_config *config, const struct portcam_caps *caps);

/* Does the configuration need a slow path that this card has not, or that is not in force? */
void pc_slow_path_check(const struct portcam_config *config, const struct portcam_caps *caps,
                        struct portcam_report *report);

/* Fills the fields of a limits row that say so; the others stay. */
void pc_slow_path_row(const struct pc_cfg_slow_path *s, struct portcam_limits_row *row);

/* The object that makes such a row, as far as the row tells; NULL without memory. */
json_t *pc_slow_path_of_row(const struct portcam_limits_row *row);

#endif
