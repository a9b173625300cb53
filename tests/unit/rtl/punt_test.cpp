// SPDX-License-Identifier: Apache-2.0
//
// portcam_punt with a host's memory behind it: punted frames of every length, injected frames of
// every length and place, resets and failures of memory at every moment; and portcam_punt_limit
// beside the buckets of the C model.
#include <cstring>
#include <deque>
#include <map>
#include <vector>

#include "Vpunt_tb.h"
#include "portcam_defs.h"
#include "stateful.h"
#include "tap.hpp"

namespace
{

using Bytes = std::vector<uint8_t>;

constexpr uint64_t Punt = 0x100000, Inject = 0x300000, Frames = 0x400000, MemoryBytes = 0x500000;
constexpr unsigned Log2 = 2, Entries = 1 << Log2;

class Bench
{
public:
    explicit Bench(uint64_t seed) : random(seed), memory(MemoryBytes)
    {
        top.rst_ni = 0;
        top.flr_i = top.write_i = top.read_i = top.ask_i = top.frame_valid_i = 0;
        top.limit_valid_i = top.clear_i = 0;
        for (int i = 0; i < 4; i++)
            step();
        top.rst_ni = 1;
        step();
    }

    Tap tap;
    Random random;
    Vpunt_tb top;
    Bytes memory;
    uint64_t origin = 0;                                       // address of memory[0]
    unsigned stall = 0, latency = 0;                           // percent; clocks
    uint64_t clock = 0, fail_write = ~0ull, fail_read = ~0ull; // addresses of 64 bytes
    unsigned writes = 0, reads = 0, raised = 0, errors = 0, ended = 0, lost = 0, refused = 0;
    uint64_t error_addr = 0, last_request = 0;
    std::deque<std::pair<unsigned, Bytes>> out; // injected frames that left, and their function

    void set(uint32_t offset, uint32_t value)
    {
        top.write_i = 1;
        top.write_addr_i = uint16_t(offset);
        top.write_data_i = value;
        step();
        top.write_i = 0;
    }
    uint32_t get(uint32_t offset)
    {
        top.read_i = 1;
        top.read_addr_i = uint16_t(offset);
        step();
        top.read_i = 0;
        top.eval();
        return top.read_word_o;
    }
    void start(unsigned log2 = Log2)
    {
        set(PORTCAM_REG_PUNT_CONTROL, 0);
        set(PORTCAM_REG_INJECT_CONTROL, 0);
        for (int i = 0;
             i < 4000 && (get(PORTCAM_REG_PUNT_STATUS) & 1 || get(PORTCAM_REG_INJECT_STATUS) & 1);
             i++)
            step();
        // A boundary of 4 GiB in the second entry of the punt ring, or in the frames, or nowhere.
        static const uint64_t boundary[] = {Punt + 0x5000, Frames + 0x1000, MemoryBytes};
        origin = ((random.next() & 0xffff) + 1 << 32) - boundary[starts_++ % 3];
        set(PORTCAM_REG_PUNT_BASE_LO, uint32_t(origin + Punt));
        set(PORTCAM_REG_PUNT_BASE_HI, uint32_t((origin + Punt) >> 32));
        set(PORTCAM_REG_PUNT_SIZE, log2);
        set(PORTCAM_REG_INJECT_BASE_LO, uint32_t(origin + Inject));
        set(PORTCAM_REG_INJECT_BASE_HI, uint32_t((origin + Inject) >> 32));
        set(PORTCAM_REG_INJECT_SIZE, Log2);
        set(PORTCAM_REG_PUNT_CONTROL, 1);
        set(PORTCAM_REG_INJECT_CONTROL, 1);
        doorbell = 0;
        for (int i = 0; i < 4000 && !top.runs_o; i++)
            step();
    }

