// SPDX-License-Identifier: Apache-2.0
//
// portcam_clear: makes tables and counters empty between two packets.
//
// On request_i it stops admission (stop_o, from the next clock on), waits Drain clocks, in which every header that was
// admitted reads its tables and counts, and then gives clear_o for one clock. stop_o stays high while the tables are
// busy with it; it is also high after reset while they initialise. A request during that begins the wait again.

`default_nettype none

module portcam_clear #(
    parameter int unsigned Drain = 48
) (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic request_i,
    input  logic tables_busy_i,
    output logic stop_o,
    output logic clear_o
);

  localparam int unsigned Bits = $clog2(Drain + 1);

  logic [Bits-1:0] left_q;
  logic            clear_q;
  logic            cleared_q;  // tables_busy_i shows the clear one clock after it

  always_ff @(posedge clk_i) begin
    if (request_i) begin
      left_q <= Bits'(Drain);
    end else if (left_q != '0) begin
      left_q <= left_q - 1'b1;
    end
    clear_q   <= left_q == Bits'(1) && !request_i;
    cleared_q <= clear_q;
    if (!rst_ni) begin
      left_q    <= '0;
      clear_q   <= 1'b0;
      cleared_q <= 1'b0;
    end
  end

  assign clear_o = clear_q;
  assign stop_o  = left_q != '0 || clear_q || cleared_q || tables_busy_i;

endmodule

`resetall
