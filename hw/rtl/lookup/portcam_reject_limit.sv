// SPDX-License-Identifier: Apache-2.0
//
// portcam_reject_limit: which rejects are answered: a token bucket for each of the five reasons of
// fate reject (docs/pipeline.md, section 6).
//
// A request has the reason of a reject, the rate and the burst of this moment and its time; the
// result, exactly 3 clocks later, is the reason that is counted (the same, ReasonRejectSilent or
// ReasonRejectLimited) and whether the frame is answered. One request a clock, each as if those
// before it had been finished. Requests with no_answer_i, and reasons that are not of fate reject,
// leave the buckets (portcam_tokens) alone; the latter come out unchanged and without an answer.

`default_nettype none

module portcam_reject_limit (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        clear_i,
    input  logic        valid_i,
    input  logic [5:0]  reason_i,     // portcam_pkg::reason_e
    input  logic        no_answer_i,  // such a packet is never answered
    input  logic [15:0] rate_i,       // answers a second
    input  logic [15:0] burst_i,      // most answers at once
    input  logic [31:0] time_ms_i,
    output logic        valid_o,
    output logic [5:0]  reason_o,
    output logic        answer_o
);

  logic        bucket_valid;
  logic [4:0]  bucket;

  assign bucket[0]    = reason_i == 6'(portcam_pkg::ReasonNoRecordReject);
  assign bucket[1]    = reason_i == 6'(portcam_pkg::ReasonNoBackendReject);
  assign bucket[2]    = reason_i == 6'(portcam_pkg::ReasonAmbiguousReject);
  assign bucket[3]    = reason_i == 6'(portcam_pkg::ReasonUnknownReject);
  assign bucket[4]    = reason_i == 6'(portcam_pkg::ReasonStoppedReject);
  assign bucket_valid = bucket != '0;

  logic        asks;
  logic        answer;
  logic [2:0]  valid_q;
  logic [2:0]  asks_q;
  logic [2:0]  silent_q;
  logic [17:0] reason_q;  // the newest in the low bits

  assign asks = valid_i && bucket_valid && !no_answer_i;

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[1:0], valid_i};
    asks_q  <= {asks_q[1:0], asks};
    if (valid_i || valid_q[1:0] != 2'b00) begin
      silent_q <= {silent_q[1:0], bucket_valid && no_answer_i};
      reason_q <= {reason_q[11:0], reason_i};
    end
    if (!rst_ni) begin
      valid_q <= '0;
      asks_q  <= '0;
    end
  end

  portcam_tokens #(
      .Buckets(5)
  ) u_tokens (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .clear_i  (clear_i),
      .asks_i   (asks),
      .bucket_i (bucket),
      .rate_i   (rate_i),
      .burst_i  (burst_i),
      .time_ms_i(time_ms_i),
      .token_o  (answer)
  );

  assign valid_o  = valid_q[2];
  assign answer_o = answer;
  assign reason_o = silent_q[2]            ? 6'(portcam_pkg::ReasonRejectSilent)
                  : (asks_q[2] && !answer) ? 6'(portcam_pkg::ReasonRejectLimited)
                                           : reason_q[17:12];

endmodule

`resetall
