// SPDX-License-Identifier: Apache-2.0
/* Decisions against docs/pipeline.md sections 2 and 3: which row wins, which reason, which egress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "world.h"

#define R(name) PORTCAM_REASON_##name
#define STATIC PORTCAM_MODE_STATIC
#define DELIVER PORTCAM_MODE_DELIVER
#define RUNNING PORTCAM_DOMAIN_STATE_RUNNING
#define PASS PORTCAM_POLICY_PASS
#define DROP PORTCAM_POLICY_DROP

static int setup(void **state)
{
    struct pc_device *d = new_device();
    *state = d;
    return d ? 0 : -1;
}

static int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

/* A TCP frame to dst port 80, from a source that nothing names. */
static struct frame to(const char *dst)
{
    struct frame_spec s = {.src = strchr(dst, ':') ? "2001:db8:cc::9" : "192.0.2.9",
                           .dst = dst,
                           .protocol = TCP,
                           .sport = 40001,
                           .dport = 80};
    memcpy(s.dmac, MacOne, 6);
    memcpy(s.smac, MacClient, 6);
    return build_frame(&s);
}

static struct frame flow(const char *src, unsigned sport, const char *dst, unsigned dport,
                         uint8_t protocol)
{
    struct frame_spec s = {.src = src,
                           .dst = dst,
                           .protocol = protocol,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport};
    memcpy(s.dmac, MacOne, 6);
    memcpy(s.smac, MacClient, 6);
    return build_frame(&s);
}

static void expect(struct pc_device *d, struct frame f, unsigned ingress, unsigned reason,
                   int egress)
{
    struct pc_decision v = send_frame(d, &f, ingress);
    assert_int_equal(v.reason, reason);
    assert_int_equal(v.drop, egress < 0);
    if (egress >= 0)
        assert_int_equal(v.egress, egress);
}

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

static void lowest_address_row(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, PASS);
    set_domain(d, 1, RUNNING, DROP);
    set_address(d, 3, "198.51.100.0", 24, ANY, 3, 0);
    set_address(d, 5, "198.51.100.1", 32, ANY, 5, 1);
    world_build(d);
    struct frame f = to("198.51.100.1");
    struct pc_decision v = send_frame(d, &f, 0);
    assert_int_equal(v.reason, R(UNKNOWN_PASS));
    assert_int_equal(v.address_row, 3);
    assert_int_equal(v.address, 3);
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_ADDRESS, 3, NULL);
    world_build(d);
    v = send_frame(d, &f, 0);
    assert_int_equal(v.reason, R(UNKNOWN_DROP));
    assert_int_equal(v.address, 5);
}

static void prefix_lengths(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    for (unsigned length = 0; length <= 32; length++) {
        uint8_t ip[4];
        char text[32];
        uint32_t mask = length ? 0xffffffffu << (32 - length) : 0;
        uint32_t network = 0xc6336489u & mask;
        snprintf(text, sizeof(text), "%u.%u.%u.%u", network >> 24, network >> 16 & 255,
                 network >> 8 & 255, network & 255);
        set_address(d, 0, text, length, ANY, 0, 0);
        world_build(d);
        expect(d, to("198.51.100.137"), 0, R(UNKNOWN_DROP), -1);
        if (length == 0)
            continue;
        uint32_t other = htonl(0xc6336489u ^ 1u << (32 - length)); /* the last bit of the prefix */
        memcpy(ip, &other, 4);
        struct frame f = to("198.51.100.137");
        memcpy(f.b + f.l3 + 16, ip, 4);
        if (ip[0] < 224 && ip[0] != 127)
            expect(d, f, 0, R(NO_MATCH), 1);
    }
    for (unsigned length = 1; length <= 128; length++) {
        set_address(d, 0, "2001:db8:1:2:3:4:5:6", length, ANY, 0, 0);
        world_build(d);
        struct frame f = to("2001:db8:1:2:3:4:5:6");
        expect(d, f, 0, R(UNKNOWN_DROP), -1);
        f.b[f.l3 + 24 + (length - 1) / 8] ^= (uint8_t)(0x80 >> (length - 1) % 8);
        expect(d, f, 0, R(NO_MATCH), 1);
    }
}

static void families_apart(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_address(d, 0, "0.0.0.0", 0, ANY, 0, 0);
    world_build(d);
    expect(d, to("198.51.100.1"), 0, R(UNKNOWN_DROP), -1);
    expect(d, to("2001:db8::1"), 0, R(NO_MATCH), 1);
    set_address(d, 0, "::", 0, ANY, 0, 0);
    world_build(d);
    expect(d, to("198.51.100.1"), 0, R(NO_MATCH), 1);
    expect(d, to("2001:db8::1"), 0, R(UNKNOWN_DROP), -1);
}

