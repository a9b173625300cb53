// SPDX-License-Identifier: Apache-2.0
/*
 * The checks before opening a real card: each thing that can be wrong gives one sentence with its
 * cure.
 */
#include "driver_test.h"

#include <limits.h>
#include <unistd.h>

#include "preflight.h"
#include "sys.h"
#include "tree.h"

static struct {
    char *root;
    char sysfs[PATH_MAX];
    char dev[PATH_MAX];
    struct pc_sys sys;
    struct portcam_dev_opts opts;
} t;

static const char *refused_node; /* access for reading and writing is refused to paths ending so */
static rlim_t memlock;
static int ipc_lock;

static int fake_access(const char *path, int mode)
{
    if (mode != F_OK && refused_node && strstr(path, refused_node)) {
        errno = EACCES;
        return -1;
    }
    return access(path, mode == F_OK ? F_OK : R_OK);
}

static int fake_getrlimit(int resource, struct rlimit *limit)
{
    assert_int_equal(resource, RLIMIT_MEMLOCK);
    limit->rlim_cur = memlock;
    limit->rlim_max = RLIM_INFINITY;
    return 0;
}

static int fake_has_ipc_lock(void)
{
    return ipc_lock;
}

static int setup(void **state)
{
    (void)state;
    t.root = tree_new();
    snprintf(t.sysfs, sizeof(t.sysfs), "%s/sys", t.root);
    snprintf(t.dev, sizeof(t.dev), "%s/dev", t.root);
    t.sys = pc_sys_libc;
    t.sys.access = fake_access;
    t.sys.getrlimit = fake_getrlimit;
    t.sys.has_ipc_lock = fake_has_ipc_lock;
    t.opts = (struct portcam_dev_opts){
        .sz = sizeof(t.opts),
        .sysfs_root = t.sysfs,
        .dev_root = t.dev,
        .arena_size = 16u << 20,
        .sys = &t.sys,
    };
    refused_node = NULL;
    memlock = RLIM_INFINITY;
    ipc_lock = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tree_remove(t.root);
    return 0;
}

static int check(const char *bdf)
{
    struct pc_preflight before;
    struct pc_preflight pf;
    int err;

    memset(&before, 0x5a, sizeof(before));
    pf = before;
    err = pc_preflight(bdf, &t.opts, &pf);
    if (err)
        assert_memory_equal(&pf, &before, sizeof(pf)); /* output untouched on failure */
    return err;
}

static void good(void **state)
{
    struct pc_preflight pf;

    (void)state;
    tree_good_card(t.root, 0);
    assert_int_equal(pc_preflight("03:00.0", &t.opts, &pf), 0);
    assert_string_equal(pf.bdf, TREE_BDF);
    assert_int_equal(pf.group, 7);
    assert_false(pf.use_iommufd);
}

static void both_ways(void **state)
{
    struct pc_preflight pf;

    (void)state;
    tree_good_card(t.root, 1);
    assert_int_equal(pc_preflight(TREE_BDF, &t.opts, &pf), 0);
    assert_false(pf.use_iommufd);
    t.opts.flags = PORTCAM_DEV_NO_GROUP;
    assert_int_equal(pc_preflight(TREE_BDF, &t.opts, &pf), 0);
    assert_true(pf.use_iommufd);
    assert_string_equal(pf.cdev, "vfio3");
    t.opts.flags = 0;
    tree_unlink(t.root, "dev/vfio/7");
    assert_int_equal(pc_preflight(TREE_BDF, &t.opts, &pf), 0);
    assert_true(pf.use_iommufd);
}

static void bad_address(void **state)
{
    static const char *const bad[] = {
        "",
        "3:00.0",
        "0000:03:00",
        "0000:03:00.8",
        "0000:03:20.0",
        "0000:03:00.0x",
        "g000:03:00.0",
        "0000-03-00.0",
        "0000:03:00.0 ",
        "../../../etc",
        "00000:03:00.0",
        "03:00.",
        "0000:03:00.0\n0",
        "03:00.0/..",
    };

    (void)state;
    tree_good_card(t.root, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_err(check(bad[i]), EINVAL);
        assert_says("is not a PCI address: write it like 0000:03:00.0");
    }
}

static void absent(void **state)
{
    (void)state;
    assert_err(check(TREE_BDF), ENODEV);
    assert_says("no PCI device 0000:03:00.0");
    assert_says("/sys/bus/pci/rescan");
}

static void gone(void **state)
{
    unsigned char ones[64];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    tree_good_card(t.root, 0);
    tree_file(t.root, "sys/bus/pci/devices/" TREE_BDF "/config", ones, sizeof(ones));
    assert_err(check(TREE_BDF), ENODEV);
    assert_says("card is gone");
    assert_says("all-ones");
    assert_says("rescan");
}

static void no_group(void **state)
{
    (void)state;
    tree_pci(t.root, TREE_BDF, "vfio-pci", -1);
    assert_err(check(TREE_BDF), EOPNOTSUPP);
    assert_says("has no IOMMU group");
    assert_says("intel_iommu=on");
}

