// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_answer: says what an operation did, one clock after its decision: the verdict
// on a packet, the answer to the walk, what counts for backends (tally_o), what a mirror of the
// records has to know (mirror_o), and the order of operations (trace_o).
//
// In, in the clock of the decision: live_i, the operation, what it was offered (choice_i, used_i)
// and what it did. Each output has a meaning with its valid bit only, walk_* with walk_done_o.

`default_nettype none

module portcam_connection_answer #(
    parameter int unsigned RowWays = 32
) (
    input  logic                             clk_i,
    input  logic                             rst_ni,
    input  logic                             live_i,
    input  portcam_connection_pkg::op_t      op_i,
    input  portcam_connection_pkg::choice_t  choice_i,
    input  logic [RowWays-1:0]               used_i,
    input  portcam_connection_pkg::decided_t decided_i,
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
    output logic [RowWays-1:0]               walk_used_o,
    output portcam_connection_pkg::tally_t   tally_o,
    output logic                             mirror_valid_o,
    output portcam_connection_pkg::mirror_t  mirror_o,
    output logic                             trace_valid_o,
    output portcam_connection_pkg::trace_t   trace_o
);

  portcam_connection_pkg::decided_t d;
  portcam_connection_pkg::event_t   changes;
  portcam_connection_pkg::row_t     row;        // before the operation
  portcam_connection_pkg::state_t   state;
  logic                             begins;
  logic                             leaves;     // the record before is no more
  logic                             acted;      // of the walk, beyond reading
  logic                             inserts;    // the host's record, or nothing
  logic                             any_usable;
  logic                             unused_bits;

  assign d           = decided_i;
  assign changes     = d.changes;
  assign row         = d.known.row;
  assign state       = d.known.state;
  assign begins      = d.inserts || d.keeps;
  assign leaves      = (d.replaces && d.inserts) || d.keeps || d.ends;
  assign acted       = d.ends || d.refreshes || d.moves || d.restores;
  assign inserts     = op_i.kind == 4'(portcam_connection_pkg::OpInsert);
  assign any_usable  = choice_i.first.usable || choice_i.second.usable;
  assign unused_bits = ^{op_i, decided_i, choice_i, changes};

  always_ff @(posedge clk_i) begin
    verdict_valid_o <= live_i && op_i.packet;
    walk_done_o     <= d.acts && !d.packet;
    trace_valid_o   <= live_i && (op_i.packet || d.acts);
    if (!rst_ni) begin
      verdict_valid_o <= 1'b0;
      walk_done_o     <= 1'b0;
      trace_valid_o   <= 1'b0;
    end
  end

  //------------------------------------------------------------------------------------------------
  // The verdict.

  always_ff @(posedge clk_i) begin
    if (live_i) begin
      verdict_o.service <= row.service;
      verdict_o.address <= row.address;
      verdict_o.port    <= row.port;
      verdict_o.backend <= row.backend;
      if (!d.packet) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysNothing);
      end else if (d.reverse) begin
        verdict_o.says <= d.known.hit ? 4'(portcam_connection_pkg::SaysReverse)
                                      : 4'(portcam_connection_pkg::SaysNoReply);
      end else if (d.updates || (op_i.req.peek && d.known.hit)) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysForward);
      end else if (d.keeps) begin
        verdict_o.says <= 4'(portcam_connection_pkg::SaysNew);
      end else if (!d.replaces && (!op_i.req.may_create || op_i.req.keyless)) begin
        verdict_o.backend <= choice_i.first.usable ? choice_i.first.backend
                                                   : choice_i.second.backend;
        if (!op_i.req.hash) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoRecord);
        end else if (any_usable) begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysHash);
        end else begin
          verdict_o.says <= 4'(portcam_connection_pkg::SaysNoBackend);
        end
      end else if (op_i.req.draining) begin
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
          verdict_o.says <= op_i.req.full_hash ? 4'(portcam_connection_pkg::SaysFullHash)
                                               : 4'(portcam_connection_pkg::SaysFull);
        end else begin
          verdict_o.says <= op_i.req.full_hash ? 4'(portcam_connection_pkg::SaysUnprovenHash)
                                               : 4'(portcam_connection_pkg::SaysUnproven);
        end
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The walk, and the order of operations.

  always_ff @(posedge clk_i) begin
    if (live_i) begin
      walk_kind_o  <= op_i.kind;
      walk_slot_o  <= op_i.walk.slot;
      walk_found_o <= d.known.hit;
      walk_taken_o <= !d.chosen_ok;
      walk_acted_o <= acted;
      walk_row_o   <= row;
      walk_state_o <= state;
      walk_used_o  <= used_i;

      trace_o.packet  <= op_i.packet;
      trace_o.kind    <= op_i.kind;
      trace_o.acted   <= acted || (d.acts && d.known.hit &&
                                  op_i.kind == 4'(portcam_connection_pkg::OpRead));
      trace_o.asked   <= d.forward && choice_i.asked;
      trace_o.second  <= d.inserts && d.take_second;
      trace_o.room    <= d.room;
      trace_o.index   <= choice_i.index;
      trace_o.slot    <= d.packet || inserts ? d.place : op_i.walk.slot;
      trace_o.to      <= d.table_place;
      trace_o.time_ms <= d.time_ms;
    end
  end

  //------------------------------------------------------------------------------------------------
  // Backends, and the mirror.

  logic changed;
  logic copies;
  logic is_active;

  // A record that the host gives may be in any state.
  always_comb begin
    unique case (changes.state.state)
      4'(portcam_pkg::ConnectionStateSynSeen),
      4'(portcam_pkg::ConnectionStateSynAckSeen),
      4'(portcam_pkg::ConnectionStateEstablished),
      4'(portcam_pkg::ConnectionStateUnreplied),
      4'(portcam_pkg::ConnectionStateReplied): is_active = 1'b1;
      default:                                 is_active = 1'b0;
    endcase
  end

  assign changed = (d.updates || d.refreshes) && (changes.state.state != state.state ||
                                                  changes.state.embryonic != state.embryonic);
  assign copies  = d.acts && op_i.kind == 4'(portcam_connection_pkg::OpCopy);

  always_ff @(posedge clk_i) begin
    if (live_i) begin
      tally_o.backend      <= changes.row.backend;
      tally_o.began        <= begins;
      tally_o.active       <= (begins && is_active) || (d.updates && d.is_active && !d.was_active);
      tally_o.syn_repeat   <= d.updates && d.syn_repeat;
      tally_o.syn_reset    <= d.updates && d.syn_reset;
      tally_o.syn_ack      <= d.updates && d.syn_ack;
      tally_o.syn_ack_ms   <= d.time_ms - state.created;
      tally_o.left_backend <= row.backend;
      tally_o.ended        <= leaves;
      tally_o.inactive     <= d.was_active && (leaves || (d.updates && !d.is_active));
    end
    tally_o.valid      <= changes.valid && (d.packet || d.ends || d.restores);
    tally_o.left_valid <= leaves || (d.updates && d.was_active && !d.is_active);
    mirror_valid_o     <= begins || changed || d.ends || d.moves || copies;
    if (!rst_ni) begin
      tally_o.valid      <= 1'b0;
      tally_o.left_valid <= 1'b0;
      mirror_valid_o     <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (begins || changed || d.ends || d.moves || copies) begin
      mirror_o.began     <= begins;
      mirror_o.changed   <= changed;
      mirror_o.ended     <= d.ends;
      mirror_o.moved     <= d.moves;
      mirror_o.replaced  <= begins && leaves;
      mirror_o.copy      <= copies;
      mirror_o.tag       <= op_i.walk.generation[0];
      mirror_o.found     <= copies && d.known.hit;
      mirror_o.slot      <= changes.valid ? changes.slot : op_i.walk.slot;
      mirror_o.from_slot <= d.known.slot;
      mirror_o.row       <= changes.row;
      mirror_o.state     <= changes.state;
      mirror_o.last_row  <= row;
      mirror_o.last      <= state;
      if (begins) begin
        mirror_o.cause <= 8'(portcam_pkg::EndCausePortReuse);
      end else if (d.moves) begin
        mirror_o.cause <= 8'(portcam_pkg::EndCauseMoved);
      end else if (d.ends) begin
        mirror_o.cause <= op_i.kind == 4'(portcam_connection_pkg::OpDelete) ?
                          8'(portcam_pkg::EndCauseDeleted) : 8'(portcam_pkg::EndCauseExpired);
      end else begin
        mirror_o.cause <= 8'(portcam_pkg::EndCauseEmpty);
      end
    end
  end

endmodule

`resetall
