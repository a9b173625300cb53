// SPDX-License-Identifier: Apache-2.0
/* The object "slow_path" of a configuration: what it says, what the card gets of it, and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#define BEFORE                                                                                     \
    "'domains': [{'name': 'shop'}], 'addresses': [{'address': '198.51.100.1', 'domain': 'shop'}]," \
    "'backends': [{'name': 'a', 'address': '10.0.0.1', 'port': 81, 'function': 1}],"               \
    "'services': [{'name': 'web', 'domain': 'shop', 'address': '198.51.100.1',%s 'mode': '%s',"    \
    "'backends': ['a']}]}"

#define BIT(name) (1ull << PORTCAM_REASON_##name)

static struct portcam_caps caps_with_punt(void)
{
    struct portcam_caps caps = test_caps_stateful();
    caps.flags |= PORTCAM_CAPS_PUNT;
    return caps;
}

/* The shop with a mode and these words of a slow path, or none. */
static const char *shop(const char *mode, const char *slow)
{
    static char text[2048];
    snprintf(text, sizeof(text), "{'format': 1, %s%s%s" BEFORE, slow ? "'slow_path': " : "",
             slow ? slow : "", slow ? ", " : "",
             strcmp(mode, "deliver") ? "'protocol': 'tcp', 'port': 80," : "", mode);
    return text;
}

/* The limits row of a configuration, NULL: none. */
static const struct portcam_limits_row *row_of(const char *text, const struct portcam_caps *caps)
{
    static struct portcam_limits_row row;
    struct pc_plan *plan = test_plan(text, caps, NULL);
    const struct pc_image_row *at = &plan->image->table[PORTCAM_TABLE_LIMITS][0];
    bool valid = at->valid;
    memcpy(&row, at->data, sizeof(row));
    pc_plan_free(plan);
    return valid ? &row : NULL;
}

static void test_it_is_in_force_where_packets_are_translated(void **state)
{
    struct portcam_caps with = caps_with_punt(), without = test_caps();
    (void)state;
    const char *modes[] = {"static", "stateful"};
    for (unsigned i = 0; i < 2; i++) {
        const struct portcam_limits_row *row = row_of(shop(modes[i], NULL), &with);
        assert_non_null(row);
        assert_int_equal(row->punt_rate, 20000);
        assert_int_equal(row->punt_burst, 256);
        assert_true(row->punt_reasons ==
                    (BIT(FRAGMENT) | BIT(SCTP_PORTS) | BIT(OTHER_CHECKSUM) | BIT(COMPLEX_WINDOW) |
                     BIT(COMPLEX_OPTIONS) | BIT(TABLE_FULL_PUNT)));
    }
    assert_null(row_of(shop("static", NULL), &without));
    assert_null(row_of(shop("deliver", NULL), &with));
    assert_null(row_of(shop("static", "{'enabled': false}"), &with));
    assert_true(row_of(shop("stateful", "{'enabled': false}"), &with)->punt_reasons == 0);
}

static void test_what_is_given_is_what_the_card_gets(void **state)
{
    struct portcam_caps caps = caps_with_punt();
    (void)state;
    const struct portcam_limits_row *row = row_of(
        shop("static", "{'rate': 7, 'burst': 0, 'reasons': ['complex_routing', 'table_full']}"),
        &caps);
    assert_int_equal(row->punt_rate, 7);
    assert_int_equal(row->punt_burst, 0);
    assert_true(row->punt_reasons == (BIT(COMPLEX_ROUTING) | BIT(TABLE_FULL)));
}

static void test_every_reason_that_a_card_takes_can_be_named(void **state)
{
    struct portcam_caps caps = caps_with_punt();
    (void)state;
    const struct portcam_limits_row *row = row_of(
        shop("static", "{'reasons': ['fragment', 'sctp_ports', 'other_checksum', 'complex_window',"
                       "'complex_routing', 'complex_options', 'icmp_error_short', 'table_full',"
                       "'table_full_punt']}"),
        &caps);
    assert_true(row->punt_reasons == PORTCAM_PUNT_REASONS);
}

