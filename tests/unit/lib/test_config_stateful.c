// SPDX-License-Identifier: Apache-2.0
/* Configurations of stateful services that are refused or warned of: each with its message and line. One test a row. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Line 2 domains and addresses, 3 backends, 4 on services. */
#define HEAD                                                                                       \
    "{'format': 1,\n'domains': [{'name': 'shop'}, {'name': 'bank'}, {'name': 'net'}], "            \
    "'addresses': [{'address': '198.51.100.1', 'domain': 'shop'}, {'address': '198.51.100.2', "    \
    "'domain': 'shop'}, {'address': '203.0.113.1', 'domain': 'bank'}, {'address': "                \
    "'203.0.113.64/26', 'domain': 'net'}],\n"                                                      \
    "'backends': [{'name': 'a', 'address': '192.0.2.1', 'function': 1}, {'name': 'a8', "           \
    "'address': '192.0.2.1', 'port': 8080, 'function': 1}, {'name': 'am', 'address': "             \
    "'192.0.2.1', 'mac': '02:00:00:00:00:05', 'function': 1}, {'name': 'b', 'address': "           \
    "'192.0.2.2', 'function': 1, 'weight': 5}, {'name': 'v6', 'address': '2001:db8::5', "          \
    "'function': 1}, {'name': 'n', 'function': 1}],\n'services': [\n"
#define ONE(keys) HEAD "{'name': 's', 'domain': 'shop', 'mode': 'stateful', " keys "}]}"
#define WEB "'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, 'backends': ['b']"
#define SERVICE(name, domain, keys)                                                                \
    "{'name': '" name "', 'domain': '" domain "', 'mode': 'stateful', " keys "}"
#define TWO(first, second) HEAD first ",\n" second "]}"

