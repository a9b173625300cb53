// SPDX-License-Identifier: Apache-2.0
/* Connections of the model card as the library tells and ends them, and what a change of the configuration ends. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card.h"
#include "driver/model.h"
#include "model.h"
#include "portcam/ring.h"

enum { SYN = 2, RST = 4, ACK = 16, SYN_ACK = 18 };

#define SERVICES                                                                                   \
    "'services': [{'name': 'web', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "   \
    "'port': 80, 'mode': 'stateful', 'scheduler': 'rr', 'backends': ['a', 'b']}, {'name': 'dns', " \
    "'domain': 'd', 'protocol': 'udp', 'port': 53, 'mode': 'stateful', 'backends': ['c']}]"
#define CONFIG(backends)                                                                           \
    "{'format': 1, 'domains': [{'name': 'd'}], 'addresses': [{'address': '198.51.100.1', "         \
    "'domain': 'd'}, {'address': '198.51.100.2', 'domain': 'd'}], 'backends': [" backends "], "
#define A "{'name': 'a', 'address': '192.0.2.1', 'port': 8080, 'function': 2}"
#define B "{'name': 'b', 'address': '192.0.2.2', 'port': 8080, 'function': 2}"
#define C "{'name': 'c', 'address': '192.0.2.3', 'function': 2}"
#define ALL CONFIG(A ", " B ", " C) SERVICES "}"

static void set_time(struct portcam *pc, uint32_t ms)
{
    pc_dev_model_set_time(pc_hw_device(pc->hw), ms);
}

/* A packet through the card; flags of TCP. Returns the reason. */
static unsigned send(struct portcam *pc, const char *protocol, const char *source, unsigned sport,
                     const char *destination, unsigned dport, unsigned from, unsigned flags)
{
    uint8_t frame[128];
    size_t len = 0;
    struct pc_decision decision;
    struct pc_answer answer;
    json_t *spec = json_pack("{s:s, s:s, s:i, s:s, s:i}", "protocol", protocol, "source", source,
                             "source_port", (int)sport, "destination", destination,
                             "destination_port", (int)dport);
    assert_int_equal(portcam_build_frame(pc, spec, NULL, frame, sizeof(frame), &len), 0);
    json_decref(spec);
    if (strcmp(protocol, "tcp") == 0)
        frame[14 + 20 + 13] = (uint8_t)flags;
    struct pc_card *card = pc_dev_model_card(pc_hw_device(pc->hw));
    pc_device_packet(pc_card_device(card), frame, len, from, pc_card_time(card), NULL, &decision,
                     &answer);
    return decision.reason;
}

/* Six connections of web, three at each backend, two of them established; one of dns at the second address. */
static struct portcam *busy(const char *dir)
{
    struct portcam *pc = test_open(dir);
    set_time(pc, 1000);
    test_apply(pc, ALL);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(send(pc, "tcp", "203.0.113.9", 4000 + i, "198.51.100.1", 80, 0, SYN),
                         PORTCAM_REASON_CONNECTION_NEW);
    for (unsigned i = 0; i < 2; i++) {
        const char *server = i ? "192.0.2.2" : "192.0.2.1";
        assert_int_equal(send(pc, "tcp", server, 8080, "203.0.113.9", 4000 + i, 2, SYN_ACK),
                         PORTCAM_REASON_CONNECTION_REVERSE);
        assert_int_equal(send(pc, "tcp", "203.0.113.9", 4000 + i, "198.51.100.1", 80, 0, ACK),
                         PORTCAM_REASON_CONNECTION_FORWARD);
    }
    assert_int_equal(send(pc, "udp", "203.0.113.7", 5353, "198.51.100.2", 53, 0, 0),
                     PORTCAM_REASON_CONNECTION_NEW);
    return pc;
}

static json_t *filter(const char *text)
{
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *c = copy; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    json_t *value = json_loads(copy, 0, NULL);
    assert_non_null(value);
    return value;
}

typedef int (*call_fn)(struct portcam *, json_t *, uint32_t, struct portcam_report *, json_t **);

