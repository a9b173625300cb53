// SPDX-License-Identifier: Apache-2.0
/* portcam-sim: a process that is the card. A vfio-user server on a UNIX socket is its PCI side, TAP interfaces, capture files or
 * sockets are its Ethernet side, and an engine (RTL, model, or both in lockstep) is what is in between. It sleeps when
 * nothing is in flight. */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cables.h"
#include "engine.h"
#include "portcam_defs.h"
#include "vfu/vfu.h"

struct sim {
    struct event_base *base;
    struct event *work, *vfu_readable, *stop[2], *go, *pull;
    struct pc_engine engine;
    struct pc_vfu *vfu;
    struct cables *cables;
    bool quit_at_end, quiet, report_faults;
    unsigned vectors;   /* of MSI-X */
    uint32_t interface; /* major version that the card tells, 0: its own */
    const char *stats_path;
    uint64_t differences_told;
    int exit_code;
    struct timespec start;
};

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("portcam-sim: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

static uint32_t now_ms(const struct sim *s)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((t.tv_sec - s->start.tv_sec) * 1000 +
                      (t.tv_nsec - s->start.tv_nsec) / 1000000);
}

/* A timer and not an active event: those that make themselves active again leave nothing time for the others. */
static void wake(struct sim *s)
{
    event_add(s->work, &(struct timeval){0});
}

/* ---- what the cables call ---- */

static void say_line(const char *text)
{
    say("%s", text);
}

static void wake_sim(void *ctx)
{
    wake(ctx);
}

/* ---- what the engine calls ---- */

static int host_dma_read(void *ctx, uint64_t iova, void *dst, size_t len)
{
    struct sim *s = ctx;
    return s->vfu ? pc_vfu_dma_read(s->vfu, iova, dst, len) : -ENODEV;
}

static int host_dma_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    struct sim *s = ctx;
    return s->vfu ? pc_vfu_dma_write(s->vfu, iova, src, len) : -ENODEV;
}

static void host_irq(void *ctx, unsigned vector)
{
    struct sim *s = ctx;
    if (s->vfu)
        pc_vfu_irq(s->vfu, vector);
}

static void host_frame(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    struct sim *s = ctx;
    cables_send(s->cables, function, frame, len);
}

static void host_difference(void *ctx, const char *text)
{
    struct sim *s = ctx;
    s->exit_code = 1;
    if (s->differences_told++ < 20)
        say("RTL and model differ: %s", text);
}

/* ---- what the vfio-user server calls ---- */

static uint32_t vfu_reg_read(void *ctx, uint32_t offset)
{
    struct sim *s = ctx;
    uint32_t value = s->engine.reg_read(s->engine.self, offset);
    if (offset == PORTCAM_REG_VERSION && s->interface)
        value = (value & ~PORTCAM_VERSION_MAJOR) | s->interface << PORTCAM_VERSION_MAJOR_SHIFT;
    return value;
}

static void vfu_reg_write(void *ctx, uint32_t offset, uint32_t value)
{
    struct sim *s = ctx;
    s->engine.reg_write(s->engine.self, offset, value);
    wake(s);
}

static void vfu_reset(void *ctx)
{
    struct sim *s = ctx;
    s->engine.reset(s->engine.self);
    wake(s);
}

static void vfu_notice(void *ctx, const char *text)
{
    if (!((struct sim *)ctx)->quiet)
        say("%s", text);
}

/* ---- the loop ---- */

static void on_vfu(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct sim *s = ctx;
    s->engine.set_time(s->engine.self, now_ms(s));
    pc_vfu_process(s->vfu);
    wake(s);
}

static void on_work(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct sim *s = ctx;
    s->engine.set_time(s->engine.self, now_ms(s));
    cables_resume(s->cables);
    if (s->engine.run(s->engine.self))
        wake(s);
    else if (s->quit_at_end && cables_ended(s->cables))
        event_base_loopbreak(s->base);
}

static void on_stop(evutil_socket_t signal, short what, void *ctx)
{
    (void)signal;
    (void)what;
    event_base_loopbreak(((struct sim *)ctx)->base);
}

static void on_go(evutil_socket_t signal, short what, void *ctx)
{
    (void)signal;
    (void)what;
    cables_listen(((struct sim *)ctx)->cables);
}

