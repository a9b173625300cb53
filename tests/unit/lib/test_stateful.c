// SPDX-License-Identifier: Apache-2.0
/* Rows of stateful services: their fields, their slot tables, what a card must have. */
#include "stateful_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- any change after any other ---- */

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
        {"what the card cannot do is refused", capabilities, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("stateful", tests, NULL, NULL);
}
