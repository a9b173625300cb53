// SPDX-License-Identifier: Apache-2.0
/*
 * The trace of a card, on the model: which packets a filter chooses, in the card or behind it, what a sample says, limits,
 * and a card that lies.
 */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "dev_ops.h"
#include "model.h"
#include "portcam/trace.h"
#include "ring_priv.h"

#define CLIENT "203.0.113.9"
#define PUBLIC "198.51.100.1"
#define CONFIG                                                                                     \
    "{'format': 1, 'domains': [{'name': 'shop', 'unknown': 'drop'}, {'name': 'bank'}], "           \
    "'functions': [{'function': 1, 'domain': 'shop', 'default': true}], "                          \
    "'addresses': [{'address': '" PUBLIC "', 'domain': 'shop'}, "                                  \
    "{'address': '2001:db8::1', 'domain': 'bank'}], "                                              \
    "'backends': [{'name': 'a', 'address': '192.0.2.1', 'port': 8080, 'function': 1}, "            \
    "{'name': 'b', 'address': '2001:db8:1::1', 'function': 2}, "                                   \
    "{'name': 'c', 'address': '192.0.2.3', 'port': 5353, 'function': 1}], "                        \
    "'services': [{'name': 'web', 'domain': 'shop', 'address': '" PUBLIC "', 'protocol': 'tcp', "  \
    "'port': 80, 'mode': 'stateful', 'backends': ['a']}, {'name': 'dns', 'domain': 'shop', "       \
    "'address': '" PUBLIC "', 'protocol': 'udp', 'port': 53, 'mode': 'static', "                   \
    "'backends': ['c']}, {'name': 'six', 'domain': 'bank', 'address': '2001:db8::1', "             \
    "'protocol': 'udp', 'port': 53, 'mode': 'static', 'backends': ['b']}]}"

static struct bench {
    struct portcam *pc;
    struct portcam_report *report;
    struct portcam_trace *trace;
} B;

static int setup(void **state)
{
    (void)state;
    B.pc = test_open(NULL);
    B.report = portcam_report_new();
    B.trace = NULL;
    test_apply(B.pc, CONFIG);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    portcam_trace_close(B.trace);
    portcam_report_free(B.report);
    portcam_close(B.pc);
    return 0;
}

static int begin(const struct portcam_trace_filter *filter)
{
    portcam_report_clear(B.report);
    return portcam_trace_open(B.pc, filter, "a test", B.report, &B.trace);
}

static void end(void)
{
    portcam_trace_close(B.trace);
    B.trace = NULL;
}

/* The packets of all tests: each does something else. */
enum { A_SYN, A_REPLY, A_QUERY, A_ANSWER, A_SIX, A_WRONG_PORT, A_STRANGER, A_PING, PACKETS };

static void packet(unsigned which)
{
    static const struct {
        const char *protocol, *source;
        unsigned sport;
        const char *destination;
        unsigned dport, from;
    } packets[PACKETS] = {
        [A_SYN] = {"tcp", CLIENT, 4000, PUBLIC, 80, 0},
        [A_REPLY] = {"tcp", "192.0.2.1", 8080, CLIENT, 4000, 1},
        [A_QUERY] = {"udp", CLIENT, 4001, PUBLIC, 53, 0},
        [A_ANSWER] = {"udp", "192.0.2.3", 5353, CLIENT, 4001, 1},
        [A_SIX] = {"udp", "2001:db8:9::9", 4002, "2001:db8::1", 53, 0},
        [A_WRONG_PORT] = {"tcp", CLIENT, 80, PUBLIC, 81, 0},
        [A_STRANGER] = {"tcp", "203.0.113.10", 4003, "203.0.113.99", 80, 0},
        [A_PING] = {"icmp", CLIENT, 0, "203.0.113.99", 0, 0},
    };

    test_packet(B.pc, packets[which].protocol, packets[which].source, packets[which].sport,
                packets[which].destination, packets[which].dport, packets[which].from);
}

/* Samples of all packets: a letter for each, by its number. */
static const char *chosen(const struct portcam_trace_filter *filter)
{
    static char text[PACKETS + 1];
    struct portcam_trace_sample sample;
    size_t n = 0;

    if (begin(filter))
        fail_msg("%s", test_messages(B.report));
    for (unsigned i = 0; i < PACKETS; i++) {
        packet(i);
        assert_in_range(n, 0, PACKETS - 1);
        if (portcam_trace_next(B.trace, &sample) == 1)
            text[n++] = (char)('0' + i);
    }
    text[n] = 0;
    assert_int_equal(portcam_trace_next(B.trace, &sample), 0);
    end();
    return text;
}

