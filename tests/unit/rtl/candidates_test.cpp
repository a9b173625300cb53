// SPDX-License-Identifier: Apache-2.0
//
// portcam_candidates against a reference that keeps rows and counts in plain arrays. Candidates,
// hits and both kinds of count in every clock, of eight backends and of numbers beyond them, while
// rows are written, emptied and read and while init runs; every input moves in every clock, whether
// valid or not.

#include <deque>

#include "Vportcam_candidates.h"
#include "portcam_defs.h"
#include "tap.hpp"

namespace
{

constexpr unsigned Backends = 8, Latency = 5, HitLatency = 2, HostLatency = 2, CountAge = 5;

struct Row {
    bool present = false, is_v6 = false;
    unsigned weight = 0, endpoint = 0;

    bool accepts() const { return present && weight != 0; }
};

struct Answer {
    uint64_t due;
    bool known, usable[2], swap;
    unsigned endpoint[2], accepts[2];
};

struct Hit {
    uint64_t due;
    bool known;
    unsigned accepts;
};

struct Read {
    uint64_t due;
    bool check;
    Row row;
};

struct Event {
    uint64_t at;
    int backend, change;
};

// How a run mixes things, in percent; `weight` is the largest one.
struct Mix {
    uint64_t clocks;
    unsigned packets, counts, leaves, host, init_per_10000, weight, backends;
    bool balanced; // a begin in each clock, and its leave in the next
};

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed) {}
    void run(const Mix &mix, const char *name);

private:
    unsigned number(const Mix &mix)
    {
        if (random_.percent(5))
            return random_.percent(50) ? PORTCAM_BACKEND_NONE : unsigned(random_.next() & 0xffff);
        return unsigned(random_.below(mix.backends));
    }
    Row row(bool bank, unsigned backend) const
    {
        return backend < Backends ? table_[bank][backend] : Row();
    }
    unsigned accepts(unsigned backend) const
    {
        return row(0, backend).accepts() | row(1, backend).accepts() << 1;
    }
    uint64_t active(unsigned backend) const
    {
        return backend < Backends && active_[backend] > 0 ? uint64_t(active_[backend]) : 0;
    }
    void drive(const Mix &mix);
    void ask();
    void check();
    void clear();

    Tap &tap_;
    Random random_;
    Vportcam_candidates top_;
    uint64_t now_ = 0;
    bool busy_ = true;
    Row table_[2][Backends];
    int64_t active_[Backends] = {}; // as candidates are compared
    std::deque<Event> events_;
    std::deque<Answer> answers_;
    std::deque<Hit> hits_;
    std::deque<Read> reads_;
    uint64_t usable_ = 0, swaps_ = 0, accepting_ = 0, inits_ = 0;
};

void Bench::clear()
{
    for (auto &bank : table_)
        for (Row &row : bank)
            row = Row();
    for (int64_t &count : active_)
        count = 0;
    events_.clear();
}

void Bench::drive(const Mix &mix)
{
    unsigned before = top_.begin_backend_i;
    bool began = top_.begin_valid_i;
    top_.valid_i = random_.percent(mix.packets);
    top_.bank_i = random_.percent(50);
    top_.is_v6_i = random_.percent(20);
    top_.least_i = random_.percent(80);
    top_.first_i = uint16_t(number(mix));
    top_.second_i = uint16_t(number(mix));
    top_.hit_valid_i = random_.percent(mix.packets);
    top_.hit_backend_i = uint16_t(number(mix));
    top_.begin_valid_i = random_.percent(mix.counts);
    top_.begin_backend_i = uint16_t(number(mix));
    top_.leave_valid_i = mix.balanced ? began : random_.percent(mix.leaves);
    top_.leave_backend_i = uint16_t(mix.balanced ? before : number(mix));
    bool init = random_.below(10000) < mix.init_per_10000 && reads_.empty();
    inits_ += init;
    top_.init_i = init;
    top_.req_valid_i = !busy_ && !init && reads_.empty() && random_.percent(mix.host);
    top_.req_write_i = random_.percent(70);
    top_.req_bank_i = random_.percent(50);
    top_.req_row_i = uint16_t(random_.below(Backends));
    top_.req_present_i = random_.percent(85);
    for (unsigned n = 0; n < 12; n++)
        top_.req_data_i[n] = uint32_t(random_.next());
    // Bytes 16 family, 28 and 29 weight, 30 and 31 endpoint.
    top_.req_data_i[4] =
        (top_.req_data_i[4] & ~0xffu) | (random_.percent(20) ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4);
    unsigned weight = random_.percent(20) ? 0 : unsigned(1 + random_.below(mix.weight));
    top_.req_data_i[7] = (top_.req_data_i[7] & ~0xffffu) | weight;
}

