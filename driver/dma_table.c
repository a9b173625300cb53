// SPDX-License-Identifier: Apache-2.0
/*
 * The table of DMA mappings, see dma_table.h: a sorted array under a read-write lock.
 */
#include "dma_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <portcam/dev.h>

int pc_dma_table_init(struct pc_dma_table *t)
{
    memset(t, 0, sizeof(*t));
    return -pthread_rwlock_init(&t->lock, NULL);
}

void pc_dma_table_fini(struct pc_dma_table *t)
{
    free(t->entries);
    t->entries = NULL;
    pthread_rwlock_destroy(&t->lock);
}

/* Index of the first entry whose last byte is at or above iova. */
static size_t first_reaching(const struct pc_dma_table *t, uint64_t iova)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct pc_dma_entry *e = &t->entries[mid];

        if (e->iova + (e->size - 1) < iova)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool bad_span(uint64_t iova, uint64_t size)
{
    return size == 0 || iova + (size - 1) < iova;
}

int pc_dma_table_add(struct pc_dma_table *t, const struct pc_dma_entry *entry)
{
    int err = 0;
    size_t at;

    if (bad_span(entry->iova, entry->size))
        return -EINVAL;
    pthread_rwlock_wrlock(&t->lock);
    at = first_reaching(t, entry->iova);
    if (at < t->count && t->entries[at].iova <= entry->iova + (entry->size - 1)) {
        err = -EEXIST;
        goto out;
    }
    if (t->count == t->room) {
        size_t room = t->room ? t->room * 2 : 8;
        struct pc_dma_entry *grown = realloc(t->entries, room * sizeof(*grown));

        if (!grown) {
            err = -ENOMEM;
            goto out;
        }
        t->entries = grown;
        t->room = room;
    }
    memmove(&t->entries[at + 1], &t->entries[at], (t->count - at) * sizeof(*t->entries));
    t->entries[at] = *entry;
    t->count++;
out:
    pthread_rwlock_unlock(&t->lock);
    return err;
}

static void remove_at(struct pc_dma_table *t, size_t at)
{
    t->count--;
    memmove(&t->entries[at], &t->entries[at + 1], (t->count - at) * sizeof(*t->entries));
}

int pc_dma_table_take(struct pc_dma_table *t, uint64_t iova, uint64_t size,
                      struct pc_dma_entry *ret)
{
    int err = 0;
    size_t at;

    if (bad_span(iova, size))
        return -EINVAL;
    pthread_rwlock_wrlock(&t->lock);
    at = first_reaching(t, iova);
    if (at == t->count || t->entries[at].iova > iova + (size - 1)) {
        err = -ENOENT;
    } else if (t->entries[at].iova != iova || t->entries[at].size != size) {
        err = -EINVAL;
    } else {
        *ret = t->entries[at];
        remove_at(t, at);
    }
    pthread_rwlock_unlock(&t->lock);
    return err;
}

int pc_dma_table_take_any(struct pc_dma_table *t, struct pc_dma_entry *ret)
{
    int err = -ENOENT;

    pthread_rwlock_wrlock(&t->lock);
    if (t->count > 0) {
        *ret = t->entries[--t->count];
        err = 0;
    }
    pthread_rwlock_unlock(&t->lock);
    return err;
}

bool pc_dma_table_overlaps(struct pc_dma_table *t, uint64_t iova, uint64_t size, uint64_t *ret_end)
{
    bool found = false;
    uint64_t end = 0;

    pthread_rwlock_rdlock(&t->lock);
    for (size_t i = first_reaching(t, iova);
         i < t->count && t->entries[i].iova <= iova + (size - 1); i++) {
        end = t->entries[i].iova + t->entries[i].size;
        found = true;
    }
    pthread_rwlock_unlock(&t->lock);
    if (found)
        *ret_end = end;
    return found;
}

size_t pc_dma_table_count(struct pc_dma_table *t)
{
    size_t count;

    pthread_rwlock_rdlock(&t->lock);
    count = t->count;
    pthread_rwlock_unlock(&t->lock);
    return count;
}

uint64_t pc_dma_table_bytes(struct pc_dma_table *t)
{
    uint64_t bytes = 0;

    pthread_rwlock_rdlock(&t->lock);
    for (size_t i = 0; i < t->count; i++)
        bytes += t->entries[i].size;
    pthread_rwlock_unlock(&t->lock);
    return bytes;
}

/* Is all of the span mapped with this permission? Called with the lock held. */
static int check_span(const struct pc_dma_table *t, uint64_t iova, size_t len, uint32_t need)
{
    uint64_t last;

    if (len == 0)
        return 0;
    last = iova + (len - 1);
    if (last < iova)
        return -EFAULT;
    for (size_t i = first_reaching(t, iova);; i++) {
        const struct pc_dma_entry *e;

        if (i == t->count || t->entries[i].iova > iova)
            return -EFAULT;
        e = &t->entries[i];
        if (!(e->flags & need))
            return -EACCES;
        if (e->iova + (e->size - 1) >= last)
            return 0;
        iova = e->iova + e->size;
    }
}

/* Longer writes are not polled while they are made. */
enum { POLLED_MAX = 64 };

static void store_ordered(void *to, const void *from, size_t len)
{
    uint32_t *words = to, word;

    if (len < 8 || len > POLLED_MAX || len % 4 || (uintptr_t)to % 4) {
        memcpy(to, from, len);
        return;
    }
    memcpy(&word, from, 4);
    __atomic_store_n(&words[0], word, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (size_t i = 1; i < len / 4 - 1; i++) {
        memcpy(&word, (const char *)from + 4 * i, 4);
        __atomic_store_n(&words[i], word, __ATOMIC_RELAXED);
    }
    memcpy(&word, (const char *)from + len - 4, 4);
    __atomic_store_n(&words[len / 4 - 1], word, __ATOMIC_RELEASE);
}

int pc_dma_table_read(struct pc_dma_table *t, uint64_t iova, void *dst, size_t len)
{
    int err;

    pthread_rwlock_rdlock(&t->lock);
    err = check_span(t, iova, len, PORTCAM_DMA_READ);
    for (size_t i = first_reaching(t, iova); !err && len > 0; i++) {
        const struct pc_dma_entry *e = &t->entries[i];
        uint64_t skip = iova - e->iova;
        size_t n = len < e->size - skip ? len : (size_t)(e->size - skip);

        memcpy(dst, (const char *)e->vaddr + skip, n);
        dst = (char *)dst + n;
        iova += n;
        len -= n;
    }
    pthread_rwlock_unlock(&t->lock);
    return err;
}

int pc_dma_table_write(struct pc_dma_table *t, uint64_t iova, const void *src, size_t len)
{
    int err;

    pthread_rwlock_rdlock(&t->lock);
    err = check_span(t, iova, len, PORTCAM_DMA_WRITE);
    for (size_t i = first_reaching(t, iova); !err && len > 0; i++) {
        const struct pc_dma_entry *e = &t->entries[i];
        uint64_t skip = iova - e->iova;
        size_t n = len < e->size - skip ? len : (size_t)(e->size - skip);

        store_ordered((char *)e->vaddr + skip, src, n);
        src = (const char *)src + n;
        iova += n;
        len -= n;
    }
    pthread_rwlock_unlock(&t->lock);
    return err;
}
