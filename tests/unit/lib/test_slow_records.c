// SPDX-License-Identifier: Apache-2.0
/* Records on the slow path: made, found, proved and aged by pieces, and a mirror that is late. */
#include "crc32c.h"
#include "slow_world.h"

/* ---- records ---- */

static const struct pc_connection *only_record(struct slow *s)
{
    const struct pc_connections *c = pc_device_connections(s->device);
    assert_int_equal(pc_connections_used(c), 1);
    for (unsigned slot = 0; slot < pc_connections_capacity(c); slot++)
        if (pc_connections_get(c, slot))
            return pc_connections_get(c, slot);
    return NULL;
}

static void ask(struct slow *s, unsigned id, bool later_first)
{
    struct frame whole = datagram(UDP, CLIENT, 4000, SHOP, 53, 392);
    struct frame a = piece(&whole, 0, 200, id), b = piece(&whole, 200, 400, id);
    give(s, FRAGMENT, 0, later_first ? &b : &a);
    give(s, FRAGMENT, 0, later_first ? &a : &b);
}

static void test_p8_a_first_piece_makes_a_record_and_all_follow_it(void **state)
{
    struct slow *s = *state;
    ask(s, 1, true);
    const struct pc_connection *r = only_record(s);
    unsigned backend = r->backend;
    assert_true(backend == 5 || backend == 6);
    assert_int_equal(r->state, PC_STATE_UNREPLIED);
    assert_true(r->embryonic);
    assert_int_equal(r->forward.packets, 1);
    ask(s, 2, false);
    struct frame fast = datagram(UDP, CLIENT, 4000, SHOP, 53, 8);
    assert_int_equal(pass_frame(s->device, &fast, 0), R(CONNECTION_FORWARD));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(s->sent[i].bytes[14 + 19], backend);
    assert_int_equal(only_record(s)->backend, backend);
    assert_int_equal(pc_slow_stats(s->engine)->inserted, 1);
}

static void test_p9_an_answer_in_pieces_is_translated_and_proves_the_client(void **state)
{
    struct slow *s = *state;
    struct frame query = datagram(UDP, CLIENT, 4000, SHOP, 53, 30);
    assert_int_equal(pass_frame(s->device, &query, 0), R(CONNECTION_NEW));
    const char *server = Last.backend == 5 ? "10.0.0.5" : "10.0.0.6";
    struct frame whole = datagram(UDP, server, 5353, CLIENT, 4000, 1992);
    struct frame right = datagram(UDP, SHOP, 53, CLIENT, 4000, 1992);
    for (unsigned id = 0; id < 3; id++) {
        struct frame a = piece(&whole, 0, 1480, id), b = piece(&whole, 1480, 2000, id);
        give(s, FRAGMENT, 1, &a);
        give(s, FRAGMENT, 1, &b);
        assert_true(sent_is(s, &right, 0));
        forget_sent(s);
    }
    assert_int_equal(only_record(s)->state, PC_STATE_REPLIED);
    assert_false(only_record(s)->embryonic);
    assert_int_equal(pc_slow_stats(s->engine)->updated, 1); /* the others change nothing */
}

static void test_a_flow_of_pieces_alone_keeps_its_record(void **state)
{
    struct slow *s = *state;
    for (unsigned n = 0; n < 20; n++) { /* 2,000 s, with a timeout of 300 */
        ask(s, n, false);
        s->now += 100000;
        pc_device_age(s->device, (uint32_t)s->now, 100000);
        only_record(s);
    }
    assert_int_equal(pc_slow_stats(s->engine)->inserted, 1);
    assert_int_equal(pc_slow_stats(s->engine)->updated, 9); /* every second one */
}

