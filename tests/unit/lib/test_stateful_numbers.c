// SPDX-License-Identifier: Apache-2.0
/* Numbers and places of stateful services from change to change: slot tables, endpoints, groups, backends. */
#include "stateful_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_rows(const struct pc_plan *a, const struct pc_plan *b, const char *name)
{
    const struct portcam_service_row *x = service_row(a, name), *y = service_row(b, name);
    uint32_t rows = x->slots_log2 < 3 ? 1 : 1u << (x->slots_log2 - 3);
    if (x->schedule != y->schedule || x->slots_log2 != y->slots_log2)
        return false;
    for (uint32_t i = 0; i < rows; i++) {
        if (pc_image_row_differs(&a->image->table[PORTCAM_TABLE_SCHEDULE][x->schedule + i],
                                 &b->image->table[PORTCAM_TABLE_SCHEDULE][x->schedule + i]))
            return false;
    }
    return true;
}

static void slots_stay(void **state)
{
    static const char first[] =
        HEAD ABC ", 'services': [" S("s", "80", "'backends': ['a', 'b']") ", " S(
            "t", "81",
            "'slots': 1024, 'backends': ['b', 'c']") ", " S("u", "82",
                                                            "'slots': 2, 'backends': ['c']") "]}";
    static const char second[] =
        HEAD ABC ", 'services': [" S("new", "90", "'slots': 4096, 'backends': ['a']") ", " S(
            "u", "82",
            "'slots': 2, 'backends': ['c']") ", " S("s", "80",
                                                    "'backends': ['a', 'b'], 'no_record': "
                                                    "'drop'") ", " S("t", "81",
                                                                     "'slots': 512, "
                                                                     "'backends': ['b', "
                                                                     "'c']") "]}";
    (void)state;
    struct pc_plan *a = plan_of(first, NULL), *again = plan_of(first, a), *b = plan_of(second, a);
    assert_int_equal(pc_image_differences(a->image, again->image, PORTCAM_TABLE_MAX), 0);
    assert_true(same_rows(a, b, "s"));
    assert_true(same_rows(a, b, "u"));
    assert_int_equal(service_row(b, "new")->schedule % 512, 0);
    pc_plan_free(a);
    pc_plan_free(again);
    pc_plan_free(b);
}

/* No two slot tables overlap. */
static void check_places(const struct pc_plan *plan)
{
    static bool used[PORTCAM_BUILD_SCHEDULE_ROWS];
    memset(used, 0, sizeof(used));
    for (uint32_t i = 0; i < plan->image->rows[PORTCAM_TABLE_SERVICE]; i++) {
        const struct pc_image_row *at = &plan->image->table[PORTCAM_TABLE_SERVICE][i];
        const struct portcam_service_row *s = (const void *)at->data;
        if (!at->valid || s->mode != PORTCAM_MODE_STATEFUL)
            continue;
        uint32_t rows = s->slots_log2 < 3 ? 1 : 1u << (s->slots_log2 - 3);
        assert_int_equal(s->schedule % rows, 0);
        assert_true(s->schedule + rows <= PORTCAM_BUILD_SCHEDULE_ROWS);
        for (uint32_t r = 0; r < rows; r++) {
            assert_false(used[s->schedule + r]);
            used[s->schedule + r] = true;
            assert_true(plan->image->table[PORTCAM_TABLE_SCHEDULE][s->schedule + r].valid);
        }
    }
    size_t n = 0;
    for (uint32_t r = 0; r < PORTCAM_BUILD_SCHEDULE_ROWS; r++)
        n += used[r];
    assert_int_equal(n, pc_image_count(plan->image, PORTCAM_TABLE_SCHEDULE));
}

static char *many(unsigned from, unsigned to, unsigned step, unsigned slots)
{
    struct text t = {0};
    put(&t, HEAD "'backends': [" B("a", "192.0.2.1", "") "], 'services': [");
    for (unsigned i = from; i < to; i += step)
        put(&t,
            "%s{'name': 's%u', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "
            "'port': %u, 'mode': 'stateful', 'slots': %u, 'backends': ['a']}",
            i > from ? ", " : "", i, 1000 + i, slots);
    put(&t, "]}");
    return t.at;
}

