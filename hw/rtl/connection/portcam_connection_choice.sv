// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_choice: which two backends a new connection may go to, and whether the backend
// of a record that was found takes new connections.
//
// Ask, one a clock: pre_valid_i with the service 3 clocks before valid_i; valid_i with asks_i moves
// the service's counter on (portcam_schedule). choice_o comes exactly Latency = 10 clocks after
// valid_i, first_end_o and second_end_o, the endpoints in it, 8; accepts_o 9 clocks after hit_valid_i.
// Active connections: portcam_candidates.
//
// Host ports of tables schedule and backend, init_i and busy_o: as in portcam_row_table.

`default_nettype none

module portcam_connection_choice #(
    parameter int unsigned Services     = portcam_pkg::BuildServices,
    parameter int unsigned ScheduleRows = portcam_pkg::BuildScheduleRows,
    parameter int unsigned Backends     = portcam_pkg::BuildBackends
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  logic                            pre_valid_i,
    input  logic [15:0]                     pre_service_i,
    input  logic                            valid_i,
    input  logic                            bank_i,
    input  logic                            is_v6_i,
    input  logic                            asks_i,
    input  logic                            use_hash_i,
    input  logic [1:0]                      pick_i,
    input  logic [15:0]                     schedule_i,
    input  logic [4:0]                      slots_log2_i,
    input  logic [31:0]                     crc_i,
    output logic [15:0]                     first_end_o,
    output logic [15:0]                     second_end_o,
    output portcam_connection_pkg::choice_t choice_o,
    input  logic                            hit_valid_i,
    input  logic [15:0]                     hit_backend_i,
    output logic [1:0]                      accepts_o,
    input  logic                            begin_valid_i,
    input  logic [15:0]                     begin_backend_i,
    input  logic                            leave_valid_i,
    input  logic [15:0]                     leave_backend_i,
    input  logic                            schedule_req_valid_i,
    input  logic                            backend_req_valid_i,
    input  logic                            req_write_i,
    input  logic                            req_bank_i,
    input  logic [15:0]                     req_row_i,
    input  logic                            req_present_i,
    input  logic [383:0]                    req_data_i,
    output logic                            schedule_done_o,
    output logic                            schedule_present_o,
    output logic [383:0]                    schedule_data_o,
    input  logic                            init_i,
    output logic                            busy_o
);

  localparam int unsigned ScheduleLatency  = 5;  // of portcam_schedule
  localparam int unsigned CandidateLatency = 5;  // of portcam_candidates
  localparam int unsigned HitLatency       = 2;  // of portcam_candidates
  localparam int unsigned AcceptsLatency   = 9;

  logic [15:0]              first_q5;
  logic [15:0]              second_q5;
  logic [15:0]              index_q5;
  logic [15:0]              first_q10;
  logic [15:0]              second_q10;
  logic [15:0]              index_q10;
  logic                     asked_q10;
  logic [ScheduleLatency:1] valid_q;
  logic [ScheduleLatency:1] bank_q;
  logic [ScheduleLatency:1] is_v6_q;
  logic [ScheduleLatency:1] least_q;
  logic [ScheduleLatency:1] asked_q;
  logic [HitLatency:1]      hit_q;
  logic [1:0]               hit_accepts;
  logic                     first_usable;
  logic [15:0]              first_endpoint;
  logic [1:0]               first_accepts;
  logic                     second_usable;
  logic [15:0]              second_endpoint;
  logic [1:0]               second_accepts;
  logic                     swap;
  logic                     schedule_busy;
  logic                     candidates_busy;
  logic                     unused_backend_done;
  logic                     unused_backend_present;
  logic [383:0]             unused_backend_data;

  portcam_schedule #(
      .Services    (Services),
      .ScheduleRows(ScheduleRows),
      .ReadLatency (2)
  ) u_schedule (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .pre_valid_i  (pre_valid_i),
      .pre_service_i(pre_service_i),
      .valid_i      (valid_i),
      .bank_i       (bank_i),
      .advance_i    (asks_i),
      .pick_i       (pick_i),
      .schedule_i   (schedule_i),
      .slots_log2_i (slots_log2_i),
      .crc_i        (crc_i),
      .use_hash_i   (use_hash_i),
      .first_o      (first_q5),
      .second_o     (second_q5),
      .index_o      (index_q5),
      .req_valid_i  (schedule_req_valid_i),
      .req_write_i  (req_write_i),
      .req_bank_i   (req_bank_i),
      .req_row_i    (req_row_i),
      .req_present_i(req_present_i),
      .req_data_i   (req_data_i),
      .done_o       (schedule_done_o),
      .present_o    (schedule_present_o),
      .data_o       (schedule_data_o),
      .init_i       (init_i),
      .busy_o       (schedule_busy)
  );

  always_ff @(posedge clk_i) begin
    valid_q <= {valid_q[ScheduleLatency-1:1], valid_i};
    bank_q  <= {bank_q[ScheduleLatency-1:1], bank_i};
    is_v6_q <= {is_v6_q[ScheduleLatency-1:1], is_v6_i};
    least_q <= {least_q[ScheduleLatency-1:1], pick_i == 2'(portcam_pkg::PickLeast)};
    asked_q <= {asked_q[ScheduleLatency-1:1], asks_i};
    hit_q   <= {hit_q[1], hit_valid_i};
    if (!rst_ni) begin
      valid_q <= '0;
      hit_q   <= '0;
    end
  end

  portcam_candidates #(
      .Backends(Backends)
  ) u_candidates (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .valid_i          (valid_q[ScheduleLatency]),
      .bank_i           (bank_q[ScheduleLatency]),
      .is_v6_i          (is_v6_q[ScheduleLatency]),
      .least_i          (least_q[ScheduleLatency]),
      .first_i          (first_q5),
      .second_i         (second_q5),
      .first_usable_o   (first_usable),
      .first_endpoint_o (first_endpoint),
      .first_accepts_o  (first_accepts),
      .second_usable_o  (second_usable),
      .second_endpoint_o(second_endpoint),
      .second_accepts_o (second_accepts),
      .swap_o           (swap),
      .first_end_o      (first_end_o),
      .second_end_o     (second_end_o),
      .hit_valid_i      (hit_valid_i),
      .hit_backend_i    (hit_backend_i),
      .hit_accepts_o    (hit_accepts),
      .begin_valid_i    (begin_valid_i),
      .begin_backend_i  (begin_backend_i),
      .leave_valid_i    (leave_valid_i),
      .leave_backend_i  (leave_backend_i),
      .req_valid_i      (backend_req_valid_i),
      .req_write_i      (req_write_i),
      .req_bank_i       (req_bank_i),
      .req_row_i        (req_row_i),
      .req_present_i    (req_present_i),
      .req_data_i       (req_data_i),
      .done_o           (unused_backend_done),
      .present_o        (unused_backend_present),
      .data_o           (unused_backend_data),
      .init_i           (init_i),
      .busy_o           (candidates_busy)
  );

  portcam_delay #(
      .Width (49),
      .Cycles(CandidateLatency)
  ) u_choice_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(valid_q[ScheduleLatency]),
      .data_i ({first_q5, second_q5, index_q5, asked_q[ScheduleLatency]}),
      .data_o ({first_q10, second_q10, index_q10, asked_q10})
  );

  portcam_delay #(
      .Width (2),
      .Cycles(AcceptsLatency - HitLatency)
  ) u_accepts_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(hit_q[HitLatency]),
      .data_i (hit_accepts),
      .data_o (accepts_o)
  );

  always_comb begin
    choice_o.first.usable    = first_usable;
    choice_o.first.backend   = first_q10;
    choice_o.first.endpoint  = first_endpoint;
    choice_o.first.accepts   = first_accepts;
    choice_o.second.usable   = second_usable;
    choice_o.second.backend  = second_q10;
    choice_o.second.endpoint = second_endpoint;
    choice_o.second.accepts  = second_accepts;
    choice_o.swap            = swap;
    choice_o.asked           = asked_q10;
    choice_o.index           = index_q10;
  end

  assign busy_o = schedule_busy || candidates_busy;

endmodule

`resetall
