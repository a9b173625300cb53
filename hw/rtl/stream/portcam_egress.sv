// SPDX-License-Identifier: Apache-2.0
//
// portcam_egress: sends the frames of the two rewriters where their tdest says: 0 the network,
// PuntEgress the punt ring, others the host side; the answers of each side back to it; and injected
// frames where their tdest says.
//
// s_axis_net_* are the frames that came from the network, s_axis_host_* those from the host side;
// each may leave on either output, also on the one of its own side. Answers of s_answer_net_* leave
// by the network, those of s_answer_host_* by the host side. Frames are never cut or interleaved;
// frames of one input to one output keep their order. Each output takes turns between its inputs
// frame by frame (portcam_egress_port). An output that does not take its frame holds up the input
// behind it. m_axis_*_tuser: 0 a frame from the network, 1 from the host side, 2 an answer, 3 injected;
// m_punt_host_o: the frame came from the host side. Latency one clock, one beat a clock at each output.

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
    input  logic [511:0] s_inject_tdata,
    input  logic [63:0]  s_inject_tkeep,
    input  logic         s_inject_tlast,
    input  logic [7:0]   s_inject_tdest,
    input  logic         s_inject_tvalid,
    output logic         s_inject_tready,
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
    input  logic         m_axis_host_tready,
    output logic [511:0] m_punt_data_o,
    output logic         m_punt_last_o,
    output logic         m_punt_host_o,
    output logic         m_punt_valid_o,
    input  logic         m_punt_ready_i
);

  logic net_to_host;
  logic host_to_host;
  logic ready_net_net;    // output net, input net
  logic ready_net_host;   // output net, input host
  logic ready_host_net;
  logic ready_host_host;
  logic ready_punt_net;
  logic ready_punt_host;
  logic ready_net_inject;
  logic ready_host_inject;
  logic net_to_punt;
  logic host_to_punt;
  logic inject_to_host;

  assign net_to_punt        = s_axis_net_tdest == portcam_types_pkg::PuntEgress;
  assign host_to_punt       = s_axis_host_tdest == portcam_types_pkg::PuntEgress;
  assign net_to_host        = s_axis_net_tdest != 8'd0 && !net_to_punt;
  assign host_to_host       = s_axis_host_tdest != 8'd0 && !host_to_punt;
  assign inject_to_host     = s_inject_tdest != 8'd0;
  assign s_axis_net_tready  = net_to_punt ? ready_punt_net :
                              net_to_host ? ready_host_net : ready_net_net;
  assign s_axis_host_tready = host_to_punt ? ready_punt_host :
                              host_to_host ? ready_host_host : ready_net_host;
  assign s_inject_tready    = inject_to_host ? ready_host_inject : ready_net_inject;

  portcam_egress_port #(
      .Width(512 + 64)
  ) u_net (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .net_valid_i   (s_axis_net_tvalid && !net_to_host && !net_to_punt),
      .net_ready_o   (ready_net_net),
      .net_data_i    ({s_axis_net_tkeep, s_axis_net_tdata}),
      .net_last_i    (s_axis_net_tlast),
      .host_valid_i  (s_axis_host_tvalid && !host_to_host && !host_to_punt),
      .host_ready_o  (ready_net_host),
      .host_data_i   ({s_axis_host_tkeep, s_axis_host_tdata}),
      .host_last_i   (s_axis_host_tlast),
      .answer_valid_i(s_answer_net_tvalid),
      .answer_ready_o(s_answer_net_tready),
      .answer_data_i ({s_answer_net_tkeep, s_answer_net_tdata}),
      .answer_last_i (s_answer_net_tlast),
      .inject_valid_i(s_inject_tvalid && !inject_to_host),
      .inject_ready_o(ready_net_inject),
      .inject_data_i ({s_inject_tkeep, s_inject_tdata}),
      .inject_last_i (s_inject_tlast),
      .m_valid_o     (m_axis_net_tvalid),
      .m_ready_i     (m_axis_net_tready),
      .m_data_o      ({m_axis_net_tkeep, m_axis_net_tdata}),
      .m_last_o      (m_axis_net_tlast),
      .m_user_o      (m_axis_net_tuser)
  );

  portcam_egress_port #(
      .Width(512 + 64 + 8)
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
      .inject_valid_i(s_inject_tvalid && inject_to_host),
      .inject_ready_o(ready_host_inject),
      .inject_data_i ({s_inject_tdest, s_inject_tkeep, s_inject_tdata}),
      .inject_last_i (s_inject_tlast),
      .m_valid_o     (m_axis_host_tvalid),
      .m_ready_i     (m_axis_host_tready),
      .m_data_o      ({m_axis_host_tdest, m_axis_host_tkeep, m_axis_host_tdata}),
      .m_last_o      (m_axis_host_tlast),
      .m_user_o      (m_axis_host_tuser)
  );

  logic [1:0] punt_user;
  logic       unused_ready;
  logic       unused_ready_too;
  logic       unused_user;

  portcam_egress_port #(
      .Width(512)
  ) u_punt (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .net_valid_i   (s_axis_net_tvalid && net_to_punt),
      .net_ready_o   (ready_punt_net),
      .net_data_i    (s_axis_net_tdata),
      .net_last_i    (s_axis_net_tlast),
      .host_valid_i  (s_axis_host_tvalid && host_to_punt),
      .host_ready_o  (ready_punt_host),
      .host_data_i   (s_axis_host_tdata),
      .host_last_i   (s_axis_host_tlast),
      .answer_valid_i(1'b0),
      .answer_ready_o(unused_ready),
      .answer_data_i ('0),
      .answer_last_i (1'b0),
      .inject_valid_i(1'b0),
      .inject_ready_o(unused_ready_too),
      .inject_data_i ('0),
      .inject_last_i (1'b0),
      .m_valid_o     (m_punt_valid_o),
      .m_ready_i     (m_punt_ready_i),
      .m_data_o      (m_punt_data_o),
      .m_last_o      (m_punt_last_o),
      .m_user_o      (punt_user)
  );

  assign m_punt_host_o = punt_user[0];
  assign unused_user   = punt_user[1];

endmodule

`resetall
