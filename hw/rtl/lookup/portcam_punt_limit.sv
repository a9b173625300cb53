// SPDX-License-Identifier: Apache-2.0
//
// portcam_punt_limit: which packets go to the host instead of their fate, as far as the limits say
// (docs/pipeline.md, section 9): a token bucket for each reason that may be punted.
//
// A request has the reason of a packet, the row of limits of its bank, whether the punt ring runs,
// and its time. Exactly 3 clocks later: wanted_o, the row asks for such packets; asks_o, the ring ran
// too; token_o, and there was a token. One request a clock. clear_i fills all buckets.

`default_nettype none

module portcam_punt_limit (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        clear_i,
    input  logic        valid_i,
    input  logic        runs_i,
    input  logic [5:0]  reason_i,   // portcam_pkg::reason_e
    input  logic [63:0] reasons_i,  // bit n: reason n is wanted; only bits of PuntReasons
    input  logic [15:0] rate_i,     // packets a second
    input  logic [15:0] burst_i,    // most packets at once
    input  logic [31:0] time_ms_i,
    output logic        wanted_o,
    output logic        asks_o,
    output logic        token_o
);

  localparam int unsigned Buckets = 9;

  // One bit each; the others of reasons_i are 0.
  logic [Buckets-1:0] bucket;
  logic [Buckets-1:0] allowed;
  logic               wanted;
  logic               unused_reasons;

  assign bucket = {reason_i == 6'(portcam_pkg::ReasonTableFullPunt),
                   reason_i == 6'(portcam_pkg::ReasonTableFull),
                   reason_i == 6'(portcam_pkg::ReasonIcmpErrorShort),
                   reason_i == 6'(portcam_pkg::ReasonComplexOptions),
                   reason_i == 6'(portcam_pkg::ReasonComplexRouting),
                   reason_i == 6'(portcam_pkg::ReasonComplexWindow),
                   reason_i == 6'(portcam_pkg::ReasonOtherChecksum),
                   reason_i == 6'(portcam_pkg::ReasonSctpPorts),
                   reason_i == 6'(portcam_pkg::ReasonFragment)};
  assign allowed = {reasons_i[portcam_pkg::ReasonTableFullPunt],
                    reasons_i[portcam_pkg::ReasonTableFull],
                    reasons_i[portcam_pkg::ReasonIcmpErrorShort],
                    reasons_i[portcam_pkg::ReasonComplexOptions],
                    reasons_i[portcam_pkg::ReasonComplexRouting],
                    reasons_i[portcam_pkg::ReasonComplexWindow],
                    reasons_i[portcam_pkg::ReasonOtherChecksum],
                    reasons_i[portcam_pkg::ReasonSctpPorts],
                    reasons_i[portcam_pkg::ReasonFragment]};

  assign wanted         = valid_i && (bucket & allowed) != '0;
  assign unused_reasons = ^reasons_i;

  logic [2:0] wanted_q;
  logic [2:0] asks_q;

  always_ff @(posedge clk_i) begin
    wanted_q <= {wanted_q[1:0], wanted};
    asks_q   <= {asks_q[1:0], wanted && runs_i};
    if (!rst_ni) begin
      wanted_q <= '0;
      asks_q   <= '0;
    end
  end

  portcam_tokens #(
      .Buckets(Buckets)
  ) u_tokens (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .clear_i  (clear_i),
      .asks_i   (wanted && runs_i),
      .bucket_i (bucket),
      .rate_i   (rate_i),
      .burst_i  (burst_i),
      .time_ms_i(time_ms_i),
      .token_o  (token_o)
  );

  assign wanted_o = wanted_q[2];
  assign asks_o   = asks_q[2];

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && valid_i) begin
      a_every_reason_has_a_bucket : assert ((bucket != '0) == portcam_pkg::PuntReasons[reason_i]);
    end
  end
`endif

endmodule

`resetall
