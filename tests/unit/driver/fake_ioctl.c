// SPDX-License-Identifier: Apache-2.0
/* The ioctls of a false kernel: containers, groups, devices, iommufd; see fake_kernel.h. */
#include "fake_kernel_priv.h"

#include <linux/vfio.h>

#include "iommufd_uapi.h"

enum { IOAS = 5 };

static int add_dma(uint64_t iova, uint64_t size, uint64_t vaddr)
{
    uint64_t total = size;
    unsigned count = 0;
    int at = -1;

    if ((iova | size | vaddr) & 4095 || size == 0)
        return fk_fails(EINVAL);
    if (iova < 0xfef00000 && iova + size > 0xfee00000)
        return fk_fails(EINVAL); /* the window of interrupt messages */
    for (int i = 0; i < FK_MAPS; i++) {
        if (!fk.dma[i].size) {
            at = i;
            continue;
        }
        if (iova < fk.dma[i].iova + fk.dma[i].size && fk.dma[i].iova < iova + size)
            return fk_fails(EEXIST);
        total += fk.dma[i].size;
        count++;
    }
    if (count >= fk.map_limit || at < 0)
        return fk_fails(ENOSPC);
    if (total > fk.memlock)
        return fk_fails(ENOMEM);
    fk.dma[at].iova = iova;
    fk.dma[at].size = size;
    return 0;
}

/* Bytes unmapped, or -1 when a mapping would be cut. */
static int64_t remove_dma(uint64_t iova, uint64_t size)
{
    int64_t bytes = 0;

    for (int i = 0; i < FK_MAPS; i++) {
        uint64_t last = fk.dma[i].iova + fk.dma[i].size - 1;

        if (!fk.dma[i].size || fk.dma[i].iova > iova + (size - 1) || last < iova)
            continue;
        if (fk.dma[i].iova < iova || last > iova + (size - 1))
            return -1;
        bytes += (int64_t)fk.dma[i].size;
        fk.dma[i].size = 0;
    }
    return bytes;
}

static int iommu_info(struct vfio_iommu_type1_info *info)
{
    struct {
        struct vfio_iommu_type1_info info;
        struct vfio_iommu_type1_info_cap_iova_range ranges;
        struct vfio_iova_range range[2];
        struct vfio_iommu_type1_info_dma_avail avail;
    } full = {0};

    full.ranges.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
    full.ranges.header.next = offsetof(typeof(full), avail);
    full.ranges.nr_iovas = fk.garbage_caps ? UINT32_MAX : 2;
    full.range[0] = (struct vfio_iova_range){0, 0xfedfffff};
    full.range[1] = (struct vfio_iova_range){0xfef00000, 0xffffffffffff};
    full.avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
    full.avail.header.next = fk.garbage_caps ? 4 : 0;
    full.avail.avail = 65535;
    info->flags = VFIO_IOMMU_INFO_PGSIZES;
    info->iova_pgsizes = 0x40201000;
    if (fk.no_ranges) {
        info->argsz = sizeof(*info);
        return 0;
    }
    info->flags |= VFIO_IOMMU_INFO_CAPS;
    info->cap_offset = 0;
    if (info->argsz >= sizeof(full)) {
        memcpy((char *)info + sizeof(*info), &full.ranges, sizeof(full) - sizeof(*info));
        info->cap_offset = offsetof(typeof(full), ranges);
    }
    info->argsz = sizeof(full);
    return 0;
}

static int container_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case VFIO_GET_API_VERSION:
        return fk_step(true, "container GET_API_VERSION") ? VFIO_API_VERSION : -1;
    case VFIO_CHECK_EXTENSION:
        return fk_step(true, "container CHECK_EXTENSION %d", (int)(uintptr_t)arg) ? 1 : -1;
    case VFIO_SET_IOMMU:
        if (!fk_step(true, "container SET_IOMMU %d", (int)(uintptr_t)arg))
            return -1;
        if (!fk.in_container || fk.iommu_set)
            return fk_fails(EINVAL);
        fk.iommu_set = true;
        return 0;
    case VFIO_IOMMU_GET_INFO:
        if (!fk_step(true, "container GET_INFO"))
            return -1;
        return fk.iommu_set ? iommu_info(arg) : fk_fails(EINVAL);
    case VFIO_IOMMU_MAP_DMA: {
        const struct vfio_iommu_type1_dma_map *map = arg;

        if (!fk_step(true, "container MAP_DMA %llx+%llx flags %x", map->iova, map->size,
                     map->flags))
            return -1;
        return fk.iommu_set ? add_dma(map->iova, map->size, map->vaddr) : fk_fails(EINVAL);
    }
    case VFIO_IOMMU_UNMAP_DMA: {
        struct vfio_iommu_type1_dma_unmap *unmap = arg;
        int64_t n;

        if (!fk_step(false, "container UNMAP_DMA %llx+%llx", unmap->iova, unmap->size))
            return -1;
        n = remove_dma(unmap->iova, unmap->size);
        if (n < 0)
            return fk_fails(EINVAL);
        unmap->size = (uint64_t)n;
        return 0;
    }
    default:
        return fk_fails(ENOTTY);
    }
}

