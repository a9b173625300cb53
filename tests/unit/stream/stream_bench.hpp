// SPDX-License-Identifier: Apache-2.0
//
// The bench around stream_tb: sends frames into both sides, checks the headers, answers each with
// its rewrite instruction some clocks later, and checks that every frame leaves whole, rewritten as
// the instruction says, in the order of its input and output, with the right tdest and tuser. A
// rejected frame must not leave, but its answer.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "Vstream_tb.h"
#include "tap.hpp"

constexpr unsigned MaxFrame = 9600;
constexpr unsigned Credits = 128;

struct Instruction {
    bool drop = false;
    unsigned egress = 0;
    bool set_dst_mac = false, set_src_mac = false, set_dst_ip = false, set_src_ip = false,
         is_v6 = false;
    uint64_t dst_mac = 0, src_mac = 0; // first byte lowest, as on the bus
    uint8_t ip[16] = {};
    unsigned l3 = 14;
    bool set_ip_sum = false, set_port = false, set_l4_sum = false;
    unsigned ip_sum = 0, port = 0, l4 = 34, l4_sum = 0,
             l4_sum_at = 50; // sums as on the wire, first byte lowest
    bool about_flow = false; // an ICMP error; ip_sum, port and l4_sum are of the embedded packet
    unsigned outer_ip_sum = 0, icmp_sum = 0, icmp_at = 34;
    bool reject = false, reject_tcp = false, reject_ack = false; // with drop
    uint32_t reject_number = 0;
    unsigned reject_src_port = 0, reject_dst_port = 0, reject_ip_end = 0;
    std::vector<uint8_t> answer; // what must leave
};

// What an instruction means, byte by byte.
inline void apply(const Instruction &rw, std::vector<uint8_t> &f)
{
    auto put = [&](unsigned at, unsigned value) {
        if (at < f.size())
            f[at] = uint8_t(value);
    };
    for (unsigned i = 0; i < 6; i++) {
        if (rw.set_dst_mac)
            put(i, unsigned(rw.dst_mac >> 8 * i) & 255);
        if (rw.set_src_mac)
            put(6 + i, unsigned(rw.src_mac >> 8 * i) & 255);
    }
    auto put_sum = [&](unsigned at, unsigned sum) { put(at, sum & 255), put(at + 1, sum >> 8); };
    unsigned ip_at = rw.l3 + (rw.is_v6 ? (rw.set_dst_ip ? 24 : 8) : (rw.set_dst_ip ? 16 : 12));
    if (rw.set_dst_ip || rw.set_src_ip)
        for (unsigned i = 0; i < (rw.is_v6 ? 16u : 4u); i++)
            put(ip_at + i, rw.ip[i]);
    if (rw.set_ip_sum)
        put_sum(rw.l3 + 10, rw.about_flow ? rw.outer_ip_sum : rw.ip_sum);
    unsigned port_at = rw.l4 + (rw.set_dst_ip ? 2 : 0);
    if (rw.about_flow) { // the embedded packet went the other way
        unsigned embedded = rw.icmp_at + 8;
        port_at = rw.l4 + (rw.set_dst_ip ? 0 : 2);
        ip_at = embedded + (rw.is_v6 ? (rw.set_dst_ip ? 8 : 24) : (rw.set_dst_ip ? 12 : 16));
        for (unsigned i = 0; i < (rw.is_v6 ? 16u : 4u); i++)
            put(ip_at + i, rw.ip[i]);
        if (!rw.is_v6)
            put_sum(embedded + 10, rw.ip_sum);
        put_sum(rw.icmp_at + 2, rw.icmp_sum);
    }
    if (rw.set_port)
        put(port_at, rw.port >> 8), put(port_at + 1, rw.port & 255);
    if (rw.set_l4_sum)
        put_sum(rw.l4_sum_at, rw.l4_sum);
}

struct Frame {
    unsigned len;
    uint64_t seed; // its bytes
    unsigned user;
    Instruction rw;
    std::vector<uint8_t> head; // its first bytes, if they matter

    uint64_t word(unsigned index) const
    {
        uint64_t value = random_word(index);
        for (unsigned i = 0; i < 8 && 8 * index + i < head.size(); i++)
            value = (value & ~(0xffull << 8 * i)) | uint64_t(head[8 * index + i]) << 8 * i;
        return value;
    }
    uint64_t random_word(unsigned index) const
    {
        uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 31)) * 0xBF58476D1CE4E5B9u;
        return z ^ (z >> 29);
    }
    std::vector<uint8_t> bytes(unsigned count) const
    {
        std::vector<uint8_t> b(count < len ? count : len);
        for (unsigned i = 0; i < b.size(); i++)
            b[i] = uint8_t(word(i / 8) >> 8 * (i % 8));
        return b;
    }
    bool oversize() const { return len > MaxFrame; }
    unsigned beats() const { return (len + 63) / 64; }
    uint64_t keep(unsigned beat) const
    {
        unsigned left = len - 64 * beat;
        return left >= 64 ? ~0ull : (1ull << left) - 1;
    }
};

