// SPDX-License-Identifier: Apache-2.0
/* The parser against the words of docs/pipeline.md section 1, up to IPv4: each reason, the first and the last length at
 * which each applies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse_expect.h"

static struct frame tcp6(void)
{
    return build_frame(&(struct frame_spec){.dmac = {2},
                                            .src = "2001:db8::1",
                                            .dst = "2001:db8::2",
                                            .protocol = TCP,
                                            .sport = 1025,
                                            .dport = 80});
}

static void short_frames(void **state)
{
    (void)state;
    struct frame f = tcp4(), g = tcp6();
    for (size_t len = 1; len < 14; len++)
        expect(&f, len, R(UNPARSED_SHORT));
    for (size_t len = 14; len < 34; len++)
        expect(&f, len, R(UNPARSED_SHORT));
    for (size_t len = 34; len < f.len; len++)
        expect(&f, len, R(UNPARSED_LENGTH));
    expect(&f, f.len, R(NO_MATCH));
    for (size_t len = 14; len < 54; len++)
        expect(&g, len, R(UNPARSED_SHORT));
    for (size_t len = 54; len < g.len; len++)
        expect(&g, len, R(UNPARSED_LENGTH));
    expect(&g, g.len, R(NO_MATCH));
    put16(f.b + 12, 0x8100);
    for (size_t len = 14; len < 18; len++)
        expect(&f, len, R(UNPARSED_SHORT));
}

static void short_has_mac_from_six_bytes(void **state)
{
    (void)state;
    struct frame f = tcp4();
    assert_false(parse(&f, 5).has_mac);
    assert_true(parse(&f, 6).has_mac);
    assert_memory_equal(parse(&f, 6).dst_mac, f.b, 6);
}

static void oversize(void **state)
{
    (void)state;
    static uint8_t frame[MAX + 1];
    struct frame f = tcp4();
    struct pc_parsed p;
    memcpy(frame, f.b, f.len);
    pc_parse(frame, MAX, 0, MAX, &p);
    assert_int_equal(p.reason, R(NO_MATCH));
    pc_parse(frame, MAX + 1, 0, MAX, &p);
    assert_int_equal(p.reason, R(OVERSIZE));
}

static void non_ip(void **state)
{
    (void)state;
    struct frame f = tcp4();
    put16(f.b + 12, 0x0806);
    expect(&f, f.len, R(NON_IP));
    expect(&f, 14, R(NON_IP));
    put16(f.b + 12, 46); /* an IEEE 802.3 length */
    expect(&f, f.len, R(NON_IP));
}

static void version(void **state)
{
    (void)state;
    struct frame f = tcp4(), g = tcp6();
    for (unsigned v = 0; v < 16; v++) {
        f.b[14] = (uint8_t)(v << 4 | 5);
        g.b[14] = (uint8_t)(v << 4);
        expect(&f, f.len, v == 4 ? R(NO_MATCH) : R(UNPARSED_VERSION));
        expect(&g, g.len, v == 6 ? R(NO_MATCH) : R(UNPARSED_VERSION));
    }
}

static void ihl(void **state)
{
    (void)state;
    struct frame f = tcp4();
    for (unsigned ihl_words = 0; ihl_words < 5; ihl_words++) {
        f.b[14] = (uint8_t)(0x40 | ihl_words);
        expect(&f, f.len, R(UNPARSED_IHL));
    }
    f.b[14] = 0x4f; /* 60 bytes of header, total length 40 */
    expect(&f, f.len, R(UNPARSED_LENGTH));
    f.b[14] = 0x30; /* version before ihl */
    expect(&f, f.len, R(UNPARSED_VERSION));
}

static void total_length(void **state)
{
    (void)state;
    struct frame f = tcp4();
    put16(f.b + 16, 19);
    expect(&f, f.len, R(UNPARSED_LENGTH));
    put16(f.b + 16, 20); /* no room for TCP */
    expect(&f, f.len, R(UNPARSED_L4));
    put16(f.b + 16, 41);
    expect(&f, f.len, R(UNPARSED_LENGTH));
    expect(&f, f.len + 1, R(NO_MATCH));
    put16(f.b + 16, 0xffff);
    expect(&f, f.len, R(UNPARSED_LENGTH));
    put16(f.b + 20, 0x2000); /* length before fragment */
    expect(&f, f.len, R(UNPARSED_LENGTH));
}

