// SPDX-License-Identifier: Apache-2.0
//
// portcam_skid is a queue of two beats: its outputs are those of a queue in every clock, for all inputs, with
// resets at any time. So no beat is lost, doubled or overtaken, beats hold until taken, and ready is
// low only with two beats inside. hidden_* are registers of the DUT, connected by hw/formal/run.

module skid_proof #(
    parameter int unsigned Width = 3
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             s_valid_i,
    input logic [Width-1:0] s_data_i,
    input logic             m_ready_i
);
  logic             s_ready;
  logic             m_valid;
  logic [Width-1:0] m_data;
  (* hidden = "u_dut.skid_data_q" *)
  logic [Width-1:0] hidden_skid_data;

  portcam_skid #(
      .Width(Width)
  ) u_dut (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(s_valid_i),
      .s_ready_o(s_ready),
      .s_data_i (s_data_i),
      .m_valid_o(m_valid),
      .m_ready_i(m_ready_i),
      .m_data_o (m_data)
  );

  // The queue.
  logic [1:0]       count_q;
  logic [Width-1:0] first_q;
  logic [Width-1:0] second_q;
  logic             started_q = 1'b0;  // a reset was seen
  logic             push;
  logic             pop;

  assign push = s_valid_i && count_q != 2'd2;
  assign pop  = m_ready_i && count_q != 2'd0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      started_q <= 1'b1;
      count_q   <= 2'd0;
    end else begin
      count_q <= count_q + 2'(push) - 2'(pop);
      if (pop) begin
        first_q <= second_q;
      end
      if (push && count_q - 2'(pop) == 2'd0) begin
        first_q <= s_data_i;
      end
      if (push && count_q - 2'(pop) == 2'd1) begin
        second_q <= s_data_i;
      end
    end
  end

  always_comb begin
    if (started_q) begin
      a_count : assert (count_q <= 2'd2);
      a_valid_with_a_beat : assert (m_valid == (count_q != 2'd0));
      a_ready_with_room : assert (s_ready == (count_q != 2'd2));
      a_oldest_beat_first : assert (count_q == 2'd0 || m_data == first_q);
      a_second_beat_kept : assert (count_q != 2'd2 || hidden_skid_data == second_q);
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
  end

  always_ff @(posedge clk_i) begin
    c_full : cover (started_q && count_q == 2'd2 && pop);
  end
endmodule
