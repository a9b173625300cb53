// SPDX-License-Identifier: Apache-2.0
/*
 * The driver against the kernel it runs on: `driver_check [--group|--iommufd] DEVICE` does every check below with that
 * card, on that way to the IOMMU, and prints one TAP line each; a line "# ..." says more. It runs as root in the virtual machine of tests/vm. Each check is a process
 * of its own, so that none finds what another one left.
 *
 * With --measure, only those that measure something.
 *
 * Some checks call the transport below the public functions, for what the layer above never lets through to the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <portcam/dev.h>
#include <portcam/ring.h>

#include "vfio.h"

enum { MIB = 1 << 20, RING_MS = 60000, NOBODY = 65534, USER = 1000 };

static const char *name; /* of the device */
static uint32_t way = PORTCAM_DEV_NO_IOMMUFD;

static bool by_iommufd(void)
{
    return way == PORTCAM_DEV_NO_GROUP;
}

static void need(bool good, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the check when it is not good. */
static void need(bool good, int line, const char *format, ...)
{
    va_list args;

    if (good)
        return;
    printf("# line %d: ", line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("; the driver's last sentence is \"%s\"\n", portcam_dev_error());
    exit(1);
}

#define NEED(condition) need(condition, __LINE__, "not so: %s", #condition)
#define NEED_RC(expression, want)                                                                  \
    do {                                                                                           \
        int rc_ = (expression);                                                                    \
        need(rc_ == (want), __LINE__, "%s is %d and not %d", #expression, rc_, (want));            \
    } while (0)
#define NEED_SAYS(text)                                                                            \
    need(strstr(portcam_dev_error(), text) != NULL, __LINE__, "it does not say \"%s\"", text)

static int try_open(uint32_t flags, size_t arena, struct portcam_dev **ret)
{
    const struct portcam_dev_opts opts = {
        .sz = sizeof(opts), .flags = flags | way, .arena_size = arena};

    return portcam_dev_open(name, &opts, ret);
}

static struct portcam_dev *open_card(uint32_t flags)
{
    struct portcam_dev *dev = NULL;

    NEED_RC(try_open(flags, 2 * MIB, &dev), 0);
    return dev;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- open and registers ---- */

static void opens(void)
{
    double start = seconds();
    struct portcam_dev *dev = open_card(0);
    const struct portcam_dev_info *info = portcam_dev_info(dev);
    uint32_t magic = 0;

    printf("# opened in %.0f ms\n", (seconds() - start) * 1e3);
    NEED(strcmp(info->transport, by_iommufd() ? "vfio-iommufd" : "vfio-group") == 0);
    NEED(info->vendor_id == PORTCAM_PCI_VENDOR && info->device_id == PORTCAM_PCI_DEVICE);
    NEED(info->reg_size == PORTCAM_BAR0_BYTES);
    NEED(info->vectors == PORTCAM_BUILD_VECTORS);
    NEED(info->can_reset);
    NEED(info->page_sizes & 4096);
    NEED(by_iommufd() ? info->dma_maps_max == 0 : info->dma_maps_max > 1000);
    NEED_RC(portcam_reg_read32(dev, PORTCAM_REG_MAGIC, &magic), 0);
    NEED(magic == PORTCAM_MAGIC);
    NEED_RC(portcam_dev_alive(dev), 0);
    portcam_dev_close(dev);
}

static void ranges(void)
{
    struct portcam_dev *dev = open_card(0);
    const struct portcam_dev_info *info = portcam_dev_info(dev);

    NEED(info->n_ranges >= 2);
    for (unsigned i = 0; i < info->n_ranges; i++) {
        const struct portcam_iova_range *r = &info->ranges[i];

        printf("# addresses 0x%llx to 0x%llx\n", (unsigned long long)r->first,
               (unsigned long long)r->last);
        NEED(r->last < 0xfee00000 || r->first > 0xfeefffff);
        NEED(i == 0 || r->first > info->ranges[i - 1].last);
    }
    portcam_dev_close(dev);
}

static void use_registers(const char *how, uint32_t flags)
{
    enum { ROUNDS = 200 };
    struct portcam_dev *dev = open_card(flags);
    double start = seconds();
    double middle;
    uint32_t value = 0;

    for (uint32_t i = 0; i < ROUNDS; i++)
        NEED_RC(portcam_reg_write32(dev, PORTCAM_REG_SCRATCH, i * 0x01030507u), 0);
    middle = seconds();
    for (uint32_t i = 0; i < ROUNDS; i++)
        NEED_RC(portcam_reg_read32(dev, PORTCAM_REG_SCRATCH, &value), 0);
    NEED(value == (ROUNDS - 1) * 0x01030507u);
    printf("# %s: a register write takes %.1f us, a read %.1f us\n", how,
           (middle - start) * 1e6 / ROUNDS, (seconds() - middle) * 1e6 / ROUNDS);
    portcam_dev_close(dev);
}

static void registers_mapped(void)
{
    use_registers("BAR mapped where that is possible", 0);
}

static void registers_by_calls(void)
{
    use_registers("by system calls", PORTCAM_DEV_NO_MMAP);
}

/* ---- DMA ---- */

static struct portcam_command copy_command(uint64_t from, uint64_t to)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_SELF_TEST};

    memcpy(c.data, &from, 8);
    memcpy(c.data + 8, &to, 8);
    return c;
}

/* The card copies each of many places, in all pages, to another place. */
static void dma_both_ways(void)
{
    enum { BLOCKS = 512, STRIDE = 4096 + 64 };
    struct portcam_dev *dev = open_card(0);
    struct portcam_command *commands = calloc(BLOCKS, sizeof(*commands));
    struct portcam_ring *ring = NULL;
    unsigned char *from = NULL;
    unsigned char *to = NULL;
    uint64_t from_iova = 0;
    uint64_t to_iova = 0;
    void *p = NULL;
    double start;

    NEED(commands);
    NEED_RC(portcam_dma_alloc(dev, (size_t)BLOCKS * STRIDE, 64, &p, &from_iova), 0);
    from = p;
    NEED_RC(portcam_dma_alloc(dev, (size_t)BLOCKS * STRIDE, 64, &p, &to_iova), 0);
    to = p;
    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (unsigned b = 0; b < 64; b++)
            from[(size_t)i * STRIDE + b] = (unsigned char)(i * 7 + i / 256 + b * 13 + 1);
        commands[i] = copy_command(from_iova + (uint64_t)i * STRIDE,
                                   to_iova + (uint64_t)(BLOCKS - 1 - i) * STRIDE);
    }
    start = seconds();
    NEED_RC(portcam_ring_run(ring, commands, BLOCKS, RING_MS, NULL), 0);
    printf("# %u copies of 64 bytes took %.0f ms\n", BLOCKS, (seconds() - start) * 1e3);
    for (unsigned i = 0; i < BLOCKS; i++)
        need(memcmp(from + (size_t)i * STRIDE, to + (size_t)(BLOCKS - 1 - i) * STRIDE, 64) == 0,
             __LINE__, "block %u was not copied", i);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
    free(commands);
}

/* So many that the ring goes round. */
static void commands(void)
{
    enum { COMMANDS = 4096 };
    struct portcam_dev *dev = open_card(0);
    struct portcam_command *list = calloc(COMMANDS, sizeof(*list));
    struct portcam_ring *ring = NULL;
    double start;

    NEED(list);
    for (unsigned i = 0; i < COMMANDS; i++)
        list[i].opcode = PORTCAM_OPCODE_NOP;
    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    start = seconds();
    NEED_RC(portcam_ring_run(ring, list, COMMANDS, RING_MS, NULL), 0);
    printf("# %.0f commands a second, %u at once\n", COMMANDS / (seconds() - start), COMMANDS);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
    free(list);
}

/* A page for the card, outside of the arena. */
static void *map_page(struct portcam_dev *dev, uint64_t iova, uint32_t flags)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    NEED(page != MAP_FAILED);
    NEED_RC(portcam_map_dma(dev, iova, 4096, -1, 0, page, flags), 0);
    return page;
}

