/* SPDX-License-Identifier: Apache-2.0 */
/* Which packets are sampled, and what is told of them: docs/pipeline.md section 10. The ring is that of trace_ring.c. */
#ifndef PC_MODEL_TRACE_H
#define PC_MODEL_TRACE_H

#include "decide.h"
#include "stateful.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The registers from TRACE_EVERY to TRACE_PORT_MASKS, one after another. */
#define PC_TRACE_WORDS ((PORTCAM_REG_TRACE_PORT_MASKS - PORTCAM_REG_TRACE_EVERY) / 4 + 1)

struct pc_trace {
    uint32_t word[PC_TRACE_WORDS];
    struct pc_bucket bucket;
    uint16_t skip; /* packets that match until the next is chosen */
    uint32_t matched, limited;
};

/* These registers; false: it is none of them. Whether they may be written now is for the caller to say. */
bool pc_trace_reg_read(const struct pc_trace *t, uint32_t offset, uint32_t *ret);
bool pc_trace_reg_write(struct pc_trace *t, uint32_t offset, uint32_t value);

/* A rising ENABLE: the registers stay. */
void pc_trace_start(struct pc_trace *t);

/* Does the filter let the packet through, whatever its reason will be? */
bool pc_trace_matches(const struct pc_trace *t, const struct pc_parsed *p);

/* The reason of a packet that it let through; true: it is a sample, if there is room for it. Counts. */
bool pc_trace_chooses(struct pc_trace *t, unsigned reason, uint32_t now);

/* The header of a sample, lap 0. */
struct portcam_trace_header pc_trace_header(const struct pc_parsed *p, const struct pc_decision *v,
                                            uint32_t now);

/* The bytes of the frame that stand behind it. */
struct pc_trace_window {
    uint8_t bytes[PORTCAM_TRACE_WINDOW];
};
struct pc_trace_window pc_trace_window_of(const uint8_t *frame, size_t len);

#ifdef __cplusplus
}
#endif

#endif
