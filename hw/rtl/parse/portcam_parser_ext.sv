// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_ext: one step of the walk over IPv6 extension headers, in one clock.
//
// Step n gets the packet from 32-bit word 2n behind the fixed header on (earlier words cannot begin
// a header any more, because a header has at least two) and reads the header at word `at`. Of each
// word it gets the two bytes that name the next header and the length, and one bit for each field
// that ends the walk. The walk goes on while the protocol is that of an extension header and
// nothing has stopped it. `stopped` with ReasonNoMatch means that there is nothing to walk (IPv4).
// `rel`, which is at - 2n, selects the word, so that the critical path is one multiplexer and one
// adder.

`default_nettype none

module portcam_parser_ext #(
    parameter int unsigned Step  = 0,
    parameter int unsigned Words = 17 - 2 * Step,
    parameter int unsigned Next  = (Step < 8) ? Words - 2 : 1
) (
    input  logic                clk_i,
    input  logic                rst_ni,
    input  logic                valid_i,
    input  logic                stopped_i,
    input  logic [5:0]          reason_i,    // why it stopped
    input  logic [7:0]          protocol_i,  // of what is at `at`
    input  logic [9:0]          at_i,        // in words behind the fixed header
    input  logic [3:0]          rel_i,
    input  logic [9:0]          payload_i,   // whole words behind the fixed header, at most 1,023
    input  logic [1:0]          tags_i,
    input  logic [Words*16-1:0] heads_i,
    input  logic [Words-1:0]    fragments_i,
    input  logic [Words-1:0]    routings_i,
    output logic                valid_o,
    output logic                stopped_o,
    output logic [5:0]          reason_o,
    output logic [7:0]          protocol_o,
    output logic [9:0]          at_o,
    output logic [3:0]          rel_o,
    output logic [9:0]          payload_o,
    output logic [1:0]          tags_o,
    output logic [Next*16-1:0]  heads_o,     // two words further
    output logic [Next-1:0]     fragments_o,
    output logic [Next-1:0]     routings_o
);

  if (Step > 8) begin : g_bad_step
    $error("portcam_parser_ext: Step must be 0 to 8");
  end

  localparam int unsigned IndexBits = (Words > 1) ? $clog2(Words) : 1;
  localparam int unsigned PadWords  = (Words > 1) ? Words : 2;

  logic                   extension;
  logic                   go;
  logic [PadWords*16-1:0] heads;

  portcam_parser_extension u_extension (
      .protocol_i (protocol_i),
      .extension_o(extension)
  );

  assign go    = !stopped_i && extension;
  assign heads = (PadWords * 16)'(heads_i);
  // Over the extension header at `at`: {stopped, reason, protocol, at, rel}.
  function automatic logic [28:0] step();
    logic [IndexBits-1:0] index;
    logic [15:0]          head;
    logic [8:0]           more;     // words of the header beyond two
    logic [5:0]           reason;
    logic                 stopped;

    index = (Words > 1) ? IndexBits'(rel_i) : '0;
    head  = heads[{index, 4'd0}+:16];
    unique case (protocol_i)
      8'd44:   more = 9'd0;
      8'd51:   more = {1'b0, head[15:8]};
      default: more = {head[15:8], 1'b0};
    endcase
    stopped = 1'b1;
    reason  = reason_i;
    if (at_i + 10'd2 > payload_i) begin
      reason = portcam_pkg::ReasonUnparsedChain;
    end else if (at_i + {8'd0, tags_i} > 10'd16) begin  // the window has 18.5 words without tags
      reason = portcam_pkg::ReasonComplexWindow;
    end else if (protocol_i == 8'd44 && fragments_i[index]) begin
      reason = portcam_pkg::ReasonFragment;
    end else if (protocol_i == 8'd43 && routings_i[index]) begin
      reason = portcam_pkg::ReasonComplexRouting;
    end else begin
      stopped = 1'b0;
    end
    step = {stopped, reason, head[7:0], at_i + 10'd2 + {1'b0, more}, rel_i + more[3:0]};
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else begin
      valid_o <= valid_i;
    end
    if (valid_i) begin
      payload_o <= payload_i;
      tags_o    <= tags_i;
      if (!go) begin
        {stopped_o, reason_o, protocol_o, at_o, rel_o} <= {stopped_i, reason_i, protocol_i, at_i,
                                                           rel_i};
      end else begin
        {stopped_o, reason_o, protocol_o, at_o, rel_o} <= step();
        heads_o     <= heads_i[Words*16-1-:Next*16];
        fragments_o <= fragments_i[Words-1-:Next];
        routings_o  <= routings_i[Words-1-:Next];
      end
    end
  end

endmodule

`resetall
