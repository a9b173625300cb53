// SPDX-License-Identifier: Apache-2.0
/* The parser against the words of docs/pipeline.md section 1: each reason, the first and the last length at which each
 * test fires, and the order of tests where two could. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "frames.h"
#include "parse.h"

#define R(name) PORTCAM_REASON_##name
#define MAX PORTCAM_BUILD_MAX_FRAME

static struct pc_parsed parse(const struct frame *f, size_t len)
{
    struct pc_parsed p;
    pc_parse(f->b, len, 0, MAX, &p);
    return p;
}

static void expect(const struct frame *f, size_t len, unsigned reason)
{
    struct pc_parsed p = parse(f, len);
    if (p.reason != reason)
        print_message("# reason %u, not %u, at length %zu\n", p.reason, reason, len);
    assert_int_equal(p.reason, reason);
    assert_int_equal(p.decided, reason != R(NO_MATCH));
}

static struct frame tcp4(void)
{
    return build_frame(&(struct frame_spec){.dmac = {2},
                                            .src = "192.0.2.1",
                                            .dst = "198.51.100.1",
                                            .protocol = TCP,
                                            .sport = 1025,
                                            .dport = 80});
}

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

/* One extension header of n bytes with this next header. */
static struct frame with_ext(const uint8_t *ext, size_t len, uint8_t first, uint8_t protocol)
{
    return build_frame(&(struct frame_spec){.dmac = {2},
                                            .src = "2001:db8::1",
                                            .dst = "2001:db8::2",
                                            .protocol = protocol,
                                            .sport = 1025,
                                            .dport = 80,
                                            .ext = ext,
                                            .ext_len = len,
                                            .ext_first = first});
}

static void extension_headers(void **state)
{
    (void)state;
    static const uint8_t walked[] = {0, 43, 60, 135};
    for (size_t i = 0; i < sizeof(walked); i++) {
        for (unsigned units = 0; units < 4; units++) {
            uint8_t ext[32] = {TCP, (uint8_t)units};
            struct frame f = with_ext(ext, 8 * (units + 1u), walked[i], TCP);
            struct pc_parsed p = parse(&f, f.len);
            assert_int_equal(p.reason, R(NO_MATCH));
            assert_int_equal(p.protocol, TCP);
            assert_int_equal(p.l4, 54 + 8 * (units + 1));
            assert_int_equal(p.dst.port, 80);
        }
    }
    uint8_t ah[24] = {UDP, 4}; /* length in words of 4 bytes, minus 2 */
    struct frame f = with_ext(ah, 24, 51, UDP);
    struct pc_parsed p = parse(&f, f.len);
    assert_int_equal(p.reason, R(NO_MATCH));
    assert_int_equal(p.l4, 54 + 24);
    assert_int_equal(p.protocol, UDP);
    /* ESP, no next header and others end the walk: a protocol without ports. */
    static const uint8_t ends[] = {50, 59, 61, 253};
    for (size_t i = 0; i < sizeof(ends); i++) {
        struct frame g = with_ext(NULL, 0, 0, ends[i]);
        p = parse(&g, g.len);
        assert_int_equal(p.reason, R(NO_MATCH));
        assert_int_equal(p.protocol, ends[i]);
        assert_false(p.has_ports);
    }
}

static void fragment_header(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 16; bit++) {
        uint8_t ext[8] = {TCP, 0xff}; /* the second byte is reserved here, no length */
        put16(ext + 2, 1u << bit);
        struct frame f = with_ext(ext, 8, 44, TCP);
        bool reserved = bit == 1 || bit == 2;
        expect(&f, f.len, reserved ? R(NO_MATCH) : R(FRAGMENT));
    }
    uint8_t atomic[8] = {TCP};
    struct frame f = with_ext(atomic, 8, 44, TCP);
    assert_int_equal(parse(&f, f.len).dst.port, 80);
}

static void routing_header(void **state)
{
    (void)state;
    for (unsigned left = 0; left < 256; left += 5) {
        uint8_t ext[24] = {TCP, 2, 0, (uint8_t)left};
        struct frame f = with_ext(ext, 24, 43, TCP);
        expect(&f, f.len, left ? R(COMPLEX_ROUTING) : R(NO_MATCH));
    }
}

