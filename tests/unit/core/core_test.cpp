// SPDX-License-Identifier: Apache-2.0
//
// portcam_core with empty tables: frames of both directions pass bit for bit to their default
// egress, in order, at one a clock, under back-pressure, and through function-level resets. The
// first argument is the seed.

#include <cstring>
#include <deque>
#include <vector>

#include "Vportcam_core.h"
#include "tap.hpp"

namespace
{

constexpr unsigned kMaxFrame = 9600, kMaxLatency = 80;

struct Frame {
    std::vector<uint8_t> bytes;
    unsigned function = 0; // it comes from, or goes to
    bool from_host = false;
    uint64_t clock = 0; // of its last beat in, or its first beat out
};

class Core
{
public:
    explicit Core(Tap &tap, uint64_t seed) : tap_(tap), random_(seed)
    {
        top.flr_i = 0;
        top.s_axis_net_tvalid = top.s_axis_host_tvalid = 0;
        top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_arvalid = 0;
        top.s_axil_bready = top.s_axil_rready = 1;
        top.m_axi_arready = top.m_axi_rvalid = top.m_axi_awready = top.m_axi_wready =
            top.m_axi_bvalid = 0;
        top.irq_ready_i = 1;
        top.m_axis_net_tready = top.m_axis_host_tready = 1;
        top.rst_ni = 0;
        for (int i = 0; i < 4; i++) {
            top.eval();
            rise(top);
        }
        top.eval();
        top.rst_ni = 1;
    }

    Vportcam_core top;
    unsigned idle = 0, stall = 0; // percent of clocks
    unsigned admitted = 0, cleared = 0;

    std::vector<Frame> net_out, host_out;

    void send(const Frame &f) { (f.from_host ? host_in_ : net_in_).push_back(f); }

    // Until nothing comes any more.
    uint64_t run()
    {
        uint64_t quiet = 0, first = clock_, last = clock_;
        while (quiet < 400 || !net_in_.empty() || !host_in_.empty()) {
            size_t before = net_out.size() + host_out.size();
            step();
            bool moved = net_out.size() + host_out.size() != before || busy_;
            quiet = moved ? 0 : quiet + 1;
            if (moved)
                last = clock_;
            if (clock_ - first > 200000) {
                tap_.fail("stuck");
                break;
            }
        }
        return last - first;
    }

    void settle()
    {
        for (int i = 0; i < 20000; i++)
            step();
    }

    void flr()
    {
        top.flr_i = 1;
        step();
        top.flr_i = 0;
    }

    void step()
    {
        drive(net_in_, net_beat_, net_valid_, top.s_axis_net_tvalid, top.s_axis_net_tlast,
              top.s_axis_net_tkeep, top.s_axis_net_tdata);
        drive(host_in_, host_beat_, host_valid_, top.s_axis_host_tvalid, top.s_axis_host_tlast,
              top.s_axis_host_tkeep, top.s_axis_host_tdata);
        top.s_axis_host_tuser =
            uint8_t(host_in_.empty() || host_beat_ ? random_.next() : host_in_[0].function);
        top.m_axis_net_tready = !random_.percent(stall);
        top.m_axis_host_tready = !random_.percent(stall);
        top.eval();
        busy_ = top.s_axis_net_tvalid || top.s_axis_host_tvalid || top.m_axis_net_tvalid ||
                top.m_axis_host_tvalid;
        accept(net_in_, net_beat_, net_valid_, top.s_axis_net_tready);
        accept(host_in_, host_beat_, host_valid_, top.s_axis_host_tready);
        if (top.m_axis_net_tvalid && top.m_axis_net_tready)
            collect(net_out, net_open_, top.m_axis_net_tdata, top.m_axis_net_tkeep,
                    top.m_axis_net_tlast, 0, top.m_axis_net_tuser);
        if (top.m_axis_host_tvalid && top.m_axis_host_tready)
            collect(host_out, host_open_, top.m_axis_host_tdata, top.m_axis_host_tkeep,
                    top.m_axis_host_tlast, top.m_axis_host_tdest, top.m_axis_host_tuser);
        admitted += top.trace_packet_valid_o;
        cleared += top.trace_clear_o;
        rise(top);
        top.eval();
        clock_++;
    }

