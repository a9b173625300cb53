/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the card, for the files that implement card.h: card.c has the command ring and the registers of the whole
 * card, packet_ring.c what rings of packets have in common, punt_rings.c those of punt and inject, trace_ring.c that of
 * samples. */
#ifndef PC_MODEL_CARD_STATE_H
#define PC_MODEL_CARD_STATE_H

#include <string.h>

#include "card.h"
#include "mirror.h"
#include "trace.h"

struct ring {
    uint64_t cmd_base, cpl_base;
    uint32_t size_log2;
    bool running, error;
    uint8_t reason;
    uint32_t doorbell, head, cpl_tail, cpl_head;
    uint32_t arm;
    bool armed;
};

/* A ring of packets: punt, inject or trace. */
struct packet_ring {
    uint64_t base;
    uint32_t log2;
    bool enable, running, error;
    uint8_t reason;      /* enum portcam_status */
    uint32_t head, tail; /* tail: of punt PUNT_TAIL, of inject the doorbell, of trace TRACE_TAIL */
    uint32_t lost;       /* PUNT_DROPPED, INJECT_REFUSED, TRACE_LOST */
    uint32_t arm;
    bool armed;
};

struct pc_card {
    struct pc_card_host host;
    struct pc_device *device;
    struct ring ring;
    struct pc_mirror mirror;
    struct packet_ring punt, inject, trace_ring;
    struct pc_trace trace;
    uint64_t error_addr;
    uint32_t error_count, scratch, time_ms;
    bool hold;           /* register HOLD */
    uint32_t hold_until; /* ms */
    struct pc_command_result result;
};

/* Raise an interrupt; note a DMA that failed (which raises one too). */
void pc_card_raise(void *card, unsigned vector);
void pc_card_dma_failed(void *card, uint64_t iova);

/* A ring of packets stops by itself; ENABLE is written (true: it rises); is there room for one more (false is counted); the
 * status register. */
void pc_card_ring_stop(struct pc_card *c, struct packet_ring *r, unsigned reason);
bool pc_card_ring_enable(struct pc_card *c, struct packet_ring *r, bool enable);
bool pc_card_ring_room(struct packet_ring *r);
uint32_t pc_card_ring_status(const struct packet_ring *r);

/* Write an entry: `len` bytes, and before them a header, which gets its lap in its last bytes. */
#define PC_HEADER_BYTES 64u
void pc_card_ring_write(struct pc_card *c, struct packet_ring *r, size_t entry, void *header,
                        const void *bytes, size_t len);

static inline uint32_t pc_card_ring_size(const struct packet_ring *r)
{
    return 1u << r->log2;
}

static inline uint32_t pc_card_ring_place(const struct packet_ring *r, uint32_t index)
{
    return index & (pc_card_ring_size(r) - 1);
}

/* The rings: connect them to a new card, reset, registers of their pages (false: there is none). */
void pc_punt_rings_connect(struct pc_card *c);
void pc_punt_rings_reset(struct pc_card *c);
bool pc_punt_rings_read(const struct pc_card *c, uint32_t offset, uint32_t *ret);
bool pc_punt_rings_write(struct pc_card *c, uint32_t offset, uint32_t value);
void pc_trace_ring_connect(struct pc_card *c);
void pc_trace_ring_reset(struct pc_card *c);
bool pc_trace_ring_read(const struct pc_card *c, uint32_t offset, uint32_t *ret);
bool pc_trace_ring_write(struct pc_card *c, uint32_t offset, uint32_t value);

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
