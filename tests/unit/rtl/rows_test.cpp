// SPDX-License-Identifier: Apache-2.0
//
// Tables of services, endpoints, domains, timeouts, public addresses and limits against rows that
// lie in a list: every byte reads back, and a lookup gives every field of the row that must match,
// to the clock. Lookups of one bank go on in every clock while the other bank is written.

#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "Vrows_tb.h"
#include "portcam_defs.h"
#include "tap.hpp"

namespace
{

constexpr unsigned kDomains = 8, kAddresses = 16, kServices = 32, kBackends = 64, kSchedule = 64,
                   kWays = 2;
constexpr unsigned kBankClocks = 12; // after which no lookup reads a bank any more

using Bytes = std::array<uint8_t, 48>;
using Rows = std::map<std::pair<unsigned, unsigned>, Bytes>; // those that are not empty

const std::vector<unsigned> kTables = {PORTCAM_TABLE_DOMAIN,       PORTCAM_TABLE_SERVICE,
                                       PORTCAM_TABLE_ENDPOINT,     PORTCAM_TABLE_ENDPOINT_ANY_PORT,
                                       PORTCAM_TABLE_ENDPOINT_ANY, PORTCAM_TABLE_TIMEOUT,
                                       PORTCAM_TABLE_PUBLIC,       PORTCAM_TABLE_LIMITS};

unsigned rows_of(unsigned table)
{
    switch (table) {
    case PORTCAM_TABLE_DOMAIN:
        return kDomains;
    case PORTCAM_TABLE_SERVICE:
    case PORTCAM_TABLE_TIMEOUT:
    case PORTCAM_TABLE_ENDPOINT:
        return 32;
    case PORTCAM_TABLE_LIMITS:
        return 1;
    default:
        return 16;
    }
}

uint32_t crc32c(const uint8_t *key, size_t bytes, uint32_t crc)
{
    for (size_t i = 0; i < bytes; i++) {
        crc ^= key[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
    }
    return crc;
}

struct Key {
    bool bank, is_v6, has_ports, any;
    std::array<uint8_t, 16> ip;
    unsigned protocol, port, domain, other_domain, address, service;
};

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed)
    {
        top_.clk_i = 0;
        top_.rst_ni = 0;
        top_.tbl_valid_i = top_.clear_i = top_.valid_i = 0;
        top_.hash_seed_i = seed_ = uint32_t(random_.next());
        for (int i = 0; i < 3; i++) {
            top_.eval();
            rise(top_);
        }
        top_.rst_ni = 1;
        settle();
    }
    ~Bench() { top_.final(); }

    void read_back();
    void lookups(unsigned rounds);
    void clear();
    void unknown_tables();

private:
    unsigned below(uint64_t limit) { return unsigned(random_.below(limit)); }

    // ---- the bus, one step a clock ----

    void step()
    {
        bool looks = looking_ && !random_.percent(20);
        Key k = key();
        top_.valid_i = looks;
        top_.bank_i = k.bank;
        top_.is_v6_i = k.is_v6;
        memcpy(&top_.ip_i, k.ip.data(), 16);
        top_.protocol_i = uint8_t(k.protocol);
        top_.has_ports_i = k.has_ports;
        top_.port_i = uint16_t(k.port);
        top_.domain_i = uint16_t(k.domain);
        top_.other_domain_i = uint16_t(k.other_domain);
        top_.any_i = k.any;
        top_.address_i = uint16_t(k.address);
        top_.service_i = uint16_t(k.service);
        top_.eval();
        if (looking_)
            watch();
        history_.push_front({looks, k});
        if (history_.size() > 12)
            history_.pop_back();
        rise(top_);
        top_.eval();
    }

    void settle()
    {
        top_.eval();
        for (int i = 0; i < 10000 && top_.busy_o; i++)
            step();
        if (top_.busy_o)
            tap_.fail("the tables stay busy");
    }

