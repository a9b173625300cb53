// SPDX-License-Identifier: Apache-2.0
/* Kernel VFIO against a false kernel, errors made equal: BAR0 mapped whole, in parts or not at all, memory for DMA. */
#include "vfio_world.h"

#include <limits.h>

static void mapping_errors(void **state)
{
    struct portcam_dev *dev = open_card();
    static _Alignas(4096) char memory[3 * 4096];
    const uint64_t at = 1ull << 30;
    const struct pc_dev_ops *ops = dev->ops;

    (void)state;
    assert_int_equal(portcam_map_dma(dev, at, 8192, -1, 0, memory, PORTCAM_DMA_READ), 0);
    assert_err(portcam_map_dma(dev, at + 4096, 4096, -1, 0, memory, PORTCAM_DMA_READ), EEXIST);
    assert_says("mapped already");
    assert_err(portcam_unmap_dma(dev, at, 4096), EINVAL);
    assert_says("not a whole mapping");
    assert_err(portcam_unmap_dma(dev, at + 8192, 4096), ENOENT);
    assert_says("nothing is mapped");
    assert_err(portcam_map_dma(dev, 0xfee00000, 4096, -1, 0, memory, PORTCAM_DMA_READ), EINVAL);
    assert_says("outside the ranges");
    assert_err(portcam_map_dma(dev, at + 1, 4096, -1, 0, memory, PORTCAM_DMA_READ), EINVAL);
    assert_err(portcam_map_dma(dev, 0, 4096, -1, 0, memory, PORTCAM_DMA_READ), EINVAL);
    assert_err(portcam_map_dma(dev, at + 8192, 4096, -1, 0, memory, 0), EINVAL);
    assert_err(portcam_map_dma(dev, at + 8192, 4096, -1, 0, memory, 8), EINVAL);
    assert_err(portcam_map_dma(dev, UINT64_MAX - 4095, 8192, -1, 0, memory, 1), EINVAL);
    fk.map_limit = 1;
    assert_err(portcam_map_dma(dev, at + 8192, 4096, -1, 0, memory, PORTCAM_DMA_READ), ENOSPC);
    assert_says("takes no more mappings");
    fk.map_limit = FK_MAPS;
    fk.memlock = 8192;
    assert_err(portcam_map_dma(dev, at + 8192, 4096, -1, 0, memory, PORTCAM_DMA_READ), ENOMEM);
    assert_says("at least 12 KiB");
    assert_says("ulimit -l 12");
    fk.memlock = UINT64_MAX;

    /* what the kernel itself says, when the device's own table does not catch it first */
    assert_err(ops->map_dma(dev, at, 4096, -1, 0, memory, PORTCAM_DMA_READ), EEXIST);
    assert_err(ops->unmap_dma(dev, at, 4096), EINVAL);
    assert_err(ops->unmap_dma(dev, at + (64 << 20), 4096), ENOENT);

    assert_int_equal(portcam_unmap_dma(dev, at, 8192), 0);
    assert_err(portcam_unmap_dma(dev, at, 8192), ENOENT);
    assert_int_equal(portcam_map_dma(dev, at, 8192, -1, 0, memory, PORTCAM_DMA_WRITE), 0);
    portcam_dev_close(dev); /* unmaps what the program forgot */
    assert_int_equal(fk_leaks(), 0);
}

static void bar_mapped(void **state)
{
    struct portcam_dev *dev = open_card();

    (void)state;
    registers(dev);
    assert_int_equal(count_calls("pread bar0"), 0);
    portcam_dev_close(dev);
}

static void bar_not_mappable(void **state)
{
    struct portcam_dev *dev;

    (void)state;
    fk.no_mmap = true;
    dev = open_card();
    registers(dev);
    assert_int_equal(count_calls("mmap device"), 0);
    assert_true(count_calls("pread bar0") > 10);
    fk.fail_call = "pread bar0";
    fk.fail_errno = EIO;
    uint32_t value = 5;
    assert_err(portcam_reg_read32(dev, 0x40, &value), EIO);
    assert_int_equal(value, 5);
    portcam_dev_close(dev);
}

