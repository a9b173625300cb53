// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup: the tables and the decision: from the parse result of a packet to its rewrite
// instruction and counters.
//
// rewrite_o comes exactly Latency = 46 + ConnectionLatency clocks after valid_i, count_o one clock
// earlier; one packet a clock, never stalled. Each packet reads all tables in the bank that bank_i
// says when it enters; a bank that no packet has been given for 43 + ConnectionLatency clocks may be
// written. What is known when, in clocks after valid_i, R = ConnectionLatency:
//
//          0  the address match, the three endpoint hashes and the function rows begin
//          3  default egress, hairpin egress, source domain
//         11  address number and domain (loopback included); endpoint row; service, domains begin
//         13  verdicts of the two domains
//         21  service row; records begin
//     38 + R  what the record says; backend row and public address begin
//     40 + R  backend row, device MAC; the decision begins
//     42 + R  reason, egress, rewrite without checksums
//     45 + R  rejects limited, packets for the host chosen, counters
//     46 + R  new checksums
//
// The bus of the records (conn_*, img_*) and of backend states (bk_*) is that of portcam_control;
// mirror_* and copy_* are those of portcam_mirror.
// stop_i: no packet comes until after clear_i. active_o: records are being looked after, the clock
// is needed.
//
// Punt (docs/pipeline.md, section 9): punt_ask_o, beside count_valid_o, says that this packet goes to
// the host if there is room, and punt_room_i of the same clock whether there is; then its rewrite_o
// has egress PuntEgress. count_o tells what is known of it (tx: its default egress), punt_time_o the
// time. punt_runs_i: the ring runs. trace_punt_valid_o: the limits want this packet; flags: the ring
// ran, there was room.
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
    parameter int unsigned ConnectionRows      = portcam_pkg::BuildConnectionRows,
    parameter int unsigned ConnectionRowsV6    = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned ConnectionWays      = portcam_pkg::BuildConnectionWays,
    parameter int unsigned ConnectionStash     = portcam_pkg::BuildConnectionStash,
    parameter int unsigned ConnectionLatency   = 2,  // of the records' memories, 1 to 4
    parameter int unsigned ScheduleRows        = portcam_pkg::BuildScheduleRows
) (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic [31:0]                 hash_seed_i,
    input  logic [255:0]                secret_i,
    input  logic [31:0]                 time_ms_i,
    input  logic                        stop_i,
    input  logic                        bank_now_i,
    output logic                        active_o,
    input  logic                        valid_i,
    input  portcam_types_pkg::parsed_t  parsed_i,
    input  logic                        bank_i,
    output logic                        valid_o,
    output portcam_types_pkg::rewrite_t rewrite_o,
    output logic                        from_host_o,
    output logic                        count_valid_o,
    output portcam_types_pkg::count_t   count_o,
    input  logic                        punt_runs_i,
    output logic                        punt_ask_o,
    input  logic                        punt_room_i,
    output logic [31:0]                 punt_time_o,
    output logic                        trace_punt_valid_o,
    output logic [1:0]                  trace_punt_flags_o,
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
    input  logic                        conn_valid_i,
    output logic                        conn_ready_o,
    input  logic                        conn_delete_i,
    input  logic                        conn_insert_i,
    input  logic [1023:0]               conn_image_i,
    input  logic [23:0]                 conn_slot_i,
    input  logic [31:0]                 conn_count_i,
    output logic                        img_valid_o,
    input  logic                        img_ready_i,
    output logic [1023:0]               img_data_o,
    output logic                        conn_done_o,
    output logic [7:0]                  conn_status_o,
    input  logic                        bk_valid_i,
    input  logic [15:0]                 bk_row_i,
    output logic                        bk_done_o,
    output logic [511:0]                bk_data_o,
    output logic                        mirror_valid_o,
    output portcam_connection_pkg::mirror_t mirror_o,
    input  logic                        copy_valid_i,
    output logic                        copy_ready_o,
    input  logic [23:0]                 copy_slot_i,
    input  logic                        copy_tag_i,
    output logic [31:0]                 connections_used_o,
    output logic [31:0]                 connections_embryonic_o,
    output logic                        trace_record_valid_o,
    output portcam_connection_pkg::trace_t trace_record_o,
    input  logic                        clear_i,
    output logic                        busy_o
);

  localparam int unsigned Tables = 13;
  localparam int unsigned Says   = 38 + ConnectionLatency;  // clocks until the record has spoken
  localparam int unsigned Decide = Says + 2;                // until the decision begins

  // Tables by number on the bus.
  localparam int unsigned TblDevice   = 32'(portcam_pkg::TableDevice);
  localparam int unsigned TblFunction = 32'(portcam_pkg::TableFunction);
  localparam int unsigned TblDomain   = 32'(portcam_pkg::TableDomain);
  localparam int unsigned TblAddress  = 32'(portcam_pkg::TableAddress);
  localparam int unsigned TblService  = 32'(portcam_pkg::TableService);
  localparam int unsigned TblBackend  = 32'(portcam_pkg::TableBackend);
  localparam int unsigned TblEndpoint = 32'(portcam_pkg::TableEndpoint);
  localparam int unsigned TblSchedule = 32'(portcam_pkg::TableSchedule);
  localparam int unsigned TblTimeout  = 32'(portcam_pkg::TableTimeout);
  localparam int unsigned TblPublic   = 32'(portcam_pkg::TablePublic);
  localparam int unsigned TblLimits   = 32'(portcam_pkg::TableLimits);

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
  logic [383:0]          schedule_data;
  logic [383:0]          timeout_data;
  logic [383:0]          public_data;
  logic [383:0]          limits_data;
  logic                  answer_present;
  logic [383:0]          answer_data;
  logic                  init;
  logic [9:0]            busy;

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
      4'(TblEndpoint + 2): answer_data = any_data;
      4'(TblSchedule):     answer_data = schedule_data;
      4'(TblTimeout):      answer_data = timeout_data;
      4'(TblPublic):       answer_data = public_data;
      default:             answer_data = limits_data;
    endcase
  end

  assign answer_present = present[req_table];

  //------------------------------------------------------------------------------------------------
  // Clock 0: the packet. valid_q[n] and bank_q[n] are n clocks late.

  portcam_types_pkg::parsed_t  parsed;
  portcam_lookup_pkg::packet_t packet;
  portcam_lookup_pkg::packet_t packet_q11;
  portcam_lookup_pkg::packet_t packet_q21;
  portcam_lookup_pkg::packet_t packet_d;      // _d: for the decision
  logic [Decide+2:1]           valid_q;
  logic [Decide+2:1]           bank_q;
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
    valid_q <= {valid_q[Decide+1:1], valid_i};
    bank_q  <= {bank_q[Decide+1:1], bank_i};
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

  portcam_delay #(
      .Width ($bits(packet)),
      .Cycles(Decide - 21)
  ) u_packet_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[21]),
      .data_i (packet_q21),
      .data_o (packet_d)
  );

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 3: functions.

  portcam_lookup_pkg::function_match_t function_q3;
  portcam_lookup_pkg::function_match_t function_q10;
  portcam_lookup_pkg::function_match_t function_d;

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
      .data_o (function_d)
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
  portcam_lookup_pkg::service_match_t service_d;

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

  //------------------------------------------------------------------------------------------------
  // Clocks 0 to 21: what the packet says by itself.

  portcam_lookup_pkg::segment_t segment_q2;
  portcam_lookup_pkg::segment_t segment_q21;
  portcam_lookup_pkg::segment_t segment_d;
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

  //------------------------------------------------------------------------------------------------
  // Clocks 21 to Says: records. A domain that is paused or stopped keeps packets from them.

  localparam logic [7:0] ProtocolDccp    = 8'd33;
  localparam logic [7:0] ProtocolSctp    = 8'd132;
  localparam logic [7:0] ProtocolUdplite = 8'd136;

  portcam_connection_pkg::request_t request;
  portcam_connection_pkg::verdict_t says;
  portcam_connection_pkg::verdict_t says_d;
  portcam_connection_pkg::tally_t   tally;
  portcam_connection_pkg::walk_t    walk;
  portcam_connection_pkg::row_t     walk_row;
  portcam_connection_pkg::state_t   walk_state;
  logic                             known_q21;
  logic                             by_service_q21;
  logic                             by_endpoint_q21;
  logic                             other_sum_q21;
  logic                             sctp_q21;
  logic                             unused_says_valid;
  logic                             walk_valid;
  logic                             walk_ready;
  logic                             walk_done;
  logic [3:0]                       walk_kind;
  logic [23:0]                      walk_slot;
  logic                             walk_acted;
  logic                             walk_found;
  logic                             walk_taken;
  logic [4*ConnectionWays-1:0]      walk_used;
  logic [ConnectionStash-1:0]       stash_used;
  logic [ConnectionStash-1:0]       stash_used_v6;
  logic [63:0]                      embryonic_limit;
  logic [31:0]                      punt_rate;
  logic [31:0]                      punt_burst;
  logic [127:0]                     punt_reasons;
  logic [31:0]                      reject_rate;
  logic [31:0]                      reject_burst;

  assign known_q21       = address_q21.hit && address_verdict_q21.present;
  assign by_service_q21  = !packet_q21.decided && known_q21 && service_q21.hit;
  assign by_endpoint_q21 = !packet_q21.decided && !by_service_q21 && endpoint_q21.hit &&
                           endpoint_verdict_q21.present;
  assign other_sum_q21   = packet_q21.protocol == ProtocolDccp ||
                           packet_q21.protocol == ProtocolUdplite;
  assign sctp_q21        = packet_q21.protocol == ProtocolSctp;

  always_comb begin
    request.forward = by_service_q21 && service_q21.stateful && !address_verdict_q21.paused &&
                      !address_verdict_q21.stopped && !other_sum_q21 &&
                      !(sctp_q21 && !packet_q21.about_flow && !service_q21.keeps_port);
    request.reverse = by_endpoint_q21 && endpoint_q21.stateful && !endpoint_verdict_q21.paused &&
                      !endpoint_verdict_q21.stopped && !other_sum_q21 &&
                      !(sctp_q21 && !packet_q21.about_flow && !endpoint_q21.keeps_port);
    request.peek            = packet_q21.about_flow;
    request.client.is_v6    = packet_q21.is_v6;
    request.client.ip       = request.forward ? packet_q21.src_ip : packet_q21.dst_ip;
    request.client.port     = !packet_q21.has_ports ? 16'd0 :
                              request.forward ? packet_q21.src_port : packet_q21.dst_port;
    request.client.protocol = packet_q21.protocol;
    request.service         = service_q21.service;
    request.address         = address_q21.address;
    request.client.group    = request.forward ? service_q21.group : endpoint_q21.service;
    request.client.kept     = !packet_q21.has_ports ? 16'd0 :
                              request.forward ? (service_q21.exact_port ? 16'd0
                                                                        : packet_q21.dst_port) :
                              endpoint_q21.wide ? packet_q21.src_port : 16'd0;
    request.port            = packet_q21.has_ports ? packet_q21.dst_port : 16'd0;
    request.endpoint        = endpoint_q21.backend;
    request.keyless         = address_q21.any;
    request.may_create      = segment_q21.may_create && !packet_q21.about_flow;
    request.draining        = address_verdict_q21.draining;
    request.hash            = service_q21.no_record == 2'(portcam_pkg::NoRecordHash);
    request.full_hash       = service_q21.full == 2'(portcam_pkg::FullHash);
    request.pick            = service_q21.pick;
    request.schedule        = service_q21.schedule;
    request.slots_log2      = service_q21.slots_log2;
    request.crc             = service_q21.pick == 2'(portcam_pkg::PickClientIpPort) ? crc_port_q21
                                                                                    : crc_q21;
    request.is_tcp          = segment_q21.is_tcp;
    request.tcp_class       = segment_q21.tcp_class;
    request.tcp_seq         = segment_q21.tcp_seq;
    request.tcp_end         = segment_q21.tcp_end;
    request.len             = packet_q21.len;
    request.limit           = bank_q[21] ? embryonic_limit[63:32] : embryonic_limit[31:0];
  end

  portcam_connections #(
      .Rows        (ConnectionRows),
      .RowsV6      (ConnectionRowsV6),
      .Ways        (ConnectionWays),
      .Stash       (ConnectionStash),
      .ScheduleRows(ScheduleRows),
      .Services    (Services),
      .Addresses   (Addresses),
      .Backends    (Backends),
      .ReadLatency (ConnectionLatency)
  ) u_connections (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .secret_i            (secret_i),
      .time_ms_i           (time_ms_i),
      .packet_valid_i      (valid_q[21]),
      .packet_bank_i       (bank_q[21]),
      .request_i           (request),
      .verdict_valid_o     (unused_says_valid),
      .verdict_o           (says),
      .walk_valid_i        (walk_valid),
      .walk_ready_o        (walk_ready),
      .walk_i              (walk),
      .insert_i            (conn_image_i),
      .walk_done_o         (walk_done),
      .walk_kind_o         (walk_kind),
      .walk_slot_o         (walk_slot),
      .walk_acted_o        (walk_acted),
      .walk_found_o        (walk_found),
      .walk_taken_o        (walk_taken),
      .walk_row_o          (walk_row),
      .walk_state_o        (walk_state),
      .walk_used_o         (walk_used),
      .stash_used_o        (stash_used),
      .stash_used_v6_o     (stash_used_v6),
      .tally_o             (tally),
      .mirror_valid_o      (mirror_valid_o),
      .mirror_o            (mirror_o),
      .used_o              (connections_used_o),
      .embryonic_o         (connections_embryonic_o),
      .trace_valid_o       (trace_record_valid_o),
      .trace_o             (trace_record_o),
      .schedule_req_valid_i(req_valid[TblSchedule]),
      .backend_req_valid_i (req_valid[TblBackend]),
      .req_write_i         (req_write),
      .req_bank_i          (req_bank),
      .req_row_i           (req_row),
      .req_present_i       (req_present),
      .req_data_i          (req_data),
      .schedule_done_o     (done[TblSchedule]),
      .schedule_present_o  (present[TblSchedule]),
      .schedule_data_o     (schedule_data),
      .init_i              (init),
      .busy_o              (busy[5])
  );

  portcam_connection_walk #(
      .Rows    (ConnectionRows),
      .RowsV6  (ConnectionRowsV6),
      .Ways    (ConnectionWays),
      .Stash   (ConnectionStash),
      .Services(Services),
      .Domains (Domains)
  ) u_walk (
      .clk_i              (clk_i),
      .rst_ni             (rst_ni),
      .time_ms_i          (time_ms_i),
      .bank_i             (bank_now_i),
      .stop_i             (stop_i),
      .clear_i            (clear_i),
      .active_o           (active_o),
      .walk_valid_o       (walk_valid),
      .walk_ready_i       (walk_ready),
      .walk_o             (walk),
      .walk_done_i        (walk_done),
      .walk_kind_i        (walk_kind),
      .walk_slot_i        (walk_slot),
      .walk_acted_i       (walk_acted),
      .walk_found_i       (walk_found),
      .walk_taken_i       (walk_taken),
      .walk_row_i         (walk_row),
      .walk_state_i       (walk_state),
      .walk_used_i        (walk_used),
      .stash_used_i       (stash_used),
      .stash_used_v6_i    (stash_used_v6),
      .used_i             (connections_used_o),
      .ended_i            (tally.left_valid && tally.ended),
      .copy_valid_i       (copy_valid_i),
      .copy_ready_o       (copy_ready_o),
      .copy_slot_i        (copy_slot_i),
      .copy_tag_i         (copy_tag_i),
      .conn_valid_i       (conn_valid_i),
      .conn_ready_o       (conn_ready_o),
      .conn_delete_i      (conn_delete_i),
      .conn_insert_i      (conn_insert_i),
      .conn_slot_i        (conn_slot_i),
      .conn_count_i       (conn_count_i),
      .img_valid_o        (img_valid_o),
      .img_ready_i        (img_ready_i),
      .img_data_o         (img_data_o),
      .conn_done_o        (conn_done_o),
      .conn_status_o      (conn_status_o),
      .timeout_req_valid_i(req_valid[TblTimeout]),
      .domain_req_valid_i (req_valid[TblDomain]),
      .req_write_i        (req_write),
      .req_bank_i         (req_bank),
      .req_row_i          (req_row),
      .req_present_i      (req_present),
      .req_data_i         (req_data),
      .timeout_done_o     (done[TblTimeout]),
      .timeout_present_o  (present[TblTimeout]),
      .timeout_data_o     (timeout_data),
      .init_i             (init),
      .busy_o             (busy[6])
  );

  portcam_backend_state #(
      .Backends(Backends)
  ) u_backend_state (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .ev_valid_i     (tally.valid),
      .ev_backend_i   (tally.backend),
      .ev_new_i       (tally.began),
      .ev_active_i    (tally.active),
      .ev_syn_repeat_i(tally.syn_repeat),
      .ev_syn_reset_i (tally.syn_reset),
      .ev_syn_ack_i   (tally.syn_ack),
      .ev_syn_ack_ms_i(tally.syn_ack_ms),
      .lv_valid_i     (tally.left_valid),
      .lv_backend_i   (tally.left_backend),
      .lv_record_i    (tally.ended),
      .lv_active_i    (tally.inactive),
      .rd_valid_i     (bk_valid_i),
      .rd_row_i       (bk_row_i),
      .rd_done_o      (bk_done_o),
      .rd_data_o      (bk_data_o),
      .init_i         (init),
      .busy_o         (busy[7])
  );

  portcam_limits_table u_limits (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .embryonic_o   (embryonic_limit),
      .reject_rate_o (reject_rate),
      .punt_rate_o   (punt_rate),
      .punt_burst_o  (punt_burst),
      .punt_reasons_o(punt_reasons),
      .reject_burst_o(reject_burst),
      .req_valid_i   (req_valid[TblLimits]),
      .req_write_i   (req_write),
      .req_bank_i    (req_bank),
      .req_row_i     (req_row),
      .req_present_i (req_present),
      .req_data_i    (req_data),
      .done_o        (done[TblLimits]),
      .present_o     (present[TblLimits]),
      .data_o        (limits_data),
      .init_i        (init),
      .busy_o        (busy[8])
  );

  //------------------------------------------------------------------------------------------------
  // What the decision needs beside the record waits for it.

  portcam_lookup_pkg::service_match_t  service_says;
  portcam_lookup_pkg::address_match_t  address_d;
  portcam_lookup_pkg::endpoint_match_t endpoint_d;
  portcam_lookup_pkg::verdict_t        address_verdict_d;
  portcam_lookup_pkg::verdict_t        endpoint_verdict_d;

  portcam_delay #(
      .Width ($bits(service_q21)),
      .Cycles(Says - 21)
  ) u_service_to_says (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[21]),
      .data_i (service_q21),
      .data_o (service_says)
  );

  portcam_delay #(
      .Width ($bits({address_q21, endpoint_q21, address_verdict_q21, endpoint_verdict_q21,
                     segment_q21})),
      .Cycles(Decide - 21)
  ) u_matches_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[21]),
      .data_i ({address_q21, endpoint_q21, address_verdict_q21, endpoint_verdict_q21,
                segment_q21}),
      .data_o ({address_d, endpoint_d, address_verdict_d, endpoint_verdict_d, segment_d})
  );

  //------------------------------------------------------------------------------------------------
  // Clocks Says to Decide: the backend, and the public address of a reply.

  portcam_lookup_pkg::backend_match_t backend_d;
  portcam_lookup_pkg::public_match_t  public_d;
  portcam_lookup_pkg::service_match_t service_says_q1;
  portcam_connection_pkg::verdict_t   says_q1;

  portcam_backend_table #(
      .Backends(Backends)
  ) u_backends (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .lookup_en_i  (valid_q[Says]),
      .lookup_bank_i(bank_q[Says]),
      .backend_i    (service_says.stateful ? says.backend : service_says.backend),
      .match_o      (backend_d),
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

  portcam_public_table #(
      .Addresses(Addresses)
  ) u_public (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (valid_q[Says]),
      .lookup_bank_i   (bank_q[Says]),
      .address_i       (says.address),
      .lookup_present_o(public_d.present),
      .is_v6_o         (public_d.is_v6),
      .ip_o            (public_d.ip),
      .req_valid_i     (req_valid[TblPublic]),
      .req_write_i     (req_write),
      .req_bank_i      (req_bank),
      .req_row_i       (req_row),
      .req_present_i   (req_present),
      .req_data_i      (req_data),
      .done_o          (done[TblPublic]),
      .present_o       (present[TblPublic]),
      .data_o          (public_data),
      .init_i          (init),
      .busy_o          (busy[9])
  );

  always_ff @(posedge clk_i) begin
    service_says_q1 <= service_says;
    service_d       <= service_says_q1;
    says_q1         <= says;
    says_d          <= says_q1;
  end

  //------------------------------------------------------------------------------------------------
  // Clock Decide: the device's MAC. Two clocks for the decision, then checksums and, beside them, the
  // limit of rejects.

  logic [1:0]                  device_present;
  logic [95:0]                 device_mac;
  logic                        valid_e;         // _e: two clocks after Decide
  portcam_types_pkg::rewrite_t rewrite_e;
  portcam_types_pkg::count_t   count_e;
  portcam_types_pkg::count_t   count_h;         // _h: three clocks after _e
  portcam_types_pkg::rewrite_t rewrite_sums;
  logic                        from_host_e;
  logic                        udp_e;
  logic [127:0]                old_ip_e;
  logic [127:0]                outer_ip_e;
  logic [15:0]                 old_port_e;
  logic                        no_answer_e;
  logic                        valid_h;
  logic [5:0]                  reason_h;
  logic                        answer_h;
  logic                        answer_sums;
  logic                        punt_wanted_h;
  logic                        punt_asks_h;
  logic                        punt_token_h;
  logic                        punt_sums;
  logic                        dropped_sums;    // on the way to the host

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
      .packet_i          (packet_d),
      .function_i        (function_d),
      .address_i         (address_d),
      .address_verdict_i (address_verdict_d),
      .service_i         (service_d),
      .backend_i         (backend_d),
      .endpoint_i        (endpoint_d),
      .endpoint_verdict_i(endpoint_verdict_d),
      .segment_i         (segment_d),
      .connection_i      (says_d),
      .public_i          (public_d),
      .device_present_i  (device_present[bank_q[Decide]]),
      .device_mac_i      (bank_q[Decide] ? device_mac[95:48] : device_mac[47:0]),
      .valid_o           (valid_e),
      .rewrite_o         (rewrite_e),
      .count_o           (count_e),
      .from_host_o       (from_host_e),
      .udp_o             (udp_e),
      .old_ip_o          (old_ip_e),
      .outer_ip_o        (outer_ip_e),
      .old_port_o        (old_port_e),
      .no_answer_o       (no_answer_e)
  );

  // The time of the record is the time of the packet.
  logic [9*32-1:0] time_ms_q;

  always_ff @(posedge clk_i) begin
    time_ms_q <= {time_ms_q[8*32-1:0], time_ms_i};
  end

  portcam_reject_limit u_limit (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (clear_i),
      .valid_i    (valid_e),
      .reason_i   (count_e.reason),
      .no_answer_i(no_answer_e),
      .rate_i     (bank_q[Decide+2] ? reject_rate[31:16] : reject_rate[15:0]),
      .burst_i    (bank_q[Decide+2] ? reject_burst[31:16] : reject_burst[15:0]),
      .time_ms_i  (time_ms_q[5*32+:32]),
      .valid_o    (valid_h),
      .reason_o   (reason_h),
      .answer_o   (answer_h)
  );

  portcam_delay #(
      .Width ($bits(count_e)),
      .Cycles(3)
  ) u_count_to_limit (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_e),
      .data_i (count_e),
      .data_o (count_h)
  );

  portcam_punt_limit u_punt_limit (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .clear_i  (clear_i),
      .valid_i  (valid_e),
      .runs_i   (punt_runs_i),
      .reason_i (count_e.reason),
      .reasons_i(bank_q[Decide+2] ? punt_reasons[127:64] : punt_reasons[63:0]),
      .rate_i   (bank_q[Decide+2] ? punt_rate[31:16] : punt_rate[15:0]),
      .burst_i  (bank_q[Decide+2] ? punt_burst[31:16] : punt_burst[15:0]),
      .time_ms_i(time_ms_q[5*32+:32]),
      .wanted_o (punt_wanted_h),
      .asks_o   (punt_asks_h),
      .token_o  (punt_token_h)
  );

  assign count_valid_o      = valid_h;
  assign punt_ask_o         = punt_asks_h && punt_token_h;
  assign punt_time_o        = time_ms_q[8*32+:32];
  assign trace_punt_valid_o = punt_wanted_h;
  assign trace_punt_flags_o = {punt_room_i, punt_asks_h};

  always_comb begin
    count_o        = count_h;
    count_o.reason = reason_h;
    if (punt_asks_h) begin
      count_o.tx_valid = 1'b0;
      if (!punt_token_h) begin
        count_o.reason = 6'(portcam_pkg::ReasonPuntLimited);
      end else if (!punt_room_i) begin
        count_o.reason = 6'(portcam_pkg::ReasonPuntFull);
      end
    end
  end

  portcam_sums u_sums (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .valid_i    (valid_e),
      .rewrite_i  (rewrite_e),
      .from_host_i(from_host_e),
      .udp_i      (udp_e),
      .old_ip_i   (old_ip_e),
      .outer_ip_i (outer_ip_e),
      .old_port_i (old_port_e),
      .valid_o    (valid_o),
      .rewrite_o  (rewrite_sums),
      .from_host_o(from_host_o)
  );

  always_ff @(posedge clk_i) begin
    answer_sums  <= answer_h;
    punt_sums    <= punt_ask_o && punt_room_i;
    dropped_sums <= punt_asks_h && !(punt_ask_o && punt_room_i);
  end

  always_comb begin
    rewrite_o        = rewrite_sums;
    rewrite_o.reject = rewrite_sums.reject && answer_sums;
    rewrite_o.drop   = (rewrite_sums.drop && !punt_sums) || dropped_sums;
    if (punt_sums) begin
      rewrite_o.egress = portcam_types_pkg::PuntEgress;
    end
  end

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
