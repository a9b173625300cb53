// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup_records: the records of connections behind the tables. From what the tables say of
// a packet to the question to its record; beside the packets portcam_connection_walk, which ages
// records and serves the host, and portcam_backend_state, which counts for the schedulers.
//
// A domain that is paused or stopped keeps packets from the records. verdict_o comes
// 17 + ReadLatency clocks after valid_i, one a clock; nothing is ever stalled. bank_i is the bank of
// the packet, bank_now_i that of the walk. stop_i, clear_i, active_o, conn_* and img_*:
// portcam_connection_walk; bk_*: portcam_backend_state. Host port, init_i and busy_o: as in
// portcam_row_table.

`default_nettype none

module portcam_lookup_records #(
    parameter int unsigned Domains      = portcam_pkg::BuildDomains,
    parameter int unsigned Addresses    = portcam_pkg::BuildAddresses,
    parameter int unsigned Services     = portcam_pkg::BuildServices,
    parameter int unsigned Backends     = portcam_pkg::BuildBackends,
    parameter int unsigned Rows         = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6       = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways         = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash        = portcam_pkg::BuildConnectionStash,
    parameter int unsigned ReadLatency  = 2,
    parameter int unsigned ScheduleRows = portcam_pkg::BuildScheduleRows
) (
    input  logic                                clk_i,
    input  logic                                rst_ni,
    input  logic [255:0]                        secret_i,
    input  logic [31:0]                         time_ms_i,
    input  logic                                stop_i,
    input  logic                                clear_i,
    input  logic                                bank_now_i,
    output logic                                active_o,
    input  logic                                valid_i,
    input  logic                                bank_i,
    input  portcam_lookup_pkg::packet_t         packet_i,
    input  portcam_lookup_pkg::address_match_t  address_i,
    input  portcam_lookup_pkg::verdict_t        address_verdict_i,
    input  portcam_lookup_pkg::endpoint_match_t endpoint_i,
    input  portcam_lookup_pkg::verdict_t        endpoint_verdict_i,
    input  portcam_lookup_pkg::service_match_t  service_i,
    input  portcam_lookup_pkg::segment_t        segment_i,
    input  logic [31:0]                         crc_i,
    input  logic [31:0]                         crc_port_i,
    input  logic [63:0]                         embryonic_limit_i,
    output portcam_connection_pkg::verdict_t    verdict_o,
    input  logic                                conn_valid_i,
    output logic                                conn_ready_o,
    input  logic                                conn_delete_i,
    input  logic                                conn_insert_i,
    input  logic [1023:0]                       conn_image_i,
    input  logic [23:0]                         conn_slot_i,
    input  logic [31:0]                         conn_count_i,
    output logic                                img_valid_o,
    input  logic                                img_ready_i,
    output logic [1023:0]                       img_data_o,
    output logic                                conn_done_o,
    output logic [7:0]                          conn_status_o,
    input  logic                                bk_valid_i,
    input  logic [15:0]                         bk_row_i,
    output logic                                bk_done_o,
    output logic [511:0]                        bk_data_o,
    output logic                                mirror_valid_o,
    output portcam_connection_pkg::mirror_t     mirror_o,
    input  logic                                copy_valid_i,
    output logic                                copy_ready_o,
    input  logic [23:0]                         copy_slot_i,
    input  logic                                copy_tag_i,
    output logic [31:0]                         used_o,
    output logic [31:0]                         embryonic_o,
    output logic                                trace_valid_o,
    output portcam_connection_pkg::trace_t      trace_o,
    input  logic                                schedule_req_valid_i,
    input  logic                                backend_req_valid_i,
    input  logic                                timeout_req_valid_i,
    input  logic                                domain_req_valid_i,
    input  logic                                req_write_i,
    input  logic                                req_bank_i,
    input  logic [15:0]                         req_row_i,
    input  logic                                req_present_i,
    input  logic [383:0]                        req_data_i,
    output logic                                schedule_done_o,
    output logic                                schedule_present_o,
    output logic [383:0]                        schedule_data_o,
    output logic                                timeout_done_o,
    output logic                                timeout_present_o,
    output logic [383:0]                        timeout_data_o,
    input  logic                                init_i,
    output logic [2:0]                          busy_o
);

  portcam_lookup_pkg::packet_t         packet;
  portcam_lookup_pkg::address_match_t  address;
  portcam_lookup_pkg::verdict_t        address_verdict;
  portcam_lookup_pkg::endpoint_match_t endpoint;
  portcam_lookup_pkg::verdict_t        endpoint_verdict;
  portcam_lookup_pkg::service_match_t  service;
  portcam_lookup_pkg::segment_t        segment;
  logic                                unused_matches;

  assign packet           = packet_i;
  assign address          = address_i;
  assign address_verdict  = address_verdict_i;
  assign endpoint         = endpoint_i;
  assign endpoint_verdict = endpoint_verdict_i;
  assign service          = service_i;
  assign segment          = segment_i;
  assign unused_matches   = ^{packet, address, address_verdict, endpoint, endpoint_verdict, service,
                              segment};

  localparam logic [7:0] ProtocolDccp    = 8'd33;
  localparam logic [7:0] ProtocolSctp    = 8'd132;
  localparam logic [7:0] ProtocolUdplite = 8'd136;

  portcam_connection_pkg::request_t request;
  portcam_connection_pkg::tally_t   tally;
  portcam_connection_pkg::walk_t    walk;
  portcam_connection_pkg::row_t     walk_row;
  portcam_connection_pkg::state_t   walk_state;
  logic                             known;
  logic                             by_service;
  logic                             by_endpoint;
  logic                             other_sum;
  logic                             is_sctp;
  logic                             unused_says_valid;
  logic                             walk_valid;
  logic                             walk_ready;
  logic                             walk_done;
  logic [3:0]                       walk_kind;
  logic [23:0]                      walk_slot;
  logic                             walk_acted;
  logic                             walk_found;
  logic                             walk_taken;
  logic [4*Ways-1:0]      walk_used;
  logic [Stash-1:0]       stash_used;
  logic [Stash-1:0]       stash_used_v6;

  assign known       = address.hit && address_verdict.present;
  assign by_service  = !packet.decided && known && service.hit;
  assign by_endpoint = !packet.decided && !by_service && endpoint.hit &&
                           endpoint_verdict.present;
  assign other_sum   = packet.protocol == ProtocolDccp ||
                           packet.protocol == ProtocolUdplite;
  assign is_sctp        = packet.protocol == ProtocolSctp;

  always_comb begin
    request.forward = by_service && service.stateful && !address_verdict.paused &&
                      !address_verdict.stopped && !other_sum &&
                      !(is_sctp && !packet.about_flow && !service.keeps_port);
    request.reverse = by_endpoint && endpoint.stateful && !endpoint_verdict.paused &&
                      !endpoint_verdict.stopped && !other_sum &&
                      !(is_sctp && !packet.about_flow && !endpoint.keeps_port);
    request.peek            = packet.about_flow;
    request.client.is_v6    = packet.is_v6;
    request.client.ip       = request.forward ? packet.src_ip : packet.dst_ip;
    request.client.port     = !packet.has_ports ? 16'd0 :
                              request.forward ? packet.src_port : packet.dst_port;
    request.client.protocol = packet.protocol;
    request.service         = service.service;
    request.address         = address.address;
    request.client.group    = request.forward ? service.group : endpoint.service;
    request.client.kept     = !packet.has_ports ? 16'd0 :
                              request.forward ? (service.exact_port ? 16'd0
                                                                        : packet.dst_port) :
                              endpoint.wide ? packet.src_port : 16'd0;
    request.port            = packet.has_ports ? packet.dst_port : 16'd0;
    request.endpoint        = endpoint.backend;
    request.keyless         = address.any;
    request.may_create      = segment.may_create && !packet.about_flow;
    request.draining        = address_verdict.draining;
    request.hash            = service.no_record == 2'(portcam_pkg::NoRecordHash);
    request.full_hash       = service.full == 2'(portcam_pkg::FullHash);
    request.pick            = service.pick;
    request.schedule        = service.schedule;
    request.slots_log2      = service.slots_log2;
    request.crc             = service.pick == 2'(portcam_pkg::PickClientIpPort) ? crc_port_i
                                                                                    : crc_i;
    request.is_tcp          = segment.is_tcp;
    request.tcp_class       = segment.tcp_class;
    request.tcp_seq         = segment.tcp_seq;
    request.tcp_end         = segment.tcp_end;
    request.len             = packet.len;
    request.limit           = bank_i ? embryonic_limit_i[63:32] : embryonic_limit_i[31:0];
  end

  portcam_connections #(
      .Rows        (Rows),
      .RowsV6      (RowsV6),
      .Ways        (Ways),
      .Stash       (Stash),
      .ScheduleRows(ScheduleRows),
      .Services    (Services),
      .Addresses   (Addresses),
      .Backends    (Backends),
      .ReadLatency (ReadLatency)
  ) u_connections (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .secret_i            (secret_i),
      .time_ms_i           (time_ms_i),
      .packet_valid_i      (valid_i),
      .packet_bank_i       (bank_i),
      .request_i           (request),
      .verdict_valid_o     (unused_says_valid),
      .verdict_o           (verdict_o),
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
      .used_o              (used_o),
      .embryonic_o         (embryonic_o),
      .trace_valid_o       (trace_valid_o),
      .trace_o             (trace_o),
      .schedule_req_valid_i(schedule_req_valid_i),
      .backend_req_valid_i (backend_req_valid_i),
      .req_write_i         (req_write_i),
      .req_bank_i          (req_bank_i),
      .req_row_i           (req_row_i),
      .req_present_i       (req_present_i),
      .req_data_i          (req_data_i),
      .schedule_done_o     (schedule_done_o),
      .schedule_present_o  (schedule_present_o),
      .schedule_data_o     (schedule_data_o),
      .init_i              (init_i),
      .busy_o              (busy_o[0])
  );

  portcam_connection_walk #(
      .Rows    (Rows),
      .RowsV6  (RowsV6),
      .Ways    (Ways),
      .Stash   (Stash),
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
      .used_i             (used_o),
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
      .timeout_req_valid_i(timeout_req_valid_i),
      .domain_req_valid_i (domain_req_valid_i),
      .req_write_i        (req_write_i),
      .req_bank_i         (req_bank_i),
      .req_row_i          (req_row_i),
      .req_present_i      (req_present_i),
      .req_data_i         (req_data_i),
      .timeout_done_o     (timeout_done_o),
      .timeout_present_o  (timeout_present_o),
      .timeout_data_o     (timeout_data_o),
      .init_i             (init_i),
      .busy_o             (busy_o[1])
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
      .init_i         (init_i),
      .busy_o         (busy_o[2])
  );

endmodule

`resetall
