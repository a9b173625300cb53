// SPDX-License-Identifier: Apache-2.0
/* The Verilated core with something plugged into every port: frame sources and sinks, an AXI4-Lite master, host memory behind
 * the AXI4 DMA port, interrupts, and the trace ports. One step() is one clock. Header-only and a template over the Verilated
 * class, so that builds of other parameters use it too. The owner overrides the hooks; nothing here decides what is right. */
#ifndef PC_SIM_RTL_CARD_HPP
#define PC_SIM_RTL_CARD_HPP

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include <verilated.h>

#include "rng.h"

namespace portcam
{

using Frame = std::vector<uint8_t>;

enum Side { Net = 0, Host = 1 };

/* An operation at the record stage: see portcam_core.sv and portcam_connection_pkg.sv. */
struct Record {
    bool packet;   /* a header passed, whether it concerned records or not */
    unsigned kind; /* op_e; what else passed in this clock */
    bool acted, asked, second, room;
    unsigned index, slot, to;
    uint32_t time;
    const void *image; /* 128 bytes, of an insert */
    unsigned mirror;   /* taken, lost, copied again, start */
};

/* What the owner of a card wants to know and must provide. */
struct CardHooks {
    virtual ~CardHooks() = default;
    virtual int dma_read(uint64_t iova, void *dst, size_t len) = 0;
    virtual int dma_write(uint64_t iova, const void *src, size_t len) = 0;
    virtual void irq(unsigned vector) = 0;
    virtual void frame_out(Side side, unsigned function, Side from, const Frame &frame) = 0;
    /* A frame that the card made itself, in answer to one that came from this side and function. */
    virtual void answered(Side side, unsigned function, const Frame &frame)
    {
        frame_out(side, function, side, frame);
    }
    /* A frame that the host injected leaves. */
    virtual void injected_out(Side side, unsigned function, const Frame &frame)
    {
        frame_out(side, function, side, frame);
    }
    /* Trace of the lookup pipeline, in its order. */
    virtual void frame_in(Side, unsigned /*function*/, const Frame &) {}
    virtual void admitted(Side) {}
    virtual void committed() {}
    virtual void recorded(const Record &) {}
    virtual void cleared() {}
    virtual void punt_choice(bool /*runs*/, bool /*room*/) {}
    virtual void punt_end(Side /*from*/, bool /*lost*/, uint64_t /*iova*/) {}
    /* A packet was tested for the trace: its number modulo 128, the first of a run of the ring, room for a sample. */
    virtual void traced(unsigned /*number*/, bool /*first*/, bool /*room*/) {}
    virtual void inject_read(unsigned /*function*/, uint64_t /*iova*/, size_t /*len*/) {}
    virtual void commanded(const uint8_t * /*command, 64 bytes*/, unsigned /*status*/) {}
};

/* Percent of clocks in which something that could go on does not; 0 everywhere: full speed. */
struct CardStress {
    unsigned source_idle[2] = {0, 0}; /* gaps between the beats that come in */
    unsigned sink_stall[2] = {0, 0};  /* back-pressure on what goes out */
    unsigned dma_stall = 0;           /* every channel of the DMA port */
    unsigned dma_latency = 0;         /* clocks, at most, from an address to its first answer */
    bool garbage = false;             /* random data where nothing is valid */
};

template <class Top>
class RtlCard
{
public:
    RtlCard(CardHooks &hooks, uint64_t seed)
        : hooks_(hooks), rng_(pc_rng_stream(seed, "card")), context_(new VerilatedContext)
    {
        context_->randReset(2);
        context_->randSeed(static_cast<int>(seed & 0x7fffffff) | 1);
        context_->fatalOnError(true);
        top_.reset(new Top(context_.get()));
        top_->rst_ni = 0;
        top_->flr_i = 0;
        top_->time_ms_i = 0;
        top_->s_axil_awvalid = top_->s_axil_wvalid = top_->s_axil_bready = 0;
        top_->s_axil_arvalid = top_->s_axil_rready = 0;
        for (int i = 0; i < 4; i++)
            step();
        top_->rst_ni = 1;
        step();
    }
    ~RtlCard() { top_->final(); }
    RtlCard(const RtlCard &) = delete;
    RtlCard &operator=(const RtlCard &) = delete;

