// SPDX-License-Identifier: Apache-2.0
/* The mirror in lockstep. The RTL says of each operation whether it took it into its mirror or lost it, and when the mirror
 * was started. The model's mirror does what was taken, into queues; what the RTL writes must be the next of them, byte for
 * byte. Events may be missing where the ring was full; EVENT_DROPPED says how many. */
#include <stdlib.h>
#include <string.h>

#include "replay_state.h"

#define EVENTS_LOG2 31 /* of the model's ring: never full */
#define ENTRIES_AT 0   /* of the model's array and ring */
#define EVENTS_AT (1ull << 40)

/* ---- the model's mirror ---- */

static int model_write(void *ctx, uint64_t iova, const void *src, size_t len)
{
    struct pc_replay *r = ctx;
    (void)len;
    if (!pc_replay_list_push(iova < EVENTS_AT ? &r->mirror.entries : &r->mirror.events, src))
        pc_replay_differ(r, "no memory for a write of the mirror");
    return 0;
}

static void model_failed(void *ctx, uint64_t iova)
{
    (void)ctx, (void)iova;
}

static void model_irq(void *ctx, unsigned vector)
{
    (void)ctx, (void)vector;
}

static void tell(void *ctx, enum portcam_event_kind kind, const struct pc_connection *record,
                 enum portcam_end_cause cause)
{
    struct pc_replay *r = ctx;
    r->mirror.told = true;
    if (r->mirror.aging && kind == PORTCAM_EVENT_KIND_ENDED)
        cause = PORTCAM_END_CAUSE_EXPIRED; /* the replay ends it like any other */
    if (r->mirror.taking)
        pc_mirror_record(&r->mirror.model, kind, record, cause);
}

void pc_replay_mirror_new(struct pc_replay *r)
{
    struct pc_replay_mirror *m = &r->mirror;
    struct pc_connections *c = pc_device_connections_rw(r->device);
    m->entries.size = sizeof(struct portcam_mirror_record);
    m->events.size = sizeof(struct portcam_event);
    m->model.host = (struct pc_mirror_host){r, model_write, model_failed, model_irq};
    m->registers.host = m->model.host;
    pc_mirror_reset(&m->model);
    pc_mirror_reset(&m->registers);
    if (c)
        pc_connections_watch(c, &(struct pc_connection_watch){r, tell});
}

void pc_replay_mirror_free(struct pc_replay *r)
{
    free(r->mirror.entries.bytes);
    free(r->mirror.events.bytes);
}

void pc_replay_mirror_reg(struct pc_replay *r, uint32_t offset, uint32_t value)
{
    struct pc_replay_mirror *m = &r->mirror;
    bool enabled = m->registers.enable;
    pc_mirror_reg_write(&m->registers, offset, value);
    if (m->registers.enable && !enabled)
        m->next = m->registers.taken;
    if (m->registers.enable != enabled)
        m->sure = false;
}

/* ---- operations ---- */

static void restart(struct pc_replay_mirror *m)
{
    m->failed = false;
    m->entries.count = m->events.count = 0;
    m->tail = m->dropped = 0;
    m->taken = m->next;
    pc_mirror_reset(&m->model);
    m->model.taken = (struct pc_mirror_rings){ENTRIES_AT, EVENTS_AT, EVENTS_LOG2, m->taken.events};
    m->model.running = true;
    m->counts.starts++;
}

void pc_replay_mirror_before(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct pc_replay_mirror *m = &r->mirror;
    if (!t)
        return;
    if (m->started != t->mirror / PC_MIRRORED_START) {
        m->started = t->mirror / PC_MIRRORED_START;
        restart(m);
    }
    m->taking = t->mirror & PC_MIRRORED_TAKEN;
    m->aging = t->kind == PC_RECORD_AGE;
    m->told = false;
}

static void copy(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct pc_replay_mirror *m = &r->mirror;
    const struct pc_connection *record =
        pc_connections_get(pc_device_connections(r->device), t->slot);
    bool again = t->mirror & PC_MIRRORED_AGAIN;
    if (!m->taking)
        return;
    m->counts.copies += !again;
    m->counts.again += again && record;
    m->counts.again_free += again && !record;
    if (!again)
        pc_mirror_slot(&m->model, t->slot, record, PORTCAM_END_CAUSE_EMPTY,
                       PORTCAM_EVENT_KIND_NONE);
    else if (record)
        pc_mirror_slot(&m->model, t->slot, record, PORTCAM_END_CAUSE_EMPTY,
                       PORTCAM_EVENT_KIND_CHANGED);
    else
        pc_mirror_slot(&m->model, t->slot, NULL, PORTCAM_END_CAUSE_UNKNOWN,
                       PORTCAM_EVENT_KIND_ENDED);
}

void pc_replay_mirror_after(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct pc_replay_mirror *m = &r->mirror;
    if (!t)
        return;
    bool lost = t->mirror & PC_MIRRORED_LOST;
    if (t->kind == PC_RECORD_COPY) {
        copy(r, t);
    } else if ((m->taking || lost) && !m->told) {
        pc_replay_differ(r, "the mirror took an operation of kind %u that changed no record",
                         t->kind);
    } else if (m->told && !m->taking && !lost && m->registers.enable && m->model.running &&
               !m->failed && m->sure) {
        pc_replay_differ(r, "the mirror missed an operation of kind %u, slot %u", t->kind, t->slot);
    }
    m->counts.lost += lost;
    m->sure = m->registers.enable && (m->sure || m->taking || lost);
    m->taking = false;
}

/* ---- what the RTL writes ---- */

