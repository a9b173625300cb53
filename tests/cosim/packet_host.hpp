// SPDX-License-Identifier: Apache-2.0
/* The host's side of the punt and the inject ring in lockstep: it starts and stops them at random moments, consumes lazily so
 * that the punt ring is full at times, injects good and bad descriptors, and lets host memory fail. What is in an entry the
 * replay compares; here are laps, indices, vector 2 and the order of descriptors. */
#ifndef PC_COSIM_PACKET_HOST_HPP
#define PC_COSIM_PACKET_HOST_HPP

#include <cstring>
#include <deque>
#include <functional>
#include <vector>

#include "portcam_defs.h"
#include "replay.h"
#include "rng.h"

template <class Card>
class PacketHost
{
public:
    /* What must be met. */
    enum Bin {
        PuntFull,
        PuntLimited,
        PuntStopped,
        PuntFailed,
        PuntLost,
        PuntLong,
        InjectRefused,
        InjectFailed,
        InjectStopped,
        InjectDoorbell,
        InjectLong,
        PuntInterrupt,
        Bins
    };
    static constexpr const char *Names[Bins] = {"punt: the ring was full",
                                                "punt: a packet beyond the limit",
                                                "punt: stopped while packets were on their way",
                                                "punt: host memory failed",
                                                "punt: a packet was lost on its way",
                                                "punt: a frame of more than 1,500 bytes",
                                                "inject: a bad descriptor between others",
                                                "inject: host memory failed",
                                                "inject: stopped while descriptors waited",
                                                "inject: a doorbell too far ahead",
                                                "inject: a frame of more than 4,096 bytes",
                                                "punt: an interrupt"};
    uint64_t bins[Bins] = {};

    PacketHost(Card &card, uint64_t seed, const struct pc_sizes &sizes,
               std::function<void(const char *)> note, std::function<void()> cause,
               std::function<void(unsigned)> clocks)
        : card_(card), dice_(pc_rng_stream(seed, "packets")), sizes_(sizes), memory_(Bytes),
          note_(note), cause_(cause), clocks_(clocks)
    {
    }
    void follow(struct pc_replay *replay) { replay_ = replay; }

    /* ---- host memory ---- */

    static bool here(uint64_t iova) { return iova >= Base && iova < Base + Bytes; }
    int read(uint64_t iova, void *dst, size_t len)
    {
        if (iova + len > Base + Bytes)
            return -1;
        memcpy(dst, &memory_[iova - Base], len);
        return 0;
    }
    int write(uint64_t iova, const void *src, size_t len)
    {
        if (refuse_ || iova + len > Base + InjectAt) {
            failed_ = true;
            cause_();
            return -1;
        }
        memcpy(&memory_[iova - Base], src, len);
        return 0;
    }

    /* ---- what the host does ---- */

    void step()
    {
        if (!punt_on_ && chance(20))
            start_punt();
        if (!inject_on_ && chance(20))
            start_inject();
        if (punt_on_) {
            consume(chance(greedy_) ? 16 : pc_rng_below(&dice_, 3));
            maybe_arm();
            if (one_in(400))
                stop_punt();
            else if (one_in(400))
                fail_punt();
        }
        if (inject_on_) {
            if (chance(60))
                inject(1 + pc_rng_below(&dice_, 6));
            if (one_in(300))
                stop_inject();
            else if (one_in(400))
                fail_inject();
            else if (one_in(400))
                bad_doorbell();
        }
    }

    /* After a reset of the function: nothing runs. */
    void reset()
    {
        punt_on_ = inject_on_ = armed_ = false;
        descriptors_.clear();
    }

    bool punting() const { return punt_on_; }

    /* Another host program comes: both rings stop. */
    void restart()
    {
        if (punt_on_)
            stop_punt();
        if (inject_on_)
            stop_inject();
    }

    /* Nothing is in flight any more. */
    void finish()
    {
        if (punt_on_) {
            consume(1 << 12);
            if (card_.reg_read(PORTCAM_REG_PUNT_TAIL) != next_)
                note_("PUNT_TAIL is not the number of entries");
            if (armed_ && static_cast<int32_t>(next_ - arm_) > 0)
                note_("the interrupt of an arming of PUNT_ARM is lost");
        }
        if (inject_on_ && card_.reg_read(PORTCAM_REG_INJECT_HEAD) != tail_)
            note_("INJECT_HEAD is not the doorbell");
        if (inject_on_ && card_.reg_read(PORTCAM_REG_INJECT_REFUSED) != refused_)
            note_("INJECT_REFUSED is not the number of bad descriptors");
        if (!descriptors_.empty())
            note_("an injected frame was not read");
    }

