// SPDX-License-Identifier: Apache-2.0
/*
 * A PCI device behind a VFIO descriptor: regions, command register, interrupts, reset.
 *
 * Memory space is turned on and bus master off at open: nothing is believed of the state that was
 * found.
 */
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "err.h"
#include "vfio.h"

enum { MAX_VECTORS = 2048 };

static int learn_interrupts(struct pc_vfio *v, uint32_t n_irqs)
{
    for (uint32_t i = VFIO_PCI_MSIX_IRQ_INDEX; i < n_irqs && i <= VFIO_PCI_REQ_IRQ_INDEX; i++) {
        struct vfio_irq_info info = {.argsz = sizeof(info), .index = i};
        bool there;
        int err = pc_vfio_ioctl(v, v->device, VFIO_DEVICE_GET_IRQ_INFO, &info);

        if (err == -EINVAL && i != VFIO_PCI_MSIX_IRQ_INDEX)
            continue; /* a device without error reporting */
        if (err < 0)
            return pc_fail(err, "the kernel tells nothing of interrupt %u of %s: %s", i, v->pf.bdf,
                           pc_strerror(err));
        there = info.flags & VFIO_IRQ_INFO_EVENTFD && info.count > 0;
        if (i == VFIO_PCI_MSIX_IRQ_INDEX)
            v->vectors = !there ? 0 : info.count < MAX_VECTORS ? info.count : MAX_VECTORS;
        else if (i == VFIO_PCI_ERR_IRQ_INDEX)
            v->has_err = there;
        else
            v->has_req = there;
    }
    return 0;
}

/*
 * SET_IRQS of `count` eventfds; count 0 turns the index off. A positive result is a number of
 * vectors.
 */
