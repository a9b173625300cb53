// SPDX-License-Identifier: Apache-2.0
//
// portcam_tokens: token buckets, as docs/pipeline.md section 6 describes them.
//
// A request (asks_i) names its bucket (one bit), the rate and the burst of this moment and its time; exactly 3
// clocks later token_o says whether it has got a token. One request a clock, each as if those before
// it had been finished. The time between two requests is taken modulo 2^32 ms. clear_i fills all
// buckets for the requests of later clocks, as a reset does.
//
// Levels and sizes are in thousandths of a token.

`default_nettype none

module portcam_tokens #(
    parameter int unsigned Buckets = 5
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               clear_i,
    input  logic               asks_i,
    input  logic [Buckets-1:0] bucket_i,   // one bit
    input  logic [15:0]        rate_i,     // tokens a second
    input  logic [15:0]        burst_i,    // most tokens at once
    input  logic [31:0]        time_ms_i,
    output logic               token_o
);

  localparam logic [27:0] Cost = 28'd1000;  // of a token

  //------------------------------------------------------------------------------------------------
  // Clock 1: how much time has passed for this bucket.

  logic [Buckets-1:0]    fresh_q;  // no request since the reset: full
  logic [Buckets*32-1:0] last_q;   // time of the last request of bucket 0, and so on
  logic [31:0]           last;
  logic                  fresh;
  logic [31:0]           passed;

  always_comb begin
    last = '0;
    for (int unsigned i = 0; i < Buckets; i++) begin
      last |= bucket_i[i] ? last_q[i*32+:32] : '0;
    end
  end

  assign fresh = (bucket_i & fresh_q) != '0;

  assign passed = time_ms_i - last;

  logic               asks_s1;
  logic [Buckets-1:0] bucket_s1;
  logic               fresh_s1;
  logic [31:0]        passed_s1;
  logic [15:0]        rate_s1;
  logic [25:0]        size_s1;

  always_ff @(posedge clk_i) begin
    asks_s1 <= asks_i;
    if (asks_i) begin
      for (int unsigned i = 0; i < Buckets; i++) begin
        if (bucket_i[i]) begin
          fresh_q[i]       <= 1'b0;
          last_q[i*32+:32] <= time_ms_i;
        end
      end
      bucket_s1 <= bucket_i;
      fresh_s1  <= fresh;
      passed_s1 <= passed;
      rate_s1   <= rate_i;
      size_s1   <= 26'({16'd0, burst_i} * 32'd1000);
    end
    if (clear_i) begin
      fresh_q <= '1;
    end
    if (!rst_ni) begin
      asks_s1 <= 1'b0;
      fresh_q <= '1;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 2: what the bucket gains, and everything of clock 3 that does not need its level. 28 bits
  // hold every sum and difference with a sign.

  logic        full;
  logic [27:0] gain;
  logic [27:0] size;

  // The level of the bucket: what clock 3 leaves behind, where that has the same one.
  logic [Buckets*26-1:0] level_q;
  logic [25:0]           level_kept;
  logic [25:0]           level_after;
  logic                  again;
  logic                  asks_s2;
  logic [Buckets-1:0]    bucket_s2;

  assign again = asks_s2 && bucket_s2 == bucket_s1;

  always_comb begin
    level_kept = '0;
    for (int unsigned i = 0; i < Buckets; i++) begin
      level_kept |= bucket_s1[i] ? level_q[i*26+:26] : '0;
    end
  end

  assign full = fresh_s1 || passed_s1[31:10] != 22'd0;
  assign gain = {12'd0, rate_s1} * {18'd0, passed_s1[9:0]};
  assign size = {2'd0, size_s1};

  logic               full_s2;
  logic               has_size_s2;     // the burst is not 0
  logic [25:0]        full_after_s2;   // level of a full bucket behind its token
  logic signed [27:0] gain_s2;
  logic signed [27:0] gain_after_s2;   // and the token paid
  logic signed [27:0] full_beyond_s2;  // with a level beyond this it becomes full
  logic signed [27:0] token_from_s2;   // from this level on there is a token
  logic [25:0]        level_s2;        // of the bucket

  always_ff @(posedge clk_i) begin
    asks_s2 <= asks_s1;
    if (!rst_ni) begin
      asks_s2 <= 1'b0;
    end
    if (asks_s1) begin
      bucket_s2      <= bucket_s1;
      level_s2       <= again ? level_after : level_kept;
      full_s2        <= full;
      has_size_s2    <= size_s1 != 26'd0;
      full_after_s2  <= (size_s1 != 26'd0) ? 26'(size - Cost) : 26'd0;
      gain_s2        <= gain;
      gain_after_s2  <= gain - Cost;
      full_beyond_s2 <= size - gain;
      token_from_s2  <= Cost - gain;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 3: the level behind the request. It comes back for the request of the next clock.

  logic signed [27:0] level;
  logic signed [27:0] level_gained;
  logic signed [27:0] level_paid;
  logic signed [27:0] level_over;    // negative where the bucket becomes full
  logic signed [27:0] level_under;   // negative where there is no token
  logic               becomes_full;
  logic               token;
  logic               unused_sign;

  assign level        = {2'd0, level_s2};
  assign level_gained = level + gain_s2;
  assign level_paid   = level + gain_after_s2;
  assign level_over   = full_beyond_s2 - level;
  assign level_under  = level - token_from_s2;
  assign becomes_full = full_s2 || level_over[27];
  assign token        = becomes_full ? has_size_s2 : !level_under[27];

  // Not a choice between two sums: synthesis would make it one sum that waits for the choice.
  assign level_after = ({26{becomes_full}} & full_after_s2) |
                       ({26{!becomes_full && token}} & level_paid[25:0]) |
                       ({26{!becomes_full && !token}} & level_gained[25:0]);
  assign unused_sign = ^{level_gained[27:26], level_paid[27:26], level_over[26:0],
                         level_under[26:0]};

  always_ff @(posedge clk_i) begin
    token_o <= asks_s2 && token;
    if (asks_s2) begin
      for (int unsigned i = 0; i < Buckets; i++) begin
        if (bucket_s2[i]) begin
          level_q[i*26+:26] <= level_after;
        end
      end
    end
    if (!rst_ni) begin
      token_o <= 1'b0;
    end
  end

`ifndef SYNTHESIS
  // Together they bound the tokens of a bucket to its burst and what its rate gives in that time.
  logic [27:0] size_s2;
  logic [27:0] paid;

  assign paid = {2'd0, level_after} + (token ? Cost : 28'd0);

  always_ff @(posedge clk_i) begin
    if (asks_s1) begin
      size_s2 <= size;
    end
    if (rst_ni && asks_s2) begin
      a_within_size : assert (paid <= size_s2);
      a_gained : assert (full_s2 || paid <= $unsigned(level_gained));
    end
    if (rst_ni && asks_i) begin
      a_one_bucket : assert (bucket_i != '0 && (bucket_i & (bucket_i - 1'b1)) == '0);
    end
  end
`endif

endmodule

`resetall
