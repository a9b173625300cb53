// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_extension: whether a protocol number is that of an IPv6 extension header which the
// parser walks over. Combinational. Hop-by-hop, routing, fragment, authentication, destination
// options, mobility.

`default_nettype none

module portcam_parser_extension (
    input  logic [7:0] protocol_i,
    output logic       extension_o
);

  always_comb begin
    unique case (protocol_i)
      8'd0, 8'd43, 8'd44, 8'd51, 8'd60, 8'd135: extension_o = 1'b1;
      default:                                  extension_o = 1'b0;
    endcase
  end

endmodule

`resetall
