// SPDX-License-Identifier: Apache-2.0
//
// portcam_read_arbiter: brings all who read host memory to the one AXI read channel.
//
// A source asks for a burst (address, a multiple of 64, and beats - 1; no burst passes a multiple of
// 4,096) with its bit of valid_i until its bit of ready_o; bursts go out in the order in which they
// were taken, in turns where several ask. One identifier, so they are answered in that order:
// r_valid_o says for which source the beat of this clock is. Sources take every beat at once. Up to
// Outstanding bursts are on their way.
//
// A taken burst is never taken back: a reset of the function is the business of the sources.

`default_nettype none

module portcam_read_arbiter #(
    parameter int unsigned Sources     = 2,
    parameter int unsigned Outstanding = 16
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic [Sources-1:0]    valid_i,
    output logic [Sources-1:0]    ready_o,
    input  logic [Sources*64-1:0] addr_i,   // source 0 in the lowest bits
    input  logic [Sources*8-1:0]  len_i,
    output logic [Sources-1:0]    r_valid_o,
    output logic [63:0]           m_axi_araddr_o,
    output logic [7:0]            m_axi_arlen_o,
    output logic                  m_axi_arvalid_o,
    input  logic                  m_axi_arready_i,
    input  logic                  m_axi_rlast_i,
    input  logic                  m_axi_rvalid_i,
    output logic                  m_axi_rready_o
);

  //------------------------------------------------------------------------------------------------
  // Who goes next.

  logic [Sources-1:0] grant;
  logic               room;
  logic               take;
  logic [63:0]        addr;
  logic [7:0]         len;

  assign take    = room && valid_i != '0;
  assign ready_o = room ? grant : '0;

  portcam_turns #(
      .Sources(Sources)
  ) u_turns (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (valid_i),
      .grant_o  (grant),
      .advance_i(take)
  );

  always_comb begin
    addr = '0;
    len  = '0;
    if (take) begin
      for (int unsigned s = 0; s < Sources; s++) begin
        addr |= grant[s] ? addr_i[s*64+:64] : '0;
        len  |= grant[s] ? len_i[s*8+:8] : '0;
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The address, and whose beats come next.

  logic                         address_room;
  logic                         order_room;
  logic                         order_valid;
  logic [Sources-1:0]           order;
  logic                         beat;
  logic [$clog2(Outstanding):0] unused_level;
  logic                         unused_bits;

  assign room = address_room && order_room;
  assign beat = m_axi_rvalid_i && m_axi_rready_o;

  portcam_skid #(
      .Width(66)
  ) u_address (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(take),
      .s_ready_o(address_room),
      .s_data_i ({len, addr[63:6]}),
      .m_valid_o(m_axi_arvalid_o),
      .m_ready_i(m_axi_arready_i),
      .m_data_o ({m_axi_arlen_o, m_axi_araddr_o[63:6]})
  );

  portcam_fifo #(
      .Width(Sources),
      .Depth(Outstanding)
  ) u_order (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(take),
      .push_ready_o(order_room),
      .push_data_i (grant),
      .pop_valid_o (order_valid),
      .pop_ready_i (beat && m_axi_rlast_i),
      .pop_data_o  (order),
      .level_o     (unused_level)
  );

  assign m_axi_araddr_o[5:0] = '0;
  assign m_axi_rready_o      = order_valid;
  assign r_valid_o           = beat ? order : '0;
  assign unused_bits         = ^{addr[5:0], unused_level};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_no_burst_over_a_page : assert (!take || {1'b0, addr[11:6]} + len[6:0] < 7'd64);
    end
  end
`endif

endmodule

`resetall
