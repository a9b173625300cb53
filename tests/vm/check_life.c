// SPDX-License-Identifier: Apache-2.0
/* driver_check: interrupts, resets, who may open the card and with which limits. */
#include "check.h"

#include <grp.h>
#include <linux/vfio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NOBODY = 65534, USER = 1000 };

/* ---- interrupts ---- */

void irq_commands(void)
{
    enum { ROUNDS = 50 };
    struct portcam_ring_opts opts = {.sz = sizeof(opts), .use_irq = true};
    struct portcam_dev *dev = open_card(0);
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_NOP};
    struct portcam_ring *ring = NULL;
    double start;

    NEED_RC(portcam_irq_open(&opts.irq_fd), 0);
    NEED_RC(portcam_dev_set_irqs(dev, PORTCAM_VECTOR_COMMANDS, 1, &opts.irq_fd), 0);
    NEED_RC(portcam_ring_open(dev, &opts, &ring), 0);
    start = seconds();
    for (unsigned i = 0; i < ROUNDS; i++)
        NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    printf("# a command with its interrupt takes %.0f us\n", (seconds() - start) * 1e6 / ROUNDS);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

void irq_errors(void)
{
    struct portcam_dev *dev = open_card(0);
    struct portcam_command c = copy_command(0x5a5a0000, 0x5a5a0000);
    struct portcam_ring *ring = NULL;
    int fds[PORTCAM_BUILD_VECTORS];

    for (unsigned i = 0; i < PORTCAM_BUILD_VECTORS; i++)
        NEED_RC(portcam_irq_open(&fds[i]), 0);
    NEED_RC(portcam_dev_set_irqs(dev, 0, PORTCAM_BUILD_VECTORS, fds), 0);
    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), -EREMOTEIO);
    NEED_RC(portcam_irq_wait(dev, fds[PORTCAM_VECTOR_ERRORS], RING_MS), 0);
    NEED_RC(portcam_irq_wait(dev, fds[PORTCAM_VECTOR_LINK], 0), -ETIMEDOUT);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

/* This build fires two vectors; that all of them arrive where they should is shown by the kernel's loopback. */
void irq_each(void)
{
    struct portcam_dev *dev = open_card(0);
    const struct pc_vfio *v = dev->priv;
    int fds[PORTCAM_BUILD_VECTORS];

    for (unsigned i = 0; i < PORTCAM_BUILD_VECTORS; i++)
        NEED_RC(portcam_irq_open(&fds[i]), 0);
    NEED_RC(portcam_dev_set_irqs(dev, 0, PORTCAM_BUILD_VECTORS, fds), 0);
    for (unsigned i = 0; i < PORTCAM_BUILD_VECTORS; i++) {
        struct vfio_irq_set set = {.argsz = sizeof(set),
                                   .flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
                                   .index = VFIO_PCI_MSIX_IRQ_INDEX,
                                   .start = i,
                                   .count = 1};

        NEED_RC(pc_vfio_ioctl(v, v->device, VFIO_DEVICE_SET_IRQS, &set), 0);
        for (unsigned k = 0; k < PORTCAM_BUILD_VECTORS; k++) {
            uint64_t count = 9;

            NEED_RC(portcam_irq_drain(fds[k], &count), 0);
            need(count == (k == i), __LINE__, "vector %u fired %d times, %u was asked for", k,
                 (int)count, i);
        }
    }
    /* away, and back one after another */
    NEED_RC(portcam_dev_set_irqs(dev, 0, 0, NULL), 0);
    for (unsigned i = 0; i < PORTCAM_BUILD_VECTORS; i++)
        NEED_RC(portcam_dev_set_irqs(dev, i, 1, &fds[i]), 0);
    portcam_dev_close(dev);
}
/* ---- reset, close, errors of opening ---- */

