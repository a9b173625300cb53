// SPDX-License-Identifier: Apache-2.0
/* Random frames of the world, and the world itself. */
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

void world_init(struct world *w, uint64_t seed, const struct pc_sizes *sizes)
{
    struct pc_rng r = pc_rng_stream(seed, "world");
    memset(w, 0, sizeof(*w));
    w->sizes = *sizes;
    w->hash_seed = (uint32_t)pc_rng_next(&r);
    w->frames = pc_rng_stream(seed, "frames");
    w->rows = pc_rng_stream(seed, "rows");
    w->busy = seed % 3 != 0;
    w->stay = seed % 2 ? 82 : 98;
    for (int i = 0; i < WORLD_IPS; i++) {
        pc_rng_bytes(&r, w->ip4[i], 4);
        pc_rng_bytes(&r, w->ip6[i], 16);
        if (i && i % 3 == 0) { /* neighbours: the same prefix, another end */
            memcpy(w->ip4[i], w->ip4[i - 1], 3);
            memcpy(w->ip6[i], w->ip6[i - 1], 15);
        }
    }
    const uint8_t loopback[4] = {127, 0, 0, 1}, multicast[4] = {224, 0, 0, 5};
    memcpy(w->ip4[0], loopback, 4);
    memcpy(w->ip4[1], multicast, 4);
    memset(w->ip6[0], 0, 15);
    w->ip6[0][15] = 1;
    w->ip6[1][0] = 0xff;
    for (int i = 0; i < WORLD_PORTS; i++)
        w->port[i] = (uint16_t)pc_rng_next(&r);
    w->port[0] = 0;
    for (int i = 0; i < WORLD_MACS; i++) {
        pc_rng_bytes(&r, w->mac[i], 6);
        w->mac[i][0] &= 0xfe;
    }
    for (int i = 0; i < WORLD_ENDS; i++) {
        pc_rng_bytes(&r, w->end[i].ip4, 4);
        w->end[i].ip4[0] = 10;
        pc_rng_bytes(&r, w->end[i].ip6, 16);
        w->end[i].ip6[0] = 0x20;
        w->end[i].port = (uint16_t)(1 + pc_rng_below(&r, 65535));
        if (i % 3 == 2) { /* two ports of one server */
            memcpy(w->end[i].ip4, w->end[i - 1].ip4, 4);
            memcpy(w->end[i].ip6, w->end[i - 1].ip6, 16);
        }
    }
    for (int i = 1; i < WORLD_VLANS; i++)
        w->vlan[i] = (uint16_t)(1 + pc_rng_below(&r, 4094));
}

static unsigned world_port(struct world *w)
{
    return chance(w, 90) ? w->port[below(w, WORLD_PORTS)] : below(w, 65536);
}

/* Lengths that meet every alignment of the end with the beats. */
static size_t payload_length(struct world *w)
{
    unsigned dice = below(w, 1000);
    if (dice < 650)
        return below(w, 100);
    if (dice < 900)
        return below(w, 600);
    if (dice < 992)
        return below(w, 1500);
    return below(w, 9600);
}

static uint16_t random_sum(struct world *w)
{
    unsigned dice = below(w, 10);
    return dice == 0 ? 0 : dice == 1 ? 0xffff : (uint16_t)below(w, 65536);
}

static size_t ethernet(struct world *w, uint8_t *f, unsigned type)
{
    memcpy(f, w->mac[below(w, WORLD_MACS)], 6);
    memcpy(f + 6, w->mac[below(w, WORLD_MACS)], 6);
    if (chance(w, 3))
        memset(f, 0xff, 6);
    unsigned dice = below(w, 100), tags = dice < 60 ? 0 : dice < 82 ? 1 : dice < 97 ? 2 : 3;
    size_t at = 12;
    for (unsigned i = 0; i < tags; i++, at += 4) {
        put16(f + at, chance(w, 60) ? 0x8100 : 0x88a8);
        put16(f + at + 2, w->vlan[below(w, WORLD_VLANS)] | below(w, 16) << 12);
    }
    put16(f + at, type);
    return at + 2;
}

