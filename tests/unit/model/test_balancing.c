// SPDX-License-Identifier: Apache-2.0
/* What the sources of load balancing describe, by packets through the whole model: several servers behind one address and
 * port (S1), several addresses on several ports of one server (S4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stateful_world.h"

static const uint8_t Body[5] = {1, 2, 3, 4, 5}; /* odd, so that sums have a half word */

static struct frame segment(const char *src, unsigned sport, const char *dst, unsigned dport,
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
static void expect_frame(const struct frame *want)
{
    assert_int_equal(Frame.len, want->len);
    assert_memory_equal(Frame.b, want->b, want->len);
}

/* A packet from src to dst must become one from new_src to new_dst, and nothing else of it may change. */
struct leg {
    const char *src, *dst, *new_src, *new_dst;
    unsigned sport, dport, new_sport, new_dport;
};

static void expect_leg(struct pc_device *d, const struct leg *l, unsigned protocol, unsigned flags,
                       unsigned ingress, unsigned reason)
{
    struct frame f = segment(l->src, l->sport, l->dst, l->dport, protocol, flags);
    struct frame want =
        segment(l->new_src, l->new_sport, l->new_dst, l->new_dport, protocol, flags);
    assert_int_equal(pass_frame(d, &f, ingress), reason);
    expect_frame(&want);
}

/* A flow of this protocol from the client to the VIP and back, which goes to this server. */
static void expect_flow(struct pc_device *d, const char *client, unsigned cport, const char *vip,
                        unsigned vport, const char *server, unsigned sport, unsigned protocol)
{
    const struct leg in = {client, vip, client, server, cport, vport, cport, sport};
    const struct leg out = {server, client, vip, client, sport, cport, vport, cport};
    expect_leg(d, &in, protocol, SYN, 0, R(CONNECTION_NEW));
    expect_leg(d, &out, protocol, SYN_ACK, 1, R(CONNECTION_REVERSE));
    expect_leg(d, &in, protocol, ACK, 0, R(CONNECTION_FORWARD));
    expect_leg(d, &out, protocol, ACK, 1, R(CONNECTION_REVERSE));
}

static void four_slots(struct pc_device *d, unsigned row, const uint16_t backend[4])
{
    struct portcam_schedule_row s;
    memset(&s, 0, sizeof(s));
    memset(s.slot, 0xff, sizeof(s.slot));
    for (unsigned i = 0; i < 4; i++) {
        s.slot[4 * i] = (uint8_t)backend[i];
        s.slot[4 * i + 1] = (uint8_t)(backend[i] >> 8);
    }
    put_row(d, PORTCAM_TABLE_SCHEDULE, row, &s);
}

/* A service with one server for all its slots. */
static void one_server(struct pc_device *d, unsigned row, struct portcam_service_row *s,
                       unsigned schedule, unsigned backend)
{
    s->schedule = (uint16_t)schedule;
    put_service(d, row, s);
    put_slots(d, schedule, backend, NONE, backend, NONE);
}

/* ---- S1 ---- */

static void one_address(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    const uint16_t order[4] = {1, 2, 3, 4};
    s.slots_log2 = 2;
    put_service(d, 0, &s);
    four_slots(d, 0, order);
    for (unsigned n = 0; n < 40; n++) {
        char client[20], server[20];
        snprintf(client, sizeof(client), "192.0.2.%u", n);
        snprintf(server, sizeof(server), "10.0.0.%u", 1 + n % 4);
        expect_flow(d, client, 40000, "198.51.100.1", 80, server, 8080, TCP);
        if (n % 4 == 0) { /* server 1 loses its connections, and gets no more for that */
            client_sends(d, n, RST, 1001);
            server_sends(d, 1, n, RST);
        }
    }
    assert_int_equal(pc_device_backend_state(d, 1).active, 0);
    for (unsigned server = 1; server <= 4; server++)
        assert_int_equal(pc_device_backend_state(d, server).new_connections, 10);
}

static void not_of_a_cluster(void **state)
{
    struct pc_device *d = *state;
    static const struct {
        const char *src, *dst;
        unsigned sport, dport, ingress, reason;
    } cases[] = {
        {"192.0.2.7", "198.51.100.1", 40000, 81, 0, R(UNKNOWN_PASS)}, /* the address, no port */
        {"192.0.2.7", "198.51.100.2", 40000, 80, 0, R(UNKNOWN_PASS)}, /* the port, no service */
        {"192.0.2.7", "203.0.113.1", 40000, 80, 0, R(NO_MATCH)},      /* no address */
        {"192.0.2.7", "10.0.0.1", 40000, 8080, 0, R(NO_MATCH)},       /* the server itself */
        {"10.0.0.1", "192.0.2.7", 8081, 40000, 1, R(NO_MATCH)},       /* no port of a service */
        {"10.0.0.9", "192.0.2.7", 8080, 40000, 1, R(NO_MATCH)},       /* no server */
        {"10.0.0.1", "192.0.2.8", 8080, 40000, 1, R(REPLY_PASS)},     /* no connection */
        {"10.0.0.1", "192.0.2.7", 8080, 40001, 1, R(REPLY_PASS)},
        {"10.0.0.2", "192.0.2.7", 8080, 40000, 1, R(REPLY_PASS)},
    };
    assert_int_equal(establish(d, 7), 1);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame f =
            segment(cases[i].src, cases[i].sport, cases[i].dst, cases[i].dport, TCP, SYN);
        struct frame before = f;
        assert_int_equal(pass_frame(d, &f, cases[i].ingress), cases[i].reason);
        assert_false(Last.drop);
        expect_frame(&before);
    }
    assert_int_equal(records(d), 1);
}

