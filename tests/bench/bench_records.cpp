// SPDX-License-Identifier: Apache-2.0
/*
 * Connections in the RTL: lookups a clock with 0 to 100 % of the packets making a record, new records a clock, latency, clocks
 * of a pass of ageing, idle and beside packets. One stateful service, four backends, 64-byte frames, the default build. Prints
 * one line each. Usage: bench_records
 */
#include <cstdio>

#include "bench_card.hpp"
#include "tables.h"

namespace
{

using portcam::Frame;
using portcam::Host;
using portcam::Net;
using portcam::Side;

constexpr uint64_t Settle = 400,
                   Load = 15000; /* clocks until the pipeline is full; of a measurement */
constexpr unsigned Backends = 4;
constexpr uint8_t Syn = 0x02, Ack = 0x10;
constexpr double Clock = 322e6;

bool wrong = false;

template <typename Row>
void write(Bench &b, unsigned table, unsigned row, const Row &r)
{
    static_assert(sizeof(r) == 48, "a row");
    b.enqueue(PORTCAM_OPCODE_ROW_WRITE, uint16_t(table), row, &r);
}

void backend_ip(uint8_t ip[16], unsigned i)
{
    const uint8_t bytes[4] = {192, 0, 2, uint8_t(10 + i)};
    memset(ip, 0, 16);
    memcpy(ip, bytes, 4);
}

void fill(Bench &b)
{
    const uint8_t vip[4] = {198, 51, 100, 1};
    portcam_address_row address = {};
    memcpy(address.ip, vip, 4);
    address.family = 4;
    address.prefix = 32;
    address.vlan = PORTCAM_VLAN_ANY;
    portcam_service_row service = {};
    service.port = 80;
    service.protocol = 6;
    service.flags = PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_EXACT_PORT;
    service.mode = PORTCAM_MODE_STATEFUL;
    service.slots_log2 = 2;
    portcam_schedule_row schedule = {};
    portcam_timeout_row timeout = {};
    timeout.syn = timeout.syn_ack = timeout.established = timeout.fin_one = timeout.fin_both =
        timeout.reset = timeout.unreplied = timeout.replied = 1000000;
    portcam_public_row open = {};
    memcpy(open.ip, vip, 4);
    open.family = 4;
    b.enqueue(PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0, nullptr);
    write(b, PORTCAM_TABLE_DOMAIN, 0, portcam_domain_row{});
    write(b, PORTCAM_TABLE_ADDRESS, 0, address);
    write(b, PORTCAM_TABLE_SERVICE, 0, service);
    write(b, PORTCAM_TABLE_TIMEOUT, 0, timeout);
    write(b, PORTCAM_TABLE_PUBLIC, 0, open);
    for (unsigned i = 0; i < Backends; i++) {
        portcam_backend_row backend = {};
        backend_ip(backend.ip, i);
        backend.family = 4;
        backend.port = 8080;
        backend.egress = 1;
        backend.weight = 1;
        backend.endpoint = uint16_t(i);
        write(b, PORTCAM_TABLE_BACKEND, i, backend);
        portcam_endpoint_row endpoint = {};
        backend_ip(endpoint.ip, i);
        endpoint.family = 4;
        endpoint.protocol = 6;
        endpoint.port = 8080;
        endpoint.backend = uint16_t(i);
        endpoint.flags = PORTCAM_ENDPOINT_ROW_STATEFUL;
        unsigned buckets = PORTCAM_BUILD_ENDPOINT_ROWS / PORTCAM_BUILD_ENDPOINT_WAYS;
        write(b, PORTCAM_TABLE_ENDPOINT, pc_endpoint_bucket(0, &endpoint, buckets), endpoint);
        schedule.slot[4 * i] = uint8_t(i);
        schedule.slot[4 * i + 2] = uint8_t((i + 1) % Backends);
    }
    write(b, PORTCAM_TABLE_SCHEDULE, 0, schedule);
    b.enqueue(PORTCAM_OPCODE_CHANGE_COMMIT, 0, 0, nullptr);
    for (unsigned i = 0; i < 8; i++)
        b.card().reg_write(PORTCAM_REG_SECRET_0 + 4 * i, 0x9e3779b9u * (i + 1));
    b.run_commands();
}

/* A 64-byte TCP frame of client n, towards the service or back from the backend that its record has. */
void push(Bench &b, Side side, unsigned n, uint8_t flags)
{
    Frame f = {2, 0,    0, 0, 1,  1, 2, 0,    0, 0,  0, 2, 8,
               0, 0x45, 0, 0, 50, 0, 1, 0x40, 0, 64, 6, 0, 0};
    const uint8_t client[4] = {10, uint8_t(n >> 16), uint8_t(n >> 8), uint8_t(n)};
    const uint8_t vip[4] = {198, 51, 100, 1};
    uint8_t server[16];
    backend_ip(server, n % Backends);
    f.resize(64);
    memcpy(&f[26], side == Net ? client : server, 4);
    memcpy(&f[30], side == Net ? vip : client, 4);
    unsigned from = side == Net ? 40000 : 8080, to = side == Net ? 80 : 40000;
    f[34] = uint8_t(from >> 8);
    f[35] = uint8_t(from);
    f[36] = uint8_t(to >> 8);
    f[37] = uint8_t(to);
    f[46] = 0x50;
    f[47] = flags;
    b.card().push(side, side == Host, f.data(), f.size());
}

/* What clients there are: those below `made` have a record, or will have one when their frame has come. */
struct Clients {
    unsigned made = 0, turn = 0;
};

struct Rate {
    double lookups, records;
};

/* Keep the card full for some clocks; every `percent` of 100 frames of the network side makes a record. */
Rate load(Bench &b, Clients &c, unsigned percent, bool replies)
{
    unsigned before = b.card().reg_read(PORTCAM_REG_CONNECTIONS_USED), share = 0;
    unsigned pushed = c.made;
    uint64_t lookups = 0, start = 0;
    for (uint64_t n = 0; n < Settle + Load; n++) {
        if (n == Settle) {
            lookups = b.lookups();
            start = b.card().clocks();
        }
        while (b.card().waiting(Net) < 4) {
            share += percent;
            bool makes = share >= 100;
            share -= makes ? 100 : 0;
            if (makes || c.made == 0)
                push(b, Net, c.made++, Syn);
            else
                push(b, Net, c.turn++ * 7919 % c.made, Ack);
        }
        while (replies && b.card().waiting(Host) < 4)
            push(b, Host, c.turn++ * 7919 % (c.made > 64 ? c.made - 64 : 1), Ack);
        b.card().step();
    }
    double clocks = double(b.card().clocks() - start);
    Rate rate = {double(b.lookups() - lookups) / clocks, 0};
    while (b.card().waiting(Net) || b.card().waiting(Host) || b.card().quiet() < 300)
        b.card().step();
    unsigned used = b.card().reg_read(PORTCAM_REG_CONNECTIONS_USED);
    rate.records = double(c.made - pushed) / double(Settle + Load);
    if (used - before != c.made - pushed)
        wrong = true;
    return rate;
}

/* Clocks of a pass of ageing; with a load, clocks in which no header can come are `idle` percent. */
uint64_t sweep(Bench &b, Clients &c, uint32_t &now, bool loaded, unsigned idle)
{
    now += 251;
    b.card().set_time(now);
    b.card().stress.source_idle[Net] = idle;
    uint64_t start = b.card().clocks();
    b.card().step();
    while (b.card().active()) {
        while (loaded && b.card().waiting(Net) < 4)
            push(b, Net, c.turn++ * 7919 % c.made, Ack);
        b.card().step();
        if (b.card().clocks() - start > 3000000) {
            wrong = true;
            break;
        }
    }
    b.card().stress.source_idle[Net] = 0;
    return b.card().clocks() - start;
}

} // namespace

