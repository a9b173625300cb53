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
// it are answered, and nothing until it is answered itself. tally_o tells the counters of backends
// what happened, trace_o the order of operations.
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
    output logic                             walk_done_o,
    output logic [3:0]                       walk_kind_o,    // op_e
    output logic [23:0]                      walk_slot_o,
    output logic                             walk_acted_o,   // OpRead: there is a record
    output logic                             walk_found_o,   // there was a record
    output portcam_connection_pkg::row_t     walk_row_o,
    output portcam_connection_pkg::state_t   walk_state_o,   // before the operation
    output logic [4*Ways-1:0]                walk_used_o,
    output logic [Stash-1:0]                 stash_used_o,
    output logic [Stash-1:0]                 stash_used_v6_o,
    output portcam_connection_pkg::tally_t   tally_o,
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

  localparam int unsigned ScheduleLatency  = 5;  // of portcam_schedule
  localparam int unsigned CandidateLatency = 5;  // of portcam_candidates

  // Stages: an operation is in stage n, and live_q[n] high, n clocks after it was chosen.
  localparam int unsigned R = 1 + ReadLatency;                      // rows come
  localparam int unsigned H = R + 2;                                // found
  localparam int unsigned C = H + ScheduleLatency;                  // backends of the slot
  localparam int unsigned X = C + CandidateLatency;                 // newest
  localparam int unsigned S = X + 1;                                // decision
  localparam int unsigned Events = X;                               // that the rows may not show

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
  portcam_connection_pkg::event_t event_s;  // decided in this clock
  portcam_connection_pkg::op_t    op;

  localparam int unsigned EventBits = $bits(event_s);
  localparam int unsigned OpBits    = $bits(op);

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

  assign hashed = {req_q0.client.kept[7:0], req_q0.client.kept[15:8], req_q0.client.group[7:0],
                   req_q0.client.group[15:8], req_q0.client.protocol, req_q0.client.port[7:0],
                   req_q0.client.port[15:8], req_q0.client.ip};

  portcam_toeplitz #(
      .InWidth(184),
      .Offset (0),
      .Latency(0)
  ) u_hash (
      .clk_i   (clk_i),
      .valid_i (taken_q0),
      .in_i    (hashed),
      .secret_i(secret_i),
      .hash_o  (hash)
  );

  always_comb begin
    op.packet = packet_q0;
    op.bank   = bank_q0;
    op.req    = req_q0;
    op.walk   = walk_i;
    op.hash   = taken_q0 ? hash : stash_hash;
    op.is_v6  = taken_q0 ? req_q0.client.is_v6 : walk_v6;
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
                       op_q1.kind == 4'(portcam_connection_pkg::OpMove);

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
  logic forward_r;
  logic reverse_r;
  logic direct_r;

  assign forward_r = op_r.kind == 4'(portcam_connection_pkg::OpForward) && !op_r.req.keyless;
  assign reverse_r = op_r.kind == 4'(portcam_connection_pkg::OpReverse);
  assign direct_r  = op_r.kind > 4'(portcam_connection_pkg::OpReverse);

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

  assign acts_h  = live_q[H] && op_h.kind != 4'(portcam_connection_pkg::OpNone);
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
    if (op_h.kind > 4'(portcam_connection_pkg::OpReverse)) begin
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
  portcam_connection_pkg::state_t state_read;
  portcam_connection_pkg::state_t state_x;
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
      .data_o (state_x)
  );

  // Operation and record.
  localparam int unsigned FoundBits = OpBits + 1 + $bits(row_h) + 24 + 64 + 2 + 1 + RowWays +
                                      Places;

  logic                         hit_x;
  portcam_connection_pkg::row_t row_x;
  logic [23:0]                  slot_x;
  logic [4*16-1:0]              buckets_x;
  logic [1:0]                   emptiest_x;
  logic                         asked_x;
  logic [RowWays-1:0]           used_x;
  logic [Places-1:0]            found_x;

  portcam_delay #(
      .Width (FoundBits),
      .Cycles(X - H)
  ) u_found_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(live_q[H]),
      .data_i ({op_h, hit_h, row_h, slot_h, buckets_h, emptiest_h, asks_h, used_h[RowWays-1:0],
                found_h}),
      .data_o ({op_x, hit_x, row_x, slot_x, buckets_x, emptiest_x, asked_x, used_x, found_x})
  );

  // Backend ends of the rows with the same client, for a packet that may need another backend than
  // theirs.
  localparam int unsigned EndBits = Places * 17;

  logic [Places-1:0]    same_x;
  logic [Places*16-1:0] ends_x;
  logic                 chooses_c;
  logic                 is_syn_c;
  logic                 is_syn_h;
  logic                 is_syn_x;

  // A record may begin with a packet that may create one, and with each SYN of a record that is over.
  assign chooses_c = op_c.kind == 4'(portcam_connection_pkg::OpForward) &&
                     (op_c.req.may_create || is_syn_c);
  assign is_syn_c  = op_c.req.is_tcp && op_c.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);
  assign is_syn_h  = op_h.req.is_tcp && op_h.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);
  assign is_syn_x  = op_x.req.is_tcp && op_x.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);

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

  portcam_connection_pkg::op_t op_pre;
  logic                        unused_op_pre;
  logic [15:0]                 first_c;
  logic [15:0]                 second_c;
  logic [15:0]                 index_c;
  logic [15:0]                 first_x;
  logic [15:0]                 second_x;
  logic [15:0]                 index_x;
  logic                        picks_h;
  logic [ScheduleLatency:1]    picks_q;
  logic [ScheduleLatency:1]    pick_bank_q;
  logic [ScheduleLatency:1]    pick_v6_q;
  logic [ScheduleLatency:1]    pick_least_q;
  logic                        first_usable;
  logic [15:0]                 first_endpoint;
  logic [1:0]                  first_accepts;
  logic                        second_usable;
  logic [15:0]                 second_endpoint;
  logic [1:0]                  second_accepts;
  logic                        swap;
  logic [1:0]                  hit_accepts;
  logic [1:0]                  accepts_x;
  logic [2:1]                  hit_q;
  logic                        schedule_busy;
  logic                        candidates_busy;
  logic                        unused_backend_done;
  logic                        unused_backend_present;
  logic [383:0]                unused_backend_data;

  if (R == 2) begin : g_pre_first
    assign op_pre = op_q1;
  end else begin : g_pre
    assign op_pre = wait_q[R-1][WaitBits-1:Places];
  end

  assign unused_op_pre = ^op_pre;
  assign picks_h = live_q[H] && op_h.kind == 4'(portcam_connection_pkg::OpForward);

  portcam_schedule #(
      .Services    (Services),
      .ScheduleRows(ScheduleRows),
      .ReadLatency (2)
  ) u_schedule (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .pre_valid_i  (live_q[H-3] && op_pre.kind == 4'(portcam_connection_pkg::OpForward)),
      .pre_service_i(op_pre.req.service),
      .valid_i      (picks_h),
      .bank_i       (op_h.bank),
      .advance_i    (asks_h),
      .pick_i       (op_h.req.pick),
      .schedule_i   (op_h.req.schedule),
      .slots_log2_i (op_h.req.slots_log2),
      .crc_i        (op_h.req.crc),
      .use_hash_i   (!(op_h.req.may_create || is_syn_h) || op_h.req.keyless),
      .first_o      (first_c),
      .second_o     (second_c),
      .index_o      (index_c),
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
    picks_q      <= {picks_q[ScheduleLatency-1:1], picks_h};
    pick_bank_q  <= {pick_bank_q[ScheduleLatency-1:1], op_h.bank};
    pick_v6_q    <= {pick_v6_q[ScheduleLatency-1:1], op_h.is_v6};
    pick_least_q <= {pick_least_q[ScheduleLatency-1:1],
                     op_h.req.pick == 2'(portcam_pkg::PickLeast)};
    hit_q        <= {hit_q[1], live_q[H] && hit_h};
    if (!rst_ni) begin
      picks_q <= '0;
      hit_q   <= '0;
    end
  end

  portcam_candidates #(
      .Backends(Backends)
  ) u_candidates (
      .clk_i            (clk_i),
      .rst_ni           (rst_ni),
      .valid_i          (picks_q[ScheduleLatency]),
      .bank_i           (pick_bank_q[ScheduleLatency]),
      .is_v6_i          (pick_v6_q[ScheduleLatency]),
      .least_i          (pick_least_q[ScheduleLatency]),
      .first_i          (first_c),
      .second_i         (second_c),
      .first_usable_o   (first_usable),
      .first_endpoint_o (first_endpoint),
      .first_accepts_o  (first_accepts),
      .second_usable_o  (second_usable),
      .second_endpoint_o(second_endpoint),
      .second_accepts_o (second_accepts),
      .swap_o           (swap),
      .hit_valid_i      (live_q[H] && hit_h),
      .hit_backend_i    (row_h.backend),
      .hit_accepts_o    (hit_accepts),
      .begin_valid_i    (tally_o.valid && tally_o.active),
      .begin_backend_i  (tally_o.backend),
      .leave_valid_i    (tally_o.left_valid && tally_o.inactive),
      .leave_backend_i  (tally_o.left_backend),
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
      .Width (48),
      .Cycles(CandidateLatency)
  ) u_pick_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(picks_q[ScheduleLatency]),
      .data_i ({first_c, second_c, index_c}),
      .data_o ({first_x, second_x, index_x})
  );

  portcam_delay #(
      .Width (2),
      .Cycles(X - H - 2)
  ) u_accepts_wait (
      .clk_i  (clk_i),
      .rst_ni (rst_ni),
      .valid_i(hit_q[2]),
      .data_i (hit_accepts),
      .data_o (accepts_x)
  );

  //------------------------------------------------------------------------------------------------
  // Events, the newest first: event n was decided n + 1 clocks ago. A place takes what is valid.

  logic [Events-1:0]    event_valid_q;
  (* mem2reg *)
  logic [EventBits-1:0] events_q [0:Events-1];

  always_comb begin
    newest       = events_q[0];
    newest.valid = event_valid_q[0];
  end

  always_ff @(posedge clk_i) begin
    event_valid_q <= {event_valid_q[Events-2:0], event_s.valid};
    if (!rst_ni) begin
      event_valid_q <= '0;
    end
  end

  for (genvar n = 0; n < Events; n++) begin : g_event
    if (n == 0) begin : g_first
      always_ff @(posedge clk_i) begin
        if (event_s.valid) begin
          events_q[0] <= event_s;
        end
      end
    end else begin : g_next
      always_ff @(posedge clk_i) begin
        if (event_valid_q[n-1]) begin
          events_q[n] <= events_q[n-1];
        end
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // Clock X: the events of the last clocks know better than the rows, the newest best.

  logic                           kind_packet_x;
  logic                           forward_x;
  logic                           reverse_x;
  portcam_connection_pkg::event_t old;          // an event
  logic                           old_client;   // it has the client key
  logic [Events-1:0]              old_forward;  // ... and the forward key
  logic [Events-1:0]              old_this;     // it is of the record in question
  logic [Events-1:0]              old_here;     // ... or that left the endpoint in question
  logic [Events-1:0]              old_first;    // of the first candidate's endpoint and the client
  logic [Events-1:0]              old_second;
  logic [Events-1:0]              first_still;  // ... which it has behind it, and is another record
  logic [Events-1:0]              second_still;
  logic [Events-1:0]              old_live;
  logic [Events*RowWays-1:0]      old_used;     // places of the buckets that it took
  logic [Events-1:0]              newest_here;
  logic [Events-1:0]              newest_first;
  logic [Events-1:0]              newest_second;
  logic                           hit_m;
  portcam_connection_pkg::row_t   row_m;
  logic [23:0]                    slot_m;
  portcam_connection_pkg::state_t state_m;
  logic [1:0]                     accepts_m;
  portcam_connection_pkg::event_t found;        // the newest event of the record
  logic                           first_taken_m;   // ambiguous
  logic                           second_taken_m;
  logic [RowWays-1:0]             used_m;
  logic [23:0]                    old_slot;        // within its IP version
  logic [15:0]                    old_bucket;
  logic [PlaceBits-1:0]           old_place;
  logic                           acts_x;
  logic                           unused_old;

  assign unused_old    = ^{old, found};
  assign acts_x        = live_q[X] && op_x.kind != 4'(portcam_connection_pkg::OpNone);
  assign forward_x     = op_x.kind == 4'(portcam_connection_pkg::OpForward) && !op_x.req.keyless;
  assign reverse_x     = op_x.kind == 4'(portcam_connection_pkg::OpReverse);
  assign kind_packet_x = op_x.kind == 4'(portcam_connection_pkg::OpForward) || reverse_x;

  // Each event by itself.
  always_comb begin
    old          = '0;
    old_client   = 1'b0;
    old_forward  = '0;
    old_this     = '0;
    old_here     = '0;
    old_first    = '0;
    old_second   = '0;
    first_still  = '0;
    second_still = '0;
    old_live     = '0;
    old_used     = '0;
    old_slot     = '0;
    old_bucket   = '0;
    old_place    = '0;
    if (acts_x) begin
      for (int unsigned n = 0; n < Events; n++) begin
        if (event_valid_q[n]) begin
          old            = events_q[n];
          old_client     = old.row.client == op_x.req.client;
          old_forward[n] = old_client && old.row.port == op_x.req.port &&
                           old.row.service == op_x.req.service &&
                           old.row.address == op_x.req.address;
          old_this[n]    = kind_packet_x ? (forward_x ? old_forward[n] :
                                            reverse_x && old_client &&
                                            old.row.endpoint == op_x.req.endpoint) :
                                           old.slot == op_x.walk.slot;
          old_here[n]    = old_this[n] || (reverse_x && old_client && old.left &&
                                           old.left_endpoint == op_x.req.endpoint);
          old_live[n]    = old.live;
          first_still[n] = old.live && !old_forward[n] && old.row.endpoint == first_endpoint;
          old_first[n]   = old_client && (old.row.endpoint == first_endpoint ||
                                          (old.left && old.left_endpoint == first_endpoint));
          second_still[n] = old.live && !old_forward[n] && old.row.endpoint == second_endpoint;
          old_second[n]   = old_client && (old.row.endpoint == second_endpoint ||
                                           (old.left && old.left_endpoint == second_endpoint));
          old_slot   = old.slot >= 24'(Base6) ? old.slot - 24'(Base6) : old.slot;
          old_bucket = 16'(old_slot[23:PlaceBits]);
          old_place  = old_slot[PlaceBits-1:0];
          for (int unsigned p = 0; p < RowWays; p++) begin
            old_used[n*RowWays+p] = old_place == PlaceBits'(p) && old.live &&
                                    (old.slot >= 24'(Base6)) == op_x.is_v6 &&
                                    old_slot < (op_x.is_v6 ? 24'(RowsV6) : 24'(Rows)) &&
                                    buckets_x[(p/Ways)*16+:16] == old_bucket;
          end
        end
      end
    end
  end

  // The newest of those that matter, or what the rows say.
  assign newest_here   = old_here & (~old_here + 1'b1);
  assign newest_first  = old_first & (~old_first + 1'b1);
  assign newest_second = old_second & (~old_second + 1'b1);

  always_comb begin
    hit_m          = hit_x;
    row_m          = row_x;
    slot_m         = slot_x;
    state_m        = state_x;
    accepts_m      = accepts_x;
    used_m         = used_x;
    first_taken_m  = (newest_first & first_still) != '0;
    second_taken_m = (newest_second & second_still) != '0;
    found          = '0;
    if (acts_x) begin
      if (forward_x && (op_x.req.may_create || is_syn_x)) begin
        for (int unsigned p = 0; p < Places; p++) begin
          if (same_x[p] && !(found_x[p] && hit_x)) begin
            first_taken_m |= old_first == '0 && ends_x[p*16+:16] == first_endpoint;
            second_taken_m |= old_second == '0 && ends_x[p*16+:16] == second_endpoint;
          end
        end
      end
      for (int unsigned n = 0; n < Events; n++) begin
        found |= newest_here[n] ? events_q[n] : '0;
        used_m |= old_used[n*RowWays+:RowWays];
      end
      if (old_here != '0) begin
        hit_m     = (newest_here & old_this & old_live) != '0;
        row_m     = found.row;
        slot_m    = found.slot;
        state_m   = found.state;
        // What was read for this packet is newer, if it is of the same backend.
        accepts_m = hit_x && row_x.backend == found.row.backend ? accepts_x : found.accepts;
      end
    end
  end

  // Two places in the table and two in the stash, each one hot; between this clock and the decision
  // at most one of them is taken.
  logic [RowWays-1:0]   free_m;
  logic [RowWays-1:0]   best_m;
  logic [RowWays-1:0]   lowest_m;
  logic [RowWays-1:0]   others_m;     // highest first
  logic [RowWays-1:0]   highest_m;
  logic [PlaceBits-1:0] place1_m;
  logic                 place1_free_m;
  logic [PlaceBits-1:0] place2_m;
  logic                 place2_free_m;
  logic [Stash-1:0]     stash_free_m;
  logic [Stash-1:0]     stash_lowest_m;
  logic [Stash-1:0]     stash_others_m;
  logic [Stash-1:0]     stash_highest_m;
  logic [StashBits-1:0] entry1_m;
  logic                 entry1_free_m;
  logic [StashBits-1:0] entry2_m;
  logic                 entry2_free_m;

  always_comb begin
    free_m          = ~used_m;
    best_m          = '0;
    lowest_m        = '0;
    others_m        = '0;
    highest_m       = '0;
    place1_m        = '0;
    place2_m        = '0;
    stash_free_m    = op_x.is_v6 ? ~stash_used_v6_o : ~stash_used_o;
    stash_lowest_m  = '0;
    stash_others_m  = '0;
    stash_highest_m = '0;
    entry1_m        = '0;
    entry2_m        = '0;
    if (acts_x) begin
      best_m[emptiest_x*Ways+:Ways] = free_m[emptiest_x*Ways+:Ways];
      if (best_m == '0) begin
        best_m = free_m;
      end
      lowest_m = best_m & (~best_m + 1'b1);
      for (int unsigned p = 0; p < RowWays; p++) begin
        others_m[p] = free_m[RowWays-1-p] && !lowest_m[RowWays-1-p];
      end
      highest_m = others_m & (~others_m + 1'b1);
      for (int unsigned p = 0; p < RowWays; p++) begin
        place1_m |= lowest_m[p] ? PlaceBits'(p) : '0;
        place2_m |= highest_m[p] ? PlaceBits'(RowWays - 1 - p) : '0;
      end
      for (int unsigned n = 0; n < Stash; n++) begin
        if (newest.valid && newest.live && write_stash && write_v6 == op_x.is_v6 &&
            write_slot[StashBits-1:0] == StashBits'(n)) begin
          stash_free_m[n] = 1'b0;
        end
      end
      stash_lowest_m = stash_free_m & (~stash_free_m + 1'b1);
      for (int unsigned n = 0; n < Stash; n++) begin
        stash_others_m[n] = stash_free_m[Stash-1-n] && !stash_lowest_m[Stash-1-n];
      end
      stash_highest_m = stash_others_m & (~stash_others_m + 1'b1);
      for (int unsigned n = 0; n < Stash; n++) begin
        entry1_m |= stash_lowest_m[n] ? StashBits'(n) : '0;
        entry2_m |= stash_highest_m[n] ? StashBits'(Stash - 1 - n) : '0;
      end
    end
    place1_free_m = lowest_m != '0;
    place2_free_m = highest_m != '0;
    entry1_free_m = stash_lowest_m != '0;
    entry2_free_m = stash_highest_m != '0;
  end

  //------------------------------------------------------------------------------------------------
  // Clock S: one more event, that of the clock before, then the decision.

  portcam_connection_pkg::op_t    op_s;
  logic                           hit_sq;
  portcam_connection_pkg::row_t   row_sq;
  logic [23:0]                    slot_sq;
  portcam_connection_pkg::state_t state_sq;
  logic [1:0]                     accepts_sq;
  logic                           first_taken_sq;
  logic                           second_taken_sq;
  logic                           asked_s;
  logic [15:0]                    index_s;
  logic [15:0]                    first_s;
  logic                           first_usable_s;
  logic [15:0]                    first_endpoint_s;
  logic [1:0]                     first_accepts_s;
  logic [15:0]                    second_s;
  logic                           second_usable_s;
  logic [15:0]                    second_endpoint_s;
  logic [1:0]                     second_accepts_s;
  logic                           swap_s;
  logic [RowWays-1:0]             used_s;
  logic [23:0]                    place1_s;
  logic                           place1_free_s;
  logic [23:0]                    place2_s;
  logic                           place2_free_s;
  logic [23:0]                    entry1_s;
  logic                           entry1_free_s;
  logic [23:0]                    entry2_s;
  logic                           entry2_free_s;

  always_ff @(posedge clk_i) begin
    if (live_q[X]) begin
      op_s <= op_x;
      if (op_x.kind != 4'(portcam_connection_pkg::OpNone)) begin
        hit_sq            <= hit_m;
        row_sq            <= row_m;
        slot_sq           <= slot_m;
        state_sq          <= state_m;
        accepts_sq        <= accepts_m;
        first_taken_sq    <= first_taken_m;
        second_taken_sq   <= second_taken_m;
        asked_s           <= asked_x;
        index_s           <= index_x;
        first_s           <= first_x;
        first_usable_s    <= first_usable;
        first_endpoint_s  <= first_endpoint;
        first_accepts_s   <= first_accepts;
        second_s          <= second_x;
        second_usable_s   <= second_usable;
        second_endpoint_s <= second_endpoint;
        second_accepts_s  <= second_accepts;
        swap_s            <= swap;
        used_s            <= used_x;
        place1_s          <= (op_x.is_v6 ? 24'(Base6) : 24'd0) +
                             (24'(buckets_x[place1_m[WayBits+:2]*16+:16]) << PlaceBits) +
                             24'(place1_m);
        place2_s          <= (op_x.is_v6 ? 24'(Base6) : 24'd0) +
                             (24'(buckets_x[place2_m[WayBits+:2]*16+:16]) << PlaceBits) +
                             24'(place2_m);
        entry1_s          <= (op_x.is_v6 ? 24'(Base6 + RowsV6) : 24'(Rows)) + 24'(entry1_m);
        entry2_s          <= (op_x.is_v6 ? 24'(Base6 + RowsV6) : 24'(Rows)) + 24'(entry2_m);
        place1_free_s     <= place1_free_m;
        place2_free_s     <= place2_free_m;
        entry1_free_s     <= entry1_free_m;
        entry2_free_s     <= entry2_free_m;
      end
    end
  end

  logic                           packet_s;      // forward or reverse
  logic                           forward_s;
  logic                           keyed_s;       // forward, and it may have a record
  logic                           reverse_s;
  logic                           acts_s;        // an operation of either kind
  logic                           last_client;
  logic                           last_forward;
  logic                           last_this;
  logic                           hit_s;
  portcam_connection_pkg::row_t   row_s;
  logic [23:0]                    slot_s;
  portcam_connection_pkg::state_t state_s;
  logic [1:0]                     accepts_s;
  logic                           first_taken_s;
  logic                           second_taken_s;
  logic                           last_here;     // the event took or wrote a place
  logic                           unused_op_s;

  assign unused_op_s = ^op_s;
  assign forward_s = live_q[S] && op_s.kind == 4'(portcam_connection_pkg::OpForward);
  assign reverse_s = live_q[S] && op_s.kind == 4'(portcam_connection_pkg::OpReverse);
  assign packet_s  = forward_s || reverse_s;
  assign keyed_s   = forward_s && !op_s.req.keyless;
  assign acts_s    = live_q[S] && op_s.kind != 4'(portcam_connection_pkg::OpNone);
  assign last_here = newest.valid && newest.live;

  always_comb begin
    hit_s          = hit_sq;
    row_s          = row_sq;
    slot_s         = slot_sq;
    state_s        = state_sq;
    accepts_s      = accepts_sq;
    first_taken_s  = first_taken_sq;
    second_taken_s = second_taken_sq;
    last_client    = newest.row.client == op_s.req.client;
    last_forward   = last_client && newest.row.port == op_s.req.port &&
                     newest.row.service == op_s.req.service &&
                     newest.row.address == op_s.req.address;
    last_this      = packet_s ? (forward_s ? keyed_s && last_forward :
                                 last_client && newest.row.endpoint == op_s.req.endpoint) :
                                newest.slot == op_s.walk.slot;
    if (acts_s && newest.valid) begin
      if (reverse_s && last_client && newest.left &&
          newest.left_endpoint == op_s.req.endpoint) begin
        hit_s = 1'b0;
      end
      if (last_this) begin
        hit_s     = newest.live;
        row_s     = newest.row;
        slot_s    = newest.slot;
        state_s   = newest.state;
        accepts_s = hit_sq && row_sq.backend == newest.row.backend ? accepts_sq : newest.accepts;
      end
      if (last_client && (newest.row.endpoint == first_endpoint_s ||
                          (newest.left && newest.left_endpoint == first_endpoint_s))) begin
        first_taken_s = newest.live && !last_forward && newest.row.endpoint == first_endpoint_s;
      end
      if (last_client && (newest.row.endpoint == second_endpoint_s ||
                          (newest.left && newest.left_endpoint == second_endpoint_s))) begin
        second_taken_s = newest.live && !last_forward && newest.row.endpoint == second_endpoint_s;
      end
    end
  end

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
      .state_i           (state_s.state),
      .embryonic_i       (state_s.embryonic),
      .syn_repeats_i     (state_s.syn_repeats),
      .client_next_i     (state_s.client_next),
      .from_backend_i    (reverse_s),
      .is_tcp_i          (op_s.req.is_tcp),
      .tcp_class_i       (op_s.req.tcp_class),
      .tcp_end_i         (op_s.req.tcp_end),
      .tcp_seq_i         (op_s.req.tcp_seq),
      .accepts_i         (accepts_s[op_s.bank]),
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

  // The backend for a new record, and its place.
  logic        first_ok;
  logic        second_ok;
  logic        take_second;
  logic        any_usable;
  logic        chosen_ok;
  logic [15:0] chosen;
  logic [15:0] chosen_endpoint;
  logic [1:0]  chosen_accepts;
  logic        room;
  logic        room_in_table;
  logic [23:0] place;
  logic [23:0] table_place;
  logic        share_left;     // of embryonic records
  logic        wants;          // a record is to begin
  logic        replaces;       // ... in the place of another
  logic        begins;
  logic        inserts;
  logic        keeps;
  logic        updates;
  logic        ends;
  logic        refreshes;
  logic        moves;
  logic        same_record;    // of the walk

  assign first_ok    = first_usable_s && !first_taken_s;
  assign second_ok   = second_usable_s && !second_taken_s;
  assign take_second = swap_s ? second_ok : !first_ok;
  assign any_usable  = first_usable_s || second_usable_s;
  assign chosen_ok   = first_ok || second_ok;

  always_comb begin
    chosen          = take_second ? second_s : first_s;
    chosen_endpoint = take_second ? second_endpoint_s : first_endpoint_s;
    chosen_accepts  = take_second ? second_accepts_s : first_accepts_s;

    room_in_table = 1'b1;
    table_place   = place1_s;
    if (place1_free_s && !(last_here && newest.slot == place1_s)) begin
      table_place = place1_s;
    end else if (place2_free_s && !(last_here && newest.slot == place2_s)) begin
      table_place = place2_s;
    end else begin
      room_in_table = 1'b0;
    end
    room  = 1'b1;
    place = table_place;
    if (!room_in_table) begin
      if (entry1_free_s && !(last_here && newest.slot == entry1_s)) begin
        place = entry1_s;
      end else if (entry2_free_s && !(last_here && newest.slot == entry2_s)) begin
        place = entry2_s;
      end else begin
        room = 1'b0;
      end
    end
  end

  logic [31:0] embryonic_q;
  logic [31:0] used_q;
  logic [31:0] generation_q;   // records that began

  assign share_left  = op_s.req.limit == '0 || embryonic_q < op_s.req.limit;
  assign replaces    = keyed_s && hit_s && reschedule;
  assign wants       = forward_s && !op_s.req.draining &&
                       (replaces || (keyed_s && !hit_s && op_s.req.may_create));
  assign inserts     = wants && chosen_ok && (replaces || (room && share_left));
  assign keeps       = keyed_s && hit_s && keep;
  assign begins      = inserts || keeps;
  assign updates     = (keyed_s || reverse_s) && hit_s && !keep && !reschedule;
  assign same_record = acts_s && hit_s && !packet_s && state_s.generation == op_s.walk.generation;
  assign ends        = same_record &&
                       (op_s.kind == 4'(portcam_connection_pkg::OpDelete) ||
                        (op_s.kind == 4'(portcam_connection_pkg::OpAge) &&
                         state_s.last_used == op_s.walk.last_used));
  assign refreshes   = same_record && op_s.kind == 4'(portcam_connection_pkg::OpKeep);
  assign moves       = acts_s && hit_s && op_s.kind == 4'(portcam_connection_pkg::OpMove) &&
                       room_in_table;

  always_comb begin
    event_s               = '0;
    event_s.valid         = updates || begins || ends || refreshes || moves;
    event_s.live          = !ends;
    event_s.slot          = inserts && !replaces ? place : moves ? table_place : slot_s;
    event_s.moved         = inserts || ends || moves;
    event_s.row           = row_s;
    event_s.state         = state_s;
    event_s.accepts       = accepts_s;
    event_s.left          = inserts && replaces;
    event_s.left_endpoint = row_s.endpoint;
    if (inserts) begin
      event_s.row.client   = op_s.req.client;
      event_s.row.service  = op_s.req.service;
      event_s.row.address  = op_s.req.address;
      event_s.row.port     = op_s.req.port;
      event_s.row.backend  = chosen;
      event_s.row.endpoint = chosen_endpoint;
      event_s.accepts      = chosen_accepts;
    end
    if (begins) begin
      event_s.state                 = '0;
      event_s.state.generation      = generation_q + 32'd1;
      event_s.state.state           = op_s.req.is_tcp ?
                                      4'(portcam_pkg::ConnectionStateSynSeen) :
                                      4'(portcam_pkg::ConnectionStateUnreplied);
      event_s.state.embryonic       = 1'b1;
      event_s.state.client_next     = op_s.req.is_tcp ? op_s.req.tcp_end : '0;
      event_s.state.created         = time_ms_i;
      event_s.state.last_used       = time_ms_i;
      event_s.state.forward_packets = 48'd1;
      event_s.state.forward_octets  = 64'(op_s.req.len);
    end else if (updates) begin
      event_s.state.state       = next_state;
      event_s.state.embryonic   = next_embryonic;
      event_s.state.syn_repeats = next_syn_repeats;
      event_s.state.client_next = next_client_next;
      if (reverse_s) begin
        event_s.state.reverse_packets = state_s.reverse_packets + 48'd1;
        event_s.state.reverse_octets  = state_s.reverse_octets + 64'(op_s.req.len);
      end else begin
        event_s.state.forward_packets = state_s.forward_packets + 48'd1;
        event_s.state.forward_octets  = state_s.forward_octets + 64'(op_s.req.len);
      end
    end
    if (refreshes || (updates && touch)) begin
      event_s.state.last_used = time_ms_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || init_i) begin
      embryonic_q  <= '0;
      used_q       <= '0;
      generation_q <= '0;
    end else begin
      embryonic_q  <= embryonic_q + 32'(begins) -
                      32'((replaces && inserts || keeps || ends) && state_s.embryonic) -
                      32'(updates && state_s.embryonic && !next_embryonic);
      used_q       <= used_q + 32'(inserts && !replaces) - 32'(ends);
      generation_q <= generation_q + 32'(begins);
    end
  end

  assign used_o      = used_q;
  assign embryonic_o = embryonic_q;

  //------------------------------------------------------------------------------------------------
  // Clock S + 1: the answers. The stash remembers the hash of its rows for the day they move.

  logic                     moved_q;
  logic [StashBits-1:0]     moved_from_q;
  logic [63:0]              hash_q;
  logic [Stash*64-1:0]      stash_hash_q;
  logic [Stash*64-1:0]      stash_hash6_q;

  assign clear_stash = moved_q;
  assign clear_entry = moved_from_q;
  assign stash_hash  = walk_v6 ? stash_hash6_q[walk_slot[StashBits-1:0]*64+:64]
                               : stash_hash_q[walk_slot[StashBits-1:0]*64+:64];

  always_ff @(posedge clk_i) begin
    moved_q      <= moves;
    moved_from_q <= slot_s[StashBits-1:0];
    if (!rst_ni) begin
      moved_q <= 1'b0;
    end
    if (inserts) begin
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

  always_ff @(posedge clk_i) begin
    verdict_valid_o <= live_q[S] && op_s.packet;
    walk_done_o     <= acts_s && !packet_s;
    trace_valid_o   <= live_q[S] && (op_s.packet || acts_s);
    tally_o.valid   <= event_s.valid && (packet_s || ends);
    if (!rst_ni) begin
      verdict_valid_o <= 1'b0;
      walk_done_o     <= 1'b0;
      trace_valid_o   <= 1'b0;
      tally_o.valid   <= 1'b0;
    end

    if (live_q[S]) begin
      verdict_o.service <= row_s.service;
      verdict_o.address <= row_s.address;
      verdict_o.port    <= row_s.port;
      verdict_o.backend <= row_s.backend;
      if (!packet_s) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysNothing);
      end else if (reverse_s) begin
        verdict_o.says <= hit_s ? 4'(portcam_connection_pkg::SaysReverse)
                                : 4'(portcam_connection_pkg::SaysNoReply);
      end else if (updates) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysForward);
      end else if (keeps) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysNew);
      end else if (!replaces && (!op_s.req.may_create || op_s.req.keyless)) begin
        verdict_o.backend <= first_usable_s ? first_s : second_s;
        if (!op_s.req.hash) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoRecord);
        end else if (any_usable) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysHash);
        end else begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoBackend);
        end
      end else if (op_s.req.draining) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysDraining);
      end else begin
        verdict_o.backend <= chosen;
        if (!any_usable) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoBackend);
        end else if (!chosen_ok) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysAmbiguous);
        end else if (inserts) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNew);
        end else if (!room) begin
          verdict_o.says <= op_s.req.full_hash ? 4'(portcam_connection_pkg::SaysFullHash)
                                               : 4'(portcam_connection_pkg::SaysFull);
        end else begin
          verdict_o.says <= op_s.req.full_hash ? 4'(portcam_connection_pkg::SaysUnprovenHash)
                                               : 4'(portcam_connection_pkg::SaysUnproven);
        end
      end

      walk_kind_o  <= op_s.kind;
      walk_slot_o  <= op_s.walk.slot;
      walk_found_o <= hit_s;
      walk_acted_o <= ends || refreshes || moves;
      walk_row_o   <= row_s;
      walk_state_o <= state_s;
      walk_used_o  <= used_s;

      tally_o.backend      <= event_s.row.backend;
      tally_o.began        <= begins;
      tally_o.active       <= begins || (updates && is_active && !was_active);
      tally_o.syn_repeat   <= updates && syn_repeat;
      tally_o.syn_reset    <= updates && syn_reset;
      tally_o.syn_ack      <= updates && syn_ack;
      tally_o.syn_ack_ms   <= time_ms_i - state_s.created;
      tally_o.left_backend <= row_s.backend;
      tally_o.ended        <= (replaces && inserts) || keeps || ends;
      tally_o.inactive     <= was_active && (ends || (updates && !is_active) ||
                                             (replaces && inserts) || keeps);

      trace_o.packet  <= op_s.packet;
      trace_o.kind    <= op_s.kind;
      trace_o.acted   <= ends || refreshes || moves ||
                         (acts_s && hit_s && op_s.kind == 4'(portcam_connection_pkg::OpRead));
      trace_o.asked   <= forward_s && asked_s;
      trace_o.second  <= inserts && take_second;
      trace_o.room    <= room;
      trace_o.index   <= index_s;
      trace_o.slot    <= packet_s ? place : op_s.walk.slot;
      trace_o.to      <= table_place;
      trace_o.time_ms <= time_ms_i;
    end
    tally_o.left_valid <= (replaces && inserts) || keeps || ends ||
                          (updates && was_active && !is_active);
    if (!rst_ni) begin
      tally_o.left_valid <= 1'b0;
    end
  end

  assign busy_o = rows_busy != '0 || schedule_busy || candidates_busy;

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !busy_o) begin
      a_a_place_is_free : assert (!(inserts && !replaces && hit_s));
      a_embryonic_records_are_records : assert (embryonic_q <= used_q);
      a_records_fit : assert (used_q <= Slots);
    end
  end
`endif

endmodule

`resetall
