// SPDX-License-Identifier: Apache-2.0

// What travels inside portcam_mirror: operations that wait, and writes on their way.
`default_nettype none

package portcam_mirror_pkg;

  // An operation that waits to be written: one entry of the mirror, or two. The first is a
  // mirror_end if first_end, else a mirror_record; the second is the other.
  typedef struct packed {
    logic        marker;         // nothing is written: all before it is to be in host memory
    logic        counted;        // came through the walk, or is a marker
    logic        first_end;
    logic        two;
    logic        known;          // the mirror_end tells of a record
    logic [2:0]  first_event;    // portcam_pkg::event_kind_e
    logic [2:0]  second_event;
    logic [2:0]  cause;          // portcam_pkg::end_cause_e
    logic [23:0] slot;
    logic [23:0] second_slot;
    logic        is_v6;
    logic [127:0] client_ip;
    logic [15:0] client_port;
    logic [7:0]  protocol;
    logic [15:0] group;
    logic        kept;           // the public port is part of the client key
    logic [15:0] service;
    logic [15:0] address;
    logic [15:0] port;
    logic [15:0] backend;
    logic [15:0] endpoint;
    logic [31:0] generation;
    logic [3:0]  state;
    logic        embryonic;
    logic [7:0]  syn_repeats;
    logic [31:0] client_next;
    logic [31:0] created;
    logic [31:0] last_used;
    logic [15:0] last_backend;   // last_*: of the record that ended or left
    logic [15:0] last_endpoint;
    logic [31:0] last_generation;
    logic [3:0]  last_state;
    logic        last_embryonic;
    logic [7:0]  last_syn_repeats;
    logic [47:0] last_forward_packets;
    logic [63:0] last_forward_octets;
    logic [47:0] last_reverse_packets;
    logic [63:0] last_reverse_octets;
    logic [15:0] last_lifetime;
  } entry_t;

  // A write on its way, or a marker. kind 0: without an event.
  typedef struct packed {
    logic        marker;
    logic        line;           // of events
    logic [2:0]  events;         // of a line: how many
    logic [2:0]  kind;
    logic [23:0] slot;
    logic [31:0] generation;
    logic [3:0]  state;
    logic [31:0] version;
    logic [63:0] addr;
  } track_t;

  // An event that waits for its place in the ring.
  typedef struct packed {
    logic [2:0]  kind;
    logic [23:0] slot;
    logic [31:0] generation;
    logic [3:0]  state;
    logic [31:0] version;
  } event_t;

endpackage

`default_nettype wire