    /* ---- hooks of the card ---- */

    void irq()
    {
        bins[PuntInterrupt]++;
        if (!armed_)
            note_("an interrupt of vector 2 without an arming, or a second one");
        else if (static_cast<int32_t>(written() - arm_) <= 0)
            note_("an interrupt of vector 2 without an entry beyond the armed index");
        else
            armed_ = false;
    }
    void ended(bool lost, uint64_t iova)
    {
        struct portcam_punt_header h;
        bins[PuntLost] += lost;
        if (lost || read(iova, &h, sizeof(h)) != 0)
            return;
        bins[PuntLong] += h.len > 1500;
    }
    /* The card read a frame: it must be the next good descriptor's. */
    void was_read(unsigned function, uint64_t iova, size_t len)
    {
        if (descriptors_.empty()) {
            note_("a frame was injected that no descriptor names");
            return;
        }
        struct portcam_inject_descriptor d = descriptors_.front();
        descriptors_.pop_front();
        if (d.address != iova || d.len != len || d.egress != function)
            note_("a frame was injected out of order, or not as its descriptor says");
        bins[InjectLong] += len > 4096;
        if (here(iova))
            pc_replay_injected(replay_, function, &memory_[iova - Base], len);
    }

private:
    static constexpr uint64_t Base = 0x20000000;
    static constexpr unsigned MostLog2 = 4, Most = 1 << MostLog2;
    static constexpr uint64_t InjectAt = Most * PORTCAM_PUNT_ENTRY, FramesAt = InjectAt + 0x1000,
                              FrameBytes = 0x4000, Bytes = FramesAt + Most * FrameBytes;
    static constexpr uint64_t NoMemory = 0x40000000;

    bool chance(unsigned percent) { return pc_rng_chance(&dice_, percent); }
    bool one_in(unsigned n) { return pc_rng_below(&dice_, n) == 0; }

    struct portcam_punt_header header(uint32_t index) const
    {
        struct portcam_punt_header h;
        memcpy(&h, &memory_[(index & (size() - 1)) * PORTCAM_PUNT_ENTRY], sizeof(h));
        return h;
    }
    uint32_t size() const { return 1u << punt_log2_; }
    bool is_there(uint32_t index) const { return header(index).lap == (index >> punt_log2_) + 1; }
    uint32_t written() const
    {
        uint32_t n = next_;
        while (n - released_ < size() && is_there(n))
            n++;
        return n;
    }

    void start_punt()
    {
        punt_log2_ = 2 + pc_rng_below(&dice_, MostLog2 - 1);
        greedy_ = chance(50) ? 80 : 5;
        if (armed_) /* it may still come */
            clocks_(600);
        armed_ = false;
        memset(&memory_[0], 0, InjectAt);
        next_ = released_ = 0;
        card_.reg_write(PORTCAM_REG_PUNT_BASE_LO, static_cast<uint32_t>(Base));
        card_.reg_write(PORTCAM_REG_PUNT_BASE_HI, static_cast<uint32_t>(Base >> 32));
        card_.reg_write(PORTCAM_REG_PUNT_SIZE, punt_log2_);
        pc_replay_punt_enable(replay_, punt_log2_);
        card_.reg_write(PORTCAM_REG_PUNT_CONTROL, PORTCAM_PUNT_CONTROL_ENABLE);
        punt_on_ = true;
    }
    void consume(unsigned most)
    {
        while (most-- && next_ - released_ < size() && is_there(next_))
            next_++;
        uint32_t lap = header(next_).lap;
        if (next_ - released_ < size() && !is_there(next_) && lap && lap != (next_ >> punt_log2_))
            note_("an entry of the punt ring has a lap that can not be");
        if (next_ != released_) {
            released_ = next_;
            pc_replay_punt_head(replay_, next_);
            card_.reg_write(PORTCAM_REG_PUNT_HEAD, next_);
        }
    }
    void maybe_arm()
    {
        if (armed_ || !chance(20))
            return;
        arm_ = next_ + pc_rng_below(&dice_, 3) - 1;
        armed_ = true;
        card_.reg_write(PORTCAM_REG_PUNT_ARM, arm_);
    }

