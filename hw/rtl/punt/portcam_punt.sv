// SPDX-License-Identifier: Apache-2.0
//
// portcam_punt: the punt ring and the inject ring (docs/pipeline.md, section 9): registers, the life
// of both rings, the writer of punted frames and the reader of injected ones. It wires them together.
//
// The choice (ask_i, room_o) and the frames of both sides: portcam_punt_writer; injected frames:
// portcam_inject_reader; registers: the page bus of portcam_registers. raise_o: vector 2; errors_o
// pulses when a ring stopped by itself, dma_error_o when a DMA failed (dma_error_addr_o).

`default_nettype none

module portcam_punt #(
    parameter int unsigned Functions = portcam_pkg::BuildFunctions,
    parameter int unsigned MaxFrame  = portcam_pkg::BuildMaxFrame
) (
    input  logic                      clk_i,
    input  logic                      rst_ni,
    input  logic                      flr_i,
    input  logic                      ready_i,
    input  logic                      page_write_i,
    input  logic [15:0]               page_write_addr_i,
    input  logic [31:0]               page_write_data_i,
    input  logic                      page_read_i,
    input  logic [15:0]               page_read_addr_i,
    output logic [31:0]               page_word_o,
    output logic                      raise_o,
    output logic                      errors_o,
    output logic                      dma_error_o,
    output logic [63:0]               dma_error_addr_o,
    // Choice.
    output logic                      runs_o,
    input  logic                      ask_i,
    output logic                      room_o,
    input  portcam_types_pkg::count_t count_i,
    input  logic [31:0]               time_ms_i,
    // Punted frames.
    input  logic                      frame_valid_i,
    output logic                      frame_ready_o,
    input  logic [511:0]              frame_data_i,
    input  logic                      frame_last_i,
    input  logic                      frame_host_i,
    // Host memory: portcam_write_arbiter, portcam_read_arbiter.
    output logic                      write_valid_o,
    input  logic                      write_ready_i,
    output logic [63:0]               write_addr_o,
    output logic [511:0]              write_data_o,
    output logic [63:0]               write_strb_o,
    input  logic                      write_done_i,
    input  logic                      write_error_i,
    output logic                      read_valid_o,
    input  logic                      read_ready_i,
    output logic [63:0]               read_addr_o,
    output logic [7:0]                read_len_o,
    input  logic                      read_beat_i,
    input  logic [511:0]              read_data_i,
    input  logic                      read_error_i,
    // Injected frames.
    output logic [511:0]              m_tdata,
    output logic [63:0]               m_tkeep,
    output logic                      m_tlast,
    output logic [7:0]                m_tdest,
    output logic                      m_tvalid,
    input  logic                      m_tready,
    output logic                      sent_o,
    output logic [7:0]                sent_function_o,
    output logic [15:0]               sent_len_o,
    output logic [63:0]               sent_addr_o,
    output logic                      trace_end_valid_o,
    output logic                      trace_end_host_o,
    output logic                      trace_end_lost_o,
    output logic [63:0]               trace_end_addr_o
);

  logic [63:0] punt_base_set;
  logic [7:0]  punt_log2_set;
  logic        punt_enable;
  logic        punt_rise;
  logic [31:0] punt_head;
  logic        punt_head_write;
  logic        punt_idle;
  logic        punt_error;
  logic [63:0] punt_error_addr;
  logic        punt_start;
  logic        punt_runs;
  logic        punt_dead;
  logic        punt_hide;
  logic [63:0] punt_base;
  logic [3:0]  punt_log2;
  logic [11:0] punt_mask;
  logic        punt_running;
  logic        punt_failed;
  logic [7:0]  punt_reason;
  logic        punt_stopped;
  logic [31:0] punt_tail;
  logic [31:0] punt_dropped;

  logic [63:0] inject_base_set;
  logic [7:0]  inject_log2_set;
  logic        inject_enable;
  logic        inject_rise;
  logic [31:0] inject_doorbell;
  logic        inject_idle;
  logic        inject_bad_doorbell;
  logic        inject_error;
  logic [63:0] inject_error_addr;
  logic        inject_start;
  logic        inject_runs;
  logic        inject_dead;
  logic        inject_hide;
  logic [63:0] inject_base;
  logic [3:0]  unused_inject_log2;
  logic [11:0] inject_mask;
  logic        inject_running;
  logic        inject_failed;
  logic [7:0]  inject_reason;
  logic        inject_stopped;
  logic [31:0] inject_head;
  logic [31:0] inject_refused;

  portcam_punt_registers u_registers (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .flr_i            (flr_i),
      .page_write_i     (page_write_i),
      .page_write_addr_i(page_write_addr_i),
      .page_write_data_i(page_write_data_i),
      .page_read_i      (page_read_i),
      .page_read_addr_i (page_read_addr_i),
      .page_word_o      (page_word_o),
      .punt_base_o      (punt_base_set),
      .punt_log2_o      (punt_log2_set),
      .punt_enable_o    (punt_enable),
      .punt_rise_o      (punt_rise),
      .punt_head_o      (punt_head),
      .punt_head_write_o(punt_head_write),
      .inject_base_o    (inject_base_set),
      .inject_log2_o    (inject_log2_set),
      .inject_enable_o  (inject_enable),
      .inject_rise_o    (inject_rise),
      .inject_doorbell_o(inject_doorbell),
      .punt_status_i    ({punt_reason, punt_failed, punt_running}),
      .punt_tail_i      (punt_hide ? '0 : punt_tail),
      .punt_dropped_i   (punt_hide ? '0 : punt_dropped),
      .inject_status_i  ({inject_reason, inject_failed, inject_running}),
      .inject_head_i    (inject_hide ? '0 : inject_head),
      .inject_refused_i (inject_hide ? '0 : inject_refused),
      .raise_o          (raise_o)
  );

  portcam_packet_ring u_punt_ring (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .flr_i         (flr_i),
      .ready_i       (ready_i),
      .enable_i      (punt_enable),
      .enable_rise_i (punt_rise),
      .base_i        (punt_base_set),
      .log2_i        (punt_log2_set),
      .idle_i        (punt_idle),
      .bad_doorbell_i(1'b0),
      .error_i       (punt_error),
      .error_reason_i(portcam_pkg::StatusDmaWriteError),
      .start_o       (punt_start),
      .runs_o        (punt_runs),
      .dead_o        (punt_dead),
      .hide_o        (punt_hide),
      .base_o        (punt_base),
      .log2_o        (punt_log2),
      .mask_o        (punt_mask),
      .running_o     (punt_running),
      .error_o       (punt_failed),
      .reason_o      (punt_reason),
      .stopped_o     (punt_stopped)
  );

  portcam_punt_writer #(
      .MaxFrame(MaxFrame)
  ) u_writer (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .ask_i            (ask_i),
      .room_o           (room_o),
      .count_i          (count_i),
      .time_ms_i        (time_ms_i),
      .start_i          (punt_start),
      .runs_i           (punt_runs),
      .dead_i           (punt_dead),
      .base_i           (punt_base),
      .log2_i           (punt_log2),
      .mask_i           (punt_mask),
      .head_write_i     (punt_head_write),
      .head_i           (punt_head),
      .tail_o           (punt_tail),
      .dropped_o        (punt_dropped),
      .idle_o           (punt_idle),
      .error_o          (punt_error),
      .error_addr_o     (punt_error_addr),
      .frame_valid_i    (frame_valid_i),
      .frame_ready_o    (frame_ready_o),
      .frame_data_i     (frame_data_i),
      .frame_last_i     (frame_last_i),
      .frame_host_i     (frame_host_i),
      .beat_valid_o     (write_valid_o),
      .beat_ready_i     (write_ready_i),
      .beat_addr_o      (write_addr_o),
      .beat_data_o      (write_data_o),
      .beat_strb_o      (write_strb_o),
      .beat_done_i      (write_done_i),
      .beat_error_i     (write_error_i),
      .trace_end_valid_o(trace_end_valid_o),
      .trace_end_host_o (trace_end_host_o),
      .trace_end_lost_o (trace_end_lost_o),
      .trace_end_addr_o (trace_end_addr_o)
  );

  portcam_packet_ring u_inject_ring (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .flr_i         (flr_i),
      .ready_i       (ready_i),
      .enable_i      (inject_enable),
      .enable_rise_i (inject_rise),
      .base_i        (inject_base_set),
      .log2_i        (inject_log2_set),
      .idle_i        (inject_idle),
      .bad_doorbell_i(inject_bad_doorbell),
      .error_i       (inject_error),
      .error_reason_i(portcam_pkg::StatusDmaReadError),
      .start_o       (inject_start),
      .runs_o        (inject_runs),
      .dead_o        (inject_dead),
      .hide_o        (inject_hide),
      .base_o        (inject_base),
      .log2_o        (unused_inject_log2),
      .mask_o        (inject_mask),
      .running_o     (inject_running),
      .error_o       (inject_failed),
      .reason_o      (inject_reason),
      .stopped_o     (inject_stopped)
  );

  portcam_inject_reader #(
      .Functions(Functions),
      .MaxFrame (MaxFrame)
  ) u_reader (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .start_i        (inject_start),
      .runs_i         (inject_runs),
      .dead_i         (inject_dead),
      .base_i         (inject_base),
      .mask_i         (inject_mask),
      .doorbell_i     (inject_doorbell),
      .head_o         (inject_head),
      .refused_o      (inject_refused),
      .idle_o         (inject_idle),
      .bad_doorbell_o (inject_bad_doorbell),
      .error_o        (inject_error),
      .error_addr_o   (inject_error_addr),
      .read_valid_o   (read_valid_o),
      .read_ready_i   (read_ready_i),
      .read_addr_o    (read_addr_o),
      .read_len_o     (read_len_o),
      .beat_valid_i   (read_beat_i),
      .beat_data_i    (read_data_i),
      .beat_error_i   (read_error_i),
      .m_tdata        (m_tdata),
      .m_tkeep        (m_tkeep),
      .m_tlast        (m_tlast),
      .m_tdest        (m_tdest),
      .m_tvalid       (m_tvalid),
      .m_tready       (m_tready),
      .sent_o         (sent_o),
      .sent_function_o(sent_function_o),
      .sent_len_o     (sent_len_o),
      .sent_addr_o    (sent_addr_o)
  );

  // One DMA error a clock is told: that of the inject ring waits for the other.
  logic        waits_q;
  logic [63:0] waits_addr_q;

  always_ff @(posedge clk_i) begin
    waits_q      <= inject_error && punt_error;
    waits_addr_q <= inject_error_addr;
    if (!rst_ni || flr_i) begin
      waits_q <= 1'b0;
    end
  end

  assign runs_o           = punt_runs;
  assign dma_error_o      = punt_error || inject_error || waits_q;
  assign dma_error_addr_o = punt_error ? punt_error_addr :
                            inject_error ? inject_error_addr : waits_addr_q;
  assign errors_o         = punt_stopped || inject_stopped || dma_error_o;

endmodule

`resetall
