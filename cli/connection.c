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
#include "request.h"

/*
 * The next stretch; *from becomes its successor, or -1. What ended before the card failed comes as a stretch that ends where
 * it began. False: *ret is the error.
 */
static bool ask_stretch(struct cli *cli, json_t *request, json_int_t *from, json_t **ret)
{
    bool good = try_ask(cli, request, ret);

    if (good) {
        const json_t *next = json_object_get(*ret, "next");
        json_int_t slot = json_is_integer(next) ? json_integer_value(next) : -1;
        bool any = json_array_size(json_object_get(*ret, "connections")) > 0;
        *from = slot > *from || (slot == *from && any) ? slot : -1;
    }
    return good;
}

static json_t *stretch_request(struct cli *cli, json_int_t from)
{
    json_t *args = json_pack("{s:I, s:b}", "from", from, "all", (int)cli->all);

    if (cli->filter)
        json_object_set(args, "filter", cli->filter);
    return make_request(cli, args);
}

static int count(struct cli *cli)
{
    json_t *states = json_object(), *answer = NULL, *value;
    json_int_t from = 0, total = 0;
    const char *name;

    while (from >= 0) {
        if (!ask_stretch(cli, stretch_request(cli, from), &from, &answer)) {
            json_decref(states);
            return fail_with(cli, answer);
        }
        total += json_integer_value(json_object_get(answer, "count"));
        json_object_foreach (json_object_get(answer, "states"), name, value)
            json_object_set_new(states, name,
                                json_integer(json_integer_value(value) +
                                             json_integer_value(json_object_get(states, name))));
        json_decref(answer);
    }
    if (cli->json) {
        answer = json_pack("{s:i, s:I, s:O}", "format", PORTCAM_FORMAT, "count", total, "states",
                           states);
        print_json(answer);
        json_decref(answer);
    } else {
        json_object_foreach (states, name, value)
            printf("%-15s %lld\n", name, (long long)json_integer_value(value));
        printf("%-15s %lld\n", "all", (long long)total);
    }
    json_decref(states);
    return EXIT_OK;
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

/* Closes what tell() began; takes the error, NULL: there was none. An exit code. */
static int tell_end(struct cli *cli, bool ends, size_t total, json_t *error)
{
    int result = error ? exit_code_of(error) : EXIT_OK;

    if (cli->json) {
        printf("%s],\n  \"count\": %zu,\n  \"dry_run\": %s", total ? "\n  " : "", total,
               cli->dry_run ? "true" : "false");
        if (error) {
            printf(",\n  \"error\": ");
            json_dumpf(json_object_get(error, "error"), stdout, JSON_COMPACT);
        }
        printf("\n}\n");
        json_decref(error);
        return result;
    }
    printf("%lld %s%s%s\n", COUNTED(total, "connection"),
           !ends          ? ""
           : cli->dry_run ? " would end"
                          : " ended",
           error ? ", and then it failed" : "");
    fflush(stdout);
    return error ? fail_with(cli, error) : EXIT_OK;
}

/* JSON is written as it comes: it may be longer than memory. */
static int tell(struct cli *cli, bool ends)
{
    json_int_t from = 0;
    size_t total = 0;
    json_t *answer = NULL;

    if (!ask_stretch(cli, stretch_request(cli, 0), &from, &answer))
        return fail_with(cli, answer);
    if (cli->json)
        printf("{\n  \"format\": %d,\n  \"connections\": [", PORTCAM_FORMAT);
    for (;;) {
        const json_t *list = json_object_get(answer, "connections");
        print_connections(cli, list, total == 0);
        total += json_array_size(list);
        json_decref(answer);
        if (from < 0)
            return tell_end(cli, ends, total, NULL);
        if (!ask_stretch(cli, stretch_request(cli, from), &from, &answer))
            return tell_end(cli, ends, total,
                            answer ? answer : pc_error("refused", NULL, "out of memory"));
    }
}

int walk_connections(struct cli *cli)
{
    if (strcmp(cli->command->verb, "count") == 0)
        return count(cli);
    return tell(cli, strcmp(cli->command->verb, "flush") == 0);
}

bool flush_backend(struct cli *cli, const char *backend, json_t *list, json_t **ret_error)
{
    json_int_t from = 0;

    while (from >= 0) {
        json_t *answer = NULL,
               *request = json_pack("{s:i, s:i, s:s, s:s, s:b, s:{s:I, s:{s:s}}}", "format",
                                    PORTCAM_FORMAT, "id", 1, "object", "connection", "verb",
                                    "flush", "dry_run", (int)cli->dry_run, "args", "from", from,
                                    "filter", "backend", backend);
        if (!ask_stretch(cli, request, &from, &answer)) {
            *ret_error = answer;
            return false;
        }
        json_array_extend(list, json_object_get(answer, "connections"));
        json_decref(answer);
    }
    return true;
}