    bool request(bool write, bool bank, unsigned table, unsigned row, const Bytes *data, Bytes *ret)
    {
        top_.tbl_valid_i = 1;
        top_.tbl_write_i = write;
        top_.tbl_bank_i = bank;
        top_.tbl_table_i = uint8_t(table);
        top_.tbl_row_i = uint16_t(row);
        top_.tbl_rowvalid_i = write ? data != nullptr : random_.percent(50);
        Bytes noise;
        for (uint8_t &byte : noise)
            byte = uint8_t(random_.next());
        memcpy(&top_.tbl_data_i, (data ? *data : noise).data(), 48);
        top_.eval();
        while (!top_.tbl_ready_o)
            step();
        step();
        top_.tbl_valid_i = 0;
        for (int n = 0; n < 1000 && !top_.tbl_done_o; n++)
            step();
        if (!top_.tbl_done_o)
            tap_.fail("table %u does not answer", table);
        if (ret)
            memcpy(ret->data(), &top_.tbl_data_o, 48);
        return top_.tbl_rowvalid_o;
    }

    void put(bool bank, unsigned table, unsigned row, const Bytes *data)
    {
        request(true, bank, table, row, data, nullptr);
        if (data)
            rows_[bank][{table, row}] = *data;
        else
            rows_[bank].erase({table, row});
    }

    // ---- rows and keys, of small pools ----

    unsigned port() { return 80 * below(3); }
    unsigned protocol()
    {
        static const uint8_t pool[] = {6, 17, 132, 1};
        return pool[below(4)];
    }
    std::array<uint8_t, 16> ip() { return {10, 0, 0, uint8_t(below(5))}; }

    Key key()
    {
        Key k{};
        k.bank = looking_ ? bank_ : random_.percent(50);
        k.is_v6 = random_.percent(40);
        k.ip = ip();
        k.protocol = protocol();
        k.has_ports = k.protocol != 1;
        k.port = k.has_ports ? port() : 0;
        k.domain = below(3);
        k.other_domain = below(kDomains);
        k.any = random_.percent(20);
        k.address = k.any ? 0 : below(4);
        k.service = below(kServices);
        return k;
    }

    Bytes random_row(unsigned table, unsigned *row)
    {
        union {
            Bytes bytes;
            portcam_domain_row domain;
            portcam_service_row service;
            portcam_endpoint_row endpoint;
            portcam_timeout_row timeout;
            portcam_public_row publics;
            portcam_limits_row limits;
        } u;
        u.bytes = Bytes{};
        auto fill = [&](unsigned from, unsigned to) {
            for (unsigned i = from; i < to; i++)
                u.bytes[i] = uint8_t(random_.next());
        };
        *row = below(rows_of(table));
        switch (table) {
        case PORTCAM_TABLE_DOMAIN:
            u.domain.state = uint8_t(below(PORTCAM_DOMAIN_STATE_MAX));
            u.domain.unknown = uint8_t(below(PORTCAM_POLICY_MAX));
            u.domain.home = uint8_t(below(16));
            break;
        case PORTCAM_TABLE_SERVICE:
            u.service.domain = uint16_t(below(3));
            u.service.address = uint16_t(random_.percent(40) ? PORTCAM_ADDRESS_ANY : below(4));
            u.service.port = uint16_t(port());
            u.service.protocol = uint8_t(protocol());
            u.service.flags = uint8_t(below(8));
            u.service.mode = uint8_t(below(PORTCAM_MODE_MAX));
            u.service.service = uint16_t(below(kServices));
            if (u.service.mode == PORTCAM_MODE_STATEFUL) {
                u.service.group = uint16_t(below(kServices));
                u.service.schedule = uint16_t(below(kSchedule));
                u.service.slots_log2 = uint8_t(below(17));
                u.service.pick = uint8_t(below(PORTCAM_PICK_MAX));
                u.service.no_record = uint8_t(below(PORTCAM_NO_RECORD_MAX));
                u.service.no_backend = uint8_t(below(PORTCAM_NO_BACKEND_MAX));
                u.service.full = uint8_t(below(PORTCAM_FULL_MAX));
            } else {
                u.service.backend = uint16_t(below(kBackends));
            }
            break;
        case PORTCAM_TABLE_TIMEOUT:
            fill(0, 32);
            u.timeout.domain = uint16_t(below(kDomains));
            break;
        case PORTCAM_TABLE_PUBLIC:
            fill(0, 16);
            u.publics.family = random_.percent(50) ? PORTCAM_FAMILY_4 : PORTCAM_FAMILY_6;
            break;
        case PORTCAM_TABLE_LIMITS:
            fill(0, 12);
            fill(16, 24);
            u.limits.punt_reasons &= PORTCAM_PUNT_REASONS;
            break;
        default: {
            fill(20, 38);
            memcpy(u.endpoint.ip, ip().data(), 16);
            u.endpoint.family = random_.percent(60) ? PORTCAM_FAMILY_4 : PORTCAM_FAMILY_6;
            u.endpoint.protocol = uint8_t(table == PORTCAM_TABLE_ENDPOINT_ANY ? 0 : protocol());
            u.endpoint.port = uint16_t(table == PORTCAM_TABLE_ENDPOINT ? port() : 0);
            u.endpoint.service = uint16_t(below(kServices));
            u.endpoint.backend = uint16_t(below(kBackends));
            u.endpoint.domain = uint16_t(below(kDomains));
            u.endpoint.address = uint16_t(below(kAddresses));
            u.endpoint.flags = uint8_t(below(32));
            unsigned buckets = rows_of(table) / kWays;
            *row = crc32c(u.bytes.data(), 20, seed_) % buckets + below(kWays) * buckets;
        }
        }
        return u.bytes;
    }