static void protocol_of_a_port(void **state)
{
    struct pc_device *d = *state;
    enum { ALL = 0, SOME = 47 };
    static const unsigned attributes[] = {TCP, UDP, SCTP, SOME, ALL};
    static const unsigned protocols[] = {TCP, UDP, SCTP, SOME, ICMP};
    put_server(d, 30, "10.0.3.1", 0, 1, 30);
    for (unsigned a = 0; a < 5; a++) {
        bool ported = attributes[a] == TCP || attributes[a] == UDP || attributes[a] == SCTP;
        struct portcam_service_row s = stateful_row(3, 1, attributes[a], ported ? 99 : 0);
        s.flags = (uint8_t)(PORTCAM_SERVICE_ROW_KEEPS_PORT |
                            (ported ? PORTCAM_SERVICE_ROW_EXACT_PORT : 0) |
                            (attributes[a] == ALL ? 0 : PORTCAM_SERVICE_ROW_EXACT_PROTOCOL));
        one_server(d, 1, &s, 6, 30);
        for (unsigned p = 0; p < 5; p++) {
            bool match = attributes[a] == ALL || attributes[a] == protocols[p];
            struct frame f = segment("192.0.2.9", 500 + a, "198.51.100.2", 99, protocols[p], SYN);
            struct frame before = f;
            unsigned reason = pass_frame(d, &f, 0);
            if (match) {
                struct frame want =
                    segment("192.0.2.9", 500 + a, "10.0.3.1", 99, protocols[p], SYN);
                assert_true(reason == R(CONNECTION_NEW) ||
                            (reason == R(CONNECTION_FORWARD) && protocols[p] >= SOME));
                expect_frame(&want);
            } else {
                assert_int_equal(reason, R(UNKNOWN_PASS));
                expect_frame(&before);
            }
        }
    }
}

/* Only all four values make a connection. */
static void four_values(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, PORTCAM_ADDRESS_ANY, TCP, 80);
    put_service(d, 0, &s);
    s = stateful_row(2, 0, TCP, 443);
    put_service(d, 1, &s);
    static const struct {
        const char *client, *vip;
        unsigned cport, vport;
    } flows[] = {
        {"192.0.2.7", "198.51.100.1", 40000, 80}, {"192.0.2.8", "198.51.100.1", 40000, 80},
        {"192.0.2.7", "198.51.100.1", 40001, 80}, {"192.0.2.7", "198.51.100.2", 40000, 80},
        {"192.0.2.9", "198.51.100.1", 40000, 80}, {"192.0.2.9", "198.51.100.1", 40000, 443},
    };
    int slot[6];
    for (unsigned i = 0; i < 6; i++) {
        struct frame f =
            segment(flows[i].client, flows[i].cport, flows[i].vip, flows[i].vport, TCP, SYN);
        assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
        slot[i] = Last.record;
    }
    assert_int_equal(records(d), 6);
    for (unsigned i = 0; i < 6; i++) {
        struct frame f =
            segment(flows[i].client, flows[i].cport, flows[i].vip, flows[i].vport, TCP, ACK);
        assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_FORWARD));
        assert_int_equal(Last.record, slot[i]);
    }
}

