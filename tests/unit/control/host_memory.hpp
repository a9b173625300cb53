// SPDX-License-Identifier: Apache-2.0
//
// Host memory for the bench of portcam_control: bytes by address, 64-byte lines that refuse reads
// or writes, and the AXI4 slave in front of it, with random latency and back-pressure. The slave
// also is the checker of the bus: requests hold until taken, bursts never cross 4 KiB, are aligned
// and at most 16 beats, writes are single beats with last, and no write is asked for while another
// is in flight (so nothing can overtake what it depends on).
#pragma once

#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <set>

#include "../rtl/tap.hpp"

using Line = std::array<uint8_t, 64>;

class HostMemory
{
public:
    void write(uint64_t addr, const void *data, size_t len)
    {
        for (size_t i = 0; i < len; i++)
            line(addr + i)[(addr + i) % 64] = static_cast<const uint8_t *>(data)[i];
    }
    void read(uint64_t addr, void *data, size_t len)
    {
        for (size_t i = 0; i < len; i++)
            static_cast<uint8_t *>(data)[i] = line(addr + i)[(addr + i) % 64];
    }
    Line &line(uint64_t addr) { return lines_[addr / 64]; }
    void fill(uint64_t addr, size_t len, uint8_t value)
    {
        for (size_t i = 0; i < len; i++)
            line(addr + i)[(addr + i) % 64] = value;
    }

    // Lines that answer with an error.
    std::set<uint64_t> no_read, no_write;
    bool refuses_read(uint64_t addr) const { return no_read.count(addr / 64) != 0; }
    bool refuses_write(uint64_t addr) const { return no_write.count(addr / 64) != 0; }

private:
    std::map<uint64_t, Line> lines_;
};

// How fast and how even everything around the card is.
struct Pace {
    unsigned stall = 30;        // percent of clocks in which a ready or a valid stays low
    unsigned read_latency = 20; // clocks, at most
    unsigned write_latency = 20;
    unsigned table_latency = 8;
    unsigned counter_latency = 12;
};

template <typename Top>
class HostBus
{
public:
    HostBus(Top &top, HostMemory &memory, Tap &tap, Random &random, Pace &pace)
        : top_(top), memory_(memory), tap_(tap), random_(random), pace_(pace)
    {
    }

    // Sets the inputs of the coming clock.
    void drive()
    {
        top_.m_axi_arready = !random_.percent(pace_.stall);
        top_.m_axi_awready = !random_.percent(pace_.stall);
        top_.m_axi_wready = !random_.percent(pace_.stall);
        if (!r_valid_ && !reads_.empty() && now_ >= reads_.front().ready_at &&
            !random_.percent(pace_.stall))
            r_valid_ = true;
        top_.m_axi_rvalid = r_valid_;
        if (r_valid_) {
            Read &r = reads_.front();
            const Line &line = memory_.line(r.addr);
            bool bad = memory_.refuses_read(r.addr);
            for (unsigned i = 0; i < 8; i++) {
                uint64_t word;
                memcpy(&word, &line[8 * i], 8);
                set_lane(top_.m_axi_rdata, i, bad ? random_.next() : word);
            }
            top_.m_axi_rresp = bad ? 2 + r.addr / 64 % 2 : 0;
            top_.m_axi_rlast = r.beats == 1;
        } else {
            for (unsigned i = 0; i < 8; i++)
                set_lane(top_.m_axi_rdata, i, random_.next());
            top_.m_axi_rresp = random_.below(4);
            top_.m_axi_rlast = random_.below(2);
        }
        if (!b_valid_ && aw_ && w_ && now_ >= b_at_)
            answer_write();
        top_.m_axi_bvalid = b_valid_;
        top_.m_axi_bresp = b_valid_ ? b_resp_ : random_.below(4);
    }

    // Looks at the clock after evaluation, before the clock rises.
    void watch()
    {
        watch_reads();
        watch_writes();
        now_++;
    }

    unsigned read_wait = 0; // clocks that every read takes at least

    bool idle() const { return reads_.empty() && !aw_ && !w_ && !b_valid_; }
    uint64_t longest_burst() const { return longest_; }
    // Areas that read bursts must stay inside of: the command ring, and the one before it, whose
    // request may still be on the bus after a reset of the function; and what commands say.
    void ring(uint64_t base, uint64_t bytes)
    {
        ring_base_[1] = ring_base_[0], ring_bytes_[1] = ring_bytes_[0];
        ring_base_[0] = base, ring_bytes_[0] = bytes;
    }

    void data(uint64_t base, uint64_t bytes) { data_[base] = bytes; }

private:
    struct Read {
        uint64_t addr;
        unsigned beats;
        uint64_t ready_at;
    };

    bool in_ring(unsigned which, uint64_t addr, unsigned beats) const
    {
        return addr >= ring_base_[which] &&
               addr + 64 * beats <= ring_base_[which] + ring_bytes_[which];
    }

