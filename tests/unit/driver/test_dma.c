// SPDX-License-Identifier: Apache-2.0
/*
 * DMA memory: the table of mappings, and the arena that hands out pieces of a few large ones.
 */
#include "driver_test.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev_ops.h"

static struct portcam_dev *open_model(size_t arena_size, unsigned dma_bits)
{
    struct portcam_dev_opts opts = {
        .sz = sizeof(opts),
        .arena_size = arena_size,
        .dma_bits = dma_bits,
    };
    struct portcam_dev *dev = NULL;

    assert_int_equal(portcam_dev_open("model:", &opts, &dev), 0);
    return dev;
}

static void table_overlaps(void **state)
{
    static const struct {
        uint64_t iova;
        uint64_t size;
        int err;
    } rows[] = {
        {0x10000, 0x1000, 0},         {0x12000, 0x2000, 0},      {0x10000, 0x1000, -EEXIST},
        {0x10fff, 1, -EEXIST},        {0xf000, 0x1001, -EEXIST}, {0xf000, 0x1000, 0},
        {0x11000, 0x1001, -EEXIST},   {0x11000, 0x1000, 0},      {0x13fff, 0x10000, -EEXIST},
        {0, 0x100000, -EEXIST},       {0x14000, 0, -EINVAL},     {UINT64_MAX, 2, -EINVAL},
        {UINT64_MAX - 4095, 4096, 0}, {UINT64_MAX, 1, -EEXIST},
    };
    struct pc_dma_table t;
    struct pc_dma_entry e;
    uint64_t end = 1;

    (void)state;
    assert_int_equal(pc_dma_table_init(&t), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        e = (struct pc_dma_entry){.iova = rows[i].iova, .size = rows[i].size};
        assert_int_equal(pc_dma_table_add(&t, &e), rows[i].err);
    }
    assert_int_equal(pc_dma_table_count(&t), 5);
    assert_int_equal(pc_dma_table_bytes(&t), 0x6000);
    assert_true(pc_dma_table_overlaps(&t, 0x10800, 0x1000, &end));
    assert_int_equal(end, 0x12000);
    assert_true(pc_dma_table_overlaps(&t, UINT64_MAX, 1, &end));
    assert_int_equal(end, 0); /* the end of the address space */
    assert_false(pc_dma_table_overlaps(&t, 0x14000, 0x1000, &end));
    assert_int_equal(pc_dma_table_take(&t, 0x10000, 0x800, &e), -EINVAL);
    assert_int_equal(pc_dma_table_take(&t, 0x10000, 0x2000, &e), -EINVAL);
    assert_int_equal(pc_dma_table_take(&t, 0x20000, 0x1000, &e), -ENOENT);
    assert_int_equal(pc_dma_table_take(&t, 0x10000, 0x1000, &e), 0);
    assert_int_equal(e.iova, 0x10000);
    assert_int_equal(pc_dma_table_take(&t, 0x10000, 0x1000, &e), -ENOENT);
    pc_dma_table_fini(&t);
}

static void table_copies(void **state)
{
    unsigned char low[4096];
    unsigned char high[4096];
    unsigned char text[64];
    unsigned char back[64];
    struct pc_dma_table t;

    (void)state;
    memset(low, 0, sizeof(low));
    memset(high, 0, sizeof(high));
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (unsigned char)(i + 1);
    assert_int_equal(pc_dma_table_init(&t), 0);
    assert_int_equal(
        pc_dma_table_add(&t, &(struct pc_dma_entry){0x1000, 4096, low, PORTCAM_DMA_WRITE}), 0);
    assert_int_equal(
        pc_dma_table_add(
            &t, &(struct pc_dma_entry){0x2000, 4096, high, PORTCAM_DMA_WRITE | PORTCAM_DMA_READ}),
        0);
    assert_int_equal(pc_dma_table_write(&t, 0x1fe0, text, 64), 0); /* across two mappings */
    assert_memory_equal(low + 4096 - 32, text, 32);
    assert_memory_equal(high, text + 32, 32);
    assert_int_equal(pc_dma_table_read(&t, 0x2000, back, 32), 0);
    assert_memory_equal(back, text + 32, 32);
    assert_int_equal(pc_dma_table_read(&t, 0x1fe0, back, 64), -EACCES);
    assert_int_equal(pc_dma_table_write(&t, 0x2fe0, text, 33), -EFAULT);
    assert_int_equal(high[4095], 0); /* nothing of a refused copy happens */
    assert_int_equal(pc_dma_table_write(&t, 0xfff, text, 2), -EFAULT);
    assert_int_equal(pc_dma_table_write(&t, UINT64_MAX, text, 2), -EFAULT);
    assert_int_equal(pc_dma_table_write(&t, 0x9000, text, 0), 0);
    for (unsigned len = 1; len < 64; len++) {
        for (unsigned at = 0; at < 9; at++) {
            assert_int_equal(pc_dma_table_write(&t, 0x2100 + at, text, len), 0);
            assert_memory_equal(high + 0x100 + at, text, len);
        }
    }
    pc_dma_table_fini(&t);
}