    /* Offers a packet; true if there is room. Then its frame comes. */
    bool offer(unsigned reason, unsigned ingress, size_t len)
    {
        top.ask_i = 1;
        top.reason_i = uint8_t(reason);
        top.ingress_i = uint8_t(ingress);
        top.len_i = uint16_t(len);
        top.time_i = uint32_t(clock);
        top.eval();
        bool room = top.room_o;
        step();
        top.ask_i = 0;
        return room;
    }
    void frame(const Bytes &f, bool host)
    {
        for (size_t at = 0; at < f.size(); at += 64) {
            size_t n = f.size() - at < 64 ? f.size() - at : 64;
            memcpy(&top.frame_data_i[0], &f[at], n);
            top.frame_valid_i = 1;
            top.frame_last_i = at + n == f.size();
            top.frame_host_i = host;
            top.eval();
            if (!top.frame_ready_o)
                tap.fail("a frame is held up");
            step();
        }
        top.frame_valid_i = 0;
    }
    uint32_t doorbell = 0;
    void inject(uint64_t address, size_t len, unsigned function)
    {
        portcam_inject_descriptor d = {};
        d.address = origin + address;
        d.len = uint16_t(len);
        d.egress = uint8_t(function);
        memcpy(&memory[Inject + doorbell % Entries * 64], &d, sizeof d);
        set(PORTCAM_REG_INJECT_DOORBELL, ++doorbell);
    }

    void step()
    {
        drive();
        top.eval();
        bool on = top.rst_ni;
        bool aw = on && top.awvalid_o && top.awready_i, w = on && top.wvalid_o && top.wready_i;
        bool ar = on && top.arvalid_o && top.arready_i, b = top.bvalid_i && top.bready_o;
        bool r = top.rvalid_i && top.rready_o;
        if (aw || ar)
            last_request = clock;
        if (aw)
            aw_.push_back(top.awaddr_o - origin);
        if (w) {
            Bytes beat(72);
            memcpy(beat.data(), &top.wdata_o[0], 64);
            memcpy(&beat[64], &top.wstrb_o, 8);
            w_.push_back(beat);
        }
        if (b)
            answers_.pop_front();
        if (r)
            beats_.pop_front();
        if (ar)
            for (unsigned i = 0; i <= top.arlen_o; i++, reads++) {
                uint64_t at = top.araddr_o - origin + 64 * i;
                beats_.push_back({at, i == top.arlen_o, clock + 1 + latency});
                refused += at == fail_read;
            }
        while (!aw_.empty() && !w_.empty()) {
            write(aw_.front(), w_.front());
            aw_.pop_front();
            w_.pop_front();
        }
        if (top.rst_ni) {
            raised += top.raise_o;
            errors += top.errors_o;
            if (top.dma_error_o)
                error_addr = top.dma_error_addr_o - origin;
            ended += top.end_valid_o;
            lost += top.end_valid_o && top.end_lost_o;
            if (top.out_valid_o && top.out_ready_i)
                take();
        }
        rise(top);
        clock++;
    }
    void steps(unsigned n)
    {
        while (n--)
            step();
    }

private:
    unsigned starts_ = 0;
    struct Beat {
        uint64_t address;
        bool last;
        uint64_t due;
    };
    std::deque<uint64_t> aw_;
    std::deque<Bytes> w_;
    std::deque<std::pair<bool, uint64_t>> answers_;
    std::deque<Beat> beats_;
    Bytes leaving_;
    bool r_held_ = false, b_held_ = false;

