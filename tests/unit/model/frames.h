/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests of the model: built field by field, with checksums made by plain full summation. Nothing of the model's
 * own parser or checksum code is used here, so that the two can disagree. */
#ifndef PC_TEST_FRAMES_H
#define PC_TEST_FRAMES_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TCP = 6, UDP = 17, SCTP = 132, ICMP = 1, ICMPV6 = 58, DCCP = 33, UDP_LITE = 136 };

/* What to build. Zero means: untagged IPv4, no options, no payload. Addresses are text; ':' makes it IPv6. */
struct frame_spec {
    uint8_t dmac[6], smac[6];
    unsigned tags;
    uint16_t tpid[3], tci[3];
    const char *src, *dst;
    uint8_t tos, ttl;
    uint16_t frag;      /* IPv4: flags and offset */
    const uint8_t *opt; /* IPv4 options, a multiple of 4 bytes */
    size_t opt_len;
    const uint8_t *ext; /* IPv6 extension headers; the last one's next header is the caller's */
    size_t ext_len;
    uint8_t ext_first;
    uint8_t protocol;
    uint16_t sport, dport;
    uint8_t type, code; /* ICMP */
    const void *payload;
    size_t payload_len;
    size_t pad; /* bytes behind the IP length */
};

struct frame {
    uint8_t b[2048];
    size_t len;
    size_t l3, l4, end, sum_at; /* sum_at 0: none */
    bool v6;
    uint8_t protocol;
};

static inline void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* An address in the form of rows: IPv4 in the first four bytes. */
static inline void ip_bytes(const char *text, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, ip) != 1)
        memset(ip, 0xee, 16);
}

static inline uint32_t sum_words(uint32_t sum, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    return sum;
}

static inline uint16_t finish_sum(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The checksum that the IPv4 header should have. */
static inline uint16_t right_ip_sum(const struct frame *f)
{
    uint8_t h[60];
    size_t len = (f->b[f->l3] & 15u) * 4u;
    memcpy(h, f->b + f->l3, len);
    put16(h + 10, 0);
    return finish_sum(sum_words(0, h, len));
}

/* The checksum that layer 4 should have; for UDP with 0 as 0xffff. */
static inline uint16_t right_l4_sum(const struct frame *f)
{
    uint8_t l4[2048];
    size_t len = f->end - f->l4;
    uint32_t sum = 0;
    memcpy(l4, f->b + f->l4, len);
    put16(l4 + (f->sum_at - f->l4), 0);
    if (f->v6)
        sum = sum_words(0, f->b + f->l3 + 8, 32);
    else if (f->protocol != ICMP)
        sum = sum_words(0, f->b + f->l3 + 12, 8);
    if (f->v6 || f->protocol != ICMP)
        sum += f->protocol + (uint32_t)len;
    uint16_t result = finish_sum(sum_words(sum, l4, len));
    return f->protocol == UDP && result == 0 ? 0xffff : result;
}

static inline bool sums_are_right(const struct frame *f)
{
    bool ip = f->v6 || get16(f->b + f->l3 + 10) == right_ip_sum(f);
    return ip && (!f->sum_at || get16(f->b + f->sum_at) == right_l4_sum(f));
}

static inline void fix_sums(struct frame *f)
{
    if (!f->v6)
        put16(f->b + f->l3 + 10, right_ip_sum(f));
    if (f->sum_at)
        put16(f->b + f->sum_at, right_l4_sum(f));
}

static inline size_t build_l4(struct frame *f, const struct frame_spec *s)
{
    uint8_t *h = f->b + f->l4;
    size_t header = 0;
    switch (s->protocol) {
    case TCP:
        header = 20;
        put16(h, s->sport);
        put16(h + 2, s->dport);
        h[12] = 0x50;
        h[13] = 0x18;
        put16(h + 14, 0x2000);
        f->sum_at = f->l4 + 16;
        break;
    case UDP:
        header = 8;
        put16(h, s->sport);
        put16(h + 2, s->dport);
        put16(h + 4, (unsigned)(8 + s->payload_len));
        f->sum_at = f->l4 + 6;
        break;
    case SCTP:
        header = 12;
        put16(h, s->sport);
        put16(h + 2, s->dport);
        break;
    case ICMP:
    case ICMPV6:
        header = 8;
        h[0] = s->type;
        h[1] = s->code;
        f->sum_at = f->l4 + 2;
        break;
    default:
        break;
    }
    if (s->payload_len)
        memcpy(h + header, s->payload, s->payload_len);
    return header + s->payload_len;
}

static inline struct frame build_frame(const struct frame_spec *s)
{
    struct frame f = {.v6 = strchr(s->dst, ':') != NULL, .protocol = s->protocol};
    uint8_t src[16], dst[16];
    size_t at = 12;
    memcpy(f.b, s->dmac, 6);
    memcpy(f.b + 6, s->smac, 6);
    for (unsigned i = 0; i < s->tags; i++, at += 4) {
        put16(f.b + at, s->tpid[i] ? s->tpid[i] : 0x8100);
        put16(f.b + at + 2, s->tci[i]);
    }
    put16(f.b + at, f.v6 ? 0x86dd : 0x0800);
    uint8_t *ip = f.b + (f.l3 = at + 2);
    ip_bytes(s->src, src);
    ip_bytes(s->dst, dst);
    if (f.v6) {
        ip[0] = (uint8_t)(0x60 | s->tos >> 4);
        ip[1] = (uint8_t)(s->tos << 4);
        ip[6] = s->ext_len ? s->ext_first : s->protocol;
        ip[7] = s->ttl ? s->ttl : 64;
        memcpy(ip + 8, src, 16);
        memcpy(ip + 24, dst, 16);
        if (s->ext_len)
            memcpy(ip + 40, s->ext, s->ext_len);
        f.l4 = f.l3 + 40 + s->ext_len;
        f.end = f.l4 + build_l4(&f, s);
        put16(ip + 4, (unsigned)(f.end - f.l3 - 40));
    } else {
        ip[0] = (uint8_t)(0x45 + s->opt_len / 4);
        ip[1] = s->tos;
        put16(ip + 4, 0xbeef);
        put16(ip + 6, s->frag);
        ip[8] = s->ttl ? s->ttl : 64;
        ip[9] = s->protocol;
        memcpy(ip + 12, src, 4);
        memcpy(ip + 16, dst, 4);
        if (s->opt_len)
            memcpy(ip + 20, s->opt, s->opt_len);
        f.l4 = f.l3 + 20 + s->opt_len;
        f.end = f.l4 + build_l4(&f, s);
        put16(ip + 2, (unsigned)(f.end - f.l3));
    }
    f.len = f.end + s->pad;
    memset(f.b + f.end, 0xa5, s->pad);
    fix_sums(&f);
    return f;
}

#endif
