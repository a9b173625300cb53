// SPDX-License-Identifier: Apache-2.0
//
// Tests of single commands: every status by name, the order of the checks, every field of every
// row, and what reads write. The card is watched by card.hpp all the while.
#pragma once

#include "stimulus.hpp"

inline void expect(Card &card, const Command &c, unsigned status, const char *what)
{
    unsigned got = card.run_status(c);
    if (got != status)
        card.tap.fail("%s: status %u instead of %u", what, got, status);
}

inline void test_statuses(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    card.start();
    expect(card, command(PORTCAM_OPCODE_NOP), PORTCAM_STATUS_OK, "nop");
    expect(card, command(PORTCAM_OPCODE_CHANGE_ABORT), PORTCAM_STATUS_OK, "abort of nothing");
    tap.done("status ok: nop, abort without a change set");

    for (unsigned opcode = 0; opcode < 256; opcode++) {
        static const unsigned known[] = {0,  1,  2,  3,  16, 17, 18, 32,
                                         33, 48, 49, 64, 65, 66, 67, 68};
        if (std::find(std::begin(known), std::end(known), opcode) == std::end(known))
            expect(card, command(opcode), PORTCAM_STATUS_UNKNOWN_OPCODE, "opcode");
    }
    tap.done("status unknown_opcode: every opcode without a name");

    static const unsigned row_opcodes[] = {PORTCAM_OPCODE_ROW_WRITE, PORTCAM_OPCODE_ROW_DELETE,
                                           PORTCAM_OPCODE_ROW_READ, PORTCAM_OPCODE_COUNTER_READ};
    for (unsigned opcode : row_opcodes) {
        unsigned tables = opcode == PORTCAM_OPCODE_COUNTER_READ ? 7 : TABLES;
        for (unsigned table : {tables, tables + 1, 15u, 16u, 256u, 0xffffu})
            expect(card, command(opcode, table, ~0u), PORTCAM_STATUS_UNKNOWN_TABLE, "table");
    }
    tap.done("status unknown_table: before the row");

    for (unsigned opcode : row_opcodes) {
        bool counters = opcode == PORTCAM_OPCODE_COUNTER_READ;
        for (unsigned table = 0; table < (counters ? 7u : TABLES + 0u); table++) {
            uint32_t rows = counters ? counter_rows(table) : table_rows(table);
            for (uint32_t row : {rows, rows | 0x10000, rows | 0x80000000, ~0u})
                expect(card, to(command(opcode, table, row, 2000), 1),
                       PORTCAM_STATUS_ROW_OUT_OF_RANGE, "row");
            if (counters)
                expect(card, to(command(opcode, table, rows - 1, 2), 1),
                       PORTCAM_STATUS_ROW_OUT_OF_RANGE, "last row");
        }
    }
    tap.done("status row_out_of_range: first row, last row of a range, 32-bit rows");

    for (uint32_t count : {0u, 1025u, 0x10001u, 0x80000001u, ~0u})
        expect(card, to(command(PORTCAM_OPCODE_COUNTER_READ, 6, 0, count), 1),
               PORTCAM_STATUS_BAD_LENGTH, "count");
    tap.done("status bad_length: count 0 and beyond 1,024");

    for (unsigned shift = 0; shift < 6; shift++) {
        uint64_t odd = 0x7000000000 + (1u << shift);
        expect(card, to(command(PORTCAM_OPCODE_ROW_READ), odd), PORTCAM_STATUS_BAD_ALIGNMENT,
               "read");
        expect(card, to(command(PORTCAM_OPCODE_COUNTER_READ, 0, 0, 1), odd),
               PORTCAM_STATUS_BAD_ALIGNMENT, "counters");
        expect(card, to(command(PORTCAM_OPCODE_SELF_TEST), odd, 64), PORTCAM_STATUS_BAD_ALIGNMENT,
               "source");
        expect(card, to(command(PORTCAM_OPCODE_SELF_TEST), 64, odd), PORTCAM_STATUS_BAD_ALIGNMENT,
               "destination");
    }
    tap.done("status bad_alignment: each low bit of each address");

    Command bad = row_write(random, PORTCAM_TABLE_DOMAIN, 1);
    bad.data[0] = 9;
    expect(card, bad, PORTCAM_STATUS_NO_CHANGE_SET, "write");
    expect(card, command(PORTCAM_OPCODE_ROW_DELETE, 2, 1), PORTCAM_STATUS_NO_CHANGE_SET, "delete");
    expect(card, command(PORTCAM_OPCODE_CHANGE_COMMIT), PORTCAM_STATUS_NO_CHANGE_SET, "commit");
    tap.done("status no_change_set: before the fields of the row");

    expect(card, command(PORTCAM_OPCODE_CHANGE_BEGIN), PORTCAM_STATUS_OK, "begin");
    if (!(card.read32(PORTCAM_REG_STATUS) & PORTCAM_STATUS_CHANGE_OPEN))
        tap.fail("CHANGE_OPEN is not set");
    expect(card, command(PORTCAM_OPCODE_CHANGE_BEGIN), PORTCAM_STATUS_CHANGE_SET_OPEN,
           "begin twice");
    expect(card, row_write(random, PORTCAM_TABLE_DOMAIN, 1), PORTCAM_STATUS_OK, "write");
    expect(card, command(PORTCAM_OPCODE_CHANGE_COMMIT), PORTCAM_STATUS_OK, "commit");
    if (card.read32(PORTCAM_REG_STATUS) & PORTCAM_STATUS_CHANGE_OPEN)
        tap.fail("CHANGE_OPEN is still set");
    tap.done("status change_set_open: a second begin, which does not make the set fail");

    unsigned refused = 0;
    for (const Command &c : {bad, command(PORTCAM_OPCODE_ROW_WRITE, TABLES),
                             command(PORTCAM_OPCODE_ROW_DELETE, TABLES),
                             command(PORTCAM_OPCODE_ROW_DELETE, 1, FUNCTIONS)}) {
        expect(card, command(PORTCAM_OPCODE_CHANGE_BEGIN), PORTCAM_STATUS_OK, "begin");
        expect(card, row_write(random, PORTCAM_TABLE_DOMAIN, 2), PORTCAM_STATUS_OK, "write");
        refused += card.run_status(c) != PORTCAM_STATUS_OK;
        expect(card, row_write(random, PORTCAM_TABLE_DOMAIN, 3), PORTCAM_STATUS_OK, "write after");
        expect(card, command(PORTCAM_OPCODE_CHANGE_COMMIT), PORTCAM_STATUS_CHANGE_SET_FAILED,
               "commit");
        expect(card, command(PORTCAM_OPCODE_CHANGE_COMMIT), PORTCAM_STATUS_CHANGE_SET_FAILED,
               "again");
        expect(card, command(PORTCAM_OPCODE_CHANGE_ABORT), PORTCAM_STATUS_OK, "abort");
    }
    if (refused != 4)
        tap.fail("%u of 4 rows refused", refused);
    tap.done("status change_set_failed: after every kind of refused row, until the abort");

    expect(card, command(PORTCAM_OPCODE_SET_TIME), PORTCAM_STATUS_UNSUPPORTED, "set_time");
    card.run(command(PORTCAM_OPCODE_CHANGE_BEGIN));
    for (unsigned table : {PORTCAM_TABLE_SERVICE, PORTCAM_TABLE_ENDPOINT}) {
        Command c = row_write(random, table, 1);
        if (table == PORTCAM_TABLE_SERVICE)
            stateful_row(random, c.data);
        else
            c.data[46] |= PORTCAM_ENDPOINT_ROW_STATEFUL;
        unsigned status = CONNECTION_ROWS ? PORTCAM_STATUS_OK : PORTCAM_STATUS_UNSUPPORTED;
        expect(card, c, status, "row");
        c.data[47] = 1;
        expect(card, c, PORTCAM_STATUS_BAD_ROW, "row with a bad byte too");
    }
    card.run(command(PORTCAM_OPCODE_CHANGE_ABORT));
    tap.done("status unsupported: set_time, stateful rows without connections; bad_row goes "
             "before it");
    card.disable();
}

