// SPDX-License-Identifier: Apache-2.0
/* A card that is reset gets back tables, connections and counters; records that belong to other rows are ended. */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "card.h"
#include "driver/model.h"
#include "lib/src/connections/saved.h"

enum { SYN = 2, ACK = 16, FIN_ACK = 17, SYN_ACK = 18, CLIENTS = 1500 };

#define CONFIG(b_address)                                                                          \
    "{'format': 1, 'domains': [{'name': 'd'}], 'addresses': [{'address': '198.51.100.1', "         \
    "'domain': 'd'}, {'address': '2001:db8::1', 'domain': 'd'}], 'backends': [{'name': 'a', "      \
    "'address': '192.0.2.1', 'port': 8080, 'function': 2}, {'name': 'b', 'address': '" b_address   \
    "', 'port': 8080, 'function': 2}, {'name': 'c', 'address': '2001:db8:1::3', 'function': 2}], " \
    "'services': [{'name': 'web', 'domain': 'd', 'address': '198.51.100.1', 'protocol': 'tcp', "   \
    "'port': 80, 'mode': 'stateful', 'scheduler': 'rr', 'backends': ['a', 'b']}, {'name': 'any', " \
    "'domain': 'd', 'address': '2001:db8::1', 'protocol': 'udp', 'mode': 'stateful', "             \
    "'backends': ['c']}]}"
#define SHOP CONFIG("192.0.2.2")

static struct pc_card *card_of(struct portcam *pc)
{
    return pc_dev_model_card(pc_hw_device(pc->hw));
}

static const struct pc_connections *table_of(struct portcam *pc)
{
    return pc_device_connections(pc_card_device(card_of(pc)));
}

static unsigned send(struct portcam *pc, const char *protocol, const char *source, unsigned sport,
                     const char *destination, unsigned dport, unsigned from, unsigned flags)
{
    uint8_t frame[128];
    size_t len = 0;
    struct pc_decision decision;
    json_t *spec = json_pack("{s:s, s:s, s:i, s:s, s:i}", "protocol", protocol, "source", source,
                             "source_port", (int)sport, "destination", destination,
                             "destination_port", (int)dport);
    assert_int_equal(portcam_build_frame(pc, spec, NULL, frame, sizeof(frame), &len), 0);
    json_decref(spec);
    if (strcmp(protocol, "tcp") == 0)
        frame[14 + 20 + 13] = (uint8_t)flags;
    pc_device_packet(pc_card_device(card_of(pc)), frame, len, from, pc_card_time(card_of(pc)), NULL,
                     &decision, NULL);
    return decision.reason;
}

static unsigned client(struct portcam *pc, unsigned n, unsigned flags)
{
    return send(pc, "tcp", "203.0.113.9", 10000 + n, "198.51.100.1", 80, 0, flags);
}

static unsigned server(struct portcam *pc, unsigned n, unsigned flags)
{
    return send(pc, "tcp", n % 2 ? "192.0.2.2" : "192.0.2.1", 8080, "203.0.113.9", 10000 + n, 2,
                flags);
}

/* Connections in several states, more than one command carries; some of IPv6, each by another port. */
static void fill(struct portcam *pc)
{
    pc_dev_model_set_time(pc_hw_device(pc->hw), 5000);
    test_apply(pc, SHOP);
    for (unsigned n = 0; n < CLIENTS; n++) {
        assert_int_equal(client(pc, n, SYN), PORTCAM_REASON_CONNECTION_NEW);
        if (n % 5 == 0)
            continue;
        assert_int_equal(server(pc, n, SYN_ACK), PORTCAM_REASON_CONNECTION_REVERSE);
        client(pc, n, ACK);
        if (n % 7 == 0)
            server(pc, n, FIN_ACK);
        if (n % 11 == 0)
            client(pc, n, FIN_ACK);
    }
    for (unsigned n = 0; n < 20; n++)
        assert_int_equal(send(pc, "udp", "2001:db8:9::1", 999, "2001:db8::1", 100 + n, 0, 0),
                         PORTCAM_REASON_CONNECTION_NEW);
}

/* The connection of a client, without place and number. */
static struct portcam_connection_image *images(struct portcam *pc, size_t *ret_count)
{
    struct pc_saved saved = {0};
    assert_int_equal(pc_saved_read(pc, &saved), 0);
    *ret_count = saved.count;
    return saved.image;
}

