// SPDX-License-Identifier: Apache-2.0
/* Which backend a new connection gets: docs/pipeline.md sections 2 and 4, each scheduler, each way of having none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stateful_world.h"

/* ---- P7 ---- */

static void no_backend_policies(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    for (unsigned policy = 0; policy < 2; policy++) {
        unsigned want = policy ? R(NO_BACKEND) : R(NO_BACKEND_REJECT);
        s.no_backend = (uint8_t)policy;
        s.schedule = 0;
        put_service(d, 0, &s);
        for (unsigned kind = 0; kind < 5; kind++) {
            put_weight(d, 1, kind == 0 ? 0 : 1);
            put_slots(d, 0, 1, NONE, 1, 1);
            if (kind == 1)
                put_server(d, 1, "fd00::1", 80, 1, 1);
            else if (kind == 2)
                put_slots(d, 0, NONE, NONE, NONE, NONE);
            else if (kind == 3)
                put_slots(d, 0, 77, 78, 79, 77); /* rows that are empty */
            else if (kind == 4)
                s.schedule = 9, put_service(d, 0, &s); /* an empty row */
            assert_int_equal(client_sends(d, 1, SYN, 1), policy ? want : R(REJECT_LIMITED));
            assert_int_equal(Last.refusal, policy ? 0 : want);
            assert_true(Last.drop);
        }
    }
    assert_int_equal(records(d), 0);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2), 0);
}

static void second_candidate(void **state)
{
    struct pc_device *d = *state;
    put_slots(d, 0, 1, 2, 1, 2);
    put_weight(d, 1, 0);
    assert_int_equal(establish(d, 7), 2);
    assert_int_equal(Last.backend, 2);
    put_weight(d, 1, 1);
    put_weight(d, 2, 0); /* F.17: draining a backend keeps its connections */
    assert_int_equal(client_sends(d, 7, ACK, 1001), R(CONNECTION_FORWARD));
    assert_int_equal(Last.backend, 2);
    assert_int_equal(establish(d, 8), 1);
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_BACKEND, 2, NULL);
    assert_int_equal(client_sends(d, 7, ACK, 1001), R(NO_BACKEND));
    assert_true(Last.drop);
    assert_int_equal(records(d), 2);
}

/* ---- schedulers ---- */

static void round_robin(void **state)
{
    struct pc_device *d = *state;
    for (unsigned n = 0; n < 8; n++) {
        assert_int_equal(client_sends(d, 10 + n, SYN, 1), R(CONNECTION_NEW));
        assert_int_equal(Last.index, n);
        assert_true(Last.asked);
        assert_int_equal(Last.backend, n % 2 ? 2 : 1);
        assert_int_equal(client_sends(d, 10 + n, SYN, 1), R(CONNECTION_FORWARD)); /* stays */
        assert_false(Last.asked);
        assert_int_equal(client_sends(d, 100, ACK, 1), R(REJECT_LIMITED));
        assert_false(Last.asked);
    }
    put_slots(d, 0, NONE, NONE, NONE, NONE);
    client_sends(d, 30, SYN, 1);
    assert_true(Last.asked); /* a slot was picked, if in vain */
    put_slots(d, 0, 1, 2, 2, 1);
    client_sends(d, 31, SYN, 1);
    assert_int_equal(Last.index, 9);
}

/* The counter has 16 bits, and is of the service number. */
static void counter_wraps(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, UDP, 53);
    put_service(d, 1, &s);
    put_slots(d, 0, NONE, NONE, NONE, NONE);
    for (unsigned n = 0; n < 65537; n++) {
        struct frame f = other_frame(UDP, "192.0.2.1", 1 + n % 1000, "198.51.100.1", 53);
        pass_frame(d, &f, 0);
        assert_int_equal(Last.index, n & 0xffff);
    }
    client_sends(d, 1, SYN, 1);
    assert_int_equal(Last.index, 1);
    pc_device_reset(d);
    fill_shop(d);
    client_sends(d, 1, SYN, 1);
    assert_int_equal(Last.index, 0);
}

