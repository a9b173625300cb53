// SPDX-License-Identifier: Apache-2.0
//
// The host that drives the ring of the card under test. Every clock is watched: commands finish in
// order with the bytes the host wrote and the status the reference gives; what a command wrote to
// host memory stands there when it finishes; the bank switches only at a commit, and then holds
// exactly the change set; both banks are equal after commit and abort. Completions are checked when
// the host reads them.
#pragma once

#include <algorithm>

#include "bench.hpp"

using Completion = portcam_completion;

class Card : public Bench
{
public:
    Card(Tap &t, uint64_t seed) : Bench(t, seed), reference(memory)
    {
        reset();
        forget();
    }

    Reference reference;
    uint64_t dma_errors = 0, dma_error_addr = 0; // of commands, as the reference expects them
    uint64_t commits = 0;

    uint64_t command_base = 0, completion_base = 0;
    unsigned log2 = 6;
    uint32_t produced = 0; // commands written
    uint32_t finished = 0; // commands that the card has finished
    uint32_t consumed = 0; // completions that the host has read

    uint32_t size() const { return 1u << log2; }

    void configure(unsigned bits)
    {
        log2 = bits;
        command_base = (0x100000 + random.below(1 << 20)) << 24 | random.below(16) << 12;
        if (random.percent(50)) // a boundary of 4 GiB behind its first page
            command_base |= 0xfffff000;
        completion_base = (0x300000 + random.below(1 << 20)) << 24 | random.below(16) << 12;
        bus.ring(command_base, 64ull << bits);
        write32(PORTCAM_REG_CMD_BASE_LO, uint32_t(command_base));
        write32(PORTCAM_REG_CMD_BASE_HI, uint32_t(command_base >> 32));
        write32(PORTCAM_REG_CPL_BASE_LO, uint32_t(completion_base));
        write32(PORTCAM_REG_CPL_BASE_HI, uint32_t(completion_base >> 32));
        write32(PORTCAM_REG_CMD_SIZE, bits);
    }
    void enable()
    {
        produced = finished = consumed = 0;
        submitted_.clear();
        outcomes_.clear();
        doorbells_.clear();
        memory.fill(completion_base, 16 << log2, 0);
        write32(PORTCAM_REG_CMD_CONTROL, 1);
    }
    void start(unsigned bits = 6)
    {
        wait_ready();
        configure(bits);
        enable();
    }
    void disable()
    {
        write32(PORTCAM_REG_CMD_CONTROL, 0);
        for (int i = 0; i < 2000; i++)
            if (!(status() & PORTCAM_CMD_STATUS_RUNNING))
                return;
        tap.fail("the ring does not stop");
    }
    uint32_t status() { return read32(PORTCAM_REG_CMD_STATUS); }
    unsigned reason()
    {
        uint32_t value = status();
        return value & PORTCAM_CMD_STATUS_ERROR ? value >> PORTCAM_CMD_STATUS_REASON_SHIFT : 0;
    }

    uint64_t entry(uint32_t index) const { return command_base + 64ull * (index % size()); }
    void submit(const Command &c)
    {
        memory.write(entry(produced), &c, 64);
        submitted_.push_back(c);
        produced++;
    }
    void doorbell()
    {
        doorbells_.insert(produced);
        write32(PORTCAM_REG_CMD_DOORBELL, produced);
    }

    // The next completion, if it is there; checked against what the card must write.
    bool poll(Completion *ret = nullptr)
    {
        Completion c;
        memory.read(completion_base + 16ull * (consumed % size()), &c, 16);
        if (c.lap != consumed / size() + 1)
            return false;
        consumed++;
        check_completion(c);
        if (ret)
            *ret = c;
        return true;
    }
    void release() { write32(PORTCAM_REG_CPL_HEAD, consumed); }

    // Consumes completions until every command up to the doorbell has answered.
    void drain()
    {
        for (unsigned idle = 0; idle < patience_; idle++) {
            bool got = false;
            while (poll())
                got = true, idle = 0;
            if (got)
                release();
            if (outcomes_.empty() && finished == produced)
                return;
            step();
        }
        patience_ = 100;
        tap.fail("ring stands still: %u written, %u finished, status 0x%x", produced, finished,
                 status());
    }

    // One command by itself.
    Completion run(const Command &c)
    {
        Completion answer{};
        submit(c);
        doorbell();
        for (unsigned i = 0; i < patience_; i++) {
            if (poll(&answer)) {
                release();
                if (answer.sq_head != (produced & 0xffff))
                    continue;
                return answer;
            }
            step();
        }
        patience_ = 100;
        tap.fail("command 0x%02x is not answered", c.opcode);
        return answer;
    }
    unsigned run_status(const Command &c) { return run(c).status; }