    std::deque<uint64_t> net_last, host_last; // clocks of the last beats in

private:
    Tap &tap_;
    Random random_;
    uint64_t clock_ = 0;
    bool busy_ = false;
    std::deque<Frame> net_in_, host_in_;
    size_t net_beat_ = 0, host_beat_ = 0;
    bool net_valid_ = false, host_valid_ = false;
    bool net_open_ = false, host_open_ = false;

    template <typename Data>
    void drive(std::deque<Frame> &in, size_t beat, bool &held, CData &valid, CData &last,
               QData &keep, Data &data)
    {
        held = !in.empty() && (held || !random_.percent(idle));
        valid = held;
        if (!held) {
            keep = random_.next();
            last = CData(random_.next() & 1);
            return;
        }
        const std::vector<uint8_t> &bytes = in[0].bytes;
        size_t left = bytes.size() - 64 * beat, now = left < 64 ? left : 64;
        uint8_t lanes[64];
        for (unsigned i = 0; i < 64; i++)
            lanes[i] = uint8_t(i * 37 + left * 11 + 1); // not 0 behind the frame's end
        memcpy(lanes, bytes.data() + 64 * beat, now);
        memcpy(&data, lanes, 64);
        keep = now == 64 ? ~0ull : (1ull << now) - 1;
        last = left <= 64;
    }

    void accept(std::deque<Frame> &in, size_t &beat, bool &held, bool ready)
    {
        if (!held || !ready)
            return;
        held = false;
        if (64 * ++beat >= in[0].bytes.size()) {
            (in[0].from_host ? host_last : net_last).push_back(clock_);
            in.pop_front();
            beat = 0;
        }
    }

    template <typename Data>
    void collect(std::vector<Frame> &out, bool &open, Data &data, uint64_t keep, bool last,
                 unsigned function, bool from_host)
    {
        if (!open)
            out.push_back(Frame{{}, function, from_host, clock_});
        Frame &f = out.back();
        if (f.function != function || f.from_host != from_host)
            tap_.fail("a frame changes its function or its side");
        uint8_t lanes[64];
        memcpy(lanes, &data, 64);
        unsigned bytes = unsigned(__builtin_popcountll(keep));
        f.bytes.insert(f.bytes.end(), lanes, lanes + bytes);
        open = !last;
    }
};

Frame random_frame(Random &random, bool from_host, unsigned most)
{
    Frame f;
    f.from_host = from_host;
    f.function = from_host ? 1 + unsigned(random.below(15)) : 0;
    f.bytes.resize(1 + random.below(most));
    for (uint8_t &byte : f.bytes)
        byte = uint8_t(random.next());
    if (f.bytes.size() >= 34 && random.percent(70)) {
        // The beginning of a frame that parses: IPv4, UDP.
        static const uint8_t head[] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0, 0x45, 0, 0, 20};
        memcpy(f.bytes.data(), head, sizeof head);
        f.bytes[20] = f.bytes[21] = 0;
        f.bytes[23] = 61;
        f.bytes[30] &= 0x7f;
    }
    return f;
}

void compare(Tap &tap, const char *what, const std::vector<Frame> &out,
             const std::vector<Frame> &in, unsigned function)
{
    if (out.size() != in.size())
        tap.fail("%s: %zu frames out of %zu", what, out.size(), in.size());
    for (size_t i = 0; i < out.size() && i < in.size(); i++) {
        if (out[i].bytes != in[i].bytes)
            tap.fail("%s: frame %zu of %zu bytes differs", what, i, in[i].bytes.size());
        if (out[i].function != function || out[i].from_host != in[i].from_host)
            tap.fail("%s: frame %zu to function %u", what, i, out[i].function);
    }
}

