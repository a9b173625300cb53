// SPDX-License-Identifier: Apache-2.0
//
// portcam_arbiter2: one grant at most, only to who asks, always when somebody asks, and a request that is held
// sees at most one grant of the other side used before its own.

module arbiter2_proof (
    input logic       clk_i,
    input logic       rst_ni,
    input logic [1:0] req_i,
    input logic       advance_i
);
  logic [1:0] grant;
  (* hidden = "u_dut.turn_q" *)
  logic hidden_turn;
  logic [1:0] lost_q;            // the side asked and saw one grant of the other used
  logic       started_q = 1'b0;

  portcam_arbiter2 u_dut (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (req_i),
      .grant_o  (grant),
      .advance_i(advance_i)
  );

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < 2; i++) begin
      if (!rst_ni || !req_i[i] || (grant[i] && advance_i)) begin
        lost_q[i] <= 1'b0;
      end else if (grant[1-i] && advance_i) begin
        lost_q[i] <= 1'b1;
      end
    end
    if (!rst_ni) begin
      started_q <= 1'b1;
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    a_at_most_one : assert (grant != 2'b11);
    a_only_who_asks : assert ((grant & ~req_i) == 2'b00);
    a_always_one : assert (req_i == 2'b00 || grant != 2'b00);
    if (started_q) begin
      a_turn_of_who_lost : assert (!(lost_q[0] && hidden_turn) && !(lost_q[1] && !hidden_turn));
      a_fair_0 : assert (!(lost_q[0] && req_i[0] && grant[1]));
      a_fair_1 : assert (!(lost_q[1] && req_i[1] && grant[0]));
    end
  end

  always_ff @(posedge clk_i) begin
    c_turns : cover (started_q && lost_q[1] && req_i == 2'b11 && grant == 2'b10);
  end
endmodule
