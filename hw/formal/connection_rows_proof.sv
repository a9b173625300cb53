// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_rows, tiny: 16 rows in four tables of two ways, a stash of two, ReadLatency 1. It is written as
// portcam_connections does: a record begins where its key has no row, ends in its place, and moves from the stash to
// the table in one clock. For both keys that there are, for all questions in neighbouring clocks: at most one live row has
// a key, an answer is what the tables held when the question came and the stash one clock later, and a record that
// lives is found in the table or in the stash, and in one of them only, also while it moves.

module connection_rows_proof (
    input logic       clk_i,
    input logic       rst_ni,
    input logic       valid_i,
    input logic [3:0] buckets_i,     // of each table
    input logic       key_i,
    input logic       write_valid_i,
    input logic       write_live_i,
    input logic       write_stash_i,
    input logic       write_entry_i,
    input logic       write_bucket_i,
    input logic [1:0] write_table_i,
    input logic       write_way_i,
    input logic       write_key_i,
    input logic       move_i,        // the record comes from a stash entry
    input logic       clear_entry_i
);
  // Places of the reference: bucket * 8 + table * 2 + way, then the stash.
  localparam int unsigned Rows   = 16;
  localparam int unsigned Places = 10;   // that one question sees

  portcam_connection_pkg::row_t key;
  portcam_connection_pkg::row_t write_row;
  portcam_connection_pkg::row_t row;
  logic                         hit;
  logic [Places-1:0]            found;
  logic [Places-1:0]            same;
  logic [Places*16-1:0]         ends;
  logic [Places-1:0]            used;
  logic [1:0]                   stash_used;
  logic                         busy;
  logic                         key_q1;
  logic                         writes;
  logic [4:0]                   at;        // the place that is written

  always_comb begin
    key                   = '0;
    key.client.ip         = {127'd0, key_q1};
    write_row             = '0;
    write_row.client.ip   = {127'd0, write_key_i};
  end

  assign writes = write_valid_i && !busy && rst_ni;
  assign at     = write_stash_i ? 5'd16 + {4'd0, write_entry_i}
                                : {1'b0, write_bucket_i, write_table_i, write_way_i};

  portcam_connection_rows #(
      .IsV6       (1'b0),
      .Rows       (Rows),
      .Ways       (2),
      .Stash      (2),
      .ReadLatency(1),
      .Services   (2),
      .Addresses  (2),
      .Backends   (2)
  ) u_dut (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .valid_i       (valid_i && !busy),
      .buckets_i     (buckets_i),
      .key_q_i       (key),
      .forward_q_i   (1'b1),
      .reverse_q_i   (1'b0),
      .direct_q_i    (1'b0),
      .place_q_i     (10'd0),
      .hit_o         (hit),
      .row_o         (row),
      .found_o       (found),
      .same_q1_o     (same),
      .ends_q1_o     (ends),
      .used_o        (used),
      .stash_used_o  (stash_used),
      .write_valid_i (writes),
      .write_live_i  (write_live_i),
      .write_stash_i (write_stash_i),
      .write_entry_i (write_entry_i),
      .write_bucket_i(write_bucket_i),
      .write_table_i (write_table_i),
      .write_way_i   (write_way_i),
      .write_row_i   (write_row),
      .clear_valid_i (writes && move_i),
      .clear_entry_i (clear_entry_i),
      .init_i        (1'b0),
      .busy_o        (busy)
  );

  // The places that hold each of the two keys.
  logic [17:0] has0_q;
  logic [17:0] has1_q;
  logic [17:0] has;        // the key that is written
  logic [17:0] live;       // any
  logic [17:0] leaves_q;   // a stash entry whose row is in the table since this clock
  logic        started_q = 1'b0;

  assign has  = (write_key_i ? has1_q : has0_q) & ~leaves_q;
  assign live = has0_q | has1_q;

  // The discipline of portcam_connections.
  always_comb begin
    if (writes) begin
      if (move_i) begin
        assume (write_live_i && !write_stash_i && has[5'd16 + {4'd0, clear_entry_i}] && !live[at]);
      end else if (write_live_i) begin
        assume (has == '0 ? !live[at] : has[at]);
      end else begin
        assume (has[at]);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    started_q <= 1'b1;
    leaves_q  <= '0;
    has0_q    <= has0_q & ~leaves_q;
    has1_q    <= has1_q & ~leaves_q;
    if (writes) begin
      for (int unsigned p = 0; p < 18; p++) begin
        if (at == 5'(p)) begin
          has0_q[p] <= write_live_i && !write_key_i;
          has1_q[p] <= write_live_i && write_key_i;
        end
        if (move_i && 5'(p) == 5'd16 + {4'd0, clear_entry_i}) begin
          leaves_q[p] <= 1'b1;
        end
      end
    end
    if (!rst_ni) begin
      has0_q   <= '0;
      has1_q   <= '0;
      leaves_q <= '0;
    end
  end

  // A question, one and two clocks after it came: what the tables held, then what the stash held.
  logic [7:0]        table_now;
  logic [7:0]        table_q1;
  logic [Places-1:0] places_q2;
  logic [Places-1:0] places_q3;
  logic [3:1]        valid_q;
  logic [17:0]       asked;

  assign asked = key_i ? has1_q : has0_q;

  always_comb begin
    for (int unsigned p = 0; p < 8; p++) begin
      table_now[p] = buckets_i[p/2] ? asked[8+p] : asked[p];
    end
  end

  always_ff @(posedge clk_i) begin
    valid_q   <= {valid_q[2:1], valid_i && !busy};
    key_q1    <= key_i;
    table_q1  <= table_now;
    places_q2 <= {key_q1 ? has1_q[17:16] : has0_q[17:16], table_q1};
    places_q3 <= places_q2;
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  // A record that lives is found, unless it ends in the clock of the question.
  logic ended_q1;
  logic ended_q2;
  logic ended_q3;
  logic moved_q1;
  logic moved_q2;
  logic moved_q3;
  logic lives_q1;
  logic lives_q2;
  logic lives_q3;
  logic meant;       // the buckets of the question are those of the record

  assign meant = (table_now != '0) || ((asked[17:16] & ~leaves_q[17:16]) != '0);

  always_ff @(posedge clk_i) begin
    ended_q1 <= writes && !write_live_i;
    ended_q2 <= ended_q1;
    ended_q3 <= ended_q2;
    moved_q1 <= writes && move_i;
    moved_q2 <= moved_q1;
    moved_q3 <= moved_q2;
    lives_q1 <= meant;
    lives_q2 <= lives_q1;
    lives_q3 <= lives_q2;
  end

  always_comb begin
    if (!started_q) assume (!rst_ni);
    if (started_q && rst_ni && !busy) begin
      a_one_row_for_a_key : assert (((has0_q & ~leaves_q) & ((has0_q & ~leaves_q) - 18'd1)) == '0 &&
                                    ((has1_q & ~leaves_q) & ((has1_q & ~leaves_q) - 18'd1)) == '0 &&
                                    (has0_q & has1_q) == '0);
      a_stash_is_what_was_written : assert (stash_used == live[17:16]);
      if (valid_q[3]) begin
        a_found_is_what_was_there : assert (found == places_q3 && hit == (places_q3 != '0));
        a_found_once : assert ((found & (found - 10'd1)) == '0);
        a_nothing_is_lost : assert (!lives_q3 || hit || ended_q3);
        c_found_in_the_table : cover (hit && found[9:8] == 2'b00);
        c_found_in_the_stash : cover (hit && found[9:8] != 2'b00);
        c_found_while_it_moves : cover (lives_q3 && hit && moved_q3);
        c_ends_in_its_clock : cover (lives_q3 && !hit);
      end
    end
  end

endmodule
