// SPDX-License-Identifier: Apache-2.0
/*
 * Asking the kernel about a VFIO device: information that grows, capability chains, the place of
 * the MSI-X table.
 *
 * The kernel is trusted, a chain read from it is still bounded: configuration space comes from the
 * card.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "vfio.h"

enum { MAX_INFO = 1 << 16 };

int pc_vfio_ioctl(const struct pc_vfio *v, int fd, unsigned long request, void *arg)
{
    int n;

    do {
        n = v->sys->ioctl(fd, request, arg);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int pc_vfio_open_node(const struct pc_vfio *v, const char *node)
{
    char path[384];
    int fd;

    snprintf(path, sizeof(path), "%s/%s", v->dev_root, node);
    fd = v->sys->open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

uint32_t pc_vfio_find_cap(const void *info, size_t len, uint32_t first, uint16_t id, size_t need)
{
    uint32_t at = first;
    struct vfio_info_cap_header cap;

    while (at != 0 && at <= len && len - at >= sizeof(cap)) {
        memcpy(&cap, (const char *)info + at, sizeof(cap));
        if (cap.id == id)
            return len - at >= need ? at : 0;
        if (cap.next <= at)
            return 0;
        at = cap.next;
    }
    return 0;
}

void pc_vfio_add_range(struct pc_vfio *v, uint64_t first, uint64_t last)
{
    if (v->n_ranges < PORTCAM_DEV_MAX_RANGES && first <= last)
        v->ranges[v->n_ranges++] = (struct portcam_iova_range){first, last};
}

int pc_vfio_map_failed(const struct pc_vfio *v, int err, uint64_t iova, uint64_t size)
{
    unsigned long long kib = pc_dma_table_bytes(&v->dev->maps) >> 10;

    switch (err) {
    case -ENOMEM:
        return pc_fail(err,
                       "DMA memory cannot be locked: the memory-lock limit must be at least %llu "
                       "KiB: raise it with \"ulimit -l %llu\", LimitMEMLOCK= in the unit file, or "
                       "CAP_IPC_LOCK",
                       kib, kib);
    case -ENOSPC:
        return pc_fail(err,
                       "the IOMMU takes no more mappings: unmap some, or raise dma_entry_limit "
                       "of vfio_iommu_type1");
    case -EEXIST:
        return pc_fail(err, "DMA address 0x%llx is mapped already: unmap it first",
                       (unsigned long long)iova);
    default:
        return pc_fail(err, "DMA address 0x%llx of 0x%llx bytes cannot be mapped: %s",
                       (unsigned long long)iova, (unsigned long long)size, pc_strerror(err));
    }
}

int pc_vfio_region(const struct pc_vfio *v, uint32_t index, struct vfio_region_info **ret)
{
    uint32_t len = sizeof(struct vfio_region_info);

    for (;;) {
        struct vfio_region_info *info = calloc(1, len);
        int err;

        if (!info)
            return pc_fail(-ENOMEM, "out of memory");
        info->argsz = len;
        info->index = index;
        err = pc_vfio_ioctl(v, v->device, VFIO_DEVICE_GET_REGION_INFO, info);
        if (err < 0) {
            free(info);
            return pc_fail(err, "the kernel tells nothing of region %u of %s: %s", index, v->pf.bdf,
                           pc_strerror(err));
        }
        if (info->argsz > len && info->argsz <= MAX_INFO && len == sizeof(*info)) {
            len = info->argsz; /* there are capabilities: ask again with room for them */
            free(info);
            continue;
        }
        info->argsz = len; /* bytes that are here */
        *ret = info;
        return 0;
    }
}

int pc_vfio_find_msix(const struct pc_vfio *v, uint64_t *start, uint64_t *size)
{
    unsigned char config[256];
    ssize_t n = v->sys->pread(v->device, config, sizeof(config), (off_t)v->config_offset);
    unsigned at;

    if (n != (ssize_t)sizeof(config) || !(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
        return -ENOENT;
    at = config[PCI_CAPABILITY_LIST] & ~3u;
    for (unsigned i = 0; i < 48 && at >= 0x40 && at <= sizeof(config) - 12; i++) {
        if (config[at] == PCI_CAP_ID_MSIX) {
            uint16_t flags;
            uint32_t table;

            memcpy(&flags, config + at + PCI_MSIX_FLAGS, sizeof(flags));
            memcpy(&table, config + at + PCI_MSIX_TABLE, sizeof(table));
            table = le32toh(table);
            if ((table & PCI_MSIX_TABLE_BIR) != 0)
                return -ENOENT; /* in another BAR than the registers */
            *start = table & PCI_MSIX_TABLE_OFFSET;
            *size = ((le16toh(flags) & PCI_MSIX_FLAGS_QSIZE) + 1u) * 16u;
            return 0;
        }
        at = config[at + 1] & ~3u;
    }
    return -ENOENT;
}