/* All stretches together. */
static json_t *all_of(struct portcam *pc, call_fn call, const char *filter_text)
{
    json_t *f = filter(filter_text), *list = json_array(), *answer = NULL;
    json_int_t from = 0;

    do {
        assert_int_equal(call(pc, f, (uint32_t)from, NULL, &answer), 0);
        json_array_extend(list, json_object_get(answer, "connections"));
        const json_t *next = json_object_get(answer, "next");
        assert_true(json_is_null(next) || json_integer_value(next) > from);
        from = json_integer_value(next);
        json_decref(answer);
    } while (from);
    json_decref(f);
    return list;
}

static size_t count_of(struct portcam *pc, call_fn call, const char *filter_text)
{
    json_t *list = all_of(pc, call, filter_text);
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

static const char *str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_int_t num(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void listed(void **state)
{
    struct portcam *pc = busy(NULL);
    (void)state;

    set_time(pc, 3500);
    json_t *list = all_of(pc, portcam_connection_list, "{'client': '203.0.113.9:4001'}");
    assert_int_equal(json_array_size(list), 1);
    const json_t *c = json_array_get(list, 0), *forward = json_object_get(c, "forward");
    assert_string_equal(str(c, "protocol"), "tcp");
    assert_string_equal(str(c, "state"), "established");
    assert_string_equal(str(c, "service"), "web");
    assert_string_equal(str(c, "backend"), "b");
    assert_string_equal(str(json_object_get(c, "client"), "address"), "203.0.113.9");
    assert_int_equal(num(json_object_get(c, "client"), "port"), 4001);
    assert_string_equal(str(json_object_get(c, "public"), "address"), "198.51.100.1");
    assert_int_equal(num(json_object_get(c, "public"), "port"), 80);
    assert_string_equal(str(json_object_get(c, "server"), "address"), "192.0.2.2");
    assert_int_equal(num(json_object_get(c, "server"), "port"), 8080);
    assert_int_equal(num(c, "age_ms"), 2500);
    assert_int_equal(num(c, "idle_ms"), 2500);
    assert_int_equal(num(c, "left_ms"), 900000 - 2500);
    assert_int_equal(num(forward, "packets"), 2);
    assert_int_equal(num(forward, "octets"), 120);
    assert_int_equal(num(json_object_get(c, "reverse"), "packets"), 1);
    assert_true(json_is_false(json_object_get(c, "embryonic")));
    json_decref(list);
    list = all_of(pc, portcam_connection_list, "{'service': 'dns'}");
    c = json_array_get(list, 0);
    assert_string_equal(str(json_object_get(c, "public"), "address"), "198.51.100.2");
    assert_int_equal(num(json_object_get(c, "server"), "port"), 53); /* kept */
    assert_true(json_is_true(json_object_get(c, "embryonic")));
    json_decref(list);
    portcam_close(pc);
}

static void filtered(void **state)
{
    static const struct {
        const char *filter;
        size_t count;
    } cases[] = {
        {"{}", 7},
        {"{'service': 'web'}", 6},
        {"{'backend': 'a'}", 3},
        {"{'service': 'dns', 'backend': 'a'}", 0},
        {"{'client': '203.0.113.9'}", 6},
        {"{'client': '203.0.113.9:4003'}", 1},
        {"{'client': '2001:db8::1'}", 0},
        {"{'client': '[2001:db8::1]:5'}", 0},
        {"{'state': 'syn_seen'}", 4},
        {"{'state': 'established', 'backend': 'b'}", 1},
        {"{'protocol': 'udp'}", 1},
        {"{'protocol': 17}", 1},
    };
    static const char *const wrong[] = {"{'colour': 1}",
                                        "{'client': 'x'}",
                                        "{'client': '1.2.3.4:70000'}",
                                        "{'client': '[::1'}",
                                        "{'client': '[::1]5'}",
                                        "{'client': 5}",
                                        "{'state': 'none'}",
                                        "{'state': 1}",
                                        "{'protocol': 0}",
                                        "{'protocol': '1.5'}",
                                        "{'service': 5}",
                                        "[]",
                                        "{'client': '1.2.3.4:'}",
                                        "{'client': '1.2.3.4:5x'}"};
    struct portcam *pc = busy(NULL);
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(count_of(pc, portcam_connection_list, cases[i].filter), cases[i].count);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct portcam_report *report = portcam_report_new();
        json_t *f = filter(wrong[i]), *answer = NULL;
        assert_int_equal(portcam_connection_list(pc, f, 0, report, &answer), -EINVAL);
        assert_null(answer);
        assert_int_equal(portcam_report_count(report, NULL), 1);
        portcam_report_free(report);
        json_decref(f);
    }
    json_t *f = filter("{'service': 'nope'}"), *answer = NULL;
    assert_int_equal(portcam_connection_list(pc, f, 0, NULL, &answer), -ENOENT);
    json_decref(f);
    f = json_object();
    assert_int_equal(portcam_connection_list(pc, f, 81952, NULL, &answer), -EINVAL);
    json_decref(f);
    portcam_close(pc);
}

static void counted(void **state)
{
    struct portcam *pc = busy(NULL);
    json_t *f = filter("{'service': 'web'}"), *answer = NULL;
    json_int_t from = 0, total = 0, established = 0;
    (void)state;

    do {
        assert_int_equal(portcam_connection_count(pc, f, (uint32_t)from, NULL, &answer), 0);
        total += num(answer, "count");
        established += num(json_object_get(answer, "states"), "established");
        from = num(answer, "next");
        json_decref(answer);
    } while (from);
    assert_int_equal(total, 6);
    assert_int_equal(established, 2);
    json_decref(f);
    portcam_close(pc);
}

static void deleted(void **state)
{
    struct portcam *pc = busy(NULL);
    struct portcam_report *report = portcam_report_new();
    json_t *list = all_of(pc, portcam_connection_list, "{'client': '203.0.113.9:4000'}"),
           *one = NULL;
    unsigned slot = 0, generation = 0;
    (void)state;

    char *end = NULL;
    slot = (unsigned)strtoul(str(json_array_get(list, 0), "connection"), &end, 10);
    assert_int_equal(*end, ':');
    generation = (unsigned)strtoul(end + 1, &end, 10);
    assert_int_equal(*end, 0);
    uint32_t g = generation, other = generation + 1;
    assert_int_equal(portcam_connection_show(pc, slot, &g, report, &one), 0);
    assert_int_equal(num(one, "slot"), slot);
    assert_string_equal(str(one, "domain"), "d");
    json_decref(one);
    one = NULL;
    assert_int_equal(portcam_connection_show(pc, slot, &other, report, &one), -ESTALE);
    assert_int_equal(portcam_connection_delete(pc, slot, other, report, &one), -ESTALE);
    assert_non_null(strstr(test_messages(report), "is another one than"));
    assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 7);
    assert_int_equal(portcam_connection_delete(pc, slot, generation, report, &one), 0);
    assert_string_equal(str(one, "state"), "established");
    json_decref(one);
    one = NULL;
    assert_int_equal(portcam_connection_delete(pc, slot, generation, report, &one), -ENOENT);
    assert_int_equal(portcam_connection_show(pc, slot, NULL, report, &one), -ENOENT);
    assert_int_equal(portcam_connection_show(pc, 81952, NULL, report, &one), -EINVAL);
    assert_null(one);
    assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 6);
    assert_int_equal(send(pc, "tcp", "203.0.113.9", 4000, "198.51.100.1", 80, 0, ACK),
                     PORTCAM_REASON_NO_RECORD_REJECT);
    json_decref(list);
    portcam_report_free(report);
    portcam_close(pc);
}

