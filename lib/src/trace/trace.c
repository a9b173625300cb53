// SPDX-License-Identifier: Apache-2.0
/*
 * The trace of a card: see portcam/trace.h. What the card wrote is bounded here, before anything
 * uses it.
 */
#include "trace/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RING_LOG2 = 12,
    LOOK = 512,     /* entries in one call */
    KNOW_MS = 1000, /* how old counters may be when a reset takes them away */
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Counters, which have 32 bits in the card and go on behind that, and both clocks. */
static void know(struct portcam_trace *t)
{
    struct pc_samples_counts c;
    struct timespec day;
    uint32_t card_ms = 0;

    t->known_ms = now_ms();
    if (pc_samples_count(t->ring, &c) == 0) {
        t->told.matched += c.matched - t->card.matched;
        t->told.limited += c.limited - t->card.limited;
        t->told.lost += c.lost - t->card.lost;
        t->card = c;
    }
    if (pc_hw_register(t->pc->hw, PORTCAM_REG_TIME_MS, &card_ms))
        return;
    clock_gettime(CLOCK_REALTIME, &day);
    t->day_ms = (double)day.tv_sec * 1000 + (double)day.tv_nsec / 1000000;
    t->day_card_ms = card_ms;
}

/* ---- life ---- */

static int copy_filter(struct portcam_trace_filter *to, const struct portcam_trace_filter *from,
                       struct portcam_report *report)
{
    memset(to, 0, sizeof(*to));
    if (!from)
        return 0;
    bool newer = from->sz < sizeof(from->sz);
    for (size_t i = sizeof(*to); i < from->sz; i++)
        newer |= ((const unsigned char *)from)[i] != 0;
    if (newer) {
        pc_report_add(report, "usage",
                      "a filter with its size wrong, or newer than this library: update it");
        return -EINVAL;
    }
    memcpy(to, from, from->sz < sizeof(*to) ? from->sz : sizeof(*to));
    return 0;
}

static int check_card(const struct portcam *pc, struct portcam_report *report)
{
    if (!(pc_hw_caps(pc->hw)->flags & PORTCAM_CAPS_TRACE)) {
        pc_report_add(report, "unsupported", "this card cannot trace packets");
        return -EOPNOTSUPP;
    }
    if (pc->trace) {
        pc_report_hint(report, "busy", "a card has one trace at a time",
                       "this card is being traced already, by %s", pc->trace->who);
        return -EBUSY;
    }
    return 0;
}

int portcam_trace_open(struct portcam *pc, const struct portcam_trace_filter *filter,
                       const char *who, struct portcam_report *report, struct portcam_trace **ret)
{
    struct portcam_trace_filter f;
    int rc = check_card(pc, report);

    if (rc == 0)
        rc = copy_filter(&f, filter, report);
    if (rc)
        return rc;
    struct portcam_trace *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->pc = pc;
    t->who = strdup(who ? who : "somebody");
    rc = t->who ? pc_trace_plan_make(pc, &f, report, &t->plan) : -ENOMEM;
    if (rc == 0) {
        rc = pc_samples_open(pc_hw_device(pc->hw), RING_LOG2, &t->plan.card, &t->ring);
        if (rc && rc != -ENOMEM)
            pc_report_add(report, pc_hw_code(rc), "the trace cannot be started: %s", pc_hw_error());
    }
    if (rc) {
        portcam_trace_close(t);
        return rc;
    }
    know(t);
    pc->trace = t;
    *ret = t;
    return 0;
}

void portcam_trace_close(struct portcam_trace *t)
{
    if (!t)
        return;
    if (t->pc->trace == t)
        t->pc->trace = NULL;
    pc_samples_close(t->ring);
    free(t->who);
    free(t);
}

const char *portcam_trace_error(void)
{
    return pc_hw_error();
}

/* ---- samples ---- */

static bool is_number(uint16_t number, uint32_t count)
{
    return number < count || number == PC_TRACE_NONE;
}

