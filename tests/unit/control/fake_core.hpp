// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the table bus and the counter bus of portcam_control in its bench: two banks
// of rows and counters that are a function of table and row, with random latency. It checks both
// buses: requests hold until taken, one at a time, rows that exist, writes only to the bank that
// packets do not see and not before the packets of the old bank are gone, reads only while the card
// is ready. Outputs that carry no meaning are random.
#pragma once

#include <algorithm>

#include "reference.hpp"

template <typename Top>
class FakeCore
{
public:
    FakeCore(Top &top, Tap &tap, Random &random, Pace &pace)
        : top_(top), tap_(tap), random_(random), pace_(pace)
    {
    }

    Tables banks[2];
    unsigned table_wait = 1; // clocks from a request to its answer, at least
    uint64_t table_writes = 0, table_reads = 0;

    // A bank without the rows that are empty.
    Tables rows(unsigned bank) const { return only_valid(banks[bank]); }
    static Tables only_valid(const Tables &tables)
    {
        Tables result;
        for (auto &entry : tables)
            if (entry.second.valid)
                result.insert(entry);
        return result;
    }

    // After rst_ni: as after clear_o.
    void restart() { clear(); }

    void drive()
    {
        top_.tables_busy_i = now_ >= busy_from_ && now_ < busy_until_;
        top_.tbl_ready_i = !asked_ && !random_.percent(pace_.stall);
        top_.tbl_done_i = asked_ && now_ >= done_at_;
        Row row = find(banks[bank_], table_, row_number_);
        bool show = top_.tbl_done_i && !write_;
        top_.tbl_rowvalid_i = show ? row.valid : random_.below(2);
        for (unsigned i = 0; i < 6; i++) {
            uint64_t word;
            memcpy(&word, &row.data[8 * i], 8);
            set_lane(top_.tbl_data_i, i, show ? word : random_.next());
        }
        top_.rd_done_i = counting_ && now_ >= count_at_;
        top_.rd_packets_i =
            top_.rd_done_i ? counter_value(count_table_, count_row_, 0) : random_.next();
        top_.rd_octets_i =
            top_.rd_done_i ? counter_value(count_table_, count_row_, 1) : random_.next();
    }

    void watch(bool in_reset)
    {
        if (top_.tbl_done_i)
            asked_ = false;
        if (top_.rd_done_i)
            counting_ = false;
        if (top_.trace_commit_o)
            commit_at_ = now_;
        watch_tables(in_reset);
        if (top_.rd_valid_o) {
            if (counting_)
                tap_.fail("a counter was asked for before the answer");
            count_table_ = top_.rd_table_o;
            count_row_ = top_.rd_row_o;
            if (count_row_ >= counter_rows(count_table_))
                tap_.fail("counter %u of table %u does not exist", count_row_, count_table_);
            counting_ = true;
            count_at_ = now_ + 1 + random_.below(pace_.counter_latency + 1);
        }
        if (top_.clear_o)
            clear();
        now_++;
    }

private:
    void watch_tables(bool in_reset)
    {
        if (stuck_ && !in_reset &&
            (!top_.tbl_valid_o || top_.tbl_table_o != table_ || top_.tbl_row_o != row_number_))
            tap_.fail("table request changed before it was taken");
        stuck_ = top_.tbl_valid_o && !top_.tbl_ready_i;
        if (!top_.tbl_valid_o)
            return;
        if (asked_ || top_.tables_busy_i)
            tap_.fail("a table request before the answer, or while the tables are cleared");
        table_ = top_.tbl_table_o;
        row_number_ = top_.tbl_row_o;
        if (!top_.tbl_ready_i)
            return;
        write_ = top_.tbl_write_o;
        bank_ = top_.tbl_bank_o;
        if (row_number_ >= table_rows(table_))
            tap_.fail("row %u of table %u does not exist", row_number_, table_);
        if (write_) {
            if (bank_ == top_.bank_o)
                tap_.fail("write to the bank that packets see");
            if (now_ <= commit_at_ + PIPELINE_DRAIN)
                tap_.fail("write while packets of the old bank are in the lookup");
            Row row;
            row.valid = top_.tbl_rowvalid_o;
            for (unsigned i = 0; i < 6; i++) {
                uint64_t word = lane(top_.tbl_data_o, i);
                memcpy(&row.data[8 * i], &word, 8);
            }
            if (!row.valid && row.data != Row{}.data)
                tap_.fail("an empty row with data");
            banks[bank_][{table_, row_number_}] = row;
        }
        (write_ ? table_writes : table_reads)++;
        asked_ = true;
        done_at_ = now_ + table_wait + random_.below(pace_.table_latency + 1);
    }

    // Tables and counters are emptied. What was asked for before is answered soon, or never.
    void clear()
    {
        banks[0].clear();
        banks[1].clear();
        busy_from_ = now_ + 1 + random_.below(20);
        busy_until_ = busy_from_ + 1 + random_.below(100);
        stuck_ = false;
        if (asked_ && random_.below(2))
            asked_ = false;
        if (counting_ && random_.below(2))
            counting_ = false;
        done_at_ = std::min(done_at_, now_ + 20);
        count_at_ = std::min(count_at_, now_ + 20);
    }

    Top &top_;
    Tap &tap_;
    Random &random_;
    Pace &pace_;
    uint64_t now_ = 1000, commit_at_ = 0, done_at_ = 0, count_at_ = 0;
    uint64_t busy_from_ = 0, busy_until_ = 0;
    bool asked_ = false, stuck_ = false, write_ = false, counting_ = false;
    unsigned bank_ = 0, table_ = 0, row_number_ = 0, count_table_ = 0, count_row_ = 0;
};
