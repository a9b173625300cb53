// SPDX-License-Identifier: Apache-2.0
/*
 * `portcam connection list`, `count` and `flush`: a stretch of the card's table after another, each a request of its own,
 * so that others are served in between, and each printed before the next is asked for.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "connection.h"
#include "render.h"

/* Takes nothing. The next stretch; *from becomes its successor, or -1. */
static int ask_stretch(struct cli *cli, json_int_t *from, json_t **ret)
{
    json_t *args = json_pack("{s:I, s:b}", "from", *from, "all", (int)cli->all);

    if (cli->filter)
        json_object_set(args, "filter", cli->filter);
    int result = ask(cli, make_request(cli, args), ret);
    if (result == EXIT_OK) {
        const json_t *next = json_object_get(*ret, "next");
        *from = json_is_integer(next) && json_integer_value(next) > *from ? json_integer_value(next)
                                                                          : -1;
    }
    return result;
}

static int count(struct cli *cli)
{
    json_t *states = json_object(), *answer = NULL, *value;
    json_int_t from = 0, total = 0;
    const char *name;
    int result = EXIT_OK;

    while (result == EXIT_OK && from >= 0) {
        result = ask_stretch(cli, &from, &answer);
        if (result)
            break;
        total += json_integer_value(json_object_get(answer, "count"));
        json_object_foreach (json_object_get(answer, "states"), name, value)
            json_object_set_new(states, name,
                                json_integer(json_integer_value(value) +
                                             json_integer_value(json_object_get(states, name))));
        json_decref(answer);
    }
    if (result == EXIT_OK && cli->json) {
        answer = json_pack("{s:i, s:I, s:O}", "format", PORTCAM_FORMAT, "count", total, "states",
                           states);
        print_json(answer);
        json_decref(answer);
    } else if (result == EXIT_OK) {
        json_object_foreach (states, name, value)
            printf("%-15s %lld\n", name, (long long)json_integer_value(value));
        printf("%-15s %lld\n", "all", (long long)total);
    }
    json_decref(states);
    return result;
}

void print_connections(struct cli *cli, const json_t *list, bool first)
{
    const json_t *item;
    size_t i;

    if (first && !cli->json && json_array_size(list))
        render_connection_header();
    json_array_foreach (list, i, item) {
        if (!cli->json) {
            render_connection(item);
            continue;
        }
        printf("%s\n    ", i || !first ? "," : "");
        json_dumpf(item, stdout, JSON_COMPACT);
    }
}

/* JSON is written as it comes: it may be longer than memory. */
static int tell(struct cli *cli, bool ends)
{
    json_int_t from = 0;
    size_t total = 0;
    json_t *answer = NULL;

    int result = ask_stretch(cli, &from, &answer);
    if (result)
        return result;
    if (cli->json)
        printf("{\n  \"format\": %d,\n  \"connections\": [", PORTCAM_FORMAT);
    for (;;) {
        const json_t *list = json_object_get(answer, "connections");
        print_connections(cli, list, total == 0);
        total += json_array_size(list);
        json_decref(answer);
        if (from < 0)
            break;
        result = ask_stretch(cli, &from, &answer);
        if (result)
            return result;
    }
    if (cli->json)
        printf("%s],\n  \"count\": %zu,\n  \"dry_run\": %s\n}\n", total ? "\n  " : "", total,
               cli->dry_run ? "true" : "false");
    else
        printf("%zu connection%s%s\n", total, total == 1 ? "" : "s",
               !ends          ? ""
               : cli->dry_run ? " would end"
                              : " ended");
    return EXIT_OK;
}

int walk_connections(struct cli *cli)
{
    if (strcmp(cli->command->verb, "count") == 0)
        return count(cli);
    return tell(cli, strcmp(cli->command->verb, "flush") == 0);
}

int flush_backend(struct cli *cli, const char *backend, json_t *list)
{
    json_int_t from = 0;

    while (from >= 0) {
        json_t *answer = NULL, *next,
               *request = json_pack("{s:i, s:i, s:s, s:s, s:{s:I, s:{s:s}}}", "format",
                                    PORTCAM_FORMAT, "id", 1, "object", "connection", "verb",
                                    "flush", "args", "from", from, "filter", "backend", backend);
        int result = ask(cli, request, &answer);
        if (result)
            return result;
        json_array_extend(list, json_object_get(answer, "connections"));
        next = json_object_get(answer, "next");
        from = json_is_integer(next) && json_integer_value(next) > from ? json_integer_value(next)
                                                                        : -1;
        json_decref(answer);
    }
    return EXIT_OK;
}
