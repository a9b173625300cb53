// SPDX-License-Identifier: Apache-2.0
//
// Tests of connection_read, connection_delete and backend_read: every status and its place in the
// order, images that stand densely, errors of host memory and resets in the middle. card.hpp
// compares each command with the reference all the while; here is what must be seen besides.
#pragma once

#include "ring_tests.hpp"

static const unsigned record_opcodes[] = {
    PORTCAM_OPCODE_BACKEND_READ, PORTCAM_OPCODE_CONNECTION_READ, PORTCAM_OPCODE_CONNECTION_DELETE,
    PORTCAM_OPCODE_MIRROR_COPY, PORTCAM_OPCODE_MIRROR_SUM};

// A build without connections refuses them whatever else they say.
inline void test_no_records(Card &card)
{
    card.start();
    for (unsigned opcode : record_opcodes)
        for (uint32_t row : {0u, 1u, ~0u})
            for (uint32_t count : {0u, 1u, 2000u})
                expect(card, to(command(opcode, 99, row, count), row & 1),
                       PORTCAM_STATUS_UNSUPPORTED, "without connections");
    card.disable();
    card.tap.done(
        "status unsupported: records and states of backends in a build without connections");
}

inline void test_record_statuses(Card &card)
{
    Tap &tap = card.tap;
    card.start();
    for (unsigned opcode : record_opcodes) {
        if (opcode >= PORTCAM_OPCODE_MIRROR_COPY)
            continue;
        bool ranges = opcode != PORTCAM_OPCODE_CONNECTION_DELETE;
        uint32_t rows = opcode == PORTCAM_OPCODE_BACKEND_READ ? +BACKENDS : +SLOTS;
        for (uint32_t row : {rows, rows + 1, rows | 0x1000000, rows | 0x80000000, ~0u})
            expect(card, to(command(opcode, 0, row, 2000), 1), PORTCAM_STATUS_ROW_OUT_OF_RANGE,
                   "row goes before count and alignment");
        if (ranges) {
            for (uint32_t count : {0u, 1025u, 0x10001u, 0x80000001u, ~0u})
                expect(card, to(command(opcode, 0, rows - 1, count), 1), PORTCAM_STATUS_BAD_LENGTH,
                       "count goes before the last row");
            expect(card, to(command(opcode, 0, rows - 1, 2), 1), PORTCAM_STATUS_ROW_OUT_OF_RANGE,
                   "the last row goes before alignment");
            expect(card, to(command(opcode, 0, 1, rows), 1), PORTCAM_STATUS_ROW_OUT_OF_RANGE,
                   "all rows from the second on");
        }
        for (unsigned shift = 0; shift < 6; shift++)
            expect(card, to(command(opcode, 0, rows - 1, 1), 0x7000000000 + (1u << shift)),
                   PORTCAM_STATUS_BAD_ALIGNMENT, "address");
        for (unsigned table : {0u, 13u, 0xffffu}) {
            uint32_t row = rows - 1;
            while (!ranges && !has_record({}, row))
                row--;
            if (ranges || table == 0)
                expect(card,
                       to(command(opcode, table, row, ranges ? 1 : record_generation(row)),
                          card.fresh_page()),
                       PORTCAM_STATUS_OK, "the table does not matter");
        }
    }
    tap.done("records and states of backends: row, count, last row, alignment, in this order");
    card.disable();
}

inline void test_mirror_statuses(Card &card)
{
    card.start();
    Command copy = command(PORTCAM_OPCODE_MIRROR_COPY), sum = command(PORTCAM_OPCODE_MIRROR_SUM);
    for (uint32_t row : {SLOTS + 0u, SLOTS | 0x1000000u, ~0u}) {
        copy.row = row, copy.count = 2000;
        expect(card, copy, PORTCAM_STATUS_ROW_OUT_OF_RANGE, "row goes before count");
        sum.row = row;
        expect(card, to(sum, 1), PORTCAM_STATUS_ROW_OUT_OF_RANGE, "block goes before alignment");
    }
    copy.row = SLOTS - 1;
    for (uint32_t count : {0u, 1025u, 0x10001u, ~0u}) {
        copy.count = count;
        expect(card, copy, PORTCAM_STATUS_BAD_LENGTH, "count goes before the last row");
    }
    copy.count = 2;
    expect(card, copy, PORTCAM_STATUS_ROW_OUT_OF_RANGE, "the last row");
    copy.row = 1;
    expect(card, to(copy, 1), PORTCAM_STATUS_OK, "mirror_copy has no address");
    copy.row = 3;
    expect(card, copy, PORTCAM_STATUS_NO_MIRROR, "the mirror says so");
    sum.row = 0;
    expect(card, to(sum, 0x7000000020), PORTCAM_STATUS_BAD_ALIGNMENT, "address");
    uint64_t at = card.fresh_page();
    expect(card, to(sum, at), PORTCAM_STATUS_OK, "sum");
    card.memory.no_write.insert(at / 64);
    expect(card, to(sum, at), PORTCAM_STATUS_DMA_WRITE_ERROR, "sum into memory that refuses");
    card.memory.no_write.clear();
    card.tap.done("mirror_copy and mirror_sum: each status and its place in the order");
    card.disable();
}

