// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror with what surrounds it: records that begin, change, end, move and are replaced at
// random; a walk that serves copies; host memory that answers late or refuses; a host that reads
// events late. The C model of the mirror gets every operation that the RTL took, in order; then
// memory must be the model's, byte for byte, versions too, and so must each event in its order.
#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "Vmirror_tb.h"
#include "mirror.h"
#include "tap.hpp"

#ifdef BENCH_TINY
enum { ROWS = 16, ROWS_V6 = 16, STASH = 2 };
#else
enum { ROWS = 8192, ROWS_V6 = 4096, STASH = 16 };
#endif
enum { BASE_V6 = ROWS + STASH, SLOTS = ROWS + ROWS_V6 + 2 * STASH };

using Entry = struct portcam_mirror_record;

static const uint64_t MIRROR_AT = 0x123450000000, EVENTS_AT = 0x1fffff000; // 4 GiB inside

struct Pace {
    unsigned operations = 50;             // percent of the clocks
    unsigned stall = 20;                  // beats are not taken
    unsigned latency = 30;                // clocks until an answer, at most
    unsigned walk = 80;                   // copies are taken
    unsigned reads = 100;                 // percent: the host takes all events that there are
    unsigned mix[5] = {30, 40, 20, 5, 5}; // begin, change, end, replace, move
};

class Bench
{
public:
    Bench(Tap &t, uint64_t seed) : tap(t), random(seed), records(SLOTS), memory(SLOTS)
    {
        model.host = {this, model_write, model_failed, model_irq};
        pc_mirror_reset(&model);
        top.clk_i = 0;
        for (auto &r : records)
            r.state = 0;
    }

    Vmirror_tb top;
    Tap &tap;
    Random random;
    Pace pace;
    std::vector<struct pc_connection> records;
    std::vector<Entry> memory; // the card's
    std::vector<Entry> model_memory{SLOTS};
    std::deque<struct portcam_event> expected; // events of the model that are not seen yet
    struct pc_mirror model = {};
    uint64_t refuse = ~0ull; // line that is refused
    unsigned log2 = 4;
    bool events_on = true;
    uint32_t head = 0;
    uint64_t taken = 0, lost = 0, rewrites = 0, rewrites_free = 0, events_seen = 0, skipped = 0,
             beats = 0, clocks = 0, raised_events = 0, raised_errors = 0, fails = 0, refusals = 0;

    void reset()
    {
        top.rst_ni = 0;
        top.flr_i = top.init_i = 0;
        top.page_write_i = top.page_read_i = top.mir_valid_i = top.valid_i = 0;
        top.beat_done_i = 0;
        top.copy_ready_i = top.beat_ready_i = 0;
        for (int i = 0; i < 4; i++) {
            top.eval();
            rise(top);
        }
        top.rst_ni = 1;
        top.eval();
        for (int i = 0; i < 1000 && top.busy_o; i++) {
            rise(top);
            top.eval();
        }
        // The marks are cleared by themselves.
        for (int i = 0; i < SLOTS / 64 + 20; i++) {
            rise(top);
            top.eval();
        }
    }

    // One clock; `quiet`: no operation of its own.
    void step(bool quiet = false)
    {
        drive_operation(quiet);
        drive_memory();
        top.copy_ready_i = random.percent(pace.walk);
        top.eval();
        watch_copies();
        watch_operation();
        watch_beats();
        raised_events += top.raise_events_o;
        raised_errors += top.raise_errors_o;
        if (top.fail_o)
            fails++;
        if (top.mir_done_o && top.mir_valid_i)
            command_done_ = true, command_status = top.mir_status_o, take_sum();
        rise(top);
        if (command_done_)
            top.mir_valid_i = 0;
        clocks++;
        if (head != tail_seen_ && random.percent(pace.reads) && !top.page_write_i &&
            !busy_register_)
            new_head_ = true;
    }
    void steps(uint64_t n, bool quiet = false)
    {
        while (n--) {
            step(quiet);
            if (new_head_) {
                new_head_ = false;
                head = tail_seen_;
                write32(PORTCAM_REG_EVENT_HEAD, head, quiet);
            }
        }
    }

