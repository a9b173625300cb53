// SPDX-License-Identifier: Apache-2.0
/*
 * Slot tables: who is in them, with how many slots, in which order, and what is refused. The orders are compared with
 * plain readings of nginx's and IPVS's algorithms. The seed of what is random is printed; a number as argument replaces it.
 */
#include <errno.h>

#include "schedule_sets.h"

static void names(void **state)
{
    static const char *const all[] = {"rr", "wrr", "mh", "sh", "lc", "wlc", "fast"};
    enum pc_scheduler s = PC_SCHEDULER_MAX;
    (void)state;

    for (unsigned i = 0; i < PC_SCHEDULER_MAX; i++) {
        assert_string_equal(pc_scheduler_name((enum pc_scheduler)i), all[i]);
        assert_int_equal(pc_scheduler_parse(all[i], &s), 0);
        assert_int_equal(s, i);
    }
    assert_null(pc_scheduler_name(PC_SCHEDULER_MAX));
    assert_int_equal(pc_scheduler_parse("RR", &s), -EINVAL);
    assert_int_equal(pc_scheduler_parse("", &s), -EINVAL);
    assert_int_equal(s, PC_SCHEDULER_FAST);
}

static void refused(const struct set *s, enum pc_scheduler scheduler, size_t n_slots, int error)
{
    static uint16_t slots[2 * PC_SLOTS_MAX], before[2 * PC_SLOTS_MAX];

    memset(slots, 0x5a, sizeof(slots));
    memset(before, 0x5a, sizeof(before));
    assert_int_equal(set_table(s, scheduler, slots, n_slots), error);
    assert_memory_equal(slots, before, sizeof(slots));
}

static void refusals(void **state)
{
    struct set *s = set_new(5, 1);
    (void)state;

    for (unsigned scheduler = 0; scheduler < PC_SCHEDULER_MAX; scheduler++) {
        static const size_t wrong[] = {0, 3, 6, 65535, 65537, 131072};
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
            refused(s, scheduler, wrong[i], -EINVAL);
        refused(s, scheduler, 4, -ENOSPC);
        s->backend[2].number = PC_SLOT_NONE;
        refused(s, scheduler, 8, -EINVAL);
        s->backend[2].number = 7;
        s->backend[2].name = NULL;
        refused(s, scheduler, 8, -EINVAL);
        s->backend[2].name = s->name[4];
        refused(s, scheduler, 8, -EEXIST);
        s->backend[2].name = s->name[2];
    }
    refused(s, PC_SCHEDULER_MAX, 8, -EINVAL);
    free(s);
}

static void drained(void **state)
{
    uint16_t slots[16];
    struct set *s = set_new(20, 0), *none = set_new(0, 0);
    (void)state;

    for (unsigned scheduler = 0; scheduler < PC_SCHEDULER_MAX; scheduler++) {
        memset(slots, 0, sizeof(slots));
        assert_int_equal(set_table(none, scheduler, slots, 16), 0);
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(slots[i], PC_SLOT_NONE);
        memset(slots, 0, sizeof(slots));
        assert_int_equal(set_table(s, scheduler, slots, 16), 0);
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(slots[i], PC_SLOT_NONE);
        /* A drained backend needs no slot, and its name may be another's. */
        s->backend[13].weight = 2;
        s->backend[4].name = s->name[13];
        assert_int_equal(set_table(s, scheduler, slots, 1), 1);
        assert_int_equal(set_place(slots[0]), 13);
        s->backend[13].weight = 0;
    }
    free(none);
    free(s);
}

/* nginx, ngx_http_upstream_get_peer() without failures: a look at each peer at each turn. */
static size_t nginx_turn(int64_t *current, const uint32_t *weight, size_t n)
{
    size_t best = 0;
    int64_t total = 0;

    for (size_t i = 0; i < n; i++) {
        current[i] += weight[i];
        total += weight[i];
        if (current[i] > current[best])
            best = i;
    }
    current[best] -= total;
    return best;
}

