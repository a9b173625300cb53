// SPDX-License-Identifier: Apache-2.0
/* What changes of the configuration do to connections, and what their counters and times do to slot tables. */
#include "connections_shop.h"

#include <errno.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"a change ends the connections that it takes the ground from", changes, NULL, NULL, NULL},
        {"F.17 a number with records goes to nobody", reserved, NULL, NULL, NULL},
        {"S1.35 connections of backends are counted", of_backends, NULL, NULL, NULL},
        {"connections of a new backend are counted from 0", bases, NULL, NULL, NULL},
        {"S1.38 fast servers get more", tuned, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("connections_changes", tests, NULL, NULL);
}
