// SPDX-License-Identifier: Apache-2.0
//
// One clock of the stream bench: drive while the clock is low, look at the outputs, rise.

#include "stream_bench.hpp"

void Bench::drive_input(unsigned side)
{
    bool was_waiting = bit(top_.in_valid_i, side); // cleared below when its beat is taken
    if (was_waiting)
        return;
    if (input_[side].empty() || random_.percent(idle[side]))
        return;
    const Frame &f = input_[side].front();
    unsigned beat = in_beat_[side];
    for (unsigned i = 0; i < 8; i++)
        set_lane(top_.in_data_i, side * 8 + i, f.word(beat * 8 + i));
    set_lane(top_.in_keep_i, side, f.keep(beat));
    put_bit(top_.in_last_i, side, beat + 1 == f.beats());
    put8(top_.in_user_i, side, f.user);
    put_bit(top_.in_valid_i, side, true);
}

void Bench::drive_instruction(unsigned side)
{
    put_bit(top_.rewrite_valid_i, side, false);
    if (pending_[side].empty() || pending_[side].front().due > now)
        return;
    const Frame &f = pending_[side].front().frame;
    const Instruction &rw = f.rw;
    put_bit(top_.rewrite_valid_i, side, true);
    put_bit(top_.rw_drop_i, side, rw.drop || f.oversize());
    put_bit(top_.rw_discarded_i, side, f.oversize());
    put8(top_.rw_egress_i, side, rw.egress);
    put_bit(top_.rw_set_dst_mac_i, side, rw.set_dst_mac);
    set_lane(top_.rw_dst_mac_i, side, rw.dst_mac);
    put_bit(top_.rw_set_src_mac_i, side, rw.set_src_mac);
    set_lane(top_.rw_src_mac_i, side, rw.src_mac);
    put_bit(top_.rw_set_dst_ip_i, side, rw.set_dst_ip);
    put_bit(top_.rw_set_src_ip_i, side, rw.set_src_ip);
    put_bit(top_.rw_is_v6_i, side, rw.is_v6);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t half = 0;
        for (unsigned j = 0; j < 8; j++)
            half |= uint64_t(rw.ip[8 * i + j]) << 8 * j;
        set_lane(top_.rw_ip_i, side * 2 + i, half);
    }
    put8(top_.rw_l3_i, side, rw.l3);
    put_bit(top_.rw_set_ip_sum_i, side, rw.set_ip_sum);
    put16(top_.rw_ip_sum_i, side, rw.ip_sum);
    put_bit(top_.rw_set_port_i, side, rw.set_port);
    put16(top_.rw_port_i, side, rw.port);
    put8(top_.rw_l4_i, side, rw.l4);
    put_bit(top_.rw_set_l4_sum_i, side, rw.set_l4_sum);
    put16(top_.rw_l4_sum_i, side, rw.l4_sum);
    put8(top_.rw_l4_sum_at_i, side, rw.l4_sum_at);
    put_bit(top_.rw_about_flow_i, side, rw.about_flow);
    put16(top_.rw_outer_ip_sum_i, side, rw.outer_ip_sum);
    put16(top_.rw_icmp_sum_i, side, rw.icmp_sum);
    put8(top_.rw_icmp_at_i, side, rw.icmp_at);
    put_bit(top_.rw_reject_i, side, rw.reject);
    put_bit(top_.rw_reject_tcp_i, side, rw.reject_tcp);
    put_bit(top_.rw_reject_ack_i, side, rw.reject_ack);
    top_.rw_reject_number_i = (top_.rw_reject_number_i & ~(0xffffffffull << 32 * side)) |
                              uint64_t(rw.reject_number) << 32 * side;
    put16(top_.rw_reject_src_port_i, side, rw.reject_src_port);
    put16(top_.rw_reject_dst_port_i, side, rw.reject_dst_port);
    put8(top_.rw_reject_ip_end_i, side, rw.reject_ip_end);
}