// Sends `count` frames each way, oversize ones among them if asked for, and compares what leaves.
uint64_t pass(Core &core, Tap &tap, Random &random, unsigned count, unsigned most, bool oversize)
{
    core.net_out.clear();
    core.host_out.clear();
    core.net_last.clear();
    core.host_last.clear();
    std::vector<Frame> net, host;
    for (unsigned i = 0; i < count; i++) {
        for (bool from_host : {false, true}) {
            Frame f = random_frame(random, from_host, most);
            if (oversize && random.percent(10))
                f.bytes.resize(kMaxFrame - 1 + random.below(300), uint8_t(i));
            core.send(f);
            if (f.bytes.size() <= kMaxFrame)
                (from_host ? host : net).push_back(f);
        }
    }
    uint64_t clocks = core.run();
    compare(tap, "from the network", core.host_out, net, 1);
    compare(tap, "from the host side", core.net_out, host, 0);
    return clocks;
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    Random random(seed);
    Core core(tap, seed + 1);
    core.settle();

    // One frame alone, 64 bytes, from each side.
    unsigned latency = 0;
    for (bool from_host : {false, true}) {
        core.net_out.clear();
        core.host_out.clear();
        core.net_last.clear();
        core.host_last.clear();
        Frame f = random_frame(random, from_host, 1);
        f.bytes.resize(64);
        core.send(f);
        core.run();
        const std::vector<Frame> &out = from_host ? core.net_out : core.host_out;
        const std::deque<uint64_t> &last = from_host ? core.host_last : core.net_last;
        if (out.size() == 1 && last.size() == 1)
            latency = unsigned(out[0].clock - last[0]);
        else
            tap.fail("%zu frames", out.size());
        if (latency > kMaxLatency)
            tap.fail("%u clocks", latency);
    }
    printf("# latency %u clocks from the last beat in to the first beat out\n", latency);
    tap.done("latency of a frame is at most 80 clocks");

    pass(core, tap, random, 300, 1600, false);
    tap.done("P12 with empty tables all frames of both directions pass bit for bit");

    core.idle = 0;
    pass(core, tap, random, 200, 400, true);
    tap.done("P12 oversize frames are dropped whole, all others pass");

    core.idle = 30;
    core.stall = 40;
    pass(core, tap, random, 300, 700, true);
    tap.done("back-pressure and gaps: nothing lost, cut or out of order");

    core.idle = core.stall = 0;
    unsigned before = core.admitted;
    uint64_t clocks = pass(core, tap, random, 1000, 64, false);
    printf("# %u frames of one beat in %llu clocks\n", core.admitted - before,
           (unsigned long long)clocks);
    if (clocks > 2000 + 100)
        tap.fail("%llu clocks", (unsigned long long)clocks);
    tap.done("two directions share one lookup a clock without a bubble");

    core.net_out.clear();
    core.host_out.clear();
    std::vector<Frame> net;
    for (unsigned i = 0; i < 2000; i++) {
        net.push_back(random_frame(random, false, 64));
        core.send(net.back());
    }
    clocks = core.run();
    compare(tap, "one direction", core.host_out, net, 1);
    if (clocks > 2000 + 100)
        tap.fail("%llu clocks for 2000 frames", (unsigned long long)clocks);
    tap.done("one direction: a 64-byte frame each clock");

    core.idle = 20;
    core.stall = 20;
    core.net_out.clear();
    core.host_out.clear();
    std::vector<Frame> host;
    net.clear();
    for (unsigned i = 0; i < 400; i++) {
        net.push_back(random_frame(random, false, 300));
        host.push_back(random_frame(random, true, 300));
        core.send(net.back());
        core.send(host.back());
    }
    unsigned cleared = core.cleared;
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned n = 0; n < 150; n++)
            core.step();
        core.flr();
    }
    core.run();
    core.settle();
    core.run();
    compare(tap, "from the network", core.host_out, net, 1);
    compare(tap, "from the host side", core.net_out, host, 0);
    if (core.cleared == cleared)
        tap.fail("tables were not cleared");
    tap.done("FLR under traffic: tables clear, no frame is lost or cut");
    return tap.finish();
}
