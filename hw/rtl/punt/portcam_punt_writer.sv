// SPDX-License-Identifier: Apache-2.0
//
// portcam_punt_writer: writes punted frames with their headers to the host's ring
// (docs/pipeline.md, section 9).
//
// Choice: ask_i offers a packet, with what is known of it; room_o of the same clock says whether it
// is taken, and then its place in the ring, in the frame buffer and for its header are reserved.
// Frames (frame_*) come later, those of each side in the order in which they were taken, and are
// never held up; portcam_entry_writer writes them.
//
// idle_o: every packet that was taken is written or thrown away. trace_end_valid_o tells the end of
// each, in the order of frame_*: the side it came from, whether it was thrown away, and the address
// of its entry.

`default_nettype none

module portcam_punt_writer #(
    parameter int unsigned MaxFrame = portcam_pkg::BuildMaxFrame
) (
    input  logic                      clk_i,
    input  logic                      rst_ni,
    // Choice.
    input  logic                      ask_i,
    output logic                      room_o,
    input  portcam_types_pkg::count_t count_i,
    input  logic [31:0]               time_ms_i,
    // Ring.
    input  logic                      start_i,
    input  logic                      runs_i,
    input  logic                      dead_i,
    input  logic [63:0]               base_i,
    input  logic [3:0]                log2_i,
    input  logic [11:0]               mask_i,
    input  logic                      head_write_i,
    input  logic [31:0]               head_i,
    output logic [31:0]               tail_o,
    output logic [31:0]               dropped_o,
    output logic                      idle_o,
    output logic                      error_o,
    output logic [63:0]               error_addr_o,
    // Frames.
    input  logic                      frame_valid_i,
    output logic                      frame_ready_o,
    input  logic [511:0]              frame_data_i,
    input  logic                      frame_last_i,
    input  logic                      frame_host_i,
    // Writes: portcam_write_arbiter.
    output logic                      beat_valid_o,
    input  logic                      beat_ready_i,
    output logic [63:0]               beat_addr_o,
    output logic [511:0]              beat_data_o,
    output logic [63:0]               beat_strb_o,
    input  logic                      beat_done_i,
    input  logic                      beat_error_i,
    output logic                      trace_end_valid_o,
    output logic                      trace_end_host_o,
    output logic                      trace_end_lost_o,
    output logic [63:0]               trace_end_addr_o
);

  localparam int unsigned Depth    = 1024;                 // beats of the frame buffer: 64 KiB
  localparam int unsigned FreeBits = $clog2(Depth) + 1;
  localparam int unsigned Headers  = 64;                   // of each side
  localparam int unsigned MaxBeats = (MaxFrame + 63) / 64;

  if (MaxBeats > Depth) begin : g_bad_frame
    $error("portcam_punt_writer: a frame of MaxFrame bytes must fit the frame buffer");
  end

  //------------------------------------------------------------------------------------------------
  // Choice.

  typedef struct packed {
    logic [5:0]  reason;
    logic [7:0]  ingress;
    logic [15:0] len;
    logic [31:0] time_ms;
    logic [15:0] domain;
    logic [15:0] address;
    logic [15:0] service;
    logic [7:0]  egress;
  } known_t;

  portcam_types_pkg::count_t count;
  known_t                    known;
  logic                      unused_count;
  logic                      ring_room;
  logic [31:0]               dropped_q;
  logic [FreeBits-1:0]       free_q;         // beats of the frame buffer
  logic [FreeBits-1:0]       free_next;
  logic [FreeBits-1:0]       beats;
  logic                      fits_q;         // a frame of any length fits
  logic [6:0]                outstanding_q;  // packets taken, not ended
  logic [6:0]                outstanding_next;
  logic                      header_room_q;
  logic                      take;
  logic                      ended;
  logic                      pop;

  assign count            = count_i;
  assign room_o           = runs_i && ring_room && fits_q && header_room_q;
  assign take             = ask_i && room_o;
  assign beats            = FreeBits'(count.octets[15:6]) + FreeBits'(count.octets[5:0] != '0);
  assign free_next        = free_q - (take ? beats : '0) + FreeBits'(pop);
  assign outstanding_next = outstanding_q + 7'(take) - 7'(ended);
  assign unused_count     = ^count;

  portcam_ring_room u_ring_room (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .start_i     (start_i),
      .mask_i      (mask_i),
      .head_write_i(head_write_i),
      .head_i      (head_i),
      .take_i      (take),
      .room_o      (ring_room)
  );

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      dropped_q <= '0;
    end else if (ask_i && runs_i && !room_o) begin
      dropped_q <= dropped_q + 1'b1;
    end
    free_q        <= free_next;
    fits_q        <= free_next >= FreeBits'(MaxBeats);
    outstanding_q <= outstanding_next;
    header_room_q <= outstanding_next < 7'(Headers);
    if (!rst_ni) begin
      dropped_q     <= '0;
      free_q        <= FreeBits'(Depth);
      fits_q        <= 1'b0;
      outstanding_q <= '0;
      header_room_q <= 1'b0;
    end
  end

  always_comb begin
    known.reason  = count.reason;
    known.ingress = count.rx;
    known.len     = count.octets;
    known.time_ms = time_ms_i;
    known.domain  = count.domain_valid ? count.domain : 16'hFFFF;
    known.address = count.address_valid ? count.address : 16'hFFFF;
    known.service = count.service_valid ? count.service : 16'hFFFF;
    known.egress  = count.tx;
  end

  //------------------------------------------------------------------------------------------------
  // Headers of each side, and the frames.

  known_t       net_known;
  known_t       host_known;
  logic         net_valid;
  logic         host_valid;
  logic         net_room;
  logic         host_room;
  logic         frame_valid;
  logic         frame_pop;
  logic [511:0] frame_data;
  logic         frame_last;
  logic         frame_host;
  logic [6:0]   unused_net_level;
  logic [6:0]   unused_host_level;
  logic [$clog2(Depth):0] unused_frame_level;
  logic         end_host;

  portcam_fifo #(
      .Width($bits(known)),
      .Depth(Headers)
  ) u_net_headers (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(take && count.rx == 8'd0),
      .push_ready_o(net_room),
      .push_data_i (known),
      .pop_valid_o (net_valid),
      .pop_ready_i (ended && !end_host),
      .pop_data_o  (net_known),
      .level_o     (unused_net_level)
  );

  portcam_fifo #(
      .Width($bits(known)),
      .Depth(Headers)
  ) u_host_headers (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(take && count.rx != 8'd0),
      .push_ready_o(host_room),
      .push_data_i (known),
      .pop_valid_o (host_valid),
      .pop_ready_i (ended && end_host),
      .pop_data_o  (host_known),
      .level_o     (unused_host_level)
  );

  portcam_fifo #(
      .Width(514),
      .Depth(Depth)
  ) u_frames (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(frame_valid_i),
      .push_ready_o(frame_ready_o),
      .push_data_i ({frame_host_i, frame_last_i, frame_data_i}),
      .pop_valid_o (frame_valid),
      .pop_ready_i (frame_pop),
      .pop_data_o  ({frame_host, frame_last, frame_data}),
      .level_o     (unused_frame_level)
  );

  assign pop = frame_valid && frame_pop;

  //------------------------------------------------------------------------------------------------
  // Writing.

  known_t                    next_known;
  logic                      written;
  logic                      begins;
  portcam_pkg::punt_header_t header;

  assign begins     = frame_valid && (frame_host ? host_valid : net_valid);
  assign next_known = frame_host ? host_known : net_known;

  always_comb begin
    header = '0;
    if (begins) begin
      header.reason  = 8'(next_known.reason);
      header.ingress = next_known.ingress;
      header.len     = next_known.len;
      header.time_ms = next_known.time_ms;
      header.domain  = next_known.domain;
      header.address = next_known.address;
      header.service = next_known.service;
      header.egress  = next_known.egress;
    end
  end

  // The side of the entry in work: that of its last beat.
  always_ff @(posedge clk_i) begin
    if (pop) begin
      end_host <= frame_host;
    end
  end

  portcam_entry_writer #(
      .EntryLog2(14)
  ) u_entries (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .start_i     (start_i),
      .dead_i      (dead_i),
      .base_i      (base_i),
      .log2_i      (log2_i),
      .mask_i      (mask_i),
      .tail_o      (tail_o),
      .valid_i     (begins),
      .header_i    (header),
      .len_i       (next_known.len),
      .beat_valid_i(frame_valid),
      .beat_pop_o  (frame_pop),
      .beat_data_i (frame_data),
      .beat_last_i (frame_last),
      .ended_o     (ended),
      .written_o   (written),
      .error_o     (error_o),
      .error_addr_o(error_addr_o),
      .beat_valid_o(beat_valid_o),
      .beat_ready_i(beat_ready_i),
      .beat_addr_o (beat_addr_o),
      .beat_data_o (beat_data_o),
      .beat_strb_o (beat_strb_o),
      .beat_done_i (beat_done_i),
      .beat_error_i(beat_error_i)
  );

  assign dropped_o         = dropped_q;
  assign idle_o            = outstanding_q == '0;
  assign trace_end_valid_o = ended;
  assign trace_end_host_o  = end_host;
  assign trace_end_lost_o  = !written;
  assign trace_end_addr_o  = error_addr_o;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_frames_have_room : assert (!frame_valid_i || frame_ready_o);
      a_headers_have_room : assert (!take || (net_room && host_room));
      a_buffer_is_free_when_idle : assert (!idle_o || free_q == FreeBits'(Depth));
      a_nothing_is_taken_from_a_dead_ring : assert (!(take && dead_i));
    end
  end
`else
  logic unused_room;
  assign unused_room = net_room && host_room;
`endif

endmodule

`resetall
