// SPDX-License-Identifier: Apache-2.0
/* What packets and time do to a record: docs/connections.md sections 2 and 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connections_calls.h"

/* ---- packets ---- */

static void counters_both_ways(void **state)
{
    struct pc_connections *c = *state;
    int slot = fix_open(c, 0, FIX_UDP, 0);
    for (unsigned n = 0; n < 10; n++) {
        struct pc_packet p = fix_packet(n % 3 ? PC_FROM_BACKEND : PC_FROM_CLIENT, 0, n);
        struct pc_packet_result ret = {.ended = NULL};
        p.len = 60 + n;
        pc_connections_packet(c, (unsigned)slot, &p, &ret);
        assert_int_equal(ret.before, n < 2 ? PC_STATE_UNREPLIED : PC_STATE_REPLIED);
        assert_int_equal(ret.after, n < 1 ? PC_STATE_UNREPLIED : PC_STATE_REPLIED);
        assert_int_equal(record(c, slot)->last_used, n);
    }
    const struct pc_connection *r = record(c, slot);
    assert_int_equal(r->forward.packets, 5);
    assert_int_equal(r->forward.octets, FIX_LEN + 60 + 63 + 66 + 69);
    assert_int_equal(r->reverse.packets, 6);
    assert_int_equal(r->reverse.octets, 61 + 62 + 64 + 65 + 67 + 68);
    assert_int_equal(r->created, 0);
    assert_int_equal(r->client_next, 0);
}

static void syn_repeats(void **state)
{
    struct pc_connections *c = *state;
    int slot = fix_open(c, 0, FIX_TCP, 0);
    for (unsigned n = 1; n <= 300; n++) {
        assert_int_equal(fix_pass(c, slot, PC_FROM_CLIENT, PC_TCP_SYN, n), PC_EFFECT_SYN_REPEAT);
        assert_int_equal(record(c, slot)->syn_repeats, n < 255 ? n : 255);
    }
    assert_int_equal(record(c, slot)->backend, 3);
    assert_int_equal(record(c, slot)->generation, 1);
    assert_int_equal(pc_connections_backend(c, 3).syn_repeats, 300);
    assert_int_equal(pc_connections_backend(c, 3).new_connections, 1);
    fix_pass(c, slot, PC_FROM_BACKEND, SYN_ACK, 301);
    assert_int_equal(fix_pass(c, slot, PC_FROM_CLIENT, PC_TCP_SYN, 302), PC_EFFECT_SYN_REPEAT);
    fix_pass(c, slot, PC_FROM_CLIENT, PC_TCP_ACK, 303);
    assert_int_equal(fix_pass(c, slot, PC_FROM_CLIENT, PC_TCP_SYN, 304), 0);
    assert_int_equal(pc_connections_backend(c, 3).syn_repeats, 301);
}

