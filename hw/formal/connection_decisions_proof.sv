// SPDX-License-Identifier: Apache-2.0
//
// Stages X to S of portcam_connections, joined as there: _newest, _places, _prepare and _decide, an
// operation in every clock. They hear what the rows showed Events clocks ago (the stash one clock
// less), and have to know what is true now. What is true is what they decided: the records of two
// clients, each with two services and two endpoints, in two buckets of four tables of two ways, or in
// a stash of two. Each place may be another's for good.
//
//   a_known_*, a_unknown_*  an operation knows its record as the decisions before left it, or that there
//                     is none, by its forward key, its reverse key or its slot, also after a move
//   a_*_taken_*       ... and whether another record of the client has the endpoint of a candidate
//   a_one_*           no two records are in one place, no two of a client have one endpoint
//   a_place_*         a record begins in, and moves to, a place that is free and its own
//   a_begins_*, a_stays  a forward key begins where it has no record, which leaves its place by a move only
//   a_*full_is_full   no room: no place of the record's was free in all clocks of the window
//   a_events_*, a_places_taken_*, a_moves_are_alone  what the induction has to know of the past
//
// Assumed is what the rows are proved for (connection_rows_proof), and that the walk asks for a move
// alone, of an entry in use. More may happen than does: candidates, generations, limits and states of
// records are free. Hidden and cut wires: hw/formal/run.

