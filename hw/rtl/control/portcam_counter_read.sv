// SPDX-License-Identifier: Apache-2.0
//
// portcam_counter_read: counter rows into host memory, four to a beat of 64 bytes.
//
// valid_i with table, first row, count (1 to 1,024) and address (multiple of 64) is held until
// done_o pulses; error_o then tells that host memory could not be written, and the rows behind that
// beat were not. The next four rows are read while a beat is being written. The last beat may be
// short (byte strobes). Rows are read one at a time: read_valid_o pulses for one clock,
// read_table_o and read_row_o hold until read_done_i.

`default_nettype none

module portcam_counter_read (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic         valid_i,
    input  logic [3:0]   table_i,
    input  logic [15:0]  row_i,
    input  logic [10:0]  count_i,
    input  logic [63:0]  addr_i,
    output logic         done_o,
    output logic         error_o,
    output logic         rd_valid_o,
    output logic [3:0]   rd_table_o,
    output logic [15:0]  rd_row_o,
    input  logic         rd_done_i,
    input  logic [63:0]  rd_packets_i,
    input  logic [63:0]  rd_octets_i,
    output logic         beat_valid_o,
    input  logic         beat_ready_i,
    output logic [63:0]  beat_addr_o,
    output logic [511:0] beat_data_o,
    output logic [63:0]  beat_strb_o,
    input  logic         beat_done_i,
    input  logic         beat_error_i
);

  typedef enum logic [2:0] {
    StIdle = 3'd0,
    StAsk  = 3'd1,
    StRow  = 3'd2,  // a row is on its way
    StBeat = 3'd3,  // the beat waits for the write before it
    StLast = 3'd4,  // the last write waits for its answer
    StDone = 3'd5
  } state_e;

  state_e       state_q;
  logic [3:0]   table_q;
  logic [15:0]  row_q;
  logic [10:0]  left_q;
  logic [63:0]  addr_q;
  logic [1:0]   lane_q;
  logic [511:0] data_q;
  logic [3:0]   lanes_q;    // lanes of the beat that hold a row
  logic         writing_q;  // a beat was taken and has no answer yet
  logic         error_q;
  logic         answered;
  logic [63:0]  next_addr;

  portcam_address_sum u_next_addr (
      .clk_i    (clk_i),
      .base_i   (addr_q),
      .offset_i (32'd64),
      .address_o(next_addr)
  );

  assign answered = writing_q && beat_done_i;

  always_ff @(posedge clk_i) begin
    if (answered) begin
      writing_q <= 1'b0;
      error_q   <= error_q || beat_error_i;
    end
    unique case (state_q)
      StIdle: begin
        if (valid_i) begin
          state_q <= StAsk;
        end
        lane_q    <= 2'd0;
        error_q   <= 1'b0;
        writing_q <= 1'b0;
      end
      StAsk: begin
        state_q <= error_q ? StDone : StRow;
        left_q  <= left_q - 1'b1;
        if (lane_q == 2'd0) begin
          lanes_q <= 4'd0;
        end
      end
      StRow: begin
        if (rd_done_i) begin
          state_q         <= (lane_q == 2'd3 || left_q == '0) ? StBeat : StAsk;
          lanes_q[lane_q] <= 1'b1;
          lane_q          <= lane_q + 1'b1;
          row_q           <= row_q + 1'b1;
        end
      end
      StBeat: begin
        if (error_q) begin
          state_q <= StDone;
        end else if (beat_ready_i) begin
          state_q   <= left_q == '0 ? StLast : StAsk;
          writing_q <= 1'b1;
          addr_q    <= next_addr;
        end
      end
      StLast: begin
        if (answered) begin
          state_q <= StDone;
        end
      end
      StDone:  state_q <= StIdle;
      default: state_q <= StIdle;
    endcase
    if (state_q == StIdle) begin
      table_q <= table_i;
      row_q   <= row_i;
      left_q  <= count_i;
      addr_q  <= addr_i;
    end
    if (!rst_ni || flr_i) begin
      state_q   <= StIdle;
      writing_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < 4; i++) begin
      if (rd_done_i && lane_q == 2'(i)) begin
        data_q[128*i+:128] <= {rd_octets_i, rd_packets_i};
      end
    end
  end

  assign done_o       = state_q == StDone;
  assign error_o      = error_q;
  assign rd_valid_o   = state_q == StAsk && !error_q;
  assign rd_table_o   = table_q;
  assign rd_row_o     = row_q;
  assign beat_valid_o = state_q == StBeat && !error_q;
  assign beat_addr_o  = addr_q;
  assign beat_data_o  = data_q;
  assign beat_strb_o  = {{16{lanes_q[3]}}, {16{lanes_q[2]}}, {16{lanes_q[1]}}, {16{lanes_q[0]}}};

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !flr_i) begin
      a_count_is_not_zero : assert (state_q != StIdle || !valid_i || count_i != '0);
    end
  end
`endif

endmodule

`resetall
