// SPDX-License-Identifier: Apache-2.0
//
// portcam_creation: what a packet says about connections by itself: whether it may create a record,
// whether a reject of it is answered, and what its TCP flags mean.
//
// The rules are those of docs/connections.md, sections 3 to 5, and docs/pipeline.md, section 6. The
// parse result has decided = 0; for others the outputs have no meaning. Latency exactly 2 clocks,
// one packet a clock, never stalled.

`default_nettype none

module portcam_creation (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       valid_i,
    input  portcam_types_pkg::parsed_t parsed_i,
    output logic                       valid_o,
    output logic                       may_create_o,
    output logic                       no_answer_o,  // a reject of it is reject_silent
    output logic                       tcp_o,
    output logic [2:0]                 tcp_class_o,  // portcam_types_pkg::tcp_class_e
    output logic [31:0]                tcp_end_o     // sequence number behind the segment
);

  localparam logic [7:0] ProtocolIcmp   = 8'd1;
  localparam logic [7:0] ProtocolTcp    = 8'd6;
  localparam logic [7:0] ProtocolIcmpv6 = 8'd58;

  portcam_types_pkg::parsed_t parsed;
  logic                       unused_parsed;

  assign parsed        = parsed_i;
  assign unused_parsed = ^parsed;

  // What an address is. Its first byte on the wire is in bits 7:0.
  function automatic logic is_zero(input logic is_v6, input logic [127:0] ip);
    is_zero = ip[31:0] == 32'd0 && (!is_v6 || ip[127:32] == 96'd0);
  endfunction

  // Multicast, and the limited broadcast of IPv4.
  function automatic logic is_group(input logic is_v6, input logic [31:0] ip);
    is_group = is_v6 ? ip[7:0] == 8'hff : ip[7:4] == 4'he || ip == 32'hffff_ffff;
  endfunction

  function automatic logic is_loopback(input logic is_v6, input logic [127:0] ip);
    is_loopback = is_v6 ? ip == {8'd1, 120'd0} : ip[7:0] == 8'd127;
  endfunction

  //------------------------------------------------------------------------------------------------
  // Clock 1: the tests one by one.

  logic        flag_fin;
  logic        flag_syn;
  logic        flag_rst;
  logic        flag_ack;
  logic        valid_q1;
  logic        src_zero_q1;
  logic        src_group_q1;
  logic        src_loopback_q1;
  logic        dst_zero_q1;
  logic        dst_group_q1;
  logic        dst_loopback_q1;
  logic        port_zero_q1;
  logic [3:0]  same_ip_q1;    // a word of 32 bits each
  logic        same_port_q1;
  logic        icmp_q1;
  logic        tcp_q1;
  logic [2:0]  tcp_class_q1;
  logic [31:0] seq_q1;
  logic [16:0] more_q1;       // payload, SYN and FIN: at most 65,537

  assign flag_fin = parsed.tcp_flags[0];
  assign flag_syn = parsed.tcp_flags[1];
  assign flag_rst = parsed.tcp_flags[2];
  assign flag_ack = parsed.tcp_flags[4];

  always_ff @(posedge clk_i) begin
    valid_q1 <= valid_i;
    if (!rst_ni) begin
      valid_q1 <= 1'b0;
    end
    if (valid_i) begin
      // 0.0.0.0/8 as a source, 0.0.0.0 alone as a destination.
      src_zero_q1     <= is_zero(parsed.is_v6, parsed.src_ip) ||
                         (!parsed.is_v6 && parsed.src_ip[7:0] == 8'd0);
      src_group_q1    <= is_group(parsed.is_v6, parsed.src_ip[31:0]);
      src_loopback_q1 <= is_loopback(parsed.is_v6, parsed.src_ip);
      dst_zero_q1     <= is_zero(parsed.is_v6, parsed.dst_ip);
      dst_group_q1    <= is_group(parsed.is_v6, parsed.dst_ip[31:0]);
      dst_loopback_q1 <= is_loopback(parsed.is_v6, parsed.dst_ip);
      port_zero_q1    <= parsed.has_ports && parsed.src_port == 16'd0;
      for (int unsigned i = 0; i < 4; i++) begin
        same_ip_q1[i] <= parsed.src_ip[32*i+:32] == parsed.dst_ip[32*i+:32];
      end
      same_port_q1    <= !parsed.has_ports || parsed.src_port == parsed.dst_port;
      icmp_q1         <= parsed.protocol == ProtocolIcmp || parsed.protocol == ProtocolIcmpv6;
      tcp_q1          <= parsed.protocol == ProtocolTcp;
      if (flag_rst) begin
        tcp_class_q1 <= 3'(portcam_types_pkg::TcpRst);
      end else if (flag_syn) begin
        tcp_class_q1 <= flag_fin ? 3'(portcam_types_pkg::TcpOdd) :
                        flag_ack ? 3'(portcam_types_pkg::TcpSynAck) : 3'(portcam_types_pkg::TcpSyn);
      end else begin
        tcp_class_q1 <= !flag_ack ? 3'(portcam_types_pkg::TcpOdd) :
                        flag_fin  ? 3'(portcam_types_pkg::TcpFin) : 3'(portcam_types_pkg::TcpAck);
      end
      seq_q1  <= parsed.tcp_seq;
      more_q1 <= {1'b0, parsed.tcp_payload} + {16'd0, flag_syn} + {16'd0, flag_fin};
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 2: together.

  logic bad_source;
  logic bad_destination;
  logic land;

  assign bad_source      = src_zero_q1 || src_group_q1 || (src_loopback_q1 && !dst_loopback_q1);
  assign bad_destination = dst_zero_q1 || dst_group_q1;
  assign land            = (&same_ip_q1) && same_port_q1;

  always_ff @(posedge clk_i) begin
    valid_o <= valid_q1;
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end
    if (valid_q1) begin
      may_create_o <= !bad_source && !bad_destination && !port_zero_q1 && !land &&
                      (!tcp_q1 || tcp_class_q1 == 3'(portcam_types_pkg::TcpSyn));
      no_answer_o  <= bad_source || land || icmp_q1 ||
                      (tcp_q1 && tcp_class_q1 == 3'(portcam_types_pkg::TcpRst));
      tcp_o        <= tcp_q1;
      tcp_class_o  <= tcp_class_q1;
      tcp_end_o    <= seq_q1 + {15'd0, more_q1};
    end
  end

endmodule

`resetall
