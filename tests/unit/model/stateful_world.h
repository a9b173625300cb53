/* SPDX-License-Identifier: Apache-2.0 */
/* A shop with stateful services, for tests of records in the path of a packet. Service 1 is TCP port 80 of address 0
 * (198.51.100.1) with group 1; backends 1 to 4 are 10.0.0.1 to 10.0.0.4 port 8080, endpoints of the same numbers, weight 1,
 * behind function 1; slot 0 of its two slots names backends 1 and 2, slot 1 backends 2 and 1. */
#ifndef PC_TEST_STATEFUL_WORLD_H
#define PC_TEST_STATEFUL_WORLD_H

#include <stdio.h>

#include "world.h"

enum {
    FIN = 1,
    SYN = 2,
    RST = 4,
    ACK = 16,
    SYN_ACK = SYN | ACK,
    FIN_ACK = FIN | ACK,
    NONE = PORTCAM_BACKEND_NONE
};

#define R(name) PORTCAM_REASON_##name

/* What was decided last, and the answer that came of it. */
static struct pc_decision Last;
static struct pc_answer Answer;
static struct frame Frame; /* as it left */
static uint32_t Now;

static inline struct portcam_service_row stateful_row(unsigned number, unsigned address,
                                                      unsigned protocol, unsigned port)
{
    return (struct portcam_service_row){.address = (uint16_t)address,
                                        .port = (uint16_t)port,
                                        .protocol = (uint8_t)protocol,
                                        .flags = PORTCAM_SERVICE_ROW_EXACT_PORT |
                                                 PORTCAM_SERVICE_ROW_EXACT_PROTOCOL,
                                        .mode = PORTCAM_MODE_STATEFUL,
                                        .service = (uint16_t)number,
                                        .group = 1,
                                        .slots_log2 = 1};
}

static inline void put_row(struct pc_device *d, unsigned table, unsigned row, const void *data)
{
    struct pc_tables *t = pc_device_tables_rw(d);
    assert_int_equal(pc_tables_check(t, table, row, data), PORTCAM_STATUS_OK);
    pc_tables_set(t, table, row, data);
    pc_tables_build(t);
}

static inline void put_service(struct pc_device *d, unsigned row,
                               const struct portcam_service_row *s)
{
    put_row(d, PORTCAM_TABLE_SERVICE, row, s);
}

static inline void put_server(struct pc_device *d, unsigned number, const char *ip, unsigned port,
                              unsigned weight, unsigned endpoint)
{
    struct portcam_backend_row b = {.family = family_of(ip),
                                    .port = (uint16_t)port,
                                    .egress = 1,
                                    .weight = (uint16_t)weight,
                                    .endpoint = (uint16_t)endpoint};
    ip_bytes(ip, b.ip);
    put_row(d, PORTCAM_TABLE_BACKEND, number, &b);
}

/* Backend 1 to 4 with another weight. */
static inline void put_weight(struct pc_device *d, unsigned number, unsigned weight)
{
    char ip[16];
    snprintf(ip, sizeof(ip), "10.0.0.%u", number);
    put_server(d, number, ip, 8080, weight, number);
}

/* Two slots of a schedule row. */
static inline void put_slots(struct pc_device *d, unsigned row, unsigned a, unsigned b, unsigned c,
                             unsigned e)
{
    const uint16_t slots[4] = {(uint16_t)a, (uint16_t)b, (uint16_t)c, (uint16_t)e};
    struct portcam_schedule_row s;
    memset(&s, 0, sizeof(s));
    memset(s.slot, 0xff, sizeof(s.slot));
    memcpy(s.slot, slots, sizeof(slots));
    put_row(d, PORTCAM_TABLE_SCHEDULE, row, &s);
}

static inline void put_public(struct pc_device *d, unsigned address, const char *ip)
{
    struct portcam_public_row p = {.family = family_of(ip)};
    ip_bytes(ip, p.ip);
    put_row(d, PORTCAM_TABLE_PUBLIC, address, &p);
}

