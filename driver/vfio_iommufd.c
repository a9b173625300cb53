// SPDX-License-Identifier: Apache-2.0
/*
 * The IOMMU through iommufd and the device's own character device: kernels from 6.6 on that are
 * built with it.
 *
 * The device answers nothing before it is bound; the ranges are read after attaching, which narrows
 * them. Errors are turned into those of the group's way.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "iommufd_uapi.h"
#include "vfio.h"

enum { SOME_RANGES = 32, MOST_RANGES = 4096 };

static int bind_device(struct pc_vfio *v)
{
    struct pc_vfio_bind_iommufd bind = {.argsz = sizeof(bind)};
    char node[64];
    int err = pc_vfio_open_node(v, "iommu");

    if (err < 0)
        return pc_fail(err, "%s/iommu cannot be opened: %s; check its owner and mode", v->dev_root,
                       pc_strerror(err));
    v->container = err;
    snprintf(node, sizeof(node), "vfio/devices/%s", v->pf.cdev);
    err = pc_vfio_open_node(v, node);
    if (err == -EBUSY)
        return pc_fail(err, "%s is in use: stop the process that has %s/%s open", v->pf.bdf,
                       v->dev_root, node);
    if (err < 0)
        return pc_fail(err, "%s/%s cannot be opened: %s; check its owner and mode", v->dev_root,
                       node, pc_strerror(err));
    v->device = err;
    bind.iommufd = v->container;
    err = pc_vfio_ioctl(v, v->device, PC_VFIO_BIND_IOMMUFD, &bind);
    if (err == -EINVAL) /* what the kernel answers when another descriptor is bound */
        return pc_fail(-EBUSY, "%s is in use: stop the process that has %s/%s open", v->pf.bdf,
                       v->dev_root, node);
    if (err == -EBUSY)
        return pc_fail(err,
                       "%s is in use through its IOMMU group: stop the process that has "
                       "%s/vfio/%d open",
                       v->pf.bdf, v->dev_root, v->pf.group);
    if (err == -EPERM)
        return pc_fail(err,
                       "the IOMMU cannot isolate interrupts: enable interrupt remapping in the "
                       "firmware, or load iommufd with allow_unsafe_interrupts=1");
    if (err < 0)
        return pc_fail(err, "%s cannot be bound to iommufd: %s; see the kernel log", v->pf.bdf,
                       pc_strerror(err));
    return 0;
}

static int attach(struct pc_vfio *v)
{
    struct pc_iommu_ioas_alloc alloc = {.size = sizeof(alloc)};
    struct pc_vfio_attach_iommufd_pt pt = {.argsz = sizeof(pt)};
    int err = pc_vfio_ioctl(v, v->container, PC_IOMMU_IOAS_ALLOC, &alloc);

    if (err < 0)
        return pc_fail(err, "iommufd gives no address space: %s", pc_strerror(err));
    v->ioas = alloc.out_ioas_id;
    pt.pt_id = v->ioas;
    err = pc_vfio_ioctl(v, v->device, PC_VFIO_ATTACH_IOMMUFD_PT, &pt);
    if (err == -EPERM)
        return pc_fail(err,
                       "the IOMMU cannot isolate interrupts: enable interrupt remapping in the "
                       "firmware, or load iommufd with allow_unsafe_interrupts=1");
    if (err < 0)
        return pc_fail(err, "%s cannot be attached to its address space: %s; see the kernel log",
                       v->pf.bdf, pc_strerror(err));
    return 0;
}

