// SPDX-License-Identifier: Apache-2.0
/* Records in the path of a packet: docs/pipeline.md section 4, what finds one and what becomes of a packet without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stateful_world.h"

/* ---- a flow ---- */

static void one_flow(void **state)
{
    struct pc_device *d = *state;
    assert_int_equal(client_sends(d, 7, SYN, 1000), R(CONNECTION_NEW));
    assert_true(Last.began);
    assert_int_equal(Last.egress, 1);
    expect_ends("192.0.2.7", 40000, "10.0.0.1", 8080);
    int slot = Last.record;
    assert_int_equal(record_of(d, slot)->state, PC_STATE_SYN_SEEN);
    assert_int_equal(record_of(d, slot)->client_next, 1001);
    assert_int_equal(record_of(d, slot)->created, 1000);
    Now = 1007;
    assert_int_equal(server_sends(d, 1, 7, SYN_ACK), R(CONNECTION_REVERSE));
    assert_int_equal(Last.egress, 0);
    expect_ends("198.51.100.1", 80, "192.0.2.7", 40000);
    assert_int_equal(Last.record, slot);
    assert_int_equal(client_sends(d, 7, ACK, 1001), R(CONNECTION_FORWARD));
    expect_ends("192.0.2.7", 40000, "10.0.0.1", 8080);
    assert_int_equal(record_of(d, slot)->state, PC_STATE_ESTABLISHED);
    assert_int_equal(record_of(d, slot)->last_used, 1007);
    assert_int_equal(client_sends(d, 7, SYN, 1), R(CONNECTION_FORWARD)); /* F.13 */
    assert_false(Last.began);
    assert_int_equal(records(d), 1);
    /* Both directions are counted, of the record's numbers. */
    const struct {
        unsigned table, number;
    } counted[] = {{COUNTERS(DOMAIN), 0},
                   {COUNTERS(ADDRESS), 0},
                   {COUNTERS(SERVICE), 1},
                   {COUNTERS(BACKEND), 1}};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(packets(d, counted[i].table, 2 * counted[i].number), 3);
        assert_int_equal(packets(d, counted[i].table, 2 * counted[i].number + 1), 1);
    }
    const struct pc_connection *r = record_of(d, slot);
    assert_int_equal(r->forward.packets, 3);
    assert_int_equal(r->reverse.packets, 1);
    assert_int_equal(r->reverse.octets, 54);
    struct portcam_backend_state b = pc_device_backend_state(d, 1);
    assert_int_equal(b.new_connections, 1);
    assert_int_equal(b.syn_ack_count, 1);
    assert_int_equal(b.syn_ack_ms, 7);
}

static void flow_v6(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(6, 2, UDP, 53);
    s.schedule = 5;
    put_service(d, 1, &s);
    put_server(d, 60, "fd00::53", 5353, 1, 60);
    put_slots(d, 5, 60, NONE, 60, NONE);
    put_endpoint(d, "fd00::53", UDP, 5353, 60, 0);
    struct frame f = other_frame(UDP, "2001:db8:9::7", 999, "2001:db8::1", 53);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_true(pc_connections_is_v6(pc_device_connections(d), (unsigned)Last.record));
    expect_ends("2001:db8:9::7", 999, "fd00::53", 5353);
    f = other_frame(UDP, "fd00::53", 5353, "2001:db8:9::7", 999);
    assert_int_equal(pass_frame(d, &f, 1), R(CONNECTION_REVERSE));
    expect_ends("2001:db8::1", 53, "2001:db8:9::7", 999);
    assert_int_equal(record_of(d, Last.record)->state, PC_STATE_REPLIED);
}

/* ---- P6 ---- */

static void no_record_policies(void **state)
{
    struct pc_device *d = *state;
    static const unsigned reason[] = {R(REJECT_LIMITED), R(NO_RECORD_DROP), R(NO_RECORD_PASS),
                                      R(HASH_FORWARD)};
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    s.pick = PORTCAM_PICK_CLIENT_IP;
    for (unsigned policy = 0; policy < PORTCAM_NO_RECORD_MAX; policy++) {
        s.no_record = (uint8_t)policy;
        put_service(d, 0, &s);
        assert_int_equal(client_sends(d, 7, ACK, 9), reason[policy]);
        assert_int_equal(Last.drop, policy < 2);
        assert_int_equal(Last.refusal, policy == 0 ? R(NO_RECORD_REJECT) : 0);
        assert_int_equal(packets(d, COUNTERS(SERVICE), 2), policy + 1);
    }
    assert_true(Last.backend == 1 || Last.backend == 2);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2u * (unsigned)Last.backend), 1);
    assert_int_equal(client_sends(d, 7, SYN, 9), R(CONNECTION_NEW)); /* the same slot */
    assert_int_equal(records(d), 1);
    put_slots(d, 0, NONE, NONE, NONE, NONE);
    assert_int_equal(client_sends(d, 8, ACK, 9), R(REJECT_LIMITED));
    assert_int_equal(Last.refusal, R(NO_BACKEND_REJECT));
}