/* Every second of many small tables goes, and a large one comes: there is room only after all have moved. */
static void defragmented(void **state)
{
    struct text t = {0};
    char *small = many(0, 512, 1, 128); /* all rows */
    (void)state;
    struct pc_plan *full = plan_of(small, NULL);
    check_places(full);
    assert_int_equal(pc_image_count(full->image, PORTCAM_TABLE_SCHEDULE),
                     PORTCAM_BUILD_SCHEDULE_ROWS);
    char *half = many(0, 512, 2, 128);
    half[strlen(half) - 2] = 0;
    put(&t, "%s", half);
    put(&t, ", " S("large", "80", "'slots': 32768, 'backends': ['a']") "]}");
    struct pc_plan *moved = plan_of(t.at, full);
    check_places(moved);
    assert_int_equal(service_row(moved, "large")->slots_log2, 15);
    pc_plan_free(moved);
    pc_plan_free(full);
    free(small);
    free(half);
    free(t.at);
}

/* What the library chose gives way before a configuration is refused; what was given does not. */
static void crowded(void **state)
{
    struct text t = {0};
    struct portcam_caps caps = test_caps_stateful();
    struct portcam_report *report = portcam_report_new();
    struct pc_plan *plan = NULL;
    (void)state;

    put(&t, HEAD "'backends': [");
    for (unsigned i = 0; i < 10; i++)
        put(&t, "%s{'name': 'b%u', 'address': '192.0.2.%u', 'function': 1}", i ? ", " : "", i,
            i + 1);
    put(&t, "], 'services': [");
    for (unsigned i = 0; i < 100; i++) /* 1024 slots each are wanted, 65536 there are */
        put(&t,
            "%s{'name': 's%u', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "
            "'port': %u, 'mode': 'stateful', 'scheduler': 'mh', "
            "'backends': ['b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8', 'b9']}",
            i ? ", " : "", i, 1000 + i);
    put(&t, "]}");
    plan = plan_of(t.at, NULL);
    check_places(plan);
    pc_plan_free(plan);
    plan = NULL;
    free(t.at);

    char *text = many(0, 513, 1, 128);
    struct portcam_config *config = test_config(text);
    assert_int_equal(pc_plan_make(config, &caps, 1, NULL, NULL, report, &plan), -EBADMSG);
    assert_non_null(
        strstr(test_messages(report), "take 65664 slots, and this card has 65536; lower their"));
    portcam_config_free(config);
    portcam_report_free(report);
    free(text);
}

static const struct portcam_endpoint_row *endpoint(const struct pc_plan *plan, unsigned table,
                                                   const char *ip, unsigned port, unsigned protocol)
{
    struct pc_ip want;
    assert_int_equal(pc_ip_parse(ip, &want), 0);
    for (uint32_t i = 0; i < plan->image->rows[table]; i++) {
        const struct pc_image_row *at = &plan->image->table[table][i];
        const struct portcam_endpoint_row *row = (const void *)at->data;
        if (at->valid && memcmp(row->ip, want.bytes, 16) == 0 && row->port == port &&
            row->protocol == protocol)
            return row;
    }
    fail_msg("no endpoint %s %u", ip, port);
    return NULL;
}

static void endpoint_rows(void **state)
{
    struct pc_plan *plan = plan_of(
        HEAD ABC ", 'services': [" S(
            "s", "80",
            "'backends': ['a', 'b']") ", "
                                      "{'name': 't', 'domain': 'd', 'address': '198.51.100.2', "
                                      "'protocol': 'tcp', 'port': 80, 'mode': 'stateful', "
                                      "'backends': ['b']}, " S(
                                          "h", "90",
                                          "'scheduler': 'mh', 'no_record': 'hash', 'backends': "
                                          "['c']") ", "
                                                   "{'name': 'i', 'domain': 'd', 'address': "
                                                   "'198.51.100.2', 'protocol': 'icmp', 'mode': "
                                                   "'stateful', 'backends': ['c']}]}",
        NULL);
    unsigned group = number_of(plan, PC_SERVICE, "s");
    (void)state;

    assert_true(group < number_of(plan, PC_SERVICE, "t"));
    assert_int_equal(service_row(plan, "s")->group, group);
    assert_int_equal(service_row(plan, "t")->group, group);
    assert_int_equal(service_row(plan, "h")->group, number_of(plan, PC_SERVICE, "h"));
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_ENDPOINT), 3);
    const struct portcam_endpoint_row *row =
        endpoint(plan, PORTCAM_TABLE_ENDPOINT, "192.0.2.2", 80, 6);
    assert_int_equal(row->service, group);
    assert_int_equal(row->backend, number_of(plan, PC_BACKEND, "b"));
    assert_int_equal(row->flags, PORTCAM_ENDPOINT_ROW_STATEFUL | PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    row = endpoint(plan, PORTCAM_TABLE_ENDPOINT, "192.0.2.3", 90, 6);
    assert_int_equal(row->flags, PORTCAM_ENDPOINT_ROW_STATEFUL | PORTCAM_ENDPOINT_ROW_KEEPS_PORT |
                                     PORTCAM_ENDPOINT_ROW_ALONE);
    assert_memory_equal(row->public_ip, "\xc6\x33\x64\1", 4);
    assert_int_equal(row->public_port, 90);
    row = endpoint(plan, PORTCAM_TABLE_ENDPOINT_ANY_PORT, "192.0.2.3", 0, 1);
    assert_int_equal(row->flags, PORTCAM_ENDPOINT_ROW_STATEFUL | PORTCAM_ENDPOINT_ROW_KEEPS_PORT);
    pc_plan_free(plan);
}

