// SPDX-License-Identifier: Apache-2.0
/* Samples of packets in lockstep: see replay.h. The RTL says which packets it tested, and whether there was room; whether a
 * packet is a sample the model says, and what the RTL writes must be the next of its samples, in its place, byte for byte. */
#include <string.h>

#include "replay_state.h"

#define BEAT 64u

/* What is written of an entry, in this order. */
enum { FIRST, SECOND, HEADER, BEATS };

struct sample {
    struct portcam_trace_header header;
    struct pc_trace_window window;
};

static uint32_t size_of(const struct pc_replay_trace *t)
{
    return 1u << t->log2;
}

void pc_replay_trace_new(struct pc_replay *r)
{
    r->trace.samples.size = sizeof(struct sample);
}

void pc_replay_trace_reset(struct pc_replay *r)
{
    struct pc_replay_trace *t = &r->trace;
    memset(&t->registers, 0, sizeof(t->registers));
    memset(t->model.word, 0, sizeof(t->model.word));
    t->failed = true; /* what is in the card is lost */
    t->live = false;
}

void pc_replay_trace_reg(struct pc_replay *r, uint32_t offset, uint32_t value)
{
    struct pc_replay_trace *t = &r->trace;
    switch (offset) {
    case PORTCAM_REG_TRACE_CONTROL:
        value &= PORTCAM_TRACE_CONTROL_ENABLE;
        if (value && !t->registers.enable) {
            t->registers.head = t->registers.head_before = 0;
            t->begun = false;
        }
        t->registers.enable = value;
        t->live = t->samples.count && !t->failed;
        t->watches = t->watches || value;
        return;
    case PORTCAM_REG_TRACE_HEAD:
        t->registers.head_before = t->registers.head;
        t->registers.head = value;
        return;
    default:
        break;
    }
    if (t->registers.enable)
        return;
    if (offset == PORTCAM_REG_TRACE_BASE_LO)
        t->registers.base = (t->registers.base & ~0xffffffffull) | value;
    else if (offset == PORTCAM_REG_TRACE_BASE_HI)
        t->registers.base = (t->registers.base & 0xffffffff) | (uint64_t)value << 32;
    else if (offset == PORTCAM_REG_TRACE_SIZE)
        t->registers.log2 = value & PORTCAM_TRACE_SIZE_LOG2;
    else
        pc_trace_reg_write(&t->model, offset, value);
}

/* ---- packets ---- */

static struct pc_replay_traced *recent(struct pc_replay *r, uint64_t operation)
{
    return &r->trace.recent[operation % PC_REPLAY_TRACED];
}

void pc_replay_trace_frame(struct pc_replay *r, const uint8_t *frame, size_t len)
{
    if (r->trace.watches)
        recent(r, r->operations)->window = pc_trace_window_of(frame, len);
}

void pc_replay_trace_executed(struct pc_replay *r, const struct pc_parsed *parsed,
                              const struct pc_decision *v, uint32_t time)
{
    if (!r->trace.watches)
        return;
    struct pc_replay_traced *p = recent(r, r->operations);
    p->operation = r->operations;
    p->parsed = *parsed;
    p->decision = *v;
    p->time = time;
}

void pc_replay_trace_decided(struct pc_replay *r, uint64_t operation, const struct pc_decision *v)
{
    if (r->trace.watches)
        recent(r, operation)->decision = *v;
}

static void restart(struct pc_replay *r)
{
    struct pc_replay_trace *t = &r->trace;
    if (t->samples.count && !t->failed)
        pc_replay_differ(r, "%zu samples were not written before the next start", t->samples.count);
    t->samples.count = 0;
    t->base = t->registers.base;
    t->log2 = t->registers.log2;
    t->beat = FIRST;
    t->failed = false;
    t->begun = t->live = true;
    t->taken = t->tail = t->lost = 0;
    t->counts.starts++;
    pc_trace_start(&t->model);
}

/* Could that be, as far as the host's ring goes? */
static void check_room(struct pc_replay *r, bool room)
{
    const struct pc_replay_trace *t = &r->trace;
    if (room && t->taken - t->registers.head >= size_of(t))
        pc_replay_differ(r, "a packet was sampled into a full ring: %u, consumed %u", t->taken,
                         t->registers.head);
    if (!room && t->samples.count == 0 && t->taken - t->registers.head_before < size_of(t))
        pc_replay_differ(r, "a sample found no room: %u sampled, consumed %u", t->taken,
                         t->registers.head);
}

