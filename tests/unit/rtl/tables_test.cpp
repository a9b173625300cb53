// SPDX-License-Identifier: Apache-2.0
//
// portcam_ternary and portcam_exact against linear scans in C++. Lookups in every clock, of both
// banks, while rows are written, deleted and read and while init runs; every input moves in every
// clock, whether valid or not. Every answer is due exactly 8 clocks after its question.

#include <deque>
#include <memory>
#include <vector>

#include "Vtables_tb.h"
#include "tap.hpp"

namespace
{

constexpr unsigned Latency = 8;
constexpr unsigned HostLatency = 4;

struct TernaryRow {
    bool enabled;
    uint64_t key;
    uint64_t mask;

    bool matches(uint64_t asked) const { return enabled && ((asked ^ key) & mask) == 0; }
};

// What a lookup must answer: two possible answers while the row is in writing.
struct Answer {
    uint64_t due;
    bool known;
    int row[2]; // -1 = no hit
};

struct Ternary {
    unsigned key_width, rows, slice_bits;
    std::vector<TernaryRow> table[2];
    std::deque<Answer> answers;
    bool writing = false;
    bool write_bank = false;
    unsigned write_row = 0;
    TernaryRow new_row = {};
    uint64_t taken = 0;
    bool init = true; // runs, or waits for the write's end
    uint64_t hits = 0, misses = 0, writes = 0, inits = 0;

    void clear()
    {
        for (auto &bank : table)
            bank.assign(rows, {});
    }

    int lowest(bool bank, uint64_t key, int without) const
    {
        for (unsigned row = 0; row < rows; row++)
            if (int(row) != without && table[bank][row].matches(key))
                return int(row);
        return -1;
    }
};

struct ExactRow {
    bool valid;
    uint64_t key, value;
};

struct ExactAnswer {
    uint64_t due;
    bool known, hit, multi;
    uint64_t row, value;
};

struct HostAnswer {
    uint64_t due;
    ExactRow row;
};

struct Exact {
    unsigned key_width, value_width, ways, buckets;
    std::vector<ExactRow> table[2];
    std::deque<ExactAnswer> answers;
    std::deque<HostAnswer> reads;
    uint64_t hits = 0, misses = 0, multis = 0;

    void clear()
    {
        for (auto &bank : table)
            bank.assign(ways * buckets, {false, 5 & low_bits(key_width), 0});
    }
};

class Bench
{
public:
    Bench(Tap &tap, uint64_t seed) : tap_(tap), random_(seed)
    {
        static const Ternary ternaries[] = {{5, 2, 2}, {13, 70, 4}, {37, 32, 5}, {64, 129, 8}};
        static const Exact exacts[] = {
            {3, 1, 1, 2}, {37, 20, 3, 4}, {18, 7, 2, 64}, {64, 64, 4, 16}};
        for (unsigned i = 0; i < 4; i++) {
            ternary_[i] = ternaries[i];
            exact_[i] = exacts[i];
        }
    }

    void ternary(const char *name, unsigned clocks, unsigned lookups, unsigned writes,
                 unsigned init_per_10000);
    void exact(const char *name, unsigned clocks, unsigned lookups, unsigned host,
               unsigned init_per_10000);

private:
    void randomise();
    void reset();
    void drive_ternary(unsigned i, unsigned lookups, unsigned writes, unsigned init_per_10000);
    void check_ternary(unsigned i);
    void drive_exact(unsigned i, unsigned lookups, unsigned host, unsigned init_per_10000);
    void check_exact(unsigned i);

