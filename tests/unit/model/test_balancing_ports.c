// SPDX-License-Identifier: Apache-2.0
/* What the sources of port sharing describe, by packets through the whole model: several addresses on several ports of one
 * server (S4), each kind of segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "balancing_flows.h"

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