static int by_client(const void *a, const void *b)
{
    const struct portcam_connection_image *x = a, *y = b;
    int order = memcmp(x->client_ip, y->client_ip, sizeof(x->client_ip));
    order = order ? order : x->client_port - y->client_port;
    return order ? order : x->public_port - y->public_port;
}

static void assert_same_records(struct portcam_connection_image *a, size_t n,
                                struct portcam_connection_image *b, size_t m)
{
    assert_int_equal(n, m);
    qsort(a, n, sizeof(*a), by_client);
    qsort(b, m, sizeof(*b), by_client);
    for (size_t i = 0; i < n; i++) {
        b[i].slot = a[i].slot;
        b[i].generation = a[i].generation;
        assert_memory_equal(&a[i], &b[i], sizeof(*a));
    }
    free(a);
    free(b);
}

static json_t *told(struct portcam *pc)
{
    json_t *stats = NULL;
    assert_int_equal(portcam_stats(pc, true, NULL, &stats), 0);
    return stats;
}

/* What one object tells; NULL value: the object is not there. */
static json_int_t value(json_t *stats, const char *kind, const char *name, const char *part,
                        const char *key)
{
    size_t i;
    json_t *entry;
    json_array_foreach (json_object_get(stats, kind), i, entry) {
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
            return json_integer_value(json_object_get(json_object_get(entry, part), key));
    }
    return -1;
}

static void everything_is_put_back(void **state)
{
    struct portcam *pc = test_open(NULL);
    size_t before, behind;
    (void)state;

    fill(pc);
    struct portcam_connection_image *a = images(pc, &before);
    json_t *stats = told(pc);
    assert_int_equal(before, CLIENTS + 20);
    assert_int_equal(portcam_reset(pc, NULL), 0);
    struct portcam_connection_image *b = images(pc, &behind);
    assert_same_records(a, before, b, behind);
    json_t *later = told(pc);
    for (const char *const *kind =
             (const char *const[]){"services", "backends", "addresses", "domains", NULL};
         *kind; kind++)
        assert_true(json_equal(json_object_get(stats, *kind), json_object_get(later, *kind)));
    json_decref(stats);
    json_decref(later);
    /* They go on, with their servers, in every state. */
    for (unsigned n = 0; n < CLIENTS; n++) {
        assert_int_equal(client(pc, n, ACK), PORTCAM_REASON_CONNECTION_FORWARD);
        assert_int_equal(server(pc, n, ACK), PORTCAM_REASON_CONNECTION_REVERSE);
    }
    assert_int_equal(send(pc, "udp", "2001:db8:9::1", 999, "2001:db8::1", 105, 0, 0),
                     PORTCAM_REASON_CONNECTION_FORWARD);
    portcam_close(pc);
}

/* Another card has another clock. */
static void forget_clock(struct portcam_connection_image *image, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        image[i].last_used -= image[i].created;
        image[i].created = 0;
    }
}

/* The model's card ends with the library, as a card of kernel VFIO is reset when nobody has it open. */
static void an_orderly_end_keeps_connections(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir);
    size_t before, behind;
    (void)state;

    fill(pc);
    struct portcam_connection_image *a = images(pc, &before);
    portcam_close(pc);
    pc = test_open(dir);
    struct portcam_connection_image *b = images(pc, &behind);
    forget_clock(a, before);
    forget_clock(b, behind);
    assert_same_records(a, before, b, behind);
    assert_int_equal(client(pc, 1, ACK), PORTCAM_REASON_CONNECTION_FORWARD);
    assert_int_equal(server(pc, 1, ACK), PORTCAM_REASON_CONNECTION_REVERSE);
    struct pc_saved kept = {0};
    assert_int_equal(pc_saved_load(dir, &kept), -ENOENT); /* not once more */
    portcam_close(pc);
}

