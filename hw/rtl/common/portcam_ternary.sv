// SPDX-License-Identifier: Apache-2.0
//
// portcam_ternary: ternary match (value and mask a row) in block RAM, one lookup a clock.
//
// The key is cut into slices of SliceBits. Each slice has a memory with one word for each value the
// slice can take, and one bit a row in each word: "this row accepts this value here". A lookup
// reads one word from each slice and ANDs them; what is left are the rows that match, and the
// LOWEST row number wins. There are two banks (top address bit), so that software can write one
// while the other is looked up.
//
// Lookup: match_* come exactly 8 clocks after lookup_*, for all parameters; one a clock, never
// stalled, also during writes and init. match_row_o is 0 when match_hit_o is 0.
// Row write: taken when write_valid_i and write_ready_o; the engine rewrites the row's bit in all
// 2^SliceBits words of the bank, two clocks a word; write_done_o pulses 2 * 2^SliceBits + 1 clocks
// after the write was taken, and lookups from that clock on see the whole row. A lookup of the same
// bank before that may see the row partly written: write only the bank that is not looked up. A row
// with write_enable_row_i = 0 never matches. A mask bit of 1 means the key bit must be equal; a row
// with mask 0 matches every key.
// Init: init_i deletes all rows of both banks (4 * 2^SliceBits clocks); it runs by itself after
// reset; given during a write it waits for the write's end, given during an init it starts again.
// busy_o is high during both.
//
// Memory: a lookup in the same clock as the engine writes the word sees the old word (portcam_ram).

