// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser_ext: one step of the walk over IPv6 extension headers, in one clock.
//
// Step n gets the 32-bit words of the packet from word 2n behind the fixed header on (earlier ones cannot begin a header any
// more, because a header has at least two words) and reads the header at word `at`. The walk goes on while the protocol is
// that of an extension header and nothing has stopped it. `stopped` with ReasonNoMatch means that there is nothing to walk (IPv4).
// The critical path is one multiplexer and one adder: `rel`, which is at - 2n, selects the word.

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
    input  logic [9:0]          payload_i,   // whole words of the packet behind the fixed header, at most 1,023
    input  logic [1:0]          tags_i,
    input  logic [Words*32-1:0] words_i,
    output logic                valid_o,
    output logic                stopped_o,
    output logic [5:0]          reason_o,
    output logic [7:0]          protocol_o,
    output logic [9:0]          at_o,
    output logic [3:0]          rel_o,
    output logic [9:0]          payload_o,
    output logic [1:0]          tags_o,
    output logic [Next*32-1:0]  words_o      // two words further
);

  if (Step > 8) begin : g_bad_step
    $error("portcam_parser_ext: Step must be 0 to 8");
  end

  localparam int unsigned IndexBits = $clog2(Words * 32);

  logic        extension;
  logic        go;
  logic        over_end;
  logic        over_window;
  logic        fragment;
  logic        routing;
  logic [31:0] word;
  logic [8:0]  more;  // words of the header beyond two

  portcam_parser_extension u_extension (
      .protocol_i (protocol_i),
      .extension_o(extension)
  );

  assign go          = !stopped_i && extension;
  assign over_end    = at_i + 10'd2 > payload_i;
  assign over_window = at_i + {8'd0, tags_i} > 10'd16;  // the window has 18.5 words without tags
  assign word        = words_i[IndexBits'({rel_i, 5'd0})+:32];
  assign fragment    = protocol_i == 8'd44 && ({word[23:16], word[31:24]} & 16'hfff9) != 16'd0;
  assign routing     = protocol_i == 8'd43 && word[31:24] != 8'd0;

  always_comb begin
    unique case (protocol_i)
      8'd44:   more = 9'd0;
      8'd51:   more = {1'b0, word[15:8]};
      default: more = {word[15:8], 1'b0};
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else begin
      valid_o <= valid_i;
    end
    if (valid_i) begin
      stopped_o  <= stopped_i || (go && (over_end || over_window || fragment || routing));
      reason_o   <= reason_i;
      protocol_o <= protocol_i;
      at_o       <= at_i;
      rel_o      <= rel_i;
      payload_o  <= payload_i;
      tags_o     <= tags_i;
      if (go) begin
        if (over_end) begin
          reason_o <= portcam_pkg::ReasonUnparsedChain;
        end else if (over_window) begin
          reason_o <= portcam_pkg::ReasonComplexWindow;
        end else if (fragment) begin
          reason_o <= portcam_pkg::ReasonFragment;
        end else if (routing) begin
          reason_o <= portcam_pkg::ReasonComplexRouting;
        end
        protocol_o <= word[7:0];
        at_o       <= at_i + 10'd2 + {1'b0, more};
        rel_o      <= rel_i + more[3:0];
        words_o    <= words_i[Words*32-1-:Next*32];
      end
    end
  end

endmodule

`resetall
