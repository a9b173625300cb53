// SPDX-License-Identifier: Apache-2.0
//
// portcam_counters: a 64-bit packet counter and a 64-bit byte counter for each row, in block RAM.
//
// Update: inc_valid_i adds one packet and inc_bytes_i bytes to row inc_row_i; one a clock, any rows
// in any order, the same row in every clock too. Counters wrap at 2^64.
// Read: read_valid_i answers exactly 8 clocks later with read_done_o; one a clock. Both counters
// are of one moment: the answer holds every update up to and including the clock of read_valid_i,
// and none later. Reads never disturb updates.
// Init: init_i clears all rows (Rows clocks and up to 5 more; given again it starts again); it runs
// by itself after reset. busy_o is high from the next clock on until it is done. Updates given
// while busy_o is high are not counted; one given in the clock of init_i is cleared by it. A read
// while busy_o is high is answered, with counters without meaning. Row numbers beyond Rows are not
// allowed.
//
// Memory: two copies, written together, one for the updates to read and one for the host. A read in
// the same clock as a write of the row gives the old word; the updates still on their way to the
// memory are forwarded below, each by name. A counter is kept as two halves and a carry between
// them, which goes into the upper half with the next update or with a read.

`default_nettype none

module portcam_counters #(
    parameter int unsigned Rows = 1024
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    inc_valid_i,
    input  logic [$clog2(Rows)-1:0] inc_row_i,
    input  logic [15:0]             inc_bytes_i,
    input  logic                    read_valid_i,
    input  logic [$clog2(Rows)-1:0] read_row_i,
    output logic                    read_done_o,
    output logic [63:0]             read_packets_o,
    output logic [63:0]             read_bytes_o,
    input  logic                    init_i,
    output logic                    busy_o
);

  if (Rows < 2) begin : g_bad_rows
    $error("portcam_counters: Rows must be at least 2");
  end

  localparam int unsigned RowBits = $clog2(Rows);
  localparam int unsigned Kept    = 65;         // bits of a counter as it is kept
  localparam int unsigned Word    = 2 * Kept;   // packets, bytes

  function automatic logic [Kept-1:0] added(input logic [Kept-1:0] kept, input logic [15:0] more);
    added = {kept[64:33] + 32'(kept[32]), {1'b0, kept[31:0]} + 33'(more)};
  endfunction

  function automatic logic [63:0] whole(input logic [Kept-1:0] kept);
    whole = {kept[64:33] + 32'(kept[32]), kept[31:0]};
  endfunction

  //------------------------------------------------------------------------------------------------
  // An update takes its word from the memory in clocks 1 and 2, chooses it or a newer one on its
  // way in clock 3, adds in clock 4, and writes in clock 5. The memory shows it to reads that start
  // one clock later.

  logic [5:1]         valid_q;   // an update is n clocks late
  logic [RowBits-1:0] row_q1;
  logic [RowBits-1:0] row_q2;
  logic [RowBits-1:0] row_q3;
  logic [RowBits-1:0] row_q4;
  logic [RowBits-1:0] row_q5;
  logic [15:0]        bytes_q1;
  logic [15:0]        bytes_q2;
  logic [15:0]        bytes_q3;
  logic [Word-1:0]    word_q2;   // from the memory
  logic [Word-1:0]    base_q3;
  logic [Word-1:0]    base;
  logic [Word-1:0]    sum_q4;
  logic [Word-1:0]    sum_q5;
  logic [Word-1:0]    sum_q6;
  logic               inc_take;
  logic               moving;    // an update comes or is on its way
  // The update 1, 2, 3 or 4 clocks before this one has the same row, and the memory did not show
  // its sum yet.
  logic               same_1_q3;
  logic               same_2_q2;
  logic               same_3_q2;
  logic               same_4_q2;

  assign inc_take = inc_valid_i && !busy_o;
  assign moving   = inc_take || valid_q != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= '0;
    end else if (moving) begin
      valid_q <= {valid_q[4:1], inc_take};
    end
    if (moving) begin
      row_q1   <= inc_row_i;
      row_q2   <= row_q1;
      row_q3   <= row_q2;
      row_q4   <= row_q3;
      row_q5   <= row_q4;
      bytes_q1 <= inc_bytes_i;
      bytes_q2 <= bytes_q1;
      bytes_q3 <= bytes_q2;

      same_1_q3 <= valid_q[3] && row_q3 == row_q2;
      same_2_q2 <= valid_q[3] && row_q3 == row_q1;
      same_3_q2 <= valid_q[4] && row_q4 == row_q1;
      same_4_q2 <= valid_q[5] && row_q5 == row_q1;

      base_q3 <= same_2_q2 ? sum_q4 : same_3_q2 ? sum_q5 : same_4_q2 ? sum_q6 : word_q2;
      sum_q4  <= {added(base[Word-1:Kept], 16'd1), added(base[Kept-1:0], bytes_q3)};
      sum_q5  <= sum_q4;
      sum_q6  <= sum_q5;
    end
  end

  assign base = same_1_q3 ? sum_q4 : base_q3;

  //------------------------------------------------------------------------------------------------
  // Init walks once the last update has left the pipeline, so that no old sum is written or
  // forwarded after it.

  logic               init_run_q;
  logic               init_step;
  logic [RowBits-1:0] init_row_q;

  assign busy_o    = init_run_q;
  assign init_step = init_run_q && valid_q == '0;

  always_ff @(posedge clk_i) begin
    if (init_i) begin
      init_run_q <= 1'b1;
      init_row_q <= '0;
    end else if (init_step) begin
      init_row_q <= init_row_q + 1'b1;
      init_run_q <= init_row_q != RowBits'(Rows - 1);
    end
    if (!rst_ni) begin
      init_run_q <= 1'b1;
      init_row_q <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The two copies. A host read waits until the updates before it are written: 5 clocks, then 2 in
  // the memory.

  logic               write_en;
  logic [RowBits-1:0] write_row;
  logic [Word-1:0]    write_word;
  logic [Word-1:0]    read_word_q7;
  logic [127:0]       read_word_q8;
  logic [8:1]         read_valid_q;
  logic               reading;      // a read comes or is on its way
  logic [RowBits-1:0] read_row_q1;
  logic [RowBits-1:0] read_row_q2;
  logic [RowBits-1:0] read_row_q3;
  logic [RowBits-1:0] read_row_q4;
  logic [RowBits-1:0] read_row_q5;
  logic [Word-1:0]    unused_update_rdata;
  logic [Word-1:0]    unused_host_rdata;

  assign write_en   = valid_q[4] || (init_step && rst_ni);
  assign write_row  = valid_q[4] ? row_q4 : init_row_q;
  assign write_word = valid_q[4] ? sum_q4 : '0;
  assign reading    = read_valid_i || read_valid_q != '0;

  portcam_ram #(
      .Width      (Word),
      .Depth      (Rows),
      .ReadLatency(2)
  ) u_update_copy (
      .clk_i    (clk_i),
      .a_en_i   (inc_valid_i),
      .a_addr_i (inc_row_i),
      .a_data_o (word_q2),
      .b_en_i   (write_en),
      .b_we_i   (1'b1),
      .b_addr_i (write_row),
      .b_wdata_i(write_word),
      .b_rdata_o(unused_update_rdata)
  );

  portcam_ram #(
      .Width      (Word),
      .Depth      (Rows),
      .ReadLatency(2)
  ) u_host_copy (
      .clk_i    (clk_i),
      .a_en_i   (read_valid_q[5]),
      .a_addr_i (read_row_q5),
      .a_data_o (read_word_q7),
      .b_en_i   (write_en),
      .b_we_i   (1'b1),
      .b_addr_i (write_row),
      .b_wdata_i(write_word),
      .b_rdata_o(unused_host_rdata)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_valid_q <= '0;
    end else if (reading) begin
      read_valid_q <= {read_valid_q[7:1], read_valid_i};
    end
    if (reading) begin
      read_row_q1  <= read_row_i;
      read_row_q2  <= read_row_q1;
      read_row_q3  <= read_row_q2;
      read_row_q4  <= read_row_q3;
      read_row_q5  <= read_row_q4;
      read_word_q8 <= {whole(read_word_q7[Word-1:Kept]), whole(read_word_q7[Kept-1:0])};
    end
  end

  assign read_done_o    = read_valid_q[8];
  assign read_packets_o = read_word_q8[127:64];
  assign read_bytes_o   = read_word_q8[63:0];

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_inc_row_exists : assert (!inc_take || (RowBits + 1)'(inc_row_i) < (RowBits + 1)'(Rows));
      a_read_row_exists :
      assert (!read_valid_i || (RowBits + 1)'(read_row_i) < (RowBits + 1)'(Rows));
    end
  end
`endif

endmodule

`resetall
