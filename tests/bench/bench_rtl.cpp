// SPDX-License-Identifier: Apache-2.0
/*
 * What the RTL does in a clock, and how fast it is simulated: lookups a clock at full load, also while the host
 * writes tables; latency; table writes a clock through the command ring; clocks a second of the Verilated
 * core without its assertions on one processor. Prints one line each. Usage: bench_rtl [SECONDS]
 */
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <initializer_list>

#include "bench_card.hpp"

namespace
{

constexpr uint64_t Settle = 400; /* clocks until the pipeline is full */
constexpr uint64_t Load = 20000; /* clocks over which a rate is taken */
constexpr int LatencyLimit = 80;

double processor_seconds()
{
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

/* TCP from a client to 198.51.100.1:80, which has a static service. */
Frame tcp_frame(size_t size)
{
    static const uint8_t start[] = {2,   0,    0, 0, 1,   1,  2,   0,    0,    0,    0,   2,  8,
                                    0,   0x45, 0, 0, 0,   0,  1,   0x40, 0,    64,   6,   0,  0,
                                    192, 0,    2, 2, 198, 51, 100, 1,    0x9c, 0x40, 0,   80, 0,
                                    0,   0,    1, 0, 0,   0,  0,   0x50, 2,    0xfa, 0xf0};
    Frame f(size);
    for (size_t i = 0; i < size && i < sizeof(start); i++)
        f[i] = start[i];
    if (size >= 54) {
        f[16] = uint8_t((size - 14) >> 8);
        f[17] = uint8_t(size - 14);
    }
    return f;
}

void push(Bench &b, Side side, size_t size)
{
    Frame f = tcp_frame(size);
    b.card().push(side, side == Host, f.data(), f.size());
}

portcam_backend_row backend_row(unsigned i)
{
    portcam_backend_row r = {};
    const uint8_t ip[4] = {10, uint8_t(i >> 16), uint8_t(i >> 8), uint8_t(i)};
    memcpy(r.ip, ip, 4);
    r.family = 4;
    r.port = 8080;
    r.egress = 1;
    return r;
}

portcam_service_row service_row(unsigned i)
{
    portcam_service_row r = {};
    r.address = 0;
    r.port = uint16_t(80 + i);
    r.protocol = 6;
    r.flags = PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_EXACT_PORT;
    r.service = r.backend = uint16_t(i);
    return r;
}

void fill(Bench &b)
{
    portcam_domain_row domain = {};
    portcam_address_row address = {};
    const uint8_t ip[4] = {198, 51, 100, 1};
    memcpy(address.ip, ip, 4);
    address.family = 4;
    address.prefix = 32;
    address.vlan = PORTCAM_VLAN_ANY;
    portcam_service_row service = service_row(0);
    portcam_backend_row backend = backend_row(0);
    b.enqueue(PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0, nullptr);
    b.enqueue(PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_DOMAIN, 0, &domain);
    b.enqueue(PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_ADDRESS, 0, &address);
    b.enqueue(PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_SERVICE, 0, &service);
    b.enqueue(PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_BACKEND, 0, &backend);
    b.enqueue(PORTCAM_OPCODE_CHANGE_COMMIT, 0, 0, nullptr);
    b.run_commands();
}

/* Keeps the sides busy with 64-byte frames for some clocks; lookups a clock. */
double lookups_a_clock(Bench &b, std::initializer_list<Side> sides, bool writing)
{
    uint64_t before = 0, start = 0;
    for (uint64_t n = 0; n < Settle + Load; n++) {
        if (n == Settle) {
            before = b.lookups();
            start = b.card().clocks();
        }
        for (Side side : sides)
            while (b.card().waiting(side) < 4)
                push(b, side, 64);
        if (writing && !b.commanding()) {
            b.enqueue(PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0, nullptr);
            for (unsigned i = 1; i < 400; i++) {
                portcam_backend_row r = backend_row(i + unsigned(n));
                b.enqueue(PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_BACKEND, i, &r);
            }
            b.enqueue(PORTCAM_OPCODE_CHANGE_COMMIT, 0, 0, nullptr);
            b.ring_doorbell();
        }
        b.card().step();
    }
    return double(b.lookups() - before) / double(b.card().clocks() - start);
}

void drain(Bench &b)
{
    while (b.card().waiting(Net) || b.card().waiting(Host) || b.card().quiet() < 300 ||
           b.commanding())
        b.card().step();
}

/* One frame at a time, every size, from both sides. */
void alone(Bench &b)
{
    b.forget();
    for (Side side : {Net, Host})
        for (size_t size = 1; size <= PORTCAM_BUILD_MAX_FRAME; size += size < 300 ? 1 : 61) {
            push(b, side, size);
            drain(b);
        }
    printf("latency, frames alone, 1 to %d bytes:     %d to %d clocks (%llu frames)\n",
           PORTCAM_BUILD_MAX_FRAME, b.least_latency, b.most_latency,
           static_cast<unsigned long long>(b.frames));
}

/* One side at line rate, mixed sizes, the other idle: no frame waits for another direction. */
void loaded(Bench &b)
{
    b.forget();
    unsigned size = 64;
    for (uint64_t n = 0; n < Load; n++) {
        while (b.card().waiting(Net) < 4)
            push(b, Net, 64 + (size = (size * 37 + 11) % 1437));
        b.card().step();
    }
    drain(b);
    printf("latency, line rate one way, 64 to 1,500 bytes: %d to %d clocks (%llu frames)\n",
           b.least_latency, b.most_latency, static_cast<unsigned long long>(b.frames));
}

/* Clocks a row in one change set, commit included. */
template <class Row>
double clocks_a_row(Bench &b, uint16_t table, unsigned first, unsigned count, Row (*row)(unsigned))
{
    b.enqueue(PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0, nullptr);
    for (unsigned i = first; i < first + count; i++) {
        Row r = row(i);
        b.enqueue(PORTCAM_OPCODE_ROW_WRITE, table, i, &r);
    }
    b.enqueue(PORTCAM_OPCODE_CHANGE_COMMIT, 0, 0, nullptr);
    return double(b.run_commands()) / count;
}

void rate(const char *what, double clocks)
{
    printf("%-42s %.4f rows a clock (%.2f clocks a row; %.2f million rows/s at 250 MHz)\n", what,
           1 / clocks, clocks, 250 / clocks);
}

/* Clocks a processor second of the Verilated core alone: its inputs stand still. */
double clocks_a_second(Bench &b, bool busy, double seconds)
{
    Vportcam_core &top = b.card().top();
    Frame f = tcp_frame(64);
    memcpy(&top.s_axis_net_tdata[0], f.data(), 64);
    memcpy(&top.s_axis_host_tdata[0], f.data(), 64);
    top.s_axis_net_tkeep = top.s_axis_host_tkeep = ~0ull;
    top.s_axis_net_tlast = top.s_axis_host_tlast = 1;
    top.s_axis_host_tuser = 1;
    top.m_axis_net_tready = top.m_axis_host_tready = 1;
    top.s_axis_net_tvalid = top.s_axis_host_tvalid = busy;
    uint64_t clocks = 0;
    double start = processor_seconds(), end;
    do {
        for (int i = 0; i < 10000; i++) {
            top.clk_i = 0;
            top.eval();
            top.clk_i = 1;
            top.eval();
        }
        clocks += 10000;
        end = processor_seconds();
    } while (end - start < seconds);
    return double(clocks) / (end - start);
}

} // namespace

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], nullptr) : 2;
    Bench b;
    fill(b);

    printf("64-byte packets back to back: lookups a clock, host idle and host writing tables\n");
    struct {
        const char *name;
        std::initializer_list<Side> sides;
    } const ways[] = {
        {"  network to host", {Net}}, {"  host to network", {Host}}, {"  both ways", {Net, Host}}};
    double worst = 1;
    for (const auto &way : ways) {
        double idle = lookups_a_clock(b, way.sides, false);
        drain(b);
        double writing = lookups_a_clock(b, way.sides, true);
        drain(b);
        printf("%-18s %.4f  %.4f\n", way.name, idle, writing);
        worst = idle < worst ? idle : worst;
        worst = writing < worst ? writing : worst;
    }
    alone(b);
    int most = b.most_latency;
    loaded(b);
    rate("writes of backend rows (RAM):",
         clocks_a_row(b, PORTCAM_TABLE_BACKEND, 1, 4000, backend_row));
    rate("writes of service rows (ternary):",
         clocks_a_row(b, PORTCAM_TABLE_SERVICE, 1, 1000, service_row));
    drain(b);
    double quiet = clocks_a_second(b, false, seconds), busy = clocks_a_second(b, true, seconds);
    printf("Verilated core alone, without assertions, on one processor: %.0f clocks/s idle, "
           "%.0f clocks/s and packets/s with 64-byte packets both ways\n",
           quiet, busy);
    if (b.failures() || worst < 0.9999 || most > LatencyLimit) {
        printf("WRONG: %llu commands failed, %.4f lookups a clock, latency %d clocks\n",
               static_cast<unsigned long long>(b.failures()), worst, most);
        return 1;
    }
    return 0;
}