static void flushed(void **state)
{
    struct portcam *pc = busy(NULL);
    (void)state;
    json_t *ended = all_of(pc, portcam_connection_flush, "{'backend': 'a'}"), *c;
    size_t i;
    assert_int_equal(json_array_size(ended), 3);
    json_array_foreach (ended, i, c)
        assert_string_equal(str(c, "backend"), "a");
    json_decref(ended);
    assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 4);
    assert_int_equal(count_of(pc, portcam_connection_flush, "{}"), 4);
    assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 0);
    portcam_close(pc);
}

static unsigned runs_left; /* commands until the ring fails; 0: it does not */

int __real_portcam_ring_run(struct portcam_ring *ring, struct portcam_command *commands,
                            unsigned count, unsigned timeout_ms, struct portcam_completion *failed);
int __wrap_portcam_ring_run(struct portcam_ring *ring, struct portcam_command *commands,
                            unsigned count, unsigned timeout_ms, struct portcam_completion *failed);
int __wrap_portcam_ring_run(struct portcam_ring *ring, struct portcam_command *commands,
                            unsigned count, unsigned timeout_ms, struct portcam_completion *failed)
{
    if (runs_left == 0 || commands[0].opcode != PORTCAM_OPCODE_CONNECTION_DELETE)
        return __real_portcam_ring_run(ring, commands, count, timeout_ms, failed);
    count = count < runs_left ? count : runs_left;
    runs_left = 0;
    int rc = __real_portcam_ring_run(ring, commands, count, timeout_ms, failed);
    return rc ? rc : -EIO;
}