static void clusters(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(2, 1, TCP, 80);
    s.group = 2;
    s.schedule = 3;
    put_service(d, 1, &s);
    put_slots(d, 3, 3, 4, 4, 3);
    for (unsigned n = 3; n <= 4; n++) {
        char ip[16];
        snprintf(ip, sizeof(ip), "10.0.1.%u", n);
        put_server(d, n, ip, 8080, 1, n);
        struct endpoint_spec e = {.ip = ip,
                                  .public_ip = "198.51.100.2",
                                  .protocol = TCP,
                                  .port = 8080,
                                  .public_port = 80,
                                  .address = 1,
                                  .service = 2,
                                  .backend = n,
                                  .flags = PORTCAM_ENDPOINT_ROW_STATEFUL};
        set_endpoint(d, &e);
    }
    world_build(d);
    for (unsigned n = 0; n < 12; n++) { /* in turn in each cluster, by a counter of its own */
        char client[20];
        snprintf(client, sizeof(client), "192.0.2.%u", n);
        bool odd = n % 2;
        expect_flow(d, client, 40000, "198.51.100.1", 80, odd ? "10.0.0.2" : "10.0.0.1", 8080, TCP);
        expect_flow(d, client, 40000, "198.51.100.2", 80, odd ? "10.0.1.4" : "10.0.1.3", 8080, TCP);
    }
}

/* Behind another balancer, whose MAC the frames have, and servers on other machines: they are reached by the network, and
 * replies that come from there go to the function of their MAC, as other packets from the network do. */
static void tiered(void **state)
{
    struct pc_device *d = *state;
    struct portcam_backend_row b = {.family = PORTCAM_FAMILY_4,
                                    .port = 8080,
                                    .egress = 0,
                                    .weight = 1,
                                    .endpoint = 1,
                                    .flags = PORTCAM_BACKEND_ROW_HAS_MAC};
    ip_bytes("10.0.0.1", b.ip);
    memcpy(b.mac, MacServer, 6);
    put_row(d, PORTCAM_TABLE_BACKEND, 1, &b);
    put_slots(d, 0, 1, NONE, 1, NONE);
    set_device(d, MacDevice);
    put_endpoint(d, "10.0.0.1", TCP, 8080, 1, PORTCAM_ENDPOINT_ROW_HAS_MAC);
    struct frame f = segment("192.0.2.7", 40000, "198.51.100.1", 80, TCP, SYN);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(Last.egress, 0);
    assert_memory_equal(Frame.b, MacServer, 6);
    assert_memory_equal(Frame.b + 6, MacDevice, 6);
    f = segment("10.0.0.1", 8080, "192.0.2.7", 40000, TCP, SYN_ACK);
    memcpy(f.b, MacClient, 6);
    struct frame want = segment("198.51.100.1", 80, "192.0.2.7", 40000, TCP, SYN_ACK);
    memcpy(want.b, MacClient, 6);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_REVERSE));
    assert_int_equal(Last.egress, 1); /* of MacClient nobody knows: the default function */
    assert_memory_equal(Frame.b + 12, want.b + 12, want.len - 12);
    set_function(d, 2, MacClient, ANY, false);
    world_build(d);
    f = segment("10.0.0.1", 8080, "192.0.2.7", 40000, TCP, SYN_ACK);
    memcpy(f.b, MacClient, 6);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_REVERSE));
    assert_int_equal(Last.egress, 2);
}

