// SPDX-License-Identifier: Apache-2.0
/* Rewriting against full recomputation by the test's own summation, and against bytes that must not move: docs/pipeline.md
 * section 4, section 8 of the packet semantics. The four addresses and ports of every flow differ in every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/rng.h"
#include "world.h"

#define R(name) PORTCAM_REASON_##name

/* Client C, public P, server B, for both IP versions. No two have a byte in common. */
#define C4 "17.34.51.68"
#define P4 "133.150.167.184"
#define B4 "10.27.44.61"
#define C6 "2011:2233:4455:6677:8899:aabb:ccdd:eeff"
#define P6 "3112:1415:1617:1819:1a1b:1c1d:1e1f:2021"
#define B6 "3f40:4142:4344:4546:4748:494a:4b4c:4d4e"
enum { CPORT = 0xc1c2, PPORT = 0x5152, BPORT = 0x7374 };

static int setup(void **state)
{
    static const int protocols[] = {TCP, UDP};
    struct pc_device *d = new_device();
    *state = d;
    if (!d)
        return -1;
    set_device(d, MacDevice);
    set_domain(d, 0, 0, PORTCAM_POLICY_DROP);
    set_address(d, 0, P4, 32, ANY, 0, 0);
    set_address(d, 1, P6, 128, ANY, 1, 0);
    for (unsigned i = 0; i < 4; i++) {
        bool v6 = i & 1;
        set_service(d, i, 0, (int)(i & 1), protocols[i / 2], PPORT, PORTCAM_MODE_STATIC, i, v6);
        struct endpoint_spec e = {.ip = v6 ? B6 : B4,
                                  .public_ip = v6 ? P6 : P4,
                                  .protocol = protocols[i / 2],
                                  .port = BPORT,
                                  .public_port = PPORT,
                                  .address = v6,
                                  .service = i,
                                  .backend = v6};
        set_endpoint(d, &e);
    }
    /* Everything else of these addresses: any protocol, any port, to another backend, port kept. */
    for (unsigned v6 = 0; v6 < 2; v6++) {
        set_service(d, 8 + v6, 0, (int)v6, ANY, ANY, PORTCAM_MODE_STATIC, 8 + v6, 8 + v6);
        set_backend(d, v6, v6 ? B6 : B4, BPORT, NULL, 1);
        set_backend(d, 8 + v6, v6 ? B6 : B4, 0, NULL, 1);
        struct endpoint_spec e = {.ip = v6 ? B6 : B4,
                                  .public_ip = v6 ? P6 : P4,
                                  .protocol = ANY,
                                  .port = ANY,
                                  .address = v6,
                                  .service = 8 + v6,
                                  .backend = 8 + v6};
        set_endpoint(d, &e);
    }
    world_build(d);
    return 0;
}

static int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

static struct frame_spec forward(bool v6, uint8_t protocol)
{
    struct frame_spec s = {.src = v6 ? C6 : C4,
                           .dst = v6 ? P6 : P4,
                           .protocol = protocol,
                           .sport = CPORT,
                           .dport = PPORT};
    memcpy(s.dmac, MacOne, 6);
    memcpy(s.smac, MacClient, 6);
    return s;
}

static struct frame_spec reply(bool v6, uint8_t protocol)
{
    struct frame_spec s = {.src = v6 ? B6 : B4,
                           .dst = v6 ? C6 : C4,
                           .protocol = protocol,
                           .sport = BPORT,
                           .dport = CPORT};
    memcpy(s.dmac, MacClient, 6);
    memcpy(s.smac, MacServer, 6);
    return s;
}

/* The frame that the specification becomes after translation, made by the builder, must equal the model's byte for
 * byte: every field, checksum, tag, option, payload and padding byte. */
static void check(struct pc_device *d, const struct frame_spec *s, unsigned reason)
{
    struct frame got = build_frame(s);
    struct frame_spec t = *s;
    bool v6 = got.v6, ports = s->protocol == TCP || s->protocol == UDP;
    if (reason == R(STATIC_FORWARD)) {
        t.dst = v6 ? B6 : B4;
        t.dport = ports && s->dport == PPORT ? BPORT : s->dport;
    } else {
        t.src = v6 ? P6 : P4;
        t.sport = ports && s->sport == BPORT ? PPORT : s->sport;
    }
    struct frame want = build_frame(&t);
    struct pc_decision v = send_frame(d, &got, reason == R(STATIC_FORWARD) ? 0 : 1);
    assert_int_equal(v.reason, reason);
    assert_true(sums_are_right(&got));
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.b, want.b, want.len);
}

