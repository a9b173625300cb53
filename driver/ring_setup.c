// SPDX-License-Identifier: Apache-2.0
/*
 * Starting and stopping the command ring, and what the card says when it stopped by itself.
 *
 * The card is allowed to do DMA (bus master) after the addresses are set and before the ring is
 * enabled; by then nothing else that writes to memory runs any more. Memory of a ring that may still
 * be running is not given back before DMA is forbidden.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "err.h"
#include "host_ring.h"
#include "irq.h"
#include "opts.h"
#include "ring_priv.h"

enum { MIN_LOG2 = 6, MAX_LOG2 = 16, DEFAULT_LOG2 = 10, RING_ALIGN = 4096, STOP_MS = 1000 };

void pc_pause_us(unsigned us)
{
    const struct timespec ts = {.tv_nsec = (long)us * 1000};

    nanosleep(&ts, NULL);
}

/* Waits until (register & mask) == want. */
static int wait_reg(struct portcam_ring *r, uint32_t offset, uint32_t mask, uint32_t want,
                    unsigned timeout_ms, const char *what)
{
    int64_t deadline = pc_now_ms() + timeout_ms;
    unsigned us = 10;

    for (;;) {
        uint32_t value;
        int err = portcam_reg_read32(r->dev, offset, &value);

        if (err)
            return err;
        if ((value & mask) == want)
            return 0;
        if (pc_now_ms() >= deadline)
            return pc_fail(-ETIMEDOUT, "the card %s within %u ms: reset it", what, timeout_ms);
        pc_pause_us(us);
        if (us < 1000)
            us *= 2;
    }
}

static int stop(struct portcam_ring *r)
{
    int err = portcam_reg_write32(r->dev, PORTCAM_REG_CMD_CONTROL, 0);

    return err ? err
               : wait_reg(r, PORTCAM_REG_CMD_STATUS, PORTCAM_CMD_STATUS_RUNNING, 0, STOP_MS,
                          "does not stop its command ring");
}

/* The reason in CMD_STATUS as a sentence. */
static int stopped_by_card(struct portcam_ring *r, uint32_t status)
{
    unsigned reason = (status & PORTCAM_CMD_STATUS_REASON) >> PORTCAM_CMD_STATUS_REASON_SHIFT;
    uint32_t low = 0;
    uint32_t high = 0;

    r->broken = true;
    if (reason == PORTCAM_STATUS_DMA_READ_ERROR || reason == PORTCAM_STATUS_DMA_WRITE_ERROR) {
        int err = portcam_reg_read32(r->dev, PORTCAM_REG_ERROR_ADDR_LO, &low);

        if (!err)
            err = portcam_reg_read32(r->dev, PORTCAM_REG_ERROR_ADDR_HI, &high);
        if (err)
            return err;
        return pc_fail(-EIO,
                       "the card stopped its command ring: %s at 0x%08x%08x; "
                       "see the kernel log for IOMMU faults, then restart the ring",
                       portcam_status_text(reason), high, low);
    }
    return pc_fail(-EIO, "the card stopped its command ring: %s; restart the ring",
                   portcam_status_text(reason));
}

int pc_ring_check_running(struct portcam_ring *r)
{
    uint32_t status;
    int err = portcam_reg_read32(r->dev, PORTCAM_REG_CMD_STATUS, &status);

    if (err)
        return err;
    if (status & PORTCAM_CMD_STATUS_ERROR || !(status & PORTCAM_CMD_STATUS_RUNNING))
        return stopped_by_card(r, status);
    return 0;
}

/* A ring starts some clocks after ENABLE, once nothing of the one before is in flight. */
static int wait_running(struct portcam_ring *r)
{
    int64_t deadline = pc_now_ms() + STOP_MS;

    for (unsigned us = 1;; us = us < 1000 ? us * 2 : us) {
        uint32_t status;
        int err = portcam_reg_read32(r->dev, PORTCAM_REG_CMD_STATUS, &status);

        if (err)
            return err;
        if (status & PORTCAM_CMD_STATUS_ERROR)
            return stopped_by_card(r, status);
        if (status & PORTCAM_CMD_STATUS_RUNNING)
            return 0;
        if (pc_now_ms() >= deadline)
            return pc_fail(-ETIMEDOUT,
                           "the card does not start its command ring within %u ms: reset it",
                           STOP_MS);
        pc_pause_us(us);
    }
}

