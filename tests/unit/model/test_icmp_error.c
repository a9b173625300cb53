// SPDX-License-Identifier: Apache-2.0
/* ICMP errors about translated flows: docs/pipeline.md sections 1, 3, 4, 5 and 7, trap F.6. What a static service makes of
 * them is compared byte for byte with frames that the builder makes for the other side, all checksums by full summation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/rng.h"
#include "world.h"

#define R(name) PORTCAM_REASON_##name

/* Client, public side, server, a router on the way. No two have a byte in common. */
static const char *const Client[] = {"17.34.51.68", "2011:2233:4455:6677:8899:aabb:ccdd:eeff"};
static const char *const Public[] = {"133.150.167.184", "3112:1415:1617:1819:1a1b:1c1d:1e1f:2021"};
static const char *const Server[] = {"10.27.44.61", "3f40:4142:4344:4546:4748:494a:4b4c:4d4e"};
static const char *const Router[] = {"203.1.2.3", "2ed0:5152:5354:5556:5758:595a:5b5c:5d5e"};
enum { CPORT = 0xc1c2, PPORT = 0x5152, BPORT = 0x7374, GRE = 47 };

static int setup(void **state)
{
    static const int protocols[] = {TCP, UDP, SCTP};
    struct pc_device *d = new_device();
    *state = d;
    if (!d)
        return -1;
    set_device(d, MacDevice);
    set_function(d, 1, MacOne, ANY, true);
    set_domain(d, 0, 0, PORTCAM_POLICY_DROP);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        set_address(d, v6, Public[v6], v6 ? 128 : 32, ANY, v6, 0);
        set_backend(d, v6, Server[v6], BPORT, NULL, 1);
        set_backend(d, 8 + v6, Server[v6], 0, NULL, 1);
        for (unsigned i = 0; i <= 3;
             i++) { /* the last: any other protocol and port, which is kept */
            unsigned number = 2 * i + v6, backend = i < 3 ? v6 : 8 + v6;
            struct endpoint_spec e = {.ip = Server[v6],
                                      .public_ip = Public[v6],
                                      .protocol = i < 3 ? protocols[i] : ANY,
                                      .port = i < 3 ? BPORT : ANY,
                                      .public_port = i < 3 ? PPORT : 0,
                                      .address = v6,
                                      .service = number,
                                      .backend = backend};
            set_service(d, number, 0, (int)v6, e.protocol, i < 3 ? PPORT : ANY, PORTCAM_MODE_STATIC,
                        number, backend);
            set_endpoint(d, &e);
        }
    }
    world_build(d);
    return 0;
}

static int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

/* ---- an error, and what it must become ---- */

struct error {
    bool v6, reverse, router;
    unsigned type, tags;
    uint8_t protocol; /* of the embedded packet */
    bool zero;        /* UDP without a checksum */
    uint16_t frag;    /* embedded, IPv4 */
    size_t opt_len, inner_opt, payload,
        bytes; /* bytes of the packet that are embedded, of its IP header on */
    size_t pad;
};

static uint8_t Noise[1500];

/* The embedded packet on the outer side of this error, before or after translation. */
static struct frame inner_packet(const struct error *e, bool after)
{
    static const uint8_t opt[40] = {148, 4, 0, 0, 1, 1, 7, 7, 4, 1, 2, 3};
    bool own = e->reverse != after; /* with the server's own address */
    const char *server = own ? Server[e->v6] : Public[e->v6];
    bool mapped = e->protocol == TCP || e->protocol == UDP || e->protocol == SCTP;
    uint16_t port = !mapped || own ? BPORT : PPORT;
    struct frame_spec s = {.src = e->reverse ? Client[e->v6] : server,
                           .dst = e->reverse ? server : Client[e->v6],
                           .protocol = e->protocol,
                           .sport = e->reverse ? CPORT : port,
                           .dport = e->reverse ? port : CPORT,
                           .type = e->v6 ? 128 : 8,
                           .frag = e->frag,
                           .opt = opt,
                           .opt_len = e->v6 ? 0 : e->inner_opt,
                           .payload = Noise,
                           .payload_len = e->payload};
    struct frame f = build_frame(&s);
    if (e->zero)
        put16(f.b + f.sum_at, 0);
    return f;
}

