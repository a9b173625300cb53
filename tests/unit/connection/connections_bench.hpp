// SPDX-License-Identifier: Apache-2.0
//
// The bench around connections_tb: packets and operations of the walk in, and beside them the C
// model's table of records, to which the same operations happen one after another in the order of
// trace_o. What the card may choose (places, whether there is room, when a counter of a service
// moves) is taken from the trace and tested for being allowed; all the rest must be equal: verdicts,
// records before each operation, what the counters of backends are told, numbers of records.
#pragma once

#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "Vconnections_tb.h"
#include "connections.h"
#include "mix_twin.hpp"
#include "portcam_defs.h"
#include "tap.hpp"

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

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap(tap), random(seed)
    {
        top.rst_ni = 0;
        top.packet_valid_i = top.ask_valid_i = top.init_i = 0;
        top.walk_select_i = top.stop_i = top.clear_i = 0;
        top.conn_valid_i = top.conn_delete_i = top.conn_insert_i = 0;
        top.img_ready_i = 1;
        top.schedule_req_i = top.backend_req_i = top.timeout_req_i = top.domain_req_i = 0;
        for (unsigned i = 0; i < 8; i++)
            top.secret_i[i] = uint32_t(random.next());
        for (unsigned i = 0; i < 4; i++) {
            rise(top);
            top.eval();
        }
        top.rst_ni = 1;
        started();
        settle();
    }
    ~Bench() { pc_connections_free(table_); }

    // Until nothing is on its way and nothing is being emptied.
    void settle()
    {
        for (unsigned n = 0; n < 10000 + kRows && (top.busy_o || !entries_.empty() || pending_);
             n++)
            idle();
        if (!entries_.empty() || top.busy_o)
            tap.fail("operations or init do not end");
        idle(kLatency + 4);
    }

    // Empties everything, also the reference.
    void clear()
    {
        settle();
        top.init_i = top.clear_i = 1;
        idle();
        top.init_i = top.clear_i = 0;
        started();
        settle();
        outcomes.clear();
    }

    void idle(unsigned clocks = 1)
    {
        while (clocks--)
            step(nullptr, nullptr);
    }
    void packet(const Packet &p) { step(&p, nullptr); }
    void ask(const Walk &w) { step(nullptr, &w); }
    // One clock: a packet comes in, and the walk asks (that waits while it has to).
    void step(const Packet *p, const Walk *w);

    // The outcome of the last packet or operation, after settling.
    Outcome last()
    {
        settle();
        return outcomes.empty() ? Outcome() : outcomes.back();
    }
    Outcome one(const Packet &p)
    {
        packet(p);
        return last();
    }
    Outcome one(const Walk &w)
    {
        bool taken = false;
        while (!taken) {
            ask(w);
            taken = asked;
        }
        return last();
    }

    void write_backend(bool bank, unsigned number, const Backend &b);
    void note_backend(bool bank, unsigned number, const Backend &b) { backends_[bank][number] = b; }
    void write_schedule(bool bank, unsigned row, const std::array<unsigned, 16> &slots);
    void write_timeouts(bool bank, unsigned service, const portcam_timeout_row *row);
    void write_domain(bool bank, unsigned domain, const portcam_domain_row *row);

    // Reads every slot, and so compares every record with the reference.
    void read_all()
    {
        for (unsigned slot = 0; slot < kSlots; slot++) {
            Walk w;
            w.kind = OpRead;
            w.slot = slot;
            do
                ask(w);
            while (!asked);
        }
        settle();
    }

    // The places that the hash gives a client: in the four tables, then in the stash.
    std::vector<unsigned> places(const Packet &p) const;
    const pc_connection *record(unsigned slot) const { return pc_connections_get(table_, slot); }
    int find(const Packet &p) const;
    unsigned used() const { return pc_connections_used(table_); }
    unsigned embryonic() const { return pc_connections_embryonic(table_); }

    Tap &tap;
    Random random;
    Vconnections_tb top;
    uint32_t time = 0;
    unsigned ms_per_1000_clocks = 0;
    uint64_t clock = 0;
    bool asked = false; // the last ask() was taken
    std::vector<Outcome> outcomes;
    std::array<uint64_t, 16> says_count{}, kind_count{}, insert_count{};
    uint64_t refused_late = 0, second_count = 0, stash_count = 0, replaced = 0, kept = 0;
    // An insert is on its way: another one has to wait, for there is one image.
    bool inserting() const { return inserting_; }
    // An image of the connection that a packet would make, in any state.
    static portcam_connection_image image_of(const Packet &p, unsigned backend, unsigned endpoint,
                                             unsigned state);
    // Called before each rise of the clock, and for a record that the walk ends or keeps by its age.
    std::function<void()> before;
    std::function<void(const pc_connection &, unsigned kind)> on_age;