static void chain_beyond(void **state)
{
    (void)state;
    /* Eight bytes of each header are there or nothing of it is read: here a fragment, a route. */
    static const uint8_t cut[2][8] = {{UDP, 0, 0, 1}, {UDP, 0, 0, 1}};
    for (unsigned i = 0; i < 2; i++) {
        struct frame g = with_ext(cut[i], 8, i ? 43 : 44, UDP);
        for (unsigned payload = 0; payload <= 8; payload++) {
            put16(g.b + 18, payload);
            expect(&g, g.len,
                   payload < 8 ? R(UNPARSED_CHAIN) : (i ? R(COMPLEX_ROUTING) : R(FRAGMENT)));
        }
    }
    uint8_t ext[8] = {TCP, 3};
    struct frame f = with_ext(ext, 8, 0, TCP); /* 32 bytes claimed, 28 are there */
    expect(&f, f.len, R(UNPARSED_CHAIN));
    ext[1] = 0;
    f = with_ext(ext, 8, 0, TCP);
    put16(f.b + 18, 7); /* payload length: not even the header */
    expect(&f, f.len, R(UNPARSED_CHAIN));
    put16(f.b + 18, 8);
    expect(&f, f.len, R(UNPARSED_L4));
    /* The next header is an extension again and the payload ends there. */
    ext[0] = 60;
    f = with_ext(ext, 8, 0, TCP);
    put16(f.b + 18, 8);
    expect(&f, f.len, R(UNPARSED_CHAIN));
}

static void window(void **state)
{
    (void)state;
    /* Destination options of growing length until TCP's checksum leaves the 128 bytes: l4 + 18 > 128. */
    for (unsigned units = 0; units < 12; units++) {
        uint8_t ext[96] = {TCP, (uint8_t)units};
        size_t len = 8 * (units + 1u);
        struct frame f = with_ext(ext, len, 60, TCP);
        expect(&f, f.len, 54 + len + 18 > 128 ? R(COMPLEX_WINDOW) : R(NO_MATCH));
        ext[0] = UDP;
        f = with_ext(ext, len, 60, UDP);
        expect(&f, f.len, 54 + len + 8 > 128 ? R(COMPLEX_WINDOW) : R(NO_MATCH));
        ext[0] = 61; /* nothing is read of it */
        f = build_frame(&(struct frame_spec){.dmac = {2},
                                             .src = "2001:db8::1",
                                             .protocol = 61,
                                             .dst = "2001:db8::2",
                                             .ext = ext,
                                             .ext_len = len,
                                             .ext_first = 60,
                                             .payload = ext,
                                             .payload_len = 8});
        expect(&f, f.len, 54 + len > 128 ? R(COMPLEX_WINDOW) : R(NO_MATCH));
    }
}

static void window_chain(void **state)
{
    (void)state;
    uint8_t ext[88];
    for (unsigned n = 1; n <= 11; n++) {
        for (unsigned i = 0; i < n; i++) {
            memset(ext + 8 * i, 0, 8);
            ext[8 * i] = i + 1 < n ? 60 : UDP;
        }
        struct frame f = with_ext(ext, 8 * n, 60, UDP);
        bool reads_beyond = 54 + 8 * n > 128 || 54 + 8 * n + 8 > 128;
        expect(&f, f.len, reads_beyond ? R(COMPLEX_WINDOW) : R(NO_MATCH));
    }
    /* Two tags and options: IPv4 always fits, whatever stands behind. */
    uint8_t opt[40] = {0};
    struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                      .src = "192.0.2.1",
                                                      .dst = "198.51.100.1",
                                                      .protocol = TCP,
                                                      .dport = 80,
                                                      .tags = 2,
                                                      .tci = {1, 2},
                                                      .opt = opt,
                                                      .opt_len = 40});
    expect(&f, f.len, R(NO_MATCH));
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

static void tcp_header(void **state)
{
    (void)state;
    struct frame f = tcp4();
    for (unsigned words = 0; words < 16; words++) {
        f.b[46] = (uint8_t)(words << 4);
        expect(&f, f.len, words == 5 ? R(NO_MATCH) : R(UNPARSED_L4));
    }
    f.b[46] = 0x60;
    put16(f.b + 16, 44);
    expect(&f, f.len + 4, R(NO_MATCH));
    for (unsigned total = 20; total < 40; total++) {
        f = tcp4();
        put16(f.b + 16, total);
        expect(&f, f.len, R(UNPARSED_L4));
    }
}

