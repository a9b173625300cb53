// SPDX-License-Identifier: Apache-2.0
/* P9 of docs/pipeline.md: endpoint rows, and what becomes of a reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "decide_world.h"

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
        TEST("section 6 a reply follows the state of its endpoint's domain", reply_domain_state),
        TEST("section 6 the state decides before strict does", state_before_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
