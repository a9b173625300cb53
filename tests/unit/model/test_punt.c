// SPDX-License-Identifier: Apache-2.0
/* The punt ring: docs/pipeline.md section 9. What the host can do wrong must end in a status and never in a write beside
 * its ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "punt_bench.h"

#define BIT(name) (1ull << R(name))

static const struct portcam_punt_header *entry(unsigned index)
{
    return (const void *)(B.memory + PUNT + index % ENTRIES * PORTCAM_PUNT_ENTRY);
}

static struct frame fragment(unsigned payload)
{
    static const uint8_t data[1400] = {1, 2, 3};
    struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 1},
                           .smac = {2, 0, 0, 0, 0, 0xbb},
                           .src = "192.0.2.7",
                           .dst = "198.51.100.1",
                           .protocol = UDP,
                           .sport = 5,
                           .dport = 6,
                           .payload = data,
                           .payload_len = payload};
    struct frame f = build_frame(&s);
    f.b[f.l3 + 6] = 0x20; /* MF */
    fix_sums(&f);
    return f;
}

static unsigned send_fragment(void)
{
    struct frame f = fragment(40);
    return pass_frame(B.d, &f, 0);
}

/* ---- punt ---- */

static void header_and_frame(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        struct frame f = fragment(100 + i), before = f;
        Now = 5000 + i;
        assert_int_equal(pass_frame(B.d, &f, 0), R(FRAGMENT));
        assert_true(Last.punt);
        assert_true(Last.drop); /* whoever sends what is not dropped does not send it */
        assert_int_equal(Answer.len, 0);
        assert_int_equal(get(REG(PUNT_TAIL)), i + 1);
        const struct portcam_punt_header *h = entry(i);
        assert_int_equal(h->reason, R(FRAGMENT));
        assert_int_equal(h->ingress, 0);
        assert_int_equal(h->len, before.len);
        assert_int_equal(h->time_ms, 5000 + i);
        assert_int_equal(h->domain, 0xffff);
        assert_int_equal(h->address, 0xffff);
        assert_int_equal(h->service, 0xffff);
        assert_int_equal(h->egress, 1);
        assert_int_equal(h->pad, 0);
        for (unsigned k = 0; k < sizeof(h->reserved); k++)
            assert_int_equal(h->reserved[k], 0);
        assert_int_equal(h->lap, i / ENTRIES + 1);
        assert_memory_equal(h + 1, before.b, before.len);
        assert_ptr_equal(B.memory + B.last_write, h); /* the header behind the frame */
        set(REG(PUNT_HEAD), i + 1);
    }
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_REASON, R(FRAGMENT)), 10);
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_FUNCTION_RX, 0), 10);
    for (unsigned f = 0; f < 16; f++)
        assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_FUNCTION_TX, f), 0);
}

/* Numbers of what was found; from a host function the default egress is the network. */
static void header_numbers(void **state)
{
    (void)state;
    struct portcam_service_row s = stateful_row(9, 1, 132, 80);
    put_service(B.d, 1, &s);
    struct frame f = other_frame(132, "192.0.2.7", 5, "198.51.100.2", 80);
    assert_int_equal(pass_frame(B.d, &f, 3), R(SCTP_PORTS));
    const struct portcam_punt_header *h = entry(0);
    assert_int_equal(h->ingress, 3);
    assert_int_equal(h->egress, 0);
    assert_int_equal(h->domain, 0);
    assert_int_equal(h->address, 1);
    assert_int_equal(h->service, 9);
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_SERVICE, 18), 1);
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_ADDRESS, 2), 1);
}

/* Only reasons whose bit is set, only while the ring runs, only with a row of limits. */
static void when(void **state)
{
    (void)state;
    put_punts(PORTCAM_PUNT_REASONS & ~BIT(FRAGMENT), 65535, 65535);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_false(Last.punt);
    assert_false(Last.drop);
    put_punts(BIT(FRAGMENT), 65535, 65535);
    send_fragment();
    assert_true(Last.punt);
    assert_int_equal(client_sends(B.d, 1, SYN, 1), R(CONNECTION_NEW));
    assert_false(Last.punt);
    set(REG(PUNT_CONTROL), 0);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_false(Last.punt || Last.drop);
    set(REG(PUNT_CONTROL), 1);
    pc_tables_set(pc_device_tables_rw(B.d), PORTCAM_TABLE_LIMITS, 0, NULL);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_false(Last.punt || Last.drop);
    assert_int_equal(get(REG(PUNT_TAIL)), 0);
}

static void mask(void **state)
{
    (void)state;
    const struct pc_tables *t = pc_device_tables(B.d);
    unsigned allowed = 0;
    for (unsigned n = 0; n < 64; n++) {
        struct portcam_limits_row l = {.punt_reasons = 1ull << n};
        bool ok = pc_tables_check(t, PORTCAM_TABLE_LIMITS, 0, &l) == S(OK);
        bool want = n == R(FRAGMENT) || n == R(SCTP_PORTS) || n == R(OTHER_CHECKSUM) ||
                    n == R(COMPLEX_WINDOW) || n == R(COMPLEX_ROUTING) || n == R(COMPLEX_OPTIONS) ||
                    n == R(ICMP_ERROR_SHORT) || n == R(TABLE_FULL) || n == R(TABLE_FULL_PUNT);
        assert_int_equal(ok, want);
        allowed += ok;
    }
    assert_int_equal(allowed, 9);
    struct portcam_limits_row pad = {.pad = {0, 0, 0, 1}};
    assert_int_equal(pc_tables_check(t, PORTCAM_TABLE_LIMITS, 0, &pad), S(BAD_ROW));
}

