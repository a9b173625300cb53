// SPDX-License-Identifier: Apache-2.0
//
// portcam_skid, portcam_fifo, portcam_packet_fifo and portcam_arbiter2 against queues in C++, for a
// sweep of idle and back-pressure. Data, last and drop move in every clock, whether valid or not; a
// source may take its valid back; the reference says for each clock what every handshake output
// must be.

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "Vstreams_tb.h"
#include "tap.hpp"

namespace
{

struct Pace {
    const char *name;
    unsigned push; // percent of clocks that offer a beat
    unsigned pop;  // percent of clocks that take one
    unsigned reset_permille;
};

const Pace paces[] = {
    {"no idle, no stop", 100, 100, 0},   {"no idle, stop 70 %", 100, 30, 0},
    {"idle 70 %, no stop", 30, 100, 0},  {"idle 50 %, stop 50 %", 50, 50, 0},
    {"idle 10 %, stop 10 %", 90, 90, 0}, {"idle 30 %, stop 35 %, resets between", 70, 65, 10},
};

struct Beat {
    uint64_t data;
    bool last;
    uint64_t clock; // when it was pushed, or its frame committed
};

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed) {}

    void reset()
    {
        top_.rst_ni = 0;
        for (int i = 0; i < 3; i++) {
            randomise();
            step();
        }
        top_.rst_ni = 1;
    }

    // All inputs random, valid or not, but for what the packet FIFO asks of its caller.
    void randomise()
    {
        for (unsigned i = 0; i < 6; i++) {
            set_lane(top_.fifo_push_data_i, i, random_.next());
            if (i < 3)
                set_lane(top_.skid_s_data_i, i, random_.next());
            if (i < 5)
                set_lane(top_.packet_push_data_i, i, random_.next());
        }
        top_.skid_s_valid_i = random_.below(8);
        top_.skid_m_ready_i = random_.below(8);
        top_.fifo_push_valid_i = random_.below(64);
        top_.fifo_pop_ready_i = random_.below(64);
        top_.packet_push_valid_i = 0; // its caller owes frames no longer than the buffer
        top_.packet_push_last_i = random_.below(32);
        top_.packet_push_drop_i = random_.below(32);
        top_.packet_pop_ready_i = random_.below(32);
        top_.arbiter_req_i = random_.below(4);
        top_.arbiter_advance_i = random_.below(2);
    }

    void step()
    {
        top_.eval();
        rise(top_);
        clock_++;
    }

    void skid(const Pace &pace, unsigned clocks);
    void fifo(const Pace &pace, unsigned clocks);
    void packet(const Pace &pace, unsigned clocks, unsigned longest, unsigned drops);
    void arbiter(unsigned clocks);

private:
    Tap &tap_;
    Random random_;
    Vstreams_tb top_;
    uint64_t clock_ = 0;
};

void Bench::skid(const Pace &pace, unsigned clocks)
{
    static const unsigned widths[] = {1, 64, 577};
    std::deque<uint64_t> held[3];
    uint64_t passed[3] = {};

    reset();
    for (unsigned c = 0; c < clocks; c++) {
        bool in_reset = random_.below(1000) < pace.reset_permille;
        randomise();
        top_.rst_ni = !in_reset;
        for (unsigned i = 0; i < 3; i++) {
            set_bit(top_.skid_s_valid_i, i, random_.percent(pace.push));
            set_bit(top_.skid_m_ready_i, i, random_.percent(pace.pop));
        }
        top_.eval();
        // No input may reach an output in the same clock.
        uint64_t before = top_.skid_s_ready_o | (top_.skid_m_valid_o << 8);
        auto data_before = top_.skid_m_data_o;
        top_.skid_s_valid_i ^= 7;
        top_.skid_m_ready_i ^= 7;
        top_.eval();
        if (before != uint64_t(top_.skid_s_ready_o | (top_.skid_m_valid_o << 8)) ||
            lane(data_before, 1) != lane(top_.skid_m_data_o, 1))
            tap_.fail("clock %u: an input reaches an output in the same clock", c);
        top_.skid_s_valid_i ^= 7;
        top_.skid_m_ready_i ^= 7;
        top_.eval();
        for (unsigned i = 0; i < 3; i++) {
            auto &queue = held[i];
            if (bit(top_.skid_m_valid_o, i) != !queue.empty())
                tap_.fail("clock %u width %u: valid %d with %zu beats", c, widths[i],
                          bit(top_.skid_m_valid_o, i), queue.size());
            else if (!queue.empty() && lane(top_.skid_m_data_o, i) != queue.front())
                tap_.fail("clock %u width %u: wrong beat", c, widths[i]);
            if (!queue.empty() && bit(top_.skid_torn_o, i))
                tap_.fail("clock %u width %u: torn beat", c, widths[i]);
            if (bit(top_.skid_s_ready_o, i) != (queue.size() < 2))
                tap_.fail("clock %u width %u: ready %d with %zu beats", c, widths[i],
                          bit(top_.skid_s_ready_o, i), queue.size());
            bool push = bit(top_.skid_s_valid_i, i) && queue.size() < 2;
            if (!queue.empty() && bit(top_.skid_m_ready_i, i)) {
                queue.pop_front();
                passed[i]++;
            }
            if (push)
                queue.push_back(lane(top_.skid_s_data_i, i) & low_bits(widths[i]));
            if (in_reset)
                queue.clear();
        }
        step();
    }
    for (unsigned i = 0; i < 3; i++)
        if (pace.push == 100 && pace.pop == 100 && passed[i] != clocks - 1)
            tap_.fail("width %u: %llu beats in %u clocks", widths[i], (unsigned long long)passed[i],
                      clocks);
    tap_.done(std::string("skid keeps order, holds, one clock of latency: ") + pace.name);
}

