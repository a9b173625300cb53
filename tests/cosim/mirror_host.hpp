// SPDX-License-Identifier: Apache-2.0
/* The host of the mirror in lockstep: it starts and stops the mirror at random moments, with event rings of 4 entries and up,
 * reads events late, arms vector 1, and at times its memory refuses. What the card writes is compared by the replay. */
#ifndef PC_COSIM_MIRROR_HOST_HPP
#define PC_COSIM_MIRROR_HOST_HPP

#include <algorithm>
#include <cstring>
#include <vector>

#include "moment_bins.hpp"
#include "replay.h"
#include "rng.h"

class MirrorHost
{
public:
    static constexpr uint64_t Base = 0x80000000, Events = 0x90000000;

    MirrorHost(uint64_t seed, unsigned slots, MomentBins &bins)
        : bins_(bins), dice_(pc_rng_stream(seed, "mirror")), slots_(slots), array_(64ull * slots),
          ring_(16 << 16)
    {
    }

    uint64_t fails = 0, interrupts = 0;

    bool in_array(uint64_t iova) const { return iova - Base < array_.size(); }
    bool in_ring(uint64_t iova) const { return iova - Events < ring_.size(); }

    /* A write of the card; false: refused. */
    bool write(uint64_t iova, const void *src, size_t len)
    {
        if (iova < refuse_ + 64 && iova + len > refuse_) {
            fails++;
            failed_ = true;
            return false;
        }
        memcpy(in_array(iova) ? &array_[iova - Base] : &ring_[iova - Events], src, len);
        return true;
    }
    const uint8_t *entry(unsigned slot) const { return &array_[64ull * slot]; }

    /* Sometimes something; `reg` writes a register and tells the replay. */
    template <typename Write, typename Read>
    void step(Write reg, Read read)
    {
        unsigned dice = pc_rng_below(&dice_, 200);
        if (running_ && pc_rng_below(&dice_, 100) < attention_)
            reg(PORTCAM_REG_EVENT_HEAD, read(PORTCAM_REG_EVENT_TAIL));
        if (dice <= 2 && running_ && log2_ == 2)
            bins_.count(MomentBins::SmallRingFull, read(PORTCAM_REG_EVENT_DROPPED) != 0);
        if (dice < 2)
            start(reg, log2_next());
        else if (dice == 2)
            stop(reg);
        else if (dice < 8 && running_)
            reg(PORTCAM_REG_EVENT_ARM, read(PORTCAM_REG_EVENT_TAIL) + pc_rng_below(&dice_, 3));
        else if (dice == 8 && running_)
            refuse_ = pc_rng_below(&dice_, 2) ? Base + 64ull * pc_rng_below(&dice_, slots_)
                                              : Events + 64ull * pc_rng_below(&dice_, 4);
    }

    template <typename Write>
    void start(Write reg, unsigned log2)
    {
        stop(reg);
        log2_ = log2;
        refuse_ = ~0ull - 64;
        failed_ = forgotten_ = false;
        attention_ = pc_rng_below(&dice_, 2) ? 100 : pc_rng_below(&dice_, 30);
        reg(PORTCAM_REG_MIRROR_BASE_LO, uint32_t(Base));
        reg(PORTCAM_REG_MIRROR_BASE_HI, 0);
        reg(PORTCAM_REG_EVENT_BASE_LO, uint32_t(Events));
        reg(PORTCAM_REG_EVENT_BASE_HI, 0);
        reg(PORTCAM_REG_EVENT_SIZE, log2);
        reg(PORTCAM_REG_MIRROR_CONTROL, pc_rng_below(&dice_, 8) ? 3u : 1u);
        running_ = true;
    }
    template <typename Write>
    void stop(Write reg)
    {
        reg(PORTCAM_REG_MIRROR_CONTROL, 0);
        running_ = false;
    }
    /* A new host program: it knows nothing of the array that was, and begins with events, at times before the old mirror is at
     * rest. */
    template <typename Write, typename Read>
    void restart(Write reg, Read read)
    {
        bins_.count(MomentBins::RestartWhileMirror, running());
        stop(reg);
        bins_.count(MomentBins::RestartWhileStopping,
                    read(PORTCAM_REG_MIRROR_STATUS) & PORTCAM_MIRROR_STATUS_RUNNING);
        std::fill(array_.begin(), array_.end(), uint8_t(0xee));
        start(reg, below(2) ? 2 : log2_next());
    }
    void reset() { running_ = false, forgotten_ = true; }

    bool running() const { return running_ && !failed_; }
    /* A write that is refused now is an error that the card tells: the first one since ENABLE, and none that a reset left. */
    bool first_failure() const { return !failed_ && !forgotten_; }
    unsigned log2_next() { return 2 + pc_rng_below(&dice_, 5); }
    /* A range of slots to copy, or a block to sum. */
    uint32_t any_slot() { return uint32_t(pc_rng_below(&dice_, slots_)); }
    uint32_t below(uint32_t n) { return uint32_t(pc_rng_below(&dice_, n)); }

private:
    MomentBins &bins_;
    struct pc_rng dice_;
    unsigned slots_, log2_ = 0;
    std::vector<uint8_t> array_, ring_;
    uint64_t refuse_ = ~0ull - 64;
    bool running_ = false, failed_ = false, forgotten_ = false;
    unsigned attention_ = 100; /* percent of the steps in which events are read */
};

#endif
