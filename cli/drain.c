// SPDX-License-Identifier: Apache-2.0
/*
 * `portcam backend drain`: weight 0, then patience, then an end, and a receipt. Nothing but the weight is kept anywhere: when
 * this program is interrupted the backend goes on without new connections. When it fails on the way the receipt has the error.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "connection.h"
#include "render.h"
#include "request.h"

enum { LOOK_MS = 500, FLUSHES = 4 };

struct drain {
    struct cli *cli;
    const char *name;
    json_t *ended, *warnings; /* connections; sentences */
    bool is_static;           /* a service sends all its packets there, whatever the weight */
    json_int_t had, left;     /* records; left below 0: not known */
    json_t *error;
};

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

/* What all below have in common: false where it fails, and d->error says why. Takes the request. */
static bool request(struct drain *d, json_t *request, json_t **ret)
{
    json_t *answer = NULL;
    bool good = try_ask(d->cli, request, &answer);

    *(good ? ret : &d->error) = answer;
    return good;
}

/* The backend as `backend show` tells it. */
static bool look(struct drain *d, json_t **ret)
{
    json_t *answer = NULL;
    bool good = request(d,
                        json_pack("{s:i, s:i, s:s, s:s, s:{s:s}}", "format", PORTCAM_FORMAT, "id",
                                  1, "object", "backend", "verb", "show", "args", "name", d->name),
                        &answer);
    if (good)
        *ret = json_incref(json_array_get(json_object_get(answer, "backends"), 0));
    json_decref(answer);
    return good;
}

static bool count(struct drain *d, json_int_t *ret)
{
    json_t *backend = NULL;
    bool good = look(d, &backend);

    if (good)
        *ret = json_integer_value(json_object_get(backend, "records"));
    json_decref(backend);
    return good;
}

static bool names(const json_t *list, const char *name)
{
    const json_t *item;
    size_t i;

    json_array_foreach (list, i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
            return true;
    }
    return false;
}

static bool find_statics(struct drain *d)
{
    json_t *answer = NULL;
    const json_t *service;
    size_t i;

    bool good = request(d,
                        json_pack("{s:i, s:i, s:s, s:s}", "format", PORTCAM_FORMAT, "id", 1,
                                  "object", "service", "verb", "show"),
                        &answer);
    json_array_foreach (json_object_get(answer, "services"), i, service) {
        const char *mode = json_string_value(json_object_get(service, "mode"));
        if (!mode || strcmp(mode, "stateful") == 0 ||
            !names(json_object_get(service, "backends"), d->name))
            continue;
        d->is_static = true;
        json_array_append_new(
            d->warnings,
            json_sprintf("service \"%s\" is not stateful: its packets go to %s at any "
                         "weight; give it another backend",
                         json_string_value(json_object_get(service, "name")), d->name));
    }
    json_decref(answer);
    return good;
}

static bool set_weight(struct drain *d)
{
    json_t *answer = NULL;
    bool good = request(
        d, make_request(d->cli, json_pack("{s:s, s:i}", "name", d->name, "weight", 0)), &answer);

    if (good)
        json_array_extend(d->warnings, json_object_get(answer, "warnings"));
    json_decref(answer);
    return good;
}

/* As count(), of a backend that nobody took back into service. */
static bool count_of_drained(struct drain *d)
{
    json_t *backend = NULL;
    bool good = look(d, &backend);

    if (good) {
        const json_t *weight = json_object_get(backend, "weight");
        d->left = json_integer_value(json_object_get(backend, "records"));
        good = weight && json_integer_value(weight) == 0;
        if (!good)
            d->error = pc_error("changed", NULL,
                                "backend %s was given another weight than 0 meanwhile; none of its "
                                "connections were ended",
                                d->name);
    }
    json_decref(backend);
    return good;
}

/* Until there are none, or the deadline. */
static bool wait_for_end(struct drain *d, const struct timespec *start)
{
    const struct cli *cli = d->cli;
    bool good = count_of_drained(d);

    while (good && d->left > 0) {
        double rest = cli->deadline < 0 ? LOOK_MS : (cli->deadline - seconds_since(start)) * 1000;
        if (rest <= 0)
            break;
        sleep_ms(rest < LOOK_MS ? rest : LOOK_MS);
        good = count_of_drained(d);
    }
    return good;
}

/* The card moves records; one that was missed is found the next time. */
static bool end_rest(struct drain *d)
{
    bool good = true;

    for (unsigned i = 0; good && d->left > 0 && i < FLUSHES; i++) {
        d->left = -1;
        good = flush_backend(d->cli, d->name, d->ended, &d->error) && count(d, &d->left);
    }
    return good;
}