/* The card fails among the connections that are to end: those that ended before are told, and the rest is there. */
static void flushed_in_part(void **state)
{
    struct portcam *pc = busy(NULL);
    json_t *f = json_object(), *answer = NULL;
    (void)state;

    runs_left = 3;
    assert_int_equal(portcam_connection_flush(pc, f, 0, NULL, &answer), 0);
    assert_int_equal(json_array_size(json_object_get(answer, "connections")), 3);
    json_int_t next = num(answer, "next");
    assert_true(json_is_integer(json_object_get(answer, "next")));
    json_decref(answer);
    assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 4);
    assert_int_equal(portcam_connection_flush(pc, f, (uint32_t)next, NULL, &answer), 0);
    assert_true(json_array_size(json_object_get(answer, "connections")) > 0);
    json_decref(answer);
    json_decref(f);
    portcam_close(pc);
}

/* Fills the whole table: every stretch is told, and none is told twice. */
static void long_list(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct pc_card *card = pc_dev_model_card(pc_hw_device(pc->hw));
    struct pc_connections *table = pc_device_connections_rw(pc_card_device(card));
    unsigned capacity = pc_connections_capacity(table);
    (void)state;

    set_time(pc, 1000);
    test_apply(pc, ALL);
    for (unsigned i = 0; i < 65552; i++) {
        const struct pc_packet packet = {.from = PC_FROM_CLIENT, .tcp_flags = SYN, .now = 1000};
        struct pc_insert insert = {.key = {.protocol = 6}, .slot = PC_SLOT_ANY};
        unsigned slot;
        insert.key.client.port = (uint16_t)(1 + i % 60000);
        insert.key.client.ip[0] = 10;
        insert.key.client.ip[1] = (uint8_t)(i / 60000);
        assert_int_equal(pc_connections_insert(table, &insert, &packet, &slot), PC_RESULT_OK);
    }
    json_t *f = json_object(), *answer = NULL;
    json_int_t from = 0;
    size_t total = 0, stretches = 0;
    do {
        assert_int_equal(portcam_connection_list(pc, f, (uint32_t)from, NULL, &answer), 0);
        size_t n = json_array_size(json_object_get(answer, "connections"));
        assert_true(n <= 2 * PORTCAM_BUILD_MAX_COUNT); /* an answer stays short */
        total += n;
        stretches++;
        from = num(answer, "next");
        json_decref(answer);
    } while (from);
    json_decref(f);
    assert_int_equal(total, 65552);
    assert_true(stretches > 60);
    assert_true(capacity > 65552);
    portcam_close(pc);
}

/* Numbers that nobody has are told as such; numbers that there are not are refused before they are used. */
static void impossible(void **state)
{
    static const struct {
        uint16_t service, backend, endpoint, address;
        int rc;
    } cases[] = {{1000, 4000, 4000, 200, 0},
                 {1024, 0, 0, 0, -EPROTO},
                 {0, 0, 4096, 0, -EPROTO},
                 {0, 0, 0, 256, -EPROTO}};
    const struct pc_packet packet = {.from = PC_FROM_CLIENT, .tcp_flags = SYN};
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct portcam *pc = busy(NULL);
        struct pc_card *card = pc_dev_model_card(pc_hw_device(pc->hw));
        struct portcam_report *report = portcam_report_new();
        struct pc_insert insert = {.key = {.protocol = 47},
                                   .service = cases[i].service,
                                   .public_end = {.address = cases[i].address},
                                   .backend = cases[i].backend,
                                   .endpoint = cases[i].endpoint,
                                   .slot = PC_SLOT_ANY};
        json_t *f = filter("{'protocol': 47}"), *answer = NULL;
        unsigned slot = 0;
        assert_int_equal(pc_connections_insert(pc_device_connections_rw(pc_card_device(card)),
                                               &insert, &packet, &slot),
                         PC_RESULT_OK);
        assert_int_equal(portcam_connection_list(pc, f, 0, report, &answer), cases[i].rc);
        if (cases[i].rc) {
            assert_null(answer);
            assert_non_null(strstr(test_messages(report), "a connection that cannot be"));
        } else {
            const json_t *c = json_array_get(json_object_get(answer, "connections"), 0);
            assert_true(json_is_null(json_object_get(c, "service")));
            assert_true(json_is_null(json_object_get(c, "backend")));
            assert_true(json_is_null(json_object_get(c, "left_ms")));
            assert_true(json_is_null(json_object_get(json_object_get(c, "public"), "address")));
            assert_int_equal(num(c, "protocol"), 47);
        }
        json_decref(answer);
        json_decref(f);
        portcam_report_free(report);
        portcam_close(pc);
    }
}

