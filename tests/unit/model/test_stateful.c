// SPDX-License-Identifier: Apache-2.0
/* Records in the path of a packet: docs/pipeline.md section 4, each reason and each choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stateful_world.h"

#define COUNTERS(name) PORTCAM_COUNTER_TABLE_##name

/* Is the last frame the one that was sent but for these ends, with right checksums? */
static void expect_ends(const char *src, unsigned sport, const char *dst, unsigned dport)
{
    uint8_t from[16], to[16];
    size_t len = Frame.v6 ? 16 : 4;
    ip_bytes(src, from);
    ip_bytes(dst, to);
    assert_memory_equal(Frame.b + Frame.l3 + (Frame.v6 ? 8 : 12), from, len);
    assert_memory_equal(Frame.b + Frame.l3 + (Frame.v6 ? 24 : 16), to, len);
    assert_int_equal(get16(Frame.b + Frame.l4), sport);
    assert_int_equal(get16(Frame.b + Frame.l4 + 2), dport);
    assert_true(sums_are_right(&Frame));
}

/* ---- a flow ---- */

static void one_flow(void **state)
{
    struct pc_device *d = *state;
    assert_int_equal(client_sends(d, 7, SYN, 1000), R(CONNECTION_NEW));
    assert_true(Last.began);
    assert_int_equal(Last.egress, 1);
    expect_ends("192.0.2.7", 40000, "10.0.0.1", 8080);
    int slot = Last.record;
    assert_int_equal(record_of(d, slot)->state, PC_STATE_SYN_SEEN);
    assert_int_equal(record_of(d, slot)->client_next, 1001);
    assert_int_equal(record_of(d, slot)->created, 1000);
    Now = 1007;
    assert_int_equal(server_sends(d, 1, 7, SYN_ACK), R(CONNECTION_REVERSE));
    assert_int_equal(Last.egress, 0);
    expect_ends("198.51.100.1", 80, "192.0.2.7", 40000);
    assert_int_equal(Last.record, slot);
    assert_int_equal(client_sends(d, 7, ACK, 1001), R(CONNECTION_FORWARD));
    expect_ends("192.0.2.7", 40000, "10.0.0.1", 8080);
    assert_int_equal(record_of(d, slot)->state, PC_STATE_ESTABLISHED);
    assert_int_equal(record_of(d, slot)->last_used, 1007);
    assert_int_equal(client_sends(d, 7, SYN, 1), R(CONNECTION_FORWARD)); /* F.13 */
    assert_false(Last.began);
    assert_int_equal(records(d), 1);
    /* Both directions are counted, of the record's numbers. */
    const struct {
        unsigned table, number;
    } counted[] = {{COUNTERS(DOMAIN), 0},
                   {COUNTERS(ADDRESS), 0},
                   {COUNTERS(SERVICE), 1},
                   {COUNTERS(BACKEND), 1}};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(packets(d, counted[i].table, 2 * counted[i].number), 3);
        assert_int_equal(packets(d, counted[i].table, 2 * counted[i].number + 1), 1);
    }
    const struct pc_connection *r = record_of(d, slot);
    assert_int_equal(r->forward.packets, 3);
    assert_int_equal(r->reverse.packets, 1);
    assert_int_equal(r->reverse.octets, 54);
    struct portcam_backend_state b = pc_device_backend_state(d, 1);
    assert_int_equal(b.new_connections, 1);
    assert_int_equal(b.syn_ack_count, 1);
    assert_int_equal(b.syn_ack_ms, 7);
}

static void flow_v6(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(6, 2, UDP, 53);
    s.schedule = 5;
    put_service(d, 1, &s);
    put_server(d, 60, "fd00::53", 5353, 1, 60);
    put_slots(d, 5, 60, NONE, 60, NONE);
    put_endpoint(d, "fd00::53", UDP, 5353, 60, 0);
    struct frame f = other_frame(UDP, "2001:db8:9::7", 999, "2001:db8::1", 53);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    assert_true(pc_connections_is_v6(pc_device_connections(d), (unsigned)Last.record));
    expect_ends("2001:db8:9::7", 999, "fd00::53", 5353);
    f = other_frame(UDP, "fd00::53", 5353, "2001:db8:9::7", 999);
    assert_int_equal(pass_frame(d, &f, 1), R(CONNECTION_REVERSE));
    expect_ends("2001:db8::1", 53, "2001:db8:9::7", 999);
    assert_int_equal(record_of(d, Last.record)->state, PC_STATE_REPLIED);
}

