// SPDX-License-Identifier: Apache-2.0
/*
 * What the rooms of the command ring share: the ring itself.
 *
 * Indices are free-running 32-bit numbers; an entry is at index modulo size.
 */
#ifndef PC_RING_PRIV_H
#define PC_RING_PRIV_H

#include <portcam/ring.h>

struct portcam_ring {
    struct portcam_dev *dev;
    struct portcam_ring_opts opts;
    unsigned log2_size;
    uint32_t size;
    struct portcam_command *commands;
    struct portcam_completion *completions;
    uint64_t commands_iova;
    uint64_t completions_iova;
    uint32_t *cookies; /* our own copy, by entry: what the card must give back */
    uint32_t tail;     /* next command to write */
    uint32_t pushed;   /* doorbell written up to here */
    uint32_t head;     /* commands known to be finished */
    uint32_t cpl_next; /* next completion to read */
    uint32_t cpl_told; /* what CPL_HEAD was set to */
    bool broken;
};

/* Is the ring running? Return: 0, -EIO with the card's reason, -ENODEV, or -errno. */
int pc_ring_check_running(struct portcam_ring *r);

void pc_pause_us(unsigned us);

#endif /* PC_RING_PRIV_H */
