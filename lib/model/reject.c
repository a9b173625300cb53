// SPDX-License-Identifier: Apache-2.0
/* Refused packets and their answers: docs/pipeline.md section 6. */
#include <string.h>

#include "checksum.h"
#include "stateful.h"

enum { TCP = 6, ICMP = 1, ICMPV6 = 58, TTL = 64, MINIMUM = 60 };

int pc_reject_bucket(unsigned reason)
{
    switch (reason) {
    case PORTCAM_REASON_NO_RECORD_REJECT:
        return 0;
    case PORTCAM_REASON_NO_BACKEND_REJECT:
        return 1;
    case PORTCAM_REASON_AMBIGUOUS_REJECT:
        return 2;
    case PORTCAM_REASON_UNKNOWN_REJECT:
        return 3;
    case PORTCAM_REASON_STOPPED_REJECT:
        return 4;
    default:
        return -1;
    }
}

bool pc_reason_is_reject(unsigned reason)
{
    return pc_reject_bucket(reason) >= 0;
}

bool pc_reject_is_silent(const struct pc_parsed *p)
{
    bool reset = p->protocol == TCP && p->tcp_flags & PC_TCP_RST;
    bool icmp = p->protocol == ICMP || p->protocol == ICMPV6;
    return reset || icmp || pc_is_bad_source(p) || pc_is_land(p);
}

void pc_buckets_fill(struct pc_bucket *buckets, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buckets[i] = (struct pc_bucket){.level = UINT32_MAX};
}

bool pc_bucket_take(struct pc_bucket *b, unsigned rate, unsigned burst, uint32_t now)
{
    uint32_t size = burst * 1000u;
    uint32_t passed = now - b->last;
    uint64_t level = b->level + (uint64_t)passed * rate;
    if (passed > 1023 || level > size)
        level = size;
    b->last = now;
    b->level = (uint32_t)level;
    if (level < 1000)
        return false;
    b->level -= 1000;
    return true;
}

/* ---- the answer ---- */

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* Sum of big-endian words; an odd last byte is the high half of one. */
static uint64_t sum(const uint8_t *p, size_t len)
{
    uint64_t total = 0;
    for (size_t i = 0; i < len; i++)
        total += i & 1 ? p[i] : (uint64_t)p[i] << 8;
    return total;
}

static unsigned checksum(uint64_t total)
{
    return (uint16_t)~pc_fold(total);
}

/* The IP header for `len` bytes of `protocol` behind it, addresses exchanged; its length. */
static size_t ip_header(const struct pc_parsed *p, unsigned protocol, size_t len, uint8_t *ip)
{
    if (p->is_v6) {
        ip[0] = 0x60;
        put16(ip + 4, (unsigned)len);
        ip[6] = (uint8_t)protocol;
        ip[7] = TTL;
        memcpy(ip + 8, p->dst.ip, 16);
        memcpy(ip + 24, p->src.ip, 16);
        return 40;
    }
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(20 + len));
    put16(ip + 6, 0x4000);
    ip[8] = TTL;
    ip[9] = (uint8_t)protocol;
    memcpy(ip + 12, p->dst.ip, 4);
    memcpy(ip + 16, p->src.ip, 4);
    put16(ip + 10, checksum(sum(ip, 20)));
    return 20;
}

static size_t tcp_reset(const struct pc_parsed *p, uint8_t *l4)
{
    put16(l4, p->dst.port);
    put16(l4 + 2, p->src.port);
    l4[12] = 5 << 4;
    l4[13] = PC_TCP_RST;
    if (p->tcp_flags & PC_TCP_ACK) {
        put32(l4 + 4, p->ack);
    } else {
        put32(l4 + 8, pc_tcp_end(p->seq, p->payload, p->tcp_flags));
        l4[13] |= PC_TCP_ACK;
    }
    return 20;
}

static size_t unreachable(const struct pc_parsed *p, const uint8_t *frame, uint8_t *l4)
{
    size_t end = p->end < PORTCAM_BUILD_WINDOW ? p->end : PORTCAM_BUILD_WINDOW;
    l4[0] = p->is_v6 ? 1 : 3;
    l4[1] = p->is_v6 ? 4 : 3;
    memcpy(l4 + 8, frame + p->l3, end - p->l3);
    return 8 + end - p->l3;
}

void pc_reject_answer(const struct pc_parsed *p, const uint8_t *frame, struct pc_answer *ret)
{
    bool tcp = p->protocol == TCP;
    unsigned protocol = tcp ? TCP : p->is_v6 ? ICMPV6 : ICMP;
    size_t header = p->is_v6 ? 40 : 20;
    *ret = (struct pc_answer){.egress = p->ingress};
    memcpy(ret->bytes, frame + 6, 6);
    memcpy(ret->bytes + 6, frame, 6);
    memcpy(ret->bytes + 12, frame + 12, p->l3 - 12u);

    uint8_t *ip = ret->bytes + p->l3, *l4 = ip + header;
    size_t len = tcp ? tcp_reset(p, l4) : unreachable(p, frame, l4);
    ip_header(p, protocol, len, ip);
    uint64_t total = sum(l4, len);
    if (tcp || p->is_v6) /* the pseudo header */
        total += sum(ip + header - (p->is_v6 ? 32 : 8), p->is_v6 ? 32 : 8) + protocol + len;
    put16(l4 + (tcp ? 16 : 2), checksum(total));
    size_t all = p->l3 + header + len;
    ret->len = (uint8_t)(all < MINIMUM ? MINIMUM : all);
}
