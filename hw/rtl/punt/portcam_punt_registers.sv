// SPDX-License-Identifier: Apache-2.0
//
// portcam_punt_registers: the pages of the punt and the inject ring, and the arming of vector 2.
//
// page_*: the bus of portcam_registers; page_word_o is 0 where the register is not of these pages.
// A rising ENABLE sets PUNT_HEAD or INJECT_DOORBELL to 0 in the same clock and disarms.
// punt_head_write_o is high in the clock in which a new PUNT_HEAD is first seen. raise_o: vector 2.

`default_nettype none

module portcam_punt_registers (
    input  logic        clk_i,
    input  logic        rst_ni,
    input  logic        flr_i,
    input  logic        page_write_i,
    input  logic [15:0] page_write_addr_i,
    input  logic [31:0] page_write_data_i,
    input  logic        page_read_i,
    input  logic [15:0] page_read_addr_i,
    output logic [31:0] page_word_o,
    // What the host has set.
    output logic [63:0] punt_base_o,
    output logic [7:0]  punt_log2_o,
    output logic        punt_enable_o,
    output logic        punt_rise_o,
    output logic [31:0] punt_head_o,
    output logic        punt_head_write_o,
    output logic [63:0] inject_base_o,
    output logic [7:0]  inject_log2_o,
    output logic        inject_enable_o,
    output logic        inject_rise_o,
    output logic [31:0] inject_doorbell_o,
    // State that is only shown.
    input  logic [9:0]  punt_status_i,    // reason, error, running
    input  logic [31:0] punt_tail_i,
    input  logic [31:0] punt_dropped_i,
    input  logic [9:0]  inject_status_i,
    input  logic [31:0] inject_head_i,
    input  logic [31:0] inject_refused_i,
    output logic        raise_o
);

  logic [31:0] punt_base_lo_q;
  logic [31:0] punt_base_hi_q;
  logic [7:0]  punt_log2_q;
  logic        punt_enable_q;
  logic        punt_rise_q;
  logic [31:0] punt_head_q;
  logic        punt_head_write_q;
  logic [31:0] punt_arm_q;
  logic        punt_arm_write_q;
  logic [31:0] inject_base_lo_q;
  logic [31:0] inject_base_hi_q;
  logic [7:0]  inject_log2_q;
  logic        inject_enable_q;
  logic        inject_rise_q;
  logic [31:0] inject_doorbell_q;
  logic        punt_rise;
  logic        inject_rise;

  assign punt_rise   = page_write_i && page_write_addr_i == portcam_pkg::RegPuntControl &&
                       page_write_data_i[portcam_pkg::PuntControlEnableLsb] && !punt_enable_q;
  assign inject_rise = page_write_i && page_write_addr_i == portcam_pkg::RegInjectControl &&
                       page_write_data_i[portcam_pkg::InjectControlEnableLsb] && !inject_enable_q;

  always_ff @(posedge clk_i) begin
    punt_rise_q       <= punt_rise;
    inject_rise_q     <= inject_rise;
    punt_head_write_q <= page_write_i && page_write_addr_i == portcam_pkg::RegPuntHead;
    punt_arm_write_q  <= page_write_i && page_write_addr_i == portcam_pkg::RegPuntArm;
    if (page_write_i) begin
      case (page_write_addr_i)
        portcam_pkg::RegPuntBaseLo:     punt_base_lo_q    <= page_write_data_i;
        portcam_pkg::RegPuntBaseHi:     punt_base_hi_q    <= page_write_data_i;
        portcam_pkg::RegPuntSize:       punt_log2_q       <= page_write_data_i[7:0];
        portcam_pkg::RegPuntControl:    punt_enable_q     <= page_write_data_i[0];
        portcam_pkg::RegPuntHead:       punt_head_q       <= page_write_data_i;
        portcam_pkg::RegPuntArm:        punt_arm_q        <= page_write_data_i;
        portcam_pkg::RegInjectBaseLo:   inject_base_lo_q  <= page_write_data_i;
        portcam_pkg::RegInjectBaseHi:   inject_base_hi_q  <= page_write_data_i;
        portcam_pkg::RegInjectSize:     inject_log2_q     <= page_write_data_i[7:0];
        portcam_pkg::RegInjectControl:  inject_enable_q   <= page_write_data_i[0];
        portcam_pkg::RegInjectDoorbell: inject_doorbell_q <= page_write_data_i;
        default: begin
        end
      endcase
    end
    if (punt_rise) begin
      punt_head_q <= '0;
    end
    if (inject_rise) begin
      inject_doorbell_q <= '0;
    end
    if (!rst_ni || flr_i) begin
      punt_base_lo_q    <= '0;
      punt_base_hi_q    <= '0;
      punt_log2_q       <= '0;
      punt_enable_q     <= 1'b0;
      punt_rise_q       <= 1'b0;
      punt_head_q       <= '0;
      punt_head_write_q <= 1'b0;
      punt_arm_q        <= '0;
      punt_arm_write_q  <= 1'b0;
      inject_base_lo_q  <= '0;
      inject_base_hi_q  <= '0;
      inject_log2_q     <= '0;
      inject_enable_q   <= 1'b0;
      inject_rise_q     <= 1'b0;
      inject_doorbell_q <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Arming. The difference is one clock late, so it belongs to the index only from the second clock
  // of arm on.

  logic        armed_q;
  logic [31:0] ahead;
  logic        beyond_q;
  logic        fire;

  assign ahead   = punt_tail_i - punt_arm_q;
  assign fire    = armed_q && !punt_arm_write_q && beyond_q && !punt_rise_q;
  assign raise_o = fire;

  always_ff @(posedge clk_i) begin
    beyond_q <= armed_q && !punt_arm_write_q && !punt_rise_q && !ahead[31] && ahead != '0;
    if (punt_arm_write_q) begin
      armed_q <= 1'b1;
    end else if (punt_rise_q || fire) begin
      armed_q <= 1'b0;
    end
    if (!rst_ni || flr_i) begin
      armed_q  <= 1'b0;
      beyond_q <= 1'b0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Reads.

  logic [31:0] word_q;

  function automatic logic [31:0] status(input logic [9:0] state);
    status = {16'b0, state[9:2], 6'b0, state[1:0]};
  endfunction

  always_ff @(posedge clk_i) begin
    if (page_read_i) begin
      case (page_read_addr_i)
        portcam_pkg::RegPuntBaseLo:     word_q <= punt_base_lo_q;
        portcam_pkg::RegPuntBaseHi:     word_q <= punt_base_hi_q;
        portcam_pkg::RegPuntSize:       word_q <= {24'b0, punt_log2_q};
        portcam_pkg::RegPuntControl:    word_q <= {31'b0, punt_enable_q};
        portcam_pkg::RegPuntStatus:     word_q <= status(punt_status_i);
        portcam_pkg::RegPuntTail:       word_q <= punt_tail_i;
        portcam_pkg::RegPuntHead:       word_q <= punt_head_q;
        portcam_pkg::RegPuntDropped:    word_q <= punt_dropped_i;
        portcam_pkg::RegPuntArm:        word_q <= punt_arm_q;
        portcam_pkg::RegInjectBaseLo:   word_q <= inject_base_lo_q;
        portcam_pkg::RegInjectBaseHi:   word_q <= inject_base_hi_q;
        portcam_pkg::RegInjectSize:     word_q <= {24'b0, inject_log2_q};
        portcam_pkg::RegInjectControl:  word_q <= {31'b0, inject_enable_q};
        portcam_pkg::RegInjectStatus:   word_q <= status(inject_status_i);
        portcam_pkg::RegInjectDoorbell: word_q <= inject_doorbell_q;
        portcam_pkg::RegInjectHead:     word_q <= inject_head_i;
        portcam_pkg::RegInjectRefused:  word_q <= inject_refused_i;
        default:                        word_q <= '0;
      endcase
    end
  end

  assign page_word_o       = word_q;
  assign punt_base_o       = {punt_base_hi_q, punt_base_lo_q};
  assign punt_log2_o       = punt_log2_q;
  assign punt_enable_o     = punt_enable_q;
  assign punt_rise_o       = punt_rise_q;
  assign punt_head_o       = punt_head_q;
  assign punt_head_write_o = punt_head_write_q;
  assign inject_base_o     = {inject_base_hi_q, inject_base_lo_q};
  assign inject_log2_o     = inject_log2_q;
  assign inject_enable_o   = inject_enable_q;
  assign inject_rise_o     = inject_rise_q;
  assign inject_doorbell_o = inject_doorbell_q;

endmodule

`resetall
