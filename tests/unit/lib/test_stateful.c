// SPDX-License-Identifier: Apache-2.0
/* Rows of stateful services: slot tables, pairs, groups and endpoint numbers, and that they stay where they are. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MAX = 65536, NONE = 0xffff };

/* Writes a configuration of services; to be freed. */
struct text {
    char *at;
    size_t n, room;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
    va_list args;
    if (t->room - t->n < 1024) {
        t->room = t->room ? 2 * t->room : 65536;
        t->at = realloc(t->at, t->room);
        assert_non_null(t->at);
    }
    va_start(args, format);
    t->n += (size_t)vsnprintf(t->at + t->n, t->room - t->n, format, args);
    va_end(args);
}

#define HEAD                                                                                       \
    "{'format': 1, 'domains': [{'name': 'd'}], 'addresses': [{'address': '198.51.100.1', "         \
    "'domain': 'd'}, {'address': '198.51.100.2', 'domain': 'd'}, {'address': '198.51.100.0/28', "  \
    "'domain': 'd'}], "
#define B(name, ip, more) "{'name': '" name "', 'address': '" ip "', 'function': 1" more "}"
#define S(name, port, more)                                                                        \
    "{'name': '" name                                                                              \
    "', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', 'port': " port                \
    ", 'mode': 'stateful', " more "}"
#define ABC                                                                                        \
    "'backends': [" B("a", "192.0.2.1", "") ", " B("b", "192.0.2.2", "") ", " B("c", "192.0.2.3",  \
                                                                                "") "]"

static struct pc_plan *plan_of(const char *text, const struct pc_plan *before)
{
    struct portcam_caps caps = test_caps_stateful();
    return test_plan(text, &caps, before);
}

static size_t index_of(const struct pc_plan *plan, enum pc_kind kind, const char *name)
{
    for (size_t i = 0; i < plan->numbers[kind].count; i++) {
        if (strcmp(pc_object_name(plan->config, kind, i), name) == 0)
            return i;
    }
    fail_msg("no %s", name);
    return 0;
}

static unsigned number_of(const struct pc_plan *plan, enum pc_kind kind, const char *name)
{
    return plan->numbers[kind].number[index_of(plan, kind, name)];
}

static const struct portcam_service_row *service_row(const struct pc_plan *plan, const char *name)
{
    unsigned number = number_of(plan, PC_SERVICE, name);
    for (uint32_t i = 0; i < plan->image->rows[PORTCAM_TABLE_SERVICE]; i++) {
        const struct pc_image_row *at = &plan->image->table[PORTCAM_TABLE_SERVICE][i];
        const struct portcam_service_row *row = (const void *)at->data;
        if (at->valid && row->service == number)
            return row;
    }
    fail_msg("no row of %s", name);
    return NULL;
}

/* The slot pairs of a service. Returns how many. */
static uint32_t slots_of(const struct pc_plan *plan, const char *name, uint16_t (*pairs)[2])
{
    const struct portcam_service_row *s = service_row(plan, name);
    uint32_t n = 1u << s->slots_log2;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = s->schedule + i / 8;
        assert_true(at < plan->image->rows[PORTCAM_TABLE_SCHEDULE]);
        const struct pc_image_row *image = &plan->image->table[PORTCAM_TABLE_SCHEDULE][at];
        const struct portcam_schedule_row *row = (const void *)image->data;
        assert_true(image->valid);
        memcpy(pairs[i], row->slot + (size_t)4 * (i % 8), 4);
    }
    return n;
}

