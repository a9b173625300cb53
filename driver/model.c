// SPDX-License-Identifier: Apache-2.0
/*
 * The "model:" transport: the card model in this process.
 *
 * Registers are function calls, DMA is a checked copy through the device's mapping table,
 * interrupts are eventfd writes. Bus master is honoured as a bus would: DMA before
 * portcam_dev_start() fails. A doorbell returns when its commands are done. One lock keeps threads
 * apart; the model itself is not called from outside it. Time goes on at each register access, by
 * the clock of the host, or as a test says.
 */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "card.h"
#include "dev_ops.h"
#include "err.h"

enum { MODEL_VECTORS = 8 };

struct pc_model {
    struct pc_card *card;
    pthread_mutex_t lock; /* the card, master, irq */
    bool master;
    bool own_time; /* a test sets it */
    struct timespec start;
    int irq[MODEL_VECTORS];
    pc_dev_model_frame frame; /* where injected frames go */
    void *frame_ctx;
};

static int model_dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    struct portcam_dev *dev = ctx;
    struct pc_model *m = dev->priv;

    return m->master ? pc_dma_table_read(&dev->maps, iova, dst, len) : -EACCES;
}

static int model_dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    struct portcam_dev *dev = ctx;
    struct pc_model *m = dev->priv;

    return m->master ? pc_dma_table_write(&dev->maps, iova, src, len) : -EACCES;
}

static void model_irq(void *ctx, unsigned vector)
{
    struct portcam_dev *dev = ctx;
    struct pc_model *m = dev->priv;
    uint64_t one = 1;

    if (!m->master || vector >= MODEL_VECTORS || m->irq[vector] < 0)
        return;
    /* A full counter already wakes whoever sleeps. */
    if (write(m->irq[vector], &one, sizeof(one)) != (ssize_t)sizeof(one))
        pc_dev_log(dev, PORTCAM_LOG_DEBUG, "vector %u: eventfd not written", vector);
}

static void model_frame(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    struct portcam_dev *dev = ctx;
    struct pc_model *m = dev->priv;

    if (m->frame)
        m->frame(m->frame_ctx, function, frame, len);
}

static void go_on(struct pc_model *m)
{
    struct timespec now;

    if (m->own_time)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pc_card_set_time(m->card, (uint32_t)((now.tv_sec - m->start.tv_sec) * 1000 +
                                         (now.tv_nsec - m->start.tv_nsec) / 1000000));
}

static void drop_irqs(struct pc_model *m)
{
    for (unsigned i = 0; i < MODEL_VECTORS; i++) {
        if (m->irq[i] >= 0)
            close(m->irq[i]);
        m->irq[i] = -1;
    }
}

static int model_open(struct portcam_dev *dev, const char *rest,
                      const struct portcam_dev_opts *opts)
{
    struct pc_card_host host = {
        .ctx = dev,
        .dma_read = model_dma_read,
        .dma_write = model_dma_write,
        .irq = model_irq,
        .frame = model_frame,
    };
    struct pc_model *m;
    int err;

    (void)opts;
    if (*rest)
        return pc_fail(-EINVAL, "\"%.100s\" after model: means nothing: use model: alone", rest);
    m = calloc(1, sizeof(*m));
    if (!m)
        return pc_fail(-ENOMEM, "out of memory");
    for (unsigned i = 0; i < MODEL_VECTORS; i++)
        m->irq[i] = -1;
    err = -pthread_mutex_init(&m->lock, NULL);
    if (err) {
        free(m);
        return pc_fail(err, "no lock for the card model: %s", pc_strerror(err));
    }
    dev->priv = m;
    clock_gettime(CLOCK_MONOTONIC, &m->start);
    m->card = pc_card_new(&host);
    if (!m->card) {
        pthread_mutex_destroy(&m->lock);
        free(m);
        dev->priv = NULL;
        return pc_fail(-ENOMEM, "no memory for the card model");
    }
    return 0;
}

static void model_info(struct portcam_dev *dev, struct portcam_dev_info *ret)
{
    (void)dev;
    ret->transport = "model";
    ret->reg_size = PC_BAR0_SIZE;
    ret->vectors = MODEL_VECTORS;
    ret->can_reset = true;
    ret->page_sizes = 4096;
    ret->n_ranges = 1;
    ret->ranges[0] = (struct portcam_iova_range){0, (1ull << 48) - 1};
}