static void udp_header(void **state)
{
    (void)state;
    struct frame_spec s = {.dmac = {2},
                           .src = "192.0.2.1",
                           .dst = "198.51.100.1",
                           .protocol = UDP,
                           .dport = 53,
                           .payload = "abc",
                           .payload_len = 3};
    struct frame f = build_frame(&s);
    for (unsigned len = 0; len < 20; len++) {
        put16(f.b + f.l4 + 4, len);
        expect(&f, f.len, len >= 8 && len <= 11 ? R(NO_MATCH) : R(UNPARSED_L4));
    }
    for (unsigned total = 20; total < 28; total++) {
        f = build_frame(&s);
        put16(f.b + 16, total);
        expect(&f, f.len, R(UNPARSED_L4));
    }
}

static void sctp_header(void **state)
{
    (void)state;
    struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                      .src = "192.0.2.1",
                                                      .dst = "198.51.100.1",
                                                      .protocol = SCTP,
                                                      .sport = 7,
                                                      .dport = 9});
    struct pc_parsed p = parse(&f, f.len);
    assert_int_equal(p.reason, R(NO_MATCH));
    assert_true(p.has_ports);
    assert_false(p.has_l4_sum);
    assert_int_equal(p.src.port, 7);
    assert_int_equal(p.dst.port, 9);
    put16(f.b + 16, 20 + 11);
    expect(&f, f.len, R(UNPARSED_L4));
}

static void icmp_header(void **state)
{
    (void)state;
    struct frame_spec s = {
        .dmac = {2}, .src = "192.0.2.1", .dst = "198.51.100.1", .protocol = ICMP, .type = 8};
    struct frame f = build_frame(&s);
    struct pc_parsed p = parse(&f, f.len);
    assert_int_equal(p.reason, R(NO_MATCH));
    assert_false(p.has_ports);
    assert_false(p.has_l4_sum);
    put16(f.b + 16, 27);
    expect(&f, f.len, R(UNPARSED_L4));
    /* ICMPv6 over IPv4 and ICMP over IPv6 are protocols like any other. */
    s.protocol = ICMPV6;
    s.type = 135;
    f = build_frame(&s);
    put16(f.b + 16, 21);
    expect(&f, f.len, R(NO_MATCH));
    s = (struct frame_spec){
        .dmac = {2}, .src = "2001:db8::1", .dst = "2001:db8::2", .protocol = ICMP, .type = 3};
    f = build_frame(&s);
    expect(&f, f.len, R(NO_MATCH));
    /* ICMPv6 has the checksum over the addresses. */
    s.protocol = ICMPV6;
    s.type = 128;
    f = build_frame(&s);
    p = parse(&f, f.len);
    assert_int_equal(p.reason, R(NO_MATCH));
    assert_true(p.has_l4_sum);
    assert_int_equal(p.l4_sum_at, f.sum_at);
}

static void neighbour_discovery(void **state)
{
    (void)state;
    for (unsigned type = 100; type < 160; type++) {
        struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                          .src = "fe80::1",
                                                          .dst = "fe80::2",
                                                          .protocol = ICMPV6,
                                                          .type = (uint8_t)type});
        bool nd = type >= 133 && type <= 137;
        expect(&f, f.len, nd ? R(NEIGHBOUR_DISCOVERY) : R(NO_MATCH));
    }
}

/* An ICMP error of this type about the packet `about`. */
static struct frame icmp_error(bool v6, unsigned type, const struct frame *about, size_t bytes)
{
    return build_frame(&(struct frame_spec){.dmac = {2},
                                            .src = v6 ? "2001:db8::9" : "192.0.2.9",
                                            .dst = v6 ? "2001:db8::2" : "198.51.100.1",
                                            .protocol = v6 ? ICMPV6 : ICMP,
                                            .type = (uint8_t)type,
                                            .payload = about->b + about->l3,
                                            .payload_len = bytes});
}

