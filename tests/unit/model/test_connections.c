// SPDX-License-Identifier: Apache-2.0
/* The connection table, operation by operation: docs/connections.md sections 1, 2 and 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connections_calls.h"

/* ---- one record, both directions ---- */

static void whole_record(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(0, FIX_TCP);
    struct pc_packet p = fix_packet(PC_FROM_CLIENT, PC_TCP_SYN, 12345);
    unsigned slot;
    p.payload = 5;
    assert_int_equal(pc_connections_insert(c, &i, &p, &slot), PC_RESULT_OK);
    assert_int_equal(slot, 0);
    const struct pc_connection *r = record(c, 0);
    assert_memory_equal(r->key.client.ip, i.key.client.ip, 16);
    assert_int_equal(r->key.client.port, 40000);
    assert_int_equal(r->key.group, 2);
    assert_int_equal(r->service, 1);
    assert_int_equal(r->backend, 3);
    assert_int_equal(r->public_end.port, 443);
    assert_int_equal(r->public_end.address, 80);
    assert_int_equal(r->key.kept_port, 0);
    assert_int_equal(r->endpoint, 7);
    assert_int_equal(r->slot, 0);
    assert_int_equal(r->generation, 1);
    assert_int_equal(r->state, PC_STATE_SYN_SEEN);
    assert_true(r->embryonic);
    assert_int_equal(r->created, 12345);
    assert_int_equal(r->last_used, 12345);
    assert_int_equal(r->client_next, 1006);
    assert_int_equal(r->forward.packets, 1);
    assert_int_equal(r->forward.octets, FIX_LEN);
    assert_int_equal(r->reverse.packets, 0);
    assert_int_equal(pc_connections_used(c), 1);
    assert_null(pc_connections_get(c, 1));
    assert_null(pc_connections_get(c, FIX_SLOTS));
}

/* Every part of each key decides; the ports and addresses are never taken for each other (F.27). */
static void full_keys(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(0, FIX_TCP), k;
    assert_int_equal(fix_open(c, 0, FIX_TCP, 0), 0);
    assert_int_equal(forward(c, &i), 0);
    assert_int_equal(reverse(c, &i), 0);
    k = i, k.key.client.ip[3]++;
    assert_int_equal(forward(c, &k), -1);
    assert_int_equal(reverse(c, &k), -1);
    k = i, k.key.client.ip[15]++;
    assert_int_equal(forward(c, &k), -1);
    assert_int_equal(reverse(c, &k), -1);
    k = i, k.key.client.port++;
    assert_int_equal(forward(c, &k), -1);
    assert_int_equal(reverse(c, &k), -1);
    k = i, k.key.is_v6 = true;
    assert_int_equal(forward(c, &k), -1);
    assert_int_equal(reverse(c, &k), -1);
    k = i, k.key.protocol = FIX_UDP;
    assert_int_equal(forward(c, &k), -1);
    assert_int_equal(reverse(c, &k), -1);
    k = i, k.key.group++;
    assert_int_equal(forward(c, &k), -1);
    assert_int_equal(reverse(c, &k), -1);
    k = i, k.service++;
    assert_int_equal(forward(c, &k), -1);
    k = i, k.public_end.port++;
    assert_int_equal(forward(c, &k), -1);
    k = i, k.public_end.address++;
    assert_int_equal(forward(c, &k), -1);
    k = i, k.key.kept_port++;
    assert_int_equal(forward(c, &k), -1);
    assert_int_equal(reverse(c, &k), -1);
    k = i, k.endpoint++;
    assert_int_equal(reverse(c, &k), -1);
}

static void any_port_service(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(0, FIX_TCP);
    unsigned first, second;
    i.key.kept_port = i.public_end.port;
    assert_int_equal(insert(c, &i, &first), PC_RESULT_OK);
    i.public_end.port = i.key.kept_port = 444;
    assert_int_equal(insert(c, &i, &second), PC_RESULT_OK);
    assert_int_equal(forward(c, &i), second);
    assert_int_equal(reverse(c, &i), second);
    i.public_end.port = i.key.kept_port = 443;
    assert_int_equal(forward(c, &i), first);
    assert_int_equal(reverse(c, &i), first);
}

