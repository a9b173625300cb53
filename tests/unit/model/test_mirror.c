// SPDX-License-Identifier: Apache-2.0
/* The mirror of the connection records and the event ring, rule by rule of docs/mirror.md, at the registers of a card with
 * 36 slots. Host memory is 256 KiB from 0 on, without the range that refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "card.h"
#include "crc32c.h"
#include "mirror.h"
#include "stateful_world.h"

#define REG(name) PORTCAM_REG_##name
#define KIND(name) PORTCAM_EVENT_KIND_##name
#define CAUSE(name) PORTCAM_END_CAUSE_##name
#define STATE(name) PORTCAM_CONNECTION_STATE_##name

enum {
    COMMANDS = 0x10000,
    COMPLETIONS = 0x11000,
    DATA = 0x12000,
    MIRROR = 0x20000,
    EVENTS = 0x30000,
    SLOTS = 36,
    STASH = 16 /* its first slot, IPv4 */
};

static struct bench {
    struct pc_card *card;
    struct pc_device *device;
    uint8_t memory[0x40000];
    uint64_t refuse, refuse_len;
    unsigned irqs[PORTCAM_BUILD_VECTORS];
    uint32_t commands;
    uint32_t seen; /* events */
    unsigned log2;
} B;

static int dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    (void)ctx;
    assert_true(iova + len <= sizeof(B.memory));
    memcpy(dst, B.memory + iova, len);
    return 0;
}

static int dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    (void)ctx;
    if (iova + len > sizeof(B.memory) || (iova < B.refuse + B.refuse_len && iova + len > B.refuse))
        return -1;
    memcpy(B.memory + iova, src, len);
    return 0;
}

static void irq(void *ctx, unsigned vector)
{
    (void)ctx;
    assert_in_range(vector, 0, PORTCAM_BUILD_VECTORS - 1);
    B.irqs[vector]++;
}

static uint32_t get(uint32_t offset)
{
    return pc_card_reg_read(B.card, offset);
}

static void set(uint32_t offset, uint32_t value)
{
    pc_card_reg_write(B.card, offset, value);
}

static void start(unsigned log2)
{
    B.log2 = log2;
    B.seen = 0;
    set(REG(MIRROR_CONTROL), 0);
    set(REG(MIRROR_BASE_LO), MIRROR);
    set(REG(MIRROR_BASE_HI), 0);
    set(REG(EVENT_BASE_LO), EVENTS);
    set(REG(EVENT_BASE_HI), 0);
    set(REG(EVENT_SIZE), log2);
    set(REG(MIRROR_CONTROL), PORTCAM_MIRROR_CONTROL_ENABLE | PORTCAM_MIRROR_CONTROL_EVENTS);
}

static void start_commands(void)
{
    set(REG(CMD_BASE_LO), COMMANDS);
    set(REG(CPL_BASE_LO), COMPLETIONS);
    set(REG(CMD_SIZE), 6);
    set(REG(CMD_CONTROL), 0);
    set(REG(CMD_CONTROL), 1);
    B.commands = 0;
}

static int setup(void **state)
{
    static const struct pc_card_host host = {
        .dma_read = dma_read, .dma_write = dma_write, .irq = irq};
    struct pc_sizes sizes = pc_sizes_default();
    sizes.connection_rows = sizes.connection_rows_v6 = 16;
    sizes.connection_stash = 2;
    (void)state;
    memset(&B, 0, sizeof(B));
    B.card = pc_card_new_sized(&host, &sizes);
    if (!B.card)
        return -1;
    B.device = pc_card_device(B.card);
    fill_shop(B.device);
    start_commands();
    start(8);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pc_card_free(B.card);
    return 0;
}