`default_nettype none

module portcam_ternary #(
    parameter int unsigned KeyWidth  = 64,
    parameter int unsigned Rows      = 128,
    parameter int unsigned SliceBits = 8
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    lookup_valid_i,
    input  logic                    lookup_bank_i,
    input  logic [KeyWidth-1:0]     lookup_key_i,
    output logic                    match_valid_o,
    output logic                    match_hit_o,
    output logic [$clog2(Rows)-1:0] match_row_o,
    input  logic                    write_valid_i,
    output logic                    write_ready_o,
    input  logic                    write_bank_i,
    input  logic [$clog2(Rows)-1:0] write_row_i,
    input  logic [KeyWidth-1:0]     write_key_i,
    input  logic [KeyWidth-1:0]     write_mask_i,
    input  logic                    write_enable_row_i,
    output logic                    write_done_o,
    input  logic                    init_i,
    output logic                    busy_o
);

  if (KeyWidth < 1) begin : g_bad_key
    $error("portcam_ternary: KeyWidth must be at least 1");
  end
  if (Rows < 2 || Rows > 2048) begin : g_bad_rows
    $error("portcam_ternary: Rows must be 2 to 2048");
  end
  if (SliceBits < 2 || SliceBits > 12) begin : g_bad_slice
    $error("portcam_ternary: SliceBits must be 2 to 12");
  end

  localparam int unsigned Slices  = (KeyWidth + SliceBits - 1) / SliceBits;
  localparam int unsigned PadKey  = Slices * SliceBits;
  localparam int unsigned RowBits = $clog2(Rows);

  //------------------------------------------------------------------------------------------------
  // Engine: walks the words of port B for a row write or for init.

  typedef enum logic [1:0] {
    StIdle  = 2'd0,
    StWrite = 2'd1,
    StInit  = 2'd2
  } state_e;

  state_e                state_q;
  logic                  init_pending_q;
  logic                  take_write;
  // Row write: {upper address bits, 0 read / 1 write, lowest address bit}; so two words are read
  // and then written.
  // Init: {bank, address}.
  logic [SliceBits:0]    step_q;
  logic                  step_last;
  logic                  done_q;

  logic                  row_bank_q;
  logic [PadKey-1:0]     row_key_q;
  logic [PadKey-1:0]     row_mask_q;
  logic                  row_enable_q;
  logic [Rows-1:0]       row_onehot_q;

  // Port B, one clock behind the walk.
  logic                  b_en_q;
  logic                  b_we_q;
  logic                  b_merge_q;   // write = merge the row's bit; otherwise write zeros
  logic [SliceBits:0]    b_addr_q;
  logic [Slices-1:0]     b_bit_q;     // the row accepts this value of the slice
  logic [SliceBits-1:0]  walk_addr;

  assign write_ready_o = state_q == StIdle && !init_pending_q;
  assign take_write    = write_valid_i && write_ready_o;
  assign busy_o        = state_q != StIdle || init_pending_q || b_en_q;
  assign write_done_o  = done_q;
  assign step_last     = &step_q;
  assign walk_addr     = {step_q[SliceBits:2], step_q[0]};

  always_ff @(posedge clk_i) begin
    done_q <= 1'b0;
    step_q <= step_q + 1'b1;
    unique case (state_q)
      StIdle: begin
        step_q <= '0;
        if (take_write) begin
          state_q        <= StWrite;
          init_pending_q <= init_i;
        end else if (init_i || init_pending_q) begin
          state_q        <= StInit;
          init_pending_q <= 1'b0;
        end
      end
      StWrite: begin
        init_pending_q <= init_pending_q || init_i;
        if (step_last) begin
          state_q <= StIdle;
          done_q  <= 1'b1;
        end
      end
      StInit: begin
        if (init_i) begin
          step_q <= '0;
        end else if (step_last) begin
          state_q <= StIdle;
        end
      end
      default: begin
        state_q <= StInit;
        step_q  <= '0;
      end
    endcase
    if (!rst_ni) begin
      state_q        <= StInit;
      init_pending_q <= 1'b0;
      step_q         <= '0;
      done_q         <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take_write) begin
      row_bank_q   <= write_bank_i;
      row_key_q    <= PadKey'(write_key_i);
      row_mask_q   <= PadKey'(write_mask_i);
      row_enable_q <= write_enable_row_i;
      row_onehot_q <= {{(Rows - 1) {1'b0}}, 1'b1} << write_row_i;
    end
  end

  always_ff @(posedge clk_i) begin
    b_merge_q <= state_q == StWrite;
    if (state_q == StWrite) begin
      b_we_q   <= step_q[1];
      b_addr_q <= {row_bank_q, walk_addr};
    end else begin
      b_we_q   <= 1'b1;
      b_addr_q <= step_q;
    end
    b_en_q <= rst_ni && state_q != StIdle;
  end

  //------------------------------------------------------------------------------------------------
  // Lookup clock 1: the key in registers. Clocks 2 and 3: the slice memories.

  logic [PadKey-1:0] key_q;
  logic              bank_q;
  logic [7:0]        valid_q;  // valid_q[n] is n + 1 clocks late

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[6:0], lookup_valid_i};
    if (!rst_ni) begin
      valid_q <= '0;
    end
    if (lookup_valid_i) begin
      key_q  <= PadKey'(lookup_key_i);
      bank_q <= lookup_bank_i;
    end
  end

  // The AND of all slices grows from slice to slice.
  for (genvar s = 0; s < Slices; s++) begin : g_slice
    logic [Rows-1:0] word_q3;
    logic [Rows-1:0] words_and;
    logic [Rows-1:0] b_rdata;
    logic [Rows-1:0] b_wdata;

    always_ff @(posedge clk_i) begin
      if (state_q == StWrite) begin
        b_bit_q[s] <= row_enable_q && ((row_key_q[s*SliceBits+:SliceBits] ^ walk_addr) &
                                       row_mask_q[s*SliceBits+:SliceBits]) == '0;
      end
    end

    // The word read two clocks ago leaves the RAM in the clock of its write.
    always_comb begin
      if (b_merge_q) begin
        b_wdata = (b_rdata & ~row_onehot_q) | (b_bit_q[s] ? row_onehot_q : '0);
      end else begin
        b_wdata = '0;
      end
    end

    portcam_ram #(
        .Width      (Rows),
        .Depth      (2 << SliceBits),
        .ReadLatency(2)
    ) u_ram (
        .clk_i    (clk_i),
        .a_en_i   (valid_q[0]),
        .a_addr_i ({bank_q, key_q[s*SliceBits+:SliceBits]}),
        .a_data_o (word_q3),
        .b_en_i   (b_en_q),
        .b_we_i   (b_we_q),
        .b_addr_i (b_addr_q),
        .b_wdata_i(b_wdata),
        .b_rdata_o(b_rdata)
    );

    if (s == 0) begin : g_first
      assign words_and = word_q3;
    end else begin : g_next
      assign words_and = g_slice[s-1].words_and & word_q3;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 4: the AND of all slices. Clocks 5 to 8: the lowest row, in portcam_lowest.

  logic [Rows-1:0] rows_q4;

  always_ff @(posedge clk_i) begin
    if (valid_q[2]) begin
      rows_q4 <= g_slice[Slices-1].words_and;
    end
  end

  portcam_lowest #(
      .Rows(Rows)
  ) u_lowest (
      .clk_i  (clk_i),
      .valid_i(valid_q[3]),
      .rows_i (rows_q4),
      .hit_o  (match_hit_o),
      .row_o  (match_row_o)
  );

  assign match_valid_o = valid_q[7];

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_state_is_legal : assert (state_q != 2'd3);
      a_write_row_exists :
      assert (!take_write || (RowBits + 1)'(write_row_i) < (RowBits + 1)'(Rows));
    end
  end
`endif

endmodule

`resetall