    void write32(uint16_t offset, uint32_t value, bool quiet = true)
    {
        busy_register_ = true;
        top.page_write_i = 1;
        top.page_write_addr_i = offset;
        top.page_write_data_i = value;
        step(quiet);
        top.page_write_i = 0;
        top.page_write_addr_i = uint16_t(random.next());
        busy_register_ = false;
        if (offset == PORTCAM_REG_MIRROR_CONTROL || offset == PORTCAM_REG_EVENT_SIZE)
            return;
    }
    uint32_t read32(uint16_t offset, bool quiet = true)
    {
        busy_register_ = true;
        top.page_read_i = 1;
        top.page_read_addr_i = offset;
        step(quiet);
        top.page_read_i = 0;
        top.eval();
        busy_register_ = false;
        return top.page_word_o;
    }
    uint32_t status(bool quiet = true) { return read32(PORTCAM_REG_MIRROR_STATUS, quiet); }

    void enable(bool quiet = true)
    {
        write32(PORTCAM_REG_MIRROR_BASE_LO, uint32_t(MIRROR_AT), quiet);
        write32(PORTCAM_REG_MIRROR_BASE_HI, uint32_t(MIRROR_AT >> 32), quiet);
        write32(PORTCAM_REG_EVENT_BASE_LO, uint32_t(EVENTS_AT), quiet);
        write32(PORTCAM_REG_EVENT_BASE_HI, uint32_t(EVENTS_AT >> 32), quiet);
        write32(PORTCAM_REG_EVENT_SIZE, log2, quiet);
        write32(PORTCAM_REG_MIRROR_CONTROL, 1 | (events_on ? 2 : 0), quiet);
        head = tail_seen_ = 0;
        new_head_ = false;
    }
    void disable(bool quiet = true) { write32(PORTCAM_REG_MIRROR_CONTROL, 0, quiet); }

    // Until nothing waits any more.
    void settle()
    {
        Pace before = pace;
        pace.walk = 100;
        pace.stall = 0;
        pace.latency = pace.latency < 30 ? pace.latency : 30;
        for (int i = 0; i < 200000; i++) {
            steps(1, true);
            if (!top.active_o && copies_.empty() && answers_.empty())
                break;
        }
        steps(8, true);
        pace = before;
        if (top.active_o)
            tap.fail("the mirror does not come to rest: status 0x%x, %zu copies, %zu answers",
                     status(), copies_.size(), answers_.size());
    }

    // All is told: memory is the model's, events but for the dropped ones are seen.
    void check(const char *when)
    {
        settle();
        if (status() != (PORTCAM_MIRROR_STATUS_RUNNING))
            tap.fail("%s: status 0x%x", when, status());
        for (unsigned slot = 0; slot < SLOTS; slot++)
            if (memcmp(&memory[slot], &model_memory[slot], 64) != 0) {
                tap.fail("%s: slot %u: version %u state %u generation %u, the model has %u %u %u",
                         when, slot, memory[slot].version, memory[slot].state,
                         memory[slot].generation, model_memory[slot].version,
                         model_memory[slot].state, model_memory[slot].generation);
                break;
            }
        for (unsigned slot = 0; known_all_ && slot < SLOTS; slot++)
            if (memory[slot].state != records[slot].state ||
                (memory[slot].state && memory[slot].generation != records[slot].generation)) {
                tap.fail("%s: slot %u: state %u generation %u in the mirror, but %u %u", when, slot,
                         memory[slot].state, memory[slot].generation, records[slot].state,
                         records[slot].generation);
                break;
            }
        if (read32(PORTCAM_REG_MIRROR_VERSION) != model.version)
            tap.fail("%s: version %u, the model %u", when, read32(PORTCAM_REG_MIRROR_VERSION),
                     model.version);
        skipped += expected.size();
        expected.clear();
        if (read32(PORTCAM_REG_EVENT_DROPPED) != skipped)
            tap.fail("%s: %u dropped, %llu are missing", when, read32(PORTCAM_REG_EVENT_DROPPED),
                     (unsigned long long)skipped);
        if (read32(PORTCAM_REG_EVENT_TAIL) != tail_seen_)
            tap.fail("%s: tail %u, %u events are there", when, read32(PORTCAM_REG_EVENT_TAIL),
                     tail_seen_);
    }

