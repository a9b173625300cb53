// SPDX-License-Identifier: Apache-2.0
//
// portcam_control: registers, command ring, change sets, DMA and interrupts of the card. It wires
// its rooms together; besides that it only knows when the card is ready.
//
// Ready: after a reset and after flr_i (a pulse) the card is not ready until GuardClocks clocks
// have passed and tables_busy_i is low; tables_busy_i must rise within GuardClocks - 2 clocks of
// clear_o (or of the end of the reset), and answers on the table and the counter bus to requests
// from before clear_o must come before the card is ready, or never. clear_o pulses two clocks after
// flr_i. bank_o keeps its value until the tables are empty, then it is 0.
//
// Buses: the table bus holds one request (tbl_valid_o until tbl_ready_i, then one tbl_done_i in
// a later clock). The counter bus has no ready: rd_valid_o is a pulse of one clock, and the next
// one comes only after rd_done_i; the bus of backend states (bk_*) is the same. Bus of the
// connection records (conn_*, img_*): portcam_connection_read, and for conn_insert_o
// portcam_connection_insert; of the mirror (mir_*): portcam_mirror_command. AXI reads are bursts of
// up to 16 beats, AXI writes single beats, all of 64 bytes, one identifier, in order;
// m_axi_rready_o is always high. flr_i never breaks off a transaction on AXI4-Lite or AXI4.
//
// Others that use host memory: wr_*, Writers sources of portcam_write_arbiter; other_error_i, a bit
// for each, with its address counts a DMA of theirs that failed. Their registers: page_*
// (portcam_registers); their vectors: raise_i. flr_o is high in the clock in which all of the
// control forgets, ready_o when the card is ready.

