// SPDX-License-Identifier: Apache-2.0
//
// portcam_egress_port: one output of the egress: merges whole frames of two streams.
//
// A stream is chosen at the first beat of a frame and kept until its last beat. When both have a
// frame ready, the one that did not send the frame before goes first; a stream alone is served
// without a bubble. tuser of the output tells the stream: 0 the net side, 1 the host side. Latency
// one clock, one beat a clock.

`default_nettype none

module portcam_egress_port #(
    parameter int unsigned Width = 512 + 64 + 8  // tdest, tkeep, tdata
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             net_valid_i,   // a beat for this output
    output logic             net_ready_o,
    input  logic [Width-1:0] net_data_i,
    input  logic             net_last_i,
    input  logic             host_valid_i,
    output logic             host_ready_o,
    input  logic [Width-1:0] host_data_i,
    input  logic             host_last_i,
    output logic             m_valid_o,
    input  logic             m_ready_i,
    output logic [Width-1:0] m_data_o,
    output logic             m_last_o,
    output logic             m_user_o
);

  logic inside_q;  // between the first and the last beat of a frame
  logic owner_q;   // stream of this frame, or of the one before
  logic pick;      // 1 the host side
  logic valid;
  logic ready;
  logic last;

  assign pick  = inside_q ? owner_q : (net_valid_i && host_valid_i) ? !owner_q : host_valid_i;
  assign valid = pick ? host_valid_i : net_valid_i;
  assign last  = pick ? host_last_i : net_last_i;

  assign net_ready_o  = ready && !pick;
  assign host_ready_o = ready && pick;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      inside_q <= 1'b0;
      owner_q  <= 1'b0;
    end else if (valid && ready) begin
      inside_q <= !last;
      owner_q  <= pick;
    end
  end

  portcam_skid #(
      .Width(Width + 2)
  ) u_output (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .s_valid_i(valid),
      .s_ready_o(ready),
      .s_data_i ({pick, last, pick ? host_data_i : net_data_i}),
      .m_valid_o(m_valid_o),
      .m_ready_i(m_ready_i),
      .m_data_o ({m_user_o, m_last_o, m_data_o})
  );

endmodule

`resetall
