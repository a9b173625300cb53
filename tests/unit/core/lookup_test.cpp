// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup and portcam_stats against docs/pipeline.md, sections 2 to 5: each branch by name,
// then random tables and packets against the reference model. The first argument is the seed.

#include "lookup_bench.hpp"
#include "lookup_random.hpp"

namespace
{

constexpr uint64_t kDeviceMac = 0x0200000000d0, kServerMac = 0x020000000051;
constexpr unsigned kTcp = 6, kUdp = 17, kDccp = 33, kSctp = 132, kUdpLite = 136, kIcmp = 1;

void put_mac(uint8_t *to, uint64_t mac)
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

void functions(World &w)
{
    w.expect("empty table", w.packet(kClient, 1, kVip, 80), PORTCAM_REASON_NO_MATCH, 1);
    Packet p = w.packet(kClient, 1, kVip, 80);
    p.ingress = 2;
    w.expect("from a host function", p, PORTCAM_REASON_NO_MATCH, 0);
    w.tap.done("P12 default egress: function 1, and the network from a host function");

    w.function(3, PORTCAM_FUNCTION_ROW_IS_DEFAULT);
    w.function(2, PORTCAM_FUNCTION_ROW_IS_DEFAULT);
    p.ingress = 0;
    w.expect("lowest default", p, PORTCAM_REASON_NO_MATCH, 2);
    w.function(3, PORTCAM_FUNCTION_ROW_HAS_MAC, p.dst_mac);
    w.expect("MAC before default", p, PORTCAM_REASON_NO_MATCH, 3);
    w.function(2, PORTCAM_FUNCTION_ROW_HAS_MAC | PORTCAM_FUNCTION_ROW_IS_DEFAULT, p.dst_mac);
    w.function(0, PORTCAM_FUNCTION_ROW_HAS_MAC | PORTCAM_FUNCTION_ROW_IS_DEFAULT, p.dst_mac);
    w.expect("lowest MAC, never function 0", p, PORTCAM_REASON_NO_MATCH, 2);
    w.function(2, 0, p.dst_mac);
    w.expect("a MAC without has_mac is none", p, PORTCAM_REASON_NO_MATCH, 3);
    p.has_mac = false;
    w.function(1, PORTCAM_FUNCTION_ROW_IS_DEFAULT);
    w.expect("frame without a MAC", p, PORTCAM_REASON_NO_MATCH, 1);
    w.tap.done("P12 default egress: lowest MAC, else lowest default, else function 1");

    for (unsigned f = 0; f < 4; f++)
        w.b.write(PORTCAM_TABLE_FUNCTION, f, nullptr);
    p = w.packet(kClient, 1, kVip, 80);
    p.decided = true;
    p.reason = PORTCAM_REASON_FRAGMENT;
    Result r = w.expect("decided", p, PORTCAM_REASON_FRAGMENT, 1);
    w.counted("decided", r, false, -1, -1, -1, -1);
    p.reason = PORTCAM_REASON_OVERSIZE;
    p.len = 12000;
    r = w.expect("oversize", p, PORTCAM_REASON_OVERSIZE, -1);
    if (!r.discarded)
        w.tap.fail("oversize is not marked as discarded");
    w.tap.done("P1 what the parser decided passes; oversize is dropped and discarded");
}

// A domain, an address and a static service to start from.
void base(World &w)
{
    w.device(true);
    w.domain(1);
    w.address(4, kVip, false, 32, PORTCAM_VLAN_ANY, 1, 2);
    w.backend(3, kServer, false, 8080, 2, true);
    w.service(5, 1, 2, kTcp, 80, 6, 3);
}

void addresses(World &w)
{
    w.domain(2, 0, PORTCAM_POLICY_DROP);
    auto domain_of = [&](const char *what, const Packet &p, int domain, int address) {
        w.counted(what, w.b.one(p), false, domain, address, -1, -1);
    };
    Packet p = w.packet(kClient, 1, kVip, 81);
    w.address(6, v4(192, 0, 2, 0), false, 24, PORTCAM_VLAN_ANY, 2, 7);
    w.address(7, v4(0, 0, 0, 0), false, 0, PORTCAM_VLAN_ANY, 1, 5);
    domain_of("/32", p, 1, 2);
    p.dst = v4(192, 0, 2, 11);
    domain_of("/24", p, 2, 7);
    p.dst = v4(192, 0, 3, 11);
    domain_of("/0", p, 1, 5);
    Packet q = p;
    q.is_v6 = true;
    q.dst = v6(9, 9);
    domain_of("IPv4 /0 is not for IPv6", q, -1, -1);
    w.address(8, v6(2, 0), true, 45, PORTCAM_VLAN_ANY, 1, 6);
    q.dst = v6(7, 1);
    domain_of("IPv6 /45 inside", q, 1, 6);
    q.dst = v6(8, 1);
    domain_of("IPv6 /45 outside", q, -1, -1);
    w.tap.done("P3 longest prefix wins by row order, families apart");

    w.address(3, kVip, false, 32, 100, 2, 1);
    p = w.packet(kClient, 1, kVip, 81);
    p.vlan = 100;
    domain_of("VLAN 100", p, 2, 1);
    p.vlan = 101;
    domain_of("VLAN 101", p, 1, 2);
    w.address(2, kVip, false, 32, 0, 2, 4);
    p.vlan = 0;
    domain_of("untagged", p, 2, 4);
    w.b.write(PORTCAM_TABLE_ADDRESS, 2, nullptr);
    domain_of("row emptied", p, 1, 2);
    w.b.write(PORTCAM_TABLE_DOMAIN, 2, nullptr);
    p.vlan = 100;
    w.counted("empty domain", w.expect("empty domain", p, PORTCAM_REASON_NO_MATCH, 1), false, -1,
              -1, -1, -1);
    w.tap.done("P3 a VLAN-specific row beats VLAN-any; an empty domain is no match");

    for (unsigned row : {3u, 6u, 7u, 8u})
        w.b.write(PORTCAM_TABLE_ADDRESS, row, nullptr);
}

void services(World &w)
{
    // Eight rows in the order that the library gives them: port weighs most, then address, then
    // protocol.
    w.b.write(PORTCAM_TABLE_SERVICE, 5, nullptr);
    for (unsigned i = 0; i < 8; i++) {
        bool any_port = i & 4, any_address = i & 2, any_protocol = i & 1;
        w.service(8 + i, 1, any_address ? PORTCAM_ADDRESS_ANY : 2, any_protocol ? -1 : int(kTcp),
                  any_port ? -1 : 80, i, 3, PORTCAM_MODE_DELIVER);
    }
    for (unsigned removed = 0; removed <= 8; removed++) {
        Result r = w.b.one(w.packet(kClient, 1, kVip, 80));
        if (removed < 8)
            w.counted("most specific row left", r, false, 1, 2, int(removed), 3);
        else if (r.count.reason != PORTCAM_REASON_UNKNOWN_PASS)
            w.tap.fail("no row left: reason %u", r.count.reason);
        if (removed < 8)
            w.b.write(PORTCAM_TABLE_SERVICE, 8 + removed, nullptr);
    }
    w.tap.done("P4 all eight combinations of wildcards, the lowest row wins");

    w.address(9, v4(192, 0, 2, 77), false, 32, PORTCAM_VLAN_ANY, 1, 3);
    w.service(8, 1, 2, kTcp, 80, 0, 3, PORTCAM_MODE_DELIVER);
    w.service(9, 2, 3, -1, -1, 1, 3, PORTCAM_MODE_DELIVER);
    Packet p = w.packet(kClient, 1, v4(192, 0, 2, 77), 80);
    w.expect("other address of the domain, other domain's row", p, PORTCAM_REASON_UNKNOWN_PASS, 1);
    w.expect("other port", w.packet(kClient, 1, kVip, 81), PORTCAM_REASON_UNKNOWN_PASS, 1);
    w.expect("other protocol", w.packet(kClient, 1, kVip, 80, kUdp), PORTCAM_REASON_UNKNOWN_PASS,
             1);
    w.service(8, 1, 2, -1, 0, 0, 3, PORTCAM_MODE_DELIVER);
    w.expect("no ports and exact port 0", w.packet(kClient, 1, kVip, 0, kIcmp),
             PORTCAM_REASON_UNKNOWN_PASS, 1);
    w.expect("port 0 and exact port 0", w.packet(kClient, 1, kVip, 0), PORTCAM_REASON_DELIVER, 2);
    w.service(8, 1, 2, kIcmp, -1, 0, 3, PORTCAM_MODE_DELIVER);
    w.expect("no ports and any port", w.packet(kClient, 1, kVip, 0, kIcmp), PORTCAM_REASON_DELIVER,
             2);
    w.tap.done("P4 protocols without ports match only any port");

    p = w.packet(kClient, 1, v4(127, 3, 2, 1), 80);
    w.service(8, 1, PORTCAM_ADDRESS_ANY, kTcp, 80, 4, 3, PORTCAM_MODE_DELIVER);
    w.address(0, v4(127, 0, 0, 0), false, 8, PORTCAM_VLAN_ANY, 1, 2);
    w.expect("from the network", p, PORTCAM_REASON_NO_MATCH, 1);
    p.ingress = 3;
    w.expect("function without a domain", p, PORTCAM_REASON_NO_MATCH, 0);
    w.function(3, PORTCAM_FUNCTION_ROW_HAS_DOMAIN, 0, 1);
    w.counted("loopback", w.expect("loopback", p, PORTCAM_REASON_DELIVER, 2), false, 1, -1, 4, 3);
    Packet q = p;
    q.is_v6 = true;
    q.dst = Ip{};
    q.dst[15] = 1;
    w.expect("::1", q, PORTCAM_REASON_DELIVER, 2);
    q.dst[3] = 1;
    w.expect("not ::1", q, PORTCAM_REASON_NO_MATCH, 0);
    w.service(8, 1, 0, kTcp, 80, 4, 3, PORTCAM_MODE_DELIVER);
    w.counted("a number is not ANY",
              w.expect("a number is not ANY", p, PORTCAM_REASON_UNKNOWN_PASS, 0), false, 1, -1, -1,
              -1);
    w.tap.done("S2.27 F.28 loopback from a host function is the source domain with address ANY");

    w.b.write(PORTCAM_TABLE_FUNCTION, 3, nullptr);
    for (unsigned row : {0u, 9u})
        w.b.write(PORTCAM_TABLE_ADDRESS, row, nullptr);
    for (unsigned row : {8u, 9u})
        w.b.write(PORTCAM_TABLE_SERVICE, row, nullptr);
    base(w);
}

void states(World &w)
{
    Packet served = w.packet(kClient, 1, kVip, 80), unknown = w.packet(kClient, 1, kVip, 81);
    w.domain(1, PORTCAM_DOMAIN_STATE_DRAINING);
    w.expect("draining", served, PORTCAM_REASON_STATIC_FORWARD, 2);
    w.domain(1, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_DROP);
    w.counted("paused", w.expect("paused", served, PORTCAM_REASON_PAUSED_DROP, -1), false, 1, 2, 6,
              -1);
    w.expect("paused, no service", unknown, PORTCAM_REASON_PAUSED_DROP, -1);
    w.domain(1, PORTCAM_DOMAIN_STATE_STOPPED);
    w.counted("stopped", w.expect("stopped", served, PORTCAM_REASON_STOPPED_PASS, 1), false, 1, 2,
              6, -1);
    w.expect("stopped, no service", unknown, PORTCAM_REASON_STOPPED_PASS, 1);
    w.domain(1, PORTCAM_DOMAIN_STATE_STOPPED, PORTCAM_POLICY_DROP);
    w.expect("stopped, drop", served, PORTCAM_REASON_STOPPED_DROP, -1);
    w.expect("stopped, no service, drop", unknown, PORTCAM_REASON_STOPPED_DROP, -1);
    w.domain(1, PORTCAM_DOMAIN_STATE_RUNNING, PORTCAM_POLICY_DROP);
    w.counted("running", w.expect("running, drop", unknown, PORTCAM_REASON_UNKNOWN_DROP, -1), false,
              1, 2, -1, -1);
    w.domain(1);
    w.expect("running, pass", unknown, PORTCAM_REASON_UNKNOWN_PASS, 1);
    w.tap.done("states of a domain: running, draining, paused, stopped, with both policies");
}

// Sum of the 16-bit words of an address, a port and whatever else the checksum covers.
uint16_t checksum(const Ip &ip, unsigned port, uint32_t rest)
{
    uint32_t sum = rest + port;
    for (int i = 0; i < 16; i += 2)
        sum += unsigned(ip[i] << 8 | ip[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return uint16_t(~sum);
}

void forward(World &w)
{
    Packet p = w.packet(kClient, 1234, kVip, 80);
    p.ip_sum = swap16(checksum(kVip, 0, 0x54321));
    p.l4_sum = swap16(checksum(kVip, 80, 0x12345));
    Result r = w.expect("static", p, PORTCAM_REASON_STATIC_FORWARD, 2);
    w.counted("static", r, false, 1, 2, 6, 3);
    if (!r.set_dst_ip || r.set_src_ip || r.is_v6 || r.ip != kServer || !r.set_port ||
        r.port != 8080)
        w.tap.fail("address or port");
    if (!r.set_dst_mac || r.dst_mac != kServerMac || !r.set_src_mac || r.src_mac != kDeviceMac)
        w.tap.fail("MACs");
    if (!r.set_ip_sum || r.ip_sum != swap16(checksum(kServer, 0, 0x54321)) || !r.set_l4_sum ||
        r.l4_sum != swap16(checksum(kServer, 8080, 0x12345)))
        w.tap.fail("checksums %04x %04x", r.ip_sum, r.l4_sum);
    w.device(false);
    r = w.b.one(p);
    if (r.set_src_mac || !r.set_dst_mac)
        w.tap.fail("source MAC without a device row");
    w.backend(3, kServer, false, 0, 2);
    r = w.b.one(p);
    if (r.set_port || r.set_dst_mac || r.set_src_mac ||
        r.l4_sum != swap16(checksum(kServer, 80, 0x12345)))
        w.tap.fail("port 0 keeps the port, no MAC keeps the MACs");
    w.tap.done("P5 static: destination, port, MACs and both checksums");

    w.address(0, kVip6, true, 128, PORTCAM_VLAN_ANY, 1, 2);
    p.is_v6 = true;
    p.src = kClient6;
    p.dst = kVip6;
    p.l4_sum = swap16(checksum(kVip6, 80, 0x777));
    w.expect("backend of the other family", p, PORTCAM_REASON_NO_BACKEND, -1);
    w.backend(3, kServer6, true, 8080, 2);
    r = w.expect("IPv6", p, PORTCAM_REASON_STATIC_FORWARD, 2);
    if (r.set_ip_sum || !r.is_v6 || r.ip != kServer6 ||
        r.l4_sum != swap16(checksum(kServer6, 8080, 0x777)))
        w.tap.fail("IPv6 address or checksum");
    w.service(5, 1, 2, kUdp, 80, 6, 3);
    p.protocol = kUdp;
    p.l4_sum = swap16(0);
    r = w.b.one(p);
    if (!r.set_l4_sum || r.l4_sum != 0)
        w.tap.fail("UDP without checksum");
    // The old and the new sum of words are congruent and the new checksum is 0, which UDP writes as
    // 0xffff.
    uint32_t rest = checksum(kServer6, 8080, 0);
    p.l4_sum = swap16(checksum(kVip6, 80, rest));
    r = w.b.one(p);
    if (r.l4_sum != 0xffff)
        w.tap.fail("UDP result of 0: %04x", r.l4_sum);
    p.protocol = kTcp;
    w.service(5, 1, 2, kTcp, 80, 6, 3);
    r = w.b.one(p);
    if (r.l4_sum != 0)
        w.tap.fail("TCP result of 0: %04x", r.l4_sum);
    w.tap.done("F.3 UDP zero stays zero, a UDP result of zero becomes 0xffff, TCP zero stays");

    w.backend(3, kServer, false, 8080, 2);
    w.expect("backend of the other family", p, PORTCAM_REASON_NO_BACKEND, -1);
    w.b.write(PORTCAM_TABLE_BACKEND, 3, nullptr);
    p = w.packet(kClient, 1234, kVip, 80);
    w.counted("none", w.expect("empty backend", p, PORTCAM_REASON_NO_BACKEND, -1), false, 1, 2, 6,
              -1);
    w.service(5, 1, 2, kTcp, 80, 6, 3, PORTCAM_MODE_DELIVER);
    w.expect("empty backend of deliver", p, PORTCAM_REASON_NO_BACKEND, -1);
    w.backend(3, kServer6, true, 8080, 3);
    w.counted("deliver", w.expect("deliver", p, PORTCAM_REASON_DELIVER, 3), false, 1, 2, 6, 3);
    w.tap.done("P5 P7 deliver, and services without a backend");

    w.service(5, 1, 2, -1, -1, 6, 3);
    w.backend(3, kServer, false, 8080, 2);
    p = w.packet(kClient, 1234, kVip, 80, kSctp);
    w.counted("sctp", w.expect("SCTP port change", p, PORTCAM_REASON_SCTP_PORTS, 1), false, 1, 2, 6,
              -1);
    p.dst_port = 8080;
    w.expect("SCTP same port", p, PORTCAM_REASON_STATIC_FORWARD, 2);
    w.backend(3, kServer, false, 0, 2);
    p.dst_port = 80;
    Result same = w.expect("SCTP port kept", p, PORTCAM_REASON_STATIC_FORWARD, 2);
    if (same.set_port || same.set_l4_sum)
        w.tap.fail("SCTP must keep port and checksum");
    w.expect("DCCP", w.packet(kClient, 1234, kVip, 80, kDccp), PORTCAM_REASON_OTHER_CHECKSUM, 1);
    w.expect("UDP-Lite", w.packet(kClient, 1234, kVip, 80, kUdpLite), PORTCAM_REASON_OTHER_CHECKSUM,
             1);
    w.tap.done("P5 SCTP port changes, DCCP and UDP-Lite go to the slow path");
    w.b.write(PORTCAM_TABLE_ADDRESS, 0, nullptr);
    base(w);
}

void reverse(World &w)
{
    Packet p = w.packet(kServer, 8080, kClient, 1234);
    p.ingress = 2;
    w.expect("no endpoint", p, PORTCAM_REASON_NO_MATCH, 0);
    int any = w.b.endpoint(PORTCAM_TABLE_ENDPOINT_ANY,
                           w.endpoint_row(kServer, false, 0, 0, v4(192, 0, 2, 3), 0, 3));
    w.counted("any", w.expect("any", p, PORTCAM_REASON_STATIC_REVERSE, 0), true, 1, 2, 3, 3);
    int any_port = w.b.endpoint(PORTCAM_TABLE_ENDPOINT_ANY_PORT,
                                w.endpoint_row(kServer, false, kTcp, 0, v4(192, 0, 2, 2), 0, 2));
    Result r = w.expect("any port", p, PORTCAM_REASON_STATIC_REVERSE, 0);
    w.counted("any port", r, true, 1, 2, 2, 3);
    if (r.set_port || r.ip != v4(192, 0, 2, 2))
        w.tap.fail("any port keeps the port");
    portcam_endpoint_row row =
        w.endpoint_row(kServer, false, kTcp, 8080, kVip, 80, 1, PORTCAM_ENDPOINT_ROW_HAS_MAC);
    int exact = w.b.endpoint(PORTCAM_TABLE_ENDPOINT, row);
    p.ip_sum = swap16(checksum(kServer, 0, 0x54321));
    p.l4_sum = swap16(checksum(kServer, 8080, 0x12345));
    r = w.expect("exact", p, PORTCAM_REASON_STATIC_REVERSE, 0);
    w.counted("exact", r, true, 1, 2, 1, 3);
    if (!r.set_src_ip || r.set_dst_ip || r.ip != kVip || !r.set_port || r.port != 80)
        w.tap.fail("address or port");
    if (r.set_dst_mac || !r.set_src_mac || r.src_mac != kDeviceMac)
        w.tap.fail("MACs");
    if (r.ip_sum != swap16(checksum(kVip, 0, 0x54321)) ||
        r.l4_sum != swap16(checksum(kVip, 80, 0x12345)))
        w.tap.fail("checksums");
    Packet q = p;
    q.src_port = 8081;
    w.counted("other port", w.b.one(q), true, 1, 2, 2, 3);
    q.protocol = kUdp;
    w.counted("other protocol", w.b.one(q), true, 1, 2, 3, 3);
    q = w.packet(kServer, 0, kClient, 0, kIcmp);
    w.counted("no ports", w.b.one(q), true, 1, 2, 3, 3);
    q = p;
    q.is_v6 = true;
    w.expect("same bytes, other family", q, PORTCAM_REASON_NO_MATCH, 0);
    w.tap.done("P9 endpoint: exact port, else any port, else any protocol");

    q = p;
    q.dst = kVip;
    q.dst_port = 80;
    w.expect("a service comes first", q, PORTCAM_REASON_STATIC_FORWARD, 2);
    q.dst_port = 81;
    r = w.expect("then the endpoint", q, PORTCAM_REASON_STATIC_REVERSE, 0);
    w.counted("then the endpoint", r, true, 1, 2, 1, 3);
    w.domain(1, PORTCAM_DOMAIN_STATE_PAUSED);
    w.counted("paused", w.expect("paused", p, PORTCAM_REASON_PAUSED_DROP, -1), true, 1, 2, 1, 3);
    w.domain(1, PORTCAM_DOMAIN_STATE_STOPPED);
    w.expect("stopped", p, PORTCAM_REASON_STOPPED_PASS, 0);
    w.domain(1, PORTCAM_DOMAIN_STATE_STOPPED, PORTCAM_POLICY_DROP);
    w.expect("stopped, drop", p, PORTCAM_REASON_STOPPED_DROP, -1);
    w.b.write(PORTCAM_TABLE_DOMAIN, 1, nullptr);
    w.counted("empty", w.expect("empty domain", p, PORTCAM_REASON_NO_MATCH, 0), false, -1, -1, -1,
              -1);
    w.domain(1);
    w.tap.done("P9 a service comes before an endpoint; the endpoint's domain may stop it");

    w.function(1, PORTCAM_FUNCTION_ROW_HAS_MAC, p.dst_mac);
    w.expect("hairpin", p, PORTCAM_REASON_STATIC_REVERSE, 1);
    p.ingress = 1;
    w.expect("not to itself", p, PORTCAM_REASON_STATIC_REVERSE, 0);
    w.function(3, PORTCAM_FUNCTION_ROW_HAS_MAC, p.dst_mac);
    w.expect("the next one", p, PORTCAM_REASON_STATIC_REVERSE, 3);
    p.ingress = 0;
    w.expect("from the network", p, PORTCAM_REASON_STATIC_REVERSE, 1);
    w.b.write(PORTCAM_TABLE_FUNCTION, 1, nullptr);
    w.b.write(PORTCAM_TABLE_FUNCTION, 3, nullptr);
    w.tap.done("F.20 hairpin: a reversed packet goes to the lowest other function with its MAC");

    p.ingress = 2;
    row.flags = PORTCAM_ENDPOINT_ROW_STRICT;
    w.b.write(PORTCAM_TABLE_ENDPOINT, unsigned(exact), &row);
    w.counted("strict", w.expect("strict", p, PORTCAM_REASON_STRICT_PASS, 0), true, 1, 2, 1, 3);
    w.tap.done("F.19 strict: passes unchanged");

    w.b.write(PORTCAM_TABLE_ENDPOINT, unsigned(exact), nullptr);
    portcam_endpoint_row sctp = w.endpoint_row(kServer, false, kSctp, 8080, kVip, 80, 1);
    exact = w.b.endpoint(PORTCAM_TABLE_ENDPOINT, sctp);
    p.protocol = kSctp;
    w.expect("SCTP port change", p, PORTCAM_REASON_SCTP_PORTS, 0);
    sctp.public_port = 8080;
    w.b.write(PORTCAM_TABLE_ENDPOINT, unsigned(exact), &sctp);
    w.expect("SCTP same port", p, PORTCAM_REASON_STATIC_REVERSE, 0);
    w.expect("DCCP", w.packet(kServer, 0, kClient, 0, kDccp), PORTCAM_REASON_OTHER_CHECKSUM, 1);
    w.expect("UDP-Lite", w.packet(kServer, 0, kClient, 0, kUdpLite), PORTCAM_REASON_OTHER_CHECKSUM,
             1);
    w.b.write(PORTCAM_TABLE_ENDPOINT, unsigned(exact), nullptr);
    w.b.write(PORTCAM_TABLE_ENDPOINT_ANY_PORT, unsigned(any_port), nullptr);
    w.b.write(PORTCAM_TABLE_ENDPOINT_ANY, unsigned(any), nullptr);
    w.expect("all rows gone", p, PORTCAM_REASON_NO_MATCH, 0);
    w.tap.done("P9 SCTP port changes, DCCP and UDP-Lite of a reply go to the slow path");
}

void banks(World &w)
{
    // Bank 0: 10.0.0.51:8080 to function 2. Bank 1: 10.0.1.77:9090 to function 3. Packets switch
    // every clock or so.
    portcam_backend_row other{};
    Ip other_ip = v4(10, 0, 1, 77);
    memcpy(other.ip, other_ip.data(), 16);
    other.family = 4;
    other.port = 9090;
    other.egress = 3;
    portcam_service_row service{};
    service.domain = 1;
    service.address = 2;
    service.service = 7;
    service.backend = 4;
    w.b.write(true, PORTCAM_TABLE_BACKEND, 4, &other);
    w.b.write(true, PORTCAM_TABLE_SERVICE, 5, &service);
    w.b.write(true, PORTCAM_TABLE_DEVICE, 0, nullptr);
    Random random(5);
    std::vector<Packet> packets;
    for (int i = 0; i < 500; i++) {
        Packet p = w.packet(kClient, unsigned(i), kVip, 80);
        p.bank = random.percent(50);
        packets.push_back(p);
    }
    std::vector<Result> results = w.b.run(packets);
    if (results.size() != packets.size())
        w.tap.fail("%zu results", results.size());
    for (size_t i = 0; i < results.size(); i++) {
        const Result &r = results[i];
        bool old = r.ip == kServer && r.port == 8080 && r.egress == 2 && r.count.service == 6 &&
                   r.set_dst_mac;
        bool fresh = r.ip == other_ip && r.port == 9090 && r.egress == 3 && r.count.service == 7 &&
                     !r.set_dst_mac;
        if (packets[i].bank ? !fresh : !old)
            w.tap.fail("packet %zu of bank %d is mixed", i, packets[i].bank);
    }
    w.tap.done(
        "F.29 each packet sees one bank whole, also when the bank changes between two packets");
    base(w);
    w.b.write(PORTCAM_TABLE_BACKEND, 4, nullptr);
}

void stats(World &w)
{
    w.b.clear();
    uint8_t row[48];
    if (w.b.read(false, PORTCAM_TABLE_SERVICE, 5, row) ||
        w.b.read(true, PORTCAM_TABLE_DEVICE, 0, row))
        w.tap.fail("a row is left");
    w.expect("after clear", w.packet(kClient, 1, kVip, 80), PORTCAM_REASON_NO_MATCH, 1);
    w.tap.done("clear empties tables of both banks");

    w.b.clear();
    base(w);
    std::vector<Packet> packets;
    for (unsigned i = 0; i < 300; i++) {
        Packet p = w.packet(kClient, 1, kVip, i % 3 ? 80 : 81);
        p.len = 60 + i;
        p.ingress = i % 2 ? 3 : 0;
        packets.push_back(p);
    }
    w.b.run(packets);
    struct {
        unsigned table, row;
        uint64_t packets, octets;
    } wanted[] = {
        {PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_STATIC_FORWARD, 200, 0},
        {PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_UNKNOWN_PASS, 100, 0},
        {PORTCAM_COUNTER_TABLE_REASON, PORTCAM_REASON_NO_MATCH, 0, 0},
        {PORTCAM_COUNTER_TABLE_FUNCTION_RX, 0, 150, 0},
        {PORTCAM_COUNTER_TABLE_FUNCTION_RX, 3, 150, 0},
        {PORTCAM_COUNTER_TABLE_FUNCTION_TX, 2, 200, 0},
        {PORTCAM_COUNTER_TABLE_FUNCTION_TX, 1, 50, 0},
        {PORTCAM_COUNTER_TABLE_FUNCTION_TX, 0, 50, 0},
        {PORTCAM_COUNTER_TABLE_DOMAIN, 2, 300, 0},
        {PORTCAM_COUNTER_TABLE_DOMAIN, 3, 0, 0},
        {PORTCAM_COUNTER_TABLE_ADDRESS, 4, 300, 0},
        {PORTCAM_COUNTER_TABLE_SERVICE, 12, 200, 0},
        {PORTCAM_COUNTER_TABLE_BACKEND, 6, 200, 0},
        {PORTCAM_COUNTER_TABLE_BACKEND, 7, 0, 0},
        {9, 0, 0, 0},
    };
    for (unsigned i = 0; i < 300; i++) {
        wanted[i % 3 ? 0 : 1].octets += 60 + i;
        wanted[i % 2 ? 4 : 3].octets += 60 + i;
        wanted[i % 3 ? 5 : i % 2 ? 7 : 6].octets += 60 + i;
        wanted[8].octets += 60 + i;
        wanted[10].octets += 60 + i;
        for (unsigned n : {11u, 12u})
            wanted[n].octets += i % 3 ? 60 + i : 0;
    }
    for (const auto &c : wanted) {
        uint64_t count = 1, octets = 1;
        w.b.counter(c.table, c.row, &count, &octets);
        if (count != c.packets || octets != c.octets)
            w.tap.fail("table %u row %u: %llu packets, %llu octets, not %llu, %llu", c.table, c.row,
                       (unsigned long long)count, (unsigned long long)octets,
                       (unsigned long long)c.packets, (unsigned long long)c.octets);
    }
    w.tap.done("counters: reason, both functions, domain, address, service, backend");
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Bench bench;
    Tap tap;
    World world{bench, tap};
    functions(world);
    base(world);
    addresses(world);
    services(world);
    states(world);
    forward(world);
    reverse(world);
    banks(world);
    stats(world);
    bench.clear();
    random_worlds(bench, tap, seed);
    if (bench.wrong_latency)
        tap.fail("%u results", bench.wrong_latency);
    tap.done("every packet has one result, exactly 47 clocks later");
    return tap.finish();
}
