// SPDX-License-Identifier: Apache-2.0
/* The card in C at its registers: command ring, DMA and interrupts, as docs/registers.md and docs/pipeline.md section 6 say.
 * What a host can do wrong must end in a status or a register, and the card goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "card.h"

#define OP(name) PORTCAM_OPCODE_##name
#define S(name) PORTCAM_STATUS_##name
#define REG(name) PORTCAM_REG_##name

enum { LOG2 = 6, ENTRIES = 1 << LOG2, COMMANDS = 0x10000, COMPLETIONS = 0x20000, DATA = 0x30000 };

/* Host memory is 256 KiB from 0 on, without the range that refuses. */
static struct bench {
    struct pc_card *card;
    uint8_t memory[0x40000];
    uint64_t refuse, refuse_len;
    unsigned irqs[PORTCAM_BUILD_VECTORS];
    uint32_t produced, consumed;
} B;

static bool refused(uint64_t iova, size_t len)
{
    return iova > sizeof(B.memory) || len > sizeof(B.memory) - iova ||
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

static void start(void)
{
    set(REG(CMD_BASE_LO), COMMANDS);
    set(REG(CPL_BASE_LO), COMPLETIONS);
    set(REG(CMD_SIZE), LOG2);
    set(REG(CMD_CONTROL), 0);
    set(REG(CMD_CONTROL), 1);
    B.produced = B.consumed = 0;
}

static int setup(void **state)
{
    static const struct pc_card_host host = {
        .dma_read = dma_read, .dma_write = dma_write, .irq = irq};
    (void)state;
    memset(&B, 0, sizeof(B));
    B.card = pc_card_new(&host);
    if (!B.card)
        return -1;
    start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pc_card_free(B.card);
    return 0;
}

/* Puts a command into the ring; its cookie is its index. */
static void put(unsigned opcode, unsigned flags, uint64_t address, uint64_t address2)
{
    struct portcam_command c = {
        .opcode = (uint8_t)opcode, .flags = (uint8_t)flags, .count = 1, .cookie = B.produced};
    memcpy(c.data, &address, 8);
    memcpy(c.data + 8, &address2, 8);
    memcpy(B.memory + COMMANDS + B.produced++ % ENTRIES * sizeof(c), &c, sizeof(c));
}

static void ring_doorbell(void)
{
    set(REG(CMD_DOORBELL), B.produced);
}

/* The next completion must be that of this command. */
static void expect(uint32_t cookie, unsigned status)
{
    struct portcam_completion c;
    memcpy(&c, B.memory + COMPLETIONS + B.consumed % ENTRIES * sizeof(c), sizeof(c));
    assert_int_equal(c.lap, B.consumed / ENTRIES + 1);
    assert_int_equal(c.cookie, cookie);
    assert_int_equal(c.status, status);
    assert_int_equal(c.sq_head, (uint16_t)(cookie + 1));
    assert_int_equal(c.flags, 0);
    if (status != S(OK))
        assert_int_equal(c.result, 0);
    B.consumed++;
    assert_in_range(B.consumed, 1, get(REG(CPL_TAIL)));
    set(REG(CPL_HEAD), B.consumed);
}

/* One command, alone, and its status. */
static void run(unsigned opcode, uint64_t address, uint64_t address2, unsigned status)
{
    put(opcode, 0, address, address2);
    ring_doorbell();
    expect(B.produced - 1, status);
    assert_int_equal(get(REG(CPL_TAIL)), B.consumed);
    assert_int_equal(get(REG(CMD_HEAD)), B.produced);
}

static void expect_stopped(unsigned reason)
{
    assert_int_equal(get(REG(CMD_STATUS)),
                     PORTCAM_CMD_STATUS_ERROR | reason << PORTCAM_CMD_STATUS_REASON_SHIFT);
    assert_int_equal(get(REG(STATUS)) & PORTCAM_STATUS_RING_ERROR, PORTCAM_STATUS_RING_ERROR);
    assert_int_equal(get(REG(CMD_CONTROL)), 0);
    assert_int_not_equal(B.irqs[PORTCAM_VECTOR_ERRORS], 0);
}

/* Disable and enable is the cure of every stopped ring. */
static void cure(void)
{
    B.refuse_len = 0;
    start();
    assert_int_equal(get(REG(CMD_STATUS)), PORTCAM_CMD_STATUS_RUNNING);
    assert_int_equal(get(REG(STATUS)), PORTCAM_STATUS_READY);
    assert_int_equal(get(REG(CMD_HEAD)), 0);
    run(OP(NOP), 0, 0, S(OK));
}

/* ---- registers ---- */

static void registers(void **state)
{
    static const struct {
        uint32_t offset, value;
    } want[] = {
        {0x00, 0x4d414350}, {0x04, 0x00010003}, {0x0c, 0x17f},      {0x10, 9600u << 16 | 128},
        {0x14, 0x00080110}, {0x18, 256},        {0x1c, 256},        {0x20, 1024},
        {0x24, 4096},       {0x28, 0x04002000}, {0x2c, 0x04000200}, {0x30, 0x04000200},
        {0x34, 0x10010000}, {0x38, 0x10004000}, {0x3c, 8192},       {0x40, 1},
        {0x50, 0},          {0x58, 4711},       {0x60, 0},          {0x64, 0},
    };
    (void)state;
    pc_card_set_time(B.card, 4711);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(get(want[i].offset), want[i].value);
    set(REG(SCRATCH), 0xdeadbeef);
    set(REG(HASH_SEED), 0x12345678);
    assert_int_equal(get(REG(SCRATCH)), 0xdeadbeef);
    assert_int_equal(get(REG(HASH_SEED)), 0x12345678);
    assert_int_equal(pc_tables_seed(pc_device_tables(pc_card_device(B.card))), 0x12345678);
    for (uint32_t offset = REG(CMD_BASE_LO); offset <= REG(CPL_BASE_HI); offset += 4)
        set(offset, 0x11111000 * (offset >> 2 & 7) + offset);
    for (uint32_t offset = REG(CMD_BASE_LO); offset <= REG(CPL_BASE_HI); offset += 4)
        assert_int_equal(get(offset), 0x11111000 * (offset >> 2 & 7) + offset);
}

/* HOLD counts down with the time, over a reset too. */
static void hold(void **state)
{
    (void)state;
    pc_card_set_time(B.card, UINT32_MAX - 10);
    assert_false(pc_card_holds(B.card));
    set(REG(HOLD), 0x10000 | 100);
    assert_true(pc_card_holds(B.card));
    pc_card_set_time(B.card, 49);
    assert_int_equal(get(REG(HOLD)), 40);
    pc_card_reset(B.card);
    assert_int_equal(get(REG(HOLD)), 40);
    assert_true(pc_card_holds(B.card));
    pc_card_set_time(B.card, 89);
    assert_int_equal(get(REG(HOLD)), 0);
    assert_false(pc_card_holds(B.card));
    set(REG(HOLD), 5);
    set(REG(HOLD), 0);
    assert_false(pc_card_holds(B.card));
}

/* Read-only registers do not move; what is no register reads 0. */
static void writes_ignored(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset < 0x10000; offset += 4) {
        bool rw = offset == REG(HASH_SEED) || offset == REG(HOLD) || offset == REG(SCRATCH) ||
                  (offset >= REG(CMD_BASE_LO) && offset <= REG(CMD_CONTROL)) ||
                  offset == REG(CMD_DOORBELL) || offset == REG(CPL_HEAD) ||
                  offset == REG(CMD_ARM) ||
                  (offset >= REG(MIRROR_BASE_LO) && offset <= REG(MIRROR_CONTROL)) ||
                  (offset >= REG(EVENT_BASE_LO) && offset <= REG(EVENT_SIZE)) ||
                  offset == REG(EVENT_HEAD) || offset == REG(EVENT_ARM) ||
                  (offset >= REG(PUNT_BASE_LO) && offset <= REG(PUNT_CONTROL)) ||
                  offset == REG(PUNT_HEAD) || offset == REG(PUNT_ARM) ||
                  (offset >= REG(INJECT_BASE_LO) && offset <= REG(INJECT_CONTROL)) ||
                  offset == REG(INJECT_DOORBELL) ||
                  (offset >= REG(TRACE_BASE_LO) && offset <= REG(TRACE_CONTROL)) ||
                  offset == REG(TRACE_HEAD) ||
                  (offset >= REG(TRACE_EVERY) && offset <= REG(TRACE_PORT_MASKS));
        uint32_t before = get(offset);
        if (rw)
            continue;
        set(offset, ~before);
        assert_int_equal(get(offset), before);
        if ((offset > REG(SCRATCH) && offset < REG(CMD_BASE_LO)) || offset > REG(CMD_ARM))
            assert_int_equal(before, 0);
    }
    run(OP(NOP), 0, 0, S(OK));
}

