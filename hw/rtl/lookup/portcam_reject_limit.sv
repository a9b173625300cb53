// SPDX-License-Identifier: Apache-2.0
//
// portcam_reject_limit: which rejects are answered: a token bucket for each of the five reasons of
// fate reject (docs/pipeline.md, section 6).
//
// A request has the reason of a reject, the rate and the burst of this moment and its time; the
// result, exactly 3 clocks later, is the reason that is counted (the same, ReasonRejectSilent or
// ReasonRejectLimited) and whether the frame is answered. One request a clock, each as if those
// before it had been finished. Requests with no_answer_i, and reasons that are not of fate reject,
// leave the buckets alone; the latter come out unchanged and without an answer. The time between
// two requests is taken modulo 2^32 ms. clear_i fills all buckets for the requests of later clocks,
// as a reset does.
//
// Levels and sizes are in thousandths of an answer.

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

  localparam int unsigned Buckets = 5;
  localparam logic [27:0] Cost    = 28'd1000;  // of an answer

  //------------------------------------------------------------------------------------------------
  // Clock 1: which bucket, and how much time has passed for it.

  logic        bucket_valid;
  logic [2:0]  bucket;

  always_comb begin
    bucket_valid = 1'b1;
    unique case (reason_i)
      6'(portcam_pkg::ReasonNoRecordReject):  bucket = 3'd0;
      6'(portcam_pkg::ReasonNoBackendReject): bucket = 3'd1;
      6'(portcam_pkg::ReasonAmbiguousReject): bucket = 3'd2;
      6'(portcam_pkg::ReasonUnknownReject):   bucket = 3'd3;
      6'(portcam_pkg::ReasonStoppedReject):   bucket = 3'd4;
      default: begin
        bucket       = 3'd0;
        bucket_valid = 1'b0;
      end
    endcase
  end

  logic [Buckets-1:0] fresh_q;          // no request since the reset: full
  logic [31:0]        last_q0;          // time of the last request of bucket 0, and so on
  logic [31:0]        last_q1;
  logic [31:0]        last_q2;
  logic [31:0]        last_q3;
  logic [31:0]        last_q4;
  logic [31:0]        last;
  logic               fresh;
  logic [31:0]        passed;
  logic               asks;

  assign asks = valid_i && bucket_valid && !no_answer_i;

  always_comb begin
    unique case (bucket)
      3'd0:    {fresh, last} = {fresh_q[0], last_q0};
      3'd1:    {fresh, last} = {fresh_q[1], last_q1};
      3'd2:    {fresh, last} = {fresh_q[2], last_q2};
      3'd3:    {fresh, last} = {fresh_q[3], last_q3};
      default: {fresh, last} = {fresh_q[4], last_q4};
    endcase
  end

  assign passed = time_ms_i - last;

  logic        valid_s1;
  logic        asks_s1;
  logic        silent_s1;
  logic [5:0]  reason_s1;
  logic [2:0]  bucket_s1;
  logic        fresh_s1;
  logic [31:0] passed_s1;
  logic [15:0] rate_s1;
  logic [25:0] size_s1;

  always_ff @(posedge clk_i) begin
    valid_s1 <= valid_i;
    asks_s1  <= asks;
    if (asks) begin
      fresh_q[bucket] <= 1'b0;
      unique case (bucket)
        3'd0:    last_q0 <= time_ms_i;
        3'd1:    last_q1 <= time_ms_i;
        3'd2:    last_q2 <= time_ms_i;
        3'd3:    last_q3 <= time_ms_i;
        default: last_q4 <= time_ms_i;
      endcase
    end
    if (clear_i) begin
      fresh_q <= '1;
    end
    if (!rst_ni) begin
      valid_s1 <= 1'b0;
      asks_s1  <= 1'b0;
      fresh_q  <= '1;
    end
    if (valid_i) begin
      silent_s1 <= bucket_valid && no_answer_i;
      reason_s1 <= reason_i;
      bucket_s1 <= bucket;
      fresh_s1  <= fresh;
      passed_s1 <= passed;
      rate_s1   <= rate_i;
      size_s1   <= 26'({16'd0, burst_i} * 32'd1000);
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 2: what the bucket gains, and everything of clock 3 that does not need its level. 28 bits
  // hold every sum and difference with a sign.

  logic        full;
  logic [27:0] gain;
  logic [27:0] size;

  assign full = fresh_s1 || passed_s1[31:10] != 22'd0;
  assign gain = {12'd0, rate_s1} * {18'd0, passed_s1[9:0]};
  assign size = {2'd0, size_s1};

  logic               valid_s2;
  logic               asks_s2;
  logic               silent_s2;
  logic [5:0]         reason_s2;
  logic [2:0]         bucket_s2;
  logic               full_s2;
  logic               has_size_s2;     // the burst is not 0
  logic [25:0]        full_after_s2;   // level of a full bucket behind its answer
  logic signed [27:0] gain_s2;
  logic signed [27:0] gain_after_s2;   // and the answer paid
  logic signed [27:0] full_beyond_s2;  // with a level beyond this it becomes full
  logic signed [27:0] answer_from_s2;  // from this level on there is an answer

  always_ff @(posedge clk_i) begin
    valid_s2 <= valid_s1;
    asks_s2  <= asks_s1;
    if (!rst_ni) begin
      valid_s2 <= 1'b0;
      asks_s2  <= 1'b0;
    end
    if (valid_s1) begin
      silent_s2      <= silent_s1;
      reason_s2      <= reason_s1;
      bucket_s2      <= bucket_s1;
      full_s2        <= full;
      has_size_s2    <= size_s1 != 26'd0;
      full_after_s2  <= (size_s1 != 26'd0) ? 26'(size - Cost) : 26'd0;
      gain_s2        <= gain;
      gain_after_s2  <= gain - Cost;
      full_beyond_s2 <= size - gain;
      answer_from_s2 <= Cost - gain;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 3: the level. It comes back for the request of the next clock.

  logic [Buckets*26-1:0] level_q;
  logic signed [27:0]    level;
  logic signed [27:0]    level_gained;
  logic signed [27:0]    level_paid;
  logic [25:0]           level_after;
  logic                  becomes_full;
  logic                  answer;
  logic                  unused_sign;

  always_comb begin
    unique case (bucket_s2)
      3'd0:    level = {2'd0, level_q[0*26+:26]};
      3'd1:    level = {2'd0, level_q[1*26+:26]};
      3'd2:    level = {2'd0, level_q[2*26+:26]};
      3'd3:    level = {2'd0, level_q[3*26+:26]};
      default: level = {2'd0, level_q[4*26+:26]};
    endcase
  end

  assign level_gained = level + gain_s2;
  assign level_paid   = level + gain_after_s2;
  assign becomes_full = full_s2 || level > full_beyond_s2;
  assign answer       = becomes_full ? has_size_s2 : level >= answer_from_s2;
  assign level_after  = becomes_full ? full_after_s2
                      : answer       ? level_paid[25:0] : level_gained[25:0];
  assign unused_sign  = ^{level_gained[27:26], level_paid[27:26]};

  always_ff @(posedge clk_i) begin
    valid_o <= valid_s2;
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end
    if (asks_s2) begin
      for (int unsigned i = 0; i < Buckets; i++) begin
        if (bucket_s2 == 3'(i)) begin
          level_q[i*26+:26] <= level_after;
        end
      end
    end
    if (valid_s2) begin
      answer_o <= asks_s2 && answer;
      reason_o <= silent_s2            ? 6'(portcam_pkg::ReasonRejectSilent)
                : (asks_s2 && !answer) ? 6'(portcam_pkg::ReasonRejectLimited) : reason_s2;
    end
  end

`ifndef SYNTHESIS
  // Together they bound the answers of a reason to its burst and what its rate gives in that time.
  logic [27:0] size_s2;
  logic [27:0] paid;

  assign paid = {2'd0, level_after} + (answer ? Cost : 28'd0);

  always_ff @(posedge clk_i) begin
    if (valid_s1) begin
      size_s2 <= size;
    end
    if (rst_ni && asks_s2) begin
      a_within_size : assert (paid <= size_s2);
      a_gained : assert (full_s2 || paid <= $unsigned(level_gained));
    end
  end
`endif

endmodule

`resetall