// Every field of every row at its limits, every reserved bit, by one change to a good row.
inline void test_fields(Card &card)
{
    Random &random = card.random;
    card.start(8);
    unsigned seen[16] = {}, sent = 0;
    auto submit = [&](const Command &c) {
        seen[check_row(c.table_id, c.data)]++;
        card.submit(command(PORTCAM_OPCODE_CHANGE_BEGIN));
        card.submit(c);
        card.submit(command(PORTCAM_OPCODE_CHANGE_ABORT));
        if (++sent % 20 == 0) {
            card.doorbell();
            card.drain();
        }
    };
    // The last pass is over stateful services.
    for (unsigned pass = 0; pass <= TABLES; pass++) {
        unsigned table = pass < TABLES ? pass : PORTCAM_TABLE_SERVICE;
        uint32_t row = table_rows(table) - 1;
        auto good = [&] {
            Command c = row_write(random, table, row);
            if (pass == TABLES)
                stateful_row(random, c.data);
            return c;
        };
        for (unsigned at = 0; at < 48; at++) {
            for (unsigned bit_number = 0; bit_number < 8; bit_number++) {
                Command c = good();
                c.data[at] ^= uint8_t(1u << bit_number);
                submit(c);
            }
            for (unsigned value : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 10u, 16u, 17u, 31u, 32u,
                                   33u, 128u, 129u, 255u}) {
                Command c = good();
                c.data[at] = uint8_t(value);
                submit(c);
            }
            for (unsigned value :
                 {DOMAINS - 1u, DOMAINS + 0u, ADDRESSES - 1u, ADDRESSES + 0u, SERVICES - 1u,
                  SERVICES + 0u, BACKENDS - 1u, BACKENDS + 0u, SCHEDULE_ROWS - 1u,
                  SCHEDULE_ROWS + 0u, 4094u, 4095u, 0xfffeu, 0xffffu, 0x8000u}) {
                Command c = good();
                if (at < 47)
                    put16(c.data, at, value);
                submit(c);
            }
        }
    }
    card.doorbell();
    card.drain();
    card.disable();
    if (seen[0] < 1000 || seen[PORTCAM_STATUS_BAD_ROW] < 1000 ||
        (CONNECTION_ROWS == 0 && seen[PORTCAM_STATUS_UNSUPPORTED] < 2))
        card.tap.fail("too few of each kind");
    printf("# rows: %u ok, %u bad_row, %u unsupported\n", seen[0], seen[PORTCAM_STATUS_BAD_ROW],
           seen[PORTCAM_STATUS_UNSUPPORTED]);
    card.tap.done("status bad_row and unsupported: every byte, bit and limit of every table");
}