static void on_pull(evutil_socket_t signal, short what, void *ctx)
{
    (void)signal;
    (void)what;
    struct sim *s = ctx;
    if (s->vfu)
        pc_vfu_pull(s->vfu);
}

/* ---- start and end ---- */

static void write_stats(struct sim *s)
{
    struct pc_engine_stats e;
    struct rusage usage;
    s->engine.stats(s->engine.self, &e);
    getrusage(RUSAGE_SELF, &usage);
    FILE *f = s->stats_path ? fopen(s->stats_path, "w") : NULL;
    if (s->stats_path && !f)
        say("%s: %s", s->stats_path, strerror(errno));
    if (f) {
        fprintf(
            f,
            "{\"format\": 1, \"engine\": \"%s\", \"clocks\": %llu, \"frames_in\": %llu, "
            "\"frames_out\": %llu, \"differences\": %llu, \"peak_kib\": %ld, \"cpu_ms\": %ld}\n",
            s->engine.name, (unsigned long long)e.clocks, (unsigned long long)e.frames_in,
            (unsigned long long)e.frames_out, (unsigned long long)e.differences, usage.ru_maxrss,
            usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
                usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000);
        fclose(f);
    }
    if (!s->quiet)
        say("%s: %llu %s in, %llu out, %llu clocks, %llu %s", s->engine.name,
            (unsigned long long)e.frames_in, e.frames_in == 1 ? "frame" : "frames",
            (unsigned long long)e.frames_out, (unsigned long long)e.clocks,
            (unsigned long long)e.differences, e.differences == 1 ? "difference" : "differences");
}

static void usage(FILE *f)
{
    fputs(
        "usage: portcam-sim [--socket PATH] [--engine rtl|model|lockstep]\n"
        "                   [--net PORT] [--host [N=]PORT]... [--hold]\n"
        "                   [--report-faults] [--seed N] [--stats FILE] [--quit-at-end] [--quiet]\n"
        "                   [--vectors N] [--interface MAJOR]\n"
        "\n"
        "The card as a process.\n"
        "\n"
        "--socket       its PCI side: a vfio-user server that portcamd opens as\n"
        "               vfio-user:PATH, or QEMU as a vfio-user-pci device\n"
        "--engine       what is in between; lockstep runs RTL and model on the same\n"
        "               frames and ends with status 1 if they differ\n"
        "--net, --host  the network port, and the next host function (or function N);\n"
        "               a PORT is one of\n"
        "    tap:NAME     a TAP interface\n"
        "    pcap:IN,OUT  capture files, either may be empty; pcap:IN is pcap:IN,\n"
        "    socket:PATH  a UNIX stream socket with QEMU's framing\n"
        "    null         nothing\n"
        "--report-faults  refused DMA is also sent to the client, whose IOMMU reports it;\n"
        "               for QEMU\n"
        "--hold         takes no frame before the signal SIGUSR1, so that the tables\n"
        "               can be programmed first\n"
        "--quit-at-end  ends when all capture files are at their end\n"
        "--stats        writes what it counted as JSON at the end\n"
        "--seed         of the values that registers have before reset\n"
        "--vectors, --interface  a card of another build: with so many MSI-X vectors, with\n"
        "               that major version of the interface\n",
        f);
}

static const struct option options[] = {
    {"socket", required_argument, NULL, 's'},  {"engine", required_argument, NULL, 'e'},
    {"net", required_argument, NULL, 'n'},     {"host", required_argument, NULL, 'h'},
    {"seed", required_argument, NULL, 'r'},    {"stats", required_argument, NULL, 't'},
    {"report-faults", no_argument, NULL, 'f'}, {"hold", no_argument, NULL, 'w'},
    {"quit-at-end", no_argument, NULL, 'q'},   {"quiet", no_argument, NULL, 'Q'},
    {"vectors", required_argument, NULL, 'v'}, {"interface", required_argument, NULL, 'i'},
    {"help", no_argument, NULL, 'H'},          {NULL, 0, NULL, 0}};

