// SPDX-License-Identifier: Apache-2.0
//
// Which backend a connection gets: commits, port reuse (F.14), endpoints of other records (F.18).
#pragma once

#include "flow_tests.hpp"

inline void commits(World &w)
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

inline void port_reuse(World &w)
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

inline void ambiguity(World &w)
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
