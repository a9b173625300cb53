/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): the hash of names, one key a use. */
#ifndef PC_SIPHASH_H
#define PC_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define PC_SIPHASH_KEY 16 /* bytes */

/* The same on every machine, whatever its byte order. Context: any thread. */
uint64_t pc_siphash(const uint8_t key[PC_SIPHASH_KEY], const void *data, size_t len);

#endif
