// SPDX-License-Identifier: Apache-2.0
/* Decisions against docs/pipeline.md sections 2 and 3: which service row wins, which reason, which egress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide_world.h"

/* ---- section 2: default egress ---- */

static void egress_by_mac(void **state)
{
    struct pc_device *d = *state;
    struct frame f = to("203.0.113.1");
    expect(d, f, 0, R(NO_MATCH), 1); /* no rows: function 1 */
    set_function(d, 5, NULL, ANY, true);
    set_function(d, 4, NULL, ANY, true);
    world_build(d);
    expect(d, f, 0, R(NO_MATCH), 4); /* the lowest default */
    struct portcam_function_row unnamed = {.domain = 0};
    memcpy(unnamed.mac, MacOne, 6); /* without the flag it has no MAC */
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_FUNCTION, 6, &unnamed);
    set_function(d, 7, MacOne, 0x101, false); /* the domain, behind the MAC, is no part of it */
    set_function(d, 9, MacOne, ANY, false);
    world_build(d);
    expect(d, f, 0, R(NO_MATCH), 7); /* the lowest with that MAC */
    expect(d, f, 3, R(NO_MATCH), 0); /* from a function: the network */
    expect(d, f, 7, R(NO_MATCH), 0);
    f.b[5] ^= 1;
    expect(d, f, 0, R(NO_MATCH), 4);
}

static void egress_short_frame(void **state)
{
    struct pc_device *d = *state;
    static const uint8_t zero[6];
    set_function(d, 2, zero, ANY, false);
    set_function(d, 3, NULL, ANY, true);
    world_build(d);
    struct frame f = {.len = 5};
    expect(d, f, 0, R(UNPARSED_SHORT), 3);
    f.len = 6;
    expect(d, f, 0, R(UNPARSED_SHORT), 2);
    f.len = 1;
    expect(d, f, 2, R(UNPARSED_SHORT), 0);
}

/* The row of the network has a MAC too: it is no host function. */
static void egress_not_network(void **state)
{
    struct pc_device *d = *state;
    set_function(d, 0, MacOne, ANY, true);
    world_build(d);
    expect(d, to("203.0.113.1"), 0, R(NO_MATCH), 1);
}

/* ---- P3 ---- */

static void any_service_matches_numbers(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_domain(d, 1, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 7, 0);
    set_service(d, 0, 1, ANY, TCP, 80, DELIVER, 0, 0); /* another domain's */
    set_service(d, 1, 0, 6, TCP, 80, DELIVER, 1, 0);   /* another address */
    set_service(d, 2, 0, ANY, TCP, 80, DELIVER, 2, 0);
    set_backend(d, 0, "10.0.0.1", 0, NULL, 6);
    world_build(d);
    struct frame f = to("198.51.100.1");
    assert_int_equal(send_frame(d, &f, 0).service, 2);
}

/* ---- P4: the eight combinations of exact and any ---- */

static void precedence(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_backend(d, 0, "10.0.0.1", 0, NULL, 1);
    /* In the order that P4 names: exact port weighs most, then exact address, then exact protocol. */
    for (unsigned row = 0; row < 8; row++)
        set_service(d, row, 0, row & 2 ? ANY : 0, row & 1 ? ANY : TCP, row & 4 ? ANY : 80, DELIVER,
                    row, 0);
    for (unsigned first = 0; first < 8; first++) {
        world_build(d);
        struct frame f = to("198.51.100.1");
        struct pc_decision v = send_frame(d, &f, 0);
        assert_int_equal(v.reason, R(DELIVER));
        assert_int_equal(v.service, first);
        pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_SERVICE, first, NULL);
    }
    world_build(d);
    expect(d, to("198.51.100.1"), 0, R(UNKNOWN_DROP), -1);
}

/* Each of the eight rows alone: what it matches and what it does not. */
static void each_combination(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_address(d, 1, "198.51.100.2", 32, ANY, 1, 0);
    set_backend(d, 0, "10.0.0.1", 0, NULL, 1);
    for (unsigned row = 0; row < 8; row++) {
        bool any_protocol = row & 1, any_address = row & 2, any_port = row & 4;
        set_service(d, 0, 0, any_address ? ANY : 0, any_protocol ? ANY : TCP, any_port ? ANY : 80,
                    DELIVER, 0, 0);
        world_build(d);
        for (unsigned frame = 0; frame < 16; frame++) {
            const char *dst = frame & 1 ? "198.51.100.2" : "198.51.100.1";
            unsigned port = frame & 2 ? 81 : 80;
            uint8_t protocol = frame & 8 ? 47 : frame & 4 ? UDP : TCP; /* GRE has no ports */
            bool match = (any_address || !(frame & 1)) && (any_protocol || protocol == TCP) &&
                         (any_port || (port == 80 && protocol != 47));
            expect(d, flow("192.0.2.9", 40001, dst, port, protocol), 0,
                   match ? R(DELIVER) : R(UNKNOWN_DROP), match ? 1 : -1);
        }
    }
}

