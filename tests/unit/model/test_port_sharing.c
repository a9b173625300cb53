// SPDX-License-Identifier: Apache-2.0
/* Port sharing as its source tells it (rows S0.n): a table of two columns, shared and configured (address, port); packets
 * in are looked up in the first and get the second, packets out the other way round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sim/rng.h"
#include "world.h"

#define R(name) PORTCAM_REASON_##name

enum { ROWS = 5 };

/* Column 1: shared. Column 2: configured. dom1 and dom2 share port 80; the first has two processes more. */
static const struct row {
    const char *shared_ip;
    unsigned shared_port;
    const char *own_ip;
    unsigned own_port;
    unsigned domain;
} Table[ROWS] = {
    {"198.51.100.1", 80, "198.51.100.1", 81, 0},  /* only the port changes */
    {"198.51.100.2", 80, "198.51.100.2", 82, 1},  /* the same shared port, another domain */
    {"198.51.100.1", 443, "198.51.100.1", 83, 0}, /* one domain, another shared port */
    {"198.51.100.3", 80, "10.0.0.7", 8080, 2},    /* address and port change */
    {"198.51.100.4", 25, "10.0.0.7", 25, 2},      /* only the address changes */
};

static int setup(void **state)
{
    static const char *const addresses[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3",
                                            "198.51.100.4"};
    struct pc_device *d = new_device();
    *state = d;
    if (!d)
        return -1;
    for (unsigned i = 0; i < 3; i++)
        set_domain(d, i, 0, PORTCAM_POLICY_PASS);
    for (unsigned i = 0; i < 4; i++)
        set_address(d, i, addresses[i], 32, ANY, i, i < 2 ? i : 2);
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *r = &Table[i];
        unsigned address = 0;
        while (strcmp(addresses[address], r->shared_ip) != 0)
            address++;
        for (unsigned udp = 0; udp < 2; udp++) {
            struct endpoint_spec e = {.ip = r->own_ip,
                                      .port = (int)r->own_port,
                                      .public_ip = r->shared_ip,
                                      .public_port = r->shared_port,
                                      .protocol = udp ? UDP : TCP,
                                      .domain = r->domain,
                                      .address = address,
                                      .service = i,
                                      .backend = i};
            set_endpoint(d, &e);
        }
        set_service(d, i, r->domain, (int)address, ANY, (int)r->shared_port, PORTCAM_MODE_STATIC, i,
                    i);
        set_backend(d, i, r->own_ip, r->own_port, NULL, 1);
    }
    world_build(d);
    return 0;
}

static int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

static struct frame make(const char *src, unsigned sport, const char *dst, unsigned dport,
                         uint8_t protocol)
{
    struct frame_spec s = {.src = src,
                           .dst = dst,
                           .sport = (uint16_t)sport,
                           .dport = (uint16_t)dport,
                           .protocol = protocol,
                           .payload = "GET / HTTP/1.0\r\n\r\n",
                           .payload_len = 18};
    return build_frame(&s);
}

static void expect_in(struct pc_device *d, const struct row *r, uint8_t protocol, unsigned ingress)
{
    struct frame f = make("192.0.2.9", 40001, r->shared_ip, r->shared_port, protocol);
    struct frame want = make("192.0.2.9", 40001, r->own_ip, r->own_port, protocol);
    assert_int_equal(send_frame(d, &f, ingress).reason, R(STATIC_FORWARD));
    assert_memory_equal(f.b, want.b, want.len);
}

static void expect_out(struct pc_device *d, const struct row *r, uint8_t protocol, unsigned ingress)
{
    struct frame f = make(r->own_ip, r->own_port, "192.0.2.9", 40001, protocol);
    struct frame want = make(r->shared_ip, r->shared_port, "192.0.2.9", 40001, protocol);
    assert_int_equal(send_frame(d, &f, ingress).reason, R(STATIC_REVERSE));
    assert_memory_equal(f.b, want.b, want.len);
}

static void inbound(void **state)
{
    for (unsigned i = 0; i < ROWS; i++)
        expect_in(*state, &Table[i], TCP, 0);
}

static void outbound(void **state)
{
    for (unsigned i = 0; i < ROWS; i++)
        expect_out(*state, &Table[i], TCP, 1);
}

static void unchanged(struct pc_device *d, struct frame f, unsigned ingress, unsigned egress)
{
    struct frame before = f;
    struct pc_decision v = send_frame(d, &f, ingress);
    assert_false(v.drop);
    assert_int_equal(v.egress, egress);
    assert_int_equal(f.len, before.len);
    assert_memory_equal(f.b, before.b, sizeof(f.b));
}

