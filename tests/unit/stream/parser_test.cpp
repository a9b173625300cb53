// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser against two references: the C model's pc_parse() and the bench's own reading of
// docs/pipeline.md. One header a clock unless a test says gaps. Arguments: seed.

#include <deque>

#include "Vparser_tb.h"
#include "frames.hpp"
#include "parse.h"
#include "parse_reference.hpp"
#include "tap.hpp"

namespace
{

constexpr unsigned Latency = 16;
constexpr unsigned MaxFrame = 9600;

class Bench
{
public:
    explicit Bench(Random &random) : random_(random)
    {
        top_.rst_ni = 0;
        top_.valid_i = 0;
        for (int i = 0; i < 3; i++)
            step();
        top_.rst_ni = 1;
    }

    Tap tap;
    unsigned gaps = 0; // chance of an idle clock before a header, percent
    uint64_t reasons[64] = {};
    uint64_t flows = 0; // ICMP errors about one

    // A frame of `len` bytes whose beginning is `bytes`.
    void frame(const Bytes &bytes, unsigned len)
    {
        while (random_.percent(gaps))
            step();
        Expected e;
        e.bytes = bytes;
        e.len = len;
        e.ingress = unsigned(random_.below(256));
        e.due = now_ + Latency;
        for (unsigned i = 0; i < 32; i++)
            top_.window_i[i] = word(bytes, 4 * i);
        top_.len_i = len > 65535 ? 65535 : uint16_t(len);
        top_.ingress_i = uint8_t(e.ingress);
        top_.oversize_i = len > MaxFrame;
        top_.valid_i = 1;
        expected_.push_back(e);
        step();
        top_.valid_i = 0;
    }
    void frame(const Bytes &bytes) { frame(bytes, unsigned(bytes.size())); }

    void drain()
    {
        while (!expected_.empty())
            step();
    }

    void done(const std::string &name)
    {
        drain();
        tap.done(name);
    }

    // Checks one frame alone for one reason.
    void rule(const char *name, const Bytes &bytes, unsigned len, unsigned reason)
    {
        uint64_t before = reasons[reason];
        frame(bytes, len);
        drain();
        if (reasons[reason] != before + 1)
            tap.fail("reason is %u, not %u", unsigned(top_.reason_o), reason);
        done(name);
    }

private:
    struct Expected {
        Bytes bytes;
        unsigned len, ingress;
        uint64_t due;
    };

    static uint32_t word(const Bytes &bytes, unsigned at)
    {
        uint32_t value = 0;
        for (unsigned i = 0; i < 4 && at + i < bytes.size(); i++)
            value |= uint32_t(bytes[at + i]) << 8 * i;
        return value;
    }

    void step()
    {
        top_.eval();
        bool due = !expected_.empty() && expected_.front().due == now_;
        if (bool(top_.valid_o) != due && top_.rst_ni)
            tap.fail("valid is %u in clock %llu", top_.valid_o, (unsigned long long)now_);
        if (due) {
            compare(expected_.front());
            expected_.pop_front();
        }
        rise(top_);
        now_++;
    }

    template <typename Wide>
    static bool same_ip(const Wide &port, const uint8_t *ip)
    {
        for (unsigned i = 0; i < 16; i++)
            if (uint8_t(port[i / 4] >> 8 * (i % 4)) != ip[i])
                return false;
        return true;
    }

    void check(const char *field, unsigned have, unsigned want, const Expected &e)
    {
        if (have == want)
            return;
        std::string hex;
        for (size_t i = 0; i < e.bytes.size() && i < 128; i++) {
            char text[3];
            snprintf(text, sizeof text, "%02x", e.bytes[i]);
            hex += text;
        }
        tap.fail("%s is %u, not %u; %u bytes %s", field, have, want, e.len, hex.c_str());
    }

