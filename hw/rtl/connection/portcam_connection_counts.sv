// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_counts: packets and octets of records. It follows the decision by one clock, so
// that a sum and a decision are never in one clock: all that portcam_connection_newest and
// _prepare found for the records themselves is used here one clock later.
//
// newest_live_i: counts_i, what the state memory said, or those of event newest_i (one hot, or none:
// bit n for the one decided n + 3 clocks ago), or with newest_this_i those of the event decided 2
// clocks ago. One clock later ready_live_i, with ready_this_i for the event of 2 clocks before. One
// more, after_live_i, with after_this_i, the clock behind the operation's decision: what the
// operation does. One clock after that: before_o and after_o, the counts
// before and behind the operation; valid_i: the decision is an event, which this remembers.

`default_nettype none

module portcam_connection_counts #(
    parameter int unsigned Events = 13
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             newest_live_i,
    input  logic [Events-1:0]                newest_i,
    input  logic                             newest_this_i,
    input  portcam_connection_pkg::counts_t  counts_i,
    input  logic                             ready_live_i,
    input  logic                             ready_this_i,
    input  logic                             after_live_i,
    input  logic                             after_this_i,
    input  logic                             valid_i,
    input  logic                             begins_i,
    input  logic                             forward_i,      // a packet of the record
    input  logic                             reverse_i,
    input  logic [15:0]                      len_i,
    input  logic                             given_valid_i,  // begins, with given_i
    input  portcam_connection_pkg::counts_t  given_i,
    output portcam_connection_pkg::counts_t  before_o,
    output portcam_connection_pkg::counts_t  after_o
);

  //------------------------------------------------------------------------------------------------
  // Counts of events, the newest first: n was decided n + 2 clocks ago.

  portcam_connection_pkg::counts_t last;

  localparam int unsigned CountsBits = $bits(last);

  logic [Events-1:0]     valid_q;
  (* mem2reg *)
  logic [CountsBits-1:0] events_q [1:Events];

  assign last = after_o;

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[Events-2:0], valid_i};
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  for (genvar n = 1; n <= Events; n++) begin : g_event
    always_ff @(posedge clk_i) begin
      if (valid_q[n-1]) begin
        events_q[n] <= n == 1 ? last : events_q[n == 1 ? 1 : n-1];
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The counts before the operation.

  portcam_connection_pkg::counts_t newest;
  portcam_connection_pkg::counts_t newest_q;
  portcam_connection_pkg::counts_t ready_q;
  portcam_connection_pkg::counts_t base;

  always_comb begin
    newest = counts_i;
    if (newest_live_i) begin
      if (newest_i != '0) begin
        newest = '0;
        for (int unsigned n = 0; n < Events; n++) begin
          newest |= newest_i[n] ? events_q[n+1] : '0;
        end
      end
      if (newest_this_i) begin
        newest = last;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (newest_live_i) begin
      newest_q <= newest;
    end
    if (ready_live_i) begin
      ready_q <= ready_this_i ? last : newest_q;
    end
  end

  assign base = after_this_i ? last : ready_q;

  //------------------------------------------------------------------------------------------------
  // Sums.

  portcam_connection_pkg::counts_t after;
  logic [63:0]                     octets;
  logic [47:0]                     packets;

  portcam_sum #(
      .Width (64),
      .Narrow(16)
  ) u_octets (
      .a_i  (reverse_i ? base.reverse_octets : base.forward_octets),
      .b_i  (len_i),
      .sum_o(octets)
  );

  portcam_sum #(
      .Width (48),
      .Narrow(1)
  ) u_packets (
      .a_i  (reverse_i ? base.reverse_packets : base.forward_packets),
      .b_i  (1'b1),
      .sum_o(packets)
  );

  always_comb begin
    after = base;
    if (after_live_i) begin
      if (begins_i) begin
        after                 = '0;
        after.forward_packets = 48'd1;
        after.forward_octets  = 64'(len_i);
        if (given_valid_i) begin
          after = given_i;
        end
      end else if (forward_i) begin
        after.forward_packets = packets;
        after.forward_octets  = octets;
      end else if (reverse_i) begin
        after.reverse_packets = packets;
        after.reverse_octets  = octets;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (after_live_i) begin
      before_o <= base;
      after_o  <= after;
    end
  end

endmodule

`resetall
