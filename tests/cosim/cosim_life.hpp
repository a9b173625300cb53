// SPDX-License-Identifier: Apache-2.0
/* How a card begins, stops and begins again: rings, resets, restarts of the host. Part of cosim_run.hpp. */
#pragma once

#include "cosim_run.hpp"

inline void Run::start()
{
    for (int patience = 0; !(card_.reg_read(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY);) {
        clocks(64);
        if (++patience > 1000) {
            note("the card does not get ready");
            return;
        }
    }
    card_.reg_write(PORTCAM_REG_HASH_SEED, world_.hash_seed);
    pc_replay_seed(replay_, world_.hash_seed);
    for (unsigned i = 0; i < 8; i++)
        card_.reg_write(PORTCAM_REG_SECRET_0 + 4 * i,
                        static_cast<uint32_t>(pc_rng_next(&record_dice_)));
    packets_.reset();
    interrupts_.reset(card_.top().irq_valid_o ? card_.top().irq_vector_o : -1);
    start_ring();
    write_all();
}

inline void Run::start_ring()
{
    card_.reg_write(PORTCAM_REG_CMD_BASE_LO, static_cast<uint32_t>(RingAt));
    card_.reg_write(PORTCAM_REG_CMD_BASE_HI, 0);
    card_.reg_write(PORTCAM_REG_CPL_BASE_LO, static_cast<uint32_t>(CompletionsAt));
    card_.reg_write(PORTCAM_REG_CPL_BASE_HI, 0);
    card_.reg_write(PORTCAM_REG_CMD_SIZE, RingLog2);
    std::fill(memory_.begin() + 0x10000, memory_.begin() + 0x20000, uint8_t(0));
    tail_ = done_ = completions_ = 0;
    slow_ = pc_rng_below(&moment_dice_, 3) == 0;
    interrupts_.enabled();
    card_.reg_write(PORTCAM_REG_CMD_CONTROL, PORTCAM_CMD_CONTROL_ENABLE);
}

inline void Run::stop_ring(Totals &totals)
{
    totals.stops++;
    interrupts_.cause();
    card_.reg_write(PORTCAM_REG_CMD_DOORBELL,
                    tail_ + RingSize + 1 + pc_rng_below(&irq_dice_, 1 << 20));
    uint32_t status = PORTCAM_CMD_STATUS_RUNNING;
    for (int patience = 0; status & PORTCAM_CMD_STATUS_RUNNING && patience < 4000; patience++) {
        clocks(8);
        status = card_.reg_read(PORTCAM_REG_CMD_STATUS);
    }
    if (status !=
        (PORTCAM_CMD_STATUS_ERROR | PORTCAM_STATUS_BAD_DOORBELL << PORTCAM_CMD_STATUS_REASON_SHIFT))
        note("a doorbell beyond the ring did not stop it");
    no_vector_waits();
    card_.reg_write(PORTCAM_REG_CMD_CONTROL, 0);
    start_ring();
}

inline void Run::restart(Totals &totals)
{
    totals.restarts++;
    if (tail_ - done_ < RingSize / 2 && pc_rng_below(&moment_dice_, 2)) { /* the mirror has work */
        put(reader(PORTCAM_OPCODE_MIRROR_COPY, 0, 0, slots_of(world_.sizes)));
        card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
        clocks(100 + pc_rng_below(&moment_dice_, 400));
    }
    moments_.count(MomentBins::RestartWhileCommands, done_ != tail_);
    card_.reg_write(PORTCAM_REG_CMD_CONTROL, 0);
    mirror_.restart([this](uint32_t offset, uint32_t value) { mirror_write(offset, value); },
                    [this](uint32_t offset) { return card_.reg_read(offset); });
    packets_.restart();
    uint32_t status = PORTCAM_CMD_STATUS_RUNNING;
    for (int patience = 0; status & PORTCAM_CMD_STATUS_RUNNING && patience < 4000; patience++) {
        clocks(8);
        status = card_.reg_read(PORTCAM_REG_CMD_STATUS);
    }
    if (status != 0)
        note("the ring that was stopped does not stop, or says an error");
    no_vector_waits();
    start_ring();
    hold_.end();
    put(simple(PORTCAM_OPCODE_CHANGE_ABORT));
    unsigned slots = slots_of(world_.sizes), count = std::min(slots, CopySlots);
    unsigned first = std::min(last_slot_, slots - count);
    for (unsigned slot = first; slot < first + count; slot += 1024)
        put(reader(PORTCAM_OPCODE_MIRROR_COPY, 0, slot, std::min(1024u, first + count - slot)));
    card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
    for (int patience = 0; done_ != tail_ && differences() < 10 && patience < 20000; patience++) {
        feed();
        clocks(20);
    }
    check_mirror(first, count);
    moments_.count(MomentBins::RestartCopied, mirror_.running());
    write_all();
}

inline void Run::await_interrupts()
{
    for (int patience = 0; interrupt_due() && patience < 4000; patience++)
        clocks(1);
    if (interrupt_due())
        settle();
}

inline void Run::settle()
{
    if (const char *fault = interrupts_.settled(written()))
        note(fault);
}

inline void Run::drain()
{
    collect();
    for (int patience = 0; patience < 400000; patience++) {
        clocks(16);
        if (differences() >= 10)
            return;
        bool quiet = !card_.waiting(Side::Net) && !card_.waiting(Side::Host) && done_ == tail_ &&
                     card_.quiet() > 400 && !card_.active();
        if (quiet)
            return;
    }
    note("the card does not come to rest");
}

inline void Run::reset(Totals &totals)
{
    totals.resets++;
    hold_.before_reset();
    moments_.count(MomentBins::ResetInLookup, in_lookup_ > 0);
    moments_.count(MomentBins::ResetWhileCommands, done_ != tail_);
    moments_.count(MomentBins::ResetWhileMirror, mirror_.running());
    moments_.count(MomentBins::ResetWhilePunts, packets_.punting());
    pc_replay_mirror_reg(replay_, PORTCAM_REG_MIRROR_CONTROL, 0);
    mirror_.reset();
    trace_.reset();
    card_.flr();
    if (pc_rng_below(&moment_dice_, 2)) {
        clocks(1 + pc_rng_below(&moment_dice_, 300));
        moments_.count(MomentBins::ResetWhileClearing,
                       !(card_.reg_read(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY));
        card_.flr();
    }
    done_ = tail_; /* what was in the ring is forgotten */
    start();
    hold_.after_reset();
}

inline void Run::batch()
{
    collect();
    std::fill(memory_.begin() + (AnswerAt - MemoryBase), memory_.end(), uint8_t(0xee));
    card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
    for (int patience = 0; done_ != tail_ && differences() < 10 && patience < 500000; patience++)
        clocks(8);
    if (done_ != tail_ && differences() < 10)
        note("the ring stands still");
    clocks(200); /* its completion */
    collect();
}