void Bench::check_header(unsigned side)
{
    if (arriving_[side].empty()) {
        tap.fail("side %u: a header of no frame", side);
        return;
    }
    const Frame &f = arriving_[side].front();
    header_at[side] = now;
    unsigned len = f.len > 65535 ? 65535 : f.len;
    if ((top_.header_len_o >> 16 * side & 0xffff) != len)
        tap.fail("side %u: length is %u, not %u", side,
                 unsigned(top_.header_len_o >> 16 * side & 0xffff), len);
    if ((top_.header_ingress_o >> 8 * side & 0xff) != f.user)
        tap.fail("side %u: ingress is %u, not %u", side,
                 unsigned(top_.header_ingress_o >> 8 * side & 0xff), f.user);
    if (bit(top_.header_oversize_o, side) != f.oversize())
        tap.fail("side %u: oversize is wrong for %u bytes", side, f.len);
    for (unsigned i = 0; i < 16; i++) {
        unsigned left = f.len > 8 * i ? f.len - 8 * i : 0;
        uint64_t want = left >= 8 ? f.word(i) : left == 0 ? 0 : f.word(i) & low_bits(8 * left);
        if (!f.oversize() && lane(top_.header_window_o, side * 16 + i) != want) {
            tap.fail("side %u: window bytes %u.. are wrong for %u bytes", side, 8 * i, f.len);
            break;
        }
    }
    pending_[side].push_back({f, now + delay + (jitter ? random_.below(jitter + 1) : 0)});
    arriving_[side].pop_front();
    credits_[side]--;
}

void Bench::check_output(unsigned output)
{
    if (out_beats[output]++ == 0)
        first_out[output] = now;
    last_out[output] = now;
    unsigned user = top_.out_user_o >> 2 * output & 3;
    unsigned side = user & 1;
    unsigned beat = out_beat_[output];
    if (beat == 0) {
        out_user_[output] = user;
        order[output].push_back(user);
    }
    if (user != out_user_[output])
        tap.fail("output %u: frames of several inputs mixed", output);
    if (user & 2) {
        check_answer(output);
        return;
    }
    std::deque<Frame> &queue = leaving_[side][output];
    if (queue.empty()) {
        tap.fail("output %u: a beat of no frame", output);
        return;
    }
    const Frame &f = queue.front();
    if (beat == 0) {
        out_head_[output] = f.bytes(128);
        apply(f.rw, out_head_[output]);
        if (output == 1 && (top_.out_dest_o >> 8 & 0xff) != f.rw.egress)
            tap.fail("tdest is %u, not %u", unsigned(top_.out_dest_o >> 8 & 0xff), f.rw.egress);
    }
    if (lane(top_.out_keep_o, output) != f.keep(beat) ||
        bit(top_.out_last_o, output) != (beat + 1 == f.beats()))
        tap.fail("output %u: beat %u of %u bytes has the wrong end", output, beat, f.len);
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = 64 * beat + 8 * i;
        unsigned left = f.len > at ? f.len - at : 0;
        uint64_t want = f.word(beat * 8 + i);
        if (beat < 2) {
            want = 0;
            for (unsigned j = 0; j < 8 && at + j < out_head_[output].size(); j++)
                want |= uint64_t(out_head_[output][at + j]) << 8 * j;
        }
        uint64_t mask = left >= 8 ? ~0ull : low_bits(8 * left);
        if (left > 0 && ((lane(top_.out_data_o, output * 8 + i) ^ want) & mask) != 0) {
            tap.fail(
                "output %u: bytes %u.. of %u are %016llx, not %016llx (l3 %u, l4 %u, sum at %u)",
                output, at, f.len, (unsigned long long)lane(top_.out_data_o, output * 8 + i),
                (unsigned long long)want, f.rw.l3, f.rw.l4, f.rw.l4_sum_at);
            break;
        }
    }
    out_beat_[output]++;
    if (bit(top_.out_last_o, output)) {
        queue.pop_front();
        end_of_frame(output);
    }
}

void Bench::end_of_frame(unsigned output)
{
    out_beat_[output] = 0;
    waiting_--;
}