static void test_written_and_read_again_it_is_the_same(void **state)
{
    static const char *const objects[] = {
        "{'enabled': false}",
        "{}",
        "{'reasons': []}",
        "{'reasons': ['fragment'], 'rate': 1, 'burst': 2, 'datagrams': 3, 'fragments': 4,"
        "'memory_kib': 500, 'hold_ms': 6, 'remember_ms': 7}",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        struct portcam_config *one = test_config(shop("static", objects[i])), *two = NULL;
        json_t *root = NULL, *again = NULL;
        assert_int_equal(portcam_config_json(one, &root), 0);
        char *text = json_dumps(root, 0);
        assert_int_equal(portcam_config_parse(text, strlen(text), NULL, NULL, &two), 0);
        assert_int_equal(portcam_config_json(two, &again), 0);
        assert_true(json_equal(root, again));
        assert_non_null(json_object_get(root, "slow_path"));
        free(text);
        json_decref(root);
        json_decref(again);
        portcam_config_free(one);
        portcam_config_free(two);
    }
}

static void test_rows_tell_what_they_were_made_of(void **state)
{
    static const char *const objects[] = {NULL, "{'enabled': false}",
                                          "{'reasons': ['fragment'], 'rate': 1, 'burst': 2}"};
    struct portcam_caps caps = caps_with_punt();
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct pc_plan *plan =
            test_plan(shop(i & 1 ? "static" : "stateful", objects[i / 2]), &caps, NULL);
        struct portcam_config *config = NULL;
        json_t *names = NULL, *root = NULL;
        assert_int_equal(pc_decompile(plan->image, &config, &names), 0);
        assert_int_equal(portcam_config_json(config, &root), 0);
        char *text = json_dumps(root, 0);
        struct pc_plan *again = test_plan(text, &caps, NULL);
        const struct pc_image_row *a = plan->image->table[PORTCAM_TABLE_LIMITS],
                                  *b = again->image->table[PORTCAM_TABLE_LIMITS];
        assert_int_equal(a->valid, b->valid);
        if (a->valid)
            assert_memory_equal(a->data, b->data, sizeof(a->data));
        pc_plan_free(plan);
        pc_plan_free(again);
        portcam_config_free(config);
        free(text);
        json_decref(names);
        json_decref(root);
    }
}

