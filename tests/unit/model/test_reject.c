// SPDX-License-Identifier: Apache-2.0
/* Answers to refused packets: docs/pipeline.md section 6. Whole frames by hand, others by checksums that are summed
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stateful_world.h"

/* Unlimited answers. */
static int setup(void **state)
{
    int failed = setup_shop(state);
    if (!failed) {
        put_limits(*state, 0, 65535, 65535);
        put_domain(*state, PORTCAM_DOMAIN_STATE_RUNNING, PORTCAM_POLICY_REJECT);
    }
    return failed;
}

static struct frame tcp(unsigned flags, uint32_t seq, uint32_t ack, size_t payload)
{
    static const uint8_t data[64];
    struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 0xaa},
                           .smac = {2, 0, 0, 0, 0, 0xbb},
                           .src = "192.0.2.7",
                           .dst = "198.51.100.1",
                           .protocol = TCP,
                           .sport = 40000,
                           .dport = 81,
                           .payload = data,
                           .payload_len = payload,
                           .tos = 0xff,
                           .pad = 9};
    struct frame f = build_frame(&s);
    put16(f.b + f.l4 + 4, seq >> 16);
    put16(f.b + f.l4 + 6, seq & 0xffff);
    put16(f.b + f.l4 + 8, ack >> 16);
    put16(f.b + f.l4 + 10, ack & 0xffff);
    f.b[f.l4 + 13] = (uint8_t)flags;
    fix_sums(&f);
    return f;
}

static void reset_of_an_ack(void **state)
{
    /* By hand: the header words sum to 0x2b169, those of TCP and its pseudo header to 0x2dcf0. */
    static const uint8_t want[60] = {2,    0, 0,    0,    0,    0xbb, 2,    0,    0,    0,    0,
                                     0xaa, 8, 0,    0x45, 0,    0,    0x28, 0,    0,    0x40, 0,
                                     0x40, 6, 0x4e, 0x94, 0xc6, 0x33, 0x64, 1,    0xc0, 0,    2,
                                     7,    0, 0x51, 0x9c, 0x40, 0x01, 0x02, 0x03, 0x04, 0,    0,
                                     0,    0, 0x50, 4,    0,    0,    0x23, 0x0d, 0,    0};
    struct frame f = tcp(ACK | 8, 77, 0x01020304, 5);
    assert_int_equal(pass_frame(*state, &f, 0), R(UNKNOWN_REJECT));
    assert_true(Last.drop);
    assert_int_equal(Last.refusal, R(UNKNOWN_REJECT));
    assert_int_equal(Answer.len, 60);
    assert_int_equal(Answer.egress, 0);
    assert_memory_equal(Answer.bytes, want, 60);
}

