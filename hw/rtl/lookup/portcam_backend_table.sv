// SPDX-License-Identifier: Apache-2.0
//
// portcam_backend_table: backends by number. match_o comes exactly 2 clocks after lookup_en_i, one
// a clock.
//
// Host port, init_i and busy_o: as in portcam_row_table, whose rules of a read during a write hold.

`default_nettype none

module portcam_backend_table #(
    parameter int unsigned Backends = portcam_pkg::BuildBackends
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  logic                               lookup_en_i,
    input  logic                               lookup_bank_i,
    input  logic [15:0]                        backend_i,
    output portcam_lookup_pkg::backend_match_t match_o,
    input  logic                               req_valid_i,
    input  logic                               req_write_i,
    input  logic                               req_bank_i,
    input  logic [15:0]                        req_row_i,
    input  logic                               req_present_i,
    input  logic [383:0]                       req_data_i,
    output logic                               done_o,
    output logic                               present_o,
    output logic [383:0]                       data_o,
    input  logic                               init_i,
    output logic                               busy_o
);

  localparam int unsigned RowBits = $clog2(Backends);

  typedef struct packed {
    logic [15:0]  endpoint;
    logic [15:0]  weight;
    logic [7:0]   egress;
    logic [47:0]  mac;
    logic [15:0]  port;
    logic         has_mac;
    logic         is_v6;
    logic [127:0] ip;
  } row_t;

  portcam_pkg::backend_row_t in_row;
  row_t                      in_kept;
  row_t                      row;
  logic                      row_present;
  row_t                      out_row;
  logic                      out_present;
  logic                      unused_in;
  logic                      unused_row;

  localparam int unsigned RowWidth = $bits(in_kept);

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i, backend_i};

  always_comb begin
    in_kept.endpoint = in_row.endpoint;
    in_kept.weight   = in_row.weight;
    in_kept.egress   = in_row.egress;
    in_kept.mac      = in_row.mac;
    in_kept.port     = in_row.port;
    in_kept.has_mac  = in_row.flags[portcam_pkg::BackendRowHasMac];
    in_kept.is_v6    = in_row.family == 8'(portcam_pkg::Family6);
    in_kept.ip       = in_row.ip;
  end

  portcam_row_table #(
      .Width(RowWidth),
      .Rows (Backends)
  ) u_rows (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (lookup_en_i),
      .lookup_bank_i   (lookup_bank_i),
      .lookup_row_i    (backend_i[RowBits-1:0]),
      .lookup_present_o(row_present),
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

  portcam_lookup_pkg::backend_match_t match;

  // Weight and endpoint are for portcam_candidates, which has a copy of them.
  assign unused_row = ^row;

  always_comb begin
    match.present = row_present;
    match.ip      = row.ip;
    match.is_v6   = row.is_v6;
    match.has_mac = row.has_mac;
    match.port    = row.port;
    match.mac     = row.mac;
    match.egress  = row.egress;
  end

  assign match_o = match;

  portcam_pkg::backend_row_t out;

  always_comb begin
    out = '0;
    if (out_present) begin
      out.endpoint = out_row.endpoint;
      out.weight   = out_row.weight;
      out.egress   = out_row.egress;
      out.mac      = out_row.mac;
      out.port     = out_row.port;
      out.flags[portcam_pkg::BackendRowHasMac] = out_row.has_mac;
      out.family = out_row.is_v6 ? 8'(portcam_pkg::Family6) : 8'(portcam_pkg::Family4);
      out.ip     = out_row.ip;
    end
  end

  assign present_o = out_present;
  assign data_o    = out;

endmodule

`resetall
