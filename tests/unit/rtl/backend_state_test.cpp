// SPDX-License-Identifier: Apache-2.0
//
// portcam_backend_state against counters in plain arrays. Both kinds of event and reads in every
// clock, of six backends and of numbers beyond them, while init runs; every input moves in every
// clock, whether valid or not. A read has to show every event up to its clock, and none later.

#include <cstring>
#include <deque>

#include "Vportcam_backend_state.h"
#include "portcam_defs.h"
#include "tap.hpp"

namespace
{

constexpr unsigned Backends = 6, Latency = 8;

struct Read {
    uint64_t due;
    unsigned row;
    bool known;
    portcam_backend_state state;
};

// How a run mixes things, in percent.
struct Mix {
    uint64_t clocks;
    unsigned events, leaves, reads, init_per_10000, backends;
};

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed) {}
    void run(const Mix &mix, const char *name);

private:
    unsigned number(const Mix &mix)
    {
        if (random_.percent(3))
            return random_.percent(50) ? PORTCAM_BACKEND_NONE : unsigned(random_.next() & 0xffff);
        return unsigned(random_.below(mix.backends));
    }
    void drive(const Mix &mix);
    void count();
    void check();

    Tap &tap_;
    Random random_;
    Vportcam_backend_state top_;
    uint64_t now_ = 0;
    bool busy_ = true;
    portcam_backend_state state_[Backends] = {};
    std::deque<Read> reads_;
    uint64_t events_ = 0, known_ = 0, inits_ = 0;
};

void Bench::drive(const Mix &mix)
{
    top_.ev_valid_i = random_.percent(mix.events);
    top_.ev_backend_i = uint16_t(number(mix));
    top_.ev_new_i = random_.percent(50);
    top_.ev_active_i = random_.percent(50);
    top_.ev_syn_repeat_i = random_.percent(50);
    top_.ev_syn_reset_i = random_.percent(50);
    top_.ev_syn_ack_i = random_.percent(50);
    // Mostly not longer than the longest so far, now and then of any size.
    top_.ev_syn_ack_ms_i =
        uint32_t(random_.next() >> (random_.percent(20) ? 32 : 33 + random_.below(31)));
    top_.lv_valid_i = random_.percent(mix.leaves);
    top_.lv_backend_i = uint16_t(number(mix));
    top_.lv_record_i = random_.percent(50);
    top_.lv_active_i = random_.percent(50);
    top_.rd_valid_i = random_.percent(mix.reads);
    top_.rd_row_i = uint16_t(number(mix));
    top_.init_i = random_.below(10000) < mix.init_per_10000;
    inits_ += top_.init_i;
}

// The inputs of a clock: events first, then the read, which has to show them.
void Bench::count()
{
    if (top_.ev_valid_i && !busy_ && top_.ev_backend_i < Backends) {
        portcam_backend_state &s = state_[top_.ev_backend_i];
        events_++;
        s.new_connections += top_.ev_new_i;
        s.records += top_.ev_new_i;
        s.active += top_.ev_active_i;
        s.syn_repeats += top_.ev_syn_repeat_i;
        s.syn_resets += top_.ev_syn_reset_i;
        if (top_.ev_syn_ack_i) {
            s.syn_ack_count++;
            s.syn_ack_ms += top_.ev_syn_ack_ms_i;
            if (top_.ev_syn_ack_ms_i > s.syn_ack_ms_max)
                s.syn_ack_ms_max = top_.ev_syn_ack_ms_i;
        }
    }
    if (top_.lv_valid_i && !busy_ && top_.lv_backend_i < Backends) {
        state_[top_.lv_backend_i].records -= top_.lv_record_i;
        state_[top_.lv_backend_i].active -= top_.lv_active_i;
    }
    if (top_.rd_valid_i) {
        Read r = {};
        r.due = now_ + Latency;
        r.row = top_.rd_row_i;
        r.known = !busy_;
        if (r.row < Backends)
            r.state = state_[r.row];
        reads_.push_back(r);
    }
    // The memory is cleared while a read of these clocks is on its way.
    if (top_.init_i)
        for (Read &r : reads_)
            r.known = false;
}

void Bench::check()
{
    bool due = !reads_.empty() && reads_.front().due == now_;
    if (bool(top_.rd_done_o) != due)
        tap_.fail("done is %d in clock %llu", !due, (unsigned long long)now_);
    if (due) {
        const Read &r = reads_.front();
        portcam_backend_state got;
        static_assert(sizeof got == 64, "a row of backend_read has 64 bytes");
        memcpy(&got, &top_.rd_data_o[0], sizeof got);
        known_ += r.known;
        if (r.known && memcmp(&got, &r.state, sizeof got) != 0)
            tap_.fail(
                "backend %u: new %llu records %u active %u repeats %llu resets %llu acks %llu "
                "ms %llu max %u, not %llu %u %u %llu %llu %llu %llu %u",
                r.row, (unsigned long long)got.new_connections, got.records, got.active,
                (unsigned long long)got.syn_repeats, (unsigned long long)got.syn_resets,
                (unsigned long long)got.syn_ack_count, (unsigned long long)got.syn_ack_ms,
                got.syn_ack_ms_max, (unsigned long long)r.state.new_connections, r.state.records,
                r.state.active, (unsigned long long)r.state.syn_repeats,
                (unsigned long long)r.state.syn_resets, (unsigned long long)r.state.syn_ack_count,
                (unsigned long long)r.state.syn_ack_ms, r.state.syn_ack_ms_max);
        reads_.pop_front();
    }
    bool busy = top_.busy_o;
    if (busy_ && !busy)
        memset(state_, 0, sizeof state_);
    busy_ = busy;
}

void Bench::run(const Mix &mix, const char *name)
{
    memset(state_, 0, sizeof state_);
    reads_.clear();
    busy_ = true;
    events_ = known_ = inits_ = 0;
    top_.clk_i = 0;
    top_.rst_ni = 0;
    for (unsigned i = 0; i < 3; i++) {
        drive(mix);
        top_.init_i = 0;
        top_.eval();
        rise(top_);
        now_++;
    }
    top_.rst_ni = 1;
    for (uint64_t clock = 0; clock < mix.clocks; clock++) {
        drive(mix);
        top_.eval();
        count();
        rise(top_);
        top_.eval();
        now_++;
        check();
    }
    printf("# %llu events, %llu reads, %llu inits\n", (unsigned long long)events_,
           (unsigned long long)known_, (unsigned long long)inits_);
    if (known_ < 1000 || (mix.init_per_10000 && inits_ < 10))
        tap_.fail("too little of it happened");
    tap_.done(name);
}

} // namespace

int main(int argc, char **argv)
{
    Tap tap;
    Bench bench(tap, start(argc, argv));
    bench.run({200000, 100, 100, 100, 0, 1}, "events and reads of one backend in every clock");
    bench.run({200000, 100, 100, 100, 0, 2}, "events and reads of two backends in every clock");
    bench.run({200000, 50, 50, 50, 0, 6}, "events at every distance");
    bench.run({200000, 30, 100, 20, 0, 6},
              "more leave than came: records and active go round at 2^32");
    bench.run({200000, 80, 80, 80, 50, 6}, "init clears all backends and no later event is lost");
    return tap.finish();
}
