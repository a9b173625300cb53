// SPDX-License-Identifier: Apache-2.0
/*
 * The IOMMU through a container (TYPE1v2) and the device's group: the way of every Debian kernel.
 *
 * The order of calls is the kernel's rule: the group must be in the container before the IOMMU is
 * chosen, and the IOMMU before a device is taken out of the group. Closing goes backwards, the
 * device first.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "vfio.h"

enum { MAX_INFO = 1 << 16 };

static int open_container(struct pc_vfio *v)
{
    int err = pc_vfio_open_node(v, "vfio/vfio");

    if (err < 0)
        return pc_fail(err, "%s/vfio/vfio cannot be opened: %s; load it with \"modprobe vfio-pci\"",
                       v->dev_root, pc_strerror(err));
    v->container = err;
    err = pc_vfio_ioctl(v, v->container, VFIO_GET_API_VERSION, NULL);
    if (err != VFIO_API_VERSION)
        return pc_fail(err < 0 ? err : -EPROTONOSUPPORT,
                       "the kernel's VFIO version is not known: use a supported kernel");
    err =
        pc_vfio_ioctl(v, v->container, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
    if (err != 1)
        return pc_fail(
            err < 0 ? err : -EOPNOTSUPP,
            "the kernel has no TYPE1v2 IOMMU: load it with \"modprobe vfio_iommu_type1\"");
    return 0;
}

static int join_group(struct pc_vfio *v)
{
    struct vfio_group_status status = {.argsz = sizeof(status)};
    char node[32];
    int err;

    snprintf(node, sizeof(node), "vfio/%d", v->pf.group);
    err = pc_vfio_open_node(v, node);
    if (err == -EBUSY)
        return pc_fail(err, "IOMMU group %d is in use: stop the process that has %s/%s open",
                       v->pf.group, v->dev_root, node);
    if (err < 0)
        return pc_fail(err, "%s/%s cannot be opened: %s; check its owner and mode", v->dev_root,
                       node, pc_strerror(err));
    v->group_fd = err;
    err = pc_vfio_ioctl(v, v->group_fd, VFIO_GROUP_GET_STATUS, &status);
    if (err < 0)
        return pc_fail(err, "IOMMU group %d tells no status: %s", v->pf.group, pc_strerror(err));
    if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
        return pc_fail(-EBUSY,
                       "IOMMU group %d is not viable: unbind its other devices from their "
                       "drivers, see /sys/kernel/iommu_groups/%d/devices",
                       v->pf.group, v->pf.group);
    err = pc_vfio_ioctl(v, v->group_fd, VFIO_GROUP_SET_CONTAINER, &v->container);
    if (err < 0)
        return pc_fail(err, "IOMMU group %d cannot join a container: %s", v->pf.group,
                       pc_strerror(err));
    err = pc_vfio_ioctl(v, v->container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
    if (err == -EPERM)
        return pc_fail(err,
                       "the IOMMU cannot isolate interrupts: enable interrupt remapping in the "
                       "firmware, or load vfio_iommu_type1 with allow_unsafe_interrupts=1");
    if (err < 0)
        return pc_fail(err,
                       "the IOMMU refuses group %d: %s; the firmware may have reserved memory "
                       "for the device, see the kernel log",
                       v->pf.group, pc_strerror(err));
    return 0;
}

static void take_ranges(struct pc_vfio *v, const void *info, size_t len, uint32_t first)
{
    uint32_t at = pc_vfio_find_cap(info, len, first, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
                                   sizeof(struct vfio_iommu_type1_info_cap_iova_range));
    uint32_t avail = pc_vfio_find_cap(info, len, first, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
                                      sizeof(struct vfio_iommu_type1_info_dma_avail));

    if (avail) {
        struct vfio_iommu_type1_info_dma_avail cap;

        memcpy(&cap, (const char *)info + avail, sizeof(cap));
        v->maps_max = cap.avail;
    }
    if (at) {
        struct vfio_iommu_type1_info_cap_iova_range cap;
        size_t room = (len - at - sizeof(cap)) / sizeof(struct vfio_iova_range);

        memcpy(&cap, (const char *)info + at, sizeof(cap));
        for (size_t i = 0; i < cap.nr_iovas && i < room; i++) {
            struct vfio_iova_range range;

            memcpy(&range, (const char *)info + at + sizeof(cap) + i * sizeof(range),
                   sizeof(range));
            pc_vfio_add_range(v, range.start, range.end);
        }
    }
}

static int learn_iommu(struct pc_vfio *v)
{
    struct vfio_iommu_type1_info head = {.argsz = sizeof(head)};
    struct vfio_iommu_type1_info *info;
    int err = pc_vfio_ioctl(v, v->container, VFIO_IOMMU_GET_INFO, &head);

    if (err < 0)
        return pc_fail(err, "the IOMMU tells nothing of itself: %s", pc_strerror(err));
    v->page_sizes = head.flags & VFIO_IOMMU_INFO_PGSIZES ? head.iova_pgsizes : 4096;
    if (head.argsz > sizeof(head) && head.argsz <= MAX_INFO) {
        uint32_t len = head.argsz;

        info = calloc(1, len);
        if (!info)
            return pc_fail(-ENOMEM, "out of memory");
        info->argsz = len;
        err = pc_vfio_ioctl(v, v->container, VFIO_IOMMU_GET_INFO, info);
        if (err >= 0 && info->flags & VFIO_IOMMU_INFO_CAPS)
            take_ranges(v, info, len, info->cap_offset);
        free(info);
        if (err < 0)
            return pc_fail(err, "the IOMMU tells nothing of its ranges: %s", pc_strerror(err));
    }
    if (v->n_ranges == 0) /* kernels that tell no ranges: above the interrupt window, 39 bits */
        pc_vfio_add_range(v, 1ull << 32, (1ull << 39) - 1);
    return 0;
}

