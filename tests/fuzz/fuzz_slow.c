// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: packets to the slow path, of a card that lies and of those who send them. */
#include "slow_lies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slow_lies(data, size);
    return 0;
}