/* A protocol without ports never matches a row with port 0 that asks for it. */
static void port_zero(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_backend(d, 0, "10.0.0.1", 0, NULL, 1);
    set_service(d, 0, 0, 0, ANY, 0, DELIVER, 0, 0);
    world_build(d);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 0, 47), 0, R(UNKNOWN_DROP), -1);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 0, TCP), 0, R(DELIVER), 1);
}

static void unknown_policy(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, PASS);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_function(d, 1, MacOne, ANY, false);
    world_build(d);
    struct frame f = to("198.51.100.1"), before = f;
    expect(d, f, 0, R(UNKNOWN_PASS), 1);
    send_frame(d, &f, 0);
    assert_memory_equal(f.b, before.b, f.len);
    expect(d, f, 2, R(UNKNOWN_PASS), 0);
    set_domain(d, 0, RUNNING, DROP);
    world_build(d);
    expect(d, f, 0, R(UNKNOWN_DROP), -1);
}

/* ---- P5 ---- */

static void modes(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, PASS);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_address(d, 1, "2001:db8::1", 128, ANY, 1, 0);
    set_service(d, 0, 0, 0, TCP, 80, STATIC, 0, 0);
    set_service(d, 1, 0, 0, TCP, 81, DELIVER, 1, 0);
    set_service(d, 2, 0, 1, TCP, 80, STATIC, 2, 0); /* IPv6 to an IPv4 backend */
    set_service(d, 3, 0, 1, TCP, 81, DELIVER, 3, 0);
    set_service(d, 4, 0, 0, TCP, 82, STATIC, 4, 9); /* a backend without a row */
    set_service(d, 5, 0, 0, TCP, 83, DELIVER, 5, 9);
    set_backend(d, 0, "10.0.0.1", 8080, NULL, 3);
    world_build(d);
    expect(d, to("198.51.100.1"), 0, R(STATIC_FORWARD), 3);
    struct frame f = flow("192.0.2.9", 1, "198.51.100.1", 81, TCP), before = f;
    struct pc_decision v = send_frame(d, &f, 0);
    assert_int_equal(v.reason, R(DELIVER));
    assert_int_equal(v.egress, 3);
    assert_memory_equal(f.b, before.b, f.len);
    expect(d, to("2001:db8::1"), 0, R(NO_BACKEND), -1);
    expect(d, flow("2001:db8:c::1", 1, "2001:db8::1", 81, TCP), 0, R(DELIVER), 3);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 82, TCP), 0, R(NO_BACKEND), -1);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 83, TCP), 0, R(NO_BACKEND), -1);
    /* The network and the function itself are egresses like any other. */
    set_backend(d, 0, "10.0.0.1", 8080, NULL, 0);
    world_build(d);
    expect(d, to("198.51.100.1"), 0, R(STATIC_FORWARD), 0);
    set_backend(d, 0, "10.0.0.1", 8080, NULL, 4);
    world_build(d);
    expect(d, to("198.51.100.1"), 4, R(STATIC_FORWARD), 4);
}

static void slow_path_protocols(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_function(d, 1, MacOne, ANY, false);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_service(d, 0, 0, 0, ANY, 80, STATIC, 0, 0);
    set_service(d, 1, 0, 0, ANY, ANY, STATIC, 1, 1);
    set_backend(d, 0, "10.0.0.1", 8080, NULL, 3);
    set_backend(d, 1, "10.0.0.2", 0, NULL, 3);
    world_build(d);
    struct frame f = flow("192.0.2.9", 1, "198.51.100.1", 80, SCTP), before = f;
    struct pc_decision v = send_frame(d, &f, 0);
    assert_int_equal(v.reason, R(SCTP_PORTS));
    assert_int_equal(v.egress, 1); /* the default egress, not the backend's */
    assert_memory_equal(f.b, before.b, f.len);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 81, SCTP), 0, R(STATIC_FORWARD), 3);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 81, DCCP), 0, R(OTHER_CHECKSUM), 1);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 81, UDP_LITE), 0, R(OTHER_CHECKSUM), 1);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 81, 47), 0, R(STATIC_FORWARD), 3);
    set_backend(d, 0, "10.0.0.1", 80, NULL, 3); /* the port does not change */
    world_build(d);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 80, SCTP), 0, R(STATIC_FORWARD), 3);
    set_service(d, 1, 0, 0, ANY, ANY, DELIVER, 1,
                1); /* nothing is rewritten, nothing can be wrong */
    world_build(d);
    expect(d, flow("192.0.2.9", 1, "198.51.100.1", 81, DCCP), 0, R(DELIVER), 3);
}

