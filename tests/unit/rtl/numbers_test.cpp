// SPDX-License-Identifier: Apache-2.0
//
// portcam_ram, portcam_counters, portcam_lowest, portcam_checksum_update and portcam_crc32c against
// C++ that works bit by bit, row by row, word by word. Every input moves in every clock, whether
// valid or not, and every latency is checked to the clock.

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "Vnumbers_tb.h"
#include "tap.hpp"

namespace
{

uint16_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return uint16_t(sum);
}

// Word `index` of 16 bits of a wide port.
template <typename Wide>
void set_word(Wide &port, unsigned index, uint16_t value)
{
    unsigned shift = index % 2 * 16;
    port[index / 2] = (port[index / 2] & ~(0xFFFFu << shift)) | uint32_t(value) << shift;
}

// The twin of portcam_crc32c's header.
uint32_t crc32c(const uint8_t *key, size_t bytes, uint32_t seed)
{
    uint32_t crc = seed;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= key[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
    }
    return crc;
}

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed) {}

    void ram(unsigned clocks);
    void counters(const char *name, unsigned clocks, unsigned updates, unsigned reads,
                  unsigned init_per_10000, bool large);
    void lowest(unsigned clocks);
    void checksum(unsigned clocks);
    void checksum_is_recomputation(unsigned packets);
    void crc(unsigned clocks);
    void crc_check_value();

private:
    void randomise();
    void reset();
    void step()
    {
        top_.eval();
        rise(top_);
        clock_++;
    }
    uint16_t word()
    {
        static const uint16_t corners[] = {0, 0xFFFF, 1, 0xFFFE, 0x8000, 0x7FFF};
        return random_.percent(40) ? corners[random_.below(6)] : uint16_t(random_.next());
    }

    Tap &tap_;
    Random random_;
    Vnumbers_tb top_;
    uint64_t clock_ = 0;
};

void Bench::randomise()
{
    static const unsigned counter_rows[] = {2, 5, 64};
    static const unsigned ram_depths[] = {2, 1024, 10, 16};

    for (unsigned i = 0; i < 4; i++) {
        set_lane(top_.ram_a_addr_i, i, random_.below(ram_depths[i]));
        set_lane(top_.ram_b_addr_i, i, random_.below(ram_depths[i]));
        set_lane(top_.ram_b_wdata_i, i, random_.next());
        set_lane(top_.checksum_sum_i, i, random_.next());
    }
    for (unsigned i = 0; i < 3; i++) {
        set_lane(top_.counter_inc_row_i, i, random_.below(counter_rows[i]));
        set_lane(top_.counter_inc_bytes_i, i, random_.next());
        set_lane(top_.counter_read_row_i, i, random_.below(counter_rows[i]));
    }
    for (unsigned i = 0; i < 5; i++) {
        set_lane(top_.checksum_old_i, i, random_.next());
        set_lane(top_.checksum_new_i, i, random_.next());
        set_lane(top_.crc_key_i, i, random_.next());
    }
    for (unsigned i = 0; i < 16; i++)
        set_lane(top_.lowest_rows_i, i, random_.next());
    top_.ram_a_en_i = random_.below(16);
    top_.ram_b_en_i = random_.below(16);
    top_.ram_b_we_i = random_.below(16);
    top_.checksum_udp_i = random_.below(2);
    top_.crc_seed_i = uint32_t(random_.next());
    top_.counter_inc_valid_i = top_.counter_read_valid_i = top_.counter_init_i = 0;
    top_.lowest_valid_i = top_.checksum_valid_i = top_.crc_valid_i = 0;
}

void Bench::reset()
{
    top_.rst_ni = 0;
    for (int i = 0; i < 12; i++) {
        randomise();
        step();
    }
    top_.rst_ni = 1;
}

