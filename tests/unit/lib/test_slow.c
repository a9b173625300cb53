// SPDX-License-Identifier: Apache-2.0
/* Whole packets on the slow path: packet semantics 7, traps F.6, F.7, F.9, F.25. */
#include "crc32c.h"
#include "slow_world.h"

/* ---- SCTP ---- */

/* RFC 9260 6.8, made in full. */
static uint32_t right_crc(const uint8_t *packet, size_t len)
{
    uint8_t copy[2048];
    memcpy(copy, packet, len);
    memset(copy + 8, 0, 4);
    return ~pc_crc32c(~0u, copy, len);
}

static uint32_t crc_in(const uint8_t *packet)
{
    return packet[8] | packet[9] << 8 | packet[10] << 16 | (uint32_t)packet[11] << 24;
}

static struct frame sctp(const char *src, unsigned sport, const char *dst, unsigned dport,
                         size_t bytes, uint32_t wrong)
{
    struct frame f = datagram(SCTP, src, sport, dst, dport, bytes);
    uint32_t crc = right_crc(f.b + f.l4, f.end - f.l4) ^ wrong;
    for (unsigned i = 0; i < 4; i++)
        f.b[f.l4 + 8 + i] = (uint8_t)(crc >> 8 * i);
    return f;
}

static void test_section_7_the_sum_of_sctp_is_that_of_the_whole(void **state)
{
    struct slow *s = *state;
    for (size_t bytes = 0; bytes < 1500; bytes += bytes < 40 ? 1 : 137) {
        for (unsigned reply = 0; reply < 2; reply++) {
            struct frame f = reply ? sctp("10.0.3.1", 5353, CLIENT, 4000, bytes, 0)
                                   : sctp(CLIENT, 4000, "198.51.100.3", 53, bytes, 0);
            f.len += 7; /* padding is not part of it */
            give(s, PORTCAM_REASON_SCTP_PORTS, reply, &f);
            const uint8_t *l4 = s->sent[0].bytes + f.l4;
            assert_int_equal(get16(l4 + (reply ? 0 : 2)), reply ? 53 : 5353);
            assert_int_equal(crc_in(l4), right_crc(l4, f.end - f.l4));
            assert_memory_equal(l4 + 12, f.b + f.l4 + 12, f.len - f.l4 - 12);
            forget_sent(s);
        }
    }
}

static void test_section_8_a_wrong_sum_of_sctp_stays_wrong(void **state)
{
    struct slow *s = *state;
    for (unsigned bit = 0; bit < 32; bit++) {
        struct frame f = sctp("2001:db8:c::9", 4000, "2001:db8::3", 53, 100, 1u << bit);
        give(s, PORTCAM_REASON_SCTP_PORTS, 0, &f);
        const uint8_t *l4 = s->sent[0].bytes + f.l4;
        assert_int_equal(crc_in(l4) ^ right_crc(l4, f.end - f.l4), 1u << bit);
        forget_sent(s);
    }
}

static void test_f25_sctp_in_pieces_waits_for_its_length_and_others_behind_it(void **state)
{
    struct slow *s = *state;
    struct frame whole = sctp(CLIENT, 4000, "198.51.100.3", 53, 588, 0);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1),
                 c = piece(&whole, 400, 600, 1);
    struct frame next = sctp(CLIENT, 4000, "198.51.100.3", 53, 20, 0),
                 other = sctp(CLIENT, 4001, "198.51.100.3", 53, 20, 0);
    give(s, FRAGMENT, 0, &b);
    give(s, FRAGMENT, 0, &a);
    give(s, PORTCAM_REASON_SCTP_PORTS, 0, &next);
    assert_int_equal(s->n_sent, 0);
    give(s, PORTCAM_REASON_SCTP_PORTS, 0, &other);
    assert_int_equal(s->n_sent, 1);
    forget_sent(s);
    give(s, FRAGMENT, 0, &c);
    assert_int_equal(s->n_sent, 4);
    uint8_t l4[600];
    memcpy(l4, s->sent[0].bytes + a.l4, 200);
    memcpy(l4 + 200, s->sent[1].bytes + b.l4, 200);
    memcpy(l4 + 400, s->sent[2].bytes + c.l4, 200);
    assert_int_equal(get16(l4 + 2), 5353);
    assert_int_equal(crc_in(l4), right_crc(l4, 600));
    assert_int_equal(s->sent[3].len, next.len);
    forget_sent(s);

    give(s, FRAGMENT, 0, &a); /* the end is lost */
    give(s, PORTCAM_REASON_SCTP_PORTS, 0, &next);
    pass_time(s, 1000);
    assert_int_equal(s->n_sent, 1);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_EXPIRED), 1);
    assert_int_equal(outcome(s, PORTCAM_REASON_SCTP_PORTS, PC_SLOW_REWRITTEN), 3);
}

/* ---- headers ---- */