/* What never makes a record, F.11 and F.28. */
static void makes_no_record(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    s.no_record = PORTCAM_NO_RECORD_DROP;
    put_service(d, 0, &s);
    set_address(d, 3, "0.0.0.0", 0, ANY, 0, 0);
    world_build(d);
    static const struct {
        const char *src, *dst;
        unsigned sport, flags;
    } frames[] = {
        {"192.0.2.7", "198.51.100.1", 40000, SYN | FIN},
        {"192.0.2.7", "198.51.100.1", 40000, SYN | RST},
        {"192.0.2.7", "198.51.100.1", 40000, SYN | ACK},
        {"192.0.2.7", "198.51.100.1", 40000, RST},
        {"192.0.2.7", "198.51.100.1", 40000, ACK},
        {"192.0.2.7", "198.51.100.1", 40000, FIN_ACK},
        {"192.0.2.7", "198.51.100.1", 40000, 0},
        {"192.0.2.7", "198.51.100.1", 40000, 0x29},
        {"192.0.2.7", "198.51.100.1", 0, SYN},
        {"127.0.0.1", "198.51.100.1", 40000, SYN},
        {"0.0.0.9", "198.51.100.1", 40000, SYN},
        {"224.0.0.9", "198.51.100.1", 40000, SYN},
        {"255.255.255.255", "198.51.100.1", 40000, SYN},
        {"198.51.100.1", "198.51.100.1", 80, SYN}, /* LAND */
        {"192.0.2.7", "0.0.0.0", 40000, SYN},
    };
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct frame f =
            tcp_frame(frames[i].src, frames[i].sport, frames[i].dst, 80, frames[i].flags, 1);
        assert_int_equal(pass_frame(d, &f, 0), R(NO_RECORD_DROP));
        assert_int_equal(records(d), 0);
    }
    assert_int_equal(client_sends(d, 7, SYN | 0xc0, 1), R(CONNECTION_NEW)); /* ECN setup */
}

/* ---- domain states ---- */

static void draining(void **state)
{
    struct pc_device *d = *state;
    unsigned server = establish(d, 7);
    static const unsigned reason[] = {R(UNKNOWN_PASS), R(UNKNOWN_DROP), R(REJECT_LIMITED)};
    for (unsigned policy = 0; policy < PORTCAM_POLICY_MAX; policy++) {
        put_domain(d, PORTCAM_DOMAIN_STATE_DRAINING, policy);
        assert_int_equal(client_sends(d, 8, SYN, 1), reason[policy]);
        assert_int_equal(Last.refusal, policy == 2 ? R(UNKNOWN_REJECT) : 0);
        assert_false(Last.asked);
        assert_int_equal(client_sends(d, 7, ACK, 1001), R(CONNECTION_FORWARD));
        assert_int_equal(server_sends(d, server, 7, ACK), R(CONNECTION_REVERSE));
        assert_int_equal(client_sends(d, 9, ACK, 1), R(REJECT_LIMITED));
        assert_int_equal(Last.refusal, R(NO_RECORD_REJECT));
    }
    assert_int_equal(records(d), 1);
}

static void paused_and_stopped(void **state)
{
    struct pc_device *d = *state;
    unsigned server = establish(d, 7);
    int slot = Last.record;
    put_domain(d, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS);
    struct pc_connection before = *record_of(d, slot);
    Now = 2000;
    for (unsigned client = 7; client < 9; client++) {
        assert_int_equal(client_sends(d, client, SYN, 1), R(PAUSED_DROP));
        assert_int_equal(client_sends(d, client, ACK, 1001), R(PAUSED_DROP));
        assert_int_equal(server_sends(d, server, client, ACK), R(PAUSED_DROP));
        assert_int_equal(Last.address, -1); /* domain row only */
        assert_int_equal(Last.backend, -1);
    }
    static const unsigned reason[] = {R(STOPPED_PASS), R(STOPPED_DROP), R(REJECT_LIMITED)};
    for (unsigned policy = 0; policy < PORTCAM_POLICY_MAX; policy++) {
        put_domain(d, PORTCAM_DOMAIN_STATE_STOPPED, policy);
        assert_int_equal(client_sends(d, 7, ACK, 1001), reason[policy]);
        assert_int_equal(server_sends(d, server, 7, ACK), reason[policy]);
        assert_int_equal(Last.refusal, policy == 2 ? R(STOPPED_REJECT) : 0);
    }
    assert_memory_equal(record_of(d, slot), &before, sizeof(before));
    assert_int_equal(packets(d, COUNTERS(DOMAIN), 1), 1 + 2 + 3);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2 * server + 1), 1);
}

