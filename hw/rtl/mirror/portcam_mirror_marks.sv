// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_marks: slots whose operations found no room, one bit each, and which of them is to
// be looked at next.
//
// mark_valid_i marks mark_slot_i, with mark_from_i mark_from_slot_i too, which is of the stash: one
// operation a clock. Marks of a slot add up to one. The marked slots are offered one after another
// (slot_valid_o, slot_o until slot_ready_i); an offered slot is unmarked already, so what happens to
// it from then on marks it anew. clean_o: nothing is marked or offered. After a mark every slot is
// looked at once, round and round, 64 in six clocks and three for each that is marked; marks of
// tables in every clock let it wait.
// init_i forgets all marks; busy_o until that is done; marks given meanwhile are lost.
// A mark is there two clocks after it was given.
//
// Tables are words of 64 bits in portcam_accumulate, the two stashes are registers.

`default_nettype none

module portcam_mirror_marks #(
    parameter int unsigned Rows   = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6 = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Stash  = portcam_pkg::BuildConnectionStash
) (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        mark_valid_i,
    input  logic [23:0] mark_slot_i,
    input  logic        mark_from_i,
    input  logic [23:0] mark_from_slot_i,
    output logic        slot_valid_o,
    input  logic        slot_ready_i,
    output logic [23:0] slot_o,
    output logic        clean_o,
    input  logic        init_i,
    output logic        busy_o
);

  localparam int unsigned Base6     = Rows + Stash;
  localparam int unsigned Slots     = Rows + RowsV6 + 2 * Stash;
  localparam int unsigned Words     = (Slots + 63) / 64 < 2 ? 2 : (Slots + 63) / 64;
  localparam int unsigned WordBits  = $clog2(Words);
  localparam int unsigned StashBits = $clog2(Stash);
  localparam int unsigned Steps     = Words + 2;    // the words, then the two stashes
  localparam int unsigned StepBits  = $clog2(Steps + 1);

  //------------------------------------------------------------------------------------------------
  // Where a slot is marked.

  function automatic logic in_stash(input logic [23:0] slot);
    in_stash = (slot >= 24'(Rows) && slot < 24'(Base6)) || slot >= 24'(Base6 + RowsV6);
  endfunction

  logic                 mark_q;       // a mark of the clock before
  logic                 word_q;       // ... is in the words,
  logic                 first_q;      // in the first stash,
  logic                 first6_q;     // or in the second
  logic                 from_q;       // the slot that it left is in the first stash,
  logic                 from6_q;      // or in the second
  logic [WordBits+5:0]  mark_slot_q;
  logic [StashBits-1:0] from_slot_q;
  logic [Stash-1:0]     mark_stash;
  logic [Stash-1:0]     mark_stash6;

  always_ff @(posedge clk_i) begin
    mark_q <= mark_valid_i;
    if (mark_valid_i) begin
      word_q      <= !in_stash(mark_slot_i);
      first_q     <= in_stash(mark_slot_i) && mark_slot_i < 24'(Base6);
      first6_q    <= in_stash(mark_slot_i) && mark_slot_i >= 24'(Base6);
      from_q      <= mark_from_i && mark_from_slot_i < 24'(Base6);
      from6_q     <= mark_from_i && mark_from_slot_i >= 24'(Base6);
      mark_slot_q <= mark_slot_i[WordBits+5:0];
      from_slot_q <= mark_from_slot_i[StashBits-1:0];
    end
    if (!rst_ni || init_i) begin
      mark_q <= 1'b0;
    end
  end

  always_comb begin
    mark_stash  = '0;
    mark_stash6 = '0;
    if (mark_q) begin
      for (int unsigned n = 0; n < Stash; n++) begin
        mark_stash[n]  = (first_q && mark_slot_q[StashBits-1:0] == StashBits'(n)) ||
                         (from_q && from_slot_q == StashBits'(n));
        mark_stash6[n] = (first6_q && mark_slot_q[StashBits-1:0] == StashBits'(n)) ||
                         (from6_q && from_slot_q == StashBits'(n));
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The words: an event marks a bit, or takes them all.

  typedef enum logic [2:0] {
    StLook  = 3'd0,  // is there something to look at?
    StWait  = 3'd1,  // a word is on its way
    StPick  = 3'd2,  // its lowest bit is taken
    StName  = 3'd3,  // that bit gets the number of its slot
    StOffer = 3'd4
  } state_e;

  state_e              state_q;
  logic [StepBits-1:0] at_q;         // word, or stash, that is looked at
  logic [StepBits-1:0] left_q;       // so many are still to be looked at
  logic [2:0]          wait_q;
  logic [63:0]         bits_q;
  logic [63:0]         lowest_q;
  logic [5:0]          number;
  logic [23:0]         slot_q;
  logic                at_word;
  logic                look;
  logic                take;         // a word
  logic [63:0]         word;
  logic [63:0]         word_next;
  logic [6:0]          operand;
  logic                words_busy;

  assign at_word   = at_q < StepBits'(Words);
  assign look      = state_q == StLook && left_q != '0 && !mark_q && !busy_o && !init_i;
  assign take      = look && at_word;
  assign word_next = operand[6] ? '0 : word | (64'd1 << operand[5:0]);

  logic                unused_en;
  logic [WordBits-1:0] unused_row;
  logic [63:0]         unused_word;

  portcam_accumulate #(
      .Width  (64),
      .Operand(7),
      .Rows   (Words)
  ) u_words (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     ((mark_q && word_q) || take),
      .row_i       (take ? at_q[WordBits-1:0] : mark_slot_q[6+:WordBits]),
      .operand_i   ({take, mark_slot_q[5:0]}),
      .base_o      (word),
      .operand_o   (operand),
      .next_i      (word_next),
      .write_en_o  (unused_en),
      .write_row_o (unused_row),
      .write_word_o(unused_word),
      .init_i      (init_i),
      .busy_o      (words_busy)
  );

  assign busy_o = words_busy;

  //------------------------------------------------------------------------------------------------
  // Round and round.

  logic [Stash-1:0] stash_q;
  logic [Stash-1:0] stash6_q;
  logic             at_stash;
  logic             at_stash6;
  logic [7:0]       groups;      // bytes with a bit
  logic [63:0]      lowest;      // bit

  assign at_stash  = at_q == StepBits'(Words);
  assign at_stash6 = at_q == StepBits'(Words + 1);

  always_comb begin
    groups = '0;
    lowest = '0;
    if (state_q == StPick) begin
      for (int unsigned g = 0; g < 8; g++) begin
        groups[g] = bits_q[g*8+:8] != '0;
      end
      for (int unsigned n = 0; n < 64; n++) begin
        lowest[n] = bits_q[n] && (bits_q[n/8*8+:8] & ((8'd1 << n % 8) - 8'd1)) == '0 &&
                    (groups & ((8'd1 << n / 8) - 8'd1)) == '0;
      end
    end
  end

  always_comb begin
    number = '0;
    for (int unsigned n = 0; n < 64; n++) begin
      number |= lowest_q[n] ? 6'(n) : '0;
    end
  end

  logic [23:0] base;

  always_comb begin
    if (at_stash) begin
      base = 24'(Rows);
    end else if (at_stash6) begin
      base = 24'(Base6 + RowsV6);
    end else begin
      base = {18'(at_q), 6'd0};
    end
  end

  always_ff @(posedge clk_i) begin
    wait_q <= {wait_q[1:0], take};
    stash_q  <= (look && at_stash ? '0 : stash_q) | mark_stash;
    stash6_q <= (look && at_stash6 ? '0 : stash6_q) | mark_stash6;
    unique case (state_q)
      StLook: begin
        if (take) begin
          state_q <= StWait;
        end else if (look) begin
          state_q <= StPick;
          bits_q  <= at_stash ? 64'(stash_q) : 64'(stash6_q);
        end
      end
      StWait: begin
        if (wait_q[2]) begin
          state_q <= StPick;
          bits_q  <= word;
        end
      end
      StPick: begin
        if (bits_q == '0) begin
          state_q <= StLook;
          at_q    <= at_stash6 ? '0 : at_q + 1'b1;
        end else begin
          state_q  <= StName;
          lowest_q <= lowest;
          bits_q   <= bits_q & ~lowest;
        end
      end
      StName: begin
        state_q <= StOffer;
        slot_q  <= base + 24'(number);
      end
      StOffer: begin
        if (slot_ready_i) begin
          state_q <= StPick;
        end
      end
      default: state_q <= StLook;
    endcase
    if (mark_valid_i) begin
      left_q <= StepBits'(Steps);
    end else if (look) begin
      left_q <= left_q - 1'b1;
    end
    if (!rst_ni || init_i) begin
      state_q  <= StLook;
      at_q     <= '0;
      left_q   <= '0;
      wait_q   <= '0;
      bits_q   <= '0;
      stash_q  <= '0;
      stash6_q <= '0;
    end
  end

  assign slot_valid_o = state_q == StOffer;
  assign slot_o       = slot_q;
  assign clean_o      = left_q == '0 && state_q == StLook;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !init_i) begin
      a_only_slots_that_there_are : assert (!slot_valid_o || slot_o < 24'(Slots));
      a_records_move_from_the_stash :
      assert (!(mark_valid_i && mark_from_i) || in_stash(mark_from_slot_i));
    end
  end
`endif

endmodule

`resetall
