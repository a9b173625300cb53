// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_queue: operations that wait to be written, in their order.
//
// An operation (valid_i) is taken if run_i and there is room: Depth - Reserve places are for what
// packets and ageing do, Reserve for copies and markers, whose source never asks for more than that
// (counted_pop_o tells it when one has left). taken_o and lost_o say in the same clock what became
// of the operation; copies are never lost. marker_i, in a clock without an operation, puts a marker
// into the order. While run_i is low the queue is empty. One operation a clock goes in and, one
// clock in two at least, out.

`default_nettype none

module portcam_mirror_queue #(
    parameter int unsigned Depth   = 512,
    parameter int unsigned Reserve = 64
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic                            run_i,
    input  logic                            valid_i,
    input  portcam_connection_pkg::mirror_t mirror_i,
    input  logic                            marker_i,
    output logic                            taken_o,
    output logic                            lost_o,
    output logic                            counted_pop_o,
    output logic                            empty_o,
    output logic                            entry_valid_o,
    input  logic                            entry_ready_i,
    output portcam_mirror_pkg::entry_t      entry_o
);

  if (Reserve < 2 || Reserve >= Depth) begin : g_bad_reserve
    $error("portcam_mirror_queue: Reserve must be at least 2 and below Depth");
  end

  portcam_mirror_pkg::entry_t entry;

  localparam int unsigned EntryBits = $bits(entry);
  localparam int unsigned LevelBits = $clog2(Depth) + 1;

  //------------------------------------------------------------------------------------------------
  // Room for operations: those that are in the queue and are not counted by their source.

  logic [LevelBits-1:0] live_q;
  logic                 room_q;
  logic                 live_push;
  logic                 live_pop;
  logic                 push;
  logic                 push_ready;
  logic                 pop;
  logic                 fifo_rst_n;
  logic [LevelBits-1:0] level;

  assign taken_o       = run_i && valid_i && (mirror_i.copy || room_q);
  assign lost_o        = run_i && valid_i && !mirror_i.copy && !room_q;
  assign push          = taken_o || (run_i && marker_i);
  assign live_push     = taken_o && !mirror_i.copy;
  assign pop           = entry_valid_o && entry_ready_i;
  assign live_pop      = pop && !entry_o.counted;
  assign counted_pop_o = pop && entry_o.counted;
  assign empty_o       = level == '0;
  assign fifo_rst_n    = rst_ni && run_i;

  // Room for one more in the next clock, whatever leaves.
  always_ff @(posedge clk_i) begin
    if (!fifo_rst_n) begin
      live_q <= '0;
      room_q <= 1'b1;
    end else begin
      live_q <= live_q + LevelBits'(live_push) - LevelBits'(live_pop);
      room_q <= live_q < LevelBits'(Depth - Reserve - 1) ||
                (live_q == LevelBits'(Depth - Reserve - 1) && !live_push);
    end
  end

  //------------------------------------------------------------------------------------------------
  // What of an operation is needed.

  logic [31:0] age;
  logic        dirty;   // a copy of a slot whose operations were lost
  logic        gone;    // a copy of a free slot

  assign age   = mirror_i.last.last_used - mirror_i.last.created;
  assign dirty = mirror_i.copy && mirror_i.tag;
  assign gone  = mirror_i.copy && !mirror_i.found;

  always_comb begin
    entry             = '0;
    entry.marker      = !valid_i;
    entry.counted     = !valid_i || mirror_i.copy;
    entry.first_end   = mirror_i.ended || mirror_i.replaced || gone;
    entry.two         = mirror_i.replaced || mirror_i.moved;
    entry.known       = !gone;
    entry.cause       = mirror_i.cause[2:0];
    entry.slot        = mirror_i.slot;
    entry.second_slot = mirror_i.moved ? mirror_i.from_slot : mirror_i.slot;
    if (dirty) begin
      entry.first_event = gone ? 3'(portcam_pkg::EventKindEnded)
                               : 3'(portcam_pkg::EventKindChanged);
      entry.cause       = 3'(portcam_pkg::EndCauseUnknown);
    end else if (mirror_i.ended || mirror_i.replaced) begin
      entry.first_event = 3'(portcam_pkg::EventKindEnded);
    end else if (mirror_i.began) begin
      entry.first_event = 3'(portcam_pkg::EventKindBegan);
    end else if (mirror_i.changed) begin
      entry.first_event = 3'(portcam_pkg::EventKindChanged);
    end else if (mirror_i.moved) begin
      entry.first_event = 3'(portcam_pkg::EventKindArrived);
    end
    entry.second_event = mirror_i.moved ? 3'(portcam_pkg::EventKindLeft)
                                        : 3'(portcam_pkg::EventKindBegan);

    entry.is_v6                = mirror_i.row.client.is_v6;
    entry.client_ip            = mirror_i.row.client.ip;
    entry.client_port          = mirror_i.row.client.port;
    entry.protocol             = mirror_i.row.client.protocol;
    entry.group                = mirror_i.row.client.group;
    entry.kept                 = mirror_i.row.client.kept != '0;
    entry.service              = mirror_i.row.service;
    entry.address              = mirror_i.row.address;
    entry.port                 = mirror_i.row.port;
    entry.backend              = mirror_i.row.backend;
    entry.endpoint             = mirror_i.row.endpoint;
    entry.generation           = mirror_i.state.generation;
    entry.state                = mirror_i.state.state;
    entry.embryonic            = mirror_i.state.embryonic;
    entry.syn_repeats          = mirror_i.state.syn_repeats;
    entry.client_next          = mirror_i.state.client_next;
    entry.created              = mirror_i.state.created;
    entry.last_used            = mirror_i.state.last_used;
    entry.last_backend         = mirror_i.last_row.backend;
    entry.last_endpoint        = mirror_i.last_row.endpoint;
    entry.last_generation      = mirror_i.last.generation;
    entry.last_state           = mirror_i.last.state;
    entry.last_embryonic       = mirror_i.last.embryonic;
    entry.last_syn_repeats     = mirror_i.last.syn_repeats;
    entry.last_forward_packets = mirror_i.last.forward_packets;
    entry.last_forward_octets  = mirror_i.last.forward_octets;
    entry.last_reverse_packets = mirror_i.last.reverse_packets;
    entry.last_reverse_octets  = mirror_i.last.reverse_octets;
    entry.last_lifetime        = age[31:26] != '0 ? '1 : age[25:10];
  end

  logic unused_ready;

  assign unused_ready = ^{push_ready, mirror_i, age};

  portcam_fifo #(
      .Width       (EntryBits),
      .Depth       (Depth),
      .OutputStages(2)
  ) u_entries (
      .clk_i       (clk_i),
      .rst_ni      (fifo_rst_n),
      .push_valid_i(push),
      .push_ready_o(push_ready),
      .push_data_i (entry),
      .pop_valid_o (entry_valid_o),
      .pop_ready_i (entry_ready_i),
      .pop_data_o  (entry_o),
      .level_o     (level)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (fifo_rst_n) begin
      a_what_is_taken_has_room : assert (!push || push_ready);
      a_markers_between_operations : assert (!marker_i || !valid_i);
    end
  end
`endif

endmodule

`resetall
