// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_copy: who asks for slots to be looked at: the host by mirror_copy, and marks of
// operations that were lost; and the answers to mirror_copy and mirror_sum.
//
// copy_valid_o asks for copy_slot_o until copy_ready_i, copy_tag_o says that it is for a mark; each
// comes back as an operation in the same order (back_i, with back_tag_i). Copies and markers that
// were asked for and have not left the queue (counted_pop_i) are at most Reserve. The host and the
// marks take turns.
//
// mir_*: portcam_mirror_command. A command begins when the mirror runs; while a start waits (soon_i)
// it waits too, and otherwise, or when the mirror stops, it ends with no_mirror. mirror_copy asks for
// its slots, waits until all are back, and sends a marker (marker_o, when free_i says that no
// operation is in this clock). mirror_sum sends the marker at once and asks for the sum in the same
// clock (ask_o). marker_done_i ends both. flr_i forgets the command.

`default_nettype none

module portcam_mirror_copy #(
    parameter int unsigned Reserve = 64
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic         run_i,
    input  logic         soon_i,
    // Commands.
    input  logic         mir_valid_i,
    input  logic         mir_sum_i,
    input  logic [23:0]  mir_row_i,
    input  logic [10:0]  mir_count_i,
    output logic         mir_done_o,
    output logic [7:0]   mir_status_o,
    output logic [511:0] mir_sum_o,
    // Marks.
    input  logic         slot_valid_i,
    output logic         slot_ready_o,
    input  logic [23:0]  slot_i,
    input  logic         clean_i,
    // Copies.
    output logic         copy_valid_o,
    input  logic         copy_ready_i,
    output logic [23:0]  copy_slot_o,
    output logic         copy_tag_o,
    input  logic         back_i,
    input  logic         back_tag_i,
    input  logic         counted_pop_i,
    output logic         pending_o,       // slots are marked, or looked at because they were
    output logic         quiet_o,         // no copy is on its way
    // Marker and sum.
    input  logic         free_i,
    output logic         marker_o,
    input  logic         marker_done_i,
    output logic         ask_o,
    output logic [11:0]  block_o,
    input  logic         sum_done_i,
    input  logic [31:0]  sum_i,
    input  logic [31:0]  records_i,
    input  logic [31:0]  version_i
);

  localparam int unsigned Bits = $clog2(Reserve + 1);

  typedef enum logic [2:0] {
    StIdle   = 3'd0,
    StCopy   = 3'd1,  // slots are asked for
    StBack   = 3'd2,  // the last of them are on their way
    StMarker = 3'd3,  // the marker waits for its clock
    StWait   = 3'd4,  // for the marker, and the sum
    StDone   = 3'd5
  } state_e;

  state_e      state_q;
  logic        forgotten_q;    // nobody waits for the command in work
  logic        sum_q;          // it is mirror_sum
  logic [11:0] block_q;
  logic [23:0] slot_q;         // the next slot, and how many
  logic [10:0] left_q;
  logic        marked_q;       // the marker has come through
  logic        summed_q;       // the sum is there
  logic        pending_q;      // at the moment of the sum
  logic [31:0] total_q;
  logic [31:0] records_q;
  logic [31:0] version_q;
  logic [7:0]  status_q;

  //------------------------------------------------------------------------------------------------
  // Copies: room for them, and whose turn it is.

  logic [Bits-1:0] counted_q;
  logic [Bits-1:0] host_q;       // of the host on their way
  logic [Bits-1:0] marks_q;      // of marks
  logic            room_q;
  logic            marks_turn_q;
  logic            host_wants;
  logic            marks_want;
  logic            for_marks;
  logic            issue;

  assign host_wants   = state_q == StCopy;
  assign marks_want   = slot_valid_i;
  assign for_marks    = marks_want && (!host_wants || marks_turn_q);
  assign copy_valid_o = run_i && room_q && (host_wants || marks_want);
  assign copy_slot_o  = for_marks ? slot_i : slot_q;
  assign copy_tag_o   = for_marks;
  assign issue        = copy_valid_o && copy_ready_i;
  assign slot_ready_o = issue && for_marks;
  assign pending_o    = !clean_i || marks_q != '0;
  assign quiet_o      = host_q == '0 && marks_q == '0;

  always_ff @(posedge clk_i) begin
    counted_q <= counted_q + Bits'(issue) + Bits'(marker_o) - Bits'(counted_pop_i);
    room_q    <= counted_q < Bits'(Reserve - 2);
    host_q    <= host_q + Bits'(issue && !for_marks) - Bits'(back_i && !back_tag_i);
    marks_q   <= marks_q + Bits'(issue && for_marks) - Bits'(back_i && back_tag_i);
    if (issue) begin
      marks_turn_q <= !for_marks;
    end
    if (!run_i) begin
      counted_q <= '0;
      room_q    <= 1'b0;
    end
    if (!rst_ni) begin
      counted_q    <= '0;
      room_q       <= 1'b0;
      host_q       <= '0;
      marks_q      <= '0;
      marks_turn_q <= 1'b0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Commands.

  assign marker_o = state_q == StMarker && run_i && free_i && room_q;
  assign ask_o    = marker_o && sum_q;
  assign block_o  = block_q;

  always_ff @(posedge clk_i) begin
    if (sum_done_i) begin
      summed_q  <= 1'b1;
      total_q   <= sum_i;
      records_q <= records_i;
    end
    unique case (state_q)
      StIdle: begin
        marked_q <= 1'b0;
        summed_q <= 1'b0;
        if (mir_valid_i && run_i) begin
          state_q <= mir_sum_i ? StMarker : StCopy;
        end else if (mir_valid_i && !soon_i) begin
          state_q <= StDone;
        end
        status_q <= portcam_pkg::StatusNoMirror;
      end
      StCopy: begin
        if (issue && !for_marks && left_q == 11'd1) begin
          state_q <= StBack;
        end
      end
      StBack: begin
        if (host_q == '0) begin
          state_q <= StMarker;
        end
      end
      StMarker: begin
        pending_q <= pending_o;
        if (marker_o) begin
          state_q <= StWait;
        end
      end
      StWait: begin
        if (marker_done_i) begin
          marked_q  <= 1'b1;
          version_q <= version_i;
        end
        if (marked_q && (summed_q || !sum_q)) begin
          state_q  <= StDone;
          status_q <= portcam_pkg::StatusOk;
        end
      end
      StDone:  state_q <= StIdle;
      default: state_q <= StIdle;
    endcase
    if (state_q == StIdle) begin
      sum_q   <= mir_sum_i;
      block_q <= mir_row_i[11:0];
      slot_q  <= mir_row_i;
      left_q  <= mir_count_i;
    end else if (issue && !for_marks) begin
      slot_q <= slot_q + 24'd1;
      left_q <= left_q - 11'd1;
    end
    // A sum that was asked for comes before the next question.
    if (state_q != StIdle && state_q != StDone && (!run_i || flr_i)) begin
      state_q     <= StDone;
      status_q    <= portcam_pkg::StatusNoMirror;
      forgotten_q <= flr_i;
    end
    if (state_q == StDone || !rst_ni) begin
      forgotten_q <= 1'b0;
    end
    if (!rst_ni) begin
      state_q <= StIdle;
    end
  end

  portcam_pkg::mirror_sum_t answer;

  always_comb begin
    answer         = '0;
    answer.block   = 32'(block_q);
    answer.sum     = total_q;
    answer.records = records_q;
    answer.version = version_q;
    answer.flags   = 32'(pending_q) << portcam_pkg::MirrorSumPending;
  end

  assign mir_done_o   = state_q == StDone && !forgotten_q && !flr_i;
  assign mir_status_o = status_q;
  assign mir_sum_o    = answer;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_copies_come_back_once :
      assert (!back_i || (back_tag_i ? marks_q != '0 : host_q != '0));
    end
  end
`endif

endmodule

`resetall