static void reset(void **state)
{
    (void)state;
    run(OP(CHANGE_BEGIN), 0, 0, S(OK));
    run(OP(SELF_TEST), 0x100000, DATA, S(DMA_READ_ERROR));
    set(REG(HASH_SEED), 5);
    set(REG(SCRATCH), 5);
    assert_int_equal(get(REG(STATUS)), PORTCAM_STATUS_READY | PORTCAM_STATUS_CHANGE_OPEN);
    pc_card_reset(B.card);
    assert_int_equal(get(REG(STATUS)), PORTCAM_STATUS_READY);
    for (uint32_t offset = REG(ERROR_ADDR_LO); offset <= REG(EVENT_ARM); offset += 4)
        assert_int_equal(get(offset), 0);
    put(OP(NOP), 0, 0, 0);
    set(REG(CMD_DOORBELL), 1); /* no ring runs */
    assert_int_equal(get(REG(CMD_HEAD)), 0);
    start();
    run(OP(CHANGE_COMMIT), 0, 0, S(NO_CHANGE_SET));
}

/* ---- ring ---- */

static void completions(void **state)
{
    (void)state;
    put(OP(NOP), 0, 0, 0);
    put(OP(NOP), PORTCAM_COMMAND_COMPLETE, 0, 0);
    put(OP(NOP), 0, 0, 0);
    put(0xee, 0, 0, 0);
    put(OP(NOP), 0, 0, 0);
    put(OP(NOP), 0, 0, 0);
    ring_doorbell();
    assert_int_equal(get(REG(CPL_TAIL)), 3);
    expect(1, S(OK));
    expect(3, S(UNKNOWN_OPCODE));
    expect(5, S(OK));
}

