// SPDX-License-Identifier: Apache-2.0
//
// portcam_reject_limit: a bucket is never above its size of that moment, and its level rises by no
// more than rate times the milliseconds and falls by the whole cost of an answer (assertions of the
// module itself); so no reason has more answers than its burst and what its rate gives in that
// time. For all requests, rates, bursts and times, resets at any time, from any levels.

module reject_limit_proof (
    input logic        clk_i,
    input logic        rst_ni,
    input logic        clear_i,
    input logic        valid_i,
    input logic [5:0]  reason_i,
    input logic        no_answer_i,
    input logic [15:0] rate_i,
    input logic [15:0] burst_i,
    input logic [31:0] time_ms_i
);
  logic       valid;
  logic [5:0] reason;
  logic       answer;

  portcam_reject_limit u_dut (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (clear_i),
      .valid_i    (valid_i),
      .reason_i   (reason_i),
      .no_answer_i(no_answer_i),
      .rate_i     (rate_i),
      .burst_i    (burst_i),
      .time_ms_i  (time_ms_i),
      .valid_o    (valid),
      .reason_o   (reason),
      .answer_o   (answer)
  );

  // Nothing is on its way in the first clock; fresh or not, levels and times are what they may.
  (* hidden = "u_dut.u_tokens.asks_s1" *)
  logic hidden_asks_s1;
  (* hidden = "u_dut.u_tokens.asks_s2" *)
  logic hidden_asks_s2;
  logic [1:0] begun_q = 2'd0;

  always_ff @(posedge clk_i) begin
    if (begun_q != 2'd3) begin
      begun_q <= begun_q + 2'd1;
    end
  end

  always_comb begin
    assume (begun_q != 2'd0 || (!hidden_asks_s1 && !hidden_asks_s2));
  end

  always_ff @(posedge clk_i) begin
    if (begun_q == 2'd3 && valid) begin
      a_answer_keeps_reason : assert (!answer || reason == 6'd35 || reason == 6'd38 ||
                                      reason == 6'd39 || reason == 6'd44 || reason == 6'd45);
    end
    c_answer : cover (begun_q == 2'd3 && valid && answer);
    c_limited : cover (begun_q == 2'd3 && valid && reason == 6'd47);
  end
endmodule
