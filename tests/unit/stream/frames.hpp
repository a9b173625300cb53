// SPDX-License-Identifier: Apache-2.0
//
// Frames for the parser bench: every combination of tags, IP header, extension headers and layer 4,
// with right lengths, and the ways in which they are damaged afterwards.
#pragma once

#include <string>
#include <vector>

#include "parse_reference.hpp"
#include "tap.hpp"

struct Built {
    Bytes bytes;
    unsigned l3 = 14;
    unsigned headers = 0; // bytes up to the end of the last header, at most the frame
};

// What may stand in each layer.
enum class Tags { none, vlan, qinq, priority, priority_vlan, three, count };
enum class L4 {
    tcp,
    tcp_options,
    udp,
    sctp,
    icmp,
    other_icmp, // ICMP of the other IP version
    gre,
    dccp,
    discovery,
    error_tcp,
    error_udp_options,
    error_sctp,
    error_icmp,
    error_other, // a protocol without ports
    error_fragment,
    count
};

// IP headers: 0 to 10 is IPv4 with as many words of options; then IPv6 with the named chain of
// extension headers.
inline const std::vector<std::vector<unsigned>> &chains()
{
    // An entry is the protocol number, plus 256 times the length byte of that header.
    static const std::vector<std::vector<unsigned>> all = {
        {},
        {0},
        {43},
        {44},
        {51},
        {60},
        {135},
        {51 + 256 * 1},
        {51 + 256 * 4},
        {0 + 256 * 1, 60},
        {0, 43, 60},
        {0, 60, 43, 44, 51, 60, 135},
        {60, 60, 60, 60, 60, 60, 60, 60},
        {60, 60, 60, 60, 60, 60, 60, 60, 60},
        {60, 60, 60, 60, 60, 60, 60, 60, 60, 60},
        {51 + 256, 51 + 256, 51 + 256, 51 + 256, 51 + 256},
        {60 + 256 * 8},
        {60 + 256 * 20},
        {51 + 256 * 255},
        {60 + 256 * 255},
    };
    return all;
}

constexpr unsigned Ipv4Kinds = 11;

inline void put16(Bytes &b, unsigned value)
{
    b.push_back(uint8_t(value >> 8));
    b.push_back(uint8_t(value));
}

inline void set16(Bytes &b, unsigned at, unsigned value)
{
    b[at] = uint8_t(value >> 8);
    b[at + 1] = uint8_t(value);
}

inline void put_random(Bytes &b, unsigned count, Random &random)
{
    for (unsigned i = 0; i < count; i++)
        b.push_back(uint8_t(random.next()));
}

// An IP header with right lengths; extension headers and layer 4 are in `payload`.
inline void put_ip(Bytes &b, bool v6, unsigned option_words, unsigned protocol,
                   const Bytes &payload, Random &random, unsigned fragment = 0)
{
    if (v6) {
        put16(b, 0x6000 | unsigned(random.below(0x1000)));
        put_random(b, 2, random);
        put16(b, unsigned(payload.size()));
        b.push_back(uint8_t(protocol));
        put_random(b, 1, random);
        size_t at = b.size();
        put_random(b, 32, random);
        b[at + 16] = 0x20;
    } else {
        b.push_back(uint8_t(0x45 + option_words));
        put_random(b, 1, random);
        put16(b, unsigned(20 + 4 * option_words + payload.size()));
        put_random(b, 2, random);
        put16(b, fragment | (random.percent(50) ? 0x4000 : 0));
        put_random(b, 1, random);
        b.push_back(uint8_t(protocol));
        size_t at = b.size() + 2;
        put_random(b, 10, random);
        b[at + 4] = 10;
        for (unsigned i = 0; i < 4 * option_words; i++)
            b.push_back(uint8_t(random.below(0x80)));
    }
    b.insert(b.end(), payload.begin(), payload.end());
}

// Layer 4 and its protocol number; `headers` gets the bytes that a parser may look at.
inline Bytes make_l4(L4 kind, bool v6, Random &random, unsigned &protocol, unsigned &headers)
{
    static const uint8_t others[] = {0, 33, 43, 44, 47, 50, 51, 58, 60, 135, 136};
    Bytes b;
    unsigned data = unsigned(random.below(40));
    auto inner = [&](unsigned inner_protocol, unsigned options, unsigned fragment) {
        Bytes payload;
        put_random(payload, 8 + data, random);
        static const uint8_t v4_types[] = {3, 4, 11, 12};
        b = {uint8_t(v6 ? 1 + random.below(4) : v4_types[random.below(4)])};
        put_random(b, 7, random);
        put_ip(b, v6, options, inner_protocol, payload, random, fragment);
        protocol = v6 ? 58 : 1;
        headers = unsigned(b.size()) - data;
    };
    switch (kind) {
    case L4::tcp:
    case L4::tcp_options: {
        unsigned words = kind == L4::tcp ? 5 : 6 + unsigned(random.below(10));
        put_random(b, 4 * words, random);
        b[12] = uint8_t(words << 4 | random.below(16));
        protocol = 6;
        headers = 4 * words;
        put_random(b, data, random);
        break;
    }
    case L4::udp:
        put_random(b, 8 + data, random);
        set16(b, 4, unsigned(b.size()));
        protocol = 17;
        headers = 8;
        break;
    case L4::error_tcp:
        inner(6, 0, 0);
        break;
    case L4::error_udp_options:
        inner(17, v6 ? 0 : unsigned(random.below(11)), 0);
        break;
    case L4::error_sctp:
        inner(132, 0, 0);
        break;
    case L4::error_icmp:
        inner(v6 ? 58 : 1, 0, 0);
        break;
    case L4::error_other:
        inner(others[random.below(sizeof others)], 0, 0);
        break;
    case L4::error_fragment:
        inner(6, 0, v6 ? 0 : 0x2000 | unsigned(random.below(3)));
        break;
    default: {
        static const unsigned numbers[] = {6, 6, 17, 132, 1, 58, 47, 33, 58};
        protocol = numbers[unsigned(kind)];
        if (kind == L4::icmp && v6)
            protocol = 58;
        if (kind == L4::other_icmp && v6)
            protocol = 1;
        put_random(b, 16 + data, random);
        if (kind == L4::icmp)
            b[0] = v6 ? 128 : 8;
        if (kind == L4::discovery)
            b[0] = uint8_t(133 + random.below(5));
        headers = 12;
    }
    }
    return b;
}

