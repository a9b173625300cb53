// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup: the tables and the decision: from the parse result of a packet to its rewrite
// instruction and counters.
//
// rewrite_o comes exactly Latency = 29 clocks after valid_i, count_o 25; one packet a clock, never
// stalled. Each packet reads all tables in the bank that bank_i says when it enters; the last read
// is 23 clocks later, so a bank that no packet has been given for 24 clocks may be written. What is
// known when, in clocks after valid_i:
//
//      0  the address match, the three endpoint hashes and the function rows begin
//      3  default egress, hairpin egress, source domain
//     11  address number and domain (loopback included); endpoint row; service, domains begin
//     13  verdicts of the two domains
//     21  service row; backend row begins
//     23  backend row, device MAC; the decision begins
//     25  reason, egress, rewrite without checksums, counters
//     29  new checksums
//
// Table bus, clear_i and busy_o: portcam_table_bus. While busy_o is high no packets may be given;
// clear_i may be given only when no packet is on its way.

`default_nettype none

module portcam_lookup #(
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
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic [31:0]                 hash_seed_i,
    input  logic                        valid_i,
    input  portcam_types_pkg::parsed_t  parsed_i,
    input  logic                        bank_i,
    output logic                        valid_o,
    output portcam_types_pkg::rewrite_t rewrite_o,
    output logic                        from_host_o,
    output logic                        count_valid_o,
    output portcam_types_pkg::count_t   count_o,
    input  logic                        tbl_valid_i,
    output logic                        tbl_ready_o,
    input  logic                        tbl_write_i,
    input  logic                        tbl_bank_i,
    input  logic [3:0]                  tbl_table_i,
    input  logic [15:0]                 tbl_row_i,
    input  logic                        tbl_rowvalid_i,
    input  logic [383:0]                tbl_data_i,
    output logic                        tbl_done_o,
    output logic                        tbl_rowvalid_o,
    output logic [383:0]                tbl_data_o,
    input  logic                        clear_i,
    output logic                        busy_o
);

  localparam int unsigned Tables = 9;
  localparam int unsigned Decide = 23;  // clocks until the decision begins

  // Tables by number on the bus.
  localparam int unsigned TblDevice   = 32'(portcam_pkg::TableDevice);
  localparam int unsigned TblFunction = 32'(portcam_pkg::TableFunction);
  localparam int unsigned TblDomain   = 32'(portcam_pkg::TableDomain);
  localparam int unsigned TblAddress  = 32'(portcam_pkg::TableAddress);
  localparam int unsigned TblService  = 32'(portcam_pkg::TableService);
  localparam int unsigned TblBackend  = 32'(portcam_pkg::TableBackend);
  localparam int unsigned TblEndpoint = 32'(portcam_pkg::TableEndpoint);

  if (Domains > 32768 || Addresses > 2048 || Services > 2048 || Backends > 32768 ||
      EndpointRows > 65536 || EndpointAnyPortRows > 65536 ||
      EndpointAnyRows > 65536) begin : g_bad_sizes
    $error("portcam_lookup: a table is larger than its row numbers or its match can be");
  end

  logic [Tables-1:0]     req_valid;
  logic                  req_write;
  logic                  req_bank;
  logic [15:0]           req_row;
  logic                  req_present;
  logic [383:0]          req_data;
  logic [Tables-1:0]     done;
  logic [Tables-1:0]     present;
  logic [3:0]            req_table;
  logic [383:0]          device_data;
  logic [383:0]          function_data;
  logic [383:0]          domain_data;
  logic [383:0]          address_data;
  logic [383:0]          service_data;
  logic [383:0]          backend_data;
  logic [383:0]          endpoint_data;
  logic [383:0]          any_port_data;
  logic [383:0]          any_data;
  logic                  answer_present;
  logic [383:0]          answer_data;
  logic                  init;
  logic [4:0]            busy;

  portcam_table_bus #(
      .Tables(Tables)
  ) u_bus (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .tbl_valid_i   (tbl_valid_i),
      .tbl_ready_o   (tbl_ready_o),
      .tbl_write_i   (tbl_write_i),
      .tbl_bank_i    (tbl_bank_i),
      .tbl_table_i   (tbl_table_i),
      .tbl_row_i     (tbl_row_i),
      .tbl_rowvalid_i(tbl_rowvalid_i),
      .tbl_data_i    (tbl_data_i),
      .tbl_done_o    (tbl_done_o),
      .tbl_rowvalid_o(tbl_rowvalid_o),
      .tbl_data_o    (tbl_data_o),
      .clear_i       (clear_i),
      .busy_o        (busy_o),
      .req_valid_o   (req_valid),
      .req_table_o   (req_table),
      .req_write_o   (req_write),
      .req_bank_o    (req_bank),
      .req_row_o     (req_row),
      .req_present_o (req_present),
      .req_data_o    (req_data),
      .done_i        (done),
      .present_i     (answer_present),
      .data_i        (answer_data),
      .init_o        (init),
      .tables_busy_i (busy != '0)
  );

  always_comb begin
    unique case (req_table)
      4'(TblDevice):       answer_data = device_data;
      4'(TblFunction):     answer_data = function_data;
      4'(TblDomain):       answer_data = domain_data;
      4'(TblAddress):      answer_data = address_data;
      4'(TblService):      answer_data = service_data;
      4'(TblBackend):      answer_data = backend_data;
      4'(TblEndpoint):     answer_data = endpoint_data;
      4'(TblEndpoint + 1): answer_data = any_port_data;
      default:             answer_data = any_data;
    endcase
  end

  assign answer_present = present[req_table];

  //------------------------------------------------------------------------------------------------
  // Clock 0: the packet. valid_q[n] and bank_q[n] are n clocks late.

  portcam_types_pkg::parsed_t  parsed;
  portcam_lookup_pkg::packet_t packet;
  portcam_lookup_pkg::packet_t packet_q11;
  portcam_lookup_pkg::packet_t packet_q23;
  logic [Decide:1]             valid_q;
  logic [Decide:1]             bank_q;
  logic                        unused_parsed;

  assign parsed        = parsed_i;
  assign unused_parsed = ^parsed;

  always_comb begin
    packet.reason     = parsed.reason;
    packet.decided    = parsed.decided;
    packet.is_v6      = parsed.is_v6;
    packet.src_ip     = parsed.src_ip;
    packet.dst_ip     = parsed.dst_ip;
    packet.protocol   = parsed.protocol;
    packet.has_ports  = parsed.has_ports;
    packet.src_port   = parsed.src_port;
    packet.dst_port   = parsed.dst_port;
    packet.l3         = parsed.l3;
    packet.l4         = parsed.l4;
    packet.ip_sum     = parsed.ip_sum;
    packet.has_l4_sum = parsed.has_l4_sum;
    packet.l4_sum     = parsed.l4_sum;
    packet.l4_sum_at  = parsed.l4_sum_at;
    packet.len        = parsed.len;
    packet.ingress    = parsed.ingress;
  end

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[Decide-1:1], valid_i};
    bank_q  <= {bank_q[Decide-1:1], bank_i};
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
      .Cycles(Decide - 11)
  ) u_packet_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[11]),
      .data_i (packet_q11),
      .data_o (packet_q23)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 3: functions.

  portcam_lookup_pkg::function_match_t function_q3;
  portcam_lookup_pkg::function_match_t function_q10;
  portcam_lookup_pkg::function_match_t function_q23;

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
      .req_valid_i  (req_valid[TblFunction]),
      .req_write_i  (req_write),
      .req_bank_i   (req_bank),
      .req_row_i    (req_row),
      .req_present_i(req_present),
      .req_data_i   (req_data),
      .done_o       (done[TblFunction]),
      .present_o    (present[TblFunction]),
      .data_o       (function_data),
      .init_i       (init)
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

  portcam_delay #(
      .Width ($bits(function_q3)),
      .Cycles(Decide - 10)
  ) u_function_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[10]),
      .data_i (function_q10),
      .data_o (function_q23)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 11: address, or the source domain for a loopback destination.

  portcam_lookup_pkg::address_match_t address_q10;
  portcam_lookup_pkg::address_match_t address;
  portcam_lookup_pkg::address_match_t address_q11;
  portcam_lookup_pkg::address_match_t address_q23;
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
      .ip_i         (parsed.dst_ip),
      .bank_q8_i    (bank_q[8]),
      .match_o      (address_q10),
      .req_valid_i  (req_valid[TblAddress]),
      .req_write_i  (req_write),
      .req_bank_i   (req_bank),
      .req_row_i    (req_row),
      .req_present_i(req_present),
      .req_data_i   (req_data),
      .done_o       (done[TblAddress]),
      .present_o    (present[TblAddress]),
      .data_o       (address_data),
      .init_i       (init),
      .busy_o       (busy[0])
  );

  always_ff @(posedge clk_i) begin
    // ::1 is 15 bytes of 0 and then the 1, which is the last byte of the wire.
    loopback_q <= {loopback_q[9:1], parsed.is_v6 ? parsed.dst_ip == {8'd1, 120'd0}
                                                 : parsed.dst_ip[7:0] == 8'd127};
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
      .Cycles(Decide - 11)
  ) u_address_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[11]),
      .data_i (address_q11),
      .data_o (address_q23)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 11: endpoint.

  portcam_lookup_pkg::endpoint_match_t endpoint_q11;
  portcam_lookup_pkg::endpoint_match_t endpoint_q23;

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
      .ip_i           (parsed.src_ip),
      .protocol_i     (parsed.protocol),
      .has_ports_i    (parsed.has_ports),
      .port_i         (parsed.src_port),
      .match_o        (endpoint_q11),
      .req_valid_i    (req_valid[TblEndpoint+:3]),
      .req_write_i    (req_write),
      .req_bank_i     (req_bank),
      .req_row_i      (req_row),
      .req_present_i  (req_present),
      .req_data_i     (req_data),
      .done_o         (done[TblEndpoint+:3]),
      .present_o      (present[TblEndpoint+:3]),
      .exact_data_o   (endpoint_data),
      .any_port_data_o(any_port_data),
      .any_data_o     (any_data),
      .init_i         (init),
      .busy_o         (busy[1])
  );

  portcam_delay #(
      .Width ($bits(endpoint_q11)),
      .Cycles(Decide - 11)
  ) u_endpoint_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[11]),
      .data_i (endpoint_q11),
      .data_o (endpoint_q23)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 11 to 13: the domains of both.

  portcam_lookup_pkg::verdict_t address_verdict_q13;
  portcam_lookup_pkg::verdict_t endpoint_verdict_q13;
  portcam_lookup_pkg::verdict_t address_verdict_q23;
  portcam_lookup_pkg::verdict_t endpoint_verdict_q23;

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
      .req_valid_i       (req_valid[TblDomain]),
      .req_write_i       (req_write),
      .req_bank_i        (req_bank),
      .req_row_i         (req_row),
      .req_present_i     (req_present),
      .req_data_i        (req_data),
      .done_o            (done[TblDomain]),
      .present_o         (present[TblDomain]),
      .data_o            (domain_data),
      .init_i            (init),
      .busy_o            (busy[2])
  );

  portcam_delay #(
      .Width (2 * $bits(address_verdict_q13)),
      .Cycles(Decide - 13)
  ) u_verdicts_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[13]),
      .data_i ({address_verdict_q13, endpoint_verdict_q13}),
      .data_o ({address_verdict_q23, endpoint_verdict_q23})
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 11 to 21: service. Clocks 21 to 23: its backend.

  portcam_lookup_pkg::service_match_t service_q21;
  portcam_lookup_pkg::service_match_t service_q22;
  portcam_lookup_pkg::service_match_t service_q23;
  portcam_lookup_pkg::backend_match_t backend_q23;

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
      .req_valid_i  (req_valid[TblService]),
      .req_write_i  (req_write),
      .req_bank_i   (req_bank),
      .req_row_i    (req_row),
      .req_present_i(req_present),
      .req_data_i   (req_data),
      .done_o       (done[TblService]),
      .present_o    (present[TblService]),
      .data_o       (service_data),
      .init_i       (init),
      .busy_o       (busy[3])
  );

  portcam_backend_table #(
      .Backends(Backends)
  ) u_backends (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .lookup_en_i  (valid_q[21]),
      .lookup_bank_i(bank_q[21]),
      .backend_i    (service_q21.backend),
      .match_o      (backend_q23),
      .req_valid_i  (req_valid[TblBackend]),
      .req_write_i  (req_write),
      .req_bank_i   (req_bank),
      .req_row_i    (req_row),
      .req_present_i(req_present),
      .req_data_i   (req_data),
      .done_o       (done[TblBackend]),
      .present_o    (present[TblBackend]),
      .data_o       (backend_data),
      .init_i       (init),
      .busy_o       (busy[4])
  );

  always_ff @(posedge clk_i) begin
    service_q22 <= service_q21;
    service_q23 <= service_q22;
  end

  //------------------------------------------------------------------------------------------------
  // Clock 23: the device's MAC. Clocks 23 to 25: the decision. Clocks 25 to 29: checksums.

  logic [1:0]                  device_present;
  logic [95:0]                 device_mac;
  logic                        valid_q25;
  portcam_types_pkg::rewrite_t rewrite_q25;
  logic                        from_host_q25;
  logic                        udp_q25;
  logic [127:0]                old_ip_q25;
  logic [15:0]                 old_port_q25;

  portcam_device_table u_device (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .device_present_o(device_present),
      .device_mac_o    (device_mac),
      .req_valid_i     (req_valid[TblDevice]),
      .req_write_i     (req_write),
      .req_bank_i      (req_bank),
      .req_present_i   (req_present),
      .req_data_i      (req_data),
      .done_o          (done[TblDevice]),
      .present_o       (present[TblDevice]),
      .data_o          (device_data),
      .init_i          (init)
  );

  portcam_decide u_decide (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .valid_i           (valid_q[Decide]),
      .packet_i          (packet_q23),
      .function_i        (function_q23),
      .address_i         (address_q23),
      .address_verdict_i (address_verdict_q23),
      .service_i         (service_q23),
      .backend_i         (backend_q23),
      .endpoint_i        (endpoint_q23),
      .endpoint_verdict_i(endpoint_verdict_q23),
      .device_present_i  (device_present[bank_q[Decide]]),
      .device_mac_i      (bank_q[Decide] ? device_mac[95:48] : device_mac[47:0]),
      .valid_o           (valid_q25),
      .rewrite_o         (rewrite_q25),
      .count_o           (count_o),
      .from_host_o       (from_host_q25),
      .udp_o             (udp_q25),
      .old_ip_o          (old_ip_q25),
      .old_port_o        (old_port_q25)
  );

  assign count_valid_o = valid_q25;

  portcam_sums u_sums (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .valid_i    (valid_q25),
      .rewrite_i  (rewrite_q25),
      .from_host_i(from_host_q25),
      .udp_i      (udp_q25),
      .old_ip_i   (old_ip_q25),
      .old_port_i (old_port_q25),
      .valid_o    (valid_o),
      .rewrite_o  (rewrite_o),
      .from_host_o(from_host_o)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_no_packet_while_busy : assert (!(valid_i && busy_o));
      a_no_clear_under_packets : assert (!(init && valid_q != '0));
    end
  end
`endif

endmodule

`resetall
