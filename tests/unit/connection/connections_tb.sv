// SPDX-License-Identifier: Apache-2.0
//
// connections_tb: portcam_connections with portcam_connection_walk beside it, with a port for each
// field of their structs. Small tables. With walk_select_i the walk's operations go to the records,
// otherwise those of ask_*. It checks nothing; connections_test.cpp and walk_test.cpp do.

`default_nettype none

module connections_tb #(
    parameter int unsigned Rows         = 64,
    parameter int unsigned RowsV6       = 64,
    parameter int unsigned Ways         = 2,
    parameter int unsigned Stash        = 2,
    parameter int unsigned ScheduleRows = 8,
    parameter int unsigned Services     = 4,
    parameter int unsigned Addresses    = 4,
    parameter int unsigned Backends     = 16,
    parameter int unsigned Domains      = 4,
    parameter int unsigned PassMs       = 8,
    parameter int unsigned ReadLatency  = 2
) (
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic          init_i,
    output logic          busy_o,
    input  logic [255:0]  secret_i,
    input  logic [31:0]   time_ms_i,
    input  logic          packet_valid_i,
    input  logic          packet_bank_i,
    input  logic          forward_i,
    input  logic          reverse_i,
    input  logic          is_v6_i,
    input  logic [127:0]  ip_i,
    input  logic [15:0]   client_port_i,
    input  logic [7:0]    protocol_i,
    input  logic [15:0]   service_i,
    input  logic [15:0]   address_i,
    input  logic [15:0]   port_i,
    input  logic [15:0]   endpoint_i,
    input  logic [15:0]   kept_i,
    input  logic [15:0]   group_i,
    input  logic          keyless_i,
    input  logic          may_create_i,
    input  logic          peek_i,
    input  logic          draining_i,
    input  logic          hash_i,
    input  logic          full_hash_i,
    input  logic [1:0]    pick_i,
    input  logic [15:0]   schedule_i,
    input  logic [4:0]    slots_log2_i,
    input  logic [31:0]   crc_i,
    input  logic [2:0]    tcp_class_i,
    input  logic [31:0]   tcp_seq_i,
    input  logic [31:0]   tcp_end_i,
    input  logic [15:0]   len_i,
    input  logic [31:0]   limit_i,
    output logic          verdict_valid_o,
    output logic [3:0]    says_o,
    output logic [15:0]   says_service_o,
    output logic [15:0]   says_address_o,
    output logic [15:0]   says_port_o,
    output logic [15:0]   says_backend_o,
    input  logic          walk_select_i,
    input  logic          ask_valid_i,
    input  logic [3:0]    ask_kind_i,
    input  logic [23:0]   ask_slot_i,
    input  logic [31:0]   ask_generation_i,
    input  logic [31:0]   ask_last_used_i,
    input  logic [1023:0] image_i,          // of an insert, asked for or of the host
    output logic          walk_valid_o,     // of either
    output logic          walk_ready_o,
    output logic [3:0]    walk_kind_o,
    output logic [23:0]   walk_slot_o,
    output logic [31:0]   walk_generation_o,
    output logic [31:0]   walk_last_used_o,
    output logic          done_o,
    output logic [3:0]    done_kind_o,
    output logic [23:0]   done_slot_o,
    output logic          acted_o,
    output logic          found_o,
    output logic          taken_o,
    output logic          row_is_v6_o,
    output logic [127:0]  row_ip_o,
    output logic [15:0]   row_client_port_o,
    output logic [7:0]    row_protocol_o,
    output logic [15:0]   row_group_o,
    output logic [15:0]   row_kept_o,
    output logic [15:0]   row_service_o,
    output logic [15:0]   row_address_o,
    output logic [15:0]   row_port_o,
    output logic [15:0]   row_backend_o,
    output logic [15:0]   row_endpoint_o,
    output logic [31:0]   state_generation_o,
    output logic [3:0]    state_o,
    output logic          state_embryonic_o,
    output logic [7:0]    state_syn_repeats_o,
    output logic [31:0]   state_client_next_o,
    output logic [31:0]   state_created_o,
    output logic [31:0]   state_last_used_o,
    output logic [63:0]   state_forward_packets_o,
    output logic [63:0]   state_forward_octets_o,
    output logic [63:0]   state_reverse_packets_o,
    output logic [63:0]   state_reverse_octets_o,
    output logic [63:0]   used_rows_o,      // of the four buckets
    output logic [63:0]   stash_used_o,
    output logic [63:0]   stash_used_v6_o,
    output logic          tally_valid_o,
    output logic [15:0]   tally_backend_o,
    output logic          tally_began_o,
    output logic          tally_active_o,
    output logic          tally_syn_repeat_o,
    output logic          tally_syn_reset_o,
    output logic          tally_syn_ack_o,
    output logic [31:0]   tally_syn_ack_ms_o,
    output logic          tally_left_valid_o,
    output logic [15:0]   tally_left_backend_o,
    output logic          tally_ended_o,
    output logic          tally_inactive_o,
    output logic [31:0]   used_o,
    output logic [31:0]   embryonic_o,
    output logic          trace_valid_o,
    output logic          trace_packet_o,
    output logic [3:0]    trace_kind_o,
    output logic          trace_acted_o,
    output logic          trace_asked_o,
    output logic          trace_second_o,
    output logic          trace_room_o,
    output logic [15:0]   trace_index_o,
    output logic [23:0]   trace_slot_o,
    output logic [23:0]   trace_to_o,
    output logic [31:0]   trace_time_ms_o,
    input  logic          schedule_req_i,
    input  logic          backend_req_i,
    input  logic          timeout_req_i,
    input  logic          domain_req_i,
    input  logic          req_write_i,
    input  logic          req_bank_i,
    input  logic [15:0]   req_row_i,
    input  logic          req_present_i,
    input  logic [383:0]  req_data_i,
    input  logic          bank_i,           // of the walk
    input  logic          stop_i,
    input  logic          clear_i,
    output logic          active_o,
    input  logic          conn_valid_i,
    output logic          conn_ready_o,
    input  logic          conn_delete_i,
    input  logic          conn_insert_i,
    input  logic [23:0]   conn_slot_i,
    input  logic [31:0]   conn_count_i,
    output logic          img_valid_o,
    input  logic          img_ready_i,
    output logic [1023:0] img_data_o,
    output logic          conn_done_o,
    output logic [7:0]    conn_status_o
);

  portcam_connection_pkg::request_t request;
  portcam_connection_pkg::verdict_t verdict;
  logic [25:0]                      unused_record;  // of the packet: lockstep compares it in samples
  portcam_connection_pkg::walk_t    ask;
  portcam_connection_pkg::walk_t    walk_ask;
  portcam_connection_pkg::walk_t    walk;
  portcam_connection_pkg::row_t     row;
  portcam_connection_pkg::state_t   state;
  portcam_connection_pkg::tally_t   tally;
  portcam_connection_pkg::trace_t   trace;
  logic                             walk_ask_valid;
  logic [4*Ways-1:0]                used_rows;
  logic [Stash-1:0]                 stash_used;
  logic [Stash-1:0]                 stash_used_v6;
  logic [1:0]                       busy;
  portcam_connection_pkg::mirror_t  unused_mirror;
  logic                             unused_mirror_valid;
  logic                             unused_copy_ready;
  logic                             unused_done;
  logic                             unused_present;
  logic [383:0]                     unused_data;
  logic                             unused_timeout_done;
  logic                             unused_timeout_present;
  logic [383:0]                     unused_timeout_data;

  always_comb begin
    request                 = '0;
    request.forward         = forward_i;
    request.reverse         = reverse_i;
    request.client.is_v6    = is_v6_i;
    request.client.ip       = ip_i;
    request.client.port     = client_port_i;
    request.client.protocol = protocol_i;
    request.client.group    = group_i;
    request.client.kept     = kept_i;
    request.service         = service_i;
    request.address         = address_i;
    request.port            = port_i;
    request.endpoint        = endpoint_i;
    request.keyless         = keyless_i;
    request.may_create      = may_create_i && !peek_i;
    request.peek            = peek_i;
    request.draining        = draining_i;
    request.hash            = hash_i;
    request.full_hash       = full_hash_i;
    request.pick            = pick_i;
    request.schedule        = schedule_i;
    request.slots_log2      = slots_log2_i;
    request.crc             = crc_i;
    request.is_tcp          = protocol_i == 8'd6 && !peek_i;
    request.tcp_class       = tcp_class_i;
    request.tcp_seq         = tcp_seq_i;
    request.tcp_end         = tcp_end_i;
    request.len             = len_i;
    request.limit           = limit_i;
    ask.kind                = ask_kind_i;
    ask.slot                = ask_slot_i;
    ask.generation          = ask_generation_i;
    ask.last_used           = ask_last_used_i;
  end

  assign walk              = walk_select_i ? walk_ask : ask;
  assign walk_valid_o      = walk_select_i ? walk_ask_valid : ask_valid_i;
  assign walk_kind_o       = walk.kind;
  assign walk_slot_o       = walk.slot;
  assign walk_generation_o = walk.generation;
  assign walk_last_used_o  = walk.last_used;
  assign busy_o            = busy != '0;

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
      .packet_valid_i      (packet_valid_i),
      .packet_bank_i       (packet_bank_i),
      .request_i           (request),
      .verdict_valid_o     (verdict_valid_o),
      .verdict_o           (verdict),
      .walk_valid_i        (walk_valid_o),
      .walk_ready_o        (walk_ready_o),
      .walk_i              (walk),
      .insert_i            (image_i),
      .walk_done_o         (done_o),
      .walk_kind_o         (done_kind_o),
      .walk_slot_o         (done_slot_o),
      .walk_acted_o        (acted_o),
      .walk_found_o        (found_o),
      .walk_taken_o        (taken_o),
      .walk_row_o          (row),
      .walk_state_o        (state),
      .walk_used_o         (used_rows),
      .stash_used_o        (stash_used),
      .stash_used_v6_o     (stash_used_v6),
      .tally_o             (tally),
      .mirror_valid_o      (unused_mirror_valid),
      .mirror_o            (unused_mirror),
      .used_o              (used_o),
      .embryonic_o         (embryonic_o),
      .trace_valid_o       (trace_valid_o),
      .trace_o             (trace),
      .schedule_req_valid_i(schedule_req_i),
      .backend_req_valid_i (backend_req_i),
      .req_write_i         (req_write_i),
      .req_bank_i          (req_bank_i),
      .req_row_i           (req_row_i),
      .req_present_i       (req_present_i),
      .req_data_i          (req_data_i),
      .schedule_done_o     (unused_done),
      .schedule_present_o  (unused_present),
      .schedule_data_o     (unused_data),
      .init_i              (init_i),
      .busy_o              (busy[0])
  );

  portcam_connection_walk #(
      .Rows    (Rows),
      .RowsV6  (RowsV6),
      .Ways    (Ways),
      .Stash   (Stash),
      .Services(Services),
      .Domains (Domains),
      .PassMs  (PassMs)
  ) u_walk (
      .clk_i              (clk_i),
      .rst_ni             (rst_ni),
      .time_ms_i          (time_ms_i),
      .bank_i             (bank_i),
      .stop_i             (stop_i || !walk_select_i),
      .clear_i            (clear_i),
      .active_o           (active_o),
      .walk_valid_o       (walk_ask_valid),
      .walk_ready_i       (walk_ready_o && walk_select_i),
      .walk_o             (walk_ask),
      .walk_done_i        (done_o && walk_select_i),
      .walk_kind_i        (done_kind_o),
      .walk_slot_i        (done_slot_o),
      .walk_acted_i       (acted_o),
      .walk_found_i       (found_o),
      .walk_taken_i       (taken_o),
      .walk_row_i         (row),
      .walk_state_i       (state),
      .walk_used_i        (used_rows),
      .stash_used_i       (stash_used),
      .stash_used_v6_i    (stash_used_v6),
      .used_i             (used_o),
      .ended_i            (tally.left_valid && tally.ended),
      .copy_valid_i       (1'b0),
      .copy_ready_o       (unused_copy_ready),
      .copy_slot_i        ('0),
      .copy_tag_i         (1'b0),
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
      .timeout_req_valid_i(timeout_req_i),
      .domain_req_valid_i (domain_req_i),
      .req_write_i        (req_write_i),
      .req_bank_i         (req_bank_i),
      .req_row_i          (req_row_i),
      .req_present_i      (req_present_i),
      .req_data_i         (req_data_i),
      .timeout_done_o     (unused_timeout_done),
      .timeout_present_o  (unused_timeout_present),
      .timeout_data_o     (unused_timeout_data),
      .init_i             (init_i),
      .busy_o             (busy[1])
  );

  assign says_o                  = verdict.says;
  assign says_service_o          = verdict.service;
  assign says_address_o          = verdict.address;
  assign says_port_o             = verdict.port;
  assign says_backend_o          = verdict.backend;
  assign unused_record           = {verdict.found, verdict.began, verdict.slot};
  assign row_is_v6_o             = row.client.is_v6;
  assign row_ip_o                = row.client.ip;
  assign row_client_port_o       = row.client.port;
  assign row_protocol_o          = row.client.protocol;
  assign row_group_o             = row.client.group;
  assign row_kept_o              = row.client.kept;
  assign row_service_o           = row.service;
  assign row_address_o           = row.address;
  assign row_port_o              = row.port;
  assign row_backend_o           = row.backend;
  assign row_endpoint_o          = row.endpoint;
  assign state_generation_o      = state.generation;
  assign state_o                 = state.state;
  assign state_embryonic_o       = state.embryonic;
  assign state_syn_repeats_o     = state.syn_repeats;
  assign state_client_next_o     = state.client_next;
  assign state_created_o         = state.created;
  assign state_last_used_o       = state.last_used;
  assign state_forward_packets_o = 64'(state.forward_packets);
  assign state_forward_octets_o  = state.forward_octets;
  assign state_reverse_packets_o = 64'(state.reverse_packets);
  assign state_reverse_octets_o  = state.reverse_octets;
  assign used_rows_o             = 64'(used_rows);
  assign stash_used_o            = 64'(stash_used);
  assign stash_used_v6_o         = 64'(stash_used_v6);
  assign tally_valid_o           = tally.valid;
  assign tally_backend_o         = tally.backend;
  assign tally_began_o           = tally.began;
  assign tally_active_o          = tally.active;
  assign tally_syn_repeat_o      = tally.syn_repeat;
  assign tally_syn_reset_o       = tally.syn_reset;
  assign tally_syn_ack_o         = tally.syn_ack;
  assign tally_syn_ack_ms_o      = tally.syn_ack_ms;
  assign tally_left_valid_o      = tally.left_valid;
  assign tally_left_backend_o    = tally.left_backend;
  assign tally_ended_o           = tally.ended;
  assign tally_inactive_o        = tally.inactive;
  assign trace_packet_o          = trace.packet;
  assign trace_kind_o            = trace.kind;
  assign trace_acted_o           = trace.acted;
  assign trace_asked_o           = trace.asked;
  assign trace_second_o          = trace.second;
  assign trace_room_o            = trace.room;
  assign trace_index_o           = trace.index;
  assign trace_slot_o            = trace.slot;
  assign trace_to_o              = trace.to;
  assign trace_time_ms_o         = trace.time_ms;

endmodule

`resetall
