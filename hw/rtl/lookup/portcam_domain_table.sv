// SPDX-License-Identifier: Apache-2.0
//
// portcam_domain_table: state and policy of domains, two lookups a clock: the domain of the
// packet's destination, and the domain of the endpoint that is its source.
//
// The verdicts come exactly 2 clocks after lookup_en_i. Two copies of the rows, written together.
// Host port, init_i and busy_o: as in portcam_row_table, whose rules of a read during a write hold.

`default_nettype none

module portcam_domain_table #(
    parameter int unsigned Domains = portcam_pkg::BuildDomains
) (
    input  logic                         clk_i,
    input  logic                         rst_ni,
    input  logic                         lookup_en_i,
    input  logic                         lookup_bank_i,
    input  logic [15:0]                  address_domain_i,
    input  logic [15:0]                  endpoint_domain_i,
    output portcam_lookup_pkg::verdict_t address_verdict_o,
    output portcam_lookup_pkg::verdict_t endpoint_verdict_o,
    input  logic                         req_valid_i,
    input  logic                         req_write_i,
    input  logic                         req_bank_i,
    input  logic [15:0]                  req_row_i,
    input  logic                         req_present_i,
    input  logic [383:0]                 req_data_i,
    output logic                         done_o,
    output logic                         present_o,
    output logic [383:0]                 data_o,
    input  logic                         init_i,
    output logic                         busy_o
);

  localparam int unsigned RowBits = $clog2(Domains);

  typedef struct packed {
    logic [7:0] home;
    logic [1:0] unknown;
    logic [1:0] state;
  } row_t;

  portcam_pkg::domain_row_t in_row;
  row_t                     in_kept;
  row_t                     out_row;
  logic                     out_present;
  logic                     unused_in;

  localparam int unsigned RowWidth = $bits(in_kept);

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i, address_domain_i, endpoint_domain_i};

  always_comb begin
    in_kept.home    = in_row.home;
    in_kept.unknown = in_row.unknown[1:0];
    in_kept.state   = in_row.state[1:0];
  end

  row_t                address_row;
  row_t                endpoint_row;
  logic                address_present;
  logic                endpoint_present;
  logic [1:0]          busy;
  logic                unused_rows;
  logic                unused_done;
  logic                unused_present;
  logic [RowWidth-1:0] unused_data;

  portcam_row_table #(
      .Width(RowWidth),
      .Rows (Domains)
  ) u_address_copy (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (lookup_en_i),
      .lookup_bank_i   (lookup_bank_i),
      .lookup_row_i    (address_domain_i[RowBits-1:0]),
      .lookup_present_o(address_present),
      .lookup_data_o   (address_row),
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
      .busy_o          (busy[0])
  );

  portcam_row_table #(
      .Width(RowWidth),
      .Rows (Domains)
  ) u_endpoint_copy (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (lookup_en_i),
      .lookup_bank_i   (lookup_bank_i),
      .lookup_row_i    (endpoint_domain_i[RowBits-1:0]),
      .lookup_present_o(endpoint_present),
      .lookup_data_o   (endpoint_row),
      .req_valid_i     (req_valid_i),
      .req_write_i     (req_write_i),
      .req_bank_i      (req_bank_i),
      .req_row_i       (req_row_i[RowBits-1:0]),
      .req_present_i   (req_present_i),
      .req_data_i      (in_kept),
      .done_o          (unused_done),
      .present_o       (unused_present),
      .data_o          (unused_data),
      .init_i          (init_i),
      .busy_o          (busy[1])
  );

  portcam_lookup_pkg::verdict_t address_verdict;
  portcam_lookup_pkg::verdict_t endpoint_verdict;

  assign unused_rows = ^{address_row.home, endpoint_row.home};

  always_comb begin
    address_verdict.present   = address_present;
    address_verdict.draining  = address_row.state == 2'(portcam_pkg::DomainStateDraining);
    address_verdict.paused    = address_row.state == 2'(portcam_pkg::DomainStatePaused);
    address_verdict.stopped   = address_row.state == 2'(portcam_pkg::DomainStateStopped);
    address_verdict.drop      = address_row.unknown == 2'(portcam_pkg::PolicyDrop);
    address_verdict.reject    = address_row.unknown == 2'(portcam_pkg::PolicyReject);
    endpoint_verdict.present  = endpoint_present;
    endpoint_verdict.draining = endpoint_row.state == 2'(portcam_pkg::DomainStateDraining);
    endpoint_verdict.paused   = endpoint_row.state == 2'(portcam_pkg::DomainStatePaused);
    endpoint_verdict.stopped  = endpoint_row.state == 2'(portcam_pkg::DomainStateStopped);
    endpoint_verdict.drop     = endpoint_row.unknown == 2'(portcam_pkg::PolicyDrop);
    endpoint_verdict.reject   = endpoint_row.unknown == 2'(portcam_pkg::PolicyReject);
  end

  assign address_verdict_o  = address_verdict;
  assign endpoint_verdict_o = endpoint_verdict;

  portcam_pkg::domain_row_t out;

  always_comb begin
    out         = '0;
    out.home    = out_row.home;
    out.unknown = 8'(out_row.unknown);
    out.state   = 8'(out_row.state);
  end

  assign present_o = out_present;
  assign data_o    = out;
  assign busy_o    = busy != 2'b00;

endmodule

`resetall