static int group_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case VFIO_GROUP_GET_STATUS: {
        struct vfio_group_status *status = arg;

        if (!fk_step(true, "group GET_STATUS"))
            return -1;
        status->flags = fk.not_viable ? 0 : VFIO_GROUP_FLAGS_VIABLE;
        return 0;
    }
    case VFIO_GROUP_SET_CONTAINER:
        if (!fk_step(true, "group SET_CONTAINER"))
            return -1;
        assert_int_equal(fk_kind_of(*(int *)arg), FK_CONTAINER);
        fk.in_container = true;
        return 0;
    case VFIO_GROUP_UNSET_CONTAINER:
        fk_step(false, "group UNSET_CONTAINER");
        for (int i = 0; i < FK_FDS; i++)
            assert_int_not_equal(fk.fds[i], FK_DEVICE); /* EBUSY in a real kernel */
        fk.in_container = false;
        return 0;
    case VFIO_GROUP_GET_DEVICE_FD:
        if (!fk_step(true, "group GET_DEVICE_FD %s", (const char *)arg))
            return -1;
        if (!fk.in_container || !fk.iommu_set)
            return fk_fails(EINVAL);
        return fk_new_fd(FK_DEVICE);
    default:
        return fk_fails(ENOTTY);
    }
}

static int region_info(struct vfio_region_info *info)
{
    struct {
        struct vfio_region_info info;
        struct vfio_info_cap_header cap;
        struct vfio_region_info_cap_sparse_mmap sparse;
        struct vfio_region_sparse_mmap_area areas[2];
    } full = {0};
    uint32_t need = sizeof(*info);

    if (info->index >= 9)
        return fk_fails(EINVAL);
    info->offset = REGION(info->index);
    info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
    info->cap_offset = 0;
    info->size = info->index == 0 ? fk.bar0_size : info->index == 7 ? 256 : 0;
    if (info->index != 0 || fk.no_mmap) {
        info->argsz = need;
        return 0;
    }
    info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
    if (fk.no_msix_mappable && !fk.sparse) {
        info->argsz = need;
        return 0;
    }
    info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
    full.cap.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE;
    if (fk.garbage_caps)
        full.cap.next = 0xfffffff0;
    need = offsetof(typeof(full), sparse);
    if (fk.sparse) {
        full.cap.id = 77; /* one that the driver does not know comes first */
        full.cap.next = offsetof(typeof(full), sparse);
        full.sparse.header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
        full.sparse.nr_areas = fk.garbage_caps ? UINT32_MAX : 2;
        full.areas[0] = (struct vfio_region_sparse_mmap_area){0, 0x1000};
        full.areas[1] = (struct vfio_region_sparse_mmap_area){0x4000, 0x2000};
        need = sizeof(full);
    }
    if (info->argsz >= need) {
        info->cap_offset = offsetof(typeof(full), cap);
        memcpy((char *)info + sizeof(*info), &full.cap, need - sizeof(*info));
    }
    info->argsz = need;
    return 0;
}

static int set_irqs(const struct vfio_irq_set *set)
{
    uint32_t kind = set->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
    int32_t fds[16];

    if (!fk_step(set->count > 0, "device SET_IRQS %u flags %x start %u count %u", set->index,
                 set->flags, set->start, set->count))
        return -1;
    if (set->index > 4 || set->start + set->count > 16)
        return fk_fails(EINVAL);
    if (set->count == 0) {
        memset(fk.irq_fds[set->index], 0, sizeof(fk.irq_fds[0]));
        return 0;
    }
    assert_int_equal(kind, VFIO_IRQ_SET_DATA_EVENTFD);
    assert_int_equal(set->argsz, sizeof(*set) + set->count * sizeof(int32_t));
    if (fk.vectors_available && set->count > fk.vectors_available)
        return (int)fk.vectors_available;
    memcpy(fds, set->data, set->count * sizeof(int32_t));
    for (uint32_t i = 0; i < set->count; i++)
        fk.irq_fds[set->index][set->start + i] = fds[i] < 0 ? 0 : fds[i];
    return 0;
}

