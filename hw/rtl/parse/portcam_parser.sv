// SPDX-License-Identifier: Apache-2.0
//
// portcam_parser: from the first 128 bytes of a frame to its keys and offsets, or to the reason why
// it has none.
//
// The order of the tests and their reasons are those of docs/pipeline.md, section 1. One header a
// clock, never stalled; parsed_o comes exactly Latency clocks after header_i.
//
// What has a meaning in parsed_o: reason, decided, about_flow, dst_mac, has_mac, len and ingress
// always; the inner_* fields where the reason is ReasonIcmpError; everything else where decided is 0,
// and also for ReasonIcmpError; of that the tcp_* fields where the protocol is TCP.

`default_nettype none

module portcam_parser (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       valid_i,
    input  portcam_types_pkg::header_t header_i,
    output logic                       valid_o,
    output portcam_types_pkg::parsed_t parsed_o
);

  localparam int unsigned Steps   = 9;  // extension headers that fit in the window
  localparam int unsigned Latency = 2 + 1 + Steps + 2 + 1 + 1;

  // Clocks 1 and 2: layer 2.
  logic         l2_valid;
  logic         l2_oversize;
  logic         l2_short;
  logic         l2_v4;
  logic         l2_v6;
  logic [1:0]   l2_tags;
  logic [11:0]  l2_vlan;
  logic [47:0]  l2_dst_mac;
  logic         l2_has_mac;
  logic [15:0]  l2_len;
  logic [7:0]   l2_ingress;
  logic [15:0]  l3_len;
  logic [911:0] l3;

  portcam_parser_l2 u_l2 (
      .clk_i,
      .rst_ni,
      .valid_i,
      .header_i,
      .valid_o   (l2_valid),
      .oversize_o(l2_oversize),
      .short_o   (l2_short),
      .type_v4_o (l2_v4),
      .type_v6_o (l2_v6),
      .tags_o    (l2_tags),
      .vlan_o    (l2_vlan),
      .dst_mac_o (l2_dst_mac),
      .has_mac_o (l2_has_mac),
      .len_o     (l2_len),
      .ingress_o (l2_ingress),
      .l3_len_o  (l3_len),
      .l3_o      (l3)
  );

  // Clock 3: layer 3.
  logic         ip_valid;
  logic         ip_v6;
  logic         ip_short;
  logic         ip_version;
  logic         ip_ihl;
  logic         ip_length;
  logic         ip_fragment;
  logic         ip_options;
  logic         ip_multicast;
  logic [127:0] ip_src;
  logic [127:0] ip_dst;
  logic [15:0]  ip_sum;
  logic [7:0]   ip_protocol;
  logic [3:0]   ip_options_words;
  logic [15:0]  ip_payload;
  logic [751:0] ip_rest;
  logic [271:0] ip_heads;
  logic [16:0]  ip_fragments;
  logic [16:0]  ip_routings;
  logic         oversize_q3;
  logic         short_q3;
  logic         non_ip_q3;
  logic [1:0]   tags_q3;
  logic [11:0]  vlan_q3;
  logic [47:0]  dst_mac_q3;
  logic         has_mac_q3;
  logic [15:0]  len_q3;
  logic [7:0]   ingress_q3;

  portcam_parser_ip u_ip (
      .clk_i,
      .rst_ni,
      .valid_i        (l2_valid),
      .type_v6_i      (l2_v6),
      .l3_len_i       (l3_len),
      .l3_i           (l3),
      .mac_group_i    (l2_dst_mac[0]),
      .valid_o        (ip_valid),
      .is_v6_o        (ip_v6),
      .short_o        (ip_short),
      .version_o      (ip_version),
      .ihl_o          (ip_ihl),
      .length_o       (ip_length),
      .fragment_o     (ip_fragment),
      .options_o      (ip_options),
      .multicast_o    (ip_multicast),
      .src_ip_o       (ip_src),
      .dst_ip_o       (ip_dst),
      .ip_sum_o       (ip_sum),
      .protocol_o     (ip_protocol),
      .options_words_o(ip_options_words),
      .payload_o      (ip_payload),
      .rest_o         (ip_rest),
      .ext_heads_o    (ip_heads),
      .ext_fragments_o(ip_fragments),
      .ext_routings_o (ip_routings)
  );

  always_ff @(posedge clk_i) begin
    if (l2_valid) begin
      oversize_q3 <= l2_oversize;
      short_q3    <= l2_short;
      non_ip_q3   <= !l2_v4 && !l2_v6;
      tags_q3     <= l2_tags;
      vlan_q3     <= l2_vlan;
      dst_mac_q3  <= l2_dst_mac;
      has_mac_q3  <= l2_has_mac;
      len_q3      <= l2_len;
      ingress_q3  <= l2_ingress;
    end
  end

  // Clocks 4 to 12: extension headers; for IPv4 the walk has stopped before it begins, behind the
  // options. Block n holds what step n gets, block 9 the end of the walk.
  for (genvar n = 0; n <= Steps; n++) begin : g_ext
    localparam int unsigned Words = (n < Steps) ? 17 - 2 * n : 1;
    logic                valid;
    logic                stopped;
    logic [5:0]          reason;
    logic [7:0]          protocol;
    logic [9:0]          at;
    logic [3:0]          rel;
    logic [9:0]          payload;
    logic [1:0]          tags;
    logic [Words*16-1:0] heads;
    logic [Words-1:0]    fragments;
    logic [Words-1:0]    routings;

    if (n == 0) begin : g_first
      assign valid     = ip_valid;
      assign stopped   = !ip_v6;
      assign reason    = portcam_pkg::ReasonNoMatch;
      assign protocol  = ip_protocol;
      assign at        = {6'd0, ip_options_words};
      assign rel       = 4'd0;
      assign payload   = (ip_payload[15:12] != 4'd0) ? 10'h3ff : ip_payload[11:2];
      assign tags      = tags_q3;
      assign heads     = ip_heads;
      assign fragments = ip_fragments;
      assign routings  = ip_routings;
    end else begin : g_step
      portcam_parser_ext #(
          .Step(n - 1)
      ) u_step (
          .clk_i,
          .rst_ni,
          .valid_i    (g_ext[n-1].valid),
          .stopped_i  (g_ext[n-1].stopped),
          .reason_i   (g_ext[n-1].reason),
          .protocol_i (g_ext[n-1].protocol),
          .at_i       (g_ext[n-1].at),
          .rel_i      (g_ext[n-1].rel),
          .payload_i  (g_ext[n-1].payload),
          .tags_i     (g_ext[n-1].tags),
          .heads_i    (g_ext[n-1].heads),
          .fragments_i(g_ext[n-1].fragments),
          .routings_i (g_ext[n-1].routings),
          .valid_o    (valid),
          .stopped_o  (stopped),
          .reason_o   (reason),
          .protocol_o (protocol),
          .at_o       (at),
          .rel_o      (rel),
          .payload_o  (payload),
          .tags_o     (tags),
          .heads_o    (heads),
          .fragments_o(fragments),
          .routings_o (routings)
      );
    end
  end

  logic unused_ext;
  assign unused_ext = ^{g_ext[Steps].rel, g_ext[Steps].tags, g_ext[Steps].heads,
                        g_ext[Steps].fragments, g_ext[Steps].routings};

  // What clock 13 wants of clock 3.
  localparam int unsigned WaitWidth = 10 + 1 + 2 + 16 + 752;
  logic                 wait_valid;
  logic [WaitWidth-1:0] wait_data;
  logic [9:0]           wait_tests;
  logic                 wait_v6;
  logic [1:0]           wait_tags;
  logic [15:0]          wait_payload;
  logic [751:0]         wait_rest;

  portcam_delay_ring #(
      .Width (WaitWidth),
      .Clocks(Steps)
  ) u_wait (
      .clk_i,
      .rst_ni,
      .valid_i(ip_valid),
      .data_i ({oversize_q3, short_q3, non_ip_q3, ip_short, ip_version, ip_ihl, ip_length,
                ip_fragment, ip_options, ip_multicast, ip_v6, tags_q3, ip_payload, ip_rest}),
      .valid_o(wait_valid),
      .data_o (wait_data)
  );

  assign {wait_tests, wait_v6, wait_tags, wait_payload, wait_rest} = wait_data;

  // Clocks 13 and 14: verdict on layers 2 and 3, and the layer-4 header.
  logic         v_valid;
  logic         v_decided;
  logic [5:0]   v_reason;
  logic         v_v6;
  logic [7:0]   v_protocol;
  logic         v_tcp;
  logic         v_udp;
  logic         v_sctp;
  logic         v_icmp;
  logic [7:0]   v_l4;
  logic [15:0]  v_room;
  logic         v_room_8;
  logic         v_room_12;
  logic         v_room_20;
  logic [6:0]   v_window;
  logic         v_window_4;
  logic         v_window_8;
  logic         v_window_18;
  logic [703:0] l4;

  portcam_parser_verdict u_verdict (
      .clk_i,
      .rst_ni,
      .valid_i      (wait_valid),
      .oversize_i   (wait_tests[9]),
      .l2_short_i   (wait_tests[8]),
      .non_ip_i     (wait_tests[7]),
      .short_i      (wait_tests[6]),
      .version_i    (wait_tests[5]),
      .ihl_i        (wait_tests[4]),
      .length_i     (wait_tests[3]),
      .fragment_i   (wait_tests[2]),
      .options_i    (wait_tests[1]),
      .multicast_i  (wait_tests[0]),
      .is_v6_i      (wait_v6),
      .tags_i       (wait_tags),
      .payload_i    (wait_payload),
      .stopped_i    (g_ext[Steps].stopped),
      .stop_reason_i(g_ext[Steps].reason),
      .protocol_i   (g_ext[Steps].protocol),
      .at_i         (g_ext[Steps].at),
      .words_i      (g_ext[Steps].payload),
      .valid_o      (v_valid),
      .decided_o    (v_decided),
      .reason_o     (v_reason),
      .is_v6_o      (v_v6),
      .protocol_o   (v_protocol),
      .tcp_o        (v_tcp),
      .udp_o        (v_udp),
      .sctp_o       (v_sctp),
      .icmp_o       (v_icmp),
      .l4_o         (v_l4),
      .room_o       (v_room),
      .room_8_o     (v_room_8),
      .room_12_o    (v_room_12),
      .room_20_o    (v_room_20),
      .window_o     (v_window),
      .window_4_o   (v_window_4),
      .window_8_o   (v_window_8),
      .window_18_o  (v_window_18)
  );

  portcam_parser_align u_align (
      .clk_i,
      .valid_i(wait_valid),
      .at_i   (g_ext[Steps].at[4:0]),
      .rest_i (wait_rest),
      .l4_o   (l4)
  );

  // Clock 15: layer 4 and the embedded header.
  logic         f_valid;
  logic         f_decided;
  logic [5:0]   f_reason;
  logic         f_error;
  logic         f_v6;
  logic [7:0]   f_protocol;
  logic         f_has_ports;
  logic [15:0]  f_src_port;
  logic [15:0]  f_dst_port;
  logic [7:0]   f_l4;
  logic         f_has_sum;
  logic [15:0]  f_sum;
  logic [7:0]   f_sum_at;
  logic [7:0]   f_ip_end;
  logic [7:0]   f_tcp_flags;
  logic [31:0]  f_tcp_seq;
  logic [31:0]  f_tcp_ack;
  logic [15:0]  f_tcp_payload;
  logic [5:0]   e_reason;
  logic [127:0] e_src_ip;
  logic [127:0] e_dst_ip;
  logic [7:0]   e_protocol;
  logic [15:0]  e_src_port;
  logic [15:0]  e_dst_port;
  logic         e_has_ports;
  logic [15:0]  e_ip_sum;
  logic [7:0]   e_l4;
  logic         e_has_sum;
  logic [15:0]  e_sum;
  logic [7:0]   e_sum_at;
  logic         e_other;

  portcam_parser_l4 u_l4 (
      .clk_i,
      .rst_ni,
      .valid_i      (v_valid),
      .decided_i    (v_decided),
      .reason_i     (v_reason),
      .is_v6_i      (v_v6),
      .protocol_i   (v_protocol),
      .tcp_i        (v_tcp),
      .udp_i        (v_udp),
      .sctp_i       (v_sctp),
      .icmp_i       (v_icmp),
      .l4_at_i      (v_l4),
      .room_i       (v_room),
      .window_i     (v_window),
      .room_8_i     (v_room_8),
      .room_12_i    (v_room_12),
      .room_20_i    (v_room_20),
      .window_4_i   (v_window_4),
      .window_8_i   (v_window_8),
      .window_18_i  (v_window_18),
      .l4_i         (l4[143:0]),
      .valid_o      (f_valid),
      .decided_o    (f_decided),
      .reason_o     (f_reason),
      .error_o      (f_error),
      .is_v6_o      (f_v6),
      .protocol_o   (f_protocol),
      .has_ports_o  (f_has_ports),
      .src_port_o   (f_src_port),
      .dst_port_o   (f_dst_port),
      .l4_at_o      (f_l4),
      .has_sum_o    (f_has_sum),
      .sum_o        (f_sum),
      .sum_at_o     (f_sum_at),
      .ip_end_o     (f_ip_end),
      .tcp_flags_o  (f_tcp_flags),
      .tcp_seq_o    (f_tcp_seq),
      .tcp_ack_o    (f_tcp_ack),
      .tcp_payload_o(f_tcp_payload)
  );

  portcam_parser_embedded u_embedded (
      .clk_i,
      .valid_i    (v_valid && v_icmp),
      .is_v6_i    (v_v6),
      .room_i     (v_room),
      .window_i   (v_window),
      .l4_i       (l4),
      .l4_at_i    (f_l4),
      .reason_o   (e_reason),
      .src_ip_o   (e_src_ip),
      .dst_ip_o   (e_dst_ip),
      .protocol_o (e_protocol),
      .has_ports_o(e_has_ports),
      .src_port_o (e_src_port),
      .dst_port_o (e_dst_port),
      .ip_sum_o   (e_ip_sum),
      .l4_o       (e_l4),
      .has_sum_o  (e_has_sum),
      .sum_o      (e_sum),
      .sum_at_o   (e_sum_at),
      .other_o    (e_other)
  );

  // What clock 16 wants of clock 3.
  localparam int unsigned KeepWidth = 128 + 128 + 16 + 2 + 12 + 48 + 1 + 16 + 8;
  logic                 k_valid;
  logic [KeepWidth-1:0] k_data;
  logic [127:0]         k_src_ip;
  logic [127:0]         k_dst_ip;
  logic [15:0]          k_ip_sum;
  logic [1:0]           k_tags;
  logic [11:0]          k_vlan;
  logic [47:0]          k_dst_mac;
  logic                 k_has_mac;
  logic [15:0]          k_len;
  logic [7:0]           k_ingress;

  portcam_delay_ring #(
      .Width (KeepWidth),
      .Clocks(Steps + 3)
  ) u_keep (
      .clk_i,
      .rst_ni,
      .valid_i(ip_valid),
      .data_i ({ip_src, ip_dst, ip_sum, tags_q3, vlan_q3, dst_mac_q3, has_mac_q3, len_q3,
                ingress_q3}),
      .valid_o(k_valid),
      .data_o (k_data)
  );

  assign {k_src_ip, k_dst_ip, k_ip_sum, k_tags, k_vlan, k_dst_mac, k_has_mac, k_len,
          k_ingress} = k_data;

  // Clock 16: everything together.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else begin
      valid_o <= f_valid;
    end
    if (f_valid) begin
      parsed_o.reason         <= f_error ? e_reason : f_reason;
      parsed_o.decided        <= f_decided;
      parsed_o.is_v6          <= f_v6;
      parsed_o.vlan           <= k_vlan;
      parsed_o.dst_mac        <= k_dst_mac;
      parsed_o.has_mac        <= k_has_mac;
      parsed_o.src_ip         <= k_src_ip;
      parsed_o.dst_ip         <= k_dst_ip;
      parsed_o.protocol       <= f_protocol;
      parsed_o.has_ports      <= f_has_ports;
      parsed_o.src_port       <= f_src_port;
      parsed_o.dst_port       <= f_dst_port;
      parsed_o.l3             <= 5'd14 + {1'b0, k_tags, 2'b00};
      parsed_o.l4             <= f_l4;
      parsed_o.ip_sum         <= k_ip_sum;
      parsed_o.has_l4_sum     <= f_has_sum;
      parsed_o.l4_sum         <= f_sum;
      parsed_o.l4_sum_at      <= f_sum_at;
      parsed_o.ip_end         <= f_ip_end;
      parsed_o.tcp_flags      <= f_tcp_flags;
      parsed_o.tcp_seq        <= f_tcp_seq;
      parsed_o.tcp_ack        <= f_tcp_ack;
      parsed_o.tcp_payload    <= f_tcp_payload;
      parsed_o.len            <= k_len;
      parsed_o.ingress        <= k_ingress;

      parsed_o.about_flow      <= f_error && !e_other && e_src_ip == k_dst_ip &&
                                  e_reason == portcam_pkg::ReasonIcmpError;
      parsed_o.inner_src_ip    <= e_src_ip;
      parsed_o.inner_dst_ip    <= e_dst_ip;
      parsed_o.inner_ip_sum    <= e_ip_sum;
      parsed_o.inner_protocol  <= e_protocol;
      parsed_o.inner_l4        <= e_l4;
      parsed_o.inner_has_ports <= e_has_ports;
      parsed_o.inner_src_port  <= e_src_port;
      parsed_o.inner_dst_port  <= e_dst_port;
      parsed_o.inner_has_sum   <= e_has_sum;
      parsed_o.inner_sum       <= e_sum;
      parsed_o.inner_sum_at    <= e_sum_at;
    end
  end

`ifndef SYNTHESIS
  logic [Latency-1:0] valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= '0;
    end else begin
      valid_q <= {valid_q[Latency-2:0], valid_i};
      a_latency : assert (valid_o == valid_q[Latency-1]);
      a_paths_agree : assert (k_valid == f_valid && wait_valid == g_ext[Steps].valid);
    end
  end
`endif

endmodule

`resetall
