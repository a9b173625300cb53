// SPDX-License-Identifier: Apache-2.0
/* What the device refuses: the status of each bad command, the first bad value of each field of a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device_commands.h"

/* Slots of the default build. */
enum { SLOTS = 65536 + 16 + 16384 + 16 };

static void statuses(void **state)
{
    static const struct {
        struct portcam_command c;
        bool open; /* in a change set */
        unsigned status;
    } cases[] = {
        {{.opcode = OP(NOP), .table_id = 99, .row = ~0u, .count = ~0u}, false, S(OK)},
        {{.opcode = OP(SET_TIME)}, false, S(UNSUPPORTED)},
        {{.opcode = OP(CHANGE_COMMIT)}, false, S(NO_CHANGE_SET)},
        {{.opcode = OP(CHANGE_BEGIN)}, true, S(CHANGE_SET_OPEN)},
        /* table before row before change set before fields */
        {{.opcode = OP(ROW_WRITE), .table_id = 13, .row = ~0u}, false, S(UNKNOWN_TABLE)},
        {{.opcode = OP(ROW_WRITE), .table_id = 0x106}, true, S(UNKNOWN_TABLE)},
        {{.opcode = OP(ROW_WRITE), .table_id = T(FUNCTION), .row = 16}, false, S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(ROW_WRITE), .table_id = T(BACKEND), .row = ~0u}, true, S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(ROW_WRITE), .table_id = T(BACKEND)}, false, S(NO_CHANGE_SET)},
        {{.opcode = OP(ROW_WRITE), .table_id = T(BACKEND)}, true, S(BAD_ROW)},
        {{.opcode = OP(ROW_DELETE), .table_id = T(BACKEND), .data = {255}}, true, S(OK)},
        {{.opcode = OP(ROW_DELETE), .table_id = T(BACKEND)}, false, S(NO_CHANGE_SET)},
        {{.opcode = OP(ROW_DELETE), .table_id = T(ENDPOINT_ANY), .row = 512},
         true,
         S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(ROW_READ), .table_id = 0xffff, .data = {1}}, false, S(UNKNOWN_TABLE)},
        {{.opcode = OP(ROW_READ), .table_id = T(DOMAIN), .row = 256, .data = {1}},
         false,
         S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(ROW_READ), .table_id = T(DOMAIN), .data = {32}}, true, S(BAD_ALIGNMENT)},
        /* table, row, count, last row, address */
        {{.opcode = OP(COUNTER_READ), .table_id = 7, .row = ~0u}, false, S(UNKNOWN_TABLE)},
        {{.opcode = OP(COUNTER_READ), .row = 64}, false, S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(COUNTER_READ), .data = {1}}, false, S(BAD_LENGTH)},
        {{.opcode = OP(COUNTER_READ), .table_id = 6, .count = 1025}, false, S(BAD_LENGTH)},
        {{.opcode = OP(COUNTER_READ), .row = 60, .count = 5, .data = {1}},
         false,
         S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(COUNTER_READ), .row = 60, .count = 4, .data = {1}}, false, S(BAD_ALIGNMENT)},
        {{.opcode = OP(COUNTER_READ), .table_id = 6, .row = 7168, .count = 1024}, false, S(OK)},
        {{.opcode = OP(BACKEND_READ), .row = 4096}, false, S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(BACKEND_READ), .table_id = 99}, false, S(BAD_LENGTH)},
        {{.opcode = OP(BACKEND_READ), .row = 4095, .count = 2, .data = {1}},
         false,
         S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(BACKEND_READ), .row = 4095, .count = 1, .data = {32}},
         false,
         S(BAD_ALIGNMENT)},
        {{.opcode = OP(BACKEND_READ), .row = 3072, .count = 1024}, true, S(OK)},
        {{.opcode = OP(CONNECTION_READ), .row = SLOTS}, false, S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(CONNECTION_READ), .table_id = 99}, false, S(BAD_LENGTH)},
        {{.opcode = OP(CONNECTION_READ), .count = 1025}, false, S(BAD_LENGTH)},
        {{.opcode = OP(CONNECTION_READ), .row = SLOTS - 1, .count = 2, .data = {1}},
         false,
         S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(CONNECTION_READ), .row = SLOTS - 1, .count = 1, .data = {63}},
         false,
         S(BAD_ALIGNMENT)},
        {{.opcode = OP(CONNECTION_DELETE), .row = SLOTS, .data = {1}}, false, S(ROW_OUT_OF_RANGE)},
        {{.opcode = OP(CONNECTION_DELETE), .row = SLOTS - 1, .data = {32}},
         false,
         S(BAD_ALIGNMENT)},
        {{.opcode = OP(CONNECTION_DELETE), .row = SLOTS - 1}, true, S(NOT_FOUND)},
        {{.opcode = OP(CONNECTION_INSERT), .data = {1}}, false, S(BAD_LENGTH)},
        {{.opcode = OP(CONNECTION_INSERT), .count = 1025, .row = SLOTS}, false, S(BAD_LENGTH)},
        {{.opcode = OP(CONNECTION_INSERT), .count = 1024, .data = {32}}, false, S(BAD_ALIGNMENT)},
        {{.opcode = OP(CONNECTION_INSERT), .count = 1024, .row = SLOTS}, true, S(OK)},
        {{.opcode = OP(SELF_TEST), .data = {32}}, false, S(BAD_ALIGNMENT)},
        {{.opcode = OP(SELF_TEST), .data = {[8] = 1}}, true, S(BAD_ALIGNMENT)},
        {{.opcode = OP(SELF_TEST), .data = {64}}, true, S(OK)},
    };
    struct pc_device *d = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (cases[i].open)
            assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
        unsigned status = run(d, &cases[i].c);
        if (status != cases[i].status)
            print_message("# case %zu\n", i);
        assert_int_equal(status, cases[i].status);
        if (status != S(OK)) {
            assert_int_equal(Result.answer_len, 0);
            assert_int_equal(Result.result, 0);
        }
        assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK));
        expect_generation(d, 1);
    }
}