inline unsigned records_in(uint32_t first, uint32_t count)
{
    unsigned records = 0;
    for (uint32_t slot = first; slot < first + count; slot++)
        records += has_record({}, slot);
    return records;
}

inline void test_record_reads(Card &card)
{
    Tap &tap = card.tap;
    card.flr(); // every record is there
    card.start();
    for (uint32_t count : {1u, 2u, 3u, 7u, 33u, SLOTS + 0u})
        for (uint32_t first : {0u, 1u, CONNECTION_ROWS - 1u,
                               CONNECTION_ROWS + CONNECTION_STASH + 0u, SLOTS - count}) {
            if (first + count > SLOTS)
                continue;
            uint64_t at = card.fresh_page();
            card.memory.fill(at, 128 * SLOTS + 128, 0xa5);
            Completion c =
                card.run(to(command(PORTCAM_OPCODE_CONNECTION_READ, 0, first, count), at));
            unsigned records = records_in(first, count);
            if (c.status != PORTCAM_STATUS_OK || c.result != records)
                tap.fail("%u slots from %u on: status %u, %u of %u images", count, first, c.status,
                         c.result, records);
            for (unsigned i = 128 * records; i < 128 * SLOTS + 128; i++)
                if (card.memory.line(at + i)[i % 64] != 0xa5)
                    tap.fail("%u slots from %u on: byte %u behind the images changed", count, first,
                             i);
        }
    tap.done("connection_read: images stand densely, of every part of the slots; the result is how "
             "many, also none");

    for (uint32_t count : {1u, 2u, 5u, BACKENDS + 0u}) {
        uint64_t at = card.fresh_page();
        card.memory.fill(at, 64 * BACKENDS + 64, 0xa5);
        Completion c =
            card.run(to(command(PORTCAM_OPCODE_BACKEND_READ, 0, BACKENDS - count, count), at));
        if (c.status != PORTCAM_STATUS_OK || c.result != count)
            tap.fail("%u backends: status %u result %u", count, c.status, c.result);
        if (card.memory.line(at + 64 * count)[0] != 0xa5)
            tap.fail("%u backends: bytes behind them changed", count);
    }
    tap.done("backend_read: one, several, all up to the last");

    uint32_t empty = 0, slot = 0;
    while (has_record({}, empty))
        empty++;
    while (!has_record({}, slot) || slot < empty)
        slot++;
    uint64_t at = card.fresh_page();
    card.memory.fill(at, 256, 0xa5);
    expect(card, to(command(PORTCAM_OPCODE_CONNECTION_DELETE, 0, empty, 1), at),
           PORTCAM_STATUS_NOT_FOUND, "empty slot");
    uint32_t generation = record_generation(slot);
    for (uint32_t wrong : {generation + 1, generation ^ 0x80000000, ~generation})
        expect(card, to(command(PORTCAM_OPCODE_CONNECTION_DELETE, 0, slot, wrong), at),
               PORTCAM_STATUS_CHANGED, "another generation");
    for (unsigned i = 0; i < 256; i++)
        if (card.memory.line(at + i)[i % 64] != 0xa5)
            tap.fail("a refused delete wrote byte %u", i);
    Completion c = card.run(to(command(PORTCAM_OPCODE_CONNECTION_DELETE, 0, slot, generation), at));
    if (c.status != PORTCAM_STATUS_OK || c.result != 1)
        tap.fail("delete: status %u result %u", c.status, c.result);
    if (card.memory.line(at + 128)[0] != 0xa5)
        tap.fail("delete wrote behind the image");
    c = card.run(to(command(PORTCAM_OPCODE_CONNECTION_DELETE, 0, slot, generation), at));
    if (c.status != PORTCAM_STATUS_NOT_FOUND || c.result != 0)
        tap.fail("delete again: status %u result %u", c.status, c.result);
    c = card.run(to(command(PORTCAM_OPCODE_CONNECTION_READ, 0, slot, 1), at));
    if (c.status != PORTCAM_STATUS_OK || c.result != 0)
        tap.fail("read of the deleted one: status %u, %u images", c.status, c.result);
    tap.done("connection_delete: not_found, changed, then the last image; the record is gone");
    card.disable();
}

