// SPDX-License-Identifier: Apache-2.0
/* The rule of interrupts, as the host sees it. Vector commands comes only after a write of CMD_ARM and only when a completion
 * beyond its index is in host memory, once for an arming; it is never lost. Vector errors comes when the ring stopped by itself
 * or host memory failed, never else, and is never lost. A vector that waits for the bridge counts once, however often it is
 * raised; a write of CMD_ARM while armed may come too late to hold back the old index. */
#ifndef PC_COSIM_INTERRUPT_CHECK_HPP
#define PC_COSIM_INTERRUPT_CHECK_HPP

#include <cstdint>

#include "portcam_defs.h"

class InterruptCheck
{
public:
    uint64_t commands = 0, errors = 0; /* interrupts so far */

    /* The host is about to write CMD_ARM; and has written it, when this many completions were in its memory. */
    void arm(uint32_t index)
    {
        old_ = index_;
        old_live_ = armed_;
        index_ = index;
        armed_ = true;
        allowed_++;
    }
    void arm_written(uint32_t completions)
    {
        if (old_live_ && !beyond(completions, old_)) {
            old_live_ = false;
            allowed_ = armed_;
        }
    }

    /* Something happened that the errors vector tells. */
    void cause()
    {
        causes_++;
        error_due_ = true;
    }

    /* Vectors may wait no longer: what was due must have come by now. Returns what is wrong, or NULL. */
    const char *settled(uint32_t completions)
    {
        bool commands_lost = due(completions), errors_lost = error_due_;
        allowed_ = armed_ && !commands_lost;
        old_live_ = spare_live_ = false;
        causes_ = 0;
        error_due_ = false;
        if (commands_lost)
            armed_ = false;
        return commands_lost ? "the interrupt of an arming is lost"
               : errors_lost ? "the interrupt of an error is lost"
                             : nullptr;
    }

    /* The interrupt of the index before the last one may be on its way: the next arming should wait for it. */
    bool old_waits() const { return old_live_; }

    /* An interrupt has yet to come. */
    bool due(uint32_t completions) const { return armed_ && beyond(completions, index_); }
    bool error_due() const { return error_due_; }

    /* ENABLE of the ring: no arming is left. */
    void enabled()
    {
        armed_ = old_live_ = spare_live_ = false;
        allowed_ = 0;
    }

    /* After a reset of the function; `held`: a vector that was offered to the bridge before, or -1. */
    void reset(int held)
    {
        enabled();
        error_due_ = false;
        causes_ = 0;
        held_ = held;
    }

    /* Is it the vector that was offered to the bridge before? Then it is forgotten. */
    bool take_held(unsigned vector)
    {
        bool held = held_ >= 0 && vector == static_cast<unsigned>(held_);
        if (held)
            held_ = -1;
        return held;
    }

    /* An interrupt, when this many completions were in host memory. Returns what is wrong, or NULL. */
    const char *irq(unsigned vector, uint32_t completions)
    {
        if (take_held(vector))
            return nullptr;
        if (vector == PORTCAM_VECTOR_ERRORS) {
            errors++;
            error_due_ = false;
            if (causes_ == 0)
                return "an errors interrupt without an error";
            causes_--;
            return nullptr;
        }
        if (vector != PORTCAM_VECTOR_COMMANDS)
            return "an interrupt of a vector that nothing raises";
        commands++;
        if (allowed_ == 0)
            return "a commands interrupt without an arming, or a second one";
        allowed_--;
        if (beyond(completions, index_)) {
            armed_ = false;
            if (old_live_ && beyond(completions, old_)) { /* it may have been this one's */
                spare_live_ = true;
                spare_ = index_;
                old_live_ = false;
            }
            return nullptr;
        }
        if (spare_live_ && beyond(completions, spare_)) {
            spare_live_ = false;
            return nullptr;
        }
        if (!old_live_ || !beyond(completions, old_))
            return "a commands interrupt without a completion beyond the armed index";
        old_live_ = false;
        return nullptr;
    }

private:
    static bool beyond(uint32_t completions, uint32_t index)
    {
        return static_cast<int32_t>(completions - index) > 0;
    }

    bool armed_ = false;      /* by the last write of CMD_ARM, whose interrupt has not come */
    bool old_live_ = false;   /* the index before it may have fired too */
    bool spare_live_ = false; /* of two indexes that could fire one did, and the other may still */
    uint32_t index_ = 0, old_ = 0, spare_ = 0;
    unsigned allowed_ = 0, causes_ = 0; /* interrupts that may still come */
    bool error_due_ = false;
    int held_ = -1;
};

#endif
