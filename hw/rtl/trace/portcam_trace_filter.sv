// SPDX-License-Identifier: Apache-2.0
//
// portcam_trace_filter: does a parsed packet pass the filter of the trace (docs/pipeline.md, section
// 10, step 1)? The answer comes exactly 2 clocks later, one packet a clock.
//
// filter_i: words as portcam_trace_registers gives them; it stands still while packets come.

`default_nettype none

module portcam_trace_filter (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic [767:0]               filter_i,
    input  logic                       valid_i,
    input  portcam_types_pkg::parsed_t parsed_i,
    output logic                       valid_o,
    output logic                       passes_o
);

  // Bits where words begin.
  localparam int unsigned First    = 32'(portcam_pkg::RegTraceEvery);
  localparam int unsigned AtFilter = 8 * (32'(portcam_pkg::RegTraceFilter) - First);
  localparam int unsigned AtSrcIp  = 8 * (32'(portcam_pkg::RegTraceSrcIp0) - First);
  localparam int unsigned AtSrcMask = 8 * (32'(portcam_pkg::RegTraceSrcMask0) - First);
  localparam int unsigned AtDstIp  = 8 * (32'(portcam_pkg::RegTraceDstIp0) - First);
  localparam int unsigned AtDstMask = 8 * (32'(portcam_pkg::RegTraceDstMask0) - First);
  localparam int unsigned AtPorts  = 8 * (32'(portcam_pkg::RegTracePorts) - First);
  localparam int unsigned AtPortMasks = 8 * (32'(portcam_pkg::RegTracePortMasks) - First);

  portcam_types_pkg::parsed_t parsed;
  logic [31:0]                rule;
  logic [127:0]               src_ip;
  logic [127:0]               src_mask;
  logic [127:0]               dst_ip;
  logic [127:0]               dst_mask;
  logic [15:0]                src_port;
  logic [15:0]                src_port_mask;
  logic [15:0]                dst_port;
  logic [15:0]                dst_port_mask;
  logic                       unused_bits;

  assign parsed        = parsed_i;
  assign rule          = filter_i[AtFilter+:32];
  assign src_ip        = filter_i[AtSrcIp+:128];
  assign src_mask      = filter_i[AtSrcMask+:128];
  assign dst_ip        = filter_i[AtDstIp+:128];
  assign dst_mask      = filter_i[AtDstMask+:128];
  assign src_port      = filter_i[AtPorts+:16];
  assign dst_port      = filter_i[AtPorts+16+:16];
  assign src_port_mask = filter_i[AtPortMasks+:16];
  assign dst_port_mask = filter_i[AtPortMasks+16+:16];
  assign unused_bits   = ^{parsed, filter_i, rule};

  // What is known of a packet that the parser has found a reason for.
  logic has_addresses;
  logic has_protocol;

  always_comb begin
    unique case (parsed.reason)
      6'(portcam_pkg::ReasonUnparsedShort), 6'(portcam_pkg::ReasonNonIp),
      6'(portcam_pkg::ReasonUnparsedVersion), 6'(portcam_pkg::ReasonUnparsedIhl),
      6'(portcam_pkg::ReasonUnparsedLength), 6'(portcam_pkg::ReasonOversize): has_addresses = 1'b0;
      default: has_addresses = 1'b1;
    endcase
    unique case (parsed.reason)
      6'(portcam_pkg::ReasonNeighbourDiscovery), 6'(portcam_pkg::ReasonIcmpError),
      6'(portcam_pkg::ReasonIcmpErrorShort), 6'(portcam_pkg::ReasonUnparsedL4): has_protocol = 1'b1;
      default: has_protocol = !parsed.decided;
    endcase
  end

  //------------------------------------------------------------------------------------------------
  // Clock 1: each end of the filter against each end of the packet; what asks for nothing.

  logic valid_q;
  logic rest_q;             // ingress, version, protocol
  logic addresses_q;
  logic ports_q;
  logic src_any_q;
  logic dst_any_q;
  logic src_port_any_q;
  logic dst_port_any_q;
  logic src_src_q;          // source of the filter, source of the packet
  logic src_dst_q;
  logic dst_src_q;
  logic dst_dst_q;
  logic src_src_port_q;
  logic src_dst_port_q;
  logic dst_src_port_q;
  logic dst_dst_port_q;

  logic by_ingress;
  logic by_version;
  logic by_protocol;

  assign by_ingress  = rule[portcam_pkg::TraceFilterByIngressLsb];
  assign by_version  = rule[portcam_pkg::TraceFilterByVersionLsb];
  assign by_protocol = rule[portcam_pkg::TraceFilterByProtocolLsb];

  always_ff @(posedge clk_i) begin
    valid_q <= valid_i;
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end
    if (valid_i) begin
      rest_q <= (!by_ingress ||
                 parsed.ingress == rule[portcam_pkg::TraceFilterIngressLsb+:8]) &&
                (!by_version || (has_addresses &&
                                 parsed.is_v6 == rule[portcam_pkg::TraceFilterIpv6Lsb])) &&
                (!by_protocol || (has_protocol &&
                                  parsed.protocol == rule[portcam_pkg::TraceFilterProtocolLsb+:8]));
      addresses_q    <= has_addresses;
      ports_q        <= !parsed.decided;
      src_any_q      <= src_mask == '0;
      dst_any_q      <= dst_mask == '0;
      src_port_any_q <= src_port_mask == '0;
      dst_port_any_q <= dst_port_mask == '0;
      src_src_q      <= ((src_ip ^ parsed.src_ip) & src_mask) == '0;
      src_dst_q      <= ((src_ip ^ parsed.dst_ip) & src_mask) == '0;
      dst_src_q      <= ((dst_ip ^ parsed.src_ip) & dst_mask) == '0;
      dst_dst_q      <= ((dst_ip ^ parsed.dst_ip) & dst_mask) == '0;
      src_src_port_q <= ((src_port ^ parsed.src_port) & src_port_mask) == '0;
      src_dst_port_q <= ((src_port ^ parsed.dst_port) & src_port_mask) == '0;
      dst_src_port_q <= ((dst_port ^ parsed.src_port) & dst_port_mask) == '0;
      dst_dst_port_q <= ((dst_port ^ parsed.dst_port) & dst_port_mask) == '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 2.

  logic as_it_is;
  logic exchanged;

  assign as_it_is  = (src_any_q || (addresses_q && src_src_q)) &&
                     (dst_any_q || (addresses_q && dst_dst_q)) &&
                     (src_port_any_q || (ports_q && src_src_port_q)) &&
                     (dst_port_any_q || (ports_q && dst_dst_port_q));
  assign exchanged = (src_any_q || (addresses_q && src_dst_q)) &&
                     (dst_any_q || (addresses_q && dst_src_q)) &&
                     (src_port_any_q || (ports_q && src_dst_port_q)) &&
                     (dst_port_any_q || (ports_q && dst_src_port_q));

  always_ff @(posedge clk_i) begin
    valid_o <= valid_q;
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end
    if (valid_q) begin
      passes_o <= rest_q && (as_it_is || (rule[portcam_pkg::TraceFilterBothLsb] && exchanged));
    end
  end

endmodule

`resetall
