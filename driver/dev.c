// SPDX-License-Identifier: Apache-2.0
/*
 * The public device: names, argument checks, state and the order of opening and closing, over the table of operations.
 *
 * Every rule that is the same for all transports is here, once: bounds of registers, DMA mappings that must not
 * overlap and are removed whole, DMA allowed last and forbidden first, all-ones checked against the magic register.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev_ops.h"
#include "err.h"
#include "io.h"

static const struct pc_dev_ops *const transports[] = {
    &pc_dev_vfio_ops,
    &pc_dev_vfio_user_ops,
    &pc_dev_model_ops,
};

void pc_dev_log(const struct portcam_dev *dev, enum portcam_log_level level, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    if (!dev->log)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    dev->log(dev->log_ctx, level, line);
}

void pc_dev_raise(struct portcam_dev *dev, enum portcam_dev_state state)
{
    int old = atomic_load(&dev->state);

    while (old < (int)state && !atomic_compare_exchange_weak(&dev->state, &old, (int)state))
        ;
}

int pc_dev_gone(struct portcam_dev *dev, const char *why)
{
    if (atomic_load(&dev->state) != PORTCAM_DEV_GONE)
        pc_dev_log(dev, PORTCAM_LOG_ERROR, "%s: card is gone: %s", dev->name, why);
    pc_dev_raise(dev, PORTCAM_DEV_GONE);
    return pc_fail(-ENODEV, "card is gone: %s: %s; close it, and open it again when it is back",
                   dev->name, why);
}

static bool is_gone(struct portcam_dev *dev)
{
    return atomic_load(&dev->state) == PORTCAM_DEV_GONE;
}

static int gone_already(struct portcam_dev *dev)
{
    return pc_fail(-ENODEV, "card is gone: %s; close it, and open it again when it is back",
                   dev->name);
}

/* Takes over the caller's options of any size; a tail this library does not know must be zero. */
static int copy_opts(struct portcam_dev_opts *to, const struct portcam_dev_opts *from)
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
    to->sz = sizeof(*to);
    if (to->flags & ~PORTCAM_DEV_ALL_FLAGS)
        return pc_fail(-EINVAL, "unknown flags 0x%x in options", to->flags);
    if (to->dma_bits == 0)
        to->dma_bits = 64;
    if (to->dma_bits < 32 || to->dma_bits > 64)
        return pc_fail(-EINVAL, "dma_bits is %u: use 32 to 64", to->dma_bits);
    if (to->arena_size == 0)
        to->arena_size = 16u << 20;
    if (to->arena_size > PC_ARENA_MAX_CHUNK)
        return pc_fail(-EINVAL, "arena_size is too large: use at most 1 TiB");
    to->arena_size = (to->arena_size + PC_ARENA_GRAIN - 1) & ~(size_t)(PC_ARENA_GRAIN - 1);
    if (to->timeout_ms == 0)
        to->timeout_ms = 5000;
    if (!to->sysfs_root)
        to->sysfs_root = "/sys";
    if (!to->dev_root)
        to->dev_root = "/dev";
    if (!to->sys)
        to->sys = &pc_sys_libc;
    return 0;
}

static int find_transport(const char *name, const struct pc_dev_ops **ops, const char **rest)
{
    for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++) {
        size_t len = strlen(transports[i]->prefix);

        if (strncmp(name, transports[i]->prefix, len) == 0) {
            *ops = transports[i];
            *rest = name + len;
            return 0;
        }
    }
    return pc_fail(-EINVAL,
                   "device name \"%.100s\" is not known: "
                   "use pci:0000:03:00.0, vfio-user:/path/to/socket or model:", name);
}

static int open_dev(const char *name, const struct portcam_dev_opts *opts, struct portcam_dev **ret)
{
    struct portcam_dev *dev;
    const char *rest;
    int err;

    dev = calloc(1, sizeof(*dev));
    if (!dev)
        return pc_fail(-ENOMEM, "out of memory");
    dev->sys = opts->sys;
    dev->log = opts->log;
    dev->log_ctx = opts->log_ctx;
    err = find_transport(name, &dev->ops, &rest);
    if (err)
        goto out_dev;
    dev->name = strdup(name);
    if (!dev->name) {
        err = pc_fail(-ENOMEM, "out of memory");
        goto out_dev;
    }
    err = pc_dma_table_init(&dev->maps);
    if (err)
        goto out_name;
    err = pc_arena_init(&dev->arena, opts->arena_size, opts->dma_bits);
    if (err)
        goto out_maps;
    err = -pthread_mutex_init(&dev->lock, NULL);
    if (err)
        goto out_arena;
    err = dev->ops->open(dev, rest, opts);
    if (err)
        goto out_lock;
    dev->info.name = dev->name;
    dev->ops->info(dev, &dev->info);
    if (!(opts->flags & PORTCAM_DEV_NO_IDENTIFY)) {
        err = pc_identify(dev);
        if (err) {
            if (dev->ops->detach)
                dev->ops->detach(dev);
            dev->ops->close(dev);
            goto out_lock;
        }
    }
    pc_dev_log(dev, PORTCAM_LOG_INFO, "%s: open through %s", dev->name, dev->info.transport);
    *ret = dev;
    return 0;

out_lock:
    pthread_mutex_destroy(&dev->lock);
out_arena:
    pc_arena_fini(&dev->arena, dev);
out_maps:
    pc_dma_table_fini(&dev->maps);
out_name:
    free(dev->name);
out_dev:
    free(dev);
    return err;
}