static void backend_counters(void **state)
{
    struct pc_connections *c = *state;
    struct pc_backend_counters b;
    int slow = fix_open(c, 0, FIX_TCP, 0xfffffff0), fast = fix_open(c, 1, FIX_TCP, 0);
    int refused = fix_open(c, 2, FIX_TCP, 0), again = fix_open(c, 3, FIX_TCP, 0);
    int udp = fix_open(c, 4, FIX_UDP, 0);
    assert_int_equal(fix_pass(c, fast, PC_FROM_BACKEND, SYN_ACK, 3), PC_EFFECT_SYN_ACK);
    assert_int_equal(fix_pass(c, slow, PC_FROM_BACKEND, SYN_ACK, 0x10), PC_EFFECT_SYN_ACK);
    assert_int_equal(fix_pass(c, slow, PC_FROM_BACKEND, SYN_ACK, 0x99), 0);
    assert_int_equal(fix_pass(c, refused, PC_FROM_BACKEND, PC_TCP_RST | PC_TCP_ACK, 5),
                     PC_EFFECT_SYN_RESET);
    assert_int_equal(fix_pass(c, refused, PC_FROM_BACKEND, PC_TCP_RST, 6), 0);
    fix_pass(c, again, PC_FROM_CLIENT, PC_TCP_SYN, 1000);
    assert_int_equal(fix_pass(c, again, PC_FROM_BACKEND, SYN_ACK, 1001), 0); /* of which SYN? */
    b = pc_connections_backend(c, 3);
    assert_int_equal(b.new_connections, 5);
    assert_int_equal(b.records, 5);
    assert_int_equal(b.active, 4);
    assert_int_equal(b.syn_repeats, 1);
    assert_int_equal(b.syn_resets, 1);
    assert_int_equal(b.syn_ack_count, 2);
    assert_int_equal(b.syn_ack_ms, 3 + 32);
    assert_int_equal(b.syn_ack_ms_max, 32);
    fix_pass(c, fast, PC_FROM_CLIENT, FIN_ACK, 7);
    assert_int_equal(pc_connections_backend(c, 3).active, 3);
    fix_pass(c, slow, PC_FROM_CLIENT, PC_TCP_ACK, 0x11);
    fix_pass(c, slow, PC_FROM_CLIENT, PC_TCP_RST, 0x12); /* forged */
    assert_int_equal(pc_connections_backend(c, 3).active, 2);
    fix_pass(c, slow, PC_FROM_CLIENT, PC_TCP_ACK, 0x13);
    assert_int_equal(pc_connections_backend(c, 3).active, 3);
    fix_pass(c, udp, PC_FROM_BACKEND, 0, 8);
    assert_int_equal(pc_connections_backend(c, 3).active, 3);
    end_of(c, (unsigned)refused);
    assert_int_equal(pc_connections_backend(c, 3).active, 3);
    assert_int_equal(pc_connections_backend(c, 3).records, 4);
    end_of(c, (unsigned)udp);
    assert_int_equal(pc_connections_backend(c, 3).active, 2);
    assert_int_equal(pc_connections_backend(c, FIX_BACKENDS).new_connections, 0);
}

static uint32_t client_next_after(struct pc_connections *c, int slot, unsigned flags, uint32_t seq,
                                  uint32_t payload, enum pc_direction from)
{
    struct pc_packet p = fix_packet(from, flags, 1);
    struct pc_packet_result ret = {.ended = NULL};
    p.seq = seq;
    p.payload = payload;
    pc_connections_packet(c, (unsigned)slot, &p, &ret);
    return record(c, slot)->client_next;
}

static void client_sequence(void **state)
{
    struct pc_connections *c = *state;
    int s = fix_open(c, 0, FIX_TCP, 0);
    const enum pc_direction client = PC_FROM_CLIENT;
    assert_int_equal(record(c, s)->client_next, 1001);
    assert_int_equal(client_next_after(c, s, PC_TCP_SYN, 500, 0, client), 501); /* a new attempt */
    assert_int_equal(client_next_after(c, s, PC_TCP_SYN, 0xfffffff0, 0, client), 0xfffffff1);
    assert_int_equal(client_next_after(c, s, SYN_ACK, 77777, 9, PC_FROM_BACKEND), 0xfffffff1);
    assert_int_equal(client_next_after(c, s, PC_TCP_ACK, 0xfffffff1, 0, client), 0xfffffff1);
    assert_int_equal(client_next_after(c, s, PC_TCP_ACK, 0xfffffff1, 100, client), 0x55);
    assert_int_equal(client_next_after(c, s, PC_TCP_ACK, 0xfffffff1, 50, client), 0x55);
    assert_int_equal(client_next_after(c, s, PC_TCP_SYN, 0x1000, 0, client), 0x55);
    assert_int_equal(client_next_after(c, s, PC_TCP_RST, 0x1000, 0, client), 0x55);
    assert_int_equal(client_next_after(c, s, 0, 0x1000, 0, client), 0x55);
    assert_int_equal(client_next_after(c, s, PC_TCP_ACK, 0x1000, 0, PC_FROM_BACKEND), 0x55);
    assert_int_equal(client_next_after(c, s, FIN_ACK, 0x55, 10, client), 0x60);
    assert_int_equal(client_next_after(c, s, FIN_ACK, 0x55, 10, client), 0x60);
}

/* ---- F.14 ---- */

