// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_l2: first two clocks of the parser: Ethernet and up to two VLAN tags, then the
// rest of the window moved so that the layer-3 header begins at its byte 0.
//
// Clock 1 counts the tags and picks the VLAN of the key: the first identifier that is not 0. Clock
// 2 is a 3:1 multiplexer. One header a clock, never stalled.

`default_nettype none

module portcam_parser_l2 (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       valid_i,
    input  portcam_types_pkg::header_t header_i,
    output logic                       valid_o,
    output logic                       oversize_o,
    output logic                       short_o,     // ends inside the Ethernet header or a tag
    output logic                       type_v4_o,
    output logic                       type_v6_o,
    output logic [1:0]                 tags_o,      // l3 is 14 + 4 * tags
    output logic [11:0]                vlan_o,
    output logic [47:0]                dst_mac_o,
    output logic                       has_mac_o,
    output logic [15:0]                len_o,
    output logic [7:0]                 ingress_o,
    output logic [15:0]                l3_len_o,    // bytes of the frame from l3 on, unless short
    output logic [911:0]               l3_o         // bytes of the window from l3 on, zeros behind
);

  // Clock 1: tags.
  logic [15:0] type0;
  logic [15:0] type1;
  logic [11:0] id0;
  logic [11:0] id1;
  logic        tag0;
  logic        tag1;
  logic        unused_src_mac;

  assign type0          = {header_i.window[8*12+:8], header_i.window[8*13+:8]};
  assign type1          = {header_i.window[8*16+:8], header_i.window[8*17+:8]};
  assign id0            = {header_i.window[8*14+:4], header_i.window[8*15+:8]};
  assign id1            = {header_i.window[8*18+:4], header_i.window[8*19+:8]};
  assign tag0           = type0 == 16'h8100 || type0 == 16'h88a8;
  assign tag1           = tag0 && (type1 == 16'h8100 || type1 == 16'h88a8);
  assign unused_src_mac = ^header_i.window[95:48];

  logic         valid_q;
  logic         oversize_q;
  logic         short_q;
  logic [1:0]   tags_q;
  logic [11:0]  vlan_q;
  logic [47:0]  dst_mac_q;
  logic         has_mac_q;
  logic [15:0]  len_q;
  logic [7:0]   ingress_q;
  logic [927:0] rest_q;  // window from byte 12 on

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else begin
      valid_q <= valid_i;
    end
    if (valid_i) begin
      oversize_q <= header_i.oversize;
      short_q    <= header_i.len < 16'd14 || (tag0 && header_i.len < 16'd18) ||
                    (tag1 && header_i.len < 16'd22);
      tags_q     <= {tag1, tag0 && !tag1};
      vlan_q     <= !tag0 ? 12'd0 : (id0 != 12'd0) ? id0 : tag1 ? id1 : 12'd0;
      dst_mac_q  <= header_i.window[47:0];
      has_mac_q  <= header_i.len >= 16'd6;
      len_q      <= header_i.len;
      ingress_q  <= header_i.ingress;
      rest_q     <= header_i.window[1023:96];
    end
  end

  // Clock 2: the type and what follows it.
  logic [15:0]  ether_type;

  always_comb begin
    unique case (tags_q)
      2'd0:    ether_type = {rest_q[7:0], rest_q[15:8]};
      2'd1:    ether_type = {rest_q[39:32], rest_q[47:40]};
      default: ether_type = {rest_q[71:64], rest_q[79:72]};
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else begin
      valid_o <= valid_q;
    end
    if (valid_q) begin
      oversize_o <= oversize_q;
      short_o    <= short_q;
      type_v4_o  <= ether_type == 16'h0800;
      type_v6_o  <= ether_type == 16'h86dd;
      tags_o     <= tags_q;
      vlan_o     <= vlan_q;
      dst_mac_o  <= dst_mac_q;
      has_mac_o  <= has_mac_q;
      len_o      <= len_q;
      ingress_o  <= ingress_q;
      l3_len_o   <= len_q - 16'd14 - {12'd0, tags_q, 2'b00};
      unique case (tags_q)
        2'd0:    l3_o <= rest_q[927:16];
        2'd1:    l3_o <= {32'd0, rest_q[927:48]};
        default: l3_o <= {64'd0, rest_q[927:80]};
      endcase
    end
  end

endmodule

`resetall