#define FILTER(...)                                                                                \
    (struct portcam_trace_filter)                                                                  \
    {                                                                                              \
        .sz = sizeof(struct portcam_trace_filter), __VA_ARGS__                                     \
    }

static void filters(void **state)
{
    static const struct {
        struct portcam_trace_filter filter;
        const char *want;
    } cases[] = {
        {FILTER(.every = 1), "01234567"},
        {FILTER(.protocol = "tcp"), "0156"},
        {FILTER(.protocol = "1"), "7"},
        {FILTER(.version = 6), "4"},
        {FILTER(.version = 4), "0123567"},
        {FILTER(.src = CLIENT), "0257"},
        {FILTER(.src = "203.0.113.0/24"), "02567"},
        {FILTER(.dst = CLIENT), "13"},
        {FILTER(.dst = "2001:db8::/32"), "4"},
        {FILTER(.hosts = {CLIENT}), "012357"},
        {FILTER(.hosts = {CLIENT, PUBLIC}), "025"},
        {FILTER(.hosts = {PUBLIC, CLIENT}), "025"},
        {FILTER(.hosts = {"203.0.113.0/29", CLIENT}), ""},
        {FILTER(.ports = {80}), "056"},
        {FILTER(.ports = {80, 4000}), "0"},
        {FILTER(.ports = {53}), "24"},
        {FILTER(.src_port = 80), "5"},
        {FILTER(.dst_port = 80), "06"},
        {FILTER(.dst_port = 80, .src = CLIENT), "0"},
        /* Beyond what the card can say. */
        {FILTER(.hosts = {CLIENT}, .ports = {80}), "05"},
        {FILTER(.hosts = {PUBLIC}, .src_port = 80), "5"},
        {FILTER(.ports = {80}, .src = CLIENT), "05"},
        {FILTER(.ports = {53}, .dst = PUBLIC), "2"},
        {FILTER(.hosts = {"2001:db8::/32"}, .dst_port = 53), "4"},
        {FILTER(.service = "web"), "01"},
        {FILTER(.service = "dns", .dst = CLIENT), "3"},
        {FILTER(.backend = "b"), "4"},
        {FILTER(.domain = "shop"), "01235"},
        {FILTER(.address = PUBLIC), "01235"},
        {FILTER(.address = "2001:db8::1/128"), "4"},
        {FILTER(.by_ingress = true), "024567"},
        {FILTER(.by_ingress = true, .ingress = 1), "13"},
        {FILTER(.reasons = "unknown_drop"), "5"},
        {FILTER(.reasons = "drop"), "5"},
        {FILTER(.reasons = "pass,drop"), "567"},
        {FILTER(.reasons = "rewrite"), "01234"},
        {FILTER(.reasons = "static_forward,static_reverse"), "234"},
        {FILTER(.reasons = "drop", .service = "web"), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = chosen(&cases[i].filter);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("filter %zu chose %s, not %s", i, got, cases[i].want);
    }
    assert_string_equal(chosen(NULL), "01234567");
}

static void refused(void **state)
{
    static const struct {
        struct portcam_trace_filter filter;
        int rc;
        const char *text;
    } cases[] = {
        {FILTER(.src = "1.2.3"), -EINVAL, "the source is \"1.2.3\"; give an address"},
        {FILTER(.dst = "198.51.100.1/33"), -EINVAL, "the destination is"},
        {FILTER(.hosts = {"198.51.100.1/24"}), -EINVAL, "it has bits behind its length"},
        {FILTER(.hosts = {CLIENT, "2001:db8::1"}), -EINVAL, "no packet is of IPv4 and of IPv6"},
        {FILTER(.src = CLIENT, .version = 6), -EINVAL, "no packet is of IPv4 and of IPv6"},
        {FILTER(.version = 5), -EINVAL, "there is IP version 4 and 6, not 5"},
        {FILTER(.dst_port = 65536), -EINVAL, "the destination port is 65536"},
        {FILTER(.rate = 70000), -EINVAL, "rate is 70000; it is at most 65535"},
        {FILTER(.every = 70000), -EINVAL, "every is 70000"},
        {FILTER(.protocol = "tpc"), -EINVAL, "the protocol is \"tpc\"; give tcp, udp"},
        {FILTER(.by_ingress = true, .ingress = 16), -EINVAL, "there is no function 16"},
        {FILTER(.service = "wob"), -ENOENT, "there is no service \"wob\""},
        {FILTER(.backend = "z"), -ENOENT, "there is no backend \"z\""},
        {FILTER(.domain = "z"), -ENOENT, "there is no domain \"z\""},
        {FILTER(.address = "1.2.3.4"), -ENOENT, "there is no address \"1.2.3.4\""},
        {FILTER(.reasons = "drip"), -ENOENT, "there is no reason \"drip\""},
        {FILTER(.reasons = "drop,"), -ENOENT, "there is no reason \"\""},
    };
    struct {
        struct portcam_trace_filter filter;
        unsigned more;
    } newer = {{.sz = sizeof(newer)}, 1};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(begin(&cases[i].filter), cases[i].rc);
        if (!strstr(test_messages(B.report), cases[i].text))
            fail_msg("\"%s\" does not say \"%s\"", test_messages(B.report), cases[i].text);
        assert_null(B.trace);
    }
    assert_int_equal(begin(&newer.filter), -EINVAL);
    newer.more = 0;
    assert_int_equal(begin(&newer.filter), 0);
    end();
    newer.filter.sz = 0;
    assert_int_equal(begin(&newer.filter), -EINVAL);
}

