// SPDX-License-Identifier: Apache-2.0
/* Kernel VFIO against a false kernel: exact calls in exact order, each call failing once, states of the device. */
#include "vfio_world.h"

#include <limits.h>

/* Everything a program does with a card, from open to close. The first error is returned. */
static int whole_life(void)
{
    struct portcam_dev *dev;
    void *vaddr;
    uint64_t iova;
    int fds[2];
    int err = portcam_dev_open("pci:" TREE_BDF, &opts, &dev);

    if (err)
        return err;
    fds[0] = fk_sys.eventfd(0, 0);
    fds[1] = -1;
    err = fds[0] < 0 ? -errno : portcam_dev_set_irqs(dev, 0, 2, fds);
    if (!err)
        err = portcam_dma_alloc(dev, 4096, 4096, &vaddr, &iova);
    if (!err)
        err = portcam_dev_start(dev);
    if (!err)
        err = portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, 1);
    portcam_dev_close(dev);
    if (fds[0] >= 0)
        fk_sys.close(fds[0]);
    return err;
}

static void group_order(void **state)
{
    static const char *const calls[] = {
        "open vfio/vfio",
        "container GET_API_VERSION",
        "container CHECK_EXTENSION 3",
        "open vfio/7",
        "group GET_STATUS",
        "group SET_CONTAINER",
        "container SET_IOMMU 3",
        "container GET_INFO",
        "container GET_INFO",
        "group GET_DEVICE_FD 0000:03:00.0",
        "device GET_INFO",
        "device GET_REGION_INFO 0",
        "device GET_REGION_INFO 0",
        "device GET_REGION_INFO 7",
        "pread config 0+4",
        "device GET_IRQ_INFO 2",
        "device GET_IRQ_INFO 3",
        "device GET_IRQ_INFO 4",
        "pread config 4+2",
        "pwrite config 4+2 = 103", /* memory on, bus master off */
        "mmap device 0+10000",
        "madvise DONTFORK",
        "eventfd",
        "device SET_IRQS 4 flags 24 start 0 count 1", /* request */
        "eventfd",
        "device SET_IRQS 3 flags 24 start 0 count 1", /* error */
        "eventfd",
        "device SET_IRQS 2 flags 24 start 0 count 2", /* MSI-X */
        "memfd hugetlb",
        "memfd",
        "ftruncate 200000",
        "seal 7", /* no other size, no other seals */
        "mmap memfd 0+200000",
        "madvise HUGEPAGE",
        "madvise DONTFORK",
        "container MAP_DMA 1000000+200000 flags 3",
        "pread config 4+2",
        "pwrite config 4+2 = 107", /* bus master last */
        /* closing */
        "pread config 4+2",
        "pwrite config 4+2 = 103", /* bus master first */
        "device SET_IRQS 2 flags 21 start 0 count 0",
        "device SET_IRQS 3 flags 21 start 0 count 0",
        "close eventfd",
        "device SET_IRQS 4 flags 21 start 0 count 0",
        "close eventfd",
        "munmap device 10000",
        "close device",
        "container UNMAP_DMA 1000000+200000",
        "munmap memfd 200000",
        "close memfd",
        "group UNSET_CONTAINER",
        "close group",
        "close container",
        "close eventfd",
        NULL,
    };

    (void)state;
    fk.config[5] = 0x01; /* as the kernel leaves it: 0x103 */
    assert_int_equal(whole_life(), 0);
    fk_expect(calls);
    assert_int_equal(fk_leaks(), 0);
}

