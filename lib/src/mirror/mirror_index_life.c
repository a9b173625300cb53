// SPDX-License-Identifier: Apache-2.0
/* Making and releasing the index of connections; see mirror_index.c. All its memory is taken here. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "mirror_index.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE_PAGE = 2 << 20 };

void *pc_index_memory(size_t size)
{
    size_t whole = (size + HUGE_PAGE - 1) & ~((size_t)HUGE_PAGE - 1);
    void *memory = aligned_alloc(HUGE_PAGE, whole);

    if (memory) {
        (void)madvise(memory, whole, MADV_HUGEPAGE); /* for speed alone */
        memset(memory, 0, whole);
    }
    return memory;
}

/* Its buckets are one range of memory, which is put into large pages where the kernel can. */
static struct cds_lfht *new_table(unsigned long buckets)
{
    struct cds_lfht *table =
        _cds_lfht_new(buckets, buckets, buckets, 0, &cds_lfht_mm_mmap, &rcu_flavor, NULL);

    if (table) {
        uintptr_t first = (uintptr_t)cds_lfht_mm_mmap.bucket_at(table, 0);
        uintptr_t end = first + buckets * sizeof(struct cds_lfht_node);
        first = (first + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
        if (end > first)
            (void)madvise((void *)first, end - first, MADV_COLLAPSE);
    }
    return table;
}

struct pc_mirror_index *pc_index_new(uint32_t slots)
{
    struct pc_mirror_index *x = calloc(1, sizeof(*x));
    unsigned long buckets = 64;

    if (!x)
        return NULL;
    while (buckets < slots)
        buckets *= 2;
    x->bucket_mask = buckets - 1;
    /* Some more than there can be, so that those that were removed can wait for readers. */
    x->nodes = slots + slots / 8 + 1024;
    x->pool = pc_index_memory(x->nodes * sizeof(*x->pool));
    x->forward = new_table(buckets);
    x->reverse = new_table(buckets);
    if (!x->pool || !x->forward || !x->reverse ||
        getrandom(x->key, sizeof(x->key), 0) != (ssize_t)sizeof(x->key)) {
        pc_index_free(x);
        return NULL;
    }
    return x;
}

/* All nodes out of a table, and the table away. */
static void free_table(struct cds_lfht *table)
{
    struct cds_lfht_iter iter;
    struct cds_lfht_node *at;

    if (!table)
        return;
    rcu_read_lock();
    cds_lfht_first(table, &iter);
    for (at = cds_lfht_iter_get_node(&iter); at; at = cds_lfht_iter_get_node(&iter)) {
        (void)cds_lfht_del(table, at);
        cds_lfht_next(table, &iter);
    }
    rcu_read_unlock();
    (void)cds_lfht_destroy(table, NULL);
}

void pc_index_free(struct pc_mirror_index *x)
{
    if (!x)
        return;
    free_table(x->forward);
    free_table(x->reverse);
    free(x->pool);
    free(x);
}
