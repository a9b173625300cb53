// SPDX-License-Identifier: Apache-2.0
/*
 * BAR0 of a card behind VFIO: what is mapped, and single registers.
 *
 * BAR0 is mapped only where the kernel says so; what is not mapped is reached by pread and pwrite.
 * A mapped access to a function that was taken away raises SIGBUS, which this library leaves to the
 * program.
 */
#include <endian.h>
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"
#include "io.h"
#include "vfio.h"

static int map_area(struct pc_vfio *v, uint64_t start, uint64_t size)
{
    struct pc_vfio_area *area = &v->areas[v->n_areas];
    void *at;

    if (size == 0 || start >= v->bar0_size || size > v->bar0_size - start ||
        v->n_areas == PC_VFIO_MAX_AREAS)
        return 0; /* reached by pread */
    at = v->sys->mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, v->device,
                      (off_t)(v->bar0_offset + start));
    if (at == MAP_FAILED) {
        int err = -errno;

        return pc_fail(err, "BAR0 of %s cannot be mapped: %s; see the kernel log", v->pf.bdf,
                       pc_strerror(err));
    }
    v->sys->madvise(at, size, MADV_DONTFORK);
    *area = (struct pc_vfio_area){start, size, at};
    v->n_areas++;
    return 0;
}

static int map_sparse(struct pc_vfio *v, const struct vfio_region_info *info, uint32_t at)
{
    struct vfio_region_info_cap_sparse_mmap cap;
    size_t room = (info->argsz - at - sizeof(cap)) / sizeof(struct vfio_region_sparse_mmap_area);
    int err = 0;

    memcpy(&cap, (const char *)info + at, sizeof(cap));
    for (size_t i = 0; !err && i < cap.nr_areas && i < room; i++) {
        struct vfio_region_sparse_mmap_area area;

        memcpy(&area, (const char *)info + at + sizeof(cap) + i * sizeof(area), sizeof(area));
        err = map_area(v, area.offset, area.size);
    }
    return err;
}

int pc_vfio_map_bar0(struct pc_vfio *v, const struct vfio_region_info *info)
{
    uint32_t caps = info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0;
    uint32_t sparse = pc_vfio_find_cap(info, info->argsz, caps, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
                                       sizeof(struct vfio_region_info_cap_sparse_mmap));
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t start;
    uint64_t end;
    uint64_t size;
    int err;

    if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
        return 0;
    if (sparse)
        return map_sparse(v, info, sparse);
    if (pc_vfio_find_cap(info, info->argsz, caps, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
                         sizeof(struct vfio_info_cap_header)) ||
        pc_vfio_find_msix(v, &start, &size) != 0 || start >= v->bar0_size)
        return map_area(v, 0, v->bar0_size);
    /* old kernels refuse the pages of the MSI-X table: map what is before and after them */
    end = (start + size + page - 1) & ~(page - 1);
    start &= ~(page - 1);
    err = map_area(v, 0, start);
    if (!err && end < v->bar0_size)
        err = map_area(v, end, v->bar0_size - end);
    return err;
}

static char *mapped(const struct pc_vfio *v, uint32_t offset)
{
    for (unsigned i = 0; i < v->n_areas; i++) {
        const struct pc_vfio_area *area = &v->areas[i];

        if (offset >= area->start && area->size >= 4 && offset - area->start <= area->size - 4)
            return (char *)area->at + (offset - area->start);
    }
    return NULL;
}

int pc_vfio_pci_read32(struct pc_vfio *v, uint32_t offset, uint32_t *ret)
{
    const char *at = mapped(v, offset);
    uint32_t raw;

    if (at) {
        *ret = pc_mmio_read32(at);
        return 0;
    }
    if (v->sys->pread(v->device, &raw, sizeof(raw), (off_t)(v->bar0_offset + offset)) !=
        (ssize_t)sizeof(raw))
        return pc_fail(-EIO, "register 0x%x of %s cannot be read: is its memory space enabled?",
                       offset, v->pf.bdf);
    *ret = le32toh(raw);
    return 0;
}

int pc_vfio_pci_write32(struct pc_vfio *v, uint32_t offset, uint32_t value)
{
    char *at = mapped(v, offset);
    uint32_t raw = htole32(value);

    if (at) {
        pc_mmio_write32(at, value);
        return 0;
    }
    if (v->sys->pwrite(v->device, &raw, sizeof(raw), (off_t)(v->bar0_offset + offset)) !=
        (ssize_t)sizeof(raw))
        return pc_fail(-EIO, "register 0x%x of %s cannot be written: is its memory space enabled?",
                       offset, v->pf.bdf);
    return 0;
}