private:
    struct Entry {
        uint64_t clock;
        bool packet;
        Packet p;
        Walk w;
    };

    struct Tally {
        uint64_t began = 0, active = 0, records = 0, syn_repeats = 0, syn_resets = 0, syn_acks = 0,
                 syn_ack_ms = 0;
    };

    void started();
    void check();
    void check_tally();
    Says forward(const Entry &e, Outcome &o, bool *check_backend, unsigned *backend);
    Says reverse(const Entry &e, Outcome &o);
    void walk(const Entry &e, Outcome &o);
    void insert(const portcam_connection_image &image, Outcome &o);
    void check_place(const std::vector<unsigned> &mine);
    void check_no_room(const std::vector<unsigned> &mine);
    using Identity = std::array<unsigned, 7>;

    static Identity identity(const Packet &p)
    {
        return {p.client.is_v6, p.client.ip, p.client.port, p.client.protocol,
                p.service,      p.address,   p.port};
    }
    // Before the reference ends it.
    void ends(unsigned slot)
    {
        const pc_connection &r = *record(slot);
        uint32_t ip;
        memcpy(&ip, r.key.client.ip, 4);
        gone_[Identity{r.key.is_v6, ip, r.key.client.port, r.key.protocol, r.service,
                       r.public_end.address, r.public_end.port}] = clock;
        freed_[slot] = clock;
    }
    static pc_client_key key_of(const Packet &p)
    {
        pc_client_key key{};
        memcpy(key.client.ip, &p.client.ip, 4);
        if (p.client.is_v6)
            key.client.ip[15] = 7;
        key.client.port = uint16_t(p.client.port);
        key.is_v6 = p.client.is_v6;
        key.protocol = uint8_t(p.client.protocol);
        key.group = uint16_t(p.of.group);
        key.kept_port = uint16_t(p.of.wide ? p.port : 0);
        return key;
    }
    pc_packet packet_of(const Packet &p, unsigned from) const
    {
        pc_packet r{};
        r.from = uint8_t(from);
        r.tcp_flags = uint8_t(p.flags);
        r.seq = p.seq;
        r.payload = p.payload;
        r.len = p.len;
        r.now = top.trace_time_ms_o;
        return r;
    }
    uint64_t hash(const Packet &p) const;
    void set(const Packet &p);
    bool same_as(const pc_connection &r, std::string *what) const;

    pc_connections *table_ = nullptr;
    Backend backends_[2][kBackends];
    std::array<unsigned, 16> schedule_[2][kScheduleRows];
    bool scheduled_[2][kScheduleRows] = {};
    std::array<uint16_t, kServices> counter_{};
    std::deque<Entry> entries_;
    bool pending_ = false; // a packet was given in the clock before
    bool inserting_ = false;
    Entry pending_entry_{};
    std::array<uint64_t, kSlots> freed_{}, born_{}; // clock of the last end and begin in a slot
    std::map<Identity, uint64_t> gone_;             // clock of the last end of a record of this key
    std::array<Tally, kBackends> tally_{};
    std::array<uint32_t, 2> time_before_ = {}; // of the last clocks, the newest first
};

inline void Bench::started()
{
    pc_connections_free(table_);
    pc_connection_sizes sizes{};
    sizes.rows[0] = kRows;
    sizes.rows[1] = kRowsV6;
    sizes.stash = kStash;
    sizes.backends = kBackends;
    sizes.secret[0] = 1;
    table_ = pc_connections_new(&sizes);
    for (auto &bank : backends_)
        for (Backend &b : bank)
            b = Backend();
    memset(scheduled_, 0, sizeof scheduled_);
    counter_.fill(0);
    gone_.clear();
    freed_.fill(0);
    born_.fill(0);
    inserting_ = false;
    tally_.fill(Tally());
}

inline uint64_t Bench::hash(const Packet &p) const
{
    pc_client_key key = key_of(p);
    uint8_t in[23] = {};
    memcpy(in, key.client.ip, 16);
    in[16] = uint8_t(p.client.port >> 8);
    in[17] = uint8_t(p.client.port);
    in[18] = uint8_t(p.client.protocol);
    in[19] = uint8_t(p.of.group >> 8);
    in[20] = uint8_t(p.of.group);
    in[21] = p.of.wide ? uint8_t(p.port >> 8) : 0;
    in[22] = p.of.wide ? uint8_t(p.port) : 0;
    uint64_t result = 0;
    for (unsigned n = 0; n < 184; n++)
        for (unsigned b = 0; b < 64 && in[n / 8] >> (7 - n % 8) & 1; b++) {
            unsigned m = n + b;
            result ^= uint64_t(top.secret_i[m / 32] >> (m % 32) & 1) << b;
        }
    return mix(result);
}