static void bar_sparse(void **state)
{
    struct portcam_dev *dev;

    (void)state;
    fk.sparse = true;
    dev = open_card();
    registers(dev);
    assert_int_equal(count_calls("mmap device 0+1000"), 1);
    assert_int_equal(count_calls("mmap device 4000+2000"), 1);
    assert_int_equal(count_calls("mmap device"), 2);
    portcam_dev_close(dev);
    assert_int_equal(fk_leaks(), 0);
}

static void bar_with_msix_table(void **state)
{
    struct portcam_dev *dev;

    (void)state;
    fk.no_msix_mappable = true;
    fk.config[0x54] = 0x00; /* table in BAR 0 */
    fk.config[0x55] = 0x20; /* at 0x2000 */
    dev = open_card();
    registers(dev);
    assert_int_equal(count_calls("mmap device 0+2000"), 1);
    assert_int_equal(count_calls("mmap device 3000+d000"), 1);
    assert_int_equal(count_calls("mmap device"), 2);
    portcam_dev_close(dev);
}

static void garbage_capabilities(void **state)
{
    struct portcam_dev *dev;

    (void)state;
    fk.garbage_caps = true;
    dev = open_card();
    registers(dev);
    portcam_dev_close(dev);
    fk_reset();
    fk.garbage_caps = true;
    fk.sparse = true;
    dev = open_card();
    registers(dev);
    portcam_dev_close(dev);
    fk_reset();
    fk.no_msix_mappable = true;
    fk.config[0x41] = 0x40; /* a list that runs in a circle */
    dev = open_card();
    portcam_dev_close(dev);
}

static void no_ranges(void **state)
{
    struct portcam_dev *dev;
    void *vaddr;
    uint64_t iova;

    (void)state;
    fk.no_ranges = true;
    dev = open_card();
    assert_int_equal(portcam_dev_info(dev)->n_ranges, 1);
    assert_int_equal(portcam_dma_alloc(dev, 1, 0, &vaddr, &iova), 0);
    assert_int_equal(iova, 1ull << 32);
    portcam_dev_close(dev);
}

static void many_ranges(void **state)
{
    struct portcam_dev *dev;

    (void)state;
    fk.many_ranges = true;
    dev = open_card();
    assert_int_equal(count_calls("iommufd IOVA_RANGES"), 2);
    assert_int_equal(portcam_dev_info(dev)->n_ranges, PORTCAM_DEV_MAX_RANGES);
    portcam_dev_close(dev);
}

static void huge_pages(void **state)
{
    struct portcam_dev *dev;
    void *vaddr;
    uint64_t iova;

    (void)state;
    fk.no_hugetlb = false;
    dev = open_card();
    assert_int_equal(portcam_dma_alloc(dev, 100, 0, &vaddr, &iova), 0);
    assert_int_equal(count_calls("memfd hugetlb"), 1);
    assert_int_equal(count_calls("memfd"), 1);
    assert_int_equal(count_calls("madvise HUGEPAGE"), 0);
    portcam_dev_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("vfio group: errors of mapping", mapping_errors, setup, teardown),
        TEST_WITH("vfio iommufd: errors of mapping are the same", mapping_errors, setup_iommufd,
                  teardown),
        TEST_WITH("vfio: BAR0 mapped whole", bar_mapped, setup, teardown),
        TEST_WITH("vfio: BAR0 that cannot be mapped", bar_not_mappable, setup, teardown),
        TEST_WITH("vfio: BAR0 mapped in parts", bar_sparse, setup, teardown),
        TEST_WITH("vfio: MSI-X table in BAR0 on an old kernel", bar_with_msix_table, setup,
                  teardown),
        TEST_WITH("vfio: capability chains that lie", garbage_capabilities, setup, teardown),
        TEST_WITH("vfio group: kernel that tells no ranges", no_ranges, setup, teardown),
        TEST_WITH("vfio iommufd: more ranges than expected", many_ranges, setup_iommufd, teardown),
        TEST_WITH("vfio: 2 MiB pages where there are any", huge_pages, setup, teardown),
    };

    return cmocka_run_group_tests_name("vfio_memory", tests, NULL, NULL);
}
