// SPDX-License-Identifier: Apache-2.0
//
// portcam_fifo: synchronous first-in first-out buffer that shows its oldest word before it is
// taken.
//
// Promises: holds exactly Depth words (the words waiting in the output registers count); one push and
// one pop a clock (Depth 2, whose words need two clocks inside, passes two words in three clocks);
// order kept, nothing lost or doubled; pop_data_o and pop_valid_o are registers and hold until
// pop_ready_i; push_ready_o is a register and does not depend on pop_ready_i of the same clock.
// level_o is the number of words inside, exact in every clock. From a push into the empty FIFO to
// pop_valid_o: OutputStages + 1 clocks; 1 suits distributed RAM and is the default up to Depth 64,
// 2 suits block RAM. What a read during a write gives does not matter here: see portcam_fifo_store.
// A push offered during reset is not taken.

`default_nettype none

module portcam_fifo #(
    parameter int unsigned Width        = 64,
    parameter int unsigned Depth        = 64,
    parameter int unsigned OutputStages = (Depth <= 64) ? 1 : 2
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   push_valid_i,
    output logic                   push_ready_o,
    input  logic [Width-1:0]       push_data_i,
    output logic                   pop_valid_o,
    input  logic                   pop_ready_i,
    output logic [Width-1:0]       pop_data_o,
    output logic [$clog2(Depth):0] level_o
);

  if (Depth < 2 || (Depth & (Depth - 1)) != 0) begin : g_bad_depth
    $error("portcam_fifo: Depth must be a power of two and at least 2");
  end

  localparam int unsigned AddrBits = $clog2(Depth);

  // Pointers carry one bit more than an address, so that they differ when the memory is full.
  logic [AddrBits:0] write_ptr_q;
  logic [AddrBits:0] read_ptr_q;
  logic [AddrBits:0] level_q;
  logic              push;
  logic              pop;
  logic              read_en;

  assign push_ready_o = !level_q[AddrBits];
  assign level_o      = level_q;
  assign push         = push_valid_i && push_ready_o;
  assign pop          = pop_valid_o && pop_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_ptr_q <= '0;
      read_ptr_q  <= '0;
      level_q     <= '0;
    end else begin
      if (push) begin
        write_ptr_q <= write_ptr_q + 1'b1;
      end
      if (read_en) begin
        read_ptr_q <= read_ptr_q + 1'b1;
      end
      if (push && !pop) begin
        level_q <= level_q + 1'b1;
      end else if (pop && !push) begin
        level_q <= level_q - 1'b1;
      end
    end
  end

  portcam_fifo_store #(
      .Width       (Width),
      .Depth       (Depth),
      .OutputStages(OutputStages)
  ) u_store (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .write_en_i  (push),
      .write_addr_i(write_ptr_q[AddrBits-1:0]),
      .write_data_i(push_data_i),
      .read_avail_i(write_ptr_q != read_ptr_q),
      .read_addr_i (read_ptr_q[AddrBits-1:0]),
      .read_en_o   (read_en),
      .pop_valid_o (pop_valid_o),
      .pop_ready_i (pop_ready_i),
      .pop_data_o  (pop_data_o)
  );

`ifndef SYNTHESIS
  logic [AddrBits:0] in_memory;
  assign in_memory = write_ptr_q - read_ptr_q;

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_level_within_depth : assert (level_q <= (AddrBits + 1)'(Depth));
      a_memory_within_level : assert (in_memory <= level_q);
    end
  end
`endif

endmodule

`resetall
