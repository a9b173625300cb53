// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_same: what a row has of what an operation looks for. Combinational.

`default_nettype none

module portcam_connection_same (
    input  logic                              valid_i,
    input  portcam_connection_pkg::question_t question_i,
    input  portcam_connection_pkg::row_t      row_i,
    output portcam_connection_pkg::same_t     same_o
);

  logic unused_bits;

  assign unused_bits = ^{question_i, row_i};

  always_comb begin
    same_o = '0;
    if (valid_i) begin
      same_o.client   = row_i.client == question_i.client;
      same_o.forward  = row_i.service == question_i.service &&
                        row_i.address == question_i.address && row_i.port == question_i.port;
      same_o.endpoint = row_i.endpoint == question_i.endpoint;
      same_o.first    = row_i.endpoint == question_i.first;
      same_o.second   = row_i.endpoint == question_i.second;
    end
  end

endmodule

`resetall