static inline void put_limits(struct pc_device *d, unsigned embryonic, unsigned rate,
                              unsigned burst)
{
    struct portcam_limits_row l = {
        .embryonic = embryonic, .reject_rate = (uint16_t)rate, .reject_burst = (uint16_t)burst};
    put_row(d, PORTCAM_TABLE_LIMITS, 0, &l);
}

static inline void put_domain(struct pc_device *d, unsigned state, unsigned policy)
{
    set_domain(d, 0, state, policy);
    world_build(d);
}

/* Timeouts of all states of a service, ms. */
static inline void put_timeouts(struct pc_device *d, unsigned service, uint32_t ms)
{
    struct portcam_timeout_row t = {.syn = ms,
                                    .syn_ack = ms,
                                    .established = ms,
                                    .fin_one = ms,
                                    .fin_both = ms,
                                    .reset = ms,
                                    .unreplied = ms,
                                    .replied = ms};
    put_row(d, PORTCAM_TABLE_TIMEOUT, service, &t);
}

static inline void put_endpoint(struct pc_device *d, const char *ip, int protocol, int port,
                                unsigned endpoint, unsigned flags)
{
    struct endpoint_spec e = {.ip = ip,
                              .public_ip = strchr(ip, ':') ? "2001:db8::1" : "198.51.100.1",
                              .protocol = protocol,
                              .port = port,
                              .public_port = 80,
                              .service = 1,
                              .backend = endpoint,
                              .flags = PORTCAM_ENDPOINT_ROW_STATEFUL | flags};
    set_endpoint(d, &e);
    world_build(d);
}

static inline void fill_shop(struct pc_device *d)
{
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    set_function(d, 1, MacOne, ANY, true);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_address(d, 1, "198.51.100.2", 32, ANY, 1, 0);
    set_address(d, 2, "2001:db8::1", 128, ANY, 2, 0);
    put_domain(d, PORTCAM_DOMAIN_STATE_RUNNING, PORTCAM_POLICY_PASS);
    put_service(d, 0, &s);
    for (unsigned n = 1; n <= 4; n++) {
        char ip[16];
        snprintf(ip, sizeof(ip), "10.0.0.%u", n);
        put_weight(d, n, 1);
        put_endpoint(d, ip, TCP, 8080, n, 0);
    }
    put_slots(d, 0, 1, 2, 2, 1);
    put_public(d, 0, "198.51.100.1");
    put_public(d, 1, "198.51.100.2");
    put_public(d, 2, "2001:db8::1");
    Now = 1000;
}

static inline int setup_shop(void **state)
{
    struct pc_device *d = new_device();
    if (!d)
        return -1;
    fill_shop(d);
    *state = d;
    return 0;
}

/* The smallest build: 16 rows and a stash of 2 for each family. */
static inline int setup_small_shop(void **state)
{
    struct pc_sizes sizes = pc_sizes_default();
    sizes.connection_rows = sizes.connection_rows_v6 = 16;
    sizes.connection_stash = 2;
    struct pc_device *d = pc_device_new(&sizes);
    if (!d)
        return -1;
    fill_shop(d);
    *state = d;
    return 0;
}

static inline int teardown_shop(void **state)
{
    pc_device_free(*state);
    return 0;
}

static inline unsigned pass_frame(struct pc_device *d, struct frame *f, unsigned ingress)
{
    pc_device_packet(d, f->b, f->len, ingress, Now, NULL, &Last, &Answer);
    Frame = *f;
    return Last.reason;
}

static inline struct frame tcp_frame(const char *src, unsigned sport, const char *dst,
                                     unsigned dport, unsigned flags, uint32_t seq)
{
    struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 0xaa},
                           .smac = {2, 0, 0, 0, 0, 0xbb},
                           .src = src,
                           .dst = dst,
                           .protocol = TCP,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport};
    struct frame f = build_frame(&s);
    put16(f.b + f.l4 + 4, seq >> 16);
    put16(f.b + f.l4 + 6, seq & 0xffff);
    f.b[f.l4 + 13] = (uint8_t)flags;
    fix_sums(&f);
    return f;
}

