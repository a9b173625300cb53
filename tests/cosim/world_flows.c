// SPDX-License-Identifier: Apache-2.0
/* Frames of a few flows: clients and servers of the world, so that records are made, found, ended and made again within few
 * clocks. */
#include <string.h>

#include "world.h"

static uint32_t below(struct world *w, uint32_t n)
{
    return pc_rng_below(&w->frames, n);
}

static bool chance(struct world *w, unsigned percent)
{
    return pc_rng_chance(&w->frames, percent);
}

static void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static unsigned tcp_flags(struct world *w)
{
    static const uint8_t likely[] = {0x02, 0x02, 0x02, 0x02, 0x12, 0x12, 0x10, 0x10, 0x10,
                                     0x18, 0x11, 0x11, 0x04, 0x14, 0xc2, 0x01, 0x00, 0x29};
    return chance(w, 95) ? likely[below(w, sizeof(likely))] : below(w, 256);
}

/* The frame becomes an ICMP error about a packet that it answers: the embedded packet has its addresses and ports with the
 * roles exchanged, and the error goes where it went. */
static size_t error_about(struct world *w, uint8_t *f, size_t at)
{
    static const uint8_t types4[] = {3, 3, 3, 4, 11, 12}, types6[] = {1, 2, 2, 3, 4};
    uint8_t *ip = f + at, *icmp, *inner, packet[60];
    bool v6 = ip[0] >> 4 == 6;
    size_t ip_len = v6 ? 16 : 4, first = v6 ? 8 : 12, header = v6 ? 40 : 20;
    size_t inner_header = header + (v6 || chance(w, 80) ? 0 : 4 * below(w, 11));
    size_t l4_len = chance(w, 70) ? 20 : chance(w, 90) ? 8 : below(w, 24), payload = below(w, 60);
    memcpy(packet, ip, header + 20);
    icmp = ip + header;
    inner = icmp + 8;
    pc_rng_bytes(&w->frames, icmp, 160);
    icmp[0] = v6 ? types6[below(w, sizeof(types6))] : types4[below(w, sizeof(types4))];
    memcpy(inner, packet, header);
    memcpy(inner + first, packet + first + ip_len, ip_len);
    memcpy(inner + first + ip_len, packet + first, ip_len);
    memcpy(inner + inner_header, packet + header, 20);
    memcpy(inner + inner_header, packet + header + 2, 2);
    memcpy(inner + inner_header + 2, packet + header, 2);
    if (!v6)
        inner[0] = (uint8_t)(0x40 | inner_header / 4);
    if (!v6 && chance(w, 10))
        put16(inner + 6, chance(w, 50) ? 0x2000 : below(w, 65536));
    if (chance(w, 50)) /* a router's */
        memcpy(ip + first, v6 ? w->ip6[below(w, WORLD_IPS)] : w->ip4[below(w, WORLD_IPS)], ip_len);
    if (chance(w, 3)) /* not the sender's */
        ip[first + ip_len] ^= 1;
    size_t l4 = 8 + inner_header + l4_len + (l4_len == 20 ? payload : 0);
    put16(ip + (v6 ? 4 : 2), (unsigned)(v6 ? l4 : header + l4));
    ip[v6 ? 6 : 9] = v6 ? 58 : 1;
    return at + header + l4;
}

/* A flow is a number: client, its port, IP version, protocol, and the public end or the server. */
size_t world_flow_frame(struct world *w, uint8_t *f)
{
    if (!chance(w, w->stay))
        w->flow = below(w, WORLD_CLIENTS * 3 * 2 * 8 * 12);
    unsigned n = w->flow;
    unsigned client = 2 + n % WORLD_CLIENTS;
    n /= WORLD_CLIENTS;
    uint16_t client_port = (uint16_t)(chance(w, 99) ? 1000 + n % 3 : 0);
    n /= 3;
    bool v6 = n % 2;
    n /= 2;
    uint8_t protocol = n % 8 < 5 ? 6 : n % 8 < 7 ? 17 : 132;
    if (chance(w, 3))
        protocol = 47;
    n /= 8;
    const uint8_t *client_ip = v6 ? w->ip6[client] : w->ip4[client];
    const uint8_t *other;
    uint16_t other_port;
    bool reply = chance(w, 45);
    if (reply) {
        bool hinted = chance(w, 75);
        const struct world_end *e = &w->end[hinted ? w->hint_end : below(w, WORLD_ENDS)];
        other = v6 ? e->ip6 : e->ip4;
        other_port = hinted && w->hint_port ? w->hint_port
                     : chance(w, 85)        ? e->port
                                            : w->port[1 + n % 3];
    } else {
        unsigned vip = 7 + n % 4;
        other = v6 ? w->ip6[vip] : w->ip4[vip];
        other_port = w->port[1 + n / 4 % 3];
    }
    size_t ip_len = v6 ? 16 : 4, at = 12;
    memcpy(f, w->mac[below(w, WORLD_MACS)], 6);
    memcpy(f + 6, w->mac[below(w, WORLD_MACS)], 6);
    if (chance(w, 10)) {
        put16(f + at, 0x8100);
        put16(f + at + 2, w->vlan[below(w, WORLD_VLANS)]);
        at += 4;
    }
    put16(f + at, v6 ? 0x86dd : 0x0800);
    uint8_t *ip = f + at + 2, *l4 = ip + (v6 ? 40 : 20);
    size_t payload = chance(w, 60) ? 0 : below(w, 200);
    size_t l4_len = (protocol == 6 ? 20 : protocol == 17 ? 8 : 12) + payload;
    memset(ip, 0, (size_t)(l4 - ip) + 20);
    if (v6) {
        ip[0] = 0x60;
        put16(ip + 4, (unsigned)l4_len);
        ip[6] = protocol;
        ip[7] = 64;
    } else {
        ip[0] = 0x45;
        put16(ip + 2, (unsigned)(20 + l4_len));
        ip[8] = 64;
        ip[9] = protocol;
        put16(ip + 10, below(w, 65536));
    }
    uint8_t *src = ip + (v6 ? 8 : 12), *dst = src + ip_len;
    memcpy(src, reply ? other : client_ip, ip_len);
    memcpy(dst, reply ? client_ip : other, ip_len);
    put16(l4, reply ? other_port : client_port);
    put16(l4 + 2, reply ? client_port : other_port);
    if (protocol == 6) {
        put16(l4 + 6, 1000 * below(w, 6)); /* sequence numbers: few, near and far */
        l4[4] = (uint8_t)(chance(w, 80) ? 0 : 0x80);
        put16(l4 + 8, below(w, 65536));
        put16(l4 + 10, below(w, 65536));
        l4[12] = 0x50;
        l4[13] = (uint8_t)tcp_flags(w);
        put16(l4 + 16, below(w, 65536));
    } else if (protocol == 17) {
        put16(l4 + 4, (unsigned)l4_len);
        put16(l4 + 6, below(w, 3) ? below(w, 65536) : 0);
    }
    size_t len = (size_t)(l4 - f) + l4_len;
    if (chance(w, 12))
        len = error_about(w, f, at + 2);
    return len < 60 ? 60 : len;
}