static struct portcam_completion run(unsigned opcode, uint32_t row, uint32_t count,
                                     uint64_t address)
{
    struct portcam_command c = {.opcode = (uint8_t)opcode, .row = row, .count = count};
    struct portcam_completion cpl;
    memcpy(c.data, &address, 8);
    memcpy(B.memory + COMMANDS + B.commands % 64 * sizeof(c), &c, sizeof(c));
    set(REG(CMD_DOORBELL), ++B.commands);
    memcpy(&cpl, B.memory + COMPLETIONS + (B.commands - 1) % 64 * sizeof(cpl), sizeof(cpl));
    assert_int_equal(cpl.lap, (B.commands - 1) / 64 + 1);
    set(REG(CPL_HEAD), B.commands);
    return cpl;
}

static struct portcam_mirror_record record_at(unsigned slot)
{
    struct portcam_mirror_record r;
    memcpy(&r, B.memory + MIRROR + slot * sizeof(r), sizeof(r));
    assert_int_equal(r.version, r.version2);
    return r;
}

static struct portcam_mirror_end end_at(unsigned slot)
{
    struct portcam_mirror_end e;
    memcpy(&e, B.memory + MIRROR + slot * sizeof(e), sizeof(e));
    assert_int_equal(e.version, e.version2);
    assert_int_equal(e.state, STATE(NONE));
    return e;
}

static struct portcam_event event_at(uint32_t index)
{
    struct portcam_event e;
    memcpy(&e, B.memory + EVENTS + (index & ((1u << B.log2) - 1)) * sizeof(e), sizeof(e));
    assert_int_equal(e.lap, (uint16_t)((index >> B.log2) + 1));
    return e;
}

/* The next event is this one. */
static struct portcam_event expect_event(unsigned kind, unsigned slot, unsigned state)
{
    assert_in_range(B.seen + 1, 1, get(REG(EVENT_TAIL)));
    struct portcam_event e = event_at(B.seen++);
    assert_int_equal(e.kind, kind);
    assert_int_equal(e.slot, slot);
    assert_int_equal(e.state, state);
    set(REG(EVENT_HEAD), B.seen);
    return e;
}

static void expect_no_event(void)
{
    assert_int_equal(get(REG(EVENT_TAIL)), B.seen);
}

static void expect_stopped(unsigned reason)
{
    assert_int_equal(get(REG(MIRROR_STATUS)),
                     PORTCAM_MIRROR_STATUS_ERROR | reason << PORTCAM_MIRROR_STATUS_REASON_SHIFT);
}

/* ---- records and events ---- */

static void life(void **state)
{
    (void)state;
    unsigned server = establish(B.device, 7);
    unsigned slot = (unsigned)Last.record;
    const struct pc_connection *c = record_of(B.device, (int)slot);
    struct portcam_event e = expect_event(KIND(BEGAN), slot, STATE(SYN_SEEN));
    assert_int_equal(e.version, 1);
    assert_int_equal(e.generation, c->generation);
    e = expect_event(KIND(CHANGED), slot, STATE(SYN_ACK_SEEN));
    assert_int_equal(e.version, 2);
    expect_event(KIND(CHANGED), slot, STATE(ESTABLISHED)); /* and no longer embryonic */
    expect_no_event();
    struct portcam_mirror_record r = record_at(slot);
    assert_int_equal(r.version, 3);
    assert_int_equal(get(REG(MIRROR_VERSION)), 3);
    assert_int_equal(r.slot, slot);
    assert_int_equal(r.generation, c->generation);
    assert_int_equal(r.client_port, 40000);
    assert_int_equal(r.public_port, 80);
    assert_memory_equal(r.client_ip, c->key.client.ip, 16);
    assert_int_equal(r.protocol, TCP);
    assert_int_equal(r.flags, 0);
    assert_int_equal(r.state, STATE(ESTABLISHED));
    assert_int_equal(r.service, 1);
    assert_int_equal(r.address, 0);
    assert_int_equal(r.backend, server);
    assert_int_equal(r.endpoint, server);
    assert_int_equal(r.group, 1);
    assert_int_equal(r.created, 1000);
    assert_int_equal(r.last_used, 1000);
    assert_int_equal(r.client_next, 1001);
    /* A packet that changes no state writes nothing. */
    Now = 1005;
    client_sends(B.device, 7, ACK, 1001);
    client_sends(B.device, 7, SYN, 1);
    assert_int_equal(get(REG(MIRROR_VERSION)), 3);
    client_sends(B.device, 7, FIN_ACK, 1001);
    expect_event(KIND(CHANGED), slot, STATE(CLOSING_CLIENT));
    assert_int_equal(record_at(slot).last_used, 1005);
    assert_int_equal(record_at(slot).client_next, 1002);
}

