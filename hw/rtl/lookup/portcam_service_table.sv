// SPDX-License-Identifier: Apache-2.0
//
// portcam_service_table: (domain, address number or ANY, protocol, destination port) to service;
// the lowest row wins.
//
// Ternary match, then the row itself. match_o comes exactly Latency = 10 clocks after valid_i. One
// packet a clock; each uses its own bank. The key has a bit that says ANY beside the address
// number: a row with a number wants 0 there, so it never matches ANY. It has a bit that says that
// the protocol has ports: a row with an exact port wants 1 there. Host port, init_i and busy_o: as
// in portcam_address_table. Memory: the caller writes only the bank that no packet in flight looks
// at; so no packet sees half a row.

`default_nettype none

module portcam_service_table #(
    parameter int unsigned Domains      = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses    = portcam_pkg::BuildAddresses,
    parameter int unsigned Services     = portcam_pkg::BuildServices,
    parameter int unsigned Backends     = portcam_pkg::BuildBackends,
    parameter int unsigned ScheduleRows = portcam_pkg::BuildScheduleRows
) (
    input  logic                               clk_i,
    input  logic                               rst_ni,
    input  logic                               valid_i,
    input  logic                               bank_i,
    input  logic [15:0]                        domain_i,
    input  logic                               any_i,
    input  logic [15:0]                        address_i,
    input  logic [7:0]                         protocol_i,
    input  logic                               has_ports_i,
    input  logic [15:0]                        port_i,
    input  logic                               bank_q8_i,
    output portcam_lookup_pkg::service_match_t match_o,
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

  localparam int unsigned RowBits      = $clog2(Services);
  localparam int unsigned DomainBits   = $clog2(Domains);
  localparam int unsigned AddressBits  = $clog2(Addresses);
  localparam int unsigned BackendBits  = $clog2(Backends);
  localparam int unsigned ScheduleBits = $clog2(ScheduleRows);
  localparam int unsigned KeyWidth     = DomainBits + 1 + AddressBits + 8 + 1 + 16;

  // What is kept of a row. Reserved bytes, and the bits above the sizes of the build, are 0 in
  // every row.
  typedef struct packed {
    logic [1:0]              full;
    logic                    no_backend;
    logic [1:0]              no_record;
    logic [1:0]              pick;
    logic [4:0]              slots_log2;
    logic [ScheduleBits-1:0] schedule;
    logic [RowBits-1:0]      group;
    logic [BackendBits-1:0]  backend;
    logic [RowBits-1:0]      service;
    logic [1:0]              mode;
    logic                    keeps_port;
    logic                    exact_port;
    logic                    exact_protocol;
    logic [7:0]              protocol;
    logic [15:0]             port;
    logic                    any_address;
    logic [AddressBits-1:0]  address;
    logic [DomainBits-1:0]   domain;
  } row_t;

  portcam_pkg::service_row_t in_row;
  row_t                      in_kept;
  logic [KeyWidth-1:0]       in_key;
  logic [KeyWidth-1:0]       in_mask;
  logic                      unused_in;

  localparam int unsigned RowWidth = $bits(in_kept);

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i, domain_i, address_i};

  always_comb begin
    in_kept.full           = in_row.full[1:0];
    in_kept.no_backend     = in_row.no_backend[0];
    in_kept.no_record      = in_row.no_record[1:0];
    in_kept.pick           = in_row.pick[1:0];
    in_kept.slots_log2     = in_row.slots_log2[4:0];
    in_kept.schedule       = in_row.schedule[ScheduleBits-1:0];
    in_kept.group          = in_row.group[RowBits-1:0];
    in_kept.backend        = in_row.backend[BackendBits-1:0];
    in_kept.service        = in_row.service[RowBits-1:0];
    in_kept.mode           = in_row.mode[1:0];
    in_kept.keeps_port     = in_row.flags[portcam_pkg::ServiceRowKeepsPort];
    in_kept.exact_port     = in_row.flags[portcam_pkg::ServiceRowExactPort];
    in_kept.exact_protocol = in_row.flags[portcam_pkg::ServiceRowExactProtocol];
    in_kept.protocol       = in_row.protocol;
    in_kept.port           = in_row.port;
    in_kept.any_address    = in_row.address == 16'(portcam_pkg::AddressAny);
    in_kept.address        = in_row.address[AddressBits-1:0];
    in_kept.domain         = in_row.domain[DomainBits-1:0];
    in_key  = {in_kept.domain, 1'b0, in_kept.address, in_kept.protocol, 1'b1, in_kept.port};
    in_mask = {{DomainBits{1'b1}}, {(1 + AddressBits) {!in_kept.any_address}},
               {8{in_kept.exact_protocol}}, {17{in_kept.exact_port}}};
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
      .Rows    (Services)
  ) u_ternary (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .lookup_valid_i    (valid_i),
      .lookup_bank_i     (bank_i),
      .lookup_key_i      ({domain_i[DomainBits-1:0], any_i, address_i[AddressBits-1:0], protocol_i,
                           has_ports_i, port_i}),
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
  portcam_lookup_pkg::service_match_t match;
  logic                               unused_row;

  portcam_row_table #(
      .Width(RowWidth),
      .Rows (Services)
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
    match.hit        = hit_q[1];
    match.deliver    = row.mode == 2'(portcam_pkg::ModeDeliver);
    match.stateful   = row.mode == 2'(portcam_pkg::ModeStateful);
    match.exact_port = row.exact_port;
    match.keeps_port = row.keeps_port;
    match.service    = 16'(row.service);
    match.backend    = 16'(row.backend);
    match.group      = 16'(row.group);
    match.schedule   = 16'(row.schedule);
    match.slots_log2 = row.slots_log2;
    match.pick       = row.pick;
    match.no_record  = row.no_record;
    match.no_backend = row.no_backend;
    match.full       = row.full;
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

  portcam_pkg::service_row_t out;

  always_comb begin
    out = '0;
    if (out_present) begin
      out.full       = 8'(out_row.full);
      out.no_backend = 8'(out_row.no_backend);
      out.no_record  = 8'(out_row.no_record);
      out.pick       = 8'(out_row.pick);
      out.slots_log2 = 8'(out_row.slots_log2);
      out.schedule   = 16'(out_row.schedule);
      out.group      = 16'(out_row.group);
      out.backend    = 16'(out_row.backend);
      out.service    = 16'(out_row.service);
      out.mode       = 8'(out_row.mode);
      out.flags[portcam_pkg::ServiceRowKeepsPort]     = out_row.keeps_port;
      out.flags[portcam_pkg::ServiceRowExactPort]     = out_row.exact_port;
      out.flags[portcam_pkg::ServiceRowExactProtocol] = out_row.exact_protocol;
      out.protocol   = out_row.protocol;
      out.port       = out_row.port;
      out.address    = out_row.any_address ? 16'(portcam_pkg::AddressAny) : 16'(out_row.address);
      out.domain     = 16'(out_row.domain);
    end
  end

  assign done_o    = ternary_done || (row_done && !write_q);
  assign present_o = out_present;
  assign data_o    = out;
  assign busy_o    = row_busy || (ternary_busy && !write_q);

endmodule

`resetall
