/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of the reference model: step P1 of the packet semantics, docs/pipeline.md section 1. As a card it reads at
 * most the first 128 bytes of a frame; for the slow path it reads all of it. It keeps no state and allocates nothing. */
#ifndef PC_MODEL_PARSE_H
#define PC_MODEL_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One side of a flow as a header names it. IPv4 stands in the first four bytes of ip, the others are 0. */
struct pc_tuple {
    uint8_t ip[16];
    uint16_t port; /* 0 where the protocol has no ports */
};

/* Where a fragment belongs; only pc_parse_slow() looks. */
struct pc_fragment {
    bool is;          /* not of an atomic one, which is no fragment */
    bool more;        /* others come behind it */
    uint8_t protocol; /* of the key: IPv4; 0 IPv6, where fragments of one datagram may differ */
    uint32_t id;
    uint16_t offset; /* of its data in the datagram, bytes */
    uint16_t at;     /* of its data in the frame; it ends where the IP packet does */
    uint16_t len;    /* of its data, bytes */
};

/* What the parser found. Fields below `decided` are meaningful only where it is false, except has_mac and dst_mac
 * (always), inner_* (only where reason is icmp_error), and what docs/pipeline.md section 10 says that is known. */
struct pc_parsed {
    uint8_t reason; /* enum portcam_reason; no_match where nothing is decided */
    bool decided;   /* the frame passes (oversize: is dropped) for this reason */
    bool has_mac;   /* the frame has 6 bytes or more */
    uint8_t dst_mac[6];
    bool is_v6;
    uint16_t vlan; /* of the key; 0 untagged */
    struct pc_tuple src, dst;
    uint8_t protocol;
    bool has_ports;
    bool has_l4_sum;
    uint16_t l3, l4;    /* byte offsets of the headers */
    uint16_t l4_sum_at; /* byte offset of the layer-4 checksum */
    uint8_t tcp_flags;  /* TCP only, and so are the next three: the flags byte */
    uint32_t seq, ack;
    uint32_t payload; /* bytes behind the TCP header, by the IP length */
    uint16_t end;     /* byte offset behind the IP packet */
    uint16_t len;     /* frame length, bytes, at most 65,535 */
    uint8_t ingress;  /* function it came from */
    /* The packet that an ICMP error is about. */
    bool about_flow; /* the error goes where that packet's flow says: reason is icmp_error */
    bool inner_has_ports;
    bool inner_has_sum;
    uint16_t inner_at, inner_l4; /* byte offsets of its headers */
    uint16_t inner_sum_at;       /* byte offset of its layer-4 checksum */
    uint8_t inner_protocol;
    struct pc_tuple inner_src, inner_dst;
    bool slow; /* of pc_parse_slow() */
    /* Where fragment.is, it, src, dst and vlan are meaningful also where decided. */
    struct pc_fragment fragment;
};

/**
 * pc_parsed_answer() - what is looked up for an ICMP error
 * @p: the error; about_flow is set
 * @ret: a packet that answers the embedded one: its addresses, protocol and ports with the roles exchanged, all else
 *   that of the error. Still has about_flow set.
 */
void pc_parsed_answer(const struct pc_parsed *p, struct pc_parsed *ret);

/**
 * pc_parse() - parse one frame
 * @frame: its bytes, without FCS; only the first 128 are read
 * @len: its length in bytes
 * @ingress: function it came from, 0 the network
 * @max_frame: longest frame that is forwarded, bytes
 * @ret: the result, written whole
 *
 * Context: any thread; no shared state.
 */
void pc_parse(const uint8_t *frame, size_t len, unsigned ingress, size_t max_frame,
              struct pc_parsed *ret);

/**
 * pc_parse_slow() - the same with all bytes at hand, as the slow path can
 *
 * There is no window. A first fragment is parsed as far as its headers go; where they are cut the reason is fragment. A
 * later one has no ports and no checksum. IPv4 options are read: complex_options is a source route that is not at its
 * end, or options that cannot be read. UDP-Lite and DCCP have a checksum.
 */
void pc_parse_slow(const uint8_t *frame, size_t len, unsigned ingress, size_t max_frame,
                   struct pc_parsed *ret);

#ifdef __cplusplus
}
#endif

#endif
