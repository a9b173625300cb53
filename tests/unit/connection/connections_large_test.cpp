// SPDX-License-Identifier: Apache-2.0
//
// portcam_connections with 1,048,576 records of IPv4 and 262,144 of IPv6, the largest build, and 8
// ways, 16 stash entries: init, records in all parts of the tables, hits, the stash, moves, deletes.
// The bench compares each operation with the model; few operations for so many rows, but each
// bit of a slot and of a bucket is in use.

#include "connections_world.hpp"

namespace
{

constexpr unsigned kParts = 64; // of a table, each of which has to be seen

struct Large {
    World &w;
    Bench &b;
    Tap &tap;
    std::vector<Packet> flows;

    // A SYN of client n.
    static Packet flow(unsigned n, bool v6)
    {
        Packet p = World::syn(0x0a000000 + 7 * n, n % 4, 80 + n % 3);
        p.client.is_v6 = v6;
        p.client.port = 1024 + n % 60000;
        p.of.schedule = v6;
        return p;
    }

    void fill(unsigned count, unsigned of_v6)
    {
        for (unsigned n = 0; n < count; n++) {
            flows.push_back(flow(n, n % of_v6 == 0));
            b.packet(flows.back());
            // Some are used at once, some a while later.
            if (b.random.percent(30))
                b.packet(w.ack(flows[b.random.below(flows.size())]));
            if (b.random.percent(20))
                b.packet(w.reply(flows[b.random.below(flows.size())], unsigned(b.random.below(6))));
        }
        b.settle();
        if (b.used() != count)
            tap.fail("%u records of %u", b.used(), count);
    }

    void spread()
    {
        std::array<unsigned, kParts> v4{}, v6{};
        for (const Packet &p : flows) {
            int slot = b.find(p);
            if (slot < 0)
                tap.fail("a record is not there");
            else if (p.client.is_v6)
                v6[(unsigned(slot) - kBase6) / (kRowsV6 / kParts) % kParts]++;
            else
                v4[unsigned(slot) / (kRows / kParts) % kParts]++;
        }
        if (std::count(v4.begin(), v4.end(), 0u) || std::count(v6.begin(), v6.end(), 0u))
            tap.fail("not all parts of the tables were used");
    }

    // Each operation of the walk on each record, and on the slots where tables begin and end.
    void ask(unsigned kind, unsigned slot)
    {
        Walk walk = w.on(kind, slot);
        do
            b.ask(walk);
        while (!b.asked);
    }
    void walk_all(unsigned kind)
    {
        for (const Packet &p : flows) {
            int slot = b.find(p);
            if (slot >= 0)
                ask(kind, unsigned(slot));
        }
        b.settle();
    }
    void edges()
    {
        for (unsigned slot : {0u, kRows - 1, kRows, kBase6 - 1, kBase6, kBase6 + kRowsV6 - 1,
                              kBase6 + kRowsV6, kSlots - 1})
            ask(OpRead, slot);
        for (unsigned slot : {0u, kRows - kGroup, kBase6, kBase6 + kRowsV6 - kGroup})
            ask(OpScan, slot);
        b.settle();
    }
};

void whole_table(Large &l)
{
    l.fill(6000, 4);
    l.spread();
    l.walk_all(OpRead);
    for (const Packet &p : l.flows)
        l.b.packet(l.w.ack(p));
    l.b.settle();
    l.edges();
    l.walk_all(OpScan);
    l.tap.done("1,048,576 rows: records in all parts of both tables are found, used and read");
    l.walk_all(OpDelete);
    if (l.b.used())
        l.tap.fail("%u records left", l.b.used());
    for (const Packet &p : l.flows)
        l.b.packet(l.w.ack(p));
    l.b.settle();
    l.edges();
    l.tap.done("1,048,576 rows: a record that was deleted is found by nobody");
    l.flows.clear();
}

// With this part of the secret 0, ports are not hashed: clients of one address share their buckets.
void one_bucket(Large &l, bool v6)
{
    for (unsigned i = 4; i < 7; i++)
        l.b.top.secret_i[i] = 0;
    l.w.clear();
    unsigned room = kGroup + kStash;
    std::vector<Packet> crowd;
    for (unsigned n = 0; n < room + 4; n++) {
        Packet p = l.flow(3, v6);
        p.client.port = 1024 + n;
        crowd.push_back(p);
        l.b.packet(p);
    }
    l.b.settle();
    if (l.b.used() != room)
        l.tap.fail("%u records, there is room for %u", l.b.used(), room);
    // One in the table ends; what is in the stash moves there.
    unsigned moves = 0;
    for (unsigned n = 0; n < kStash; n++) {
        Packet p = crowd[2 * n];
        unsigned stash = (v6 ? kBase6 + kRowsV6 : kRows) + n;
        l.b.one(l.w.on(OpDelete, unsigned(l.b.find(p))));
        l.b.idle(kWindow + 4);
        moves += l.b.one(l.w.on(OpMove, stash)).acted;
        for (const Packet &other : crowd)
            l.b.packet(l.w.ack(other));
        l.b.settle();
    }
    if (moves != kStash)
        l.tap.fail("%u moves", moves);
    l.edges();
    l.tap.done(std::string("1,048,576 rows: ") + (v6 ? "IPv6" : "IPv4") +
               ": full buckets, the stash, and moves out of it");
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    auto bench = std::make_unique<Bench>(tap, seed);
    World world(*bench, tap);
    Large large{world, *bench, tap, {}};
    whole_table(large);
    one_bucket(large, false);
    one_bucket(large, true);
    return tap.finish();
}
