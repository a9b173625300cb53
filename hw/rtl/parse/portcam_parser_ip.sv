// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_ip: the fixed IPv4 or IPv6 header, in one clock.
//
// Gives the addresses, the tests of this header one by one (which of them counts is decided later,
// by portcam_parser_verdict), and `rest`: the bytes of the window behind the 20 or 40 bytes of the
// fixed header. From here on both versions look alike: what follows lies at a number of 32-bit
// words (options or extension headers) into `rest`.

`default_nettype none

module portcam_parser_ip (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         valid_i,
    input  logic         type_v6_i,
    input  logic [15:0]  l3_len_i,
    input  logic [911:0] l3_i,
    input  logic         mac_group_i,  // destination MAC has the group bit
    output logic         valid_o,
    output logic         is_v6_o,
    output logic         short_o,      // tests, in the order in which they decide
    output logic         version_o,
    output logic         ihl_o,
    output logic         length_o,
    output logic         fragment_o,
    output logic         options_o,
    output logic         multicast_o,
    output logic [127:0] src_ip_o,     // IPv4 in bits 31:0
    output logic [127:0] dst_ip_o,
    output logic [15:0]  ip_sum_o,     // as on the wire
    output logic [7:0]   protocol_o,   // of the fixed header
    output logic [3:0]   options_words_o,  // 32-bit words of IPv4 options; 0 for IPv6
    output logic [15:0]  payload_o,    // bytes of the packet behind the fixed header
    output logic [751:0] rest_o,
    output logic [271:0] ext_heads_o,      // IPv6: first two bytes of words 0 to 16 of rest
    output logic [16:0]  ext_fragments_o,  // as a fragment header's first word: a fragment
    output logic [16:0]  ext_routings_o    // as a routing header's: segments left
);

  logic [3:0]  version;
  logic [3:0]  ihl;
  logic [15:0] word1;       // IPv4 total length
  logic [15:0] word2;       // IPv6 payload length
  logic [15:0] word3;       // IPv4 flags and offset
  logic        multicast_v4;

  assign version = l3_i[7:4];
  assign ihl     = l3_i[3:0];
  assign word1   = {l3_i[8*2+:8], l3_i[8*3+:8]};
  assign word2   = {l3_i[8*4+:8], l3_i[8*5+:8]};
  assign word3   = {l3_i[8*6+:8], l3_i[8*7+:8]};

  // A word of the options that there are has a byte that may be a source route.
  function automatic logic has_route(input logic [319:0] words, input logic [3:0] header_words);
    logic [9:0] hit;
    hit = '0;
    for (int unsigned i = 0; i < 40; i++) begin
      if ((words[8*i+:8] == 8'h83 || words[8*i+:8] == 8'h89) && 32'(header_words) > 5 + i / 4) begin
        hit[i/4] = 1'b1;
      end
    end
    has_route = hit != 10'd0;
  endfunction

  assign multicast_v4 = l3_i[8*16+4+:4] == 4'he || l3_i[8*16+:32] == 32'hffff_ffff;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else begin
      valid_o <= valid_i;
    end
    if (valid_i) begin
      is_v6_o <= type_v6_i;
      if (type_v6_i) begin
        short_o         <= l3_len_i < 16'd40;
        version_o       <= version != 4'd6;
        ihl_o           <= 1'b0;
        length_o        <= {1'b0, word2} + 17'd40 > {1'b0, l3_len_i};
        fragment_o      <= 1'b0;
        options_o       <= 1'b0;
        multicast_o     <= mac_group_i || l3_i[8*24+:8] == 8'hff;
        src_ip_o        <= l3_i[8*8+:128];
        dst_ip_o        <= l3_i[8*24+:128];
        protocol_o      <= l3_i[8*6+:8];
        options_words_o <= 4'd0;
        payload_o       <= word2;
        rest_o          <= {160'd0, l3_i[911:320]};
        for (int unsigned i = 0; i < 17; i++) begin
          ext_heads_o[i*16+:16] <= l3_i[8*(40+4*i)+:16];
          ext_fragments_o[i]    <= ({l3_i[8*(42+4*i)+:8], l3_i[8*(43+4*i)+:8]} & 16'hfff9) != 16'd0;
          ext_routings_o[i]     <= l3_i[8*(43+4*i)+:8] != 8'd0;
        end
      end else begin
        short_o         <= l3_len_i < 16'd20;
        version_o       <= version != 4'd4;
        ihl_o           <= ihl < 4'd5;
        length_o        <= word1 < {10'd0, ihl, 2'b00} || word1 > l3_len_i;
        fragment_o      <= word3[13:0] != 14'd0;
        options_o       <= ihl > 4'd5 && has_route(l3_i[8*20+:320], ihl);
        multicast_o     <= mac_group_i || multicast_v4;
        src_ip_o        <= {96'd0, l3_i[8*12+:32]};
        dst_ip_o        <= {96'd0, l3_i[8*16+:32]};
        protocol_o      <= l3_i[8*9+:8];
        options_words_o <= ihl - 4'd5;
        payload_o       <= word1 - 16'd20;
        rest_o          <= l3_i[911:160];
      end
      ip_sum_o <= l3_i[8*10+:16];
    end
  end

  logic unused_flags;
  assign unused_flags = ^word3[15:14];

endmodule

`resetall