/* An IP header that an ICMP error carries, and eight bytes behind it. */
static size_t embedded(struct world *w, uint8_t *p, bool v6)
{
    static const uint8_t protocols[] = {6, 6, 17, 17, 132, 132, 47, 1, 58, 33, 136, 60};
    uint8_t protocol = protocols[below(w, sizeof(protocols))];
    size_t header = v6 ? 40 : 20 + 4 * (chance(w, 20) ? below(w, 11) : 0);
    memset(p, 0, header);
    if (v6) {
        p[0] = 0x60;
        p[6] = protocol;
        memcpy(p + 8, w->ip6[below(w, WORLD_IPS)], 16);
        memcpy(p + 24, w->ip6[below(w, WORLD_IPS)], 16);
    } else {
        p[0] = (uint8_t)(0x40 | header / 4);
        if (chance(w, 5))
            put16(p + 6, below(w, 65536));
        p[9] = protocol;
        memcpy(p + 12, w->ip4[below(w, WORLD_IPS)], 4);
        memcpy(p + 16, w->ip4[below(w, WORLD_IPS)], 4);
    }
    put16(p + header, world_port(w));
    put16(p + header + 2, world_port(w));
    if (chance(w, 30))
        put16(p + header + (protocol == 17 ? 6 : 16), random_sum(w));
    return header + (chance(w, 60) ? 20 : chance(w, 80) ? 8 : below(w, 40));
}

/* ICMP goes where the packet came from that may be embedded in it. */
static void return_to_sender(struct world *w, uint8_t *ip, size_t l4, unsigned protocol, bool v6)
{
    size_t len = v6 ? 16 : 4, first = v6 ? 8 : 12;
    if (protocol == (v6 ? 58 : 1) && chance(w, 60))
        memcpy(ip + l4 + 8 + first, ip + first + len, len);
}

/* Layer 4 at p; its length. */
static size_t layer4(struct world *w, uint8_t *p, unsigned protocol, bool v6)
{
    size_t payload = payload_length(w);
    memset(p, 0, 64);
    put16(p, world_port(w));
    put16(p + 2, world_port(w));
    switch (protocol) {
    case 6: {
        unsigned words = chance(w, 60) ? 5 : 5 + below(w, 11);
        p[12] = (uint8_t)(words << 4);
        p[13] = (uint8_t)below(w, 64);
        put16(p + 16, random_sum(w));
        return words * 4 + payload;
    }
    case 17:
        if (8 + payload > 65535)
            payload = 1000;
        put16(p + 4, (unsigned)(8 + payload));
        put16(p + 6, random_sum(w));
        return 8 + payload;
    case 132:
        return 12 + payload;
    case 1:
    case 58: {
        static const uint8_t types4[] = {0, 8, 3, 3, 4, 11, 12, 5};
        static const uint8_t types6[] = {128, 129, 1, 2, 3, 4, 135, 136, 133};
        p[0] = v6 ? types6[below(w, sizeof(types6))] : types4[below(w, sizeof(types4))];
        put16(p + 2, random_sum(w));
        return 8 + (chance(w, 80) ? embedded(w, p + 8, v6) : payload);
    }
    default:
        return payload;
    }
}

static unsigned any_protocol(struct world *w, bool v6)
{
    static const uint8_t mix[] = {6, 6, 6, 6, 6, 17, 17, 17, 17, 132, 1, 58, 47, 33, 136, 50, 59};
    unsigned p = mix[below(w, sizeof(mix))];
    if ((p == 1 || p == 58) && chance(w, 90))
        return v6 ? 58 : 1;
    return p;
}

