// SPDX-License-Identifier: Apache-2.0
/* Records without a packet: what explain says of them, age, commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stateful_world.h"

/* ---- explain ---- */

static void explain_changes_nothing(void **state)
{
    struct pc_device *d = *state;
    struct pc_parsed p;
    struct pc_decision v;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    for (unsigned pick = 0; pick < PORTCAM_PICK_MAX; pick++) {
        s.pick = (uint8_t)pick;
        put_service(d, 0, &s);
        for (unsigned n = 0; n < 20; n++) {
            char ip[16];
            snprintf(ip, sizeof(ip), "192.0.2.%u", 20 * pick + n);
            struct frame f = tcp_frame(ip, 40000, "198.51.100.1", 80, SYN, 1);
            for (unsigned again = 0; again < 2; again++)
                pc_device_explain(d, f.b, f.len, 0, &p, &v);
            assert_int_equal(v.reason, R(CONNECTION_NEW));
            assert_int_equal(v.record, -1);
            assert_int_equal(records(d), 20 * pick + n);
            assert_int_equal(pass_frame(d, &f, 0), v.reason);
            assert_int_equal(Last.index, v.index); /* and that is what happens */
            assert_int_equal(Last.backend, v.backend);
            f = tcp_frame(ip, 40000, "198.51.100.1", 80, FIN_ACK, 1);
            struct pc_connection before = *record_of(d, Last.record);
            pc_device_explain(d, f.b, f.len, 0, &p, &v);
            assert_int_equal(v.reason, R(CONNECTION_FORWARD));
            assert_int_equal(v.record, Last.record);
            assert_memory_equal(record_of(d, v.record), &before, sizeof(before));
        }
    }
    closed(d, 200);
    struct frame f = tcp_frame("192.0.2.200", 40000, "198.51.100.1", 80, SYN, 1);
    struct pc_connection before = *record_of(d, Last.record);
    pc_device_explain(d, f.b, f.len, 0, &p, &v);
    assert_int_equal(v.reason, R(CONNECTION_NEW));
    assert_memory_equal(record_of(d, Last.record), &before, sizeof(before));
    assert_int_equal(packets(d, COUNTERS(REASON), R(CONNECTION_NEW)), 20 * PORTCAM_PICK_MAX + 1);
    /* The tables alone: a card without records. */
    s.pick = PORTCAM_PICK_COUNTER;
    put_service(d, 0, &s);
    pc_decide(pc_device_tables(d), &p, &v);
    assert_int_equal(v.reason, R(CONNECTION_NEW));
    assert_int_equal(v.index, 0);
}

/* ---- age ---- */

static void ageing(void **state)
{
    struct pc_device *d = *state;
    unsigned slots = pc_connections_capacity(pc_device_connections(d));
    for (unsigned n = 0; n < 9; n++)
        client_sends(d, n, SYN, 1);                     /* at 1000 */
    assert_int_equal(pc_device_age(d, 5000, slots), 0); /* no timeouts */
    put_timeouts(d, 1, 500);
    assert_int_equal(pc_device_age(d, 1499, slots), 0);
    put_domain(d, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS);
    assert_int_equal(pc_device_age(d, 1600, slots), 0); /* frozen */
    put_domain(d, PORTCAM_DOMAIN_STATE_RUNNING, PORTCAM_POLICY_PASS);
    assert_int_equal(pc_device_age(d, 2099, slots), 0);
    assert_int_equal(pc_device_age(d, 2100, 4), 4);
    assert_int_equal(pc_device_age(d, 2100, 2), 2); /* goes on where it was */
    assert_int_equal(pc_device_age(d, 2100, slots), 3);
    assert_int_equal(records(d), 0);
    assert_int_equal(pc_device_backend_state(d, 1).records, 0);
    assert_int_equal(pc_device_backend_state(d, 1).active, 0);
}

/* ---- commands ---- */

static struct pc_command_result Result;

