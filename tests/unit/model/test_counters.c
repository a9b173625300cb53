// SPDX-License-Identifier: Apache-2.0
/* Counters against docs/pipeline.md section 5: after each frame the whole of all counter tables is compared, so that a row
 * that should not have counted is noticed too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "world.h"

#define R(name) PORTCAM_REASON_##name

/* What one frame must count; -1: nothing. Numbers of objects, not rows. */
struct want {
    unsigned reason, rx;
    int tx, domain, address, service, backend;
    bool reply;
};

enum { TABLES = PORTCAM_COUNTER_TABLE_MAX, MOST_ROWS = 2 * PORTCAM_BUILD_BACKENDS };
static struct portcam_counter_row Expected[TABLES][MOST_ROWS];

static void add(unsigned table, int row, size_t octets)
{
    if (row < 0)
        return;
    Expected[table][row].packets++;
    Expected[table][row].octets += octets;
}

static void check(struct pc_device *d, struct frame f, const struct want *w)
{
    send_frame(d, &f, w->rx);
    add(PORTCAM_COUNTER_TABLE_REASON, (int)w->reason, f.len);
    add(PORTCAM_COUNTER_TABLE_FUNCTION_RX, (int)w->rx, f.len);
    add(PORTCAM_COUNTER_TABLE_FUNCTION_TX, w->tx, f.len);
    add(PORTCAM_COUNTER_TABLE_DOMAIN, w->domain < 0 ? -1 : 2 * w->domain + w->reply, f.len);
    add(PORTCAM_COUNTER_TABLE_ADDRESS, w->address < 0 ? -1 : 2 * w->address + w->reply, f.len);
    add(PORTCAM_COUNTER_TABLE_SERVICE, w->service < 0 ? -1 : 2 * w->service + w->reply, f.len);
    add(PORTCAM_COUNTER_TABLE_BACKEND, w->backend < 0 ? -1 : 2 * w->backend + w->reply, f.len);
    for (unsigned table = 0; table < TABLES; table++) {
        for (unsigned row = 0; row < pc_device_counter_rows(d, table); row++) {
            struct portcam_counter_row is = pc_device_counter(d, table, row);
            if (memcmp(&is, &Expected[table][row], sizeof(is)) != 0)
                print_message("# reason %u: table %u row %u has %llu packets\n", w->reason, table,
                              row, (unsigned long long)is.packets);
            assert_memory_equal(&is, &Expected[table][row], sizeof(is));
        }
    }
}

static int setup(void **state)
{
    struct pc_device *d = new_device();
    *state = d;
    memset(Expected, 0, sizeof(Expected));
    if (!d)
        return -1;
    set_domain(d, 3, 0, PORTCAM_POLICY_PASS);
    set_domain(d, 4, 0, PORTCAM_POLICY_DROP);
    set_function(d, 2, NULL, 3, false);
    set_address(d, 0, "198.51.100.1", 32, ANY, 11, 3);
    set_address(d, 1, "198.51.100.2", 32, ANY, 12, 4);
    set_address(d, 2, "198.51.100.3", 32, ANY, 13, 9); /* its domain has no row */
    set_service(d, 0, 3, 11, TCP, 80, PORTCAM_MODE_STATIC, 21, 31);
    set_service(d, 1, 3, 11, TCP, 81, PORTCAM_MODE_DELIVER, 22, 32);
    set_service(d, 2, 3, 11, TCP, 82, PORTCAM_MODE_STATIC, 23, 33); /* no backend row */
    set_service(d, 3, 3, 11, SCTP, 83, PORTCAM_MODE_STATIC, 24, 31);
    set_service(d, 4, 3, ANY, TCP, 84, PORTCAM_MODE_DELIVER, 25, 32);
    set_service(d, 5, 3, 11, DCCP, ANY, PORTCAM_MODE_STATIC, 26, 31);
    set_backend(d, 31, "10.0.0.1", 8080, NULL, 5);
    set_backend(d, 32, "10.0.0.2", 0, NULL, 6);
    struct endpoint_spec e = {.ip = "10.0.0.1",
                              .protocol = TCP,
                              .port = 8080,
                              .domain = 3,
                              .public_ip = "198.51.100.1",
                              .public_port = 80,
                              .address = 11,
                              .service = 21,
                              .backend = 31};
    set_endpoint(d, &e);
    e.port = 8081;
    e.flags = PORTCAM_ENDPOINT_ROW_STRICT;
    e.service = 27;
    set_endpoint(d, &e);
    e.flags = 0;
    e.protocol = SCTP;
    set_endpoint(d, &e);
    world_build(d);
    return 0;
}