/* With this embedded packet, its bytes from l3 on. */
static struct frame error_frame(const struct error *e, const struct frame *inner, bool after)
{
    static const uint8_t opt[40] = {1, 1, 1, 1, 7, 7, 4, 1, 2, 3};
    const char *server = e->reverse == after ? Public[e->v6] : Server[e->v6];
    struct frame_spec s = {.src = e->router ? Router[e->v6] : Client[e->v6],
                           .dst = server,
                           .tags = e->tags,
                           .tci = {0xe005, 0x6007},
                           .protocol = e->v6 ? ICMPV6 : ICMP,
                           .type = (uint8_t)e->type,
                           .code = 4,
                           .opt = opt,
                           .opt_len = e->v6 ? 0 : e->opt_len,
                           .payload = inner->b + inner->l3,
                           .payload_len = e->bytes,
                           .pad = e->pad};
    memcpy(s.dmac, MacClient, 6);
    memcpy(s.smac, MacServer, 6);
    if (e->reverse) {
        s.src = after ? Public[e->v6] : e->router ? Router[e->v6] : Server[e->v6];
        s.dst = Client[e->v6];
    }
    struct frame f = build_frame(&s);
    put16(f.b + f.l4 + 6, 1280); /* the MTU */
    fix_sums(&f);
    return f;
}

/* Can the card reach the embedded checksum? Offsets in the frame. */
static bool sum_is_there(const struct error *e, const struct frame *f)
{
    size_t q = f->l4 + 8 + (e->v6 ? 40 : 20 + e->inner_opt);
    switch (e->protocol) {
    case TCP:
        return q + 20 <= f->end && q + 18 <= 128;
    case UDP:
        return q + 8 <= 128;
    case ICMPV6:
        return e->v6 && q + 8 <= f->end && q + 4 <= 128;
    default:
        return false;
    }
}

static unsigned want_reason(const struct error *e, const struct frame *f)
{
    size_t h = f->l4 + 8, fixed = e->v6 ? 40 : 20, q = h + fixed + (e->v6 ? 0 : e->inner_opt);
    bool ports = e->protocol == TCP || e->protocol == UDP || e->protocol == SCTP;
    if (h + fixed > f->end)
        return R(ICMP_ERROR_SHORT);
    if (h + fixed > 128)
        return R(COMPLEX_WINDOW);
    if (q > f->end || (ports && q + 8 > f->end))
        return R(ICMP_ERROR_SHORT);
    if (ports && q + 4 > 128)
        return R(COMPLEX_WINDOW);
    return e->reverse ? R(ICMP_REVERSE) : R(ICMP_FORWARD);
}

/* Sends the error, and compares what leaves with the whole frame as the other side must see it. */
static void check(struct pc_device *d, const struct error *e)
{
    struct frame before = inner_packet(e, false), after = inner_packet(e, true);
    struct frame got = error_frame(e, &before, false);
    struct frame same = got;
    unsigned reason = want_reason(e, &got);
    if (before.sum_at && !sum_is_there(e, &got))
        memcpy(after.b + after.sum_at, before.b + before.sum_at, 2);
    struct frame want = error_frame(e, &after, true);
    bool rewritten = reason == R(ICMP_FORWARD) || reason == R(ICMP_REVERSE);
    struct pc_decision v = send_frame(d, &got, e->reverse ? 1 : 0);
    assert_int_equal(v.reason, reason);
    assert_false(v.drop);
    assert_int_equal(v.egress, e->reverse ? 0 : 1);
    assert_memory_equal(got.b, rewritten ? want.b : same.b, got.len);
    if (rewritten)
        assert_true(sums_are_right(&got));
}

static const struct {
    unsigned count, type[4];
} Types[] = {{4, {3, 4, 11, 12}}, {4, {1, 2, 3, 4}}};

static const uint8_t Protocols[] = {TCP, UDP, SCTP, GRE, ICMP, ICMPV6};

static void all_of_them(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned t = 0; t < Types[v6].count; t++)
            for (unsigned p = 0; p < sizeof(Protocols); p++)
                for (unsigned way = 0; way < 8; way++) {
                    struct error e = {.v6 = v6,
                                      .reverse = way & 1,
                                      .router = way & 2,
                                      .zero = Protocols[p] == UDP && way & 4,
                                      .type = Types[v6].type[t],
                                      .protocol = Protocols[p],
                                      .bytes = v6 ? 60 : 40};
                    e.payload = 200;
                    check(*state, &e);
                }
}

