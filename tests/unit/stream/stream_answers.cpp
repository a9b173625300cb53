// SPDX-License-Identifier: Apache-2.0
//
// Rejected frames: every answer byte by byte as answer_reference.hpp has it, in the order of the
// frames, among other frames and behind outputs that wait.

#include "stream_answers.hpp"

#include "answer_reference.hpp"
#include "frames.hpp"
#include "stateful.h"

namespace
{

// The frame and the instruction that rejects it. `parsed` is not decided.
Frame rejected(Bench &bench, const Bytes &bytes, const Parsed &parsed, unsigned side)
{
    Frame f = bench.random_frame(unsigned(bytes.size()));
    f.head = bytes;
    f.user = side == 0 ? 0 : 1 + f.user % 15;
    Instruction &rw = f.rw;
    rw.drop = rw.reject = true;
    rw.egress = f.user;
    rw.is_v6 = parsed.is_v6;
    rw.l3 = parsed.l3;
    rw.l4 = parsed.l4;
    rw.reject_tcp = parsed.protocol == 6;
    rw.reject_ack = parsed.tcp_flags & 0x10;
    rw.reject_number = rw.reject_ack ? parsed.tcp_ack
                                     : parsed.tcp_seq + parsed.tcp_payload +
                                           (parsed.tcp_flags >> 1 & 1) + (parsed.tcp_flags & 1);
    rw.reject_src_port = parsed.src_port;
    rw.reject_dst_port = parsed.dst_port;
    rw.reject_ip_end = parsed.ip_end;
    rw.answer = reference::answer(bytes, parsed);

    Bytes window = bytes;
    window.resize(window.size() < 128 ? 128 : window.size());
    pc_parsed seen;
    pc_answer model;
    pc_parse(window.data(), bytes.size(), f.user, MaxFrame, &seen);
    pc_reject_answer(&seen, window.data(), &model);
    if (Bytes(model.bytes, model.bytes + model.len) != rw.answer || model.egress != f.user)
        bench.tap.fail("the model's answer is another; %u bytes, not %zu", model.len,
                       rw.answer.size());
    return f;
}

// Sends what is built if a lookup could reject it. True if so.
bool send_rejected(Bench &bench, Random &random, const Bytes &bytes)
{
    Parsed parsed = parse(bytes, unsigned(bytes.size()), false);
    if (parsed.decided())
        return false;
    unsigned side = unsigned(random.below(2));
    bench.send(side, rejected(bench, bytes, parsed, side));
    return true;
}

constexpr Tags Rejectable[] = {Tags::none, Tags::vlan, Tags::qinq, Tags::priority,
                               Tags::priority_vlan};

// A frame of a plain packet with `count` bytes behind the IP header, some of them data.
Bytes plain(Tags tags, bool v6, L4 l4, Random &random)
{
    return build(tags, v6 ? Ipv4Kinds : 0, l4, random).bytes;
}

void every_header(Bench &bench, Random &random)
{
    unsigned sent = 0, tcp = 0;
    for (int repeat = 0; repeat < 8; repeat++)
        for (Tags tags : Rejectable)
            for (unsigned ip = 0; ip < Ipv4Kinds + chains().size(); ip++)
                for (L4 l4 : {L4::tcp, L4::tcp_options, L4::udp, L4::sctp, L4::gre, L4::dccp,
                              L4::other_icmp}) {
                    Built f = build(tags, ip, l4, random);
                    bool done = send_rejected(bench, random, f.bytes);
                    sent += done;
                    tcp += done && (l4 == L4::tcp || l4 == L4::tcp_options);
                }
    if (sent < 5000 || tcp < 1500)
        bench.tap.fail("%u frames only, %u of TCP", sent, tcp);
    bench.done("answers to every kind of header: tags, options, extension headers, TCP, others");
}

// Every set of flags, with sequence numbers that wrap; the payload counts, padding does not.
void every_flag(Bench &bench, Random &random)
{
    for (bool v6 : {false, true})
        for (Tags tags : {Tags::none, Tags::vlan, Tags::qinq})
            for (unsigned flags = 0; flags < 256; flags++) {
                Bytes b = plain(tags, v6, L4::tcp, random);
                Parsed parsed = parse(b, unsigned(b.size()), false);
                b[parsed.l4 + 13] = uint8_t(flags);
                if (random.percent(50))
                    for (unsigned i = 0; i < 4; i++)
                        b[parsed.l4 + 4 + i] = 0xff;
                send_rejected(bench, random, b);
            }
    bench.done("RST by RFC 9293: with ACK its number, without ACK the end of the segment");
}

// Every length of the IP packet, in the frame and beyond the window, with and without padding.
void every_length(Bench &bench, Random &random)
{
    for (bool v6 : {false, true})
        for (Tags tags : {Tags::none, Tags::vlan, Tags::qinq})
            for (unsigned payload = 8; payload < 140; payload++)
                for (L4 l4 : {L4::udp, L4::gre}) {
                    Bytes b = plain(tags, v6, l4, random);
                    Parsed parsed = parse(b, unsigned(b.size()), false);
                    b.resize(parsed.l4);
                    put_random(b, payload, random);
                    set16(b, parsed.l3 + (v6 ? 4 : 2), payload + (v6 ? 0 : 20));
                    if (l4 == L4::udp)
                        set16(b, parsed.l4 + 4, payload);
                    if (random.percent(50))
                        put_random(b, unsigned(random.below(70)), random);
                    if (!send_rejected(bench, random, b))
                        bench.tap.fail("a frame was not right");
                }
    bench.done("ICMP answers of every length, odd and even, padding left out");

    // The shortest packet of all: an IP header of a protocol without anything.
    for (bool v6 : {false, true}) {
        Bytes b = plain(Tags::none, v6, L4::gre, random);
        b.resize(14 + (v6 ? 40 : 20));
        set16(b, v6 ? 18 : 16, v6 ? 0 : 20);
        if (!send_rejected(bench, random, b))
            bench.tap.fail("a frame was not right");
    }
    bench.done("an answer to an IP header alone");
}

// Bytes at the ends of the range, so that the carries of the sums matter.
void corner_sums(Bench &bench, Random &random)
{
    for (unsigned i = 0; i < 4000; i++) {
        Bytes b = plain(Tags(random.below(3)), random.percent(50),
                        random.percent(50) ? L4::tcp : L4::gre, random);
        Parsed before = parse(b, unsigned(b.size()), false);
        unsigned chance = unsigned(random.below(3)) * 50;
        uint8_t value = random.percent(50) ? 0xff : 0;
        for (unsigned at = before.l3 + (before.is_v6 ? 8 : 12); at < b.size(); at++)
            if (at != before.l4 + 12 && at != before.l3 + (before.is_v6 ? 24 : 16) &&
                random.percent(chance))
                b[at] = value;
        send_rejected(bench, random, b);
    }
    bench.done("checksums of bytes that are all 0x00 or 0xff");
}

// Sums whose last carry comes from the fold itself: a number of the packet is chosen so that the
// checksum is one that only few packets have.
void carries(Bench &bench, Random &random)
{
    for (unsigned i = 0; i < 3000; i++) {
        bool v6 = random.percent(50), tcp = random.percent(50), ip = !v6 && random.percent(30);
        Bytes b = plain(Tags(random.below(3)), v6, tcp ? L4::tcp : L4::gre, random);
        Parsed parsed = parse(b, unsigned(b.size()), false);
        // The end of the source of IPv4 for its header, a port of TCP, the last word of data.
        unsigned field = ip ? parsed.l3 + 14 : tcp ? parsed.l4 : (parsed.ip_end - 2) & ~1u;
        set16(b, field, 0);
        parsed = parse(b, unsigned(b.size()), false);
        Bytes answer = reference::answer(b, parsed);
        unsigned header = v6 ? 40 : 20;
        unsigned sum = ~reference::be16(answer, ip    ? parsed.l3 + 10
                                                : tcp ? parsed.l3 + header + 16
                                                      : parsed.l3 + header + 2) &
                       0xffff;
        unsigned want =
            random.percent(80) ? 1 + unsigned(random.below(30)) : 65535 - unsigned(random.below(3));
        set16(b, field, (want + 2 * 65535 - sum) % 65535);
        send_rejected(bench, random, b);
    }
    bench.done("checksums whose sum is just beyond a multiple of 65,536");
}

void mixed(Bench &bench, Random &random)
{
    for (unsigned round = 0; round < 30; round++) {
        for (unsigned s = 0; s < 2; s++) {
            bench.idle[s] = unsigned(random.below(3) * 40);
            bench.stall[s] = unsigned(random.below(4) * 30);
        }
        bench.header_stall = unsigned(random.below(3) * 45);
        bench.delay = unsigned(random.below(60));
        bench.jitter = unsigned(random.below(100));
        unsigned share = unsigned(random.below(4)) * 30;
        for (unsigned i = 0; i < 300; i++) {
            if (random.percent(share)) {
                Bytes b = build(Rejectable[random.below(5)],
                                unsigned(random.below(Ipv4Kinds + chains().size())),
                                L4(random.below(8)), random)
                              .bytes;
                if (random.percent(10)) // beats behind the window are swallowed
                    put_random(b, unsigned(random.below(1400)), random);
                send_rejected(bench, random, b);
                continue;
            }
            Frame f =
                bench.random_frame(1 + unsigned(random.below(random.percent(10) ? 1500 : 140)));
            f.rw.drop = random.percent(10);
            if (random.percent(2))
                f.len = MaxFrame + 1 + unsigned(random.below(1000));
            bench.send(unsigned(random.below(2)), f);
        }
        bench.drain();
    }
    bench.done("rejected frames among others on both sides, idle clocks, back-pressure, drops");
}

Frame one(Bench &bench, Random &random, unsigned side)
{
    Bytes b = plain(Tags::qinq, true, L4::udp, random);
    b.resize(66);
    put_random(b, 62, random);
    set16(b, 22 + 4, 66);
    set16(b, 62 + 4, 66);
    return rejected(bench, b, parse(b, 128, false), side);
}

void stopped(Bench &bench, Random &random)
{
    bench.stall[0] = 100;
    for (unsigned i = 0; i < 300; i++) {
        bench.send(0, one(bench, random, 0));
        for (unsigned j = 0; j < 3; j++) {
            Frame f = bench.random_frame(64);
            f.rw.egress = 4;
            bench.send(1, f);
        }
    }
    bench.run(3000);
    if (bench.order[1].size() != 900)
        bench.tap.fail("%zu of 900 frames of the other side left", bench.order[1].size());
    if (!bench.order[0].empty())
        bench.tap.fail("a stopped output sent");
    bench.stall[0] = 0;
    bench.done("answers behind a stopped output hold up their own side only, and leave later");
}

void together(Bench &bench, Random &random)
{
    // Both sides flood the network, and answers of the net side want to leave there too.
    for (unsigned i = 0; i < 100; i++)
        bench.send(0, one(bench, random, 0));
    for (unsigned i = 0; i < 6000; i++) {
        Frame f = bench.random_frame(64);
        f.rw.egress = 0;
        bench.send(1, f);
    }
    bench.drain();
    size_t last = 0;
    for (size_t i = 0; i < bench.order[0].size(); i++)
        if (bench.order[0][i] & 2)
            last = i;
    if (last > 5500)
        bench.tap.fail("the last of 100 answers left behind %zu frames", last);
    uint64_t taken = bench.last_out[0] - bench.first_out[0] + 1;
    if (taken != bench.out_beats[0])
        bench.tap.fail("%llu beats in %llu clocks", (unsigned long long)bench.out_beats[0],
                       (unsigned long long)taken);
    bench.done("answers get their turn at an output that is full, and no clock is lost");

    // Now all three: each answer leaves soon behind the frames that came with its frame.
    const unsigned distance = 200;
    for (unsigned i = 0; i < 50; i++)
        for (unsigned j = 0; j <= distance; j++) {
            Frame f = bench.random_frame(64);
            f.rw.egress = 0;
            bench.send(1, f);
            bench.send(0, j == 0 ? one(bench, random, 0) : f);
        }
    bench.drain();
    unsigned before = 0, answered = 0;
    for (unsigned user : bench.order[0]) {
        before += user == 0;
        if (user == 2 && before > distance * answered++ + 100)
            bench.tap.fail("answer %u left behind %u frames", answered, before);
    }
    bench.done("answers get their turn among frames of both sides");

    const unsigned count = 1000;
    for (unsigned i = 0; i < count; i++)
        bench.send(0, one(bench, random, 0));
    for (unsigned i = 0; i < 20000; i++) {
        Frame f = bench.random_frame(64);
        f.rw.egress = 9;
        bench.send(1, f);
    }
    bench.out_beats[0] = 0;
    bench.drain();
    double clocks = double(bench.last_out[0] - bench.first_out[0]) / (count - 1);
    printf("# %.1f clocks for an answer of three beats\n", clocks);
    if (clocks > 36)
        bench.tap.fail("%.1f clocks for an answer", clocks);
    if (bench.in_stalls[1] != 0 || bench.out_beats[1] != 20000 ||
        bench.last_out[1] - bench.first_out[1] + 1 != 20000)
        bench.tap.fail("the other side waited %llu clocks", (unsigned long long)bench.in_stalls[1]);
    bench.done("one side answers without a break, the other goes on at one frame a clock");
}

} // namespace

void answers(Bench &bench, Random &random)
{
    every_header(bench, random);
    every_flag(bench, random);
    every_length(bench, random);
    corner_sums(bench, random);
    carries(bench, random);
    stopped(bench, random);
    together(bench, random);
    mixed(bench, random);
}
