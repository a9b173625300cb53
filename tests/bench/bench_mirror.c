// SPDX-License-Identifier: Apache-2.0
/*
 * The mirror of a model card with a million connections: how long until it has them all, how long a scan of all takes, and how
 * many events a second one core follows. Events are those of whole lives (begin, two packets of the handshake, two FIN, end) of
 * random clients in random slots; a ring is filled with events of one step, so that none is told with another, and only the
 * following is measured. Prints a line for each. Usage: bench_mirror [RECORDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "card.h"
#include "driver/model.h"
#include "lib/src/mirror/mirror_track.h"
#include "sim/rng.h"

enum { SYN = 2, ACK = 16, FIN_ACK = 17, SYN_ACK = 18, BATCH = 60000, LIVES = 8 };

static unsigned Records = 1 << 20;
static unsigned long Told;
static struct pc_rng Rng;

struct pc_card *__real_pc_card_new(const struct pc_card_host *host);
struct pc_card *__wrap_pc_card_new(const struct pc_card_host *host);
struct pc_card *__wrap_pc_card_new(const struct pc_card_host *host)
{
    struct pc_sizes sizes = pc_sizes_default();
    sizes.connection_rows = Records;
    return pc_card_new_sized(host, &sizes);
}

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    printf("mirror: NOT MEASURED, %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void changed(void *ctx, const struct portcam_mirror_change *c)
{
    (void)ctx, (void)c;
    Told++;
}

static int begin(struct pc_connections *table)
{
    const struct pc_packet syn = {.tcp_flags = SYN, .len = 64, .now = 1000};
    struct pc_insert i = {.key = {.client = {.port = (uint16_t)pc_rng_next(&Rng)}, .protocol = 6},
                          .public_end = {.address = 1, .port = 443},
                          .backend = 1,
                          .endpoint = 1};
    unsigned slot;

    pc_rng_bytes(&Rng, i.key.client.ip, 4);
    do
        i.slot = pc_rng_below(&Rng, Records);
    while (pc_connections_get(table, i.slot));
    return pc_connections_insert(table, &i, &syn, &slot) == PC_RESULT_OK ? (int)slot : -1;
}

static void packet(struct pc_connections *table, unsigned slot, unsigned from, unsigned flags)
{
    struct pc_packet_result ret = {.ended = NULL};
    const struct pc_packet p = {.from = (uint8_t)from, .tcp_flags = (uint8_t)flags, .now = 1000};
    pc_connections_packet(table, slot, &p, &ret);
}

/* One step of all connections of the batch, then their events; seconds of the latter. */
static double step(struct portcam_mirror *m, struct pc_connections *table, int *slot, unsigned what)
{
    bool more = true;

    for (unsigned i = 0; i < BATCH; i++) {
        if (what == 0)
            slot[i] = begin(table);
        else if (what < 5)
            packet(table, (unsigned)slot[i], what % 2 ? PC_FROM_BACKEND : PC_FROM_CLIENT,
                   what == 1   ? SYN_ACK
                   : what == 2 ? ACK
                               : FIN_ACK);
        else
            pc_connections_delete(table, (unsigned)slot[i],
                                  pc_connections_get(table, (unsigned)slot[i])->generation, 1000,
                                  NULL);
    }
    double start = now();
    while (more)
        need(portcam_mirror_run(m, 0, &more) == 0, "the mirror does not run");
    return now() - start;
}

static void events(struct portcam_mirror *m, struct pc_connections *table)
{
    static const char *const names[] = {"begin", "SYN-ACK", "ACK", "FIN", "FIN", "end"};
    double spent[6] = {0}, all = 0;
    int *slot = calloc(BATCH, sizeof(*slot));

    need(slot != NULL, "no memory");
    Told = 0;
    for (unsigned life = 0; life < LIVES; life++) {
        for (unsigned what = 0; what < 6; what++)
            spent[what] += step(m, table, slot, what);
    }
    need(Told == 6ul * LIVES * BATCH, "events were told with others, or not");
    for (unsigned what = 0; what < 6; what++)
        all += spent[what];
    printf("mirror: %.2f million events/s on one core, among %u connections (",
           6.0 * LIVES * BATCH / all / 1e6, pc_connections_used(table));
    for (unsigned what = 0; what < 6; what++)
        printf("%s%s %.2f", what ? ", " : "", names[what], LIVES * BATCH / spent[what] / 1e6);
    printf(")\n");
    free(slot);
}

static void scan(struct portcam_mirror *m)
{
    struct portcam_mirror_stats stats;
    double best = 1e9;

    for (unsigned i = 0; i < 5; i++) {
        m->scan_wanted = true;
        need(portcam_mirror_run(m, 0, NULL) == 0, "the mirror does not run");
        portcam_mirror_get_stats(m, &stats);
        if ((double)stats.rescan_us < best)
            best = (double)stats.rescan_us;
    }
    printf("mirror: a scan of %u connections takes %.1f ms (best of 5)\n", (unsigned)stats.records,
           best / 1e3);
}

int main(int argc, char **argv)
{
    struct portcam_opts opts = {.sz = sizeof(opts), .hash_seed = 1};
    struct portcam_mirror_opts mirror_opts = {.sz = sizeof(mirror_opts), .changed = changed};
    struct portcam_mirror *m = NULL;
    struct portcam *pc = NULL;

    if (argc > 1)
        Records = (unsigned)strtoul(argv[1], NULL, 10);
    Rng = pc_rng_stream(1, "bench_mirror");
    need(portcam_open(&opts, NULL, &pc) == 0, "no card");
    struct portcam_dev *dev = pc_hw_device(pc->hw);
    pc_dev_model_set_time(dev, 1000);
    struct pc_connections *table = pc_device_connections_rw(pc_card_device(pc_dev_model_card(dev)));
    for (unsigned i = 0; i < Records - Records / 10; i++)
        need(begin(table) >= 0, "an insert was refused");
    double start = now();
    need(portcam_mirror_open(pc, &mirror_opts, NULL, &m) == 0, "no mirror");
    printf("mirror: %lu connections are found %.0f ms after the begin, memory and copies of the "
           "model included\n",
           Told, (now() - start) * 1e3);
    start = now();
    need(portcam_mirror_restart(m, NULL) == 0, "no restart");
    printf("mirror: a restart takes %.0f ms, copies of the model included\n",
           (now() - start) * 1e3);
    scan(m);
    events(m, table);
    portcam_close(pc);
    return 0;
}
