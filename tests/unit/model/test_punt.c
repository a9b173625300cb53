// SPDX-License-Identifier: Apache-2.0
/* The punt and the inject ring: docs/pipeline.md section 9. Host memory is an array; what the host can do wrong must end in
 * a register, and the card goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "card.h"
#include "stateful_world.h"

#define S(name) PORTCAM_STATUS_##name
#define REG(name) PORTCAM_REG_##name
#define BIT(name) (1ull << R(name))

enum {
    LOG2 = 2,
    ENTRIES = 1 << LOG2,
    PUNT = 0x10000,
    INJECT = 0x30000,
    FRAMES = 0x40000,
    MEMORY = 0x80000
};

static struct bench {
    struct pc_card *card;
    struct pc_device *d;
    uint8_t memory[MEMORY];
    uint64_t refuse, refuse_len;
    unsigned irqs[PORTCAM_BUILD_VECTORS];
    unsigned writes;
    uint64_t last_write; /* address */
    struct {
        unsigned function;
        size_t len;
        uint8_t bytes[PORTCAM_BUILD_MAX_FRAME];
    } out[8]; /* injected frames that left */
    unsigned outs;
    uint32_t doorbell;
} B;

static bool refused(uint64_t iova, size_t len)
{
    return iova > MEMORY || len > MEMORY - iova ||
           (iova < B.refuse + B.refuse_len && iova + len > B.refuse);
}

static int dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    (void)ctx;
    if (refused(iova, len))
        return -1;
    memcpy(dst, B.memory + iova, len);
    return 0;
}

static int dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    (void)ctx;
    if (refused(iova, len))
        return -1;
    memcpy(B.memory + iova, src, len);
    B.writes++;
    B.last_write = iova;
    return 0;
}

static void irq(void *ctx, unsigned vector)
{
    (void)ctx;
    assert_in_range(vector, 0, PORTCAM_BUILD_VECTORS - 1);
    B.irqs[vector]++;
}

static void frame_out(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    (void)ctx;
    assert_in_range(B.outs, 0, 7);
    B.out[B.outs].function = function;
    B.out[B.outs].len = len;
    memcpy(B.out[B.outs++].bytes, frame, len);
}

static uint32_t get(uint32_t offset)
{
    return pc_card_reg_read(B.card, offset);
}

static void set(uint32_t offset, uint32_t value)
{
    pc_card_reg_write(B.card, offset, value);
}

static void put_punts(uint64_t reasons, unsigned rate, unsigned burst)
{
    struct portcam_limits_row l = {.punt_rate = (uint16_t)rate,
                                   .punt_burst = (uint16_t)burst,
                                   .reject_rate = 65535,
                                   .reject_burst = 65535,
                                   .punt_reasons = reasons};
    put_row(B.d, PORTCAM_TABLE_LIMITS, 0, &l);
}

static void start_punt(void)
{
    set(REG(PUNT_BASE_LO), PUNT);
    set(REG(PUNT_SIZE), LOG2);
    set(REG(PUNT_CONTROL), 0);
    set(REG(PUNT_CONTROL), 1);
}

static void start_inject(void)
{
    set(REG(INJECT_BASE_LO), INJECT);
    set(REG(INJECT_SIZE), LOG2);
    set(REG(INJECT_CONTROL), 0);
    set(REG(INJECT_CONTROL), 1);
    B.doorbell = 0;
}

static int setup(void **state)
{
    static const struct pc_card_host host = {
        .dma_read = dma_read, .dma_write = dma_write, .irq = irq, .frame = frame_out};
    struct pc_sizes sizes = pc_sizes_default();
    sizes.connection_rows = sizes.connection_rows_v6 = 16;
    sizes.connection_stash = 2;
    memset(&B, 0, sizeof(B));
    B.card = pc_card_new_sized(&host, &sizes);
    if (!B.card)
        return -1;
    *state = B.d = pc_card_device(B.card);
    fill_shop(B.d);
    put_punts(PORTCAM_PUNT_REASONS, 65535, 65535);
    start_punt();
    start_inject();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pc_card_free(B.card);
    return 0;
}

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

