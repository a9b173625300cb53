// SPDX-License-Identifier: Apache-2.0
/* Samples of packets: docs/pipeline.md section 10. Host memory is an array that can refuse. */
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
#define REG(name) PORTCAM_REG_TRACE_##name
#define FILTER(name) PORTCAM_TRACE_FILTER_##name
#define FLAG(name) PORTCAM_TRACE_HEADER_##name

enum { LOG2 = 2, ENTRIES = 1 << LOG2, RING = 0x1000, MEMORY = 0x8000 };

static struct bench {
    struct pc_card *card;
    struct pc_device *d;
    uint8_t memory[MEMORY];
    uint64_t refuse; /* an entry that cannot be written */
    uint64_t last_write;
    unsigned errors; /* of vector errors */
} B;

static int dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    (void)ctx, (void)iova, (void)dst, (void)len;
    return -1;
}

static int dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    (void)ctx;
    if (iova > MEMORY || len > MEMORY - iova || (B.refuse && iova / 256 == B.refuse / 256))
        return -1;
    memcpy(B.memory + iova, src, len);
    B.last_write = iova;
    return 0;
}

static void irq(void *ctx, unsigned vector)
{
    (void)ctx;
    B.errors += vector == PORTCAM_VECTOR_ERRORS;
}

static uint32_t get(uint32_t offset)
{
    return pc_card_reg_read(B.card, offset);
}

static void set(uint32_t offset, uint32_t value)
{
    pc_card_reg_write(B.card, offset, value);
}

/* Off, all registers to their widest; each test narrows them and says on(). */
static void wide(void)
{
    set(REG(CONTROL), 0);
    set(REG(BASE_LO), RING);
    set(REG(SIZE), LOG2);
    for (uint32_t at = REG(EVERY); at <= REG(PORT_MASKS); at += 4)
        set(at, 0);
    set(REG(REASONS_LO), UINT32_MAX);
    set(REG(REASONS_HI), UINT32_MAX);
    set(REG(RATE), 65535);
    set(REG(BURST), 65535);
}

static void on(void)
{
    set(REG(CONTROL), 1);
}

static int setup(void **state)
{
    static const struct pc_card_host host = {
        .dma_read = dma_read, .dma_write = dma_write, .irq = irq};
    struct pc_sizes sizes = pc_sizes_default();
    sizes.connection_rows = sizes.connection_rows_v6 = 16;
    sizes.connection_stash = 2;
    memset(&B, 0, sizeof(B));
    B.card = pc_card_new_sized(&host, &sizes);
    if (!B.card)
        return -1;
    *state = B.d = pc_card_device(B.card);
    fill_shop(B.d);
    wide();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pc_card_free(B.card);
    return 0;
}

static const struct portcam_trace_header *entry(unsigned index)
{
    return (const void *)(B.memory + RING + index % ENTRIES * PORTCAM_TRACE_ENTRY);
}

static void status_is(bool running, unsigned reason)
{
    uint32_t want = running ? PORTCAM_TRACE_STATUS_RUNNING : 0;
    if (reason)
        want |= PORTCAM_TRACE_STATUS_ERROR | reason << PORTCAM_TRACE_STATUS_REASON_SHIFT;
    assert_int_equal(get(REG(STATUS)), want);
}

/* Does a filter, as it is set, let the frame through? The ring is emptied. */
static bool passes(struct frame f, unsigned ingress)
{
    set(REG(CONTROL), 0);
    on();
    pass_frame(B.d, &f, ingress);
    assert_int_equal(get(REG(MATCHED)), get(REG(TAIL)));
    return get(REG(TAIL)) == 1;
}

static void put_ip(uint32_t offset, const char *ip)
{
    uint8_t bytes[16] = {0};
    uint32_t words[4];
    ip_bytes(ip, bytes);
    memcpy(words, bytes, sizeof(words));
    for (unsigned i = 0; i < 4; i++)
        set(offset + 4 * i, words[i]);
}

static struct frame plain(const char *src, unsigned sport, const char *dst, unsigned dport)
{
    return tcp_frame(src, sport, dst, dport, ACK, 1);
}

/* ---- what is told ---- */

