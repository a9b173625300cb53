// SPDX-License-Identifier: Apache-2.0
/*
 * The trace ring: samples of packets that the card writes, docs/pipeline.md section 10. Here is the
 * ring, with the filter as the registers have it; lib/src/trace gives it names.
 *
 * Context: one thread at a time.
 */
#ifndef PC_SAMPLES_H
#define PC_SAMPLES_H

#include <portcam/dev.h>

#include "portcam_defs.h"

struct pc_samples;

/* What a packet has to be; all of it. */
struct pc_samples_filter {
    uint8_t src[16], src_mask[16], dst[16], dst_mask[16];
    uint16_t src_port, src_port_mask, dst_port, dst_port_mask;
    uint32_t what;        /* register TRACE_FILTER */
    uint64_t reasons;     /* bits of enum portcam_reason */
    uint16_t every;       /* n-th match */
    uint16_t rate, burst; /* samples a second, at once; not 0 */
};

struct pc_samples_counts {
    uint32_t matched, limited, lost; /* since the start, as the registers have them */
};

/* 2^log2_size entries, 2 to 12. Return: 0; -EOPNOTSUPP the card cannot; -EIO, -ETIMEDOUT, -ENODEV,
 * -ENOMEM, or -errno. */
int pc_samples_open(struct portcam_dev *dev, unsigned log2_size,
                    const struct pc_samples_filter *filter, struct pc_samples **ret);

/* Starts anew, empty, after an error or a reset of the card. Return: as pc_samples_open(). */
int pc_samples_restart(struct pc_samples *t);

/* One entry of the ring, a copy. Nothing in it is checked. */
struct pc_samples_entry {
    struct portcam_trace_header header;
    uint8_t head[PORTCAM_TRACE_WINDOW];
};

/*
 * The next entry that is there, without waiting. An entry whose lap cannot be is skipped and counted
 * in *nonsense. Return: 1 there is one; 0 there is none; -ESTALE the card was reset; -EIO it stopped
 * the ring; -ENODEV; or -errno.
 */
int pc_samples_next(struct pc_samples *t, struct pc_samples_entry *ret, uint64_t *nonsense);

/* Return: 0, -ESTALE the card was reset and has no counts, or -errno. */
int pc_samples_count(struct pc_samples *t, struct pc_samples_counts *ret);

/* If the card does not confirm that it stopped, DMA of the whole device is forbidden first. */
void pc_samples_close(struct pc_samples *t);

#endif /* PC_SAMPLES_H */