static void vlan_rows(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_domain(d, 1, RUNNING, PASS);
    set_address(d, 0, "198.51.100.1", 32, 100, 0, 0);
    set_address(d, 1, "198.51.100.1", 32, 0, 1, 1);
    world_build(d);
    struct frame_spec s = {
        .src = "192.0.2.9", .dst = "198.51.100.1", .protocol = TCP, .tags = 1, .tci = {100}};
    expect(d, build_frame(&s), 0, R(UNKNOWN_DROP), -1);
    s.tci[0] = 0xf064; /* PCP and DEI do not matter */
    expect(d, build_frame(&s), 0, R(UNKNOWN_DROP), -1);
    s.tci[0] = 101;
    expect(d, build_frame(&s), 0, R(NO_MATCH), 1);
    s.tci[0] = 0xe000; /* priority tag: untagged */
    expect(d, build_frame(&s), 0, R(UNKNOWN_PASS), 1);
    s.tags = 0;
    expect(d, build_frame(&s), 0, R(UNKNOWN_PASS), 1);
    set_address(d, 2, "198.51.100.1", 32, ANY, 2, 0);
    world_build(d);
    s.tags = 1;
    s.tci[0] = 4095;
    expect(d, build_frame(&s), 0, R(UNKNOWN_DROP), -1);
}

static void empty_domain(void **state)
{
    struct pc_device *d = *state;
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 3);
    set_service(d, 0, 3, 0, TCP, 80, STATIC, 0, 0);
    set_backend(d, 0, "10.0.0.1", 81, NULL, 1);
    world_build(d);
    struct frame f = to("198.51.100.1");
    struct pc_decision v = send_frame(d, &f, 0);
    assert_int_equal(v.reason, R(NO_MATCH));
    assert_int_equal(v.domain, -1);
    assert_int_equal(v.address, -1);
}

static void loopback(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_domain(d, 1, RUNNING, DROP);
    set_address(d, 0, "127.0.0.0", 8, ANY, 0, 0);
    set_address(d, 1, "::1", 128, ANY, 1, 0);
    set_function(d, 1, NULL, 1, false);
    set_function(d, 2, NULL, ANY, false);
    set_service(d, 0, 1, 0, TCP, 80, DELIVER, 0, 0); /* of an address number: never matches ANY */
    set_service(d, 1, 1, ANY, TCP, 81, DELIVER, 1, 0);
    set_backend(d, 0, "10.0.0.1", 0, NULL, 6);
    world_build(d);
    static const char *const inside[] = {"127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"};
    for (size_t i = 0; i < 4; i++) {
        expect(d, to(inside[i]), 0, R(NO_MATCH), 1); /* from the wire: never */
        expect(d, to(inside[i]), 2, R(NO_MATCH), 0); /* a function without a domain */
        expect(d, to(inside[i]), 3, R(NO_MATCH), 0); /* a function without a row */
        expect(d, to(inside[i]), 1, R(UNKNOWN_DROP), -1);
        struct frame f = to(inside[i]);
        put16(f.b + f.l4 + 2, 81);
        struct pc_decision v = send_frame(d, &f, 1);
        assert_int_equal(v.reason, R(DELIVER));
        assert_int_equal(v.egress, 6);
        assert_true(v.loopback);
        assert_int_equal(v.domain, 1);
        assert_int_equal(v.address, -1);
    }
    expect(d, to("::2"), 1, R(NO_MATCH), 0);
    expect(d, to("126.255.255.255"), 1, R(NO_MATCH), 0);
    set_function(d, 1, NULL, 9, false); /* its domain has no row */
    world_build(d);
    expect(d, to("127.0.0.1"), 1, R(NO_MATCH), 0);
}

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

/* ---- P9 ---- */