static void header_and_window(void **state)
{
    (void)state;
    on();
    for (unsigned i = 0; i < 10; i++) {
        static const uint8_t data[400] = {1, 2, 3};
        struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 1},
                               .src = "192.0.2.7",
                               .dst = "203.0.113.1",
                               .protocol = UDP,
                               .sport = 5,
                               .dport = 6,
                               .payload = data,
                               .payload_len = 8 * i * i};
        struct frame f = build_frame(&s), before = f;
        uint8_t window[128] = {0};
        memcpy(window, before.b, before.len < 128 ? before.len : 128);
        memset(B.memory + RING, 0xee, ENTRIES * PORTCAM_TRACE_ENTRY);
        Now = 5000 + i;
        assert_int_equal(pass_frame(B.d, &f, 0), R(NO_MATCH));
        assert_int_equal(get(REG(TAIL)), i + 1);
        const struct portcam_trace_header *h = entry(i);
        assert_int_equal(h->reason, R(NO_MATCH));
        assert_int_equal(h->ingress, 0);
        assert_int_equal(h->len, before.len);
        assert_int_equal(h->time_ms, 5000 + i);
        assert_int_equal(h->domain, 0xffff);
        assert_int_equal(h->address, 0xffff);
        assert_int_equal(h->service, 0xffff);
        assert_int_equal(h->backend, 0xffff);
        assert_int_equal(h->connection, 0xffffffff);
        assert_int_equal(h->egress, 1);
        assert_int_equal(h->flags | h->pad, 0);
        for (unsigned k = 0; k < sizeof(h->reserved); k++)
            assert_int_equal(h->reserved[k], 0);
        assert_int_equal(h->lap, i / ENTRIES + 1);
        assert_memory_equal(h + 1, window, sizeof(window));
        for (unsigned k = 192; k < 256; k++)
            assert_int_equal(((const uint8_t *)h)[k], 0xee);
        assert_ptr_equal(B.memory + B.last_write, h); /* the header behind the window */
        set(REG(HEAD), i + 1);
    }
}

/* A connection: what was found and made, the frame as it was before it was rewritten. */
static void rows_and_flags(void **state)
{
    (void)state;
    on();
    struct frame f = tcp_frame("192.0.2.1", 40000, "198.51.100.1", 80, SYN, 1), before = f;
    assert_int_equal(pass_frame(B.d, &f, 0), R(CONNECTION_NEW));
    const struct portcam_trace_header *h = entry(0);
    assert_int_equal(h->flags, FLAG(BEGAN));
    assert_int_equal(h->domain, 0);
    assert_int_equal(h->address, 0);
    assert_int_equal(h->service, 1);
    assert_int_equal(h->backend, Last.backend);
    assert_int_equal(h->connection, Last.record);
    assert_int_equal(h->egress, 1);
    assert_memory_equal(h + 1, before.b, before.len);
    assert_memory_not_equal(f.b, before.b, before.len);
    assert_int_equal(server_sends(B.d, h->backend, 1, SYN_ACK), R(CONNECTION_REVERSE));
    assert_int_equal(entry(1)->flags, FLAG(REPLY));
    assert_int_equal(entry(1)->connection, h->connection);
    assert_int_equal(entry(1)->backend, h->backend);
    assert_int_equal(entry(1)->egress, 0);
    put_domain(B.d, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS);
    assert_int_equal(client_sends(B.d, 1, ACK, 2), R(PAUSED_DROP));
    assert_int_equal(entry(2)->flags, FLAG(DROPPED));
    assert_int_equal(entry(2)->egress, 0xff);
    assert_int_equal(entry(2)->connection, 0xffffffff); /* the records were not asked */
    assert_int_equal(entry(2)->service, 1);
    assert_int_equal(entry(2)->backend, 0xffff);
}

