// SPDX-License-Identifier: Apache-2.0
/* See render.h. */
#include "render.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "table.h"

static const char *str(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static long long num(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* Numbers by name: "syn=30,established=3600". */
static void object_text(const json_t *object, char *text, size_t room)
{
    const char *key, *comma = "";
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        size_t n = strlen(text);
        snprintf(text + n, room - n, "%s%s=%.10g", comma, key, json_number_value(value));
        comma = ",";
    }
}

/* A value as it is written on the command line. */
static void value_text(const json_t *value, char *text, size_t room)
{
    const json_t *item;
    size_t i;

    text[0] = 0;
    if (json_is_string(value))
        snprintf(text, room, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, room, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, room, "%.1f", json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(text, room, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_array(value)) {
        json_array_foreach (value, i, item) {
            size_t n = strlen(text);
            snprintf(text + n, room - n, "%s%s", i ? "," : "", json_string_value(item));
        }
    } else if (json_is_object(value)) {
        object_text(value, text, room);
    } else {
        snprintf(text, room, "none");
    }
}

/* What the absence of a key means. */
static const char *absent(const char *object, const char *key)
{
    if (strcmp(object, "backend") == 0)
        return strcmp(key, "port") == 0 ? "keep" : strcmp(key, "weight") == 0 ? "1" : "-";
    if (strcmp(object, "service") == 0 &&
        (strcmp(key, "address") == 0 || strcmp(key, "vlan") == 0 || strcmp(key, "port") == 0 ||
         strcmp(key, "protocol") == 0))
        return "any";
    if (strcmp(object, "address") == 0 && strcmp(key, "vlan") == 0)
        return "any";
    return "-";
}

static const struct {
    const char *key, *part, *header;
} Counters[] = {
    {NULL, "active", "ACTIVE"},
    {NULL, "records", "RECORDS"},
    {"connections", "new", "NEW"},
    {"connections", "syn_repeats", "SYN REPEATS"},
    {"connections", "syn_resets", "SYN RESETS"},
    {"connections", "syn_ack_ms_mean", "SYN-ACK MS"},
    {"connections", "syn_ack_ms_max", "MAX MS"},
    {"connections", "syn_ack_ms_max_ever", "MAX MS EVER"},
    {"forward", "packets", "PACKETS"},
    {"forward", "octets", "OCTETS"},
    {"reverse", "packets", "REPLIES"},
    {"reverse", "octets", "REPLY OCTETS"},
    {"rx", "packets", "RX PACKETS"},
    {"rx", "octets", "RX OCTETS"},
    {"tx", "packets", "TX PACKETS"},
    {"tx", "octets", "TX OCTETS"},
};

enum { COUNTERS = sizeof(Counters) / sizeof(Counters[0]) };

static const json_t *counter_of(const json_t *object, size_t i)
{
    return json_object_get(Counters[i].key ? json_object_get(object, Counters[i].key)
                                           : (json_t *)(uintptr_t)object,
                           Counters[i].part);
}

/* Counter columns of the rows' objects: indices of Counters. */
static size_t counter_columns(const json_t *list, size_t at[COUNTERS])
{
    const json_t *item;
    size_t n = 0, row;

    for (size_t i = 0; i < COUNTERS; i++) {
        bool any = false;
        json_array_foreach (list, row, item)
            any = any || counter_of(item, i);
        if (any)
            at[n++] = i;
    }
    return n;
}

/* Has any object the key? */
static bool has_column(const struct key *key, const json_t *list)
{
    const json_t *item;
    size_t i;

    json_array_foreach (list, i, item) {
        if (json_object_get(item, key->name))
            return true;
    }
    return !key->rare;
}

static void counter_cells(struct table *table, size_t row, size_t column, const json_t *object,
                          const size_t *at, size_t n)
{
    char text[32];
    for (size_t k = 0; k < n; k++) {
        const json_t *value = counter_of(object, at[k]);
        value_text(value, text, sizeof(text));
        table_cell(table, row, column + k, "%s", value ? text : "-");
    }
}

static void upper(const char *from, char *to, size_t room)
{
    size_t i;
    for (i = 0; from[i] && i + 1 < room; i++)
        to[i] = from[i] >= 'a' && from[i] <= 'z' ? (char)(from[i] - 'a' + 'A') : from[i];
    to[i] = 0;
}

static void show_list(const struct object *object, const json_t *list)
{
    const struct key *keys[TABLE_COLUMNS];
    struct table table;
    size_t at[COUNTERS], row, n_keys = 0;
    const json_t *item;
    char text[512];
    size_t n = counter_columns(list, at);

    for (size_t k = 0; k < object->n_keys; k++) {
        if (has_column(&object->keys[k], list))
            keys[n_keys++] = &object->keys[k];
    }
    table_begin(&table, n_keys + n);
    for (size_t k = 0; k < n_keys; k++) {
        upper(keys[k]->name, text, sizeof(text));
        table_cell(&table, 0, k, "%s", text);
    }
    for (size_t k = 0; k < n; k++) {
        table_numbers(&table, n_keys + k);
        table_cell(&table, 0, n_keys + k, "%s", Counters[at[k]].header);
    }
    json_array_foreach (list, row, item) {
        for (size_t k = 0; k < n_keys; k++) {
            const json_t *value = json_object_get(item, keys[k]->name);
            value_text(value, text, sizeof(text));
            table_cell(&table, row + 1, k, "%s",
                       value ? text : absent(object->name, keys[k]->name));
        }
        counter_cells(&table, row + 1, n_keys, item, at, n);
    }
    table_print(&table, "");
}

static void show_device(const json_t *device)
{
    static const char *const keys[] = {"device",    "transport",   "interface", "build",
                                       "functions", "window",      "max_frame", "connections",
                                       "mac",       "capabilities"};
    struct table table;
    char text[256];
    const char *name;
    json_t *size;
    size_t row = 1;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *value = json_object_get(device, keys[i]);
        value_text(value, text, sizeof(text));
        if (strcmp(keys[i], "build") == 0)
            snprintf(text, sizeof(text), "0x%08llx", num(device, keys[i]));
        if (value)
            printf("%-13s %s\n", keys[i], text);
    }
    table_begin(&table, 3);
    table_cell(&table, 0, 0, "TABLE");
    table_cell(&table, 0, 1, "USED");
    table_cell(&table, 0, 2, "ROWS");
    table_numbers(&table, 1);
    table_numbers(&table, 2);
    putchar('\n');
    json_object_foreach (json_object_get(device, "tables"), name, size) {
        table_cell(&table, row, 0, "%s", name);
        table_cell(&table, row, 1, "%lld", num(size, "used"));
        table_cell(&table, row++, 2, "%lld", num(size, "rows"));
    }
    table_print(&table, "");
}

static void show_devices(const json_t *list)
{
    const json_t *item;
    size_t i;
    json_array_foreach (list, i, item) {
        printf("%s  %s %s%s%s%s\n", str(item, "name"), str(item, "vendor"), str(item, "device"),
               *str(item, "driver") ? ", driver " : "", str(item, "driver"),
               json_is_true(json_object_get(item, "usable")) ? "" : " (not usable)");
        if (*str(item, "problem"))
            printf("    %s\n", str(item, "problem"));
    }
    if (json_array_size(list) == 0)
        printf("no cards\n");
}

/* ---- differences ---- */

/* Is the key part of the name that stands before the fields? */
static bool is_name(const struct object *object, const char *key)
{
    if (!object || !object->identity)
        return false;
    return strcmp(key, object->identity) == 0 ||
           (strcmp(object->name, "address") == 0 && strcmp(key, "vlan") == 0);
}

static void show_fields(const json_t *entry, bool changed)
{
    const char *key;
    json_t *value;
    bool first = true;
    char old[256], new[256];

    const struct object *object = find_object(str(entry, "object"));

    json_object_foreach (json_object_get(entry, "fields"), key, value) {
        if (!changed && is_name(object, key))
            continue;
        if (changed) {
            value_text(json_array_get(value, 0), old, sizeof(old));
            value_text(json_array_get(value, 1), new, sizeof(new));
            printf("%s %s %s -> %s", first ? ":" : ",", key, old, new);
        } else {
            value_text(value, new, sizeof(new));
            printf("%s %s %s", first ? ":" : ",", key, new);
        }
        first = false;
    }
}

static void show_objects(const json_t *objects)
{
    const json_t *entry;
    size_t i;
    json_array_foreach (objects, i, entry) {
        bool changed = strcmp(str(entry, "op"), "change") == 0;
        printf("%s %s",
               changed                                ? "~"
               : strcmp(str(entry, "op"), "add") == 0 ? "+"
                                                      : "-",
               str(entry, "object"));
        if (find_object(str(entry, "object")) && find_object(str(entry, "object"))->identity)
            printf(" %s", str(entry, "name"));
        if (strcmp(str(entry, "op"), "remove") != 0)
            show_fields(entry, changed);
        putchar('\n');
    }
}

static void show_warnings(const json_t *answer)
{
    const json_t *warning;
    size_t i;
    json_array_foreach (json_object_get(answer, "warnings"), i, warning)
        fprintf(stderr, "portcam: warning: %s\n", json_string_value(warning));
}

static void show_diff(const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "rows"), *row;
    long long ended = num(answer, "ended");
    size_t i, n = json_array_size(rows);
    bool dry_run = json_is_true(json_object_get(answer, "dry_run"));

    show_objects(json_object_get(answer, "objects"));
    if (dry_run) {
        json_array_foreach (rows, i, row)
            printf("  %s row %lld of %s%s%s\n", str(row, "op"), num(row, "row"), str(row, "table"),
                   *str(row, "object") ? ", " : "", str(row, "object"));
    }
    if (n == 0 && json_array_size(json_object_get(answer, "objects")) == 0)
        printf("nothing to change\n");
    else
        printf("%lld %s %s\n", COUNTED(n, "row"), dry_run ? "would change" : "changed");
    if (ended)
        printf("%lld %s %s\n", COUNTED(ended, "connection"), dry_run ? "would end" : "ended");
    show_warnings(answer);
}