static void flags(void **state)
{
    (void)state;
    struct portcam_service_row any = stateful_row(2, 1, TCP, 0);
    any.flags = PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_KEEPS_PORT;
    any.group = 2;
    put_service(B.device, 1, &any);
    struct frame f = tcp_frame("192.0.2.9", 40000, "198.51.100.2", 81, SYN, 1);
    assert_int_equal(pass_frame(B.device, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(record_at((unsigned)Last.record).flags,
                     PORTCAM_MIRROR_RECORD_EMBRYONIC | PORTCAM_MIRROR_RECORD_KEPT_PORT);
    struct portcam_service_row six = stateful_row(3, 2, TCP, 80);
    put_service(B.device, 2, &six);
    for (unsigned n = 1; n <= 2; n++)
        put_server(B.device, n, n == 1 ? "2001:db8:1::1" : "2001:db8:1::2", 8080, 1, n);
    f = tcp_frame("2001:db8::7", 40000, "2001:db8::1", 80, SYN, 1);
    assert_int_equal(pass_frame(B.device, &f, 0), R(CONNECTION_NEW));
    assert_in_range(Last.record, 18, SLOTS - 1);
    assert_int_equal(record_at((unsigned)Last.record).flags,
                     PORTCAM_MIRROR_RECORD_EMBRYONIC | PORTCAM_MIRROR_RECORD_IS_V6);
}

static void syn_repeats(void **state)
{
    (void)state;
    client_sends(B.device, 7, SYN, 1000);
    unsigned slot = (unsigned)Last.record;
    client_sends(B.device, 7, SYN, 1000);
    assert_int_equal(record_at(slot).syn_repeats, 0);
    server_sends(B.device, (unsigned)Last.backend, 7, SYN_ACK);
    assert_int_equal(record_at(slot).syn_repeats, 1);
}

static void expires(void **state)
{
    (void)state;
    put_timeouts(B.device, 1, 3000);
    unsigned server = establish(B.device, 7);
    unsigned slot = (unsigned)Last.record;
    uint32_t generation = record_of(B.device, (int)slot)->generation;
    Now = 1000 + 2047;
    server_sends(B.device, server, 7, ACK);
    B.seen = get(REG(EVENT_TAIL));
    pc_card_set_time(B.card, 1000 + 2047 + 3000);
    struct portcam_event event = expect_event(KIND(ENDED), slot, STATE(NONE));
    assert_int_equal(event.generation, generation);
    struct portcam_mirror_end e = end_at(slot);
    assert_int_equal(e.cause, CAUSE(EXPIRED));
    assert_int_equal(e.slot, slot);
    assert_int_equal(e.generation, generation);
    assert_int_equal(e.last_state, STATE(ESTABLISHED));
    assert_int_equal(e.flags, 0);
    assert_int_equal(e.protocol, TCP);
    assert_int_equal(e.client_port, 40000);
    assert_int_equal(e.public_port, 80);
    assert_int_equal(e.service, 1);
    assert_int_equal(e.backend, server);
    assert_int_equal(e.forward_packets, 2);
    assert_int_equal(e.reverse_packets, 2);
    assert_int_equal(e.forward_octets, 2 * Frame.len);
    assert_int_equal(e.reverse_octets, 2 * Frame.len);
    assert_int_equal(e.lifetime, 1); /* 2,047 ms */
}

static void high_counters(void **state)
{
    (void)state;
    struct pc_connection r = {.slot = 3, .created = 5, .last_used = 5u + (70000u << 10)};
    r.forward.packets = 0x123456789abc;
    r.reverse.packets = 0xfedc00000001;
    struct portcam_mirror_end e = pc_mirror_end_of(&r, CAUSE(DELETED));
    assert_int_equal(e.forward_packets_high, 0x1234);
    assert_int_equal(e.forward_packets, 0x56789abc);
    assert_int_equal(e.reverse_packets_high, 0xfedc);
    assert_int_equal(e.reverse_packets, 1);
    assert_int_equal(e.lifetime, 65535);
}

static void deleted(void **state)
{
    (void)state;
    client_sends(B.device, 7, SYN, 1000);
    unsigned slot = (unsigned)Last.record;
    uint32_t generation = record_of(B.device, (int)slot)->generation;
    expect_event(KIND(BEGAN), slot, STATE(SYN_SEEN));
    run(PORTCAM_OPCODE_CONNECTION_DELETE, slot, generation + 1, DATA); /* refused */
    expect_no_event();
    assert_int_equal(run(PORTCAM_OPCODE_CONNECTION_DELETE, slot, generation, DATA).status, 0);
    expect_event(KIND(ENDED), slot, STATE(NONE));
    assert_int_equal(end_at(slot).cause, CAUSE(DELETED));
    assert_int_equal(end_at(slot).flags, PORTCAM_MIRROR_END_EMBRYONIC);
    assert_int_equal(end_at(slot).last_state, STATE(SYN_SEEN));
}

/* F.14, keep and replace: the end of the old one, then the new one, in one slot. */
static void port_reuse(void **state)
{
    (void)state;
    for (unsigned accepts = 0; accepts < 2; accepts++) {
        unsigned client = 7 + accepts;
        unsigned server = establish(B.device, client);
        unsigned slot = (unsigned)Last.record;
        client_sends(B.device, client, RST, 1001);
        B.seen = get(REG(EVENT_TAIL));
        uint32_t version = get(REG(MIRROR_VERSION));
        uint32_t generation = record_of(B.device, (int)slot)->generation;
        put_weight(B.device, server, accepts);
        assert_int_equal(client_sends(B.device, client, SYN, 9000), R(CONNECTION_NEW));
        struct portcam_event e = expect_event(KIND(ENDED), slot, STATE(NONE));
        assert_int_equal(e.generation, generation);
        assert_int_equal(e.version, version + 1);
        e = expect_event(KIND(BEGAN), slot, STATE(SYN_SEEN));
        assert_int_equal(e.generation, generation + 1);
        assert_int_equal(e.version, version + 2);
        assert_int_equal(record_at(slot).version, version + 2);
        assert_int_equal(record_at(slot).backend == server, accepts);
        put_weight(B.device, server, 1);
    }
}

/* The slot that it left is written behind the one it goes to. */
static void moves(void **state)
{
    (void)state;
    struct pc_connections *c = pc_device_connections_rw(B.device);
    establish(B.device, 7);
    unsigned slot = (unsigned)Last.record;
    uint32_t generation = record_of(B.device, (int)slot)->generation;
    B.seen = get(REG(EVENT_TAIL));
    assert_int_equal(pc_connections_move(c, slot, STASH), PC_RESULT_OK);
    struct portcam_event e = expect_event(KIND(ARRIVED), STASH, STATE(ESTABLISHED));
    assert_int_equal(e.generation, generation);
    assert_int_equal(e.version, 4);
    e = expect_event(KIND(LEFT), slot, STATE(NONE));
    assert_int_equal(e.generation, generation);
    assert_int_equal(e.version, 5);
    assert_int_equal(record_at(STASH).generation, generation);
    assert_int_equal(end_at(slot).cause, CAUSE(MOVED));
    assert_int_equal(end_at(slot).forward_packets, 2);
}

static void paused(void **state)
{
    (void)state;
    put_timeouts(B.device, 1, 3000);
    establish(B.device, 7);
    put_domain(B.device, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS);
    pc_card_set_time(B.card, 100000);
    assert_int_equal(record_of(B.device, Last.record)->last_used, 100000);
    assert_int_equal(get(REG(MIRROR_VERSION)), 3);
}

/* ---- the event ring ---- */

static void full_ring(void **state)
{
    (void)state;
    start(2);
    for (unsigned n = 1; n <= 6; n++)
        client_sends(B.device, n, SYN, 1);
    assert_int_equal(get(REG(EVENT_TAIL)), 4);
    assert_int_equal(get(REG(EVENT_DROPPED)), 2);
    assert_int_equal(get(REG(MIRROR_VERSION)), 6);
    for (unsigned n = 0; n < 6; n++)
        assert_int_equal(record_at(n).version, n + 1);
    for (unsigned n = 0; n < 4; n++)
        expect_event(KIND(BEGAN), n, STATE(SYN_SEEN));
    client_sends(B.device, 7, SYN, 1);
    assert_int_equal(expect_event(KIND(BEGAN), 6, STATE(SYN_SEEN)).version, 7);
    set(REG(EVENT_HEAD), 77); /* beyond the tail: full */
    client_sends(B.device, 8, SYN, 1);
    assert_int_equal(get(REG(EVENT_TAIL)), 5);
    assert_int_equal(get(REG(EVENT_DROPPED)), 3);
}

static void laps(void **state)
{
    (void)state;
    start(2);
    for (unsigned n = 0; n < 40; n++) {
        client_sends(B.device, 7, SYN, 1);
        expect_event(KIND(BEGAN), (unsigned)Last.record, STATE(SYN_SEEN));
        run(PORTCAM_OPCODE_CONNECTION_DELETE, (unsigned)Last.record,
            record_of(B.device, Last.record)->generation, DATA);
        expect_event(KIND(ENDED), (unsigned)Last.record, STATE(NONE));
    }
    assert_int_equal(get(REG(EVENT_TAIL)), 80);
    assert_int_equal(get(REG(EVENT_DROPPED)), 0);
}

static void without_events(void **state)
{
    (void)state;
    set(REG(MIRROR_CONTROL), 0);
    set(REG(EVENT_SIZE), 99); /* is not looked at */
    set(REG(MIRROR_CONTROL), PORTCAM_MIRROR_CONTROL_ENABLE);
    set(REG(MIRROR_CONTROL), PORTCAM_MIRROR_CONTROL_ENABLE | PORTCAM_MIRROR_CONTROL_EVENTS);
    client_sends(B.device, 7, SYN, 1);
    assert_int_equal(record_at((unsigned)Last.record).version, 1);
    assert_int_equal(get(REG(EVENT_TAIL)) + get(REG(EVENT_DROPPED)), 0);
}

static void arm(void **state)
{
    (void)state;
    start(2);
    set(REG(EVENT_ARM), 1);
    client_sends(B.device, 1, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 0); /* the tail is 1, not beyond */
    client_sends(B.device, 2, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 1);
    client_sends(B.device, 3, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 1);
    set(REG(EVENT_ARM), 2); /* at once */
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 2);
    client_sends(B.device, 4, SYN, 1);
    set(REG(EVENT_ARM), 4);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 2);
    client_sends(B.device, 5, SYN, 1); /* a drop wakes too */
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 3);
    set(REG(EVENT_ARM), 4);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 3); /* that drop is known */
    start(2);                                           /* disarms */
    for (unsigned n = 11; n < 17; n++)
        client_sends(B.device, n, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 3);
}