/* All that misses column 1 by a little: a port, an address, a protocol, both exchanged, the configured side from outside. */
static void inbound_miss(void **state)
{
    struct pc_device *d = *state;
    static const uint8_t protocols[] = {TCP, UDP};
    for (unsigned p = 0; p < 2; p++) {
        unchanged(d, make("192.0.2.9", 40001, "198.51.100.1", 79, protocols[p]), 0, 1);
        unchanged(d, make("192.0.2.9", 40001, "198.51.100.1", 82, protocols[p]), 0, 1);
        unchanged(d, make("192.0.2.9", 40001, "198.51.100.5", 80, protocols[p]), 0, 1);
        unchanged(d, make("192.0.2.9", 80, "198.51.100.2", 40001, protocols[p]), 0, 1);
        unchanged(d, make("198.51.100.1", 80, "192.0.2.9", 40001, protocols[p]), 0, 1);
        unchanged(d, make("192.0.2.9", 40001, "10.0.0.7", 8080, protocols[p]), 0, 1);
    }
    unchanged(d, make("192.0.2.9", 0, "198.51.100.1", 0, 50), 0, 1); /* ESP */
}

static void outbound_miss(void **state)
{
    struct pc_device *d = *state;
    static const uint8_t protocols[] = {TCP, UDP};
    for (unsigned p = 0; p < 2; p++) {
        unchanged(d, make("198.51.100.1", 80, "192.0.2.9", 40001, protocols[p]), 1, 0);
        unchanged(d, make("198.51.100.1", 84, "192.0.2.9", 40001, protocols[p]), 1, 0);
        unchanged(d, make("198.51.100.2", 81, "192.0.2.9", 40001, protocols[p]), 1, 0);
        unchanged(d, make("10.0.0.7", 8081, "192.0.2.9", 40001, protocols[p]), 1, 0);
        unchanged(d, make("10.0.0.8", 8080, "192.0.2.9", 40001, protocols[p]), 1, 0);
    }
    unchanged(d, make("10.0.0.7", 0, "192.0.2.9", 0, 50), 1, 0);
}

/* Any frame at all that does not parse or match, of any length, comes out as it went in. */
static void noise(void **state)
{
    struct pc_rng r = pc_rng_stream(1, "noise");
    printf("# seed 1\n");
    for (int i = 0; i < 50000; i++) {
        struct frame f = make("192.0.2.9", 40001, "203.0.113.9", 80, TCP);
        f.len = 1 + pc_rng_below(&r, 200);
        if (i & 1)
            pc_rng_bytes(&r, f.b, sizeof(f.b));
        else
            f.b[pc_rng_below(&r, 60)] = (uint8_t)pc_rng_next(&r);
        unsigned ingress = pc_rng_below(&r, 3);
        unchanged(*state, f, ingress, ingress ? 0 : 1);
    }
}

static void stateless(void **state)
{
    struct pc_rng r = pc_rng_stream(2, "clients");
    printf("# seed 2\n");
    for (int i = 0; i < 20000; i++) {
        const struct row *row = &Table[pc_rng_below(&r, ROWS)];
        char client[32];
        unsigned port = pc_rng_below(&r, 65536);
        snprintf(client, sizeof(client), "192.%u.%u.%u", pc_rng_below(&r, 256),
                 pc_rng_below(&r, 256), pc_rng_below(&r, 256));
        /* A reply before any request, requests in the middle of a connection: no record is needed. */
        struct frame out = make(row->own_ip, row->own_port, client, port, TCP);
        struct frame want = make(row->shared_ip, row->shared_port, client, port, TCP);
        assert_int_equal(send_frame(*state, &out, 1).reason, R(STATIC_REVERSE));
        assert_memory_equal(out.b, want.b, want.len);
        struct frame in = make(client, port, row->shared_ip, row->shared_port, TCP);
        in.b[in.l4 + 13] = (uint8_t)pc_rng_next(&r); /* any flags */
        fix_sums(&in);
        assert_int_equal(send_frame(*state, &in, 0).reason, R(STATIC_FORWARD));
        assert_true(sums_are_right(&in));
    }
}

