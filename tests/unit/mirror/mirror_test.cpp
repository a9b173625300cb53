// SPDX-License-Identifier: Apache-2.0
//
// Tests of portcam_mirror: what mirror_bench.hpp compares all the while, in the situations that
// docs/mirror.md names. The seed is the first argument; --speed: only how fast it writes.
#include "mirror_bench.hpp"

static void quiet_run(Bench &b)
{
    b.pace = {};
    b.pace.operations = 5;
    b.pace.stall = 0;
    b.pace.latency = 3;
    b.log2 = 8;
    b.enable();
    b.steps(3000);
    b.check("few operations");
    if (b.lost || b.skipped)
        b.tap.fail("%llu operations lost, %llu events dropped", (unsigned long long)b.lost,
                   (unsigned long long)b.skipped);
    b.copy_all();
    b.check("after a copy of all");
    b.tap.done("few operations: every entry and every event is the model's, none lost; mirror_copy "
               "while they go on");
    b.disable();
    b.forget_mirror();
}

static void overflow(Bench &b)
{
    b.pace = {};
    b.pace.latency = 100;
    b.pace.stall = 60;
    b.pace.operations = 90;
    b.log2 = 2;
    b.enable();
    b.copy_all(true);
    uint64_t lost = b.lost, live = b.rewrites, gone = b.rewrites_free, skipped = 0;
    for (int round = 0; round < 6; round++) {
        b.pace.reads = round % 2 ? 100 : 2;
        b.steps(20000);
        b.check("more than there is room for");
        skipped += b.skipped;
    }
    if (b.lost == lost || b.rewrites == live || b.rewrites_free == gone || !skipped)
        b.tap.fail("lost %llu, written later %llu and %llu free ones, dropped %llu",
                   (unsigned long long)(b.lost - lost), (unsigned long long)(b.rewrites - live),
                   (unsigned long long)(b.rewrites_free - gone), (unsigned long long)skipped);
    b.tap.done(
        "more than there is room for: lost operations are written later, live slots and free "
        "ones; event ring of 4 entries, a host that reads late, drops are counted");
    b.disable();
    b.forget_mirror();
}

static void sums(Bench &b)
{
    b.pace = {};
    b.log2 = 6;
    b.pace.operations = 10;
    b.pace.latency = 10;
    b.enable();
    b.copy_all(true);
    b.keep_sums = true;
    b.steps(2000);
    unsigned whole = 0;
    for (int i = 0; i < 60; i++) {
        b.steps(b.random.below(300));
        if (b.command(true, 0, 0) != PORTCAM_STATUS_OK)
            b.tap.fail("mirror_sum: status %u", b.command_status);
        if (b.sum.flags & 1)
            continue;
        auto at = b.sum_at.find(b.sum.version);
        if (at == b.sum_at.end() || at->second.first != b.sum.sum ||
            at->second.second != b.sum.records)
            b.tap.fail("sum 0x%x of %u records at version %u, but 0x%x of %u", b.sum.sum,
                       b.sum.records, b.sum.version, at == b.sum_at.end() ? 0 : at->second.first,
                       at == b.sum_at.end() ? 0 : at->second.second);
        whole++;
    }
    b.check("sums");
    for (uint32_t block = 0; block < (SLOTS + 4095) / 4096; block++) {
        uint32_t total, count;
        b.sum_of(block, total, count);
        b.command(true, block, 0, true);
        if (b.sum.block != block || b.sum.sum != total || b.sum.records != count || b.sum.flags)
            b.tap.fail("block %u: sum 0x%x of %u records, but 0x%x of %u", block, b.sum.sum,
                       b.sum.records, total, count);
    }
    if (!whole)
        b.tap.fail("no sum of a moment");
    b.keep_sums = false;
    b.tap.done("mirror_sum is the sum of its version, between operations; of every block at rest");
    b.disable();
    b.forget_mirror();
}

static void refused(Bench &b)
{
    for (int round = 0; round < 12; round++) {
        b.pace = {};
        b.pace.operations = 20;
        b.log2 = 3;
        b.enable();
        b.steps(200);
        uint64_t fails = b.fails, errors = b.raised_errors;
        b.refuse =
            round % 2 ? EVENTS_AT + 64 * b.random.below(2) : MIRROR_AT + 64 * b.random.below(ROWS);
        for (int i = 0; i < 500000 && b.fails == fails; i++)
            b.steps(1);
        b.steps(500);
        uint32_t want = PORTCAM_MIRROR_STATUS_ERROR | PORTCAM_STATUS_DMA_WRITE_ERROR
                                                          << PORTCAM_MIRROR_STATUS_REASON_SHIFT;
        if (b.status(false) != want || b.fails != fails + 1 || b.raised_errors != errors + 1)
            b.tap.fail("status 0x%x, %llu failures, %llu interrupts", b.status(false),
                       (unsigned long long)(b.fails - fails),
                       (unsigned long long)(b.raised_errors - errors));
        uint64_t beats = b.beats;
        b.steps(200);
        if (b.beats != beats)
            b.tap.fail("it goes on writing");
        if (b.command(false, 0, 1) != PORTCAM_STATUS_NO_MIRROR)
            b.tap.fail("mirror_copy: status %u", b.command_status);
        b.refuse = ~0ull;
        b.disable(false);
        b.forget_mirror();
        b.enable(false);
        b.copy_all();
        b.steps(500);
        b.check("after the cure");
        b.disable(false);
        b.forget_mirror();
    }
    b.tap.done(
        "memory that refuses an entry or a line of events stops the mirror, once; disable and "
        "enable is the cure");
}