/* ---- life ---- */

static void disable_enable(void **state)
{
    (void)state;
    client_sends(B.device, 1, SYN, 1);
    set(REG(MIRROR_CONTROL), 0);
    assert_int_equal(get(REG(MIRROR_STATUS)), 0);
    client_sends(B.device, 2, SYN, 1);
    assert_int_equal(get(REG(MIRROR_VERSION)), 1);
    assert_int_equal(record_at((unsigned)Last.record).version, 0);
    start(8);
    assert_int_equal(get(REG(MIRROR_STATUS)), PORTCAM_MIRROR_STATUS_RUNNING);
    assert_int_equal(get(REG(MIRROR_VERSION)) + get(REG(EVENT_TAIL)) + get(REG(EVENT_HEAD)), 0);
    /* Addresses and sizes are those of the rising ENABLE. */
    set(REG(MIRROR_BASE_LO), 0x3f000);
    set(REG(EVENT_BASE_LO), 0x3f000);
    set(REG(EVENT_SIZE), 2);
    set(REG(MIRROR_CONTROL), PORTCAM_MIRROR_CONTROL_ENABLE | PORTCAM_MIRROR_CONTROL_EVENTS);
    client_sends(B.device, 3, SYN, 1);
    assert_int_equal(record_at((unsigned)Last.record).version, 1);
    expect_event(KIND(BEGAN), (unsigned)Last.record, STATE(SYN_SEEN));
}

