// SPDX-License-Identifier: Apache-2.0
//
// portcam_schedule against a reference that does one packet after another. Packets in every clock,
// of few services, so that each counter is wanted at every distance; rows are written, emptied and
// read meanwhile, and init runs; every input moves in every clock, whether valid or not.

#include <array>
#include <deque>
#include <vector>

#include "Vschedule_tb.h"
#include "portcam_defs.h"
#include "tap.hpp"

namespace
{

constexpr unsigned Sizes = 2, PreClocks = 3, LookupAfter = 2;
constexpr unsigned None = 0xffff;

struct Row {
    bool present = false;
    std::array<uint32_t, 8> slot = {};
};

struct Pick {
    uint64_t asked, due;
    bool bank, index_known, names_known;
    unsigned index, row, slot;
    unsigned first, second;
};

struct Read {
    uint64_t due;
    bool check;
    Row row;
};

// One instance: its sizes, and what it holds.
struct Size {
    unsigned services, rows, read_latency;
    std::vector<uint16_t> counter;
    std::vector<Row> table[2];
    std::deque<Pick> picks;
    std::deque<Read> reads;
    std::deque<int> pre; // service of each of the last clocks, -1 without a counter
    bool busy = true;
    uint64_t moves = 0, named = 0, unnamed = 0, inits = 0;

    void clear()
    {
        counter.assign(services, 0);
        for (auto &bank : table)
            bank.assign(rows, Row());
    }
};

// How a run mixes things, in percent.
struct Mix {
    uint64_t clocks;
    unsigned packets, advance, host, init_per_10000, services;
    int pick; // -1 any
};

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed)
    {
        size_[0].services = 5, size_[0].rows = 8, size_[0].read_latency = 2;
        size_[1].services = 64, size_[1].rows = 32, size_[1].read_latency = 3;
    }
    void run(const Mix &mix, const char *name);
    void spread();

private:
    void drive(const Mix &mix);
    void before(Size &s, unsigned i);
    void after(Size &s, unsigned i);
    void pick(Size &s);

    Tap &tap_;
    Random random_;
    Vschedule_tb top_;
    Size size_[Sizes];
    uint64_t now_ = 0;
    uint32_t feedback_ = 1;
    std::deque<bool> pre_valid_;
    std::vector<unsigned> least_;
};

// What the packet of this clock must get.
void Bench::pick(Size &s)
{
    Pick p = {};
    p.asked = now_;
    p.due = now_ + s.read_latency + 3;
    p.bank = top_.bank_i;
    p.names_known = !s.busy;
    int service = s.pre.size() > PreClocks ? s.pre[PreClocks] : -1;
    bool counted = service >= 0;
    if (top_.use_hash_i || top_.pick_i == PORTCAM_PICK_CLIENT_IP ||
        top_.pick_i == PORTCAM_PICK_CLIENT_IP_PORT) {
        p.index = top_.crc_i & 0xffff;
        p.index_known = true;
    } else if (top_.pick_i == PORTCAM_PICK_LEAST) {
        p.index = feedback_ & 0xffff;
        p.index_known = true;
        least_.push_back(p.index);
    } else {
        p.index = counted ? s.counter[service] : 0;
        p.index_known = counted && !s.busy;
    }
    if (counted && top_.advance_i) {
        s.counter[service]++;
        s.moves++;
    }
    unsigned slot =
        unsigned(p.index & ((1u << (top_.slots_log2_i < 16 ? top_.slots_log2_i : 16)) - 1));
    p.row = top_.schedule_i + slot / 8;
    p.slot = slot % 8;
    s.picks.push_back(p);
}