void Bench::fifo(const Pace &pace, unsigned clocks)
{
    static const unsigned widths[] = {1, 64, 8, 64, 64, 577};
    static const unsigned depths[] = {2, 4, 16, 64, 128, 256};
    std::deque<Beat> held[6];
    uint64_t passed[6] = {};

    reset();
    for (unsigned c = 0; c < clocks; c++) {
        bool in_reset = random_.below(1000) < pace.reset_permille;
        // Long stretches of both directions of the pace, so that deep ones fill and drain.
        bool turn = (c / 700) & 1;
        randomise();
        top_.rst_ni = !in_reset;
        for (unsigned i = 0; i < 6; i++) {
            set_bit(top_.fifo_push_valid_i, i, random_.percent(turn ? pace.pop : pace.push));
            set_bit(top_.fifo_pop_ready_i, i, random_.percent(turn ? pace.push : pace.pop));
        }
        top_.eval();
        for (unsigned i = 0; i < 6; i++) {
            auto &queue = held[i];
            unsigned latency = depths[i] <= 64 ? 2 : 3;
            bool valid = bit(top_.fifo_pop_valid_o, i);
            bool due = !queue.empty() && clock_ - queue.front().clock >= latency;
            if (valid != due)
                tap_.fail("clock %u depth %u: valid %d with %zu words", c, depths[i], valid,
                          queue.size());
            if (valid && !queue.empty() && lane(top_.fifo_pop_data_o, i) != queue.front().data)
                tap_.fail("clock %u depth %u: wrong word", c, depths[i]);
            if (valid && bit(top_.fifo_torn_o, i))
                tap_.fail("clock %u depth %u: torn word", c, depths[i]);
            if (lane(top_.fifo_level_o, i) != queue.size())
                tap_.fail("clock %u depth %u: level %u with %zu words", c, depths[i],
                          unsigned(lane(top_.fifo_level_o, i)), queue.size());
            if (bit(top_.fifo_push_ready_o, i) != (queue.size() < depths[i]))
                tap_.fail("clock %u depth %u: ready %d with %zu words", c, depths[i],
                          bit(top_.fifo_push_ready_o, i), queue.size());
            bool push = bit(top_.fifo_push_valid_i, i) && queue.size() < depths[i];
            if (due && bit(top_.fifo_pop_ready_i, i)) {
                queue.pop_front();
                passed[i]++;
            }
            if (push)
                queue.push_back(
                    {lane(top_.fifo_push_data_i, i) & low_bits(widths[i]), false, clock_});
            if (in_reset)
                queue.clear();
        }
        step();
    }
    // A FIFO of depth 2 cannot be emptied as fast as it is filled: its words need two clocks
    // inside.
    for (unsigned i = 1; i < 6; i++)
        if (pace.push == 100 && pace.pop == 100 && passed[i] < clocks - 3)
            tap_.fail("depth %u: %llu words in %u clocks", depths[i], (unsigned long long)passed[i],
                      clocks);
    tap_.done(std::string("fifo keeps order, exact level, Depth words, latency: ") + pace.name);
}

