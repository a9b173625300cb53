// SPDX-License-Identifier: Apache-2.0
/*
 * Packets a second of the slow path: the engine alone on one core, over a model device, and through the model card with its
 * rings, mirror and commands, on two, the model's work included. And how many packets of a mix leave the card's own path. Usage: bench_slow [SECONDS]
 *
 * The mix is one of a server's line as measurements of the Internet tell of it: most of it TCP, one packet in 250 a fragment.
 */
#include <pthread.h>
#include <time.h>

#include "driver/model.h"
#include "lib/model/card.h"
#include "lib/src/slow/slow_run.h"
#include "tests/unit/lib/slow_world.h"

#define FRAGMENT PORTCAM_REASON_FRAGMENT

static double Seconds = 1;
static unsigned long long Sent;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count_sent(void *ctx, unsigned egress, const uint8_t *frame, size_t len)
{
    (void)ctx;
    (void)egress;
    (void)frame;
    (void)len;
    Sent++;
}

static void give_as(struct slow *s, unsigned reason, unsigned ingress, const struct frame *f)
{
    const struct pc_slow_header h = {
        .reason = (uint8_t)reason, .ingress = (uint8_t)ingress, .time_ms = (uint32_t)s->now};
    pc_slow_packet(s->engine, &h, f->b, f->len, s->now);
}

static void set_id(struct frame *f, unsigned id)
{
    put16(f->b + f->l3 + 4, id);
}

static void set_client_port(struct frame *f, unsigned port)
{
    put16(f->b + f->l4, port);
}

/* Two fragments of 1,400 and 600 bytes, or the second before the first; or of clients that are all new. */
static double fragments(struct slow *s, const char *to, bool later_first, bool new_clients)
{
    struct frame whole = datagram(UDP, "192.0.2.9", 4000, to, 53, 1992);
    struct frame a = piece(&whole, 0, 1400, 1), b = piece(&whole, 1400, 2000, 1);
    unsigned long long n = 0;
    double start = now(), end;
    do {
        for (unsigned i = 0; i < 1000; i++, n++) {
            set_id(&a, (unsigned)n);
            set_id(&b, (unsigned)n);
            if (new_clients)
                set_client_port(&a, (unsigned)(1 + n % 60000));
            if (new_clients && n % 60000 == 0)
                pc_connections_clear(pc_device_connections_rw(s->device));
            give_as(s, FRAGMENT, 0, later_first ? &b : &a);
            give_as(s, FRAGMENT, 0, later_first ? &a : &b);
        }
        end = now();
    } while (end - start < Seconds);
    return 2 * (double)n / (end - start);
}

static double whole_packets(struct slow *s, unsigned reason, const struct frame *f)
{
    unsigned long long n = 0;
    double start = now(), end;
    do {
        for (unsigned i = 0; i < 1000; i++, n++)
            give_as(s, reason, 0, f);
        end = now();
    } while (end - start < Seconds);
    return (double)n / (end - start);
}

static void engine_alone(void)
{
    struct slow *s = slow_with(NULL);
    struct frame sctp = datagram(SCTP, "192.0.2.9", 4000, "198.51.100.3", 53, 1400);
    s->over.send = count_sent;
    const char *text = "slow path, engine alone, %s: %.2f million packets/s\n";
    printf(text, "fragments, static", fragments(s, "198.51.100.3", false, false) / 1e6);
    printf(text, "fragments, later before first", fragments(s, "198.51.100.3", true, false) / 1e6);
    printf(text, "fragments, records known", fragments(s, "198.51.100.1", false, false) / 1e6);
    printf(text, "fragments, each datagram makes a record",
           fragments(s, "198.51.100.1", false, true) / 1e6);
    printf(text, "SCTP of 1,400 bytes, ports changed",
           whole_packets(s, PORTCAM_REASON_SCTP_PORTS, &sctp) / 1e6);
    pc_slow_device_fini(&s->over);
    pc_device_free(s->device);
    free(s);
}

/* ---- through the card ---- */

static const char Shop[] =
    "{\"format\": 1, \"slow_path\": {\"rate\": 65535, \"burst\": 65535},"
    "\"domains\": [{\"name\": \"d\"}], \"addresses\": [{\"address\": \"198.51.100.1\", \"domain\": "
    "\"d\"}],"
    "\"backends\": [{\"name\": \"b\", \"address\": \"10.0.0.1\", \"port\": 5353, \"function\": 1}],"
    "\"services\": [{\"name\": \"s\", \"domain\": \"d\", \"address\": \"198.51.100.1\", "
    "\"protocol\": \"udp\","
    "\"port\": 53, \"mode\": \"stateful\", \"backends\": [\"b\"]}]}";

static bool Stop;

static void *follow(void *mirror)
{
    while (!__atomic_load_n(&Stop, __ATOMIC_RELAXED)) {
        bool more = false;
        if (portcam_mirror_run(mirror, 0, &more) || !more)
            sched_yield();
    }
    return NULL;
}

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void comes(struct portcam_dev *dev, const struct frame *f, uint32_t ms)
{
    struct frame copy = *f;
    struct pc_decision d;
    struct pc_device *device = pc_card_device(pc_dev_model_card(dev));
    pc_dev_model_lock(dev);
    pc_device_packet(device, copy.b, copy.len, 0, ms, NULL, &d, NULL);
    pc_dev_model_unlock(dev);
}

