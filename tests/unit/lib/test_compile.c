// SPDX-License-Identifier: Apache-2.0
/* From a configuration to rows: order, numbers, endpoint rows and their places, and what a card cannot do. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"

#define CONFIG                                                                                     \
    "{'format': 1, 'device': {'mac': '02:00:00:00:00:aa'},"                                        \
    "'functions': [{'function': 3, 'mac': '02:00:00:00:00:03', 'domain': 'shop', 'default': "      \
    "true}],"                                                                                      \
    "'domains': [{'name': 'shop', 'state': 'paused', 'unknown': 'drop', 'home': 3}],"              \
    "'addresses': [{'address': '10.0.0.0/8', 'domain': 'shop'},"                                   \
    "{'address': '10.1.0.1', 'domain': 'shop'},"                                                   \
    "{'address': '10.1.0.1', 'domain': 'shop', 'vlan': 5, 'function': 2},"                         \
    "{'address': '2001:db8::1', 'domain': 'shop'}],"                                               \
    "'backends': [{'name': 'a', 'address': '192.0.2.1', 'port': 8080, 'mac': '02:00:00:00:01:01'," \
    "'function': 1}, {'name': 'b', 'address': '192.0.2.2', 'function': 0},"                        \
    "{'name': 'd', 'function': 2}],"                                                               \
    "'services': [{'name': 'any', 'domain': 'shop', 'mode': 'deliver', 'backends': ['d']},"        \
    "{'name': 'addr', 'domain': 'shop', 'address': '10.1.0.1', 'vlan': 5, 'mode': 'deliver',"      \
    "'backends': ['d']},"                                                                          \
    "{'name': 'web', 'domain': 'shop', 'address': '10.1.0.1', 'vlan': 5, 'protocol': 'tcp',"       \
    "'port': 80, 'mode': 'static', 'strict': true, 'backends': ['a']},"                            \
    "{'name': 'port', 'domain': 'shop', 'port': 80, 'mode': 'deliver', 'backends': ['d']},"        \
    "{'name': 'icmp', 'domain': 'shop', 'protocol': 'icmp', 'mode': 'deliver', 'backends': "       \
    "['d']}]}"

static const void *row(const struct pc_plan *plan, unsigned table, uint32_t at)
{
    assert_true(plan->image->table[table][at].valid);
    return plan->image->table[table][at].data;
}

static int number(const struct pc_plan *plan, enum pc_kind kind, const char *name)
{
    const struct pc_numbers *n = &plan->numbers[kind];
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(pc_object_name(plan->config, kind, i), name) == 0)
            return n->number[i];
    }
    return -1;
}

static void simple_rows(void **state)
{
    struct portcam_caps caps = test_caps();
    struct pc_plan *plan = test_plan(CONFIG, &caps, NULL);
    (void)state;

    const struct portcam_device_row *device = row(plan, PORTCAM_TABLE_DEVICE, 0);
    assert_memory_equal(device->mac, "\x02\0\0\0\0\xaa", 6);
    const struct portcam_function_row *function = row(plan, PORTCAM_TABLE_FUNCTION, 3);
    assert_int_equal(function->flags, 7);
    assert_int_equal(function->domain, number(plan, PC_DOMAIN, "shop"));
    const struct portcam_domain_row *domain = row(plan, PORTCAM_TABLE_DOMAIN, 0);
    assert_int_equal(domain->state, PORTCAM_DOMAIN_STATE_PAUSED);
    assert_int_equal(domain->unknown, PORTCAM_POLICY_DROP);
    assert_int_equal(domain->home, 3);
    const struct portcam_backend_row *backend =
        row(plan, PORTCAM_TABLE_BACKEND, (uint32_t)number(plan, PC_BACKEND, "a"));
    assert_memory_equal(backend->ip, "\xc0\0\2\1\0\0\0\0", 8);
    assert_int_equal(backend->port, 8080);
    assert_int_equal(backend->flags, PORTCAM_BACKEND_ROW_HAS_MAC);
    assert_int_equal(backend->egress, 1);
    backend = row(plan, PORTCAM_TABLE_BACKEND, (uint32_t)number(plan, PC_BACKEND, "d"));
    assert_int_equal(backend->family, 4);
    pc_plan_free(plan);
}

static void address_order(void **state)
{
    struct portcam_caps caps = test_caps();
    struct pc_plan *plan = test_plan(CONFIG, &caps, NULL);
    (void)state;

    const struct portcam_address_row *a = row(plan, PORTCAM_TABLE_ADDRESS, 0);
    assert_int_equal(a->family, 6);
    a = row(plan, PORTCAM_TABLE_ADDRESS, 1);
    assert_int_equal(a->vlan, 5);
    assert_int_equal(a->home, 2);
    a = row(plan, PORTCAM_TABLE_ADDRESS, 2);
    assert_int_equal(a->vlan, PORTCAM_VLAN_ANY);
    assert_int_equal(a->prefix, 32);
    a = row(plan, PORTCAM_TABLE_ADDRESS, 3);
    assert_int_equal(a->prefix, 8);
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_ADDRESS), 4);
    pc_plan_free(plan);
}

static void service_order(void **state)
{
    static const char *const order[] = {"web", "port", "addr", "icmp", "any"};
    struct portcam_caps caps = test_caps();
    struct pc_plan *plan = test_plan(CONFIG, &caps, NULL);
    (void)state;

    for (uint32_t i = 0; i < 5; i++) {
        const struct portcam_service_row *s = row(plan, PORTCAM_TABLE_SERVICE, i);
        assert_int_equal(s->service, number(plan, PC_SERVICE, order[i]));
    }
    const struct portcam_service_row *web = row(plan, PORTCAM_TABLE_SERVICE, 0);
    assert_int_equal(web->address, number(plan, PC_ADDRESS, "10.1.0.1/32 vlan 5"));
    assert_int_equal(web->port, 80);
    assert_int_equal(web->protocol, 6);
    assert_int_equal(web->flags, 3);
    assert_int_equal(web->mode, PORTCAM_MODE_STATIC);
    assert_int_equal(web->backend, number(plan, PC_BACKEND, "a"));
    const struct portcam_service_row *any = row(plan, PORTCAM_TABLE_SERVICE, 4);
    assert_int_equal(any->address, PORTCAM_ADDRESS_ANY);
    assert_int_equal(any->flags, 0);
    pc_plan_free(plan);
}

/* The only row of an endpoint table. */
static const struct portcam_endpoint_row *only(const struct pc_plan *plan, unsigned table)
{
    const struct portcam_endpoint_row *found = NULL;
    for (uint32_t i = 0; i < plan->image->rows[table]; i++) {
        if (!plan->image->table[table][i].valid)
            continue;
        assert_null(found);
        found = (const void *)plan->image->table[table][i].data;
        uint32_t buckets = plan->image->rows[table] / 4;
        assert_int_equal(pc_crc32c(plan->seed, found, 20) % buckets, i % buckets);
    }
    assert_non_null(found);
    return found;
}

