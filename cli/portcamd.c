// SPDX-License-Identifier: Apache-2.0
/*
 * portcamd: owns one card and serves it on a local socket. It stays in the foreground and logs to standard error; its
 * end leaves the card forwarding as it is, except where the kernel's VFIO resets a card that nobody has open.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "file_words.h"
#include "portcam/mirror.h"
#include "portcam_defs.h"
#include "portcamd.h"

enum { EXIT_USAGE = 1, EXIT_REFUSED = 2, EXIT_SETUP = 5 };
enum { POLL_SECONDS = 5, POLL_FDS = 8, CONFIG_MAX = 16 * 1024 * 1024 };

struct options {
    const char *device, *state_dir, *config;
    const char *user; /* to become when all is open; NULL: stay */
    struct server_opts server;
};

struct daemon {
    bool kernel_resets; /* the card, when it is closed */
    struct event_base *base;
    struct worker *worker;
    struct server *server;
    struct event *term, *interrupt, *tick;
    struct event *connections; /* the card has events of them; NULL: it cannot tell */
    struct event *device[POLL_FDS];
    unsigned n_device;
    bool looking; /* the worker looks after the card, or will */
};

void daemon_log(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(stderr, "portcamd: %s\n", line);
}

static void library_log(void *ctx, enum portcam_severity severity, const char *line)
{
    (void)ctx;
    if (severity <= PORTCAM_SEVERITY_INFO)
        daemon_log("%s", line);
}

static void log_report(const struct portcam_report *report, int rc)
{
    struct portcam_message message;
    size_t i = 0;
    for (; portcam_report_get(report, i, &message) == 0; i++)
        daemon_log("%s%s", strcmp(message.code, "warning") == 0 ? "warning: " : "", message.text);
    if (i == 0 && rc)
        daemon_log("%s", strerror(-rc));
}

/* Tells systemd that the daemon serves. */
static void notify_ready(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    static const char text[] = "READY=1";

    if (!path || strlen(path) < 2 || strlen(path) >= sizeof(address.sun_path))
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (address.sun_path[0] == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL, (struct sockaddr *)&address, len) < 0)
        daemon_log("systemd cannot be told: %s", strerror(errno));
    close(fd);
}

/* ---- start ---- */

static char *read_file(const char *name, size_t *ret_len)
{
    FILE *stream = fopen(name, "rb");
    char *text = stream ? malloc(CONFIG_MAX) : NULL;
    if (text)
        *ret_len = fread(text, 1, CONFIG_MAX, stream);
    if (text && (ferror(stream) || *ret_len == CONFIG_MAX)) {
        errno = ferror(stream) ? errno : EFBIG;
        free(text);
        text = NULL;
    }
    int kept = errno;
    if (stream)
        fclose(stream);
    errno = kept;
    return text;
}

static int apply_config(struct portcam *pc, const char *file, struct portcam_report *report)
{
    struct portcam_config *config = NULL;
    size_t len = 0;
    char *text = read_file(file, &len);

    if (!text) {
        daemon_log("%s cannot be read: %s", file, file_words(errno));
        return -ENOENT;
    }
    int rc = portcam_config_parse(text, len, file, report, &config);
    if (rc == 0)
        rc = portcam_config_apply(pc, config, report, NULL);
    portcam_config_free(config);
    free(text);
    log_report(report, rc);
    if (rc)
        daemon_log("%s was refused; the card goes on as before", file);
    return rc;
}

