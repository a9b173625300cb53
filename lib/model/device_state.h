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
    unsigned age_at; /* the slot that ageing looks at next */
};

/* Without an open change set, and nothing in it. */
void pc_change_set_empty(struct pc_device *d);

#endif
