// SPDX-License-Identifier: Apache-2.0
//
// portcam_skid: a register slice with full throughput for a valid/ready stream.
//
// It cuts every path through it: m_valid_o, m_data_o and s_ready_o come straight from flip-flops,
// and no input reaches an output in the same clock. Promises: one beat in and one beat out a clock,
// latency one clock, beats leave in the order in which they came, none lost, none twice; m_valid_o
// and m_data_o hold until m_ready_i. Two beats of storage. It does not look into the data; put
// last, keep and user bits into Width. s_ready_o is high during reset; a beat offered during reset
// is not taken.

`default_nettype none

module portcam_skid #(
    parameter int unsigned Width = 64
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             s_valid_i,
    output logic             s_ready_o,
    input  logic [Width-1:0] s_data_i,
    output logic             m_valid_o,
    input  logic             m_ready_i,
    output logic [Width-1:0] m_data_o
);

  if (Width < 1) begin : g_bad_width
    $error("portcam_skid: Width must be at least 1");
  end

  // The output register, and the register that catches the one beat which arrives while the output
  // is stopped.
  logic             out_valid_q;
  logic [Width-1:0] out_data_q;
  logic             skid_valid_q;
  logic [Width-1:0] skid_data_q;

  logic push;
  logic out_free;

  assign s_ready_o = !skid_valid_q;
  assign m_valid_o = out_valid_q;
  assign m_data_o  = out_data_q;
  assign push      = s_valid_i && s_ready_o;
  assign out_free  = m_ready_i || !out_valid_q;

  always_ff @(posedge clk_i) begin
    if (out_free) begin
      out_valid_q  <= skid_valid_q || push;
      skid_valid_q <= 1'b0;
    end else if (push) begin
      skid_valid_q <= 1'b1;
    end
    if (!rst_ni) begin
      out_valid_q  <= 1'b0;
      skid_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (out_free && (skid_valid_q || s_valid_i)) begin
      out_data_q <= skid_valid_q ? skid_data_q : s_data_i;
    end
    if (push) begin
      skid_data_q <= s_data_i;
    end
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_skid_only_behind_full_output : assert (!skid_valid_q || out_valid_q);
    end
  end
`endif

endmodule

`resetall