/* An exit code. */
static int open_card(const struct options *o, struct portcam **ret)
{
    struct portcam_opts opts = {
        .sz = sizeof(opts), .device = o->device, .state_dir = o->state_dir, .log = library_log};
    struct portcam_report *report = portcam_report_new();
    struct portcam *pc = NULL;

    if (!report)
        return EXIT_REFUSED;
    if (mkdir(o->state_dir, 0700) && errno != EEXIST)
        daemon_log("%s cannot be created: %s", o->state_dir, strerror(errno));
    int rc = portcam_open(&opts, report, &pc);
    log_report(report, rc);
    int result = rc ? EXIT_SETUP : 0;
    if (rc == 0 && o->config) {
        portcam_report_clear(report);
        result = apply_config(pc, o->config, report) ? EXIT_REFUSED : 0;
    }
    portcam_report_free(report);
    if (result)
        portcam_close(pc);
    else
        *ret = pc;
    return result;
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    const struct daemon *d = ctx;
    (void)what;
    daemon_log("%s: ending; %s", number == SIGTERM ? "terminated" : "interrupted",
               d->kernel_resets ? "the kernel resets the card" : "the card goes on");
    event_base_loopexit(d->base, NULL);
}

/*
 * One look at the card at a time. The device's descriptors stay readable until the worker has served them, and what the
 * worker does makes some of them readable for a moment; until it has looked they are not watched.
 */
static void look(struct daemon *d, bool tick)
{
    if (d->looking)
        return;
    for (unsigned i = 0; i < d->n_device; i++)
        event_del(d->device[i]);
    d->looking = worker_poll(d->worker, tick);
    if (!d->looking)
        daemon_log("out of memory");
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    look(ctx, true);
}

static void on_device(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    look(ctx, false);
}

static void on_polled(void *ctx)
{
    struct daemon *d = ctx;
    d->looking = false;
    for (unsigned i = 0; i < d->n_device; i++)
        event_add(d->device[i], NULL);
}

/* The card has events of connections: not watched until they are followed. */
static void on_connections(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;
    (void)fd;
    (void)what;
    event_del(d->connections);
    if (!worker_follow(d->worker))
        daemon_log("out of memory");
}

static void on_followed(void *ctx)
{
    struct daemon *d = ctx;
    if (d->connections)
        event_add(d->connections, NULL);
}

static int watch_connections(struct daemon *d, const struct portcam *pc)
{
    const struct portcam_mirror *mirror = portcam_mirror_of(pc);
    int fd = mirror ? portcam_mirror_fd(mirror) : -1;

    if (fd < 0)
        return 0;
    d->connections = event_new(d->base, fd, EV_READ | EV_PERSIST, on_connections, d);
    return d->connections && worker_follow(d->worker) ? 0 : -ENOMEM;
}

static int watch(struct daemon *d, const struct portcam *pc)
{
    const struct timeval period = {POLL_SECONDS, 0};
    int fds[POLL_FDS];

    d->term = evsignal_new(d->base, SIGTERM, on_signal, d);
    d->interrupt = evsignal_new(d->base, SIGINT, on_signal, d);
    d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
    if (!d->term || !d->interrupt || !d->tick || event_add(d->term, NULL) ||
        event_add(d->interrupt, NULL) || event_add(d->tick, &period))
        return -ENOMEM;
    unsigned n = portcam_poll_fds(pc, fds, POLL_FDS);
    for (unsigned i = 0; i < n; i++) {
        struct event *event = event_new(d->base, fds[i], EV_READ | EV_PERSIST, on_device, d);
        if (!event || event_add(event, NULL))
            return -ENOMEM;
        d->device[d->n_device++] = event;
    }
    return watch_connections(d, pc);
}

static void forget(struct event *event)
{
    if (event)
        event_free(event);
}

