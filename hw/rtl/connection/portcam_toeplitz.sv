// SPDX-License-Identifier: Apache-2.0
//
// portcam_toeplitz: the part of a 64-bit Toeplitz hash that a part of its input contributes.
// hash_o comes Latency clocks after in_i: 1, or 0 for combinational (clk_i is not used then). It is
// the hash if valid_i came with in_i, else it has no meaning.
//
// The hash of a long input is the xor of the hashes of its parts, each with the Offset of its first
// bit in the whole: client IP 0, port 128, protocol 144, group 152, kept port 168; 184 bits in all.
//
// Bit order. in_i holds bytes as on the wire, the first in bits 7:0; a number such as a port has to
// be turned, {port[7:0], port[15:8]}. Bit n of the input is bit 7 - n % 8 of byte n / 8: each byte
// begins with its highest bit. Bit m of the secret is secret_i[m], SECRET_0 in bits 31:0. An input
// bit n that is set contributes secret_i[Offset + n + 63 : Offset + n]. The twin in C:
//
//     uint64_t part(const uint8_t *in, unsigned bits, unsigned offset, const uint32_t secret[8])
//     {
//         uint64_t hash = 0;
//         for (unsigned n = 0; n < bits; n++)
//             for (unsigned b = 0; b < 64 && in[n / 8] >> (7 - n % 8) & 1; b++) {
//                 unsigned m = offset + n + b;
//                 hash ^= (uint64_t)(secret[m / 32] >> (m % 32) & 1) << b;
//             }
//         return hash;
//     }
//
// The receive-side-scaling hash is hash_o[31:0] with its bits turned round, for a secret whose bit m
// is bit m of that key in the order of the wire. It is a hash, not a cipher, and linear.

`default_nettype none

module portcam_toeplitz #(
    parameter int unsigned InWidth = 128,
    parameter int unsigned Offset  = 0,
    parameter int unsigned Latency = 1
) (
    input  logic               clk_i,
    input  logic               valid_i,
    input  logic [InWidth-1:0] in_i,
    input  logic [255:0]       secret_i,
    output logic [63:0]        hash_o
);

  if (InWidth < 8 || InWidth % 8 != 0) begin : g_bad_width
    $error("portcam_toeplitz: InWidth must be a multiple of 8 and at least 8");
  end
  if (Offset + InWidth + 63 > 256) begin : g_bad_offset
    $error("portcam_toeplitz: the secret has no bits for this Offset and InWidth");
  end
  if (Latency > 1) begin : g_bad_latency
    $error("portcam_toeplitz: Latency must be 0 or 1");
  end

  localparam int unsigned Bytes = InWidth / 8;

  // What each byte contributes; then pairs of sums, pairs of those, until the first is the whole.
  logic [64*Bytes-1:0] sums;
  logic [63:0]         hash;

  always_comb begin
    sums = '0;
    hash = '0;
    if (valid_i) begin
      for (int unsigned i = 0; i < Bytes; i++) begin
        for (int unsigned n = 0; n < 8; n++) begin
          sums[64*i+:64] = sums[64*i+:64] ^
                           (secret_i[Offset+8*i+n+:64] & {64{in_i[8*i+7-n]}});
        end
      end
      for (int unsigned step = 1; step < Bytes; step = 2 * step) begin
        for (int unsigned i = 0; i + step < Bytes; i = i + 2 * step) begin
          sums[64*i+:64] = sums[64*i+:64] ^ sums[64*(i+step)+:64];
        end
      end
      hash = sums[63:0];
    end
  end

  if (Latency == 1) begin : g_registered
    logic [63:0] hash_q1;

    always_ff @(posedge clk_i) begin
      hash_q1 <= hash;
    end

    assign hash_o = hash_q1;
  end else begin : g_combinational
    logic unused_clk;

    assign unused_clk = clk_i;
    assign hash_o     = hash;
  end

  // The part of the secret that other parts of the input use.
  logic unused_secret;
  assign unused_secret = ^secret_i;

endmodule

`resetall
