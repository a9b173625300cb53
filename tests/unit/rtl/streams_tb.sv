// SPDX-License-Identifier: Apache-2.0
//
// Several sizes of portcam_skid, portcam_fifo, portcam_packet_fifo and portcam_arbiter2 side by
// side, for streams_test.cpp. Each instance has its bit of the handshake ports and its 64-bit lane
// of the data ports. A DUT wider than 64 bits gets the lane repeated, and *_torn_o says that the
// repeats differ on the way out.

`default_nettype none

module streams_tb #(
    parameter int unsigned Skids   = 3,
    parameter int unsigned Fifos   = 6,
    parameter int unsigned Packets = 5
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic [Skids-1:0]      skid_s_valid_i,
    output logic [Skids-1:0]      skid_s_ready_o,
    input  logic [64*Skids-1:0]   skid_s_data_i,
    output logic [Skids-1:0]      skid_m_valid_o,
    input  logic [Skids-1:0]      skid_m_ready_i,
    output logic [64*Skids-1:0]   skid_m_data_o,
    output logic [Skids-1:0]      skid_torn_o,
    input  logic [Fifos-1:0]      fifo_push_valid_i,
    output logic [Fifos-1:0]      fifo_push_ready_o,
    input  logic [64*Fifos-1:0]   fifo_push_data_i,
    output logic [Fifos-1:0]      fifo_pop_valid_o,
    input  logic [Fifos-1:0]      fifo_pop_ready_i,
    output logic [64*Fifos-1:0]   fifo_pop_data_o,
    output logic [64*Fifos-1:0]   fifo_level_o,
    output logic [Fifos-1:0]      fifo_torn_o,
    input  logic [Packets-1:0]    packet_push_valid_i,
    output logic [Packets-1:0]    packet_push_ready_o,
    input  logic [64*Packets-1:0] packet_push_data_i,
    input  logic [Packets-1:0]    packet_push_last_i,
    input  logic [Packets-1:0]    packet_push_drop_i,
    output logic [Packets-1:0]    packet_pop_valid_o,
    input  logic [Packets-1:0]    packet_pop_ready_i,
    output logic [64*Packets-1:0] packet_pop_data_o,
    output logic [Packets-1:0]    packet_pop_last_o,
    output logic [Packets-1:0]    packet_torn_o,
    input  logic [1:0]            arbiter_req_i,
    output logic [1:0]            arbiter_grant_o,
    input  logic                  arbiter_advance_i
);

  function automatic int unsigned skid_width(int unsigned i);
    skid_width = (i == 0) ? 1 : (i == 1) ? 64 : 577;
  endfunction

  function automatic int unsigned fifo_width(int unsigned i);
    fifo_width = (i == 0) ? 1 : (i == 2) ? 8 : (i == 5) ? 577 : 64;
  endfunction

  function automatic int unsigned fifo_depth(int unsigned i);
    fifo_depth = (i == 0) ? 2 : (i == 1) ? 4 : (i == 2) ? 16 : (i == 3) ? 64 : (i == 4) ? 128 : 256;
  endfunction

  function automatic int unsigned packet_width(int unsigned i);
    packet_width = (i == 0) ? 8 : (i == 4) ? 576 : 64;
  endfunction

  function automatic int unsigned packet_depth(int unsigned i);
    packet_depth = (i == 0) ? 2 : (i == 1) ? 4 : (i == 2) ? 16 : (i == 3) ? 128 : 64;
  endfunction

  for (genvar i = 0; i < Skids; i++) begin : g_skid
    localparam int unsigned Width = skid_width(i);
    localparam int unsigned Lanes = (Width + 63) / 64;
    logic [Width-1:0] data_in;
    logic [Width-1:0] data_out;

    assign data_in = Width'({Lanes{skid_s_data_i[64*i+:64]}});
    assign skid_m_data_o[64*i+:64] = 64'(data_out);
    assign skid_torn_o[i] = data_out != Width'({Lanes{skid_m_data_o[64*i+:64]}});

    portcam_skid #(
        .Width(Width)
    ) u_dut (
        .clk_i    (clk_i),
        .rst_ni   (rst_ni),
        .s_valid_i(skid_s_valid_i[i]),
        .s_ready_o(skid_s_ready_o[i]),
        .s_data_i (data_in),
        .m_valid_o(skid_m_valid_o[i]),
        .m_ready_i(skid_m_ready_i[i]),
        .m_data_o (data_out)
    );
  end

  for (genvar i = 0; i < Fifos; i++) begin : g_fifo
    localparam int unsigned Width = fifo_width(i);
    localparam int unsigned Depth = fifo_depth(i);
    localparam int unsigned Lanes = (Width + 63) / 64;
    logic [Width-1:0] data_in;
    logic [Width-1:0] data_out;
    logic [$clog2(Depth):0] level;

    assign data_in = Width'({Lanes{fifo_push_data_i[64*i+:64]}});
    assign fifo_pop_data_o[64*i+:64] = 64'(data_out);
    assign fifo_level_o[64*i+:64] = 64'(level);
    assign fifo_torn_o[i] = data_out != Width'({Lanes{fifo_pop_data_o[64*i+:64]}});

    portcam_fifo #(
        .Width(Width),
        .Depth(Depth)
    ) u_dut (
        .clk_i       (clk_i),
        .rst_ni      (rst_ni),
        .push_valid_i(fifo_push_valid_i[i]),
        .push_ready_o(fifo_push_ready_o[i]),
        .push_data_i (data_in),
        .pop_valid_o (fifo_pop_valid_o[i]),
        .pop_ready_i (fifo_pop_ready_i[i]),
        .pop_data_o  (data_out),
        .level_o     (level)
    );
  end

  for (genvar i = 0; i < Packets; i++) begin : g_packet
    localparam int unsigned Width = packet_width(i);
    localparam int unsigned Depth = packet_depth(i);
    localparam int unsigned Lanes = (Width + 63) / 64;
    logic [Width-1:0] data_in;
    logic [Width-1:0] data_out;

    assign data_in = Width'({Lanes{packet_push_data_i[64*i+:64]}});
    assign packet_pop_data_o[64*i+:64] = 64'(data_out);
    assign packet_torn_o[i] = data_out != Width'({Lanes{packet_pop_data_o[64*i+:64]}});

    portcam_packet_fifo #(
        .Width(Width),
        .Depth(Depth)
    ) u_dut (
        .clk_i       (clk_i),
        .rst_ni      (rst_ni),
        .push_valid_i(packet_push_valid_i[i]),
        .push_ready_o(packet_push_ready_o[i]),
        .push_data_i (data_in),
        .push_last_i (packet_push_last_i[i]),
        .push_drop_i (packet_push_drop_i[i]),
        .pop_valid_o (packet_pop_valid_o[i]),
        .pop_ready_i (packet_pop_ready_i[i]),
        .pop_data_o  (data_out),
        .pop_last_o  (packet_pop_last_o[i])
    );
  end

  portcam_arbiter2 u_arbiter (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (arbiter_req_i),
      .grant_o  (arbiter_grant_o),
      .advance_i(arbiter_advance_i)
  );

endmodule

`resetall