/* Records are found by these numbers, so they outlive the member that gave them. */
static void numbers_stay(void **state)
{
#define TWIN(more)                                                                                 \
    "{'name': 't', 'domain': 'd', 'address': '198.51.100.2', 'protocol': 'tcp', 'port': 80, "      \
    "'mode': 'stateful', " more "}"
    static const char both[] = HEAD
        "'backends': [" B("a", "192.0.2.1", "") ", " B("b", "192.0.2.1", "") "], 'services': [" S(
            "s", "80", "'backends': ['a']") ", " TWIN("'backends': ['b']") "]}";
    static const char one[] = HEAD "'backends': [" B("b", "192.0.2.1", "") ", " B(
        "z", "192.0.2.9",
        "") "], 'services': [" TWIN("'backends': ['b']") ", " S("z", "99",
                                                                "'backends': ['z']") "]}";
    struct pc_plan *first = plan_of(both, NULL);
    unsigned a = number_of(first, PC_BACKEND, "a"), s = number_of(first, PC_SERVICE, "s");
    (void)state;

    assert_int_equal(first->endpoint[index_of(first, PC_BACKEND, "b")], a);
    assert_int_equal(service_row(first, "t")->group, s);
    struct pc_plan *second = plan_of(one, first);
    assert_int_equal(second->endpoint[index_of(second, PC_BACKEND, "b")], a);
    assert_int_equal(service_row(second, "t")->group, s);
    assert_int_not_equal(number_of(second, PC_BACKEND, "z"), a); /* still the endpoint of b */
    assert_int_equal(second->endpoint[index_of(second, PC_BACKEND, "z")],
                     number_of(second, PC_BACKEND, "z"));
    struct pc_plan *third = plan_of(one, second);
    assert_int_equal(pc_image_differences(second->image, third->image, PORTCAM_TABLE_MAX), 0);
    /* Another one joins with a lower number of its own: nothing changes for those that have records. */
    struct pc_plan *fourth = plan_of(both, third);
    assert_int_equal(fourth->endpoint[index_of(fourth, PC_BACKEND, "b")], a);
    assert_int_equal(service_row(fourth, "t")->group, s);
    pc_plan_free(first);
    pc_plan_free(second);
    pc_plan_free(third);
    pc_plan_free(fourth);
}

/* F.17 */
static void reserved(void **state)
{
    struct portcam_caps caps = test_caps_stateful();
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = test_config(
        "{'format': 1, 'backends': [" B("x", "192.0.2.1", "") ", " B("y", "192.0.2.2", "") "]}");
    struct pc_plan *plan = NULL, *none = NULL;
    json_t *names =
        json_pack("{s:[i, i, i], s:{s:[i]}}", "reserved", 0, 2, 9999, "backends", "y", 1);
    (void)state;

    assert_int_equal(pc_plan_make(config, &caps, 1, names, NULL, report, &plan), 0);
    assert_int_equal(number_of(plan, PC_BACKEND, "x"), 3);
    assert_int_equal(number_of(plan, PC_BACKEND, "y"), 1);
    json_t *saved = pc_plan_names(plan);
    assert_int_equal(json_array_size(json_object_get(saved, "reserved")), 3);
    json_decref(saved);
    caps.backends = 3;
    assert_int_equal(pc_plan_make(config, &caps, 1, names, NULL, report, &none), -EBADMSG);
    assert_null(none);
    assert_non_null(strstr(
        test_messages(report),
        "backend \"x\": no number is free, for connections of removed backends have not ended"));
    json_decref(names);
    portcam_config_free(config);
    portcam_report_free(report);
    pc_plan_free(plan);
}