static void service_fields(void **state)
{
    struct pc_plan *plan = plan_of(
        HEAD "'backends': [" B("a", "192.0.2.1", ", 'port': 8080, 'weight': 3") ", " B(
            "b", "192.0.2.2",
            "") "], 'services': [" S("web", "80",
                                     "'scheduler': 'mh', 'key': 'client+port', 'no_backend': "
                                     "'drop', 'timeouts': {'syn': 0.5, 'reset': 2}, "
                                     "'backends': ['a', 'b']") ", " S("tls", "443",
                                                                      "'backends': ['b'], "
                                                                      "'slots': 4") ", "
                                                                                    "{'name': "
                                                                                    "'any', "
                                                                                    "'domain': "
                                                                                    "'d', "
                                                                                    "'protocol'"
                                                                                    ": 'udp', "
                                                                                    "'mode': "
                                                                                    "'stateful'"
                                                                                    ", "
                                                                                    "'scheduler"
                                                                                    "': 'mh', "
                                                                                    "'backends'"
                                                                                    ": "
                                                                                    "['b']}]}",
        NULL);
    (void)state;

    const struct portcam_service_row *web = service_row(plan, "web");
    assert_int_equal(web->mode, PORTCAM_MODE_STATEFUL);
    assert_int_equal(web->backend, 0);
    assert_int_equal(web->flags, 3); /* a changes the port */
    assert_int_equal(web->pick, PORTCAM_PICK_CLIENT_IP_PORT);
    assert_int_equal(web->no_record, PORTCAM_NO_RECORD_REJECT);
    assert_int_equal(web->no_backend, PORTCAM_NO_BACKEND_DROP);
    assert_int_equal(web->full, PORTCAM_FULL_HASH);
    assert_int_equal(web->slots_log2, 8); /* 100 for each of two */
    const struct portcam_service_row *tls = service_row(plan, "tls");
    assert_int_equal(tls->flags, 7);
    assert_int_equal(tls->pick, PORTCAM_PICK_COUNTER);
    assert_int_equal(tls->full, PORTCAM_FULL_DROP);
    assert_int_equal(tls->slots_log2, 2);
    const struct portcam_service_row *any = service_row(plan, "any");
    assert_int_equal(any->address, PORTCAM_ADDRESS_ANY);
    assert_int_equal(any->flags,
                     PORTCAM_SERVICE_ROW_EXACT_PROTOCOL | PORTCAM_SERVICE_ROW_KEEPS_PORT);
    assert_int_equal(any->full, PORTCAM_FULL_DROP); /* replies would not know their address */

    const struct portcam_timeout_row *t =
        (const void *)plan->image->table[PORTCAM_TABLE_TIMEOUT][web->service].data;
    assert_int_equal(t->syn, 500);
    assert_int_equal(t->syn_ack, 60000);
    assert_int_equal(t->established, 900000);
    assert_int_equal(t->fin_one, 120000);
    assert_int_equal(t->fin_both, 120000);
    assert_int_equal(t->reset, 2000);
    assert_int_equal(t->unreplied, 300000);
    assert_int_equal(t->replied, 300000);
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_TIMEOUT), 3);
    /* Of the three addresses the prefix has none. */
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_PUBLIC), 2);
    const struct pc_image_row *public =
        &plan->image->table[PORTCAM_TABLE_PUBLIC][number_of(plan, PC_ADDRESS, "198.51.100.2/32")];
    assert_true(public->valid);
    assert_memory_equal(public->data, "\xc6\x33\x64\2\0\0\0\0", 8);
    assert_int_equal(public->data[16], 4);
    const struct portcam_limits_row *limits =
        (const void *)plan->image->table[PORTCAM_TABLE_LIMITS][0].data;
    assert_int_equal(limits->embryonic, (65536 + 16 + 16384 + 16) / 4);
    assert_int_equal(limits->reject_rate, 1000);
    assert_int_equal(limits->reject_burst, 100);
    pc_plan_free(plan);
}