static void termination(void **state)
{
    struct pc_device *d = *state;
    unsigned slots = pc_connections_capacity(pc_device_connections(d));
    struct portcam_timeout_row t = {.syn = 60000,
                                    .syn_ack = 60000,
                                    .established = 900000,
                                    .fin_one = 120000,
                                    .fin_both = 120000,
                                    .reset = 10000,
                                    .unreplied = 300000,
                                    .replied = 300000};
    put_row(d, PORTCAM_TABLE_TIMEOUT, 1, &t);
    put_limits(d, 0, 1000, 100);
    unsigned closed = establish(d, 1);
    client_sends(d, 1, FIN_ACK, 1001);
    server_sends(d, closed, 1, FIN_ACK);
    assert_int_equal(record_of(d, Last.record)->state, PC_STATE_CLOSING_BOTH);
    establish(d, 2);                                                 /* never closed */
    assert_int_equal(client_sends(d, 3, SYN, 1), R(CONNECTION_NEW)); /* never answered */
    static const struct {
        uint32_t after;
        unsigned ended;
    } steps[] = {{59999, 0}, {60000, 1}, {119999, 0}, {120000, 1}, {899999, 0}, {900000, 1}};
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(pc_device_age(d, 1000 + steps[i].after, slots), steps[i].ended);
    assert_int_equal(records(d), 0);
    for (unsigned server = 1; server <= 2; server++)
        assert_int_equal(pc_device_backend_state(d, server).records, 0);
    /* What still comes of a connection that ended is refused, and the client told. */
    assert_int_equal(client_sends(d, 2, ACK, 1001), R(NO_RECORD_REJECT));
    assert_true(Answer.len > 0);
    assert_int_equal(server_sends(d, closed, 1, ACK), R(REPLY_PASS));
}

static void fragments(void **state)
{
    struct pc_device *d = *state;
    static const uint16_t words[] = {0x2000, 0x2001, 1}; /* first, between, last */
    for (unsigned i = 0; i < 3; i++) {
        struct frame f = segment("192.0.2.7", 40000, "198.51.100.1", 80, TCP, SYN);
        put16(f.b + f.l3 + 6, words[i]);
        fix_sums(&f);
        struct frame before = f;
        assert_int_equal(pass_frame(d, &f, 0), R(FRAGMENT));
        expect_frame(&before);
    }
    assert_int_equal(records(d), 0);
}

/* ---- port reuse by packets that may not create a record ---- */

/* An address row may be a prefix, and a record knows its number only: a SYN to 0.0.0.0 finds the record of another address. It
 * makes no record, but takes the place of one that is over, like any SYN, and never has two records at one endpoint. */
static void reuse_without_creation(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(2, 0, TCP, 81);
    set_address(d, 3, "0.0.0.0", 0, ANY, 0, 0);
    put_service(d, 1, &s);
    struct frame f = segment("192.0.2.7", 40000, "0.0.0.0", 80, TCP, SYN);
    assert_int_equal(pass_frame(d, &f, 0), R(REJECT_LIMITED));
    assert_int_equal(Last.refusal, R(NO_RECORD_REJECT));
    assert_int_equal(client_sends(d, 7, SYN, 1000), R(CONNECTION_NEW));
    assert_int_equal(Last.backend, 1);
    int slot = Last.record;
    assert_int_equal(server_sends(d, 1, 7, RST), R(CONNECTION_REVERSE));
    f = segment("192.0.2.7", 40000, "198.51.100.1", 81, TCP, SYN);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(Last.backend, 2);
    put_slots(d, 0, 2, 1, 2, 1);
    f = tcp_frame("192.0.2.7", 40000, "0.0.0.0", 80, SYN, 1000);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(Last.record, slot);
    assert_int_equal(Last.backend, 1); /* not the first choice, which the other record has */
    assert_int_equal(records(d), 2);
}

/* ---- S4 ---- */

/* Packets of every kind before and after the record is there. */
static void syn_and_others(void **state)
{
    struct pc_device *d = *state;
    static const unsigned others[] = {ACK, SYN_ACK, FIN_ACK, FIN, 8, ACK | 8, RST, 0, 0x29};
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    put_limits(d, 0, 65535, 65535);
    for (unsigned policy = 0; policy < 3; policy++) {
        s.no_record = (uint8_t)policy;
        put_service(d, 0, &s);
        for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
            struct frame f = segment("192.0.2.7", 40000, "198.51.100.1", 80, TCP, others[i]);
            struct frame before = f;
            unsigned reason = pass_frame(d, &f, 0);
            if (policy == PORTCAM_NO_RECORD_REJECT) {
                bool reset = others[i] & RST; /* a reset is never answered */
                assert_int_equal(reason, reset ? R(REJECT_SILENT) : R(NO_RECORD_REJECT));
                assert_int_equal(Answer.len > 0, !reset);
            } else if (policy == PORTCAM_NO_RECORD_DROP) {
                assert_int_equal(reason, R(NO_RECORD_DROP));
                assert_true(Last.drop);
            } else {
                assert_int_equal(reason, R(NO_RECORD_PASS)); /* bridged */
                expect_frame(&before);
            }
        }
        assert_int_equal(records(d), 0);
    }
    assert_int_equal(client_sends(d, 7, SYN, 1), R(CONNECTION_NEW));
    unsigned server = (unsigned)Last.backend;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(client_sends(d, 7, others[i], 2), R(CONNECTION_FORWARD));
        assert_int_equal(Last.backend, server);
    }
    for (unsigned i = 0; i < 5; i++) { /* again the SYN: the same server, counted */
        assert_int_equal(client_sends(d, 7, SYN, 1), R(CONNECTION_FORWARD));
        assert_int_equal(Last.backend, server);
        assert_int_equal(record_of(d, Last.record)->syn_repeats, i + 1);
        assert_int_equal(pc_device_backend_state(d, server).syn_repeats, i + 1);
    }
    assert_int_equal(records(d), 1);
}

