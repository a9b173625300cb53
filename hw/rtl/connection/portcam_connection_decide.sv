// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_decide: what an operation does. One decision a clock; each one knows that of
// the clock before.
//
// In, in the clock of the decision: live_i, the operation op_i (its kind is there), and what
// portcam_connection_newest, _choice and _places made of it one clock before. event_q_o is the event
// that was decided in the clock before: it corrects all of these, and the rows and the state are
// written from it. decided_o says what happens in this clock, for portcam_connection_answer.
//
// used_o, embryonic_o: numbers of records, behind all decisions so far. init_i empties them.

`default_nettype none

module portcam_connection_decide (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             init_i,
    input  logic [31:0]                      time_ms_i,
    input  logic                             live_i,
    input  portcam_connection_pkg::op_t      op_i,
    input  portcam_connection_pkg::known_t   known_i,
    input  logic                             first_taken_i,
    input  logic                             second_taken_i,
    input  portcam_connection_pkg::choice_t  choice_i,
    input  portcam_connection_pkg::places_t  places_i,
    input  portcam_connection_pkg::state_t   given_i,   // of the record of OpInsert
    output portcam_connection_pkg::event_t   event_q_o,
    output portcam_connection_pkg::decided_t decided_o,
    output logic [31:0]                      used_o,
    output logic [31:0]                      embryonic_o
);

  //------------------------------------------------------------------------------------------------
  // What is known, corrected by the event of the clock before.

  portcam_connection_pkg::event_t     last;
  portcam_connection_pkg::event_t     next;           // decided in this clock
  portcam_connection_pkg::known_t     known;
  portcam_connection_pkg::candidate_t first;
  portcam_connection_pkg::candidate_t second;
  logic                               packet;         // forward or reverse
  logic                               forward;
  logic                               keyed;          // forward, and it may have a record
  logic                               reverse;
  logic                               given;          // a record of the host
  logic                               acts;           // an operation of either kind
  logic                               last_client;
  logic                               last_forward;
  logic                               last_this;
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
  assign unused_bits = ^{op_i, choice_i};

  always_comb begin
    known        = known_i;
    first_taken  = first_taken_i;
    second_taken = second_taken_i;
    last_client  = last.row.client == op_i.req.client;
    last_forward = last_client && last.row.port == op_i.req.port &&
                   last.row.service == op_i.req.service && last.row.address == op_i.req.address;
    last_this    = forward || given ? (keyed || given) && last_forward :
                   reverse          ? last_client && last.row.endpoint == op_i.req.endpoint :
                                      last.slot == op_i.walk.slot;
    if (acts && last.valid) begin
      if (reverse && last_client && last.left && last.left_endpoint == op_i.req.endpoint) begin
        known.hit = 1'b0;
      end
      if (last_this) begin
        known.hit   = last.live;
        known.row   = last.row;
        known.slot  = last.slot;
        known.state = last.state;
        if (!(known_i.hit && known_i.row.backend == last.row.backend)) begin
          known.accepts = last.accepts;
        end
      end
      if (last_client && (last.row.endpoint == first.endpoint ||
                          (last.left && last.left_endpoint == first.endpoint))) begin
        first_taken = last.live && !last_forward && last.row.endpoint == first.endpoint;
      end
      if (last_client && (last.row.endpoint == second.endpoint ||
                          (last.left && last.left_endpoint == second.endpoint))) begin
        second_taken = last.live && !last_forward && last.row.endpoint == second.endpoint;
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // What the packet makes of the record.

  logic [3:0]  next_state;
  logic        next_embryonic;
  logic [7:0]  next_syn_repeats;
  logic [31:0] next_client_next;
  logic        touch;
  logic        syn_repeat;
  logic        syn_reset;
  logic        syn_ack;
  logic        keep;
  logic        reschedule;
  logic        was_active;
  logic        is_active;

  portcam_connection_next u_next (
      .state_i           (known.state.state),
      .embryonic_i       (known.state.embryonic),
      .syn_repeats_i     (known.state.syn_repeats),
      .client_next_i     (known.state.client_next),
      .from_backend_i    (reverse),
      .is_tcp_i          (op_i.req.is_tcp),
      .tcp_class_i       (op_i.req.tcp_class),
      .tcp_end_i         (op_i.req.tcp_end),
      .tcp_seq_i         (op_i.req.tcp_seq),
      .accepts_i         (known.accepts[op_i.bank]),
      .next_state_o      (next_state),
      .next_embryonic_o  (next_embryonic),
      .next_syn_repeats_o(next_syn_repeats),
      .next_client_next_o(next_client_next),
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
  logic                               room;
  logic                               room_in_table;
  logic [23:0]                        place;
  logic [23:0]                        table_place;

  assign first_ok    = first.usable && !first_taken;
  assign second_ok   = second.usable && !second_taken;
  assign take_second = choice_i.swap ? second_ok : !first_ok;
  assign chosen      = take_second ? second : first;
  assign chosen_ok   = first_ok || second_ok;

  always_comb begin
    room_in_table = 1'b1;
    table_place   = places_i.place1.slot;
    if (places_i.place1.free && !(last_live && last.slot == places_i.place1.slot)) begin
      table_place = places_i.place1.slot;
    end else if (places_i.place2.free && !(last_live && last.slot == places_i.place2.slot)) begin
      table_place = places_i.place2.slot;
    end else begin
      room_in_table = 1'b0;
    end
    room  = 1'b1;
    place = table_place;
    if (!room_in_table) begin
      if (places_i.entry1.free && !(last_live && last.slot == places_i.entry1.slot)) begin
        place = places_i.entry1.slot;
      end else if (places_i.entry2.free && !(last_live && last.slot == places_i.entry2.slot)) begin
        place = places_i.entry2.slot;
      end else begin
        room = 1'b0;
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The decision.

  logic [31:0] embryonic_q;
  logic [31:0] used_q;
  logic [31:0] generation_q;   // records that began
  logic        share_left;     // of embryonic records
  logic        wants;          // a record is to begin
  logic        replaces;       // ... in the place of another
  logic        begins;
  logic        inserts;
  logic        restores;       // ... a record of the host
  logic        keeps;
  logic        updates;
  logic        ends;
  logic        refreshes;
  logic        moves;
  logic        same_record;    // of the walk

  assign share_left  = op_i.req.limit == '0 || embryonic_q < op_i.req.limit;
  assign replaces    = keyed && known.hit && reschedule;
  assign wants       = forward && !op_i.req.draining &&
                       (replaces || (keyed && !known.hit && op_i.req.may_create));
  assign restores    = given && !known.hit && chosen_ok && room;
  assign inserts     = (wants && chosen_ok && (replaces || (room && share_left))) || restores;
  assign keeps       = keyed && known.hit && keep;
  assign begins      = inserts || keeps;
  assign updates     = (keyed || reverse) && known.hit && !keep && !reschedule && !op_i.req.peek;
  assign same_record = acts && known.hit && !packet &&
                       known.state.generation == op_i.walk.generation;
  assign ends        = same_record &&
                       (op_i.kind == 4'(portcam_connection_pkg::OpDelete) ||
                        (op_i.kind == 4'(portcam_connection_pkg::OpAge) &&
                         known.state.last_used == op_i.walk.last_used));
  assign refreshes   = same_record && op_i.kind == 4'(portcam_connection_pkg::OpKeep);
  assign moves       = acts && known.hit && op_i.kind == 4'(portcam_connection_pkg::OpMove) &&
                       room_in_table;

  always_comb begin
    next               = '0;
    next.valid         = updates || begins || ends || refreshes || moves;
    next.live          = !ends;
    next.slot          = inserts && !replaces ? place : moves ? table_place : known.slot;
    next.moved         = inserts || ends || moves;
    next.row           = known.row;
    next.state         = known.state;
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
      next.state                 = '0;
      next.state.generation      = generation_q + 32'd1;
      next.state.state           = op_i.req.is_tcp ?
                                   4'(portcam_pkg::ConnectionStateSynSeen) :
                                   4'(portcam_pkg::ConnectionStateUnreplied);
      next.state.embryonic       = 1'b1;
      next.state.client_next     = op_i.req.is_tcp ? op_i.req.tcp_end : '0;
      next.state.created         = time_ms_i;
      next.state.last_used       = time_ms_i;
      next.state.forward_packets = 48'd1;
      next.state.forward_octets  = 64'(op_i.req.len);
      if (given) begin
        next.state            = given_i;
        next.state.generation = generation_q + 32'd1;
      end
    end else if (updates) begin
      next.state.state       = next_state;
      next.state.embryonic   = next_embryonic;
      next.state.syn_repeats = next_syn_repeats;
      next.state.client_next = next_client_next;
      if (reverse) begin
        next.state.reverse_packets = known.state.reverse_packets + 48'd1;
        next.state.reverse_octets  = known.state.reverse_octets + 64'(op_i.req.len);
      end else begin
        next.state.forward_packets = known.state.forward_packets + 48'd1;
        next.state.forward_octets  = known.state.forward_octets + 64'(op_i.req.len);
      end
    end
    if (refreshes || (updates && touch)) begin
      next.state.last_used = time_ms_i;
    end
  end

  // A place takes what is valid.
  always_ff @(posedge clk_i) begin
    if (next.valid) begin
      last <= next;
    end
    last.valid <= next.valid;
    if (!rst_ni) begin
      last.valid <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || init_i) begin
      embryonic_q  <= '0;
      used_q       <= '0;
      generation_q <= '0;
    end else begin
      embryonic_q  <= embryonic_q + 32'(begins && next.state.embryonic) -
                      32'((replaces && inserts || keeps || ends) && known.state.embryonic) -
                      32'(updates && known.state.embryonic && !next_embryonic);
      used_q       <= used_q + 32'(inserts && !replaces) - 32'(ends);
      generation_q <= generation_q + 32'(begins);
    end
  end

  assign event_q_o   = last;
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
      a_embryonic_records_are_records : assert (embryonic_q <= used_q);
      a_who_peeks_changes_nothing : assert (!(packet && op_i.req.peek && next.valid));
    end
  end
`endif

endmodule

`resetall
