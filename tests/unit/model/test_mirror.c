// SPDX-License-Identifier: Apache-2.0
/* The mirror of the connection records and the event ring, rule by rule of docs/mirror.md: what is written and told, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mirror_bench.h"

/* ---- records and events ---- */

static void life(void **state)
{
    (void)state;
    unsigned server = establish(B.device, 7);
    unsigned slot = (unsigned)Last.record;
    const struct pc_connection *c = record_of(B.device, (int)slot);
    struct portcam_event e = expect_event(KIND(BEGAN), slot, STATE(SYN_SEEN));
    assert_int_equal(e.version, 1);
    assert_int_equal(e.generation, c->generation);
    e = expect_event(KIND(CHANGED), slot, STATE(SYN_ACK_SEEN));
    assert_int_equal(e.version, 2);
    expect_event(KIND(CHANGED), slot, STATE(ESTABLISHED)); /* and no longer embryonic */
    expect_no_event();
    struct portcam_mirror_record r = record_at(slot);
    assert_int_equal(r.version, 3);
    assert_int_equal(get(REG(MIRROR_VERSION)), 3);
    assert_int_equal(r.slot, slot);
    assert_int_equal(r.generation, c->generation);
    assert_int_equal(r.client_port, 40000);
    assert_int_equal(r.public_port, 80);
    assert_memory_equal(r.client_ip, c->key.client.ip, 16);
    assert_int_equal(r.protocol, TCP);
    assert_int_equal(r.flags, 0);
    assert_int_equal(r.state, STATE(ESTABLISHED));
    assert_int_equal(r.service, 1);
    assert_int_equal(r.address, 0);
    assert_int_equal(r.backend, server);
    assert_int_equal(r.endpoint, server);
    assert_int_equal(r.group, 1);
    assert_int_equal(r.created, 1000);
    assert_int_equal(r.last_used, 1000);
    assert_int_equal(r.client_next, 1001);
    /* A packet that changes no state writes nothing. */
    Now = 1005;
    client_sends(B.device, 7, ACK, 1001);
    client_sends(B.device, 7, SYN, 1);
    assert_int_equal(get(REG(MIRROR_VERSION)), 3);
    client_sends(B.device, 7, FIN_ACK, 1001);
    expect_event(KIND(CHANGED), slot, STATE(CLOSING_CLIENT));
    assert_int_equal(record_at(slot).last_used, 1005);
    assert_int_equal(record_at(slot).client_next, 1002);
}

static void flags(void **state)
{
    (void)state;
    struct portcam_service_row any = stateful_row(2, 1, TCP, 0);
    any.flags = PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_KEEPS_PORT;
    any.group = 2;
    put_service(B.device, 1, &any);
    struct frame f = tcp_frame("192.0.2.9", 40000, "198.51.100.2", 81, SYN, 1);
    assert_int_equal(pass_frame(B.device, &f, 0), R(CONNECTION_NEW));
    assert_int_equal(record_at((unsigned)Last.record).flags,
                     PORTCAM_MIRROR_RECORD_EMBRYONIC | PORTCAM_MIRROR_RECORD_KEPT_PORT);
    struct portcam_service_row six = stateful_row(3, 2, TCP, 80);
    put_service(B.device, 2, &six);
    for (unsigned n = 1; n <= 2; n++)
        put_server(B.device, n, n == 1 ? "2001:db8:1::1" : "2001:db8:1::2", 8080, 1, n);
    f = tcp_frame("2001:db8::7", 40000, "2001:db8::1", 80, SYN, 1);
    assert_int_equal(pass_frame(B.device, &f, 0), R(CONNECTION_NEW));
    assert_in_range(Last.record, 18, SLOTS - 1);
    assert_int_equal(record_at((unsigned)Last.record).flags,
                     PORTCAM_MIRROR_RECORD_EMBRYONIC | PORTCAM_MIRROR_RECORD_IS_V6);
}

static void syn_repeats(void **state)
{
    (void)state;
    client_sends(B.device, 7, SYN, 1000);
    unsigned slot = (unsigned)Last.record;
    client_sends(B.device, 7, SYN, 1000);
    assert_int_equal(record_at(slot).syn_repeats, 0);
    server_sends(B.device, (unsigned)Last.backend, 7, SYN_ACK);
    assert_int_equal(record_at(slot).syn_repeats, 1);
}