    Tap &tap_;
    Random random_;
    Vtables_tb top_;
    uint64_t clock_ = 0;
    Ternary ternary_[4];
    Exact exact_[4];
};

void Bench::randomise()
{
    for (unsigned i = 0; i < 4; i++) {
        set_lane(top_.ternary_lookup_key_i, i, random_.next());
        set_lane(top_.ternary_write_row_i, i, random_.below(ternary_[i].rows));
        set_lane(top_.ternary_write_key_i, i, random_.next());
        set_lane(top_.ternary_write_mask_i, i, random_.next());
        set_lane(top_.exact_lookup_key_i, i, random_.next());
        set_lane(top_.exact_lookup_hash_i, i, random_.next());
        set_lane(top_.exact_host_row_i, i, random_.next());
        set_lane(top_.exact_host_key_i, i, random_.next());
        set_lane(top_.exact_host_value_i, i, random_.next());
    }
    top_.ternary_lookup_bank_i = random_.below(16);
    top_.ternary_write_bank_i = random_.below(16);
    top_.ternary_write_enable_row_i = random_.below(16);
    top_.exact_lookup_bank_i = random_.below(16);
    top_.exact_host_we_i = random_.below(16);
    top_.exact_host_bank_i = random_.below(16);
    top_.exact_host_valid_i = random_.below(16);
    top_.ternary_lookup_valid_i = top_.ternary_write_valid_i = top_.ternary_init_i = 0;
    top_.exact_lookup_valid_i = top_.exact_host_en_i = top_.exact_init_i = 0;
}

void Bench::reset()
{
    top_.rst_ni = 0;
    for (int i = 0; i < 12; i++) {
        randomise();
        top_.eval();
        rise(top_);
        clock_++;
    }
    top_.rst_ni = 1;
    for (unsigned i = 0; i < 4; i++) {
        ternary_[i].clear();
        ternary_[i].answers.clear();
        ternary_[i].writing = false;
        ternary_[i].init = true;
        exact_[i].clear();
        exact_[i].answers.clear();
        exact_[i].reads.clear();
    }
}

void Bench::drive_ternary(unsigned i, unsigned lookups, unsigned writes, unsigned init_per_10000)
{
    Ternary &t = ternary_[i];
    bool bank = bit(top_.ternary_lookup_bank_i, i);

    set_bit(top_.ternary_lookup_valid_i, i, random_.percent(lookups));
    set_bit(top_.ternary_write_valid_i, i, random_.percent(writes));
    set_bit(top_.ternary_init_i, i, random_.below(10000) < init_per_10000);
    // Most rows care for few bits or for all, most keys are those of a row but for some bits.
    switch (random_.below(4)) {
    case 0:
        set_lane(top_.ternary_write_mask_i, i, ~0ull);
        break;
    case 1:
        set_lane(top_.ternary_write_mask_i, i, ~0ull << random_.below(64));
        break;
    case 2:
        set_lane(top_.ternary_write_mask_i, i, random_.next() & random_.next() & random_.next());
        break;
    }
    if (random_.percent(80))
        set_bit(top_.ternary_write_enable_row_i, i, true);
    if (random_.percent(30))
        set_lane(top_.ternary_write_key_i, i, t.table[bank][random_.below(t.rows)].key);
    if (random_.percent(85)) {
        const TernaryRow &row =
            random_.percent(20) && t.writing ? t.new_row : t.table[bank][random_.below(t.rows)];
        uint64_t key = row.key ^ (random_.next() & ~row.mask);
        if (random_.percent(30))
            key ^= 1ull << random_.below(t.key_width);
        set_lane(top_.ternary_lookup_key_i, i, key);
    }
}

void Bench::check_ternary(unsigned i)
{
    Ternary &t = ternary_[i];
    bool busy = bit(top_.ternary_busy_o, i);
    bool ready = bit(top_.ternary_write_ready_o, i);
    unsigned walk = 2u << t.slice_bits;

    if (bit(top_.ternary_write_done_o, i)) {
        if (!t.writing || clock_ - t.taken != walk + 1)
            tap_.fail("clock %llu ternary %u: write done after %llu clocks",
                      (unsigned long long)clock_, i, (unsigned long long)(clock_ - t.taken));
        t.table[t.write_bank][t.write_row] = t.new_row;
        t.writing = false;
        t.writes++;
    } else if (t.writing && clock_ - t.taken > walk) {
        tap_.fail("clock %llu ternary %u: no write done", (unsigned long long)clock_, i);
        t.writing = false;
    }
    if (t.init && ready && !t.writing) {
        t.init = false;
        t.inits++;
        t.clear();
    }
    if ((t.writing || t.init) && !busy)
        tap_.fail("clock %llu ternary %u: not busy", (unsigned long long)clock_, i);
    if (ready && t.writing)
        tap_.fail("clock %llu ternary %u: ready in a write", (unsigned long long)clock_, i);

    bool bank = bit(top_.ternary_lookup_bank_i, i);
    uint64_t key = lane(top_.ternary_lookup_key_i, i) & low_bits(t.key_width);
    if (bit(top_.ternary_lookup_valid_i, i)) {
        Answer answer = {clock_ + Latency, !t.init, {t.lowest(bank, key, -1), 0}};
        answer.row[1] = answer.row[0];
        if (t.writing && bank == t.write_bank) {
            // The row in writing may or may not match; all others answer as ever.
            int others = t.lowest(bank, key, int(t.write_row));
            answer.row[0] = others;
            answer.row[1] = others < 0 || others > int(t.write_row) ? int(t.write_row) : others;
        }
        t.answers.push_back(answer);
    }

    bool due = !t.answers.empty() && t.answers.front().due == clock_;
    if (bit(top_.ternary_match_valid_o, i) != due)
        tap_.fail("clock %llu ternary %u: match valid %d", (unsigned long long)clock_, i, !due);
    if (due) {
        Answer answer = t.answers.front();
        t.answers.pop_front();
        int row = int(lane(top_.ternary_match_row_o, i));
        bool hit = bit(top_.ternary_match_hit_o, i);
        if (!hit && row)
            tap_.fail("clock %llu ternary %u: row %d without hit", (unsigned long long)clock_, i,
                      row);
        row = hit ? row : -1;
        if (answer.known) {
            (hit ? t.hits : t.misses)++;
            if (row != answer.row[0] && row != answer.row[1])
                tap_.fail("clock %llu ternary %u: row %d, not %d", (unsigned long long)clock_, i,
                          row, answer.row[0]);
        }
    }

    if (bit(top_.ternary_init_i, i)) {
        t.init = true;
        for (Answer &answer : t.answers) // those whose memory read may meet the init
            if (answer.due + 2 > clock_ + Latency)
                answer.known = false;
    }
    if (bit(top_.ternary_write_valid_i, i) && ready) {
        t.writing = true;
        t.taken = clock_;
        t.write_bank = bit(top_.ternary_write_bank_i, i);
        t.write_row = unsigned(lane(top_.ternary_write_row_i, i));
        t.new_row = {bit(top_.ternary_write_enable_row_i, i),
                     lane(top_.ternary_write_key_i, i) & low_bits(t.key_width),
                     lane(top_.ternary_write_mask_i, i) & low_bits(t.key_width)};
    }
}

void Bench::ternary(const char *name, unsigned clocks, unsigned lookups, unsigned writes,
                    unsigned init_per_10000)
{
    reset();
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        for (unsigned i = 0; i < 4; i++)
            drive_ternary(i, lookups, writes, init_per_10000);
        top_.eval();
        for (unsigned i = 0; i < 4; i++)
            check_ternary(i);
        rise(top_);
        clock_++;
    }
    for (unsigned i = 0; i < 4; i++) {
        Ternary &t = ternary_[i];
        printf("# ternary %u x %u slices of %u: %llu hits, %llu misses, %llu writes, %llu inits\n",
               t.key_width, t.rows, t.slice_bits, (unsigned long long)t.hits,
               (unsigned long long)t.misses, (unsigned long long)t.writes,
               (unsigned long long)t.inits);
        // With inits all the time the larger tables may stay empty.
        if ((!init_per_10000 && !t.hits) || !t.misses || !t.writes || !t.inits)
            tap_.fail("ternary %u: something never happened", i);
        t.hits = t.misses = t.writes = t.inits = 0;
    }
    tap_.done(name);
}

