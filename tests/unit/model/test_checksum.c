// SPDX-License-Identifier: Apache-2.0
/* The incremental checksum against a full recomputation: F.1 (RFC 1624 equation 3, every pair of old and new word), F.2 (end-around
 * carry), F.4 (many words before one fold). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "checksum.h"
#include "rng.h"

/* Checksum of a header whose other words sum to `rest` (not 0, so the header is not all zero) and that holds word `m`. */
static inline uint32_t recompute(uint32_t rest, uint32_t m)
{
    uint32_t sum = rest + m;
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void every_pair(void **state)
{
    (void)state;
    static const uint32_t rests[] = {0x0001, 0x8f3c};
    for (size_t r = 0; r < 2; r++) {
        uint64_t wrong = 0;
        for (uint32_t m = 0; m < 65536; m++) {
            uint32_t before = recompute(rests[r], m);
            uint32_t kept = (~before & 0xffff) + (~m & 0xffff);
            uint32_t bad = 0;
            for (uint32_t n = 0; n < 65536; n++) {
                uint32_t sum = kept + n; /* equation 3, as pc_checksum_update() computes it */
                sum = (sum & 0xffff) + (sum >> 16);
                sum = (sum & 0xffff) + (sum >> 16);
                bad += (~sum & 0xffff) != recompute(rests[r], n);
            }
            wrong += bad;
        }
        assert_int_equal(wrong, 0);
    }
}

/* The loop above is written for speed; this ties it to the functions that the model uses. */
static void functions_agree(void **state)
{
    (void)state;
    struct pc_rng r = pc_rng_stream(1, "checksum");
    printf("# seed 1\n");
    for (int i = 0; i < 3000000; i++) {
        uint32_t rest = 1 + pc_rng_below(&r, 65535);
        uint16_t m = (uint16_t)pc_rng_next(&r), n = (uint16_t)pc_rng_next(&r);
        if (i % 4 == 0)
            n = (uint16_t)~rest; /* sums that end in 0xffff and 0x0000 */
        uint16_t got =
            pc_checksum_update((uint16_t)recompute(rest, m), pc_checksum_delta(&m, &n, 2));
        assert_int_equal(got, recompute(rest, n));
    }
}

static uint16_t checksum(const uint16_t *word, size_t words)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < words; i++)
        sum += word[i];
    return (uint16_t)~pc_fold(sum);
}

static void many_words_one_fold(void **state)
{
    (void)state;
    struct pc_rng r = pc_rng_stream(2, "words");
    printf("# seed 2\n");
    for (int i = 0; i < 200000; i++) {
        uint16_t old[20], new[20];
        pc_rng_bytes(&r, old, sizeof(old));
        memcpy(new, old, sizeof(new));
        unsigned from = pc_rng_below(&r, 10), n = 1 + pc_rng_below(&r, 10);
        pc_rng_bytes(&r, new + from, 2 * n);
        uint64_t delta = pc_checksum_delta(old + from, new + from, 2 * n);
        assert_int_equal(pc_checksum_update(checksum(old, 20), delta), checksum(new, 20));
    }
}

static void wrong_stays_wrong(void **state)
{
    (void)state;
    struct pc_rng r = pc_rng_stream(3, "wrong");
    for (int i = 0; i < 100000; i++) {
        uint16_t old[10], new[10];
        pc_rng_bytes(&r, old, sizeof(old));
        memcpy(new, old, sizeof(new));
        new[3] = (uint16_t)pc_rng_next(&r);
        uint16_t error = (uint16_t)(1 + pc_rng_below(&r, 65534));
        uint16_t wrong = (uint16_t)(checksum(old, 10) ^ error);
        uint16_t got = pc_checksum_update(wrong, pc_checksum_delta(old + 3, new + 3, 2));
        if (pc_fold((uint64_t)wrong + (uint16_t)~checksum(old, 10)) == 0xffff)
            continue; /* 0x0000 and 0xffff are the same number */
        assert_int_not_equal(got, checksum(new, 10));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"F.1 equation 3 equals recomputation for all 2^32 pairs, two rests", every_pair, NULL,
         NULL, NULL},
        {"F.2 the model's functions agree with recomputation", functions_agree, NULL, NULL, NULL},
        {"F.4 all changed words summed before one fold", many_words_one_fold, NULL, NULL, NULL},
        {"F.21 a wrong checksum stays wrong", wrong_stays_wrong, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
