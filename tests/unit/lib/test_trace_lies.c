// SPDX-License-Identifier: Apache-2.0
/* The trace of a card that lies, of packets with any bytes, and of a card that is reset. */
#include "trace_world.h"

#include "card.h"
#include "dev_ops.h"
#include "model.h"
#include "ring_priv.h"

/* Writes into an entry of the ring, as the card does. */
static void poke(unsigned index, size_t at, const void *src, size_t len)
{
    uint64_t base =
        (uint64_t)trace_reg(PORTCAM_REG_TRACE_BASE_HI) << 32 | trace_reg(PORTCAM_REG_TRACE_BASE_LO);

    assert_int_equal(pc_dma_table_write(&pc_hw_device(trace_world.pc->hw)->maps,
                                        base + (uint64_t)index * PORTCAM_TRACE_ENTRY + at, src,
                                        len),
                     0);
}

#define FIELD(name) #name, offsetof(struct portcam_trace_header, name)

static void lies(void **state)
{
    static const struct {
        const char *field;
        size_t at, size;
        uint32_t value;
    } lie[] = {
        {FIELD(lap), 4, 2},
        {FIELD(lap), 4, 0xfffffffe},
        {FIELD(len), 2, 0},
        {FIELD(reason), 1, PORTCAM_REASON_MAX},
        {FIELD(reason), 1, 64},
        {FIELD(reason), 1, 255},
        {FIELD(ingress), 1, 16},
        {FIELD(ingress), 1, 255},
        {FIELD(egress), 1, 16},
        {FIELD(egress), 1, 255}, /* and neither dropped nor punted */
        {FIELD(flags), 1, 0x10},
        {FIELD(domain), 2, PORTCAM_BUILD_DOMAINS},
        {FIELD(address), 2, PORTCAM_BUILD_ADDRESSES},
        {FIELD(service), 2, PORTCAM_BUILD_SERVICES},
        {FIELD(backend), 2, PORTCAM_BUILD_BACKENDS},
        {FIELD(backend), 2, 0xfffe},
        {FIELD(connection), 4, 0x00ffffff},
        {FIELD(connection), 4, 0xfffffffe},
    };
    struct portcam_trace_counts c;

    (void)state;
    for (size_t i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
        assert_int_equal(trace_begin(NULL), 0);
        trace_packet(A_QUERY);
        trace_packet(A_SIX);
        trace_packet(A_QUERY);
        poke(1, lie[i].at, &lie[i].value, lie[i].size);
        unsigned n = trace_samples();
        portcam_trace_get_counts(trace_world.trace, &c);
        if (n != 2 || c.nonsense != 1)
            fail_msg("%s 0x%x: %u samples", lie[i].field, lie[i].value, n);
        trace_end();
    }
}

/* A head of any bytes, which says more than is there. */
static void wild_head(unsigned index, uint32_t *seed)
{
    uint8_t head[PORTCAM_TRACE_WINDOW];

    for (size_t k = 0; k < sizeof(head); k++) {
        *seed = *seed * 1664525 + 1013904223;
        head[k] = (uint8_t)(*seed >> 24);
    }
    bool v4 = *seed & 0x100;
    uint16_t len = (uint16_t)(*seed >> 9);
    head[12] = v4 ? 8 : 0x86;
    head[13] = v4 ? 0 : 0xdd;
    head[14] = v4 ? 0x45 : 0x60;
    head[v4 ? 16 : 18] = 0;
    poke(index, offsetof(struct portcam_trace_header, len), &len, sizeof(len));
    poke(index, sizeof(struct portcam_trace_header), head, sizeof(head));
}

static void wild_heads(void **state)
{
    static const struct portcam_trace_filter filters[] = {
        FILTER(.every = 1), FILTER(.hosts = {CLIENT}, .ports = {53}) /* which are looked for here */
    };
    struct portcam_trace_sample sample;
    uint32_t seed = 1;
    unsigned told = 0;

    (void)state;
    print_message("# seed %u\n", seed);
    for (unsigned f = 0; f < 2; f++) {
        assert_int_equal(trace_begin(&filters[f]), 0);
        for (unsigned i = 0; i < 20000; i++) {
            pc_dev_model_set_time(pc_hw_device(trace_world.pc->hw), i);
            trace_packet(A_QUERY);
            wild_head(i & 4095, &seed);
            if (portcam_trace_next(trace_world.trace, &sample) != 1)
                continue;
            told++;
            json_decref(portcam_trace_sample_json(trace_world.trace, &sample));
        }
        trace_end();
    }
    assert_true(told > 15000);
}

static void after_a_reset(void **state)
{
    struct portcam_trace_counts c;

    (void)state;
    assert_int_equal(trace_begin(&FILTER(.protocol = "udp")), 0);
    trace_packet(A_QUERY);
    assert_int_equal(trace_samples(), 1);
    portcam_trace_get_counts(trace_world.trace, &c);
    assert_int_equal(portcam_reset(trace_world.pc, trace_world.report), 0);
    for (unsigned i = 0; i < 100 && trace_reg(PORTCAM_REG_TRACE_STATUS) == 0; i++) {
        assert_int_equal(trace_samples(), 0);
        pc_pause_us(10000);
    }
    trace_packet(A_SYN);
    trace_packet(A_QUERY);
    assert_int_equal(trace_samples(), 1);
    portcam_trace_get_counts(trace_world.trace, &c);
    assert_int_equal(c.matched, 2);
    assert_int_equal(c.sampled, 2);
    assert_int_equal(c.restarts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("trace: a card that lies is skipped and counted", lies),
        TEST("trace: any bytes may be in a head", wild_heads),
        TEST("trace: goes on after a reset of the card", after_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
