// SPDX-License-Identifier: Apache-2.0
/* P3 of docs/pipeline.md: which address row a packet matches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "decide_world.h"

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

/* ---- section 6 ---- */

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("P3 the lowest matching address row wins", lowest_address_row),
        TEST("P3 every prefix length, IPv4 and IPv6, at its last bit", prefix_lengths),
        TEST("P3 IPv4 and IPv6 rows never match each other's packets", families_apart),
        TEST("P3 F.8 VLAN rows: equal or any; a priority tag is untagged", vlan_rows),
        TEST("P3 an address whose domain row is empty is no match", empty_domain),
        TEST("P2 P3 F.28 loopback matches from a function with a domain, never from the wire",
             loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
