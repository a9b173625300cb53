// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_next against the connection table of lib/model: every state with every class
// of both directions, every other input of one bit, the ends of the SYN repeats, and sequence
// numbers at and around every edge of the signed difference; then random ones.

#include <cinttypes>
#include <vector>

#include "Vportcam_connection_next.h"
#include "connections.h"
#include "tap.hpp"

namespace
{

struct Question {
    unsigned state, embryonic, syn_repeats;
    uint32_t client_next;
    unsigned from, tcp, flags, accepts;
    uint32_t seq, payload;
};

// A packet of each class, in the order of enum pc_tcp_class; odd ones of each kind last.
const unsigned FlagsOf[] = {PC_TCP_SYN,
                            PC_TCP_SYN | PC_TCP_ACK,
                            PC_TCP_FIN | PC_TCP_ACK,
                            PC_TCP_ACK,
                            PC_TCP_RST,
                            PC_TCP_SYN | PC_TCP_FIN,
                            PC_TCP_FIN,
                            0};

class Bench
{
public:
    explicit Bench(Tap &tap) : tap_(tap)
    {
        pc_connection_sizes sizes = {};
        sizes.rows[0] = 1;
        sizes.backends = 1;
        table_ = pc_connections_new(&sizes);
        if (!table_)
            exit(2);
    }
    ~Bench() { pc_connections_free(table_); }

    void ask(const Question &q);
    uint64_t asked() const { return asked_; }

private:
    void expect(const Question &q, const char *what, uint64_t got, uint64_t wanted)
    {
        if (got != wanted)
            tap_.fail("%s is %" PRIu64 ", not %" PRIu64
                      ": state %u embryonic %u repeats %u next %08x from %u tcp %u flags %02x "
                      "accepts %u seq %08x payload %u",
                      what, got, wanted, q.state, q.embryonic, q.syn_repeats, q.client_next, q.from,
                      q.tcp, q.flags, q.accepts, q.seq, q.payload);
    }

