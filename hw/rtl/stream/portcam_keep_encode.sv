// SPDX-License-Identifier: Apache-2.0
//
// portcam_keep_encode: number of valid bytes of a beat, minus one, from its keep bits.
// Combinational.
//
// The keep bits are contiguous from bit 0 and bit 0 is set; for other vectors the result has no
// meaning. With n bytes, floor((n - 1) / 2^b) of the keep bits at the multiples of 2^b above 0 are
// set, so their parity is bit b of n - 1.

`default_nettype none

module portcam_keep_encode (
    input  logic [63:0] keep_i,
    output logic [5:0]  tail_o
);

  for (genvar b = 0; b < 6; b++) begin : g_bit
    localparam int unsigned Step  = 1 << b;
    localparam int unsigned Count = 63 / Step;
    logic [Count-1:0] picked;

    for (genvar j = 1; j <= Count; j++) begin : g_pick
      assign picked[j-1] = keep_i[j*Step];
    end
    assign tail_o[b] = ^picked;
  end

  logic unused_lowest;
  assign unused_lowest = keep_i[0];

endmodule

`resetall
