// SPDX-License-Identifier: Apache-2.0
//
// portcam_punt behind the arbiters of the DMA port, and portcam_punt_limit, for punt_test.cpp.

`default_nettype none

module punt_tb (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    // Registers.
    input  logic         write_i,
    input  logic [15:0]  write_addr_i,
    input  logic [31:0]  write_data_i,
    input  logic         read_i,
    input  logic [15:0]  read_addr_i,
    output logic [31:0]  read_word_o,
    output logic         raise_o,
    output logic         errors_o,
    output logic         dma_error_o,
    output logic [63:0]  dma_error_addr_o,
    // Choice.
    output logic         runs_o,
    input  logic         ask_i,
    output logic         room_o,
    input  logic [5:0]   reason_i,
    input  logic [15:0]  len_i,
    input  logic [7:0]   ingress_i,
    input  logic [31:0]  time_i,
    // Punted frames.
    input  logic         frame_valid_i,
    output logic         frame_ready_o,
    input  logic [511:0] frame_data_i,
    input  logic         frame_last_i,
    input  logic         frame_host_i,
    // Injected frames.
    output logic [511:0] out_data_o,
    output logic [63:0]  out_keep_o,
    output logic         out_last_o,
    output logic [7:0]   out_dest_o,
    output logic         out_valid_o,
    input  logic         out_ready_i,
    output logic         sent_o,
    output logic         end_valid_o,
    output logic         end_lost_o,
    // Host memory.
    output logic [63:0]  araddr_o,
    output logic [7:0]   arlen_o,
    output logic         arvalid_o,
    input  logic         arready_i,
    input  logic [511:0] rdata_i,
    input  logic         rerror_i,
    input  logic         rlast_i,
    input  logic         rvalid_i,
    output logic         rready_o,
    output logic [63:0]  awaddr_o,
    output logic         awvalid_o,
    input  logic         awready_i,
    output logic [511:0] wdata_o,
    output logic [63:0]  wstrb_o,
    output logic         wvalid_o,
    input  logic         wready_i,
    input  logic         berror_i,
    input  logic         bvalid_i,
    output logic         bready_o,
    // portcam_punt_limit.
    input  logic         clear_i,
    input  logic         limit_valid_i,
    input  logic         limit_runs_i,
    input  logic [5:0]   limit_reason_i,
    input  logic [63:0]  limit_reasons_i,
    input  logic [15:0]  limit_rate_i,
    input  logic [15:0]  limit_burst_i,
    input  logic [31:0]  limit_time_i,
    output logic         limit_wanted_o,
    output logic         limit_asks_o,
    output logic         limit_token_o
);

  portcam_types_pkg::count_t count;

  always_comb begin
    count               = '0;
    count.reason        = reason_i;
    count.octets        = len_i;
    count.rx            = ingress_i;
    count.tx            = ingress_i == 8'd0 ? 8'd1 : 8'd0;
    count.domain_valid  = 1'b1;
    count.domain        = 16'h1234;
    count.service_valid = 1'b1;
    count.service       = 16'h0056;
  end

  logic [1:0]   write_ready;
  logic [1:0]   write_done;
  logic         write_error;
  logic         write_valid;
  logic [63:0]  write_addr;
  logic [511:0] write_data;
  logic [63:0]  write_strb;
  logic [1:0]   read_ready;
  logic [1:0]   read_beat;
  logic         read_valid;
  logic [63:0]  read_addr;
  logic [7:0]   read_len;
  logic [7:0]   unused_awlen;
  logic         unused_wlast;
  logic [7:0]   unused_function;
  logic [15:0]  unused_len;
  logic [63:0]  unused_addr;
  logic         unused_host;
  logic [63:0]  unused_entry;
  logic         unused_other;

  assign unused_other = write_ready[0] || write_done[0] || read_ready[0] || read_beat[0];

  portcam_punt u_punt (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .flr_i            (flr_i),
      .ready_i          (1'b1),
      .page_write_i     (write_i),
      .page_write_addr_i(write_addr_i),
      .page_write_data_i(write_data_i),
      .page_read_i      (read_i),
      .page_read_addr_i (read_addr_i),
      .page_word_o      (read_word_o),
      .raise_o          (raise_o),
      .errors_o         (errors_o),
      .dma_error_o      (dma_error_o),
      .dma_error_addr_o (dma_error_addr_o),
      .runs_o           (runs_o),
      .ask_i            (ask_i),
      .room_o           (room_o),
      .count_i          (count),
      .time_ms_i        (time_i),
      .frame_valid_i    (frame_valid_i),
      .frame_ready_o    (frame_ready_o),
      .frame_data_i     (frame_data_i),
      .frame_last_i     (frame_last_i),
      .frame_host_i     (frame_host_i),
      .write_valid_o    (write_valid),
      .write_ready_i    (write_ready[1]),
      .write_addr_o     (write_addr),
      .write_data_o     (write_data),
      .write_strb_o     (write_strb),
      .write_done_i     (write_done[1]),
      .write_error_i    (write_error),
      .read_valid_o     (read_valid),
      .read_ready_i     (read_ready[1]),
      .read_addr_o      (read_addr),
      .read_len_o       (read_len),
      .read_beat_i      (read_beat[1]),
      .read_data_i      (rdata_i),
      .read_error_i     (rerror_i),
      .m_tdata          (out_data_o),
      .m_tkeep          (out_keep_o),
      .m_tlast          (out_last_o),
      .m_tdest          (out_dest_o),
      .m_tvalid         (out_valid_o),
      .m_tready         (out_ready_i),
      .sent_o           (sent_o),
      .sent_function_o  (unused_function),
      .sent_len_o       (unused_len),
      .sent_addr_o      (unused_addr),
      .trace_end_valid_o(end_valid_o),
      .trace_end_host_o (unused_host),
      .trace_end_lost_o (end_lost_o),
      .trace_end_addr_o (unused_entry)
  );

  portcam_write_arbiter #(
      .Sources(2)
  ) u_write_arbiter (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .valid_i        ({write_valid, 1'b0}),
      .ready_o        (write_ready),
      .addr_i         ({write_addr, 64'd0}),
      .data_i         ({write_data, 512'd0}),
      .strb_i         ({write_strb, 64'd0}),
      .done_o         (write_done),
      .error_o        (write_error),
      .m_axi_awaddr_o (awaddr_o),
      .m_axi_awlen_o  (unused_awlen),
      .m_axi_awvalid_o(awvalid_o),
      .m_axi_awready_i(awready_i),
      .m_axi_wdata_o  (wdata_o),
      .m_axi_wstrb_o  (wstrb_o),
      .m_axi_wlast_o  (unused_wlast),
      .m_axi_wvalid_o (wvalid_o),
      .m_axi_wready_i (wready_i),
      .m_axi_bresp_i  ({berror_i, 1'b0}),
      .m_axi_bvalid_i (bvalid_i),
      .m_axi_bready_o (bready_o)
  );

  portcam_read_arbiter u_read_arbiter (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .valid_i        ({read_valid, 1'b0}),
      .ready_o        (read_ready),
      .addr_i         ({read_addr, 64'd0}),
      .len_i          ({read_len, 8'd0}),
      .r_valid_o      (read_beat),
      .m_axi_araddr_o (araddr_o),
      .m_axi_arlen_o  (arlen_o),
      .m_axi_arvalid_o(arvalid_o),
      .m_axi_arready_i(arready_i),
      .m_axi_rlast_i  (rlast_i),
      .m_axi_rvalid_i (rvalid_i),
      .m_axi_rready_o (rready_o)
  );

  portcam_punt_limit u_limit (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .clear_i  (clear_i),
      .valid_i  (limit_valid_i),
      .runs_i   (limit_runs_i),
      .reason_i (limit_reason_i),
      .reasons_i(limit_reasons_i),
      .rate_i   (limit_rate_i),
      .burst_i  (limit_burst_i),
      .time_ms_i(limit_time_i),
      .wanted_o (limit_wanted_o),
      .asks_o   (limit_asks_o),
      .token_o  (limit_token_o)
  );

endmodule

`resetall
