// SPDX-License-Identifier: Apache-2.0
//
// portcam_timeout_table: when records of a service end, and its domain, by service number. The
// answer comes exactly 2 clocks after lookup_en_i, one a clock; an empty row gives zeros.
//
// timeouts_o holds eight 32-bit numbers of milliseconds in the order of the row: syn in bits 31:0,
// then syn_ack, established, fin_one, fin_both, reset, unreplied, replied. Host port, init_i and
// busy_o: as in portcam_row_table, whose rules of a read during a write hold.

`default_nettype none

module portcam_timeout_table #(
    parameter int unsigned Services = portcam_pkg::BuildServices,
    parameter int unsigned Domains  = portcam_pkg::BuildDomains
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         lookup_en_i,
    input  logic         lookup_bank_i,
    input  logic [15:0]  service_i,
    output logic         lookup_present_o,
    output logic [255:0] timeouts_o,
    output logic [15:0]  domain_o,
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

  localparam int unsigned RowBits    = $clog2(Services);
  localparam int unsigned DomainBits = $clog2(Domains);

  typedef struct packed {
    logic [DomainBits-1:0] domain;
    logic [255:0]          timeouts;
  } row_t;

  portcam_pkg::timeout_row_t in_row;
  row_t                      in_kept;
  row_t                      row;
  row_t                      out_row;
  logic                      out_present;
  logic                      unused_in;

  localparam int unsigned RowWidth = $bits(in_kept);

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i, service_i};

  always_comb begin
    in_kept.domain   = in_row.domain[DomainBits-1:0];
    in_kept.timeouts = req_data_i[255:0];
  end

  portcam_row_table #(
      .Width(RowWidth),
      .Rows (Services)
  ) u_rows (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (lookup_en_i),
      .lookup_bank_i   (lookup_bank_i),
      .lookup_row_i    (service_i[RowBits-1:0]),
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

  assign timeouts_o = row.timeouts;
  assign domain_o   = 16'(row.domain);

  portcam_pkg::timeout_row_t out;

  always_comb begin
    out             = '0;
    out.domain      = 16'(out_row.domain);
    out.syn         = out_row.timeouts[31:0];
    out.syn_ack     = out_row.timeouts[63:32];
    out.established = out_row.timeouts[95:64];
    out.fin_one     = out_row.timeouts[127:96];
    out.fin_both    = out_row.timeouts[159:128];
    out.reset       = out_row.timeouts[191:160];
    out.unreplied   = out_row.timeouts[223:192];
    out.replied     = out_row.timeouts[255:224];
  end

  assign present_o = out_present;
  assign data_o    = out;

endmodule

`resetall