static inline struct frame other_frame(unsigned protocol, const char *src, unsigned sport,
                                       const char *dst, unsigned dport)
{
    struct frame_spec s = {.dmac = {2, 0, 0, 0, 0, 0xaa},
                           .smac = {2, 0, 0, 0, 0, 0xbb},
                           .src = src,
                           .dst = dst,
                           .type = 8,
                           .protocol = (uint8_t)protocol,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport};
    return build_frame(&s);
}

/* A segment of client 192.0.2.`client` port 40000 to service 1; the reason. */
static inline unsigned client_sends(struct pc_device *d, unsigned client, unsigned flags,
                                    uint32_t seq)
{
    char ip[16];
    snprintf(ip, sizeof(ip), "192.0.2.%u", client);
    struct frame f = tcp_frame(ip, 40000, "198.51.100.1", 80, flags, seq);
    return pass_frame(d, &f, 0);
}

/* A segment of server 10.0.0.`server` to that client. */
static inline unsigned server_sends(struct pc_device *d, unsigned server, unsigned client,
                                    unsigned flags)
{
    char ip[16], from[16];
    snprintf(from, sizeof(from), "10.0.0.%u", server);
    snprintf(ip, sizeof(ip), "192.0.2.%u", client);
    struct frame f = tcp_frame(from, 8080, ip, 40000, flags, 5000);
    return pass_frame(d, &f, 1);
}

/* SYN, SYN-ACK, ACK; the backend. */
static inline unsigned establish(struct pc_device *d, unsigned client)
{
    assert_int_equal(client_sends(d, client, SYN, 1000), R(CONNECTION_NEW));
    unsigned server = (unsigned)Last.backend;
    assert_int_equal(server_sends(d, server, client, SYN_ACK), R(CONNECTION_REVERSE));
    assert_int_equal(client_sends(d, client, ACK, 1001), R(CONNECTION_FORWARD));
    return server;
}

static inline const struct pc_connection *record_of(struct pc_device *d, int slot)
{
    const struct pc_connection *r = pc_connections_get(pc_device_connections(d), (unsigned)slot);
    assert_non_null(r);
    return r;
}

static inline unsigned records(struct pc_device *d)
{
    return pc_connections_used(pc_device_connections(d));
}

static inline uint64_t packets(struct pc_device *d, unsigned table, unsigned row)
{
    return pc_device_counter(d, table, row).packets;
}

#define COUNTERS(name) PORTCAM_COUNTER_TABLE_##name

/* Is the last frame the one that was sent but for these ends, with right checksums? */
static inline void expect_ends(const char *src, unsigned sport, const char *dst, unsigned dport)
{
    uint8_t from[16], to[16];
    size_t len = Frame.v6 ? 16 : 4;
    ip_bytes(src, from);
    ip_bytes(dst, to);
    assert_memory_equal(Frame.b + Frame.l3 + (Frame.v6 ? 8 : 12), from, len);
    assert_memory_equal(Frame.b + Frame.l3 + (Frame.v6 ? 24 : 16), to, len);
    assert_int_equal(get16(Frame.b + Frame.l4), sport);
    assert_int_equal(get16(Frame.b + Frame.l4 + 2), dport);
    assert_true(sums_are_right(&Frame));
}

static inline void closed(struct pc_device *d, unsigned client)
{
    unsigned server = establish(d, client);
    server_sends(d, server, client, FIN_ACK);
    client_sends(d, client, FIN_ACK, 1001); /* client next becomes 1002 */
    assert_int_equal(record_of(d, Last.record)->state, PC_STATE_CLOSING_BOTH);
}

#endif