static int learn_ranges(struct pc_vfio *v)
{
    uint32_t room = SOME_RANGES;

    for (;;) {
        struct pc_iommu_iova_range *ranges = calloc(room, sizeof(*ranges));
        struct pc_iommu_ioas_iova_ranges ask = {
            .size = sizeof(ask),
            .ioas_id = v->ioas,
            .num_iovas = room,
            .allowed_iovas = (uintptr_t)ranges,
        };
        int err;

        if (!ranges)
            return pc_fail(-ENOMEM, "out of memory");
        err = pc_vfio_ioctl(v, v->container, PC_IOMMU_IOAS_IOVA_RANGES, &ask);
        if (err == -EMSGSIZE && ask.num_iovas > room && ask.num_iovas <= MOST_RANGES) {
            room = ask.num_iovas;
            free(ranges);
            continue;
        }
        for (uint32_t i = 0; err >= 0 && i < ask.num_iovas && i < room; i++)
            pc_vfio_add_range(v, ranges[i].start, ranges[i].last);
        free(ranges);
        if (err < 0)
            return pc_fail(err, "iommufd tells no address ranges: %s", pc_strerror(err));
        v->page_sizes = 4096;
        return 0;
    }
}

static void iommufd_detach(struct pc_vfio *v)
{
    struct pc_vfio_detach_iommufd_pt detach = {.argsz = sizeof(detach)};

    if (v->device >= 0)
        pc_vfio_ioctl(v, v->device, PC_VFIO_DETACH_IOMMUFD_PT, &detach);
}

static void iommufd_close(struct pc_vfio *v)
{
    if (v->ioas) {
        struct pc_iommu_ioas_unmap all = {
            .size = sizeof(all),
            .ioas_id = v->ioas,
            .length = UINT64_MAX,
        };
        struct pc_iommu_destroy destroy = {.size = sizeof(destroy), .id = v->ioas};

        pc_vfio_ioctl(v, v->container, PC_IOMMU_IOAS_UNMAP, &all);
        pc_vfio_ioctl(v, v->container, PC_IOMMU_DESTROY, &destroy);
    }
    v->ioas = 0;
    if (v->device >= 0)
        v->sys->close(v->device);
    v->device = -1;
    if (v->container >= 0)
        v->sys->close(v->container);
    v->container = -1;
}

static int iommufd_open(struct pc_vfio *v, const struct portcam_dev_opts *opts)
{
    int err;

    if (opts->vf_token)
        return pc_fail(-EOPNOTSUPP, "a VF token works only through the group: allow it");
    err = bind_device(v);
    if (!err)
        err = attach(v);
    if (!err) {
        err = learn_ranges(v);
        if (err)
            iommufd_detach(v);
    }
    if (err)
        iommufd_close(v);
    return err;
}

static int iommufd_map(struct pc_vfio *v, uint64_t iova, uint64_t size, void *vaddr, uint32_t flags)
{
    struct pc_iommu_ioas_map map = {
        .size = sizeof(map),
        .flags = PC_IOAS_MAP_FIXED_IOVA | (flags & PORTCAM_DMA_READ ? PC_IOAS_MAP_READABLE : 0) |
                 (flags & PORTCAM_DMA_WRITE ? PC_IOAS_MAP_WRITEABLE : 0),
        .ioas_id = v->ioas,
        .user_va = (uintptr_t)vaddr,
        .length = size,
        .iova = iova,
    };
    int err = pc_vfio_ioctl(v, v->container, PC_IOMMU_IOAS_MAP, &map);

    return err < 0 ? pc_vfio_map_failed(v, err, iova, size) : 0;
}

static int iommufd_unmap(struct pc_vfio *v, uint64_t iova, uint64_t size)
{
    struct pc_iommu_ioas_unmap unmap = {
        .size = sizeof(unmap),
        .ioas_id = v->ioas,
        .iova = iova,
        .length = size,
    };
    uint64_t end;
    int err = pc_vfio_ioctl(v, v->container, PC_IOMMU_IOAS_UNMAP, &unmap);

    /* iommufd says ENOENT for a part of a mapping as well */
    if (err == -ENOENT && pc_dma_table_overlaps(&v->dev->maps, iova, size, &end))
        err = -EINVAL;
    if (err < 0)
        return pc_fail(err, "DMA address 0x%llx cannot be unmapped: %s", (unsigned long long)iova,
                       pc_strerror(err));
    return 0;
}

const struct pc_vfio_iommu pc_vfio_iommufd = {
    .name = "vfio-iommufd",
    .open = iommufd_open,
    .map = iommufd_map,
    .unmap = iommufd_unmap,
    .detach = iommufd_detach,
    .close = iommufd_close,
};
