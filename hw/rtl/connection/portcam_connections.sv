// SPDX-License-Identifier: Apache-2.0
//
// portcam_connections: the records of connections. Packets and the walk pass one pipeline, one
// operation a clock, never stalled; each sees everything that those before it did, and nothing else
// (docs/hazards.md).
//
// A packet comes with packet_valid_i and request_i (neither forward nor reverse: it only keeps its
// place in the order). Its verdict is there exactly 17 + ReadLatency clocks later. Where a packet
// does not need the pipeline, an operation of the walk may take its place: walk_ready_o says so, its
// answer comes with walk_done_o. OpMove may be asked for only when all operations of the walk before
// it are answered, and nothing until it is answered itself. OpInsert makes a record of insert_i,
// which holds until it is answered: walk_acted_o, or walk_found_o (it exists), or walk_taken_o
// (ambiguous), or there is no room; its slot and generation are not looked at. tally_o tells the
// counters of backends what happened, mirror_o a mirror of the records (in the order of the
// operations, also the answer to OpCopy), trace_o the order of operations.
//
// What happens when, in clocks after packet_valid_i, R = ReadLatency:
//
//        1  operation chosen, hash                                       portcam_connection_enter
//        2  rows of four buckets and the stash read                      _search
//    R + 2  rows compared with the question
//    R + 4  record found, as far as the rows know: its state is read,
//           a slot of the schedule picked                                _choice
//    R + 9  the two backends of the slot are read
//   R + 12  compared with the newest events                              _newest, _places
//   R + 13  newest of events and rows
//   R + 14  all comparisons of the decision; places for a new record     _prepare, _places
//   R + 15  decision; what it changes is the newest event                _decide
//   R + 16  row written; sums                                            _counts
//   R + 17  state written, verdict                                       _answer
//
// Time is read with the decision. init_i empties everything; it must not be given while a packet is
// on its way. busy_o: no packets may be given.

