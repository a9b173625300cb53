// SPDX-License-Identifier: Apache-2.0
//
// A reading of docs/pipeline.md section 6 in C++, made without regard to the RTL or the C model: the
// answer to a rejected frame, put together byte after byte from the whole frame.
#pragma once

#include "parse_reference.hpp"

namespace reference
{

inline void append(Bytes &to, const Bytes &from, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to.push_back(uint8_t(byte(from, unsigned(at + i))));
}

inline void append16(Bytes &to, unsigned value)
{
    to.push_back(uint8_t(value >> 8));
    to.push_back(uint8_t(value));
}

inline void append32(Bytes &to, uint32_t value)
{
    append16(to, value >> 16);
    append16(to, value & 0xffff);
}

// RFC 1071 over whole bytes; an odd one at the end is the high half of a word.
inline unsigned internet_checksum(const Bytes &bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.size(); i++)
        sum += i % 2 ? bytes[i] : bytes[i] * 256u;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~unsigned(sum) & 0xffff;
}

// `f` holds the first 128 bytes of the frame, or all; p is what parse() says of it, not decided.
inline Bytes answer(const Bytes &f, const Parsed &p)
{
    bool tcp = p.protocol == 6;
    unsigned protocol = tcp ? 6 : p.is_v6 ? 58 : 1;
    Bytes ends; // addresses of the answer
    if (p.is_v6) {
        append(ends, f, p.l3 + 24, 16);
        append(ends, f, p.l3 + 8, 16);
    } else {
        append(ends, f, p.l3 + 16, 4);
        append(ends, f, p.l3 + 12, 4);
    }

    Bytes l4;
    size_t sum_at = 2;
    if (tcp) {
        append(l4, f, p.l4 + 2, 2);
        append(l4, f, p.l4, 2);
        unsigned flags = p.tcp_flags;
        if (flags & 0x10) {
            append32(l4, p.tcp_ack);
            append32(l4, 0);
            append16(l4, 0x5004);
        } else {
            append32(l4, 0);
            append32(l4, p.tcp_seq + p.tcp_payload + (flags >> 1 & 1) + (flags & 1));
            append16(l4, 0x5014);
        }
        append16(l4, 0);
        append32(l4, 0);
        sum_at = 16;
    } else {
        append16(l4, p.is_v6 ? 0x0104 : 0x0303);
        append16(l4, 0);
        append32(l4, 0);
        append(l4, f, p.l3, p.ip_end - p.l3);
    }
    Bytes summed;
    if (tcp || p.is_v6) {
        summed = ends;
        append32(summed, uint32_t(l4.size()));
        append32(summed, protocol);
    }
    append(summed, l4, 0, l4.size());
    unsigned sum = internet_checksum(summed);
    l4[sum_at] = uint8_t(sum >> 8);
    l4[sum_at + 1] = uint8_t(sum);

    Bytes a;
    append(a, f, 6, 6);
    append(a, f, 0, 6);
    append(a, f, 12, p.l3 - 12);
    if (p.is_v6) {
        append32(a, 0x60000000);
        append16(a, unsigned(l4.size()));
        append16(a, protocol * 256 + 64);
        append(a, ends, 0, 32);
    } else {
        Bytes ip;
        append16(ip, 0x4500);
        append16(ip, unsigned(20 + l4.size()));
        append32(ip, 0x00004000);
        append16(ip, 64 * 256 + protocol);
        append16(ip, 0);
        append(ip, ends, 0, 8);
        sum = internet_checksum(ip);
        ip[10] = uint8_t(sum >> 8);
        ip[11] = uint8_t(sum);
        append(a, ip, 0, 20);
    }
    append(a, l4, 0, l4.size());
    if (a.size() < 60)
        a.resize(60);
    return a;
}

} // namespace reference
