// SPDX-License-Identifier: Apache-2.0
/* Change sets by commands of the device, without the registers: section 9 of the packet semantics. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "device_commands.h"

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
        TEST("commands: a row refused outside of a change set harms none that follows", outside),
        TEST("reset: tables, counters, seed, bank and open change set", reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