static void other_driver(void **state)
{
    (void)state;
    tree_pci(t.root, TREE_BDF, "xdma", 7);
    assert_err(check(TREE_BDF), EBUSY);
    assert_says("is bound to xdma");
    assert_says("portcam device bind 0000:03:00.0");
}

static void no_driver(void **state)
{
    (void)state;
    tree_pci(t.root, TREE_BDF, NULL, 7);
    assert_err(check(TREE_BDF), ENXIO);
    assert_says("has no driver");
    assert_says("portcam device bind 0000:03:00.0");
}

static void not_viable(void **state)
{
    (void)state;
    tree_good_card(t.root, 0);
    tree_pci(t.root, "0000:03:00.1", "e1000e", 7);
    assert_err(check(TREE_BDF), EBUSY);
    assert_says("group 7 of 0000:03:00.0 is not viable because of 0000:03:00.1, bound to e1000e");
    assert_says("unbind that device");
}

static void viable_neighbours(void **state)
{
    (void)state;
    tree_good_card(t.root, 0);
    tree_pci(t.root, "0000:00:1c.0", "pcieport", 7);
    tree_pci(t.root, "0000:03:00.2", "pci-stub", 7);
    tree_pci(t.root, "0000:03:00.3", NULL, 7);
    tree_pci(t.root, "0000:03:00.4", "mlx5_vfio_pci", 7);
    assert_int_equal(check(TREE_BDF), 0);
}

static void no_module(void **state)
{
    (void)state;
    tree_good_card(t.root, 0);
    tree_unlink(t.root, "dev/vfio/vfio");
    assert_err(check(TREE_BDF), ENOENT);
    assert_says("modprobe vfio-pci");
}

static void no_permission(void **state)
{
    (void)state;
    tree_good_card(t.root, 1);
    refused_node = "vfio/7";
    assert_err(check(TREE_BDF), EACCES);
    assert_says("no permission for");
    assert_says("/vfio/7");
    assert_says("udev");
    t.opts.flags = PORTCAM_DEV_NO_GROUP;
    refused_node = "vfio/devices/vfio3";
    assert_err(check(TREE_BDF), EACCES);
    assert_says("vfio/devices/vfio3");
}

static void memory_lock(void **state)
{
    (void)state;
    tree_good_card(t.root, 0);
    memlock = 65536;
    assert_err(check(TREE_BDF), ENOMEM);
    assert_says("limit is 64 KiB");
    assert_says("needs 16384 KiB");
    assert_says("ulimit -l 16384");
    memlock = 16u << 20;
    assert_int_equal(check(TREE_BDF), 0);
    memlock = 65536;
    ipc_lock = 1;
    assert_int_equal(check(TREE_BDF), 0);
}

static void open_tells(void **state)
{
    struct portcam_dev *dev = (void *)&t;
    char err[300] = "";

    (void)state;
    tree_pci(t.root, TREE_BDF, "xdma", 7);
    t.opts.err = err;
    t.opts.err_len = sizeof(err);
    assert_err(portcam_dev_open("pci:" TREE_BDF, &t.opts, &dev), EBUSY);
    assert_ptr_equal(dev, &t);
    assert_string_equal(err, portcam_dev_error());
    assert_says("is bound to xdma");
}

static void no_iommufd(void **state)
{
    (void)state;
    tree_good_card(t.root, 0);
    t.opts.flags = PORTCAM_DEV_NO_GROUP;
    assert_err(check(TREE_BDF), ENOENT);
    assert_says("cannot be reached through iommufd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("preflight: a card on vfio-pci passes, short address too", good, setup, teardown),
        TEST_WITH("preflight: group first, iommufd when asked or alone", both_ways, setup,
                  teardown),
        TEST_WITH("preflight: bad PCI address", bad_address, setup, teardown),
        TEST_WITH("preflight: no such device", absent, setup, teardown),
        TEST_WITH("preflight: card gone, configuration all-ones", gone, setup, teardown),
        TEST_WITH("preflight: no IOMMU group", no_group, setup, teardown),
        TEST_WITH("preflight: bound to another driver", other_driver, setup, teardown),
        TEST_WITH("preflight: bound to no driver", no_driver, setup, teardown),
        TEST_WITH("preflight: group not viable names the device", not_viable, setup, teardown),
        TEST_WITH("preflight: pcieport, pci-stub and unbound may share", viable_neighbours, setup,
                  teardown),
        TEST_WITH("preflight: VFIO not loaded", no_module, setup, teardown),
        TEST_WITH("preflight: no permission names the node", no_permission, setup, teardown),
        TEST_WITH("preflight: memory-lock limit with the number", memory_lock, setup, teardown),
        TEST_WITH("preflight: iommufd wanted and not there", no_iommufd, setup, teardown),
        TEST_WITH("preflight: a failed open hands the sentence over", open_tells, setup, teardown),
    };

    return cmocka_run_group_tests_name("preflight", tests, NULL, NULL);
}