static void both_ways(struct pc_device *d, struct frame_spec f, struct frame_spec r)
{
    check(d, &f, R(STATIC_FORWARD));
    check(d, &r, R(STATIC_REVERSE));
}

static void four_different(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        both_ways(*state, forward(v6, TCP), reply(v6, TCP));
        both_ways(*state, forward(v6, UDP), reply(v6, UDP));
    }
}

static void payload_and_padding(void **state)
{
    struct pc_rng r = pc_rng_stream(1, "rewrite");
    uint8_t payload[1400];
    printf("# seed 1\n");
    for (int i = 0; i < 4000; i++) {
        bool v6 = pc_rng_chance(&r, 50);
        uint8_t protocol = pc_rng_chance(&r, 50) ? TCP : UDP;
        struct frame_spec f = forward(v6, protocol), b = reply(v6, protocol);
        pc_rng_bytes(&r, payload, sizeof(payload));
        f.payload = b.payload = payload;
        f.payload_len = b.payload_len = pc_rng_below(&r, i % 16 ? 40 : 1400);
        f.pad = b.pad = pc_rng_below(&r, 30);
        f.sport = b.dport = (uint16_t)(1 + pc_rng_below(&r, 65535));
        f.tos = b.tos = (uint8_t)pc_rng_next(&r);
        f.ttl = b.ttl = (uint8_t)(1 + pc_rng_below(&r, 255));
        both_ways(*state, f, b);
    }
}

static void tags_kept(void **state)
{
    static const uint16_t tpids[] = {0x8100, 0x88a8};
    for (unsigned tags = 0; tags <= 2; tags++) {
        for (unsigned i = 0; i < 4; i++) {
            struct frame_spec f = forward(i & 1, TCP), b = reply(i & 1, TCP);
            f.tags = b.tags = tags;
            f.tpid[0] = b.tpid[0] = tpids[i / 2];
            f.tci[0] = b.tci[0] = (uint16_t)(0xf123 - i); /* PCP 7, DEI */
            f.tci[1] = b.tci[1] = 0x3000;
            both_ways(*state, f, b);
        }
    }
}

static void options_kept(void **state)
{
    uint8_t opt[40] = {148, 4, 0, 0, 1, 1, 7, 7, 4, 1, 2, 3};
    uint8_t ext[16] = {TCP, 1, 5, 2, 0, 0, 1, 4, 9, 8, 7, 6};
    for (size_t len = 0; len <= 40; len += 4) {
        struct frame_spec f = forward(false, UDP), b = reply(false, UDP);
        f.opt = b.opt = opt;
        f.opt_len = b.opt_len = len;
        both_ways(*state, f, b);
    }
    struct frame_spec f = forward(true, TCP), b = reply(true, TCP);
    f.ext = b.ext = ext;
    f.ext_len = b.ext_len = 16;
    f.ext_first = b.ext_first = 60;
    both_ways(*state, f, b);
}

static void ttl_kept(void **state)
{
    for (unsigned ttl = 1; ttl < 256; ttl++) {
        for (unsigned v6 = 0; v6 < 2; v6++) {
            struct frame_spec f = forward(v6, UDP), b = reply(v6, UDP);
            f.ttl = b.ttl = (uint8_t)ttl;
            both_ways(*state, f, b);
        }
    }
    struct frame_spec f = forward(false, TCP);
    struct frame g = build_frame(&f);
    g.b[g.l3 + 8] = 0; /* 0 is no router's business here */
    fix_sums(&g);
    assert_int_equal(send_frame(*state, &g, 0).reason, R(STATIC_FORWARD));
    assert_int_equal(g.b[g.l3 + 8], 0);
    assert_true(sums_are_right(&g));
}

static void udp_zero_stays(void **state)
{
    for (unsigned i = 0; i < 4; i++) {
        bool v6 = i & 1, back = i & 2;
        struct frame_spec s = back ? reply(v6, UDP) : forward(v6, UDP);
        s.payload = "hello";
        s.payload_len = 5;
        struct frame f = build_frame(&s);
        put16(f.b + f.sum_at, 0);
        assert_int_equal(send_frame(*state, &f, back).reason,
                         back ? R(STATIC_REVERSE) : R(STATIC_FORWARD));
        assert_int_equal(get16(f.b + f.sum_at), 0);
        f.sum_at = 0;
        assert_true(sums_are_right(&f)); /* the IPv4 header's is right all the same */
    }
}