/* ---- from an endpoint ---- */

static void replies(void **state)
{
    struct pc_device *d = *state;
    assert_int_equal(server_sends(d, 1, 7, ACK), R(REPLY_PASS)); /* S1.28 */
    assert_int_equal(Last.egress, 0);
    assert_int_equal(packets(d, COUNTERS(DOMAIN), 1), 1);
    assert_int_equal(packets(d, COUNTERS(SERVICE), 3), 0);
    unsigned server = establish(d, 7);
    assert_int_equal(server_sends(d, 2, 7, ACK), R(REPLY_PASS)); /* the other backend */
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_PUBLIC, 0, NULL);
    assert_int_equal(server_sends(d, server, 7, ACK), R(REPLY_PASS));
    assert_int_equal(record_of(d, Last.record)->reverse.packets, 2);
    put_public(d, 0, "2001:db8::1"); /* of the other family */
    assert_int_equal(server_sends(d, server, 7, ACK), R(REPLY_PASS));
    put_public(d, 0, "203.0.113.5");
    assert_int_equal(server_sends(d, server, 7, ACK), R(CONNECTION_REVERSE));
    expect_ends("203.0.113.5", 80, "192.0.2.7", 40000);
}

static void alone(void **state)
{
    struct pc_device *d = *state;
    put_endpoint(d, "10.0.0.77", TCP, 8080, 9,
                 PORTCAM_ENDPOINT_ROW_ALONE | PORTCAM_ENDPOINT_ROW_HAS_MAC);
    set_device(d, MacDevice);
    set_function(d, 1, MacOne, 0, true);
    set_function(d, 2, MacClient, ANY, false);
    world_build(d);
    assert_int_equal(server_sends(d, 77, 7, ACK), R(HASH_REVERSE));
    expect_ends("198.51.100.1", 80, "192.0.2.7", 40000);
    assert_memory_equal(Frame.b + 6, MacDevice, 6);
    assert_int_equal(packets(d, COUNTERS(SERVICE), 3), 1);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2 * 9 + 1), 1);
    struct frame f = tcp_frame("10.0.0.77", 8080, "192.0.2.7", 1, ACK, 1); /* hairpin */
    memcpy(f.b, MacClient, 6);
    assert_int_equal(pass_frame(d, &f, 1), R(HASH_REVERSE));
    assert_int_equal(Last.egress, 2);
    f = tcp_frame("10.0.0.77", 8080, "127.0.0.1", 1, ACK, 1);
    assert_int_equal(pass_frame(d, &f, 1), R(HASH_REVERSE));
}

/* The client addressed port 0: that is where the reply comes from. */
static void public_port_zero(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 0);
    put_service(d, 0, &s);
    struct frame f = tcp_frame("192.0.2.7", 40000, "198.51.100.1", 0, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    expect_ends("192.0.2.7", 40000, "10.0.0.1", 8080);
    assert_int_equal(server_sends(d, 1, 7, SYN_ACK), R(CONNECTION_REVERSE));
    expect_ends("198.51.100.1", 0, "192.0.2.7", 40000);
}

/* A service on any port: the port is part of the backend end, and comes back. */
static void any_port(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(3, 1, TCP, 0);
    s.flags = PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_KEEPS_PORT;
    s.schedule = 6;
    put_service(d, 1, &s);
    put_server(d, 30, "10.0.3.1", 0, 1, 30);
    put_slots(d, 6, 30, NONE, 30, NONE);
    put_endpoint(d, "10.0.3.1", TCP, ANY, 30, PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    for (unsigned port = 21; port < 23; port++) {
        struct frame f = tcp_frame("192.0.2.7", 5, "198.51.100.2", port, SYN, 1);
        assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
        expect_ends("192.0.2.7", 5, "10.0.3.1", port);
    }
    for (unsigned port = 21; port < 23; port++) {
        struct frame f = tcp_frame("10.0.3.1", port, "192.0.2.7", 5, SYN_ACK, 1);
        assert_int_equal(pass_frame(d, &f, 1), R(CONNECTION_REVERSE));
        expect_ends("198.51.100.2", port, "192.0.2.7", 5);
    }
    struct frame f = tcp_frame("10.0.3.1", 23, "192.0.2.7", 5, SYN_ACK, 1);
    assert_int_equal(pass_frame(d, &f, 1), R(REPLY_PASS));
    assert_int_equal(records(d), 2);
}

/* One address row, many addresses: the address number is the public end. */
static void address_is_the_end(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, PORTCAM_ADDRESS_ANY, TCP, 80);
    put_service(d, 0, &s);
    assert_int_equal(client_sends(d, 7, SYN, 1), R(CONNECTION_NEW));
    assert_int_equal(Last.backend, 1);
    struct frame f = tcp_frame("192.0.2.7", 40000, "198.51.100.2", 80, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW)); /* another record */
    assert_int_equal(Last.backend, 2);
    assert_int_equal(record_of(d, Last.record)->public_end.address, 1);
    assert_int_equal(server_sends(d, 2, 7, SYN_ACK), R(CONNECTION_REVERSE));
    expect_ends("198.51.100.2", 80, "192.0.2.7", 40000);
    assert_int_equal(packets(d, COUNTERS(ADDRESS), 2 * 1 + 1), 1);
}

