// SPDX-License-Identifier: Apache-2.0
/*
 * Trees of files, see tree.h.
 */
#include "tree.h"

#include "driver_test.h"

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_of(char *to, const char *root, const char *path)
{
    int n = snprintf(to, PATH_MAX, "%s/%s", root, path);

    assert_in_range(n, 1, PATH_MAX - 1);
}

static void make_parents(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(path, 0755) != 0)
            assert_int_equal(errno, EEXIST);
        *p = '/';
    }
}

char *tree_new(void)
{
    char *root = strdup("/tmp/portcam-tree-XXXXXX");

    assert_non_null(root);
    assert_non_null(mkdtemp(root));
    tree_file(root, "sys/bus/pci/.keep", "", 0);
    tree_file(root, "dev/.keep", "", 0);
    return root;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void tree_remove(char *root)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(root);
}

void tree_file(const char *root, const char *path, const void *data, size_t len)
{
    char full[PATH_MAX];
    FILE *f;

    path_of(full, root, path);
    make_parents(full);
    f = fopen(full, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

void tree_link(const char *root, const char *path, const char *target)
{
    char full[PATH_MAX];

    path_of(full, root, path);
    make_parents(full);
    assert_int_equal(symlink(target, full), 0);
}

void tree_unlink(const char *root, const char *path)
{
    char full[PATH_MAX];

    path_of(full, root, path);
    assert_int_equal(remove(full), 0);
}

void tree_pci(const char *root, const char *bdf, const char *driver, int group)
{
    static const unsigned char header[64] = {0x34, 0x12, 0xa0, 0x9c};
    char path[PATH_MAX];
    char target[PATH_MAX];

    snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/config", bdf);
    tree_file(root, path, header, sizeof(header));
    if (driver) {
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", bdf);
        snprintf(target, sizeof(target), "../../drivers/%s", driver);
        tree_link(root, path, target);
    }
    if (group >= 0) {
        snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/iommu_group", bdf);
        snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%d", group);
        tree_link(root, path, target);
        snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices/%s", group, bdf);
        snprintf(target, sizeof(target), "../../../../bus/pci/devices/%s", bdf);
        tree_link(root, path, target);
    }
}

void tree_good_card(const char *root, int with_cdev)
{
    tree_pci(root, TREE_BDF, "vfio-pci", 7);
    tree_file(root, "dev/vfio/vfio", "", 0);
    tree_file(root, "dev/vfio/7", "", 0);
    if (with_cdev) {
        tree_file(root, "sys/bus/pci/devices/" TREE_BDF "/vfio-dev/vfio3/dev", "511:3\n", 6);
        tree_file(root, "dev/iommu", "", 0);
        tree_file(root, "dev/vfio/devices/vfio3", "", 0);
    }
}
