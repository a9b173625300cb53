// SPDX-License-Identifier: Apache-2.0
/*
 * Small reads of sysfs below a root that tests can move. Paths are relative to that root.
 */
#ifndef PC_SYSFS_H
#define PC_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

enum { PC_BDF_LEN = 13 }; /* "0000:03:00.0" and its NUL */

/* Writes the canonical form of "0000:03:00.0" or "03:00.0". Return: 0 or -EINVAL (no sentence). */
int pc_bdf_parse(const char *text, char bdf[PC_BDF_LEN]);

/* Is there something at this path? */
bool pc_sysfs_exists(const char *root, const char *path);

/* Last component of a link's target. Return: 0, -ENOENT when there is no link, -errno. */
int pc_sysfs_link(const char *root, const char *path, char *buf, size_t len);

/* First bytes of a file. Return: number of bytes, or -errno. */
int pc_sysfs_bytes(const char *root, const char *path, void *buf, size_t len);

/* Name of the first entry of a directory that begins with `prefix`. Return: 0, -ENOENT, -errno. */
int pc_sysfs_first(const char *root, const char *path, const char *prefix, char *buf, size_t len);

/* Kernel driver of a PCI device, "" for none. Return: 0 or -errno. */
int pc_sysfs_driver(const char *root, const char *bdf, char *buf, size_t len);

/* Number of the IOMMU group. Return: 0 or more, -ENOENT for none, -errno. */
int pc_sysfs_group(const char *root, const char *bdf);

#endif /* PC_SYSFS_H */
