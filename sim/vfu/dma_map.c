// SPDX-License-Identifier: Apache-2.0
/*
 * The table of client memory: which I/O addresses are mapped, with which permission, and where they are.
 *
 * Maps are disjoint intervals in a balanced tree (tsearch): an interval compares equal to whatever it
 * overlaps, so one search finds the map of an address or the map that a new one would collide with. A
 * client with a virtual IOMMU maps every 4 KiB page with a descriptor of its own for the same file; each
 * file is therefore mapped into this process once, found again by device and inode number, and every other
 * descriptor is closed at once. Its size is only known at that moment: pc_client_copy() copes with a file
 * that has become shorter.
 *
 * It does not copy data and does not know about bus master or messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vfu/internal.h"

struct pc_vfu_file {
    dev_t dev;
    ino_t ino;
    int fd;
    uint64_t uses;
    uint8_t *base;
    uint64_t len;
    bool writable;
};

static int by_overlap(const void *a, const void *b)
{
    const struct pc_vfu_map *x = a, *y = b;

    return x->last < y->first ? -1 : x->first > y->last ? 1 : 0;
}

static int by_inode(const void *a, const void *b)
{
    const struct pc_vfu_file *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static struct pc_vfu_map *overlapping(const struct pc_vfu_maps *t, uint64_t first, uint64_t last)
{
    struct pc_vfu_map key = {.first = first, .last = last};
    struct pc_vfu_map **node = tfind(&key, &t->maps, by_overlap);

    return node ? *node : NULL;
}

static void file_put(struct pc_vfu_maps *t, struct pc_vfu_file *f)
{
    if (!f || --f->uses)
        return;
    tdelete(f, &t->files, by_inode);
    t->file_count--;
    munmap(f->base, f->len);
    close(f->fd);
    free(f);
}

/* Maps the first len bytes of fd, writable when fd is. */
static uint8_t *map_file(int fd, uint64_t len, bool writable)
{
    void *base = MAP_FAILED;

    if (len && len <= SIZE_MAX / 2)
        base = mmap(NULL, len, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    return base == MAP_FAILED ? NULL : base;
}

static bool fd_writable(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

/* The same file again: it may have grown, and this descriptor may allow more. Takes over fd. */
static int file_again(struct pc_vfu_file *f, int fd, uint64_t size)
{
    bool writable = fd_writable(fd);

    if (size > f->len || (writable && !f->writable)) {
        bool best = writable || f->writable;
        uint64_t len = size > f->len ? size : f->len;
        uint8_t *base = map_file(writable ? fd : f->fd, len, best);

        if (!base) {
            close(fd);
            return -ENOMEM;
        }
        munmap(f->base, f->len);
        f->base = base;
        f->len = len;
        if (writable && !f->writable) {
            int old = f->fd;

            f->fd = fd;
            f->writable = true;
            fd = old;
        }
    }
    close(fd);
    return 0;
}

/*
 * The file behind fd, mapped; NULL in *out when it is nothing that can be mapped from its beginning (a
 * device), so that messages have to do. Takes over fd.
 */
static int file_get(struct pc_vfu_maps *t, int fd, struct pc_vfu_file **out)
{
    struct stat st;
    struct pc_vfu_file key, *f, **node;

    *out = NULL;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0) {
        close(fd);
        return 0;
    }
    key.dev = st.st_dev;
    key.ino = st.st_ino;
    node = tfind(&key, &t->files, by_inode);
    if (node) {
        int rc = file_again(*node, fd, (uint64_t)st.st_size);

        if (rc)
            return rc;
        (*node)->uses++;
        *out = *node;
        return 0;
    }
    f = calloc(1, sizeof(*f));
    if (f) {
        f->dev = st.st_dev;
        f->ino = st.st_ino;
        f->fd = fd;
        f->uses = 1;
        f->len = (uint64_t)st.st_size;
        f->writable = fd_writable(fd);
        f->base = map_file(fd, f->len, f->writable);
        if (!f->base && f->writable) { /* sealed against writing */
            f->writable = false;
            f->base = map_file(fd, f->len, false);
        }
    }
    if (!f || !f->base || !tsearch(f, &t->files, by_inode)) {
        if (f && f->base)
            munmap(f->base, f->len);
        free(f);
        close(fd);
        return -ENOMEM;
    }
    t->file_count++;
    *out = f;
    return 0;
}

static int check_request(const struct pc_vfu_maps *t, const struct pc_vfu_dma_map *req)
{
    if (!req->size || req->iova + (req->size - 1) < req->iova ||
        req->offset + (req->size - 1) < req->offset ||
        (req->flags & ~(uint32_t)(PC_VFU_DMA_FLAG_READ | PC_VFU_DMA_FLAG_WRITE)))
        return -EINVAL;
    if (overlapping(t, req->iova, req->iova + (req->size - 1)))
        return -EEXIST;
    return t->count >= PC_VFU_DEFAULT_MAX_DMA_MAPS ? -ENOSPC : 0;
}

int pc_vfu_maps_add(struct pc_vfu_maps *t, const struct pc_vfu_dma_map *req, int fd)
{
    struct pc_vfu_file *file = NULL;
    struct pc_vfu_map *m;
    int rc = check_request(t, req);

    if (rc) {
        if (fd >= 0)
            close(fd);
        return rc;
    }
    if (fd >= 0) {
        rc = file_get(t, fd, &file);
        if (rc)
            return rc;
    }
    if (file && (req->offset >= file->len || req->size > file->len - req->offset))
        rc = -EINVAL;
    else if (file && (req->flags & PC_VFU_DMA_FLAG_WRITE) && !file->writable)
        rc = -EACCES;
    m = rc ? NULL : malloc(sizeof(*m));
    if (m) {
        m->first = req->iova;
        m->last = req->iova + (req->size - 1);
        m->offset = req->offset;
        m->flags = req->flags;
        m->file = file;
    }
    if (!m || !tsearch(m, &t->maps, by_overlap)) {
        free(m);
        file_put(t, file);
        return rc ? rc : -ENOMEM;
    }
    t->count++;
    t->fdless += !file;
    return 0;
}

static void forget(struct pc_vfu_maps *t, struct pc_vfu_map *m)
{
    tdelete(m, &t->maps, by_overlap);
    t->count--;
    t->fdless -= !m->file;
    file_put(t, m->file);
    free(m);
}

/*
 * Forgets every map inside the range. A range that holds none succeeds: a virtual IOMMU sends such. A range
 * that would cut a map in two is refused as a whole, as the kernel's TYPE1v2 does.
 */
int pc_vfu_maps_remove(struct pc_vfu_maps *t, uint64_t iova, uint64_t size)
{
    uint64_t last = iova + (size - 1);
    struct pc_vfu_map *m;

    if (!size || last < iova)
        return -EINVAL;
    m = overlapping(t, iova, iova);
    if (m && (m->first < iova || m->last > last))
        return -EINVAL;
    m = overlapping(t, last, last);
    if (m && (m->first < iova || m->last > last))
        return -EINVAL;
    while ((m = overlapping(t, iova, last)))
        forget(t, m);
    return 0;
}

void pc_vfu_maps_clear(struct pc_vfu_maps *t)
{
    struct pc_vfu_map *m;

    while ((m = overlapping(t, 0, UINT64_MAX)))
        forget(t, m);
}

const struct pc_vfu_map *pc_vfu_maps_find(const struct pc_vfu_maps *t, uint64_t iova)
{
    return overlapping(t, iova, iova);
}

uint8_t *pc_vfu_map_at(const struct pc_vfu_map *m, uint64_t iova)
{
    return m->file->base + m->offset + (iova - m->first);
}