`default_nettype none

module portcam_connections #(
    parameter int unsigned Rows         = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6       = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways         = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash        = portcam_pkg::BuildConnectionStash,
    parameter int unsigned ScheduleRows = portcam_pkg::BuildScheduleRows,
    parameter int unsigned Services     = portcam_pkg::BuildServices,
    parameter int unsigned Addresses    = portcam_pkg::BuildAddresses,
    parameter int unsigned Backends     = portcam_pkg::BuildBackends,
    parameter int unsigned ReadLatency  = 2
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic [255:0]                     secret_i,
    input  logic [31:0]                      time_ms_i,
    input  logic                             packet_valid_i,
    input  logic                             packet_bank_i,
    input  portcam_connection_pkg::request_t request_i,
    output logic                             verdict_valid_o,
    output portcam_connection_pkg::verdict_t verdict_o,
    input  logic                             walk_valid_i,
    output logic                             walk_ready_o,
    input  portcam_connection_pkg::walk_t    walk_i,
    input  portcam_pkg::connection_image_t   insert_i,
    output logic                             walk_done_o,
    output logic [3:0]                       walk_kind_o,    // op_e
    output logic [23:0]                      walk_slot_o,
    output logic                             walk_acted_o,   // OpRead: there is a record
    output logic                             walk_found_o,   // there was a record
    output logic                             walk_taken_o,   // OpInsert: its endpoint is taken
    output portcam_connection_pkg::row_t     walk_row_o,
    output portcam_connection_pkg::state_t   walk_state_o,   // before the operation
    output logic [4*Ways-1:0]                walk_used_o,
    output logic [Stash-1:0]                 stash_used_o,
    output logic [Stash-1:0]                 stash_used_v6_o,
    output portcam_connection_pkg::tally_t   tally_o,
    output logic                             mirror_valid_o,
    output portcam_connection_pkg::mirror_t  mirror_o,
    output logic [31:0]                      used_o,
    output logic [31:0]                      embryonic_o,
    output logic                             trace_valid_o,
    output portcam_connection_pkg::trace_t   trace_o,
    input  logic                             schedule_req_valid_i,
    input  logic                             backend_req_valid_i,
    input  logic                             req_write_i,
    input  logic                             req_bank_i,
    input  logic [15:0]                      req_row_i,
    input  logic                             req_present_i,
    input  logic [383:0]                     req_data_i,
    output logic                             schedule_done_o,
    output logic                             schedule_present_o,
    output logic [383:0]                     schedule_data_o,
    input  logic                             init_i,
    output logic                             busy_o
);

  // Stages: an operation is in stage n, and live_q[n] high, n clocks after it was chosen.
  localparam int unsigned H = 3 + ReadLatency;     // found
  localparam int unsigned X = H + 8;               // compared with events
  localparam int unsigned N = X + 1;               // newest
  localparam int unsigned Q = X + 2;               // prepared
  localparam int unsigned S = X + 3;               // decision
  localparam int unsigned Events = X;              // that the rows may not show

  localparam int unsigned RowWays   = 4 * Ways;
  localparam int unsigned StashBits = $clog2(Stash);
  localparam int unsigned Places    = RowWays + Stash;
  localparam int unsigned Slots     = Rows + RowsV6 + 2 * Stash;

  if (Slots > (1 << 24)) begin : g_bad_slots
    $error("portcam_connections: more than 2^24 slots");
  end

  portcam_connection_pkg::event_t    newest;       // event of the clock before
  portcam_connection_pkg::origin_t   origin;
  portcam_connection_pkg::deciding_t deciding;
  portcam_connection_pkg::decided_t  decided;

  //------------------------------------------------------------------------------------------------
  // Stages 0 and 1: a packet that needs records, or the walk.

  portcam_connection_pkg::request_t given_request;
  logic [15:0]                      given_backend;
  logic [15:0]                      given_endpoint;
  portcam_connection_pkg::life_t    given_life;
  portcam_connection_pkg::counts_t  given_counts;

  portcam_connection_given u_given (
      .image_i   (insert_i),
      .request_o (given_request),
      .backend_o (given_backend),
      .endpoint_o(given_endpoint),
      .life_o    (given_life),
      .counts_o  (given_counts)
  );

  logic [S+1:1]                live_q;
  logic                        live_1;
  portcam_connection_pkg::op_t op_1;
  logic [63:0]                 decided_hash_q;

  portcam_connection_enter #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_enter (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .secret_i      (secret_i),
      .packet_valid_i(packet_valid_i),
      .packet_bank_i (packet_bank_i),
      .request_i     (request_i),
      .walk_valid_i  (walk_valid_i),
      .walk_ready_o  (walk_ready_o),
      .walk_i        (walk_i),
      .given_i       (given_request),
      .busy_i        (busy_o),
      .keep_valid_i  (newest.valid && newest.moved && newest.live),
      .keep_where_i  (newest.where),
      .keep_hash_i   (decided_hash_q),
      .live_o        (live_1),
      .op_o          (op_1)
  );

  logic [S+1:2] late_q;

  assign live_q = {late_q, live_1};

  always_ff @(posedge clk_i) begin
    late_q <= live_q[S:1];
    if (!rst_ni) begin
      late_q <= '0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Stages 1 to H: the rows.

  portcam_connection_pkg::op_t    op_pre;
  logic                           live_pre;
  portcam_connection_pkg::op_t    op_c;
  portcam_connection_pkg::op_t    op_h;
  logic                           hit_h;
  portcam_connection_pkg::row_t   row_h;
  portcam_connection_pkg::where_t where_h;
  logic [4*16-1:0]                buckets_h;
  logic [RowWays-1:0]             used_h;
  logic [Places-1:0]              found_h;
  logic [Places-1:0]              same_c;
  logic [Places*16-1:0]           ends_c;
  logic                           moved_q;
  logic [StashBits-1:0]           moved_from_q;
  logic                           rows_busy;
  logic                           unused_op;

  portcam_connection_search #(
      .Rows       (Rows),
      .RowsV6     (RowsV6),
      .Ways       (Ways),
      .Stash      (Stash),
      .Services   (Services),
      .Addresses  (Addresses),
      .Backends   (Backends),
      .ReadLatency(ReadLatency)
  ) u_search (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .live_i         (live_1),
      .op_i           (op_1),
      .live_pre_o     (live_pre),
      .op_pre_o       (op_pre),
      .op_q1_o        (op_c),
      .same_q1_o      (same_c),
      .ends_q1_o      (ends_c),
      .op_o           (op_h),
      .hit_o          (hit_h),
      .row_o          (row_h),
      .where_o        (where_h),
      .buckets_o      (buckets_h),
      .used_o         (used_h),
      .found_o        (found_h),
      .stash_used_o   (stash_used_o),
      .stash_used_v6_o(stash_used_v6_o),
      .event_i        (newest),
      .clear_valid_i  (moved_q),
      .clear_entry_i  (moved_from_q),
      .init_i         (init_i),
      .busy_o         (rows_busy)
  );

  assign unused_op = ^{op_pre, op_c};

  //------------------------------------------------------------------------------------------------
  // Stages H to N: the state of the record. It is written one clock after the row, with the counts.

  portcam_connection_pkg::known_t  known_n;
  portcam_connection_pkg::counts_t counts_q;
  portcam_connection_pkg::counts_t sums_before;
  portcam_connection_pkg::counts_t sums_after;
  logic [1:0]                      accepts_n;

  portcam_connection_state #(
      .Rows       (Rows),
      .RowsV6     (RowsV6),
      .Ways       (Ways),
      .Stash      (Stash),
      .ReadLatency(ReadLatency),
      .Latency    (N - H)
  ) u_state (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .valid_i  (live_q[H]),
      .hit_i    (hit_h),
      .row_i    (row_h),
      .where_i  (where_h),
      .accepts_i(accepts_n),
      .known_o  (known_n),
      .counts_o (counts_q),
      .event_i  (newest),
      .counts_i (sums_after)
  );

  //------------------------------------------------------------------------------------------------
  // Operation and rows wait for stage X.
  localparam int unsigned OpBits   = $bits(op_h);
  localparam int unsigned FindBits = OpBits + 1 + 64 + RowWays + Places;
  localparam int unsigned EndBits  = Places * 17;

  portcam_connection_pkg::op_t       op_x;
  portcam_connection_pkg::op_t       op_q;
  portcam_connection_pkg::question_t question_x;
  logic                              hit_x;
  logic [4*16-1:0]                   buckets_x;
  logic [RowWays-1:0]                used_x;
  logic [Places-1:0]                 found_x;
  logic [Places-1:0]                 same_x;
  logic [Places*16-1:0]              ends_x;
  logic                              is_syn_c;
  logic                              is_syn_h;
  logic                              is_syn_x;
  logic                              chooses_c;
  logic                              chooses_x;

  portcam_delay #(
      .Width (FindBits),
      .Cycles(X - H)
  ) u_found_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(live_q[H]),
      .data_i ({op_h, hit_h, buckets_h, used_h, found_h}),
      .data_o ({op_x, hit_x, buckets_x, used_x, found_x})
  );

  // A record may begin with a packet that may create one, and with each SYN of a record that is over:
  // then the endpoints of the client's other records matter. So they do for OpInsert.
  assign is_syn_c  = op_c.req.is_tcp && op_c.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);
  assign is_syn_h  = op_h.req.is_tcp && op_h.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);
  assign is_syn_x  = op_x.req.is_tcp && op_x.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);
  assign chooses_c = (op_c.kind == 4'(portcam_connection_pkg::OpForward) &&
                      (op_c.req.may_create || is_syn_c)) ||
                     op_c.kind == 4'(portcam_connection_pkg::OpInsert);
  assign chooses_x = question_x.by_forward && (op_x.req.may_create || is_syn_x);

  portcam_delay #(
      .Width (EndBits),
      .Cycles(X - H + 1)
  ) u_ends_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(live_q[H-1] && chooses_c),
      .data_i ({same_c, ends_c}),
      .data_o ({same_x, ends_x})
  );

  //------------------------------------------------------------------------------------------------
  // Stages H to Q: a slot of the schedule, its two backends; whether the record's takes connections.
  // The service's counter moves on where no record seems to be.

  portcam_connection_pkg::choice_t picked_q;
  portcam_connection_pkg::choice_t choice_q;
  logic [15:0]                     first_end_x;
  logic [15:0]                     second_end_x;
  logic                            picks_h;
  logic                            asks_h;
  logic                            insert_h;
  logic [1:0]                      accepts_q;
  logic                            choice_busy;

  assign insert_h = op_h.kind == 4'(portcam_connection_pkg::OpInsert);
  assign picks_h  = live_q[H] && op_h.kind == 4'(portcam_connection_pkg::OpForward);
  assign asks_h   = op_h.kind == 4'(portcam_connection_pkg::OpForward) && op_h.req.may_create &&
                   !op_h.req.keyless && !op_h.req.draining && !hit_h &&
                   op_h.req.pick == 2'(portcam_pkg::PickCounter);

  portcam_connection_choice #(
      .Services    (Services),
      .ScheduleRows(ScheduleRows),
      .Backends    (Backends)
  ) u_choice (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .pre_valid_i         (live_pre && op_pre.kind == 4'(portcam_connection_pkg::OpForward)),
      .pre_service_i       (op_pre.req.service),
      .valid_i             (picks_h),
      .bank_i              (op_h.bank),
      .is_v6_i             (op_h.is_v6),
      .asks_i              (asks_h),
      .use_hash_i          (!(op_h.req.may_create || is_syn_h) || op_h.req.keyless),
      .pick_i              (op_h.req.pick),
      .schedule_i          (op_h.req.schedule),
      .slots_log2_i        (op_h.req.slots_log2),
      .crc_i               (op_h.req.crc),
      .first_end_o         (first_end_x),
      .second_end_o        (second_end_x),
      .choice_o            (picked_q),
      .hit_valid_i         (live_q[H] && (hit_h || insert_h)),
      .hit_backend_i       (insert_h ? given_backend : row_h.backend),
      .accepts_o           (accepts_n),
      .begin_valid_i       (tally_o.valid && tally_o.active),
      .begin_backend_i     (tally_o.backend),
      .leave_valid_i       (tally_o.left_valid && tally_o.inactive),
      .leave_backend_i     (tally_o.left_backend),
      .schedule_req_valid_i(schedule_req_valid_i),
      .backend_req_valid_i (backend_req_valid_i),
      .req_write_i         (req_write_i),
      .req_bank_i          (req_bank_i),
      .req_row_i           (req_row_i),
      .req_present_i       (req_present_i),
      .req_data_i          (req_data_i),
      .schedule_done_o     (schedule_done_o),
      .schedule_present_o  (schedule_present_o),
      .schedule_data_o     (schedule_data_o),
      .init_i              (init_i),
      .busy_o              (choice_busy)
  );

  // The host has chosen the backend of its record.
  always_comb begin
    choice_q = picked_q;
    if (op_q.kind == 4'(portcam_connection_pkg::OpInsert)) begin
      choice_q                = '0;
      choice_q.first.usable   = 1'b1;
      choice_q.first.backend  = given_backend;
      choice_q.first.endpoint = given_endpoint;
      choice_q.first.accepts  = accepts_q;
    end
  end

  assign busy_o = rows_busy || choice_busy;

  //------------------------------------------------------------------------------------------------
  // Stages X to Q: what the events of the last clocks know better; places for a new record.

  portcam_connection_pkg::question_t question_n;
  portcam_connection_pkg::question_t question_q;
  portcam_connection_pkg::op_t       op_n;
  portcam_connection_pkg::op_t       op_s;
  portcam_connection_pkg::known_t    known_q;
  portcam_connection_pkg::relation_t relation_q;
  portcam_connection_pkg::relation_t relation_s;
  portcam_connection_pkg::ready_t    ready_s;
  portcam_connection_pkg::choice_t   choice_s;
  portcam_connection_pkg::places_t   places_s;
  logic [RowWays-1:0]                used_n;
  logic [RowWays-1:0]                used_q;
  logic [RowWays-1:0]                used_s;
  logic                              insert_x;
  logic                              acts_x;
  logic                              acts_n;
  logic                              acts_q;
  logic                              first_taken_q;
  logic                              second_taken_q;
  logic [Events-1:0]                 from_event_q;
  logic                              this_q;
  logic                              this_s;
  logic                              this_after;
  logic [31:0]                       embryonic;

  assign insert_x = op_x.kind == 4'(portcam_connection_pkg::OpInsert);

  assign acts_x = live_q[X] && op_x.kind != 4'(portcam_connection_pkg::OpNone);
  assign acts_n = live_q[N] && op_n.kind != 4'(portcam_connection_pkg::OpNone);
  assign acts_q = live_q[Q] && op_q.kind != 4'(portcam_connection_pkg::OpNone);

  always_comb begin
    question_x.by_forward = (op_x.kind == 4'(portcam_connection_pkg::OpForward) &&
                             !op_x.req.keyless) || insert_x;
    question_x.by_reverse = op_x.kind == 4'(portcam_connection_pkg::OpReverse);
    question_x.by_slot    = op_x.kind > 4'(portcam_connection_pkg::OpReverse) && !insert_x;
    question_x.client     = op_x.req.client;
    question_x.service    = op_x.req.service;
    question_x.address    = op_x.req.address;
    question_x.port       = op_x.req.port;
    question_x.endpoint   = op_x.req.endpoint;
    question_x.first      = insert_x ? given_endpoint : first_end_x;
    question_x.second     = second_end_x;
    question_x.where      = op_x.where;
  end

  always_ff @(posedge clk_i) begin
    if (live_q[X]) begin
      op_n <= op_x;
    end
    if (live_q[N]) begin
      op_q <= op_n;
    end
    if (live_q[Q]) begin
      op_s <= op_q;
    end
    if (acts_x) begin
      question_n <= question_x;
      used_n     <= used_x;
    end
    if (acts_n) begin
      question_q <= question_n;
      used_q     <= used_n;
      accepts_q  <= accepts_n;
    end
    if (acts_q) begin
      choice_s <= choice_q;
      used_s   <= used_q;
    end
  end

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
      .hit_i         (hit_x),
      .chooses_i     (chooses_x),
      .found_i       (found_x),
      .same_i        (same_x),
      .ends_i        (ends_x),
      .known_i       (known_n),
      .known_o       (known_q),
      .first_taken_o (first_taken_q),
      .second_taken_o(second_taken_q),
      .relation_o    (relation_q),
      .newest_o      (from_event_q),
      .this_o        (this_q)
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
      .is_v6_i        (op_x.is_v6),
      .buckets_i      (buckets_x),
      .used_i         (used_x),
      .stash_used_i   (stash_used_o),
      .stash_used_v6_i(stash_used_v6_o),
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
      .deciding_sent_i(op_s.req.tcp_end),
      .deciding_next_i(ready_s.known.life.client_next),
      .embryonic_i    (embryonic),
      .ready_o        (ready_s),
      .relation_o     (relation_s),
      .this_o         (this_s)
  );

  //------------------------------------------------------------------------------------------------
  // Stage S: the decision.

  portcam_connection_decide u_decide (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .init_i     (init_i),
      .time_ms_i  (time_ms_i),
      .live_i     (live_q[S]),
      .op_i       (op_s),
      .ready_i    (ready_s),
      .relation_i (relation_s),
      .choice_i   (choice_s),
      .places_i   (places_s),
      .given_i    (given_life),
      .deciding_o (deciding),
      .decided_o  (decided),
      .event_q_o  (newest),
      .origin_q_o (origin),
      .this_q_o   (this_after),
      .used_o     (used_o),
      .embryonic_o(embryonic)
  );

  logic unused_decided;

  assign unused_decided = ^decided;

  always_ff @(posedge clk_i) begin
    moved_q      <= decided.moves;
    moved_from_q <= decided.known.where.place[StashBits-1:0];
    embryonic_o  <= embryonic;
    if (!rst_ni) begin
      moved_q <= 1'b0;
    end
    if (decided.inserts) begin
      decided_hash_q <= op_s.hash;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Stages S + 1 and S + 2: sums and answers.

  logic        begins_q;
  logic        restores_q;
  logic        forward_q;   // a packet of the record
  logic        reverse_q;
  logic [15:0] len_q;

  always_ff @(posedge clk_i) begin
    begins_q   <= decided.inserts || decided.keeps;
    restores_q <= decided.restores;
    forward_q <= decided.updates && decided.forward;
    reverse_q <= decided.updates && decided.reverse;
    if (live_q[S]) begin
      len_q <= op_s.req.len;
    end
  end

  portcam_connection_counts #(
      .Events(Events)
  ) u_counts (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .newest_live_i(acts_q),
      .newest_i     (from_event_q),
      .newest_this_i(this_q),
      .counts_i     (counts_q),
      .ready_live_i (live_q[S]),
      .ready_this_i (this_s),
      .after_live_i (live_q[S+1]),
      .after_this_i (this_after),
      .valid_i      (newest.valid),
      .begins_i     (begins_q),
      .forward_i    (forward_q),
      .reverse_i    (reverse_q),
      .len_i        (len_q),
      .given_valid_i(restores_q),
      .given_i      (given_counts),
      .before_o     (sums_before),
      .after_o      (sums_after)
  );

  portcam_connection_answer #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_answer (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .live_i         (live_q[S]),
      .op_i           (op_s),
      .choice_i       (choice_s),
      .used_i         (used_s),
      .decided_i      (decided),
      .before_i       (sums_before),
      .after_i        (sums_after),
      .verdict_valid_o(verdict_valid_o),
      .verdict_o      (verdict_o),
      .walk_done_o    (walk_done_o),
      .walk_kind_o    (walk_kind_o),
      .walk_slot_o    (walk_slot_o),
      .walk_acted_o   (walk_acted_o),
      .walk_found_o   (walk_found_o),
      .walk_taken_o   (walk_taken_o),
      .walk_row_o     (walk_row_o),
      .walk_state_o   (walk_state_o),
      .walk_used_o    (walk_used_o),
      .tally_o        (tally_o),
      .mirror_valid_o (mirror_valid_o),
      .mirror_o       (mirror_o),
      .trace_valid_o  (trace_valid_o),
      .trace_o        (trace_o)
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !busy_o) begin
      a_records_fit : assert (used_o <= Slots);
      a_embryonic_records_are_records : assert (embryonic_o <= used_o);
    end
  end
`endif

endmodule

`resetall