/* The largest good and the smallest bad value of each field, in a row that is good otherwise. */
static const struct field {
    unsigned table, at, size, good, bad, status;
} Fields[] = {
    {T(FUNCTION), 6, 2, 255, 256, S(BAD_ROW)},
    {T(FUNCTION), 8, 1, 7, 8, S(BAD_ROW)},
    {T(DOMAIN), 0, 1, 3, 4, S(BAD_ROW)},
    {T(DOMAIN), 1, 1, 2, 3, S(BAD_ROW)},
    {T(DOMAIN), 2, 1, 15, 16, S(BAD_ROW)},
    {T(ADDRESS), 16, 1, 4, 5, S(BAD_ROW)},
    {T(ADDRESS), 16, 1, 6, 7, S(BAD_ROW)},
    {T(ADDRESS), 16, 1, 4, 0, S(BAD_ROW)},
    {T(ADDRESS), 17, 1, 32, 33, S(BAD_ROW)},
    {T(ADDRESS), 18, 2, 4094, 4095, S(BAD_ROW)},
    {T(ADDRESS), 18, 2, 0xffff, 0xfffe, S(BAD_ROW)},
    {T(ADDRESS), 20, 2, 255, 256, S(BAD_ROW)},
    {T(ADDRESS), 22, 2, 255, 256, S(BAD_ROW)},
    {T(ADDRESS), 24, 1, 15, 16, S(BAD_ROW)},
    {T(SERVICE), 0, 2, 255, 256, S(BAD_ROW)},
    {T(SERVICE), 2, 2, 255, 256, S(BAD_ROW)},
    {T(SERVICE), 2, 2, 0xffff, 0xfffe, S(BAD_ROW)},
    {T(SERVICE), 7, 1, 7, 8, S(BAD_ROW)},
    {T(SERVICE), 8, 1, 0, 1, S(BAD_ROW)}, /* stateful without exact_port and keeps_port */
    {T(SERVICE), 8, 1, 2, 3, S(BAD_ROW)},
    {T(SERVICE), 14, 2, 0, 1, S(BAD_ROW)},
    {T(SERVICE), 16, 2, 0, 256, S(BAD_ROW)},
    {T(SERVICE), 18, 1, 0, 1, S(BAD_ROW)},
    {T(SERVICE), 19, 1, 0, 1, S(BAD_ROW)},
    {T(SERVICE), 20, 1, 0, 1, S(BAD_ROW)},
    {T(SERVICE), 21, 1, 0, 1, S(BAD_ROW)},
    {T(SERVICE), 22, 1, 0, 1, S(BAD_ROW)},
    {T(SERVICE), 9, 1, 0, 1, S(BAD_ROW)},
    {T(SERVICE), 10, 2, 1023, 1024, S(BAD_ROW)},
    {T(SERVICE), 12, 2, 4095, 4096, S(BAD_ROW)},
    {T(BACKEND), 16, 1, 6, 7, S(BAD_ROW)},
    {T(BACKEND), 17, 1, 1, 2, S(BAD_ROW)},
    {T(BACKEND), 26, 1, 15, 16, S(BAD_ROW)},
    {T(BACKEND), 27, 1, 0, 1, S(BAD_ROW)},
    {T(BACKEND), 30, 2, 4095, 4096, S(BAD_ROW)},
    {T(ENDPOINT), 16, 1, 4, 3, S(BAD_ROW)},
    {T(ENDPOINT), 38, 2, 1023, 1024, S(BAD_ROW)},
    {T(ENDPOINT), 40, 2, 4095, 4096, S(BAD_ROW)},
    {T(ENDPOINT_ANY_PORT), 42, 2, 255, 256, S(BAD_ROW)},
    {T(ENDPOINT_ANY_PORT), 44, 2, 255, 256, S(BAD_ROW)},
    {T(ENDPOINT_ANY), 46, 1, 31, 32, S(BAD_ROW)},
    {T(ENDPOINT_ANY), 47, 1, 0, 1, S(BAD_ROW)},
    {T(SCHEDULE), 0, 2, 4095, 4096, S(BAD_ROW)},
    {T(SCHEDULE), 30, 2, 0xffff, 0xfffe, S(BAD_ROW)},
    {T(TIMEOUT), 0, 4, 0x7fffffff, 0x80000000, S(BAD_ROW)},
    {T(TIMEOUT), 12, 4, 1, 0, S(BAD_ROW)},
    {T(TIMEOUT), 28, 4, 1, 0, S(BAD_ROW)},
    {T(TIMEOUT), 32, 2, 255, 256, S(BAD_ROW)},
    {T(PUBLIC), 16, 1, 6, 5, S(BAD_ROW)},
};