    CardStress stress;
    bool hold_dma = false; /* nothing moves on the DMA port */

    Top &top() { return *top_; }
    VerilatedContext &context() { return *context_; }
    uint64_t clocks() const { return clock_; }
    uint64_t quiet() const { return clock_ - last_activity_; } /* clocks without any transfer */
    size_t waiting(Side side) const { return source_[side].queue.size(); }
    uint64_t commands() const { return commands_; } /* finished, since the start */

    void push(Side side, unsigned function, const uint8_t *frame, size_t len)
    {
        source_[side].queue.push_back({Frame(frame, frame + len), function});
    }
    void set_time(uint32_t ms) { top_->time_ms_i = ms; }
    bool active() const { return top_->active_o; } /* records are being looked after */
    void flr()
    {
        top_->flr_i = 1;
        step();
        top_->flr_i = 0;
        last_activity_ = clock_;
    }
    uint32_t reg_read(uint32_t offset);
    void reg_write(uint32_t offset, uint32_t value);
    void step();

private:
    struct Queued {
        Frame bytes;
        unsigned function;
    };
    struct Source {
        std::deque<Queued> queue;
        size_t at = 0;
        bool valid = false;
        /* The beat that is offered; it holds still until it is taken. */
        uint8_t beat[64] = {0};
        uint64_t keep = 0;
        bool last = false;
        unsigned function = 0;
    };
    struct Sink {
        Frame frame;
        bool ready = false;
    };
    struct ReadBeat {
        uint8_t data[64];
        unsigned resp;
        bool last;
        uint64_t due;
    };
    struct ReadRequest {
        uint64_t at;
        unsigned beats;
    };
    struct WriteBeat {
        uint64_t at, strobe;
        bool last;
        uint8_t data[64];
    };

    CardHooks &hooks_;
    struct pc_rng rng_;
    std::deque<ReadBeat> reads_;
    std::deque<ReadRequest> read_requests_;
    std::deque<WriteBeat> write_requests_;
    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Top> top_;
    uint64_t clock_ = 0, last_activity_ = 0, commands_ = 0;
    Source source_[2];
    Sink sink_[2];
    bool r_valid_ = false, b_valid_ = false;
    bool ar_ready_ = false, aw_ready_ = false, w_ready_ = false, irq_ready_ = false;
    uint64_t write_at_ = 0;
    bool writing_ = false;
    unsigned write_resp_ = 0;
    std::deque<std::pair<unsigned, uint64_t>> write_answers_; /* response, due */

    /* What happened on the register port in the last clock. */
    struct {
        bool ar, r, aw, w, b;
        uint32_t rdata;
    } axil_ = {};
    static constexpr int AxilPatience = 1000; /* clocks until a register counts as dead */

