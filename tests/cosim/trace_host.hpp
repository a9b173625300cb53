// SPDX-License-Identifier: Apache-2.0
/* The host of the trace ring in lockstep: it starts and stops it at random moments with random filters, consumes lazily so that
 * the ring is full at times, writes registers that must keep their value, and lets host memory fail. What is written the replay
 * compares; here are the counters at rest, and that nothing is written into a ring that has stopped. */
#ifndef PC_COSIM_TRACE_HOST_HPP
#define PC_COSIM_TRACE_HOST_HPP

#include <functional>

#include "portcam_defs.h"
#include "replay.h"
#include "rng.h"

template <class Card>
class TraceHost
{
public:
    /* What must be met. */
    enum Bin { Samples, Partly, Every, Limited, Full, Stopped, Again, Failed, Kept, BadRing, Bins };
    static constexpr const char *Names[Bins] = {"trace: samples",
                                                "trace: a filter that let some packets through",
                                                "trace: each n-th packet that matches",
                                                "trace: a sample beyond the limit",
                                                "trace: the ring was full",
                                                "trace: stopped while samples were on their way",
                                                "trace: started again at once",
                                                "trace: host memory failed",
                                                "trace: a register written while it ran",
                                                "trace: a ring of a bad size"};
    uint64_t bins[Bins] = {};

    TraceHost(Card &card, uint64_t seed, std::function<void(const char *)> note,
              std::function<void()> cause, std::function<void(unsigned)> clocks)
        : card_(card), dice_(pc_rng_stream(seed, "trace")), note_(note), cause_(cause),
          clocks_(clocks)
    {
    }
    void follow(struct pc_replay *replay) { replay_ = replay; }

    static bool here(uint64_t iova) { return iova >= Base && iova < Base + Bytes; }
    /* False: refused. */
    bool write(uint64_t iova, const void *src, size_t len)
    {
        if (quiet_)
            note_("the trace wrote into a ring that had stopped");
        bool refuse = refuse_;
        pc_replay_wrote(replay_, iova, src, len, refuse);
        if (refuse && !failed_) {
            failed_ = true;
            cause_();
        }
        return !refuse;
    }

    void step()
    {
        if (!on_) {
            if (chance(10))
                start();
            return;
        }
        if (chance(attention_))
            reg(PORTCAM_REG_TRACE_HEAD, card_.reg_read(PORTCAM_REG_TRACE_TAIL));
        if (chance(2)) {
            bins[Kept]++;
            set_filter();
        }
        if (one_in(150))
            stop();
        else if (one_in(300))
            again();
        else if (one_in(300))
            fail();
    }
    /* A reset of the function comes. */
    void reset()
    {
        pc_replay_trace_reset(replay_);
        on_ = quiet_ = false;
    }
    void finish()
    {
        if (on_)
            stop();
    }

private:
    static constexpr uint64_t Base = 0xa0000000;
    static constexpr unsigned MostLog2 = 5;
    static constexpr uint64_t Bytes = PORTCAM_TRACE_ENTRY << MostLog2;

    bool chance(unsigned percent) { return pc_rng_chance(&dice_, percent); }
    bool one_in(unsigned n) { return pc_rng_below(&dice_, n) == 0; }
    uint32_t any() { return static_cast<uint32_t>(pc_rng_next(&dice_)); }
    void reg(uint32_t offset, uint32_t value)
    {
        pc_replay_trace_reg(replay_, offset, value);
        card_.reg_write(offset, value);
    }
    uint32_t counter(uint32_t offset) { return card_.reg_read(offset); }

    /* Masks of few bits, so that some packets match. */
    uint32_t few_bits() { return chance(85) ? 0 : 1u << pc_rng_below(&dice_, 32); }
    void set_filter()
    {
        for (uint32_t at = PORTCAM_REG_TRACE_SRC_IP_0; at <= PORTCAM_REG_TRACE_PORT_MASKS; at += 4)
            reg(at, any());
        bool narrow = chance(60);
        for (uint32_t i = 0; i < 4; i++) {
            reg(PORTCAM_REG_TRACE_SRC_MASK_0 + 4 * i, narrow ? few_bits() : 0);
            reg(PORTCAM_REG_TRACE_DST_MASK_0 + 4 * i, narrow ? few_bits() : 0);
        }
        reg(PORTCAM_REG_TRACE_PORT_MASKS, narrow ? few_bits() : 0);
        uint32_t filter = chance(50) ? PORTCAM_TRACE_FILTER_BOTH : 0;
        filter |= chance(50) ? PORTCAM_TRACE_FILTER_IPV6 : 0;
        filter |= narrow && chance(20) ? PORTCAM_TRACE_FILTER_BY_VERSION : 0;
        filter |= narrow && chance(20) ? PORTCAM_TRACE_FILTER_BY_INGRESS : 0;
        filter |= narrow && chance(30) ? PORTCAM_TRACE_FILTER_BY_PROTOCOL : 0;
        static const unsigned protocols[] = {6, 17, 132, 1, 58};
        filter |= protocols[pc_rng_below(&dice_, 5)] | pc_rng_below(&dice_, 4)
                                                           << PORTCAM_TRACE_FILTER_INGRESS_SHIFT;
        reg(PORTCAM_REG_TRACE_FILTER, filter);
        bool reasons = chance(50);
        reg(PORTCAM_REG_TRACE_REASONS_LO, reasons ? any() : ~0u);
        reg(PORTCAM_REG_TRACE_REASONS_HI, reasons ? any() : ~0u);
        reg(PORTCAM_REG_TRACE_EVERY, chance(50) ? any() & 1 : pc_rng_below(&dice_, 6));
        reg(PORTCAM_REG_TRACE_RATE, chance(60) ? 65535 : any());
        reg(PORTCAM_REG_TRACE_BURST, chance(60) ? 65535 : pc_rng_below(&dice_, 20));
    }
    void start()
    {
        unsigned log2 = 2 + pc_rng_below(&dice_, MostLog2 - 1);
        attention_ = chance(50) ? 100 : pc_rng_below(&dice_, 30);
        set_filter();
        reg(PORTCAM_REG_TRACE_BASE_LO, static_cast<uint32_t>(Base));
        reg(PORTCAM_REG_TRACE_BASE_HI, 0);
        reg(PORTCAM_REG_TRACE_SIZE, log2);
        if (one_in(10)) {
            bad_ring();
            reg(PORTCAM_REG_TRACE_SIZE, log2);
        }
        quiet_ = false;
        reg(PORTCAM_REG_TRACE_CONTROL, PORTCAM_TRACE_CONTROL_ENABLE);
        on_ = true;
    }
    void bad_ring()
    {
        bins[BadRing]++;
        reg(PORTCAM_REG_TRACE_SIZE, 13 + (any() & 0x7f));
        cause_();
        reg(PORTCAM_REG_TRACE_CONTROL, PORTCAM_TRACE_CONTROL_ENABLE);
        clocks_(20);
        if (card_.reg_read(PORTCAM_REG_TRACE_STATUS) !=
            (PORTCAM_TRACE_STATUS_ERROR | PORTCAM_STATUS_BAD_RING
                                              << PORTCAM_TRACE_STATUS_REASON_SHIFT))
            note_("a trace ring of a bad size was not refused");
        reg(PORTCAM_REG_TRACE_CONTROL, 0);
    }