static void round_trip(void **state)
{
    struct pc_device *d = *state;
    for (unsigned i = 0; i < ROWS; i++) {
        const struct row *r = &Table[i];
        struct frame in = make("192.0.2.9", 40001, r->shared_ip, r->shared_port, TCP);
        send_frame(d, &in, 0);
        /* The server answers to what it saw: source and destination exchanged. */
        char ip[2][16];
        inet_ntop(AF_INET, in.b + in.l3 + 12, ip[0], 16);
        inet_ntop(AF_INET, in.b + in.l3 + 16, ip[1], 16);
        struct frame out = make(ip[1], get16(in.b + in.l4 + 2), ip[0], get16(in.b + in.l4), TCP);
        send_frame(d, &out, 1);
        struct frame want = make(r->shared_ip, r->shared_port, "192.0.2.9", 40001, TCP);
        assert_memory_equal(out.b, want.b, want.len);
    }
}

static void other_protocols(void **state)
{
    for (unsigned i = 0; i < ROWS; i++) {
        expect_in(*state, &Table[i], UDP, 0);
        expect_out(*state, &Table[i], UDP, 1);
    }
    expect_in(*state, &Table[4], SCTP, 0); /* the port does not change */
    struct frame f = make("192.0.2.9", 40001, "198.51.100.1", 80, SCTP);
    unchanged(*state, f, 0, 1); /* it would: CRC32c covers the payload */
    assert_int_equal(send_frame(*state, &f, 0).reason, R(SCTP_PORTS));
}

static void every_adapter(void **state)
{
    for (unsigned ingress = 0; ingress < PORTCAM_BUILD_FUNCTIONS; ingress++) {
        for (unsigned i = 0; i < ROWS; i++) {
            expect_in(*state, &Table[i], TCP, ingress);
            expect_out(*state, &Table[i], TCP, ingress);
        }
    }
}

/* A thousand domains' rows in one table of a card that has as many: each finds its own. */
static void scale(void **state)
{
    (void)state;
    struct pc_sizes sizes = pc_sizes_default();
    sizes.domains = sizes.addresses = 1024;
    struct pc_device *d = pc_device_new(&sizes);
    char shared[32], own[32];
    assert_non_null(d);
    for (unsigned i = 0; i < 1024; i++) {
        snprintf(shared, sizeof(shared), "198.51.%u.%u", i >> 8, i & 255);
        struct endpoint_spec e = {.ip = shared,
                                  .public_ip = shared,
                                  .protocol = TCP,
                                  .port = (int)(1024 + i),
                                  .public_port = 80,
                                  .domain = i,
                                  .address = i,
                                  .service = i,
                                  .backend = i};
        set_domain(d, i, 0, PORTCAM_POLICY_DROP);
        set_address(d, i, shared, 32, ANY, i, i);
        set_service(d, i, i, (int)i, TCP, 80, PORTCAM_MODE_STATIC, i, i);
        set_backend(d, i, shared, 1024 + i, NULL, 1 + i % 15);
        set_endpoint(d, &e);
    }
    world_build(d);
    for (unsigned i = 0; i < 1024; i++) {
        snprintf(own, sizeof(own), "198.51.%u.%u", i >> 8, i & 255);
        struct row r = {own, 80, own, 1024 + i, i};
        expect_in(d, &r, TCP, 0);
        expect_out(d, &r, TCP, 1 + i % 15);
    }
    pc_device_free(d);
}

/* Two rows with one column 2 cannot stand in the endpoint table: a key has one row, the second would never win. */
static void second_column_is_a_key(void **state)
{
    struct pc_device *d = *state;
    struct endpoint_spec twin = {.ip = "10.0.0.7",
                                 .port = 8080,
                                 .protocol = TCP,
                                 .domain = 1,
                                 .public_ip = "198.51.100.2",
                                 .public_port = 99,
                                 .address = 1,
                                 .service = 9,
                                 .backend = 9};
    set_endpoint(d, &twin);
    world_build(d);
    expect_out(d, &Table[3], TCP, 1);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("S0.5 S0.6 S0.10 S0.11 S0.12 inbound: (address, port) finds its row and becomes "
             "column 2",
             inbound),
        TEST("S0.15 S0.16 S0.17 outbound: (address, port) of column 2 becomes column 1", outbound),
        TEST("S0.13 inbound without a match passes bit for bit", inbound_miss),
        TEST("S0.18 outbound without a match passes bit for bit", outbound_miss),
        TEST("S0.13 S0.18 P12 random and damaged frames pass bit for bit", noise),
        TEST("S0.21 one row serves every client, without a record, in any order", stateless),
        TEST("S0.3 S0.27 the client sees only the shared side, the server only its own",
             round_trip),
        TEST("S0.23 UDP is mapped as TCP is; SCTP where the port stays", other_protocols),
        TEST("S0.28 the mapping applies on every function", every_adapter),
        TEST("S0.26 a thousand domains, each with its row", scale),
        TEST("S0.22 column 2 is a key: the lowest row of a bucket wins", second_column_is_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