    bool stalls(unsigned percent) { return percent && pc_rng_chance(&rng_, percent); }
    void offer(Source &s);
    void drive_source(Side side);
    void drive();
    void after_source(Side side, bool fired);
    void after_sink(Side side, bool fired, unsigned function, unsigned user, uint64_t keep,
                    bool last, const void *data);
    void after_dma();
    void serve_dma();
    uint64_t due();
    void record();
};

/* ---- what goes into the core before the clock edge ---- */

/* Fill the beat: the next bytes of the frame in front, noise where there are none. */
template <class Top>
void RtlCard<Top>::offer(Source &s)
{
    if (stress.garbage) {
        pc_rng_bytes(&rng_, s.beat, sizeof(s.beat));
        s.keep = pc_rng_next(&rng_);
        s.last = s.keep & 1;
        s.function = s.keep >> 8 & 255;
    }
    if (!s.valid)
        return;
    const Frame &f = s.queue.front().bytes;
    size_t n = f.size() - s.at < 64 ? f.size() - s.at : 64;
    memcpy(s.beat, f.data() + s.at, n);
    s.keep = n == 64 ? ~0ull : (1ull << n) - 1;
    s.last = s.at + n == f.size();
    s.function = s.queue.front().function;
}

template <class Top>
void RtlCard<Top>::drive_source(Side side)
{
    Source &s = source_[side];
    if (!s.valid) {
        s.valid = !s.queue.empty() && !stalls(stress.source_idle[side]);
        offer(s);
    }
    if (side == Net) {
        memcpy(&top_->s_axis_net_tdata[0], s.beat, 64);
        top_->s_axis_net_tkeep = s.keep;
        top_->s_axis_net_tlast = s.last;
        top_->s_axis_net_tvalid = s.valid;
        top_->m_axis_net_tready = sink_[side].ready = !stalls(stress.sink_stall[side]);
    } else {
        memcpy(&top_->s_axis_host_tdata[0], s.beat, 64);
        top_->s_axis_host_tkeep = s.keep;
        top_->s_axis_host_tlast = s.last;
        top_->s_axis_host_tuser = static_cast<uint8_t>(s.function);
        top_->s_axis_host_tvalid = s.valid;
        top_->m_axis_host_tready = sink_[side].ready = !stalls(stress.sink_stall[side]);
    }
}

template <class Top>
void RtlCard<Top>::drive()
{
    drive_source(Net);
    drive_source(Host);
    top_->m_axi_arready = ar_ready_ =
        !hold_dma && reads_.size() < 64 && read_requests_.size() < 4 && !stalls(stress.dma_stall);
    top_->m_axi_awready = aw_ready_ = !hold_dma && !writing_ && !stalls(stress.dma_stall);
    top_->m_axi_wready = w_ready_ = !hold_dma && writing_ && !stalls(stress.dma_stall);
    if (!r_valid_ && !reads_.empty() && reads_.front().due <= clock_ && !stalls(stress.dma_stall))
        r_valid_ = true;
    top_->m_axi_rvalid = r_valid_;
    if (r_valid_) {
        memcpy(&top_->m_axi_rdata[0], reads_.front().data, 64);
        top_->m_axi_rresp = reads_.front().resp;
        top_->m_axi_rlast = reads_.front().last;
    } else if (stress.garbage) {
        pc_rng_bytes(&rng_, &top_->m_axi_rdata[0], 64);
        top_->m_axi_rlast = pc_rng_next(&rng_) & 1;
    }
    if (!b_valid_ && !write_answers_.empty() && write_answers_.front().second <= clock_ &&
        !stalls(stress.dma_stall))
        b_valid_ = true;
    top_->m_axi_bvalid = b_valid_;
    top_->m_axi_bresp = b_valid_ ? write_answers_.front().first : 0;
    top_->irq_ready_i = irq_ready_ = !stalls(stress.dma_stall);
}

/* ---- what came out of it ---- */

template <class Top>
void RtlCard<Top>::after_source(Side side, bool fired)
{
    if (!fired)
        return;
    Source &s = source_[side];
    s.valid = false;
    s.at += 64;
    if (s.at < s.queue.front().bytes.size())
        return;
    hooks_.frame_in(side, s.queue.front().function, s.queue.front().bytes);
    s.queue.pop_front();
    s.at = 0;
}

template <class Top>
void RtlCard<Top>::after_sink(Side side, bool fired, unsigned function, unsigned user,
                              uint64_t keep, bool last, const void *data)
{
    if (!fired)
        return;
    Frame &f = sink_[side].frame;
    size_t n = keep == ~0ull ? 64 : static_cast<size_t>(__builtin_ctzll(~keep));
    const uint8_t *p = static_cast<const uint8_t *>(data);
    f.insert(f.end(), p, p + n);
    if (!last)
        return;
    if (user == 3)
        hooks_.injected_out(side, function, f);
    else if (user == 2)
        hooks_.answered(side, function, f);
    else
        hooks_.frame_out(side, function, user ? Host : Net, f);
    f.clear();
}

/* When an answer that is ready now may show. */
template <class Top>
uint64_t RtlCard<Top>::due()
{
    return clock_ + (stress.dma_latency ? pc_rng_below(&rng_, stress.dma_latency + 1) : 0);
}

/* What moved on the DMA port in this clock. */
template <class Top>
void RtlCard<Top>::after_dma()
{
    if (r_valid_ && top_->m_axi_rready) {
        reads_.pop_front();
        r_valid_ = false;
        last_activity_ = clock_;
    }
    if (b_valid_ && top_->m_axi_bready) {
        write_answers_.pop_front();
        b_valid_ = false;
        last_activity_ = clock_;
    }
    if (ar_ready_ && top_->m_axi_arvalid) {
        read_requests_.push_back({top_->m_axi_araddr, top_->m_axi_arlen + 1u});
        last_activity_ = clock_;
    }
    if (w_ready_ && top_->m_axi_wvalid) {
        WriteBeat w{write_at_, top_->m_axi_wstrb, top_->m_axi_wlast != 0, {}};
        memcpy(w.data, &top_->m_axi_wdata[0], 64);
        write_requests_.push_back(w);
        write_at_ += 64;
        if (top_->m_axi_wlast)
            writing_ = false;
        last_activity_ = clock_;
    }
    if (aw_ready_ && top_->m_axi_awvalid) {
        writing_ = true;
        write_at_ = top_->m_axi_awaddr & ~63ull;
        last_activity_ = clock_;
    }
}

/* Host memory is touched between two clocks, because the owner may access registers, and so step(), from inside its
 * hooks while it waits for that memory. */
template <class Top>
void RtlCard<Top>::serve_dma()
{
    while (!read_requests_.empty()) {
        ReadRequest r = read_requests_.front();
        read_requests_.pop_front();
        uint64_t when = due();
        for (unsigned i = 0; i < r.beats; i++) {
            ReadBeat b{};
            bool failed = hooks_.dma_read(r.at + 64ull * i, b.data, 64) != 0;
            b.resp = failed ? 2 : 0;
            b.last = i + 1 == r.beats;
            b.due = when;
            reads_.push_back(b);
        }
    }
    while (!write_requests_.empty()) {
        WriteBeat w = write_requests_.front();
        write_requests_.pop_front();
        for (unsigned from = 0; from < 64;) {
            unsigned to = from;
            while (to < 64 && w.strobe >> to & 1)
                to++;
            if (to > from && hooks_.dma_write(w.at + from, w.data + from, to - from) != 0)
                write_resp_ = 2;
            from = to + 1;
        }
        if (w.last) {
            write_answers_.push_back({write_resp_, due()});
            write_resp_ = 0;
        }
    }
}

template <class Top>
void RtlCard<Top>::record()
{
    unsigned flags = top_->trace_record_flags_o;
    hooks_.recorded({top_->trace_record_packet_o != 0, top_->trace_record_kind_o, (flags & 1) != 0,
                     (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0,
                     top_->trace_record_index_o, top_->trace_record_slot_o, top_->trace_record_to_o,
                     top_->trace_record_time_o, &top_->trace_record_image_o[0],
                     top_->trace_record_mirror_o});
}

template <class Top>
void RtlCard<Top>::step()
{
    if (!hold_dma)
        serve_dma();
    drive();
    top_->clk_i = 0;
    top_->eval();
    bool in[2] = {source_[Net].valid && top_->s_axis_net_tready && top_->rst_ni,
                  source_[Host].valid && top_->s_axis_host_tready && top_->rst_ni};
    bool out[2] = {sink_[Net].ready && top_->m_axis_net_tvalid && top_->rst_ni,
                   sink_[Host].ready && top_->m_axis_host_tvalid && top_->rst_ni};
    if (in[0] || in[1] || out[0] || out[1])
        last_activity_ = clock_;
    axil_ = {
        top_->s_axil_arvalid && top_->s_axil_arready, top_->s_axil_rready && top_->s_axil_rvalid,
        top_->s_axil_awvalid && top_->s_axil_awready, top_->s_axil_wvalid && top_->s_axil_wready,
        top_->s_axil_bready && top_->s_axil_bvalid,   top_->s_axil_rdata};
    if (top_->rst_ni) {
        if (top_->trace_packet_valid_o) {
            hooks_.admitted(top_->trace_packet_host_o ? Host : Net);
            last_activity_ = clock_;
        }
        if (top_->trace_record_valid_o)
            record();
        if (top_->trace_punt_valid_o)
            hooks_.punt_choice(top_->trace_punt_flags_o & 1, top_->trace_punt_flags_o >> 1);
        if (top_->trace_punt_end_valid_o)
            hooks_.punt_end(top_->trace_punt_end_host_o ? Host : Net, top_->trace_punt_end_lost_o,
                            top_->trace_punt_end_addr_o);
        if (top_->trace_sample_valid_o)
            hooks_.traced(top_->trace_sample_number_o, top_->trace_sample_flags_o & 1,
                          top_->trace_sample_flags_o >> 1);
        if (top_->trace_inject_valid_o)
            hooks_.inject_read(top_->trace_inject_function_o, top_->trace_inject_addr_o,
                               top_->trace_inject_len_o);
        if (top_->trace_clear_o)
            hooks_.cleared();
        if (top_->trace_commit_o)
            hooks_.committed();
        after_sink(Net, out[Net], 0, top_->m_axis_net_tuser, top_->m_axis_net_tkeep,
                   top_->m_axis_net_tlast, &top_->m_axis_net_tdata[0]);
        after_sink(Host, out[Host], top_->m_axis_host_tdest, top_->m_axis_host_tuser,
                   top_->m_axis_host_tkeep, top_->m_axis_host_tlast, &top_->m_axis_host_tdata[0]);
        after_dma();
        if (top_->trace_command_valid_o) {
            commands_++;
            hooks_.commanded(reinterpret_cast<const uint8_t *>(&top_->trace_command_o[0]),
                             top_->trace_command_status_o);
            last_activity_ = clock_;
        }
        if (irq_ready_ && top_->irq_valid_o) {
            hooks_.irq(top_->irq_vector_o);
            last_activity_ = clock_;
        }
    }
    after_source(Net, in[Net]);
    after_source(Host, in[Host]);
    top_->clk_i = 1;
    top_->eval();
    clock_++;
}

/* ---- registers ---- */

template <class Top>
uint32_t RtlCard<Top>::reg_read(uint32_t offset)
{
    top_->s_axil_araddr = static_cast<uint16_t>(offset);
    top_->s_axil_arvalid = 1;
    top_->s_axil_rready = 1;
    uint32_t value = ~0u;
    for (int patience = 0; patience < AxilPatience; patience++) {
        step();
        if (axil_.ar)
            top_->s_axil_arvalid = 0;
        if (axil_.r) {
            value = axil_.rdata;
            break;
        }
    }
    top_->s_axil_arvalid = 0;
    top_->s_axil_rready = 0;
    last_activity_ = clock_;
    return value;
}

template <class Top>
void RtlCard<Top>::reg_write(uint32_t offset, uint32_t value)
{
    top_->s_axil_awaddr = static_cast<uint16_t>(offset);
    top_->s_axil_wdata = value;
    top_->s_axil_wstrb = 15;
    top_->s_axil_awvalid = top_->s_axil_wvalid = 1;
    top_->s_axil_bready = 1;
    for (int patience = 0; patience < AxilPatience; patience++) {
        step();
        if (axil_.aw)
            top_->s_axil_awvalid = 0;
        if (axil_.w)
            top_->s_axil_wvalid = 0;
        if (axil_.b)
            break;
    }
    top_->s_axil_awvalid = top_->s_axil_wvalid = top_->s_axil_bready = 0;
    last_activity_ = clock_;
}

} // namespace portcam

#endif
