// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup: the tables and the decision: from the parse result of a packet to its rewrite
// instruction and counters. portcam_lookup_matches takes a packet to clock 21,
// portcam_lookup_records to what its record says, portcam_lookup_outcome from the decision on.
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
  // Clocks 0 to 21: what the tables say. valid_q[n], bank_q[n] and names with _qn are n clocks late;
  // _d is for the decision.

  logic                                valid_q10;
  logic                                valid_q21;
  logic                                bank_q21;
  logic [Decide+2:22]                  valid_q;
  logic [Decide+2:22]                  bank_q;
  portcam_lookup_pkg::function_match_t function_q10;
  portcam_lookup_pkg::packet_t         packet_q21;
  portcam_lookup_pkg::address_match_t  address_q21;
  portcam_lookup_pkg::verdict_t        address_verdict_q21;
  portcam_lookup_pkg::endpoint_match_t endpoint_q21;
  portcam_lookup_pkg::verdict_t        endpoint_verdict_q21;
  portcam_lookup_pkg::service_match_t  service_q21;
  portcam_lookup_pkg::segment_t        segment_q21;
  logic [31:0]                         crc_q21;
  logic [31:0]                         crc_port_q21;

  portcam_lookup_matches #(
      .Functions          (Functions),
      .Domains            (Domains),
      .Addresses          (Addresses),
      .Services           (Services),
      .Backends           (Backends),
      .EndpointWays       (EndpointWays),
      .EndpointRows       (EndpointRows),
      .EndpointAnyPortRows(EndpointAnyPortRows),
      .EndpointAnyRows    (EndpointAnyRows),
      .ScheduleRows       (ScheduleRows)
  ) u_matches (
      .clk_i                 (clk_i),
      .rst_ni                (rst_ni),
      .hash_seed_i           (hash_seed_i),
      .valid_i               (valid_i),
      .parsed_i              (parsed_i),
      .bank_i                (bank_i),
      .valid_q10_o           (valid_q10),
      .function_q10_o        (function_q10),
      .valid_q21_o           (valid_q21),
      .bank_q21_o            (bank_q21),
      .packet_q21_o          (packet_q21),
      .address_q21_o         (address_q21),
      .address_verdict_q21_o (address_verdict_q21),
      .endpoint_q21_o        (endpoint_q21),
      .endpoint_verdict_q21_o(endpoint_verdict_q21),
      .service_q21_o         (service_q21),
      .segment_q21_o         (segment_q21),
      .crc_q21_o             (crc_q21),
      .crc_port_q21_o        (crc_port_q21),
      .req_valid_i           ({req_valid[TblEndpoint+:3], req_valid[TblService],
                               req_valid[TblAddress], req_valid[TblDomain],
                               req_valid[TblFunction]}),
      .req_write_i           (req_write),
      .req_bank_i            (req_bank),
      .req_row_i             (req_row),
      .req_present_i         (req_present),
      .req_data_i            (req_data),
      .done_o                ({done[TblEndpoint+:3], done[TblService], done[TblAddress],
                               done[TblDomain], done[TblFunction]}),
      .present_o             ({present[TblEndpoint+:3], present[TblService], present[TblAddress],
                               present[TblDomain], present[TblFunction]}),
      .function_data_o       (function_data),
      .domain_data_o         (domain_data),
      .address_data_o        (address_data),
      .service_data_o        (service_data),
      .endpoint_data_o       (endpoint_data),
      .any_port_data_o       (any_port_data),
      .any_data_o            (any_data),
      .init_i                (init),
      .busy_o                (busy[3:0])
  );

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[Decide+1:22], valid_q21};
    bank_q  <= {bank_q[Decide+1:22], bank_q21};
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clocks 21 to Says: records.

  portcam_connection_pkg::verdict_t says;
  logic [63:0]                      embryonic_limit;
  logic [31:0]                      punt_rate;
  logic [31:0]                      punt_burst;
  logic [127:0]                     punt_reasons;
  logic [31:0]                      reject_rate;
  logic [31:0]                      reject_burst;

  portcam_lookup_records #(
      .Domains     (Domains),
      .Addresses   (Addresses),
      .Services    (Services),
      .Backends    (Backends),
      .Rows        (ConnectionRows),
      .RowsV6      (ConnectionRowsV6),
      .Ways        (ConnectionWays),
      .Stash       (ConnectionStash),
      .ReadLatency (ConnectionLatency),
      .ScheduleRows(ScheduleRows)
  ) u_records (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .secret_i            (secret_i),
      .time_ms_i           (time_ms_i),
      .stop_i              (stop_i),
      .clear_i             (clear_i),
      .bank_now_i          (bank_now_i),
      .active_o            (active_o),
      .valid_i             (valid_q21),
      .bank_i              (bank_q21),
      .packet_i            (packet_q21),
      .address_i           (address_q21),
      .address_verdict_i   (address_verdict_q21),
      .endpoint_i          (endpoint_q21),
      .endpoint_verdict_i  (endpoint_verdict_q21),
      .service_i           (service_q21),
      .segment_i           (segment_q21),
      .crc_i               (crc_q21),
      .crc_port_i          (crc_port_q21),
      .embryonic_limit_i   (embryonic_limit),
      .verdict_o           (says),
      .conn_valid_i        (conn_valid_i),
      .conn_ready_o        (conn_ready_o),
      .conn_delete_i       (conn_delete_i),
      .conn_insert_i       (conn_insert_i),
      .conn_image_i        (conn_image_i),
      .conn_slot_i         (conn_slot_i),
      .conn_count_i        (conn_count_i),
      .img_valid_o         (img_valid_o),
      .img_ready_i         (img_ready_i),
      .img_data_o          (img_data_o),
      .conn_done_o         (conn_done_o),
      .conn_status_o       (conn_status_o),
      .bk_valid_i          (bk_valid_i),
      .bk_row_i            (bk_row_i),
      .bk_done_o           (bk_done_o),
      .bk_data_o           (bk_data_o),
      .mirror_valid_o      (mirror_valid_o),
      .mirror_o            (mirror_o),
      .copy_valid_i        (copy_valid_i),
      .copy_ready_o        (copy_ready_o),
      .copy_slot_i         (copy_slot_i),
      .copy_tag_i          (copy_tag_i),
      .used_o              (connections_used_o),
      .embryonic_o         (connections_embryonic_o),
      .trace_valid_o       (trace_record_valid_o),
      .trace_o             (trace_record_o),
      .schedule_req_valid_i(req_valid[TblSchedule]),
      .backend_req_valid_i (req_valid[TblBackend]),
      .timeout_req_valid_i (req_valid[TblTimeout]),
      .domain_req_valid_i  (req_valid[TblDomain]),
      .req_write_i         (req_write),
      .req_bank_i          (req_bank),
      .req_row_i           (req_row),
      .req_present_i       (req_present),
      .req_data_i          (req_data),
      .schedule_done_o     (done[TblSchedule]),
      .schedule_present_o  (present[TblSchedule]),
      .schedule_data_o     (schedule_data),
      .timeout_done_o      (done[TblTimeout]),
      .timeout_present_o   (present[TblTimeout]),
      .timeout_data_o      (timeout_data),
      .init_i              (init),
      .busy_o              (busy[7:5])
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
  portcam_lookup_pkg::packet_t         packet_d;
  portcam_lookup_pkg::function_match_t function_d;
  portcam_lookup_pkg::segment_t        segment_d;
  portcam_lookup_pkg::verdict_t        address_verdict_d;
  portcam_lookup_pkg::verdict_t        endpoint_verdict_d;

  portcam_delay #(
      .Width ($bits(function_q10)),
      .Cycles(Decide - 10)
  ) u_function_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q10),
      .data_i (function_q10),
      .data_o (function_d)
  );

  portcam_delay #(
      .Width ($bits(packet_q21)),
      .Cycles(Decide - 21)
  ) u_packet_to_decide (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q21),
      .data_i (packet_q21),
      .data_o (packet_d)
  );

  portcam_delay #(
      .Width ($bits(service_q21)),
      .Cycles(Says - 21)
  ) u_service_to_says (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q21),
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
      .valid_i(valid_q21),
      .data_i ({address_q21, endpoint_q21, address_verdict_q21, endpoint_verdict_q21,
                segment_q21}),
      .data_o ({address_d, endpoint_d, address_verdict_d, endpoint_verdict_d, segment_d})
  );

  //------------------------------------------------------------------------------------------------
  // Clocks Says to Decide: the backend, and the public address of a reply.

  portcam_lookup_pkg::backend_match_t backend_d;
  portcam_lookup_pkg::public_match_t  public_d;
  portcam_lookup_pkg::service_match_t service_says_q1;
  portcam_lookup_pkg::service_match_t service_d;
  portcam_connection_pkg::verdict_t   says_q1;
  portcam_connection_pkg::verdict_t   says_d;

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
  // Clock Decide: the device's MAC. Two clocks for the decision, then what becomes of it.

  logic [1:0]                  device_present;
  logic [95:0]                 device_mac;
  logic                        valid_e;         // _e: two clocks after Decide
  portcam_types_pkg::rewrite_t rewrite_e;
  portcam_types_pkg::count_t   count_e;
  logic                        from_host_e;
  logic                        udp_e;
  logic [127:0]                old_ip_e;
  logic [127:0]                outer_ip_e;
  logic [15:0]                 old_port_e;
  logic                        no_answer_e;

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

  portcam_lookup_outcome u_outcome (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .clear_i           (clear_i),
      .time_ms_i         (time_ms_i),
      .valid_i           (valid_e),
      .bank_i            (bank_q[Decide+2]),
      .rewrite_i         (rewrite_e),
      .count_i           (count_e),
      .from_host_i       (from_host_e),
      .udp_i             (udp_e),
      .old_ip_i          (old_ip_e),
      .outer_ip_i        (outer_ip_e),
      .old_port_i        (old_port_e),
      .no_answer_i       (no_answer_e),
      .reject_rate_i     (reject_rate),
      .reject_burst_i    (reject_burst),
      .punt_rate_i       (punt_rate),
      .punt_burst_i      (punt_burst),
      .punt_reasons_i    (punt_reasons),
      .punt_runs_i       (punt_runs_i),
      .punt_ask_o        (punt_ask_o),
      .punt_room_i       (punt_room_i),
      .punt_time_o       (punt_time_o),
      .trace_punt_valid_o(trace_punt_valid_o),
      .trace_punt_flags_o(trace_punt_flags_o),
      .valid_o           (valid_o),
      .rewrite_o         (rewrite_o),
      .from_host_o       (from_host_o),
      .count_valid_o     (count_valid_o),
      .count_o           (count_o)
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