class Bench
{
public:
    explicit Bench(Random &random) : random_(random)
    {
        top_.rst_ni = 0;
        top_.in_valid_i = 0;
        top_.rewrite_valid_i = 0;
        top_.small_in_valid_i = 0;
        for (int i = 0; i < 4; i++)
            step();
        top_.rst_ni = 1;
    }

    Tap tap;
    unsigned idle[2] = {};     // chance of an idle clock before a beat of a side, percent
    unsigned stall[2] = {};    // chance that an output does not take a beat, percent
    unsigned header_stall = 0; // chance that a header waits, percent
    unsigned delay = 20;       // clocks from a header to its instruction, at least
    unsigned jitter = 0;       // and at most this many more
    uint64_t now = 0;
    uint64_t in_stalls[2] = {}; // clocks in which an input waited
    uint64_t out_beats[2] = {}; // beats that left
    uint64_t first_out[2] = {}, last_out[2] = {};
    uint64_t last_in[2] = {}, header_at[2] = {}, rewrite_at[2] = {};
    std::vector<unsigned> order[2]; // for each output, tuser of the frames that left it
    uint64_t waiting() const { return waiting_; }

    void send(unsigned side, const Frame &frame)
    {
        input_[side].push_back(frame);
        waiting_++;
    }

    Frame random_frame(unsigned len)
    {
        Frame f;
        f.len = len;
        f.seed = random_.next();
        f.user = unsigned(random_.below(256));
        f.rw.egress = random_.percent(50) ? 0 : 1 + unsigned(random_.below(254)); // 255: punt
        return f;
    }

    void run(unsigned clocks)
    {
        for (unsigned i = 0; i < clocks; i++)
            step();
    }

    // Runs until every frame has left; a frame that never does is a failure.
    void drain()
    {
        uint64_t moved = now;
        uint64_t before = waiting_;
        while (waiting_ > 0) {
            step();
            if (waiting_ != before) {
                before = waiting_;
                moved = now;
            }
            if (now - moved > 20000) {
                tap.fail("%llu frames never left", (unsigned long long)waiting_);
                return;
            }
        }
        run(8);
    }

    void done(const std::string &name)
    {
        drain();
        tap.done(name);
        for (unsigned s = 0; s < 2; s++) {
            in_stalls[s] = out_beats[s] = 0;
            order[s].clear();
            idle[s] = stall[s] = 0;
        }
        header_stall = jitter = 0;
        delay = 20;
    }

    Vstream_tb &top() { return top_; }
    void step();

private:
    struct Pending {
        Frame frame;
        uint64_t due;
    };

    template <typename Bits>
    static void put_bit(Bits &port, unsigned side, bool value)
    {
        set_bit(port, side, value);
    }
    static void put8(uint16_t &port, unsigned side, unsigned value)
    {
        port = uint16_t((port & ~(0xff << 8 * side)) | (value & 0xff) << 8 * side);
    }
    static void put16(uint32_t &port, unsigned side, unsigned value)
    {
        port = (port & ~(0xffffu << 16 * side)) | (value & 0xffffu) << 16 * side;
    }

    void drive_input(unsigned side);
    void drive_instruction(unsigned side);
    void check_header(unsigned side);
    void check_output(unsigned output);
    void check_answer(unsigned output);
    void end_of_frame(unsigned output);

    Random &random_;
    Vstream_tb top_;
    uint64_t waiting_ = 0; // frames that have neither left nor been dropped
    std::deque<Frame> input_[2];
    unsigned in_beat_[2] = {};
    std::deque<Frame> arriving_[2];    // header not seen yet
    std::deque<Pending> pending_[2];   // instruction not given yet
    std::deque<Frame> in_rewriter_[2]; // the last beat has not gone into the rewriter
    unsigned credits_[2] = {Credits, Credits};
    std::deque<Frame> leaving_[2][2];    // by side and output
    std::deque<Instruction> answers_[2]; // by side
    unsigned out_beat_[2] = {};
    unsigned out_user_[2] = {};
    std::vector<uint8_t> out_head_[2]; // first 128 bytes that the frame at the output must have
};
