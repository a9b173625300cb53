// SPDX-License-Identifier: Apache-2.0
/*
 * The index of the mirror with buckets so full that many entries stand in others' buckets: what was added is found, what was
 * removed is not, and who looks up beside one who adds and removes finds what stays. Built with ThreadSanitizer too.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mirror/mirror_index.h"
#include "sim/rng.h"

enum {
    SLOTS = 64,
    BUCKETS = 128,
    KEYS = BUCKETS * PC_PLACES - 10,
    STAY = KEYS / 2,
    STEPS = 200000
};

static struct pc_mirror_index *X;
static struct pc_node *Node[KEYS]; /* NULL: not there */
static atomic_bool Ended;
static atomic_ulong Missed, Looked;

static struct portcam_mirror_record record(uint32_t number)
{
    struct portcam_mirror_record r = {.slot = number,
                                      .generation = ~number,
                                      .client_port =
                                          (uint16_t)(number / 2), /* two of each client */
                                      .protocol = 6,
                                      .public_port = 443,
                                      .address = (uint16_t)(number % 2),
                                      .endpoint = (uint16_t)(number % 2)};
    if (number % 3 == 0)
        r.flags = PORTCAM_MIRROR_RECORD_KEPT_PORT;
    return r;
}

static bool is_found(uint32_t number, bool reverse)
{
    struct portcam_mirror_record r = record(number);
    struct pc_index_key key = {.client = {.protocol = 6, .port = r.client_port},
                               .reverse = reverse,
                               .address = r.address,
                               .port = 443,
                               .endpoint = r.endpoint,
                               .kept_port = number % 3 ? 0 : 443};
    struct pc_index_cursor at;
    uint32_t slot, generation;

    pc_index_look(X, &key, &at);
    while (pc_index_next(X, &at, &slot, &generation)) {
        if (slot == number && generation == ~number)
            return true;
    }
    return false;
}

static void add(uint32_t number)
{
    struct portcam_mirror_record r = record(number);
    assert_int_equal(pc_index_add(X, &r, &Node[number]), 0);
}

static void take_away(uint32_t number)
{
    pc_index_remove(X, Node[number]);
    Node[number] = NULL;
}

/* Of the numbers from `first` on. */
static void churn(struct pc_rng *rng, uint32_t first, unsigned steps)
{
    while (steps--) {
        uint32_t number = first + pc_rng_below(rng, KEYS - first);
        if (Node[number])
            take_away(number);
        else
            add(number);
    }
}

static int open_full(void **state)
{
    (void)state;
    X = pc_index_new(SLOTS);
    assert_non_null(X);
    assert_true(X->mask >= BUCKETS - 1 && X->nodes >= KEYS);
    X->mask = BUCKETS - 1;
    for (uint32_t number = 0; number < KEYS; number++)
        add(number);
    return 0;
}

static int shut(void **state)
{
    (void)state;
    pc_index_free(X);
    memset(Node, 0, sizeof(Node));
    return 0;
}

static void what_is_there_is_found(void **state)
{
    struct pc_rng rng = pc_rng_stream(1, "mirror index");
    uint64_t beyond = 0;
    (void)state;

    for (unsigned turn = 0; turn < 50; turn++) {
        for (uint32_t number = 0; number < KEYS; number++) {
            assert_int_equal(is_found(number, false), Node[number] != NULL);
            assert_int_equal(is_found(number, true), Node[number] != NULL);
        }
        for (unsigned i = 0; i < BUCKETS; i++)
            beyond += X->forward[i].beyond + X->reverse[i].beyond;
        churn(&rng, 0, 1000);
    }
    assert_true(beyond > 1000);
    for (uint32_t number = 0; number < KEYS; number++) {
        if (Node[number])
            take_away(number);
    }
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (unsigned place = 0; place < PC_PLACES; place++)
            assert_true(!X->forward[i].entry[place] && !X->reverse[i].entry[place]);
        assert_true(!X->forward[i].beyond && !X->reverse[i].beyond);
    }
}

