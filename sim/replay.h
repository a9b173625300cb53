/* SPDX-License-Identifier: Apache-2.0 */
/* Lockstep: the model replays what the RTL did, in the order in which the RTL's lookup pipeline did it, and every frame,
 * command result and counter is compared. The order is taken from the trace ports, never predicted. A difference is
 * counted and told once in words; the caller decides what it means. Not thread-safe. */
#ifndef PC_SIM_REPLAY_H
#define PC_SIM_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum pc_side { PC_SIDE_NET = 0, PC_SIDE_HOST = 1 };

struct pc_replay;

/* Told about each difference, in words, without newline. */
typedef void (*pc_replay_report)(void *ctx, const char *text);

/* How the replay looks at what the RTL wrote to host memory; 0 or -errno. */
typedef int (*pc_replay_peek)(void *ctx, uint64_t iova, void *dst, size_t len);

struct pc_replay *pc_replay_new(const struct pc_sizes *sizes, pc_replay_report report,
                                pc_replay_peek peek, void *ctx); /* NULL: no memory */
void pc_replay_free(struct pc_replay *r);

/* A frame went into the RTL whole, from this side. */
void pc_replay_frame_in(struct pc_replay *r, enum pc_side side, unsigned function,
                        const uint8_t *frame, size_t len);
/* The lookup pipeline took the next frame of this side. */
void pc_replay_admitted(struct pc_replay *r, enum pc_side side);
/* The RTL switched banks: the model commits. */
void pc_replay_committed(struct pc_replay *r);
/* The RTL cleared its tables and counters after a reset. */
void pc_replay_cleared(struct pc_replay *r);
/* The RTL finished this command with this status. */
void pc_replay_commanded(struct pc_replay *r, const void *command, unsigned status);
/* The host wrote register HASH_SEED. */
void pc_replay_seed(struct pc_replay *r, uint32_t seed);
/* A frame left the RTL. */
void pc_replay_frame_out(struct pc_replay *r, enum pc_side side, unsigned function,
                         enum pc_side from, const uint8_t *frame, size_t len);

/* The RTL is at rest: until the next frame comes in, counters that are read are compared too. */
void pc_replay_settled(struct pc_replay *r);

/* Nothing may be left in any queue; true if so, a difference otherwise. */
bool pc_replay_drained(struct pc_replay *r);

/* Differences so far; frames compared so far; drops agreed so far. */
uint64_t pc_replay_differences(const struct pc_replay *r);
uint64_t pc_replay_frames(const struct pc_replay *r);
uint64_t pc_replay_drops(const struct pc_replay *r);

/* The model that follows. */
struct pc_device *pc_replay_device(struct pc_replay *r);

#ifdef __cplusplus
}
#endif

#endif