int portcam_dev_open(const char *name, const struct portcam_dev_opts *user_opts,
                     struct portcam_dev **ret)
{
    struct portcam_dev_opts opts;
    int err;

    pc_err_clear();
    if (!name || !ret)
        return pc_fail(-EINVAL, "no device name: give one, for instance model:");
    err = copy_opts(&opts, user_opts);
    if (!err)
        err = open_dev(name, &opts, ret);
    if (err && opts.err && opts.err_len > 0)
        snprintf(opts.err, opts.err_len, "%s", portcam_dev_error());
    return err;
}

void portcam_dev_close(struct portcam_dev *dev)
{
    struct pc_dma_entry entry;

    if (!dev)
        return;
    portcam_dev_stop(dev);
    if (!is_gone(dev))
        dev->ops->set_irqs(dev, 0, 0, NULL);
    if (dev->ops->detach)
        dev->ops->detach(dev);
    pc_arena_fini(&dev->arena, dev);
    while (pc_dma_table_take_any(&dev->maps, &entry) == 0)
        dev->ops->unmap_dma(dev, entry.iova, entry.size);
    dev->ops->close(dev);
    pthread_mutex_destroy(&dev->lock);
    pc_dma_table_fini(&dev->maps);
    free(dev->name);
    free(dev);
}

const struct portcam_dev_info *portcam_dev_info(const struct portcam_dev *dev)
{
    return &dev->info;
}

static int check_offset(struct portcam_dev *dev, uint32_t offset)
{
    if (offset % 4 || offset >= dev->info.reg_size || dev->info.reg_size - offset < 4)
        return pc_fail(-EINVAL, "register offset 0x%x: must be a multiple of 4 below 0x%x", offset,
                       dev->info.reg_size);
    if (is_gone(dev))
        return gone_already(dev);
    return 0;
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
        if (err)
            return err;
        if (magic == UINT32_MAX)
            return pc_dev_gone(dev, "its registers read as all-ones");
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
                       "must be multiples of %llu and not zero", (unsigned long long)iova,
                       (unsigned long long)size, (unsigned long long)page);
    if (!flags || (flags & ~(PORTCAM_DMA_READ | PORTCAM_DMA_WRITE)))
        return pc_fail(-EINVAL, "DMA mapping with flags 0x%x: use read, write or both", flags);
    if (!in_ranges(&dev->info, iova, size))
        return pc_fail(-EINVAL, "DMA address 0x%llx is outside the ranges of this system: "
                       "take one from the device's information", (unsigned long long)iova);
    if (is_gone(dev))
        return gone_already(dev);
    err = pc_dma_table_add(&dev->maps, &entry);
    if (err)
        return pc_fail(err, err == -EEXIST ? "DMA address 0x%llx is mapped already: unmap it first"
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
        return pc_fail(err, "0x%llx bytes at DMA address 0x%llx are not a whole mapping: "
                       "unmap what was mapped", (unsigned long long)size, (unsigned long long)iova);
    return dev->ops->unmap_dma(dev, iova, size);
}

int portcam_dma_alloc(struct portcam_dev *dev, size_t size, size_t align, void **vaddr,
                      uint64_t *iova)
{
    return pc_arena_alloc(&dev->arena, dev, size, align, vaddr, iova);
}

int portcam_dma_free(struct portcam_dev *dev, void *vaddr)
{
    return pc_arena_free(&dev->arena, vaddr);
}

int portcam_dev_set_irqs(struct portcam_dev *dev, unsigned start, unsigned count, const int *fds)
{
    int err;

    if (count > dev->info.vectors || start > dev->info.vectors - count || (!fds && count) ||
        (!count && start))
        return pc_fail(-EINVAL, "interrupt vectors %u to %u: the card has %u", start,
                       start + count - 1, dev->info.vectors);
    if (is_gone(dev))
        return gone_already(dev);
    pthread_mutex_lock(&dev->lock);
    err = dev->ops->set_irqs(dev, start, count, fds);
    pthread_mutex_unlock(&dev->lock);
    return err;
}

static int set_started(struct portcam_dev *dev, bool on)
{
    int err = 0;

    pthread_mutex_lock(&dev->lock);
    if (is_gone(dev)) {
        dev->started = false;
        err = on ? gone_already(dev) : 0;
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
    if (is_gone(dev))
        return gone_already(dev);
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

    if (is_gone(dev))
        return gone_already(dev);
    err = dev->ops->liveness(dev);
    if (err)
        return err;
    err = dev->ops->reg_read32(dev, 0, &magic);
    if (err)
        return err;
    if (magic == UINT32_MAX)
        return pc_dev_gone(dev, "its registers read as all-ones");
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
