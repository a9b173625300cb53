// SPDX-License-Identifier: Apache-2.0
/* Fragments on the slow path: trap F.5 and packet semantics 7. What comes out, put together again, must be the whole datagram
 * as a card translates it. */
#include "slow_world.h"

#define FRAGMENT PORTCAM_REASON_FRAGMENT

static struct frame translated(struct slow *s, const struct frame *whole, unsigned ingress,
                               unsigned *egress)
{
    struct frame f = *whole;
    struct pc_decision d;
    pc_device_packet(s->device, f.b, f.len, ingress, (uint32_t)s->now, NULL, &d, NULL);
    assert_false(d.drop);
    *egress = d.egress;
    return f;
}

static const struct {
    unsigned protocol, ingress;
    const char *src;
    unsigned sport;
    const char *dst;
    unsigned dport;
} Flows[] = {
    {UDP, 0, "192.0.2.9", 4000, "198.51.100.3", 53},
    {UDP, 1, "10.0.3.1", 5353, "192.0.2.9", 4000},
    {TCP, 0, "192.0.2.9", 4000, "198.51.100.3", 53},
    {ICMP, 0, "192.0.2.9", 0, "198.51.100.3", 0},
    {ICMP, 1, "10.0.3.1", 0, "192.0.2.9", 0},
    {UDP, 0, "2001:db8:c::9", 4000, "2001:db8::3", 53},
    {UDP, 1, "2001:db8:3::1", 5353, "2001:db8:c::9", 4000},
    {ICMPV6, 0, "2001:db8:c::9", 0, "2001:db8::3", 0},
    {UDP, 0, "192.0.2.9", 4000, "203.0.113.7", 53},      /* nobody's */
    {UDP, 1, "2001:db8:f::1", 1, "2001:db8:c::9", 4000}, /* nobody's */
    {UDP, 0, "192.0.2.9", 4000, "198.51.100.3", 54},     /* no service */
    {47, 0, "192.0.2.9", 0, "198.51.100.3", 0},          /* no ports, no service */
};
enum { FLOWS = sizeof(Flows) / sizeof(Flows[0]) };

static struct frame flow_datagram(unsigned n, size_t bytes)
{
    return datagram(Flows[n].protocol, Flows[n].src, Flows[n].sport, Flows[n].dst, Flows[n].dport,
                    bytes);
}

static void shuffle(struct pc_rng *r, struct frame *pieces, unsigned n)
{
    for (unsigned i = n; i > 1; i--) {
        unsigned j = pc_rng_below(r, i);
        struct frame f = pieces[i - 1];
        pieces[i - 1] = pieces[j];
        pieces[j] = f;
    }
}

/* At random places; how many. */
static unsigned cut(struct pc_rng *r, const struct frame *whole, uint32_t id, struct frame *ret)
{
    size_t size = whole->end - whole->l4, at = 0;
    unsigned n = 0, most = 1 + pc_rng_below(r, 40);
    size_t header = whole->protocol == TCP ? 24 : 8;
    while (at < size) {
        size_t len = 8 * (1 + pc_rng_below(r, most));
        if (at == 0 && len < header)
            len = header;
        if (at + len > size || n == PIECES_MOST - 1)
            len = size - at;
        if (at == 0 && len == size)
            len = header; /* never whole */
        ret[n++] = piece(whole, at, at + len, id);
        at += len;
    }
    return n;
}

