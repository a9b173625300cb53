// SPDX-License-Identifier: Apache-2.0
//
// portcam_fifo_store: the memory of a FIFO and the registers that read ahead from it.
//
// The owner (portcam_fifo, portcam_packet_fifo) keeps the pointers; this module keeps the words.
// Whenever read_avail_i says that the word at read_addr_i may leave and there is room behind the
// memory, it takes that word (read_en_o is high for that clock and the owner advances its read
// address). pop_data_o and pop_valid_o are registers and hold until pop_ready_i. One write and one
// read a clock.
//
// OutputStages 1 is one register behind the memory (distributed RAM and a flip-flop), the default up
// to 64 words; 2 is two registers with enables of their own (the output latch and the output register
// of a block RAM, which a synthesiser places inside it). The number of words held behind the memory
// is that of the stages. From a write to pop_valid_o of an empty store: OutputStages + 1 clocks.
//
// A read never meets a write of its own address in the same clock, because read_avail_i covers only
// words written in an earlier clock; so nothing depends on what such a read would give.

`default_nettype none

module portcam_fifo_store #(
    parameter int unsigned Width        = 64,
    parameter int unsigned Depth        = 64,
    parameter int unsigned OutputStages = (Depth <= 64) ? 1 : 2
) (
    input  logic                     clk_i,
    input  logic                     rst_ni,
    input  logic                     write_en_i,
    input  logic [$clog2(Depth)-1:0] write_addr_i,
    input  logic [Width-1:0]         write_data_i,
    input  logic                     read_avail_i,
    input  logic [$clog2(Depth)-1:0] read_addr_i,
    output logic                     read_en_o,
    output logic                     pop_valid_o,
    input  logic                     pop_ready_i,
    output logic [Width-1:0]         pop_data_o
);

  if (Width < 1) begin : g_bad_width
    $error("portcam_fifo_store: Width must be at least 1");
  end
  if (Depth < 2 || (Depth & (Depth - 1)) != 0) begin : g_bad_depth
    $error("portcam_fifo_store: Depth must be a power of two and at least 2");
  end

  if (OutputStages < 1 || OutputStages > 2) begin : g_bad_stages
    $error("portcam_fifo_store: OutputStages must be 1 or 2");
  end

  logic [Width-1:0] mem [0:Depth-1];
  logic             read_valid_q;  // read_data_q holds a word that the next stage has not taken
  logic [Width-1:0] read_data_q;   // what the memory gave
  logic             read_free;     // read_data_q may be overwritten in this clock

  assign read_en_o = read_avail_i && read_free;

  always_ff @(posedge clk_i) begin
    if (write_en_i) begin
      mem[write_addr_i] <= write_data_i;
    end
    if (read_en_o) begin
      read_data_q <= mem[read_addr_i];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_valid_q <= 1'b0;
    end else if (read_free) begin
      read_valid_q <= read_avail_i;
    end
  end

  if (OutputStages == 1) begin : g_one_stage
    assign read_free   = pop_ready_i || !read_valid_q;
    assign pop_valid_o = read_valid_q;
    assign pop_data_o  = read_data_q;
  end else begin : g_two_stages
    logic             out_valid_q;
    logic             out_free;
    logic [Width-1:0] out_data_q;

    assign out_free    = pop_ready_i || !out_valid_q;
    assign read_free   = out_free || !read_valid_q;
    assign pop_valid_o = out_valid_q;
    assign pop_data_o  = out_data_q;

    always_ff @(posedge clk_i) begin
      if (out_free && read_valid_q) begin
        out_data_q <= read_data_q;
      end
      if (!rst_ni) begin
        out_valid_q <= 1'b0;
      end else if (out_free) begin
        out_valid_q <= read_valid_q;
      end
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_no_read_of_the_word_in_writing :
      assert (!(write_en_i && read_en_o && write_addr_i == read_addr_i));
    end
  end
`endif

endmodule

`resetall
