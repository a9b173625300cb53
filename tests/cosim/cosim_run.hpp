// SPDX-License-Identifier: Apache-2.0
/* One seed of lockstep. */
#pragma once

#include "cosim_totals.hpp"
#ifdef COSIM_WAVES
#include <verilated_vcd_c.h>
#endif

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
    void start();
    void write_all()
    {
        rows_left_ = 110; /* fill the tables at the start */
        based_ = !world_.busy;
    }

    void start_ring();

    /* A doorbell beyond the ring stops it, also while it works; ENABLE starts it again. */
    void stop_ring(Totals &totals);

    /* Another host program comes, at any moment: it knows nothing of rings, rows and records that are there. Ring and mirror
     * begin anew, it asks for the records, and writes the tables. */
    void restart(Totals &totals);

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
    void await_interrupts();
    void no_vector_waits()
    {
        for (int round = 0; round == 0 || (interrupt_due() && round < 4); round++) {
            await_interrupts();
            clocks(600);
        }
        settle();
    }
    void settle();

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
    void host_step();

    /* What the host gives back: a record that ended, one that is there, or a new one; sometimes it is damaged. */
    struct portcam_connection_image any_image();

    void put_inserts();

    /* Reads and deletes of records, mostly of some that the model has. */
    void record_commands();

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
    void mirror_commands();

    /* Once more from the start: behind a copy of all, and some packets, the whole array is the model's. */
    void whole_mirror();
    void check_mirror(unsigned first, unsigned count);

    /* Consume completions: laps must follow one another. */
    void collect()
    {
        completions_ = written();
        card_.reg_write(PORTCAM_REG_CPL_HEAD, completions_);
    }

    void drain();

    void reset(Totals &totals);

    /* Run what was put into the ring; its answers are not those of an earlier command. */
    void batch();

    /* Armed at the end of the completions nothing comes; then one command gives one interrupt, the next none. */
    void last_interrupt();

    void all_counters(const struct pc_device *model);

    void all_records();

    /* The rows of the bank that packets see; rows that the model has not must not be there either. */
    uint64_t all_rows(const struct pc_tables *model, bool full);

    /* Nothing flies any more: all counters and all rows must be the model's. */
    void finish(Totals &totals);

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

#include "cosim_end.hpp"
#include "cosim_host.hpp"
#include "cosim_life.hpp"
