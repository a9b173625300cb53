// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_state: the states of all records, life and counts, by slot.
//
// In with valid_i: what the rows say of a record. Latency clocks later known_o, the same with its life
// (accepts_i comes in that clock), and one clock after that counts_o; both have a meaning only if
// there is a record (hit_i). event_i is written, one clock later with counts_i, so that a read with
// valid_i 2 clocks after event_i or later sees it.

`default_nettype none

module portcam_connection_state #(
    parameter int unsigned Rows        = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6      = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways        = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash       = portcam_pkg::BuildConnectionStash,
    parameter int unsigned ReadLatency = 2,
    parameter int unsigned Latency     = 9
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic                            valid_i,
    input  logic                            hit_i,
    input  portcam_connection_pkg::row_t    row_i,
    input  portcam_connection_pkg::where_t  where_i,
    input  logic [1:0]                      accepts_i,
    output portcam_connection_pkg::known_t  known_o,
    output portcam_connection_pkg::counts_t counts_o,
    input  portcam_connection_pkg::event_t  event_i,
    input  portcam_connection_pkg::counts_t counts_i
);

  localparam int unsigned Slots    = Rows + RowsV6 + 2 * Stash;
  localparam int unsigned SlotBits = $clog2(Slots);

  portcam_connection_pkg::state_t read;
  portcam_connection_pkg::state_t state;
  portcam_connection_pkg::state_t unused_read;
  portcam_connection_pkg::life_t  life;
  portcam_connection_pkg::counts_t counts;
  logic                           hit;
  portcam_connection_pkg::row_t   row;
  portcam_connection_pkg::where_t where;
  logic [ReadLatency:1]           read_valid_q;
  logic [23:0]                    read_slot;
  logic [23:0]                    event_slot;
  logic                           write_valid_q;
  logic [23:0]                    write_slot_q;
  portcam_connection_pkg::life_t  write_life_q;
  logic                           unused_bits;

  localparam int unsigned StateBits  = $bits(read);
  localparam int unsigned RecordBits = 1 + $bits(row_i) + $bits(where_i);

  assign unused_bits = ^{event_i, read_slot, write_slot_q};

  //------------------------------------------------------------------------------------------------
  // The memory.

  portcam_connection_slot #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_read_slot (
      .where_i(where_i),
      .slot_o (read_slot)
  );

  portcam_connection_slot #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_event_slot (
      .where_i(event_i.where),
      .slot_o (event_slot)
  );

  always_ff @(posedge clk_i) begin
    read_valid_q  <= ReadLatency'({read_valid_q, valid_i && hit_i});
    write_valid_q <= event_i.valid && event_i.live;
    if (!rst_ni) begin
      read_valid_q  <= '0;
      write_valid_q <= 1'b0;
    end
    if (event_i.valid && event_i.live) begin
      write_slot_q <= event_slot;
      write_life_q <= event_i.life;
    end
  end

  portcam_ram #(
      .Width      (StateBits),
      .Depth      (Slots),
      .ReadLatency(ReadLatency)
  ) u_states (
      .clk_i    (clk_i),
      .a_en_i   (valid_i && hit_i),
      .a_addr_i (read_slot[SlotBits-1:0]),
      .a_data_o (read),
      .b_en_i   (write_valid_q),
      .b_we_i   (1'b1),
      .b_addr_i (write_slot_q[SlotBits-1:0]),
      .b_wdata_i({write_life_q, counts_i}),
      .b_rdata_o(unused_read)
  );

  //------------------------------------------------------------------------------------------------
  // What waits.

  portcam_delay #(
      .Width (StateBits),
      .Cycles(Latency - ReadLatency)
  ) u_state_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(read_valid_q[ReadLatency]),
      .data_i (read),
      .data_o (state)
  );

  portcam_delay #(
      .Width (RecordBits),
      .Cycles(Latency)
  ) u_record_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .data_i ({hit_i, row_i, where_i}),
      .data_o ({hit, row, where})
  );

  assign {life, counts} = state;

  always_comb begin
    known_o.hit     = hit;
    known_o.row     = row;
    known_o.where   = where;
    known_o.life    = life;
    known_o.accepts = accepts_i;
  end

  always_ff @(posedge clk_i) begin
    counts_o <= counts;
  end

endmodule

`resetall
