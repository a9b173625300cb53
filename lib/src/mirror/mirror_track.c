// SPDX-License-Identifier: Apache-2.0
/*
 * Following the events. The ring gives their order, the array what there is: an event names a record by slot and generation,
 * and where the slot still holds that record (or its end) the array tells all about it, perhaps already what later events
 * are about. Where it holds another one, the event alone has to do; the other one's own events come later in the ring.
 */
#include <errno.h>
#include <string.h>

#include "mirror_track.h"

enum {
    LAP_SHIFT = 16, /* in the last word of an event */
    STEP = 6,       /* events between two steps of preparation */
    EVENT_WORDS = sizeof(struct portcam_event) / 4,
};

union event {
    struct portcam_event e;
    uint32_t word[EVENT_WORDS];
};

/* ---- telling ---- */

static void tell(struct portcam_mirror *m, const struct portcam_mirror_change *change)
{
    if (m->changed)
        m->changed(m->ctx, change);
}

static void tell_new(struct portcam_mirror *m, const struct portcam_mirror_record *r)
{
    struct portcam_mirror_change change = {
        .kind = m->starting ? PORTCAM_MIRROR_FOUND : PORTCAM_MIRROR_BEGAN, .record = *r};

    pc_stat_add(&m->stats.records, 1);
    if (!m->starting)
        pc_stat_add(&m->stats.began, 1);
    tell(m, &change);
}

/* Takes the node out; `end` NULL: its last counters are not known. */
static void end_node(struct portcam_mirror *m, struct pc_node *node,
                     const struct portcam_mirror_end *end, unsigned cause)
{
    struct portcam_mirror_change change = {
        .kind = PORTCAM_MIRROR_ENDED, .cause = cause, .record = node->record};
    uint32_t slot = node->record.slot;

    if (end) {
        change.counted = true;
        change.record.state = end->last_state;
        change.record.syn_repeats = end->syn_repeats;
        change.forward.packets = (uint64_t)end->forward_packets_high << 32 | end->forward_packets;
        change.forward.octets = end->forward_octets;
        change.reverse.packets = (uint64_t)end->reverse_packets_high << 32 | end->reverse_packets;
        change.reverse.octets = end->reverse_octets;
        change.lifetime_s = end->lifetime * 1024u / 1000;
    } else {
        pc_stat_add(&m->stats.uncounted, 1);
    }
    change.before = change.record.state;
    if (node->lost)
        pc_track_regain(m, node);
    if (m->place[slot].node == node)
        m->place[slot].node = NULL;
    pc_index_remove(m->index, node);
    pc_stat_add(&m->stats.records, UINT64_MAX);
    pc_stat_add(&m->stats.ended, 1);
    tell(m, &change);
}

void pc_track_end(struct portcam_mirror *m, struct pc_node *node, unsigned cause)
{
    end_node(m, node, NULL, cause);
}

/* ---- a record that is there ---- */

static bool same_ends(const struct portcam_mirror_record *a, const struct portcam_mirror_record *b)
{
    const unsigned kept = PORTCAM_MIRROR_RECORD_KEPT_PORT | PORTCAM_MIRROR_RECORD_IS_V6;

    return a->client_port == b->client_port && a->public_port == b->public_port &&
           memcmp(a->client_ip, b->client_ip, sizeof(a->client_ip)) == 0 &&
           a->protocol == b->protocol && (a->flags & kept) == (b->flags & kept) &&
           a->service == b->service && a->address == b->address && a->backend == b->backend &&
           a->endpoint == b->endpoint && a->group == b->group;
}

/* The record of the node, which is not lost, goes on as `r`, which has the same ends. */
static void go_on(struct portcam_mirror *m, struct pc_node *node,
                  const struct portcam_mirror_record *r)
{
    struct portcam_mirror_record *old = &node->record;
    struct portcam_mirror_change change = {.kind = PORTCAM_MIRROR_CHANGED, .before = old->state};
    bool differs = old->state != r->state || old->flags != r->flags;
    bool elsewhere = old->slot != r->slot || old->generation != r->generation;

    if (old->slot != r->slot && m->place[old->slot].node == node)
        m->place[old->slot].node = NULL;
    *old = *r;
    m->place[r->slot].node = node;
    if (elsewhere)
        pc_index_update(node);
    if (differs) {
        change.record = *r;
        pc_stat_add(&m->stats.changed, 1);
        tell(m, &change);
    }
}

