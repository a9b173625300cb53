// SPDX-License-Identifier: Apache-2.0
//
// portcam_interrupt: the arming of vector 0 by CMD_ARM, and the vectors that wait for the bridge.
//
// Arming: arm_write_i arms with the index arm_i; vector 0 is raised once, when CPL_TAIL is beyond
// that index (as a signed 32-bit difference), at once if it already is. disarm_i (ENABLE, or a
// reset) takes it back. A write while armed arms anew with the new index; if the old index fires in
// that very clock, both count.
//
// Vectors: one bit for each vector waits until the bridge has taken it; raising a vector that
// already waits adds nothing; those of raise_i are raised by others. The lowest number goes first.
// irq_valid_o and irq_vector_o hold until irq_ready_i, through a reset of the function too; the
// vectors that only wait are forgotten by flr_i.

`default_nettype none

module portcam_interrupt #(
    parameter int unsigned Vectors = portcam_pkg::BuildVectors
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               flr_i,
    input  logic               disarm_i,
    input  logic               arm_write_i,
    input  logic [31:0]        arm_i,
    input  logic [31:0]        tail_i,
    input  logic               errors_i,
    input  logic [Vectors-1:0] raise_i,
    output logic               irq_valid_o,
    output logic [7:0]         irq_vector_o,
    input  logic               irq_ready_i
);

  if (Vectors < 5 || Vectors > 32) begin : g_bad_vectors
    $error("portcam_interrupt: Vectors must be 5 to 32");
  end

  // The difference is one clock late, so it belongs to the index only from the second clock of
  // arm_i on.
  logic        armed_q;
  logic        fresh_q;
  logic [31:0] ahead;
  logic        beyond_q;
  logic        fire;

  assign ahead = tail_i - arm_i;
  assign fire  = armed_q && !fresh_q && beyond_q && !disarm_i;

  always_ff @(posedge clk_i) begin
    beyond_q <= !ahead[31] && ahead != '0;
    fresh_q  <= arm_write_i;
    if (arm_write_i) begin
      armed_q <= 1'b1;
    end else if (disarm_i || fire) begin
      armed_q <= 1'b0;
    end
    if (!rst_ni || flr_i) begin
      armed_q <= 1'b0;
      fresh_q <= 1'b0;
    end
  end

  logic [Vectors-1:0] raise;
  logic [Vectors-1:0] pending_q;
  logic [Vectors-1:0] lowest;
  logic [7:0]         lowest_number;
  logic               free;
  logic               valid_q;
  logic [7:0]         vector_q;

  assign free         = !valid_q || irq_ready_i;
  assign irq_valid_o  = valid_q;
  assign irq_vector_o = vector_q;
  assign lowest       = pending_q & (~pending_q + 1'b1);

  always_comb begin
    raise = (Vectors'(fire) << portcam_pkg::VectorCommands) |
            (Vectors'(errors_i) << portcam_pkg::VectorErrors) | raise_i;
    lowest_number = '0;
    for (int unsigned v = 0; v < Vectors; v++) begin
      if (lowest[v]) begin
        lowest_number = lowest_number | 8'(v);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    pending_q <= (pending_q & ~(free ? lowest : '0)) | raise;
    if (free) begin
      valid_q  <= |pending_q;
      vector_q <= lowest_number;
    end
    if (flr_i) begin
      pending_q <= '0;
      if (free) begin
        valid_q <= 1'b0;
      end
    end
    if (!rst_ni) begin
      pending_q <= '0;
      valid_q   <= 1'b0;
    end
  end

endmodule

`resetall
