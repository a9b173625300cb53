// SPDX-License-Identifier: Apache-2.0
/* The build under test, options of a run, and what all seeds together must have met. */
#pragma once

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>

#include COSIM_HEADER
#include "hazard_bins.hpp"
#include "hold_host.hpp"
#include "interrupt_check.hpp"
#include "mirror_host.hpp"
#include "moment_bins.hpp"
#include "packet_host.hpp"
#include "replay.h"
#include "replay_record.hpp"
#include "rtl_card.hpp"
#include "trace_host.hpp"
#include "world.h"

using Card = portcam::RtlCard<COSIM_TOP>;
using Packets = PacketHost<Card>;
using Trace = TraceHost<Card>;
using portcam::Side;

constexpr uint64_t MemoryBase = 0x10000000, MemoryBytes = 1 << 20;
constexpr uint64_t RingAt = MemoryBase, CompletionsAt = MemoryBase + 0x10000,
                   AnswerAt = MemoryBase + 0x20000, ImagesAt = MemoryBase + 0x80000;
constexpr unsigned RingLog2 = 7, RingSize = 1u << RingLog2;
constexpr uint64_t NoMemory = 0x40000000; /* nothing is behind it */
constexpr unsigned FullSeeds = 5;

#ifdef COSIM_TINY
constexpr uint64_t FirstSeed = 1001; /* not those of the default build */
constexpr unsigned Ways = 2, CopySlots = ~0u, RestartOneIn = 500;
#else
constexpr uint64_t FirstSeed = 1;
constexpr unsigned Ways = PORTCAM_BUILD_CONNECTION_WAYS, RestartOneIn = 1200;
constexpr unsigned CopySlots = 2048; /* of a restart; whole_mirror() copies all */
#endif

struct Options {
    uint64_t seed = FirstSeed, seeds = 40, frames = 4000; /* enough for FramesForReasons */
    std::string waves;
    uint64_t from = 0, to = 0;
};

struct Totals {
    uint64_t frames = 0, drops = 0, clocks = 0, commits = 0, resets = 0, stops = 0, restarts = 0,
             rows = 0, irqs = 0, errors = 0, differences = 0, records = 0, ended = 0, aged = 0,
             moved = 0, images = 0, inserted = 0, refused = 0, mirror_fails = 0, mirror_irqs = 0;
    struct pc_mirror_counts mirror = {};
    uint64_t reasons[64] = {};
    std::array<uint64_t, HazardBins::Bins> hazards = {};
    std::array<uint64_t, MomentBins::Bins> moments = {};
    uint64_t punts = 0, injects = 0, packets[PacketHost<Card>::Bins] = {}, traces[Trace::Bins] = {};
};

inline struct pc_sizes build_sizes()
{
    struct pc_sizes s = pc_sizes_default();
#ifdef COSIM_TINY
    s.functions = 4;
    s.domains = 8;
    s.addresses = 16;
    s.services = 32;
    s.backends = 16;
    s.endpoint_ways = 2;
    s.endpoint_rows = 32;
    s.endpoint_any_port_rows = 8;
    s.endpoint_any_rows = 8;
    s.connection_rows = 16;
    s.connection_rows_v6 = 16;
    s.connection_stash = 2;
    s.schedule_rows = 16;
#endif
    return s;
}

/* Slots of records: rows and stash of both IP versions. */
inline unsigned slots_of(const struct pc_sizes &s)
{
    return s.connection_rows + s.connection_rows_v6 + 2 * s.connection_stash;
}

/* Fewer frames, as when one seed runs again, need not meet every reason. */
constexpr uint64_t FramesForReasons = 40 * 4000;

/* Hazards that fewer frames need not meet: a record that moves while its packets come, a stash row that is freed just then. */
constexpr uint64_t FramesForRare = 1000000;

/* What a mirror meets: more than it has room for, written later, of records and of free slots; a full event ring; memory that
 * refuses. Only the small build has so little room. */
inline bool all_of_the_mirror(const Totals &t)
{
    const struct pc_mirror_counts &m = t.mirror;
    printf("# mirror: %" PRIu64 " starts, %" PRIu64 " entries, %" PRIu64 " events, %" PRIu64
           " dropped, %" PRIu64 " copies, %" PRIu64 " sums, %" PRIu64 " lost, copied again %" PRIu64
           " and %" PRIu64 " free, %" PRIu64 " refused, %" PRIu64 " interrupts\n",
           m.starts, m.entries, m.events, m.full, m.copies, m.sums, m.lost, m.again, m.again_free,
           t.mirror_fails, t.mirror_irqs);
    bool all = m.starts && m.entries && m.events && m.full && m.copies && m.sums && t.mirror_irqs;
#ifdef COSIM_TINY
    all = all && m.lost && m.again && m.again_free && t.mirror_fails;
#endif
    return all;
}

inline bool is_rare(int bin)
{
    return bin == HazardBins::MoveThenHit || bin == HazardBins::HitThenMove ||
           bin == HazardBins::StashFreed || bin == HazardBins::GivenThenHit;
}

/* Reasons that random frames must have met, so that the comparison compared something. */
inline bool all_reasons(const Totals &t)
{
    const char *names[64] = {};
#define NAME(value, name, rule, fate, about) names[value] = name;
    PORTCAM_REASON_LIST(NAME)
#undef NAME
    bool all = true;
    for (int i = 0; i < PORTCAM_REASON_MAX; i++) {
        if (!names[i])
            continue;
        printf("# %-20s %" PRIu64 "\n", names[i], t.reasons[i]);
#ifdef COSIM_TINY
        all = all && t.reasons[i];
#else /* no table of the default size is ever full */
        all = all && (t.reasons[i] || i == PORTCAM_REASON_TABLE_FULL ||
                      i == PORTCAM_REASON_TABLE_FULL_HASH || i == PORTCAM_REASON_TABLE_FULL_PUNT);
#endif
    }
    return all;
}

/* Hazards that random frames must have met. With tables of the default size no record finds the tables full. */
inline bool all_hazards(const Totals &t, bool rare)
{
    bool all = true;
    for (int i = 0; i < HazardBins::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", HazardBins::Names[i], t.hazards[i]);
#ifdef COSIM_TINY
        all = all && (t.hazards[i] || (is_rare(i) && !rare));
#else
        all = all && (t.hazards[i] || (is_rare(i) && !rare) || i == HazardBins::MoveThenHit ||
                      i == HazardBins::HitThenMove || i >= HazardBins::SameBucket);
#endif
    }
    return all;
}

/* What must have happened to punted and injected packets, and to samples. */
inline bool all_packets(const Totals &t)
{
    bool all = true;
    for (int i = 0; i < Packets::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", Packets::Names[i], t.packets[i]);
        all = all && t.packets[i];
    }
    for (int i = 0; i < Trace::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", Trace::Names[i], t.traces[i]);
        all = all && t.traces[i];
    }
    return all;
}

/* What must have happened at some moment. */
inline bool all_moments(const Totals &t)
{
    bool all = true;
    for (int i = 0; i < MomentBins::Bins; i++) {
        printf("# %-64s %" PRIu64 "\n", MomentBins::Names[i], t.moments[i]);
        all = all && t.moments[i];
    }
    return all;
}
