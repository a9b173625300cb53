// SPDX-License-Identifier: Apache-2.0
/*
 * Starting and stopping the punt and inject rings.
 *
 * Memory of a ring that may still be running is not given back before DMA is forbidden.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "opts.h"
#include "punt_priv.h"

enum { DEFAULT_LOG2 = 6 };

static int stop(struct portcam_punt *p)
{
    int first = pc_host_ring_stop(&p->inject);
    int second = pc_host_ring_stop(&p->punt);

    return first ? first : second;
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
        err = pc_host_ring_start(&p->punt);
    if (!err)
        err = pc_host_ring_start(&p->inject);
    if (!err)
        p->broken = p->unusable = false;
    return err;
}

static int copy_opts(struct portcam_punt_opts *to, const struct portcam_punt_opts *from)
{
    int err = pc_copy_opts(to, sizeof(*to), from);

    if (err)
        return err;
    for (unsigned i = 0; i < 2; i++) {
        unsigned *log2 = i ? &to->log2_inject : &to->log2_punt;

        if (*log2 == 0)
            *log2 = DEFAULT_LOG2;
        if (*log2 < PC_HOST_RING_MIN_LOG2 || *log2 > PC_HOST_RING_MAX_LOG2)
            return pc_fail(-EINVAL, "a ring of 2^%u entries: use %d to %d", *log2,
                           PC_HOST_RING_MIN_LOG2, PC_HOST_RING_MAX_LOG2);
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
    void *frames = NULL;
    bool touched = false;
    int err;

    if (!p)
        return pc_fail(-ENOMEM, "out of memory");
    p->dev = dev;
    err = copy_opts(&p->opts, opts);
    if (!err)
        err = look(p);
    p->punt = (struct pc_host_ring){.dev = dev,
                                    .base = PORTCAM_REG_PUNT_BASE_LO,
                                    .name = "punt",
                                    .log2_size = p->opts.log2_punt,
                                    .size = 1u << p->opts.log2_punt};
    p->inject = (struct pc_host_ring){.dev = dev,
                                      .base = PORTCAM_REG_INJECT_BASE_LO,
                                      .name = "inject",
                                      .log2_size = p->opts.log2_inject,
                                      .size = 1u << p->opts.log2_inject};
    if (!err)
        err = pc_host_ring_alloc(&p->punt, PORTCAM_PUNT_ENTRY);
    if (!err)
        err = pc_host_ring_alloc(&p->inject, sizeof(struct portcam_inject_descriptor));
    if (!err)
        err = portcam_dma_alloc(dev, (size_t)p->inject.size * p->stride, PC_HOST_RING_ALIGN,
                                &frames, &p->frames_iova);
    p->frames = frames;
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