static void entry(struct pc_replay *r, uint64_t slot, const void *src)
{
    struct portcam_mirror_record got, want;
    memcpy(&got, src, sizeof(got));
    if (!pc_replay_list_pop(&r->mirror.entries, &want)) {
        pc_replay_differ(r, "the mirror wrote slot %llu, version %u; the model nothing",
                         (unsigned long long)slot, got.version);
        return;
    }
    r->mirror.counts.entries++;
    if (slot != want.slot || memcmp(&got, &want, sizeof(got)) != 0)
        pc_replay_differ(r,
                         "the mirror wrote slot %llu: version %u slot %u generation %u state %u, "
                         "the model: version %u slot %u generation %u state %u",
                         (unsigned long long)slot, got.version, got.slot, got.generation, got.state,
                         want.version, want.slot, want.generation, want.state);
}

static void event(struct pc_replay *r, uint64_t place, const void *src)
{
    struct pc_replay_mirror *m = &r->mirror;
    uint32_t log2 = m->taken.size_log2, index = m->tail++;
    struct portcam_event got, want;
    memcpy(&got, src, sizeof(got));
    bool found = pc_replay_list_pop(&m->events, &want);
    while (found && want.version != got.version) {
        m->dropped++;
        found = pc_replay_list_pop(&m->events, &want);
    }
    m->counts.events++;
    if (place != (index & ((1u << log2) - 1)) || got.lap != (uint16_t)((index >> log2) + 1))
        pc_replay_differ(r, "event %u was written to place %llu with lap %u", index,
                         (unsigned long long)place, got.lap);
    want.lap = got.lap;
    if (!found || memcmp(&got, &want, sizeof(got)) != 0)
        pc_replay_differ(r, "event %u: kind %u slot %u version %u is not the model's", index,
                         got.kind, got.slot, got.version);
}

bool pc_replay_wrote(struct pc_replay *r, uint64_t iova, const void *src, size_t len, bool refused)
{
    struct pc_replay_mirror *m = &r->mirror;
    const struct pc_connections *c = pc_device_connections(r->device);
    if (pc_replay_trace_wrote(r, iova, src, len, refused))
        return true;
    if (!c || !m->model.running)
        return false;
    uint64_t entries = (uint64_t)pc_connections_capacity(c) * m->entries.size;
    uint64_t events = m->taken.events ? 16ull << m->taken.size_log2 : 0;
    uint64_t at = iova - m->taken.base, event_at = iova - m->taken.event_base;
    if (at >= entries && event_at >= events)
        return false;
    m->failed = m->failed || refused;
    if (m->failed)
        return true;
    if (at < entries && (at % m->entries.size || len != m->entries.size))
        pc_replay_differ(r, "the mirror wrote %zu bytes at byte %llu", len, (unsigned long long)at);
    else if (at < entries)
        entry(r, at / m->entries.size, src);
    for (size_t i = 0; at >= entries && i < len; i += 16)
        event(r, (event_at + i) / 16, (const uint8_t *)src + i);
    return true;
}

/* ---- commands, and rest ---- */

void pc_replay_mirror_done(struct pc_replay *r, const struct portcam_command *c, unsigned status)
{
    const struct pc_connections *table = pc_device_connections(r->device);
    struct portcam_mirror_sum got, want;
    uint64_t address;
    pc_device_command(r->device, c, &r->result);
    if (r->result.status != PORTCAM_STATUS_OK)
        pc_replay_differ(r, "command opcode %u row %u: status %u, model %u", c->opcode, c->row,
                         status, r->result.status);
    if (r->result.status != PORTCAM_STATUS_OK || status != PORTCAM_STATUS_OK ||
        c->opcode != PORTCAM_OPCODE_MIRROR_SUM)
        return;
    memcpy(&address, c->data, sizeof(address));
    if (r->peek(r->ctx, address, &got, sizeof(got)) != 0) {
        pc_replay_differ(r, "mirror_sum: it cannot be read back");
        return;
    }
    r->mirror.counts.sums++;
    if (!r->settled)
        return;
    pc_mirror_sum(&r->mirror.model, table, c->row, &want);
    if (memcmp(&got, &want, sizeof(got)) != 0)
        pc_replay_differ(r,
                         "mirror_sum of block %u: 0x%08x of %u records, version %u, flags %u; the "
                         "model 0x%08x of %u, version %u",
                         c->row, got.sum, got.records, got.version, got.flags, want.sum,
                         want.records, want.version);
}

void pc_replay_mirror_rest(struct pc_replay *r, uint32_t version, uint32_t tail, uint32_t dropped)
{
    struct pc_replay_mirror *m = &r->mirror;
    m->dropped += (uint32_t)m->events.count;
    m->events.count = 0;
    m->counts.full += dropped;
    if (m->entries.count)
        pc_replay_differ(r, "%zu entries of the mirror were not written", m->entries.count);
    if (version != m->model.version || tail != m->tail || dropped != m->dropped)
        pc_replay_differ(r, "version %u, %u events, %u dropped; the model: %u, %u, %u", version,
                         tail, dropped, m->model.version, m->tail, m->dropped);
}

bool pc_replay_mirror_holds(const struct pc_replay *r, uint32_t slot, const void *seen)
{
    const struct pc_connection *record = pc_connections_get(pc_device_connections(r->device), slot);
    struct portcam_mirror_record got, want;
    memcpy(&got, seen, sizeof(got));
    if (!record)
        return got.state == PORTCAM_CONNECTION_STATE_NONE && got.slot == slot;
    want = pc_mirror_record_of(record);
    /* Those of the moment of the write may be older. */
    got.version = got.version2 = got.last_used = got.client_next = got.syn_repeats = 0;
    want.last_used = want.client_next = want.syn_repeats = 0;
    return memcmp(&got, &want, sizeof(got)) == 0;
}

const struct pc_mirror_counts *pc_replay_mirror_counts(const struct pc_replay *r)
{
    return &r->mirror.counts;
}
