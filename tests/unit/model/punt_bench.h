/* SPDX-License-Identifier: Apache-2.0 */
/* A card with both rings of packets. Host memory is an array. */
#ifndef PC_TEST_PUNT_BENCH_H
#define PC_TEST_PUNT_BENCH_H

#include <string.h>

#include "card.h"
#include "stateful_world.h"

#define S(name) PORTCAM_STATUS_##name
#define REG(name) PORTCAM_REG_##name

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

static inline bool refused(uint64_t iova, size_t len)
{
    return iova > MEMORY || len > MEMORY - iova ||
           (iova < B.refuse + B.refuse_len && iova + len > B.refuse);
}

static inline int dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    (void)ctx;
    if (refused(iova, len))
        return -1;
    memcpy(dst, B.memory + iova, len);
    return 0;
}

static inline int dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    (void)ctx;
    if (refused(iova, len))
        return -1;
    memcpy(B.memory + iova, src, len);
    B.writes++;
    B.last_write = iova;
    return 0;
}

static inline void irq(void *ctx, unsigned vector)
{
    (void)ctx;
    assert_in_range(vector, 0, PORTCAM_BUILD_VECTORS - 1);
    B.irqs[vector]++;
}

static inline void frame_out(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    (void)ctx;
    assert_in_range(B.outs, 0, 7);
    B.out[B.outs].function = function;
    B.out[B.outs].len = len;
    memcpy(B.out[B.outs++].bytes, frame, len);
}

static inline uint32_t get(uint32_t offset)
{
    return pc_card_reg_read(B.card, offset);
}

static inline void set(uint32_t offset, uint32_t value)
{
    pc_card_reg_write(B.card, offset, value);
}

static inline void put_punts(uint64_t reasons, unsigned rate, unsigned burst)
{
    struct portcam_limits_row l = {.punt_rate = (uint16_t)rate,
                                   .punt_burst = (uint16_t)burst,
                                   .reject_rate = 65535,
                                   .reject_burst = 65535,
                                   .punt_reasons = reasons};
    put_row(B.d, PORTCAM_TABLE_LIMITS, 0, &l);
}

static inline void start_punt(void)
{
    set(REG(PUNT_BASE_LO), PUNT);
    set(REG(PUNT_SIZE), LOG2);
    set(REG(PUNT_CONTROL), 0);
    set(REG(PUNT_CONTROL), 1);
}

static inline void start_inject(void)
{
    set(REG(INJECT_BASE_LO), INJECT);
    set(REG(INJECT_SIZE), LOG2);
    set(REG(INJECT_CONTROL), 0);
    set(REG(INJECT_CONTROL), 1);
    B.doorbell = 0;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
    (void)state;
    pc_card_free(B.card);
    return 0;
}

static inline void status_is(uint32_t offset, bool running, unsigned reason)
{
    uint32_t want = running ? PORTCAM_PUNT_STATUS_RUNNING : 0;
    if (reason)
        want |= PORTCAM_PUNT_STATUS_ERROR | reason << PORTCAM_PUNT_STATUS_REASON_SHIFT;
    assert_int_equal(get(offset), want);
}

#endif