inline std::vector<unsigned> Bench::places(const Packet &p) const
{
    uint64_t h = hash(p);
    unsigned rows = p.client.is_v6 ? kRowsV6 : kRows, base = p.client.is_v6 ? kBase6 : 0;
    std::vector<unsigned> result;
    for (unsigned t = 0; t < 4; t++)
        for (unsigned w = 0; w < kWays; w++) {
            unsigned bucket = unsigned(h >> (16 * t)) & (rows / kGroup - 1);
            result.push_back(base + bucket * kGroup + t * kWays + w);
        }
    for (unsigned n = 0; n < kStash; n++)
        result.push_back(base + rows + n);
    return result;
}

inline int Bench::find(const Packet &p) const
{
    pc_client_key key = key_of(p);
    if (p.forward)
        return pc_connections_forward(table_, &key, p.service,
                                      pc_end{uint16_t(p.address), uint16_t(p.port)});
    return pc_connections_reverse(table_, &key, p.endpoint);
}

inline void Bench::set(const Packet &p)
{
    pc_client_key key = key_of(p);
    top.packet_bank_i = p.bank;
    top.forward_i = p.forward;
    top.reverse_i = p.reverse;
    top.is_v6_i = p.client.is_v6;
    memcpy(&top.ip_i, key.client.ip, 16);
    top.client_port_i = uint16_t(p.client.port);
    top.protocol_i = uint8_t(p.client.protocol);
    top.service_i = uint16_t(p.service);
    top.address_i = uint16_t(p.address);
    top.port_i = uint16_t(p.port);
    top.endpoint_i = uint16_t(p.endpoint);
    top.kept_i = key.kept_port;
    top.group_i = uint16_t(p.of.group);
    top.keyless_i = p.keyless;
    top.may_create_i = p.may_create;
    top.peek_i = p.peek;
    top.draining_i = p.of.draining;
    top.hash_i = p.of.hash;
    top.full_hash_i = p.of.full_hash;
    top.pick_i = uint8_t(p.of.pick);
    top.schedule_i = uint16_t(p.of.schedule);
    top.slots_log2_i = uint8_t(p.of.slots_log2);
    top.crc_i = p.crc;
    top.tcp_class_i = uint8_t(pc_tcp_class(p.flags));
    top.tcp_seq_i = p.seq;
    top.tcp_end_i = pc_tcp_end(p.seq, p.payload, p.flags);
    top.len_i = uint16_t(p.len);
    top.limit_i = p.limit;
}

inline void Bench::step(const Packet *p, const Walk *w)
{
    if (random.below(1000) < ms_per_1000_clocks)
        time++;
    top.time_ms_i = time;
    top.packet_valid_i = p != nullptr;
    if (p) {
        set(*p);
    } else if (random.percent(10)) {
        // What is not given has no meaning.
        Packet junk;
        junk.forward = junk.reverse = true;
        junk.client.ip = unsigned(random.below(4));
        set(junk);
    }
    top.ask_valid_i = w != nullptr;
    if (w) {
        top.ask_kind_i = uint8_t(w->kind);
        top.ask_slot_i = w->slot;
        top.ask_generation_i = w->generation;
        top.ask_last_used_i = w->last_used;
        if (w->kind == OpInsert && !inserting_)
            memcpy(&top.image_i, &w->image, sizeof w->image);
    }
    top.eval();
    asked = top.walk_valid_o && top.walk_ready_o;
    if (asked && pending_ && (pending_entry_.p.forward || pending_entry_.p.reverse))
        tap.fail("an operation of the walk takes the clock of a packet");
    if (asked || pending_) {
        Entry e = pending_entry_;
        if (!pending_) {
            e = Entry{};
            e.clock = clock;
        }
        e.packet = pending_;
        e.w = Walk();
        if (asked)
            e.w = Walk{
                top.walk_kind_o, top.walk_slot_o, top.walk_generation_o, top.walk_last_used_o, {}};
        if (e.w.kind == OpInsert) {
            if (inserting_)
                tap.fail("two inserts at once");
            inserting_ = true;
            memcpy(&e.w.image, &top.image_i, sizeof e.w.image);
        }
        entries_.push_back(e);
    }
    pending_ = p != nullptr;
    if (p) {
        pending_entry_ = Entry{};
        pending_entry_.clock = clock;
        pending_entry_.p = *p;
    }
    time_before_ = {time, time_before_[0]};
    if (before)
        before();
    rise(top);
    top.eval();
    clock++;
    check();
}