/* Tokens go by reason, and come back with time; a packet without one is dropped. */
static void buckets(void **state)
{
    (void)state;
    put_punts(PORTCAM_PUNT_REASONS, 100, 2);
    set(REG(PUNT_HEAD), 0);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_int_equal(send_fragment(), R(PUNT_LIMITED));
    assert_true(Last.drop);
    assert_false(Last.punt);
    struct frame f = other_frame(136, "192.0.2.7", 5, "198.51.100.1", 80);
    struct portcam_service_row s = stateful_row(9, 0, 136, 0);
    s.flags = PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_KEEPS_PORT;
    put_service(B.d, 1, &s);
    assert_int_equal(pass_frame(B.d, &f, 0), R(OTHER_CHECKSUM)); /* a bucket of its own */
    assert_true(Last.punt);
    Now += 9;
    assert_int_equal(send_fragment(), R(PUNT_LIMITED));
    Now += 1;
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_int_equal(get(REG(PUNT_TAIL)), 4);
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_REASON, R(PUNT_LIMITED)), 2);
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_REASON, R(FRAGMENT)), 3);
    assert_int_equal(get(REG(PUNT_DROPPED)), 0);
    /* A reset fills them. */
    put_punts(PORTCAM_PUNT_REASONS, 0, 1);
    Now += 5000;
    set(REG(PUNT_HEAD), 4);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_int_equal(send_fragment(), R(PUNT_LIMITED));
    pc_card_reset(B.card);
    fill_shop(B.d);
    put_punts(PORTCAM_PUNT_REASONS, 0, 1);
    start_punt();
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_true(Last.punt);
}

static void ring_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ENTRIES; i++)
        assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_int_equal(send_fragment(), R(PUNT_FULL));
    assert_true(Last.drop);
    assert_false(Last.punt);
    assert_int_equal(send_fragment(), R(PUNT_FULL));
    assert_int_equal(get(REG(PUNT_TAIL)), ENTRIES);
    assert_int_equal(get(REG(PUNT_DROPPED)), 2);
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_REASON, R(PUNT_FULL)), 2);
    set(REG(PUNT_HEAD), 1);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_int_equal(send_fragment(), R(PUNT_FULL));
    set(REG(PUNT_HEAD), 100); /* beyond the tail: no room */
    assert_int_equal(send_fragment(), R(PUNT_FULL));
    start_punt();
    assert_int_equal(get(REG(PUNT_DROPPED)), 0);
    assert_int_equal(get(REG(PUNT_TAIL)), 0);
    assert_int_equal(get(REG(PUNT_HEAD)), 0);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_int_equal(entry(0)->lap, 1);
}

static void interrupt(void **state)
{
    (void)state;
    unsigned *irqs = &B.irqs[PORTCAM_VECTOR_PUNTS];
    send_fragment();
    assert_int_equal(*irqs, 0);
    set(REG(PUNT_ARM), 0);
    assert_int_equal(*irqs, 1); /* at once */
    set(REG(PUNT_ARM), 2);
    send_fragment();
    assert_int_equal(*irqs, 1);
    send_fragment();
    assert_int_equal(*irqs, 2);
    send_fragment();
    assert_int_equal(*irqs, 2); /* once */
    set(REG(PUNT_ARM), 4);
    start_punt(); /* disarms */
    for (unsigned i = 0; i < 4; i++)
        send_fragment();
    set(REG(PUNT_HEAD), 4);
    send_fragment();
    assert_int_equal(*irqs, 2);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], 0);
}

static void bad_rings(void **state)
{
    (void)state;
    static const struct {
        uint32_t log2, base;
    } bad[] = {{1, PUNT}, {13, PUNT}, {255, PUNT}, {2, PUNT + 64}, {2, PUNT + 2048}};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        for (unsigned page = 0; page < 2; page++) {
            unsigned errors = B.irqs[PORTCAM_VECTOR_ERRORS];
            uint32_t at = page ? REG(INJECT_BASE_LO) : REG(PUNT_BASE_LO);
            uint32_t control = at + 12, status = at + 16;
            set(control, 0);
            set(at, bad[i].base);
            set(at + 8, bad[i].log2);
            set(control, 1);
            status_is(status, false, S(BAD_RING));
            assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], errors + 1);
            assert_int_equal(send_fragment(), R(FRAGMENT));
            assert_false(Last.punt);
            set(control, 1); /* no edge */
            status_is(status, false, S(BAD_RING));
            set(control, 0);
            set(at, page ? INJECT : PUNT);
            set(at + 8, 12);
            set(control, 1);
            status_is(status, true, 0);
            set(control, 0);
            status_is(status, false, 0);
        }
}

