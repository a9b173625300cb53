// SPDX-License-Identifier: Apache-2.0
/*
 * portcam-model: frames of capture files through the C reference model, without any card. It takes the configuration file of
 * portcam(8), merges the inputs by their timestamps (a tie goes to the lower function, then the order of the options), and
 * writes each frame that leaves to the file of its function, with the timestamp it came with. It stops at the first frame
 * that it cannot take whole; it never guesses.
 */
#include <errno.h>
#include <getopt.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/src/slow/slow_device.h"
#include "portcam_model.h"

#define USAGE                                                                                      \
    "usage: portcam-model --config FILE [--net IN[,OUT]] [--host [N=]IN[,OUT]]... [--slow-path]\n" \
    "                     [--stats]\n"                                                             \
    "Frames of the capture files IN go through the reference model; what leaves by a function "    \
    "is\n"                                                                                         \
    "written to its file OUT. --net is the network, --host a host function (1 without N=); IN "    \
    "may\n"                                                                                        \
    "be empty (--host ,out.pcap). --stats prints how many frames had which reason.\n"              \
    "--slow-path: what a card hands to its host is decided as portcamd does, and sent on.\n"

enum { PORTS_MAX = 256, FRAME_MAX = 65535, ERROR_LEN = PCAP_ERRBUF_SIZE };

/* One --net or --host: a function, frames that come from it, and where its frames are written. */
struct port {
    unsigned function;
    char *in, *out; /* NULL: none */
    pcap_t *reader, *writer;
    pcap_dumper_t *dump;
    unsigned long frames; /* read */
    bool has_next;
    struct pcap_pkthdr header;
    const uint8_t *data;
};

struct run {
    const char *config;
    bool stats, slow_path;
    unsigned n_ports;
    struct port ports[PORTS_MAX];
    struct pc_device *device;
    struct pc_slow_device slow;
    struct pc_slow_limits limits;
    struct pcap_pkthdr header; /* of the frame in work */
    uint32_t aged;             /* ms: when all records were looked at */
    unsigned long lost[256];   /* frames that left by a function without a file */
};

int model_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("portcam-model: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return MODEL_FAILED;
}

/* ---- options ---- */

static int add_port(struct run *r, bool host, const char *option)
{
    const char *text = option;
    unsigned long function = host ? 1 : 0;
    size_t digits = strspn(option, "0123456789");

    if (host && digits > 0 && option[digits] == '=') {
        function = strtoul(option, NULL, 10);
        text += digits + 1;
    }
    if (host && (function < 1 || function >= model_functions())) {
        model_fail("--host %s: the host functions are 1 to %u", option, model_functions() - 1);
        return MODEL_USAGE;
    }
    if (r->n_ports == PORTS_MAX) {
        model_fail("more than %d files", PORTS_MAX);
        return MODEL_USAGE;
    }
    const char *comma = strchr(text, ',');
    size_t len = comma ? (size_t)(comma - text) : strlen(text);
    struct port *p = &r->ports[r->n_ports++];
    p->function = (unsigned)function;
    p->in = len ? strndup(text, len) : NULL;
    p->out = comma && comma[1] ? strdup(comma + 1) : NULL;
    if (p->in || p->out)
        return MODEL_OK;
    model_fail("--%s %s: it names no file; give IN, IN,OUT or ,OUT", host ? "host" : "net", option);
    return MODEL_USAGE;
}

static int parse_options(struct run *r, int argc, char **argv)
{
    static const struct option options[] = {{"config", 1, NULL, 'c'},    {"net", 1, NULL, 'n'},
                                            {"host", 1, NULL, 'h'},      {"stats", 0, NULL, 's'},
                                            {"slow-path", 0, NULL, 'p'}, {"help", 0, NULL, 'H'},
                                            {NULL, 0, NULL, 0}};
    int c, result = MODEL_OK;

    while (result == MODEL_OK && (c = getopt_long(argc, argv, "c:n:h:sp", options, NULL)) >= 0) {
        switch (c) {
        case 'c':
            r->config = optarg;
            break;
        case 'n':
        case 'h':
            result = add_port(r, c == 'h', optarg);
            break;
        case 's':
            r->stats = true;
            break;
        case 'p':
            r->slow_path = true;
            break;
        case 'H':
            fputs(USAGE, stdout);
            exit(MODEL_OK);
        default:
            result = MODEL_USAGE;
        }
    }
    if (result == MODEL_OK && (optind < argc || !r->config || r->n_ports == 0)) {
        model_fail("%s", optind < argc ? "an argument without its option"
                         : !r->config  ? "give a configuration with --config FILE"
                                       : "give frames with --net IN.pcap or --host IN.pcap");
        result = MODEL_USAGE;
    }
    if (result)
        fputs(USAGE, stderr);
    return result;
}