/* ---- refusals of insert ---- */

static void ambiguous(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(0, FIX_TCP);
    unsigned slot = 99;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_OK);
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_EXISTS);
    i.service = 2;
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_AMBIGUOUS);
    i.backend = 4; /* another number for the same endpoint is no way out */
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_AMBIGUOUS);
    i.service = 1;
    i.public_end.address++; /* the same service by another address */
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_AMBIGUOUS);
    assert_int_equal(slot, 99);
    assert_int_equal(pc_connections_used(c), 1);
    assert_int_equal(pc_connections_backend(c, 4).new_connections, 0);
    i.endpoint++;
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_OK);
    assert_int_equal(slot, 1);
    assert_int_equal(reverse(c, &i), 1);
    i = fix_insert(1, FIX_TCP); /* another client is never in the way */
    i.service = 2;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_OK);
}

static void full(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(20, FIX_TCP);
    i.full = true;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_FULL);
    for (unsigned n = 0; n < FIX_CAPACITY; n++)
        assert_int_equal(fix_established(c, n, 0), n);
    i.full = false;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_FULL);
    i.key = fix_insert(0, FIX_TCP).key;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_EXISTS);
    i.service = 2;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_AMBIGUOUS);
    assert_int_equal(pc_connections_delete(c, 5, 6, 0, NULL), PC_RESULT_OK);
    assert_int_equal(fix_open(c, 20, FIX_TCP, 0), 5);
    assert_int_equal(record(c, 5)->generation, FIX_CAPACITY + 1);
}

static void chosen_slots(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(0, FIX_TCP);
    unsigned slot;
    i.slot = 3;
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_OK);
    assert_int_equal(slot, 3);
    i = fix_insert(1, FIX_TCP), i.slot = 3;
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_BAD_SLOT);
    i.slot = FIX_SLOTS;
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_BAD_SLOT);
    i.slot = FIX_CAPACITY; /* of the other family */
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_BAD_SLOT);
    i.slot = 7;
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_OK);
    i = fix_insert(2, FIX_TCP), i.slot = 0;
    assert_int_equal(insert(c, &i, &slot), PC_RESULT_OK);
    end_of(c, 0);
    static const int order[] = {1, 2, 4, 5, 6, 0}; /* never used ones, then the oldest first */
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(fix_open(c, 10 + n, FIX_TCP, 0), order[n]);
    for (unsigned n = 0; n < 4; n++)
        fix_pass(c, order[n], PC_FROM_BACKEND, PC_TCP_RST, 0);
    fix_limit = FIX_CAPACITY;
    for (unsigned n = 4; n < 6; n++)
        assert_int_equal(fix_open(c, 10 + n, FIX_TCP, 0), order[n]);
}

/* Every slot may be the first that is asked for; the others stay free, in their order. */
static void any_slot_first(void **state)
{
    struct pc_connections *c = *state;
    for (unsigned chosen = 0; chosen < FIX_CAPACITY; chosen++) {
        struct pc_insert i = fix_insert(99, FIX_TCP);
        pc_connections_clear(c);
        fix_limit = FIX_CAPACITY;
        i.slot = chosen;
        assert_int_equal(insert(c, &i, NULL), PC_RESULT_OK);
        for (unsigned n = 0; n < FIX_CAPACITY; n++)
            if (n != chosen)
                assert_int_equal(fix_open(c, n, FIX_TCP, 0), n);
        assert_int_equal(fix_open(c, 98, FIX_TCP, 0), -1 - PC_RESULT_FULL);
        for (unsigned n = 0; n < FIX_CAPACITY; n++)
            assert_int_equal(end_of(c, n), PC_RESULT_OK);
    }
}