    Tap &tap_;
    Vportcam_connection_next top_;
    pc_connections *table_;
    uint64_t asked_ = 0;
};

constexpr uint32_t Before = 1000, Now = 5000;

void Bench::ask(const Question &q)
{
    asked_++;
    top_.state_i = q.state;
    top_.embryonic_i = q.embryonic;
    top_.syn_repeats_i = q.syn_repeats;
    top_.from_backend_i = q.from == PC_FROM_BACKEND;
    top_.is_tcp_i = q.tcp;
    top_.tcp_class_i = pc_tcp_class(q.flags);
    uint32_t end = pc_tcp_end(q.seq, q.payload, q.flags);
    top_.seq_later_i = int32_t(q.seq - q.client_next) > 0;
    top_.end_later_i = int32_t(end - q.client_next) > 0;
    top_.accepts_i = q.accepts;
    top_.eval();

    pc_connections_clear(table_);
    pc_insert insert = {};
    insert.key.protocol = q.tcp ? 6 : 17;
    insert.slot = PC_SLOT_ANY;
    pc_packet first = {};
    first.now = Before;
    first.tcp_flags = PC_TCP_SYN;
    first.len = 60;
    unsigned slot;
    if (pc_connections_insert(table_, &insert, &first, &slot) != PC_RESULT_OK)
        exit(2);
    // The state to ask for, as the operations of the table would have reached it.
    auto *record = const_cast<pc_connection *>(pc_connections_get(table_, slot));
    record->state = uint8_t(q.state);
    record->embryonic = q.embryonic;
    record->syn_repeats = uint8_t(q.syn_repeats);
    record->client_next = q.client_next;
    pc_connection was = *record;
    pc_backend_counters counters = pc_connections_backend(table_, 0);
    pc_packet packet = {};
    packet.from = uint8_t(q.from);
    packet.tcp_flags = uint8_t(q.flags);
    packet.seq = q.seq;
    packet.payload = q.payload;
    packet.len = 100;
    packet.now = Now;
    packet.backend_accepts = q.accepts;
    pc_ended ended = {};
    pc_packet_result result = {};
    result.ended = &ended;
    pc_connections_packet(table_, slot, &packet, &result);
    pc_connection is = *record;
    pc_backend_counters after = pc_connections_backend(table_, 0);
    bool kept = result.effects & PC_EFFECT_KEPT;

    expect(q, "next_state", top_.next_state_o, is.state);
    expect(q, "next_embryonic", top_.next_embryonic_o, is.embryonic);
    expect(q, "next_syn_repeats", top_.next_syn_repeats_o, is.syn_repeats);
    expect(q, "client_next", top_.take_end_o ? end : q.client_next, is.client_next);
    expect(q, "touch", top_.touch_o, is.last_used == Now);
    expect(q, "syn_repeat", top_.syn_repeat_o, after.syn_repeats - counters.syn_repeats);
    expect(q, "syn_reset", top_.syn_reset_o, after.syn_resets - counters.syn_resets);
    expect(q, "syn_ack", top_.syn_ack_o, after.syn_ack_count - counters.syn_ack_count);
    expect(q, "keep", top_.keep_o, kept);
    expect(q, "reschedule", top_.reschedule_o, (result.effects & PC_EFFECT_RESCHEDULE) != 0);
    expect(q, "was_active", top_.was_active_o, pc_state_is_active(pc_connection_state(was.state)));
    expect(q, "is_active", top_.is_active_o, pc_state_is_active(pc_connection_state(is.state)));
    uint32_t moved = after.active - counters.active;
    expect(q, "change of active", uint32_t(top_.is_active_o - top_.was_active_o), moved);
    // What the caller concludes: a packet is counted unless F.14 decided.
    expect(q, "counted by hand", !top_.keep_o && !top_.reschedule_o,
           is.forward.packets + is.reverse.packets == 2);
}

// All pairs of the two tables of section 4 with these numbers.
template <typename Each>
void every(Each each)
{
    for (unsigned state = 1; state < PC_STATE_MAX; state++)
        for (unsigned from = 0; from < PC_DIRECTION_MAX; from++)
            for (unsigned tcp = 0; tcp < 2; tcp++)
                for (unsigned flags : FlagsOf)
                    for (unsigned bits = 0; bits < 4; bits++)
                        each(Question{state, bits & 1, 0, 0, from, tcp, flags, bits >> 1, 0, 0});
}

} // namespace

int main(int argc, char **argv)
{
    Random random(start(argc, argv));
    Tap tap;
    Bench bench(tap);

    // Distances of the packet's sequence number from client next.
    std::vector<uint32_t> distances;
    for (uint32_t edge : {0u, 0x40000000u, 0x80000000u, 0xC0000000u})
        for (int near = -3; near <= 3; near++)
            distances.push_back(edge + uint32_t(near));
    every([&](Question q) {
        for (unsigned repeats : {0u, 1u, 254u, 255u})
            for (uint32_t next : {0u, 1u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu})
                for (uint32_t distance : distances) {
                    q.syn_repeats = repeats;
                    q.client_next = next;
                    q.seq = next + distance;
                    bench.ask(q);
                }
    });
    tap.done(
        "every state, class and direction at every edge of the sequence numbers (F.11 to F.14)");

    for (unsigned round = 0; round < 200; round++)
        every([&](Question q) {
            q.syn_repeats = unsigned(random.below(256));
            q.client_next = uint32_t(random.next());
            q.seq = random.percent(50) ? uint32_t(random.next())
                                       : q.client_next + uint32_t(random.below(9)) - 4;
            q.payload = random.percent(50) ? 0 : uint32_t(random.below(9600));
            // PSH, URG, ECE, CWR, and on a RST everything else, change nothing.
            q.flags |=
                unsigned(random.next()) & (PC_TCP_PSH | PC_TCP_URG | PC_TCP_ECE | PC_TCP_CWR);
            if (q.flags & PC_TCP_RST)
                q.flags |= unsigned(random.next()) & 0xff;
            bench.ask(q);
        });
    tap.done("random sequence numbers, payloads and flags");
    printf("# %" PRIu64 " packets\n", bench.asked());
    return tap.finish();
}
