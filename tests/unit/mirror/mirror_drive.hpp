// SPDX-License-Identifier: Apache-2.0
//
// What goes into the mirror in a clock: operations of the records, beats that memory takes, copies that
// the walk makes. Part of mirror_bench.hpp.
#pragma once

#include "mirror_bench.hpp"

inline void Bench::drive_operation(bool quiet)
{
    top.valid_i = top.began_i = top.changed_i = top.ended_i = top.moved_i = 0;
    top.replaced_i = top.copy_i = top.found_i = 0;
    top.tag_i = random.below(2);
    top.cause_i = uint8_t(random.below(6));
    if (!copies_.empty() && copies_.front().at <= clocks) {
        Copy c = copies_.front();
        copies_.pop_front();
        now_ = records[c.slot];
        top.valid_i = top.copy_i = 1;
        top.found_i = now_.state != 0;
        top.tag_i = c.tag;
        top.cause_i = PORTCAM_END_CAUSE_EMPTY;
        top.slot_i = c.slot;
        top.from_slot_i = uint32_t(random.next()) & 0xffffff;
        PUT(a, now_);
        PUT(b, now_);
        kind_ = Copies;
        return;
    }
    if (quiet || !random.percent(pace.operations))
        return;
    uint32_t slot = random.percent(20) && !busy_slots.empty()
                        ? busy_slots[random.below(busy_slots.size())]
                        : uint32_t(random.below(SLOTS));
    unsigned dice = unsigned(random.below(100)), kind = 0;
    while (kind < 4 && dice >= pace.mix[kind])
        dice -= pace.mix[kind++];
    struct pc_connection &r = records[slot];
    before_ = r;
    if (!r.state) {
        r = fresh(slot);
        kind_ = Begins;
        top.began_i = 1;
    } else if (kind <= 1) {
        r.state = uint8_t(1 + random.below(11));
        r.embryonic = random.percent(50);
        r.client_next = uint32_t(random.next());
        r.last_used++;
        kind_ = Changes;
        top.changed_i = 1;
    } else if (kind == 3) {
        r = fresh(slot);
        r.key = before_.key, r.service = before_.service, r.public_end = before_.public_end;
        kind_ = Replaces;
        top.began_i = top.replaced_i = 1;
        top.cause_i = PORTCAM_END_CAUSE_PORT_REUSE;
    } else if (kind == 4 && in_stash(slot)) {
        uint32_t to = slot >= BASE_V6 ? BASE_V6 + uint32_t(random.below(ROWS_V6))
                                      : uint32_t(random.below(ROWS));
        if (records[to].state)
            return;
        records[to] = before_;
        records[to].slot = to;
        r.state = 0;
        from_ = slot;
        slot = to;
        kind_ = Moves;
        top.moved_i = 1;
        top.cause_i = PORTCAM_END_CAUSE_MOVED;
    } else {
        r.state = 0;
        kind_ = Ends;
        top.ended_i = 1;
        top.cause_i = random.percent(50) ? PORTCAM_END_CAUSE_EXPIRED : PORTCAM_END_CAUSE_DELETED;
    }
    now_ = kind_ == Ends ? before_ : records[slot];
    if (busy_slots.size() < 64)
        busy_slots.push_back(slot);
    else
        busy_slots[random.below(64)] = slot;
    if (!before_.state)
        before_ = now_; // nothing was there; what these say must not matter
    top.valid_i = 1;
    top.slot_i = slot;
    top.from_slot_i = kind_ == Moves ? from_ : uint32_t(random.next()) & 0xffffff;
    PUT(a, now_);
    PUT(b, before_);
}

inline void Bench::drive_memory()
{
    top.beat_ready_i = !random.percent(pace.stall);
    top.beat_done_i = !answers_.empty() && answers_.front().at <= clocks;
    top.beat_error_i = top.beat_done_i ? answers_.front().bad : random.below(2);
    if (top.beat_done_i)
        answers_.pop_front();
}
