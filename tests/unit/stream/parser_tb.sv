// SPDX-License-Identifier: Apache-2.0
//
// parser_tb: portcam_parser with the fields of its two structs as ports, for C++.

`default_nettype none

module parser_tb (
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic          valid_i,
    input  logic [1023:0] window_i,
    input  logic [15:0]   len_i,
    input  logic [7:0]    ingress_i,
    input  logic          oversize_i,
    output logic          valid_o,
    output logic [5:0]    reason_o,
    output logic          decided_o,
    output logic          is_v6_o,
    output logic [11:0]   vlan_o,
    output logic [47:0]   dst_mac_o,
    output logic          has_mac_o,
    output logic [127:0]  src_ip_o,
    output logic [127:0]  dst_ip_o,
    output logic [7:0]    protocol_o,
    output logic          has_ports_o,
    output logic [15:0]   src_port_o,
    output logic [15:0]   dst_port_o,
    output logic [4:0]    l3_o,
    output logic [7:0]    l4_o,
    output logic [15:0]   ip_sum_o,
    output logic          has_l4_sum_o,
    output logic [15:0]   l4_sum_o,
    output logic [7:0]    l4_sum_at_o,
    output logic [7:0]    ip_end_o,
    output logic [7:0]    tcp_flags_o,
    output logic [31:0]   tcp_seq_o,
    output logic [31:0]   tcp_ack_o,
    output logic [15:0]   tcp_payload_o,
    output logic [15:0]   len_o,
    output logic [7:0]    ingress_o,
    output logic [127:0]  inner_src_ip_o,
    output logic [127:0]  inner_dst_ip_o,
    output logic [7:0]    inner_protocol_o,
    output logic [15:0]   inner_src_port_o,
    output logic [15:0]   inner_dst_port_o,
    output logic          about_flow_o,
    output logic [15:0]   inner_ip_sum_o,
    output logic [7:0]    inner_l4_o,
    output logic          inner_has_ports_o,
    output logic          inner_has_sum_o,
    output logic [15:0]   inner_sum_o,
    output logic [7:0]    inner_sum_at_o
);

  portcam_types_pkg::header_t header;
  portcam_types_pkg::parsed_t parsed;

  assign header.window   = window_i;
  assign header.len      = len_i;
  assign header.ingress  = ingress_i;
  assign header.oversize = oversize_i;

  portcam_parser u_parser (
      .clk_i,
      .rst_ni,
      .valid_i,
      .header_i(header),
      .valid_o,
      .parsed_o(parsed)
  );

  assign reason_o         = parsed.reason;
  assign decided_o        = parsed.decided;
  assign is_v6_o          = parsed.is_v6;
  assign vlan_o           = parsed.vlan;
  assign dst_mac_o        = parsed.dst_mac;
  assign has_mac_o        = parsed.has_mac;
  assign src_ip_o         = parsed.src_ip;
  assign dst_ip_o         = parsed.dst_ip;
  assign protocol_o       = parsed.protocol;
  assign has_ports_o      = parsed.has_ports;
  assign src_port_o       = parsed.src_port;
  assign dst_port_o       = parsed.dst_port;
  assign l3_o             = parsed.l3;
  assign l4_o             = parsed.l4;
  assign ip_sum_o         = parsed.ip_sum;
  assign has_l4_sum_o     = parsed.has_l4_sum;
  assign l4_sum_o         = parsed.l4_sum;
  assign l4_sum_at_o      = parsed.l4_sum_at;
  assign ip_end_o         = parsed.ip_end;
  assign tcp_flags_o      = parsed.tcp_flags;
  assign tcp_seq_o        = parsed.tcp_seq;
  assign tcp_ack_o        = parsed.tcp_ack;
  assign tcp_payload_o    = parsed.tcp_payload;
  assign len_o            = parsed.len;
  assign ingress_o        = parsed.ingress;
  assign inner_src_ip_o   = parsed.inner_src_ip;
  assign inner_dst_ip_o   = parsed.inner_dst_ip;
  assign inner_protocol_o = parsed.inner_protocol;
  assign inner_src_port_o = parsed.inner_src_port;
  assign inner_dst_port_o = parsed.inner_dst_port;

  assign about_flow_o      = parsed.about_flow;
  assign inner_ip_sum_o    = parsed.inner_ip_sum;
  assign inner_l4_o        = parsed.inner_l4;
  assign inner_has_ports_o = parsed.inner_has_ports;
  assign inner_has_sum_o   = parsed.inner_has_sum;
  assign inner_sum_o       = parsed.inner_sum;
  assign inner_sum_at_o    = parsed.inner_sum_at;

endmodule

`resetall