static void counters_only_grow(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir);
    (void)state;

    fill(pc);
    for (unsigned round = 0; round < 3; round++) {
        json_t *before = told(pc);
        assert_int_equal(portcam_reset(pc, NULL), 0);
        for (unsigned n = 0; n < 10; n++)
            assert_int_equal(client(pc, 5000 + 10 * round + n, SYN), PORTCAM_REASON_CONNECTION_NEW);
        json_t *behind = told(pc);
        assert_int_equal(value(behind, "services", "web", "forward", "packets"),
                         value(before, "services", "web", "forward", "packets") + 10);
        assert_int_equal(value(behind, "backends", "a", "connections", "new"),
                         value(before, "backends", "a", "connections", "new") + 5);
        assert_int_equal(value(behind, "backends", "b", "reverse", "octets"),
                         value(before, "backends", "b", "reverse", "octets"));
        json_decref(before);
        json_decref(behind);
    }
    /* The next one who opens the card tells the same. */
    json_t *before = told(pc);
    json_t *names = pc_plan_names(pc->plan);
    struct pc_plan *plan = NULL;
    struct portcam_report *report = portcam_report_new();
    assert_int_equal(pc_plan_make(pc->plan->config, pc_hw_caps(pc->hw), pc->seed, names, pc->card,
                                  report, &plan),
                     0);
    pc_plan_free(pc->plan);
    pc->plan = plan;
    json_t *behind = told(pc);
    assert_true(
        json_equal(json_object_get(before, "services"), json_object_get(behind, "services")));
    assert_true(
        json_equal(json_object_get(before, "backends"), json_object_get(behind, "backends")));
    json_decref(before);
    json_decref(behind);
    json_decref(names);
    portcam_report_free(report);
    portcam_close(pc);
}

/* Somebody else resets the card: its tables come back with the next look; without a mirror its connections cannot. */
static void somebody_else_resets_it(void **state)
{
    struct portcam *pc = test_open(NULL);
    (void)state;

    fill(pc);
    assert_int_equal(portcam_poll(pc), 0);
    assert_int_equal(pc_connections_used(table_of(pc)), CLIENTS + 20);
    pc_card_reset(card_of(pc));
    assert_int_equal(client(pc, 1, ACK), PORTCAM_REASON_NO_MATCH);
    assert_int_equal(portcam_poll(pc), 0);
    assert_int_equal(client(pc, 9000, SYN), PORTCAM_REASON_CONNECTION_NEW);
    assert_int_equal(server(pc, 9000, SYN_ACK), PORTCAM_REASON_CONNECTION_REVERSE);
    json_t *stats = told(pc);
    assert_int_equal(value(stats, "services", "web", "forward", "packets"), 1);
    json_decref(stats);
    portcam_close(pc);
}

static void clocks(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct pc_saved saved = {0};
    size_t made, n;
    unsigned status;
    (void)state;

    fill(pc);
    assert_int_equal(pc_saved_read(pc, &saved), 0);
    pc_card_reset(card_of(pc));
    pc_hw_was_reset(pc->hw);
    pc_dev_model_set_time(pc_hw_device(pc->hw), 100); /* another card, so to say */
    assert_int_equal(pc_saved_restore(pc, &saved, &made, &status), 0);
    assert_int_equal(made, saved.count);
    struct portcam_connection_image *i = images(pc, &n);
    assert_int_equal(i[0].last_used, 100); /* was 5000 at 5000 */
    free(i);
    /* What a card refuses is left out. */
    saved.image[700].state = 0;
    saved.image[1300].pad = 1;
    pc_card_reset(card_of(pc));
    pc_hw_was_reset(pc->hw);
    assert_int_equal(pc_saved_restore(pc, &saved, &made, &status), 0);
    assert_int_equal(made, saved.count - 2);
    assert_int_equal(status, PORTCAM_STATUS_BAD_ROW);
    pc_saved_free(&saved);
    portcam_close(pc);
}

/* ---- records of another time ---- */