/* The answer as a frame whose sums can be checked. */
static struct frame answer_frame(bool v6, size_t l3, unsigned protocol)
{
    struct frame f = {.len = Answer.len, .l3 = l3, .v6 = v6, .protocol = (uint8_t)protocol};
    memcpy(f.b, Answer.bytes, Answer.len);
    f.l4 = l3 + (v6 ? 40 : 20);
    f.end = v6 ? f.l4 + get16(f.b + l3 + 4) : l3 + get16(f.b + l3 + 2);
    f.sum_at = f.l4 + (protocol == TCP ? 16 : 2);
    return f;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void reset_numbers(void **state)
{
    static const struct {
        unsigned flags, payload, answer;
        uint32_t seq, ack;
    } cases[] = {
        {SYN, 0, RST | ACK, 0, 1001},       {SYN, 7, RST | ACK, 0, 1008},
        {SYN | FIN, 7, RST | ACK, 0, 1009}, {FIN, 0, RST | ACK, 0, 1001},
        {0, 3, RST | ACK, 0, 1003},         {ACK, 3, RST, 0xfffffff0, 0},
        {SYN | ACK, 3, RST, 0xfffffff0, 0}, {FIN | ACK, 3, RST, 0xfffffff0, 0},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame f = tcp(cases[i].flags, 1000, 0xfffffff0, cases[i].payload);
        assert_int_equal(pass_frame(*state, &f, 0), R(UNKNOWN_REJECT));
        struct frame a = answer_frame(false, 14, TCP);
        assert_true(sums_are_right(&a));
        assert_int_equal(a.b[a.l4 + 13], cases[i].answer);
        assert_int_equal(get32(a.b + a.l4 + 4), cases[i].seq);
        assert_int_equal(get32(a.b + a.l4 + 8), cases[i].ack);
    }
}

/* Every length around the window, with 0 to 2 tags: type 3 code 3 and type 1 code 4. */
static void unreachable(void **state)
{
    struct pc_device *d = *state;
    static uint8_t data[200];
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 1);
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned tags = 0; tags < 3; tags++)
            for (unsigned len = 0; len < sizeof(data); len++) {
                struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 0xaa},
                                       .smac = {2, 0, 0, 0, 0, 0xbb},
                                       .tags = tags,
                                       .tci = {0x6005, 0x2007},
                                       .src = v6 ? "2001:db8:9::7" : "192.0.2.7",
                                       .dst = v6 ? "2001:db8::1" : "198.51.100.1",
                                       .protocol = UDP,
                                       .sport = 5,
                                       .dport = 6,
                                       .payload = data,
                                       .payload_len = len,
                                       .pad = 13};
                struct frame f = build_frame(&s), before = f;
                assert_int_equal(pass_frame(d, &f, 0), R(UNKNOWN_REJECT));
                struct frame a = answer_frame(v6, f.l3, v6 ? ICMPV6 : ICMP);
                size_t quoted = (f.end < 128 ? f.end : 128) - f.l3;
                size_t all = a.l4 + 8 + quoted;
                assert_int_equal(a.end, all);
                assert_int_equal(Answer.len, all < 60 ? 60 : all);
                assert_memory_equal(a.b, before.b + 6, 6);
                assert_memory_equal(a.b + 6, before.b, 6);
                assert_memory_equal(a.b + 12, before.b + 12, f.l3 - 12);
                assert_true(sums_are_right(&a));
                if (v6) {
                    static const uint8_t head[8] = {0x60, 0, 0, 0, 0, 0, 58, 64};
                    assert_memory_equal(a.b + a.l3, head, 4);
                    assert_memory_equal(a.b + a.l3 + 6, head + 6, 2);
                    assert_memory_equal(a.b + a.l3 + 8, before.b + f.l3 + 24, 16);
                    assert_memory_equal(a.b + a.l3 + 24, before.b + f.l3 + 8, 16);
                } else {
                    static const uint8_t head[10] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 1};
                    assert_memory_equal(a.b + a.l3, head, 2);
                    assert_memory_equal(a.b + a.l3 + 4, head + 4, 6);
                    assert_memory_equal(a.b + a.l3 + 12, before.b + f.l3 + 16, 4);
                    assert_memory_equal(a.b + a.l3 + 16, before.b + f.l3 + 12, 4);
                }
                assert_int_equal(get16(a.b + a.l4), v6 ? 0x0104 : 0x0303);
                assert_int_equal(get32(a.b + a.l4 + 4), 0);
                assert_memory_equal(a.b + a.l4 + 8, before.b + f.l3, quoted);
                for (size_t i = all; i < Answer.len; i++)
                    assert_int_equal(a.b[i], 0);
            }
}

static void reset_v6(void **state)
{
    struct frame f = tcp_frame("2001:db8:9::7", 40000, "2001:db8::1", 81, SYN, 0xffffffff);
    assert_int_equal(pass_frame(*state, &f, 0), R(UNKNOWN_REJECT));
    struct frame a = answer_frame(true, 14, TCP);
    assert_int_equal(Answer.len, 74);
    assert_int_equal(a.end, 74);
    assert_true(sums_are_right(&a));
    assert_int_equal(get32(a.b + a.l4 + 8), 0);
    assert_int_equal(get16(a.b + a.l4), 81);
    assert_int_equal(get16(a.b + a.l4 + 2), 40000);
}

static void silent(void **state)
{
    struct pc_device *d = *state;
    struct frame frames[8];
    set_address(d, 3, "0.0.0.0", 0, ANY, 1, 0);
    set_address(d, 4, "::", 0, ANY, 1, 0);
    world_build(d);
    frames[0] = tcp(RST, 1, 1, 0);
    frames[1] = tcp(RST | ACK, 1, 1, 0);
    frames[2] = other_frame(ICMP, "192.0.2.7", 0, "198.51.100.1", 0);
    frames[3] = other_frame(ICMPV6, "2001:db8:9::7", 0, "2001:db8::1", 0);
    frames[3].b[frames[3].l4] = 128;
    frames[4] = other_frame(UDP, "0.1.2.3", 1, "198.51.100.1", 6);
    frames[5] = other_frame(UDP, "127.0.0.1", 1, "198.51.100.1", 6);
    frames[6] = other_frame(UDP, "198.51.100.1", 6, "198.51.100.1", 6); /* LAND */
    frames[7] = other_frame(UDP, "ff02::1", 6, "2001:db8::1", 6);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(pass_frame(d, &frames[i], 0), R(REJECT_SILENT));
        assert_int_equal(Last.refusal, R(UNKNOWN_REJECT));
        assert_int_equal(Answer.len, 0);
        assert_true(Last.drop);
    }
    struct frame f = other_frame(UDP, "198.51.100.1", 7, "198.51.100.1", 6);
    assert_int_equal(pass_frame(d, &f, 0), R(UNKNOWN_REJECT));
    f = other_frame(47, "192.0.2.7", 0, "198.51.100.1", 0);
    f.b[f.l3 + 9] = ICMPV6; /* the other version's ICMP too */
    assert_int_equal(pass_frame(d, &f, 0), R(REJECT_SILENT));
    f = other_frame(47, "2001:db8:9::7", 0, "2001:db8::1", 0);
    f.b[f.l3 + 6] = ICMP;
    assert_int_equal(pass_frame(d, &f, 0), R(REJECT_SILENT));
}

