// SPDX-License-Identifier: Apache-2.0
//
// portcam_creation against the C model's pc_may_create(), pc_tcp_class() and pc_tcp_end(), and
// against section 6 of docs/pipeline.md read once more; portcam_reject_limit against buckets that
// do one request after another. Arguments: seed.

#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "Vrejects_tb.h"
#include "stateful.h"
#include "tap.hpp"

namespace
{

using Ip = std::array<uint8_t, 16>;

// Addresses on both sides of every border that the rules draw.
const std::vector<Ip> &addresses(bool v6)
{
    static const std::vector<Ip> four = {
        {0, 0, 0, 0},       {0, 0, 0, 1},       {0, 255, 255, 255},   {1, 0, 0, 0},
        {126, 255, 255, 1}, {127, 0, 0, 0},     {127, 0, 0, 1},       {128, 0, 0, 1},
        {223, 1, 2, 3},     {224, 0, 0, 0},     {239, 255, 255, 255}, {240, 0, 0, 1},
        {10, 1, 2, 3},      {255, 255, 255, 0}, {255, 255, 255, 255}, {10, 1, 2, 4},
        {11, 1, 2, 3},      {10, 1, 0, 3},      {255, 255, 255, 254},
    };
    static const std::vector<Ip> six = [] {
        std::vector<Ip> all(12);
        all[1][15] = 1;
        all[2][15] = 2;
        all[3][0] = 1;
        all[4][14] = 1;
        all[5][0] = 0xff;
        all[6] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        all[7] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        all[8] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
        all[9] = all[8], all[9][15] = 2;
        all[10] = all[8], all[10][4] = 2;
        all[11] = all[8], all[11][8] = 127;
        return all;
    }();
    return v6 ? six : four;
}

struct Packet {
    bool v6;
    Ip src, dst;
    unsigned protocol, src_port, dst_port, flags, payload;
    uint32_t seq;
    bool has_ports() const { return protocol == 6 || protocol == 17 || protocol == 132; }
};

struct Request {
    unsigned reason, rate, burst;
    bool no_answer;
    uint32_t time;
};

struct Result {
    unsigned reason;
    bool answer;
};

constexpr unsigned Rejects[] = {PORTCAM_REASON_NO_RECORD_REJECT, PORTCAM_REASON_NO_BACKEND_REJECT,
                                PORTCAM_REASON_AMBIGUOUS_REJECT, PORTCAM_REASON_UNKNOWN_REJECT,
                                PORTCAM_REASON_STOPPED_REJECT};

// Section 6, one request after another.
class Buckets
{
public:
    Result request(const Request &r)
    {
        unsigned number = 0;
        while (number < 5 && Rejects[number] != r.reason)
            number++;
        if (number == 5)
            return {r.reason, false};
        if (r.no_answer)
            return {PORTCAM_REASON_REJECT_SILENT, false};
        Bucket &b = bucket_[number];
        uint64_t size = r.burst * 1000ull;
        uint32_t passed = r.time - b.last;
        uint64_t level = b.level + uint64_t(r.rate) * passed;
        if (b.full || passed > 1023 || level > size)
            level = size;
        b.full = false;
        b.last = r.time;
        b.level = level >= 1000 ? level - 1000 : level;
        if (level < 1000)
            return {PORTCAM_REASON_REJECT_LIMITED, false};
        return {r.reason, true};
    }
    void clear()
    {
        for (Bucket &b : bucket_)
            b.full = true;
    }

private:
    struct Bucket {
        bool full = true;
        uint64_t level = 0;
        uint32_t last = 0;
    };
    Bucket bucket_[5];
};

class Bench
{
public:
    explicit Bench(Random &random) : random_(random)
    {
        top_.clear_i = 0;
        reset();
    }

    Tap tap;
    unsigned answers = 0; // since it was last set to 0

    void reset()
    {
        top_.rst_ni = 0;
        top_.valid_i = top_.request_valid_i = 0;
        packets_.clear();
        requests_.clear();
        for (int i = 0; i < 6; i++) {
            top_.eval();
            rise(top_);
        }
        top_.rst_ni = 1;
        buckets_.clear();
        pc_buckets_fill(model_, PC_BUCKETS);
    }

