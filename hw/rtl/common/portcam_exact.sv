// SPDX-License-Identifier: Apache-2.0
//
// portcam_exact: exact-match table of buckets with several ways, one lookup a clock; software
// places the rows.
//
// A row is {valid, key, value}. Row number = way * Buckets + bucket. A lookup reads the bucket
// lookup_hash_i % Buckets in every way, compares whole keys, and answers with the lowest way that
// matches; match_multi_o says that more than one way matched, which is a mistake of who placed the
// rows. There are two banks (top address bit), so that software can write one while the other is
// looked up.
//
// Lookup: match_* come exactly 8 clocks after lookup_*, for all parameters; one a clock, never
// stalled. match_row_o and match_value_o are 0 when match_hit_o is 0.
// Host port: one access a clock. A write (host_we_i = 1) replaces the row; a lookup from the next
// clock on sees it, one in the same clock sees the old row. A read answers exactly 4 clocks later
// with host_rvalid_o. A row number beyond the table reads as not valid and its write does nothing.
// While busy_o is high the host port takes nothing and answers nothing.
// Init: init_i empties all rows of both banks (2 * Buckets clocks, given again it starts again),
// leaving key KeyedInit and value 0 behind; it runs by itself after reset. busy_o is high while it
// runs. A host write in the clock of init_i is overwritten by it.
//
// Memory: a lookup in the same clock as a write of the same row sees the old row (portcam_ram).