static uint32_t reg(uint32_t offset)
{
    uint32_t value = 0;
    assert_int_equal(portcam_reg_read32(pc_hw_device(B.pc->hw), offset, &value), 0);
    return value;
}

static void one_at_a_time(void **state)
{
    struct portcam_trace *other = NULL;

    (void)state;
    packet(A_SYN);
    assert_int_equal(reg(PORTCAM_REG_TRACE_STATUS), 0); /* off until it is asked for */
    assert_int_equal(begin(NULL), 0);
    assert_int_equal(reg(PORTCAM_REG_TRACE_STATUS), PORTCAM_TRACE_STATUS_RUNNING);
    assert_int_equal(portcam_trace_open(B.pc, NULL, NULL, B.report, &other), -EBUSY);
    assert_non_null(
        strstr(test_messages(B.report), "this card is being traced already, by a test"));
    end();
    assert_int_equal(reg(PORTCAM_REG_TRACE_STATUS), 0);
    assert_int_equal(begin(NULL), 0); /* left open: portcam_close() ends it */
    B.trace = NULL;
}

/* The next sample as JSON text without its times and bytes. */
static json_t *next_json(void)
{
    struct portcam_trace_sample sample;

    assert_int_equal(portcam_trace_next(B.trace, &sample), 1);
    json_t *value = portcam_trace_sample_json(B.trace, &sample);
    assert_non_null(value);
    return value;
}

static void expect(unsigned which, const char *want)
{
    packet(which);
    json_t *got = next_json(), *wanted, *value;
    const char *key;
    char text[600];

    snprintf(text, sizeof(text), "%s", want);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    wanted = json_loads(text, 0, NULL);
    assert_non_null(wanted);
    json_object_foreach (wanted, key, value) {
        const json_t *found = json_object_get(got, key);
        if (json_is_null(value) ? found != NULL : !json_equal(value, found))
            fail_msg("packet %u: %s of %s", which, key, json_dumps(got, 0));
    }
    json_decref(got);
    json_decref(wanted);
}

static void words(void **state)
{
    (void)state;
    assert_int_equal(begin(NULL), 0);
    expect(A_SYN,
           "{'event': 'packet', 'ingress': 0, 'egress': 1, 'verdict': 'rewrite', 'rule': 'P8', "
           "'reason': 'connection_new', 'protocol': 'tcp', 'tcp_flags': 'S', 'reply': false, "
           "'source': {'address': '203.0.113.9', 'port': 4000}, 'destination': {'address': "
           "'198.51.100.1', 'port': 80}, 'becomes': {'destination': {'address': '192.0.2.1', "
           "'port': 8080}}, 'domain': 'shop', 'address': '198.51.100.1/32', 'service': 'web', "
           "'backend': 'a', 'began': true, 'vlan': null}");
    expect(A_REPLY,
           "{'ingress': 1, 'verdict': 'rewrite', 'reason': 'connection_reverse', 'reply': true, "
           "'becomes': {'source': {'address': '198.51.100.1', 'port': 80}}, 'service': 'web', "
           "'backend': 'a', 'began': false}");
    expect(A_ANSWER, "{'reason': 'static_reverse', 'becomes': {'source': {'address': "
                     "'198.51.100.1', 'port': 53}}, 'connection': null}");
    expect(A_SIX, "{'reason': 'static_forward', 'becomes': {'destination': {'address': "
                  "'2001:db8:1::1', 'port': 53}}, 'egress': 2, 'domain': 'bank'}");
    expect(A_WRONG_PORT, "{'verdict': 'drop', 'reason': 'unknown_drop', 'egress': null, 'domain': "
                         "'shop', 'service': null, 'backend': null}");
    expect(A_PING, "{'verdict': 'pass', 'reason': 'no_match', 'protocol': 'icmp', 'domain': null, "
                   "'source': {'address': '203.0.113.9'}, 'icmp_type': 8, 'becomes': null}");
}

