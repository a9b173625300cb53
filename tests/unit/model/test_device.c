// SPDX-License-Identifier: Apache-2.0
/* Commands of the device without the registers: change sets (section 9 of the packet semantics), the statuses of
 * docs/pipeline.md section 6, answers, reset. What packets see is asked by packets, not only by row_read. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/rng.h"
#include "world.h"

#define OP(name) PORTCAM_OPCODE_##name
#define S(name) PORTCAM_STATUS_##name
#define T(name) PORTCAM_TABLE_##name

static struct pc_command_result Result; /* of the last command */

static unsigned run(struct pc_device *d, const struct portcam_command *c)
{
    memset(&Result, 0xee, sizeof(Result));
    pc_device_command(d, c, &Result);
    return Result.status;
}

static unsigned run_op(struct pc_device *d, unsigned opcode)
{
    return run(d, &(struct portcam_command){.opcode = (uint8_t)opcode});
}

static unsigned write_row(struct pc_device *d, unsigned table, unsigned row, const void *data)
{
    struct portcam_command c = {.opcode = OP(ROW_WRITE), .table_id = (uint16_t)table, .row = row};
    memcpy(c.data, data, sizeof(c.data));
    return run(d, &c);
}

static unsigned delete_row(struct pc_device *d, unsigned table, unsigned row)
{
    struct portcam_command c = {.opcode = OP(ROW_DELETE), .table_id = (uint16_t)table, .row = row};
    return run(d, &c);
}

static struct portcam_row_image read_row(struct pc_device *d, unsigned table, unsigned row)
{
    struct portcam_command c = {.opcode = OP(ROW_READ), .table_id = (uint16_t)table, .row = row};
    struct portcam_row_image image;
    assert_int_equal(run(d, &c), S(OK));
    assert_int_equal(Result.answer_len, sizeof(image));
    memcpy(&image, Result.answer, sizeof(image));
    return image;
}

/* Services 0 to 63 on ports 1000 to 1063 of one address, service i to backend i. */
enum { SERVICES = 64 };

static struct portcam_backend_row backend(unsigned generation, unsigned i)
{
    return (struct portcam_backend_row){.ip = {10, (uint8_t)generation, 0, (uint8_t)i},
                                        .family = PORTCAM_FAMILY_4,
                                        .port = (uint16_t)(1000 * generation + i),
                                        .egress = 1};
}

static void write_generation(struct pc_device *d, unsigned generation)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        struct portcam_backend_row b = backend(generation, i);
        assert_int_equal(write_row(d, T(BACKEND), i, &b), S(OK));
    }
}

static int setup(void **state)
{
    struct pc_device *d = new_device();
    *state = d;
    if (!d)
        return -1;
    set_domain(d, 0, 0, PORTCAM_POLICY_DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    for (unsigned i = 0; i < SERVICES; i++)
        set_service(d, i, 0, 0, TCP, (int)(1000 + i), PORTCAM_MODE_STATIC, i, i);
    world_build(d);
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    write_generation(d, 1);
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    return 0;
}

static int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

/* Every service sends to this generation of backends: both address and port. */
static void expect_generation(struct pc_device *d, unsigned generation)
{
    for (unsigned i = 0; i < SERVICES; i++) {
        char ip[16];
        struct frame_spec s = {.src = "192.0.2.9",
                               .dst = "198.51.100.1",
                               .protocol = TCP,
                               .sport = 40000,
                               .dport = (uint16_t)(1000 + i)};
        struct frame f = build_frame(&s);
        snprintf(ip, sizeof(ip), "10.%u.0.%u", generation, i);
        s.dst = ip;
        s.dport = (uint16_t)(1000 * generation + i);
        struct frame want = build_frame(&s);
        assert_int_equal(send_frame(d, &f, 0).reason, PORTCAM_REASON_STATIC_FORWARD);
        assert_memory_equal(f.b, want.b, want.len);
    }
}

static void atomic(void **state)
{
    struct pc_device *d = *state;
    for (unsigned generation = 2; generation < 6; generation++) {
        unsigned epoch = pc_device_epoch(d);
        assert_false(pc_device_change_open(d));
        assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
        assert_true(pc_device_change_open(d));
        for (unsigned i = 0; i < SERVICES; i++) {
            struct portcam_backend_row b = backend(generation, i);
            assert_int_equal(write_row(d, T(BACKEND), i, &b), S(OK));
            if (i % 16 == 7)
                expect_generation(d, generation - 1);
        }
        struct portcam_backend_row old = backend(generation - 1, 5);
        struct portcam_row_image image = read_row(d, T(BACKEND), 5);
        assert_memory_equal(image.data, &old, sizeof(old));
        assert_int_equal(pc_device_epoch(d), epoch);
        assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
        assert_int_equal(pc_device_epoch(d), epoch ^ 1);
        expect_generation(d, generation);
    }
}

static void aborted(void **state)
{
    struct pc_device *d = *state;
    unsigned epoch = pc_device_epoch(d);
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    write_generation(d, 2);
    assert_int_equal(delete_row(d, T(DOMAIN), 0), S(OK));
    assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK));
    assert_int_equal(pc_device_epoch(d), epoch);
    expect_generation(d, 1);
    /* Nothing of it comes with a later commit either. */
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    expect_generation(d, 1);
    assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK)); /* without a change set: nothing */
    expect_generation(d, 1);
}

