// SPDX-License-Identifier: Apache-2.0
//
// portcam_trace between a pipeline that is played here and a host's memory: random packets, one a
// clock at times, and random filters, beside the C model; full rings, limits, stops and starts,
// resets and failures of memory at every moment. trace_sample_* says which packets were tested and
// whether there was room; all else the model says.
#include <cstring>
#include <deque>
#include <vector>

#include "Vtrace_tb.h"
#include "portcam_defs.h"
#include "tap.hpp"
#include "trace.h"

namespace
{

constexpr uint64_t Ring = 0x4000, MemoryBytes = 0x10000;
constexpr unsigned ParsedAt = 17, CountAt = 66; // clocks behind the header

struct Packet {
    pc_parsed parsed;
    pc_decision decision;
    pc_trace_window window;
    uint32_t time;
    uint64_t at; // clock of its header
};

struct Sample {
    portcam_trace_header header;
    pc_trace_window window;
};

class Bench
{
public:
    explicit Bench(uint64_t seed) : random(seed), memory(MemoryBytes, 0xee)
    {
        top.rst_ni = 0;
        steps(4);
        top.rst_ni = 1;
        step();
    }

    Tap tap;
    Random random;
    Vtrace_tb top;
    std::vector<uint8_t> memory;
    pc_trace model = {};
    std::deque<Sample> samples; // taken
    unsigned rate = 0;          // percent of the clocks in which a packet comes
    unsigned stall = 0, latency = 0;
    uint64_t clock = 0, fail_write = ~0ull, last_request = 0, tested = 0, error_addr = 0;
    uint64_t headers = 0, first_packet = 0; // that came in; the first that the last run tested
    unsigned errors = 0, starts = 0, lost = 0, refused = 0;
    uint32_t taken = 0;

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
    // A register of the filter, in the model too; only while ENABLE is 0.
    void put(uint32_t offset, uint32_t value)
    {
        pc_trace_reg_write(&model, offset, value);
        set(offset, value);
    }
    void wide()
    {
        for (uint32_t at = PORTCAM_REG_TRACE_EVERY; at <= PORTCAM_REG_TRACE_PORT_MASKS; at += 4)
            put(at, 0);
        put(PORTCAM_REG_TRACE_REASONS_LO, ~0u);
        put(PORTCAM_REG_TRACE_REASONS_HI, ~0u);
        put(PORTCAM_REG_TRACE_RATE, 65535);
        put(PORTCAM_REG_TRACE_BURST, 65535);
    }
    void start(unsigned log2)
    {
        set(PORTCAM_REG_TRACE_BASE_LO, Ring);
        set(PORTCAM_REG_TRACE_SIZE, log2);
        log2_ = log2;
        set(PORTCAM_REG_TRACE_CONTROL, 1);
    }
    void stop()
    {
        set(PORTCAM_REG_TRACE_CONTROL, 0);
        for (int i = 0; i < 4000 && get(PORTCAM_REG_TRACE_STATUS) & 1; i++)
            step();
        if (get(PORTCAM_REG_TRACE_STATUS) & 1)
            tap.fail("the ring does not stop");
    }
    // Counters and entries of a ring that has stopped; `head` is what the host had consumed.
    void compare(uint32_t from)
    {
        uint32_t tail = get(PORTCAM_REG_TRACE_TAIL);
        if (tail != taken || get(PORTCAM_REG_TRACE_MATCHED) != model.matched ||
            get(PORTCAM_REG_TRACE_LIMITED) != model.limited || get(PORTCAM_REG_TRACE_LOST) != lost)
            tap.fail("%u samples, %u matched, %u limited, %u lost; the model: %u, %u, %u, %u", tail,
                     get(PORTCAM_REG_TRACE_MATCHED), get(PORTCAM_REG_TRACE_LIMITED),
                     get(PORTCAM_REG_TRACE_LOST), taken, model.matched, model.limited, lost);
        for (uint32_t i = from; i < taken && i < from + (1u << log2_); i++)
            entry(i);
    }
    // What is written of sample `index`, which is still there.
    void entry(uint32_t index)
    {
        const Sample &s = samples.at(index - (taken - uint32_t(samples.size())));
        const uint8_t *at = &memory[Ring + (index & ((1u << log2_) - 1)) * PORTCAM_TRACE_ENTRY];
        if (memcmp(at, &s.header, sizeof s.header) != 0)
            tap.fail("header of sample %u", index);
        if (memcmp(at + 64, s.window.bytes, sizeof s.window.bytes) != 0)
            tap.fail("frame of sample %u", index);
        for (unsigned i = 192; i < 256; i++)
            if (at[i] != 0xee)
                tap.fail("sample %u: byte %u was written", index, i);
    }