static void wraps(void **state)
{
    (void)state;
    for (unsigned lap = 0; lap < 3; lap++) {
        for (unsigned i = 0; i < ENTRIES; i++)
            put(i & 1 ? 0xee : OP(NOP), PORTCAM_COMMAND_COMPLETE, 0, 0);
        ring_doorbell(); /* a whole ring ahead is good */
        for (unsigned i = 0; i < ENTRIES; i++)
            expect(lap * ENTRIES + i, i & 1 ? S(UNKNOWN_OPCODE) : S(OK));
    }
}

/* What a command answers lies in host memory before its completion. */
static void answers(void **state)
{
    struct portcam_row_image image, want = {.table_id = PORTCAM_TABLE_DEVICE};
    struct portcam_counter_row row, one = {.packets = 1, .octets = 7};
    struct portcam_completion c;
    struct pc_decision decision;
    uint8_t frame[7] = {0};
    (void)state;
    memset(B.memory + DATA, 0xee, 192);
    run(OP(ROW_READ), DATA, 0, S(OK)); /* row 0 of table 0, empty */
    memcpy(&image, B.memory + DATA, sizeof(image));
    assert_memory_equal(&image, &want, sizeof(want));
    pc_device_packet(pc_card_device(B.card), frame, sizeof(frame), 0, 0, NULL, &decision, NULL);
    struct portcam_command read = {.opcode = OP(COUNTER_READ),
                                   .table_id = PORTCAM_COUNTER_TABLE_FUNCTION_RX,
                                   .count = 2,
                                   .cookie = 4711,
                                   .data = {(DATA + 64) & 255, (DATA + 64) >> 8 & 255, DATA >> 16}};
    memcpy(B.memory + COMMANDS + B.produced++ * sizeof(read), &read, sizeof(read));
    ring_doorbell();
    memcpy(&c, B.memory + COMPLETIONS + B.consumed * sizeof(c), sizeof(c));
    assert_int_equal(c.cookie, 4711);
    assert_int_equal(c.status, S(OK));
    assert_int_equal(c.result, 2);
    memcpy(&row, B.memory + DATA + 64, sizeof(row));
    assert_memory_equal(&row, &one, sizeof(row));
    assert_int_equal(B.memory[DATA + 64 + 16], 0);    /* row 1 */
    assert_int_equal(B.memory[DATA + 64 + 32], 0xee); /* and no more */
}

