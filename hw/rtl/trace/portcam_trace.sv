// SPDX-License-Identifier: Apache-2.0
//
// portcam_trace: samples of packets to a ring of the host (docs/pipeline.md, section 10): registers,
// the life of the ring, the choice, the heads of the frames, and the writer.
//
// It listens to the lookup pipeline at three places: headers behind their admission (header_*), parse
// results (parsed_*), and what is counted (count_*, with punted_i and time_ms_i of the same clock). It
// never holds anything up. While the ring does not run only the numbers of packets move.
//
// Registers: the page bus of portcam_registers. errors_o pulses when the ring stopped by itself,
// dma_error_o when a write failed (dma_error_addr_o). trace_sample_*, for verification: a packet was
// tested (its number, modulo 128, counted from the reset of the card on; flags: bit 0 the first since
// the ring was started, bit 1 there was room).

`default_nettype none

module portcam_trace (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       flr_i,
    input  logic                       ready_i,
    input  logic                       page_write_i,
    input  logic [15:0]                page_write_addr_i,
    input  logic [31:0]                page_write_data_i,
    input  logic                       page_read_i,
    input  logic [15:0]                page_read_addr_i,
    output logic [31:0]                page_word_o,
    output logic                       errors_o,
    output logic                       dma_error_o,
    output logic [63:0]                dma_error_addr_o,
    // Packets.
    input  logic                       header_valid_i,
    input  portcam_types_pkg::header_t header_i,
    input  logic                       parsed_valid_i,
    input  portcam_types_pkg::parsed_t parsed_i,
    input  logic                       count_valid_i,
    input  portcam_types_pkg::count_t  count_i,
    input  logic                       punted_i,
    input  logic [31:0]                time_ms_i,
    // Host memory: portcam_write_arbiter.
    output logic                       write_valid_o,
    input  logic                       write_ready_i,
    output logic [63:0]                write_addr_o,
    output logic [511:0]               write_data_o,
    output logic [63:0]                write_strb_o,
    input  logic                       write_done_i,
    input  logic                       write_error_i,
    output logic                       trace_sample_valid_o,
    output logic [1:0]                 trace_sample_flags_o,
    output logic [6:0]                 trace_sample_number_o
);

  localparam int unsigned Depth = 16;  // samples on their way

  //------------------------------------------------------------------------------------------------
  // Registers and the life of the ring.

  logic [63:0]  base_set;
  logic [7:0]   log2_set;
  logic         enable;
  logic         rise;
  logic [31:0]  head;
  logic         head_write;
  logic [767:0] filter;
  logic         idle;
  logic         error;
  logic         start;
  logic         runs;
  logic         dead;
  logic         hide;
  logic [63:0]  base;
  logic [3:0]   log2;
  logic [11:0]  mask;
  logic         running;
  logic         failed;
  logic [7:0]   reason;
  logic         stopped;
  logic [31:0]  tail;
  logic [31:0]  matched;
  logic [31:0]  limited;
  logic [31:0]  lost;

  portcam_trace_registers u_registers (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .flr_i            (flr_i),
      .page_write_i     (page_write_i),
      .page_write_addr_i(page_write_addr_i),
      .page_write_data_i(page_write_data_i),
      .page_read_i      (page_read_i),
      .page_read_addr_i (page_read_addr_i),
      .page_word_o      (page_word_o),
      .base_o           (base_set),
      .log2_o           (log2_set),
      .enable_o         (enable),
      .rise_o           (rise),
      .head_o           (head),
      .head_write_o     (head_write),
      .filter_o         (filter),
      .status_i         ({reason, failed, running}),
      .tail_i           (hide ? '0 : tail),
      .matched_i        (hide ? '0 : matched),
      .limited_i        (hide ? '0 : limited),
      .lost_i           (hide ? '0 : lost)
  );

  portcam_packet_ring u_ring (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .flr_i         (flr_i),
      .ready_i       (ready_i),
      .enable_i      (enable),
      .enable_rise_i (rise),
      .base_i        (base_set),
      .log2_i        (log2_set),
      .idle_i        (idle),
      .bad_doorbell_i(1'b0),
      .error_i       (error),
      .error_reason_i(portcam_pkg::StatusDmaWriteError),
      .start_o       (start),
      .runs_o        (runs),
      .dead_o        (dead),
      .hide_o        (hide),
      .base_o        (base),
      .log2_o        (log2),
      .mask_o        (mask),
      .running_o     (running),
      .error_o       (failed),
      .reason_o      (reason),
      .stopped_o     (stopped)
  );

  assign dma_error_o = error;
  assign errors_o    = stopped || error;

  //------------------------------------------------------------------------------------------------
  // The choice. A sample's place in the ring and in the card is reserved when it is taken.

  logic                       sample;
  logic                       first;
  logic [6:0]                 sample_number;
  logic [6:0]                 admit_number;
  logic                       take;
  logic                       ended;
  logic                       ring_room;
  logic                       room;
  logic [4:0]                 outstanding_q;  // samples taken, not ended
  portcam_pkg::trace_header_t told;

  assign room = runs && ring_room && !outstanding_q[4];
  assign idle = outstanding_q == '0;

  always_ff @(posedge clk_i) begin
    outstanding_q <= outstanding_q + 5'(take) - 5'(ended);
    if (!rst_ni) begin
      outstanding_q <= '0;
    end
  end

  portcam_trace_choice u_choice (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .start_i        (start),
      .runs_i         (runs),
      .filter_i       (filter),
      .admit_i        (header_valid_i),
      .admit_number_o (admit_number),
      .parsed_valid_i (parsed_valid_i),
      .parsed_i       (parsed_i),
      .count_valid_i  (count_valid_i),
      .count_i        (count_i),
      .punted_i       (punted_i),
      .time_ms_i      (time_ms_i),
      .sample_o       (sample),
      .first_o        (first),
      .sample_number_o(sample_number),
      .room_i         (room),
      .take_o         (take),
      .header_o       (told),
      .matched_o      (matched),
      .limited_o      (limited),
      .lost_o         (lost)
  );

  portcam_ring_room u_ring_room (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .start_i     (start),
      .mask_i      (mask),
      .head_write_i(head_write),
      .head_i      (head),
      .take_i      (take),
      .room_o      (ring_room)
  );

  assign trace_sample_valid_o  = sample;
  assign trace_sample_flags_o  = {room, first};
  assign trace_sample_number_o = sample_number;

  //------------------------------------------------------------------------------------------------
  // Heads of frames, by number.

  portcam_types_pkg::header_t packet;
  logic [1023:0]              window;
  logic [1023:0]              unused_window;
  logic                       unused_packet;
  logic [1:0]                 take_q;

  assign packet        = header_i;
  assign unused_packet = ^packet;

  portcam_ram #(
      .Width      (1024),
      .Depth      (128),
      .ReadLatency(2)
  ) u_windows (
      .clk_i    (clk_i),
      .a_en_i   (take),
      .a_addr_i (sample_number),
      .a_data_o (window),
      .b_en_i   (header_valid_i && runs),
      .b_we_i   (1'b1),
      .b_addr_i (admit_number),
      .b_wdata_i(packet.window),
      .b_rdata_o(unused_window)
  );

  always_ff @(posedge clk_i) begin
    take_q <= {take_q[0], take};
    if (!rst_ni) begin
      take_q <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Samples on their way.

  portcam_pkg::trace_header_t header;
  logic [1023:0]              head_of_frame;
  logic                       valid;
  logic                       pop;
  logic                       second_q;  // the second beat of the head is next
  logic                       unused_room;
  logic                       unused_written;
  logic [$clog2(Depth):0]     unused_level;

  portcam_fifo #(
      .Width(512 + 1024),
      .Depth(Depth)
  ) u_samples (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(take_q[1]),
      .push_ready_o(unused_room),
      .push_data_i ({told, window}),
      .pop_valid_o (valid),
      .pop_ready_i (pop && second_q),
      .pop_data_o  ({header, head_of_frame}),
      .level_o     (unused_level)
  );

  always_ff @(posedge clk_i) begin
    if (valid && pop) begin
      second_q <= !second_q;
    end
    if (!rst_ni) begin
      second_q <= 1'b0;
    end
  end

  portcam_entry_writer #(
      .EntryLog2($clog2(portcam_pkg::TraceEntry))
  ) u_entries (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .start_i     (start),
      .dead_i      (dead),
      .base_i      (base),
      .log2_i      (log2),
      .mask_i      (mask),
      .tail_o      (tail),
      .valid_i     (valid),
      .header_i    (header),
      .len_i       (16'(portcam_pkg::TraceWindow)),
      .beat_valid_i(valid),
      .beat_pop_o  (pop),
      .beat_data_i (second_q ? head_of_frame[1023:512] : head_of_frame[511:0]),
      .beat_last_i (second_q),
      .ended_o     (ended),
      .written_o   (unused_written),
      .error_o     (error),
      .error_addr_o(dma_error_addr_o),
      .beat_valid_o(write_valid_o),
      .beat_ready_i(write_ready_i),
      .beat_addr_o (write_addr_o),
      .beat_data_o (write_data_o),
      .beat_strb_o (write_strb_o),
      .beat_done_i (write_done_i),
      .beat_error_i(write_error_i)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_samples_have_room : assert (!take_q[1] || unused_room);
      a_nothing_is_taken_from_a_dead_ring : assert (!(take && dead));
    end
  end
`endif

endmodule

`resetall