/* ---- the rest ---- */

static void show_checks(const json_t *answer)
{
    const json_t *check;
    size_t i;
    json_array_foreach (json_object_get(answer, "checks"), i, check)
        printf("%-7s %-10s %s\n", json_is_true(json_object_get(check, "ok")) ? "ok" : "FAILED",
               str(check, "check"), str(check, "text"));
}

static void show_stats(const json_t *answer)
{
    static const struct {
        const char *list, *title, *key;
    } lists[] = {{"reasons", "REASON", "reason"}, {"functions", "FUNCTION", "function"},
                 {"domains", "DOMAIN", "name"},   {"addresses", "ADDRESS", "address"},
                 {"services", "SERVICE", "name"}, {"backends", "BACKEND", "name"}};
    const json_t *connections = json_object_get(answer, "connections");
    char text[160];
    bool any = false;

    if (num(connections, "new") || num(connections, "records") ||
        json_object_get(answer, "seconds")) {
        value_text(json_object_get(connections, "new"), text, sizeof(text));
        printf("connections: %s new%s, %lld %s, %lld of them embryonic, %lld slots\n", text,
               json_object_get(answer, "seconds") ? " a second" : "",
               COUNTED(num(connections, "records"), "record"), num(connections, "embryonic"),
               num(connections, "slots"));
        any = true;
    }
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        const json_t *list = json_object_get(answer, lists[l].list), *item;
        struct table table;
        size_t at[COUNTERS], row, n = counter_columns(list, at);
        if (json_array_size(list) == 0)
            continue;
        if (any)
            putchar('\n');
        any = true;
        table_begin(&table, 1 + (n ? n : 3));
        table_cell(&table, 0, 0, "%s", lists[l].title);
        for (size_t k = 0; k < n; k++) {
            table_numbers(&table, 1 + k);
            table_cell(&table, 0, 1 + k, "%s", Counters[at[k]].header);
        }
        if (n == 0) {
            table_numbers(&table, 1);
            table_numbers(&table, 2);
            table_cell(&table, 0, 1, "PACKETS");
            table_cell(&table, 0, 2, "OCTETS");
            table_cell(&table, 0, 3, "FATE");
        }
        json_array_foreach (list, row, item) {
            value_text(json_object_get(item, lists[l].key), text, sizeof(text));
            table_cell(&table, row + 1, 0, "%s", text);
            counter_cells(&table, row + 1, 1, item, at, n);
            if (n)
                continue;
            value_text(json_object_get(item, "packets"), text, sizeof(text));
            table_cell(&table, row + 1, 1, "%s", text);
            value_text(json_object_get(item, "octets"), text, sizeof(text));
            table_cell(&table, row + 1, 2, "%s", text);
            table_cell(&table, row + 1, 3, "%s", str(item, "fate"));
        }
        table_print(&table, "");
    }
    if (!any)
        printf("all counters are 0; --all lists them\n");
}