static unsigned command(struct pc_device *d, unsigned opcode, unsigned row, unsigned count)
{
    struct portcam_command c = {.opcode = (uint8_t)opcode, .row = row, .count = count};
    pc_device_command(d, &c, &Result);
    return Result.status;
}

static void commands(void **state)
{
    struct pc_device *d = *state;
    struct portcam_connection_image image[2];
    assert_int_equal(command(d, PORTCAM_OPCODE_CONNECTION_READ, 0, 36), PORTCAM_STATUS_OK);
    assert_int_equal(Result.answer_len, 0);
    assert_int_equal(Result.result, 0);
    establish(d, 7);
    Now = 1500;
    assert_int_equal(client_sends(d, 8, SYN, 0x01020304), R(CONNECTION_NEW));
    client_sends(d, 8, SYN, 0x01020304);
    assert_int_equal(command(d, PORTCAM_OPCODE_CONNECTION_READ, 0, 36), PORTCAM_STATUS_OK);
    assert_int_equal(Result.result, 2);
    assert_int_equal(Result.answer_len, 256);
    memcpy(image, Result.answer, sizeof(image));
    struct portcam_connection_image want = {
        .slot = 1,
        .generation = 2,
        .client_ip = {192, 0, 2, 8},
        .family = 4,
        .protocol = 6,
        .client_port = 40000,
        .public_port = 80,
        .address = 0,
        .service = 1,
        .backend = 2,
        .endpoint = 2,
        .state = PORTCAM_CONNECTION_STATE_SYN_SEEN,
        .flags = PORTCAM_CONNECTION_IMAGE_EMBRYONIC,
        .syn_repeats = 1,
        .group = 1,
        .client_next = 0x01020305,
        .created = 1500,
        .last_used = 1500,
        .forward_packets = 2,
        .forward_octets = 2 * 54,
    };
    assert_memory_equal(&image[1], &want, sizeof(want));
    assert_int_equal(image[0].state, PORTCAM_CONNECTION_STATE_ESTABLISHED);
    assert_int_equal(image[0].flags, 0);
    assert_int_equal(image[0].reverse_packets, 1);

    assert_int_equal(command(d, PORTCAM_OPCODE_CONNECTION_DELETE, 1, 1), PORTCAM_STATUS_CHANGED);
    assert_int_equal(command(d, PORTCAM_OPCODE_CONNECTION_DELETE, 2, 1), PORTCAM_STATUS_NOT_FOUND);
    assert_int_equal(Result.answer_len, 0);
    assert_int_equal(command(d, PORTCAM_OPCODE_CONNECTION_DELETE, 1, 2), PORTCAM_STATUS_OK);
    assert_int_equal(Result.result, 1);
    assert_int_equal(Result.answer_len, sizeof(want));
    assert_memory_equal(Result.answer, &want, sizeof(want));
    assert_int_equal(records(d), 1);

    struct portcam_backend_state b[2];
    assert_int_equal(command(d, PORTCAM_OPCODE_BACKEND_READ, 1, 2), PORTCAM_STATUS_OK);
    assert_int_equal(Result.result, 2);
    memcpy(b, Result.answer, sizeof(b));
    assert_int_equal(b[0].new_connections, 1);
    assert_int_equal(b[0].active, 1);
    assert_int_equal(b[0].records, 1);
    assert_int_equal(b[1].new_connections, 1);
    assert_int_equal(b[1].syn_repeats, 1);
    assert_int_equal(b[1].records, 0);
    pc_device_reset(d);
    assert_int_equal(records(d), 0);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup_shop, teardown_shop, NULL                                            \
    }

#define SMALL(name, function)                                                                      \
    {                                                                                              \
        name, function, setup_small_shop, teardown_shop, NULL                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("explain tells what happens and changes nothing", explain_changes_nothing),
        TEST("section 5 section 6 ageing, round and round; a paused domain's records stay", ageing),
        SMALL("commands: connection_read, connection_delete, backend_read", commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