    void packet(const Packet &p)
    {
        top_.valid_i = 1;
        top_.is_v6_i = p.v6;
        for (unsigned i = 0; i < 4; i++) {
            memcpy(&top_.src_ip_i[i], &p.src[4 * i], 4);
            memcpy(&top_.dst_ip_i[i], &p.dst[4 * i], 4);
        }
        top_.protocol_i = uint8_t(p.protocol);
        top_.has_ports_i = p.has_ports();
        top_.src_port_i = uint16_t(p.src_port);
        top_.dst_port_i = uint16_t(p.dst_port);
        top_.tcp_flags_i = uint8_t(p.flags);
        top_.tcp_seq_i = p.seq;
        top_.tcp_payload_i = uint16_t(p.payload);
        packets_.push_back({p, now_ + 2});
        step();
        top_.valid_i = 0;
    }

    void request(const Request &r, bool clear = false)
    {
        top_.request_valid_i = 1;
        top_.request_reason_i = uint8_t(r.reason);
        top_.request_no_answer_i = r.no_answer;
        top_.request_rate_i = uint16_t(r.rate);
        top_.request_burst_i = uint16_t(r.burst);
        top_.request_time_i = r.time;
        top_.clear_i = clear;
        Result want = buckets_.request(r);
        compare_model(r, want);
        requests_.push_back({want, now_ + 3});
        if (clear) {
            buckets_.clear();
            pc_buckets_fill(model_, PC_BUCKETS);
        }
        step();
        top_.request_valid_i = top_.clear_i = 0;
        // What has no meaning must not matter.
        top_.request_reason_i = uint8_t(random_.below(64));
        top_.request_time_i = uint32_t(random_.next());
        top_.request_no_answer_i = random_.percent(50);
    }

    void step()
    {
        top_.eval();
        bool due = !packets_.empty() && packets_.front().due == now_;
        if (bool(top_.valid_o) != due)
            tap.fail("valid is %u", top_.valid_o);
        if (due) {
            check(packets_.front().packet);
            packets_.pop_front();
        }
        due = !requests_.empty() && requests_.front().due == now_;
        if (bool(top_.result_valid_o) != due)
            tap.fail("valid of a result is %u", top_.result_valid_o);
        if (due) {
            const Result &want = requests_.front().result;
            if (top_.result_reason_o != want.reason || top_.result_answer_o != want.answer)
                tap.fail("reason %u, answer %u, not %u, %u", top_.result_reason_o,
                         top_.result_answer_o, want.reason, want.answer);
            answers += top_.result_answer_o;
            requests_.pop_front();
        }
        rise(top_);
        now_++;
    }

    void done(const std::string &name)
    {
        for (int i = 0; i < 5; i++)
            step();
        tap.done(name);
    }

private:
    void compare_model(const Request &r, const Result &want)
    {
        if (!pc_reason_is_reject(r.reason) || r.no_answer)
            return;
        portcam_limits_row limits = {};
        limits.reject_rate = uint16_t(r.rate);
        limits.reject_burst = uint16_t(r.burst);
        if (pc_bucket_take(&model_[pc_reject_bucket(r.reason)], limits.reject_rate,
                           limits.reject_burst, r.time) != want.answer)
            tap.fail("the model's bucket of reason %u, burst %u, rate %u: answer is not %u",
                     r.reason, r.burst, r.rate, want.answer);
    }

    void check(const Packet &p)
    {
        pc_parsed parsed = {};
        parsed.is_v6 = p.v6;
        memcpy(parsed.src.ip, p.src.data(), 16);
        memcpy(parsed.dst.ip, p.dst.data(), 16);
        parsed.src.port = uint16_t(p.src_port);
        parsed.dst.port = uint16_t(p.dst_port);
        parsed.protocol = uint8_t(p.protocol);
        parsed.has_ports = p.has_ports();
        parsed.tcp_flags = uint8_t(p.protocol == 6 ? p.flags : 0);
        pc_creation creation = pc_may_create(&parsed);

        bool land = p.src == p.dst && p.src_port == p.dst_port;
        bool silent = creation == PC_CREATE_BAD_SOURCE || land || p.protocol == 1 ||
                      p.protocol == 58 || (p.protocol == 6 && p.flags & PC_TCP_RST);
        expect("may_create", top_.may_create_o, creation == PC_CREATE_OK, p);
        expect("no_answer", top_.no_answer_o, silent, p);
        expect("model's no_answer", pc_reject_is_silent(&parsed), silent, p);
        expect("tcp", top_.tcp_o, p.protocol == 6, p);
        if (p.protocol != 6)
            return;
        expect("class", top_.tcp_class_o, pc_tcp_class(p.flags), p);
        expect("end", top_.tcp_end_o, pc_tcp_end(p.seq, p.payload, p.flags), p);
    }