/* ---- section 6 ---- */

static void domain_states(void **state)
{
    static const struct {
        unsigned state, policy, service, unknown, reply;
    } c[] = {
        {RUNNING, PASS, R(STATIC_FORWARD), R(UNKNOWN_PASS), R(STATIC_REVERSE)},
        {RUNNING, DROP, R(STATIC_FORWARD), R(UNKNOWN_DROP), R(STATIC_REVERSE)},
        {PORTCAM_DOMAIN_STATE_DRAINING, PASS, R(STATIC_FORWARD), R(UNKNOWN_PASS),
         R(STATIC_REVERSE)},
        {PORTCAM_DOMAIN_STATE_DRAINING, DROP, R(STATIC_FORWARD), R(UNKNOWN_DROP),
         R(STATIC_REVERSE)},
        {PORTCAM_DOMAIN_STATE_PAUSED, PASS, R(PAUSED_DROP), R(PAUSED_DROP), R(PAUSED_DROP)},
        {PORTCAM_DOMAIN_STATE_PAUSED, DROP, R(PAUSED_DROP), R(PAUSED_DROP), R(PAUSED_DROP)},
        {PORTCAM_DOMAIN_STATE_STOPPED, PASS, R(STOPPED_PASS), R(STOPPED_PASS), R(STOPPED_PASS)},
        {PORTCAM_DOMAIN_STATE_STOPPED, DROP, R(STOPPED_DROP), R(STOPPED_DROP), R(STOPPED_DROP)},
    };
    struct pc_device *d = *state;
    set_domain(d, 1, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_address(d, 1, "198.51.100.2", 32, ANY, 1, 1);
    set_service(d, 0, 0, 0, TCP, 80, STATIC, 0, 0);
    set_service(d, 1, 1, 1, TCP, 80, STATIC, 1, 1);
    set_service(d, 2, 0, 0, TCP, 81, DELIVER, 2, 0);
    set_backend(d, 0, "10.0.0.1", 8080, NULL, 1);
    set_backend(d, 1, "10.0.0.2", 8080, NULL, 1);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = TCP,
                              .port = 8080,
                              .domain = 0,
                              .public_ip = "198.51.100.1",
                              .public_port = 80};
    set_endpoint(d, &e);
    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        set_domain(d, 0, c[i].state, c[i].policy);
        world_build(d);
        struct frame f = to("198.51.100.1"),
                     deliver = flow("192.0.2.9", 1, "198.51.100.1", 81, TCP);
        struct frame unknown = flow("192.0.2.9", 1, "198.51.100.1", 99, TCP);
        struct frame reply = flow("10.0.0.1", 8080, "192.0.2.9", 40001, TCP);
        struct frame other = to("198.51.100.2");
        assert_int_equal(send_frame(d, &f, 0).reason, c[i].service);
        assert_int_equal(send_frame(d, &unknown, 0).reason, c[i].unknown);
        assert_int_equal(send_frame(d, &reply, 1).reason, c[i].reply);
        unsigned delivered = c[i].service == R(STATIC_FORWARD) ? R(DELIVER) : c[i].service;
        assert_int_equal(send_frame(d, &deliver, 0).reason, delivered);
        /* Another domain does not notice. */
        assert_int_equal(send_frame(d, &other, 0).reason, R(STATIC_FORWARD));
    }
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("P12 default egress: the lowest MAC, the lowest default, function 1; from a host the "
             "network",
             egress_by_mac),
        TEST("P12 a frame shorter than 6 bytes matches no MAC", egress_short_frame),
        TEST("P12 the row of the network is no default egress", egress_not_network),
        TEST("P4 a service row matches its own domain and address or ANY",
             any_service_matches_numbers),
        TEST("P4 precedence of all eight combinations: port, address, protocol", precedence),
        TEST("P4 each of the eight combinations alone matches what it should", each_combination),
        TEST("P4 protocols without ports match no row that names a port, not even 0", port_zero),
        TEST("P4 unknown-service policy pass and drop", unknown_policy),
        TEST("P5 static and deliver: egress, IP version, missing backend", modes),
        TEST("P5 SCTP port change, DCCP and UDP-Lite pass for the slow path", slow_path_protocols),
        TEST("section 6 the four domain states, forward, unknown, reply; another domain unaffected",
             domain_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
