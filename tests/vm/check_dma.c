// SPDX-License-Identifier: Apache-2.0
/* driver_check: commands, DMA, mappings. */
#include "check.h"

#include <sys/mman.h>

/* The card copies each of many places, in all pages, to another place. */
void dma_both_ways(void)
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
void commands(void)
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

void dma_permissions(void)
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

void dma_unmapped(void)
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

void dma_stopped(void)
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

void map_errors(void)
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

/* Only the group's way has a limit of their number. */
void map_limit(void)
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
