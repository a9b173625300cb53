// SPDX-License-Identifier: Apache-2.0
//
// How full the table of connection records is in the RTL when the first new one finds no room: portcam_connections with
// 65,536 rows, and the walk beside it, which ages records and moves those of the stash. Each operation is compared with
// the model, and the load with that of the rule in C (load_rule.h, bench_load). Where a connection begins when those
// before it are in the rows, the two are the same connection for connection; where one begins every fourth clock, the
// emptiest bucket is chosen as it was a few connections ago, and some go elsewhere.
// Usage: bench_fill [RUNS], by default 2: secrets for each set of keys.

#include "connections_world.hpp"
#include "load_keys.h"

namespace
{

constexpr unsigned kFast = 4;       // clocks from one new connection to the next
constexpr unsigned kSlow = 32;      // so many that its row is written before the next is looked up
constexpr unsigned kMsPer1000 = 20; // so that the walk goes round again and again

Packet packet_of(const uint8_t key[LOAD_KEY])
{
    Packet p = World::syn(0);
    memcpy(&p.client.ip, key, 4);
    p.client.port = unsigned(key[16] << 8 | key[17]);
    p.client.protocol = key[18];
    p.of.group = unsigned(key[19] << 8 | key[20]);
    p.of.schedule = 2 * p.of.group;
    p.port = unsigned(key[21] << 8 | key[22]);
    p.of.wide = p.port != 0;
    if (!p.of.wide)
        p.port = 80;
    return p;
}

// Connections that began before the first that found no room.
unsigned fill_rtl(Bench &b, const load_set &set, unsigned clocks)
{
    uint8_t key[LOAD_KEY];
    unsigned began = 0;
    bool full = false;
    b.outcomes.clear();
    for (uint32_t n = 0; n < kRows + kStash && !full; n++) {
        set.key(key, n);
        b.packet(packet_of(key));
        b.idle(clocks - 1);
        for (const Outcome &o : b.outcomes) {
            full |= o.packet && o.says == SaysFull;
            began += !full && o.packet && o.says == SaysNew;
        }
        b.outcomes.clear();
    }
    b.settle();
    if (!full)
        b.tap.fail("%u connections, and none was refused", began);
    return began;
}

unsigned fill_rule(const load_set &set, const load_hash &hash, load_table *t)
{
    uint8_t key[LOAD_KEY];
    load_table_clear(t);
    for (uint32_t n = 0;; n++) {
        set.key(key, n);
        if (!load_table_add(t, load_hash_of(&hash, key)))
            return n;
    }
}

} // namespace

int main(int argc, char **argv)
{
    unsigned runs = argc > 1 ? unsigned(strtoul(argv[1], nullptr, 0)) : 2;
    Tap tap;
    auto bench = std::make_unique<Bench>(tap, 1);
    World world(*bench, tap);
    static load_hash hash;
    load_table rule;
    load_prepare();
    if (runs == 0 || !load_table_new(&rule, kRows))
        return 2;
    bench->ms_per_1000_clocks = kMsPer1000;
    for (const load_set &set : load_sets) {
        if (set.v6)
            continue;
        for (unsigned run = 0; run < runs; run++) {
            load_state = run + 1;
            if (set.choose)
                set.choose();
            load_draw_secret(&hash);
            uint64_t state = load_state;
            unsigned by_rule = fill_rule(set, hash, &rule);
            for (unsigned clocks : {kSlow, kFast}) {
                if (clocks == kSlow && (run || &set != load_sets))
                    continue; // once
                memcpy(&bench->top.secret_i[0], hash.secret, LOAD_SECRET);
                bench->top.walk_select_i = 0;
                world.clear();
                bench->top.walk_select_i = 1;
                load_state = state;
                unsigned by_rtl = fill_rtl(*bench, set, clocks);
                if (clocks == kSlow && by_rtl != by_rule)
                    tap.fail("%u connections by the RTL, %u by the rule", by_rtl, by_rule);
                printf("fill: %u rows of the RTL, %s, secret %u, one in %u clocks: first refusal "
                       "at %.3f (%u), by the "
                       "rule at %.3f (%u)\n",
                       kRows, set.name, run + 1, clocks, double(by_rtl) / kRows, by_rtl,
                       double(by_rule) / kRows, by_rule);
                fflush(stdout);
            }
        }
    }
    tap.done("all that happened meanwhile is what the model says");
    return tap.finish();
}
