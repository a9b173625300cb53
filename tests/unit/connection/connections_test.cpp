// SPDX-License-Identifier: Apache-2.0
//
// portcam_connections: operations in every clock see all that those before them did, at every
// distance. The bench compares each with the model; the tests add what they are about.

#include "connections_world.hpp"

namespace
{

constexpr unsigned kFar = kWindow + 6; // beyond what events say

void insert_then_hit(World &w)
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
void peeks(World &w)
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

void two_syns(World &w)
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

void delete_then_hit(World &w)
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

void insert_delete_insert(World &w)
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

// Fills the eight places of a crowd and puts the ninth into the stash; its slot.
unsigned to_stash(World &w, const std::vector<Packet> &crowd)
{
    for (unsigned i = 0; i < 9; i++)
        w.b.packet(crowd[i]);
    w.b.settle();
    unsigned slot = w.b.outcomes.back().slot;
    if (slot < kRows || slot >= kBase6)
        w.tap.fail("the ninth of eight places is in slot %u", slot);
    return slot;
}

void move_under_hit(World &w, const std::vector<Packet> &crowd)
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

void same_places(World &w, const std::vector<Packet> &crowd)
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

void commits(World &w)
{
    for (unsigned d = 1; d <= kFar; d++) {
        // In bank 1 the slot has other backends, and the old one takes no new connections.
        constexpr unsigned none = PORTCAM_BACKEND_NONE;
        w.b.write_schedule(true, 0,
                           {2, 3, 2, none, 2, none, 2, none, 2, none, 2, none, 2, none, 2, none});
        Backend idle;
        idle.present = true;
        w.b.write_backend(true, 0, idle);
        Packet syn = w.syn(7), after = w.ack(syn), fresh = w.syn(8), again = syn;
        after.bank = fresh.bank = again.bank = true;
        Packet fresh_ack = w.ack(fresh);
        w.play({{0, syn}, {d, after}, {d + 1, again}, {2 * d + 1, fresh}, {3 * d + 1, fresh_ack}});
        w.says("new", d, 0, SaysNew);
        w.says("behind the commit", d, 1, SaysForward);
        w.says("SYN behind the commit", d, 2, SaysForward);
        if (w.b.outcomes[1].backend != 0 || w.b.outcomes[3].backend != 2)
            w.tap.fail("backends %u and %u, not 0 and 2", w.b.outcomes[1].backend,
                       w.b.outcomes[3].backend);
        w.clear();
        // F.14 in each bank: keep in bank 0, where the backend takes connections, not in bank 1.
        for (bool bank : {false, true}) {
            w.b.write_backend(true, 0, idle);
            w.closing(syn, 0);
            Packet fin = w.tcp(syn, FlagAck | FlagFin, 120), reuse = w.tcp(syn, FlagSyn, 5000);
            reuse.bank = bank;
            reuse.crc = 1;
            w.play({{0, fin}, {d, reuse}});
            if (w.b.outcomes[1].backend != (bank ? 1u : 0u))
                w.tap.fail("bank %d: backend %u", bank, w.b.outcomes[1].backend);
            w.clear();
        }
    }
    w.tap.done("a commit between two packets of one flow, at every distance");

    // A flow in every clock, so that each packet meets the event of the one before; the backend's
    // weight goes in bank 1 while bank 0 is in use.
    for (unsigned gap : {1u, 2u, 7u, kWindow - 1, kWindow, kWindow + 1}) {
        Packet syn = w.syn(7), fin = w.tcp(syn, FlagAck | FlagFin, 120);
        w.closing(syn, 0);
        for (unsigned i = 0; i < 40; i++) {
            w.b.packet(fin);
            w.b.idle(gap - 1);
        }
        // As write_backend() does, but between packets.
        unsigned n = 0;
        auto row = [&](unsigned weight) {
            portcam_backend_row data{};
            data.family = PORTCAM_FAMILY_4;
            data.weight = uint16_t(weight);
            memcpy(&w.b.top.req_data_i, &data, 48);
        };
        row(0);
        w.b.top.req_write_i = 1;
        w.b.top.req_bank_i = 1;
        w.b.top.req_row_i = 0;
        w.b.top.req_present_i = 1;
        w.b.top.backend_req_i = 1;
        Backend stays;
        stays.present = true;
        w.b.note_backend(true, 0, stays);
        for (; n < 200; n++) {
            w.b.step(n % gap ? nullptr : &fin, nullptr);
            w.b.top.backend_req_i = 0;
        }
        fin.bank = true;
        for (; n % gap; n++)
            w.b.idle();
        w.b.packet(fin);
        w.b.idle(gap - 1);
        Packet reuse = w.tcp(syn, FlagSyn, 5000);
        reuse.bank = true;
        reuse.crc = 1;
        Outcome o = w.b.one(reuse);
        if (o.says != SaysNew || o.backend != 1)
            w.tap.fail("a packet each %u clocks: %s to backend %u, which has no weight", gap,
                       name_of(o.says), o.backend);
        w.clear();
    }
    w.tap.done("a flow without a pause learns that its backend takes no connections any more");
}

void port_reuse(World &w)
{
    Packet syn = w.syn(7), keep = w.tcp(syn, FlagSyn, 5000), late = w.tcp(syn, FlagSyn, 50);
    late.crc = 1;
    Packet back = w.tcp(syn, FlagSyn, 50), rst0 = w.reply(syn, 0, FlagRst),
           rst1 = w.reply(syn, 1, FlagRst);
    for (unsigned d = 1; d <= kFar; d++) {
        w.closing(syn, 0);
        w.play({{0, keep},
                {d, w.reply(syn, 0)},
                {d + 1, w.ack(syn)},
                {d + 2, keep},
                {2 * d + 2, w.reply(syn, 1)}});
        w.says("keep", d, 0, SaysNew);
        w.says("kept, reverse", d, 1, SaysReverse);
        w.says("kept, forward", d, 2, SaysForward);
        w.says("kept, SYN again", d, 3, SaysForward);
        w.says("another endpoint", d, 4, SaysNoReply);
        w.b.read_all();
        w.clear();

        w.closing(syn, 0);
        w.play({{0, late},
                {d, w.reply(syn, 0)},
                {2 * d, w.reply(syn, 1)},
                {3 * d, w.ack(syn)},
                {3 * d + 1, w.reply(syn, 0)},
                {3 * d + 2, w.reply(syn, 1)}});
        w.says("reschedule", d, 0, SaysNew);
        w.says("old endpoint", d, 1, SaysNoReply);
        w.says("new endpoint", d, 2, SaysReverse);
        w.says("forward", d, 3, SaysForward);
        w.says("old endpoint again", d, 4, SaysNoReply);
        w.says("new endpoint again", d, 5, SaysReverse);
        if (w.b.outcomes[0].backend != 1 || w.b.outcomes[3].backend != 1)
            w.tap.fail("the replaced record has another backend");
        w.b.read_all();
        w.clear();

        // There and back: the backend's RST makes a state of port reuse at once.
        w.closing(syn, 0);
        w.play({{0, late},
                {d, rst1},
                {d + 1, back},
                {2 * d + 1, w.reply(syn, 0)},
                {2 * d + 2, w.reply(syn, 1)},
                {2 * d + 3, rst0},
                {3 * d + 3, late},
                {3 * d + 4, w.reply(syn, 0)},
                {3 * d + 5, w.reply(syn, 1)}});
        Says wanted[] = {SaysNew,     SaysReverse, SaysNew,     SaysReverse, SaysNoReply,
                         SaysReverse, SaysNew,     SaysNoReply, SaysReverse};
        for (unsigned i = 0; i < 9; i++)
            w.says("there and back", d, i, wanted[i]);
        w.b.read_all();
        w.clear();
    }
    w.tap.done("F.14 keep and reschedule: hits of both sides at every distance");

    for (unsigned d = 1; d <= kFar; d++) {
        // Another connection of this client takes the endpoint that was left, and gives it back.
        Packet other = w.syn(7, 0, 81), other_reply = w.reply(other, 0);
        other_reply.reverse = true;
        w.closing(syn, 0);
        w.play({{0, late},
                {d, other},
                {d + 1, w.reply(syn, 0)},
                {2 * d + 1, w.reply(syn, 1)},
                {2 * d + 2, back}});
        w.says("reschedule", d, 0, SaysNew);
        w.says("the endpoint that is free", d, 1, SaysNew);
        if (w.b.outcomes[1].backend != 0)
            w.tap.fail("distance %u: backend %u, not the one that was left", d,
                       w.b.outcomes[1].backend);
        w.says("its reply", d, 2, SaysReverse);
        w.says("the other reply", d, 3, SaysReverse);
        if (w.b.outcomes[2].slot == w.b.outcomes[3].slot)
            w.tap.fail("distance %u: one record for two endpoints", d);
        w.b.read_all();
        w.clear();
        // A SYN that may not create (LAND, with an address of several IPs): the endpoint of another
        // connection is taken all the same, and the service's counter names the slot.
        Packet land = late;
        land.may_create = false;
        w.closing(syn, 0);
        w.b.one(w.syn(7, 1, 82));
        w.play({{0, land}, {d, w.reply(syn, 0)}, {d + 1, w.ack(syn)}});
        w.says("may not create", d, 0, SaysNew);
        if (w.b.outcomes[0].backend != 0)
            w.tap.fail("may not create: backend %u has the endpoint of another connection",
                       w.b.outcomes[0].backend);
        w.says("its reply", d, 1, SaysReverse);
        w.b.read_all();
        w.clear();
        w.closing(syn, 0);
        land.of.pick = PORTCAM_PICK_COUNTER;
        land.crc = 2;
        w.play({{0, land}, {d, w.ack(syn)}});
        w.says("by the counter", d, 0, SaysNew);
        if (w.b.outcomes[0].backend != 0)
            w.tap.fail("by the counter: backend %u", w.b.outcomes[0].backend);
        w.clear();
        // Refused: the old record stays.
        w.closing(syn, 0);
        Packet nobody = late;
        nobody.crc = 6;
        w.play({{0, nobody}, {d, w.reply(syn, 0)}, {d + 1, w.ack(syn)}});
        w.says("nobody", d, 0, SaysNoBackend);
        w.says("the old record", d, 1, SaysReverse);
        w.says("the old record", d, 2, SaysForward);
        w.clear();
    }
    w.tap.done(
        "F.14 the endpoint that was left is free at once; without a backend nothing changes");
}

void ambiguity(World &w)
{
    Packet a = w.syn(7, 0, 80), c = w.syn(7, 0, 81), third = w.syn(7, 0, 82);
    for (unsigned d = 1; d <= kFar; d++) {
        // 80 has endpoint 0, so 81 takes its second choice, and 82 finds none.
        w.play({{0, a},
                {d, c},
                {2 * d, third},
                {2 * d + 1, w.reply(a, 0)},
                {2 * d + 2, w.reply(a, 1)}});
        w.says("first", d, 0, SaysNew);
        w.says("second", d, 1, SaysNew);
        w.says("third", d, 2, SaysAmbiguous);
        if (w.b.outcomes[0].backend != 0 || w.b.outcomes[1].backend != 1)
            w.tap.fail("distance %u: backends %u and %u", d, w.b.outcomes[0].backend,
                       w.b.outcomes[1].backend);
        if (w.b.outcomes[3].slot == w.b.outcomes[4].slot)
            w.tap.fail("one record for two endpoints");
        unsigned slot0 = w.b.outcomes[0].slot, slot1 = w.b.outcomes[1].slot;
        // One of them ends: the third takes its endpoint.
        w.play({{0, w.on(OpDelete, d % 2 ? slot0 : slot1)}, {d, third}, {d + 1, w.syn(7, 0, 83)}});
        w.says("after the end", d, 1, SaysNew);
        w.says("full again", d, 2, SaysAmbiguous);
        if (w.b.outcomes[1].backend != (d % 2 ? 0u : 1u))
            w.tap.fail("distance %u after the end: backend %u", d, w.b.outcomes[1].backend);
        w.b.read_all();
        w.clear();

        // Where the port is part of the backend end, two ports are two ends.
        Packet wide1 = a, wide2 = c, wide3 = a;
        wide1.of.wide = wide2.of.wide = wide3.of.wide = true;
        wide3.service = 1;
        w.play({{0, wide1}, {d, wide2}, {d + 1, wide3}, {2 * d + 1, w.reply(wide2, 0)}});
        w.says("wide", d, 1, SaysNew);
        w.says("wide, another service", d, 2, SaysNew);
        if (w.b.outcomes[1].backend != 0 || w.b.outcomes[2].backend != 1)
            w.tap.fail("wide, distance %u: backends %u and %u", d, w.b.outcomes[1].backend,
                       w.b.outcomes[2].backend);
        w.says("wide reverse", d, 3, SaysReverse);
        w.b.read_all();
        w.clear();

        // Backends 2 and 3 share an endpoint.
        Packet s1 = w.syn(7, 2, 80), s2 = w.syn(7, 3, 81);
        w.play({{0, s1}, {d, s2}});
        w.says("a shared endpoint", d, 1, SaysAmbiguous);
        w.clear();
    }
    w.tap.done("F.18 the other record began or ended 1, 2, 3 ... clocks before");
}

void embryonic(World &w)
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

void walk_and_packets(World &w)
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

void counting(World &w)
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

void verdicts(World &w)
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
void init(World &w)
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

// ---- records that the host gives ----

Walk given(const Packet &p, unsigned backend, unsigned endpoint, unsigned state,
           bool embryonic = false)
{
    Walk w;
    w.kind = OpInsert;
    w.image = Bench::image_of(p, backend, endpoint, state);
    w.image.flags |= embryonic ? PORTCAM_CONNECTION_IMAGE_EMBRYONIC : 0;
    w.image.syn_repeats = 3;
    w.image.client_next = 0x89abcdef;
    w.image.created = 0x01234567;
    w.image.last_used = 0x76543210;
    w.image.forward_packets = 0xfffffffffffe;
    w.image.forward_octets = 0x123456789abcdef0;
    w.image.reverse_packets = 0x800000000001;
    w.image.reverse_octets = 0xfedcba9876543210;
    return w;
}

constexpr unsigned kEstablishedState = PORTCAM_CONNECTION_STATE_ESTABLISHED;

// Every field of an image comes back, in every state, in both families and with and without a kept port.
void images(World &w)
{
    for (unsigned state = PORTCAM_CONNECTION_STATE_SYN_SEEN;
         state <= PORTCAM_CONNECTION_STATE_REPLIED; state++)
        for (unsigned kind = 0; kind < 8; kind++) {
            Packet p = w.syn(100 + 8 * state + kind);
            if (state >= PORTCAM_CONNECTION_STATE_UNREPLIED)
                p.client.protocol = kUdp;
            p.client.is_v6 = kind & 1;
            p.of.wide = kind & 2;
            p.service = kind % 4;
            p.address = 3 - kind % 4;
            p.of.group = kind / 4;
            unsigned backend = 8 * p.of.group + (p.client.is_v6 ? 5 : 1);
            w.b.one(given(p, backend, backend, state, kind & 4));
            if (!w.b.outcomes.back().acted && w.b.used() < 40)
                w.tap.fail("state %u, kind %u was refused", state, kind);
            w.b.one(w.reply(p, backend, FlagAck));
        }
    w.b.read_all();
    w.clear();
    w.tap.done("an image in every state, both families, with and without a kept port, comes back");
}

void given_then_hit(World &w)
{
    for (unsigned d = 1; d <= kFar; d++) {
        Packet p = w.syn(10 + d), other = w.syn(10 + d, 0, 81);
        w.play({{0, given(p, 1, 1, kEstablishedState)},
                {d, w.ack(p)},
                {2 * d, w.reply(p, 1)},
                {3 * d, w.reply(p, 0)},
                {4 * d, w.ack(other)}});
        w.says("forward", d, 1, SaysForward);
        w.says("reverse", d, 2, SaysReverse);
        w.says("another endpoint", d, 3, SaysNoReply);
        w.says("another port", d, 4, SaysNoRecord);
        // A SYN of a client that is here already, and one that ended before (F.14): the backend of
        // the image takes connections, that of the second image does not.
        Packet old = w.syn(2000 + d), dry = w.syn(3000 + d);
        old.seq = dry.seq = 0x89abcdf0;
        w.play({{0, given(old, 1, 1, PORTCAM_CONNECTION_STATE_CLOSING_BOTH)}, {d, old}});
        w.says("kept", d, 1, SaysNew);
        if (w.b.outcomes[1].backend != 1)
            w.tap.fail("distance %u: not kept", d);
        w.play({{0, given(dry, 6, 6, PORTCAM_CONNECTION_STATE_CLOSING_BOTH)}, {d, dry}});
        w.says("moved on", d, 1, SaysNew);
        if (w.b.outcomes[1].backend != 0)
            w.tap.fail("distance %u: not scheduled again", d);
        if (d % 6 == 0) {
            w.b.read_all();
            w.clear();
        }
    }
    w.b.read_all();
    w.clear();
    w.tap.done(
        "a record of the host is found 1, 2, 3 ... clocks after its insert, as its state is");
}

void given_among_packets(World &w)
{
    for (unsigned d = 1; d <= kFar; d++) {
        Packet p = w.syn(7);
        w.play({{0, p}, {d, given(p, 1, 1, kEstablishedState)}, {d + 1, w.ack(p)}});
        w.says("a packet's record", d, 2, SaysForward);
        if (w.b.outcomes[1].acted || !w.b.outcomes[1].found || w.b.outcomes[2].backend != 0)
            w.tap.fail("distance %u: an image took the place of a record", d);
        w.b.read_all();
        w.clear();

        w.play({{0, given(p, 1, 1, kEstablishedState)}, {d, p}, {d + 1, p}});
        w.says("SYN behind it", d, 1, SaysForward);
        if (w.b.used() != 1)
            w.tap.fail("distance %u: %u records", d, w.b.used());
        w.b.read_all();
        unsigned slot = w.b.outcomes[0].slot;
        w.play({{0, w.on(OpDelete, slot)}, {d, given(p, 1, 1, kEstablishedState)}});
        if (!w.b.outcomes[0].acted || !w.b.outcomes[1].acted)
            w.tap.fail("distance %u: the key of a record that ended is not free", d);
        w.b.read_all();
        w.clear();

        // Two inserts of one key, and packets of it all the time.
        std::vector<Step> steps{{kFar, given(p, 1, 1, kEstablishedState)},
                                {kFar + kLatency + d, given(p, 1, 1, kEstablishedState)}};
        for (unsigned t = 0; t <= 2 * kFar + kLatency; t++)
            if (t != kFar && t != kFar + kLatency + d)
                steps.push_back({t, t % 3 ? w.ack(p) : w.reply(p, 1)});
        w.play(steps);
        w.b.read_all();
        if (w.b.used() != 1)
            w.tap.fail("distance %u: %u records of one key", d, w.b.used());
        w.clear();
    }
    w.tap.done("exists: an image and a packet of its key at every distance, two images of one key");
}

void given_ambiguous(World &w)
{
    for (unsigned d = 1; d <= kFar; d++) {
        Packet p = w.syn(7), other = w.syn(7, 1, 81); // backend 0, backend 1
        w.play({{0, p}, {d, given(other, 0, 0, kEstablishedState)}});
        if (w.b.outcomes[1].acted || w.b.outcomes[1].found || !w.b.outcomes[1].taken)
            w.tap.fail("distance %u: two records of one endpoint", d);
        unsigned slot = w.b.outcomes[0].slot;
        w.play({{0, w.on(OpDelete, slot)}, {d, given(other, 0, 0, kEstablishedState)}});
        if (!w.b.outcomes[1].acted)
            w.tap.fail("distance %u: an endpoint that is free again", d);
        w.play({{0, given(p, 1, 1, kEstablishedState)}, {d, w.syn(7, 1, 82)}});
        w.says("the other candidate", d, 1, SaysAmbiguous);
        w.b.read_all();
        w.clear();
        // The record leaves for another endpoint (F.14), which the image then names, or the one it left.
        for (unsigned endpoint : {0u, 1u}) {
            w.closing(p, 0);
            Packet again = w.syn(7, 1);
            w.play({{0, again}, {d, given(other, endpoint, endpoint, kEstablishedState)}});
            w.says("moved on", d, 0, SaysNew);
            if (w.b.outcomes[1].acted != (endpoint == 0) ||
                w.b.outcomes[1].taken != (endpoint == 1))
                w.tap.fail("distance %u: endpoint %u", d, endpoint);
            w.b.read_all();
            w.clear();
        }
    }
    w.tap.done(
        "F.18 ambiguous: an image and the other record at every distance, also left endpoints");
}

void given_full(World &w, const std::vector<Packet> &crowd)
{
    for (unsigned d = 1; d <= kFar; d++) {
        for (unsigned i = 0; i < 10; i++) {
            Walk g = given(crowd[i], 0, 0, kEstablishedState);
            if (i % 2)
                w.b.one(crowd[i]);
            else
                w.b.one(g);
        }
        if (w.b.used() != 10)
            w.tap.fail("%u of 10 places are taken", w.b.used());
        unsigned slot = w.b.outcomes[0].slot;
        w.play({{0, given(crowd[10], 0, 0, kEstablishedState)}});
        if (w.b.outcomes[0].acted || w.b.outcomes[0].found || w.b.outcomes[0].taken)
            w.tap.fail("a place for the eleventh");
        w.play({{0, w.on(OpDelete, slot)}, {d, given(crowd[10], 0, 0, kEstablishedState)}});
        if (d > kWindow + 2 && !w.b.outcomes[1].acted)
            w.tap.fail("distance %u: no place where one is free", d);
        w.b.read_all();
        w.clear();
        // Between SYNs that want the same place, in every clock.
        std::vector<Step> steps;
        for (unsigned i = 0; i < 11; i++) {
            if (i == d % 11)
                steps.push_back({i, given(crowd[i], 0, 0, kEstablishedState)});
            else
                steps.push_back({i, crowd[i]});
        }
        w.play(steps);
        if (w.b.used() != 10)
            w.tap.fail("%u of 10 places are taken, the image at %u", w.b.used(), d % 11);
        w.b.read_all();
        w.clear();
    }
    w.tap.done("full: images and packets that want one place; the stash takes images too");
}

// Few keys, all kinds of operations, in every clock.
struct Mix {
    const char *name;
    unsigned clocks, packets, walks, clients, v6, ms, syn, wide, limit;
};

void random_mix(World &w, const Mix &mix)
{
    Bench &b = w.b;
    Random &r = b.random;
    b.ms_per_1000_clocks = mix.ms;
    b.says_count.fill(0);
    b.kind_count.fill(0);
    b.insert_count.fill(0);
    b.refused_late = b.second_count = b.stash_count = b.replaced = b.kept = 0;
    bool bank = false;
    uint64_t commit_at = 400;
    Walk walk;
    bool asking = false;
    // A move has the walk's part of the pipeline for itself.
    uint64_t moving = 0, answered = 0;
    for (unsigned c = 0; c < mix.clocks; c++) {
        if (b.clock > commit_at && b.clock < commit_at + 1000000) {
            // Rows of the other bank, some clocks after its last packet; then the commit.
            unsigned n = unsigned(r.below(6)), group = unsigned(r.below(2));
            Backend x;
            x.present = r.percent(90);
            x.is_v6 = n == 4 || n == 5;
            x.weight = unsigned(r.below(4));
            x.endpoint = 8 * group + (n == 3 ? 2 : n);
            b.write_backend(!bank, 8 * group + n, x);
            std::array<unsigned, 16> slots;
            for (unsigned &s : slots)
                s = r.percent(5) ? unsigned(PORTCAM_BACKEND_NONE)
                                 : 8 * (r.percent(80) ? group : 1 - group) + unsigned(r.below(4));
            b.write_schedule(!bank, 2 * group, slots);
            for (unsigned &s : slots)
                s = 8 * group + 4 + unsigned(r.below(2));
            b.write_schedule(!bank, 2 * group + 1, slots);
            b.idle(2);
            bank = !bank;
            commit_at = b.clock + 100 + r.below(600);
        }
        Packet p;
        bool give = r.percent(mix.packets);
        if (give) {
            p.bank = bank;
            p.client.ip = unsigned(r.below(mix.clients));
            p.client.port = 1000;
            p.client.protocol = r.percent(70) ? kTcp : kUdp;
            p.client.is_v6 = r.percent(mix.v6);
            unsigned s = unsigned(r.below(kServices));
            p.service = s;
            p.address = unsigned(r.below(2));
            p.port = 80 + unsigned(r.below(2));
            // Services 0 and 1 are one group without the port, 2 and 3 one with it.
            p.of = w.service();
            p.of.group = s / 2;
            p.of.wide = s >= 2 ? mix.wide != 0 : false;
            p.of.schedule = 2 * (s / 2) + p.client.is_v6;
            p.of.pick = s == 0   ? PORTCAM_PICK_CLIENT_IP_PORT
                        : s == 1 ? PORTCAM_PICK_COUNTER
                        : s == 2 ? PORTCAM_PICK_LEAST
                                 : PORTCAM_PICK_CLIENT_IP;
            p.of.hash = s == 0;
            p.of.full_hash = s == 3;
            p.of.draining = r.percent(2);
            p.crc = unsigned(r.below(16));
            p.len = 60 + unsigned(r.below(1500));
            p.limit = mix.limit;
            unsigned dice = unsigned(r.below(100));
            static const unsigned others[] = {FlagAck, FlagAck | FlagFin, FlagAck | FlagFin,
                                              FlagRst, FlagSyn | FlagAck, 0};
            p.flags = dice < mix.syn ? FlagSyn : others[r.below(6)];
            p.seq = 100 + unsigned(r.below(200));
            p.payload = unsigned(r.below(20));
            unsigned kind = unsigned(r.below(100));
            p.forward = kind < 55;
            p.reverse = kind >= 55 && kind < 97;
            p.endpoint = 8 * (r.percent(80) ? s / 2 : 1 - s / 2) +
                         (p.client.is_v6 ? 4 + unsigned(r.below(2)) : unsigned(r.below(3)));
            if (p.reverse)
                p.flags = r.percent(40) ? unsigned(FlagSyn | FlagAck) : others[r.below(6)];
            p.keyless = p.forward && r.percent(1);
            p.peek = r.percent(8);
            p.may_create = (p.client.protocol != kTcp || p.flags == FlagSyn) && !r.percent(3);
        }
        if (!asking && r.percent(mix.walks) && b.clock >= moving) {
            static const unsigned kinds[] = {OpScan, OpRead,   OpRead, OpAge,
                                             OpKeep, OpDelete, OpMove, OpInsert};
            walk = w.on(kinds[r.below(8)], unsigned(r.below(kSlots)));
            if (walk.kind == OpInsert) {
                Packet q;
                q.client.ip = unsigned(r.below(mix.clients));
                q.client.protocol = r.percent(70) ? kTcp : kUdp;
                q.client.is_v6 = r.percent(mix.v6);
                unsigned s = unsigned(r.below(kServices));
                q.service = s;
                q.address = unsigned(r.below(2));
                q.port = 80 + unsigned(r.below(2));
                q.of.group = s / 2;
                q.of.wide = s >= 2 ? mix.wide != 0 : false;
                unsigned backend = 8 * (s / 2) + (q.client.is_v6 ? 4 + unsigned(r.below(2))
                                                                 : unsigned(r.below(3)));
                walk = given(q, backend, backend,
                             q.client.protocol == kTcp ? 1 + unsigned(r.below(9))
                                                       : 10 + unsigned(r.below(2)),
                             r.percent(50));
                walk.image.last_used = b.time;
                if (b.inserting())
                    walk.kind = OpNone;
            } else if (r.percent(60)) {
                // Rather a slot that has a record.
                for (unsigned n = 0; n < 40 && !b.record(walk.slot); n++)
                    walk = w.on(walk.kind, unsigned(r.below(kSlots)));
            }
            bool stash =
                (walk.slot >= kRows && walk.slot < kBase6) || walk.slot >= kBase6 + kRowsV6;
            if (walk.kind == OpInsert || walk.kind == OpNone) {
            } else if (walk.kind == OpMove) {
                unsigned n = unsigned(r.below(2 * kStash));
                walk = w.on(OpMove, n < kStash ? kRows + n : kBase6 + kRowsV6 + n - kStash);
                if (!b.record(walk.slot) || b.clock < answered)
                    walk.kind = OpNone;
            } else if (walk.kind == OpScan && stash) {
                walk.kind = OpRead;
            }
            asking = walk.kind != OpNone;
        }
        b.step(give ? &p : nullptr, asking ? &walk : nullptr);
        if (asking && b.asked) {
            asking = false;
            answered = b.clock + kLatency;
            if (walk.kind == OpMove)
                moving = answered;
        }
    }
    b.settle();
    b.read_all();
    printf("# %s:", mix.name);
    for (unsigned s = SaysForward; s <= SaysUnprovenHash; s++)
        printf(" %s %llu", name_of(Says(s)), (unsigned long long)b.says_count[s]);
    printf("; moves %llu, deletes %llu, kept %llu, replaced %llu, to the stash %llu, full within "
           "the window %llu\n",
           (unsigned long long)b.kind_count[OpMove], (unsigned long long)b.kind_count[OpDelete],
           (unsigned long long)b.kept, (unsigned long long)b.replaced,
           (unsigned long long)b.stash_count, (unsigned long long)b.refused_late);
    printf("# images: %llu made, %llu exist, %llu ambiguous, %llu full\n",
           (unsigned long long)b.insert_count[PC_RESULT_OK],
           (unsigned long long)b.insert_count[PC_RESULT_EXISTS],
           (unsigned long long)b.insert_count[PC_RESULT_AMBIGUOUS],
           (unsigned long long)b.insert_count[PC_RESULT_FULL]);
    b.ms_per_1000_clocks = 0;
    w.tap.done(std::string("random: ") + mix.name);
    w.clear();
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    Bench bench(tap, seed);
    World world(bench, tap);
    std::vector<Packet> crowd = world.crowd(12);
    insert_then_hit(world);
    peeks(world);
    two_syns(world);
    delete_then_hit(world);
    insert_delete_insert(world);
    move_under_hit(world, crowd);
    same_places(world, crowd);
    commits(world);
    port_reuse(world);
    ambiguity(world);
    embryonic(world);
    walk_and_packets(world);
    counting(world);
    verdicts(world);
    init(world);
    images(world);
    given_then_hit(world);
    given_among_packets(world);
    given_ambiguous(world);
    given_full(world, crowd);
    static const Mix mixes[] = {
        {"one client in every clock", 60000, 100, 20, 1, 0, 20, 40, 1, 0},
        {"three clients, free clocks", 60000, 60, 60, 3, 30, 20, 40, 1, 0},
        {"twelve clients, all full", 100000, 90, 60, 40, 20, 5, 60, 1, 0},
        {"SYN flood with a limit", 60000, 95, 50, 30, 0, 5, 70, 0, 12},
        {"hundreds of clients", 100000, 80, 40, 300, 50, 5, 70, 1, 100},
        {"slow", 60000, 10, 10, 4, 20, 50, 40, 1, 6},
    };
    for (const Mix &mix : mixes)
        random_mix(world, mix);
    return tap.finish();
}