// The write that fails can be any half of any image, or any backend; nothing behind it is written.
inline void test_record_errors(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    card.flr();
    card.start();
    for (unsigned i = 0; i < 60; i++) {
        bool backends = i % 3 == 2;
        uint32_t count = 2 + uint32_t(random.below(20)),
                 first = uint32_t(random.below((backends ? +BACKENDS : +SLOTS) - count));
        unsigned beats = backends ? count : 2 * records_in(first, count);
        if (beats == 0)
            continue;
        unsigned bad = i < 3 ? beats - 1 : unsigned(random.below(beats));
        uint64_t at = card.fresh_page();
        card.memory.fill(at, 64 * 64, 0xa5);
        card.memory.no_write = {(at + 64 * bad) / 64};
        Completion c = card.run(
            to(command(backends ? PORTCAM_OPCODE_BACKEND_READ : PORTCAM_OPCODE_CONNECTION_READ, 0,
                       first, count),
               at));
        if (c.status != PORTCAM_STATUS_DMA_WRITE_ERROR || c.result != 0)
            tap.fail("beat %u of %u: status %u result %u", bad, beats, c.status, c.result);
        for (unsigned n = bad; n < 64; n++)
            if (card.memory.line(at + 64 * n)[63] != 0xa5 ||
                card.memory.line(at + 64 * n)[0] != 0xa5)
                tap.fail("beat %u of %u: beat %u was written", bad, beats, n);
        card.memory.no_write.clear();
        uint64_t addr = card.read32(PORTCAM_REG_ERROR_ADDR_LO) |
                        uint64_t(card.read32(PORTCAM_REG_ERROR_ADDR_HI)) << 32;
        if (addr != at + 64 * bad || card.read32(PORTCAM_REG_ERROR_COUNT) != card.dma_errors)
            tap.fail("beat %u of %u: ERROR_ADDR 0x%llx", bad, beats, (unsigned long long)addr);
        if (card.status() != PORTCAM_CMD_STATUS_RUNNING || !card.records.idle())
            tap.fail("the ring does not go on, or the records still send");
    }
    unsigned deleted = 0;
    for (uint32_t slot = 0; slot < SLOTS && deleted < 4; slot++) {
        if (!has_record({}, slot))
            continue;
        uint64_t at = card.fresh_page();
        card.memory.no_write = {(at + 64 * (deleted++ % 2)) / 64};
        Command c =
            to(command(PORTCAM_OPCODE_CONNECTION_DELETE, 0, slot, record_generation(slot)), at);
        expect(card, c, PORTCAM_STATUS_DMA_WRITE_ERROR, "delete");
        card.memory.no_write.clear();
        expect(card, c, PORTCAM_STATUS_NOT_FOUND, "it has ended nevertheless");
    }
    tap.done(
        "DMA errors of records and states of backends: nothing more is written, the images are "
        "taken, the ring goes on");
    card.disable();
}

// A reset of the function in every phase; the records go on with what they were asked for.
inline void test_record_flr(Card &card, unsigned rounds)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    uint64_t before = card.records.images_after_reset;
    for (unsigned i = 0; i < rounds + 100; i++) {
        // First each clock from the doorbell on, then any clock, with records that take their time.
        bool each = i < 100;
        card.pace = each ? Pace{0, 0, 0, 0, 0} : Pace{};
        if (!each)
            card.pace.counter_latency = unsigned(random.below(3) ? random.below(20) : 200);
        card.records.wait =
            each ? 20 : unsigned(random.below(3) ? random.below(10) : random.below(2000));
        card.start();
        card.submit(to(command(i % 4 == 3 && !each ? PORTCAM_OPCODE_BACKEND_READ
                                                   : PORTCAM_OPCODE_CONNECTION_READ,
                               0, 0, i % 5 == 4 ? 1 : SLOTS),
                       card.fresh_page()));
        card.doorbell();
        card.steps(each ? i : random.below(i % 2 ? 150 : 1500));
        card.flr();
        card.start();
        uint64_t at = card.fresh_page();
        Completion c = card.run(to(command(PORTCAM_OPCODE_CONNECTION_READ, 0, 0, 4), at));
        if (c.status != PORTCAM_STATUS_OK || c.result != records_in(0, 4))
            tap.fail("after the reset: status %u, %u images", c.status, c.result);
        expect(card, to(command(PORTCAM_OPCODE_BACKEND_READ, 0, 1, 3), card.fresh_page()),
               PORTCAM_STATUS_OK, "backends after the reset");
        card.disable();
    }
    if (card.records.images_after_reset < before + rounds)
        tap.fail("too few images came after a reset");
    tap.done("reset of the function while records are read: old images are thrown away, the next "
             "command gets its own");
    card.records.wait = 0;
    card.pace = Pace{};
}

inline void test_record_speed(Card &card)
{
    card.pace = Pace{0, 0, 1, 0, 0};
    card.flr();
    card.start();
    uint64_t from = card.now;
    Completion c =
        card.run(to(command(PORTCAM_OPCODE_CONNECTION_READ, 0, 0, SLOTS), card.fresh_page()));
    printf("# connection_read: %.1f clocks for each of %u images\n",
           double(card.now - from) / c.result, c.result);
    from = card.now;
    c = card.run(to(command(PORTCAM_OPCODE_BACKEND_READ, 0, 0, BACKENDS), card.fresh_page()));
    printf("# backend_read: %.1f clocks for each of %u backends\n",
           double(card.now - from) / c.result, c.result);
    card.disable();
    card.pace = Pace{};
}

inline void test_records(Card &card, unsigned rounds)
{
    if (!CONNECTION_ROWS) {
        test_no_records(card);
        return;
    }
    test_record_statuses(card);
    test_mirror_statuses(card);
    test_record_reads(card);
    test_record_errors(card);
    test_record_flr(card, rounds);
    test_record_speed(card);
}
