// SPDX-License-Identifier: Apache-2.0
/*
 * Starting and stopping the punt and inject rings, and what the card says when one stopped by
 * itself.
 *
 * Memory of a ring that may still be running is not given back before DMA is forbidden.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "irq.h"
#include "punt_priv.h"
#include "ring_priv.h"

enum { MIN_LOG2 = 2, MAX_LOG2 = 12, DEFAULT_LOG2 = 6, RING_ALIGN = 4096, STOP_MS = 1000 };

/* Both pages begin with base, size, control, status. */
enum {
    BASE_LO = PORTCAM_REG_PUNT_BASE_LO - PORTCAM_REG_PUNT_BASE_LO,
    BASE_HI = PORTCAM_REG_PUNT_BASE_HI - PORTCAM_REG_PUNT_BASE_LO,
    SIZE = PORTCAM_REG_PUNT_SIZE - PORTCAM_REG_PUNT_BASE_LO,
    CONTROL = PORTCAM_REG_PUNT_CONTROL - PORTCAM_REG_PUNT_BASE_LO,
    STATUS = PORTCAM_REG_PUNT_STATUS - PORTCAM_REG_PUNT_BASE_LO
};
_Static_assert(PORTCAM_REG_INJECT_STATUS - PORTCAM_REG_INJECT_BASE_LO == STATUS &&
                   PORTCAM_REG_INJECT_CONTROL - PORTCAM_REG_INJECT_BASE_LO == CONTROL &&
                   PORTCAM_REG_INJECT_SIZE - PORTCAM_REG_INJECT_BASE_LO == SIZE &&
                   PORTCAM_INJECT_STATUS_ERROR == PORTCAM_PUNT_STATUS_ERROR,
               "pages of one shape");