static void test_p9_an_answer_without_a_record_passes(void **state)
{
    struct slow *s = *state;
    struct frame whole = datagram(UDP, "10.0.0.5", 5353, CLIENT, 4000, 392);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    give(s, FRAGMENT, 1, &a);
    give(s, FRAGMENT, 1, &b);
    assert_memory_equal(s->sent[0].bytes, a.b, a.len);
    assert_memory_equal(s->sent[1].bytes, b.b, b.len);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_PASSED), 2);
}

static void test_f15_pieces_do_not_make_more_embryonic_records_than_allowed(void **state)
{
    struct slow *s = *state;
    put_limits(s->device, 10, 0, 0);
    for (unsigned n = 0; n < 30; n++) {
        struct frame whole = datagram(UDP, CLIENT, 4000 + n, SHOP, 53, 392);
        struct frame a = piece(&whole, 0, 200, n);
        give(s, FRAGMENT, 0, &a);
    }
    assert_int_equal(records(s->device), 10);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_FULL), 20);
}

static void test_section_7_a_full_table_is_tried_again(void **state)
{
    struct slow *s = *state;
    struct portcam_service_row row = stateful_row(2, 0, UDP, 53);
    row.group = 2;
    row.schedule = 1;
    row.full = PORTCAM_FULL_PUNT;
    put_service(s->device, 1, &row);
    struct frame f = datagram(UDP, CLIENT, 4000, SHOP, 53, 30);
    give(s, PORTCAM_REASON_TABLE_FULL_PUNT, 0, &f); /* there is room by now */
    assert_int_equal(s->n_sent, 1);
    assert_int_equal(only_record(s)->forward.packets, 1);
}

static void test_p8_both_ways_at_once_are_one_record(void **state)
{
    struct slow *s = *state;
    ask(s, 1, false);
    unsigned backend = only_record(s)->backend;
    struct frame whole = datagram(UDP, CLIENT, 4000, SHOP, 53, 392);
    put_slots(s->device, 1, 11 - backend, 11 - backend, 11 - backend, 11 - backend);
    struct frame a = piece(&whole, 0, 200, 2);
    forget_sent(s);
    give(s, FRAGMENT, 0, &a);
    assert_int_equal(s->sent[0].bytes[14 + 19], backend);
    only_record(s);
}

/* ---- a mirror that is late ---- */

static struct {
    struct pc_slow_ops real;
    unsigned settled, blind; /* lookups that find nothing until it settles this often */
    bool sure; /* it is asked to settle because the card said that there is a record */
    enum pc_result result;
} Late;

static bool late_forward(void *ctx, const struct pc_client_key *key, unsigned service,
                         struct pc_end end, struct pc_connection *ret)
{
    return Late.settled >= Late.blind && Late.real.find_forward(ctx, key, service, end, ret);
}

static bool late_reverse(void *ctx, const struct pc_client_key *key, unsigned endpoint,
                         struct pc_connection *ret)
{
    return Late.settled >= Late.blind && Late.real.find_reverse(ctx, key, endpoint, ret);
}

static void settle(void *ctx, bool sure)
{
    (void)ctx;
    assert_int_equal(sure, Late.sure);
    Late.settled++;
}

static enum pc_result late_insert(void *ctx, const struct pc_connection *r)
{
    return Late.result != PC_RESULT_OK ? Late.result : Late.real.insert(ctx, r);
}

/* The engine of `s` over a mirror that knows after so many settlings. */
static struct pc_slow *late_engine(struct slow *s, unsigned blind, enum pc_result result)
{
    Late.real = pc_slow_device_ops(&s->over);
    Late.blind = blind;
    Late.settled = 0;
    Late.result = result;
    struct pc_slow_ops ops = Late.real;
    ops.find_forward = late_forward;
    ops.find_reverse = late_reverse;
    ops.settle = settle;
    ops.insert = late_insert;
    struct pc_slow *e = pc_slow_new(&ops, NULL);
    assert_non_null(e);
    return e;
}