    // ---- what must come ----

    template <typename Row>
    const Row *find(bool bank, unsigned table, unsigned row) const
    {
        auto it = rows_[bank].find({table, row});
        return it == rows_[bank].end() ? nullptr : reinterpret_cast<const Row *>(it->second.data());
    }

    const portcam_service_row *service(const Key &k) const
    {
        for (unsigned row = 0; row < kServices; row++) {
            auto *r = find<portcam_service_row>(k.bank, PORTCAM_TABLE_SERVICE, row);
            if (!r || r->domain != k.domain)
                continue;
            if (r->address != PORTCAM_ADDRESS_ANY && (k.any || r->address != k.address))
                continue;
            if ((r->flags & PORTCAM_SERVICE_ROW_EXACT_PROTOCOL) && r->protocol != k.protocol)
                continue;
            if ((r->flags & PORTCAM_SERVICE_ROW_EXACT_PORT) && (!k.has_ports || r->port != k.port))
                continue;
            return r;
        }
        return nullptr;
    }

    const portcam_endpoint_row *endpoint(const Key &k, unsigned table) const
    {
        portcam_endpoint_row want{};
        memcpy(want.ip, k.ip.data(), 16);
        want.family = k.is_v6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4;
        want.protocol = uint8_t(table == PORTCAM_TABLE_ENDPOINT_ANY ? 0 : k.protocol);
        want.port = uint16_t(table == PORTCAM_TABLE_ENDPOINT ? k.port : 0);
        auto *bytes = reinterpret_cast<const uint8_t *>(&want);
        unsigned buckets = rows_of(table) / kWays, bucket = crc32c(bytes, 20, seed_) % buckets;
        for (unsigned way = 0; way < kWays; way++) {
            auto *r = find<portcam_endpoint_row>(k.bank, table, way * buckets + bucket);
            if (r && memcmp(r, bytes, 20) == 0)
                return r;
        }
        return nullptr;
    }

    unsigned verdict(bool bank, unsigned number) const
    {
        auto *r = find<portcam_domain_row>(bank, PORTCAM_TABLE_DOMAIN, number);
        if (!r)
            return 0; // the others mean nothing
        return 1 | (r->state ? 1u << r->state : 0) | (r->unknown == PORTCAM_POLICY_DROP ? 16u : 0) |
               (r->unknown == PORTCAM_POLICY_REJECT ? 32u : 0);
    }

