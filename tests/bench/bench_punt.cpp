// SPDX-License-Identifier: Apache-2.0
/*
 * Packets to and from the host in the RTL: punted and injected frames a clock, by their size and by the latency of host
 * memory, and whether other packets go on at one a clock meanwhile. The host consumes and produces at once. Prints one line
 * each. Usage: bench_punt
 */
#include <cstdio>

#include "bench_card.hpp"

namespace
{

constexpr uint64_t PuntAt = 0x500000, InjectAt = 0x580000, FramesAt = 0x581000;
constexpr unsigned PuntLog2 = 5, InjectLog2 = 5;
constexpr uint64_t Clocks = 20000;

Frame frame_of(size_t size, bool fragment)
{
    Frame f(size);
    const uint8_t start[] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 8, 0, 0x45};
    memcpy(f.data(), start, sizeof(start));
    f[16] = uint8_t((size - 14) >> 8);
    f[17] = uint8_t(size - 14);
    f[20] = fragment ? 0x20 : 0;
    f[23] = 17;
    f[26] = 192, f[27] = 0, f[28] = 2, f[29] = 7;
    f[30] = 198, f[31] = 51, f[32] = 100, f[33] = 1;
    f[39] = uint8_t(size - 34);
    f[38] = uint8_t((size - 34) >> 8);
    return f;
}

void start(Bench &b)
{
    portcam_limits_row limits = {};
    limits.punt_rate = limits.punt_burst = 65535;
    limits.punt_reasons = PORTCAM_PUNT_REASONS;
    b.enqueue(PORTCAM_OPCODE_CHANGE_BEGIN, 0, 0, nullptr);
    b.enqueue(PORTCAM_OPCODE_ROW_WRITE, PORTCAM_TABLE_LIMITS, 0, &limits);
    b.enqueue(PORTCAM_OPCODE_CHANGE_COMMIT, 0, 0, nullptr);
    b.run_commands();
    b.card().reg_write(PORTCAM_REG_PUNT_BASE_LO, PuntAt);
    b.card().reg_write(PORTCAM_REG_PUNT_SIZE, PuntLog2);
    b.card().reg_write(PORTCAM_REG_PUNT_CONTROL, 1);
    b.card().reg_write(PORTCAM_REG_INJECT_BASE_LO, InjectAt);
    b.card().reg_write(PORTCAM_REG_INJECT_SIZE, InjectLog2);
    b.card().reg_write(PORTCAM_REG_INJECT_CONTROL, 1);
}

void drain(Bench &b)
{
    while (b.card().waiting(Net) || b.card().waiting(Host) || b.card().quiet() < 1000)
        b.card().step();
}

/* Packets a clock; time goes on so that the limit is never met. */
double punted(Bench &b, size_t size, uint32_t &time)
{
    uint64_t before = b.punts, from = b.card().clocks(), told = b.punts;
    while (b.card().clocks() - from < Clocks) {
        while (b.card().waiting(Net) < 4) {
            Frame f = frame_of(size, true);
            b.card().push(Net, 0, f.data(), f.size());
        }
        for (int i = 0; i < 32; i++)
            b.card().step();
        b.card().set_time(time += 1000);
        if (b.punts - told >= 8) {
            told = b.punts;
            b.card().reg_write(PORTCAM_REG_PUNT_HEAD, static_cast<uint32_t>(told));
        }
    }
    double rate = double(b.punts - before) / double(b.card().clocks() - from);
    drain(b);
    b.card().reg_write(PORTCAM_REG_PUNT_HEAD, static_cast<uint32_t>(b.punts));
    return rate;
}

double injected(Bench &b, size_t size, uint32_t &tail)
{
    uint64_t before = b.injects, from = b.card().clocks();
    while (b.card().clocks() - from < Clocks) {
        uint32_t head = b.card().reg_read(PORTCAM_REG_INJECT_HEAD);
        while (tail - head < 1u << InjectLog2) {
            portcam_inject_descriptor d = {};
            d.address = FramesAt;
            d.len = static_cast<uint16_t>(size);
            memcpy(&b.memory()[InjectAt + tail++ % (1u << InjectLog2) * sizeof(d)], &d, sizeof(d));
        }
        b.card().reg_write(PORTCAM_REG_INJECT_DOORBELL, tail);
        for (int i = 0; i < 64; i++)
            b.card().step();
    }
    double rate = double(b.injects - before) / double(b.card().clocks() - from);
    drain(b);
    return rate;
}

/* Lookups a clock with 64-byte packets, one in eight of which is wanted at the host. */
double beside(Bench &b, uint32_t &time)
{
    uint64_t before = 0, from = 0, n = 0;
    for (uint64_t clock = 0; clock < Clocks; clock++) {
        if (clock == 400) {
            before = b.lookups();
            from = b.card().clocks();
        }
        while (b.card().waiting(Net) < 4) {
            Frame f = frame_of(64, n++ % 8 == 0);
            b.card().push(Net, 0, f.data(), f.size());
        }
        b.card().set_time(time += 10);
        b.card().step();
    }
    double rate = double(b.lookups() - before) / double(b.card().clocks() - from);
    drain(b);
    b.card().reg_write(PORTCAM_REG_PUNT_HEAD, static_cast<uint32_t>(b.punts));
    return rate;
}

} // namespace

int main()
{
    Bench b;
    uint32_t time = 0, tail = 0;
    start(b);
    printf("%-34s %28s %28s\n", "latency of host memory, at most", "punted a clock, 64 and 1,514",
           "injected a clock, 64 and 1,514");
    for (unsigned latency : {0u, 100u, 300u}) {
        b.card().stress.dma_latency = latency;
        double p64 = punted(b, 64, time), p1514 = punted(b, 1514, time);
        double i64 = injected(b, 64, tail), i1514 = injected(b, 1514, tail);
        printf("%5u clocks %38.4f %12.4f %15.4f %12.4f\n", latency, p64, p1514, i64, i1514);
    }
    double rate = beside(b, time);
    printf("64-byte packets back to back, one in eight for the host: %.4f lookups a clock\n", rate);
    if (b.failures() || rate < 0.9999 || b.punts == 0 || b.injects == 0) {
        printf("WRONG: %llu commands failed, %.4f lookups a clock\n",
               static_cast<unsigned long long>(b.failures()), rate);
        return 1;
    }
    return 0;
}