void Bench::check_answer(unsigned output)
{
    if (out_user_[output] != 2 || answers_[output].empty()) {
        tap.fail("output %u: an answer to no frame", output);
        return;
    }
    const Instruction &rw = answers_[output].front();
    unsigned from = 64 * out_beat_[output];
    unsigned left = from < rw.answer.size() ? unsigned(rw.answer.size()) - from : 0;
    if (output == 1 && (top_.out_dest_o >> 8 & 0xff) != rw.egress)
        tap.fail("an answer to function %u, not %u", unsigned(top_.out_dest_o >> 8 & 0xff),
                 rw.egress);
    if (lane(top_.out_keep_o, output) != (left >= 64 ? ~0ull : low_bits(left)) ||
        bit(top_.out_last_o, output) != (left <= 64))
        tap.fail("output %u: beat %u of an answer of %zu bytes has the wrong end", output,
                 from / 64, rw.answer.size());
    for (unsigned i = 0; i < 64 && i < left; i++) {
        uint8_t have = uint8_t(lane(top_.out_data_o, output * 8 + i / 8) >> 8 * (i % 8));
        if (have != rw.answer[from + i]) {
            tap.fail("byte %u of an answer of %zu is 0x%02x, not 0x%02x; l3 %u, IPv%u, TCP %u, "
                     "end %u",
                     from + i, rw.answer.size(), have, rw.answer[from + i], rw.l3, rw.is_v6 ? 6 : 4,
                     rw.reject_tcp, rw.reject_ip_end);
            break;
        }
    }
    out_beat_[output]++;
    if (bit(top_.out_last_o, output)) {
        answers_[output].pop_front();
        end_of_frame(output);
    }
}

void Bench::step()
{
    for (unsigned s = 0; s < 2; s++) {
        drive_input(s);
        drive_instruction(s);
        put_bit(top_.out_ready_i, s, !random_.percent(stall[s]));
        put_bit(top_.header_ready_i, s, credits_[s] > 0 && !random_.percent(header_stall));
    }
    top_.eval();
    if (top_.rst_ni) {
        for (unsigned s = 0; s < 2; s++) {
            if (bit(top_.in_valid_i & top_.in_ready_o, s)) {
                Frame &f = input_[s].front();
                if (++in_beat_[s] == f.beats()) {
                    last_in[s] = now;
                    arriving_[s].push_back(f);
                    input_[s].pop_front();
                    in_beat_[s] = 0;
                }
            } else if (bit(top_.in_valid_i, s)) {
                in_stalls[s]++;
            }
            if (bit(top_.header_valid_o & top_.header_ready_i, s))
                check_header(s);
            if (bit(top_.frame_done_o, s)) {
                credits_[s]++;
                if (in_rewriter_[s].empty()) {
                    tap.fail("side %u: a frame without instruction", s);
                } else {
                    const Instruction &rw = in_rewriter_[s].front().rw;
                    if (rw.drop && !rw.reject)
                        waiting_--;
                    in_rewriter_[s].pop_front();
                }
            }
            if (bit(top_.rewrite_valid_i, s)) {
                if (!bit(top_.rewrite_ready_o, s))
                    tap.fail("side %u: no room for an instruction", s);
                rewrite_at[s] = now;
                Frame f = pending_[s].front().frame;
                pending_[s].pop_front();
                if (f.oversize()) {
                    credits_[s]++;
                    waiting_--;
                } else {
                    in_rewriter_[s].push_back(f);
                    if (f.rw.reject)
                        answers_[s].push_back(f.rw);
                    else if (!f.rw.drop)
                        leaving_[s][f.rw.egress != 0].push_back(f);
                }
            }
        }
        for (unsigned output = 0; output < 2; output++)
            if (bit(top_.out_valid_o & top_.out_ready_i, output))
                check_output(output);
    }
    uint8_t taken = top_.in_valid_i & top_.in_ready_o;
    rise(top_);
    top_.in_valid_i &= uint8_t(~taken);
    now++;
}
