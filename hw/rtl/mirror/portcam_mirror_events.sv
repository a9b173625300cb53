// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_events: the ring of events: up to four events at once go out as one write.
//
// An event (event_valid_i) is taken in the clock of event_ready_o. It gets the next place of the
// ring, or is dropped where the host's ring is full (head_i); dropped_o counts those since start_i.
// Places are in lines of 64 bytes; a line is offered when its last place is taken, or when no
// further event waits. tail_o counts the events that are in host memory, by line_done_i, which says
// how many of them. While run_i is low nothing is inside. idle_o: no event is inside.

`default_nettype none

module portcam_mirror_events (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       run_i,
    input  logic                       start_i,
    input  logic [63:0]                base_i,         // multiple of 4,096
    input  logic [4:0]                 log2_i,         // 2 to 16
    input  logic [31:0]                head_i,
    input  logic                       event_valid_i,
    output logic                       event_ready_o,
    input  portcam_mirror_pkg::event_t event_i,
    output logic                       line_valid_o,
    input  logic                       line_ready_i,
    output portcam_mirror_pkg::track_t line_o,
    output logic [511:0]               line_data_o,
    output logic [63:0]                line_strb_o,
    input  logic [2:0]                 done_i,         // events of a line that is in host memory
    output logic [31:0]                tail_o,
    output logic [31:0]                dropped_o,
    output logic                       drop_o,
    output logic                       idle_o
);

  //------------------------------------------------------------------------------------------------
  // Is the ring full? The distance is two clocks late, and what was placed since is added: so many
  // places fewer must be in use.

  logic [31:0] next_q;       // place of the next event, free-running
  logic [15:0] lap_q;
  logic [31:0] distance_q;
  logic [2:0]  beyond_q;     // the distance is at least size - n
  logic [1:0]  placed_q;     // an event was placed n clocks ago
  logic [2:0]  known_q;      // the distance is of this run
  logic        full;
  logic [31:0] size_q;
  logic [15:0] mask_q;

  logic        place;
  logic        drop;
  logic        line_full;
  logic        send;

  assign full          = placed_q == 2'b11 ? beyond_q[2] :
                         placed_q != 2'b00 ? beyond_q[1] : beyond_q[0];
  assign event_ready_o = run_i && known_q[2] && !line_full;
  assign place         = event_valid_i && event_ready_o && !full;
  assign drop          = event_valid_i && event_ready_o && full;
  assign drop_o        = drop;

  always_ff @(posedge clk_i) begin
    size_q     <= 32'd1 << log2_i;
    mask_q     <= ~(16'hFFFF << log2_i);
    known_q    <= {known_q[1:0], 1'b1};
    distance_q <= next_q - head_i;
    for (int unsigned n = 0; n < 3; n++) begin
      beyond_q[n] <= distance_q >= size_q - 32'(n);
    end
    placed_q   <= {placed_q[0], place};
    if (place) begin
      next_q <= next_q + 32'd1;
      if ((next_q[15:0] & mask_q) == mask_q) begin
        lap_q <= lap_q + 16'd1;
      end
    end
    if (drop) begin
      dropped_o <= dropped_o + 32'd1;
    end
    tail_o <= tail_o + 32'(done_i);
    if (start_i) begin
      next_q    <= '0;
      lap_q     <= 16'd1;
      tail_o    <= '0;
      dropped_o <= '0;
    end
    if (!rst_ni || !run_i) begin
      known_q  <= '0;
      placed_q <= '0;
    end
    if (!rst_ni) begin
      next_q    <= '0;
      tail_o    <= '0;
      dropped_o <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The line that is filled, and the one that is offered.

  portcam_pkg::event_t made;
  logic [511:0]        filled_q;
  logic [3:0]          lanes_q;      // places of it that are taken
  logic [13:0]         line_q;       // which line of the ring it is
  logic                valid_q;
  logic [511:0]        data_q;
  logic [3:0]          data_lanes_q;
  logic [63:0]         addr;
  logic [63:0]         addr_q;

  portcam_address_sum u_addr (
      .clk_i    (clk_i),
      .base_i   (base_i),
      .offset_i ({12'd0, line_q, 6'd0}),
      .address_o(addr)
  );

  always_comb begin
    made            = '0;
    made.slot       = 32'(event_i.slot);
    made.generation = event_i.generation;
    made.version    = event_i.version;
    made.kind       = 8'(event_i.kind);
    made.state      = 8'(event_i.state);
    made.lap        = lap_q;
  end

  assign line_full = lanes_q[3];
  assign send      = lanes_q != '0 && (line_full || !event_valid_i) && (!valid_q || line_ready_i);
  assign idle_o    = lanes_q == '0 && !valid_q;

  always_ff @(posedge clk_i) begin
    if (send) begin
      lanes_q      <= '0;
      valid_q      <= 1'b1;
      data_q       <= filled_q;
      data_lanes_q <= lanes_q;
      addr_q       <= addr;
    end else if (line_ready_i) begin
      valid_q <= 1'b0;
    end
    if (place) begin
      for (int unsigned lane = 0; lane < 4; lane++) begin
        if (next_q[1:0] == 2'(lane)) begin
          filled_q[lane*128+:128] <= made;
          lanes_q[lane]           <= 1'b1;
        end
      end
      line_q <= next_q[15:2] & mask_q[15:2];
    end
    if (!rst_ni || !run_i) begin
      lanes_q <= '0;
      valid_q <= 1'b0;
    end
  end

  always_comb begin
    line_o        = '0;
    line_o.line   = 1'b1;
    line_o.events = 3'(data_lanes_q[0]) + 3'(data_lanes_q[1]) + 3'(data_lanes_q[2]) +
                    3'(data_lanes_q[3]);
    line_o.addr   = addr_q;
    for (int unsigned lane = 0; lane < 4; lane++) begin
      line_strb_o[lane*16+:16] = {16{data_lanes_q[lane]}};
    end
  end

  assign line_valid_o = valid_q;
  assign line_data_o  = data_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && run_i) begin
      a_a_line_is_offered_when_full : assert (!line_full || !place);
    end
  end
`endif

endmodule

`resetall