static int teardown(void **state)
{
    pc_device_free(*state);
    return 0;
}

static struct frame flow(const char *src, unsigned sport, const char *dst, unsigned dport,
                         uint8_t protocol)
{
    return build_frame(&(struct frame_spec){.dmac = {2},
                                            .src = src,
                                            .dst = dst,
                                            .dport = (uint16_t)dport,
                                            .sport = (uint16_t)sport,
                                            .protocol = protocol,
                                            .payload = "12345678",
                                            .payload_len = 8,
                                            .pad = 3});
}

static void forward(void **state)
{
    struct pc_device *d = *state;
    const char *c = "192.0.2.9", *p = "198.51.100.1";
    check(d, flow(c, 1, p, 80, TCP), &(struct want){R(STATIC_FORWARD), 0, 5, 3, 11, 21, 31, false});
    check(d, flow(c, 1, p, 80, TCP), &(struct want){R(STATIC_FORWARD), 0, 5, 3, 11, 21, 31, false});
    check(d, flow(c, 1, p, 81, TCP), &(struct want){R(DELIVER), 0, 6, 3, 11, 22, 32, false});
    check(d, flow(c, 1, p, 82, TCP), &(struct want){R(NO_BACKEND), 0, -1, 3, 11, 23, -1, false});
    check(d, flow(c, 1, p, 83, SCTP), &(struct want){R(SCTP_PORTS), 0, 1, 3, 11, 24, -1, false});
    check(d, flow(c, 1, p, 0, DCCP), &(struct want){R(OTHER_CHECKSUM), 0, 1, 3, 11, 26, -1, false});
    check(d, flow(c, 1, p, 99, TCP), &(struct want){R(UNKNOWN_PASS), 0, 1, 3, 11, -1, -1, false});
    check(d, flow(c, 1, "198.51.100.2", 99, TCP),
          &(struct want){R(UNKNOWN_DROP), 0, -1, 4, 12, -1, -1, false});
    check(d, flow(c, 1, "198.51.100.3", 80, TCP),
          &(struct want){R(NO_MATCH), 0, 1, -1, -1, -1, -1, false});
    check(d, flow(c, 1, "203.0.113.1", 80, TCP),
          &(struct want){R(NO_MATCH), 0, 1, -1, -1, -1, -1, false});
    /* A loopback destination of the source domain: no address is counted. */
    check(d, flow(c, 1, "127.0.0.1", 84, TCP),
          &(struct want){R(DELIVER), 2, 6, 3, -1, 25, 32, false});
    check(d, flow(c, 1, "127.0.0.1", 99, TCP),
          &(struct want){R(UNKNOWN_PASS), 2, 0, 3, -1, -1, -1, false});
}

static void reverse(void **state)
{
    struct pc_device *d = *state;
    const char *c = "192.0.2.9", *b = "10.0.0.1";
    check(d, flow(b, 8080, c, 1, TCP),
          &(struct want){R(STATIC_REVERSE), 5, 0, 3, 11, 21, 31, true});
    check(d, flow(b, 8081, c, 1, TCP), &(struct want){R(STRICT_PASS), 5, 0, 3, 11, 27, 31, true});
    check(d, flow(b, 8081, c, 1, SCTP), &(struct want){R(SCTP_PORTS), 5, 0, 3, 11, 27, 31, true});
    /* To an address of another domain without a service there: only the endpoint's rows count. */
    check(d, flow(b, 8080, "198.51.100.2", 99, TCP),
          &(struct want){R(STATIC_REVERSE), 5, 0, 3, 11, 21, 31, true});
    /* With a service there: only the service's. */
    check(d, flow(b, 8080, "198.51.100.1", 80, TCP),
          &(struct want){R(STATIC_FORWARD), 5, 5, 3, 11, 21, 31, false});
}