/* ---- P6 ---- */

static void no_record_policies(void **state)
{
    struct pc_device *d = *state;
    static const unsigned reason[] = {R(REJECT_LIMITED), R(NO_RECORD_DROP), R(NO_RECORD_PASS),
                                      R(HASH_FORWARD)};
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    s.pick = PORTCAM_PICK_CLIENT_IP;
    for (unsigned policy = 0; policy < PORTCAM_NO_RECORD_MAX; policy++) {
        s.no_record = (uint8_t)policy;
        put_service(d, 0, &s);
        assert_int_equal(client_sends(d, 7, ACK, 9), reason[policy]);
        assert_int_equal(Last.drop, policy < 2);
        assert_int_equal(Last.refusal, policy == 0 ? R(NO_RECORD_REJECT) : 0);
        assert_int_equal(packets(d, COUNTERS(SERVICE), 2), policy + 1);
    }
    assert_true(Last.backend == 1 || Last.backend == 2);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2u * (unsigned)Last.backend), 1);
    assert_int_equal(client_sends(d, 7, SYN, 9), R(CONNECTION_NEW)); /* the same slot */
    assert_int_equal(records(d), 1);
    put_slots(d, 0, NONE, NONE, NONE, NONE);
    assert_int_equal(client_sends(d, 8, ACK, 9), R(REJECT_LIMITED));
    assert_int_equal(Last.refusal, R(NO_BACKEND_REJECT));
}

/* What never makes a record, F.11 and F.28. */
static void makes_no_record(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 80);
    s.no_record = PORTCAM_NO_RECORD_DROP;
    put_service(d, 0, &s);
    set_address(d, 3, "0.0.0.0", 0, ANY, 0, 0);
    world_build(d);
    static const struct {
        const char *src, *dst;
        unsigned sport, flags;
    } frames[] = {
        {"192.0.2.7", "198.51.100.1", 40000, SYN | FIN},
        {"192.0.2.7", "198.51.100.1", 40000, SYN | RST},
        {"192.0.2.7", "198.51.100.1", 40000, SYN | ACK},
        {"192.0.2.7", "198.51.100.1", 40000, RST},
        {"192.0.2.7", "198.51.100.1", 40000, ACK},
        {"192.0.2.7", "198.51.100.1", 40000, FIN_ACK},
        {"192.0.2.7", "198.51.100.1", 40000, 0},
        {"192.0.2.7", "198.51.100.1", 40000, 0x29},
        {"192.0.2.7", "198.51.100.1", 0, SYN},
        {"127.0.0.1", "198.51.100.1", 40000, SYN},
        {"0.0.0.9", "198.51.100.1", 40000, SYN},
        {"224.0.0.9", "198.51.100.1", 40000, SYN},
        {"255.255.255.255", "198.51.100.1", 40000, SYN},
        {"198.51.100.1", "198.51.100.1", 80, SYN}, /* LAND */
        {"192.0.2.7", "0.0.0.0", 40000, SYN},
    };
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct frame f =
            tcp_frame(frames[i].src, frames[i].sport, frames[i].dst, 80, frames[i].flags, 1);
        assert_int_equal(pass_frame(d, &f, 0), R(NO_RECORD_DROP));
        assert_int_equal(records(d), 0);
    }
    assert_int_equal(client_sends(d, 7, SYN | 0xc0, 1), R(CONNECTION_NEW)); /* ECN setup */
}

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

static void closed(struct pc_device *d, unsigned client)
{
    unsigned server = establish(d, client);
    server_sends(d, server, client, FIN_ACK);
    client_sends(d, client, FIN_ACK, 1001); /* client next becomes 1002 */
    assert_int_equal(record_of(d, Last.record)->state, PC_STATE_CLOSING_BOTH);
}

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

/* ---- domain states ---- */

