// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_walk on portcam_connections: ageing, reads and deletes of the host, moves out of
// the stash. The bench compares each operation with the model; the tests add which operations there
// are to be.

#include "walk_world.hpp"

namespace
{

void ageing(Walker &k)
{
    Bench &b = k.b;
    for (uint32_t start : {0x1000u, 0xffffff80u, 0x7fffff80u}) {
        k.clear();
        b.time = start;
        k.rest();
        Packet syn = k.w.syn(1), open = k.w.syn(2), closing = k.w.syn(3), udp = k.w.syn(4);
        udp.client.protocol = kUdp;
        b.packet(syn);
        k.w.closing(closing, 0);
        b.packet(open);
        b.packet(k.w.reply(open, 0, FlagSyn | FlagAck));
        b.packet(k.w.ack(open));
        b.packet(udp);
        b.settle();
        std::map<unsigned, unsigned> until; // by client: timeout
        until[1] = kSyn, until[2] = kEstablished, until[3] = kFin, until[4] = 50;
        for (unsigned passed = 0; passed <= 1100; passed += 1 + unsigned(b.random.below(9))) {
            b.time = start + passed;
            k.rest();
            // A pass has begun within the last PassMs: what was over then has ended.
            for (auto &u : until) {
                bool there = false;
                for (unsigned slot = 0; slot < kSlots; slot++) {
                    uint32_t ip = 0;
                    if (const pc_connection *r = b.record(slot)) {
                        memcpy(&ip, r->key.client.ip, 4);
                        there |= ip == u.first;
                    }
                }
                if (there && passed >= u.second + kPassMs)
                    k.tap.fail("client %u is there after %u ms", u.first, passed);
                if (!there && passed < u.second)
                    k.tap.fail("client %u is gone after %u ms", u.first, passed);
            }
        }
        if (b.used())
            k.tap.fail("%u records left", b.used());
    }
    k.tap.done("ageing ends exactly what is out of time, also when the time wraps");

    k.clear();
    k.timeout(false, 1, nullptr);
    k.domain(false, 2, PORTCAM_DOMAIN_STATE_PAUSED);
    k.domain(true, 0, PORTCAM_DOMAIN_STATE_PAUSED);
    b.top.bank_i = 0;
    uint32_t start = b.time;
    for (unsigned s = 0; s < 3; s++) {
        Packet p = k.w.syn(20 + s);
        p.service = s;
        b.packet(p);
    }
    b.settle();
    for (unsigned ms = 0; ms <= 3 * kSyn; ms += 7) {
        b.time = start + ms;
        k.rest();
    }
    if (k.ages != 1 || b.used() != 2 || k.keeps < 20)
        k.tap.fail("%llu ended, %u left, kept %llu times", (unsigned long long)k.ages, b.used(),
                   (unsigned long long)k.keeps);
    for (unsigned slot = 0; slot < kSlots; slot++)
        if (const pc_connection *r = b.record(slot))
            if (r->service == 2 ? b.time - r->last_used > kPassMs : r->last_used != start)
                k.tap.fail("service %u: last used %u of %u", r->service, r->last_used, b.time);
    // The commit ends the pause: the full timeout from here on.
    b.top.bank_i = 1;
    start = b.time;
    for (unsigned ms = 0; ms <= kSyn + 2 * kPassMs; ms += 7) {
        b.time = start + ms;
        k.rest();
        if (ms + kPassMs < kSyn && !b.used())
            k.tap.fail("a record ended %u ms after the pause", ms);
    }
    if (b.used())
        k.tap.fail("%u records left after the pause", b.used());
    b.top.bank_i = 0;
    k.tap.done(
        "records of a paused domain are kept, those without timeouts too; the bank says which");

    // A record that is used all the time never ends, however busy the card is.
    k.clear();
    b.one(k.w.syn(7));
    k.flows = {k.w.syn(7)};
    k.traffic = 40;
    for (unsigned ms = 0; ms < 4 * kSyn; ms++) {
        b.time++;
        k.run(40);
    }
    if (!b.used())
        k.tap.fail("a record in use ended");
    k.traffic = 0;
    k.tap.done("a record that is used does not end");
}

void reads(Walker &k)
{
    Bench &b = k.b;
    for (unsigned round = 0; round < 60; round++) {
        k.clear();
        k.ready = round % 3 == 0 ? 100 : round % 3 == 1 ? 20 : 3;
        k.populate(round * 4);
        unsigned first = unsigned(b.random.below(kSlots));
        unsigned count = 1 + unsigned(b.random.below(kSlots - first));
        if (round % 4 == 0)
            first = 0, count = kSlots;
        if (round % 7 == 1)
            first = kRows - 1, count = 1 + kStash;
        const Answer &a = k.get(false, first, count);
        if (a.status != PORTCAM_STATUS_OK)
            k.tap.fail("status %u", a.status);
        size_t n = 0;
        for (unsigned slot = first; slot < first + count; slot++) {
            const pc_connection *r = b.record(slot);
            if (!r)
                continue;
            if (n >= a.images.size() || !k.is(a.images[n], *r))
                k.tap.fail("slots %u to %u: record of slot %u is missing or wrong", first,
                           first + count - 1, slot);
            n++;
        }
        if (n != a.images.size())
            k.tap.fail("%zu images of %zu records", a.images.size(), n);
    }
    k.ready = 100;
    k.tap.done("reads of ranges give each record once, in order, with back-pressure too");

    for (unsigned traffic : {30u, 90u, 99u}) {
        k.clear();
        k.populate(50);
        std::vector<unsigned> there;
        for (unsigned slot = 0; slot < kSlots; slot++)
            if (b.record(slot))
                there.push_back(slot);
        k.flows.clear();
        for (unsigned i = 0; i < 3; i++)
            k.flows.push_back(k.w.ack(k.w.syn(i)));
        k.traffic = traffic;
        k.ready = 50;
        const Answer &a = k.get(false, 0, kSlots);
        if (a.images.size() != there.size())
            k.tap.fail("%zu images of %zu records", a.images.size(), there.size());
        for (size_t i = 0; i < a.images.size() && i < there.size(); i++)
            if (a.images[i].slot != there[i])
                k.tap.fail("image %zu is of slot %u, not %u", i, a.images[i].slot, there[i]);
        k.traffic = 0;
        k.ready = 100;
    }
    k.tap.done("reads beside packets");

    k.clear();
    k.populate(50);
    k.traffic = 100;
    k.flows = {k.w.ack(k.w.syn(1)), k.w.syn(2), k.w.reply(k.w.syn(2), 0)};
    k.run(3);
    b.time += 100 * kPassMs;
    k.ask(false, 0, kSlots);
    uint64_t before = k.asked;
    k.run(2000);
    if (k.asked != before || k.answer.done)
        k.tap.fail("%llu operations of the walk beside packets in every clock",
                   (unsigned long long)(k.asked - before));
    k.traffic = 0;
    k.rest();
    if (k.answer.done != 1 || k.answer.images.empty())
        k.tap.fail("the read did not end when the packets did");
    k.tap.done("packets in every clock: nothing of the walk takes one, and it goes on behind them");
}

void deletes(Walker &k)
{
    Bench &b = k.b;
    k.clear();
    k.populate(100);
    for (unsigned round = 0; round < 200; round++) {
        unsigned slot = unsigned(b.random.below(kSlots));
        const pc_connection *r = b.record(slot);
        bool other = b.random.percent(30);
        unsigned wanted = !r      ? PORTCAM_STATUS_NOT_FOUND
                          : other ? PORTCAM_STATUS_CHANGED
                                  : PORTCAM_STATUS_OK;
        pc_connection old{};
        if (r)
            old = *r;
        const Answer &a = k.get(true, slot, old.generation + other);
        if (a.status != wanted)
            k.tap.fail("delete of slot %u: status %u, not %u", slot, a.status, wanted);
        bool ok = wanted == PORTCAM_STATUS_OK;
        if (a.images.size() != size_t(ok) || (ok && !k.is(a.images[0], old)))
            k.tap.fail("delete of slot %u: %zu images, or a wrong one", slot, a.images.size());
        if (ok && b.record(slot) && b.record(slot)->generation == old.generation)
            k.tap.fail("the record of slot %u is still there", slot);
        if (round % 10 == 0)
            k.populate(5);
        k.rest();
    }
    k.tap.done("delete by generation: ok, changed, not_found, and the image of what ended");
}

// Records taken out and put back, some twice, some with another one's ends; beside ageing, moves and packets. The bench
// compares every operation with the model; here it is the status.
void inserts(Walker &k)
{
    Bench &b = k.b;
    uint64_t seen[PORTCAM_STATUS_MAX] = {}, clocks = 0, made = 0;
    for (unsigned traffic : {0u, 60u}) {
        k.clear();
        k.populate(60);
        k.traffic = traffic;
        std::vector<portcam_connection_image> spare;
        for (unsigned round = 0; round < 600; round++) {
            if (spare.empty() || b.random.percent(30)) {
                unsigned slot = unsigned(b.random.below(kSlots));
                const pc_connection *r = b.record(slot);
                const Answer &a = k.get(true, slot, r ? r->generation : 0);
                spare.insert(spare.end(), a.images.begin(), a.images.end());
                continue;
            }
            portcam_connection_image image = spare[b.random.below(spare.size())];
            image.last_used = b.time;
            if (b.random.percent(20))
                image.public_port++;
            if (b.random.percent(10))
                image.client_port = uint16_t(b.random.next());
            uint64_t from = b.clock;
            unsigned before = unsigned(b.insert_count[PC_RESULT_OK]);
            unsigned status = k.insert(image).status;
            bool is_new = b.insert_count[PC_RESULT_OK] != before;
            if (status >= PORTCAM_STATUS_MAX || is_new != (status == PORTCAM_STATUS_OK))
                k.tap.fail("an insert ends with status %u, made %d", status, is_new);
            else
                seen[status]++;
            if (!traffic && is_new)
                clocks += b.clock - from, made++;
        }
        k.traffic = 0;
        k.rest();
        k.get(false, 0, kSlots); // the bench compares each
    }
    for (unsigned status : {PORTCAM_STATUS_OK, PORTCAM_STATUS_EXISTS, PORTCAM_STATUS_AMBIGUOUS})
        if (seen[status] < 20)
            k.tap.fail("status %u was seen %llu times", status, (unsigned long long)seen[status]);
    printf("# %llu made, %llu exist, %llu ambiguous, %llu full; %.1f clocks for each record\n",
           (unsigned long long)seen[PORTCAM_STATUS_OK],
           (unsigned long long)seen[PORTCAM_STATUS_EXISTS],
           (unsigned long long)seen[PORTCAM_STATUS_AMBIGUOUS],
           (unsigned long long)seen[PORTCAM_STATUS_FULL], double(clocks) / double(made));
    k.tap.done(
        "inserts of the host beside ageing, deletes and packets: ok, exists, ambiguous, full");
}

void moves(Walker &k, const std::vector<Packet> &crowd)
{
    Bench &b = k.b;
    for (unsigned round = 0; round < 40; round++) {
        k.clear();
        for (unsigned i = 0; i < 10; i++)
            b.packet(crowd[i]);
        b.settle();
        unsigned ends = round % 3 + 1;
        k.traffic = round % 2 ? 50 : 0;
        k.flows.clear();
        for (unsigned i = 8; i < 12; i++)
            k.flows.push_back(k.w.ack(crowd[i]));
        for (unsigned i = 0; i < ends; i++) {
            unsigned slot = b.places(crowd[0])[(round + i) % 8];
            if (const pc_connection *r = b.record(slot))
                k.get(true, slot, r->generation);
        }
        k.traffic = 0;
        k.rest();
        unsigned stash = 0;
        for (unsigned n = 0; n < kStash; n++)
            stash += b.record(kRows + n) != nullptr;
        if (stash != 2 - std::min(ends, 2u))
            k.tap.fail("%u records ended, %u are in the stash", ends, stash);
        b.one(k.w.ack(crowd[8]));
        b.one(k.w.ack(crowd[9]));
        const Answer &a = k.get(false, 0, kSlots);
        if (a.images.size() != b.used() || b.used() != 10 - ends)
            k.tap.fail("%zu images, %u records", a.images.size(), b.used());
    }
    k.tap.done("when a record ends, those in the stash go to the table, and are found there");
}

// FLR in every clock of each kind of work.
void clears(Walker &k, const std::vector<Packet> &crowd)
{
    Bench &b = k.b;
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned at = 1; at < 120; at += 1 + unsigned(b.random.below(3))) {
            k.clear();
            b.time += kPassMs + 1;
            k.rest();
            for (unsigned i = 0; i < 10; i++)
                b.packet(crowd[i]);
            b.settle();
            k.ready = at % 2 ? 100 : 10;
            b.top.img_ready_i = 1;
            if (kind == 0) {
                b.time += 2 * kSyn; // ageing
            } else if (kind == 1) {
                k.ask(false, 0, kSlots);
            } else {
                unsigned slot = b.places(crowd[0])[at % 8];
                k.ask(true, slot, b.record(slot)->generation); // then moves
            }
            k.run(at);
            Answer before = k.answer;
            k.wants = false;
            b.top.conn_valid_i = 0;
            k.clear();
            k.run(4);
            if (kind && k.answer.done != unsigned(k.answer.taken))
                k.tap.fail("a request that was taken %d ended %u times", k.answer.taken,
                           k.answer.done);
            k.ready = 100;
            k.rest();
            if (b.top.active_o || b.top.img_valid_o)
                k.tap.fail("something is left after the clear");
            Packet p = k.w.syn(7);
            unsigned slot = b.one(p).slot;
            const Answer &a = k.get(false, 0, kSlots);
            if (a.images.size() != 1 || a.images[0].slot != slot)
                k.tap.fail("after the clear: %zu records", a.images.size());
        }
    k.tap.done("a clear in the middle of ageing, reads, deletes and moves: a request ends once");
}

