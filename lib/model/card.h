/* SPDX-License-Identifier: Apache-2.0 */
/* The card in C: registers, command ring, DMA and interrupts in front of the device. It behaves at the register interface
 * as the RTL does, in no time: a doorbell runs the ring before the register write returns. Not thread-safe. */
#ifndef PC_MODEL_CARD_H
#define PC_MODEL_CARD_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the card reaches host memory, raises interrupts and sends what the host injects. */
struct pc_card_host {
    void *ctx;
    int (*dma_read)(void *ctx, uint64_t iova, void *dst, size_t len); /* 0 or -errno */
    int (*dma_write)(void *ctx, uint64_t iova, const void *src, size_t len);
    void (*irq)(void *ctx, unsigned vector); /* enum portcam_vector */
    /* An injected frame leaves, inside of a register write; NULL: it goes nowhere. */
    void (*frame)(void *ctx, unsigned function, const uint8_t *frame, size_t len);
};

struct pc_card;

/* A card of the default sizes, or of these; NULL: no memory, or sizes that no build has. */
struct pc_card *pc_card_new(const struct pc_card_host *host);
struct pc_card *pc_card_new_sized(const struct pc_card_host *host, const struct pc_sizes *sizes);
void pc_card_free(struct pc_card *c);

/* BAR0. Offsets that are no register read 0 and ignore writes. */
uint32_t pc_card_reg_read(struct pc_card *c, uint32_t offset);
void pc_card_reg_write(struct pc_card *c, uint32_t offset, uint32_t value);

/* Function level reset. */
void pc_card_reset(struct pc_card *c);

/* The millisecond counter of register TIME_MS. Records age as it goes on: whoever sets it more often than once in half a
 * second has each of them looked at once in every second. */
void pc_card_set_time(struct pc_card *c, uint32_t time_ms);
uint32_t pc_card_time(const struct pc_card *c);

/* Register HOLD: packets have to wait, as whoever brings them to the device sees to. */
bool pc_card_holds(const struct pc_card *c);

/* The device behind the registers, for packets. */
struct pc_device *pc_card_device(struct pc_card *c);

#ifdef __cplusplus
}
#endif

#endif