static void bad_ring(void **state)
{
    static const struct {
        uint32_t offset, value;
    } bad[] = {{REG(MIRROR_BASE_LO), MIRROR + 64},
               {REG(EVENT_BASE_LO), EVENTS + 16},
               {REG(EVENT_SIZE), 1},
               {REG(EVENT_SIZE), 17},
               {REG(EVENT_SIZE), 255}};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set(REG(MIRROR_CONTROL), 0);
        set(bad[i].offset, bad[i].value);
        set(REG(MIRROR_CONTROL), 3);
        expect_stopped(PORTCAM_STATUS_BAD_RING);
        assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], i + 1);
        client_sends(B.device, 1 + (unsigned)i, SYN, 1);
        assert_int_equal(get(REG(MIRROR_VERSION)), 0);
        start(2);
        assert_int_equal(get(REG(MIRROR_STATUS)), PORTCAM_MIRROR_STATUS_RUNNING);
    }
}

/* Records and events that cannot be written stop the mirror; packets and commands go on. */
static void refused_memory(void **state)
{
    (void)state;
    for (unsigned events = 0; events < 2; events++) {
        unsigned client = 10 * events + 1;
        start(2);
        client_sends(B.device, client, SYN, 1);
        unsigned next = (unsigned)Last.record + 1;
        uint64_t at = events ? EVENTS + 16 : MIRROR + 64 * next;
        B.refuse = at;
        B.refuse_len = 16;
        unsigned irqs = B.irqs[PORTCAM_VECTOR_ERRORS];
        assert_int_equal(client_sends(B.device, client + 1, SYN, 1), R(CONNECTION_NEW));
        expect_stopped(PORTCAM_STATUS_DMA_WRITE_ERROR);
        assert_int_equal(get(REG(ERROR_ADDR_LO)), at);
        assert_int_equal(get(REG(ERROR_COUNT)), events + 1);
        assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], irqs + 1);
        assert_int_equal(get(REG(MIRROR_VERSION)), 1 + events);
        assert_int_equal(get(REG(EVENT_TAIL)), 1);
        B.refuse_len = 0;
        assert_int_equal(client_sends(B.device, client + 2, SYN, 1), R(CONNECTION_NEW));
        assert_int_equal(get(REG(MIRROR_VERSION)), 1 + events); /* until it is enabled again */
        assert_int_equal(run(PORTCAM_OPCODE_NOP, 0, 0, 0).status, PORTCAM_STATUS_OK);
        assert_int_equal(run(PORTCAM_OPCODE_MIRROR_COPY, 0, SLOTS, 0).status,
                         PORTCAM_STATUS_NO_MIRROR);
        start(2);
        assert_int_equal(run(PORTCAM_OPCODE_MIRROR_COPY, 0, SLOTS, 0).status, PORTCAM_STATUS_OK);
        assert_int_equal(record_at(next).state, STATE(SYN_SEEN));
    }
}