static void test_what_cannot_be_is_refused(void **state)
{
    static const struct {
        const char *object, *message;
    } cases[] = {
        {"7", "slow_path: it is not an object"},
        {"{'reasons': 'fragment'}", "\"reasons\" is not a list"},
        {"{'reasons': ['fragments']}", "\"fragments\" is no reason to hand a packet"},
        {"{'reasons': ['static_forward']}", "\"static_forward\" is no reason"},
        {"{'reasons': [7]}", "\"?\" is no reason"},
        {"{'rate': 65536}", "\"rate\" is 65536; it must be from 0 to 65535"},
        {"{'hold_ms': 0}", "\"hold_ms\" is 0"},
        {"{'enabled': 1}", "\"enabled\" is neither true nor false"},
        {"{'on': true}", "unknown key \"on\""},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct portcam_report *report = portcam_report_new();
        struct portcam_config *config = NULL;
        char text[2048];
        snprintf(text, sizeof(text), "%s", shop("static", cases[i].object));
        for (char *c = text; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        assert_int_equal(portcam_config_parse(text, strlen(text), NULL, report, &config), -EBADMSG);
        if (!strstr(test_messages(report), cases[i].message))
            fail_msg("%s\nis not in\n%s", cases[i].message, test_messages(report));
        portcam_report_free(report);
    }
}

static void test_a_card_that_cannot_is_told_of(void **state)
{
    struct portcam_caps caps = test_caps_stateful();
    struct portcam_report *report = portcam_report_new();
    (void)state;
    caps.flags &= ~(uint32_t)PORTCAM_CAPS_PUNT;
    struct portcam_config *config = test_config(shop("static", "{'rate': 5}"));
    pc_config_caps(config, &caps, report);
    assert_non_null(strstr(test_messages(report), "slow_path: this card cannot hand packets"));
    portcam_report_clear(report);
    portcam_config_free(config);
    config = test_config(shop("stateful', 'full': 'punt", NULL));
    pc_config_caps(config, &caps, report);
    assert_non_null(strstr(test_messages(report), "\"full\" cannot be \"punt\""));
    portcam_report_clear(report);
    portcam_config_free(config);
    config = test_config(shop("static", "{'enabled': false}"));
    pc_config_caps(config, &caps, report);
    assert_string_equal(test_messages(report), "");
    portcam_config_free(config);
    portcam_report_free(report);
}

/* A service of a protocol and port with backend 10.0.0.1, port 81. */
static void refused(const char *service, const char *slow, bool punt, const char *message)
{
    struct portcam_caps caps = punt ? caps_with_punt() : test_caps_stateful();
    struct portcam_report *report = portcam_report_new();
    char text[2048];
    caps.flags &= punt ? ~0u : ~(uint32_t)PORTCAM_CAPS_PUNT;
    snprintf(text, sizeof(text),
             "{'format': 1, %s 'domains': [{'name': 'shop'}],"
             "'addresses': [{'address': '198.51.100.1', 'domain': 'shop'}],"
             "'backends': [{'name': 'a', 'address': '10.0.0.1', 'port': 81, 'function': 1},"
             "{'name': 'b', 'address': '10.0.0.2', 'function': 1}],"
             "'services': [{'name': 's', 'domain': 'shop', 'address': '198.51.100.1', %s}]}",
             slow, service);
    struct portcam_config *config = test_config(text);
    pc_config_caps(config, &caps, report);
    if (message ? !strstr(test_messages(report), message) : *test_messages(report))
        fail_msg("%s: %s", service, test_messages(report));
    portcam_config_free(config);
    portcam_report_free(report);
}

static void test_section_7_8_what_only_the_slow_path_can_do(void **state)
{
    static const char sctp[] =
        "'protocol': 'sctp', 'port': 80, 'mode': 'static', 'backends': ['a']";
    static const char many[] =
        "'protocol': 'sctp', 'port': 80, 'mode': 'stateful', 'backends': ['b', 'a']";
    static const char dccp[] = "'protocol': 33, 'mode': 'static', 'backends': ['b']";
    static const char lite[] = "'protocol': 136, 'mode': 'stateful', 'backends': ['b']";
    static const char off[] = "'slow_path': {'enabled': false},";
    static const char other[] = "'slow_path': {'reasons': ['fragment']},";
    static const char ports[] = "cannot change SCTP ports (80 to 81)";
    (void)state;
    refused(sctp, "", true, NULL);
    refused(many, "", true, NULL);
    refused(sctp, "", false, ports);
    refused(many, off, true, ports);
    refused(sctp, other, true, ports);
    refused(dccp, "", true, NULL);
    refused(lite, "", true, NULL);
    refused(dccp, "", false, "cannot correct the checksum of protocol 33");
    refused(lite, off, true, "cannot correct the checksum of protocol 136");
    refused(lite, other, true, "cannot correct the checksum of protocol 136");
    refused("'protocol': 33, 'mode': 'deliver', 'backends': ['b']", off, true, NULL);
    refused("'protocol': 'sctp', 'port': 80, 'mode': 'static', 'backends': ['b']", off, true, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_in_force_where_packets_are_translated),
        cmocka_unit_test(test_what_is_given_is_what_the_card_gets),
        cmocka_unit_test(test_every_reason_that_a_card_takes_can_be_named),
        cmocka_unit_test(test_written_and_read_again_it_is_the_same),
        cmocka_unit_test(test_rows_tell_what_they_were_made_of),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_a_card_that_cannot_is_told_of),
        cmocka_unit_test(test_section_7_8_what_only_the_slow_path_can_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