    void expect(const char *what, unsigned have, unsigned want, const Packet &p)
    {
        if (have != want)
            tap.fail("%s is %u, not %u; IPv%u %u.%u.%u.%u..%u to %u.%u.%u.%u..%u, protocol %u, "
                     "ports %u %u, flags 0x%02x",
                     what, have, want, p.v6 ? 6 : 4, p.src[0], p.src[1], p.src[2], p.src[3],
                     p.src[15], p.dst[0], p.dst[1], p.dst[2], p.dst[3], p.dst[15], p.protocol,
                     p.src_port, p.dst_port, p.flags);
    }

    struct Due {
        Packet packet;
        uint64_t due;
    };
    struct Decided {
        Result result;
        uint64_t due;
    };
    Random &random_;
    Vrejects_tb top_;
    uint64_t now_ = 0;
    std::deque<Due> packets_;
    std::deque<Decided> requests_;
    Buckets buckets_;
    pc_bucket model_[PC_BUCKETS];
};

void every_packet(Bench &bench, Random &random)
{
    static const unsigned ports[][2] = {{0, 0}, {0, 1}, {80, 80}, {80, 81}, {256, 1}, {1, 0}};
    for (bool v6 : {false, true})
        for (const Ip &src : addresses(v6))
            for (const Ip &dst : addresses(v6))
                for (unsigned protocol : {6u, 17u, 132u, 1u, 58u, 47u, 0u, 255u})
                    for (const unsigned(&port)[2] : ports) {
                        Packet p = {v6, src, dst, protocol, port[0], port[1], 0, 0, 0};
                        if (!p.has_ports())
                            p.src_port = p.dst_port = 0;
                        for (unsigned flags = 0; flags < (protocol == 6 ? 256 : 8); flags++) {
                            p.flags = protocol == 6 ? flags : unsigned(random.below(256));
                            p.seq = uint32_t(random.next());
                            p.payload = unsigned(random.below(65536));
                            bench.packet(p);
                        }
                    }
    bench.done("P6 every kind of packet: who may create a record, who gets no answer, every flag");
}

void random_packets(Bench &bench, Random &random)
{
    for (unsigned i = 0; i < 300000; i++) {
        Packet p = {};
        p.v6 = random.percent(50);
        const std::vector<Ip> &all = addresses(p.v6);
        p.src = all[random.below(all.size())];
        p.dst = random.percent(20) ? p.src : all[random.below(all.size())];
        for (Ip *ip : {&p.src, &p.dst}) // near misses
            if (random.percent(20))
                (*ip)[random.below(p.v6 ? 16 : 4)] ^= uint8_t(1u << random.below(8));
        p.protocol = random.percent(50) ? 6 : unsigned(random.below(256));
        p.flags = unsigned(random.below(256));
        if (p.has_ports()) {
            p.src_port = random.percent(10) ? 0 : unsigned(random.below(65536));
            p.dst_port = random.percent(30) ? p.src_port : unsigned(random.below(65536));
        }
        p.seq =
            random.percent(50) ? 0xffffffffu - uint32_t(random.below(4)) : uint32_t(random.next());
        p.payload = random.percent(20) ? 65535 : unsigned(random.below(65536));
        bench.packet(p);
        while (random.percent(10))
            bench.step();
    }
    bench.done("P6 random packets and gaps; sequence numbers wrap");
}

void random_requests(Bench &bench, Random &random)
{
    static const unsigned numbers[] = {0, 1, 2, 3, 10, 100, 999, 1000, 1001, 65534, 65535};
    uint32_t time = 0;
    for (unsigned round = 0; round < 2000; round++) {
        auto number = [&] {
            return random.percent(60) ? numbers[random.below(11)] : unsigned(random.below(65536));
        };
        unsigned rate = number(), burst = number();
        if (random.percent(50))
            burst = unsigned(random.below(4));
        if (random.percent(20))
            time = 0xffffffffu - uint32_t(random.below(2000));
        unsigned moving = unsigned(random.below(3) * 45);
        unsigned only = unsigned(random.below(10)); // a reason alone, from 5 on all
        for (unsigned i = 0; i < 150; i++) {
            if (random.percent(moving))
                time += random.percent(70)   ? uint32_t(random.below(4))
                        : random.percent(80) ? 1020 + uint32_t(random.below(8))
                                             : uint32_t(random.next());
            if (random.percent(3))
                rate = number();
            if (random.percent(3))
                burst = number();
            Request r = {};
            r.reason = random.percent(5) ? unsigned(random.below(PORTCAM_REASON_MAX))
                                         : Rejects[only < 5 ? only : random.below(5)];
            r.rate = rate;
            r.burst = burst;
            r.no_answer = random.percent(10);
            r.time = time;
            bench.request(r, random.percent(1));
            while (random.percent(20))
                bench.step();
        }
        if (random.percent(10))
            bench.reset();
    }
    bench.done("random requests of every reason, one a clock; rates, bursts and time change");
}

void bursts(Bench &bench)
{
    for (unsigned reason : Rejects) {
        bench.reset();
        bench.answers = 0;
        for (unsigned i = 0; i < 50; i++)
            bench.request({reason, 100, 20, false, 5000});
        for (int i = 0; i < 4; i++)
            bench.step();
        if (bench.answers != 20)
            bench.tap.fail("%u answers in one clock after another, not 20", bench.answers);
        for (unsigned other : Rejects) // buckets of other reasons are full yet
            if (other != reason)
                bench.request({other, 100, 20, false, 5000});
        for (int i = 0; i < 4; i++)
            bench.step();
        if (bench.answers != 24)
            bench.tap.fail("%u answers with the other reasons, not 24", bench.answers);
        for (unsigned ms = 1; ms <= 1000; ms++)
            bench.request({reason, 100, 20, false, 5000 + ms});
        for (int i = 0; i < 4; i++)
            bench.step();
        if (bench.answers != 124)
            bench.tap.fail("%u answers a second later, not 124", bench.answers);
    }
    bench.done("a flood gets burst answers at once, then rate answers a second, each reason alone");

    bench.reset();
    bench.answers = 0;
    for (unsigned i = 0; i < 10; i++)
        bench.request({Rejects[0], 65535, 0, false, 3000 * i});
    for (int i = 0; i < 4; i++)
        bench.step();
    if (bench.answers)
        bench.tap.fail("%u answers", bench.answers);
    bench.done("burst 0: no answers");

    bench.reset();
    bench.answers = 0;
    for (unsigned i = 0; i < 3; i++)
        bench.request({Rejects[0], 0, 3, false, 7});
    for (unsigned i = 0; i < 10; i++) // silent ones do not touch the time of the bucket
        bench.request({Rejects[0], 0, 3, true, 600 + 100 * i});
    bench.request({Rejects[0], 0, 3, false, 7 + 1023});
    for (int i = 0; i < 4; i++)
        bench.step();
    if (bench.answers != 3)
        bench.tap.fail("%u answers, not 3", bench.answers);
    bench.request({Rejects[0], 0, 3, false, 7 + 1023 + 1024});
    for (int i = 0; i < 4; i++)
        bench.step();
    if (bench.answers != 4)
        bench.tap.fail("%u answers, not 4", bench.answers);
    bench.done("after 1,023 ms a bucket has gained its rate, after 1,024 ms it is full");
}

} // namespace

int main(int argc, char **argv)
{
    Random random(start(argc, argv));
    Bench bench(random);

    every_packet(bench, random);
    random_packets(bench, random);
    bursts(bench);
    random_requests(bench, random);
    return bench.tap.finish();
}