    uint32_t await_rest()
    {
        uint32_t status = PORTCAM_TRACE_STATUS_RUNNING;
        for (int patience = 0; status & PORTCAM_TRACE_STATUS_RUNNING; patience++) {
            clocks_(16);
            status = card_.reg_read(PORTCAM_REG_TRACE_STATUS);
            if (patience > 20000) {
                note_("the trace ring does not stop");
                break;
            }
        }
        return status;
    }
    void rest()
    {
        uint32_t tail = counter(PORTCAM_REG_TRACE_TAIL);
        uint32_t matched = counter(PORTCAM_REG_TRACE_MATCHED);
        uint32_t limited = counter(PORTCAM_REG_TRACE_LIMITED);
        uint32_t lost = counter(PORTCAM_REG_TRACE_LOST);
        pc_replay_trace_rest(replay_, tail, matched, limited, lost);
        bins[Samples] += tail;
        uint64_t tested = pc_replay_trace_counts(replay_)->tested;
        bins[Partly] += matched && matched < tested - tested_;
        tested_ = tested;
        bins[Every] += matched > tail + limited + lost;
        bins[Limited] += limited;
        bins[Full] += lost;
    }
    void stop()
    {
        reg(PORTCAM_REG_TRACE_CONTROL, 0);
        uint32_t before = counter(PORTCAM_REG_TRACE_TAIL);
        if (await_rest() != 0)
            note_("the trace ring stopped with an error");
        bins[Stopped] += counter(PORTCAM_REG_TRACE_TAIL) != before;
        rest();
        on_ = false;
        quiet_ = true;
    }
    /* The samples of the old run are written first. */
    void again()
    {
        bins[Again]++;
        reg(PORTCAM_REG_TRACE_CONTROL, 0);
        if (chance(50))
            set_filter();
        reg(PORTCAM_REG_TRACE_CONTROL, PORTCAM_TRACE_CONTROL_ENABLE);
        tested_ = pc_replay_trace_counts(replay_)->tested;
    }
    /* Only a ring that has written: behind again() a write of the old run could fail, and STATUS tells of the new one. */
    void fail()
    {
        if (counter(PORTCAM_REG_TRACE_TAIL) == 0)
            return;
        refuse_ = true;
        failed_ = false;
        for (int patience = 0; !failed_ && patience < 200; patience++) {
            reg(PORTCAM_REG_TRACE_HEAD, counter(PORTCAM_REG_TRACE_TAIL));
            clocks_(8);
        }
        if (failed_) {
            bins[Failed]++;
            uint32_t want = PORTCAM_TRACE_STATUS_ERROR | PORTCAM_STATUS_DMA_WRITE_ERROR
                                                             << PORTCAM_TRACE_STATUS_REASON_SHIFT;
            uint32_t status = 0;
            for (int patience = 0; !(status & PORTCAM_TRACE_STATUS_ERROR) && patience < 4000;
                 patience++) {
                clocks_(8);
                status = card_.reg_read(PORTCAM_REG_TRACE_STATUS);
            }
            if (await_rest() != want)
                note_("a write that failed did not stop the trace ring");
            rest();
            reg(PORTCAM_REG_TRACE_CONTROL, 0);
            on_ = false;
            quiet_ = true;
        }
        refuse_ = false;
    }

    Card &card_;
    struct pc_rng dice_;
    std::function<void(const char *)> note_;
    std::function<void()> cause_;
    std::function<void(unsigned)> clocks_;
    struct pc_replay *replay_ = nullptr;
    bool on_ = false, quiet_ = false, refuse_ = false, failed_ = false;
    unsigned attention_ = 100;
    uint64_t tested_ = 0;
};

#endif
