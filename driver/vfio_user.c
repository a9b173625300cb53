// SPDX-License-Identifier: Apache-2.0
/*
 * The "vfio-user:" transport: a simulated card behind a UNIX socket.
 *
 * The order of starting is the protocol's: version, device, regions, interrupts, then memory. No
 * BAR is mapped, so that every register access is an ordered message. The end of the connection is
 * the removal of the card.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "dev_ops.h"
#include "err.h"
#include "vfu_device.h"

/* An eventfd for the error or request interrupt; a server without it is fine. */
static int watch(struct portcam_dev *dev, struct pc_vfuc *v, uint32_t index, int *fd)
{
    int err;

    if (v->irq_count[index] == 0)
        return 0;
    *fd = dev->sys->eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (*fd < 0)
        return pc_fail(-errno, "no eventfd: %s; raise the limit of open files", pc_strerror(errno));
    err = pc_vfuc_set_irqs(v, index, PC_VFU_IRQ_DATA_EVENTFD, 0, 1, fd, 1);
    if (err && !v->conn.dead) {
        pc_dev_log(dev, PORTCAM_LOG_DEBUG, "%s: no interrupt %u", dev->name, index);
        err = 0;
    }
    return err;
}

static int bring_up(struct portcam_dev *dev, struct pc_vfuc *v)
{
    uint16_t ids[2];
    int n_irqs;
    int err;

    err = pc_vfuc_version(&v->conn, &v->caps);
    if (err)
        return err;
    v->conn.max_xfer = v->caps.max_data_xfer;
    n_irqs = pc_vfuc_device_info(v);
    if (n_irqs < 0)
        return n_irqs;
    for (uint32_t i = 0; !err && i <= PC_VFU_REGION_CONFIG; i++)
        err = pc_vfuc_region(v, i);
    for (uint32_t i = 0; !err && i < (uint32_t)n_irqs; i++)
        err = pc_vfuc_irq(v, i);
    if (err)
        return err;
    if (v->region_size[PC_VFU_REGION_BAR0] < PC_BAR0_SIZE)
        return pc_fail(-EPROTO, "%s is not a portcam card: BAR0 has %llu bytes, expected %u",
                       dev->name, (unsigned long long)v->region_size[0], PC_BAR0_SIZE);
    if (v->region_size[PC_VFU_REGION_CONFIG] < 64)
        return pc_vfuc_nonsense(&v->conn, "it has no configuration space");
    err = pc_vfuc_region_read(v, PC_VFU_REGION_CONFIG, PCI_VENDOR_ID, ids, sizeof(ids));
    if (err)
        return err;
    v->vendor_id = le16toh(ids[0]);
    v->device_id = le16toh(ids[1]);
    if (v->vendor_id == 0xffff)
        return pc_dev_gone(dev, "its configuration space reads as all-ones");
    err = pc_vfuc_command(v, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY);
    if (!err)
        err = watch(dev, v, PC_VFU_IRQ_REQ, &v->req_fd);
    if (!err)
        err = watch(dev, v, PC_VFU_IRQ_ERR, &v->err_fd);
    return err;
}

static void release(struct portcam_dev *dev, struct pc_vfuc *v)
{
    pc_vfuc_disconnect(&v->conn);
    if (v->err_fd >= 0)
        dev->sys->close(v->err_fd);
    if (v->req_fd >= 0)
        dev->sys->close(v->req_fd);
    free(v);
    dev->priv = NULL;
}

static int vfu_reset(struct portcam_dev *dev)
{
    struct pc_vfuc *v = dev->priv;
    struct pc_vfuc_call call = {.cmd = PC_VFU_DEVICE_RESET};
    int err = pc_vfuc_call(&v->conn, &call, NULL);

    return err ? err : pc_vfuc_command(v, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY);
}

static int vfu_open(struct portcam_dev *dev, const char *rest, const struct portcam_dev_opts *opts)
{
    struct pc_vfuc *v = calloc(1, sizeof(*v));
    int err;

    if (!v)
        return pc_fail(-ENOMEM, "out of memory");
    v->err_fd = -1;
    v->req_fd = -1;
    err = pc_vfuc_connect(&v->conn, dev, rest, opts->timeout_ms);
    if (err) {
        free(v);
        return err;
    }
    dev->priv = v;
    err = bring_up(dev, v);
    if (!err && (opts->flags & PORTCAM_DEV_RESET) && v->can_reset)
        err = vfu_reset(dev);
    if (err)
        release(dev, v);
    return err;
}

static void vfu_info(struct portcam_dev *dev, struct portcam_dev_info *ret)
{
    struct pc_vfuc *v = dev->priv;
    uint64_t size = v->region_size[PC_VFU_REGION_BAR0];

    ret->transport = "vfio-user";
    ret->vendor_id = v->vendor_id;
    ret->device_id = v->device_id;
    ret->reg_size = size > UINT32_MAX ? UINT32_MAX & ~3u : (uint32_t)size;
    ret->vectors = v->irq_count[PC_VFU_IRQ_MSIX];
    ret->can_reset = v->can_reset;
    ret->page_sizes = v->caps.page_sizes;
    ret->dma_maps_max = v->caps.max_dma_maps;
    ret->n_ranges = 1;
    ret->ranges[0] = (struct portcam_iova_range){0, (1ull << 48) - 1};
}

static int vfu_reg_read32(struct portcam_dev *dev, uint32_t offset, uint32_t *ret)
{
    uint32_t raw = 0;
    int err = pc_vfuc_region_read(dev->priv, PC_VFU_REGION_BAR0, offset, &raw, sizeof(raw));

    if (!err)
        *ret = le32toh(raw);
    return err;
}