static void reset(void **state)
{
    (void)state;
    client_sends(B.device, 1, SYN, 1);
    uint32_t tail = get(REG(EVENT_TAIL));
    assert_int_equal(tail, 1);
    struct portcam_mirror_record before = record_at((unsigned)Last.record);
    pc_card_reset(B.card);
    for (uint32_t offset = REG(MIRROR_BASE_LO); offset <= REG(EVENT_ARM); offset += 4)
        assert_int_equal(get(offset), 0);
    struct portcam_mirror_record after = record_at(before.slot);
    assert_memory_equal(&before, &after, sizeof(before)); /* the host knows that all ended */
    start(2);
    fill_shop(B.device);
    client_sends(B.device, 1, SYN, 1);
    assert_int_equal(expect_event(KIND(BEGAN), 0, STATE(SYN_SEEN)).generation, 1);
}

/* ---- commands ---- */

static void copy(void **state)
{
    (void)state;
    establish(B.device, 1);
    client_sends(B.device, 2, SYN, 1);
    start(2);
    memset(B.memory + MIRROR, 0xee, SLOTS * 64);
    struct portcam_completion cpl = run(PORTCAM_OPCODE_MIRROR_COPY, 0, SLOTS, 0);
    assert_int_equal(cpl.status, PORTCAM_STATUS_OK);
    assert_int_equal(cpl.result, SLOTS);
    assert_int_equal(get(REG(MIRROR_VERSION)), SLOTS);
    expect_no_event();
    assert_int_equal(record_at(0).state, STATE(ESTABLISHED));
    assert_int_equal(record_at(1).state, STATE(SYN_SEEN));
    for (unsigned slot = 2; slot < SLOTS; slot++) {
        struct portcam_mirror_end want = {
            .version = slot + 1, .version2 = slot + 1, .slot = slot, .cause = CAUSE(EMPTY)};
        struct portcam_mirror_end e = end_at(slot);
        assert_memory_equal(&e, &want, sizeof(e));
    }
    cpl = run(PORTCAM_OPCODE_MIRROR_COPY, SLOTS - 1, 1, 0);
    assert_int_equal(cpl.result, 1);
    assert_int_equal(end_at(SLOTS - 1).version, SLOTS + 1);
}