static void test_f5_pieces_in_any_order_are_the_translated_whole(void **state)
{
    struct slow *s = *state;
    static struct frame pieces[PIECES_MOST];
    uint64_t seed = 20241;
    struct pc_rng r = pc_rng_stream(seed, "fragments");
    print_message("# seed %llu\n", (unsigned long long)seed);
    for (unsigned n = 0; n < 3000; n++) {
        unsigned flow = n % FLOWS, egress = 0;
        struct frame whole = flow_datagram(flow, 30 + pc_rng_below(&r, 1900));
        struct frame right = translated(s, &whole, Flows[flow].ingress, &egress);
        unsigned count = cut(&r, &whole, n, pieces);
        if (n % 3)
            shuffle(&r, pieces, count);
        for (unsigned i = 0; i < count; i++)
            give(s, FRAGMENT, Flows[flow].ingress, &pieces[i]);
        if (!sent_is(s, &right, egress) || s->n_sent != count)
            fail_msg("datagram %u of flow %u in %u pieces", n, flow, count);
        forget_sent(s);
    }
    assert_int_equal(pc_slow_stats(s->engine)->datagrams, 0);
    assert_int_equal(pc_slow_stats(s->engine)->held, 0);
}

static void test_f5_a_duplicate_passes_a_changed_one_does_not(void **state)
{
    struct slow *s = *state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct frame whole = flow_datagram(v6 ? 5 : 0, 392);
        struct frame a = piece(&whole, 0, 200, 7), b = piece(&whole, 200, 304, 7),
                     c = piece(&whole, 304, 400, 7);
        give(s, FRAGMENT, 0, &a);
        give(s, FRAGMENT, 0, &a);
        give(s, FRAGMENT, 0, &b);
        give(s, FRAGMENT, 0, &b);
        assert_int_equal(s->n_sent, 4);
        b.b[b.l4 + 3] ^= 1; /* the same place, other bytes */
        give(s, FRAGMENT, 0, &b);
        give(s, FRAGMENT, 0, &c);
        assert_int_equal(s->n_sent, 4);
        assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_OVERLAP), v6 + 1);
        assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_REST), v6 + 1);
        forget_sent(s);
    }
}

static void test_f5_overlapping_pieces_end_the_datagram(void **state)
{
    struct slow *s = *state;
    struct frame whole = flow_datagram(0, 792);
    static const unsigned ends[][4] = {
        {0, 200, 192, 400}, {0, 200, 8, 16},      {200, 400, 0, 208},
        {0, 200, 0, 208},   {200, 400, 208, 408}, {0, 400, 200, 800},
    };
    unsigned n = sizeof(ends) / sizeof(ends[0]);
    for (unsigned i = 0; i < n; i++) {
        struct frame a = piece(&whole, ends[i][0], ends[i][1], i),
                     b = piece(&whole, ends[i][2], ends[i][3], i);
        bool first = ends[i][0] == 0;
        give(s, FRAGMENT, 0, &a);
        give(s, FRAGMENT, 0, &b);
        assert_int_equal(s->n_sent, first); /* what left before is gone */
        forget_sent(s);
        struct frame rest = piece(&whole, 600, 800, i);
        give(s, FRAGMENT, 0, &rest);
        assert_int_equal(s->n_sent, 0);
    }
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_REST), n);
}

static void test_f5_two_ends_of_one_datagram_end_it(void **state)
{
    struct slow *s = *state;
    struct frame whole = flow_datagram(0, 392), longer = flow_datagram(0, 592);
    struct frame a = piece(&whole, 0, 200, 1), last = piece(&whole, 200, 400, 1),
                 beyond = piece(&longer, 400, 504, 1), other = piece(&longer, 400, 600, 1);
    struct frame *second[] = {&beyond, &other};
    for (unsigned i = 0; i < 2; i++) {
        put16(a.b + a.l3 + 4, i);
        put16(last.b + last.l3 + 4, i);
        put16(second[i]->b + second[i]->l3 + 4, i);
        fix_sums(&a);
        fix_sums(&last);
        fix_sums(second[i]);
        give(s, FRAGMENT, 0, &last);
        give(s, FRAGMENT, 0, second[i]);
        give(s, FRAGMENT, 0, &a);
        assert_int_equal(s->n_sent, 0);
    }
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_OVERLAP), 4); /* the one that waited too */
}