static void dma_permissions(void)
{
    const uint64_t read_only = 0x40000000;
    const uint64_t both = 0x40010000;
    struct portcam_dev *dev = open_card(0);
    struct portcam_completion failed = {0};
    struct portcam_command c = copy_command(read_only, both);
    struct portcam_ring *ring = NULL;
    char *source = map_page(dev, read_only, PORTCAM_DMA_READ);
    char *target = map_page(dev, both, PORTCAM_DMA_READ | PORTCAM_DMA_WRITE);

    memset(source, 'a', 4096);
    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    NEED(memcmp(source, target, 64) == 0);
    memset(target, 'b', 4096);
    c = copy_command(both, read_only);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, &failed), -EREMOTEIO);
    NEED(failed.status == PORTCAM_STATUS_DMA_WRITE_ERROR);
    NEED(source[0] == 'a');
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

static void dma_unmapped(void)
{
    const uint64_t iova = 0x5a5a0000;
    struct portcam_dev *dev = open_card(0);
    struct portcam_completion failed = {0};
    struct portcam_command c = copy_command(iova, iova + 64);
    struct portcam_ring *ring = NULL;
    uint32_t low = 0;

    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    map_page(dev, iova, PORTCAM_DMA_READ | PORTCAM_DMA_WRITE);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    NEED_RC(portcam_unmap_dma(dev, iova, 4096), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, &failed), -EREMOTEIO);
    NEED(failed.status == PORTCAM_STATUS_DMA_READ_ERROR);
    NEED_SAYS("host memory could not be read");
    NEED_RC(portcam_reg_read32(dev, PORTCAM_REG_ERROR_ADDR_LO, &low), 0);
    NEED(low == iova);
    /* the card goes on */
    map_page(dev, iova, PORTCAM_DMA_READ | PORTCAM_DMA_WRITE);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    NEED_RC(portcam_dev_alive(dev), 0);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