static void draining(void **state)
{
    struct pc_device *d = *state;
    unsigned server = establish(d, 7);
    static const unsigned reason[] = {R(UNKNOWN_PASS), R(UNKNOWN_DROP), R(REJECT_LIMITED)};
    for (unsigned policy = 0; policy < PORTCAM_POLICY_MAX; policy++) {
        put_domain(d, PORTCAM_DOMAIN_STATE_DRAINING, policy);
        assert_int_equal(client_sends(d, 8, SYN, 1), reason[policy]);
        assert_int_equal(Last.refusal, policy == 2 ? R(UNKNOWN_REJECT) : 0);
        assert_false(Last.asked);
        assert_int_equal(client_sends(d, 7, ACK, 1001), R(CONNECTION_FORWARD));
        assert_int_equal(server_sends(d, server, 7, ACK), R(CONNECTION_REVERSE));
        assert_int_equal(client_sends(d, 9, ACK, 1), R(REJECT_LIMITED));
        assert_int_equal(Last.refusal, R(NO_RECORD_REJECT));
    }
    assert_int_equal(records(d), 1);
}

static void paused_and_stopped(void **state)
{
    struct pc_device *d = *state;
    unsigned server = establish(d, 7);
    int slot = Last.record;
    put_domain(d, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS);
    struct pc_connection before = *record_of(d, slot);
    Now = 2000;
    for (unsigned client = 7; client < 9; client++) {
        assert_int_equal(client_sends(d, client, SYN, 1), R(PAUSED_DROP));
        assert_int_equal(client_sends(d, client, ACK, 1001), R(PAUSED_DROP));
        assert_int_equal(server_sends(d, server, client, ACK), R(PAUSED_DROP));
        assert_int_equal(Last.address, -1); /* domain row only */
        assert_int_equal(Last.backend, -1);
    }
    static const unsigned reason[] = {R(STOPPED_PASS), R(STOPPED_DROP), R(REJECT_LIMITED)};
    for (unsigned policy = 0; policy < PORTCAM_POLICY_MAX; policy++) {
        put_domain(d, PORTCAM_DOMAIN_STATE_STOPPED, policy);
        assert_int_equal(client_sends(d, 7, ACK, 1001), reason[policy]);
        assert_int_equal(server_sends(d, server, 7, ACK), reason[policy]);
        assert_int_equal(Last.refusal, policy == 2 ? R(STOPPED_REJECT) : 0);
    }
    assert_memory_equal(record_of(d, slot), &before, sizeof(before));
    assert_int_equal(packets(d, COUNTERS(DOMAIN), 1), 1 + 2 + 3);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2 * server + 1), 1);
}

/* ---- from an endpoint ---- */

static void replies(void **state)
{
    struct pc_device *d = *state;
    assert_int_equal(server_sends(d, 1, 7, ACK), R(REPLY_PASS)); /* S1.28 */
    assert_int_equal(Last.egress, 0);
    assert_int_equal(packets(d, COUNTERS(DOMAIN), 1), 1);
    assert_int_equal(packets(d, COUNTERS(SERVICE), 3), 0);
    unsigned server = establish(d, 7);
    assert_int_equal(server_sends(d, 2, 7, ACK), R(REPLY_PASS)); /* the other backend */
    pc_tables_set(pc_device_tables_rw(d), PORTCAM_TABLE_PUBLIC, 0, NULL);
    assert_int_equal(server_sends(d, server, 7, ACK), R(REPLY_PASS));
    assert_int_equal(record_of(d, Last.record)->reverse.packets, 2);
    put_public(d, 0, "2001:db8::1"); /* of the other family */
    assert_int_equal(server_sends(d, server, 7, ACK), R(REPLY_PASS));
    put_public(d, 0, "203.0.113.5");
    assert_int_equal(server_sends(d, server, 7, ACK), R(CONNECTION_REVERSE));
    expect_ends("203.0.113.5", 80, "192.0.2.7", 40000);
}

