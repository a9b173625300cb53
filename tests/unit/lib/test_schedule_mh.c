// SPDX-License-Identifier: Apache-2.0
/*
 * Maglev tables: the example and the pseudocode of the paper (NSDI 2016, section 3.4), how even shares are, and how many
 * slots change when backends go. The seed of what is random is printed; a number as argument replaces it.
 */
#include "lib/src/base/siphash.h"
#include "lib/src/schedule/maglev.h"
#include "lib/src/schedule/smooth.h"
#include "schedule_sets.h"

static void siphash(void **state)
{
    uint8_t key[PC_SIPHASH_KEY], data[15];
    (void)state;

    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        data[i] = i;
    /* Appendix A of its paper; the others are from the vectors of its reference code. */
    assert_true(pc_siphash(key, data, 15) == 0xa129ca6149be45e5ull);
    assert_true(pc_siphash(key, data, 0) == 0x726fdb47dd0e0e31ull);
    assert_true(pc_siphash(key, data, 8) == 0x93f5f5799a932462ull);
}

static void primes(void **state)
{
    (void)state;
    for (uint32_t n_slots = 1; n_slots <= PC_SLOTS_MAX; n_slots *= 2) {
        uint32_t found = n_slots < 2 ? 2 : n_slots;
        for (uint32_t d = 2; d < found; d++) {
            if (found % d == 0) {
                found++;
                d = 1;
            }
        }
        assert_int_equal(pc_maglev_prime(n_slots), found);
    }
}

/* Table 1 of the paper, whose backends and slots are counted from 1: offsets and skips are given, M = 7. */
static void example(void **state)
{
    static const uint16_t before[] = {1, 0, 1, 0, 2, 2, 0}, after[] = {0, 0, 0, 0, 2, 2, 2};
    static const uint32_t offset[] = {3, 0, 3}, skip[] = {4, 2, 1};
    const struct pc_schedule_backend b[] = {{"B0", 0, 1}, {"B1", 1, 1}, {"B2", 2, 1}};
    (void)state;

    for (unsigned gone = 0; gone < 2; gone++) {
        struct pc_schedule_work work[3] = {{0}};
        uint16_t slots[7];
        uint32_t n = 0;
        memset(slots, 0xff, sizeof(slots));
        for (unsigned i = 0; i < 3; i++) {
            if (!gone || i != 1) {
                work[n] = (struct pc_schedule_work){
                    .backend = &b[i], .rank = n, .share = 1, .at = offset[i], .skip = skip[i]};
                n++;
            }
        }
        pc_smooth_share(work, n, 7);
        pc_maglev_fill(work, n, 7, slots, 7);
        assert_memory_equal(slots, gone ? after : before, sizeof(slots));
    }
}

/*
 * Pseudocode 1 of the paper with its names: lists stored, turns round robin. Of each list of M positions only those of
 * slots are kept; for as many slots as M these are all.
 */
static void pseudocode(const struct pc_schedule_work *work, uint32_t big_n, uint32_t big_m,
                       uint16_t *entry, uint32_t n_slots)
{
    uint32_t *permutation = malloc(sizeof(*permutation) * big_n * n_slots + 1);
    uint32_t *next = calloc(big_n + 1, sizeof(*next)), n = 0;

    assert_true(permutation && next);
    for (uint32_t i = 0; i < big_n; i++) {
        uint32_t kept = 0;
        for (uint64_t j = 0; j < big_m; j++) {
            uint32_t p = (uint32_t)((work[i].at + j * work[i].skip) % big_m);
            if (p < n_slots)
                permutation[(size_t)i * n_slots + kept++] = p;
        }
        assert_int_equal(kept, n_slots);
    }
    for (uint32_t j = 0; j < n_slots; j++)
        entry[j] = PC_SLOT_NONE;
    for (;;) {
        for (uint32_t i = 0; i < big_n; i++) {
            uint32_t c = permutation[(size_t)i * n_slots + next[i]];
            while (entry[c] != PC_SLOT_NONE)
                c = permutation[(size_t)i * n_slots + ++next[i]];
            entry[c] = work[i].backend->number;
            next[i]++;
            if (++n == n_slots) {
                free(next);
                free(permutation);
                return;
            }
        }
    }
}

static void compare(const struct set *s, uint32_t prime, uint32_t n_slots)
{
    static struct pc_schedule_work work[SET_MAX];
    uint16_t *slots = slots_new(n_slots), *wanted = slots_new(n_slots);

    memset(slots, 0xff, n_slots * sizeof(*slots));
    for (uint32_t i = 0; i < s->n; i++)
        work[i] = (struct pc_schedule_work){.backend = &s->backend[i], .rank = i, .share = 1};
    pc_maglev_prefer(work, s->n, prime);
    pseudocode(work, (uint32_t)s->n, prime, wanted, n_slots);
    pc_smooth_share(work, s->n, n_slots);
    pc_maglev_fill(work, s->n, prime, slots, n_slots);
    assert_memory_equal(slots, wanted, n_slots * sizeof(*slots));
    if (prime != n_slots) {
        assert_int_equal(set_table(s, PC_SCHEDULER_MH, slots, n_slots), s->n);
        assert_memory_equal(slots, wanted, n_slots * sizeof(*slots));
    }
    free(wanted);
    free(slots);
}

