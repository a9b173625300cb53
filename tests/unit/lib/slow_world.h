// SPDX-License-Identifier: Apache-2.0
/*
 * A slow path over the shop of tests/unit/model/stateful_world.h: frames go into the engine and what it sends is kept. Static
 * services beside the shop: UDP, SCTP, UDP-Lite, DCCP and TCP of 198.51.100.3 port 53 go to 10.0.3.1 port 5353, all of
 * 2001:db8::3 to 2001:db8:3::1. UDP port 53 of 198.51.100.1 is stateful service 2, to endpoints 5 and 6: 10.0.0.5 and .6.
 */
#ifndef PC_TEST_SLOW_WORLD_H
#define PC_TEST_SLOW_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/src/slow/slow_device.h"
#include "sim/rng.h"
#include "tests/unit/model/stateful_world.h"

enum { SENT_MOST = 4096, PIECES_MOST = 128 };

struct sent {
    unsigned egress;
    size_t len;
    uint8_t *bytes;
};

struct slow {
    struct pc_device *device;
    struct pc_slow_device over;
    struct pc_slow *engine;
    struct sent sent[SENT_MOST];
    unsigned n_sent;
    uint64_t now;
    unsigned given;
};

static inline void keep_sent(void *ctx, unsigned egress, const uint8_t *frame, size_t len)
{
    struct slow *s = ctx;
    assert_true(s->n_sent < SENT_MOST);
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    memcpy(bytes, frame, len);
    s->sent[s->n_sent++] = (struct sent){egress, len, bytes};
}

static inline void forget_sent(struct slow *s)
{
    while (s->n_sent)
        free(s->sent[--s->n_sent].bytes);
}

/* A static service of any port of one protocol and port, both ways. */
static inline void static_service(struct pc_device *d, unsigned number, int address, int protocol,
                                  int port, const char *public_ip, const char *server, int to)
{
    set_service(d, number, 0, address, protocol, port, PORTCAM_MODE_STATIC, number, number);
    set_backend(d, number, server, to == ANY ? 0 : (unsigned)to, NULL, 1);
    struct endpoint_spec e = {.ip = server,
                              .public_ip = public_ip,
                              .protocol = protocol,
                              .port = to,
                              .public_port = port == ANY ? 0 : (unsigned)port,
                              .address = (unsigned)address,
                              .service = number,
                              .backend = number};
    set_endpoint(d, &e);
}

static inline void put_stateful_udp(struct pc_device *d)
{
    struct portcam_service_row s = stateful_row(2, 0, UDP, 53);
    s.group = 2;
    s.schedule = 1;
    put_service(d, 1, &s);
    for (unsigned n = 5; n <= 6; n++) {
        char ip[16];
        snprintf(ip, sizeof(ip), "10.0.0.%u", n);
        put_server(d, n, ip, 5353, 1, n);
        struct endpoint_spec e = {.ip = ip,
                                  .public_ip = "198.51.100.1",
                                  .protocol = UDP,
                                  .port = 5353,
                                  .public_port = 53,
                                  .service = 2,
                                  .backend = n,
                                  .flags = PORTCAM_ENDPOINT_ROW_STATEFUL};
        set_endpoint(d, &e);
    }
    put_slots(d, 1, 5, 6, 6, 5);
    put_timeouts(d, 2, 300000);
}

static inline void fill_slow_world(struct pc_device *d)
{
    set_address(d, 3, "198.51.100.3", 32, ANY, 3, 0);
    set_address(d, 4, "2001:db8::3", 128, ANY, 4, 0);
    static_service(d, 20, 3, UDP, 53, "198.51.100.3", "10.0.3.1", 5353);
    static_service(d, 21, 3, SCTP, 53, "198.51.100.3", "10.0.3.1", 5353);
    static_service(d, 22, 3, TCP, 53, "198.51.100.3", "10.0.3.1", 5353);
    static_service(d, 23, 3, UDP_LITE, ANY, "198.51.100.3", "10.0.3.2", ANY);
    static_service(d, 24, 3, DCCP, ANY, "198.51.100.3", "10.0.3.2", ANY);
    static_service(d, 25, 4, UDP, 53, "2001:db8::3", "2001:db8:3::1", 5353);
    static_service(d, 26, 4, TCP, 53, "2001:db8::3", "2001:db8:3::1", 5353);
    static_service(d, 27, 4, SCTP, 53, "2001:db8::3", "2001:db8:3::1", 5353);
    static_service(d, 28, 4, ICMPV6, ANY, "2001:db8::3", "2001:db8:3::1", ANY);
    static_service(d, 29, 3, ICMP, ANY, "198.51.100.3", "10.0.3.1", ANY);
    put_stateful_udp(d);
    world_build(d);
}

static inline struct slow *slow_with(const struct pc_slow_limits *limits)
{
    struct slow *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->device = new_device();
    assert_non_null(s->device);
    fill_shop(s->device);
    fill_slow_world(s->device);
    s->over = (struct pc_slow_device){.device = s->device, .send = keep_sent, .ctx = s};
    assert_int_equal(pc_slow_device_init(&s->over, limits), 0);
    s->engine = s->over.slow;
    s->now = 1000;
    return s;
}

static inline int setup_slow(void **state)
{
    *state = slow_with(NULL);
    return 0;
}

