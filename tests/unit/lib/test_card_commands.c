// SPDX-License-Identifier: Apache-2.0
/*
 * Commands that a card must refuse, sent through the library's ring to the model card: each gets the reason that is its
 * own and a sentence, none stops the ring, and none changes a row that packets see.
 */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG                                                                                     \
    "{'format': 1, 'domains': [{'name': 'shop'}], 'addresses': [{'address': '198.51.100.1', "      \
    "'domain': 'shop'}], 'backends': [{'name': 'a', 'address': '192.0.2.1', 'port': 8080, "        \
    "'function': 1}], 'services': [{'name': 'web', 'domain': 'shop', 'address': '198.51.100.1', "  \
    "'protocol': 'tcp', 'port': 80, 'mode': 'static', 'backends': ['a']}]}"

#define READ PORTCAM_OPCODE_ROW_READ
#define WRITE PORTCAM_OPCODE_ROW_WRITE
#define DELETE PORTCAM_OPCODE_ROW_DELETE
#define COUNTERS PORTCAM_OPCODE_COUNTER_READ
#define SELF_TEST PORTCAM_OPCODE_SELF_TEST
#define BAD_FIELD 0xff /* first byte of a row that is in range in no table but that of the device */

struct refusal {
    const char *name;
    unsigned opcode, table, row, count;
    unsigned first;   /* first byte of the data: alignment of an address, or a field of a row */
    bool in_set;      /* after an opening of a change set */
    unsigned status;  /* expected */
    const char *text; /* expected in the sentence */
};

