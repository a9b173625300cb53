// SPDX-License-Identifier: Apache-2.0
/* Malformed configurations: each must give its message, with the line, and no configuration. One test for each row. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A valid file into which the rows put their mistakes. Line 2 domains, 3 addresses, 4 backends, 5 on services. */
#define DOMAINS "'domains': [{'name': 'shop'}, {'name': 'bank'}],\n"
#define ADDRESSES                                                                                  \
    "'addresses': [{'address': '198.51.100.1', 'domain': 'shop'}, {'address': '2001:db8::1', "     \
    "'domain': 'shop'}, {'address': '203.0.113.0/24', 'domain': 'bank'}],\n"
#define BACKENDS                                                                                   \
    "'backends': [{'name': 'a', 'address': '192.0.2.1', 'port': 8080, 'function': 1}, {'name': "   \
    "'b', 'address': '192.0.2.2', 'function': 1}, {'name': 'n', 'function': 2}],\n"
#define HEAD "{'format': 1,\n" DOMAINS ADDRESSES BACKENDS
#define SERVICE "'domain': 'shop', 'address': '198.51.100.1'"
#define TCP80 "'protocol': 'tcp', 'port': 80"

static const struct row {
    const char *name, *text, *message;
} Rows[] = {
    {"JSON syntax", "{'format': 1,\n'domains': [}]}", "f.json:2: "},
    {"JSON that ends early", "{'format': 1,\n", "f.json:2: "},
    {"empty file", "", "f.json:1: "},
    {"duplicate key", "{'format': 1,\n'format': 1}", "f.json:2: duplicate object key"},
    {"not an object", "[]", "f.json:1: configuration: the file is not one object"},
    {"format missing", "{}", "f.json:1: configuration: \"format\" is missing"},
    {"format of another version", "{\n'format': 2}", "f.json:2: configuration: \"format\" is 2"},
    {"unknown key at the top", "{'format': 1,\n'colour': 1}",
     "f.json:2: configuration: unknown key \"colour\"; the keys here are format, device, "
     "limits, slow_path, functions"},
    {"list that is no list", "{'format': 1,\n'domains': {}}",
     "f.json:2: configuration: \"domains\" is not a list"},
    {"item that is no object", "{'format': 1,\n'domains': [\n7]}",
     "f.json:3: domain 1 of \"domains\": it is not an object"},
    {"name missing", "{'format': 1,\n'domains': [{}]}",
     "f.json:2: domain 1 of \"domains\": \"name\" is missing"},
    {"name with a space", "{'format': 1, 'domains': [{\n'name': 'a b'}]}",
     "f.json:2: domain 1 of \"domains\": \"a b\" is not a name"},
    {"name too long",
     "{'format': 1, 'domains': [{'name': "
     "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}]}",
     "is not a name; use 1 to 63"},
    {"unknown key of an object", "{'format': 1,\n'domains': [{'name': 'a',\n'colour': 1}]}",
     "f.json:3: domain \"a\": unknown key \"colour\"; the keys here are name, state, unknown, "
     "home"},
    {"state that is none", "{'format': 1, 'domains': [{'name': 'a', 'state': 'fast'}]}",
     "domain \"a\": \"state\" is \"fast\"; write one of running, draining, paused, stopped"},
    {"policy that is none", "{'format': 1, 'domains': [{'name': 'a', 'unknown': 'no'}]}",
     "write one of pass, drop, reject"},
    {"number as a string", "{'format': 1, 'domains': [{'name': 'a', 'home': '1'}]}",
     "domain \"a\": \"home\" is not a whole number; write one from 0 to 255"},
    {"number with a fraction", "{'format': 1, 'domains': [{'name': 'a', 'home': 1.0}]}",
     "\"home\" is not a whole number"},
    {"number out of range", "{'format': 1, 'domains': [{'name': 'a', 'home': -1}]}",
     "\"home\" is -1; it must be from 0 to 255"},
    {"huge number", "{'format': 1, 'domains': [{'name': 'a', 'home': 99999999999}]}",
     "\"home\" is 99999999999; it must be"},
    {"text as a number", "{'format': 1, 'domains': [{'name': 5}]}", "\"name\" is not a string"},
    {"MAC that is none", "{'format': 1, 'device': {\n'mac': '02:00:00:00:00'}}",
     "f.json:2: device: \"02:00:00:00:00\" is not a MAC address"},
    {"multicast MAC", "{'format': 1, 'device': {'mac': '03:00:00:00:00:01'}}",
     "is not the MAC address of one station"},
    {"zero MAC", "{'format': 1, 'device': {'mac': '00:00:00:00:00:00'}}",
     "is not the MAC address of one station"},
    {"device that is no object", "{'format': 1, 'device': 1}", "device: it is not an object"},
    {"function 0", "{'format': 1, 'functions': [{'function': 0}]}",
     "\"function\" is 0; it must be from 1 to 255"},
    {"function twice", "{'format': 1, 'functions': [{'function': 1},\n{'function': 1}]}",
     "f.json:2: function 1: it is there twice, first (f.json:1)"},
    {"two functions with one MAC",
     "{'format': 1, 'functions': [{'function': 1, 'mac': '02:00:00:00:00:01'},\n{'function': 2, "
     "'mac': '02:00:00:00:00:01'}]}",
     "f.json:2: function 2: function 1 (f.json:1) has the same MAC address"},
    {"two default functions",
     "{'format': 1, 'functions': [{'function': 1, 'default': true},\n{'function': 2, 'default': "
     "true}]}",
     "f.json:2: function 2: function 1 (f.json:1) is the default already"},
    {"boolean as a number", "{'format': 1, 'functions': [{'function': 1, 'default': 1}]}",
     "\"default\" is neither true nor false"},
    {"function of an unknown domain",
     "{'format': 1, 'functions': [{'function': 1, 'domain': 'x'}]}",
     "f.json:1: function 1: domain \"x\" is not defined; add it to \"domains\""},
    {"domain twice", "{'format': 1, 'domains': [{'name': 'a'},\n{'name': 'a'}]}",
     "f.json:2: domain \"a\": it is there twice, first (f.json:1)"},
    {"address that is none", "{'format': 1, 'addresses': [{\n'address': '1.2.3', 'domain': 'x'}]}",
     "f.json:2: address 1 of \"addresses\": \"1.2.3\" is not an address or prefix"},
    {"address with host bits",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '198.51.100.1/24', "
     "'domain': 'x'}]}",
     "198.51.100.1/24 has bits behind its prefix length; write 198.51.100.0/24"},
    {"prefix length beyond the family", "{'format': 1, 'addresses': [{'address': '1.2.3.4/33'}]}",
     "\"1.2.3.4/33\" is not an address or prefix"},
    {"address without domain", "{'format': 1, 'addresses': [{'address': '1.2.3.4'}]}",
     "address 1.2.3.4/32: \"domain\" is missing"},
    {"address of an unknown domain",
     "{'format': 1, 'addresses': [\n{'address': '1.2.3.4', 'domain': 'x'}]}",
     "f.json:2: address 1.2.3.4/32: domain \"x\" is not defined"},
    {"P3 loopback is never looked up",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '127.0.0.1', 'domain': "
     "'x'}]}",
     "packets to loopback addresses are never looked up"},
    {"P3 IPv6 loopback is never looked up",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '::1', 'domain': 'x'}]}",
     "packets to loopback addresses are never looked up"},
    {"P3 multicast is never looked up",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '224.0.0.0/8', 'domain': "
     "'x'}]}",
     "packets to multicast addresses are never looked up"},
    {"no host has 0.0.0.0",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '0.0.0.0', 'domain': "
     "'x'}]}",
     "address 0.0.0.0/32: it is the address of no host, so no packet goes there; write 0.0.0.0/0 "
     "for all"},
    {"no host has ::",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '::', 'domain': 'x'}]}",
     "it is the address of no host, so no packet goes there; write ::/0 for all"},
    {"P3 broadcast is never looked up",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '255.255.255.255', "
     "'domain': 'x'}]}",
     "packets to broadcast addresses are never looked up"},
    {"an IPv4-mapped address is written as IPv4",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '::ffff:198.51.100.1', "
     "'domain': 'x'}]}",
     "packets never have an IPv4-mapped address; write 198.51.100.1"},
    {"an IPv4-mapped prefix is written as IPv4",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': "
     "'::ffff:198.51.100.0/120', 'domain': 'x'}]}",
     "packets never have an IPv4-mapped address; write 198.51.100.0/24"},
    {"vlan out of range",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '1.2.3.4', 'domain': "
     "'x', 'vlan': 4095}]}",
     "\"vlan\" is 4095; it must be from 0 to 4094"},
    {"address twice",
     "{'format': 1, 'domains': [{'name': 'x'}], 'addresses': [{'address': '1.2.3.4', 'domain': "
     "'x'},\n{'address': '1.2.3.4/32', 'domain': 'x'}]}",
     "f.json:2: address \"1.2.3.4/32\": it is there twice, first (f.json:1)"},
    {"section 9: overlapping addresses of two domains",
     "{'format': 1,\n" DOMAINS "'addresses': [{'address': '10.0.0.0/8', 'domain': 'shop'},\n"
     "{'address': '10.1.0.0/16', 'domain': 'bank', 'vlan': 5}]}",
     "f.json:4: address 10.1.0.0/16 vlan 5 of domain \"bank\" overlaps address 10.0.0.0/8 of "
     "domain "
     "\"shop\" (f.json:3)"},
    {"section 9: equal prefixes, any VLAN and one",
     "{'format': 1,\n" DOMAINS "'addresses': [{'address': '10.0.0.0/8', 'domain': 'shop', 'vlan': "
     "7},\n{'address': '10.0.0.0/8', 'domain': 'bank'}]}",
     "f.json:4: address 10.0.0.0/8 of domain \"bank\" overlaps address 10.0.0.0/8 vlan 7"},
    {"backend address that is a prefix",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': '10.0.0.0/8'}]}",
     "backend \"a\": a backend has one address, not a prefix"},
    {"backend at a multicast address",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': '224.0.0.1'}]}",
     "backend \"a\": no server has this address, it is multicast; give the one that the server "
     "has"},
    {"backend at the broadcast address",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': '255.255.255.255'}]}",
     "no server has this address, it is broadcast"},
    {"backend at 0.0.0.0",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': '0.0.0.0'}]}",
     "no server has this address, it is unspecified"},
    {"backend at ::", "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': '::'}]}",
     "no server has this address, it is unspecified"},
    {"backend at a loopback address",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': '127.0.0.1'}]}",
     "no server has this address, it is loopback"},
    {"backend at an IPv6 multicast address",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': 'ff02::1'}]}",
     "no server has this address, it is multicast"},
    {"backend at an IPv4-mapped address",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'address': '::ffff:192.0.2.1'}]}",
     "packets never have an IPv4-mapped address; write 192.0.2.1"},
    {"NUL character in a string", "{'format': 1,\n'domains': [{'name': 'a\\u0000'}]}",
     "f.json:2: a string has a NUL character, \\u0000; remove it"},
    {"byte order mark", "\xef\xbb\xbf{'format': 1}",
     "f.json:1: the file begins with a byte order mark; write it as UTF-8 text without one"},
    {"backend without function",
     "{'format': 1, 'backends': [{'name': 'a', 'address': '10.0.0.1'}]}",
     "backend \"a\": \"function\" is missing; add the function its packets leave by"},
    {"backend port out of range",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1, 'port': 65536}]}",
     "\"port\" is 65536; it must be from 0 to 65535"},
    {"backend twice",
     "{'format': 1, 'backends': [{'name': 'a', 'function': 1},\n{'name': 'a', 'function': 1}]}",
     "f.json:2: backend \"a\": it is there twice"},
    {"section 9: unknown backend",
     HEAD "'services': [\n{'name': 'web', " SERVICE ", " TCP80
          ", 'mode': 'static', 'backends': ['web9']}]}",
     "f.json:6: service \"web\": backend \"web9\" is not defined; add it to \"backends\" or "
     "correct "
     "the name"},
    {"section 9: service without a backend",
     HEAD "'services': [\n{'name': 'web', " SERVICE ", " TCP80 ", 'mode': 'static'}]}",
     "f.json:6: service \"web\": there is no backend"},
    {"service with an empty list of backends",
     HEAD "'services': [\n{'name': 'web', " SERVICE ", " TCP80
          ", 'mode': 'static', 'backends': []}]}",
     "service \"web\": there is no backend"},
    {"backend named twice",
     HEAD
     "'services': [{'name': 'web', 'domain': 'shop', 'mode': 'deliver', 'backends': ['a', 'a']}]}",
     "backend \"a\" is named twice"},
    {"service of an unknown domain",
     HEAD "'services': [\n{'name': 'web', 'domain': 'x', 'mode': 'deliver', 'backends': ['a']}]}",
     "f.json:6: service \"web\": domain \"x\" is not defined"},
    {"service address that is not listed",
     HEAD "'services': [{'name': 'web', 'domain': 'shop', 'address': '198.51.100.9', 'mode': "
          "'deliver', 'backends': ['a']}]}",
     "service \"web\": address 198.51.100.9/32 is not defined; add it to \"addresses\""},
    {"service address of another domain",
     HEAD "'services': [{'name': 'web', 'domain': 'bank', 'address': '198.51.100.1', 'mode': "
          "'deliver', 'backends': ['a']}]}",
     "address 198.51.100.1/32 belongs to domain \"shop\" (f.json:3), not to \"bank\""},
    {"service address of several VLANs",
     "{'format': 1,\n" DOMAINS
     "'addresses': [{'address': '1.1.1.1', 'domain': 'shop', 'vlan': 1}, {'address': '1.1.1.1', "
     "'domain': 'shop', 'vlan': 2}],\n" BACKENDS
     "'services': [{'name': 'web', 'domain': 'shop', 'address': '1.1.1.1', 'mode': 'deliver', "
     "'backends': ['a']}]}",
     "address 1.1.1.1/32 is there for several VLANs; add \"vlan\""},
    {"vlan without address",
     HEAD
     "'services': [{'name': 'web', 'domain': 'shop', 'vlan': 5, 'mode': 'deliver', 'backends': "
     "['a']}]}",
     "\"vlan\" chooses among rows of one address"},
    {"protocol that is none",
     HEAD "'services': [{'name': 'web', " SERVICE
          ", 'protocol': 'tpc', 'mode': 'deliver', 'backends': ['a']}]}",
     "\"protocol\" is no IP protocol; write tcp"},
    {"protocol number 0",
     HEAD "'services': [{'name': 'web', " SERVICE
          ", 'protocol': 0, 'mode': 'deliver', 'backends': ['a']}]}",
     "\"protocol\" is no IP protocol"},
    {"port of a protocol without ports",
     HEAD "'services': [{'name': 'web', " SERVICE
          ", 'protocol': 'icmp', 'port': 80, 'mode': 'deliver', 'backends': ['a']}]}",
     "icmp has no ports; remove \"port\""},
    {"port 0",
     HEAD "'services': [{'name': 'web', " SERVICE
          ", 'port': 0, 'mode': 'deliver', 'backends': ['a']}]}",
     "\"port\" is 0; it must be from 1 to 65535"},
    {"mode missing", HEAD "'services': [{'name': 'web', " SERVICE ", 'backends': ['a']}]}",
     "service \"web\": \"mode\" is missing"},
    {"service twice",
     HEAD "'services': [{'name': 'web', 'domain': 'shop', 'mode': 'deliver', 'backends': ['a']},\n"
          "{'name': 'web', 'domain': 'bank', 'mode': 'deliver', 'backends': ['a']}]}",
     "f.json:6: service \"web\": it is there twice, first (f.json:5)"},
    {"section 9: two services of one key",
     HEAD "'services': [{'name': 'web', " SERVICE ", " TCP80
          ", 'mode': 'deliver', 'backends': ['a']},\n{'name': 'again', " SERVICE ", " TCP80
          ", 'mode': 'deliver', 'backends': ['b']}]}",
     "f.json:6: service \"again\": service \"web\" (f.json:5) already takes tcp, port 80 of "
     "198.51.100.1/32"},
    {"strict of a deliver service",
     HEAD "'services': [{'name': 'web', " SERVICE
          ", 'strict': true, 'mode': 'deliver', 'backends': ['a']}]}",
     "\"strict\" is for mode \"static\""},
    {"several backends of a static service",
     HEAD "'services': [{'name': 'web', " SERVICE ", " TCP80
          ", 'mode': 'static', 'backends': ['a', 'b']}]}",
     "a static service has one backend, this one names 2"},
    {"P5 static on any address cannot be turned back",
     HEAD "'services': [{'name': 'web', 'domain': 'shop', " TCP80
          ", 'mode': 'static', 'backends': ['a']}]}",
     "a static service has one address"},
    {"P5 static on a prefix cannot be turned back",
     HEAD "'services': [{'name': 'web', 'domain': 'bank', 'address': '203.0.113.0/24', " TCP80
          ", 'mode': 'static', 'backends': ['a']}]}",
     "a static service on a prefix of many addresses cannot be turned back"},
    {"P5 any port to one port cannot be turned back",
     HEAD "'services': [{'name': 'web', " SERVICE
          ", 'protocol': 'tcp', 'mode': 'static', 'backends': ['a']}]}",
     "every port would become port 8080 of backend \"a\""},
    {"IP version mixing",
     HEAD "'services': [{'name': 'web', 'domain': 'shop', 'address': '2001:db8::1', " TCP80
          ", 'mode': 'static', 'backends': ['a']}]}",
     "its address is IPv6 and backend \"a\" is IPv4"},
    {"static to a backend without address",
     HEAD "'services': [{'name': 'web', " SERVICE ", " TCP80
          ", 'mode': 'static', 'backends': ['n']}]}",
     "backend \"n\" has no address to send to"},
    {"S0.22 two static services with one endpoint",
     HEAD "'services': [{'name': 'one', " SERVICE ", " TCP80
          ", 'mode': 'static', 'backends': ['a']},\n{'name': 'two', " SERVICE
          ", 'protocol': 'tcp', 'port': 81, 'mode': 'static', 'backends': ['a']}]}",
     "f.json:6: service \"two\": replies from 192.0.2.1 port 8080 (backend \"a\" (f.json:4)) could "
     "also belong to service \"one\" (f.json:5)"},
    {"S0.22 any protocol meets tcp",
     HEAD "'services': [{'name': 'one', " SERVICE ", " TCP80
          ", 'mode': 'static', 'backends': ['a']},\n{'name': 'two', " SERVICE
          ", 'port': 81, 'mode': 'static', 'backends': ['a']}]}",
     "f.json:6: service \"two\": replies from 192.0.2.1 port 8080"},
    {"S0.22 any port meets a changed port",
     "{'format': 1,\n" DOMAINS ADDRESSES "'backends': [{'name': 'a', 'address': '192.0.2.1', "
     "'port': 8080, 'function': 1}, {'name': 'b', "
     "'address': '192.0.2.1', 'function': 1}],\n"
     "'services': [{'name': 'one', " SERVICE ", " TCP80
     ", 'mode': 'static', 'backends': ['a']},\n{'name': 'two', " SERVICE
     ", 'protocol': 'tcp', 'mode': 'static', 'backends': ['b']}]}",
     "f.json:6: service \"two\": replies from 192.0.2.1 any port (backend \"b\" (f.json:4))"},
};

