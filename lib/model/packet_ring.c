// SPDX-License-Identifier: Apache-2.0
/* What the rings of packets have in common: punt, inject, trace. */
#include "card_state.h"

enum { LOG2_LEAST = 2, LOG2_MOST = 12 };

void pc_card_ring_stop(struct pc_card *c, struct packet_ring *r, unsigned reason)
{
    r->running = false;
    r->error = true;
    r->reason = (uint8_t)reason;
    if (reason != PORTCAM_STATUS_DMA_READ_ERROR && reason != PORTCAM_STATUS_DMA_WRITE_ERROR)
        pc_card_raise(c, PORTCAM_VECTOR_ERRORS); /* a DMA error is told already */
}

bool pc_card_ring_enable(struct pc_card *c, struct packet_ring *r, bool enable)
{
    bool rises = enable && !r->enable;
    r->enable = enable;
    if (!enable)
        r->running = false;
    if (!rises)
        return false;
    *r = (struct packet_ring){.base = r->base, .log2 = r->log2, .arm = r->arm, .enable = true};
    if (r->log2 < LOG2_LEAST || r->log2 > LOG2_MOST || r->base % 4096)
        pc_card_ring_stop(c, r, PORTCAM_STATUS_BAD_RING);
    else
        r->running = true;
    return true;
}

bool pc_card_ring_room(struct packet_ring *r)
{
    if (r->tail - r->head < pc_card_ring_size(r))
        return true;
    r->lost++;
    return false;
}

void pc_card_ring_write(struct pc_card *c, struct packet_ring *r, size_t entry, void *header,
                        const void *bytes, size_t len)
{
    uint64_t at = r->base + (uint64_t)pc_card_ring_place(r, r->tail) * entry;
    uint32_t lap = (r->tail >> r->log2) + 1;
    memcpy((uint8_t *)header + PC_HEADER_BYTES - sizeof(lap), &lap, sizeof(lap));
    if (c->host.dma_write(c->host.ctx, at + PC_HEADER_BYTES, bytes, len) != 0 ||
        c->host.dma_write(c->host.ctx, at, header, PC_HEADER_BYTES) != 0) {
        pc_card_dma_failed(c, at);
        pc_card_ring_stop(c, r, PORTCAM_STATUS_DMA_WRITE_ERROR);
        return;
    }
    r->tail++;
}

/* All pages have the same status, and their fields the same places. */
uint32_t pc_card_ring_status(const struct packet_ring *r)
{
    return (r->running ? PORTCAM_PUNT_STATUS_RUNNING : 0) |
           (r->error ? PORTCAM_PUNT_STATUS_ERROR : 0) |
           (uint32_t)r->reason << PORTCAM_PUNT_STATUS_REASON_SHIFT;
}