static void test_f5_a_first_piece_without_its_header_is_dropped(void **state)
{
    struct slow *s = *state;
    struct frame tcp = flow_datagram(2, 300), udp6 = flow_datagram(5, 300);
    struct frame tiny = piece(&tcp, 0, 16, 1), rest = piece(&tcp, 16, 320, 1);
    give(s, FRAGMENT, 0, &tiny);
    give(s, FRAGMENT, 0, &rest);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_TINY), 1);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_REST), 1);

    /* RFC 7112: a chain that goes on in the second piece. */
    struct frame chain = piece(&udp6, 0, 304, 2);
    chain.b[chain.l3 + 40] = 60;
    chain.b[chain.l4] = UDP;
    chain.b[chain.l4 + 1] = 60;
    rest = piece(&udp6, 304, 308, 2);
    give(s, FRAGMENT, 0, &rest);
    give(s, FRAGMENT, 0, &chain);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_TINY), 3);

    /* TCP options that go on in the second piece; a fragment inside a fragment. */
    struct frame options = piece(&tcp, 0, 40, 3), inside = piece(&udp6, 0, 304, 4);
    options.b[options.l4 + 12] = 0xf0;
    inside.b[inside.l3 + 40] = 44;
    inside.b[inside.l4] = UDP;
    put16(inside.b + inside.l4 + 2, 1);
    give(s, FRAGMENT, 0, &options);
    give(s, FRAGMENT, 0, &inside);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_TINY), 5);
    assert_int_equal(s->n_sent, 0);
}

static void test_f5_pieces_that_cannot_be_are_dropped_alone(void **state)
{
    struct slow *s = *state;
    struct frame whole = flow_datagram(0, 392);
    struct frame odd = piece(&whole, 200, 303, 1), empty = piece(&whole, 200, 200, 1),
                 far = piece(&whole, 200, 400, 1);
    put16(far.b + far.l3 + 6, 0x1fff);
    fix_sums(&far);
    give(s, FRAGMENT, 0, &odd);
    give(s, FRAGMENT, 0, &empty);
    give(s, FRAGMENT, 0, &far);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_MALFORMED), 3);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    give(s, FRAGMENT, 0, &a);
    give(s, FRAGMENT, 0, &b);
    assert_int_equal(s->n_sent, 2);
}

static void test_f5_what_names_a_datagram(void **state)
{
    struct slow *s = *state;
    struct frame whole = flow_datagram(0, 392), icmp = flow_datagram(3, 392);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    struct frame other_id = piece(&whole, 200, 400, 2), other_protocol = piece(&icmp, 200, 400, 1);
    struct frame other_source = b, tagged = b;
    other_source.b[b.l3 + 15] ^= 1;
    fix_sums(&other_source);
    memmove(tagged.b + 16, tagged.b + 12, tagged.len - 12);
    put16(tagged.b + 12, 0x8100);
    put16(tagged.b + 14, 5);
    tagged.len += 4;
    give(s, FRAGMENT, 0, &a);
    give(s, FRAGMENT, 0, &other_id);
    give(s, FRAGMENT, 0, &other_protocol);
    give(s, FRAGMENT, 0, &other_source);
    give(s, FRAGMENT, 0, &tagged);
    give(s, FRAGMENT, 1, &b); /* another ingress */
    assert_int_equal(s->n_sent, 1);
    assert_int_equal(pc_slow_stats(s->engine)->held, 5);
    give(s, FRAGMENT, 0, &b);
    assert_int_equal(s->n_sent, 2);
}

static void test_f5_only_the_first_piece_has_its_checksum_changed(void **state)
{
    struct slow *s = *state;
    unsigned egress;
    struct frame whole = flow_datagram(0, 392), right = translated(s, &whole, 0, &egress);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    give(s, FRAGMENT, 0, &a);
    give(s, FRAGMENT, 0, &b);
    assert_memory_equal(s->sent[0].bytes + a.l4, right.b + right.l4, 200);
    assert_memory_equal(s->sent[1].bytes + b.l4, b.b + b.l4, 200);
    assert_true(get16(right.b + right.sum_at) == right_l4_sum(&right));
}