static const struct row {
    const char *name, *text, *message;
} Rows[] =
    {
        {"scheduler that is none", ONE(WEB ", 'scheduler': 'rrr'"),
         "f.json:5: service \"s\": \"scheduler\" is \"rrr\"; write one of rr, wrr, mh, sh, lc, "
         "wlc, "
         "fast"},
        {"key without mh", ONE(WEB ", 'key': 'client'"),
         "\"key\" is for scheduler \"mh\", this one has \"wrr\"; remove it"},
        {"key that is none", ONE(WEB ", 'scheduler': 'mh', 'key': 'port'"),
         "write one of client, client+port"},
        {"slots that are no power of two", ONE(WEB ", 'slots': 100"),
         "\"slots\" is 100, which is no power of two; write 128, or leave it away"},
        {"too many slots", ONE(WEB ", 'slots': 131072"),
         "\"slots\" is 131072; it must be from 1 to"},
        {"fewer slots than backends",
         ONE("'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, 'backends': ['a', 'b'], "
             "'slots': 1"),
         "1 slots are less than its 2 backends"},
        {"timeout of 0", ONE(WEB ", 'timeouts': {\n'syn': 0}"),
         "f.json:6: service \"s\": \"syn\" is a number of seconds, 0.001 to 2147483"},
        {"timeout that is a text", ONE(WEB ", 'timeouts': {'syn': '5'}"), "is a number of seconds"},
        {"timeout that is too long", ONE(WEB ", 'timeouts': {'syn': 2147484}"),
         "is a number of seconds"},
        {"timeout of no state", ONE(WEB ", 'timeouts': {'sun': 5}"),
         "unknown key \"sun\"; the keys here are syn, syn_ack, established, fin_one, fin_both, "
         "reset, "
         "unreplied, replied"},
        {"timeouts that are no object", ONE(WEB ", 'timeouts': 5"),
         "\"timeouts\" is not an object"},
        {"policy that is none", ONE(WEB ", 'no_record': 'keep'"),
         "write one of reject, drop, pass, hash"},
        {"full of no card", ONE(WEB ", 'full': 'wait'"), "write one of drop, hash, punt"},
        {"key of stateful services elsewhere",
         HEAD "{'name': 's', 'domain': 'shop', 'mode': 'deliver', 'backends': ['n'], 'scheduler': "
              "'rr'}]}",
         "\"scheduler\" is for mode \"stateful\"; remove it"},
        {"strict", ONE(WEB ", 'strict': true"), "\"strict\" is for mode \"static\"; remove it"},
        {"a prefix",
         HEAD SERVICE("s", "net", "'address': '203.0.113.64/26', 'backends': ['a']") "]}",
         "a stateful service on a prefix cannot know which of its addresses replies get; name one "
         "address (/32), or leave \"address\" away"},
        {"any port to one port",
         ONE("'address': '198.51.100.1', 'protocol': 'tcp', 'backends': ['a8']"),
         "every port would become port 8080 of backend \"a8\""},
        {"any protocol to another port",
         ONE("'address': '198.51.100.1', 'port': 80, 'backends': ['a8']"),
         "port 80 would become port 8080 of backend \"a8\" for any protocol; add \"protocol\""},
        {"backend without address",
         ONE("'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, 'backends': ['n']"),
         "backend \"n\" has no address to send to"},
        {"backend of the other IP version",
         ONE("'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, 'backends': ['b', 'v6']"),
         "its address is IPv4 and backend \"v6\" is IPv6"},
        {"both IP versions at any address",
         ONE("'protocol': 'tcp', 'port': 80, 'backends': ['b', 'v6']"),
         "backend \"b\" is IPv4 and \"v6\" is IPv6; make a service for each IP version"},
        {"no_record hash without a hash", ONE(WEB ", 'no_record': 'hash'"),
         "\"no_record\" hash needs scheduler \"mh\" or \"sh\""},
        {"full hash without a hash", ONE(WEB ", 'scheduler': 'lc', 'full': 'hash'"),
         "\"full\" hash needs scheduler \"mh\" or \"sh\""},
        {"hash at any address",
         ONE("'protocol': 'tcp', 'port': 80, 'backends': ['b'], 'scheduler': 'mh', 'full': 'hash'"),
         "\"full\" hash makes no record, so replies cannot know which address they get"},
        {"hash with a shared endpoint",
         TWO(SERVICE("s", "shop", WEB ", 'scheduler': 'sh', 'no_record': 'hash'"),
             SERVICE("t", "shop",
                     "'address': '198.51.100.2', 'protocol': 'tcp', 'port': 80, "
                     "'backends': ['b']")),
         "f.json:5: service \"s\": \"no_record\" hash makes no record, so a reply cannot know "
         "which"},
        {"an exact port and any port of one address",
         TWO(SERVICE("s", "shop",
                     "'address': '198.51.100.1', 'protocol': 'tcp', 'backends': ['b']"),
             SERVICE("t", "shop",
                     "'address': '198.51.100.2', 'protocol': 'tcp', 'port': 80, "
                     "'backends': ['b']")),
         "f.json:6: service \"t\": replies from 192.0.2.2 port 80 (backend \"b\" (f.json:3)) could "
         "also "
         "belong to service \"s\" (f.json:5); endpoints of stateful services are equal or have "
         "nothing"},
        {"one protocol and any protocol of one address",
         TWO(SERVICE("s", "shop", "'address': '198.51.100.1', 'port': 80, 'backends': ['b']"),
             SERVICE("t", "shop",
                     "'address': '198.51.100.2', 'protocol': 'tcp', 'port': 80, "
                     "'backends': ['b']")),
         "could also belong to service \"s\" (f.json:5); endpoints of stateful services"},
        {"an endpoint of a static and a stateful service",
         TWO(SERVICE("s", "shop", WEB), "{'name': 't', 'domain': 'shop', 'mode': 'static', "
                                        "'address': '198.51.100.2', 'protocol': "
                                        "'tcp', 'port': 80, 'backends': ['b']}"),
         "a static and a stateful service cannot share an endpoint"},
        {"an endpoint of two domains",
         TWO(SERVICE("s", "shop", WEB),
             SERVICE("t", "bank",
                     "'address': '203.0.113.1', 'protocol': 'tcp', 'port': 80, "
                     "'backends': ['b']")),
         "f.json:6: service \"t\": backend \"b\" answers for service \"s\" (f.json:5) of another "
         "domain "
         "too"},
        {"one endpoint with and without a MAC",
         ONE("'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, 'backends': ['a', 'am']"),
         "backends \"am\" and \"a\" (f.json:3) are one endpoint, and only one of them has a MAC"},
        {"two endpoints of one backend in one group",
         TWO(SERVICE("s", "shop",
                     "'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, "
                     "'backends': ['b', 'a8']"),
             SERVICE("t", "shop",
                     "'address': '198.51.100.1', 'protocol': 'tcp', 'port': 443, "
                     "'backends': ['b', 'a8']")),
         "and both services share another endpoint, so replies of the two cannot be told apart"},
        {"limits that are no object", "{'format': 1,\n'limits': 5}",
         "f.json:2: limits: it is not an"},
        {"limit that is none", "{'format': 1,\n'limits': {'colour': 5}}",
         "unknown key \"colour\"; the keys here are embryonic, reject_rate, reject_burst"},
        {"limit out of range", "{'format': 1,\n'limits': {'reject_rate': 65536}}",
         "\"reject_rate\" is 65536; it must be from 0 to 65535"},
        {"backup that is neither true nor false",
         "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'backup': 1}]}",
         "\"backup\" is neither true nor false"},
},
  Warnings[] = {
      {"F.18 a shared endpoint",
       TWO(SERVICE("s", "shop", WEB),
           SERVICE("t", "shop",
                   "'address': '198.51.100.2', 'protocol': 'tcp', 'port': 80, "
                   "'backends': ['b']")),
       "f.json:6: service \"t\": 192.0.2.2 tcp port 80 is also service \"s\"'s (f.json:5); a "
       "client "
       "that uses one source port for both"},
      {"many shared endpoints are one warning",
       TWO(SERVICE("s", "shop",
                   "'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, "
                   "'backends': ['b', 'a']"),
           SERVICE("t", "shop",
                   "'address': '198.51.100.2', 'protocol': 'tcp', 'port': 80, "
                   "'backends': ['a', 'b']")),
       "service \"t\": 192.0.2.1 tcp port 80 and 1 more are also service \"s\"'s"},
      {"replies at any address of a prefix",
       HEAD SERVICE("s", "net", "'protocol': 'tcp', 'port': 80, 'backends': ['a']") "]}",
       "replies to clients of 203.0.113.64/26 keep the backend's address"},
      {"weights of lc and wlc",
       TWO(SERVICE("s", "shop", WEB ", 'scheduler': 'lc'"),
           SERVICE("t", "shop",
                   "'address': '198.51.100.2', 'protocol': 'tcp', 'port': 90, "
                   "'scheduler': 'wlc', 'backends': ['b']")),
       "service \"s\": backend \"b\" has a weight, which counts here too"},
};

