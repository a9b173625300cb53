// SPDX-License-Identifier: Apache-2.0
//
// portcam_egress: sends the frames of the two rewriters where their tdest says: 0 the network,
// others the host side; and the answers of each side back to it.
//
// s_axis_net_* are the frames that came from the network, s_axis_host_* those from the host side;
// each may leave on either output, also on the one of its own side. Answers of s_answer_net_* leave
// by the network, those of s_answer_host_* by the host side. Frames are never cut or interleaved;
// frames of one input to one output keep their order. Each output takes turns between its inputs
// frame by frame (portcam_egress_port). An output that does not take its frame holds up the input
// behind it. m_axis_*_tuser: bit 0 the frame, or the one that it answers, came from the host side;
// bit 1 it was made by the card. Latency one clock, one beat a clock at each output.

`default_nettype none

module portcam_egress (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic [511:0] s_axis_net_tdata,
    input  logic [63:0]  s_axis_net_tkeep,
    input  logic         s_axis_net_tlast,
    input  logic [7:0]   s_axis_net_tdest,
    input  logic         s_axis_net_tvalid,
    output logic         s_axis_net_tready,
    input  logic [511:0] s_axis_host_tdata,
    input  logic [63:0]  s_axis_host_tkeep,
    input  logic         s_axis_host_tlast,
    input  logic [7:0]   s_axis_host_tdest,
    input  logic         s_axis_host_tvalid,
    output logic         s_axis_host_tready,
    input  logic [511:0] s_answer_net_tdata,
    input  logic [63:0]  s_answer_net_tkeep,
    input  logic         s_answer_net_tlast,
    input  logic         s_answer_net_tvalid,
    output logic         s_answer_net_tready,
    input  logic [511:0] s_answer_host_tdata,
    input  logic [63:0]  s_answer_host_tkeep,
    input  logic         s_answer_host_tlast,
    input  logic [7:0]   s_answer_host_tdest,
    input  logic         s_answer_host_tvalid,
    output logic         s_answer_host_tready,
    output logic [511:0] m_axis_net_tdata,
    output logic [63:0]  m_axis_net_tkeep,
    output logic         m_axis_net_tlast,
    output logic [1:0]   m_axis_net_tuser,
    output logic         m_axis_net_tvalid,
    input  logic         m_axis_net_tready,
    output logic [511:0] m_axis_host_tdata,
    output logic [63:0]  m_axis_host_tkeep,
    output logic         m_axis_host_tlast,
    output logic [7:0]   m_axis_host_tdest,
    output logic [1:0]   m_axis_host_tuser,
    output logic         m_axis_host_tvalid,
    input  logic         m_axis_host_tready
);

  logic net_to_host;
  logic host_to_host;
  logic ready_net_net;    // output net, input net
  logic ready_net_host;   // output net, input host
  logic ready_host_net;
  logic ready_host_host;

  assign net_to_host        = s_axis_net_tdest != 8'd0;
  assign host_to_host       = s_axis_host_tdest != 8'd0;
  assign s_axis_net_tready  = net_to_host ? ready_host_net : ready_net_net;
  assign s_axis_host_tready = host_to_host ? ready_host_host : ready_net_host;

  portcam_egress_port #(
      .Width     (512 + 64),
      .AnswerSide(1'b0)
  ) u_net (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .net_valid_i   (s_axis_net_tvalid && !net_to_host),
      .net_ready_o   (ready_net_net),
      .net_data_i    ({s_axis_net_tkeep, s_axis_net_tdata}),
      .net_last_i    (s_axis_net_tlast),
      .host_valid_i  (s_axis_host_tvalid && !host_to_host),
      .host_ready_o  (ready_net_host),
      .host_data_i   ({s_axis_host_tkeep, s_axis_host_tdata}),
      .host_last_i   (s_axis_host_tlast),
      .answer_valid_i(s_answer_net_tvalid),
      .answer_ready_o(s_answer_net_tready),
      .answer_data_i ({s_answer_net_tkeep, s_answer_net_tdata}),
      .answer_last_i (s_answer_net_tlast),
      .m_valid_o     (m_axis_net_tvalid),
      .m_ready_i     (m_axis_net_tready),
      .m_data_o      ({m_axis_net_tkeep, m_axis_net_tdata}),
      .m_last_o      (m_axis_net_tlast),
      .m_user_o      (m_axis_net_tuser)
  );

  portcam_egress_port #(
      .Width     (512 + 64 + 8),
      .AnswerSide(1'b1)
  ) u_host (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .net_valid_i   (s_axis_net_tvalid && net_to_host),
      .net_ready_o   (ready_host_net),
      .net_data_i    ({s_axis_net_tdest, s_axis_net_tkeep, s_axis_net_tdata}),
      .net_last_i    (s_axis_net_tlast),
      .host_valid_i  (s_axis_host_tvalid && host_to_host),
      .host_ready_o  (ready_host_host),
      .host_data_i   ({s_axis_host_tdest, s_axis_host_tkeep, s_axis_host_tdata}),
      .host_last_i   (s_axis_host_tlast),
      .answer_valid_i(s_answer_host_tvalid),
      .answer_ready_o(s_answer_host_tready),
      .answer_data_i ({s_answer_host_tdest, s_answer_host_tkeep, s_answer_host_tdata}),
      .answer_last_i (s_answer_host_tlast),
      .m_valid_o     (m_axis_host_tvalid),
      .m_ready_i     (m_axis_host_tready),
      .m_data_o      ({m_axis_host_tdest, m_axis_host_tkeep, m_axis_host_tdata}),
      .m_last_o      (m_axis_host_tlast),
      .m_user_o      (m_axis_host_tuser)
  );

endmodule

`resetall
