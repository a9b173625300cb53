// SPDX-License-Identifier: Apache-2.0
//
// Sizes of the build under test, and the words between a test and its bench: what goes into
// connections_tb, and what becomes of it.
#pragma once

#include <cstdint>

#include "portcam_defs.h"

#ifndef BENCH_READ_LATENCY
#define BENCH_READ_LATENCY 2
#endif
#ifndef BENCH_ROWS
#define BENCH_ROWS 64
#define BENCH_ROWS_V6 64
#define BENCH_WAYS 2
#define BENCH_STASH 2
#endif

constexpr unsigned kRows = BENCH_ROWS, kRowsV6 = BENCH_ROWS_V6, kWays = BENCH_WAYS,
                   kStash = BENCH_STASH, kScheduleRows = 8, kServices = 4, kAddresses = 4,
                   kBackends = 16, kDomains = 4, kPassMs = 8;
constexpr unsigned kGroup = 4 * kWays, kBase6 = kRows + kStash,
                   kSlots = kRows + kRowsV6 + 2 * kStash;
constexpr unsigned kReadLatency = BENCH_READ_LATENCY;
// Clocks from packet_valid_i to the verdict, and events that the rows may not show.
constexpr unsigned kLatency = 17 + kReadLatency, kWindow = 13 + kReadLatency;
constexpr unsigned kTcp = 6, kUdp = 17;

// portcam_connection_pkg: op_e and says_e.
enum Op {
    OpNone,
    OpForward,
    OpReverse,
    OpScan,
    OpRead,
    OpAge,
    OpKeep,
    OpDelete,
    OpMove,
    OpLook,
    OpCopy,
    OpInsert
};
enum Says {
    SaysNothing,
    SaysForward,
    SaysNew,
    SaysReverse,
    SaysNoReply,
    SaysNoRecord,
    SaysHash,
    SaysDraining,
    SaysNoBackend,
    SaysAmbiguous,
    SaysFull,
    SaysFullHash,
    SaysUnproven,
    SaysUnprovenHash
};

inline const char *name_of(Says says)
{
    static const char *const names[] = {"nothing",    "forward",      "new",  "reverse",
                                        "no_reply",   "no_record",    "hash", "draining",
                                        "no_backend", "ambiguous",    "full", "full_hash",
                                        "unproven",   "unproven_hash"};
    return says <= SaysUnprovenHash ? names[says] : "unknown";
}

enum Flags { FlagFin = 1, FlagSyn = 2, FlagRst = 4, FlagAck = 16 };

struct Client {
    unsigned ip = 1, port = 1000, protocol = kTcp;
    bool is_v6 = false;
};

// What the lookup says of a service, as tests set it.
struct Service {
    unsigned group = 0;
    bool wide = false, draining = false, hash = false, full_hash = false;
    unsigned pick = PORTCAM_PICK_CLIENT_IP, schedule = 0, slots_log2 = 0;
};

struct Packet {
    bool forward = false, reverse = false, bank = false;
    Client client;
    unsigned service = 0, address = 0, port = 80, endpoint = 0;
    Service of;
    bool keyless = false, may_create = true;
    bool peek = false; // of an ICMP error: may_create and flags do not count
    uint32_t crc = 0;
    unsigned flags = FlagSyn;
    uint32_t seq = 100, payload = 0;
    unsigned len = 64;
    uint32_t limit = 0;
};

struct Walk {
    unsigned kind = OpNone, slot = 0;
    uint32_t generation = 0, last_used = 0;
    portcam_connection_image image{}; // of OpInsert
};

struct Backend {
    bool present = false, is_v6 = false;
    unsigned weight = 0, endpoint = 0;

    bool accepts() const { return present && weight; }
};

// What became of an operation.
struct Outcome {
    uint64_t clock = 0; // in which it was given
    bool packet = false, forward = false, reverse = false;
    Says says = SaysNothing;
    unsigned backend = 0;
    unsigned kind = OpNone;
    bool acted = false, found = false, taken = false, room = false;
    unsigned slot = 0;      // packets: of the record behind it, or ~0
    uint64_t used_rows = 0; // OpScan
};