// The write that is refused is answered after the host has stopped the mirror: by ENABLE, with ENABLE
// set again at once, or by a reset.
static void refused_late(Bench &b)
{
    enum { Stop, Again, Reset, Ways };
    unsigned late[Ways] = {};
    uint32_t error = PORTCAM_MIRROR_STATUS_ERROR | PORTCAM_STATUS_DMA_WRITE_ERROR
                                                       << PORTCAM_MIRROR_STATUS_REASON_SHIFT;
    for (int round = 0; round < 60; round++) {
        int way = round % Ways;
        b.pace = {};
        b.pace.latency = 60;
        b.log2 = 3;
        b.enable();
        b.steps(200);
        uint64_t fails = b.fails, errors = b.raised_errors, refusals = b.refusals;
        b.refuse = round % 2 ? EVENTS_AT : MIRROR_AT + 64 * b.random.below(ROWS);
        for (int i = 0; i < 500000 && b.refusals == refusals; i++)
            b.steps(1);
        bool early = b.fails != fails; // before the host stopped it
        if (way == Reset) {
            b.top.flr_i = 1;
            b.step();
            b.top.flr_i = 0;
        } else {
            b.disable(false);
        }
        early = early || b.fails != fails;
        late[way] += !early;
        b.refuse = ~0ull;
        if (way == Again)
            b.enable(false);
        b.forget_mirror();
        b.steps(500);
        unsigned told = early || way != Reset;
        uint32_t want = way == Stop    ? error
                        : way == Again ? uint32_t(PORTCAM_MIRROR_STATUS_RUNNING)
                                       : 0;
        uint32_t status = b.status() & ~uint32_t(PORTCAM_MIRROR_STATUS_PENDING);
        if (status != want || b.fails != fails + told || b.raised_errors != errors + told)
            b.tap.fail("way %d: status 0x%x, %llu failures, %llu interrupts", way, status,
                       (unsigned long long)(b.fails - fails),
                       (unsigned long long)(b.raised_errors - errors));
        b.disable();
        b.settle();
        b.enable();
        b.steps(8, true);
        status = b.status();
        if (status != PORTCAM_MIRROR_STATUS_RUNNING)
            b.tap.fail("way %d: status 0x%x after the cure", way, status);
        b.disable();
        b.settle();
    }
    if (!late[Stop] || !late[Again] || !late[Reset])
        b.tap.fail("answered late: %u, %u, %u", late[Stop], late[Again], late[Reset]);
    b.tap.done(
        "a refused write that is answered after the mirror was disabled is told, once; after a "
        "reset it is not");
}

static void bad_ring(Bench &b)
{
    static const struct {
        uint16_t offset;
        uint32_t value;
    } bad[] = {{PORTCAM_REG_MIRROR_BASE_LO, 64},
               {PORTCAM_REG_EVENT_BASE_LO, 16},
               {PORTCAM_REG_EVENT_SIZE, 1},
               {PORTCAM_REG_EVENT_SIZE, 17},
               {PORTCAM_REG_EVENT_SIZE, 0x84}};
    b.pace = {};
    for (auto &c : bad) {
        b.log2 = 2;
        b.enable();
        b.disable();
        b.steps(300);
        uint64_t errors = b.raised_errors, beats = b.beats;
        b.write32(c.offset, c.value);
        b.write32(PORTCAM_REG_MIRROR_CONTROL, 3);
        b.steps(300);
        uint32_t want = PORTCAM_MIRROR_STATUS_ERROR | PORTCAM_STATUS_BAD_RING
                                                          << PORTCAM_MIRROR_STATUS_REASON_SHIFT;
        if (b.status() != want || b.raised_errors != errors + 1 || b.beats != beats)
            b.tap.fail("register 0x%x is 0x%x: status 0x%x", c.offset, c.value, b.status());
        b.disable();
        b.forget_mirror();
    }
    b.enable();
    b.copy_all(true);
    b.steps(100);
    b.check("after the cure");
    b.disable();
    b.forget_mirror();
    b.tap.done("bad ring: alignment and size, an interrupt, nothing is written; cure");
}