/* Each kind of refused row makes the whole set fail, good rows before and after it included. */
static void refused(void **state)
{
    struct pc_device *d = *state;
    struct portcam_backend_row bad = backend(2, 0);
    const struct portcam_limits_row limits = {.punt_reasons = 1ull << PORTCAM_REASON_NON_IP};
    for (unsigned kind = 0; kind < 5; kind++) {
        assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
        write_generation(d, 2);
        if (kind == 0) {
            bad.family = 5;
            assert_int_equal(write_row(d, T(BACKEND), 0, &bad), S(BAD_ROW));
        } else if (kind == 1) {
            assert_int_equal(write_row(d, T(LIMITS), 0, &limits), S(BAD_ROW));
        } else if (kind == 2) {
            assert_int_equal(write_row(d, PORTCAM_TABLE_MAX, 0, &bad), S(UNKNOWN_TABLE));
        } else if (kind == 3) {
            assert_int_equal(write_row(d, T(DEVICE), 1, &bad), S(ROW_OUT_OF_RANGE));
        } else {
            assert_int_equal(delete_row(d, T(BACKEND), PORTCAM_BUILD_BACKENDS),
                             S(ROW_OUT_OF_RANGE));
        }
        write_generation(d, 3);
        assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(CHANGE_SET_FAILED));
        assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(CHANGE_SET_FAILED));
        assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(CHANGE_SET_OPEN));
        assert_true(pc_device_change_open(d));
        expect_generation(d, 1);
        assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK));
        expect_generation(d, 1);
    }
    /* Commands that are no rows of the set do not make it fail. */
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    write_generation(d, 4);
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(CHANGE_SET_OPEN));
    assert_int_equal(run_op(d, 0xff), S(UNKNOWN_OPCODE));
    assert_int_equal(run_op(d, OP(COUNTER_READ)), S(BAD_LENGTH));
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    expect_generation(d, 4);
}

/* Two banks that take turns must never show a row of two commits ago: random sets of random rows, written, deleted,
 * committed or aborted, against a plain array, every row read back after each. */
static void banks(void **state)
{
    struct pc_device *d = *state;
    struct pc_rng r = pc_rng_stream(1, "banks");
    struct portcam_backend_row now[SERVICES], next[SERVICES], none = {.family = 0};
    printf("# seed 1\n");
    for (unsigned i = 0; i < SERVICES; i++)
        now[i] = backend(1, i);
    for (unsigned set = 0; set < 2000; set++) {
        memcpy(next, now, sizeof(next));
        assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
        for (unsigned n = pc_rng_below(&r, set % 100 ? 8 : 300); n > 0; n--) {
            unsigned i = pc_rng_below(&r, SERVICES);
            next[i] = pc_rng_chance(&r, 40) ? none : backend(pc_rng_below(&r, 64), i);
            assert_int_equal(next[i].family ? write_row(d, T(BACKEND), i, &next[i])
                                            : delete_row(d, T(BACKEND), i),
                             S(OK));
        }
        if (pc_rng_chance(&r, 70)) {
            memcpy(now, next, sizeof(now));
            assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
        } else {
            assert_int_equal(run_op(d, OP(CHANGE_ABORT)), S(OK));
        }
        for (unsigned i = 0; i < SERVICES; i++) {
            struct portcam_row_image image = read_row(d, T(BACKEND), i);
            assert_int_equal(image.flags, now[i].family ? PORTCAM_ROW_IMAGE_VALID : 0);
            assert_memory_equal(image.data, &now[i], sizeof(now[i]));
        }
    }
}

