// SPDX-License-Identifier: Apache-2.0
/* The record stage in lockstep: see replay.h. What the RTL chose is followed, so that a choice that is told as a difference
 * does not make all that comes behind it differ too. */
#include <stdlib.h>
#include <string.h>

#include "replay_state.h"

#define YOUNG 64 /* operations: how old what the RTL sees of a record, or of active, may be */
#define ENDS 64  /* of which the newest are remembered */

bool pc_replay_records_new(struct pc_replay *r, const struct pc_sizes *sizes)
{
    const struct pc_connections *c = pc_device_connections(r->device);
    r->born = calloc(c ? pc_connections_capacity(c) : 1, sizeof(*r->born));
    r->old_timeout = calloc(sizes->services, sizeof(*r->old_timeout));
    r->old_timeout_valid = calloc(sizes->services, sizeof(*r->old_timeout_valid));
    r->old_domain = calloc(sizes->domains, sizeof(*r->old_domain));
    r->old_domain_valid = calloc(sizes->domains, sizeof(*r->old_domain_valid));
    return r->born && r->old_timeout && r->old_timeout_valid && r->old_domain &&
           r->old_domain_valid;
}

void pc_replay_records_free(struct pc_replay *r)
{
    free(r->born);
    free(r->old_timeout);
    free(r->old_timeout_valid);
    free(r->old_domain);
    free(r->old_domain_valid);
}

void pc_replay_records_clear(struct pc_replay *r)
{
    const struct pc_sizes *s = pc_tables_sizes(pc_device_tables(r->device));
    memset(r->old_timeout_valid, 0, s->services * sizeof(*r->old_timeout_valid));
    memset(r->old_domain_valid, 0, s->domains * sizeof(*r->old_domain_valid));
    r->images = 0;
    memset(&r->deletion, 0, sizeof(r->deletion));
    r->insertion.images = 0;
}

void pc_replay_before_commit(struct pc_replay *r)
{
    const struct pc_tables *t = pc_device_tables(r->device);
    for (unsigned i = 0; i < pc_tables_rows(t, PORTCAM_TABLE_TIMEOUT); i++) {
        const struct portcam_timeout_row *row = pc_tables_get(t, PORTCAM_TABLE_TIMEOUT, i);
        r->old_timeout_valid[i] = row;
        if (row)
            r->old_timeout[i] = *row;
    }
    for (unsigned i = 0; i < pc_tables_rows(t, PORTCAM_TABLE_DOMAIN); i++) {
        const struct portcam_domain_row *row = pc_tables_get(t, PORTCAM_TABLE_DOMAIN, i);
        r->old_domain_valid[i] = row;
        if (row)
            r->old_domain[i] = *row;
    }
}

/* ---- packets ---- */

static const struct portcam_service_row *service_of(const struct pc_replay *r,
                                                    const struct pc_decision *d)
{
    return d->stage == PC_STAGE_SERVICE
               ? pc_tables_get(pc_device_tables(r->device), PORTCAM_TABLE_SERVICE,
                               (unsigned)d->service_row)
               : NULL;
}

static bool same_client(const struct pc_client_key *key, const struct pc_parsed *p)
{
    return key->is_v6 == p->is_v6 && key->protocol == p->protocol &&
           key->client.port == p->src.port &&
           memcmp(key->client.ip, p->src.ip, sizeof(p->src.ip)) == 0;
}

/* Did a record of this client end a little while ago? To the RTL it may still be there. */
static bool ended_lately(const struct pc_replay *r, const struct pc_parsed *p)
{
    for (uint64_t i = r->ends; i > 0 && r->ends - i < ENDS; i--) {
        const struct pc_replay_ended *e = &r->ended[(i - 1) % ENDS];
        if (r->operations - e->operation > YOUNG)
            return false;
        if (same_client(&e->key, p))
            return true;
    }
    return false;
}

static void remember_end(struct pc_replay *r, const struct pc_connection *record)
{
    r->ended[r->ends++ % ENDS] = (struct pc_replay_ended){record->key, r->operations};
}

static void check_counter(struct pc_replay *r, uint64_t number, const struct pc_parsed *p,
                          const struct pc_decision *d, const struct pc_record_trace *t)
{
    const struct portcam_service_row *s = service_of(r, d);
    bool counts = s && s->pick == PORTCAM_PICK_COUNTER;
    bool young = d->record >= 0 && !d->inserted && r->operations - r->born[d->record] <= YOUNG;
    bool excused = t->asked ? counts && young : ended_lately(r, p);
    if (d->asked != t->asked && !excused)
        pc_replay_differ(r, "frame %llu: the service's counter %s, in the model it %s (reason %u)",
                         (unsigned long long)number, t->asked ? "moved" : "did not move",
                         d->asked ? "does" : "does not", d->reason);
    if (s && d->index >= 0 && s->pick != PORTCAM_PICK_LEAST && d->index != t->index)
        pc_replay_differ(r, "frame %llu: index %u of the slot table, model %d (reason %u)",
                         (unsigned long long)number, t->index, d->index, d->reason);
}