static void arms(Bench &b)
{
    b.pace = {};
    b.pace.reads = 0;
    b.log2 = 2;
    b.enable();
    uint64_t raised = b.raised_events;
    b.write32(PORTCAM_REG_EVENT_ARM, 1);
    while (b.read32(PORTCAM_REG_EVENT_TAIL, false) < 4)
        b.steps(1);
    b.settle();
    if (b.raised_events != raised + 1)
        b.tap.fail("raised %llu times", (unsigned long long)(b.raised_events - raised));
    b.write32(PORTCAM_REG_EVENT_ARM, 3); // at once
    b.steps(8, true);
    if (b.raised_events != raised + 2)
        b.tap.fail("not at once");
    b.write32(PORTCAM_REG_EVENT_ARM, 4);
    b.steps(8, true);
    if (b.raised_events != raised + 2)
        b.tap.fail("raised without an event");
    uint32_t dropped = b.read32(PORTCAM_REG_EVENT_DROPPED);
    while (b.read32(PORTCAM_REG_EVENT_DROPPED, false) == dropped)
        b.steps(1);
    b.settle();
    if (b.raised_events != raised + 3)
        b.tap.fail("a drop does not raise");
    b.write32(PORTCAM_REG_EVENT_ARM, 4);
    b.steps(8, true);
    if (b.raised_events != raised + 3)
        b.tap.fail("an old drop raises");
    b.disable();
    b.forget_mirror();
    b.enable(); // disarms
    while (b.read32(PORTCAM_REG_EVENT_DROPPED, false) == 0)
        b.steps(1);
    b.settle();
    if (b.raised_events != raised + 3)
        b.tap.fail("ENABLE does not disarm");
    b.disable();
    b.forget_mirror();
    b.tap.done("vector 1: beyond the index, at once, by a drop; ENABLE disarms");
}

// Anything at any moment.
static void at_any_moment(Bench &b, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        b.pace = {};
        b.pace.operations = unsigned(b.random.below(101));
        b.pace.stall = unsigned(b.random.below(90));
        b.pace.latency = unsigned(b.random.below(3) ? b.random.below(20) : b.random.below(400));
        b.pace.walk = unsigned(1 + b.random.below(100));
        b.pace.reads = unsigned(b.random.below(2) ? 100 : b.random.below(20));
        b.log2 = unsigned(2 + b.random.below(4));
        b.events_on = b.random.percent(85);
        b.enable(false);
        b.steps(b.random.below(400));
        if (b.random.percent(50)) {
            b.copy_all();
            b.steps(b.random.below(1500));
            b.check("at any moment");
            b.steps(b.random.below(300));
        }
        if (b.random.percent(20)) {
            b.top.flr_i = 1;
            b.step();
            b.top.flr_i = 0;
        } else {
            b.disable(false);
            if (b.random.percent(40))
                b.steps(b.random.below(1000));
        }
        b.forget_mirror();
    }
    b.events_on = true;
    b.tap.done("disable, enable and reset at any moment, any pace, event rings of 4 to 32 entries");
}

static void speed(Bench &b)
{
    b.pace = {};
    b.pace.operations = 100;
    b.pace.stall = 0;
    b.pace.latency = 20;
    b.events_on = false;
    b.enable();
    b.copy_all(true);
    b.steps(200);
    uint64_t beats = b.beats, clocks = b.clocks;
    b.steps(2000);
    double entries = double(b.beats - beats) / double(b.clocks - clocks);
    b.check("speed");
    b.disable();
    b.forget_mirror();
    b.events_on = true;
    b.log2 = 12;
    b.enable();
    b.copy_all(true);
    b.steps(200);
    uint64_t events = b.events_seen;
    clocks = b.clocks;
    b.steps(2000);
    double told = double(b.events_seen - events) / double(b.clocks - clocks);
    b.check("speed");
    printf("# %.2f entries a clock without events, %.2f with their events\n", entries, told);
#ifndef BENCH_TINY
    if (entries < 0.95 || told < 0.6)
        b.tap.fail("%.2f entries, %.2f with events a clock", entries, told);
#endif
    b.tap.done("an entry a clock without events, most of that with them");
    b.disable();
    b.forget_mirror();
}

int main(int argc, char **argv)
{
    bool only_speed = argc > 1 && strcmp(argv[1], "--speed") == 0;
    uint64_t seed = only_speed ? start(1, argv) : start(argc, argv);
    Tap tap;
    Bench b(tap, seed);
    b.reset();
    if (only_speed) {
        speed(b);
        return tap.finish();
    }
    if (b.command(false, 0, 1) != PORTCAM_STATUS_NO_MIRROR ||
        b.command(true, 0, 1) != PORTCAM_STATUS_NO_MIRROR)
        tap.fail("status %u", b.command_status);
    tap.done("no_mirror: mirror_copy and mirror_sum while it does not run");
    quiet_run(b);
    overflow(b);
    sums(b);
    refused(b);
    refused_late(b);
    bad_ring(b);
    arms(b);
    at_any_moment(b, argc > 2 ? unsigned(atoi(argv[2])) : SLOTS > 1000 ? 40 : 150);
    speed(b);
    return tap.finish();
}