`default_nettype none

module portcam_control #(
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
    parameter int unsigned ConnectionStash     = portcam_pkg::BuildConnectionStash,
    parameter int unsigned ScheduleRows        = portcam_pkg::BuildScheduleRows,
    parameter int unsigned MaxFrame            = portcam_pkg::BuildMaxFrame,
    parameter logic [31:0] BuildId             = 32'h0,
    parameter int unsigned PipelineDrain       = 128,
    parameter int unsigned DirtyDepth          = 4096,
    parameter int unsigned Writers             = 2
) (
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic          flr_i,
    input  logic [31:0]   time_ms_i,
    // Registers.
    input  logic [15:0]   s_axil_awaddr,
    input  logic          s_axil_awvalid,
    output logic          s_axil_awready,
    input  logic [31:0]   s_axil_wdata,
    input  logic [3:0]    s_axil_wstrb,
    input  logic          s_axil_wvalid,
    output logic          s_axil_wready,
    output logic [1:0]    s_axil_bresp,
    output logic          s_axil_bvalid,
    input  logic          s_axil_bready,
    input  logic [15:0]   s_axil_araddr,
    input  logic          s_axil_arvalid,
    output logic          s_axil_arready,
    output logic [31:0]   s_axil_rdata,
    output logic [1:0]    s_axil_rresp,
    output logic          s_axil_rvalid,
    input  logic          s_axil_rready,
    // Host memory.
    output logic [63:0]   m_axi_araddr,
    output logic [7:0]    m_axi_arlen,
    output logic          m_axi_arvalid,
    input  logic          m_axi_arready,
    input  logic [511:0]  m_axi_rdata,
    input  logic [1:0]    m_axi_rresp,
    input  logic          m_axi_rlast,
    input  logic          m_axi_rvalid,
    output logic          m_axi_rready,
    output logic [63:0]   m_axi_awaddr,
    output logic [7:0]    m_axi_awlen,
    output logic          m_axi_awvalid,
    input  logic          m_axi_awready,
    output logic [511:0]  m_axi_wdata,
    output logic [63:0]   m_axi_wstrb,
    output logic          m_axi_wlast,
    output logic          m_axi_wvalid,
    input  logic          m_axi_wready,
    input  logic [1:0]    m_axi_bresp,
    input  logic          m_axi_bvalid,
    output logic          m_axi_bready,
    // Who else writes to host memory and has registers and interrupts.
    output logic                   flr_o,
    output logic                   ready_o,
    input  logic [Writers-1:0]     wr_valid_i,
    output logic [Writers-1:0]     wr_ready_o,
    input  logic [Writers*64-1:0]  wr_addr_i,
    input  logic [Writers*512-1:0] wr_data_i,
    input  logic [Writers*64-1:0]  wr_strb_i,
    output logic [Writers-1:0]     wr_done_o,
    output logic                   wr_error_o,
    input  logic [Writers-1:0]     other_error_i,
    input  logic [Writers*64-1:0]  other_error_addr_i,
    output logic                   page_write_o,
    output logic [15:0]            page_write_addr_o,
    output logic [31:0]            page_write_data_o,
    output logic                   page_read_o,
    output logic [15:0]            page_read_addr_o,
    input  logic [31:0]            page_word_i,
    input  logic [portcam_pkg::BuildVectors-1:0] raise_i,
    // Interrupts.
    output logic          irq_valid_o,
    output logic [7:0]    irq_vector_o,
    input  logic          irq_ready_i,
    // The lookup: bank, hash and tables.
    output logic          bank_o,
    output logic [31:0]   hash_seed_o,
    output logic          hold_o,          // no packet is to be admitted
    output logic          clear_o,
    input  logic          tables_busy_i,
    output logic          tbl_valid_o,
    input  logic          tbl_ready_i,
    output logic          tbl_write_o,
    output logic          tbl_bank_o,
    output logic [3:0]    tbl_table_o,
    output logic [15:0]   tbl_row_o,
    output logic          tbl_rowvalid_o,
    output logic [383:0]  tbl_data_o,
    input  logic          tbl_done_i,
    input  logic          tbl_rowvalid_i,
    input  logic [383:0]  tbl_data_i,
    // The counters.
    output logic          rd_valid_o,
    output logic [3:0]    rd_table_o,
    output logic [15:0]   rd_row_o,
    input  logic          rd_done_i,
    input  logic [63:0]   rd_packets_i,
    input  logic [63:0]   rd_octets_i,
    // The connection records and what is known of their backends.
    output logic          conn_valid_o,
    input  logic          conn_ready_i,
    output logic          conn_delete_o,
    output logic          conn_insert_o,
    output logic [1023:0] conn_image_o,
    output logic [23:0]   conn_slot_o,
    output logic [31:0]   conn_count_o,
    input  logic          img_valid_i,
    output logic          img_ready_o,
    input  logic [1023:0] img_data_i,
    input  logic          conn_done_i,
    input  logic [7:0]    conn_status_i,
    output logic          bk_valid_o,
    output logic [15:0]   bk_row_o,
    input  logic          bk_done_i,
    input  logic [511:0]  bk_data_i,
    output logic          mir_valid_o,
    output logic          mir_sum_o,
    output logic [23:0]   mir_row_o,
    output logic [10:0]   mir_count_o,
    input  logic          mir_done_i,
    input  logic [7:0]    mir_status_i,
    input  logic [511:0]  mir_sum_i,
    input  logic [31:0]   connections_used_i,
    input  logic [31:0]   connections_embryonic_i,
    output logic [255:0]  secret_o,
    // For verification.
    output logic          trace_commit_o,
    output logic          trace_command_valid_o,
    output logic [511:0]  trace_command_o,
    output logic [7:0]    trace_command_status_o
);

  localparam int unsigned GuardClocks = 32;

  if (Functions < 2 || Functions > 16 || (Functions & (Functions - 1)) != 0) begin : g_bad_functions
    $error("portcam_control: Functions must be a power of two, 2 to 16");
  end
  if (Domains < 2 || Domains > 32768 || (Domains & (Domains - 1)) != 0) begin : g_bad_domains
    $error("portcam_control: Domains must be a power of two, 2 to 32768");
  end
  if (Addresses < 2 || Addresses > 32768 || (Addresses & (Addresses - 1)) != 0) begin : g_bad_addrs
    $error("portcam_control: Addresses must be a power of two, 2 to 32768");
  end
  if (Services < 2 || Services > 32768 || (Services & (Services - 1)) != 0) begin : g_bad_services
    $error("portcam_control: Services must be a power of two, 2 to 32768");
  end
  if (Backends < 2 || Backends > 32768 || (Backends & (Backends - 1)) != 0) begin : g_bad_backends
    $error("portcam_control: Backends must be a power of two, 2 to 32768");
  end
  if (EndpointWays < 1 || EndpointWays > 16 || EndpointRows < 2 || EndpointRows > 65536 ||
      EndpointAnyPortRows < 2 || EndpointAnyPortRows > 65536 ||
      EndpointAnyRows < 2 || EndpointAnyRows > 65536) begin : g_bad_endpoints
    $error("portcam_control: 1 to 16 EndpointWays, 2 to 65536 rows of each endpoint table");
  end
  if (ConnectionRows != 0 && (ConnectionRows > 4194304 || ConnectionRowsV6 < 2 ||
                              ConnectionRowsV6 > 4194304)) begin : g_bad_connections
    $error("portcam_control: 2 to 4194304 rows of connections of both IP versions, or none");
  end
  if (ConnectionRows != 0 && (ConnectionStash < 2 || ConnectionStash > 64 ||
                              (ConnectionStash & (ConnectionStash - 1)) != 0)) begin : g_bad_stash
    $error("portcam_control: ConnectionStash must be a power of two, 2 to 64");
  end
  if (ScheduleRows < 2 || ScheduleRows > 65536 ||
      (ScheduleRows & (ScheduleRows - 1)) != 0) begin : g_bad_schedule
    $error("portcam_control: ScheduleRows must be a power of two, 2 to 65536");
  end

  //------------------------------------------------------------------------------------------------
  // Reset of the function, and when the card is ready.

  logic       flr_q;
  logic       clear_q;
  logic       ready_q;
  logic       bank_clear;
  logic [5:0] guard_q;

  assign bank_clear = !ready_q && guard_q == '0 && !tables_busy_i;
  assign clear_o    = clear_q;
  assign ready_o    = ready_q;
  assign flr_o      = flr_q;

  always_ff @(posedge clk_i) begin
    flr_q   <= flr_i;
    clear_q <= flr_q;
    if (guard_q != '0) begin
      guard_q <= guard_q - 1'b1;
    end
    if (bank_clear) begin
      ready_q <= 1'b1;
    end
    if (flr_q) begin
      ready_q <= 1'b0;
      guard_q <= 6'(GuardClocks);
    end
    if (!rst_ni) begin
      flr_q   <= 1'b0;
      clear_q <= 1'b0;
      ready_q <= 1'b0;
      guard_q <= 6'(GuardClocks);
    end
  end

  //------------------------------------------------------------------------------------------------
  // Registers and interrupts.

  logic [63:0] reg_cmd_base;
  logic [63:0] reg_cpl_base;
  logic [7:0]  reg_log2;
  logic        enable;
  logic        enable_rise;
  logic [31:0] doorbell;
  logic [31:0] cpl_head;
  logic [31:0] arm;
  logic        arm_write;

  logic        change_open;
  logic        change_failed;
  logic        bank;
  logic        ring_running;
  logic        ring_error;
  logic [7:0]  ring_reason;
  logic [15:0] head;
  logic [31:0] shown_head;
  logic [31:0] tail;
  logic [31:0] shown_tail;
  logic        restart;
  logic        stopped;
  logic        read_failed;
  logic [63:0] read_failed_addr;
  logic        write_failed;
  logic [63:0] write_failed_addr;
  logic        completion_valid;

  assign bank_o     = bank;
  assign shown_tail = restart ? '0 : tail;

  portcam_registers #(
      .Others             (Writers),
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
      .ConnectionStash    (ConnectionStash),
      .ScheduleRows       (ScheduleRows),
      .MaxFrame           (MaxFrame),
      .BuildId            (BuildId)
  ) u_registers (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .flr_i           (flr_q),
      .time_ms_i       (time_ms_i),
      .s_axil_awaddr_i (s_axil_awaddr),
      .s_axil_awvalid_i(s_axil_awvalid),
      .s_axil_awready_o(s_axil_awready),
      .s_axil_wdata_i  (s_axil_wdata),
      .s_axil_wstrb_i  (s_axil_wstrb),
      .s_axil_wvalid_i (s_axil_wvalid),
      .s_axil_wready_o (s_axil_wready),
      .s_axil_bresp_o  (s_axil_bresp),
      .s_axil_bvalid_o (s_axil_bvalid),
      .s_axil_bready_i (s_axil_bready),
      .s_axil_araddr_i (s_axil_araddr),
      .s_axil_arvalid_i(s_axil_arvalid),
      .s_axil_arready_o(s_axil_arready),
      .s_axil_rdata_o  (s_axil_rdata),
      .s_axil_rresp_o  (s_axil_rresp),
      .s_axil_rvalid_o (s_axil_rvalid),
      .s_axil_rready_i (s_axil_rready),
      .ready_i         (ready_q),
      .change_open_i   (change_open),
      .bank_i          (bank && ready_q),
      .running_i       (ring_running),
      .error_i         (ring_error),
      .reason_i        (ring_reason),
      .head_i          (shown_head),
      .tail_i          (shown_tail),
      .dma_error_i     (read_failed || write_failed),
      .dma_error_addr_i(read_failed ? read_failed_addr : write_failed_addr),
      .other_error_i   (other_error_i),
      .other_error_addr_i(other_error_addr_i),
      .used_i          (connections_used_i),
      .embryonic_i     (connections_embryonic_i),
      .page_write_o    (page_write_o),
      .page_write_addr_o(page_write_addr_o),
      .page_write_data_o(page_write_data_o),
      .page_read_o     (page_read_o),
      .page_read_addr_o(page_read_addr_o),
      .page_word_i     (page_word_i),
      .hash_seed_o     (hash_seed_o),
      .hold_o          (hold_o),
      .secret_o        (secret_o),
      .cmd_base_o      (reg_cmd_base),
      .cpl_base_o      (reg_cpl_base),
      .log2_o          (reg_log2),
      .enable_o        (enable),
      .enable_rise_o   (enable_rise),
      .doorbell_o      (doorbell),
      .cpl_head_o      (cpl_head),
      .arm_o           (arm),
      .arm_write_o     (arm_write)
  );

  // A completion that could not be written stops the ring, which is told once.
  portcam_interrupt u_interrupt (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .flr_i       (flr_q),
      .disarm_i    (enable_rise),
      .arm_write_i (arm_write),
      .arm_i       (arm),
      .tail_i      (shown_tail),
      .errors_i    (stopped || read_failed || (write_failed && !completion_valid)),
      .raise_i     (raise_i),
      .irq_valid_o (irq_valid_o),
      .irq_vector_o(irq_vector_o),
      .irq_ready_i (irq_ready_i)
  );

  //------------------------------------------------------------------------------------------------
  // Ring and commands.

  logic         busy;
  logic         finish;
  logic         stop;
  logic [7:0]   stop_reason;
  logic         fetch_idle;
  logic         start;
  logic         take;
  logic         last;
  logic         fetch;
  logic         flush;
  logic         stopping;
  logic [63:0]  cmd_base;
  logic [63:0]  cpl_base;
  logic [4:0]   log2;
  logic [16:0]  size;
  logic [15:0]  mask;

  logic         command_valid;
  logic         command_take;
  logic         command_bad;
  logic [511:0] command;
  logic         checked;
  logic [7:0]   command_status;
  logic [7:0]   row_status;

  portcam_ring u_ring (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .flr_i         (flr_q),
      .ready_i       (ready_q),
      .enable_i      (enable),
      .enable_rise_i (enable_rise),
      .cmd_base_i    (reg_cmd_base),
      .cpl_base_i    (reg_cpl_base),
      .log2_i        (reg_log2),
      .doorbell_i    (doorbell),
      .busy_i        (busy),
      .finish_i      (finish),
      .error_stop_i  (stop),
      .error_reason_i(stop_reason),
      .fetch_idle_i  (fetch_idle),
      .start_o       (start),
      .take_o        (take),
      .last_o        (last),
      .fetch_o       (fetch),
      .flush_o       (flush),
      .stopping_o    (stopping),
      .restart_o     (restart),
      .cmd_base_o    (cmd_base),
      .cpl_base_o    (cpl_base),
      .log2_o        (log2),
      .size_o        (size),
      .mask_o        (mask),
      .head_o        (head),
      .shown_head_o  (shown_head),
      .running_o     (ring_running),
      .error_o       (ring_error),
      .reason_o      (ring_reason),
      .stopped_o     (stopped)
  );

  logic        test_read_valid;
  logic [63:0] test_read_addr;
  logic        insert_read_valid;
  logic [63:0] insert_read_addr;
  logic [4:0]  insert_read_beats;
  logic        data_beat;
  logic        data_last;
  logic        data_error;

  portcam_command_fetch u_fetch (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .flush_i        (flush),
      .fetch_i        (fetch),
      .base_i         (cmd_base),
      .size_i         (size),
      .mask_i         (mask),
      .doorbell_i     (doorbell),
      .idle_o         (fetch_idle),
      .command_valid_o(command_valid),
      .command_take_i (command_take),
      .command_bad_o  (command_bad),
      .command_o      (command),
      .data_valid_i   (test_read_valid || insert_read_valid),
      .data_addr_i    (test_read_valid ? test_read_addr : insert_read_addr),
      .data_beats_i   (test_read_valid ? 5'd1 : insert_read_beats),
      .data_beat_o    (data_beat),
      .data_last_o    (data_last),
      .data_error_o   (data_error),
      .m_axi_araddr_o (m_axi_araddr),
      .m_axi_arlen_o  (m_axi_arlen),
      .m_axi_arvalid_o(m_axi_arvalid),
      .m_axi_arready_i(m_axi_arready),
      .m_axi_rdata_i  (m_axi_rdata),
      .m_axi_rresp_i  (m_axi_rresp),
      .m_axi_rlast_i  (m_axi_rlast),
      .m_axi_rvalid_i (m_axi_rvalid),
      .m_axi_rready_o (m_axi_rready)
  );

  portcam_row_check #(
      .Functions          (Functions),
      .Domains            (Domains),
      .Addresses          (Addresses),
      .Services           (Services),
      .Backends           (Backends),
      .EndpointRows       (EndpointRows),
      .EndpointAnyPortRows(EndpointAnyPortRows),
      .EndpointAnyRows    (EndpointAnyRows),
      .ConnectionRows     (ConnectionRows),
      .ConnectionRowsV6   (ConnectionRowsV6),
      .ConnectionStash    (ConnectionStash),
      .ScheduleRows       (ScheduleRows)
  ) u_check (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .valid_i     (command_valid),
      .take_i      (command_take),
      .command_i   (command),
      .checked_o   (checked),
      .status_o    (command_status),
      .row_status_o(row_status)
  );

  //------------------------------------------------------------------------------------------------
  // Execution and the rooms that work for it.

  logic         set_start;
  logic [2:0]   set_kind;
  logic         set_fail;
  logic [3:0]   set_table;
  logic [15:0]  set_row;
  logic [383:0] set_data;
  logic         set_done;
  logic         set_row_valid;
  logic [383:0] set_row_data;

  logic         counter_valid;
  logic [3:0]   counter_table;
  logic [15:0]  counter_row;
  logic [10:0]  counter_count;
  logic [63:0]  counter_addr;
  logic         counter_done;
  logic         counter_error;

  logic         connection_valid;
  logic         connection_delete;
  logic [23:0]  connection_slot;
  logic [31:0]  connection_count;
  logic [63:0]  connection_addr;
  logic         connection_done;
  logic         connection_error;
  logic [7:0]   connection_status;
  logic [31:0]  connection_images;

  logic         insert_valid;
  logic [10:0]  insert_count;
  logic [63:0]  insert_addr;
  logic         insert_done;
  logic [7:0]   insert_status;
  logic [10:0]  insert_made;
  logic [63:0]  insert_error_addr;
  logic         read_conn_valid;

  logic         backend_valid;
  logic [15:0]  backend_row;
  logic [10:0]  backend_count;
  logic [63:0]  backend_addr;
  logic         backend_done;
  logic         backend_error;

  logic         mirror_valid;
  logic         mirror_sum;
  logic [23:0]  mirror_row;
  logic [10:0]  mirror_count;
  logic [63:0]  mirror_addr;
  logic         mirror_done;
  logic         mirror_error;
  logic [7:0]   mirror_status;

  logic         write_ready;
  logic         write_done;
  logic         write_error;
  logic         image_valid;
  logic [63:0]  image_addr;
  logic [511:0] image_data;
  logic         test_write_valid;
  logic [63:0]  test_write_addr;
  logic         counter_beat_valid;
  logic [63:0]  counter_beat_addr;
  logic [511:0] counter_beat_data;
  logic [63:0]  counter_beat_strb;
  logic         connection_beat_valid;
  logic [63:0]  connection_beat_addr;
  logic [511:0] connection_beat_data;
  logic         backend_beat_valid;
  logic [63:0]  backend_beat_addr;
  logic [511:0] backend_beat_data;
  logic         sum_beat_valid;
  logic [63:0]  sum_beat_addr;
  logic [511:0] sum_beat_data;

  logic         beat_valid;
  logic         beat_ready;
  logic [63:0]  beat_addr;
  logic [511:0] beat_data;
  logic [63:0]  beat_strb;
  logic         beat_done;

  logic [31:0]  completion_cookie;
  logic [31:0]  completion_result;
  logic [7:0]   completion_status;
  logic [15:0]  completion_sq_head;
  logic         completion_done;
  logic         completion_error;
  logic         completion_beat_valid;
  logic [63:0]  completion_beat_addr;
  logic [511:0] completion_beat_data;
  logic [63:0]  completion_beat_strb;

  assign write_failed = write_done && write_error;

  portcam_command_execute u_execute (
      .clk_i                 (clk_i),
      .rst_ni                (rst_ni),
      .flr_i                 (flr_q),
      .take_i                (take),
      .last_i                (last),
      .head_i                (head),
      .base_i                (cmd_base),
      .mask_i                (mask),
      .busy_o                (busy),
      .finish_o              (finish),
      .stop_o                (stop),
      .stop_reason_o         (stop_reason),
      .error_o               (read_failed),
      .error_addr_o          (read_failed_addr),
      .command_valid_i       (command_valid),
      .command_take_o        (command_take),
      .command_bad_i         (command_bad),
      .command_i             (command),
      .checked_i             (checked),
      .status_i              (command_status),
      .row_status_i          (row_status),
      .set_open_i            (change_open),
      .set_failed_i          (change_failed),
      .set_start_o           (set_start),
      .set_kind_o            (set_kind),
      .set_fail_o            (set_fail),
      .set_table_o           (set_table),
      .set_row_o             (set_row),
      .set_data_o            (set_data),
      .set_done_i            (set_done),
      .set_row_valid_i       (set_row_valid),
      .set_row_data_i        (set_row_data),
      .counter_valid_o       (counter_valid),
      .counter_table_o       (counter_table),
      .counter_row_o         (counter_row),
      .counter_count_o       (counter_count),
      .counter_addr_o        (counter_addr),
      .counter_done_i        (counter_done),
      .counter_error_i       (counter_error),
      .connection_valid_o    (connection_valid),
      .connection_delete_o   (connection_delete),
      .connection_slot_o     (connection_slot),
      .connection_count_o    (connection_count),
      .connection_addr_o     (connection_addr),
      .connection_done_i     (connection_done),
      .connection_error_i    (connection_error),
      .connection_status_i   (connection_status),
      .connection_images_i   (connection_images),
      .insert_valid_o        (insert_valid),
      .insert_count_o        (insert_count),
      .insert_addr_o         (insert_addr),
      .insert_done_i         (insert_done),
      .insert_status_i       (insert_status),
      .insert_made_i         (insert_made),
      .insert_error_addr_i   (insert_error_addr),
      .backend_valid_o       (backend_valid),
      .backend_row_o         (backend_row),
      .backend_count_o       (backend_count),
      .backend_addr_o        (backend_addr),
      .backend_done_i        (backend_done),
      .backend_error_i       (backend_error),
      .mirror_valid_o        (mirror_valid),
      .mirror_sum_o          (mirror_sum),
      .mirror_row_o          (mirror_row),
      .mirror_count_o        (mirror_count),
      .mirror_addr_o         (mirror_addr),
      .mirror_done_i         (mirror_done),
      .mirror_error_i        (mirror_error),
      .mirror_status_i       (mirror_status),
      .read_valid_o          (test_read_valid),
      .read_addr_o           (test_read_addr),
      .read_done_i           (data_beat),
      .read_error_i          (data_error),
      .write_ready_i         (write_ready),
      .write_done_i          (write_done),
      .write_error_i         (write_error),
      .image_valid_o         (image_valid),
      .image_addr_o          (image_addr),
      .image_data_o          (image_data),
      .test_valid_o          (test_write_valid),
      .test_addr_o           (test_write_addr),
      .completion_valid_o    (completion_valid),
      .completion_cookie_o   (completion_cookie),
      .completion_result_o   (completion_result),
      .completion_status_o   (completion_status),
      .completion_sq_head_o  (completion_sq_head),
      .completion_done_i     (completion_done),
      .completion_error_i    (completion_error),
      .trace_command_valid_o (trace_command_valid_o),
      .trace_command_o       (trace_command_o),
      .trace_command_status_o(trace_command_status_o)
  );

  portcam_change_set #(
      .Functions          (Functions),
      .Domains            (Domains),
      .Addresses          (Addresses),
      .Services           (Services),
      .Backends           (Backends),
      .EndpointRows       (EndpointRows),
      .EndpointAnyPortRows(EndpointAnyPortRows),
      .EndpointAnyRows    (EndpointAnyRows),
      .ScheduleRows       (ScheduleRows),
      .PipelineDrain      (PipelineDrain),
      .DirtyDepth         (DirtyDepth)
  ) u_change_set (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .flr_i         (flr_q),
      .bank_clear_i  (bank_clear),
      .start_i       (set_start),
      .kind_i        (set_kind),
      .fail_i        (set_fail),
      .table_i       (set_table),
      .row_i         (set_row),
      .data_i        (set_data),
      .done_o        (set_done),
      .row_valid_o   (set_row_valid),
      .row_data_o    (set_row_data),
      .open_o        (change_open),
      .failed_o      (change_failed),
      .bank_o        (bank),
      .trace_commit_o(trace_commit_o),
      .tbl_valid_o   (tbl_valid_o),
      .tbl_ready_i   (tbl_ready_i),
      .tbl_write_o   (tbl_write_o),
      .tbl_bank_o    (tbl_bank_o),
      .tbl_table_o   (tbl_table_o),
      .tbl_row_o     (tbl_row_o),
      .tbl_rowvalid_o(tbl_rowvalid_o),
      .tbl_data_o    (tbl_data_o),
      .tbl_done_i    (tbl_done_i),
      .tbl_rowvalid_i(tbl_rowvalid_i),
      .tbl_data_i    (tbl_data_i)
  );

  portcam_counter_read u_counter_read (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .flr_i       (flr_q),
      .valid_i     (counter_valid),
      .table_i     (counter_table),
      .row_i       (counter_row),
      .count_i     (counter_count),
      .addr_i      (counter_addr),
      .done_o      (counter_done),
      .error_o     (counter_error),
      .rd_valid_o  (rd_valid_o),
      .rd_table_o  (rd_table_o),
      .rd_row_o    (rd_row_o),
      .rd_done_i   (rd_done_i),
      .rd_packets_i(rd_packets_i),
      .rd_octets_i (rd_octets_i),
      .beat_valid_o(counter_beat_valid),
      .beat_ready_i(write_ready),
      .beat_addr_o (counter_beat_addr),
      .beat_data_o (counter_beat_data),
      .beat_strb_o (counter_beat_strb),
      .beat_done_i (write_done),
      .beat_error_i(write_error)
  );

  portcam_connection_read u_connection_read (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .flr_i        (flr_q),
      .valid_i      (connection_valid),
      .delete_i     (connection_delete),
      .slot_i       (connection_slot),
      .count_i      (connection_count),
      .addr_i       (connection_addr),
      .done_o       (connection_done),
      .error_o      (connection_error),
      .status_o     (connection_status),
      .images_o     (connection_images),
      .conn_valid_o (read_conn_valid),
      .conn_ready_i (conn_ready_i && !conn_insert_o),
      .conn_delete_o(conn_delete_o),
      .conn_slot_o  (conn_slot_o),
      .conn_count_o (conn_count_o),
      .img_valid_i  (img_valid_i),
      .img_ready_o  (img_ready_o),
      .img_data_i   (img_data_i),
      .conn_done_i  (conn_done_i),
      .conn_status_i(conn_status_i),
      .beat_valid_o (connection_beat_valid),
      .beat_ready_i (write_ready),
      .beat_addr_o  (connection_beat_addr),
      .beat_data_o  (connection_beat_data),
      .beat_done_i  (write_done),
      .beat_error_i (write_error)
  );

  assign conn_valid_o = read_conn_valid || conn_insert_o;

  portcam_connection_insert #(
      .Addresses(Addresses),
      .Services (Services),
      .Backends (Backends)
  ) u_connection_insert (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .flr_i        (flr_q),
      .valid_i      (insert_valid),
      .count_i      (insert_count),
      .addr_i       (insert_addr),
      .done_o       (insert_done),
      .status_o     (insert_status),
      .made_o       (insert_made),
      .error_addr_o (insert_error_addr),
      .read_valid_o (insert_read_valid),
      .read_addr_o  (insert_read_addr),
      .read_beats_o (insert_read_beats),
      .read_beat_i  (data_beat),
      .read_last_i  (data_last),
      .read_error_i (data_error),
      .read_data_i  (m_axi_rdata),
      .conn_valid_o (conn_insert_o),
      .conn_ready_i (conn_ready_i),
      .conn_image_o (conn_image_o),
      .conn_done_i  (conn_done_i),
      .conn_status_i(conn_status_i)
  );

  portcam_backend_read u_backend_read (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .flr_i       (flr_q),
      .valid_i     (backend_valid),
      .row_i       (backend_row),
      .count_i     (backend_count),
      .addr_i      (backend_addr),
      .done_o      (backend_done),
      .error_o     (backend_error),
      .bk_valid_o  (bk_valid_o),
      .bk_row_o    (bk_row_o),
      .bk_done_i   (bk_done_i),
      .bk_data_i   (bk_data_i),
      .beat_valid_o(backend_beat_valid),
      .beat_ready_i(write_ready),
      .beat_addr_o (backend_beat_addr),
      .beat_data_o (backend_beat_data),
      .beat_done_i (write_done),
      .beat_error_i(write_error)
  );

  portcam_mirror_command u_mirror_command (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .flr_i       (flr_q),
      .valid_i     (mirror_valid),
      .sum_i       (mirror_sum),
      .row_i       (mirror_row),
      .count_i     (mirror_count),
      .addr_i      (mirror_addr),
      .done_o      (mirror_done),
      .error_o     (mirror_error),
      .status_o    (mirror_status),
      .mir_valid_o (mir_valid_o),
      .mir_sum_o   (mir_sum_o),
      .mir_row_o   (mir_row_o),
      .mir_count_o (mir_count_o),
      .mir_done_i  (mir_done_i),
      .mir_status_i(mir_status_i),
      .mir_sum_i   (mir_sum_i),
      .beat_valid_o(sum_beat_valid),
      .beat_ready_i(write_ready),
      .beat_addr_o (sum_beat_addr),
      .beat_data_o (sum_beat_data),
      .beat_done_i (write_done),
      .beat_error_i(write_error)
  );

  portcam_completion u_completion (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .flr_i       (flr_q),
      .start_i     (start),
      .stopping_i  (stopping),
      .restart_i   (restart),
      .base_i      (cpl_base),
      .log2_i      (log2),
      .size_i      (size),
      .mask_i      (mask),
      .cpl_head_i  (cpl_head),
      .tail_o      (tail),
      .valid_i     (completion_valid),
      .cookie_i    (completion_cookie),
      .result_i    (completion_result),
      .status_i    (completion_status),
      .sq_head_i   (completion_sq_head),
      .done_o      (completion_done),
      .error_o     (completion_error),
      .beat_valid_o(completion_beat_valid),
      .beat_ready_i(write_ready),
      .beat_addr_o (completion_beat_addr),
      .beat_data_o (completion_beat_data),
      .beat_strb_o (completion_beat_strb),
      .beat_done_i (write_done),
      .beat_error_i(write_error)
  );

  portcam_dma_write u_dma_write (
      .clk_i             (clk_i),
      .rst_ni            (rst_ni),
      .flr_i             (flr_q),
      .ready_o           (write_ready),
      .done_o            (write_done),
      .error_o           (write_error),
      .error_addr_o      (write_failed_addr),
      .image_valid_i     (image_valid),
      .image_addr_i      (image_addr),
      .image_data_i      (image_data),
      .test_valid_i      (test_write_valid),
      .test_addr_i       (test_write_addr),
      .test_data_i       (m_axi_rdata),
      .counter_valid_i   (counter_beat_valid),
      .counter_addr_i    (counter_beat_addr),
      .counter_data_i    (counter_beat_data),
      .counter_strb_i    (counter_beat_strb),
      .connection_valid_i(connection_beat_valid),
      .connection_addr_i (connection_beat_addr),
      .connection_data_i (connection_beat_data),
      .backend_valid_i   (backend_beat_valid),
      .backend_addr_i    (backend_beat_addr),
      .backend_data_i    (backend_beat_data),
      .sum_valid_i       (sum_beat_valid),
      .sum_addr_i        (sum_beat_addr),
      .sum_data_i        (sum_beat_data),
      .completion_valid_i(completion_beat_valid),
      .completion_addr_i (completion_beat_addr),
      .completion_data_i (completion_beat_data),
      .completion_strb_i (completion_beat_strb),
      .beat_valid_o      (beat_valid),
      .beat_ready_i      (beat_ready),
      .beat_addr_o       (beat_addr),
      .beat_data_o       (beat_data),
      .beat_strb_o       (beat_strb),
      .beat_done_i       (beat_done),
      .beat_error_i      (wr_error_o)
  );

  portcam_write_arbiter #(
      .Sources(1 + Writers)
  ) u_write_arbiter (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .valid_i        ({wr_valid_i, beat_valid}),
      .ready_o        ({wr_ready_o, beat_ready}),
      .addr_i         ({wr_addr_i, beat_addr}),
      .data_i         ({wr_data_i, beat_data}),
      .strb_i         ({wr_strb_i, beat_strb}),
      .done_o         ({wr_done_o, beat_done}),
      .error_o        (wr_error_o),
      .m_axi_awaddr_o (m_axi_awaddr),
      .m_axi_awlen_o  (m_axi_awlen),
      .m_axi_awvalid_o(m_axi_awvalid),
      .m_axi_awready_i(m_axi_awready),
      .m_axi_wdata_o  (m_axi_wdata),
      .m_axi_wstrb_o  (m_axi_wstrb),
      .m_axi_wlast_o  (m_axi_wlast),
      .m_axi_wvalid_o (m_axi_wvalid),
      .m_axi_wready_i (m_axi_wready),
      .m_axi_bresp_i  (m_axi_bresp),
      .m_axi_bvalid_i (m_axi_bvalid),
      .m_axi_bready_o (m_axi_bready)
  );

endmodule

`resetall
