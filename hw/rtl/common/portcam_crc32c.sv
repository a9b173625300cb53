// SPDX-License-Identifier: Apache-2.0
//
// portcam_crc32c: CRC-32C (Castagnoli) of a key, for hashing. Exactly 2 clocks, one key a clock.
//
// Bytes of the key are taken least significant byte of key_i first, each byte least significant bit
// first; reflected polynomial 0x82F63B78; the register starts as seed_i and leaves as it is,
// without inversion. The twin in C:
//
//     uint32_t hash(const uint8_t *key, size_t bytes, uint32_t seed)    // key[0] = key_i[7:0]
//     {
//         uint32_t crc = seed;
//         for (size_t i = 0; i < bytes; i++) {
//             crc ^= key[i];
//             for (int bit = 0; bit < 8; bit++)
//                 crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
//         }
//         return crc;
//     }
//
// So the usual CRC-32C of a buffer is ~hash(buffer, bytes, 0xFFFFFFFF); of "123456789" it is
// 0xE3069283. The CRC is linear: each key bit that is set contributes one fixed word, computed at
// elaboration. Clock 1 adds the contributions inside each 32 bits of the key, clock 2 adds those
// sums. It is a hash, not a cipher: with the seed unknown it spreads keys, but whoever sees hashes
// can find the seed.

`default_nettype none

module portcam_crc32c #(
    parameter int unsigned KeyWidth = 104
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    input  logic                valid_i,
    input  logic [KeyWidth-1:0] key_i,
    input  logic [31:0]         seed_i,
    output logic                valid_o,
    output logic [31:0]         hash_o
);

  if (KeyWidth < 8 || KeyWidth % 8 != 0) begin : g_bad_width
    $error("portcam_crc32c: KeyWidth must be a multiple of 8 and at least 8");
  end

  localparam int unsigned Chunks   = (KeyWidth + 31) / 32;
  localparam int unsigned PadWidth = Chunks * 32;

  // Word n is what key bit n contributes; padding bits contribute nothing.
  function automatic logic [PadWidth*32-1:0] contributions();
    logic [31:0] word;
    word = 32'd1;
    for (int unsigned n = 0; n < PadWidth; n++) begin
      if (n + KeyWidth < PadWidth) begin
        contributions[(PadWidth-1-n)*32+:32] = 32'd0;
      end else begin
        word = (word >> 1) ^ (word[0] ? 32'h82F63B78 : 32'd0);
        contributions[(PadWidth-1-n)*32+:32] = word;
      end
    end
  endfunction

  localparam logic [PadWidth*32-1:0] Contributions = contributions();

  // The seed meets the first 32 bits of the key; what a shorter key does not meet is only shifted.
  logic [PadWidth-1:0] mixed;
  logic [31:0]         rest;
  logic [31:0]         rest_q1;

  assign mixed = PadWidth'(key_i) ^ PadWidth'(seed_i);

  if (KeyWidth < 32) begin : g_short
    assign rest = seed_i >> KeyWidth;
  end else begin : g_long
    assign rest = 32'd0;
  end

  logic [Chunks*32-1:0] chunk_q1;
  logic [31:0]          hash;
  logic [31:0]          hash_q2;
  logic [1:0]           valid_q;

  for (genvar c = 0; c < Chunks; c++) begin : g_chunk
    logic [31:0] sum;
    always_comb begin
      sum = 32'd0;
      if (valid_i) begin  // only for the simulator's speed
        for (int unsigned i = 0; i < 32; i++) begin
          sum = sum ^ (mixed[c*32+i] ? Contributions[(c*32+i)*32+:32] : 32'd0);
        end
      end
    end
    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        chunk_q1[c*32+:32] <= sum;
      end
    end
  end

  always_comb begin
    hash = rest_q1;
    for (int unsigned c = 0; c < Chunks; c++) begin
      hash = hash ^ chunk_q1[c*32+:32];
    end
  end

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[0], valid_i};
    if (valid_i) begin
      rest_q1 <= rest;
    end
    if (valid_q[0]) begin
      hash_q2 <= hash;
    end
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  assign valid_o = valid_q[1];
  assign hash_o  = hash_q2;

endmodule

`resetall
