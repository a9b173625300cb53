// SPDX-License-Identifier: Apache-2.0
//
// Records that the host gives (OpInsert).
#pragma once

#include "flow_tests.hpp"

inline Walk given(const Packet &p, unsigned backend, unsigned endpoint, unsigned state,
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
inline void images(World &w)
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

inline void given_then_hit(World &w)
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

inline void given_among_packets(World &w)
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

inline void given_ambiguous(World &w)
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

inline void given_full(World &w, const std::vector<Packet> &crowd)
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