/* What waits for the commit is one entry a row, however often a row is written: a set that writes and deletes the last row of
 * each table a million times and is never closed needs no memory, and the last word counts. */
static void again(void **state)
{
    struct pc_device *d = *state;
    struct portcam_backend_row b = backend(9, 0);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    for (unsigned n = 0; n < 1000000; n++) {
        unsigned table = n % PORTCAM_TABLE_MAX;
        unsigned last = pc_tables_rows(pc_device_tables(d), table) - 1;
        if (table == T(BACKEND))
            b.port = (uint16_t)n;
        assert_int_equal(table == T(BACKEND) ? write_row(d, table, last, &b)
                                             : delete_row(d, table, last),
                         S(OK));
    }
    assert_int_equal(mallinfo2().uordblks + mallinfo2().hblkhd, before);
    expect_generation(d, 1);
    /* Written, deleted, written; and written, then deleted. */
    assert_int_equal(delete_row(d, T(BACKEND), PORTCAM_BUILD_BACKENDS - 1), S(OK));
    assert_int_equal(write_row(d, T(BACKEND), PORTCAM_BUILD_BACKENDS - 1, &b), S(OK));
    assert_int_equal(write_row(d, T(BACKEND), PORTCAM_BUILD_BACKENDS - 2, &b), S(OK));
    assert_int_equal(delete_row(d, T(BACKEND), PORTCAM_BUILD_BACKENDS - 2), S(OK));
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    struct portcam_row_image image = read_row(d, T(BACKEND), PORTCAM_BUILD_BACKENDS - 1);
    assert_int_equal(image.flags, PORTCAM_ROW_IMAGE_VALID);
    assert_memory_equal(image.data, &b, sizeof(b));
    assert_int_equal(read_row(d, T(BACKEND), PORTCAM_BUILD_BACKENDS - 2).flags, 0);
    expect_generation(d, 1);
}

/* A row without any meaning that its table takes. */
static void plain_row(unsigned table, uint8_t row[PC_ROW_BYTES])
{
    static const uint8_t family_at[PORTCAM_TABLE_MAX] = {
        [T(ADDRESS)] = 16,           [T(BACKEND)] = 16,      [T(ENDPOINT)] = 16,
        [T(ENDPOINT_ANY_PORT)] = 16, [T(ENDPOINT_ANY)] = 16, [T(PUBLIC)] = 16};
    memset(row, 0, PC_ROW_BYTES);
    if (family_at[table])
        row[family_at[table]] = 4;
    for (unsigned i = 0; table == T(TIMEOUT) && i < 8; i++)
        row[4 * i] = 1;
}

/* The largest set that there can be: every row of every table, in one. */
static void every_row(void **state)
{
    struct pc_device *d = *state;
    const struct pc_tables *tables = pc_device_tables(d);
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++)
        for (unsigned row = 0; row < pc_tables_rows(tables, table); row++) {
            uint8_t data[PC_ROW_BYTES];
            plain_row(table, data);
            assert_int_equal(write_row(d, table, row, data), S(OK));
        }
    expect_generation(d, 1);
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++)
        for (unsigned row = 0; row < pc_tables_rows(tables, table); row++)
            assert_int_equal(read_row(d, table, row).flags, PORTCAM_ROW_IMAGE_VALID);
}

/* A set of thousands of rows, after which the list is as good as new: all backends, twice. */
static void thousands(void **state)
{
    struct pc_device *d = *state;
    for (unsigned generation = 2; generation < 4; generation++) {
        assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
        for (unsigned i = 0; i < PORTCAM_BUILD_BACKENDS; i++) {
            struct portcam_backend_row b = backend(generation, i);
            assert_int_equal(write_row(d, T(BACKEND), i, &b), S(OK));
        }
        expect_generation(d, generation - 1);
        assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
        expect_generation(d, generation);
    }
}

