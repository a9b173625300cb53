// SPDX-License-Identifier: Apache-2.0
//
// portcam_admit: lets headers of both directions into the one lookup pipeline: the order in which
// it does is the order in which everything happens.
//
// Round robin, one header a clock, at once when it may: a direction may while its rewriter has room
// for all instructions on their way (Credits), and both only while stop_i is low. admit_* say
// combinationally what is admitted in this clock; valid_o and header_o are the same one clock
// later. bank_o accompanies the parse results: it is the bank that was current when the header of
// the parse result shown with parsed_valid_i was admitted.
//
// A credit is taken at admission and comes back when the frame's last beat has entered the rewriter
// (done_*_i), which has then finished with its instruction, or when the lookup says that the frame
// was discarded at the ingress (discard_*_i).

`default_nettype none

module portcam_admit #(
    parameter int unsigned Credits  = 64,
    parameter int unsigned InFlight = 32   // most headers between admission and parse result
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       stop_i,
    input  logic                       bank_i,
    input  logic                       net_valid_i,
    output logic                       net_ready_o,
    input  portcam_types_pkg::header_t net_header_i,
    input  logic                       host_valid_i,
    output logic                       host_ready_o,
    input  portcam_types_pkg::header_t host_header_i,
    input  logic                       done_net_i,
    input  logic                       done_host_i,
    input  logic                       discard_net_i,
    input  logic                       discard_host_i,
    output logic                       admit_valid_o,
    output logic                       admit_host_o,
    output logic                       valid_o,
    output portcam_types_pkg::header_t header_o,
    input  logic                       parsed_valid_i,
    output logic                       bank_o
);

  if (Credits < 2 || Credits > 1024) begin : g_bad_credits
    $error("portcam_admit: Credits must be 2 to 1024");
  end
  if (InFlight < 2 || (InFlight & (InFlight - 1)) != 0) begin : g_bad_flight
    $error("portcam_admit: InFlight must be a power of two and at least 2");
  end

  localparam int unsigned CreditBits = $clog2(Credits + 1);
  localparam int unsigned FlightBits = $clog2(InFlight);

  logic [1:0]            grant;
  logic [CreditBits-1:0] net_credit_q;
  logic [CreditBits-1:0] host_credit_q;
  logic                  net_open_q;   // there is a credit
  logic                  host_open_q;
  logic [CreditBits-1:0] net_credit;
  logic [CreditBits-1:0] host_credit;

  portcam_arbiter2 u_arbiter (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    ({host_valid_i && host_open_q && !stop_i, net_valid_i && net_open_q && !stop_i}),
      .grant_o  (grant),
      .advance_i(1'b1)
  );

  assign net_ready_o   = grant[0];
  assign host_ready_o  = grant[1];
  assign admit_valid_o = grant != 2'b00;
  assign admit_host_o  = grant[1];

  // What a clock changes is -1 to 2.
  function automatic logic [CreditBits-1:0] change(input logic take, input logic done,
                                                   input logic discard);
    change = take && !done && !discard ? '1 : CreditBits'({done && discard && !take,
                                                           (done ^ discard) != take});
  endfunction

  // A credit is left, or comes back.
  function automatic logic open(input logic [CreditBits-1:0] credit, input logic take,
                                input logic done, input logic discard);
    open = done || discard || (credit != '0 && !(take && credit == CreditBits'(1)));
  endfunction

  assign net_credit  = net_credit_q + change(grant[0], done_net_i, discard_net_i);
  assign host_credit = host_credit_q + change(grant[1], done_host_i, discard_host_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      net_credit_q  <= CreditBits'(Credits);
      host_credit_q <= CreditBits'(Credits);
      net_open_q    <= 1'b0;
      host_open_q   <= 1'b0;
    end else begin
      net_credit_q  <= net_credit;
      host_credit_q <= host_credit;
      net_open_q    <= open(net_credit_q, grant[0], done_net_i, discard_net_i);
      host_open_q   <= open(host_credit_q, grant[1], done_host_i, discard_host_i);
    end
  end

  // The header register, and the banks of headers that are being parsed, in order.
  portcam_types_pkg::header_t header_q;
  logic                       valid_q;
  logic [InFlight-1:0]        banks_q;
  logic [FlightBits-1:0]      bank_in_q;
  logic [FlightBits-1:0]      bank_out_q;

  always_ff @(posedge clk_i) begin
    valid_q <= admit_valid_o;
    if (admit_valid_o) begin
      header_q  <= grant[1] ? host_header_i : net_header_i;
      bank_in_q <= bank_in_q + 1'b1;
      for (int unsigned n = 0; n < InFlight; n++) begin
        if (bank_in_q == FlightBits'(n)) begin
          banks_q[n] <= bank_i;
        end
      end
    end
    if (parsed_valid_i) begin
      bank_out_q <= bank_out_q + 1'b1;
    end
    if (!rst_ni) begin
      valid_q    <= 1'b0;
      bank_in_q  <= '0;
      bank_out_q <= '0;
    end
  end

  assign valid_o  = valid_q;
  assign header_o = header_q;
  assign bank_o   = banks_q[bank_out_q];

`ifndef SYNTHESIS
  logic [FlightBits:0] flight_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      flight_q <= '0;
    end else begin
      flight_q <= flight_q + (FlightBits + 1)'(admit_valid_o) - (FlightBits + 1)'(parsed_valid_i);
      a_credits_within_bounds :
      assert (net_credit <= CreditBits'(Credits) && host_credit <= CreditBits'(Credits));
      a_open_only_with_a_credit :
      assert ((!net_open_q || net_credit_q != '0) && (!host_open_q || host_credit_q != '0));
      a_flight_within_bounds : assert (flight_q <= (FlightBits + 1)'(InFlight));
      a_parsed_was_admitted : assert (!(parsed_valid_i && flight_q == '0));
      a_nothing_while_stopped : assert (!(stop_i && admit_valid_o));
    end
  end
`endif

endmodule

`resetall