    void compare(const Expected &e)
    {
        Parsed own = parse(e.bytes, e.len, e.len > MaxFrame);
        Bytes window = e.bytes;
        window.resize(window.size() < 9700 ? 9700 : window.size());
        pc_parsed model;
        pc_parse(window.data(), e.len, e.ingress, MaxFrame, &model);
        reasons[own.reason & 63]++;

        uint64_t mac = 0;
        for (unsigned i = 0; i < 6 && i < e.bytes.size(); i++)
            mac |= uint64_t(e.bytes[i]) << 8 * i;
        check("model's reason", model.reason, own.reason, e);
        check("reason", top_.reason_o, own.reason, e);
        check("decided", top_.decided_o, own.decided(), e);
        check("len", top_.len_o, e.len > 65535 ? 65535 : e.len, e);
        check("ingress", top_.ingress_o, e.ingress, e);
        check("has_mac", top_.has_mac_o, e.len >= 6, e);
        if (e.len >= 6)
            check("dst_mac", top_.dst_mac_o == mac, true, e);
        check("about a flow", top_.about_flow_o, own.about_flow, e);
        check("model's about a flow", model.about_flow, own.about_flow, e);
        if (own.about_flow)
            flows++;
        if (own.reason == PORTCAM_REASON_ICMP_ERROR) {
            check("inner protocol", top_.inner_protocol_o, own.inner_protocol, e);
            check("inner source port", top_.inner_src_port_o, own.inner_src_port, e);
            check("inner destination port", top_.inner_dst_port_o, own.inner_dst_port, e);
            check("inner source", same_ip(top_.inner_src_ip_o, own.inner_src.data()), true, e);
            check("inner destination", same_ip(top_.inner_dst_ip_o, own.inner_dst.data()), true, e);
            check("model's inner source", same_ip(top_.inner_src_ip_o, model.inner_src.ip), true,
                  e);
            check("inner layer 4", top_.inner_l4_o, own.inner_l4, e);
            check("inner has_ports", top_.inner_has_ports_o,
                  reference::carries_ports(own.inner_protocol), e);
            check("inner has_sum", top_.inner_has_sum_o, own.inner_sum_at != 0, e);
            if (own.inner_sum_at) {
                check("inner sum_at", top_.inner_sum_at_o, own.inner_sum_at, e);
                check("model's inner sum_at", model.inner_sum_at, own.inner_sum_at, e);
                check("inner sum", top_.inner_sum_o, word(e.bytes, own.inner_sum_at) & 0xffff, e);
            }
            if (!own.is_v6)
                check("inner ip_sum", top_.inner_ip_sum_o,
                      word(e.bytes, own.inner_at + 10) & 0xffff, e);
            check("ICMP sum", top_.l4_sum_o, word(e.bytes, own.l4 + 2) & 0xffff, e);
            check("model's inner layer 4", model.inner_at * 256u + model.inner_l4,
                  own.inner_at * 256u + own.inner_l4, e);
            check("model's inner has_sum", model.inner_has_sum, own.inner_sum_at != 0, e);
            check("model's inner ports", model.inner_src.port * 65536u + model.inner_dst.port,
                  own.inner_src_port * 65536u + own.inner_dst_port, e);
        } else if (own.decided()) {
            return;
        }
        check("is_v6", top_.is_v6_o, own.is_v6, e);
        check("vlan", top_.vlan_o, own.vlan, e);
        check("model's vlan", model.vlan, own.vlan, e);
        check("source", same_ip(top_.src_ip_o, own.src.data()), true, e);
        check("destination", same_ip(top_.dst_ip_o, own.dst.data()), true, e);
        check("model's source", same_ip(top_.src_ip_o, model.src.ip), true, e);
        check("protocol", top_.protocol_o, own.protocol, e);
        check("has_ports", top_.has_ports_o, own.has_ports, e);
        check("source port", top_.src_port_o, own.src_port, e);
        check("destination port", top_.dst_port_o, own.dst_port, e);
        check("model's ports", model.src.port * 65536u + model.dst.port,
              own.src_port * 65536u + own.dst_port, e);
        check("l3", top_.l3_o, own.l3, e);
        check("l4", top_.l4_o, own.l4, e);
        check("model's l4", model.l4, own.l4, e);
        check("ip_end", top_.ip_end_o, own.ip_end, e);
        check("model's end", model.end < 128 ? model.end : 128, own.ip_end, e);
        if (own.protocol == 6) {
            check("TCP flags", top_.tcp_flags_o, own.tcp_flags, e);
            check("sequence number", top_.tcp_seq_o, own.tcp_seq, e);
            check("acknowledgement number", top_.tcp_ack_o, own.tcp_ack, e);
            check("TCP payload", top_.tcp_payload_o, own.tcp_payload, e);
            check("model's TCP flags", model.tcp_flags, own.tcp_flags, e);
            check("model's sequence number", model.seq, own.tcp_seq, e);
            check("model's acknowledgement number", model.ack, own.tcp_ack, e);
            check("model's TCP payload", model.payload, own.tcp_payload, e);
        }
        if (!own.is_v6)
            check("ip_sum", top_.ip_sum_o, word(e.bytes, own.l3 + 10) & 0xffff, e);
        check("has_l4_sum", top_.has_l4_sum_o, own.has_l4_sum, e);
        check("model's has_l4_sum", model.has_l4_sum, own.has_l4_sum, e);
        if (own.has_l4_sum) {
            check("l4_sum_at", top_.l4_sum_at_o, own.l4_sum_at, e);
            check("model's l4_sum_at", model.l4_sum_at, own.l4_sum_at, e);
            check("l4_sum", top_.l4_sum_o, word(e.bytes, own.l4_sum_at) & 0xffff, e);
        }
    }