void resets(void)
{
    struct portcam_dev *dev = open_card(0);
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_NOP};
    struct portcam_ring *ring = NULL;
    uint32_t value = 1;

    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    NEED_RC(portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, 0x600d), 0);
    NEED_RC(portcam_dev_reset(dev), 0);
    NEED_RC(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    NEED(value == 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), -EIO);
    NEED_RC(portcam_ring_restart(ring), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

/* The kernel resets a function when its last user closes it, and again when it is opened. */
void close_resets(void)
{
    struct portcam_dev *dev = open_card(0);
    uint32_t value = 1;

    NEED_RC(portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, 0x600d), 0);
    portcam_dev_close(dev);
    dev = open_card(0);
    NEED_RC(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    NEED(value == 0);
    portcam_dev_close(dev);
}

void second_open(void)
{
    struct portcam_dev *dev = open_card(0);
    struct portcam_dev *other = NULL;

    NEED_RC(try_open(0, 2 * MIB, &other), -EBUSY);
    NEED_SAYS("is in use: stop the process");
    NEED_RC(portcam_dev_alive(dev), 0);
    portcam_dev_close(dev);
}

static void become(uid_t id)
{
    NEED(setgroups(0, NULL) == 0 && setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0);
}

void no_permission(void)
{
    struct portcam_dev *dev = NULL;

    become(NOBODY);
    NEED_RC(try_open(0, 2 * MIB, &dev), -EACCES);
    NEED_SAYS(by_iommufd() ? "no permission for /dev/iommu" : "no permission for /dev/vfio/");
    NEED_SAYS("udev rule");
}

/* Gives the nodes of the way to USER, as a udev rule does, and becomes that user with that limit. */
static void become_user(size_t locked)
{
    const struct rlimit limit = {locked, locked};
    struct pc_preflight pf;
    const struct portcam_dev_opts opts = {.sz = sizeof(opts),
                                          .flags = way,
                                          .sysfs_root = "/sys",
                                          .dev_root = "/dev",
                                          .sys = &pc_sys_libc};
    char node[64];

    NEED_RC(pc_preflight(strchr(device_name, ':') + 1, &opts, &pf), 0);
    if (by_iommufd())
        snprintf(node, sizeof(node), "/dev/vfio/devices/%s", pf.cdev);
    else
        snprintf(node, sizeof(node), "/dev/vfio/%d", pf.group);
    NEED(chown(node, USER, USER) == 0);
    NEED(!by_iommufd() || chown("/dev/iommu", USER, USER) == 0);
    NEED(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    become(USER);
}

void without_root(void)
{
    struct portcam_dev *dev = NULL;
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_NOP};
    struct portcam_ring *ring = NULL;

    become_user(8 * MIB);
    dev = open_card(0);
    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    NEED_RC(portcam_dev_reset(dev), 0);
    portcam_dev_close(dev);
}

void memlock_before(void)
{
    struct portcam_dev *dev = NULL;

    become_user(1 * MIB);
    NEED_RC(try_open(0, 2 * MIB, &dev), -ENOMEM);
    NEED_SAYS("the memory-lock limit is 1024 KiB and DMA memory needs 2048 KiB");
}

/* A limit that is enough at first: here it is the kernel that refuses. */
void memlock_later(void)
{
    struct portcam_dev *dev = NULL;
    uint64_t iova = 0;
    void *p = NULL;

    become_user(3 * MIB);
    dev = open_card(0);
    NEED_RC(portcam_dma_alloc(dev, MIB, 64, &p, &iova), 0);
    NEED_RC(portcam_dma_alloc(dev, 3 * MIB / 2, 64, &p, &iova), -ENOMEM);
    NEED_SAYS("the memory-lock limit must be at least");
    NEED_RC(portcam_dev_alive(dev), 0);
    portcam_dev_close(dev);
}

void big_pages(void)
{
    struct portcam_dev *dev = NULL;
    uint64_t iova = 0;
    void *p = NULL;
    double start = seconds();

    set_parameter("/proc/sys/vm/nr_hugepages", "8\n");
    NEED_RC(try_open(0, 8 * MIB, &dev), 0);
    NEED_RC(portcam_dma_alloc(dev, 4096, 4096, &p, &iova), 0);
    printf("# 8 MiB of 2 MiB pages opened and mapped in %.0f ms\n", (seconds() - start) * 1e3);
    NEED((iova & (2 * MIB - 1)) == 0);
    portcam_dev_close(dev);
    set_parameter("/proc/sys/vm/nr_hugepages", "0\n");
}