static void icmp_errors(void **state)
{
    (void)state;
    struct frame a4 = build_frame(&(struct frame_spec){
        .src = "198.51.100.7", .dst = "192.0.2.8", .protocol = UDP, .sport = 53, .dport = 4321});
    struct frame a6 = build_frame(&(struct frame_spec){
        .src = "2001:db8::7", .dst = "2001:db8::8", .protocol = TCP, .sport = 53, .dport = 4321});
    for (unsigned type = 0; type < 16; type++) {
        struct frame f = icmp_error(false, type, &a4, 28);
        bool error = type == 3 || type == 4 || type == 11 || type == 12;
        expect(&f, f.len, error ? R(ICMP_ERROR) : R(NO_MATCH));
        f = icmp_error(true, type, &a6, 48);
        error = type >= 1 && type <= 4;
        expect(&f, f.len, error ? R(ICMP_ERROR) : R(NO_MATCH));
    }
    struct frame f = icmp_error(false, 3, &a4, 28);
    struct pc_parsed p = parse(&f, f.len);
    uint8_t src[16], dst[16];
    ip_bytes("198.51.100.7", src);
    ip_bytes("192.0.2.8", dst);
    assert_int_equal(p.inner_protocol, UDP);
    assert_memory_equal(p.inner_src.ip, src, 16);
    assert_memory_equal(p.inner_dst.ip, dst, 16);
    assert_int_equal(p.inner_src.port, 53);
    assert_int_equal(p.inner_dst.port, 4321);
    f = icmp_error(true, 2, &a6, 48);
    p = parse(&f, f.len);
    ip_bytes("2001:db8::7", src);
    ip_bytes("2001:db8::8", dst);
    assert_int_equal(p.inner_protocol, TCP);
    assert_memory_equal(p.inner_src.ip, src, 16);
    assert_memory_equal(p.inner_dst.ip, dst, 16);
    assert_int_equal(p.inner_src.port, 53);
    assert_int_equal(p.inner_dst.port, 4321);
}

static void icmp_errors_short(void **state)
{
    (void)state;
    struct frame a4 = build_frame(&(struct frame_spec){
        .src = "198.51.100.7", .dst = "192.0.2.8", .protocol = UDP, .sport = 53, .dport = 4321});
    for (size_t bytes = 0; bytes <= 28; bytes++) {
        struct frame f = icmp_error(false, 3, &a4, bytes);
        expect(&f, f.len, bytes < 28 ? R(ICMP_ERROR_SHORT) : R(ICMP_ERROR));
    }
    struct frame later = a4;
    put16(later.b + later.l3 + 6, 1); /* a later fragment has no ports */
    struct frame f = icmp_error(false, 3, &later, 28);
    expect(&f, f.len, R(ICMP_ERROR_SHORT));
    put16(later.b + later.l3 + 6, 0x2000); /* the first one has them */
    f = icmp_error(false, 3, &later, 28);
    expect(&f, f.len, R(ICMP_ERROR));
    later.b[later.l3] = 0x65;
    f = icmp_error(false, 3, &later, 28);
    expect(&f, f.len, R(ICMP_ERROR_SHORT));
    later.b[later.l3] = 0x44;
    f = icmp_error(false, 3, &later, 28);
    expect(&f, f.len, R(ICMP_ERROR_SHORT));
    later.b[later.l3] = 0x4f;
    f = icmp_error(false, 3, &later, 28);
    expect(&f, f.len, R(ICMP_ERROR_SHORT));
    struct frame other = build_frame(
        &(struct frame_spec){.src = "198.51.100.7", .dst = "192.0.2.8", .protocol = 47});
    f = icmp_error(false, 11, &other, 20); /* no ports are needed */
    expect(&f, f.len, R(ICMP_ERROR));
    assert_int_equal(parse(&f, f.len).inner_src.port, 0);
}

static void icmp6_errors_short(void **state)
{
    (void)state;
    struct frame a = build_frame(&(struct frame_spec){
        .src = "2001:db8::7", .dst = "2001:db8::8", .protocol = TCP, .sport = 53, .dport = 4321});
    struct frame other = build_frame(
        &(struct frame_spec){.src = "2001:db8::7", .dst = "2001:db8::8", .protocol = 47});
    for (size_t bytes = 0; bytes <= 48; bytes++) {
        struct frame f = icmp_error(true, 1, &a, bytes);
        expect(&f, f.len, bytes < 48 ? R(ICMP_ERROR_SHORT) : R(ICMP_ERROR));
        if (bytes > 40)
            continue;
        f = icmp_error(true, 1, &other, bytes);
        expect(&f, f.len, bytes < 40 ? R(ICMP_ERROR_SHORT) : R(ICMP_ERROR));
    }
    a.b[a.l3] = 0x45;
    struct frame f = icmp_error(true, 1, &a, 48);
    expect(&f, f.len, R(ICMP_ERROR_SHORT));
}

