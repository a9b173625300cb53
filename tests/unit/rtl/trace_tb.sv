// SPDX-License-Identifier: Apache-2.0
//
// portcam_trace behind the write arbiter, for trace_test.cpp.

`default_nettype none

module trace_tb (
    input  logic          clk_i,
    input  logic          rst_ni,
    input  logic          flr_i,
    // Registers.
    input  logic          write_i,
    input  logic [15:0]   write_addr_i,
    input  logic [31:0]   write_data_i,
    input  logic          read_i,
    input  logic [15:0]   read_addr_i,
    output logic [31:0]   read_word_o,
    output logic          errors_o,
    output logic          dma_error_o,
    output logic [63:0]   dma_error_addr_o,
    // Packets.
    input  logic          header_valid_i,
    input  logic [1023:0] window_i,
    input  logic          parsed_valid_i,
    input  logic [5:0]    parsed_reason_i,
    input  logic          parsed_decided_i,
    input  logic          parsed_v6_i,
    input  logic [127:0]  parsed_src_ip_i,
    input  logic [127:0]  parsed_dst_ip_i,
    input  logic [7:0]    parsed_protocol_i,
    input  logic [15:0]   parsed_src_port_i,
    input  logic [15:0]   parsed_dst_port_i,
    input  logic [7:0]    parsed_ingress_i,
    input  logic          count_valid_i,
    input  logic [5:0]    count_reason_i,
    input  logic [15:0]   count_octets_i,
    input  logic [7:0]    count_rx_i,
    input  logic          count_tx_valid_i,
    input  logic [7:0]    count_tx_i,
    input  logic [4:0]    count_there_i,   // domain, address, service, backend, connection
    input  logic [63:0]   count_numbers_i, // domain in the lowest bits
    input  logic [23:0]   count_slot_i,
    input  logic          count_reply_i,
    input  logic          count_began_i,
    input  logic          punted_i,
    input  logic [31:0]   time_ms_i,
    output logic          sample_o,
    output logic [1:0]    sample_flags_o,
    output logic [6:0]    sample_number_o,
    // Host memory.
    output logic [63:0]   awaddr_o,
    output logic          awvalid_o,
    input  logic          awready_i,
    output logic [511:0]  wdata_o,
    output logic [63:0]   wstrb_o,
    output logic          wvalid_o,
    input  logic          wready_i,
    input  logic          berror_i,
    input  logic          bvalid_i,
    output logic          bready_o
);

  portcam_types_pkg::header_t header;
  portcam_types_pkg::parsed_t parsed;
  portcam_types_pkg::count_t  count;

  always_comb begin
    header          = '0;
    header.window   = window_i;
    parsed          = '0;
    parsed.reason   = parsed_reason_i;
    parsed.decided  = parsed_decided_i;
    parsed.is_v6    = parsed_v6_i;
    parsed.src_ip   = parsed_src_ip_i;
    parsed.dst_ip   = parsed_dst_ip_i;
    parsed.protocol = parsed_protocol_i;
    parsed.src_port = parsed_src_port_i;
    parsed.dst_port = parsed_dst_port_i;
    parsed.ingress  = parsed_ingress_i;
    count.reason    = count_reason_i;
    count.octets    = count_octets_i;
    count.rx        = count_rx_i;
    count.tx_valid  = count_tx_valid_i;
    count.tx        = count_tx_i;
    count.reply     = count_reply_i;
    count.began     = count_began_i;

    {count.connection_valid, count.backend_valid, count.service_valid, count.address_valid,
     count.domain_valid} = count_there_i;
    {count.backend, count.service, count.address, count.domain} = count_numbers_i;
    count.connection = count_slot_i;
  end

  logic [1:0]   write_ready;
  logic [1:0]   write_done;
  logic         write_error;
  logic         write_valid;
  logic [63:0]  write_addr;
  logic [511:0] write_data;
  logic [63:0]  write_strb;
  logic [7:0]   unused_awlen;
  logic         unused_wlast;
  logic         unused_other;

  assign unused_other = write_ready[0] || write_done[0];

  portcam_trace u_trace (
      .clk_i                (clk_i),
      .rst_ni               (rst_ni),
      .flr_i                (flr_i),
      .ready_i              (1'b1),
      .page_write_i         (write_i),
      .page_write_addr_i    (write_addr_i),
      .page_write_data_i    (write_data_i),
      .page_read_i          (read_i),
      .page_read_addr_i     (read_addr_i),
      .page_word_o          (read_word_o),
      .errors_o             (errors_o),
      .dma_error_o          (dma_error_o),
      .dma_error_addr_o     (dma_error_addr_o),
      .header_valid_i       (header_valid_i),
      .header_i             (header),
      .parsed_valid_i       (parsed_valid_i),
      .parsed_i             (parsed),
      .count_valid_i        (count_valid_i),
      .count_i              (count),
      .punted_i             (punted_i),
      .time_ms_i            (time_ms_i),
      .write_valid_o        (write_valid),
      .write_ready_i        (write_ready[1]),
      .write_addr_o         (write_addr),
      .write_data_o         (write_data),
      .write_strb_o         (write_strb),
      .write_done_i         (write_done[1]),
      .write_error_i        (write_error),
      .trace_sample_valid_o (sample_o),
      .trace_sample_flags_o (sample_flags_o),
      .trace_sample_number_o(sample_number_o)
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

endmodule

`resetall
