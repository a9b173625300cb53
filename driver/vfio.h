// SPDX-License-Identifier: Apache-2.0
/*
 * What the rooms of the kernel VFIO transport share: two ways to an IOMMU (group and iommufd), one
 * way to a PCI device.
 */
#ifndef PC_VFIO_H
#define PC_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dev_ops.h"
#include "preflight.h"

struct pc_vfio;

/*
 * A way to the IOMMU. Functions return 0 or -errno with a sentence; -errno is the same for both
 * ways.
 */
struct pc_vfio_iommu {
    const char *name;
    /*
     * Opens everything up to a usable device descriptor, and learns the ranges. Cleans up on
     * failure.
     */
    int (*open)(struct pc_vfio *v, const struct portcam_dev_opts *opts);
    int (*map)(struct pc_vfio *v, uint64_t iova, uint64_t size, void *vaddr, uint32_t flags);
    int (*unmap)(struct pc_vfio *v, uint64_t iova, uint64_t size);
    void (*detach)(struct pc_vfio *v); /* the device does no DMA any more; mappings still exist */
    void (*close)(struct pc_vfio *v);
};

extern const struct pc_vfio_iommu pc_vfio_group;
extern const struct pc_vfio_iommu pc_vfio_iommufd;

enum { PC_VFIO_MAX_AREAS = 8 };

/* A mapped part of BAR0. */
struct pc_vfio_area {
    uint64_t start;
    uint64_t size;
    void *at;
};

struct pc_vfio {
    struct portcam_dev *dev;
    const struct pc_sys *sys;
    const struct pc_vfio_iommu *iommu;
    struct pc_preflight pf;
    char dev_root[256];

    int container; /* or the iommufd */
    int group_fd;
    int device;
    uint32_t ioas;

    uint64_t page_sizes;
    uint32_t maps_max;
    unsigned n_ranges;
    struct portcam_iova_range ranges[PORTCAM_DEV_MAX_RANGES];

    bool can_reset;
    uint64_t bar0_offset; /* in the device descriptor */
    uint64_t bar0_size;
    uint64_t config_offset;
    uint64_t config_size;
    uint16_t vendor_id;
    uint16_t device_id;
    unsigned vectors;
    bool vectors_on;
    bool has_err;
    bool has_req;
    int err_fd;
    int req_fd;
    unsigned n_areas;
    struct pc_vfio_area areas[PC_VFIO_MAX_AREAS];
};

/* ioctl with -errno, repeated on EINTR. Positive results are passed on. */
int pc_vfio_ioctl(const struct pc_vfio *v, int fd, unsigned long request, void *arg);

/* open of dev_root/node with -errno. */
int pc_vfio_open_node(const struct pc_vfio *v, const char *node);

/*
 * Walks a capability chain inside an information buffer: finds the capability `id`, of at least
 * `need` bytes.
 * Return: its offset, or 0 when there is none. Chains that run backwards or outside are cut off.
 */
uint32_t pc_vfio_find_cap(const void *info, size_t len, uint32_t first, uint16_t id, size_t need);

/* Adds a range, dropping what does not fit in the array. */
void pc_vfio_add_range(struct pc_vfio *v, uint64_t first, uint64_t last);

/* Sentence for a refused mapping. Return: the normalised -errno. */
int pc_vfio_map_failed(const struct pc_vfio *v, int err, uint64_t iova, uint64_t size);

/* The PCI device behind v->device (vfio_pci.c). */
int pc_vfio_pci_open(struct pc_vfio *v, uint32_t flags); /* PORTCAM_DEV_RESET, _NO_MMAP */
void pc_vfio_pci_close(struct pc_vfio *v);
int pc_vfio_pci_set_vectors(struct pc_vfio *v, unsigned start, unsigned count, const int *fds);
int pc_vfio_pci_command(struct pc_vfio *v, uint16_t clear, uint16_t set);
int pc_vfio_pci_reset(struct pc_vfio *v);
int pc_vfio_pci_check(struct pc_vfio *v); /* there, and its memory space on: 0, -ENODEV, -EIO */

/* BAR0 (vfio_bar.c): maps what may be mapped, the areas are unmapped by pc_vfio_pci_close(). */
struct vfio_region_info;
int pc_vfio_map_bar0(struct pc_vfio *v, const struct vfio_region_info *info);
int pc_vfio_pci_read32(struct pc_vfio *v, uint32_t offset, uint32_t *ret);
int pc_vfio_pci_write32(struct pc_vfio *v, uint32_t offset, uint32_t value);

/* What the kernel says of regions and interrupts of v->device (vfio_info.c). */
int pc_vfio_region(const struct pc_vfio *v, uint32_t index, struct vfio_region_info **ret);
int pc_vfio_find_msix(const struct pc_vfio *v, uint64_t *start, uint64_t *size);

#endif /* PC_VFIO_H */