/* Options of both headers move the embedded ports step by step across the end of the window. */
static void icmp_error_window(void **state)
{
    (void)state;
    uint8_t opt[40] = {0};
    for (size_t len = 0; len <= 40; len += 4) {
        struct frame about = build_frame(&(struct frame_spec){.src = "198.51.100.7",
                                                              .dst = "192.0.2.8",
                                                              .protocol = UDP,
                                                              .opt = opt,
                                                              .opt_len = len});
        struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                          .src = "192.0.2.9",
                                                          .dst = "198.51.100.1",
                                                          .protocol = ICMP,
                                                          .type = 3,
                                                          .opt = opt,
                                                          .opt_len = 40,
                                                          .payload = about.b + about.l3,
                                                          .payload_len = 28 + len});
        size_t ports = f.l4 + 8 + 20 + len;
        expect(&f, f.len, ports + 4 > 128 ? R(COMPLEX_WINDOW) : R(ICMP_ERROR));
    }
}

/* Extension headers move an embedded IPv6 header, of a protocol without ports, across the end of the window. */
static void icmp6_error_window(void **state)
{
    (void)state;
    uint8_t ext[72] = {ICMPV6};
    struct frame about = build_frame(
        &(struct frame_spec){.src = "2001:db8::7", .dst = "2001:db8::8", .protocol = 47});
    for (unsigned n = 1; n <= 9; n++) {
        ext[1] = (uint8_t)(n - 1);
        struct frame f = build_frame(&(struct frame_spec){.dmac = {2},
                                                          .src = "2001:db8::9",
                                                          .dst = "2001:db8::2",
                                                          .protocol = ICMPV6,
                                                          .type = 1,
                                                          .ext = ext,
                                                          .ext_len = 8 * n,
                                                          .ext_first = 60,
                                                          .payload = about.b + about.l3,
                                                          .payload_len = 40});
        expect(&f, f.len, f.l4 + 8 + 40 > 128 ? R(COMPLEX_WINDOW) : R(ICMP_ERROR));
    }
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
        {"P1 F.7 extension headers are walked by their lengths; ESP and others end the walk",
         extension_headers, NULL, NULL, NULL},
        {"P1 F.7 F.5 fragment header: offset or M is a fragment, an atomic one is not",
         fragment_header, NULL, NULL, NULL},
        {"P1 F.7 routing header with segments left is complex_routing", routing_header, NULL, NULL,
         NULL},
        {"P1 F.7 an extension header beyond the IP length is unparsed_chain", chain_beyond, NULL,
         NULL, NULL},
        {"P1 a header that needs bytes beyond 128 is complex_window", window, NULL, NULL, NULL},
        {"P1 F.7 a chain beyond 128 bytes is complex_window", window_chain, NULL, NULL, NULL},
        {"P3 F.28 multicast and broadcast, MAC or IP, at the edges of their ranges", multicast,
         NULL, NULL, NULL},
        {"P1 TCP data offset below 5 or beyond the IP length is unparsed_l4", tcp_header, NULL,
         NULL, NULL},
        {"P1 UDP length below 8 or beyond the IP length is unparsed_l4", udp_header, NULL, NULL,
         NULL},
        {"P1 SCTP has ports and no incremental checksum", sctp_header, NULL, NULL, NULL},
        {"P1 ICMP is ICMP only over its own IP version", icmp_header, NULL, NULL, NULL},
        {"P3 ICMPv6 types 133 to 137 are neighbour_discovery", neighbour_discovery, NULL, NULL,
         NULL},
        {"P11 F.6 ICMP errors are told by type, their embedded tuple is read", icmp_errors, NULL,
         NULL, NULL},
        {"P11 F.6 an embedded header that cannot be read is icmp_error_short", icmp_errors_short,
         NULL, NULL, NULL},
        {"P11 F.6 embedded IPv6 headers that cannot be read", icmp6_errors_short, NULL, NULL, NULL},
        {"P11 embedded ports beyond the window are complex_window", icmp_error_window, NULL, NULL,
         NULL},
        {"P11 embedded IPv6 headers beyond the window are complex_window", icmp6_error_window, NULL,
         NULL, NULL},
        {"F.10 lengths come from the IP header, not from padding", padding, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