/* Two ports of one address on one port of a server: records tell the replies apart, but not for one client port. */
static void ports_to_one_port(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(2, 0, TCP, 81);
    put_slots(d, 0, 1, NONE, 1, NONE);
    put_service(d, 1, &s);
    put_limits(d, 0, 1000, 100);
    expect_flow(d, "192.0.2.7", 40000, "198.51.100.1", 80, "10.0.0.1", 8080, TCP);
    expect_flow(d, "192.0.2.7", 40001, "198.51.100.1", 81, "10.0.0.1", 8080, TCP);
    expect_flow(d, "192.0.2.8", 40000, "198.51.100.1", 81, "10.0.0.1", 8080, TCP);
    struct frame f = segment("192.0.2.7", 40000, "198.51.100.1", 81, TCP, SYN);
    assert_int_equal(pass_frame(d, &f, 0), R(AMBIGUOUS_REJECT));
    assert_true(Answer.len > 0);
    assert_int_equal(records(d), 3);
}

/* Several sites on one machine and one site on several, changed under the clients. */
static void mixed(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(2, 1, TCP, 80);
    one_server(d, 1, &s, 3, 20);
    put_server(d, 20, "10.0.0.1", 8001, 1, 20);
    put_endpoint(d, "10.0.0.1", TCP, 8001, 20, 0);
    expect_flow(d, "192.0.2.1", 40000, "198.51.100.2", 80, "10.0.0.1", 8001, TCP);
    expect_flow(d, "192.0.2.1", 40000, "198.51.100.1", 80, "10.0.0.1", 8080, TCP);
    expect_flow(d, "192.0.2.2", 40000, "198.51.100.1", 80, "10.0.0.2", 8080, TCP);
    put_slots(d, 3, 3, NONE, 3, NONE); /* the second site moves */
    expect_flow(d, "192.0.2.3", 40000, "198.51.100.2", 80, "10.0.0.3", 8080, TCP);
    const struct leg in = {"192.0.2.1", "198.51.100.2", "192.0.2.1", "10.0.0.1", 40000,
                           80,          40000,          8001};
    const struct leg out = {"10.0.0.1", "192.0.2.1", "198.51.100.2", "192.0.2.1", 8001,
                            40000,      80,          40000};
    expect_leg(d, &in, TCP, ACK, 0, R(CONNECTION_FORWARD)); /* who was there before stays */
    expect_leg(d, &out, TCP, ACK, 1, R(CONNECTION_REVERSE));
}

/* The destination IP alone chooses the port: a thousand VIPs with one port, a port of the server each. */
static void address_chooses_port(void **state)
{
    struct pc_device *d = *state;
    struct pc_tables *t = pc_device_tables_rw(d);
    for (unsigned n = 0; n < 200; n++) {
        char vip[20];
        snprintf(vip, sizeof(vip), "203.0.113.%u", n);
        set_address(d, 3 + n, vip, 32, ANY, 3 + n, 0);
        struct portcam_public_row p = {.family = PORTCAM_FAMILY_4};
        ip_bytes(vip, p.ip);
        pc_tables_set(t, PORTCAM_TABLE_PUBLIC, 3 + n, &p);
        put_server(d, 100 + n, "10.0.0.1", 9000 + n, 1, 100 + n);
        struct portcam_service_row s = stateful_row(100 + n, 3 + n, TCP, 80);
        one_server(d, 1 + n, &s, 100 + n, 100 + n);
        put_endpoint(d, "10.0.0.1", TCP, 9000 + (int)n, 100 + n, 0);
    }
    for (unsigned n = 0; n < 200; n++) {
        char vip[20];
        snprintf(vip, sizeof(vip), "203.0.113.%u", n);
        expect_flow(d, "192.0.2.7", 40000, vip, 80, "10.0.0.1", 9000 + n, TCP);
    }
    assert_int_equal(records(d), 200);
}