/* All of it; false where it fails on the way. */
static bool drain(struct drain *d, const struct timespec *start)
{
    const struct cli *cli = d->cli;
    bool good = count(d, &d->had);

    d->left = good ? d->had : -1;
    if (good && cli->wait && !cli->dry_run)
        good = wait_for_end(d, start);
    if (good && cli->deadline >= 0 && cli->dry_run)
        good = flush_backend(d->cli, d->name, d->ended, &d->error); /* which only lists them */
    else if (good && cli->deadline >= 0)
        good = end_rest(d);
    return good;
}

static json_int_t by_themselves(const struct drain *d)
{
    json_int_t n = d->had - d->left - (json_int_t)json_array_size(d->ended);
    return n > 0 && !d->cli->dry_run ? n : 0;
}

static void print_json_receipt(const struct drain *d, json_t *receipt, double seconds)
{
    bool known = d->left >= 0;

    json_object_set_new(receipt, "records", json_integer(d->had));
    json_object_set_new(receipt, "ended_by_themselves",
                        known ? json_integer(by_themselves(d)) : json_null());
    json_object_set_new(receipt, "left", known ? json_integer(d->left) : json_null());
    json_object_set_new(receipt, "seconds", json_real(seconds));
    if (d->error)
        json_object_set(receipt, "error", json_object_get(d->error, "error"));
    print_json(receipt);
}

static void print_dry_run(const struct drain *d)
{
    const struct cli *cli = d->cli;

    printf("backend %s would get weight 0; it has %lld %s", d->name, COUNTED(d->had, "connection"));
    if (cli->deadline > 0 && d->had)
        printf(", and those that are left after %g second%s would be ended", cli->deadline,
               cli->deadline == 1 ? "" : "s");
    else if (cli->deadline == 0 && d->had)
        printf(", which would be ended");
    putchar('\n');
}

static void print_receipt(const struct drain *d)
{
    size_t n = json_array_size(d->ended), i;
    long long alone = (long long)by_themselves(d);
    const json_t *warning;

    print_connections(d->cli, d->ended, true);
    if (d->error)
        printf("backend %s is draining: of %lld %s %zu %s ended, and then it failed\n", d->name,
               COUNTED(d->had, "connection"), n, n == 1 ? "was" : "were");
    else if (d->cli->dry_run)
        print_dry_run(d);
    else
        printf("backend %s %s: of %lld %s %lld ended by %s, %zu %s ended, %lld %s\n", d->name,
               d->left        ? "is draining"
               : d->is_static ? "has weight 0"
                              : "is drained",
               COUNTED(d->had, "connection"), alone, alone == 1 ? "itself" : "themselves", n,
               n == 1 ? "was" : "were", (long long)d->left, d->left == 1 ? "is left" : "are left");
    fflush(stdout);
    json_array_foreach (d->warnings, i, warning)
        fprintf(stderr, "portcam: warning: %s\n", json_string_value(warning));
}

static int drain_known(struct drain *d, const json_t *backend)
{
    const json_t *weight = json_object_get(backend, "weight");
    struct timespec start;
    json_t *receipt =
        json_pack("{s:i, s:s, s:I, s:b, s:O, s:O}", "format", PORTCAM_FORMAT, "backend", d->name,
                  "weight_before", weight ? json_integer_value(weight) : 1, "dry_run",
                  (int)d->cli->dry_run, "ended", d->ended, "warnings", d->warnings);

    clock_gettime(CLOCK_MONOTONIC, &start);
    bool good = drain(d, &start);
    if (d->cli->json)
        print_json_receipt(d, receipt, seconds_since(&start));
    else
        print_receipt(d);
    json_decref(receipt);
    if (!good && !d->cli->json)
        return fail_with(d->cli, json_incref(d->error));
    return good ? EXIT_OK : exit_code_of(d->error);
}

int drain_backend(struct cli *cli, const json_t *args)
{
    struct drain d = {.cli = cli,
                      .name = json_string_value(json_object_get(args, "name")),
                      .ended = json_array(),
                      .warnings = json_array()};
    json_t *backend = NULL;

    int result = look(&d, &backend) && find_statics(&d) && set_weight(&d)
                     ? drain_known(&d, backend)
                     : fail_with(cli, json_incref(d.error));
    json_decref(d.error);
    json_decref(backend);
    json_decref(d.ended);
    json_decref(d.warnings);
    return result;
}
