// SPDX-License-Identifier: Apache-2.0
/*
 * `portcam backend drain`: weight 0, then patience, then an end, and a receipt. Nothing but the weight is kept anywhere: when
 * this program is interrupted the backend goes on without new connections.
 */
#include <stdio.h>
#include <time.h>

#include "cli.h"
#include "connection.h"
#include "render.h"

enum { LOOK_MS = 500, FLUSHES = 4 };

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void sleep_ms(double ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)((long long)ms % 1000 * 1000000)};
    nanosleep(&t, NULL);
}

/* The backend as `backend show` tells it. An exit code. */
static int look(struct cli *cli, const char *name, json_t **ret)
{
    json_t *answer = NULL;
    json_t *request = json_pack("{s:i, s:i, s:s, s:s, s:{s:s}}", "format", PORTCAM_FORMAT, "id", 1,
                                "object", "backend", "verb", "show", "args", "name", name);
    int result = ask(cli, request, &answer);
    if (result == EXIT_OK)
        *ret = json_incref(json_array_get(json_object_get(answer, "backends"), 0));
    json_decref(answer);
    return result;
}

static int records(struct cli *cli, const char *name, json_int_t *ret)
{
    json_t *backend = NULL;
    int result = look(cli, name, &backend);
    if (result == EXIT_OK)
        *ret = json_integer_value(json_object_get(backend, "records"));
    json_decref(backend);
    return result;
}

static int set_weight(struct cli *cli, const char *name)
{
    json_t *answer = NULL;
    int result =
        ask(cli, make_request(cli, json_pack("{s:s, s:i}", "name", name, "weight", 0)), &answer);
    json_decref(answer);
    return result;
}

/* As records(), of a backend that nobody took back into service. */
static int records_of_drained(struct cli *cli, const char *name, json_int_t *ret)
{
    json_t *backend = NULL;
    int result = look(cli, name, &backend);

    if (result == EXIT_OK) {
        const json_t *weight = json_object_get(backend, "weight");
        *ret = json_integer_value(json_object_get(backend, "records"));
        if (!weight || json_integer_value(weight) != 0)
            result = fail(cli, "changed", NULL,
                          "backend %s was given another weight than 0 meanwhile; none of its "
                          "connections were ended",
                          name);
    }
    json_decref(backend);
    return result;
}

/* Until there are none, or the deadline. */
static int wait_for_end(struct cli *cli, const char *name, const struct timespec *start,
                        json_int_t *left)
{
    int result = records_of_drained(cli, name, left);

    while (result == EXIT_OK && *left > 0) {
        double rest = cli->deadline < 0 ? LOOK_MS : (cli->deadline - seconds_since(start)) * 1000;
        if (rest <= 0)
            break;
        sleep_ms(rest < LOOK_MS ? rest : LOOK_MS);
        result = records_of_drained(cli, name, left);
    }
    return result;
}

static void print_receipt(struct cli *cli, const char *name, json_t *receipt)
{
    json_t *ended = json_object_get(receipt, "ended");
    size_t n = json_array_size(ended);
    long long left = (long long)json_integer_value(json_object_get(receipt, "left")),
              had = (long long)json_integer_value(json_object_get(receipt, "records")),
              by_themselves =
                  (long long)json_integer_value(json_object_get(receipt, "ended_by_themselves"));

    if (cli->json) {
        print_json(receipt);
        return;
    }
    print_connections(cli, ended, true);
    if (cli->dry_run)
        printf("backend %s would get weight 0; it has %lld connection%s\n", name, had,
               had == 1 ? "" : "s");
    else
        printf("backend %s %s: of %lld connection%s %lld ended by %s, %zu %s ended, %lld %s\n",
               name, left ? "drains" : "drained", had, had == 1 ? "" : "s", by_themselves,
               by_themselves == 1 ? "itself" : "themselves", n, n == 1 ? "was" : "were", left,
               left == 1 ? "is left" : "are left");
}

/* Takes what it is given of `receipt`. */
static int drain(struct cli *cli, const char *name, json_t *receipt)
{
    json_int_t had = 0, left = 0;
    json_t *ended = json_object_get(receipt, "ended");
    struct timespec start;

    clock_gettime(CLOCK_MONOTONIC, &start);
    int result = set_weight(cli, name);
    if (result == EXIT_OK)
        result = records(cli, name, &had);
    left = had;
    if (result == EXIT_OK && cli->wait && !cli->dry_run)
        result = wait_for_end(cli, name, &start, &left);
    /* The card moves records; one that was missed is found the next time. */
    for (unsigned i = 0; result == EXIT_OK && left > 0 && i < FLUSHES; i++) {
        if (cli->deadline < 0 || cli->dry_run)
            break;
        result = flush_backend(cli, name, ended);
        if (result == EXIT_OK)
            result = records(cli, name, &left);
    }
    if (result && !cli->json)
        print_connections(cli, ended, true); /* what was ended before it failed */
    if (result)
        return result;
    json_int_t by_themselves = had - left - (json_int_t)json_array_size(ended);
    json_object_set_new(receipt, "records", json_integer(had));
    json_object_set_new(receipt, "ended_by_themselves",
                        json_integer(by_themselves > 0 ? by_themselves : 0));
    json_object_set_new(receipt, "left", json_integer(left));
    json_object_set_new(receipt, "seconds", json_real(seconds_since(&start)));
    print_receipt(cli, name, receipt);
    return EXIT_OK;
}

int drain_backend(struct cli *cli, const json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "name"));
    json_t *backend = NULL;

    int result = look(cli, name, &backend);
    if (result)
        return result;
    const json_t *weight = json_object_get(backend, "weight");
    json_t *receipt = json_pack("{s:i, s:s, s:I, s:b, s:[]}", "format", PORTCAM_FORMAT, "backend",
                                name, "weight_before", weight ? json_integer_value(weight) : 1,
                                "dry_run", (int)cli->dry_run, "ended");
    json_decref(backend);
    result = receipt ? drain(cli, name, receipt) : EXIT_REFUSED;
    json_decref(receipt);
    return result;
}