static void test_a_mirror_that_is_late_is_waited_for(void **state)
{
    struct slow *s = *state;
    struct frame query = datagram(UDP, CLIENT, 4000, SHOP, 53, 30);
    const struct pc_slow_header h = {.reason = FRAGMENT, .ingress = 0, .time_ms = 1000};
    struct frame whole = datagram(UDP, CLIENT, 4000, SHOP, 53, 392), a = piece(&whole, 0, 200, 1);
    assert_int_equal(pass_frame(s->device, &query, 0), R(CONNECTION_NEW));
    unsigned backend = only_record(s)->backend;
    for (unsigned blind = 1; blind <= 3; blind++) { /* the card says that it exists */
        struct pc_slow *e = late_engine(s, blind, PC_RESULT_OK);
        Late.sure = true;
        forget_sent(s);
        pc_slow_packet(e, &h, a.b, a.len, 1000);
        assert_int_equal(s->n_sent, 1);
        assert_int_equal(s->sent[0].bytes[14 + 19], backend);
        assert_int_equal(Late.settled, blind);
        pc_slow_free(e);
    }
}

static void test_a_reply_waits_for_a_mirror_that_is_late(void **state)
{
    struct slow *s = *state;
    struct frame query = datagram(UDP, CLIENT, 4000, SHOP, 53, 30);
    const struct pc_slow_header h = {.reason = FRAGMENT, .ingress = 1, .time_ms = 1000};
    assert_int_equal(pass_frame(s->device, &query, 0), R(CONNECTION_NEW));
    const char *server = Last.backend == 5 ? "10.0.0.5" : "10.0.0.6";
    struct frame whole = datagram(UDP, server, 5353, CLIENT, 4000, 392),
                 a = piece(&whole, 0, 200, 1);
    struct pc_slow *e = late_engine(s, 1, PC_RESULT_OK);
    Late.sure = false;
    pc_slow_packet(e, &h, a.b, a.len, 1000);
    assert_int_equal(get16(s->sent[0].bytes + a.l4), 53);
    assert_int_equal(Late.settled, 1);
    pc_slow_free(e);
}

static void test_a_record_that_is_always_in_the_way_drops(void **state)
{
    struct slow *s = *state;
    const struct pc_slow_header h = {.reason = FRAGMENT, .ingress = 0, .time_ms = 1000};
    struct frame whole = datagram(UDP, CLIENT, 4000, SHOP, 53, 392), a = piece(&whole, 0, 200, 1);
    static const struct {
        enum pc_result result;
        enum pc_slow_outcome outcome;
    } cases[] = {{PC_RESULT_EXISTS, PC_SLOW_CONFLICT},
                 {PC_RESULT_AMBIGUOUS, PC_SLOW_CONFLICT},
                 {PC_RESULT_FULL, PC_SLOW_FULL}};
    for (unsigned i = 0; i < 3; i++) {
        struct pc_slow *e = late_engine(s, 0, cases[i].result);
        Late.sure = true;
        pc_slow_packet(e, &h, a.b, a.len, 1000);
        assert_int_equal(s->n_sent, 0);
        assert_int_equal(pc_slow_stats(e)->packets[FRAGMENT][cases[i].outcome], 1);
        pc_slow_free(e);
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_slow, teardown_slow)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_p8_a_first_piece_makes_a_record_and_all_follow_it),
        WITH(test_p9_an_answer_in_pieces_is_translated_and_proves_the_client),
        WITH(test_a_flow_of_pieces_alone_keeps_its_record),
        WITH(test_p9_an_answer_without_a_record_passes),
        WITH(test_f15_pieces_do_not_make_more_embryonic_records_than_allowed),
        WITH(test_section_7_a_full_table_is_tried_again),
        WITH(test_p8_both_ways_at_once_are_one_record),
        WITH(test_a_mirror_that_is_late_is_waited_for),
        WITH(test_a_reply_waits_for_a_mirror_that_is_late),
        WITH(test_a_record_that_is_always_in_the_way_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
