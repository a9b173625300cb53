// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror: the mirror of the connection records in host memory, the ring of events, and the
// sums of blocks: docs/mirror.md. It wires its rooms together.
//
//   operations -> portcam_mirror_queue -> portcam_mirror_expand -> portcam_mirror_write -> memory
//                      | no room                                        | answered
//                      v                                                v
//               portcam_mirror_marks -> portcam_mirror_copy      portcam_mirror_events -> memory
//
// Operations (valid_i, mirror_i of portcam_connections) come one a clock and are never stalled.
// What finds no room marks its slot; marked slots, and those of mirror_copy, are asked for in the
// clocks that the walk has free (copy_*) and come back as operations. Writes leave for source
// portcam_write_arbiter (beat_*), one a clock.
//
// flr_i stops the mirror and clears its registers; init_i, when nothing is on its way in the records,
// empties the sums. busy_o: they are being emptied. active_o: something waits or is on its way.
// trace_*, for verification, in the clock of valid_i: the operation was taken or lost; which of the
// starts it belongs to.

`default_nettype none

module portcam_mirror #(
    parameter int unsigned Rows        = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6      = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Stash       = portcam_pkg::BuildConnectionStash,
    parameter int unsigned Depth       = 512,  // operations that may wait
    parameter int unsigned Reserve     = 64,   // of these, places for copies
    parameter int unsigned Outstanding = 64
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic                            flr_i,
    input  logic                            init_i,
    output logic                            busy_o,
    output logic                            active_o,
    // Operations, and copies.
    input  logic                            valid_i,
    input  portcam_connection_pkg::mirror_t mirror_i,
    output logic                            copy_valid_o,
    input  logic                            copy_ready_i,
    output logic [23:0]                     copy_slot_o,
    output logic                            copy_tag_o,
    // Registers and interrupts.
    input  logic                            page_write_i,
    input  logic [15:0]                     page_write_addr_i,
    input  logic [31:0]                     page_write_data_i,
    input  logic                            page_read_i,
    input  logic [15:0]                     page_read_addr_i,
    output logic [31:0]                     page_word_o,
    output logic                            raise_events_o,
    output logic                            raise_errors_o,
    output logic                            fail_o,
    output logic [63:0]                     fail_addr_o,
    // Commands.
    input  logic                            mir_valid_i,
    input  logic                            mir_sum_i,
    input  logic [23:0]                     mir_row_i,
    input  logic [10:0]                     mir_count_i,
    output logic                            mir_done_o,
    output logic [7:0]                      mir_status_o,
    output logic [511:0]                    mir_sum_o,
    // Host memory.
    output logic                            beat_valid_o,
    input  logic                            beat_ready_i,
    output logic [63:0]                     beat_addr_o,
    output logic [511:0]                    beat_data_o,
    output logic [63:0]                     beat_strb_o,
    input  logic                            beat_done_i,
    input  logic                            beat_error_i,
    // For verification.
    output logic                            trace_taken_o,
    output logic                            trace_lost_o,
    output logic [3:0]                      trace_start_o
);

  localparam int unsigned Slots = Rows + RowsV6 + 2 * Stash;

  //------------------------------------------------------------------------------------------------
  // Life.

  logic        start;
  logic        run;
  logic        soon;
  logic        clear_marks;
  logic        marks_busy;
  logic [63:0] base;
  logic [63:0] event_base;
  logic [4:0]  event_log2;
  logic        events;
  logic [31:0] event_head;
  logic        clean;
  logic        pending;
  logic        copies_quiet;
  logic        writes_quiet;
  logic        lines_idle;
  logic [31:0] version;
  logic [31:0] event_tail;
  logic [31:0] event_dropped;
  logic        event_drop;

  portcam_mirror_control u_control (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .flr_i            (flr_i),
      .page_write_i     (page_write_i),
      .page_write_addr_i(page_write_addr_i),
      .page_write_data_i(page_write_data_i),
      .page_read_i      (page_read_i),
      .page_read_addr_i (page_read_addr_i),
      .page_word_o      (page_word_o),
      .start_o          (start),
      .run_o            (run),
      .soon_o           (soon),
      .clear_o          (clear_marks),
      .started_o        (trace_start_o),
      .base_o           (base),
      .event_base_o     (event_base),
      .event_log2_o     (event_log2),
      .events_o         (events),
      .event_head_o     (event_head),
      .quiet_i          (copies_quiet && writes_quiet),
      .clean_i          (clean),
      .clear_busy_i     (marks_busy),
      .pending_i        (pending),
      .fail_i           (fail_o),
      .version_i        (version),
      .event_tail_i     (event_tail),
      .event_dropped_i  (event_dropped),
      .event_drop_i     (event_drop),
      .raise_events_o   (raise_events_o),
      .raise_errors_o   (raise_errors_o)
  );

  //------------------------------------------------------------------------------------------------
  // Operations that wait, and marks of those that cannot.

  logic                       marker;
  logic                       lost;
  logic                       counted_pop;
  logic                       queue_empty;
  logic                       entry_valid;
  logic                       entry_ready;
  portcam_mirror_pkg::entry_t entry;
  logic                       slot_valid;
  logic                       slot_ready;
  logic [23:0]                slot;

  portcam_mirror_queue #(
      .Depth  (Depth),
      .Reserve(Reserve)
  ) u_queue (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .run_i        (run),
      .valid_i      (valid_i),
      .mirror_i     (mirror_i),
      .marker_i     (marker),
      .taken_o      (trace_taken_o),
      .lost_o       (lost),
      .counted_pop_o(counted_pop),
      .empty_o      (queue_empty),
      .entry_valid_o(entry_valid),
      .entry_ready_i(entry_ready),
      .entry_o      (entry)
  );

  assign trace_lost_o = lost;

  portcam_mirror_marks #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Stash (Stash)
  ) u_marks (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .mark_valid_i    (lost),
      .mark_slot_i     (mirror_i.slot),
      .mark_from_i     (mirror_i.moved),
      .mark_from_slot_i(mirror_i.from_slot),
      .slot_valid_o    (slot_valid),
      .slot_ready_i    (slot_ready),
      .slot_o          (slot),
      .clean_o         (clean),
      .init_i          (clear_marks),
      .busy_o          (marks_busy)
  );

  //------------------------------------------------------------------------------------------------
  // Copies, commands, sums.

  logic        marker_done;
  logic        ask;
  logic [11:0] block;
  logic        sum_done;
  logic [31:0] sum;
  logic [31:0] records;

  portcam_mirror_copy #(
      .Reserve(Reserve)
  ) u_copy (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .flr_i        (flr_i),
      .run_i        (run),
      .soon_i       (soon),
      .mir_valid_i  (mir_valid_i),
      .mir_sum_i    (mir_sum_i),
      .mir_row_i    (mir_row_i),
      .mir_count_i  (mir_count_i),
      .mir_done_o   (mir_done_o),
      .mir_status_o (mir_status_o),
      .mir_sum_o    (mir_sum_o),
      .slot_valid_i (slot_valid),
      .slot_ready_o (slot_ready),
      .slot_i       (slot),
      .clean_i      (clean),
      .copy_valid_o (copy_valid_o),
      .copy_ready_i (copy_ready_i),
      .copy_slot_o  (copy_slot_o),
      .copy_tag_o   (copy_tag_o),
      .back_i       (valid_i && mirror_i.copy),
      .back_tag_i   (mirror_i.tag),
      .counted_pop_i(counted_pop),
      .pending_o    (pending),
      .quiet_o      (copies_quiet),
      .free_i       (!valid_i),
      .marker_o     (marker),
      .marker_done_i(marker_done),
      .ask_o        (ask),
      .block_o      (block),
      .sum_done_i   (sum_done),
      .sum_i        (sum),
      .records_i    (records),
      .version_i    (version)
  );

  portcam_mirror_sums #(
      .Slots(Slots)
  ) u_sums (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .valid_i  (valid_i),
      .mirror_i (mirror_i),
      .ask_i    (ask),
      .block_i  (block),
      .done_o   (sum_done),
      .sum_o    (sum),
      .records_o(records),
      .init_i   (init_i),
      .busy_o   (busy_o)
  );

  //------------------------------------------------------------------------------------------------
  // Entries and events to host memory.

  logic                       write_valid;
  logic                       write_ready;
  portcam_mirror_pkg::track_t write;
  logic [511:0]               write_data;
  logic                       line_valid;
  logic                       line_ready;
  portcam_mirror_pkg::track_t line;
  logic [511:0]               line_data;
  logic [63:0]                line_strb;
  logic                       event_valid;
  logic                       event_ready;
  portcam_mirror_pkg::event_t event_out;
  logic [2:0]                 events_done;
  logic                       expand_empty;
  logic                       told;

  portcam_mirror_expand u_expand (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .run_i        (run),
      .start_i      (start),
      .base_i       (base),
      .entry_valid_i(entry_valid),
      .entry_ready_o(entry_ready),
      .entry_i      (entry),
      .empty_o      (expand_empty),
      .write_valid_o(write_valid),
      .write_ready_i(write_ready),
      .write_o      (write),
      .write_data_o (write_data)
  );

  portcam_mirror_write #(
      .Outstanding(Outstanding)
  ) u_write (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .flr_i        (flr_i),
      .run_i        (run),
      .start_i      (start),
      .events_i     (events),
      .write_valid_i(write_valid),
      .write_ready_o(write_ready),
      .write_i      (write),
      .write_data_i (write_data),
      .line_valid_i (line_valid),
      .line_ready_o (line_ready),
      .line_i       (line),
      .line_data_i  (line_data),
      .line_strb_i  (line_strb),
      .event_valid_o(event_valid),
      .event_ready_i(event_ready),
      .event_o      (event_out),
      .events_done_o(events_done),
      .marker_done_o(marker_done),
      .version_o    (version),
      .fail_o       (fail_o),
      .fail_addr_o  (fail_addr_o),
      .quiet_o      (writes_quiet),
      .told_o       (told),
      .beat_valid_o (beat_valid_o),
      .beat_ready_i (beat_ready_i),
      .beat_addr_o  (beat_addr_o),
      .beat_data_o  (beat_data_o),
      .beat_strb_o  (beat_strb_o),
      .beat_done_i  (beat_done_i),
      .beat_error_i (beat_error_i)
  );

  portcam_mirror_events u_events (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .run_i        (run),
      .start_i      (start),
      .base_i       (event_base),
      .log2_i       (event_log2),
      .head_i       (event_head),
      .event_valid_i(event_valid),
      .event_ready_o(event_ready),
      .event_i      (event_out),
      .line_valid_o (line_valid),
      .line_ready_i (line_ready),
      .line_o       (line),
      .line_data_o  (line_data),
      .line_strb_o  (line_strb),
      .done_i       (events_done),
      .tail_o       (event_tail),
      .dropped_o    (event_dropped),
      .drop_o       (event_drop),
      .idle_o       (lines_idle)
  );

  assign active_o = !queue_empty || !expand_empty || !writes_quiet || !told || !lines_idle ||
                    pending || mir_valid_i || !copies_quiet || soon;

endmodule

`resetall