static size_t ipv4(struct world *w, uint8_t *ip)
{
    size_t header = 20 + 4 * (chance(w, 80) ? 0 : below(w, 11));
    unsigned protocol = any_protocol(w, false);
    memset(ip, 1, header); /* options: no operation */
    if (header > 20 && chance(w, 20))
        ip[20 + below(w, (uint32_t)header - 20)] = chance(w, 50) ? 0x83 : 0x89;
    size_t l4 = layer4(w, ip + header, protocol, false);
    ip[0] = (uint8_t)(0x40 | header / 4);
    ip[1] = (uint8_t)below(w, 256);
    put16(ip + 2, (unsigned)(header + l4));
    put16(ip + 6, chance(w, 4) ? below(w, 65536) : below(w, 2) << 14);
    ip[8] = (uint8_t)(1 + below(w, 255));
    ip[9] = (uint8_t)protocol;
    put16(ip + 10, random_sum(w));
    memcpy(ip + 12, w->ip4[below(w, WORLD_IPS)], 4);
    memcpy(ip + 16, w->ip4[below(w, WORLD_IPS)], 4);
    return_to_sender(w, ip, header, protocol, false);
    if (below(w, 200) == 0)
        ip[0] = (uint8_t)(0x40 | below(w, 5));
    return header + l4;
}

static size_t ipv6(struct world *w, uint8_t *ip)
{
    static const uint8_t kinds[] = {0, 43, 44, 51, 60, 135};
    unsigned dice = below(w, 100);
    unsigned headers = dice < 60 ? 0 : dice < 90 ? 1 + below(w, 3) : 3 + below(w, 8);
    memset(ip, 0, 40);
    uint8_t *next = ip + 6;
    size_t at = 40;
    for (unsigned i = 0; i < headers; i++) {
        uint8_t kind = kinds[below(w, sizeof(kinds))];
        unsigned len = chance(w, 75) ? 0 : below(w, 4);
        size_t bytes = kind == 44 ? 8 : kind == 51 ? 4 * (len + 2) : 8 * (len + 1);
        memset(ip + at, 0, bytes);
        ip[at + 1] = (uint8_t)(kind == 44 ? 0 : len);
        if (kind == 44)
            put16(ip + at + 2, chance(w, 25) ? below(w, 65536) : 6 * below(w, 2));
        if (kind == 43)
            ip[at + 3] = chance(w, 15) ? 1 : 0;
        *next = kind;
        next = ip + at;
        at += bytes;
    }
    unsigned protocol = any_protocol(w, true);
    *next = (uint8_t)protocol;
    size_t l4 = layer4(w, ip + at, protocol, true);
    ip[0] = 0x60;
    put16(ip + 4, (unsigned)(at - 40 + l4));
    ip[7] = 64;
    memcpy(ip + 8, w->ip6[below(w, WORLD_IPS)], 16);
    memcpy(ip + 24, w->ip6[below(w, WORLD_IPS)], 16);
    return_to_sender(w, ip, at, protocol, true);
    return at + l4;
}

/* Noise on a frame: flipped bytes in its headers, cut, padded, or too long. */
static size_t disturb(struct world *w, uint8_t *f, size_t len)
{
    unsigned dice = below(w, 100);
    if (dice < 8)
        for (unsigned i = 1 + below(w, 3); i; i--)
            f[below(w, len < 80 ? (uint32_t)len : 80)] = (uint8_t)below(w, 256);
    else if (dice < 14)
        len = 1 + below(w, len < 128 ? (uint32_t)len : 128);
    else if (dice < 30)
        len += below(w, 50);
    else if (below(w, 400) == 0)
        len = 9580 + below(w, 100);
    return len > WORLD_FRAME ? WORLD_FRAME : len;
}

size_t world_frame(struct world *w, uint8_t frame[WORLD_FRAME])
{
    unsigned dice = below(w, 100);
    uint8_t big[WORLD_FRAME + 2048];
    size_t len;
    pc_rng_bytes(&w->frames, big, 512);
    if (chance(w, w->busy ? 93 : 40)) {
        len = world_flow_frame(w, big);
    } else if (dice < 52) {
        len = ethernet(w, big, 0x0800);
        len += ipv4(w, big + len);
    } else if (dice < 94) {
        len = ethernet(w, big, 0x86dd);
        len += ipv6(w, big + len);
    } else if (dice < 98) {
        len = ethernet(w, big, below(w, 2) ? 0x0806 : 0x0600 + below(w, 60000)) + below(w, 60);
    } else {
        len = 1 + below(w, 200);
        pc_rng_bytes(&w->frames, big, len);
    }
    if (len > 9600)
        len = 9600;
    len = disturb(w, big, len);
    memcpy(frame, big, len);
    return len;
}