/* Where the reserved bytes of a table's rows begin. */
static const unsigned Reserved[PORTCAM_TABLE_MAX] = {6,  9,  3,  25, 23, 32, 48,
                                                     48, 48, 32, 34, 17, 24};

/* Stateful services: what decides, from the smallest good row on. */
static void stateful_fields(void **state)
{
    struct pc_device *d = *state;
    const struct portcam_service_row good = {.mode = PORTCAM_MODE_STATEFUL,
                                             .flags = PORTCAM_SERVICE_ROW_EXACT_PORT};
    static const struct {
        unsigned at, size, good, bad, status;
        unsigned pick;
    } cases[] = {
        {7, 1, 5, 0, S(BAD_ROW), 0},                                      /* flags */
        {7, 1, 4, 2, S(BAD_ROW), 0},        {12, 2, 0, 1, S(BAD_ROW), 0}, /* backend */
        {14, 2, 1023, 1024, S(BAD_ROW), 0},                               /* group */
        {16, 2, 8191, 8192, S(BAD_ROW), 0},                               /* schedule */
        {18, 1, 16, 17, S(BAD_ROW), 0},                                   /* slots_log2 */
        {19, 1, 3, 4, S(BAD_ROW), 0},                                     /* pick */
        {20, 1, 2, 4, S(BAD_ROW), 0},                                     /* no_record */
        {20, 1, 2, 3, S(BAD_ROW), 0},       {20, 1, 2, 3, S(BAD_ROW), 3},
        {20, 1, 3, 4, S(BAD_ROW), 1},       {20, 1, 3, 4, S(BAD_ROW), 2},
        {21, 1, 1, 2, S(BAD_ROW), 0}, /* no_backend */
        {22, 1, 0, 1, S(BAD_ROW), 0}, /* full */
        {22, 1, 0, 1, S(BAD_ROW), 3},       {22, 1, 1, 3, S(BAD_ROW), 1},
        {22, 1, 2, 1, S(BAD_ROW), 0},
    };
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct portcam_service_row row = good;
        row.pick = (uint8_t)cases[i].pick;
        memcpy((uint8_t *)&row + cases[i].at, &cases[i].good, cases[i].size);
        assert_int_equal(write_row(d, T(SERVICE), 0, &row), S(OK));
        memcpy((uint8_t *)&row + cases[i].at, &cases[i].bad, cases[i].size);
        assert_int_equal(write_row(d, T(SERVICE), 0, &row), cases[i].status);
    }
    /* The slot table ends inside table schedule; fewer than eight slots take a row. */
    for (unsigned log2 = 0; log2 <= 16; log2++) {
        struct portcam_service_row row = good;
        unsigned rows = log2 < 3 ? 1 : 1u << (log2 - 3);
        row.slots_log2 = (uint8_t)log2;
        row.schedule = (uint16_t)(8192 - rows);
        assert_int_equal(write_row(d, T(SERVICE), 0, &row), S(OK));
        row.schedule++;
        assert_int_equal(write_row(d, T(SERVICE), 0, &row), S(BAD_ROW));
    }
    assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK));
}

