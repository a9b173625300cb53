// SPDX-License-Identifier: Apache-2.0
//
// portcam_connection_newest: what an operation knows of its record and of its candidates, once the
// events of the last clocks have been asked: they know better than the rows, the newest best.
//
// In with live_i: the operation op_i; known_i, what the rows and the state memory said; same_i and
// ends_i, which of the rows are of the same client, and their endpoints (only read for a packet that
// may choose a backend), found_i which of them is the record's own; choice_i. One clock later, held
// until the next: known_o, and whether a candidate's endpoint is taken by another record of the
// client (*_taken_o). event_i is the event that was decided in the clock before live_i; those of the
// Events - 1 clocks before it are kept here. The event that is decided in the clock of live_i is not
// known: portcam_connection_decide corrects that.

`default_nettype none

module portcam_connection_newest #(
    parameter int unsigned Events = 16,
    parameter int unsigned Places = 48
) (
    input  logic                            clk_i,
    input  logic                            rst_ni,
    input  portcam_connection_pkg::event_t  event_i,
    input  logic                            live_i,
    input  portcam_connection_pkg::op_t     op_i,
    input  portcam_connection_pkg::known_t  known_i,
    input  logic [Places-1:0]               found_i,
    input  logic [Places-1:0]               same_i,
    input  logic [Places*16-1:0]            ends_i,
    input  portcam_connection_pkg::choice_t choice_i,
    output portcam_connection_pkg::known_t  known_o,
    output logic                            first_taken_o,
    output logic                            second_taken_o
);

  localparam int unsigned EventBits = $bits(event_i);

  //------------------------------------------------------------------------------------------------
  // Events, the newest first: event n was decided n + 1 clocks ago. A place takes what is valid.

  logic [Events-1:0]    valid;
  logic [Events-1:1]    valid_q;
  (* mem2reg *)
  logic [EventBits-1:0] events_q [1:Events-1];

  assign valid = {valid_q, event_i.valid};

  always_ff @(posedge clk_i) begin
    valid_q <= valid[Events-2:0];
    if (!rst_ni) begin
      valid_q <= '0;
    end
  end

  for (genvar n = 1; n < Events; n++) begin : g_event
    always_ff @(posedge clk_i) begin
      if (valid[n-1]) begin
        events_q[n] <= n == 1 ? event_i : events_q[n == 1 ? 1 : n-1];
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // Each event by itself.

  logic                           acts;
  logic                           forward;      // with a key
  logic                           reverse;
  logic                           by_slot;      // an operation of the walk
  logic                           insert;       // by the host: with a key, and it may create
  logic                           is_syn;
  portcam_connection_pkg::event_t old;          // an event
  logic                           old_client;   // it has the client key
  logic [Events-1:0]              old_forward;  // ... and the forward key
  logic [Events-1:0]              old_this;     // it is of the record in question
  logic [Events-1:0]              old_here;     // ... or that left the endpoint in question
  logic [Events-1:0]              old_live;
  logic [Events-1:0]              old_first;    // of the first candidate's endpoint and the client
  logic [Events-1:0]              old_second;
  logic [Events-1:0]              first_still;  // ... which it has behind it, and is another record
  logic [Events-1:0]              second_still;
  logic                           unused_bits;

  assign acts    = live_i && op_i.kind != 4'(portcam_connection_pkg::OpNone);
  assign insert  = op_i.kind == 4'(portcam_connection_pkg::OpInsert);
  assign forward = (op_i.kind == 4'(portcam_connection_pkg::OpForward) && !op_i.req.keyless) ||
                   insert;
  assign reverse = op_i.kind == 4'(portcam_connection_pkg::OpReverse);
  assign by_slot = op_i.kind > 4'(portcam_connection_pkg::OpReverse) && !insert;
  assign is_syn  = op_i.req.is_tcp && op_i.req.tcp_class == 3'(portcam_types_pkg::TcpSyn);

  always_comb begin
    old          = '0;
    old_client   = 1'b0;
    old_forward  = '0;
    old_this     = '0;
    old_here     = '0;
    old_live     = '0;
    old_first    = '0;
    old_second   = '0;
    first_still  = '0;
    second_still = '0;
    if (acts) begin
      for (int unsigned n = 0; n < Events; n++) begin
        if (valid[n]) begin
          old            = n == 0 ? event_i : events_q[n == 0 ? 1 : n];
          old_client     = old.row.client == op_i.req.client;
          old_forward[n] = old_client && old.row.port == op_i.req.port &&
                           old.row.service == op_i.req.service &&
                           old.row.address == op_i.req.address;
          old_this[n]    = by_slot ? old.slot == op_i.walk.slot :
                           (forward && old_forward[n]) ||
                           (reverse && old_client && old.row.endpoint == op_i.req.endpoint);
          old_here[n]    = old_this[n] || (reverse && old_client && old.left &&
                                           old.left_endpoint == op_i.req.endpoint);
          old_live[n]    = old.live;
          first_still[n] = old.live && !old_forward[n] &&
                           old.row.endpoint == choice_i.first.endpoint;
          old_first[n]   = old_client && (old.row.endpoint == choice_i.first.endpoint ||
                                          (old.left &&
                                           old.left_endpoint == choice_i.first.endpoint));
          second_still[n] = old.live && !old_forward[n] &&
                            old.row.endpoint == choice_i.second.endpoint;
          old_second[n]   = old_client && (old.row.endpoint == choice_i.second.endpoint ||
                                           (old.left &&
                                            old.left_endpoint == choice_i.second.endpoint));
        end
      end
    end
  end

  //------------------------------------------------------------------------------------------------
  // The newest of those that matter, or what the rows say.

  logic [Events-1:0]              newest_here;
  logic [Events-1:0]              newest_first;
  logic [Events-1:0]              newest_second;
  portcam_connection_pkg::event_t found;         // the newest event of the record
  portcam_connection_pkg::known_t known;
  logic                           first_taken;   // ambiguous
  logic                           second_taken;

  assign newest_here   = old_here & (~old_here + 1'b1);
  assign newest_first  = old_first & (~old_first + 1'b1);
  assign newest_second = old_second & (~old_second + 1'b1);
  assign unused_bits   = ^{op_i, old, found, choice_i};

  always_comb begin
    known        = known_i;
    first_taken  = (newest_first & first_still) != '0;
    second_taken = (newest_second & second_still) != '0;
    found        = '0;
    if (acts) begin
      if (forward && (op_i.req.may_create || is_syn)) begin
        for (int unsigned p = 0; p < Places; p++) begin
          if (same_i[p] && !(found_i[p] && known_i.hit)) begin
            first_taken |= old_first == '0 && ends_i[p*16+:16] == choice_i.first.endpoint;
            second_taken |= old_second == '0 && ends_i[p*16+:16] == choice_i.second.endpoint;
          end
        end
      end
      for (int unsigned n = 0; n < Events; n++) begin
        found |= newest_here[n] ? (n == 0 ? event_i : events_q[n == 0 ? 1 : n]) : '0;
      end
      if (old_here != '0) begin
        known.hit   = (newest_here & old_this & old_live) != '0;
        known.row   = found.row;
        known.slot  = found.slot;
        known.state = found.state;
        // What was read for this packet is newer, if it is of the same backend.
        if (!(known_i.hit && known_i.row.backend == found.row.backend)) begin
          known.accepts = found.accepts;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (acts) begin
      known_o        <= known;
      first_taken_o  <= first_taken;
      second_taken_o <= second_taken;
    end
  end

endmodule

`resetall