void Bench::ram(unsigned clocks)
{
    static const unsigned depths[] = {2, 1024, 10, 16};
    static const unsigned widths[] = {1, 64, 20, 20};
    struct Read {
        uint64_t due, data;
        bool known;
    };
    std::vector<uint64_t> words[4];
    std::vector<bool> written[4];
    std::deque<Read> reads[4][2];
    uint64_t checked = 0, met = 0;

    reset();
    for (unsigned i = 0; i < 4; i++) {
        words[i].assign(depths[i], 0);
        written[i].assign(depths[i], false);
    }
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        for (unsigned i = 0; i < 4; i++)
            if (random_.percent(30)) // both ports at one word
                set_lane(top_.ram_b_addr_i, i, lane(top_.ram_a_addr_i, i));
        top_.eval();
        for (unsigned i = 0; i < 4; i++) {
            uint64_t a = lane(top_.ram_a_addr_i, i), b = lane(top_.ram_b_addr_i, i);
            bool write = bit(top_.ram_b_en_i, i) && bit(top_.ram_b_we_i, i);
            uint64_t outputs[2] = {lane(top_.ram_a_data_o, i), lane(top_.ram_b_rdata_o, i)};
            for (unsigned port = 0; port < 2; port++) {
                auto &queue = reads[i][port];
                if (queue.empty() || queue.front().due != clock_)
                    continue;
                if (queue.front().known && outputs[port] != queue.front().data)
                    tap_.fail("clock %u latency %u port %c: wrong word", c, i + 1, 'A' + port);
                checked += queue.front().known;
                queue.pop_front();
            }
            if (bit(top_.ram_a_en_i, i)) {
                reads[i][0].push_back({clock_ + i + 1, words[i][a], written[i][a]});
                met += write && a == b && written[i][a];
            }
            if (bit(top_.ram_b_en_i, i))
                reads[i][1].push_back({clock_ + i + 1, words[i][b], written[i][b]});
            if (write) {
                words[i][b] = lane(top_.ram_b_wdata_i, i) & low_bits(widths[i]);
                written[i][b] = true;
            }
        }
        step();
    }
    printf("# ram: %llu reads checked, %llu met a write\n", (unsigned long long)checked,
           (unsigned long long)met);
    if (met < 100)
        tap_.fail("too few reads met a write");
    tap_.done("ram gives the old word when a read meets a write, latencies 1 to 4");
}

void Bench::counters(const char *name, unsigned clocks, unsigned updates, unsigned reads,
                     unsigned init_per_10000, bool large)
{
    static const unsigned rows[] = {2, 5, 64};
    struct Row {
        uint64_t packets, bytes;
    };
    struct Answer {
        uint64_t due;
        Row row;
        bool known;
    };
    std::vector<Row> table[3];
    std::deque<Answer> answers[3];
    uint64_t busy_since[3] = {};
    uint64_t largest = 0, checked = 0;

    reset();
    for (unsigned i = 0; i < 3; i++) {
        table[i].assign(rows[i], {0, 0});
        busy_since[i] = clock_;
    }
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        for (unsigned i = 0; i < 3; i++) {
            set_bit(top_.counter_inc_valid_i, i, random_.percent(updates));
            set_bit(top_.counter_read_valid_i, i, random_.percent(reads));
            set_bit(top_.counter_init_i, i, random_.below(10000) < init_per_10000);
            if (large) {
                set_lane(top_.counter_inc_bytes_i, i, 0xFFFF);
                set_lane(top_.counter_inc_row_i, i, 1);
            } else if (random_.percent(70)) { // a few rows again and again
                set_lane(top_.counter_inc_row_i, i, (clock_ / 16 + random_.below(2)) % rows[i]);
            }
            if (random_.percent(60)) // a row that is just updated
                set_lane(top_.counter_read_row_i, i, lane(top_.counter_inc_row_i, i));
        }
        top_.eval();
        for (unsigned i = 0; i < 3; i++) {
            bool busy = bit(top_.counter_busy_o, i);
            bool due = !answers[i].empty() && answers[i].front().due == clock_;
            if (bit(top_.counter_read_done_o, i) != due)
                tap_.fail("clock %u rows %u: read done %d", c, rows[i], !due);
            if (due) {
                Answer answer = answers[i].front();
                answers[i].pop_front();
                checked += answer.known;
                if (answer.known && (lane(top_.counter_read_packets_o, i) != answer.row.packets ||
                                     lane(top_.counter_read_bytes_o, i) != answer.row.bytes))
                    tap_.fail("clock %u rows %u: read %llu packets, not %llu", c, rows[i],
                              (unsigned long long)lane(top_.counter_read_packets_o, i),
                              (unsigned long long)answer.row.packets);
            }
            if (!busy)
                busy_since[i] = 0;
            else if (busy_since[i] && clock_ - busy_since[i] > rows[i] + 5)
                tap_.fail("clock %u rows %u: init does not end", c, rows[i]);
            Row &updated = table[i][lane(top_.counter_inc_row_i, i)];
            if (bit(top_.counter_inc_valid_i, i) && !busy) {
                updated.packets++;
                updated.bytes += lane(top_.counter_inc_bytes_i, i) & 0xFFFF;
                largest = std::max(largest, updated.bytes);
            }
            if (bit(top_.counter_read_valid_i, i))
                answers[i].push_back(
                    {clock_ + 8, table[i][lane(top_.counter_read_row_i, i)], !busy});
            if (bit(top_.counter_init_i, i)) {
                table[i].assign(rows[i], {0, 0});
                busy_since[i] = clock_ + 1;
                for (Answer &answer : answers[i]) // their memory read may meet the init
                    if (answer.due + 1 >= clock_ + 3)
                        answer.known = false;
            }
        }
        step();
    }
    printf("# counters: %llu reads checked, largest byte count %llu\n", (unsigned long long)checked,
           (unsigned long long)largest);
    if (checked < 100 || (large && largest >> 32 == 0))
        tap_.fail("too little happened");
    tap_.done(name);
}