static void cut_anywhere(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++)
        for (unsigned p = 0; p < sizeof(Protocols); p++)
            for (unsigned way = 0; way < 2; way++)
                for (size_t bytes = 0; bytes <= 160; bytes++) {
                    struct error e = {.v6 = v6,
                                      .reverse = way,
                                      .type = v6 ? 2 : 3,
                                      .protocol = Protocols[p],
                                      .payload = 200,
                                      .bytes = bytes,
                                      .pad = bytes % 3};
                    check(*state, &e);
                }
}

static void options_and_tags(void **state)
{
    for (unsigned p = 0; p < sizeof(Protocols); p++)
        for (unsigned tags = 0; tags <= 2; tags++)
            for (size_t outer = 0; outer <= 40; outer += 4)
                for (size_t inner = 0; inner <= 40; inner += 4)
                    for (unsigned way = 0; way < 2; way++) {
                        struct error e = {.reverse = way,
                                          .type = 11,
                                          .tags = tags,
                                          .protocol = Protocols[p],
                                          .opt_len = outer,
                                          .inner_opt = inner,
                                          .payload = 100,
                                          .bytes = 28 + inner};
                        check(*state, &e);
                        e.bytes += 30;
                        check(*state, &e);
                    }
}

static void random_ones(void **state)
{
    struct pc_rng r = pc_rng_stream(6, "icmp");
    printf("# seed 6\n");
    for (int i = 0; i < 40000; i++) {
        bool v6 = pc_rng_chance(&r, 50);
        struct error e = {.v6 = v6,
                          .reverse = pc_rng_chance(&r, 50),
                          .router = pc_rng_chance(&r, 50),
                          .type = Types[v6].type[pc_rng_below(&r, 4)],
                          .tags = pc_rng_below(&r, 3),
                          .protocol = Protocols[pc_rng_below(&r, sizeof(Protocols))],
                          .frag = pc_rng_chance(&r, 20) ? 0x2000 : 0x4000,
                          .opt_len = pc_rng_chance(&r, 70) ? 0 : 4 * pc_rng_below(&r, 11),
                          .inner_opt = pc_rng_chance(&r, 70) ? 0 : 4 * pc_rng_below(&r, 11),
                          .payload = pc_rng_below(&r, 600),
                          .pad = pc_rng_below(&r, 20)};
        size_t whole = (v6 ? 40 : 20 + e.inner_opt) + 8 + e.payload;
        e.zero = e.protocol == UDP && pc_rng_chance(&r, 20);
        pc_rng_bytes(&r, Noise, sizeof(Noise));
        e.bytes = pc_rng_chance(&r, 70) ? whole : pc_rng_below(&r, (uint32_t)whole);
        check(*state, &e);
    }
}

/* Two payload bytes make the embedded checksum behind the translation 0. */
static void computed_zeros(void **state)
{
    for (unsigned n = 0; n < 8; n++) {
        struct error e = {
            .v6 = n & 1, .reverse = n & 2, .type = 3, .protocol = n & 4 ? UDP : TCP, .payload = 2};
        e.bytes = (e.v6 ? 40 : 20) + (e.protocol == UDP ? 8 : 20) + 2;
        put16(Noise, 0);
        struct frame f = inner_packet(&e, true);
        put16(Noise, get16(f.b + f.sum_at));
        f = inner_packet(&e, true);
        assert_int_equal(get16(f.b + f.sum_at), e.protocol == UDP ? 0xffff : 0);
        check(*state, &e);
    }
}

static uint16_t sub(unsigned a, unsigned b)
{
    return (uint16_t)((a % 0xffff + 0xffff - b % 0xffff) % 0xffff);
}

