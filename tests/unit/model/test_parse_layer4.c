// SPDX-License-Identifier: Apache-2.0
/* The parser against docs/pipeline.md section 1: layer 4, and the packet within an ICMP error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse_expect.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
