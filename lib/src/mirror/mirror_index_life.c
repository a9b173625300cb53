// SPDX-License-Identifier: Apache-2.0
/* Making and releasing the index of connections; see mirror_index.c. All its memory is taken here. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "mirror_index.h"

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

struct pc_mirror_index *pc_index_new(uint32_t slots)
{
    struct pc_mirror_index *x = calloc(1, sizeof(*x));
    uint32_t buckets = 1;

    if (!x)
        return NULL;
    x->nodes = slots + slots / 8 + 1024; /* some are lost, while others are in their slots */
    while (buckets < x->nodes / 5)       /* of seven places five at most are taken */
        buckets *= 2;
    x->mask = buckets - 1;
    x->pool = pc_index_memory(x->nodes * sizeof(*x->pool));
    x->forward = pc_index_memory(buckets * sizeof(*x->forward));
    x->reverse = pc_index_memory(buckets * sizeof(*x->reverse));
    if (!x->pool || !x->forward || !x->reverse ||
        getrandom(x->key, sizeof(x->key), 0) != (ssize_t)sizeof(x->key)) {
        pc_index_free(x);
        return NULL;
    }
    return x;
}

void pc_index_free(struct pc_mirror_index *x)
{
    if (!x)
        return;
    free(x->forward);
    free(x->reverse);
    free(x->pool);
    free(x);
}
