// SPDX-License-Identifier: Apache-2.0
//
// What comes out of the mirror: operations that it took, which the model gets, beats, events and sums, all
// compared. Part of mirror_bench.hpp.
#pragma once

#include "mirror_bench.hpp"

inline void Bench::check(const char *when)
{
    settle();
    if (status() != (PORTCAM_MIRROR_STATUS_RUNNING))
        tap.fail("%s: status 0x%x", when, status());
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (memcmp(&memory[slot], &model_memory[slot], 64) != 0) {
            tap.fail("%s: slot %u: version %u state %u generation %u, the model has %u %u %u", when,
                     slot, memory[slot].version, memory[slot].state, memory[slot].generation,
                     model_memory[slot].version, model_memory[slot].state,
                     model_memory[slot].generation);
            break;
        }
    for (unsigned slot = 0; known_all_ && slot < SLOTS; slot++)
        if (memory[slot].state != records[slot].state ||
            (memory[slot].state && memory[slot].generation != records[slot].generation)) {
            tap.fail("%s: slot %u: state %u generation %u in the mirror, but %u %u", when, slot,
                     memory[slot].state, memory[slot].generation, records[slot].state,
                     records[slot].generation);
            break;
        }
    if (read32(PORTCAM_REG_MIRROR_VERSION) != model.version)
        tap.fail("%s: version %u, the model %u", when, read32(PORTCAM_REG_MIRROR_VERSION),
                 model.version);
    skipped += expected.size();
    expected.clear();
    if (read32(PORTCAM_REG_EVENT_DROPPED) != skipped)
        tap.fail("%s: %u dropped, %llu are missing", when, read32(PORTCAM_REG_EVENT_DROPPED),
                 (unsigned long long)skipped);
    if (read32(PORTCAM_REG_EVENT_TAIL) != tail_seen_)
        tap.fail("%s: tail %u, %u events are there", when, read32(PORTCAM_REG_EVENT_TAIL),
                 tail_seen_);
}

inline void Bench::watch_operation()
{
    if (top.trace_start_o != started_) {
        started_ = top.trace_start_o;
        expected.clear();
        skipped = tail_seen_ = head = 0;
        failed_ = new_head_ = false;
        ring_log2_ = log2;
        pc_mirror_reset(&model);
        model.written = {MIRROR_AT, 0, 0, events_on};
        model.running = true;
        model.taken = {MIRROR_AT, EVENTS_AT, 31, events_on};
        sum_at.clear();
    }
    if (!top.valid_i)
        return;
    if (kind_ != Copies)
        count_sums();
    lost += top.trace_lost_o;
    if (!top.trace_taken_o)
        return;
    taken++;
    uint32_t slot = top.slot_i;
    switch (kind_) {
    case Begins:
        pc_mirror_record(&model, PORTCAM_EVENT_KIND_BEGAN, &now_, PORTCAM_END_CAUSE_EMPTY);
        break;
    case Changes:
        pc_mirror_record(&model, PORTCAM_EVENT_KIND_CHANGED, &now_, PORTCAM_END_CAUSE_EMPTY);
        break;
    case Ends:
        pc_mirror_record(&model, PORTCAM_EVENT_KIND_ENDED, &before_,
                         portcam_end_cause(top.cause_i));
        break;
    case Replaces:
        pc_mirror_record(&model, PORTCAM_EVENT_KIND_ENDED, &before_, PORTCAM_END_CAUSE_PORT_REUSE);
        pc_mirror_record(&model, PORTCAM_EVENT_KIND_BEGAN, &now_, PORTCAM_END_CAUSE_EMPTY);
        break;
    case Moves:
        pc_mirror_record(&model, PORTCAM_EVENT_KIND_ARRIVED, &now_, PORTCAM_END_CAUSE_EMPTY);
        pc_mirror_record(&model, PORTCAM_EVENT_KIND_LEFT, &before_, PORTCAM_END_CAUSE_MOVED);
        break;
    case Copies:
        if (top.tag_i) {
            rewrites += now_.state != 0;
            rewrites_free += now_.state == 0;
            pc_mirror_slot(&model, slot, now_.state ? &now_ : nullptr, PORTCAM_END_CAUSE_UNKNOWN,
                           now_.state ? PORTCAM_EVENT_KIND_CHANGED : PORTCAM_EVENT_KIND_ENDED);
        } else {
            pc_mirror_slot(&model, slot, now_.state ? &now_ : nullptr, PORTCAM_END_CAUSE_EMPTY,
                           PORTCAM_EVENT_KIND_NONE);
        }
        break;
    }
    if (keep_sums)
        sum_at[model.version] = {running_sum[0], running_count[0]};
}

