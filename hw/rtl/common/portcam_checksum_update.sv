// SPDX-License-Identifier: Apache-2.0
//
// portcam_checksum_update: Internet checksum after some 16-bit words of what it covers were
// replaced (RFC 1624).
//
// Exactly 4 clocks from the inputs to sum_o and valid_o, one update a clock. The arithmetic, so
// that a model can give the same bits: S = ~sum + the sum over all words of (~old + new), each term
// 16 bits, S not reduced on the way (RFC 1624 equation 3 for all words at once); then fold twice
// (low 16 bits + the rest), then invert. A word that does not change is given with old equal to
// new; it adds 0xFFFF to S, which changes nothing but the choice between 0x0000 and 0xFFFF, so the
// model must count it too. Words are in host order of the wire's big-endian words; their order does
// not matter.
//
// udp_i: over UDP a result of 0 becomes 0xFFFF, and sum_i = 0 ("no checksum") stays 0. Without
// udp_i the result equals recomputation for every packet with a correct checksum, except when all
// covered words become 0, which no IPv4 header, TCP or UDP pseudo-header can be.

`default_nettype none

module portcam_checksum_update #(
    parameter int unsigned Words = 8
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    input  logic                valid_i,
    input  logic [16*Words-1:0] old_i,
    input  logic [16*Words-1:0] new_i,
    input  logic [15:0]         sum_i,
    input  logic                udp_i,
    output logic                valid_o,
    output logic [15:0]         sum_o
);

  if (Words < 1 || Words > 64) begin : g_bad_words
    $error("portcam_checksum_update: Words must be 1 to 64");
  end

  // Clock 1 adds groups of up to six terms, clock 2 adds the groups.
  localparam int unsigned Terms     = 2 * Words + 1;
  localparam int unsigned GroupSize = 6;
  localparam int unsigned Groups    = (Terms + GroupSize - 1) / GroupSize;
  localparam int unsigned PadTerms  = Groups * GroupSize;

  logic [16*PadTerms-1:0] terms;
  logic [19*Groups-1:0]   group_q1;
  logic [23:0]            total;
  logic [23:0]            total_q2;
  logic [16:0]            fold_q3;
  logic [15:0]            fold;
  logic [15:0]            sum_q4;
  logic [3:0]             valid_q;
  logic [3:1]             udp_q;
  logic [3:1]             none_q;   // UDP without a checksum

  assign terms = (16 * PadTerms)'({~sum_i, ~old_i, new_i});

  for (genvar g = 0; g < Groups; g++) begin : g_group
    logic [18:0] sum;
    always_comb begin
      sum = 19'd0;
      for (int unsigned t = 0; t < GroupSize; t++) begin
        sum = sum + 19'(terms[(g*GroupSize+t)*16+:16]);
      end
    end
    always_ff @(posedge clk_i) begin
      if (valid_i) begin
        group_q1[g*19+:19] <= sum;
      end
    end
  end

  always_comb begin
    total = 24'd0;
    for (int unsigned g = 0; g < Groups; g++) begin
      total = total + 24'(group_q1[g*19+:19]);
    end
  end

  // The second fold cannot carry: the first leaves at most 0xFFFF + 0xFF.
  assign fold = fold_q3[15:0] + 16'(fold_q3[16]);

  always_ff @(posedge clk_i) begin
    valid_q  <= {valid_q[2:0], valid_i};
    udp_q    <= {udp_q[2:1], udp_i};
    none_q   <= {none_q[2:1], udp_i && sum_i == 16'd0};
    if (valid_q[0]) begin
      total_q2 <= total;
    end
    if (valid_q[1]) begin
      fold_q3 <= 17'(total_q2[15:0]) + 17'(total_q2[23:16]);
    end
    if (valid_q[2]) begin
      if (none_q[3]) begin
        sum_q4 <= 16'd0;
      end else if (udp_q[3] && fold == 16'hFFFF) begin
        sum_q4 <= 16'hFFFF;
      end else begin
        sum_q4 <= ~fold;
      end
    end
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  assign valid_o = valid_q[3];
  assign sum_o   = sum_q4;

endmodule

`resetall
