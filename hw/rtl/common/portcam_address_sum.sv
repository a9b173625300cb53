// SPDX-License-Identifier: Apache-2.0
//
// portcam_address_sum: the address at an offset from another one, in as many levels as a sum of 32
// bits and one more. Combinational, but base_i must have been the same in the clock before: the upper
// half plus one is made then.

`default_nettype none

module portcam_address_sum (
    input  logic        clk_i,
    input  logic [63:0] base_i,
    input  logic [31:0] offset_i,
    output logic [63:0] address_o
);

  logic [31:0] above_q;
  logic        carry;
  logic [31:0] low;

  always_ff @(posedge clk_i) begin
    above_q <= base_i[63:32] + 1'b1;
  end

  assign {carry, low} = {1'b0, base_i[31:0]} + {1'b0, offset_i};
  assign address_o    = {carry ? above_q : base_i[63:32], low};

endmodule

`resetall
