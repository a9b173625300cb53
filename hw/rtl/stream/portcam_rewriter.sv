// SPDX-License-Identifier: Apache-2.0
//
// portcam_rewriter: carries out the rewrite instructions of one direction on its frames.
//
// Instructions (rewrite_*) wait in a FIFO of 128; the n-th that is not `discarded` belongs to the
// n-th frame of s_beat_*. Discarded ones are dropped at the door and take no place in the FIFO:
// their frames have no beats. A frame whose instruction says drop is swallowed; every other one
// leaves on m_axis_* with the instruction's egress function as tdest, constant through the frame,
// and with the patches of portcam_rewrite_plan in its first two beats. A frame to be rejected is
// swallowed too, and its answer (portcam_reject) leaves on m_answer_*, in the order of the frames.
//
// One beat a clock, without a bubble between frames; only a frame to be rejected waits while the
// answer before it is in the making. From an instruction to the first beat at the output: five
// clocks; from a beat, where its instruction is already there: one clock.

`default_nettype none

module portcam_rewriter (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        s_beat_valid_i,
    output logic                        s_beat_ready_o,
    input  logic [511:0]                s_beat_data_i,
    input  logic [63:0]                 s_beat_keep_i,
    input  logic                        s_beat_last_i,
    input  logic                        rewrite_valid_i,
    output logic                        rewrite_ready_o,
    input  portcam_types_pkg::rewrite_t rewrite_i,
    output logic [511:0]                m_axis_tdata,
    output logic [63:0]                 m_axis_tkeep,
    output logic                        m_axis_tlast,
    output logic [7:0]                  m_axis_tdest,
    output logic                        m_axis_tvalid,
    input  logic                        m_axis_tready,
    output logic [511:0]                m_answer_tdata,
    output logic [63:0]                 m_answer_tkeep,
    output logic                        m_answer_tlast,
    output logic [7:0]                  m_answer_tdest,
    output logic                        m_answer_tvalid,
    input  logic                        m_answer_tready
);

  localparam int unsigned Depth        = 128;
  localparam int unsigned RewriteWidth = $bits(rewrite_i);

  // Instructions, then the plan of the frame that is next or in progress.
  logic                        next_valid;
  logic                        next_ready;
  portcam_types_pkg::rewrite_t next;
  logic [$clog2(Depth):0]      unused_level;
  logic                        plan_valid;
  logic                        plan_done;
  logic                        plan_drop;
  logic [7:0]                  plan_egress;
  logic                        plan_change;
  logic [511:0]                image;
  logic [31:0]                 image_lanes;
  logic [15:0]                 port;
  logic [63:0]                 port_lanes;
  logic [15:0]                 sum;
  logic [63:0]                 sum_lanes;
  logic                        about_flow;
  logic [127:0]                inner_ip;
  logic [31:0]                 inner_words;
  logic [15:0]                 inner_sum;
  logic [63:0]                 inner_lanes;
  logic [15:0]                 icmp_sum;
  logic [63:0]                 icmp_lanes;
  portcam_types_pkg::rewrite_t plan_q;        // the instruction itself, for a reject
  logic                        unused_plan;

  portcam_fifo #(
      .Width(RewriteWidth),
      .Depth(Depth)
  ) u_instructions (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(rewrite_valid_i && !rewrite_i.discarded),
      .push_ready_o(rewrite_ready_o),
      .push_data_i (rewrite_i),
      .pop_valid_o (next_valid),
      .pop_ready_i (next_ready),
      .pop_data_o  (next),
      .level_o     (unused_level)
  );

  portcam_rewrite_plan u_plan (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .rewrite_valid_i(next_valid),
      .rewrite_ready_o(next_ready),
      .rewrite_i      (next),
      .valid_o        (plan_valid),
      .done_i         (plan_done),
      .drop_o         (plan_drop),
      .egress_o       (plan_egress),
      .change_o       (plan_change),
      .image_o        (image),
      .image_lanes_o  (image_lanes),
      .port_o         (port),
      .port_lanes_o   (port_lanes),
      .sum_o          (sum),
      .sum_lanes_o    (sum_lanes),
      .about_flow_o   (about_flow),
      .inner_ip_o     (inner_ip),
      .inner_words_o  (inner_words),
      .inner_sum_o    (inner_sum),
      .inner_lanes_o  (inner_lanes),
      .icmp_sum_o     (icmp_sum),
      .icmp_lanes_o   (icmp_lanes)
  );

  always_ff @(posedge clk_i) begin
    if (next_valid && next_ready) begin
      plan_q <= next;
    end
  end

  assign unused_plan = ^plan_q;

  // Beats: 0 and 1 are patched, 2 stands for all later ones.
  logic [1:0]   index_q;
  logic         out_valid;
  logic         out_ready;
  logic         take;
  logic [511:0] patched;
  logic         reject_head;   // this beat is one that portcam_reject wants
  logic         reject_ready;

  assign s_beat_ready_o = plan_valid && (!plan_drop ? out_ready : (!reject_head || reject_ready));
  assign take           = s_beat_valid_i && s_beat_ready_o;
  assign plan_done      = take && s_beat_last_i;
  assign out_valid      = s_beat_valid_i && plan_valid && !plan_drop;
  assign reject_head    = plan_q.reject && !index_q[1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q <= 2'd0;
    end else if (take) begin
      if (s_beat_last_i) begin
        index_q <= 2'd0;
      end else if (!index_q[1]) begin
        index_q <= index_q + 1'b1;
      end
    end
  end

  always_comb begin
    patched = s_beat_data_i;
    if (plan_change && index_q == 2'd0) begin
      for (int unsigned n = 0; n < 32; n++) begin
        if (port_lanes[n]) begin
          patched[n*16+:16] = port;
        end else if (sum_lanes[n]) begin
          patched[n*16+:16] = sum;
        end else if (image_lanes[n]) begin
          patched[n*16+:16] = image[n*16+:16];
        end
      end
    end else if (plan_change && index_q == 2'd1) begin
      for (int unsigned n = 0; n < 32; n++) begin
        if (port_lanes[32+n]) begin
          patched[n*16+:16] = port;
        end else if (sum_lanes[32+n]) begin
          patched[n*16+:16] = sum;
        end
      end
    end
  end

  // An ICMP error: also its checksum and the embedded header. Lane n of a beat is half of word
  // (n - 1) / 2 of the window, the last half of lane 0 of the beat before.
  logic [31:0]  icmp_now;
  logic [31:0]  inner_now;
  logic [32:0]  address_now;   // lanes, and that of the next beat
  logic         unused_lane;
  logic [511:0] errors;

  assign unused_lane = address_now[32];

  always_comb begin
    icmp_now    = index_q[0] ? icmp_lanes[63:32] : icmp_lanes[31:0];
    inner_now   = index_q[0] ? inner_lanes[63:32] : inner_lanes[31:0];
    address_now = '0;
    for (int unsigned j = 0; j < 16; j++) begin
      address_now[2*j+1+:2] = {2{index_q[0] ? inner_words[16+j] : inner_words[j]}};
    end
    address_now[0] = index_q[0] && inner_words[15];
    errors         = patched;
    if (about_flow && !index_q[1]) begin
      for (int unsigned n = 0; n < 32; n++) begin
        if (icmp_now[n]) begin
          errors[n*16+:16] = icmp_sum;
        end else if (inner_now[n]) begin
          errors[n*16+:16] = inner_sum;
        end else if (address_now[n]) begin
          errors[n*16+:16] = inner_ip[((n+7)%8)*16+:16];
        end
      end
    end
  end

  portcam_skid #(
      .Width(512 + 64 + 8 + 1)
  ) u_output (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(out_valid),
      .s_ready_o(out_ready),
      .s_data_i ({plan_egress, s_beat_last_i, s_beat_keep_i, errors}),
      .m_valid_o(m_axis_tvalid),
      .m_ready_i(m_axis_tready),
      .m_data_o ({m_axis_tdest, m_axis_tlast, m_axis_tkeep, m_axis_tdata})
  );

  portcam_reject u_reject (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .frame_valid_i (s_beat_valid_i && plan_valid && reject_head),
      .frame_ready_o (reject_ready),
      .frame_data_i  (s_beat_data_i),
      .frame_second_i(index_q[0]),
      .frame_last_i  (s_beat_last_i || index_q[0]),
      .rewrite_i     (plan_q),
      .m_axis_tdata  (m_answer_tdata),
      .m_axis_tkeep  (m_answer_tkeep),
      .m_axis_tlast  (m_answer_tlast),
      .m_axis_tdest  (m_answer_tdest),
      .m_axis_tvalid (m_answer_tvalid),
      .m_axis_tready (m_answer_tready)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && rewrite_valid_i) begin
      a_reject_implies_drop : assert (!rewrite_i.reject || rewrite_i.drop);
    end
  end
`endif

endmodule

`resetall