    void watch()
    {
        if (history_.size() > 1 && history_[1].first)
            watch_numbers(history_[1].second);
        if (history_.size() > 9 && history_[9].first)
            watch_service(history_[9].second);
        if (history_.size() > 10)
            watch_endpoint(history_[10].first, history_[10].second);
        for (unsigned bank = 0; bank < 2; bank++) {
            auto *r = find<portcam_limits_row>(bank, PORTCAM_TABLE_LIMITS, 0);
            uint32_t embryonic = uint32_t(top_.embryonic_o >> 32 * bank),
                     rate = top_.reject_rate_o >> 16 * bank & 0xffff,
                     burst = top_.reject_burst_o >> 16 * bank & 0xffff;
            if (bank == unsigned(bank_) &&
                (embryonic != (r ? r->embryonic : 0) || rate != (r ? r->reject_rate : 0u) ||
                 burst != (r ? r->reject_burst : 0u)))
                tap_.fail("limits of bank %u: %u %u %u", bank, embryonic, rate, burst);
            uint64_t reasons =
                uint64_t(top_.punt_reasons_o[2 * bank + 1]) << 32 | top_.punt_reasons_o[2 * bank];
            rate = top_.punt_rate_o >> 16 * bank & 0xffff;
            burst = top_.punt_burst_o >> 16 * bank & 0xffff;
            if (bank == unsigned(bank_) &&
                (reasons != (r ? r->punt_reasons : 0) || rate != (r ? r->punt_rate : 0u) ||
                 burst != (r ? r->punt_burst : 0u)))
                tap_.fail("limits of bank %u: punt %llx %u %u", bank, (unsigned long long)reasons,
                          rate, burst);
        }
    }

    void watch_numbers(const Key &k)
    {
        unsigned verdicts[] = {top_.address_verdict_o, top_.endpoint_verdict_o},
                 wanted[] = {verdict(k.bank, k.domain), verdict(k.bank, k.other_domain)};
        for (unsigned i = 0; i < 2; i++) {
            if (!(verdicts[i] & 1) && !wanted[i])
                continue;
            if (verdicts[i] != wanted[i])
                tap_.fail("verdict 0x%x instead of 0x%x", verdicts[i], wanted[i]);
            seen_[wanted[i] & 2 ? "draining" : wanted[i] & 32 ? "reject" : "domain"]++;
        }
        auto *t = find<portcam_timeout_row>(k.bank, PORTCAM_TABLE_TIMEOUT, k.service);
        static const uint8_t zeros[32] = {};
        if (top_.timeout_present_o != (t != nullptr) ||
            top_.timeout_domain_o != (t ? t->domain : 0) ||
            memcmp(&top_.timeouts_o, t ? (const void *)t : zeros, 32) != 0)
            tap_.fail("timeouts of service %u", k.service);
        auto *p = find<portcam_public_row>(k.bank, PORTCAM_TABLE_PUBLIC, k.address);
        if (top_.public_present_o != (p != nullptr) ||
            top_.public_is_v6_o != (p && p->family == PORTCAM_FAMILY_6) ||
            memcmp(&top_.public_ip_o, p ? p->ip : zeros, 16) != 0)
            tap_.fail("public address %u", k.address);
        seen_[t ? "timeout" : "no timeout"]++;
        seen_[p ? "public" : "no public"]++;
    }

    void watch_service(const Key &k)
    {
        auto *r = service(k);
        seen_[!r ? "no service" : r->mode == PORTCAM_MODE_STATEFUL ? "stateful" : "service"]++;
        if (top_.service_hit_o != (r != nullptr)) {
            tap_.fail("service hit %d", top_.service_hit_o);
            return;
        }
        if (r && (top_.service_deliver_o != (r->mode == PORTCAM_MODE_DELIVER) ||
                  top_.service_stateful_o != (r->mode == PORTCAM_MODE_STATEFUL) ||
                  top_.service_exact_port_o != (r->flags & 1) ||
                  top_.service_keeps_port_o != (r->flags >> 2 & 1) ||
                  top_.service_service_o != r->service || top_.service_backend_o != r->backend ||
                  top_.service_group_o != r->group || top_.service_schedule_o != r->schedule ||
                  top_.service_slots_log2_o != r->slots_log2 || top_.service_pick_o != r->pick ||
                  top_.service_no_record_o != r->no_record ||
                  top_.service_no_backend_o != r->no_backend || top_.service_full_o != r->full))
            tap_.fail("service %u: a field is not that of the row", r->service);
    }