/* Did the candidate that was taken have fewer active connections for its weight, at some moment? */
static bool least_is_possible(const struct pc_replay *r, const struct pc_decision *d)
{
    uint64_t least[2], most[2], weight[2];
    for (unsigned i = 0; i < 2; i++) {
        const struct portcam_backend_row *b = pc_tables_get(
            pc_device_tables(r->device), PORTCAM_TABLE_BACKEND, (unsigned)d->candidate[i]);
        uint32_t low, high;
        pc_connections_active_range(pc_device_connections(r->device), (unsigned)d->candidate[i],
                                    YOUNG, &low, &high);
        least[i] = low, most[i] = high, weight[i] = b->weight;
    }
    return d->second ? least[1] * weight[0] < most[0] * weight[1]
                     : most[1] * weight[0] >= least[0] * weight[1];
}

static void check_candidate(struct pc_replay *r, uint64_t number, const struct pc_decision *d,
                            const struct pc_record_trace *t)
{
    if (d->index < 0 || !d->began)
        return;
    if (d->second != t->second)
        pc_replay_differ(r, "frame %llu: the %s candidate was taken, by the model the %s",
                         (unsigned long long)number, t->second ? "second" : "first",
                         d->second ? "second" : "first");
    else if (d->free_choice && !least_is_possible(r, d))
        pc_replay_differ(r,
                         "frame %llu: backend %d was taken of %d and %d, which had more active "
                         "connections for its weight all the time",
                         (unsigned long long)number, d->backend, d->candidate[0], d->candidate[1]);
}

static void check_place(struct pc_replay *r, uint64_t number, bool is_v6, unsigned used,
                        const struct pc_decision *d, const struct pc_record_trace *t)
{
    const struct pc_sizes *s = pc_tables_sizes(pc_device_tables(r->device));
    unsigned rows = is_v6 ? s->connection_rows_v6 : s->connection_rows;
    bool full = d->reason == PORTCAM_REASON_TABLE_FULL ||
                d->reason == PORTCAM_REASON_TABLE_FULL_HASH ||
                d->reason == PORTCAM_REASON_TABLE_FULL_PUNT;
    if (d->inserted && d->record != (int)t->slot)
        pc_replay_differ(r, "frame %llu: its record went to slot %u, which is %s",
                         (unsigned long long)number, t->slot,
                         pc_connections_get(pc_device_connections(r->device), t->slot)
                             ? "taken"
                             : "not of its family");
    if (full && t->room)
        pc_replay_differ(r, "frame %llu: there was room for its record in slot %u, model full",
                         (unsigned long long)number, t->slot);
    if (full && !t->room && rows >= 64 && used < rows / 4)
        pc_replay_differ(r, "frame %llu: no room for its record with %u of %u rows used",
                         (unsigned long long)number, used, rows);
}

void pc_replay_packet(struct pc_replay *r, struct pc_replay_item *i,
                      const struct pc_record_trace *trace, struct pc_parsed *parsed,
                      struct pc_answer *answer)
{
    struct pc_connections *c = pc_device_connections_rw(r->device);
    const struct pc_decision *d = &i->decision;
    unsigned used[2] = {c ? pc_connections_used_by(c, false) : 0,
                        c ? pc_connections_used_by(c, true) : 0};
    r->operations++;
    pc_replay_trace_frame(r, i->bytes, i->len);
    if (c)
        pc_connections_tick(c);
    if (!trace) {
        pc_device_packet_chosen(r->device, i->bytes, i->len, i->function, 0, NULL, parsed,
                                &i->decision, answer);
    } else {
        struct pc_choice choice = {.asked = trace->asked,
                                   .index = trace->index,
                                   .second = trace->second,
                                   .room = trace->room,
                                   .slot = trace->slot};
        pc_device_packet_chosen(r->device, i->bytes, i->len, i->function, trace->time, &choice,
                                parsed, &i->decision, answer);
        check_counter(r, i->number, parsed, d, trace);
        check_candidate(r, i->number, d, trace);
        check_place(r, i->number, parsed->is_v6, used[parsed->is_v6], d, trace);
    }
    pc_replay_trace_executed(r, parsed, d, trace ? trace->time : 0);
    r->last = *d;
    if (d->began && d->record >= 0) {
        r->began++;
        r->born[d->record] = r->operations;
    }
}

