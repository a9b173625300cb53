// SPDX-License-Identifier: Apache-2.0
//
// portcam_lookup_outcome: what becomes of a decision: answers within their limit, packets for the
// host within theirs, the counters that are told, new checksums.
//
// count_o comes 3 clocks after valid_i, rewrite_o 4; one packet a clock. Limits stand for both
// banks, the second in the upper half; bank_i is that of the packet, beside valid_i. Punt: see
// portcam_lookup.

`default_nettype none

module portcam_lookup_outcome (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        clear_i,
    input  logic [31:0]                 time_ms_i,
    input  logic                        valid_i,
    input  logic                        bank_i,
    input  portcam_types_pkg::rewrite_t rewrite_i,
    input  portcam_types_pkg::count_t   count_i,
    input  logic                        from_host_i,
    input  logic                        udp_i,
    input  logic [127:0]                old_ip_i,
    input  logic [127:0]                outer_ip_i,
    input  logic [15:0]                 old_port_i,
    input  logic                        no_answer_i,
    input  logic [31:0]                 reject_rate_i,
    input  logic [31:0]                 reject_burst_i,
    input  logic [31:0]                 punt_rate_i,
    input  logic [31:0]                 punt_burst_i,
    input  logic [127:0]                punt_reasons_i,
    input  logic                        punt_runs_i,
    output logic                        punt_ask_o,
    input  logic                        punt_room_i,
    output logic [31:0]                 punt_time_o,
    output logic                        trace_punt_valid_o,
    output logic [1:0]                  trace_punt_flags_o,
    output logic                        valid_o,
    output portcam_types_pkg::rewrite_t rewrite_o,
    output logic                        from_host_o,
    output logic                        count_valid_o,
    output portcam_types_pkg::count_t   count_o
);

  // _h: three clocks after valid_i; _sums: one more.
  portcam_types_pkg::count_t   count;
  portcam_types_pkg::count_t   count_h;
  portcam_types_pkg::rewrite_t rewrite_sums;
  logic                        valid_h;
  logic [5:0]                  reason_h;
  logic                        answer_h;
  logic                        answer_sums;
  logic                        punt_wanted_h;
  logic                        punt_asks_h;
  logic                        punt_token_h;
  logic                        punt_sums;
  logic                        dropped_sums;    // on the way to the host

  assign count = count_i;

  // The time of the record is the time of the packet.
  logic [9*32-1:0] time_ms_q;

  always_ff @(posedge clk_i) begin
    time_ms_q <= {time_ms_q[8*32-1:0], time_ms_i};
  end

  portcam_reject_limit u_limit (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (clear_i),
      .valid_i    (valid_i),
      .reason_i   (count.reason),
      .no_answer_i(no_answer_i),
      .rate_i     (bank_i ? reject_rate_i[31:16] : reject_rate_i[15:0]),
      .burst_i    (bank_i ? reject_burst_i[31:16] : reject_burst_i[15:0]),
      .time_ms_i  (time_ms_q[5*32+:32]),
      .valid_o    (valid_h),
      .reason_o   (reason_h),
      .answer_o   (answer_h)
  );

  portcam_delay #(
      .Width ($bits(count_i)),
      .Cycles(3)
  ) u_count_to_limit (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_i),
      .data_i (count),
      .data_o (count_h)
  );

  portcam_punt_limit u_punt_limit (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .clear_i  (clear_i),
      .valid_i  (valid_i),
      .runs_i   (punt_runs_i),
      .reason_i (count.reason),
      .reasons_i(bank_i ? punt_reasons_i[127:64] : punt_reasons_i[63:0]),
      .rate_i   (bank_i ? punt_rate_i[31:16] : punt_rate_i[15:0]),
      .burst_i  (bank_i ? punt_burst_i[31:16] : punt_burst_i[15:0]),
      .time_ms_i(time_ms_q[5*32+:32]),
      .wanted_o (punt_wanted_h),
      .asks_o   (punt_asks_h),
      .token_o  (punt_token_h)
  );

  assign count_valid_o      = valid_h;
  assign punt_ask_o         = punt_asks_h && punt_token_h;
  assign punt_time_o        = time_ms_q[8*32+:32];
  assign trace_punt_valid_o = punt_wanted_h;
  assign trace_punt_flags_o = {punt_room_i, punt_asks_h};

  always_comb begin
    count_o        = count_h;
    count_o.reason = reason_h;
    if (punt_asks_h) begin
      count_o.tx_valid = 1'b0;
      if (!punt_token_h) begin
        count_o.reason = 6'(portcam_pkg::ReasonPuntLimited);
      end else if (!punt_room_i) begin
        count_o.reason = 6'(portcam_pkg::ReasonPuntFull);
      end
    end
  end

  portcam_sums u_sums (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .valid_i    (valid_i),
      .rewrite_i  (rewrite_i),
      .from_host_i(from_host_i),
      .udp_i      (udp_i),
      .old_ip_i   (old_ip_i),
      .outer_ip_i (outer_ip_i),
      .old_port_i (old_port_i),
      .valid_o    (valid_o),
      .rewrite_o  (rewrite_sums),
      .from_host_o(from_host_o)
  );

  always_ff @(posedge clk_i) begin
    answer_sums  <= answer_h;
    punt_sums    <= punt_ask_o && punt_room_i;
    dropped_sums <= punt_asks_h && !(punt_ask_o && punt_room_i);
  end

  always_comb begin
    rewrite_o        = rewrite_sums;
    rewrite_o.reject = rewrite_sums.reject && answer_sums;
    rewrite_o.drop   = (rewrite_sums.drop && !punt_sums) || dropped_sums;
    if (punt_sums) begin
      rewrite_o.egress = portcam_types_pkg::PuntEgress;
    end
  end

endmodule

`resetall