// With the inputs of a clock set: what they ask of an instance.
void Bench::before(Size &s, unsigned i)
{
    s.pre.push_front(top_.pre_valid_i && !s.busy && top_.pre_service_i < s.services
                         ? int(top_.pre_service_i)
                         : -1);
    if (s.pre.size() > PreClocks + 1)
        s.pre.pop_back();
    if (top_.valid_i)
        pick(s);
    // A lookup in the clock of a write gets the old row.
    for (Pick &p : s.picks)
        if (p.asked + LookupAfter == now_) {
            const Row *row = p.row < s.rows ? &s.table[p.bank][p.row] : nullptr;
            bool there = row && row->present;
            p.first = there ? row->slot[p.slot] & 0xffff : None;
            p.second = there ? row->slot[p.slot] >> 16 : None;
            p.names_known = p.names_known && p.index_known && !s.busy;
            (there ? s.named : s.unnamed)++;
        }
    if (bit(top_.req_valid_i, i)) {
        Row &row = s.table[top_.req_bank_i][top_.req_row_i];
        s.reads.push_back({now_ + s.read_latency, !top_.req_write_i, row});
        if (top_.req_write_i) {
            row.present = top_.req_present_i;
            for (unsigned n = 0; n < 8; n++)
                row.slot[n] = row.present ? top_.req_data_i[n] : 0;
        }
    }
}

// Behind the rise of the clock: what is due.
void Bench::after(Size &s, unsigned i)
{
    if (!s.picks.empty() && s.picks.front().due == now_) {
        const Pick &p = s.picks.front();
        unsigned first = top_.first_o >> (16 * i) & 0xffff;
        unsigned second = top_.second_o >> (16 * i) & 0xffff;
        unsigned index = top_.index_o >> (16 * i) & 0xffff;
        if (p.index_known && index != p.index)
            tap_.fail("size %u, pick of clock %llu: index %u, not %u", i,
                      (unsigned long long)p.asked, index, p.index);
        if (p.names_known && (first != p.first || second != p.second))
            tap_.fail("size %u, pick of clock %llu: row %u slot %u gives %04x %04x, not %04x %04x",
                      i, (unsigned long long)p.asked, p.row, p.slot, first, second, p.first,
                      p.second);
        s.picks.pop_front();
    }
    bool due = !s.reads.empty() && s.reads.front().due == now_;
    if (bit(top_.done_o, i) != due)
        tap_.fail("size %u: done is %d in clock %llu", i, !due, (unsigned long long)now_);
    if (due) {
        const Read &r = s.reads.front();
        bool same = bit(top_.present_o, i) == r.row.present;
        for (unsigned n = 0; n < 12; n++)
            same = same && top_.data_o[12 * i + n] == (n < 8 && r.row.present ? r.row.slot[n] : 0);
        if (r.check && !same)
            tap_.fail("size %u: a row is read otherwise than written", i);
        s.reads.pop_front();
    }
    bool busy = bit(top_.busy_o, i);
    if (s.busy && !busy)
        s.clear();
    s.busy = busy;
}

void Bench::drive(const Mix &mix)
{
    pre_valid_.push_front(random_.percent(mix.packets));
    top_.pre_valid_i = pre_valid_.front() || random_.percent(5); // now and then one without a pick
    // Also numbers beyond the small instance, and beyond both.
    top_.pre_service_i =
        uint16_t(random_.percent(2) ? random_.next() : random_.below(mix.services));
    bool asked = pre_valid_.size() > PreClocks && pre_valid_[PreClocks];
    if (pre_valid_.size() > PreClocks + 1)
        pre_valid_.pop_back();
    top_.valid_i =
        asked || (mix.packets < 100 && random_.percent(5)); // now and then one without a pre
    top_.bank_i = random_.percent(50);
    top_.advance_i = random_.percent(mix.advance);
    top_.pick_i = mix.pick >= 0 ? mix.pick : int(random_.below(4));
    top_.use_hash_i = mix.pick < 0 && random_.percent(10);
    top_.schedule_i = uint16_t(random_.percent(5) ? random_.next() : random_.below(36));
    top_.slots_log2_i = uint8_t(random_.percent(80) ? random_.below(8) : random_.below(17));
    top_.crc_i = uint32_t(random_.next());
    top_.req_write_i = random_.percent(60);
    top_.req_bank_i = random_.percent(50);
    top_.req_present_i = random_.percent(80);
    top_.req_row_i = uint16_t(random_.below(32));
    for (unsigned n = 0; n < 12; n++)
        top_.req_data_i[n] = uint32_t(random_.next());
    for (unsigned i = 0; i < Sizes; i++) {
        Size &s = size_[i];
        bool idle = !s.busy && s.reads.empty();
        bool init = random_.below(10000) < mix.init_per_10000 && s.reads.empty();
        s.inits += init;
        set_bit(top_.init_i, i, init);
        set_bit(top_.req_valid_i, i,
                idle && !init && top_.req_row_i < s.rows && random_.percent(mix.host));
    }
}