void Bench::lowest(unsigned clocks)
{
    static const unsigned rows[] = {2, 31, 65, 1000};
    struct Answer {
        uint64_t due;
        int row[4];
    };
    std::deque<Answer> answers;

    reset();
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        top_.lowest_valid_i = random_.percent(80);
        for (unsigned i = 0; i < 16; i++) // few bits, at any distance
            set_lane(top_.lowest_rows_i, i,
                     random_.percent(70) ? 0 : 1ull << random_.below(64) | (random_.next() << 60));
        top_.eval();
        if (!answers.empty() && answers.front().due == clock_) {
            for (unsigned i = 0; i < 4; i++) {
                int row = bit(top_.lowest_hit_o, i) ? int(lane(top_.lowest_row_o, i)) : -1;
                if (row != answers.front().row[i] || (row < 0 && lane(top_.lowest_row_o, i)))
                    tap_.fail("clock %u rows %u: %d, not %d", c, rows[i], row,
                              answers.front().row[i]);
            }
            answers.pop_front();
        }
        if (top_.lowest_valid_i) {
            Answer answer = {clock_ + 4, {-1, -1, -1, -1}};
            for (unsigned i = 0; i < 4; i++)
                for (unsigned row = rows[i]; row-- > 0;)
                    if (lane(top_.lowest_rows_i, row / 64) >> (row % 64) & 1)
                        answer.row[i] = int(row);
            answers.push_back(answer);
        }
        step();
    }
    tap_.done("lowest finds the lowest set bit of 2, 31, 65 and 1000");
}

void Bench::checksum(unsigned clocks)
{
    static const unsigned words[] = {1, 3, 10, 20};
    struct Answer {
        uint64_t due;
        uint16_t sum[4];
    };
    std::deque<Answer> answers;

    reset();
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        top_.checksum_valid_i = random_.percent(80);
        uint16_t old_words[20], new_words[20];
        for (unsigned w = 0; w < 20; w++) {
            old_words[w] = word();
            new_words[w] = random_.percent(20) ? old_words[w] : word();
            set_word(top_.checksum_old_i, w, old_words[w]);
            set_word(top_.checksum_new_i, w, new_words[w]);
        }
        for (unsigned i = 0; i < 4; i++)
            set_lane(top_.checksum_sum_i, i, word());
        top_.eval();
        bool due = !answers.empty() && answers.front().due == clock_;
        if (top_.checksum_valid_o != (due ? 15 : 0))
            tap_.fail("clock %u: valid %u", c, top_.checksum_valid_o);
        if (due) {
            for (unsigned i = 0; i < 4; i++)
                if (lane(top_.checksum_sum_o, i) != answers.front().sum[i])
                    tap_.fail("clock %u words %u: %04x, not %04x", c, words[i],
                              unsigned(lane(top_.checksum_sum_o, i)), answers.front().sum[i]);
            answers.pop_front();
        }
        if (top_.checksum_valid_i) {
            Answer answer = {clock_ + 4, {}};
            for (unsigned i = 0; i < 4; i++) {
                uint16_t before = uint16_t(lane(top_.checksum_sum_i, i));
                uint64_t sum = uint16_t(~before);
                for (unsigned w = 0; w < words[i]; w++)
                    sum += uint64_t(uint16_t(~old_words[w])) + new_words[w];
                uint16_t after = uint16_t(~fold(sum));
                if (top_.checksum_udp_i)
                    after = before == 0 ? 0 : after == 0 ? 0xFFFF : after;
                answer.sum[i] = after;
            }
            answers.push_back(answer);
        }
        step();
    }
    tap_.done("checksum update is RFC 1624 equation 3, UDP zero stays zero, computed zero is FFFF");
}

