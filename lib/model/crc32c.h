/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) without final inversion, the seed as initial register: the hash of
 * the endpoint tables. */
#ifndef PC_MODEL_CRC32C_H
#define PC_MODEL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The register after `len` more bytes; calls may be chained. Context: any thread. */
uint32_t pc_crc32c(uint32_t crc, const void *data, size_t len);

#ifdef __cplusplus
}
#endif

#endif