/* A build without records says so, and refuses what needs them. */
static void without_connections(void **state)
{
    (void)state;
    struct pc_sizes sizes = pc_sizes_default();
    sizes.connection_rows = sizes.connection_rows_v6 = 0;
    struct pc_device *d = pc_device_new(&sizes);
    assert_non_null(d);
    struct portcam_service_row service = {.mode = PORTCAM_MODE_STATEFUL,
                                          .flags = PORTCAM_SERVICE_ROW_EXACT_PORT};
    struct portcam_endpoint_row endpoint = {.family = 4, .flags = PORTCAM_ENDPOINT_ROW_STATEFUL};
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    assert_int_equal(write_row(d, T(SERVICE), 0, &service), S(UNSUPPORTED));
    service.flags = 0;
    assert_int_equal(write_row(d, T(SERVICE), 0, &service), S(BAD_ROW));
    assert_int_equal(write_row(d, T(ENDPOINT), 0, &endpoint), S(UNSUPPORTED));
    endpoint.flags = PORTCAM_ENDPOINT_ROW_ALONE;
    assert_int_equal(write_row(d, T(ENDPOINT), 0, &endpoint), S(OK));
    assert_int_equal(run_op(d, OP(BACKEND_READ)), S(UNSUPPORTED));
    assert_int_equal(run_op(d, OP(CONNECTION_READ)), S(UNSUPPORTED));
    assert_int_equal(run_op(d, OP(CONNECTION_DELETE)), S(UNSUPPORTED));
    assert_null(pc_device_connections(d));
    assert_int_equal(pc_device_age(d, 1, 1), 0);
    pc_device_reset(d);
    pc_device_free(d);
}

static void fields(void **state)
{
    struct pc_device *d = *state;
    for (size_t i = 0; i < sizeof(Fields) / sizeof(Fields[0]); i++) {
        const struct field *f = &Fields[i];
        uint8_t row[PC_ROW_BYTES];
        plain_row(f->table, row);
        assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
        memcpy(row + f->at, &f->good, f->size); /* little-endian, as the rows are */
        assert_int_equal(write_row(d, f->table, 0, row), S(OK));
        memcpy(row + f->at, &f->bad, f->size);
        unsigned status = write_row(d, f->table, 0, row);
        if (status != f->status)
            print_message("# table %u byte %u value %u\n", f->table, f->at, f->bad);
        assert_int_equal(status, f->status);
        assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK));
    }
    struct portcam_address_row v6 = {.family = 6, .prefix = 128};
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    assert_int_equal(write_row(d, T(ADDRESS), 0, &v6), S(OK));
    v6.prefix = 129;
    assert_int_equal(write_row(d, T(ADDRESS), 0, &v6), S(BAD_ROW));
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++) {
        uint8_t row[PC_ROW_BYTES];
        plain_row(table, row);
        assert_int_equal(write_row(d, table, 0, row), S(OK));
        for (unsigned at = Reserved[table]; at < PC_ROW_BYTES; at++) {
            row[at] = 1;
            assert_int_equal(write_row(d, table, 0, row), S(BAD_ROW));
            row[at] = 0;
        }
    }
    assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK));
    expect_generation(d, 1);
}