module connection_decisions_proof #(
    parameter int unsigned Events = 3
) (
    input logic       clk_i,
    input logic       rst_ni,
    input logic [3:0] kind_i,            // of the operation at stage X
    input logic       client_i,
    input logic       service_i,
    input logic       endpoint_i,
    input logic       keyless_i,
    input logic       may_create_i,
    input logic       draining_i,
    input logic       syn_i,
    input logic       peek_i,
    input logic [4:0] slot_i,            // {in_stash, place, bucket}
    input logic [4:0] offer_i,
    input logic [1:0] over_i,
    input logic       same_generation_i,
    input logic       share_left_i,
    input logic [7:0] home_i,
    input logic [17:0] others_i
);
  localparam int unsigned Ways    = 2;
  localparam int unsigned Stash   = 2;
  localparam int unsigned RowWays = 4 * Ways;
  localparam int unsigned Places  = RowWays + Stash;
  localparam int unsigned Window  = Events + 3;    // from rows to the decision

  //------------------------------------------------------------------------------------------------
  // What is true, by {client, service}; {in_stash, place, bucket} of each. Word n is n clocks old.

  logic [3:0]                  lives_q;
  logic [19:0]                 at_q;
  logic [3:0]                  end_q;
  logic [4*Window-1:0]         old_lives_q;
  logic [20*Window-1:0]        old_at_q;
  logic [4*Window-1:0]         old_end_q;
  logic [4*(Window+1)-1:0]     lives;
  logic [20*(Window+1)-1:0]    at;
  logic [4*(Window+1)-1:0]     ends;
  logic [7:0]                  home_q;     // buckets of the two clients
  logic [17:0]                 others_q;   // rows by {place, bucket}, then the stash

  assign lives = {old_lives_q, lives_q};
  assign at    = {old_at_q, at_q};
  assign ends  = {old_end_q, end_q};

  always_ff @(posedge clk_i) begin
    old_lives_q <= lives[4*Window-1:0];
    old_at_q    <= at[20*Window-1:0];
    old_end_q   <= ends[4*Window-1:0];
    if (!rst_ni) begin
      old_lives_q <= '0;
      home_q      <= home_i;
      others_q    <= others_i;
    end
  end

  //------------------------------------------------------------------------------------------------
  // What the rows show at stage X: as it was Events clocks ago, the stash as it was one clock later. A
  // record that moved in between is seen in the stash.

  localparam int unsigned T = Events;

  logic [3:0]            seen;           // {client, service} is found
  logic [19:0]           seen_at;
  logic [RowWays-1:0]    used_x;
  logic [Places-1:0]     found_x;
  logic [Places-1:0]     same_x;
  logic [Places*16-1:0]  ends_x;
  logic [3:0]            match_x;
  logic                  client_x;       // whose buckets are read
  logic [3:0]            home_x;
  logic [5:0]            position;       // of a record among the places
  logic                  by_forward_x;
  logic                  by_reverse_x;
  logic                  by_slot_x;
  logic                  acts_x;
  portcam_connection_pkg::known_t known_x;

  assign by_forward_x = (kind_i == 4'(portcam_connection_pkg::OpForward) && !keyless_i) ||
                        kind_i == 4'(portcam_connection_pkg::OpInsert);
  assign by_reverse_x = kind_i == 4'(portcam_connection_pkg::OpReverse);
  assign by_slot_x    = kind_i > 4'(portcam_connection_pkg::OpReverse) &&
                        kind_i != 4'(portcam_connection_pkg::OpInsert);
  assign acts_x       = rst_ni && kind_i != 4'(portcam_connection_pkg::OpNone) &&
                        kind_i <= 4'(portcam_connection_pkg::OpInsert);
  assign home_x       = client_x ? home_q[7:4] : home_q[3:0];

  always_comb begin
    seen    = '0;
    seen_at = at[20*T+:20];
    match_x = '0;
    for (int unsigned k = 0; k < 4; k++) begin
      if (lives[4*T+k] && !at[20*T+k*5+4]) begin
        seen[k] = 1'b1;
      end else if (lives[4*(T-1)+k] && at[20*(T-1)+k*5+4]) begin
        seen[k]         = 1'b1;
        seen_at[k*5+:5] = at[20*(T-1)+k*5+:5];
      end else begin
        seen[k] = lives[4*T+k] && lives[4*(T-1)+k];
      end
      match_x[k] = seen[k] &&
                   ((by_forward_x && {client_i, service_i} == 2'(k)) ||
                    (by_reverse_x && client_i == 1'(k / 2) && ends_seen[k] == endpoint_i) ||
                    (by_slot_x && seen_at[k*5+:5] == slot_i));
    end
  end

  logic [3:0] ends_seen;

  always_comb begin
    for (int unsigned k = 0; k < 4; k++) begin
      ends_seen[k] = seen_at[k*5+4] ? ends[4*(T-1)+k] : ends[4*T+k];
    end
  end

  always_comb begin
    client_x = client_i;
    for (int unsigned k = 0; k < 4; k++) begin
      if (by_slot_x && match_x[k]) client_x = 1'(k / 2);
    end
  end

  always_comb begin
    used_x   = '0;
    found_x  = '0;
    same_x   = '0;
    ends_x   = '0;
    position = '0;
    known_x  = '0;
    for (int unsigned p = 0; p < RowWays; p++) begin
      used_x[p] = others_q[p*2+32'(home_x[p/Ways])];
    end
    for (int unsigned k = 0; k < 4; k++) begin
      position = seen_at[k*5+4] ? 6'd8 + 6'(seen_at[k*5+1]) : 6'(seen_at[k*5+1+:3]);
      for (int unsigned p = 0; p < Places; p++) begin
        if (seen[k] && position == 6'(p)) begin
          if (p < RowWays && home_x[(p/Ways)%4] == seen_at[k*5]) used_x[p%RowWays] = 1'b1;
          if (client_i == 1'(k / 2)) begin
            same_x[p]        = 1'b1;
            ends_x[p*16+:16] |= {15'd0, ends_seen[k]};
          end
          found_x[p] |= match_x[k];
        end
      end
      if (match_x[k]) begin
        known_x.hit            = 1'b1;
        known_x.row.client.ip  |= {127'd0, 1'(k / 2)};
        known_x.row.service    |= {15'd0, 1'(k)};
        known_x.row.endpoint   |= {15'd0, ends_seen[k]};
        known_x.where.in_stash |= seen_at[k*5+4];
        known_x.where.place    |= {3'd0, seen_at[k*5+1+:3]};
        known_x.where.bucket   |= {15'd0, seen_at[k*5]};
      end
    end
    if (by_slot_x) begin
      known_x.where          = '0;
      known_x.where.in_stash = slot_i[4];
      known_x.where.place    = {3'd0, slot_i[3:1]};
      known_x.where.bucket   = {15'd0, slot_i[0]};
    end
  end

  //------------------------------------------------------------------------------------------------
  // The stash now, at stage Q: as decided two clocks ago; an entry that was left one clock later.

  logic [Stash-1:0] stash_used;

  always_comb begin
    stash_used = others_q[17:16];
    for (int unsigned k = 0; k < 4; k++) begin
      if (lives[4*1+k] && at[20*1+k*5+4]) stash_used[at[20*1+k*5+1]] = 1'b1;
      if (lives[4*2+k] && at[20*2+k*5+4] && lives[4*1+k]) stash_used[at[20*2+k*5+1]] = 1'b1;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Operations on their way.

  portcam_connection_pkg::op_t       op_x;
  portcam_connection_pkg::op_t       op_n;
  portcam_connection_pkg::op_t       op_q;
  portcam_connection_pkg::op_t       op_s;
  portcam_connection_pkg::known_t    known_n;
  portcam_connection_pkg::question_t question_x;
  portcam_connection_pkg::question_t question_n;
  portcam_connection_pkg::question_t question_q;
  portcam_connection_pkg::choice_t   choice_x;
  portcam_connection_pkg::choice_t   choice_n;
  portcam_connection_pkg::choice_t   choice_q;
  portcam_connection_pkg::choice_t   choice_s;
  logic [4*16-1:0]                   buckets_x;
  logic                              chooses_x;
  logic                              acts_n;
  logic                              acts_q;
  logic                              acts_s;

  always_comb begin
    op_x                     = '0;
    op_x.kind                = kind_i;
    op_x.req.client.ip       = {127'd0, client_i};
    op_x.req.service         = {15'd0, service_i};
    op_x.req.endpoint        = {15'd0, endpoint_i};
    op_x.req.keyless         = keyless_i;
    op_x.req.peek            = peek_i;
    op_x.req.may_create      = may_create_i && !peek_i;
    op_x.req.draining        = draining_i;
    op_x.req.is_tcp          = syn_i && !peek_i;
    op_x.where.in_stash      = slot_i[4];
    op_x.where.place         = {3'd0, slot_i[3:1]};
    op_x.where.bucket        = {15'd0, slot_i[0]};
    choice_x                 = '0;
    choice_x.first.endpoint  = {15'd0, offer_i[0]};
    choice_x.second.endpoint = {15'd0, offer_i[1]};
    choice_x.first.usable    = offer_i[2];
    choice_x.second.usable   = offer_i[3] && kind_i == 4'(portcam_connection_pkg::OpForward);
    choice_x.swap            = offer_i[4] && kind_i == 4'(portcam_connection_pkg::OpForward);
    question_x               = '0;
    question_x.by_forward    = by_forward_x;
    question_x.by_reverse    = by_reverse_x;
    question_x.by_slot       = by_slot_x;
    question_x.client        = op_x.req.client;
    question_x.service       = op_x.req.service;
    question_x.endpoint      = op_x.req.endpoint;
    question_x.first         = choice_x.first.endpoint;
    question_x.second        = choice_x.second.endpoint;
    question_x.where         = op_x.where;
    chooses_x                = by_forward_x && (op_x.req.may_create || op_x.req.is_tcp ||
                                                kind_i == 4'(portcam_connection_pkg::OpInsert));
    buckets_x                = '0;
    for (int unsigned t = 0; t < 4; t++) begin
      buckets_x[t*16] = home_x[t];
    end
  end

  always_ff @(posedge clk_i) begin
    op_n       <= op_x;
    op_q       <= op_n;
    op_s       <= op_q;
    known_n    <= known_x;
    question_n <= question_x;
    question_q <= question_n;
    choice_n   <= choice_x;
    choice_q   <= choice_n;
    choice_s   <= choice_q;
    acts_n     <= acts_x;
    acts_q     <= acts_n;
    acts_s     <= acts_q;
    if (!rst_ni) begin
      acts_n <= 1'b0;
      acts_q <= 1'b0;
      acts_s <= 1'b0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The stages.

  portcam_connection_pkg::event_t    newest;
  portcam_connection_pkg::origin_t   origin;
  portcam_connection_pkg::deciding_t deciding;
  portcam_connection_pkg::decided_t  decided;
  portcam_connection_pkg::known_t    known_q;
  portcam_connection_pkg::relation_t relation_q;
  portcam_connection_pkg::relation_t relation_s;
  portcam_connection_pkg::ready_t    ready_s;
  portcam_connection_pkg::places_t   places_s;
  logic                              first_taken_q;
  logic                              second_taken_q;

  portcam_connection_newest #(
      .Events(Events),
      .Places(Places)
  ) u_newest (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .event_i       (newest),
      .origin_i      (origin),
      .deciding_i    (deciding),
      .live_i        (acts_x),
      .question_i    (question_x),
      .hit_i         (known_x.hit),
      .chooses_i     (chooses_x),
      .found_i       (found_x),
      .same_i        (same_x),
      .ends_i        (ends_x),
      .known_i       (known_n),
      .known_o       (known_q),
      .first_taken_o (first_taken_q),
      .second_taken_o(second_taken_q),
      .relation_o    (relation_q)
  );

  portcam_connection_places #(
      .Ways  (Ways),
      .Stash (Stash),
      .Events(Events)
  ) u_places (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .event_i        (newest),
      .origin_i       (origin),
      .live_i         ({acts_q, acts_n, acts_x}),
      .is_v6_i        (1'b0),
      .buckets_i      (buckets_x),
      .used_i         (used_x),
      .stash_used_i   (stash_used),
      .stash_used_v6_i('0),
      .places_o       (places_s)
  );

  portcam_connection_prepare u_prepare (
      .clk_i          (clk_i),
      .live_i         (acts_q),
      .op_i           (op_q),
      .question_i     (question_q),
      .known_i        (known_q),
      .first_taken_i  (first_taken_q),
      .second_taken_i (second_taken_q),
      .relation_i     (relation_q),
      .event_i        (newest),
      .origin_i       (origin),
      .deciding_i     (deciding),
      .deciding_sent_i(32'd0),
      .deciding_next_i(32'd0),
      .embryonic_i    (32'd0),
      .ready_o        (ready_s),
      .relation_o     (relation_s)
  );

  portcam_connection_decide u_decide (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .init_i     (1'b0),
      .time_ms_i  (32'd0),
      .live_i     (acts_s),
      .op_i       (op_s),
      .ready_i    (ready_s),
      .relation_i (relation_s),
      .choice_i   (choice_s),
      .places_i   (places_s),
      .given_i    ('0),
      .deciding_o (deciding),
      .decided_o  (decided),
      .event_q_o  (newest),
      .origin_q_o (origin)
  );

  // What is cut: whatever life would decide; fields of rows that no question has are 0 in each record.
  (* hidden = "u_decide.u_correct.known_o" *)
  portcam_connection_pkg::known_t corrected;
  (* hidden = "u_decide.first_taken" *)
  logic                           first_taken;
  (* hidden = "u_decide.second_taken" *)
  logic                           second_taken;
  (* cut = "u_decide.known" *)
  portcam_connection_pkg::known_t known;
  (* cut = "u_decide.same_generation" *)
  logic                           same_generation;
  (* cut = "u_decide.same_used" *)
  logic                           same_used;
  (* cut = "u_decide.share_left" *)
  logic                           share_left;
  (* cut = "u_decide.keep" *)
  logic                           keep;
  (* cut = "u_decide.reschedule" *)
  logic                           reschedule;
  logic                           over;

  assign same_generation = same_generation_i;
  assign same_used       = 1'b1;
  assign share_left      = share_left_i;
  assign over            = op_s.kind == 4'(portcam_connection_pkg::OpForward) && op_s.req.is_tcp &&
                           over_i[0];
  assign keep            = over && over_i[1];
  assign reschedule      = over && !over_i[1];

  always_comb begin
    known                = '0;
    known.hit            = corrected.hit;
    known.row.client.ip  = {127'd0, corrected.row.client.ip[0]};
    known.row.service    = {15'd0, corrected.row.service[0]};
    known.row.endpoint   = {15'd0, corrected.row.endpoint[0]};
    known.where.in_stash = corrected.where.in_stash;
    known.where.bucket   = {15'd0, corrected.where.bucket[0]};
    known.where.place    = {3'd0, corrected.where.place[2:0]};
  end

  //------------------------------------------------------------------------------------------------
  // What is true after the decision.

  logic [4:0] known_at;
  logic [4:0] next_at;
  logic [1:0] known_key;
  logic [1:0] next_key;

  assign known_at  = {known.where.in_stash, known.where.place[2:0], known.where.bucket[0]};
  assign next_at   = {decided.changes.where.in_stash, decided.changes.where.place[2:0],
                      decided.changes.where.bucket[0]};
  assign known_key = {known.row.client.ip[0], known.row.service[0]};
  assign next_key  = {decided.changes.row.client.ip[0], decided.changes.row.service[0]};

  always_ff @(posedge clk_i) begin
    if (decided.changes.valid) begin
      for (int unsigned k = 0; k < 4; k++) begin
        if (next_key == 2'(k)) begin
          lives_q[k]     <= decided.changes.live;
          end_q[k]       <= decided.changes.row.endpoint[0];
          at_q[k*5+:5]   <= next_at;
        end
      end
    end
    if (!rst_ni) begin
      lives_q <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The walk: a move alone, of an entry in use; places of others are not asked for.

  logic [Window+2:1] walking_q;      // an operation of the walk passed stage X n clocks ago
  logic [Window+2:1] moving_q;
  logic              walks;
  logic              moves;

  assign walks = acts_x && kind_i > 4'(portcam_connection_pkg::OpReverse);
  assign moves = acts_x && kind_i == 4'(portcam_connection_pkg::OpMove);

  always_ff @(posedge clk_i) begin
    walking_q <= {walking_q[Window+1:1], walks};
    moving_q  <= {moving_q[Window+1:1], moves};
    if (!rst_ni) begin
      walking_q <= '0;
      moving_q  <= '0;
    end
  end

  logic asked_of_others;

  always_comb begin
    asked_of_others = 1'b0;
    for (int unsigned p = 0; p < 18; p++) begin
      if (slot_i == (p < 16 ? 5'(p) : {4'(p - 8), 1'b0})) asked_of_others = others_q[p];
    end
    assume (!acts_x || !walks || moving_q == '0);
    assume (!acts_x || !by_slot_x || (!asked_of_others && (!slot_i[4] || (slot_i[3:2] == '0 && !slot_i[0]))));
    assume (!acts_x || !moves || (walking_q == '0 && slot_i[4] && match_x != '0));
  end

  //------------------------------------------------------------------------------------------------
  // What is proved.

  logic        started_q = 1'b0;
  logic        by_forward;
  logic        by_reverse;
  logic        by_slot;
  logic        chooses;
  logic [4:0]  slot;
  logic [3:0]  match;
  logic [3:0]  other;            // records of the client
  logic        one_place;
  logic        one_endpoint;
  logic        at_home;
  logic        was_free;
  logic [3:0]  home;
  logic [17:0] busy;             // places that were taken at some time of the window
  logic [17:0] stash_busy;       // ... of 4 clocks
  logic [17:0] reach;            // places that the operation may take

  assign by_forward = (op_s.kind == 4'(portcam_connection_pkg::OpForward) && !op_s.req.keyless) ||
                      op_s.kind == 4'(portcam_connection_pkg::OpInsert);
  assign by_reverse = op_s.kind == 4'(portcam_connection_pkg::OpReverse);
  assign by_slot    = op_s.kind > 4'(portcam_connection_pkg::OpReverse) &&
                      op_s.kind != 4'(portcam_connection_pkg::OpInsert);
  assign chooses    = by_forward && (op_s.req.may_create || op_s.req.is_tcp ||
                                     op_s.kind == 4'(portcam_connection_pkg::OpInsert));
  assign slot       = {op_s.where.in_stash, op_s.where.place[2:0], op_s.where.bucket[0]};

  function automatic logic [17:0] place_of(input logic [4:0] where);
    for (int unsigned p = 0; p < 18; p++) begin
      place_of[p] = where == (p < 16 ? 5'(p) : {4'(p - 8), 1'b0});
    end
  endfunction

  always_comb begin
    one_place    = 1'b1;
    one_endpoint = 1'b1;
    at_home      = 1'b1;
    home         = '0;
    busy         = others_q;
    stash_busy   = others_q;
    was_free     = (place_of(next_at) & others_q) == '0;
    reach        = '0;
    for (int unsigned k = 0; k < 4; k++) begin
      match[k] = lives_q[k] &&
                 ((by_forward && {op_s.req.client.ip[0], op_s.req.service[0]} == 2'(k)) ||
                  (by_reverse && op_s.req.client.ip[0] == 1'(k / 2) && op_s.req.endpoint[0] == end_q[k]) ||
                  (by_slot && slot == at_q[k*5+:5]));
      other[k] = lives_q[k] && {op_s.req.client.ip[0], !op_s.req.service[0]} == 2'(k);
      home     = k / 2 == 1 ? home_q[7:4] : home_q[3:0];
      was_free &= !lives_q[k] || at_q[k*5+:5] != next_at;
      for (int unsigned n = 0; n <= Events; n++) begin
        if (lives[4*n+k]) begin
          one_place &= (place_of(at[20*n+k*5+:5]) & others_q) == '0;
          at_home &= at[20*n+k*5+4] ? at[20*n+k*5+2+:2] == '0 && !at[20*n+k*5]
                                    : at[20*n+k*5] == home[at[20*n+k*5+2+:2]];
          for (int unsigned o = 0; o < k; o++) begin
            one_place &= !lives[4*n+o] || at[20*n+k*5+:5] != at[20*n+o*5+:5];
            one_endpoint &= !lives[4*n+o] || o / 2 != k / 2 || ends[4*n+k] != ends[4*n+o];
          end
        end
      end
      for (int unsigned n = 0; n <= Window; n++) begin
        if (lives[4*n+k]) begin
          busy |= place_of(at[20*n+k*5+:5]);
          if (n <= 4) stash_busy |= place_of(at[20*n+k*5+:5]);
        end
      end
    end
    home = (by_slot ? known.row.client.ip[0] : op_s.req.client.ip[0]) ? home_q[7:4] : home_q[3:0];
    for (int unsigned p = 0; p < 16; p++) begin
      reach[p] = home[p/4] == 1'(p);
    end
  end

  //------------------------------------------------------------------------------------------------
  // What the DUT remembers of the last decisions, for the induction.

  portcam_connection_pkg::where_t taken;

  localparam int unsigned EventBits = $bits(newest);
  localparam int unsigned WhereBits = $bits(taken);

  (* hidden = "u_newest.valid_q" *)
  logic [Events-1:1]    valid_q;
  (* hidden = "u_newest.events_q[3:1]", when = "Events=3" *)
  logic [3*EventBits-1:0] events_q;
  (* hidden = "u_places.valid_q" *)
  logic [Events-1:1]    taken_valid_q;
  (* hidden = "u_places.taken_q[2:1]", when = "Events=3" *)
  logic [2*WhereBits-1:0] taken_q;

  portcam_connection_pkg::event_t old;
  logic [4:0]                     old_at;
  logic                           remembers;
  logic                           remembers_places;
  logic                           moves_are_alone;

  always_comb begin
    old              = '0;
    taken            = '0;
    old_at           = '0;
    remembers        = 1'b1;
    remembers_places = 1'b1;
    moves_are_alone  = moving_q == '0 ||
                       (walking_q == moving_q && (moving_q & (moving_q - 1'b1)) == '0);
    for (int unsigned n = 0; n < Events; n++) begin
      old       = n == 0 ? newest : events_q[(n-1)*EventBits+:EventBits];
      old.valid = n == 0 ? newest.valid : valid_q[n];
      old_at    = {old.where.in_stash, old.where.place[2:0], old.where.bucket[0]};
      for (int unsigned k = 0; k < 4; k++) begin
        if (old.valid && {old.row.client.ip[0], old.row.service[0]} == 2'(k)) begin
          remembers &= lives[4*n+k] == old.live && at[20*n+k*5+:5] == old_at &&
                       ends[4*n+k] == old.row.endpoint[0] &&
                       (old.left ? lives[4*(n+1)+k] && ends[4*(n+1)+k] == old.left_endpoint[0] :
                                   !lives[4*(n+1)+k] || ends[4*(n+1)+k] == old.row.endpoint[0]) &&
                       (old.live || (!old.left && lives[4*(n+1)+k] && at[20*(n+1)+k*5+:5] == old_at));
        end else begin
          remembers &= lives[4*n+k] == lives[4*(n+1)+k] &&
                       (!lives[4*n+k] || (at[20*n+k*5+:5] == at[20*(n+1)+k*5+:5] &&
                                          ends[4*n+k] == ends[4*(n+1)+k]));
        end
        // Only a move takes a living record elsewhere.
        if (lives[4*n+k] && lives[4*(n+1)+k] && at[20*n+k*5+:5] != at[20*(n+1)+k*5+:5]) begin
          moves_are_alone &= moving_q[n+4];
        end
        // Only the walk ends one.
        if (!lives[4*n+k] && lives[4*(n+1)+k]) moves_are_alone &= walking_q[n+4];
      end
      if (n > 0) begin
        taken = taken_q[(n-1)*WhereBits+:WhereBits];
        remembers_places &= taken_valid_q[n] == (old.valid && old.live) &&
                            (!taken_valid_q[n] || taken == old.where);
      end
    end
    moves_are_alone &= moving_q[1] == (acts_n && op_n.kind == 4'(portcam_connection_pkg::OpMove)) &&
                       moving_q[2] == (acts_q && op_q.kind == 4'(portcam_connection_pkg::OpMove)) &&
                       moving_q[3] == (acts_s && op_s.kind == 4'(portcam_connection_pkg::OpMove)) &&
                       walking_q[1] == (acts_n && op_n.kind > 4'(portcam_connection_pkg::OpReverse)) &&
                       walking_q[2] == (acts_q && op_q.kind > 4'(portcam_connection_pkg::OpReverse)) &&
                       walking_q[3] == (acts_s && op_s.kind > 4'(portcam_connection_pkg::OpReverse));
  end

  always_ff @(posedge clk_i) begin
    started_q <= 1'b1;
  end

  always_comb begin
    if (!started_q) assume (!rst_ni);
    if (started_q && rst_ni) begin
      a_events_are_what_was_decided : assert (remembers);
      a_places_taken_are_what_was_decided : assert (remembers_places);
      a_moves_are_alone : assert (moves_are_alone);
      a_one_place : assert (one_place);
      a_one_endpoint : assert (one_endpoint);
      a_in_its_buckets_or_the_stash : assert (at_home);
      if (acts_s && (by_forward || by_reverse || by_slot)) begin
        a_known_forward : assert (!by_forward || known.hit || match == '0);
        a_known_reverse : assert (!by_reverse || known.hit || match == '0);
        a_known_by_slot : assert (!by_slot || known.hit || match == '0);
        a_unknown_forward : assert (!by_forward || !known.hit || match != '0);
        a_unknown_reverse : assert (!by_reverse || !known.hit || match != '0);
        a_unknown_by_slot : assert (!by_slot || !known.hit || match != '0);
        a_known_is_it :
        assert (!known.hit || (match[known_key] && known_at == at_q[known_key*5+:5] &&
                               known.row.endpoint[0] == end_q[known_key]));
        a_first_taken_if_another_has_it :
        assert (!chooses || first_taken == ((other & ~(end_q ^ {4{choice_s.first.endpoint[0]}})) != '0));
        a_second_taken_if_another_has_it :
        assert (!chooses ||
                second_taken == ((other & ~(end_q ^ {4{choice_s.second.endpoint[0]}})) != '0));
        if (by_forward || (op_s.kind == 4'(portcam_connection_pkg::OpMove) && known.hit)) begin
          a_full_is_full :
          assert ((reach & ~busy) == '0 || (decided.room && !decided.place.in_stash));
          a_stash_full_is_full : assert (stash_busy[17:16] == 2'b11 || decided.room);
        end
      end
      if (decided.changes.valid) begin
        if (decided.moves || (decided.inserts && !decided.replaces)) begin
          a_place_was_free : assert (decided.changes.live && was_free);
          a_place_is_of_its_buckets_or_the_stash :
          assert ((place_of(next_at) & (reach | 18'h30000)) != '0);
          a_begins_where_no_other_is : assert (decided.moves == lives_q[next_key]);
        end else begin
          a_stays : assert (lives_q[next_key] && next_at == at_q[next_key*5+:5]);
        end
      end
      if (decided.inserts) begin
        a_endpoint_was_free :
        assert ((other & ~(end_q ^ {4{decided.changes.row.endpoint[0]}})) == '0 &&
                decided.changes.row.client == op_s.req.client &&
                decided.changes.row.service == op_s.req.service);
      end
      c_moves          : cover (decided.moves);
      c_in_the_stash   : cover (decided.inserts && decided.place.in_stash && lives_q != '0);
      c_replaced       : cover (decided.inserts && decided.replaces && lives_q == 4'b1111);
      c_full           : cover (acts_s && by_forward && !decided.room);
      c_freed_and_taken: cover (decided.inserts && !decided.replaces && busy[16] && !stash_busy[16] && next_at == 5'b10000);
    end
  end

endmodule
