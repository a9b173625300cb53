// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_align: moves the layer-4 header to byte 0, in two clocks: first by 0, 8 or 16
// words, then by 0 to 7.
//
// The first 88 bytes are all that layer 4 and the embedded packet of an ICMP error can ask for.
// Positions beyond 23 words give bytes without meaning; whoever uses them has found out before that
// they are outside the window.

`default_nettype none

module portcam_parser_align (
    input  logic         clk_i,
    input  logic         valid_i,
    input  logic [4:0]   at_i,     // 32-bit words into rest_i
    input  logic [751:0] rest_i,
    output logic [703:0] l4_o
);

  logic         valid_q;
  logic [2:0]   fine_q;
  logic [767:0] coarse_q;
  logic [927:0] padded;

  assign padded = {160'd0, coarse_q};

  always_ff @(posedge clk_i) begin
    valid_q <= valid_i;
    if (valid_i) begin
      fine_q <= at_i[2:0];
      unique case (at_i[4:3])
        2'd0:    coarse_q <= {16'd0, rest_i};
        2'd1:    coarse_q <= {272'd0, rest_i[751:256]};
        default: coarse_q <= {528'd0, rest_i[751:512]};
      endcase
    end
    if (valid_q) begin
      l4_o <= padded[{2'd0, fine_q, 5'd0}+:704];
    end
  end

endmodule

`resetall
