// SPDX-License-Identifier: Apache-2.0
//
// portcam_rewrite_plan: turns a rewrite instruction into what each 16-bit lane of a frame's first
// 128 bytes becomes.
//
// Lane n is bytes 2n and 2n+1. Three things can replace a lane: the image (MAC addresses in lanes 0
// to 5; IPv4 header checksum and IP address in lanes 11 to 30, all in the first beat, because l3 is
// 14, 18 or 22), the port and the layer-4 checksum (lanes 0 to 63, from the even offsets l4 and
// l4_sum_at; port and checksum go before the image).
//
// An ICMP error changes more, each in lanes of its own: its checksum, the embedded IPv4 checksum, and
// the embedded address. All headers begin at a byte 2 + 4 * n, so word n of the window, bytes 2 + 4 * n
// to 5 + 4 * n, takes word n % 4 of the turned address.
//
// A register: the plan of an instruction is there one clock after it was taken, and stays until
// done_i. Then the next instruction may be taken in the same clock, so one plan a clock.

`default_nettype none

module portcam_rewrite_plan (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        rewrite_valid_i,
    output logic                        rewrite_ready_o,
    input  portcam_types_pkg::rewrite_t rewrite_i,
    output logic                        valid_o,
    input  logic                        done_i,
    output logic                        drop_o,
    output logic [7:0]                  egress_o,
    output logic                        change_o,  // some lane changes
    output logic [511:0]                image_o,
    output logic [31:0]                 image_lanes_o,
    output logic [15:0]                 port_o,    // as on the wire
    output logic [63:0]                 port_lanes_o,
    output logic [15:0]                 sum_o,     // as on the wire
    output logic [63:0]                 sum_lanes_o,
    output logic                        about_flow_o,
    output logic [127:0]                inner_ip_o,     // turned
    output logic [31:0]                 inner_words_o,  // words of the window that change
    output logic [15:0]                 inner_sum_o,    // as on the wire
    output logic [63:0]                 inner_lanes_o,
    output logic [15:0]                 icmp_sum_o,     // as on the wire
    output logic [63:0]                 icmp_lanes_o
);

  // Where the address goes: lane 11 + 2 * place. Sources of IPv6 are at l3 + 8, of IPv4 at l3 + 12,
  // destinations of IPv4 at l3 + 16, of IPv6 at l3 + 24.
  logic       set_ip;
  logic [1:0] tags;   // l3 is 14 + 4 * tags
  logic [2:0] place;

  assign set_ip = rewrite_i.set_dst_ip || rewrite_i.set_src_ip;
  assign tags   = {rewrite_i.l3[4] && rewrite_i.l3[2], rewrite_i.l3[4] && !rewrite_i.l3[2]};

  always_comb begin
    place = {1'b0, tags};
    if (rewrite_i.is_v6) begin
      place = place + (rewrite_i.set_dst_ip ? 3'd4 : 3'd0);
    end else begin
      place = place + (rewrite_i.set_dst_ip ? 3'd2 : 3'd1);
    end
  end

  // Ten words of 32 bits, lanes 11 to 30; `from` is the word of the address that a word takes. The
  // IPv4 checksum, at l3 + 10, is the upper half of word `tags`.
  // {lanes that change, words}
  function automatic logic [339:0] image_words();
    logic [319:0] words;
    logic [19:0]  word_lanes;
    logic [3:0]   from;
    words      = '0;
    word_lanes = '0;
    from       = '0;
    for (int unsigned i = 0; i < 10; i++) begin
      from              = 4'(i) - {1'b0, place};
      words[i*32+:32]   = rewrite_i.ip[{from[1:0], 5'd0}+:32];
      if (set_ip && from[3:2] == 2'd0 && (rewrite_i.is_v6 || from[1:0] == 2'd0)) begin
        word_lanes[i*2+:2] = 2'b11;
      end
      if (i < 3 && rewrite_i.set_ip_sum && tags == 2'(i)) begin
        words[i*32+16+:16]  = rewrite_i.about_flow ? rewrite_i.outer_ip_sum : rewrite_i.ip_sum;
        word_lanes[i*2+1] = 1'b1;
      end
    end
    image_words = {word_lanes, words};
  endfunction

  // The embedded address: word of the window, and the address turned so that its first word is in
  // the place of that.
  logic [4:0]   inner_word;
  logic [127:0] inner_ip;

  always_comb begin
    inner_word = rewrite_i.icmp_at[6:2];
    if (rewrite_i.is_v6) begin
      inner_word = inner_word + (rewrite_i.set_dst_ip ? 5'd4 : 5'd8);
    end else begin
      inner_word = inner_word + (rewrite_i.set_dst_ip ? 5'd5 : 5'd6);
    end
    unique case (inner_word[1:0])
      2'd0:    inner_ip = rewrite_i.ip;
      2'd1:    inner_ip = {rewrite_i.ip[95:0], rewrite_i.ip[127:96]};
      2'd2:    inner_ip = {rewrite_i.ip[63:0], rewrite_i.ip[127:64]};
      default: inner_ip = {rewrite_i.ip[31:0], rewrite_i.ip[127:32]};
    endcase
  end

  // Ports: the destination's is behind the source's; of an embedded packet it is the other one.
  logic [5:0] port_lane;
  logic       at_second;
  logic       free;
  logic       unused_bits;

  assign at_second       = rewrite_i.set_dst_ip != rewrite_i.about_flow;
  assign port_lane       = rewrite_i.l4[6:1] + {5'd0, at_second};
  assign free            = !valid_o || done_i;
  assign rewrite_ready_o = free;
  assign unused_bits     = ^{rewrite_i.discarded, rewrite_i.l3[3], rewrite_i.l3[1:0],
                             rewrite_i.l4[7], rewrite_i.l4[0], rewrite_i.l4_sum_at[7],
                             rewrite_i.l4_sum_at[0], rewrite_i.icmp_at[7],
                             rewrite_i.icmp_at[0], rewrite_i.reject, rewrite_i.reject_tcp,
                             rewrite_i.reject_ack, rewrite_i.reject_number,
                             rewrite_i.reject_src_port, rewrite_i.reject_dst_port,
                             rewrite_i.reject_ip_end};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else if (free) begin
      valid_o <= rewrite_valid_i;
    end
    if (free && rewrite_valid_i) begin
      drop_o   <= rewrite_i.drop;
      egress_o <= rewrite_i.egress;
      change_o <= set_ip || rewrite_i.set_dst_mac || rewrite_i.set_src_mac ||
                  rewrite_i.set_ip_sum || rewrite_i.set_port || rewrite_i.set_l4_sum;
      {image_lanes_o[30:11], image_o[495:176]} <= image_words();
      image_o[511:496]     <= 16'd0;
      image_o[175:0]       <= {80'd0, rewrite_i.src_mac, rewrite_i.dst_mac};
      image_lanes_o[31]    <= 1'b0;
      image_lanes_o[10:0]  <= {5'd0, {3{rewrite_i.set_src_mac}}, {3{rewrite_i.set_dst_mac}}};
      port_o        <= {rewrite_i.port[7:0], rewrite_i.port[15:8]};
      port_lanes_o  <= {63'd0, rewrite_i.set_port} << port_lane;
      sum_o         <= rewrite_i.l4_sum;
      sum_lanes_o   <= {63'd0, rewrite_i.set_l4_sum} << rewrite_i.l4_sum_at[6:1];
      about_flow_o  <= rewrite_i.about_flow;
    end
    if (free && rewrite_valid_i && rewrite_i.about_flow) begin
      inner_ip_o    <= inner_ip;
      inner_words_o <= (rewrite_i.is_v6 ? 32'd15 : 32'd1) << inner_word;
      inner_sum_o   <= rewrite_i.ip_sum;
      inner_lanes_o <= {63'd0, !rewrite_i.is_v6} << (rewrite_i.icmp_at[6:1] + 6'd9);
      icmp_sum_o    <= rewrite_i.icmp_sum;
      icmp_lanes_o  <= 64'd1 << (rewrite_i.icmp_at[6:1] + 6'd1);
    end
  end

endmodule

`resetall
