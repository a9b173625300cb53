// SPDX-License-Identifier: Apache-2.0
//
// portcam_lowest: number of the lowest set bit of a long vector, in four clocks, one vector a
// clock.
//
// Two levels: first each group of 32 bits says whether it has a set bit and which is its lowest,
// then the lowest group wins. hit_o and row_o come exactly 4 clocks after rows_i; row_o is 0 when
// hit_o is 0. valid_i only saves power and simulation time: a clock without it leaves results
// without meaning.

`default_nettype none

module portcam_lowest #(
    parameter int unsigned Rows = 128
) (
    input  logic                    clk_i,
    input  logic                    valid_i,
    input  logic [Rows-1:0]         rows_i,
    output logic                    hit_o,
    output logic [$clog2(Rows)-1:0] row_o
);

  if (Rows < 2 || Rows > 2048) begin : g_bad_rows
    $error("portcam_lowest: Rows must be 2 to 2048");
  end

  localparam int unsigned Groups    = (Rows + 31) / 32;
  localparam int unsigned GroupBits = (Groups > 1) ? $clog2(Groups) : 1;
  localparam int unsigned PadRows   = Groups * 32;
  localparam int unsigned RowBits   = $clog2(Rows);

  // The number of the lowest bit that is set.
  function automatic logic [4:0] lowest(input logic [31:0] group);
    logic [31:0] first;  // only that bit
    first  = group & (~group + 32'd1);
    lowest = {(first & 32'hFFFF_0000) != 32'd0, (first & 32'hFF00_FF00) != 32'd0,
              (first & 32'hF0F0_F0F0) != 32'd0, (first & 32'hCCCC_CCCC) != 32'd0,
              (first & 32'hAAAA_AAAA) != 32'd0};
  endfunction

  // Clock 1: inside each group.
  logic [PadRows-1:0]   rows;
  logic [Groups-1:0]    any_q1;
  logic [Groups*5-1:0]  index_q1;

  assign rows = PadRows'(rows_i);

  for (genvar g = 0; g < Groups; g++) begin : g_group
    logic [31:0] group;

    assign group = rows[g*32+:32];
    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        any_q1[g] <= group != 32'd0;
        if (group != 32'd0) begin
          index_q1[g*5+:5] <= lowest(group);
        end
      end
    end
  end

  // Clock 2: the lowest group. Clock 3: its index. Clock 4: the answer, cleared without a hit.
  logic [GroupBits-1:0] group_q2;
  logic                 hit_q2;
  logic [Groups*5-1:0]  index_q2;
  logic [GroupBits+4:0] row_q3;
  logic                 hit_q3;
  logic [RowBits-1:0]   row_q4;
  logic                 hit_q4;
  logic [GroupBits-1:0] first_group;

  always_comb begin
    first_group = '0;
    for (int unsigned g = 0; g < Groups; g++) begin
      if (any_q1[Groups-1-g]) begin
        first_group = GroupBits'(Groups - 1 - g);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    group_q2 <= first_group;
    hit_q2   <= any_q1 != '0;
    index_q2 <= index_q1;
    row_q3   <= {group_q2, index_q2[32'(group_q2)*5+:5]};
    hit_q3   <= hit_q2;
    row_q4   <= hit_q3 ? RowBits'(row_q3) : '0;
    hit_q4   <= hit_q3;
  end

  // With fewer than 17 rows the upper bits of the index are zero.
  logic unused_row;
  assign unused_row = ^row_q3;

  assign hit_o = hit_q4;
  assign row_o = row_q4;

endmodule

`resetall