static void stale_records_end(void **state)
{
    struct portcam *pc = test_open(NULL);
    (void)state;

    fill(pc);
    struct pc_image *before = pc_image_copy(pc->card);
    assert_non_null(before);
    assert_int_equal(pc_end_stale(pc, before, NULL), 0);
    assert_int_equal(pc_connections_used(table_of(pc)), CLIENTS + 20); /* none is */
    /* Number of backend b was that of another server. */
    unsigned b = pc->plan->numbers[PC_BACKEND].number[1];
    before->table[PORTCAM_TABLE_BACKEND][b].data[3] ^= 1;
    unsigned of_b = pc_connections_backend(table_of(pc), b).records;
    assert_int_equal(pc_end_stale(pc, before, NULL), 0);
    assert_int_equal(pc_connections_backend(table_of(pc), b).records, 0);
    assert_int_equal(pc_connections_used(table_of(pc)), CLIENTS + 20 - of_b);
    /* The address had another IP. */
    unsigned address = pc->plan->numbers[PC_ADDRESS].number[1];
    before->table[PORTCAM_TABLE_PUBLIC][address].data[15] ^= 1;
    assert_int_equal(pc_end_stale(pc, before, NULL), 0);
    assert_int_equal(pc_connections_used(table_of(pc)), CLIENTS - of_b);
    /* The service takes another port. */
    for (uint32_t row = 0; row < pc->card->rows[PORTCAM_TABLE_SERVICE]; row++) {
        struct portcam_service_row *s = (void *)pc->card->table[PORTCAM_TABLE_SERVICE][row].data;
        s->port = s->port == 80 ? 81 : s->port;
    }
    assert_int_equal(pc_end_stale(pc, NULL, NULL), 0);
    assert_int_equal(pc_connections_used(table_of(pc)), 0);
    pc_image_free(before);
    portcam_close(pc);
}

/* The library dies between the records and the rows of a restoration: the next one keeps them. */
static void records_without_rows_stay(void **state)
{
    struct portcam *pc = test_open(NULL);
    struct pc_saved saved = {0};
    struct portcam_report *report = portcam_report_new();
    size_t made;
    unsigned status;
    (void)state;

    fill(pc);
    assert_int_equal(pc_saved_read(pc, &saved), 0);
    pc_card_reset(card_of(pc));
    pc_hw_was_reset(pc->hw);
    assert_int_equal(pc_saved_restore(pc, &saved, &made, &status), 0);
    struct pc_image *empty = pc_image_new(pc_hw_caps(pc->hw));
    assert_non_null(empty);
    assert_int_equal(pc_end_stale(pc, empty, report), 0);
    assert_int_equal(pc_connections_used(table_of(pc)), CLIENTS + 20);
    pc_image_free(empty);
    pc_saved_free(&saved);
    portcam_report_free(report);
    portcam_close(pc);
}

/* The library dies in a reset, behind the FLR: what comes after it finds the connections in the state directory. */
static void died_over_a_reset(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir);
    struct pc_saved saved = {0};
    (void)state;

    fill(pc);
    assert_int_equal(pc_saved_read(pc, &saved), 0);
    assert_int_equal(pc_saved_write(dir, &saved), 0);
    pc_card_reset(card_of(pc));
    pc_hw_was_reset(pc->hw);
    pc->state_dir = strdup(dir);
    assert_int_equal(pc_read_back(pc, NULL), 0);
    assert_int_equal(pc_take_seed(pc, NULL), 0);
    assert_int_equal(pc_take_over(pc, NULL), 0);
    assert_int_equal(pc_connections_used(table_of(pc)), CLIENTS + 20);
    assert_int_equal(client(pc, 3, ACK), PORTCAM_REASON_CONNECTION_FORWARD);
    assert_int_equal(server(pc, 3, ACK), PORTCAM_REASON_CONNECTION_REVERSE);
    struct pc_saved none = {0};
    assert_int_equal(pc_saved_load(dir, &none), -ENOENT);
    pc_saved_free(&saved);
    portcam_close(pc);
}

/* Bytes of the kept file: 8 of magic, clock, count, from 16 on the second when it was written, from 24 on what images it has. */
static void overwrite(const char *dir, long at, const void *bytes, size_t len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/connections.bin", dir);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, len, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void shorten(const char *dir, long len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/connections.bin", dir);
    assert_int_equal(truncate(path, len), 0);
}

/* How many records are found; -errno. */
static int found(const char *dir)
{
    struct pc_saved saved = {0};
    int rc = pc_saved_load(dir, &saved);
    int count = rc ? rc : (int)saved.count;
    pc_saved_free(&saved);
    return count;
}