static int start(struct portcam_ring *r)
{
    const struct {
        uint32_t offset;
        uint32_t value;
    } setup[] = {
        {PORTCAM_REG_CMD_BASE_LO, (uint32_t)r->commands_iova},
        {PORTCAM_REG_CMD_BASE_HI, (uint32_t)(r->commands_iova >> 32)},
        {PORTCAM_REG_CPL_BASE_LO, (uint32_t)r->completions_iova},
        {PORTCAM_REG_CPL_BASE_HI, (uint32_t)(r->completions_iova >> 32)},
        {PORTCAM_REG_CMD_SIZE, r->log2_size << PORTCAM_CMD_SIZE_LOG2_SHIFT},
        {PORTCAM_REG_CMD_DOORBELL, 0},
        {PORTCAM_REG_CPL_HEAD, 0},
    };
    int err = stop(r);

    if (!err)
        err = wait_reg(r, PORTCAM_REG_STATUS, PORTCAM_STATUS_READY, PORTCAM_STATUS_READY,
                       r->opts.ready_ms, "does not become ready");
    if (err)
        return err;
    memset(r->commands, 0, (size_t)r->size * sizeof(*r->commands));
    memset(r->completions, 0, (size_t)r->size * sizeof(*r->completions));
    r->tail = r->pushed = r->head = r->cpl_next = r->cpl_told = 0;
    for (size_t i = 0; !err && i < sizeof(setup) / sizeof(*setup); i++)
        err = portcam_reg_write32(r->dev, setup[i].offset, setup[i].value);
    if (!err)
        err = portcam_dev_start(r->dev);
    if (!err)
        err = portcam_reg_write32(r->dev, PORTCAM_REG_CMD_CONTROL, PORTCAM_CMD_CONTROL_ENABLE);
    if (!err)
        err = wait_running(r);
    if (!err)
        r->broken = false;
    return err;
}

static void free_ring(struct portcam_ring *r)
{
    portcam_dma_free(r->dev, r->commands);
    portcam_dma_free(r->dev, r->completions);
    free(r->cookies);
    free(r);
}

static int copy_opts(struct portcam_ring_opts *to, const struct portcam_ring_opts *from)
{
    int err = pc_copy_opts(to, sizeof(*to), from);

    if (err)
        return err;
    if (to->log2_size == 0)
        to->log2_size = DEFAULT_LOG2;
    if (to->log2_size < MIN_LOG2 || to->log2_size > MAX_LOG2)
        return pc_fail(-EINVAL, "a ring of 2^%u entries: use %d to %d", to->log2_size, MIN_LOG2,
                       MAX_LOG2);
    if (to->ready_ms == 0)
        to->ready_ms = 10000;
    return 0;
}

int portcam_ring_open(struct portcam_dev *dev, const struct portcam_ring_opts *opts,
                      struct portcam_ring **ret)
{
    struct portcam_ring *r = calloc(1, sizeof(*r));
    void *p;
    int err;

    if (!r)
        return pc_fail(-ENOMEM, "out of memory");
    r->dev = dev;
    err = copy_opts(&r->opts, opts);
    if (err) {
        free(r);
        return err;
    }
    r->log2_size = r->opts.log2_size;
    r->size = 1u << r->log2_size;
    r->cookies = calloc(r->size, sizeof(*r->cookies));
    if (!r->cookies)
        err = pc_fail(-ENOMEM, "out of memory");
    if (!err)
        err = portcam_dma_alloc(dev, (size_t)r->size * sizeof(*r->commands), RING_ALIGN, &p,
                                &r->commands_iova);
    if (!err) {
        r->commands = p;
        err = portcam_dma_alloc(dev, (size_t)r->size * sizeof(*r->completions), RING_ALIGN, &p,
                                &r->completions_iova);
    }
    if (!err) {
        r->completions = p;
        err = pc_host_rings_quiet(dev);
    }
    if (!err)
        err = start(r);
    if (err) {
        if (r->completions && stop(r) != 0) {
            int kept = pc_fail(err, "%s", portcam_dev_error());

            portcam_dev_stop(dev);
            err = kept;
        }
        free_ring(r);
        return err;
    }
    *ret = r;
    return 0;
}

void portcam_ring_close(struct portcam_ring *r)
{
    if (!r)
        return;
    if (stop(r) != 0)
        portcam_dev_stop(r->dev);
    free_ring(r);
}

int portcam_ring_restart(struct portcam_ring *r)
{
    r->broken = true;
    return start(r);
}