/* ---- age ---- */

static bool is_paused(const struct portcam_domain_row *domain)
{
    return domain && domain->state == PORTCAM_DOMAIN_STATE_PAUSED;
}

/* The rules that a record ages by: those of now, or those before the last commit. */
struct rules {
    const struct portcam_timeout_row *timeouts;
    bool paused;
};

static struct rules rules_of(const struct pc_replay *r, const struct pc_connection *record,
                             bool old)
{
    const struct pc_tables *t = pc_device_tables(r->device);
    struct rules rules = {NULL, false};
    if (!old)
        rules.timeouts = pc_tables_get(t, PORTCAM_TABLE_TIMEOUT, record->service);
    else if (r->old_timeout_valid[record->service])
        rules.timeouts = &r->old_timeout[record->service];
    if (!rules.timeouts)
        return rules;
    unsigned domain = rules.timeouts->domain;
    rules.paused = old ? r->old_domain_valid[domain] && is_paused(&r->old_domain[domain])
                       : is_paused(pc_tables_get(t, PORTCAM_TABLE_DOMAIN, domain));
    return rules;
}

static bool may_age(const struct pc_replay *r, const struct pc_connection *record, uint32_t now,
                    bool old)
{
    struct rules rules = rules_of(r, record, old);
    return rules.timeouts && !rules.paused &&
           pc_timeout_over(now, record->last_used, pc_timeout_of(rules.timeouts, record->state));
}

static void age(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct pc_connections *c = pc_device_connections_rw(r->device);
    const struct pc_connection *record = pc_connections_get(c, t->slot);
    if (!t->ended)
        return;
    if (!record) {
        pc_replay_differ(r, "slot %u ended by age; the model has no record there", t->slot);
        return;
    }
    if (!pc_replay_commit_waits(r) && !may_age(r, record, t->time, false) &&
        !may_age(r, record, t->time, true))
        pc_replay_differ(r,
                         "the record of slot %u ended by age at %u ms: state %s, last used at %u",
                         t->slot, t->time, pc_state_name(record->state), record->last_used);
    remember_end(r, record);
    pc_connections_delete(c, t->slot, record->generation, t->time, NULL);
}

static void keep(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct pc_connections *c = pc_device_connections_rw(r->device);
    const struct pc_connection *record = pc_connections_get(c, t->slot);
    if (!record) {
        pc_replay_differ(r, "slot %u was kept; the model has no record there", t->slot);
        return;
    }
    struct rules now = rules_of(r, record, false), old = rules_of(r, record, true);
    if (!now.paused && !old.paused && !pc_replay_commit_waits(r))
        pc_replay_differ(r, "the record of slot %u was kept; its domain is not paused", t->slot);
    const struct portcam_timeout_row any = {0};
    pc_connections_sweep(c, t->slot, t->time, &any, true, NULL);
}

static void move(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct pc_connections *c = pc_device_connections_rw(r->device);
    bool fits = t->slot < pc_connections_capacity(c) && t->to < pc_connections_capacity(c) &&
                pc_connections_is_stash(c, t->slot) && !pc_connections_is_stash(c, t->to);
    enum pc_result result = pc_connections_move(c, t->slot, t->to);
    if (!fits || result != PC_RESULT_OK)
        pc_replay_differ(r, "a record moved from slot %u to slot %u; there is %s", t->slot, t->to,
                         result == PC_RESULT_NOT_FOUND  ? "none"
                         : result == PC_RESULT_BAD_SLOT ? "no place for it"
                                                        : "no reason to");
    if (result == PC_RESULT_OK)
        r->born[t->to] = r->born[t->slot];
}

/* ---- commands ---- */

static void look(struct pc_replay *r, const struct pc_record_trace *t)
{
    const struct pc_connection *record =
        pc_connections_get(pc_device_connections(r->device), t->slot);
    if (!record)
        pc_replay_differ(r, "the record of slot %u was read; the model has none there", t->slot);
    else if (r->images == PORTCAM_BUILD_MAX_COUNT)
        pc_replay_differ(r, "more than %u records were read by one command", r->images);
    else
        r->image[r->images++] = pc_connection_image(record);
}

