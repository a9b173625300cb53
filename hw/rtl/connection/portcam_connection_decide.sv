// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_decide: what an operation does. One decision a clock; each one knows that of
// the clock before.
//
// In, in the clock of the decision: live_i, the operation op_i (its kind is there), and what
// portcam_connection_prepare, _choice and _places made of it. decided_o says what happens in this
// clock, for portcam_connection_answer. One clock later event_q_o is the event, if there is one, and
// origin_q_o where its parts are from; rows are written from it. this_q_o: the event before it was of
// the record in question.
//
// embryonic_o: the number of embryonic records before the decision of this clock. used_o is the
// number of records one clock later than that. init_i empties both.

`default_nettype none

module portcam_connection_decide (
    input  logic                              clk_i,
    input  logic                              rst_ni,
    input  logic                              init_i,
    input  logic [31:0]                       time_ms_i,
    input  logic                              live_i,
    input  portcam_connection_pkg::op_t       op_i,
    input  portcam_connection_pkg::ready_t    ready_i,
    input  portcam_connection_pkg::relation_t relation_i,
    input  portcam_connection_pkg::choice_t   choice_i,
    input  portcam_connection_pkg::places_t   places_i,
    input  portcam_connection_pkg::life_t     given_i,      // of the record of OpInsert
    output portcam_connection_pkg::deciding_t deciding_o,
    output portcam_connection_pkg::decided_t  decided_o,
    output portcam_connection_pkg::event_t    event_q_o,
    output portcam_connection_pkg::origin_t   origin_q_o,
    output logic                              this_q_o,
    output logic [31:0]                       used_o,
    output logic [31:0]                       embryonic_o
);

  //------------------------------------------------------------------------------------------------
  // What is known, corrected by the event of the clock before.

  portcam_connection_pkg::event_t     last;
  portcam_connection_pkg::event_t     next;           // decided in this clock
  portcam_connection_pkg::origin_t    origin_q;
  portcam_connection_pkg::origin_t    origin;
  portcam_connection_pkg::known_t     known;
  portcam_connection_pkg::later_t     later;
  portcam_connection_pkg::candidate_t first;
  portcam_connection_pkg::candidate_t second;
  logic                               packet;         // forward or reverse
  logic                               forward;
  logic                               keyed;          // forward, and it may have a record
  logic                               reverse;
  logic                               given;          // a record of the host
  logic                               acts;           // an operation of either kind
  logic                               same;           // the event is of the record in question
  logic                               same_generation;
  logic                               same_used;
  logic                               first_taken;
  logic                               second_taken;
  logic                               last_live;      // the event took or wrote a place
  logic                               unused_bits;

  assign first       = choice_i.first;
  assign second      = choice_i.second;
  assign forward     = live_i && op_i.kind == 4'(portcam_connection_pkg::OpForward);
  assign reverse     = live_i && op_i.kind == 4'(portcam_connection_pkg::OpReverse);
  assign given       = live_i && op_i.kind == 4'(portcam_connection_pkg::OpInsert);
  assign packet      = forward || reverse;
  assign keyed       = forward && !op_i.req.keyless;
  assign acts        = live_i && op_i.kind != 4'(portcam_connection_pkg::OpNone);
  assign last_live   = last.valid && last.live;
  assign unused_bits = ^{op_i, choice_i, ready_i, last};

  portcam_connection_correct u_correct (
      .by_forward_i  (keyed || given),
      .by_reverse_i  (reverse),
      .by_slot_i     (acts && !packet && !given),
      .event_i       (last),
      .relation_i    (relation_i),
      .known_i       (ready_i.known),
      .first_taken_i (ready_i.first_taken),
      .second_taken_i(ready_i.second_taken),
      .this_o        (same),
      .known_o       (known),
      .first_taken_o (first_taken),
      .second_taken_o(second_taken)
  );

  always_comb begin
    later           = ready_i.later;
    same_generation = ready_i.same_generation;
    same_used       = ready_i.same_used;
    if (same) begin
      if (origin_q.sent) begin
        later = ready_i.later_sent;
      end else if (origin_q.last) begin
        later = ready_i.later_last;
      end else begin
        later = ready_i.later_known;
      end
      same_generation = last.life.generation == op_i.walk.generation;
      same_used       = last.life.last_used == op_i.walk.last_used;
    end
  end

  //------------------------------------------------------------------------------------------------
  // What the packet makes of the record.

  logic [3:0]  next_state;
  logic        next_embryonic;
  logic [7:0]  next_syn_repeats;
  logic        take_end;
  logic        touch;
  logic        syn_repeat;
  logic        syn_reset;
  logic        syn_ack;
  logic        keep;
  logic        reschedule;
  logic        was_active;
  logic        is_active;

  portcam_connection_next u_next (
      .state_i           (known.life.state),
      .embryonic_i       (known.life.embryonic),
      .syn_repeats_i     (known.life.syn_repeats),
      .from_backend_i    (reverse),
      .is_tcp_i          (op_i.req.is_tcp),
      .tcp_class_i       (op_i.req.tcp_class),
      .seq_later_i       (later.seq),
      .end_later_i       (later.over),
      .accepts_i         (known.accepts[op_i.bank]),
      .next_state_o      (next_state),
      .next_embryonic_o  (next_embryonic),
      .next_syn_repeats_o(next_syn_repeats),
      .take_end_o        (take_end),
      .touch_o           (touch),
      .syn_repeat_o      (syn_repeat),
      .syn_reset_o       (syn_reset),
      .syn_ack_o         (syn_ack),
      .keep_o            (keep),
      .reschedule_o      (reschedule),
      .was_active_o      (was_active),
      .is_active_o       (is_active)
  );

  //------------------------------------------------------------------------------------------------
  // The backend for a new record, and its place.

  logic                               first_ok;
  logic                               second_ok;
  logic                               take_second;
  portcam_connection_pkg::candidate_t chosen;
  logic                               chosen_ok;
  logic                               place1_free;
  logic                               place2_free;
  logic                               entry1_free;
  logic                               entry2_free;
  logic                               room;
  logic                               room_in_table;
  portcam_connection_pkg::where_t     place;
  portcam_connection_pkg::where_t     table_place;

  assign first_ok    = first.usable && !first_taken;
  assign second_ok   = second.usable && !second_taken;
  assign take_second = choice_i.swap ? second_ok : !first_ok;
  assign chosen      = take_second ? second : first;
  assign chosen_ok   = first_ok || second_ok;

  always_comb begin
    place1_free   = places_i.place1.free && !(last_live && last.where == places_i.place1.where);
    place2_free   = places_i.place2.free && !(last_live && last.where == places_i.place2.where);
    entry1_free   = places_i.entry1.free && !(last_live && last.where == places_i.entry1.where);
    entry2_free   = places_i.entry2.free && !(last_live && last.where == places_i.entry2.where);
    room_in_table = place1_free || place2_free;
    room          = room_in_table || entry1_free || entry2_free;
    table_place   = place1_free || !place2_free ? places_i.place1.where : places_i.place2.where;
    place         = table_place;
    if (!room_in_table) begin
      place = entry1_free ? places_i.entry1.where : places_i.entry2.where;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The decision.

  logic share_left;     // of embryonic records
  logic wants;          // a record is to begin
  logic replaces;       // ... in the place of another
  logic begins;
  logic inserts;
  logic restores;       // ... a record of the host
  logic keeps;
  logic updates;
  logic ends;
  logic refreshes;
  logic moves;
  logic takes;          // a place
  logic same_record;    // of the walk
  logic more_q;         // the decision before made one more embryonic record
  logic less_q;         // ... or one less

  assign share_left  = more_q ? ready_i.share_more :
                       less_q ? ready_i.share_less : ready_i.share_same;
  assign replaces    = keyed && known.hit && reschedule;
  assign wants       = forward && !op_i.req.draining &&
                       (replaces || (keyed && !known.hit && op_i.req.may_create));
  assign restores    = given && !known.hit && chosen_ok && room;
  assign inserts     = (wants && chosen_ok && (replaces || (room && share_left))) || restores;
  assign keeps       = keyed && known.hit && keep;
  assign begins      = inserts || keeps;
  assign updates     = (keyed || reverse) && known.hit && !keep && !reschedule && !op_i.req.peek;
  assign same_record = acts && known.hit && !packet && same_generation;
  assign ends        = same_record &&
                       (op_i.kind == 4'(portcam_connection_pkg::OpDelete) ||
                        (op_i.kind == 4'(portcam_connection_pkg::OpAge) && same_used));
  assign refreshes   = same_record && op_i.kind == 4'(portcam_connection_pkg::OpKeep);
  assign moves       = acts && known.hit && op_i.kind == 4'(portcam_connection_pkg::OpMove) &&
                       room_in_table;
  assign takes       = (inserts && !replaces) || moves;

  logic [31:0] generation_q;   // of the next record that begins

  always_comb begin
    next               = '0;
    next.valid         = updates || begins || ends || refreshes || moves;
    next.live          = !ends;
    next.where         = moves ? table_place : takes ? place : known.where;
    next.moved         = inserts || ends || moves;
    next.row           = known.row;
    next.life          = known.life;
    next.accepts       = known.accepts;
    next.left          = inserts && replaces;
    next.left_endpoint = known.row.endpoint;
    if (inserts) begin
      next.row.client   = op_i.req.client;
      next.row.service  = op_i.req.service;
      next.row.address  = op_i.req.address;
      next.row.port     = op_i.req.port;
      next.row.backend  = chosen.backend;
      next.row.endpoint = chosen.endpoint;
      next.accepts      = chosen.accepts;
    end
    if (begins) begin
      next.life             = '0;
      next.life.generation  = generation_q;
      next.life.state       = op_i.req.is_tcp ? 4'(portcam_pkg::ConnectionStateSynSeen) :
                                                4'(portcam_pkg::ConnectionStateUnreplied);
      next.life.embryonic   = 1'b1;
      next.life.client_next = op_i.req.is_tcp ? op_i.req.tcp_end : '0;
      next.life.created     = time_ms_i;
      next.life.last_used   = time_ms_i;
      if (given) begin
        next.life            = given_i;
        next.life.generation = generation_q;
      end
    end else if (updates) begin
      next.life.state       = next_state;
      next.life.embryonic   = next_embryonic;
      next.life.syn_repeats = next_syn_repeats;
      if (take_end) begin
        next.life.client_next = op_i.req.tcp_end;
      end
    end
    if (refreshes || (updates && touch)) begin
      next.life.last_used = time_ms_i;
    end
  end

  always_comb begin
    origin.last   = same;
    origin.fresh  = inserts;
    origin.second = take_second;
    origin.place1 = takes && place1_free;
    origin.place2 = takes && !place1_free && place2_free;
    origin.entry1 = takes && !room_in_table && entry1_free;
    origin.entry2 = takes && !room_in_table && !entry1_free;
    origin.sent   = begins || (updates && take_end);
  end

  // A place takes what is valid.
  always_ff @(posedge clk_i) begin
    if (next.valid) begin
      last     <= next;
      origin_q <= origin;
    end
    last.valid <= next.valid;
    this_q_o   <= same;
    if (!rst_ni) begin
      last.valid <= 1'b0;
    end
  end

  assign event_q_o  = last;
  assign origin_q_o = origin_q;

  always_comb begin
    deciding_o.fresh          = '0;
    deciding_o.fresh.client   = op_i.req.client;
    deciding_o.fresh.service  = op_i.req.service;
    deciding_o.fresh.address  = op_i.req.address;
    deciding_o.fresh.port     = op_i.req.port;
    deciding_o.fresh.endpoint = first.endpoint;
    deciding_o.second         = second.endpoint;
    deciding_o.known          = ready_i.known.row;
    deciding_o.where          = ready_i.known.where;
    deciding_o.places         = places_i;
  end

  //------------------------------------------------------------------------------------------------
  // Numbers of records.

  logic        proves;      // the record is embryonic no longer
  logic        stops;       // the record before is no more, and was embryonic
  logic        more;
  logic        less;
  logic [31:0] embryonic_q;
  logic [31:0] embryonic_more_q;
  logic [31:0] embryonic_less_q;
  logic [31:0] used_q;
  logic        used_more_q;
  logic        used_less_q;

  assign proves = updates && known.life.embryonic && !next_embryonic;
  assign stops  = ((replaces && inserts) || keeps || ends) && known.life.embryonic;
  assign more   = begins && !stops && !(given && !given_i.embryonic);
  assign less   = !begins && (stops || proves);

  // One more and one less are known before it is known which of them it will be.
  always_ff @(posedge clk_i) begin
    if (more) begin
      embryonic_less_q <= embryonic_q;
      embryonic_q      <= embryonic_more_q;
      embryonic_more_q <= embryonic_more_q + 32'd1;
    end else if (less) begin
      embryonic_less_q <= embryonic_less_q - 32'd1;
      embryonic_q      <= embryonic_less_q;
      embryonic_more_q <= embryonic_q;
    end
    if (begins) begin
      generation_q <= generation_q + 32'd1;
    end
    if (used_more_q) begin
      used_q <= used_q + 32'd1;
    end
    if (used_less_q) begin
      used_q <= used_q - 32'd1;
    end
    more_q      <= more;
    less_q      <= less;
    used_more_q <= inserts && !replaces;
    used_less_q <= ends;
    if (!rst_ni || init_i) begin
      embryonic_less_q <= '1;
      embryonic_q      <= '0;
      embryonic_more_q <= 32'd1;
      generation_q     <= 32'd1;
      used_q           <= '0;
      used_more_q      <= 1'b0;
      used_less_q      <= 1'b0;
    end
  end

  assign used_o      = used_q;
  assign embryonic_o = embryonic_q;

  always_comb begin
    decided_o.changes     = next;
    decided_o.known       = known;
    decided_o.packet      = packet;
    decided_o.forward     = forward;
    decided_o.reverse     = reverse;
    decided_o.acts        = acts;
    decided_o.updates     = updates;
    decided_o.inserts     = inserts;
    decided_o.replaces    = replaces;
    decided_o.restores    = restores;
    decided_o.keeps       = keeps;
    decided_o.ends        = ends;
    decided_o.refreshes   = refreshes;
    decided_o.moves       = moves;
    decided_o.chosen      = chosen;
    decided_o.chosen_ok   = chosen_ok;
    decided_o.take_second = take_second;
    decided_o.room        = room;
    decided_o.place       = place;
    decided_o.table_place = table_place;
    decided_o.syn_repeat  = syn_repeat;
    decided_o.syn_reset   = syn_reset;
    decided_o.syn_ack     = syn_ack;
    decided_o.was_active  = was_active;
    decided_o.is_active   = is_active;
    decided_o.time_ms     = time_ms_i;
  end

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !init_i) begin
      a_a_place_is_free : assert (!(inserts && !replaces && known.hit));
      a_the_limit_is_exact :
      assert (!(live_i && forward) ||
              share_left == (op_i.req.limit == '0 || embryonic_q < op_i.req.limit));
      a_later_is_later :
      assert (!(packet && op_i.req.is_tcp && known.hit) ||
              later.seq == ($signed(op_i.req.tcp_seq - known.life.client_next) > 0));
      a_who_peeks_changes_nothing : assert (!(packet && op_i.req.peek && next.valid));
    end
  end
`endif

endmodule

`resetall