static void embryonic_share(void **state)
{
    struct pc_connections *c = *state;
    for (unsigned n = 0; n < FIX_LIMIT; n++)
        assert_int_equal(fix_open(c, n, n & 1 ? FIX_UDP : FIX_TCP, 0), n);
    assert_int_equal(fix_open(c, 9, FIX_TCP, 0), -1 - PC_RESULT_EMBRYONIC_FULL);
    assert_int_equal(fix_open(c, 9, FIX_UDP, 0), -1 - PC_RESULT_EMBRYONIC_FULL);
    fix_pass(c, 0, PC_FROM_BACKEND, SYN_ACK,
             0); /* an answer alone frees nothing: every flood gets one */
    assert_int_equal(fix_open(c, 9, FIX_TCP, 0), -1 - PC_RESULT_EMBRYONIC_FULL);
    fix_pass(c, 0, PC_FROM_BACKEND, PC_TCP_RST, 0); /* nor does a refusal */
    assert_int_equal(fix_open(c, 9, FIX_TCP, 0), -1 - PC_RESULT_EMBRYONIC_FULL);
    assert_int_equal(fix_pass(c, 1, PC_FROM_BACKEND, 0, 0), PC_EFFECT_PROVEN);
    assert_int_equal(pc_connections_embryonic(c), FIX_LIMIT - 1);
    assert_int_equal(fix_open(c, 9, FIX_TCP, 0), FIX_LIMIT);
    fix_pass(c, 2, PC_FROM_BACKEND, SYN_ACK, 0);
    assert_int_equal(fix_pass(c, 2, PC_FROM_CLIENT, PC_TCP_ACK, 0), PC_EFFECT_PROVEN);
    assert_int_equal(end_of(c, 3), PC_RESULT_OK); /* embryonic */
    assert_int_equal(pc_connections_embryonic(c), FIX_LIMIT - 2);
    fix_limit = FIX_LIMIT - 2;
    assert_int_equal(fix_open(c, 10, FIX_TCP, 0), -1 - PC_RESULT_EMBRYONIC_FULL);
    fix_limit = FIX_LIMIT - 1;
    assert_int_equal(fix_open(c, 10, FIX_TCP, 0), FIX_LIMIT + 1);
    assert_int_equal(end_of(c, 2), PC_RESULT_OK); /* proven */
    assert_int_equal(pc_connections_embryonic(c), FIX_LIMIT - 1);
}

/* ---- ends ---- */

static void generations(void **state)
{
    struct pc_connections *c = *state;
    struct pc_ended ended = {.reason = 99};
    assert_int_equal(pc_connections_delete(c, 0, 0, 1, &ended), PC_RESULT_NOT_FOUND);
    assert_int_equal(pc_connections_delete(c, FIX_CAPACITY, 0, 1, &ended), PC_RESULT_NOT_FOUND);
    for (unsigned n = 1; n <= 5; n++) {
        struct pc_insert i = fix_insert(n, FIX_TCP);
        i.slot = 0;
        assert_int_equal(insert(c, &i, NULL), PC_RESULT_OK);
        assert_int_equal(record(c, 0)->generation, n);
        assert_int_equal(pc_connections_delete(c, 0, n - 1, 1, &ended), PC_RESULT_CHANGED);
        assert_int_equal(pc_connections_delete(c, 0, n + 1, 1, &ended), PC_RESULT_CHANGED);
        assert_int_equal(pc_connections_delete(c, 0, n, 7, &ended), PC_RESULT_OK);
        assert_int_equal(ended.reason, PC_END_DELETED);
        assert_int_equal(ended.at, 7);
        assert_int_equal(ended.record.generation, n);
        assert_int_equal(ended.record.state, PC_STATE_SYN_SEEN);
        assert_int_equal(pc_connections_delete(c, 0, n, 7, NULL), PC_RESULT_NOT_FOUND);
        assert_int_equal(forward(c, &i), -1);
        assert_int_equal(reverse(c, &i), -1);
    }
}

/* ---- two families, and moves ---- */

