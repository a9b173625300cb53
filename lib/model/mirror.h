/* SPDX-License-Identifier: Apache-2.0 */
/* The mirror of the connection records and the event ring: docs/mirror.md, registers of page 0x2000. What happens to a
 * record is written before the call returns, so nothing ever waits. Not thread-safe. */
#ifndef PC_MODEL_MIRROR_H
#define PC_MODEL_MIRROR_H

#include "connections.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PC_MIRROR_BLOCK 4096u /* slots that a mirror_sum is of */

/* Host memory and interrupts, as the mirror needs them. */
struct pc_mirror_host {
    void *ctx;
    int (*dma_write)(void *ctx, uint64_t iova, const void *src, size_t len); /* 0 or -errno */
    void (*failed)(void *ctx, uint64_t iova); /* this address was not written */
    void (*irq)(void *ctx, unsigned vector);  /* enum portcam_vector */
};

/* What the registers say; taken at a rising ENABLE. */
struct pc_mirror_rings {
    uint64_t base, event_base;
    uint32_t size_log2;
    bool events;
};

struct pc_mirror {
    struct pc_mirror_host host;
    struct pc_mirror_rings written, taken;
    bool enable, running, error;
    uint8_t reason; /* enum portcam_status */
    uint32_t version, tail, head, dropped;
    uint32_t arm, dropped_at_arm;
    bool armed;
};

/* As after a reset. */
void pc_mirror_reset(struct pc_mirror *m);

/* Registers of the page; false: no register is there, nothing is read or written. */
bool pc_mirror_reg_read(const struct pc_mirror *m, uint32_t offset, uint32_t *ret);
bool pc_mirror_reg_write(struct pc_mirror *m, uint32_t offset, uint32_t value);

/* Something happened to a record: for pc_connections_watch(), ctx is the mirror. */
void pc_mirror_record(void *ctx, enum portcam_event_kind kind, const struct pc_connection *r,
                      enum portcam_end_cause cause);

/* A slot as it is now, NULL: free, for this cause; with an event of this kind, or none. */
void pc_mirror_slot(struct pc_mirror *m, uint32_t slot, const struct pc_connection *r,
                    enum portcam_end_cause cause, enum portcam_event_kind kind);

/* mirror_copy and mirror_sum, whose range was checked. Return: ok or no_mirror. */
unsigned pc_mirror_copy(struct pc_mirror *m, const struct pc_connections *c, uint32_t first,
                        uint32_t count);
unsigned pc_mirror_sum(const struct pc_mirror *m, const struct pc_connections *c, uint32_t block,
                       struct portcam_mirror_sum *ret);

/* The records of the mirror, without versions. */
struct portcam_mirror_record pc_mirror_record_of(const struct pc_connection *r);
struct portcam_mirror_end pc_mirror_end_of(const struct pc_connection *r,
                                           enum portcam_end_cause cause);

#ifdef __cplusplus
}
#endif

#endif
