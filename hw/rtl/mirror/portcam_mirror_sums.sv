// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror_sums: for each block of 4,096 slots, how many records it holds and the sum over
// them of the CRC-32C of slot, generation and state, kept up to date by every operation.
//
// Operations come with valid_i, one a clock, and are counted whether they are mirrored or not.
// ask_i, in a clock without an operation, asks for a block: done_o follows exactly 6 clocks later,
// with what the operations before ask_i made of it. A record that arrives in a slot, or changes in
// it, is added to the block's word of what came; one that leaves, as it was, to that of what left;
// the block is the difference. So a move touches two blocks in one clock.
// init_i clears all; busy_o until it is done (portcam_accumulate).

`default_nettype none

module portcam_mirror_sums #(
    parameter int unsigned Slots = 81952
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic                            valid_i,
    input  portcam_connection_pkg::mirror_t mirror_i,
    input  logic                            ask_i,
    input  logic [11:0]                     block_i,
    output logic                            done_o,
    output logic [31:0]                     sum_o,
    output logic [31:0]                     records_o,
    input  logic                            init_i,
    output logic                            busy_o
);

  localparam int unsigned Blocks    = (Slots + 4095) / 4096;
  localparam int unsigned Rows      = Blocks < 2 ? 2 : Blocks;
  localparam int unsigned BlockBits = $clog2(Rows);

  // Clock 0: what came, what left.
  logic        came;
  logic        left;
  logic [23:0] left_slot;
  logic [71:0] came_key;
  logic [71:0] left_key;

  assign came      = valid_i && (mirror_i.began || mirror_i.changed || mirror_i.moved);
  assign left      = valid_i && (mirror_i.replaced || mirror_i.changed || mirror_i.ended ||
                                 mirror_i.moved);
  assign left_slot = mirror_i.moved ? mirror_i.from_slot : mirror_i.slot;
  assign came_key  = {4'd0, mirror_i.state.state, mirror_i.state.generation, 8'd0, mirror_i.slot};
  assign left_key  = {4'd0, mirror_i.last.state, mirror_i.last.generation, 8'd0, left_slot};

  // Clock 2: their CRC.
  logic                 came_q2;
  logic                 left_q2;
  logic [31:0]          came_crc;
  logic [31:0]          left_crc;
  logic [1:0]           ask_q;
  logic [BlockBits-1:0] came_block_q1;
  logic [BlockBits-1:0] came_block_q2;
  logic [BlockBits-1:0] left_block_q1;
  logic [BlockBits-1:0] left_block_q2;

  portcam_crc32c #(
      .KeyWidth(72)
  ) u_came_crc (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(came),
      .key_i  (came_key),
      .seed_i ('0),
      .valid_o(came_q2),
      .hash_o (came_crc)
  );

  portcam_crc32c #(
      .KeyWidth(72)
  ) u_left_crc (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(left),
      .key_i  (left_key),
      .seed_i ('0),
      .valid_o(left_q2),
      .hash_o (left_crc)
  );

  always_ff @(posedge clk_i) begin
    ask_q         <= {ask_q[0], ask_i};
    came_block_q1 <= ask_i ? block_i[BlockBits-1:0] : mirror_i.slot[12+:BlockBits];
    left_block_q1 <= ask_i ? block_i[BlockBits-1:0] : left_slot[12+:BlockBits];
    came_block_q2 <= came_block_q1;
    left_block_q2 <= left_block_q1;
    if (!rst_ni) begin
      ask_q <= '0;
    end
  end

  // Clock 5: the words before the operation; a question changes nothing.
  logic [63:0] came_word;
  logic [63:0] left_word;
  logic [63:0] came_next;
  logic [63:0] left_next;
  logic [32:0] came_operand;
  logic [32:0] left_operand;
  logic        came_busy;
  logic        left_busy;

  assign came_next = came_operand[32] ? came_word : {came_word[63:32] + 32'd1,
                                                     came_word[31:0] + came_operand[31:0]};
  assign left_next = left_operand[32] ? left_word : {left_word[63:32] + 32'd1,
                                                     left_word[31:0] + left_operand[31:0]};

  logic                 unused_came_en;
  logic                 unused_left_en;
  logic [BlockBits-1:0] unused_came_row;
  logic [BlockBits-1:0] unused_left_row;
  logic [63:0]          unused_came_word;
  logic [63:0]          unused_left_word;

  portcam_accumulate #(
      .Width  (64),
      .Operand(33),
      .Rows   (Rows)
  ) u_came (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (came_q2 || ask_q[1]),
      .row_i       (came_block_q2),
      .operand_i   ({ask_q[1], came_crc}),
      .base_o      (came_word),
      .operand_o   (came_operand),
      .next_i      (came_next),
      .write_en_o  (unused_came_en),
      .write_row_o (unused_came_row),
      .write_word_o(unused_came_word),
      .init_i      (init_i),
      .busy_o      (came_busy)
  );

  portcam_accumulate #(
      .Width  (64),
      .Operand(33),
      .Rows   (Rows)
  ) u_left (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (left_q2 || ask_q[1]),
      .row_i       (left_block_q2),
      .operand_i   ({ask_q[1], left_crc}),
      .base_o      (left_word),
      .operand_o   (left_operand),
      .next_i      (left_next),
      .write_en_o  (unused_left_en),
      .write_row_o (unused_left_row),
      .write_word_o(unused_left_word),
      .init_i      (init_i),
      .busy_o      (left_busy)
  );

  logic [3:0]  asked_q;
  logic [31:0] sum_q;
  logic [31:0] records_q;

  always_ff @(posedge clk_i) begin
    asked_q <= {asked_q[2:0], ask_q[1]};
    if (!rst_ni) begin
      asked_q <= '0;
    end
    if (asked_q[2]) begin
      sum_q     <= came_word[31:0] - left_word[31:0];
      records_q <= came_word[63:32] - left_word[63:32];
    end
  end

  assign done_o    = asked_q[3];
  assign sum_o     = sum_q;
  assign records_o = records_q;
  assign busy_o    = came_busy || left_busy;

  logic unused_bits;
  assign unused_bits = ^{mirror_i, block_i};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_asked_between_operations : assert (!ask_i || !valid_i);
    end
  end
`endif

endmodule

`resetall
