// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_slot: the number of a slot. IPv4 begins at 0, its stash follows its table, then
// IPv6 and its stash. Combinational.

`default_nettype none

module portcam_connection_slot #(
    parameter int unsigned Rows   = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6 = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways   = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash  = portcam_pkg::BuildConnectionStash
) (
    input  portcam_connection_pkg::where_t where_i,
    output logic [23:0]                    slot_o
);

  localparam int unsigned PlaceBits = $clog2(4 * Ways);
  localparam int unsigned Base6     = Rows + Stash;

  logic [23:0] row;     // within its part
  logic [23:0] base;

  always_comb begin
    row = 24'(where_i.place) | (24'(where_i.bucket) << PlaceBits);
    unique case ({where_i.is_v6, where_i.in_stash})
      2'b00:   base = 24'd0;
      2'b01:   base = 24'(Rows);
      2'b10:   base = 24'(Base6);
      default: base = 24'(Base6 + RowsV6);
    endcase
    slot_o = base + row;
  end

endmodule

`resetall
