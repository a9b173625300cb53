// SPDX-License-Identifier: Apache-2.0
//
// portcam_connections: operations in every clock see all that those before them did, at every
// distance. The bench compares each with the model; the tests add what they are about.

#include "choice_tests.hpp"
#include "flow_tests.hpp"
#include "given_tests.hpp"
#include "place_tests.hpp"

namespace
{

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
