// SPDX-License-Identifier: Apache-2.0
/*
 * A ring of packets in host memory, as the pages punt, inject and trace of the registers have it:
 * started, stopped, looked after. Each of these pages begins with base, size, control and status.
 *
 * Indices are free-running 32-bit numbers; an entry is at index modulo size.
 */
#ifndef PC_HOST_RING_H
#define PC_HOST_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct portcam_dev;

enum { PC_HOST_RING_MIN_LOG2 = 2, PC_HOST_RING_MAX_LOG2 = 12, PC_HOST_RING_ALIGN = 4096 };

struct pc_host_ring {
    struct portcam_dev *dev;
    uint32_t base; /* of its page of registers */
    const char *name;
    unsigned log2_size;
    uint32_t size;
    uint8_t *memory;
    uint64_t iova;
};

/* Memory for the entries, freed with portcam_dma_free(). 0 or -errno. */
int pc_host_ring_alloc(struct pc_host_ring *r, size_t entry_bytes);

/* The device is started already. Return: 0; -EIO the card refuses it; -ETIMEDOUT; or -errno. */
int pc_host_ring_start(const struct pc_host_ring *r);

/* When it returns 0 the card uses the memory no more. */
int pc_host_ring_stop(const struct pc_host_ring *r);

/* Does it run? Return: 0, -EIO with the card's reason, -ENODEV, or -errno. */
int pc_host_ring_check(const struct pc_host_ring *r);

/*
 * Stops all that writes to memory of the host, before this process lets the card do so: one that was killed may have left it
 * running, with addresses that are somebody else's now. 0 or -errno.
 */
int pc_host_rings_quiet(struct portcam_dev *dev);

/* What the lap word of the entry at an index says. */
enum pc_lap { PC_LAP_OLD, PC_LAP_NEW, PC_LAP_NONSENSE };
enum pc_lap pc_host_ring_lap(const struct pc_host_ring *r, uint32_t index, uint32_t lap);

#endif /* PC_HOST_RING_H */
