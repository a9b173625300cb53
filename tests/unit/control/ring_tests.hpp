// SPDX-License-Identifier: Apache-2.0
//
// Tests of registers, ring, completions, interrupts and DMA errors.
#pragma once

#include "command_tests.hpp"

inline void test_registers(Card &card)
{
    Tap &tap = card.tap;
    struct Known {
        unsigned offset;
        uint32_t value;
    };
    static const Known known[] = {
        {PORTCAM_REG_MAGIC, PORTCAM_MAGIC},
        {PORTCAM_REG_VERSION, 1u << 16 | PORTCAM_INTERFACE_MINOR},
        {PORTCAM_REG_BUILD_ID, 0xC0FFEE01},
        {PORTCAM_REG_CAPS, CONNECTION_ROWS ? 0x17f : 0x137},
        {PORTCAM_REG_CAP_FRAME, 9600u << 16 | 128},
        {PORTCAM_REG_CAP_UNITS, 8 << 16 | 1 << 8 | FUNCTIONS},
        {PORTCAM_REG_CAP_DOMAINS, DOMAINS},
        {PORTCAM_REG_CAP_ADDRESSES, ADDRESSES},
        {PORTCAM_REG_CAP_SERVICES, SERVICES},
        {PORTCAM_REG_CAP_BACKENDS, BACKENDS},
        {PORTCAM_REG_CAP_ENDPOINTS, ENDPOINT_WAYS << 24 | ENDPOINT_ROWS},
        {PORTCAM_REG_CAP_ENDPOINTS_ANY_PORT, ENDPOINT_WAYS << 24 | ENDPOINT_ANY_PORT_ROWS},
        {PORTCAM_REG_CAP_ENDPOINTS_ANY, ENDPOINT_WAYS << 24 | ENDPOINT_ANY_ROWS},
        {PORTCAM_REG_CAP_CONNECTIONS,
         CONNECTION_ROWS ? CONNECTION_STASH << 24 | CONNECTION_ROWS : 0},
        {PORTCAM_REG_CAP_CONNECTIONS_V6,
         CONNECTION_ROWS ? CONNECTION_STASH << 24 | CONNECTION_ROWS_V6 : 0},
        {PORTCAM_REG_CAP_SCHEDULE, SCHEDULE_ROWS},
        {PORTCAM_REG_CONNECTIONS_USED, CONNECTIONS_USED},
        {PORTCAM_REG_CONNECTIONS_EMBRYONIC, CONNECTIONS_EMBRYONIC},
        {PORTCAM_REG_STATUS, PORTCAM_STATUS_READY}};
    static const unsigned writable[] = {
        PORTCAM_REG_HASH_SEED,   PORTCAM_REG_SCRATCH,     PORTCAM_REG_CMD_BASE_LO,
        PORTCAM_REG_CMD_BASE_HI, PORTCAM_REG_CPL_BASE_LO, PORTCAM_REG_CPL_BASE_HI,
        PORTCAM_REG_CMD_SIZE,    PORTCAM_REG_CMD_CONTROL, PORTCAM_REG_CMD_DOORBELL,
        PORTCAM_REG_CPL_HEAD,    PORTCAM_REG_CMD_ARM};
    card.wait_ready();
    for (auto &k : known)
        if (uint32_t value = card.read32(k.offset); value != k.value)
            tap.fail("register 0x%x is 0x%x instead of 0x%x", k.offset, value, k.value);
    uint32_t time = card.read32(PORTCAM_REG_TIME_MS);
    card.steps(200);
    if (card.read32(PORTCAM_REG_TIME_MS) == time)
        tap.fail("TIME_MS stands still");
    tap.done("registers: identity, capabilities, status and time");

    for (unsigned offset = 0; offset < 0x10000; offset += 4) {
        if (offset >= 0x80 && (offset < 0x1000 || offset >= 0x1080) && offset % 0x1fc)
            continue; // the rest of the pages by sample
        bool is_known =
            std::find(std::begin(writable), std::end(writable), offset) != std::end(writable) ||
            offset == PORTCAM_REG_TIME_MS || offset == PORTCAM_REG_HOLD;
        for (auto &k : known)
            is_known |= k.offset == offset;
        if (is_known)
            continue;
        card.write32(offset, ~0u);
        if (uint32_t value = card.read32(offset))
            tap.fail("register 0x%x is 0x%x", offset, value);
    }
    tap.done("registers: those that are not listed read 0 and ignore writes");

    for (unsigned offset : writable) {
        uint32_t mask = offset == PORTCAM_REG_CMD_SIZE      ? 0xff
                        : offset == PORTCAM_REG_CMD_CONTROL ? 0
                                                            : ~0u;
        uint32_t value = uint32_t(card.random.next()) & mask;
        card.write32(offset, value);
        for (unsigned strobes = 0; strobes < 15; strobes++)
            card.write32(offset, ~value, strobes);
        if (uint32_t got = card.read32(offset); got != value)
            tap.fail("register 0x%x: 0x%x instead of 0x%x", offset, got, value);
        if (offset == PORTCAM_REG_HASH_SEED && card.top.hash_seed_o != value)
            tap.fail("hash_seed_o is not HASH_SEED");
    }
    for (auto &k : known) {
        card.write32(k.offset, ~k.value);
        if (card.read32(k.offset) != k.value)
            tap.fail("read-only register 0x%x was written", k.offset);
    }
    tap.done(
        "registers: writable ones keep 32 bits, partial writes are ignored, read-only ones stay");
    uint32_t secret[8];
    for (unsigned i : {3u, 0u, 7u, 1u, 2u, 6u, 5u, 4u}) {
        secret[i] = uint32_t(card.random.next());
        card.write32(PORTCAM_REG_SECRET_0 + 4 * i, secret[i]);
        for (unsigned strobes = 0; strobes < 15; strobes++)
            card.write32(PORTCAM_REG_SECRET_0 + 4 * i, ~secret[i], strobes);
        for (unsigned offset : {PORTCAM_REG_SECRET_0 - 4, PORTCAM_REG_SECRET_7 + 4})
            card.write32(offset, 0x5a5a5a5a);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (card.top.secret_o[i] != secret[i])
            tap.fail("word %u of the secret is 0x%x instead of 0x%x", i, card.top.secret_o[i],
                     secret[i]);
        if (uint32_t value = card.read32(PORTCAM_REG_SECRET_0 + 4 * i))
            tap.fail("word %u of the secret reads 0x%x", i, value);
    }
    tap.done("registers: the secret goes in word by word, whole words only, and is never read");
    card.flr();
    card.wait_ready();
    for (unsigned i = 0; i < 8; i++)
        if (card.top.secret_o[i])
            tap.fail("word %u of the secret after the reset of the function", i);
    for (unsigned offset : writable)
        if (card.read32(offset))
            tap.fail("register 0x%x after the reset of the function", offset);
    tap.done("registers: reset values after a reset of the function");
    card.write32(PORTCAM_REG_HOLD, 0xdead0000 | 20);
    uint64_t from = card.now, to = 0;
    card.flr();
    while (card.top.hold_o && card.now < from + 5000)
        card.step(), to = card.now;
    if (to < from + 1900 || to > from + 2100)
        tap.fail("20 ms of HOLD took %llu clocks of 1/100 ms", (unsigned long long)(to - from));
    card.write32(PORTCAM_REG_HOLD, 0xffff);
    if (!card.top.hold_o || card.read32(PORTCAM_REG_HOLD) < 0xff00)
        tap.fail("HOLD does not hold");
    card.write32(PORTCAM_REG_HOLD, 0);
    if (card.top.hold_o || card.read32(PORTCAM_REG_HOLD))
        tap.fail("HOLD does not end");
    card.wait_ready();
    tap.done("registers: HOLD counts down, over a reset of the function too; 0 ends it");
}