/* Each backend's slots are its due, rounded to one of the neighbours; those below one are lifted to one. */
static void check_counts(const uint32_t *count, const uint32_t *weight, size_t n, size_t n_slots)
{
    uint64_t sum = 0, slots = 0, room = n_slots;
    bool lifted[SET_MAX] = {false}, more = true;

    for (size_t i = 0; i < n; i++) {
        sum += weight[i];
        slots += count[i];
    }
    assert_int_equal(slots, n_slots);
    while (more) {
        more = false;
        for (size_t i = 0; i < n; i++) {
            if (weight[i] == 0 || lifted[i] || weight[i] * room >= sum)
                continue;
            lifted[i] = more = true;
            assert_int_equal(count[i], 1);
            sum -= weight[i];
            room--;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (weight[i] == 0)
            assert_int_equal(count[i], 0);
        else if (!lifted[i])
            assert_in_range(count[i], weight[i] * room / sum, (weight[i] * room + sum - 1) / sum);
        for (size_t k = 0; n <= 64 && k < i; k++) {
            /* More weight is never fewer slots, equal weights differ by one at most and in the order of names. */
            if (weight[i] > weight[k])
                assert_true(count[i] >= count[k]);
            if (weight[i] == weight[k])
                assert_true(count[i] == count[k] || count[i] + 1 == count[k]);
        }
    }
}

/* The turns that each backend has had are less than one ahead of its due at any time. */
static void check_smooth(const uint16_t *slots, size_t n_slots, const uint32_t *count, size_t n,
                         double *lag)
{
    uint32_t had[SET_MAX] = {0};

    for (size_t i = 0; i < n_slots; i++) {
        size_t k = set_place(slots[i]);
        had[k]++;
        assert_true(((uint64_t)had[k] - 1) * n_slots < (uint64_t)count[k] * (i + 1));
        for (k = 0; n <= 64 && k < n; k++) {
            double behind = (double)count[k] * (double)(i + 1) / (double)n_slots - had[k];
            if (behind > *lag)
                *lag = behind;
        }
    }
}

static void wrr_example(void **state)
{
    uint16_t slots[64];
    struct set *s = set_new(3, 1);
    (void)state;

    /* nginx's example is 5 1 1 in turns of seven: a a b a c a a. Here a power of two: 6 1 1. */
    s->backend[0].weight = 600;
    s->backend[1].weight = s->backend[2].weight = 100;
    for (size_t n_slots = 8; n_slots <= 64; n_slots *= 2) {
        assert_int_equal(set_table(s, PC_SCHEDULER_WRR, slots, n_slots), 3);
        for (size_t i = 0; i < n_slots; i++)
            assert_int_equal(set_place(slots[i]), "00100200"[i % 8] - '0');
    }
    free(s);
}

static unsigned random_weight(unsigned kind)
{
    switch (kind) {
    case 0:
        return 1;
    case 1:
        return draw(4);
    case 2:
        return draw(100);
    case 3:
        return draw(5) ? draw(10) : 65535;
    default:
        return draw(65536);
    }
}

static void wrr_is_nginx(void **state)
{
    uint32_t weight[SET_MAX], count[SET_MAX];
    double lag = 0;
    (void)state;

    for (unsigned round = 0; round < 400; round++) {
        size_t n_slots = (size_t)1 << draw(13), n = 1 + draw(n_slots < 64 ? (uint32_t)n_slots : 64);
        uint16_t *slots = slots_new(n_slots);
        int64_t current[SET_MAX] = {0};
        unsigned kind = draw(5);
        int with = 0;
        struct set *s = set_new(n, 1);
        for (size_t i = 0; i < n; i++) {
            s->backend[i].weight = (uint16_t)random_weight(kind);
            weight[i] = s->backend[i].weight;
            with += weight[i] > 0;
        }
        set_shuffle(s);
        assert_int_equal(set_table(s, PC_SCHEDULER_WRR, slots, n_slots), with);
        if (with) {
            set_count(slots, n_slots, count);
            check_counts(count, weight, n, n_slots);
            check_smooth(slots, n_slots, count, n, &lag);
            for (size_t i = 0; i < n_slots; i++)
                assert_int_equal(set_place(slots[i]), nginx_turn(current, count, n));
        }
        free(slots);
        free(s);
    }
    print_message("# no backend was more than %.3f turns behind its due\n", lag);
    assert_true(lag < 2);
}

static void rr_is_even(void **state)
{
    static const unsigned other[] = {PC_SCHEDULER_RR, PC_SCHEDULER_LC};
    (void)state;

    for (unsigned round = 0; round < 200; round++) {
        size_t n_slots = (size_t)1 << draw(11), n = 1 + draw((uint32_t)n_slots);
        uint16_t *slots = slots_new(n_slots);
        struct set *s = set_new(n, 1);
        for (size_t i = 0; i < n; i++)
            s->backend[i].weight = (uint16_t)(1 + draw(65535));
        set_shuffle(s);
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(set_table(s, other[k], slots, n_slots), n);
            for (size_t i = 0, turn = 0; i < n_slots; i++) {
                assert_int_equal(set_place(slots[i]), turn);
                if (++turn == n)
                    turn = 0;
            }
        }
        free(slots);
        free(s);
    }
}