    // A command, while operations go on; its status.
    unsigned command(bool sum, uint32_t row, uint32_t count, bool quiet = false)
    {
        top.mir_valid_i = 1;
        top.mir_sum_i = sum;
        top.mir_row_i = row;
        top.mir_count_i = count;
        command_done_ = false;
        for (int i = 0; i < 400000 && !command_done_; i++)
            steps(1, quiet);
        if (!command_done_)
            tap.fail("a command is not answered");
        top.mir_valid_i = 0;
        return command_status;
    }
    unsigned command_status = 0;
    struct portcam_mirror_sum sum = {};

    // What the host knows now is all of it: after a copy of every slot.
    void copy_all(bool quiet = false)
    {
        for (uint32_t at = 0; at < SLOTS; at += 1024) {
            uint32_t n = SLOTS - at < 1024 ? SLOTS - at : 1024;
            if (command(false, at, n, quiet) != PORTCAM_STATUS_OK)
                tap.fail("mirror_copy: status %u", command_status);
        }
        known_all_ = true;
    }

    void forget_mirror() { known_all_ = false; }

    // Sum and number of a block, by the records.
    void sum_of(uint32_t block, uint32_t &total, uint32_t &count) const
    {
        total = count = 0;
        for (uint32_t s = block * 4096; s < SLOTS && s < block * 4096 + 4096; s++) {
            if (!records[s].state)
                continue;
            total += crc_of(s, records[s].generation, records[s].state);
            count++;
        }
    }
    static uint32_t crc_of(uint32_t slot, uint32_t generation, uint8_t state)
    {
        uint8_t key[9];
        uint32_t crc = 0;
        memcpy(key, &slot, 4);
        memcpy(key + 4, &generation, 4);
        key[8] = state;
        for (uint8_t byte : key) {
            crc ^= byte;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
        }
        return crc;
    }
    // By version, what the block's sum was behind it; for sums between operations.
    std::map<uint32_t, std::pair<uint32_t, uint32_t>> sum_at;
    bool keep_sums = false;
    uint32_t running_sum[8] = {}, running_count[8] = {};

private:
    struct Copy {
        uint32_t slot;
        bool tag;
        uint64_t at;
    };
    struct Answer {
        uint64_t at;
        bool bad;
    };

    static int model_write(void *ctx, uint64_t iova, const void *src, size_t len)
    {
        Bench *b = static_cast<Bench *>(ctx);
        if (len == 64) {
            memcpy(&b->model_memory[(iova - MIRROR_AT) / 64], src, 64);
        } else {
            struct portcam_event e;
            memcpy(&e, src, len);
            b->expected.push_back(e);
        }
        return 0;
    }
    static void model_failed(void *, uint64_t) {}
    static void model_irq(void *, unsigned) {}

    struct pc_connection fresh(uint32_t slot)
    {
        struct pc_connection r = {};
        for (uint8_t &byte : r.key.client.ip)
            byte = uint8_t(random.next());
        r.key.client.port = uint16_t(random.next());
        r.key.is_v6 = slot >= BASE_V6;
        r.key.protocol = uint8_t(random.next());
        r.key.group = uint16_t(random.next());
        r.key.kept_port = random.percent(50) ? 0 : uint16_t(random.next());
        r.service = uint16_t(random.next());
        r.public_end = {uint16_t(random.next()), uint16_t(random.next())};
        r.backend = uint16_t(random.next());
        r.endpoint = uint16_t(random.next());
        r.slot = slot;
        r.generation = ++generation_;
        r.state = uint8_t(1 + random.below(11));
        r.embryonic = random.percent(50);
        r.syn_repeats = uint8_t(random.next());
        r.client_next = uint32_t(random.next());
        r.created = uint32_t(random.next());
        r.last_used = r.created + uint32_t(random.next() >> random.below(32) >> 32);
        r.forward = {random.next() >> 16, random.next()};
        r.reverse = {random.next() >> 16, random.next()};
        return r;
    }