static void iommufd_order(void **state)
{
    static const char *const calls[] = {
        "open iommu",
        "open vfio/devices/vfio3",
        "device BIND_IOMMUFD",
        "iommufd IOAS_ALLOC",
        "device ATTACH_IOMMUFD_PT",
        "iommufd IOVA_RANGES",
        "device GET_INFO",
        "device GET_REGION_INFO 0",
        "device GET_REGION_INFO 0",
        "device GET_REGION_INFO 7",
        "pread config 0+4",
        "device GET_IRQ_INFO 2",
        "device GET_IRQ_INFO 3",
        "device GET_IRQ_INFO 4",
        "pread config 4+2",
        "pwrite config 4+2 = 103",
        "mmap device 0+10000",
        "madvise DONTFORK",
        "eventfd",
        "device SET_IRQS 4 flags 24 start 0 count 1",
        "eventfd",
        "device SET_IRQS 3 flags 24 start 0 count 1",
        "eventfd",
        "device SET_IRQS 2 flags 24 start 0 count 2",
        "memfd hugetlb",
        "memfd",
        "ftruncate 200000",
        "seal 7", /* no other size, no other seals */
        "mmap memfd 0+200000",
        "madvise HUGEPAGE",
        "madvise DONTFORK",
        "iommufd MAP 1000000+200000 flags 7",
        "pread config 4+2",
        "pwrite config 4+2 = 107",
        "pread config 4+2",
        "pwrite config 4+2 = 103",
        "device SET_IRQS 2 flags 21 start 0 count 0",
        "device SET_IRQS 3 flags 21 start 0 count 0",
        "close eventfd",
        "device SET_IRQS 4 flags 21 start 0 count 0",
        "close eventfd",
        "munmap device 10000",
        "device DETACH_IOMMUFD_PT",
        "iommufd UNMAP 1000000+200000",
        "munmap memfd 200000",
        "close memfd",
        "iommufd UNMAP 0+ffffffffffffffff",
        "iommufd DESTROY",
        "close device",
        "close iommufd",
        "close eventfd",
        NULL,
    };

    (void)state;
    fk.config[5] = 0x01;
    assert_int_equal(whole_life(), 0);
    fk_expect(calls);
    assert_int_equal(fk_leaks(), 0);
}

/*
 * Every call that can fail does so once; nothing may stay open, and a failed open has a sentence.
 */
static void each_call_fails(void **state)
{
    static const int errors[] = {EIO, ENOMEM, EBUSY, EPERM};
    uint32_t flags = opts.flags;
    unsigned failures = 0;

    (void)state;
    for (size_t e = 0; e < sizeof(errors) / sizeof(*errors); e++) {
        for (unsigned n = 1;; n++) {
            int err;

            fk_reset();
            opts.flags = flags | (n % 2 ? PORTCAM_DEV_RESET : 0);
            fk.fail_at = n;
            fk.fail_errno = errors[e];
            err = whole_life();
            if (fk_leaks() != 0)
                fail_msg("call %u (%s) failed with %d: %u things left", n, fk.calls[n - 1],
                         errors[e], fk_leaks());
            if (!fk.failed) {
                assert_int_equal(err, 0);
                assert_in_range(n, 30, 60);
                break;
            }
            assert_in_range(-err, 0, 4095);
            failures += err != 0;
            if (err)
                assert_true(portcam_dev_error()[0] != '\0');
        }
    }
    assert_in_range(failures, 100, 1000); /* most failures are not forgiven */
}

static void facts(void **state)
{
    struct portcam_dev *dev = open_card();
    const struct portcam_dev_info *info = portcam_dev_info(dev);

    (void)state;
    assert_string_equal(info->name, "pci:" TREE_BDF);
    assert_string_equal(info->transport, "vfio-group");
    assert_int_equal(info->vendor_id, 0x1234);
    assert_int_equal(info->device_id, 0x9ca0);
    assert_int_equal(info->reg_size, 0x10000);
    assert_int_equal(info->vectors, 8);
    assert_true(info->can_reset);
    assert_int_equal(info->page_sizes, 0x40201000);
    assert_int_equal(info->dma_maps_max, 65535);
    assert_int_equal(info->n_ranges, 2);
    assert_int_equal(info->ranges[1].first, 0xfef00000);
    portcam_dev_close(dev);
}

static void interrupts(void **state)
{
    struct portcam_dev *dev = open_card();
    int fds[9] = {1001, 1002, 1003, -1, 1005, 1006, 1007, 1008, 1009};

    (void)state;
    assert_int_equal(portcam_dev_set_irqs(dev, 0, 8, fds), 0);
    assert_int_equal(fk.irq_fds[2][2], 1003);
    assert_int_equal(fk.irq_fds[2][3], 0);
    assert_err(portcam_dev_set_irqs(dev, 0, 9, fds), EINVAL);
    assert_err(portcam_dev_set_irqs(dev, 8, 1, fds), EINVAL);
    assert_err(portcam_dev_set_irqs(dev, UINT32_MAX, 2, fds), EINVAL);
    assert_err(portcam_dev_set_irqs(dev, 0, 1, NULL), EINVAL);
    fk.vectors_available = 4;
    assert_err(portcam_dev_set_irqs(dev, 0, 8, fds), ENOSPC);
    assert_says("only 4 interrupt vectors");
    assert_int_equal(portcam_dev_set_irqs(dev, 0, 0, NULL), 0);
    assert_int_equal(fk.irq_fds[2][0], 0);
    portcam_dev_close(dev);
}