inline Built build(Tags tags, unsigned ip_kind, L4 l4, Random &random)
{
    Built f;
    put_random(f.bytes, 12, random);
    f.bytes[0] &= 0xfe;
    auto tag = [&](unsigned type, unsigned id) {
        put16(f.bytes, type);
        put16(f.bytes, id | unsigned(random.below(16)) << 12);
        f.l3 += 4;
    };
    unsigned id = 1 + unsigned(random.below(4094));
    switch (tags) {
    case Tags::vlan:
        tag(random.percent(50) ? 0x8100 : 0x88a8, id);
        break;
    case Tags::qinq:
        tag(0x88a8, id);
        tag(0x8100, 1 + unsigned(random.below(4094)));
        break;
    case Tags::priority:
        tag(0x8100, 0);
        break;
    case Tags::priority_vlan:
        tag(0x8100, 0);
        tag(0x8100, id);
        break;
    case Tags::three:
        tag(0x88a8, id);
        tag(0x8100, id);
        tag(0x8100, id);
        break;
    default:
        break;
    }
    bool v6 = ip_kind >= Ipv4Kinds;
    put16(f.bytes, v6 ? 0x86dd : 0x0800);
    unsigned protocol = 0, headers = 0;
    Bytes payload = make_l4(l4, v6, random, protocol, headers);
    size_t l4_size = payload.size();
    if (v6) {
        const std::vector<unsigned> &chain = chains()[ip_kind - Ipv4Kinds];
        for (size_t i = chain.size(); i-- > 0;) {
            unsigned type = chain[i] & 255, n = chain[i] >> 8;
            unsigned size = type == 44 ? 8 : type == 51 ? 4 * (n + 2) : 8 * (n + 1);
            Bytes header;
            put_random(header, size, random);
            header[0] = uint8_t(protocol);
            header[1] = uint8_t(type == 44 ? random.next() : n);
            if (type == 44) // whole packet in one fragment
                set16(header, 2, unsigned(random.below(4)) << 1);
            if (type == 43)
                header[3] = 0;
            payload.insert(payload.begin(), header.begin(), header.end());
            headers += size;
            protocol = type;
        }
    }
    put_ip(f.bytes, v6, v6 ? 0 : ip_kind, protocol, payload, random);
    if (l4 >= L4::error_tcp && random.percent(70)) { // to the one who sent what is embedded
        unsigned address = v6 ? 16 : 4, source = v6 ? 8 : 12;
        size_t embedded = f.bytes.size() - l4_size + 8;
        std::copy_n(f.bytes.begin() + f.l3 + source + address, address,
                    f.bytes.begin() + long(embedded + source));
    }
    f.headers = f.l3 + (v6 ? 40 : 20 + 4 * ip_kind) + headers;
    if (f.headers > f.bytes.size())
        f.headers = unsigned(f.bytes.size());
    if (random.percent(30))
        put_random(f.bytes, unsigned(random.below(30)), random); // padding
    return f;
}

// The IP length field made `cut` bytes smaller, so that the packet ends inside the frame.
inline void cut_ip_length(Built &f, unsigned cut)
{
    bool v6 = f.bytes[f.l3] >> 4 == 6;
    unsigned at = f.l3 + (v6 ? 4 : 2);
    set16(f.bytes, at, (reference::be16(f.bytes, at) - cut) & 0xffff);
}

// Some bytes of the headers changed, towards values that mean something.
inline void mutate(Bytes &b, Random &random)
{
    static const uint8_t values[] = {0,    1,    2,    3,    4,    5,    6,    8,    11,   12,  17,
                                     20,   33,   40,   43,   44,   45,   51,   58,   60,   64,  69,
                                     0x46, 0x4f, 0x60, 0x65, 0x81, 0x83, 0x86, 0x88, 0x89, 132, 135,
                                     136,  137,  0xa8, 0xdd, 0xe0, 0xf0, 0xff, 0x80};
    unsigned count = 1 + unsigned(random.below(4));
    for (unsigned i = 0; i < count && !b.empty(); i++) {
        unsigned limit = b.size() < 140 ? unsigned(b.size()) : 140;
        uint8_t &byte = b[random.below(limit)];
        switch (random.below(4)) {
        case 0:
            byte = values[random.below(sizeof values)];
            break;
        case 1:
            byte = uint8_t(byte ^ 1u << random.below(8));
            break;
        case 2:
            byte = uint8_t(byte + random.below(9) - 4);
            break;
        default:
            byte = uint8_t(random.next());
        }
    }
    if (random.percent(10))
        b.resize(random.below(b.size() + 1));
}
