// SPDX-License-Identifier: Apache-2.0
//
// portcam_turns: one grant at most, only to who asks, always when somebody asks, and a request that is held sees
// at most one grant of each other side used before its own.

module turns_proof #(
    parameter int unsigned Sources = 3
) (
    input logic               clk_i,
    input logic               rst_ni,
    input logic [Sources-1:0] req_i,
    input logic               use_i
);
  logic [Sources-1:0] grant;
  logic               advance;
  (* hidden = "u_dut.turn_q" *)
  logic [Sources-1:0] hidden_turn;
  logic [3:0]         lost_q [Sources];  // grants of others that were used while the side asks
  logic [Sources-1:0] unfair;
  logic [Sources-1:0] too_far;           // the turn comes to it too late for the grants that it lost
  logic               started_q = 1'b0;

  assign advance = use_i && req_i != '0;

  portcam_turns #(
      .Sources(Sources)
  ) u_dut (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (req_i),
      .grant_o  (grant),
      .advance_i(advance)
  );

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < Sources; i++) begin
      if (!rst_ni || !req_i[i] || (grant[i] && advance)) begin
        lost_q[i] <= 4'd0;
      end else if (advance) begin
        lost_q[i] <= lost_q[i] + 4'd1;
      end
    end
    if (!rst_ni) begin
      started_q <= 1'b1;
    end
  end

  always_comb begin
    unfair  = '0;
    too_far = '0;
    for (int unsigned i = 0; i < Sources; i++) begin
      unfair[i] = lost_q[i] >= 4'(Sources);
      for (int unsigned t = 0; t < Sources; t++) begin
        // Each grant of another brings the turn nearer.
        if (hidden_turn[t] && lost_q[i] + 4'((i + Sources - t) % Sources) >= 4'(Sources)) begin
          too_far[i] = 1'b1;
        end
      end
    end
  end

  always_comb begin
    assume (started_q || !rst_ni);
    if (started_q) begin
      a_one_turn : assert (hidden_turn != '0 && (hidden_turn & (hidden_turn - 1'b1)) == '0);
      a_at_most_one : assert ((grant & (grant - 1'b1)) == '0);
      a_only_who_asks : assert ((grant & ~req_i) == '0);
      a_always_one : assert (req_i == '0 || grant != '0);
      a_fair : assert (unfair == '0);
      a_turn_comes_nearer : assert (too_far == '0);
    end
  end

  always_ff @(posedge clk_i) begin
    c_last : cover (started_q && lost_q[0] == 4'(Sources - 1) && req_i[0] && grant[0] && advance);
  end
endmodule
