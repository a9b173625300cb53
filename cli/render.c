// SPDX-License-Identifier: Apache-2.0
/* See render.h. */
#include "render.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "render_words.h"
#include "table.h"

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

static void show_checks(const json_t *answer)
{
    const json_t *check;
    size_t i;
    json_array_foreach (json_object_get(answer, "checks"), i, check)
        printf("%-7s %-10s %s\n", json_is_true(json_object_get(check, "ok")) ? "ok" : "FAILED",
               str(check, "check"), str(check, "text"));
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
        render_stats(answer);
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
        render_diff(answer);
    else if (strcmp(verb, "show") == 0 && object->n_keys)
        render_list(object, json_object_get(answer, command->json));
    else if (json_object_get(answer, "reset"))
        printf("%s\n", json_is_true(json_object_get(answer, "reset")) ? "the card was reset"
                                                                      : "the card would be reset");
    else if (json_object_get(answer, "ok"))
        printf("ok\n");
    if (json_object_get(answer, "ok"))
        render_warnings(answer);
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
    render_objects(json_object_get(event, "objects"));
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