/* Answers leave where the packet came from, and are not counted. */
static void to_the_sender(void **state)
{
    struct pc_device *d = *state;
    put_domain(d, PORTCAM_DOMAIN_STATE_STOPPED, PORTCAM_POLICY_REJECT);
    struct frame f = tcp_frame("10.0.0.1", 8080, "192.0.2.7", 40000, ACK, 1);
    assert_int_equal(pass_frame(d, &f, 9), R(STOPPED_REJECT));
    assert_int_equal(Answer.egress, 9);
    assert_int_equal(packets(d, PORTCAM_COUNTER_TABLE_FUNCTION_TX, 9), 0);
    assert_int_equal(packets(d, PORTCAM_COUNTER_TABLE_FUNCTION_TX, 0), 0);
    assert_int_equal(packets(d, PORTCAM_COUNTER_TABLE_REASON, R(STOPPED_REJECT)), 1);
}

static unsigned answers(struct pc_device *d, unsigned tries)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tries; i++) {
        struct frame f = tcp(SYN, 1, 1, 0);
        unsigned reason = pass_frame(d, &f, 0);
        assert_int_equal(reason, Answer.len ? R(UNKNOWN_REJECT) : R(REJECT_LIMITED));
        n += Answer.len != 0;
    }
    return n;
}

static void buckets(void **state)
{
    struct pc_device *d = *state;
    Now = 0xfffffc00; /* time wraps on the way */
    put_limits(d, 0, 100, 5);
    assert_int_equal(answers(d, 20), 5); /* full after a reset */
    Now += 9;
    assert_int_equal(answers(d, 20), 0); /* 900 thousandths */
    Now += 1;
    assert_int_equal(answers(d, 20), 1);
    Now += 25;
    assert_int_equal(answers(d, 20), 2); /* and a half */
    Now += 5;
    assert_int_equal(answers(d, 20), 1);
    Now += 1000;
    assert_int_equal(answers(d, 20), 5); /* no more than its size */
    put_limits(d, 0, 0, 5);
    Now += 1023;
    assert_int_equal(answers(d, 20), 0);
    Now += 1024;
    assert_int_equal(answers(d, 20), 5); /* full, however slow */
    put_limits(d, 0, 65535, 2);
    Now += 1;
    assert_int_equal(answers(d, 20), 2); /* a smaller bucket holds less at once */
    put_limits(d, 0, 65535, 0);
    Now += 2000;
    assert_int_equal(answers(d, 20), 0);
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_LIMITS, 0, NULL);
    assert_int_equal(answers(d, 20), 0);
    /* Each reason has a bucket of its own; a silent packet takes nothing. */
    put_limits(d, 0, 0, 3);
    Now += 2000;
    assert_int_equal(answers(d, 2), 2);
    assert_int_equal(client_sends(d, 1, ACK, 1), R(NO_RECORD_REJECT));
    assert_int_equal(client_sends(d, 1, RST, 1), R(REJECT_SILENT));
    assert_int_equal(answers(d, 20), 1);
    assert_int_equal(client_sends(d, 1, ACK, 1), R(NO_RECORD_REJECT));
    put_slots(d, 0, NONE, NONE, NONE, NONE);
    assert_int_equal(client_sends(d, 1, SYN, 1), R(NO_BACKEND_REJECT));
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown_shop, NULL                                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("P4 S4.29 a TCP RST, byte by byte", reset_of_an_ack),
        TEST("P4 sequence numbers of the RST, RFC 9293 3.10.7.1", reset_numbers),
        TEST("P4 a TCP RST over IPv6", reset_v6),
        TEST("P4 S4.30 ICMP and ICMPv6 unreachable, every length around the window", unreachable),
        TEST("P4 what is never answered", silent),
        TEST("P4 answers go back to the sender and are not counted", to_the_sender),
        TEST("P4 answers are limited, for each reason", buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