static void states(void **state)
{
    struct pc_device *d = *state;
    set_domain(d, 3, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_DROP);
    world_build(d);
    const char *c = "192.0.2.9", *p = "198.51.100.1", *b = "10.0.0.1";
    check(d, flow(c, 1, p, 80, TCP), &(struct want){R(PAUSED_DROP), 0, -1, 3, 11, 21, -1, false});
    check(d, flow(b, 8080, c, 1, TCP), &(struct want){R(PAUSED_DROP), 5, -1, 3, 11, 21, 31, true});
    check(d, flow(c, 1, p, 99, TCP), &(struct want){R(PAUSED_DROP), 0, -1, 3, 11, -1, -1, false});
    set_domain(d, 3, PORTCAM_DOMAIN_STATE_STOPPED, PORTCAM_POLICY_PASS);
    world_build(d);
    check(d, flow(c, 1, p, 80, TCP), &(struct want){R(STOPPED_PASS), 0, 1, 3, 11, 21, -1, false});
    check(d, flow(c, 1, p, 99, TCP), &(struct want){R(STOPPED_PASS), 0, 1, 3, 11, -1, -1, false});
    check(d, flow(b, 8080, c, 1, TCP), &(struct want){R(STOPPED_PASS), 5, 0, 3, 11, 21, 31, true});
}

static void undecided(void **state)
{
    struct pc_device *d = *state;
    struct frame f = flow("192.0.2.9", 1, "198.51.100.1", 80, TCP);
    put16(f.b + 20, 0x2000);
    check(d, f, &(struct want){R(FRAGMENT), 4, 0, -1, -1, -1, -1, false});
    f.b[14] = 0x44;
    check(d, f, &(struct want){R(UNPARSED_IHL), 4, 0, -1, -1, -1, -1, false});
    f.len = 1;
    check(d, f, &(struct want){R(UNPARSED_SHORT), 0, 1, -1, -1, -1, -1, false});
}

static void oversize(void **state)
{
    static uint8_t frame[PORTCAM_BUILD_MAX_FRAME + 1];
    struct pc_decision v;
    pc_device_packet(*state, frame, sizeof(frame), 7, 0, NULL, &v, NULL);
    assert_true(v.drop);
    struct portcam_counter_row reason =
        pc_device_counter(*state, PORTCAM_COUNTER_TABLE_REASON, R(OVERSIZE));
    struct portcam_counter_row rx = pc_device_counter(*state, PORTCAM_COUNTER_TABLE_FUNCTION_RX, 7);
    struct portcam_counter_row tx = pc_device_counter(*state, PORTCAM_COUNTER_TABLE_FUNCTION_TX, 0);
    assert_int_equal(reason.packets, 1);
    assert_int_equal(reason.octets, sizeof(frame));
    assert_int_equal(rx.octets, sizeof(frame));
    assert_int_equal(tx.packets, 0);
}

static void explain(void **state)
{
    struct frame f = flow("192.0.2.9", 1, "198.51.100.1", 80, TCP), before = f;
    struct pc_parsed p;
    struct pc_decision v, w;
    pc_device_explain(*state, f.b, f.len, 0, &p, &v);
    assert_memory_equal(f.b, before.b, sizeof(f.b));
    assert_int_equal(v.reason, R(STATIC_FORWARD));
    assert_int_equal(pc_device_counter(*state, PORTCAM_COUNTER_TABLE_REASON, v.reason).packets, 0);
    w = send_frame(*state, &f, 0);
    assert_int_equal(w.reason, v.reason);
    assert_int_equal(w.service_row, v.service_row);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("section 5 packets to services: reason, functions, domain, address, service, backend",
             forward),
        TEST("section 5 replies count the endpoint's rows and nothing of the destination's",
             reverse),
        TEST("section 5 section 6 paused and stopped domains", states),
        TEST("section 5 what is not parsed counts reason and functions only", undecided),
        TEST("section 5 an oversize frame counts its ingress", oversize),
        TEST("explain changes and counts nothing and decides the same", explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
