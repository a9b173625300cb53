// SPDX-License-Identifier: Apache-2.0
//
// portcam_core: the whole device behind AXI ports: two directions of frames, one lookup pipeline,
// control by DMA.
//
// Frames come in on s_axis_net_* (function 0) and s_axis_host_* (tuser is the host function; 0 and
// numbers beyond Functions count as 1) and leave on m_axis_net_* or m_axis_host_* (tdest is the
// host function; tuser: 0 a frame from the network, 1 from the host side, 2 an answer that the card
// made, 3 a frame that the host injected). The path of a frame: portcam_ingress keeps it until it is whole; its
// header is admitted into portcam_parser and portcam_lookup; portcam_rewriter carries out the
// result on the waiting frame, or makes an answer to it; portcam_egress brings both directions to
// the outputs, or to portcam_punt, which also brings what the host injects. Frames of one function
// to one function keep their order, and so do the answers to one function.
//
// One 64-byte beat a clock in each direction, also with frames of one beat, as long as both
// directions together have at most one frame a clock. flr_i clears tables, counters, rings and
// registers; frames are neither lost nor cut, those admitted later see empty tables. Time comes in
// as time_ms_i. One clock, one synchronous reset.
//
// trace_* show the order of events for verification and stay open in a product: trace_packet_* a
// header is admitted in this clock; trace_commit_o the bank switches (a header of this clock still
// sees the old one); trace_command_* a command has finished; trace_clear_o tables and counters
// become empty, for headers admitted later; trace_record_* an operation passed the records: each
// header gives one, in the order of admission (packet), other operations as they happen (kind, a
// value of portcam_connection_pkg::op_e; flags: acted, asked, second, room; the image of an OpInsert;
// mirror: the mirror took what it did, lost it, it was a copy of what was lost before, and a bit that
// changes with each start of the mirror).
// trace_punt_*: the limits wanted the oldest such packet at the host (flags: bit 0 the ring ran, bit
// 1 there was room); trace_punt_end_*: the next punted packet of that side is in its entry, or lost;
// trace_inject_*: an injected frame was read and will leave; trace_sample_*: see portcam_trace.
// active_o: records are being looked after, or should be, or packets are held; a simulation that
// stops its clock while nothing moves lets it run while active_o is high.

