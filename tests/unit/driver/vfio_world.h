/* SPDX-License-Identifier: Apache-2.0 */
/* A card below a false sysfs and a false kernel, for tests of VFIO. */
#ifndef PC_TEST_VFIO_WORLD_H
#define PC_TEST_VFIO_WORLD_H

#include "driver_test.h"

#include <limits.h>

#include "dev_ops.h"
#include "fake_kernel.h"
#include "iommufd_uapi.h"
#include "portcam_defs.h"
#include "tree.h"
#include "vfio.h"

static char *root;
static char sysfs[PATH_MAX];
static char devfs[PATH_MAX];
static struct portcam_dev_opts opts;

static inline int setup(void **state)
{
    (void)state;
    root = tree_new();
    tree_good_card(root, 1);
    snprintf(sysfs, sizeof(sysfs), "%s/sys", root);
    snprintf(devfs, sizeof(devfs), "%s/dev", root);
    fk_reset();
    opts = (struct portcam_dev_opts){
        .sz = sizeof(opts),
        .sysfs_root = sysfs,
        .dev_root = devfs,
        .arena_size = 2u << 20,
        .sys = &fk_sys,
    };
    return 0;
}

static inline int setup_iommufd(void **state)
{
    setup(state);
    opts.flags = PORTCAM_DEV_NO_GROUP;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    tree_remove(root);
    fk_free();
    return 0;
}

static inline struct portcam_dev *open_card(void)
{
    struct portcam_dev *dev = NULL;
    int err = portcam_dev_open("pci:" TREE_BDF, &opts, &dev);

    if (err)
        fail_msg("open: %d, %s", err, portcam_dev_error());
    return dev;
}

static inline void registers(struct portcam_dev *dev)
{
    uint32_t value;

    for (uint32_t offset = 0x40; offset < 0x10000; offset += 0xffc) {
        assert_int_equal(portcam_reg_write32(dev, offset, offset * 3 + 1), 0);
        assert_int_equal(portcam_reg_read32(dev, offset, &value), 0);
        assert_int_equal(value, offset * 3 + 1);
        memcpy(&value, fk.bar0 + offset, 4);
        assert_int_equal(value, offset * 3 + 1);
    }
    value = 77;
    assert_err(portcam_reg_read32(dev, 0x10000, &value), EINVAL);
    assert_err(portcam_reg_read32(dev, 0xfffffffc, &value), EINVAL);
    assert_err(portcam_reg_read32(dev, 0x42, &value), EINVAL);
    assert_err(portcam_reg_write32(dev, 0x10000, 0), EINVAL);
    assert_int_equal(value, 77);
}

static inline unsigned count_calls(const char *begin)
{
    unsigned n = 0;

    for (unsigned i = 0; i < fk.n_calls; i++)
        n += strncmp(fk.calls[i], begin, strlen(begin)) == 0;
    return n;
}

#endif
