// SPDX-License-Identifier: Apache-2.0
/*
 * The `portcam` command: options and words become one request, which portcamd answers over its socket, or, with --device,
 * this process by itself. Exit codes are those of portcam(8).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "file_words.h"
#include "pcap.h"
#include "portcam_defs.h"
#include "render.h"

enum { PCAP_MAX = 2000 };

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

/* What `config show` and `config save` do with the configuration. */
static int put_config(struct cli *cli, const json_t *answer, const char *file)
{
    char *text =
        json_dumps(json_object_get(answer, "config"), JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    int rc = text ? write_text(file, text) : -ENOMEM;
    free(text);
    return rc ? fail(cli, "refused", "nothing was written", "%s cannot be written: %s", file,
                     file_words(-rc))
              : EXIT_OK;
}

static int print_answer(struct cli *cli, json_t *answer, const char *file)
{
    bool saves =
        strcmp(cli->command->object, "config") == 0 && cli->command->args == ARGS_FILE_OPTIONAL;

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

static int nul_byte(struct cli *cli, const char *file, const char *text, const char *nul)
{
    int line = 1;
    for (const char *c = text; c < nul; c++)
        line += *c == '\n';
    return fail(cli, "syntax", NULL, "%s:%d: there is a NUL byte; write the file as UTF-8 text",
                strcmp(file, "-") == 0 ? "input" : file, line);
}

/* Reads the files that the arguments name. */
static int load_files(struct cli *cli, json_t *args)
{
    char error[256];
    int result;

    if (cli->command->args == ARGS_FILE) {
        const char *file = json_string_value(json_object_get(args, "file"));
        size_t len = 0;
        char *text = read_text(file, &len);
        if (!text)
            return fail(cli, errno == ENOENT ? "not_found" : "refused", NULL,
                        "%s cannot be read: %s", file, file_words(errno));
        const char *nul = memchr(text, 0, len);
        if (nul) {
            result = nul_byte(cli, file, text, nul);
            free(text);
            return result;
        }
        json_t *value = json_stringn(text, len);
        free(text);
        if (!value)
            return fail(cli, "syntax", NULL, "%s is not UTF-8 text; write it as such", file);
        json_object_set_new(args, "text", value);
        if (strcmp(file, "-") == 0)
            json_object_set_new(args, "file", json_string("input"));
    }
    const char *pcap = json_string_value(json_object_get(args, "pcap"));
    if (pcap) {
        errno = 0;
        json_t *frames = pcap_read(pcap, PCAP_MAX, &cli->partial, error);
        bool missing = errno == ENOENT;
        if (!frames)
            return fail(cli, missing ? "not_found" : "refused", NULL, "%s: %s", pcap, error);
        if (cli->partial)
            fprintf(stderr,
                    "portcam: %s: the file is damaged or has more than %d packets; %zu explained\n",
                    pcap, PCAP_MAX, json_array_size(frames));
        json_object_set_new(args, "frames", frames);
        json_object_del(args, "pcap");
    }
    return EXIT_OK;
}

static const char *command_verb(const struct command *c)
{
    return c->verb ? c->verb : "";
}

/* Options that only some commands have. */
static int check_options(struct cli *cli)
{
    const struct command *c = cli->command;
    bool drains = strcmp(c->object, "backend") == 0 && strcmp(command_verb(c), "drain") == 0;
    bool flushes = c->args == ARGS_FILTER && strcmp(c->verb, "flush") == 0;

    if (cli->filter && c->args != ARGS_FILTER && strcmp(c->object, "monitor") != 0)
        return fail(cli, "usage", NULL,
                    "--service, --backend, --client, --protocol and --state choose connections");
    if ((cli->wait || cli->deadline >= 0) && !drains)
        return fail(cli, "usage", NULL, "--wait and --deadline go with backend drain");
    if (cli->write && c->args != ARGS_TRACE)
        return fail(cli, "usage", NULL, "--write goes with trace");
    if (cli->write && cli->json && strcmp(cli->write, "-") == 0)
        return fail(cli, "usage", NULL, "standard output takes JSON or packets, not both");
    if (cli->rate && strcmp(c->object, "stats") != 0)
        return fail(cli, "usage", NULL, "--rate goes with stats show");
    if (flushes && cli->filter && cli->all)
        return fail(cli, "usage", NULL,
                    "--all ends every connection of the card, the other options choose some; give "
                    "one or the other");
    if (flushes && !cli->filter && !cli->all)
        return fail(cli, "usage", "with --all every connection of the card ends",
                    "which connections shall end? choose them with --service, --backend, "
                    "--client, --protocol or --state");
    return EXIT_OK;
}

/* Takes args. */
static int run(struct cli *cli, json_t *args)
{
    const struct command *c = cli->command;
    json_t *answer = NULL;
    char *file = NULL;
    bool is_monitor = strcmp(c->object, "monitor") == 0;
    bool asks_daemon = is_monitor || strcmp(c->object, "mirror") == 0 || c->args == ARGS_TRACE;

    if (c->args == ARGS_FILE_OPTIONAL && json_object_get(args, "file"))
        file = strdup(json_string_value(json_object_get(args, "file")));
    if (strcmp(c->object, "stats") == 0)
        json_object_set_new(args, "all", json_boolean(cli->all || cli->rate));
    int result = check_options(cli);
    if (result == EXIT_OK)
        result = load_files(cli, args);
    if (result == EXIT_OK && asks_daemon && cli->device)
        result =
            fail(cli, "usage", NULL, "%s asks portcamd; it does not work with --device", c->object);
    if (is_monitor && cli->filter)
        json_object_set(args, "filter", cli->filter);
    if (result == EXIT_OK)
        result = cli->device ? open_device(cli) : open_daemon(cli);
    if (result == EXIT_OK && c->args == ARGS_TRACE) {
        result = trace_packets(cli, args);
        json_decref(args);
        return result;
    }
    if (result == EXIT_OK && (c->args == ARGS_FILTER || strcmp(command_verb(c), "drain") == 0)) {
        result = c->args == ARGS_FILTER ? walk_connections(cli) : drain_backend(cli, args);
        json_decref(args);
        free(file);
        return result;
    }
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

static int take_deadline(struct cli *cli, const char *text)
{
    char *end;
    cli->deadline = strtod(text, &end);
    if (end == text || *end || !(cli->deadline >= 0) || cli->deadline > 1e9)
        return fail(cli, "usage", NULL, "--deadline is \"%s\"; give seconds, 0 or more", text);
    cli->wait = true;
    return EXIT_OK;
}

static int take_filter(struct cli *cli, const char *key, const char *text)
{
    json_t *value = json_string(text);
    if (!value)
        return fail(cli, "usage", NULL, "--%s is not UTF-8 text", key);
    if (!cli->filter)
        cli->filter = json_object();
    json_object_set_new(cli->filter, key, value);
    return EXIT_OK;
}

/* Options without a letter. */
enum { OPTION_FILTER = 256, OPTION_WAIT, OPTION_DEADLINE };

static int parse_options(struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = {{"json", 0, NULL, 'j'},
                                            {"stats", 0, NULL, 's'},
                                            {"all", 0, NULL, 'a'},
                                            {"rate", 0, NULL, 'r'},
                                            {"dry-run", 0, NULL, 'n'},
                                            {"socket", 1, NULL, 'S'},
                                            {"device", 1, NULL, 'd'},
                                            {"state-dir", 1, NULL, 'D'},
                                            {"config", 1, NULL, 'c'},
                                            {"timeout", 1, NULL, 't'},
                                            {"help", 0, NULL, 'h'},
                                            {"version", 0, NULL, 'V'},
                                            {"completion", 0, NULL, 'C'},
                                            {"service", 1, NULL, OPTION_FILTER},
                                            {"backend", 1, NULL, OPTION_FILTER},
                                            {"client", 1, NULL, OPTION_FILTER},
                                            {"protocol", 1, NULL, OPTION_FILTER},
                                            {"state", 1, NULL, OPTION_FILTER},
                                            {"wait", 0, NULL, OPTION_WAIT},
                                            {"write", 1, NULL, 'w'},
                                            {"deadline", 1, NULL, OPTION_DEADLINE},
                                            {NULL, 0, NULL, 0}};
    int c, index = 0, result = EXIT_OK;

    /* -j is looked for first, so that errors of the other options are JSON too. */
    for (int i = 1; i < argc; i++)
        cli->json |= strcmp(argv[i], "-j") == 0 || strcmp(argv[i], "--json") == 0;
    opterr = 0; /* and ':' first: a value that is missing is told apart */
    while (result == EXIT_OK &&
           (c = getopt_long(argc, argv, ":jsarnw:S:d:D:c:t:hV", options, &index)) >= 0) {
        switch (c) {
        case 'j':
            cli->json = true;
            break;
        case 's':
            cli->stats = true;
            break;
        case 'a':
            cli->all = true;
            break;
        case 'r':
            cli->rate = true;
            break;
        case 'n':
            cli->dry_run = true;
            break;
        case 'w':
            cli->write = optarg;
            break;
        case 'S':
            cli->socket = optarg;
            break;
        case 'd':
            cli->device = optarg;
            break;
        case 'D':
            cli->state_dir = optarg;
            break;
        case 'c':
            cli->config = optarg;
            break;
        case 't':
            result = take_timeout(cli, optarg);
            break;
        case OPTION_FILTER:
            result = take_filter(cli, options[index].name, optarg);
            break;
        case OPTION_WAIT:
            cli->wait = true;
            break;
        case OPTION_DEADLINE:
            result = take_deadline(cli, optarg);
            break;
        case 'h':
            cli->help = true;
            break;
        case 'C':
            cli->completion = true;
            break;
        case 'V':
            printf("portcam, format %d, interface %u.%u\n", PORTCAM_FORMAT, PORTCAM_INTERFACE_MAJOR,
                   PORTCAM_INTERFACE_MINOR);
            exit(EXIT_OK);
        case ':':
            result = fail(cli, "usage", "`portcam help` lists all options", "%s has no value",
                          argv[optind - 1]);
            break;
        default:
            result = fail(cli, "usage", "`portcam help` lists all options", "%s is no option%s",
                          argv[optind - 1],
                          optopt >= '0' && optopt <= '9' ? ", and no number here is below 0" : "");
        }
    }
    if (result == EXIT_OK && !cli->device && (cli->state_dir || cli->config))
        result = fail(cli, "usage", NULL, "--state-dir and --config go with --device");
    return result;
}

static int no_object(struct cli *cli, const char *name)
{
    const char *meant = nearest_object(name);
    for (size_t i = 0; i < CommandCount; i++) {
        const struct command *c = &Commands[i];
        if (name && c->verb && strcmp(c->verb, name) == 0)
            return fail(cli, "usage", "`portcam help` lists the objects",
                        "\"%s\" is a verb; the object stands first, as in: portcam %s %s", name,
                        c->object, name);
    }
    if (meant)
        return fail(cli, "usage", NULL, "there is no object \"%s\"; did you mean %s?", name, meant);
    return fail(cli, "usage", NULL, "there is no object \"%s\"; `portcam help` lists them", name);
}

static int no_verb(struct cli *cli, const char *object, const char *verb)
{
    const char *meant = nearest_verb(object, verb);
    if (meant)
        return fail(cli, "usage", NULL, "%s has no verb \"%s\"; did you mean %s?", object, verb,
                    meant);
    return fail(cli, "usage", NULL, "%s has no verb \"%s\"; `portcam help %s` lists them", object,
                verb, object);
}

static int no_verb_given(struct cli *cli, const char *object)
{
    char verbs[160] = "";

    for (size_t i = 0; i < CommandCount; i++) {
        size_t n = strlen(verbs);
        if (strcmp(Commands[i].object, object) == 0)
            snprintf(verbs + n, sizeof(verbs) - n, "%s%s", n ? ", " : "", Commands[i].verb);
    }
    return fail(cli, "usage", NULL, "what about %s? give a verb: %s; `portcam help %s` explains",
                object, verbs, object);
}

static int help(struct cli *cli, const char *object)
{
    if (cli->completion)
        print_completion();
    else if (!print_help(object))
        return no_object(cli, object);
    return EXIT_OK;
}

/* The command that the words name; the rest of them is left in *words. */
static int find(struct cli *cli, char ***words, int *count)
{
    const char *object = (*words)[0];
    const char *verb = *count > 1 ? (*words)[1] : NULL;

    if (!find_object(object))
        return no_object(cli, object);
    cli->command = find_command(object, NULL);
    if (!cli->command && verb) {
        cli->command = find_command(object, verb);
        (*words)++;
        (*count)--;
    }
    if (!cli->command && verb)
        return no_verb(cli, object, verb);
    if (!cli->command)
        return no_verb_given(cli, object);
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
    if (result || !cli->command)
        return result;
    json_t *args = args_parse(cli->command, words, count, &error);
    if (!args)
        return fail(cli, "usage", NULL, "%s", error.text[0] ? error.text : "out of memory");
    if (cli->command->args == ARGS_OBJECT_OPTIONAL) {
        result = help(cli, json_string_value(json_object_get(args, "file")));
        json_decref(args);
        return result;
    }
    if (cli->command->request && !*cli->command->request) {
        result = devices_command(cli, args);
        json_decref(args);
        return result;
    }
    return run(cli, args);
}

int main(int argc, char **argv)
{
    struct cli cli = {
        .socket = CLIENT_SOCKET, .timeout_ms = 30000, .deadline = -1, .client.fd = -1};

    int result = parse_options(&cli, argc, argv);
    if (result == EXIT_OK && cli.help)
        result = help(&cli, optind < argc ? argv[optind] : NULL);
    else if (result == EXIT_OK && optind == argc)
        result = fail(&cli, "usage", "`portcam help` lists them", "give an object and a verb");
    else if (result == EXIT_OK)
        result = command_line(&cli, argv + optind, argc - optind);
    json_decref(cli.filter);
    portcam_close(cli.pc);
    client_close(&cli.client);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "portcam: standard output: %s\n", strerror(errno));
        result = result ? result : EXIT_REFUSED;
    }
    return result;
}