int main()
{
    Bench b;
    fill(b);
    Clients clients;
    uint32_t now = 1000;
    b.card().set_time(now);
    printf("connections, 64-byte packets back to back: lookups a clock, records made a clock\n");
    for (unsigned percent : {0u, 1u, 10u, 50u, 100u}) {
        Rate r = load(b, clients, percent, false);
        printf("  %3u %% of the packets new   %.4f  %.4f\n", percent, r.lookups, r.records);
        wrong = wrong || r.lookups < 0.9999;
    }
    Rate both = load(b, clients, 20, true);
    printf("  both ways, 20 %% of the clients' new  %.4f  %.4f\n", both.lookups, both.records);
    wrong = wrong || both.lookups < 0.9999;
    b.forget();
    for (unsigned i = 0; i < 200; i++) {
        push(b, Net, clients.made++, Syn);
        push(b, Host, i, Ack);
        while (b.card().waiting(Net) || b.card().waiting(Host) || b.card().quiet() < 200)
            b.card().step();
    }
    printf("latency, a SYN that makes a record and a reply, alone: %d to %d clocks (%llu frames)\n",
           b.least_latency, b.most_latency, (unsigned long long)b.frames);
    unsigned slots = PORTCAM_BUILD_CONNECTION_ROWS + PORTCAM_BUILD_CONNECTION_ROWS_V6;
    unsigned used = b.card().reg_read(PORTCAM_REG_CONNECTIONS_USED);
    uint64_t alone = sweep(b, clients, now, false, 0);
    uint64_t busy = sweep(b, clients, now, true, 8);
    wrong = wrong || alone < 1000 || busy < alone;
    printf("a pass of ageing over %u rows with %u records: %llu clocks idle, %llu beside packets "
           "in 92 %% of the clocks\n",
           slots, used, (unsigned long long)alone, (unsigned long long)busy);
    printf("  that is %.4f s for 1,048,576 rows at 322 MHz and 92 %% load, as full as this\n",
           double(busy) / slots * 1048576 / Clock);
    printf("%s: %llu commands failed, %u records\n", wrong ? "WRONG" : "right",
           (unsigned long long)b.failures(), b.card().reg_read(PORTCAM_REG_CONNECTIONS_USED));
    return wrong || b.failures();
}