static void reverse_order(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, PASS);
    struct endpoint_spec exact = {.ip = "10.0.0.1",
                                  .protocol = TCP,
                                  .port = 8080,
                                  .service = 1,
                                  .public_ip = "198.51.100.1",
                                  .public_port = 80};
    struct endpoint_spec any_port = {
        .ip = "10.0.0.1", .protocol = TCP, .port = ANY, .service = 2, .public_ip = "198.51.100.2"};
    struct endpoint_spec any = {
        .ip = "10.0.0.1", .protocol = ANY, .port = ANY, .service = 3, .public_ip = "198.51.100.3"};
    set_endpoint(d, &exact);
    set_endpoint(d, &any_port);
    set_endpoint(d, &any);
    world_build(d);
    const struct {
        unsigned sport;
        uint8_t protocol;
        int service;
    } c[] = {{8080, TCP, 1}, {8081, TCP, 2}, {8080, UDP, 3}, {0, 47, 3}, {0, TCP, 2}, {0, ICMP, 3}};
    for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
        struct frame f = flow("10.0.0.1", c[i].sport, "192.0.2.9", 40001, c[i].protocol);
        struct pc_decision v = send_frame(d, &f, 1);
        assert_int_equal(v.reason, R(STATIC_REVERSE));
        assert_int_equal(v.egress, 0);
        assert_int_equal(v.service, c[i].service);
    }
    expect(d, flow("10.0.0.2", 8080, "192.0.2.9", 40001, TCP), 1, R(NO_MATCH), 0);
    /* A row of port 0 in the exact table is for TCP, UDP and SCTP of port 0, not for what has no ports. */
    struct endpoint_spec zero = {
        .ip = "10.0.0.3", .protocol = ICMP, .port = 0, .public_ip = "198.51.100.1"};
    set_endpoint(d, &zero);
    zero.protocol = UDP;
    set_endpoint(d, &zero);
    world_build(d);
    expect(d, flow("10.0.0.3", 0, "192.0.2.9", 40001, ICMP), 1, R(NO_MATCH), 0);
    expect(d, flow("10.0.0.3", 0, "192.0.2.9", 40001, UDP), 1, R(STATIC_REVERSE), 0);
}

/* The first row of a table is a hit as any other: addresses are tried until a key falls into bucket 0. */
static void reverse_row_zero(void **state)
{
    static const unsigned tables[] = {PORTCAM_TABLE_ENDPOINT, PORTCAM_TABLE_ENDPOINT_ANY_PORT};
    struct pc_device *d = *state;
    struct pc_tables *t = pc_device_tables_rw(d);
    set_domain(d, 0, RUNNING, PASS);
    for (unsigned i = 0; i < 2; i++) {
        char ip[32] = "";
        for (unsigned n = 0; !pc_tables_get(t, tables[i], 0); n++) {
            snprintf(ip, sizeof(ip), "10.%u.%u.%u", 1 + i, n >> 8, n & 255);
            struct portcam_endpoint_row r = {.family = 4, .protocol = TCP};
            ip_bytes(ip, r.ip);
            r.port = i == 0 ? 8080 : 0;
            if (pc_endpoint_bucket(0, &r, pc_tables_rows(t, tables[i]) / 4) == 0)
                set_endpoint(d, &(struct endpoint_spec){.ip = ip,
                                                        .protocol = TCP,
                                                        .port = i == 0 ? 8080 : ANY,
                                                        .service = 1,
                                                        .public_ip = "198.51.100.1"});
        }
        set_endpoint(d, &(struct endpoint_spec){.ip = ip,
                                                .protocol = i == 0 ? TCP : ANY,
                                                .port = ANY,
                                                .service = 2,
                                                .public_ip = "198.51.100.2"});
        world_build(d);
        struct frame f = flow(ip, 8080, "192.0.2.9", 40001, TCP);
        struct pc_decision v = send_frame(d, &f, 1);
        assert_int_equal(v.endpoint_table, tables[i]);
        assert_int_equal(v.endpoint_row, 0);
        assert_int_equal(v.service, 1);
    }
}

/* Endpoint rows with the bytes of an IPv4 address in an IPv6 one, and the other way round. */
static void reverse_family(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, PASS);
    struct endpoint_spec e = {.ip = "0a00:0001::",
                              .protocol = TCP,
                              .port = 8080,
                              .public_ip = "2001:db8::1",
                              .public_port = 80};
    set_endpoint(d, &e);
    world_build(d);
    expect(d, flow("10.0.0.1", 8080, "192.0.2.9", 40001, TCP), 1, R(NO_MATCH), 0);
    expect(d, flow("0a00:0001::", 8080, "2001:db8::9", 40001, TCP), 1, R(STATIC_REVERSE), 0);
}

static void strict(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = TCP,
                              .port = 81,
                              .service = 1,
                              .public_ip = "198.51.100.1",
                              .public_port = 80};
    set_endpoint(d, &e);
    world_build(d);
    /* Without strict a stranger's direct connection to port 81 is translated too. */
    struct frame f = flow("10.0.0.1", 81, "192.0.2.77", 40001, TCP), before = f;
    expect(d, f, 1, R(STATIC_REVERSE), 0);
    struct pc_device *s = new_device();
    set_domain(s, 0, RUNNING, DROP);
    e.flags = PORTCAM_ENDPOINT_ROW_STRICT;
    set_endpoint(s, &e);
    world_build(s);
    struct pc_decision v = send_frame(s, &f, 1);
    assert_int_equal(v.reason, R(STRICT_PASS));
    assert_int_equal(v.egress, 0);
    assert_memory_equal(f.b, before.b, f.len);
    pc_device_free(s);
}

