// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_write: entries of the mirror and lines of events to host memory, many on their way
// at once, and what follows when they are there.
//
// Writes come with write_*, lines with line_*; a line goes first. They leave for
// portcam_write_arbiter (beat_*), which answers in their order (beat_done_i, beat_error_i). With the
// answer of an entry its version is version_o and its event, if events_i, is handed on (event_*); with
// that of a line events_done_o says how many events it was. A marker is told by marker_done_o when
// everything before it is answered.
//
// fail_o pulses with the first error, fail_addr_o says where; from then on, and from flr_i on, answers
// count for nothing until start_i. While run_i is low nothing is begun and nothing handed on. quiet_o: nothing waits for
// an answer; told_o: every event was handed on.

`default_nettype none

module portcam_mirror_write #(
    parameter int unsigned Outstanding = 64
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       flr_i,
    input  logic                       run_i,
    input  logic                       start_i,
    input  logic                       events_i,
    input  logic                       write_valid_i,
    output logic                       write_ready_o,
    input  portcam_mirror_pkg::track_t write_i,
    input  logic [511:0]               write_data_i,
    input  logic                       line_valid_i,
    output logic                       line_ready_o,
    input  portcam_mirror_pkg::track_t line_i,
    input  logic [511:0]               line_data_i,
    input  logic [63:0]                line_strb_i,
    output logic                       event_valid_o,
    input  logic                       event_ready_i,
    output portcam_mirror_pkg::event_t event_o,
    output logic [2:0]                 events_done_o,
    output logic                       marker_done_o,
    output logic [31:0]                version_o,
    output logic                       fail_o,
    output logic [63:0]                fail_addr_o,
    output logic                       quiet_o,
    output logic                       told_o,
    output logic                       beat_valid_o,
    input  logic                       beat_ready_i,
    output logic [63:0]                beat_addr_o,
    output logic [511:0]               beat_data_o,
    output logic [63:0]                beat_strb_o,
    input  logic                       beat_done_i,
    input  logic                       beat_error_i
);

  localparam int unsigned Bits = $clog2(Outstanding) + 1;

  portcam_mirror_pkg::track_t track_in;
  portcam_mirror_pkg::track_t head;
  portcam_mirror_pkg::event_t event_in;

  localparam int unsigned TrackBits = $bits(track_in);
  localparam int unsigned EventBits = $bits(event_in);

  //------------------------------------------------------------------------------------------------
  // Out. An entry needs a place for its event.

  logic            track_ready;
  logic            track_push;
  logic            has_event;       // the entry that is offered
  logic            event_room_q;
  logic [Bits-1:0] events_q;        // events of entries on their way, and those that wait
  logic            write_may;
  logic            write_go;
  logic            event_pop;

  assign has_event     = events_i && write_i.kind != '0 && !write_i.marker;
  assign write_may     = run_i && write_valid_i && !line_valid_i && track_ready && event_room_q;
  assign write_go      = write_may && (write_i.marker || beat_ready_i);
  assign write_ready_o = write_go;
  assign line_ready_o  = run_i && line_valid_i && track_ready && beat_ready_i;
  assign beat_valid_o  = (run_i && line_valid_i && track_ready) || (write_may && !write_i.marker);
  assign track_push    = write_go || line_ready_o;
  assign track_in      = line_valid_i ? line_i : write_i;
  assign beat_addr_o   = track_in.addr;
  assign beat_data_o   = line_valid_i ? line_data_i : write_data_i;
  assign beat_strb_o   = line_valid_i ? line_strb_i : '1;

  always_ff @(posedge clk_i) begin
    events_q     <= events_q + Bits'(write_go && has_event) - Bits'(event_pop);
    event_room_q <= events_q < Bits'(Outstanding - 2);
    if (!rst_ni || !run_i) begin
      events_q     <= '0;
      event_room_q <= 1'b0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // On their way, and their answers.

  logic            head_valid;
  logic            head_pop;
  logic            answer_valid;
  logic            answer_error;
  logic            answered;        // the oldest write
  logic            failed_q;
  logic [Bits-1:0] track_level;
  logic [Bits-1:0] unused_answers;
  logic            unused_answer_ready;

  portcam_fifo #(
      .Width(TrackBits),
      .Depth(Outstanding)
  ) u_track (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(track_push),
      .push_ready_o(track_ready),
      .push_data_i (track_in),
      .pop_valid_o (head_valid),
      .pop_ready_i (head_pop),
      .pop_data_o  (head),
      .level_o     (track_level)
  );

  portcam_fifo #(
      .Width(1),
      .Depth(Outstanding)
  ) u_answers (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(beat_done_i),
      .push_ready_o(unused_answer_ready),
      .push_data_i (beat_error_i),
      .pop_valid_o (answer_valid),
      .pop_ready_i (answered),
      .pop_data_o  (answer_error),
      .level_o     (unused_answers)
  );

  assign answered      = head_valid && answer_valid && !head.marker;
  assign head_pop      = answered || (head_valid && head.marker);
  assign quiet_o       = track_level == '0;
  assign told_o        = events_q == '0;
  assign marker_done_o = head_valid && head.marker && run_i;
  assign fail_o        = answered && answer_error && !failed_q;
  assign fail_addr_o   = head.addr;

  always_ff @(posedge clk_i) begin
    if (fail_o || flr_i) begin
      failed_q <= 1'b1;
    end
    if (answered && !answer_error && !failed_q && !head.line) begin
      version_o <= head.version;
    end
    if (start_i || !rst_ni) begin
      failed_q  <= 1'b0;
      version_o <= '0;
    end
  end

  assign events_done_o = answered && !answer_error && !failed_q && head.line ? head.events : '0;

  //------------------------------------------------------------------------------------------------
  // Events whose entries are there.

  logic            event_push;
  logic            event_rst_n;
  logic            unused_event_ready;
  logic [Bits-1:0] unused_events;

  assign event_push  = answered && !answer_error && !failed_q && !head.line && events_i &&
                       head.kind != '0;
  assign event_pop   = event_valid_o && event_ready_i;
  assign event_rst_n = rst_ni && run_i;

  always_comb begin
    event_in.kind       = head.kind;
    event_in.slot       = head.slot;
    event_in.generation = head.generation;
    event_in.state      = head.state;
    event_in.version    = head.version;
  end

  portcam_fifo #(
      .Width(EventBits),
      .Depth(Outstanding)
  ) u_events (
      .clk_i       (clk_i),
      .rst_ni      (event_rst_n),
      .push_valid_i(event_push),
      .push_ready_o(unused_event_ready),
      .push_data_i (event_in),
      .pop_valid_o (event_valid_o),
      .pop_ready_i (event_ready_i),
      .pop_data_o  (event_o),
      .level_o     (unused_events)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_answers_have_room : assert (!beat_done_i || unused_answer_ready);
      a_no_answer_without_a_write : assert (!beat_done_i || track_level != '0);
      a_events_have_room : assert (!event_push || !run_i || unused_event_ready);
    end
  end
`endif

endmodule

`resetall
