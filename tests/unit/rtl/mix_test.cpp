// SPDX-License-Identifier: Apache-2.0
//
// portcam_mix: equal to its twin in C; the differences of two hashes do not go through it alone, as they do through a Toeplitz
// hash.

#include <cinttypes>
#include <cstdlib>

#include "Vportcam_mix.h"
#include "tap.hpp"

namespace
{

uint64_t mix(uint64_t hash)
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

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], nullptr, 0) : 1;
    printf("# seed %" PRIu64 "\n", seed);
    Random dice(seed);
    Tap tap;
    Vportcam_mix top;
    auto mixed = [&](uint64_t hash) {
        top.hash_i = hash;
        top.eval();
        return uint64_t(top.hash_o);
    };
    auto check = [&](uint64_t hash) {
        if (mixed(hash) != mix(hash))
            tap.fail("%016" PRIx64 " gives %016" PRIx64, hash, mixed(hash));
    };
    check(0);
    check(~0ull);
    for (int i = 0; i < 64; i++)
        check(1ull << i);
    for (int i = 0; i < 100000; i++)
        check(dice.next());
    tap.done("the mix is its twin in C");
    for (int i = 0; i < 100000; i++) {
        uint64_t a = dice.next(), b = dice.next();
        if ((mixed(a) ^ mixed(b)) == (mixed(a ^ b) ^ mixed(0)))
            tap.fail("linear at %016" PRIx64 " and %016" PRIx64, a, b);
    }
    tap.done("the mix is not linear");
    return tap.finish();
}