static void wlc_and_fast_are_wrr(void **state)
{
    uint16_t a[256], b[256], c[256];
    struct set *s = set_new(40, 1);
    (void)state;

    for (size_t i = 0; i < s->n; i++)
        s->backend[i].weight = (uint16_t)draw(50);
    int n = set_table(s, PC_SCHEDULER_WRR, a, 256);
    assert_int_equal(set_table(s, PC_SCHEDULER_WLC, b, 256), n);
    assert_int_equal(set_table(s, PC_SCHEDULER_FAST, c, 256), n);
    assert_memory_equal(a, b, sizeof(a));
    assert_memory_equal(a, c, sizeof(a));
    free(s);
}

static void sh_is_ipvs(void **state)
{
    uint32_t weight[SET_MAX] = {0}, count[SET_MAX];
    unsigned same = 0;
    (void)state;

    for (unsigned round = 0; round < 600; round++) {
        size_t n_slots = (size_t)1 << draw(11), n = 1 + draw(n_slots < 40 ? (uint32_t)n_slots : 40);
        uint16_t *slots = slots_new(n_slots);
        struct set *s = set_new(n, 1);
        uint32_t sum = 0;
        bool one = false;
        for (size_t i = 0; i < n; i++) {
            weight[i] = round % 2 ? 1 + draw(3) : 1;
            s->backend[i].weight = (uint16_t)weight[i];
            sum += weight[i];
            one |= weight[i] == 1;
        }
        set_shuffle(s);
        assert_int_equal(set_table(s, PC_SCHEDULER_SH, slots, n_slots), n);
        set_count(slots, n_slots, count);
        check_counts(count, weight, n, n_slots);
        if (round % 2 == 0 || (one && n_slots % sum == 0)) {
            /* ip_vs_sh_reassign(): "Don't move to next dest until filling weight". */
            uint32_t d_count = 0;
            size_t dest = 0;
            for (size_t i = 0; i < n_slots; i++) {
                assert_int_equal(set_place(slots[i]), dest);
                if (++d_count >= weight[dest]) {
                    if (++dest == n)
                        dest = 0;
                    d_count = 0;
                }
            }
            same += round % 2;
        }
        free(slots);
        free(s);
    }
    print_message("# %u tables with weights are those of IPVS\n", same);
    assert_true(same > 10);
}

