// SPDX-License-Identifier: Apache-2.0
/* Connections over the library: listing, filters, counting, deleting, and what explain and a library that comes later see. */
#include "connections_shop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portcam/mirror.h"

static const char *str(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
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
static unsigned reads;     /* commands connection_read */

int __real_portcam_ring_run(struct portcam_ring *ring, struct portcam_command *commands,
                            unsigned count, unsigned timeout_ms, struct portcam_completion *failed);

int __wrap_portcam_ring_run(struct portcam_ring *ring, struct portcam_command *commands,
                            unsigned count, unsigned timeout_ms, struct portcam_completion *failed);

int __wrap_portcam_ring_run(struct portcam_ring *ring, struct portcam_command *commands,
                            unsigned count, unsigned timeout_ms, struct portcam_completion *failed)
{
    reads += commands[0].opcode == PORTCAM_OPCODE_CONNECTION_READ;
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

static void explain_all(struct portcam *pc)
{
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
}

static void explains(void **state)
{
    struct portcam *pc = busy(NULL);
    (void)state;

    explain_all(pc);
    assert_int_equal(count_of(pc, portcam_connection_list, "{}"), 7);
    portcam_close(pc);
}

/* By the mirror the card is asked for the connections of the packet's client alone; where the mirror rests, for all. */
static void explains_by_the_mirror(void **state)
{
    struct portcam *pc = busy(NULL);
    struct portcam_mirror *mirror = NULL;
    (void)state;

    assert_int_equal(portcam_mirror_open(pc, NULL, NULL, &mirror), 0);
    reads = 0;
    explain_all(pc);
    assert_int_equal(reads, 2); /* two packets have one, three have none */
    assert_int_equal(portcam_mirror_stop(mirror), 0);
    explain_all(pc);
    assert_true(reads > 2 + 5);
    portcam_close(pc);
}

/* More connections of one address than there is room for here: the one of the packet is found among them. */
static void explains_a_crowded_address(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct pc_card *card = pc_dev_model_card(pc_hw_device(pc->hw));
    (void)state;

    set_time(pc, 1000);
    test_apply(pc, ALL);
    for (unsigned port = 5000; port < 5000 + 1500; port++) {
        const struct pc_packet packet = {.from = PC_FROM_CLIENT, .tcp_flags = SYN, .now = 1000};
        struct pc_insert insert = {
            .key = {.client = {.ip = {203, 0, 113, 9}, .port = (uint16_t)port}, .protocol = 6},
            .public_end = {.port = 80},
            .slot = PC_SLOT_ANY};
        unsigned slot;
        assert_int_equal(pc_connections_insert(pc_device_connections_rw(pc_card_device(card)),
                                               &insert, &packet, &slot),
                         PC_RESULT_OK);
    }
    send(pc, "tcp", "203.0.113.9", 4001, "198.51.100.1", 80, 0, SYN);
    assert_string_equal(
        explained(pc, "203.0.113.9", 4001, "198.51.100.1", 80, 0, ACK, "state syn_seen"),
        "connection_forward");
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
        {"explain knows the records", explains, NULL, NULL, NULL},
        {"explain finds the records in the mirror, and without it", explains_by_the_mirror, NULL,
         NULL, NULL},
        {"explain finds one of many records of an address", explains_a_crowded_address, NULL, NULL,
         NULL},
        {"stateful rows become a configuration again", taken_over, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
