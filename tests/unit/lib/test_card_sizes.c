// SPDX-License-Identifier: Apache-2.0
/*
 * Sizes that a card tells: the library opens the largest that a build can have and refuses what none has, in words, before it
 * sizes or indexes anything by them. The card is the model's; the linker lets one capability register of it lie.
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include "lib/src/card/hw.h"

static uint32_t LyingOffset, Lie;

struct pc_card;
uint32_t __real_pc_card_reg_read(struct pc_card *card, uint32_t offset);
uint32_t __wrap_pc_card_reg_read(struct pc_card *card, uint32_t offset);
uint32_t __wrap_pc_card_reg_read(struct pc_card *card, uint32_t offset)
{
    uint32_t value = __real_pc_card_reg_read(card, offset);
    return offset == LyingOffset ? Lie : value;
}

/* The result of opening a card whose register says this. */
static int open_with(uint32_t offset, uint32_t value)
{
    struct portcam_report report = {.errors.count = 0};
    struct pc_hw *hw = NULL;
    LyingOffset = offset;
    Lie = value;
    int rc = pc_hw_open("model:", NULL, NULL, &report, &hw);
    if (rc == 0)
        pc_hw_close(hw);
    else
        assert_non_null(
            strstr(test_messages(&report), "its capability registers tell impossible sizes"));
    return rc;
}

/* Each number has two rows of counters, which the card names with 16 bits: 32,768 is the most. */
static void numbers(void **state)
{
    static const uint32_t registers[] = {PORTCAM_REG_CAP_DOMAINS, PORTCAM_REG_CAP_ADDRESSES,
                                         PORTCAM_REG_CAP_SERVICES, PORTCAM_REG_CAP_BACKENDS};
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(open_with(registers[i], 2), 0);
        assert_int_equal(open_with(registers[i], 32768), 0);
        assert_int_equal(open_with(registers[i], 0), -EPROTO);
        assert_int_equal(open_with(registers[i], 32769), -EPROTO);
        assert_int_equal(open_with(registers[i], 65536), -EPROTO);
        assert_int_equal(open_with(registers[i], UINT32_MAX), -EPROTO);
    }
}

static void endpoints(void **state)
{
    static const uint32_t registers[] = {PORTCAM_REG_CAP_ENDPOINTS,
                                         PORTCAM_REG_CAP_ENDPOINTS_ANY_PORT,
                                         PORTCAM_REG_CAP_ENDPOINTS_ANY};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t offset = registers[i];
        assert_int_equal(open_with(offset, 65536 | 16u << PORTCAM_CAP_ENDPOINTS_WAYS_SHIFT), 0);
        assert_int_equal(open_with(offset, 2 | 1u << PORTCAM_CAP_ENDPOINTS_WAYS_SHIFT), 0);
        assert_int_equal(open_with(offset, 64), -EPROTO); /* no ways */
        assert_int_equal(open_with(offset, 4u << PORTCAM_CAP_ENDPOINTS_WAYS_SHIFT), -EPROTO);
        assert_int_equal(open_with(offset, 66 | 4u << PORTCAM_CAP_ENDPOINTS_WAYS_SHIFT), -EPROTO);
        assert_int_equal(open_with(offset, 64 | 32u << PORTCAM_CAP_ENDPOINTS_WAYS_SHIFT), -EPROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"sizes: domains, addresses, services and backends up to 32,768", numbers, NULL, NULL,
         NULL},
        {"sizes: rows and ways of the endpoint tables", endpoints, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