static void check_commands(void **state)
{
    static const struct {
        uint8_t opcode, status;
        uint32_t row, count, address;
    } bad[] = {
        {PORTCAM_OPCODE_MIRROR_COPY, PORTCAM_STATUS_ROW_OUT_OF_RANGE, SLOTS, 1, 0},
        {PORTCAM_OPCODE_MIRROR_COPY, PORTCAM_STATUS_ROW_OUT_OF_RANGE, SLOTS, 0, 0},
        {PORTCAM_OPCODE_MIRROR_COPY, PORTCAM_STATUS_BAD_LENGTH, 0, 0, 0},
        {PORTCAM_OPCODE_MIRROR_COPY, PORTCAM_STATUS_BAD_LENGTH, 0, 1025, 0},
        {PORTCAM_OPCODE_MIRROR_COPY, PORTCAM_STATUS_ROW_OUT_OF_RANGE, 1, SLOTS, 0},
        {PORTCAM_OPCODE_MIRROR_SUM, PORTCAM_STATUS_ROW_OUT_OF_RANGE, 1, 1, DATA},
        {PORTCAM_OPCODE_MIRROR_SUM, PORTCAM_STATUS_ROW_OUT_OF_RANGE, UINT32_MAX, 1, DATA + 32},
        {PORTCAM_OPCODE_MIRROR_SUM, PORTCAM_STATUS_BAD_ALIGNMENT, 0, 1, DATA + 32},
    };
    (void)state;
    for (unsigned runs = 0; runs < 2; runs++) {
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            assert_int_equal(run(bad[i].opcode, bad[i].row, bad[i].count, bad[i].address).status,
                             bad[i].status);
        set(REG(MIRROR_CONTROL), 0);
    }
    assert_int_equal(run(PORTCAM_OPCODE_MIRROR_COPY, 0, 1, 0).status, PORTCAM_STATUS_NO_MIRROR);
    assert_int_equal(run(PORTCAM_OPCODE_MIRROR_SUM, 0, 1, DATA).status, PORTCAM_STATUS_NO_MIRROR);
}