inline void test_ring(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    struct Bad {
        unsigned bits;
        uint64_t command_add, completion_add;
    };
    card.wait_ready();
    for (const Bad &bad : {Bad{5, 0, 0}, Bad{17, 0, 0}, Bad{0, 0, 0}, Bad{255, 0, 0}, Bad{38, 0, 0},
                           Bad{6, 64, 0}, Bad{6, 2048, 0}, Bad{6, 0, 16}, Bad{6, 0, 2048}}) {
        unsigned errors = card.irqs[PORTCAM_VECTOR_ERRORS];
        card.configure(6);
        card.write32(PORTCAM_REG_CMD_SIZE, bad.bits);
        card.write32(PORTCAM_REG_CMD_BASE_LO, uint32_t(card.command_base + bad.command_add));
        card.write32(PORTCAM_REG_CPL_BASE_LO, uint32_t(card.completion_base + bad.completion_add));
        card.enable();
        card.steps(30);
        if (card.status() != (PORTCAM_STATUS_BAD_RING << PORTCAM_CMD_STATUS_REASON_SHIFT |
                              PORTCAM_CMD_STATUS_ERROR) ||
            card.irqs[PORTCAM_VECTOR_ERRORS] != errors + 1 ||
            !(card.read32(PORTCAM_REG_STATUS) & PORTCAM_STATUS_RING_ERROR))
            tap.fail("size %u: CMD_STATUS 0x%x", bad.bits, card.status());
        card.disable();
    }
    tap.done("status bad_ring: sizes and alignments; the cure is disable and enable");

    for (unsigned bits : {6u, 7u}) {
        card.start(bits);
        for (unsigned i = 0; i < 5; i++) {
            uint32_t room = card.size() - (card.produced - card.finished);
            for (uint32_t n = room - (i & 1); n; n--)
                card.submit(command(PORTCAM_OPCODE_NOP));
            card.doorbell();
            card.drain();
        }
        for (unsigned i = 0; i < 400; i++) {
            for (uint64_t n = 1 + random.below(40); n; n--)
                card.submit(random.percent(50) ? with_completion(command(0)) : command(0));
            card.doorbell();
            card.drain();
        }
        if (card.read32(PORTCAM_REG_CMD_HEAD) != card.produced ||
            card.read32(PORTCAM_REG_CPL_TAIL) != card.consumed)
            tap.fail("CMD_HEAD or CPL_TAIL wrong");
        if (card.consumed < 3 * card.size())
            tap.fail("only %u completions", card.consumed);
        card.disable();
    }
    if (card.bus.longest_burst() != 16)
        tap.fail("the longest burst had %llu beats", (unsigned long long)card.bus.longest_burst());
    tap.done("ring: wrap of both rings, lap counter, a full ring, bursts inside the ring");

    card.start();
    for (unsigned i = 0; i < 10; i++)
        card.submit(i == 4 ? with_completion(command(0)) : i == 7 ? command(0xee) : command(0));
    card.doorbell();
    card.drain();
    card.steps(200);
    if (card.read32(PORTCAM_REG_CPL_TAIL) != 3)
        tap.fail("%u completions instead of 3", card.read32(PORTCAM_REG_CPL_TAIL));
    tap.done("completions: for a failure, on request, for the last before the doorbell, no others");
    card.disable();

    for (uint32_t ahead : {65u, 66u, 128u, 0x80000000u, ~0u}) {
        card.start();
        unsigned errors = card.irqs[PORTCAM_VECTOR_ERRORS];
        card.run(command(0));
        card.write32(PORTCAM_REG_CMD_DOORBELL, card.produced + ahead);
        card.steps(100);
        if (card.reason() != PORTCAM_STATUS_BAD_DOORBELL || (card.status() & 1) ||
            card.irqs[PORTCAM_VECTOR_ERRORS] != errors + 1)
            tap.fail("%u ahead: CMD_STATUS 0x%x", ahead, card.status());
        card.disable();
    }
    card.start();
    for (unsigned i = 0; i < 64; i++)
        card.submit(command(0));
    card.doorbell();
    card.drain();
    if (card.status() != PORTCAM_CMD_STATUS_RUNNING)
        tap.fail("a whole ring ahead must be good");
    tap.done("status bad_doorbell: beyond the ring and backwards, not at exactly a ring's size");
    card.disable();

    for (unsigned i = 0; i < 30; i++) { // disable while commands run, and enable again
        card.start();
        for (unsigned n = 0; n < 40; n++)
            card.submit(random_command(card, 5));
        card.doorbell();
        card.steps(random.below(300));
        bool quick = random.below(2);
        uint32_t before = card.finished;
        if (quick) {
            card.write32(PORTCAM_REG_CMD_CONTROL, 0);
            card.write32(PORTCAM_REG_CMD_CONTROL, 1);
            if (card.read32(PORTCAM_REG_CMD_DOORBELL) || card.read32(PORTCAM_REG_CMD_HEAD) ||
                card.read32(PORTCAM_REG_CPL_TAIL) || card.read32(PORTCAM_REG_CPL_HEAD))
                tap.fail("indices are not 0 after ENABLE");
            card.write32(PORTCAM_REG_CMD_CONTROL, 0);
        }
        card.disable();
        if (card.finished > before + 2)
            tap.fail("%u commands after the end", card.finished - before);
        uint32_t after = card.finished;
        card.steps(50);
        if (card.finished != after || !card.bus.idle())
            tap.fail("not at rest after RUNNING fell");
        card.start();
        card.run(command(PORTCAM_OPCODE_CHANGE_ABORT));
        for (unsigned n = 0; n < 5; n++)
            card.run(random_command(card, 0));
        card.run(command(PORTCAM_OPCODE_CHANGE_ABORT));
        card.disable();
    }
    tap.done("disable: the command in work finishes, then the ring is at rest; enable starts at 0");
}

