// SPDX-License-Identifier: Apache-2.0
/*
 * The driver against the kernel it runs on: `driver_check [--group|--iommufd] DEVICE` does every check of check.h with
 * that card, on that way to the IOMMU, and prints one TAP line each; a line "# ..." says more. It runs as root in the
 * virtual machine of tests/vm. Each check is a process of its own, so that none finds what another one left.
 *
 * With --measure, only those that measure something.
 *
 * Some checks call the transport below the public functions, for what the layer above never lets through to the kernel.
 */
#include "check.h"

#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *device_name;
uint32_t way = PORTCAM_DEV_NO_IOMMUFD;

void need(bool good, int line, const char *format, ...)
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

int try_open(uint32_t flags, size_t arena, struct portcam_dev **ret)
{
    const struct portcam_dev_opts opts = {
        .sz = sizeof(opts), .flags = flags | way, .arena_size = arena};

    return portcam_dev_open(device_name, &opts, ret);
}

struct portcam_dev *open_card(uint32_t flags)
{
    struct portcam_dev *dev = NULL;

    NEED_RC(try_open(flags, 2 * MIB, &dev), 0);
    return dev;
}

double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void set_parameter(const char *file, const char *value)
{
    FILE *f = fopen(file, "w");

    NEED(f && fputs(value, f) >= 0);
    NEED(fclose(f) == 0);
}

struct portcam_command copy_command(uint64_t from, uint64_t to)
{
    struct portcam_command c = {.opcode = PORTCAM_OPCODE_SELF_TEST};

    memcpy(c.data, &from, 8);
    memcpy(c.data + 8, &to, 8);
    return c;
}

/* ---- open and registers ---- */

void opens(void)
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

void ranges(void)
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

void registers_mapped(void)
{
    use_registers("BAR mapped where that is possible", 0);
}

void registers_by_calls(void)
{
    use_registers("by system calls", PORTCAM_DEV_NO_MMAP);
}

/* ---- all of them ---- */

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

/* Opens the card and connects so many interrupt vectors, and keeps it for so many seconds; the exit status of portcam when that fails. */
static int connect_vectors(unsigned count, unsigned hold)
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
    sleep(rc ? 0 : hold); /* whatever the kernel wants */
    portcam_dev_close(dev);
    return rc ? 5 : 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    unsigned vectors = 0;
    unsigned hold = 0;
    bool measure = false;

    for (; argc > 2; argc--, argv++) {
        if (strcmp(argv[1], "--iommufd") == 0) {
            way = PORTCAM_DEV_NO_GROUP;
        } else if (strcmp(argv[1], "--measure") == 0) {
            measure = true;
        } else if (strcmp(argv[1], "--hold") == 0) {
            hold = (unsigned)strtoul(argv[2], NULL, 10);
            argc--, argv++;
        } else if (strcmp(argv[1], "--connect") == 0) {
            vectors = (unsigned)strtoul(argv[2], NULL, 10);
            argc--, argv++;
        }
    }
    if (argc != 2 || vectors > PORTCAM_BUILD_VECTORS) {
        fprintf(stderr, "usage: driver_check [--group|--iommufd] [--measure | --connect VECTORS "
                        "[--hold SECONDS]] DEVICE\n");
        return 2;
    }
    device_name = argv[1];
    if (vectors)
        return connect_vectors(vectors, hold);
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
