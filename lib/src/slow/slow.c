// SPDX-License-Identifier: Apache-2.0
/* The engine of the slow path: see slow.h. */
#include "slow.h"

#include <stdlib.h>
#include <string.h>

#include "slow_engine.h"
#include "slow_records.h"

enum {
    SCTP = 132,
    LOOK = 64, /* datagrams among those that wait */
    SERVICES = 65536,
};

static const char *const Names[PC_SLOW_OUTCOMES] = {
    [PC_SLOW_REWRITTEN] = "rewritten", [PC_SLOW_DELIVERED] = "delivered",
    [PC_SLOW_PASSED] = "passed",       [PC_SLOW_REFUSED] = "refused",
    [PC_SLOW_DROPPED] = "dropped",     [PC_SLOW_FULL] = "full",
    [PC_SLOW_CONFLICT] = "conflict",   [PC_SLOW_TINY] = "tiny",
    [PC_SLOW_MALFORMED] = "malformed", [PC_SLOW_OVERLAP] = "overlap",
    [PC_SLOW_REST] = "rest",           [PC_SLOW_NO_ROOM] = "no_room",
    [PC_SLOW_EXPIRED] = "expired",     [PC_SLOW_NONSENSE] = "nonsense",
};

const char *pc_slow_outcome_name(unsigned outcome)
{
    return outcome < PC_SLOW_OUTCOMES ? Names[outcome] : "?";
}

/* ---- life ---- */

/* A frame that waited is given up. One that is whole waited only for its turn. */
static void lost(void *ctx, struct pc_held *held, enum pc_slow_outcome why)
{
    struct pc_slow *e = ctx;

    if (held->whole) {
        STAILQ_INSERT_TAIL(&e->ready, held, next);
        return;
    }
    pc_slow_count(e, &held->header, why);
    pc_datagrams_release(&e->datagrams, held);
}

bool pc_slow_limits_complete(struct pc_slow_limits *l)
{
    l->datagrams = l->datagrams ? l->datagrams : 4096;
    l->fragments = l->fragments ? l->fragments : 128;
    l->held_bytes = l->held_bytes ? l->held_bytes : 4u << 20;
    l->datagram_bytes = l->datagram_bytes ? l->datagram_bytes : 128u << 10;
    l->hold_ms = l->hold_ms ? l->hold_ms : 1000;
    l->remember_ms = l->remember_ms ? l->remember_ms : 30000;
    return l->datagrams <= 1u << 20 && l->fragments <= 8192 && l->held_bytes <= 1u << 30 &&
           l->datagram_bytes <= 1u << 30;
}

struct pc_slow *pc_slow_new(const struct pc_slow_ops *ops, const struct pc_slow_limits *limits)
{
    struct pc_slow_limits l = limits ? *limits : (struct pc_slow_limits){0};
    struct pc_slow *e = pc_slow_limits_complete(&l) ? calloc(1, sizeof(*e)) : NULL;

    if (!e)
        return NULL;
    e->ops = *ops;
    STAILQ_INIT(&e->ready);
    pc_buckets_fill(e->bucket, PC_BUCKETS);
    e->counter = calloc(SERVICES, sizeof(*e->counter));
    e->scratch = pc_slow_scratch();
    if (!e->counter || !e->scratch || pc_datagrams_init(&e->datagrams, &l, lost, e)) {
        pc_slow_free(e);
        return NULL;
    }
    return e;
}

void pc_slow_set_limits(struct pc_slow *e, const struct pc_slow_limits *limits)
{
    struct pc_slow_limits l = *limits;

    if (pc_slow_limits_complete(&l))
        pc_datagrams_set_limits(&e->datagrams, &l);
}

void pc_slow_free(struct pc_slow *e)
{
    struct pc_held *held;

    if (!e)
        return;
    pc_datagrams_fini(&e->datagrams);
    while ((held = STAILQ_FIRST(&e->ready))) {
        STAILQ_REMOVE_HEAD(&e->ready, next);
        free(held);
    }
    pc_connections_free(e->scratch);
    free(e->counter);
    free(e);
}

const struct pc_slow_stats *pc_slow_stats(const struct pc_slow *e)
{
    return &e->stats;
}

/* ---- packets ---- */