/* Payloads chosen so that the checksum after translation is 0 by arithmetic: two free bytes decide it. */
static void computed_zero(void **state)
{
    static const uint8_t protocols[] = {UDP, TCP};
    for (unsigned i = 0; i < 8; i++) {
        bool v6 = i & 1, back = i & 2;
        uint8_t protocol = protocols[i >> 2];
        struct frame_spec s = back ? reply(v6, protocol) : forward(v6, protocol);
        struct frame_spec t = s;
        uint8_t payload[4] = {0, 0, 0xab, 0xcd};
        if (back) {
            t.src = v6 ? P6 : P4;
            t.sport = PPORT;
        } else {
            t.dst = v6 ? B6 : B4;
            t.dport = BPORT;
        }
        s.payload = t.payload = payload;
        s.payload_len = t.payload_len = sizeof(payload);
        struct frame after = build_frame(&t);
        /* With these two bytes 0 the sum misses just what its checksum is. */
        put16(payload, get16(after.b + after.sum_at));
        after = build_frame(&t);
        assert_int_equal(get16(after.b + after.sum_at), protocol == UDP ? 0xffff : 0);
        struct frame f = build_frame(&s);
        send_frame(*state, &f, back);
        assert_int_equal(get16(f.b + f.sum_at), protocol == UDP ? 0xffff : 0);
        assert_memory_equal(f.b, after.b, after.len);
    }
}

/* A checksum that is 0xffff before must not be confused with none. */
static void from_ffff(void **state)
{
    struct frame_spec s = forward(false, UDP);
    uint8_t payload[2] = {0, 0};
    s.payload = payload;
    s.payload_len = 2;
    struct frame f = build_frame(&s);
    put16(payload, get16(f.b + f.sum_at));
    f = build_frame(&s);
    assert_int_equal(get16(f.b + f.sum_at), 0xffff);
    check(*state, &s, R(STATIC_FORWARD));
}

/* The error of the checksum, as a ones' complement number, is the same after as before. */
static unsigned ones_error(unsigned is, unsigned right)
{
    unsigned e = is + (~right & 0xffffu);
    e = (e & 0xffff) + (e >> 16);
    return e == 0xffff ? 0 : e;
}

static void wrong_stays_wrong(void **state)
{
    struct pc_rng r = pc_rng_stream(2, "wrong");
    printf("# seed 2\n");
    for (int i = 0; i < 4000; i++) {
        bool v6 = i & 1, back = i & 2;
        uint8_t protocol = i & 4 ? TCP : UDP;
        struct frame_spec s = back ? reply(v6, protocol) : forward(v6, protocol);
        struct frame f = build_frame(&s);
        unsigned wrong = 1 + pc_rng_below(&r, 65534); /* not 0: that would be no checksum for UDP */
        unsigned wrong_ip = pc_rng_below(&r, 65535);
        put16(f.b + f.sum_at, wrong);
        if (!v6)
            put16(f.b + f.l3 + 10, wrong_ip);
        unsigned error = ones_error(wrong, right_l4_sum(&f));
        unsigned ip_error = v6 ? 0 : ones_error(wrong_ip, right_ip_sum(&f));
        send_frame(*state, &f, back);
        assert_int_equal(ones_error(get16(f.b + f.sum_at), right_l4_sum(&f)), error);
        if (!v6)
            assert_int_equal(ones_error(get16(f.b + f.l3 + 10), right_ip_sum(&f)), ip_error);
    }
}

static void port_kept(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct frame_spec f = forward(v6, TCP), b = reply(v6, TCP);
        f.dport = 443;
        b.sport = 443;
        both_ways(*state, f, b);
        f = forward(v6, SCTP);
        b = reply(v6, SCTP);
        f.dport = b.sport = 443;
        both_ways(*state, f, b);
        f = forward(v6, 47);
        b = reply(v6, 47);
        f.payload = b.payload = "any bytes";
        f.payload_len = b.payload_len = 9;
        both_ways(*state, f, b);
    }
}