/* Outputs that would destroy an input or each other. */
static int check_files(const struct run *r)
{
    for (unsigned i = 0; i < r->n_ports; i++) {
        struct stat out, other;
        if (!r->ports[i].out)
            continue;
        for (unsigned j = 0; j < r->n_ports; j++) {
            const struct port *p = &r->ports[j];
            if (i != j && p->out &&
                (p->function == r->ports[i].function || strcmp(p->out, r->ports[i].out) == 0))
                return model_fail(
                    "%s: function %u and function %u each write one file of their own; "
                    "name it once",
                    p->out, p->function, r->ports[i].function);
            if (p->in && stat(r->ports[i].out, &out) == 0 && stat(p->in, &other) == 0 &&
                S_ISREG(out.st_mode) && out.st_dev == other.st_dev && out.st_ino == other.st_ino)
                return model_fail("%s: it is an input too; write to another file", r->ports[i].out);
        }
    }
    return MODEL_OK;
}

/* ---- capture files ---- */

static int open_reader(struct port *p)
{
    char error[ERROR_LEN];

    p->reader = pcap_open_offline_with_tstamp_precision(p->in, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!p->reader)
        return strstr(error, p->in)
                   ? model_fail("%s", error)
                   : model_fail("%s: %s; give a pcap or pcapng file", p->in, error);
    if (pcap_datalink(p->reader) != DLT_EN10MB)
        return model_fail(
            "%s: its packets are not Ethernet; capture on an Ethernet interface, not on "
            "\"any\"",
            p->in);
    return MODEL_OK;
}

static int open_writer(struct port *p)
{
    p->writer =
        pcap_open_dead_with_tstamp_precision(DLT_EN10MB, FRAME_MAX, PCAP_TSTAMP_PRECISION_NANO);
    p->dump = p->writer ? pcap_dump_open(p->writer, p->out) : NULL;
    if (!p->dump)
        return model_fail("%s", p->writer ? pcap_geterr(p->writer) : strerror(ENOMEM));
    return MODEL_OK;
}

/* Reads the next frame of a port; has_next is false at the end of the file. */
static int advance(struct port *p)
{
    struct pcap_pkthdr *header;
    const u_char *data;

    p->has_next = false;
    if (!p->reader)
        return MODEL_OK;
    int rc = pcap_next_ex(p->reader, &header, &data);
    if (rc == PCAP_ERROR_BREAK)
        return MODEL_OK;
    p->frames++;
    if (rc != 1)
        return model_fail("%s: packet %lu: %s", p->in, p->frames, pcap_geterr(p->reader));
    if (header->caplen < header->len)
        return model_fail("%s: packet %lu: only %u of its %u bytes were captured; capture whole "
                          "packets (tcpdump -s 0)",
                          p->in, p->frames, header->caplen, header->len);
    if (header->caplen < 1 || header->caplen > FRAME_MAX)
        return model_fail("%s: packet %lu: it has %u bytes; a frame has 1 to %d", p->in, p->frames,
                          header->caplen, FRAME_MAX);
    p->has_next = true;
    p->header = *header;
    p->data = data;
    return MODEL_OK;
}

static bool before(const struct port *a, const struct port *b)
{
    const struct timeval *t = &a->header.ts, *u = &b->header.ts;
    if (t->tv_sec != u->tv_sec)
        return t->tv_sec < u->tv_sec;
    if (t->tv_usec != u->tv_usec) /* nanoseconds, as the files were opened */
        return t->tv_usec < u->tv_usec;
    return a->function < b->function;
}

static struct port *next_port(struct run *r)
{
    struct port *best = NULL;
    for (unsigned i = 0; i < r->n_ports; i++)
        if (r->ports[i].has_next && (!best || before(&r->ports[i], best)))
            best = &r->ports[i];
    return best;
}

static void write_frame(struct run *r, unsigned function, const struct pcap_pkthdr *header,
                        const uint8_t *frame)
{
    for (unsigned i = 0; i < r->n_ports; i++) {
        if (r->ports[i].dump && r->ports[i].function == function) {
            pcap_dump((u_char *)r->ports[i].dump, header, frame);
            return;
        }
    }
    r->lost[function]++;
}

/* Milliseconds of a capture's time stamp; nanoseconds, as the files were opened. */
static uint32_t time_of(const struct pcap_pkthdr *header)
{
    return (uint32_t)((uint64_t)header->ts.tv_sec * 1000 + (uint64_t)header->ts.tv_usec / 1000000);
}

