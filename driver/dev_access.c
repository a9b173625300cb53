// SPDX-License-Identifier: Apache-2.0
/*
 * The use of a device: registers, DMA mappings, interrupts, reset, liveness.
 *
 * Every rule that is the same for all transports is here, once: bounds of registers, mappings that
 * must not overlap and are removed whole, DMA allowed last and forbidden first, all-ones checked
 * against the magic register.
 */
#include <errno.h>

#include "dev_ops.h"
#include "err.h"
#include "io.h"

static int check_offset(struct portcam_dev *dev, uint32_t offset)
{
    if (offset % 4 || offset >= dev->info.reg_size || dev->info.reg_size - offset < 4)
        return pc_fail(-EINVAL, "register offset 0x%x: must be a multiple of 4 below 0x%x", offset,
                       dev->info.reg_size);
    if (pc_dev_is_gone(dev))
        return pc_dev_gone_already(dev);
    return 0;
}

/* Did the register read as all-ones because another thread resets the card just now? Then it is read again behind that. */
static int read_behind_reset(struct portcam_dev *dev, uint32_t offset, uint32_t *value)
{
    uint32_t magic = UINT32_MAX;
    int err;

    pthread_mutex_lock(&dev->lock);
    err = dev->ops->reg_read32(dev, 0, &magic);
    if (!err && magic != UINT32_MAX)
        err = dev->ops->reg_read32(dev, offset, value);
    pthread_mutex_unlock(&dev->lock);
    if (err)
        return err;
    return magic == UINT32_MAX ? pc_dev_gone(dev, "its registers read as all-ones") : 0;
}

int portcam_reg_read32(struct portcam_dev *dev, uint32_t offset, uint32_t *ret)
{
    uint32_t value;
    uint32_t magic;
    int err = check_offset(dev, offset);

    if (err)
        return err;
    err = dev->ops->reg_read32(dev, offset, &value);
    if (err)
        return err;
    if (value == UINT32_MAX) {
        err = dev->ops->reg_read32(dev, 0, &magic);
        if (!err && magic == UINT32_MAX)
            err = read_behind_reset(dev, offset, &value);
        if (err)
            return err;
    }
    *ret = value;
    return 0;
}

int portcam_reg_write32(struct portcam_dev *dev, uint32_t offset, uint32_t value)
{
    int err = check_offset(dev, offset);

    if (err)
        return err;
    portcam_io_wmb();
    return dev->ops->reg_write32(dev, offset, value);
}

static bool in_ranges(const struct portcam_dev_info *info, uint64_t iova, uint64_t size)
{
    uint64_t last = iova + (size - 1);

    for (unsigned i = 0; i < info->n_ranges; i++)
        if (iova >= info->ranges[i].first && last <= info->ranges[i].last)
            return true;
    return false;
}

int portcam_map_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size, int fd, uint64_t offset,
                    void *vaddr, uint32_t flags)
{
    struct pc_dma_entry entry = {.iova = iova, .size = size, .vaddr = vaddr, .flags = flags};
    struct pc_dma_entry taken;
    uint64_t page = dev->info.page_sizes & -dev->info.page_sizes;
    int err;

    if (page == 0)
        page = 4096;
    if (size == 0 || ((iova | size | (uintptr_t)vaddr | offset) & (page - 1)) || iova == 0 ||
        !vaddr || iova + (size - 1) < iova)
        return pc_fail(-EINVAL,
                       "DMA mapping 0x%llx of 0x%llx bytes: address, size, memory and file offset "
                       "must be multiples of %llu and not zero",
                       (unsigned long long)iova, (unsigned long long)size,
                       (unsigned long long)page);
    if (!flags || (flags & ~(PORTCAM_DMA_READ | PORTCAM_DMA_WRITE)))
        return pc_fail(-EINVAL, "DMA mapping with flags 0x%x: use read, write or both", flags);
    if (!in_ranges(&dev->info, iova, size))
        return pc_fail(-EINVAL,
                       "DMA address 0x%llx is outside the ranges of this system: "
                       "take one from the device's information",
                       (unsigned long long)iova);
    if (pc_dev_is_gone(dev))
        return pc_dev_gone_already(dev);
    err = pc_dma_table_add(&dev->maps, &entry);
    if (err)
        return pc_fail(err,
                       err == -EEXIST ? "DMA address 0x%llx is mapped already: unmap it first"
                                      : "DMA address 0x%llx: out of memory",
                       (unsigned long long)iova);
    err = dev->ops->map_dma(dev, iova, size, fd, offset, vaddr, flags);
    if (err)
        pc_dma_table_take(&dev->maps, iova, size, &taken);
    return err;
}

