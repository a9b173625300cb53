// SPDX-License-Identifier: Apache-2.0
/*
 * The ring of samples, see samples.h.
 *
 * A sample is new when the lap word of its header is that of the consumer's index; the header is
 * written last by the card and read first here. The card gets room back in pieces of a quarter of
 * the ring, and when there is nothing more to read.
 */
#include "samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "host_ring.h"
#include "io.h"
#include "irq.h"

enum { CHECK_MS = 100 };

struct pc_samples {
    struct pc_host_ring ring;
    struct pc_samples_filter filter;
    uint32_t next;     /* next entry to read */
    uint32_t released; /* up to here TRACE_HEAD is told */
    int64_t check;     /* when the card is looked at again */
};

static uint32_t pair(uint16_t low, uint16_t high)
{
    return low | (uint32_t)high << 16;
}

static int set_bytes(struct portcam_dev *dev, uint32_t reg, const uint8_t bytes[16])
{
    int err = 0;

    for (uint32_t i = 0; !err && i < 16; i += 4) {
        uint32_t word;

        memcpy(&word, bytes + i, sizeof(word));
        err = portcam_reg_write32(dev, reg + i, word);
    }
    return err;
}

/* While ENABLE is 0. */
static int set_filter(struct portcam_dev *dev, const struct pc_samples_filter *f)
{
    const struct {
        uint32_t reg;
        const uint8_t *bytes;
    } addresses[] = {
        {PORTCAM_REG_TRACE_SRC_IP_0, f->src},
        {PORTCAM_REG_TRACE_SRC_MASK_0, f->src_mask},
        {PORTCAM_REG_TRACE_DST_IP_0, f->dst},
        {PORTCAM_REG_TRACE_DST_MASK_0, f->dst_mask},
    };
    const struct {
        uint32_t reg;
        uint32_t value;
    } words[] = {
        {PORTCAM_REG_TRACE_PORTS, pair(f->src_port, f->dst_port)},
        {PORTCAM_REG_TRACE_PORT_MASKS, pair(f->src_port_mask, f->dst_port_mask)},
        {PORTCAM_REG_TRACE_FILTER, f->what},
        {PORTCAM_REG_TRACE_REASONS_LO, (uint32_t)f->reasons},
        {PORTCAM_REG_TRACE_REASONS_HI, (uint32_t)(f->reasons >> 32)},
        {PORTCAM_REG_TRACE_EVERY, f->every},
        {PORTCAM_REG_TRACE_RATE, f->rate},
        {PORTCAM_REG_TRACE_BURST, f->burst},
    };
    int err = 0;

    for (size_t i = 0; !err && i < sizeof(addresses) / sizeof(*addresses); i++)
        err = set_bytes(dev, addresses[i].reg, addresses[i].bytes);
    for (size_t i = 0; !err && i < sizeof(words) / sizeof(*words); i++)
        err = portcam_reg_write32(dev, words[i].reg, words[i].value);
    return err;
}

int pc_samples_restart(struct pc_samples *t)
{
    struct portcam_dev *dev = t->ring.dev;
    int err = pc_host_ring_stop(&t->ring);

    if (err)
        return err;
    for (uint32_t i = 0; i < t->ring.size; i++)
        memset(t->ring.memory + (size_t)i * PORTCAM_TRACE_ENTRY, 0,
               sizeof(struct portcam_trace_header));
    t->next = t->released = 0;
    t->check = 0;
    err = set_filter(dev, &t->filter);
    if (!err)
        err = portcam_dev_start(dev);
    return err ? err : pc_host_ring_start(&t->ring);
}

