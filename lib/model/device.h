/* SPDX-License-Identifier: Apache-2.0 */
/* The whole device as the packet semantics see it: tables, counters, change sets. Packets and commands happen one after
 * another, each completely. card.h adds the registers and rings in front of it. Not thread-safe: one caller at a time. */
#ifndef PC_MODEL_DEVICE_H
#define PC_MODEL_DEVICE_H

#include "decide.h"
#include "tables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The longest answer of a command: counter_read of BUILD_MAX_COUNT rows. */
#define PC_ANSWER_BYTES (PORTCAM_BUILD_MAX_COUNT * sizeof(struct portcam_counter_row))

struct pc_device;

/* What a command did. `answer` is for the host memory at the command's address. */
struct pc_command_result {
    uint8_t status;  /* enum portcam_status */
    uint32_t result; /* of the completion */
    size_t answer_len;
    uint8_t answer[PC_ANSWER_BYTES];
};

/* NULL: no memory, or sizes that no build has. */
struct pc_device *pc_device_new(const struct pc_sizes *sizes);
void pc_device_free(struct pc_device *d);

/* As after a function level reset: tables and counters empty, no change set. The hash seed becomes 0. */
void pc_device_reset(struct pc_device *d);

/**
 * pc_device_packet() - a frame passes the device
 * @frame: its bytes, rewritten in place; not touched beyond the window
 * @len: length in bytes, 1 or more
 * @ingress: function it came from, below the number of functions
 * @parsed: gets the parse result; may be NULL
 * @ret: gets the decision
 */
void pc_device_packet(struct pc_device *d, uint8_t *frame, size_t len, unsigned ingress,
                      struct pc_parsed *parsed, struct pc_decision *ret);

/* The same without counting and rewriting: what would happen. */
void pc_device_explain(const struct pc_device *d, const uint8_t *frame, size_t len,
                       unsigned ingress, struct pc_parsed *parsed, struct pc_decision *ret);

/**
 * pc_device_command() - execute one command
 *
 * self_test is checked, but copying is for the caller, who has the host's memory.
 */
void pc_device_command(struct pc_device *d, const struct portcam_command *c,
                       struct pc_command_result *ret);

/* A change set is open; the bank that packets see (0 after reset, other after each commit). */
bool pc_device_change_open(const struct pc_device *d);
unsigned pc_device_epoch(const struct pc_device *d);

/* The tables that packets see. pc_device_tables_rw() is for programs that fill them without commands. */
const struct pc_tables *pc_device_tables(const struct pc_device *d);
struct pc_tables *pc_device_tables_rw(struct pc_device *d);

/* Rows of a counter table, 0 if there is none; one row, zeros if it does not exist. */
unsigned pc_device_counter_rows(const struct pc_device *d, unsigned table);
struct portcam_counter_row pc_device_counter(const struct pc_device *d, unsigned table,
                                             unsigned row);

#ifdef __cplusplus
}
#endif

#endif