static void pieces(void **state)
{
    enum { N = 200, ROUNDS = 4000 };
    struct {
        unsigned char *vaddr;
        uint64_t iova;
        size_t size;
        unsigned char mark;
    } p[N] = {{0}};
    struct portcam_dev *dev = open_model(2u << 20, 0);
    uint32_t seed = 12345;

    (void)state;
    print_message("# seed %u\n", seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (seed = seed * 1664525u + 1013904223u) >> 8;
        size_t align = (size_t)1 << ((seed >> 16) % 14);
        size_t size = 1 + (seed >> 12) % 20000;

        i %= N;
        if (p[i].vaddr) {
            for (size_t k = 0; k < p[i].size; k++)
                assert_int_equal(p[i].vaddr[k], p[i].mark); /* nobody else wrote here */
            assert_int_equal(portcam_dma_free(dev, p[i].vaddr), 0);
            p[i].vaddr = NULL;
        } else {
            void *v;

            assert_int_equal(portcam_dma_alloc(dev, size, align, &v, &p[i].iova), 0);
            assert_true(p[i].iova >= PC_ARENA_LOWEST_IOVA);
            assert_int_equal(p[i].iova & ((align < 64 ? 64 : align) - 1), 0);
            assert_int_equal((p[i].iova ^ (uintptr_t)v) & 4095, 0);
            p[i].vaddr = v;
            p[i].size = size;
            p[i].mark = (unsigned char)(round + 1);
            for (size_t k = 0; k < size; k++)
                assert_int_equal(p[i].vaddr[k], 0);
            memset(v, p[i].mark, size);
        }
    }
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(portcam_dma_free(dev, p[i].vaddr), 0);
    /* all of it joined again: the first chunk is one piece */
    assert_non_null(dev->arena.free);
    assert_null(dev->arena.used);
    unsigned n_free = 0;
    for (const struct pc_arena_piece *f = dev->arena.free; f;
         f = *(struct pc_arena_piece *const *)f)
        n_free++;
    assert_int_equal(n_free, pc_dma_table_count(&dev->maps));
    portcam_dev_close(dev);
}

static void large_pieces(void **state)
{
    struct portcam_dev *dev = open_model(2u << 20, 0);
    void *a;
    void *b;
    uint64_t ia;
    uint64_t ib;

    (void)state;
    assert_int_equal(portcam_dma_alloc(dev, 65u << 20, 4096, &a, &ia), 0);
    assert_int_equal(portcam_dma_alloc(dev, 1, 8u << 20, &b, &ib), 0);
    assert_int_equal(ib & ((8u << 20) - 1), 0);
    assert_true(ib + 64 <= ia || ib >= ia + (65u << 20));
    assert_int_equal(pc_dma_table_count(&dev->maps), 2); /* one mapping a chunk */
    ((char *)a)[(65u << 20) - 1] = 1;
    assert_int_equal(portcam_dma_free(dev, a), 0);
    assert_int_equal(portcam_dma_free(dev, b), 0);
    portcam_dev_close(dev);
}

