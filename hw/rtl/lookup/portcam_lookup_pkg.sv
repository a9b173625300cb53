// SPDX-License-Identifier: Apache-2.0

// What travels between the tables and the decision inside portcam_lookup. Numbers of domains,
// addresses, services and backends are 16 bits wide, whatever the size of the build. Addresses and
// MACs keep the order of the wire.
`default_nettype none

package portcam_lookup_pkg;

  // The part of the parse result that the decision needs. Of an ICMP error about a flow
  // addresses, protocol and ports are those of a packet that answers the embedded one, l4 and the
  // checksums those of the embedded one; the outer_* fields are the frame's own.
  typedef struct packed {
    logic [5:0]   reason;
    logic         decided;
    logic         about_flow;
    logic         is_v6;
    logic [127:0] src_ip;
    logic [127:0] dst_ip;
    logic [7:0]   protocol;
    logic         has_ports;
    logic [15:0]  src_port;
    logic [15:0]  dst_port;
    logic [4:0]   l3;
    logic [7:0]   l4;
    logic [15:0]  ip_sum;
    logic         has_l4_sum;
    logic [15:0]  l4_sum;
    logic [7:0]   l4_sum_at;
    logic [127:0] outer_src_ip;
    logic [15:0]  outer_ip_sum;
    logic [7:0]   outer_l4;
    logic [15:0]  outer_l4_sum;
    logic [15:0]  len;
    logic [7:0]   ingress;
  } packet_t;

  // What a packet says by itself about connections and answers (portcam_creation), and the parts of
  // its TCP header that those need.
  typedef struct packed {
    logic        may_create;
    logic        no_answer;
    logic        is_tcp;
    logic [2:0]  tcp_class;   // portcam_types_pkg::tcp_class_e
    logic [31:0] tcp_end;     // sequence number behind the segment
    logic [31:0] tcp_seq;
    logic        has_ack;
    logic [31:0] tcp_ack;
    logic [7:0]  ip_end;      // byte offset of the end of the IP packet, at most 128
  } segment_t;

  // From the function table.
  typedef struct packed {
    logic [7:0]  default_egress;
    logic [7:0]  reply_egress;   // of a reversed packet: the hairpin function, else the default
    logic        has_domain;     // the ingress is a host function with a source domain
    logic [15:0] domain;
  } function_match_t;

  // From the address table, or by the loopback rule.
  typedef struct packed {
    logic        hit;
    logic        any;       // the address number is ANY; address is 0
    logic [15:0] domain;
    logic [15:0] address;
  } address_match_t;

  typedef struct packed {
    logic        hit;
    logic        deliver;     // mode deliver
    logic        stateful;    // mode stateful; otherwise static
    logic        exact_port;  // flag of the row
    logic        keeps_port;
    logic [15:0] service;
    logic [15:0] backend;     // static and deliver
    // Stateful:
    logic [15:0] group;
    logic [15:0] schedule;    // row where the slot table begins
    logic [4:0]  slots_log2;
    logic [1:0]  pick;        // portcam_pkg::pick_e
    logic [1:0]  no_record;   // portcam_pkg::no_record_e
    logic        no_backend;  // drop; otherwise reject
    logic [1:0]  full;        // portcam_pkg::full_e
  } service_match_t;

  typedef struct packed {
    logic         present;  // the row is not empty
    logic [127:0] ip;
    logic         is_v6;
    logic         has_mac;
    logic [15:0]  port;
    logic [47:0]  mac;
    logic [7:0]   egress;
  } backend_match_t;

  // From table public.
  typedef struct packed {
    logic         present;
    logic         is_v6;
    logic [127:0] ip;
  } public_match_t;

  // From the three endpoint tables, the most specific one that hits.
  typedef struct packed {
    logic         hit;
    logic [127:0] public_ip;
    logic [15:0]  public_port;
    logic [15:0]  service;
    logic [15:0]  backend;
    logic [15:0]  domain;
    logic [15:0]  address;
    logic         strict;
    logic         has_mac;
    logic         stateful;    // `service` is the group, `backend` the endpoint number
    logic         keeps_port;
    logic         alone;
    logic         wide;        // the hit is in endpoint_any_port or endpoint_any
  } endpoint_match_t;

  // What the state and the policy of a domain mean for a packet.
  typedef struct packed {
    logic present;   // the row is not empty
    logic draining;
    logic paused;
    logic stopped;
    logic drop;      // policy drop
    logic reject;    // policy reject; otherwise pass
  } verdict_t;

endpackage

`default_nettype wire