static void fragments(void **state)
{
    (void)state;
    struct frame f = tcp4();
    put16(f.b + 20, 0x4000);
    expect(&f, f.len, R(NO_MATCH)); /* DF */
    put16(f.b + 20, 0x8000);
    expect(&f, f.len, R(NO_MATCH)); /* reserved flag */
    put16(f.b + 20, 0x2000);
    expect(&f, f.len, R(FRAGMENT)); /* the first */
    put16(f.b + 20, 0x0001);
    expect(&f, f.len, R(FRAGMENT)); /* the last */
    put16(f.b + 20, 0x3fff);
    expect(&f, f.len, R(FRAGMENT));
}

static void ipv4_options(void **state)
{
    (void)state;
    uint8_t opt[40] = {7, 39, 4};
    struct frame_spec s = {.dmac = {2},
                           .src = "192.0.2.1",
                           .dst = "198.51.100.1",
                           .protocol = UDP,
                           .sport = 1025,
                           .dport = 53,
                           .opt = opt};
    for (s.opt_len = 4; s.opt_len <= 40; s.opt_len += 4) {
        struct frame f = build_frame(&s);
        struct pc_parsed p = parse(&f, f.len);
        assert_int_equal(p.reason, R(NO_MATCH));
        assert_int_equal(p.l4, 34 + s.opt_len);
        assert_int_equal(p.dst.port, 53);
        assert_int_equal(p.l4_sum_at, f.sum_at);
    }
    s.opt_len = 40;
    for (unsigned i = 0; i < 40; i++) {
        for (unsigned source_route = 0x83; source_route <= 0x89; source_route += 6) {
            struct frame f = build_frame(&s);
            f.b[34 + i] = (uint8_t)source_route;
            expect(&f, f.len, R(COMPLEX_OPTIONS));
        }
    }
}

static void vlan_key(void **state)
{
    (void)state;
    const struct {
        unsigned tags;
        uint16_t tpid[2], tci[2];
        unsigned vlan;
    } c[] = {
        {0, {0, 0}, {0, 0}, 0},
        {1, {0x8100, 0}, {100, 0}, 100},
        {1, {0x88a8, 0}, {0xe064, 0}, 100},        /* PCP 7: not in the key */
        {1, {0x8100, 0}, {0x1064, 0}, 100},        /* DEI */
        {1, {0x8100, 0}, {0xe000, 0}, 0},          /* priority tag */
        {2, {0x88a8, 0x8100}, {100, 200}, 100},    /* QinQ: the outer one */
        {2, {0x8100, 0x8100}, {0x2000, 200}, 200}, /* priority tag, then a VLAN */
        {2, {0x88a8, 0x8100}, {0x0fff, 200}, 4095},
        {2, {0x8100, 0x88a8}, {0, 0}, 0},
    };
    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        struct frame_spec s = {.dmac = {2},
                               .src = "192.0.2.1",
                               .dst = "198.51.100.1",
                               .protocol = TCP,
                               .sport = 1025,
                               .dport = 80,
                               .tags = c[i].tags};
        memcpy(s.tpid, c[i].tpid, sizeof(c[i].tpid));
        memcpy(s.tci, c[i].tci, sizeof(c[i].tci));
        struct frame f = build_frame(&s);
        struct pc_parsed p = parse(&f, f.len);
        assert_int_equal(p.reason, R(NO_MATCH));
        assert_int_equal(p.vlan, c[i].vlan);
        assert_int_equal(p.l3, 14 + 4 * c[i].tags);
        assert_int_equal(p.dst.port, 80);
    }
}

static void third_tag(void **state)
{
    (void)state;
    struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                      .src = "192.0.2.1",
                                                      .dst = "198.51.100.1",
                                                      .protocol = TCP,
                                                      .dport = 80,
                                                      .tags = 3,
                                                      .tpid = {0x88a8, 0x8100, 0x8100},
                                                      .tci = {1, 2, 3}});
    expect(&f, f.len, R(NON_IP));
}

