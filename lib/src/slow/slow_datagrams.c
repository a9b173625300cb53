// SPDX-License-Identifier: Apache-2.0
/* Datagrams in pieces; see slow_datagrams.h. */
#include "slow_datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/siphash.h"

int pc_datagrams_init(struct pc_datagrams *t, const struct pc_slow_limits *limits, pc_lost_fn lost,
                      void *ctx)
{
    unsigned chains = 1;

    *t = (struct pc_datagrams){.limits = *limits, .lost = lost, .ctx = ctx};
    TAILQ_INIT(&t->by_age);
    TAILQ_INIT(&t->waiting);
    while (chains < limits->datagrams)
        chains *= 2;
    t->mask = chains - 1;
    t->chains = calloc(chains, sizeof(struct pc_datagram *));
    if (getrandom(t->key, sizeof(t->key), 0) != (ssize_t)sizeof(t->key) || !t->chains) {
        free(t->chains);
        t->chains = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* ---- frames that wait ---- */

static size_t cost(size_t len)
{
    return sizeof(struct pc_held) + len;
}

static void stop_waiting(struct pc_datagrams *t, struct pc_datagram *d)
{
    if (d->is_waiting)
        TAILQ_REMOVE(&t->waiting, d, waiting);
    d->is_waiting = false;
}

void pc_datagrams_take(struct pc_datagrams *t, struct pc_datagram *d, struct pc_held_list *ret)
{
    stop_waiting(t, d);
    STAILQ_CONCAT(ret, &d->held);
    d->held_bytes = 0;
}

void pc_datagrams_release(struct pc_datagrams *t, struct pc_held *held)
{
    t->held--;
    t->held_bytes -= cost(held->len);
    free(held);
}

void pc_datagrams_kill(struct pc_datagrams *t, struct pc_datagram *d, enum pc_slow_outcome why)
{
    struct pc_held *held;

    d->state = PC_DATAGRAM_DEAD;
    stop_waiting(t, d);
    d->held_bytes = 0;
    while ((held = STAILQ_FIRST(&d->held))) {
        STAILQ_REMOVE_HEAD(&d->held, next);
        t->lost(t->ctx, held, why);
    }
    free(d->ranges);
    d->ranges = NULL;
    d->n_ranges = d->room = 0;
}

bool pc_datagrams_hold(struct pc_datagrams *t, struct pc_datagram *d,
                       const struct pc_slow_header *header, const uint8_t *frame, size_t len,
                       bool whole, uint64_t now)
{
    struct pc_held *held = NULL;

    if (d->held_bytes + cost(len) <= t->limits.datagram_bytes)
        held = malloc(cost(len));
    if (!held) {
        if (!whole)
            pc_datagrams_kill(t, d, PC_SLOW_NO_ROOM);
        return false;
    }
    while (t->held_bytes + cost(len) > t->limits.held_bytes && !TAILQ_EMPTY(&t->waiting) &&
           d->state != PC_DATAGRAM_DEAD)
        pc_datagrams_kill(t, TAILQ_FIRST(&t->waiting), PC_SLOW_NO_ROOM);
    if (d->state == PC_DATAGRAM_DEAD || t->held_bytes + cost(len) > t->limits.held_bytes) {
        free(held);
        if (!whole)
            pc_datagrams_kill(t, d, PC_SLOW_NO_ROOM);
        return false;
    }
    *held = (struct pc_held){.header = *header, .whole = whole, .len = len};
    memcpy(held->bytes, frame, len);
    STAILQ_INSERT_TAIL(&d->held, held, next);
    d->held_bytes += cost(len);
    t->held++;
    t->held_bytes += cost(len);
    if (!d->is_waiting) {
        d->is_waiting = true;
        d->holds = now;
        TAILQ_INSERT_TAIL(&t->waiting, d, waiting);
    }
    return true;
}

/* ---- which datagram ---- */

static struct pc_datagram_key key_of(const struct pc_parsed *p)
{
    struct pc_datagram_key key = {.ingress = p->ingress,
                                  .is_v6 = p->is_v6,
                                  .protocol = p->fragment.protocol,
                                  .vlan = p->vlan,
                                  .id = p->fragment.id};
    memcpy(key.src, p->src.ip, sizeof(key.src));
    memcpy(key.dst, p->dst.ip, sizeof(key.dst));
    return key;
}

static struct pc_datagram **chain_of(struct pc_datagrams *t, const struct pc_datagram_key *key)
{
    return &t->chains[pc_siphash(t->key, key, sizeof(*key)) & t->mask];
}

void pc_datagrams_forget(struct pc_datagrams *t, struct pc_datagram *d)
{
    struct pc_datagram **at = chain_of(t, &d->key);

    while (*at != d)
        at = &(*at)->chain;
    *at = d->chain;
    stop_waiting(t, d);
    TAILQ_REMOVE(&t->by_age, d, age);
    t->count--;
    free(d->ranges);
    free(d);
}

static void forget_oldest(struct pc_datagrams *t, enum pc_slow_outcome why)
{
    struct pc_datagram *d = TAILQ_FIRST(&t->by_age);

    pc_datagrams_kill(t, d, why);
    pc_datagrams_forget(t, d);
}

void pc_datagrams_set_limits(struct pc_datagrams *t, const struct pc_slow_limits *limits)
{
    t->limits = *limits;
    while (t->count > limits->datagrams)
        forget_oldest(t, PC_SLOW_NO_ROOM);
    while (t->held_bytes > limits->held_bytes && !TAILQ_EMPTY(&t->waiting))
        pc_datagrams_kill(t, TAILQ_FIRST(&t->waiting), PC_SLOW_NO_ROOM);
}

struct pc_datagram *pc_datagrams_get(struct pc_datagrams *t, const struct pc_parsed *p,
                                     uint64_t now)
{
    struct pc_datagram_key key = key_of(p);
    struct pc_datagram **chain = chain_of(t, &key), *d;

    for (d = *chain; d; d = d->chain) {
        if (memcmp(&d->key, &key, sizeof(key)) == 0)
            return d;
    }
    d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    if (t->count == t->limits.datagrams)
        forget_oldest(t, PC_SLOW_NO_ROOM);
    d->key = key;
    d->made = now;
    STAILQ_INIT(&d->held);
    d->chain = *chain;
    *chain = d;
    TAILQ_INSERT_TAIL(&t->by_age, d, age);
    t->count++;
    return d;
}

void pc_datagrams_fini(struct pc_datagrams *t)
{
    if (!t->chains)
        return;
    while (!TAILQ_EMPTY(&t->by_age))
        forget_oldest(t, PC_SLOW_EXPIRED);
    free(t->chains);
}

/* ---- which bytes ---- */

/* Does the end that this fragment says, or is beyond of, agree with what came? */
static bool fits_end(const struct pc_datagram *d, const struct pc_parsed *p, uint32_t to)
{
    if (d->end)
        return p->fragment.more ? to <= d->end : to == d->end;
    return p->fragment.more || d->n_ranges == 0 || d->ranges[d->n_ranges - 1].to <= to;
}

static bool make_room(const struct pc_datagrams *t, struct pc_datagram *d)
{
    if (d->n_ranges < d->room)
        return true;
    if (d->n_ranges >= t->limits.fragments)
        return false;
    unsigned room = d->room ? 2 * d->room : 4;
    struct pc_range *ranges = realloc(d->ranges, room * sizeof(*ranges));
    if (!ranges)
        return false;
    d->ranges = ranges;
    d->room = room;
    return true;
}

enum pc_came pc_datagram_add(const struct pc_datagrams *t, struct pc_datagram *d,
                             const struct pc_parsed *p, const uint8_t *frame)
{
    const struct pc_fragment *f = &p->fragment;
    struct pc_range new = {.hash = pc_siphash(t->key, frame + f->at, f->len),
                           .from = f->offset,
                           .to = (uint16_t)(f->offset + f->len)};
    unsigned at = d->n_ranges;

    if (!fits_end(d, p, new.to))
        return PC_CAME_ACROSS;
    while (at > 0 && d->ranges[at - 1].to > new.from)
        at--;
    if (at < d->n_ranges && d->ranges[at].from < new.to) {
        const struct pc_range *old = &d->ranges[at];
        bool same = old->from == new.from && old->to == new.to && old->hash == new.hash;
        bool last = d->end == new.to;
        return same && f->more != last ? PC_CAME_AGAIN : PC_CAME_ACROSS;
    }
    if (!make_room(t, d))
        return PC_CAME_TOO_MANY;
    memmove(&d->ranges[at + 1], &d->ranges[at], (d->n_ranges - at) * sizeof(new));
    d->ranges[at] = new;
    d->n_ranges++;
    d->came += f->len;
    if (!f->more)
        d->end = new.to;
    return PC_CAME_NEW;
}

/* ---- time ---- */

void pc_datagrams_tick(struct pc_datagrams *t, uint64_t now)
{
    struct pc_datagram *d;

    while ((d = TAILQ_FIRST(&t->waiting)) && now - d->holds >= t->limits.hold_ms)
        pc_datagrams_kill(t, d, PC_SLOW_EXPIRED);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): TAILQ_REMOVE() took the one that is freed out of the queue */
    while ((d = TAILQ_FIRST(&t->by_age)) && now - d->made >= t->limits.remember_ms)
        forget_oldest(t, PC_SLOW_EXPIRED);
}

uint64_t pc_datagrams_next(const struct pc_datagrams *t)
{
    const struct pc_datagram *oldest = TAILQ_FIRST(&t->by_age), *waits = TAILQ_FIRST(&t->waiting);
    uint64_t next = oldest ? oldest->made + t->limits.remember_ms : UINT64_MAX;

    if (waits && waits->holds + t->limits.hold_ms < next)
        next = waits->holds + t->limits.hold_ms;
    return next;
}
