// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: a card that lies to the mirror of its connections; see mirror_lies.h. */
#include "mirror_lies.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    mirror_lies(in, len);
    return 0;
}