static void other_domain(void **state)
{
    struct pc_device *d = *state;
    struct portcam_domain_row domain = {.state = PORTCAM_DOMAIN_STATE_STOPPED};
    struct portcam_address_row address = {.ip = {203, 0, 113},
                                          .family = 4,
                                          .prefix = 24,
                                          .vlan = PORTCAM_VLAN_ANY,
                                          .address = 1,
                                          .domain = 1};
    for (unsigned s = 0; s < PORTCAM_DOMAIN_STATE_MAX; s++) {
        domain.state = (uint8_t)s;
        assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
        assert_int_equal(write_row(d, T(DOMAIN), 1, &domain), S(OK));
        assert_int_equal(write_row(d, T(ADDRESS), 1, &address), S(OK));
        expect_generation(d, 1);
        assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
        expect_generation(d, 1);
    }
}

/* ---- statuses ---- */

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

/* A refused row_write or row_delete counts only in an open change set. */
static void outside(void **state)
{
    struct pc_device *d = *state;
    struct portcam_backend_row b = backend(9, 0);
    assert_int_equal(write_row(d, T(BACKEND), 0, &b), S(NO_CHANGE_SET));
    assert_int_equal(delete_row(d, PORTCAM_TABLE_MAX, 0), S(UNKNOWN_TABLE));
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    write_generation(d, 2);
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    expect_generation(d, 2);
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

static void reset(void **state)
{
    struct pc_device *d = *state;
    struct portcam_backend_row b = backend(2, 0);
    expect_generation(d, 1);
    pc_tables_set_seed(pc_device_tables_rw(d), 77);
    assert_int_equal(pc_device_epoch(d), 1);
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    assert_int_equal(write_row(d, T(BACKEND), 0, &b), S(OK));
    pc_device_reset(d);
    assert_false(pc_device_change_open(d));
    assert_int_equal(pc_device_epoch(d), 0);
    assert_int_equal(pc_tables_seed(pc_device_tables(d)), 0);
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(NO_CHANGE_SET));
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++)
        for (unsigned row = 0; row < pc_tables_rows(pc_device_tables(d), table); row++)
            assert_int_equal(read_row(d, table, row).flags, 0);
    for (unsigned table = 0; table < PORTCAM_COUNTER_TABLE_MAX; table++)
        for (unsigned row = 0; row < pc_device_counter_rows(d, table); row++)
            assert_int_equal(pc_device_counter(d, table, row).packets, 0);
    /* As new: the same frame finds nothing, and rows may be written again. */
    struct frame_spec s = {
        .src = "192.0.2.9", .dst = "198.51.100.1", .protocol = TCP, .dport = 1000};
    struct frame f = build_frame(&s);
    assert_int_equal(send_frame(d, &f, 0).reason, PORTCAM_REASON_NO_MATCH);
    assert_int_equal(run_op(d, OP(CHANGE_BEGIN)), S(OK));
    assert_int_equal(run_op(d, OP(CHANGE_COMMIT)), S(OK));
    assert_int_equal(read_row(d, T(BACKEND), 0).flags, 0);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("section 9 F.29 packets see all of a change set or none of it", atomic),
        TEST("section 9 an aborted change set leaves nothing, nor in the next one", aborted),
        TEST("section 9 one refused row refuses the set, until the abort", refused),
        TEST("section 9 the bank that was away is made equal: random sets against an array", banks),
        TEST("section 9 a change set of thousands of rows", thousands),
        TEST("section 9 one entry a row: rows written again need no memory, the last word counts",
             again),
        TEST("section 9 a change set of every row of every table", every_row),
        TEST("section 9 section 6 changes of one domain do not touch another's packets",
             other_domain),
        TEST("commands: each status, in the order of the checks; packets go on", statuses),
        TEST("commands: each field of each table at its limit, reserved bytes", fields),
        TEST("commands: fields of a stateful service, and where its slot table ends",
             stateful_fields),
        TEST("a build without connections refuses what needs them", without_connections),
        TEST("commands: all opcodes without a name are unknown_opcode", unknown_opcodes),
        TEST("commands: counter_read gives packets and octets of the rows asked for", counters),
        TEST("commands: a row refused outside of a change set harms none that follows", outside),
        TEST("sizes: the largest and smallest builds, and none beyond", sizes),
        TEST("reset: tables, counters, seed, bank and open change set", reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
