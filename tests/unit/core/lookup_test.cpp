// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup and portcam_stats against docs/pipeline.md, sections 2 to 5: each branch by name,
// then random tables and packets against the reference model. The first argument is the seed.

#include "lookup_flows.hpp"
#include "lookup_random.hpp"
#include "lookup_world.hpp"

namespace
{

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
