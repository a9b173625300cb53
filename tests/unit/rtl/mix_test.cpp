// SPDX-License-Identifier: Apache-2.0
//
// portcam_mix: equal to its twin in C; the differences of two hashes do not go through it alone, as they do through a Toeplitz
// hash.

#include <cinttypes>
#include <cstdlib>

#include "Vportcam_mix.h"
#include "mix_twin.hpp"
#include "tap.hpp"

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
