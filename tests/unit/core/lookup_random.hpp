// SPDX-License-Identifier: Apache-2.0
//
// Random tables and random packets through lookup_tb, against pc_decide() of the reference model.
// Values come from small pools, so that rows and packets often meet. The two banks hold different
// tables; each packet takes either.
#pragma once

#include "decide.h"
#include "lookup_bench.hpp"
#include "tables.h"

class RandomWorld
{
public:
    RandomWorld(Bench &bench, Tap &tap, uint64_t seed) : b_(bench), tap_(tap), random_(seed)
    {
        pc_sizes sizes = pc_sizes_default();
        sizes.functions = kFunctions;
        sizes.domains = kDomains;
        sizes.addresses = kAddresses;
        sizes.services = kServices;
        sizes.backends = kBackends;
        sizes.endpoint_ways = kWays;
        sizes.endpoint_rows = kEndpoints;
        sizes.endpoint_any_port_rows = kAnyPorts;
        sizes.endpoint_any_rows = kAnys;
        b_.seed(uint32_t(random_.next()));
        for (pc_tables *&t : tables_) {
            t = pc_tables_new(&sizes);
            pc_tables_set_seed(t, b_.seed());
        }
    }
    ~RandomWorld()
    {
        for (pc_tables *t : tables_)
            pc_tables_free(t);
    }
    RandomWorld(const RandomWorld &) = delete;
    RandomWorld &operator=(const RandomWorld &) = delete;

    void rows(unsigned count)
    {
        for (unsigned i = 0; i < count; i++)
            row(random_.percent(50));
        for (pc_tables *t : tables_)
            pc_tables_build(t);
    }

    void read_back()
    {
        for (int bank = 0; bank < 2; bank++) {
            for (unsigned table = 0; table <= PORTCAM_TABLE_ENDPOINT_ANY; table++) {
                unsigned rows = pc_tables_rows(tables_[bank], table);
                for (unsigned r = 0; r<rows; r += rows> 64 ? 1 + random_.below(rows / 32) : 1) {
                    uint8_t got[48], zeros[48] = {};
                    const void *wanted = pc_tables_get(tables_[bank], table, r);
                    bool there = b_.read(bank, table, r, got);
                    if (there != (wanted != nullptr) ||
                        memcmp(got, wanted ? wanted : zeros, 48) != 0)
                        tap_.fail("bank %d table %u row %u reads back differently", bank, table, r);
                }
            }
        }
    }

    void packets(unsigned count, unsigned idle)
    {
        std::vector<Packet> in;
        for (unsigned i = 0; i < count; i++)
            in.push_back(packet());
        std::vector<Result> out = b_.run(in, idle, &random_);
        if (out.size() != in.size())
            tap_.fail("%zu results of %zu packets", out.size(), in.size());
        for (size_t i = 0; i < out.size(); i++)
            compare(in[i], out[i]);
    }

    unsigned seen(unsigned reason) const { return seen_[reason]; }

private:
    Bench &b_;
    Tap &tap_;
    Random random_;
    pc_tables *tables_[2] = {};
    unsigned seen_[64] = {};

