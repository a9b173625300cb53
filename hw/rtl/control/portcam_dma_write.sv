// SPDX-License-Identifier: Apache-2.0
//
// portcam_dma_write: what commands write to host memory: row images, counter rows, connection
// images, states of backends, sums of the mirror, self-test data and completions.
//
// One beat of 64 bytes at a time, for portcam_write_arbiter (the address always a multiple of 64,
// parts by byte strobes). A request is taken when its valid and ready_o are high; done_o pulses when the
// answer has come, error_o tells an error response, and error_addr_o the address that was asked for
// (with its low bits). As only one write is in flight, a completion that is asked for after done_o
// of its data can never overtake them. At most one request is valid at a time; the order of the mux
// below decides if that should ever be otherwise.
//
// flr_i: a write that was offered goes on until its answer has come, without done_o; ready_o is low
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
    input  logic         sum_valid_i,
    input  logic [63:0]  sum_addr_i,
    input  logic [511:0] sum_data_i,
    input  logic         completion_valid_i,
    input  logic [63:0]  completion_addr_i,
    input  logic [511:0] completion_data_i,
    input  logic [63:0]  completion_strb_i,
    output logic         beat_valid_o,
    input  logic         beat_ready_i,
    output logic [63:0]  beat_addr_o,
    output logic [511:0] beat_data_o,
    output logic [63:0]  beat_strb_o,
    input  logic         beat_done_i,
    input  logic         beat_error_i
);

  logic         busy_q;      // a write is in flight
  logic         forgotten_q; // nobody waits for its answer any more
  logic         valid_q;     // it is offered
  logic [63:0]  addr_q;
  logic [511:0] data_q;
  logic [63:0]  strb_q;
  logic         any_valid;
  logic         take;

  assign any_valid = image_valid_i || test_valid_i || counter_valid_i || connection_valid_i ||
                     backend_valid_i || sum_valid_i || completion_valid_i;
  assign ready_o   = !busy_q;
  assign take      = any_valid && ready_o && !flr_i;

  always_ff @(posedge clk_i) begin
    if (beat_ready_i) begin
      valid_q <= 1'b0;
    end
    if (beat_done_i) begin
      busy_q      <= 1'b0;
      forgotten_q <= 1'b0;
    end else if (flr_i && busy_q) begin
      forgotten_q <= 1'b1;
    end
    if (take) begin
      busy_q  <= 1'b1;
      valid_q <= 1'b1;
    end
    if (!rst_ni) begin
      busy_q      <= 1'b0;
      forgotten_q <= 1'b0;
      valid_q     <= 1'b0;
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
      end else if (sum_valid_i) begin
        addr_q <= sum_addr_i;
        data_q <= sum_data_i;
        strb_q <= '1;
      end else begin
        addr_q <= completion_addr_i;
        data_q <= completion_data_i;
        strb_q <= completion_strb_i;
      end
    end
  end

  assign done_o       = beat_done_i && !forgotten_q;
  assign error_o      = beat_error_i;
  assign error_addr_o = addr_q;
  assign beat_valid_o = valid_q;
  assign beat_addr_o  = {addr_q[63:6], 6'b0};
  assign beat_data_o  = data_q;
  assign beat_strb_o  = strb_q;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_one_request_at_a_time :
      assert (3'(image_valid_i) + 3'(test_valid_i) + 3'(counter_valid_i) +
              3'(connection_valid_i) + 3'(backend_valid_i) + 3'(sum_valid_i) +
              3'(completion_valid_i) <= 3'd1);
      a_answer_only_when_asked : assert (!beat_done_i || (busy_q && !valid_q));
    end
  end
`endif

endmodule

`resetall
