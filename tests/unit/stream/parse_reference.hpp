// SPDX-License-Identifier: Apache-2.0
//
// A reading of docs/pipeline.md section 1 in C++, made without regard to the RTL or the C model and
// kept as a second opinion. It walks the page's numbered tests from top to bottom; parse() gives
// what the RTL's parsed_t must hold.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "portcam_defs.h"

using Bytes = std::vector<uint8_t>;

struct Parsed {
    uint8_t reason = PORTCAM_REASON_NO_MATCH;
    bool is_v6 = false;
    unsigned vlan = 0;
    std::array<uint8_t, 16> src{}, dst{};
    unsigned protocol = 0, src_port = 0, dst_port = 0;
    bool has_ports = false, has_l4_sum = false;
    unsigned l3 = 14, l4 = 0, l4_sum_at = 0;
    unsigned ip_end = 0; // at most the window
    unsigned tcp_flags = 0, tcp_payload = 0;
    uint32_t tcp_seq = 0, tcp_ack = 0;
    std::array<uint8_t, 16> inner_src{}, inner_dst{};
    unsigned inner_protocol = 0, inner_src_port = 0, inner_dst_port = 0;
    unsigned inner_at = 0, inner_l4 = 0, inner_sum_at = 0; // 0: no checksum
    bool about_flow = false;

    bool decided() const { return reason != PORTCAM_REASON_NO_MATCH; }
};