static void is_published(void **state)
{
    static const uint32_t prime[] = {7, 251, 1021, 4093};
    (void)state;

    for (unsigned round = 0; round < 40; round++) {
        struct set *s = set_new(1 + draw(200), 1);
        for (size_t i = 0; i < s->n; i++) {
            /* Other names each time, still in their order. */
            s->name[i][5] = (char)('a' + draw(26));
            s->name[i][6] = (char)('a' + draw(26));
        }
        for (unsigned p = 0; p < 4; p++) {
            if (s->n <= prime[p])
                compare(s, prime[p], prime[p]);
        }
        for (uint32_t n_slots = 1; n_slots <= 4096; n_slots *= 2) {
            if (s->n <= n_slots)
                compare(s, pc_maglev_prime(n_slots), n_slots);
        }
        free(s);
    }
    struct set *s = set_new(100, 1);
    compare(s, 65537, 65537); /* the size of the paper */
    compare(s, 65537, 65536);
    free(s);
}

static void even_shares(void **state)
{
    static const size_t backends[] = {1, 2, 3, 10, 40, 100, 327, 655};
    uint32_t count[SET_MAX];
    (void)state;

    for (size_t b = 0; b < sizeof(backends) / sizeof(backends[0]); b++) {
        for (uint32_t n_slots = 128; n_slots <= PC_SLOTS_MAX; n_slots *= 2) {
            if (n_slots < 100 * backends[b])
                continue;
            struct set *s = set_new(backends[b], 7);
            uint16_t *slots = slots_new(n_slots);
            assert_int_equal(set_table(s, PC_SCHEDULER_MH, slots, n_slots), s->n);
            set_count(slots, n_slots, count);
            uint32_t min = n_slots, max = 0;
            for (size_t i = 0; i < s->n; i++) {
                min = count[i] < min ? count[i] : min;
                max = count[i] > max ? count[i] : max;
            }
            assert_true(max - min <= 1);
            assert_true(max * 100 <= min * 101);
            free(slots);
            free(s);
        }
    }
}

/* Slots that change without need when `gone` random backends leave: share of all slots, mean of `times`. */
static double disruption(size_t n, unsigned gone, uint32_t n_slots, bool weighted, unsigned times)
{
    struct set *s = set_new(n, 1);
    uint16_t *before = slots_new(n_slots), *after = slots_new(n_slots);
    uint64_t changed = 0;

    for (size_t i = 0; weighted && i < n; i++)
        s->backend[i].weight = (uint16_t)(1 + draw(10));
    assert_int_equal(set_table(s, PC_SCHEDULER_MH, before, n_slots), n);
    for (unsigned t = 0; t < times; t++) {
        uint16_t weight[SET_MAX];
        for (size_t i = 0; i < n; i++)
            weight[i] = s->backend[i].weight;
        for (unsigned k = 0; k < gone;) {
            size_t i = draw((uint32_t)n);
            k += s->backend[i].weight > 0;
            s->backend[i].weight = 0;
        }
        assert_int_equal(set_table(s, PC_SCHEDULER_MH, after, n_slots), n - gone);
        for (uint32_t i = 0; i < n_slots; i++) {
            if (s->backend[set_place(before[i])].weight)
                changed += before[i] != after[i];
            else
                assert_int_not_equal(before[i], after[i]);
        }
        for (size_t i = 0; i < n; i++)
            s->backend[i].weight = weight[i];
    }
    free(after);
    free(before);
    free(s);
    return (double)changed / times / n_slots;
}

static void one_goes(void **state)
{
    static const struct {
        size_t n;
        uint32_t n_slots;
        bool weighted;
        double most; /* percent of all slots */
    } rows[] = {{2, 256, false, 0},      {3, 1024, false, 3},  {10, 1024, false, 4},
                {10, 65536, false, 1},   {40, 4096, false, 3}, {100, 65536, false, 1},
                {1000, 65536, false, 2}, {40, 4096, true, 3},  {100, 65536, true, 1},
                {1000, 65536, true, 2}};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double d = 100 * disruption(rows[i].n, 1, rows[i].n_slots, rows[i].weighted, 20);
        print_message("# 1 of %4zu backends%s gone, %5u slots: %.2f %% of the slots change "
                      "without need\n",
                      rows[i].n, rows[i].weighted ? " (weights 1 to 10)" : "", rows[i].n_slots, d);
        assert_true(d <= rows[i].most);
    }
}

/* Figure 12: more concurrent failures change more, and a larger table changes less of itself. */
static void many_go(void **state)
{
    static const unsigned gone[] = {1, 5, 20, 50};
    double last = 0;
    (void)state;

    for (unsigned i = 0; i < 4; i++) {
        double large = 100 * disruption(1000, gone[i], 65536, false, 10);
        double small = 100 * disruption(1000, gone[i], 8192, false, 10);
        print_message("# %2u of 1000 backends gone: %.2f %% change without need of 65536 slots, "
                      "%.2f %% of 8192\n",
                      gone[i], large, small);
        assert_true(large > last);
        assert_true(large < small);
        last = large;
    }
    assert_true(last < 20);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        {"section 4 SipHash-2-4 gives the published values", siphash, NULL, NULL, NULL},
        {"section 4 mh uses the smallest prime not below the slots", primes, NULL, NULL, NULL},
        {"section 4 mh gives the example of the paper", example, NULL, NULL, NULL},
        {"section 4 mh is the pseudocode of the paper", is_published, NULL, NULL, NULL},
        {"section 4 mh shares differ by one slot, 1 % with 100 slots a backend", even_shares, NULL,
         NULL, NULL},
        {"section 4 mh leaves others their slots when one goes", one_goes, NULL, NULL, NULL},
        {"section 4 mh when many go: figure 12 of the paper", many_go, NULL, NULL, NULL},
    };
    if (argc > 1)
        Seed = strtoull(argv[1], NULL, 0);
    print_message("# seed %llu\n", (unsigned long long)Seed);
    return cmocka_run_group_tests_name("schedule_mh", tests, NULL, NULL);
}
