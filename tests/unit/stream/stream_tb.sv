// SPDX-License-Identifier: Apache-2.0
//
// stream_tb: ingress, rewriter and egress of both directions, with C++ in the place of parser and
// tables.
//
// Ports of two sides have the net side (0) in their lower half and the host side (1) in the upper.
// A checker watches each AXI-Stream. A second ingress, with a MaxFrame that ends inside a beat,
// stands alone (ports small_*).

`default_nettype none

module stream_tb #(
    parameter int unsigned SmallMaxFrame = 1518
) (
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic [1023:0] in_data_i,
    input  logic [127:0]  in_keep_i,
    input  logic [1:0]    in_last_i,
    input  logic [15:0]   in_user_i,
    input  logic [1:0]    in_valid_i,
    output logic [1:0]    in_ready_o,
    output logic [1:0]    header_valid_o,
    input  logic [1:0]    header_ready_i,
    output logic [2047:0] header_window_o,
    output logic [31:0]   header_len_o,
    output logic [15:0]   header_ingress_o,
    output logic [1:0]    header_oversize_o,
    output logic [1:0]    frame_done_o,  // the last beat of a frame goes into the rewriter
    input  logic [1:0]    rewrite_valid_i,
    output logic [1:0]    rewrite_ready_o,
    input  logic [1:0]    rw_drop_i,
    input  logic [1:0]    rw_discarded_i,
    input  logic [15:0]   rw_egress_i,
    input  logic [1:0]    rw_set_dst_mac_i,
    input  logic [127:0]  rw_dst_mac_i,  // 64 bits a side
    input  logic [1:0]    rw_set_src_mac_i,
    input  logic [127:0]  rw_src_mac_i,
    input  logic [1:0]    rw_set_dst_ip_i,
    input  logic [1:0]    rw_set_src_ip_i,
    input  logic [1:0]    rw_is_v6_i,
    input  logic [255:0]  rw_ip_i,
    input  logic [15:0]   rw_l3_i,
    input  logic [1:0]    rw_set_ip_sum_i,
    input  logic [31:0]   rw_ip_sum_i,
    input  logic [1:0]    rw_set_port_i,
    input  logic [31:0]   rw_port_i,
    input  logic [15:0]   rw_l4_i,
    input  logic [1:0]    rw_set_l4_sum_i,
    input  logic [31:0]   rw_l4_sum_i,
    input  logic [15:0]   rw_l4_sum_at_i,
    input  logic [1:0]    rw_about_flow_i,
    input  logic [31:0]   rw_outer_ip_sum_i,
    input  logic [31:0]   rw_icmp_sum_i,
    input  logic [15:0]   rw_icmp_at_i,
    input  logic [1:0]    rw_reject_i,
    input  logic [1:0]    rw_reject_tcp_i,
    input  logic [1:0]    rw_reject_ack_i,
    input  logic [63:0]   rw_reject_number_i,
    input  logic [31:0]   rw_reject_src_port_i,
    input  logic [31:0]   rw_reject_dst_port_i,
    input  logic [15:0]   rw_reject_ip_end_i,
    output logic [1023:0] out_data_o,
    output logic [127:0]  out_keep_o,
    output logic [1:0]    out_last_o,
    output logic [15:0]   out_dest_o,
    output logic [3:0]    out_user_o,  // 2 bits an output
    output logic [1:0]    out_valid_o,
    input  logic [1:0]    out_ready_i,
    input  logic [511:0]  small_in_data_i,
    input  logic [63:0]   small_in_keep_i,
    input  logic          small_in_last_i,
    input  logic          small_in_valid_i,
    output logic          small_in_ready_o,
    output logic          small_beat_valid_o,
    output logic          small_beat_last_o,
    output logic [63:0]   small_beat_keep_o,
    output logic          small_header_valid_o,
    output logic [15:0]   small_header_len_o,
    output logic          small_header_oversize_o
);

  logic [1023:0] rw_data;
  logic [127:0]  rw_keep;
  logic [1:0]    rw_last;
  logic [15:0]   rw_dest;
  logic [1:0]    rw_valid;
  logic [1:0]    rw_ready;
  logic [1023:0] answer_data;
  logic [127:0]  answer_keep;
  logic [1:0]    answer_last;
  logic [15:0]   answer_dest;
  logic [1:0]    answer_valid;
  logic [1:0]    answer_ready;

  for (genvar s = 0; s < 2; s++) begin : g_side
    logic                        beat_valid;
    logic                        beat_ready;
    logic [511:0]                beat_data;
    logic [63:0]                 beat_keep;
    logic                        beat_last;
    portcam_types_pkg::header_t  header;
    portcam_types_pkg::rewrite_t rewrite;

    portcam_ingress u_ingress (
        .clk_i,
        .rst_ni,
        .s_axis_tdata    (in_data_i[s*512+:512]),
        .s_axis_tkeep    (in_keep_i[s*64+:64]),
        .s_axis_tlast    (in_last_i[s]),
        .s_axis_tuser    (in_user_i[s*8+:8]),
        .s_axis_tvalid   (in_valid_i[s]),
        .s_axis_tready   (in_ready_o[s]),
        .m_beat_valid_o  (beat_valid),
        .m_beat_ready_i  (beat_ready),
        .m_beat_data_o   (beat_data),
        .m_beat_keep_o   (beat_keep),
        .m_beat_last_o   (beat_last),
        .m_header_valid_o(header_valid_o[s]),
        .m_header_ready_i(header_ready_i[s]),
        .m_header_o      (header)
    );

    assign header_window_o[s*1024+:1024] = header.window;
    assign header_len_o[s*16+:16]        = header.len;
    assign header_ingress_o[s*8+:8]      = header.ingress;
    assign header_oversize_o[s]          = header.oversize;
    assign frame_done_o[s]               = beat_valid && beat_ready && beat_last;

    assign rewrite.drop        = rw_drop_i[s];
    assign rewrite.discarded   = rw_discarded_i[s];
    assign rewrite.egress      = rw_egress_i[s*8+:8];
    assign rewrite.set_dst_mac = rw_set_dst_mac_i[s];
    assign rewrite.dst_mac     = rw_dst_mac_i[s*64+:48];
    assign rewrite.set_src_mac = rw_set_src_mac_i[s];
    assign rewrite.src_mac     = rw_src_mac_i[s*64+:48];
    assign rewrite.set_dst_ip  = rw_set_dst_ip_i[s];
    assign rewrite.set_src_ip  = rw_set_src_ip_i[s];
    assign rewrite.is_v6       = rw_is_v6_i[s];
    assign rewrite.ip          = rw_ip_i[s*128+:128];
    assign rewrite.l3          = rw_l3_i[s*8+:5];
    assign rewrite.set_ip_sum  = rw_set_ip_sum_i[s];
    assign rewrite.ip_sum      = rw_ip_sum_i[s*16+:16];
    assign rewrite.set_port    = rw_set_port_i[s];
    assign rewrite.port        = rw_port_i[s*16+:16];
    assign rewrite.l4          = rw_l4_i[s*8+:8];
    assign rewrite.set_l4_sum  = rw_set_l4_sum_i[s];
    assign rewrite.l4_sum      = rw_l4_sum_i[s*16+:16];
    assign rewrite.l4_sum_at   = rw_l4_sum_at_i[s*8+:8];

    assign rewrite.about_flow   = rw_about_flow_i[s];
    assign rewrite.outer_ip_sum = rw_outer_ip_sum_i[s*16+:16];
    assign rewrite.icmp_sum     = rw_icmp_sum_i[s*16+:16];
    assign rewrite.icmp_at      = rw_icmp_at_i[s*8+:8];

    assign rewrite.reject          = rw_reject_i[s];
    assign rewrite.reject_tcp      = rw_reject_tcp_i[s];
    assign rewrite.reject_ack      = rw_reject_ack_i[s];
    assign rewrite.reject_number   = rw_reject_number_i[s*32+:32];
    assign rewrite.reject_src_port = rw_reject_src_port_i[s*16+:16];
    assign rewrite.reject_dst_port = rw_reject_dst_port_i[s*16+:16];
    assign rewrite.reject_ip_end   = rw_reject_ip_end_i[s*8+:8];

    portcam_rewriter u_rewriter (
        .clk_i,
        .rst_ni,
        .s_beat_valid_i (beat_valid),
        .s_beat_ready_o (beat_ready),
        .s_beat_data_i  (beat_data),
        .s_beat_keep_i  (beat_keep),
        .s_beat_last_i  (beat_last),
        .rewrite_valid_i(rewrite_valid_i[s]),
        .rewrite_ready_o(rewrite_ready_o[s]),
        .rewrite_i      (rewrite),
        .m_axis_tdata   (rw_data[s*512+:512]),
        .m_axis_tkeep   (rw_keep[s*64+:64]),
        .m_axis_tlast   (rw_last[s]),
        .m_axis_tdest   (rw_dest[s*8+:8]),
        .m_axis_tvalid  (rw_valid[s]),
        .m_axis_tready  (rw_ready[s]),
        .m_answer_tdata (answer_data[s*512+:512]),
        .m_answer_tkeep (answer_keep[s*64+:64]),
        .m_answer_tlast (answer_last[s]),
        .m_answer_tdest (answer_dest[s*8+:8]),
        .m_answer_tvalid(answer_valid[s]),
        .m_answer_tready(answer_ready[s])
    );

    portcam_axis_check u_check_in (
        .clk_i,
        .rst_ni,
        .tdata_i (in_data_i[s*512+:512]),
        .tkeep_i (in_keep_i[s*64+:64]),
        .tlast_i (in_last_i[s]),
        .tdest_i (8'd0),
        .tuser_i (in_user_i[s*8+:8]),
        .tvalid_i(in_valid_i[s]),
        .tready_i(in_ready_o[s])
    );

    portcam_axis_check u_check_rewriter (
        .clk_i,
        .rst_ni,
        .tdata_i (rw_data[s*512+:512]),
        .tkeep_i (rw_keep[s*64+:64]),
        .tlast_i (rw_last[s]),
        .tdest_i (rw_dest[s*8+:8]),
        .tuser_i (8'd0),
        .tvalid_i(rw_valid[s]),
        .tready_i(rw_ready[s])
    );

    portcam_axis_check u_check_answer (
        .clk_i,
        .rst_ni,
        .tdata_i (answer_data[s*512+:512]),
        .tkeep_i (answer_keep[s*64+:64]),
        .tlast_i (answer_last[s]),
        .tdest_i (answer_dest[s*8+:8]),
        .tuser_i (8'd0),
        .tvalid_i(answer_valid[s]),
        .tready_i(answer_ready[s])
    );

    portcam_axis_check u_check_out (
        .clk_i,
        .rst_ni,
        .tdata_i (out_data_o[s*512+:512]),
        .tkeep_i (out_keep_o[s*64+:64]),
        .tlast_i (out_last_o[s]),
        .tdest_i (out_dest_o[s*8+:8]),
        .tuser_i ({6'd0, out_user_o[s*2+:2]}),
        .tvalid_i(out_valid_o[s]),
        .tready_i(out_ready_i[s])
    );
  end

  assign out_dest_o[7:0] = 8'd0;

  portcam_egress u_egress (
      .clk_i,
      .rst_ni,
      .s_axis_net_tdata    (rw_data[511:0]),
      .s_axis_net_tkeep    (rw_keep[63:0]),
      .s_axis_net_tlast    (rw_last[0]),
      .s_axis_net_tdest    (rw_dest[7:0]),
      .s_axis_net_tvalid   (rw_valid[0]),
      .s_axis_net_tready   (rw_ready[0]),
      .s_axis_host_tdata   (rw_data[1023:512]),
      .s_axis_host_tkeep   (rw_keep[127:64]),
      .s_axis_host_tlast   (rw_last[1]),
      .s_axis_host_tdest   (rw_dest[15:8]),
      .s_axis_host_tvalid  (rw_valid[1]),
      .s_axis_host_tready  (rw_ready[1]),
      .s_answer_net_tdata  (answer_data[511:0]),
      .s_answer_net_tkeep  (answer_keep[63:0]),
      .s_answer_net_tlast  (answer_last[0]),
      .s_answer_net_tvalid (answer_valid[0]),
      .s_answer_net_tready (answer_ready[0]),
      .s_answer_host_tdata (answer_data[1023:512]),
      .s_answer_host_tkeep (answer_keep[127:64]),
      .s_answer_host_tlast (answer_last[1]),
      .s_answer_host_tdest (answer_dest[15:8]),
      .s_answer_host_tvalid(answer_valid[1]),
      .s_answer_host_tready(answer_ready[1]),
      .m_axis_net_tdata    (out_data_o[511:0]),
      .m_axis_net_tkeep    (out_keep_o[63:0]),
      .m_axis_net_tlast    (out_last_o[0]),
      .s_inject_tdata      ('0),
      .s_inject_tkeep      ('0),
      .s_inject_tlast      (1'b0),
      .s_inject_tdest      (8'd0),
      .s_inject_tvalid     (1'b0),
      .s_inject_tready     (),
      .m_punt_data_o       (),
      .m_punt_last_o       (),
      .m_punt_host_o       (),
      .m_punt_valid_o      (),
      .m_punt_ready_i      (1'b1),
      .m_axis_net_tuser    (out_user_o[1:0]),
      .m_axis_net_tvalid   (out_valid_o[0]),
      .m_axis_net_tready   (out_ready_i[0]),
      .m_axis_host_tdata   (out_data_o[1023:512]),
      .m_axis_host_tkeep   (out_keep_o[127:64]),
      .m_axis_host_tlast   (out_last_o[1]),
      .m_axis_host_tdest   (out_dest_o[15:8]),
      .m_axis_host_tuser   (out_user_o[3:2]),
      .m_axis_host_tvalid  (out_valid_o[1]),
      .m_axis_host_tready  (out_ready_i[1])
  );

  portcam_types_pkg::header_t small_header;
  assign small_header_len_o      = small_header.len;
  assign small_header_oversize_o = small_header.oversize;

  portcam_ingress #(
      .MaxFrame(SmallMaxFrame)
  ) u_small (
      .clk_i,
      .rst_ni,
      .s_axis_tdata    (small_in_data_i),
      .s_axis_tkeep    (small_in_keep_i),
      .s_axis_tlast    (small_in_last_i),
      .s_axis_tuser    (8'd0),
      .s_axis_tvalid   (small_in_valid_i),
      .s_axis_tready   (small_in_ready_o),
      .m_beat_valid_o  (small_beat_valid_o),
      .m_beat_ready_i  (1'b1),
      .m_beat_data_o   (),
      .m_beat_keep_o   (small_beat_keep_o),
      .m_beat_last_o   (small_beat_last_o),
      .m_header_valid_o(small_header_valid_o),
      .m_header_ready_i(1'b1),
      .m_header_o      (small_header)
  );

endmodule

`resetall
