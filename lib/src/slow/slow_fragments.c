// SPDX-License-Identifier: Apache-2.0
/* Fragments on the slow path: the first one decides, the others follow it; those that come before it wait. Where ports of
 * SCTP change, the first one itself waits until the length of the whole is known. */
#include "slow_engine.h"

/* Frames that waited go, the first fragment before the others. Whole packets of the flow come behind them. */
static void release(struct pc_slow *e, struct pc_datagram *d)
{
    struct pc_held_list list = STAILQ_HEAD_INITIALIZER(list), rest = STAILQ_HEAD_INITIALIZER(rest);
    struct pc_held *held;

    d->state = PC_DATAGRAM_DECIDED;
    pc_datagrams_take(&e->datagrams, d, &list);
    for (unsigned pass = 0; pass < 2; pass++) {
        while ((held = STAILQ_FIRST(&list))) {
            STAILQ_REMOVE_HEAD(&list, next);
            struct pc_slow_work w = {.header = held->header, .at = held->bytes, .len = held->len};
            if (!held->whole)
                pc_parse_slow(w.at, w.len, w.header.ingress, PC_SLOW_FRAME_MAX, &w.parsed);
            if (pass == 0 && (held->whole || w.parsed.fragment.offset != 0)) {
                STAILQ_INSERT_TAIL(&rest, held, next);
            } else if (held->whole) {
                STAILQ_INSERT_TAIL(&e->ready, held, next);
            } else {
                pc_slow_follow(e, &w, &d->verdict, d->end);
                pc_datagrams_release(&e->datagrams, held);
            }
        }
        STAILQ_CONCAT(&list, &rest);
    }
}

static bool may_hold(struct pc_slow *e, struct pc_datagram *d, const struct pc_slow_work *w)
{
    return pc_datagrams_hold(&e->datagrams, d, &w->header, w->at, w->len, false, e->now);
}

static void kill(struct pc_slow *e, struct pc_datagram *d, const struct pc_slow_work *w,
                 enum pc_slow_outcome why)
{
    pc_datagrams_kill(&e->datagrams, d, why);
    pc_slow_count(e, &w->header, why);
}

/* The first fragment came, or came again. */
static void first(struct pc_slow *e, struct pc_datagram *d, struct pc_slow_work *w)
{
    if (d->state == PC_DATAGRAM_NEW) {
        d->verdict = pc_slow_decide(e, w);
        d->state = PC_DATAGRAM_DECIDED;
        if (pc_slow_changes_sctp(w, &d->verdict) && d->end == 0) {
            d->state = PC_DATAGRAM_ENDLESS;
            d->ports[0] = w->parsed.src.port;
            d->ports[1] = w->parsed.dst.port;
        }
    }
    if (d->state == PC_DATAGRAM_ENDLESS) {
        if (!may_hold(e, d, w))
            pc_slow_count(e, &w->header, PC_SLOW_NO_ROOM);
        return;
    }
    pc_slow_follow(e, w, &d->verdict, d->end);
    release(e, d);
}

static void later(struct pc_slow *e, struct pc_datagram *d, struct pc_slow_work *w)
{
    if (d->state == PC_DATAGRAM_DECIDED)
        pc_slow_follow(e, w, &d->verdict, d->end);
    else if (!may_hold(e, d, w))
        pc_slow_count(e, &w->header, PC_SLOW_NO_ROOM);
    else if (d->state == PC_DATAGRAM_ENDLESS && d->end)
        release(e, d);
}

static bool is_malformed(const struct pc_parsed *p)
{
    const struct pc_fragment *f = &p->fragment;
    return f->len == 0 || (f->more && f->len % 8 != 0) || f->offset + f->len > 65535;
}

/* A first fragment that cannot be decided about as one. */
static bool is_tiny(const struct pc_parsed *p)
{
    return p->decided && p->reason == PORTCAM_REASON_FRAGMENT;
}

void pc_slow_fragment(struct pc_slow *e, struct pc_slow_work *w)
{
    const struct pc_parsed *parsed = &w->parsed;

    if (is_malformed(parsed)) {
        pc_slow_count(e, &w->header, PC_SLOW_MALFORMED);
        return;
    }
    struct pc_datagram *d = pc_datagrams_get(&e->datagrams, parsed, e->now);
    if (!d) {
        pc_slow_count(e, &w->header, PC_SLOW_NO_ROOM);
        return;
    }
    if (d->state == PC_DATAGRAM_DEAD) {
        pc_slow_count(e, &w->header, PC_SLOW_REST);
        return;
    }
    if (is_tiny(parsed)) {
        kill(e, d, w, PC_SLOW_TINY);
        return;
    }
    enum pc_came came = pc_datagram_add(&e->datagrams, d, parsed, w->at);
    if (came == PC_CAME_ACROSS || came == PC_CAME_TOO_MANY)
        kill(e, d, w, came == PC_CAME_ACROSS ? PC_SLOW_OVERLAP : PC_SLOW_NO_ROOM);
    else if (parsed->fragment.offset == 0)
        first(e, d, w);
    else
        later(e, d, w);
    if (d->state == PC_DATAGRAM_DECIDED && pc_datagram_is_whole(d))
        pc_datagrams_forget(&e->datagrams, d);
}