/* Bring an established record of client_next 1000 + 1 into each closing or reset state. */
static void into(struct pc_connections *c, int slot, enum pc_connection_state want)
{
    static const struct {
        enum pc_direction from;
        unsigned flags;
    } step[PC_STATE_MAX][2] = {
        [PC_STATE_CLOSING_CLIENT] = {{PC_FROM_CLIENT, FIN_ACK}},
        [PC_STATE_CLOSING_SERVER] = {{PC_FROM_BACKEND, FIN_ACK}},
        [PC_STATE_CLOSING_BOTH] = {{PC_FROM_BACKEND, FIN_ACK}, {PC_FROM_CLIENT, FIN_ACK}},
        [PC_STATE_RESET_CLIENT] = {{PC_FROM_CLIENT, PC_TCP_RST}},
        [PC_STATE_RESET_SERVER] = {{PC_FROM_BACKEND, PC_TCP_RST}},
        [PC_STATE_RESET] = {{PC_FROM_BACKEND, PC_TCP_RST}, {PC_FROM_CLIENT, PC_TCP_RST}},
    };
    for (unsigned n = 0; n < 2; n++)
        if (step[want][n].flags)
            fix_pass(c, slot, step[want][n].from, step[want][n].flags, 5);
    assert_int_equal(record(c, slot)->state, want);
}

static void reuse_case(struct pc_connections *c, enum pc_connection_state before, int32_t ahead,
                       bool accepts)
{
    int slot = fix_established(c, 0, 2);
    into(c, slot, before);
    struct pc_connection old = *record(c, slot);
    struct pc_ended ended = {.reason = 99};
    struct pc_packet_result ret = {.ended = &ended};
    struct pc_packet p = fix_packet(PC_FROM_CLIENT, PC_TCP_SYN, 3000);
    p.seq = old.client_next + (uint32_t)ahead;
    p.backend_accepts = accepts;
    pc_connections_packet(c, (unsigned)slot, &p, &ret);
    const struct pc_connection *r = record(c, slot);
    assert_int_equal(ret.before, before);
    if (!accepts || ahead <= 0) {
        assert_int_equal(ret.effects, PC_EFFECT_RESCHEDULE);
        assert_int_equal(ret.after, before);
        assert_true(fix_same(r, &old));
        assert_int_equal(ended.reason, 99);
    } else {
        assert_int_equal(ret.effects, PC_EFFECT_KEPT);
        assert_int_equal(ret.after, PC_STATE_SYN_SEEN);
        assert_int_equal(ended.reason, PC_END_PORT_REUSE);
        assert_int_equal(ended.at, 3000);
        assert_true(fix_same(&ended.record, &old));
        assert_int_equal(r->generation, old.generation + 1);
        assert_int_equal(r->backend, 3);
        assert_int_equal(r->created, 3000);
        assert_int_equal(r->client_next, p.seq + 1);
        assert_int_equal(r->forward.packets, 1);
        assert_int_equal(r->reverse.packets, 0);
        assert_true(r->embryonic);
        assert_int_equal(pc_connections_embryonic(c), 1);
        struct pc_insert i = fix_insert(0, FIX_TCP);
        assert_int_equal(forward(c, &i), slot);
        assert_int_equal(reverse(c, &i), slot);
    }
    pc_connections_clear(c);
}

static void port_reuse(void **state)
{
    static const int32_t ahead[] = {1, 0, -1, 1000, -1000, INT32_MAX, INT32_MIN};
    for (enum pc_connection_state s = PC_STATE_CLOSING_CLIENT; s <= PC_STATE_RESET; s++)
        for (unsigned n = 0; n < 7; n++) {
            reuse_case(*state, s, ahead[n], true);
            reuse_case(*state, s, ahead[n], false);
        }
}

static void port_reuse_without_receipt(void **state)
{
    struct pc_connections *c = *state;
    int slot = fix_established(c, 0, 2);
    into(c, slot, PC_STATE_CLOSING_BOTH);
    struct pc_packet p = fix_packet(PC_FROM_CLIENT, PC_TCP_SYN, 3);
    struct pc_packet_result ret = {.ended = NULL};
    p.seq = 5000;
    pc_connections_packet(c, (unsigned)slot, &p, &ret);
    assert_int_equal(ret.effects, PC_EFFECT_KEPT);
    struct pc_backend_counters b = pc_connections_backend(c, 3);
    assert_int_equal(b.new_connections, 2);
    assert_int_equal(b.records, 1);
    assert_int_equal(b.active, 1);
}

