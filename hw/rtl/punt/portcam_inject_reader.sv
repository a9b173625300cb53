// SPDX-License-Identifier: Apache-2.0
//
// portcam_inject_reader: reads the descriptors of the inject ring and their frames, one after
// another, and sends the frames (docs/pipeline.md, section 9).
//
// A frame is read only when the frame buffer has room for all of it, and leaves (m_*) only when all
// of it is there, so neither the bus nor an output ever waits for the other inside of a frame; beats
// of reads are taken at once. A bad descriptor is skipped and counted. A read that fails gives
// error_o, once, and nothing of its frame leaves. While dead_i is high nothing more is asked for, and
// the frame in work is thrown away; frames that were read before leave.
//
// sent_o: a frame was read whole, and will leave by sent_function_o; sent_addr_o is its address.
// bad_doorbell_o pulses when the doorbell is more than the ring's size ahead. idle_o: no descriptor
// is in work.

`default_nettype none

module portcam_inject_reader #(
    parameter int unsigned Functions = portcam_pkg::BuildFunctions,
    parameter int unsigned MaxFrame  = portcam_pkg::BuildMaxFrame
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    // Ring.
    input  logic         start_i,
    input  logic         runs_i,
    input  logic         dead_i,
    input  logic [63:0]  base_i,
    input  logic [11:0]  mask_i,
    input  logic [31:0]  doorbell_i,
    output logic [31:0]  head_o,
    output logic [31:0]  refused_o,
    output logic         idle_o,
    output logic         bad_doorbell_o,
    output logic         error_o,
    output logic [63:0]  error_addr_o,
    // Reads: portcam_read_arbiter.
    output logic         read_valid_o,
    input  logic         read_ready_i,
    output logic [63:0]  read_addr_o,
    output logic [7:0]   read_len_o,
    input  logic         beat_valid_i,
    input  logic [511:0] beat_data_i,
    input  logic         beat_error_i,
    // Frames.
    output logic [511:0] m_tdata,
    output logic [63:0]  m_tkeep,
    output logic         m_tlast,
    output logic [7:0]   m_tdest,
    output logic         m_tvalid,
    input  logic         m_tready,
    output logic         sent_o,
    output logic [7:0]   sent_function_o,
    output logic [15:0]  sent_len_o,
    output logic [63:0]  sent_addr_o
);

  localparam int unsigned Depth    = 256;                  // beats of the frame buffer
  localparam int unsigned MaxBeats = (MaxFrame + 63) / 64;

  if (MaxBeats > Depth) begin : g_bad_frame
    $error("portcam_inject_reader: a frame of MaxFrame bytes must fit the frame buffer");
  end

  typedef enum logic [3:0] {
    StIdle       = 4'd0,
    StMeasure    = 4'd1,  // how far the doorbell is
    StAsk        = 4'd2,  // the descriptor is asked for
    StDescriptor = 4'd3,  // and awaited
    StVerify     = 4'd4,
    StRoom       = 4'd5,  // the verdict, and room for the frame
    StPlan       = 4'd6,  // how long the next burst is
    StBurst      = 4'd7,  // it is asked for
    StBeats      = 4'd8,  // the last beats are awaited
    StEnd        = 4'd9,
    StForget     = 4'd10  // what was asked for is awaited, and thrown away
  } state_e;

  state_e                          state_q;
  portcam_pkg::inject_descriptor_t descriptor_q;
  logic [31:0]                     head_q;
  logic [31:0]                     refused_q;
  logic [31:0]                     distance_q;
  logic [31:0]                     size_q;
  logic [63:0]                     read_addr_q;   // of the next burst; of the descriptor
  logic [63:0]                     error_addr_q;
  logic [8:0]                      beats_q;       // of the frame
  logic [8:0]                      ask_q;         // beats not yet asked for
  logic [8:0]                      due_q;         // beats not yet come
  logic [8:0]                      asked_q;       // beats asked for and not come
  logic [6:0]                      burst_q;
  logic                            held_q;        // a request was offered and not taken: it stays
  logic                            failed_q;
  logic                            begun_q;       // a beat of the frame is in the buffer
  logic [9:0]                      free_q;

  logic                            bad_q;
  logic                            refused;
  logic                            too_far;
  logic                            offered;
  logic                            read_taken;
  logic                            frame_beat;
  logic                            last_beat;
  logic                            good_end;
  logic [6:0]                      to_page;
  logic                            push_valid;
  logic                            push_last;
  logic                            push_drop;
  logic                            push_ready;
  logic                            pop;
  logic                            reserve;
  logic                            give_back;
  logic                            unused_fields;

  assign refused       = state_q == StRoom && bad_q && !dead_i;
  assign unused_fields = ^descriptor_q.cookie;

  assign too_far      = distance_q > size_q;
  assign offered      = !dead_i || held_q;
  assign read_valid_o = (state_q == StAsk || state_q == StBurst) && offered;
  assign read_addr_o  = read_addr_q;
  assign read_len_o   = state_q == StBurst ? 8'(burst_q - 1'b1) : 8'd0;
  assign read_taken   = read_valid_o && read_ready_i;
  assign to_page      = 7'd64 - {1'b0, read_addr_q[11:6]};

  // Beats of the frame come in every state from StPlan on.
  assign frame_beat = beat_valid_i && state_q != StDescriptor;
  assign last_beat  = frame_beat && due_q == 9'd1;
  assign good_end   = state_q == StEnd && !failed_q && !dead_i;

  // The last beat of a frame waits for the verdict about it, and commits the frame or rolls it back.
  assign push_valid = (frame_beat && !last_beat) || (state_q == StEnd) ||
                      (state_q == StForget && asked_q == '0 && begun_q);
  assign push_last  = state_q == StEnd || state_q == StForget;
  assign push_drop  = state_q == StForget || !good_end;

  // read_addr_q was the same in the clock before each burst.
  logic [63:0] entry_addr;
  logic [63:0] next_addr;

  portcam_address_sum u_entry_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({14'b0, head_q[11:0] & mask_i, 6'b0}),
      .address_o(entry_addr)
  );

  portcam_address_sum u_next_addr (
      .clk_i    (clk_i),
      .base_i   (read_addr_q),
      .offset_i ({19'b0, burst_q, 6'b0}),
      .address_o(next_addr)
  );

  logic [511:0] last_q;
  logic [5:0]   tail;

  always_ff @(posedge clk_i) begin
    if (last_beat) begin
      last_q <= beat_data_i;
    end
  end

  portcam_packet_fifo #(
      .Width(512 + 6 + 8),
      .Depth(Depth)
  ) u_frames (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(push_valid),
      .push_ready_o(push_ready),
      .push_data_i ({descriptor_q.egress, descriptor_q.len[5:0],
                     state_q == StEnd ? last_q : beat_data_i}),
      .push_last_i (push_last),
      .push_drop_i (push_drop),
      .pop_valid_o (m_tvalid),
      .pop_ready_i (m_tready),
      .pop_data_o  ({m_tdest, tail, m_tdata}),
      .pop_last_o  (m_tlast)
  );

  assign m_tkeep   = m_tlast && tail != '0 ? ~(64'hFFFF_FFFF_FFFF_FFFF << tail) : '1;
  assign pop       = m_tvalid && m_tready;
  assign reserve   = state_q == StRoom && !dead_i && !bad_q && free_q >= 10'(beats_q);
  assign give_back = (state_q == StEnd && !good_end) || (state_q == StForget && asked_q == '0);

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        if (runs_i && !start_i && doorbell_i != head_q) begin
          state_q <= StMeasure;
        end
      end
      StMeasure: begin
        state_q <= runs_i && !too_far && distance_q != '0 ? StAsk : StIdle;
      end
      StAsk: begin
        if (!offered) begin
          state_q <= StIdle;
        end else if (read_ready_i) begin
          state_q <= StDescriptor;
        end
      end
      StDescriptor: begin
        if (beat_valid_i) begin
          state_q <= dead_i || beat_error_i ? StIdle : StVerify;
        end
      end
      StVerify: state_q <= StRoom;
      StRoom: begin
        if (dead_i || bad_q) begin
          state_q <= StIdle;
        end else if (reserve) begin
          state_q <= StPlan;
        end
      end
      StPlan: state_q <= dead_i ? StForget : ask_q == '0 ? StBeats : StBurst;
      StBurst: begin
        if (!offered) begin
          state_q <= StForget;
        end else if (read_ready_i) begin
          state_q <= StPlan;
        end
      end
      StBeats: begin
        if (last_beat || due_q == '0) begin
          state_q <= StEnd;
        end
      end
      StForget: begin
        if (asked_q == '0) begin
          state_q <= StIdle;
        end
      end
      default: state_q <= StIdle;
    endcase
    held_q  <= read_valid_o && !read_ready_i;
    asked_q <= asked_q + (state_q == StBurst && read_taken ? 9'(burst_q) : '0) - 9'(frame_beat);
    free_q  <= free_q - (reserve ? 10'(beats_q) : '0) + 10'(pop) +
               (give_back ? 10'(beats_q) : '0);
    if (start_i) begin
      head_q    <= '0;
      refused_q <= '0;
    end else if (good_end || refused) begin
      head_q    <= head_q + 1'b1;
      refused_q <= refused_q + 32'(refused);
    end
    if (!rst_ni) begin
      state_q   <= StIdle;
      held_q    <= 1'b0;
      asked_q   <= '0;
      free_q    <= 10'(Depth);
      head_q    <= '0;
      refused_q <= '0;
    end
  end

  always_ff @(posedge clk_i) begin
    distance_q <= doorbell_i - head_q;
    size_q     <= {20'b0, mask_i} + 1'b1;
    if (state_q == StMeasure) begin
      read_addr_q <= entry_addr;
    end else if (state_q == StVerify) begin
      read_addr_q <= descriptor_q.address;
    end else if (state_q == StBurst && read_taken) begin
      read_addr_q <= next_addr;
    end
    if (state_q == StDescriptor && beat_valid_i) begin
      descriptor_q <= beat_data_i;
    end
    if (state_q == StVerify) begin
      bad_q    <= descriptor_q.len == '0 || descriptor_q.len > 16'(MaxFrame) ||
                  descriptor_q.egress >= 8'(Functions) || descriptor_q.address[5:0] != '0 ||
                  descriptor_q.pad != '0 || descriptor_q.reserved != '0;
      beats_q  <= descriptor_q.len[14:6] + 9'(descriptor_q.len[5:0] != '0);
      failed_q <= 1'b0;
      begun_q  <= 1'b0;
    end
    if (reserve) begin
      ask_q <= beats_q;
      due_q <= beats_q;
    end
    if (state_q == StPlan) begin
      burst_q <= ask_q < 9'(to_page) ? ask_q[6:0] : to_page;
    end
    if (state_q == StBurst && read_taken) begin
      ask_q <= ask_q - 9'(burst_q);
    end
    if (frame_beat) begin
      due_q    <= due_q - 1'b1;
      failed_q <= failed_q || beat_error_i;
      begun_q  <= 1'b1;
    end
  end

  // distance_q is one clock late: in StMeasure it is that of StIdle.
  assign bad_doorbell_o  = state_q == StMeasure && runs_i && too_far;
  assign error_o         = (state_q == StDescriptor && beat_valid_i && beat_error_i && !dead_i) ||
                           (state_q == StEnd && failed_q && !dead_i);
  assign error_addr_o    = state_q == StEnd ? descriptor_q.address : error_addr_q;
  assign head_o          = head_q;
  assign refused_o       = refused_q;
  assign idle_o          = state_q == StIdle;
  assign sent_o          = good_end;
  assign sent_function_o = descriptor_q.egress;
  assign sent_len_o      = descriptor_q.len;
  assign sent_addr_o     = descriptor_q.address;

  always_ff @(posedge clk_i) begin
    if (state_q == StAsk) begin
      error_addr_q <= read_addr_q;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_room_was_reserved : assert (!push_valid || push_ready);
      a_beats_only_when_asked : assert (!frame_beat || asked_q != '0);
      a_room_comes_back : assert (free_q <= 10'(Depth));
    end
  end
`else
  logic unused_ready;
  assign unused_ready = push_ready;
`endif

endmodule

`resetall