static void copy_refused(void **state)
{
    (void)state;
    B.refuse = MIRROR + 64 * 5;
    B.refuse_len = 1;
    struct portcam_completion cpl = run(PORTCAM_OPCODE_MIRROR_COPY, 0, SLOTS, 0);
    assert_int_equal(cpl.status, PORTCAM_STATUS_NO_MIRROR);
    assert_int_equal(cpl.result, 0);
    expect_stopped(PORTCAM_STATUS_DMA_WRITE_ERROR);
    assert_int_equal(get(REG(MIRROR_VERSION)), 5);
}

static void sums(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 9; n++)
        client_sends(B.device, n, SYN, 1);
    establish(B.device, 20);
    run(PORTCAM_OPCODE_CONNECTION_DELETE, 4, record_of(B.device, 4)->generation, DATA);
    pc_connections_move(pc_device_connections_rw(B.device), 2, STASH);
    struct portcam_mirror_sum want = {.version = get(REG(MIRROR_VERSION))}, got;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        struct portcam_mirror_record r = record_at(slot);
        uint8_t bytes[9];
        if (r.version == 0 || r.state == STATE(NONE))
            continue;
        memcpy(bytes, &r.slot, 4);
        memcpy(bytes + 4, &r.generation, 4);
        bytes[8] = r.state;
        want.sum += pc_crc32c(0, bytes, 9);
        want.records++;
    }
    assert_int_equal(want.records, 9);
    assert_int_equal(run(PORTCAM_OPCODE_MIRROR_SUM, 0, 1, DATA).status, PORTCAM_STATUS_OK);
    memcpy(&got, B.memory + DATA, sizeof(got));
    assert_memory_equal(&got, &want, sizeof(got));
    B.refuse = DATA;
    B.refuse_len = 1;
    assert_int_equal(run(PORTCAM_OPCODE_MIRROR_SUM, 0, 1, DATA).status,
                     PORTCAM_STATUS_DMA_WRITE_ERROR);
    assert_int_equal(get(REG(MIRROR_STATUS)), PORTCAM_MIRROR_STATUS_RUNNING);
}

#define T(about, function)                                                                         \
    {                                                                                              \
        about, function, setup, teardown, NULL                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T("a record is written and told when it begins and when its state changes", life),
        T("flags of a record: embryonic, kept port, IPv6", flags),
        T("SYN repeats alone write nothing", syn_repeats),
        T("a record that expires leaves its counters", expires),
        T("mirror_end: packets of 48 bits, lifetime ends at 65,535", high_counters),
        T("a record that is deleted leaves its counters, one that is not writes nothing", deleted),
        T("F.14: the end, then the new record, two versions, two events", port_reuse),
        T("a move: arrived, then left, one generation", moves),
        T("a paused domain's records write nothing when their last use moves", paused),
        T("a full event ring drops and counts, records are written", full_ring),
        T("event ring of 4 entries: laps", laps),
        T("EVENTS is taken at the rising ENABLE", without_events),
        T("arm: beyond the index, at once, by a drop; ENABLE disarms", arm),
        T("disable, enable: nothing in between, all begins at 0", disable_enable),
        T("bad ring: alignment and size, interrupt, cure", bad_ring),
        T("memory that refuses stops the mirror and nothing else; cure", refused_memory),
        T("reset of the function: registers are 0, nothing is written", reset),
        T("mirror_copy: all slots, free ones too, no events", copy),
        T("mirror_copy and mirror_sum: each check, in order", check_commands),
        T("mirror_copy into memory that refuses: no_mirror", copy_refused),
        T("mirror_sum equals a sum over the mirror", sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
