// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_embedded: the packet inside an ICMP error, eight bytes behind the ICMP header's
// beginning.
//
// Reads it whether or not the frame is an error; who knows that decides whether the result counts.
// Inputs are taken in one clock; the results are logic behind the registers of that clock, for the
// last register of the parser.

`default_nettype none

module portcam_parser_embedded (
    input  logic         clk_i,
    input  logic         valid_i,
    input  logic         is_v6_i,
    input  logic [15:0]  room_i,      // bytes of the packet from the ICMP header on
    input  logic [6:0]   window_i,    // bytes of the window from there on
    input  logic [703:0] l4_i,
    input  logic [7:0]   l4_at_i,     // in the next clock: byte offset of the ICMP header
    output logic [5:0]   reason_o,    // ReasonIcmpError, or why not
    output logic [127:0] src_ip_o,
    output logic [127:0] dst_ip_o,
    output logic [7:0]   protocol_o,
    output logic         has_ports_o,
    output logic [15:0]  src_port_o,
    output logic [15:0]  dst_port_o,
    output logic [15:0]  ip_sum_o,    // IPv4, as on the wire
    output logic [7:0]   l4_o,        // byte offset of its layer-4 header
    output logic         has_sum_o,   // its layer-4 checksum is there
    output logic [15:0]  sum_o,       // as on the wire
    output logic [7:0]   sum_at_o,    // byte offset
    output logic         other_o      // a protocol that is never translated
);

  localparam logic [7:0] ProtocolTcp     = 8'd6;
  localparam logic [7:0] ProtocolUdp     = 8'd17;
  localparam logic [7:0] ProtocolDccp    = 8'd33;
  localparam logic [7:0] ProtocolIcmpv6  = 8'd58;
  localparam logic [7:0] ProtocolSctp    = 8'd132;
  localparam logic [7:0] ProtocolUdplite = 8'd136;

  logic [3:0] ihl;
  logic [6:0] ports_at;  // bytes behind the ICMP header's beginning
  logic [7:0] protocol;
  logic       tcp;
  logic       udp;
  logic       icmpv6;
  logic       extension;

  portcam_parser_extension u_extension (
      .protocol_i (protocol),
      .extension_o(extension)
  );

  assign ihl       = l4_i[8*8+:4];
  assign ports_at  = is_v6_i ? 7'd48 : 7'd8 + {1'b0, ihl, 2'b00};
  assign protocol  = is_v6_i ? l4_i[8*14+:8] : l4_i[8*17+:8];
  assign tcp       = protocol == ProtocolTcp;
  assign udp       = protocol == ProtocolUdp;
  assign icmpv6    = is_v6_i && protocol == ProtocolIcmpv6;

  logic         header_short_q;
  logic         header_window_q;
  logic         bad_q;
  logic         ports_short_q;
  logic         ports_window_q;
  logic         has_ports_q;
  logic         tcp_q;
  logic         udp_q;
  logic [6:0]   ports_at_q;
  logic [6:0]   sum_at_q;
  logic [3:0]   port_word_q;
  logic [479:0] port_words_q;  // words 7 to 21
  logic [159:0] ports;         // five words, from the ports on
  logic         unused_words;

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      if (is_v6_i) begin
        header_short_q  <= room_i < 16'd48;
        header_window_q <= window_i < 7'd48;
        bad_q           <= l4_i[8*8+4+:4] != 4'd6;
        src_ip_o        <= l4_i[8*16+:128];
        dst_ip_o        <= l4_i[8*32+:128];
      end else begin
        header_short_q  <= room_i < 16'd28;
        header_window_q <= window_i < 7'd28;
        bad_q           <= l4_i[8*8+4+:4] != 4'd4 || ihl < 4'd5 || room_i < {9'd0, ports_at} ||
                           {l4_i[8*14+:5], l4_i[8*15+:8]} != 13'd0;
        src_ip_o        <= {96'd0, l4_i[8*20+:32]};
        dst_ip_o        <= {96'd0, l4_i[8*24+:32]};
      end
      protocol_o     <= protocol;
      has_ports_q    <= tcp || udp || protocol == ProtocolSctp;
      tcp_q          <= tcp;
      udp_q          <= udp;
      other_o        <= protocol == ProtocolDccp || protocol == ProtocolUdplite ||
                        (is_v6_i && extension);
      ip_sum_o       <= l4_i[8*18+:16];
      ports_at_q     <= ports_at;
      sum_at_q       <= ports_at + (tcp ? 7'd16 : udp ? 7'd6 : 7'd2);
      has_sum_o      <= (tcp && room_i >= {9'd0, ports_at} + 16'd20 &&
                         window_i >= ports_at + 7'd18) ||
                        (udp && window_i >= ports_at + 7'd8) ||
                        (icmpv6 && room_i >= 16'd56 && window_i >= 7'd52);
      ports_short_q  <= room_i < {9'd0, ports_at} + 16'd8;
      ports_window_q <= window_i < ports_at + 7'd4;
      port_word_q    <= is_v6_i ? 4'd5 : ihl - 4'd5;
      port_words_q   <= l4_i[703:224];
    end
  end

  logic unused_bytes;
  assign unused_bytes = ^{l4_i[111:72], l4_i[63:0]};
  assign unused_words = ^ports;

  assign ports       = port_words_q[{port_word_q, 5'd0}+:160];
  assign has_ports_o = has_ports_q;
  assign l4_o        = l4_at_i + {1'b0, ports_at_q};
  assign sum_at_o    = l4_at_i + {1'b0, sum_at_q};
  assign sum_o       = tcp_q ? ports[143:128] : udp_q ? ports[63:48] : ports[31:16];
  assign src_port_o  = has_ports_q ? {ports[7:0], ports[15:8]} : 16'd0;
  assign dst_port_o  = has_ports_q ? {ports[23:16], ports[31:24]} : 16'd0;

  always_comb begin
    if (header_short_q) begin
      reason_o = portcam_pkg::ReasonIcmpErrorShort;
    end else if (header_window_q) begin
      reason_o = portcam_pkg::ReasonComplexWindow;
    end else if (bad_q || (has_ports_q && ports_short_q)) begin
      reason_o = portcam_pkg::ReasonIcmpErrorShort;
    end else if (has_ports_q && ports_window_q) begin
      reason_o = portcam_pkg::ReasonComplexWindow;
    end else begin
      reason_o = portcam_pkg::ReasonIcmpError;
    end
  end

endmodule

`resetall
