// SPDX-License-Identifier: Apache-2.0
//
// portcam_accumulate: a word for each row in block RAM, changed by one event a clock: any rows in
// any order, the same row in every clock too, as if one event after another.
//
// Event: valid_i with its row and whatever belongs to it in operand_i. Exactly 3 clocks later
// base_o is the row's word behind all events before this one, operand_o the event's operand, and
// next_i has to be the word behind this event, in the same clock. Whoever wants to read the words
// keeps copies in portcam_ram, written by write_*_o: a read that begins 5 clocks after an event or
// later has it, an earlier one has not.
// Init: init_i clears all rows (Rows clocks and up to 5 more; given again it starts again); it runs
// by itself after reset. busy_o is high from the next clock on until it is done. Events given while
// busy_o is high are not counted; one given in the clock of init_i is cleared by it. Row numbers
// beyond Rows are not allowed.
//
// Memory: a read in the same clock as a write of the row gives the old word; the events still on
// their way to the memory are forwarded below, each by name.

`default_nettype none

module portcam_accumulate #(
    parameter int unsigned Width   = 64,
    parameter int unsigned Operand = 1,
    parameter int unsigned Rows    = 1024
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    valid_i,
    input  logic [$clog2(Rows)-1:0] row_i,
    input  logic [Operand-1:0]      operand_i,
    output logic [Width-1:0]        base_o,
    output logic [Operand-1:0]      operand_o,
    input  logic [Width-1:0]        next_i,
    output logic                    write_en_o,
    output logic [$clog2(Rows)-1:0] write_row_o,
    output logic [Width-1:0]        write_word_o,
    input  logic                    init_i,
    output logic                    busy_o
);

  if (Width < 1 || Operand < 1) begin : g_bad_width
    $error("portcam_accumulate: Width and Operand must be at least 1");
  end
  if (Rows < 2) begin : g_bad_rows
    $error("portcam_accumulate: Rows must be at least 2");
  end

  localparam int unsigned RowBits = $clog2(Rows);

  //------------------------------------------------------------------------------------------------
  // An event takes its word from the memory in clocks 1 and 2, chooses it or a newer one on its way
  // in clock 3, which is also when the new word is made, and writes in clock 4. The memory shows it
  // to reads that start one clock later.

  logic [5:1]         valid_q;     // an event is n clocks late
  logic [RowBits-1:0] row_q1;
  logic [RowBits-1:0] row_q2;
  logic [RowBits-1:0] row_q3;
  logic [RowBits-1:0] row_q4;
  logic [RowBits-1:0] row_q5;
  logic [Operand-1:0] operand_q1;
  logic [Operand-1:0] operand_q2;
  logic [Operand-1:0] operand_q3;
  logic [Width-1:0]   word_q2;     // from the memory
  logic [Width-1:0]   base_q3;
  logic [Width-1:0]   next_q4;
  logic [Width-1:0]   next_q5;
  logic [Width-1:0]   next_q6;
  logic               take;
  // The event 1, 2, 3 or 4 clocks before this one has the same row, and the memory did not show its
  // word yet.
  logic               same_1_q3;
  logic               same_2_q2;
  logic               same_3_q2;
  logic               same_4_q2;

  assign take = valid_i && !busy_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= '0;
    end else begin
      valid_q <= {valid_q[4:1], take};
    end
    row_q1     <= row_i;
    row_q2     <= row_q1;
    row_q3     <= row_q2;
    row_q4     <= row_q3;
    row_q5     <= row_q4;
    operand_q1 <= operand_i;
    operand_q2 <= operand_q1;
    operand_q3 <= operand_q2;

    same_1_q3 <= valid_q[3] && row_q3 == row_q2;
    same_2_q2 <= valid_q[3] && row_q3 == row_q1;
    same_3_q2 <= valid_q[4] && row_q4 == row_q1;
    same_4_q2 <= valid_q[5] && row_q5 == row_q1;
  end

  // Words move only when they are of an event.
  always_ff @(posedge clk_i) begin
    if (valid_q[2]) begin
      base_q3 <= same_2_q2 ? next_q4 : same_3_q2 ? next_q5 : same_4_q2 ? next_q6 : word_q2;
    end
    if (valid_q[3]) begin
      next_q4 <= next_i;
    end
    if (valid_q[4]) begin
      next_q5 <= next_q4;
    end
    if (valid_q[5]) begin
      next_q6 <= next_q5;
    end
  end

  assign base_o    = same_1_q3 ? next_q4 : base_q3;
  assign operand_o = operand_q3;

  //------------------------------------------------------------------------------------------------
  // Init walks once the last event has left, so that no old word is written or forwarded after it.

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

  assign write_en_o   = valid_q[4] || (init_step && rst_ni);
  assign write_row_o  = valid_q[4] ? row_q4 : init_row_q;
  assign write_word_o = valid_q[4] ? next_q4 : '0;

  logic [Width-1:0] unused_rdata;

  portcam_ram #(
      .Width      (Width),
      .Depth      (Rows),
      .ReadLatency(2)
  ) u_words (
      .clk_i    (clk_i),
      .a_en_i   (take),
      .a_addr_i (row_i),
      .a_data_o (word_q2),
      .b_en_i   (write_en_o),
      .b_we_i   (1'b1),
      .b_addr_i (write_row_o),
      .b_wdata_i(write_word_o),
      .b_rdata_o(unused_rdata)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_row_exists : assert (!take || (RowBits + 1)'(row_i) < (RowBits + 1)'(Rows));
    end
  end
`endif

endmodule

`resetall
