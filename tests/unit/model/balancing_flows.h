/* SPDX-License-Identifier: Apache-2.0 */
/* Flows through the whole model, both ways, each with its right frames. */
#ifndef PC_TEST_BALANCING_FLOWS_H
#define PC_TEST_BALANCING_FLOWS_H

#include "stateful_world.h"

static const uint8_t Body[5] = {1, 2, 3, 4, 5}; /* odd, so that sums have a half word */

static inline struct frame segment(const char *src, unsigned sport, const char *dst, unsigned dport,
                                   unsigned protocol, unsigned flags)
{
    struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 0xaa},
                           .smac = {2, 0, 0, 0, 0, 0xbb},
                           .src = src,
                           .dst = dst,
                           .type = 8,
                           .ttl = 57,
                           .protocol = (uint8_t)protocol,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport,
                           .payload = Body,
                           .payload_len = sizeof(Body)};
    struct frame f = build_frame(&s);
    if (protocol == TCP)
        f.b[f.l4 + 13] = (uint8_t)flags;
    fix_sums(&f);
    return f;
}

/* The last frame is this one, bit for bit. */
static inline void expect_frame(const struct frame *want)
{
    assert_int_equal(Frame.len, want->len);
    assert_memory_equal(Frame.b, want->b, want->len);
}

/* A packet from src to dst must become one from new_src to new_dst, and nothing else of it may change. */
struct leg {
    const char *src, *dst, *new_src, *new_dst;
    unsigned sport, dport, new_sport, new_dport;
};

static inline void expect_leg(struct pc_device *d, const struct leg *l, unsigned protocol,
                              unsigned flags, unsigned ingress, unsigned reason)
{
    struct frame f = segment(l->src, l->sport, l->dst, l->dport, protocol, flags);
    struct frame want =
        segment(l->new_src, l->new_sport, l->new_dst, l->new_dport, protocol, flags);
    assert_int_equal(pass_frame(d, &f, ingress), reason);
    expect_frame(&want);
}

/* A flow of this protocol from the client to the VIP and back, which goes to this server. */
static inline void expect_flow(struct pc_device *d, const char *client, unsigned cport,
                               const char *vip, unsigned vport, const char *server, unsigned sport,
                               unsigned protocol)
{
    const struct leg in = {client, vip, client, server, cport, vport, cport, sport};
    const struct leg out = {server, client, vip, client, sport, cport, vport, cport};
    expect_leg(d, &in, protocol, SYN, 0, R(CONNECTION_NEW));
    expect_leg(d, &out, protocol, SYN_ACK, 1, R(CONNECTION_REVERSE));
    expect_leg(d, &in, protocol, ACK, 0, R(CONNECTION_FORWARD));
    expect_leg(d, &out, protocol, ACK, 1, R(CONNECTION_REVERSE));
}

/* A service with one server for all its slots. */
static inline void one_server(struct pc_device *d, unsigned row, struct portcam_service_row *s,
                              unsigned schedule, unsigned backend)
{
    s->schedule = (uint16_t)schedule;
    put_service(d, row, s);
    put_slots(d, schedule, backend, NONE, backend, NONE);
}

#endif