static void test_f5_a_wrong_checksum_stays_wrong(void **state)
{
    struct slow *s = *state;
    unsigned egress;
    struct frame whole = flow_datagram(5, 392);
    whole.b[whole.sum_at] ^= 0x40;
    struct frame right = translated(s, &whole, 0, &egress);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    give(s, FRAGMENT, 0, &a);
    give(s, FRAGMENT, 0, &b);
    assert_true(sent_is(s, &right, egress));
    assert_true(get16(right.b + right.sum_at) != right_l4_sum(&right));
}

static void test_f5_a_piece_waits_for_the_first_but_not_for_ever(void **state)
{
    struct slow *s = *state;
    struct frame whole = flow_datagram(0, 592);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1),
                 c = piece(&whole, 400, 600, 1);
    give(s, FRAGMENT, 0, &c);
    pass_time(s, 500);
    give(s, FRAGMENT, 0, &b);
    assert_int_equal(pc_slow_next(s->engine), 2000);
    pass_time(s, 499);
    assert_int_equal(s->n_sent, 0);
    give(s, FRAGMENT, 0, &a); /* in the last moment: first, then as they came */
    assert_int_equal(s->n_sent, 3);
    assert_memory_equal(s->sent[1].bytes + c.l4, c.b + c.l4, 200);
    assert_memory_equal(s->sent[2].bytes + b.l4, b.b + b.l4, 200);
    forget_sent(s);

    give(s, FRAGMENT, 0, &b);
    pass_time(s, 1000);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_EXPIRED), 1);
    give(s, FRAGMENT, 0, &a); /* too late */
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_REST), 1);
    pass_time(s, 29000);
    assert_int_equal(pc_slow_stats(s->engine)->datagrams, 0);
    assert_int_equal(pc_slow_next(s->engine), UINT64_MAX);
    give(s, FRAGMENT, 0, &a); /* the number may be used again */
    assert_int_equal(s->n_sent, 1);
}

static void test_f5_many_datagrams_the_oldest_goes(void **state)
{
    const struct pc_slow_limits limits = {.datagrams = 8};
    struct slow *s = slow_with(&limits);
    struct frame whole = flow_datagram(0, 392);
    *state = s;
    for (unsigned i = 0; i < 20; i++) {
        struct frame b = piece(&whole, 200, 400, i);
        give(s, FRAGMENT, 0, &b);
    }
    assert_int_equal(pc_slow_stats(s->engine)->datagrams, 8);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_NO_ROOM), 12);
    struct frame a = piece(&whole, 0, 200, 19);
    give(s, FRAGMENT, 0, &a);
    assert_int_equal(s->n_sent, 2);
    teardown_slow(state);
}

static void test_f5_memory_of_all_and_of_one(void **state)
{
    const struct pc_slow_limits limits = {
        .held_bytes = 4000, .datagram_bytes = 1500, .fragments = 16};
    struct slow *s = slow_with(&limits);
    struct frame whole = flow_datagram(0, 1992);
    *state = s;
    for (unsigned i = 0; i < 30; i++) { /* three frames of 1,234 bytes have room */
        struct frame b = piece(&whole, 800, 2000, i);
        give(s, FRAGMENT, 0, &b);
        assert_true(pc_slow_stats(s->engine)->held_bytes <= 4000);
    }
    assert_int_equal(pc_slow_stats(s->engine)->held, 3);
    struct frame a = piece(&whole, 0, 400, 29);
    give(s, FRAGMENT, 0, &a);
    assert_int_equal(s->n_sent, 2); /* the newest lived */
    struct frame c = piece(&whole, 400, 800, 28);
    give(s, FRAGMENT, 0, &c); /* more than one datagram may hold */
    assert_int_equal(pc_slow_stats(s->engine)->held, 1);
    forget_sent(s);
    for (unsigned i = 0; i < 32; i++) { /* more pieces than one may have */
        struct frame p = piece(&whole, i * 8, i * 8 + 8, 77);
        give(s, FRAGMENT, 0, &p);
    }
    assert_int_equal(s->n_sent, 16);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_REST), 15);
    teardown_slow(state);
}