static void replace(void **state)
{
    struct pc_connections *c = *state;
    struct pc_insert old = fix_insert(0, FIX_TCP), i = old, in_the_way = old;
    struct pc_packet p = fix_packet(PC_FROM_CLIENT, PC_TCP_SYN, 9);
    struct pc_ended ended = {.reason = 99};
    int slot = fix_established(c, 0, 2);
    into(c, slot, PC_STATE_CLOSING_BOTH);
    in_the_way.service = 2;
    in_the_way.endpoint = 99;
    assert_int_equal(insert(c, &in_the_way, NULL), PC_RESULT_OK);
    i.backend = 4;
    i.endpoint = in_the_way.endpoint;
    assert_int_equal(pc_connections_replace(c, 0, 2, &i, &p, &ended), PC_RESULT_CHANGED);
    assert_int_equal(pc_connections_replace(c, 2, 1, &i, &p, &ended), PC_RESULT_NOT_FOUND);
    assert_int_equal(pc_connections_replace(c, 0, 1, &i, &p, &ended), PC_RESULT_AMBIGUOUS);
    assert_int_equal(ended.reason, 99);
    assert_int_equal(record(c, 0)->generation, 1);
    i.endpoint = 100;
    i.full = true, i.embryonic_limit = 1; /* it takes a place, it needs none */
    assert_int_equal(pc_connections_replace(c, 0, 1, &i, &p, &ended), PC_RESULT_OK);
    assert_int_equal(ended.reason, PC_END_PORT_REUSE);
    assert_int_equal(ended.record.backend, 3);
    assert_int_equal(ended.record.state, PC_STATE_CLOSING_BOTH);
    assert_int_equal(ended.record.forward.packets, 3);
    assert_int_equal(record(c, 0)->backend, 4);
    assert_int_equal(record(c, 0)->generation, 3);
    assert_int_equal(record(c, 0)->state, PC_STATE_SYN_SEEN);
    assert_int_equal(reverse(c, &old), -1);
    assert_int_equal(reverse(c, &i), 0);
    assert_int_equal(forward(c, &old), 0);
    assert_int_equal(pc_connections_backend(c, 3).records, 1); /* the one in the way */
    assert_int_equal(pc_connections_backend(c, 4).records, 1);
    assert_int_equal(pc_connections_backend(c, 4).new_connections, 1);
    assert_int_equal(pc_connections_replace(c, 0, 3, &i, &p, NULL), PC_RESULT_OK); /* its own end */
}

/* ---- ends ---- */

static bool sweep(struct pc_connections *c, unsigned slot, uint32_t now,
                  const struct portcam_timeout_row *t, struct pc_ended *ended)
{
    return pc_connections_sweep(c, slot, now, t, false, ended);
}

static void sweep_at(void **state)
{
    struct pc_connections *c = *state;
    struct portcam_timeout_row t = fix_timeouts();
    struct pc_ended ended;
    static const uint32_t starts[] = {0, 0x7ffffff0, 0xfffffff0};
    t.syn = 100;
    for (unsigned n = 0; n < 3; n++) {
        uint32_t at = starts[n];
        int slot = fix_open(c, n, FIX_TCP, at);
        fix_pass(c, slot, PC_FROM_CLIENT, PC_TCP_SYN, at + 50);
        assert_false(sweep(c, (unsigned)slot, at + 149, &t, &ended));
        assert_false(sweep(c, (unsigned)slot, at + 49, &t, &ended));
        assert_false(sweep(c, (unsigned)slot, at + 150, NULL, &ended)); /* no timeouts: never */
        assert_true(sweep(c, (unsigned)slot, at + 150, &t, &ended));
        assert_int_equal(ended.reason, PC_END_EXPIRED);
        assert_int_equal(ended.at, at + 150);
        assert_int_equal(ended.record.forward.packets, 2);
        assert_int_equal(ended.record.forward.octets, 2 * FIX_LEN);
        assert_false(sweep(c, (unsigned)slot, at + 150, &t, &ended));
    }
    assert_false(sweep(c, FIX_SLOTS, 0, &t, &ended));
    assert_int_equal(pc_connections_used(c), 0);
}

