// SPDX-License-Identifier: Apache-2.0
//
// portcam_delay: what goes in with valid_i comes out exactly Cycles clocks later; data_o has no
// meaning in other clocks.
//
// A ring of Cycles - 1 words in distributed RAM and one register, instead of Cycles registers:
// cheaper in hardware for wide words, and much cheaper in simulation. Contents are unknown until
// Cycles clocks after reset; a valid bit that must be right before that belongs into a reset shift
// register of its owner. Memory: a read and a write of one word in the same clock give the old
// word, which is the delay.

`default_nettype none

module portcam_delay #(
    parameter int unsigned Width  = 64,
    parameter int unsigned Cycles = 8
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             valid_i,
    input  logic [Width-1:0] data_i,
    output logic [Width-1:0] data_o
);

  if (Width < 1) begin : g_bad_width
    $error("portcam_delay: Width must be at least 1");
  end
  if (Cycles < 3) begin : g_bad_cycles
    $error("portcam_delay: Cycles must be at least 3");
  end

  localparam int unsigned Words   = Cycles - 1;
  localparam int unsigned PtrBits = $clog2(Words);

  (* ram_style = "distributed" *)
  logic [Width-1:0]   mem [0:Words-1];
  logic [PtrBits-1:0] ptr_q;
  logic [Width-1:0]   data_q;
  logic [Cycles-2:0]  valid_q;

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[Cycles-3:0], valid_i};
    if (!rst_ni) begin
      valid_q <= '0;
    end
    if (!rst_ni || ptr_q == PtrBits'(Words - 1)) begin
      ptr_q <= '0;
    end else begin
      ptr_q <= ptr_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_q[Cycles-2]) begin
      data_q <= mem[ptr_q];
    end
    if (valid_i) begin
      mem[ptr_q] <= data_i;
    end
  end

  assign data_o = data_q;

endmodule

`resetall
