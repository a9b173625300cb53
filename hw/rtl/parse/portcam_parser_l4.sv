// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_l4: TCP, UDP, SCTP and ICMP, in one clock.
//
// Adds the reasons of layer 4 to what was decided before, and gives ports, checksum, where the
// packet ends, and what connections want to know of a TCP segment. An ICMP error gives error_o: its
// reason is the one of portcam_parser_embedded.

`default_nettype none

module portcam_parser_l4 (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         valid_i,
    input  logic         decided_i,
    input  logic [5:0]   reason_i,
    input  logic         is_v6_i,
    input  logic [7:0]   protocol_i,
    input  logic         tcp_i,
    input  logic         udp_i,
    input  logic         sctp_i,
    input  logic         icmp_i,
    input  logic [7:0]   l4_at_i,
    input  logic [15:0]  room_i,      // bytes of the packet from l4 on
    input  logic [6:0]   window_i,    // bytes of the window from there on
    input  logic         room_8_i,
    input  logic         room_12_i,
    input  logic         room_20_i,
    input  logic         window_4_i,
    input  logic         window_8_i,
    input  logic         window_18_i,
    input  logic [143:0] l4_i,        // the first 18 bytes
    output logic         valid_o,
    output logic         decided_o,
    output logic [5:0]   reason_o,
    output logic         error_o,
    output logic         is_v6_o,
    output logic [7:0]   protocol_o,
    output logic         has_ports_o,
    output logic [15:0]  src_port_o,  // 0 without ports
    output logic [15:0]  dst_port_o,
    output logic [7:0]   l4_at_o,
    output logic         has_sum_o,
    output logic [15:0]  sum_o,       // as on the wire
    output logic [7:0]   sum_at_o,
    output logic [7:0]   ip_end_o,    // end of the packet in the window, at most 128
    output logic [7:0]   tcp_flags_o,
    output logic [31:0]  tcp_seq_o,
    output logic [31:0]  tcp_ack_o,
    output logic [15:0]  tcp_payload_o
);

  logic [3:0]  tcp_offset;
  logic [15:0] udp_length;
  logic [7:0]  icmp_type;
  logic        too_short;
  logic        beyond_window;
  logic        bad_fields;
  logic        discovery;
  logic        error;

  assign tcp_offset = l4_i[8*12+4+:4];
  assign udp_length = {l4_i[8*4+:8], l4_i[8*5+:8]};
  assign icmp_type  = l4_i[7:0];

  assign too_short     = (tcp_i && !room_20_i) || ((udp_i || icmp_i) && !room_8_i) ||
                         (sctp_i && !room_12_i);
  assign beyond_window = (tcp_i && !window_18_i) || (udp_i && !window_8_i) ||
                         ((sctp_i || icmp_i) && !window_4_i);
  assign bad_fields    = (tcp_i && (tcp_offset < 4'd5 || {10'd0, tcp_offset, 2'b00} > room_i)) ||
                         (udp_i && (udp_length < 16'd8 || udp_length > room_i));
  assign discovery     = icmp_i && is_v6_i && icmp_type >= 8'd133 && icmp_type <= 8'd137;
  assign error         = icmp_i && (is_v6_i ? (icmp_type >= 8'd1 && icmp_type <= 8'd4)
                                            : (icmp_type == 8'd3 || icmp_type == 8'd4 ||
                                               icmp_type == 8'd11 || icmp_type == 8'd12));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else begin
      valid_o <= valid_i;
    end
    if (valid_i) begin
      decided_o <= 1'b1;
      error_o   <= 1'b0;
      if (decided_i) begin
        reason_o <= reason_i;
      end else if (too_short || (bad_fields && !beyond_window)) begin
        reason_o <= portcam_pkg::ReasonUnparsedL4;
      end else if (beyond_window) begin
        reason_o <= portcam_pkg::ReasonComplexWindow;
      end else if (discovery) begin
        reason_o <= portcam_pkg::ReasonNeighbourDiscovery;
      end else begin
        reason_o  <= portcam_pkg::ReasonNoMatch;
        decided_o <= error;
        error_o   <= error;
      end
      is_v6_o     <= is_v6_i;
      protocol_o  <= protocol_i;
      has_ports_o <= tcp_i || udp_i || sctp_i;
      src_port_o  <= (tcp_i || udp_i || sctp_i) ? {l4_i[8*0+:8], l4_i[8*1+:8]} : 16'd0;
      dst_port_o  <= (tcp_i || udp_i || sctp_i) ? {l4_i[8*2+:8], l4_i[8*3+:8]} : 16'd0;
      l4_at_o     <= l4_at_i;
      has_sum_o   <= tcp_i || udp_i || (icmp_i && is_v6_i);
      sum_o       <= tcp_i ? l4_i[8*16+:16] : udp_i ? l4_i[8*6+:16] : l4_i[8*2+:16];
      sum_at_o    <= l4_at_i + (tcp_i ? 8'd16 : udp_i ? 8'd6 : 8'd2);
      ip_end_o    <= (room_i >= {9'd0, window_i}) ? 8'd128 : l4_at_i + room_i[7:0];

      tcp_flags_o   <= l4_i[8*13+:8];
      tcp_seq_o     <= {l4_i[8*4+:8], l4_i[8*5+:8], l4_i[8*6+:8], l4_i[8*7+:8]};
      tcp_ack_o     <= {l4_i[8*8+:8], l4_i[8*9+:8], l4_i[8*10+:8], l4_i[8*11+:8]};
      tcp_payload_o <= room_i - {10'd0, tcp_offset, 2'b00};
    end
  end

  logic unused_bytes;
  assign unused_bytes = ^{l4_i[127:112], l4_i[99:96]};

endmodule

`resetall