static void punt_dma_error(void **state)
{
    (void)state;
    send_fragment();
    B.refuse = PUNT + PORTCAM_PUNT_ENTRY;
    B.refuse_len = 1;
    assert_int_equal(send_fragment(), R(FRAGMENT)); /* counted, and lost */
    status_is(REG(PUNT_STATUS), false, S(DMA_WRITE_ERROR));
    assert_int_equal(get(REG(ERROR_ADDR_LO)), PUNT + PORTCAM_PUNT_ENTRY);
    assert_int_equal(get(REG(ERROR_COUNT)), 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], 1);
    assert_int_equal(get(REG(PUNT_TAIL)), 1);
    assert_int_equal(send_fragment(), R(FRAGMENT));
    assert_false(Last.punt);
    status_is(REG(INJECT_STATUS), true, 0); /* the others go on */
    assert_int_equal(get(REG(STATUS)) & PORTCAM_STATUS_RING_ERROR, 0);
    B.refuse_len = 0;
    start_punt();
    status_is(REG(PUNT_STATUS), true, 0);
    send_fragment();
    assert_int_equal(get(REG(PUNT_TAIL)), 1);
}

/* Policy full = punt: a reason of its own, dropped unless it is punted; the embryonic limit drops. */
static void table_full(void **state)
{
    (void)state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    struct portcam_limits_row l = {.embryonic = 1,
                                   .punt_rate = 1000,
                                   .punt_burst = 1000,
                                   .punt_reasons = PORTCAM_PUNT_REASONS};
    s.full = PORTCAM_FULL_PUNT;
    put_service(B.d, 0, &s);
    put_row(B.d, PORTCAM_TABLE_LIMITS, 0, &l);
    assert_int_equal(client_sends(B.d, 1, SYN, 1), R(CONNECTION_NEW));
    assert_int_equal(client_sends(B.d, 2, SYN, 1), R(EMBRYONIC_FULL));
    assert_false(Last.punt);
    l.embryonic = 0;
    put_row(B.d, PORTCAM_TABLE_LIMITS, 0, &l);
    unsigned n = 2;
    while (client_sends(B.d, n, SYN, 1) == R(CONNECTION_NEW))
        assert_in_range(++n, 2, 100);
    assert_int_equal(Last.reason, R(TABLE_FULL_PUNT));
    assert_true(Last.punt);
    assert_int_equal(entry(0)->service, 1);
    assert_int_equal(entry(0)->egress, 1);
    assert_int_equal(entry(0)->reason, R(TABLE_FULL_PUNT));
    l.punt_reasons = BIT(TABLE_FULL);
    put_row(B.d, PORTCAM_TABLE_LIMITS, 0, &l);
    assert_int_equal(client_sends(B.d, n, SYN, 1), R(TABLE_FULL_PUNT));
    assert_true(Last.drop);
    assert_false(Last.punt);
    s.full = PORTCAM_FULL_DROP;
    put_service(B.d, 0, &s);
    assert_int_equal(client_sends(B.d, n, SYN, 1), R(TABLE_FULL));
    assert_true(Last.punt);
}

static void explained(void **state)
{
    (void)state;
    struct frame f = fragment(10);
    struct pc_parsed p;
    struct pc_decision v;
    put_punts(BIT(FRAGMENT), 0, 0);
    pc_device_explain(B.d, f.b, f.len, 0, &p, &v);
    assert_int_equal(v.reason, R(FRAGMENT));
    assert_true(v.punt);
    assert_int_equal(get(REG(PUNT_TAIL)), 0);
    set(REG(PUNT_CONTROL), 0);
    pc_device_explain(B.d, f.b, f.len, 0, &p, &v);
    assert_false(v.punt);
}

/* ---- inject ---- */

static void reset(void **state)
{
    (void)state;
    send_fragment();
    pc_card_reset(B.card);
    static const uint32_t pages[] = {REG(PUNT_BASE_LO), REG(INJECT_BASE_LO)};
    for (unsigned page = 0; page < 2; page++)
        for (uint32_t at = 0; at < 0x100; at += 4)
            assert_int_equal(get(pages[page] + at), 0);
    assert_int_equal(get(REG(CAPS)) & PORTCAM_CAPS_PUNT, PORTCAM_CAPS_PUNT);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("punt: header and frame, byte by byte, around the ring", header_and_frame),
        TEST("punt: numbers in the header", header_numbers),
        TEST("punt: only reasons of the mask, and while the ring runs", when),
        TEST("punt: which reasons may stand in the mask", mask),
        TEST("punt: limited for each reason", buckets),
        TEST("punt: a full ring drops and counts", ring_full),
        TEST("punt: vector 2, once, when armed", interrupt),
        TEST("punt, inject: size and alignment of the rings", bad_rings),
        TEST("punt: a DMA error stops this ring only", punt_dma_error),
        TEST("P8 policy full punt", table_full),
        TEST("punt: explained, without the limit", explained),
        TEST("punt, inject: reset", reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