    void step()
    {
        drive();
        top.eval();
        bool on = top.rst_ni, b = top.bvalid_i && top.bready_o;
        if (on && top.awvalid_o && top.awready_i) {
            aw_.push_back(top.awaddr_o);
            last_request = clock;
        }
        if (on && top.wvalid_o && top.wready_i) {
            std::vector<uint8_t> beat(64);
            memcpy(beat.data(), &top.wdata_o[0], 64);
            w_.push_back(beat);
            if (top.wstrb_o != ~0ull)
                tap.fail("a write of less than 64 bytes");
        }
        if (b)
            answers_.pop_front();
        while (!aw_.empty() && !w_.empty()) {
            bool fails = aw_.front() == fail_write;
            refused += fails;
            if (!fails)
                memcpy(&memory.at(aw_.front()), w_.front().data(), 64);
            answers_.push_back({fails, clock + 1 + latency});
            aw_.pop_front();
            w_.pop_front();
        }
        if (on) {
            errors += top.errors_o;
            if (top.dma_error_o)
                error_addr = top.dma_error_addr_o;
            if (top.sample_o)
                test(top.sample_number_o, top.sample_flags_o & 1, top.sample_flags_o >> 1);
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
    unsigned log2_ = 2;
    std::deque<Packet> flying_; // headers are in, not yet counted; the oldest first
    Packet recent_[128];
    uint64_t parsed_ = 0, counted_ = 0, next_ = 0;
    std::deque<uint64_t> aw_;
    std::deque<std::vector<uint8_t>> w_;
    std::deque<std::pair<bool, uint64_t>> answers_;
    bool b_held_ = false;

    bool goes() { return stall == 0 || !random.percent(stall); }

    Packet any_packet()
    {
        static const uint8_t reasons[] = {PORTCAM_REASON_NO_MATCH,
                                          PORTCAM_REASON_NO_MATCH,
                                          PORTCAM_REASON_NO_MATCH,
                                          PORTCAM_REASON_FRAGMENT,
                                          PORTCAM_REASON_NON_IP,
                                          PORTCAM_REASON_OVERSIZE,
                                          PORTCAM_REASON_UNPARSED_LENGTH,
                                          PORTCAM_REASON_ICMP_ERROR,
                                          PORTCAM_REASON_UNPARSED_VERSION,
                                          PORTCAM_REASON_MULTICAST,
                                          PORTCAM_REASON_UNPARSED_IHL,
                                          PORTCAM_REASON_UNPARSED_L4,
                                          PORTCAM_REASON_UNPARSED_SHORT,
                                          PORTCAM_REASON_ICMP_ERROR_SHORT,
                                          PORTCAM_REASON_NEIGHBOUR_DISCOVERY};
        Packet p = {};
        p.parsed.reason = reasons[random.below(sizeof reasons)];
        p.parsed.decided = p.parsed.reason != PORTCAM_REASON_NO_MATCH;
        p.parsed.is_v6 = random.percent(50);
        // Two bits of each matter, so that filters match at times.
        for (unsigned i = 0; i < (p.parsed.is_v6 ? 16 : 4); i++) {
            p.parsed.src.ip[i] = uint8_t(random.below(4));
            p.parsed.dst.ip[i] = uint8_t(random.below(4));
        }
        p.parsed.src.port = uint16_t(random.below(4));
        p.parsed.dst.port = uint16_t(random.below(4));
        p.parsed.protocol = uint8_t(6 + random.below(3));
        p.parsed.ingress = uint8_t(random.below(4));
        p.parsed.len = uint16_t(random.next());
        pc_decision &d = p.decision;
        d.reason = uint8_t(random.below(64));
        d.punt = random.percent(10);
        d.drop = d.punt || random.percent(30);
        d.egress = uint8_t(random.below(16));
        d.reply = random.percent(50);
        d.began = random.percent(20);
        auto number = [&](uint32_t limit) {
            return random.percent(30) ? -1 : int(random.below(limit));
        };
        d.domain = number(0x10000);
        d.address = number(0x10000);
        d.service = number(0x10000);
        d.backend = number(0x10000);
        d.record = number(1 << 24);
        for (auto &byte : p.window.bytes)
            byte = uint8_t(random.next());
        p.at = clock;
        return p;
    }

    void drive_packets()
    {
        top.header_valid_i = top.parsed_valid_i = top.count_valid_i = 0;
        if (top.rst_ni && random.percent(rate)) {
            Packet p = any_packet();
            memcpy(&top.window_i[0], p.window.bytes, 128);
            top.header_valid_i = 1;
            flying_.push_back(p);
            headers++;
        }
        size_t next = size_t(parsed_ - counted_);
        if (next < flying_.size() && flying_[next].at + ParsedAt == clock) {
            const pc_parsed &p = flying_[next].parsed;
            top.parsed_valid_i = 1;
            top.parsed_reason_i = p.reason;
            top.parsed_decided_i = p.decided;
            top.parsed_v6_i = p.is_v6;
            memcpy(&top.parsed_src_ip_i[0], p.src.ip, 16);
            memcpy(&top.parsed_dst_ip_i[0], p.dst.ip, 16);
            top.parsed_protocol_i = p.protocol;
            top.parsed_src_port_i = p.src.port;
            top.parsed_dst_port_i = p.dst.port;
            top.parsed_ingress_i = p.ingress;
            parsed_++;
        }
        if (!flying_.empty() && flying_.front().at + CountAt == clock) {
            Packet p = flying_.front();
            flying_.pop_front();
            p.time = uint32_t(clock / 8);
            const pc_decision &d = p.decision;
            top.count_valid_i = 1;
            top.count_reason_i = d.reason;
            top.count_octets_i = p.parsed.len;
            top.count_rx_i = p.parsed.ingress;
            top.count_tx_valid_i = !d.drop;
            top.count_tx_i = d.egress;
            top.count_there_i =
                uint8_t((d.domain >= 0) | (d.address >= 0) << 1 | (d.service >= 0) << 2 |
                        (d.backend >= 0) << 3 | (d.record >= 0) << 4);
            top.count_numbers_i =
                (uint64_t(d.domain & 0xffff)) | uint64_t(d.address & 0xffff) << 16 |
                uint64_t(d.service & 0xffff) << 32 | uint64_t(d.backend & 0xffff) << 48;
            top.count_slot_i = unsigned(d.record) & 0xffffff;
            top.count_reply_i = d.reply;
            top.count_began_i = d.began;
            top.punted_i = d.punt;
            top.time_ms_i = p.time;
            recent_[counted_++ % 128] = p;
        }
    }
    void drive()
    {
        drive_packets();
        top.awready_i = goes();
        top.wready_i = goes();
        b_held_ = !answers_.empty() && answers_.front().second <= clock && (b_held_ || goes());
        top.bvalid_i = b_held_;
        top.berror_i = b_held_ && answers_.front().first;
    }

    void test(unsigned number, bool first, bool room)
    {
        uint64_t packet = counted_ - 1 - ((counted_ - 1 - number) & 127);
        if (!first && packet != next_)
            tap.fail("packet %llu was tested, not %llu", (unsigned long long)packet,
                     (unsigned long long)next_);
        next_ = packet + 1;
        tested++;
        if (first) {
            starts++;
            first_packet = packet;
            pc_trace_start(&model);
            samples.clear();
            taken = lost = 0;
        }
        const Packet &p = recent_[packet % 128];
        if (!pc_trace_matches(&model, &p.parsed) ||
            !pc_trace_chooses(&model, p.decision.reason, p.time))
            return;
        if (!room) {
            lost++;
            return;
        }
        Sample s = {pc_trace_header(&p.parsed, &p.decision, p.time), p.window};
        s.header.lap = (taken++ >> log2_) + 1;
        samples.push_back(s);
        if (samples.size() > 64)
            samples.pop_front();
    }
};

void random_filter(Bench &b)
{
    b.wide();
    Random &r = b.random;
    auto few = [&](uint32_t mask) { return r.percent(80) ? 0 : uint32_t(r.next()) & mask; };
    for (uint32_t i = 0; i < 4; i++) {
        b.put(PORTCAM_REG_TRACE_SRC_IP_0 + 4 * i, uint32_t(r.next()) & 0x03030303);
        b.put(PORTCAM_REG_TRACE_DST_IP_0 + 4 * i, uint32_t(r.next()) & 0x03030303);
        b.put(PORTCAM_REG_TRACE_SRC_MASK_0 + 4 * i, few(0x01020001));
        b.put(PORTCAM_REG_TRACE_DST_MASK_0 + 4 * i, few(0x02000101));
    }
    b.put(PORTCAM_REG_TRACE_PORTS, uint32_t(r.next()) & 0x00030003);
    b.put(PORTCAM_REG_TRACE_PORT_MASKS, few(0x00030003));
    uint32_t filter = 6 + uint32_t(r.below(3));
    filter |= uint32_t(r.below(4)) << PORTCAM_TRACE_FILTER_INGRESS_SHIFT;
    filter |= r.percent(25) ? PORTCAM_TRACE_FILTER_BY_PROTOCOL : 0;
    filter |= r.percent(20) ? PORTCAM_TRACE_FILTER_BY_INGRESS : 0;
    filter |= r.percent(25) ? PORTCAM_TRACE_FILTER_BY_VERSION : 0;
    filter |= r.percent(50) ? PORTCAM_TRACE_FILTER_IPV6 : 0;
    filter |= r.percent(50) ? PORTCAM_TRACE_FILTER_BOTH : 0;
    b.put(PORTCAM_REG_TRACE_FILTER, filter);
    if (r.percent(30)) {
        b.put(PORTCAM_REG_TRACE_REASONS_LO, uint32_t(r.next()));
        b.put(PORTCAM_REG_TRACE_REASONS_HI, uint32_t(r.next()));
    }
    b.put(PORTCAM_REG_TRACE_EVERY, uint32_t(r.below(5)));
    if (r.percent(40)) {
        b.put(PORTCAM_REG_TRACE_RATE, uint32_t(r.below(3000)));
        b.put(PORTCAM_REG_TRACE_BURST, uint32_t(r.below(20)));
    }
}

void filters(Bench &b)
{
    uint64_t samples = 0, limited = 0, lost = 0, some = 0;
    for (unsigned run = 0; run < 400; run++) {
        b.rate = run % 4 == 0 ? 100 : unsigned(b.random.below(100));
        b.stall = unsigned(b.random.below(3)) * 30;
        b.latency = unsigned(b.random.below(3)) * 10;
        random_filter(b);
        b.start(2 + unsigned(b.random.below(3)));
        uint64_t tested = b.tested;
        uint32_t head = 0;
        for (unsigned i = 0; i < 20; i++) {
            b.steps(unsigned(b.random.below(60)));
            if (b.random.percent(70)) {
                head = b.get(PORTCAM_REG_TRACE_TAIL);
                b.set(PORTCAM_REG_TRACE_HEAD, head);
            }
        }
        b.stop();
        if (b.tested != tested)
            b.compare(head);
        samples += b.taken;
        limited += b.model.limited;
        lost += b.lost;
        some += b.model.matched && b.model.matched < b.tested - tested;
    }
    printf("# %llu samples, %llu limited, %llu lost, %llu filters that let some through\n",
           (unsigned long long)samples, (unsigned long long)limited, (unsigned long long)lost,
           (unsigned long long)some);
    if (!samples || !limited || !lost || !some)
        b.tap.fail("something did not happen");
    b.tap.done("trace: filters, each n-th, limits, room: as the model");
}

// Packets that were on their way when the ring was started are passed over; all behind them are not.
void ends(Bench &b)
{
    b.wide();
    b.rate = 100;
    b.stall = b.latency = 0;
    for (unsigned gap = 0; gap < 150; gap++) {
        uint64_t before = b.headers, tested = b.tested;
        b.start(4);
        while (!(b.get(PORTCAM_REG_TRACE_STATUS) & 1))
            ;
        uint64_t behind = b.headers;
        for (int i = 0; i < 400 && b.tested == tested; i++)
            b.step();
        if (b.tested == tested || b.first_packet < before || b.first_packet > behind)
            b.tap.fail("the first packet is %llu, not of %llu to %llu",
                       (unsigned long long)b.first_packet, (unsigned long long)before,
                       (unsigned long long)behind);
        b.steps(gap);
        unsigned starts = b.starts;
        b.set(PORTCAM_REG_TRACE_CONTROL, 0);
        b.steps(gap % 9);
        b.set(PORTCAM_REG_TRACE_CONTROL, 1); // behind the samples of the run before
        for (int i = 0; i < 600 && b.starts == starts; i++)
            b.step();
        if (b.starts != starts + 1)
            b.tap.fail("the ring did not start again");
        b.steps(3);
        b.stop();
        b.compare(0);
    }
    b.tap.done("trace: started and stopped at any clock");
}

void registers(Bench &b)
{
    b.rate = 0;
    for (uint32_t at = PORTCAM_REG_TRACE_EVERY; at <= PORTCAM_REG_TRACE_PORT_MASKS; at += 4)
        b.put(at, 0x01234567 * (at >> 2));
    uint32_t value;
    for (int round = 0; round < 2; round++) {
        for (uint32_t at = PORTCAM_REG_TRACE_EVERY; at <= PORTCAM_REG_TRACE_PORT_MASKS; at += 4)
            if (!pc_trace_reg_read(&b.model, at, &value) || b.get(at) != value)
                b.tap.fail("register %x is %x, model %x", at, b.get(at), value);
        if (round == 0)
            b.start(3);
        for (uint32_t at = PORTCAM_REG_TRACE_BASE_LO; at <= PORTCAM_REG_TRACE_PORT_MASKS; at += 4)
            if (at != PORTCAM_REG_TRACE_CONTROL && at != PORTCAM_REG_TRACE_HEAD)
                b.set(at, 0xdeadbeef); // keeps its value
    }
    if (b.get(PORTCAM_REG_TRACE_BASE_LO) != Ring || b.get(PORTCAM_REG_TRACE_BASE_HI) != 0 ||
        b.get(PORTCAM_REG_TRACE_SIZE) != 3 || b.get(PORTCAM_REG_TRACE_STATUS) != 1)
        b.tap.fail("base, size or status of a ring that runs");
    for (uint32_t other = 0x5088; other < 0x5100; other += 4)
        if (b.get(other) != 0)
            b.tap.fail("register %x is not 0", other);
    b.stop();
    unsigned errors = b.errors;
    for (unsigned log2 : {0u, 1u, 13u, 255u}) {
        b.start(log2);
        b.steps(8);
        if (b.get(PORTCAM_REG_TRACE_STATUS) != (2 | PORTCAM_STATUS_BAD_RING << 8) ||
            b.errors != ++errors)
            b.tap.fail("a ring of size %u", log2);
        b.set(PORTCAM_REG_TRACE_CONTROL, 0);
    }
    b.tap.done("trace: registers keep their value while it runs; bad rings");
}

// A reset of the function in each clock: no request begins later than a few clocks after it, and then everything works.
void resets(Bench &b)
{
    b.rate = 60;
    for (unsigned at = 0; at < 150; at++) {
        b.wide();
        b.start(4);
        b.latency = at % 5 * 4;
        b.steps(90);
        for (unsigned n = 0; n < 250; n++) {
            b.top.flr_i = n == at;
            b.step();
            if (n > at + 6 && b.last_request + 1 == b.clock)
                b.tap.fail("a request %u clocks after a reset at %u", n - at, at);
        }
        memset(&b.model.word, 0, sizeof b.model.word);
        for (uint32_t reg = PORTCAM_REG_TRACE_BASE_LO; reg < 0x5100; reg += 4)
            if (b.get(reg) != 0)
                b.tap.fail("register %x after a reset at %u", reg, at);
    }
    b.wide();
    b.start(4);
    b.steps(400);
    b.stop();
    b.compare(0);
    b.tap.done("trace: a reset of the function at any clock");
}

// Each write of the first samples fails once.
void failures(Bench &b)
{
    static const uint64_t place[] = {64, 128, 0};
    b.rate = 60;
    for (unsigned beat = 0; beat < 12; beat++) {
        unsigned errors = b.errors, refused = b.refused;
        b.latency = unsigned(b.random.below(30));
        b.wide();
        b.fail_write = Ring + beat / 3 * PORTCAM_TRACE_ENTRY + place[beat % 3];
        b.start(4);
        for (int i = 0; i < 4000 && b.errors == errors; i++)
            b.step();
        for (int i = 0; i < 4000 && b.get(PORTCAM_REG_TRACE_STATUS) & 1; i++)
            b.step();
        if (b.get(PORTCAM_REG_TRACE_STATUS) != (2 | PORTCAM_STATUS_DMA_WRITE_ERROR << 8) ||
            b.errors != errors + 1 || b.refused != refused + 1 ||
            b.error_addr != Ring + beat / 3 * PORTCAM_TRACE_ENTRY)
            b.tap.fail("write %u failed: status %x, %u errors", beat,
                       b.get(PORTCAM_REG_TRACE_STATUS), b.errors - errors);
        if (b.get(PORTCAM_REG_TRACE_TAIL) != beat / 3)
            b.tap.fail("write %u failed, and the tail is %u", beat, b.get(PORTCAM_REG_TRACE_TAIL));
        b.fail_write = ~0ull;
        b.stop();
        b.start(4);
        b.steps(300);
        b.stop();
        b.compare(0);
    }
    b.tap.done("trace: a write that fails stops the ring, which starts again");
}

} // namespace

int main(int argc, char **argv)
{
    Bench b(start(argc, argv));
    filters(b);
    ends(b);
    registers(b);
    resets(b);
    failures(b);
    return b.tap.finish();
}
