// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_enter: chooses what the record pipeline does next: a packet that needs records,
// or else an operation of the walk, which walk_ready_o takes; OpInsert with given_i, as a packet
// would ask for it.
//
// Two clocks after packet_valid_i, live_o with the operation op_o: its hash says where its record may
// be, and of an operation of the walk, where says what its slot is. The stash remembers the hash of
// its records for the day they move: keep_valid_i with keep_hash_i, read by OpMove in the clock of
// live_o.

`default_nettype none

module portcam_connection_enter #(
    parameter int unsigned Rows   = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6 = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways   = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash  = portcam_pkg::BuildConnectionStash
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic [255:0]                     secret_i,
    input  logic                             packet_valid_i,
    input  logic                             packet_bank_i,
    input  portcam_connection_pkg::request_t request_i,
    input  logic                             walk_valid_i,
    output logic                             walk_ready_o,
    input  portcam_connection_pkg::walk_t    walk_i,
    input  portcam_connection_pkg::request_t given_i,
    input  logic                             busy_i,
    input  logic                             keep_valid_i,
    input  portcam_connection_pkg::where_t   keep_where_i,
    input  logic [63:0]                      keep_hash_i,
    output logic                             live_o,
    output portcam_connection_pkg::op_t      op_o
);

  localparam int unsigned StashBits = $clog2(Stash);

  //------------------------------------------------------------------------------------------------
  // The first clock: a packet, or the walk; the hash of the packet.

  logic                             packet_q;
  logic                             bank_q;
  portcam_connection_pkg::request_t req_q;
  portcam_connection_pkg::op_t      op;
  logic [183:0]                     hashed;
  logic [63:0]                      hash;
  logic                             taken;      // by the packet
  logic                             inserts;    // the walk has a record
  portcam_connection_pkg::client_t  client;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      packet_q <= 1'b0;
    end else begin
      packet_q <= packet_valid_i;
    end
    if (packet_valid_i) begin
      bank_q <= packet_bank_i;
      req_q  <= request_i;
    end
  end

  assign taken        = packet_q && (req_q.forward || req_q.reverse);
  assign walk_ready_o = !taken && !busy_i;

  assign inserts = !taken && walk_valid_i &&
                   walk_i.kind == 4'(portcam_connection_pkg::OpInsert);
  assign client  = inserts ? given_i.client : req_q.client;

  assign hashed = {client.kept[7:0], client.kept[15:8], client.group[7:0], client.group[15:8],
                   client.protocol, client.port[7:0], client.port[15:8], client.ip};

  portcam_toeplitz #(
      .InWidth(184),
      .Offset (0),
      .Latency(0)
  ) u_hash (
      .clk_i   (clk_i),
      .valid_i (taken || inserts),
      .in_i    (hashed),
      .secret_i(secret_i),
      .hash_o  (hash)
  );

  always_comb begin
    op.packet = packet_q;
    op.bank   = bank_q;
    op.req    = inserts ? given_i : req_q;
    op.walk   = walk_i;
    op.hash   = hash;
    op.is_v6  = client.is_v6;
    op.where  = '0;
    if (taken) begin
      op.kind = req_q.forward ? 4'(portcam_connection_pkg::OpForward)
                              : 4'(portcam_connection_pkg::OpReverse);
    end else if (walk_valid_i && walk_ready_o) begin
      op.kind = walk_i.kind;
    end else begin
      op.kind = 4'(portcam_connection_pkg::OpNone);
    end
  end

  //------------------------------------------------------------------------------------------------
  // The second: where to look. What the stash remembers is mixed already.

  portcam_connection_pkg::op_t    op_q;
  portcam_connection_pkg::where_t where;
  logic                           by_key;
  logic [63:0]                    mixed;
  logic [2*Stash*64-1:0]          hash_q;       // IPv4 first
  logic                           unused_bits;

  always_ff @(posedge clk_i) begin
    live_o <= packet_q || (walk_valid_i && walk_ready_o);
    if (!rst_ni) begin
      live_o <= 1'b0;
    end
    if (packet_q || walk_valid_i) begin
      op_q <= op;
    end
    for (int unsigned n = 0; n < 2 * Stash; n++) begin
      if (keep_valid_i && keep_where_i.in_stash &&
          {keep_where_i.is_v6, keep_where_i.place[StashBits-1:0]} == (StashBits + 1)'(n)) begin
        hash_q[n*64+:64] <= keep_hash_i;
      end
    end
  end

  assign unused_bits = ^keep_where_i;

  portcam_mix u_mix (
      .hash_i(op_q.hash),
      .hash_o(mixed)
  );

  portcam_connection_where #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_where (
      .slot_i (op_q.walk.slot),
      .where_o(where)
  );

  assign by_key = op_q.kind == 4'(portcam_connection_pkg::OpForward) ||
                  op_q.kind == 4'(portcam_connection_pkg::OpReverse) ||
                  op_q.kind == 4'(portcam_connection_pkg::OpInsert);

  always_comb begin
    op_o       = op_q;
    op_o.where = where;
    op_o.hash  = mixed;
    if (!by_key) begin
      op_o.is_v6 = where.is_v6;
    end
    if (op_q.kind == 4'(portcam_connection_pkg::OpMove)) begin
      op_o.hash = '0;
      for (int unsigned n = 0; n < 2 * Stash; n++) begin
        if ({where.is_v6, where.place[StashBits-1:0]} == (StashBits + 1)'(n)) begin
          op_o.hash |= hash_q[n*64+:64];
        end
      end
    end
  end

endmodule

`resetall