void everything(Walker &k)
{
    Bench &b = k.b;
    for (unsigned traffic : {20u, 60u, 95u}) {
        k.clear();
        k.flows.clear();
        for (unsigned i = 0; i < 120; i++) {
            Packet p = k.w.syn(unsigned(b.random.below(40)), unsigned(b.random.below(2)));
            p.client.is_v6 = b.random.percent(30);
            p.of.schedule = p.client.is_v6;
            p.service = unsigned(b.random.below(2));
            unsigned e =
                p.client.is_v6 ? 4 + unsigned(b.random.below(2)) : unsigned(b.random.below(2));
            k.flows.push_back(b.random.percent(60)   ? p
                              : b.random.percent(50) ? k.w.tcp(p, FlagAck | FlagFin, 200)
                                                     : k.w.reply(p, e, FlagSyn | FlagAck));
        }
        k.traffic = traffic;
        b.ms_per_1000_clocks = 100;
        k.ready = 30;
        for (unsigned n = 0; n < 60000; n++) {
            if (!k.wants && !k.answer.taken && b.random.percent(1)) {
                unsigned slot = unsigned(b.random.below(kSlots));
                bool deletes = b.random.percent(70);
                const pc_connection *r = b.record(slot);
                k.ask(deletes, slot, deletes ? (r ? r->generation : 0) : kSlots - slot);
            }
            k.step();
            if (k.answer.done)
                k.answer = Answer();
        }
        b.ms_per_1000_clocks = 0;
        k.traffic = 0;
        k.rest();
        printf("# traffic %u: %llu aged, %llu moves, %llu deletes, %llu reads, %llu in the stash\n",
               traffic, (unsigned long long)k.ages, (unsigned long long)b.kind_count[OpMove],
               (unsigned long long)b.kind_count[OpDelete], (unsigned long long)b.kind_count[OpRead],
               (unsigned long long)b.stash_count);
        k.ready = 100;
        const Answer &a = k.get(false, 0, kSlots);
        if (a.images.size() != b.used())
            k.tap.fail("%zu images of %u records", a.images.size(), b.used());
    }
    k.tap.done("random: everything at once");
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    Bench bench(tap, seed);
    Walker walker(bench, tap);
    std::vector<Packet> crowd = walker.w.crowd(12);
    ageing(walker);
    reads(walker);
    deletes(walker);
    inserts(walker);
    moves(walker, crowd);
    clears(walker, crowd);
    everything(walker);
    return tap.finish();
}
