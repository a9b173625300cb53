// SPDX-License-Identifier: Apache-2.0
//
// portcam_trace_registers: the page of the trace ring.
//
// page_*: the bus of portcam_registers; page_word_o is 0 where the register is not of this page. All
// but CONTROL and HEAD keep their value while ENABLE is 1. A rising ENABLE sets TRACE_HEAD to 0 in the
// same clock. head_write_o is high in the clock in which a new TRACE_HEAD is first seen. filter_o: the
// registers from TRACE_EVERY to TRACE_PORT_MASKS, the first in the lowest bits.

`default_nettype none

module portcam_trace_registers (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         flr_i,
    input  logic         page_write_i,
    input  logic [15:0]  page_write_addr_i,
    input  logic [31:0]  page_write_data_i,
    input  logic         page_read_i,
    input  logic [15:0]  page_read_addr_i,
    output logic [31:0]  page_word_o,
    // What the host has set.
    output logic [63:0]  base_o,
    output logic [7:0]   log2_o,
    output logic         enable_o,
    output logic         rise_o,
    output logic [31:0]  head_o,
    output logic         head_write_o,
    output logic [767:0] filter_o,
    // State that is only shown.
    input  logic [9:0]   status_i,  // reason, error, running
    input  logic [31:0]  tail_i,
    input  logic [31:0]  matched_i,
    input  logic [31:0]  limited_i,
    input  logic [31:0]  lost_i
);

  localparam int unsigned Words = 24;

  logic [31:0]         base_lo_q;
  logic [31:0]         base_hi_q;
  logic [7:0]          log2_q;
  logic                enable_q;
  logic                rise_q;
  logic [31:0]         head_q;
  logic                head_write_q;
  logic [Words*32-1:0] filter_q;
  logic                here;
  logic                rise;
  logic [4:0]          write_word;
  logic [4:0]          read_word;
  logic                of_filter;
  logic [31:0]         kept;       // bits that the register has

  assign here = page_write_i && page_write_addr_i[15:8] == portcam_pkg::RegTraceBaseLo[15:8];
  assign rise = page_write_i && page_write_addr_i == portcam_pkg::RegTraceControl &&
                page_write_data_i[portcam_pkg::TraceControlEnableLsb] && !enable_q;

  // Words of the filter begin at byte 0x28 of the page.
  assign write_word = 5'(page_write_addr_i[7:2] - 6'(portcam_pkg::RegTraceEvery[7:2]));
  assign read_word  = 5'(page_read_addr_i[7:2] - 6'(portcam_pkg::RegTraceEvery[7:2]));
  assign of_filter  = page_read_addr_i >= portcam_pkg::RegTraceEvery &&
                      page_read_addr_i <= portcam_pkg::RegTracePortMasks;

  always_comb begin
    case (page_write_addr_i)
      portcam_pkg::RegTraceEvery, portcam_pkg::RegTraceRate,
      portcam_pkg::RegTraceBurst:  kept = 32'h0000_FFFF;
      portcam_pkg::RegTraceFilter: kept = 32'h001F_FFFF;
      default:                     kept = 32'hFFFF_FFFF;
    endcase
  end

  always_ff @(posedge clk_i) begin
    rise_q       <= rise;
    head_write_q <= page_write_i && page_write_addr_i == portcam_pkg::RegTraceHead;
    if (here && !enable_q) begin
      case (page_write_addr_i)
        portcam_pkg::RegTraceBaseLo: base_lo_q <= page_write_data_i;
        portcam_pkg::RegTraceBaseHi: base_hi_q <= page_write_data_i;
        portcam_pkg::RegTraceSize:   log2_q    <= page_write_data_i[7:0];
        default: begin
        end
      endcase
      for (int unsigned i = 0; i < Words; i++) begin
        if (page_write_addr_i >= portcam_pkg::RegTraceEvery && write_word == 5'(i) &&
            page_write_addr_i <= portcam_pkg::RegTracePortMasks) begin
          filter_q[i*32+:32] <= page_write_data_i & kept;
        end
      end
    end
    if (here && page_write_addr_i == portcam_pkg::RegTraceControl) begin
      enable_q <= page_write_data_i[portcam_pkg::TraceControlEnableLsb];
    end
    if (here && page_write_addr_i == portcam_pkg::RegTraceHead) begin
      head_q <= page_write_data_i;
    end
    if (rise) begin
      head_q <= '0;
    end
    if (!rst_ni || flr_i) begin
      base_lo_q    <= '0;
      base_hi_q    <= '0;
      log2_q       <= '0;
      enable_q     <= 1'b0;
      rise_q       <= 1'b0;
      head_q       <= '0;
      head_write_q <= 1'b0;
      filter_q     <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Reads.

  logic [31:0] word_q;

  always_ff @(posedge clk_i) begin
    if (page_read_i) begin
      case (page_read_addr_i)
        portcam_pkg::RegTraceBaseLo:  word_q <= base_lo_q;
        portcam_pkg::RegTraceBaseHi:  word_q <= base_hi_q;
        portcam_pkg::RegTraceSize:    word_q <= {24'b0, log2_q};
        portcam_pkg::RegTraceControl: word_q <= {31'b0, enable_q};
        portcam_pkg::RegTraceStatus:  word_q <= {16'b0, status_i[9:2], 6'b0, status_i[1:0]};
        portcam_pkg::RegTraceTail:    word_q <= tail_i;
        portcam_pkg::RegTraceHead:    word_q <= head_q;
        portcam_pkg::RegTraceMatched: word_q <= matched_i;
        portcam_pkg::RegTraceLimited: word_q <= limited_i;
        portcam_pkg::RegTraceLost:    word_q <= lost_i;
        default:                      word_q <= of_filter ? filter_q[read_word*32+:32] : '0;
      endcase
    end
  end

  assign page_word_o  = word_q;
  assign base_o       = {base_hi_q, base_lo_q};
  assign log2_o       = log2_q;
  assign enable_o     = enable_q;
  assign rise_o       = rise_q;
  assign head_o       = head_q;
  assign head_write_o = head_write_q;
  assign filter_o     = filter_q;

endmodule

`resetall