/* Behind a fragmented packet of the same flow that waits; false if there is none, or no room. */
static bool waits_its_turn(struct pc_slow *e, const struct pc_slow_work *w)
{
    const struct pc_parsed *parsed = &w->parsed;
    struct pc_datagram *d;
    unsigned looked = 0;

    if (parsed->protocol != SCTP || !parsed->has_ports)
        return false;
    TAILQ_FOREACH(d, &e->datagrams.waiting, waiting)
    {
        if (looked++ == LOOK)
            return false;
        if (d->state == PC_DATAGRAM_ENDLESS && d->key.ingress == parsed->ingress &&
            d->key.vlan == parsed->vlan && d->key.is_v6 == parsed->is_v6 &&
            d->ports[0] == parsed->src.port && d->ports[1] == parsed->dst.port &&
            memcmp(d->key.src, parsed->src.ip, sizeof(d->key.src)) == 0 &&
            memcmp(d->key.dst, parsed->dst.ip, sizeof(d->key.dst)) == 0)
            return pc_datagrams_hold(&e->datagrams, d, &w->header, w->at, w->len, true, e->now);
    }
    return false;
}

static void whole(struct pc_slow *e, struct pc_slow_work *w)
{
    if (waits_its_turn(e, w))
        return;
    struct pc_verdict v = pc_slow_decide(e, w);
    pc_slow_follow(e, w, &v, 0);
}

/* Where every fragment says by itself that its datagram passes. */
static bool passes_alone(const struct pc_parsed *p)
{
    return p->decided &&
           (p->reason == PORTCAM_REASON_MULTICAST || p->reason == PORTCAM_REASON_COMPLEX_ROUTING ||
            p->reason == PORTCAM_REASON_COMPLEX_OPTIONS);
}

static void work(struct pc_slow *e, struct pc_slow_work *w)
{
    size_t max_frame = pc_tables_sizes(e->tables)->max_frame;

    pc_parse_slow(w->at, w->len, w->header.ingress, max_frame, &w->parsed);
    if (w->parsed.fragment.is && !passes_alone(&w->parsed))
        pc_slow_fragment(e, w);
    else
        whole(e, w);
}

/* Whole packets whose turn has come. One may have to wait again, behind another. */
static void drain(struct pc_slow *e)
{
    struct pc_held *held;

    while ((held = STAILQ_FIRST(&e->ready))) {
        STAILQ_REMOVE_HEAD(&e->ready, next);
        struct pc_slow_work w = {.header = held->header, .at = held->bytes, .len = held->len};
        work(e, &w);
        pc_datagrams_release(&e->datagrams, held);
    }
}

static void passed(struct pc_slow *e, uint64_t now_ms)
{
    e->now = now_ms > e->now ? now_ms : e->now;
    e->tables = e->ops.tables(e->ops.ctx);
    pc_datagrams_tick(&e->datagrams, e->now);
}

static void finish(struct pc_slow *e)
{
    struct pc_slow_stats *s = &e->stats;

    drain(e);
    s->datagrams = e->datagrams.count;
    s->held = e->datagrams.held;
    s->held_bytes = e->datagrams.held_bytes;
    if (s->datagrams > s->datagrams_most)
        s->datagrams_most = s->datagrams;
    if (s->held_bytes > s->held_bytes_most)
        s->held_bytes_most = s->held_bytes;
}

/* From memory that the card can write to: from here on nobody changes it. */
static void copy_in(uint8_t *to, const uint8_t *frame, size_t len)
{
    memcpy(to, frame, len);
}

void pc_slow_packet(struct pc_slow *e, const struct pc_slow_header *header, const uint8_t *frame,
                    size_t len, uint64_t now_ms)
{
    struct pc_slow_work w = {.header = *header, .at = e->frame, .len = len};

    passed(e, now_ms);
    const struct pc_sizes *sizes = pc_tables_sizes(e->tables);
    if (w.header.reason >= PORTCAM_REASON_ROWS) {
        w.header.reason = 0;
        pc_slow_count(e, &w.header, PC_SLOW_NONSENSE);
    } else if (w.header.ingress >= sizes->functions || len == 0 || len > sizes->max_frame ||
               len > PC_SLOW_FRAME_MAX) {
        pc_slow_count(e, &w.header, PC_SLOW_NONSENSE);
    } else {
        copy_in(w.at, frame, len);
        work(e, &w);
    }
    finish(e);
}

void pc_slow_tick(struct pc_slow *e, uint64_t now_ms)
{
    passed(e, now_ms);
    finish(e);
}

uint64_t pc_slow_next(const struct pc_slow *e)
{
    return pc_datagrams_next(&e->datagrams);
}
