// SPDX-License-Identifier: Apache-2.0
/*
 * Giving a card to VFIO and taking it back, by writes to sysfs.
 *
 * Only functions with the ids of a portcam card are touched: a wrong address must not cost the machine its disk. A bind
 * that fails leaves the function as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "opts.h"
#include "portcam_defs.h"
#include "preflight.h"
#include "sys.h"

struct binding {
    const char *root;
    const struct pc_sys *sys;
    bool check_only;
    char bdf[PC_BDF_LEN];
    char driver[64]; /* at first; "" for none */
};

/* Writes text to a file of sysfs. Return: 0 or -errno. */
static int put(const struct binding *b, const char *path, const char *text)
{
    char full[PATH_MAX];
    int n = snprintf(full, sizeof(full), "%s/bus/pci/%s", b->root, path);
    int err = 0;
    int fd;

    if (n < 0 || (size_t)n >= sizeof(full))
        return -ENAMETOOLONG;
    fd = b->sys->open(full, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (b->sys->pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
        err = errno ? -errno : -EIO;
    b->sys->close(fd);
    return err;
}

static int failed(const struct binding *b, int err, const char *what)
{
    if (err == -EACCES || err == -EPERM)
        return pc_fail(err, "no permission to %s %s: do it as root", what, b->bdf);
    if (err == -EROFS)
        return pc_fail(err, "sysfs is read-only here: %s %s on the host and not in a container",
                       what, b->bdf);
    return pc_fail(err, "the kernel does not %s %s: %s; see the kernel log", what, b->bdf,
                   pc_strerror(err));
}

static int check_ids(const struct binding *b)
{
    unsigned char ids[4];
    char path[128];

    snprintf(path, sizeof(path), "bus/pci/devices/%s/config", b->bdf);
    if (pc_sysfs_bytes(b->root, path, ids, sizeof(ids)) != (int)sizeof(ids))
        return pc_fail(-EIO, "the configuration space of %s cannot be read: see the kernel log",
                       b->bdf);
    unsigned vendor = ids[0] | (unsigned)ids[1] << 8;
    unsigned device = ids[2] | (unsigned)ids[3] << 8;
    if (vendor != PORTCAM_PCI_VENDOR || device != PORTCAM_PCI_DEVICE)
        return pc_fail(-EPROTO,
                       "%s is no portcam card but %04x:%04x: check the address with \"portcam "
                       "device list\"; other functions of the card's IOMMU group are unbound with "
                       "\"echo %s > /sys/bus/pci/drivers/NAME/unbind\"",
                       b->bdf, vendor, device, b->bdf);
    return 0;
}

static int begin(const char *name, const struct portcam_dev_bind_opts *user, struct binding *b)
{
    struct portcam_dev_bind_opts opts;
    int err;

    err = pc_copy_opts(&opts, sizeof(opts), user);
    if (err)
        return err;
    *b = (struct binding){.root = opts.sysfs_root ? opts.sysfs_root : "/sys",
                          .sys = opts.sys ? opts.sys : &pc_sys_libc,
                          .check_only = opts.check_only};
    if (strncmp(name, "pci:", 4) == 0)
        name += 4;
    err = pc_check_address(b->root, name, b->bdf);
    if (!err)
        err = check_ids(b);
    if (err)
        return err;
    err = pc_sysfs_driver(b->root, b->bdf, b->driver, sizeof(b->driver));
    if (err)
        return pc_fail(err, "the driver of %s cannot be read: %s", b->bdf, pc_strerror(err));
    return 0;
}

static int set_override(const struct binding *b, const char *driver)
{
    char path[128];

    snprintf(path, sizeof(path), "devices/%s/driver_override", b->bdf);
    return put(b, path, driver);
}

static int take_away(const struct binding *b)
{
    char path[128];

    if (!b->driver[0])
        return 0;
    snprintf(path, sizeof(path), "drivers/%s/unbind", b->driver);
    return put(b, path, b->bdf);
}

/* Lets the kernel choose a driver. What it says is not asked: it is not told apart from "no driver wanted it". */
static int probe(const struct binding *b, char *driver, size_t len)
{
    int err = put(b, "drivers_probe", b->bdf);

    if (err == -EACCES || err == -EPERM)
        return err;
    return pc_sysfs_driver(b->root, b->bdf, driver, len);
}

int portcam_dev_bind(const char *name, const struct portcam_dev_bind_opts *opts)
{
    struct binding b = {0};
    char now[64] = "";
    int err = begin(name, opts, &b);

    if (err || pc_is_vfio_driver(b.driver))
        return err;
    if (pc_sysfs_group(b.root, b.bdf) < 0)
        return pc_no_iommu(b.bdf);
    if (!pc_sysfs_exists(b.root, "bus/pci/drivers/vfio-pci"))
        return pc_fail(-ENOENT, "vfio-pci is not loaded: load it with \"modprobe vfio-pci\"");
    if (b.check_only)
        return 0;
    err = set_override(&b, "vfio-pci\n");
    if (err)
        return failed(&b, err, "bind");
    err = take_away(&b);
    if (!err)
        err = probe(&b, now, sizeof(now));
    if (!err && strcmp(now, "vfio-pci") == 0)
        return 0;
    set_override(&b, "\n");
    probe(&b, now, sizeof(now));
    if (err)
        return failed(&b, err, "bind");
    return pc_fail(-EIO,
                   "vfio-pci does not take %s: the kernel log tells why (\"probe with driver "
                   "vfio-pci failed\")",
                   b.bdf);
}

int portcam_dev_unbind(const char *name, const struct portcam_dev_bind_opts *opts)
{
    struct binding b = {0};
    char now[64] = "";
    int err = begin(name, opts, &b);

    if (err)
        return err;
    if (b.driver[0] && !pc_is_vfio_driver(b.driver))
        return pc_fail(-EBUSY, "%s is bound to %s and not to VFIO: there is nothing to take back",
                       b.bdf, b.driver);
    if (b.check_only)
        return 0;
    err = set_override(&b, "\n");
    if (!err)
        err = take_away(&b);
    if (!err)
        err = probe(&b, now, sizeof(now));
    return err ? failed(&b, err, "unbind") : 0;
}
