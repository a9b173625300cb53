// SPDX-License-Identifier: Apache-2.0
/* Records of the card and what the running configuration calls them. */
#ifndef PC_LIB_CONNECTIONS_H
#define PC_LIB_CONNECTIONS_H

#include "instance/instance.h"

struct portcam_mirror;

/* What a record must have; PC_NONE: anything. */
struct pc_filter {
    int service, backend; /* numbers */
    int protocol;
    int state;           /* enum portcam_connection_state */
    struct pc_ip client; /* family 0: any */
    int client_port;
};

/* 0, -EINVAL or -ENOENT with a message. */
int pc_filter_read(const struct portcam *pc, const json_t *json, struct pc_filter *ret,
                   struct portcam_report *report);
bool pc_filter_fits(const struct pc_filter *filter, const struct portcam_connection_image *image);

/* A record as JSON, a new reference or NULL. `whole`: also what only one person in a hundred asks for. */
json_t *pc_connection_json(const struct portcam *pc, const struct portcam_connection_image *image,
                           uint32_t now, bool whole);

/* What of it is in every record: which it is, its state and ends, by name. */
json_t *pc_connection_ends_json(const struct portcam *pc, const struct portcam_connection_image *i);

/* A record of the mirror as the card would tell it; its counters are 0. */
struct portcam_connection_image pc_image_of_mirror(const struct portcam_mirror_record *r);

/* Is all in the mirror that the card had a moment ago? Of the thread of the card. */
bool pc_mirror_is_exact(struct portcam_mirror *mirror);

/* "syn_seen" and so on. */
const char *pc_connection_state_name(unsigned state);

/*
 * Counts, and with `end` ends, the records that can no longer be found, or belong to what is no longer there, when `plan`
 * takes the place of the one that runs (ended.c). 0 or -errno, with a message.
 */
int pc_end_lost(struct portcam *pc, const struct pc_plan *plan, bool end,
                struct portcam_report *report, uint64_t *ret_count);

/* Is there any such service, backend or address? If not, no record has to be looked at. */
bool pc_may_lose(const struct portcam *pc, const struct pc_plan *plan);

/* Put the numbers of backends that records point to into `names` as "reserved" (F.17). 0 or -errno, with a message. */
int pc_reserve(struct portcam *pc, json_t *names, struct portcam_report *report);

#endif
