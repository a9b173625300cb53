// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_correct: one more event, newer than all that is known, and what it says about
// the record in question (known) and about the candidates (taken). Combinational. this_o: the event
// is of the record in question.

`default_nettype none

module portcam_connection_correct (
    input  logic                              by_forward_i,
    input  logic                              by_reverse_i,
    input  logic                              by_slot_i,
    input  portcam_connection_pkg::event_t    event_i,
    input  portcam_connection_pkg::relation_t relation_i,
    input  portcam_connection_pkg::known_t    known_i,
    input  logic                              first_taken_i,
    input  logic                              second_taken_i,
    output logic                              this_o,
    output portcam_connection_pkg::known_t    known_o,
    output logic                              first_taken_o,
    output logic                              second_taken_o
);

  logic client;        // the event is of this client
  logic forward;       // ... and forward key
  logic left;          // ... the endpoint in question was left
  logic other;         // a record that lives, and has another forward key
  logic same_backend;
  logic unused_bits;

  assign client       = event_i.valid && relation_i.row.client;
  assign forward      = client && relation_i.row.forward;
  assign left         = by_reverse_i && client && event_i.left && relation_i.left.endpoint;
  assign other        = event_i.live && !relation_i.row.forward;
  assign same_backend = known_i.hit && known_i.row.backend == event_i.row.backend;
  assign this_o       = (by_forward_i && forward) ||
                        (by_reverse_i && client && relation_i.row.endpoint) ||
                        (by_slot_i && event_i.valid && relation_i.where);
  assign unused_bits  = ^{event_i, relation_i};

  always_comb begin
    known_o        = known_i;
    first_taken_o  = first_taken_i;
    second_taken_o = second_taken_i;
    if (left) begin
      known_o.hit = 1'b0;
    end
    if (this_o) begin
      known_o.hit   = event_i.live;
      known_o.row   = event_i.row;
      known_o.where = event_i.where;
      known_o.life  = event_i.life;
      // What was read for this operation is newer, if it is of the same backend.
      known_o.accepts = same_backend ? known_i.accepts : event_i.accepts;
    end
    if (client && (relation_i.row.first || (event_i.left && relation_i.left.first))) begin
      first_taken_o = other && relation_i.row.first;
    end
    if (client && (relation_i.row.second || (event_i.left && relation_i.left.second))) begin
      second_taken_o = other && relation_i.row.second;
    end
  end

endmodule

`resetall
