// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_offered: which rows of an operation's buckets are the places in the table that
// are offered to another one: one hot, or none. Combinational.

`default_nettype none

module portcam_connection_offered #(
    parameter int unsigned Ways = portcam_pkg::BuildConnectionWays
) (
    input  logic                            valid_i,
    input  portcam_connection_pkg::places_t places_i,
    input  logic                            is_v6_i,
    input  logic [4*16-1:0]                 buckets_i,
    output logic [4*Ways-1:0]               place1_o,
    output logic [4*Ways-1:0]               place2_o
);

  localparam int unsigned WayBits = $clog2(Ways);

  portcam_connection_pkg::where_t place1;
  portcam_connection_pkg::where_t place2;
  logic                           unused_bits;

  assign place1      = places_i.place1.where;
  assign place2      = places_i.place2.where;
  assign unused_bits = ^{places_i, place1, place2};

  always_comb begin
    place1_o = '0;
    place2_o = '0;
    if (valid_i) begin
      for (int unsigned p = 0; p < 4 * Ways; p++) begin
        place1_o[p] = place1.is_v6 == is_v6_i && place1.place[WayBits+1:0] == (WayBits + 2)'(p) &&
                      place1.bucket == buckets_i[(p/Ways)*16+:16];
        place2_o[p] = place2.is_v6 == is_v6_i && place2.place[WayBits+1:0] == (WayBits + 2)'(p) &&
                      place2.bucket == buckets_i[(p/Ways)*16+:16];
      end
    end
  end

endmodule

`resetall