void Bench::drive_exact(unsigned i, unsigned lookups, unsigned host, unsigned init_per_10000)
{
    Exact &e = exact_[i];
    bool bank = bit(top_.exact_lookup_bank_i, i);
    uint64_t hash = lane(top_.exact_lookup_hash_i, i);

    set_bit(top_.exact_lookup_valid_i, i, random_.percent(lookups));
    set_bit(top_.exact_host_en_i, i, random_.percent(host));
    set_bit(top_.exact_init_i, i, random_.below(10000) < init_per_10000);
    if (random_.percent(90)) {
        unsigned way = unsigned(random_.below(e.ways));
        uint64_t key = e.table[bank][way * e.buckets + hash % e.buckets].key;
        if (random_.percent(20))
            key ^= 1ull << random_.below(e.key_width);
        set_lane(top_.exact_lookup_key_i, i, key);
    }
    // The key of another row of the same bucket, so that several ways match.
    if (random_.percent(40)) {
        uint64_t row = random_.below(e.ways * e.buckets);
        uint64_t other = random_.below(e.ways) * e.buckets + row % e.buckets;
        set_lane(top_.exact_host_row_i, i, row);
        set_lane(top_.exact_host_key_i, i, e.table[bit(top_.exact_host_bank_i, i)][other].key);
    }
}

