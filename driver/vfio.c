// SPDX-License-Identifier: Apache-2.0
/*
 * The "pci:" transport: a real card through the kernel's VFIO.
 *
 * Checks first (preflight.c), then one of two ways to the IOMMU (vfio_group.c, vfio_iommufd.c),
 * then the PCI device (vfio_pci.c). The request interrupt means that the kernel wants the device
 * back, the error interrupt that the bus reported an error: both become states.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "vfio.h"

static int pci_open(struct portcam_dev *dev, const char *rest, const struct portcam_dev_opts *opts)
{
    struct pc_vfio *v = calloc(1, sizeof(*v));
    int err;

    if (!v)
        return pc_fail(-ENOMEM, "out of memory");
    v->dev = dev;
    v->sys = dev->sys;
    v->container = -1;
    v->group_fd = -1;
    v->device = -1;
    v->err_fd = -1;
    v->req_fd = -1;
    err = pc_preflight(rest, opts, &v->pf);
    if (err)
        goto out;
    if (strlen(opts->dev_root) >= sizeof(v->dev_root)) {
        err = pc_fail(-ENAMETOOLONG, "dev_root is too long");
        goto out;
    }
    memcpy(v->dev_root, opts->dev_root, strlen(opts->dev_root) + 1);
    v->iommu = v->pf.use_iommufd ? &pc_vfio_iommufd : &pc_vfio_group;
    err = v->iommu->open(v, opts);
    if (err)
        goto out;
    dev->priv = v;
    err = pc_vfio_pci_open(v, opts->flags);
    if (err) {
        v->iommu->detach(v);
        v->iommu->close(v);
        dev->priv = NULL;
        goto out;
    }
    return 0;
out:
    free(v);
    return err;
}

static void pci_info(struct portcam_dev *dev, struct portcam_dev_info *ret)
{
    const struct pc_vfio *v = dev->priv;

    ret->transport = v->iommu->name;
    ret->vendor_id = v->vendor_id;
    ret->device_id = v->device_id;
    ret->reg_size = v->bar0_size > UINT32_MAX ? UINT32_MAX & ~3u : (uint32_t)v->bar0_size;
    ret->vectors = v->vectors;
    ret->can_reset = v->can_reset;
    ret->page_sizes = v->page_sizes;
    ret->dma_maps_max = v->maps_max;
    ret->n_ranges = v->n_ranges;
    memcpy(ret->ranges, v->ranges, sizeof(v->ranges));
}

static int pci_reg_read32(struct portcam_dev *dev, uint32_t offset, uint32_t *ret)
{
    return pc_vfio_pci_read32(dev->priv, offset, ret);
}

static int pci_reg_write32(struct portcam_dev *dev, uint32_t offset, uint32_t value)
{
    return pc_vfio_pci_write32(dev->priv, offset, value);
}

static int pci_map_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size, int fd,
                       uint64_t offset, void *vaddr, uint32_t flags)
{
    struct pc_vfio *v = dev->priv;

    (void)fd, (void)offset;
    return v->iommu->map(v, iova, size, vaddr, flags);
}

static int pci_unmap_dma(struct portcam_dev *dev, uint64_t iova, uint64_t size)
{
    struct pc_vfio *v = dev->priv;

    return v->iommu->unmap(v, iova, size);
}

static int pci_set_irqs(struct portcam_dev *dev, unsigned start, unsigned count, const int *fds)
{
    return pc_vfio_pci_set_vectors(dev->priv, start, count, fds);
}

static int pci_bus_master(struct portcam_dev *dev, bool on)
{
    return pc_vfio_pci_command(dev->priv, on ? 0 : PCI_COMMAND_MASTER, on ? PCI_COMMAND_MASTER : 0);
}

static int pci_reset(struct portcam_dev *dev)
{
    return pc_vfio_pci_reset(dev->priv);
}

static int pci_liveness(struct portcam_dev *dev)
{
    struct pc_vfio *v = dev->priv;
    uint64_t n;

    if (v->req_fd >= 0 && v->sys->read(v->req_fd, &n, sizeof(n)) == (ssize_t)sizeof(n)) {
        pc_dev_log(dev, PORTCAM_LOG_WARNING, "%s: the kernel asks to release the device",
                   dev->name);
        pc_dev_raise(dev, PORTCAM_DEV_RELEASE_WANTED);
    }
    if (v->err_fd >= 0 && v->sys->read(v->err_fd, &n, sizeof(n)) == (ssize_t)sizeof(n)) {
        pc_dev_log(dev, PORTCAM_LOG_ERROR, "%s: the bus reported an error", dev->name);
        pc_dev_raise(dev, PORTCAM_DEV_ERROR);
    }
    return pc_vfio_pci_check(v); /* before any mapped register is read */
}

static unsigned pci_poll_fds(const struct portcam_dev *dev, int fds[PORTCAM_DEV_POLL_FDS])
{
    const struct pc_vfio *v = dev->priv;
    unsigned n = 0;

    if (v->err_fd >= 0)
        fds[n++] = v->err_fd;
    if (v->req_fd >= 0)
        fds[n++] = v->req_fd;
    return n;
}

static void pci_detach(struct portcam_dev *dev)
{
    struct pc_vfio *v = dev->priv;

    pc_vfio_pci_close(v);
    v->iommu->detach(v);
}

static void pci_close(struct portcam_dev *dev)
{
    struct pc_vfio *v = dev->priv;

    v->iommu->close(v);
    free(v);
    dev->priv = NULL;
}

const struct pc_dev_ops pc_dev_vfio_ops = {
    .prefix = "pci:",
    .open = pci_open,
    .info = pci_info,
    .reg_read32 = pci_reg_read32,
    .reg_write32 = pci_reg_write32,
    .map_dma = pci_map_dma,
    .unmap_dma = pci_unmap_dma,
    .set_irqs = pci_set_irqs,
    .bus_master = pci_bus_master,
    .reset = pci_reset,
    .liveness = pci_liveness,
    .poll_fds = pci_poll_fds,
    .detach = pci_detach,
    .close = pci_close,
};
