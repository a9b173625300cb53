// SPDX-License-Identifier: Apache-2.0
/* The trace of a card, on the model: which packets a filter chooses, in the card or behind it, what a sample says, limits. */
#include "trace_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* Samples of all packets: a letter for each, by its number. */
static const char *chosen(const struct portcam_trace_filter *filter)
{
    static char text[PACKETS + 1];
    struct portcam_trace_sample sample;
    size_t n = 0;

    if (trace_begin(filter))
        fail_msg("%s", test_messages(trace_world.report));
    for (unsigned i = 0; i < PACKETS; i++) {
        trace_packet(i);
        assert_in_range(n, 0, PACKETS - 1);
        if (portcam_trace_next(trace_world.trace, &sample) == 1)
            text[n++] = (char)('0' + i);
    }
    text[n] = 0;
    assert_int_equal(portcam_trace_next(trace_world.trace, &sample), 0);
    trace_end();
    return text;
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
        assert_int_equal(trace_begin(&cases[i].filter), cases[i].rc);
        if (!strstr(test_messages(trace_world.report), cases[i].text))
            fail_msg("\"%s\" does not say \"%s\"", test_messages(trace_world.report),
                     cases[i].text);
        assert_null(trace_world.trace);
    }
    assert_int_equal(trace_begin(&newer.filter), -EINVAL);
    newer.more = 0;
    assert_int_equal(trace_begin(&newer.filter), 0);
    trace_end();
    newer.filter.sz = 0;
    assert_int_equal(trace_begin(&newer.filter), -EINVAL);
}

static void one_at_a_time(void **state)
{
    struct portcam_trace *other = NULL;

    (void)state;
    trace_packet(A_SYN);
    assert_int_equal(trace_reg(PORTCAM_REG_TRACE_STATUS), 0); /* off until it is asked for */
    assert_int_equal(trace_begin(NULL), 0);
    assert_int_equal(trace_reg(PORTCAM_REG_TRACE_STATUS), PORTCAM_TRACE_STATUS_RUNNING);
    assert_int_equal(portcam_trace_open(trace_world.pc, NULL, NULL, trace_world.report, &other),
                     -EBUSY);
    assert_non_null(
        strstr(test_messages(trace_world.report), "this card is being traced already, by a test"));
    trace_end();
    assert_int_equal(trace_reg(PORTCAM_REG_TRACE_STATUS), 0);
    assert_int_equal(trace_begin(NULL), 0); /* left open: portcam_close() ends it */
    trace_world.trace = NULL;
}

/* The next sample as JSON text without its times and bytes. */
static json_t *next_json(void)
{
    struct portcam_trace_sample sample;

    assert_int_equal(portcam_trace_next(trace_world.trace, &sample), 1);
    json_t *value = portcam_trace_sample_json(trace_world.trace, &sample);
    assert_non_null(value);
    return value;
}

static void expect(unsigned which, const char *want)
{
    trace_packet(which);
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
    assert_int_equal(trace_begin(NULL), 0);
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

static void limits_of(struct portcam_trace_filter filter, bool card)
{
    struct portcam_trace_counts c;

    pc_dev_model_set_time(pc_hw_device(trace_world.pc->hw), 5000);
    filter.rate = 10;
    assert_int_equal(trace_begin(&filter), 0);
    for (unsigned i = 0; i < 50; i++)
        trace_packet(A_QUERY);
    assert_int_equal(trace_samples(), 10);
    pc_dev_model_set_time(pc_hw_device(trace_world.pc->hw), 5500);
    for (unsigned i = 0; i < 50; i++)
        trace_packet(A_QUERY);
    assert_int_equal(trace_samples(), 5);
    portcam_trace_get_counts(trace_world.trace, &c);
    assert_int_equal(c.sampled, 15);
    assert_int_equal(c.matched, 100);
    assert_int_equal(c.limited, 85);
    assert_int_equal(c.lost, 0);
    assert_int_equal(trace_reg(PORTCAM_REG_TRACE_LIMITED), card ? 85 : 0);
    trace_end();
    filter.rate = 0;
    filter.every = 7;
    assert_int_equal(trace_begin(&filter), 0);
    for (unsigned i = 0; i < 50; i++)
        trace_packet(A_QUERY);
    assert_int_equal(trace_samples(), 8); /* the first, and each seventh behind it */
    trace_end();
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
    assert_int_equal(trace_begin(&FILTER(.rate = 65535)), 0);
    for (unsigned i = 0; i < 5000; i++)
        trace_packet(A_QUERY);
    assert_int_equal(trace_samples(), 4096);
    for (unsigned i = 0; i < 10; i++)
        trace_packet(A_QUERY);
    assert_int_equal(trace_samples(), 10);
    portcam_trace_get_counts(trace_world.trace, &c);
    assert_int_equal(c.matched, 5010);
    assert_int_equal(c.sampled, 4106);
    assert_int_equal(c.lost, 904);
}

/* An object that goes while its packets are in the ring has a number and no name any more. */
static void names_that_go(void **state)
{
    (void)state;
    assert_int_equal(trace_begin(NULL), 0);
    trace_packet(A_QUERY);
    test_apply(trace_world.pc, "{'format': 1}");
    json_t *value = next_json();
    assert_true(json_is_integer(json_object_get(value, "service")));
    assert_true(json_is_integer(json_object_get(value, "backend")));
    assert_null(json_object_get(value, "becomes"));
    json_decref(value);
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
        TEST("trace: objects that are removed meanwhile", names_that_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