static void dma_stopped(void)
{
    struct portcam_dev *dev = open_card(0);
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_NOP};
    struct portcam_ring *ring = NULL;

    NEED_RC(portcam_ring_open(dev, NULL, &ring), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    NEED_RC(portcam_dev_stop(dev), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), -EIO);
    NEED_SAYS("host memory could not be read");
    NEED_RC(portcam_ring_restart(ring), 0);
    NEED_RC(portcam_ring_run(ring, &c, 1, RING_MS, NULL), 0);
    portcam_ring_close(ring);
    portcam_dev_close(dev);
}

/*
 * What the kernel answers to mappings that the layer above never asks for: the same errors on both ways, though the
 * kernel has others for iommufd.
 */
static const struct {
    const char *what;
    bool map;
    uint64_t iova;
    uint64_t size;
    int want;
    const char *says;
} map_rows[] = {
    {"a mapping", true, 0x60000000, 8192, 0, NULL},
    {"the same once more", true, 0x60000000, 8192, -EEXIST, "is mapped already: unmap it first"},
    {"over a part of it", true, 0x60001000, 4096, -EEXIST, "is mapped already: unmap it first"},
    {"in the window of interrupts", true, 0xfee00000, 4096, -EINVAL, "cannot be mapped"},
    {"beyond what the IOMMU translates", true, 1ull << 60, 4096, -EINVAL, "cannot be mapped"},
    {"at half a page", true, 0x70000800, 4096, -EINVAL, "cannot be mapped"},
    {"unmap a part", false, 0x60000000, 4096, -EINVAL, "cannot be unmapped"},
    {"unmap it", false, 0x60000000, 8192, 0, NULL},
    {"unmap it again", false, 0x60000000, 8192, -ENOENT, NULL},
    {"unmap what never was", false, 0x68000000, 4096, -ENOENT, NULL},
};

static void map_errors(void)
{
    struct portcam_dev *dev = open_card(0);
    struct pc_vfio *v = dev->priv;
    const uint32_t flags = PORTCAM_DMA_READ | PORTCAM_DMA_WRITE;
    void *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    NEED(pages != MAP_FAILED);
    for (size_t i = 0; i < sizeof(map_rows) / sizeof(map_rows[0]); i++) {
        uint64_t iova = map_rows[i].iova;
        uint64_t size = map_rows[i].size;
        int rc = map_rows[i].map ? v->iommu->map(v, iova, size, pages, flags)
                                 : v->iommu->unmap(v, iova, size);

        need(rc == map_rows[i].want, __LINE__, "%s: %d and not %d", map_rows[i].what, rc,
             map_rows[i].want);
        if (map_rows[i].says)
            NEED_SAYS(map_rows[i].says);
        /* the layer above keeps this table, which the way through iommufd looks at */
        const struct pc_dma_entry entry = {.iova = iova, .size = size, .vaddr = pages};
        struct pc_dma_entry taken;
        if (rc == 0 && map_rows[i].map)
            NEED_RC(pc_dma_table_add(&dev->maps, &entry), 0);
        if (rc == 0 && !map_rows[i].map)
            NEED_RC(pc_dma_table_take(&dev->maps, iova, size, &taken), 0);
    }
    NEED_RC(v->iommu->map(v, 0x60010000, 4096, (char *)NULL + 4096, flags), -EFAULT);
    portcam_dev_close(dev);
}

static void set_parameter(const char *file, const char *value)
{
    FILE *f = fopen(file, "w");

    NEED(f && fputs(value, f) >= 0);
    NEED(fclose(f) == 0);
}

/* Only the group's way has a limit of their number. */
static void map_limit(void)
{
    static const char limit[] = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
    enum { LIMIT = 16 };
    struct portcam_dev *dev;
    struct pc_vfio *v;
    unsigned n = 0;
    int rc = 0;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    NEED(page != MAP_FAILED);
    set_parameter(limit, "16");
    dev = open_card(0);
    v = dev->priv;
    while (rc == 0 && n <= LIMIT) {
        rc = v->iommu->map(v, 0x60000000 + n * 4096ull, 4096, page, PORTCAM_DMA_READ);
        n++;
    }
    set_parameter(limit, "65535");
    if (by_iommufd()) {
        NEED(rc == 0);
    } else {
        NEED(rc == -ENOSPC);
        NEED_SAYS("the IOMMU takes no more mappings: unmap some, or raise dma_entry_limit");
    }
    portcam_dev_close(dev);
}

