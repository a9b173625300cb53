// SPDX-License-Identifier: Apache-2.0
//
// The card under test with what surrounds it: clocks and resets, register accesses with random
// gaps, host memory, tables, counters and records, and the bridge that takes interrupts. Inputs without a
// valid are random. What the commands must do is for card.hpp.
#pragma once

#include "Vportcam_control.h"
#include "fake_core.hpp"
#include "fake_records.hpp"

using Top = Vportcam_control;

// What the pipeline says of its records.
enum : uint32_t { CONNECTIONS_USED = 0x12345678, CONNECTIONS_EMBRYONIC = 0x9abcdef0 };

class Bench
{
public:
    Bench(Tap &t, uint64_t seed)
        : tap(t), random(seed), bus(top, memory, t, random, pace), core(top, t, random, pace),
          records(top, t, random, pace)
    {
        top.clk_i = 0;
        top.page_word_i = 0;
        top.raise_i = 0;
        top.wr_valid_i = 0;
        top.other_error_i = 0;
    }
    virtual ~Bench() = default;

    Top top;
    Tap &tap;
    Random random;
    Pace pace;
    HostMemory memory;
    HostBus<Top> bus;
    FakeCore<Top> core;
    FakeRecords<Top> records;

    unsigned mirror_wait = 20; // clocks until the mirror answers, at most
    uint64_t now = 0;
    unsigned irq_stall = 20;
    unsigned irqs[8] = {}; // vectors the bridge has taken

    void step()
    {
        bus.drive();
        core.drive();
        records.drive();
        drive_mirror();
        top.connections_used_i = CONNECTIONS_USED;
        top.connections_embryonic_i = CONNECTIONS_EMBRYONIC;
        top.time_ms_i = uint32_t(now / 100);
        top.irq_ready_i = !random.percent(irq_stall);
        if (!top.s_axil_awvalid)
            top.s_axil_awaddr = uint16_t(random.next());
        if (!top.s_axil_wvalid) {
            top.s_axil_wdata = uint32_t(random.next());
            top.s_axil_wstrb = random.below(16);
        }
        if (!top.s_axil_arvalid)
            top.s_axil_araddr = uint16_t(random.next());
        top.eval();
        if (top.rst_ni) {
            in_reset_ = top.flr_i || flr_clocks_ ? 3 : in_reset_ ? in_reset_ - 1 : 0;
            flr_clocks_ = top.flr_i;
            bus.watch();
            core.watch(in_reset_ != 0);
            records.watch(in_reset_ != 0);
            watch_commands();
            watch_irq();
            aw_fire_ = top.s_axil_awvalid && top.s_axil_awready;
            w_fire_ = top.s_axil_wvalid && top.s_axil_wready;
            b_fire_ = top.s_axil_bvalid && top.s_axil_bready;
            ar_fire_ = top.s_axil_arvalid && top.s_axil_arready;
            r_fire_ = top.s_axil_rvalid && top.s_axil_rready;
            r_data_ = top.s_axil_rdata;
            if ((top.s_axil_bvalid && top.s_axil_bresp) || (top.s_axil_rvalid && top.s_axil_rresp))
                tap.fail("a register access was not answered with OKAY");
        }
        rise(top);
        now++;
    }
    // The mirror answers each request once, some time later, with what mirror_answer() says.
    void drive_mirror()
    {
        bool asked = top.mir_valid_o;
        if (!asked)
            mirror_left_ = 1 + random.below(mirror_wait);
        top.mir_done_i = asked && --mirror_left_ == 0;
        top.mir_status_i = uint8_t(random.next());
        for (unsigned i = 0; i < 8; i++)
            set_lane(top.mir_sum_i, i, random.next());
        if (!top.mir_done_i)
            return;
        std::vector<uint8_t> sum = mirror_sum(top.mir_row_o);
        top.mir_status_i = mirror_status(top.mir_row_o);
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word;
            memcpy(&word, &sum[8 * i], 8);
            set_lane(top.mir_sum_i, i, word);
        }
        if (!top.mir_sum_o && (top.mir_count_o == 0 || top.mir_row_o + top.mir_count_o > SLOTS))
            tap.fail("mirror_copy of %u slots from %u on", top.mir_count_o, top.mir_row_o);
    }

    void steps(uint64_t n)
    {
        while (n--)
            step();
    }

    void reset()
    {
        top.rst_ni = 0;
        top.flr_i = 0;
        top.s_axil_awvalid = top.s_axil_wvalid = top.s_axil_arvalid = 0;
        top.s_axil_bready = top.s_axil_rready = 0;
        steps(4);
        core.restart();
        records.restart();
        top.rst_ni = 1;
    }

    // A reset of the function.
    void flr()
    {
        top.flr_i = 1;
        step();
        top.flr_i = 0;
        forget();
    }

    void wait_ready()
    {
        for (int i = 0; i < 1000; i++)
            if (read32(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY)
                return;
        tap.fail("the card does not become ready");
    }

    void write32(unsigned offset, uint32_t value, unsigned strobes = 15)
    {
        bool aw = false, w = false;
        for (int i = 0; i < 1000; i++) {
            if (!aw && !top.s_axil_awvalid && !random.percent(pace.stall)) {
                top.s_axil_awvalid = 1;
                top.s_axil_awaddr = offset;
            }
            if (!w && !top.s_axil_wvalid && !random.percent(pace.stall)) {
                top.s_axil_wvalid = 1;
                top.s_axil_wdata = value;
                top.s_axil_wstrb = strobes;
            }
            top.s_axil_bready = !random.percent(pace.stall);
            step();
            if (aw_fire_)
                aw = true, top.s_axil_awvalid = 0;
            if (w_fire_)
                w = true, top.s_axil_wvalid = 0;
            if (b_fire_) {
                top.s_axil_bready = 0;
                return;
            }
        }
        tap.fail("write of register 0x%x hangs", offset);
    }

    uint32_t read32(unsigned offset)
    {
        top.s_axil_arvalid = 1;
        top.s_axil_araddr = offset;
        for (int i = 0; i < 1000; i++) {
            top.s_axil_rready = !random.percent(pace.stall);
            step();
            if (ar_fire_)
                top.s_axil_arvalid = 0;
            if (r_fire_) {
                top.s_axil_rready = 0;
                return r_data_;
            }
        }
        tap.fail("read of register 0x%x hangs", offset);
        return ~0u;
    }

protected:
    // Looks at the commands of a clock, and forgets them at a reset.
    virtual void watch_commands() = 0;
    virtual void forget() = 0;

    unsigned in_reset_ = 3; // clocks until what the card shows counts again

private:
    unsigned mirror_left_ = 0;
    void watch_irq()
    {
        if (irq_stuck_ && (!top.irq_valid_o || top.irq_vector_o != irq_vector_))
            tap.fail("an interrupt changed before it was taken");
        irq_stuck_ = top.irq_valid_o && !top.irq_ready_i;
        irq_vector_ = top.irq_vector_o;
        if (top.irq_valid_o && top.irq_ready_i) {
            if (irq_vector_ >= 8)
                tap.fail("vector %u", irq_vector_);
            else
                irqs[irq_vector_]++;
        }
    }

    unsigned flr_clocks_ = 0, irq_vector_ = 0;
    bool irq_stuck_ = false;
    bool aw_fire_ = false, w_fire_ = false, b_fire_ = false, ar_fire_ = false, r_fire_ = false;
    uint32_t r_data_ = 0;
};
