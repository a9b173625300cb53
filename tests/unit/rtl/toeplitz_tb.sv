// SPDX-License-Identifier: Apache-2.0
//
// portcam_toeplitz for each part of a connection's key and for the whole of it, at both latencies,
// and for the input of the receive-side-scaling hash, for toeplitz_test.cpp.

`default_nettype none

module toeplitz_tb (
    input  logic         clk_i,
    input  logic [255:0] secret_i,
    input  logic [183:0] key_i,       // IP 128, port 16, protocol 8, group 16, kept port 16
    input  logic [95:0]  rss_i,
    output logic [63:0]  ip_o,
    output logic [63:0]  port_o,
    output logic [63:0]  protocol_o,
    output logic [63:0]  group_o,
    output logic [63:0]  kept_o,
    output logic [63:0]  whole_o,     // one clock late
    output logic [63:0]  rss_o
);

  portcam_toeplitz #(.InWidth(128), .Offset(0), .Latency(0)) u_ip (
      .clk_i(clk_i), .valid_i(1'b1), .in_i(key_i[127:0]), .secret_i(secret_i), .hash_o(ip_o));

  portcam_toeplitz #(.InWidth(16), .Offset(128), .Latency(0)) u_port (
      .clk_i(clk_i), .valid_i(1'b1), .in_i(key_i[143:128]), .secret_i(secret_i), .hash_o(port_o));

  portcam_toeplitz #(.InWidth(8), .Offset(144), .Latency(0)) u_protocol (
      .clk_i(clk_i), .valid_i(1'b1), .in_i(key_i[151:144]), .secret_i(secret_i), .hash_o(protocol_o));

  portcam_toeplitz #(.InWidth(16), .Offset(152), .Latency(0)) u_group (
      .clk_i(clk_i), .valid_i(1'b1), .in_i(key_i[167:152]), .secret_i(secret_i), .hash_o(group_o));

  portcam_toeplitz #(.InWidth(16), .Offset(168), .Latency(0)) u_kept (
      .clk_i(clk_i), .valid_i(1'b1), .in_i(key_i[183:168]), .secret_i(secret_i), .hash_o(kept_o));

  portcam_toeplitz #(.InWidth(184), .Offset(0), .Latency(1)) u_whole (
      .clk_i(clk_i), .valid_i(1'b1), .in_i(key_i), .secret_i(secret_i), .hash_o(whole_o));

  portcam_toeplitz #(.InWidth(96), .Offset(0), .Latency(0)) u_rss (
      .clk_i(clk_i), .valid_i(1'b1), .in_i(rss_i), .secret_i(secret_i), .hash_o(rss_o));

endmodule

`resetall
