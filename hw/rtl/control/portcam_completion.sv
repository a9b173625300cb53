// SPDX-License-Identifier: Apache-2.0
//
// portcam_completion: writes completions to their ring in host memory.
//
// valid_i with cookie, result, status and sq_head is held until done_o pulses. Then the completion
// is in host memory and tail_o counts it (in the clock after), or error_o tells that it could not
// be written and tail_o stays. While the host has not consumed a whole ring of completions
// (cpl_head_i), it waits; if the ring is being stopped meanwhile (stopping_i), the completion is
// given up, as it is when a new start of the ring already waits (restart_i). The lap is the index
// divided by the ring's size, plus 1. start_i sets tail_o to 0.

`default_nettype none

module portcam_completion (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic         start_i,
    input  logic         stopping_i,
    input  logic         restart_i,
    input  logic [63:0]  base_i,
    input  logic [4:0]   log2_i,
    input  logic [16:0]  size_i,
    input  logic [15:0]  mask_i,
    input  logic [31:0]  cpl_head_i,
    output logic [31:0]  tail_o,
    input  logic         valid_i,
    input  logic [31:0]  cookie_i,
    input  logic [31:0]  result_i,
    input  logic [7:0]   status_i,
    input  logic [15:0]  sq_head_i,
    output logic         done_o,
    output logic         error_o,
    output logic         beat_valid_o,
    input  logic         beat_ready_i,
    output logic [63:0]  beat_addr_o,
    output logic [511:0] beat_data_o,
    output logic [63:0]  beat_strb_o,
    input  logic         beat_done_i,
    input  logic         beat_error_i
);

  typedef enum logic [2:0] {
    StIdle   = 3'd0,
    StSpace  = 3'd1,  // is there room?
    StBeat   = 3'd2,  // the write is offered
    StAnswer = 3'd3,  // the write waits for its answer
    StDone   = 3'd4
  } state_e;

  state_e                   state_q;
  logic [31:0]              tail_q;
  logic [31:0]              used_q;
  logic [31:0]              lap_q;
  logic [63:0]              addr;
  logic [63:0]              addr_q;
  logic                     full;
  logic                     error_q;
  portcam_pkg::completion_t completion;

  assign full = used_q >= {15'b0, size_i};

  // Distance, lap and address of the next completion, one clock late: right from the second clock
  // of StSpace on.
  logic space_valid_q;

  portcam_address_sum u_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({12'b0, tail_q[15:0] & mask_i, 4'b0}),
      .address_o(addr)
  );

  always_ff @(posedge clk_i) begin
    used_q        <= tail_q - cpl_head_i;
    lap_q         <= (tail_q >> log2_i) + 32'd1;
    addr_q        <= addr;
    space_valid_q <= state_q == StSpace;
  end

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        if (valid_i) begin
          state_q <= StSpace;
        end
        error_q <= 1'b0;
      end
      StSpace: begin
        if (restart_i) begin
          state_q <= StDone;
        end else if (space_valid_q) begin
          if (!full) begin
            state_q <= StBeat;
          end else if (stopping_i) begin
            state_q <= StDone;
          end
        end
      end
      StBeat: begin
        if (beat_ready_i) begin
          state_q <= StAnswer;
        end
      end
      StAnswer: begin
        if (beat_done_i) begin
          state_q <= StDone;
          error_q <= beat_error_i;
          if (!beat_error_i) begin
            tail_q <= tail_q + 1'b1;
          end
        end
      end
      StDone:  state_q <= StIdle;
      default: state_q <= StIdle;
    endcase
    if (start_i) begin
      tail_q <= '0;
    end
    if (!rst_ni || flr_i) begin
      state_q <= StIdle;
      tail_q  <= '0;
    end
  end

  always_comb begin
    completion.cookie  = cookie_i;
    completion.result  = result_i;
    completion.status  = status_i;
    completion.flags   = 8'd0;
    completion.sq_head = sq_head_i;
    completion.lap     = lap_q;
  end

  assign tail_o       = tail_q;
  assign done_o       = state_q == StDone;
  assign error_o      = error_q;
  assign beat_valid_o = state_q == StBeat;
  assign beat_addr_o  = addr_q;
  assign beat_data_o  = {4{completion}};

  always_comb begin
    for (int unsigned i = 0; i < 4; i++) begin
      beat_strb_o[16*i+:16] = {16{tail_q[1:0] == 2'(i)}};
    end
  end

endmodule

`resetall
