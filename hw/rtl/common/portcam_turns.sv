// SPDX-License-Identifier: Apache-2.0
//
// portcam_turns: round-robin arbiter of several requests, one grant a clock.
//
// grant_o depends on req_i of the same clock and on turn_q: exactly one bit is granted when there is
// a request, the first that asks from the turn on, round and round. advance_i says that the grant is
// used, and may only be given when there is one; after that the next side goes first. So a request
// that is held gets a grant within as many used grants as there are sources. Until advance_i a grant
// may move to another side. Of two sources portcam_arbiter2 is the smaller way.

`default_nettype none

module portcam_turns #(
    parameter int unsigned Sources = 3
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic [Sources-1:0] req_i,
    output logic [Sources-1:0] grant_o,
    input  logic               advance_i
);

  if (Sources < 2 || Sources > 8) begin : g_bad_sources
    $error("portcam_turns: 2 to 8 Sources");
  end

  logic [Sources-1:0]   turn_q;  // one bit
  logic [2*Sources-1:0] asking;
  logic [2*Sources-1:0] first;

  assign asking  = {req_i, req_i};
  assign first   = asking & ~(asking - (2 * Sources)'(turn_q));
  assign grant_o = first[Sources-1:0] | first[2*Sources-1:Sources];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      turn_q <= Sources'(1);
    end else if (advance_i) begin
      turn_q <= {grant_o[Sources-2:0], grant_o[Sources-1]};
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_one_source_is_granted :
      assert ((grant_o == '0) == (req_i == '0) && (grant_o & (grant_o - 1'b1)) == '0);
      a_grant_only_requests : assert ((grant_o & ~req_i) == '0);
      a_advance_needs_a_grant : assert (!advance_i || req_i != '0);
    end
  end
`endif

endmodule

`resetall
