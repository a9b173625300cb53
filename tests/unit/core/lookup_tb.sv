// SPDX-License-Identifier: Apache-2.0
//
// lookup_tb: portcam_lookup and portcam_stats side by side, with a port for each field of their
// structs. Small tables, unless the build says otherwise. It checks nothing; lookup_test.cpp does.

`default_nettype none

module lookup_tb #(
    parameter int unsigned Functions           = 4,
    parameter int unsigned Domains             = 8,
    parameter int unsigned Addresses           = 16,
    parameter int unsigned Services            = 32,
    parameter int unsigned Backends            = 16,
    parameter int unsigned EndpointWays        = 2,
    parameter int unsigned EndpointRows        = 32,
    parameter int unsigned EndpointAnyPortRows = 16,
    parameter int unsigned EndpointAnyRows     = 16,
    parameter int unsigned ConnectionRows      = 64,
    parameter int unsigned ConnectionRowsV6    = 64,
    parameter int unsigned ConnectionWays      = 2,
    parameter int unsigned ConnectionStash     = 2,
    parameter int unsigned ScheduleRows        = 8
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic [31:0]  hash_seed_i,
    input  logic         clear_i,
    output logic         lookup_busy_o,
    output logic         stats_busy_o,
    input  logic         valid_i,
    input  logic         bank_i,
    input  logic [5:0]   reason_i,
    input  logic         decided_i,
    input  logic         is_v6_i,
    input  logic [11:0]  vlan_i,
    input  logic [63:0]  dst_mac_i,
    input  logic         has_mac_i,
    input  logic [127:0] src_ip_i,
    input  logic [127:0] dst_ip_i,
    input  logic [7:0]   protocol_i,
    input  logic         has_ports_i,
    input  logic [15:0]  src_port_i,
    input  logic [15:0]  dst_port_i,
    input  logic [15:0]  ip_sum_i,
    input  logic         has_l4_sum_i,
    input  logic [15:0]  l4_sum_i,
    // An ICMP error: the fields above are those of the answer to the embedded packet.
    input  logic         about_flow_i,
    input  logic [127:0] outer_src_ip_i,
    input  logic [15:0]  outer_ip_sum_i,
    input  logic [15:0]  icmp_sum_i,
    input  logic [15:0]  len_i,
    input  logic [7:0]   ingress_i,
    output logic         valid_o,
    output logic         from_host_o,
    output logic         drop_o,
    output logic         discarded_o,
    output logic [7:0]   egress_o,
    output logic         set_dst_mac_o,
    output logic [63:0]  dst_mac_o,
    output logic         set_src_mac_o,
    output logic [63:0]  src_mac_o,
    output logic         set_dst_ip_o,
    output logic         set_src_ip_o,
    output logic         is_v6_o,
    output logic [127:0] ip_o,
    output logic [4:0]   l3_o,
    output logic [7:0]   l4_o,
    output logic [7:0]   l4_sum_at_o,
    output logic         set_ip_sum_o,
    output logic [15:0]  ip_sum_o,
    output logic         set_port_o,
    output logic [15:0]  port_o,
    output logic         set_l4_sum_o,
    output logic [15:0]  l4_sum_o,
    output logic         about_flow_o,
    output logic [15:0]  outer_ip_sum_o,
    output logic [15:0]  icmp_sum_o,
    output logic [7:0]   icmp_at_o,
    output logic         count_valid_o,
    output logic [5:0]   count_reason_o,
    output logic [15:0]  count_octets_o,
    output logic [7:0]   count_rx_o,
    output logic         count_tx_valid_o,
    output logic [7:0]   count_tx_o,
    output logic         count_domain_valid_o,
    output logic [15:0]  count_domain_o,
    output logic         count_address_valid_o,
    output logic [15:0]  count_address_o,
    output logic         count_service_valid_o,
    output logic [15:0]  count_service_o,
    output logic         count_backend_valid_o,
    output logic [15:0]  count_backend_o,
    output logic         count_reply_o,
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
    input  logic         rd_valid_i,
    input  logic [3:0]   rd_table_i,
    input  logic [15:0]  rd_row_i,
    output logic         rd_done_o,
    output logic [63:0]  rd_packets_o,
    output logic [63:0]  rd_octets_o
);

  portcam_types_pkg::parsed_t  parsed;
  portcam_types_pkg::rewrite_t rewrite;
  portcam_types_pkg::count_t   count;
  logic                        unused_mac;
  // Records are those of tests/unit/connection.
  logic                        unused_active;
  logic                        unused_conn_ready;
  logic                        unused_img_valid;
  logic [1023:0]               unused_img;
  logic                        unused_conn_done;
  logic [7:0]                  unused_conn_status;
  logic                        unused_bk_done;
  logic [511:0]                unused_bk;
  logic [63:0]                 unused_connections;
  logic                            unused_mirror_valid;
  logic                            unused_copy_ready;
  portcam_connection_pkg::mirror_t unused_mirror;
  logic                        unused_punt_ask;
  logic [31:0]                 unused_punt_time;
  logic                        unused_punt_trace;
  logic [1:0]                  unused_punt_flags;
  logic                        unused_trace_valid;
  portcam_connection_pkg::trace_t unused_trace;

  assign unused_mac = ^dst_mac_i[63:48];

  always_comb begin
    parsed            = '0;
    parsed.reason     = reason_i;
    parsed.decided    = decided_i;
    parsed.is_v6      = is_v6_i;
    parsed.vlan       = vlan_i;
    parsed.dst_mac    = dst_mac_i[47:0];
    parsed.has_mac    = has_mac_i;
    parsed.src_ip     = src_ip_i;
    parsed.dst_ip     = dst_ip_i;
    parsed.protocol   = protocol_i;
    parsed.has_ports  = has_ports_i;
    parsed.src_port   = src_port_i;
    parsed.dst_port   = dst_port_i;
    parsed.l3         = 5'd18;
    parsed.l4         = 8'd42;
    parsed.l4_sum_at  = 8'd58;
    parsed.ip_sum     = ip_sum_i;
    parsed.has_l4_sum = has_l4_sum_i;
    parsed.l4_sum     = l4_sum_i;
    parsed.len        = len_i;
    parsed.ingress    = ingress_i;
    if (about_flow_i) begin
      parsed.reason          = portcam_pkg::ReasonIcmpError;
      parsed.decided         = 1'b1;
      parsed.about_flow      = 1'b1;
      parsed.src_ip          = outer_src_ip_i;
      parsed.protocol        = is_v6_i ? 8'd58 : 8'd1;
      parsed.has_ports       = 1'b0;
      parsed.src_port        = 16'd0;
      parsed.dst_port        = 16'd0;
      parsed.l4              = 8'd58;
      parsed.ip_sum          = outer_ip_sum_i;
      parsed.has_l4_sum      = is_v6_i;
      parsed.l4_sum          = icmp_sum_i;
      parsed.l4_sum_at       = 8'd60;
      parsed.inner_src_ip    = dst_ip_i;
      parsed.inner_dst_ip    = src_ip_i;
      parsed.inner_ip_sum    = ip_sum_i;
      parsed.inner_protocol  = protocol_i;
      parsed.inner_l4        = 8'd106;
      parsed.inner_has_ports = has_ports_i;
      parsed.inner_src_port  = dst_port_i;
      parsed.inner_dst_port  = src_port_i;
      parsed.inner_has_sum   = has_l4_sum_i;
      parsed.inner_sum       = l4_sum_i;
      parsed.inner_sum_at    = 8'd122;
    end
  end

  portcam_lookup #(
      .Functions          (Functions),
      .Domains            (Domains),
      .Addresses          (Addresses),
      .Services           (Services),
      .Backends           (Backends),
      .EndpointWays       (EndpointWays),
      .EndpointRows       (EndpointRows),
      .EndpointAnyPortRows(EndpointAnyPortRows),
      .EndpointAnyRows    (EndpointAnyRows),
      .ConnectionRows     (ConnectionRows),
      .ConnectionRowsV6   (ConnectionRowsV6),
      .ConnectionWays     (ConnectionWays),
      .ConnectionStash    (ConnectionStash),
      .ScheduleRows       (ScheduleRows)
  ) u_lookup (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .hash_seed_i   (hash_seed_i),
      .secret_i      ('0),
      .time_ms_i     ('0),
      .stop_i        (1'b0),
      .bank_now_i    (1'b0),
      .active_o      (unused_active),
      .valid_i       (valid_i),
      .parsed_i      (parsed),
      .bank_i        (bank_i),
      .valid_o       (valid_o),
      .rewrite_o     (rewrite),
      .from_host_o   (from_host_o),
      .count_valid_o (count_valid_o),
      .count_o       (count),
      .punt_runs_i   (1'b0),
      .punt_ask_o    (unused_punt_ask),
      .punt_room_i   (1'b0),
      .punt_time_o   (unused_punt_time),
      .trace_punt_valid_o(unused_punt_trace),
      .trace_punt_flags_o(unused_punt_flags),
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
      .conn_valid_i  (1'b0),
      .conn_ready_o  (unused_conn_ready),
      .conn_delete_i (1'b0),
      .conn_insert_i (1'b0),
      .conn_image_i  ('0),
      .conn_slot_i   ('0),
      .conn_count_i  ('0),
      .img_valid_o   (unused_img_valid),
      .img_ready_i   (1'b1),
      .img_data_o    (unused_img),
      .conn_done_o   (unused_conn_done),
      .conn_status_o (unused_conn_status),
      .bk_valid_i    (1'b0),
      .bk_row_i      ('0),
      .bk_done_o     (unused_bk_done),
      .bk_data_o     (unused_bk),
      .mirror_valid_o         (unused_mirror_valid),
      .mirror_o               (unused_mirror),
      .copy_valid_i           (1'b0),
      .copy_ready_o           (unused_copy_ready),
      .copy_slot_i            ('0),
      .copy_tag_i             (1'b0),
      .connections_used_o     (unused_connections[31:0]),
      .connections_embryonic_o(unused_connections[63:32]),
      .trace_record_valid_o   (unused_trace_valid),
      .trace_record_o(unused_trace),
      .clear_i       (clear_i),
      .busy_o        (lookup_busy_o)
  );

  portcam_stats #(
      .Functions(Functions),
      .Domains  (Domains),
      .Addresses(Addresses),
      .Services (Services),
      .Backends (Backends)
  ) u_stats (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .count_valid_i(count_valid_o),
      .count_i      (count),
      .sent_valid_i (1'b0),
      .sent_function_i(8'd0),
      .sent_octets_i(16'd0),
      .rd_valid_i   (rd_valid_i),
      .rd_table_i   (rd_table_i),
      .rd_row_i     (rd_row_i),
      .rd_done_o    (rd_done_o),
      .rd_packets_o (rd_packets_o),
      .rd_octets_o  (rd_octets_o),
      .clear_i      (clear_i),
      .busy_o       (stats_busy_o)
  );

  assign drop_o        = rewrite.drop;
  assign discarded_o   = rewrite.discarded;
  assign egress_o      = rewrite.egress;
  assign set_dst_mac_o = rewrite.set_dst_mac;
  assign dst_mac_o     = {16'd0, rewrite.dst_mac};
  assign set_src_mac_o = rewrite.set_src_mac;
  assign src_mac_o     = {16'd0, rewrite.src_mac};
  assign set_dst_ip_o  = rewrite.set_dst_ip;
  assign set_src_ip_o  = rewrite.set_src_ip;
  assign is_v6_o       = rewrite.is_v6;
  assign ip_o          = rewrite.ip;
  assign l3_o          = rewrite.l3;
  assign l4_o          = rewrite.l4;
  assign l4_sum_at_o   = rewrite.l4_sum_at;
  assign set_ip_sum_o  = rewrite.set_ip_sum;
  assign ip_sum_o      = rewrite.ip_sum;
  assign set_port_o    = rewrite.set_port;
  assign port_o        = rewrite.port;
  assign set_l4_sum_o  = rewrite.set_l4_sum;
  assign l4_sum_o      = rewrite.l4_sum;

  assign about_flow_o   = rewrite.about_flow;
  assign outer_ip_sum_o = rewrite.outer_ip_sum;
  assign icmp_sum_o     = rewrite.icmp_sum;
  assign icmp_at_o      = rewrite.icmp_at;

  assign count_reason_o        = count.reason;
  assign count_octets_o        = count.octets;
  assign count_rx_o            = count.rx;
  assign count_tx_valid_o      = count.tx_valid;
  assign count_tx_o            = count.tx;
  assign count_domain_valid_o  = count.domain_valid;
  assign count_domain_o        = count.domain;
  assign count_address_valid_o = count.address_valid;
  assign count_address_o       = count.address;
  assign count_service_valid_o = count.service_valid;
  assign count_service_o       = count.service;
  assign count_backend_valid_o = count.backend_valid;
  assign count_backend_o       = count.backend;
  assign count_reply_o         = count.reply;

endmodule

`resetall
