// SPDX-License-Identifier: Apache-2.0
//
// portcam_delay_ring: a word comes out a fixed number of clocks after it went in, one a clock,
// never stalled.
//
// A ring in distributed memory instead of a chain of registers: cheaper for wide words and long
// delays, and one copy a clock in simulation. data_o holds while valid_o is low and has no meaning
// then.
//
// The memory is read at an address that was written at least one clock before, never at the one in
// writing, so what a read during a write gives does not matter.

`default_nettype none

module portcam_delay_ring #(
    parameter int unsigned Width  = 64,
    parameter int unsigned Clocks = 9
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             valid_i,
    input  logic [Width-1:0] data_i,
    output logic             valid_o,
    output logic [Width-1:0] data_o
);

  if (Clocks < 2 || Clocks > 32) begin : g_bad_clocks
    $error("portcam_delay_ring: Clocks must be 2 to 32");
  end

  localparam int unsigned AddrBits = $clog2(Clocks);

  (* ram_style = "distributed" *)
  logic [Width-1:0]    mem [0:(1<<AddrBits)-1];
  logic [AddrBits-1:0] write_ptr_q;
  logic [AddrBits-1:0] read_ptr;
  logic [Clocks-1:0]   valid_q;

  assign read_ptr = write_ptr_q - AddrBits'(Clocks - 1);
  assign valid_o  = valid_q[Clocks-1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_ptr_q <= '0;
      valid_q     <= '0;
    end else begin
      write_ptr_q <= write_ptr_q + 1'b1;
      valid_q     <= {valid_q[Clocks-2:0], valid_i};
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      mem[write_ptr_q] <= data_i;
    end
    if (valid_q[Clocks-2]) begin
      data_o <= mem[read_ptr];
    end
  end

endmodule

`resetall
