// SPDX-License-Identifier: Apache-2.0
/*
 * Trees of files in a temporary directory, to stand for /sys and /dev.
 */
#ifndef TREE_H
#define TREE_H

#include <stddef.h>

#define TREE_BDF "0000:03:00.0"

/* A new empty directory, with sys and dev in it; removed and freed by tree_remove(). */
char *tree_new(void);
void tree_remove(char *root);

/* All parents are made. */
void tree_file(const char *root, const char *path, const void *data, size_t len);
void tree_link(const char *root, const char *path, const char *target);
void tree_unlink(const char *root, const char *path);

/* A PCI function in sysfs: configuration header, driver (NULL: none), IOMMU group (-1: none). */
void tree_pci(const char *root, const char *bdf, const char *driver, int group);

/* A card as it should be: vfio-pci, group 7, /dev/vfio nodes; with cdev also iommufd's. */
void tree_good_card(const char *root, int with_cdev);

#endif /* TREE_H */
