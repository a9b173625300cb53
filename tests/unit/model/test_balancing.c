// SPDX-License-Identifier: Apache-2.0
/* What the sources of load balancing describe, by packets through the whole model: several servers behind one address and
 * port (S1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balancing_flows.h"

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

/* ---- S4 ---- */

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