    Ip ip(bool is_v6)
    {
        unsigned pick = unsigned(random_.below(8));
        if (random_.percent(4)) {
            Ip loop = v4(127, 0, 0, 1);
            if (is_v6)
                loop = Ip{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
            return loop;
        }
        return is_v6 ? v6(pick >> 1, pick & 1) : v4(10, 0, pick >> 1, pick & 1);
    }
    unsigned port() { return unsigned(random_.below(4)) * 80; }
    unsigned protocol()
    {
        static const uint8_t pool[] = {6, 6, 6, 17, 17, 132, 1, 33, 136};
        return pool[random_.below(sizeof pool)];
    }
    unsigned vlan() { return unsigned(random_.below(3)) * 5; }
    uint64_t mac() { return 0x020000000001 + random_.below(3); }

    void row(bool bank)
    {
        union {
            uint8_t bytes[48];
            portcam_function_row function;
            portcam_domain_row domain;
            portcam_address_row address;
            portcam_service_row service;
            portcam_backend_row backend;
            portcam_endpoint_row endpoint;
        } u{};
        static const uint8_t often[] = {0, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4,
                                        4, 4, 4, 5, 5, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8};
        unsigned table = often[random_.below(sizeof often)];
        unsigned rows = pc_tables_rows(tables_[bank], table);
        unsigned number = unsigned(random_.below(rows < 32 || random_.percent(30) ? rows : 32));
        bool is_v6 = random_.percent(40);
        uint64_t m = mac();
        Ip a = ip(is_v6), other = ip(is_v6);
        switch (table) {
        case PORTCAM_TABLE_DEVICE:
            memcpy(u.bytes, &m, 6);
            break;
        case PORTCAM_TABLE_FUNCTION:
            memcpy(u.function.mac, &m, 6);
            u.function.flags = uint8_t(random_.below(8));
            u.function.domain = uint16_t(random_.below(4));
            break;
        case PORTCAM_TABLE_DOMAIN:
            number = unsigned(random_.below(4));
            u.domain.state = uint8_t(random_.percent(50) ? 0 : random_.below(4));
            u.domain.unknown = uint8_t(random_.below(2));
            u.domain.home = uint8_t(random_.below(kFunctions));
            break;
        case PORTCAM_TABLE_ADDRESS: {
            u.address.prefix = uint8_t(random_.below(is_v6 ? 129 : 33));
            for (unsigned n = u.address.prefix; n < 128; n++)
                a[n / 8] &= uint8_t(~(0x80 >> n % 8));
            memcpy(u.address.ip, a.data(), 16);
            u.address.family = is_v6 ? 6 : 4;
            u.address.vlan = uint16_t(random_.percent(50) ? PORTCAM_VLAN_ANY : vlan());
            u.address.address = uint16_t(random_.below(4));
            u.address.domain = uint16_t(random_.below(4));
            u.address.home = uint8_t(random_.below(kFunctions));
            break;
        }
        case PORTCAM_TABLE_SERVICE:
            u.service.domain = uint16_t(random_.below(4));
            u.service.address =
                uint16_t(random_.percent(40) ? PORTCAM_ADDRESS_ANY : random_.below(4));
            u.service.port = uint16_t(port());
            u.service.protocol = uint8_t(protocol());
            u.service.flags = uint8_t(random_.below(4));
            u.service.mode = random_.percent(70) ? PORTCAM_MODE_STATIC : PORTCAM_MODE_DELIVER;
            u.service.service = uint16_t(random_.below(kServices));
            u.service.backend = uint16_t(random_.below(16));
            break;
        case PORTCAM_TABLE_BACKEND:
            number = unsigned(random_.below(16));
            memcpy(u.backend.ip, other.data(), 16);
            memcpy(u.backend.mac, &m, 6);
            u.backend.family = is_v6 ? 6 : 4;
            u.backend.flags = uint8_t(random_.below(2));
            u.backend.port = uint16_t(port());
            u.backend.egress = uint8_t(random_.below(kFunctions));
            break;
        default: {
            memcpy(u.endpoint.ip, a.data(), 16);
            u.endpoint.family = is_v6 ? 6 : 4;
            u.endpoint.protocol = uint8_t(table == PORTCAM_TABLE_ENDPOINT_ANY ? 0 : protocol());
            u.endpoint.port = uint16_t(table == PORTCAM_TABLE_ENDPOINT ? port() : 0);
            memcpy(u.endpoint.public_ip, other.data(), 16);
            u.endpoint.public_port = uint16_t(port());
            u.endpoint.service = uint16_t(random_.below(kServices));
            u.endpoint.backend = uint16_t(random_.below(kBackends));
            u.endpoint.domain = uint16_t(random_.below(4));
            u.endpoint.address = uint16_t(random_.below(kAddresses));
            u.endpoint.flags = uint8_t(random_.percent(20)) | uint8_t(random_.below(2) << 1);
            unsigned buckets = rows / kWays;
            number = endpoint_hash(u.bytes, b_.seed()) % buckets +
                     unsigned(random_.below(kWays)) * buckets;
            break;
        }
        }
        const void *data = random_.percent(8) ? nullptr : u.bytes;
        b_.write(bank, table, number, data);
        pc_tables_set(tables_[bank], table, number, data);
    }

    Packet packet()
    {
        Packet p;
        p.bank = random_.percent(50);
        p.decided = random_.percent(5);
        if (p.decided)
            p.reason =
                unsigned(random_.percent(20) ? PORTCAM_REASON_OVERSIZE : PORTCAM_REASON_NON_IP);
        p.is_v6 = random_.percent(40);
        p.vlan = vlan();
        p.dst_mac = mac();
        p.has_mac = !random_.percent(5);
        p.src = ip(p.is_v6);
        p.dst = ip(p.is_v6);
        p.protocol = protocol();
        p.has_ports = p.protocol == 6 || p.protocol == 17 || p.protocol == 132;
        p.has_l4_sum = p.protocol == 6 || p.protocol == 17;
        p.src_port = p.has_ports ? port() : 0;
        p.dst_port = p.has_ports ? port() : 0;
        p.ip_sum = uint16_t(random_.next());
        p.l4_sum = uint16_t(random_.percent(10) ? 0 : random_.next());
        p.len = 14 + unsigned(random_.below(9587));
        p.ingress = random_.percent(50) ? 0 : 1 + unsigned(random_.below(kFunctions - 1));
        p.about_flow = !p.decided && p.protocol != 33 && p.protocol != 136 && random_.percent(30);
        p.outer_src = random_.percent(50) ? p.src : ip(p.is_v6);
        p.outer_ip_sum = uint16_t(random_.next());
        p.icmp_sum = uint16_t(random_.percent(10) ? 0 - random_.below(2) : random_.next());
        if (p.about_flow && random_.percent(20))
            p.has_l4_sum = false;
        return p;
    }

    // A frame with what pc_rewrite() needs, at the offsets that lookup_tb uses.
    static void frame_of(const Packet &p, uint8_t *frame)
    {
        unsigned ip = p.is_v6 ? 16 : 4, first = p.is_v6 ? 8 : 12;
        uint8_t *src = frame + 18 + first, *dst = src + ip;
        memset(frame, 0, 128);
        memcpy(frame, &p.dst_mac, 6);
        memcpy(dst, p.dst.data(), ip);
        if (p.about_flow) {
            memcpy(src, p.outer_src.data(), ip);
            memcpy(frame + kIcmp + 2, &p.icmp_sum, 2);
            if (!p.is_v6) {
                memcpy(frame + 28, &p.outer_ip_sum, 2);
                memcpy(frame + kIcmp + 18, &p.ip_sum, 2);
            }
            dst = frame + kIcmp + 8 + first;
            src = dst + ip;
            memcpy(dst, p.dst.data(), ip);
        } else if (!p.is_v6) {
            memcpy(frame + 28, &p.ip_sum, 2);
        }
        memcpy(src, p.src.data(), ip);
        uint16_t ports[2] = {swap16(uint16_t(p.src_port)), swap16(uint16_t(p.dst_port))};
        if (p.about_flow)
            std::swap(ports[0], ports[1]);
        memcpy(frame + l4_of(p), ports, 4);
        memcpy(frame + l4_of(p) + 16, &p.l4_sum, 2);
    }
    static constexpr unsigned kL4 = 80, kIcmp = 58, kEmbeddedL4 = 106;

    static unsigned l4_of(const Packet &p) { return p.about_flow ? kEmbeddedL4 : kL4; }

    void compare(const Packet &p, const Result &r)
    {
        pc_parsed parsed{};
        parsed.reason = uint8_t(p.reason);
        parsed.decided = p.decided;
        parsed.has_mac = p.has_mac;
        memcpy(parsed.dst_mac, &p.dst_mac, 6);
        parsed.is_v6 = p.is_v6;
        parsed.vlan = uint16_t(p.vlan);
        memcpy(parsed.src.ip, p.src.data(), 16);
        memcpy(parsed.dst.ip, p.dst.data(), 16);
        parsed.src.port = uint16_t(p.src_port);
        parsed.dst.port = uint16_t(p.dst_port);
        parsed.protocol = uint8_t(p.protocol);
        parsed.has_ports = p.has_ports;
        parsed.has_l4_sum = p.has_l4_sum;
        parsed.l3 = 18;
        parsed.l4 = kL4;
        parsed.l4_sum_at = kL4 + 16;
        parsed.len = uint16_t(p.len);
        parsed.ingress = uint8_t(p.ingress);
        if (p.about_flow)
            error_of(p, parsed);
        pc_decision d;
        const pc_tables *t = tables_[p.bank];
        pc_decide(t, &parsed, &d);
        seen_[d.reason]++;
        const Count &c = r.count;
        if (c.reason != d.reason || r.drop != d.drop || (!d.drop && r.egress != d.egress)) {
            tap_.fail("reason %u drop %d egress %u, the model says %u %d %u", c.reason, r.drop,
                      r.egress, d.reason, d.drop, d.egress);
            return;
        }
        auto same = [](bool valid, unsigned value, int wanted) {
            return valid == (wanted >= 0) && (!valid || value == unsigned(wanted));
        };
        if (c.reply != d.reply || c.rx != p.ingress || c.octets != p.len || c.tx_valid == r.drop ||
            (c.tx_valid && c.tx != r.egress) || !same(c.domain_valid, c.domain, d.domain) ||
            !same(c.address_valid, c.address, d.address) ||
            !same(c.service_valid, c.service, d.service) ||
            !same(c.backend_valid, c.backend, d.backend))
            tap_.fail("reason %u: counted differently", c.reason);
        uint8_t wanted[128], got[128];
        frame_of(p, wanted);
        memcpy(got, wanted, sizeof got);
        pc_rewrite(t, &parsed, &d, wanted);
        apply(p, r, got);
        if (memcmp(got, wanted, sizeof got) != 0)
            tap_.fail("reason %u, protocol %u, IPv%d: rewritten differently", c.reason, p.protocol,
                      p.is_v6 ? 6 : 4);
    }

    // The parse result of an error, of which `parsed` is the answer to the embedded packet.
    static void error_of(const Packet &p, pc_parsed &parsed)
    {
        parsed.reason = PORTCAM_REASON_ICMP_ERROR;
        parsed.decided = parsed.about_flow = true;
        parsed.inner_src = parsed.dst;
        parsed.inner_dst = parsed.src;
        parsed.inner_protocol = parsed.protocol;
        parsed.inner_has_ports = parsed.has_ports;
        parsed.inner_has_sum = parsed.has_l4_sum;
        parsed.inner_at = kIcmp + 8;
        parsed.inner_l4 = kEmbeddedL4;
        parsed.inner_sum_at = kEmbeddedL4 + 16;
        memcpy(parsed.src.ip, p.outer_src.data(), 16);
        parsed.src.port = parsed.dst.port = 0;
        parsed.protocol = p.is_v6 ? 58 : 1;
        parsed.has_ports = false;
        parsed.has_l4_sum = p.is_v6;
        parsed.l4 = kIcmp;
        parsed.l4_sum_at = kIcmp + 2;
    }

    static void apply(const Packet &p, const Result &r, uint8_t *frame)
    {
        unsigned ip = p.is_v6 ? 16 : 4, first = p.is_v6 ? 8 : 12;
        if (r.set_dst_mac)
            memcpy(frame, &r.dst_mac, 6);
        if (r.set_src_mac)
            memcpy(frame + 6, &r.src_mac, 6);
        if (r.set_dst_ip)
            memcpy(frame + 18 + first + ip, r.ip.data(), ip);
        if (r.set_src_ip)
            memcpy(frame + 18 + first, r.ip.data(), ip);
        uint16_t port = swap16(uint16_t(r.port));
        if (r.set_port)
            memcpy(frame + l4_of(p) + (r.set_dst_ip != r.about_flow ? 2 : 0), &port, 2);
        if (r.set_ip_sum)
            memcpy(frame + 28, r.about_flow ? &r.outer_ip_sum : &r.ip_sum, 2);
        if (r.set_l4_sum)
            memcpy(frame + l4_of(p) + 16, &r.l4_sum, 2);
        if (r.about_flow) {
            uint8_t *embedded = frame + r.icmp_at + 8;
            memcpy(embedded + first + (r.set_dst_ip ? 0 : ip), r.ip.data(), ip);
            if (!p.is_v6)
                memcpy(embedded + 10, &r.ip_sum, 2);
            memcpy(frame + r.icmp_at + 2, &r.icmp_sum, 2);
        }
    }
};

inline void random_worlds(Bench &bench, Tap &tap, uint64_t seed)
{
    RandomWorld world(bench, tap, seed);
    for (int round = 0; round < 12; round++) {
        world.rows(round == 0 ? 150 : 60);
        world.packets(2000, round % 2 ? 30 : 0);
    }
    tap.done("random tables and packets: decision, rewrite and counts as in the model");
    world.read_back();
    tap.done("every row reads back as it was written, empty ones as zeros");
    for (unsigned reason = 0; reason <= PORTCAM_REASON_OTHER_CHECKSUM; reason++) {
        bool parsers = reason >= PORTCAM_REASON_NON_IP && reason <= PORTCAM_REASON_FRAGMENT;
        if (!parsers && world.seen(reason) == 0)
            tap.fail("reason %u never came", reason);
    }
    for (unsigned reason :
         {PORTCAM_REASON_ICMP_ERROR, PORTCAM_REASON_ICMP_FORWARD, PORTCAM_REASON_ICMP_REVERSE})
        if (world.seen(reason) == 0)
            tap.fail("reason %u never came", reason);
    tap.done("the random packets met every reason of the decision");
}