static inline uint64_t outcome(const struct slow *s, unsigned reason, enum pc_slow_outcome o)
{
    return pc_slow_stats(s->engine)->packets[reason][o];
}

/* Every packet is counted once, or waits. */
static inline void check_sums(const struct slow *s)
{
    const struct pc_slow_stats *stats = pc_slow_stats(s->engine);
    uint64_t all = stats->held;
    for (unsigned r = 0; r < PORTCAM_REASON_ROWS; r++)
        for (unsigned o = 0; o < PC_SLOW_OUTCOMES; o++)
            all += stats->packets[r][o];
    assert_int_equal(all, s->given);
}

static inline int teardown_slow(void **state)
{
    struct slow *s = *state;
    check_sums(s);
    pc_slow_device_fini(&s->over);
    pc_device_free(s->device);
    forget_sent(s);
    free(s);
    return 0;
}

static inline void give_bytes(struct slow *s, unsigned reason, unsigned ingress,
                              const uint8_t *frame, size_t len)
{
    const struct pc_slow_header h = {
        .reason = (uint8_t)reason, .ingress = (uint8_t)ingress, .time_ms = (uint32_t)s->now};
    s->given++;
    pc_slow_packet(s->engine, &h, frame, len, s->now);
}

static inline void give(struct slow *s, unsigned reason, unsigned ingress, const struct frame *f)
{
    give_bytes(s, reason, ingress, f->b, f->len);
}

static inline void pass_time(struct slow *s, unsigned ms)
{
    s->now += ms;
    pc_slow_tick(s->engine, s->now);
}

/* ---- datagrams in pieces ---- */

/* UDP and the like with so many bytes behind its header. */
static inline struct frame datagram(unsigned protocol, const char *src, unsigned sport,
                                    const char *dst, unsigned dport, size_t bytes)
{
    static uint8_t payload[2048];
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 7 + i / 251);
    struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 0xaa},
                           .smac = {2, 0, 0, 0, 0, 0xbb},
                           .src = src,
                           .dst = dst,
                           .type = protocol == ICMPV6 ? 128 : 8,
                           .protocol = (uint8_t)protocol,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport,
                           .payload = payload,
                           .payload_len = bytes};
    return build_frame(&s);
}

/* Bytes [from, to) of what lies behind the IP header of a whole frame, as a fragment. */
static inline struct frame piece(const struct frame *w, size_t from, size_t to, uint32_t id)
{
    struct frame f = {.v6 = w->v6, .protocol = w->protocol, .l3 = w->l3};
    size_t size = w->end - w->l4, header = w->v6 ? 48 : w->l4 - w->l3;
    bool more = to < size;
    memcpy(f.b, w->b, w->l3 + (w->v6 ? 40 : header));
    uint8_t *ip = f.b + f.l3;
    if (w->v6) {
        put16(ip + 4, (unsigned)(8 + to - from));
        ip[6] = 44;
        ip[40] = w->protocol;
        put16(ip + 42, (unsigned)from | more);
        put16(ip + 44, id >> 16);
        put16(ip + 46, id & 0xffff);
    } else {
        put16(ip + 2, (unsigned)(header + to - from));
        put16(ip + 4, id);
        put16(ip + 6, (unsigned)(from / 8) | (more ? 0x2000 : 0));
    }
    f.l4 = f.l3 + header;
    memcpy(f.b + f.l4, w->b + w->l4 + from, to - from);
    f.end = f.len = f.l4 + (to - from);
    fix_sums(&f);
    return f;
}

/* Put what was sent together again; true if it is the frame `whole`, piece by piece, by one function, each piece once. */
static inline bool sent_is(const struct slow *s, const struct frame *whole, unsigned egress)
{
    static uint8_t got[4096], seen[4096];
    size_t size = whole->end - whole->l4, came = 0;
    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < s->n_sent; i++) {
        struct frame f = {.v6 = whole->v6, .l3 = whole->l3, .len = s->sent[i].len};
        if (s->sent[i].egress != egress || f.len > sizeof(f.b))
            return false;
        memcpy(f.b, s->sent[i].bytes, f.len);
        const uint8_t *ip = f.b + f.l3, *right = whole->b + whole->l3;
        size_t header = f.v6 ? 48 : (ip[0] & 15u) * 4u;
        size_t from = f.v6 ? get16(ip + 42) & 0xfff8 : (get16(ip + 6) & 0x1fff) * 8;
        size_t len = (f.v6 ? get16(ip + 4) + 40 : get16(ip + 2)) - header;
        if (memcmp(f.b, whole->b, 12) != 0 ||
            memcmp(ip + (f.v6 ? 8 : 12), right + (f.v6 ? 8 : 12), f.v6 ? 32 : 8) != 0 ||
            (!f.v6 && get16(ip + 10) != right_ip_sum(&f)) || from + len > size)
            return false;
        memcpy(got + from, ip + header, len);
        for (size_t b = from; b < from + len; b++)
            came += !seen[b]++;
    }
    return came == size && memcmp(got, whole->b + whole->l4, size) == 0;
}

#define FRAGMENT PORTCAM_REASON_FRAGMENT
#define CLIENT "192.0.2.9"
#define SHOP "198.51.100.1"

#endif
