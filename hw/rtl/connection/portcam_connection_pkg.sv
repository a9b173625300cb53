// SPDX-License-Identifier: Apache-2.0

// What travels inside portcam_connections: operations, records, events. Addresses keep the order of
// the wire (first byte in bits 7:0), IPv4 in bits 31:0; ports and numbers are plain numbers. Numbers
// of services, addresses, backends and endpoints are 16 bits wide and slots 24, whatever the size of
// the build. States are portcam_pkg::connection_state_e.
`default_nettype none

package portcam_connection_pkg;

  // Kinds of operations. Forward and reverse are packets; from OpScan on they come from
  // portcam_connection_walk.
  typedef enum logic [3:0] {
    OpNone    = 4'd0,
    OpForward = 4'd1,  // towards a stateful service
    OpReverse = 4'd2,  // from an endpoint of stateful services
    OpScan    = 4'd3,  // which rows of a bucket of every table are in use
    OpRead    = 4'd4,  // the record of a slot, for the host
    OpAge     = 4'd5,  // end it, if it is the same and was not used since
    OpKeep    = 4'd6,  // its last use is now, if it is the same
    OpDelete  = 4'd7,  // end it, if it is the same
    OpMove    = 4'd8,  // from the stash to the table
    OpLook    = 4'd9,  // the record of a slot, for ageing
    OpCopy    = 4'd10, // the record of a slot, for the mirror
    OpInsert  = 4'd11  // a record as the host gives it
  } op_e;

  // What both directions of a flow know.
  typedef struct packed {
    logic         is_v6;
    logic [127:0] ip;
    logic [15:0]  port;
    logic [7:0]   protocol;
    logic [15:0]  group;      // of services that share endpoints
    logic [15:0]  kept;       // port that the backend keeps, 0 where it may change it
  } client_t;

  // A packet as the lookup hands it over.
  typedef struct packed {
    logic        forward;
    logic        reverse;
    logic        peek;        // find the record, change nothing; not with may_create or is_tcp
    client_t     client;
    logic [15:0] service;
    logic [15:0] address;
    logic [15:0] port;        // forward: port that the client addressed
    logic [15:0] endpoint;    // reverse: number of the endpoint
    logic        keyless;     // loopback: there can be no record
    logic        may_create;
    logic        draining;
    logic        hash;        // policy hash for packets that may not create
    logic        full_hash;   // policy hash where there is no room
    logic [1:0]  pick;
    logic [15:0] schedule;
    logic [4:0]  slots_log2;
    logic [31:0] crc;
    logic        is_tcp;
    logic [2:0]  tcp_class;
    logic [31:0] tcp_seq;
    logic [31:0] tcp_end;
    logic [15:0] len;
    logic [31:0] limit;       // of embryonic records, 0 none
  } request_t;

  // What the walk asks for.
  typedef struct packed {
    logic [3:0]  kind;
    logic [23:0] slot;        // OpScan: any slot of the bucket
    logic [31:0] generation;
    logic [31:0] last_used;
  } walk_t;

  // A slot, taken apart. Its number is what portcam_connection_slot makes of it.
  typedef struct packed {
    logic        is_v6;
    logic        in_stash;
    logic [15:0] bucket;        // 0 in the stash
    logic [5:0]  place;         // table and way; in the stash its entry
  } where_t;

  // An operation on its way.
  typedef struct packed {
    logic        packet;        // a header is in this clock, whether it concerns records or not
    logic        bank;
    logic [3:0]  kind;          // op_e
    logic        is_v6;
    logic [63:0] hash;
    request_t    req;
    walk_t       walk;
    where_t      where;         // the walk's slot
  } op_t;

  // What is found by.
  typedef struct packed {
    client_t     client;
    logic [15:0] service;
    logic [15:0] address;
    logic [15:0] port;        // public port
    logic [15:0] backend;
    logic [15:0] endpoint;
  } row_t;

  // What changes with packets, and is decided upon.
  typedef struct packed {
    logic [31:0] generation;
    logic [3:0]  state;
    logic        embryonic;
    logic [7:0]  syn_repeats;
    logic [31:0] client_next;
    logic [31:0] created;
    logic [31:0] last_used;
  } life_t;

  // What is only counted.
  typedef struct packed {
    logic [47:0] forward_packets;
    logic [63:0] forward_octets;
    logic [47:0] reverse_packets;
    logic [63:0] reverse_octets;
  } counts_t;

  // Both: {life_t, counts_t}.
  typedef struct packed {
    logic [31:0] generation;
    logic [3:0]  state;
    logic        embryonic;
    logic [7:0]  syn_repeats;
    logic [31:0] client_next;
    logic [31:0] created;
    logic [31:0] last_used;
    logic [47:0] forward_packets;
    logic [63:0] forward_octets;
    logic [47:0] reverse_packets;
    logic [63:0] reverse_octets;
  } state_t;

  // What one operation did to one record: the newest word about its keys and its slot. Its counts go
  // their own way (portcam_connection_counts).
  typedef struct packed {
    logic        valid;
    logic        live;          // the record is there after the operation
    where_t      where;
    logic        moved;         // where is new to the record; the row has to be written
    row_t        row;
    life_t       life;
    logic [1:0]  accepts;       // the backend takes new connections, by bank
    logic        left;          // the record left this endpoint for that of row
    logic [15:0] left_endpoint;
  } event_t;

  // What an operation knows of the record in question.
  typedef struct packed {
    logic        hit;           // there is one
    row_t        row;
    where_t      where;
    life_t       life;
    logic [1:0]  accepts;       // its backend takes new connections, by bank
  } known_t;

  // A backend for a new record.
  typedef struct packed {
    logic        usable;
    logic [15:0] backend;
    logic [15:0] endpoint;
    logic [1:0]  accepts;
  } candidate_t;

  // Two of them, and how they came to be chosen.
  typedef struct packed {
    candidate_t  first;
    candidate_t  second;
    logic        swap;          // second before first
    logic        asked;         // the service's counter moved on
    logic [15:0] index;
  } choice_t;

  // Places for a new record: two in the table and two in the stash.
  typedef struct packed {
    logic   free;
    where_t where;
  } place_t;

  typedef struct packed {
    place_t place1;
    place_t place2;
    place_t entry1;
    place_t entry2;
  } places_t;

  // What an operation looks for in rows and events.
  typedef struct packed {
    logic        by_forward;    // a record with this client, service, address and port
    logic        by_reverse;    // ... with this client and endpoint
    logic        by_slot;       // ... in this place
    client_t     client;
    logic [15:0] service;
    logic [15:0] address;
    logic [15:0] port;
    logic [15:0] endpoint;
    logic [15:0] first;         // endpoints of the candidates
    logic [15:0] second;
    where_t      where;
  } question_t;

  // What a row has of that.
  typedef struct packed {
    logic client;
    logic forward;              // service, address and port
    logic endpoint;
    logic first;
    logic second;
  } same_t;

  // What an event has of that.
  typedef struct packed {
    same_t row;
    same_t left;                // the row that the record had before (event_t.left)
    logic  where;
  } relation_t;

  // What the operation in the clock of its decision may make an event of.
  typedef struct packed {
    row_t        fresh;         // a new row, with the first candidate
    logic [15:0] second;        // endpoint of the second
    row_t        known;
    where_t      where;         // of the known record
    places_t     places;
  } deciding_t;

  // Where an event has its parts from.
  typedef struct packed {
    logic last;                 // the record is that of the event before, not the one that was known
    logic fresh;                // the row is the packet's
    logic second;               // ... with the second candidate
    logic place1;               // the slot is one of the places for a new record
    logic place2;
    logic entry1;
    logic entry2;
    logic sent;                 // client_next is the packet's
  } origin_t;

  // A TCP packet's numbers are later than client_next of a record.
  typedef struct packed {
    logic seq;
    logic over;                 // its end
  } later_t;

  // All that a decision needs but the event of the clock before it.
  typedef struct packed {
    known_t    known;
    logic      first_taken;     // another record of the client has the candidate's endpoint
    logic      second_taken;
    later_t    later;           // than the known record
    later_t    later_sent;      // than that event, if client_next was its packet's
    later_t    later_known;     // ... if it was that of the record known then
    later_t    later_last;      // ... if it was that of the event before it
    logic      same_generation; // as the walk's; the known record
    logic      same_used;
    logic      share_less;      // embryonic records are below the limit, if there is one less now
    logic      share_same;      // ... as many
    logic      share_more;      // ... one more
  } ready_t;

  // What an operation does.
  typedef struct packed {
    event_t      changes;
    known_t      known;         // before the operation
    logic        packet;        // forward or reverse
    logic        forward;
    logic        reverse;
    logic        acts;          // there is an operation; it does at most one of
    logic        updates;       //   a packet of a record
    logic        inserts;       //   a new record; with replaces in the place of a known one
    logic        replaces;      // ... also where it failed
    logic        restores;      // ... inserts, and the record is one that the host gave
    logic        keeps;         //   a new record in the place of a known one, with its backend
    logic        ends;          //   the record is no more
    logic        refreshes;     //   the record was used
    logic        moves;         //   the record goes to table_place
    candidate_t  chosen;        // backend for a new record
    logic        chosen_ok;
    logic        take_second;
    logic        room;          // place is free
    where_t      place;         // for a new record
    where_t      table_place;
    logic        syn_repeat;
    logic        syn_reset;
    logic        syn_ack;
    logic        was_active;
    logic        is_active;
    logic [31:0] time_ms;
  } decided_t;

  // Verdicts on a packet.
  typedef enum logic [3:0] {
    SaysNothing      = 4'd0,   // neither forward nor reverse
    SaysForward      = 4'd1,   // to the record's backend
    SaysNew          = 4'd2,   // the same, of a record that began with the packet
    SaysReverse      = 4'd3,   // to the client
    SaysNoReply      = 4'd4,   // reverse, but there is no record
    SaysNoRecord     = 4'd5,   // policy no_record
    SaysHash         = 4'd6,   // by the hash: may not create
    SaysDraining     = 4'd7,
    SaysNoBackend    = 4'd8,   // policy no_backend
    SaysAmbiguous    = 4'd9,
    SaysFull         = 4'd10,
    SaysFullHash     = 4'd11,
    SaysUnproven     = 4'd12,  // the share of embryonic records is used up
    SaysUnprovenHash = 4'd13
  } says_e;

  typedef struct packed {
    logic [3:0]  says;
    logic [15:0] service;
    logic [15:0] address;
    logic [15:0] port;
    logic [15:0] backend;
    logic        found;         // a record was found or began: in slot
    logic        began;
    logic [23:0] slot;
  } verdict_t;

  // What an operation means for the counters of backends.
  typedef struct packed {
    logic        valid;
    logic [15:0] backend;
    logic        began;
    logic        active;        // becomes active
    logic        syn_repeat;
    logic        syn_reset;
    logic        syn_ack;
    logic [31:0] syn_ack_ms;
    logic        left_valid;
    logic [15:0] left_backend;
    logic        ended;
    logic        inactive;      // is active no longer
  } tally_t;

  // What a mirror of the records has to know: two clocks after the decision, in the order of the
  // operations. One of began, changed, ended, moved and copy is set.
  typedef struct packed {
    logic        began;         // a record in slot; with replaced another one ended there before
    logic        changed;       // its state or embryonic did; neither counters nor last use say so
    logic        ended;         // the record of slot: cause, row and last
    logic        moved;         // from from_slot to slot
    logic        replaced;
    logic        copy;          // OpCopy: what slot holds, if found; tag is that of the question
    logic        tag;
    logic        found;
    logic [7:0]  cause;         // portcam_pkg::end_cause_e of the record that ended or left its slot
    logic [23:0] slot;
    logic [23:0] from_slot;
    row_t        row;           // after the operation; where it ended, before
    state_t      state;
    row_t        last_row;      // before the operation
    state_t      last;
  } mirror_t;

  // The order of operations, for verification.
  typedef struct packed {
    logic        packet;        // a header passed the record stage
    logic [3:0]  kind;
    logic        acted;         // walk: the operation did what it says
    logic        asked;         // the service's counter moved on
    logic        second;        // the second candidate was taken
    logic        room;
    logic [15:0] index;
    logic [23:0] slot;
    logic [23:0] to;
    logic [31:0] time_ms;
  } trace_t;

endpackage

`default_nettype wire
