// SPDX-License-Identifier: Apache-2.0
/* What the fuzzer of the slow path does, for a moment: random packets, and the fuzzer's seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/rng.h"
#include "tests/fuzz/slow_lies.h"

enum { ROUNDS = 3000, MOST = 600 };

static void test_promises_hold_for_random_packets(void **state)
{
    static uint8_t data[MOST];
    uint64_t seed = 4711;
    struct pc_rng r = pc_rng_stream(seed, "lies");
    (void)state;
    print_message("# seed %llu\n", (unsigned long long)seed);
    for (unsigned n = 0; n < ROUNDS; n++) {
        size_t size = 1 + pc_rng_below(&r, MOST);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)pc_rng_next(&r);
        if (n % 2) /* more of those that have a meaning */
            for (size_t i = 0; i < size; i += 7)
                data[i] &= 0x7f;
        slow_lies(data, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises_hold_for_random_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
