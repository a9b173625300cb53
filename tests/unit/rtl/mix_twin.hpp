// SPDX-License-Identifier: Apache-2.0
//
// The twin of portcam_mix in C.
#pragma once

#include <cstdint>

inline uint64_t mix(uint64_t hash)
{
    static const uint8_t box[16] = {12, 5, 6, 11, 9, 0, 10, 13, 3, 14, 15, 8, 4, 7, 1, 2};
    for (unsigned round = 0; round < 2; round++) {
        uint64_t next = 0;
        for (unsigned i = 0; i < 64; i++) {
            uint64_t bit = box[hash >> (i & 60) & 15] >> (i & 3) & 1;
            next |= bit << (i == 63 ? 63 : 16 * i % 63);
        }
        hash = next;
    }
    return hash;
}