inline void test_full_completions(Card &card)
{
    Tap &tap = card.tap;
    card.start();
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 64; i++)
            card.submit(with_completion(command(0)));
        card.doorbell();
        card.steps(6000);
    }
    if (card.finished != 65 || card.read32(PORTCAM_REG_CPL_TAIL) != 64)
        tap.fail("%u commands finished, %u completions, with room for 64", card.finished,
                 card.read32(PORTCAM_REG_CPL_TAIL));
    for (unsigned i = 0; i < 10; i++) {
        card.poll();
        card.release();
        card.steps(300);
        if (card.read32(PORTCAM_REG_CPL_TAIL) != 65 + i)
            tap.fail("CPL_TAIL %u after %u were consumed", card.read32(PORTCAM_REG_CPL_TAIL),
                     i + 1);
    }
    card.drain();
    tap.done("completion ring full: the card waits, and goes on one by one");
    for (unsigned i = 0; i < 64; i++)
        card.submit(with_completion(command(0)));
    card.doorbell();
    card.steps(6000);
    card.submit(with_completion(command(0)));
    card.doorbell();
    card.steps(100);
    card.disable();
    tap.done("completion ring full: disable still stops the ring");
}

inline void test_interrupts(Card &card)
{
    Tap &tap = card.tap;
    Random &random = card.random;
    unsigned *irqs = card.irqs;
    card.start();
    unsigned before = irqs[0];
    for (unsigned i = 0; i < 5; i++)
        card.run(command(0));
    card.steps(50);
    if (irqs[0] != before)
        tap.fail("vector 0 without being armed");
    card.write32(PORTCAM_REG_CMD_ARM, 4);
    card.steps(50);
    if (irqs[0] != before + 1)
        tap.fail("not at once when CPL_TAIL is beyond already");
    card.write32(PORTCAM_REG_CMD_ARM, 5);
    card.steps(50);
    if (irqs[0] != before + 1)
        tap.fail("fired although CPL_TAIL is not beyond");
    card.run(command(0));
    card.run(command(0));
    card.steps(50);
    if (irqs[0] != before + 2)
        tap.fail("%u times instead of once after a completion", irqs[0] - before - 1);
    card.write32(PORTCAM_REG_CMD_ARM, 8);
    card.run(command(0));
    card.write32(PORTCAM_REG_CMD_ARM, 0x7fffff00);
    card.run(command(0));
    card.run(command(0));
    card.steps(50);
    if (irqs[0] != before + 2)
        tap.fail("an index that was armed anew still fired");
    card.disable();
    card.start();
    card.write32(PORTCAM_REG_CMD_ARM, 1);
    card.disable();
    card.start();
    before = irqs[0];
    for (unsigned i = 0; i < 5; i++)
        card.run(command(0));
    card.steps(50);
    if (irqs[0] != before)
        tap.fail("ENABLE did not disarm");
    tap.done("arm: fires once, at once or later, not before; ENABLE disarms");

    // The host's way to sleep: arm, look once more, sleep. It must never miss a completion.
    for (unsigned i = 0; i < 300; i++) {
        unsigned seen = irqs[0];
        card.submit(command(0));
        card.doorbell();
        card.steps(random.below(90));
        card.write32(PORTCAM_REG_CMD_ARM, card.consumed);
        if (!card.poll()) {
            for (unsigned n = 0; n < 2000 && irqs[0] == seen; n++)
                card.step();
            if (irqs[0] == seen)
                tap.fail("slept through completion %u", i);
            if (!card.poll())
                tap.fail("woken without a completion");
        } else {
            card.steps(60);
            if (irqs[0] != seen + 1)
                tap.fail("armed behind CPL_TAIL, fired %u times", irqs[0] - seen);
        }
        card.release();
    }
    tap.done("arm: the race between a completion and the arming never loses a wake-up");

    before = irqs[0];
    unsigned errors = irqs[PORTCAM_VECTOR_ERRORS];
    card.irq_stall = 100;
    card.memory.no_read.insert(0x5550000000 / 64);
    card.write32(PORTCAM_REG_CMD_ARM, card.consumed);
    for (unsigned i = 0; i < 3; i++)
        card.run(to(command(PORTCAM_OPCODE_SELF_TEST), 0x5550000000, 0x5560000000));
    card.steps(50);
    card.irq_stall = 20;
    card.steps(100);
    if (irqs[0] != before + 1 || irqs[PORTCAM_VECTOR_ERRORS] < errors + 1 ||
        irqs[PORTCAM_VECTOR_ERRORS] > errors + 2)
        tap.fail("vectors lost while the bridge did not take any");
    card.memory.no_read.clear();
    tap.done("interrupts: several vectors wait for the bridge");
    card.disable();
}