void Bench::packet(const Pace &pace, unsigned clocks, unsigned longest, unsigned drops)
{
    static const unsigned widths[] = {8, 64, 64, 64, 576};
    static const unsigned depths[] = {2, 4, 16, 128, 64};
    std::deque<Beat> committed[5];
    std::vector<Beat> writing[5];
    unsigned left[5]; // beats that the frame in writing still has
    uint64_t passed[5] = {}, dropped[5] = {}, stopped[5] = {};

    reset();
    for (unsigned i = 0; i < 5; i++)
        left[i] = 1 + random_.below(std::min(longest, depths[i]));
    for (unsigned c = 0; c < clocks; c++) {
        bool in_reset = random_.below(1000) < pace.reset_permille;
        bool turn = (c / 900) & 1;
        randomise();
        top_.rst_ni = !in_reset;
        for (unsigned i = 0; i < 5; i++) {
            bool push = random_.percent(turn ? pace.pop : pace.push);
            set_bit(top_.packet_push_valid_i, i, push);
            set_bit(top_.packet_pop_ready_i, i, random_.percent(turn ? pace.push : pace.pop));
            if (push) {
                set_bit(top_.packet_push_last_i, i, left[i] == 1);
                if (left[i] == 1)
                    set_bit(top_.packet_push_drop_i, i, random_.percent(drops));
            }
        }
        top_.eval();
        for (unsigned i = 0; i < 5; i++) {
            auto &queue = committed[i];
            unsigned latency = depths[i] <= 64 ? 2 : 3;
            bool valid = bit(top_.packet_pop_valid_o, i);
            bool due = !queue.empty() && clock_ - queue.front().clock >= latency;
            bool ready = bit(top_.packet_push_ready_o, i);
            size_t all = queue.size() + writing[i].size();
            if (valid != due)
                tap_.fail("clock %u depth %u: valid %d with %zu committed beats", c, depths[i],
                          valid, queue.size());
            if (valid && !queue.empty() &&
                (lane(top_.packet_pop_data_o, i) != queue.front().data ||
                 bit(top_.packet_pop_last_o, i) != queue.front().last))
                tap_.fail("clock %u depth %u: wrong beat", c, depths[i]);
            if (valid && bit(top_.packet_torn_o, i))
                tap_.fail("clock %u depth %u: torn beat", c, depths[i]);
            if ((all < depths[i] && !ready) || (all > depths[i] + 1 && ready))
                tap_.fail("clock %u depth %u: ready %d with %zu beats", c, depths[i], ready, all);
            bool push = bit(top_.packet_push_valid_i, i) && ready;
            stopped[i] += !ready;
            if (due && bit(top_.packet_pop_ready_i, i)) {
                queue.pop_front();
                passed[i]++;
            }
            if (push) {
                writing[i].push_back(
                    {lane(top_.packet_push_data_i, i) & low_bits(widths[i]), left[i] == 1, 0});
                if (--left[i] == 0) {
                    if (bit(top_.packet_push_drop_i, i))
                        dropped[i] += writing[i].size();
                    else
                        for (Beat beat : writing[i]) {
                            beat.clock = clock_;
                            queue.push_back(beat);
                        }
                    writing[i].clear();
                    left[i] = 1 + random_.below(std::min(longest, depths[i]));
                }
            }
            if (in_reset) {
                queue.clear();
                writing[i].clear();
                left[i] = 1 + random_.below(std::min(longest, depths[i]));
            }
        }
        step();
    }
    for (unsigned i = 0; i < 5; i++) {
        if (pace.push == 100 && pace.pop == 100 && longest == 1 && depths[i] >= 4 &&
            (stopped[i] || passed[i] + dropped[i] < clocks - 3))
            tap_.fail("depth %u: %llu one-beat frames in %u clocks", depths[i],
                      (unsigned long long)(passed[i] + dropped[i]), clocks);
        if (drops && !dropped[i])
            tap_.fail("depth %u: nothing was dropped", depths[i]);
        if (drops < 100 && !passed[i])
            tap_.fail("depth %u: nothing passed", depths[i]);
    }
    char name[200];
    snprintf(name, sizeof name,
             "packet fifo passes whole committed frames only, frames of 1 to %u beats, "
             "drop on the last beat %u %%: %s",
             longest, drops, pace.name);
    tap_.done(name);
}

void Bench::arbiter(unsigned clocks)
{
    unsigned turn = 0;
    unsigned waited[2] = {};

    reset();
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        top_.eval();
        unsigned req = top_.arbiter_req_i;
        unsigned expected = req == 3 ? 1u << turn : req;
        if (top_.arbiter_grant_o != expected)
            tap_.fail("clock %u: request %u grant %u, not %u", c, req, top_.arbiter_grant_o,
                      expected);
        if (top_.arbiter_advance_i && expected) {
            turn = expected == 1;
            for (unsigned side = 0; side < 2; side++) {
                waited[side] = bit(req & ~expected, side) ? waited[side] + 1 : 0;
                if (waited[side] > 1)
                    tap_.fail("clock %u: side %u waits for a second grant", c, side);
            }
        }
        step();
    }
    tap_.done("arbiter2 grants one that asks, round robin, nobody waits twice");
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    auto bench = std::make_unique<Bench>(tap, seed);

    for (const Pace &pace : paces)
        bench->skid(pace, 5000);
    for (const Pace &pace : paces)
        bench->fifo(pace, 8000);
    for (const Pace &pace : paces) {
        bench->packet(pace, 6000, 1, 0);
        bench->packet(pace, 6000, 1, 30);
        bench->packet(pace, 6000, 4, 30);
        bench->packet(pace, 12000, 128, 20);
        bench->packet(pace, 3000, 8, 100);
    }
    bench->arbiter(20000);
    return tap.finish();
}
