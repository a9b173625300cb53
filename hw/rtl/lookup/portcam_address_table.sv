// SPDX-License-Identifier: Apache-2.0
//
// portcam_address_table: (family, VLAN, destination IP) to domain and address number; the lowest
// matching row wins.
//
// Ternary match on {is_v6, vlan, ip}, then the row itself. match_o comes exactly Latency = 10
// clocks after valid_i; its `any` is 0. One packet a clock; each uses its own bank. Host port: one
// request at a time (see portcam_table_bus); done_o when a write, also that of the ternary match,
// is finished, or with the row of a read. init_i empties the table; busy_o is high while that runs,
// not for row writes. Memory: the caller writes only the bank that no packet in flight looks at; so
// no packet sees half a row.

`default_nettype none

module portcam_address_table #(
    parameter int unsigned Domains   = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses = portcam_pkg::BuildAddresses
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  logic                               valid_i,
    input  logic                               bank_i,
    input  logic                               is_v6_i,
    input  logic [11:0]                        vlan_i,
    input  logic [127:0]                       ip_i,
    input  logic                               bank_q8_i,
    output portcam_lookup_pkg::address_match_t match_o,
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

  localparam int unsigned RowBits    = $clog2(Addresses);
  localparam int unsigned DomainBits = $clog2(Domains);
  localparam int unsigned KeyWidth   = 1 + 12 + 128;

  // What is kept of a row. Reserved bytes, and the bits above the sizes of the build, are 0 in
  // every row.
  typedef struct packed {
    logic [7:0]            home;
    logic [DomainBits-1:0] domain;
    logic [RowBits-1:0]    address;
    logic                  any_vlan;
    logic [11:0]           vlan;
    logic [7:0]            prefix;
    logic                  is_v6;
    logic [127:0]          ip;
  } row_t;

  portcam_pkg::address_row_t in_row;
  row_t                      in_kept;
  logic [127:0]              in_ip_ones;  // as many ones as the prefix is long, from the top
  logic [127:0]              in_ip_mask;
  logic [KeyWidth-1:0]       in_key;
  logic [KeyWidth-1:0]       in_mask;
  logic                      unused_in;

  localparam int unsigned RowWidth = $bits(in_kept);

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i};

  always_comb begin
    in_kept.home     = in_row.home;
    in_kept.domain   = in_row.domain[DomainBits-1:0];
    in_kept.address  = in_row.address[RowBits-1:0];
    in_kept.any_vlan = in_row.vlan == 16'(portcam_pkg::VlanAny);
    in_kept.vlan     = in_row.vlan[11:0];
    in_kept.prefix   = in_row.prefix;
    in_kept.is_v6    = in_row.family == 8'(portcam_pkg::Family6);
    in_kept.ip       = in_row.ip;
    // The first byte on the wire is the lowest of a row, and its highest bit comes first.
    in_ip_ones = ~({128{1'b1}} >> in_row.prefix);
    for (int unsigned n = 0; n < 16; n++) begin
      in_ip_mask[n*8+:8] = in_ip_ones[(15-n)*8+:8];
    end
    in_key  = {in_kept.is_v6, in_kept.vlan, in_kept.ip};
    in_mask = {1'b1, {12{!in_kept.any_vlan}}, in_ip_mask};
  end

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 8: the number of the row. Clocks 8 to 10: the row.

  logic               match_valid;
  logic               match_hit;
  logic [RowBits-1:0] match_row;
  logic [1:0]         hit_q;  // 9 and 10 clocks late
  logic               ternary_done;
  logic               ternary_busy;
  logic               unused_ternary_ready;

  portcam_ternary #(
      .KeyWidth(KeyWidth),
      .Rows    (Addresses)
  ) u_ternary (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .lookup_valid_i    (valid_i),
      .lookup_bank_i     (bank_i),
      .lookup_key_i      ({is_v6_i, vlan_i, ip_i}),
      .match_valid_o     (match_valid),
      .match_hit_o       (match_hit),
      .match_row_o       (match_row),
      .write_valid_i     (req_valid_i && req_write_i),
      .write_ready_o     (unused_ternary_ready),
      .write_bank_i      (req_bank_i),
      .write_row_i       (req_row_i[RowBits-1:0]),
      .write_key_i       (in_key),
      .write_mask_i      (in_mask),
      .write_enable_row_i(req_present_i),
      .write_done_o      (ternary_done),
      .init_i            (init_i),
      .busy_o            (ternary_busy)
  );

  row_t                               row;
  logic                               row_present;
  row_t                               out_row;
  logic                               out_present;
  logic                               row_done;
  logic                               row_busy;
  portcam_lookup_pkg::address_match_t match;
  logic                               unused_row;

  portcam_row_table #(
      .Width(RowWidth),
      .Rows (Addresses)
  ) u_rows (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (match_valid),
      .lookup_bank_i   (bank_q8_i),
      .lookup_row_i    (match_row),
      .lookup_present_o(row_present),
      .lookup_data_o   (row),
      .req_valid_i     (req_valid_i),
      .req_write_i     (req_write_i),
      .req_bank_i      (req_bank_i),
      .req_row_i       (req_row_i[RowBits-1:0]),
      .req_present_i   (req_present_i),
      .req_data_i      (in_kept),
      .done_o          (row_done),
      .present_o       (out_present),
      .data_o          (out_row),
      .init_i          (init_i),
      .busy_o          (row_busy)
  );

  always_ff @(posedge clk_i) begin
    hit_q <= {hit_q[0], match_hit};
  end

  assign unused_row = ^{row, row_present};

  always_comb begin
    match.hit     = hit_q[1];
    match.any     = 1'b0;
    match.domain  = 16'(row.domain);
    match.address = 16'(row.address);
  end

  assign match_o = match;

  //------------------------------------------------------------------------------------------------
  // Host port.

  logic write_q;  // a row write runs in the ternary match

  always_ff @(posedge clk_i) begin
    if (!rst_ni || ternary_done) begin
      write_q <= 1'b0;
    end else if (req_valid_i) begin
      write_q <= req_write_i;
    end
  end

  portcam_pkg::address_row_t out;

  always_comb begin
    out = '0;
    if (out_present) begin
      out.home    = out_row.home;
      out.domain  = 16'(out_row.domain);
      out.address = 16'(out_row.address);
      out.vlan    = out_row.any_vlan ? 16'(portcam_pkg::VlanAny) : 16'(out_row.vlan);
      out.prefix  = out_row.prefix;
      out.family  = out_row.is_v6 ? 8'(portcam_pkg::Family6) : 8'(portcam_pkg::Family4);
      out.ip      = out_row.ip;
    end
  end

  assign done_o    = ternary_done || (row_done && !write_q);
  assign present_o = out_present;
  assign data_o    = out;
  assign busy_o    = row_busy || (ternary_busy && !write_q);

endmodule

`resetall
