// SPDX-License-Identifier: Apache-2.0
//
// portcam_arbiter2: round-robin arbiter of two requests, one grant a clock.
//
// grant_o depends on req_i of the same clock and on one flip-flop: exactly one bit is granted when
// there is a request, none when there is none, and never a bit that did not ask. advance_i says
// that the grant is used; after that the other side goes first. So a request that is held gets the
// first or the second used grant. Until advance_i a grant may move to the other side when that side
// has the turn and begins to ask; a stream that must not change its mind puts a register slice
// behind the arbiter or asserts advance_i at once.

`default_nettype none

module portcam_arbiter2 (
    input  logic       clk_i,
    input  logic       rst_ni,
    input  logic [1:0] req_i,
    output logic [1:0] grant_o,
    input  logic       advance_i
);

  logic turn_q;  // the side that wins when both ask

  assign grant_o[0] = req_i[0] && !(req_i[1] && turn_q);
  assign grant_o[1] = req_i[1] && !(req_i[0] && !turn_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      turn_q <= 1'b0;
    end else if (advance_i && grant_o != 2'b00) begin
      turn_q <= grant_o[0];
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_at_most_one_grant : assert (grant_o != 2'b11);
      a_grant_only_requests : assert ((grant_o & ~req_i) == 2'b00);
      a_no_idle_with_request : assert ((grant_o == 2'b00) == (req_i == 2'b00));
    end
  end
`endif

endmodule

`resetall
