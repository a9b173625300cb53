// SPDX-License-Identifier: Apache-2.0
//
// portcam_packet_fifo: store-and-forward buffer for whole frames, with the right to throw a frame
// away at its end.
//
// Beats are pushed one a clock; push_last_i ends a frame and commits it, or, with push_drop_i,
// rolls the frame in writing back as if it had never come (push_drop_i means nothing without
// push_last_i). Only beats of committed frames leave, in order. Promises: one beat in and one beat
// out every clock, back to back, also for frames of one beat and for dropped frames; pop_valid_o,
// pop_data_o and pop_last_o are registers and hold until pop_ready_i.
//
// Depth beats of memory, shared by committed frames and the frame in writing; one or two more beats
// wait in the output registers. A frame of more than Depth beats can never be committed and would
// stop the buffer for ever: the caller ends such a frame with push_last_i and push_drop_i before
// (a_frame_overflow asserts it).
// From the last beat of a frame to pop_valid_o of an empty buffer: OutputStages + 1 clocks; 1 suits
// distributed RAM and is the default up to Depth 64, 2 suits block RAM. What a read during a write
// gives does not matter here: see portcam_fifo_store.

`default_nettype none

module portcam_packet_fifo #(
    parameter int unsigned Width        = 576,
    parameter int unsigned Depth        = 64,
    parameter int unsigned OutputStages = (Depth <= 64) ? 1 : 2
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             push_valid_i,
    output logic             push_ready_o,
    input  logic [Width-1:0] push_data_i,
    input  logic             push_last_i,
    input  logic             push_drop_i,
    output logic             pop_valid_o,
    input  logic             pop_ready_i,
    output logic [Width-1:0] pop_data_o,
    output logic             pop_last_o
);

  if (Depth < 2 || (Depth & (Depth - 1)) != 0) begin : g_bad_depth
    $error("portcam_packet_fifo: Depth must be a power of two and at least 2");
  end

  localparam int unsigned AddrBits = $clog2(Depth);

  // read <= commit <= write in the order of the ring; beats between commit and write belong to the
  // frame in writing. Pointers carry one bit more than an address, so that they differ when the
  // memory is full.
  logic [AddrBits:0] write_ptr_q;
  logic [AddrBits:0] commit_ptr_q;
  logic [AddrBits:0] read_ptr_q;
  logic [AddrBits:0] write_ptr_next;
  logic              full;
  logic              push;
  logic              read_en;

  assign write_ptr_next = write_ptr_q + 1'b1;
  assign full           = write_ptr_q == (read_ptr_q ^ {1'b1, {AddrBits{1'b0}}});
  assign push_ready_o   = !full;
  assign push           = push_valid_i && push_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_ptr_q  <= '0;
      commit_ptr_q <= '0;
      read_ptr_q   <= '0;
    end else begin
      if (push && push_last_i && push_drop_i) begin
        write_ptr_q <= commit_ptr_q;
      end else if (push) begin
        write_ptr_q <= write_ptr_next;
      end
      if (push && push_last_i && !push_drop_i) begin
        commit_ptr_q <= write_ptr_next;
      end
      if (read_en) begin
        read_ptr_q <= read_ptr_q + 1'b1;
      end
    end
  end

  portcam_fifo_store #(
      .Width       (Width + 1),
      .Depth       (Depth),
      .OutputStages(OutputStages)
  ) u_store (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .write_en_i  (push),
      .write_addr_i(write_ptr_q[AddrBits-1:0]),
      .write_data_i({push_last_i, push_data_i}),
      .read_avail_i(commit_ptr_q != read_ptr_q),
      .read_addr_i (read_ptr_q[AddrBits-1:0]),
      .read_en_o   (read_en),
      .pop_valid_o (pop_valid_o),
      .pop_ready_i (pop_ready_i),
      .pop_data_o  ({pop_last_o, pop_data_o})
  );

`ifndef SYNTHESIS
  logic [AddrBits:0] held;
  logic [AddrBits:0] committed;
  assign held      = write_ptr_q - read_ptr_q;
  assign committed = commit_ptr_q - read_ptr_q;

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_pointers_in_order : assert (committed <= held && held <= (AddrBits + 1)'(Depth));
      a_frame_overflow : assert (!full || commit_ptr_q != read_ptr_q);
    end
  end
`endif

endmodule

`resetall