static const struct refusal Refusals[] = {
    {"opcode that is none", 0x55, 0, 0, 0, 0, false, PORTCAM_STATUS_UNKNOWN_OPCODE,
     "unknown command"},
    {"opcode beyond the last", PORTCAM_OPCODE_MAX, 0, 0, 0, 0, false, PORTCAM_STATUS_UNKNOWN_OPCODE,
     "unknown command"},
    {"opcode 255", 255, 0, 0, 0, 0, true, PORTCAM_STATUS_UNKNOWN_OPCODE, "unknown command"},
    {"read of no table", READ, PORTCAM_TABLE_MAX, 0, 0, 0, false, PORTCAM_STATUS_UNKNOWN_TABLE,
     "unknown table"},
    {"write to no table", WRITE, 0xffff, 0, 0, 0, true, PORTCAM_STATUS_UNKNOWN_TABLE,
     "unknown table"},
    {"delete in no table", DELETE, PORTCAM_TABLE_MAX, 0, 0, 0, true, PORTCAM_STATUS_UNKNOWN_TABLE,
     "unknown table"},
    {"counters of no table", COUNTERS, PORTCAM_COUNTER_TABLE_MAX, 0, 1, 0, false,
     PORTCAM_STATUS_UNKNOWN_TABLE, "unknown table"},
    {"read beyond the table", READ, PORTCAM_TABLE_SERVICE, PORTCAM_BUILD_SERVICES, 0, 0, false,
     PORTCAM_STATUS_ROW_OUT_OF_RANGE, "the row is beyond the table"},
    {"read of the last number", READ, PORTCAM_TABLE_DEVICE, 0xffffffff, 0, 0, false,
     PORTCAM_STATUS_ROW_OUT_OF_RANGE, "the row is beyond the table"},
    {"write beyond the table", WRITE, PORTCAM_TABLE_ENDPOINT, PORTCAM_BUILD_ENDPOINT_ROWS, 0, 0,
     true, PORTCAM_STATUS_ROW_OUT_OF_RANGE, "the row is beyond the table"},
    {"delete beyond the table", DELETE, PORTCAM_TABLE_BACKEND, PORTCAM_BUILD_BACKENDS, 0, 0, true,
     PORTCAM_STATUS_ROW_OUT_OF_RANGE, "the row is beyond the table"},
    {"counters from beyond the table", COUNTERS, PORTCAM_COUNTER_TABLE_FUNCTION_RX,
     PORTCAM_BUILD_FUNCTIONS, 1, 0, false, PORTCAM_STATUS_ROW_OUT_OF_RANGE,
     "the row is beyond the table"},
    {"counters up to beyond the table", COUNTERS, PORTCAM_COUNTER_TABLE_FUNCTION_RX, 1,
     PORTCAM_BUILD_FUNCTIONS, 0, false, PORTCAM_STATUS_ROW_OUT_OF_RANGE,
     "the row is beyond the table"},
    {"no counters", COUNTERS, PORTCAM_COUNTER_TABLE_SERVICE, 0, 0, 0, false,
     PORTCAM_STATUS_BAD_LENGTH, "the count is 0 or too large"},
    {"too many counters", COUNTERS, PORTCAM_COUNTER_TABLE_SERVICE, 0, PORTCAM_BUILD_MAX_COUNT + 1,
     0, false, PORTCAM_STATUS_BAD_LENGTH, "the count is 0 or too large"},
    {"the most counters that can be written", COUNTERS, PORTCAM_COUNTER_TABLE_SERVICE, 0,
     0xffffffff, 0, false, PORTCAM_STATUS_BAD_LENGTH, "the count is 0 or too large"},
    {"row to an address between lines", READ, PORTCAM_TABLE_SERVICE, 0, 0, 8, false,
     PORTCAM_STATUS_BAD_ALIGNMENT, "the address is not a multiple of 64"},
    {"counters to an address between lines", COUNTERS, PORTCAM_COUNTER_TABLE_SERVICE, 0, 1, 63,
     false, PORTCAM_STATUS_BAD_ALIGNMENT, "the address is not a multiple of 64"},
    {"self-test from an address between lines", SELF_TEST, 0, 0, 0, 1, false,
     PORTCAM_STATUS_BAD_ALIGNMENT, "the address is not a multiple of 64"},
    {"row to memory that is not mapped", READ, PORTCAM_TABLE_SERVICE, 0, 0, 0, false,
     PORTCAM_STATUS_DMA_WRITE_ERROR, "host memory could not be written"},
    {"counters to memory that is not mapped", COUNTERS, PORTCAM_COUNTER_TABLE_SERVICE, 0, 1, 0,
     false, PORTCAM_STATUS_DMA_WRITE_ERROR, "host memory could not be written"},
    {"self-test from memory that is not mapped", SELF_TEST, 0, 0, 0, 0, false,
     PORTCAM_STATUS_DMA_READ_ERROR, "host memory could not be read"},
    {"write without a change set", WRITE, PORTCAM_TABLE_DEVICE, 0, 0, 0, false,
     PORTCAM_STATUS_NO_CHANGE_SET, "no change set is open"},
    {"delete without a change set", DELETE, PORTCAM_TABLE_SERVICE, 0, 0, 0, false,
     PORTCAM_STATUS_NO_CHANGE_SET, "no change set is open"},
    {"commit without a change set", PORTCAM_OPCODE_CHANGE_COMMIT, 0, 0, 0, 0, false,
     PORTCAM_STATUS_NO_CHANGE_SET, "no change set is open"},
    {"change set in a change set", PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0, 0, 0, true,
     PORTCAM_STATUS_CHANGE_SET_OPEN, "a change set is open already"},
    {"domain's state out of range", WRITE, PORTCAM_TABLE_DOMAIN, 0, 0, BAD_FIELD, true,
     PORTCAM_STATUS_BAD_ROW, "a field of the row is out of its range"},
    {"address of no family", WRITE, PORTCAM_TABLE_ADDRESS, 0, 0, BAD_FIELD, true,
     PORTCAM_STATUS_BAD_ROW, "a field of the row is out of its range"},
    {"backend of no family", WRITE, PORTCAM_TABLE_BACKEND, 0, 0, BAD_FIELD, true,
     PORTCAM_STATUS_BAD_ROW, "a field of the row is out of its range"},
    {"endpoint of no family", WRITE, PORTCAM_TABLE_ENDPOINT_ANY, 0, 0, BAD_FIELD, true,
     PORTCAM_STATUS_BAD_ROW, "a field of the row is out of its range"},
    {"time from the host", PORTCAM_OPCODE_SET_TIME, 0, 0, 0, 0, false, PORTCAM_STATUS_UNSUPPORTED,
     "cannot do"},
};