/* An exit code. The card is closed. */
static int serve(const struct options *o, struct portcam *pc)
{
    struct daemon d = {.kernel_resets = strncmp(o->device, "pci:", 4) == 0,
                       .base = event_base_new()};
    struct server_opts opts = o->server;
    opts.polled = on_polled;
    opts.followed = on_followed;
    opts.ctx = &d;
    struct slow *slow = NULL;
    int rc = d.base ? slow_start(pc, &slow) : -ENOMEM;
    if (rc == 0)
        rc = worker_start(pc, &d.worker);

    if (rc == 0)
        rc = watch(&d, pc);
    if (rc == 0)
        rc = server_start(d.base, &opts, d.worker, &d.server);
    if (rc == 0 && o->user)
        rc = become_user(o->user, o->state_dir);
    if (rc == 0) {
        daemon_log("serves %s on %s", o->device, o->server.socket_path);
        notify_ready();
        event_base_dispatch(d.base);
        rc = server_fatal(d.server);
        if (rc)
            daemon_log("ending: %s", rc == -ESTALE
                                         ? "the kernel wants the card back"
                                         : "the card is gone; start portcamd again when \"portcam "
                                           "device list\" has it");
    }
    server_stop(d.server);
    forget(d.term);
    forget(d.interrupt);
    forget(d.tick);
    forget(d.connections);
    for (unsigned i = 0; i < d.n_device; i++)
        event_free(d.device[i]);
    bool ended = slow_stop(slow);
    if (d.worker && !worker_stop(d.worker))
        ended = false;
    if (!ended) {
        daemon_log("a request has not ended; it is left");
        _exit(rc ? EXIT_SETUP : 0);
    }
    if (d.base)
        event_base_free(d.base);
    portcam_close(pc);
    return rc ? EXIT_SETUP : 0;
}

/* ---- the command line ---- */

static void usage(FILE *stream)
{
    fputs(
        "usage: portcamd [OPTIONS]\n"
        "  -d, --device NAME     pci:..., vfio-user:PATH or model: (default)\n"
        "  -S, --socket PATH     default /run/portcam/portcam.sock\n"
        "  -D, --state-dir DIR   keeps the running configuration; default /var/lib/portcam\n"
        "  -c, --config FILE     applied at the start\n"
        "  -g, --group NAME      its members may connect; default portcam\n"
        "  -u, --user NAME       become this user when card, socket and state directory are open\n"
        "      --clients N       clients at a time, default 64\n"
        "      --half-request SECONDS  how long half a request may wait for its end, default 30\n"
        "  -h, --help            this text\n",
        stream);
}

static bool take_number(const char *option, const char *text, unsigned *ret)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end || value == 0 || value > 100000) {
        daemon_log("%s is \"%s\"; give a number from 1 to 100000", option, text);
        return false;
    }
    *ret = (unsigned)value;
    return true;
}

static bool parse_options(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        {"device", 1, NULL, 'd'},  {"socket", 1, NULL, 'S'},       {"state-dir", 1, NULL, 'D'},
        {"config", 1, NULL, 'c'},  {"group", 1, NULL, 'g'},        {"user", 1, NULL, 'u'},
        {"clients", 1, NULL, 'n'}, {"half-request", 1, NULL, 'H'}, {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    bool good = true;
    int c;

    while (good && (c = getopt_long(argc, argv, "d:S:D:c:g:u:h", options, NULL)) >= 0) {
        switch (c) {
        case 'd':
            o->device = optarg;
            break;
        case 'S':
            o->server.socket_path = optarg;
            break;
        case 'D':
            o->state_dir = optarg;
            break;
        case 'c':
            o->config = optarg;
            break;
        case 'g':
            o->server.group = optarg;
            break;
        case 'u':
            o->user = optarg;
            break;
        case 'n':
            good = take_number("--clients", optarg, &o->server.clients_max);
            break;
        case 'H':
            good = take_number("--half-request", optarg, &o->server.half_seconds);
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            good = false; /* getopt said why */
        }
    }
    if (good && optind < argc) {
        daemon_log("what is \"%s\"? Options begin with -", argv[optind]);
        good = false;
    }
    return good;
}

int main(int argc, char **argv)
{
    struct options o = {.device = "model:",
                        .state_dir = "/var/lib/portcam",
                        .server = {.socket_path = "/run/portcam/portcam.sock",
                                   .group = "portcam",
                                   .clients_max = 64,
                                   .half_seconds = 30}};
    struct portcam *pc = NULL;

    if (!parse_options(argc, argv, &o)) {
        usage(stderr);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    int result = open_card(&o, &pc);
    return result ? result : serve(&o, pc);
}