inline bool Bench::same_as(const pc_connection &r, std::string *what) const
{
    char text[128];
    auto differs = [&](const char *field, uint64_t is, uint64_t should) {
        if (is == should)
            return;
        snprintf(text, sizeof text, " %s %llu, not %llu;", field, (unsigned long long)is,
                 (unsigned long long)should);
        *what += text;
    };
    differs("is_v6", top.row_is_v6_o, r.key.is_v6);
    differs("ip", memcmp(&top.row_ip_o, r.key.client.ip, 16) == 0, 1);
    differs("client port", top.row_client_port_o, r.key.client.port);
    differs("protocol", top.row_protocol_o, r.key.protocol);
    differs("group", top.row_group_o, r.key.group);
    differs("kept port", top.row_kept_o, r.key.kept_port);
    differs("service", top.row_service_o, r.service);
    differs("address", top.row_address_o, r.public_end.address);
    differs("port", top.row_port_o, r.public_end.port);
    differs("backend", top.row_backend_o, r.backend);
    differs("endpoint", top.row_endpoint_o, r.endpoint);
    differs("generation", top.state_generation_o, r.generation);
    differs("state", top.state_o, r.state);
    differs("embryonic", top.state_embryonic_o, r.embryonic);
    differs("syn_repeats", top.state_syn_repeats_o, r.syn_repeats);
    differs("client_next", top.state_client_next_o, r.client_next);
    differs("created", top.state_created_o, r.created);
    differs("last_used", top.state_last_used_o, r.last_used);
    differs("forward packets", top.state_forward_packets_o, r.forward.packets);
    differs("forward octets", top.state_forward_octets_o, r.forward.octets);
    differs("reverse packets", top.state_reverse_packets_o, r.reverse.packets);
    differs("reverse octets", top.state_reverse_octets_o, r.reverse.octets);
    return what->empty();
}