static int device_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case PC_VFIO_BIND_IOMMUFD: {
        struct pc_vfio_bind_iommufd *bind = arg;

        if (!fk_step(true, "device BIND_IOMMUFD"))
            return -1;
        assert_int_equal(fk_kind_of(bind->iommufd), FK_IOMMUFD);
        fk.bound = true;
        return 0;
    }
    case PC_VFIO_ATTACH_IOMMUFD_PT: {
        struct pc_vfio_attach_iommufd_pt *pt = arg;

        if (!fk_step(true, "device ATTACH_IOMMUFD_PT"))
            return -1;
        if (pt->pt_id != IOAS)
            return fk_fails(ENOENT);
        pt->pt_id = 99;
        fk.attached = true;
        return 0;
    }
    case PC_VFIO_DETACH_IOMMUFD_PT:
        fk_step(false, "device DETACH_IOMMUFD_PT");
        fk.attached = false;
        return 0;
    }
    if (!fk.bound && !fk.iommu_set)
        return fk_fails(EINVAL);
    switch (request) {
    case VFIO_DEVICE_GET_INFO: {
        struct vfio_device_info *info = arg;

        if (!fk_step(true, "device GET_INFO"))
            return -1;
        info->flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
        info->num_regions = 9;
        info->num_irqs = 5;
        return 0;
    }
    case VFIO_DEVICE_GET_REGION_INFO: {
        struct vfio_region_info *info = arg;

        if (!fk_step(true, "device GET_REGION_INFO %u", info->index))
            return -1;
        return region_info(info);
    }
    case VFIO_DEVICE_GET_IRQ_INFO: {
        struct vfio_irq_info *info = arg;

        if (!fk_step(true, "device GET_IRQ_INFO %u", info->index))
            return -1;
        if (info->index > 2 && fk.no_req_err)
            return fk_fails(EINVAL);
        info->flags = VFIO_IRQ_INFO_EVENTFD;
        info->count = info->index == 2 ? 8 : 1;
        return 0;
    }
    case VFIO_DEVICE_SET_IRQS:
        return set_irqs(arg);
    case VFIO_DEVICE_RESET:
        return fk_step(true, "device RESET") ? 0 : -1;
    default:
        return fk_fails(ENOTTY);
    }
}

static int iommufd_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case PC_IOMMU_IOAS_ALLOC:
        if (!fk_step(true, "iommufd IOAS_ALLOC"))
            return -1;
        ((struct pc_iommu_ioas_alloc *)arg)->out_ioas_id = IOAS;
        return 0;
    case PC_IOMMU_IOAS_IOVA_RANGES: {
        struct pc_iommu_ioas_iova_ranges *ask = arg;
        struct pc_iommu_iova_range *to = (void *)(uintptr_t)ask->allowed_iovas;
        uint32_t n = fk.many_ranges ? 50 : 2;

        if (!fk_step(true, "iommufd IOVA_RANGES"))
            return -1;
        assert_true(fk.attached); /* ranges shrink when the device is attached */
        if (ask->num_iovas < n) {
            ask->num_iovas = n;
            return fk_fails(EMSGSIZE);
        }
        ask->num_iovas = n;
        to[0] = (struct pc_iommu_iova_range){0, 0xfedfffff};
        to[1] = (struct pc_iommu_iova_range){0xfef00000, 0xffffffffffff};
        for (uint32_t i = 2; i < n; i++)
            to[i] = (struct pc_iommu_iova_range){(uint64_t)i << 56, ((uint64_t)i << 56) + 4095};
        return 0;
    }
    case PC_IOMMU_IOAS_MAP: {
        const struct pc_iommu_ioas_map *map = arg;

        if (!fk_step(true, "iommufd MAP %llx+%llx flags %x", (unsigned long long)map->iova,
                     (unsigned long long)map->length, map->flags))
            return -1;
        return add_dma(map->iova, map->length, map->user_va);
    }
    case PC_IOMMU_IOAS_UNMAP: {
        const struct pc_iommu_ioas_unmap *unmap = arg;

        if (!fk_step(false, "iommufd UNMAP %llx+%llx", (unsigned long long)unmap->iova,
                     (unsigned long long)unmap->length))
            return -1;
        if (unmap->length == UINT64_MAX)
            return remove_dma(0, UINT64_MAX) < 0 ? -1 : 0;
        return remove_dma(unmap->iova, unmap->length) <= 0 ? fk_fails(ENOENT) : 0;
    }
    case PC_IOMMU_DESTROY:
        fk_step(false, "iommufd DESTROY");
        return fk.attached ? fk_fails(EBUSY) : 0;
    default:
        return fk_fails(ENOTTY);
    }
}

int fk_ioctl(int fd, unsigned long request, void *arg)
{
    switch (fk_kind_of(fd)) {
    case FK_CONTAINER:
        return container_ioctl(request, arg);
    case FK_GROUP:
        return group_ioctl(request, arg);
    case FK_DEVICE:
        return device_ioctl(request, arg);
    case FK_IOMMUFD:
        return iommufd_ioctl(request, arg);
    default:
        return fk_fails(ENOTTY);
    }
}
