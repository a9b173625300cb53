// SPDX-License-Identifier: Apache-2.0
//
// portcam_backend_state: the counters of a backend's connections, portcam_pkg::backend_state_t.
//
// Events: ev_* counts for the backend that a packet met or a record began with, lv_* for the one
// that a record leaves; each one a clock, any backends in any order, the same one in every clock
// too. Each bit of an event counts by itself:
//   ev_new_i         a record began               lv_record_i  a record ended
//   ev_active_i      one became active            lv_active_i  one is no longer active
//   ev_syn_repeat_i  a SYN came again
//   ev_syn_reset_i   a RST answered a SYN
//   ev_syn_ack_i     a SYN was answered after ev_syn_ack_ms_i milliseconds
// Records are those that began less those that ended, and active likewise, modulo 2^32; the other
// counters have 64 bits and wrap. Events of a number at or beyond Backends are not counted.
//
// Read: rd_valid_i answers exactly 8 clocks later with rd_done_o, one a clock; zeros for a number
// at or beyond Backends. All counters are of one moment: the answer holds every event up to and
// including the clock of rd_valid_i, and none later. Reads never disturb events.
// Init: init_i clears all backends (Backends clocks and up to 5 more; given again it starts again);
// it runs by itself after reset. busy_o is high from the next clock on until it is done. Events
// given while busy_o is high are not counted; one given in the clock of init_i is cleared by it. A
// read while busy_o is high, or that init_i meets on its way, is answered without meaning.
//
// Memory: each kind of event has its own words, and a copy of them for the host. A read in the same
// clock as a write of the row gives the old word; what is on its way is forwarded
// (portcam_accumulate).