static void punted(void **state)
{
    (void)state;
    struct portcam_limits_row l = {
        .punt_rate = 1, .punt_burst = 1, .punt_reasons = 1ull << R(FRAGMENT)};
    put_row(B.d, PORTCAM_TABLE_LIMITS, 0, &l);
    set(PORTCAM_REG_PUNT_BASE_LO, 0x4000);
    set(PORTCAM_REG_PUNT_SIZE, 2);
    set(PORTCAM_REG_PUNT_CONTROL, 1);
    on();
    struct frame f = plain("192.0.2.1", 1, "203.0.113.1", 2);
    f.b[f.l3 + 6] = 0x20; /* MF */
    B.refuse = 0x4000;    /* what becomes of it there does not matter */
    struct frame again = f;
    pass_frame(B.d, &f, 0);
    assert_true(Last.punt);
    assert_int_equal(entry(0)->reason, R(FRAGMENT));
    assert_int_equal(entry(0)->flags, FLAG(PUNTED));
    assert_int_equal(entry(0)->egress, 0xff);
    set(PORTCAM_REG_PUNT_CONTROL, 0);
    set(PORTCAM_REG_PUNT_CONTROL, 1);
    pass_frame(B.d, &again, 0);
    assert_int_equal(entry(1)->reason, R(PUNT_LIMITED)); /* the reason that is counted */
    assert_int_equal(entry(1)->flags, FLAG(DROPPED));
}

/* ---- filter ---- */