static void alone(void **state)
{
    struct pc_device *d = *state;
    put_endpoint(d, "10.0.0.77", TCP, 8080, 9,
                 PORTCAM_ENDPOINT_ROW_ALONE | PORTCAM_ENDPOINT_ROW_HAS_MAC);
    set_device(d, MacDevice);
    set_function(d, 1, MacOne, 0, true);
    set_function(d, 2, MacClient, ANY, false);
    world_build(d);
    assert_int_equal(server_sends(d, 77, 7, ACK), R(HASH_REVERSE));
    expect_ends("198.51.100.1", 80, "192.0.2.7", 40000);
    assert_memory_equal(Frame.b + 6, MacDevice, 6);
    assert_int_equal(packets(d, COUNTERS(SERVICE), 3), 1);
    assert_int_equal(packets(d, COUNTERS(BACKEND), 2 * 9 + 1), 1);
    struct frame f = tcp_frame("10.0.0.77", 8080, "192.0.2.7", 1, ACK, 1); /* hairpin */
    memcpy(f.b, MacClient, 6);
    assert_int_equal(pass_frame(d, &f, 1), R(HASH_REVERSE));
    assert_int_equal(Last.egress, 2);
    f = tcp_frame("10.0.0.77", 8080, "127.0.0.1", 1, ACK, 1);
    assert_int_equal(pass_frame(d, &f, 1), R(HASH_REVERSE));
}

/* The client addressed port 0: that is where the reply comes from. */
static void public_port_zero(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, 0, TCP, 0);
    put_service(d, 0, &s);
    struct frame f = tcp_frame("192.0.2.7", 40000, "198.51.100.1", 0, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
    expect_ends("192.0.2.7", 40000, "10.0.0.1", 8080);
    assert_int_equal(server_sends(d, 1, 7, SYN_ACK), R(CONNECTION_REVERSE));
    expect_ends("198.51.100.1", 0, "192.0.2.7", 40000);
}

/* A service on any port: the port is part of the backend end, and comes back. */
static void any_port(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(3, 1, TCP, 0);
    s.flags = PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_KEEPS_PORT;
    s.schedule = 6;
    put_service(d, 1, &s);
    put_server(d, 30, "10.0.3.1", 0, 1, 30);
    put_slots(d, 6, 30, NONE, 30, NONE);
    put_endpoint(d, "10.0.3.1", TCP, ANY, 30, PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    for (unsigned port = 21; port < 23; port++) {
        struct frame f = tcp_frame("192.0.2.7", 5, "198.51.100.2", port, SYN, 1);
        assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW));
        expect_ends("192.0.2.7", 5, "10.0.3.1", port);
    }
    for (unsigned port = 21; port < 23; port++) {
        struct frame f = tcp_frame("10.0.3.1", port, "192.0.2.7", 5, SYN_ACK, 1);
        assert_int_equal(pass_frame(d, &f, 1), R(CONNECTION_REVERSE));
        expect_ends("198.51.100.2", port, "192.0.2.7", 5);
    }
    struct frame f = tcp_frame("10.0.3.1", 23, "192.0.2.7", 5, SYN_ACK, 1);
    assert_int_equal(pass_frame(d, &f, 1), R(REPLY_PASS));
    assert_int_equal(records(d), 2);
}

/* One address row, many addresses: the address number is the public end. */
static void address_is_the_end(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, PORTCAM_ADDRESS_ANY, TCP, 80);
    put_service(d, 0, &s);
    assert_int_equal(client_sends(d, 7, SYN, 1), R(CONNECTION_NEW));
    assert_int_equal(Last.backend, 1);
    struct frame f = tcp_frame("192.0.2.7", 40000, "198.51.100.2", 80, SYN, 1);
    assert_int_equal(pass_frame(d, &f, 0), R(CONNECTION_NEW)); /* another record */
    assert_int_equal(Last.backend, 2);
    assert_int_equal(record_of(d, Last.record)->public_end.address, 1);
    assert_int_equal(server_sends(d, 2, 7, SYN_ACK), R(CONNECTION_REVERSE));
    expect_ends("198.51.100.2", 80, "192.0.2.7", 40000);
    assert_int_equal(packets(d, COUNTERS(ADDRESS), 2 * 1 + 1), 1);
}

/* ---- what needs the slow path, loopback ---- */