// The fields of a stateful service that depend on each other, in all combinations.
inline void test_stateful_fields(Card &card)
{
    card.start(8);
    unsigned sent = 0;
    auto submit = [&](const Command &c) {
        card.submit(command(PORTCAM_OPCODE_CHANGE_BEGIN));
        card.submit(c);
        card.submit(command(PORTCAM_OPCODE_CHANGE_ABORT));
        if (++sent % 20 == 0) {
            card.doorbell();
            card.drain();
        }
    };
    Command c = row_write(card.random, PORTCAM_TABLE_SERVICE, 1);
    for (unsigned log2 = 0; log2 < 20; log2++)
        for (unsigned first = 0; first <= SCHEDULE_ROWS + 1; first++) {
            stateful_row(card.random, c.data);
            c.data[18] = uint8_t(log2);
            put16(c.data, 16, first);
            submit(c);
        }
    for (unsigned n = 0; n < 4096; n++) {
        stateful_row(card.random, c.data);
        c.data[7] = uint8_t(n & 7);
        c.data[19] = uint8_t(n >> 3 & 7);
        c.data[20] = uint8_t(n >> 6 & 7);
        c.data[22] = uint8_t(n >> 9 & 3);
        c.data[21] = uint8_t(n >> 11 & 1);
        submit(c);
    }
    card.doorbell();
    card.drain();
    card.disable();
    card.tap.done("stateful services: slot table within its table, hash policies only with hash "
                  "picks, port kept where it is not named");
}