    template <typename Port>
    static void set_ip(Port &port, const struct pc_connection &r)
    {
        memcpy(&port[0], r.key.client.ip, 16);
    }
#define PUT(p, r)                                                                                  \
    do {                                                                                           \
        set_ip(top.p##_ip_i, r);                                                                   \
        top.p##_port_i = (r).key.client.port, top.p##_protocol_i = (r).key.protocol;               \
        top.p##_group_i = (r).key.group, top.p##_kept_i = (r).key.kept_port;                       \
        top.p##_is_v6_i = (r).key.is_v6, top.p##_service_i = (r).service;                          \
        top.p##_address_i = (r).public_end.address, top.p##_pport_i = (r).public_end.port;         \
        top.p##_backend_i = (r).backend, top.p##_endpoint_i = (r).endpoint;                        \
        top.p##_generation_i = (r).generation, top.p##_state_i = (r).state;                        \
        top.p##_embryonic_i = (r).embryonic, top.p##_syn_repeats_i = (r).syn_repeats;              \
        top.p##_client_next_i = (r).client_next, top.p##_created_i = (r).created;                  \
        top.p##_last_used_i = (r).last_used;                                                       \
        top.p##_forward_packets_i = (r).forward.packets;                                           \
        top.p##_forward_octets_i = (r).forward.octets;                                             \
        top.p##_reverse_packets_i = (r).reverse.packets;                                           \
        top.p##_reverse_octets_i = (r).reverse.octets;                                             \
    } while (0)

    // The operation of this clock: of a record, or a copy that comes back.
    void drive_operation(bool quiet)
    {
        top.valid_i = top.began_i = top.changed_i = top.ended_i = top.moved_i = 0;
        top.replaced_i = top.copy_i = top.found_i = 0;
        top.tag_i = random.below(2);
        top.cause_i = uint8_t(random.below(6));
        if (!copies_.empty() && copies_.front().at <= clocks) {
            Copy c = copies_.front();
            copies_.pop_front();
            now_ = records[c.slot];
            top.valid_i = top.copy_i = 1;
            top.found_i = now_.state != 0;
            top.tag_i = c.tag;
            top.cause_i = PORTCAM_END_CAUSE_EMPTY;
            top.slot_i = c.slot;
            top.from_slot_i = uint32_t(random.next()) & 0xffffff;
            PUT(a, now_);
            PUT(b, now_);
            kind_ = Copies;
            return;
        }
        if (quiet || !random.percent(pace.operations))
            return;
        uint32_t slot = random.percent(20) && !busy_slots.empty()
                            ? busy_slots[random.below(busy_slots.size())]
                            : uint32_t(random.below(SLOTS));
        unsigned dice = unsigned(random.below(100)), kind = 0;
        while (kind < 4 && dice >= pace.mix[kind])
            dice -= pace.mix[kind++];
        struct pc_connection &r = records[slot];
        before_ = r;
        if (!r.state) {
            r = fresh(slot);
            kind_ = Begins;
            top.began_i = 1;
        } else if (kind <= 1) {
            r.state = uint8_t(1 + random.below(11));
            r.embryonic = random.percent(50);
            r.client_next = uint32_t(random.next());
            r.last_used++;
            kind_ = Changes;
            top.changed_i = 1;
        } else if (kind == 3) {
            r = fresh(slot);
            r.key = before_.key, r.service = before_.service, r.public_end = before_.public_end;
            kind_ = Replaces;
            top.began_i = top.replaced_i = 1;
            top.cause_i = PORTCAM_END_CAUSE_PORT_REUSE;
        } else if (kind == 4 && in_stash(slot)) {
            uint32_t to = slot >= BASE_V6 ? BASE_V6 + uint32_t(random.below(ROWS_V6))
                                          : uint32_t(random.below(ROWS));
            if (records[to].state)
                return;
            records[to] = before_;
            records[to].slot = to;
            r.state = 0;
            from_ = slot;
            slot = to;
            kind_ = Moves;
            top.moved_i = 1;
            top.cause_i = PORTCAM_END_CAUSE_MOVED;
        } else {
            r.state = 0;
            kind_ = Ends;
            top.ended_i = 1;
            top.cause_i =
                random.percent(50) ? PORTCAM_END_CAUSE_EXPIRED : PORTCAM_END_CAUSE_DELETED;
        }
        now_ = kind_ == Ends ? before_ : records[slot];
        if (busy_slots.size() < 64)
            busy_slots.push_back(slot);
        else
            busy_slots[random.below(64)] = slot;
        if (!before_.state)
            before_ = now_; // nothing was there; what these say must not matter
        top.valid_i = 1;
        top.slot_i = slot;
        top.from_slot_i = kind_ == Moves ? from_ : uint32_t(random.next()) & 0xffffff;
        PUT(a, now_);
        PUT(b, before_);
    }
    std::vector<uint32_t> busy_slots;

    static bool in_stash(uint32_t slot)
    {
        return (slot >= ROWS && slot < BASE_V6) || slot >= BASE_V6 + ROWS_V6;
    }

    // The model does what the card took.
    void watch_operation()
    {
        if (top.trace_start_o != started_) {
            started_ = top.trace_start_o;
            expected.clear();
            skipped = tail_seen_ = head = 0;
            failed_ = new_head_ = false;
            ring_log2_ = log2;
            pc_mirror_reset(&model);
            model.written = {MIRROR_AT, 0, 0, events_on};
            model.running = true;
            model.taken = {MIRROR_AT, EVENTS_AT, 31, events_on};
            sum_at.clear();
        }
        if (!top.valid_i)
            return;
        if (kind_ != Copies)
            count_sums();
        lost += top.trace_lost_o;
        if (!top.trace_taken_o)
            return;
        taken++;
        uint32_t slot = top.slot_i;
        switch (kind_) {
        case Begins:
            pc_mirror_record(&model, PORTCAM_EVENT_KIND_BEGAN, &now_, PORTCAM_END_CAUSE_EMPTY);
            break;
        case Changes:
            pc_mirror_record(&model, PORTCAM_EVENT_KIND_CHANGED, &now_, PORTCAM_END_CAUSE_EMPTY);
            break;
        case Ends:
            pc_mirror_record(&model, PORTCAM_EVENT_KIND_ENDED, &before_,
                             portcam_end_cause(top.cause_i));
            break;
        case Replaces:
            pc_mirror_record(&model, PORTCAM_EVENT_KIND_ENDED, &before_,
                             PORTCAM_END_CAUSE_PORT_REUSE);
            pc_mirror_record(&model, PORTCAM_EVENT_KIND_BEGAN, &now_, PORTCAM_END_CAUSE_EMPTY);
            break;
        case Moves:
            pc_mirror_record(&model, PORTCAM_EVENT_KIND_ARRIVED, &now_, PORTCAM_END_CAUSE_EMPTY);
            pc_mirror_record(&model, PORTCAM_EVENT_KIND_LEFT, &before_, PORTCAM_END_CAUSE_MOVED);
            break;
        case Copies:
            if (top.tag_i) {
                rewrites += now_.state != 0;
                rewrites_free += now_.state == 0;
                pc_mirror_slot(&model, slot, now_.state ? &now_ : nullptr,
                               PORTCAM_END_CAUSE_UNKNOWN,
                               now_.state ? PORTCAM_EVENT_KIND_CHANGED : PORTCAM_EVENT_KIND_ENDED);
            } else {
                pc_mirror_slot(&model, slot, now_.state ? &now_ : nullptr, PORTCAM_END_CAUSE_EMPTY,
                               PORTCAM_EVENT_KIND_NONE);
            }
            break;
        }
        if (keep_sums)
            sum_at[model.version] = {running_sum[0], running_count[0]};
    }

    void count_sums()
    {
        auto add = [&](uint32_t slot, const struct pc_connection &r, int sign) {
            running_sum[slot / 4096] += uint32_t(sign) * crc_of(slot, r.generation, r.state);
            running_count[slot / 4096] += uint32_t(sign);
        };
        uint32_t slot = top.slot_i;
        if (kind_ == Begins || kind_ == Changes || kind_ == Replaces || kind_ == Moves)
            add(slot, now_, 1);
        if (kind_ == Changes || kind_ == Replaces || kind_ == Ends)
            add(slot, before_, -1);
        if (kind_ == Moves)
            add(from_, before_, -1);
    }

    void watch_copies()
    {
        if (!top.copy_valid_o || !top.copy_ready_i)
            return;
        if (top.copy_slot_o >= SLOTS)
            tap.fail("copy of slot %u", top.copy_slot_o);
        uint64_t at = clocks + 3 + random.below(20);
        if (!copies_.empty() && at <= copies_.back().at)
            at = copies_.back().at + 1;
        copies_.push_back({uint32_t(top.copy_slot_o), bool(top.copy_tag_o), at});
    }

    void drive_memory()
    {
        top.beat_ready_i = !random.percent(pace.stall);
        top.beat_done_i = !answers_.empty() && answers_.front().at <= clocks;
        top.beat_error_i = top.beat_done_i ? answers_.front().bad : random.below(2);
        if (top.beat_done_i)
            answers_.pop_front();
    }

    void watch_beats()
    {
        if (!top.beat_valid_o || !top.beat_ready_i)
            return;
        beats++;
        uint64_t at = top.beat_addr_o;
        uint64_t due = clocks + 1 + random.below(pace.latency + 1);
        if (!answers_.empty() && due <= answers_.back().at)
            due = answers_.back().at + 1;
        answers_.push_back({due, at == refuse});
        refusals += at == refuse;
        failed_ = failed_ || at == refuse;
        if (failed_)
            return;
        uint8_t bytes[64];
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word = lane(top.beat_data_o, i);
            memcpy(bytes + 8 * i, &word, 8);
        }
        if (at >= MIRROR_AT && at < MIRROR_AT + 64ull * SLOTS && at % 64 == 0) {
            if (top.beat_strb_o != ~0ull)
                tap.fail("an entry is written in parts");
            memcpy(&memory[(at - MIRROR_AT) / 64], bytes, 64);
        } else if (at >= EVENTS_AT && at < EVENTS_AT + (16ull << ring_log2_) && at % 64 == 0) {
            for (unsigned lane = 0; lane < 4; lane++)
                if (top.beat_strb_o >> 16 * lane & 0xffff)
                    see_event(at + 16 * lane, bytes + 16 * lane);
        } else {
            tap.fail("write to 0x%llx", (unsigned long long)at);
        }
    }