static int open_v6(struct pc_connections *c, unsigned client)
{
    struct pc_insert i = fix_insert(client, FIX_TCP);
    unsigned slot = 0;
    i.key.is_v6 = true;
    enum pc_result result = insert(c, &i, &slot);
    return result == PC_RESULT_OK ? (int)slot : -1 - (int)result;
}

static void families(void **state)
{
    struct pc_connections *c = *state;
    fix_limit = 0; /* none */
    assert_int_equal(pc_connections_capacity(c), FIX_SLOTS);
    for (unsigned n = 0; n < FIX_V6 + FIX_STASH; n++)
        assert_int_equal(open_v6(c, n), FIX_CAPACITY + n);
    assert_int_equal(open_v6(c, 9), -1 - PC_RESULT_FULL);
    for (unsigned n = 0; n < FIX_CAPACITY; n++)
        assert_int_equal(fix_open(c, n, FIX_TCP, 0), n);
    assert_int_equal(fix_open(c, 9, FIX_TCP, 0), -1 - PC_RESULT_FULL);
    assert_int_equal(pc_connections_used(c), FIX_SLOTS);
    assert_int_equal(pc_connections_used_by(c, false), FIX_CAPACITY);
    assert_int_equal(pc_connections_used_by(c, true), FIX_V6 + FIX_STASH);
    assert_int_equal(pc_connections_embryonic(c), FIX_SLOTS);
    for (unsigned n = 0; n < FIX_SLOTS; n++) {
        unsigned at = n < FIX_CAPACITY ? n : n - FIX_CAPACITY;
        unsigned rows = n < FIX_CAPACITY ? FIX_CAPACITY - FIX_STASH : FIX_V6;
        assert_int_equal(pc_connections_is_v6(c, n), n >= FIX_CAPACITY);
        assert_int_equal(pc_connections_is_stash(c, n), at >= rows);
    }
}

static void moves(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(0, FIX_TCP);
    i.slot = FIX_CAPACITY - 1;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_OK);
    fix_pass(c, FIX_CAPACITY - 1, PC_FROM_BACKEND, SYN_ACK, 60);
    struct pc_connection want = *record(c, FIX_CAPACITY - 1);
    assert_int_equal(pc_connections_move(c, 0, 1), PC_RESULT_NOT_FOUND);
    assert_int_equal(pc_connections_move(c, FIX_CAPACITY - 1, FIX_CAPACITY), PC_RESULT_BAD_SLOT);
    assert_int_equal(pc_connections_move(c, FIX_CAPACITY - 1, FIX_CAPACITY - 1),
                     PC_RESULT_BAD_SLOT);
    assert_int_equal(pc_connections_move(c, FIX_CAPACITY - 1, 2), PC_RESULT_OK);
    want.slot = 2;
    assert_true(fix_same(record(c, 2), &want));
    assert_null(pc_connections_get(c, FIX_CAPACITY - 1));
    assert_int_equal(forward(c, &i), 2);
    assert_int_equal(reverse(c, &i), 2);
    assert_int_equal(pc_connections_used(c), 1);
    assert_int_equal(pc_connections_backend(c, 3).records, 1);
    for (unsigned n = 1; n < FIX_CAPACITY; n++) /* no slot was lost */
        assert_true(fix_established(c, n, 0) >= 0);
    assert_int_equal(fix_open(c, 20, FIX_TCP, 0), -1 - PC_RESULT_FULL);
}

static void clear(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert i = fix_insert(0, FIX_TCP);
    for (unsigned n = 0; n < FIX_CAPACITY; n++)
        fix_established(c, n, 0);
    pc_connections_clear(c);
    assert_int_equal(pc_connections_used(c), 0);
    assert_int_equal(pc_connections_backend(c, 3).new_connections, 0);
    assert_int_equal(forward(c, &i), -1);
    assert_int_equal(fix_open(c, 0, FIX_TCP, 0), 0);
    assert_int_equal(record(c, 0)->generation, 1);
}

