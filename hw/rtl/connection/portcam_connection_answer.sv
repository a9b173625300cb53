// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_answer: says what an operation did, two clocks after its decision: the verdict
// on a packet, the answer to the walk, what counts for backends (tally_o), what a mirror of the
// records has to know (mirror_o), and the order of operations (trace_o).
//
// In, in the clock of the decision: live_i, the operation, what it was offered (choice_i, used_i)
// and what it did; two clocks later before_i and after_i, the counts of its record. Each output has a
// meaning with its valid bit only, walk_* with walk_done_o.

`default_nettype none

module portcam_connection_answer #(
    parameter int unsigned Rows   = portcam_pkg::BuildConnectionRows,
    parameter int unsigned RowsV6 = portcam_pkg::BuildConnectionRowsV6,
    parameter int unsigned Ways   = portcam_pkg::BuildConnectionWays,
    parameter int unsigned Stash  = portcam_pkg::BuildConnectionStash
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             live_i,
    input  portcam_connection_pkg::op_t      op_i,
    input  portcam_connection_pkg::choice_t  choice_i,
    input  logic [4*Ways-1:0]                used_i,
    input  portcam_connection_pkg::decided_t decided_i,
    input  portcam_connection_pkg::counts_t  before_i,
    input  portcam_connection_pkg::counts_t  after_i,
    output logic                             verdict_valid_o,
    output portcam_connection_pkg::verdict_t verdict_o,
    output logic                             walk_done_o,
    output logic [3:0]                       walk_kind_o,
    output logic [23:0]                      walk_slot_o,
    output logic                             walk_acted_o,
    output logic                             walk_found_o,
    output logic                             walk_taken_o,
    output portcam_connection_pkg::row_t     walk_row_o,
    output portcam_connection_pkg::state_t   walk_state_o,
    output logic [4*Ways-1:0]                walk_used_o,
    output portcam_connection_pkg::tally_t   tally_o,
    output logic                             mirror_valid_o,
    output portcam_connection_pkg::mirror_t  mirror_o,
    output logic                             trace_valid_o,
    output portcam_connection_pkg::trace_t   trace_o
);

  logic                             live_q;
  portcam_connection_pkg::op_t      op_q;
  portcam_connection_pkg::choice_t  choice_q;
  logic [4*Ways-1:0]                used_q;
  portcam_connection_pkg::decided_t d;          // what it did
  portcam_connection_pkg::event_t   changes;
  portcam_connection_pkg::row_t     row;        // before the operation
  portcam_connection_pkg::life_t    life;
  logic                             begins;
  logic                             leaves;     // the record before is no more
  logic                             acted;      // of the walk, beyond reading
  logic                             inserts;    // the host's record, or nothing
  logic                             any_usable;
  logic                             unused_bits;

  always_ff @(posedge clk_i) begin
    live_q <= live_i;
    if (!rst_ni) begin
      live_q <= 1'b0;
    end
    if (live_i) begin
      op_q     <= op_i;
      choice_q <= choice_i;
      used_q   <= used_i;
      d        <= decided_i;
    end
  end

  assign changes     = d.changes;
  assign row         = d.known.row;
  assign life        = d.known.life;
  assign begins      = d.inserts || d.keeps;
  assign leaves      = (d.replaces && d.inserts) || d.keeps || d.ends;
  assign acted       = d.ends || d.refreshes || d.moves || d.restores;
  assign inserts     = op_q.kind == 4'(portcam_connection_pkg::OpInsert);
  assign any_usable  = choice_q.first.usable || choice_q.second.usable;
  assign unused_bits = ^{op_q, d, choice_q, changes, life};

  always_ff @(posedge clk_i) begin
    verdict_valid_o <= live_q && op_q.packet;
    walk_done_o     <= live_q && d.acts && !d.packet;
    trace_valid_o   <= live_q && (op_q.packet || d.acts);
    if (!rst_ni) begin
      verdict_valid_o <= 1'b0;
      walk_done_o     <= 1'b0;
      trace_valid_o   <= 1'b0;
    end
  end

  // Where the operation's record is, and where it was.
  logic [23:0] slot;
  logic [23:0] from_slot;

  portcam_connection_slot #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_slot (
      .where_i(changes.where),
      .slot_o (slot)
  );

  portcam_connection_slot #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_from_slot (
      .where_i(d.known.where),
      .slot_o (from_slot)
  );

  //------------------------------------------------------------------------------------------------
  // The verdict.

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      verdict_o.service <= row.service;
      verdict_o.address <= row.address;
      verdict_o.port    <= row.port;
      verdict_o.backend <= row.backend;
      verdict_o.found   <= d.packet && (d.inserts || d.known.hit);
      verdict_o.began   <= d.packet && begins;
      verdict_o.slot    <= changes.valid ? slot : from_slot;
      if (!d.packet) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysNothing);
      end else if (d.reverse) begin
        verdict_o.says <= d.known.hit ? 4'(portcam_connection_pkg::SaysReverse)
                                      : 4'(portcam_connection_pkg::SaysNoReply);
      end else if (d.updates || (op_q.req.peek && d.known.hit)) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysForward);
      end else if (d.keeps) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysNew);
      end else if (!d.replaces && (!op_q.req.may_create || op_q.req.keyless)) begin
        verdict_o.backend <= choice_q.first.usable ? choice_q.first.backend
                                                   : choice_q.second.backend;
        if (!op_q.req.hash) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoRecord);
        end else if (any_usable) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysHash);
        end else begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoBackend);
        end
      end else if (op_q.req.draining) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysDraining);
      end else begin
        verdict_o.backend <= d.chosen.backend;
        if (!any_usable) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoBackend);
        end else if (!d.chosen_ok) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysAmbiguous);
        end else if (d.inserts) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNew);
        end else if (!d.room) begin
          verdict_o.says <= op_q.req.full_hash ? 4'(portcam_connection_pkg::SaysFullHash)
                                               : 4'(portcam_connection_pkg::SaysFull);
        end else begin
          verdict_o.says <= op_q.req.full_hash ? 4'(portcam_connection_pkg::SaysUnprovenHash)
                                               : 4'(portcam_connection_pkg::SaysUnproven);
        end
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The walk, and the order of operations.

  portcam_connection_pkg::life_t walk_life_q;
  logic [23:0]                   place;
  logic [23:0]                   table_place;

  portcam_connection_slot #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_place (
      .where_i(d.place),
      .slot_o (place)
  );

  portcam_connection_slot #(
      .Rows  (Rows),
      .RowsV6(RowsV6),
      .Ways  (Ways),
      .Stash (Stash)
  ) u_table_place (
      .where_i(d.table_place),
      .slot_o (table_place)
  );

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      walk_kind_o  <= op_q.kind;
      walk_slot_o  <= op_q.walk.slot;
      walk_found_o <= d.known.hit;
      walk_taken_o <= !d.chosen_ok;
      walk_acted_o <= acted;
      walk_row_o   <= row;
      walk_life_q  <= life;
      walk_used_o  <= used_q;

      trace_o.packet  <= op_q.packet;
      trace_o.kind    <= op_q.kind;
      trace_o.acted   <= acted || (d.acts && d.known.hit &&
                                  op_q.kind == 4'(portcam_connection_pkg::OpRead));
      trace_o.asked   <= d.forward && choice_q.asked;
      trace_o.second  <= d.inserts && d.take_second;
      trace_o.room    <= d.room;
      trace_o.index   <= choice_q.index;
      trace_o.slot    <= d.packet || inserts ? place : op_q.walk.slot;
      trace_o.to      <= table_place;
      trace_o.time_ms <= d.time_ms;
    end
  end

  assign walk_state_o = {walk_life_q, before_i};

  //------------------------------------------------------------------------------------------------
  // Backends.

  logic is_active;

  // A record that the host gives may be in any state.
  always_comb begin
    unique case (changes.life.state)
      4'(portcam_pkg::ConnectionStateSynSeen),
      4'(portcam_pkg::ConnectionStateSynAckSeen),
      4'(portcam_pkg::ConnectionStateEstablished),
      4'(portcam_pkg::ConnectionStateUnreplied),
      4'(portcam_pkg::ConnectionStateReplied): is_active = 1'b1;
      default:                                 is_active = 1'b0;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      tally_o.backend      <= changes.row.backend;
      tally_o.began        <= begins;
      tally_o.active       <= (begins && is_active) || (d.updates && d.is_active && !d.was_active);
      tally_o.syn_repeat   <= d.updates && d.syn_repeat;
      tally_o.syn_reset    <= d.updates && d.syn_reset;
      tally_o.syn_ack      <= d.updates && d.syn_ack;
      tally_o.syn_ack_ms   <= d.time_ms - life.created;
      tally_o.left_backend <= row.backend;
      tally_o.ended        <= leaves;
      tally_o.inactive     <= d.was_active && (leaves || (d.updates && !d.is_active));
    end
    tally_o.valid      <= live_q && changes.valid && (d.packet || d.ends || d.restores);
    tally_o.left_valid <= live_q && (leaves || (d.updates && d.was_active && !d.is_active));
    if (!rst_ni) begin
      tally_o.valid      <= 1'b0;
      tally_o.left_valid <= 1'b0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The mirror.

  portcam_connection_pkg::mirror_t mirror_q;
  portcam_connection_pkg::life_t   mirror_life_q;
  portcam_connection_pkg::life_t   mirror_last_q;
  logic                            changed;
  logic                            copies;
  logic                            mirrors;
  logic                            unused_mirror;

  assign changed = (d.updates || d.refreshes) && (changes.life.state != life.state ||
                                                  changes.life.embryonic != life.embryonic);
  assign copies  = d.acts && op_q.kind == 4'(portcam_connection_pkg::OpCopy);
  assign mirrors = live_q && (begins || changed || d.ends || d.moves || copies);

  always_ff @(posedge clk_i) begin
    mirror_valid_o <= mirrors;
    if (!rst_ni) begin
      mirror_valid_o <= 1'b0;
    end
    if (mirrors) begin
      mirror_q           <= '0;
      mirror_q.began     <= begins;
      mirror_q.changed   <= changed;
      mirror_q.ended     <= d.ends;
      mirror_q.moved     <= d.moves;
      mirror_q.replaced  <= begins && leaves;
      mirror_q.copy      <= copies;
      mirror_q.tag       <= op_q.walk.generation[0];
      mirror_q.found     <= copies && d.known.hit;
      mirror_q.slot      <= changes.valid ? slot : op_q.walk.slot;
      mirror_q.from_slot <= from_slot;
      mirror_q.row       <= changes.row;
      mirror_q.last_row  <= row;
      mirror_life_q      <= changes.life;
      mirror_last_q      <= life;
      if (begins) begin
        mirror_q.cause <= 8'(portcam_pkg::EndCausePortReuse);
      end else if (d.moves) begin
        mirror_q.cause <= 8'(portcam_pkg::EndCauseMoved);
      end else if (d.ends) begin
        mirror_q.cause <= op_q.kind == 4'(portcam_connection_pkg::OpDelete) ?
                          8'(portcam_pkg::EndCauseDeleted) : 8'(portcam_pkg::EndCauseExpired);
      end else begin
        mirror_q.cause <= 8'(portcam_pkg::EndCauseEmpty);
      end
    end
  end

  always_comb begin
    mirror_o       = mirror_q;
    mirror_o.state = {mirror_life_q, after_i};
    mirror_o.last  = {mirror_last_q, before_i};
  end

  assign unused_mirror = ^mirror_q;

endmodule

`resetall