static void bad_requests(void **state)
{
    struct portcam_dev *dev = open_model(2u << 20, 0);
    void *vaddr = dev;
    uint64_t iova = 7;

    (void)state;
    assert_err(portcam_dma_alloc(dev, 0, 64, &vaddr, &iova), EINVAL);
    assert_err(portcam_dma_alloc(dev, 64, 3, &vaddr, &iova), EINVAL);
    assert_err(portcam_dma_alloc(dev, SIZE_MAX, 64, &vaddr, &iova), EINVAL);
    assert_err(portcam_dma_alloc(dev, 64, (size_t)1 << 63, &vaddr, &iova), EINVAL);
    assert_ptr_equal(vaddr, dev);
    assert_int_equal(iova, 7);
    assert_int_equal(portcam_dma_alloc(dev, 256, 64, &vaddr, &iova), 0);
    assert_err(portcam_dma_free(dev, (char *)vaddr + 64), EINVAL);
    assert_says("did not come from this device");
    assert_int_equal(portcam_dma_free(dev, vaddr), 0);
    assert_err(portcam_dma_free(dev, vaddr), EINVAL);
    assert_int_equal(portcam_dma_free(dev, NULL), 0);
    portcam_dev_close(dev);
}

static void addresses(void **state)
{
    struct portcam_dev *dev = open_model(2u << 20, 32);
    static _Alignas(4096) char memory[4096];
    void *vaddr;
    uint64_t iova = 0;

    (void)state;
    /* what the program mapped itself is walked around */
    assert_int_equal(portcam_map_dma(dev, 16u << 20, 4096, -1, 0, memory, PORTCAM_DMA_READ), 0);
    assert_int_equal(portcam_dma_alloc(dev, 1, 0, &vaddr, &iova), 0);
    assert_int_equal(iova, 18u << 20);
    /* a card with few address bits gets no address that it cannot form */
    dev->info.ranges[0].first = 0xffe00000;
    assert_int_equal(portcam_dma_alloc(dev, 2u << 20, 0, &vaddr, &iova), 0);
    assert_int_equal(iova, 0xffe00000);
    assert_err(portcam_dma_alloc(dev, 2u << 20, 0, &vaddr, &iova), ENOSPC);
    assert_says("no room for 2 MiB of DMA addresses");
    dev->info.ranges[0].first = 0;
    assert_err(portcam_dma_alloc(dev, (size_t)4 << 30, 0, &vaddr, &iova), ENOSPC);
    portcam_dev_close(dev);
}

static void not_in_children(void **state)
{
    struct portcam_dev *dev = open_model(2u << 20, 0);
    void *vaddr;
    uint64_t iova;
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(portcam_dma_alloc(dev, 4096, 4096, &vaddr, &iova), 0);
    child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        unsigned char in_core;

        _exit(mincore(vaddr, 4096, &in_core) != 0 && errno == ENOMEM ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    portcam_dev_close(dev);
}

/* Others get its descriptor: they may look, and nothing else. */
static void file(void **state)
{
    struct portcam_dev *dev = open_model(2u << 20, 0);
    unsigned char *vaddr = NULL;
    uint64_t iova = 0;
    int fd = -1;

    (void)state;
    assert_err(portcam_dma_alloc_file(dev, 0, (void **)&vaddr, &iova, &fd), EINVAL);
    assert_int_equal(portcam_dma_alloc_file(dev, 5000, (void **)&vaddr, &iova, &fd), 0);
    assert_int_equal(iova % PC_ARENA_GRAIN, 0);
    const unsigned char *seen = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(seen, MAP_FAILED);
    assert_int_equal(pc_dma_table_write(&dev->maps, iova + 100, "card", 4), 0);
    assert_memory_equal(seen + 100, "card", 4);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    munmap((void *)(uintptr_t)seen, 4096);
    assert_int_equal(portcam_dma_free(dev, vaddr), 0);
    assert_err(portcam_dma_free(dev, vaddr), EINVAL);
    assert_int_equal(pc_dma_table_write(&dev->maps, iova, "card", 4), -EFAULT);
    assert_int_equal(portcam_dma_alloc_file(dev, 5000, (void **)&vaddr, &iova, &fd), 0);
    portcam_dev_close(dev); /* takes what is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("dma table: overlaps, exact removal", table_overlaps),
        TEST("dma table: copies across mappings, permissions", table_copies),
        TEST("arena: pieces are apart, aligned, zeroed and joined again", pieces),
        TEST("arena: more than a chunk, more than 2 MiB alignment", large_pieces),
        TEST("arena: bad requests leave outputs alone", bad_requests),
        TEST("arena: addresses from the ranges, above 16 MiB, within the card's bits", addresses),
        TEST("arena: memory is not inherited by fork", not_in_children),
        TEST("arena: a file of its own, which others can only read", file),
    };

    return cmocka_run_group_tests_name("dma", tests, NULL, NULL);
}