    Random &random_;
    Vparser_tb top_;
    std::deque<Expected> expected_;
    uint64_t now_ = 0;
};

template <typename Action>
void every_frame(Random &random, Action action)
{
    for (unsigned tags = 0; tags < unsigned(Tags::count); tags++)
        for (unsigned ip = 0; ip < Ipv4Kinds + chains().size(); ip++)
            for (unsigned l4 = 0; l4 < unsigned(L4::count); l4++)
                action(build(Tags(tags), ip, L4(l4), random));
}

// One frame for each rule that a reader may look for by name.
void rules(Bench &bench, Random &random)
{
    auto make = [&](L4 l4, unsigned ip, Tags tags = Tags::none) {
        return build(tags, ip, l4, random);
    };
    Built f = make(L4::tcp, 0);
    bench.rule("P1 a plain TCP packet is not decided by the parser", f.bytes,
               unsigned(f.bytes.size()), PORTCAM_REASON_NO_MATCH);
    f.bytes[14] = 0x44;
    bench.rule("P1 ihl below five is unparsed", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_UNPARSED_IHL);
    f.bytes[14] = 0x65;
    bench.rule("P1 version against EtherType is unparsed", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_UNPARSED_VERSION);
    f = make(L4::udp, 0, Tags::three);
    bench.rule("F.8 a third tag is not parsed", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_NON_IP);
    f = make(L4::udp, 3);
    f.bytes[14 + 25] = 0x83;
    bench.rule("F.9 a source route is complex", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_COMPLEX_OPTIONS);
    f = make(L4::udp, 0);
    set16(f.bytes, 14 + 6, 0x2000);
    bench.rule("F.5 a first fragment is a fragment", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_FRAGMENT);
    f = make(L4::tcp, 0);
    set16(f.bytes, 16, 20 + 19);
    bench.rule("F.10 padding does not complete a TCP header", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_UNPARSED_L4);
    f = make(L4::udp, Ipv4Kinds + 13);
    bench.rule("F.7 nine extension headers, layer 4 beyond the window", f.bytes,
               unsigned(f.bytes.size()), PORTCAM_REASON_COMPLEX_WINDOW);
    f = make(L4::udp, Ipv4Kinds + 2);
    f.bytes[14 + 40 + 3] = 1;
    bench.rule("F.7 a routing header with segments left is complex", f.bytes,
               unsigned(f.bytes.size()), PORTCAM_REASON_COMPLEX_ROUTING);
    f = make(L4::error_tcp, 0);
    bench.rule("F.6 an ICMP error with ports", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_ICMP_ERROR);
    f = make(L4::error_fragment, 0);
    set16(f.bytes, 14 + 20 + 8 + 6, 1);
    bench.rule("F.6 an embedded later fragment has no ports", f.bytes, unsigned(f.bytes.size()),
               PORTCAM_REASON_ICMP_ERROR_SHORT);
    f = make(L4::udp, 0);
    bench.rule("a frame of 9,601 bytes is oversize", f.bytes, 9601, PORTCAM_REASON_OVERSIZE);
}

} // namespace