static void refused(void **state)
{
    const struct row *row = *state;
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    char *text = strdup(row->text);

    for (char *c = text; *c; c++) {
        if (*c == '\'')
            *c = '"';
    }
    int rc = portcam_config_parse(text, strlen(text), "f.json", report, &config);
    if (!strstr(test_messages(report), row->message)) {
        print_error("wanted: %s\ngot: %s", row->message, test_messages(report));
        fail();
    }
    assert_int_equal(rc, -EBADMSG);
    assert_null(config);
    portcam_report_free(report);
    free(text);
}

static void all_errors_at_once(void **state)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    char text[4096] = "{\"format\": 1,\n\"domains\": [";
    (void)state;

    for (int i = 0; i < 30; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text),
                 "%s{\"name\": \"d%d\", \"x\": 1}", i ? ",\n" : "", i);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "]}");
    assert_int_equal(portcam_config_parse(text, strlen(text), "f.json", report, &config), -EBADMSG);
    size_t more = 0;
    assert_int_equal(portcam_report_count(report, &more), PORTCAM_REPORT_MAX);
    assert_int_equal(more, 30 - PORTCAM_REPORT_MAX);
    for (int i = 0; i < PORTCAM_REPORT_MAX; i++) {
        struct portcam_message message;
        assert_int_equal(portcam_report_get(report, (size_t)i, &message), 0);
        assert_int_equal(message.line, i + 2);
    }
    portcam_report_free(report);
}

