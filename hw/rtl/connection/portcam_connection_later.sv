// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_later: are a packet's sequence number and its end later than a number: is their
// signed difference above 0? Combinational, nothing without valid_i.

`default_nettype none

module portcam_connection_later (
    input  logic                           valid_i,
    input  logic [31:0]                    seq_i,
    input  logic [31:0]                    end_i,
    input  logic [31:0]                    than_i,
    output portcam_connection_pkg::later_t later_o
);

  logic [31:0] seq_distance;
  logic [31:0] end_distance;
  logic        unused_distance;

  assign unused_distance = ^{seq_distance, end_distance};

  always_comb begin
    seq_distance = '0;
    end_distance = '0;
    later_o      = '0;
    if (valid_i) begin
      seq_distance = seq_i - than_i;
      end_distance = end_i - than_i;
      later_o.seq  = !seq_distance[31] && seq_i != than_i;
      later_o.over = !end_distance[31] && end_i != than_i;
    end
  end

endmodule

`resetall