/* Each checksum off by something, one after another. */
static void wrong_stays_wrong(void **state)
{
    for (unsigned n = 0; n < 16; n++) {
        struct error e = {.v6 = n & 1, .reverse = n & 2, .type = 3, .protocol = UDP, .payload = 30};
        e.bytes = (e.v6 ? 40 : 20) + 38;
        struct frame before = inner_packet(&e, false), after = inner_packet(&e, true);
        struct frame good = error_frame(&e, &after, true), got = error_frame(&e, &before, false);
        const size_t at[] = {got.l4 + 2, got.l4 + 8 + (e.v6 ? 46 : 26), got.l3 + 10, got.l4 + 18};
        size_t broken = at[n / 4];
        if (e.v6 && n / 4 >= 2)
            continue;
        unsigned was = get16(got.b + broken), wrong = (was ^ 0x0450) ? was ^ 0x0450 : 1;
        put16(got.b + broken, wrong);
        assert_int_equal(send_frame(*state, &got, 0).reason,
                         e.reverse ? R(ICMP_REVERSE) : R(ICMP_FORWARD));
        assert_int_equal(sub(get16(got.b + broken), get16(good.b + broken)), sub(wrong, was));
        put16(got.b + broken, get16(good.b + broken));
        assert_memory_equal(got.b, good.b, good.len);
    }
}

/* ---- what is not translated ---- */

static uint64_t packets(struct pc_device *d, unsigned table, unsigned row)
{
    return pc_device_counter(d, table, row).packets;
}

static void passes(struct pc_device *d, struct frame *f, unsigned reason)
{
    struct frame same = *f;
    uint64_t domain = packets(d, PORTCAM_COUNTER_TABLE_DOMAIN, 0);
    struct pc_decision v = send_frame(d, f, 0);
    assert_int_equal(v.reason, reason);
    assert_false(v.drop);
    assert_memory_equal(f->b, same.b, f->len);
    assert_int_equal(packets(d, PORTCAM_COUNTER_TABLE_DOMAIN, 0), domain);
}

static void not_about_a_flow(void **state)
{
    static const uint8_t others[] = {DCCP, UDP_LITE, 0, 43, 44, 51, 60, 135};
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct error e = {
            .v6 = v6, .type = 3, .protocol = TCP, .payload = 20, .bytes = v6 ? 60 : 40};
        struct frame inner = inner_packet(&e, false);
        /* whoever it is sent to did not send what is in it */
        struct frame f = error_frame(&e, &inner, false);
        f.b[f.l3 + (v6 ? 39 : 19)] ^= 1;
        fix_sums(&f);
        passes(*state, &f, R(ICMP_ERROR));
        for (unsigned i = 0; i < sizeof(others); i++) {
            e.protocol = others[i];
            inner = inner_packet(&e, false);
            f = error_frame(&e, &inner, false);
            if (i < 2 || v6)
                passes(*state, &f, R(ICMP_ERROR));
            else
                check(*state, &e);
        }
    }
    struct error e = {.type = 3, .protocol = TCP, .frag = 1, .payload = 20, .bytes = 40};
    struct frame inner = inner_packet(&e, false), f = error_frame(&e, &inner, false);
    passes(*state, &f, R(ICMP_ERROR_SHORT));
}

static struct frame some_error(bool reverse)
{
    struct error e = {.type = 3, .reverse = reverse, .protocol = TCP, .payload = 20, .bytes = 40};
    struct frame inner = inner_packet(&e, false);
    return error_frame(&e, &inner, false);
}

/* The service, the backend, the endpoint: each can say no. */
static void rows_that_say_no(void **state)
{
    struct pc_tables *t = pc_device_tables_rw(*state);
    struct frame f = some_error(false);
    pc_tables_set(t, PORTCAM_TABLE_BACKEND, 0, NULL);
    passes(*state, &f, R(ICMP_ERROR));
    set_backend(*state, 0, Server[1], BPORT, NULL, 1);
    passes(*state, &f, R(ICMP_ERROR));
    set_backend(*state, 0, Server[0], BPORT, NULL, 1);
    pc_tables_set(t, PORTCAM_TABLE_SERVICE, 0, NULL);
    pc_tables_set(t, PORTCAM_TABLE_SERVICE, 6, NULL);
    world_build(*state);
    passes(*state, &f, R(ICMP_ERROR)); /* not the domain's policy, drop */
    f = some_error(true);
    for (unsigned row = 0; row < pc_tables_rows(t, PORTCAM_TABLE_ENDPOINT); row++) {
        const struct portcam_endpoint_row *old = pc_tables_get(t, PORTCAM_TABLE_ENDPOINT, row);
        if (!old || old->family != PORTCAM_FAMILY_4 || old->protocol != TCP)
            continue;
        struct portcam_endpoint_row e = *old;
        e.flags |= PORTCAM_ENDPOINT_ROW_STRICT;
        pc_tables_set(t, PORTCAM_TABLE_ENDPOINT, row, &e);
    }
    struct frame same = f;
    struct pc_decision v = send_frame(*state, &f, 1);
    assert_int_equal(v.reason, R(ICMP_ERROR));
    assert_int_equal(v.egress, 0);
    assert_memory_equal(f.b, same.b, f.len);
}

