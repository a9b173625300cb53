// SPDX-License-Identifier: Apache-2.0
/*
 * The DMA arena, see arena.h: chunks of shared memory, and lists of free and used pieces of them.
 */
#include "arena.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dev_ops.h"
#include "err.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { MIN_ALIGN = 64 };

struct pc_arena_chunk {
    struct pc_arena_chunk *next;
    char *vaddr;
    uint64_t iova;
    size_t size;
    int fd;
};

struct pc_arena_piece {
    struct pc_arena_piece *next; /* free pieces ascend within a chunk */
    struct pc_arena_chunk *chunk;
    size_t offset;
    size_t size;
};

int pc_arena_init(struct pc_arena *a, size_t chunk_size, unsigned dma_bits)
{
    memset(a, 0, sizeof(*a));
    a->chunk_size = chunk_size;
    a->dma_bits = dma_bits;
    return -pthread_mutex_init(&a->lock, NULL);
}

static void free_pieces(struct pc_arena_piece *piece)
{
    while (piece) {
        struct pc_arena_piece *next = piece->next;

        free(piece);
        piece = next;
    }
}

static void release_memory(const struct pc_sys *sys, struct pc_arena_chunk *chunk)
{
    sys->munmap(chunk->vaddr, chunk->size);
    sys->close(chunk->fd);
    free(chunk);
}

static void release_chunks(struct portcam_dev *dev, struct pc_arena_chunk *chunk)
{
    while (chunk) {
        struct pc_arena_chunk *next = chunk->next;

        portcam_unmap_dma(dev, chunk->iova, chunk->size);
        release_memory(dev->sys, chunk);
        chunk = next;
    }
}

void pc_arena_fini(struct pc_arena *a, struct portcam_dev *dev)
{
    free_pieces(a->free);
    free_pieces(a->used);
    release_chunks(dev, a->chunks);
    release_chunks(dev, a->files);
    pthread_mutex_destroy(&a->lock);
}

/*
 * One attempt with the given memfd flags: file, size, mapping. The size is sealed: whoever gets its descriptor
 * (the process that is the card) may rely on it.
 */
static int get_memory(const struct pc_sys *sys, unsigned flags, int seals,
                      struct pc_arena_chunk *chunk)
{
    int err;
    int fd = sys->memfd_create("portcam-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    void *p;

    if (fd < 0)
        return -errno;
    if (sys->ftruncate(fd, (off_t)chunk->size) != 0 || sys->add_seals(fd, seals) != 0) {
        err = -errno;
        sys->close(fd);
        return err;
    }
    p = sys->mmap(NULL, chunk->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        err = -errno;
        sys->close(fd);
        return err;
    }
    chunk->fd = fd;
    chunk->vaddr = p;
    return 0;
}

/* The lowest free address for `size` bytes in the device's ranges. */
static int choose_iova(struct portcam_dev *dev, unsigned dma_bits, uint64_t size, uint64_t *ret)
{
    uint64_t top = dma_bits >= 64 ? UINT64_MAX : (1ull << dma_bits) - 1;

    for (unsigned i = 0; i < dev->info.n_ranges; i++) {
        uint64_t last = dev->info.ranges[i].last < top ? dev->info.ranges[i].last : top;
        uint64_t at = dev->info.ranges[i].first;

        if (at < PC_ARENA_LOWEST_IOVA)
            at = PC_ARENA_LOWEST_IOVA;
        for (;;) {
            uint64_t aligned = (at + PC_ARENA_GRAIN - 1) & ~(PC_ARENA_GRAIN - 1);

            if (aligned < at || aligned > last || last - aligned < size - 1)
                break;
            if (!pc_dma_table_overlaps(&dev->maps, aligned, size, &at)) {
                *ret = aligned;
                return 0;
            }
            if (at == 0) /* the mapping in the way ends with the address space */
                break;
        }
    }
    return pc_fail(-ENOSPC,
                   "no room for %llu MiB of DMA addresses: free memory or allow more address bits",
                   (unsigned long long)(size >> 20));
}

/* A new chunk that the card can reach; it is in no list. One that others read is sealed against writing when the card has
 * its mapping. */
static int get_chunk(struct pc_arena *a, struct portcam_dev *dev, size_t size, bool others_read,
                     struct pc_arena_chunk **ret)
{
    const struct pc_sys *sys = dev->sys;
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | (others_read ? 0 : F_SEAL_SEAL);
    struct pc_arena_chunk *chunk = calloc(1, sizeof(*chunk));
    int err;