static void test_f7_a_chain_beyond_the_window_is_translated(void **state)
{
    struct slow *s = *state;
    static uint8_t chain[400];
    for (unsigned n = 1; n <= 5; n++) { /* destination options of 80 bytes each */
        memset(chain, 0, sizeof(chain));
        for (unsigned i = 0; i < n; i++) {
            chain[80 * i] = i + 1 < n ? 60 : UDP;
            chain[80 * i + 1] = 9;
            chain[80 * i + 2] = 1;
            chain[80 * i + 3] = 76;
        }
        struct frame_spec spec = {.src = "2001:db8:c::9",
                                  .dst = "2001:db8::3",
                                  .protocol = UDP,
                                  .sport = 4000,
                                  .dport = 53,
                                  .ext = chain,
                                  .ext_len = 80 * n,
                                  .ext_first = 60};
        struct frame f = build_frame(&spec), out;
        give(s, PORTCAM_REASON_COMPLEX_WINDOW, 0, &f);
        out = f;
        memcpy(out.b, s->sent[0].bytes, f.len);
        assert_int_equal(get16(out.b + out.l4 + 2), 5353);
        assert_true(sums_are_right(&out));
        assert_memory_equal(out.b + out.l3 + 40, f.b + f.l3 + 40, spec.ext_len);
        forget_sent(s);
    }
}

static void test_f7_a_routing_header_with_segments_left_passes(void **state)
{
    struct slow *s = *state;
    uint8_t routing[24] = {UDP, 2, 4, 1};
    struct frame_spec spec = {.src = "2001:db8:c::9",
                              .dst = "2001:db8::3",
                              .protocol = UDP,
                              .sport = 4000,
                              .dport = 53,
                              .ext = routing,
                              .ext_len = sizeof(routing),
                              .ext_first = 43};
    struct frame f = build_frame(&spec);
    give(s, PORTCAM_REASON_COMPLEX_ROUTING, 0, &f);
    assert_int_equal(s->n_sent, 1);
    assert_memory_equal(s->sent[0].bytes, f.b, f.len);
    assert_int_equal(outcome(s, PORTCAM_REASON_COMPLEX_ROUTING, PC_SLOW_PASSED), 1);
}

static void test_f9_options_that_only_look_like_a_source_route(void **state)
{
    struct slow *s = *state;
    static const struct {
        uint8_t options[12];
        bool translated;
    } cases[] = {
        {{0x83, 7, 4, 203, 0, 113, 1, 0}, false},         /* an address left */
        {{0x89, 7, 4, 203, 0, 113, 1, 0}, false},         /* and strict */
        {{0x83, 7, 8, 203, 0, 113, 1, 0}, true},          /* at its end */
        {{0x07, 7, 8, 0x83, 0x89, 0x83, 1, 0}, true},     /* a record of the route */
        {{1, 1, 1, 0x94, 4, 0x83, 0x83, 0}, true},        /* router alert */
        {{0, 0x83, 7, 4, 1, 1, 1, 1}, true},              /* behind the end */
        {{0x83, 2, 0, 0}, false},                         /* without its pointer */
        {{0x07, 0, 0x83, 0}, false},                      /* cannot be read */
        {{0x07, 20, 4, 0x83, 0, 0, 0, 0}, false},         /* longer than the header */
        {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x83}, false}, /* cut */
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame_spec spec = {.src = CLIENT,
                                  .dst = "198.51.100.3",
                                  .protocol = UDP,
                                  .sport = 4000,
                                  .dport = 53,
                                  .opt = cases[i].options,
                                  .opt_len = 12};
        struct frame f = build_frame(&spec), out = f;
        give(s, PORTCAM_REASON_COMPLEX_OPTIONS, 0, &f);
        memcpy(out.b, s->sent[0].bytes, f.len);
        if (get16(out.b + out.l4 + 2) != (cases[i].translated ? 5353 : 53))
            fail_msg("options %u", i);
        assert_true(sums_are_right(&out));
        forget_sent(s);
    }
}

static void test_section_8_checksums_of_udp_lite_and_dccp(void **state)
{
    struct slow *s = *state;
    for (unsigned i = 0; i < 4; i++) {
        unsigned protocol = i & 1 ? DCCP : UDP_LITE;
        bool reply = i & 2;
        struct frame f = reply ? datagram(protocol, "10.0.3.2", 9, CLIENT, 0, 101)
                               : datagram(protocol, CLIENT, 9, "198.51.100.3", 0, 101);
        f.sum_at = f.l4 + 6;
        fix_sums(&f);
        give(s, PORTCAM_REASON_OTHER_CHECKSUM, reply, &f);
        struct frame out = f;
        memcpy(out.b, s->sent[0].bytes, f.len);
        assert_memory_equal(out.b + out.l3 + (reply ? 12 : 16),
                            reply ? "\xc6\x33\x64\x03" : "\x0a\x00\x03\x02", 4);
        assert_true(sums_are_right(&out));
        forget_sent(s);
    }
    assert_int_equal(outcome(s, PORTCAM_REASON_OTHER_CHECKSUM, PC_SLOW_REWRITTEN), 4);
}

