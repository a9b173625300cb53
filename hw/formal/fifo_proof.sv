// SPDX-License-Identifier: Apache-2.0
//
// portcam_fifo is a queue of Depth words: order, level, readiness and contents are those of a queue in every clock,
// for all inputs, with resets at any time, and an oldest word never waits longer than the latency. The proof is
// by induction: the registers and memory words of the DUT (hidden_*, connected by hw/formal/run), read
// in the order in which they leave, are the queue.

module fifo_proof #(
    parameter int unsigned Width        = 2,
    parameter int unsigned OutputStages = 1
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             push_valid_i,
    input logic [Width-1:0] push_data_i,
    input logic             pop_ready_i
);
  localparam int unsigned Depth = 4;
  localparam int unsigned Slots = Depth + 2;

  logic                   push_ready;
  logic                   pop_valid;
  logic [Width-1:0]       pop_data;
  logic [2:0]             level;
  (* hidden = "u_dut.u_store.mem[3:0]" *)
  logic [Depth*Width-1:0] hidden_mem;
  (* hidden = "u_dut.write_ptr_q" *)
  logic [2:0] hidden_write_ptr;
  (* hidden = "u_dut.read_ptr_q" *)
  logic [2:0] hidden_read_ptr;
  (* hidden = "u_dut.u_store.read_valid_q" *)
  logic hidden_read_valid;
  (* hidden = "u_dut.u_store.read_data_q" *)
  logic [Width-1:0] hidden_read_data;
  (* hidden = "u_dut.u_store.g_two_stages.out_valid_q", when = "OutputStages=2" *)
  logic hidden_out_valid;
  (* hidden = "u_dut.u_store.g_two_stages.out_data_q", when = "OutputStages=2" *)
  logic [Width-1:0] hidden_out_data;

  portcam_fifo #(
      .Width       (Width),
      .Depth       (Depth),
      .OutputStages(OutputStages)
  ) u_dut (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(push_valid_i),
      .push_ready_o(push_ready),
      .push_data_i (push_data_i),
      .pop_valid_o (pop_valid),
      .pop_ready_i (pop_ready_i),
      .pop_data_o  (pop_data),
      .level_o     (level)
  );

  // The queue, oldest word lowest.
  logic [Slots*Width-1:0] queue_q;
  logic [2:0]             count_q;
  logic [1:0]             waited_q;          // clocks in which the oldest word was not shown
  logic                   started_q = 1'b0;  // a reset was seen
  logic                   push;
  logic                   pop;

  assign push = push_valid_i && push_ready;
  assign pop  = pop_ready_i && pop_valid;

  always_ff @(posedge clk_i) begin
    waited_q <= (count_q != 3'd0 && !pop_valid) ? waited_q + 2'd1 : 2'd0;
    if (!rst_ni) begin
      started_q <= 1'b1;
      count_q   <= 3'd0;
      waited_q  <= 2'd0;
    end else begin
      count_q <= count_q + 3'(push) - 3'(pop);
      for (int unsigned i = 0; i < Slots; i++) begin
        if (push && count_q - 3'(pop) == 3'(i)) begin
          queue_q[i*Width+:Width] <= push_data_i;
        end else if (pop && i < Slots - 1) begin
          queue_q[i*Width+:Width] <= queue_q[((i+1)%Slots)*Width+:Width];
        end
      end
    end
  end

  if (OutputStages == 1) begin : g_one_stage
    assign hidden_out_valid = 1'b0;
    assign hidden_out_data  = '0;
  end

  // What the DUT holds, in the order in which it leaves.
  logic [Slots*Width-1:0] held;
  logic [2:0]             held_count;
  logic [2:0]             in_memory;
  logic [1:0]             address;
  logic [Width-1:0] word;

  assign in_memory = hidden_write_ptr - hidden_read_ptr;

  always_comb begin
    held       = '0;
    held_count = 3'd0;
    address    = 2'd0;
    word       = '0;
    if (hidden_out_valid) begin
      held[Width-1:0] = hidden_out_data;
      held_count      = 3'd1;
    end
    if (hidden_read_valid) begin
      held       = held | ((Slots*Width)'(hidden_read_data) << (held_count * Width));
      held_count = held_count + 3'd1;
    end
    for (int unsigned i = 0; i < Depth; i++) begin
      if (3'(i) < in_memory) begin
        address    = 2'(hidden_read_ptr + 3'(i));
        word       = hidden_mem[32'(address)*Width+:Width];
        held       = held | ((Slots*Width)'(word) << (held_count * Width));
        held_count = held_count + 3'd1;
      end
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    if (started_q) begin
      a_count : assert (count_q <= 3'(Depth) && held_count == count_q);
      for (int unsigned i = 0; i < Depth; i++) begin
        assert (3'(i) >= count_q || held[i*Width+:Width] == queue_q[i*Width+:Width]);
      end
      a_level : assert (level == count_q);
      a_ready_with_room : assert (push_ready == (count_q != 3'(Depth)));
      a_valid_only_with_a_word : assert (!pop_valid || count_q != 3'd0);
      a_oldest_word_first : assert (!pop_valid || pop_data == queue_q[Width-1:0]);
      a_latency : assert (waited_q < 2'(OutputStages) || pop_valid || count_q == 3'd0);
    end
  end

  always_ff @(posedge clk_i) begin
    c_full_pop : cover (started_q && count_q == 3'(Depth) && pop);
    c_both : cover (started_q && count_q == 3'(Depth - 1) && pop && push);
  end
endmodule