static void slow_path(void **state)
{
    struct pc_device *d = *state;
    static const struct {
        unsigned protocol, flags, reason;
    } cases[] = {
        {SCTP, PORTCAM_SERVICE_ROW_EXACT_PORT, R(SCTP_PORTS)},
        {SCTP, PORTCAM_SERVICE_ROW_EXACT_PORT | PORTCAM_SERVICE_ROW_KEEPS_PORT, R(CONNECTION_NEW)},
        {DCCP, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(OTHER_CHECKSUM)},
        {UDP_LITE, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(OTHER_CHECKSUM)},
        {47, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(CONNECTION_NEW)},
        {ICMP, PORTCAM_SERVICE_ROW_KEEPS_PORT, R(CONNECTION_NEW)},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool keeps = cases[i].flags & PORTCAM_SERVICE_ROW_KEEPS_PORT;
        struct portcam_service_row s = stateful_row(2, 0, cases[i].protocol, 99);
        s.flags = (uint8_t)(cases[i].flags | PORTCAM_SERVICE_ROW_EXACT_PROTOCOL);
        put_service(d, 1, &s);
        if (keeps)
            put_server(d, 1, "10.0.0.1", 0, 1, 1), put_server(d, 2, "10.0.0.2", 0, 1, 2);
        struct frame f = other_frame(cases[i].protocol, "192.0.2.7", 5, "198.51.100.1", 99);
        assert_int_equal(pass_frame(d, &f, 0), cases[i].reason);
        assert_false(Last.drop);
    }
    put_endpoint(d, "10.0.7.1", SCTP, 8080, 7, 0);
    put_endpoint(d, "10.0.7.2", SCTP, 8080, 7, PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    put_endpoint(d, "10.0.7.3", ANY, ANY, 7, PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    struct frame f = other_frame(SCTP, "10.0.7.1", 8080, "192.0.2.7", 5);
    assert_int_equal(pass_frame(d, &f, 1), R(SCTP_PORTS));
    assert_int_equal(Last.service, -1);
    f = other_frame(SCTP, "10.0.7.2", 8080, "192.0.2.7", 5);
    assert_int_equal(pass_frame(d, &f, 1), R(REPLY_PASS));
    f = other_frame(DCCP, "10.0.7.3", 0, "192.0.2.7", 0);
    assert_int_equal(pass_frame(d, &f, 1), R(OTHER_CHECKSUM));
}

static void loopback(void **state)
{
    struct pc_device *d = *state;
    struct portcam_service_row s = stateful_row(1, PORTCAM_ADDRESS_ANY, TCP, 80);
    s.pick = PORTCAM_PICK_CLIENT_IP;
    set_function(d, 2, NULL, 0, false);
    static const unsigned reason[] = {R(REJECT_LIMITED), R(NO_RECORD_DROP), R(NO_RECORD_PASS),
                                      R(HASH_FORWARD)};
    for (unsigned policy = 0; policy < PORTCAM_NO_RECORD_MAX; policy++) {
        s.no_record = (uint8_t)policy;
        put_service(d, 0, &s);
        struct frame f = tcp_frame("127.0.0.1", 5, "127.0.0.1", 80, SYN, 1);
        assert_int_equal(pass_frame(d, &f, 2), reason[policy]);
        assert_true(Last.loopback);
    }
    assert_int_equal(records(d), 0);
}

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
        TEST("P5 P8 P9 F.12 F.13 one flow, both directions, counted", one_flow),
        TEST("P8 P9 the same over IPv6 and UDP", flow_v6),
        TEST("P6 S4.44 without a record: reject, drop, pass, hash", no_record_policies),
        TEST("P6 F.11 F.28 what never makes a record", makes_no_record),
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
        TEST("section 6 draining: no new connections, old ones go on", draining),
        TEST("section 6 paused and stopped, both directions", paused_and_stopped),
        TEST("P9 S1.28 replies need a record and a public address", replies),
        TEST("P9 an endpoint alone: replies without a record", alone),
        TEST("P5 P9 replies from port 0, where the client addressed it", public_port_zero),
        TEST("P5 a service on any port", any_port),
        TEST("P5 the address number is part of the record", address_is_the_end),
        TEST("section 7 section 8 SCTP ports and other checksums", slow_path),
        TEST("P3 S2.27 a loopback destination makes no record", loopback),
        TEST("explain tells what happens and changes nothing", explain_changes_nothing),
        TEST("section 2 the choices of a card are followed", chosen),
        TEST("section 5 section 6 ageing, round and round; a paused domain's records stay", ageing),
        SMALL("commands: connection_read, connection_delete, backend_read", commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