    uint64_t fresh_page() { return pages_ += 1 << 20; }
    bool settled() const { return submitted_.empty() && outcomes_.empty(); }

private:
    struct Outcome {
        uint32_t cookie, index, result;
        unsigned status;
        bool mandatory;
    };

    void forget() override
    {
        reference.reset();
        submitted_.clear();
        outcomes_.clear();
        doorbells_.clear();
        produced = finished = consumed = 0;
        dma_errors = dma_error_addr = 0;
    }

    void watch_commands() override
    {
        if (bank_known_ && !in_reset_ && top.bank_o != bank_ && !cleared_)
            tap.fail("the bank switched without a commit");
        bank_ = top.bank_o ^ top.trace_commit_o;
        bank_known_ = true;
        cleared_ = in_reset_ ? 400 : cleared_ ? cleared_ - 1 : 0;
        if (in_reset_)
            return;
        if (top.trace_commit_o) {
            commits++;
            if (core.rows(!top.bank_o) != core.only_valid(reference.working))
                tap.fail("the new bank is not the change set");
        }
        if (top.trace_command_valid_o)
            watch_finish();
    }

    void watch_finish()
    {
        Command c;
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word = lane(top.trace_command_o, i);
            memcpy((uint8_t *)&c + 8 * i, &word, 8);
        }
        if (submitted_.empty() || memcmp(&c, &submitted_.front(), 64) != 0) {
            tap.fail("command %u is not the one that was written", finished);
            return;
        }
        submitted_.pop_front();
        Reference::Result r = reference.execute(c);
        if (top.trace_command_status_o != r.status)
            tap.fail("opcode 0x%02x table %u row %u count %u: status %u instead of %u", c.opcode,
                     c.table_id, c.row, c.count, top.trace_command_status_o, r.status);
        if (r.asked != records.asked)
            tap.fail("opcode 0x%02x: %zu images came to the records, not %zu, or others", c.opcode,
                     records.asked.size(), r.asked.size());
        records.asked.clear();
        for (auto &w : r.written) {
            std::vector<uint8_t> bytes(w.second.size());
            memory.read(w.first, bytes.data(), bytes.size());
            if (bytes != w.second)
                tap.fail("opcode 0x%02x did not write what it must to 0x%llx", c.opcode,
                         (unsigned long long)w.first);
        }
        if (r.dma_error) {
            dma_errors++;
            dma_error_addr = r.dma_error_addr;
        }
        if ((c.opcode == PORTCAM_OPCODE_CHANGE_COMMIT || c.opcode == PORTCAM_OPCODE_CHANGE_ABORT) &&
            !r.status)
            for (unsigned b = 0; b < 2; b++)
                if (core.rows(b) != core.only_valid(reference.visible))
                    tap.fail("bank %u is not the visible rows after opcode 0x%02x", b, c.opcode);
        outcomes_.push_back({c.cookie, finished, r.result, r.status,
                             r.status != 0 || (c.flags & PORTCAM_COMMAND_COMPLETE)});
        finished++;
        while (!outcomes_.empty() && !outcomes_.front().mandatory &&
               !doorbells_.count(outcomes_.front().index + 1))
            outcomes_.pop_front();
    }

    void check_completion(const Completion &c)
    {
        while (!outcomes_.empty() && ((outcomes_.front().index + 1) & 0xffff) != c.sq_head) {
            if (outcomes_.front().mandatory)
                tap.fail("no completion of command %u", outcomes_.front().index);
            outcomes_.pop_front();
        }
        if (outcomes_.empty()) {
            tap.fail("a completion of no command, sq_head %u", c.sq_head);
            return;
        }
        Outcome o = outcomes_.front();
        outcomes_.pop_front();
        if (!o.mandatory && !doorbells_.count(o.index + 1))
            tap.fail("a completion that nobody asked for, of command %u", o.index);
        if (c.cookie != o.cookie || c.status != o.status || c.result != o.result || c.flags != 0)
            tap.fail("completion of command %u: cookie 0x%x status %u result %u flags %u", o.index,
                     c.cookie, c.status, c.result, c.flags);
        // Those that nobody must answer are settled when the next one is there.
        while (!outcomes_.empty() && !outcomes_.front().mandatory &&
               !doorbells_.count(outcomes_.front().index + 1))
            outcomes_.pop_front();
    }

    std::deque<Command> submitted_;
    std::deque<Outcome> outcomes_;
    std::set<uint32_t> doorbells_;
    uint64_t pages_ = 0x7700000000;
    unsigned patience_ = 100000; // clocks to wait for an answer; few once one did not come
    unsigned cleared_ = 0, bank_ = 0;
    bool bank_known_ = false;
};