    /* Until the ring does not run any more. */
    uint32_t await_rest(uint32_t offset)
    {
        uint32_t status = PORTCAM_PUNT_STATUS_RUNNING;
        for (int patience = 0; status & PORTCAM_PUNT_STATUS_RUNNING; patience++) {
            clocks_(16);
            status = card_.reg_read(offset);
            if (patience > 20000) {
                note_("a ring does not stop");
                break;
            }
        }
        return status;
    }

    /* What was punted before is written, and nothing behind it. */
    void stop_punt()
    {
        pc_replay_punt_stops(replay_);
        card_.reg_write(PORTCAM_REG_PUNT_CONTROL, 0);
        uint32_t before = card_.reg_read(PORTCAM_REG_PUNT_TAIL);
        if (await_rest(PORTCAM_REG_PUNT_STATUS) != 0)
            note_("the punt ring stopped with an error");
        uint32_t tail = card_.reg_read(PORTCAM_REG_PUNT_TAIL);
        bins[PuntStopped] += tail != before;
        consume(1 << 12);
        if (tail != next_)
            note_("the punt ring stopped, and its entries are not all there");
        punt_on_ = false;
    }
    void fail_punt()
    {
        consume(1 << 12);
        pc_replay_punt_stops(replay_);
        refuse_ = true;
        failed_ = false;
        for (int patience = 0; !failed_ && patience < 200; patience++)
            clocks_(8);
        if (failed_) {
            bins[PuntFailed]++;
            uint32_t want = PORTCAM_PUNT_STATUS_ERROR | PORTCAM_STATUS_DMA_WRITE_ERROR
                                                            << PORTCAM_PUNT_STATUS_REASON_SHIFT;
            uint32_t status = 0;
            for (int patience = 0; !(status & PORTCAM_PUNT_STATUS_ERROR) && patience < 4000;
                 patience++) {
                clocks_(8);
                status = card_.reg_read(PORTCAM_REG_PUNT_STATUS);
            }
            if (await_rest(PORTCAM_REG_PUNT_STATUS) != want)
                note_("a write that failed did not stop the punt ring");
            clocks_(200);
            card_.reg_write(PORTCAM_REG_PUNT_CONTROL, 0);
            punt_on_ = false;
        }
        refuse_ = false;
    }