static int parse(const struct row *row, struct portcam_report *report, struct portcam_config **ret)
{
    char text[8192];
    snprintf(text, sizeof(text), "%s", row->text);
    for (char *c = text; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return portcam_config_parse(text, strlen(text), "f.json", report, ret);
}

static void refused(void **state)
{
    const struct row *row = *state;
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;

    assert_int_equal(parse(row, report, &config), -EBADMSG);
    assert_null(config);
    if (!strstr(test_messages(report), row->message))
        fail_msg("%s\nis not in\n%s", row->message, test_messages(report));
    portcam_report_free(report);
}

static void warned(void **state)
{
    const struct row *row = *state;
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    struct portcam_message message;

    if (parse(row, report, &config))
        fail_msg("%s", test_messages(report));
    assert_int_equal(portcam_report_count(report, NULL), 1);
    assert_int_equal(portcam_report_get(report, 0, &message), 0);
    assert_string_equal(message.code, "warning");
    if (!strstr(message.text, row->message))
        fail_msg("%s\nis not in\n%s", row->message, message.text);
    portcam_config_free(config);
    portcam_report_free(report);
}

/* What is written out is read again as the same, with every key there is. */
static void canonical(void **state)
{
    static const struct row all = {
        NULL,
        "{'format': 1, 'limits': {'embryonic': 7, 'reject_rate': 0, 'reject_burst': 5}, 'domains': "
        "[{'name': 'd', 'unknown': 'reject'}], 'addresses': [{'address': '198.51.100.1', 'domain': "
        "'d'}], 'backends': [{'name': 'a', 'address': '192.0.2.1', 'function': 1, 'weight': 0}, "
        "{'name': 'b', 'address': '192.0.2.2', 'function': 1, 'backup': true}], 'services': "
        "[{'name': 's', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', 'port': 80, "
        "'mode': 'stateful', 'scheduler': 'mh', 'key': 'client+port', 'slots': 512, 'no_record': "
        "'pass', 'no_backend': 'drop', 'full': 'drop', 'timeouts': {'syn': 0.25, 'established': "
        "3600}, 'backends': ['a', 'b']}]}",
        NULL};
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *first = NULL, *second = NULL;
    json_t *a = NULL, *b = NULL;
    (void)state;

    if (parse(&all, report, &first))
        fail_msg("%s", test_messages(report));
    assert_int_equal(portcam_config_json(first, &a), 0);
    char *text = json_dumps(a, 0);
    assert_int_equal(portcam_config_parse(text, strlen(text), NULL, report, &second), 0);
    assert_int_equal(portcam_config_json(second, &b), 0);
    assert_true(json_equal(a, b));
    const json_t *s = json_array_get(json_object_get(a, "services"), 0);
    assert_string_equal(json_string_value(json_object_get(s, "key")), "client+port");
    assert_int_equal(json_integer_value(json_object_get(s, "slots")), 512);
    const json_t *timeouts = json_object_get(s, "timeouts");
    assert_int_equal(json_object_size(timeouts), 2);
    assert_true(json_real_value(json_object_get(timeouts, "syn")) == 0.25);
    assert_int_equal(json_integer_value(json_object_get(timeouts, "established")), 3600);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(a, "limits"), "embryonic")),
                     7);
    free(text);
    json_decref(a);
    json_decref(b);
    portcam_config_free(first);
    portcam_config_free(second);
    portcam_report_free(report);
}

