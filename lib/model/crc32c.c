// SPDX-License-Identifier: Apache-2.0
/* CRC-32C, eight bytes a step by eight tables (slicing by 8); the tables are made before main(). */
#include "crc32c.h"

#include <string.h>

static uint32_t table[8][256];

__attribute__((constructor)) static void make_tables(void)
{
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
        table[0][n] = c;
    }
    for (int t = 1; t < 8; t++)
        for (int n = 0; n < 256; n++)
            table[t][n] = table[t - 1][n] >> 8 ^ table[0][table[t - 1][n] & 255];
}

uint32_t pc_crc32c(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t w;
        memcpy(&w, p, 8); /* little-endian hosts only, as portcam_defs.h demands */
        w ^= crc;
        crc = table[7][w & 255] ^ table[6][w >> 8 & 255] ^ table[5][w >> 16 & 255] ^
              table[4][w >> 24 & 255] ^ table[3][w >> 32 & 255] ^ table[2][w >> 40 & 255] ^
              table[1][w >> 48 & 255] ^ table[0][w >> 56];
    }
    for (; len; len--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 255];
    return crc;
}
