// SPDX-License-Identifier: Apache-2.0
//
// portcam_mix: takes the structure out of a hash. Combinational, two levels of logic.
//
// A Toeplitz hash is linear: keys that follow each other give hashes that do too, in some other
// directions, and for some secrets a slice of them takes few values. Two rounds of 4-bit
// substitutions and a permutation of the bits (those of the cipher PRESENT, without its keys) break
// that up; no two hashes become equal. The secret is in the hash already. The twin in C:
//
//     uint64_t mix(uint64_t hash)
//     {
//         static const uint8_t box[16] = {12, 5, 6, 11, 9, 0, 10, 13, 3, 14, 15, 8, 4, 7, 1, 2};
//         for (unsigned round = 0; round < 2; round++) {
//             uint64_t next = 0;
//             for (unsigned i = 0; i < 64; i++) {
//                 uint64_t bit = box[hash >> (i & 60) & 15] >> (i & 3) & 1;
//                 next |= bit << (i == 63 ? 63 : 16 * i % 63);
//             }
//             hash = next;
//         }
//         return hash;
//     }

`default_nettype none

module portcam_mix (
    input  logic [63:0] hash_i,
    output logic [63:0] hash_o
);

  // box(n) in the n-th four bits.
  localparam logic [63:0] Box = 64'h2174_8fe3_da09_b65c;

  logic [63:0] boxed1;
  logic [63:0] mixed1;
  logic [63:0] boxed2;

  always_comb begin
    for (int unsigned i = 0; i < 16; i++) begin
      boxed1[4*i+:4] = Box[{hash_i[4*i+:4], 2'b00}+:4];
    end
    for (int unsigned i = 0; i < 64; i++) begin
      mixed1[i == 63 ? 63 : 16 * i % 63] = boxed1[i];
    end
    for (int unsigned i = 0; i < 16; i++) begin
      boxed2[4*i+:4] = Box[{mixed1[4*i+:4], 2'b00}+:4];
    end
    for (int unsigned i = 0; i < 64; i++) begin
      hash_o[i == 63 ? 63 : 16 * i % 63] = boxed2[i];
    end
  end

endmodule

`resetall