/* Another record has a key of `r`: if it is the same connection it is taken over, else it has ended. True: taken over. */
static bool settle(struct portcam_mirror *m, struct pc_node *node,
                   const struct portcam_mirror_record *r)
{
    const struct portcam_mirror_record *known = &node->record;
    union pc_record there;

    if (same_ends(known, r) &&
        (known->generation == r->generation || (m->starting && node->lost))) {
        if (known->slot != r->slot && !m->starting)
            pc_stat_add(&m->stats.moved, 1);
        if (node->lost)
            pc_track_regain(m, node);
        go_on(m, node, r);
        return true;
    }
    if (pc_record_read(pc_track_at(m, known->slot), &there, &m->patience) &&
        pc_record_sane(&there, known->slot, &m->bounds) &&
        there.end.state == PORTCAM_CONNECTION_STATE_NONE &&
        there.end.generation == known->generation && there.end.cause != PORTCAM_END_CAUSE_MOVED)
        end_node(m, node, &there.end, there.end.cause);
    else
        end_node(m, node, NULL, PORTCAM_END_CAUSE_UNKNOWN);
    return false;
}

static void add(struct portcam_mirror *m, const struct portcam_mirror_record *r)
{
    struct pc_node *node = NULL;

    /* It may meet one node with its forward key, another with its reverse key; then the way is free. */
    for (unsigned i = 0; i < 4; i++) {
        int rc = pc_index_add(m->index, r, &node);
        if (rc == 0) {
            m->place[r->slot].node = node;
            tell_new(m, r);
            return;
        }
        if (rc == -EEXIST && settle(m, node, r))
            return;
        if (rc == -ENOSPC && m->lost)
            pc_track_end(m, m->lost, PORTCAM_END_CAUSE_UNKNOWN);
    }
    pc_stat_add(&m->stats.nonsense_records, 1);
}

void pc_track_live(struct portcam_mirror *m, const struct portcam_mirror_record *r, unsigned kind)
{
    struct pc_node *node = m->place[r->slot].node;

    m->place[r->slot].version = r->version;
    if (node) {
        const struct portcam_mirror_record *old = &node->record;
        if (old->generation == r->generation && same_ends(old, r)) {
            go_on(m, node, r);
            return;
        }
        if (kind == PC_LOOK_SCAN && old->generation != r->generation)
            pc_track_lose(m, node);
        else
            pc_track_end(m, node, PORTCAM_END_CAUSE_UNKNOWN);
    }
    add(m, r);
}

/* ---- a record that is not there any more ---- */

/* It is not here any more, and where it arrived was not told before. */
static void miss(struct portcam_mirror *m, struct pc_node *node)
{
    pc_track_lose(m, node);
    __atomic_store_n(&m->scan_wanted, true, __ATOMIC_RELAXED);
}

void pc_track_gone(struct portcam_mirror *m, const struct portcam_mirror_end *end, unsigned kind)
{
    struct pc_node *node = m->place[end->slot].node;
    bool known = end->cause != PORTCAM_END_CAUSE_EMPTY && end->cause != PORTCAM_END_CAUSE_UNKNOWN;

    if (!node) {
        m->place[end->slot].version = end->version;
        if (kind == PORTCAM_EVENT_KIND_BEGAN || kind == PORTCAM_EVENT_KIND_ENDED)
            pc_stat_add(&m->stats.unseen, 1);
        return;
    }
    bool same = node->record.generation == end->generation;
    if (kind == PORTCAM_EVENT_KIND_ENDED && !known) { /* too much at once: it may live elsewhere */
        m->place[end->slot].version = end->version;
        miss(m, node);
    } else if (known && same && end->cause != PORTCAM_END_CAUSE_MOVED) {
        m->place[end->slot].version = end->version;
        end_node(m, node, end, end->cause);
    } else if (kind == PC_LOOK_SCAN) {
        m->place[end->slot].version = end->version;
        if (end->cause == PORTCAM_END_CAUSE_UNKNOWN)
            pc_track_end(m, node, end->cause);
        else
            pc_track_lose(m, node);
    } else if (kind == PORTCAM_EVENT_KIND_LEFT) {
        m->place[end->slot].version = end->version;
        miss(m, node);
    } else if (kind == PORTCAM_EVENT_KIND_ENDED) { /* of a record that moved: this cannot be */
        pc_stat_add(&m->stats.nonsense_events, 1);
    }
    /* Else it has left already, and the event that says so comes. */
}

/* ---- events ---- */

/* The slot holds another record than the event's: what the event alone says. */
static void follow_blind(struct portcam_mirror *m, const struct portcam_event *e)
{
    struct pc_node *node = m->place[e->slot].node;

    if (!node || node->record.generation != e->generation) {
        if (e->kind == PORTCAM_EVENT_KIND_BEGAN)
            pc_stat_add(&m->stats.unseen, 1);
        return;
    }
    if (e->kind == PORTCAM_EVENT_KIND_LEFT) {
        miss(m, node);
    } else if (e->kind == PORTCAM_EVENT_KIND_ENDED) {
        pc_track_end(m, node, PORTCAM_END_CAUSE_UNKNOWN);
    } else if (e->kind == PORTCAM_EVENT_KIND_CHANGED && e->state != PORTCAM_CONNECTION_STATE_NONE) {
        struct portcam_mirror_record r = node->record;
        r.state = e->state;
        go_on(m, node, &r);
    }
}