static void by_addresses(void **state)
{
    (void)state;
    struct frame there = plain("192.0.2.7", 1000, "203.0.113.9", 80);
    struct frame back = plain("203.0.113.9", 80, "192.0.2.7", 1000);
    put_ip(REG(SRC_IP_0), "192.0.2.99");
    put_ip(REG(SRC_MASK_0), "255.255.255.0");
    assert_true(passes(there, 0));
    assert_false(passes(back, 0));
    wide();
    put_ip(REG(DST_IP_0), "192.0.2.7");
    put_ip(REG(DST_MASK_0), "255.255.255.255");
    assert_false(passes(there, 0));
    assert_true(passes(back, 0));
    set(REG(CONTROL), 0);
    set(REG(FILTER), FILTER(BOTH));
    assert_true(passes(there, 0));
    set(REG(CONTROL), 0);
    put_ip(REG(SRC_IP_0), "203.0.113.8"); /* both ends have to */
    put_ip(REG(SRC_MASK_0), "255.255.255.255");
    assert_false(passes(there, 0));
    assert_false(passes(back, 0));
    wide();
    put_ip(REG(SRC_IP_0), "2001:db8::7");
    put_ip(REG(SRC_MASK_0), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
    assert_true(passes(plain("2001:db8::6", 1, "2001:db9::1", 2), 0));
    assert_false(passes(plain("2001:db8::8", 1, "2001:db9::1", 2), 0));
    assert_false(passes(there, 0));
}

static void by_ports(void **state)
{
    (void)state;
    struct frame there = plain("192.0.2.7", 1000, "203.0.113.9", 80);
    struct frame back = plain("203.0.113.9", 80, "192.0.2.7", 1000);
    set(REG(PORTS), 80u << 16);
    set(REG(PORT_MASKS), 0xffffu << 16);
    assert_true(passes(there, 0));
    assert_false(passes(back, 0));
    set(REG(CONTROL), 0);
    set(REG(FILTER), FILTER(BOTH));
    assert_true(passes(back, 0));
    wide();
    set(REG(PORTS), 1001);
    set(REG(PORT_MASKS), 0xfffc); /* 1000 to 1003 */
    assert_true(passes(there, 0));
    assert_false(passes(back, 0));
    wide();
    set(REG(PORT_MASKS), 0xffff); /* source port 0 */
    assert_false(passes(there, 0));
    assert_true(passes(other_frame(47, "192.0.2.7", 0, "203.0.113.9", 0), 0));
}

static void by_the_rest(void **state)
{
    (void)state;
    struct frame v4 = plain("192.0.2.7", 1, "203.0.113.9", 2);
    struct frame v6 = plain("2001:db8::6", 1, "2001:db9::1", 2);
    set(REG(FILTER), FILTER(BY_VERSION));
    assert_true(passes(v4, 0));
    assert_false(passes(v6, 0));
    set(REG(CONTROL), 0);
    set(REG(FILTER), FILTER(BY_VERSION) | FILTER(IPV6));
    assert_false(passes(v4, 0));
    assert_true(passes(v6, 0));
    set(REG(CONTROL), 0);
    set(REG(FILTER), FILTER(BY_PROTOCOL) | UDP | FILTER(IPV6));
    assert_false(passes(v4, 0));
    assert_true(passes(other_frame(UDP, "192.0.2.7", 1, "203.0.113.9", 2), 0));
    set(REG(CONTROL), 0);
    set(REG(FILTER), FILTER(BY_INGRESS) | 2u << PORTCAM_TRACE_FILTER_INGRESS_SHIFT);
    assert_false(passes(v4, 0));
    assert_true(passes(v4, 2));
    set(REG(CONTROL), 0);
    set(REG(FILTER), UINT32_MAX);
    assert_int_equal(get(REG(FILTER)), 0x1fffff); /* bits that there are */
}

/* What section 1 could not read matches only where nothing is asked of it. */
static void unknown_fields(void **state)
{
    (void)state;
    struct frame f = plain("192.0.2.7", 1000, "203.0.113.9", 80), arp = f, cut = f, part = f;
    arp.b[12] = 8, arp.b[13] = 6;
    cut.b[f.l3 + 2] = 0xff; /* total length beyond the frame */
    part.b[f.l3 + 6] = 0x20;
    put_ip(REG(SRC_IP_0), "192.0.2.7");
    put_ip(REG(SRC_MASK_0), "255.255.255.255");
    assert_true(passes(f, 0));
    assert_false(passes(arp, 0));
    assert_false(passes(cut, 0));
    assert_int_equal(Last.reason, R(UNPARSED_LENGTH));
    assert_true(passes(part, 0));
    assert_int_equal(Last.reason, R(FRAGMENT));
    set(REG(CONTROL), 0);
    set(REG(FILTER), FILTER(BY_PROTOCOL) | TCP);
    assert_true(passes(f, 0));
    assert_false(passes(part, 0));
    wide();
    set(REG(PORTS), 1000);
    set(REG(PORT_MASKS), 0xffff);
    assert_true(passes(f, 0));
    assert_false(passes(part, 0));
    wide();
    set(REG(PORT_MASKS), 0xffff); /* nor is it port 0 */
    assert_false(passes(part, 0));
    wide();
    assert_true(passes(arp, 0));
    assert_true(passes(cut, 0));
    set(REG(CONTROL), 0);
    set(REG(FILTER), FILTER(BY_VERSION));
    assert_false(passes(arp, 0));
    assert_true(passes(part, 0));
}

static void by_reason(void **state)
{
    (void)state;
    set(REG(REASONS_LO), 0);
    set(REG(REASONS_HI), 0);
    assert_false(passes(plain("192.0.2.7", 1, "203.0.113.9", 2), 0));
    set(REG(CONTROL), 0);
    set(REG(REASONS_LO), 1u << R(NO_MATCH));
    assert_true(passes(plain("192.0.2.7", 1, "203.0.113.9", 2), 0));
    assert_false(passes(tcp_frame("192.0.2.1", 1, "198.51.100.1", 80, SYN, 1), 0));
    set(REG(CONTROL), 0);
    set(REG(REASONS_LO), 1u << R(CONNECTION_NEW));
    assert_true(passes(tcp_frame("192.0.2.2", 1, "198.51.100.1", 80, SYN, 1), 0));
    set(REG(CONTROL), 0);
    set(REG(REASONS_LO), 0);
    set(REG(REASONS_HI), 1u << (R(NO_RECORD_PASS) - 32));
    set(REG(CONTROL), 1);
    assert_false(passes(tcp_frame("192.0.2.2", 1, "198.51.100.1", 80, SYN, 1), 0));
}

/* ---- how many ---- */

static void send_some(unsigned n)
{
    while (n--) {
        struct frame f = plain("192.0.2.7", 1, "203.0.113.9", 2);
        pass_frame(B.d, &f, 0);
    }
}

static void counts_are(unsigned tail, unsigned matched, unsigned limited, unsigned lost)
{
    assert_int_equal(get(REG(TAIL)), tail);
    assert_int_equal(get(REG(MATCHED)), matched);
    assert_int_equal(get(REG(LIMITED)), limited);
    assert_int_equal(get(REG(LOST)), lost);
}

static void every(void **state)
{
    (void)state;
    set(REG(EVERY), 3);
    on();
    send_some(1);
    counts_are(1, 1, 0, 0);
    send_some(2);
    counts_are(1, 3, 0, 0);
    send_some(1);
    counts_are(2, 4, 0, 0);
    set(REG(CONTROL), 0); /* the next run begins with one */
    on();
    send_some(1);
    counts_are(1, 1, 0, 0);
}

static void limited(void **state)
{
    (void)state;
    set(REG(RATE), 100);
    set(REG(BURST), 2);
    set(REG(EVERY), 2);
    on();
    send_some(6);
    counts_are(2, 6, 1, 0);
    Now += 9;
    send_some(2);
    counts_are(2, 8, 2, 0);
    Now += 1;
    send_some(2);
    counts_are(3, 10, 2, 0);
    set(REG(CONTROL), 0); /* full again */
    on();
    send_some(4);
    counts_are(2, 4, 0, 0);
}

static void ring_full(void **state)
{
    (void)state;
    on();
    send_some(ENTRIES + 2);
    counts_are(ENTRIES, ENTRIES + 2, 0, 2);
    set(REG(HEAD), 1);
    send_some(2);
    counts_are(ENTRIES + 1, ENTRIES + 4, 0, 3);
    set(REG(HEAD), 100); /* beyond the tail: no room */
    send_some(1);
    counts_are(ENTRIES + 1, ENTRIES + 5, 0, 4);
    set(REG(CONTROL), 0);
    on();
    assert_int_equal(get(REG(HEAD)), 0);
    counts_are(0, 0, 0, 0);
    send_some(1);
    assert_int_equal(entry(0)->lap, 1);
}

/* ---- the ring ---- */

static void registers_are_held(void **state)
{
    (void)state;
    on();
    for (uint32_t at = REG(BASE_LO); at <= REG(PORT_MASKS); at += 4) {
        uint32_t was = get(at);
        if (at != REG(CONTROL) && at != REG(HEAD)) {
            set(at, ~was);
            assert_int_equal(get(at), was);
        }
    }
    send_some(1);
    counts_are(1, 1, 0, 0);
}

static void bad_rings(void **state)
{
    (void)state;
    static const struct {
        uint32_t log2, base;
    } bad[] = {{1, RING}, {13, RING}, {255, RING}, {2, RING + 64}, {2, RING + 2048}};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        wide();
        set(REG(BASE_LO), bad[i].base);
        set(REG(SIZE), bad[i].log2);
        on();
        status_is(false, S(BAD_RING));
        assert_int_equal(B.errors, i + 1);
        send_some(1);
        counts_are(0, 0, 0, 0);
    }
    wide();
    on();
    status_is(true, 0);
    set(REG(CONTROL), 0);
    status_is(false, 0);
    send_some(1);
    counts_are(0, 0, 0, 0);
}

