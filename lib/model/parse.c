// SPDX-License-Identifier: Apache-2.0
/* The parser, test by test in the order of docs/pipeline.md section 1. Every function returns the reason that decides,
 * or UNDECIDED. */
#include "parse.h"

#include <string.h>

#define UNDECIDED PORTCAM_REASON_NO_MATCH

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, SCTP = 132, DCCP = 33, UDP_LITE = 136 };

static unsigned be16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static bool has_ports(unsigned protocol)
{
    return protocol == TCP || protocol == UDP || protocol == SCTP;
}

/* The bytes of one frame while it is parsed: end is where the IP length ends, an offset as l3 and l4. */
struct cursor {
    const uint8_t *frame;
    size_t len, window;
    bool slow;
    size_t l3, l4, end;
    unsigned protocol;
};

static bool is_later(const struct pc_parsed *p)
{
    return p->fragment.is && p->fragment.offset != 0;
}

/* Headers that end beyond the datagram are malformed; beyond the first fragment they are cut. */
static unsigned cut(const struct pc_parsed *p, unsigned reason)
{
    return p->fragment.is ? PORTCAM_REASON_FRAGMENT : reason;
}

/* `field`: offset in units of 8 bytes above three bits. */
static void take_fragment(struct pc_parsed *p, unsigned field, bool more, uint32_t id,
                          unsigned protocol)
{
    p->fragment = (struct pc_fragment){.is = true,
                                       .more = more,
                                       .protocol = (uint8_t)protocol,
                                       .id = id,
                                       .offset = (uint16_t)(field & 0xfff8)};
}

static void place_fragment(struct pc_parsed *p, size_t at, size_t end)
{
    p->fragment.at = (uint16_t)at;
    p->fragment.len = (uint16_t)(end - at);
}

static bool may_be_routed(const uint8_t *ip, size_t header)
{
    for (size_t i = 20; i < header; i++)
        if (ip[i] == 0x83 || ip[i] == 0x89)
            return true;
    return false;
}