static void limits_row(void **state)
{
    (void)state;
    struct pc_plan *plan =
        plan_of("{'format': 1, 'limits': {'embryonic': 0, 'reject_burst': 0}}", NULL);
    const struct portcam_limits_row *limits =
        (const void *)plan->image->table[PORTCAM_TABLE_LIMITS][0].data;
    assert_true(plan->image->table[PORTCAM_TABLE_LIMITS][0].valid);
    assert_int_equal(limits->embryonic, 0);
    assert_int_equal(limits->reject_rate, 1000);
    assert_int_equal(limits->reject_burst, 0);
    pc_plan_free(plan);
    plan = plan_of("{'format': 1, 'domains': [{'name': 'd', 'unknown': 'reject'}]}", NULL);
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_LIMITS), 1);
    pc_plan_free(plan);
    plan = plan_of("{'format': 1, 'domains': [{'name': 'd'}]}", NULL);
    assert_int_equal(pc_image_count(plan->image, PORTCAM_TABLE_LIMITS), 0);
    pc_plan_free(plan);
}

/* How many of the slots have each backend, first or second. */
static void count(uint16_t (*pairs)[2], uint32_t n, unsigned which, unsigned *counts)
{
    memset(counts, 0, PORTCAM_BUILD_BACKENDS * sizeof(*counts));
    for (uint32_t i = 0; i < n; i++) {
        if (pairs[i][which] != NONE)
            counts[pairs[i][which]]++;
    }
}

static void weights(void **state)
{
    static uint16_t pairs[SLOTS_MAX][2];
    static unsigned counts[PORTCAM_BUILD_BACKENDS];
    struct pc_plan *plan =
        plan_of(HEAD "'backends': [" B("a", "192.0.2.1", ", 'weight': 6") ", " B(
                    "b", "192.0.2.2",
                    ", 'weight': 2") ", " B("c", "192.0.2.3",
                                            ", 'weight': 0") ", " B("e", "192.0.2.4",
                                                                    ", 'backup': true, "
                                                                    "'weight': 9") "], "
                                                                                   "'services':"
                                                                                   " [" S("s", "80",
                                                                                          "'sch"
                                                                                          "edul"
                                                                                          "er':"
                                                                                          " '"
                                                                                          "wlc'"
                                                                                          ", "
                                                                                          "'slo"
                                                                                          "ts':"
                                                                                          " 102"
                                                                                          "4, "
                                                                                          "'bac"
                                                                                          "kend"
                                                                                          "s': "
                                                                                          "['a'"
                                                                                          ", "
                                                                                          "'b',"
                                                                                          " 'c'"
                                                                                          ", "
                                                                                          "'e'"
                                                                                          "]") "]}",
                NULL);
    (void)state;

    uint32_t n = slots_of(plan, "s", pairs);
    assert_int_equal(n, 1024);
    count(pairs, n, 0, counts);
    assert_int_equal(counts[number_of(plan, PC_BACKEND, "a")], 768);
    assert_int_equal(counts[number_of(plan, PC_BACKEND, "b")], 256);
    const struct portcam_backend_row *rows[4];
    for (unsigned i = 0; i < 4; i++)
        rows[i] = (const void *)plan->image->table[PORTCAM_TABLE_BACKEND][i].data;
    assert_int_equal(rows[number_of(plan, PC_BACKEND, "a")]->weight, 6);
    assert_int_equal(rows[number_of(plan, PC_BACKEND, "c")]->weight, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rows[i]->endpoint, i);
    pc_plan_free(plan);

    plan = plan_of(
        HEAD "'backends': [" B("a", "192.0.2.1", ", 'weight': 6") ", " B(
            "b", "192.0.2.2",
            ", 'weight': 0") "], "
                             "'services': [" S("s", "80",
                                               "'scheduler': 'lc', 'backends': ['a', 'b']") "]}",
        NULL);
    const struct portcam_backend_row *row =
        (const void *)plan->image->table[PORTCAM_TABLE_BACKEND][0].data;
    assert_int_equal(row->weight, 1); /* lc compares connections, not their shares */
    row = (const void *)plan->image->table[PORTCAM_TABLE_BACKEND][1].data;
    assert_int_equal(row->weight, 0);
    pc_plan_free(plan);
}

