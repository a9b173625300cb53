// SPDX-License-Identifier: Apache-2.0
/* The parser against docs/pipeline.md section 1: extension headers of IPv6, and the window of the first 192 bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse_expect.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