static void service_before_endpoint(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    set_service(d, 0, 0, 0, TCP, 80, STATIC, 0, 0);
    set_backend(d, 0, "10.0.0.2", 8080, NULL, 2);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = TCP,
                              .port = 81,
                              .service = 1,
                              .public_ip = "198.51.100.1",
                              .public_port = 82};
    set_endpoint(d, &e);
    world_build(d);
    /* A server that is a client of a service of its own device: forward wins, hairpin. */
    expect(d, flow("10.0.0.1", 81, "198.51.100.1", 80, TCP), 1, R(STATIC_FORWARD), 2);
    /* An address without that service: the endpoint is tried before the policy. */
    expect(d, flow("10.0.0.1", 81, "198.51.100.1", 99, TCP), 1, R(STATIC_REVERSE), 0);
    expect(d, flow("10.0.0.1", 82, "198.51.100.1", 99, TCP), 1, R(UNKNOWN_DROP), -1);
}

static void hairpin_reply(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_function(d, 1, MacOne, ANY, false);
    set_function(d, 3, MacTwo, ANY, false);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = TCP,
                              .port = 81,
                              .public_ip = "198.51.100.1",
                              .public_port = 80};
    set_endpoint(d, &e);
    world_build(d);
    struct frame f = flow("10.0.0.1", 81, "10.0.0.9", 40001, TCP); /* to the MAC of function 1 */
    expect(d, f, 3, R(STATIC_REVERSE), 1); /* the client is on another function */
    expect(d, f, 1, R(STATIC_REVERSE), 0); /* its own MAC: not back to itself */
    expect(d, f, 0, R(STATIC_REVERSE), 1); /* a server on the network */
    memcpy(f.b, MacClient, 6);
    expect(d, f, 3, R(STATIC_REVERSE), 0);
    expect(d, f, 0, R(STATIC_REVERSE), 1); /* no MAC matches: default egress */
}

static void reverse_slow_path(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = SCTP,
                              .port = 81,
                              .public_ip = "198.51.100.1",
                              .public_port = 80};
    struct endpoint_spec any = {
        .ip = "10.0.0.2", .protocol = ANY, .port = ANY, .public_ip = "198.51.100.2"};
    set_endpoint(d, &e);
    set_endpoint(d, &any);
    world_build(d);
    expect(d, flow("10.0.0.1", 81, "192.0.2.9", 1, SCTP), 1, R(SCTP_PORTS), 0);
    expect(d, flow("10.0.0.2", 81, "192.0.2.9", 1, SCTP), 1, R(STATIC_REVERSE), 0);
    expect(d, flow("10.0.0.2", 81, "192.0.2.9", 1, DCCP), 1, R(OTHER_CHECKSUM), 0);
    expect(d, flow("10.0.0.2", 81, "192.0.2.9", 1, UDP_LITE), 1, R(OTHER_CHECKSUM), 0);
}

static void endpoint_empty_domain(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = TCP,
                              .port = 81,
                              .domain = 5,
                              .public_ip = "198.51.100.1",
                              .public_port = 80};
    set_endpoint(d, &e);
    world_build(d);
    expect(d, flow("10.0.0.1", 81, "192.0.2.9", 1, TCP), 1, R(NO_MATCH), 0);
    struct frame f = flow("10.0.0.1", 81, "198.51.100.1", 1, TCP);
    struct pc_decision v = send_frame(d, &f, 1);
    assert_int_equal(v.reason, R(UNKNOWN_DROP)); /* a miss: the address's policy */
    assert_false(v.reply);
    assert_int_equal(v.domain, 0);
}

