// SPDX-License-Identifier: Apache-2.0
//
// portcam_connections: the records of connections. Packets and the walk pass one pipeline, one
// operation a clock, never stalled; each sees everything that those before it did, and nothing else
// (docs/hazards.md).
//
// A packet comes with packet_valid_i and request_i (neither forward nor reverse: it only keeps its
// place in the order). Its verdict is there exactly 16 + ReadLatency clocks later. Where a packet
// does not need the pipeline, an operation of the walk may take its place: walk_ready_o says so, its
// answer comes with walk_done_o. OpMove may be asked for only when all operations of the walk before
// it are answered, and nothing until it is answered itself. OpInsert makes a record of insert_i,
// which holds until it is answered: walk_acted_o, or walk_found_o (it exists), or walk_taken_o
// (ambiguous), or there is no room; its slot and generation are not looked at. tally_o tells the counters of backends
// what happened, mirror_o a mirror of the records (one clock after the decision, in the order of the
// operations, also the answer to OpCopy), trace_o the order of operations.
//
// What happens when, in clocks after packet_valid_i, R = ReadLatency:
//
//        1  operation chosen, hash
//        2  rows of four buckets and the stash read
//    R + 2  rows compared with the question
//    R + 4  record found, as far as the rows know: its state is read, a slot of the schedule picked
//    R + 9  the two backends of the slot are read
//   R + 14  newest of events and rows; places for a new record
//   R + 15  decision; what it changes is the newest event
//   R + 16  rows and state written, verdict
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

  localparam int unsigned ChoiceLatency = 10;  // of portcam_connection_choice

  // Stages: an operation is in stage n, and live_q[n] high, n clocks after it was chosen.
  localparam int unsigned R = 1 + ReadLatency;     // rows come
  localparam int unsigned H = R + 2;               // found
  localparam int unsigned X = H + ChoiceLatency;   // newest
  localparam int unsigned S = X + 1;               // decision
  localparam int unsigned Events = X;              // that the rows may not show

  localparam int unsigned RowWays     = 4 * Ways;
  localparam int unsigned WayBits     = $clog2(Ways);
  localparam int unsigned PlaceBits   = WayBits + 2;                // table and way
  localparam int unsigned BucketBits  = $clog2(Rows / RowWays);
  localparam int unsigned BucketBits6 = $clog2(RowsV6 / RowWays);
  localparam int unsigned StashBits   = $clog2(Stash);
  localparam int unsigned Places      = RowWays + Stash;
  localparam int unsigned Base6       = Rows + Stash;               // first slot of IPv6
  localparam int unsigned Slots       = Rows + RowsV6 + 2 * Stash;
  localparam int unsigned SlotBits    = $clog2(Slots);

  portcam_connection_pkg::event_t newest;   // event of the clock before
  portcam_connection_pkg::op_t    op;

  localparam int unsigned OpBits = $bits(op);

  if (Slots > (1 << 24)) begin : g_bad_slots
    $error("portcam_connections: more than 2^24 slots");
  end
  if (BucketBits > 16 || BucketBits6 > 16) begin : g_bad_buckets
    $error("portcam_connections: more than 2^16 buckets");
  end

  //------------------------------------------------------------------------------------------------
  // Clock 0: what comes in. Clock 1: a packet that needs records, or the walk.

  logic                             packet_q0;
  logic                             bank_q0;
  portcam_connection_pkg::request_t req_q0;
  logic [63:0]                      hash;
  logic [183:0]                     hashed;
  logic [63:0]                      stash_hash;
  logic                             taken_q0;      // by the packet
  logic                             inserts_q0;    // the walk has an image
  logic                             walk_v6;
  logic [23:0]                      walk_slot;     // within its IP version

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      packet_q0 <= 1'b0;
    end else begin
      packet_q0 <= packet_valid_i;
    end
    if (packet_valid_i) begin
      bank_q0 <= packet_bank_i;
      req_q0  <= request_i;
    end
  end

  assign taken_q0     = packet_q0 && (req_q0.forward || req_q0.reverse);
  assign walk_ready_o = !taken_q0 && !busy_o;
  assign walk_v6      = walk_i.slot >= 24'(Base6);
  assign walk_slot    = walk_v6 ? walk_i.slot - 24'(Base6) : walk_i.slot;

  // The record that the host gives, and what is asked for it.
  portcam_connection_pkg::row_t     given_row;
  portcam_connection_pkg::state_t   given_state;
  portcam_connection_pkg::request_t given;
  portcam_connection_pkg::client_t  client;
  logic                             unused_image;

  always_comb begin
    given_row                   = '0;
    given_row.client.is_v6      = insert_i.family == 8'(portcam_pkg::Family6);
    given_row.client.ip         = insert_i.client_ip;
    given_row.client.port       = insert_i.client_port;
    given_row.client.protocol   = insert_i.protocol;
    given_row.client.group      = insert_i.group;
    given_row.client.kept       = insert_i.flags[portcam_pkg::ConnectionImageKeptPort] ?
                                  insert_i.public_port : '0;
    given_row.service           = insert_i.service;
    given_row.address           = insert_i.address;
    given_row.port              = insert_i.public_port;
    given_row.backend           = insert_i.backend;
    given_row.endpoint          = insert_i.endpoint;
    given_state                 = '0;
    given_state.state           = insert_i.state[3:0];
    given_state.embryonic       = insert_i.flags[portcam_pkg::ConnectionImageEmbryonic];
    given_state.syn_repeats     = insert_i.syn_repeats;
    given_state.client_next     = insert_i.client_next;
    given_state.created         = insert_i.created;
    given_state.last_used       = insert_i.last_used;
    given_state.forward_packets = insert_i.forward_packets[47:0];
    given_state.forward_octets  = insert_i.forward_octets;
    given_state.reverse_packets = insert_i.reverse_packets[47:0];
    given_state.reverse_octets  = insert_i.reverse_octets;
    given                       = '0;
    given.client                = given_row.client;
    given.service               = given_row.service;
    given.address               = given_row.address;
    given.port                  = given_row.port;
    given.may_create            = 1'b1;
  end

  assign unused_image = ^insert_i;
  assign inserts_q0   = !taken_q0 && walk_valid_i &&
                        walk_i.kind == 4'(portcam_connection_pkg::OpInsert);
  assign client       = inserts_q0 ? given.client : req_q0.client;

  assign hashed = {client.kept[7:0], client.kept[15:8], client.group[7:0], client.group[15:8],
                   client.protocol, client.port[7:0], client.port[15:8], client.ip};

  portcam_toeplitz #(
      .InWidth(184),
      .Offset (0),
      .Latency(0)
  ) u_hash (
      .clk_i   (clk_i),
      .valid_i (taken_q0 || inserts_q0),
      .in_i    (hashed),
      .secret_i(secret_i),
      .hash_o  (hash)
  );

  always_comb begin
    op.packet = packet_q0;
    op.bank   = bank_q0;
    op.req    = inserts_q0 ? given : req_q0;
    op.walk   = walk_i;
    op.hash   = taken_q0 || inserts_q0 ? hash : stash_hash;
    op.is_v6  = taken_q0 || inserts_q0 ? client.is_v6 : walk_v6;
    if (taken_q0) begin
      op.kind = req_q0.forward ? 4'(portcam_connection_pkg::OpForward)
                               : 4'(portcam_connection_pkg::OpReverse);
    end else if (walk_valid_i && walk_ready_o) begin
      op.kind = walk_i.kind;
    end else begin
      op.kind = 4'(portcam_connection_pkg::OpNone);
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clocks 1 to H: the operation. live_q[n]: one is n clocks late. walk_place: its bit among the
  // places of its buckets and stash; direct: it names its slot.

  logic [S+1:1]                live_q;
  portcam_connection_pkg::op_t op_q1;
  portcam_connection_pkg::op_t op_r;
  portcam_connection_pkg::op_t op_c;
  portcam_connection_pkg::op_t op_h;
  portcam_connection_pkg::op_t op_x;
  logic [23:0]                 walk_slot_q1;
  logic [4*BucketBits-1:0]     buckets;
  logic [4*BucketBits6-1:0]    buckets6;
  logic                        rows_valid;
  logic                        rows6_valid;
  logic                        in_stash_q1;
  logic                        by_hash_q1;
  logic [Places-1:0]           place_q1;
  logic [Places-1:0]           place_r;
  portcam_connection_pkg::row_t key_r;

  always_ff @(posedge clk_i) begin
    live_q <= {live_q[S:1], packet_q0 || (walk_valid_i && walk_ready_o)};
    if (!rst_ni) begin
      live_q <= '0;
    end
    if (packet_q0 || walk_valid_i) begin
      op_q1        <= op;
      walk_slot_q1 <= walk_slot;
    end
  end

  assign in_stash_q1 = walk_slot_q1 >= (op_q1.is_v6 ? 24'(RowsV6) : 24'(Rows));
  assign by_hash_q1  = op_q1.kind == 4'(portcam_connection_pkg::OpForward) ||
                       op_q1.kind == 4'(portcam_connection_pkg::OpReverse) ||
                       op_q1.kind == 4'(portcam_connection_pkg::OpMove) ||
                       op_q1.kind == 4'(portcam_connection_pkg::OpInsert);

  // What the stash remembers is mixed already.
  portcam_connection_pkg::op_t op_m;
  logic [63:0]                 mixed;

  portcam_mix u_mix (
      .hash_i(op_q1.hash),
      .hash_o(mixed)
  );

  always_comb begin
    op_m = op_q1;
    if (op_q1.kind != 4'(portcam_connection_pkg::OpMove)) begin
      op_m.hash = mixed;
    end
  end

  always_comb begin
    for (int unsigned t = 0; t < 4; t++) begin
      buckets[t*BucketBits+:BucketBits] =
          by_hash_q1 ? op_m.hash[t*16+:BucketBits] : walk_slot_q1[PlaceBits+:BucketBits];
      buckets6[t*BucketBits6+:BucketBits6] =
          by_hash_q1 ? op_m.hash[t*16+:BucketBits6] : walk_slot_q1[PlaceBits+:BucketBits6];
    end
    place_q1 = '0;
    for (int unsigned p = 0; p < RowWays; p++) begin
      place_q1[p] = !in_stash_q1 && walk_slot_q1[PlaceBits-1:0] == PlaceBits'(p);
    end
    for (int unsigned n = 0; n < Stash; n++) begin
      place_q1[RowWays+n] = in_stash_q1 && walk_slot_q1[StashBits-1:0] == StashBits'(n);
    end
  end

  assign rows_valid  = live_q[1] && op_q1.kind != 4'(portcam_connection_pkg::OpNone) &&
                       !op_q1.is_v6;
  assign rows6_valid = live_q[1] && op_q1.kind != 4'(portcam_connection_pkg::OpNone) && op_q1.is_v6;

  // The operation waits for the rows, from stage 1 to R.
  localparam int unsigned WaitBits = OpBits + Places;
  (* mem2reg *)
  logic [WaitBits-1:0] wait_q [2:R];

  always_ff @(posedge clk_i) begin
    if (live_q[1]) begin
      wait_q[2] <= {op_m, place_q1};
    end
  end

  for (genvar n = 3; n <= R; n++) begin : g_wait
    always_ff @(posedge clk_i) begin
      if (live_q[n-1]) begin
        wait_q[n] <= wait_q[n-1];
      end
    end
  end

  assign {op_r, place_r} = wait_q[R];

  always_ff @(posedge clk_i) begin
    if (live_q[R]) begin
      op_c <= op_r;
    end
    if (live_q[R+1]) begin
      op_h <= op_c;
    end
  end

  always_comb begin
    key_r          = '0;
    key_r.client   = op_r.req.client;
    key_r.service  = op_r.req.service;
    key_r.address  = op_r.req.address;
    key_r.port     = op_r.req.port;
    key_r.endpoint = op_r.req.endpoint;
  end

  // An operation of the packet kind that may find a record; a loopback destination has none.
  logic insert_r;
  logic forward_r;
  logic reverse_r;
  logic direct_r;

  assign insert_r  = op_r.kind == 4'(portcam_connection_pkg::OpInsert);
  assign forward_r = (op_r.kind == 4'(portcam_connection_pkg::OpForward) && !op_r.req.keyless) ||
                     insert_r;
  assign reverse_r = op_r.kind == 4'(portcam_connection_pkg::OpReverse);
  assign direct_r  = op_r.kind > 4'(portcam_connection_pkg::OpReverse) && !insert_r;

  logic                           hit4;
  logic                           hit6;
  portcam_connection_pkg::row_t   row4;
  portcam_connection_pkg::row_t   row6;
  logic [Places-1:0]              found4;
  logic [Places-1:0]              found6;
  logic [Places-1:0]              same4;
  logic [Places-1:0]              same6;
  logic [Places*16-1:0]           ends4;
  logic [Places*16-1:0]           ends6;
  logic [Places-1:0]              used4;
  logic [Places-1:0]              used6;
  logic [1:0]                     rows_busy;
  logic                           write_v6;
  logic [23:0]                    write_slot;    // within its IP version
  logic                           write_stash;
  logic                           clear_stash;   // the record left this entry
  logic [StashBits-1:0]           clear_entry;

  assign write_v6    = newest.slot >= 24'(Base6);
  assign write_slot  = write_v6 ? newest.slot - 24'(Base6) : newest.slot;
  assign write_stash = write_slot >= (write_v6 ? 24'(RowsV6) : 24'(Rows));

  portcam_connection_rows #(
      .IsV6       (1'b0),
      .Rows       (Rows),
      .Ways       (Ways),
      .Stash      (Stash),
      .ReadLatency(ReadLatency),
      .Services   (Services),
      .Addresses  (Addresses),
      .Backends   (Backends)
  ) u_rows (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .valid_i       (rows_valid),
      .buckets_i     (buckets),
      .key_q_i       (key_r),
      .forward_q_i   (forward_r),
      .reverse_q_i   (reverse_r),
      .direct_q_i    (direct_r),
      .place_q_i     (place_r),
      .hit_o         (hit4),
      .row_o         (row4),
      .found_o       (found4),
      .same_q1_o     (same4),
      .ends_q1_o     (ends4),
      .used_o        (used4),
      .stash_used_o  (stash_used_o),
      .write_valid_i (newest.valid && newest.moved && !write_v6),
      .write_live_i  (newest.live),
      .write_stash_i (write_stash),
      .write_entry_i (write_slot[StashBits-1:0]),
      .write_bucket_i(write_slot[PlaceBits+:BucketBits]),
      .write_table_i (write_slot[WayBits+:2]),
      .write_way_i   (write_slot[WayBits-1:0]),
      .write_row_i   (newest.row),
      .clear_valid_i (clear_stash && !write_v6),
      .clear_entry_i (clear_entry),
      .init_i        (init_i),
      .busy_o        (rows_busy[0])
  );

  portcam_connection_rows #(
      .IsV6       (1'b1),
      .Rows       (RowsV6),
      .Ways       (Ways),
      .Stash      (Stash),
      .ReadLatency(ReadLatency),
      .Services   (Services),
      .Addresses  (Addresses),
      .Backends   (Backends)
  ) u_rows_v6 (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .valid_i       (rows6_valid),
      .buckets_i     (buckets6),
      .key_q_i       (key_r),
      .forward_q_i   (forward_r),
      .reverse_q_i   (reverse_r),
      .direct_q_i    (direct_r),
      .place_q_i     (place_r),
      .hit_o         (hit6),
      .row_o         (row6),
      .found_o       (found6),
      .same_q1_o     (same6),
      .ends_q1_o     (ends6),
      .used_o        (used6),
      .stash_used_o  (stash_used_v6_o),
      .write_valid_i (newest.valid && newest.moved && write_v6),
      .write_live_i  (newest.live),
      .write_stash_i (write_stash),
      .write_entry_i (write_slot[StashBits-1:0]),
      .write_bucket_i(write_slot[PlaceBits+:BucketBits6]),
      .write_table_i (write_slot[WayBits+:2]),
      .write_way_i   (write_slot[WayBits-1:0]),
      .write_row_i   (newest.row),
      .clear_valid_i (clear_stash && write_v6),
      .clear_entry_i (clear_entry),
      .init_i        (init_i),
      .busy_o        (rows_busy[1])
  );

  //------------------------------------------------------------------------------------------------
  // Clock H: the record, as the rows know it. What is needed later waits until clock X.

  logic                           hit_h;
  portcam_connection_pkg::row_t   row_h;
  logic [Places-1:0]              found_h;
  logic [Places-1:0]              used_h;
  logic [23:0]                    slot_h;
  logic [4*16-1:0]                buckets_h;   // of the four tables
  logic [1:0]                     emptiest_h;  // table whose bucket has the fewest rows in use
  logic                           asks_h;
  logic                           acts_h;      // there is an operation
  logic                           insert_h;

  assign acts_h  = live_q[H] && op_h.kind != 4'(portcam_connection_pkg::OpNone);
  assign insert_h = op_h.kind == 4'(portcam_connection_pkg::OpInsert);
  assign hit_h   = op_h.kind != 4'(portcam_connection_pkg::OpNone) && (op_h.is_v6 ? hit6 : hit4);
  assign row_h   = op_h.is_v6 ? row6 : row4;
  assign found_h = op_h.is_v6 ? found6 : found4;
  assign used_h  = op_h.is_v6 ? used6 : used4;

  always_comb begin
    for (int unsigned t = 0; t < 4; t++) begin
      buckets_h[t*16+:16] = op_h.is_v6 ? 16'(op_h.hash[t*16+:BucketBits6])
                                       : 16'(op_h.hash[t*16+:BucketBits]);
    end
    slot_h = '0;
    if (acts_h) begin
      for (int unsigned p = 0; p < RowWays; p++) begin
        slot_h |= found_h[p] ? (24'(buckets_h[(p/Ways)*16+:16]) << PlaceBits) | 24'(p) : '0;
      end
      for (int unsigned n = 0; n < Stash; n++) begin
        slot_h |= found_h[RowWays+n] ? (op_h.is_v6 ? 24'(RowsV6 + n) : 24'(Rows + n)) : '0;
      end
    end
    if (op_h.kind > 4'(portcam_connection_pkg::OpReverse) && !insert_h) begin
      slot_h = op_h.walk.slot;
    end else if (op_h.is_v6) begin
      slot_h += 24'(Base6);
    end
  end

  logic [4*(WayBits+1)-1:0] fill_h;

  always_comb begin
    fill_h = '0;
    if (acts_h) begin
      for (int unsigned p = 0; p < RowWays; p++) begin
        fill_h[(p/Ways)*(WayBits+1)+:WayBits+1] += (WayBits + 1)'(used_h[p]);
      end
    end
    emptiest_h = 2'd0;
    for (int unsigned t = 1; t < 4; t++) begin
      if (fill_h[t*(WayBits+1)+:WayBits+1] <
          fill_h[32'(emptiest_h)*(WayBits+1)+:WayBits+1]) begin
        emptiest_h = 2'(t);
      end
    end
  end

  // The service's counter moves on where no record seems to be.
  assign asks_h = op_h.kind == 4'(portcam_connection_pkg::OpForward) && op_h.req.may_create &&
                  !op_h.req.keyless && !op_h.req.draining && !hit_h &&
                  op_h.req.pick == 2'(portcam_pkg::PickCounter);

  // The state of the record.
  portcam_connection_pkg::known_t known_x;
  portcam_connection_pkg::state_t state_read;
  portcam_connection_pkg::state_t unused_state;
  logic [ReadLatency:1]           state_valid_q;

  localparam int unsigned StateBits = $bits(state_read);

  portcam_ram #(
      .Width      (StateBits),
      .Depth      (Slots),
      .ReadLatency(ReadLatency)
  ) u_state (
      .clk_i    (clk_i),
      .a_en_i   (live_q[H] && hit_h),
      .a_addr_i (slot_h[SlotBits-1:0]),
      .a_data_o (state_read),
      .b_en_i   (newest.valid && newest.live),
      .b_we_i   (1'b1),
      .b_addr_i (newest.slot[SlotBits-1:0]),
      .b_wdata_i(newest.state),
      .b_rdata_o(unused_state)
  );

  always_ff @(posedge clk_i) begin
    state_valid_q <= ReadLatency'({state_valid_q, live_q[H] && hit_h});
    if (!rst_ni) begin
      state_valid_q <= '0;
    end
  end

  portcam_delay #(
      .Width (StateBits),
      .Cycles(X - H - ReadLatency)
  ) u_state_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(state_valid_q[ReadLatency]),
      .data_i (state_read),
      .data_o (known_x.state)
  );

  // Operation and record.
  localparam int unsigned FoundBits = OpBits + 1 + $bits(row_h) + 24 + 64 + 2 + RowWays + Places;

  logic [4*16-1:0]    buckets_x;
  logic [1:0]         emptiest_x;
  logic [RowWays-1:0] used_x;
  logic [Places-1:0]  found_x;

  portcam_delay #(
      .Width (FoundBits),
      .Cycles(X - H)
  ) u_found_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(live_q[H]),
      .data_i ({op_h, hit_h, row_h, slot_h, buckets_h, emptiest_h, used_h[RowWays-1:0], found_h}),
      .data_o ({op_x, known_x.hit, known_x.row, known_x.slot, buckets_x, emptiest_x, used_x,
                found_x})
  );

  // Backend ends of the rows with the same client, for a packet that may need another backend than
  // theirs.
  localparam int unsigned EndBits = Places * 17;

  logic [Places-1:0]    same_x;
  logic [Places*16-1:0] ends_x;
  logic                 chooses_c;
  logic                 is_syn_c;
  logic                 is_syn_h;

  // A record may begin with a packet that may create one, and with each SYN of a record that is over.
  assign chooses_c = (op_c.kind == 4'(portcam_connection_pkg::OpForward) &&
                      (op_c.req.may_create || is_syn_c)) ||
                     op_c.kind == 4'(portcam_connection_pkg::OpInsert);
  assign is_syn_c  = op_c.req.is_tcp && op_c.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);
  assign is_syn_h  = op_h.req.is_tcp && op_h.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);

  portcam_delay #(
      .Width (EndBits),
      .Cycles(X - R - 1)
  ) u_ends_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(live_q[R+1] && chooses_c),
      .data_i (op_c.is_v6 ? {same6, ends6} : {same4, ends4}),
      .data_o ({same_x, ends_x})
  );

  //------------------------------------------------------------------------------------------------
  // Clocks H to X: a slot of the schedule, its two backends; whether the record's takes connections.

  portcam_connection_pkg::op_t     op_pre;
  portcam_connection_pkg::choice_t picked_x;
  portcam_connection_pkg::choice_t choice_x;
  logic                            picks_h;
  logic                            choice_busy;
  logic                            unused_op_pre;

  if (R == 2) begin : g_pre_first
    assign op_pre = op_q1;
  end else begin : g_pre
    assign op_pre = wait_q[R-1][WaitBits-1:Places];
  end

  assign unused_op_pre = ^op_pre;
  assign picks_h       = live_q[H] && op_h.kind == 4'(portcam_connection_pkg::OpForward);

  portcam_connection_choice #(
      .Services    (Services),
      .ScheduleRows(ScheduleRows),
      .Backends    (Backends)
  ) u_choice (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .pre_valid_i         (live_q[H-3] && op_pre.kind == 4'(portcam_connection_pkg::OpForward)),
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
      .choice_o            (picked_x),
      .hit_valid_i         (live_q[H] && (hit_h || insert_h)),
      .hit_backend_i       (insert_h ? given_row.backend : row_h.backend),
      .accepts_o           (known_x.accepts),
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

  //------------------------------------------------------------------------------------------------
  // Clock X: what the events of the last clocks know better, and places for a new record.

  portcam_connection_pkg::known_t  known_s;
  portcam_connection_pkg::places_t places_s;
  logic                            first_taken_s;
  logic                            second_taken_s;
  logic                            acts_x;

  // The host has chosen the backend of its record.
  always_comb begin
    choice_x = picked_x;
    if (op_x.kind == 4'(portcam_connection_pkg::OpInsert)) begin
      choice_x                = '0;
      choice_x.first.usable   = 1'b1;
      choice_x.first.backend  = given_row.backend;
      choice_x.first.endpoint = given_row.endpoint;
      choice_x.first.accepts  = known_x.accepts;
    end
  end

  assign acts_x = live_q[X] && op_x.kind != 4'(portcam_connection_pkg::OpNone);

  portcam_connection_newest #(
      .Events(Events),
      .Places(Places)
  ) u_newest (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .event_i       (newest),
      .live_i        (live_q[X]),
      .op_i          (op_x),
      .known_i       (known_x),
      .found_i       (found_x),
      .same_i        (same_x),
      .ends_i        (ends_x),
      .choice_i      (choice_x),
      .known_o       (known_s),
      .first_taken_o (first_taken_s),
      .second_taken_o(second_taken_s)
  );

  portcam_connection_places #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash),
      .Events(Events)
  ) u_places (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .event_i        (newest),
      .live_i         (acts_x),
      .is_v6_i        (op_x.is_v6),
      .buckets_i      (buckets_x),
      .emptiest_i     (emptiest_x),
      .used_i         (used_x),
      .stash_used_i   (stash_used_o),
      .stash_used_v6_i(stash_used_v6_o),
      .places_o       (places_s)
  );

  //------------------------------------------------------------------------------------------------
  // Clock S: the decision.

  portcam_connection_pkg::op_t      op_s;
  portcam_connection_pkg::choice_t  choice_s;
  portcam_connection_pkg::decided_t decided;
  logic [RowWays-1:0]               used_s;
  logic                             unused_decided;

  assign unused_decided = ^decided;

  always_ff @(posedge clk_i) begin
    if (live_q[X]) begin
      op_s <= op_x;
    end
    if (acts_x) begin
      choice_s <= choice_x;
      used_s   <= used_x;
    end
  end

  portcam_connection_decide u_decide (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .init_i        (init_i),
      .time_ms_i     (time_ms_i),
      .live_i        (live_q[S]),
      .op_i          (op_s),
      .known_i       (known_s),
      .first_taken_i (first_taken_s),
      .second_taken_i(second_taken_s),
      .choice_i      (choice_s),
      .places_i      (places_s),
      .given_i       (given_state),
      .event_q_o     (newest),
      .decided_o     (decided),
      .used_o        (used_o),
      .embryonic_o   (embryonic_o)
  );

  //------------------------------------------------------------------------------------------------
  // Clock S + 1: the answers. The stash remembers the hash of its rows for the day they move.

  logic                 moved_q;
  logic [StashBits-1:0] moved_from_q;
  logic [63:0]          hash_q;
  logic [Stash*64-1:0]  stash_hash_q;
  logic [Stash*64-1:0]  stash_hash6_q;

  assign clear_stash = moved_q;
  assign clear_entry = moved_from_q;
  assign stash_hash  = walk_v6 ? stash_hash6_q[walk_slot[StashBits-1:0]*64+:64]
                               : stash_hash_q[walk_slot[StashBits-1:0]*64+:64];

  always_ff @(posedge clk_i) begin
    moved_q      <= decided.moves;
    moved_from_q <= decided.known.slot[StashBits-1:0];
    if (!rst_ni) begin
      moved_q <= 1'b0;
    end
    if (decided.inserts) begin
      hash_q <= op_s.hash;
    end
    if (newest.valid && newest.moved && newest.live && write_stash) begin
      if (write_v6) begin
        stash_hash6_q[write_slot[StashBits-1:0]*64+:64] <= hash_q;
      end else begin
        stash_hash_q[write_slot[StashBits-1:0]*64+:64] <= hash_q;
      end
    end
  end

  portcam_connection_answer #(
      .RowWays(RowWays)
  ) u_answer (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .live_i         (live_q[S]),
      .op_i           (op_s),
      .choice_i       (choice_s),
      .used_i         (used_s),
      .decided_i      (decided),
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

  assign busy_o = rows_busy != '0 || choice_busy;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !busy_o) begin
      a_records_fit : assert (used_o <= Slots);
    end
  end
`endif

endmodule

`resetall
