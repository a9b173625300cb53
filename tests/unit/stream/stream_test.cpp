// SPDX-License-Identifier: Apache-2.0
//
// Ingress, rewriter and egress as a chain: no frame lost, doubled, cut, mixed or out of order,
// whatever its size and whoever waits; every rewrite position; drops; answers; oversize;
// throughput, latency and fairness. Arguments: seed.

#include <algorithm>

#include "stream_answers.hpp"
#include "stream_bench.hpp"

namespace
{

void sizes(Bench &bench, Random &random)
{
    for (unsigned len = 1; len <= MaxFrame; len++)
        bench.send(unsigned(random.below(2)), bench.random_frame(len));
    bench.done("every size from 1 to 9,600 bytes");
}

void back_pressure(Bench &bench, Random &random)
{
    for (unsigned round = 0; round < 24; round++) {
        for (unsigned s = 0; s < 2; s++) {
            bench.idle[s] = unsigned(random.below(3) * 40);
            bench.stall[s] = unsigned(random.below(4) * 30);
        }
        bench.header_stall = unsigned(random.below(3) * 45);
        bench.delay = unsigned(random.below(60));
        bench.jitter = unsigned(random.below(100));
        for (unsigned i = 0; i < 400; i++) {
            unsigned len = 1 + unsigned(random.below(random.percent(5)    ? 9600
                                                     : random.percent(30) ? 1500
                                                                          : 140));
            Frame f = bench.random_frame(len);
            f.rw.drop = random.percent(10);
            if (random.percent(3))
                f.len = MaxFrame + 1 + unsigned(random.below(1000));
            bench.send(unsigned(random.below(2)), f);
        }
        bench.drain();
    }
    bench.done("random sizes, idle clocks, back-pressure, drops and oversize frames on both sides");

    bench.stall[0] = bench.stall[1] = 100;
    for (unsigned i = 0; i < 3000; i++)
        bench.send(i & 1, bench.random_frame(1 + unsigned(random.below(200))));
    bench.run(3000);
    if (bench.in_stalls[0] < 1000 || bench.in_stalls[1] < 1000)
        bench.tap.fail("inputs did not wait");
    bench.stall[0] = bench.stall[1] = 0;
    bench.done("outputs stopped for 3,000 clocks, then all frames leave");
}

// `beats` per clock through one path while `count` frames of `len` bytes go through it.
void throughput(Bench &bench, unsigned len, unsigned other_egress, const char *name)
{
    const unsigned count = 3000;
    for (unsigned i = 0; i < count; i++)
        for (unsigned s = 0; s < 2; s++) {
            Frame f = bench.random_frame(len);
            f.rw.egress = s == 0 ? 3 : other_egress; // net to host; host to net, or hairpin
            bench.send(s, f);
        }
    bench.delay = 50;
    bench.drain();
    for (unsigned s = 0; s < 2; s++) {
        uint64_t clocks = bench.last_out[s] - bench.first_out[s] + 1;
        if (bench.in_stalls[s] != 0 || bench.out_beats[s] != clocks)
            bench.tap.fail("side %u: %llu beats in %llu clocks, %llu input stalls", s,
                           (unsigned long long)bench.out_beats[s], (unsigned long long)clocks,
                           (unsigned long long)bench.in_stalls[s]);
    }
    bench.done(name);
}

// Both sides to one output: strictly in turn, and no clock lost.
void fairness(Bench &bench, unsigned egress, unsigned len, const char *name)
{
    unsigned output = egress != 0;
    for (unsigned i = 0; i < 1000; i++)
        for (unsigned s = 0; s < 2; s++) {
            Frame f = bench.random_frame(len);
            f.rw.egress = egress;
            bench.send(s, f);
        }
    bench.drain();
    const std::vector<unsigned> &order = bench.order[output];
    for (size_t i = 100; i + 100 < order.size(); i++)
        if (order[i] == order[i - 1]) {
            bench.tap.fail("frame %zu is of side %u like the one before", i, order[i]);
            break;
        }
    uint64_t clocks = bench.last_out[output] - bench.first_out[output] + 1;
    if (clocks != bench.out_beats[output])
        bench.tap.fail("%llu beats in %llu clocks", (unsigned long long)bench.out_beats[output],
                       (unsigned long long)clocks);
    bench.done(name);
}

void swapped(Bench &bench, Random &random)
{
    for (unsigned i = 0; i < 2000; i++)
        for (unsigned s = 0; s < 2; s++) {
            Frame f = bench.random_frame(1 + unsigned(random.below(400)));
            f.rw.egress = s == 0 ? 0 : 1 + unsigned(random.below(15)); // each back to its own side
            bench.send(s, f);
        }
    bench.stall[0] = bench.stall[1] = 20;
    bench.done("hairpin: both sides back to where they came from");
}

void rewrites(Bench &bench, Random &random)
{
    for (unsigned l3 = 14; l3 <= 22; l3 += 4)
        for (unsigned kind = 0; kind < 4; kind++)
            for (unsigned l4 = l3 + (kind & 1 ? 40 : 20); l4 <= 124; l4 += 2)
                for (unsigned sum_at = l4 + 2; sum_at <= 126; sum_at += 2) {
                    Instruction rw;
                    rw.is_v6 = kind & 1;
                    rw.set_dst_ip = kind & 2;
                    rw.set_src_ip = !rw.set_dst_ip;
                    rw.l3 = l3;
                    rw.l4 = l4;
                    rw.l4_sum_at = sum_at;
                    rw.set_port = sum_at != l4 + 2 || rw.set_src_ip;
                    rw.set_l4_sum = true;
                    rw.set_ip_sum = !rw.is_v6;
                    if (random.percent(20)) { // each flag alone means what it says
                        rw.set_port = rw.set_port && random.percent(50);
                        rw.set_l4_sum = random.percent(50);
                        rw.set_ip_sum = random.percent(50);
                        if (random.percent(50))
                            rw.set_dst_ip = rw.set_src_ip = false;
                    }
                    rw.set_dst_mac = random.percent(50);
                    rw.set_src_mac = random.percent(50);
                    rw.dst_mac = random.next() & low_bits(48);
                    rw.src_mac = random.next() & low_bits(48);
                    for (uint8_t &byte : rw.ip)
                        byte = uint8_t(random.next());
                    rw.ip_sum = unsigned(random.below(65536));
                    rw.port = unsigned(random.below(65536));
                    rw.l4_sum = unsigned(random.below(65536));
                    unsigned end = std::max(sum_at + 2, l4 + 4);
                    Frame f = bench.random_frame(end + unsigned(random.below(80)));
                    rw.egress = f.rw.egress;
                    f.rw = rw;
                    bench.send(unsigned(random.below(2)), f);
                }
    bench.done(
        "every position of layer 3, layer 4 and checksum, IPv4 and IPv6, source and destination");
}

// Each place that an embedded packet can have: ICMP header, IP header behind it, layer 4, checksum.
void errors(Bench &bench, Random &random)
{
    for (unsigned l3 = 14; l3 <= 22; l3 += 4)
        for (unsigned kind = 0; kind < 4; kind++)
            for (unsigned icmp = l3 + (kind & 1 ? 40 : 20); icmp + (kind & 1 ? 48 : 28) <= 128;
                 icmp += 4)
                for (unsigned l4 = icmp + (kind & 1 ? 48 : 28); l4 <= 124 && l4 <= icmp + 68;
                     l4 += 4)
                    for (unsigned sum_at : {l4 + 2, l4 + 6, l4 + 16}) {
                        Instruction rw;
                        rw.about_flow = true;
                        rw.is_v6 = kind & 1;
                        rw.set_dst_ip = kind & 2;
                        rw.set_src_ip = !rw.set_dst_ip;
                        rw.l3 = l3;
                        rw.icmp_at = icmp;
                        rw.l4 = l4;
                        rw.l4_sum_at = sum_at;
                        rw.set_port = sum_at != l4 + 2 && random.percent(70);
                        rw.set_l4_sum = sum_at <= 126 && random.percent(80);
                        rw.set_ip_sum = !rw.is_v6;
                        rw.set_dst_mac = random.percent(50);
                        rw.set_src_mac = random.percent(50);
                        rw.dst_mac = random.next() & low_bits(48);
                        rw.src_mac = random.next() & low_bits(48);
                        for (uint8_t &byte : rw.ip)
                            byte = uint8_t(random.next());
                        for (unsigned *sum :
                             {&rw.ip_sum, &rw.port, &rw.l4_sum, &rw.outer_ip_sum, &rw.icmp_sum})
                            *sum = unsigned(random.below(65536));
                        Frame f = bench.random_frame(std::max(sum_at + 2, l4 + 8) +
                                                     unsigned(random.below(80)));
                        rw.egress = f.rw.egress;
                        f.rw = rw;
                        bench.send(unsigned(random.below(2)), f);
                        if (random.percent(30)) // its neighbour is no error
                            bench.send(unsigned(random.below(2)), bench.random_frame(200));
                    }
    bench.done(
        "P11 F.6 ICMP errors: every position of the embedded headers, both versions and ways");
}

void drops(Bench &bench, Random &random)
{
    for (unsigned percent : {50u, 90u, 100u})
        for (unsigned i = 0; i < 3000; i++) {
            Frame f = bench.random_frame(1 + unsigned(random.below(300)));
            f.rw.drop = random.percent(percent);
            bench.send(unsigned(random.below(2)), f);
        }
    bench.stall[0] = 30;
    bench.done("dropped frames leave nothing, their neighbours leave whole");

    for (unsigned i = 0; i < 2000; i++)
        for (unsigned s = 0; s < 2; s++) {
            Frame f = bench.random_frame(64);
            f.rw.drop = true;
            bench.send(s, f);
        }
    uint64_t before = bench.now;
    bench.drain();
    if (bench.now - before > 2000 + 60 || bench.in_stalls[0] + bench.in_stalls[1] != 0)
        bench.tap.fail("2,000 frames of 64 bytes took %llu clocks",
                       (unsigned long long)(bench.now - before));
    bench.done("dropped frames go by at one a clock");
}

void oversize(Bench &bench, Random &random)
{
    for (unsigned len : {9599u, 9600u, 9601u, 9663u, 9664u, 9665u, 9728u, 20000u, 65472u, 65534u,
                         65535u, 65536u, 65537u, 65600u, 131072u, 131200u, 200000u})
        for (unsigned s = 0; s < 2; s++) {
            bench.send(s, bench.random_frame(len));
            bench.send(s, bench.random_frame(1 + unsigned(random.below(200))));
        }
    bench.done("oversize frames are rolled back, their length saturates at 65,535");

    // More discarded frames than the rewriter holds instructions, while one whole frame waits at a
    // stopped output.
    bench.stall[0] = bench.stall[1] = 100;
    bench.send(0, bench.random_frame(100));
    for (unsigned i = 0; i < 200; i++)
        bench.send(0, bench.random_frame(9601));
    bench.run(200 * 160);
    bench.stall[0] = bench.stall[1] = 0;
    bench.send(0, bench.random_frame(100));
    bench.done("discarded frames take no room in the rewriter");
}

// The ingress whose limit, 1,518 bytes, lies inside a beat; it stands alone.
void small_ingress(Bench &bench, Random &random)
{
    Vstream_tb &top = bench.top();
    std::deque<unsigned> headers, frames;
    unsigned beats = 0;
    auto step = [&] {
        top.eval();
        if (top.small_header_valid_o) {
            unsigned want = headers.empty() ? 0 : headers.front();
            if (top.small_header_len_o != want || top.small_header_oversize_o != (want > 1518))
                bench.tap.fail("header of %u bytes, oversize %u, for %u", top.small_header_len_o,
                               top.small_header_oversize_o, want);
            if (!headers.empty())
                headers.pop_front();
        }
        if (top.small_beat_valid_o) {
            beats++;
            if (top.small_beat_last_o) {
                unsigned len =
                    64 * (beats - 1) + unsigned(__builtin_popcountll(top.small_beat_keep_o));
                if (frames.empty() || frames.front() != len)
                    bench.tap.fail("a frame of %u bytes, not %u", len,
                                   frames.empty() ? 0 : frames.front());
                if (!frames.empty())
                    frames.pop_front();
                beats = 0;
            }
        }
        bool taken = top.small_in_valid_i && top.small_in_ready_o;
        rise(top);
        return taken;
    };
    auto send = [&](unsigned len) {
        headers.push_back(len);
        if (len <= 1518)
            frames.push_back(len);
        for (unsigned at = 0; at < len; at += 64) {
            top.small_in_valid_i = 1;
            top.small_in_last_i = at + 64 >= len;
            top.small_in_keep_i = len - at >= 64 ? ~0ull : low_bits(len - at);
            while (!step()) {
            }
        }
        top.small_in_valid_i = 0;
    };
    for (unsigned len = 1470; len <= 1670; len++)
        send(len);
    for (unsigned i = 0; i < 500; i++)
        send(1 + unsigned(random.below(2000)));
    for (unsigned i = 0; i < 60; i++) // the last frame has up to 24 beats
        step();
    if (!headers.empty() || !frames.empty())
        bench.tap.fail("%zu headers and %zu frames missing", headers.size(), frames.size());
    bench.tap.done("a frame that becomes oversize in its last beat is rolled back");
}

void latency(Bench &bench, Random &random)
{
    for (unsigned i = 0; i < 20; i++) {
        Frame f = bench.random_frame(1 + unsigned(random.below(1500)));
        f.rw.egress = 5;
        bench.send(0, f);
        bench.delay = 30;
        bench.out_beats[1] = 0;
        bench.drain();
        uint64_t header = bench.header_at[0] - bench.last_in[0];
        uint64_t rest = bench.first_out[1] - bench.rewrite_at[0];
        if (header != 4 || rest != 6)
            bench.tap.fail("%llu clocks to the header, %llu from the instruction",
                           (unsigned long long)header, (unsigned long long)rest);
    }
    bench.done("four clocks to the header, six from the instruction to the output");
}

} // namespace

int main(int argc, char **argv)
{
    Random random(start(argc, argv));
    Bench bench(random);

    latency(bench, random);
    throughput(bench, 64, 0, "frames of 64 bytes, one a clock in both directions");
    throughput(bench, 60, 0, "frames of 60 bytes, one a clock in both directions");
    throughput(bench, 65, 0, "frames of 65 bytes, a beat a clock");
    throughput(bench, 1514, 0, "frames of 1,514 bytes, a beat a clock");
    fairness(bench, 0, 64, "both sides to the network: frames in turn, no clock lost");
    fairness(bench, 7, 300, "both sides to a host function: frames in turn, no clock lost");
    swapped(bench, random);
    rewrites(bench, random);
    errors(bench, random);
    drops(bench, random);
    oversize(bench, random);
    small_ingress(bench, random);
    answers(bench, random);
    back_pressure(bench, random);
    sizes(bench, random);
    return bench.tap.finish();
}