// Packets with correct checksums whose words change: the update gives what recomputation gives.
void Bench::checksum_is_recomputation(unsigned packets)
{
    reset();
    for (unsigned p = 0; p < packets; p++) {
        randomise();
        bool udp = random_.percent(50);
        uint16_t others = word();
        uint64_t before = others, after = others;
        for (unsigned w = 0; w < 10; w++) {
            uint16_t old_word = word(), new_word = word();
            before += old_word;
            after += new_word;
            set_word(top_.checksum_old_i, w, old_word);
            set_word(top_.checksum_new_i, w, new_word);
        }
        if (!before || !after)
            continue;
        uint16_t sum = uint16_t(~fold(before)), expected = uint16_t(~fold(after));
        if (udp) {
            sum = sum ? sum : 0xFFFF;
            expected = expected ? expected : 0xFFFF;
        }
        set_lane(top_.checksum_sum_i, 2, sum);
        top_.checksum_udp_i = udp;
        top_.checksum_valid_i = 1;
        step();
        for (unsigned i = 0; i < 3; i++) {
            randomise();
            step();
        }
        top_.eval();
        if (lane(top_.checksum_sum_o, 2) != expected)
            tap_.fail("packet %u: %04x, recomputed %04x", p, unsigned(lane(top_.checksum_sum_o, 2)),
                      expected);
    }
    tap_.done("checksum update of a correct packet equals recomputation");
}

void Bench::crc(unsigned clocks)
{
    static const unsigned bytes[] = {1, 3, 4, 9, 13, 40};
    struct Answer {
        uint64_t due;
        uint32_t hash[6];
    };
    std::deque<Answer> answers;

    reset();
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        top_.crc_valid_i = random_.percent(80);
        top_.eval();
        bool due = !answers.empty() && answers.front().due == clock_;
        if (top_.crc_valid_o != (due ? 63 : 0))
            tap_.fail("clock %u: valid %u", c, top_.crc_valid_o);
        if (due) {
            for (unsigned i = 0; i < 6; i++)
                if (lane(top_.crc_hash_o, i) != answers.front().hash[i])
                    tap_.fail("clock %u bytes %u: %08x, not %08x", c, bytes[i],
                              unsigned(lane(top_.crc_hash_o, i)), answers.front().hash[i]);
            answers.pop_front();
        }
        if (top_.crc_valid_i) {
            Answer answer = {clock_ + 2, {}};
            uint8_t key[40];
            for (unsigned b = 0; b < 40; b++)
                key[b] = uint8_t(lane(top_.crc_key_i, b / 8) >> (b % 8 * 8));
            for (unsigned i = 0; i < 6; i++)
                answer.hash[i] = crc32c(key, bytes[i], top_.crc_seed_i);
            answers.push_back(answer);
        }
        step();
    }
    tap_.done("crc32c of 1, 3, 4, 9, 13 and 40 bytes equals its C twin");
}

void Bench::crc_check_value()
{
    reset();
    randomise();
    set_lane(top_.crc_key_i, 0, 0x3837363534333231u); // "12345678", first byte lowest
    set_lane(top_.crc_key_i, 1, '9');
    top_.crc_seed_i = 0xFFFFFFFF;
    top_.crc_valid_i = 1;
    step();
    randomise();
    step();
    top_.eval();
    if (uint32_t(~lane(top_.crc_hash_o, 3)) != 0xE3069283)
        tap_.fail("%08x", uint32_t(~lane(top_.crc_hash_o, 3)));
    tap_.done("crc32c of 123456789 is E3069283");
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    auto bench = std::make_unique<Bench>(tap, seed);

    bench->ram(30000);
    bench->counters("counters: every update counts once, reads are of their clock", 50000, 100, 50,
                    0, false);
    bench->counters("counters: idle between updates", 30000, 40, 100, 0, false);
    bench->counters("counters: init between", 30000, 90, 50, 30, false);
    bench->counters("counters: one row in every clock, bytes past 32 bits", 70000, 100, 20, 0,
                    true);
    bench->lowest(20000);
    bench->checksum(30000);
    bench->checksum_is_recomputation(10000);
    bench->crc(20000);
    bench->crc_check_value();
    return tap.finish();
}
