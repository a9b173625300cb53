// SPDX-License-Identifier: Apache-2.0
/* What a change is about: objects, rows, warnings. */
#include <stdio.h>
#include <string.h>

#include "render.h"
#include "render_words.h"

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

void render_objects(const json_t *objects)
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

void render_warnings(const json_t *answer)
{
    const json_t *warning;
    size_t i;
    json_array_foreach (json_object_get(answer, "warnings"), i, warning)
        fprintf(stderr, "portcam: warning: %s\n", json_string_value(warning));
}

void render_diff(const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "rows"), *row;
    long long ended = num(answer, "ended");
    size_t i, n = json_array_size(rows);
    bool dry_run = json_is_true(json_object_get(answer, "dry_run"));

    render_objects(json_object_get(answer, "objects"));
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
    render_warnings(answer);
}
