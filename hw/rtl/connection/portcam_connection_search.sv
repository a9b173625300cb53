// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_search: looks for the record of an operation in the rows of its IP version.
//
// In with live_i: the operation op_i. Exactly ReadLatency + 2 clocks later the operation comes out
// again, op_o, and what the rows say: hit_o, row_o and where_o of the record, or of an operation of
// the walk what is in its place; used_o, the rows in use of its buckets, buckets_o the numbers of
// these (4 of 16 bits), found_o the record's own row among them and the stash. One clock earlier
// op_q1_o, and of all these rows which have the client key (same_q1_o) and their endpoints
// (ends_q1_o). 3 clocks before op_o op_pre_o with live_pre_o.
//
// event_i is written; a lookup with live_i one clock later or after that sees it. clear_valid_i with
// it: it moved, and this stash entry is emptied (portcam_connection_rows).

`default_nettype none

module portcam_connection_search #(
    parameter int unsigned Rows        = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6      = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways        = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash       = portcam_pkg::BuildConnectionStash,
    parameter int unsigned Services    = portcam_pkg::BuildServices,
    parameter int unsigned Addresses   = portcam_pkg::BuildAddresses,
    parameter int unsigned Backends    = portcam_pkg::BuildBackends,
    parameter int unsigned ReadLatency = 2,
    parameter int unsigned Places      = 4 * Ways + Stash
) (
    input  logic                           clk_i,
    input  logic                           rst_ni,
    input  logic                           live_i,
    input  portcam_connection_pkg::op_t    op_i,
    output logic                           live_pre_o,
    output portcam_connection_pkg::op_t    op_pre_o,
    output portcam_connection_pkg::op_t    op_q1_o,
    output logic [Places-1:0]              same_q1_o,
    output logic [Places*16-1:0]           ends_q1_o,
    output portcam_connection_pkg::op_t    op_o,
    output logic                           hit_o,
    output portcam_connection_pkg::row_t   row_o,
    output portcam_connection_pkg::where_t where_o,
    output logic [4*16-1:0]                buckets_o,
    output logic [4*Ways-1:0]              used_o,
    output logic [Places-1:0]              found_o,
    output logic [Stash-1:0]               stash_used_o,      // now
    output logic [Stash-1:0]               stash_used_v6_o,
    input  portcam_connection_pkg::event_t event_i,
    input  logic                           clear_valid_i,
    input  logic [$clog2(Stash)-1:0]       clear_entry_i,
    input  logic                           init_i,
    output logic                           busy_o
);

  localparam int unsigned R           = ReadLatency;         // the rows come, in clocks after live_i
  localparam int unsigned RowWays     = 4 * Ways;
  localparam int unsigned WayBits     = $clog2(Ways);
  localparam int unsigned BucketBits  = $clog2(Rows / RowWays);
  localparam int unsigned BucketBits6 = $clog2(RowsV6 / RowWays);
  localparam int unsigned StashBits   = $clog2(Stash);
  localparam int unsigned OpBits      = $bits(op_i);

  if (BucketBits > 16 || BucketBits6 > 16) begin : g_bad_buckets
    $error("portcam_connection_search: more than 2^16 buckets");
  end

  //------------------------------------------------------------------------------------------------
  // The operation waits for its rows, and for one of them to be found.

  logic [R+1:0]      live;       // an operation is n clocks late
  logic [R+1:1]      live_q;
  (* mem2reg *)
  logic [OpBits-1:0] wait_q [1:R];
  portcam_connection_pkg::op_t op_r;

  assign live = {live_q, live_i};

  always_ff @(posedge clk_i) begin
    live_q <= live[R:0];
    if (!rst_ni) begin
      live_q <= '0;
    end
    if (live_i) begin
      wait_q[1] <= op_i;
    end
    if (live[R]) begin
      op_q1_o <= op_r;
    end
    if (live[R+1]) begin
      op_o <= op_q1_o;
    end
  end

  for (genvar n = 2; n <= R; n++) begin : g_wait
    always_ff @(posedge clk_i) begin
      if (live[n-1]) begin
        wait_q[n] <= wait_q[n-1];
      end
    end
  end

  assign op_r       = wait_q[R];
  assign live_pre_o = live[R-1];

  if (R == 1) begin : g_pre_first
    assign op_pre_o = op_i;
  end else begin : g_pre
    assign op_pre_o = wait_q[R-1];
  end

  //------------------------------------------------------------------------------------------------
  // Buckets are read.

  logic                     acts;
  logic                     by_hash;
  logic [4*BucketBits-1:0]  buckets;
  logic [4*BucketBits6-1:0] buckets6;

  assign acts    = live_i && op_i.kind != 4'(portcam_connection_pkg::OpNone);
  assign by_hash = op_i.kind == 4'(portcam_connection_pkg::OpForward) ||
                   op_i.kind == 4'(portcam_connection_pkg::OpReverse) ||
                   op_i.kind == 4'(portcam_connection_pkg::OpMove) ||
                   op_i.kind == 4'(portcam_connection_pkg::OpInsert);

  always_comb begin
    for (int unsigned t = 0; t < 4; t++) begin
      buckets[t*BucketBits+:BucketBits] =
          by_hash ? op_i.hash[t*16+:BucketBits] : op_i.where.bucket[BucketBits-1:0];
      buckets6[t*BucketBits6+:BucketBits6] =
          by_hash ? op_i.hash[t*16+:BucketBits6] : op_i.where.bucket[BucketBits6-1:0];
    end
  end

  //------------------------------------------------------------------------------------------------
  // Rows come and are compared. A packet may find a record; a loopback destination has none. OpInsert
  // looks for one as a packet would.

  portcam_connection_pkg::row_t key;
  logic                         insert;
  logic                         forward;
  logic                         reverse;
  logic                         direct;
  logic [Places-1:0]            place;     // of an operation of the walk

  assign insert  = op_r.kind == 4'(portcam_connection_pkg::OpInsert);
  assign forward = (op_r.kind == 4'(portcam_connection_pkg::OpForward) && !op_r.req.keyless) ||
                   insert;
  assign reverse = op_r.kind == 4'(portcam_connection_pkg::OpReverse);
  assign direct  = op_r.kind > 4'(portcam_connection_pkg::OpReverse) && !insert;

  always_comb begin
    key          = '0;
    key.client   = op_r.req.client;
    key.service  = op_r.req.service;
    key.address  = op_r.req.address;
    key.port     = op_r.req.port;
    key.endpoint = op_r.req.endpoint;
    place        = '0;
    if (live[R] && direct) begin
      for (int unsigned p = 0; p < RowWays; p++) begin
        place[p] = !op_r.where.in_stash && op_r.where.place == 6'(p);
      end
      for (int unsigned n = 0; n < Stash; n++) begin
        place[RowWays+n] = op_r.where.in_stash && op_r.where.place == 6'(n);
      end
    end
  end

  logic                         hit4;
  logic                         hit6;
  portcam_connection_pkg::row_t row4;
  portcam_connection_pkg::row_t row6;
  logic [Places-1:0]            found4;
  logic [Places-1:0]            found6;
  logic [Places-1:0]            same4;
  logic [Places-1:0]            same6;
  logic [Places*16-1:0]         ends4;
  logic [Places*16-1:0]         ends6;
  logic [Places-1:0]            used4;
  logic [Places-1:0]            used6;
  logic [1:0]                   busy;
  logic                         write;
  logic                         write_v6;
  logic                         unused_bits;

  assign write       = event_i.valid && event_i.moved;
  assign write_v6    = event_i.where.is_v6;
  assign unused_bits = ^{event_i, op_r};

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
      .valid_i       (acts && !op_i.is_v6),
      .buckets_i     (buckets),
      .key_q_i       (key),
      .forward_q_i   (forward),
      .reverse_q_i   (reverse),
      .direct_q_i    (direct),
      .place_q_i     (place),
      .hit_o         (hit4),
      .row_o         (row4),
      .found_o       (found4),
      .same_q1_o     (same4),
      .ends_q1_o     (ends4),
      .used_o        (used4),
      .stash_used_o  (stash_used_o),
      .write_valid_i (write && !write_v6),
      .write_live_i  (event_i.live),
      .write_stash_i (event_i.where.in_stash),
      .write_entry_i (event_i.where.place[StashBits-1:0]),
      .write_bucket_i(event_i.where.bucket[BucketBits-1:0]),
      .write_table_i (event_i.where.place[WayBits+:2]),
      .write_way_i   (event_i.where.place[WayBits-1:0]),
      .write_row_i   (event_i.row),
      .clear_valid_i (clear_valid_i && !write_v6),
      .clear_entry_i (clear_entry_i),
      .init_i        (init_i),
      .busy_o        (busy[0])
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
      .valid_i       (acts && op_i.is_v6),
      .buckets_i     (buckets6),
      .key_q_i       (key),
      .forward_q_i   (forward),
      .reverse_q_i   (reverse),
      .direct_q_i    (direct),
      .place_q_i     (place),
      .hit_o         (hit6),
      .row_o         (row6),
      .found_o       (found6),
      .same_q1_o     (same6),
      .ends_q1_o     (ends6),
      .used_o        (used6),
      .stash_used_o  (stash_used_v6_o),
      .write_valid_i (write && write_v6),
      .write_live_i  (event_i.live),
      .write_stash_i (event_i.where.in_stash),
      .write_entry_i (event_i.where.place[StashBits-1:0]),
      .write_bucket_i(event_i.where.bucket[BucketBits6-1:0]),
      .write_table_i (event_i.where.place[WayBits+:2]),
      .write_way_i   (event_i.where.place[WayBits-1:0]),
      .write_row_i   (event_i.row),
      .clear_valid_i (clear_valid_i && write_v6),
      .clear_entry_i (clear_entry_i),
      .init_i        (init_i),
      .busy_o        (busy[1])
  );

  assign busy_o    = busy != '0;
  assign same_q1_o = op_q1_o.is_v6 ? same6 : same4;
  assign ends_q1_o = op_q1_o.is_v6 ? ends6 : ends4;

  //------------------------------------------------------------------------------------------------
  // The record, as the rows know it.

  logic any;      // there is an operation
  logic by_slot;

  assign any     = op_o.kind != 4'(portcam_connection_pkg::OpNone);
  assign by_slot = op_o.kind > 4'(portcam_connection_pkg::OpReverse) &&
                   op_o.kind != 4'(portcam_connection_pkg::OpInsert);
  assign hit_o   = any && (op_o.is_v6 ? hit6 : hit4);
  assign row_o   = op_o.is_v6 ? row6 : row4;
  assign found_o = op_o.is_v6 ? found6 : found4;
  assign used_o  = op_o.is_v6 ? used6[RowWays-1:0] : used4[RowWays-1:0];

  always_comb begin
    for (int unsigned t = 0; t < 4; t++) begin
      buckets_o[t*16+:16] = op_o.is_v6 ? 16'(op_o.hash[t*16+:BucketBits6])
                                       : 16'(op_o.hash[t*16+:BucketBits]);
    end
    where_o = op_o.where;
    if (any && !by_slot) begin
      where_o       = '0;
      where_o.is_v6 = op_o.is_v6;
      for (int unsigned p = 0; p < RowWays; p++) begin
        if (found_o[p]) begin
          where_o.place |= 6'(p);
          where_o.bucket |= buckets_o[(p/Ways)*16+:16];
        end
      end
      for (int unsigned n = 0; n < Stash; n++) begin
        if (found_o[RowWays+n]) begin
          where_o.in_stash = 1'b1;
          where_o.place |= 6'(n);
        end
      end
    end
  end

  logic unused_stash;

  assign unused_stash = ^{used4[Places-1:RowWays], used6[Places-1:RowWays]};

endmodule

`resetall