static void endpoint_row(void **state)
{
    struct portcam_caps caps = test_caps();
    struct pc_plan *plan = test_plan(CONFIG, &caps, NULL);
    (void)state;

    const struct portcam_endpoint_row *e = only(plan, PORTCAM_TABLE_ENDPOINT);
    assert_memory_equal(e->ip, "\xc0\0\2\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(e->family, 4);
    assert_int_equal(e->protocol, 6);
    assert_int_equal(e->port, 8080);
    assert_memory_equal(e->public_ip, "\x0a\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(e->public_port, 80);
    assert_int_equal(e->service, number(plan, PC_SERVICE, "web"));
    assert_int_equal(e->backend, number(plan, PC_BACKEND, "a"));
    assert_int_equal(e->domain, 0);
    assert_int_equal(e->address, number(plan, PC_ADDRESS, "10.1.0.1/32 vlan 5"));
    assert_int_equal(e->flags, PORTCAM_ENDPOINT_ROW_STRICT | PORTCAM_ENDPOINT_ROW_HAS_MAC);
    pc_plan_free(plan);
}

#define STATIC(key)                                                                                \
    "{'format': 1, 'domains': [{'name': 's'}], 'addresses': [{'address': '10.1.0.1', 'domain': "   \
    "'s'}], 'backends': [{'name': 'a', 'address': '192.0.2.1', 'function': 1}], 'services': "      \
    "[{'name': 'x', 'domain': 's', 'address': '10.1.0.1', " key                                    \
    " 'mode': 'static', 'backends': ['a']}]}"

static void endpoint_tables(void **state)
{
    struct portcam_caps caps = test_caps();
    struct pc_plan *plan = test_plan(STATIC("'protocol': 'icmp',"), &caps, NULL);
    (void)state;

    const struct portcam_endpoint_row *e = only(plan, PORTCAM_TABLE_ENDPOINT_ANY_PORT);
    assert_int_equal(e->protocol, 1);
    assert_int_equal(e->port, 0);
    assert_int_equal(e->public_port, 0);
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_ENDPOINT), 0);
    pc_plan_free(plan);

    plan = test_plan(STATIC(""), &caps, NULL);
    e = only(plan, PORTCAM_TABLE_ENDPOINT_ANY);
    assert_int_equal(e->protocol, 0);
    assert_int_equal(e->public_port, 0);
    pc_plan_free(plan);

    plan = test_plan(STATIC("'port': 53,"), &caps, NULL);
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_ENDPOINT), 3);
    pc_plan_free(plan);
}

