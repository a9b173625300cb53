// SPDX-License-Identifier: Apache-2.0
//
// portcam_exact, tiny: every lookup that starts while busy_o is low answers after 8 clocks with the lowest way that
// holds the key, its value, and whether several do; every host read answers after 4 clocks with the row;
// for all contents, host accesses, inits and resets at any time, also in neighbouring clocks. By induction: the
// memory of the DUT and the write on its way to it (hidden_*, connected by hw/formal/run) are the table.

module exact_proof (
    input logic       clk_i,
    input logic       rst_ni,
    input logic       lookup_valid_i,
    input logic       lookup_bank_i,
    input logic [1:0] lookup_key_i,
    input logic       lookup_bucket_i,
    input logic       host_en_i,
    input logic       host_we_i,
    input logic       host_bank_i,
    input logic [1:0] host_row_i,
    input logic [3:0] host_word_i,
    input logic       init_i
);
  // A word is {valid, value, key}; words of the table are numbered {way, bank, bucket}.
  localparam int unsigned Words = 8;
  localparam logic [3:0]  Empty = 4'b0000;

  logic       match_valid;
  logic       match_hit;
  logic [1:0] match_row;
  logic       match_value;
  logic       match_multi;
  logic       host_rvalid;
  logic [3:0] host_rword;
  logic       busy;

  (* hidden = "u_dut.g_way[1].u_ram.mem[3:0] u_dut.g_way[0].u_ram.mem[3:0]" *)
  logic [4*Words-1:0] hidden_mem;
  (* hidden = "u_dut.b_en_q" *)
  logic [1:0] hidden_b_en;
  (* hidden = "u_dut.b_we_q" *)
  logic hidden_b_we;
  (* hidden = "u_dut.b_addr_q" *)
  logic [1:0] hidden_b_addr;
  (* hidden = "u_dut.b_wdata_q" *)
  logic [3:0] hidden_b_wdata;
  (* hidden = "u_dut.init_run_q" *)
  logic hidden_init_run;
  (* hidden = "u_dut.init_addr_q" *)
  logic [1:0] hidden_init_addr;

  portcam_exact #(
      .KeyWidth  (2),
      .ValueWidth(1),
      .Ways      (2),
      .Buckets   (2)
  ) u_dut (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .lookup_valid_i (lookup_valid_i),
      .lookup_bank_i  (lookup_bank_i),
      .lookup_key_i   (lookup_key_i),
      .lookup_hash_i  ({31'd0, lookup_bucket_i}),
      .match_valid_o  (match_valid),
      .match_hit_o    (match_hit),
      .match_row_o    (match_row),
      .match_value_o  (match_value),
      .match_multi_o  (match_multi),
      .host_en_i      (host_en_i),
      .host_we_i      (host_we_i),
      .host_bank_i    (host_bank_i),
      .host_row_i     (host_row_i),
      .host_valid_i   (host_word_i[3]),
      .host_key_i     (host_word_i[1:0]),
      .host_value_i   (host_word_i[2]),
      .host_rvalid_o  (host_rvalid),
      .host_rowvalid_o(host_rword[3]),
      .host_rkey_o    (host_rword[1:0]),
      .host_rvalue_o  (host_rword[2]),
      .init_i         (init_i),
      .busy_o         (busy)
  );

  // The table, and what is to be answered: {valid, known, hit, multi, row, value} and {valid, word}.
  logic [4*Words-1:0] table_q;
  logic [7*8-1:0]     answers_q;
  logic [5*4-1:0]     reads_q;
  logic               started_q = 1'b0;
  logic [2:0]         host_word_number;
  logic [3:0]         word0;
  logic [3:0]         word1;
  logic               same0;
  logic               same1;

  assign host_word_number = {host_row_i[1], host_bank_i, host_row_i[0]};
  assign word0 = table_q[32'({1'b0, lookup_bank_i, lookup_bucket_i})*4+:4];
  assign word1 = table_q[32'({1'b1, lookup_bank_i, lookup_bucket_i})*4+:4];
  assign same0 = word0[3] && word0[1:0] == lookup_key_i;
  assign same1 = word1[3] && word1[1:0] == lookup_key_i;

  always_ff @(posedge clk_i) begin
    answers_q <= {answers_q[7*7-1:0], lookup_valid_i, !busy, same0 || same1, same0 && same1,
                  !same0 && same1, (same0 || same1) && lookup_bucket_i,
                  same0 ? word0[2] : same1 && word1[2]};
    reads_q   <= {reads_q[5*3-1:0], host_en_i && !host_we_i && !busy,
                  table_q[32'(host_word_number)*4+:4]};
    for (int unsigned i = 0; i < Words; i++) begin
      if (init_i) begin
        table_q[i*4+:4] <= Empty;
      end else if (host_en_i && host_we_i && !busy && host_word_number == 3'(i)) begin
        table_q[i*4+:4] <= host_word_i;
      end
    end
    if (!rst_ni) begin
      started_q <= 1'b1;
      answers_q <= '0;
      reads_q   <= '0;
      table_q   <= {Words{Empty}};
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    if (started_q) begin
      for (int unsigned i = 0; i < Words; i++) begin
        // The word once the write on its way has arrived.
        if (hidden_b_en[i/4] && hidden_b_we && hidden_b_addr == 2'(i % 4)) begin
          assert (hidden_init_run || hidden_b_wdata == table_q[i*4+:4]);
          assert (!hidden_init_run || 2'(i % 4) >= hidden_init_addr || hidden_b_wdata == Empty);
        end else begin
          assert (hidden_init_run || hidden_mem[i*4+:4] == table_q[i*4+:4]);
          assert (!hidden_init_run || 2'(i % 4) >= hidden_init_addr ||
                  hidden_mem[i*4+:4] == Empty);
        end
        assert (!hidden_init_run || table_q[i*4+:4] == Empty);
      end
      a_busy_in_init : assert (!hidden_init_run || busy);
      a_latency : assert (match_valid == answers_q[55]);
      if (answers_q[55] && answers_q[54]) begin
        a_hit : assert (match_hit == answers_q[53]);
        a_multi : assert (match_multi == answers_q[52]);
        a_row : assert (match_row == answers_q[51:50]);
        a_value : assert (match_value == answers_q[49]);
      end
      a_read_latency : assert (host_rvalid == reads_q[19]);
      a_read : assert (!reads_q[19] || host_rword == reads_q[18:15]);
    end
  end

  always_ff @(posedge clk_i) begin
    c_multi : cover (started_q && match_valid && answers_q[54] && match_hit && match_multi);
    c_second : cover (started_q && match_valid && answers_q[54] && match_row == 2'd3 && match_value);
  end
endmodule