static int stopped_by_card(struct portcam_punt *p, const struct pc_packet_ring *r, uint32_t status)
{
    unsigned reason = (status & PORTCAM_PUNT_STATUS_REASON) >> PORTCAM_PUNT_STATUS_REASON_SHIFT;
    uint32_t low = 0;
    uint32_t high = 0;

    if (reason == PORTCAM_STATUS_DMA_READ_ERROR || reason == PORTCAM_STATUS_DMA_WRITE_ERROR) {
        int err = portcam_reg_read32(p->dev, PORTCAM_REG_ERROR_ADDR_LO, &low);

        if (!err)
            err = portcam_reg_read32(p->dev, PORTCAM_REG_ERROR_ADDR_HI, &high);
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

int pc_packet_ring_check(struct portcam_punt *p, const struct pc_packet_ring *r)
{
    uint32_t status;
    int err = portcam_reg_read32(p->dev, r->base + STATUS, &status);

    if (err)
        return err;
    if (status & PORTCAM_PUNT_STATUS_ERROR || !(status & PORTCAM_PUNT_STATUS_RUNNING))
        return stopped_by_card(p, r, status);
    return 0;
}

/* Waits until the ring runs, or does not; an error of the ring ends it too. */
static int wait_running(struct portcam_punt *p, const struct pc_packet_ring *r, bool running)
{
    int64_t deadline = pc_now_ms() + STOP_MS;

    for (unsigned us = 1;; us = us < 1000 ? us * 2 : us) {
        uint32_t status;
        int err = portcam_reg_read32(p->dev, r->base + STATUS, &status);

        if (err)
            return err;
        if (running && status & PORTCAM_PUNT_STATUS_ERROR)
            return stopped_by_card(p, r, status);
        if (!(status & PORTCAM_PUNT_STATUS_RUNNING) == !running)
            return 0;
        if (pc_now_ms() >= deadline)
            return pc_fail(-ETIMEDOUT, "the card does not %s its %s ring within %d ms: reset it",
                           running ? "start" : "stop", r->name, STOP_MS);
        pc_pause_us(us);
    }
}

static int stop_ring(struct portcam_punt *p, const struct pc_packet_ring *r)
{
    int err = portcam_reg_write32(p->dev, r->base + CONTROL, 0);

    return err ? err : wait_running(p, r, false);
}

static int stop(struct portcam_punt *p)
{
    int first = stop_ring(p, &p->inject);
    int second = stop_ring(p, &p->punt);

    return first ? first : second;
}

static int start_ring(struct portcam_punt *p, const struct pc_packet_ring *r)
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
        err = portcam_reg_write32(p->dev, r->base + setup[i].offset, setup[i].value);
    return err ? err : wait_running(p, r, true);
}

static int start(struct portcam_punt *p)
{
    int err = stop(p);

    if (err)
        return err;
    for (uint32_t i = 0; i < p->punt.size; i++)
        memset(p->punt.memory + (size_t)i * PORTCAM_PUNT_ENTRY, 0,
               sizeof(struct portcam_punt_header));
    p->next = p->released = p->tail = p->head = 0;
    err = portcam_dev_start(p->dev);
    if (!err)
        err = start_ring(p, &p->punt);
    if (!err)
        err = start_ring(p, &p->inject);
    if (!err)
        p->broken = p->unusable = false;
    return err;
}

static int copy_opts(struct portcam_punt_opts *to, const struct portcam_punt_opts *from)
{
    memset(to, 0, sizeof(*to));
    if (from) {
        if (from->sz < sizeof(from->sz))
            return pc_fail(-EINVAL, "options without their size: set opts.sz = sizeof(opts)");
        for (size_t i = sizeof(*to); i < from->sz; i++)
            if (((const unsigned char *)from)[i])
                return pc_fail(-E2BIG, "an option is newer than this library: update it");
        memcpy(to, from, from->sz < sizeof(*to) ? from->sz : sizeof(*to));
    }
    for (unsigned i = 0; i < 2; i++) {
        unsigned *log2 = i ? &to->log2_inject : &to->log2_punt;

        if (*log2 == 0)
            *log2 = DEFAULT_LOG2;
        if (*log2 < MIN_LOG2 || *log2 > MAX_LOG2)
            return pc_fail(-EINVAL, "a ring of 2^%u entries: use %d to %d", *log2, MIN_LOG2,
                           MAX_LOG2);
    }
    return 0;
}

/* What the card can do, bounded. */
static int look(struct portcam_punt *p)
{
    const uint32_t most = PORTCAM_PUNT_ENTRY - sizeof(struct portcam_punt_header);
    uint32_t caps, frame, units;
    int err = portcam_reg_read32(p->dev, PORTCAM_REG_CAPS, &caps);

    if (!err)
        err = portcam_reg_read32(p->dev, PORTCAM_REG_CAP_FRAME, &frame);
    if (!err)
        err = portcam_reg_read32(p->dev, PORTCAM_REG_CAP_UNITS, &units);
    if (err)
        return err;
    if (!(caps & PORTCAM_CAPS_PUNT))
        return pc_fail(-EOPNOTSUPP, "this build of the card cannot punt packets");
    p->functions = units & PORTCAM_CAP_UNITS_FUNCTIONS;
    p->max_frame = (frame & PORTCAM_CAP_FRAME_MAX_FRAME) >> PORTCAM_CAP_FRAME_MAX_FRAME_SHIFT;
    if (p->max_frame == 0 || p->max_frame > most)
        return pc_fail(-EPROTO, "the card says that its longest frame has %u bytes", p->max_frame);
    p->stride = (p->max_frame + 63) / 64 * 64;
    return 0;
}

static int alloc(struct portcam_dev *dev, size_t size, uint8_t **ret, uint64_t *iova)
{
    void *memory = NULL;
    int err = portcam_dma_alloc(dev, size, RING_ALIGN, &memory, iova);

    *ret = err ? NULL : memory;
    return err;
}

static void free_rings(struct portcam_punt *p)
{
    portcam_dma_free(p->dev, p->punt.memory);
    portcam_dma_free(p->dev, p->inject.memory);
    portcam_dma_free(p->dev, p->frames);
    free(p);
}

int portcam_punt_open(struct portcam_dev *dev, const struct portcam_punt_opts *opts,
                      struct portcam_punt **ret)
{
    struct portcam_punt *p = calloc(1, sizeof(*p));
    bool touched = false;
    int err;

    if (!p)
        return pc_fail(-ENOMEM, "out of memory");
    p->dev = dev;
    err = copy_opts(&p->opts, opts);
    if (!err)
        err = look(p);
    p->punt = (struct pc_packet_ring){.base = PORTCAM_REG_PUNT_BASE_LO,
                                      .name = "punt",
                                      .log2_size = p->opts.log2_punt,
                                      .size = 1u << p->opts.log2_punt};
    p->inject = (struct pc_packet_ring){.base = PORTCAM_REG_INJECT_BASE_LO,
                                        .name = "inject",
                                        .log2_size = p->opts.log2_inject,
                                        .size = 1u << p->opts.log2_inject};
    if (!err)
        err = alloc(dev, (size_t)p->punt.size * PORTCAM_PUNT_ENTRY, &p->punt.memory, &p->punt.iova);
    if (!err)
        err = alloc(dev, p->inject.size * sizeof(struct portcam_inject_descriptor),
                    &p->inject.memory, &p->inject.iova);
    if (!err)
        err = alloc(dev, (size_t)p->inject.size * p->stride, &p->frames, &p->frames_iova);
    if (!err) {
        touched = true;
        err = start(p);
    }
    if (err) {
        if (touched && stop(p) != 0) {
            int kept = pc_fail(err, "%s", portcam_dev_error());

            portcam_dev_stop(dev);
            err = kept;
        }
        free_rings(p);
        return err;
    }
    *ret = p;
    return 0;
}

void portcam_punt_close(struct portcam_punt *p)
{
    if (!p)
        return;
    if (stop(p) != 0)
        portcam_dev_stop(p->dev);
    free_rings(p);
}

int portcam_punt_restart(struct portcam_punt *p)
{
    p->broken = p->unusable = true;
    return start(p);
}