static void ftp_ports(void **state)
{
    struct frame_spec f = forward(false, TCP), b = reply(false, TCP);
    static const char port[] = "PORT 10,27,44,61,7,138\r\n";
    for (unsigned n = 20; n <= 21; n++) {
        f.dport = b.sport = (uint16_t)n;
        f.payload = b.payload = port;
        f.payload_len = b.payload_len = sizeof(port) - 1;
        both_ways(*state, f, b);
    }
}

static void icmp_echo(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct frame_spec f = forward(v6, v6 ? ICMPV6 : ICMP), b = reply(v6, v6 ? ICMPV6 : ICMP);
        f.type = v6 ? 128 : 8;
        b.type = v6 ? 129 : 0;
        f.payload = b.payload = "abcdefgh";
        f.payload_len = b.payload_len = 8;
        both_ways(*state, f, b);
    }
}

/* ICMP over IPv6 and ICMPv6 over IPv4 are other protocols: no checksum of theirs moves. */
static void icmp_of_the_other_version(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct frame_spec f = forward(v6, v6 ? ICMP : ICMPV6);
        f.type = 200;
        struct frame g = build_frame(&f), before = g;
        assert_int_equal(send_frame(*state, &g, 0).reason, R(STATIC_FORWARD));
        assert_memory_equal(g.b + g.l4, before.b + g.l4, g.len - g.l4);
    }
}

static void macs(void **state)
{
    struct pc_device *d = *state;
    struct frame_spec s = forward(false, TCP);
    struct frame f = build_frame(&s);
    send_frame(d, &f, 0); /* a backend without a MAC */
    assert_memory_equal(f.b, MacOne, 6);
    assert_memory_equal(f.b + 6, MacClient, 6);
    set_backend(d, 0, B4, BPORT, MacServer, 1);
    world_build(d);
    f = build_frame(&s);
    send_frame(d, &f, 0);
    assert_memory_equal(f.b, MacServer, 6);
    assert_memory_equal(f.b + 6, MacDevice, 6);
    s.dst = B4;
    s.dport = BPORT;
    struct frame want = build_frame(&s);
    assert_memory_equal(f.b + 12, want.b + 12, want.len - 12); /* what is behind the MACs */
    s.dst = P4;
    s.dport = PPORT;
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_DEVICE, 0, NULL);
    world_build(d);
    f = build_frame(&s);
    send_frame(d, &f, 0); /* no device row: only the destination changes */
    assert_memory_equal(f.b, MacServer, 6);
    assert_memory_equal(f.b + 6, MacClient, 6);
}

static void reply_macs(void **state)
{
    struct pc_device *d = *state;
    struct endpoint_spec e = {.ip = "10.9.9.9",
                              .public_ip = P4,
                              .protocol = TCP,
                              .port = BPORT,
                              .public_port = PPORT,
                              .flags = PORTCAM_ENDPOINT_ROW_HAS_MAC};
    set_endpoint(d, &e);
    world_build(d);
    struct frame_spec s = reply(false, TCP);
    struct frame f = build_frame(&s);
    send_frame(d, &f, 1); /* an endpoint without the flag */
    assert_memory_equal(f.b + 6, MacServer, 6);
    s.src = "10.9.9.9";
    f = build_frame(&s);
    send_frame(d, &f, 1);
    assert_memory_equal(f.b, MacClient, 6); /* the destination MAC stays */
    assert_memory_equal(f.b + 6, MacDevice, 6);
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_DEVICE, 0, NULL);
    world_build(d);
    f = build_frame(&s);
    send_frame(d, &f, 1);
    assert_memory_equal(f.b + 6, MacServer, 6);
}

/* Of a first fragment, an ICMP error, a source-routed packet: nothing moves, whatever address it has. */
static void undecided_untouched(void **state)
{
    static const uint8_t route[4] = {0x83, 3, 4, 0};
    struct frame_spec s[4] = {forward(false, UDP), forward(false, TCP), forward(false, ICMP),
                              forward(true, ICMPV6)};
    s[0].frag = 0x2000;
    s[1].opt = route;
    s[1].opt_len = 4;
    s[2].type = 3;
    s[3].type = 2;
    for (unsigned i = 0; i < 4; i++) {
        struct frame f = build_frame(&s[i]), before = f;
        struct pc_decision v = send_frame(*state, &f, 0);
        assert_false(v.drop);
        assert_int_equal(v.egress, 1);
        assert_memory_equal(f.b, before.b, f.len);
    }
}

