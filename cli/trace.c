// SPDX-License-Identifier: Apache-2.0
/*
 * `portcam trace`: portcamd sends a line of each sample until it has sent as many as were asked for, or until Ctrl-C asks it
 * to stop; then one about all of them. Here they become text, JSON or a capture file.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "file_words.h"
#include "pcap.h"
#include "render.h"

enum { LOOK_MS = 200 /* how soon Ctrl-C is heard */ };

static volatile sig_atomic_t Asked; /* to end */

static void on_signal(int number)
{
    (void)number;
    Asked = 1;
}

/* The second one ends the program at once. */
static void hear_endings(void)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

struct tracing {
    struct cli *cli;
    FILE *file; /* NULL: none */
    bool asked; /* portcamd was asked to stop */
};

static int cannot_write(const struct tracing *t)
{
    return fail(t->cli, "refused", NULL, "%s cannot be written: %s", t->cli->write,
                file_words(errno));
}

static int take_packet(const struct tracing *t, const json_t *packet, const char *line)
{
    if (t->file && (pcap_write_packet(t->file, packet) || fflush(t->file)))
        return cannot_write(t);
    if (t->cli->json)
        printf("%s\n", line);
    else if (!t->file)
        render_trace(packet);
    fflush(stdout);
    return EXIT_OK;
}

static int take_end(const struct tracing *t, const json_t *end, const char *line)
{
    const char *text = json_string_value(json_object_get(end, "text"));

    if (t->cli->json)
        printf("%s\n", line);
    else
        render_trace_end(end);
    if (text)
        return fail(t->cli, "setup", NULL, "the trace ended: %s", text);
    return EXIT_OK;
}

/* -1: go on; else an exit code. */
static int take_line(const struct tracing *t, const char *line)
{
    json_t *value = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(value, "event"));
    int result = -1;

    if (event && strcmp(event, "packet") == 0) {
        result = take_packet(t, value, line);
        result = result == EXIT_OK && !ferror(stdout) ? -1 : result;
    } else if (event && strcmp(event, "trace_end") == 0) {
        result = take_end(t, value, line);
    }
    json_decref(value);
    return result;
}

/* Once: the samples that are there, and the end, are still to come. */
static int ask_to_stop(struct tracing *t)
{
    static const char request[] = "{\"format\": 1, \"object\": \"trace\", \"verb\": \"stop\"}";

    _Static_assert(PORTCAM_FORMAT == 1, "as the request says");
    t->asked = true;
    return client_send(&t->cli->client, request, t->cli->timeout_ms);
}

static int follow(struct tracing *t)
{
    int result = -1, waited_ms = 0;

    while (result < 0) {
        char *line = NULL;
        int rc = client_receive(&t->cli->client, LOOK_MS, &line);
        if (rc == -ETIMEDOUT && t->asked && (waited_ms += LOOK_MS) < t->cli->timeout_ms)
            rc = 0;
        else if (rc == -ETIMEDOUT && !t->asked)
            rc = 0;
        if (rc == 0 && Asked && !t->asked)
            rc = ask_to_stop(t);
        if (rc == -EPIPE || rc == -ECONNRESET)
            result = fail(t->cli, "setup", "journalctl -u portcamd tells why",
                          "portcamd ended, and the trace with it");
        else if (rc)
            result = connection_failed(t->cli, rc);
        else if (line)
            result = take_line(t, line);
        free(line);
    }
    return result;
}

static int open_file(struct tracing *t)
{
    const char *name = t->cli->write;

    if (!name)
        return EXIT_OK;
    t->file = strcmp(name, "-") == 0 ? stdout : fopen(name, "wb");
    if (!t->file || pcap_write_header(t->file) || fflush(t->file))
        return cannot_write(t);
    return EXIT_OK;
}

static void tell_begin(const struct cli *cli, json_t *answer)
{
    if (cli->json)
        print_line(answer);
    else
        fprintf(stderr, "portcam: tracing%s%s, at most %lld %s a second; Ctrl-C ends it\n",
                cli->write ? " to " : "", cli->write ? cli->write : "",
                COUNTED(json_integer_value(json_object_get(answer, "rate")), "packet"));
    fflush(stdout);
}

int trace_packets(struct cli *cli, json_t *args)
{
    struct tracing t = {.cli = cli};
    json_t *answer = NULL;
    int result;

    hear_endings();
    result = ask(cli, make_request(cli, json_incref(args)), &answer);
    if (result == EXIT_OK) /* a trace that is refused leaves the file as it was */
        result = open_file(&t);
    if (result == EXIT_OK) {
        tell_begin(cli, answer);
        result = follow(&t);
    }
    if (t.file && t.file != stdout && fclose(t.file) && result == EXIT_OK)
        result = cannot_write(&t);
    json_decref(answer);
    return result;
}
