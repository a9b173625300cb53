// SPDX-License-Identifier: Apache-2.0
/*
 * The part of the kernel's iommufd and VFIO cdev interface that the driver uses.
 *
 * Debian 12's kernel headers have neither; the kernel promises that these numbers and layouts never
 * change. Names carry the prefix pc_ so that a newer <linux/vfio.h> can be included beside this
 * file.
 */
#ifndef PC_IOMMUFD_UAPI_H
#define PC_IOMMUFD_UAPI_H

#include <linux/ioctl.h>
#include <stdint.h>

/* Every structure begins with its size; bytes beyond what the kernel knows must be zero. */
struct pc_iommu_destroy {
    uint32_t size;
    uint32_t id;
};

struct pc_iommu_ioas_alloc {
    uint32_t size;
    uint32_t flags;
    uint32_t out_ioas_id;
};

struct pc_iommu_iova_range {
    uint64_t start;
    uint64_t last;
};

struct pc_iommu_ioas_iova_ranges {
    uint32_t size;
    uint32_t ioas_id;
    uint32_t num_iovas; /* in: room, out: how many there are (EMSGSIZE when more) */
    uint32_t reserved;
    uint64_t allowed_iovas; /* address of an array of pc_iommu_iova_range */
    uint64_t out_iova_alignment;
};

enum {
    PC_IOAS_MAP_FIXED_IOVA = 1,
    PC_IOAS_MAP_WRITEABLE = 2,
    PC_IOAS_MAP_READABLE = 4,
};

struct pc_iommu_ioas_map {
    uint32_t size;
    uint32_t flags;
    uint32_t ioas_id;
    uint32_t reserved;
    uint64_t user_va;
    uint64_t length;
    uint64_t iova;
};

struct pc_iommu_ioas_unmap {
    uint32_t size;
    uint32_t ioas_id;
    uint64_t iova; /* 0 with length UINT64_MAX: everything */
    uint64_t length;
};

#define PC_IOMMU_DESTROY _IO(';', 0x80)
#define PC_IOMMU_IOAS_ALLOC _IO(';', 0x81)
#define PC_IOMMU_IOAS_IOVA_RANGES _IO(';', 0x84)
#define PC_IOMMU_IOAS_MAP _IO(';', 0x85)
#define PC_IOMMU_IOAS_UNMAP _IO(';', 0x86)

/* On the character device of a VFIO device (/dev/vfio/devices/vfioX). */
struct pc_vfio_bind_iommufd {
    uint32_t argsz;
    uint32_t flags;
    int32_t iommufd;
    uint32_t out_devid;
};

struct pc_vfio_attach_iommufd_pt {
    uint32_t argsz;
    uint32_t flags;
    uint32_t pt_id; /* in: the IOAS, out: the page table */
};

struct pc_vfio_detach_iommufd_pt {
    uint32_t argsz;
    uint32_t flags;
};

#define PC_VFIO_BIND_IOMMUFD _IO(';', 100 + 18)
#define PC_VFIO_ATTACH_IOMMUFD_PT _IO(';', 100 + 19)
#define PC_VFIO_DETACH_IOMMUFD_PT _IO(';', 100 + 20)

_Static_assert(sizeof(struct pc_iommu_ioas_alloc) == 12, "iommu_ioas_alloc");
_Static_assert(sizeof(struct pc_iommu_ioas_iova_ranges) == 32, "iommu_ioas_iova_ranges");
_Static_assert(sizeof(struct pc_iommu_ioas_map) == 40, "iommu_ioas_map");
_Static_assert(sizeof(struct pc_iommu_ioas_unmap) == 24, "iommu_ioas_unmap");
_Static_assert(sizeof(struct pc_vfio_bind_iommufd) == 16, "vfio_device_bind_iommufd");
_Static_assert(sizeof(struct pc_vfio_attach_iommufd_pt) == 12, "vfio_device_attach_iommufd_pt");

#endif /* PC_IOMMUFD_UAPI_H */