/* A source route with addresses left, or no way to tell. */
static bool is_routed(const uint8_t *ip, size_t header)
{
    for (size_t i = 20; i < header && ip[i] != 0;) {
        if (ip[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 == header || ip[i + 1] < 2 || i + ip[i + 1] > header)
            return true;
        unsigned len = ip[i + 1];
        if ((ip[i] == 0x83 || ip[i] == 0x89) && (len < 3 || ip[i + 2] < 4 || ip[i + 2] <= len))
            return true;
        i += len;
    }
    return false;
}

static unsigned parse_ipv4(struct cursor *c, struct pc_parsed *p)
{
    const uint8_t *ip = c->frame + c->l3;
    if (c->len < c->l3 + 20)
        return PORTCAM_REASON_UNPARSED_SHORT;
    if (ip[0] >> 4 != 4)
        return PORTCAM_REASON_UNPARSED_VERSION;
    size_t header = (ip[0] & 15u) * 4u;
    if (header < 20)
        return PORTCAM_REASON_UNPARSED_IHL;
    size_t total = be16(ip + 2);
    if (total < header || c->l3 + total > c->len)
        return PORTCAM_REASON_UNPARSED_LENGTH;
    unsigned fragment = be16(ip + 6);
    memcpy(p->src.ip, ip + 12, 4);
    memcpy(p->dst.ip, ip + 16, 4);
    if (fragment & 0x3fff && !c->slow)
        return PORTCAM_REASON_FRAGMENT;
    c->protocol = ip[9];
    c->l4 = c->l3 + header;
    c->end = c->l3 + total;
    if (fragment & 0x3fff) {
        take_fragment(p, fragment << 3, fragment & 0x2000, be16(ip + 4), ip[9]);
        place_fragment(p, c->l4, c->end);
    }
    if (c->slow ? is_routed(ip, header) : may_be_routed(ip, header))
        return PORTCAM_REASON_COMPLEX_OPTIONS;
    return UNDECIDED;
}

static bool is_extension(unsigned protocol)
{
    return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 || protocol == 60 ||
           protocol == 135;
}

static unsigned parse_ipv6(struct cursor *c, struct pc_parsed *p)
{
    const uint8_t *ip = c->frame + c->l3;
    if (c->len < c->l3 + 40)
        return PORTCAM_REASON_UNPARSED_SHORT;
    if (ip[0] >> 4 != 6)
        return PORTCAM_REASON_UNPARSED_VERSION;
    c->end = c->l3 + 40 + be16(ip + 4);
    if (c->end > c->len)
        return PORTCAM_REASON_UNPARSED_LENGTH;
    p->is_v6 = true;
    memcpy(p->src.ip, ip + 8, 16);
    memcpy(p->dst.ip, ip + 24, 16);
    c->protocol = ip[6];
    size_t at = c->l3 + 40;
    while (is_extension(c->protocol) && !is_later(p)) {
        const uint8_t *h = c->frame + at;
        if (at + 8 > c->end)
            return cut(p, PORTCAM_REASON_UNPARSED_CHAIN);
        if (at + 8 > c->window)
            return PORTCAM_REASON_COMPLEX_WINDOW;
        if (c->protocol == 44 && be16(h + 2) & 0xfff9) {
            if (!c->slow || p->fragment.is) /* none inside another */
                return PORTCAM_REASON_FRAGMENT;
            take_fragment(p, be16(h + 2), h[3] & 1, be32(h + 4), 0);
            place_fragment(p, at + 8, c->end);
        }
        if (c->protocol == 43 && h[3] != 0)
            return PORTCAM_REASON_COMPLEX_ROUTING;
        if (c->protocol == 44)
            at += 8;
        else if (c->protocol == 51)
            at += 4 * (h[1] + 2u);
        else
            at += 8 * (h[1] + 1u);
        c->protocol = h[0];
        if (at > c->end)
            return cut(p, PORTCAM_REASON_UNPARSED_CHAIN);
    }
    c->l4 = at;
    return at > c->window ? PORTCAM_REASON_COMPLEX_WINDOW : UNDECIDED;
}

static bool is_multicast(const struct pc_parsed *p)
{
    static const uint8_t all[4] = {255, 255, 255, 255};
    if (p->dst_mac[0] & 1)
        return true;
    if (p->is_v6)
        return p->dst.ip[0] == 0xff;
    return p->dst.ip[0] >> 4 == 0xe || memcmp(p->dst.ip, all, 4) == 0;
}

/* Where the embedded packet keeps the checksum of layer 4, if that is there. */
static void find_embedded_sum(const struct cursor *c, struct pc_parsed *p)
{
    size_t q = p->inner_l4, at, needs;
    if (p->inner_protocol == TCP)
        at = q + 16, needs = q + 20;
    else if (p->inner_protocol == UDP)
        at = q + 6, needs = q + 8;
    else if (p->is_v6 && p->inner_protocol == ICMPV6)
        at = q + 2, needs = q + 8;
    else
        return;
    p->inner_has_sum = needs <= c->end && at + 2 <= c->window;
    p->inner_sum_at = (uint16_t)at;
}

/* Is this an error that the sender of the embedded packet is to get, and could the card have translated that packet? */
static bool is_about_flow(const struct pc_parsed *p)
{
    if (p->inner_protocol == DCCP || p->inner_protocol == UDP_LITE)
        return false;
    if (p->is_v6 && is_extension(p->inner_protocol))
        return false;
    return memcmp(p->dst.ip, p->inner_src.ip, sizeof(p->dst.ip)) == 0;
}

/* The embedded header of an ICMP error, of the outer IP version. */
static unsigned parse_embedded(const struct cursor *c, struct pc_parsed *p)
{
    size_t e = c->l4 + 8;
    size_t fixed = p->is_v6 ? 40 : 20;
    if (e + fixed > c->end)
        return PORTCAM_REASON_ICMP_ERROR_SHORT;
    if (e + fixed > c->window)
        return PORTCAM_REASON_COMPLEX_WINDOW;
    const uint8_t *ip = c->frame + e;
    size_t q = e + fixed;
    if (p->is_v6) {
        if (ip[0] >> 4 != 6)
            return PORTCAM_REASON_ICMP_ERROR_SHORT;
        p->inner_protocol = ip[6];
    } else {
        size_t header = (ip[0] & 15u) * 4u;
        if (ip[0] >> 4 != 4 || header < 20 || e + header > c->end || be16(ip + 6) & 0x1fff)
            return PORTCAM_REASON_ICMP_ERROR_SHORT;
        q = e + header;
        p->inner_protocol = ip[9];
    }
    if (has_ports(p->inner_protocol)) {
        if (q + 8 > c->end)
            return PORTCAM_REASON_ICMP_ERROR_SHORT;
        if (q + 4 > c->window)
            return PORTCAM_REASON_COMPLEX_WINDOW;
        p->inner_src.port = (uint16_t)be16(c->frame + q);
        p->inner_dst.port = (uint16_t)be16(c->frame + q + 2);
    }
    memcpy(p->inner_src.ip, ip + (p->is_v6 ? 8 : 12), p->is_v6 ? 16 : 4);
    memcpy(p->inner_dst.ip, ip + (p->is_v6 ? 24 : 16), p->is_v6 ? 16 : 4);
    p->inner_has_ports = has_ports(p->inner_protocol);
    p->inner_at = (uint16_t)e;
    p->inner_l4 = (uint16_t)q;
    find_embedded_sum(c, p);
    p->about_flow = is_about_flow(p);
    return PORTCAM_REASON_ICMP_ERROR;
}

void pc_parsed_answer(const struct pc_parsed *p, struct pc_parsed *ret)
{
    *ret = *p;
    ret->reason = UNDECIDED;
    ret->decided = false;
    ret->src = p->inner_dst;
    ret->dst = p->inner_src;
    ret->protocol = p->inner_protocol;
    ret->has_ports = p->inner_has_ports;
}

static unsigned parse_icmp(const struct cursor *c, struct pc_parsed *p)
{
    unsigned type = c->frame[c->l4];
    bool error;
    if (p->is_v6) {
        if (type >= 133 && type <= 137)
            return PORTCAM_REASON_NEIGHBOUR_DISCOVERY;
        p->has_l4_sum = true;
        p->l4_sum_at = (uint16_t)(c->l4 + 2);
        error = type >= 1 && type <= 4;
    } else {
        error = type == 3 || type == 4 || type == 11 || type == 12;
    }
    return error ? parse_embedded(c, p) : UNDECIDED;
}

static unsigned parse_l4(const struct cursor *c, struct pc_parsed *p)
{
    size_t room = c->end - c->l4;
    size_t minimum, needs;
    bool icmp = p->is_v6 ? c->protocol == ICMPV6 : c->protocol == ICMP;
    if (c->protocol == TCP)
        minimum = 20, needs = 18;
    else if (c->protocol == UDP)
        minimum = 8, needs = 8;
    else if (c->protocol == SCTP)
        minimum = 12, needs = 4;
    else if (icmp)
        minimum = 8, needs = 4;
    else if (c->slow && (c->protocol == DCCP || c->protocol == UDP_LITE))
        minimum = 8, needs = 8;
    else
        return UNDECIDED;
    if (room < minimum)
        return cut(p, PORTCAM_REASON_UNPARSED_L4);
    if (c->l4 + needs > c->window)
        return PORTCAM_REASON_COMPLEX_WINDOW;
    if (icmp)
        return parse_icmp(c, p);
    if (c->protocol == DCCP || c->protocol == UDP_LITE) {
        p->has_l4_sum = true;
        p->l4_sum_at = (uint16_t)(c->l4 + 6);
        return UNDECIDED;
    }

    const uint8_t *h = c->frame + c->l4;
    p->has_ports = true;
    p->src.port = (uint16_t)be16(h);
    p->dst.port = (uint16_t)be16(h + 2);
    if (c->protocol == TCP) {
        size_t offset = (h[12] >> 4) * 4u;
        if (offset < 20)
            return PORTCAM_REASON_UNPARSED_L4;
        if (offset > room)
            return cut(p, PORTCAM_REASON_UNPARSED_L4);
        p->has_l4_sum = true;
        p->l4_sum_at = (uint16_t)(c->l4 + 16);
        p->seq = be32(h + 4);
        p->ack = be32(h + 8);
        p->tcp_flags = h[13];
        p->payload = (uint32_t)(room - offset);
    } else if (c->protocol == UDP) {
        if (be16(h + 4) < 8 || (be16(h + 4) > room && !p->fragment.is))
            return PORTCAM_REASON_UNPARSED_L4;
        p->has_l4_sum = true;
        p->l4_sum_at = (uint16_t)(c->l4 + 6);
    }
    return UNDECIDED;
}

static unsigned parse(struct cursor *c, struct pc_parsed *p)
{
    if (c->len < 14)
        return PORTCAM_REASON_UNPARSED_SHORT;
    unsigned type = be16(c->frame + 12);
    c->l3 = 14;
    for (int tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8); tags++) {
        if (c->len < c->l3 + 4)
            return PORTCAM_REASON_UNPARSED_SHORT;
        if (p->vlan == 0)
            p->vlan = be16(c->frame + c->l3) & 0xfff;
        type = be16(c->frame + c->l3 + 2);
        c->l3 += 4;
    }
    unsigned reason;
    if (type == 0x0800)
        reason = parse_ipv4(c, p);
    else if (type == 0x86dd)
        reason = parse_ipv6(c, p);
    else
        return PORTCAM_REASON_NON_IP;
    if (reason != UNDECIDED)
        return reason;
    if (is_multicast(p))
        return PORTCAM_REASON_MULTICAST;
    p->protocol = (uint8_t)c->protocol;
    p->l3 = (uint16_t)c->l3;
    p->l4 = (uint16_t)c->l4;
    p->end = (uint16_t)c->end;
    return is_later(p) ? UNDECIDED : parse_l4(c, p);
}

static void parse_frame(const uint8_t *frame, size_t len, unsigned ingress, size_t max_frame,
                        bool slow, struct pc_parsed *ret)
{
    struct cursor c = {
        .frame = frame, .len = len, .window = slow ? SIZE_MAX : PORTCAM_BUILD_WINDOW, .slow = slow};
    memset(ret, 0, sizeof(*ret));
    ret->slow = slow;
    ret->len = (uint16_t)(len > 65535 ? 65535 : len);
    ret->ingress = (uint8_t)ingress;
    if (len >= 6) {
        ret->has_mac = true;
        memcpy(ret->dst_mac, frame, 6);
    }
    ret->reason = (uint8_t)(len > max_frame ? (unsigned)PORTCAM_REASON_OVERSIZE : parse(&c, ret));
    ret->decided = ret->reason != UNDECIDED;
}

void pc_parse(const uint8_t *frame, size_t len, unsigned ingress, size_t max_frame,
              struct pc_parsed *ret)
{
    parse_frame(frame, len, ingress, max_frame, false, ret);
}

void pc_parse_slow(const uint8_t *frame, size_t len, unsigned ingress, size_t max_frame,
                   struct pc_parsed *ret)
{
    parse_frame(frame, len, ingress, max_frame, true, ret);
}
