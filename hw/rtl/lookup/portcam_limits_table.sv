// SPDX-License-Identifier: Apache-2.0
//
// portcam_limits_table: the one row of limits, in two banks of flip-flops.
//
// Both banks are always on the outputs; the reader takes that of its packet. An empty row gives
// zeros, which mean: no limit of embryonic records, no answers, nothing punted. Host port: req_valid_i for one
// clock; done_o pulses in the next clock, when a write is seen on the outputs, for a read with the
// row (zeros for an empty one). init_i empties both banks in that clock; busy_o is always low.

`default_nettype none

module portcam_limits_table (
    input  logic         clk_i,
    input  logic         rst_ni,
    output logic [63:0]  embryonic_o,     // of each: bank 0 in the low half
    output logic [31:0]  reject_rate_o,
    output logic [31:0]  reject_burst_o,
    output logic [31:0]  punt_rate_o,
    output logic [31:0]  punt_burst_o,
    output logic [127:0] punt_reasons_o,
    input  logic         req_valid_i,
    input  logic         req_write_i,
    input  logic         req_bank_i,
    input  logic [15:0]  req_row_i,
    input  logic         req_present_i,
    input  logic [383:0] req_data_i,
    output logic         done_o,
    output logic         present_o,
    output logic [383:0] data_o,
    input  logic         init_i,
    output logic         busy_o
);

  portcam_pkg::limits_row_t in_row;
  logic                     unused_in;
  logic [1:0]               present_q;
  logic [63:0]              embryonic_q;
  logic [31:0]              rate_q;
  logic [31:0]              burst_q;
  logic [31:0]              punt_rate_q;
  logic [31:0]              punt_burst_q;
  logic [127:0]             reasons_q;
  logic                     bank_q;
  logic                     done_q;

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i};

  always_ff @(posedge clk_i) begin
    done_q <= req_valid_i;
    bank_q <= req_bank_i;
    for (int unsigned b = 0; b < 2; b++) begin
      if (req_valid_i && req_write_i && req_bank_i == b[0]) begin
        present_q[b]           <= req_present_i;
        embryonic_q[32*b+:32]  <= req_present_i ? in_row.embryonic : '0;
        rate_q[16*b+:16]       <= req_present_i ? in_row.reject_rate : '0;
        burst_q[16*b+:16]      <= req_present_i ? in_row.reject_burst : '0;
        punt_rate_q[16*b+:16]  <= req_present_i ? in_row.punt_rate : '0;
        punt_burst_q[16*b+:16] <= req_present_i ? in_row.punt_burst : '0;
        reasons_q[64*b+:64]    <= req_present_i ? in_row.punt_reasons & portcam_pkg::PuntReasons
                                                : '0;
      end
    end
    if (!rst_ni || init_i) begin
      present_q    <= '0;
      embryonic_q  <= '0;
      rate_q       <= '0;
      burst_q      <= '0;
      punt_rate_q  <= '0;
      punt_burst_q <= '0;
      reasons_q    <= '0;
    end
    if (!rst_ni) begin
      done_q <= 1'b0;
    end
  end

  portcam_pkg::limits_row_t out;

  always_comb begin
    out              = '0;
    out.embryonic    = bank_q ? embryonic_q[63:32] : embryonic_q[31:0];
    out.reject_rate  = bank_q ? rate_q[31:16] : rate_q[15:0];
    out.reject_burst = bank_q ? burst_q[31:16] : burst_q[15:0];
    out.punt_rate    = bank_q ? punt_rate_q[31:16] : punt_rate_q[15:0];
    out.punt_burst   = bank_q ? punt_burst_q[31:16] : punt_burst_q[15:0];
    out.punt_reasons = bank_q ? reasons_q[127:64] : reasons_q[63:0];
  end

  assign embryonic_o    = embryonic_q;
  assign reject_rate_o  = rate_q;
  assign reject_burst_o = burst_q;
  assign punt_rate_o    = punt_rate_q;
  assign punt_burst_o   = punt_burst_q;
  assign punt_reasons_o = reasons_q;
  assign done_o         = done_q;
  assign present_o      = present_q[bank_q];
  assign data_o         = out;
  assign busy_o         = 1'b0;

endmodule

`resetall
