// SPDX-License-Identifier: Apache-2.0
/* The engine that is the Verilated core, alone or in lockstep with the model. Its clock stands still when nothing is in
 * flight: no frame waits, no command is outstanding, no record is looked after and nothing has moved for a while. */
#include "engine.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "Vportcam_core.h"
#include "portcam_defs.h"
#include "replay.h"
#include "replay_record.hpp"
#include "rtl_card.hpp"

namespace
{

using Card = portcam::RtlCard<Vportcam_core>;
using portcam::Side;

constexpr size_t Room = 256;            /* frames that may wait on a side */
constexpr uint64_t ClocksARun = 1024;   /* bound of one run() */
constexpr uint64_t QuietIdle = 256;     /* more than any frame needs from end to end */
constexpr uint64_t QuietReset = 20000;  /* more than clearing the tables takes */
constexpr uint64_t QuietBusy = 2000000; /* more than a commit that copies every row: 836,090 */

class RtlEngine final : portcam::CardHooks
{
public:
    RtlEngine(const pc_engine_host &host, uint64_t seed, bool lockstep)
        : host_(host), card_(*this, seed)
    {
        if (lockstep) {
            pc_sizes sizes = pc_sizes_default();
            replay_ = pc_replay_new(&sizes, report, peek, this);
        }
        quiet_needed_ = QuietReset;
    }
    ~RtlEngine() override { pc_replay_free(replay_); }

    uint32_t reg_read(uint32_t offset)
    {
        Held held(card_);
        return card_.reg_read(offset);
    }

    void reg_write(uint32_t offset, uint32_t value)
    {
        Held held(card_);
        if (replay_)
            tell_registers(offset, value);
        card_.reg_write(offset, value);
        if (offset == PORTCAM_REG_HASH_SEED && replay_)
            pc_replay_seed(replay_, value);
        if (offset == PORTCAM_REG_CMD_CONTROL) {
            doorbell_ = base_ = card_.commands();
            enabled_ = value & PORTCAM_CMD_CONTROL_ENABLE;
        }
        if (offset == PORTCAM_REG_CMD_DOORBELL)
            doorbell_ = base_ + value;
        quiet_needed_ = QuietIdle;
    }

    void reset()
    {
        Held held(card_);
        if (replay_)
            tell_reset();
        card_.flr();
        enabled_ = false;
        doorbell_ = base_ = card_.commands();
        quiet_needed_ = QuietReset;
    }

    void set_time(uint32_t ms) { card_.set_time(ms); }
    bool room(unsigned function) { return card_.waiting(function ? Side::Host : Side::Net) < Room; }

    void push(unsigned function, const uint8_t *frame, size_t len)
    {
        stats_.frames_in++;
        card_.push(function ? Side::Host : Side::Net, function, frame, len);
    }

    bool run()
    {
        for (uint64_t n = 0; n < ClocksARun; n++) {
            if (idle()) {
                if (replay_)
                    pc_replay_settled(replay_);
                return false;
            }
            card_.step();
        }
        return !idle();
    }

    pc_engine_stats stats()
    {
        stats_.clocks = card_.clocks();
        stats_.differences = replay_ ? pc_replay_differences(replay_) : 0;
        return stats_;
    }

private:
    /* The DMA port stands still during a register access. */
    struct Held {
        Card &card;
        explicit Held(Card &c) : card(c) { card.hold_dma = true; }
        ~Held() { card.hold_dma = false; }
        Held(const Held &) = delete;
        Held &operator=(const Held &) = delete;
    };

    bool idle()
    {
        if (card_.waiting(Side::Net) || card_.waiting(Side::Host) || card_.active())
            return false;
        bool commanding = enabled_ && static_cast<int64_t>(doorbell_ - card_.commands()) > 0;
        return card_.quiet() > (commanding ? QuietBusy : quiet_needed_);
    }

    int dma_read(uint64_t iova, void *dst, size_t len) override
    {
        int answer = host_.dma_read(host_.ctx, iova, dst, len);
        if (replay_ && answer == 0)
            remember(iova, dst, len);
        return answer;
    }
    int dma_write(uint64_t iova, const void *src, size_t len) override
    {
        int answer = host_.dma_write(host_.ctx, iova, src, len);
        if (replay_ && !pc_replay_wrote(replay_, iova, src, len, answer != 0))
            remember(iova, src, len);
        return answer;
    }
    void irq(unsigned vector) override
    {
        if (vector == PORTCAM_VECTOR_ERRORS)
            doorbell_ = card_.commands(); /* a stopped ring finishes nothing more */
        host_.irq(host_.ctx, vector);
    }
    void frame_in(Side side, unsigned function, const portcam::Frame &frame) override
    {
        if (replay_)
            pc_replay_frame_in(replay_, side_of(side), function, frame.data(), frame.size());
    }
    void frame_out(Side side, unsigned function, Side from, const portcam::Frame &frame) override
    {
        stats_.frames_out++;
        if (replay_)
            pc_replay_frame_out(replay_, side_of(side), function, side_of(from), false,
                                frame.data(), frame.size());
        host_.frame(host_.ctx, side == Side::Net ? 0 : function, frame.data(), frame.size());
    }
    void answered(Side side, unsigned function, const portcam::Frame &frame) override
    {
        stats_.frames_out++;
        if (replay_)
            pc_replay_frame_out(replay_, side_of(side), function, side_of(side), true, frame.data(),
                                frame.size());
        host_.frame(host_.ctx, side == Side::Net ? 0 : function, frame.data(), frame.size());
    }
    void injected_out(Side side, unsigned function, const portcam::Frame &frame) override
    {
        stats_.frames_out++;
        if (replay_)
            pc_replay_injected_out(replay_, side_of(side), function, frame.data(), frame.size());
        host_.frame(host_.ctx, side == Side::Net ? 0 : function, frame.data(), frame.size());
    }
    void punt_choice(bool runs, bool room) override
    {
        if (replay_)
            pc_replay_punt_choice(replay_, runs, room);
    }
    void punt_end(Side from, bool lost, uint64_t iova) override
    {
        if (replay_)
            pc_replay_punt_end(replay_, side_of(from), lost, iova);
    }
    void inject_read(unsigned function, uint64_t iova, size_t len) override
    {
        portcam::Frame frame(len);
        if (replay_ && peek(this, iova, frame.data(), len) == 0)
            pc_replay_injected(replay_, function, frame.data(), len);
    }
    void recorded(const portcam::Record &r) override
    {
        if (replay_)
            portcam::replay_record(replay_, r);
    }
    void admitted(Side side) override
    {
        if (replay_)
            pc_replay_admitted(replay_, side_of(side));
    }
    void committed() override
    {
        if (replay_)
            pc_replay_committed(replay_);
    }
    void cleared() override
    {
        if (replay_)
            pc_replay_cleared(replay_);
    }
    void commanded(const uint8_t *command, unsigned status) override
    {
        if (replay_)
            pc_replay_commanded(replay_, command, status);
    }

