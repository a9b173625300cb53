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
    void check(const char *when);

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
    void drive_operation(bool quiet);
    std::vector<uint32_t> busy_slots;

    static bool in_stash(uint32_t slot)
    {
        return (slot >= ROWS && slot < BASE_V6) || slot >= BASE_V6 + ROWS_V6;
    }

    // The model does what the card took.
    void watch_operation();

    void count_sums();

    void watch_copies();

    void drive_memory();

    void watch_beats();

    void see_event(uint64_t at, const uint8_t *bytes);

    void take_sum();

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

#include "mirror_drive.hpp"
#include "mirror_watch.hpp"
