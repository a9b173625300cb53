// SPDX-License-Identifier: Apache-2.0

// What travels inside the core: the header as the ingress hands it over, the parse result, the
// rewrite instruction and the counter update. Nothing here is visible to the host; what is, stands
// in portcam_pkg. Addresses and MACs keep the order of the wire (first byte in bits 7:0); ports,
// lengths and other numbers are plain numbers.
`default_nettype none

package portcam_types_pkg;

  // Ingress to parser: the first 128 bytes of a frame whose last beat has arrived. Byte 0 is
  // window[7:0].
  typedef struct packed {
    logic [1023:0] window;    // bytes beyond the frame's end are 0
    logic [15:0]   len;       // frame length in bytes, without FCS
    logic [7:0]    ingress;   // function it came from, 0 the network
    logic          oversize;  // frame was longer than the limit; its beats are already discarded
  } header_t;

  // Parser to lookup. `reason` is ReasonNoMatch where the parser found nothing that decides.
  typedef struct packed {
    logic [5:0]  reason;        // portcam_pkg::reason_e
    logic         decided;      // the parser's reason is final: pass (or drop, for oversize)
    logic         is_v6;
    logic [11:0]  vlan;         // key VLAN, 0 untagged
    logic [47:0]  dst_mac;
    logic         has_mac;      // frame of at least 6 bytes: dst_mac is real
    logic [127:0] src_ip;       // IPv4 in bits 31:0, the others 0
    logic [127:0] dst_ip;
    logic [7:0]   protocol;
    logic         has_ports;
    logic [15:0]  src_port;
    logic [15:0]  dst_port;
    logic [4:0]   l3;           // byte offset of the IP header: 14, 18 or 22
    logic [7:0]   l4;           // byte offset of the layer-4 header
    logic [15:0]  ip_sum;       // IPv4 header checksum as on the wire (first byte in bits 7:0)
    logic         has_l4_sum;   // TCP, UDP or ICMPv6 checksum to keep right
    logic [15:0]  l4_sum;       // as on the wire (first byte in bits 7:0)
    logic [7:0]   l4_sum_at;    // its byte offset
    logic [7:0]   ip_end;       // byte offset of the end of the IP packet, at most 128
    logic [7:0]   tcp_flags;    // of a TCP segment, as the three fields below
    logic [31:0]  tcp_seq;
    logic [31:0]  tcp_ack;
    logic [15:0]  tcp_payload;  // bytes behind the TCP header, by the IP length
    logic [15:0]  len;
    logic [7:0]   ingress;
    // Embedded packet of an ICMP error, where reason is ReasonIcmpError; l4_sum is that of ICMP.
    logic         about_flow;      // the embedded packet is looked up, its roles exchanged
    logic [127:0] inner_src_ip;
    logic [127:0] inner_dst_ip;
    logic [15:0]  inner_ip_sum;   // of its IPv4 header, as on the wire
    logic [7:0]   inner_protocol;
    logic [7:0]   inner_l4;       // byte offset of its layer-4 header
    logic         inner_has_ports;
    logic [15:0]  inner_src_port;
    logic [15:0]  inner_dst_port;
    logic         inner_has_sum;  // its TCP, UDP or ICMPv6 checksum is there
    logic [15:0]  inner_sum;      // as on the wire
    logic [7:0]   inner_sum_at;
  } parsed_t;

  // Instead of a function: the frame goes to the punt ring.
  localparam logic [7:0] PuntEgress = 8'hff;

  // Lookup to rewriter, one for each frame, in the order of the frames of that direction.
  typedef struct packed {
    logic         drop;        // discard the frame
    logic         discarded;   // the ingress has discarded its beats (oversize); implies drop
    logic [7:0]   egress;      // function, 0 the network, or PuntEgress
    logic         set_dst_mac;
    logic [47:0]  dst_mac;
    logic         set_src_mac;
    logic [47:0]  src_mac;
    logic         set_dst_ip;  // at most one of set_dst_ip and set_src_ip
    logic         set_src_ip;
    logic         is_v6;
    logic [127:0] ip;          // new address, IPv4 in bits 31:0
    logic [4:0]   l3;
    logic         set_ip_sum;
    logic [15:0]  ip_sum;      // new IPv4 header checksum, as on the wire
    logic         set_port;    // destination port with set_dst_ip, source port with set_src_ip
    logic [15:0]  port;        // number
    logic [7:0]   l4;
    logic         set_l4_sum;
    logic [15:0]  l4_sum;      // as on the wire
    logic [7:0]   l4_sum_at;
    // An ICMP error about a flow. The embedded packet gets `ip` too, as its other address; ip_sum,
    // port (the other one), l4, l4_sum and l4_sum_at are those of the embedded packet.
    logic         about_flow;
    logic [15:0]  outer_ip_sum;  // new IPv4 header checksum of the frame, as on the wire
    logic [15:0]  icmp_sum;      // new ICMP checksum, as on the wire
    logic [7:0]   icmp_at;       // byte offset of the ICMP header
    logic         reject;      // answer the frame; implies drop, and egress is where it came from
    logic         reject_tcp;  // with a RST, otherwise with ICMP; is_v6 and l3 are the packet's
    logic         reject_ack;  // the TCP segment has ACK
    logic [31:0]  reject_number;    // its acknowledgement number, without ACK the end of the segment
    logic [15:0]  reject_src_port;  // of the packet
    logic [15:0]  reject_dst_port;
    logic [7:0]   reject_ip_end;    // byte offset of the end of the IP packet, at most 128
  } rewrite_t;

  // What the flags of a TCP segment mean (docs/connections.md, section 4).
  typedef enum logic [2:0] {
    TcpSyn    = 3'd0,
    TcpSynAck = 3'd1,
    TcpFin    = 3'd2,
    TcpAck    = 3'd3,
    TcpRst    = 3'd4,
    TcpOdd    = 3'd5
  } tcp_class_e;

  // Lookup to the counters, one for each frame.
  typedef struct packed {
    logic [5:0]  reason;       // portcam_pkg::reason_e
    logic [15:0] octets;
    logic [7:0]  rx;           // ingress function
    logic        tx_valid;
    logic [7:0]  tx;           // egress function
    logic        domain_valid;
    logic [15:0] domain;
    logic        address_valid;
    logic [15:0] address;
    logic        service_valid;
    logic [15:0] service;
    logic        backend_valid;
    logic [15:0] backend;
    logic        reply;        // counts in the odd rows
    logic        connection_valid;  // not counted: a record was found or began
    logic [23:0] connection;        // its slot
    logic        began;
  } count_t;

endpackage

`default_nettype wire
