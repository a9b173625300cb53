// SPDX-License-Identifier: Apache-2.0
//
// portcam_trace_choice: which packets are sampled (docs/pipeline.md, section 10, steps 2 to 5).
//
// Packets have numbers, modulo 128: at their admission (admit_i, admit_number_o), at the parser's
// output, and when they are counted; they keep their order. What the filter says of a packet is kept
// under its number until it is counted. Those that were admitted before runs_i rose are passed over.
//
// sample_o, 5 clocks behind count_valid_i: a packet of this run has been tested, sample_number_o;
// first_o: it is the first of the run. take_o: it is a sample, and there was room_i; header_o tells of
// it 2 clocks later.

`default_nettype none

module portcam_trace_choice (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             start_i,
    input  logic                             runs_i,
    input  logic [767:0]                     filter_i,
    // Packets.
    input  logic                             admit_i,
    output logic [6:0]                       admit_number_o,
    input  logic                             parsed_valid_i,
    input  portcam_types_pkg::parsed_t       parsed_i,
    input  logic                             count_valid_i,
    input  portcam_types_pkg::count_t        count_i,
    input  logic                             punted_i,
    input  logic [31:0]                      time_ms_i,
    // Samples.
    output logic                             sample_o,
    output logic                             first_o,
    output logic [6:0]                       sample_number_o,
    input  logic                             room_i,
    output logic                             take_o,
    output portcam_pkg::trace_header_t       header_o,
    output logic [31:0]                      matched_o,
    output logic [31:0]                      limited_o,
    output logic [31:0]                      lost_o
);

  localparam int unsigned First     = 32'(portcam_pkg::RegTraceEvery);
  localparam int unsigned AtRate    = 8 * (32'(portcam_pkg::RegTraceRate) - First);
  localparam int unsigned AtBurst   = 8 * (32'(portcam_pkg::RegTraceBurst) - First);
  localparam int unsigned AtReasons = 8 * (32'(portcam_pkg::RegTraceReasonsLo) - First);

  logic [15:0] every;
  logic [15:0] rate;
  logic [15:0] burst;
  logic [63:0] reasons;
  logic        unused_filter;

  assign every         = filter_i[15:0];
  assign rate          = filter_i[AtRate+:16];
  assign burst         = filter_i[AtBurst+:16];
  assign reasons       = filter_i[AtReasons+:64];
  assign unused_filter = ^filter_i;

  //------------------------------------------------------------------------------------------------
  // Numbers.

  logic [6:0] admit_q;
  logic [6:0] parsed_q;
  logic [6:0] filtered_q1;
  logic [6:0] filtered_q2;
  logic [6:0] count_q;
  logic [6:0] first_q;    // of this run
  logic       ran_q;
  logic       reached_q;  // it has been counted
  logic       ran;

  assign admit_number_o = admit_q;
  assign ran            = runs_i && ran_q && (reached_q || count_q == first_q);

  always_ff @(posedge clk_i) begin
    if (admit_i) begin
      admit_q <= admit_q + 1'b1;
    end
    if (parsed_valid_i) begin
      parsed_q <= parsed_q + 1'b1;
    end
    if (count_valid_i) begin
      count_q   <= count_q + 1'b1;
      reached_q <= ran;
    end
    ran_q <= runs_i;
    if (runs_i && !ran_q) begin
      first_q <= admit_q;
    end
    if (!runs_i) begin
      reached_q <= 1'b0;
    end
    if (!rst_ni) begin
      admit_q   <= '0;
      parsed_q  <= '0;
      count_q   <= '0;
      ran_q     <= 1'b0;
      reached_q <= 1'b0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The filter.

  logic filtered;
  logic passes;

  (* ram_style = "distributed" *)
  logic [0:0] passes_mem [0:127];

  portcam_trace_filter u_filter (
      .clk_i   (clk_i),
      .rst_ni  (rst_ni),
      .filter_i(filter_i),
      .valid_i (parsed_valid_i && runs_i),
      .parsed_i(parsed_i),
      .valid_o (filtered),
      .passes_o(passes)
  );

  always_ff @(posedge clk_i) begin
    if (runs_i) begin
      filtered_q1 <= parsed_q;
      filtered_q2 <= filtered_q1;
    end
    if (filtered) begin
      passes_mem[filtered_q2] <= passes;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clocks 1 and 2: the reason.

  portcam_types_pkg::count_t known_q1;

  logic        punted_q1;
  logic [31:0] time_ms_q1;
  logic        passes_q1;
  logic        first_q1;
  logic [6:0]  number_q1;
  logic [6:0]  number_q2;
  logic [6:0]  number_q3;
  logic [6:0]  number_q4;
  logic [6:0]  number_q5;
  logic [4:0]  valid_q;    // bit n - 1: in clock n
  logic [4:1]  first_run_q;
  logic [4:1]  matches_q;
  logic [31:0] time_ms_q2;

  always_ff @(posedge clk_i) begin
    valid_q <= runs_i ? {valid_q[3:0], count_valid_i && ran} : '0;
    if (!rst_ni) begin
      valid_q <= '0;
    end
    if (count_valid_i && ran) begin
      known_q1   <= count_i;
      punted_q1  <= punted_i;
      time_ms_q1 <= time_ms_i;
      passes_q1  <= passes_mem[count_q];
      first_q1   <= !reached_q;
      number_q1  <= count_q;
    end
    if (runs_i) begin
      number_q2   <= number_q1;
      number_q3   <= number_q2;
      number_q4   <= number_q3;
      number_q5   <= number_q4;
      time_ms_q2  <= time_ms_q1;
      first_run_q <= {first_run_q[3:1], first_q1};
      matches_q   <= {matches_q[3:1], passes_q1 && reasons[known_q1.reason]};
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clocks 2 to 5: each n-th, the bucket.

  logic [15:0] skip_q;  // packets that match until the next is chosen
  logic [2:0]  asks_q;  // bit n - 3: in clock n
  logic        asks;
  logic        token;
  logic        matched;

  assign matched = valid_q[1] && matches_q[1];
  assign asks    = matched && skip_q == '0;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      skip_q <= '0;
    end else if (matched) begin
      skip_q <= skip_q != '0 ? skip_q - 1'b1 : every != '0 ? every - 1'b1 : '0;
    end
    asks_q <= runs_i ? {asks_q[1:0], asks} : '0;
    if (!rst_ni) begin
      asks_q <= '0;
    end
  end

  portcam_tokens #(
      .Buckets(1)
  ) u_tokens (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .clear_i  (start_i),
      .asks_i   (asks),
      .bucket_i (1'b1),
      .rate_i   (rate),
      .burst_i  (burst),
      .time_ms_i(time_ms_q2),
      .token_o  (token)
  );

  //------------------------------------------------------------------------------------------------
  // Clock 5: room. All counts happen here, so that a run ends for all of them at once.

  logic [31:0] matched_q;
  logic [31:0] limited_q;
  logic [31:0] lost_q;
  logic        asked;

  assign sample_o        = valid_q[4] && runs_i;
  assign first_o         = first_run_q[4];
  assign sample_number_o = number_q5;
  assign asked           = sample_o && asks_q[2];
  assign take_o          = asked && token && room_i;
  assign matched_o       = matched_q;
  assign limited_o       = limited_q;
  assign lost_o          = lost_q;

  always_ff @(posedge clk_i) begin
    if (sample_o && matches_q[4]) begin
      matched_q <= matched_q + 1'b1;
    end
    if (asked && !token) begin
      limited_q <= limited_q + 1'b1;
    end
    if (asked && token && !room_i) begin
      lost_q <= lost_q + 1'b1;
    end
    if (start_i || !rst_ni) begin
      matched_q <= '0;
      limited_q <= '0;
      lost_q    <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 7: what is told.

  portcam_types_pkg::count_t known_q7;

  logic        punted_q7;
  logic [31:0] time_ms_q7;
  logic        unused_known;

  assign unused_known = ^known_q7;

  portcam_delay #(
      .Width ($bits(known_q1) + 33),
      .Cycles(6)
  ) u_known (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[0]),
      .data_i ({known_q1, punted_q1, time_ms_q1}),
      .data_o ({known_q7, punted_q7, time_ms_q7})
  );

  always_comb begin
    header_o            = '0;
    header_o.reason     = 8'(known_q7.reason);
    header_o.ingress    = known_q7.rx;
    header_o.len        = known_q7.octets;
    header_o.time_ms    = time_ms_q7;
    header_o.domain     = known_q7.domain_valid ? known_q7.domain : 16'hFFFF;
    header_o.address    = known_q7.address_valid ? known_q7.address : 16'hFFFF;
    header_o.service    = known_q7.service_valid ? known_q7.service : 16'hFFFF;
    header_o.backend    = known_q7.backend_valid ? known_q7.backend : 16'hFFFF;
    header_o.egress     = known_q7.tx_valid ? known_q7.tx : 8'hFF;
    header_o.connection = known_q7.connection_valid ? {8'd0, known_q7.connection}
                                                          : 32'hFFFF_FFFF;
    header_o.flags[portcam_pkg::TraceHeaderDropped] = !known_q7.tx_valid &&
                                                      !punted_q7;
    header_o.flags[portcam_pkg::TraceHeaderPunted]  = punted_q7;
    header_o.flags[portcam_pkg::TraceHeaderReply]   = known_q7.reply;
    header_o.flags[portcam_pkg::TraceHeaderBegan]   = known_q7.began;
  end

`ifndef SYNTHESIS
  logic [7:0] in_flight_q;

  always_ff @(posedge clk_i) begin
    in_flight_q <= in_flight_q + 8'(admit_i) - 8'(count_valid_i);
    if (!rst_ni) begin
      in_flight_q <= '0;
    end else begin
      a_numbers_are_enough : assert (in_flight_q <= 8'd112);  // 128, and some clocks behind counting
      a_token_for_who_asks : assert (!token || asks_q[2] || !runs_i || !ran_q);
    end
  end
`endif

endmodule

`resetall