int main(int argc, char **argv)
{
    Random random(start(argc, argv));
    Bench bench(random);

    rules(bench, random);

    for (unsigned gaps : {0u, 50u}) {
        bench.gaps = gaps;
        for (int repeat = 0; repeat < 20; repeat++)
            every_frame(random, [&](const Built &f) { bench.frame(f.bytes); });
        bench.done(gaps ? "P1 whole frames of every kind, random gaps"
                        : "P1 whole frames of every kind");
    }
    bench.gaps = 0;

    every_frame(random, [&](const Built &f) {
        unsigned size = unsigned(f.bytes.size());
        for (unsigned len = 1; len <= f.headers && len <= 160 && len <= size; len++)
            bench.frame(Bytes(f.bytes.begin(), f.bytes.begin() + len));
    });
    bench.done("P1 frames cut at each byte of their headers");

    every_frame(random, [&](const Built &f) {
        for (unsigned cut = 0; f.l3 + 20 + cut < f.bytes.size() && cut < 160; cut++) {
            Built damaged = f;
            cut_ip_length(damaged, cut);
            bench.frame(damaged.bytes);
        }
    });
    bench.done("F.10 the IP length cut at each byte, the frame whole");

    for (unsigned gaps : {0u, 30u}) {
        bench.gaps = gaps;
        for (int repeat = 0; repeat < (gaps ? 50 : 500); repeat++)
            every_frame(random, [&](Built f) {
                mutate(f.bytes, random);
                unsigned size = unsigned(f.bytes.size());
                if (size >= 128) // the parser sees the window only
                    size += unsigned(random.below(random.percent(3) ? 80000 : 2000));
                if (size > 0)
                    bench.frame(f.bytes, size);
            });
        bench.done(gaps ? "P1 random byte mutations, random gaps" : "P1 random byte mutations");
    }

    // The parser can give these reasons; every one must have been seen.
    for (unsigned reason = 0; reason < PORTCAM_REASON_MAX; reason++) {
        bool parsers =
            reason == PORTCAM_REASON_NO_MATCH ||
            (reason >= PORTCAM_REASON_NON_IP && reason <= PORTCAM_REASON_OVERSIZE &&
             reason != PORTCAM_REASON_SCTP_PORTS && reason != PORTCAM_REASON_OTHER_CHECKSUM);
        printf("# reason %u: %llu frames\n", reason, (unsigned long long)bench.reasons[reason]);
        if (parsers && bench.reasons[reason] < 20)
            bench.tap.fail("reason %u seen in %llu frames only", reason,
                           (unsigned long long)bench.reasons[reason]);
    }
    printf("# %llu ICMP errors about a flow\n", (unsigned long long)bench.flows);
    if (bench.flows < 20)
        bench.tap.fail("ICMP errors about a flow seen in %llu frames only",
                       (unsigned long long)bench.flows);
    bench.done("every reason of the parser was seen");
    return bench.tap.finish();
}