static void release_request(void **state)
{
    struct portcam_dev *dev = open_card();
    int fds[PORTCAM_DEV_POLL_FDS];

    (void)state;
    assert_int_equal(portcam_dev_poll_fds(dev, fds), 2);
    assert_int_equal(portcam_dev_alive(dev), 0);
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_OK);
    fk_fire(4, 0);
    assert_int_equal(portcam_dev_alive(dev), 0);
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_RELEASE_WANTED);
    portcam_dev_close(dev);
    assert_int_equal(fk_leaks(), 0);
}

static void bus_error(void **state)
{
    struct portcam_dev *dev = open_card();

    (void)state;
    fk_fire(3, 0);
    assert_err(portcam_dev_alive(dev), EIO);
    assert_says("bus error");
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_ERROR);
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_int_equal(portcam_dev_alive(dev), 0);
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_OK);
    portcam_dev_close(dev);
}

static void surprise_removal(void **state)
{
    struct portcam_dev *dev = open_card();
    uint32_t value = 3;

    (void)state;
    memset(fk.bar0 + 0x100, 0xff, 4);
    assert_int_equal(portcam_reg_read32(dev, 0x100, &value), 0); /* a register may be all-ones */
    assert_int_equal(value, UINT32_MAX);
    value = 3;
    memset(fk.bar0, 0xff, 0x10000);
    memset(fk.config, 0xff, sizeof(fk.config));
    assert_err(portcam_reg_read32(dev, 0x100, &value), ENODEV);
    assert_says("card is gone");
    assert_int_equal(value, 3);
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_GONE);
    assert_err(portcam_reg_write32(dev, 0x100, 1), ENODEV);
    assert_err(portcam_dev_alive(dev), ENODEV);
    assert_err(portcam_dev_start(dev), ENODEV);
    assert_err(portcam_dev_reset(dev), ENODEV);
    portcam_dev_close(dev);
    assert_int_equal(fk_leaks(), 0);
}

static void alive_sees_removal(void **state)
{
    struct portcam_dev *dev = open_card();

    (void)state;
    memset(fk.bar0, 0xff, 0x10000);
    assert_err(portcam_dev_alive(dev), ENODEV);
    assert_says("card is gone");
    portcam_dev_close(dev);
}

static void alive_before_sigbus(void **state)
{
    struct portcam_dev *dev = open_card();

    (void)state;
    fk.config[4] &= (unsigned char)~2u; /* memory space off: a mapped access would raise SIGBUS */
    assert_err(portcam_dev_alive(dev), EIO);
    assert_says("memory space");
    assert_int_equal(portcam_dev_reset(dev), 0);
    assert_int_equal(portcam_dev_alive(dev), 0);
    memset(fk.config, 0xff, sizeof(fk.config));
    assert_err(portcam_dev_alive(dev), ENODEV);
    assert_int_equal(portcam_dev_get_state(dev), PORTCAM_DEV_GONE);
    portcam_dev_close(dev);
    opts.flags = PORTCAM_DEV_NO_MMAP;
    fk_reset();
    dev = open_card();
    registers(dev);
    assert_int_equal(count_calls("mmap device"), 0);
    portcam_dev_close(dev);
}

static void not_a_card(void **state)
{
    struct portcam_dev *dev = NULL;
    uint32_t word = 0x12345678;

    (void)state;
    memcpy(fk.bar0, &word, 4);
    assert_err(portcam_dev_open("pci:" TREE_BDF, &opts, &dev), EPROTO);
    assert_says("is not a portcam card");
    assert_null(dev);
    assert_int_equal(fk_leaks(), 0);
    fk_reset();
    word = 99u << 16;
    memcpy(fk.bar0 + PORTCAM_REG_VERSION, &word, 4);
    assert_err(portcam_dev_open("pci:" TREE_BDF, &opts, &dev), EPROTONOSUPPORT);
    assert_says("interface version 99.0");
    assert_int_equal(fk_leaks(), 0);
    fk_reset();
    fk.bar0_size = 4096;
    assert_err(portcam_dev_open("pci:" TREE_BDF, &opts, &dev), EPROTO);
    assert_says("BAR0 has 4096 bytes");
    assert_int_equal(fk_leaks(), 0);
    fk_reset();
    memset(fk.bar0, 0xff, 4096);
    assert_err(portcam_dev_open("pci:" TREE_BDF, &opts, &dev), ENODEV);
    assert_says("card is gone");
    assert_int_equal(fk_leaks(), 0);
}