int portcam_unmap_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size)
{
    struct pc_dma_entry entry;
    int err = pc_dma_table_take(&dev->maps, iova, size, &entry);

    if (err == -ENOENT)
        return pc_fail(err, "nothing is mapped at DMA address 0x%llx", (unsigned long long)iova);
    if (err)
        return pc_fail(err,
                       "0x%llx bytes at DMA address 0x%llx are not a whole mapping: "
                       "unmap what was mapped",
                       (unsigned long long)size, (unsigned long long)iova);
    return dev->ops->unmap_dma(dev, iova, size);
}

int portcam_dma_alloc(struct portcam_dev *dev, size_t size, size_t align, void **vaddr,
                      uint64_t *iova)
{
    return pc_arena_alloc(&dev->arena, dev, size, align, vaddr, iova);
}

int portcam_dma_alloc_file(struct portcam_dev *dev, size_t size, void **vaddr, uint64_t *iova,
                           int *fd)
{
    return pc_arena_alloc_file(&dev->arena, dev, size, vaddr, iova, fd);
}

int portcam_dma_free(struct portcam_dev *dev, void *vaddr)
{
    return pc_arena_free(&dev->arena, dev, vaddr);
}

int portcam_dev_set_irqs(struct portcam_dev *dev, unsigned start, unsigned count, const int *fds)
{
    int err;

    if (count > dev->info.vectors || start > dev->info.vectors - count || (!fds && count) ||
        (!count && start))
        return pc_fail(-EINVAL,
                       "interrupt vectors %u to %u were asked for and the card has %u: connect "
                       "fewer, or load the image that this driver belongs to",
                       start, start + count - 1, dev->info.vectors);
    if (pc_dev_is_gone(dev))
        return pc_dev_gone_already(dev);
    pthread_mutex_lock(&dev->lock);
    err = dev->ops->set_irqs(dev, start, count, fds);
    pthread_mutex_unlock(&dev->lock);
    return err;
}

static int set_started(struct portcam_dev *dev, bool on)
{
    int err = 0;

    pthread_mutex_lock(&dev->lock);
    if (pc_dev_is_gone(dev)) {
        dev->started = false;
        err = on ? pc_dev_gone_already(dev) : 0;
    } else if (dev->started != on) {
        err = dev->ops->bus_master(dev, on);
        if (!err)
            dev->started = on;
    }
    pthread_mutex_unlock(&dev->lock);
    return err;
}

int portcam_dev_start(struct portcam_dev *dev)
{
    return set_started(dev, true);
}

int portcam_dev_stop(struct portcam_dev *dev)
{
    return set_started(dev, false);
}

int portcam_dev_reset(struct portcam_dev *dev)
{
    int expected = PORTCAM_DEV_ERROR;
    int err;

    if (!dev->info.can_reset)
        return pc_fail(-EOPNOTSUPP, "%s cannot be reset: use a card image with FLR", dev->name);
    if (pc_dev_is_gone(dev))
        return pc_dev_gone_already(dev);
    err = portcam_dev_stop(dev);
    if (err)
        return err;
    pthread_mutex_lock(&dev->lock);
    err = dev->ops->reset(dev);
    if (!err)
        atomic_compare_exchange_strong(&dev->state, &expected, PORTCAM_DEV_OK);
    pthread_mutex_unlock(&dev->lock);
    return err;
}

int portcam_dev_alive(struct portcam_dev *dev)
{
    uint32_t magic;
    int err;

    if (pc_dev_is_gone(dev))
        return pc_dev_gone_already(dev);
    err = dev->ops->liveness(dev);
    if (err)
        return err;
    err = dev->ops->reg_read32(dev, 0, &magic);
    if (!err && magic == UINT32_MAX)
        err = read_behind_reset(dev, 0, &magic);
    if (err)
        return err;
    if (atomic_load(&dev->state) == PORTCAM_DEV_ERROR)
        return pc_fail(-EIO, "%s reported a bus error: reset it, or look at the kernel log",
                       dev->name);
    return 0;
}

enum portcam_dev_state portcam_dev_get_state(const struct portcam_dev *dev)
{
    return (enum portcam_dev_state)atomic_load(&dev->state);
}

unsigned portcam_dev_poll_fds(const struct portcam_dev *dev, int fds[PORTCAM_DEV_POLL_FDS])
{
    return dev->ops->poll_fds ? dev->ops->poll_fds(dev, fds) : 0;
}
