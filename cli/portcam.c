// SPDX-License-Identifier: Apache-2.0
/*
 * The `portcam` command: options and words become one request, which portcamd answers over its socket, or, with --device,
 * this process by itself. Exit codes are those of portcam(8).
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "client.h"
#include "commands.h"
#include "pcap.h"
#include "portcam_defs.h"
#include "portcam_dev.h"
#include "render.h"
#include "request.h"

enum {
    EXIT_OK = 0,
    EXIT_USAGE = 1,
    EXIT_REFUSED = 2,
    EXIT_PARTIAL = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_SETUP = 5,
    EXIT_TIMEOUT = 124,
};

enum { PCAP_MAX = 2000, RATE_SECONDS = 1 };

struct cli {
    bool json, stats, all, rate, dry_run, help, completion;
    const char *socket, *device, *state_dir, *config;
    int timeout_ms;
    const struct command *command;
    struct portcam *pc; /* with --device */
    struct client client;
    bool partial; /* a part of the input is missing */
};

static int exit_code(const char *code)
{
    static const struct {
        const char *code;
        int exit;
    } codes[] = {{"usage", EXIT_USAGE},       {"not_found", EXIT_NOT_FOUND},
                 {"permission", EXIT_SETUP},  {"setup", EXIT_SETUP},
                 {"timeout", EXIT_TIMEOUT},   {"partial", EXIT_PARTIAL}};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].exit;
    }
    return EXIT_REFUSED;
}

static void print_json(json_t *value)
{
    json_object_del(value, "id");
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
}

/* Prints an error answer and gives its exit code; takes the answer. */
static int fail_with(const struct cli *cli, json_t *answer)
{
    if (!answer) {
        fprintf(stderr, "portcam: out of memory\n");
        return EXIT_REFUSED;
    }
    const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
    int result = exit_code(code ? code : "");
    if (cli->json)
        print_json(answer);
    else
        render_error(answer);
    json_decref(answer);
    return result;
}

static int fail(const struct cli *cli, const char *code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(const struct cli *cli, const char *code, const char *hint, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail_with(cli, pc_error(code, hint, "%s", text));
}

/* ---- files ---- */

/* The whole text of a file or of standard input, or NULL with errno. */
static char *read_text(const char *file, size_t *ret_len)
{
    FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
    char *text = NULL;
    size_t used = 0, room = 0, n = 1;

    while (stream && n > 0) {
        if (room - used < 65536) {
            char *more = realloc(text, room + 262144);
            if (!more)
                break;
            text = more;
            room += 262144;
        }
        n = fread(text + used, 1, room - used, stream);
        used += n;
    }
    bool good = stream && n == 0 && !ferror(stream);
    if (stream && stream != stdin) {
        int kept = errno;
        fclose(stream);
        errno = kept;
    }
    if (!good) {
        free(text);
        return NULL;
    }
    *ret_len = used;
    return text;
}

/* Writes beside the file and renames, so that a reader never sees a half. */
static int write_text(const char *file, const char *text)
{
    char name[4096];
    if (strcmp(file, "-") == 0)
        return puts(text) < 0 ? -errno : 0;
    if (snprintf(name, sizeof(name), "%s.new", file) >= (int)sizeof(name))
        return -ENAMETOOLONG;
    FILE *stream = fopen(name, "wb");
    if (!stream)
        return -errno;
    int rc = fprintf(stream, "%s\n", text) < 0 || fflush(stream) || fsync(fileno(stream)) ? -EIO : 0;
    if (fclose(stream) && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(name, file))
        rc = -errno;
    if (rc)
        unlink(name);
    return rc;
}

/* ---- asking ---- */

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
        return fail(cli, "setup", NULL, "%s: %s", cli->config, strerror(errno));
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

static int open_device(struct cli *cli)
{
    struct portcam_opts opts = {.sz = sizeof(opts),
                                .device = cli->device,
                                .state_dir = cli->state_dir,
                                .log = log_line};
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

static int open_daemon(struct cli *cli)
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

static int connection_failed(struct cli *cli, int rc)
{
    if (rc == -ETIMEDOUT)
        return fail(cli, "timeout", "give a longer --timeout; the request may still be carried out",
                    "portcamd did not answer within %d seconds", cli->timeout_ms / 1000);
    return fail(cli, "setup", "journalctl -u portcamd tells why",
                "the connection to portcamd broke: %s", strerror(-rc));
}

/* An answer without an error, or an exit code. Takes the request. */
static int ask(struct cli *cli, json_t *request, json_t **ret)
{
    json_t *answer = NULL;
    char *line = NULL;
    int rc = 0;

    if (cli->pc) {
        struct pc_effect effect;
        answer = pc_request(cli->pc, request, &effect);
        json_decref(effect.objects);
        json_decref(request);
    } else {
        char *text = json_dumps(request, JSON_COMPACT);
        json_decref(request);
        if (text && strlen(text) >= PC_REQUEST_MAX) {
            free(text);
            return fail(cli, "refused", "split it",
                        "the request is longer than %d bytes, the most that portcamd takes",
                        PC_REQUEST_MAX);
        }
        rc = text ? client_send(&cli->client, text, cli->timeout_ms) : -ENOMEM;
        free(text);
        /* A daemon that refuses says why before it closes. */
        int sent = rc;
        if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET)
            rc = client_receive(&cli->client, cli->timeout_ms, &line);
        if (rc)
            return connection_failed(cli, sent ? sent : rc);
        answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        free(line);
        if (!answer)
            return fail(cli, "setup", "client and daemon must be of one version",
                        "portcamd answered what is no JSON");
    }
    if (!answer || json_object_get(answer, "error"))
        return fail_with(cli, answer);
    *ret = answer;
    return EXIT_OK;
}

static json_t *make_request(const struct cli *cli, json_t *args)
{
    const struct command *c = cli->command;
    const char *verb = c->request ? c->request : c->verb;
    return json_pack("{s:i, s:i, s:s, s:s, s:b, s:b, s:o}", "format", PORTCAM_FORMAT, "id", 1,
                     "object", c->object, "verb", verb, "stats", (int)cli->stats, "dry_run",
                     (int)cli->dry_run, "args", args);
}

/* ---- commands that are more than one question ---- */

static int list_devices(struct cli *cli)
{
    struct portcam_dev_list_opts opts = {.sz = sizeof(opts),
                                         .vendor_id = PORTCAM_PCI_VENDOR,
                                         .device_id = PORTCAM_PCI_DEVICE};
    struct portcam_dev_entry *list = NULL;
    size_t count = 0;
    int rc = portcam_dev_list(&opts, &list, &count);

    if (rc)
        return fail(cli, "setup", NULL, "the cards cannot be listed: %s", portcam_dev_error());
    json_t *devices = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            devices, json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:s}", "name", list[i].open_name,
                               "vendor", list[i].vendor_name, "device", list[i].device_name,
                               "driver", list[i].driver, "iommu_group", list[i].iommu_group,
                               "usable", (int)list[i].usable, "problem", list[i].problem));
    portcam_dev_list_free(list);
    json_t *answer = json_pack("{s:i, s:o}", "format", PORTCAM_FORMAT, "devices", devices);
    if (cli->json)
        print_json(answer);
    else
        render(cli->command, answer);
    json_decref(answer);
    return EXIT_OK;
}

