// SPDX-License-Identifier: Apache-2.0
/*
 * Checks before any ioctl, see preflight.h. In the order in which an operator would have to cure
 * them.
 */
#include "preflight.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "sys.h"

static int check_there(const char *root, const char *bdf)
{
    unsigned char ids[4];
    char path[128];

    snprintf(path, sizeof(path), "bus/pci/devices/%s", bdf);
    if (!pc_sysfs_exists(root, path))
        return pc_fail(-ENODEV,
                       "no PCI device %s: check the address with lspci, or look again with "
                       "\"echo 1 > /sys/bus/pci/rescan\"",
                       bdf);
    snprintf(path, sizeof(path), "bus/pci/devices/%s/config", bdf);
    if (pc_sysfs_bytes(root, path, ids, sizeof(ids)) == (int)sizeof(ids) &&
        memcmp(ids, "\xff\xff\xff\xff", sizeof(ids)) == 0)
        return pc_fail(-ENODEV,
                       "card is gone: the configuration space of %s reads as all-ones: "
                       "remove it with \"echo 1 > /sys/bus/pci/devices/%s/remove\" and rescan, or "
                       "restart the machine after loading an FPGA image",
                       bdf, bdf);
    return 0;
}

bool pc_is_vfio_driver(const char *driver)
{
    return strstr(driver, "vfio") != NULL; /* vfio-pci and its variants, as mlx5_vfio_pci */
}

static int check_driver(const char *root, const char *bdf)
{
    char driver[64];
    int err = pc_sysfs_driver(root, bdf, driver, sizeof(driver));

    if (err)
        return pc_fail(err, "the driver of %s cannot be read: %s", bdf, pc_strerror(err));
    if (!driver[0])
        return pc_fail(-ENXIO,
                       "%s has no driver: bind it with \"modprobe vfio-pci; portcam device bind "
                       "%s\"",
                       bdf, bdf);
    if (!pc_is_vfio_driver(driver))
        return pc_fail(-EBUSY,
                       "%s is bound to %s: give it to VFIO with \"modprobe vfio-pci; portcam "
                       "device bind %s\"",
                       bdf, driver, bdf);
    return 0;
}

/*
 * The kernel lets these share a group with VFIO: they do no DMA of their own, or only what VFIO
 * allows.
 */
static bool may_share(const char *driver)
{
    return !driver[0] || pc_is_vfio_driver(driver) || strcmp(driver, "pcieport") == 0 ||
           strcmp(driver, "pci-stub") == 0;
}

static int check_group(const char *root, const char *bdf, int group)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *dir;
    int err = 0;

    snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/iommu_group/devices", root, bdf);
    dir = opendir(path);
    if (!dir)
        return pc_fail(-errno, "IOMMU group %d cannot be read: %s", group, pc_strerror(errno));
    while (!err && (entry = readdir(dir)) != NULL) {
        char driver[64] = "";

        if (entry->d_name[0] == '.')
            continue;
        if (pc_sysfs_driver(root, entry->d_name, driver, sizeof(driver)) == 0 && !may_share(driver))
            err = pc_fail(-EBUSY,
                          "IOMMU group %d of %s is not viable because of %s, bound to %s: "
                          "unbind that device, or put the card into a slot with a group of its own",
                          group, bdf, entry->d_name, driver);
    }
    closedir(dir);
    return err;
}

static int check_node(const struct portcam_dev_opts *opts, const char *node, const char *cure)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", opts->dev_root, node);
    if (opts->sys->access(path, F_OK) != 0)
        return pc_fail(-ENOENT, "no %s: %s", path, cure);
    if (opts->sys->access(path, R_OK | W_OK) != 0)
        return pc_fail(-EACCES,
                       "no permission for %s: become its owner or add a udev rule like "
                       "SUBSYSTEM==\"vfio\", OWNER=\"portcam\"",
                       path);
    return 0;
}

