// SPDX-License-Identifier: Apache-2.0
//
// Packets and operations of one flow, one behind the other at every distance.
#pragma once

#include "connections_world.hpp"

constexpr unsigned kFar = kWindow + 6; // beyond what events say

inline void insert_then_hit(World &w)
{
    for (unsigned d = 1; d <= kFar; d++) {
        Packet syn = w.syn(10 + d), other = w.syn(10 + d, 0, 81);
        w.play({{0, syn},
                {d, w.ack(syn)},
                {2 * d, w.reply(syn, 0)},
                {3 * d, w.reply(syn, 1)},
                {4 * d, w.ack(other)}});
        w.says("insert", d, 0, SaysNew);
        w.says("forward", d, 1, SaysForward);
        w.says("reverse", d, 2, SaysReverse);
        w.says("another endpoint", d, 3, SaysNoReply);
        w.says("another port", d, 4, SaysNoRecord);
        syn.client.ip += 1000;
        w.play({{0, syn}, {d, w.reply(syn, 0, FlagSyn | FlagAck)}});
        w.says("reverse first", d, 1, SaysReverse);
        Packet v6 = syn;
        v6.client.is_v6 = true;
        v6.of.schedule = 1;
        w.play({{0, v6}, {d, w.reply(v6, 4)}, {d + 1, w.ack(syn)}, {d + 2, w.ack(v6)}});
        w.says("IPv6", d, 0, SaysNew);
        w.says("IPv6 reverse", d, 1, SaysReverse);
        w.says("IPv4 beside it", d, 2, SaysForward);
        if (d % 8 == 0) {
            w.b.read_all();
            w.clear();
        }
    }
    w.b.read_all();
    w.tap.done("a record is found by both directions 1, 2, 3 ... clocks after its insert");
    w.clear();
}

// An ICMP error finds what a packet of its flow would find, and leaves no trace.
inline void peeks(World &w)
{
    for (unsigned d = 1; d <= kFar; d++) {
        Packet syn = w.syn(10 + d), look = syn, back = w.reply(syn, 0), other = w.syn(500 + d);
        look.peek = back.peek = other.peek = true;
        w.play({{0, look},
                {1, syn},
                {1 + d, look},
                {1 + 2 * d, back},
                {2 + 2 * d, w.ack(syn)},
                {3 + 2 * d, other}});
        w.says("before the insert", d, 0, SaysNoRecord);
        w.says("insert", d, 1, SaysNew);
        w.says("forward", d, 2, SaysForward);
        w.says("reverse", d, 3, SaysReverse);
        w.says("a packet behind them", d, 4, SaysForward);
        w.says("of no flow", d, 5, SaysNoRecord);
        Walk end = w.on(OpDelete, w.b.outcomes[1].slot);
        w.play({{0, look}, {1, end}, {1 + d, look}, {2 + d, back}});
        w.says("before the end", d, 0, SaysForward);
        w.says("behind the end", d, 2, SaysNoRecord);
        w.says("reverse behind the end", d, 3, SaysNoReply);
        w.b.read_all();
    }
    w.tap.done("P11 an ICMP error finds a record at every distance, and changes nothing");
    w.clear();
}

inline void two_syns(World &w)
{
    for (unsigned d = 1; d <= kFar; d++) {
        Packet syn = w.syn(7);
        w.play({{0, syn}, {d, syn}, {d + 1, syn}});
        w.says("first", d, 0, SaysNew);
        w.says("second", d, 1, SaysForward);
        w.says("third", d, 2, SaysForward);
        if (w.b.used() != 1)
            w.tap.fail("%u records", w.b.used());
        w.b.read_all();
        w.clear();
    }
    w.tap.done("two SYNs of one flow at every distance make one record, a repeat is counted");
}

