// SPDX-License-Identifier: Apache-2.0
//
// portcam_checksum_update equals recomputation. A packet is one 16-bit word that changes and the rest, which is known by
// the folded sum of its words: any 16-bit value. Its checksum is right before the change; then the update
// gives, for all words and all rests, the checksum that recomputation gives. Without UDP the one exception
// is a packet whose words are all zero, before or after. With UDP there is none, and no checksum stays none.

module checksum_update_proof (
    input logic clk_i
);
  (* anyconst *) logic [15:0] rest;
  (* anyconst *) logic [15:0] old_word;
  (* anyconst *) logic [15:0] new_word;
  (* anyconst *) logic        udp;
  (* anyconst *) logic        none;  // UDP without a checksum

  function automatic logic [15:0] fold(logic [15:0] a, logic [15:0] b);
    logic [16:0] sum;
    sum  = 17'(a) + 17'(b);
    fold = sum[15:0] + 16'(sum[16]);
  endfunction

  function automatic logic [15:0] recompute(logic [15:0] a, logic [15:0] b, logic is_udp);
    recompute = ~fold(a, b);
    if (is_udp && recompute == 16'd0) begin
      recompute = 16'hFFFF;
    end
  endfunction

  logic [15:0] before;
  logic [15:0] after;
  logic [15:0] result;
  logic        valid;
  logic [2:0]  clock_q = 3'd0;

  assign before = (udp && none) ? 16'd0 : recompute(rest, old_word, udp);
  assign after  = (udp && none) ? 16'd0 : recompute(rest, new_word, udp);

  portcam_checksum_update #(
      .Words(1)
  ) u_dut (
      .clk_i  (clk_i),
      .rst_ni (1'b1),
      .valid_i(clock_q == 3'd1),
      .old_i  (old_word),
      .new_i  (new_word),
      .sum_i  (before),
      .udp_i  (udp),
      .valid_o(valid),
      .sum_o  (result)
  );

  always_ff @(posedge clk_i) begin
    if (clock_q != 3'd7) begin
      clock_q <= clock_q + 3'd1;
    end
  end

  always_comb begin
    if (clock_q == 3'd5) begin
      a_four_clocks : assert (valid);
      if (udp || ((rest != 16'd0 || old_word != 16'd0) && (rest != 16'd0 || new_word != 16'd0)))
      begin
        a_equals_recomputation : assert (result == after);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    c_ffff_for_zero : cover (clock_q == 3'd5 && udp && !none && result == 16'hFFFF);
    c_zero : cover (clock_q == 3'd5 && !udp && result == 16'd0);
  end
endmodule
