// SPDX-License-Identifier: Apache-2.0
/* Lockstep of the whole core and the model: random rows, change sets, frames of both directions, gaps, back-pressure, holds,
 * resets and restarts of the host, all from one seed. Every frame, command result and interrupt is checked and, at the end,
 * every counter and the rows of both banks: all of them in the small build and in every FullSeeds-th run of the default one,
 * else those that the model has and some others.
 *
 *   cosim [--seed N] [--seeds COUNT] [--frames FRAMES-A-SEED] [--waves FILE --from CLOCK --to CLOCK]
 *
 * Prints TAP: one line for the comparison, and one each for what must all have been met: reasons, hazards, packets to and
 * from the host, the mirror, moments. */
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>

#include COSIM_HEADER
#include "hazard_bins.hpp"
#include "hold_host.hpp"
#include "interrupt_check.hpp"
#include "mirror_host.hpp"
#include "moment_bins.hpp"
#include "packet_host.hpp"
#include "replay.h"
#include "replay_record.hpp"
#include "rtl_card.hpp"
#include "trace_host.hpp"
#include "world.h"
#ifdef COSIM_WAVES
#include <verilated_vcd_c.h>
#endif

namespace
{

using Card = portcam::RtlCard<COSIM_TOP>;
using Packets = PacketHost<Card>;
using Trace = TraceHost<Card>;
using portcam::Side;

constexpr uint64_t MemoryBase = 0x10000000, MemoryBytes = 1 << 20;
constexpr uint64_t RingAt = MemoryBase, CompletionsAt = MemoryBase + 0x10000,
                   AnswerAt = MemoryBase + 0x20000, ImagesAt = MemoryBase + 0x80000;
constexpr unsigned RingLog2 = 7, RingSize = 1u << RingLog2;
constexpr uint64_t NoMemory = 0x40000000; /* nothing is behind it */
constexpr unsigned FullSeeds = 5;

#ifdef COSIM_TINY
constexpr uint64_t FirstSeed = 1001; /* not those of the default build */
constexpr unsigned Ways = 2, CopySlots = ~0u, RestartOneIn = 500;
#else
constexpr uint64_t FirstSeed = 1;
constexpr unsigned Ways = PORTCAM_BUILD_CONNECTION_WAYS, RestartOneIn = 1200;
constexpr unsigned CopySlots = 2048; /* of a restart; whole_mirror() copies all */
#endif

struct Options {
    uint64_t seed = FirstSeed, seeds = 40, frames = 4000; /* enough for FramesForReasons */
    std::string waves;
    uint64_t from = 0, to = 0;
};

struct Totals {
    uint64_t frames = 0, drops = 0, clocks = 0, commits = 0, resets = 0, stops = 0, restarts = 0,
             rows = 0, irqs = 0, errors = 0, differences = 0, records = 0, ended = 0, aged = 0,
             moved = 0, images = 0, inserted = 0, refused = 0, mirror_fails = 0, mirror_irqs = 0;
    struct pc_mirror_counts mirror = {};
    uint64_t reasons[64] = {};
    std::array<uint64_t, HazardBins::Bins> hazards = {};
    std::array<uint64_t, MomentBins::Bins> moments = {};
    uint64_t punts = 0, injects = 0, packets[PacketHost<Card>::Bins] = {}, traces[Trace::Bins] = {};
};

struct pc_sizes build_sizes()
{
    struct pc_sizes s = pc_sizes_default();
#ifdef COSIM_TINY
    s.functions = 4;
    s.domains = 8;
    s.addresses = 16;
    s.services = 32;
    s.backends = 16;
    s.endpoint_ways = 2;
    s.endpoint_rows = 32;
    s.endpoint_any_port_rows = 8;
    s.endpoint_any_rows = 8;
    s.connection_rows = 16;
    s.connection_rows_v6 = 16;
    s.connection_stash = 2;
    s.schedule_rows = 16;
#endif
    return s;
}

/* Slots of records: rows and stash of both IP versions. */
unsigned slots_of(const struct pc_sizes &s)
{
    return s.connection_rows + s.connection_rows_v6 + 2 * s.connection_stash;
}

/* One seed: a card, a model that follows it, a world, and a host that writes rows. */
class Run final : portcam::CardHooks
{
public:
    Run(uint64_t seed, const Options &options)
        : seed_(seed), options_(options), dice_(pc_rng_stream(seed, "run")),
          irq_dice_(pc_rng_stream(seed, "interrupts")),
          record_dice_(pc_rng_stream(seed, "records")),
          insert_dice_(pc_rng_stream(seed, "inserts")),
          moment_dice_(pc_rng_stream(seed, "moments")), memory_(MemoryBytes),
          mirror_(seed, slots_of(build_sizes()), moments_), card_(*this, seed)
    {
        struct pc_sizes sizes = build_sizes();
        replay_ = pc_replay_new(&sizes, report, peek, this);
        packets_.follow(replay_);
        trace_.follow(replay_);
        world_init(&world_, seed, &sizes);
        time_ = pc_rng_below(&record_dice_, 3) ? static_cast<uint32_t>(pc_rng_next(&record_dice_))
                                               : UINT32_MAX - 500; /* the counter wraps */
        set_time();
        stress();
    }
    ~Run() override { pc_replay_free(replay_); }

    void go(Totals &totals)
    {
        start_waves();
        start();
        host_step();
        for (int patience = 0; done_ != tail_ && patience < 20000; patience++)
            clocks(32);
        uint64_t sent = 0;
        while (sent < options_.frames && differences() < 10) {
            sent += feed();
            host_step();
            mirror_step();
            packets_.step();
            trace_.step();
            pass_time();
            hold_.step();
            clocks(1 + pc_rng_below(&dice_, 48));
            if (pc_rng_below(&dice_, 3000) == 0)
                reset(totals);
            if (pc_rng_below(&irq_dice_, 2000) == 0)
                stop_ring(totals);
            if (pc_rng_below(&moment_dice_, RestartOneIn) == 0)
                restart(totals);
        }
        finish(totals);
    }

private:
    void stress()
    {
        static const unsigned levels[] = {0, 0, 0, 10, 50, 90};
        auto level = [&] { return levels[pc_rng_below(&dice_, 6)]; };
        card_.stress.source_idle[0] = level();
        card_.stress.source_idle[1] = level();
        card_.stress.sink_stall[0] = level();
        card_.stress.sink_stall[1] = level();
        card_.stress.dma_stall = level();
        card_.stress.dma_latency = pc_rng_below(&dice_, 60);
        card_.stress.garbage = true;
    }