/* Records of one chain, of the longest of all chains. */
static unsigned longest_chain(const struct pc_connections *c, enum pc_index index)
{
    unsigned longest = 0;
    for (uint32_t n = 0; n <= c->chain_mask; n++) {
        unsigned length = 0;
        for (uint32_t at = c->chain[index][n]; at; at = c->entry[at - 1].in[index].next)
            length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Flows that differ in few bits of one part of a key: as many as there are chains. Thrown at random, the longest chain of
 * 4,096 has 8 records or less in all but 5 of 1,000 tries. */
static void short_chains(void **state)
{
    (void)state;
    enum { RECORDS = 4096, PARTS = 5, LONGEST = 10 };
    for (unsigned part = 0; part < PARTS; part++) {
        struct pc_connection_sizes sizes = {.rows = {RECORDS}, .backends = 1, .secret = {part, 99}};
        fix_limit = 0;
        struct pc_connections *c = pc_connections_new(&sizes);
        assert_non_null(c);
        for (unsigned n = 0; n < RECORDS; n++) {
            struct pc_insert i = fix_insert(0, FIX_TCP);
            const uint8_t low = (uint8_t)n, high = (uint8_t)(n >> 8);
            i.service = i.backend = 0;
            if (part == 0)
                i.key.client.ip[0] = low, i.key.client.ip[3] = high;
            else if (part == 1)
                i.key.client.ip[8] = low, i.key.client.ip[15] = high;
            else if (part == 2)
                i.key.client.port = (uint16_t)(n * 16);
            else if (part == 3) /* one client, every port of an any-port service */
                i.public_end.port = i.key.kept_port = (uint16_t)(n * 16);
            else
                i.public_end.address = i.endpoint = (uint16_t)n;
            assert_int_equal(insert(c, &i, NULL), PC_RESULT_OK);
        }
        assert_in_range(longest_chain(c, PC_INDEX_FORWARD), 4, LONGEST);
        assert_in_range(longest_chain(c, PC_INDEX_REVERSE), 4, LONGEST);
        pc_connections_free(c);
    }
}

static void creation(void **state)
{
    (void)state;
    struct pc_connection_sizes sizes = {.stash = 2, .backends = 1};
    assert_null(pc_connections_new(&sizes));
    sizes.rows[0] = (1u << 20) + 1;
    assert_null(pc_connections_new(&sizes));
    sizes.rows[0] = 1;
    sizes.stash = 65;
    assert_null(pc_connections_new(&sizes));
    sizes.stash = 0;
    struct pc_connections *c = pc_connections_new(&sizes);
    assert_non_null(c);
    struct pc_insert i = fix_insert(0, FIX_TCP);
    i.service = i.backend = 0;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_OK);
    i.key.client.port++;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_FULL);
    i.key.is_v6 = true;
    assert_int_equal(insert(c, &i, NULL), PC_RESULT_FULL);
    pc_connections_free(c);
    pc_connections_free(NULL);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("S1.16 S1.29 S1.30 S4.20 a record holds what its first packet says", whole_record),
        TEST("F.16 F.27 S1.31 S1.32 found by every part of both keys", full_keys),
        TEST("P5 one record for each port of an any-port service", any_port_service),
        TEST("P8 F.18 one client, one endpoint, two services: ambiguous", ambiguous),
        TEST("P8 full, also when the caller says so; the order of refusals", full),
        TEST("slots: the oldest free one, or the one asked for", chosen_slots),
        TEST("slots: any may be the first that is asked for", any_slot_first),
        TEST("F.15 embryonic records have a share", embryonic_share),
        TEST("F.17 delete is refused when the generation changed", generations),
        TEST("slots of IPv4 and IPv6 are counted apart", families),
        TEST("a record moves whole", moves),
        TEST("F.16 no chain is long, whatever part of the keys differs", short_chains),
        TEST("clear forgets everything", clear),
        TEST("tables of one record and of impossible sizes", creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
