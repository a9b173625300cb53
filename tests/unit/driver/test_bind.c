// SPDX-License-Identifier: Apache-2.0
/*
 * Binding to VFIO and back, on a packed tree of sysfs whose files do what a kernel does when they are written.
 */
#include "driver_test.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "sys.h"
#include "sysfs.h"
#include "tree.h"

#define DEVICE "sys/bus/pci/devices/" TREE_BDF

static struct {
    char *root;
    char sysfs[PATH_MAX];
    struct pc_sys sys;
    struct portcam_dev_bind_opts opts;
    char open_path[PATH_MAX]; /* below /sys/bus/pci; one at a time */
    char override[32];
    char written[16][96]; /* "FILE TEXT" */
    unsigned n_written;
    const char *own_driver; /* that takes the card when nothing else is said */
    bool vfio_fails;        /* its probe */
} t;

static void set_driver(const char *name)
{
    char target[64];

    snprintf(target, sizeof(target), "../../drivers/%s", name);
    tree_link(t.root, DEVICE "/driver", target);
}

static bool has_driver(const char *name)
{
    char now[64];

    assert_int_equal(pc_sysfs_driver(t.sysfs, TREE_BDF, now, sizeof(now)), 0);
    return strcmp(now, name) == 0;
}

static int fake_open(const char *path, int flags)
{
    const char *base = t.sysfs;

    assert_int_equal(flags & O_ACCMODE, O_WRONLY);
    assert_memory_equal(path, base, strlen(base));
    snprintf(t.open_path, sizeof(t.open_path), "%s", path + strlen(base) + strlen("/bus/pci/"));
    return 100;
}

static int fake_close(int fd)
{
    assert_int_equal(fd, 100);
    return 0;
}