static void accepted(void **state)
{
    struct portcam_config *config = test_config(
        HEAD "'services': [{'name': 'one', " SERVICE ", " TCP80 ", 'mode': 'static', 'backends': "
             "['a']}, {'name': 'keep', " SERVICE
             ", 'protocol': 'udp', 'mode': 'static', 'strict': true, 'backends': ['b']}, {'name': "
             "'all', 'domain': 'shop', 'mode': 'deliver', 'backends': ['n']}, {'name': 'net', "
             "'domain': 'bank', 'address': '203.0.113.0/24', 'mode': 'deliver', 'backends': "
             "['n']}]}");
    json_t *json = NULL, *again = NULL;
    (void)state;

    assert_int_equal(portcam_config_json(config, &json), 0);
    char *text = json_dumps(json, JSON_INDENT(2));
    struct portcam_config *copy = test_config(text);
    assert_int_equal(portcam_config_json(copy, &again), 0);
    assert_true(json_equal(json, again));
    json_decref(json);
    json_decref(again);
    free(text);
    portcam_config_free(config);
    portcam_config_free(copy);
}

/* The same endpoint twice is right where both services turn it back the same way. */
static void agreeing_endpoints(void **state)
{
    (void)state;
    portcam_config_free(
        test_config(HEAD "'services': [{'name': 'http', " SERVICE ", " TCP80
                         ", 'mode': 'static', 'backends': ['b']}, {'name': 'all', " SERVICE
                         ", 'mode': 'static', 'backends': ['b']}]}"));
}