static void backups(void **state)
{
    static uint16_t pairs[SLOTS_MAX][2];
    (void)state;
    struct pc_plan *plan =
        plan_of(HEAD "'backends': [" B("a", "192.0.2.1", ", 'weight': 0") ", " B(
                    "e", "192.0.2.4",
                    ", 'backup': true") "], "
                                        "'services': [" S("s", "80", "'backends': ['a', 'e']") "]}",
                NULL);
    uint32_t n = slots_of(plan, "s", pairs);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(pairs[i][0], number_of(plan, PC_BACKEND, "e"));
        assert_int_equal(pairs[i][1], NONE);
    }
    pc_plan_free(plan);
    plan =
        plan_of(HEAD "'backends': [" B("a", "192.0.2.1", ", 'weight': 0") ", " B(
                    "e", "192.0.2.4",
                    ", 'backup': true, 'weight': 0") "], "
                                                     "'services': [" S(
                                                         "s", "80", "'backends': ['a', 'e']") "]}",
                NULL);
    n = slots_of(plan, "s", pairs);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(pairs[i][0], NONE);
    pc_plan_free(plan);
}

/* Second choices: never the first's endpoint while there is another; of the same shares; in no order. */
static void seconds(void **state)
{
    static uint16_t pairs[SLOTS_MAX][2];
    static unsigned counts[PORTCAM_BUILD_BACKENDS];
    struct text t = {0};
    (void)state;

    put(&t, HEAD "'backends': [");
    for (unsigned i = 0; i < 10; i++)
        put(&t, "%s{'name': 'b%u', 'address': '192.0.2.%u', 'function': 1, 'weight': %u}",
            i ? ", " : "", i, i == 9 ? 1 : i + 1, i % 2 ? 10 : 30); /* b0 and b9 are one endpoint */
    put(&t, "], 'services': [");
    put(&t, S("s", "80",
              "'scheduler': 'wlc', 'slots': 2048, 'backends': ['b0', 'b1', 'b2', 'b3', 'b4', 'b5', "
              "'b6', 'b7', 'b8', 'b9']"));
    put(&t, "]}");
    struct pc_plan *plan = plan_of(t.at, NULL);
    uint32_t n = slots_of(plan, "s", pairs);
    unsigned b0 = number_of(plan, PC_BACKEND, "b0"), b9 = number_of(plan, PC_BACKEND, "b9");
    bool met[10][10] = {{false}};
    for (uint32_t i = 0; i < n; i++) {
        assert_int_not_equal(pairs[i][1], NONE);
        assert_int_not_equal(pairs[i][0], pairs[i][1]);
        assert_false((pairs[i][0] == b0 || pairs[i][0] == b9) &&
                     (pairs[i][1] == b0 || pairs[i][1] == b9));
        met[pairs[i][0]][pairs[i][1]] = true;
    }
    for (unsigned a = 0; a < 10; a++) {
        for (unsigned b = 0; b < 10; b++)
            assert_int_equal(met[a][b], a != b && !(a == b0 && b == b9) && !(a == b9 && b == b0));
    }
    count(pairs, n, 1, counts);
    for (unsigned i = 0; i < 10; i++) {
        double share = (i % 2 ? 10 : 30) / 200.0 * n;
        if (i == 0 || i == 9)
            continue;
        char name[8];
        snprintf(name, sizeof(name), "b%u", i);
        unsigned got = counts[number_of(plan, PC_BACKEND, name)];
        assert_true(got > share * 0.75 && got < share * 1.35);
    }
    pc_plan_free(plan);
    free(t.at);

    /* All backends are one endpoint: another backend is the next best. */
    plan = plan_of(
        HEAD "'backends': [" B("a", "192.0.2.1", "") ", " B(
            "b", "192.0.2.1", "") "], 'services': [" S("s", "80", "'backends': ['a', 'b']") "]}",
        NULL);
    n = slots_of(plan, "s", pairs);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(pairs[i][1], 1 - pairs[i][0]);
    const struct portcam_backend_row *row =
        (const void *)plan->image->table[PORTCAM_TABLE_BACKEND][1].data;
    assert_int_equal(row->endpoint, 0);
    pc_plan_free(plan);

    /* One backend has nearly all slots. */
    plan = plan_of(
        HEAD "'backends': [" B("a", "192.0.2.1", ", 'weight': 65535") ", " B(
            "b", "192.0.2.2",
            "") "], 'services': [" S("s", "80", "'slots': 65536, 'backends': ['a', 'b']") "]}",
        NULL);
    n = slots_of(plan, "s", pairs);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(pairs[i][1], 1 - pairs[i][0]);
    pc_plan_free(plan);
}

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