static int follow(struct cli *cli)
{
    for (;;) {
        char *line = NULL;
        int rc = client_receive(&cli->client, -1, &line);
        json_t *event = rc ? NULL : json_loads(line, 0, NULL);
        if (rc == 0 && cli->json)
            printf("%s\n", line);
        else if (event)
            render_event(event);
        fflush(stdout);
        free(line);
        json_decref(event);
        if (rc == -EPIPE)
            return fail(cli, "setup", "it tells of changes again when it runs again",
                        "portcamd ended");
        if (rc)
            return connection_failed(cli, rc);
    }
}

static void rate_of(json_t *now, const json_t *before, double seconds);

/* The entry of the older list that speaks of the same object. */
static const json_t *same_entry(const json_t *list, const json_t *entry)
{
    static const char *const keys[] = {"reason", "function", "name", "address"};
    const json_t *other;
    size_t i;

    json_array_foreach (list, i, other) {
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            const json_t *key = json_object_get(entry, keys[k]);
            if (key && json_equal(key, json_object_get(other, keys[k])))
                return other;
        }
    }
    return NULL;
}

/* Replaces packets and octets, at any depth, by their growth a second. */
static void rate_of(json_t *now, const json_t *before, double seconds)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe (now, next, key, value) {
        const json_t *old = json_object_get(before, key);
        size_t i;
        json_t *entry;
        if (json_is_array(value)) {
            json_array_foreach (value, i, entry)
                rate_of(entry, same_entry(old, entry), seconds);
        } else if (json_is_object(value)) {
            rate_of(value, old, seconds);
        } else if (strcmp(key, "packets") == 0 || strcmp(key, "octets") == 0) {
            json_int_t growth = json_integer_value(value) - json_integer_value(old);
            json_object_set_new(now, key, json_real((double)growth / seconds));
        }
    }
}

