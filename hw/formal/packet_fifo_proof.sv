// SPDX-License-Identifier: Apache-2.0
//
// portcam_packet_fifo is a queue of the beats of committed frames: what leaves are exactly those beats, in order, with
// their last marks, and never a beat of a frame in writing or of a dropped one; with resets at any time.
// The caller keeps frames within Depth beats, as the module asks; then a_frame_overflow of the module
// holds too, the buffer cannot stop for ever, and a committed beat is shown within the latency. By induction: the
// registers and memory words of the DUT (hidden_*, connected by hw/formal/run) are the queue.

module packet_fifo_proof #(
    parameter int unsigned Width        = 1,
    parameter int unsigned OutputStages = 1
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             push_valid_i,
    input logic [Width-1:0] push_data_i,
    input logic             push_last_i,
    input logic             push_drop_i,
    input logic             pop_ready_i
);
  localparam int unsigned Depth = 4;
  localparam int unsigned Slots = Depth + 2;
  localparam int unsigned Beat  = Width + 1;

  logic                  push_ready;
  logic                  pop_valid;
  logic [Width-1:0]      pop_data;
  logic                  pop_last;
  (* hidden = "u_dut.u_store.mem[3:0]" *)
  logic [Depth*Beat-1:0] hidden_mem;
  (* hidden = "u_dut.write_ptr_q" *)
  logic [2:0] hidden_write_ptr;
  (* hidden = "u_dut.commit_ptr_q" *)
  logic [2:0] hidden_commit_ptr;
  (* hidden = "u_dut.read_ptr_q" *)
  logic [2:0] hidden_read_ptr;
  (* hidden = "u_dut.u_store.read_valid_q" *)
  logic hidden_read_valid;
  (* hidden = "u_dut.u_store.read_data_q" *)
  logic [Beat-1:0] hidden_read_data;
  (* hidden = "u_dut.u_store.g_two_stages.out_valid_q", when = "OutputStages=2" *)
  logic hidden_out_valid;
  (* hidden = "u_dut.u_store.g_two_stages.out_data_q", when = "OutputStages=2" *)
  logic [Beat-1:0] hidden_out_data;

  portcam_packet_fifo #(
      .Width       (Width),
      .Depth       (Depth),
      .OutputStages(OutputStages)
  ) u_dut (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .push_valid_i(push_valid_i),
      .push_ready_o(push_ready),
      .push_data_i (push_data_i),
      .push_last_i (push_last_i),
      .push_drop_i (push_drop_i),
      .pop_valid_o (pop_valid),
      .pop_ready_i (pop_ready_i),
      .pop_data_o  (pop_data),
      .pop_last_o  (pop_last)
  );

  // The queue, oldest beat lowest: committed beats, then those of the frame in writing.
  logic [Slots*Beat-1:0] queue_q;
  logic [2:0]            count_q;
  logic [2:0]            committed_q;
  logic [1:0]            waited_q;
  logic                  started_q = 1'b0;
  logic                  push;
  logic                  pop;

  assign push = push_valid_i && push_ready;
  assign pop  = pop_ready_i && pop_valid;

  always_ff @(posedge clk_i) begin
    waited_q <= (committed_q != 3'd0 && !pop_valid) ? waited_q + 2'd1 : 2'd0;
    if (!rst_ni) begin
      started_q   <= 1'b1;
      count_q     <= 3'd0;
      committed_q <= 3'd0;
      waited_q    <= 2'd0;
    end else begin
      if (push && push_last_i && push_drop_i) begin
        count_q <= committed_q - 3'(pop);
      end else begin
        count_q <= count_q + 3'(push) - 3'(pop);
      end
      if (push && push_last_i && !push_drop_i) begin
        committed_q <= count_q + 3'd1 - 3'(pop);
      end else begin
        committed_q <= committed_q - 3'(pop);
      end
      for (int unsigned i = 0; i < Slots; i++) begin
        if (push && count_q - 3'(pop) == 3'(i)) begin
          queue_q[i*Beat+:Beat] <= {push_last_i, push_data_i};
        end else if (pop && i < Slots - 1) begin
          queue_q[i*Beat+:Beat] <= queue_q[((i+1)%Slots)*Beat+:Beat];
        end
      end
    end
  end

  if (OutputStages == 1) begin : g_one_stage
    assign hidden_out_valid = 1'b0;
    assign hidden_out_data  = '0;
  end

  // What the DUT holds, in the order in which it leaves.
  logic [Slots*Beat-1:0] held;
  logic [2:0]            held_count;
  logic [2:0]            in_memory;
  logic [2:0]            writing;
  logic [1:0]            address;
  logic [Beat-1:0] word;

  assign in_memory = hidden_write_ptr - hidden_read_ptr;
  assign writing   = hidden_write_ptr - hidden_commit_ptr;

  always_comb begin
    held       = '0;
    held_count = 3'd0;
    address    = 2'd0;
    word       = '0;
    if (hidden_out_valid) begin
      held[Beat-1:0] = hidden_out_data;
      held_count     = 3'd1;
    end
    if (hidden_read_valid) begin
      held       = held | ((Slots*Beat)'(hidden_read_data) << (held_count * Beat));
      held_count = held_count + 3'd1;
    end
    for (int unsigned i = 0; i < Depth; i++) begin
      if (3'(i) < in_memory) begin
        address    = 2'(hidden_read_ptr + 3'(i));
        word       = hidden_mem[32'(address)*Beat+:Beat];
        held       = held | ((Slots*Beat)'(word) << (held_count * Beat));
        held_count = held_count + 3'd1;
      end
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    assume (!(push_valid_i && !push_last_i && count_q - committed_q == 3'(Depth - 1)));
    if (started_q) begin
      a_count : assert (count_q <= 3'(Slots) && held_count == count_q);
      a_in_memory : assert (in_memory <= 3'(Depth) && writing <= in_memory);
      a_committed : assert (committed_q <= count_q && writing == count_q - committed_q);
      a_frame_fits : assert (count_q - committed_q < 3'(Depth));
      for (int unsigned i = 0; i < Slots; i++) begin
        assert (3'(i) >= count_q || held[i*Beat+:Beat] == queue_q[i*Beat+:Beat]);
      end
      a_ready_with_room : assert (push_ready || count_q >= 3'(Depth));
      a_valid_only_committed : assert (!pop_valid || committed_q != 3'd0);
      a_oldest_beat_first : assert (!pop_valid || {pop_last, pop_data} == queue_q[Beat-1:0]);
      a_latency : assert (waited_q < 2'(OutputStages) || pop_valid || committed_q == 3'd0);
    end
  end

  always_ff @(posedge clk_i) begin
    c_drop_behind_a_frame : cover (started_q && push && push_last_i && push_drop_i &&
                                   committed_q != 3'd0 && count_q - committed_q == 3'd2);
    c_full : cover (started_q && !push_ready && pop);
  end
endmodule
