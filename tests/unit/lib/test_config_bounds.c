// SPDX-License-Identifier: Apache-2.0
/*
 * Long configurations: each list has a limit, and what is below it is read in time in proportion to it, so a file of any
 * content is answered. And the fast ways say what a plain walk over all pairs says: random rows against one.
 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/src/base/text.h"

static json_t *empty(void)
{
    return json_pack("{s:i, s:[], s:[{s:s}, {s:s}, {s:s}], s:[], s:[], s:[]}", "format", 1,
                     "functions", "domains", "name", "d0", "name", "d1", "name", "d2", "addresses",
                     "backends", "services");
}

static void append(json_t *root, const char *list, json_t *object)
{
    assert_int_equal(json_array_append_new(json_object_get(root, list), object), 0);
}

/* Takes root. */
static int parse(json_t *root, struct portcam_report *report, struct portcam_config **ret)
{
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    assert_non_null(text);
    int rc = portcam_config_parse(text, strlen(text), "f.json", report, ret);
    free(text);
    return rc;
}

/* Takes root, which must be refused with this message. */
static void refused(json_t *root, const char *message)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;

    assert_int_equal(parse(root, report, &config), -EBADMSG);
    if (!strstr(test_messages(report), message)) {
        print_error("wanted: %s\ngot: %s", message, test_messages(report));
        fail();
    }
    portcam_report_free(report);
}

/* Takes root, which must be accepted. */
static void accepted(json_t *root)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;

    if (parse(root, report, &config)) {
        print_error("%s", test_messages(report));
        fail();
    }
    portcam_config_free(config);
    portcam_report_free(report);
}

static void lists_have_limits(void **state)
{
    static const char *const lists[] = {"functions", "domains", "addresses", "backends",
                                        "services"};
    char message[160];
    (void)state;

    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        int most = i == 0 ? 255 : 65536;
        json_t *root = empty(), *list = json_array();
        json_object_set_new(root, lists[i], list);
        for (int k = 0; k < most + 2; k++)
            json_array_append_new(list, json_object());
        snprintf(message, sizeof(message),
                 "f.json:1: configuration: \"%s\" has %d entries, and no card has room for more "
                 "than %d; remove 2",
                 lists[i], most + 2, most);
        refused(root, message);
    }
    json_t *root = empty(), *names = json_array();
    for (int k = 0; k < 400000; k++)
        json_array_append_new(names, json_sprintf("x%d", k));
    append(root, "services",
           json_pack("{s:s, s:s, s:s, s:o}", "name", "s", "domain", "d0", "mode", "deliver",
                     "backends", names));
    refused(root, "service \"s\": \"backends\" has 400000 entries, and no card has room for more "
                  "than 65536; remove 334464");
}

/* One backend address, as many services as there can be: each port of three protocols is another endpoint. */
static void many_services_of_one_backend(void **state)
{
    json_t *root = empty();
    (void)state;

    append(root, "addresses", json_pack("{s:s, s:s}", "address", "10.0.0.1", "domain", "d0"));
    append(root, "backends",
           json_pack("{s:s, s:s, s:i}", "name", "b", "address", "192.0.2.1", "function", 1));
    for (int i = 0; i < 65536; i++)
        append(root, "services",
               json_pack("{s:o, s:s, s:s, s:s, s:i, s:s, s:[s]}", "name", json_sprintf("s%d", i),
                         "domain", "d0", "address", "10.0.0.1", "protocol", i % 2 ? "tcp" : "udp",
                         "port", 1 + i / 2, "mode", "static", "backends", "b"));
    accepted(root);
}

/* The other kinds of long files: rows in one another, one name again and again, keys that are none. */
static void long_files(void **state)
{
    json_t *root = empty();
    (void)state;

    for (int i = 0; i < 65536; i++)
        append(root, "addresses",
               json_pack("{s:o, s:i, s:s}", "address", json_sprintf("10.0.0.0/%d", 8 + i / 4096),
                         "vlan", i % 4096 % 4095, "domain", "d0"));
    refused(root, "it is there twice");
    root = empty();
    append(root, "backends", json_pack("{s:s, s:i}", "name", "b", "function", 1));
    json_t *names = json_array();
    for (int i = 0; i < 65536; i++)
        json_array_append_new(names, json_string("b"));
    append(root, "services",
           json_pack("{s:s, s:s, s:s, s:o}", "name", "s", "domain", "d0", "mode", "deliver",
                     "backends", names));
    refused(root, "service \"s\": backend \"b\" is named twice");
    root = empty();
    for (int i = 0; i < 200000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        json_object_set_new(root, key, json_integer(1));
    }
    refused(root, "unknown key \"k19\"");
    root = empty();
    json_t *service = json_pack("{s:s, s:s, s:s, s:[]}", "name", "s", "domain", "d0", "mode",
                                "deliver", "backends");
    for (int i = 0; i < 200000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        json_object_set_new(service, key, json_integer(1));
    }
    for (int i = 0; i < 65536; i++)
        json_array_append_new(json_object_get(service, "backends"), json_integer(1));
    append(root, "services", service);
    refused(root, "item 20 of \"backends\" is not a string");
}

/* ---- against all pairs ---- */