static void expires(void **state)
{
    (void)state;
    put_timeouts(B.device, 1, 3000);
    unsigned server = establish(B.device, 7);
    unsigned slot = (unsigned)Last.record;
    uint32_t generation = record_of(B.device, (int)slot)->generation;
    Now = 1000 + 2047;
    server_sends(B.device, server, 7, ACK);
    B.seen = get(REG(EVENT_TAIL));
    pc_card_set_time(B.card, 1000 + 2047 + 3000);
    struct portcam_event event = expect_event(KIND(ENDED), slot, STATE(NONE));
    assert_int_equal(event.generation, generation);
    struct portcam_mirror_end e = end_at(slot);
    assert_int_equal(e.cause, CAUSE(EXPIRED));
    assert_int_equal(e.slot, slot);
    assert_int_equal(e.generation, generation);
    assert_int_equal(e.last_state, STATE(ESTABLISHED));
    assert_int_equal(e.flags, 0);
    assert_int_equal(e.protocol, TCP);
    assert_int_equal(e.client_port, 40000);
    assert_int_equal(e.public_port, 80);
    assert_int_equal(e.service, 1);
    assert_int_equal(e.backend, server);
    assert_int_equal(e.forward_packets, 2);
    assert_int_equal(e.reverse_packets, 2);
    assert_int_equal(e.forward_octets, 2 * Frame.len);
    assert_int_equal(e.reverse_octets, 2 * Frame.len);
    assert_int_equal(e.lifetime, 1); /* 2,047 ms */
}

static void high_counters(void **state)
{
    (void)state;
    struct pc_connection r = {.slot = 3, .created = 5, .last_used = 5u + (70000u << 10)};
    r.forward.packets = 0x123456789abc;
    r.reverse.packets = 0xfedc00000001;
    struct portcam_mirror_end e = pc_mirror_end_of(&r, CAUSE(DELETED));
    assert_int_equal(e.forward_packets_high, 0x1234);
    assert_int_equal(e.forward_packets, 0x56789abc);
    assert_int_equal(e.reverse_packets_high, 0xfedc);
    assert_int_equal(e.reverse_packets, 1);
    assert_int_equal(e.lifetime, 65535);
}

static void deleted(void **state)
{
    (void)state;
    client_sends(B.device, 7, SYN, 1000);
    unsigned slot = (unsigned)Last.record;
    uint32_t generation = record_of(B.device, (int)slot)->generation;
    expect_event(KIND(BEGAN), slot, STATE(SYN_SEEN));
    run(PORTCAM_OPCODE_CONNECTION_DELETE, slot, generation + 1, DATA); /* refused */
    expect_no_event();
    assert_int_equal(run(PORTCAM_OPCODE_CONNECTION_DELETE, slot, generation, DATA).status, 0);
    expect_event(KIND(ENDED), slot, STATE(NONE));
    assert_int_equal(end_at(slot).cause, CAUSE(DELETED));
    assert_int_equal(end_at(slot).flags, PORTCAM_MIRROR_END_EMBRYONIC);
    assert_int_equal(end_at(slot).last_state, STATE(SYN_SEEN));
}

/* F.14, keep and replace: the end of the old one, then the new one, in one slot. */
static void port_reuse(void **state)
{
    (void)state;
    for (unsigned accepts = 0; accepts < 2; accepts++) {
        unsigned client = 7 + accepts;
        unsigned server = establish(B.device, client);
        unsigned slot = (unsigned)Last.record;
        client_sends(B.device, client, RST, 1001);
        B.seen = get(REG(EVENT_TAIL));
        uint32_t version = get(REG(MIRROR_VERSION));
        uint32_t generation = record_of(B.device, (int)slot)->generation;
        put_weight(B.device, server, accepts);
        assert_int_equal(client_sends(B.device, client, SYN, 9000), R(CONNECTION_NEW));
        struct portcam_event e = expect_event(KIND(ENDED), slot, STATE(NONE));
        assert_int_equal(e.generation, generation);
        assert_int_equal(e.version, version + 1);
        e = expect_event(KIND(BEGAN), slot, STATE(SYN_SEEN));
        assert_int_equal(e.generation, generation + 1);
        assert_int_equal(e.version, version + 2);
        assert_int_equal(record_at(slot).version, version + 2);
        assert_int_equal(record_at(slot).backend == server, accepts);
        put_weight(B.device, server, 1);
    }
}

/* The slot that it left is written behind the one it goes to. */
static void moves(void **state)
{
    (void)state;
    struct pc_connections *c = pc_device_connections_rw(B.device);
    establish(B.device, 7);
    unsigned slot = (unsigned)Last.record;
    uint32_t generation = record_of(B.device, (int)slot)->generation;
    B.seen = get(REG(EVENT_TAIL));
    assert_int_equal(pc_connections_move(c, slot, STASH), PC_RESULT_OK);
    struct portcam_event e = expect_event(KIND(ARRIVED), STASH, STATE(ESTABLISHED));
    assert_int_equal(e.generation, generation);
    assert_int_equal(e.version, 4);
    e = expect_event(KIND(LEFT), slot, STATE(NONE));
    assert_int_equal(e.generation, generation);
    assert_int_equal(e.version, 5);
    assert_int_equal(record_at(STASH).generation, generation);
    assert_int_equal(end_at(slot).cause, CAUSE(MOVED));
    assert_int_equal(end_at(slot).forward_packets, 2);
}

