// SPDX-License-Identifier: Apache-2.0
//
// portcam_ring_room: is there an entry of a ring of packets that the host has consumed, counting what
// is taken and not yet written?
//
// room_o belongs to the clock in which take_i may take one. start_i: the indices begin at 0, with the
// host's head as it is. head_write_i is high in the clock in which a new head_i is first seen.

`default_nettype none

module portcam_ring_room (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        start_i,
    input  logic [11:0] mask_i,        // size - 1
    input  logic        head_write_i,
    input  logic [31:0] head_i,
    input  logic        take_i,
    output logic        room_o
);

  // ahead_q: taken and not consumed; late_q: one more, which came in the clock of a new head, and
  // nothing is taken until it is counted.
  logic [31:0] taken_q;
  logic [31:0] ahead_q;
  logic        late_q;

  assign room_o = (ahead_q & ~{20'b0, mask_i}) == '0 && !late_q;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      taken_q <= '0;
      ahead_q <= 32'd0 - head_i;
    end else begin
      taken_q <= taken_q + 32'(take_i);
      ahead_q <= head_write_i ? taken_q - head_i : ahead_q + 32'(take_i || late_q);
    end
    late_q <= head_write_i && take_i && !start_i;
    if (!rst_ni) begin
      taken_q <= '0;
      ahead_q <= '0;
      late_q  <= 1'b0;
    end
  end

endmodule

`resetall