static void status_is(uint32_t offset, bool running, unsigned reason)
{
    uint32_t want = running ? PORTCAM_PUNT_STATUS_RUNNING : 0;
    if (reason)
        want |= PORTCAM_PUNT_STATUS_ERROR | reason << PORTCAM_PUNT_STATUS_REASON_SHIFT;
    assert_int_equal(get(offset), want);
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

static void put_descriptor(unsigned index, const struct portcam_inject_descriptor *d)
{
    memcpy(B.memory + INJECT + index % ENTRIES * sizeof(*d), d, sizeof(*d));
}

/* One more descriptor of a frame that begins with its index. */
static void inject(unsigned egress, unsigned len)
{
    struct portcam_inject_descriptor d = {.address = FRAMES + 0x4000 * (B.doorbell % ENTRIES),
                                          .len = (uint16_t)len,
                                          .egress = (uint8_t)egress,
                                          .cookie = 0x12345678};
    memset(B.memory + d.address, 0x40 + (int)B.doorbell, PORTCAM_BUILD_MAX_FRAME);
    put_descriptor(B.doorbell++, &d);
}

static void injected_frames(void **state)
{
    (void)state;
    static const unsigned lens[] = {1, 60, 64, 65, 1514, PORTCAM_BUILD_MAX_FRAME};
    for (unsigned i = 0; i < 6; i++) {
        inject(i * 3, lens[i]);
        set(REG(INJECT_DOORBELL), B.doorbell);
        assert_int_equal(get(REG(INJECT_HEAD)), i + 1);
        assert_int_equal(B.outs, i + 1);
        assert_int_equal(B.out[i].function, i * 3);
        assert_int_equal(B.out[i].len, lens[i]);
        for (unsigned k = 0; k < lens[i]; k++)
            assert_int_equal(B.out[i].bytes[k], 0x40 + i);
        struct portcam_counter_row c =
            pc_device_counter(B.d, PORTCAM_COUNTER_TABLE_FUNCTION_TX, i * 3);
        assert_int_equal(c.packets, 1);
        assert_int_equal(c.octets, lens[i]);
    }
    for (unsigned reason = 0; reason < PORTCAM_REASON_ROWS; reason++)
        assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_REASON, reason), 0);
    assert_int_equal(packets(B.d, PORTCAM_COUNTER_TABLE_FUNCTION_RX, 0), 0);
    assert_int_equal(get(REG(INJECT_REFUSED)), 0);
}

/* A bad descriptor is skipped and counted; those around it leave in order. */
static void refused_descriptors(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 7; kind++) {
        struct portcam_inject_descriptor d = {.address = FRAMES, .len = 64};
        switch (kind) {
        case 0:
            d.len = 0;
            break;
        case 1:
            d.len = PORTCAM_BUILD_MAX_FRAME + 1;
            break;
        case 2:
            d.len = 0xffff;
            break;
        case 3:
            d.egress = 16;
            break;
        case 4:
            d.address += 32;
            break;
        case 5:
            d.pad = 1;
            break;
        default:
            d.reserved[47] = 1;
            break;
        }
        B.outs = 0;
        inject(1, 100);
        put_descriptor(B.doorbell++, &d);
        inject(2, 101);
        set(REG(INJECT_DOORBELL), B.doorbell);
        assert_int_equal(get(REG(INJECT_HEAD)), 3 * kind + 3);
        assert_int_equal(get(REG(INJECT_REFUSED)), kind + 1);
        assert_int_equal(B.outs, 2);
        assert_int_equal(B.out[0].len, 100);
        assert_int_equal(B.out[1].len, 101);
    }
    status_is(REG(INJECT_STATUS), true, 0);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], 0);
    start_inject();
    assert_int_equal(get(REG(INJECT_REFUSED)), 0);
    assert_int_equal(get(REG(INJECT_HEAD)), 0);
}

static void inject_doorbell(void **state)
{
    (void)state;
    set(REG(INJECT_DOORBELL), ENTRIES + 1);
    status_is(REG(INJECT_STATUS), false, S(BAD_DOORBELL));
    assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], 1);
    assert_int_equal(B.outs, 0);
    status_is(REG(PUNT_STATUS), true, 0);
    start_inject();
    status_is(REG(INJECT_STATUS), true, 0);
    for (unsigned i = 0; i < ENTRIES; i++)
        inject(1, 64);
    set(REG(INJECT_CONTROL), 0);
    set(REG(INJECT_DOORBELL), B.doorbell);
    assert_int_equal(B.outs, 0); /* it does not run */
    set(REG(INJECT_CONTROL), 1);
    assert_int_equal(get(REG(INJECT_DOORBELL)), 0);
    set(REG(INJECT_DOORBELL), ENTRIES);
    assert_int_equal(B.outs, ENTRIES);
}

static void inject_dma_error(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        B.outs = 0;
        inject(1, 64);
        inject(1, 65);
        inject(1, 66);
        B.refuse = kind ? FRAMES + 0x4000 + 64 : INJECT + 64;
        B.refuse_len = 1;
        set(REG(INJECT_DOORBELL), B.doorbell);
        status_is(REG(INJECT_STATUS), false, S(DMA_READ_ERROR));
        assert_int_equal(get(REG(INJECT_HEAD)), 1);
        assert_int_equal(B.outs, 1); /* not a part of the second */
        assert_int_equal(get(REG(ERROR_ADDR_LO)), kind ? FRAMES + 0x4000 : INJECT + 64);
        assert_int_equal(get(REG(ERROR_COUNT)), kind + 1);
        assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], kind + 1);
        status_is(REG(PUNT_STATUS), true, 0);
        B.refuse_len = 0;
        start_inject();
    }
    inject(1, 64);
    set(REG(INJECT_DOORBELL), B.doorbell);
    assert_int_equal(B.outs, 2);
}

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
        TEST("inject: frames leave unchanged, in order, counted once", injected_frames),
        TEST("inject: bad descriptors are skipped and counted", refused_descriptors),
        TEST("inject: a doorbell too far ahead stops the ring", inject_doorbell),
        TEST("inject: a DMA error stops this ring only, nothing in part", inject_dma_error),
        TEST("punt, inject: reset", reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