static void paused(void **state)
{
    (void)state;
    put_timeouts(B.device, 1, 3000);
    establish(B.device, 7);
    put_domain(B.device, PORTCAM_DOMAIN_STATE_PAUSED, PORTCAM_POLICY_PASS);
    pc_card_set_time(B.card, 100000);
    assert_int_equal(record_of(B.device, Last.record)->last_used, 100000);
    assert_int_equal(get(REG(MIRROR_VERSION)), 3);
}

/* ---- the event ring ---- */

static void full_ring(void **state)
{
    (void)state;
    start(2);
    for (unsigned n = 1; n <= 6; n++)
        client_sends(B.device, n, SYN, 1);
    assert_int_equal(get(REG(EVENT_TAIL)), 4);
    assert_int_equal(get(REG(EVENT_DROPPED)), 2);
    assert_int_equal(get(REG(MIRROR_VERSION)), 6);
    for (unsigned n = 0; n < 6; n++)
        assert_int_equal(record_at(n).version, n + 1);
    for (unsigned n = 0; n < 4; n++)
        expect_event(KIND(BEGAN), n, STATE(SYN_SEEN));
    client_sends(B.device, 7, SYN, 1);
    assert_int_equal(expect_event(KIND(BEGAN), 6, STATE(SYN_SEEN)).version, 7);
    set(REG(EVENT_HEAD), 77); /* beyond the tail: full */
    client_sends(B.device, 8, SYN, 1);
    assert_int_equal(get(REG(EVENT_TAIL)), 5);
    assert_int_equal(get(REG(EVENT_DROPPED)), 3);
}

static void laps(void **state)
{
    (void)state;
    start(2);
    for (unsigned n = 0; n < 40; n++) {
        client_sends(B.device, 7, SYN, 1);
        expect_event(KIND(BEGAN), (unsigned)Last.record, STATE(SYN_SEEN));
        run(PORTCAM_OPCODE_CONNECTION_DELETE, (unsigned)Last.record,
            record_of(B.device, Last.record)->generation, DATA);
        expect_event(KIND(ENDED), (unsigned)Last.record, STATE(NONE));
    }
    assert_int_equal(get(REG(EVENT_TAIL)), 80);
    assert_int_equal(get(REG(EVENT_DROPPED)), 0);
}

static void without_events(void **state)
{
    (void)state;
    set(REG(MIRROR_CONTROL), 0);
    set(REG(EVENT_SIZE), 99); /* is not looked at */
    set(REG(MIRROR_CONTROL), PORTCAM_MIRROR_CONTROL_ENABLE);
    set(REG(MIRROR_CONTROL), PORTCAM_MIRROR_CONTROL_ENABLE | PORTCAM_MIRROR_CONTROL_EVENTS);
    client_sends(B.device, 7, SYN, 1);
    assert_int_equal(record_at((unsigned)Last.record).version, 1);
    assert_int_equal(get(REG(EVENT_TAIL)) + get(REG(EVENT_DROPPED)), 0);
}

static void arm(void **state)
{
    (void)state;
    start(2);
    set(REG(EVENT_ARM), 1);
    client_sends(B.device, 1, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 0); /* the tail is 1, not beyond */
    client_sends(B.device, 2, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 1);
    client_sends(B.device, 3, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 1);
    set(REG(EVENT_ARM), 2); /* at once */
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 2);
    client_sends(B.device, 4, SYN, 1);
    set(REG(EVENT_ARM), 4);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 2);
    client_sends(B.device, 5, SYN, 1); /* a drop wakes too */
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 3);
    set(REG(EVENT_ARM), 4);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 3); /* that drop is known */
    start(2);                                           /* disarms */
    for (unsigned n = 11; n < 17; n++)
        client_sends(B.device, n, SYN, 1);
    assert_int_equal(B.irqs[PORTCAM_VECTOR_EVENTS], 3);
}

/* ---- commands ---- */

#define T(about, function)                                                                         \
    {                                                                                              \
        about, function, setup, teardown, NULL                                                     \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        T("a record is written and told when it begins and when its state changes", life),
        T("flags of a record: embryonic, kept port, IPv6", flags),
        T("SYN repeats alone write nothing", syn_repeats),
        T("a record that expires leaves its counters", expires),
        T("mirror_end: packets of 48 bits, lifetime ends at 65,535", high_counters),
        T("a record that is deleted leaves its counters, one that is not writes nothing", deleted),
        T("F.14: the end, then the new record, two versions, two events", port_reuse),
        T("a move: arrived, then left, one generation", moves),
        T("a paused domain's records write nothing when their last use moves", paused),
        T("a full event ring drops and counts, records are written", full_ring),
        T("event ring of 4 entries: laps", laps),
        T("EVENTS is taken at the rising ENABLE", without_events),
        T("arm: beyond the index, at once, by a drop; ENABLE disarms", arm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