/* The number of samples that are there. */
static unsigned samples(void)
{
    struct portcam_trace_sample sample;
    unsigned n = 0;

    while (portcam_trace_next(B.trace, &sample) == 1)
        n++;
    return n;
}

static void limits_of(struct portcam_trace_filter filter, bool card)
{
    struct portcam_trace_counts c;

    pc_dev_model_set_time(pc_hw_device(B.pc->hw), 5000);
    filter.rate = 10;
    assert_int_equal(begin(&filter), 0);
    for (unsigned i = 0; i < 50; i++)
        packet(A_QUERY);
    assert_int_equal(samples(), 10);
    pc_dev_model_set_time(pc_hw_device(B.pc->hw), 5500);
    for (unsigned i = 0; i < 50; i++)
        packet(A_QUERY);
    assert_int_equal(samples(), 5);
    portcam_trace_get_counts(B.trace, &c);
    assert_int_equal(c.sampled, 15);
    assert_int_equal(c.matched, 100);
    assert_int_equal(c.limited, 85);
    assert_int_equal(c.lost, 0);
    assert_int_equal(reg(PORTCAM_REG_TRACE_LIMITED), card ? 85 : 0);
    end();
    filter.rate = 0;
    filter.every = 7;
    assert_int_equal(begin(&filter), 0);
    for (unsigned i = 0; i < 50; i++)
        packet(A_QUERY);
    assert_int_equal(samples(), 8); /* the first, and each seventh behind it */
    end();
}

static void limits(void **state)
{
    (void)state;
    limits_of(FILTER(.protocol = "udp"), true);
    limits_of(FILTER(.service = "dns"), false);
}

/* More than the ring holds: the rest is lost, and told so. */
static void lost(void **state)
{
    struct portcam_trace_counts c;

    (void)state;
    assert_int_equal(begin(&FILTER(.rate = 65535)), 0);
    for (unsigned i = 0; i < 5000; i++)
        packet(A_QUERY);
    assert_int_equal(samples(), 4096);
    for (unsigned i = 0; i < 10; i++)
        packet(A_QUERY);
    assert_int_equal(samples(), 10);
    portcam_trace_get_counts(B.trace, &c);
    assert_int_equal(c.matched, 5010);
    assert_int_equal(c.sampled, 4106);
    assert_int_equal(c.lost, 904);
}

/* Writes into an entry of the ring, as the card does. */
static void poke(unsigned index, size_t at, const void *src, size_t len)
{
    uint64_t base = (uint64_t)reg(PORTCAM_REG_TRACE_BASE_HI) << 32 | reg(PORTCAM_REG_TRACE_BASE_LO);

    assert_int_equal(pc_dma_table_write(&pc_hw_device(B.pc->hw)->maps,
                                        base + (uint64_t)index * PORTCAM_TRACE_ENTRY + at, src,
                                        len),
                     0);
}

#define FIELD(name) #name, offsetof(struct portcam_trace_header, name)