`default_nettype none

module portcam_core #(
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
    parameter int unsigned ConnectionLatency   = 2,
    parameter int unsigned ScheduleRows        = portcam_pkg::BuildScheduleRows,
    parameter int unsigned MaxFrame            = portcam_pkg::BuildMaxFrame,
    parameter logic [31:0] BuildId             = 32'd0
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic [31:0]  time_ms_i,
    input  logic [511:0] s_axis_net_tdata,
    input  logic [63:0]  s_axis_net_tkeep,
    input  logic         s_axis_net_tlast,
    input  logic         s_axis_net_tvalid,
    output logic         s_axis_net_tready,
    input  logic [511:0] s_axis_host_tdata,
    input  logic [63:0]  s_axis_host_tkeep,
    input  logic         s_axis_host_tlast,
    input  logic [7:0]   s_axis_host_tuser,
    input  logic         s_axis_host_tvalid,
    output logic         s_axis_host_tready,
    output logic [511:0] m_axis_net_tdata,
    output logic [63:0]  m_axis_net_tkeep,
    output logic         m_axis_net_tlast,
    output logic [1:0]   m_axis_net_tuser,
    output logic         m_axis_net_tvalid,
    input  logic         m_axis_net_tready,
    output logic [511:0] m_axis_host_tdata,
    output logic [63:0]  m_axis_host_tkeep,
    output logic         m_axis_host_tlast,
    output logic [7:0]   m_axis_host_tdest,
    output logic [1:0]   m_axis_host_tuser,
    output logic         m_axis_host_tvalid,
    input  logic         m_axis_host_tready,
    input  logic [15:0]  s_axil_awaddr,
    input  logic         s_axil_awvalid,
    output logic         s_axil_awready,
    input  logic [31:0]  s_axil_wdata,
    input  logic [3:0]   s_axil_wstrb,
    input  logic         s_axil_wvalid,
    output logic         s_axil_wready,
    output logic [1:0]   s_axil_bresp,
    output logic         s_axil_bvalid,
    input  logic         s_axil_bready,
    input  logic [15:0]  s_axil_araddr,
    input  logic         s_axil_arvalid,
    output logic         s_axil_arready,
    output logic [31:0]  s_axil_rdata,
    output logic [1:0]   s_axil_rresp,
    output logic         s_axil_rvalid,
    input  logic         s_axil_rready,
    output logic [63:0]  m_axi_araddr,
    output logic [7:0]   m_axi_arlen,
    output logic         m_axi_arvalid,
    input  logic         m_axi_arready,
    input  logic [511:0] m_axi_rdata,
    input  logic [1:0]   m_axi_rresp,
    input  logic         m_axi_rlast,
    input  logic         m_axi_rvalid,
    output logic         m_axi_rready,
    output logic [63:0]  m_axi_awaddr,
    output logic [7:0]   m_axi_awlen,
    output logic         m_axi_awvalid,
    input  logic         m_axi_awready,
    output logic [511:0] m_axi_wdata,
    output logic [63:0]  m_axi_wstrb,
    output logic         m_axi_wlast,
    output logic         m_axi_wvalid,
    input  logic         m_axi_wready,
    input  logic [1:0]   m_axi_bresp,
    input  logic         m_axi_bvalid,
    output logic         m_axi_bready,
    output logic         irq_valid_o,
    output logic [7:0]   irq_vector_o,
    input  logic         irq_ready_i,
    output logic         trace_packet_valid_o,
    output logic         trace_packet_host_o,
    output logic         trace_commit_o,
    output logic         trace_command_valid_o,
    output logic [511:0] trace_command_o,
    output logic [7:0]   trace_command_status_o,
    output logic         trace_clear_o,
    output logic         trace_record_valid_o,
    output logic         trace_record_packet_o,
    output logic [3:0]   trace_record_kind_o,
    output logic [3:0]   trace_record_flags_o,
    output logic [15:0]  trace_record_index_o,
    output logic [23:0]  trace_record_slot_o,
    output logic [23:0]  trace_record_to_o,
    output logic [31:0]  trace_record_time_o,
    output logic [1023:0] trace_record_image_o,
    output logic         trace_punt_valid_o,
    output logic [1:0]   trace_punt_flags_o,
    output logic         trace_punt_end_valid_o,
    output logic         trace_punt_end_host_o,
    output logic         trace_punt_end_lost_o,
    output logic [63:0]  trace_punt_end_addr_o,
    output logic         trace_inject_valid_o,
    output logic [7:0]   trace_inject_function_o,
    output logic [15:0]  trace_inject_len_o,
    output logic [63:0]  trace_inject_addr_o,
    output logic         trace_sample_valid_o,
    output logic [1:0]   trace_sample_flags_o,
    output logic [6:0]   trace_sample_number_o,
    output logic [6:0]   trace_record_mirror_o,
    output logic         active_o
);

  // Every build has records, 8 to 262,144 rows for each of ConnectionWays. The parts get numbers that
  // can be, so that a wrong one is told once, here, and not by what cannot be made of it.
  localparam bit GoodRecords   = ConnectionRows >= 8 * ConnectionWays &&
                                 ConnectionRows <= 262144 * ConnectionWays &&
                                 (ConnectionRows & (ConnectionRows - 1)) == 0;
  localparam bit GoodRecordsV6 = ConnectionRowsV6 >= 8 * ConnectionWays &&
                                 ConnectionRowsV6 <= 262144 * ConnectionWays &&
                                 (ConnectionRowsV6 & (ConnectionRowsV6 - 1)) == 0;
  localparam int unsigned Records   = GoodRecords ? ConnectionRows : 8 * ConnectionWays;
  localparam int unsigned RecordsV6 = GoodRecordsV6 ? ConnectionRowsV6 : 8 * ConnectionWays;

  if (Functions < 2 || Functions > 16 || (Functions & (Functions - 1)) != 0) begin : g_bad_functions
    $error("portcam_core: Functions must be a power of two, 2 to 16");
  end
  if ((Domains & (Domains - 1)) != 0 || (Addresses & (Addresses - 1)) != 0 ||
      (Services & (Services - 1)) != 0 || (Backends & (Backends - 1)) != 0 ||
      (EndpointWays & (EndpointWays - 1)) != 0 || (EndpointRows & (EndpointRows - 1)) != 0 ||
      (EndpointAnyPortRows & (EndpointAnyPortRows - 1)) != 0 ||
      (EndpointAnyRows & (EndpointAnyRows - 1)) != 0 ||
      (ScheduleRows & (ScheduleRows - 1)) != 0) begin : g_bad_sizes
    $error("portcam_core: all sizes of tables must be powers of two");
  end
  if (ConnectionWays < 2 || ConnectionWays > 16 ||
      (ConnectionWays & (ConnectionWays - 1)) != 0) begin : g_bad_connection_ways
    $error("portcam_core: ConnectionWays must be a power of two, 2 to 16");
  end
  if (!GoodRecords || !GoodRecordsV6) begin : g_bad_connection_rows
    $error("portcam_core: ConnectionRows (%0d), ConnectionRowsV6 (%0d): powers of two, %0d to %0d",
           ConnectionRows, ConnectionRowsV6, 8 * ConnectionWays, 262144 * ConnectionWays);
  end
  if (ConnectionLatency < 1 || ConnectionLatency > 4) begin : g_bad_connection_latency
    $error("portcam_core: ConnectionLatency must be 1 to 4");
  end

  // Clocks from admission until a header has read all tables and is counted: one to the parser, its
  // latency, those of the lookup until it counts, and one for the counters; the rest is margin.
  localparam int unsigned ParserLatency = 16;
  localparam int unsigned CountLatency  = 45 + ConnectionLatency;
  localparam int unsigned PipelineDrain = 1 + ParserLatency + CountLatency + 1 + 3;
  localparam int unsigned Credits       = 128;  // instructions that a rewriter can hold

  //------------------------------------------------------------------------------------------------
  // Frames in.

  logic [7:0]                 host_function;
  logic                       net_beat_valid;
  logic                       net_beat_ready;
  logic [511:0]               net_beat_data;
  logic [63:0]                net_beat_keep;
  logic                       net_beat_last;
  logic                       net_header_valid;
  logic                       net_header_ready;
  portcam_types_pkg::header_t net_header;
  logic                       host_beat_valid;
  logic                       host_beat_ready;
  logic [511:0]               host_beat_data;
  logic [63:0]                host_beat_keep;
  logic                       host_beat_last;
  logic                       host_header_valid;
  logic                       host_header_ready;
  portcam_types_pkg::header_t host_header;

  assign host_function = (s_axis_host_tuser == 8'd0 || s_axis_host_tuser >= 8'(Functions)) ?
                         8'd1 : s_axis_host_tuser;

  portcam_ingress #(
      .MaxFrame(MaxFrame)
  ) u_ingress_net (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .s_axis_tdata    (s_axis_net_tdata),
      .s_axis_tkeep    (s_axis_net_tkeep),
      .s_axis_tlast    (s_axis_net_tlast),
      .s_axis_tuser    (8'd0),
      .s_axis_tvalid   (s_axis_net_tvalid),
      .s_axis_tready   (s_axis_net_tready),
      .m_beat_valid_o  (net_beat_valid),
      .m_beat_ready_i  (net_beat_ready),
      .m_beat_data_o   (net_beat_data),
      .m_beat_keep_o   (net_beat_keep),
      .m_beat_last_o   (net_beat_last),
      .m_header_valid_o(net_header_valid),
      .m_header_ready_i(net_header_ready),
      .m_header_o      (net_header)
  );

  portcam_ingress #(
      .MaxFrame(MaxFrame)
  ) u_ingress_host (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .s_axis_tdata    (s_axis_host_tdata),
      .s_axis_tkeep    (s_axis_host_tkeep),
      .s_axis_tlast    (s_axis_host_tlast),
      .s_axis_tuser    (host_function),
      .s_axis_tvalid   (s_axis_host_tvalid),
      .s_axis_tready   (s_axis_host_tready),
      .m_beat_valid_o  (host_beat_valid),
      .m_beat_ready_i  (host_beat_ready),
      .m_beat_data_o   (host_beat_data),
      .m_beat_keep_o   (host_beat_keep),
      .m_beat_last_o   (host_beat_last),
      .m_header_valid_o(host_header_valid),
      .m_header_ready_i(host_header_ready),
      .m_header_o      (host_header)
  );

  //------------------------------------------------------------------------------------------------
  // Headers: admission, parser, lookup, counters.

  logic                        bank;
  logic                        clear_request;
  logic                        clear;
  logic                        tables_busy;
  logic                        stop;
  logic                        lookup_busy;
  logic                        stats_busy;
  logic                        header_valid;
  portcam_types_pkg::header_t  header;
  logic                        parsed_valid;
  portcam_types_pkg::parsed_t  parsed;
  logic                        parsed_bank;
  logic                        rewrite_valid;
  portcam_types_pkg::rewrite_t rewrite;
  logic                        rewrite_host;
  logic                        count_valid;
  portcam_types_pkg::count_t   count;
  logic                        punt_runs;
  logic                        punt_ask;
  logic                        punt_room;
  logic [31:0]                 punt_time;
  logic [31:0]                 hash_seed;
  logic                        hold;
  logic                        records_active;
  logic [31:0]                 hash_seed_q;

  logic                        tbl_valid;
  logic                        tbl_ready;
  logic                        tbl_write;
  logic                        tbl_bank;
  logic [3:0]                  tbl_table;
  logic [15:0]                 tbl_row;
  logic                        tbl_rowvalid_in;
  logic [383:0]                tbl_data_in;
  logic                        tbl_done;
  logic                        tbl_rowvalid_out;
  logic [383:0]                tbl_data_out;
  logic                        rd_valid;
  logic [3:0]                  rd_table;
  logic [15:0]                 rd_row;
  logic                        rd_done;
  logic [63:0]                 rd_packets;
  logic [63:0]                 rd_octets;
  logic                        conn_valid;
  logic                        conn_ready;
  logic                        conn_delete;
  logic                        conn_insert;
  logic [1023:0]               conn_image;
  logic [23:0]                 conn_slot;
  logic [31:0]                 conn_count;
  logic                        img_valid;
  logic                        img_ready;
  logic [1023:0]               img_data;
  logic                        conn_done;
  logic [7:0]                  conn_status;
  logic                        bk_valid;
  logic [15:0]                 bk_row;
  logic                        bk_done;
  logic [511:0]                bk_data;
  logic [31:0]                 connections_used;
  logic [31:0]                 connections_embryonic;
  logic [255:0]                secret;
  logic [255:0]                secret_q;
  portcam_connection_pkg::trace_t trace_record;

  logic                            mirror_active;
  logic                            mirror_busy;
  logic                            mirror_valid;
  portcam_connection_pkg::mirror_t mirror;
  logic                            copy_valid;
  logic                            copy_ready;
  logic [23:0]                     copy_slot;
  logic                            copy_tag;
  logic                            mirror_taken;
  logic                            mirror_lost;
  logic [3:0]                      mirror_start;

  assign active_o              = records_active || mirror_active || hold;
  assign trace_record_mirror_o = {mirror_start, mirror.copy && mirror.tag, mirror_lost,
                                  mirror_taken};

  assign trace_record_packet_o = trace_record.packet;
  assign trace_record_kind_o   = trace_record.kind;
  assign trace_record_flags_o  = {trace_record.room, trace_record.second, trace_record.asked,
                                  trace_record.acted};
  assign trace_record_index_o  = trace_record.index;
  assign trace_record_slot_o   = trace_record.slot;
  assign trace_record_to_o     = trace_record.to;
  assign trace_record_time_o   = trace_record.time_ms;
  assign trace_record_image_o  = conn_image;

  portcam_clear #(
      .Drain(PipelineDrain)
  ) u_clear (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .request_i    (clear_request),
      .tables_busy_i(lookup_busy || stats_busy || mirror_busy),
      .busy_o       (tables_busy),
      .stop_o       (stop),
      .clear_o      (clear)
  );

  portcam_admit #(
      .Credits (Credits),
      .InFlight(32)
  ) u_admit (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .stop_i        (stop || hold),
      .bank_i        (bank),
      .net_valid_i   (net_header_valid),
      .net_ready_o   (net_header_ready),
      .net_header_i  (net_header),
      .host_valid_i  (host_header_valid),
      .host_ready_o  (host_header_ready),
      .host_header_i (host_header),
      .done_net_i    (net_beat_valid && net_beat_ready && net_beat_last),
      .done_host_i   (host_beat_valid && host_beat_ready && host_beat_last),
      .discard_net_i (rewrite_valid && !rewrite_host && rewrite.discarded),
      .discard_host_i(rewrite_valid && rewrite_host && rewrite.discarded),
      .admit_valid_o (trace_packet_valid_o),
      .admit_host_o  (trace_packet_host_o),
      .valid_o       (header_valid),
      .header_o      (header),
      .parsed_valid_i(parsed_valid),
      .bank_o        (parsed_bank)
  );

  portcam_parser u_parser (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .valid_i (header_valid),
      .header_i(header),
      .valid_o (parsed_valid),
      .parsed_o(parsed)
  );

  // A reset changes the seed in the clock of clear_request; headers that were admitted before it still
  // hash with the old one.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      hash_seed_q <= '0;
      secret_q    <= '0;
    end else if (!stop && !clear_request) begin
      hash_seed_q <= hash_seed;
      secret_q    <= secret;
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
      .ConnectionRows     (Records),
      .ConnectionRowsV6   (RecordsV6),
      .ConnectionWays     (ConnectionWays),
      .ConnectionStash    (ConnectionStash),
      .ConnectionLatency  (ConnectionLatency),
      .ScheduleRows       (ScheduleRows)
  ) u_lookup (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .hash_seed_i   (hash_seed_q),
      .secret_i      (secret_q),
      .time_ms_i     (time_ms_i),
      .stop_i        (stop),
      .bank_now_i    (bank),
      .active_o      (records_active),
      .valid_i       (parsed_valid),
      .parsed_i      (parsed),
      .bank_i        (parsed_bank),
      .valid_o       (rewrite_valid),
      .rewrite_o     (rewrite),
      .from_host_o   (rewrite_host),
      .count_valid_o (count_valid),
      .count_o       (count),
      .punt_runs_i   (punt_runs),
      .punt_ask_o    (punt_ask),
      .punt_room_i   (punt_room),
      .punt_time_o   (punt_time),
      .trace_punt_valid_o     (trace_punt_valid_o),
      .trace_punt_flags_o     (trace_punt_flags_o),
      .tbl_valid_i   (tbl_valid),
      .tbl_ready_o   (tbl_ready),
      .tbl_write_i   (tbl_write),
      .tbl_bank_i    (tbl_bank),
      .tbl_table_i   (tbl_table),
      .tbl_row_i     (tbl_row),
      .tbl_rowvalid_i(tbl_rowvalid_in),
      .tbl_data_i    (tbl_data_in),
      .tbl_done_o    (tbl_done),
      .tbl_rowvalid_o(tbl_rowvalid_out),
      .tbl_data_o    (tbl_data_out),
      .conn_valid_i  (conn_valid),
      .conn_ready_o  (conn_ready),
      .conn_delete_i (conn_delete),
      .conn_insert_i (conn_insert),
      .conn_image_i  (conn_image),
      .conn_slot_i   (conn_slot),
      .conn_count_i  (conn_count),
      .img_valid_o   (img_valid),
      .img_ready_i   (img_ready),
      .img_data_o    (img_data),
      .conn_done_o   (conn_done),
      .conn_status_o (conn_status),
      .bk_valid_i    (bk_valid),
      .bk_row_i      (bk_row),
      .bk_done_o     (bk_done),
      .bk_data_o     (bk_data),
      .mirror_valid_o(mirror_valid),
      .mirror_o      (mirror),
      .copy_valid_i  (copy_valid),
      .copy_ready_o  (copy_ready),
      .copy_slot_i   (copy_slot),
      .copy_tag_i    (copy_tag),
      .connections_used_o     (connections_used),
      .connections_embryonic_o(connections_embryonic),
      .trace_record_valid_o   (trace_record_valid_o),
      .trace_record_o         (trace_record),
      .clear_i       (clear),
      .busy_o        (lookup_busy)
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
      .count_valid_i(count_valid),
      .count_i      (count),
      .sent_valid_i   (trace_inject_valid_o),
      .sent_function_i(trace_inject_function_o),
      .sent_octets_i  (trace_inject_len_o),
      .rd_valid_i   (rd_valid),
      .rd_table_i   (rd_table),
      .rd_row_i     (rd_row),
      .rd_done_o    (rd_done),
      .rd_packets_o (rd_packets),
      .rd_octets_o  (rd_octets),
      .clear_i      (clear),
      .busy_o       (stats_busy)
  );

  //------------------------------------------------------------------------------------------------
  // Frames out. The instructions of each direction are in the order of its frames. Those of
  // discarded frames, which have no beats, the rewriter drops at its door.

  logic         net_rewrite_ready;
  logic         host_rewrite_ready;
  logic [511:0] net_tdata;
  logic [63:0]  net_tkeep;
  logic         net_tlast;
  logic [7:0]   net_tdest;
  logic         net_tvalid;
  logic         net_tready;
  logic [511:0] host_tdata;
  logic [63:0]  host_tkeep;
  logic         host_tlast;
  logic [7:0]   host_tdest;
  logic         host_tvalid;
  logic         host_tready;

  logic [511:0] net_answer_tdata;
  logic [63:0]  net_answer_tkeep;
  logic         net_answer_tlast;
  logic [7:0]   unused_answer_tdest;  // 0
  logic         net_answer_tvalid;
  logic         net_answer_tready;
  logic [511:0] host_answer_tdata;
  logic [63:0]  host_answer_tkeep;
  logic         host_answer_tlast;
  logic [7:0]   host_answer_tdest;
  logic         host_answer_tvalid;
  logic         host_answer_tready;

  logic [511:0] punt_data;
  logic         punt_last;
  logic         punt_host;
  logic         punt_valid;
  logic         punt_ready;
  logic [511:0] inject_tdata;
  logic [63:0]  inject_tkeep;
  logic         inject_tlast;
  logic [7:0]   inject_tdest;
  logic         inject_tvalid;
  logic         inject_tready;

  portcam_rewriter u_rewriter_net (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .s_beat_valid_i (net_beat_valid),
      .s_beat_ready_o (net_beat_ready),
      .s_beat_data_i  (net_beat_data),
      .s_beat_keep_i  (net_beat_keep),
      .s_beat_last_i  (net_beat_last),
      .rewrite_valid_i(rewrite_valid && !rewrite_host),
      .rewrite_ready_o(net_rewrite_ready),
      .rewrite_i      (rewrite),
      .m_axis_tdata   (net_tdata),
      .m_axis_tkeep   (net_tkeep),
      .m_axis_tlast   (net_tlast),
      .m_axis_tdest   (net_tdest),
      .m_axis_tvalid  (net_tvalid),
      .m_axis_tready  (net_tready),
      .m_answer_tdata (net_answer_tdata),
      .m_answer_tkeep (net_answer_tkeep),
      .m_answer_tlast (net_answer_tlast),
      .m_answer_tdest (unused_answer_tdest),
      .m_answer_tvalid(net_answer_tvalid),
      .m_answer_tready(net_answer_tready)
  );

  portcam_rewriter u_rewriter_host (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .s_beat_valid_i (host_beat_valid),
      .s_beat_ready_o (host_beat_ready),
      .s_beat_data_i  (host_beat_data),
      .s_beat_keep_i  (host_beat_keep),
      .s_beat_last_i  (host_beat_last),
      .rewrite_valid_i(rewrite_valid && rewrite_host),
      .rewrite_ready_o(host_rewrite_ready),
      .rewrite_i      (rewrite),
      .m_axis_tdata   (host_tdata),
      .m_axis_tkeep   (host_tkeep),
      .m_axis_tlast   (host_tlast),
      .m_axis_tdest   (host_tdest),
      .m_axis_tvalid  (host_tvalid),
      .m_axis_tready  (host_tready),
      .m_answer_tdata (host_answer_tdata),
      .m_answer_tkeep (host_answer_tkeep),
      .m_answer_tlast (host_answer_tlast),
      .m_answer_tdest (host_answer_tdest),
      .m_answer_tvalid(host_answer_tvalid),
      .m_answer_tready(host_answer_tready)
  );

  portcam_egress u_egress (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .s_axis_net_tdata    (net_tdata),
      .s_axis_net_tkeep    (net_tkeep),
      .s_axis_net_tlast    (net_tlast),
      .s_axis_net_tdest    (net_tdest),
      .s_axis_net_tvalid   (net_tvalid),
      .s_axis_net_tready   (net_tready),
      .s_axis_host_tdata   (host_tdata),
      .s_axis_host_tkeep   (host_tkeep),
      .s_axis_host_tlast   (host_tlast),
      .s_axis_host_tdest   (host_tdest),
      .s_axis_host_tvalid  (host_tvalid),
      .s_axis_host_tready  (host_tready),
      .s_answer_net_tdata  (net_answer_tdata),
      .s_answer_net_tkeep  (net_answer_tkeep),
      .s_answer_net_tlast  (net_answer_tlast),
      .s_answer_net_tvalid (net_answer_tvalid),
      .s_answer_net_tready (net_answer_tready),
      .s_answer_host_tdata (host_answer_tdata),
      .s_answer_host_tkeep (host_answer_tkeep),
      .s_answer_host_tlast (host_answer_tlast),
      .s_answer_host_tdest (host_answer_tdest),
      .s_answer_host_tvalid(host_answer_tvalid),
      .s_answer_host_tready(host_answer_tready),
      .s_inject_tdata      (inject_tdata),
      .s_inject_tkeep      (inject_tkeep),
      .s_inject_tlast      (inject_tlast),
      .s_inject_tdest      (inject_tdest),
      .s_inject_tvalid     (inject_tvalid),
      .s_inject_tready     (inject_tready),
      .m_axis_net_tdata    (m_axis_net_tdata),
      .m_axis_net_tkeep    (m_axis_net_tkeep),
      .m_axis_net_tlast    (m_axis_net_tlast),
      .m_axis_net_tuser    (m_axis_net_tuser),
      .m_axis_net_tvalid   (m_axis_net_tvalid),
      .m_axis_net_tready   (m_axis_net_tready),
      .m_axis_host_tdata   (m_axis_host_tdata),
      .m_axis_host_tkeep   (m_axis_host_tkeep),
      .m_axis_host_tlast   (m_axis_host_tlast),
      .m_axis_host_tdest   (m_axis_host_tdest),
      .m_axis_host_tuser   (m_axis_host_tuser),
      .m_axis_host_tvalid  (m_axis_host_tvalid),
      .m_axis_host_tready  (m_axis_host_tready),
      .m_punt_data_o       (punt_data),
      .m_punt_last_o       (punt_last),
      .m_punt_host_o       (punt_host),
      .m_punt_valid_o      (punt_valid),
      .m_punt_ready_i      (punt_ready)
  );

  //------------------------------------------------------------------------------------------------
  // Frames to and from the host's memory.

  logic          flr;
  logic          ready;
  logic          page_write;
  logic [15:0]   page_write_addr;
  logic [31:0]   page_write_data;
  logic          page_read;
  logic [15:0]   page_read_addr;
  logic [31:0]   punt_word;
  logic          punt_raise;
  logic          punt_errors;
  logic          punt_dma_error;
  logic [63:0]   punt_dma_error_addr;
  logic          punt_write_valid;
  logic [63:0]   punt_write_addr;
  logic [511:0]  punt_write_data;
  logic [63:0]   punt_write_strb;
  logic [2:0]    write_ready;      // 0 the mirror, 1 punt, 2 trace
  logic [2:0]    write_done;
  logic          write_error;
  logic          punt_read_valid;
  logic [63:0]   punt_read_addr;
  logic [7:0]    punt_read_len;
  logic [1:0]    read_ready;       // 0 commands, 1 inject
  logic [1:0]    read_beat;

  portcam_punt #(
      .Functions(Functions),
      .MaxFrame (MaxFrame)
  ) u_punt (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .flr_i            (flr),
      .ready_i          (ready),
      .page_write_i     (page_write),
      .page_write_addr_i(page_write_addr),
      .page_write_data_i(page_write_data),
      .page_read_i      (page_read),
      .page_read_addr_i (page_read_addr),
      .page_word_o      (punt_word),
      .raise_o          (punt_raise),
      .errors_o         (punt_errors),
      .dma_error_o      (punt_dma_error),
      .dma_error_addr_o (punt_dma_error_addr),
      .runs_o           (punt_runs),
      .ask_i            (punt_ask),
      .room_o           (punt_room),
      .count_i          (count),
      .time_ms_i        (punt_time),
      .frame_valid_i    (punt_valid),
      .frame_ready_o    (punt_ready),
      .frame_data_i     (punt_data),
      .frame_last_i     (punt_last),
      .frame_host_i     (punt_host),
      .write_valid_o    (punt_write_valid),
      .write_ready_i    (write_ready[1]),
      .write_addr_o     (punt_write_addr),
      .write_data_o     (punt_write_data),
      .write_strb_o     (punt_write_strb),
      .write_done_i     (write_done[1]),
      .write_error_i    (write_error),
      .read_valid_o     (punt_read_valid),
      .read_ready_i     (read_ready[1]),
      .read_addr_o      (punt_read_addr),
      .read_len_o       (punt_read_len),
      .read_beat_i      (read_beat[1]),
      .read_data_i      (m_axi_rdata),
      .read_error_i     (m_axi_rresp[1]),
      .m_tdata          (inject_tdata),
      .m_tkeep          (inject_tkeep),
      .m_tlast          (inject_tlast),
      .m_tdest          (inject_tdest),
      .m_tvalid         (inject_tvalid),
      .m_tready         (inject_tready),
      .sent_o           (trace_inject_valid_o),
      .sent_function_o  (trace_inject_function_o),
      .sent_len_o       (trace_inject_len_o),
      .sent_addr_o      (trace_inject_addr_o),
      .trace_end_valid_o(trace_punt_end_valid_o),
      .trace_end_host_o (trace_punt_end_host_o),
      .trace_end_lost_o (trace_punt_end_lost_o),
      .trace_end_addr_o (trace_punt_end_addr_o)
  );

  logic [31:0]  sample_word;
  logic         sample_errors;
  logic         sample_dma_error;
  logic [63:0]  sample_dma_error_addr;
  logic         sample_write_valid;
  logic [63:0]  sample_write_addr;
  logic [511:0] sample_write_data;
  logic [63:0]  sample_write_strb;

  portcam_trace u_trace (
      .clk_i                (clk_i),
      .rst_ni               (rst_ni),
      .flr_i                (flr),
      .ready_i              (ready),
      .page_write_i         (page_write),
      .page_write_addr_i    (page_write_addr),
      .page_write_data_i    (page_write_data),
      .page_read_i          (page_read),
      .page_read_addr_i     (page_read_addr),
      .page_word_o          (sample_word),
      .errors_o             (sample_errors),
      .dma_error_o          (sample_dma_error),
      .dma_error_addr_o     (sample_dma_error_addr),
      .header_valid_i       (header_valid),
      .header_i             (header),
      .parsed_valid_i       (parsed_valid),
      .parsed_i             (parsed),
      .count_valid_i        (count_valid),
      .count_i              (count),
      .punted_i             (punt_ask && punt_room),
      .time_ms_i            (punt_time),
      .write_valid_o        (sample_write_valid),
      .write_ready_i        (write_ready[2]),
      .write_addr_o         (sample_write_addr),
      .write_data_o         (sample_write_data),
      .write_strb_o         (sample_write_strb),
      .write_done_i         (write_done[2]),
      .write_error_i        (write_error),
      .trace_sample_valid_o (trace_sample_valid_o),
      .trace_sample_flags_o (trace_sample_flags_o),
      .trace_sample_number_o(trace_sample_number_o)
  );

  logic [63:0] command_araddr;
  logic [7:0]  command_arlen;
  logic        command_arvalid;
  logic        unused_command_rready;  // high

  portcam_read_arbiter u_read_arbiter (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .valid_i        ({punt_read_valid, command_arvalid}),
      .ready_o        (read_ready),
      .addr_i         ({punt_read_addr, command_araddr}),
      .len_i          ({punt_read_len, command_arlen}),
      .r_valid_o      (read_beat),
      .m_axi_araddr_o (m_axi_araddr),
      .m_axi_arlen_o  (m_axi_arlen),
      .m_axi_arvalid_o(m_axi_arvalid),
      .m_axi_arready_i(m_axi_arready),
      .m_axi_rlast_i  (m_axi_rlast),
      .m_axi_rvalid_i (m_axi_rvalid),
      .m_axi_rready_o (m_axi_rready)
  );

  //------------------------------------------------------------------------------------------------
  // Control.

  logic         mir_valid;
  logic         mir_sum;
  logic [23:0]  mir_row;
  logic [10:0]  mir_count;
  logic         mir_done;
  logic [7:0]   mir_status;
  logic [511:0] mir_answer;
  logic         mirror_write_valid;
  logic [63:0]  mirror_write_addr;
  logic [511:0] mirror_write_data;
  logic [63:0]  mirror_write_strb;
  logic [31:0]  mirror_word;
  logic         mirror_raises;
  logic         mirror_stops;
  logic         mirror_fails;
  logic [63:0]  mirror_fails_addr;

  portcam_control #(
      .Functions          (Functions),
      .Domains            (Domains),
      .Addresses          (Addresses),
      .Services           (Services),
      .Backends           (Backends),
      .EndpointWays       (EndpointWays),
      .EndpointRows       (EndpointRows),
      .EndpointAnyPortRows(EndpointAnyPortRows),
      .EndpointAnyRows    (EndpointAnyRows),
      .ConnectionRows     (Records),
      .ConnectionRowsV6   (RecordsV6),
      .ConnectionStash    (ConnectionStash),
      .ScheduleRows       (ScheduleRows),
      .MaxFrame           (MaxFrame),
      .BuildId            (BuildId),
      .PipelineDrain      (PipelineDrain),
      .Writers            (3)
  ) u_control (
      .clk_i                 (clk_i),
      .rst_ni                (rst_ni),
      .flr_i                 (flr_i),
      .time_ms_i             (time_ms_i),
      .s_axil_awaddr         (s_axil_awaddr),
      .s_axil_awvalid        (s_axil_awvalid),
      .s_axil_awready        (s_axil_awready),
      .s_axil_wdata          (s_axil_wdata),
      .s_axil_wstrb          (s_axil_wstrb),
      .s_axil_wvalid         (s_axil_wvalid),
      .s_axil_wready         (s_axil_wready),
      .s_axil_bresp          (s_axil_bresp),
      .s_axil_bvalid         (s_axil_bvalid),
      .s_axil_bready         (s_axil_bready),
      .s_axil_araddr         (s_axil_araddr),
      .s_axil_arvalid        (s_axil_arvalid),
      .s_axil_arready        (s_axil_arready),
      .s_axil_rdata          (s_axil_rdata),
      .s_axil_rresp          (s_axil_rresp),
      .s_axil_rvalid         (s_axil_rvalid),
      .s_axil_rready         (s_axil_rready),
      .m_axi_araddr          (command_araddr),
      .m_axi_arlen           (command_arlen),
      .m_axi_arvalid         (command_arvalid),
      .m_axi_arready         (read_ready[0]),
      .m_axi_rdata           (m_axi_rdata),
      .m_axi_rresp           (m_axi_rresp),
      .m_axi_rlast           (m_axi_rlast),
      .m_axi_rvalid          (read_beat[0]),
      .m_axi_rready          (unused_command_rready),
      .m_axi_awaddr          (m_axi_awaddr),
      .m_axi_awlen           (m_axi_awlen),
      .m_axi_awvalid         (m_axi_awvalid),
      .m_axi_awready         (m_axi_awready),
      .m_axi_wdata           (m_axi_wdata),
      .m_axi_wstrb           (m_axi_wstrb),
      .m_axi_wlast           (m_axi_wlast),
      .m_axi_wvalid          (m_axi_wvalid),
      .m_axi_wready          (m_axi_wready),
      .m_axi_bresp           (m_axi_bresp),
      .m_axi_bvalid          (m_axi_bvalid),
      .m_axi_bready          (m_axi_bready),
      .flr_o                 (flr),
      .ready_o               (ready),
      .wr_valid_i            ({sample_write_valid, punt_write_valid, mirror_write_valid}),
      .wr_ready_o            (write_ready),
      .wr_addr_i             ({sample_write_addr, punt_write_addr, mirror_write_addr}),
      .wr_data_i             ({sample_write_data, punt_write_data, mirror_write_data}),
      .wr_strb_i             ({sample_write_strb, punt_write_strb, mirror_write_strb}),
      .wr_done_o             (write_done),
      .wr_error_o            (write_error),
      .other_error_i         ({sample_dma_error, punt_dma_error, mirror_fails}),
      .other_error_addr_i    ({sample_dma_error_addr, punt_dma_error_addr, mirror_fails_addr}),
      .page_write_o          (page_write),
      .page_write_addr_o     (page_write_addr),
      .page_write_data_o     (page_write_data),
      .page_read_o           (page_read),
      .page_read_addr_o      (page_read_addr),
      .page_word_i           (punt_word | mirror_word | sample_word),
      .raise_i               (8'({sample_errors || punt_errors || mirror_stops, punt_raise,
                                   mirror_raises, 1'b0})),
      .irq_valid_o           (irq_valid_o),
      .irq_vector_o          (irq_vector_o),
      .irq_ready_i           (irq_ready_i),
      .bank_o                (bank),
      .hash_seed_o           (hash_seed),
      .hold_o                (hold),
      .clear_o               (clear_request),
      .tables_busy_i         (tables_busy),
      .tbl_valid_o           (tbl_valid),
      .tbl_ready_i           (tbl_ready),
      .tbl_write_o           (tbl_write),
      .tbl_bank_o            (tbl_bank),
      .tbl_table_o           (tbl_table),
      .tbl_row_o             (tbl_row),
      .tbl_rowvalid_o        (tbl_rowvalid_in),
      .tbl_data_o            (tbl_data_in),
      .tbl_done_i            (tbl_done),
      .tbl_rowvalid_i        (tbl_rowvalid_out),
      .tbl_data_i            (tbl_data_out),
      .rd_valid_o            (rd_valid),
      .rd_table_o            (rd_table),
      .rd_row_o              (rd_row),
      .rd_done_i             (rd_done),
      .rd_packets_i          (rd_packets),
      .rd_octets_i           (rd_octets),
      .conn_valid_o          (conn_valid),
      .conn_ready_i          (conn_ready),
      .conn_delete_o         (conn_delete),
      .conn_insert_o         (conn_insert),
      .conn_image_o          (conn_image),
      .conn_slot_o           (conn_slot),
      .conn_count_o          (conn_count),
      .img_valid_i           (img_valid),
      .img_ready_o           (img_ready),
      .img_data_i            (img_data),
      .conn_done_i           (conn_done),
      .conn_status_i         (conn_status),
      .bk_valid_o            (bk_valid),
      .bk_row_o              (bk_row),
      .bk_done_i             (bk_done),
      .bk_data_i             (bk_data),
      .mir_valid_o           (mir_valid),
      .mir_sum_o             (mir_sum),
      .mir_row_o             (mir_row),
      .mir_count_o           (mir_count),
      .mir_done_i            (mir_done),
      .mir_status_i          (mir_status),
      .mir_sum_i             (mir_answer),
      .connections_used_i    (connections_used),
      .connections_embryonic_i(connections_embryonic),
      .secret_o              (secret),
      .trace_commit_o        (trace_commit_o),
      .trace_command_valid_o (trace_command_valid_o),
      .trace_command_o       (trace_command_o),
      .trace_command_status_o(trace_command_status_o)
  );

  assign trace_clear_o = clear;

  //------------------------------------------------------------------------------------------------
  // The mirror of the records. A table that small never has many operations that wait.

  portcam_mirror #(
      .Rows   (Records),
      .RowsV6 (RecordsV6),
      .Stash  (ConnectionStash),
      .Depth  (Records < 1024 ? 16 : 512),
      .Reserve(Records < 1024 ? 8 : 64)
  ) u_mirror (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .flr_i            (flr),
      .init_i           (clear),
      .busy_o           (mirror_busy),
      .active_o         (mirror_active),
      .valid_i          (mirror_valid),
      .mirror_i         (mirror),
      .copy_valid_o     (copy_valid),
      .copy_ready_i     (copy_ready),
      .copy_slot_o      (copy_slot),
      .copy_tag_o       (copy_tag),
      .page_write_i     (page_write),
      .page_write_addr_i(page_write_addr),
      .page_write_data_i(page_write_data),
      .page_read_i      (page_read),
      .page_read_addr_i (page_read_addr),
      .page_word_o      (mirror_word),
      .raise_events_o   (mirror_raises),
      .raise_errors_o   (mirror_stops),
      .fail_o           (mirror_fails),
      .fail_addr_o      (mirror_fails_addr),
      .mir_valid_i      (mir_valid),
      .mir_sum_i        (mir_sum),
      .mir_row_i        (mir_row),
      .mir_count_i      (mir_count),
      .mir_done_o       (mir_done),
      .mir_status_o     (mir_status),
      .mir_sum_o        (mir_answer),
      .beat_valid_o     (mirror_write_valid),
      .beat_ready_i     (write_ready[0]),
      .beat_addr_o      (mirror_write_addr),
      .beat_data_o      (mirror_write_data),
      .beat_strb_o      (mirror_write_strb),
      .beat_done_i      (write_done[0]),
      .beat_error_i     (write_error),
      .trace_taken_o    (mirror_taken),
      .trace_lost_o     (mirror_lost),
      .trace_start_o    (mirror_start)
  );

`ifndef SYNTHESIS
  portcam_axis_check u_check_m_net (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .tdata_i (m_axis_net_tdata),
      .tkeep_i (m_axis_net_tkeep),
      .tlast_i (m_axis_net_tlast),
      .tdest_i (8'd0),
      .tuser_i ({6'd0, m_axis_net_tuser}),
      .tvalid_i(m_axis_net_tvalid),
      .tready_i(m_axis_net_tready)
  );

  portcam_axis_check u_check_m_host (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .tdata_i (m_axis_host_tdata),
      .tkeep_i (m_axis_host_tkeep),
      .tlast_i (m_axis_host_tlast),
      .tdest_i (m_axis_host_tdest),
      .tuser_i ({6'd0, m_axis_host_tuser}),
      .tvalid_i(m_axis_host_tvalid),
      .tready_i(m_axis_host_tready)
  );

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_rewriter_has_room :
      assert (!rewrite_valid || rewrite.discarded ||
              (rewrite_host ? host_rewrite_ready : net_rewrite_ready));
    end
  end
`else
  logic unused_ready;
  assign unused_ready = net_rewrite_ready && host_rewrite_ready;
`endif

endmodule

`resetall