/* ---- what a change ends ---- */

static json_int_t ended_by(struct portcam *pc, const char *text, bool dry_run)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(text);
    json_t *diff = NULL;
    int rc = dry_run ? portcam_config_diff(pc, config, report, &diff)
                     : portcam_config_apply(pc, config, report, &diff);
    if (rc)
        fail_msg("%s", test_messages(report));
    json_int_t ended = num(diff, "ended");
    json_decref(diff);
    portcam_config_free(config);
    portcam_report_free(report);
    return ended;
}

#define WEB(port, backends)                                                                        \
    "'services': [{'name': 'web', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "   \
    "'port': " port ", 'mode': 'stateful', 'scheduler': 'rr', 'backends': [" backends "]}"
#define DNS                                                                                        \
    ", {'name': 'dns', 'domain': 'd', 'protocol': 'udp', 'port': 53, 'mode': 'stateful', "         \
    "'backends': ['c']}]}"

static void changes(void **state)
{
    static const struct {
        const char *name, *text;
        json_int_t ended;
    } cases[] = {
        {"nothing", ALL, 0},
        {"a weight",
         CONFIG(
             "{'name': 'a', 'address': '192.0.2.1', 'port': 8080, 'function': 2, 'weight': 0}, " B
             ", " C) SERVICES "}",
         0},
        {"another scheduler, more backends",
         CONFIG(A ", " B ", " C ", {'name': 'x', 'address': '192.0.2.9', 'function': 2}")
             WEB("80", "'x', 'b', 'a'") DNS,
         0},
        {"a backend", CONFIG(B ", " C) WEB("80", "'b'") DNS, 3},
        {"a backend of the service alone", CONFIG(A ", " B ", " C) WEB("80", "'b'") DNS, 3},
        {"the address of a backend",
         CONFIG("{'name': 'a', 'address': '192.0.2.8', 'port': 8080, 'function': 2}, " B ", " C)
             SERVICES "}",
         3},
        {"the port of a service", CONFIG(A ", " B ", " C) WEB("81", "'a', 'b'") DNS, 6},
        {"a service", CONFIG(A ", " B ", " C) WEB("80", "'a', 'b'") "]}", 1},
        {"a service's mode",
         CONFIG(A ", " B ", " C)
             WEB("80", "'a', 'b'") ", {'name': 'dns', 'domain': 'd', 'protocol': 'udp', 'port': "
                                   "53, 'mode': 'deliver', 'backends': ['c']}]}",
         1},
        {"an address",
         "{'format': 1, 'domains': [{'name': 'd'}], 'addresses': [{'address': '198.51.100.1', "
         "'domain': 'd'}], 'backends': [" A ", " B ", " C "], " SERVICES "}",
         1},
        {"all", "{'format': 1}", 7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct portcam *pc = busy(NULL);
        assert_int_equal(ended_by(pc, cases[i].text, true), cases[i].ended);
        assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 7);
        json_int_t ended = ended_by(pc, cases[i].text, false);
        if (ended != cases[i].ended)
            fail_msg("%s: %lld ended", cases[i].name, (long long)ended);
        assert_int_equal(count_of(pc, portcam_connection_list, "{}"), (size_t)(7 - ended));
        portcam_close(pc);
    }
}