/* Clients on the host's side, servers on the network's. */
static void roles_swapped(void **state)
{
    struct pc_device *d = *state;
    struct portcam_backend_row b = {
        .family = PORTCAM_FAMILY_4, .port = 8080, .egress = 0, .weight = 1, .endpoint = 1};
    ip_bytes("10.0.0.1", b.ip);
    put_row(d, PORTCAM_TABLE_BACKEND, 1, &b);
    put_slots(d, 0, 1, NONE, 1, NONE);
    set_function(d, 2, MacClient, ANY, false);
    world_build(d);
    struct frame f = segment("192.0.2.7", 40000, "198.51.100.1", 80, TCP, SYN);
    struct frame want = segment("192.0.2.7", 40000, "10.0.0.1", 8080, TCP, SYN);
    assert_int_equal(pass_frame(d, &f, 2), R(CONNECTION_NEW));
    assert_int_equal(Last.egress, 0);
    expect_frame(&want);
    f = segment("10.0.0.1", 8080, "192.0.2.7", 40000, TCP, SYN_ACK);
    memcpy(f.b, MacClient, 6);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_REVERSE));
    assert_int_equal(Last.egress, 2);
    assert_int_equal(get16(Frame.b + Frame.l4), 80);
}

/* Well-known ports of any service, and other protocols, IPv6 too. */
static void services_of_all_kinds(void **state)
{
    struct pc_device *d = *state;
    static const unsigned ports[] = {20, 21, 23, 25, 80, 110, 119, 443, 1433, 3306};
    for (unsigned i = 0; i < 10; i++) {
        struct portcam_service_row s = stateful_row(100 + i, 0, TCP, ports[i]);
        put_server(d, 100 + i, "10.0.0.8", 10000 + ports[i], 1, 100 + i);
        one_server(d, i, &s, 100 + i, 100 + i);
        put_endpoint(d, "10.0.0.8", TCP, 10000 + (int)ports[i], 100 + i, 0);
        expect_flow(d, "192.0.2.7", 40000, "198.51.100.1", ports[i], "10.0.0.8", 10000 + ports[i],
                    TCP);
        s = stateful_row(200 + i, 2, UDP, ports[i]);
        put_server(d, 200 + i, "fd00::8", 10000 + ports[i], 1, 200 + i);
        one_server(d, 10 + i, &s, 200 + i, 200 + i);
        put_endpoint(d, "fd00::8", UDP, 10000 + (int)ports[i], 200 + i, 0);
        expect_flow(d, "2001:db8:9::7", 40000, "2001:db8::1", ports[i], "fd00::8", 10000 + ports[i],
                    UDP);
    }
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup_shop, teardown_shop, NULL                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("S1.1 S1.4 S1.33 S4.14 S4.63 four servers behind one address and port, in turn",
             one_address),
        TEST("S1.12 S1.13 S1.28 S4.33 what is of no cluster, port or connection stays bit for bit",
             not_of_a_cluster),
        TEST("S1.10 the protocol of a port: TCP, UDP, another, all", protocol_of_a_port),
        TEST("S1.32 S1.46 S4.42 only all four values are a connection", four_values),
        TEST("S1.9 S1.42 two clusters, each with servers of its own", clusters),
        TEST("S1.43 S4.14 behind another balancer, servers on other machines", tiered),
        TEST("S1.40 S1.41 S4.55 closed and stale connections end", termination),
        TEST("S1.45 fragments of a stateful service pass and make no record", fragments),
        TEST("F.14 F.18 F.28 a SYN that makes no record takes the place of one",
             reuse_without_creation),
        TEST("S4.35 S4.44 S4.45 S4.46 S4.48 S4.70 every kind of segment, with and without a record",
             syn_and_others),
        TEST("S4.10 two ports of an address on one port of a server", ports_to_one_port),
        TEST("S4.15 S4.71 sites share machines and move, clients stay", mixed),
        TEST("S4.12 S4.72 S4.73 the address alone chooses the port", address_chooses_port),
        TEST("S4.65 clients on the host's side", roles_swapped),
        TEST("S1.6 S4.13 S4.66 S4.69 services of all kinds", services_of_all_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