static void domain_states(void **state)
{
    static const struct {
        unsigned state, policy, forward;
    } cases[] = {{PORTCAM_DOMAIN_STATE_RUNNING, PORTCAM_POLICY_REJECT, 0},
                 {PORTCAM_DOMAIN_STATE_DRAINING, PORTCAM_POLICY_DROP, 0},
                 {PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS, R(PAUSED_DROP)},
                 {PORTCAM_DOMAIN_STATE_STOPPED, PORTCAM_POLICY_PASS, R(STOPPED_PASS)},
                 {PORTCAM_DOMAIN_STATE_STOPPED, PORTCAM_POLICY_DROP, R(STOPPED_DROP)},
                 {PORTCAM_DOMAIN_STATE_STOPPED, PORTCAM_POLICY_REJECT, R(REJECT_SILENT)}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (unsigned reverse = 0; reverse < 2; reverse++) {
            struct frame f = some_error(reverse);
            set_domain(*state, 0, cases[i].state, cases[i].policy);
            struct pc_decision v = send_frame(*state, &f, reverse);
            unsigned moved = reverse ? R(ICMP_REVERSE) : R(ICMP_FORWARD);
            assert_int_equal(v.reason, cases[i].forward ? cases[i].forward : moved);
        }
    set_domain(*state, 0, 0, PORTCAM_POLICY_DROP);
}

static void delivered(void **state)
{
    struct frame f = some_error(false), same = f;
    set_backend(*state, 20, Server[0], 0, NULL, 3);
    set_service(*state, 0, 0, 0, TCP, PPORT, PORTCAM_MODE_DELIVER, 0, 20);
    world_build(*state);
    struct pc_decision v = send_frame(*state, &f, 0);
    assert_int_equal(v.reason, R(DELIVER));
    assert_int_equal(v.egress, 3);
    assert_memory_equal(f.b, same.b, f.len);
}

static void counted(void **state)
{
    struct frame f = some_error(false);
    send_frame(*state, &f, 0);
    f = some_error(true);
    send_frame(*state, &f, 1);
    static const unsigned tables[] = {PORTCAM_COUNTER_TABLE_DOMAIN, PORTCAM_COUNTER_TABLE_ADDRESS,
                                      PORTCAM_COUNTER_TABLE_SERVICE, PORTCAM_COUNTER_TABLE_BACKEND};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(packets(*state, tables[i], 0), 1);
        assert_int_equal(packets(*state, tables[i], 1), 1);
    }
    assert_int_equal(packets(*state, PORTCAM_COUNTER_TABLE_REASON, R(ICMP_FORWARD)), 1);
    assert_int_equal(packets(*state, PORTCAM_COUNTER_TABLE_REASON, R(ICMP_REVERSE)), 1);
    assert_int_equal(packets(*state, PORTCAM_COUNTER_TABLE_FUNCTION_TX, 1), 1);
}

#define TEST(words, function)                                                                      \
    {                                                                                              \
        words, function, setup, teardown, NULL                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("P11 F.6 each type, version, direction and embedded protocol", all_of_them),
        TEST("P11 F.6 embedded packets cut anywhere", cut_anywhere),
        TEST("P11 F.6 F.9 options of both headers, tags", options_and_tags),
        TEST("P11 F.6 random errors against full recomputation", random_ones),
        TEST("P11 F.3 an embedded checksum that becomes 0", computed_zeros),
        TEST("P11 F.21 wrong checksums stay wrong", wrong_stays_wrong),
        TEST("P11 F.6 errors about no flow pass", not_about_a_flow),
        TEST("P11 rows that are missing, or strict: the error passes", rows_that_say_no),
        TEST("P11 states of the domain", domain_states),
        TEST("P11 a deliver service gets its errors", delivered),
        TEST("P11 counters are those of the direction", counted),
    };
    return cmocka_run_group_tests_name("icmp_error", tests, NULL, NULL);
}
