// SPDX-License-Identifier: Apache-2.0
//
// portcam_endpoint_tables: which endpoint is the source of a packet: exact port, else any port,
// else any protocol.
//
// The three tables are looked up at once with (family, source IP) and (protocol, port), (protocol,
// 0), (0, 0); protocols without ports skip the first. match_o comes exactly Latency = 11 clocks
// after valid_i, hit = 0 where none hits. One packet a clock. Host port: request bits and answers
// side by side: 0 endpoint, 1 endpoint_any_port, 2 endpoint_any; see portcam_endpoint_table.

`default_nettype none

module portcam_endpoint_tables #(
    parameter int unsigned Domains             = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses           = portcam_pkg::BuildAddresses,
    parameter int unsigned Services            = portcam_pkg::BuildServices,
    parameter int unsigned Backends            = portcam_pkg::BuildBackends,
    parameter int unsigned EndpointWays        = portcam_pkg::BuildEndpointWays,
    parameter int unsigned EndpointRows        = portcam_pkg::BuildEndpointRows,
    parameter int unsigned EndpointAnyPortRows = portcam_pkg::BuildEndpointAnyPortRows,
    parameter int unsigned EndpointAnyRows     = portcam_pkg::BuildEndpointAnyRows
) (
    input  logic                                clk_i,
    input  logic                                rst_ni,
    input  logic [31:0]                         hash_seed_i,
    input  logic                                valid_i,
    input  logic                                bank_i,
    input  logic                                is_v6_i,
    input  logic [127:0]                        ip_i,
    input  logic [7:0]                          protocol_i,
    input  logic                                has_ports_i,
    input  logic [15:0]                         port_i,
    output portcam_lookup_pkg::endpoint_match_t match_o,
    input  logic [2:0]                          req_valid_i,
    input  logic                                req_write_i,
    input  logic                                req_bank_i,
    input  logic [15:0]                         req_row_i,
    input  logic                                req_present_i,
    input  logic [383:0]                        req_data_i,
    output logic [2:0]                          done_o,
    output logic [2:0]                          present_o,
    output logic [383:0]                        exact_data_o,
    output logic [383:0]                        any_port_data_o,
    output logic [383:0]                        any_data_o,
    input  logic                                init_i,
    output logic                                busy_o
);

  logic [7:0] family;
  logic [2:0] busy;
  portcam_lookup_pkg::endpoint_match_t exact_q10;
  portcam_lookup_pkg::endpoint_match_t any_port_q10;
  portcam_lookup_pkg::endpoint_match_t any_q10;
  portcam_lookup_pkg::endpoint_match_t match_q11;

  assign family = is_v6_i ? 8'(portcam_pkg::Family6) : 8'(portcam_pkg::Family4);
  assign busy_o = busy != 3'b000;

  // Clocks 0 to 2: what the address contributes to the hash of each table. A CRC is linear: the
  // contributions of the address and of the rest of the key, without the seed, add up to the hash.
  logic [127:0] ip_q1;
  logic [127:0] ip_q2;
  logic         ip_valid_q1;
  logic [31:0]  ip_hash_q2;
  logic         unused_ip_valid;

  always_ff @(posedge clk_i) begin
    ip_valid_q1 <= valid_i;
    if (!rst_ni) begin
      ip_valid_q1 <= 1'b0;
    end
    if (valid_i) begin
      ip_q1 <= ip_i;
    end
    if (ip_valid_q1) begin
      ip_q2 <= ip_q1;
    end
  end

  portcam_crc32c #(
      .KeyWidth(160)
  ) u_ip_hash (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .key_i  ({32'd0, ip_i}),
      .seed_i (hash_seed_i),
      .valid_o(unused_ip_valid),
      .hash_o (ip_hash_q2)
  );

  portcam_endpoint_table #(
      .Domains  (Domains),
      .Addresses(Addresses),
      .Services (Services),
      .Backends (Backends),
      .Ways     (EndpointWays),
      .Rows     (EndpointRows)
  ) u_exact (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .valid_i      (valid_i && has_ports_i),
      .bank_i       (bank_i),
      .rest_i       ({port_i, protocol_i, family}),
      .ip_q2_i      (ip_q2),
      .ip_hash_q2_i (ip_hash_q2),
      .match_o      (exact_q10),
      .req_valid_i  (req_valid_i[0]),
      .req_write_i  (req_write_i),
      .req_bank_i   (req_bank_i),
      .req_row_i    (req_row_i),
      .req_present_i(req_present_i),
      .req_data_i   (req_data_i),
      .done_o       (done_o[0]),
      .present_o    (present_o[0]),
      .data_o       (exact_data_o),
      .init_i       (init_i),
      .busy_o       (busy[0])
  );

  portcam_endpoint_table #(
      .Domains  (Domains),
      .Addresses(Addresses),
      .Services (Services),
      .Backends (Backends),
      .Ways     (EndpointWays),
      .Rows     (EndpointAnyPortRows),
      .Wide     (1'b1)
  ) u_any_port (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .valid_i      (valid_i),
      .bank_i       (bank_i),
      .rest_i       ({16'd0, protocol_i, family}),
      .ip_q2_i      (ip_q2),
      .ip_hash_q2_i (ip_hash_q2),
      .match_o      (any_port_q10),
      .req_valid_i  (req_valid_i[1]),
      .req_write_i  (req_write_i),
      .req_bank_i   (req_bank_i),
      .req_row_i    (req_row_i),
      .req_present_i(req_present_i),
      .req_data_i   (req_data_i),
      .done_o       (done_o[1]),
      .present_o    (present_o[1]),
      .data_o       (any_port_data_o),
      .init_i       (init_i),
      .busy_o       (busy[1])
  );

  portcam_endpoint_table #(
      .Domains  (Domains),
      .Addresses(Addresses),
      .Services (Services),
      .Backends (Backends),
      .Ways     (EndpointWays),
      .Rows     (EndpointAnyRows),
      .Wide     (1'b1)
  ) u_any (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .valid_i      (valid_i),
      .bank_i       (bank_i),
      .rest_i       ({16'd0, 8'd0, family}),
      .ip_q2_i      (ip_q2),
      .ip_hash_q2_i (ip_hash_q2),
      .match_o      (any_q10),
      .req_valid_i  (req_valid_i[2]),
      .req_write_i  (req_write_i),
      .req_bank_i   (req_bank_i),
      .req_row_i    (req_row_i),
      .req_present_i(req_present_i),
      .req_data_i   (req_data_i),
      .done_o       (done_o[2]),
      .present_o    (present_o[2]),
      .data_o       (any_data_o),
      .init_i       (init_i),
      .busy_o       (busy[2])
  );

  // Clock 11: the most specific table that hits.
  always_ff @(posedge clk_i) begin
    if (exact_q10.hit) begin
      match_q11 <= exact_q10;
    end else if (any_port_q10.hit) begin
      match_q11 <= any_port_q10;
    end else begin
      match_q11 <= any_q10;
    end
  end

  assign match_o = match_q11;

endmodule

`resetall