static void files_of_no_use(void **state)
{
    const char *dir = test_folder();
    struct portcam_connection_image image[3] = {{.slot = 1}, {.slot = 2}, {.slot = 3}};
    const struct pc_saved three = {.image = image, .count = 3, .room = 3};
    const int64_t now = (int64_t)time(NULL);
    const struct {
        int64_t written;
        int found;
    } ages[] = {{now - 30, 3},        {now + 30, 3},        {now - 100, -ENOENT},
                {now + 100, -ENOENT}, {INT64_MIN, -ENOENT}, {INT64_MAX, -ENOENT}};
    const uint32_t many = UINT32_MAX;
    (void)state;

    assert_int_equal(found(dir), -ENOENT);
    assert_int_equal(pc_saved_write(dir, &three), 0);
    for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        overwrite(dir, 16, &ages[i].written, sizeof(ages[i].written));
        assert_int_equal(found(dir), ages[i].found);
    }
    overwrite(dir, 16, &now, sizeof(now));
    for (long at = 24; at < 32; at += 2) { /* images of another size, or of another interface */
        const uint16_t ones = 0xffff;
        assert_int_equal(pc_saved_write(dir, &three), 0);
        overwrite(dir, at, &ones, sizeof(ones));
        assert_int_equal(found(dir), -ENOENT);
    }
    assert_int_equal(pc_saved_write(dir, &three), 0);
    overwrite(dir, 12, &many, sizeof(many)); /* more than are there */
    assert_int_equal(found(dir), 3);
    shorten(dir, (long)(32 + 2 * sizeof(image[0]) + 1));
    assert_int_equal(found(dir), 2);
    overwrite(dir, 0, "X", 1);
    assert_int_equal(found(dir), -ENOENT);
    shorten(dir, 10);
    assert_int_equal(found(dir), -ENOENT);
}

/* The card runs rows of somebody else, with connections of theirs; the kept configuration has others under their numbers. */
static void restart_on_other_rows(void **state)
{
    const char *dir = test_folder();
    struct portcam *pc = test_open(dir);
    char *kept = pc->state_dir;
    (void)state;

    fill(pc);
    pc->state_dir = NULL;
    test_apply(pc, CONFIG("192.0.2.7")); /* ends those of b */
    for (unsigned n = 0; n < 100; n++)
        client(pc, 20000 + n, SYN);
    unsigned b = pc->plan->numbers[PC_BACKEND].number[1];
    unsigned strange = pc_connections_backend(table_of(pc), b).records;
    unsigned used = pc_connections_used(table_of(pc));
    assert_int_equal(strange, 50);
    pc->state_dir = kept;
    pc_plan_free(pc->plan);
    struct portcam_config *empty = test_config("{'format': 1}");
    struct portcam_report *report = portcam_report_new();
    assert_int_equal(
        pc_plan_make(empty, pc_hw_caps(pc->hw), pc->seed, NULL, NULL, report, &pc->plan), 0);
    assert_int_equal(pc_take_over(pc, report), 0);
    assert_int_equal(pc_connections_backend(table_of(pc), b).records, 0);
    assert_int_equal(pc_connections_used(table_of(pc)), used - strange);
    assert_int_equal(client(pc, 2, ACK), PORTCAM_REASON_CONNECTION_FORWARD);
    portcam_config_free(empty);
    portcam_report_free(report);
    portcam_close(pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"a reset puts back tables, connections in every state, and what counters told",
         everything_is_put_back, NULL, NULL, NULL},
        {"connections are kept over the orderly end of a library whose card ends with it",
         an_orderly_end_keeps_connections, NULL, NULL, NULL},
        {"counters only grow over resets, and over a restart behind them", counters_only_grow, NULL,
         NULL, NULL},
        {"a reset by somebody else is seen, and the tables are put back", somebody_else_resets_it,
         NULL, NULL, NULL},
        {"records keep their age in a card whose clock began again; refused ones are left out",
         clocks, NULL, NULL, NULL},
        {"records of other rows are ended at once", stale_records_end, NULL, NULL, NULL},
        {"who dies over a reset leaves the connections to the next", died_over_a_reset, NULL, NULL,
         NULL},
        {"a kept file of another time or another kind is of no use", files_of_no_use, NULL, NULL,
         NULL},
        {"a restart on other rows: connections of theirs are ended at once", restart_on_other_rows,
         NULL, NULL, NULL},
        {"records that came before their rows stay", records_without_rows_stay, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
