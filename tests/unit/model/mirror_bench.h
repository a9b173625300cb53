/* SPDX-License-Identifier: Apache-2.0 */
/* A card with 36 slots and a running mirror. Host memory is 256 KiB from 0 on, without the range that refuses. */
#ifndef PC_TEST_MIRROR_BENCH_H
#define PC_TEST_MIRROR_BENCH_H

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

static inline int dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    (void)ctx;
    assert_true(iova + len <= sizeof(B.memory));
    memcpy(dst, B.memory + iova, len);
    return 0;
}

static inline int dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    (void)ctx;
    if (iova + len > sizeof(B.memory) || (iova < B.refuse + B.refuse_len && iova + len > B.refuse))
        return -1;
    memcpy(B.memory + iova, src, len);
    return 0;
}

static inline void irq(void *ctx, unsigned vector)
{
    (void)ctx;
    assert_in_range(vector, 0, PORTCAM_BUILD_VECTORS - 1);
    B.irqs[vector]++;
}

static inline uint32_t get(uint32_t offset)
{
    return pc_card_reg_read(B.card, offset);
}

static inline void set(uint32_t offset, uint32_t value)
{
    pc_card_reg_write(B.card, offset, value);
}

static inline void start(unsigned log2)
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

static inline void start_commands(void)
{
    set(REG(CMD_BASE_LO), COMMANDS);
    set(REG(CPL_BASE_LO), COMPLETIONS);
    set(REG(CMD_SIZE), 6);
    set(REG(CMD_CONTROL), 0);
    set(REG(CMD_CONTROL), 1);
    B.commands = 0;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    (void)state;
    pc_card_free(B.card);
    return 0;
}

static inline struct portcam_completion run(unsigned opcode, uint32_t row, uint32_t count,
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

static inline struct portcam_mirror_record record_at(unsigned slot)
{
    struct portcam_mirror_record r;
    memcpy(&r, B.memory + MIRROR + slot * sizeof(r), sizeof(r));
    assert_int_equal(r.version, r.version2);
    return r;
}

static inline struct portcam_mirror_end end_at(unsigned slot)
{
    struct portcam_mirror_end e;
    memcpy(&e, B.memory + MIRROR + slot * sizeof(e), sizeof(e));
    assert_int_equal(e.version, e.version2);
    assert_int_equal(e.state, STATE(NONE));
    return e;
}

static inline struct portcam_event event_at(uint32_t index)
{
    struct portcam_event e;
    memcpy(&e, B.memory + EVENTS + (index & ((1u << B.log2) - 1)) * sizeof(e), sizeof(e));
    assert_int_equal(e.lap, (uint16_t)((index >> B.log2) + 1));
    return e;
}

/* The next event is this one. */
static inline struct portcam_event expect_event(unsigned kind, unsigned slot, unsigned state)
{
    assert_in_range(B.seen + 1, 1, get(REG(EVENT_TAIL)));
    struct portcam_event e = event_at(B.seen++);
    assert_int_equal(e.kind, kind);
    assert_int_equal(e.slot, slot);
    assert_int_equal(e.state, state);
    set(REG(EVENT_HEAD), B.seen);
    return e;
}

static inline void expect_no_event(void)
{
    assert_int_equal(get(REG(EVENT_TAIL)), B.seen);
}

#endif