static bool has_node(const struct portcam_dev_opts *opts, const char *node)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", opts->dev_root, node);
    return opts->sys->access(path, F_OK) == 0;
}

/* Which way to go: the group, or iommufd where the kernel has only that or the user wants it. */
static int choose_way(const struct portcam_dev_opts *opts, struct pc_preflight *pf)
{
    char group_node[32];
    char cdev_node[64] = "";
    char path[128];
    bool cdev;
    bool group;
    int err;

    snprintf(group_node, sizeof(group_node), "vfio/%d", pf->group);
    snprintf(path, sizeof(path), "bus/pci/devices/%s/vfio-dev", pf->bdf);
    if (pc_sysfs_first(opts->sysfs_root, path, "vfio", pf->cdev, sizeof(pf->cdev)) != 0)
        pf->cdev[0] = '\0';
    snprintf(cdev_node, sizeof(cdev_node), "vfio/devices/%s", pf->cdev);
    cdev = pf->cdev[0] && !(opts->flags & PORTCAM_DEV_NO_IOMMUFD) && has_node(opts, "iommu") &&
           has_node(opts, cdev_node);
    group = !(opts->flags & PORTCAM_DEV_NO_GROUP) &&
            (!cdev || (has_node(opts, group_node) && has_node(opts, "vfio/vfio")));
    if (!group && !cdev)
        return pc_fail(-ENOENT,
                       "%s cannot be reached through iommufd: the kernel has no "
                       "%s/vfio/devices; allow the group",
                       pf->bdf, opts->dev_root);
    pf->use_iommufd = !group;
    if (group) {
        err = check_node(opts, "vfio/vfio", "load the module with \"modprobe vfio-pci\"");
        return err ? err : check_node(opts, group_node, "is the device bound to vfio-pci?");
    }
    err = check_node(opts, "iommu", "load the module with \"modprobe iommufd\"");
    return err ? err : check_node(opts, cdev_node, "is the device bound to vfio-pci?");
}

static int check_memlock(const struct portcam_dev_opts *opts)
{
    struct rlimit limit;

    if (opts->sys->has_ipc_lock() || opts->sys->getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= opts->arena_size)
        return 0;
    return pc_fail(-ENOMEM,
                   "the memory-lock limit is %llu KiB and DMA memory needs %llu KiB: raise it "
                   "with \"ulimit -l %llu\", LimitMEMLOCK= in the unit file, or CAP_IPC_LOCK",
                   (unsigned long long)limit.rlim_cur >> 10,
                   (unsigned long long)opts->arena_size >> 10,
                   (unsigned long long)opts->arena_size >> 10);
}

int pc_check_address(const char *sysfs_root, const char *address, char bdf[PC_BDF_LEN])
{
    if (pc_bdf_parse(address, bdf) != 0)
        return pc_fail(-EINVAL, "\"%.64s\" is not a PCI address: write it like 0000:03:00.0",
                       address);
    return check_there(sysfs_root, bdf);
}

int pc_no_iommu(const char *bdf)
{
    return pc_fail(-EOPNOTSUPP,
                   "%s has no IOMMU group: enable VT-d or AMD-Vi in the firmware and "
                   "boot with intel_iommu=on (AMD: amd_iommu=on)",
                   bdf);
}

int pc_preflight(const char *address, const struct portcam_dev_opts *opts, struct pc_preflight *ret)
{
    struct pc_preflight pf = {0};
    int err = pc_check_address(opts->sysfs_root, address, pf.bdf);

    if (err)
        return err;
    pf.group = pc_sysfs_group(opts->sysfs_root, pf.bdf);
    if (pf.group < 0)
        return pc_no_iommu(pf.bdf);
    err = check_driver(opts->sysfs_root, pf.bdf);
    if (!err)
        err = check_group(opts->sysfs_root, pf.bdf, pf.group);
    if (!err)
        err = choose_way(opts, &pf);
    if (!err)
        err = check_memlock(opts);
    if (!err)
        *ret = pf;
    return err;
}