    if (!chunk)
        return pc_fail(-ENOMEM, "out of memory");
    chunk->size = (size + PC_ARENA_GRAIN - 1) & ~(size_t)(PC_ARENA_GRAIN - 1);
    if (get_memory(sys, MFD_HUGETLB | MFD_HUGE_2MB, seals, chunk) != 0) {
        err = get_memory(sys, 0, seals, chunk);
        if (err) {
            err = pc_fail(err, "no %zu MiB of shared memory for DMA: %s", chunk->size >> 20,
                          pc_strerror(err));
            free(chunk);
            return err;
        }
        sys->madvise(chunk->vaddr, chunk->size, MADV_HUGEPAGE);
    }
    if (sys->madvise(chunk->vaddr, chunk->size, MADV_DONTFORK) != 0) {
        err = -errno;
        err = pc_fail(err, "DMA memory cannot be kept from child processes: %s", pc_strerror(err));
        goto out_memory;
    }
    err = choose_iova(dev, a->dma_bits, chunk->size, &chunk->iova);
    if (!err)
        err = portcam_map_dma(dev, chunk->iova, chunk->size, chunk->fd, 0, chunk->vaddr,
                              PORTCAM_DMA_READ | PORTCAM_DMA_WRITE);
    if (err)
        goto out_memory;
    if (others_read && sys->add_seals(chunk->fd, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
        err = -errno;
        err = pc_fail(err, "DMA memory cannot be sealed: %s", pc_strerror(err));
        portcam_unmap_dma(dev, chunk->iova, chunk->size);
        goto out_memory;
    }
    *ret = chunk;
    return 0;

out_memory:
    release_memory(sys, chunk);
    return err;
}

static int add_chunk(struct pc_arena *a, struct portcam_dev *dev, size_t need)
{
    struct pc_arena_piece *piece = calloc(1, sizeof(*piece));
    struct pc_arena_chunk *chunk = NULL;
    int err;

    if (!piece)
        return pc_fail(-ENOMEM, "out of memory");
    err = get_chunk(a, dev, need > a->chunk_size ? need : a->chunk_size, false, &chunk);
    if (!chunk) {
        free(piece);
        return err;
    }
    chunk->next = a->chunks;
    a->chunks = chunk;
    piece->chunk = chunk;
    piece->size = chunk->size;
    piece->next = a->free;
    a->free = piece;
    return 0;
}

int pc_arena_alloc_file(struct pc_arena *a, struct portcam_dev *dev, size_t size, void **vaddr,
                        uint64_t *iova, int *fd)
{
    struct pc_arena_chunk *chunk = NULL;
    int err;

    if (size == 0 || size > PC_ARENA_MAX_CHUNK)
        return pc_fail(-EINVAL, "bad DMA allocation: a file of %zu bytes", size);
    pthread_mutex_lock(&a->lock);
    err = get_chunk(a, dev, size, true, &chunk);
    if (chunk) {
        chunk->next = a->files;
        a->files = chunk;
        *vaddr = chunk->vaddr;
        *iova = chunk->iova;
        *fd = chunk->fd;
    }
    pthread_mutex_unlock(&a->lock);
    return err;
}

/*
 * Cuts the front `pad` bytes and the bytes after `size` from a free piece, leaving it as the piece
 * to use.
 */
static int cut(struct pc_arena_piece **link, size_t pad, size_t size)
{
    struct pc_arena_piece *piece = *link;
    struct pc_arena_piece *front = NULL;
    struct pc_arena_piece *back = NULL;

    if (pad > 0) {
        front = malloc(sizeof(*front));
        if (!front)
            return -ENOMEM;
    }
    if (piece->size > pad + size) {
        back = malloc(sizeof(*back));
        if (!back) {
            free(front);
            return -ENOMEM;
        }
    }
    *link = piece->next;
    if (back) {
        *back = (struct pc_arena_piece){*link, piece->chunk, piece->offset + pad + size,
                                        piece->size - pad - size};
        *link = back;
    }
    if (front) {
        *front = (struct pc_arena_piece){*link, piece->chunk, piece->offset, pad};
        *link = front;
    }
    piece->offset += pad;
    piece->size = size;
    return 0;
}

static int take_piece(struct pc_arena *a, size_t size, size_t align, struct pc_arena_piece **ret)
{
    for (struct pc_arena_piece **link = &a->free; *link; link = &(*link)->next) {
        struct pc_arena_piece *piece = *link;
        uint64_t at = piece->chunk->iova + piece->offset;
        uint64_t pad = -at & (align - 1);
        int err;

        if (pad >= piece->size || piece->size - pad < size)
            continue;
        err = cut(link, (size_t)pad, size);
        if (err)
            return pc_fail(err, "out of memory");
        piece->next = a->used;
        a->used = piece;
        *ret = piece;
        return 0;
    }
    return -EAGAIN;
}

int pc_arena_alloc(struct pc_arena *a, struct portcam_dev *dev, size_t size, size_t align,
                   void **vaddr, uint64_t *iova)
{
    struct pc_arena_piece *piece = NULL;
    size_t need;
    int err;

    if (align == 0)
        align = MIN_ALIGN;
    if (size == 0 || (align & (align - 1)) || align > PC_ARENA_MAX_CHUNK ||
        size > PC_ARENA_MAX_CHUNK)
        return pc_fail(-EINVAL, "bad DMA allocation: %zu bytes aligned to %zu", size, align);
    if (align < MIN_ALIGN)
        align = MIN_ALIGN;
    size = (size + MIN_ALIGN - 1) & ~(size_t)(MIN_ALIGN - 1);
    need = align > PC_ARENA_GRAIN ? size + align : size;

    pthread_mutex_lock(&a->lock);
    err = take_piece(a, size, align, &piece);
    if (err == -EAGAIN) {
        err = add_chunk(a, dev, need);
        if (!err)
            err = take_piece(a, size, align, &piece);
    }
    if (piece) {
        void *p = piece->chunk->vaddr + piece->offset;

        memset(p, 0, size);
        *vaddr = p;
        *iova = piece->chunk->iova + piece->offset;
    }
    pthread_mutex_unlock(&a->lock);
    return err;
}

/* Puts a piece back in its place in the free list and joins it with its neighbours. */
static void give_back(struct pc_arena *a, struct pc_arena_piece *piece)
{
    struct pc_arena_piece **link = &a->free;
    struct pc_arena_piece *before = NULL;
    struct pc_arena_piece *after;

    while (*link && ((*link)->chunk != piece->chunk || (*link)->offset < piece->offset)) {
        if ((*link)->chunk == piece->chunk)
            before = *link;
        else if (before)
            break;
        link = &(*link)->next;
    }
    after = *link;
    piece->next = after;
    *link = piece;
    if (after && after->chunk == piece->chunk && piece->offset + piece->size == after->offset) {
        piece->size += after->size;
        piece->next = after->next;
        free(after);
    }
    if (before && before->offset + before->size == piece->offset) {
        before->size += piece->size;
        before->next = piece->next;
        free(piece);
    }
}

static int free_file(struct pc_arena *a, struct portcam_dev *dev, const void *vaddr)
{
    for (struct pc_arena_chunk **link = &a->files; *link; link = &(*link)->next) {
        struct pc_arena_chunk *chunk = *link;

        if (chunk->vaddr != vaddr)
            continue;
        *link = chunk->next;
        chunk->next = NULL;
        release_chunks(dev, chunk);
        return 0;
    }
    return -EINVAL;
}

int pc_arena_free(struct pc_arena *a, struct portcam_dev *dev, void *vaddr)
{
    int err;

    if (!vaddr)
        return 0;
    pthread_mutex_lock(&a->lock);
    err = free_file(a, dev, vaddr);
    for (struct pc_arena_piece **link = &a->used; err && *link; link = &(*link)->next) {
        struct pc_arena_piece *piece = *link;

        if (piece->chunk->vaddr + piece->offset == (char *)vaddr) {
            *link = piece->next;
            give_back(a, piece);
            err = 0;
            break;
        }
    }
    pthread_mutex_unlock(&a->lock);
    return err ? pc_fail(err, "memory at %p did not come from this device", vaddr) : 0;
}