enum { ROUNDS = 20000, ROWS = 6, WANTED = 4 };

static uint64_t Seed;

static unsigned draw(unsigned below)
{
    Seed += 0x9e3779b97f4a7c15ull;
    uint64_t z = Seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (unsigned)((z ^ (z >> 31)) % below);
}

struct row {
    struct pc_ip ip;
    unsigned length, domain;
    int vlan; /* PC_NONE: any */
};

/* Few prefixes, VLANs and domains, so that rows meet. */
static struct row random_row(void)
{
    static const unsigned lengths[] = {8, 16, 32};
    struct row row = {.ip = {{10, (uint8_t)draw(2), 0, (uint8_t)draw(2)}, 4},
                      .length = lengths[draw(3)],
                      .domain = draw(4) ? 0 : draw(3),
                      .vlan = draw(2) ? (int)draw(3) : PC_NONE};
    row.ip = pc_ip_mask(&row.ip, row.length);
    return row;
}

static json_t *row_json(const struct row *row)
{
    char text[PC_IP_TEXT];
    pc_prefix_format(&row->ip, row->length, text);
    json_t *object = json_pack("{s:s}", "address", text);
    json_object_set_new(object, "domain", json_sprintf("d%u", row->domain));
    if (row->vlan != PC_NONE)
        json_object_set_new(object, "vlan", json_integer(row->vlan));
    return object;
}

static bool same_prefix(const struct row *a, const struct row *b)
{
    return a->length == b->length && pc_ip_same_prefix(&a->ip, &b->ip, a->length);
}

static bool overlap(const struct row *a, const struct row *b)
{
    unsigned length = a->length < b->length ? a->length : b->length;
    return a->domain != b->domain && pc_ip_same_prefix(&a->ip, &b->ip, length) &&
           (a->vlan == b->vlan || a->vlan == PC_NONE || b->vlan == PC_NONE);
}

/* The row that a service names, PC_NONE where there is none or there are several. */
static int find(const struct row *rows, unsigned n, const struct row *wanted)
{
    int found = PC_NONE;
    for (unsigned i = 0; i < n; i++) {
        if (!same_prefix(&rows[i], wanted) || rows[i].domain != wanted->domain ||
            (wanted->vlan != PC_NONE && wanted->vlan != rows[i].vlan))
            continue;
        if (found != PC_NONE)
            return PC_NONE;
        found = (int)i;
    }
    return found;
}

static bool round_agrees(unsigned *accepted_count)
{
    struct row rows[ROWS], wanted[WANTED];
    struct portcam_config *config = NULL;
    json_t *root = empty();
    unsigned n = 0, n_wanted = draw(WANTED + 1);
    bool good = true;

    for (unsigned tries = 1 + draw(ROWS); tries > 0; tries--) {
        bool twice = false, alone = true;
        rows[n] = random_row();
        for (unsigned i = 0; i < n; i++) {
            twice |= same_prefix(&rows[i], &rows[n]) && rows[i].vlan == rows[n].vlan;
            alone &= !overlap(&rows[i], &rows[n]);
        }
        if (twice)
            continue;
        good &= alone;
        append(root, "addresses", row_json(&rows[n++]));
    }
    append(root, "backends", json_pack("{s:s, s:i}", "name", "b", "function", 1));
    for (unsigned i = 0; i < n_wanted; i++) {
        wanted[i] = draw(8) ? rows[draw(n)] : random_row();
        if (draw(3) == 0)
            wanted[i].vlan = PC_NONE;
        good &= find(rows, n, &wanted[i]) != PC_NONE;
        json_t *service = row_json(&wanted[i]);
        json_object_update_new(service,
                               json_pack("{s:o, s:i, s:s, s:[s]}", "name", json_sprintf("s%u", i),
                                         "port", (int)i + 1, "mode", "deliver", "backends", "b"));
        append(root, "services", service);
    }
    int rc = parse(root, NULL, &config);
    bool agrees = (rc == 0) == good;
    for (unsigned i = 0; agrees && rc == 0 && i < n_wanted; i++)
        agrees = config->services[i].address == find(rows, n, &wanted[i]);
    *accepted_count += rc == 0;
    portcam_config_free(config);
    return agrees;
}

static void random_rows(void **state)
{
    unsigned count = 0;
    (void)state;

    const char *seed = getenv("SEED");
    Seed = seed ? strtoull(seed, NULL, 0) : 1;
    print_message("# seed %llu\n", (unsigned long long)Seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t before = Seed;
        if (!round_agrees(&count)) {
            print_error("round %u, seed %llu\n", round, (unsigned long long)before);
            fail();
        }
    }
    print_message("# accepted %u of %u\n", count, ROUNDS);
    assert_true(count > ROUNDS / 10 && count < ROUNDS * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"lists have limits, told with what to remove", lists_have_limits, NULL, NULL, NULL},
        {"S0.22 65,536 services of one backend address", many_services_of_one_backend, NULL, NULL,
         NULL},
        {"long files of every kind are answered", long_files, NULL, NULL, NULL},
        {"section 9: overlaps and addresses of services as all pairs tell them", random_rows, NULL,
         NULL, NULL},
    };
    return cmocka_run_group_tests_name("config bounds", tests, NULL, NULL);
}
