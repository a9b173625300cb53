/* SPDX-License-Identifier: Apache-2.0 */
/* Incremental Internet checksums, RFC 1624 equation 3: HC' = ~(~HC + ~m + m'), all changed words summed before one fold.
 * Words are taken as they lie in memory: the ones' complement sum does not depend on the byte order (RFC 1071 2B). */
#ifndef PC_MODEL_CHECKSUM_H
#define PC_MODEL_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint16_t pc_fold(uint64_t sum)
{
    sum = (sum & 0xffffffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16 & 0xffffu) + (sum >> 32);
    sum = (sum & 0xffffu) + (sum >> 16);
    sum = (sum & 0xffffu) + (sum >> 16);
    return (uint16_t)sum;
}

/* Sum of ~m + m' over `len` bytes (even) that change from `from` to `to`; add several of these, then fold once. */
static inline uint64_t pc_checksum_delta(const void *from, const void *to, size_t len)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i += 2) {
        uint16_t m, n;
        memcpy(&m, (const uint8_t *)from + i, 2);
        memcpy(&n, (const uint8_t *)to + i, 2);
        sum += (uint16_t)~m + (uint64_t)n;
    }
    return sum;
}

/* The checksum after a change of `delta` (RFC 1624 equation 3). */
static inline uint16_t pc_checksum_update(uint16_t sum, uint64_t delta)
{
    return (uint16_t)~pc_fold((uint16_t)~sum + delta);
}

#ifdef __cplusplus
}
#endif

#endif
