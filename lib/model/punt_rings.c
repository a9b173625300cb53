// SPDX-License-Identifier: Apache-2.0
/* The punt and the inject ring of the card: docs/pipeline.md section 9. */
#include <string.h>

#include "card_state.h"

enum { ENTRY = PORTCAM_PUNT_ENTRY };

/* ---- punt ---- */

static bool punt_runs(void *ctx)
{
    return ((struct pc_card *)ctx)->punt.running;
}

static bool punt_room(void *ctx)
{
    return pc_card_ring_room(&((struct pc_card *)ctx)->punt);
}

static void check_arm(struct pc_card *c)
{
    struct packet_ring *r = &c->punt;
    if (r->armed && (int32_t)(r->tail - r->arm) > 0) {
        r->armed = false;
        pc_card_raise(c, PORTCAM_VECTOR_PUNTS);
    }
}

static void punt_write(void *ctx, const struct portcam_punt_header *header, const uint8_t *frame)
{
    struct pc_card *c = ctx;
    struct portcam_punt_header h = *header;
    pc_card_ring_write(c, &c->punt, ENTRY, &h, frame, h.len);
    check_arm(c);
}

/* ---- inject ---- */

static bool is_zero(const uint8_t *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= p[i];
    return any == 0;
}

static bool is_good(const struct pc_card *c, const struct portcam_inject_descriptor *d)
{
    const struct pc_sizes *s = pc_tables_sizes(pc_device_tables(c->device));
    return d->len >= 1 && d->len <= s->max_frame && d->egress < s->functions &&
           d->address % 64 == 0 && d->pad == 0 && is_zero(d->reserved, sizeof(d->reserved));
}

static void inject_one(struct pc_card *c)
{
    struct packet_ring *r = &c->inject;
    struct portcam_inject_descriptor d;
    uint8_t frame[ENTRY];
    uint64_t at = r->base + (uint64_t)pc_card_ring_place(r, r->head) * sizeof(d);
    if (c->host.dma_read(c->host.ctx, at, &d, sizeof(d)) != 0) {
        pc_card_dma_failed(c, at);
        pc_card_ring_stop(c, r, PORTCAM_STATUS_DMA_READ_ERROR);
        return;
    }
    if (!is_good(c, &d)) {
        r->lost++;
        r->head++;
        return;
    }
    if (c->host.dma_read(c->host.ctx, d.address, frame, d.len) != 0) {
        pc_card_dma_failed(c, d.address);
        pc_card_ring_stop(c, r, PORTCAM_STATUS_DMA_READ_ERROR);
        return;
    }
    r->head++;
    pc_device_inject(c->device, d.egress, d.len);
    if (c->host.frame)
        c->host.frame(c->host.ctx, d.egress, frame, d.len);
}

static void run_inject(struct pc_card *c)
{
    struct packet_ring *r = &c->inject;
    if (!r->running)
        return;
    if (r->tail - r->head > pc_card_ring_size(r)) {
        pc_card_ring_stop(c, r, PORTCAM_STATUS_BAD_DOORBELL);
        return;
    }
    while (r->running && r->head != r->tail)
        inject_one(c);
}

/* ---- the card ---- */

void pc_punt_rings_connect(struct pc_card *c)
{
    struct pc_punt_port port = {
        .ctx = c, .runs = punt_runs, .room = punt_room, .write = punt_write};
    pc_device_set_punt(c->device, &port);
}

void pc_punt_rings_reset(struct pc_card *c)
{
    c->punt = c->inject = (struct packet_ring){0};
}

bool pc_punt_rings_read(const struct pc_card *c, uint32_t offset, uint32_t *ret)
{
    const struct packet_ring *p = &c->punt, *i = &c->inject;
    switch (offset) {
    case PORTCAM_REG_PUNT_BASE_LO:
        *ret = (uint32_t)p->base;
        break;
    case PORTCAM_REG_PUNT_BASE_HI:
        *ret = (uint32_t)(p->base >> 32);
        break;
    case PORTCAM_REG_PUNT_SIZE:
        *ret = p->log2;
        break;
    case PORTCAM_REG_PUNT_CONTROL:
        *ret = p->enable;
        break;
    case PORTCAM_REG_PUNT_STATUS:
        *ret = pc_card_ring_status(p);
        break;
    case PORTCAM_REG_PUNT_TAIL:
        *ret = p->tail;
        break;
    case PORTCAM_REG_PUNT_HEAD:
        *ret = p->head;
        break;
    case PORTCAM_REG_PUNT_DROPPED:
        *ret = p->lost;
        break;
    case PORTCAM_REG_PUNT_ARM:
        *ret = p->arm;
        break;
    case PORTCAM_REG_INJECT_BASE_LO:
        *ret = (uint32_t)i->base;
        break;
    case PORTCAM_REG_INJECT_BASE_HI:
        *ret = (uint32_t)(i->base >> 32);
        break;
    case PORTCAM_REG_INJECT_SIZE:
        *ret = i->log2;
        break;
    case PORTCAM_REG_INJECT_CONTROL:
        *ret = i->enable;
        break;
    case PORTCAM_REG_INJECT_STATUS:
        *ret = pc_card_ring_status(i);
        break;
    case PORTCAM_REG_INJECT_DOORBELL:
        *ret = i->tail;
        break;
    case PORTCAM_REG_INJECT_HEAD:
        *ret = i->head;
        break;
    case PORTCAM_REG_INJECT_REFUSED:
        *ret = i->lost;
        break;
    default:
        return false;
    }
    return true;
}

bool pc_punt_rings_write(struct pc_card *c, uint32_t offset, uint32_t value)
{
    struct packet_ring *p = &c->punt, *i = &c->inject;
    switch (offset) {
    case PORTCAM_REG_PUNT_BASE_LO:
        pc_set_low(&p->base, value);
        break;
    case PORTCAM_REG_PUNT_BASE_HI:
        pc_set_high(&p->base, value);
        break;
    case PORTCAM_REG_PUNT_SIZE:
        p->log2 = value & PORTCAM_PUNT_SIZE_LOG2;
        break;
    case PORTCAM_REG_PUNT_CONTROL:
        pc_card_ring_enable(c, p, value & PORTCAM_PUNT_CONTROL_ENABLE);
        break;
    case PORTCAM_REG_PUNT_HEAD:
        p->head = value;
        break;
    case PORTCAM_REG_PUNT_ARM:
        p->arm = value;
        p->armed = true;
        check_arm(c);
        break;
    case PORTCAM_REG_INJECT_BASE_LO:
        pc_set_low(&i->base, value);
        break;
    case PORTCAM_REG_INJECT_BASE_HI:
        pc_set_high(&i->base, value);
        break;
    case PORTCAM_REG_INJECT_SIZE:
        i->log2 = value & PORTCAM_INJECT_SIZE_LOG2;
        break;
    case PORTCAM_REG_INJECT_CONTROL:
        pc_card_ring_enable(c, i, value & PORTCAM_INJECT_CONTROL_ENABLE);
        break;
    case PORTCAM_REG_INJECT_DOORBELL:
        i->tail = value;
        run_inject(c);
        break;
    default:
        return false;
    }
    return true;
}
