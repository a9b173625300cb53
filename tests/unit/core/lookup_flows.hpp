// SPDX-License-Identifier: Apache-2.0
//
// Packets that are translated: towards a backend, and back.
#pragma once

#include "lookup_world.hpp"

// Sum of the 16-bit words of an address, a port and whatever else the checksum covers.
inline uint16_t checksum(const Ip &ip, unsigned port, uint32_t rest)
{
    uint32_t sum = rest + port;
    for (int i = 0; i < 16; i += 2)
        sum += unsigned(ip[i] << 8 | ip[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return uint16_t(~sum);
}

inline void forward(World &w)
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

inline void reverse(World &w)
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