static void capabilities(void **state)
{
    static const struct {
        uint32_t without;
        const char *text, *message;
    } cases[] = {
        {PORTCAM_CAPS_STATEFUL, HEAD ABC ", 'services': [" S("s", "80", "'backends': ['a']") "]}",
         "service \"s\": mode \"stateful\" needs connection records, and this card has no "
         "connection table"},
        {PORTCAM_CAPS_REJECT, HEAD ABC ", 'services': [" S("s", "80", "'backends': ['a']") "]}",
         "service \"s\": this card cannot answer packets, so policy \"reject\" is not possible; "
         "give \"no_record\" and \"no_backend\" another one"},
        {PORTCAM_CAPS_REJECT | PORTCAM_CAPS_STATEFUL, "{'format': 1, 'limits': {}}",
         "limits: this card has neither connection records nor answers"},
        {PORTCAM_CAPS_REJECT, "{'format': 1, 'domains': [{'name': 'd', 'unknown': 'reject'}]}",
         "cannot answer packets"},
        {PORTCAM_CAPS_REJECT,
         HEAD ABC ", 'services': [" S(
             "s", "80", "'no_record': 'drop', 'no_backend': 'drop', 'backends': ['a']") "]}",
         NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct portcam_caps caps = test_caps_stateful();
        struct portcam_report *report = portcam_report_new();
        struct portcam_config *config = test_config(cases[i].text);
        struct pc_plan *plan = NULL;
        caps.flags &= ~cases[i].without;
        assert_int_equal(pc_plan_make(config, &caps, 1, NULL, NULL, report, &plan),
                         cases[i].message ? -EBADMSG : 0);
        if (cases[i].message && !strstr(test_messages(report), cases[i].message))
            fail_msg("%s\nis not in\n%s", cases[i].message, test_messages(report));
        pc_plan_free(plan);
        portcam_config_free(config);
        portcam_report_free(report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"rows of service, timeout, public and limits", service_fields, NULL, NULL, NULL},
        {"the limits row is there where something is limited", limits_row, NULL, NULL, NULL},
        {"shares of slots follow weights, 0 drains", weights, NULL, NULL, NULL},
        {"backups only while no other takes connections", backups, NULL, NULL, NULL},
        {"second choices are other endpoints, by the same shares", seconds, NULL, NULL, NULL},
        {"slot tables stay through unrelated changes", slots_stay, NULL, NULL, NULL},
        {"slot tables move when only that makes room", defragmented, NULL, NULL, NULL},
        {"chosen sizes give way, given ones do not", crowded, NULL, NULL, NULL},
        {"S1.28 endpoint rows of groups", endpoint_rows, NULL, NULL, NULL},
        {"numbers of groups and endpoints outlive a member", numbers_stay, NULL, NULL, NULL},
        {"F.17 reserved numbers are not given out", reserved, NULL, NULL, NULL},
        {"after any change all rows agree, and none is written twice", any_change, NULL, NULL,
         NULL},
        {"what the card cannot do is refused", capabilities, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("stateful", tests, NULL, NULL);
}