static int vfu_reg_write32(struct portcam_dev *dev, uint32_t offset, uint32_t value)
{
    uint32_t raw = htole32(value);

    return pc_vfuc_region_write(dev->priv, PC_VFU_REGION_BAR0, offset, &raw, sizeof(raw));
}

static int vfu_map_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size, int fd,
                       uint64_t offset, void *vaddr, uint32_t flags)
{
    struct pc_vfuc *v = dev->priv;
    struct pc_vfu_dma_map map = {
        .argsz = sizeof(map),
        .flags = (flags & PORTCAM_DMA_READ ? PC_VFU_DMA_FLAG_READ : 0) |
                 (flags & PORTCAM_DMA_WRITE ? PC_VFU_DMA_FLAG_WRITE : 0),
        .offset = fd >= 0 ? offset : 0,
        .iova = iova,
        .size = size,
    };
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_DMA_MAP,
        .head = &map,
        .head_len = sizeof(map),
        .fds = &fd,
        .n_fds = fd >= 0,
    };

    (void)vaddr;
    if (pc_dma_table_count(&dev->maps) > v->caps.max_dma_maps)
        return pc_fail(-ENOSPC, "the simulated card takes %u mappings: unmap some",
                       v->caps.max_dma_maps);
    return pc_vfuc_call(&v->conn, &call, NULL);
}

static int vfu_unmap_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size)
{
    struct pc_vfuc *v = dev->priv;
    struct pc_vfu_dma_unmap unmap = {.argsz = sizeof(unmap), .iova = iova, .size = size};
    struct pc_vfuc_call call = {
        .cmd = PC_VFU_DMA_UNMAP,
        .head = &unmap,
        .head_len = sizeof(unmap),
        .reply = &unmap,
        .reply_min = sizeof(unmap),
        .reply_max = sizeof(unmap),
    };

    return pc_vfuc_call(&v->conn, &call, NULL);
}

static int vfu_set_irqs(struct portcam_dev *dev, unsigned start, unsigned count, const int *fds)
{
    struct pc_vfuc *v = dev->priv;
    unsigned i = 0;

    if (v->irq_count[PC_VFU_IRQ_MSIX] == 0)
        return 0;
    if (count == 0)
        return pc_vfuc_set_irqs(v, PC_VFU_IRQ_MSIX, PC_VFU_IRQ_DATA_NONE, 0, 0, NULL, 0);
    while (i < count) {
        bool with_fd = fds[i] >= 0;
        unsigned n = 1;
        int err;

        /* a message carries a descriptor for each vector or none at all */
        while (i + n < count && (fds[i + n] >= 0) == with_fd && (!with_fd || n < v->caps.max_fds))
            n++;
        err = pc_vfuc_set_irqs(v, PC_VFU_IRQ_MSIX, PC_VFU_IRQ_DATA_EVENTFD, start + i, n, fds + i,
                               with_fd ? n : 0);
        if (err)
            return err;
        i += n;
    }
    return 0;
}

static int vfu_bus_master(struct portcam_dev *dev, bool on)
{
    struct pc_vfuc *v = dev->priv;
    int err;

    if (on)
        atomic_store(&v->conn.master, true);
    err = pc_vfuc_command(v, on ? 0 : PCI_COMMAND_MASTER, on ? PCI_COMMAND_MASTER : 0);
    if (!on || err)
        atomic_store(&v->conn.master, false);
    return err;
}

static int vfu_liveness(struct portcam_dev *dev)
{
    struct pc_vfuc *v = dev->priv;
    uint64_t n;

    if (v->req_fd >= 0 && dev->sys->read(v->req_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
        pc_dev_raise(dev, PORTCAM_DEV_RELEASE_WANTED);
    if (v->err_fd >= 0 && dev->sys->read(v->err_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
        pc_dev_raise(dev, PORTCAM_DEV_ERROR);
    return pc_vfuc_pump(&v->conn);
}

static unsigned vfu_poll_fds(const struct portcam_dev *dev, int fds[PORTCAM_DEV_POLL_FDS])
{
    const struct pc_vfuc *v = dev->priv;
    unsigned n = 0;

    fds[n++] = v->conn.fd;
    if (v->err_fd >= 0)
        fds[n++] = v->err_fd;
    if (v->req_fd >= 0)
        fds[n++] = v->req_fd;
    return n;
}

static void vfu_detach(struct portcam_dev *dev)
{
    struct pc_vfuc *v = dev->priv;

    if (v->err_fd >= 0)
        pc_vfuc_set_irqs(v, PC_VFU_IRQ_ERR, PC_VFU_IRQ_DATA_NONE, 0, 0, NULL, 0);
    if (v->req_fd >= 0)
        pc_vfuc_set_irqs(v, PC_VFU_IRQ_REQ, PC_VFU_IRQ_DATA_NONE, 0, 0, NULL, 0);
}

static void vfu_close(struct portcam_dev *dev)
{
    release(dev, dev->priv);
}

const struct pc_dev_ops pc_dev_vfio_user_ops = {
    .prefix = "vfio-user:",
    .open = vfu_open,
    .info = vfu_info,
    .reg_read32 = vfu_reg_read32,
    .reg_write32 = vfu_reg_write32,
    .map_dma = vfu_map_dma,
    .unmap_dma = vfu_unmap_dma,
    .set_irqs = vfu_set_irqs,
    .bus_master = vfu_bus_master,
    .reset = vfu_reset,
    .liveness = vfu_liveness,
    .poll_fds = vfu_poll_fds,
    .detach = vfu_detach,
    .close = vfu_close,
};
