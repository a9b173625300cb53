// SPDX-License-Identifier: Apache-2.0
/* Objects and counters as tables. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "render.h"
#include "render_words.h"
#include "table.h"

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

void render_list(const struct object *object, const json_t *list)
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

void render_stats(const json_t *answer)
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