void Bench::run(const Mix &mix, const char *name)
{
    top_.clk_i = 0;
    top_.rst_ni = 0;
    drive(mix);
    top_.req_valid_i = 0;
    top_.init_i = 0;
    for (unsigned i = 0; i < 3; i++) {
        top_.eval();
        rise(top_);
        now_++;
    }
    top_.rst_ni = 1;
    feedback_ = 1;
    pre_valid_.clear();
    for (Size &s : size_) {
        s.clear();
        s.picks.clear();
        s.reads.clear();
        s.pre.clear();
        s.busy = true;
        s.moves = s.named = s.unnamed = s.inits = 0;
    }
    for (uint64_t clock = 0; clock < mix.clocks; clock++) {
        drive(mix);
        top_.eval();
        for (unsigned i = 0; i < Sizes; i++)
            before(size_[i], i);
        rise(top_);
        top_.eval();
        now_++;
        for (unsigned step = 0; step < 16; step++)
            feedback_ = feedback_ << 1 |
                        ((feedback_ >> 31 ^ feedback_ >> 21 ^ feedback_ >> 1 ^ feedback_) & 1);
        for (unsigned i = 0; i < Sizes; i++)
            after(size_[i], i);
    }
    for (unsigned i = 0; i < Sizes; i++) {
        const Size &s = size_[i];
        if (s.busy && mix.init_per_10000 == 0)
            tap_.fail("size %u is still busy", i);
        printf("# size %u: %llu moves, %llu picks named and %llu not, %llu inits\n", i,
               (unsigned long long)s.moves, (unsigned long long)s.named,
               (unsigned long long)s.unnamed, (unsigned long long)s.inits);
    }
    tap_.done(name);
}

// The random numbers of the runs so far (each twice, one an instance), by their low bits.
void Bench::spread()
{
    std::array<unsigned, 64> load = {};
    unsigned again = 0;
    for (size_t i = 0; i < least_.size(); i += Sizes) {
        load[least_[i] % load.size()]++;
        again += i > 0 && least_[i] == least_[i - Sizes];
    }
    size_t share = least_.size() / Sizes / load.size();
    for (unsigned l : load)
        if (l < share * 3 / 4 || l > share * 5 / 4)
            tap_.fail("a slot is picked %u times, its share is %zu", l, share);
    if (share < 200 || again > 20)
        tap_.fail("%u of %zu numbers came twice", again, least_.size() / Sizes);
    tap_.done("pick least takes every slot alike");
}

} // namespace

int main(int argc, char **argv)
{
    Tap tap;
    Bench bench(tap, start(argc, argv));
    bench.run({50000, 100, 70, 20, 0, 3, PORTCAM_PICK_COUNTER},
              "back-to-back picks of few services get consecutive numbers");
    bench.run({50000, 60, 80, 20, 0, 6, PORTCAM_PICK_COUNTER},
              "counters are right at every distance of two picks");
    bench.run({140000, 100, 100, 0, 0, 1, PORTCAM_PICK_COUNTER}, "a counter wraps at 2^16");
    bench.run({100000, 80, 50, 30, 0, 64, -1},
              "every pick, row and slot, while the host writes and reads rows");
    bench.run({100000, 80, 50, 20, 30, 8, -1}, "init empties the table and clears the counters");
    bench.spread();
    return tap.finish();
}
