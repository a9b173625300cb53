// SPDX-License-Identifier: Apache-2.0
/* The ternary matcher and the endpoint hash against the plainest thing that could be right: a linear scan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crc32c.h"
#include "rng.h"
#include "ternary.h"

#define ROWS 64

static void against_linear_scan(void **state)
{
    (void)state;
    struct pc_rng r = pc_rng_stream(1, "ternary");
    struct pc_ternary *t = pc_ternary_new(ROWS);
    struct pc_ternary_key key[ROWS], mask[ROWS];
    unsigned hits = 0;
    printf("# seed 1\n");
    assert_non_null(t);
    for (int round = 0; round < 2000; round++) {
        unsigned row[ROWS], rows = 0;
        pc_ternary_clear(t);
        for (unsigned i = 0; i < ROWS; i++) {
            if (pc_rng_chance(&r, 40))
                continue;
            for (int w = 0; w < PC_TERNARY_WORDS; w++) {
                key[rows].word[w] = pc_rng_next(&r) & 7;
                mask[rows].word[w] = (pc_rng_next(&r) | pc_rng_next(&r)) & 7;
            }
            row[rows] = i;
            pc_ternary_add(t, i, &key[rows], &mask[rows]);
            rows++;
        }
        for (int probe = 0; probe < 50; probe++) {
            struct pc_ternary_key k;
            int want = -1;
            for (int w = 0; w < PC_TERNARY_WORDS; w++)
                k.word[w] = pc_rng_next(&r) & 7;
            for (unsigned i = 0; i < rows && want < 0; i++) {
                bool match = true;
                for (int w = 0; w < PC_TERNARY_WORDS; w++)
                    match = match && ((k.word[w] ^ key[i].word[w]) & mask[i].word[w]) == 0;
                want = match ? (int)row[i] : -1;
            }
            hits += want >= 0;
            assert_int_equal(pc_ternary_lookup(t, &k), want);
        }
    }
    assert_in_range(hits, 10000, 99000);
    pc_ternary_free(t);
}

/* The check value of CRC-32C, as in RFC 3720 appendix B.4 and everywhere: "123456789" gives e3069283, which has the
 * register inverted at both ends. */
static void crc_vectors(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0}, ones[32];
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(~pc_crc32c(0xffffffff, "123456789", 9), 0xe3069283);
    assert_int_equal(~pc_crc32c(0xffffffff, zeros, 32), 0x8a9136aa);
    assert_int_equal(~pc_crc32c(0xffffffff, ones, 32), 0x62a8ab43);
}

static void crc_in_pieces(void **state)
{
    (void)state;
    struct pc_rng r = pc_rng_stream(2, "crc");
    uint8_t data[100];
    for (int i = 0; i < 20000; i++) {
        size_t len = pc_rng_below(&r, sizeof(data)), cut = pc_rng_below(&r, (uint32_t)len + 1);
        uint32_t seed = (uint32_t)pc_rng_next(&r);
        pc_rng_bytes(&r, data, len);
        assert_int_equal(pc_crc32c(seed, data, len),
                         pc_crc32c(pc_crc32c(seed, data, cut), data + cut, len - cut));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"P3 P4 the lowest matching row wins, as a linear scan says", against_linear_scan, NULL,
         NULL, NULL},
        {"the endpoint hash is CRC-32C (RFC 3720 B.4)", crc_vectors, NULL, NULL, NULL},
        {"the endpoint hash may be computed in pieces", crc_in_pieces, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
