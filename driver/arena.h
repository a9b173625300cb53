// SPDX-License-Identifier: Apache-2.0
/*
 * DMA memory of a device: a few large shared mappings (memfd, 2 MiB pages where there are any),
 * handed out in pieces.
 *
 * Few mappings because type1 has an entry limit and cannot unmap a part, and because 2 MiB pages
 * keep the IOTLB quiet. Addresses come from the device's ranges, never below 16 MiB, so that a null
 * address in a descriptor always faults. Pieces are found first-fit in a list that is joined again
 * on free: meant for rings, mirrors and buffers that live long, not for objects by the thousand.
 * Functions lock for themselves.
 */
#ifndef PC_ARENA_H
#define PC_ARENA_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct portcam_dev;
struct pc_arena_chunk;
struct pc_arena_piece;

#define PC_ARENA_LOWEST_IOVA (16ull << 20)
#define PC_ARENA_GRAIN (2ull << 20) /* of chunk sizes and addresses */
#define PC_ARENA_MAX_CHUNK (1ull << 40)

struct pc_arena {
    pthread_mutex_t lock;
    size_t chunk_size; /* least size of a new chunk */
    unsigned dma_bits;
    struct pc_arena_chunk *chunks; /* cut into pieces */
    struct pc_arena_chunk *files;  /* each handed out whole */
    struct pc_arena_piece *free;
    struct pc_arena_piece *used;
};

int pc_arena_init(struct pc_arena *a, size_t chunk_size, unsigned dma_bits);

/* Unmaps from the card and releases everything, whether freed or not. */
void pc_arena_fini(struct pc_arena *a, struct portcam_dev *dev);

int pc_arena_alloc(struct pc_arena *a, struct portcam_dev *dev, size_t size, size_t align,
                   void **vaddr, uint64_t *iova);
/* Memory in a file of its own, which no new mapping can change. *fd stays the arena's. */
int pc_arena_alloc_file(struct pc_arena *a, struct portcam_dev *dev, size_t size, void **vaddr,
                        uint64_t *iova, int *fd);

/* Pieces and files; a file is unmapped from the card. */
int pc_arena_free(struct pc_arena *a, struct portcam_dev *dev, void *vaddr);

#endif /* PC_ARENA_H */