/* F.17: a process that dies between the commit and the end of the records leaves them behind. */
static void reserved(void **state)
{
    struct portcam *pc = busy(NULL);
    struct pc_card *card = pc_dev_model_card(pc_hw_device(pc->hw));
    struct pc_connections *table = pc_device_connections_rw(pc_card_device(card));
    (void)state;

    unsigned number = pc->plan->numbers[PC_BACKEND].number[0];
    assert_int_equal(ended_by(pc, CONFIG(B ", " C) WEB("80", "'b'") DNS, false), 3);
    const struct pc_packet packet = {.from = PC_FROM_CLIENT, .tcp_flags = SYN};
    struct pc_insert left = {
        .key = {.protocol = 6}, .backend = (uint16_t)number, .slot = PC_SLOT_ANY};
    unsigned slot = 0;
    assert_int_equal(pc_connections_insert(table, &left, &packet, &slot), PC_RESULT_OK);
    test_apply(pc, CONFIG(B ", " C ", {'name': 'new', 'address': '192.0.2.50', 'function': 1}")
                       WEB("80", "'b', 'new'") DNS);
    for (size_t i = 0; i < pc->plan->numbers[PC_BACKEND].count; i++)
        assert_int_not_equal(pc->plan->numbers[PC_BACKEND].number[i], number);
    assert_int_equal(json_array_size(pc->plan->reserved), 1);
    assert_int_equal(
        pc_connections_delete(table, slot, pc_connections_get(table, slot)->generation, 0, NULL),
        PC_RESULT_OK);
    test_apply(pc, CONFIG(B ", " C) WEB("80", "'b'") DNS);
    assert_null(pc->plan->reserved);
    portcam_close(pc);
}

/* ---- numbers of connections ---- */

static void of_backends(void **state)
{
    struct portcam *pc = busy(NULL);
    json_t *list = NULL, *stats = NULL;
    (void)state;

    assert_int_equal(portcam_list(pc, "backend", "a", true, NULL, &list), 0);
    const json_t *a = json_array_get(list, 0), *connections = json_object_get(a, "connections");
    assert_int_equal(num(a, "active"), 3);
    assert_int_equal(num(a, "records"), 3);
    assert_int_equal(num(connections, "new"), 3);
    assert_int_equal(num(connections, "syn_ack_count"), 1);
    assert_true(json_is_real(json_object_get(connections, "syn_ack_ms_mean")));
    json_decref(list);
    assert_int_equal(portcam_stats(pc, false, NULL, &stats), 0);
    connections = json_object_get(stats, "connections");
    assert_int_equal(num(connections, "new"), 7);
    assert_int_equal(num(connections, "records"), 7);
    assert_int_equal(num(connections, "embryonic"), 5);
    assert_int_equal(num(connections, "slots"), 81952);
    assert_int_equal(json_array_size(json_object_get(stats, "backends")), 3);
    json_decref(stats);
    portcam_close(pc);
}

/* A new backend begins at 0, also with a number that another one had. */
static void bases(void **state)
{
    struct portcam *pc = busy(NULL);
    json_t *list = NULL;
    (void)state;

    unsigned number = pc->plan->numbers[PC_BACKEND].number[0];
    struct portcam_config *config =
        test_config(CONFIG("{'name': 'x', 'address': '192.0.2.9', 'function': 2}, " B ", " C)
                        WEB("80", "'b', 'x'") DNS);
    json_t *names = pc_plan_names(pc->plan), *reserved = json_array();
    json_object_del(json_object_get(names, "backends"), "a");
    for (unsigned i = 0; i < portcam_get_caps(pc)->backends;
         i++) { /* as if all others were taken */
        if (i != number)
            json_array_append_new(reserved, json_integer(i));
    }
    json_object_set_new(names, "reserved", reserved);
    /* The number is that of an endpoint in the card: it is free after the next change. */
    struct portcam_report *report = portcam_report_new();
    assert_int_equal(pc_apply(pc, config, names, false, report, NULL), -EBADMSG);
    portcam_report_free(report);
    test_apply(pc, CONFIG(B ", " C) WEB("80", "'b'") DNS);
    assert_int_equal(pc_apply(pc, config, names, false, NULL, NULL), 0);
    assert_int_equal(pc->plan->numbers[PC_BACKEND].number[0], number);
    assert_int_equal(portcam_list(pc, "backend", "x", true, NULL, &list), 0);
    const json_t *x = json_object_get(json_array_get(list, 0), "connections");
    assert_int_equal(num(x, "new"), 0);
    assert_int_equal(num(x, "syn_ack_count"), 0);
    assert_null(json_object_get(x, "syn_ack_ms_mean"));
    json_decref(list);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(send(pc, "tcp", "203.0.113.9", 7000 + i, "198.51.100.1", 80, 0, SYN),
                         PORTCAM_REASON_CONNECTION_NEW);
    assert_int_equal(portcam_list(pc, "backend", "x", true, NULL, &list), 0);
    assert_int_equal(num(json_object_get(json_array_get(list, 0), "connections"), "new"), 1);
    json_decref(list);
    json_decref(names);
    portcam_config_free(config);
    portcam_close(pc);
}