/* Long frames: the checksum of the whole payload is kept right, bytes beyond the window do not move. */
static void jumbo(void **state)
{
    static uint8_t frame[9600], before[9600];
    struct frame_spec s = forward(false, UDP);
    struct frame f = build_frame(&s);
    struct pc_decision v;
    struct pc_rng r = pc_rng_stream(3, "jumbo");
    printf("# seed 3\n");
    pc_rng_bytes(&r, frame, sizeof(frame));
    memcpy(frame, f.b, f.len);
    put16(frame + 16, 9600 - 14);
    put16(frame + f.l4 + 4, 9600 - 34);
    put16(frame + f.sum_at, 0);
    uint32_t sum = sum_words(UDP + 9600 - 34, frame + 26, 8);
    put16(frame + f.sum_at, finish_sum(sum_words(sum, frame + 34, 9600 - 34)));
    memcpy(before, frame, sizeof(frame));
    pc_device_packet(*state, frame, sizeof(frame), 0, 0, NULL, &v, NULL);
    assert_int_equal(v.reason, R(STATIC_FORWARD));
    assert_memory_equal(frame + 42, before + 42, 9600 - 42);
    sum = sum_words(UDP + 9600 - 34, frame + 26, 8);
    assert_int_equal(finish_sum(sum_words(sum, frame + 34, 9600 - 34)), 0);
}

/* Neither unspecified sources nor those of nobody or of another domain get the domain's own. */
static void sources_kept(void **state)
{
    static const char *const sources[][2] = {
        {"0.0.0.0", "::"}, {"203.0.113.5", "2001:db8:ff::5"}, {P4, P6}};
    set_function(*state, 1, MacOne, 1, true);
    set_domain(*state, 1, 0, PORTCAM_POLICY_DROP);
    world_build(*state);
    for (unsigned i = 0; i < 6; i++) {
        struct frame_spec s = {.src = sources[i / 2][i & 1],
                               .dst = i & 1 ? C6 : C4,
                               .protocol = UDP,
                               .sport = CPORT,
                               .dport = PPORT};
        struct frame f = build_frame(&s), before = f;
        struct pc_decision v = send_frame(*state, &f, 1);
        assert_int_equal(v.reason, R(NO_MATCH));
        assert_false(v.drop);
        assert_int_equal(v.egress, 0);
        assert_memory_equal(f.b, before.b, sizeof(f.b));
    }
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("F.27 four different addresses and ports, both directions, TCP and UDP, IPv4 and IPv6",
             four_different),
        TEST("F.4 F.10 section 8 payload, padding, DSCP and ECN are kept, sums are right",
             payload_and_padding),
        TEST("F.8 section 8 VLAN, QinQ and priority tags with PCP and DEI are preserved",
             tags_kept),
        TEST("F.9 F.7 section 8 IPv4 options and IPv6 extension headers are preserved",
             options_kept),
        TEST("F.22 TTL and hop limit are not changed", ttl_kept),
        TEST("F.3 UDP checksum 0 stays 0", udp_zero_stays),
        TEST("F.3 a computed UDP 0 becomes 0xffff, TCP 0 stays 0", computed_zero),
        TEST("F.3 a UDP checksum 0xffff is a checksum", from_ffff),
        TEST("F.21 wrong checksums stay wrong by the same error", wrong_stays_wrong),
        TEST("P5 an any-port service keeps the port, also of SCTP and protocols without",
             port_kept),
        TEST("F.23 FTP ports behave as plain ports, payload is not touched", ftp_ports),
        TEST("P5 ICMP echo follows its address; ICMPv6 checksum too", icmp_echo),
        TEST("P5 ICMP of the other IP version has no checksum to change",
             icmp_of_the_other_version),
        TEST("section 8 a backend with a MAC gets it, and the device's as source", macs),
        TEST("section 8 replies get the device's MAC as source where flagged", reply_macs),
        TEST("P10 sources of host functions are neither stamped nor guarded", sources_kept),
        TEST("P1 P11 fragments, source routes and ICMP errors leave bit for bit",
             undecided_untouched),
        TEST("F.4 a frame of 9,600 bytes keeps right sums; nothing behind the header moves", jumbo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
