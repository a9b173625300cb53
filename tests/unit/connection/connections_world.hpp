// SPDX-License-Identifier: Apache-2.0
//
// What the tests of connections share: rows of a few services and backends, packets of their flows,
// sequences of operations with exact distances.
#pragma once

#include <algorithm>

#include "connections_bench.hpp"

// One operation of a sequence: a packet given in clock `at`, or an operation of the walk that takes
// the place a packet given then would have.
struct Step {
    unsigned at;
    bool is_walk;
    Packet p;
    Walk w;

    Step(unsigned at, const Packet &p) : at(at), is_walk(false), p(p) {}
    Step(unsigned at, const Walk &w) : at(at), is_walk(true), w(w) {}
};

// Backends 0 to 3 are IPv4 (2 and 3 share endpoint 2), 4 and 5 IPv6, 6 has no weight, 7 is not
// there. Schedule row 0: slots (0, 1), (1, 0), (2, 3), (3, 2), (0, none), (none, 1), (6, 7), (6, 0);
// row 1 the same for IPv6: (4, 5), (5, 4), and so on. Backends 8 to 15 and rows 2 and 3 are the same
// for another group of services: an endpoint belongs to one group.
struct World {
    Bench &b;
    Tap &tap;

    World(Bench &bench, Tap &tap) : b(bench), tap(tap) { fill(); }

    void fill()
    {
        for (bool bank : {false, true}) {
            rows(bank);
        }
    }
    void rows(bool bank)
    {
        constexpr unsigned none = PORTCAM_BACKEND_NONE;
        for (unsigned n = 0; n < kBackends; n++) {
            Backend x;
            x.present = n % 8 != 7;
            x.is_v6 = n % 8 == 4 || n % 8 == 5;
            x.weight = n % 8 == 6 ? 0 : 1 + n;
            x.endpoint = n % 8 == 3 ? n - 1 : n;
            b.write_backend(bank, n, x);
        }
        for (unsigned g : {0u, 1u}) {
            std::array<unsigned, 16> v4{0, 1, 1, 0, 2, 3, 3, 2, 0, none, none, 1, 6, 7, 6, 0};
            std::array<unsigned, 16> v6{4, 5, 5, 4, 4, 4, 5, 5, 4, none, none, 5, 0, 4, 7, 5};
            for (unsigned i = 0; i < 16; i++) {
                v4[i] += v4[i] == none ? 0 : 8 * g;
                v6[i] += v6[i] == none ? 0 : 8 * g;
            }
            b.write_schedule(bank, 2 * g, v4);
            b.write_schedule(bank, 2 * g + 1, v6);
        }
    }
    void clear()
    {
        b.clear();
        fill();
        b.settle();
        b.outcomes.clear();
    }

    // A service of eight slots, of which the packet's crc chooses.
    static Service service()
    {
        Service s;
        s.slots_log2 = 3;
        return s;
    }
    static Packet syn(unsigned ip, unsigned crc = 0, unsigned port = 80)
    {
        Packet p;
        p.forward = true;
        p.client.ip = ip;
        p.of = service();
        p.crc = crc;
        p.port = port;
        return p;
    }
    static Packet tcp(Packet p, unsigned flags, uint32_t seq = 101, uint32_t payload = 0)
    {
        p.flags = flags;
        p.seq = seq;
        p.payload = payload;
        p.may_create = flags == FlagSyn;
        return p;
    }
    static Packet ack(const Packet &p) { return tcp(p, FlagAck); }
    static Packet reply(Packet p, unsigned endpoint, unsigned flags = FlagAck)
    {
        p.forward = false;
        p.reverse = true;
        p.may_create = false;
        p.endpoint = endpoint;
        p.flags = flags;
        p.seq = 5000;
        return p;
    }
    Walk on(unsigned kind, unsigned slot) const
    {
        Walk w;
        w.kind = kind;
        w.slot = slot;
        if (const pc_connection *r = b.record(slot)) {
            w.generation = r->generation;
            w.last_used = r->last_used;
        }
        return w;
    }

    // A connection in state closing_client.
    void closing(const Packet &p, unsigned endpoint)
    {
        b.packet(p);
        b.packet(reply(p, endpoint, FlagSyn | FlagAck));
        b.packet(tcp(p, FlagAck, 101, 10));
        b.packet(tcp(p, FlagAck | FlagFin, 111));
        b.settle();
    }

    // Plays a sequence; the outcomes are those of its operations, in their order in time.
    const std::vector<Outcome> &play(const std::vector<Step> &steps)
    {
        b.settle();
        b.outcomes.clear();
        unsigned end = 0;
        for (const Step &s : steps)
            end = std::max(end, s.at + 1);
        for (unsigned t = 0; t <= end; t++) {
            const Packet *p = nullptr;
            const Walk *w = nullptr;
            for (const Step &s : steps) {
                if (!s.is_walk && s.at == t)
                    p = &s.p;
                if (s.is_walk && s.at + 1 == t)
                    w = &s.w;
            }
            b.step(p, w);
            if (w && !b.asked)
                tap.fail("the walk had to wait in clock %u", t);
        }
        b.settle();
        if (b.outcomes.size() != steps.size())
            tap.fail("%zu outcomes of %zu operations", b.outcomes.size(), steps.size());
        return b.outcomes;
    }
    void says(const char *where, unsigned distance, size_t index, Says wanted)
    {
        Says got = index < b.outcomes.size() ? b.outcomes[index].says : SaysNothing;
        if (got != wanted)
            tap.fail("%s, distance %u: operation %zu says %s, not %s", where, distance, index,
                     name_of(got), name_of(wanted));
    }

    // Clients that have all four buckets in common.
    std::vector<Packet> crowd(size_t count)
    {
        std::vector<Packet> result;
        Packet first = syn(0x01000000);
        std::vector<unsigned> wanted = b.places(first);
        for (unsigned ip = 0x01000000; result.size() < count; ip++) {
            Packet p = syn(ip);
            if (b.places(p) == wanted)
                result.push_back(p);
        }
        return result;
    }
};
