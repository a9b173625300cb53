// SPDX-License-Identifier: Apache-2.0
//
// The tables of services, endpoints, domains, timeouts, public addresses and limits behind one
// portcam_table_bus, for rows_test.cpp, with a port for each field of their answers. A lookup enters
// all of them at once. The other tables of the bus are not here; nobody asks for them.

`default_nettype none

module rows_tb #(
    parameter int unsigned Domains             = 8,
    parameter int unsigned Addresses           = 16,
    parameter int unsigned Services            = 32,
    parameter int unsigned Backends            = 64,
    parameter int unsigned ScheduleRows        = 64,
    parameter int unsigned EndpointWays        = 2,
    parameter int unsigned EndpointRows        = 32,
    parameter int unsigned EndpointAnyPortRows = 16,
    parameter int unsigned EndpointAnyRows     = 16
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         tbl_valid_i,
    output logic         tbl_ready_o,
    input  logic         tbl_write_i,
    input  logic         tbl_bank_i,
    input  logic [3:0]   tbl_table_i,
    input  logic [15:0]  tbl_row_i,
    input  logic         tbl_rowvalid_i,
    input  logic [383:0] tbl_data_i,
    output logic         tbl_done_o,
    output logic         tbl_rowvalid_o,
    output logic [383:0] tbl_data_o,
    input  logic         clear_i,
    output logic         busy_o,
    input  logic         valid_i,
    input  logic         bank_i,
    input  logic [31:0]  hash_seed_i,
    input  logic         is_v6_i,
    input  logic [127:0] ip_i,
    input  logic [7:0]   protocol_i,
    input  logic         has_ports_i,
    input  logic [15:0]  port_i,
    input  logic [15:0]  domain_i,
    input  logic [15:0]  other_domain_i,
    input  logic         any_i,
    input  logic [15:0]  address_i,
    input  logic [15:0]  service_i,
    // Service, 10 clocks.
    output logic         service_hit_o,
    output logic         service_deliver_o,
    output logic         service_stateful_o,
    output logic         service_exact_port_o,
    output logic         service_keeps_port_o,
    output logic [15:0]  service_service_o,
    output logic [15:0]  service_backend_o,
    output logic [15:0]  service_group_o,
    output logic [15:0]  service_schedule_o,
    output logic [7:0]   service_slots_log2_o,
    output logic [7:0]   service_pick_o,
    output logic [7:0]   service_no_record_o,
    output logic [7:0]   service_no_backend_o,
    output logic [7:0]   service_full_o,
    // Endpoint, 11 clocks.
    output logic         endpoint_hit_o,
    output logic [127:0] endpoint_public_ip_o,
    output logic [15:0]  endpoint_public_port_o,
    output logic [15:0]  endpoint_service_o,
    output logic [15:0]  endpoint_backend_o,
    output logic [15:0]  endpoint_domain_o,
    output logic [15:0]  endpoint_address_o,
    output logic [7:0]   endpoint_flags_o,  // as in the row
    output logic         endpoint_wide_o,
    // Domains, 2 clocks: present, draining, paused, stopped, drop, reject from bit 0 on.
    output logic [7:0]   address_verdict_o,
    output logic [7:0]   endpoint_verdict_o,
    // Timeouts and public address, 2 clocks.
    output logic         timeout_present_o,
    output logic [255:0] timeouts_o,
    output logic [15:0]  timeout_domain_o,
    output logic         public_present_o,
    output logic         public_is_v6_o,
    output logic [127:0] public_ip_o,
    // Limits, at once; bank 0 in the low half.
    output logic [63:0]  embryonic_o,
    output logic [31:0]  reject_rate_o,
    output logic [31:0]  reject_burst_o,
    output logic [31:0]  punt_rate_o,
    output logic [31:0]  punt_burst_o,
    output logic [127:0] punt_reasons_o
);

  localparam int unsigned Tables = 13;

  logic [Tables-1:0] req_valid;
  logic [3:0]        req_table;
  logic              req_write;
  logic              req_bank;
  logic [15:0]       req_row;
  logic              req_present;
  logic [383:0]      req_data;
  logic [Tables-1:0] done;
  logic [Tables-1:0] present;
  logic [383:0]      domain_data;
  logic [383:0]      service_data;
  logic [383:0]      exact_data;
  logic [383:0]      any_port_data;
  logic [383:0]      any_data;
  logic [383:0]      timeout_data;
  logic [383:0]      public_data;
  logic [383:0]      limits_data;
  logic [383:0]      answer;
  logic              init;
  logic [5:0]        busy;

  portcam_table_bus u_bus (
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
      .present_i     (present[req_table]),
      .data_i        (answer),
      .init_o        (init),
      .tables_busy_i (busy != '0)
  );

  always_comb begin
    case (req_table)
      portcam_pkg::TableDomain[3:0]:          answer = domain_data;
      portcam_pkg::TableService[3:0]:         answer = service_data;
      portcam_pkg::TableEndpoint[3:0]:        answer = exact_data;
      portcam_pkg::TableEndpointAnyPort[3:0]: answer = any_port_data;
      portcam_pkg::TableEndpointAny[3:0]:     answer = any_data;
      portcam_pkg::TableTimeout[3:0]:         answer = timeout_data;
      portcam_pkg::TablePublic[3:0]:          answer = public_data;
      default:                                answer = limits_data;
    endcase
  end

  // Tables that are not here: device, function, address, backend, schedule.
  assign {done[9], done[5], done[3], done[1:0]}                = '0;
  assign {present[9], present[5], present[3], present[1:0]}    = '0;
  logic unused_requests;
  assign unused_requests = ^{req_valid[9], req_valid[5], req_valid[3], req_valid[1:0]};

  logic [8:1]                          bank_q;
  portcam_lookup_pkg::service_match_t  service;
  portcam_lookup_pkg::endpoint_match_t endpoint;
  portcam_lookup_pkg::verdict_t        address_verdict;
  portcam_lookup_pkg::verdict_t        endpoint_verdict;

  always_ff @(posedge clk_i) begin
    bank_q <= {bank_q[7:1], bank_i};
  end

  portcam_service_table #(
      .Domains     (Domains),
      .Addresses   (Addresses),
      .Services    (Services),
      .Backends    (Backends),
      .ScheduleRows(ScheduleRows)
  ) u_services (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .valid_i      (valid_i),
      .bank_i       (bank_i),
      .domain_i     (domain_i),
      .any_i        (any_i),
      .address_i    (address_i),
      .protocol_i   (protocol_i),
      .has_ports_i  (has_ports_i),
      .port_i       (port_i),
      .bank_q8_i    (bank_q[8]),
      .match_o      (service),
      .req_valid_i  (req_valid[4]),
      .req_write_i  (req_write),
      .req_bank_i   (req_bank),
      .req_row_i    (req_row),
      .req_present_i(req_present),
      .req_data_i   (req_data),
      .done_o       (done[4]),
      .present_o    (present[4]),
      .data_o       (service_data),
      .init_i       (init),
      .busy_o       (busy[0])
  );

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
      .is_v6_i        (is_v6_i),
      .ip_i           (ip_i),
      .protocol_i     (protocol_i),
      .has_ports_i    (has_ports_i),
      .port_i         (port_i),
      .match_o        (endpoint),
      .req_valid_i    (req_valid[8:6]),
      .req_write_i    (req_write),
      .req_bank_i     (req_bank),
      .req_row_i      (req_row),
      .req_present_i  (req_present),
      .req_data_i     (req_data),
      .done_o         (done[8:6]),
      .present_o      (present[8:6]),
      .exact_data_o   (exact_data),
      .any_port_data_o(any_port_data),
      .any_data_o     (any_data),
      .init_i         (init),
      .busy_o         (busy[1])
  );

  portcam_domain_table #(
      .Domains(Domains)
  ) u_domains (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .lookup_en_i       (valid_i),
      .lookup_bank_i     (bank_i),
      .address_domain_i  (domain_i),
      .endpoint_domain_i (other_domain_i),
      .address_verdict_o (address_verdict),
      .endpoint_verdict_o(endpoint_verdict),
      .req_valid_i       (req_valid[2]),
      .req_write_i       (req_write),
      .req_bank_i        (req_bank),
      .req_row_i         (req_row),
      .req_present_i     (req_present),
      .req_data_i        (req_data),
      .done_o            (done[2]),
      .present_o         (present[2]),
      .data_o            (domain_data),
      .init_i            (init),
      .busy_o            (busy[2])
  );

  portcam_timeout_table #(
      .Services(Services),
      .Domains (Domains)
  ) u_timeouts (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (valid_i),
      .lookup_bank_i   (bank_i),
      .service_i       (service_i),
      .lookup_present_o(timeout_present_o),
      .timeouts_o      (timeouts_o),
      .domain_o        (timeout_domain_o),
      .req_valid_i     (req_valid[10]),
      .req_write_i     (req_write),
      .req_bank_i      (req_bank),
      .req_row_i       (req_row),
      .req_present_i   (req_present),
      .req_data_i      (req_data),
      .done_o          (done[10]),
      .present_o       (present[10]),
      .data_o          (timeout_data),
      .init_i          (init),
      .busy_o          (busy[3])
  );

  portcam_public_table #(
      .Addresses(Addresses)
  ) u_publics (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .lookup_en_i     (valid_i),
      .lookup_bank_i   (bank_i),
      .address_i       (address_i),
      .lookup_present_o(public_present_o),
      .is_v6_o         (public_is_v6_o),
      .ip_o            (public_ip_o),
      .req_valid_i     (req_valid[11]),
      .req_write_i     (req_write),
      .req_bank_i      (req_bank),
      .req_row_i       (req_row),
      .req_present_i   (req_present),
      .req_data_i      (req_data),
      .done_o          (done[11]),
      .present_o       (present[11]),
      .data_o          (public_data),
      .init_i          (init),
      .busy_o          (busy[4])
  );

  portcam_limits_table u_limits (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .embryonic_o   (embryonic_o),
      .reject_rate_o (reject_rate_o),
      .reject_burst_o(reject_burst_o),
      .punt_rate_o   (punt_rate_o),
      .punt_burst_o  (punt_burst_o),
      .punt_reasons_o(punt_reasons_o),
      .req_valid_i   (req_valid[12]),
      .req_write_i   (req_write),
      .req_bank_i    (req_bank),
      .req_row_i     (req_row),
      .req_present_i (req_present),
      .req_data_i    (req_data),
      .done_o        (done[12]),
      .present_o     (present[12]),
      .data_o        (limits_data),
      .init_i        (init),
      .busy_o        (busy[5])
  );

  assign service_hit_o        = service.hit;
  assign service_deliver_o    = service.deliver;
  assign service_stateful_o   = service.stateful;
  assign service_exact_port_o = service.exact_port;
  assign service_keeps_port_o = service.keeps_port;
  assign service_service_o    = service.service;
  assign service_backend_o    = service.backend;
  assign service_group_o      = service.group;
  assign service_schedule_o   = service.schedule;
  assign service_slots_log2_o = 8'(service.slots_log2);
  assign service_pick_o       = 8'(service.pick);
  assign service_no_record_o  = 8'(service.no_record);
  assign service_no_backend_o = 8'(service.no_backend);
  assign service_full_o       = 8'(service.full);

  assign endpoint_hit_o         = endpoint.hit;
  assign endpoint_public_ip_o   = endpoint.public_ip;
  assign endpoint_public_port_o = endpoint.public_port;
  assign endpoint_service_o     = endpoint.service;
  assign endpoint_backend_o     = endpoint.backend;
  assign endpoint_domain_o      = endpoint.domain;
  assign endpoint_address_o     = endpoint.address;
  assign endpoint_flags_o       = {3'd0, endpoint.alone, endpoint.keeps_port, endpoint.stateful,
                                   endpoint.has_mac, endpoint.strict};
  assign endpoint_wide_o        = endpoint.wide;

  assign address_verdict_o  = {2'd0, address_verdict.reject, address_verdict.drop,
                               address_verdict.stopped, address_verdict.paused,
                               address_verdict.draining, address_verdict.present};
  assign endpoint_verdict_o = {2'd0, endpoint_verdict.reject, endpoint_verdict.drop,
                               endpoint_verdict.stopped, endpoint_verdict.paused,
                               endpoint_verdict.draining, endpoint_verdict.present};

endmodule

`resetall
