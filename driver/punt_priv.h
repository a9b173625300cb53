// SPDX-License-Identifier: Apache-2.0
/*
 * What the rooms of the punt and inject rings share: the rings themselves.
 *
 * Indices are free-running 32-bit numbers; an entry is at index modulo size.
 */
#ifndef PC_PUNT_PRIV_H
#define PC_PUNT_PRIV_H

#include <portcam/punt.h>

#include "host_ring.h"

struct portcam_punt {
    struct portcam_dev *dev;
    struct portcam_punt_opts opts;
    unsigned functions; /* of the card */
    uint32_t max_frame;
    struct pc_host_ring punt, inject;
    uint8_t *frames; /* of inject, one piece of `stride` bytes for each entry */
    uint64_t frames_iova;
    uint32_t stride;
    uint32_t next;         /* next packet to poll */
    uint32_t released;     /* up to here PUNT_HEAD is told */
    uint32_t tail;         /* next descriptor to write */
    uint32_t head;         /* descriptors known to be finished */
    bool broken, unusable; /* receiving, sending */
};

#endif /* PC_PUNT_PRIV_H */
