// SPDX-License-Identifier: Apache-2.0
//
// A card with rows of every table for the tests of the lookup, and packets to it.
#pragma once

#include "lookup_bench.hpp"

constexpr uint64_t kDeviceMac = 0x0200000000d0, kServerMac = 0x020000000051;
constexpr unsigned kTcp = 6, kUdp = 17, kDccp = 33, kSctp = 132, kUdpLite = 136, kIcmp = 1;

inline void put_mac(uint8_t *to, uint64_t mac)
{
    memcpy(to, &mac, 6);
}

struct World {
    Bench &b;
    Tap &tap;

    void device(bool there)
    {
        portcam_device_row row{};
        put_mac(row.mac, kDeviceMac);
        b.write(PORTCAM_TABLE_DEVICE, 0, there ? &row : nullptr);
    }

    void function(unsigned number, unsigned flags, uint64_t mac = 0, unsigned domain = 0)
    {
        portcam_function_row row{};
        row.flags = uint8_t(flags);
        row.domain = uint16_t(domain);
        put_mac(row.mac, mac);
        b.write(PORTCAM_TABLE_FUNCTION, number, &row);
    }

    void domain(unsigned number, unsigned state = PORTCAM_DOMAIN_STATE_RUNNING,
                unsigned policy = PORTCAM_POLICY_PASS)
    {
        portcam_domain_row row{};
        row.state = uint8_t(state);
        row.unknown = uint8_t(policy);
        b.write(PORTCAM_TABLE_DOMAIN, number, &row);
    }

    void address(unsigned row_number, const Ip &ip, bool is_v6, unsigned prefix, unsigned vlan,
                 unsigned domain, unsigned number)
    {
        portcam_address_row row{};
        memcpy(row.ip, ip.data(), 16);
        row.family = is_v6 ? 6 : 4;
        row.prefix = uint8_t(prefix);
        row.vlan = uint16_t(vlan);
        row.domain = uint16_t(domain);
        row.address = uint16_t(number);
        b.write(PORTCAM_TABLE_ADDRESS, row_number, &row);
    }

    // port or protocol -1: any.
    void service(unsigned row_number, unsigned domain, unsigned address, int protocol, int port,
                 unsigned service, unsigned backend, unsigned mode = PORTCAM_MODE_STATIC)
    {
        portcam_service_row row{};
        row.domain = uint16_t(domain);
        row.address = uint16_t(address);
        row.protocol = uint8_t(protocol < 0 ? 0 : protocol);
        row.port = uint16_t(port < 0 ? 0 : port);
        row.flags = uint8_t((port >= 0 ? PORTCAM_SERVICE_ROW_EXACT_PORT : 0) |
                            (protocol >= 0 ? PORTCAM_SERVICE_ROW_EXACT_PROTOCOL : 0));
        row.mode = uint8_t(mode);
        row.service = uint16_t(service);
        row.backend = uint16_t(backend);
        b.write(PORTCAM_TABLE_SERVICE, row_number, &row);
    }

    void backend(unsigned number, const Ip &ip, bool is_v6, unsigned port, unsigned egress,
                 bool has_mac = false)
    {
        portcam_backend_row row{};
        memcpy(row.ip, ip.data(), 16);
        row.family = is_v6 ? 6 : 4;
        row.port = uint16_t(port);
        row.egress = uint8_t(egress);
        row.flags = has_mac ? PORTCAM_BACKEND_ROW_HAS_MAC : 0;
        put_mac(row.mac, kServerMac);
        b.write(PORTCAM_TABLE_BACKEND, number, &row);
    }

    portcam_endpoint_row endpoint_row(const Ip &ip, bool is_v6, unsigned protocol, unsigned port,
                                      const Ip &public_ip, unsigned public_port, unsigned service,
                                      unsigned flags = 0)
    {
        portcam_endpoint_row row{};
        memcpy(row.ip, ip.data(), 16);
        row.family = is_v6 ? 6 : 4;
        row.protocol = uint8_t(protocol);
        row.port = uint16_t(port);
        memcpy(row.public_ip, public_ip.data(), 16);
        row.public_port = uint16_t(public_port);
        row.service = uint16_t(service);
        row.backend = 3;
        row.domain = 1;
        row.address = 2;
        row.flags = uint8_t(flags);
        return row;
    }

    Packet packet(const Ip &src, unsigned src_port, const Ip &dst, unsigned dst_port,
                  unsigned protocol = kTcp)
    {
        Packet p;
        p.src = src;
        p.dst = dst;
        p.protocol = protocol;
        p.has_ports = protocol == kTcp || protocol == kUdp || protocol == kSctp;
        p.src_port = p.has_ports ? src_port : 0;
        p.dst_port = p.has_ports ? dst_port : 0;
        p.has_l4_sum = protocol == kTcp || protocol == kUdp;
        return p;
    }

    // Reason and egress; -1 is a drop.
    Result expect(const char *what, const Packet &p, unsigned reason, int egress)
    {
        Result r = b.one(p);
        if (r.count.reason != reason)
            tap.fail("%s: reason %u, not %u", what, r.count.reason, reason);
        if (egress < 0 ? !r.drop : (r.drop || r.egress != unsigned(egress)))
            tap.fail("%s: drop %d egress %u, not %d", what, r.drop, r.egress, egress);
        if (r.count.tx_valid == r.drop || (!r.drop && r.count.tx != r.egress) ||
            r.count.rx != p.ingress || r.count.octets != p.len || r.from_host != (p.ingress != 0))
            tap.fail("%s: counts of the functions", what);
        if (r.l3 != 18 || r.l4 != 42 || r.l4_sum_at != 58)
            tap.fail("%s: offsets", what);
        bool translated =
            reason == PORTCAM_REASON_STATIC_FORWARD || reason == PORTCAM_REASON_STATIC_REVERSE;
        if (!translated && (r.set_dst_ip || r.set_src_ip || r.set_port || r.set_dst_mac ||
                            r.set_src_mac || r.set_ip_sum || r.set_l4_sum))
            tap.fail("%s: something is rewritten", what);
        return r;
    }

    // The numbers counted besides functions; -1: none.
    void counted(const char *what, const Result &r, bool reply, int domain, int address,
                 int service, int backend)
    {
        auto is = [](bool valid, unsigned value, int wanted) {
            return valid == (wanted >= 0) && (!valid || value == unsigned(wanted));
        };
        const Count &c = r.count;
        if (c.reply != reply || !is(c.domain_valid, c.domain, domain) ||
            !is(c.address_valid, c.address, address) || !is(c.service_valid, c.service, service) ||
            !is(c.backend_valid, c.backend, backend))
            tap.fail("%s: counted reply %d domain %d.%u address %d.%u service %d.%u backend %d.%u",
                     what, c.reply, c.domain_valid, c.domain, c.address_valid, c.address,
                     c.service_valid, c.service, c.backend_valid, c.backend);
    }
};

const Ip kClient = v4(198, 51, 100, 7), kVip = v4(192, 0, 2, 10), kServer = v4(10, 0, 0, 51);
const Ip kClient6 = v6(1, 7), kVip6 = v6(2, 10), kServer6 = v6(3, 51);

// A domain, an address and a static service to start from.
inline void base(World &w)
{
    w.device(true);
    w.domain(1);
    w.address(4, kVip, false, 32, PORTCAM_VLAN_ANY, 1, 2);
    w.backend(3, kServer, false, 8080, 2, true);
    w.service(5, 1, 2, kTcp, 80, 6, 3);
}
