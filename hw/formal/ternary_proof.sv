// SPDX-License-Identifier: Apache-2.0
//
// portcam_ternary, tiny (two slices of two bits, three rows): every lookup answers after 8 clocks with the lowest row
// that matches, from the clock of write_done_o on with the new row; in the bank in writing all rows but
// that one answer as before; for all tables, keys, masks, writes, inits and resets at any time. By induction: the
// memory of the DUT and the write on its way to it (hidden_*, connected by hw/formal/run) say, word by
// word, which values each row accepts; while the engine walks, for the words it has passed.

module ternary_proof (
    input logic       clk_i,
    input logic       rst_ni,
    input logic       lookup_valid_i,
    input logic       lookup_bank_i,
    input logic [3:0] lookup_key_i,
    input logic       write_valid_i,
    input logic       write_bank_i,
    input logic [1:0] write_row_i,
    input logic [3:0] write_key_i,
    input logic [3:0] write_mask_i,
    input logic       write_enable_row_i,
    input logic       init_i
);
  localparam int unsigned Rows   = 3;
  localparam int unsigned Slices = 2;
  localparam int unsigned Depth  = 8;  // {bank, two bits of the key}

  logic       match_valid;
  logic       match_hit;
  logic [1:0] match_row;
  logic       write_ready;
  logic       write_done;
  logic       busy;

  (* hidden = "u_dut.g_slice[1].u_ram.mem[7:0] u_dut.g_slice[0].u_ram.mem[7:0]" *)
  logic [Slices*Depth*Rows-1:0] hidden_mem;
  (* hidden = "u_dut.g_slice[1].b_wdata u_dut.g_slice[0].b_wdata" *)
  logic [Slices*Rows-1:0] hidden_b_wdata;
  (* hidden = "u_dut.b_en_q" *)
  logic hidden_b_en;
  (* hidden = "u_dut.b_we_q" *)
  logic hidden_b_we;
  (* hidden = "u_dut.b_addr_q" *)
  logic [2:0] hidden_b_addr;
  (* hidden = "u_dut.state_q" *)
  logic [1:0] hidden_state;
  (* hidden = "u_dut.init_pending_q" *)
  logic hidden_init_pending;
  (* hidden = "u_dut.step_q" *)
  logic [2:0] hidden_step;
  (* hidden = "u_dut.row_bank_q u_dut.row_key_q u_dut.row_mask_q u_dut.row_enable_q" *)
  logic [9:0] hidden_row;
  (* hidden = "u_dut.row_onehot_q" *)
  logic [2:0] hidden_onehot;

  portcam_ternary #(
      .KeyWidth (4),
      .Rows     (Rows),
      .SliceBits(2)
  ) u_dut (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .lookup_valid_i    (lookup_valid_i),
      .lookup_bank_i     (lookup_bank_i),
      .lookup_key_i      (lookup_key_i),
      .match_valid_o     (match_valid),
      .match_hit_o       (match_hit),
      .match_row_o       (match_row),
      .write_valid_i     (write_valid_i),
      .write_ready_o     (write_ready),
      .write_bank_i      (write_bank_i),
      .write_row_i       (write_row_i),
      .write_key_i       (write_key_i),
      .write_mask_i      (write_mask_i),
      .write_enable_row_i(write_enable_row_i),
      .write_done_o      (write_done),
      .init_i            (init_i),
      .busy_o            (busy)
  );

  // The table {enable, mask, key}, rows numbered {bank, row}; the row in writing, and its clock; and the
  // two answers that are right for each lookup: {valid, known, hit, row, hit, row}.
  logic [6*9-1:0] table_q;
  logic           writing_q;
  logic           write_bank_q;
  logic [1:0]     write_row_q;
  logic [8:0]     write_q;
  logic [3:0]     clock_q;
  logic [8*8-1:0] answers_q;
  logic           started_q = 1'b0;
  logic           take;
  logic           commit;

  assign take   = write_valid_i && write_ready;
  assign commit = writing_q && clock_q == 4'd7;

  function automatic logic accepts(logic [8:0] row, logic [1:0] slice_key, logic slice);
    accepts = row[8] && (slice ? ((row[3:2] ^ slice_key) & row[7:6]) == 2'd0
                               : ((row[1:0] ^ slice_key) & row[5:4]) == 2'd0);
  endfunction

  logic [2:0] matches;
  logic [2:0] others;
  logic [2:0] with_row;

  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      matches[r] =
          accepts(table_q[(lookup_bank_i ? r + 3 : r)*9+:9], lookup_key_i[1:0], 1'b0) &&
          accepts(table_q[(lookup_bank_i ? r + 3 : r)*9+:9], lookup_key_i[3:2], 1'b1);
    end
    others   = matches;
    with_row = matches;
    if (writing_q && lookup_bank_i == write_bank_q) begin
      others   = matches & ~(3'b001 << write_row_q);
      with_row = matches | (3'b001 << write_row_q);
    end
  end

  function automatic logic [2:0] lowest(logic [2:0] rows);
    lowest = rows[0] ? 3'b100 : rows[1] ? 3'b101 : rows[2] ? 3'b110 : 3'b000;
  endfunction

  always_ff @(posedge clk_i) begin
    answers_q <= {answers_q[55:0], lookup_valid_i,
                  hidden_state != 2'd2 && !(hidden_state == 2'd0 && hidden_init_pending),
                  lowest(others), lowest(with_row)};
    clock_q <= clock_q + 4'd1;
    if (take) begin
      writing_q    <= 1'b1;
      clock_q      <= 4'd0;
      write_bank_q <= write_bank_i;
      write_row_q  <= write_row_i;
      write_q      <= {write_enable_row_i, write_mask_i, write_key_i};
    end else if (commit) begin
      writing_q <= 1'b0;
    end
    for (int unsigned i = 0; i < 6; i++) begin
      if (hidden_state == 2'd2) begin
        table_q[i*9+8] <= 1'b0;
      end else if (commit && 32'(write_bank_q) * 3 + 32'(write_row_q) == i) begin
        table_q[i*9+:9] <= write_q;
      end
    end
    if (!rst_ni) begin
      started_q <= 1'b1;
      writing_q <= 1'b0;
      answers_q <= '0;
      table_q   <= '0;
    end
  end

  // Each bit of the memory, once the write on its way has arrived.
  logic stored;
  always_comb begin
    stored = 1'b0;
    assume (started_q || !rst_ni);
    assume (write_row_i != 2'd3);
    if (started_q) begin
      for (int unsigned s = 0; s < Slices; s++) begin
        for (int unsigned a = 0; a < Depth; a++) begin
          for (int unsigned r = 0; r < Rows; r++) begin
            stored = hidden_mem[(s*Depth+a)*Rows+r];
            if (hidden_b_en && hidden_b_we && hidden_b_addr == 3'(a)) begin
              stored = hidden_b_wdata[s*Rows+r];
            end
            if (hidden_state == 2'd2) begin
              assert (3'(a) >= hidden_step || !stored);
            end else if (writing_q && write_bank_q == 1'(a / 4) && write_row_q == 2'(r)) begin
              assert ({1'(a / 2), 1'b1, 1'(a)} >= hidden_step ||
                      stored == accepts(write_q, 2'(a), 1'(s)));
            end else begin
              assert (stored == accepts(table_q[(a/4*3+r)*9+:9], 2'(a), 1'(s)));
            end
          end
        end
      end
      a_state : assert (hidden_state != 2'd3 && writing_q == (hidden_state == 2'd1));
      a_pending_at_write_only : assert (hidden_state != 2'd2 || !hidden_init_pending);
      a_row_kept : assert (!writing_q || hidden_row == {write_bank_q, write_q[3:0], write_q[7:4],
                                                        write_q[8]});
      a_onehot : assert (!writing_q || hidden_onehot == 3'b001 << write_row_q);
      a_row_exists : assert (!writing_q || write_row_q != 2'd3);
      a_step : assert (!writing_q || 4'(hidden_step) == clock_q);
      a_busy : assert (busy || hidden_state == 2'd0 && !hidden_init_pending && !hidden_b_en);
      a_done_after_9_clocks : assert (!write_done || clock_q == 4'd8 && !writing_q);
      a_latency : assert (match_valid == answers_q[63]);
      if (answers_q[63] && answers_q[62]) begin
        a_answer : assert ({match_hit, match_row} == answers_q[61:59] ||
                           {match_hit, match_row} == answers_q[58:56]);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    c_done : cover (started_q && write_done);
    c_hit : cover (started_q && match_valid && answers_q[62] && match_hit && match_row == 2'd2 &&
                   answers_q[61:59] == answers_q[58:56]);
  end
endmodule