static void lies(void **state)
{
    static const struct {
        const char *field;
        size_t at, size;
        uint32_t value;
    } lie[] = {
        {FIELD(lap), 4, 2},
        {FIELD(lap), 4, 0xfffffffe},
        {FIELD(len), 2, 0},
        {FIELD(reason), 1, PORTCAM_REASON_MAX},
        {FIELD(reason), 1, 64},
        {FIELD(reason), 1, 255},
        {FIELD(ingress), 1, 16},
        {FIELD(ingress), 1, 255},
        {FIELD(egress), 1, 16},
        {FIELD(egress), 1, 255}, /* and neither dropped nor punted */
        {FIELD(flags), 1, 0x10},
        {FIELD(domain), 2, PORTCAM_BUILD_DOMAINS},
        {FIELD(address), 2, PORTCAM_BUILD_ADDRESSES},
        {FIELD(service), 2, PORTCAM_BUILD_SERVICES},
        {FIELD(backend), 2, PORTCAM_BUILD_BACKENDS},
        {FIELD(backend), 2, 0xfffe},
        {FIELD(connection), 4, 0x00ffffff},
        {FIELD(connection), 4, 0xfffffffe},
    };
    struct portcam_trace_counts c;

    (void)state;
    for (size_t i = 0; i < sizeof(lie) / sizeof(lie[0]); i++) {
        assert_int_equal(begin(NULL), 0);
        packet(A_QUERY);
        packet(A_SIX);
        packet(A_QUERY);
        poke(1, lie[i].at, &lie[i].value, lie[i].size);
        unsigned n = samples();
        portcam_trace_get_counts(B.trace, &c);
        if (n != 2 || c.nonsense != 1)
            fail_msg("%s 0x%x: %u samples", lie[i].field, lie[i].value, n);
        end();
    }
}

/* A head that says more than is there, of every length and with bytes of all kinds. */
static void wild_heads(void **state)
{
    struct portcam_trace_sample sample;
    uint32_t seed = 1;

    (void)state;
    print_message("# seed %u\n", seed);
    assert_int_equal(begin(&FILTER(.hosts = {CLIENT}, .dst_port = 7)), 0);
    end();
    assert_int_equal(begin(NULL), 0);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t head[PORTCAM_TRACE_WINDOW];
        uint16_t len;

        for (size_t k = 0; k < sizeof(head); k++) {
            seed = seed * 1664525 + 1013904223;
            head[k] = (uint8_t)(seed >> 24);
        }
        len = (uint16_t)(seed >> 8);
        head[12] = seed & 1 ? 8 : 0x86;
        head[13] = seed & 1 ? 0 : 0xdd;
        head[14] = seed & 1 ? 0x45 : 0x60;
        head[seed & 1 ? 16 : 18] = 0;
        packet(A_QUERY);
        poke(i & 4095, offsetof(struct portcam_trace_header, len), &len, sizeof(len));
        poke(i & 4095, sizeof(struct portcam_trace_header), head, sizeof(head));
        pc_dev_model_set_time(pc_hw_device(B.pc->hw), i);
        if (portcam_trace_next(B.trace, &sample) == 1)
            json_decref(portcam_trace_sample_json(B.trace, &sample));
    }
}

static void after_a_reset(void **state)
{
    struct portcam_trace_counts c;

    (void)state;
    assert_int_equal(begin(&FILTER(.protocol = "udp")), 0);
    packet(A_QUERY);
    assert_int_equal(samples(), 1);
    portcam_trace_get_counts(B.trace, &c);
    assert_int_equal(portcam_reset(B.pc, B.report), 0);
    for (unsigned i = 0; i < 100 && reg(PORTCAM_REG_TRACE_STATUS) == 0; i++) {
        assert_int_equal(samples(), 0);
        pc_pause_us(10000);
    }
    packet(A_SYN);
    packet(A_QUERY);
    assert_int_equal(samples(), 1);
    portcam_trace_get_counts(B.trace, &c);
    assert_int_equal(c.matched, 2);
    assert_int_equal(c.sampled, 2);
    assert_int_equal(c.restarts, 1);
}

/* An object that goes while its packets are in the ring has a number and no name any more. */
static void names_that_go(void **state)
{
    (void)state;
    assert_int_equal(begin(NULL), 0);
    packet(A_QUERY);
    test_apply(B.pc, "{'format': 1}");
    json_t *value = next_json();
    assert_true(json_is_integer(json_object_get(value, "service")));
    assert_true(json_is_integer(json_object_get(value, "backend")));
    assert_null(json_object_get(value, "becomes"));
    json_decref(value);
}

#define TEST(name, function)                                                                       \
    {                                                                                              \
        name, function, setup, teardown, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST("trace: filters choose what they say", filters),
        TEST("trace: filters that cannot be", refused),
        TEST("trace: off by default, one at a time", one_at_a_time),
        TEST("trace: samples in words, with the rows that they took", words),
        TEST("trace: rate and every, of the card and behind it", limits),
        TEST("trace: a ring that is full loses samples, not packets", lost),
        TEST("trace: a card that lies is skipped and counted", lies),
        TEST("trace: any bytes may be in a head", wild_heads),
        TEST("trace: goes on after a reset of the card", after_a_reset),
        TEST("trace: objects that are removed meanwhile", names_that_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
