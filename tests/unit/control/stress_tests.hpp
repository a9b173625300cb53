// SPDX-License-Identifier: Apache-2.0
//
// DMA errors at each kind of access, resets of the function at any moment, long random streams, and
// how many clocks a command takes.
#pragma once

#include "insert_tests.hpp"

inline void check_error(Card &card, uint64_t count, uint64_t addr, unsigned raised,
                        const char *what)
{
    card.steps(30);
    uint64_t got = card.read32(PORTCAM_REG_ERROR_ADDR_LO) |
                   uint64_t(card.read32(PORTCAM_REG_ERROR_ADDR_HI)) << 32;
    if (card.read32(PORTCAM_REG_ERROR_COUNT) != count || got != addr)
        card.tap.fail("%s: ERROR_COUNT %u ERROR_ADDR 0x%llx instead of %llu 0x%llx", what,
                      card.read32(PORTCAM_REG_ERROR_COUNT), (unsigned long long)got,
                      (unsigned long long)count, (unsigned long long)addr);
    if (card.irqs[PORTCAM_VECTOR_ERRORS] != raised)
        card.tap.fail("%s: vector errors %u times instead of %u", what,
                      card.irqs[PORTCAM_VECTOR_ERRORS], raised);
}

inline void test_dma_errors(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    card.flr();
    card.wait_ready();
    uint64_t errors = 0;
    unsigned raised = card.irqs[PORTCAM_VECTOR_ERRORS];

    for (unsigned i = 0; i < 12; i++) {
        card.start();
        for (unsigned n = 0; n < 64; n++)
            card.submit(with_completion(command(0)));
        unsigned bad = i < 2 ? i * 63 : unsigned(random.below(64));
        card.memory.no_read = {card.entry(bad) / 64};
        card.doorbell();
        for (unsigned n = 0; n < 20000 && !(card.status() & PORTCAM_CMD_STATUS_ERROR); n++)
            if (card.poll())
                card.release();
        card.steps(300);
        while (card.poll()) {
        }
        if (card.finished != bad || card.reason() != PORTCAM_STATUS_DMA_READ_ERROR ||
            (card.status() & PORTCAM_CMD_STATUS_RUNNING) ||
            card.read32(PORTCAM_REG_CMD_HEAD) != bad)
            tap.fail("entry %u: %u commands finished, CMD_STATUS 0x%x", bad, card.finished,
                     card.status());
        check_error(card, ++errors, card.entry(bad), ++raised, "fetch");
        card.memory.no_read.clear();
        card.disable();
    }
    card.start();
    card.run(command(0));
    tap.done("status dma_read_error: a command that cannot be read stops the ring; those before it "
             "are done");
    card.disable();

    for (unsigned i = 0; i < 12; i++) {
        card.start();
        unsigned bad = unsigned(random.below(20));
        uint64_t line = (card.completion_base + 16 * bad) / 64;
        card.memory.no_write = {line};
        for (unsigned n = 0; n < 40; n++)
            card.submit(with_completion(command(0)));
        card.doorbell();
        card.steps(4000);
        unsigned good = bad / 4 * 4;
        for (unsigned n = 0; n < good; n++)
            if (!card.poll())
                tap.fail("completion %u is missing", n);
        if (card.poll() || card.reason() != PORTCAM_STATUS_DMA_WRITE_ERROR ||
            card.read32(PORTCAM_REG_CPL_TAIL) != good || card.finished != good + 1 ||
            (card.status() & PORTCAM_CMD_STATUS_RUNNING))
            tap.fail("completion %u: CMD_STATUS 0x%x, %u finished", good, card.status(),
                     card.finished);
        check_error(card, ++errors, card.completion_base + 16 * good, ++raised, "completion");
        card.memory.no_write.clear();
        card.disable();
    }
    card.start();
    card.run(command(0));
    tap.done("status dma_write_error: a completion that cannot be written stops the ring");

    // Errors of a command's own data: its status, and the ring goes on.
    for (unsigned i = 0; i < 40; i++) {
        uint64_t a = card.fresh_page(), b = card.fresh_page();
        unsigned kind = i % 4, count = 1 + unsigned(random.below(60));
        Command c = kind == 0   ? to(command(PORTCAM_OPCODE_ROW_READ, 5, 3), a)
                    : kind == 1 ? to(command(PORTCAM_OPCODE_COUNTER_READ, 6, 0, count), a)
                                : to(command(PORTCAM_OPCODE_SELF_TEST), a, b);
        uint64_t bad = kind == 1 ? a + 64 * random.below((count + 3) / 4) : kind == 2 ? b : a;
        if (kind == 3)
            card.memory.no_read = {bad / 64};
        else
            card.memory.no_write = {bad / 64};
        unsigned want = kind == 3 ? PORTCAM_STATUS_DMA_READ_ERROR : PORTCAM_STATUS_DMA_WRITE_ERROR;
        expect(card, c, want, "data");
        if (card.status() != PORTCAM_CMD_STATUS_RUNNING)
            tap.fail("the ring does not go on");
        check_error(card, ++errors, bad, ++raised, "data");
        card.memory.no_read.clear();
        card.memory.no_write.clear();
        expect(card, to(c, a, b), PORTCAM_STATUS_OK, "the same command again");
    }
    tap.done(
        "DMA errors of row_read, counter_read, self_test: the command fails, the ring goes on");
    card.disable();
}

// Up to `rounds` batches of random commands, with changing pace.
inline void random_stream(Card &card, unsigned rounds)
{
    Random &random = card.random;
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t room = card.size() - (card.produced - card.finished);
        for (uint64_t n = room ? 1 + random.below(room) : 0; n; n--)
            card.submit(random_command(card, 3));
        card.doorbell();
        for (uint64_t n = random.below(400); n; n--) {
            card.step();
            if (random.percent(3) && card.poll())
                card.release();
        }
    }
}