static void follow(struct portcam_mirror *m, const struct portcam_event *e)
{
    union pc_record r;

    pc_stat_add(&m->stats.events, 1);
    if (e->slot >= m->bounds.slots || e->kind == PORTCAM_EVENT_KIND_NONE ||
        e->kind >= PORTCAM_EVENT_KIND_MAX || e->state >= PORTCAM_CONNECTION_STATE_MAX) {
        pc_stat_add(&m->stats.nonsense_events, 1);
        return;
    }
    if (!pc_record_read(pc_track_at(m, e->slot), &r, &m->patience)) {
        pc_stat_add(&m->stats.torn, 1);
        __atomic_store_n(&m->scan_wanted, true, __ATOMIC_RELAXED);
        return;
    }
    if (!pc_record_sane(&r, e->slot, &m->bounds)) {
        pc_stat_add(&m->stats.nonsense_records, 1);
        return;
    }
    bool same = r.record.generation == e->generation;
    if (r.record.version == m->place[e->slot].version && same &&
        e->kind != PORTCAM_EVENT_KIND_LEFT) {
        pc_stat_add(&m->stats.merged, 1);
    } else if (r.record.state != PORTCAM_CONNECTION_STATE_NONE && same) {
        pc_track_live(m, &r.record, e->kind);
    } else if (r.record.state == PORTCAM_CONNECTION_STATE_NONE && same) {
        pc_track_gone(m, &r.end, e->kind);
    } else {
        follow_blind(m, e);
    }
}

static const uint32_t *event_at(const struct portcam_mirror *m, uint32_t index)
{
    return m->ring + (size_t)(index & ((1u << m->ring_log2) - 1)) * EVENT_WORDS;
}

/* The last word of the entry, and what it has to say for an event of this index. */
static bool is_there(const struct portcam_mirror *m, uint32_t index, uint32_t *ret_last)
{
    *ret_last = __atomic_load_n(&event_at(m, index)[EVENT_WORDS - 1], __ATOMIC_ACQUIRE);
    return *ret_last >> LAP_SHIFT == (((index >> m->ring_log2) + 1) & 0xffff);
}

bool pc_track_event_is_there(const struct portcam_mirror *m)
{
    uint32_t last;
    return is_there(m, __atomic_load_n(&m->next, __ATOMIC_RELAXED), &last);
}

/* The slot and the kind of an event that may come; NULL: it makes no sense. */
static struct pc_place *ahead(const struct portcam_mirror *m, uint32_t index, uint32_t *ret_slot,
                              unsigned *ret_kind)
{
    const uint32_t *at = event_at(m, index);

    *ret_slot = __atomic_load_n(&at[0], __ATOMIC_RELAXED);
    *ret_kind = __atomic_load_n(&at[EVENT_WORDS - 1], __ATOMIC_RELAXED) & 0xff;
    return *ret_slot < m->bounds.slots ? &m->place[*ret_slot] : NULL;
}

static void prepare_begin(struct portcam_mirror *m, uint32_t slot)
{
    const uint32_t *at = pc_track_at(m, slot);
    union pc_record r;

    for (unsigned w = 0; w < PC_RECORD_WORDS; w++)
        r.word[w] = __atomic_load_n(&at[w], __ATOMIC_RELAXED);
    pc_index_prepare(m->index, &r.record);
}

/* Fetch what the events to come need, in steps: each needs what the one before it has fetched. */
static void prepare(struct portcam_mirror *m)
{
    uint32_t slot;
    unsigned kind;
    struct pc_place *place = ahead(m, m->next + 3 * STEP, &slot, &kind);

    __builtin_prefetch(event_at(m, m->next + 12 * STEP));
    if (place) {
        __builtin_prefetch(pc_track_at(m, slot));
        __builtin_prefetch(place, 1);
    }
    place = ahead(m, m->next + 2 * STEP, &slot, &kind);
    if (place && kind == PORTCAM_EVENT_KIND_BEGAN) {
        prepare_begin(m, slot);
    } else if (place && place->node) {
        __builtin_prefetch(&place->node->record, 1);
        if (kind == PORTCAM_EVENT_KIND_ENDED)
            __builtin_prefetch(place->node, 1);
    }
    place = ahead(m, m->next + STEP, &slot, &kind);
    if (place && place->node && kind == PORTCAM_EVENT_KIND_ENDED)
        pc_index_prepare_end(m->index, place->node);
}

unsigned pc_track_events(struct portcam_mirror *m, unsigned max)
{
    unsigned n = 0;

    for (; n < max; n++) {
        const uint32_t *at = event_at(m, m->next);
        union event e;

        if (!is_there(m, m->next, &e.word[EVENT_WORDS - 1]))
            break;
        prepare(m);
        for (unsigned w = 0; w < EVENT_WORDS - 1; w++)
            e.word[w] = __atomic_load_n(&at[w], __ATOMIC_RELAXED);
        __atomic_store_n(&m->next, m->next + 1, __ATOMIC_RELAXED);
        follow(m, &e.e);
    }
    return n;
}
