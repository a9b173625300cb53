// SPDX-License-Identifier: Apache-2.0
/* The parser, test by test in the order of docs/pipeline.md section 1. Every function returns the reason that decides,
 * or UNDECIDED. */
#include "parse.h"

#include <string.h>

#define WINDOW PORTCAM_BUILD_WINDOW
#define UNDECIDED PORTCAM_REASON_NO_MATCH

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58, SCTP = 132 };

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
    size_t len;
    size_t l3, l4, end;
    unsigned protocol;
};

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
    if (be16(ip + 6) & 0x3fff)
        return PORTCAM_REASON_FRAGMENT;
    for (size_t i = 20; i < header; i++)
        if (ip[i] == 0x83 || ip[i] == 0x89)
            return PORTCAM_REASON_COMPLEX_OPTIONS;
    memcpy(p->src.ip, ip + 12, 4);
    memcpy(p->dst.ip, ip + 16, 4);
    c->protocol = ip[9];
    c->l4 = c->l3 + header;
    c->end = c->l3 + total;
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
    while (is_extension(c->protocol)) {
        const uint8_t *h = c->frame + at;
        if (at + 8 > c->end)
            return PORTCAM_REASON_UNPARSED_CHAIN;
        if (at + 8 > WINDOW)
            return PORTCAM_REASON_COMPLEX_WINDOW;
        if (c->protocol == 44 && be16(h + 2) & 0xfff9)
            return PORTCAM_REASON_FRAGMENT;
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
            return PORTCAM_REASON_UNPARSED_CHAIN;
    }
    c->l4 = at;
    return at > WINDOW ? PORTCAM_REASON_COMPLEX_WINDOW : UNDECIDED;
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

/* The embedded header of an ICMP error, of the outer IP version. */
static unsigned parse_embedded(const struct cursor *c, struct pc_parsed *p)
{
    size_t e = c->l4 + 8;
    size_t fixed = p->is_v6 ? 40 : 20;
    if (e + fixed > c->end)
        return PORTCAM_REASON_ICMP_ERROR_SHORT;
    if (e + fixed > WINDOW)
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
        if (q + 4 > WINDOW)
            return PORTCAM_REASON_COMPLEX_WINDOW;
        p->inner_src.port = (uint16_t)be16(c->frame + q);
        p->inner_dst.port = (uint16_t)be16(c->frame + q + 2);
    }
    memcpy(p->inner_src.ip, ip + (p->is_v6 ? 8 : 12), p->is_v6 ? 16 : 4);
    memcpy(p->inner_dst.ip, ip + (p->is_v6 ? 24 : 16), p->is_v6 ? 16 : 4);
    return PORTCAM_REASON_ICMP_ERROR;
}

static unsigned parse_icmp(const struct cursor *c, struct pc_parsed *p)
{
    unsigned type = c->frame[c->l4];
    bool error;
    if (p->is_v6) {
        if (type >= 133 && type <= 137)
            return PORTCAM_REASON_NEIGHBOUR_DISCOVERY;
        p->has_l4_sum = true;
        p->l4_sum_at = (uint8_t)(c->l4 + 2);
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
    else
        return UNDECIDED;
    if (room < minimum)
        return PORTCAM_REASON_UNPARSED_L4;
    if (c->l4 + needs > WINDOW)
        return PORTCAM_REASON_COMPLEX_WINDOW;
    if (icmp)
        return parse_icmp(c, p);

    const uint8_t *h = c->frame + c->l4;
    p->has_ports = true;
    p->src.port = (uint16_t)be16(h);
    p->dst.port = (uint16_t)be16(h + 2);
    if (c->protocol == TCP) {
        size_t offset = (h[12] >> 4) * 4u;
        if (offset < 20 || offset > room)
            return PORTCAM_REASON_UNPARSED_L4;
        p->has_l4_sum = true;
        p->l4_sum_at = (uint8_t)(c->l4 + 16);
        p->seq = be32(h + 4);
        p->ack = be32(h + 8);
        p->tcp_flags = h[13];
        p->payload = (uint32_t)(room - offset);
    } else if (c->protocol == UDP) {
        if (be16(h + 4) < 8 || be16(h + 4) > room)
            return PORTCAM_REASON_UNPARSED_L4;
        p->has_l4_sum = true;
        p->l4_sum_at = (uint8_t)(c->l4 + 6);
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
    p->l3 = (uint8_t)c->l3;
    p->l4 = (uint8_t)c->l4;
    p->end = (uint16_t)c->end;
    return parse_l4(c, p);
}

void pc_parse(const uint8_t *frame, size_t len, unsigned ingress, size_t max_frame,
              struct pc_parsed *ret)
{
    struct cursor c = {.frame = frame, .len = len};
    memset(ret, 0, sizeof(*ret));
    ret->len = (uint16_t)(len > 65535 ? 65535 : len);
    ret->ingress = (uint8_t)ingress;
    if (len >= 6) {
        ret->has_mac = true;
        memcpy(ret->dst_mac, frame, 6);
    }
    ret->reason = (uint8_t)(len > max_frame ? (unsigned)PORTCAM_REASON_OVERSIZE : parse(&c, ret));
    ret->decided = ret->reason != UNDECIDED;
}