static int set_irqs(struct pc_vfio *v, uint32_t index, uint32_t start, uint32_t count,
                    const int *fds)
{
    struct vfio_irq_set *set = calloc(1, sizeof(*set) + count * sizeof(int32_t));
    int err;

    if (!set)
        return -ENOMEM;
    set->argsz = (uint32_t)(sizeof(*set) + count * sizeof(int32_t));
    set->flags =
        VFIO_IRQ_SET_ACTION_TRIGGER | (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
    set->index = index;
    set->start = start;
    set->count = count;
    for (uint32_t i = 0; i < count; i++) {
        int32_t fd = fds[i] < 0 ? -1 : fds[i];

        memcpy(set->data + i * sizeof(fd), &fd, sizeof(fd));
    }
    err = pc_vfio_ioctl(v, v->device, VFIO_DEVICE_SET_IRQS, set);
    free(set);
    return err;
}

static int watch(struct pc_vfio *v, uint32_t index, int *ret)
{
    int fd = v->sys->eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int err;

    if (fd < 0)
        return pc_fail(-errno, "no eventfd: %s; raise the limit of open files", pc_strerror(errno));
    err = set_irqs(v, index, 0, 1, &fd);
    if (err) {
        v->sys->close(fd);
        err = err > 0 ? -ENOSPC : err;
        return pc_fail(err, "interrupt %u of %s cannot be watched: %s", index, v->pf.bdf,
                       pc_strerror(err));
    }
    *ret = fd;
    return 0;
}

int pc_vfio_pci_command(struct pc_vfio *v, uint16_t clear, uint16_t set)
{
    off_t at = (off_t)(v->config_offset + PCI_COMMAND);
    uint16_t command;

    if (v->sys->pread(v->device, &command, sizeof(command), at) != (ssize_t)sizeof(command))
        return pc_fail(-EIO, "the command register of %s cannot be read", v->pf.bdf);
    if (command == 0xffff)
        return pc_dev_gone(v->dev, "its configuration space reads as all-ones");
    command = htole16((uint16_t)((le16toh(command) & ~clear) | set));
    if (v->sys->pwrite(v->device, &command, sizeof(command), at) != (ssize_t)sizeof(command))
        return pc_fail(-EIO, "the command register of %s cannot be written", v->pf.bdf);
    return 0;
}

int pc_vfio_pci_check(struct pc_vfio *v)
{
    uint16_t head[3]; /* vendor, device, command */

    if (v->sys->pread(v->device, head, sizeof(head), (off_t)v->config_offset) !=
        (ssize_t)sizeof(head))
        return pc_fail(-EIO, "the configuration space of %s cannot be read", v->pf.bdf);
    if (head[0] == 0xffff)
        return pc_dev_gone(v->dev, "its configuration space reads as all-ones");
    if (!(le16toh(head[2]) & PCI_COMMAND_MEMORY))
        return pc_fail(-EIO, "the memory space of %s was turned off by someone else: reset it",
                       v->pf.bdf);
    return 0;
}

int pc_vfio_pci_reset(struct pc_vfio *v)
{
    int err = pc_vfio_ioctl(v, v->device, VFIO_DEVICE_RESET, NULL);

    if (err < 0)
        return pc_fail(err, "%s cannot be reset: %s", v->pf.bdf, pc_strerror(err));
    return pc_vfio_pci_command(v, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY);
}

static int learn_config(struct pc_vfio *v)
{
    struct vfio_region_info *info;
    uint16_t ids[2];
    int err = pc_vfio_region(v, VFIO_PCI_CONFIG_REGION_INDEX, &info);

    if (err)
        return err;
    v->config_offset = info->offset;
    v->config_size = info->size;
    free(info);
    if (v->config_size < 64)
        return pc_fail(-EPROTO, "%s has no configuration space", v->pf.bdf);
    if (v->sys->pread(v->device, ids, sizeof(ids), (off_t)v->config_offset) != (ssize_t)sizeof(ids))
        return pc_fail(-EIO, "the configuration space of %s cannot be read", v->pf.bdf);
    v->vendor_id = le16toh(ids[0]);
    v->device_id = le16toh(ids[1]);
    if (v->vendor_id == 0xffff)
        return pc_dev_gone(v->dev, "its configuration space reads as all-ones");
    return 0;
}

int pc_vfio_pci_open(struct pc_vfio *v, uint32_t flags)
{
    struct vfio_device_info device = {.argsz = sizeof(device)};
    struct vfio_region_info *bar0 = NULL;
    int err = pc_vfio_ioctl(v, v->device, VFIO_DEVICE_GET_INFO, &device);

    if (err < 0)
        return pc_fail(err, "the kernel tells nothing of %s: %s", v->pf.bdf, pc_strerror(err));
    if (!(device.flags & VFIO_DEVICE_FLAGS_PCI) ||
        device.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX ||
        device.num_irqs <= VFIO_PCI_MSIX_IRQ_INDEX)
        return pc_fail(-EPROTO, "%s is not a PCI device for VFIO", v->pf.bdf);
    v->can_reset = device.flags & VFIO_DEVICE_FLAGS_RESET;
    err = pc_vfio_region(v, VFIO_PCI_BAR0_REGION_INDEX, &bar0);
    if (err)
        return err;
    v->bar0_offset = bar0->offset;
    v->bar0_size = bar0->size;
    if (v->bar0_size < PC_BAR0_SIZE)
        err = pc_fail(-EPROTO, "%s is not a portcam card: BAR0 has %llu bytes, expected %u",
                      v->pf.bdf, (unsigned long long)v->bar0_size, PC_BAR0_SIZE);
    if (!err)
        err = learn_config(v);
    if (!err)
        err = learn_interrupts(v, device.num_irqs);
    if (!err)
        err = pc_vfio_pci_command(v, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY);
    if (!err && flags & PORTCAM_DEV_RESET && v->can_reset)
        err = pc_vfio_pci_reset(v);
    if (!err && !(flags & PORTCAM_DEV_NO_MMAP))
        err = pc_vfio_map_bar0(v, bar0);
    if (!err && v->has_req)
        err = watch(v, VFIO_PCI_REQ_IRQ_INDEX, &v->req_fd);
    if (!err && v->has_err)
        err = watch(v, VFIO_PCI_ERR_IRQ_INDEX, &v->err_fd);
    free(bar0);
    if (err)
        pc_vfio_pci_close(v);
    return err;
}

void pc_vfio_pci_close(struct pc_vfio *v)
{
    if (v->vectors_on)
        set_irqs(v, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0, NULL);
    v->vectors_on = false;
    if (v->err_fd >= 0) {
        set_irqs(v, VFIO_PCI_ERR_IRQ_INDEX, 0, 0, NULL);
        v->sys->close(v->err_fd);
    }
    v->err_fd = -1;
    if (v->req_fd >= 0) {
        set_irqs(v, VFIO_PCI_REQ_IRQ_INDEX, 0, 0, NULL);
        v->sys->close(v->req_fd);
    }
    v->req_fd = -1;
    while (v->n_areas > 0) {
        const struct pc_vfio_area *area = &v->areas[--v->n_areas];

        v->sys->munmap(area->at, area->size);
    }
}

int pc_vfio_pci_set_vectors(struct pc_vfio *v, unsigned start, unsigned count, const int *fds)
{
    int err;

    if (count == 0 && !v->vectors_on)
        return 0;
    err = set_irqs(v, VFIO_PCI_MSIX_IRQ_INDEX, start, count, fds);
    if (err > 0)
        return pc_fail(-ENOSPC, "%s gets only %d interrupt vectors: connect fewer", v->pf.bdf, err);
    if (err < 0)
        return pc_fail(err, "interrupt vectors of %s cannot be set: %s", v->pf.bdf,
                       pc_strerror(err));
    v->vectors_on = count > 0;
    return 0;
}
