// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_where: takes the number of a slot apart, the other way round than
// portcam_connection_slot. A number beyond the slots gives some place of its IP version.
// Combinational.

`default_nettype none

module portcam_connection_where #(
    parameter int unsigned Rows   = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6 = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways   = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash  = portcam_pkg::BuildConnectionStash
) (
    input  logic [23:0]                    slot_i,
    output portcam_connection_pkg::where_t where_o
);

  localparam int unsigned PlaceBits = $clog2(4 * Ways);
  localparam int unsigned StashBits = $clog2(Stash);
  localparam int unsigned Base6     = Rows + Stash;

  logic [23:0] slot6;   // within IPv6

  assign slot6 = slot_i - 24'(Base6);

  // Tables and stashes begin at multiples of the stash.
  always_comb begin
    where_o          = '0;
    where_o.is_v6    = slot_i >= 24'(Base6);
    where_o.in_stash = slot_i >= 24'(Base6 + RowsV6) || (slot_i >= 24'(Rows) && !where_o.is_v6);
    if (where_o.in_stash) begin
      where_o.place = 6'(slot_i[StashBits-1:0]);
    end else if (where_o.is_v6) begin
      where_o.bucket = 16'(slot6[23:PlaceBits]);
      where_o.place  = 6'(slot6[PlaceBits-1:0]);
    end else begin
      where_o.bucket = 16'(slot_i[23:PlaceBits]);
      where_o.place  = 6'(slot_i[PlaceBits-1:0]);
    end
  end

endmodule

`resetall
