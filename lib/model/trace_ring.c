// SPDX-License-Identifier: Apache-2.0
/* The trace ring of the card: docs/pipeline.md section 10. */
#include "card_state.h"

static bool wants(void *ctx, const struct pc_parsed *p)
{
    const struct pc_card *c = ctx;
    return c->trace_ring.running && pc_trace_matches(&c->trace, p);
}

static void sample(void *ctx, const struct pc_parsed *p, const struct pc_decision *v, uint32_t now,
                   const struct pc_trace_window *window)
{
    struct pc_card *c = ctx;
    if (!pc_trace_chooses(&c->trace, v->reason, now) || !pc_card_ring_room(&c->trace_ring))
        return;
    struct portcam_trace_header header = pc_trace_header(p, v, now);
    pc_card_ring_write(c, &c->trace_ring, PORTCAM_TRACE_ENTRY, &header, window->bytes,
                       sizeof(window->bytes));
}

void pc_trace_ring_connect(struct pc_card *c)
{
    struct pc_trace_port port = {.ctx = c, .wants = wants, .sample = sample};
    pc_device_set_trace(c->device, &port);
}

void pc_trace_ring_reset(struct pc_card *c)
{
    c->trace_ring = (struct packet_ring){0};
    memset(&c->trace, 0, sizeof(c->trace));
}

bool pc_trace_ring_read(const struct pc_card *c, uint32_t offset, uint32_t *ret)
{
    const struct packet_ring *r = &c->trace_ring;
    switch (offset) {
    case PORTCAM_REG_TRACE_BASE_LO:
        *ret = (uint32_t)r->base;
        break;
    case PORTCAM_REG_TRACE_BASE_HI:
        *ret = (uint32_t)(r->base >> 32);
        break;
    case PORTCAM_REG_TRACE_SIZE:
        *ret = r->log2;
        break;
    case PORTCAM_REG_TRACE_CONTROL:
        *ret = r->enable;
        break;
    case PORTCAM_REG_TRACE_STATUS:
        *ret = pc_card_ring_status(r);
        break;
    case PORTCAM_REG_TRACE_TAIL:
        *ret = r->tail;
        break;
    case PORTCAM_REG_TRACE_HEAD:
        *ret = r->head;
        break;
    case PORTCAM_REG_TRACE_MATCHED:
        *ret = c->trace.matched;
        break;
    case PORTCAM_REG_TRACE_LIMITED:
        *ret = c->trace.limited;
        break;
    case PORTCAM_REG_TRACE_LOST:
        *ret = r->lost;
        break;
    default:
        return pc_trace_reg_read(&c->trace, offset, ret);
    }
    return true;
}

bool pc_trace_ring_write(struct pc_card *c, uint32_t offset, uint32_t value)
{
    struct packet_ring *r = &c->trace_ring;
    switch (offset) {
    case PORTCAM_REG_TRACE_CONTROL:
        if (pc_card_ring_enable(c, r, value & PORTCAM_TRACE_CONTROL_ENABLE))
            pc_trace_start(&c->trace);
        return true;
    case PORTCAM_REG_TRACE_HEAD:
        r->head = value;
        return true;
    default:
        break;
    }
    if (r->enable) /* the others keep their value */
        return false;
    switch (offset) {
    case PORTCAM_REG_TRACE_BASE_LO:
        pc_set_low(&r->base, value);
        break;
    case PORTCAM_REG_TRACE_BASE_HI:
        pc_set_high(&r->base, value);
        break;
    case PORTCAM_REG_TRACE_SIZE:
        r->log2 = value & PORTCAM_TRACE_SIZE_LOG2;
        break;
    default:
        return pc_trace_reg_write(&c->trace, offset, value);
    }
    return true;
}
