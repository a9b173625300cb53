// SPDX-License-Identifier: Apache-2.0
/* What happened at which moment: holds, resets of the function and restarts of the host. */
#ifndef PC_COSIM_MOMENT_BINS_HPP
#define PC_COSIM_MOMENT_BINS_HPP

#include <array>
#include <cstdint>

class MomentBins
{
public:
    enum Bin {
        Held,
        HoldTakenBack,
        HeldThroughReset,
        ResetInLookup,
        ResetWhileCommands,
        ResetWhileMirror,
        ResetWhilePunts,
        ResetWhileClearing,
        RestartWhileCommands,
        RestartWhileMirror,
        RestartWhileStopping,
        RestartCopied,
        SmallRingFull,
        CompletionsFull,
        Bins
    };
    static constexpr const char *Names[Bins] = {
        "hold: packets waited",
        "hold: taken back while it holds",
        "hold: kept through a reset while packets waited",
        "reset: while packets are in the lookup",
        "reset: while commands wait or are in work",
        "reset: while the mirror runs",
        "reset: while punted packets may be on their way",
        "reset: while the card still clears after another",
        "restart of the host: while commands wait or are in work",
        "restart of the host: while the mirror runs",
        "restart of the host: the mirror is enabled again before it came to rest",
        "restart of the host: a copy tells all records, while packets go on",
        "event ring of 4 entries: events dropped for a slow host",
        "completion ring: full for a slow host"};

    void count(Bin bin, bool met) { bins_[bin] += met; }
    void add(std::array<uint64_t, Bins> &total) const
    {
        for (int i = 0; i < Bins; i++)
            total[i] += bins_[i];
    }

private:
    uint64_t bins_[Bins] = {};
};

#endif