namespace reference
{

constexpr unsigned Window = 128;

inline unsigned be16(const Bytes &f, unsigned at)
{
    return at + 1 < f.size() ? f[at] * 256u + f[at + 1] : 0;
}
inline unsigned byte(const Bytes &f, unsigned at)
{
    return at < f.size() ? f[at] : 0;
}
inline bool carries_ports(unsigned protocol)
{
    return protocol == 6 || protocol == 17 || protocol == 132;
}

inline void copy(const Bytes &f, unsigned at, unsigned count, std::array<uint8_t, 16> &to)
{
    for (unsigned i = 0; i < count; i++)
        to[i] = uint8_t(byte(f, at + i));
}

// Test 8.
inline uint8_t embedded(const Bytes &f, unsigned e, unsigned end, Parsed &p)
{
    unsigned fixed = p.is_v6 ? 40 : 20, q;
    if (e + fixed > end)
        return PORTCAM_REASON_ICMP_ERROR_SHORT;
    if (e + fixed > Window)
        return PORTCAM_REASON_COMPLEX_WINDOW;
    unsigned version = byte(f, e) >> 4, ihl = byte(f, e) & 15;
    if (version != (p.is_v6 ? 6 : 4))
        return PORTCAM_REASON_ICMP_ERROR_SHORT;
    if (p.is_v6) {
        q = e + 40;
        p.inner_protocol = byte(f, e + 6);
    } else {
        if (ihl < 5 || e + 4 * ihl > end || (be16(f, e + 6) & 0x1fff) != 0)
            return PORTCAM_REASON_ICMP_ERROR_SHORT;
        q = e + 4 * ihl;
        p.inner_protocol = byte(f, e + 9);
    }
    if (carries_ports(p.inner_protocol)) {
        if (q + 8 > end)
            return PORTCAM_REASON_ICMP_ERROR_SHORT;
        if (q + 4 > Window)
            return PORTCAM_REASON_COMPLEX_WINDOW;
        p.inner_src_port = be16(f, q);
        p.inner_dst_port = be16(f, q + 2);
    }
    copy(f, e + (p.is_v6 ? 8 : 12), p.is_v6 ? 16 : 4, p.inner_src);
    copy(f, e + (p.is_v6 ? 24 : 16), p.is_v6 ? 16 : 4, p.inner_dst);
    p.inner_at = e;
    p.inner_l4 = q;
    if (p.inner_protocol == 6 && q + 20 <= end && q + 18 <= Window)
        p.inner_sum_at = q + 16;
    if (p.inner_protocol == 17 && q + 8 <= Window)
        p.inner_sum_at = q + 6;
    if (p.inner_protocol == 58 && p.is_v6 && q + 8 <= end && q + 4 <= Window)
        p.inner_sum_at = q + 2;
    bool never = p.inner_protocol == 33 || p.inner_protocol == 136;
    for (unsigned extension : {0, 43, 44, 51, 60, 135})
        never |= p.is_v6 && p.inner_protocol == extension;
    p.about_flow = !never && p.dst == p.inner_src;
    return PORTCAM_REASON_ICMP_ERROR;
}

// Test 7.
inline uint8_t layer4(const Bytes &f, unsigned end, Parsed &p)
{
    unsigned l4 = p.l4, room = end - l4, minimum, needs;
    bool icmp = p.protocol == (p.is_v6 ? 58u : 1u);
    switch (p.protocol) {
    case 6:
        minimum = 20, needs = 18;
        break;
    case 17:
        minimum = 8, needs = 8;
        break;
    case 132:
        minimum = 12, needs = 4;
        break;
    default:
        if (!icmp)
            return PORTCAM_REASON_NO_MATCH;
        minimum = 8, needs = 4;
    }
    if (room < minimum)
        return PORTCAM_REASON_UNPARSED_L4;
    if (l4 + needs > Window)
        return PORTCAM_REASON_COMPLEX_WINDOW;
    unsigned offset = 4 * (byte(f, l4 + 12) >> 4), udp_len = be16(f, l4 + 4), type = byte(f, l4);
    if (p.protocol == 6 && (offset < 20 || offset > room))
        return PORTCAM_REASON_UNPARSED_L4;
    if (p.protocol == 17 && (udp_len < 8 || udp_len > room))
        return PORTCAM_REASON_UNPARSED_L4;
    if (p.protocol == 6) {
        p.tcp_flags = byte(f, l4 + 13);
        p.tcp_seq = be16(f, l4 + 4) * 65536u + be16(f, l4 + 6);
        p.tcp_ack = be16(f, l4 + 8) * 65536u + be16(f, l4 + 10);
        p.tcp_payload = room - offset;
    }
    p.has_ports = !icmp;
    if (p.has_ports)
        p.src_port = be16(f, l4), p.dst_port = be16(f, l4 + 2);
    p.has_l4_sum = p.protocol == 6 || p.protocol == 17 || p.protocol == 58;
    p.l4_sum_at = l4 + (p.protocol == 6 ? 16 : p.protocol == 17 ? 6 : 2);
    if (!icmp)
        return PORTCAM_REASON_NO_MATCH;
    if (p.is_v6 && type >= 133 && type <= 137)
        return PORTCAM_REASON_NEIGHBOUR_DISCOVERY;
    if (p.is_v6 ? type >= 1 && type <= 4 : type == 3 || type == 4 || type == 11 || type == 12)
        return embedded(f, l4 + 8, end, p);
    return PORTCAM_REASON_NO_MATCH;
}

// Tests 1 to 6; `len` is the frame's length, f holds its beginning.
inline uint8_t decide(const Bytes &f, unsigned len, Parsed &p)
{
    if (len < 14)
        return PORTCAM_REASON_UNPARSED_SHORT;
    unsigned type = be16(f, 12), end;
    for (int twice = 0; twice < 2; twice++) {
        if (type != 0x8100 && type != 0x88a8)
            continue;
        if (len < p.l3 + 4)
            return PORTCAM_REASON_UNPARSED_SHORT;
        if (p.vlan == 0)
            p.vlan = be16(f, p.l3) & 0xfff;
        type = be16(f, p.l3 + 2);
        p.l3 += 4;
    }
    unsigned l3 = p.l3;
    if (type != 0x0800 && type != 0x86dd)
        return PORTCAM_REASON_NON_IP;
    p.is_v6 = type == 0x86dd;
    unsigned version = byte(f, l3) >> 4;
    if (len < l3 + (p.is_v6 ? 40 : 20))
        return PORTCAM_REASON_UNPARSED_SHORT;
    if (version != (p.is_v6 ? 6 : 4))
        return PORTCAM_REASON_UNPARSED_VERSION;
    if (!p.is_v6) {
        unsigned ihl = byte(f, l3) & 15, total = be16(f, l3 + 2);
        if (ihl < 5)
            return PORTCAM_REASON_UNPARSED_IHL;
        if (total < 4 * ihl || l3 + total > len)
            return PORTCAM_REASON_UNPARSED_LENGTH;
        if ((be16(f, l3 + 6) & 0x2000) || (be16(f, l3 + 6) & 0x1fff))
            return PORTCAM_REASON_FRAGMENT;
        for (unsigned at = l3 + 20; at < l3 + 4 * ihl; at++)
            if (byte(f, at) == 0x83 || byte(f, at) == 0x89)
                return PORTCAM_REASON_COMPLEX_OPTIONS;
        p.protocol = byte(f, l3 + 9);
        p.l4 = l3 + 4 * ihl;
        end = l3 + total;
        copy(f, l3 + 12, 4, p.src);
        copy(f, l3 + 16, 4, p.dst);
    } else {
        end = l3 + 40 + be16(f, l3 + 4);
        if (end > len)
            return PORTCAM_REASON_UNPARSED_LENGTH;
        unsigned at = l3 + 40, protocol = byte(f, l3 + 6);
        while (protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 ||
               protocol == 60 || protocol == 135) {
            if (at + 8 > end)
                return PORTCAM_REASON_UNPARSED_CHAIN;
            if (at + 8 > Window)
                return PORTCAM_REASON_COMPLEX_WINDOW;
            unsigned n = byte(f, at + 1), offset = be16(f, at + 2) >> 3, more = byte(f, at + 3) & 1;
            if (protocol == 44 && (offset || more))
                return PORTCAM_REASON_FRAGMENT;
            if (protocol == 43 && byte(f, at + 3))
                return PORTCAM_REASON_COMPLEX_ROUTING;
            unsigned size = protocol == 44 ? 8 : protocol == 51 ? 4 * (n + 2) : 8 * (n + 1);
            protocol = byte(f, at);
            at += size;
            if (at > end)
                return PORTCAM_REASON_UNPARSED_CHAIN;
        }
        p.protocol = protocol;
        p.l4 = at;
        if (at > Window)
            return PORTCAM_REASON_COMPLEX_WINDOW;
        copy(f, l3 + 8, 16, p.src);
        copy(f, l3 + 24, 16, p.dst);
    }
    bool everyone =
        !p.is_v6 && p.dst[0] == 255 && p.dst[1] == 255 && p.dst[2] == 255 && p.dst[3] == 255;
    if ((f[0] & 1) || everyone || (p.is_v6 ? p.dst[0] == 0xff : (p.dst[0] & 0xf0) == 0xe0))
        return PORTCAM_REASON_MULTICAST;
    p.ip_end = end < Window ? end : Window;
    return layer4(f, end, p);
}

} // namespace reference

// `frame` may stop after the window; `len` is the real length.
inline Parsed parse(const Bytes &frame, unsigned len, bool oversize)
{
    Parsed parsed;
    parsed.reason =
        oversize ? uint8_t(PORTCAM_REASON_OVERSIZE) : reference::decide(frame, len, parsed);
    return parsed;
}