inline void delete_then_hit(World &w)
{
    for (unsigned d = 1; d <= kFar; d++)
        for (unsigned kind : {OpDelete, OpAge}) {
            Packet syn = w.syn(7);
            unsigned slot = w.b.one(syn).slot;
            w.play({{0, w.on(kind, slot)},
                    {d, w.ack(syn)},
                    {d + 1, w.reply(syn, 0)},
                    {d + 2, syn},
                    {d + 3, w.ack(syn)},
                    {2 * d + 3, w.reply(syn, 0)}});
            w.says("forward", d, 1, SaysNoRecord);
            w.says("reverse", d, 2, SaysNoReply);
            w.says("again", d, 3, SaysNew);
            w.says("forward again", d, 4, SaysForward);
            w.says("reverse again", d, 5, SaysReverse);
            w.b.read_all();
            w.clear();
        }
    w.tap.done("a record that ended is found by nobody, at every distance");
}

inline void insert_delete_insert(World &w)
{
    Packet syn = w.syn(7);
    unsigned slot = w.b.one(syn).slot;
    Walk end = w.on(OpDelete, slot);
    w.clear();
    for (unsigned d = 1; d <= kFar; d++)
        for (unsigned e = 1; e <= kFar; e += e < 4 ? 1 : 3) {
            w.play({{0, syn},
                    {d, end},
                    {d + e, syn},
                    {d + e + 1, w.ack(syn)},
                    {d + 2 * e + 1, w.reply(syn, 0)}});
            w.says("insert", d, 0, SaysNew);
            if (!w.b.outcomes[1].acted)
                w.tap.fail("distance %u: nothing was deleted", d);
            w.says("insert again", d, 2, SaysNew);
            w.says("forward", d, 3, SaysForward);
            w.says("reverse", d, 4, SaysReverse);
            w.b.read_all();
            w.clear();
        }
    w.tap.done("insert, delete, insert of one key at every two distances");
}

inline void walk_and_packets(World &w)
{
    w.b.ms_per_1000_clocks = 300;
    for (unsigned kind : {OpAge, OpKeep, OpDelete, OpRead, OpLook, OpScan})
        for (unsigned d = 1; d <= kFar; d++) {
            Packet syn = w.syn(7);
            unsigned slot = w.b.one(syn).slot;
            w.play({{0, w.ack(syn)},
                    {d, w.on(kind, slot)},
                    {2 * d, w.ack(syn)},
                    {2 * d + 1, w.reply(syn, 0)}});
            if (kind == OpDelete)
                w.says("packet after the end", d, 2, SaysNoRecord);
            w.b.read_all();
            w.clear();
            // Two of the walk, of one slot.
            slot = w.b.one(syn).slot;
            w.play({{0, w.on(kind, slot)},
                    {d, w.on(OpRead, slot)},
                    {d + 1, w.on(OpDelete, slot)},
                    {2 * d + 1, w.on(kind, slot)},
                    {2 * d + 2, syn}});
            w.b.read_all();
            w.clear();
            // Somebody else's generation and last use.
            slot = w.b.one(syn).slot;
            Walk other = w.on(kind, slot);
            other.generation++;
            Walk older = w.on(kind, slot);
            older.last_used--;
            w.play({{0, other}, {d, older}, {2 * d, w.ack(syn)}});
            if (kind != OpRead && kind != OpLook && kind != OpScan && w.b.outcomes[0].acted)
                w.tap.fail("operation %u on another generation", kind);
            w.b.read_all();
            w.clear();
        }
    w.b.ms_per_1000_clocks = 0;
    w.tap.done("Age, Keep, Delete, Read and Scan against a packet of the record at every distance");

    // A record that was used since it was looked at does not age.
    for (unsigned d = 1; d <= kFar; d++) {
        Packet syn = w.syn(7);
        unsigned slot = w.b.one(syn).slot;
        Walk age = w.on(OpAge, slot);
        w.b.time++;
        w.play({{0, w.ack(syn)}, {d, age}});
        if (w.b.outcomes[1].acted || !w.b.record(slot))
            w.tap.fail("distance %u: a record that was used ended", d);
        w.clear();
    }
    w.tap.done("a packet before the sweep saves a record, at every distance");
}

