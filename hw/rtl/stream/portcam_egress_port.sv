// SPDX-License-Identifier: Apache-2.0
//
// portcam_egress_port: one output of the egress: merges whole frames of four streams: those of the
// net side, those of the host side, the answers that the card makes, and what the host injects.
//
// A stream is chosen at the first beat of a frame and kept until its last beat. When several have a
// frame ready, they take turns in the order net, host, answers, injected; a stream alone is served
// without a bubble. m_user_o is the number of the stream in this order.
// Latency one clock, one beat a clock.

`default_nettype none

module portcam_egress_port #(
    parameter int unsigned Width = 512 + 64 + 8  // tdest, tkeep, tdata
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             net_valid_i,     // a beat for this output
    output logic             net_ready_o,
    input  logic [Width-1:0] net_data_i,
    input  logic             net_last_i,
    input  logic             host_valid_i,
    output logic             host_ready_o,
    input  logic [Width-1:0] host_data_i,
    input  logic             host_last_i,
    input  logic             answer_valid_i,
    output logic             answer_ready_o,
    input  logic [Width-1:0] answer_data_i,
    input  logic             answer_last_i,
    input  logic             inject_valid_i,
    output logic             inject_ready_o,
    input  logic [Width-1:0] inject_data_i,
    input  logic             inject_last_i,
    output logic             m_valid_o,
    input  logic             m_ready_i,
    output logic [Width-1:0] m_data_o,
    output logic             m_last_o,
    output logic [1:0]       m_user_o
);

  localparam logic [3:0] Net    = 4'b0001;
  localparam logic [3:0] Host   = 4'b0010;
  localparam logic [3:0] Answer = 4'b0100;
  localparam logic [3:0] Inject = 4'b1000;

  logic             inside_q;  // between the first and the last beat of a frame
  logic [3:0]       owner_q;   // stream of this frame, or of the one before; one bit is set
  logic [3:0]       valids;
  logic [3:0]       next;      // the stream whose turn it is
  logic [3:0]       pick;
  logic             valid;
  logic             ready;
  logic             last;
  logic [Width-1:0] data;

  assign valids = {inject_valid_i, answer_valid_i, host_valid_i, net_valid_i};

  always_comb begin
    unique case (owner_q)
      Net:     next = valids[1] ? Host : valids[2] ? Answer : valids[3] ? Inject : Net;
      Host:    next = valids[2] ? Answer : valids[3] ? Inject : valids[0] ? Net : Host;
      Answer:  next = valids[3] ? Inject : valids[0] ? Net : valids[1] ? Host : Answer;
      default: next = valids[0] ? Net : valids[1] ? Host : valids[2] ? Answer : Inject;
    endcase
  end

  assign pick  = inside_q ? owner_q : next;
  assign valid = |(valids & pick);
  assign last  = |({inject_last_i, answer_last_i, host_last_i, net_last_i} & pick);
  assign data  = ({Width{pick[0]}} & net_data_i) | ({Width{pick[1]}} & host_data_i) |
                 ({Width{pick[2]}} & answer_data_i) | ({Width{pick[3]}} & inject_data_i);

  assign net_ready_o    = ready && pick[0];
  assign host_ready_o   = ready && pick[1];
  assign answer_ready_o = ready && pick[2];
  assign inject_ready_o = ready && pick[3];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inside_q <= 1'b0;
      owner_q  <= Inject;
    end else if (valid && ready) begin
      inside_q <= !last;
      owner_q  <= pick;
    end
  end

  portcam_skid #(
      .Width(Width + 3)
  ) u_output (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(valid),
      .s_ready_o(ready),
      .s_data_i ({pick[2] || pick[3], pick[1] || pick[3], last, data}),
      .m_valid_o(m_valid_o),
      .m_ready_i(m_ready_i),
      .m_data_o ({m_user_o, m_last_o, m_data_o})
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      a_one_owner : assert ($onehot(owner_q));
    end
  end
`endif

endmodule

`resetall
