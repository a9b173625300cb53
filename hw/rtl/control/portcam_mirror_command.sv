// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_command: what mirror_copy and mirror_sum ask of the mirror, and the mirror_sum that
// is written into host memory.
//
// valid_i with sum, row (first slot, or block), count and address (multiple of 64) is held until
// done_o pulses; then status_o is what the mirror said, and error_o tells that the sum could not be
// written. Towards the mirror: mir_valid_o with its operands holds until mir_done_i, which comes
// once for each request, with mir_status_i and mir_sum_i. After flr_i nothing is asked for any more;
// an answer that comes in that clock is not for the next request.

`default_nettype none

module portcam_mirror_command (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic         valid_i,
    input  logic         sum_i,
    input  logic [23:0]  row_i,
    input  logic [10:0]  count_i,
    input  logic [63:0]  addr_i,
    output logic         done_o,
    output logic         error_o,
    output logic [7:0]   status_o,
    output logic         mir_valid_o,
    output logic         mir_sum_o,
    output logic [23:0]  mir_row_o,
    output logic [10:0]  mir_count_o,
    input  logic         mir_done_i,
    input  logic [7:0]   mir_status_i,
    input  logic [511:0] mir_sum_i,
    output logic         beat_valid_o,
    input  logic         beat_ready_i,
    output logic [63:0]  beat_addr_o,
    output logic [511:0] beat_data_o,
    input  logic         beat_done_i,
    input  logic         beat_error_i
);

  typedef enum logic [2:0] {
    StIdle  = 3'd0,
    StAsk   = 3'd1,  // the mirror works
    StBeat  = 3'd2,  // the sum is offered to the writer
    StWrite = 3'd3,  // the write waits for its answer
    StDone  = 3'd4
  } state_e;

  state_e       state_q;
  logic         sum_q;
  logic [23:0]  row_q;
  logic [10:0]  count_q;
  logic [63:0]  addr_q;
  logic [511:0] data_q;
  logic [7:0]   status_q;
  logic         error_q;

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        if (valid_i) begin
          state_q <= StAsk;
        end
        error_q <= 1'b0;
      end
      StAsk: begin
        if (mir_done_i) begin
          state_q  <= sum_q && mir_status_i == portcam_pkg::StatusOk ? StBeat : StDone;
          status_q <= mir_status_i;
        end
      end
      StBeat: begin
        if (beat_ready_i) begin
          state_q <= StWrite;
        end
      end
      StWrite: begin
        if (beat_done_i) begin
          state_q <= StDone;
          error_q <= beat_error_i;
        end
      end
      StDone:  state_q <= StIdle;
      default: state_q <= StIdle;
    endcase
    if (state_q == StIdle) begin
      sum_q   <= sum_i;
      row_q   <= row_i;
      count_q <= count_i;
      addr_q  <= addr_i;
    end
    if (state_q == StAsk && mir_done_i) begin
      data_q <= mir_sum_i;
    end
    if (!rst_ni || flr_i) begin
      state_q <= StIdle;
    end
  end

  assign done_o       = state_q == StDone;
  assign error_o      = error_q;
  assign status_o     = status_q;
  assign mir_valid_o  = state_q == StAsk;
  assign mir_sum_o    = sum_q;
  assign mir_row_o    = row_q;
  assign mir_count_o  = count_q;
  assign beat_valid_o = state_q == StBeat;
  assign beat_addr_o  = addr_q;
  assign beat_data_o  = data_q;

endmodule

`resetall