/* ---- any change after any other ---- */

enum { ROUNDS = 300, MOST = 12 };

static uint32_t Random;

static uint32_t random_below(uint32_t n)
{
    Random = Random * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)Random * n) >> 32);
}

/* Services of one address, each at its own port, with backends of three servers of which each has two ports. */
static char *random_config(void)
{
    static const char *const schedulers[] = {"rr", "wrr", "mh", "sh", "lc", "wlc", "fast"};
    struct text t = {0};
    bool first = true;

    put(&t, HEAD "'backends': [");
    for (unsigned i = 0; i < 6; i++)
        put(&t,
            "%s{'name': 'b%u', 'address': '192.0.2.%u', 'port': %u, 'function': 1, 'weight': %u}",
            i ? ", " : "", i, 1 + i / 2, 8000 + i % 2 * random_below(2), random_below(4));
    put(&t, "], 'services': [");
    for (unsigned i = 0; i < MOST; i++) {
        if (random_below(3) == 0)
            continue;
        put(&t,
            "%s{'name': 's%u', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "
            "'port': %u, "
            "'mode': 'stateful', 'scheduler': '%s', ",
            first ? "" : ", ", i, 100 + i, schedulers[random_below(7)]);
        if (random_below(2))
            put(&t, "'slots': %u, ", 8u << random_below(8));
        put(&t, "'backends': [");
        unsigned from = random_below(6), count = 1 + random_below(3);
        for (unsigned k = 0; k < count; k++)
            put(&t, "%s'b%u'", k ? ", " : "", (from + k) % 6);
        put(&t, "]}");
        first = false;
    }
    put(&t, "]}");
    return t.at;
}

/* Every endpoint row leads to the backends and services that it is of, and to no others. */
static void check_numbers(const struct pc_plan *plan)
{
    const struct portcam_config *c = plan->config;

    for (size_t i = 0; i < c->n_services; i++) {
        for (size_t k = 0; k < c->services[i].n_backends; k++) {
            const struct pc_cfg_backend *b = &c->backends[c->services[i].backend_at[k]];
            char ip[PC_IP_TEXT];
            pc_ip_format(&b->ip, ip);
            const struct portcam_endpoint_row *row =
                endpoint(plan, PORTCAM_TABLE_ENDPOINT, ip, b->port, 6);
            assert_int_equal(row->service, plan->group[i]);
            assert_int_equal(row->backend, plan->endpoint[c->services[i].backend_at[k]]);
        }
        for (size_t k = 0; k < i; k++)
            assert_int_equal(plan->group[i] == plan->group[k],
                             c->services[i].group == c->services[k].group);
    }
    for (size_t i = 0; i < c->n_backends; i++) {
        for (size_t k = 0; k < i && plan->stateful[i]; k++)
            assert_int_equal(plan->stateful[k] && plan->endpoint[i] == plan->endpoint[k],
                             plan->stateful[k] &&
                                 c->backends[i].endpoint == c->backends[k].endpoint);
    }
}

static void any_change(void **state)
{
    const char *seed = getenv("SEED");
    struct pc_plan *last = NULL;
    (void)state;

    Random = seed ? (uint32_t)strtoul(seed, NULL, 0) : 20261121;
    print_message("# seed %u\n", Random);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char *text = random_config();
        struct pc_plan *plan = plan_of(text, last), *again = plan_of(text, plan);
        check_places(plan);
        check_numbers(plan);
        assert_int_equal(pc_image_differences(plan->image, again->image, PORTCAM_TABLE_MAX), 0);
        pc_plan_free(again);
        pc_plan_free(last);
        free(text);
        last = plan;
    }
    pc_plan_free(last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"slot tables stay through unrelated changes", slots_stay, NULL, NULL, NULL},
        {"slot tables move when only that makes room", defragmented, NULL, NULL, NULL},
        {"chosen sizes give way, given ones do not", crowded, NULL, NULL, NULL},
        {"S1.28 endpoint rows of groups", endpoint_rows, NULL, NULL, NULL},
        {"numbers of groups and endpoints outlive a member", numbers_stay, NULL, NULL, NULL},
        {"F.17 reserved numbers are not given out", reserved, NULL, NULL, NULL},
        {"after any change all rows agree, and none is written twice", any_change, NULL, NULL,
         NULL},
    };
    return cmocka_run_group_tests_name("stateful_numbers", tests, NULL, NULL);
}