/* Four rows of one bucket and none for a fifth key: full keys are compared, not their hash. */
static void full_keys(void **state)
{
    struct pc_device *d = *state;
    struct pc_tables *t = pc_device_tables_rw(d);
    const unsigned table = PORTCAM_TABLE_ENDPOINT;
    unsigned buckets = pc_tables_rows(t, table) / pc_tables_sizes(t)->endpoint_ways;
    unsigned found = 0, ports[5];
    set_domain(d, 0, RUNNING, DROP);
    for (unsigned port = 1; found < 5 && port < 65536; port++) {
        struct portcam_endpoint_row r = {.family = 4,
                                         .protocol = TCP,
                                         .port = (uint16_t)port,
                                         .public_port = (uint16_t)(port ^ 1)};
        ip_bytes("10.0.0.1", r.ip);
        if (pc_endpoint_bucket(0, &r, buckets) != 77)
            continue;
        if (found < 4)
            pc_tables_set(t, table, found * buckets + 77, &r);
        ports[found++] = port;
    }
    assert_int_equal(found, 5);
    world_build(d);
    for (unsigned i = 0; i < 5; i++) {
        struct frame f = flow("10.0.0.1", ports[i], "192.0.2.9", 1, TCP);
        struct pc_decision v = send_frame(d, &f, 1);
        assert_int_equal(v.reason, i < 4 ? R(STATIC_REVERSE) : R(NO_MATCH));
        if (i < 4)
            assert_int_equal(v.endpoint_row, (int)(i * buckets + 77));
    }
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

/* The reply's state is that of the endpoint's domain, not of the address that the reply goes to. */
static void reply_domain_state(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, PORTCAM_DOMAIN_STATE_PAUSED, DROP);
    set_domain(d, 1, RUNNING, DROP);
    set_address(d, 0, "198.51.100.1", 32, ANY, 0, 0);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = TCP,
                              .port = 8080,
                              .domain = 1,
                              .public_ip = "198.51.100.2",
                              .public_port = 80};
    set_endpoint(d, &e);
    world_build(d);
    expect(d, flow("10.0.0.1", 8080, "198.51.100.1", 1, TCP), 1, R(STATIC_REVERSE), 0);
    set_domain(d, 1, PORTCAM_DOMAIN_STATE_PAUSED, DROP);
    world_build(d);
    expect(d, flow("10.0.0.1", 8080, "192.0.2.9", 1, TCP), 1, R(PAUSED_DROP), -1);
}

/* Strict and slow-path reasons come after the domain's state. */
static void state_before_strict(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 0, PORTCAM_DOMAIN_STATE_PAUSED, DROP);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = SCTP,
                              .port = 8080,
                              .flags = 1,
                              .public_ip = "198.51.100.2",
                              .public_port = 80};
    set_endpoint(d, &e);
    world_build(d);
    expect(d, flow("10.0.0.1", 8080, "192.0.2.9", 1, SCTP), 1, R(PAUSED_DROP), -1);
    set_domain(d, 0, RUNNING, DROP);
    world_build(d);
    expect(d, flow("10.0.0.1", 8080, "192.0.2.9", 1, SCTP), 1, R(STRICT_PASS), 0);
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
        TEST("P3 the lowest matching address row wins", lowest_address_row),
        TEST("P3 every prefix length, IPv4 and IPv6, at its last bit", prefix_lengths),
        TEST("P3 IPv4 and IPv6 rows never match each other's packets", families_apart),
        TEST("P3 F.8 VLAN rows: equal or any; a priority tag is untagged", vlan_rows),
        TEST("P3 an address whose domain row is empty is no match", empty_domain),
        TEST("P2 P3 F.28 loopback matches from a function with a domain, never from the wire",
             loopback),
        TEST("P4 a service row matches its own domain and address or ANY",
             any_service_matches_numbers),
        TEST("P4 precedence of all eight combinations: port, address, protocol", precedence),
        TEST("P4 each of the eight combinations alone matches what it should", each_combination),
        TEST("P4 protocols without ports match no row that names a port, not even 0", port_zero),
        TEST("P4 unknown-service policy pass and drop", unknown_policy),
        TEST("P5 static and deliver: egress, IP version, missing backend", modes),
        TEST("P5 SCTP port change, DCCP and UDP-Lite pass for the slow path", slow_path_protocols),
        TEST("P9 exact endpoint before any port before any protocol", reverse_order),
        TEST("P9 row 0 of an endpoint table is a hit", reverse_row_zero),
        TEST("P9 endpoint keys of the two IP versions are apart", reverse_family),
        TEST("P9 F.19 strict off translates strangers, strict on leaves them bit for bit", strict),
        TEST("P9 F.20 forward is tried first, the endpoint before the policy",
             service_before_endpoint),
        TEST("P9 F.20 hairpin replies go to the function of their MAC, never back", hairpin_reply),
        TEST("P9 replies that need the slow path pass with their reason", reverse_slow_path),
        TEST("P9 an endpoint whose domain row is empty is a miss", endpoint_empty_domain),
        TEST("P9 F.16 rows of one bucket are told apart by the full key", full_keys),
        TEST("section 6 the four domain states, forward, unknown, reply; another domain unaffected",
             domain_states),
        TEST("section 6 a reply follows the state of its endpoint's domain", reply_domain_state),
        TEST("section 6 the state decides before strict does", state_before_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
