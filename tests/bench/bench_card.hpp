// SPDX-License-Identifier: Apache-2.0
/* The Verilated core of the benches, with plain memory behind its DMA port, a command ring, and notes of what happened when. */
#ifndef PC_BENCH_CARD_HPP
#define PC_BENCH_CARD_HPP

#include <cstdlib>
#include <deque>

#include "Vportcam_core.h"
#include "portcam_defs.h"
#include "rtl_card.hpp"

using portcam::Frame;
using portcam::Host;
using portcam::Net;
using portcam::Side;

constexpr unsigned Log2Ring = 16; /* the largest ring there can be */
constexpr uint64_t Commands = 0, Completions = 0x400000, MemorySize = 0x600000;
/* The card with plain memory behind its DMA port, and notes of what happened when. */
class Bench : public portcam::CardHooks
{
public:
    Bench() : memory_(MemorySize), card_(*this, 1)
    {
        while (!(card_.reg_read(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY))
            ;
        card_.reg_write(PORTCAM_REG_CMD_BASE_LO, Commands);
        card_.reg_write(PORTCAM_REG_CPL_BASE_LO, Completions);
        card_.reg_write(PORTCAM_REG_CMD_SIZE, Log2Ring);
        card_.reg_write(PORTCAM_REG_CMD_CONTROL, PORTCAM_CMD_CONTROL_ENABLE);
    }

    portcam::RtlCard<Vportcam_core> &card() { return card_; }
    uint64_t lookups() const { return lookups_; }
    uint64_t failures() const { return failures_; }
    int least_latency = 0, most_latency = 0;
    uint64_t frames = 0, punts = 0, injects = 0;
    std::vector<uint8_t> &memory() { return memory_; }

    void forget()
    {
        least_latency = 1 << 30;
        most_latency = 0;
        frames = 0;
    }

    void enqueue(uint8_t opcode, uint16_t table, uint32_t row, const void *data)
    {
        portcam_command c = {};
        c.opcode = opcode;
        c.table_id = table;
        c.row = row;
        if (data)
            memcpy(c.data, data, sizeof(c.data));
        memcpy(&memory_[Commands + (tail_++ & ((1u << Log2Ring) - 1)) * sizeof(c)], &c, sizeof(c));
    }
    void ring_doorbell() { card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_); }
    bool commanding() const { return card_.commands() < tail_; }

    /* Clocks from the doorbell until all commands are finished. */
    uint64_t run_commands()
    {
        uint64_t start = card_.clocks();
        ring_doorbell();
        while (commanding())
            card_.step();
        return card_.clocks() - start;
    }

private:
    std::vector<uint8_t> memory_;
    portcam::RtlCard<Vportcam_core> card_;
    uint64_t lookups_ = 0, failures_ = 0;
    uint32_t tail_ = 0;
    std::deque<uint64_t> entered_[2];

    int dma_read(uint64_t iova, void *dst, size_t len) override
    {
        memcpy(dst, &memory_.at(iova), len);
        return 0;
    }
    int dma_write(uint64_t iova, const void *src, size_t len) override
    {
        memcpy(&memory_.at(iova), src, len);
        return 0;
    }
    void irq(unsigned) override {}
    void punt_end(Side, bool lost, uint64_t) override { punts += !lost; }
    void injected_out(Side, unsigned, const Frame &) override { injects++; }
    void admitted(Side) override { lookups_++; }
    void commanded(const uint8_t *, unsigned status) override
    {
        failures_ += status != PORTCAM_STATUS_OK;
    }
    /* The last beat goes in at the end of this clock. */
    void frame_in(Side side, unsigned, const Frame &) override
    {
        entered_[side].push_back(card_.clocks());
    }
    void frame_out(Side, unsigned, Side from, const Frame &frame) override
    {
        if (entered_[from].empty())
            return;
        uint64_t first = card_.clocks() - (frame.size() + 63) / 64 + 1;
        int latency = int(first - entered_[from].front());
        entered_[from].pop_front();
        frames++;
        least_latency = latency < least_latency ? latency : least_latency;
        most_latency = latency > most_latency ? latency : most_latency;
    }
};

#endif