static bool is_sane(const struct portcam_trace *t, const struct portcam_trace_header *h)
{
    static const uint64_t reasons = 0
#define BIT(value, name, rule, fate, about) | 1ull << (value)
        PORTCAM_REASON_LIST(BIT)
#undef BIT
        ;
    static const uint8_t flags = PORTCAM_TRACE_HEADER_DROPPED | PORTCAM_TRACE_HEADER_PUNTED |
                                 PORTCAM_TRACE_HEADER_REPLY | PORTCAM_TRACE_HEADER_BEGAN;
    const struct portcam_caps *caps = pc_hw_caps(t->pc->hw);
    bool stays = h->flags & (PORTCAM_TRACE_HEADER_DROPPED | PORTCAM_TRACE_HEADER_PUNTED);

    return h->len > 0 && h->reason < 64 && reasons >> h->reason & 1 && !(h->flags & ~flags) &&
           h->ingress < caps->functions &&
           (h->egress < caps->functions || (stays && h->egress == PC_TRACE_NO_EGRESS)) &&
           is_number(h->domain, caps->domains) && is_number(h->address, caps->addresses) &&
           is_number(h->service, caps->services) && is_number(h->backend, caps->backends) &&
           (h->connection < pc_hw_slots(t->pc->hw) || h->connection == PC_TRACE_NO_CONNECTION);
}

/* The limits of a filter that the card knows only in part. */
static bool is_due(struct portcam_trace *t, uint32_t time_ms)
{
    const struct pc_trace_rest *rest = &t->plan.rest;
    uint32_t passed = time_ms - t->filled_ms;

    t->known.matched++;
    if (t->turn++ % rest->every)
        return false;
    if (!t->filled)
        t->tokens = rest->rate;
    else if (passed < UINT32_MAX / 2)
        t->tokens += passed / 1000.0 * rest->rate;
    if (t->tokens > rest->rate)
        t->tokens = rest->rate;
    t->filled = true;
    t->filled_ms = time_ms;
    if (t->tokens < 1) {
        t->known.limited++;
        return false;
    }
    t->tokens -= 1;
    return true;
}

/* Is this one for the program? */
static bool take(struct portcam_trace *t, const struct pc_samples_entry *e,
                 struct portcam_trace_sample *s)
{
    struct pc_parsed parsed;

    if (!is_sane(t, &e->header)) {
        t->known.nonsense++;
        return false;
    }
    s->header = e->header;
    memcpy(s->head, e->head, sizeof(s->head));
    s->captured = s->header.len < sizeof(s->head) ? s->header.len : (unsigned)sizeof(s->head);
    if (t->plan.rest.any) {
        pc_trace_parse(s, &parsed);
        if (!pc_trace_fits(&t->plan.rest, &s->header, &parsed) || !is_due(t, s->header.time_ms))
            return false;
    }
    t->known.sampled++;
    return true;
}

static int restart(struct portcam_trace *t)
{
    memset(&t->card, 0, sizeof(t->card));
    t->known.restarts++;
    return pc_samples_restart(t->ring);
}

int portcam_trace_next(struct portcam_trace *t, struct portcam_trace_sample *ret)
{
    struct portcam_trace_sample sample;
    struct pc_samples_entry entry;
    int rc = 1;

    for (unsigned n = 0; rc > 0 && n < LOOK; n++) {
        rc = pc_samples_next(t->ring, &entry, &t->known.nonsense);
        if (rc > 0 && take(t, &entry, &sample)) {
            *ret = sample;
            return 1;
        }
    }
    if (rc == -ESTALE)
        return restart(t);
    if (rc == 0 && now_ms() - t->known_ms >= KNOW_MS)
        know(t);
    return rc < 0 ? rc : 0;
}

void portcam_trace_get_counts(struct portcam_trace *t, struct portcam_trace_counts *ret)
{
    know(t);
    *ret = t->known;
    ret->lost += t->told.lost;
    if (t->plan.rest.any) { /* of those that the card limited nobody knows whether they fit */
        ret->lost += t->told.limited;
    } else {
        ret->matched = t->told.matched;
        ret->limited = t->told.limited;
    }
}