// Section 4 of docs/pipeline.md, towards a service.
inline Says Bench::forward(const Entry &e, Outcome &o, bool *check_backend, unsigned *backend)
{
    Packet p = e.p;
    if (p.peek) {
        p.may_create = false;
        p.flags = 0;
    }
    pc_client_key key = key_of(p);
    pc_packet packet = packet_of(p, PC_FROM_CLIENT);
    pc_end end{uint16_t(p.address), uint16_t(p.port)};
    int own = p.keyless ? -1 : pc_connections_forward(table_, &key, p.service, end);
    o.slot = unsigned(own);
    bool replaces = false;
    *check_backend = false;

    // The counter of the service moves on for each packet that asks and has had no record for a
    // while, and may for those whose record is young or ended just now.
    bool may_ask =
        p.may_create && !p.keyless && !p.of.draining && p.of.pick == PORTCAM_PICK_COUNTER;
    uint16_t index = uint16_t(p.crc);
    bool may_begin =
        !p.keyless && (p.may_create || (p.client.protocol == kTcp && p.flags == FlagSyn));
    if (p.of.pick == PORTCAM_PICK_COUNTER && may_begin)
        index = counter_[p.service];
    if (top.trace_asked_o && !may_ask)
        tap.fail("a counter moved that was not asked");
    auto gone = gone_.find(identity(p));
    bool just_now = gone != gone_.end() && clock - gone->second <= kWindow + 2;
    if (!top.trace_asked_o && may_ask && own < 0 && !just_now)
        tap.fail("a counter did not move for a packet without a record");
    if (top.trace_asked_o)
        counter_[p.service]++;

    if (own >= 0) {
        const pc_connection &r = *record(unsigned(own));
        packet.backend_accepts = backends_[p.bank][r.backend].accepts();
        if (pc_connection_meets(&r, &packet) == PC_MEETS_KEEP)
            kept++;
        if (pc_connection_meets(&r, &packet) != PC_MEETS_RESCHEDULE) {
            pc_packet_result result{};
            *check_backend = true;
            *backend = r.backend;
            if (p.peek)
                return SaysForward;
            pc_connections_packet(table_, unsigned(own), &packet, &result);
            return result.effects & PC_EFFECT_KEPT ? SaysNew : SaysForward;
        }
        replaces = true;
    }

    // The slot, and its two candidates.
    if (p.of.pick != PORTCAM_PICK_LEAST || !may_begin) {
        if (top.trace_index_o != index)
            tap.fail("index %u, not %u", top.trace_index_o, index);
    } else {
        index = top.trace_index_o;
    }
    unsigned slot = index & ((1u << p.of.slots_log2) - 1), row = p.of.schedule + slot / 8;
    unsigned candidate[2];
    bool usable[2];
    for (unsigned c = 0; c < 2; c++) {
        candidate[c] = row < kScheduleRows && scheduled_[p.bank][row]
                           ? schedule_[p.bank][row][slot % 8 * 2 + c]
                           : unsigned(PORTCAM_BACKEND_NONE);
        usable[c] = candidate[c] < kBackends && backends_[p.bank][candidate[c]].accepts() &&
                    backends_[p.bank][candidate[c]].is_v6 == p.client.is_v6;
    }
    if (!replaces && (p.keyless || !p.may_create)) {
        if (!p.of.hash)
            return SaysNoRecord;
        if (!usable[0] && !usable[1])
            return SaysNoBackend;
        *check_backend = true;
        *backend = usable[0] ? candidate[0] : candidate[1];
        return SaysHash;
    }
    if (p.of.draining)
        return SaysDraining;
    if (!usable[0] && !usable[1])
        return SaysNoBackend;
    bool ok[2];
    for (unsigned c = 0; c < 2; c++) {
        ok[c] = usable[c];
        if (usable[c]) {
            int other =
                pc_connections_reverse(table_, &key, backends_[p.bank][candidate[c]].endpoint);
            ok[c] = other < 0 || other == own;
        }
    }
    if (!ok[0] && !ok[1])
        return SaysAmbiguous;
    bool second = !ok[0];
    *check_backend = true;
    if (ok[0] && ok[1] && p.of.pick == PORTCAM_PICK_LEAST) {
        // As of any moment of the last operations.
        uint32_t least[2], most[2];
        for (unsigned c = 0; c < 2; c++)
            pc_connections_active_range(table_, candidate[c], 64, &least[c], &most[c]);
        uint64_t weight[2] = {backends_[p.bank][candidate[0]].weight,
                              backends_[p.bank][candidate[1]].weight};
        bool may_swap = least[1] * weight[0] < most[0] * weight[1];
        bool must_swap = most[1] * weight[0] < least[0] * weight[1];
        second = unsigned(top.says_backend_o) == candidate[1] && candidate[0] != candidate[1]
                     ? may_swap
                     : must_swap;
    }
    *backend = candidate[second];
    second_count += second;

    pc_insert insert{};
    insert.key = key;
    insert.service = uint16_t(p.service);
    insert.public_end = end;
    insert.backend = uint16_t(*backend);
    insert.endpoint = uint16_t(backends_[p.bank][*backend].endpoint);
    insert.embryonic_limit = p.limit;
    if (replaces) {
        replaced++;
        if (pc_connections_replace(table_, unsigned(own), record(unsigned(own))->generation,
                                   &insert, &packet, nullptr) != PC_RESULT_OK)
            tap.fail("the reference cannot replace a record");
        return SaysNew;
    }
    // Room: a free place of the client's, or none that has been free for longer than the window.
    std::vector<unsigned> mine = places(p);
    o.room = top.trace_room_o;
    if (!top.trace_room_o) {
        check_no_room(mine);
        return p.of.full_hash ? SaysFullHash : SaysFull;
    }
    if (p.limit && embryonic() >= p.limit)
        return p.of.full_hash ? SaysUnprovenHash : SaysUnproven;
    check_place(mine);
    insert.slot = top.trace_slot_o;
    unsigned got = 0;
    pc_result result = pc_connections_insert(table_, &insert, &packet, &got);
    if (result != PC_RESULT_OK)
        tap.fail("the reference cannot insert into slot %u: %d", insert.slot, int(result));
    o.slot = insert.slot;
    born_[insert.slot] = clock;
    return SaysNew;
}

// A place of the client's hash, and the stash only where its rows are taken.
inline void Bench::check_place(const std::vector<unsigned> &mine)
{
    bool of_hash = false;
    for (unsigned place : mine)
        of_hash |= place == top.trace_slot_o;
    if (!of_hash)
        tap.fail("slot %u is none of this client", unsigned(top.trace_slot_o));
    if (!pc_connections_is_stash(table_, top.trace_slot_o))
        return;
    stash_count++;
    for (unsigned i = 0; i < 4 * kWays; i++)
        if (!record(mine[i]) && clock - freed_[mine[i]] > kWindow + 2)
            tap.fail("to the stash, but slot %u is free", mine[i]);
}

inline void Bench::check_no_room(const std::vector<unsigned> &mine)
{
    for (unsigned place : mine)
        if (!record(place) && clock - freed_[place] > kWindow + 2)
            tap.fail("no room, but slot %u is free for %llu clocks", place,
                     (unsigned long long)(clock - freed_[place]));
        else
            refused_late += !record(place);
}

