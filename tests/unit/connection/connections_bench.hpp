// SPDX-License-Identifier: Apache-2.0
//
// The bench around connections_tb: packets and operations of the walk in, and beside them the C
// model's table of records, to which the same operations happen one after another in the order of
// trace_o. What the card may choose (places, whether there is room, when a counter of a service
// moves) is taken from the trace and tested for being allowed; all the rest must be equal: verdicts,
// records before each operation, what the counters of backends are told, numbers of records. The
// comparison is in connections_twin.hpp.
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
#include "connections_words.hpp"
#include "mix_twin.hpp"
#include "tap.hpp"

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

#include "connections_twin.hpp"