    void start_inject()
    {
        inject_log2_ = 2 + pc_rng_below(&dice_, MostLog2 - 1);
        tail_ = head_ = refused_ = 0;
        card_.reg_write(PORTCAM_REG_INJECT_BASE_LO, static_cast<uint32_t>(Base + InjectAt));
        card_.reg_write(PORTCAM_REG_INJECT_BASE_HI, 0);
        card_.reg_write(PORTCAM_REG_INJECT_SIZE, inject_log2_);
        card_.reg_write(PORTCAM_REG_INJECT_CONTROL, PORTCAM_INJECT_CONTROL_ENABLE);
        inject_on_ = true;
    }
    unsigned room()
    {
        head_ = card_.reg_read(PORTCAM_REG_INJECT_HEAD);
        if (tail_ - head_ > 1u << inject_log2_)
            note_("INJECT_HEAD is beyond the doorbell");
        return (1u << inject_log2_) - (tail_ - head_);
    }
    struct portcam_inject_descriptor good()
    {
        struct portcam_inject_descriptor d = {};
        unsigned at = tail_ & (Most - 1);
        unsigned dice = pc_rng_below(&dice_, 100);
        d.len = static_cast<uint16_t>(1 + pc_rng_below(&dice_, dice < 60   ? 130
                                                               : dice < 95 ? 1600
                                                                           : sizes_.max_frame));
        d.egress = static_cast<uint8_t>(pc_rng_below(&dice_, sizes_.functions));
        d.cookie = tail_;
        unsigned spare = (FrameBytes - (d.len + 63u) / 64 * 64) / 64;
        d.address = Base + FramesAt + at * FrameBytes + 64 * pc_rng_below(&dice_, spare + 1);
        pc_rng_bytes(&dice_, &memory_[d.address - Base], d.len);
        return d;
    }
    void put(const struct portcam_inject_descriptor &d)
    {
        memcpy(&memory_[InjectAt + (tail_ & ((1u << inject_log2_) - 1)) * sizeof(d)], &d,
               sizeof(d));
        tail_++;
    }
    void inject(unsigned count)
    {
        for (unsigned left = room(); left && count; left--, count--) {
            struct portcam_inject_descriptor d = good();
            if (chance(6)) {
                switch (pc_rng_below(&dice_, 6)) {
                case 0:
                    d.len = 0;
                    break;
                case 1:
                    d.len = static_cast<uint16_t>(sizes_.max_frame + 1);
                    break;
                case 2:
                    d.egress = static_cast<uint8_t>(sizes_.functions);
                    break;
                case 3:
                    d.address += 8;
                    break;
                case 4:
                    d.pad = 1;
                    break;
                default:
                    d.reserved[pc_rng_below(&dice_, sizeof(d.reserved))] = 0x80;
                    break;
                }
                refused_++;
                bins[InjectRefused]++;
            } else {
                descriptors_.push_back(d);
            }
            put(d);
        }
        card_.reg_write(PORTCAM_REG_INJECT_DOORBELL, tail_);
    }
    /* The descriptor in work is finished, the others are not begun. */
    void stop_inject()
    {
        inject(Most);
        clocks_(pc_rng_below(&dice_, 60));
        card_.reg_write(PORTCAM_REG_INJECT_CONTROL, 0);
        if (await_rest(PORTCAM_REG_INJECT_STATUS) != 0)
            note_("the inject ring stopped with an error");
        bins[InjectStopped] += card_.reg_read(PORTCAM_REG_INJECT_HEAD) != tail_;
        clocks_(100);
        descriptors_.clear();
        inject_on_ = false;
    }
    void failed(unsigned reason)
    {
        uint32_t want = PORTCAM_PUNT_STATUS_ERROR | reason << PORTCAM_PUNT_STATUS_REASON_SHIFT;
        uint32_t status = 0;
        for (int patience = 0; !(status & PORTCAM_PUNT_STATUS_ERROR) && patience < 20000;
             patience++) {
            clocks_(8);
            status = card_.reg_read(PORTCAM_REG_INJECT_STATUS);
        }
        if (await_rest(PORTCAM_REG_INJECT_STATUS) != want)
            note_("an error did not stop the inject ring");
        clocks_(200);
        card_.reg_write(PORTCAM_REG_INJECT_CONTROL, 0);
        descriptors_.clear();
        inject_on_ = false;
    }
    void fail_inject()
    {
        while (room() < 2)
            clocks_(50);
        struct portcam_inject_descriptor d = good();
        d.len = static_cast<uint16_t>(1 + pc_rng_below(&dice_, 5000));
        d.address = NoMemory + 64 * pc_rng_below(&dice_, 64);
        put(d);
        descriptors_.push_back(good()); /* never read */
        put(descriptors_.back());
        bins[InjectFailed]++;
        card_.reg_write(PORTCAM_REG_INJECT_DOORBELL, tail_);
        failed(PORTCAM_STATUS_DMA_READ_ERROR);
    }
    void bad_doorbell()
    {
        bins[InjectDoorbell]++;
        cause_();
        card_.reg_write(PORTCAM_REG_INJECT_DOORBELL,
                        tail_ + (1u << inject_log2_) + 1 + pc_rng_below(&dice_, 1 << 20));
        failed(PORTCAM_STATUS_BAD_DOORBELL);
    }

    Card &card_;
    struct pc_rng dice_;
    struct pc_sizes sizes_;
    std::vector<uint8_t> memory_;
    std::function<void(const char *)> note_;
    std::function<void()> cause_;
    std::function<void(unsigned)> clocks_;
    struct pc_replay *replay_ = nullptr;
    bool punt_on_ = false, inject_on_ = false, refuse_ = false, failed_ = false;
    bool armed_ = false;
    unsigned punt_log2_ = 2, inject_log2_ = 2, greedy_ = 50;
    uint32_t next_ = 0, released_ = 0, arm_ = 0;
    uint32_t tail_ = 0, head_ = 0, refused_ = 0;
    std::deque<struct portcam_inject_descriptor> descriptors_; /* good ones, not yet read */
};

#endif