static ssize_t fake_pwrite(int fd, const void *text, size_t len, off_t offset)
{
    char *line = t.written[t.n_written++];

    assert_in_range(t.n_written, 1, 15);
    assert_int_equal(fd, 100);
    assert_int_equal(offset, 0);
    snprintf(line, sizeof(t.written[0]), "%.60s %.*s", t.open_path, (int)strcspn(text, "\n"),
             (const char *)text);
    if (strstr(t.open_path, "driver_override")) {
        snprintf(t.override, sizeof(t.override), "%.*s", (int)strcspn(text, "\n"),
                 (const char *)text);
    } else if (strstr(t.open_path, "/unbind")) {
        tree_unlink(t.root, DEVICE "/driver");
    } else if (strcmp(t.open_path, "drivers_probe") == 0 && has_driver("")) {
        if (t.override[0] ? !t.vfio_fails : t.own_driver != NULL)
            set_driver(t.override[0] ? t.override : t.own_driver);
    }
    return (ssize_t)len;
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    t.root = tree_new();
    snprintf(t.sysfs, sizeof(t.sysfs), "%s/sys", t.root);
    t.sys = pc_sys_libc;
    t.sys.open = fake_open;
    t.sys.close = fake_close;
    t.sys.pwrite = fake_pwrite;
    t.opts =
        (struct portcam_dev_bind_opts){.sz = sizeof(t.opts), .sysfs_root = t.sysfs, .sys = &t.sys};
    tree_file(t.root, "sys/bus/pci/drivers/vfio-pci/new_id", "", 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tree_remove(t.root);
    return 0;
}

static void expect_written(const char *const *lines)
{
    unsigned n = 0;

    for (; lines[n]; n++) {
        assert_true(n < t.n_written);
        assert_string_equal(t.written[n], lines[n]);
    }
    assert_int_equal(n, t.n_written);
}

static void from_no_driver(void **state)
{
    static const char *const lines[] = {"devices/" TREE_BDF "/driver_override vfio-pci",
                                        "drivers_probe " TREE_BDF, NULL};

    (void)state;
    tree_pci(t.root, TREE_BDF, NULL, 7);
    t.opts.check_only = true;
    assert_int_equal(portcam_dev_bind(TREE_BDF, &t.opts), 0);
    assert_int_equal(t.n_written, 0);
    t.opts.check_only = false;
    assert_int_equal(portcam_dev_bind("03:00.0", &t.opts), 0);
    assert_true(has_driver("vfio-pci"));
    expect_written(lines);
    assert_int_equal(portcam_dev_bind("pci:" TREE_BDF, &t.opts),
                     0); /* it is there: nothing to do */
    expect_written(lines);
}

static void from_another_driver(void **state)
{
    static const char *const lines[] = {"devices/" TREE_BDF "/driver_override vfio-pci",
                                        "drivers/xdma/unbind " TREE_BDF, "drivers_probe " TREE_BDF,
                                        NULL};

    (void)state;
    tree_pci(t.root, TREE_BDF, "xdma", 7);
    assert_int_equal(portcam_dev_bind(TREE_BDF, &t.opts), 0);
    assert_true(has_driver("vfio-pci"));
    expect_written(lines);
}

static void back(void **state)
{
    static const char *const lines[] = {"devices/" TREE_BDF "/driver_override ",
                                        "drivers/vfio-pci/unbind " TREE_BDF,
                                        "drivers_probe " TREE_BDF, NULL};

    (void)state;
    tree_pci(t.root, TREE_BDF, "vfio-pci", 7);
    t.own_driver = "xdma";
    t.opts.check_only = true;
    assert_int_equal(portcam_dev_unbind(TREE_BDF, &t.opts), 0);
    assert_int_equal(t.n_written, 0);
    t.opts.check_only = false;
    assert_int_equal(portcam_dev_unbind(TREE_BDF, &t.opts), 0);
    assert_true(has_driver("xdma"));
    expect_written(lines);
    assert_err(portcam_dev_unbind(TREE_BDF, &t.opts), EBUSY);
    assert_says("is bound to xdma and not to VFIO");
    expect_written(lines);
}

static void failed_bind_undone(void **state)
{
    (void)state;
    tree_pci(t.root, TREE_BDF, "xdma", 7);
    t.own_driver = "xdma";
    t.vfio_fails = true;
    assert_err(portcam_dev_bind(TREE_BDF, &t.opts), EIO);
    assert_says("vfio-pci does not take " TREE_BDF);
    assert_true(has_driver("xdma"));
    assert_string_equal(t.override, "");
}

static void other_functions(void **state)
{
    static const unsigned char disk[64] = {0x86, 0x80, 0x06, 0x29};

    (void)state;
    tree_pci(t.root, TREE_BDF, "nvme", 7);
    tree_file(t.root, DEVICE "/config", disk, sizeof(disk));
    assert_err(portcam_dev_bind(TREE_BDF, &t.opts), EPROTO);
    assert_says("is no portcam card but 8086:2906");
    assert_err(portcam_dev_unbind(TREE_BDF, &t.opts), EPROTO);
    assert_true(has_driver("nvme"));
    assert_int_equal(t.n_written, 0);
}

static void options(void **state)
{
    struct {
        struct portcam_dev_bind_opts opts;
        int newer;
    } big = {{.sz = sizeof(big)}, 1};

    (void)state;
    assert_err(portcam_dev_bind(TREE_BDF, &big.opts), E2BIG);
    big.opts.sz = 0;
    assert_err(portcam_dev_unbind(TREE_BDF, &big.opts), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("bind: a card without driver; again changes nothing", from_no_driver, setup,
                  teardown),
        TEST_WITH("bind: a card that another driver has", from_another_driver, setup, teardown),
        TEST_WITH("unbind: the kernel's own driver gets the card back", back, setup, teardown),
        TEST_WITH("bind: what fails is undone", failed_bind_undone, setup, teardown),
        TEST_WITH("bind and unbind: only portcam cards", other_functions, setup, teardown),
        TEST_WITH("bind and unbind: options", options, setup, teardown),
    };

    return cmocka_run_group_tests_name("bind", tests, NULL, NULL);
}
