// SPDX-License-Identifier: Apache-2.0
//
// portcam_write_arbiter: brings all who write to host memory to the one AXI write channel.
//
// A source offers a beat of 64 bytes (address, a multiple of 64, data and byte strobes) with its bit
// of valid_i until its bit of ready_o; beats go out one a clock, in the order in which they were
// taken, in turns where several are offered. One identifier, so they are answered in that order:
// done_o pulses for the source of the oldest beat, error_o tells an error response. Sources keep
// what they have to know of a beat themselves. Up to Outstanding beats are on their way at once.
//
// A taken beat is never taken back: a reset of the function is the business of the sources.

`default_nettype none

module portcam_write_arbiter #(
    parameter int unsigned Sources     = 3,
    parameter int unsigned Outstanding = 64
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic [Sources-1:0]     valid_i,
    output logic [Sources-1:0]     ready_o,
    input  logic [Sources*64-1:0]  addr_i,   // source 0 in the lowest bits
    input  logic [Sources*512-1:0] data_i,
    input  logic [Sources*64-1:0]  strb_i,
    output logic [Sources-1:0]     done_o,
    output logic                   error_o,
    output logic [63:0]            m_axi_awaddr_o,
    output logic [7:0]             m_axi_awlen_o,
    output logic                   m_axi_awvalid_o,
    input  logic                   m_axi_awready_i,
    output logic [511:0]           m_axi_wdata_o,
    output logic [63:0]            m_axi_wstrb_o,
    output logic                   m_axi_wlast_o,
    output logic                   m_axi_wvalid_o,
    input  logic                   m_axi_wready_i,
    input  logic [1:0]             m_axi_bresp_i,
    input  logic                   m_axi_bvalid_i,
    output logic                   m_axi_bready_o
);

  //------------------------------------------------------------------------------------------------
  // Who goes next.

  logic [Sources-1:0] grant;
  logic               room;
  logic               take;

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

  logic [63:0]  addr;
  logic [511:0] data;
  logic [63:0]  strb;

  always_comb begin
    addr = '0;
    data = '0;
    strb = '0;
    if (take) begin
      for (int unsigned s = 0; s < Sources; s++) begin
        addr |= grant[s] ? addr_i[s*64+:64] : '0;
        data |= grant[s] ? data_i[s*512+:512] : '0;
        strb |= grant[s] ? strb_i[s*64+:64] : '0;
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // Address and data, each at its own pace, and whose answer comes next.

  logic               address_room;
  logic               data_room;
  logic               order_room;
  logic               order_valid;
  logic [Sources-1:0] order;
  logic               answer;

  logic [$clog2(Outstanding):0] unused_level;
  logic                         unused_bits;

  assign room   = address_room && data_room && order_room;
  assign answer = m_axi_bvalid_i && m_axi_bready_o;

  portcam_skid #(
      .Width(58)
  ) u_address (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(take),
      .s_ready_o(address_room),
      .s_data_i (addr[63:6]),
      .m_valid_o(m_axi_awvalid_o),
      .m_ready_i(m_axi_awready_i),
      .m_data_o (m_axi_awaddr_o[63:6])
  );

  portcam_skid #(
      .Width(576)
  ) u_data (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(take),
      .s_ready_o(data_room),
      .s_data_i ({strb, data}),
      .m_valid_o(m_axi_wvalid_o),
      .m_ready_i(m_axi_wready_i),
      .m_data_o ({m_axi_wstrb_o, m_axi_wdata_o})
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
      .pop_ready_i (answer),
      .pop_data_o  (order),
      .level_o     (unused_level)
  );

  assign m_axi_awaddr_o[5:0] = '0;
  assign m_axi_awlen_o       = 8'd0;
  assign m_axi_wlast_o       = 1'b1;
  assign m_axi_bready_o      = order_valid;
  assign done_o              = answer ? order : '0;
  assign error_o             = m_axi_bresp_i[1];
  assign unused_bits         = ^{m_axi_bresp_i[0], addr[5:0], unused_level};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_addresses_are_whole : assert (!take || addr[5:0] == '0);
    end
  end
`endif

endmodule

`resetall