static void tag_cut(void **state)
{
    (void)state;
    struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                      .src = "192.0.2.1",
                                                      .dst = "198.51.100.1",
                                                      .protocol = TCP,
                                                      .dport = 80,
                                                      .tags = 2,
                                                      .tci = {1, 2}});
    for (size_t len = 14; len < 42; len++)
        expect(&f, len, R(UNPARSED_SHORT));
    expect(&f, 42, R(UNPARSED_LENGTH));
    put16(f.b + 16, 0x0806); /* what follows a whole tag may be nothing */
    expect(&f, 17, R(UNPARSED_SHORT));
    expect(&f, 18, R(NON_IP));
    put16(f.b + 12, 0x9100); /* not a tag that is known */
    expect(&f, f.len, R(NON_IP));
}

static void multicast(void **state)
{
    (void)state;
    struct frame f = tcp4(), g = tcp6();
    f.b[0] = 1;
    expect(&f, f.len, R(MULTICAST));
    f.b[0] = 2;
    f.b[30] = 223;
    expect(&f, f.len, R(NO_MATCH));
    for (unsigned a = 224; a < 240; a++) {
        f.b[30] = (uint8_t)a;
        expect(&f, f.len, R(MULTICAST));
    }
    f.b[30] = 240;
    expect(&f, f.len, R(NO_MATCH));
    memset(f.b + 30, 255, 4);
    expect(&f, f.len, R(MULTICAST));
    f.b[33] = 254;
    expect(&f, f.len, R(NO_MATCH));
    g.b[38] = 0xff;
    expect(&g, g.len, R(MULTICAST));
    g.b[38] = 0xfe;
    expect(&g, g.len, R(NO_MATCH));
    /* Multicast is decided before a layer-4 header that is cut. */
    g.b[38] = 0xff;
    put16(g.b + 18, 1);
    expect(&g, g.len, R(MULTICAST));
}

static void padding(void **state)
{
    (void)state;
    struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                      .src = "192.0.2.1",
                                                      .dst = "198.51.100.1",
                                                      .protocol = UDP,
                                                      .dport = 53,
                                                      .pad = 18});
    assert_int_equal(f.len, 60);
    expect(&f, f.len, R(NO_MATCH));
    put16(f.b + f.l4 + 4, 9); /* the UDP length may not reach into the padding */
    expect(&f, f.len, R(UNPARSED_L4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"P1 a frame that ends inside Ethernet, tag or fixed IP header is unparsed_short",
         short_frames, NULL, NULL, NULL},
        {"P1 frames shorter than 6 bytes have no MAC", short_has_mac_from_six_bytes, NULL, NULL,
         NULL},
        {"P1 a frame longer than the limit is oversize, one of the limit is not", oversize, NULL,
         NULL, NULL},
        {"P1 other EtherTypes are non_ip", non_ip, NULL, NULL, NULL},
        {"P1 a version that is not the EtherType's is unparsed_version", version, NULL, NULL, NULL},
        {"P1 F.9 ihl below five is unparsed_ihl", ihl, NULL, NULL, NULL},
        {"P1 F.10 total length below the header or beyond the frame is unparsed_length",
         total_length, NULL, NULL, NULL},
        {"P1 F.5 IPv4 fragments, first and later, are told apart from DF", fragments, NULL, NULL,
         NULL},
        {"P1 F.9 IPv4 options shift layer 4; a possible source route is complex_options",
         ipv4_options, NULL, NULL, NULL},
        {"P1 F.8 the VLAN of the key is the first identifier that is not 0", vlan_key, NULL, NULL,
         NULL},
        {"P1 F.8 a third tag is not parsed", third_tag, NULL, NULL, NULL},
        {"P1 F.8 a tag that the frame cuts is unparsed_short", tag_cut, NULL, NULL, NULL},
        {"P3 F.28 multicast and broadcast, MAC or IP, at the edges of their ranges", multicast,
         NULL, NULL, NULL},
        {"F.10 lengths come from the IP header, not from padding", padding, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