void Bench::ask()
{
    while (!events_.empty() && events_.front().at + CountAge <= now_) {
        active_[events_.front().backend] += events_.front().change;
        events_.pop_front();
    }
    if (top_.valid_i) {
        Answer a = {};
        a.due = now_ + Latency;
        a.known = !busy_;
        unsigned candidate[2] = {top_.first_i, top_.second_i};
        Row of[2];
        for (unsigned c = 0; c < 2; c++) {
            of[c] = row(top_.bank_i, candidate[c]);
            a.usable[c] = of[c].accepts() && of[c].is_v6 == bool(top_.is_v6_i);
            a.endpoint[c] = of[c].endpoint;
            a.accepts[c] = accepts(candidate[c]);
        }
        a.swap = top_.least_i && a.usable[0] && a.usable[1] &&
                 active(candidate[1]) * of[0].weight < active(candidate[0]) * of[1].weight;
        usable_ += a.known && a.usable[0];
        swaps_ += a.known && a.swap;
        answers_.push_back(a);
    }
    if (top_.hit_valid_i) {
        hits_.push_back({now_ + HitLatency, !busy_, accepts(top_.hit_backend_i)});
        accepting_ += !busy_ && hits_.back().accepts == 3;
    }
    if (!busy_) {
        if (top_.begin_valid_i && top_.begin_backend_i < Backends)
            events_.push_back({now_, top_.begin_backend_i, 1});
        if (top_.leave_valid_i && top_.leave_backend_i < Backends)
            events_.push_back({now_, top_.leave_backend_i, -1});
    }
    if (top_.req_valid_i) {
        Row &old = table_[top_.req_bank_i][top_.req_row_i];
        reads_.push_back({now_ + HostLatency, !top_.req_write_i, old});
        if (top_.req_write_i) {
            old = Row();
            if (top_.req_present_i) {
                old.present = true;
                old.is_v6 = (top_.req_data_i[4] & 0xff) == PORTCAM_FAMILY_6;
                old.weight = top_.req_data_i[7] & 0xffff;
                old.endpoint = top_.req_data_i[7] >> 16;
            }
        }
    }
}

void Bench::check()
{
    if (!answers_.empty() && answers_.front().due == now_) {
        const Answer &a = answers_.front();
        bool usable[2] = {bool(top_.first_usable_o), bool(top_.second_usable_o)};
        unsigned endpoint[2] = {top_.first_endpoint_o, top_.second_endpoint_o};
        unsigned accepts[2] = {top_.first_accepts_o, top_.second_accepts_o};
        for (unsigned c = 0; c < 2 && a.known; c++) {
            if (usable[c] != a.usable[c] || accepts[c] != a.accepts[c])
                tap_.fail("candidate %u: usable %d, accepts %u, not %d and %u", c, usable[c],
                          accepts[c], a.usable[c], a.accepts[c]);
            if (a.usable[c] && endpoint[c] != a.endpoint[c])
                tap_.fail("candidate %u: endpoint %u, not %u", c, endpoint[c], a.endpoint[c]);
        }
        if (a.known && bool(top_.swap_o) != a.swap)
            tap_.fail("swap is %d in clock %llu", !a.swap, (unsigned long long)now_);
        answers_.pop_front();
    }
    if (!hits_.empty() && hits_.front().due == now_) {
        if (hits_.front().known && top_.hit_accepts_o != hits_.front().accepts)
            tap_.fail("hit accepts %u, not %u", top_.hit_accepts_o, hits_.front().accepts);
        hits_.pop_front();
    }
    bool due = !reads_.empty() && reads_.front().due == now_;
    if (bool(top_.done_o) != due)
        tap_.fail("done is %d in clock %llu", !due, (unsigned long long)now_);
    if (due) {
        const Row &row = reads_.front().row;
        uint32_t family = row.is_v6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4;
        bool same = bool(top_.present_o) == row.present;
        for (unsigned n = 0; n < 12; n++) {
            uint32_t wanted = n == 4 ? family : n == 7 ? row.weight | row.endpoint << 16 : 0;
            same = same && top_.data_o[n] == (row.present ? wanted : 0);
        }
        if (reads_.front().check && !same)
            tap_.fail("a row is read otherwise than written");
        reads_.pop_front();
    }
    bool busy = top_.busy_o;
    if (busy_ && !busy)
        clear();
    busy_ = busy;
}

void Bench::run(const Mix &mix, const char *name)
{
    clear();
    answers_.clear();
    hits_.clear();
    reads_.clear();
    busy_ = true;
    usable_ = swaps_ = accepting_ = inits_ = 0;
    top_.clk_i = 0;
    top_.rst_ni = 0;
    drive(mix);
    top_.init_i = 0;
    for (unsigned i = 0; i < 3; i++) {
        top_.eval();
        rise(top_);
        now_++;
    }
    top_.rst_ni = 1;
    for (uint64_t clock = 0; clock < mix.clocks; clock++) {
        drive(mix);
        top_.eval();
        ask();
        rise(top_);
        top_.eval();
        now_++;
        check();
    }
    printf("# %llu usable, %llu swapped, %llu hits accept in both banks, %llu inits\n",
           (unsigned long long)usable_, (unsigned long long)swaps_, (unsigned long long)accepting_,
           (unsigned long long)inits_);
    if (usable_ < 1000 || swaps_ < 100 || accepting_ < 100)
        tap_.fail("too little of it happened");
    tap_.done(name);
}

} // namespace

int main(int argc, char **argv)
{
    Tap tap;
    Bench bench(tap, start(argc, argv));
    bench.run({100000, 100, 20, 18, 2, 0, 3, 10, false},
              "usable, endpoint and accepts follow the rows of each bank");
    bench.run({200000, 100, 100, 90, 1, 0, 3, 3, false},
              "back-to-back counts of few backends; the less loaded candidate comes first");
    bench.run({200000, 80, 40, 40, 3, 0, 65535, 8, false},
              "weights of every size, and fewer than none active");
    bench.run({800000, 20, 100, 0, 1, 0, 65535, 2, false}, "counts up to 2^18 and more");
    bench.run({200000, 80, 60, 54, 20, 30, 4, 8, false},
              "init empties the rows and clears the counts");
    bench.run({2500000, 20, 100, 0, 1, 0, 2, 2, true},
              "counts wrap at 2^20 and the difference stays");
    return tap.finish();
}