inline portcam_connection_image Bench::image_of(const Packet &p, unsigned backend,
                                                unsigned endpoint, unsigned state)
{
    pc_client_key key = key_of(p);
    portcam_connection_image i{};
    i.slot = 12345; // neither of them matters
    i.generation = 54321;
    memcpy(i.client_ip, key.client.ip, 16);
    i.family = p.client.is_v6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4;
    i.protocol = uint8_t(p.client.protocol);
    i.client_port = uint16_t(p.client.port);
    i.public_port = uint16_t(p.port);
    i.address = uint16_t(p.address);
    i.service = uint16_t(p.service);
    i.backend = uint16_t(backend);
    i.endpoint = uint16_t(endpoint);
    i.state = uint8_t(state);
    i.flags = p.of.wide && p.port ? PORTCAM_CONNECTION_IMAGE_KEPT_PORT : 0;
    i.group = uint16_t(p.of.group);
    return i;
}

inline void Bench::insert(const portcam_connection_image &image, Outcome &o)
{
    Packet p;
    memcpy(&p.client.ip, image.client_ip, 4);
    p.client.is_v6 = image.family == PORTCAM_FAMILY_6;
    p.client.port = image.client_port;
    p.client.protocol = image.protocol;
    p.port = image.public_port;
    p.of.group = image.group;
    p.of.wide = image.flags & PORTCAM_CONNECTION_IMAGE_KEPT_PORT;
    pc_connection r{};
    r.key = key_of(p);
    r.service = image.service;
    r.public_end = pc_end{image.address, image.public_port};
    r.backend = image.backend;
    r.endpoint = image.endpoint;
    r.state = image.state;
    r.embryonic = image.flags & PORTCAM_CONNECTION_IMAGE_EMBRYONIC;
    r.syn_repeats = image.syn_repeats;
    r.client_next = image.client_next;
    r.created = image.created;
    r.last_used = image.last_used;
    r.forward = {image.forward_packets, image.forward_octets};
    r.reverse = {image.reverse_packets, image.reverse_octets};

    inserting_ = false;
    o.room = top.trace_room_o;
    o.taken = top.taken_o;
    std::vector<unsigned> mine = places(p);
    unsigned slot = ~0u;
    pc_result result =
        pc_connections_restore(table_, &r, top.trace_slot_o, !top.trace_room_o, &slot);
    if (top.acted_o) {
        o.slot = top.trace_slot_o;
        born_[o.slot] = clock;
        check_place(mine);
    }
    if (bool(top.acted_o) != (result == PC_RESULT_OK) ||
        bool(top.found_o) != (result == PC_RESULT_EXISTS))
        tap.fail("an image: acted %d, found %d, taken %d, room %d, slot %u; the reference says %d",
                 top.acted_o, top.found_o, top.taken_o, top.trace_room_o,
                 unsigned(top.trace_slot_o), int(result));
    if (result != PC_RESULT_EXISTS && bool(top.taken_o) != (result == PC_RESULT_AMBIGUOUS))
        tap.fail("an image: taken %d; the reference says %d", top.taken_o, int(result));
    if (result == PC_RESULT_FULL)
        check_no_room(mine);
    if (bool(top.trace_acted_o) != bool(top.acted_o))
        tap.fail("trace: an insert acted %d", top.trace_acted_o);
    insert_count[result]++;
}

inline Says Bench::reverse(const Entry &e, Outcome &o)
{
    int own = find(e.p);
    o.slot = unsigned(own);
    if (own < 0)
        return SaysNoReply;
    const pc_connection &r = *record(unsigned(own));
    if (top.says_service_o != r.service || top.says_address_o != r.public_end.address ||
        top.says_port_o != r.public_end.port)
        tap.fail("reverse: service, address or port of the record is wrong");
    if (e.p.peek)
        return SaysReverse;
    pc_packet packet = packet_of(e.p, PC_FROM_BACKEND);
    pc_packet_result result{};
    pc_connections_packet(table_, unsigned(own), &packet, &result);
    return SaysReverse;
}

