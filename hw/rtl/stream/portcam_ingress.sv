// SPDX-License-Identifier: Apache-2.0
//
// portcam_ingress: receives the frames of one direction, keeps each until it is complete, and hands
// its header on.
//
// Two outputs: the beats of whole frames (m_beat_*), and for each frame, once its last beat has
// arrived, its header (m_header_*: first 128 bytes with zeros behind the frame's end, length,
// function it came from). Both are in the order of arrival. A frame longer than MaxFrame bytes has
// no beats at the output, only a header with oversize set and its real length, or 65,535 where that
// is longer.
//
// tkeep is contiguous from bit 0, only the last beat is partial, and no frame is empty. tuser
// counts on the first beat of a frame. One beat a clock, frames of one beat too, until the memory
// of 512 beats or that of 32 headers is full; then s_axis_tready falls, and nothing is lost. From
// the last beat at the input to the first at the output, and to the header: four clocks.

`default_nettype none

module portcam_ingress #(
    parameter int unsigned MaxFrame = portcam_pkg::BuildMaxFrame
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic [511:0]               s_axis_tdata,
    input  logic [63:0]                s_axis_tkeep,
    input  logic                       s_axis_tlast,
    input  logic [7:0]                 s_axis_tuser,
    input  logic                       s_axis_tvalid,
    output logic                       s_axis_tready,
    output logic                       m_beat_valid_o,
    input  logic                       m_beat_ready_i,
    output logic [511:0]               m_beat_data_o,
    output logic [63:0]                m_beat_keep_o,
    output logic                       m_beat_last_o,
    output logic                       m_header_valid_o,
    input  logic                       m_header_ready_i,
    output portcam_types_pkg::header_t m_header_o
);

  localparam int unsigned BeatDepth   = 512;
  localparam int unsigned HeaderDepth = 32;
  localparam int unsigned HeaderWidth = $bits(m_header_o);
  localparam int unsigned MaxBeats    = (MaxFrame + 63) / 64;
  localparam int unsigned MaxTail     = MaxFrame - 64 * (MaxBeats - 1);  // last beat of the longest

  if (MaxFrame < 128 || MaxFrame > 16320) begin : g_bad_frame
    $error("portcam_ingress: MaxFrame must be 128 to 16320");
  end

  // Input: the number of valid bytes minus one replaces the keep bits.
  logic [5:0]   in_tail;
  logic         beat_valid;
  logic         beat_ready;
  logic [511:0] beat_data;
  logic [5:0]   beat_tail;
  logic [7:0]   beat_user;
  logic         beat_last;

  portcam_keep_encode u_encode (
      .keep_i(s_axis_tkeep),
      .tail_o(in_tail)
  );

  portcam_skid #(
      .Width(512 + 6 + 8 + 1)
  ) u_input (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(s_axis_tvalid),
      .s_ready_o(s_axis_tready),
      .s_data_i ({s_axis_tlast, s_axis_tuser, in_tail, s_axis_tdata}),
      .m_valid_o(beat_valid),
      .m_ready_i(beat_ready),
      .m_data_o ({beat_last, beat_user, beat_tail, beat_data})
  );

  // Position in the frame. From index MaxBeats on the frame is too long: that beat rolls it back,
  // later ones are swallowed. The index stops at 1,024, where the length no longer fits in 16 bits.
  // Beats are taken while there is room for two headers: one may be on its way into the FIFO.
  logic [10:0]        index_q;
  logic               take;
  logic               too_long;
  logic               fifo_ready;
  logic               header_room;
  logic [5:0]         header_level;
  assign beat_ready  = fifo_ready && header_room;
  assign take        = beat_valid && beat_ready;
  assign too_long    = index_q >= 11'(MaxBeats) ||
                       (index_q == 11'(MaxBeats - 1) && {1'b0, beat_tail} >= 7'(MaxTail));
  assign header_room = !header_level[5] && !(&header_level[4:0]);

  // The bytes up to the last one, zeros behind.
  function automatic logic [511:0] masked(input logic [511:0] data, input logic [5:0] tail);
    for (int unsigned i = 0; i < 64; i++) begin
      masked[i*8+:8] = (32'(tail) >= i) ? data[i*8+:8] : 8'd0;
    end
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q <= '0;
    end else if (take) begin
      if (beat_last) begin
        index_q <= '0;
      end else if (!index_q[10]) begin
        index_q <= index_q + 1'b1;
      end
    end
  end

  // Beats.
  logic [5:0] out_tail;

  portcam_packet_fifo #(
      .Width(512 + 6),
      .Depth(BeatDepth)
  ) u_beats (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(take && index_q <= 11'(MaxBeats)),
      .push_ready_o(fifo_ready),
      .push_data_i ({beat_tail, beat_data}),
      .push_last_i (beat_last || index_q == 11'(MaxBeats)),
      .push_drop_i (too_long),
      .pop_valid_o (m_beat_valid_o),
      .pop_ready_i (m_beat_ready_i),
      .pop_data_o  ({out_tail, m_beat_data_o}),
      .pop_last_o  (m_beat_last_o)
  );

  assign m_beat_keep_o = 64'hffff_ffff_ffff_ffff >> (6'd63 - out_tail);

  // Header: collected in registers, pushed in the clock after the last beat.
  portcam_types_pkg::header_t header_q;
  logic                       header_push_q;
  logic                       header_ready;
  logic [16:0]                beat_len;  // length of the frame if this beat is its last

  assign beat_len = {index_q, beat_tail} + 17'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      header_push_q <= 1'b0;
    end else begin
      header_push_q <= take && beat_last;
    end
    if (take) begin
      if (index_q == 11'd0) begin
        header_q.window  <= {512'd0, masked(beat_data, beat_tail)};
        header_q.ingress <= beat_user;
      end else if (index_q == 11'd1) begin
        header_q.window[1023:512] <= masked(beat_data, beat_tail);
      end
      header_q.len      <= beat_len[16] ? 16'hffff : beat_len[15:0];
      header_q.oversize <= too_long;
    end
  end

  portcam_fifo #(
      .Width(HeaderWidth),
      .Depth(HeaderDepth)
  ) u_headers (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(header_push_q),
      .push_ready_o(header_ready),
      .push_data_i (header_q),
      .pop_valid_o (m_header_valid_o),
      .pop_ready_i (m_header_ready_i),
      .pop_data_o  (m_header_o),
      .level_o     (header_level)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_header_taken : assert (!header_push_q || header_ready);
    end
  end
`else
  logic unused_header_ready;
  assign unused_header_ready = header_ready;
`endif

endmodule

`resetall