static void assert_rows(struct portcam *pc)
{
    struct pc_image *image = pc_image_new(portcam_get_caps(pc));
    assert_int_equal(pc_hw_read_image(pc->hw, image), 0);
    assert_int_equal(pc_image_differences(image, pc->plan->image, PORTCAM_TABLE_MAX), 0);
    pc_image_free(image);
}

/* [begin,] delete a row that runs, the command: then a commit must not make anything visible. */
static void refused(void **state)
{
    const struct refusal *r = *state;
    struct portcam_command commands[3] = {{.opcode = PORTCAM_OPCODE_CHANGE_BEGIN},
                                          {.opcode = DELETE, .table_id = PORTCAM_TABLE_SERVICE}};
    struct portcam_command end = {.opcode = PORTCAM_OPCODE_CHANGE_ABORT};
    unsigned index = 99, status = 99, n = r->in_set ? 2 : 0;
    struct portcam *pc = test_open(NULL);

    test_apply(pc, CONFIG);
    struct portcam_command *bad = &commands[n];
    *bad = (struct portcam_command){.opcode = (uint8_t)r->opcode,
                                    .table_id = (uint16_t)r->table,
                                    .row = r->row,
                                    .count = r->count};
    bad->data[0] = (uint8_t)r->first;
    assert_int_equal(pc_hw_run(pc->hw, commands, n + 1, &index, &status), -EREMOTEIO);
    assert_int_equal(index, n);
    assert_int_equal(status, r->status);
    assert_non_null(strstr(pc_hw_error(), r->text));
    if (r->in_set && r->opcode != PORTCAM_OPCODE_CHANGE_BEGIN &&
        r->status != PORTCAM_STATUS_UNKNOWN_OPCODE) {
        struct portcam_command commit = {.opcode = PORTCAM_OPCODE_CHANGE_COMMIT};
        assert_int_equal(pc_hw_run(pc->hw, &commit, 1, &index, &status), -EREMOTEIO);
        assert_int_equal(status, PORTCAM_STATUS_CHANGE_SET_FAILED);
        assert_non_null(strstr(pc_hw_error(), "a row of the change set was refused"));
    }
    assert_int_equal(pc_hw_run(pc->hw, &end, 1, NULL, NULL), 0);
    assert_rows(pc);
    assert_int_equal(pc_hw_dma_test(pc->hw), 0);
    portcam_close(pc);
}

/* What the public function takes is bounded before the card sees it. */
static void counters_out_of_range(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct portcam_counter counters[4] = {{7, 7}, {7, 7}, {7, 7}, {7, 7}};
    const struct {
        unsigned table;
        uint32_t row, count;
    } wrong[] = {{PORTCAM_COUNTER_TABLE_MAX, 0, 1},
                 {0xffffffff, 0, 1},
                 {PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_MAX, 1},
                 {PORTCAM_COUNTER_TABLE_FUNCTION_RX, PORTCAM_BUILD_FUNCTIONS - 1, 2},
                 {PORTCAM_COUNTER_TABLE_SERVICE, 2 * PORTCAM_BUILD_SERVICES, 1},
                 {PORTCAM_COUNTER_TABLE_SERVICE, 1, 0xffffffff},
                 {PORTCAM_COUNTER_TABLE_SERVICE, 0xffffffff, 2}};
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(
            portcam_counters(pc, wrong[i].table, wrong[i].row, wrong[i].count, counters), -EINVAL);
    assert_int_equal(counters[0].packets, 7);
    assert_int_equal(portcam_counters(pc, PORTCAM_COUNTER_TABLE_FUNCTION_RX,
                                      PORTCAM_BUILD_FUNCTIONS - 1, 1, counters),
                     0);
    assert_int_equal(counters[0].packets, 0);
    assert_int_equal(counters[1].packets, 7);
    portcam_close(pc);
}

int main(void)
{
    enum { N = sizeof(Refusals) / sizeof(Refusals[0]) };
    struct CMUnitTest tests[N + 1];

    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < N; i++)
        tests[i] = (struct CMUnitTest){Refusals[i].name, refused, NULL, NULL,
                                       (void *)(uintptr_t)&Refusals[i]};
    tests[N] = (struct CMUnitTest){"counters beyond their tables", counters_out_of_range, NULL,
                                   NULL, NULL};
    return cmocka_run_group_tests_name("card commands", tests, NULL, NULL);
}
