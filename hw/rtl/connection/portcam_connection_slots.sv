// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_slots: names the slots of groups one after another, the lowest first.
//
// A group is the number of its first slot and a bit for each slot that is meant. Slots outside first_i
// to end_i - 1 are left out, if not all_i. slot_o holds until slot_ready_i. busy_o: some are left.

`default_nettype none

module portcam_connection_slots #(
    parameter int unsigned Group = 32
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             group_valid_i,
    output logic             group_ready_o,
    input  logic [23:0]      group_at_i,
    input  logic [Group-1:0] group_used_i,
    input  logic             all_i,
    input  logic [23:0]      first_i,
    input  logic [24:0]      end_i,
    output logic             slot_valid_o,
    input  logic             slot_ready_i,
    output logic [23:0]      slot_o,
    output logic             busy_o
);

  localparam int unsigned PlaceBits = $clog2(Group);

  logic                 moves;        // the stages behind the group go on
  logic [23:0]          at_q;
  logic [Group-1:0]     left_q;       // of the group
  logic [Group-1:0]     lowest;       // of these
  logic [PlaceBits-1:0] place;
  logic                 place_valid_q;
  logic [PlaceBits-1:0] place_q;
  logic [23:0]          place_at_q;
  logic                 sum_valid_q;
  logic [23:0]          sum_q;

  assign moves         = !slot_valid_o || slot_ready_i;
  assign group_ready_o = left_q == '0;
  assign busy_o        = left_q != '0 || place_valid_q || sum_valid_q || slot_valid_o;

  always_comb begin
    lowest = '0;
    place  = '0;
    if (left_q != '0) begin
      for (int unsigned p = 0; p < Group; p++) begin
        lowest[p] = left_q[p] && (left_q & ((Group'(1) << p) - 1'b1)) == '0;
        place |= lowest[p] ? PlaceBits'(p) : '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (group_valid_i && group_ready_o) begin
      left_q <= group_used_i;
      at_q   <= group_at_i;
    end else if (moves) begin
      left_q <= left_q & ~lowest;
    end
    if (moves) begin
      place_valid_q <= left_q != '0;
      place_q       <= place;
      place_at_q    <= at_q;
      sum_valid_q   <= place_valid_q;
      sum_q         <= place_at_q + 24'(place_q);
      slot_valid_o  <= sum_valid_q && (all_i || (sum_q >= first_i && 25'(sum_q) < end_i));
      slot_o        <= sum_q;
    end
    if (!rst_ni) begin
      left_q        <= '0;
      place_valid_q <= 1'b0;
      sum_valid_q   <= 1'b0;
      slot_valid_o  <= 1'b0;
    end
  end

endmodule

`resetall
