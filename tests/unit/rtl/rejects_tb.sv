// SPDX-License-Identifier: Apache-2.0
//
// portcam_creation, with the fields of the parse result that it reads as ports, and
// portcam_reject_limit, for rejects_test.cpp.

`default_nettype none

module rejects_tb (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         valid_i,
    input  logic         is_v6_i,
    input  logic [127:0] src_ip_i,
    input  logic [127:0] dst_ip_i,
    input  logic [7:0]   protocol_i,
    input  logic         has_ports_i,
    input  logic [15:0]  src_port_i,
    input  logic [15:0]  dst_port_i,
    input  logic [7:0]   tcp_flags_i,
    input  logic [31:0]  tcp_seq_i,
    input  logic [15:0]  tcp_payload_i,
    output logic         valid_o,
    output logic         may_create_o,
    output logic         no_answer_o,
    output logic         tcp_o,
    output logic [2:0]   tcp_class_o,
    output logic [31:0]  tcp_end_o,
    input  logic         clear_i,
    input  logic         request_valid_i,
    input  logic [5:0]   request_reason_i,
    input  logic         request_no_answer_i,
    input  logic [15:0]  request_rate_i,
    input  logic [15:0]  request_burst_i,
    input  logic [31:0]  request_time_i,
    output logic         result_valid_o,
    output logic [5:0]   result_reason_o,
    output logic         result_answer_o
);

  portcam_types_pkg::parsed_t parsed;

  always_comb begin
    parsed             = '1;
    parsed.is_v6       = is_v6_i;
    parsed.src_ip      = src_ip_i;
    parsed.dst_ip      = dst_ip_i;
    parsed.protocol    = protocol_i;
    parsed.has_ports   = has_ports_i;
    parsed.src_port    = src_port_i;
    parsed.dst_port    = dst_port_i;
    parsed.tcp_flags   = tcp_flags_i;
    parsed.tcp_seq     = tcp_seq_i;
    parsed.tcp_payload = tcp_payload_i;
  end

  portcam_creation u_creation (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (valid_i),
      .parsed_i    (parsed),
      .valid_o     (valid_o),
      .may_create_o(may_create_o),
      .no_answer_o (no_answer_o),
      .tcp_o       (tcp_o),
      .tcp_class_o (tcp_class_o),
      .tcp_end_o   (tcp_end_o)
  );

  portcam_reject_limit u_limit (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (clear_i),
      .valid_i    (request_valid_i),
      .reason_i   (request_reason_i),
      .no_answer_i(request_no_answer_i),
      .rate_i     (request_rate_i),
      .burst_i    (request_burst_i),
      .time_ms_i  (request_time_i),
      .valid_o    (result_valid_o),
      .reason_o   (result_reason_o),
      .answer_o   (result_answer_o)
  );

endmodule

`resetall