static int with_rate(struct cli *cli, json_t **answer)
{
    json_t *second = NULL, *args = json_pack("{s:b}", "all", (int)cli->all);

    sleep(RATE_SECONDS);
    int result = ask(cli, make_request(cli, args), &second);
    if (result)
        return result;
    uint32_t from = (uint32_t)json_integer_value(json_object_get(*answer, "time_ms"));
    uint32_t to = (uint32_t)json_integer_value(json_object_get(second, "time_ms"));
    double seconds = to != from ? (double)(uint32_t)(to - from) / 1000.0 : RATE_SECONDS;
    rate_of(second, *answer, seconds);
    json_object_set_new(second, "seconds", json_real(seconds));
    json_decref(*answer);
    *answer = second;
    return EXIT_OK;
}

/* What `config show` and `config save` do with the configuration. */
static int put_config(struct cli *cli, const json_t *answer, const char *file)
{
    char *text = json_dumps(json_object_get(answer, "config"), JSON_INDENT(2));
    int rc = text ? write_text(file, text) : -ENOMEM;
    free(text);
    return rc ? fail(cli, "refused", NULL, "%s: %s; nothing was written", file, strerror(-rc))
              : EXIT_OK;
}

static int print_answer(struct cli *cli, json_t *answer, const char *file)
{
    bool saves = strcmp(cli->command->object, "config") == 0 &&
                 cli->command->args == ARGS_FILE_OPTIONAL;

    if (saves && file && strcmp(file, "-") != 0) {
        int result = put_config(cli, answer, file);
        if (result || !cli->json)
            return result;
    }
    if (cli->json)
        print_json(answer);
    else if (json_object_get(answer, "config"))
        return put_config(cli, answer, "-");
    else
        render(cli->command, answer);
    const json_t *ok = json_object_get(answer, "ok");
    return cli->partial ? EXIT_PARTIAL : ok && !json_is_true(ok) ? EXIT_REFUSED : EXIT_OK;
}

/* Reads the files that the arguments name. */
static int load_files(struct cli *cli, json_t *args)
{
    char error[256];

    if (cli->command->args == ARGS_FILE) {
        const char *file = json_string_value(json_object_get(args, "file"));
        size_t len = 0;
        char *text = read_text(file, &len);
        if (!text)
            return fail(cli, errno == ENOENT ? "not_found" : "refused", NULL, "%s: %s", file,
                        strerror(errno));
        json_t *value = json_stringn(text, len);
        free(text);
        if (!value)
            return fail(cli, "syntax", NULL, "%s: it is not UTF-8 text", file);
        json_object_set_new(args, "text", value);
        if (strcmp(file, "-") == 0)
            json_object_set_new(args, "file", json_string("input"));
    }
    const char *pcap = json_string_value(json_object_get(args, "pcap"));
    if (pcap) {
        json_t *frames = pcap_read(pcap, PCAP_MAX, &cli->partial, error);
        if (!frames)
            return fail(cli, "refused", NULL, "%s: %s", pcap, error);
        if (cli->partial)
            fprintf(stderr,
                    "portcam: %s: the file is damaged or has more than %d packets; the first %zu are "
                    "explained\n",
                    pcap, PCAP_MAX, json_array_size(frames));
        json_object_set_new(args, "frames", frames);
        json_object_del(args, "pcap");
    }
    return EXIT_OK;
}

/* Takes args. */
static int run(struct cli *cli, json_t *args)
{
    const struct command *c = cli->command;
    json_t *answer = NULL;
    char *file = NULL;
    bool is_monitor = strcmp(c->object, "monitor") == 0;

    if (c->args == ARGS_FILE_OPTIONAL && json_object_get(args, "file"))
        file = strdup(json_string_value(json_object_get(args, "file")));
    if (strcmp(c->object, "stats") == 0)
        json_object_set_new(args, "all", json_boolean(cli->all || cli->rate));
    int result = load_files(cli, args);
    if (result == EXIT_OK && is_monitor && cli->device)
        result = fail(cli, "usage", NULL, "monitor asks portcamd; it does not work with --device");
    if (result == EXIT_OK)
        result = cli->device ? open_device(cli) : open_daemon(cli);
    if (result == EXIT_OK)
        result = ask(cli, make_request(cli, json_incref(args)), &answer);
    if (result == EXIT_OK && is_monitor)
        result = follow(cli);
    if (result == EXIT_OK && cli->rate)
        result = with_rate(cli, &answer);
    if (result == EXIT_OK)
        result = print_answer(cli, answer, file);
    json_decref(answer);
    json_decref(args);
    free(file);
    return result;
}

/* ---- the command line ---- */

static int take_timeout(struct cli *cli, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds > 0) || seconds > 86400)
        return fail(cli, "usage", NULL, "--timeout is \"%s\"; give seconds, more than 0", text);
    cli->timeout_ms = (int)(seconds * 1000);
    return EXIT_OK;
}