static void delete_record(struct pc_replay *r, const struct pc_record_trace *t)
{
    struct pc_connections *c = pc_device_connections_rw(r->device);
    const struct pc_connection *record = pc_connections_get(c, t->slot);
    memset(&r->deletion, 0, sizeof(r->deletion));
    r->deletion.looked = true;
    r->deletion.slot = t->slot;
    r->deletion.ended = t->ended;
    r->deletion.found = record;
    if (record)
        r->deletion.image = pc_connection_image(record);
    if (t->ended && !record)
        pc_replay_differ(r, "slot %u was deleted; the model has no record there", t->slot);
    if (t->ended && record) {
        remember_end(r, record);
        pc_connections_delete(c, t->slot, record->generation, t->time, NULL);
    }
}

void pc_replay_read_done(struct pc_replay *r, const struct portcam_command *c, unsigned status)
{
    const struct pc_connections *table = pc_device_connections(r->device);
    unsigned images = r->images, there = 0;
    r->images = 0;
    if (status != PORTCAM_STATUS_OK)
        return;
    for (unsigned i = 0; i < images; i++)
        if (r->image[i].slot - c->row >= c->count ||
            (i > 0 && r->image[i].slot <= r->image[i - 1].slot))
            pc_replay_differ(r, "connection_read of %u slots from %u on: read slot %u", c->count,
                             c->row, r->image[i].slot);
    for (unsigned i = 0; r->settled && i < c->count; i++)
        there += pc_connections_get(table, c->row + i) != NULL;
    if (r->settled && there != images)
        pc_replay_differ(r, "connection_read of %u slots from %u on: %u records, model %u",
                         c->count, c->row, images, there);
    pc_replay_compare(r, c, r->image, images * sizeof(r->image[0]));
}

void pc_replay_delete_done(struct pc_replay *r, const struct portcam_command *c, unsigned status)
{
    const struct pc_connection *record =
        pc_connections_get(pc_device_connections(r->device), c->row);
    if (!r->deletion.looked) { /* at nothing, it seems */
        r->deletion.slot = c->row;
        r->deletion.found = record;
        if (record)
            r->deletion.image = pc_connection_image(record);
    }
    bool same = r->deletion.found && r->deletion.image.generation == c->count;
    unsigned want = same                ? (unsigned)PORTCAM_STATUS_OK
                    : r->deletion.found ? (unsigned)PORTCAM_STATUS_CHANGED
                                        : (unsigned)PORTCAM_STATUS_NOT_FOUND;
    if (status != want || r->deletion.slot != c->row ||
        r->deletion.ended != (status == PORTCAM_STATUS_OK))
        pc_replay_differ(r, "connection_delete of slot %u: status %u, model %u; looked at slot %u",
                         c->row, status, want, r->deletion.slot);
    else if (status == PORTCAM_STATUS_OK)
        pc_replay_compare(r, c, &r->deletion.image, sizeof(r->deletion.image));
    memset(&r->deletion, 0, sizeof(r->deletion));
}

void pc_replay_connections(struct pc_replay *r, uint32_t used, uint32_t embryonic)
{
    const struct pc_connections *c = pc_device_connections(r->device);
    uint32_t want[2] = {c ? pc_connections_used(c) : 0, c ? pc_connections_embryonic(c) : 0};
    if (used != want[0] || embryonic != want[1])
        pc_replay_differ(r, "%u records, %u embryonic; model %u and %u", used, embryonic, want[0],
                         want[1]);
}

/* ---- all of them ---- */

static void record(struct pc_replay *r, const struct pc_record_trace *trace)
{
    if (!trace || trace->kind == PC_RECORD_PACKET) {
        pc_replay_execute(r, trace);
        return;
    }
    if (!pc_device_connections(r->device)) {
        pc_replay_differ(r, "an operation on records of kind %u; the model has none", trace->kind);
        return;
    }
    if (trace->kind != PC_RECORD_READ && trace->kind != PC_RECORD_COPY)
        r->settled = false;
    switch (trace->kind) {
    case PC_RECORD_AGE:
        age(r, trace);
        break;
    case PC_RECORD_KEEP:
        keep(r, trace);
        break;
    case PC_RECORD_MOVE:
        move(r, trace);
        break;
    case PC_RECORD_READ:
        look(r, trace);
        break;
    case PC_RECORD_DELETE:
        delete_record(r, trace);
        break;
    case PC_RECORD_INSERT:
        pc_replay_insert(r, trace);
        break;
    case PC_RECORD_COPY:
        break;
    default:
        pc_replay_differ(r, "an operation on records of kind %u", trace->kind);
        break;
    }
}

void pc_replay_record(struct pc_replay *r, const struct pc_record_trace *trace)
{
    pc_replay_mirror_before(r, trace);
    record(r, trace);
    pc_replay_mirror_after(r, trace);
}