    /* Mostly a millisecond or none; sometimes so long that records end. */
    void pass_time()
    {
        unsigned dice = pc_rng_below(&record_dice_, 1000);
        time_ += dice < 700 ? 0 : dice < 985 ? 1 : dice < 997 ? 60 : 1500;
        set_time();
    }
    void set_time()
    {
        card_.set_time(time_);
        hold_.set_time(time_);
    }

    uint64_t differences() const { return pc_replay_differences(replay_) + notes_; }

    void clocks(unsigned n)
    {
        for (unsigned i = 0; i < n; i++) {
            card_.step();
            dump_waves();
        }
    }

    /* Keep both sources busy; the frames that were added. */
    uint64_t feed()
    {
        uint64_t added = 0;
        uint8_t frame[WORLD_FRAME];
        for (int side = 0; side < 2; side++)
            while (card_.waiting(static_cast<Side>(side)) < 8) {
                size_t len = world_frame(&world_, frame);
                unsigned function = pc_rng_below(&dice_, world_.sizes.functions + 1);
                card_.push(static_cast<Side>(side), side ? function : 0, frame, len);
                added++;
            }
        return added;
    }

    /* ---- the host ---- */

    /* After the power or a reset of the function: the tables are being cleared. */
    void start()
    {
        for (int patience = 0; !(card_.reg_read(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY);) {
            clocks(64);
            if (++patience > 1000) {
                note("the card does not get ready");
                return;
            }
        }
        card_.reg_write(PORTCAM_REG_HASH_SEED, world_.hash_seed);
        pc_replay_seed(replay_, world_.hash_seed);
        for (unsigned i = 0; i < 8; i++)
            card_.reg_write(PORTCAM_REG_SECRET_0 + 4 * i,
                            static_cast<uint32_t>(pc_rng_next(&record_dice_)));
        packets_.reset();
        interrupts_.reset(card_.top().irq_valid_o ? card_.top().irq_vector_o : -1);
        start_ring();
        write_all();
    }
    void write_all()
    {
        rows_left_ = 110; /* fill the tables at the start */
        based_ = !world_.busy;
    }

    void start_ring()
    {
        card_.reg_write(PORTCAM_REG_CMD_BASE_LO, static_cast<uint32_t>(RingAt));
        card_.reg_write(PORTCAM_REG_CMD_BASE_HI, 0);
        card_.reg_write(PORTCAM_REG_CPL_BASE_LO, static_cast<uint32_t>(CompletionsAt));
        card_.reg_write(PORTCAM_REG_CPL_BASE_HI, 0);
        card_.reg_write(PORTCAM_REG_CMD_SIZE, RingLog2);
        std::fill(memory_.begin() + 0x10000, memory_.begin() + 0x20000, uint8_t(0));
        tail_ = done_ = completions_ = 0;
        slow_ = pc_rng_below(&moment_dice_, 3) == 0;
        interrupts_.enabled();
        card_.reg_write(PORTCAM_REG_CMD_CONTROL, PORTCAM_CMD_CONTROL_ENABLE);
    }

    /* A doorbell beyond the ring stops it, also while it works; ENABLE starts it again. */
    void stop_ring(Totals &totals)
    {
        totals.stops++;
        interrupts_.cause();
        card_.reg_write(PORTCAM_REG_CMD_DOORBELL,
                        tail_ + RingSize + 1 + pc_rng_below(&irq_dice_, 1 << 20));
        uint32_t status = PORTCAM_CMD_STATUS_RUNNING;
        for (int patience = 0; status & PORTCAM_CMD_STATUS_RUNNING && patience < 4000; patience++) {
            clocks(8);
            status = card_.reg_read(PORTCAM_REG_CMD_STATUS);
        }
        if (status != (PORTCAM_CMD_STATUS_ERROR | PORTCAM_STATUS_BAD_DOORBELL
                                                      << PORTCAM_CMD_STATUS_REASON_SHIFT))
            note("a doorbell beyond the ring did not stop it");
        no_vector_waits();
        card_.reg_write(PORTCAM_REG_CMD_CONTROL, 0);
        start_ring();
    }

    /* Another host program comes, at any moment: it knows nothing of rings, rows and records that are there. Ring and mirror
     * begin anew, it asks for the records, and writes the tables. */
    void restart(Totals &totals)
    {
        totals.restarts++;
        moments_.count(MomentBins::RestartWhileCommands, done_ != tail_);
        card_.reg_write(PORTCAM_REG_CMD_CONTROL, 0);
        mirror_.restart([this](uint32_t offset, uint32_t value) { mirror_write(offset, value); },
                        [this](uint32_t offset) { return card_.reg_read(offset); });
        packets_.restart();
        uint32_t status = PORTCAM_CMD_STATUS_RUNNING;
        for (int patience = 0; status & PORTCAM_CMD_STATUS_RUNNING && patience < 4000; patience++) {
            clocks(8);
            status = card_.reg_read(PORTCAM_REG_CMD_STATUS);
        }
        if (status != 0)
            note("the ring that was stopped does not stop, or says an error");
        no_vector_waits();
        start_ring();
        hold_.end();
        put(simple(PORTCAM_OPCODE_CHANGE_ABORT));
        unsigned slots = slots_of(world_.sizes), count = std::min(slots, CopySlots);
        unsigned first = std::min(last_slot_, slots - count);
        for (unsigned slot = first; slot < first + count; slot += 1024)
            put(reader(PORTCAM_OPCODE_MIRROR_COPY, 0, slot, std::min(1024u, first + count - slot)));
        card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
        for (int patience = 0; done_ != tail_ && differences() < 10 && patience < 20000;
             patience++) {
            feed();
            clocks(20);
        }
        check_mirror(first, count);
        moments_.count(MomentBins::RestartCopied, mirror_.running());
        write_all();
    }

    /* ---- interrupts ---- */

    /* Completions in the memory of the host. */
    uint32_t written() const
    {
        for (uint32_t n = completions_;; n++) {
            struct portcam_completion c;
            memcpy(&c, &memory_[(CompletionsAt - MemoryBase) + (n % RingSize) * sizeof(c)],
                   sizeof(c));
            if (c.lap != (n >> RingLog2) + 1)
                return n;
        }
    }

    /* Sometimes; mostly the next completion, sometimes a later one or one long gone. */
    void maybe_arm()
    {
        static const int ahead[] = {0, 0, 0, 0, 1, 2, 4, -1, -200};
        if (pc_rng_below(&irq_dice_, 4) == 0)
            arm(completions_ + static_cast<uint32_t>(ahead[pc_rng_below(&irq_dice_, 9)]));
    }
    void arm(uint32_t index)
    {
        if (interrupts_.old_waits()) /* behind other vectors */
            clocks(200);
        interrupts_.arm(index);
        card_.reg_write(PORTCAM_REG_CMD_ARM, index);
        interrupts_.arm_written(written());
    }

    bool interrupt_due() const { return interrupts_.due(written()) || interrupts_.error_due(); }
    void await_interrupts()
    {
        for (int patience = 0; interrupt_due() && patience < 4000; patience++)
            clocks(1);
        if (interrupt_due())
            settle();
    }
    void no_vector_waits()
    {
        for (int round = 0; round == 0 || (interrupt_due() && round < 4); round++) {
            await_interrupts();
            clocks(600);
        }
        settle();
    }
    void settle()
    {
        if (const char *fault = interrupts_.settled(written()))
            note(fault);
    }

    void put(struct portcam_command c)
    {
        c.cookie = tail_;
        if (slow_)
            c.flags |= PORTCAM_COMMAND_COMPLETE;
        memcpy(&memory_[(RingAt - MemoryBase) + (tail_ % RingSize) * 64], &c, sizeof(c));
        tail_++;
    }

    static struct portcam_command simple(unsigned opcode)
    {
        struct portcam_command c = {};
        c.opcode = static_cast<uint8_t>(opcode);
        return c;
    }

    static struct portcam_command reader(unsigned opcode, unsigned table, unsigned row,
                                         unsigned count, uint64_t at = AnswerAt)
    {
        struct portcam_command c = simple(opcode);
        c.table_id = static_cast<uint16_t>(table);
        c.row = row;
        c.count = count;
        memcpy(c.data, &at, 8);
        return c;
    }

    /* One batch at a time: a change set, a reading, or a command that must be refused. */
    void host_step()
    {
        bool full = slow_ && written() - completions_ == RingSize;
        if (full && pc_rng_below(&moment_dice_, 4) == 0) {
            moments_.count(MomentBins::CompletionsFull, done_ != tail_);
            collect();
        }
        if (done_ != tail_ || (rows_left_ == 0 && pc_rng_below(&dice_, 10) != 0))
            return;
        if (pc_rng_below(&irq_dice_, 2) == 0)
            await_interrupts();
        if (!slow_ || pc_rng_below(&moment_dice_, 200) == 0)
            collect();
        maybe_arm();
        unsigned rows = rows_left_ ? rows_left_ : 1 + pc_rng_below(&dice_, 6);
        rows_left_ = 0;
        unsigned dice = pc_rng_below(&dice_, 100);
        if (!based_)
            dice = 99;
        else if (rows < 10 && pc_rng_below(&record_dice_, 2) == 0) {
            record_commands();
            dice = 100;
        }
        if (dice == 100) {
        } else if (dice < 10 && rows < 10) {
            put(reader(PORTCAM_OPCODE_ROW_READ, pc_rng_below(&dice_, PORTCAM_TABLE_MAX + 1),
                       pc_rng_below(&dice_, 80), 0));
            put(reader(PORTCAM_OPCODE_COUNTER_READ,
                       pc_rng_below(&dice_, PORTCAM_COUNTER_TABLE_MAX + 1),
                       pc_rng_below(&dice_, 40), pc_rng_below(&dice_, 70)));
            if (pc_rng_below(&irq_dice_, 4) == 0)
                put(reader(pc_rng_below(&irq_dice_, 2) ? PORTCAM_OPCODE_ROW_READ
                                                       : PORTCAM_OPCODE_SELF_TEST,
                           PORTCAM_TABLE_DEVICE, 0, 0, NoMemory));
        } else if (dice < 15 && rows < 10) {
            struct portcam_command c;
            pc_rng_bytes(&dice_, &c, sizeof(c));
            if (c.opcode != PORTCAM_OPCODE_CHANGE_BEGIN)
                put(c);
            put(simple(PORTCAM_OPCODE_CHANGE_ABORT));
        } else {
            put(simple(PORTCAM_OPCODE_CHANGE_BEGIN));
            world_.calm = rows > 10;
            if (!based_) {
                struct portcam_command c;
                for (unsigned i = 0; world_base_row(&world_, i, &c); i++)
                    put(c);
                based_ = true;
                rows = 0;
            }
            for (unsigned i = 0; i < rows; i++) {
                struct portcam_command c;
                world_row(&world_, &c);
                put(c);
            }
            put(simple(pc_rng_chance(&dice_, 90) ? PORTCAM_OPCODE_CHANGE_COMMIT
                                                 : PORTCAM_OPCODE_CHANGE_ABORT));
            put(simple(PORTCAM_OPCODE_CHANGE_ABORT)); /* in case the commit was refused */
        }
        card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
        maybe_arm();
    }

    /* What the host gives back: a record that ended, one that is there, or a new one; sometimes it is damaged. */
    struct portcam_connection_image any_image()
    {
        const struct pc_connections *c = pc_device_connections(pc_replay_device(replay_));
        const struct pc_connection *r = pc_connections_get(c, last_slot_);
        struct portcam_connection_image image = spare_[pc_rng_below(&insert_dice_, Spares)];
        unsigned dice = pc_rng_below(&insert_dice_, 100);
        if (dice < 25 && r)
            image = pc_connection_image(r);
        if (dice < 15)
            image.public_port++;
        else if (dice >= 90)
            image.client_port = static_cast<uint16_t>(pc_rng_next(&insert_dice_));
        if (pc_rng_below(&insert_dice_, 20) == 0) {
            unsigned bit = pc_rng_below(&insert_dice_, 8 * sizeof(image));
            reinterpret_cast<uint8_t *>(&image)[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
        }
        if (pc_rng_below(&insert_dice_, 2))
            image.last_used = time_;
        return image;
    }

    void put_inserts()
    {
        uint64_t at = ImagesAt + 64 * pc_rng_below(&insert_dice_, 64);
        const struct pc_connection *r =
            pc_connections_get(pc_device_connections(pc_replay_device(replay_)), last_slot_);
        if (r && pc_rng_below(&insert_dice_, 2)) { /* taken out and put back, below its packets */
            struct portcam_connection_image image = pc_connection_image(r);
            put(reader(PORTCAM_OPCODE_CONNECTION_DELETE, 0, r->slot, r->generation));
            put(reader(PORTCAM_OPCODE_CONNECTION_INSERT, 0, 0, 1, at));
            memcpy(&memory_[at - MemoryBase], &image, sizeof(image));
            at += sizeof(image);
        }
        for (unsigned i = pc_rng_below(&insert_dice_, 3); i; i--) {
            unsigned count =
                1 + pc_rng_below(&insert_dice_, pc_rng_below(&insert_dice_, 4) ? 4 : 40);
            bool none = pc_rng_below(&insert_dice_, 40) == 0;
            put(reader(PORTCAM_OPCODE_CONNECTION_INSERT, 0, 0, count, none ? NoMemory : at));
            for (unsigned n = 0; n < count; n++, at += sizeof(portcam_connection_image)) {
                struct portcam_connection_image image = any_image();
                memcpy(&memory_[at - MemoryBase], &image, sizeof(image));
            }
        }
    }

    /* Reads and deletes of records, mostly of some that the model has. */
    void record_commands()
    {
        const struct pc_connections *c = pc_device_connections(pc_replay_device(replay_));
        unsigned slots = slots_of(world_.sizes);
        for (unsigned i = pc_rng_below(&record_dice_, 3); i; i--)
            put(reader(PORTCAM_OPCODE_CONNECTION_READ, 0, pc_rng_below(&record_dice_, slots + 1),
                       pc_rng_below(&record_dice_, 40)));
        for (unsigned i = pc_rng_below(&record_dice_, 3); i; i--)
            put(reader(PORTCAM_OPCODE_BACKEND_READ, 0, pc_rng_below(&record_dice_, 5),
                       pc_rng_below(&record_dice_, 12)));
        unsigned deletes = pc_rng_below(&record_dice_, 3);
        for (unsigned i = pc_connections_is_stash(c, last_slot_) ? 6 : deletes; i; i--) {
            unsigned slot = pc_rng_below(&record_dice_, slots);
            if (pc_connections_is_stash(c, last_slot_)) /* a place for it, so that it moves */
                slot = (last_slot_ < world_.sizes.connection_rows + world_.sizes.connection_stash
                            ? 0
                            : world_.sizes.connection_rows + world_.sizes.connection_stash) +
                       pc_rng_below(&record_dice_, world_.sizes.connection_rows);
            else if (pc_rng_below(&record_dice_, 3))
                slot = last_slot_;
            for (unsigned n = 0; n < slots && !pc_connections_get(c, slot); n++)
                slot = (slot + 1) % slots;
            const struct pc_connection *r = pc_connections_get(c, slot);
            unsigned generation = r ? r->generation : 1;
            if (pc_rng_below(&record_dice_, 5) == 0)
                generation++;
            put(reader(PORTCAM_OPCODE_CONNECTION_DELETE, 0, slot, generation));
        }
        put_inserts();
        mirror_commands();
        put(simple(PORTCAM_OPCODE_NOP));
    }

    /* ---- the mirror ---- */

    void mirror_write(uint32_t offset, uint32_t value)
    {
        pc_replay_mirror_reg(replay_, offset, value);
        card_.reg_write(offset, value);
    }
    void mirror_step()
    {
        mirror_.step([this](uint32_t offset, uint32_t value) { mirror_write(offset, value); },
                     [this](uint32_t offset) { return card_.reg_read(offset); });
    }
    void mirror_commands()
    {
        unsigned slots = slots_of(world_.sizes);
        if (mirror_.below(3) == 0)
            put(reader(PORTCAM_OPCODE_MIRROR_COPY, 0, mirror_.any_slot(), 1 + mirror_.below(40)));
        if (mirror_.below(8) == 0)
            put(reader(PORTCAM_OPCODE_MIRROR_SUM, 0, mirror_.below((slots + 4095) / 4096), 0));
    }

    /* Once more from the start: behind a copy of all, and some packets, the whole array is the model's. */
    void whole_mirror()
    {
        unsigned slots = slots_of(world_.sizes);
        auto reg = [this](uint32_t offset, uint32_t value) { mirror_write(offset, value); };
        hold_.end();
        drain(); /* also the commands, whose images would be overwritten */
        if (!mirror_.running())
            mirror_.start(reg, mirror_.log2_next());
        for (unsigned slot = 0; slot < slots; slot += 1024)
            put(reader(PORTCAM_OPCODE_MIRROR_COPY, 0, slot, std::min(1024u, slots - slot)));
        batch();
        for (unsigned i = 0; i < 400; i++) {
            feed();
            clocks(40);
        }
        check_mirror(0, slots);
    }
    void check_mirror(unsigned first, unsigned count)
    {
        drain();
        if (!mirror_.running())
            return;
        if (card_.reg_read(PORTCAM_REG_MIRROR_STATUS) != PORTCAM_MIRROR_STATUS_RUNNING)
            note("the mirror does not run, or is not at rest");
        pc_replay_mirror_rest(replay_, card_.reg_read(PORTCAM_REG_MIRROR_VERSION),
                              card_.reg_read(PORTCAM_REG_EVENT_TAIL),
                              card_.reg_read(PORTCAM_REG_EVENT_DROPPED));
        for (unsigned slot = first; slot < first + count; slot++)
            if (!pc_replay_mirror_holds(replay_, slot, mirror_.entry(slot))) {
                note("an entry of the mirror is not the model's record");
                break;
            }
        pc_replay_settled(replay_);
        for (unsigned block = first / 4096; block < (first + count + 4095) / 4096; block++) {
            put(reader(PORTCAM_OPCODE_MIRROR_SUM, 0, block, 0));
            batch();
        }
    }

    /* Consume completions: laps must follow one another. */
    void collect()
    {
        completions_ = written();
        card_.reg_write(PORTCAM_REG_CPL_HEAD, completions_);
    }

    void drain()
    {
        collect();
        for (int patience = 0; patience < 400000; patience++) {
            clocks(16);
            if (differences() >= 10)
                return;
            bool quiet = !card_.waiting(Side::Net) && !card_.waiting(Side::Host) &&
                         done_ == tail_ && card_.quiet() > 400 && !card_.active();
            if (quiet)
                return;
        }
        note("the card does not come to rest");
    }

    void reset(Totals &totals)
    {
        totals.resets++;
        hold_.before_reset();
        moments_.count(MomentBins::ResetInLookup, in_lookup_ > 0);
        moments_.count(MomentBins::ResetWhileCommands, done_ != tail_);
        moments_.count(MomentBins::ResetWhileMirror, mirror_.running());
        moments_.count(MomentBins::ResetWhilePunts, packets_.punting());
        pc_replay_mirror_reg(replay_, PORTCAM_REG_MIRROR_CONTROL, 0);
        mirror_.reset();
        trace_.reset();
        card_.flr();
        if (pc_rng_below(&moment_dice_, 2)) {
            clocks(1 + pc_rng_below(&moment_dice_, 300));
            moments_.count(MomentBins::ResetWhileClearing,
                           !(card_.reg_read(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY));
            card_.flr();
        }
        done_ = tail_; /* what was in the ring is forgotten */
        start();
        hold_.after_reset();
    }

    /* Run what was put into the ring; its answers are not those of an earlier command. */
    void batch()
    {
        collect();
        std::fill(memory_.begin() + (AnswerAt - MemoryBase), memory_.end(), uint8_t(0xee));
        card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
        for (int patience = 0; done_ != tail_ && differences() < 10 && patience < 500000;
             patience++)
            clocks(8);
        if (done_ != tail_ && differences() < 10)
            note("the ring stands still");
        clocks(200); /* its completion */
        collect();
    }

    /* Armed at the end of the completions nothing comes; then one command gives one interrupt, the next none. */
    void last_interrupt()
    {
        settle();
        arm(completions_);
        drain();
        for (uint64_t more = 1; more <= 2; more++) {
            uint64_t before = interrupts_.commands;
            put(simple(PORTCAM_OPCODE_NOP));
            batch();
            drain();
            settle();
            if (interrupts_.commands - before != (more == 1))
                note("one arming did not give one interrupt");
        }
    }

    void all_counters(const struct pc_device *model)
    {
        for (unsigned table = 0; table < PORTCAM_COUNTER_TABLE_MAX; table++)
            for (unsigned row = 0; row < pc_device_counter_rows(model, table); row += 1024) {
                unsigned count = std::min(1024u, pc_device_counter_rows(model, table) - row);
                put(reader(PORTCAM_OPCODE_COUNTER_READ, table, row, count));
                batch();
            }
    }

    void all_records()
    {
        unsigned slots = slots_of(world_.sizes);
        for (unsigned slot = 0; slot < slots; slot += 1024) {
            put(reader(PORTCAM_OPCODE_CONNECTION_READ, 0, slot, std::min(1024u, slots - slot)));
            batch();
        }
        for (unsigned backend = 0; backend < world_.sizes.backends; backend += 1024) {
            put(reader(PORTCAM_OPCODE_BACKEND_READ, 0, backend,
                       std::min(1024u, world_.sizes.backends - backend)));
            batch();
        }
        pc_replay_connections(replay_, card_.reg_read(PORTCAM_REG_CONNECTIONS_USED),
                              card_.reg_read(PORTCAM_REG_CONNECTIONS_EMBRYONIC));
    }

    /* The rows of the bank that packets see; rows that the model has not must not be there either. */
    uint64_t all_rows(const struct pc_tables *model, bool full)
    {
        constexpr unsigned Batch = 100;
        uint64_t read = 0;
        for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++) {
            unsigned rows = pc_tables_rows(model, table);
            for (unsigned row = 0; row < rows && differences() < 10; row++) {
                if (full || pc_tables_get(model, table, row) || pc_rng_below(&dice_, rows) < 60) {
                    put(reader(PORTCAM_OPCODE_ROW_READ, table, row, 0,
                               AnswerAt + 64 * (read % Batch)));
                    if (++read % Batch == 0)
                        batch();
                }
            }
        }
        batch();
        return read;
    }

    /* Nothing flies any more: all counters and all rows must be the model's. */
    void finish(Totals &totals)
    {
        whole_mirror();
        drain();
        collect();
        packets_.finish();
        trace_.finish();
        drain();
        pc_replay_drained(replay_);
        pc_replay_settled(replay_);
        last_interrupt();
        const struct pc_device *model = pc_replay_device(replay_);
        all_counters(model);
        all_records();
        for (int i = 0; i < 3; i++) { /* everything that can age is gone then */
            time_ += 5000;
            set_time();
            drain();
        }
        all_records();
        check_mirror(0, slots_of(world_.sizes));
        bool full = pc_tables_rows(pc_device_tables(model), PORTCAM_TABLE_ENDPOINT) < 1000 ||
                    seed_ % FullSeeds == 0;
        card_.stress = {};
        card_.stress.garbage = true;
        put(simple(PORTCAM_OPCODE_CHANGE_ABORT));
        totals.rows += all_rows(pc_device_tables(model), full);
        put(simple(PORTCAM_OPCODE_CHANGE_BEGIN)); /* of nothing: only the banks change */
        put(simple(PORTCAM_OPCODE_CHANGE_COMMIT));
        totals.rows += all_rows(pc_device_tables(model), full);
        drain();
        settle();
        for (unsigned reason = 0; reason < 64; reason++)
            totals.reasons[reason] +=
                pc_device_counter(model, PORTCAM_COUNTER_TABLE_REASON, reason).packets;
        totals.frames += pc_replay_frames(replay_);
        totals.drops += pc_replay_drops(replay_);
        totals.punts += pc_replay_punts(replay_);
        totals.injects += pc_replay_injects(replay_);
        packets_.bins[Packets::PuntFull] +=
            pc_device_counter(model, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_PUNT_FULL)
                .packets;
        packets_.bins[Packets::PuntLimited] +=
            pc_device_counter(model, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_PUNT_LIMITED)
                .packets;
        for (int bin = 0; bin < Packets::Bins; bin++)
            totals.packets[bin] += packets_.bins[bin];
        for (int bin = 0; bin < Trace::Bins; bin++)
            totals.traces[bin] += trace_.bins[bin];
        totals.clocks += card_.clocks();
        totals.commits += commits_;
        totals.irqs += interrupts_.commands;
        totals.errors += interrupts_.errors;
        bins_.add(totals.hazards);
        moments_.add(totals.moments);
        totals.records += records_;
        totals.ended += ended_;
        totals.aged += aged_;
        totals.moved += moved_;
        totals.images += images_;
        totals.inserted += inserted_;
        totals.refused += refused_;
        const struct pc_mirror_counts *m = pc_replay_mirror_counts(replay_);
        totals.mirror_fails += mirror_.fails;
        totals.mirror_irqs += mirror_.interrupts;
        totals.mirror.starts += m->starts;
        totals.mirror.entries += m->entries;
        totals.mirror.events += m->events;
        totals.mirror.copies += m->copies;
        totals.mirror.sums += m->sums;
        totals.mirror.lost += m->lost;
        totals.mirror.again += m->again;
        totals.mirror.again_free += m->again_free;
        totals.mirror.full += m->full;
        totals.differences += differences();
    }

    /* ---- hooks of the card ---- */

    bool in_memory(uint64_t iova, size_t len) const
    {
        return iova >= MemoryBase && len <= MemoryBytes && iova - MemoryBase <= MemoryBytes - len;
    }
    int dma_read(uint64_t iova, void *dst, size_t len) override
    {
        if (Packets::here(iova))
            return packets_.read(iova, dst, len);
        if (!in_memory(iova, len)) {
            interrupts_.cause();
            return -1;
        }
        memcpy(dst, &memory_[iova - MemoryBase], len);
        return 0;
    }
    int dma_write(uint64_t iova, const void *src, size_t len) override
    {
        if (Packets::here(iova))
            return packets_.write(iova, src, len);
        if (Trace::here(iova))
            return trace_.write(iova, src, len) ? 0 : -1;
        if (mirror_.in_array(iova) || mirror_.in_ring(iova)) {
            bool first = mirror_.first_failure(), good = mirror_.write(iova, src, len);
            if (!pc_replay_wrote(replay_, iova, src, len, !good))
                note("the mirror writes where it is not");
            if (!good && first)
                interrupts_.cause();
            return good ? 0 : -1;
        }
        if (!in_memory(iova, len)) {
            interrupts_.cause();
            return -1;
        }
        memcpy(&memory_[iova - MemoryBase], src, len);
        return 0;
    }
    void irq(unsigned vector) override
    {
        if (vector == PORTCAM_VECTOR_EVENTS) {
            mirror_.interrupts += !interrupts_.take_held(vector);
        } else if (vector == PORTCAM_VECTOR_PUNTS) {
            if (!interrupts_.take_held(vector))
                packets_.irq();
        } else if (const char *fault = interrupts_.irq(vector, written()))
            note(fault);
    }
    void frame_in(Side side, unsigned function, const portcam::Frame &f) override
    {
        hold_.arrived();
        pc_replay_frame_in(replay_, side_of(side), function, f.data(), f.size());
    }
    void frame_out(Side side, unsigned function, Side from, const portcam::Frame &f) override
    {
        pc_replay_frame_out(replay_, side_of(side), function, side_of(from), false, f.data(),
                            f.size());
    }
    void answered(Side side, unsigned function, const portcam::Frame &f) override
    {
        pc_replay_frame_out(replay_, side_of(side), function, side_of(side), true, f.data(),
                            f.size());
    }
    void recorded(const portcam::Record &r) override
    {
        records_ += r.packet;
        in_lookup_ -= r.packet;
        ended_ += r.acted && r.kind == portcam::OpDelete;
        aged_ += r.acted && r.kind == portcam::OpAge;
        moved_ += r.acted && r.kind == portcam::OpMove;
        images_ += r.acted && r.kind == portcam::OpRead;
        inserted_ += r.acted && r.kind == portcam::OpInsert;
        refused_ += !r.acted && r.kind == portcam::OpInsert;
        const struct pc_device *model = pc_replay_device(replay_);
        if (r.acted && (r.kind == portcam::OpDelete || r.kind == portcam::OpAge))
            remember(pc_connections_get(pc_device_connections(model), r.slot));
        bins_.before(card_.clocks(), r, pc_device_connections(model));
        portcam::replay_record(replay_, r);
        if (r.kind == portcam::OpInsert)
            bins_.given(card_.clocks(), r, pc_device_connections(model));
        if (r.packet) {
            bins_.packet(card_.clocks(), pc_replay_last(replay_), pc_device_connections(model),
                         pc_device_epoch(model));
            hint(pc_replay_last(replay_)->record, pc_device_connections(model));
        }
    }
    void remember(const struct pc_connection *record)
    {
        if (record)
            spare_[spares_++ % Spares] = pc_connection_image(record);
    }
    void hint(int slot, const struct pc_connections *c)
    {
        const struct pc_connection *record =
            slot < 0 ? nullptr : pc_connections_get(c, static_cast<unsigned>(slot));
        if (!record)
            return;
        last_slot_ = record->slot;
        world_.hint_end = record->endpoint % WORLD_ENDS;
        world_.hint_port = record->key.kept_port;
    }
    void injected_out(Side side, unsigned function, const portcam::Frame &f) override
    {
        pc_replay_injected_out(replay_, side_of(side), function, f.data(), f.size());
    }
    void punt_choice(bool runs, bool room) override { pc_replay_punt_choice(replay_, runs, room); }
    void punt_end(Side from, bool lost, uint64_t iova) override
    {
        packets_.ended(lost, iova);
        pc_replay_punt_end(replay_, side_of(from), lost, iova);
    }
    void traced(unsigned number, bool first, bool room) override
    {
        pc_replay_traced(replay_, number, first, room);
    }
    void inject_read(unsigned function, uint64_t iova, size_t len) override
    {
        packets_.was_read(function, iova, len);
    }
    void admitted(Side side) override
    {
        hold_.admitted();
        in_lookup_++;
        pc_replay_admitted(replay_, side_of(side));
    }
    void committed() override
    {
        commits_++;
        pc_replay_committed(replay_);
    }
    void cleared() override
    {
        bins_.clear();
        pc_replay_cleared(replay_);
    }
    void commanded(const uint8_t *command, unsigned status) override
    {
        done_++;
        pc_replay_commanded(replay_, command, status);
    }

    static pc_side side_of(Side side) { return side == Side::Net ? PC_SIDE_NET : PC_SIDE_HOST; }
    static int peek(void *ctx, uint64_t iova, void *dst, size_t len)
    {
        return static_cast<Run *>(ctx)->dma_read(iova, dst, len);
    }
    static void report(void *ctx, const char *text)
    {
        auto *self = static_cast<Run *>(ctx);
        printf("# seed %" PRIu64 " clock %" PRIu64 ": %s\n", self->seed_, self->card_.clocks(),
               text);
    }
    void note(const char *text)
    {
        notes_++;
        report(this, text);
    }

    /* ---- waves of a window ---- */

#ifdef COSIM_WAVES
    VerilatedVcdC vcd_;
    void start_waves()
    {
        if (options_.waves.empty())
            return;
        card_.context().traceEverOn(true);
        card_.top().trace(&vcd_, 99);
        vcd_.open(options_.waves.c_str());
    }
    void dump_waves()
    {
        if (vcd_.isOpen() && card_.clocks() >= options_.from && card_.clocks() <= options_.to)
            vcd_.dump(card_.clocks());
    }
#else
    void start_waves() {}
    void dump_waves() {}
#endif

    uint64_t seed_;
    const Options &options_;
    struct pc_rng dice_, irq_dice_, record_dice_, insert_dice_, moment_dice_;
    std::vector<uint8_t> memory_;
    pc_replay *replay_ = nullptr;
    struct world world_;
    MomentBins moments_;
    MirrorHost mirror_;
    InterruptCheck interrupts_;
    HazardBins bins_{Ways};
    Card card_;
    Packets packets_{card_,
                     seed_,
                     build_sizes(),
                     [this](const char *text) { note(text); },
                     [this] { interrupts_.cause(); },
                     [this](unsigned n) { clocks(n); }};
    HoldHost<Card> hold_{card_, seed_, moments_, [this](const char *text) { note(text); }};
    Trace trace_{card_, seed_, [this](const char *text) { note(text); },
                 [this] { interrupts_.cause(); }, [this](unsigned n) { clocks(n); }};
    uint32_t tail_ = 0, done_ = 0, completions_ = 0;
    int in_lookup_ = 0;
    bool slow_ = false; /* completions are consumed when their ring is full */
    unsigned rows_left_ = 0;
    bool based_ = false; /* what a busy world begins with is there */
    uint64_t commits_ = 0, notes_ = 0, records_ = 0, ended_ = 0, aged_ = 0, moved_ = 0, images_ = 0;
    uint32_t time_ = 0;
    unsigned last_slot_ = 0; /* of the record that a packet found or made last */
    static constexpr unsigned Spares = 8;
    struct portcam_connection_image spare_[Spares] = {}; /* of records that ended last */
    uint64_t spares_ = 0, inserted_ = 0, refused_ = 0;
};

bool parse(int argc, char **argv, Options &o)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string name = argv[i];
        uint64_t value = strtoull(argv[i + 1], nullptr, 0);
        if (name == "--seed")
            o.seed = value;
        else if (name == "--seeds")
            o.seeds = value;
        else if (name == "--frames")
            o.frames = value;
        else if (name == "--waves")
            o.waves = argv[i + 1];
        else if (name == "--from")
            o.from = value;
        else if (name == "--to")
            o.to = value;
        else
            return false;
    }
    return argc % 2 == 1;
}

/* Fewer frames, as when one seed runs again, need not meet every reason. */
constexpr uint64_t FramesForReasons = 40 * 4000;

/* Hazards that fewer frames need not meet: a record that moves while its packets come, a stash row that is freed just then. */
constexpr uint64_t FramesForRare = 1000000;

/* What a mirror meets: more than it has room for, written later, of records and of free slots; a full event ring; memory that
 * refuses. Only the small build has so little room. */
bool all_of_the_mirror(const Totals &t)
{
    const struct pc_mirror_counts &m = t.mirror;
    printf("# mirror: %" PRIu64 " starts, %" PRIu64 " entries, %" PRIu64 " events, %" PRIu64
           " dropped, %" PRIu64 " copies, %" PRIu64 " sums, %" PRIu64 " lost, copied again %" PRIu64
           " and %" PRIu64 " free, %" PRIu64 " refused, %" PRIu64 " interrupts\n",
           m.starts, m.entries, m.events, m.full, m.copies, m.sums, m.lost, m.again, m.again_free,
           t.mirror_fails, t.mirror_irqs);
    bool all = m.starts && m.entries && m.events && m.full && m.copies && m.sums && t.mirror_irqs;
#ifdef COSIM_TINY
    all = all && m.lost && m.again && m.again_free && t.mirror_fails;
#endif
    return all;
}

bool is_rare(int bin)
{
    return bin == HazardBins::MoveThenHit || bin == HazardBins::HitThenMove ||
           bin == HazardBins::StashFreed || bin == HazardBins::GivenThenHit;
}

/* Reasons that random frames must have met, so that the comparison compared something. */
bool all_reasons(const Totals &t)
{
    const char *names[64] = {};
#define NAME(value, name, rule, fate, about) names[value] = name;
    PORTCAM_REASON_LIST(NAME)
#undef NAME
    bool all = true;
    for (int i = 0; i < PORTCAM_REASON_MAX; i++) {
        if (!names[i])
            continue;
        printf("# %-20s %" PRIu64 "\n", names[i], t.reasons[i]);
#ifdef COSIM_TINY
        all = all && t.reasons[i];
#else /* no table of the default size is ever full */
        all = all && (t.reasons[i] || i == PORTCAM_REASON_TABLE_FULL ||
                      i == PORTCAM_REASON_TABLE_FULL_HASH || i == PORTCAM_REASON_TABLE_FULL_PUNT);
#endif
    }
    return all;
}

/* Hazards that random frames must have met. With tables of the default size no record finds the tables full. */
bool all_hazards(const Totals &t, bool rare)
{
    bool all = true;
    for (int i = 0; i < HazardBins::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", HazardBins::Names[i], t.hazards[i]);
#ifdef COSIM_TINY
        all = all && (t.hazards[i] || (is_rare(i) && !rare));
#else
        all = all && (t.hazards[i] || (is_rare(i) && !rare) || i == HazardBins::MoveThenHit ||
                      i == HazardBins::HitThenMove || i >= HazardBins::SameBucket);
#endif
    }
    return all;
}

/* What must have happened to punted and injected packets, and to samples. */
bool all_packets(const Totals &t)
{
    bool all = true;
    for (int i = 0; i < Packets::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", Packets::Names[i], t.packets[i]);
        all = all && t.packets[i];
    }
    for (int i = 0; i < Trace::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", Trace::Names[i], t.traces[i]);
        all = all && t.traces[i];
    }
    return all;
}

/* What must have happened at some moment. */
bool all_moments(const Totals &t)
{
    bool all = true;
    for (int i = 0; i < MomentBins::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", MomentBins::Names[i], t.moments[i]);
        all = all && t.moments[i];
    }
    return all;
}

} // namespace