static void sh_examples(void **state)
{
    static const struct {
        uint16_t weight[3];
        const char *places;
    } rows[] = {
        {{100, 100, 100}, "01201201"}, /* as 1 1 1; IPVS would fill the table with the first */
        {{40, 20, 0}, "00100101"},     /* as 2 1: 5 and 3 slots, rounds of 2 and 1 */
        {{7, 0, 6}, "00002222"},       /* a round is longer than the table */
        {{0, 9, 0}, "11111111"},
    };
    struct set *s = set_new(3, 1);
    uint16_t slots[8];
    (void)state;

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        for (size_t i = 0; i < 3; i++)
            s->backend[i].weight = rows[r].weight[i];
        assert_true(set_table(s, PC_SCHEDULER_SH, slots, 8) > 0);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(set_place(slots[i]), rows[r].places[i] - '0');
    }
    free(s);
}

static void order_of_backends(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        size_t n_slots = 256u << draw(4), n = 1 + draw(200);
        uint16_t *slots = slots_new(n_slots), *again = slots_new(n_slots);
        struct set *s = set_new(n, 1);
        unsigned kind = draw(5);
        for (size_t i = 0; i < n; i++)
            s->backend[i].weight = (uint16_t)random_weight(kind);
        for (unsigned scheduler = 0; scheduler < PC_SCHEDULER_MAX; scheduler++) {
            int rc = set_table(s, scheduler, slots, n_slots);
            set_shuffle(s);
            assert_int_equal(set_table(s, scheduler, again, n_slots), rc);
            assert_memory_equal(slots, again, n_slots * sizeof(*slots));
        }
        free(again);
        free(slots);
        free(s);
    }
}

static void limits(void **state)
{
    static const size_t backends[] = {1, 2, 3, 1000, 4095, 4096};
    uint32_t weight[SET_MAX], count[SET_MAX];
    uint16_t *slots = slots_new(PC_SLOTS_MAX);
    (void)state;

    for (unsigned scheduler = 0; scheduler < PC_SCHEDULER_MAX; scheduler++) {
        bool even = scheduler == PC_SCHEDULER_RR || scheduler == PC_SCHEDULER_LC;
        for (size_t b = 0; b < 6; b++) {
            struct set *s = set_new(backends[b], 65535);
            size_t fit = 1;
            while (fit < s->n)
                fit *= 2;
            /* All of the largest weight; one of weight 1 among them; one of the largest among ones. */
            for (unsigned kind = 0; kind < 3; kind++) {
                for (size_t i = 0; i < s->n; i++) {
                    unsigned w = kind == 2 ? 1 : 65535;
                    if (kind > 0 && i == s->n / 2)
                        w = 65536 - w;
                    s->backend[i].weight = (uint16_t)w;
                    weight[i] = even ? 1 : w;
                }
                assert_int_equal(set_table(s, scheduler, slots, PC_SLOTS_MAX), s->n);
                set_count(slots, PC_SLOTS_MAX, count);
                check_counts(count, weight, s->n, PC_SLOTS_MAX);
                assert_int_equal(set_table(s, scheduler, slots, fit), s->n);
                set_count(slots, fit, count);
                check_counts(count, weight, s->n, fit);
                if (fit > 1)
                    assert_int_equal(set_table(s, scheduler, slots, fit / 2), -ENOSPC);
            }
            free(s);
        }
    }
    /* As many distinct counts as there can be. */
    struct set *s = set_new(361, 1);
    for (size_t i = 0; i < s->n; i++)
        s->backend[i].weight = (uint16_t)(weight[i] = (uint32_t)i + 1);
    assert_int_equal(set_table(s, PC_SCHEDULER_WRR, slots, PC_SLOTS_MAX), s->n);
    set_count(slots, PC_SLOTS_MAX, count);
    check_counts(count, weight, s->n, PC_SLOTS_MAX);
    free(s);
    free(slots);
}