/* No completion is overwritten: the card waits for CPL_HEAD and goes on by itself. */
static void completions_full(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ENTRIES; i++)
        put(OP(NOP), PORTCAM_COMMAND_COMPLETE, 0, 0);
    ring_doorbell();
    for (unsigned i = 0; i < 5; i++)
        put(OP(NOP), PORTCAM_COMMAND_COMPLETE, 0, 0);
    ring_doorbell();
    assert_int_equal(get(REG(CPL_TAIL)), ENTRIES);
    assert_int_equal(get(REG(CMD_HEAD)), ENTRIES);
    expect(0, S(OK));
    assert_int_equal(get(REG(CPL_TAIL)), ENTRIES + 1);
    for (unsigned i = 1; i < ENTRIES + 5; i++)
        expect(i, S(OK));
}

static void arm(void **state)
{
    (void)state;
    run(OP(NOP), 0, 0, S(OK));
    assert_int_equal(B.irqs[PORTCAM_VECTOR_COMMANDS], 0);
    set(REG(CMD_ARM), B.consumed); /* beyond what is there: later */
    assert_int_equal(B.irqs[PORTCAM_VECTOR_COMMANDS], 0);
    run(OP(NOP), 0, 0, S(OK));
    assert_int_equal(B.irqs[PORTCAM_VECTOR_COMMANDS], 1);
    run(OP(NOP), 0, 0, S(OK)); /* once */
    assert_int_equal(B.irqs[PORTCAM_VECTOR_COMMANDS], 1);
    set(REG(CMD_ARM), B.consumed - 1); /* it is there already: at once */
    assert_int_equal(B.irqs[PORTCAM_VECTOR_COMMANDS], 2);
    set(REG(CMD_ARM), 0);
    set(REG(CMD_ARM), 1000);
    start(); /* disarms */
    for (unsigned i = 0; i < 3; i++)
        run(OP(NOP), 0, 0, S(OK));
    assert_int_equal(B.irqs[PORTCAM_VECTOR_COMMANDS], 3);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], 0);
}

/* ---- what a host does wrong ---- */

static void bad_commands(void **state)
{
    (void)state;
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        put(opcode, 0xff, ~0ull, ~0ull);
        ring_doorbell();
        B.consumed++;
        set(REG(CPL_HEAD), B.consumed);
        assert_int_equal(get(REG(CPL_TAIL)), B.consumed);
        assert_int_equal(get(REG(CMD_STATUS)), PORTCAM_CMD_STATUS_RUNNING);
    }
    assert_int_equal(get(REG(ERROR_COUNT)), 0);
    run(OP(NOP), 0, 0, S(OK));
}

static void bad_doorbell(void **state)
{
    static const uint32_t ahead[] = {ENTRIES + 1, 0x80000000, 0xffffffff};
    (void)state;
    for (unsigned i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        run(OP(NOP), 0, 0, S(OK));
        B.irqs[PORTCAM_VECTOR_ERRORS] = 0;
        set(REG(CMD_DOORBELL), B.produced + ahead[i]);
        expect_stopped(S(BAD_DOORBELL));
        assert_int_equal(get(REG(CMD_HEAD)), B.produced); /* none was taken */
        assert_int_equal(get(REG(CPL_TAIL)), B.consumed);
        ring_doorbell(); /* a right one does not heal it */
        expect_stopped(S(BAD_DOORBELL));
        cure();
    }
}

static void bad_ring(void **state)
{
    static const uint32_t wrong[][2] = {{REG(CMD_SIZE), 0},
                                        {REG(CMD_SIZE), 5},
                                        {REG(CMD_SIZE), 17},
                                        {REG(CMD_SIZE), 255},
                                        {REG(CMD_BASE_LO), COMMANDS + 64},
                                        {REG(CPL_BASE_LO), COMPLETIONS + 2048}};
    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        B.irqs[PORTCAM_VECTOR_ERRORS] = 0;
        set(REG(CMD_CONTROL), 0);
        set(wrong[i][0], wrong[i][1]);
        set(REG(CMD_CONTROL), 1);
        expect_stopped(S(BAD_RING));
        cure();
    }
    set(REG(CMD_CONTROL), 0);
    set(REG(CMD_SIZE), 16); /* the largest */
    set(REG(CMD_CONTROL), 1);
    assert_int_equal(get(REG(CMD_STATUS)), PORTCAM_CMD_STATUS_RUNNING);
}