static void one_of_each_key(void **state)
{
    struct pc_node *node = NULL;
    (void)state;

    for (uint32_t number = 0; number < KEYS; number++) {
        struct portcam_mirror_record r = record(number);
        r.address = 5; /* the reverse key alone is there */
        assert_int_equal(pc_index_add(X, &r, &node), -EEXIST);
        assert_ptr_equal(node, Node[number]);
        r = record(number);
        r.endpoint = 5;
        assert_int_equal(pc_index_add(X, &r, &node), -EEXIST);
        assert_ptr_equal(node, Node[number]);
    }
}

static void a_key_is_all_its_parts(void **state)
{
    const struct pc_index_key key = {
        .client = {.ip = {9}, .port = 1, .protocol = 6}, .address = 2, .port = 443, .group = 3};
    const struct portcam_mirror_record same = {.client_ip = {9},
                                               .client_port = 1,
                                               .protocol = 6,
                                               .address = 2,
                                               .public_port = 443,
                                               .group = 3};
    struct portcam_mirror_record other[10];
    /* The first five are of both keys, two of the forward key, the rest of the reverse one. */
    (void)state;

    for (unsigned i = 0; i < 10; i++)
        other[i] = same;
    other[0].client_ip[15] = 1;
    other[1].client_ip[0] = 8;
    other[2].client_port = 2;
    other[3].protocol = 17;
    other[4].flags = PORTCAM_MIRROR_RECORD_IS_V6;
    other[5].address = 3;
    other[6].public_port = 80;
    other[7].group = 4;
    other[8].endpoint = 1;
    other[9].flags = PORTCAM_MIRROR_RECORD_KEPT_PORT;
    for (unsigned reverse = 0; reverse < 2; reverse++) {
        struct pc_index_key k = key;
        k.reverse = reverse;
        assert_true(pc_index_fits(&k, &same));
        for (unsigned i = 0; i < 10; i++)
            assert_int_equal(pc_index_fits(&k, &other[i]), i >= 5 && (i < 7) == reverse);
    }
}

static void no_more_than_there_are_nodes(void **state)
{
    struct pc_node *node = NULL;
    (void)state;

    X->nodes = KEYS;
    struct portcam_mirror_record r = record(KEYS);
    assert_int_equal(pc_index_add(X, &r, &node), -ENOSPC);
    take_away(7);
    assert_int_equal(pc_index_add(X, &r, &node), 0);
}

static void a_record_that_moved_is_found_there(void **state)
{
    (void)state;
    Node[3]->record.slot = 3000;
    pc_index_update(Node[3]);
    assert_false(is_found(3, false) || is_found(3, true));
    Node[3]->record.slot = 3;
    pc_index_update(Node[3]);
    assert_true(is_found(3, false) && is_found(3, true));
}

static void *reader(void *ctx)
{
    struct pc_rng rng = pc_rng_stream(2, ctx);

    while (!atomic_load(&Ended)) {
        bool found = is_found(pc_rng_below(&rng, STAY), pc_rng_next(&rng) % 2);
        atomic_fetch_add(&Missed, !found);
        atomic_fetch_add(&Looked, 1);
        (void)is_found(STAY + pc_rng_below(&rng, KEYS - STAY), false);
    }
    return NULL;
}

static void who_looks_up_meanwhile_finds_what_stays(void **state)
{
    struct pc_rng rng = pc_rng_stream(3, "mirror index");
    pthread_t threads[2];
    (void)state;

    assert_int_equal(pthread_create(&threads[0], NULL, reader, "first"), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, reader, "second"), 0);
    do
        churn(&rng, STAY, STEPS);
    while (atomic_load(&Looked) < 1000);
    atomic_store(&Ended, true);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&Missed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_there_is_found, open_full, shut),
        cmocka_unit_test_setup_teardown(one_of_each_key, open_full, shut),
        cmocka_unit_test(a_key_is_all_its_parts),
        cmocka_unit_test_setup_teardown(no_more_than_there_are_nodes, open_full, shut),
        cmocka_unit_test_setup_teardown(a_record_that_moved_is_found_there, open_full, shut),
        cmocka_unit_test_setup_teardown(who_looks_up_meanwhile_finds_what_stays, open_full, shut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