static void test_p11_a_short_error_passes(void **state)
{
    struct slow *s = *state;
    struct frame f = datagram(ICMP, CLIENT, 0, SHOP, 0, 12);
    f.b[f.l4] = 3;
    fix_sums(&f);
    give(s, PORTCAM_REASON_ICMP_ERROR_SHORT, 0, &f);
    assert_memory_equal(s->sent[0].bytes, f.b, f.len);
    assert_int_equal(outcome(s, PORTCAM_REASON_ICMP_ERROR_SHORT, PC_SLOW_PASSED), 1);
}

/* About a packet that went to the server with a translated destination: its addresses come back in both headers. The chain
 * of extension headers is longer than the window of a card. */
static void test_f6_an_error_beyond_the_window_is_translated_inside_and_outside(void **state)
{
    struct slow *s = *state;
    static uint8_t chain[96] = {ICMPV6, 11, 1, 92};
    struct frame sent = datagram(UDP, "2001:db8:c::9", 4000, "2001:db8:3::1", 5353, 40);
    struct frame_spec spec = {.src = "2001:db8:3::1",
                              .dst = "2001:db8:c::9",
                              .protocol = ICMPV6,
                              .type = 1,
                              .code = 4,
                              .ext = chain,
                              .ext_len = sizeof(chain),
                              .ext_first = 60,
                              .payload = sent.b + sent.l3,
                              .payload_len = sent.end - sent.l3};
    struct frame f = build_frame(&spec), out = f;
    uint8_t public_ip[16];
    ip_bytes("2001:db8::3", public_ip);
    give(s, PORTCAM_REASON_COMPLEX_WINDOW, 1, &f);
    assert_int_equal(outcome(s, PORTCAM_REASON_COMPLEX_WINDOW, PC_SLOW_REWRITTEN), 1);
    memcpy(out.b, s->sent[0].bytes, f.len);
    const uint8_t *inner = out.b + out.l4 + 8;
    assert_memory_equal(out.b + out.l3 + 8, public_ip, 16);
    assert_memory_equal(inner + 24, public_ip, 16);
    assert_int_equal(get16(inner + 42), 53);
    assert_true(sums_are_right(&out));
}

static void test_what_no_card_hands_over_is_counted_and_nothing_else(void **state)
{
    struct slow *s = *state;
    static uint8_t frame[20000];
    struct frame f = datagram(UDP, CLIENT, 4000, "198.51.100.3", 53, 20);
    give_bytes(s, 64, 0, f.b, f.len);
    give_bytes(s, 255, 0, f.b, f.len);
    give_bytes(s, FRAGMENT, 16, f.b, f.len);
    give_bytes(s, FRAGMENT, 0, f.b, 0);
    give_bytes(s, FRAGMENT, 0, frame, 9601);
    assert_int_equal(s->n_sent, 0);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_NONSENSE), 3);
    assert_int_equal(outcome(s, 0, PC_SLOW_NONSENSE), 2);
}

/* ---- a mirror that is late ---- */

static void test_section_7_the_punt_port_of_a_device_leads_here(void **state)
{
    struct slow *s = *state;
    struct portcam_limits_row l = {.punt_rate = 1000,
                                   .punt_burst = 1000,
                                   .punt_reasons =
                                       1ull << FRAGMENT | 1ull << PORTCAM_REASON_SCTP_PORTS};
    put_row(s->device, PORTCAM_TABLE_LIMITS, 0, &l);
    struct frame f = sctp(CLIENT, 4000, "198.51.100.3", 53, 100, 0);
    s->given++;
    assert_int_equal(pass_frame(s->device, &f, 0), PORTCAM_REASON_SCTP_PORTS);
    assert_int_equal(s->n_sent, 1);
    assert_int_equal(get16(s->sent[0].bytes + f.l4 + 2), 5353);
}

static void test_limits_out_of_range_are_refused(void **state)
{
    struct slow *s = *state;
    const struct pc_slow_ops ops = pc_slow_device_ops(&s->over);
    const struct pc_slow_limits much = {.datagrams = (1u << 20) + 1};
    assert_null(pc_slow_new(&ops, &much));
    for (unsigned i = 0; i < PC_SLOW_OUTCOMES; i++)
        assert_true(strlen(pc_slow_outcome_name(i)) > 1);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_slow, teardown_slow)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_section_7_the_sum_of_sctp_is_that_of_the_whole),
        WITH(test_section_8_a_wrong_sum_of_sctp_stays_wrong),
        WITH(test_f25_sctp_in_pieces_waits_for_its_length_and_others_behind_it),
        WITH(test_f7_a_chain_beyond_the_window_is_translated),
        WITH(test_f7_a_routing_header_with_segments_left_passes),
        WITH(test_f9_options_that_only_look_like_a_source_route),
        WITH(test_section_8_checksums_of_udp_lite_and_dccp),
        WITH(test_p11_a_short_error_passes),
        WITH(test_f6_an_error_beyond_the_window_is_translated_inside_and_outside),
        WITH(test_what_no_card_hands_over_is_counted_and_nothing_else),
        WITH(test_section_7_the_punt_port_of_a_device_leads_here),
        WITH(test_limits_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
