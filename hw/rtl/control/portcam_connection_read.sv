// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_read: images of connection records into host memory, for connection_read and
// connection_delete.
//
// valid_i with delete, slot, count (delete: the generation) and address (multiple of 64) is held
// until done_o pulses; then status_o is what the records said, error_o tells that host memory could
// not be written, and images_o, which holds until the next request, how many images were written.
// An image of 128 bytes is two beats; images stand densely. After a failed write nothing more is
// written.
//
// Towards the records: conn_valid_o with its operands holds until conn_ready_i; then come any
// number of images, each taken with img_valid_i and img_ready_o; then conn_done_i for one clock, at
// the earliest in the clock after conn_ready_i and never with or before an image, with
// conn_status_i. Every request that was taken must end so, also after flr_i: until then images are
// taken and thrown away, and no new request begins.

`default_nettype none

module portcam_connection_read #(
    parameter int unsigned BeatWidth = 512  // half an image
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   flr_i,
    input  logic                   valid_i,
    input  logic                   delete_i,
    input  logic [23:0]            slot_i,
    input  logic [31:0]            count_i,
    input  logic [63:0]            addr_i,
    output logic                   done_o,
    output logic                   error_o,
    output logic [7:0]             status_o,
    output logic [31:0]            images_o,
    output logic                   conn_valid_o,
    input  logic                   conn_ready_i,
    output logic                   conn_delete_o,
    output logic [23:0]            conn_slot_o,
    output logic [31:0]            conn_count_o,
    input  logic                   img_valid_i,
    output logic                   img_ready_o,
    input  logic [2*BeatWidth-1:0] img_data_i,
    input  logic                   conn_done_i,
    input  logic [7:0]             conn_status_i,
    output logic                   beat_valid_o,
    input  logic                   beat_ready_i,
    output logic [63:0]            beat_addr_o,
    output logic [BeatWidth-1:0]   beat_data_o,
    input  logic                   beat_done_i,
    input  logic                   beat_error_i
);

  typedef enum logic [2:0] {
    StIdle   = 3'd0,
    StAsk    = 3'd1,
    StImages = 3'd2,  // an image or the end is awaited
    StLow    = 3'd3,  // the first half of an image is offered to the writer
    StHigh   = 3'd4,
    StLast   = 3'd5,  // the last write waits for its answer
    StDone   = 3'd6,
    StForget = 3'd7   // nobody waits for what the records still send
  } state_e;

  state_e                 state_q;
  logic                   delete_q;
  logic [23:0]            slot_q;
  logic [31:0]            count_q;
  logic [63:0]            addr_q;
  logic [31:0]            images_q;
  logic [2*BeatWidth-1:0] data_q;
  logic [7:0]             status_q;
  logic                   ended_q;    // conn_done_i has come
  logic                   writing_q;  // a beat was taken and has no answer yet
  logic                   error_q;
  logic                   answered;
  logic                   open;       // a request was taken by the records and has not ended

  assign answered = writing_q && beat_done_i;
  assign open     = ((state_q == StImages || state_q == StLow || state_q == StHigh) && !ended_q) ||
                    state_q == StForget;

  always_ff @(posedge clk_i) begin
    if (answered) begin
      writing_q <= 1'b0;
      error_q   <= error_q || beat_error_i;
    end
    if (open && conn_done_i) begin
      ended_q  <= 1'b1;
      status_q <= conn_status_i;
    end
    unique case (state_q)
      StIdle: begin
        ended_q   <= 1'b0;
        writing_q <= 1'b0;
        if (valid_i) begin
          state_q  <= StAsk;
          error_q  <= 1'b0;
          images_q <= '0;
        end
      end
      StAsk: begin
        if (conn_ready_i) begin
          state_q <= StImages;
        end
      end
      StImages: begin
        if (ended_q) begin
          state_q <= StLast;
        end else if (img_valid_i && !error_q) begin
          state_q <= StLow;
        end
      end
      StLow: begin
        if (error_q) begin
          state_q <= StImages;
        end else if (beat_ready_i) begin
          state_q   <= StHigh;
          writing_q <= 1'b1;
          addr_q    <= addr_q + 64'd64;
        end
      end
      StHigh: begin
        if (error_q) begin
          state_q <= StImages;
        end else if (beat_ready_i) begin
          state_q   <= StImages;
          writing_q <= 1'b1;
          addr_q    <= addr_q + 64'd64;
          images_q  <= images_q + 1'b1;
        end
      end
      StLast: begin
        if (!writing_q) begin
          state_q <= StDone;
        end
      end
      StDone: state_q <= StIdle;
      StForget: begin
        if (conn_done_i) begin
          state_q <= StIdle;
        end
      end
      default: state_q <= StIdle;
    endcase
    if (state_q == StIdle) begin
      delete_q <= delete_i;
      slot_q   <= slot_i;
      count_q  <= count_i;
      addr_q   <= addr_i;
    end
    if (flr_i) begin
      state_q   <= ((open && !conn_done_i) || (state_q == StAsk && conn_ready_i)) ? StForget
                                                                                  : StIdle;
      writing_q <= 1'b0;
    end
    if (!rst_ni) begin
      state_q   <= StIdle;
      writing_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StImages) begin
      data_q <= img_data_i;
    end
  end

  assign done_o        = state_q == StDone;
  assign error_o       = error_q;
  assign status_o      = status_q;
  assign images_o      = images_q;
  assign conn_valid_o  = state_q == StAsk;
  assign conn_delete_o = delete_q;
  assign conn_slot_o   = slot_q;
  assign conn_count_o  = count_q;
  assign img_ready_o   = (state_q == StImages && !ended_q) || state_q == StForget;
  assign beat_valid_o  = (state_q == StLow || state_q == StHigh) && !error_q;
  assign beat_addr_o   = addr_q;
  assign beat_data_o   = state_q == StHigh ? data_q[2*BeatWidth-1:BeatWidth] : data_q[BeatWidth-1:0];

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_no_image_after_the_end : assert (!img_valid_i || open || state_q == StAsk);
      a_end_comes_after_the_images : assert (!(conn_done_i && open) || !img_valid_i);
    end
  end
`endif

endmodule

`resetall
