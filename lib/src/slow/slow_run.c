// SPDX-License-Identifier: Apache-2.0
/* The slow path of a card: see portcam/slow_path.h. */
#include "slow_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/report.h"
#include "config/config_slow.h"
#include "show/explain.h"

enum {
    PUNT_LOG2 = 8,
    INJECT_LOG2 = 8,
    AT_ONCE = 32, /* packets, before the card gets their room back */
    RESTART_MS = 1000,
    TELL_MS = 100,
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- rows that change ---- */

static void news_free(struct pc_slow_news *news)
{
    if (news)
        pc_tables_free(news->tables);
    free(news);
}

static int make_news(const struct portcam *pc, struct pc_slow_news **ret)
{
    struct pc_slow_news *news = calloc(1, sizeof(*news));

    if (!news)
        return -ENOMEM;
    news->limits = pc_slow_path_limits(&pc->plan->config->slow_path);
    int rc = pc_load_tables(pc, &news->tables);
    if (rc)
        news_free(news);
    else
        *ret = news;
    return rc;
}

int pc_slow_path_follow(struct portcam *pc)
{
    struct pc_slow_news *news;
    int rc = pc->slow_path ? make_news(pc, &news) : 0;

    if (rc == 0 && pc->slow_path)
        news_free(__atomic_exchange_n(&pc->slow_path->news, news, __ATOMIC_ACQ_REL));
    return rc;
}

static void take_news(struct portcam_slow_path *s)
{
    struct pc_slow_news *news = __atomic_exchange_n(&s->news, NULL, __ATOMIC_ACQ_REL);

    if (!news)
        return;
    pc_tables_free(s->tables);
    s->tables = news->tables;
    news->tables = NULL;
    if (s->engine)
        pc_slow_set_limits(s->engine, &news->limits);
    news_free(news);
}

/* ---- life ---- */

static int start(struct portcam_slow_path *s)
{
    struct portcam_punt_opts opts = {
        .sz = sizeof(opts), .log2_punt = PUNT_LOG2, .log2_inject = INJECT_LOG2};
    const struct pc_slow_ops ops = pc_slow_card_ops(s);
    const struct pc_slow_limits limits = pc_slow_path_limits(&s->pc->plan->config->slow_path);

    opts.irq_fd = pc_hw_irq_fd(s->pc->hw, PORTCAM_VECTOR_PUNTS);
    opts.use_irq = opts.irq_fd >= 0;
    int rc = make_news(s->pc, &s->news);
    if (rc)
        return rc;
    take_news(s);
    s->engine = pc_slow_new(&ops, &limits);
    return s->engine ? portcam_punt_open(pc_hw_device(s->pc->hw), &opts, &s->punt) : -ENOMEM;
}

int portcam_slow_path_open(struct portcam *pc, struct portcam_report *report,
                           struct portcam_slow_path **ret)
{
    if (!(pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_PUNT)) {
        pc_report_add(report, "unsupported", "this card does not hand packets to the host");
        return -EOPNOTSUPP;
    }
    if (pc->slow_path) {
        pc_report_add(report, "busy", "the slow path of this card is open already");
        return -EBUSY;
    }
    struct portcam_slow_path *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->pc = pc;
    pthread_mutex_init(&s->lock, NULL);
    int rc = start(s);
    if (rc) {
        pc_report_add(report, pc_hw_code(rc), "the slow path cannot be started: %s",
                      rc == -ENOMEM ? "out of memory" : pc_hw_error());
        portcam_slow_path_close(s);
        return rc;
    }
    s->now.running = s->told.running = true;
    pc->slow_path = s;
    *ret = s;
    return 0;
}

void portcam_slow_path_close(struct portcam_slow_path *s)
{
    if (!s)
        return;
    if (s->pc->slow_path == s)
        s->pc->slow_path = NULL;
    portcam_punt_close(s->punt);
    pc_slow_free(s->engine);
    news_free(s->news);
    pc_tables_free(s->tables);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- a turn ---- */

static void tell(struct portcam_slow_path *s, uint64_t now)
{
    if (now - s->told_ms < TELL_MS)
        return;
    s->told_ms = now;
    s->now.engine = *pc_slow_stats(s->engine);
    (void)portcam_punt_dropped(s->punt, &s->now.ring_full, &s->now.refused);
    pthread_mutex_lock(&s->lock);
    s->told = s->now;
    pthread_mutex_unlock(&s->lock);
}

/* Rings that stopped are started again, but not all the time. */
static int restart(struct portcam_slow_path *s, uint64_t now, unsigned timeout_ms)
{
    s->now.running = false;
    if (s->restarted_ms && now - s->restarted_ms < RESTART_MS) {
        const struct timespec t = {.tv_nsec = (timeout_ms < 100 ? timeout_ms : 100) * 1000000L};
        nanosleep(&t, NULL);
        return 0;
    }
    s->restarted_ms = now;
    int rc = portcam_punt_restart(s->punt);
    if (rc)
        return rc;
    s->broken = false;
    s->now.running = true;
    s->now.restarts++;
    return 0;
}

/* The packets that are there. */
static int work(struct portcam_slow_path *s, uint64_t now)
{
    struct portcam_punted packets[AT_ONCE];
    unsigned n = 0;
    int rc = portcam_punt_poll(s->punt, packets, AT_ONCE, &n);

    for (unsigned i = 0; i < n; i++) {
        const struct portcam_punt_header *h = &packets[i].header;
        const struct pc_slow_header header = {
            .reason = h->reason, .ingress = h->ingress, .time_ms = h->time_ms};
        pc_slow_packet(s->engine, &header, packets[i].frame, h->len, now);
    }
    int released = n ? portcam_punt_release(s->punt, n) : 0;
    return rc ? rc : released;
}

int portcam_slow_path_run(struct portcam_slow_path *s, unsigned timeout_ms)
{
    if (!s->mirror) /* opened after this */
        s->mirror = __atomic_load_n(&s->pc->mirror, __ATOMIC_ACQUIRE);
    uint64_t now = now_ms(), next = pc_slow_next(s->engine);
    unsigned wait = next <= now ? 0 : next - now < timeout_ms ? (unsigned)(next - now) : timeout_ms;
    int rc = 0;

    if (s->broken)
        rc = restart(s, now, timeout_ms);
    else
        rc = portcam_punt_wait(s->punt, wait);
    take_news(s);
    now = now_ms();
    if (rc == 0 && !s->broken)
        rc = work(s, now);
    pc_slow_tick(s->engine, now);
    tell(s, now);
    if (rc == 0 || rc == -ETIMEDOUT)
        return 0;
    s->broken = true;
    return rc;
}