static void stable_numbers(void **state)
{
    struct portcam_caps caps = test_caps();
    struct pc_plan *one = test_plan(
        "{'format': 1, 'domains': [{'name': 'a'}, {'name': 'b'}, {'name': 'c'}]}", &caps, NULL);
    struct pc_plan *two = test_plan(
        "{'format': 1, 'domains': [{'name': 'd'}, {'name': 'c'}, {'name': 'a'}]}", &caps, one);
    (void)state;

    assert_int_equal(number(two, PC_DOMAIN, "a"), number(one, PC_DOMAIN, "a"));
    assert_int_equal(number(two, PC_DOMAIN, "c"), number(one, PC_DOMAIN, "c"));
    /* b's number is not given away in the change that removes b. */
    assert_int_equal(number(two, PC_DOMAIN, "d"), 3);
    struct pc_plan *three =
        test_plan("{'format': 1, 'domains': [{'name': 'a'}, {'name': 'e'}]}", &caps, two);
    assert_int_equal(number(three, PC_DOMAIN, "e"), 1);
    caps.domains = 2;
    struct pc_plan *full =
        test_plan("{'format': 1, 'domains': [{'name': 'x'}, {'name': 'y'}]}", &caps, NULL);
    struct pc_plan *renamed =
        test_plan("{'format': 1, 'domains': [{'name': 'x'}, {'name': 'z'}]}", &caps, full);
    assert_int_equal(number(renamed, PC_DOMAIN, "z"), 1);
    pc_plan_free(one);
    pc_plan_free(two);
    pc_plan_free(three);
    pc_plan_free(full);
    pc_plan_free(renamed);
}

/* A configuration with `n` static tcp services of distinct endpoints; first is left out where `without` says so. */
static char *many(unsigned n, int without)
{
    char *text = malloc(200u * n + 4096);
    char *at = text;
    assert_non_null(text);
    at += sprintf(at,
                  "{'format': 1, 'domains': [{'name': 's'}], 'addresses': [{'address': '10.0.0.1', "
                  "'domain': 's'}], 'backends': [");
    for (unsigned i = 0; i < n; i++)
        at += sprintf(at, "%s{'name': 'b%u', 'address': '192.0.2.1', 'port': %u, 'function': 1}",
                      i ? "," : "", i, 1000 + i);
    at += sprintf(at, "], 'services': [");
    bool first = true;
    for (unsigned i = 0; i < n; i++) {
        if ((int)i == without)
            continue;
        at += sprintf(at,
                      "%s{'name': 's%u', 'domain': 's', 'address': '10.0.0.1', 'protocol': 'tcp', "
                      "'port': %u, 'mode': 'static', 'backends': ['b%u']}",
                      first ? "" : ",", i, 20000 + i, i);
        first = false;
    }
    sprintf(at, "]}");
    return text;
}

static void rows_stay(void **state)
{
    struct portcam_caps caps = test_caps();
    char *all = many(200, -1), *less = many(200, 7);
    struct pc_plan *one = test_plan(all, &caps, NULL);
    struct pc_plan *two = test_plan(less, &caps, one);
    struct pc_plan *again = test_plan(all, &caps, NULL);
    (void)state;

    assert_int_equal(pc_image_differences(one->image, two->image, PORTCAM_TABLE_ENDPOINT), 1);
    assert_int_equal(pc_image_differences(one->image, again->image, PORTCAM_TABLE_MAX), 0);
    pc_plan_free(one);
    pc_plan_free(two);
    pc_plan_free(again);
    free(all);
    free(less);
}

static void full_bucket(void **state)
{
    struct portcam_caps caps = test_caps();
    struct portcam_report *report = portcam_report_new();
    char *text = many(5, -1);
    struct portcam_config *config = test_config(text);
    struct pc_plan *plan = NULL;
    (void)state;

    caps.endpoint_rows[0] = 4; /* one bucket of four ways */
    assert_int_equal(pc_plan_make(config, &caps, 1, NULL, NULL, report, &plan), -ENOSPC);
    assert_non_null(strstr(test_messages(report),
                           "its bucket of the endpoint table is full (4 rows, 4 "
                           "in use, 4 ways a bucket)"));
    assert_non_null(strstr(test_messages(report), "test.json:1: service \""));
    portcam_config_free(config);
    portcam_report_free(report);
    free(text);
}

/* ---- what a card cannot do ---- */