static uint32_t plain_crc32c(const uint8_t *p, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

static void by_client(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    unsigned seen[2][2] = {{0}};
    for (unsigned with_port = 0; with_port < 2; with_port++) {
        s.pick = with_port ? PORTCAM_PICK_CLIENT_IP_PORT : PORTCAM_PICK_CLIENT_IP;
        put_service(d, 0, &s);
        for (unsigned n = 0; n < 64; n++) {
            uint8_t key[18] = {192, 0, 2, 77};
            unsigned port = 1000 * (1 + with_port) + n;
            if (with_port)
                put16(key + 16, port);
            struct frame f = tcp_frame("192.0.2.77", port, "198.51.100.1", 80, SYN, 1);
            assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
            assert_int_equal(Last.index, plain_crc32c(key, sizeof(key)) & 0xffff);
            assert_int_equal(Last.backend, Last.index % 2 ? 2 : 1);
            assert_false(Last.asked);
            seen[with_port][Last.backend - 1]++;
        }
    }
    assert_true(seen[0][0] == 64 || seen[0][1] == 64);
    assert_in_range(seen[1][0], 16, 48);
}

static void slots_of_rows(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    struct portcam_schedule_row row;
    s.slots_log2 = 4;
    s.schedule = 8;
    put_service(d, 0, &s);
    for (unsigned r = 0; r < 2; r++) {
        memset(&row, 0, sizeof(row));
        for (unsigned i = 0; i < 8; i++) {
            row.slot[4 * i] = (uint8_t)(100 + 8 * r + i);
            row.slot[4 * i + 2] = row.slot[4 * i + 3] = 255;
        }
        put_row(d, PORTCAM_TABLE_SCHEDULE, 8 + r, &row);
    }
    for (unsigned n = 0; n < 16; n++)
        put_server(d, 100 + n, "10.0.0.9", 1, 1, 100 + n);
    for (unsigned n = 0; n < 20; n++) {
        assert_int_equal(client_sends(d, n, SYN, 1), R(CONNECTION_NEW));
        assert_int_equal(Last.backend, 100 + n % 16);
    }
}

static void least_connections(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    unsigned count[3] = {0};
    s.pick = PORTCAM_PICK_LEAST;
    put_service(d, 0, &s);
    put_weight(d, 1, 3);
    bool second = false;
    for (unsigned n = 0; n < 200; n++) {
        unsigned a = count[1], b = count[2];
        assert_int_equal(client_sends(d, n, SYN, 1), R(CONNECTION_NEW));
        assert_true(Last.free_choice);
        count[Last.backend]++;
        /* Fewer for its weight wins, the first on a tie. */
        if (b * 3 != a * 1)
            assert_int_equal(Last.backend, b * 3 < a ? 2 : 1);
        else
            assert_int_equal(Last.backend, Last.candidate[0]);
        second |= Last.second;
    }
    assert_true(second);
    assert_in_range(count[1], 149, 151);
}

/* ---- P8 ---- */

static void ambiguous(void **state)
{
    struct pc_device *d = *state;
    for (unsigned n = 0; n < 2; n++) { /* two more services on the same endpoints */
        struct portcam_service_row s = stateful_row(2 + n, 0, TCP, 81 + n);
        put_service(d, 1 + n, &s);
    }
    struct frame f = tcp_frame("192.0.2.7", 40000, "198.51.100.1", 80, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(Last.backend, 1);
    f = tcp_frame("192.0.2.7", 40000, "198.51.100.1", 81, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(Last.backend, 2);
    assert_true(Last.second);
    f = tcp_frame("192.0.2.7", 40000, "198.51.100.1", 82, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(REJECT_LIMITED));
    assert_int_equal(Last.refusal, R(AMBIGUOUS_REJECT));
    /* Replies go to the right service. */
    assert_int_equal(server_sends(d, 1, 7, SYN_ACK), R(CONNECTION_REVERSE));
    assert_int_equal(get16(Frame.b + Frame.l4), 80);
    assert_int_equal(server_sends(d, 2, 7, SYN_ACK), R(CONNECTION_REVERSE));
    assert_int_equal(get16(Frame.b + Frame.l4), 81);
    assert_int_equal(packets(d, COUNTERS(SERVICE), 2 * 2 + 1), 1);
}

static void table_full(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    s.pick = PORTCAM_PICK_CLIENT_IP;
    put_service(d, 0, &s);
    for (unsigned n = 0; n < 18; n++)
        assert_int_equal(client_sends(d, n, SYN, 1), R(CONNECTION_NEW));
    assert_int_equal(client_sends(d, 18, SYN, 1), R(TABLE_FULL));
    assert_true(Last.drop);
    s.full = PORTCAM_FULL_HASH;
    put_service(d, 0, &s);
    assert_int_equal(client_sends(d, 18, SYN, 1), R(TABLE_FULL_HASH));
    assert_false(Last.drop);
    expect_ends("192.0.2.18", 40000, Last.backend == 1 ? "10.0.0.1" : "10.0.0.2", 8080);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2u * (unsigned)Last.backend) > 0, 1);
    assert_int_equal(records(d), 18);
    /* IPv6 has its own room. */
    struct portcam_service_row six = stateful_row(6, 2, TCP, 80);
    six.schedule = 5;
    put_service(d, 1, &six);
    put_server(d, 60, "fd00::60", 0, 1, 60);
    put_slots(d, 5, 60, NONE, 60, NONE);
    struct frame f = tcp_frame("2001:db8::9", 1, "2001:db8::1", 80, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(Last.record, 18);
}

static void embryonic_full(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    s.pick = PORTCAM_PICK_CLIENT_IP;
    put_service(d, 0, &s);
    put_limits(d, 3, 0, 0);
    establish(d, 1); /* proven */
    for (unsigned n = 2; n < 5; n++)
        assert_int_equal(client_sends(d, n, SYN, 1), R(CONNECTION_NEW));
    assert_int_equal(client_sends(d, 5, SYN, 1), R(EMBRYONIC_FULL));
    assert_true(Last.drop);
    s.full = PORTCAM_FULL_HASH;
    put_service(d, 0, &s);
    assert_int_equal(client_sends(d, 5, SYN, 1), R(EMBRYONIC_FULL_HASH));
    assert_false(Last.drop);
    assert_int_equal(client_sends(d, 1, ACK, 1001), R(CONNECTION_FORWARD));
    put_limits(d, 0, 0, 0); /* no limit */
    assert_int_equal(client_sends(d, 5, SYN, 1), R(CONNECTION_NEW));
}

/* ---- F.14 ---- */

static void port_kept(void **state)
{
    struct pc_device *d = *state;
    closed(d, 7);
    int slot = Last.record;
    unsigned generation = record_of(d, slot)->generation;
    put_domain(d, PORTCAM_DOMAIN_STATE_DRAINING, PORTCAM_POLICY_DROP);
    assert_int_equal(client_sends(d, 7, SYN, 1003), R(CONNECTION_NEW));
    assert_true(Last.began);
    assert_int_equal(Last.record, slot);
    assert_int_equal(Last.backend, 1);
    assert_int_equal(record_of(d, slot)->generation, generation + 1);
    assert_int_equal(record_of(d, slot)->state, PC_STATE_SYN_SEEN);
    assert_int_equal(pc_device_backend_state(d, 1).new_connections, 2);
    assert_int_equal(records(d), 1);
}

static void port_rescheduled(void **state)
{
    struct pc_device *d = *state;
    closed(d, 7); /* on backend 1; the counter stands at 1 */
    int slot = Last.record;
    assert_int_equal(client_sends(d, 7, SYN, 1002), R(CONNECTION_NEW)); /* not later */
    assert_int_equal(Last.record, slot);
    assert_int_equal(Last.backend, 2); /* slot 1 */
    assert_int_equal(Last.index, 1);
    assert_false(Last.asked);
    assert_int_equal(record_of(d, slot)->backend, 2);
    assert_int_equal(pc_device_backend_state(d, 1).records, 0);
    assert_int_equal(server_sends(d, 1, 7, ACK), R(REPLY_PASS));
    assert_int_equal(server_sends(d, 2, 7, SYN_ACK), R(CONNECTION_REVERSE));
    assert_int_equal(client_sends(d, 8, SYN, 1), R(CONNECTION_NEW));
    assert_int_equal(Last.index, 1); /* the reschedule left it */
}

/* A reschedule that finds nothing leaves the record as it is. */
static void port_not_rescheduled(void **state)
{
    struct pc_device *d = *state;
    closed(d, 7);
    int slot = Last.record;
    struct pc_connection before = *record_of(d, slot);
    put_domain(d, PORTCAM_DOMAIN_STATE_DRAINING, PORTCAM_POLICY_DROP);
    assert_int_equal(client_sends(d, 7, SYN, 1002), R(UNKNOWN_DROP));
    put_domain(d, PORTCAM_DOMAIN_STATE_RUNNING, PORTCAM_POLICY_DROP);
    put_weight(d, 1, 0);
    put_slots(d, 0, 1, 1, 1, 1);
    assert_int_equal(client_sends(d, 7, SYN, 1003), R(REJECT_LIMITED));
    assert_int_equal(Last.refusal, R(NO_BACKEND_REJECT));
    assert_memory_equal(record_of(d, slot), &before, sizeof(before));
    /* Its own end is not in the way of itself; another record's is. */
    put_weight(d, 1, 1);
    struct portcam_service_row s = stateful_row(2, 0, TCP, 81);
    put_service(d, 1, &s);
    put_slots(d, 0, 2, 2, 2, 2);
    struct frame f = tcp_frame("192.0.2.7", 40000, "198.51.100.1", 81, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(client_sends(d, 7, SYN, 1002), R(REJECT_LIMITED));
    assert_int_equal(Last.refusal, R(AMBIGUOUS_REJECT));
    put_slots(d, 0, 2, 1, 2, 1);
    assert_int_equal(client_sends(d, 7, SYN, 1002), R(CONNECTION_NEW));
    assert_int_equal(Last.backend, 1);
    assert_int_equal(record_of(d, slot)->generation, before.generation + 2);
}

/* ---- a card's choices ---- */

static void chosen(void **state)
{
    struct pc_device *d = *state;
    struct pc_parsed p;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    s.pick = PORTCAM_PICK_LEAST;
    put_service(d, 0, &s);
    struct pc_choice c = {.index = 0xffff, .second = true, .room = true, .slot = 500};
    struct frame f = tcp_frame("192.0.2.7", 1, "198.51.100.1", 80, SYN, 1);
    pc_device_packet_chosen(d, f.b, f.len, 0, 1, &c, &p, &Last, NULL);
    assert_int_equal(Last.reason, R(CONNECTION_NEW));
    assert_int_equal(Last.record, 500);
    assert_int_equal(Last.backend, 1); /* the second of slot 1 */
    f = tcp_frame("192.0.2.8", 1, "198.51.100.1", 80, SYN, 1);
    pc_device_packet_chosen(d, f.b, f.len, 0, 1, &c, &p, &Last, NULL);
    assert_int_not_equal(Last.record, 500); /* cannot be: it is taken */
    c.room = false;
    f = tcp_frame("192.0.2.9", 1, "198.51.100.1", 80, SYN, 1);
    pc_device_packet_chosen(d, f.b, f.len, 0, 1, &c, &p, &Last, NULL);
    assert_int_equal(Last.reason, R(TABLE_FULL));
    s.pick = PORTCAM_PICK_COUNTER;
    put_service(d, 0, &s);
    c = (struct pc_choice){.asked = true, .room = true, .slot = 9};
    f = tcp_frame("192.0.2.7", 1, "198.51.100.1", 80, SYN, 1); /* its record is young */
    pc_device_packet_chosen(d, f.b, f.len, 0, 1, &c, &p, &Last, NULL);
    assert_int_equal(Last.reason, R(CONNECTION_FORWARD));
    assert_false(Last.asked);
    client_sends(d, 77, SYN, 1);
    assert_int_equal(Last.index, 1);
}

/* ---- commands ---- */

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
        TEST("P7 no backend: reject or drop, each way of having none", no_backend_policies),
        TEST("P7 F.17 the second choice; weight 0 keeps connections", second_candidate),
        TEST("4 rr: the counter of a service moves for each new connection", round_robin),
        TEST("4 rr: the counter has 16 bits and is of the service number", counter_wraps),
        TEST("4 sh, mh: a slot by the client's IP, or IP and port", by_client),
        TEST("4 slot tables go over rows of table schedule", slots_of_rows),
        TEST("4 lc, wlc: fewer active connections for the weight", least_connections),
        TEST("P8 F.18 ambiguous: the other candidate, or reject", ambiguous),
        SMALL("P8 table full: drop or hash; each family has its room", table_full),
        TEST("P8 F.15 embryonic records have a share: drop or hash", embryonic_full),
        TEST("F.14 a later SYN keeps its backend", port_kept),
        TEST("F.14 another SYN is scheduled again, in the same slot", port_rescheduled),
        TEST("F.14 a reschedule that finds nothing leaves the record", port_not_rescheduled),
        TEST("section 2 the choices of a card are followed", chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