    void watch_endpoint(bool looked, const Key &k)
    {
        const portcam_endpoint_row *r = nullptr;
        unsigned table = PORTCAM_TABLE_ENDPOINT;
        if (looked && k.has_ports)
            r = endpoint(k, table);
        for (table++; looked && !r && table <= PORTCAM_TABLE_ENDPOINT_ANY; table++)
            r = endpoint(k, table);
        table--;
        static const char *names[] = {"endpoint", "any port", "any"};
        seen_[r ? names[table - PORTCAM_TABLE_ENDPOINT] : "no endpoint"]++;
        if (top_.endpoint_hit_o != (r != nullptr)) {
            tap_.fail("endpoint hit %d", top_.endpoint_hit_o);
            return;
        }
        if (r && (memcmp(&top_.endpoint_public_ip_o, r->public_ip, 16) != 0 ||
                  top_.endpoint_public_port_o != r->public_port ||
                  top_.endpoint_service_o != r->service || top_.endpoint_backend_o != r->backend ||
                  top_.endpoint_domain_o != r->domain || top_.endpoint_address_o != r->address ||
                  top_.endpoint_flags_o != r->flags ||
                  top_.endpoint_wide_o != (table != PORTCAM_TABLE_ENDPOINT)))
            tap_.fail("endpoint of table %u: a field is not that of the row", table);
    }

    Vrows_tb top_;
    Tap &tap_;
    Random random_;
    uint32_t seed_ = 0;
    bool looking_ = false, bank_ = false;
    Rows rows_[2];
    std::deque<std::pair<bool, Key>> history_; // index 0: what entered a clock ago
    std::map<std::string, unsigned> seen_;
};

void Bench::read_back()
{
    for (unsigned n = 0; n < 1500; n++) {
        unsigned table = kTables[below(kTables.size())], row;
        Bytes bytes = random_row(table, &row);
        put(random_.percent(50), table, row, random_.percent(15) ? nullptr : &bytes);
    }
    for (unsigned bank = 0; bank < 2; bank++)
        for (unsigned table : kTables)
            for (unsigned row = 0; row < rows_of(table); row++) {
                Bytes got, zeros{};
                bool there = request(false, bank, table, row, nullptr, &got);
                auto it = rows_[bank].find({table, row});
                if (there != (it != rows_[bank].end()) || got != (there ? it->second : zeros))
                    tap_.fail("bank %u table %u row %u reads back differently", bank, table, row);
            }
    tap_.done("rows: every byte reads back, empty ones as zeros, both banks");
}

void Bench::lookups(unsigned rounds)
{
    looking_ = true;
    history_.clear();
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned n = below(40); n; n--) {
            unsigned table = kTables[below(kTables.size())], row;
            Bytes bytes = random_row(table, &row);
            put(!bank_, table, row, random_.percent(15) ? nullptr : &bytes);
        }
        for (unsigned n = below(60); n; n--)
            step();
        bank_ = !bank_;
        for (unsigned n = 0; n < kBankClocks; n++)
            step();
    }
    looking_ = false;
    for (const char *what :
         {"draining", "reject", "domain", "timeout", "no timeout", "public", "no public",
          "no service", "stateful", "service", "endpoint", "any port", "any", "no endpoint"})
        if (seen_[what] < 20)
            tap_.fail("%s came only %u times", what, seen_[what]);
    tap_.done("lookups: every field of the row that matches, to the clock, while the other bank is "
              "written");
}

void Bench::clear()
{
    top_.clear_i = 1;
    step();
    top_.clear_i = 0;
    settle();
    for (unsigned bank = 0; bank < 2; bank++)
        for (unsigned table : kTables)
            for (unsigned row = 0; row < rows_of(table); row++) {
                Bytes got;
                if (request(false, bank, table, row, nullptr, &got) || got != Bytes{})
                    tap_.fail("bank %u table %u row %u is not empty", bank, table, row);
            }
    if (top_.embryonic_o || top_.reject_rate_o || top_.reject_burst_o)
        tap_.fail("limits are not empty");
    rows_[0].clear();
    rows_[1].clear();
    tap_.done("clear: all rows of all tables are empty");
}

void Bench::unknown_tables()
{
    for (unsigned table = 13; table < 16; table++)
        for (bool write : {false, true}) {
            Bytes got, data{1, 2, 3};
            if (request(write, true, table, 0, write ? &data : nullptr, &got) || got != Bytes{})
                tap_.fail("table %u is not an empty row", table);
        }
    tap_.done("bus: tables that do not exist answer as empty rows");
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    Bench bench(tap, seed);
    bench.read_back();
    bench.lookups(400);
    bench.clear();
    bench.unknown_tables();
    bench.lookups(400);
    return tap.finish();
}