static void test_f5_the_verdict_of_the_first_stays_when_rows_change(void **state)
{
    struct slow *s = *state;
    unsigned egress;
    struct frame whole = flow_datagram(0, 392), right = translated(s, &whole, 0, &egress);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    give(s, FRAGMENT, 0, &a);
    set_backend(s->device, 20, "10.7.7.7", 99, NULL, 1);
    world_build(s->device);
    give(s, FRAGMENT, 0, &b);
    assert_true(sent_is(s, &right, egress));
}

static void test_f5_multicast_and_source_routes_pass_without_memory(void **state)
{
    struct slow *s = *state;
    struct frame whole = datagram(UDP, "192.0.2.9", 4000, "224.0.0.251", 5353, 392);
    struct frame b = piece(&whole, 200, 400, 1);
    give(s, FRAGMENT, 0, &b);
    assert_int_equal(s->n_sent, 1);
    assert_memory_equal(s->sent[0].bytes, b.b, b.len);
    assert_int_equal(pc_slow_stats(s->engine)->datagrams, 0);
}

static void test_section_6_a_paused_domain_drops_pieces_too(void **state)
{
    struct slow *s = *state;
    struct frame whole = flow_datagram(0, 392);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    put_domain(s->device, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS);
    give(s, FRAGMENT, 0, &b);
    give(s, FRAGMENT, 0, &a);
    assert_int_equal(s->n_sent, 0);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_DROPPED), 2);
}

static void test_p4_the_first_piece_is_answered_the_others_are_not(void **state)
{
    struct slow *s = *state;
    struct frame whole = flow_datagram(10, 392);
    struct frame a = piece(&whole, 0, 200, 1), b = piece(&whole, 200, 400, 1);
    put_domain(s->device, PORTCAM_DOMAIN_STATE_RUNNING, PORTCAM_POLICY_REJECT);
    put_limits(s->device, 0, 100, 100);
    give(s, FRAGMENT, 0, &b);
    give(s, FRAGMENT, 0, &a);
    assert_int_equal(s->n_sent, 1);
    assert_int_equal(pc_slow_stats(s->engine)->answers, 1);
    assert_int_equal(s->sent[0].bytes[14 + 9], ICMP);
    assert_int_equal(outcome(s, FRAGMENT, PC_SLOW_REFUSED), 2);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup_slow, teardown_slow)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_f5_pieces_in_any_order_are_the_translated_whole),
        WITH(test_f5_a_duplicate_passes_a_changed_one_does_not),
        WITH(test_f5_overlapping_pieces_end_the_datagram),
        WITH(test_f5_two_ends_of_one_datagram_end_it),
        WITH(test_f5_a_first_piece_without_its_header_is_dropped),
        WITH(test_f5_pieces_that_cannot_be_are_dropped_alone),
        WITH(test_f5_what_names_a_datagram),
        WITH(test_f5_only_the_first_piece_has_its_checksum_changed),
        WITH(test_f5_a_wrong_checksum_stays_wrong),
        WITH(test_f5_a_piece_waits_for_the_first_but_not_for_ever),
        cmocka_unit_test(test_f5_many_datagrams_the_oldest_goes),
        cmocka_unit_test(test_f5_memory_of_all_and_of_one),
        WITH(test_f5_the_verdict_of_the_first_stays_when_rows_change),
        WITH(test_f5_multicast_and_source_routes_pass_without_memory),
        WITH(test_section_6_a_paused_domain_drops_pieces_too),
        WITH(test_p4_the_first_piece_is_answered_the_others_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
