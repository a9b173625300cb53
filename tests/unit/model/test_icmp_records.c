// SPDX-License-Identifier: Apache-2.0
/* ICMP errors about packets of connections: docs/pipeline.md section 3, step 6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "stateful_world.h"

/* An error about a packet between client 192.0.2.`client` and one side of the shop. */
static struct frame shop_error(unsigned client, const char *side, unsigned port, bool from_client)
{
    char ip[16];
    snprintf(ip, sizeof(ip), "192.0.2.%u", client);
    struct frame inner = from_client ? tcp_frame(ip, 40000, side, port, ACK, 1)
                                     : tcp_frame(side, port, ip, 40000, ACK, 1);
    struct frame_spec s = {.src = "203.0.113.77",
                           .dst = from_client ? ip : side,
                           .protocol = ICMP,
                           .type = 3,
                           .code = 4,
                           .payload = inner.b + inner.l3,
                           .payload_len = 28};
    return build_frame(&s);
}

static void by_records(void **state)
{
    struct pc_device *d = *state;
    unsigned server = establish(d, 7);
    int slot = Last.record;
    struct pc_connection was = *record_of(d, slot);
    struct pc_backend_counters backend = pc_connections_backend(pc_device_connections(d), server);
    char ip[16];
    uint8_t bytes[16];
    snprintf(ip, sizeof(ip), "10.0.0.%u", server);
    ip_bytes(ip, bytes);
    Now += 5000;

    struct frame f = shop_error(7, "198.51.100.1", 80, false);
    assert_int_equal(pass_frame(d, &f, 0), R(ICMP_FORWARD));
    assert_int_equal(Last.record, slot);
    assert_int_equal(Last.egress, 1);
    assert_true(sums_are_right(&f));
    assert_memory_equal(f.b + f.l3 + 16, bytes, 4);
    assert_memory_equal(f.b + f.l4 + 8 + 12, bytes, 4);
    assert_int_equal(get16(f.b + f.l4 + 28), 8080);
    assert_int_equal(packets(d, PORTCAM_COUNTER_TABLE_SERVICE, 2), 3);
    assert_int_equal(packets(d, PORTCAM_COUNTER_TABLE_BACKEND, 2 * server), 3);

    f = shop_error(7, ip, 8080, true);
    assert_int_equal(pass_frame(d, &f, 1), R(ICMP_REVERSE));
    assert_int_equal(Last.egress, 0);
    assert_true(sums_are_right(&f));
    ip_bytes("198.51.100.1", bytes);
    assert_memory_equal(f.b + f.l3 + 12, bytes, 4);
    assert_memory_equal(f.b + f.l4 + 8 + 16, bytes, 4);
    assert_int_equal(get16(f.b + f.l4 + 30), 80);
    assert_int_equal(packets(d, PORTCAM_COUNTER_TABLE_SERVICE, 3), 2);

    assert_memory_equal(record_of(d, slot), &was, sizeof(was));
    struct pc_backend_counters now = pc_connections_backend(pc_device_connections(d), server);
    assert_memory_equal(&now, &backend, sizeof(now));
}

static void without_records(void **state)
{
    struct pc_device *d = *state;
    struct frame f = shop_error(7, "198.51.100.1", 80, false), same = f;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    for (unsigned no_record = 0; no_record < 4; no_record++) {
        s.no_record = (uint8_t)no_record;
        s.pick = PORTCAM_PICK_CLIENT_IP;
        put_service(d, 0, &s);
        assert_int_equal(pass_frame(d, &f, 0), R(ICMP_ERROR));
        assert_memory_equal(f.b, same.b, f.len);
    }
    s.pick = PORTCAM_PICK_COUNTER;
    s.no_record = 0;
    put_service(d, 0, &s);
    assert_int_equal(pass_frame(d, &f, 0), R(ICMP_ERROR));
    assert_int_equal(records(d), 0);
    unsigned first = establish(d, 8); /* the counter did not move */
    assert_int_equal(first, 1);
    f = shop_error(7, "10.0.0.1", 8080, true);
    assert_int_equal(pass_frame(d, &f, 1), R(ICMP_ERROR));
    put_endpoint(d, "10.0.0.9", TCP, 8080, 9, PORTCAM_ENDPOINT_ROW_ALONE);
    f = shop_error(7, "10.0.0.9", 8080, true);
    assert_int_equal(pass_frame(d, &f, 1), R(ICMP_REVERSE));
    assert_true(sums_are_right(&f));
    assert_int_equal(get16(f.b + f.l4 + 30), 80);
}

static void rows_of_records_gone(void **state)
{
    struct pc_device *d = *state;
    unsigned server = establish(d, 7);
    char ip[16];
    snprintf(ip, sizeof(ip), "10.0.0.%u", server);
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_PUBLIC, 0, NULL);
    struct frame f = shop_error(7, ip, 8080, true);
    assert_int_equal(pass_frame(d, &f, 1), R(ICMP_ERROR));
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_BACKEND, server, NULL);
    f = shop_error(7, "198.51.100.1", 80, false);
    assert_int_equal(pass_frame(d, &f, 0), R(ICMP_ERROR));
    assert_int_equal(records(d), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"P11 F.6 by records, which stay as they are", by_records, setup_shop, teardown_shop, NULL},
        {"P11 no record: no backend is chosen, no counter moves", without_records, setup_shop,
         teardown_shop, NULL},
        {"P11 the record's backend or public address is gone", rows_of_records_gone, setup_shop,
         teardown_shop, NULL},
    };
    return cmocka_run_group_tests_name("icmp_records", tests, NULL, NULL);
}