inline void random_pace(Card &card)
{
    Random &random = card.random;
    card.pace.stall = random.below(3) ? unsigned(random.below(70)) : 0;
    card.pace.read_latency = unsigned(random.below(2) ? random.below(100) : random.below(3));
    card.pace.write_latency = unsigned(random.below(2) ? random.below(100) : random.below(3));
    card.pace.table_latency = unsigned(random.below(2) ? random.below(30) : 0);
    card.pace.counter_latency = unsigned(random.below(15));
    card.irq_stall = unsigned(random.below(90));
}

inline void test_random(Card &card, unsigned rounds)
{
    card.flr();
    uint64_t commands = 0, from = card.now;
    for (unsigned i = 0; i < rounds; i++) {
        random_pace(card);
        card.start(6 + unsigned(card.random.below(3)));
        random_stream(card, 40);
        card.drain();
        commands += card.produced;
        uint64_t addr = card.read32(PORTCAM_REG_ERROR_ADDR_LO) |
                        uint64_t(card.read32(PORTCAM_REG_ERROR_ADDR_HI)) << 32;
        if (card.read32(PORTCAM_REG_ERROR_COUNT) != card.dma_errors || addr != card.dma_error_addr)
            card.tap.fail("ERROR_COUNT or ERROR_ADDR is not what the commands met");
        card.disable();
        if (!card.settled() || !card.bus.idle())
            card.tap.fail("not everything is answered at the end");
    }
    printf("# %llu random commands, %llu commits, %llu clocks\n", (unsigned long long)commands,
           (unsigned long long)card.commits, (unsigned long long)(card.now - from));
    card.tap.done(
        "random streams: order, status, memory, tables and completions as the reference says");
    card.pace = Pace{};
    card.irq_stall = 20;
}

inline void test_flr(Card &card, unsigned rounds)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    for (unsigned i = 0; i < rounds; i++) {
        random_pace(card);
        card.start();
        for (uint64_t n = 1 + random.below(64); n; n--)
            card.submit(random_command(card, 3));
        card.doorbell();
        card.steps(random.below(900));
        card.flr();
        if (random.percent(20)) {
            card.steps(random.below(40));
            card.flr();
        }
        if (random.below(2)) { // an early start waits until the card is ready
            card.configure(6);
            card.enable();
            card.submit(command(0));
            card.doorbell();
            for (unsigned n = 0; n < 20; n++) {
                uint32_t before = card.finished;
                if (!(card.read32(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY) && before)
                    tap.fail("a command while the card is not ready");
            }
            card.drain();
            card.disable();
        }
        card.wait_ready();
        uint32_t status = card.read32(PORTCAM_REG_STATUS);
        if (status != PORTCAM_STATUS_READY || card.top.bank_o ||
            card.read32(PORTCAM_REG_ERROR_COUNT))
            tap.fail("STATUS 0x%x, bank %u after the reset", status, card.top.bank_o);
        if (card.read32(PORTCAM_REG_CMD_STATUS) || card.read32(PORTCAM_REG_CMD_HEAD) ||
            card.read32(PORTCAM_REG_CPL_TAIL) || card.read32(PORTCAM_REG_CMD_CONTROL))
            if (!card.finished)
                tap.fail("ring registers after the reset");
        if (!card.core.rows(0).empty() || !card.core.rows(1).empty())
            tap.fail("rows written after the reset");
        card.start();
        random_stream(card, 2);
        card.drain();
        card.disable();
        if (!card.bus.idle())
            tap.fail("the bus is not at rest");
    }
    tap.done(
        "reset of the function at any moment: no broken transaction, then everything works again");
    card.pace = Pace{};
    card.irq_stall = 20;
}

// Clocks from the first to the last of 100 commands of one kind, with a memory that never waits.
inline double clocks_each(Card &card, unsigned latency, const Command &c, unsigned read_latency = 0)
{
    card.pace = Pace{0, 0, 0, 0, 7};
    card.bus.read_wait = read_latency;
    card.start(8);
    card.run(command(PORTCAM_OPCODE_CHANGE_BEGIN));
    for (unsigned i = 0; i < 192; i++)
        card.submit(c);
    card.core.table_wait = latency;
    card.doorbell();
    uint32_t first = card.finished + 40, last = first + 100;
    while (card.finished < first)
        card.step();
    uint64_t from = card.now;
    while (card.finished < last)
        card.step();
    double each = double(card.now - from) / 100;
    card.drain();
    card.core.table_wait = 1;
    card.bus.read_wait = 0;
    card.run(command(PORTCAM_OPCODE_CHANGE_ABORT));
    card.disable();
    card.pace = Pace{};
    return each;
}

inline void test_speed(Card &card)
{
    for (unsigned latency : {1u, 2u, 3u, 4u, 6u}) {
        double each = clocks_each(card, latency, row_write(card.random, PORTCAM_TABLE_BACKEND, 7));
        printf("# row_write, table answers %u clocks after the request: %.2f clocks\n", latency,
               each);
        if (each > (latency < 2 ? 4 : latency + 2) + 0.5)
            card.tap.fail("a row write takes %.2f clocks", each);
    }
    printf("# nop: %.2f clocks\n", clocks_each(card, 1, command(0)));
    for (unsigned read_latency : {50u, 100u, 300u})
        printf(
            "# row_write, 3 clocks in the table, reads of host memory %u clocks: %.2f clocks\n",
            read_latency,
            clocks_each(card, 3, row_write(card.random, PORTCAM_TABLE_BACKEND, 7), read_latency));
    card.tap.done("speed: a row write takes two clocks more than its table, at least four");
}
