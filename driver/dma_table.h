// SPDX-License-Identifier: Apache-2.0
/*
 * Which memory of this process the card may reach: every mapping of a device, by IO virtual
 * address.
 *
 * Keeps mappings apart, finds exact ones for unmapping, and copies on behalf of cards that reach
 * memory through this process (the model, a vfio-user server without the file). It does not tell
 * the IOMMU anything. All functions lock for themselves; a copy holds the lock, so a mapping cannot
 * go away under it.
 */
#ifndef PC_DMA_TABLE_H
#define PC_DMA_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pc_dma_entry {
    uint64_t iova;
    uint64_t size;
    void *vaddr;
    uint32_t flags; /* PORTCAM_DMA_* */
};

struct pc_dma_table {
    pthread_rwlock_t lock;
    struct pc_dma_entry *entries; /* ascending, not overlapping */
    size_t count;
    size_t room;
};

int pc_dma_table_init(struct pc_dma_table *t);
void pc_dma_table_fini(struct pc_dma_table *t);

/* Return: 0, -EEXIST for an overlap, -EINVAL for no size or wrap-around, -ENOMEM. */
int pc_dma_table_add(struct pc_dma_table *t, const struct pc_dma_entry *entry);

/*
 * Removes the mapping that is exactly this. Return: 0, -ENOENT nothing there, -EINVAL a part or
 * several.
 */
int pc_dma_table_take(struct pc_dma_table *t, uint64_t iova, uint64_t size,
                      struct pc_dma_entry *ret);

/* Removes any mapping. Return: 0, -ENOENT when empty. */
int pc_dma_table_take_any(struct pc_dma_table *t, struct pc_dma_entry *ret);

/*
 * Does anything overlap [iova, iova + size)? If so *ret_end is the first address after the last
 * such mapping.
 */
bool pc_dma_table_overlaps(struct pc_dma_table *t, uint64_t iova, uint64_t size, uint64_t *ret_end);

/* How many mappings there are, and how many bytes. */
size_t pc_dma_table_count(struct pc_dma_table *t);
uint64_t pc_dma_table_bytes(struct pc_dma_table *t);

/*
 * Copies for the card, which may cross adjacent mappings. Nothing is copied unless all of it may
 * be. Of a write of up to 64 bytes the first word is stored first and the last word last, each whole, so
 * that a poller of lap counters or record versions sees what a card's posted write would show it.
 * Return: 0, -EFAULT not mapped, -EACCES mapped without the permission.
 */
int pc_dma_table_read(struct pc_dma_table *t, uint64_t iova, void *dst, size_t len);
int pc_dma_table_write(struct pc_dma_table *t, uint64_t iova, const void *src, size_t len);

#endif /* PC_DMA_TABLE_H */