static void show_steps(const json_t *packet)
{
    const json_t *step;
    size_t k;

    json_array_foreach (json_object_get(packet, "steps"), k, step) {
        printf("%-4s %s", str(step, "rule"), str(step, "text"));
        if (json_object_get(step, "table"))
            printf("  [%s row %lld%s%s]", str(step, "table"), num(step, "row"),
                   *str(step, "object") ? ", " : "", str(step, "object"));
        putchar('\n');
    }
    printf("verdict: %s (%s)\n", str(packet, "verdict"), str(packet, "reason"));
}

static void show_packets(const json_t *packets)
{
    const json_t *packet;
    size_t i;

    json_array_foreach (packets, i, packet) {
        const json_t *slow = json_object_get(packet, "slow_path");
        if (json_array_size(packets) > 1)
            printf("%spacket %zu\n", i ? "\n" : "", i + 1);
        show_steps(packet);
        if (slow) {
            printf("slow path:\n");
            show_steps(slow);
        }
    }
}

static void show_deleted(const json_t *answer)
{
    render_connection_header();
    render_connection(json_object_get(answer, "connection"));
    printf("1 connection %s\n",
           json_is_true(json_object_get(answer, "dry_run")) ? "would end" : "ended");
}

void render(const struct command *command, const json_t *answer)
{
    const struct object *object = find_object(command->object);
    const char *verb = command->verb ? command->verb : "";

    if (strcmp(command->object, "device") == 0 && strcmp(verb, "show") == 0)
        show_device(json_array_get(json_object_get(answer, "devices"), 0));
    else if (json_object_get(answer, "devices"))
        show_devices(json_object_get(answer, "devices"));
    else if (strcmp(command->object, "stats") == 0)
        show_stats(answer);
    else if (strcmp(command->object, "connection") == 0 && strcmp(verb, "delete") == 0)
        show_deleted(answer);
    else if (strcmp(command->object, "connection") == 0)
        render_whole_connection(json_object_get(answer, "connection"));
    else if (strcmp(command->object, "mirror") == 0)
        render_mirror(answer);
    else if (json_object_get(answer, "checks"))
        show_checks(answer);
    else if (json_object_get(answer, "reasons") && json_object_get(answer, "connections_known"))
        render_slow_path(answer);
    else if (json_object_get(answer, "packets"))
        show_packets(json_object_get(answer, "packets"));
    else if (json_object_get(answer, "rows"))
        show_diff(answer);
    else if (strcmp(verb, "show") == 0 && object->n_keys)
        show_list(object, json_object_get(answer, command->json));
    else if (json_object_get(answer, "reset"))
        printf("%s\n", json_is_true(json_object_get(answer, "reset")) ? "the card was reset"
                                                                      : "the card would be reset");
    else if (json_object_get(answer, "ok"))
        printf("ok\n");
    if (json_object_get(answer, "ok"))
        show_warnings(answer);
}

void render_event(const json_t *event)
{
    char when[32] = "";
    time_t seconds = (time_t)num(event, "time");
    struct tm tm;

    if (localtime_r(&seconds, &tm))
        strftime(when, sizeof(when), "%H:%M:%S", &tm);
    if (strcmp(str(event, "event"), "connection") == 0) {
        printf("%s ", when);
        render_change(event);
        return;
    }
    printf("%s %s%s%s\n", when, str(event, "event"), *str(event, "text") ? ": " : "",
           str(event, "text"));
    show_objects(json_object_get(event, "objects"));
    fflush(stdout);
}

void render_error(const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error"), *message;
    const json_t *messages = json_object_get(error, "messages");
    size_t i;

    json_array_foreach (messages, i, message)
        fprintf(stderr, "portcam: %s%s\n",
                strcmp(str(message, "code"), "warning") == 0 ? "warning: " : "",
                str(message, "text"));
    if (json_array_size(messages) == 0)
        fprintf(stderr, "portcam: %s\n", str(error, "msg"));
    if (json_object_get(error, "more"))
        fprintf(stderr, "portcam: and %lld more\n", num(error, "more"));
    if (*str(error, "hint"))
        fprintf(stderr, "portcam: hint: %s\n", str(error, "hint"));
}