inline void Bench::walk(const Entry &e, Outcome &o)
{
    const Walk &w = e.w;
    o.kind = w.kind;
    o.slot = w.slot;
    o.acted = top.acted_o;
    o.found = top.found_o;
    o.used_rows = top.used_rows_o;
    if (top.done_kind_o != w.kind || top.done_slot_o != w.slot)
        tap.fail("answer of kind %u, slot %u, not %u, %u", top.done_kind_o,
                 unsigned(top.done_slot_o), w.kind, w.slot);
    if (w.kind == OpInsert) {
        insert(w.image, o);
        return;
    }
    if (w.kind == OpScan) {
        unsigned base = w.slot >= kBase6 ? kBase6 : 0;
        unsigned first = base + ((w.slot - base) & ~(kGroup - 1));
        for (unsigned n = 0; n < kGroup; n++) {
            // What changed in the last clocks may not be seen yet.
            bool is = record(first + n) != nullptr;
            uint64_t since = std::max(freed_[first + n], born_[first + n]);
            if (bool(top.used_rows_o >> n & 1) != is && clock - since > kWindow + 2)
                tap.fail("scan: slot %u is %s use", first + n, is ? "in" : "not in");
        }
        return;
    }
    const pc_connection *r = record(w.slot);
    if (bool(top.found_o) != (r != nullptr))
        tap.fail("operation %u on slot %u: there is %s record", w.kind, w.slot, r ? "a" : "no");
    std::string what;
    if (r && top.found_o && !same_as(*r, &what))
        tap.fail("operation %u on slot %u:%s", w.kind, w.slot, what.c_str());
    bool same = r && r->generation == w.generation;
    bool acted = false;
    if (on_age && same && top.acted_o && (w.kind == OpAge || w.kind == OpKeep))
        on_age(*r, w.kind);
    if (w.kind == OpDelete || w.kind == OpAge) {
        acted = same && (w.kind == OpDelete || r->last_used == w.last_used);
        if (acted) {
            ends(w.slot);
            pc_connections_delete(table_, w.slot, w.generation, top.trace_time_ms_o, nullptr);
        }
    } else if (w.kind == OpKeep) {
        acted = same;
        const portcam_timeout_row timeouts{};
        if (acted)
            pc_connections_sweep(table_, w.slot, top.trace_time_ms_o, &timeouts, true, nullptr);
    } else if (w.kind == OpMove && r) {
        acted = top.acted_o; // a free place is the card's to see
        if (acted) {
            if (pc_connections_is_stash(table_, top.trace_to_o))
                tap.fail("a move into the stash");
            if (pc_connections_move(table_, w.slot, top.trace_to_o) != PC_RESULT_OK)
                tap.fail("the reference cannot move to slot %u", unsigned(top.trace_to_o));
            born_[top.trace_to_o] = clock;
            freed_[w.slot] = clock;
        }
    }
    if (acted != bool(top.acted_o))
        tap.fail("operation %u on slot %u %s", w.kind, w.slot, acted ? "did nothing" : "acted");
    bool traced = acted || (w.kind == OpRead && r);
    if (bool(top.trace_acted_o) != traced)
        tap.fail("trace: operation %u acted %d", w.kind, top.trace_acted_o);
}

inline void Bench::check_tally()
{
    if (top.tally_valid_o) {
        if (top.tally_backend_o >= kBackends) {
            tap.fail("tally of backend %u", top.tally_backend_o);
            return;
        }
        Tally &t = tally_[top.tally_backend_o];
        t.began += top.tally_began_o;
        t.records += top.tally_began_o;
        t.active += top.tally_active_o;
        t.syn_repeats += top.tally_syn_repeat_o;
        t.syn_resets += top.tally_syn_reset_o;
        t.syn_acks += top.tally_syn_ack_o;
        t.syn_ack_ms += top.tally_syn_ack_o ? top.tally_syn_ack_ms_o : 0;
    }
    if (top.tally_left_valid_o) {
        if (top.tally_left_backend_o >= kBackends) {
            tap.fail("tally of backend %u", top.tally_left_backend_o);
            return;
        }
        Tally &t = tally_[top.tally_left_backend_o];
        t.records -= top.tally_ended_o;
        t.active -= top.tally_inactive_o;
    }
    for (unsigned b = 0; b < kBackends; b++) {
        pc_backend_counters c = pc_connections_backend(table_, b);
        const Tally &t = tally_[b];
        if (t.began != c.new_connections || t.active != c.active || t.records != c.records ||
            t.syn_repeats != c.syn_repeats || t.syn_resets != c.syn_resets ||
            t.syn_acks != c.syn_ack_count || t.syn_ack_ms != c.syn_ack_ms)
            tap.fail("backend %u: tally new %llu, active %llu, records %llu, not %llu, %u, %u", b,
                     (unsigned long long)t.began, (unsigned long long)t.active,
                     (unsigned long long)t.records, (unsigned long long)c.new_connections, c.active,
                     c.records);
    }
}