static void sample(struct pc_replay *r, const struct pc_replay_traced *p)
{
    struct pc_replay_trace *t = &r->trace;
    struct sample s = {.header = pc_trace_header(&p->parsed, &p->decision, p->time),
                       .window = p->window};
    s.header.lap = (t->taken >> t->log2) + 1;
    t->taken++;
    t->live = true;
    if (!pc_replay_list_push(&t->samples, &s))
        pc_replay_differ(r, "no memory for a sample");
}

void pc_replay_traced(struct pc_replay *r, unsigned number, bool first, bool room)
{
    struct pc_replay_trace *t = &r->trace;
    uint64_t last = r->operations; /* the first is 1 and has number 0 */
    uint64_t operation = last - ((last - 1 - number) & (PC_REPLAY_TRACED - 1));
    const struct pc_replay_traced *p = recent(r, operation);
    if (first)
        restart(r);
    if (p->operation != operation || (!first && operation != t->next)) {
        pc_replay_differ(r, "packet %llu was tested for the trace where it was not %llu's turn",
                         (unsigned long long)operation, (unsigned long long)t->next);
        t->next = operation + 1;
        return;
    }
    t->next = operation + 1;
    t->counts.tested++;
    if (!pc_trace_matches(&t->model, &p->parsed) ||
        !pc_trace_chooses(&t->model, p->decision.reason, p->time))
        return;
    check_room(r, room);
    if (room)
        sample(r, p);
    else
        t->lost++;
}

/* ---- what the RTL writes ---- */

static void compare(struct pc_replay *r, uint64_t at, const uint8_t *src, size_t len)
{
    struct pc_replay_trace *t = &r->trace;
    static const uint64_t place[BEATS] = {[FIRST] = BEAT, [SECOND] = 2 * BEAT, [HEADER] = 0};
    struct sample want;
    if (!pc_replay_list_first(&t->samples, &want)) {
        pc_replay_differ(r, "the trace wrote %zu bytes at byte %llu; the model nothing", len,
                         (unsigned long long)at);
        return;
    }
    const uint8_t *bytes =
        t->beat == HEADER ? (const uint8_t *)&want.header : want.window.bytes + t->beat * BEAT;
    uint64_t want_at =
        (uint64_t)(t->tail & (size_of(t) - 1)) * PORTCAM_TRACE_ENTRY + place[t->beat];
    size_t n = 0;
    while (n < len && n < BEAT && src[n] == bytes[n])
        n++;
    if (at != want_at || len != BEAT)
        pc_replay_differ(r, "the trace wrote %zu bytes at byte %llu, model %llu", len,
                         (unsigned long long)at, (unsigned long long)want_at);
    else if (n < BEAT)
        pc_replay_differ(r, "sample %u, part %u: byte %zu is %02x, model %02x (reason %u)", t->tail,
                         t->beat, n, src[n], bytes[n], want.header.reason);
    if (++t->beat < BEATS)
        return;
    t->beat = FIRST;
    t->tail++;
    t->counts.samples++;
    pc_replay_list_pop(&t->samples, &want);
    t->live = t->samples.count || t->registers.enable;
}

bool pc_replay_trace_wrote(struct pc_replay *r, uint64_t iova, const void *src, size_t len,
                           bool refused)
{
    struct pc_replay_trace *t = &r->trace;
    uint64_t at = iova - t->base;
    if (!t->live || at >= (uint64_t)PORTCAM_TRACE_ENTRY << t->log2)
        return false;
    t->failed = t->failed || refused;
    if (!t->failed)
        compare(r, at, src, len);
    return true;
}

void pc_replay_trace_rest(struct pc_replay *r, uint32_t tail, uint32_t matched, uint32_t limited,
                          uint32_t lost)
{
    const struct pc_replay_trace *t = &r->trace;
    if (t->samples.count && !t->failed)
        pc_replay_differ(r, "%zu samples were not written", t->samples.count);
    bool equal = t->begun ? tail == t->tail && matched == t->model.matched &&
                                limited == t->model.limited && lost == t->lost
                          : !(tail || matched || limited || lost);
    if (!equal)
        pc_replay_differ(
            r, "%u samples, %u matched, %u limited, %u lost; the model: %u, %u, %u, %u", tail,
            matched, limited, lost, t->tail, t->model.matched, t->model.limited, t->lost);
}

const struct pc_trace_counts *pc_replay_trace_counts(const struct pc_replay *r)
{
    return &r->trace.counts;
}