    void see_event(uint64_t at, const uint8_t *bytes)
    {
        struct portcam_event e;
        memcpy(&e, bytes, sizeof e);
        uint32_t size = 1u << ring_log2_, index = tail_seen_++;
        if (at != EVENTS_AT + 16 * (index % size) || e.lap != uint16_t(index / size + 1))
            tap.fail("event %u at 0x%llx, lap %u", index, (unsigned long long)at, e.lap);
        if (tail_seen_ - head > size)
            tap.fail("event %u: the host has read up to %u", index, head);
        if (e.slot < SLOTS && int32_t(memory[e.slot].version - e.version) < 0)
            tap.fail("event %u of version %u before its entry", index, e.version);
        while (!expected.empty() && expected.front().version != e.version) {
            expected.pop_front();
            skipped++;
        }
        events_seen++;
        if (expected.empty()) {
            tap.fail("event %u: kind %u of slot %u version %u is not the model's", index, e.kind,
                     e.slot, e.version);
            return;
        }
        struct portcam_event want = expected.front();
        expected.pop_front();
        want.lap = e.lap;
        if (memcmp(&want, &e, sizeof e) != 0)
            tap.fail("event %u: kind %u slot %u state %u generation %u, the model's %u %u %u %u",
                     index, e.kind, e.slot, e.state, e.generation, want.kind, want.slot, want.state,
                     want.generation);
    }

    void take_sum()
    {
        uint8_t bytes[64];
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word = lane(top.mir_sum_o, i);
            memcpy(bytes + 8 * i, &word, 8);
        }
        memcpy(&sum, bytes, 64);
    }

    enum Kind { Begins, Changes, Ends, Replaces, Moves, Copies } kind_ = Begins;
    struct pc_connection now_ = {}, before_ = {};
    unsigned ring_log2_ = 0;
    uint32_t from_ = 0, generation_ = 0, tail_seen_ = 0;
    uint8_t started_ = 0;
    bool command_done_ = false, busy_register_ = false, new_head_ = false;
    bool known_all_ = false, failed_ = false;
    std::deque<Copy> copies_;
    std::deque<Answer> answers_;
};