/* A DMA of a command's own data that fails is the command's status; the ring goes on. */
static void bad_dma_of_a_command(void **state)
{
    const uint64_t nowhere = 0x123456789000;
    unsigned errors = 0;
    (void)state;
    run(OP(ROW_READ), nowhere, 0, S(DMA_WRITE_ERROR));
    assert_int_equal(get(REG(ERROR_COUNT)), ++errors);
    assert_int_equal(get(REG(ERROR_ADDR_LO)), (uint32_t)nowhere);
    assert_int_equal(get(REG(ERROR_ADDR_HI)), nowhere >> 32);
    run(OP(COUNTER_READ), nowhere + 64, 0, S(DMA_WRITE_ERROR));
    assert_int_equal(get(REG(ERROR_ADDR_LO)), (uint32_t)nowhere + 64);
    run(OP(SELF_TEST), nowhere + 128, DATA, S(DMA_READ_ERROR));
    assert_int_equal(get(REG(ERROR_ADDR_LO)), (uint32_t)nowhere + 128);
    run(OP(SELF_TEST), DATA, nowhere, S(DMA_WRITE_ERROR));
    assert_int_equal(get(REG(ERROR_COUNT)), errors + 3);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_ERRORS], 4);
    assert_int_equal(get(REG(CMD_STATUS)), PORTCAM_CMD_STATUS_RUNNING);
    memset(B.memory + DATA, 0x5a, 64);
    run(OP(SELF_TEST), DATA, DATA + 64, S(OK));
    assert_memory_equal(B.memory + DATA, B.memory + DATA + 64, 64);
}

static void unreadable_command(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        put(OP(NOP), PORTCAM_COMMAND_COMPLETE, 0, 0);
    B.refuse = COMMANDS + 3 * sizeof(struct portcam_command);
    B.refuse_len = 1;
    ring_doorbell();
    expect_stopped(S(DMA_READ_ERROR));
    assert_int_equal(get(REG(ERROR_ADDR_LO)), B.refuse);
    assert_int_equal(get(REG(CMD_HEAD)), 3); /* those before it are done and told */
    for (unsigned i = 0; i < 3; i++)
        expect(i, S(OK));
    assert_int_equal(get(REG(CPL_TAIL)), 3);
    cure();
}

static void unwritable_completion(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        put(OP(NOP), PORTCAM_COMMAND_COMPLETE, 0, 0);
    B.refuse = COMPLETIONS + 2 * sizeof(struct portcam_completion);
    B.refuse_len = 1;
    ring_doorbell();
    expect_stopped(S(DMA_WRITE_ERROR));
    assert_int_equal(get(REG(ERROR_ADDR_LO)), B.refuse);
    assert_int_equal(get(REG(CPL_TAIL)), 2);
    cure();
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("registers: identity, capabilities, seed, time, scratch", registers),
        TEST("registers: read-only ones do not move, others read 0", writes_ignored),
        TEST("reset of the function: registers, ring, change set; then as new", reset),
        TEST("registers: HOLD counts down, over a reset of the function too; 0 ends it", hold),
        TEST("completions: for a failure, on request, for the last before the doorbell",
             completions),
        TEST("answers: row_read and counter_read write to the command's address", answers),
        TEST("ring: wraps, laps, a whole ring ahead", wraps),
        TEST("ring: completions that are not consumed are not overwritten", completions_full),
        TEST("arm: fires once, later or at once; enable disarms", arm),
        TEST("bad commands, all opcodes with ones everywhere, never stop the ring", bad_commands),
        TEST("bad doorbell: status, interrupt, none taken, cure", bad_doorbell),
        TEST("bad ring: sizes and alignments, cure", bad_ring),
        TEST("bad DMA address of a command is its status; the ring goes on", bad_dma_of_a_command),
        TEST("a command that cannot be read stops the ring with its address", unreadable_command),
        TEST("a completion that cannot be written stops the ring", unwritable_completion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
