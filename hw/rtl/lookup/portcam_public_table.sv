// SPDX-License-Identifier: Apache-2.0
//
// portcam_public_table: the IP that replies get back, by address number. The answer comes exactly 2
// clocks after lookup_en_i, one a clock; an empty row gives zeros.
//
// Host port, init_i and busy_o: as in portcam_row_table, whose rules of a read during a write hold.

`default_nettype none

module portcam_public_table #(
    parameter int unsigned Addresses = portcam_pkg::BuildAddresses
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         lookup_en_i,
    input  logic         lookup_bank_i,
    input  logic [15:0]  address_i,
    output logic         lookup_present_o,
    output logic         is_v6_o,
    output logic [127:0] ip_o,
    input  logic         req_valid_i,
    input  logic         req_write_i,
    input  logic         req_bank_i,
    input  logic [15:0]  req_row_i,
    input  logic         req_present_i,
    input  logic [383:0] req_data_i,
    output logic         done_o,
    output logic         present_o,
    output logic [383:0] data_o,
    input  logic         init_i,
    output logic         busy_o
);

  localparam int unsigned RowBits = $clog2(Addresses);

  typedef struct packed {
    logic         is_v6;
    logic [127:0] ip;
  } row_t;

  portcam_pkg::public_row_t in_row;
  row_t                     in_kept;
  row_t                     row;
  row_t                     out_row;
  logic                     out_present;
  logic                     unused_in;

  localparam int unsigned RowWidth = $bits(in_kept);

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i, address_i};

  always_comb begin
    in_kept.is_v6 = in_row.family == 8'(portcam_pkg::Family6);
    in_kept.ip    = in_row.ip;
  end

  portcam_row_table #(
      .Width(RowWidth),
      .Rows (Addresses)
  ) u_rows (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (lookup_en_i),
      .lookup_bank_i   (lookup_bank_i),
      .lookup_row_i    (address_i[RowBits-1:0]),
      .lookup_present_o(lookup_present_o),
      .lookup_data_o   (row),
      .req_valid_i     (req_valid_i),
      .req_write_i     (req_write_i),
      .req_bank_i      (req_bank_i),
      .req_row_i       (req_row_i[RowBits-1:0]),
      .req_present_i   (req_present_i),
      .req_data_i      (in_kept),
      .done_o          (done_o),
      .present_o       (out_present),
      .data_o          (out_row),
      .init_i          (init_i),
      .busy_o          (busy_o)
  );

  assign is_v6_o = row.is_v6;
  assign ip_o    = row.ip;

  portcam_pkg::public_row_t out;

  always_comb begin
    out = '0;
    if (out_present) begin
      out.family = out_row.is_v6 ? 8'(portcam_pkg::Family6) : 8'(portcam_pkg::Family4);
      out.ip     = out_row.ip;
    end
  end

  assign present_o = out_present;
  assign data_o    = out;

endmodule

`resetall
