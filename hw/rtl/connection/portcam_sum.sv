// SPDX-License-Identifier: Apache-2.0
//
// portcam_sum: a wide number plus a narrow one, modulo 2^Width. The upper half is made for both cases
// of the carry while the lower one is added, so that the carry passes half the bits. Combinational.

`default_nettype none

module portcam_sum #(
    parameter int unsigned Width  = 64,
    parameter int unsigned Narrow = 32
) (
    input  logic [Width-1:0]  a_i,
    input  logic [Narrow-1:0] b_i,
    output logic [Width-1:0]  sum_o
);

  localparam int unsigned Low = Width / 2;

  if (Narrow > Low) begin : g_bad_narrow
    $error("portcam_sum: Narrow must be at most Width / 2");
  end

  logic [Low:0]         low;
  logic [Width-Low-1:0] high;

  assign low   = {1'b0, a_i[Low-1:0]} + (Low + 1)'(b_i);
  assign high  = a_i[Width-1:Low] + 1'b1;
  assign sum_o = {low[Low] ? high : a_i[Width-1:Low], low[Low-1:0]};

endmodule

`resetall
