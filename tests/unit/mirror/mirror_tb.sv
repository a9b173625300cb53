// SPDX-License-Identifier: Apache-2.0
//
// portcam_mirror with flat ports, so that the bench sees names: a_* is the record after the operation,
// b_* the one before it.

`default_nettype none

module mirror_tb #(
    parameter int unsigned Rows        = 16,
    parameter int unsigned RowsV6      = 16,
    parameter int unsigned Stash       = 2,
    parameter int unsigned Depth       = 16,
    parameter int unsigned Reserve     = 8,
    parameter int unsigned Outstanding = 8
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic         init_i,
    output logic         busy_o,
    output logic         active_o,
    input  logic         valid_i,
    input  logic         began_i,
    input  logic         changed_i,
    input  logic         ended_i,
    input  logic         moved_i,
    input  logic         replaced_i,
    input  logic         copy_i,
    input  logic         tag_i,
    input  logic         found_i,
    input  logic [7:0]   cause_i,
    input  logic [23:0]  slot_i,
    input  logic [23:0]  from_slot_i,
    input  logic [127:0] a_ip_i,
    input  logic [15:0]  a_port_i,
    input  logic [7:0]   a_protocol_i,
    input  logic [15:0]  a_group_i,
    input  logic [15:0]  a_kept_i,
    input  logic         a_is_v6_i,
    input  logic [15:0]  a_service_i,
    input  logic [15:0]  a_address_i,
    input  logic [15:0]  a_pport_i,
    input  logic [15:0]  a_backend_i,
    input  logic [15:0]  a_endpoint_i,
    input  logic [31:0]  a_generation_i,
    input  logic [3:0]   a_state_i,
    input  logic         a_embryonic_i,
    input  logic [7:0]   a_syn_repeats_i,
    input  logic [31:0]  a_client_next_i,
    input  logic [31:0]  a_created_i,
    input  logic [31:0]  a_last_used_i,
    input  logic [47:0]  a_forward_packets_i,
    input  logic [63:0]  a_forward_octets_i,
    input  logic [47:0]  a_reverse_packets_i,
    input  logic [63:0]  a_reverse_octets_i,
    input  logic [127:0] b_ip_i,
    input  logic [15:0]  b_port_i,
    input  logic [7:0]   b_protocol_i,
    input  logic [15:0]  b_group_i,
    input  logic [15:0]  b_kept_i,
    input  logic         b_is_v6_i,
    input  logic [15:0]  b_service_i,
    input  logic [15:0]  b_address_i,
    input  logic [15:0]  b_pport_i,
    input  logic [15:0]  b_backend_i,
    input  logic [15:0]  b_endpoint_i,
    input  logic [31:0]  b_generation_i,
    input  logic [3:0]   b_state_i,
    input  logic         b_embryonic_i,
    input  logic [7:0]   b_syn_repeats_i,
    input  logic [31:0]  b_client_next_i,
    input  logic [31:0]  b_created_i,
    input  logic [31:0]  b_last_used_i,
    input  logic [47:0]  b_forward_packets_i,
    input  logic [63:0]  b_forward_octets_i,
    input  logic [47:0]  b_reverse_packets_i,
    input  logic [63:0]  b_reverse_octets_i,
    output logic         copy_valid_o,
    input  logic         copy_ready_i,
    output logic [23:0]  copy_slot_o,
    output logic         copy_tag_o,
    input  logic         page_write_i,
    input  logic [15:0]  page_write_addr_i,
    input  logic [31:0]  page_write_data_i,
    input  logic         page_read_i,
    input  logic [15:0]  page_read_addr_i,
    output logic [31:0]  page_word_o,
    output logic         raise_events_o,
    output logic         raise_errors_o,
    output logic         fail_o,
    output logic [63:0]  fail_addr_o,
    input  logic         mir_valid_i,
    input  logic         mir_sum_i,
    input  logic [23:0]  mir_row_i,
    input  logic [10:0]  mir_count_i,
    output logic         mir_done_o,
    output logic [7:0]   mir_status_o,
    output logic [511:0] mir_sum_o,
    output logic         beat_valid_o,
    input  logic         beat_ready_i,
    output logic [63:0]  beat_addr_o,
    output logic [511:0] beat_data_o,
    output logic [63:0]  beat_strb_o,
    input  logic         beat_done_i,
    input  logic         beat_error_i,
    output logic         trace_taken_o,
    output logic         trace_lost_o,
    output logic [3:0]   trace_start_o
);

  portcam_connection_pkg::mirror_t mirror;

  always_comb begin
    mirror           = '0;
    mirror.began     = began_i;
    mirror.changed   = changed_i;
    mirror.ended     = ended_i;
    mirror.moved     = moved_i;
    mirror.replaced  = replaced_i;
    mirror.copy      = copy_i;
    mirror.tag       = tag_i;
    mirror.found     = found_i;
    mirror.cause     = cause_i;
    mirror.slot      = slot_i;
    mirror.from_slot = from_slot_i;
    mirror.row.client.ip = a_ip_i;
    mirror.row.client.port = a_port_i;
    mirror.row.client.protocol = a_protocol_i;
    mirror.row.client.group = a_group_i;
    mirror.row.client.kept = a_kept_i;
    mirror.row.client.is_v6 = a_is_v6_i;
    mirror.row.service = a_service_i;
    mirror.row.address = a_address_i;
    mirror.row.port = a_pport_i;
    mirror.row.backend = a_backend_i;
    mirror.row.endpoint = a_endpoint_i;
    mirror.state.generation = a_generation_i;
    mirror.state.state = a_state_i;
    mirror.state.embryonic = a_embryonic_i;
    mirror.state.syn_repeats = a_syn_repeats_i;
    mirror.state.client_next = a_client_next_i;
    mirror.state.created = a_created_i;
    mirror.state.last_used = a_last_used_i;
    mirror.state.forward_packets = a_forward_packets_i;
    mirror.state.forward_octets = a_forward_octets_i;
    mirror.state.reverse_packets = a_reverse_packets_i;
    mirror.state.reverse_octets = a_reverse_octets_i;
    mirror.last_row.client.ip = b_ip_i;
    mirror.last_row.client.port = b_port_i;
    mirror.last_row.client.protocol = b_protocol_i;
    mirror.last_row.client.group = b_group_i;
    mirror.last_row.client.kept = b_kept_i;
    mirror.last_row.client.is_v6 = b_is_v6_i;
    mirror.last_row.service = b_service_i;
    mirror.last_row.address = b_address_i;
    mirror.last_row.port = b_pport_i;
    mirror.last_row.backend = b_backend_i;
    mirror.last_row.endpoint = b_endpoint_i;
    mirror.last.generation = b_generation_i;
    mirror.last.state = b_state_i;
    mirror.last.embryonic = b_embryonic_i;
    mirror.last.syn_repeats = b_syn_repeats_i;
    mirror.last.client_next = b_client_next_i;
    mirror.last.created = b_created_i;
    mirror.last.last_used = b_last_used_i;
    mirror.last.forward_packets = b_forward_packets_i;
    mirror.last.forward_octets = b_forward_octets_i;
    mirror.last.reverse_packets = b_reverse_packets_i;
    mirror.last.reverse_octets = b_reverse_octets_i;
  end

  portcam_mirror #(
      .Rows       (Rows),
      .RowsV6     (RowsV6),
      .Stash      (Stash),
      .Depth      (Depth),
      .Reserve    (Reserve),
      .Outstanding(Outstanding)
  ) u_mirror (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .flr_i            (flr_i),
      .init_i           (init_i),
      .busy_o           (busy_o),
      .active_o         (active_o),
      .valid_i          (valid_i),
      .mirror_i         (mirror),
      .copy_valid_o     (copy_valid_o),
      .copy_ready_i     (copy_ready_i),
      .copy_slot_o      (copy_slot_o),
      .copy_tag_o       (copy_tag_o),
      .page_write_i     (page_write_i),
      .page_write_addr_i(page_write_addr_i),
      .page_write_data_i(page_write_data_i),
      .page_read_i      (page_read_i),
      .page_read_addr_i (page_read_addr_i),
      .page_word_o      (page_word_o),
      .raise_events_o   (raise_events_o),
      .raise_errors_o   (raise_errors_o),
      .fail_o           (fail_o),
      .fail_addr_o      (fail_addr_o),
      .mir_valid_i      (mir_valid_i),
      .mir_sum_i        (mir_sum_i),
      .mir_row_i        (mir_row_i),
      .mir_count_i      (mir_count_i),
      .mir_done_o       (mir_done_o),
      .mir_status_o     (mir_status_o),
      .mir_sum_o        (mir_sum_o),
      .beat_valid_o     (beat_valid_o),
      .beat_ready_i     (beat_ready_i),
      .beat_addr_o      (beat_addr_o),
      .beat_data_o      (beat_data_o),
      .beat_strb_o      (beat_strb_o),
      .beat_done_i      (beat_done_i),
      .beat_error_i     (beat_error_i),
      .trace_taken_o    (trace_taken_o),
      .trace_lost_o     (trace_lost_o),
      .trace_start_o    (trace_start_o)
  );

endmodule

`resetall