inline void Bench::count_sums()
{
    auto add = [&](uint32_t slot, const struct pc_connection &r, int sign) {
        running_sum[slot / 4096] += uint32_t(sign) * crc_of(slot, r.generation, r.state);
        running_count[slot / 4096] += uint32_t(sign);
    };
    uint32_t slot = top.slot_i;
    if (kind_ == Begins || kind_ == Changes || kind_ == Replaces || kind_ == Moves)
        add(slot, now_, 1);
    if (kind_ == Changes || kind_ == Replaces || kind_ == Ends)
        add(slot, before_, -1);
    if (kind_ == Moves)
        add(from_, before_, -1);
}

inline void Bench::watch_copies()
{
    if (!top.copy_valid_o || !top.copy_ready_i)
        return;
    if (top.copy_slot_o >= SLOTS)
        tap.fail("copy of slot %u", top.copy_slot_o);
    uint64_t at = clocks + 3 + random.below(20);
    if (!copies_.empty() && at <= copies_.back().at)
        at = copies_.back().at + 1;
    copies_.push_back({uint32_t(top.copy_slot_o), bool(top.copy_tag_o), at});
}

inline void Bench::watch_beats()
{
    if (!top.beat_valid_o || !top.beat_ready_i)
        return;
    beats++;
    uint64_t at = top.beat_addr_o;
    uint64_t due = clocks + 1 + random.below(pace.latency + 1);
    if (!answers_.empty() && due <= answers_.back().at)
        due = answers_.back().at + 1;
    answers_.push_back({due, at == refuse});
    refusals += at == refuse;
    failed_ = failed_ || at == refuse;
    if (failed_)
        return;
    uint8_t bytes[64];
    for (unsigned i = 0; i < 8; i++) {
        uint64_t word = lane(top.beat_data_o, i);
        memcpy(bytes + 8 * i, &word, 8);
    }
    if (at >= MIRROR_AT && at < MIRROR_AT + 64ull * SLOTS && at % 64 == 0) {
        if (top.beat_strb_o != ~0ull)
            tap.fail("an entry is written in parts");
        memcpy(&memory[(at - MIRROR_AT) / 64], bytes, 64);
    } else if (at >= EVENTS_AT && at < EVENTS_AT + (16ull << ring_log2_) && at % 64 == 0) {
        for (unsigned lane = 0; lane < 4; lane++)
            if (top.beat_strb_o >> 16 * lane & 0xffff)
                see_event(at + 16 * lane, bytes + 16 * lane);
    } else {
        tap.fail("write to 0x%llx", (unsigned long long)at);
    }
}

inline void Bench::see_event(uint64_t at, const uint8_t *bytes)
{
    struct portcam_event e;
    memcpy(&e, bytes, sizeof e);
    uint32_t size = 1u << ring_log2_, index = tail_seen_++;
    if (at != EVENTS_AT + 16 * (index % size) || e.lap != uint16_t(index / size + 1))
        tap.fail("event %u at 0x%llx, lap %u", index, (unsigned long long)at, e.lap);
    if (tail_seen_ - head > size)
        tap.fail("event %u: the host has read up to %u", index, head);
    if (e.slot < SLOTS && int32_t(memory[e.slot].version - e.version) < 0)
        tap.fail("event %u of version %u before its entry", index, e.version);
    while (!expected.empty() && expected.front().version != e.version) {
        expected.pop_front();
        skipped++;
    }
    events_seen++;
    if (expected.empty()) {
        tap.fail("event %u: kind %u of slot %u version %u is not the model's", index, e.kind,
                 e.slot, e.version);
        return;
    }
    struct portcam_event want = expected.front();
    expected.pop_front();
    want.lap = e.lap;
    if (memcmp(&want, &e, sizeof e) != 0)
        tap.fail("event %u: kind %u slot %u state %u generation %u, the model's %u %u %u %u", index,
                 e.kind, e.slot, e.state, e.generation, want.kind, want.slot, want.state,
                 want.generation);
}

inline void Bench::take_sum()
{
    uint8_t bytes[64];
    for (unsigned i = 0; i < 8; i++) {
        uint64_t word = lane(top.mir_sum_o, i);
        memcpy(bytes + 8 * i, &word, 8);
    }
    memcpy(&sum, bytes, 64);
}
