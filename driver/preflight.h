// SPDX-License-Identifier: Apache-2.0
/*
 * What can be known of a PCI card before it is touched, and a sentence with the cure for whatever
 * is wrong.
 */
#ifndef PC_PREFLIGHT_H
#define PC_PREFLIGHT_H

#include <stdbool.h>

#include <portcam/dev.h>

#include "sysfs.h"

struct pc_preflight {
    char bdf[PC_BDF_LEN];
    int group;        /* IOMMU group */
    bool use_iommufd; /* through /dev/vfio/devices, otherwise through the group */
    char cdev[32];    /* vfio0; "" when the kernel offers none */
};

/**
 * pc_preflight() - check everything that sysfs, file modes and limits tell
 * @address: PCI address as the user wrote it
 * @opts: completed options (roots, flags, arena_size, sys)
 * @ret: receives what was found
 *
 * Return: 0; -EINVAL bad address; -ENODEV no such card, or gone; -EOPNOTSUPP no IOMMU group; -ENXIO
 * no driver; -EBUSY another driver, or the group is not viable; -ENOENT VFIO is not loaded; -EACCES
 * no permission; -ENOMEM the memory-lock limit is too low.
 */
int pc_preflight(const char *address, const struct portcam_dev_opts *opts,
                 struct pc_preflight *ret);

/* Its parts, for binding: all set the sentence. */

/* The canonical form of an address where there is a function. Return: 0, -EINVAL, -ENODEV. */
int pc_check_address(const char *sysfs_root, const char *address, char bdf[PC_BDF_LEN]);

/* Return: -EOPNOTSUPP. */
int pc_no_iommu(const char *bdf);

/* vfio-pci and its variants. */
bool pc_is_vfio_driver(const char *driver);

#endif /* PC_PREFLIGHT_H */
