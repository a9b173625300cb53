// SPDX-License-Identifier: Apache-2.0
//
// What the RTL benches share: TAP lines, a seeded random source, access to 64-bit lanes of wide
// Verilator ports, and the one clock step. A bench sets inputs while the clock is low, looks at
// outputs there, and then lets the clock rise.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "verilated.h"

// Collects what went wrong since the last line and prints one TAP line for a test.
class Tap
{
public:
    // Notes a failure of the test in progress; only the first few are kept.
    __attribute__((format(printf, 2, 3))) void fail(const char *format, ...)
    {
        if (faults_++ < 5) {
            char text[512];
            va_list arguments;
            va_start(arguments, format);
            vsnprintf(text, sizeof text, format, arguments);
            va_end(arguments);
            why_ += std::string("#   ") + text + "\n";
        }
    }

    // Ends the test in progress.
    void done(const std::string &name)
    {
        printf("%sok %d - %s\n%s", faults_ ? "not " : "", ++count_, name.c_str(), why_.c_str());
        failed_ += faults_ != 0;
        faults_ = 0;
        why_.clear();
    }

    // Prints the plan; the exit status of the program.
    int finish() const
    {
        printf("1..%d\n", count_);
        return failed_ != 0;
    }

private:
    int count_ = 0;
    int failed_ = 0;
    int faults_ = 0;
    std::string why_;
};

// SplitMix64.
class Random
{
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next()
    {
        uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    uint64_t below(uint64_t limit) { return next() % limit; }
    bool percent(unsigned chance) { return below(100) < chance; }

private:
    uint64_t state_;
};

inline uint64_t low_bits(unsigned width)
{
    return width >= 64 ? ~0ull : (1ull << width) - 1;
}

// Lane `index` of a port that is an array of 64-bit lanes and wider than 64 bits.
template <typename Wide>
uint64_t lane(const Wide &port, unsigned index)
{
    return port[2 * index] | (uint64_t(port[2 * index + 1]) << 32);
}

template <typename Wide>
void set_lane(Wide &port, unsigned index, uint64_t value)
{
    port[2 * index] = uint32_t(value);
    port[2 * index + 1] = uint32_t(value >> 32);
}

// Bit `index` of a port of up to 64 bits.
template <typename Bits>
void set_bit(Bits &port, unsigned index, bool value)
{
    port = Bits((port & ~(Bits(1) << index)) | (Bits(value) << index));
}

template <typename Bits>
bool bit(Bits port, unsigned index)
{
    return (port >> index) & 1;
}

// Lets the clock rise and fall. Inputs were set and evaluated before.
template <typename Top>
void rise(Top &top)
{
    top.clk_i = 1;
    top.eval();
    top.clk_i = 0;
}

// The seed: the first argument, or the one all runs share. Also the seed of the random values
// which every register and memory holds before reset.
inline uint64_t start(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], nullptr, 0) : 20240607;
    printf("# seed %llu (first argument)\n", (unsigned long long)seed);
    Verilated::randReset(2);
    Verilated::randSeed(int(seed % 0x7FFFFFFF) + 1);
    return seed;
}
