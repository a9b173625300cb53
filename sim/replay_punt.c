// SPDX-License-Identifier: Apache-2.0
/* Packets to and from the host in lockstep: see replay.h. A packet that the limits want at the host is executed with the
 * others, but what becomes of it is known only a few clocks later, when the RTL has chosen; until then it keeps its place
 * among those that leave. */
#include <stdlib.h>
#include <string.h>

#include "replay_state.h"

void pc_replay_punt_free(struct pc_replay *r)
{
    while (r->wanted) {
        struct pc_replay_wanted *w = r->wanted;
        r->wanted = w->next;
        if (w->item->decision.drop)
            free(w->item);
        free(w);
    }
}

void pc_replay_punt_wanted(struct pc_replay *r, struct pc_replay_item *i, enum pc_side side,
                           const struct pc_parsed *parsed, uint32_t time)
{
    const struct pc_tables *t = pc_device_tables(r->device);
    struct pc_replay_wanted *w = calloc(1, sizeof(*w));
    if (!w) {
        pc_replay_differ(r, "no memory for a packet");
        free(i);
        return;
    }
    w->item = i;
    w->operation = r->operations;
    w->side = (uint8_t)side;
    w->parsed = *parsed;
    w->limits = pc_punt_limits_of(t);
    w->header = pc_punt_header(t, parsed, &i->decision, time);
    w->time = time;
    *r->last_wanted = w;
    r->last_wanted = &w->next;
    if (!i->decision.drop)
        pc_replay_push(&r->expected[side][i->decision.egress != 0], i);
}

static size_t outstanding(const struct pc_replay *r)
{
    return r->punted[0].length + r->punted[1].length;
}

/* Could that be, as far as the host's ring goes? */
static void check_room(struct pc_replay *r, const struct pc_replay_wanted *w, bool room)
{
    uint32_t size = 1u << r->punt.log2;
    if (r->punt.starts && outstanding(r) == 0 && room) {
        r->punt.starts = false;
        r->punt.taken = 0;
    }
    if (room && r->punt.taken - r->punt.head >= size)
        pc_replay_differ(r, "frame %llu was punted into a full ring: %u, consumed %u",
                         (unsigned long long)w->item->number, r->punt.taken, r->punt.head);
    if (!room && !r->punt.starts && !r->punt.stops && outstanding(r) == 0 &&
        r->punt.taken - r->punt.head_before < size)
        pc_replay_differ(r, "frame %llu found no room: %u punted, consumed %u",
                         (unsigned long long)w->item->number, r->punt.taken, r->punt.head);
}

static void expect(struct pc_replay *r, struct pc_replay_wanted *w)
{
    struct pc_replay_item *i = w->item;
    struct pc_replay_item *entry = calloc(1, sizeof(*entry) + sizeof(w->header) + i->len);
    if (!entry) {
        pc_replay_differ(r, "no memory for a packet");
        return;
    }
    entry->number = i->number;
    entry->len = sizeof(w->header) + i->len;
    memcpy(entry->bytes, &w->header, sizeof(w->header));
    memcpy(entry->bytes + sizeof(w->header), i->bytes, i->len);
    pc_replay_push(&r->punted[w->side], entry);
    r->punt.taken++;
}

void pc_replay_punt_choice(struct pc_replay *r, bool runs, bool room)
{
    struct pc_replay_wanted *w = r->wanted;
    if (!w) {
        pc_replay_differ(r, "a packet was wanted at the host; in the model none is");
        return;
    }
    struct pc_replay_item *i = w->item;
    struct pc_decision *v = &i->decision;
    bool leaves = !v->drop;
    r->wanted = w->next;
    if (!r->wanted)
        r->last_wanted = &r->wanted;
    pc_device_punt_chosen(r->device, &w->parsed, &w->limits, w->time, runs, room, v);
    pc_replay_trace_decided(r, w->operation, v);
    if (v->punt || v->reason == PORTCAM_REASON_PUNT_FULL)
        check_room(r, w, v->punt);
    if (v->punt)
        expect(r, w);
    if (v->drop) {
        if (leaves)
            pc_replay_remove(&r->expected[w->side][v->egress != 0], i);
        r->drops++;
        free(i);
    }
    free(w);
}

/* The lap is for the host to check. */
static void compare_entry(struct pc_replay *r, const struct pc_replay_item *want, uint64_t iova)
{
    struct portcam_punt_header lap;
    if (r->peek(r->ctx, iova, r->seen, want->len) != 0) {
        pc_replay_differ(r, "a punted frame at %#llx cannot be read back",
                         (unsigned long long)iova);
        return;
    }
    memset(r->seen + offsetof(struct portcam_punt_header, lap), 0, sizeof(lap.lap));
    for (size_t i = 0; i < want->len; i++)
        if (r->seen[i] != want->bytes[i]) {
            pc_replay_differ(r, "punted frame %llu (%zu bytes): byte %zu is %02x, model %02x",
                             (unsigned long long)want->number, want->len, i, r->seen[i],
                             want->bytes[i]);
            return;
        }
}

void pc_replay_punt_end(struct pc_replay *r, enum pc_side side, bool lost, uint64_t iova)
{
    struct pc_replay_item *want = pc_replay_pop(&r->punted[side]);
    if (!want) {
        pc_replay_differ(r, "a packet went to the host; the model expects none");
        return;
    }
    if (!lost) {
        r->punts++;
        compare_entry(r, want, iova);
    }
    free(want);
}

void pc_replay_punt_enable(struct pc_replay *r, unsigned log2)
{
    r->punt.log2 = log2;
    r->punt.starts = true;
    r->punt.stops = false;
    r->punt.head = r->punt.head_before = 0;
}

void pc_replay_punt_stops(struct pc_replay *r)
{
    r->punt.stops = true;
}

void pc_replay_punt_head(struct pc_replay *r, uint32_t head)
{
    r->punt.head_before = r->punt.head;
    r->punt.head = head;
}

void pc_replay_injected(struct pc_replay *r, unsigned function, const uint8_t *frame, size_t len)
{
    struct pc_replay_item *i = pc_replay_item(r, frame, len);
    if (!i)
        return;
    r->settled = false;
    i->decision.egress = (uint8_t)function;
    i->number = r->injects;
    pc_device_inject(r->device, function, len);
    pc_replay_push(&r->injected[function != 0], i);
}

void pc_replay_injected_out(struct pc_replay *r, enum pc_side side, unsigned function,
                            const uint8_t *frame, size_t len)
{
    struct pc_replay_item *i = pc_replay_pop(&r->injected[side]);
    if (!i) {
        pc_replay_differ(r, "an injected frame of %zu bytes left; the model expects none", len);
        return;
    }
    r->injects++;
    pc_replay_compare_frame(r, side, function, i, "injected frame", frame, len);
    free(i);
}

uint64_t pc_replay_punts(const struct pc_replay *r)
{
    return r->punts;
}

uint64_t pc_replay_injects(const struct pc_replay *r)
{
    return r->injects;
}