    bool goes() { return stall == 0 || !random.percent(stall); }
    void drive()
    {
        top.arready_i = goes();
        top.awready_i = goes();
        top.wready_i = goes();
        top.out_ready_i = goes();
        b_held_ = !answers_.empty() && answers_.front().second <= clock && (b_held_ || goes());
        top.bvalid_i = b_held_;
        top.berror_i = b_held_ && answers_.front().first;
        r_held_ = !beats_.empty() && beats_.front().due <= clock && (r_held_ || goes());
        top.rvalid_i = r_held_;
        if (r_held_) {
            const Beat &b = beats_.front();
            top.rlast_i = b.last;
            top.rerror_i = b.address == fail_read;
            memcpy(&top.rdata_i[0], &memory.at(b.address), 64);
        }
    }
    void write(uint64_t address, const Bytes &beat)
    {
        uint64_t strobes;
        memcpy(&strobes, &beat[64], 8);
        writes++;
        bool fails = address == fail_write;
        refused += fails;
        for (unsigned i = 0; i < 64; i++)
            if (strobes >> i & 1 && !fails)
                memory.at(address + i) = beat[i];
        answers_.push_back({fails, clock + 1 + latency});
    }
    void take()
    {
        size_t n = top.out_keep_o == ~0ull ? 64 : size_t(__builtin_ctzll(~top.out_keep_o));
        auto *p = reinterpret_cast<const uint8_t *>(&top.out_data_o[0]);
        leaving_.insert(leaving_.end(), p, p + n);
        if (!top.out_last_o)
            return;
        out.push_back({top.out_dest_o, leaving_});
        leaving_.clear();
    }
};

Bytes bytes_of(Random &random, size_t len)
{
    Bytes f(len);
    for (auto &byte : f)
        byte = uint8_t(random.next());
    return f;
}

/* One packet there and back; the rings have just started. */
void expect_punt(Bench &b, uint32_t index, unsigned ingress, const Bytes &f)
{
    uint32_t time = uint32_t(b.clock);
    unsigned ended = b.ended;
    if (!b.offer(PORTCAM_REASON_FRAGMENT, ingress, f.size())) {
        b.tap.fail("no room for a frame of %zu bytes", f.size());
        return;
    }
    b.steps(unsigned(b.random.below(20)));
    b.frame(f, ingress != 0);
    for (int patience = 0; b.ended == ended && patience < 20000; patience++)
        b.step();
    portcam_punt_header h;
    const uint8_t *entry = &b.memory[Punt + index % Entries * PORTCAM_PUNT_ENTRY];
    memcpy(&h, entry, sizeof h);
    if (h.reason != PORTCAM_REASON_FRAGMENT || h.ingress != ingress || h.len != f.size() ||
        h.time_ms != time || h.domain != 0x1234 || h.address != 0xffff || h.service != 0x56 ||
        h.egress != (ingress == 0) || h.lap != index / Entries + 1)
        b.tap.fail("header of packet %u of %zu bytes", index, f.size());
    if (memcmp(entry + sizeof h, f.data(), f.size()) != 0)
        b.tap.fail("bytes of packet %u of %zu bytes", index, f.size());
    if (b.get(PORTCAM_REG_PUNT_TAIL) != index + 1)
        b.tap.fail("tail is %u", b.get(PORTCAM_REG_PUNT_TAIL));
}

void expect_inject(Bench &b, uint64_t address, const Bytes &f, unsigned function)
{
    memcpy(&b.memory[address], f.data(), f.size());
    b.out.clear();
    b.inject(address, f.size(), function);
    for (int patience = 0; b.out.empty() && patience < 20000; patience++)
        b.step();
    if (b.out.empty() || b.out.front().first != function || b.out.front().second != f)
        b.tap.fail("an injected frame of %zu bytes at %llx", f.size(), (unsigned long long)address);
}

void lengths(Bench &b)
{
    b.start();
    uint32_t index = 0;
    for (size_t len = 1; len <= PORTCAM_BUILD_MAX_FRAME; len += len < 300 ? 1 : 97, index++) {
        b.stall = unsigned(b.random.below(3)) * 30;
        b.latency = unsigned(b.random.below(3)) * 20;
        expect_punt(b, index, index % 5, bytes_of(b.random, len));
        b.set(PORTCAM_REG_PUNT_HEAD, index + 1);
    }
    b.tap.done("punt: frames of 1 to 9,600 bytes, header, tail, lap");
    for (size_t len = 1; len <= PORTCAM_BUILD_MAX_FRAME; len += len < 300 ? 1 : 97) {
        b.stall = unsigned(b.random.below(3)) * 30;
        expect_inject(b, Frames + 64 * b.random.below(256), bytes_of(b.random, len),
                      unsigned(b.random.below(16)));
    }
    b.stall = b.latency = 0;
    b.tap.done("inject: frames of 1 to 9,600 bytes, from any place in their pages");
}

/* A ring of four: a fifth packet finds no room, until the host has consumed one. */
void full(Bench &b)
{
    b.start();
    for (unsigned i = 0; i < Entries; i++)
        expect_punt(b, i, 0, bytes_of(b.random, 64));
    for (unsigned i = 0; i < 3; i++)
        if (b.offer(PORTCAM_REASON_FRAGMENT, 0, 64))
            b.tap.fail("room in a full ring");
    if (b.get(PORTCAM_REG_PUNT_DROPPED) != 3)
        b.tap.fail("%u dropped, not 3", b.get(PORTCAM_REG_PUNT_DROPPED));
    b.set(PORTCAM_REG_PUNT_HEAD, 1);
    b.step();
    expect_punt(b, Entries, 0, bytes_of(b.random, 64));
    b.tap.done("punt: a full ring has no room, until a packet is consumed");

    // The frame buffer of 64 KiB takes a frame as long as one of the longest fits.
    b.start(4);
    b.latency = 100;
    unsigned taken = 0;
    for (unsigned i = 0; i < 16; i++)
        taken += b.offer(PORTCAM_REASON_FRAGMENT, 0, PORTCAM_BUILD_MAX_FRAME);
    for (unsigned i = 0; i < taken; i++)
        b.frame(bytes_of(b.random, PORTCAM_BUILD_MAX_FRAME), false);
    if (taken != (1024 - 150) / 150 + 1)
        b.tap.fail("%u frames of the longest were taken at once", taken);
    b.latency = 0;
    b.steps(2000);
    b.tap.done("punt: frames that do not fit on the way are refused before they come");
}

/* A reset of the function in each clock of a packet's and a frame's way: no request begins later than a few clocks after it,
 * and then everything works again. */
void resets(Bench &b)
{
    for (unsigned at = 0; at < 120; at++) {
        b.start();
        b.latency = at % 7 * 3;
        Bytes f = bytes_of(b.random, 300);
        memcpy(&b.memory[Frames + 0xf80], f.data(), f.size());
        b.inject(Frames + 0xf80, f.size(), 1);
        bool taken = b.offer(PORTCAM_REASON_FRAGMENT, 0, f.size());
        unsigned ended = b.ended;
        for (unsigned n = 0; n < 200; n++) {
            b.top.flr_i = n == at;
            size_t beat = n - 30;
            bool comes = taken && n >= 30 && beat < 5;
            b.top.frame_valid_i = comes;
            b.top.frame_last_i = beat == 4;
            b.top.frame_host_i = 0;
            b.step();
            if (n > at + 6 && b.last_request + 1 == b.clock && n > at + 6 + b.latency)
                b.tap.fail("a request %u clocks after a reset at %u", n - at, at);
        }
        b.top.flr_i = b.top.frame_valid_i = 0;
        b.steps(200);
        if (taken && b.ended != ended + 1 && b.ended != ended)
            b.tap.fail("a packet ended %u times", b.ended - ended);
        if (b.get(PORTCAM_REG_PUNT_TAIL) || b.get(PORTCAM_REG_INJECT_HEAD) ||
            b.get(PORTCAM_REG_PUNT_STATUS) || b.get(PORTCAM_REG_INJECT_STATUS))
            b.tap.fail("registers after a reset at clock %u", at);
        b.latency = 0;
        b.start();
        expect_punt(b, 0, 0, bytes_of(b.random, 130));
        expect_inject(b, Frames, bytes_of(b.random, 130), 2);
    }
    b.tap.done("punt, inject: a reset of the function at any clock");
}

/* The host stops a ring before it hears that memory refused. */
void stop_early(Bench &b, uint32_t control, unsigned refused)
{
    for (int patience = 0; b.refused == refused && patience < 1000; patience++)
        b.step();
    b.set(control, 0);
}

/* Each write of a packet and each read of a frame fails once; `late`: when the ring is being stopped. */
void failures(Bench &b, bool late)
{
    const char *when = late ? ", while the host stops it" : "";
    for (unsigned beat = 0; beat < 6; beat++) {
        b.start();
        unsigned errors = b.errors, lost = b.lost, refused = b.refused;
        b.latency = late ? 40 : 0;
        Bytes f = bytes_of(b.random, 300); // five beats behind the header
        b.fail_write = Punt + 64 * beat;
        b.offer(PORTCAM_REASON_FRAGMENT, 0, f.size());
        b.frame(f, false);
        if (late)
            stop_early(b, PORTCAM_REG_PUNT_CONTROL, refused);
        b.steps(300);
        uint32_t want = PORTCAM_PUNT_STATUS_ERROR | PORTCAM_STATUS_DMA_WRITE_ERROR
                                                        << PORTCAM_PUNT_STATUS_REASON_SHIFT;
        if (b.get(PORTCAM_REG_PUNT_STATUS) != want || b.errors != errors + 1 ||
            b.lost != lost + 1 || b.error_addr != Punt)
            b.tap.fail("write %u failed%s: status %x, %u errors, address %llx", beat, when,
                       b.get(PORTCAM_REG_PUNT_STATUS), b.errors - errors,
                       (unsigned long long)b.error_addr);
        if (b.offer(PORTCAM_REASON_FRAGMENT, 0, 64))
            b.tap.fail("a stopped ring takes a packet");
        b.fail_write = ~0ull;
        b.latency = 0;
        expect_inject(b, Frames, bytes_of(b.random, 200), 3);
    }
    b.tap.done(late
                   ? "punt: each write of a packet fails while the host stops the ring: told, once"
                   : "punt: each write of a packet fails: the ring stops, once, the other goes on");
    for (unsigned beat = 0; beat < 6; beat++) {
        b.start();
        unsigned errors = b.errors, refused = b.refused;
        Bytes f = bytes_of(b.random, 300);
        expect_inject(b, Frames, f, 1);
        b.fail_read = beat ? Frames + 0x1000 + 64 * (beat - 1) : Inject + 64;
        b.out.clear();
        b.latency = late ? 40 : 0;
        b.inject(Frames + 0x1000, f.size(), 1);
        if (late)
            stop_early(b, PORTCAM_REG_INJECT_CONTROL, refused);
        b.steps(300);
        uint32_t want = PORTCAM_PUNT_STATUS_ERROR | PORTCAM_STATUS_DMA_READ_ERROR
                                                        << PORTCAM_PUNT_STATUS_REASON_SHIFT;
        uint64_t address = beat ? Frames + 0x1000 : Inject + 64;
        if (b.get(PORTCAM_REG_INJECT_STATUS) != want || b.errors != errors + 1 ||
            b.error_addr != address || !b.out.empty() || b.get(PORTCAM_REG_INJECT_HEAD) != 1)
            b.tap.fail("read %u failed%s: status %x, %u errors, address %llx, %zu frames left",
                       beat, when, b.get(PORTCAM_REG_INJECT_STATUS), b.errors - errors,
                       (unsigned long long)b.error_addr, b.out.size());
        b.fail_read = ~0ull;
        b.latency = 0;
        expect_punt(b, 0, 1, bytes_of(b.random, 200));
    }
    b.tap.done(
        late ? "inject: each read of a frame fails while the host stops the ring: told, once"
             : "inject: each read of a frame fails: the ring stops, once, nothing of it leaves");
}

void arming(Bench &b)
{
    b.start();
    unsigned raised = b.raised;
    auto expect = [&](unsigned more, const char *when) {
        b.steps(5);
        if (b.raised != raised + more)
            b.tap.fail("%s: vector 2 was raised %u times, not %u", when, b.raised - raised, more);
    };
    b.set(PORTCAM_REG_PUNT_ARM, 0);
    expect(0, "armed");
    expect_punt(b, 0, 0, bytes_of(b.random, 60));
    expect(1, "a packet");
    expect_punt(b, 1, 0, bytes_of(b.random, 60));
    expect(1, "another");
    b.set(PORTCAM_REG_PUNT_ARM, 1);
    expect(2, "at once");
    b.set(PORTCAM_REG_PUNT_ARM, 2);
    b.start();
    for (unsigned i = 0; i < 4; i++)
        expect_punt(b, i, 0, bytes_of(b.random, 60));
    expect(2, "disarmed by ENABLE");
    b.tap.done("punt: vector 2, once for an arming, at once, not behind an ENABLE");
}

/* The decision of three clocks later, beside the model's buckets. */
void limits(Bench &b)
{
    pc_bucket model[PORTCAM_REASON_MAX];
    struct Want {
        bool wanted, asks, token;
    };
    std::deque<Want> wants;
    unsigned tokens = 0, without = 0;
    uint32_t time = 0xfffff000;
    pc_buckets_fill(model, PORTCAM_REASON_MAX);
    b.top.clear_i = 1;
    b.step();
    b.top.clear_i = 0;
    for (unsigned n = 0; n < 200000; n++) {
        bool valid = b.random.percent(80);
        unsigned reason = unsigned(b.random.below(PORTCAM_REASON_MAX));
        if (b.random.percent(80))
            while (!(PORTCAM_PUNT_REASONS >> reason & 1))
                reason = unsigned(b.random.below(PORTCAM_REASON_MAX));
        uint64_t mask = PORTCAM_PUNT_REASONS & (b.random.percent(80) ? ~0ull : b.random.next());
        bool runs = b.random.percent(90);
        unsigned rate = unsigned(b.random.below(b.random.percent(50) ? 300 : 65536));
        unsigned burst = unsigned(b.random.below(b.random.percent(80) ? 4 : 65536));
        time += b.random.percent(20) ? uint32_t(b.random.below(40)) : 0;
        time += b.random.percent(1) ? uint32_t(b.random.below(3000)) : 0;
        b.top.limit_valid_i = valid;
        b.top.limit_runs_i = runs;
        b.top.limit_reason_i = uint8_t(reason);
        b.top.limit_reasons_i = mask;
        b.top.limit_rate_i = uint16_t(rate);
        b.top.limit_burst_i = uint16_t(burst);
        b.top.limit_time_i = time;
        Want w = {valid && (mask >> reason & 1), false, false};
        w.asks = w.wanted && runs;
        w.token = w.asks && pc_bucket_take(&model[reason], rate, burst, time);
        tokens += w.token;
        without += w.asks && !w.token;
        wants.push_back(w);
        b.top.eval();
        if (wants.size() == 4) {
            w = wants.front();
            wants.pop_front();
            if (w.wanted != b.top.limit_wanted_o || w.asks != b.top.limit_asks_o ||
                (w.asks && w.token != b.top.limit_token_o))
                b.tap.fail("request %u: %u %u %u, not %u %u %u", n, b.top.limit_wanted_o,
                           b.top.limit_asks_o, b.top.limit_token_o, w.wanted, w.asks, w.token);
        }
        b.step();
    }
    b.top.limit_valid_i = 0;
    if (tokens < 1000 || without < 1000)
        b.tap.fail("%u tokens, %u without", tokens, without);
    b.tap.done("punt: limits of each reason as the model's, random requests");
}

} // namespace

int main(int argc, char **argv)
{
    Bench b(start(argc, argv));
    lengths(b);
    full(b);
    arming(b);
    failures(b, false);
    failures(b, true);
    resets(b);
    limits(b);
    return b.tap.finish();
}
