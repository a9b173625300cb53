// SPDX-License-Identifier: Apache-2.0
/* The inject ring: docs/pipeline.md section 9. What the host can do wrong must end in a status and never in a frame that it
 * did not write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "punt_bench.h"

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

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("inject: frames leave unchanged, in order, counted once", injected_frames),
        TEST("inject: bad descriptors are skipped and counted", refused_descriptors),
        TEST("inject: a doorbell too far ahead stops the ring", inject_doorbell),
        TEST("inject: a DMA error stops this ring only, nothing in part", inject_dma_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
