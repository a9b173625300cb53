// SPDX-License-Identifier: Apache-2.0
//
// portcam_clear: makes tables and counters empty between two packets.
//
// On request_i it stops admission (stop_o, from the next clock on), waits Drain clocks, in which
// every header that was admitted reads its tables and counts, and then gives clear_o for one clock.
// busy_o says so until the tables are empty, and also after reset while they initialise; stop_o
// falls two clocks after it, so that who waits for busy_o can set the bank before the next header.
// A request during that begins the wait again.

`default_nettype none

module portcam_clear #(
    parameter int unsigned Drain = 48
) (
    input  logic clk_i,
    input  logic rst_ni,
    input  logic request_i,
    input  logic tables_busy_i,
    output logic busy_o,
    output logic stop_o,
    output logic clear_o
);

  localparam int unsigned Bits = $clog2(Drain + 1);

  logic [Bits-1:0] left_q;
  logic            clear_q;
  logic            cleared_q;  // tables_busy_i shows the clear one clock after it
  logic [1:0]      busy_q;

  always_ff @(posedge clk_i) begin
    if (request_i) begin
      left_q <= Bits'(Drain);
    end else if (left_q != '0) begin
      left_q <= left_q - 1'b1;
    end
    clear_q   <= left_q == Bits'(1) && !request_i;
    cleared_q <= clear_q;
    busy_q    <= {busy_q[0], busy_o};
    if (!rst_ni) begin
      left_q    <= '0;
      clear_q   <= 1'b0;
      cleared_q <= 1'b0;
      busy_q    <= 2'b11;
    end
  end

  assign clear_o = clear_q;
  assign busy_o  = left_q != '0 || clear_q || cleared_q || tables_busy_i;
  assign stop_o  = busy_o || busy_q != 2'b00;

endmodule

`resetall
