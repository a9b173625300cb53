/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the device, for the files that implement device.h: device.c has packets, counters and time, commands.c what
 * the host asks for. */
#ifndef PC_MODEL_DEVICE_STATE_H
#define PC_MODEL_DEVICE_STATE_H

#include "device.h"

struct pending {
    uint16_t table;
    bool valid; /* written; else deleted */
    uint32_t row;
    uint8_t data[PC_ROW_BYTES];
};

struct pc_device {
    struct pc_tables *tables;
    bool open, failed;
    unsigned epoch;
    struct pending *pending;
    unsigned pendings;
    unsigned first_row[PORTCAM_TABLE_MAX]; /* of each table, in place */
    unsigned *place; /* for each row of all tables: 1 + its index in pending, or 0 */
    unsigned counter_rows[PORTCAM_COUNTER_TABLE_MAX];
    struct portcam_counter_row *counter[PORTCAM_COUNTER_TABLE_MAX];
    struct pc_stateful stateful;
    struct pc_bucket bucket[PC_BUCKETS];
    struct pc_bucket punt_bucket[PORTCAM_REASON_MAX];
    struct pc_punt_port punt;
    struct pc_trace_port trace;
    unsigned age_at; /* the slot that ageing looks at next */
};

/* Section 9: do the limits ask for packets of this reason? Let a packet that is decided go to the host. */
bool pc_punt_wanted(const struct pc_device *d, unsigned reason);
void pc_punt(struct pc_device *d, const uint8_t *frame, const struct pc_parsed *p, uint32_t now,
             struct pc_decision *v);
void pc_punt_chosen(struct pc_device *d, const struct pc_punt_limits *limits, uint32_t now,
                    bool runs, bool room, struct pc_decision *v);

/* Without an open change set, and nothing in it. */
void pc_change_set_empty(struct pc_device *d);

#endif