static int take_device(struct pc_vfio *v, const char *token)
{
    char name[128];
    int err;

    if (token)
        snprintf(name, sizeof(name), "%s vf_token=%.64s", v->pf.bdf, token);
    else
        snprintf(name, sizeof(name), "%s", v->pf.bdf);
    err = pc_vfio_ioctl(v, v->group_fd, VFIO_GROUP_GET_DEVICE_FD, name);
    if (err == -ENODEV)
        return pc_fail(err, "%s left its IOMMU group: bind it to vfio-pci again", v->pf.bdf);
    if (err == -EAGAIN)
        return pc_fail(err, "%s could not be reset at open: try again, or remove and rescan it",
                       v->pf.bdf);
    if (err < 0)
        return pc_fail(err, "%s cannot be opened: %s; see the kernel log", v->pf.bdf,
                       pc_strerror(err));
    v->device = err;
    return 0;
}

static void group_detach(struct pc_vfio *v)
{
    if (v->device >= 0)
        v->sys->close(v->device);
    v->device = -1;
}

static void group_close(struct pc_vfio *v)
{
    group_detach(v);
    if (v->group_fd >= 0) {
        pc_vfio_ioctl(v, v->group_fd, VFIO_GROUP_UNSET_CONTAINER, NULL);
        v->sys->close(v->group_fd);
    }
    v->group_fd = -1;
    if (v->container >= 0)
        v->sys->close(v->container);
    v->container = -1;
}

static int group_open(struct pc_vfio *v, const struct portcam_dev_opts *opts)
{
    int err = open_container(v);

    if (!err)
        err = join_group(v);
    if (!err)
        err = learn_iommu(v);
    if (!err)
        err = take_device(v, opts->vf_token);
    if (err)
        group_close(v);
    return err;
}

static int group_map(struct pc_vfio *v, uint64_t iova, uint64_t size, void *vaddr, uint32_t flags)
{
    struct vfio_iommu_type1_dma_map map = {
        .argsz = sizeof(map),
        .flags = (flags & PORTCAM_DMA_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
                 (flags & PORTCAM_DMA_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
        .vaddr = (uintptr_t)vaddr,
        .iova = iova,
        .size = size,
    };
    int err = pc_vfio_ioctl(v, v->container, VFIO_IOMMU_MAP_DMA, &map);

    return err < 0 ? pc_vfio_map_failed(v, err, iova, size) : 0;
}

static int group_unmap(struct pc_vfio *v, uint64_t iova, uint64_t size)
{
    struct vfio_iommu_type1_dma_unmap unmap = {
        .argsz = sizeof(unmap),
        .iova = iova,
        .size = size,
    };
    int err = pc_vfio_ioctl(v, v->container, VFIO_IOMMU_UNMAP_DMA, &unmap);

    if (err < 0)
        return pc_fail(err, "DMA address 0x%llx cannot be unmapped: %s", (unsigned long long)iova,
                       pc_strerror(err));
    if (unmap.size == 0) /* the kernel calls that success */
        return pc_fail(-ENOENT, "nothing is mapped at DMA address 0x%llx",
                       (unsigned long long)iova);
    return 0;
}

const struct pc_vfio_iommu pc_vfio_group = {
    .name = "vfio-group",
    .open = group_open,
    .map = group_map,
    .unmap = group_unmap,
    .detach = group_detach,
    .close = group_close,
};