    void traced(unsigned number, bool first, bool room) override
    {
        if (replay_)
            pc_replay_traced(replay_, number, first, room);
    }

    /* What the replay has to know of what the host is about to do. */
    void tell_reset()
    {
        pc_replay_mirror_reg(replay_, PORTCAM_REG_MIRROR_CONTROL, 0);
        pc_replay_trace_reset(replay_);
    }
    void tell_registers(uint32_t offset, uint32_t value)
    {
        pc_replay_mirror_reg(replay_, offset, value);
        pc_replay_trace_reg(replay_, offset, value);
        if (offset == PORTCAM_REG_PUNT_HEAD)
            pc_replay_punt_head(replay_, value);
        else if (offset == PORTCAM_REG_PUNT_CONTROL && !(value & PORTCAM_PUNT_CONTROL_ENABLE))
            pc_replay_punt_stops(replay_);
        else if (offset == PORTCAM_REG_PUNT_CONTROL)
            pc_replay_punt_enable(replay_, card_.reg_read(PORTCAM_REG_PUNT_SIZE));
    }

    static pc_side side_of(Side side) { return side == Side::Net ? PC_SIDE_NET : PC_SIDE_HOST; }
    static void report(void *ctx, const char *text)
    {
        auto *self = static_cast<RtlEngine *>(ctx);
        self->host_.difference(self->host_.ctx, text);
    }

    /* What the host's memory holds, as the newest reads and writes have seen it: what the replay compares, without asking
     * the host for it. */
    struct Write {
        uint64_t iova;
        std::vector<uint8_t> bytes;
    };
    static constexpr size_t Remembered =
        2200; /* beats; more than the longest answer has, or the most images */
    std::deque<Write> writes_;

    void remember(uint64_t iova, const void *src, size_t len)
    {
        const auto *p = static_cast<const uint8_t *>(src);
        writes_.push_front({iova, {p, p + len}});
        if (writes_.size() > Remembered)
            writes_.pop_back();
    }
    static int peek(void *ctx, uint64_t iova, void *dst, size_t len)
    {
        const auto &writes = static_cast<RtlEngine *>(ctx)->writes_;
        auto *to = static_cast<uint8_t *>(dst);
        while (len) {
            auto w = std::find_if(writes.begin(), writes.end(), [&](const Write &x) {
                return x.iova <= iova && iova - x.iova < x.bytes.size();
            });
            if (w == writes.end())
                return -ENOENT;
            size_t n = std::min<size_t>(len, w->bytes.size() - (iova - w->iova));
            memcpy(to, &w->bytes[iova - w->iova], n);
            to += n;
            iova += n;
            len -= n;
        }
        return 0;
    }

    pc_engine_host host_;
    pc_replay *replay_ = nullptr;
    Card card_;
    pc_engine_stats stats_ = {};
    uint64_t doorbell_ = 0, base_ = 0, quiet_needed_ = QuietIdle;
    bool enabled_ = false; /* the command ring; a doorbell of one that is not starts nothing */
};

RtlEngine &of(void *self)
{
    return *static_cast<RtlEngine *>(self);
}

} // namespace

bool pc_engine_rtl(struct pc_engine *e, const struct pc_engine_host *host, uint64_t seed,
                   bool lockstep)
{
    e->name = lockstep ? "lockstep" : "rtl";
    e->self = new RtlEngine(*host, seed, lockstep);
    e->reg_read = [](void *s, uint32_t offset) { return of(s).reg_read(offset); };
    e->reg_write = [](void *s, uint32_t offset, uint32_t v) { of(s).reg_write(offset, v); };
    e->reset = [](void *s) { of(s).reset(); };
    e->set_time = [](void *s, uint32_t ms) { of(s).set_time(ms); };
    e->room = [](void *s, unsigned function) { return of(s).room(function); };
    e->push = [](void *s, unsigned function, const uint8_t *frame, size_t len) {
        of(s).push(function, frame, len);
    };
    e->run = [](void *s) { return of(s).run(); };
    e->stats = [](void *s, pc_engine_stats *ret) { *ret = of(s).stats(); };
    e->free = [](void *s) { delete static_cast<RtlEngine *>(s); };
    return true;
}

bool pc_engine_open(struct pc_engine *e, const char *kind, const struct pc_engine_host *host,
                    uint64_t seed)
{
    std::string name = kind;
    if (name == "model")
        return pc_engine_model(e, host);
    if (name == "rtl" || name == "lockstep")
        return pc_engine_rtl(e, host, seed, name == "lockstep");
    return false;
}