/* ---- interrupts ---- */

static void irq_commands(void)
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

static void irq_errors(void)
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
static void irq_each(void)
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

static void resets(void)
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
static void close_resets(void)
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

static void second_open(void)
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

static void no_permission(void)
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

    NEED_RC(pc_preflight(strchr(name, ':') + 1, &opts, &pf), 0);
    if (by_iommufd())
        snprintf(node, sizeof(node), "/dev/vfio/devices/%s", pf.cdev);
    else
        snprintf(node, sizeof(node), "/dev/vfio/%d", pf.group);
    NEED(chown(node, USER, USER) == 0);
    NEED(!by_iommufd() || chown("/dev/iommu", USER, USER) == 0);
    NEED(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    become(USER);
}

static void without_root(void)
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

static void memlock_before(void)
{
    struct portcam_dev *dev = NULL;

    become_user(1 * MIB);
    NEED_RC(try_open(0, 2 * MIB, &dev), -ENOMEM);
    NEED_SAYS("the memory-lock limit is 1024 KiB and DMA memory needs 2048 KiB");
}

/* A limit that is enough at first: here it is the kernel that refuses. */
static void memlock_later(void)
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

static void big_pages(void)
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

static const struct {
    const char *what;
    void (*run)(void);
    bool measures; /* it prints what it took, and works with every transport */
} checks[] = {
#define CHECK(what, run)                                                                           \
    {                                                                                              \
        what, run, false                                                                           \
    }
#define MEASURE(what, run)                                                                         \
    {                                                                                              \
        what, run, true                                                                            \
    }
    CHECK("open and identify", opens),
    CHECK("address ranges leave out the interrupt window", ranges),
    MEASURE("registers through the mapped BAR", registers_mapped),
    MEASURE("registers by system calls", registers_by_calls),
    MEASURE("commands, as many as there are", commands),
    MEASURE("DMA both ways over many pages", dma_both_ways),
    CHECK("DMA keeps to read-only mappings", dma_permissions),
    CHECK("DMA to an unmapped address is a clear error", dma_unmapped),
    CHECK("no DMA without bus master, the ring starts again", dma_stopped),
    CHECK("errors of mappings are the same as elsewhere", map_errors),
    CHECK("too many mappings", map_limit),
    CHECK("2 MiB pages", big_pages),
    MEASURE("interrupt of the command ring", irq_commands),
    CHECK("interrupt of errors", irq_errors),
    CHECK("each vector at its own eventfd", irq_each),
    CHECK("reset and recovery", resets),
    CHECK("close and open reset the card", close_resets),
    CHECK("a second open is refused", second_open),
    CHECK("nobody has no permission", no_permission),
    CHECK("without root after the rule of udev", without_root),
    CHECK("memory-lock limit, seen before opening", memlock_before),
    CHECK("memory-lock limit, met later", memlock_later),
};

/* Opens the card and connects so many interrupt vectors; the exit status of portcam when that fails. */
static int connect_vectors(unsigned count)
{
    int fds[PORTCAM_BUILD_VECTORS];
    struct portcam_dev *dev = NULL;
    int rc = try_open(0, 2 * MIB, &dev);

    for (unsigned i = 0; !rc && i < count; i++)
        rc = portcam_irq_open(&fds[i]);
    if (!rc)
        rc = portcam_dev_set_irqs(dev, 0, count, fds);
    if (rc)
        fprintf(stderr, "driver_check: %s\n", portcam_dev_error());
    portcam_dev_close(dev);
    return rc ? 5 : 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    unsigned vectors = 0;
    bool measure = false;

    for (; argc > 2; argc--, argv++) {
        if (strcmp(argv[1], "--iommufd") == 0) {
            way = PORTCAM_DEV_NO_GROUP;
        } else if (strcmp(argv[1], "--measure") == 0) {
            measure = true;
        } else if (strcmp(argv[1], "--connect") == 0) {
            vectors = (unsigned)atoi(argv[2]);
            argc--, argv++;
        }
    }
    if (argc != 2 || vectors > PORTCAM_BUILD_VECTORS) {
        fprintf(stderr,
                "usage: driver_check [--group|--iommufd] [--measure | --connect VECTORS] DEVICE\n");
        return 2;
    }
    name = argv[1];
    if (vectors)
        return connect_vectors(vectors);
    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        int status = 1;
        if (measure && !checks[i].measures)
            continue;
        pid_t child = fork();

        if (child == 0) {
            checks[i].run();
            exit(0);
        }
        if (child > 0)
            waitpid(child, &status, 0);
        if (WIFSIGNALED(status))
            printf("# ended by signal %d\n", WTERMSIG(status));
        printf("%sok - %s\n", status ? "not " : "", checks[i].what);
        failed |= status != 0;
    }
    return failed;
}