int main(int argc, char **argv)
{
    Options options;
    if (!parse(argc, argv, options)) {
        fprintf(
            stderr,
            "usage: cosim [--seed N] [--seeds N] [--frames N] [--waves FILE --from N --to N]\n");
        return 2;
    }
    Totals totals;
    printf("1..6\n# seeds %" PRIu64 " to %" PRIu64 ", %" PRIu64 " frames each\n", options.seed,
           options.seed + options.seeds - 1, options.frames);
    uint64_t bad = 0;
    for (uint64_t i = 0; i < options.seeds; i++) {
        uint64_t before = totals.differences;
        Run run(options.seed + i, options);
        run.go(totals);
        if (totals.differences != before) {
            bad++;
            printf("# seed %" PRIu64 " differs; again with: --seed %" PRIu64
                   " --seeds 1 --frames %" PRIu64 "\n",
                   options.seed + i, options.seed + i, options.frames);
        }
        fflush(stdout);
    }
    printf("# %" PRIu64 " frames out, %" PRIu64 " dropped, %" PRIu64 " punted, %" PRIu64
           " injected, %" PRIu64 " clocks, %" PRIu64 " commits, %" PRIu64 " resets, %" PRIu64
           " stops of the ring, %" PRIu64 " restarts, %" PRIu64 " rows read back, %" PRIu64
           " records deleted, %" PRIu64 " aged, %" PRIu64 " moved, %" PRIu64 " read, %" PRIu64
           " inserted by the host, %" PRIu64 " not, %" PRIu64 " interrupts for commands, %" PRIu64
           " for errors, %" PRIu64 " differences\n",
           totals.frames, totals.drops, totals.punts, totals.injects, totals.clocks, totals.commits,
           totals.resets, totals.stops, totals.restarts, totals.rows, totals.ended, totals.aged,
           totals.moved, totals.images, totals.inserted, totals.refused, totals.irqs, totals.errors,
           totals.differences);
    printf("%s 1 - RTL equals model: bytes, egress, order, results, rows, counters and "
           "interrupts (F.29, sections 2, 8, 9)\n",
           bad ? "not ok" : "ok");
    bool all = all_reasons(totals);
    bool enough = options.seeds * options.frames >= FramesForReasons;
    printf("%s 2 - every reason of the packet semantics was met%s\n",
           all || !enough ? "ok" : "not ok",
           all || enough ? "" : " # SKIP too few frames to meet all");
    bool hazards = all_hazards(totals, options.seeds * options.frames >= FramesForRare);
    printf("%s 3 - every hazard of the record pipeline was met%s\n",
           hazards || !enough ? "ok" : "not ok",
           hazards || enough ? "" : " # SKIP too few frames to meet all");
    bool packets = all_packets(totals);
    printf("%s 4 - everything happened to packets to and from the host, and to samples%s\n",
           packets || !enough ? "ok" : "not ok",
           packets || enough ? "" : " # SKIP too few frames to meet all");
    bool mirror = all_of_the_mirror(totals);
    printf("%s 5 - the mirror met all that it must cope with%s\n",
           mirror || !enough ? "ok" : "not ok",
           mirror || enough ? "" : " # SKIP too few frames to meet all");
    bool moments = all_moments(totals);
    printf("%s 6 - holds, resets and restarts came at every kind of moment%s\n",
           moments || !enough ? "ok" : "not ok",
           moments || enough ? "" : " # SKIP too few frames to meet all");
    return bad || (enough && !(all && hazards && packets && mirror && moments));
}