void Bench::check_exact(unsigned i)
{
    Exact &e = exact_[i];
    bool busy = bit(top_.exact_busy_o, i);
    bool bank = bit(top_.exact_lookup_bank_i, i);
    uint64_t key = lane(top_.exact_lookup_key_i, i) & low_bits(e.key_width);

    if (bit(top_.exact_lookup_valid_i, i)) {
        ExactAnswer answer = {clock_ + Latency, !busy, false, false, 0, 0};
        unsigned found = 0;
        for (unsigned way = 0; way < e.ways; way++) {
            uint64_t row = way * e.buckets + lane(top_.exact_lookup_hash_i, i) % e.buckets;
            const ExactRow &r = e.table[bank][row];
            if (!r.valid || r.key != key)
                continue;
            if (found++ == 0) {
                answer.row = row;
                answer.value = r.value;
            }
        }
        answer.hit = found > 0;
        answer.multi = found > 1;
        e.answers.push_back(answer);
    }

    bool due = !e.answers.empty() && e.answers.front().due == clock_;
    if (bit(top_.exact_match_valid_o, i) != due)
        tap_.fail("clock %llu exact %u: match valid %d", (unsigned long long)clock_, i, !due);
    if (due) {
        ExactAnswer answer = e.answers.front();
        e.answers.pop_front();
        if (answer.known) {
            (answer.hit ? e.hits : e.misses)++;
            e.multis += answer.multi;
            if (bit(top_.exact_match_hit_o, i) != answer.hit ||
                bit(top_.exact_match_multi_o, i) != answer.multi ||
                lane(top_.exact_match_row_o, i) != answer.row ||
                lane(top_.exact_match_value_o, i) != answer.value)
                tap_.fail("clock %llu exact %u: hit %d multi %d row %llu, not %d %d %llu",
                          (unsigned long long)clock_, i, bit(top_.exact_match_hit_o, i),
                          bit(top_.exact_match_multi_o, i),
                          (unsigned long long)lane(top_.exact_match_row_o, i), answer.hit,
                          answer.multi, (unsigned long long)answer.row);
        }
    }

    bool read_due = !e.reads.empty() && e.reads.front().due == clock_;
    if (bit(top_.exact_host_rvalid_o, i) != read_due)
        tap_.fail("clock %llu exact %u: read valid %d", (unsigned long long)clock_, i, !read_due);
    if (read_due) {
        ExactRow row = e.reads.front().row;
        e.reads.pop_front();
        if (bit(top_.exact_host_rowvalid_o, i) != row.valid ||
            lane(top_.exact_host_rkey_o, i) != row.key ||
            lane(top_.exact_host_rvalue_o, i) != row.value)
            tap_.fail("clock %llu exact %u: wrong row read", (unsigned long long)clock_, i);
    }

    if (bit(top_.exact_host_en_i, i) && !busy) {
        unsigned row_bits = 0;
        while ((1u << row_bits) < e.ways * e.buckets)
            row_bits++;
        uint64_t row = lane(top_.exact_host_row_i, i) & low_bits(row_bits);
        bool beyond = row >= e.ways * e.buckets;
        auto &bank_rows = e.table[bit(top_.exact_host_bank_i, i)];
        if (!bit(top_.exact_host_we_i, i))
            e.reads.push_back({clock_ + HostLatency, beyond ? ExactRow{} : bank_rows[row]});
        else if (!beyond)
            bank_rows[row] = {bit(top_.exact_host_valid_i, i),
                              lane(top_.exact_host_key_i, i) & low_bits(e.key_width),
                              lane(top_.exact_host_value_i, i) & low_bits(e.value_width)};
    }
    if (bit(top_.exact_init_i, i)) {
        e.clear();
        for (ExactAnswer &answer : e.answers) // those whose memory read may meet the init
            if (answer.due + 2 > clock_ + Latency)
                answer.known = false;
    }
}

void Bench::exact(const char *name, unsigned clocks, unsigned lookups, unsigned host,
                  unsigned init_per_10000)
{
    reset();
    for (unsigned c = 0; c < clocks; c++) {
        randomise();
        for (unsigned i = 0; i < 4; i++)
            drive_exact(i, lookups, host, init_per_10000);
        top_.eval();
        for (unsigned i = 0; i < 4; i++)
            check_exact(i);
        rise(top_);
        clock_++;
    }
    for (unsigned i = 0; i < 4; i++) {
        Exact &e = exact_[i];
        printf("# exact %u, %u ways of %u: %llu hits (%llu multi), %llu misses\n", e.key_width,
               e.ways, e.buckets, (unsigned long long)e.hits, (unsigned long long)e.multis,
               (unsigned long long)e.misses);
        if (!e.hits || !e.misses || (!init_per_10000 && e.ways > 1 && !e.multis))
            tap_.fail("exact %u: something never happened", i);
        e.hits = e.misses = e.multis = 0;
    }
    tap_.done(name);
}

} // namespace

int main(int argc, char **argv)
{
    uint64_t seed = start(argc, argv);
    Tap tap;
    auto bench = std::make_unique<Bench>(tap, seed);

    bench->ternary("ternary: lowest row that matches, every clock, during writes", 400000, 100, 100,
                   0);
    bench->ternary("ternary: idle between lookups and writes, init between", 60000, 50, 3, 5);
    bench->ternary("ternary: init given again and again, also in writes", 20000, 100, 100, 60);
    bench->exact("exact: lowest way, value, multi, every clock, during host access", 30000, 100,
                 100, 0);
    bench->exact("exact: idle between, init between", 30000, 50, 40, 20);
    bench->exact("exact: init given again and again", 10000, 100, 100, 200);
    return tap.finish();
}
