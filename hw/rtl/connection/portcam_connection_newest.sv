// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_newest: what an operation knows of its record and of its candidates, once the
// events of the last clocks have been asked: they know better than the rows, the newest best.
//
// Clock 0, live_i: question_i, hit_i (a row was found), and of a packet that may choose a backend
// (chooses_i) the rows of the same client (same_i, ends_i, and found_i its own one) are compared with
// the Events newest events: event_i, decided in the clock before, and those before it, which are kept
// here. Clock 1: known_i, what rows and state memory said, or what the newest event of the record
// says, corrected by the event that was decided in clock 0. Clock 2, held until the next: known_o,
// *_taken_o (another record of the client has the candidate's endpoint), and relation_o to the event
// that was decided in clock 1.
//
// For portcam_connection_counts, one clock later than they are used here: newest_o, the event that
// known_i was replaced by, one hot, bit n for the one decided n + 2 clocks before clock 1, or none;
// this_o, the event decided in clock 0 is of the record.

`default_nettype none

module portcam_connection_newest #(
    parameter int unsigned Events = 13,
    parameter int unsigned Places = 48
) (
    input  logic                              clk_i,
    input  logic                              rst_ni,
    input  portcam_connection_pkg::event_t    event_i,
    input  portcam_connection_pkg::origin_t   origin_i,
    input  portcam_connection_pkg::deciding_t deciding_i,
    input  logic                              live_i,
    input  portcam_connection_pkg::question_t question_i,
    input  logic                              hit_i,
    input  logic                              chooses_i,
    input  logic [Places-1:0]                 found_i,
    input  logic [Places-1:0]                 same_i,
    input  logic [Places*16-1:0]              ends_i,
    input  portcam_connection_pkg::known_t    known_i,
    output portcam_connection_pkg::known_t    known_o,
    output logic                              first_taken_o,
    output logic                              second_taken_o,
    output portcam_connection_pkg::relation_t relation_o,
    output logic [Events-1:0]                 newest_o,
    output logic                              this_o
);

  localparam int unsigned EventBits = $bits(event_i);

  //------------------------------------------------------------------------------------------------
  // Events, the newest first: event n was decided n + 1 clocks ago. A place takes what is valid.

  logic [Events-1:0]    valid;
  logic [Events-1:1]    valid_q;
  (* mem2reg *)
  logic [EventBits-1:0] events_q [1:Events];

  assign valid = {valid_q, event_i.valid};

  always_ff @(posedge clk_i) begin
    valid_q <= valid[Events-2:0];
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  for (genvar n = 1; n <= Events; n++) begin : g_event
    always_ff @(posedge clk_i) begin
      if (valid[n-1]) begin
        events_q[n] <= n == 1 ? event_i : events_q[n == 1 ? 1 : n-1];
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 0: each event by itself.

  portcam_connection_pkg::event_t    old;          // an event
  portcam_connection_pkg::relation_t relation;     // to the newest
  logic                              old_client;   // an event has the client key
  logic                              old_forward;  // ... and the forward key
  logic                              old_other;    // ... lives, and has another forward key
  logic [Events-1:0]                 old_this;     // it is of the record in question
  logic [Events-1:0]                 old_here;     // ... or that left the endpoint in question
  logic [Events-1:0]                 old_live;
  logic [Events-1:0]                 old_first;    // it tells whether the first candidate is taken
  logic [Events-1:0]                 old_second;
  logic [Events-1:0]                 first_still;  // ... and it is
  logic [Events-1:0]                 second_still;
  logic                              unused_bits;

  assign unused_bits = ^{old, event_i, question_i};

  always_comb begin
    old          = '0;
    relation     = '0;
    old_client   = 1'b0;
    old_forward  = 1'b0;
    old_other    = 1'b0;
    old_this     = '0;
    old_here     = '0;
    old_live     = '0;
    old_first    = '0;
    old_second   = '0;
    first_still  = '0;
    second_still = '0;
    if (live_i) begin
      for (int unsigned n = 0; n < Events; n++) begin
        if (valid[n]) begin
          old         = n == 0 ? event_i : events_q[n == 0 ? 1 : n];
          old_client  = old.row.client == question_i.client;
          old_forward = old.row.service == question_i.service &&
                        old.row.address == question_i.address && old.row.port == question_i.port;
          old_other   = old.live && !old_forward;
          old_this[n] = (question_i.by_forward && old_client && old_forward) ||
                        (question_i.by_reverse && old_client &&
                         old.row.endpoint == question_i.endpoint) ||
                        (question_i.by_slot && old.where == question_i.where);
          old_here[n] = old_this[n] || (question_i.by_reverse && old_client && old.left &&
                                        old.left_endpoint == question_i.endpoint);
          old_live[n] = old.live;
          old_first[n]    = old_client && (old.row.endpoint == question_i.first ||
                                           (old.left && old.left_endpoint == question_i.first));
          first_still[n]  = old_other && old.row.endpoint == question_i.first;
          old_second[n]   = old_client && (old.row.endpoint == question_i.second ||
                                           (old.left && old.left_endpoint == question_i.second));
          second_still[n] = old_other && old.row.endpoint == question_i.second;
        end
      end
      relation.row.client    = event_i.row.client == question_i.client;
      relation.row.forward   = event_i.row.service == question_i.service &&
                               event_i.row.address == question_i.address &&
                               event_i.row.port == question_i.port;
      relation.row.endpoint  = event_i.row.endpoint == question_i.endpoint;
      relation.row.first     = event_i.row.endpoint == question_i.first;
      relation.row.second    = event_i.row.endpoint == question_i.second;
      relation.where         = event_i.where == question_i.where;
    end
  end

  // By the rows the candidate is taken.
  logic rows_first;
  logic rows_second;

  always_comb begin
    rows_first  = 1'b0;
    rows_second = 1'b0;
    if (live_i && chooses_i) begin
      for (int unsigned p = 0; p < Places; p++) begin
        if (same_i[p] && !(found_i[p] && hit_i)) begin
          rows_first |= ends_i[p*16+:16] == question_i.first;
          rows_second |= ends_i[p*16+:16] == question_i.second;
        end
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock 1: the record.

  logic                              live_q1;
  logic                              by_forward_q1;
  logic                              by_reverse_q1;
  logic                              by_slot_q1;
  portcam_connection_pkg::question_t question_q1;
  logic [Events-1:0]                 here_q1;
  logic [Events-1:0]                 lives_q1;        // the record of it does
  logic [Events-1:0]                 first_q1;
  logic [Events-1:0]                 second_q1;
  logic [Events-1:0]                 first_still_q1;
  logic [Events-1:0]                 second_still_q1;
  logic                              rows_first_q1;
  logic                              rows_second_q1;
  logic [Events-1:0]                 newest_here;     // the newest of those that matter
  logic [Events-1:0]                 newest_first;
  logic [Events-1:0]                 newest_second;
  portcam_connection_pkg::relation_t relation_q1;     // to the event decided in clock 0
  portcam_connection_pkg::event_t    found;
  portcam_connection_pkg::known_t    known;
  portcam_connection_pkg::known_t    known_next;
  logic                              first_old;       // without that event
  logic                              second_old;
  logic                              first_taken;
  logic                              second_taken;
  logic                              this_q1;

  always_ff @(posedge clk_i) begin
    live_q1 <= live_i;
    if (!rst_ni) begin
      live_q1 <= 1'b0;
    end
    if (live_i) begin
      question_q1     <= question_i;
      here_q1         <= old_here;
      lives_q1        <= old_this & old_live;
      first_q1        <= old_first;
      second_q1       <= old_second;
      first_still_q1  <= first_still;
      second_still_q1 <= second_still;
      rows_first_q1   <= rows_first;
      rows_second_q1  <= rows_second;
    end
  end

  assign by_forward_q1 = question_q1.by_forward;
  assign by_reverse_q1 = question_q1.by_reverse;
  assign by_slot_q1    = question_q1.by_slot;

  portcam_connection_relation u_relation_1 (
      .clk_i     (clk_i),
      .valid_i   (live_i),
      .question_i(question_i),
      .last_i    (relation),
      .deciding_i(deciding_i),
      .origin_i  (origin_i),
      .relation_o(relation_q1)
  );

  portcam_connection_relation u_relation_2 (
      .clk_i     (clk_i),
      .valid_i   (live_q1),
      .question_i(question_q1),
      .last_i    (relation_q1),
      .deciding_i(deciding_i),
      .origin_i  (origin_i),
      .relation_o(relation_o)
  );

  always_comb begin
    newest_here   = '0;
    newest_first  = '0;
    newest_second = '0;
    if (live_q1) begin
      for (int unsigned n = 0; n < Events; n++) begin
        newest_here[n]   = here_q1[n] && (here_q1 & ((Events'(1) << n) - 1'b1)) == '0;
        newest_first[n]  = first_q1[n] && (first_q1 & ((Events'(1) << n) - 1'b1)) == '0;
        newest_second[n] = second_q1[n] && (second_q1 & ((Events'(1) << n) - 1'b1)) == '0;
      end
    end
    first_old  = first_q1 == '0 ? rows_first_q1 : (newest_first & first_still_q1) != '0;
    second_old = second_q1 == '0 ? rows_second_q1 : (newest_second & second_still_q1) != '0;
  end

  // What was event n in clock 0 is event n + 1 now.
  always_comb begin
    known = known_i;
    found = '0;
    if (live_q1 && here_q1 != '0) begin
      for (int unsigned n = 0; n < Events; n++) begin
        found |= newest_here[n] ? events_q[n+1] : '0;
      end
      known.hit   = (newest_here & lives_q1) != '0;
      known.row   = found.row;
      known.where = found.where;
      known.life  = found.life;
      // What was read for this operation is newer, if it is of the same backend.
      if (!(known_i.hit && known_i.row.backend == found.row.backend)) begin
        known.accepts = found.accepts;
      end
    end
  end

  portcam_connection_correct u_correct (
      .by_forward_i  (by_forward_q1),
      .by_reverse_i  (by_reverse_q1),
      .by_slot_i     (by_slot_q1),
      .event_i       (event_i),
      .relation_i    (relation_q1),
      .known_i       (known),
      .first_taken_i (first_old),
      .second_taken_i(second_old),
      .this_o        (this_q1),
      .known_o       (known_next),
      .first_taken_o (first_taken),
      .second_taken_o(second_taken)
  );

  always_ff @(posedge clk_i) begin
    if (live_q1) begin
      known_o        <= known_next;
      first_taken_o  <= first_taken;
      second_taken_o <= second_taken;
      newest_o       <= newest_here;
      this_o         <= this_q1;
    end
  end

endmodule

`resetall