/* ---- scheduler fast ---- */

#define FAST                                                                                       \
    CONFIG(A ", " B ", " C)                                                                        \
    "'services': [{'name': 'web', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "   \
    "'port': 80, 'mode': 'stateful', 'scheduler': 'fast', 'backends': ['a', 'b']}]}"

static unsigned slots_of(const struct portcam *pc, unsigned number)
{
    unsigned n = 0;
    for (uint32_t row = 0; row < pc->card->rows[PORTCAM_TABLE_SCHEDULE]; row++) {
        const struct pc_image_row *at = &pc->card->table[PORTCAM_TABLE_SCHEDULE][row];
        for (unsigned i = 0; at->valid && i < 8; i++) {
            uint16_t first;
            memcpy(&first, at->data + (size_t)4 * i, sizeof(first));
            n += first == number;
        }
    }
    return n;
}

/* Server a answers after 10 ms, b after 40. */
static void answers(struct portcam *pc, unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        const char *client = "203.0.113.9";
        set_time(pc, 100000 + i * 1000);
        (void)send(pc, "tcp", client, 4000 + i, "198.51.100.1", 80, 0, SYN);
        set_time(pc, 100000 + i * 1000 + 10);
        (void)send(pc, "tcp", "192.0.2.1", 8080, client, 4000 + i, 2, SYN_ACK);
        set_time(pc, 100000 + i * 1000 + 40);
        (void)send(pc, "tcp", "192.0.2.2", 8080, client, 4000 + i, 2, SYN_ACK);
    }
}

static void tuned(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir);
    bool changed = true;
    (void)state;

    set_time(pc, 1000);
    test_apply(pc, ALL);
    assert_int_equal(portcam_tune(pc, NULL, &changed), 0);
    assert_false(changed); /* no such service */
    test_apply(pc, FAST);
    unsigned a = pc->plan->numbers[PC_BACKEND].number[0],
             b = pc->plan->numbers[PC_BACKEND].number[1];
    assert_int_equal(slots_of(pc, a), slots_of(pc, b));
    answers(pc, 0, 6);
    assert_int_equal(portcam_tune(pc, NULL, &changed), 0);
    assert_false(changed); /* too few */
    answers(pc, 6, 14);
    assert_int_equal(portcam_tune(pc, NULL, &changed), 0);
    assert_true(changed);
    unsigned sum = slots_of(pc, a) + slots_of(pc, b);
    assert_true(slots_of(pc, a) > sum * 3 / 4 && slots_of(pc, a) < sum * 5 / 6);
    answers(pc, 20, 60);
    assert_int_equal(portcam_tune(pc, NULL, &changed), 0);
    assert_false(changed); /* the same times */
    /* The shares are kept through other changes. */
    unsigned kept = slots_of(pc, a);
    json_t *fields = json_pack("{s:s, s:s}", "name", "d", "unknown", "drop");
    assert_int_equal(portcam_edit(pc, PORTCAM_EDIT_SET, "domain", fields, false, NULL, NULL), 0);
    json_decref(fields);
    assert_int_equal(slots_of(pc, a), kept);
    portcam_close(pc);
    pc = test_open(dir); /* a new, empty card */
    assert_int_equal(slots_of(pc, a), kept);
    portcam_close(pc);
}

/* ---- explain ---- */

