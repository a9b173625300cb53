// SPDX-License-Identifier: Apache-2.0
//
// portcam_axis_check: watches one AXI-Stream and asserts its rules; for simulation only, empty in
// synthesis.
//
// Checked: tvalid stays, and data, keep, last, dest and user hold, until tready; tkeep is
// contiguous from bit 0 and not empty; only the last beat of a frame is partial; tdest and tuser
// are constant through a frame. Nothing is checked during reset. Streams without tdest or tuser tie
// them to 0.

`default_nettype none

module portcam_axis_check (
    input wire         clk_i,
    input wire         rst_ni,
    input wire [511:0] tdata_i,
    input wire [63:0]  tkeep_i,
    input wire         tlast_i,
    input wire [7:0]   tdest_i,
    input wire [7:0]   tuser_i,
    input wire         tvalid_i,
    input wire         tready_i
);

`ifndef SYNTHESIS
  logic         waiting_q;
  logic         inside_q;
  logic [511:0] tdata_q;
  logic [63:0]  tkeep_q;
  logic         tlast_q;
  logic [7:0]   tdest_q;
  logic [7:0]   tuser_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      waiting_q <= 1'b0;
      inside_q  <= 1'b0;
    end else begin
      waiting_q <= tvalid_i && !tready_i;
      if (tvalid_i && tready_i) begin
        inside_q <= !tlast_i;
      end
      if (tvalid_i) begin
        tdata_q <= tdata_i;
        tkeep_q <= tkeep_i;
        tlast_q <= tlast_i;
        tdest_q <= tdest_i;
        tuser_q <= tuser_i;
        a_keep_contiguous : assert (tkeep_i[0] && (tkeep_i & (tkeep_i + 64'd1)) == 64'd0);
        a_partial_only_last : assert (tlast_i || tkeep_i == 64'hffff_ffff_ffff_ffff);
        if (inside_q) begin
          a_dest_constant : assert (tdest_i == tdest_q);
          a_user_constant : assert (tuser_i == tuser_q);
        end
      end
      if (waiting_q) begin
        a_valid_holds : assert (tvalid_i);
        a_beat_holds : assert (tdata_i == tdata_q && tkeep_i == tkeep_q && tlast_i == tlast_q &&
                               tdest_i == tdest_q && tuser_i == tuser_q);
      end
    end
  end
`endif

endmodule

`resetall
