// SPDX-License-Identifier: Apache-2.0
/*
 * The VERSION exchange of a vfio-user client: what both sides can do, from the JSON of the reply.
 */
#ifndef PC_VFU_VERSION_H
#define PC_VFU_VERSION_H

#include <stddef.h>
#include <stdint.h>

struct pc_vfuc_conn;

/* Capabilities of the server, bounded by ours. */
struct pc_vfuc_caps {
    unsigned max_fds;       /* in one message, 1 to PC_VFU_MAX_FDS */
    uint32_t max_data_xfer; /* bytes of a DMA message */
    uint32_t max_dma_maps;
    uint64_t page_sizes;
};

/* Return: 0, -EPROTONOSUPPORT other major version, -EPROTO nonsense, or as pc_vfuc_call(). */
int pc_vfuc_version(struct pc_vfuc_conn *c, struct pc_vfuc_caps *ret);

/*
 * The JSON text alone, `len` bytes of which the last is NUL. Return: 0 or -EPROTO without a
 * sentence.
 */
int pc_vfuc_parse_caps(const char *text, size_t len, struct pc_vfuc_caps *ret);

#endif /* PC_VFU_VERSION_H */