/* What C and JSON would read differently is refused; a quotation that is cut stays UTF-8. */
static void bytes_that_are_no_text(void **state)
{
    static const char nul[] = "{\"format\": 1,\n\0\"domains\": []}";
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    (void)state;

    assert_int_equal(portcam_config_parse(nul, sizeof(nul) - 1, "f.json", report, &config),
                     -EBADMSG);
    assert_string_equal(
        test_messages(report),
        "f.json:2: there is a NUL byte; write the file as UTF-8 text [syntax, line 2]\n");
    for (int shift = 0; shift < 2; shift++) {
        char text[600];
        int n = snprintf(text, sizeof(text), "{\"format\": 1, \"%s", shift ? "x" : "");
        for (int i = 0; i < 200; i++)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "\xc3\xa9");
        n += snprintf(text + n, sizeof(text) - (size_t)n, "\": 1}");
        portcam_report_clear(report);
        assert_int_equal(portcam_config_parse(text, (size_t)n, "f.json", report, &config),
                         -EBADMSG);
        json_t *message = json_string(test_messages(report));
        assert_non_null(message);
        json_decref(message);
    }
    portcam_report_free(report);
}

int main(void)
{
    enum { N = sizeof(Rows) / sizeof(Rows[0]) };
    struct CMUnitTest tests[N + 4];

    memset(tests, 0, sizeof(tests));
    for (size_t i = 0; i < N; i++)
        tests[i] =
            (struct CMUnitTest){Rows[i].name, refused, NULL, NULL, (void *)(uintptr_t)&Rows[i]};
    tests[N] = (struct CMUnitTest){"all errors of a file, in order of lines, the first 20 kept",
                                   all_errors_at_once, NULL, NULL, NULL};
    tests[N + 1] = (struct CMUnitTest){"what is right is accepted and survives a round trip",
                                       accepted, NULL, NULL, NULL};
    tests[N + 2] = (struct CMUnitTest){"S0.22 agreeing services may share an endpoint",
                                       agreeing_endpoints, NULL, NULL, NULL};
    tests[N + 3] = (struct CMUnitTest){"bytes that are no text are refused, cut texts stay UTF-8",
                                       bytes_that_are_no_text, NULL, NULL, NULL};
    return cmocka_run_group_tests_name("config errors", tests, NULL, NULL);
}
