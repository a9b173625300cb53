// SPDX-License-Identifier: Apache-2.0
/* Clocks of the RTL of the default build, host memory answering at once: until the card is ready, latency by frame size,
 * change sets by table, reading. */
#include <cstdio>
#include <vector>

#include "Vportcam_core.h"
#include "portcam_defs.h"
#include "rtl_card.hpp"

namespace
{

constexpr uint64_t MemoryAt = 0x10000000, CompletionsAt = MemoryAt + 0x40000,
                   AnswerAt = MemoryAt + 0x50000;
constexpr unsigned RingLog2 = 12, RingSize = 1u << RingLog2;

class Bench final : portcam::CardHooks
{
public:
    Bench() : memory_(1 << 20), card_(*this, 1) {}

    void go()
    {
        uint64_t from = card_.clocks();
        printf("ready after a reset: %llu\n", since(from, wait_ready()));
        start_ring();
        latencies();
        changes();
        reads();
        card_.flr();
        from = card_.clocks();
        printf("ready after a function-level reset: %llu\n", since(from, wait_ready()));
    }

private:
    std::vector<uint8_t> memory_;
    portcam::RtlCard<Vportcam_core> card_;
    uint32_t tail_ = 0;
    uint64_t last_in_ = 0, admitted_ = 0, last_out_ = 0, finished_ = 0;

    static unsigned long long since(uint64_t from, uint64_t to) { return to - from; }

    uint64_t wait_ready()
    {
        uint64_t seen = card_.clocks();
        while (card_.reg_read(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY &&
               card_.clocks() - seen < 100)
            ; /* a function-level reset takes some clocks to show */
        while (!(card_.reg_read(PORTCAM_REG_STATUS) & PORTCAM_STATUS_READY))
            ;
        return card_.clocks();
    }

    void start_ring()
    {
        card_.reg_write(PORTCAM_REG_CMD_BASE_LO, MemoryAt);
        card_.reg_write(PORTCAM_REG_CPL_BASE_LO, CompletionsAt);
        card_.reg_write(PORTCAM_REG_CMD_SIZE, RingLog2);
        card_.reg_write(PORTCAM_REG_CMD_CONTROL, PORTCAM_CMD_CONTROL_ENABLE);
    }

    static struct portcam_command command(unsigned opcode, unsigned table = 0, unsigned row = 0,
                                          unsigned count = 0)
    {
        struct portcam_command c = {};
        c.opcode = static_cast<uint8_t>(opcode);
        c.table_id = static_cast<uint16_t>(table);
        c.row = row;
        c.count = count;
        memcpy(c.data, &AnswerAt, sizeof(AnswerAt));
        return c;
    }

    /* Clocks from the doorbell until the last command is finished. */
    unsigned long long run(const std::vector<struct portcam_command> &commands)
    {
        for (const auto &c : commands)
            memcpy(&memory_[(tail_++ % RingSize) * sizeof(c)], &c, sizeof(c));
        uint64_t from = card_.clocks(), want = card_.commands() + commands.size();
        card_.reg_write(PORTCAM_REG_CMD_DOORBELL, tail_);
        while (card_.commands() != want)
            card_.step();
        for (int i = 0; i < 100; i++) /* the completion */
            card_.step();
        card_.reg_write(PORTCAM_REG_CPL_HEAD, card_.reg_read(PORTCAM_REG_CPL_TAIL));
        return since(from, finished_);
    }

    void latencies()
    {
        for (size_t len : {60, 64, 65, 1514, 9600}) {
            std::vector<uint8_t> frame(len);
            last_out_ = 0;
            card_.push(portcam::Net, 0, frame.data(), len);
            while (!last_out_)
                card_.step();
            uint64_t beats = (len + 63) / 64;
            printf("frame of %zu bytes: admitted %llu after its last beat, first beat out %llu\n",
                   len, since(last_in_, admitted_), since(last_in_, last_out_) - (beats - 1));
        }
    }

    /* Rows that are deleted take as long as rows that are written. */
    void changes()
    {
        static const char *const names[] = {
            "device",   "function",          "domain",       "address",  "service", "backend",
            "endpoint", "endpoint_any_port", "endpoint_any", "schedule", "timeout", "public"};
        static_assert(PORTCAM_TABLE_LIMITS == sizeof(names) / sizeof(names[0]),
                      "tables of more than one row, and the device");
        run({command(PORTCAM_OPCODE_CHANGE_BEGIN)});
        auto empty = run({command(PORTCAM_OPCODE_CHANGE_COMMIT)});
        printf("commit of nothing: %llu\n", empty);
        for (unsigned table = 1; table < PORTCAM_TABLE_LIMITS; table++) {
            auto written = change(table, 16);
            auto commit = run({command(PORTCAM_OPCODE_CHANGE_COMMIT)});
            printf("16 rows of %s: %.1f each to write, %.1f each to copy after the commit\n",
                   names[table], static_cast<double>(written) / 16,
                   static_cast<double>(commit - empty) / 16);
        }
        change(PORTCAM_TABLE_ENDPOINT, 4100);
        printf("commit of more rows than the card remembers: %llu\n",
               run({command(PORTCAM_OPCODE_CHANGE_COMMIT)}));
    }

    unsigned long long change(unsigned table, unsigned rows)
    {
        unsigned long long total = 0;
        run({command(PORTCAM_OPCODE_CHANGE_BEGIN)});
        for (unsigned row = 0; row < rows;) {
            std::vector<struct portcam_command> batch;
            while (row < rows && batch.size() < RingSize / 2)
                batch.push_back(command(PORTCAM_OPCODE_ROW_DELETE, table, row++));
            total += run(batch);
        }
        return total;
    }

    void reads()
    {
        printf("row_read: %llu\n", run({command(PORTCAM_OPCODE_ROW_READ, PORTCAM_TABLE_BACKEND)}));
        printf("counter_read of 1,024 rows: %llu\n",
               run({command(PORTCAM_OPCODE_COUNTER_READ, PORTCAM_COUNTER_TABLE_BACKEND, 0, 1024)}));
    }

    uint8_t *at(uint64_t iova, size_t len)
    {
        bool inside = iova >= MemoryAt && iova + len <= MemoryAt + memory_.size();
        return inside ? &memory_[iova - MemoryAt] : nullptr;
    }
    int dma_read(uint64_t iova, void *dst, size_t len) override
    {
        const uint8_t *p = at(iova, len);
        return p ? (memcpy(dst, p, len), 0) : -1;
    }
    int dma_write(uint64_t iova, const void *src, size_t len) override
    {
        uint8_t *p = at(iova, len);
        return p ? (memcpy(p, src, len), 0) : -1;
    }
    void irq(unsigned) override {}
    void frame_in(portcam::Side, unsigned, const portcam::Frame &) override
    {
        last_in_ = card_.clocks();
    }
    void admitted(portcam::Side) override { admitted_ = card_.clocks(); }
    void frame_out(portcam::Side, unsigned, portcam::Side, const portcam::Frame &) override
    {
        last_out_ = card_.clocks();
    }
    void commanded(const uint8_t *, unsigned status) override
    {
        finished_ = card_.clocks();
        if (status != PORTCAM_STATUS_OK)
            printf("a command was refused: status %u\n", status);
    }
};

} // namespace

int main()
{
    printf("clocks of the RTL, default build\n");
    Bench().go();
    return 0;
}