/* Records age by the time stamps: all of them are looked at whenever half a second has passed. */
static void age(struct run *r, uint32_t now)
{
    const struct pc_connections *c = pc_device_connections(r->device);
    if (now - r->aged < 500)
        return;
    r->aged = now;
    if (c)
        pc_device_age(r->device, now, pc_connections_capacity(c));
}

/* A frame that the slow path sends leaves with the timestamp of the one that let it go. */
static void sent(void *ctx, unsigned function, const uint8_t *frame, size_t len)
{
    struct run *r = ctx;
    struct pcap_pkthdr header = r->header;

    header.caplen = header.len = (bpf_u_int32)len;
    write_frame(r, function, &header, frame);
}

static int connect_slow_path(struct run *r)
{
    r->slow = (struct pc_slow_device){.device = r->device, .send = sent, .ctx = r};
    return pc_slow_device_init(&r->slow, &r->limits) ? model_fail("out of memory") : MODEL_OK;
}

static int pass_frames(struct run *r)
{
    static uint8_t frame[FRAME_MAX];
    struct pc_decision decision;
    struct pc_answer answer;
    struct port *p;
    int result = MODEL_OK;

    while (result == MODEL_OK && (p = next_port(r))) {
        struct pcap_pkthdr header = r->header = p->header;
        memcpy(frame, p->data, header.caplen);
        uint32_t now = time_of(&header);
        age(r, now);
        r->slow.now_ms = (uint64_t)header.ts.tv_sec * 1000 + (uint64_t)header.ts.tv_usec / 1000000;
        if (r->slow_path)
            pc_slow_tick(r->slow.slow, r->slow.now_ms);
        pc_device_packet(r->device, frame, header.caplen, p->function, now, NULL, &decision,
                         &answer);
        if (!decision.drop)
            write_frame(r, decision.egress, &header, frame);
        if (answer.len) {
            header.caplen = header.len = answer.len;
            write_frame(r, answer.egress, &header, answer.bytes);
        }
        result = advance(p);
    }
    return result;
}

/* ---- results ---- */

static void print_stats(const struct pc_device *d)
{
#define NAME(value, name, rule, fate, about) [value] = (name),
    static const char *const names[] = {PORTCAM_REASON_LIST(NAME)};
#undef NAME
    printf("%-20s %12s %14s\n", "reason", "packets", "octets");
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct portcam_counter_row c = pc_device_counter(d, PORTCAM_COUNTER_TABLE_REASON, i);
        if (c.packets)
            printf("%-20s %12llu %14llu\n", names[i], (unsigned long long)c.packets,
                   (unsigned long long)c.octets);
    }
}

static int finish(struct run *r, int result)
{
    for (unsigned i = 0; i < r->n_ports; i++) {
        struct port *p = &r->ports[i];
        if (p->dump && (pcap_dump_flush(p->dump) || ferror(pcap_dump_file(p->dump))))
            result = model_fail("%s: it could not be written: %s", p->out, strerror(errno));
        if (p->dump)
            pcap_dump_close(p->dump);
        if (p->writer)
            pcap_close(p->writer);
        if (p->reader)
            pcap_close(p->reader);
        free(p->in);
        free(p->out);
    }
    for (unsigned f = 0; result == MODEL_OK && f < 256; f++)
        if (r->lost[f])
            model_fail("note: %lu %s left by function %u, which has no output file", r->lost[f],
                       r->lost[f] == 1 ? "frame" : "frames", f);
    if (result == MODEL_OK && r->stats)
        print_stats(r->device);
    if (fflush(stdout) || ferror(stdout))
        result = model_fail("standard output: %s", strerror(errno));
    pc_slow_device_fini(&r->slow);
    pc_device_free(r->device);
    return result;
}

int main(int argc, char **argv)
{
    static struct run r;
    int result = parse_options(&r, argc, argv);

    if (result == MODEL_OK)
        result = check_files(&r);
    if (result == MODEL_OK && !(r.device = model_from_file(r.config, &r.limits)))
        result = MODEL_FAILED;
    for (unsigned i = 0; result == MODEL_OK && i < r.n_ports; i++)
        if (r.ports[i].in && (result = open_reader(&r.ports[i])) == MODEL_OK)
            result = advance(&r.ports[i]);
    for (unsigned i = 0; result == MODEL_OK && i < r.n_ports; i++)
        if (r.ports[i].out)
            result = open_writer(&r.ports[i]);
    if (result == MODEL_OK && r.slow_path)
        result = connect_slow_path(&r);
    if (result == MODEL_OK)
        result = pass_frames(&r);
    return finish(&r, result);
}