/* Errors are told even where twenty warnings came first, and stand before them. */
static void errors_first(void **state)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_message message;
    size_t more = 0;
    (void)state;

    for (unsigned i = 0; i < PORTCAM_REPORT_MAX + 3; i++)
        pc_report_warn(report, "f", 1, "w%u", i);
    assert_int_equal(pc_report_total(report), 0);
    pc_report_add(report, "refused", "e");
    assert_int_equal(pc_report_total(report), 1);
    assert_int_equal(portcam_report_count(report, &more), PORTCAM_REPORT_MAX + 1);
    assert_int_equal(more, 3);
    assert_int_equal(portcam_report_get(report, 0, &message), 0);
    assert_string_equal(message.text, "e");
    assert_int_equal(portcam_report_get(report, 1, &message), 0);
    assert_string_equal(message.text, "f:1: w0");
    assert_int_equal(portcam_report_get(report, PORTCAM_REPORT_MAX + 1, &message), -EINVAL);
    portcam_report_free(report);
}

int main(void)
{
    enum {
        REFUSED = sizeof(Rows) / sizeof(Rows[0]),
        WARNED = sizeof(Warnings) / sizeof(Warnings[0])
    };
    struct CMUnitTest tests[REFUSED + WARNED + 2];

    for (size_t i = 0; i < REFUSED; i++)
        tests[i] =
            (struct CMUnitTest){Rows[i].name, refused, NULL, NULL, (void *)(uintptr_t)&Rows[i]};
    for (size_t i = 0; i < WARNED; i++)
        tests[REFUSED + i] = (struct CMUnitTest){Warnings[i].name, warned, NULL, NULL,
                                                 (void *)(uintptr_t)&Warnings[i]};
    tests[REFUSED + WARNED] =
        (struct CMUnitTest){"the canonical form has every key", canonical, NULL, NULL, NULL};
    tests[REFUSED + WARNED + 1] =
        (struct CMUnitTest){"warnings never hide an error", errors_first, NULL, NULL, NULL};
    return cmocka_run_group_tests_name("config_stateful", tests, NULL, NULL);
}