static int model_reg_read32(struct portcam_dev *dev, uint32_t offset, uint32_t *ret)
{
    struct pc_model *m = dev->priv;

    pthread_mutex_lock(&m->lock);
    go_on(m);
    *ret = pc_card_reg_read(m->card, offset);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static int model_reg_write32(struct portcam_dev *dev, uint32_t offset, uint32_t value)
{
    struct pc_model *m = dev->priv;

    pthread_mutex_lock(&m->lock);
    go_on(m);
    pc_card_reg_write(m->card, offset, value);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static int model_map_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size, int fd,
                         uint64_t offset, void *vaddr, uint32_t flags)
{
    (void)dev, (void)iova, (void)size, (void)fd, (void)offset, (void)vaddr, (void)flags;
    return 0; /* the device's table is what the model looks into */
}

static int model_unmap_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size)
{
    (void)dev, (void)iova, (void)size;
    return 0;
}

static int model_set_irqs(struct portcam_dev *dev, unsigned start, unsigned count, const int *fds)
{
    struct pc_model *m = dev->priv;
    int fresh[MODEL_VECTORS];
    int err = 0;

    for (unsigned i = 0; i < count; i++) {
        fresh[i] = fds[i] < 0 ? -1 : dup(fds[i]);
        if (fds[i] >= 0 && fresh[i] < 0) {
            err = -errno;
            while (i-- > 0)
                if (fresh[i] >= 0)
                    close(fresh[i]);
            return pc_fail(err, "interrupt descriptor: %s", pc_strerror(err));
        }
    }
    pthread_mutex_lock(&m->lock);
    if (count == 0)
        drop_irqs(m);
    for (unsigned i = 0; i < count; i++) {
        if (m->irq[start + i] >= 0)
            close(m->irq[start + i]);
        m->irq[start + i] = fresh[i];
    }
    pthread_mutex_unlock(&m->lock);
    return err;
}

static int model_bus_master(struct portcam_dev *dev, bool on)
{
    struct pc_model *m = dev->priv;

    pthread_mutex_lock(&m->lock);
    m->master = on;
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static int model_reset(struct portcam_dev *dev)
{
    struct pc_model *m = dev->priv;

    pthread_mutex_lock(&m->lock);
    pc_card_reset(m->card);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

static int model_liveness(struct portcam_dev *dev)
{
    (void)dev;
    return 0;
}

static void model_close(struct portcam_dev *dev)
{
    struct pc_model *m = dev->priv;

    pc_card_free(m->card);
    drop_irqs(m);
    pthread_mutex_destroy(&m->lock);
    free(m);
    dev->priv = NULL;
}

const struct pc_dev_ops pc_dev_model_ops = {
    .prefix = "model:",
    .open = model_open,
    .info = model_info,
    .reg_read32 = model_reg_read32,
    .reg_write32 = model_reg_write32,
    .map_dma = model_map_dma,
    .unmap_dma = model_unmap_dma,
    .set_irqs = model_set_irqs,
    .bus_master = model_bus_master,
    .reset = model_reset,
    .liveness = model_liveness,
    .close = model_close,
};

struct pc_card *pc_dev_model_card(struct portcam_dev *dev)
{
    return dev->ops == &pc_dev_model_ops ? ((struct pc_model *)dev->priv)->card : NULL;
}

void pc_dev_model_set_time(struct portcam_dev *dev, uint32_t ms)
{
    if (dev->ops != &pc_dev_model_ops)
        return;
    struct pc_model *m = dev->priv;
    pthread_mutex_lock(&m->lock);
    m->own_time = true;
    pc_card_set_time(m->card, ms);
    pthread_mutex_unlock(&m->lock);
}

void pc_dev_model_set_frame(struct portcam_dev *dev, pc_dev_model_frame frame, void *ctx)
{
    if (dev->ops != &pc_dev_model_ops)
        return;
    struct pc_model *m = dev->priv;
    pthread_mutex_lock(&m->lock);
    m->frame = frame;
    m->frame_ctx = ctx;
    pthread_mutex_unlock(&m->lock);
}

void pc_dev_model_lock(struct portcam_dev *dev)
{
    if (dev->ops == &pc_dev_model_ops)
        pthread_mutex_lock(&((struct pc_model *)dev->priv)->lock);
}

void pc_dev_model_unlock(struct portcam_dev *dev)
{
    if (dev->ops == &pc_dev_model_ops)
        pthread_mutex_unlock(&((struct pc_model *)dev->priv)->lock);
}