static void refused(const char *text, const struct portcam_caps *caps, const char *message)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(text);
    struct pc_plan *plan = NULL;

    assert_int_equal(pc_plan_make(config, caps, 1, NULL, NULL, report, &plan), -EBADMSG);
    if (!strstr(test_messages(report), message)) {
        print_error("wanted: %s\ngot: %s", message, test_messages(report));
        fail();
    }
    portcam_config_free(config);
    portcam_report_free(report);
}

static void capabilities(void **state)
{
    struct portcam_caps caps = test_caps();
    (void)state;

    refused("{'format': 1,\n'domains': [{'name': 'a', 'unknown': 'reject'}]}", &caps,
            "test.json:2: domain \"a\": this card cannot answer packets, so policy \"reject\"");
    refused("{'format': 1, 'domains': [{'name': 'a'}], 'backends': [{'name': 'b', 'address': "
            "'192.0.2.1', 'function': 1}],\n"
            "'services': [{'name': 's', 'domain': 'a', 'mode': 'stateful', 'backends': ['b']}]}",
            &caps,
            "test.json:2: service \"s\": mode \"stateful\" needs connection records, and this card "
            "has no connection table");
    refused("{'format': 1, 'functions': [{'function': 16}]}", &caps,
            "test.json:1: function 16: there is none; the functions of this card are 0 to 15");
    refused("{'format': 1, 'backends': [{'name': 'b', 'function': 99}]}", &caps,
            "backend \"b\": there is no function 99");
    caps.flags &= ~PORTCAM_CAPS_IPV6;
    refused("{'format': 1, 'domains': [{'name': 'a'}], 'addresses': [{'address': '::/0', 'domain': "
            "'a'}]}",
            &caps, "address ::/0: this card has no IPv6");
    caps.flags = 0;
    refused(CONFIG, &caps, "service \"web\": this card cannot do mode \"static\"");
    refused(CONFIG, &caps, "service \"any\": this card cannot do mode \"deliver\"");
}

static void sizes(void **state)
{
    struct portcam_caps caps = test_caps();
    (void)state;

    caps.domains = 2;
    refused("{'format': 1, 'domains': [{'name': 'a'}, {'name': 'b'},\n{'name': 'c'}]}", &caps,
            "test.json:2: there are 3 domains, and this card has room for 2; remove 1");
    caps = test_caps();
    caps.backends = 1;
    refused(CONFIG, &caps, "there are 3 backends, and this card has room for 1; remove 2");
    caps = test_caps();
    caps.services = 4;
    refused(CONFIG, &caps, "there are 5 services, and this card has room for 4");
    caps = test_caps();
    caps.addresses = 1;
    refused(CONFIG, &caps, "there are 4 addresses, and this card has room for 1");
}

static void decompiled(void **state)
{
    struct portcam_caps caps = test_caps();
    struct pc_plan *plan = test_plan(CONFIG, &caps, NULL), *again = NULL;
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    json_t *names = NULL;
    (void)state;

    assert_int_equal(pc_decompile(plan->image, &config, &names), 0);
    assert_int_equal(pc_plan_make(config, &caps, plan->seed, names, plan->image, report, &again),
                     0);
    assert_int_equal(pc_image_differences(plan->image, again->image, PORTCAM_TABLE_MAX), 0);
    assert_string_equal(again->config->domains[0].name, "domain-0");
    plan->image->table[PORTCAM_TABLE_SERVICE][0].data[8] = 77; /* no such mode */
    struct portcam_config *none = NULL;
    json_t *nothing = NULL;
    assert_int_equal(pc_decompile(plan->image, &none, &nothing), -EBADMSG);
    pc_plan_free(plan);
    pc_plan_free(again);
    portcam_config_free(config);
    json_decref(names);
    portcam_report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"rows of device, function, domain and backend", simple_rows, NULL, NULL, NULL},
        {"P3 longest prefix first, then VLAN before any", address_order, NULL, NULL, NULL},
        {"P4 exact port, then exact address, then exact protocol", service_order, NULL, NULL, NULL},
        {"P9 endpoint row and its bucket", endpoint_row, NULL, NULL, NULL},
        {"P9 endpoint tables by what the service names", endpoint_tables, NULL, NULL, NULL},
        {"numbers stay while a name exists", stable_numbers, NULL, NULL, NULL},
        {"endpoint rows stay where they are", rows_stay, NULL, NULL, NULL},
        {"a full bucket is a clear error", full_bucket, NULL, NULL, NULL},
        {"what the card cannot do is refused", capabilities, NULL, NULL, NULL},
        {"what does not fit the card is refused with the number", sizes, NULL, NULL, NULL},
        {"rows become a configuration again", decompiled, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
