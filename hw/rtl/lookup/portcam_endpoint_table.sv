// SPDX-License-Identifier: Apache-2.0
//
// portcam_endpoint_table: one of the three endpoint tables: the key is the first 20 bytes of the
// row (source IP, family, protocol, port), its bucket the CRC-32C of these bytes with the seed,
// modulo the buckets; the lowest way wins.
//
// The address of the key, and what it contributes to the hash, are the same for all three tables
// and come 2 clocks after valid_i. match_o comes exactly Latency = 10 clocks after valid_i, with
// hit = 0 where valid_i was 0. One a clock; each uses its own bank. Host port: as in
// portcam_row_table, but done_o comes 2 clocks (write) or 4 clocks (read) after req_valid_i. init_i
// empties the table in 2 * Rows / Ways clocks. The rules of a read during a write are those of portcam_exact.

`default_nettype none

module portcam_endpoint_table #(
    parameter int unsigned Domains   = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses = portcam_pkg::BuildAddresses,
    parameter int unsigned Services  = portcam_pkg::BuildServices,
    parameter int unsigned Backends  = portcam_pkg::BuildBackends,
    parameter int unsigned Ways      = portcam_pkg::BuildEndpointWays,
    parameter int unsigned Rows      = portcam_pkg::BuildEndpointRows,
    parameter bit          Wide      = 1'b0  // endpoint_any_port or endpoint_any
) (
    input  logic                                clk_i,
    input  logic                                rst_ni,
    input  logic                                valid_i,
    input  logic                                bank_i,
    input  logic [31:0]                         rest_i,        // of the key: port, protocol, family
    input  logic [127:0]                        ip_q2_i,
    input  logic [31:0]                         ip_hash_q2_i,  // with the seed
    output portcam_lookup_pkg::endpoint_match_t match_o,
    input  logic                                req_valid_i,
    input  logic                                req_write_i,
    input  logic                                req_bank_i,
    input  logic [15:0]                         req_row_i,
    input  logic                                req_present_i,
    input  logic [383:0]                        req_data_i,
    output logic                                done_o,
    output logic                                present_o,
    output logic [383:0]                        data_o,
    input  logic                                init_i,
    output logic                                busy_o
);

  if (Ways < 1 || Rows < 2 * Ways || Rows % Ways != 0) begin : g_bad_rows
    $error("portcam_endpoint_table: Rows must be a multiple of Ways, two buckets at least");
  end

  localparam int unsigned RowBits     = $clog2(Rows);
  localparam int unsigned DomainBits  = $clog2(Domains);
  localparam int unsigned AddressBits = $clog2(Addresses);
  localparam int unsigned ServiceBits = $clog2(Services);
  localparam int unsigned BackendBits = $clog2(Backends);

  // What is kept of a row besides its key.
  typedef struct packed {
    logic                   alone;
    logic                   keeps_port;
    logic                   stateful;
    logic                   strict;
    logic                   has_mac;
    logic [AddressBits-1:0] address;
    logic [DomainBits-1:0]  domain;
    logic [BackendBits-1:0] backend;
    logic [ServiceBits-1:0] service;
    logic [15:0]            public_port;
    logic [127:0]           public_ip;
  } row_t;

  portcam_pkg::endpoint_row_t in_row;
  row_t                       in_kept;
  logic                       unused_in;

  localparam int unsigned RowWidth = $bits(in_kept);

  assign in_row    = req_data_i;
  assign unused_in = ^{in_row, req_row_i};

  always_comb begin
    in_kept.alone       = in_row.flags[portcam_pkg::EndpointRowAlone];
    in_kept.keeps_port  = in_row.flags[portcam_pkg::EndpointRowKeepsPort];
    in_kept.stateful    = in_row.flags[portcam_pkg::EndpointRowStateful];
    in_kept.strict      = in_row.flags[portcam_pkg::EndpointRowStrict];
    in_kept.has_mac     = in_row.flags[portcam_pkg::EndpointRowHasMac];
    in_kept.address     = in_row.address[AddressBits-1:0];
    in_kept.domain      = in_row.domain[DomainBits-1:0];
    in_kept.backend     = in_row.backend[BackendBits-1:0];
    in_kept.service     = in_row.service[ServiceBits-1:0];
    in_kept.public_port = in_row.public_port;
    in_kept.public_ip   = in_row.public_ip;
  end

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 2: the hash, the sum of what the address and the rest contribute. Clocks 2 to 10:
  // the row.

  logic [31:0] rest_q1;
  logic [31:0] rest_q2;
  logic [1:0]  bank_q;
  logic        hash_valid_q2;
  logic [31:0] rest_hash_q2;

  always_ff @(posedge clk_i) begin
    rest_q1 <= rest_i;
    rest_q2 <= rest_q1;
    bank_q  <= {bank_q[0], bank_i};
  end

  portcam_crc32c #(
      .KeyWidth(32)
  ) u_hash (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .key_i  (rest_i),
      .seed_i (32'd0),
      .valid_o(hash_valid_q2),
      .hash_o (rest_hash_q2)
  );

  logic               match_valid;
  logic               match_hit;
  row_t               match_row;
  logic [RowBits-1:0] unused_match_number;
  logic               unused_match_multi;
  logic               read_done;
  logic               out_present;
  logic [159:0]       out_key;
  row_t               out_row;

  portcam_exact #(
      .KeyWidth  (160),
      .ValueWidth(RowWidth),
      .Ways      (Ways),
      .Buckets   (Rows / Ways)
  ) u_exact (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .lookup_valid_i (hash_valid_q2),
      .lookup_bank_i  (bank_q[1]),
      .lookup_key_i   ({rest_q2, ip_q2_i}),
      .lookup_hash_i  (ip_hash_q2_i ^ rest_hash_q2),
      .match_valid_o  (match_valid),
      .match_hit_o    (match_hit),
      .match_row_o    (unused_match_number),
      .match_value_o  (match_row),
      .match_multi_o  (unused_match_multi),
      .host_en_i      (req_valid_i),
      .host_we_i      (req_write_i),
      .host_bank_i    (req_bank_i),
      .host_row_i     (req_row_i[RowBits-1:0]),
      .host_valid_i   (req_present_i),
      .host_key_i     (in_row[159:0]),
      .host_value_i   (in_kept),
      .host_rvalid_o  (read_done),
      .host_rowvalid_o(out_present),
      .host_rkey_o    (out_key),
      .host_rvalue_o  (out_row),
      .init_i         (init_i),
      .busy_o         (busy_o)
  );

  portcam_lookup_pkg::endpoint_match_t match;

  always_comb begin
    match.hit         = match_valid && match_hit;
    match.public_ip   = match_row.public_ip;
    match.public_port = match_row.public_port;
    match.service     = 16'(match_row.service);
    match.backend     = 16'(match_row.backend);
    match.domain      = 16'(match_row.domain);
    match.address     = 16'(match_row.address);
    match.strict      = match_row.strict;
    match.has_mac     = match_row.has_mac;
    match.stateful    = match_row.stateful;
    match.keeps_port  = match_row.keeps_port;
    match.alone       = match_row.alone;
    match.wide        = Wide;
  end

  assign match_o = match;

  //------------------------------------------------------------------------------------------------
  // Host port.

  logic [1:0] write_q;

  always_ff @(posedge clk_i) begin
    write_q <= {write_q[0], req_valid_i && req_write_i};
    if (!rst_ni) begin
      write_q <= '0;
    end
  end

  portcam_pkg::endpoint_row_t out;

  always_comb begin
    out = '0;
    if (out_present) begin
      out.flags[portcam_pkg::EndpointRowStrict]    = out_row.strict;
      out.flags[portcam_pkg::EndpointRowHasMac]    = out_row.has_mac;
      out.flags[portcam_pkg::EndpointRowStateful]  = out_row.stateful;
      out.flags[portcam_pkg::EndpointRowKeepsPort] = out_row.keeps_port;
      out.flags[portcam_pkg::EndpointRowAlone]     = out_row.alone;
      out.address     = 16'(out_row.address);
      out.domain      = 16'(out_row.domain);
      out.backend     = 16'(out_row.backend);
      out.service     = 16'(out_row.service);
      out.public_port = out_row.public_port;
      out.public_ip   = out_row.public_ip;
      out.port        = out_key[159:144];
      out.protocol    = out_key[143:136];
      out.family      = out_key[135:128];
      out.ip          = out_key[127:0];
    end
  end

  assign done_o    = write_q[1] || read_done;
  assign present_o = out_present;
  assign data_o    = out;

endmodule

`resetall