    bool in_data(uint64_t addr, unsigned beats) const
    {
        auto it = data_.upper_bound(addr);
        if (it == data_.begin())
            return false;
        --it;
        return addr + 64 * beats <= it->first + it->second;
    }

    void watch_reads()
    {
        if (ar_stuck_ &&
            (!top_.m_axi_arvalid || top_.m_axi_araddr != ar_addr_ || top_.m_axi_arlen != ar_len_))
            tap_.fail("read request changed before it was taken");
        ar_stuck_ = top_.m_axi_arvalid && !top_.m_axi_arready;
        ar_addr_ = top_.m_axi_araddr;
        ar_len_ = top_.m_axi_arlen;
        if (r_valid_ && top_.m_axi_rready) {
            Read &r = reads_.front();
            r.addr += 64;
            r_valid_ = false;
            if (--r.beats == 0)
                reads_.pop_front();
        }
        if (top_.m_axi_arvalid && top_.m_axi_arready) {
            uint64_t addr = top_.m_axi_araddr;
            unsigned beats = top_.m_axi_arlen + 1;
            if (addr % 64 || beats > 16 || addr / 4096 != (addr + 64 * beats - 1) / 4096)
                tap_.fail("read burst of %u beats at 0x%llx", beats, (unsigned long long)addr);
            if (beats > 1 && !in_ring(0, addr, beats) && !in_ring(1, addr, beats) &&
                !in_data(addr, beats))
                tap_.fail("read burst at 0x%llx leaves the ring", (unsigned long long)addr);
            reads_.push_back(
                {addr, beats, now_ + 1 + read_wait + random_.below(pace_.read_latency + 1)});
            longest_ = beats > longest_ ? beats : longest_;
        }
    }

    void watch_writes()
    {
        if (aw_stuck_ && (!top_.m_axi_awvalid || top_.m_axi_awaddr != aw_addr_))
            tap_.fail("write request changed before it was taken");
        if (w_stuck_ && (!top_.m_axi_wvalid || top_.m_axi_wstrb != w_strb_ || w_data() != w_line_))
            tap_.fail("write data changed before they were taken");
        aw_stuck_ = top_.m_axi_awvalid && !top_.m_axi_awready;
        w_stuck_ = top_.m_axi_wvalid && !top_.m_axi_wready;
        if (b_valid_ && top_.m_axi_bready)
            b_valid_ = false;
        if (top_.m_axi_awvalid && !aw_) {
            aw_addr_ = top_.m_axi_awaddr;
            if (b_valid_)
                tap_.fail("a write was asked for while another was in flight");
        }
        if (top_.m_axi_wvalid && !w_) {
            w_strb_ = top_.m_axi_wstrb;
            w_line_ = w_data();
        }
        if (top_.m_axi_awvalid && top_.m_axi_awready) {
            if (aw_)
                tap_.fail("a second write address before the answer");
            if (aw_addr_ % 64 || top_.m_axi_awlen != 0)
                tap_.fail("write of %u beats at 0x%llx", top_.m_axi_awlen + 1,
                          (unsigned long long)aw_addr_);
            aw_ = true;
        }
        if (top_.m_axi_wvalid && top_.m_axi_wready) {
            if (w_)
                tap_.fail("a second write beat before the answer");
            if (!top_.m_axi_wlast || w_strb_ == 0)
                tap_.fail("write beat without last or without bytes");
            w_ = true;
        }
        if (aw_ && w_ && !b_waits_) {
            b_waits_ = true;
            b_at_ = now_ + 1 + random_.below(pace_.write_latency + 1);
        }
    }

    void answer_write()
    {
        bool bad = memory_.refuses_write(aw_addr_);
        if (!bad) {
            Line &line = memory_.line(aw_addr_);
            for (unsigned i = 0; i < 64; i++)
                if (bit(w_strb_, i))
                    line[i] = w_line_[i];
        }
        b_resp_ = bad ? 2 + aw_addr_ / 64 % 2 : 0;
        b_valid_ = true;
        aw_ = w_ = b_waits_ = false;
    }

    Line w_data() const
    {
        Line line;
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word = lane(top_.m_axi_wdata, i);
            memcpy(&line[8 * i], &word, 8);
        }
        return line;
    }

    Top &top_;
    HostMemory &memory_;
    Tap &tap_;
    Random &random_;
    Pace &pace_;
    uint64_t ring_base_[2] = {}, ring_bytes_[2] = {};
    std::map<uint64_t, uint64_t> data_; // bytes by base
    uint64_t now_ = 0, longest_ = 0;

    std::deque<Read> reads_;
    bool r_valid_ = false, ar_stuck_ = false;
    uint64_t ar_addr_ = 0;
    unsigned ar_len_ = 0;

    bool aw_ = false, w_ = false, b_valid_ = false, b_waits_ = false;
    bool aw_stuck_ = false, w_stuck_ = false;
    uint64_t aw_addr_ = 0, w_strb_ = 0, b_at_ = 0;
    Line w_line_{};
    unsigned b_resp_ = 0;
};
