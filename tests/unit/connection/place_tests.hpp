// SPDX-License-Identifier: Apache-2.0
//
// Records that want the same places: moves, the stash, full tables, the share of embryonic records.
#pragma once

#include "flow_tests.hpp"

// Fills the eight places of a crowd and puts the ninth into the stash; its slot.
inline unsigned to_stash(World &w, const std::vector<Packet> &crowd)
{
    for (unsigned i = 0; i < 9; i++)
        w.b.packet(crowd[i]);
    w.b.settle();
    unsigned slot = w.b.outcomes.back().slot;
    if (slot < kRows || slot >= kBase6)
        w.tap.fail("the ninth of eight places is in slot %u", slot);
    return slot;
}

inline void move_under_hit(World &w, const std::vector<Packet> &crowd)
{
    for (unsigned d = 0; d <= 2 * kFar; d++) {
        unsigned slot = to_stash(w, crowd);
        Packet of = crowd[8];
        w.b.one(w.on(OpDelete, w.b.places(of)[d % 8]));
        std::vector<Step> steps{{d, w.on(OpMove, slot)}};
        for (unsigned t = 0; t <= 2 * kFar; t++)
            if (t != d)
                steps.push_back({t, t % 3 ? w.ack(of) : w.reply(of, 0)});
        w.play(steps);
        if (w.b.record(slot))
            w.tap.fail("the record did not move");
        for (const Outcome &o : w.b.outcomes)
            if (o.packet && o.says != (o.forward ? SaysForward : SaysReverse))
                w.tap.fail("a packet beside the move says %s", name_of(o.says));
        w.b.read_all();
        w.clear();
        // Single hits, and the stash entry used again.
        slot = to_stash(w, crowd);
        w.b.one(w.on(OpDelete, w.b.places(of)[d % 8]));
        w.play({{0, w.on(OpMove, slot)},
                {d + 1, crowd[9]},
                {d + 2, w.ack(of)},
                {2 * d + 3, w.ack(crowd[9])},
                {2 * d + 4, w.reply(of, 0)}});
        w.says("into the stash again", d, 1, SaysNew);
        w.says("moved", d, 2, SaysForward);
        w.says("moved, reverse", d, 4, SaysReverse);
        w.b.read_all();
        w.clear();
    }
    w.tap.done("a record that moves is found in every clock, and each packet is counted");
}

inline void same_places(World &w, const std::vector<Packet> &crowd)
{
    for (unsigned n : {9u, 10u, 12u})
        for (unsigned d = 1; d <= kFar; d++) {
            std::vector<Step> steps;
            for (unsigned i = 0; i < n; i++)
                steps.push_back({i * d, crowd[i]});
            w.play(steps);
            std::set<unsigned> slots;
            for (unsigned i = 0; i < n; i++) {
                w.says("insert", d, i, i < 10 ? SaysNew : SaysFull);
                if (i < 10)
                    slots.insert(w.b.outcomes[i].slot);
            }
            if (slots.size() != std::min(n, 10u))
                w.tap.fail("%zu slots for %u records", slots.size(), n);
            w.b.read_all();
            w.clear();
        }
    w.tap.done("inserts at every distance that want one place get places of their own; then full");

    for (unsigned d = 1; d <= kFar; d++) {
        w.play({{0, crowd[0]},
                {d, crowd[1]},
                {d + 1, w.reply(crowd[0], 0)},
                {d + 2, crowd[2]},
                {2 * d + 2, w.reply(crowd[1], 0)},
                {2 * d + 3, w.ack(crowd[0])},
                {2 * d + 4, w.reply(crowd[2], 0)},
                {3 * d + 4, w.reply(crowd[3], 0)}});
        Says wanted[] = {SaysNew,     SaysNew,     SaysReverse, SaysNew,
                         SaysReverse, SaysForward, SaysReverse, SaysNoReply};
        for (unsigned i = 0; i < 8; i++)
            w.says("one bucket", d, i, wanted[i]);
        w.clear();
    }
    w.tap.done("one bucket from both directions in one window");

    for (unsigned which = 0; which < 10; which++)
        for (unsigned d = 1; d <= 2 * kFar; d++) {
            for (unsigned i = 0; i < 10; i++)
                w.b.packet(crowd[i]);
            w.b.settle();
            // Before, in the window, and behind it.
            unsigned slot = w.b.outcomes[which].slot;
            w.play({{kFar, w.on(OpDelete, slot)}, {d == kFar ? 0 : d, crowd[10]}});
            Outcome o = w.b.outcomes[d >= kFar + 1];
            if (d <= kFar && o.says != SaysFull)
                w.tap.fail("before the end: %s", name_of(o.says));
            if (d > kFar + kWindow + 2 && o.says != SaysNew)
                w.tap.fail("%u clocks after the end: %s", d - kFar, name_of(o.says));
            w.b.read_all();
            w.clear();
        }
    w.tap.done("table and stash full in the clocks of a free: no slot twice, the free one in time");

    w.b.packet(crowd[0]);
    w.b.settle();
    std::set<unsigned> tables;
    for (unsigned i = 0; i < 8; i++) {
        Outcome o = w.b.one(crowd[i]);
        tables.insert(o.slot % kGroup / kWays);
        if (i == 3 && tables.size() != 4)
            w.tap.fail("four records of one crowd are in %zu tables", tables.size());
    }
    w.clear();
    w.tap.done("a record goes to the emptiest of its four buckets");
}

inline void embryonic(World &w)
{
    for (unsigned d : {1u, 2u, 5u, kWindow, kFar})
        for (unsigned limit : {1u, 3u}) {
            std::vector<Step> steps;
            for (unsigned i = 0; i < 6; i++) {
                Packet p = w.syn(20 + i);
                p.limit = limit;
                p.of.full_hash = i == 5;
                steps.push_back({i * d, p});
            }
            w.play(steps);
            for (unsigned i = 0; i < 6; i++)
                w.says("SYN flood", d, i,
                       i < limit ? SaysNew
                       : i == 5  ? SaysUnprovenHash
                                 : SaysUnproven);
            // A proof gives one place, its repetition none.
            Packet first = w.syn(20), next = w.syn(40), after = w.syn(41);
            next.limit = after.limit = limit;
            w.play({{0, w.reply(first, 0, FlagSyn | FlagAck)},
                    {d, next},
                    {2 * d, w.ack(first)},
                    {3 * d, next},
                    {4 * d, w.ack(first)},
                    {5 * d, after}});
            w.says("not yet", d, 1, SaysUnproven);
            w.says("proven", d, 3, SaysNew);
            w.says("one place", d, 5, SaysUnproven);
            w.clear();
        }
    w.tap.done("F.15 the limit of embryonic records in consecutive clocks");
}
