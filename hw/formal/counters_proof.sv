// SPDX-License-Identifier: Apache-2.0
//
// portcam_counters, two rows: every read answers after 8 clocks with exactly the updates up to and including its clock,
// packets and bytes, for all orders of updates, reads, inits and resets, the same row in every clock too. By
// induction: both copies in the DUT (hidden_*, connected by hw/formal/run), the carries in their
// counters added, are the counters of 4 clocks ago, which is how long an update takes to reach them.

module counters_proof (
    input logic        clk_i,
    input logic        rst_ni,
    input logic        inc_valid_i,
    input logic        inc_row_i,
    input logic [15:0] inc_bytes_i,
    input logic        read_valid_i,
    input logic        read_row_i,
    input logic        init_i
);
  logic         read_done;
  logic [127:0] read_word;
  logic         busy;

  (* hidden = "u_dut.u_update_copy.mem[1:0]" *)
  logic [259:0] hidden_update_copy;
  (* hidden = "u_dut.u_host_copy.mem[1:0]" *)
  logic [259:0] hidden_host_copy;
  (* hidden = "u_dut.init_row_q" *)
  logic hidden_init_row;

  portcam_counters #(
      .Rows(2)
  ) u_dut (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .inc_valid_i   (inc_valid_i),
      .inc_row_i     (inc_row_i),
      .inc_bytes_i   (inc_bytes_i),
      .read_valid_i  (read_valid_i),
      .read_row_i    (read_row_i),
      .read_done_o   (read_done),
      .read_packets_o(read_word[127:64]),
      .read_bytes_o  (read_word[63:0]),
      .init_i        (init_i),
      .busy_o        (busy)
  );

  // A copy with whole counters.
  function automatic logic [255:0] whole(input logic [259:0] copy);
    for (int unsigned n = 0; n < 4; n++) begin
      whole[n*64+:64] = {copy[n*65+33+:32] + 32'(copy[n*65+32]), copy[n*65+:32]};
    end
  endfunction

  // The counters {packets, bytes} of both rows, now and up to 4 clocks ago, and the answers that are due.
  logic [255:0]    now_q;
  logic [255:0]    next;
  logic [255:0]    ago1_q;
  logic [255:0]    ago2_q;
  logic [255:0]    ago3_q;
  logic [255:0]    ago4_q;
  logic [8*128-1:0] words_q;
  logic [8:1]      valid_q;
  logic [8:1]      known_q;
  logic            started_q = 1'b0;

  always_comb begin
    next = now_q;
    for (int unsigned i = 0; i < 2; i++) begin
      if (inc_valid_i && !busy && inc_row_i == 1'(i)) begin
        next[i*128+:128] = {now_q[i*128+64+:64] + 64'd1,
                            now_q[i*128+:64] + 64'(inc_bytes_i)};
      end
    end
  end

  always_ff @(posedge clk_i) begin
    now_q   <= next;
    ago1_q  <= now_q;
    ago2_q  <= ago1_q;
    ago3_q  <= ago2_q;
    ago4_q  <= ago3_q;
    words_q <= {words_q[7*128-1:0], read_row_i ? next[255:128] : next[127:0]};
    valid_q <= {valid_q[7:1], read_valid_i};
    // A read whose row init may clear before it is fetched is not known.
    known_q <= {known_q[7:6], known_q[5:1] & {5{!init_i}}, !busy && !init_i};
    if (init_i || !rst_ni) begin
      now_q  <= '0;
      ago1_q <= '0;
      ago2_q <= '0;
      ago3_q <= '0;
      ago4_q <= '0;
    end
    if (!rst_ni) begin
      started_q <= 1'b1;
      valid_q   <= '0;
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    if (started_q) begin
      a_copies : assert (busy || (whole(hidden_update_copy) == ago4_q &&
                                  whole(hidden_host_copy) == ago4_q));
      a_cleared : assert (!busy || !hidden_init_row ||
                          (hidden_update_copy[129:0] == '0 && hidden_host_copy[129:0] == '0));
      a_zero_in_init : assert (!busy || now_q == '0 && ago1_q == '0 && ago2_q == '0 &&
                               ago3_q == '0 && ago4_q == '0);
      a_latency : assert (read_done == valid_q[8]);
      a_read : assert (!valid_q[8] || !known_q[8] || read_word == words_q[7*128+:128]);
    end
  end

  always_ff @(posedge clk_i) begin
    c_two : cover (started_q && read_done && known_q[8] && read_word[127:64] == 64'd3);
  end
endmodule
