// SPDX-License-Identifier: Apache-2.0
//
// portcam_punt_writer: writes punted frames with their headers to the host's ring
// (docs/pipeline.md, section 9).
//
// Choice: ask_i offers a packet, with what is known of it; room_o of the same clock says whether it
// is taken, and then its place in the ring, in the frame buffer and for its header are reserved.
// Frames (frame_*) come later, those of each side in the order in which they were taken, and are
// never held up. Each frame is written beat by beat behind its header's place; when all of it is
// answered the header is written, when that is answered the tail goes on. A write that fails gives
// error_o, once; while dead_i is high frames are thrown away.
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
  // Choice. ahead_q: packets taken that the host has not consumed; late_q: one more, which came in the
  // clock of a new head, and nothing is taken until it is counted.

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
  logic [31:0]               taken_q;
  logic [31:0]               ahead_q;
  logic                      late_q;
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
  assign room_o           = runs_i && (ahead_q & ~{20'b0, mask_i}) == '0 && !late_q && fits_q &&
                            header_room_q;
  assign take             = ask_i && room_o;
  assign beats            = FreeBits'(count.octets[15:6]) + FreeBits'(count.octets[5:0] != '0);
  assign free_next        = free_q - (take ? beats : '0) + FreeBits'(pop);
  assign outstanding_next = outstanding_q + 7'(take) - 7'(ended);
  assign unused_count     = ^count;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      taken_q   <= '0;
      ahead_q   <= 32'd0 - head_i;
      dropped_q <= '0;
    end else begin
      taken_q <= taken_q + 32'(take);
      ahead_q <= head_write_i ? taken_q - head_i : ahead_q + 32'(take || late_q);
      if (ask_i && runs_i && !room_o) begin
        dropped_q <= dropped_q + 1'b1;
      end
    end
    late_q        <= head_write_i && take && !start_i;
    free_q        <= free_next;
    fits_q        <= free_next >= FreeBits'(MaxBeats);
    outstanding_q <= outstanding_next;
    header_room_q <= outstanding_next < 7'(Headers);
    if (!rst_ni) begin
      taken_q       <= '0;
      ahead_q       <= '0;
      dropped_q     <= '0;
      late_q        <= 1'b0;
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

  typedef enum logic [2:0] {
    StIdle       = 3'd0,
    StData       = 3'd1,  // beats of the frame are offered
    StDataWait   = 3'd2,  // for their answers
    StHeader     = 3'd3,
    StHeaderWait = 3'd4,
    StSwallow    = 3'd5,  // the rest of the frame is thrown away
    StLost       = 3'd6   // the answers that still come are waited for
  } state_e;

  state_e      state_q;
  known_t      known_q;
  logic        host_q;
  logic [31:0] tail_q;
  logic [63:0] entry_q;
  logic [63:0] addr_q;     // of the next beat of the frame
  logic [63:0] addr;
  logic [25:0] offset;     // of addr in the ring, which begins at a multiple of 4,096
  logic [25:0] offset_q;
  logic [15:0] left_q;     // bytes of the frame not yet written
  logic [7:0]  pending_q;  // writes without an answer
  logic        failed_q;
  logic        held_q;     // a beat was offered and not taken: it stays
  logic        header_there;
  logic        offered;
  logic        answered;
  logic        written;
  logic        failed;

  portcam_pkg::punt_header_t header;
  logic [31:0]               lap_q;

  assign header_there = frame_host ? host_valid : net_valid;
  assign offered      = !dead_i || held_q;
  assign beat_valid_o = (state_q == StData && frame_valid && offered) ||
                        (state_q == StHeader && offered);
  assign beat_addr_o  = state_q == StHeader ? entry_q : addr_q;
  assign beat_data_o  = state_q == StHeader ? header : frame_data;
  assign beat_strb_o  = state_q == StHeader || left_q >= 16'd64 ? '1 :
                        ~(64'hFFFF_FFFF_FFFF_FFFF << left_q[5:0]);
  assign frame_pop    = (state_q == StData && offered && beat_ready_i) || state_q == StSwallow;
  assign answered     = pending_q == '0;
  assign written      = state_q == StHeaderWait && answered && !failed_q && !dead_i;
  assign failed       = (state_q == StHeaderWait || state_q == StDataWait) && answered && failed_q &&
                        !dead_i;
  assign ended        = (state_q == StHeaderWait && answered) || (state_q == StLost && answered);
  assign end_host     = host_q;

  assign offset = state_q == StIdle ? {tail_q[11:0] & mask_i, 14'd64} : offset_q;

  portcam_address_sum u_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({6'b0, offset}),
      .address_o(addr)
  );

  always_comb begin
    header = '0;
    if (state_q == StHeader) begin
      header.reason  = 8'(known_q.reason);
      header.ingress = known_q.ingress;
      header.len     = known_q.len;
      header.time_ms = known_q.time_ms;
      header.domain  = known_q.domain;
      header.address = known_q.address;
      header.service = known_q.service;
      header.egress  = known_q.egress;
      header.lap     = lap_q;
    end
  end

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        if (frame_valid && header_there) begin
          state_q <= dead_i ? StSwallow : StData;
        end
      end
      StData: begin
        if (!offered) begin
          state_q <= StSwallow;
        end else if (pop && frame_last) begin
          state_q <= StDataWait;
        end
      end
      StDataWait: begin
        if (answered) begin
          state_q <= failed_q || dead_i ? StLost : StHeader;
        end
      end
      StHeader: begin
        if (!offered) begin
          state_q <= StLost;
        end else if (beat_ready_i) begin
          state_q <= StHeaderWait;
        end
      end
      StHeaderWait: begin
        if (answered) begin
          state_q <= StIdle;
        end
      end
      StSwallow: begin
        if (pop && frame_last) begin
          state_q <= StLost;
        end
      end
      default: begin
        if (answered) begin
          state_q <= StIdle;
        end
      end
    endcase
    held_q    <= beat_valid_o && !beat_ready_i;
    pending_q <= pending_q + 8'(beat_valid_o && beat_ready_i) - 8'(beat_done_i);
    if (state_q == StIdle) begin
      failed_q <= 1'b0;
    end else if (beat_done_i && beat_error_i) begin
      failed_q <= 1'b1;
    end
    if (start_i) begin
      tail_q <= '0;
    end else if (written) begin
      tail_q <= tail_q + 1'b1;
    end
    if (!rst_ni) begin
      state_q   <= StIdle;
      held_q    <= 1'b0;
      pending_q <= '0;
      failed_q  <= 1'b0;
      tail_q    <= '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle && frame_valid) begin
      known_q <= frame_host ? host_known : net_known;
      host_q  <= frame_host;
      lap_q   <= (tail_q >> log2_i) + 1'b1;
      left_q  <= frame_host ? host_known.len : net_known.len;
      entry_q <= {addr[63:12], 12'b0};
    end else if (beat_valid_o && beat_ready_i) begin
      left_q <= left_q - 16'd64;
    end
    if ((state_q == StIdle && frame_valid) || (beat_valid_o && beat_ready_i)) begin
      addr_q   <= addr;
      offset_q <= offset + 26'd64;
    end
  end

  assign tail_o            = tail_q;
  assign dropped_o         = dropped_q;
  assign idle_o            = outstanding_q == '0;
  assign error_o           = failed;
  assign error_addr_o      = entry_q;
  assign trace_end_valid_o = ended;
  assign trace_end_host_o  = host_q;
  assign trace_end_lost_o  = !written;
  assign trace_end_addr_o  = entry_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_frames_have_room : assert (!frame_valid_i || frame_ready_o);
      a_headers_have_room : assert (!take || (net_room && host_room));
      a_length_is_that_of_the_header :
      assert (!(state_q == StData && pop) || frame_last == (left_q <= 16'd64));
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