/* What each refusal of the kernel at open is turned into. */
static void open_errors(void **state)
{
    static const struct {
        uint32_t flags;
        const char *call;
        int err;
        const char *says;
    } rows[] = {
        {0, "open vfio/vfio", EACCES, "cannot be opened"},
        {0, "open vfio/7", EBUSY, "in use: stop the process"},
        {0, "container CHECK_EXTENSION", EINVAL, "TYPE1v2"},
        {0, "container SET_IOMMU", EPERM, "allow_unsafe_interrupts"},
        {0, "container SET_IOMMU", EINVAL, "reserved memory"},
        {0, "group GET_DEVICE_FD", ENODEV, "bind it to vfio-pci again"},
        {0, "group GET_DEVICE_FD", EAGAIN, "could not be reset"},
        {0, "mmap device", EINVAL, "BAR0 of 0000:03:00.0 cannot be mapped"},
        {PORTCAM_DEV_NO_GROUP, "open iommu", EACCES, "cannot be opened"},
        {PORTCAM_DEV_NO_GROUP, "open vfio/devices", EBUSY, "in use: stop the process"},
        {PORTCAM_DEV_NO_GROUP, "device BIND", EBUSY, "through its IOMMU group"},
        {PORTCAM_DEV_NO_GROUP, "device BIND", EPERM, "allow_unsafe_interrupts"},
        {PORTCAM_DEV_NO_GROUP, "device ATTACH", EPERM, "allow_unsafe_interrupts"},
        {PORTCAM_DEV_NO_GROUP, "device ATTACH", EADDRINUSE, "cannot be attached"},
    };
    struct portcam_dev *dev = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        fk_reset();
        fk.fail_call = rows[i].call;
        fk.fail_errno = rows[i].err;
        opts.flags = rows[i].flags;
        assert_err(portcam_dev_open("pci:" TREE_BDF, &opts, &dev), rows[i].err);
        assert_says(rows[i].says);
        assert_int_equal(fk_leaks(), 0);
    }
    fk_reset();
    fk.not_viable = true;
    opts.flags = 0;
    assert_err(portcam_dev_open("pci:" TREE_BDF, &opts, &dev), EBUSY);
    assert_says("not viable");
    opts.flags = PORTCAM_DEV_NO_GROUP;
    opts.vf_token = "00112233-4455-6677-8899-aabbccddeeff";
    assert_err(portcam_dev_open("pci:" TREE_BDF, &opts, &dev), EOPNOTSUPP);
    assert_says("VF token");
    fk_reset();
    opts.flags = 0;
    portcam_dev_close(open_card());
    assert_int_equal(count_calls("group GET_DEVICE_FD 0000:03:00.0 vf_token=00112233-4455-"), 1);
}

static void without_request_interrupt(void **state)
{
    struct portcam_dev *dev;
    int fds[PORTCAM_DEV_POLL_FDS];

    (void)state;
    fk.no_req_err = true;
    dev = open_card();
    assert_int_equal(portcam_dev_poll_fds(dev, fds), 0);
    assert_int_equal(portcam_dev_alive(dev), 0);
    portcam_dev_close(dev);
    assert_int_equal(fk_leaks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITH("vfio group: exact calls in order, open to close", group_order, setup, teardown),
        TEST_WITH("vfio iommufd: exact calls in order, open to close", iommufd_order, setup_iommufd,
                  teardown),
        TEST_WITH("vfio group: each call fails once, nothing leaks", each_call_fails, setup,
                  teardown),
        TEST_WITH("vfio iommufd: each call fails once, nothing leaks", each_call_fails,
                  setup_iommufd, teardown),
        TEST_WITH("vfio: refusals of the kernel at open", open_errors, setup, teardown),
        TEST_WITH("vfio: facts of the device", facts, setup, teardown),
        TEST_WITH("vfio: interrupt vectors, too few in the system", interrupts, setup, teardown),
        TEST_WITH("vfio: request interrupt is a state", release_request, setup, teardown),
        TEST_WITH("vfio: error interrupt is a state, reset clears it", bus_error, setup, teardown),
        TEST_WITH("vfio: devices without these interrupts", without_request_interrupt, setup,
                  teardown),
        TEST_WITH("vfio: all-ones are checked, a removed card is reported", surprise_removal, setup,
                  teardown),
        TEST_WITH("vfio: liveness sees a removed card", alive_sees_removal, setup, teardown),
        TEST_WITH("vfio: liveness looks at configuration space before a mapped register",
                  alive_before_sigbus, setup, teardown),
        TEST_WITH("vfio: wrong magic, wrong version, small BAR", not_a_card, setup, teardown),
    };

    return cmocka_run_group_tests_name("vfio", tests, NULL, NULL);
}