static void fast_weights(void **state)
{
    struct pc_schedule_work work[8];
    uint16_t w[8];
    struct set *s = set_new(7, 9);
    const uint32_t times[] = {1000, 500, 2000, 0, 1, 4000000000u, 3};
    (void)state;

    s->backend[6].weight = 0;
    pc_schedule_fast(s->backend, times, 7, work, w);
    /* The median of 1, 500, 1000, 2000, 4000000000 is 1000; what is drained has no say in it. */
    assert_int_equal(w[0], 256);
    assert_int_equal(w[1], 512);
    assert_int_equal(w[2], 128);
    assert_int_equal(w[3], 256);
    assert_int_equal(w[4], 2048);
    assert_int_equal(w[5], 32);
    assert_int_equal(w[6], 0);
    const uint32_t unknown[7] = {0};
    pc_schedule_fast(s->backend, unknown, 7, work, w);
    assert_int_equal(w[0], 256);
    assert_int_equal(w[6], 0);
    pc_schedule_fast(s->backend, times + 5, 1, work, w);
    assert_int_equal(w[0], 256);
    const uint32_t pair[] = {300, 100};
    pc_schedule_fast(s->backend, pair, 2, work, w);
    assert_int_equal(w[0], 85);
    assert_int_equal(w[1], 256);
    const uint32_t rounded[] = {150, 100, 60};
    pc_schedule_fast(s->backend, rounded, 3, work, w);
    assert_int_equal(w[0], 171);
    assert_int_equal(w[1], 256);
    assert_int_equal(w[2], 427);
    pc_schedule_fast(s->backend, times, 0, NULL, w);
    free(s);
}

static void fast_is_ordered(void **state)
{
    static struct pc_schedule_work work[SET_MAX];
    uint32_t times[100];
    uint16_t w[100];
    struct set *s = set_new(100, 1);
    (void)state;

    for (unsigned round = 0; round < 300; round++) {
        uint32_t span = 1u << draw(32);
        for (size_t i = 0; i < 100; i++)
            times[i] = 1 + draw(span);
        pc_schedule_fast(s->backend, times, 100, work, w);
        unsigned slower = 0;
        for (size_t i = 0; i < 100; i++) {
            assert_in_range(w[i], 32, 2048);
            slower += w[i] <= 256;
            for (size_t k = 0; k < i; k++) {
                assert_false(times[i] < times[k] && w[i] < w[k]);
                assert_false(times[i] > times[k] && w[i] > w[k]);
            }
        }
        assert_true(slower >= 50);
    }
    free(s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        {"section 4 schedulers are named as in IPVS", names, NULL, NULL, NULL},
        {"section 4 a table that cannot be is refused and nothing is written", refusals, NULL, NULL,
         NULL},
        {"F.17 weight 0 is in no table, and no weights give an empty one", drained, NULL, NULL,
         NULL},
        {"S1.34 wrr of 6 1 1 is a a b a a c a a", wrr_example, NULL, NULL, NULL},
        {"S1.34 wrr has exact counts in nginx's order", wrr_is_nginx, NULL, NULL, NULL},
        {"S1.33 rr and lc take one after another whatever the weights", rr_is_even, NULL, NULL,
         NULL},
        {"S1.36 wlc and fast have the table of wrr", wlc_and_fast_are_wrr, NULL, NULL, NULL},
        {"S1.39 sh has the slots of IPVS", sh_is_ipvs, NULL, NULL, NULL},
        {"S1.39 sh takes what weights have in common as one", sh_examples, NULL, NULL, NULL},
        {"section 4 the order of backends has no say", order_of_backends, NULL, NULL, NULL},
        {"section 4 limits of slots, backends and weights", limits, NULL, NULL, NULL},
        {"S4.32 fast turns response times into weights", fast_weights, NULL, NULL, NULL},
        {"S1.37 fast weights are bounded and never favour the slower", fast_is_ordered, NULL, NULL,
         NULL},
    };
    if (argc > 1)
        Seed = strtoull(argv[1], NULL, 0);
    print_message("# seed %llu\n", (unsigned long long)Seed);
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