static bool set_up_events(struct sim *s)
{
    s->base = event_base_new();
    if (!s->base)
        return false;
    s->work = event_new(s->base, -1, 0, on_work, s);
    s->cables = cables_new(s->base, &s->engine, say_line, wake_sim, s);
    s->stop[0] = evsignal_new(s->base, SIGTERM, on_stop, s);
    s->stop[1] = evsignal_new(s->base, SIGINT, on_stop, s);
    s->go = evsignal_new(s->base, SIGUSR1, on_go, s);
    s->pull = evsignal_new(s->base, SIGUSR2, on_pull, s);
    return s->work && s->cables && s->stop[0] && s->stop[1] && s->go && s->pull &&
           event_add(s->stop[0], NULL) == 0 && event_add(s->stop[1], NULL) == 0 &&
           event_add(s->go, NULL) == 0 && event_add(s->pull, NULL) == 0;
}

static bool set_up_socket(struct sim *s, const char *path)
{
    char err[256];
    struct pc_vfu_device dev = {.ctx = s,
                                .reg_read = vfu_reg_read,
                                .reg_write = vfu_reg_write,
                                .reset = vfu_reset,
                                .notice = vfu_notice,
                                .vendor = PORTCAM_PCI_VENDOR,
                                .device = PORTCAM_PCI_DEVICE,
                                .vectors = s->vectors,
                                .report_faults = s->report_faults};
    s->vfu = pc_vfu_new(path, &dev, err, sizeof(err));
    if (!s->vfu) {
        say("%s", err);
        return false;
    }
    s->vfu_readable = event_new(s->base, pc_vfu_fd(s->vfu), EV_READ | EV_PERSIST, on_vfu, s);
    return s->vfu_readable && event_add(s->vfu_readable, NULL) == 0;
}

static void tear_down(struct sim *s)
{
    struct event *events[] = {s->work, s->vfu_readable, s->stop[0], s->stop[1], s->go, s->pull};
    cables_free(s->cables);
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
        if (events[i])
            event_free(events[i]);
    pc_vfu_free(s->vfu);
    if (s->engine.self)
        s->engine.free(s->engine.self);
    if (s->base)
        event_base_free(s->base);
}

int main(int argc, char **argv)
{
    static struct sim s = {.vectors = PORTCAM_BUILD_VECTORS};
    const char *socket = NULL, *engine = "rtl";
    uint64_t seed = 1;
    bool hold = false; /* no frame is taken before SIGUSR1 */
    clock_gettime(CLOCK_MONOTONIC, &s.start);
    signal(SIGPIPE, SIG_IGN);
    bool ok = set_up_events(&s);
    for (int o; ok && (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (o) {
        case 's':
            socket = optarg;
            break;
        case 'e':
            engine = optarg;
            break;
        case 'n':
            ok = cables_plug_net(s.cables, optarg);
            break;
        case 'h':
            ok = cables_plug_host(s.cables, optarg);
            break;
        case 'r':
            seed = strtoull(optarg, NULL, 0);
            break;
        case 'v':
            s.vectors = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'i':
            s.interface = (uint32_t)strtoul(optarg, NULL, 0) & 0xffff;
            break;
        case 't':
            s.stats_path = optarg;
            break;
        case 'f':
            s.report_faults = true;
            break;
        case 'w':
            hold = true;
            break;
        case 'q':
            s.quit_at_end = true;
            break;
        case 'Q':
            s.quiet = true;
            break;
        case 'H':
            usage(stdout);
            tear_down(&s);
            return 0;
        default:
            usage(stderr);
            tear_down(&s);
            return 1;
        }
    if (ok && optind < argc) {
        say("what is \"%s\"? Options begin with --", argv[optind]);
        ok = false;
    }
    const struct pc_engine_host host = {&s,       host_dma_read, host_dma_write,
                                        host_irq, host_frame,    host_difference};
    if (ok && !pc_engine_open(&s.engine, engine, &host, seed)) {
        say("--engine %s: choose rtl, model or lockstep", engine);
        ok = false;
    }
    if (ok && socket)
        ok = set_up_socket(&s, socket);
    if (!ok) {
        tear_down(&s);
        return 1;
    }
    if (!s.quiet)
        say("engine %s, %s%s", s.engine.name, socket ? "socket " : "no socket",
            socket ? socket : "");
    if (!hold)
        cables_listen(s.cables);
    wake(&s);
    event_base_dispatch(s.base);
    write_stats(&s);
    tear_down(&s);
    return s.exit_code;
}
