// SPDX-License-Identifier: Apache-2.0
/* Register HOLD in lockstep: the host holds the packets at random moments, for so many milliseconds or until it changes its
 * mind, and around a reset of the function as the library does. While it holds, no packet may enter the lookup; what waits is
 * looked up later, in its order, as the replay sees. */
#ifndef PC_COSIM_HOLD_HOST_HPP
#define PC_COSIM_HOLD_HOST_HPP

#include <functional>

#include "moment_bins.hpp"
#include "portcam_defs.h"
#include "rng.h"

template <class Card>
class HoldHost
{
public:
    HoldHost(Card &card, uint64_t seed, MomentBins &bins, std::function<void(const char *)> note)
        : card_(card), dice_(pc_rng_stream(seed, "hold")), bins_(bins), note_(note)
    {
    }

    /* Time of the card, in ms; it has been set. */
    void set_time(uint32_t ms) { time_ = ms; }

    void step()
    {
        if (holds()) {
            waited_ = waited_ || waiting_ > 0;
            if (one_in(60))
                write(one_in(2) ? 0 : 1 + pc_rng_below(&dice_, 12));
            else if (one_in(20))
                look();
        } else {
            count(); /* it has ended by itself */
            if (one_in(400))
                write(one_in(4) ? 60000 + pc_rng_below(&dice_, 5536)
                                : 1 + pc_rng_below(&dice_, 24));
        }
    }
    /* Everything is to come to rest. */
    void end()
    {
        if (holds())
            write(0);
    }

    /* Before a reset of the function, and when the card is ready again. */
    void before_reset()
    {
        if (!one_in(4))
            write(1 + pc_rng_below(&dice_, 40));
        look();
    }
    void after_reset()
    {
        look();
        bins_.count(MomentBins::HeldThroughReset, holds() && waiting_ > 0);
    }

    /* ---- hooks of the card ---- */

    void arrived() { waiting_++; }
    void admitted()
    {
        waiting_--;
        if (holds() && card_.clocks() > since_)
            note_("a packet was looked up while HOLD holds it");
    }

private:
    bool one_in(unsigned n) { return pc_rng_below(&dice_, n) == 0; }
    bool holds() const { return on_ && static_cast<int32_t>(until_ - time_) > 0; }

    void write(uint32_t ms)
    {
        bool held = holds();
        count();
        since_ = ~0ull; /* until it is written */
        card_.reg_write(PORTCAM_REG_HOLD, ms);
        bins_.count(MomentBins::HoldTakenBack, held && ms == 0);
        on_ = ms != 0;
        until_ = time_ + ms;
        since_ = card_.clocks() + Entry;
    }
    void look()
    {
        if (card_.reg_read(PORTCAM_REG_HOLD) != (holds() ? until_ - time_ : 0))
            note_("HOLD is not what is left of it");
    }
    void count()
    {
        bins_.count(MomentBins::Held, waited_);
        waited_ = false;
    }

    static constexpr uint64_t Entry = 4; /* clocks that a packet before the lookup may still take */

    Card &card_;
    struct pc_rng dice_;
    MomentBins &bins_;
    std::function<void(const char *)> note_;
    uint32_t time_ = 0, until_ = 0;
    bool on_ = false, waited_ = false;
    uint64_t since_ = 0;  /* nothing is admitted from this clock on */
    int64_t waiting_ = 0; /* packets that came in whole and were not looked up */
};

#endif