static void unknown_opcodes(void **state)
{
    static const uint8_t known[] = {0, 1, 2, 3, 16, 17, 18, 32, 33, 48, 49, 64, 65, 66, 67, 68};
    for (unsigned opcode = 0; opcode < 256; opcode++)
        if (!memchr(known, (int)opcode, sizeof(known)))
            assert_int_equal(run_op(*state, opcode), S(UNKNOWN_OPCODE));
    expect_generation(*state, 1);
}

static void counters(void **state)
{
    struct pc_device *d = *state;
    static const unsigned sizes[] = {64, 16, 16, 512, 512, 2048, 8192, 0};
    struct portcam_counter_row rows[3];
    struct portcam_command c = {.opcode = OP(COUNTER_READ),
                                .table_id = PORTCAM_COUNTER_TABLE_SERVICE,
                                .row = 9,
                                .count = 3};
    for (unsigned table = 0; table <= PORTCAM_COUNTER_TABLE_MAX; table++)
        assert_int_equal(pc_device_counter_rows(d, table), sizes[table]);
    expect_generation(d, 1);
    expect_generation(d, 1);
    assert_int_equal(run(d, &c), S(OK));
    assert_int_equal(Result.result, 3);
    assert_int_equal(Result.answer_len, sizeof(rows));
    memcpy(rows, Result.answer, sizeof(rows));
    for (unsigned i = 0; i < 3; i++) { /* rows 9 and 11 are replies, there were none */
        assert_int_equal(rows[i].packets, i == 1 ? 2 : 0);
        assert_int_equal(rows[i].octets, i == 1 ? 2 * 54 : 0);
    }
}

static void sizes(void **state)
{
    static const struct {
        size_t at;
        unsigned smallest, largest;
    } limits[] = {
#define LIMIT(name, smallest, largest) {offsetof(struct pc_sizes, name), smallest, largest}
        LIMIT(functions, 2, 16),
        LIMIT(domains, 2, 32768),
        LIMIT(addresses, 2, 2048),
        LIMIT(services, 2, 2048),
        LIMIT(backends, 2, 32768),
        LIMIT(endpoint_ways, 1, 16),
        LIMIT(endpoint_rows, 8, 65536),
        LIMIT(endpoint_any_port_rows, 8, 65536),
        LIMIT(endpoint_any_rows, 8, 65536),
        LIMIT(max_frame, 128, 16320),
        LIMIT(connection_rows, 16, 1048576),
        LIMIT(connection_rows_v6, 16, 1048576),
        LIMIT(connection_stash, 2, 64),
        LIMIT(schedule_rows, 2, 8192),
#undef LIMIT
    };
    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        unsigned edge[] = {limits[i].smallest, limits[i].largest, limits[i].smallest - 1,
                           limits[i].largest + 1, 2 * limits[i].largest};
        for (unsigned k = 0; k < 5; k++) {
            struct pc_sizes s = pc_sizes_default();
            memcpy((char *)&s + limits[i].at, &edge[k], sizeof(edge[k]));
            struct pc_device *d = pc_device_new(&s);
            if ((d != NULL) != (k < 2))
                print_message("# size %zu of value %u\n", i, edge[k]);
            assert_int_equal(d != NULL, k < 2);
            pc_device_free(d);
        }
    }
    /* The last counter of the last backend that a build can have is named with 16 bits. */
    struct pc_sizes s = pc_sizes_default();
    s.backends = 32768;
    struct pc_device *d = pc_device_new(&s);
    assert_non_null(d);
    assert_int_equal(pc_device_counter_rows(d, PORTCAM_COUNTER_TABLE_BACKEND), 65536);
    struct portcam_command c = {.opcode = OP(COUNTER_READ),
                                .table_id = PORTCAM_COUNTER_TABLE_BACKEND,
                                .row = 65535,
                                .count = 1};
    assert_int_equal(run(d, &c), S(OK));
    c.row++;
    assert_int_equal(run(d, &c), S(ROW_OUT_OF_RANGE));
    pc_device_free(d);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("commands: each status, in the order of the checks; packets go on", statuses),
        TEST("commands: each field of each table at its limit, reserved bytes", fields),
        TEST("commands: fields of a stateful service, and where its slot table ends",
             stateful_fields),
        TEST("a build without connections refuses what needs them", without_connections),
        TEST("commands: all opcodes without a name are unknown_opcode", unknown_opcodes),
        TEST("commands: counter_read gives packets and octets of the rows asked for", counters),
        TEST("sizes: the largest and smallest builds, and none beyond", sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