int pc_samples_open(struct portcam_dev *dev, unsigned log2_size,
                    const struct pc_samples_filter *filter, struct pc_samples **ret)
{
    struct pc_samples *t;
    uint32_t caps;
    int err = portcam_reg_read32(dev, PORTCAM_REG_CAPS, &caps);

    if (err)
        return err;
    if (!(caps & PORTCAM_CAPS_TRACE))
        return pc_fail(-EOPNOTSUPP, "this build of the card cannot trace packets");
    if (log2_size < PC_HOST_RING_MIN_LOG2 || log2_size > PC_HOST_RING_MAX_LOG2)
        return pc_fail(-EINVAL, "a ring of 2^%u entries: use %d to %d", log2_size,
                       PC_HOST_RING_MIN_LOG2, PC_HOST_RING_MAX_LOG2);
    t = calloc(1, sizeof(*t));
    if (!t)
        return pc_fail(-ENOMEM, "out of memory");
    t->filter = *filter;
    t->ring = (struct pc_host_ring){.dev = dev,
                                    .base = PORTCAM_REG_TRACE_BASE_LO,
                                    .name = "trace",
                                    .log2_size = log2_size,
                                    .size = 1u << log2_size};
    err = pc_host_ring_alloc(&t->ring, PORTCAM_TRACE_ENTRY);
    if (err) {
        free(t);
        return err;
    }
    err = pc_samples_restart(t);
    if (err) {
        pc_samples_close(t);
        return err;
    }
    *ret = t;
    return 0;
}

void pc_samples_close(struct pc_samples *t)
{
    if (!t)
        return;
    if (pc_host_ring_stop(&t->ring) != 0)
        portcam_dev_stop(t->ring.dev);
    portcam_dma_free(t->ring.dev, t->ring.memory);
    free(t);
}

static int release(struct pc_samples *t)
{
    int err;

    if (t->released == t->next)
        return 0;
    portcam_dma_mb();
    err = portcam_reg_write32(t->ring.dev, PORTCAM_REG_TRACE_HEAD, t->next);
    if (!err)
        t->released = t->next;
    return err;
}

static int check_reset(struct pc_samples *t)
{
    uint32_t status;
    int err = portcam_reg_read32(t->ring.dev, PORTCAM_REG_TRACE_STATUS, &status);

    if (!err && !(status & (PORTCAM_TRACE_STATUS_ERROR | PORTCAM_TRACE_STATUS_RUNNING)))
        err = pc_fail(-ESTALE, "the card was reset, and its trace ring is stopped");
    return err;
}

/* Nothing is there: is that because the card stopped? */
static int look(struct pc_samples *t)
{
    int64_t now = pc_now_ms();
    int err;

    if (now < t->check)
        return 0;
    t->check = now + CHECK_MS;
    err = portcam_dev_alive(t->ring.dev);
    if (!err)
        err = check_reset(t);
    return err ? err : pc_host_ring_check(&t->ring);
}

int pc_samples_next(struct pc_samples *t, struct pc_samples_entry *ret, uint64_t *nonsense)
{
    for (uint32_t looked = 0; looked < t->ring.size; looked++) {
        const uint8_t *at =
            t->ring.memory + (size_t)(t->next & (t->ring.size - 1)) * PORTCAM_TRACE_ENTRY;
        const struct portcam_trace_header *h = (const void *)at;
        enum pc_lap lap = pc_host_ring_lap(&t->ring, t->next, pc_read_once32(&h->lap));

        if (lap == PC_LAP_OLD)
            break;
        if (t->next - t->released >= t->ring.size / 4) {
            int err = release(t);

            if (err)
                return err;
        }
        if (lap == PC_LAP_NEW) {
            portcam_dma_rmb();
            memcpy(&ret->header, at, sizeof(ret->header));
            memcpy(ret->head, at + sizeof(ret->header), sizeof(ret->head));
        }
        t->next++;
        if (lap == PC_LAP_NEW)
            return 1;
        (*nonsense)++;
    }
    int err = release(t);

    return err ? err : look(t);
}

int pc_samples_count(struct pc_samples *t, struct pc_samples_counts *ret)
{
    struct pc_samples_counts c;
    int err = portcam_reg_read32(t->ring.dev, PORTCAM_REG_TRACE_MATCHED, &c.matched);

    if (!err)
        err = portcam_reg_read32(t->ring.dev, PORTCAM_REG_TRACE_LIMITED, &c.limited);
    if (!err)
        err = portcam_reg_read32(t->ring.dev, PORTCAM_REG_TRACE_LOST, &c.lost);
    if (!err)
        err = check_reset(t);
    if (!err)
        *ret = c;
    return err;
}