static double through_card(bool new_clients)
{
    struct portcam_config *config = NULL;
    struct portcam *pc = NULL;
    struct portcam_mirror *mirror = NULL;
    struct portcam_slow_path *slow = NULL;
    struct frame whole = datagram(UDP, "192.0.2.9", 4000, "198.51.100.1", 53, 1992);
    struct frame a = piece(&whole, 0, 1400, 1), b = piece(&whole, 1400, 2000, 1);
    unsigned long long n = 0;
    bool ok = portcam_open(NULL, NULL, &pc) == 0 &&
              portcam_config_parse(Shop, strlen(Shop), NULL, NULL, &config) == 0 &&
              portcam_config_apply(pc, config, NULL, NULL) == 0 &&
              portcam_mirror_open(pc, NULL, NULL, &mirror) == 0 &&
              portcam_slow_path_open(pc, NULL, &slow) == 0;
    struct portcam_dev *dev = ok ? pc_hw_device(pc->hw) : NULL;
    pthread_t thread;
    Stop = false;
    Sent = 0;
    ok = ok && pthread_create(&thread, NULL, follow, mirror) == 0;
    double start = wall(), end = start;
    while (ok && end - start < Seconds) {
        if (n == 0)
            pc_dev_model_set_frame(dev, count_sent, NULL);
        for (unsigned i = 0; i < 16; i++, n++) {
            set_id(&a, (unsigned)n);
            set_id(&b, (unsigned)n);
            if (new_clients)
                set_client_port(&a, (unsigned)(1 + n % 15000));
            comes(dev, &a, (uint32_t)n);
            comes(dev, &b, (uint32_t)n);
        }
        ok = portcam_slow_path_run(slow, 0) == 0;
        end = wall();
    }
    __atomic_store_n(&Stop, true, __ATOMIC_RELAXED);
    if (dev)
        pthread_join(thread, NULL);
    portcam_config_free(config);
    portcam_close(pc);
    return ok && Sent ? (double)Sent / (end - start) : 0;
}

/* ---- how many leave the card's own path ---- */

static const struct {
    unsigned of_10000;
    const char *what;
} Mix[] = {
    {8500, "TCP"},
    {1440, "UDP"},
    {40, "fragments of UDP"},
    {10, "ICMP"},
    {5, "SCTP"},
    {4, "ESP"},
    {1, "IPv4 options of a router alert"},
};

static struct frame of_mix(unsigned kind, struct pc_rng *r)
{
    unsigned port = 1024 + pc_rng_below(r, 60000);
    struct frame f = datagram(UDP, "192.0.2.9", port, "198.51.100.3", 53, 1000);
    const uint8_t alert[4] = {0x94, 4, 0, 0};
    struct frame_spec options = {.src = "192.0.2.9",
                                 .dst = "198.51.100.3",
                                 .protocol = UDP,
                                 .sport = (uint16_t)port,
                                 .dport = 53,
                                 .opt = alert,
                                 .opt_len = 4};
    switch (kind) {
    case 0:
        return datagram(TCP, "192.0.2.9", port, "198.51.100.3", 53, pc_rng_below(r, 1400));
    case 2:
        return piece(&f, 0, 800, port);
    case 3:
        return datagram(ICMP, "192.0.2.9", 0, "198.51.100.3", 0, 56);
    case 4:
        return datagram(SCTP, "192.0.2.9", port, "198.51.100.3", 53, 500);
    case 5:
        return datagram(50, "192.0.2.9", 0, "198.51.100.3", 0, 500);
    case 6:
        return build_frame(&options);
    default:
        return f;
    }
}

static void share(void)
{
    enum { PACKETS = 200000 };
    struct pc_device *d = new_device();
    struct pc_rng r = pc_rng_stream(1, "mix");
    struct pc_decision v;
    unsigned left = 0;
    fill_shop(d);
    fill_slow_world(d);
    for (unsigned n = 0; n < PACKETS; n++) {
        unsigned at = pc_rng_below(&r, 10000), kind = 0;
        while (at >= Mix[kind].of_10000)
            at -= Mix[kind++].of_10000;
        struct frame f = of_mix(kind, &r);
        pc_device_packet(d, f.b, f.len, 0, n / 100, NULL, &v, NULL);
        left += PORTCAM_PUNT_REASONS >> v.reason & 1;
    }
    printf("slow path, share of a mix (85 %% TCP, 0.4 %% fragments, 0.05 %% SCTP): %.2f %% of %u "
           "packets\n",
           100.0 * left / PACKETS, PACKETS);
    pc_device_free(d);
}

int main(int argc, char **argv)
{
    Seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    engine_alone();
    double known = through_card(false), anew = through_card(true);
    printf(
        "slow path, through the model card: %.2f million packets/s; %.2f where each datagram makes "
        "a record\n",
        known / 1e6, anew / 1e6);
    share();
    return known == 0 || anew == 0;
}
