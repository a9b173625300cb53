// SPDX-License-Identifier: Apache-2.0
/* What is compared at the end of a seed: interrupts, counters, records, rows. Part of cosim_run.hpp. */
#pragma once

#include "cosim_run.hpp"

inline void Run::last_interrupt()
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

inline void Run::all_counters(const struct pc_device *model)
{
    for (unsigned table = 0; table < PORTCAM_COUNTER_TABLE_MAX; table++)
        for (unsigned row = 0; row < pc_device_counter_rows(model, table); row += 1024) {
            unsigned count = std::min(1024u, pc_device_counter_rows(model, table) - row);
            put(reader(PORTCAM_OPCODE_COUNTER_READ, table, row, count));
            batch();
        }
}

inline void Run::all_records()
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

inline uint64_t Run::all_rows(const struct pc_tables *model, bool full)
{
    constexpr unsigned Batch = 100;
    uint64_t read = 0;
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++) {
        unsigned rows = pc_tables_rows(model, table);
        for (unsigned row = 0; row < rows && differences() < 10; row++) {
            if (full || pc_tables_get(model, table, row) || pc_rng_below(&dice_, rows) < 60) {
                put(reader(PORTCAM_OPCODE_ROW_READ, table, row, 0, AnswerAt + 64 * (read % Batch)));
                if (++read % Batch == 0)
                    batch();
            }
        }
    }
    batch();
    return read;
}

inline void Run::finish(Totals &totals)
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
        pc_device_counter(model, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_PUNT_FULL).packets;
    packets_.bins[Packets::PuntLimited] +=
        pc_device_counter(model, PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_PUNT_LIMITED).packets;
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