`default_nettype none

module portcam_backend_state #(
    parameter int unsigned Backends = portcam_pkg::BuildBackends
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         ev_valid_i,
    input  logic [15:0]  ev_backend_i,
    input  logic         ev_new_i,
    input  logic         ev_active_i,
    input  logic         ev_syn_repeat_i,
    input  logic         ev_syn_reset_i,
    input  logic         ev_syn_ack_i,
    input  logic [31:0]  ev_syn_ack_ms_i,
    input  logic         lv_valid_i,
    input  logic [15:0]  lv_backend_i,
    input  logic         lv_record_i,
    input  logic         lv_active_i,
    input  logic         rd_valid_i,
    input  logic [15:0]  rd_row_i,
    output logic         rd_done_o,
    output logic [511:0] rd_data_o,
    input  logic         init_i,
    output logic         busy_o
);

  if (Backends < 2 || Backends > 65536) begin : g_bad_backends
    $error("portcam_backend_state: Backends must be 2 to 65536");
  end

  localparam int unsigned RowBits = $clog2(Backends);

  typedef struct packed {
    logic [63:0] new_connections;
    logic [63:0] syn_repeats;
    logic [63:0] syn_resets;
    logic [63:0] syn_ack_count;
    logic [63:0] syn_ack_ms;
    logic [31:0] syn_ack_ms_max;
    logic [31:0] activated;
  } came_t;

  typedef struct packed {
    logic        is_new;
    logic        is_active;
    logic        is_syn_repeat;
    logic        is_syn_reset;
    logic        is_syn_ack;
    logic [31:0] ms;
  } event_t;

  typedef struct packed {
    logic [31:0] ended;
    logic [31:0] deactivated;
  } left_t;

  localparam int unsigned CameWidth  = 384;
  localparam int unsigned EventWidth = 37;
  localparam int unsigned LeftWidth  = 64;

  //------------------------------------------------------------------------------------------------
  // What came, in clock 3 of its event: the word and the event.

  logic               ev_take;
  event_t             ev;
  event_t             ev_q3;
  came_t              came_q3;
  came_t              came_next;
  logic               came_busy;
  logic               came_en;
  logic [RowBits-1:0] came_row;
  came_t              came_word;

  assign ev_take = ev_valid_i && !busy_o && 17'(ev_backend_i) < 17'(Backends);

  always_comb begin
    ev.is_new        = ev_new_i;
    ev.is_active     = ev_active_i;
    ev.is_syn_repeat = ev_syn_repeat_i;
    ev.is_syn_reset  = ev_syn_reset_i;
    ev.is_syn_ack    = ev_syn_ack_i;
    ev.ms            = ev_syn_ack_ms_i;
  end

  logic [63:0] sum_new_connections;
  logic [63:0] sum_syn_repeats;
  logic [63:0] sum_syn_resets;
  logic [63:0] sum_syn_ack_count;
  logic [63:0] sum_syn_ack_ms;

  portcam_sum u_new_connections (
      .a_i  (came_q3.new_connections),
      .b_i  (32'(ev_q3.is_new)),
      .sum_o(sum_new_connections)
  );

  portcam_sum u_syn_repeats (
      .a_i  (came_q3.syn_repeats),
      .b_i  (32'(ev_q3.is_syn_repeat)),
      .sum_o(sum_syn_repeats)
  );

  portcam_sum u_syn_resets (
      .a_i  (came_q3.syn_resets),
      .b_i  (32'(ev_q3.is_syn_reset)),
      .sum_o(sum_syn_resets)
  );

  portcam_sum u_syn_ack_count (
      .a_i  (came_q3.syn_ack_count),
      .b_i  (32'(ev_q3.is_syn_ack)),
      .sum_o(sum_syn_ack_count)
  );

  portcam_sum u_syn_ack_ms (
      .a_i  (came_q3.syn_ack_ms),
      .b_i  (ev_q3.is_syn_ack ? ev_q3.ms : '0),
      .sum_o(sum_syn_ack_ms)
  );

  always_comb begin
    came_next.new_connections = sum_new_connections;
    came_next.syn_repeats     = sum_syn_repeats;
    came_next.syn_resets      = sum_syn_resets;
    came_next.syn_ack_count   = sum_syn_ack_count;
    came_next.syn_ack_ms      = sum_syn_ack_ms;
    came_next.syn_ack_ms_max  = came_q3.syn_ack_ms_max;
    if (ev_q3.is_syn_ack && ev_q3.ms > came_q3.syn_ack_ms_max) begin
      came_next.syn_ack_ms_max = ev_q3.ms;
    end
    came_next.activated = came_q3.activated + 32'(ev_q3.is_active);
  end

  portcam_accumulate #(
      .Width  (CameWidth),
      .Operand(EventWidth),
      .Rows   (Backends)
  ) u_came (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (ev_take),
      .row_i       (ev_backend_i[RowBits-1:0]),
      .operand_i   (ev),
      .base_o      (came_q3),
      .operand_o   (ev_q3),
      .next_i      (came_next),
      .write_en_o  (came_en),
      .write_row_o (came_row),
      .write_word_o(came_word),
      .init_i      (init_i),
      .busy_o      (came_busy)
  );

  //------------------------------------------------------------------------------------------------
  // What left, in the same way.

  logic               lv_take;
  logic               lv_record_q3;
  logic               lv_active_q3;
  left_t              left_q3;
  left_t              left_next;
  logic               left_busy;
  logic               left_en;
  logic [RowBits-1:0] left_row;
  left_t              left_word;

  assign lv_take = lv_valid_i && !busy_o && 17'(lv_backend_i) < 17'(Backends);

  always_comb begin
    left_next.ended       = left_q3.ended + 32'(lv_record_q3);
    left_next.deactivated = left_q3.deactivated + 32'(lv_active_q3);
  end

  portcam_accumulate #(
      .Width  (LeftWidth),
      .Operand(2),
      .Rows   (Backends)
  ) u_left (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (lv_take),
      .row_i       (lv_backend_i[RowBits-1:0]),
      .operand_i   ({lv_record_i, lv_active_i}),
      .base_o      (left_q3),
      .operand_o   ({lv_record_q3, lv_active_q3}),
      .next_i      (left_next),
      .write_en_o  (left_en),
      .write_row_o (left_row),
      .write_word_o(left_word),
      .init_i      (init_i),
      .busy_o      (left_busy)
  );

  assign busy_o = came_busy || left_busy;

  //------------------------------------------------------------------------------------------------
  // A read waits until the events before it are written: 5 clocks, then 2 in the memory.

  logic                 rd_in_table;
  logic [8:1]           rd_valid_q;
  logic [7:1]           rd_in_table_q;
  logic [5*RowBits-1:0] rd_row_q;         // the newest in the low part
  came_t                host_came_q7;
  left_t                host_left_q7;
  came_t                unused_came;
  left_t                unused_left;

  assign rd_in_table = 17'(rd_row_i) < 17'(Backends);

  portcam_ram #(
      .Width      (CameWidth),
      .Depth      (Backends),
      .ReadLatency(2)
  ) u_host_came (
      .clk_i    (clk_i),
      .a_en_i   (rd_valid_q[5] && rd_in_table_q[5]),
      .a_addr_i (rd_row_q[4*RowBits+:RowBits]),
      .a_data_o (host_came_q7),
      .b_en_i   (came_en),
      .b_we_i   (1'b1),
      .b_addr_i (came_row),
      .b_wdata_i(came_word),
      .b_rdata_o(unused_came)
  );

  portcam_ram #(
      .Width      (LeftWidth),
      .Depth      (Backends),
      .ReadLatency(2)
  ) u_host_left (
      .clk_i    (clk_i),
      .a_en_i   (rd_valid_q[5] && rd_in_table_q[5]),
      .a_addr_i (rd_row_q[4*RowBits+:RowBits]),
      .a_data_o (host_left_q7),
      .b_en_i   (left_en),
      .b_we_i   (1'b1),
      .b_addr_i (left_row),
      .b_wdata_i(left_word),
      .b_rdata_o(unused_left)
  );

  portcam_pkg::backend_state_t state_q7;
  portcam_pkg::backend_state_t state_q8;

  always_comb begin
    state_q7 = '0;
    if (rd_in_table_q[7]) begin
      state_q7.new_connections = host_came_q7.new_connections;
      state_q7.syn_repeats     = host_came_q7.syn_repeats;
      state_q7.syn_resets      = host_came_q7.syn_resets;
      state_q7.syn_ack_count   = host_came_q7.syn_ack_count;
      state_q7.syn_ack_ms      = host_came_q7.syn_ack_ms;
      state_q7.syn_ack_ms_max  = host_came_q7.syn_ack_ms_max;
      state_q7.active          = host_came_q7.activated - host_left_q7.deactivated;
      state_q7.records         = host_came_q7.new_connections[31:0] - host_left_q7.ended;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rd_valid_q <= '0;
    end else begin
      rd_valid_q <= {rd_valid_q[7:1], rd_valid_i};
    end
    rd_in_table_q <= {rd_in_table_q[6:1], rd_in_table};
    rd_row_q      <= {rd_row_q[4*RowBits-1:0], rd_row_i[RowBits-1:0]};
    if (rd_valid_q[7]) begin
      state_q8 <= state_q7;
    end
  end

  assign rd_done_o = rd_valid_q[8];
  assign rd_data_o = state_q8;

endmodule

`resetall