inline void Bench::check()
{
    if (!top.trace_valid_o) {
        if (top.verdict_valid_o || top.done_o || top.tally_valid_o || top.tally_left_valid_o)
            tap.fail("an answer to nothing");
        return;
    }
    if (entries_.empty()) {
        tap.fail("an operation that nobody asked for");
        return;
    }
    Entry e = entries_.front();
    entries_.pop_front();
    pc_connections_tick(table_);
    Outcome o;
    o.clock = e.clock;
    o.packet = e.packet;
    o.forward = e.packet && e.p.forward;
    o.reverse = e.packet && e.p.reverse && !e.p.forward;
    o.slot = ~0u;
    if (e.packet && clock - e.clock != kLatency)
        tap.fail("a verdict after %llu clocks", (unsigned long long)(clock - e.clock));
    if (bool(top.verdict_valid_o) != e.packet || bool(top.trace_packet_o) != e.packet)
        tap.fail("verdict_valid_o or trace_o.packet is %d", top.verdict_valid_o);
    bool acts = e.w.kind != OpNone;
    if (bool(top.done_o) != acts)
        tap.fail("walk_done_o is %d", top.done_o);
    if (top.trace_time_ms_o != time_before_[1])
        tap.fail("time %u, not %u", top.trace_time_ms_o, time_before_[1]);
    unsigned kind = o.forward ? unsigned(OpForward) : o.reverse ? unsigned(OpReverse) : e.w.kind;
    if (top.trace_kind_o != kind)
        tap.fail("trace: kind %u, not %u", top.trace_kind_o, kind);
    Says says = SaysNothing;
    bool check_backend = false;
    unsigned backend = 0;
    if (o.forward)
        says = forward(e, o, &check_backend, &backend);
    else if (o.reverse)
        says = reverse(e, o);
    else if (acts)
        walk(e, o);
    if (e.packet) {
        o.says = Says(top.says_o);
        o.backend = top.says_backend_o;
        if (o.says != says)
            tap.fail("clock %llu: says %s, not %s", (unsigned long long)e.clock, name_of(o.says),
                     name_of(says));
        else if (check_backend && top.says_backend_o != backend)
            tap.fail("clock %llu: %s to backend %u, not %u", (unsigned long long)e.clock,
                     name_of(says), top.says_backend_o, backend);
        says_count[says]++;
    }
    kind_count[kind]++;
    check_tally();
    if (top.used_o != used() || top.embryonic_o != embryonic())
        tap.fail("%u records, %u embryonic, not %u and %u", top.used_o, top.embryonic_o, used(),
                 embryonic());
    outcomes.push_back(o);
}

inline void Bench::write_backend(bool bank, unsigned number, const Backend &b)
{
    portcam_backend_row row{};
    row.family = b.is_v6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4;
    row.weight = uint16_t(b.weight);
    row.endpoint = uint16_t(b.endpoint);
    memcpy(&top.req_data_i, &row, 48);
    top.req_write_i = 1;
    top.req_bank_i = bank;
    top.req_row_i = uint16_t(number);
    top.req_present_i = b.present;
    top.backend_req_i = 1;
    backends_[bank][number] = b;
    idle();
    top.backend_req_i = 0;
    idle(3);
}

inline void Bench::write_schedule(bool bank, unsigned row, const std::array<unsigned, 16> &slots)
{
    portcam_schedule_row data{};
    for (unsigned i = 0; i < 16; i++) {
        data.slot[2 * i] = uint8_t(slots[i]);
        data.slot[2 * i + 1] = uint8_t(slots[i] >> 8);
    }
    memcpy(&top.req_data_i, &data, 48);
    top.req_write_i = 1;
    top.req_bank_i = bank;
    top.req_row_i = uint16_t(row);
    top.req_present_i = 1;
    top.schedule_req_i = 1;
    schedule_[bank][row] = slots;
    scheduled_[bank][row] = true;
    idle();
    top.schedule_req_i = 0;
    idle(4);
}

inline void Bench::write_timeouts(bool bank, unsigned service, const portcam_timeout_row *row)
{
    if (row)
        memcpy(&top.req_data_i, row, 48);
    top.req_write_i = 1;
    top.req_bank_i = bank;
    top.req_row_i = uint16_t(service);
    top.req_present_i = row != nullptr;
    top.timeout_req_i = 1;
    idle();
    top.timeout_req_i = 0;
    idle(4);
}

inline void Bench::write_domain(bool bank, unsigned domain, const portcam_domain_row *row)
{
    if (row)
        memcpy(&top.req_data_i, row, 48);
    top.req_write_i = 1;
    top.req_bank_i = bank;
    top.req_row_i = uint16_t(domain);
    top.req_present_i = row != nullptr;
    top.domain_req_i = 1;
    idle();
    top.domain_req_i = 0;
    idle(4);
}