static void dma_error(void **state)
{
    (void)state;
    on();
    B.refuse = RING + PORTCAM_TRACE_ENTRY;
    send_some(3);
    counts_are(1, 2, 0, 0);
    status_is(false, S(DMA_WRITE_ERROR));
    assert_int_equal(B.errors, 1);
    assert_int_equal(get(PORTCAM_REG_ERROR_ADDR_LO), B.refuse);
    B.refuse = 0;
    set(REG(CONTROL), 0);
    on();
    send_some(1);
    counts_are(1, 1, 0, 0);
}

static void reset(void **state)
{
    (void)state;
    on();
    send_some(1);
    pc_card_reset(B.card);
    for (uint32_t at = 0; at < 0x100; at += 4)
        assert_int_equal(get(REG(BASE_LO) + at), 0);
    send_some(1);
    assert_int_equal(get(REG(TAIL)), 0);
    assert_int_equal(get(PORTCAM_REG_CAPS) & PORTCAM_CAPS_TRACE, PORTCAM_CAPS_TRACE);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("trace: header and frame, byte by byte, around the ring", header_and_window),
        TEST("trace: rows, record and flags; the frame as it came", rows_and_flags),
        TEST("trace: punted packets, and the reason that counts", punted),
        TEST("trace: filter by addresses, both ways", by_addresses),
        TEST("trace: filter by ports", by_ports),
        TEST("trace: filter by version, protocol, ingress", by_the_rest),
        TEST("trace: what is not known matches only where nothing is asked", unknown_fields),
        TEST("trace: filter by reason", by_reason),
        TEST("trace: each n-th", every),
        TEST("trace: limited", limited),
        TEST("trace: a full ring loses and counts", ring_full),
        TEST("trace: registers keep their value while it runs", registers_are_held),
        TEST("trace: size and alignment of the ring", bad_rings),
        TEST("trace: a DMA error stops this ring only", dma_error),
        TEST("trace: reset", reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
