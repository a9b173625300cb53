// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_insert: images of connection records out of host memory, for
// connection_insert.
//
// valid_i with count (1 to 1,024) and address (multiple of 64) is held until done_o pulses; then
// status_o is ok or why an image was refused, and made_o, which holds until the next request, how
// many records were made before it. dma_read_error: error_addr_o is the address of the image.
// Images are read ahead in bursts of up to 16 beats that never pass a multiple of 1 KiB; nothing is
// read behind a refused image but what was asked for already. Each image is checked against the
// sizes of the build (bad_row) before the records hear of it.
//
// Reads: read_valid_o with address and beats holds until the beat with read_last_i; each beat comes
// with read_beat_i.
//
// Towards the records: conn_valid_o with the image holds until conn_ready_i, the image until
// conn_done_i, which comes for one clock with conn_status_i. Every request that was taken must end
// so, also after flr_i: until then no new one begins. After flr_i no beat of before comes any more.

`default_nettype none

module portcam_connection_insert #(
    parameter int unsigned Addresses = portcam_pkg::BuildAddresses,
    parameter int unsigned Services  = portcam_pkg::BuildServices,
    parameter int unsigned Backends  = portcam_pkg::BuildBackends
) (
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic          flr_i,
    input  logic          valid_i,
    input  logic [10:0]   count_i,
    input  logic [63:0]   addr_i,
    output logic          done_o,
    output logic [7:0]    status_o,
    output logic [10:0]   made_o,
    output logic [63:0]   error_addr_o,
    output logic          read_valid_o,
    output logic [63:0]   read_addr_o,
    output logic [4:0]    read_beats_o,
    input  logic          read_beat_i,
    input  logic          read_last_i,
    input  logic          read_error_i,
    input  logic [511:0]  read_data_i,
    output logic          conn_valid_o,
    input  logic          conn_ready_i,
    output logic [1023:0] conn_image_o,
    input  logic          conn_done_i,
    input  logic [7:0]    conn_status_i
);

  localparam int unsigned Held = 32;  // beats

  typedef enum logic [3:0] {
    StIdle   = 4'd0,
    StLow    = 4'd1,  // the first half of an image is awaited
    StHigh   = 4'd2,
    StFields = 4'd3,  // each field is looked at
    StCheck  = 4'd4,
    StAsk    = 4'd5,  // the image is offered to the records
    StRecord = 4'd6,  // they work
    StDrain  = 4'd7,  // what was asked for ahead comes
    StDone   = 4'd8,
    StForget = 4'd9   // nobody waits for what the records still say
  } state_e;

  state_e      state_q;
  logic [7:0]  status_q;
  logic [10:0] count_q;
  logic [10:0] made_q;
  logic [63:0] image_addr_q;  // of the image in work
  logic        failed_q;      // half of it could not be read

  //------------------------------------------------------------------------------------------------
  // Reads ahead.

  logic [63:0] next_addr_q;
  logic [11:0] left_q;        // beats to ask for
  logic        reading_q;
  logic [4:0]  beats_q;
  logic [4:0]  to_edge;
  logic [4:0]  beats;
  logic        ask;
  logic        running;
  logic [5:0]  level;
  logic        beat_ready;
  logic        beat_valid;
  logic        beat_take;
  logic        beat_bad;
  logic [511:0] beat;

  assign running = state_q != StIdle && state_q != StDrain && state_q != StDone &&
                   state_q != StForget;
  assign to_edge = 5'd16 - {1'b0, next_addr_q[9:6]};
  assign beats   = left_q < {7'b0, to_edge} ? left_q[4:0] : to_edge;
  assign ask     = running && !reading_q && left_q != '0 && level <= 6'(Held - 16);

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) begin
      next_addr_q <= addr_i;
      left_q      <= {count_i, 1'b0};
    end else if (ask) begin
      left_q <= left_q - {7'b0, beats};
    end else if (reading_q && read_beat_i && read_last_i) begin
      next_addr_q <= next_addr_q + {53'b0, beats_q, 6'b0};
    end
    if (ask) begin
      reading_q <= 1'b1;
      beats_q   <= beats;
    end else if (read_beat_i && read_last_i) begin
      reading_q <= 1'b0;
    end
    if (!rst_ni || flr_i) begin
      reading_q <= 1'b0;
    end
  end

  assign read_valid_o = reading_q;
  assign read_addr_o  = next_addr_q;
  assign read_beats_o = beats_q;

  portcam_fifo #(
      .Width(513),
      .Depth(Held)
  ) u_beats (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni && !flr_i && state_q != StIdle),
      .push_valid_i(reading_q && read_beat_i),
      .push_ready_o(beat_ready),
      .push_data_i ({read_error_i, read_data_i}),
      .pop_valid_o (beat_valid),
      .pop_ready_i (beat_take),
      .pop_data_o  ({beat_bad, beat}),
      .level_o     (level)
  );

  assign beat_take = state_q == StLow || state_q == StHigh;

  //------------------------------------------------------------------------------------------------
  // The image: its fields against the sizes of the build, in two clocks.

  portcam_pkg::connection_image_t image_q;
  logic                           is_tcp;
  logic [10:0]                    bad_q;
  logic                           unused_image;

  assign is_tcp       = image_q.protocol == 8'd6;
  assign unused_image = ^image_q;

  always_ff @(posedge clk_i) begin
    if (beat_valid && state_q == StLow) begin
      image_q[511:0] <= beat;
    end
    if (beat_valid && state_q == StHigh) begin
      image_q[1023:512] <= beat;
    end
    if (state_q == StFields) begin
      bad_q[0] <= image_q.family != 8'(portcam_pkg::Family4) &&
                  image_q.family != 8'(portcam_pkg::Family6);
      bad_q[1] <= image_q.family == 8'(portcam_pkg::Family4) && image_q.client_ip[127:32] != '0;
      bad_q[2] <= {16'b0, image_q.service} >= 32'(Services);
      bad_q[3] <= {16'b0, image_q.group} >= 32'(Services);
      bad_q[4] <= {16'b0, image_q.address} >= 32'(Addresses);
      bad_q[5] <= {16'b0, image_q.backend} >= 32'(Backends);
      bad_q[6] <= {16'b0, image_q.endpoint} >= 32'(Backends);
      bad_q[7] <= is_tcp ? image_q.state < 8'(portcam_pkg::ConnectionStateSynSeen) ||
                           image_q.state > 8'(portcam_pkg::ConnectionStateReset)
                         : image_q.state != 8'(portcam_pkg::ConnectionStateUnreplied) &&
                           image_q.state != 8'(portcam_pkg::ConnectionStateReplied);
      bad_q[8] <= image_q.flags[7:2] != '0 || image_q.pad != '0;
      bad_q[9] <= image_q.forward_packets[63:48] != '0 || image_q.reverse_packets[63:48] != '0 ||
                  image_q.reserved != '0;
      bad_q[10] <= image_q.reserved2 != '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // One image after the other.

  always_ff @(posedge clk_i) begin
    unique case (state_q)
      StIdle: begin
        if (valid_i) begin
          state_q      <= StLow;
          status_q     <= portcam_pkg::StatusOk;
          made_q       <= '0;
          count_q      <= count_i;
          image_addr_q <= addr_i;
        end
      end
      StLow: begin
        if (beat_valid) begin
          state_q  <= StHigh;
          failed_q <= beat_bad;
        end
      end
      StHigh: begin
        if (beat_valid) begin
          state_q  <= StFields;
          failed_q <= failed_q || beat_bad;
        end
      end
      StFields: begin
        state_q <= StCheck;
        if (failed_q) begin
          state_q  <= StDrain;
          status_q <= portcam_pkg::StatusDmaReadError;
        end
      end
      StCheck: begin
        state_q <= StAsk;
        if (bad_q != '0) begin
          state_q  <= StDrain;
          status_q <= portcam_pkg::StatusBadRow;
        end
      end
      StAsk: begin
        if (conn_ready_i) begin
          state_q <= StRecord;
        end
      end
      StRecord: begin
        if (conn_done_i) begin
          if (conn_status_i != portcam_pkg::StatusOk) begin
            state_q  <= StDrain;
            status_q <= conn_status_i;
          end else begin
            state_q      <= made_q + 11'd1 == count_q ? StDrain : StLow;
            made_q       <= made_q + 11'd1;
            image_addr_q <= image_addr_q + 64'd128;
          end
        end
      end
      StDrain: begin
        if (!reading_q) begin
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
    if (flr_i) begin
      state_q <= (state_q == StAsk && conn_ready_i) ||
                 ((state_q == StRecord || state_q == StForget) && !conn_done_i) ? StForget
                                                                               : StIdle;
    end
    if (!rst_ni) begin
      state_q <= StIdle;
    end
  end

  assign done_o       = state_q == StDone;
  assign status_o     = status_q;
  assign made_o       = made_q;
  assign error_addr_o = image_addr_q;
  assign conn_valid_o = state_q == StAsk;
  assign conn_image_o = image_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_beats_have_room : assert (!(reading_q && read_beat_i) || beat_ready);
      a_beats_only_when_asked : assert (!read_beat_i || reading_q || !running);
      a_no_more_than_asked : assert (!done_o || made_q <= count_q);
    end
  end
`endif

endmodule

`resetall
