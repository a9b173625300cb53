// SPDX-License-Identifier: Apache-2.0
/*
 * Starting and stopping a ring of packets, and what the card says when one stopped by itself; see
 * host_ring.h.
 */
#include "host_ring.h"

#include <errno.h>

#include <portcam/dev.h>

#include "err.h"
#include "irq.h"
#include "portcam_defs.h"
#include "ring_priv.h"

enum { STOP_MS = 1000 };

/* All pages begin as that of punt does. */
enum {
    BASE_LO = PORTCAM_REG_PUNT_BASE_LO - PORTCAM_REG_PUNT_BASE_LO,
    BASE_HI = PORTCAM_REG_PUNT_BASE_HI - PORTCAM_REG_PUNT_BASE_LO,
    SIZE = PORTCAM_REG_PUNT_SIZE - PORTCAM_REG_PUNT_BASE_LO,
    CONTROL = PORTCAM_REG_PUNT_CONTROL - PORTCAM_REG_PUNT_BASE_LO,
    STATUS = PORTCAM_REG_PUNT_STATUS - PORTCAM_REG_PUNT_BASE_LO
};
#define AS_PUNT(page)                                                                              \
    _Static_assert(PORTCAM_REG_##page##_STATUS - PORTCAM_REG_##page##_BASE_LO == STATUS &&         \
                       PORTCAM_REG_##page##_CONTROL - PORTCAM_REG_##page##_BASE_LO == CONTROL &&   \
                       PORTCAM_REG_##page##_SIZE - PORTCAM_REG_##page##_BASE_LO == SIZE &&         \
                       PORTCAM_##page##_STATUS_ERROR == PORTCAM_PUNT_STATUS_ERROR,                 \
                   "pages of one shape")
AS_PUNT(INJECT);
AS_PUNT(TRACE);

int pc_host_ring_alloc(struct pc_host_ring *r, size_t entry_bytes)
{
    void *memory = NULL;
    int err =
        portcam_dma_alloc(r->dev, r->size * entry_bytes, PC_HOST_RING_ALIGN, &memory, &r->iova);

    r->memory = err ? NULL : memory;
    return err;
}

static int stopped_by_card(const struct pc_host_ring *r, uint32_t status)
{
    unsigned reason = (status & PORTCAM_PUNT_STATUS_REASON) >> PORTCAM_PUNT_STATUS_REASON_SHIFT;
    uint32_t low = 0;
    uint32_t high = 0;

    if (reason == PORTCAM_STATUS_DMA_READ_ERROR || reason == PORTCAM_STATUS_DMA_WRITE_ERROR) {
        int err = portcam_reg_read32(r->dev, PORTCAM_REG_ERROR_ADDR_LO, &low);

        if (!err)
            err = portcam_reg_read32(r->dev, PORTCAM_REG_ERROR_ADDR_HI, &high);
        if (err)
            return err;
        return pc_fail(-EIO,
                       "the card stopped its %s ring: %s; the last failure was at 0x%08x%08x; "
                       "see the kernel log for IOMMU faults, then restart the rings",
                       r->name, portcam_status_text(reason), high, low);
    }
    return pc_fail(-EIO, "the card stopped its %s ring: %s; restart the rings", r->name,
                   portcam_status_text(reason));
}

int pc_host_ring_check(const struct pc_host_ring *r)
{
    uint32_t status;
    int err = portcam_reg_read32(r->dev, r->base + STATUS, &status);

    if (err)
        return err;
    if (status & PORTCAM_PUNT_STATUS_ERROR || !(status & PORTCAM_PUNT_STATUS_RUNNING))
        return stopped_by_card(r, status);
    return 0;
}

/* Waits until the ring runs, or does not; an error of the ring ends it too. */
static int wait_running(const struct pc_host_ring *r, bool running)
{
    int64_t deadline = pc_now_ms() + STOP_MS;

    for (unsigned us = 1;; us = us < 1000 ? us * 2 : us) {
        uint32_t status;
        int err = portcam_reg_read32(r->dev, r->base + STATUS, &status);

        if (err)
            return err;
        if (running && status & PORTCAM_PUNT_STATUS_ERROR)
            return stopped_by_card(r, status);
        if (!(status & PORTCAM_PUNT_STATUS_RUNNING) == !running)
            return 0;
        if (pc_now_ms() >= deadline)
            return pc_fail(-ETIMEDOUT, "the card does not %s its %s ring within %d ms: reset it",
                           running ? "start" : "stop", r->name, STOP_MS);
        pc_pause_us(us);
    }
}

int pc_host_ring_stop(const struct pc_host_ring *r)
{
    int err = portcam_reg_write32(r->dev, r->base + CONTROL, 0);

    return err ? err : wait_running(r, false);
}

int pc_host_ring_start(const struct pc_host_ring *r)
{
    const struct {
        uint32_t offset;
        uint32_t value;
    } setup[] = {
        {BASE_LO, (uint32_t)r->iova},
        {BASE_HI, (uint32_t)(r->iova >> 32)},
        {SIZE, r->log2_size},
        {CONTROL, PORTCAM_PUNT_CONTROL_ENABLE},
    };
    int err = 0;

    for (size_t i = 0; !err && i < sizeof(setup) / sizeof(*setup); i++)
        err = portcam_reg_write32(r->dev, r->base + setup[i].offset, setup[i].value);
    return err ? err : wait_running(r, true);
}

int pc_host_rings_quiet(struct portcam_dev *dev)
{
    static const struct {
        uint32_t caps;
        struct pc_host_ring ring;
    } rings[] = {
        {PORTCAM_CAPS_PUNT, {.base = PORTCAM_REG_PUNT_BASE_LO, .name = "punt"}},
        {PORTCAM_CAPS_PUNT, {.base = PORTCAM_REG_INJECT_BASE_LO, .name = "inject"}},
        {PORTCAM_CAPS_TRACE, {.base = PORTCAM_REG_TRACE_BASE_LO, .name = "trace"}},
        /* Its control and status stand a word earlier. */
        {PORTCAM_CAPS_MIRROR,
         {.base = PORTCAM_REG_MIRROR_STATUS - STATUS, .name = "mirror's event"}},
    };
    _Static_assert(PORTCAM_REG_MIRROR_STATUS - STATUS + CONTROL == PORTCAM_REG_MIRROR_CONTROL &&
                       PORTCAM_MIRROR_STATUS_RUNNING == PORTCAM_PUNT_STATUS_RUNNING,
                   "as the others, but for that");
    uint32_t caps;
    int err = portcam_reg_read32(dev, PORTCAM_REG_CAPS, &caps);

    for (size_t i = 0; !err && i < sizeof(rings) / sizeof(*rings); i++) {
        struct pc_host_ring ring = rings[i].ring;

        ring.dev = dev;
        if (caps & rings[i].caps)
            err = pc_host_ring_stop(&ring);
    }
    return err;
}

enum pc_lap pc_host_ring_lap(const struct pc_host_ring *r, uint32_t index, uint32_t lap)
{
    uint32_t due = (index >> r->log2_size) + 1;
    uint32_t before = ((index - r->size) >> r->log2_size) + 1;

    if (lap == due)
        return PC_LAP_NEW;
    return lap == 0 || lap == before ? PC_LAP_OLD : PC_LAP_NONSENSE;
}
