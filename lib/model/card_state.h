/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the card, for the files that implement card.h: card.c has the command ring and the registers of the whole
 * card, punt_rings.c the rings of packets. */
#ifndef PC_MODEL_CARD_STATE_H
#define PC_MODEL_CARD_STATE_H

#include "card.h"
#include "mirror.h"

struct ring {
    uint64_t cmd_base, cpl_base;
    uint32_t size_log2;
    bool running, error;
    uint8_t reason;
    uint32_t doorbell, head, cpl_tail, cpl_head;
    uint32_t arm;
    bool armed;
};

/* A ring of packets: punt or inject. */
struct packet_ring {
    uint64_t base;
    uint32_t log2;
    bool enable, running, error;
    uint8_t reason;      /* enum portcam_status */
    uint32_t head, tail; /* tail: of punt PUNT_TAIL, of inject the doorbell */
    uint32_t lost;       /* PUNT_DROPPED, INJECT_REFUSED */
    uint32_t arm;
    bool armed;
};

struct pc_card {
    struct pc_card_host host;
    struct pc_device *device;
    struct ring ring;
    struct pc_mirror mirror;
    struct packet_ring punt, inject;
    uint64_t error_addr;
    uint32_t error_count, scratch, time_ms;
    bool hold;           /* register HOLD */
    uint32_t hold_until; /* ms */
    struct pc_command_result result;
};

/* Raise an interrupt; note a DMA that failed (which raises one too). */
void pc_card_raise(void *card, unsigned vector);
void pc_card_dma_failed(void *card, uint64_t iova);

/* The rings of packets: connect them to a new card, reset, registers of their pages (false: there is none). */
void pc_punt_rings_connect(struct pc_card *c);
void pc_punt_rings_reset(struct pc_card *c);
bool pc_punt_rings_read(const struct pc_card *c, uint32_t offset, uint32_t *ret);
bool pc_punt_rings_write(struct pc_card *c, uint32_t offset, uint32_t value);

/* Write one half of a 64-bit register. */
static inline void pc_set_low(uint64_t *word, uint32_t value)
{
    *word = (*word & 0xffffffff00000000u) | value;
}

static inline void pc_set_high(uint64_t *word, uint32_t value)
{
    *word = (*word & 0xffffffffu) | (uint64_t)value << 32;
}

#endif
