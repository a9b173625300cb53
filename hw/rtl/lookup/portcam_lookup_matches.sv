// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup_matches: what the tables say of a packet before its record is asked: functions,
// address, endpoint, the domains of both, service; and what the packet says by itself.
//
// One packet a clock, never stalled. Outputs _q10 and _q21 come so many clocks after valid_i. Host
// port, init_i and busy_o: as in portcam_row_table; the tables are those of portcam_pkg, in the
// order of the localparams below, and each has its own data.

`default_nettype none

module portcam_lookup_matches #(
    parameter int unsigned Functions           = portcam_pkg::BuildFunctions,
    parameter int unsigned Domains             = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses           = portcam_pkg::BuildAddresses,
    parameter int unsigned Services            = portcam_pkg::BuildServices,
    parameter int unsigned Backends            = portcam_pkg::BuildBackends,
    parameter int unsigned EndpointWays        = portcam_pkg::BuildEndpointWays,
    parameter int unsigned EndpointRows        = portcam_pkg::BuildEndpointRows,
    parameter int unsigned EndpointAnyPortRows = portcam_pkg::BuildEndpointAnyPortRows,
    parameter int unsigned EndpointAnyRows     = portcam_pkg::BuildEndpointAnyRows,
    parameter int unsigned ScheduleRows        = portcam_pkg::BuildScheduleRows
) (
    input  logic                                clk_i,
    input  logic                                rst_ni,
    input  logic [31:0]                         hash_seed_i,
    input  logic                                valid_i,
    input  portcam_types_pkg::parsed_t          parsed_i,
    input  logic                                bank_i,
    output logic                                valid_q10_o,
    output portcam_lookup_pkg::function_match_t function_q10_o,
    output logic                                valid_q21_o,
    output logic                                bank_q21_o,
    output portcam_lookup_pkg::packet_t         packet_q21_o,
    output portcam_lookup_pkg::address_match_t  address_q21_o,
    output portcam_lookup_pkg::verdict_t        address_verdict_q21_o,
    output portcam_lookup_pkg::endpoint_match_t endpoint_q21_o,
    output portcam_lookup_pkg::verdict_t        endpoint_verdict_q21_o,
    output portcam_lookup_pkg::service_match_t  service_q21_o,
    output portcam_lookup_pkg::segment_t        segment_q21_o,
    output logic [31:0]                         crc_q21_o,       // of the client's IP
    output logic [31:0]                         crc_port_q21_o,  // ... and port
    input  logic [6:0]                          req_valid_i,
    input  logic                                req_write_i,
    input  logic                                req_bank_i,
    input  logic [15:0]                         req_row_i,
    input  logic                                req_present_i,
    input  logic [383:0]                        req_data_i,
    output logic [6:0]                          done_o,
    output logic [6:0]                          present_o,
    output logic [383:0]                        function_data_o,
    output logic [383:0]                        domain_data_o,
    output logic [383:0]                        address_data_o,
    output logic [383:0]                        service_data_o,
    output logic [383:0]                        endpoint_data_o,
    output logic [383:0]                        any_port_data_o,
    output logic [383:0]                        any_data_o,
    input  logic                                init_i,
    output logic [3:0]                          busy_o
);

  // Bits of req_valid_i, done_o and present_o; TblEndpoint is the first of three.
  localparam int unsigned TblFunction = 0;
  localparam int unsigned TblDomain   = 1;
  localparam int unsigned TblAddress  = 2;
  localparam int unsigned TblService  = 3;
  localparam int unsigned TblEndpoint = 4;

  //------------------------------------------------------------------------------------------------
  // Clock 0: the packet. valid_q[n] and bank_q[n] are n clocks late.

  portcam_types_pkg::parsed_t  parsed;
  portcam_lookup_pkg::packet_t packet;
  portcam_lookup_pkg::packet_t packet_q11;
  portcam_lookup_pkg::packet_t packet_q21;
  logic [21:1]                 valid_q;
  logic [21:1]                 bank_q;
  logic                        unused_parsed;

  assign parsed        = parsed_i;
  assign unused_parsed = ^parsed;

  // An ICMP error is looked up as the answer to the packet that it is about.
  always_comb begin
    packet.reason       = parsed.reason;
    packet.decided      = parsed.decided && !parsed.about_flow;
    packet.about_flow   = parsed.about_flow;
    packet.is_v6        = parsed.is_v6;
    packet.src_ip       = parsed.about_flow ? parsed.inner_dst_ip : parsed.src_ip;
    packet.dst_ip       = parsed.about_flow ? parsed.inner_src_ip : parsed.dst_ip;
    packet.protocol     = parsed.about_flow ? parsed.inner_protocol : parsed.protocol;
    packet.has_ports    = parsed.about_flow ? parsed.inner_has_ports : parsed.has_ports;
    packet.src_port     = parsed.about_flow ? parsed.inner_dst_port : parsed.src_port;
    packet.dst_port     = parsed.about_flow ? parsed.inner_src_port : parsed.dst_port;
    packet.l3           = parsed.l3;
    packet.l4           = parsed.about_flow ? parsed.inner_l4 : parsed.l4;
    packet.ip_sum       = parsed.about_flow ? parsed.inner_ip_sum : parsed.ip_sum;
    packet.has_l4_sum   = parsed.about_flow ? parsed.inner_has_sum : parsed.has_l4_sum;
    packet.l4_sum       = parsed.about_flow ? parsed.inner_sum : parsed.l4_sum;
    packet.l4_sum_at    = parsed.about_flow ? parsed.inner_sum_at : parsed.l4_sum_at;
    packet.outer_src_ip = parsed.src_ip;
    packet.outer_ip_sum = parsed.ip_sum;
    packet.outer_l4     = parsed.l4;
    packet.outer_l4_sum = parsed.l4_sum;
    packet.len          = parsed.len;
    packet.ingress      = parsed.ingress;
  end

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[20:1], valid_i};
    bank_q  <= {bank_q[20:1], bank_i};
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  portcam_delay #(
      .Width ($bits(packet)),
      .Cycles(11)
  ) u_packet_to_service (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .data_i (packet),
      .data_o (packet_q11)
  );

  portcam_delay #(
      .Width ($bits(packet)),
      .Cycles(10)
  ) u_packet_to_records (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[11]),
      .data_i (packet_q11),
      .data_o (packet_q21)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 3: functions.

  portcam_lookup_pkg::function_match_t function_q3;
  portcam_lookup_pkg::function_match_t function_q10;

  portcam_function_table #(
      .Functions(Functions),
      .Domains  (Domains)
  ) u_functions (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .valid_i      (valid_i),
      .bank_i       (bank_i),
      .has_mac_i    (parsed.has_mac),
      .dst_mac_i    (parsed.dst_mac),
      .ingress_i    (parsed.ingress),
      .match_o      (function_q3),
      .req_valid_i  (req_valid_i[TblFunction]),
      .req_write_i  (req_write_i),
      .req_bank_i   (req_bank_i),
      .req_row_i    (req_row_i),
      .req_present_i(req_present_i),
      .req_data_i   (req_data_i),
      .done_o       (done_o[TblFunction]),
      .present_o    (present_o[TblFunction]),
      .data_o       (function_data_o),
      .init_i       (init_i)
  );

  portcam_delay #(
      .Width ($bits(function_q3)),
      .Cycles(7)
  ) u_function_to_address (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[3]),
      .data_i (function_q3),
      .data_o (function_q10)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 11: address, or the source domain for a loopback destination.

  portcam_lookup_pkg::address_match_t address_q10;
  portcam_lookup_pkg::address_match_t address;
  portcam_lookup_pkg::address_match_t address_q11;
  portcam_lookup_pkg::address_match_t address_q21;
  logic [10:1]                        loopback_q;

  portcam_address_table #(
      .Domains  (Domains),
      .Addresses(Addresses)
  ) u_addresses (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .valid_i      (valid_i),
      .bank_i       (bank_i),
      .is_v6_i      (parsed.is_v6),
      .vlan_i       (parsed.vlan),
      .ip_i         (packet.dst_ip),
      .bank_q8_i    (bank_q[8]),
      .match_o      (address_q10),
      .req_valid_i  (req_valid_i[TblAddress]),
      .req_write_i  (req_write_i),
      .req_bank_i   (req_bank_i),
      .req_row_i    (req_row_i),
      .req_present_i(req_present_i),
      .req_data_i   (req_data_i),
      .done_o       (done_o[TblAddress]),
      .present_o    (present_o[TblAddress]),
      .data_o       (address_data_o),
      .init_i       (init_i),
      .busy_o       (busy_o[0])
  );

  always_ff @(posedge clk_i) begin
    // ::1 is 15 bytes of 0 and then the 1, which is the last byte of the wire.
    loopback_q <= {loopback_q[9:1], packet.is_v6 ? packet.dst_ip == {8'd1, 120'd0}
                                                 : packet.dst_ip[7:0] == 8'd127};
  end

  always_comb begin
    address = address_q10;
    if (loopback_q[10]) begin
      address.hit     = function_q10.has_domain;
      address.any     = 1'b1;
      address.domain  = function_q10.domain;
      address.address = 16'd0;
    end
  end

  always_ff @(posedge clk_i) begin
    address_q11 <= address;
  end

  portcam_delay #(
      .Width ($bits(address_q11)),
      .Cycles(10)
  ) u_address_to_records (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[11]),
      .data_i (address_q11),
      .data_o (address_q21)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 11: endpoint.

  portcam_lookup_pkg::endpoint_match_t endpoint_q11;
  portcam_lookup_pkg::endpoint_match_t endpoint_q21;

  portcam_endpoint_tables #(
      .Domains            (Domains),
      .Addresses          (Addresses),
      .Services           (Services),
      .Backends           (Backends),
      .EndpointWays       (EndpointWays),
      .EndpointRows       (EndpointRows),
      .EndpointAnyPortRows(EndpointAnyPortRows),
      .EndpointAnyRows    (EndpointAnyRows)
  ) u_endpoints (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .hash_seed_i    (hash_seed_i),
      .valid_i        (valid_i),
      .bank_i         (bank_i),
      .is_v6_i        (parsed.is_v6),
      .ip_i           (packet.src_ip),
      .protocol_i     (packet.protocol),
      .has_ports_i    (packet.has_ports),
      .port_i         (packet.src_port),
      .match_o        (endpoint_q11),
      .req_valid_i    (req_valid_i[TblEndpoint+:3]),
      .req_write_i    (req_write_i),
      .req_bank_i     (req_bank_i),
      .req_row_i      (req_row_i),
      .req_present_i  (req_present_i),
      .req_data_i     (req_data_i),
      .done_o         (done_o[TblEndpoint+:3]),
      .present_o      (present_o[TblEndpoint+:3]),
      .exact_data_o   (endpoint_data_o),
      .any_port_data_o(any_port_data_o),
      .any_data_o     (any_data_o),
      .init_i         (init_i),
      .busy_o         (busy_o[1])
  );

  portcam_delay #(
      .Width ($bits(endpoint_q11)),
      .Cycles(10)
  ) u_endpoint_to_records (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[11]),
      .data_i (endpoint_q11),
      .data_o (endpoint_q21)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 11 to 13: the domains of both.

  portcam_lookup_pkg::verdict_t address_verdict_q13;
  portcam_lookup_pkg::verdict_t endpoint_verdict_q13;
  portcam_lookup_pkg::verdict_t address_verdict_q21;
  portcam_lookup_pkg::verdict_t endpoint_verdict_q21;

  portcam_domain_table #(
      .Domains(Domains)
  ) u_domains (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .lookup_en_i       (valid_q[11]),
      .lookup_bank_i     (bank_q[11]),
      .address_domain_i  (address_q11.domain),
      .endpoint_domain_i (endpoint_q11.domain),
      .address_verdict_o (address_verdict_q13),
      .endpoint_verdict_o(endpoint_verdict_q13),
      .req_valid_i       (req_valid_i[TblDomain]),
      .req_write_i       (req_write_i),
      .req_bank_i        (req_bank_i),
      .req_row_i         (req_row_i),
      .req_present_i     (req_present_i),
      .req_data_i        (req_data_i),
      .done_o            (done_o[TblDomain]),
      .present_o         (present_o[TblDomain]),
      .data_o            (domain_data_o),
      .init_i            (init_i),
      .busy_o            (busy_o[2])
  );

  portcam_delay #(
      .Width (2 * $bits(address_verdict_q13)),
      .Cycles(8)
  ) u_verdicts_to_records (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[13]),
      .data_i ({address_verdict_q13, endpoint_verdict_q13}),
      .data_o ({address_verdict_q21, endpoint_verdict_q21})
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 11 to 21: service.

  portcam_lookup_pkg::service_match_t service_q21;

  portcam_service_table #(
      .Domains     (Domains),
      .Addresses   (Addresses),
      .Services    (Services),
      .Backends    (Backends),
      .ScheduleRows(ScheduleRows)
  ) u_services (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .valid_i      (valid_q[11]),
      .bank_i       (bank_q[11]),
      .domain_i     (address_q11.domain),
      .any_i        (address_q11.any),
      .address_i    (address_q11.address),
      .protocol_i   (packet_q11.protocol),
      .has_ports_i  (packet_q11.has_ports),
      .port_i       (packet_q11.dst_port),
      .bank_q8_i    (bank_q[19]),
      .match_o      (service_q21),
      .req_valid_i  (req_valid_i[TblService]),
      .req_write_i  (req_write_i),
      .req_bank_i   (req_bank_i),
      .req_row_i    (req_row_i),
      .req_present_i(req_present_i),
      .req_data_i   (req_data_i),
      .done_o       (done_o[TblService]),
      .present_o    (present_o[TblService]),
      .data_o       (service_data_o),
      .init_i       (init_i),
      .busy_o       (busy_o[3])
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 21: what the packet says by itself.

  portcam_lookup_pkg::segment_t segment_q2;
  portcam_lookup_pkg::segment_t segment_q21;
  logic                         may_create;
  logic                         no_answer;
  logic                         is_tcp;
  logic [2:0]                   tcp_class;
  logic [31:0]                  tcp_end;
  logic [72:0]                  tcp_q1;
  logic [72:0]                  tcp_q2;
  logic                         unused_creation_valid;
  logic                         unused_crc_valid;
  logic                         unused_crc_port_valid;
  logic [31:0]                  crc_q2;        // of the client's IP
  logic [31:0]                  crc_port_q2;   // ... and port
  logic [31:0]                  crc_q21;
  logic [31:0]                  crc_port_q21;

  portcam_creation u_creation (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (valid_i),
      .parsed_i    (parsed_i),
      .valid_o     (unused_creation_valid),
      .may_create_o(may_create),
      .no_answer_o (no_answer),
      .tcp_o       (is_tcp),
      .tcp_class_o (tcp_class),
      .tcp_end_o   (tcp_end)
  );

  portcam_crc32c #(
      .KeyWidth(144)
  ) u_crc (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .key_i  ({16'd0, parsed.src_ip}),
      .seed_i (32'd0),
      .valid_o(unused_crc_valid),
      .hash_o (crc_q2)
  );

  portcam_crc32c #(
      .KeyWidth(144)
  ) u_crc_port (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .key_i  ({parsed.src_port[7:0], parsed.src_port[15:8], parsed.src_ip}),
      .seed_i (32'd0),
      .valid_o(unused_crc_port_valid),
      .hash_o (crc_port_q2)
  );

  always_ff @(posedge clk_i) begin
    tcp_q1 <= {parsed.tcp_seq, parsed.tcp_flags[4], parsed.tcp_ack, parsed.ip_end};
    tcp_q2 <= tcp_q1;
  end

  assign segment_q2 = {may_create, no_answer, is_tcp, tcp_class, tcp_end, tcp_q2};

  portcam_delay #(
      .Width ($bits(segment_q2) + 64),
      .Cycles(19)
  ) u_segment_to_records (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[2]),
      .data_i ({segment_q2, crc_q2, crc_port_q2}),
      .data_o ({segment_q21, crc_q21, crc_port_q21})
  );

  assign valid_q10_o            = valid_q[10];
  assign function_q10_o         = function_q10;
  assign valid_q21_o            = valid_q[21];
  assign bank_q21_o             = bank_q[21];
  assign packet_q21_o           = packet_q21;
  assign address_q21_o          = address_q21;
  assign address_verdict_q21_o  = address_verdict_q21;
  assign endpoint_q21_o         = endpoint_q21;
  assign endpoint_verdict_q21_o = endpoint_verdict_q21;
  assign service_q21_o          = service_q21;
  assign segment_q21_o          = segment_q21;
  assign crc_q21_o              = crc_q21;
  assign crc_port_q21_o         = crc_port_q21;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_no_clear_under_packets : assert (!(init_i && valid_q != '0));
    end
  end
`endif

endmodule

`resetall
