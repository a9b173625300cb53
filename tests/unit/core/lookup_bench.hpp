// SPDX-License-Identifier: Apache-2.0
//
// The bench around lookup_tb: packets in, results out, rows and counters over the two buses. Sizes
// are those of the build.
#pragma once

#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "Vlookup_tb.h"
#include "portcam_defs.h"
#include "tap.hpp"

#ifdef BENCH_DEFAULT_SIZES
constexpr unsigned kFunctions = 16, kDomains = 256, kAddresses = 256, kServices = 1024,
                   kBackends = 4096, kWays = 4, kEndpoints = 8192, kAnyPorts = 512, kAnys = 512;
#else
constexpr unsigned kFunctions = 4, kDomains = 8, kAddresses = 16, kServices = 32, kBackends = 16,
                   kWays = 2, kEndpoints = 32, kAnyPorts = 16, kAnys = 16;
#endif

constexpr unsigned kLatency = 48; // 46 and the read latency of the records

using Ip = std::array<uint8_t, 16>;

inline Ip v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return Ip{uint8_t(a), uint8_t(b), uint8_t(c), uint8_t(d)};
}

inline Ip v6(unsigned prefix, unsigned host)
{
    Ip ip{0x20, 0x01, 0x0d, 0xb8};
    ip[4] = uint8_t(prefix >> 8);
    ip[5] = uint8_t(prefix);
    ip[14] = uint8_t(host >> 8);
    ip[15] = uint8_t(host);
    return ip;
}

inline uint16_t swap16(uint16_t value)
{
    return uint16_t(value << 8 | value >> 8);
}

struct Packet {
    bool bank = false;
    unsigned reason = PORTCAM_REASON_NO_MATCH;
    bool decided = false;
    bool is_v6 = false;
    unsigned vlan = 0;
    uint64_t dst_mac = 0x0a0000000099;
    bool has_mac = true;
    Ip src{}, dst{};
    unsigned protocol = 6;
    bool has_ports = true;
    unsigned src_port = 0, dst_port = 0;
    bool has_l4_sum = true;
    uint16_t ip_sum = 0, l4_sum = 0; // as on the wire, first byte low
    unsigned len = 64;
    unsigned ingress = 0;
    // An ICMP error: all above is of a packet that answers the embedded one, the sums of that one.
    bool about_flow = false;
    Ip outer_src{};
    uint16_t outer_ip_sum = 0, icmp_sum = 0; // of the error
};

struct Count {
    unsigned reason, octets, rx;
    bool tx_valid;
    unsigned tx;
    bool domain_valid, address_valid, service_valid, backend_valid;
    unsigned domain, address, service, backend;
    bool reply;
};

struct Result {
    Count count;
    bool drop, discarded, from_host;
    unsigned egress;
    bool set_dst_mac, set_src_mac, set_dst_ip, set_src_ip, is_v6, set_ip_sum, set_port, set_l4_sum;
    uint64_t dst_mac, src_mac;
    Ip ip;
    unsigned port, l3, l4, l4_sum_at;
    uint16_t ip_sum, l4_sum;
    bool about_flow;
    unsigned icmp_at;
    uint16_t outer_ip_sum, icmp_sum;
};