static int parse_options(struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {
        {"json", 0, NULL, 'j'},      {"stats", 0, NULL, 's'},  {"all", 0, NULL, 'a'},
        {"rate", 0, NULL, 'r'},      {"dry-run", 0, NULL, 'n'}, {"socket", 1, NULL, 'S'},
        {"device", 1, NULL, 'd'},    {"state-dir", 1, NULL, 'D'}, {"config", 1, NULL, 'c'},
        {"timeout", 1, NULL, 't'},   {"help", 0, NULL, 'h'},   {"version", 0, NULL, 'V'},
        {"completion", 0, NULL, 'C'}, {NULL, 0, NULL, 0}};
    int c, result = EXIT_OK;

    /* -j is looked for first, so that errors of the other options are JSON too. */
    for (int i = 1; i < argc; i++)
        cli->json |= strcmp(argv[i], "-j") == 0 || strcmp(argv[i], "--json") == 0;
    opterr = 0;
    while (result == EXIT_OK && (c = getopt_long(argc, argv, "jsarnS:d:D:c:t:hV", options, NULL)) >= 0) {
        switch (c) {
        case 'j': cli->json = true; break;
        case 's': cli->stats = true; break;
        case 'a': cli->all = true; break;
        case 'r': cli->rate = true; break;
        case 'n': cli->dry_run = true; break;
        case 'S': cli->socket = optarg; break;
        case 'd': cli->device = optarg; break;
        case 'D': cli->state_dir = optarg; break;
        case 'c': cli->config = optarg; break;
        case 't': result = take_timeout(cli, optarg); break;
        case 'h': cli->help = true; break;
        case 'C': cli->completion = true; break;
        case 'V':
            printf("portcam, format %d, interface %u.%u\n", PORTCAM_FORMAT,
                   PORTCAM_INTERFACE_MAJOR, PORTCAM_INTERFACE_MINOR);
            exit(EXIT_OK);
        default:
            result = fail(cli, "usage", "`portcam help` lists all options",
                          "%s is no option, or its value is missing", argv[optind - 1]);
        }
    }
    if (result == EXIT_OK && !cli->device && (cli->state_dir || cli->config))
        result = fail(cli, "usage", NULL, "--state-dir and --config go with --device");
    return result;
}

static int help(struct cli *cli, const char *object)
{
    if (cli->completion)
        print_completion();
    else if (!print_help(object))
        return fail(cli, "usage", "`portcam help` lists them", "there are no objects \"%s\"", object);
    return EXIT_OK;
}

/* The command that the words name; the rest of them is left in *words. */
static int find(struct cli *cli, char ***words, int *count)
{
    const char *object = (*words)[0];
    const char *verb = *count > 1 ? (*words)[1] : NULL;

    if (!find_object(object))
        return fail(cli, "usage", "`portcam help` lists them", "there are no objects \"%s\"", object);
    cli->command = find_command(object, NULL);
    if (!cli->command && verb) {
        cli->command = find_command(object, verb);
        (*words)++;
        (*count)--;
    }
    if (!cli->command && verb)
        return fail(cli, "usage", NULL, "%s has no verb \"%s\"; `portcam help %s` lists them", object,
                    verb, object);
    if (!cli->command)
        return fail(cli, "usage", NULL, "what about %s? `portcam help %s` lists the verbs", object,
                    object);
    (*words)++;
    (*count)--;
    return EXIT_OK;
}

static int command_line(struct cli *cli, char **words, int count)
{
    struct args_error error;

    if (count > 1 && strcmp(words[1], "help") == 0)
        return help(cli, words[0]);
    int result = find(cli, &words, &count);
    if (result)
        return result;
    json_t *args = args_parse(cli->command, words, count, &error);
    if (!args)
        return fail(cli, "usage", NULL, "%s", error.text[0] ? error.text : "out of memory");
    if (strcmp(cli->command->object, "help") == 0) {
        result = help(cli, json_string_value(json_object_get(args, "file")));
        json_decref(args);
        return result;
    }
    if (cli->command->request && !*cli->command->request) {
        json_decref(args);
        return list_devices(cli);
    }
    return run(cli, args);
}

int main(int argc, char **argv)
{
    struct cli cli = {.socket = CLIENT_SOCKET, .timeout_ms = 30000, .client.fd = -1};

    int result = parse_options(&cli, argc, argv);
    if (result == EXIT_OK && cli.help)
        result = help(&cli, optind < argc ? argv[optind] : NULL);
    else if (result == EXIT_OK && optind == argc)
        result = fail(&cli, "usage", "`portcam help` lists them", "give an object and a verb");
    else if (result == EXIT_OK)
        result = command_line(&cli, argv + optind, argc - optind);
    portcam_close(cli.pc);
    client_close(&cli.client);
    if (fflush(stdout) || ferror(stdout))
        result = result ? result : EXIT_REFUSED;
    return result;
}
