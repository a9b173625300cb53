// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a device: names, options, state, and the order of opening and closing, over the table
 * of operations.
 *
 * Nothing is left behind by a failed open. Closing forbids DMA first, then lets the device go, then
 * takes its mappings and memory away.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev_ops.h"
#include "err.h"
#include "opts.h"

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

bool pc_dev_is_gone(const struct portcam_dev *dev)
{
    return atomic_load(&dev->state) == PORTCAM_DEV_GONE;
}

int pc_dev_gone_already(const struct portcam_dev *dev)
{
    return pc_fail(-ENODEV, "card is gone: %s; close it, and open it again when it is back",
                   dev->name);
}

/* Takes over the caller's options of any size; a tail this library does not know must be zero. */
static int copy_opts(struct portcam_dev_opts *to, const struct portcam_dev_opts *from)
{
    int err = pc_copy_opts(to, sizeof(*to), from);

    if (err)
        return err;
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
                   "use pci:0000:03:00.0, vfio-user:/path/to/socket or model:",
                   name);
}

static int open_dev(const char *name, const struct portcam_dev_opts *opts, struct portcam_dev **ret)
{
    struct portcam_dev *dev;
    const char *rest = NULL;
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
    pc_dev_log(dev, PORTCAM_LOG_INFO, "%s is open through %s", dev->name, dev->info.transport);
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
    if (!pc_dev_is_gone(dev))
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
