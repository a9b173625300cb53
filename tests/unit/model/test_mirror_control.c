// SPDX-License-Identifier: Apache-2.0
/* The mirror from outside, rule by rule of docs/mirror.md: registers, memory that refuses, reset, commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mirror_bench.h"

static void expect_stopped(unsigned reason)
{
    assert_int_equal(get(REG(MIRROR_STATUS)),
                     PORTCAM_MIRROR_STATUS_ERROR | reason << PORTCAM_MIRROR_STATUS_REASON_SHIFT);
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