/* Each state ends by its own timeout, and one slot at a time. */
static void sweep_by_state(void **state)
{
    struct pc_connections *c = *state;
    struct portcam_timeout_row t = {1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 0, {0}};
    fix_limit = FIX_CAPACITY;
    fix_open(c, 0, FIX_TCP, 0);
    fix_pass(c, fix_open(c, 1, FIX_TCP, 0), PC_FROM_BACKEND, SYN_ACK, 0);
    fix_established(c, 2, 0);
    fix_pass(c, fix_established(c, 3, 0), PC_FROM_BACKEND, FIN_ACK, 0);
    int both = fix_established(c, 4, 0);
    fix_pass(c, both, PC_FROM_BACKEND, FIN_ACK, 0);
    fix_pass(c, both, PC_FROM_CLIENT, FIN_ACK, 0);
    fix_pass(c, fix_established(c, 5, 0), PC_FROM_CLIENT, PC_TCP_RST, 0);
    fix_open(c, 6, FIX_UDP, 0);
    fix_pass(c, fix_open(c, 7, FIX_UDP, 0), PC_FROM_BACKEND, 0, 0);
    for (uint32_t now = 500; now < 9000; now += 500)
        for (unsigned slot = 0; slot < FIX_CAPACITY; slot++) {
            struct pc_ended ended;
            bool over = sweep(c, slot, now, &t, &ended);
            assert_int_equal(over, now == 1000 * (slot + 1));
            if (over)
                assert_int_equal(ended.record.slot, slot);
        }
    assert_int_equal(pc_connections_used(c), 0);
    assert_int_equal(pc_connections_embryonic(c), 0);
}

static void sweep_frozen(void **state)
{
    struct pc_connections *c = *state;
    struct portcam_timeout_row t = fix_timeouts();
    fix_established(c, 0, 0);
    assert_false(pc_connections_sweep(c, 0, 5000000, &t, true, NULL));
    assert_int_equal(record(c, 0)->last_used, 5000000);
    assert_false(pc_connections_sweep(c, 0, 6000000, NULL, true, NULL));
    assert_int_equal(record(c, 0)->last_used, 5000000);
    assert_false(sweep(c, 0, 5899999, &t, NULL));
    assert_true(sweep(c, 0, 5900000, &t, NULL));
    assert_false(pc_connections_sweep(c, 0, 1, &t, true, NULL));
}

/* ---- two families, and moves ---- */

/* Fewest and most active records in the moments that are asked for. */
static void active_range(void **state)
{
    struct pc_connections *c = *state;
    uint32_t least, most;
    fix_limit = 0;
    for (unsigned n = 0; n < 4; n++) {
        pc_connections_tick(c);
        fix_open(c, n, FIX_UDP, 0); /* active becomes n + 1 in moment n + 1 */
    }
    pc_connections_tick(c);
    end_of(c, 0); /* 3, in moment 5 */
    for (unsigned moments = 0; moments < 10; moments++) {
        pc_connections_active_range(c, 3, moments, &least, &most);
        assert_int_equal(most, 4);
        assert_int_equal(least, moments <= 1 ? 3 : moments > 4 ? 0 : 4 - moments);
    }
    pc_connections_active_range(c, 2, 9, &least, &most);
    assert_int_equal(most, 0);
}

/* Packets are counted modulo 2^48. */
static void packets_wrap(void **state)
{
    struct pc_connections *c = *state;
    int slot = fix_open(c, 0, FIX_UDP, 0);
    c->entry[slot].r.forward.packets = (1ull << 48) - 1;
    c->entry[slot].r.reverse.packets = (1ull << 48) - 2;
    fix_pass(c, slot, PC_FROM_CLIENT, 0, 0);
    fix_pass(c, slot, PC_FROM_BACKEND, 0, 0);
    assert_true(record(c, slot)->forward.packets == 0);
    assert_true(record(c, slot)->reverse.packets == (1ull << 48) - 1);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("counters of both directions; an answer makes replied", counters_both_ways),
        TEST("F.13 S4.38 S4.40 S4.41 a repeated SYN keeps its backend and is counted", syn_repeats),
        TEST("S1.35 S1.36 S4.32 counters of a backend", backend_counters),
        TEST("F.14 the client's last sequence number", client_sequence),
        TEST("F.14 a SYN in every closing state, every sequence number, both answers", port_reuse),
        TEST("F.14 a kept port is a new connection of the backend", port_reuse_without_receipt),
        TEST("F.14 F.18 replace: another backend in the same slot", replace),
        TEST("F.26 S1.41 S4.55 the sweep ends what is out of time, across the wrap", sweep_at),
        TEST("section 5 the sweep knows the timeout of each state", sweep_by_state),
        TEST("section 6 records of a paused domain are frozen", sweep_frozen),
        TEST("active of the last moments", active_range),
        TEST("packets are counted modulo 2^48", packets_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