inline void counting(World &w)
{
    for (unsigned n : {2u, 3u, 30u, 300u})
        for (unsigned gap : {1u, 2u, 3u, kWindow - 1, kWindow, kWindow + 1}) {
            Packet syn = w.syn(7);
            std::vector<Step> steps;
            uint64_t octets = 0;
            for (unsigned i = 0; i < n; i++) {
                Packet p = i ? i % 2 ? w.ack(syn) : w.reply(syn, 0) : syn;
                p.len = 60 + unsigned(w.b.random.below(9000));
                octets += p.len;
                steps.push_back({i * gap, p});
            }
            w.play(steps);
            const pc_connection *r = w.b.record(w.b.outcomes[0].slot);
            if (!r || r->forward.packets + r->reverse.packets != n ||
                r->forward.octets + r->reverse.octets != octets)
                w.tap.fail("%u packets were not counted", n);
            w.b.read_all();
            w.clear();
        }
    w.tap.done("n packets of a record back to back are n packets counted");
}

inline void verdicts(World &w)
{
    Packet p = w.syn(7);
    Packet a = w.ack(p);
    Packet nothing = a;
    nothing.forward = false;
    if (w.b.one(nothing).says != SaysNothing)
        w.tap.fail("a packet without records says something");
    for (unsigned crc = 0; crc < 8; crc++) {
        a.of.hash = true;
        a.crc = crc;
        Outcome o = w.b.one(a);
        if (o.says != (crc == 6 ? SaysNoBackend : SaysHash))
            w.tap.fail("hash %u: %s", crc, name_of(o.says));
        if (crc == 5 && o.backend != 1)
            w.tap.fail("the second candidate of hash 5 is backend %u", o.backend);
    }
    p.keyless = true;
    if (w.b.one(p).says != SaysNoRecord || w.b.used())
        w.tap.fail("a record of a loopback destination");
    p.keyless = false;
    p.of.draining = true;
    if (w.b.one(p).says != SaysDraining || w.b.used())
        w.tap.fail("a record in a draining domain");
    p.of.draining = false;
    p.crc = 6;
    if (w.b.one(p).says != SaysNoBackend)
        w.tap.fail("a backend without weight");
    p.of.schedule = kScheduleRows;
    if (w.b.one(p).says != SaysNoBackend)
        w.tap.fail("a schedule beyond the table");
    w.clear();
    w.tap.done("verdicts without a record");

    // The counter of the service: one slot after the other, also in consecutive clocks.
    for (unsigned d : {1u, 2u, 3u, 9u, kFar}) {
        std::vector<Step> steps;
        for (unsigned i = 0; i < 8; i++) {
            Packet q = w.syn(60 + i);
            q.of.pick = PORTCAM_PICK_COUNTER;
            q.of.slots_log2 = 1;
            steps.push_back({i * d, q});
        }
        w.play(steps);
        for (unsigned i = 0; i < 8; i++)
            if (w.b.outcomes[i].says != SaysNew || w.b.outcomes[i].backend != i % 2)
                w.tap.fail("distance %u: connection %u to backend %u", d, i,
                           w.b.outcomes[i].backend);
        w.clear();
    }
    w.tap.done("pick counter: connections in turn, at every rate");
}

// Init with what is left of the operations before it.
inline void init(World &w)
{
    for (unsigned d = 0; d <= kLatency + 4; d++) {
        Packet syn = w.syn(7);
        w.b.one(syn);
        w.b.packet(w.ack(syn));
        w.b.idle(kLatency + d);
        w.clear();
        w.play({{0, w.ack(syn)}, {1, w.reply(syn, 0)}, {2, syn}});
        w.says("after init", d, 0, SaysNoRecord);
        w.says("after init", d, 1, SaysNoReply);
        w.says("after init", d, 2, SaysNew);
        w.b.read_all();
        w.clear();
    }
    w.tap.done("init forgets everything");
}