// The hash of endpoint rows, bit by bit.
inline uint32_t endpoint_hash(const void *row, uint32_t seed)
{
    const uint8_t *key = static_cast<const uint8_t *>(row);
    uint32_t crc = seed;
    for (int i = 0; i < 20; i++) {
        crc ^= key[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
    }
    return crc;
}

class Bench
{
public:
    Bench()
    {
        top.rst_ni = 0;
        top.valid_i = top.tbl_valid_i = top.rd_valid_i = top.clear_i = 0;
        for (int i = 0; i < 4; i++)
            step();
        top.rst_ni = 1;
        seed(0x1234abcd);
        settle();
    }

    void seed(uint32_t value) { seed_ = top.hash_seed_i = value; }
    uint32_t seed() const { return seed_; }
    uint64_t clocks() const { return clocks_; }

    // Until no table and no counter is busy any more; how many clocks that took.
    unsigned settle()
    {
        unsigned n = 0;
        top.eval();
        while ((top.lookup_busy_o || top.stats_busy_o) && n++ < 100000)
            step();
        return n;
    }

    unsigned clear()
    {
        top.clear_i = 1;
        step();
        top.clear_i = 0;
        return settle();
    }

    // Writes a row (48 bytes), or empties it (nullptr).
    void write(bool bank, unsigned table, unsigned row, const void *data)
    {
        request(true, bank, table, row, data);
    }

    // Both banks.
    void write(unsigned table, unsigned row, const void *data)
    {
        write(false, table, row, data);
        write(true, table, row, data);
    }

    // Whether the row is there; its bytes.
    bool read(bool bank, unsigned table, unsigned row, void *data)
    {
        request(false, bank, table, row, nullptr);
        memcpy(data, answer_, 48);
        return answer_valid_;
    }

    // An endpoint row goes to the first empty way of its bucket, in both banks. Its row number, or
    // -1.
    int endpoint(unsigned table, const portcam_endpoint_row &row)
    {
        unsigned rows = table == PORTCAM_TABLE_ENDPOINT            ? kEndpoints
                        : table == PORTCAM_TABLE_ENDPOINT_ANY_PORT ? kAnyPorts
                                                                   : kAnys;
        unsigned buckets = rows / kWays, bucket = endpoint_hash(&row, seed_) % buckets;
        uint8_t there[48];
        for (unsigned way = 0; way < kWays; way++) {
            unsigned number = way * buckets + bucket;
            if (!read(false, table, number, there)) {
                write(table, number, &row);
                return int(number);
            }
        }
        return -1;
    }

    void counter(unsigned table, unsigned row, uint64_t *packets, uint64_t *octets)
    {
        top.rd_valid_i = 1;
        top.rd_table_i = uint8_t(table);
        top.rd_row_i = uint16_t(row);
        step();
        top.rd_valid_i = 0;
        for (int n = 0; n < 100 && !top.rd_done_o; n++)
            step();
        *packets = top.rd_packets_o;
        *octets = top.rd_octets_o;
    }

    // Packets back to back (or with idle clocks in `idle` percent of all), and what became of them.
    std::vector<Result> run(const std::vector<Packet> &packets, unsigned idle = 0,
                            Random *random = nullptr)
    {
        results_.clear();
        for (const Packet &p : packets) {
            while (random && random->percent(idle))
                step();
            set(p);
            top.valid_i = 1;
            entered_.push_back(clocks_);
            step();
            top.valid_i = 0;
        }
        for (unsigned i = 0; i < kLatency + 4; i++)
            step();
        return results_;
    }

    Result one(const Packet &p)
    {
        std::vector<Result> r = run({p});
        return r.empty() ? Result{} : r[0];
    }

    unsigned wrong_latency =
        0; // results that did not come exactly kLatency clocks after their packet

    Vlookup_tb top;

private:
    uint64_t clocks_ = 0;
    uint32_t seed_ = 0;
    std::deque<uint64_t> entered_;
    std::deque<Count> counts_;
    std::vector<Result> results_;
    uint8_t answer_[48] = {};
    bool answer_valid_ = false;

    void set(const Packet &p)
    {
        top.bank_i = p.bank;
        top.reason_i = uint8_t(p.reason);
        top.decided_i = p.decided;
        top.is_v6_i = p.is_v6;
        top.vlan_i = uint16_t(p.vlan);
        top.dst_mac_i = p.dst_mac;
        top.has_mac_i = p.has_mac;
        memcpy(&top.src_ip_i, p.src.data(), 16);
        memcpy(&top.dst_ip_i, p.dst.data(), 16);
        top.protocol_i = uint8_t(p.protocol);
        top.has_ports_i = p.has_ports;
        top.src_port_i = uint16_t(p.src_port);
        top.dst_port_i = uint16_t(p.dst_port);
        top.ip_sum_i = p.ip_sum;
        top.has_l4_sum_i = p.has_l4_sum;
        top.l4_sum_i = p.l4_sum;
        top.about_flow_i = p.about_flow;
        memcpy(&top.outer_src_ip_i, p.outer_src.data(), 16);
        top.outer_ip_sum_i = p.outer_ip_sum;
        top.icmp_sum_i = p.icmp_sum;
        top.len_i = uint16_t(p.len);
        top.ingress_i = uint8_t(p.ingress);
    }

    void request(bool write, bool bank, unsigned table, unsigned row, const void *data)
    {
        top.tbl_valid_i = 1;
        top.tbl_write_i = write;
        top.tbl_bank_i = bank;
        top.tbl_table_i = uint8_t(table);
        top.tbl_row_i = uint16_t(row);
        top.tbl_rowvalid_i = write && data;
        if (data)
            memcpy(&top.tbl_data_i, data, 48);
        else
            memset(&top.tbl_data_i, 0xa5, 48);
        top.eval();
        while (!top.tbl_ready_o)
            step();
        step();
        top.tbl_valid_i = 0;
        for (int n = 0; n < 5000 && !top.tbl_done_o; n++)
            step();
        answer_valid_ = top.tbl_rowvalid_o;
        memcpy(answer_, &top.tbl_data_o, 48);
    }

    void step()
    {
        rise(top);
        clocks_++;
        top.eval();
        if (!top.rst_ni)
            return;
        if (top.count_valid_o)
            counts_.push_back(
                Count{top.count_reason_o, top.count_octets_o, top.count_rx_o,
                      bool(top.count_tx_valid_o), top.count_tx_o, bool(top.count_domain_valid_o),
                      bool(top.count_address_valid_o), bool(top.count_service_valid_o),
                      bool(top.count_backend_valid_o), top.count_domain_o, top.count_address_o,
                      top.count_service_o, top.count_backend_o, bool(top.count_reply_o)});
        if (top.valid_o)
            take();
    }

    void take()
    {
        Result r{};
        if (entered_.empty() || counts_.empty()) {
            wrong_latency++;
            return;
        }
        wrong_latency += clocks_ - entered_.front() != kLatency;
        entered_.pop_front();
        r.count = counts_.front();
        counts_.pop_front();
        r.drop = top.drop_o;
        r.discarded = top.discarded_o;
        r.from_host = top.from_host_o;
        r.egress = top.egress_o;
        r.set_dst_mac = top.set_dst_mac_o;
        r.dst_mac = top.dst_mac_o;
        r.set_src_mac = top.set_src_mac_o;
        r.src_mac = top.src_mac_o;
        r.set_dst_ip = top.set_dst_ip_o;
        r.set_src_ip = top.set_src_ip_o;
        r.is_v6 = top.is_v6_o;
        memcpy(r.ip.data(), &top.ip_o, 16);
        r.l3 = top.l3_o;
        r.l4 = top.l4_o;
        r.l4_sum_at = top.l4_sum_at_o;
        r.set_ip_sum = top.set_ip_sum_o;
        r.ip_sum = top.ip_sum_o;
        r.set_port = top.set_port_o;
        r.port = top.port_o;
        r.set_l4_sum = top.set_l4_sum_o;
        r.l4_sum = top.l4_sum_o;
        r.about_flow = top.about_flow_o;
        r.icmp_at = top.icmp_at_o;
        r.outer_ip_sum = top.outer_ip_sum_o;
        r.icmp_sum = top.icmp_sum_o;
        results_.push_back(r);
    }
};