inline void test_reads(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    card.start();
    card.run(command(PORTCAM_OPCODE_CHANGE_BEGIN));
    for (unsigned table = 0; table < TABLES; table++)
        card.run(row_write(random, table, table_rows(table) - 1));
    card.run(command(PORTCAM_OPCODE_CHANGE_COMMIT));
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned table = 0; table < TABLES; table++)
            for (uint32_t row : {0u, table_rows(table) - 1})
                expect(card, to(command(PORTCAM_OPCODE_ROW_READ, table, row), card.fresh_page()),
                       PORTCAM_STATUS_OK, "row_read");
        card.run(command(PORTCAM_OPCODE_CHANGE_BEGIN)); // an open set does not show
        card.run(command(PORTCAM_OPCODE_ROW_DELETE, 5, BACKENDS - 1));
        card.run(row_write(random, 5, 0));
    }
    card.run(command(PORTCAM_OPCODE_CHANGE_ABORT));
    tap.done("row_read: image of full and empty rows of every table, as packets see it");

    for (unsigned count : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u, 29u}) {
        uint64_t at = card.fresh_page();
        card.memory.fill(at, 64 * 20, 0xa5);
        Completion c = card.run(to(command(PORTCAM_OPCODE_COUNTER_READ, 0, 0, count), at));
        if (c.status != PORTCAM_STATUS_OK || c.result != count)
            tap.fail("%u rows: status %u result %u", count, c.status, c.result);
        for (unsigned i = 16 * count; i < 64 * 20; i++)
            if (card.memory.line(at + i)[(at + i) % 64] != 0xa5)
                tap.fail("%u rows: byte %u behind them changed", count, i);
    }
    for (unsigned table = 0; table < 7; table++)
        expect(card,
               to(command(PORTCAM_OPCODE_COUNTER_READ, table, counter_rows(table) - 1, 1),
                  card.fresh_page() + 4032),
               PORTCAM_STATUS_OK, "last row");
    tap.done(
        "counter_read: every short beat, bytes behind the rows untouched, last row of every table");
    for (uint64_t at : {card.fresh_page(), uint64_t(0x7ffffffe000)}) {
        Completion c = card.run(to(command(PORTCAM_OPCODE_COUNTER_READ, 6, 0, 1024), at));
        if (c.status != PORTCAM_STATUS_OK || c.result != 1024)
            tap.fail("status %u result %u", c.status, c.result);
    }
    tap.done("counter_read: 1,024 rows, also across 4 GiB");

    for (unsigned i = 0; i < 20; i++) {
        uint64_t from = card.fresh_page();
        for (uint8_t &byte : card.memory.line(from))
            byte = uint8_t(random.next());
        expect(card, to(command(PORTCAM_OPCODE_SELF_TEST), from, card.fresh_page()),
               PORTCAM_STATUS_OK, "self_test");
    }
    tap.done("self_test: copies 64 bytes");
    card.disable();
}

inline void test_change_sets(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    card.start(8);
    // The watch of the card checks contents and equality of both banks.
    for (unsigned end : {PORTCAM_OPCODE_CHANGE_COMMIT, PORTCAM_OPCODE_CHANGE_ABORT}) {
        const char *name = end == PORTCAM_OPCODE_CHANGE_COMMIT ? "commit" : "abort";
        for (unsigned rows :
             {0u, 1u, 2u, DIRTY_DEPTH - 1u, DIRTY_DEPTH + 0u, DIRTY_DEPTH + 1u, 2u * DIRTY_DEPTH}) {
            uint64_t commits = card.commits, writes = card.core.table_writes;
            card.submit(command(PORTCAM_OPCODE_CHANGE_BEGIN));
            for (unsigned i = 0; i < rows; i++) {
                unsigned table = unsigned(random.below(TABLES)),
                         row = unsigned(random.below(table_rows(table)));
                card.submit(random.percent(30) ? command(PORTCAM_OPCODE_ROW_DELETE, table, row)
                                               : row_write(random, table, row));
            }
            card.submit(command(end));
            card.doorbell();
            card.drain();
            uint64_t all = 0;
            for (unsigned table = 0; table < TABLES; table++)
                all += table_rows(table);
            writes = card.core.table_writes - writes;
            if (writes != (rows > DIRTY_DEPTH ? rows + all : 2 * rows))
                tap.fail("%s of %u rows: %llu writes on the table bus", name, rows,
                         (unsigned long long)writes);
            if (card.commits - commits != (end == PORTCAM_OPCODE_CHANGE_COMMIT))
                tap.fail("%s of %u rows switched the bank %llu times", name, rows,
                         (unsigned long long)(card.commits - commits));
        }
        tap.done(
            end == PORTCAM_OPCODE_CHANGE_COMMIT
                ? "commit: one switch, then both banks equal, also when the dirty list overflows"
                : "abort: no switch, both banks equal, also when the dirty list overflows");
    }
    unsigned epoch = card.top.bank_o;
    if (((card.read32(PORTCAM_REG_STATUS) & PORTCAM_STATUS_EPOCH) != 0) != epoch)
        tap.fail("EPOCH is not the bank");
    card.run(command(PORTCAM_OPCODE_CHANGE_BEGIN));
    card.run(command(PORTCAM_OPCODE_CHANGE_COMMIT));
    if (((card.read32(PORTCAM_REG_STATUS) & PORTCAM_STATUS_EPOCH) != 0) == epoch)
        tap.fail("EPOCH did not change");
    tap.done("STATUS.EPOCH is the bank that packets see");
    card.disable();
}
