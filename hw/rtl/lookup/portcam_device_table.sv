// SPDX-License-Identifier: Apache-2.0
//
// portcam_device_table: the one row of the device, its own MAC, in two banks of flip-flops.
//
// Both banks are always on the outputs; the reader takes that of its packet. Host port: req_valid_i
// for one clock; done_o pulses in the next clock, when a write is seen on the outputs, for a read
// with the row (zeros for an empty one). init_i empties both banks in that clock.

`default_nettype none

module portcam_device_table (
    input  logic         clk_i,
    input  logic         rst_ni,
    output logic [1:0]   device_present_o,
    output logic [95:0]  device_mac_o,  // bank 0 in the low half
    input  logic         req_valid_i,
    input  logic         req_write_i,
    input  logic         req_bank_i,
    input  logic         req_present_i,
    input  logic [383:0] req_data_i,
    output logic         done_o,
    output logic         present_o,
    output logic [383:0] data_o,
    input  logic         init_i
);

  portcam_pkg::device_row_t in_row;
  portcam_pkg::device_row_t out;
  logic                     unused_in;
  logic [1:0]               present_q;
  logic [95:0]              mac_q;
  logic                     bank_q;
  logic                     done_q;

  assign in_row    = req_data_i;
  assign unused_in = ^in_row;

  always_ff @(posedge clk_i) begin
    done_q <= req_valid_i;
    bank_q <= req_bank_i;
    if (req_valid_i && req_write_i) begin
      if (req_bank_i) begin
        present_q[1] <= req_present_i;
        mac_q[95:48] <= req_present_i ? in_row.mac : 48'd0;
      end else begin
        present_q[0] <= req_present_i;
        mac_q[47:0]  <= req_present_i ? in_row.mac : 48'd0;
      end
    end
    if (!rst_ni || init_i) begin
      present_q <= '0;
      mac_q     <= '0;
    end
    if (!rst_ni) begin
      done_q <= 1'b0;
    end
  end

  always_comb begin
    out     = '0;
    out.mac = bank_q ? mac_q[95:48] : mac_q[47:0];
  end

  assign device_present_o = present_q;
  assign device_mac_o     = mac_q;
  assign done_o           = done_q;
  assign present_o        = present_q[bank_q];
  assign data_o           = out;

endmodule

`resetall
