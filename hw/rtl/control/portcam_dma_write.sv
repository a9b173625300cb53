// SPDX-License-Identifier: Apache-2.0
//
// portcam_dma_write: the one writer to host memory: row images, counter rows, connection images,
// states of backends, self-test data and completions.
//
// One beat of 64 bytes at a time (awlen is always 0, the address always a multiple of 64, parts by
// byte strobes). A request is taken when its valid and ready_o are high; done_o pulses when the
// answer has come, error_o tells an error response, and error_addr_o the address that was asked for
// (with its low bits). As only one write is in flight, a completion that is asked for after done_o
// of its data can never overtake them. At most one request is valid at a time; the order of the mux
// below decides if that should ever be otherwise.
//
// flr_i: a write on the bus goes on until its answer has come, without done_o; ready_o is low
// meanwhile.

`default_nettype none

module portcam_dma_write (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    output logic         ready_o,
    output logic         done_o,
    output logic         error_o,
    output logic [63:0]  error_addr_o,
    input  logic         image_valid_i,
    input  logic [63:0]  image_addr_i,
    input  logic [511:0] image_data_i,
    input  logic         test_valid_i,
    input  logic [63:0]  test_addr_i,
    input  logic [511:0] test_data_i,
    input  logic         counter_valid_i,
    input  logic [63:0]  counter_addr_i,
    input  logic [511:0] counter_data_i,
    input  logic [63:0]  counter_strb_i,
    input  logic         connection_valid_i,
    input  logic [63:0]  connection_addr_i,
    input  logic [511:0] connection_data_i,
    input  logic         backend_valid_i,
    input  logic [63:0]  backend_addr_i,
    input  logic [511:0] backend_data_i,
    input  logic         completion_valid_i,
    input  logic [63:0]  completion_addr_i,
    input  logic [511:0] completion_data_i,
    input  logic [63:0]  completion_strb_i,
    output logic [63:0]  m_axi_awaddr_o,
    output logic [7:0]   m_axi_awlen_o,
    output logic         m_axi_awvalid_o,
    input  logic         m_axi_awready_i,
    output logic [511:0] m_axi_wdata_o,
    output logic [63:0]  m_axi_wstrb_o,
    output logic         m_axi_wlast_o,
    output logic         m_axi_wvalid_o,
    input  logic         m_axi_wready_i,
    input  logic [1:0]   m_axi_bresp_i,
    input  logic         m_axi_bvalid_i,
    output logic         m_axi_bready_o
);

  logic         busy_q;      // a write is in flight
  logic         forgotten_q; // nobody waits for its answer any more
  logic         awvalid_q;
  logic         wvalid_q;
  logic [63:0]  addr_q;
  logic [511:0] data_q;
  logic [63:0]  strb_q;
  logic         any_valid;
  logic         take;
  logic         answer;

  assign any_valid = image_valid_i || test_valid_i || counter_valid_i || connection_valid_i ||
                     backend_valid_i || completion_valid_i;
  assign ready_o   = !busy_q;
  assign take      = any_valid && ready_o && !flr_i;
  assign answer    = m_axi_bvalid_i && m_axi_bready_o;

  always_ff @(posedge clk_i) begin
    if (m_axi_awready_i) begin
      awvalid_q <= 1'b0;
    end
    if (m_axi_wready_i) begin
      wvalid_q <= 1'b0;
    end
    if (answer) begin
      busy_q      <= 1'b0;
      forgotten_q <= 1'b0;
    end else if (flr_i && busy_q) begin
      forgotten_q <= 1'b1;
    end
    if (take) begin
      busy_q    <= 1'b1;
      awvalid_q <= 1'b1;
      wvalid_q  <= 1'b1;
    end
    if (!rst_ni) begin
      busy_q      <= 1'b0;
      forgotten_q <= 1'b0;
      awvalid_q   <= 1'b0;
      wvalid_q    <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (ready_o) begin
      if (image_valid_i) begin
        addr_q <= image_addr_i;
        data_q <= image_data_i;
        strb_q <= '1;
      end else if (test_valid_i) begin
        addr_q <= test_addr_i;
        data_q <= test_data_i;
        strb_q <= '1;
      end else if (counter_valid_i) begin
        addr_q <= counter_addr_i;
        data_q <= counter_data_i;
        strb_q <= counter_strb_i;
      end else if (connection_valid_i) begin
        addr_q <= connection_addr_i;
        data_q <= connection_data_i;
        strb_q <= '1;
      end else if (backend_valid_i) begin
        addr_q <= backend_addr_i;
        data_q <= backend_data_i;
        strb_q <= '1;
      end else begin
        addr_q <= completion_addr_i;
        data_q <= completion_data_i;
        strb_q <= completion_strb_i;
      end
    end
  end

  assign done_o          = answer && !forgotten_q;
  assign error_o         = m_axi_bresp_i[1];
  assign error_addr_o    = addr_q;
  assign m_axi_awaddr_o  = {addr_q[63:6], 6'b0};
  assign m_axi_awlen_o   = 8'd0;
  assign m_axi_awvalid_o = awvalid_q;
  assign m_axi_wdata_o   = data_q;
  assign m_axi_wstrb_o   = strb_q;
  assign m_axi_wlast_o   = 1'b1;
  assign m_axi_wvalid_o  = wvalid_q;
  assign m_axi_bready_o  = busy_q && !awvalid_q && !wvalid_q;

  logic unused_response_bit;
  assign unused_response_bit = m_axi_bresp_i[0];

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_one_request_at_a_time :
      assert (3'(image_valid_i) + 3'(test_valid_i) + 3'(counter_valid_i) +
              3'(connection_valid_i) + 3'(backend_valid_i) + 3'(completion_valid_i) <= 3'd1);
      a_answer_only_when_asked : assert (!m_axi_bvalid_i || busy_q);
    end
  end
`endif

endmodule

`resetall