/* ---- what needs the slow path, loopback ---- */

static void slow_path(void **state)
{
    struct pc_device *d = *state;
    static const struct {
        unsigned protocol, flags, reason;
    } cases[] = {
        {SCTP, PORTCAM_SERVICE_ROW_EXACT_PORT, R(SCTP_PORTS)},
        {SCTP, PORTCAM_SERVICE_ROW_EXACT_PORT | PORTCAM_SERVICE_ROW_KEEPS_PORT, R(CONNECTION_NEW)},
        {DCCP, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(OTHER_CHECKSUM)},
        {UDP_LITE, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(OTHER_CHECKSUM)},
        {47, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(CONNECTION_NEW)},
        {ICMP, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(CONNECTION_NEW)},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool keeps = cases[i].flags & PORTCAM_SERVICE_ROW_KEEPS_PORT;
        struct portcam_service_row s = stateful_row(2, 0, cases[i].protocol, 99);
        s.flags = (uint8_t)(cases[i].flags | PORTCAM_SERVICE_ROW_EXACT_PROTOCOL);
        put_service(d, 1, &s);
        if (keeps)
            put_server(d, 1, "10.0.0.1", 0, 1, 1), put_server(d, 2, "10.0.0.2", 0, 1, 2);
        struct frame f = other_frame(cases[i].protocol, "192.0.2.7", 5, "198.51.100.1", 99);
        assert_int_equal(pass_frame(d, &f, 0), cases[i].reason);
        assert_false(Last.drop);
    }
    put_endpoint(d, "10.0.7.1", SCTP, 8080, 7, 0);
    put_endpoint(d, "10.0.7.2", SCTP, 8080, 7, PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    put_endpoint(d, "10.0.7.3", ANY, ANY, 7, PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    struct frame f = other_frame(SCTP, "10.0.7.1", 8080, "192.0.2.7", 5);
    assert_int_equal(pass_frame(d, &f, 1), R(SCTP_PORTS));
    assert_int_equal(Last.service, -1);
    f = other_frame(SCTP, "10.0.7.2", 8080, "192.0.2.7", 5);
    assert_int_equal(pass_frame(d, &f, 1), R(REPLY_PASS));
    f = other_frame(DCCP, "10.0.7.3", 0, "192.0.2.7", 0);
    assert_int_equal(pass_frame(d, &f, 1), R(OTHER_CHECKSUM));
}

static void loopback(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, PORTCAM_ADDRESS_ANY, TCP, 80);
    s.pick = PORTCAM_PICK_CLIENT_IP;
    set_function(d, 2, NULL, 0, false);
    static const unsigned reason[] = {R(REJECT_LIMITED), R(NO_RECORD_DROP), R(NO_RECORD_PASS),
                                      R(HASH_FORWARD)};
    for (unsigned policy = 0; policy < PORTCAM_NO_RECORD_MAX; policy++) {
        s.no_record = (uint8_t)policy;
        put_service(d, 0, &s);
        struct frame f = tcp_frame("127.0.0.1", 5, "127.0.0.1", 80, SYN, 1);
        assert_int_equal(pass_frame(d, &f, 2), reason[policy]);
        assert_true(Last.loopback);
    }
    assert_int_equal(records(d), 0);
}

/* ---- commands ---- */

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup_shop, teardown_shop, NULL                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("P5 P8 P9 F.12 F.13 one flow, both directions, counted", one_flow),
        TEST("P8 P9 the same over IPv6 and UDP", flow_v6),
        TEST("P6 S4.44 without a record: reject, drop, pass, hash", no_record_policies),
        TEST("P6 F.11 F.28 what never makes a record", makes_no_record),
        TEST("section 6 draining: no new connections, old ones go on", draining),
        TEST("section 6 paused and stopped, both directions", paused_and_stopped),
        TEST("P9 S1.28 replies need a record and a public address", replies),
        TEST("P9 an endpoint alone: replies without a record", alone),
        TEST("P5 P9 replies from port 0, where the client addressed it", public_port_zero),
        TEST("P5 a service on any port", any_port),
        TEST("P5 the address number is part of the record", address_is_the_end),
        TEST("section 7 section 8 SCTP ports and other checksums", slow_path),
        TEST("P3 S2.27 a loopback destination makes no record", loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