static const char *explained(struct portcam *pc, const char *source, unsigned sport,
                             const char *destination, unsigned dport, unsigned from, unsigned flags,
                             const char *words)
{
    static char reason[64];
    uint8_t frame[128];
    size_t len = 0;
    json_t *answer = NULL;
    json_t *spec =
        json_pack("{s:s, s:s, s:i, s:s, s:i}", "protocol", "tcp", "source", source, "source_port",
                  (int)sport, "destination", destination, "destination_port", (int)dport);
    assert_int_equal(portcam_build_frame(pc, spec, NULL, frame, sizeof(frame), &len), 0);
    json_decref(spec);
    frame[14 + 20 + 13] = (uint8_t)flags;
    assert_int_equal(portcam_explain(pc, frame, len, from, NULL, &answer), 0);
    char *text = json_dumps(answer, 0);
    if (!strstr(text, words))
        fail_msg("%s is not in %s", words, text);
    free(text);
    snprintf(reason, sizeof(reason), "%s", str(answer, "reason"));
    json_decref(answer);
    return reason;
}

static void explains(void **state)
{
    struct portcam *pc = busy(NULL);
    (void)state;

    assert_string_equal(explained(pc, "203.0.113.9", 4001, "198.51.100.1", 80, 0, ACK,
                                  "state established, is pinned to backend \\\"b\\\""),
                        "connection_forward");
    assert_string_equal(explained(pc, "192.0.2.2", 8080, "203.0.113.9", 4001, 2, ACK,
                                  "a reply of backend \\\"b\\\""),
                        "connection_reverse");
    assert_string_equal(explained(pc, "192.0.2.2", 8080, "203.0.113.9", 9999, 2, ACK,
                                  "no connection of this client with it"),
                        "reply_pass");
    assert_string_equal(
        explained(pc, "203.0.113.9", 9999, "198.51.100.1", 80, 0, SYN, "a connection begins"),
        "connection_new");
    assert_string_equal(explained(pc, "203.0.113.9", 9999, "198.51.100.1", 80, 0, ACK,
                                  "it cannot begin one: it is no SYN"),
                        "no_record_reject");
    assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 7);
    portcam_close(pc);
}

/* ---- a card whose configuration is forgotten ---- */

static void taken_over(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir);
    (void)state;

    test_apply(pc, ALL);
    json_t *running = NULL, *names = NULL;
    struct portcam_config *config = NULL;
    assert_int_equal(pc_decompile(pc->card, &config, &names), 0);
    struct portcam_report *report = portcam_report_new();
    struct pc_plan *plan = NULL;
    if (pc_plan_make(config, portcam_get_caps(pc), pc->seed, names, pc->card, report, &plan))
        fail_msg("%s", test_messages(report));
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++) {
        if (t != PORTCAM_TABLE_SCHEDULE)
            assert_int_equal(pc_image_differences(pc->card, plan->image, t), 0);
    }
    assert_int_equal(portcam_config_json(config, &running), 0);
    const json_t *web = json_array_get(json_object_get(running, "services"), 0);
    assert_string_equal(str(web, "mode"), "stateful");
    assert_int_equal(json_array_size(json_object_get(web, "backends")), 2);
    json_decref(running);
    json_decref(names);
    portcam_config_free(config);
    pc_plan_free(plan);
    portcam_report_free(report);
    portcam_close(pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"a connection is told with both its ends", listed, NULL, NULL, NULL},
        {"filters", filtered, NULL, NULL, NULL},
        {"counts by state", counted, NULL, NULL, NULL},
        {"one ends only if it is the one that is meant", deleted, NULL, NULL, NULL},
        {"those that a filter chooses end", flushed, NULL, NULL, NULL},
        {"those that ended before the card failed are told", flushed_in_part, NULL, NULL, NULL},
        {"a full table is told in many short answers", long_list, NULL, NULL, NULL},
        {"what a card cannot have is refused", impossible, NULL, NULL, NULL},
        {"a change ends the connections that it takes the ground from", changes, NULL, NULL, NULL},
        {"F.17 a number with records goes to nobody", reserved, NULL, NULL, NULL},
        {"S1.35 connections of backends are counted", of_backends, NULL, NULL, NULL},
        {"connections of a new backend are counted from 0", bases, NULL, NULL, NULL},
        {"S1.38 fast servers get more", tuned, NULL, NULL, NULL},
        {"explain knows the records", explains, NULL, NULL, NULL},
        {"stateful rows become a configuration again", taken_over, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
