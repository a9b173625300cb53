// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_prepare: one clock before an operation's decision: what is known is corrected
// by the event decided before (event_i), and all comparisons are made whose outcome the decision
// needs: with what is known, and with all that the decision of this clock may make its event of.
//
// With live_i: the operation op_i, question_i, and what portcam_connection_newest said. One clock
// later, held until the next: ready_o, relation_o to the event that was decided in the clock of
// live_i, and for portcam_connection_counts this_o: event_i is of the record in question.
// deciding_* is the operation that is decided in the clock of live_i, embryonic_i the number of
// embryonic records before that decision.

`default_nettype none

module portcam_connection_prepare (
    input  logic                              clk_i,
    input  logic                              live_i,
    input  portcam_connection_pkg::op_t       op_i,
    input  portcam_connection_pkg::question_t question_i,
    input  portcam_connection_pkg::known_t    known_i,
    input  logic                              first_taken_i,
    input  logic                              second_taken_i,
    input  portcam_connection_pkg::relation_t relation_i,
    input  portcam_connection_pkg::event_t    event_i,
    input  portcam_connection_pkg::origin_t   origin_i,
    input  portcam_connection_pkg::deciding_t deciding_i,
    input  logic [31:0]                       deciding_sent_i,   // its packet's end
    input  logic [31:0]                       deciding_next_i,   // client_next of its known record
    input  logic [31:0]                       embryonic_i,
    output portcam_connection_pkg::ready_t    ready_o,
    output portcam_connection_pkg::relation_t relation_o,
    output logic                              this_o
);

  portcam_connection_pkg::known_t    known;
  logic                              first_taken;
  logic                              second_taken;
  logic                              same;         // event_i is of the record in question
  logic                              unused_bits;

  assign unused_bits = ^{op_i, question_i, event_i};

  portcam_connection_correct u_correct (
      .by_forward_i  (question_i.by_forward),
      .by_reverse_i  (question_i.by_reverse),
      .by_slot_i     (question_i.by_slot),
      .event_i       (event_i),
      .relation_i    (relation_i),
      .known_i       (known_i),
      .first_taken_i (first_taken_i),
      .second_taken_i(second_taken_i),
      .this_o        (same),
      .known_o       (known),
      .first_taken_o (first_taken),
      .second_taken_o(second_taken)
  );

  portcam_connection_relation u_relation (
      .clk_i     (clk_i),
      .valid_i   (live_i),
      .question_i(question_i),
      .last_i    (relation_i),
      .deciding_i(deciding_i),
      .origin_i  (origin_i),
      .relation_o(relation_o)
  );

  //------------------------------------------------------------------------------------------------
  // Sequence numbers: later is a signed difference above 0.

  portcam_connection_pkg::later_t than_known;
  portcam_connection_pkg::later_t than_last;
  portcam_connection_pkg::later_t than_sent;
  portcam_connection_pkg::later_t than_next;

  portcam_connection_later u_known (
      .valid_i(live_i),
      .seq_i  (op_i.req.tcp_seq),
      .end_i  (op_i.req.tcp_end),
      .than_i (known_i.life.client_next),
      .later_o(than_known)
  );

  portcam_connection_later u_last (
      .valid_i(live_i),
      .seq_i  (op_i.req.tcp_seq),
      .end_i  (op_i.req.tcp_end),
      .than_i (event_i.life.client_next),
      .later_o(than_last)
  );

  portcam_connection_later u_sent (
      .valid_i(live_i),
      .seq_i  (op_i.req.tcp_seq),
      .end_i  (op_i.req.tcp_end),
      .than_i (deciding_sent_i),
      .later_o(than_sent)
  );

  portcam_connection_later u_next (
      .valid_i(live_i),
      .seq_i  (op_i.req.tcp_seq),
      .end_i  (op_i.req.tcp_end),
      .than_i (deciding_next_i),
      .later_o(than_next)
  );

  //------------------------------------------------------------------------------------------------
  // The limit of embryonic records. Each decision makes one more of them, or one less, or none.

  logic no_limit;
  logic below;
  logic at_limit;
  logic at_limit_less1;

  always_comb begin
    no_limit       = 1'b0;
    below          = 1'b0;
    at_limit       = 1'b0;
    at_limit_less1 = 1'b0;
    if (live_i) begin
      no_limit       = op_i.req.limit == '0;
      below          = embryonic_i < op_i.req.limit;
      at_limit       = embryonic_i == op_i.req.limit;
      at_limit_less1 = embryonic_i == op_i.req.limit - 32'd1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_i) begin
      ready_o.known           <= known;
      ready_o.first_taken     <= first_taken;
      ready_o.second_taken    <= second_taken;
      ready_o.later           <= same ? than_last : than_known;
      ready_o.later_sent      <= than_sent;
      ready_o.later_known     <= than_next;
      ready_o.later_last      <= than_last;
      ready_o.same_generation <= same ? event_i.life.generation == op_i.walk.generation :
                                        known_i.life.generation == op_i.walk.generation;
      ready_o.same_used       <= same ? event_i.life.last_used == op_i.walk.last_used :
                                        known_i.life.last_used == op_i.walk.last_used;
      ready_o.share_less      <= no_limit || below || at_limit;
      ready_o.share_same      <= no_limit || below;
      ready_o.share_more      <= no_limit || (below && !at_limit_less1);
      this_o                  <= same;
    end
  end

endmodule

`resetall
