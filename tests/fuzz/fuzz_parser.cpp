// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer target: the Verilated portcam_parser against the C model's pc_parse(), frame by frame.
// Any difference in a field that has a meaning aborts. Input: one byte of ingress function, two
// that lengthen frames which fill the window, then the frame. Besides libFuzzer's own mutations,
// whole frames of tests/unit/stream/frames.hpp are made, and damaged towards values that mean
// something.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "Vparser_tb.h"
#include "frames.hpp"
#include "parse.h"

namespace
{

constexpr unsigned Latency = 16;
constexpr unsigned MaxFrame = 9600;
constexpr size_t Prefix = 3;

Vparser_tb &parser()
{
    static Vparser_tb *top = [] {
        auto *made = new Vparser_tb;
        made->rst_ni = 0;
        made->eval();
        rise(*made);
        made->rst_ni = 1;
        return made;
    }();
    return *top;
}

void check(const char *field, unsigned long rtl, unsigned long model)
{
    if (rtl == model)
        return;
    fprintf(stderr, "%s: RTL %lu, model %lu\n", field, rtl, model);
    abort();
}

template <typename Wide>
void check_ip(const char *field, const Wide &port, const uint8_t *ip)
{
    uint8_t bytes[16];
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = uint8_t(port[i / 4] >> 8 * (i % 4));
    check(field, memcmp(bytes, ip, 16) == 0, 1);
}

void compare(const Vparser_tb &top, const pc_parsed &model, const uint8_t *window)
{
    check("reason", top.reason_o, model.reason);
    check("decided", top.decided_o, model.decided);
    check("len", top.len_o, model.len);
    check("ingress", top.ingress_o, model.ingress);
    check("has_mac", top.has_mac_o, model.has_mac);
    for (unsigned i = 0; i < 6 && model.has_mac; i++)
        check("dst_mac", top.dst_mac_o >> 8 * i & 255, model.dst_mac[i]);
    check("about a flow", top.about_flow_o, model.about_flow);
    if (model.reason == PORTCAM_REASON_ICMP_ERROR) {
        check("inner layer 4", top.inner_l4_o, model.inner_l4);
        check("inner has_ports", top.inner_has_ports_o, model.inner_has_ports);
        check("inner has_sum", top.inner_has_sum_o, model.inner_has_sum);
        if (model.inner_has_sum) {
            const uint8_t *sum = window + model.inner_sum_at;
            check("inner sum_at", top.inner_sum_at_o, model.inner_sum_at);
            check("inner sum", top.inner_sum_o, sum[0] | sum[1] << 8);
        }
        if (!model.is_v6) {
            const uint8_t *sum = window + model.inner_at + 10;
            check("inner ip_sum", top.inner_ip_sum_o, sum[0] | sum[1] << 8);
        }
        check("ICMP sum", top.l4_sum_o, window[model.l4 + 2] | window[model.l4 + 3] << 8);
        check("inner protocol", top.inner_protocol_o, model.inner_protocol);
        check("inner source port", top.inner_src_port_o, model.inner_src.port);
        check("inner destination port", top.inner_dst_port_o, model.inner_dst.port);
        check_ip("inner source", top.inner_src_ip_o, model.inner_src.ip);
        check_ip("inner destination", top.inner_dst_ip_o, model.inner_dst.ip);
    }
    if (model.decided)
        return;
    check("is_v6", top.is_v6_o, model.is_v6);
    check("vlan", top.vlan_o, model.vlan);
    check_ip("source", top.src_ip_o, model.src.ip);
    check_ip("destination", top.dst_ip_o, model.dst.ip);
    check("protocol", top.protocol_o, model.protocol);
    check("has_ports", top.has_ports_o, model.has_ports);
    check("source port", top.src_port_o, model.src.port);
    check("destination port", top.dst_port_o, model.dst.port);
    check("l3", top.l3_o, model.l3);
    check("l4", top.l4_o, model.l4);
    if (!model.is_v6)
        check("ip_sum", top.ip_sum_o, window[model.l3 + 10] | window[model.l3 + 11] << 8);
    check("has_l4_sum", top.has_l4_sum_o, model.has_l4_sum);
    if (model.has_l4_sum) {
        check("l4_sum_at", top.l4_sum_at_o, model.l4_sum_at);
        check("l4_sum", top.l4_sum_o, window[model.l4_sum_at] | window[model.l4_sum_at + 1] << 8);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= Prefix)
        return 0;
    uint8_t window[128] = {};
    size_t len = size - Prefix;
    memcpy(window, data + Prefix, std::min<size_t>(len, sizeof window));
    if (len >= sizeof window)
        len += data[1] | data[2] << 8;

    pc_parsed model;
    pc_parse(window, len, data[0], MaxFrame, &model);

    Vparser_tb &top = parser();
    memcpy(&top.window_i[0], window, sizeof window);
    top.len_i = uint16_t(std::min<size_t>(len, 65535));
    top.ingress_i = data[0];
    top.oversize_i = len > MaxFrame;
    top.valid_i = 1;
    for (unsigned clock = 0; clock < Latency; clock++) {
        top.eval();
        check("valid", top.valid_o, 0);
        rise(top);
        top.valid_i = 0;
    }
    top.eval();
    check("valid", top.valid_o, 1);
    compare(top, model, window);
    rise(top);
    return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                                          unsigned seed)
{
    Random random(seed);
    if (max_size < Prefix + 64 || random.percent(50))
        return LLVMFuzzerMutate(data, size, max_size);
    Bytes frame;
    if (size <= Prefix || random.percent(20)) {
        frame = build(Tags(random.below(unsigned(Tags::count))),
                      unsigned(random.below(Ipv4Kinds + chains().size())),
                      L4(random.below(unsigned(L4::count))), random)
                    .bytes;
        data[0] = uint8_t(random.next());
        data[1] = data[2] = 0;
    } else {
        frame.assign(data + Prefix, data + size);
    }
    if (random.percent(70))
        mutate(frame, random);
    size_t count = std::min(frame.size(), max_size - Prefix);
    std::copy(frame.begin(), frame.begin() + long(count), data + Prefix);
    return Prefix + count;
}
