// SPDX-License-Identifier: Apache-2.0
/* Whole packets on the slow path, and records: packet semantics 7, traps F.6, F.7, F.9, F.25. */
#include "crc32c.h"
#include "slow_world.h"

#define FRAGMENT PORTCAM_REASON_FRAGMENT
#define CLIENT "192.0.2.9"
#define SHOP "198.51.100.1"

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
        WITH(test_section_7_the_punt_port_of_a_device_leads_here),
        WITH(test_limits_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
