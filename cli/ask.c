// SPDX-License-Identifier: Apache-2.0
/*
 * How the `portcam` command asks: portcamd over its socket, or a card that this process opens itself. Either way one
 * request gives one answer, and every failure gives an exit code and an error in the form that the options want.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "file_words.h"
#include "portcam/mirror.h"
#include "portcam/trace.h"
#include "render.h"
#include "request.h"

static int exit_code(const char *code)
{
    static const struct {
        const char *code;
        int exit;
    } codes[] = {{"usage", EXIT_USAGE}, {"not_found", EXIT_NOT_FOUND}, {"permission", EXIT_SETUP},
                 {"setup", EXIT_SETUP}, {"timeout", EXIT_TIMEOUT},     {"partial", EXIT_PARTIAL}};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].exit;
    }
    return EXIT_REFUSED;
}

void print_json(json_t *value)
{
    json_object_del(value, "id");
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
}

void print_line(json_t *value)
{
    json_object_del(value, "id");
    json_dumpf(value, stdout, JSON_COMPACT);
    putchar('\n');
}

int exit_code_of(const json_t *answer)
{
    const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
    return exit_code(code ? code : "");
}

/* What these tell is one line each, errors among them. */
static bool tells_events(const struct command *command)
{
    return strcmp(command->object, "monitor") == 0 || strcmp(command->object, "trace") == 0;
}

int fail_with(const struct cli *cli, json_t *answer)
{
    if (!answer) {
        fprintf(stderr, "portcam: out of memory\n");
        return EXIT_REFUSED;
    }
    int result = exit_code_of(answer);
    if (cli->json && cli->command && tells_events(cli->command))
        print_line(answer);
    else if (cli->json)
        print_json(answer);
    else
        render_error(answer);
    json_decref(answer);
    return result;
}

int fail(const struct cli *cli, const char *code, const char *hint, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail_with(cli, pc_error(code, hint, "%s", text));
}

static void log_line(void *ctx, enum portcam_severity severity, const char *line)
{
    (void)ctx;
    if (severity <= PORTCAM_SEVERITY_WARNING)
        fprintf(stderr, "portcam: %s\n", line);
}

static int apply_first(struct cli *cli)
{
    struct portcam_report *report = portcam_report_new();
    struct portcam_config *config = NULL;
    size_t len = 0;
    char *text = read_text(cli->config, &len);

    if (!text || !report) {
        portcam_report_free(report);
        return fail(cli, "setup", NULL, "%s cannot be read: %s", cli->config, file_words(errno));
    }
    int rc = portcam_config_parse(text, len, cli->config, report, &config);
    if (rc == 0)
        rc = portcam_config_apply(cli->pc, config, report, NULL);
    int result = rc ? fail_with(cli, pc_error_report(report, rc)) : EXIT_OK;
    portcam_config_free(config);
    portcam_report_free(report);
    free(text);
    return result;
}

int open_device(struct cli *cli)
{
    struct portcam_opts opts = {
        .sz = sizeof(opts), .device = cli->device, .state_dir = cli->state_dir, .log = log_line};
    struct portcam_report *report = portcam_report_new();
    int rc = report ? portcam_open(&opts, report, &cli->pc) : -ENOMEM;
    int result = EXIT_OK;

    if (rc) {
        json_t *answer = pc_error_report(report, rc);
        json_t *error = json_object_get(answer, "error");
        const char *code = json_string_value(json_object_get(error, "code"));
        if (code && strcmp(code, "permission") != 0)
            json_object_set_new(error, "code", json_string("setup"));
        result = fail_with(cli, answer);
    }
    portcam_report_free(report);
    return result == EXIT_OK && cli->config ? apply_first(cli) : result;
}

int open_daemon(struct cli *cli)
{
    int rc = client_open(&cli->client, cli->socket);
    switch (rc) {
    case 0:
        return EXIT_OK;
    case -EACCES:
    case -EPERM:
        return fail(cli, "permission", "root and members of group portcam may",
                    "%s: you may not talk to portcamd", cli->socket);
    case -ENOENT:
    case -ECONNREFUSED:
        return fail(cli, "setup", "systemctl start portcamd, or give --device",
                    "%s: portcamd does not run", cli->socket);
    default:
        return fail(cli, "setup", NULL, "%s: %s", cli->socket, strerror(-rc));
    }
}

static json_t *broken(const struct cli *cli, int rc)
{
    if (rc == -ETIMEDOUT)
        return pc_error("timeout", "give a longer --timeout; the request may still be carried out",
                        "portcamd did not answer within %g second%s", cli->timeout_ms / 1000.0,
                        cli->timeout_ms == 1000 ? "" : "s");
    return pc_error("setup", "journalctl -u portcamd tells why",
                    "the connection to portcamd broke: %s", strerror(-rc));
}

int connection_failed(struct cli *cli, int rc)
{
    return fail_with(cli, broken(cli, rc));
}

/* One line to the daemon, one from it; takes the request. */
static json_t *exchange(struct cli *cli, json_t *request)
{
    char *line = NULL, *text = json_dumps(request, JSON_COMPACT);

    json_decref(request);
    if (text && strlen(text) >= PC_REQUEST_MAX) {
        free(text);
        return pc_error("refused", "portcamd --config FILE takes longer ones at its start",
                        "the request is longer than %d bytes, the most that portcamd takes",
                        PC_REQUEST_MAX);
    }
    int rc = text ? client_send(&cli->client, text, cli->timeout_ms) : -ENOMEM;
    free(text);
    /* A daemon that refuses says why before it closes. */
    int sent = rc;
    if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET)
        rc = client_receive(&cli->client, cli->timeout_ms, &line);
    if (rc)
        return broken(cli, sent ? sent : rc);
    json_t *answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    free(line);
    return answer ? answer
                  : pc_error("setup", "client and daemon must be of one version",
                             "portcamd answered what is no JSON");
}

bool try_ask(struct cli *cli, json_t *request, json_t **ret)
{
    if (cli->pc) {
        struct pc_effect effect;
        *ret = pc_request(cli->pc, request, NULL, &effect);
        json_decref(effect.objects);
        portcam_watch_free(effect.watch);
        portcam_trace_close(effect.trace);
        json_decref(request);
    } else {
        *ret = exchange(cli, request);
    }
    return *ret && !json_object_get(*ret, "error");
}

int ask(struct cli *cli, json_t *request, json_t **ret)
{
    json_t *answer = NULL;

    if (!try_ask(cli, request, &answer))
        return fail_with(cli, answer);
    *ret = answer;
    return EXIT_OK;
}

json_t *make_request(const struct cli *cli, json_t *args)
{
    const struct command *c = cli->command;
    const char *verb = c->request ? c->request : c->verb;
    return json_pack("{s:i, s:i, s:s, s:s, s:b, s:b, s:o}", "format", PORTCAM_FORMAT, "id", 1,
                     "object", c->object, "verb", verb, "stats", (int)cli->stats, "dry_run",
                     (int)cli->dry_run, "args", args);
}