`default_nettype none

module portcam_exact #(
    parameter int unsigned KeyWidth   = 64,
    parameter int unsigned ValueWidth = 32,
    parameter int unsigned Ways       = 4,
    parameter int unsigned Buckets    = 256,
    parameter int unsigned KeyedInit  = 0
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic                            lookup_valid_i,
    input  logic                            lookup_bank_i,
    input  logic [KeyWidth-1:0]             lookup_key_i,
    input  logic [31:0]                     lookup_hash_i,
    output logic                            match_valid_o,
    output logic                            match_hit_o,
    output logic [$clog2(Ways*Buckets)-1:0] match_row_o,
    output logic [ValueWidth-1:0]           match_value_o,
    output logic                            match_multi_o,
    input  logic                            host_en_i,
    input  logic                            host_we_i,
    input  logic                            host_bank_i,
    input  logic [$clog2(Ways*Buckets)-1:0] host_row_i,
    input  logic                            host_valid_i,
    input  logic [KeyWidth-1:0]             host_key_i,
    input  logic [ValueWidth-1:0]           host_value_i,
    output logic                            host_rvalid_o,
    output logic                            host_rowvalid_o,
    output logic [KeyWidth-1:0]             host_rkey_o,
    output logic [ValueWidth-1:0]           host_rvalue_o,
    input  logic                            init_i,
    output logic                            busy_o
);

  if (KeyWidth < 1 || ValueWidth < 1) begin : g_bad_width
    $error("portcam_exact: KeyWidth and ValueWidth must be at least 1");
  end
  if (Ways < 1 || Ways > 16) begin : g_bad_ways
    $error("portcam_exact: Ways must be 1 to 16");
  end
  if (Buckets < 2 || (Buckets & (Buckets - 1)) != 0) begin : g_bad_buckets
    $error("portcam_exact: Buckets must be a power of two and at least 2");
  end

  localparam int unsigned BucketBits = $clog2(Buckets);
  localparam int unsigned RowBits    = $clog2(Ways * Buckets);
  localparam int unsigned WayBits    = (Ways > 1) ? $clog2(Ways) : 1;
  localparam int unsigned WordWidth  = 1 + KeyWidth + ValueWidth;
  // Keys are compared in parts of 18 bits (two levels of six-input tables), and the parts one clock
  // later.
  localparam int unsigned PartBits   = 18;
  localparam int unsigned Parts      = (KeyWidth + PartBits - 1) / PartBits;

  //------------------------------------------------------------------------------------------------
  // Init, and the host port in registers in front of port B.

  logic                  init_run_q;
  logic [BucketBits:0]   init_addr_q;
  logic                  host_take;
  logic [WayBits-1:0]    host_way;
  logic [Ways-1:0]       b_en_q;
  logic                  b_we_q;
  logic [BucketBits:0]   b_addr_q;
  logic [WordWidth-1:0]  b_wdata_q;
  logic [3:0]            read_valid_q;
  logic [WayBits-1:0]    read_way_q1;
  logic [WayBits-1:0]    read_way_q2;
  logic [WayBits-1:0]    read_way_q3;
  logic [WordWidth-1:0]  read_word_q4;

  // One clock longer than the walk, because port B is one clock behind it.
  logic init_tail_q;

  assign busy_o    = init_run_q || init_tail_q;
  assign host_take = host_en_i && !busy_o;

  if (Ways > 1) begin : g_host_way
    assign host_way = host_row_i[RowBits-1-:WayBits];
  end else begin : g_no_host_way
    assign host_way = 1'b0;
  end

  always_ff @(posedge clk_i) begin
    init_tail_q <= init_run_q;
    if (init_i) begin
      init_run_q  <= 1'b1;
      init_addr_q <= '0;
    end else if (init_run_q) begin
      init_addr_q <= init_addr_q + 1'b1;
      init_run_q  <= !(&init_addr_q);
    end
    if (!rst_ni) begin
      init_run_q  <= 1'b1;
      init_tail_q <= 1'b1;
      init_addr_q <= '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (init_run_q) begin
      b_en_q    <= {Ways{rst_ni}};
      b_we_q    <= 1'b1;
      b_addr_q  <= init_addr_q;
      b_wdata_q <= {1'b0, {ValueWidth{1'b0}}, KeyWidth'(KeyedInit)};
    end else begin
      for (int unsigned w = 0; w < Ways; w++) begin
        b_en_q[w] <= host_take && host_way == WayBits'(w);
      end
      if (host_take) begin
        b_we_q    <= host_we_i;
        b_addr_q  <= {host_bank_i, host_row_i[BucketBits-1:0]};
        b_wdata_q <= {host_valid_i, host_value_i, host_key_i};
      end
    end
    read_way_q1 <= host_way;
  end

  //------------------------------------------------------------------------------------------------
  // Lookup clock 1: the question in registers. Clocks 2 and 3: all ways of the bucket.

  logic [7:0]            valid_q;  // valid_q[n] is n + 1 clocks late
  logic [KeyWidth-1:0]   key_q1;
  logic [BucketBits:0]   addr_q1;
  logic [KeyWidth-1:0]   key_q2;
  logic [KeyWidth-1:0]   key_q3;
  logic [BucketBits-1:0] bucket_q2;
  logic [BucketBits-1:0] bucket_q3;
  logic [BucketBits-1:0] bucket_q4;
  logic [BucketBits-1:0] bucket_q5;
  logic [BucketBits-1:0] bucket_q6;

  logic [Ways-1:0]       hits_q5;
  logic [Ways-1:0]       first_q6;  // at most one bit

  // The bucket uses the low bits of the hash only.
  logic unused_hash;
  assign unused_hash = ^lookup_hash_i;

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[6:0], lookup_valid_i};
    if (!rst_ni) begin
      valid_q <= '0;
    end
    if (lookup_valid_i) begin
      key_q1  <= lookup_key_i;
      addr_q1 <= {lookup_bank_i, lookup_hash_i[BucketBits-1:0]};
    end
    if (valid_q[0]) begin
      key_q2 <= key_q1;
    end
    if (valid_q[1]) begin
      key_q3 <= key_q2;
    end
    bucket_q2 <= addr_q1[BucketBits-1:0];
    bucket_q3 <= bucket_q2;
    bucket_q4 <= bucket_q3;
    bucket_q5 <= bucket_q4;
    bucket_q6 <= bucket_q5;
  end

  // Clock 4: each part of the key, in each way. Clock 5: the ways that match. A value moves on only
  // in a way that has a row, and then only in one that matches.
  for (genvar w = 0; w < Ways; w++) begin : g_way
    logic [WordWidth-1:0]  word_q3;
    logic [WordWidth-1:0]  b_word_q3;
    logic [WordWidth-1:0]  read_word;  // of the way that was asked, if it is this one or lower
    logic                  row_valid;
    logic                  row_valid_q4;
    logic [Parts-1:0]      same_q4;
    logic [ValueWidth-1:0] value_q4;
    logic [ValueWidth-1:0] value_q5;
    logic [ValueWidth-1:0] value_q6;
    logic [ValueWidth-1:0] value;      // of the way that matches, if it is this one or lower
    logic [RowBits-1:0]    row;

    assign row_valid = valid_q[2] && word_q3[WordWidth-1];

    for (genvar p = 0; p < Parts; p++) begin : g_part
      localparam int unsigned Bits = (p < Parts - 1) ? PartBits : KeyWidth - p * PartBits;
      always_ff @(posedge clk_i) begin
        if (row_valid) begin
          same_q4[p] <= word_q3[p*PartBits+:Bits] == key_q3[p*PartBits+:Bits];
        end
      end
    end

    always_ff @(posedge clk_i) begin
      row_valid_q4 <= row_valid;
      hits_q5[w]   <= row_valid_q4 && (&same_q4);
      if (row_valid) begin
        value_q4 <= word_q3[KeyWidth+:ValueWidth];
      end
      if (row_valid_q4) begin
        value_q5 <= value_q4;
      end
      if (hits_q5[w]) begin
        value_q6 <= value_q5;
      end
    end

    portcam_ram #(
        .Width      (WordWidth),
        .Depth      (2 * Buckets),
        .ReadLatency(2)
    ) u_ram (
        .clk_i    (clk_i),
        .a_en_i   (valid_q[0]),
        .a_addr_i (addr_q1),
        .a_data_o (word_q3),
        .b_en_i   (b_en_q[w]),
        .b_we_i   (b_we_q),
        .b_addr_i (b_addr_q),
        .b_wdata_i(b_wdata_q),
        .b_rdata_o(b_word_q3)
    );

    if (w == 0) begin : g_lowest
      assign read_word = (read_way_q3 == WayBits'(w)) ? b_word_q3 : '0;
      assign value     = first_q6[w] ? value_q6 : '0;
      assign row       = first_q6[w] ? RowBits'(bucket_q6) : '0;
    end else begin : g_higher
      assign read_word = (read_way_q3 == WayBits'(w)) ? b_word_q3 : g_way[w-1].read_word;
      assign value     = first_q6[w] ? value_q6 : g_way[w-1].value;
      assign row       = first_q6[w] ? RowBits'(w * Buckets) | RowBits'(bucket_q6)
                                     : g_way[w-1].row;
    end
  end

  // The answer of a host read: clocks 2 and 3 in the RAM, 4 the way that was asked.
  always_ff @(posedge clk_i) begin
    read_way_q2  <= read_way_q1;
    read_way_q3  <= read_way_q2;
    if (read_valid_q[2]) begin
      read_word_q4 <= g_way[Ways-1].read_word;
    end
    read_valid_q <= {read_valid_q[2:0], host_take && !host_we_i};
    if (!rst_ni) begin
      read_valid_q <= '0;
    end
  end

  assign host_rvalid_o = read_valid_q[3];
  assign {host_rowvalid_o, host_rvalue_o, host_rkey_o} = read_word_q4;

  // Clock 6: the lowest way. Clock 7: its value and row. Clock 8: the port.
  logic                  hit_q6;
  logic                  multi_q6;
  logic                  hit_q7;
  logic                  multi_q7;
  logic [RowBits-1:0]    row_q7;
  logic [ValueWidth-1:0] value_q7;
  logic                  hit_q8;
  logic                  multi_q8;
  logic [RowBits-1:0]    row_q8;
  logic [ValueWidth-1:0] value_q8;

  always_ff @(posedge clk_i) begin
    first_q6 <= hits_q5 & (~hits_q5 + 1'b1);
    hit_q6   <= hits_q5 != '0;
    multi_q6 <= (hits_q5 & (hits_q5 - 1'b1)) != '0;
    hit_q7   <= hit_q6;
    multi_q7 <= multi_q6;
    hit_q8   <= hit_q7;
    multi_q8 <= multi_q7;
    if (valid_q[5]) begin
      row_q7   <= g_way[Ways-1].row;
      value_q7 <= g_way[Ways-1].value;
    end
    if (valid_q[6]) begin
      row_q8   <= row_q7;
      value_q8 <= value_q7;
    end
  end

  assign match_valid_o = valid_q[7];
  assign match_hit_o   = hit_q8;
  assign match_row_o   = row_q8;
  assign match_value_o = value_q8;
  assign match_multi_o = multi_q8;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_lowest_way_is_one : assert ((first_q6 & (first_q6 - 1'b1)) == '0);
    end
  end
`endif

endmodule

`resetall
