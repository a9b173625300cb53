// SPDX-License-Identifier: Apache-2.0
/* What the parts of the `portcam` command share: its options, its way to the card, and how it fails. */
#ifndef PC_CLI_H
#define PC_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "client.h"
#include "commands.h"
#include "portcam/portcam.h"

enum {
    EXIT_OK = 0,
    EXIT_USAGE = 1,
    EXIT_REFUSED = 2,
    EXIT_PARTIAL = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_SETUP = 5,
    EXIT_TIMEOUT = 124,
};

struct cli {
    bool json, stats, all, rate, dry_run, help, completion;
    const char *socket, *device, *state_dir, *config;
    const char *write; /* file of trace, NULL: none */
    int timeout_ms;
    json_t *filter;  /* of connections, NULL: none */
    bool wait;       /* of backend drain */
    double deadline; /* seconds; below 0: none */
    const struct command *command;
    struct portcam *pc; /* with --device */
    struct client client;
    bool partial; /* a part of the input is missing */
};

/* ---- failing (ask.c) ---- */

/* Exit code of an error answer. */
int exit_code_of(const json_t *answer);
/* Prints an error answer and gives its exit code; takes the answer. */
int fail_with(const struct cli *cli, json_t *answer);
int fail(const struct cli *cli, const char *code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* JSON on standard output, without the id of the request; or on one line. */
void print_json(json_t *value);
void print_line(json_t *value);

/* ---- asking (ask.c); int is an exit code ---- */

int open_device(struct cli *cli);
int open_daemon(struct cli *cli);
/* Takes the request; an answer only where there is no error. */
int ask(struct cli *cli, json_t *request, json_t **ret);
/* The same without a word: where it gives false the answer is the error for fail_with(), NULL without memory. */
bool try_ask(struct cli *cli, json_t *request, json_t **ret);
int connection_failed(struct cli *cli, int rc);
/* Takes args. */
json_t *make_request(const struct cli *cli, json_t *args);

/* ---- files (files.c) ---- */

/* The whole text of a file, "-" standard input, to be freed; NULL with errno. */
char *read_text(const char *file, size_t *ret_len);
/* Text and a newline to a file, whole or not at all; "-" standard output. 0 or -errno. */
int write_text(const char *file, const char *text);

/* ---- commands of their own ---- */

/* The cards of this host: list, bind, unbind (devices.c). */
int devices_command(struct cli *cli, const json_t *args);
/* Connections, a stretch of the card's table after another (connection.c). */
int walk_connections(struct cli *cli);
/* `portcam backend drain`; args has the name (drain.c). */
int drain_backend(struct cli *cli, const json_t *args);
/* Samples of packets until enough came or Ctrl-C (trace.c). Takes nothing. */
int trace_packets(struct cli *cli, json_t *args);
/* Asks for the counters again after a second; *answer then holds what each grew in a second (rate.c). */
int with_rate(struct cli *cli, json_t **answer);

#endif
