// SPDX-License-Identifier: Apache-2.0
/* Packets, counters, time of the device: see device.h. */
#include "device_state.h"

#include <stdlib.h>
#include <string.h>

static bool new_change_set(struct pc_device *d)
{
    unsigned rows = 0;
    for (unsigned table = 0; table < PORTCAM_TABLE_MAX; table++) {
        d->first_row[table] = rows;
        rows += pc_tables_rows(d->tables, table);
    }
    d->pending = calloc(rows, sizeof(*d->pending));
    d->place = calloc(rows, sizeof(*d->place));
    return d->pending && d->place;
}

static void fill_buckets(struct pc_device *d)
{
    pc_buckets_fill(d->bucket, PC_BUCKETS);
    pc_buckets_fill(d->punt_bucket, PORTCAM_REASON_MAX);
}

static bool new_stateful(struct pc_device *d, const struct pc_sizes *sizes)
{
    d->stateful.counter = calloc(sizes->services, sizeof(*d->stateful.counter));
    if (sizes->connection_rows) {
        struct pc_connection_sizes s = {
            .rows = {sizes->connection_rows, sizes->connection_rows_v6},
            .stash = sizes->connection_stash,
            .backends = sizes->backends,
            .secret = {0x706f727463616d31u, 0x706f727463616d32u},
        };
        d->stateful.connections = pc_connections_new(&s);
        if (!d->stateful.connections)
            return false;
    }
    fill_buckets(d);
    return d->stateful.counter;
}

struct pc_device *pc_device_new(const struct pc_sizes *sizes)
{
    const unsigned rows[PORTCAM_COUNTER_TABLE_MAX] = {
        [PORTCAM_COUNTER_TABLE_REASON] = PORTCAM_REASON_ROWS,
        [PORTCAM_COUNTER_TABLE_FUNCTION_RX] = sizes->functions,
        [PORTCAM_COUNTER_TABLE_FUNCTION_TX] = sizes->functions,
        [PORTCAM_COUNTER_TABLE_DOMAIN] = 2 * sizes->domains,
        [PORTCAM_COUNTER_TABLE_ADDRESS] = 2 * sizes->addresses,
        [PORTCAM_COUNTER_TABLE_SERVICE] = 2 * sizes->services,
        [PORTCAM_COUNTER_TABLE_BACKEND] = 2 * sizes->backends,
    };
    struct pc_device *d = pc_sizes_legal(sizes) ? calloc(1, sizeof(*d)) : NULL;
    if (!d)
        return NULL;
    d->tables = pc_tables_new(sizes);
    bool ok = d->tables && new_change_set(d) && new_stateful(d, sizes);
    for (unsigned i = 0; i < PORTCAM_COUNTER_TABLE_MAX; i++) {
        d->counter_rows[i] = rows[i];
        d->counter[i] = calloc(rows[i], sizeof(*d->counter[i]));
        ok = ok && d->counter[i];
    }
    if (!ok) {
        pc_device_free(d);
        return NULL;
    }
    return d;
}

void pc_device_free(struct pc_device *d)
{
    if (!d)
        return;
    pc_tables_free(d->tables);
    for (unsigned i = 0; i < PORTCAM_COUNTER_TABLE_MAX; i++)
        free(d->counter[i]);
    pc_connections_free(d->stateful.connections);
    free(d->stateful.counter);
    free(d->pending);
    free(d->place);
    free(d);
}

void pc_device_reset(struct pc_device *d)
{
    pc_tables_clear(d->tables);
    pc_tables_set_seed(d->tables, 0);
    pc_change_set_empty(d);
    d->epoch = 0;
    if (d->stateful.connections)
        pc_connections_clear(d->stateful.connections);
    memset(d->stateful.counter, 0,
           pc_tables_sizes(d->tables)->services * sizeof(*d->stateful.counter));
    d->stateful.random = 0;
    fill_buckets(d);
    d->age_at = 0;
    for (unsigned i = 0; i < PORTCAM_COUNTER_TABLE_MAX; i++)
        memset(d->counter[i], 0, d->counter_rows[i] * sizeof(*d->counter[i]));
}

bool pc_device_change_open(const struct pc_device *d)
{
    return d->open;
}

unsigned pc_device_epoch(const struct pc_device *d)
{
    return d->epoch;
}

const struct pc_tables *pc_device_tables(const struct pc_device *d)
{
    return d->tables;
}

struct pc_tables *pc_device_tables_rw(struct pc_device *d)
{
    return d->tables;
}

const struct pc_connections *pc_device_connections(const struct pc_device *d)
{
    return d->stateful.connections;
}

struct pc_connections *pc_device_connections_rw(struct pc_device *d)
{
    return d->stateful.connections;
}

unsigned pc_device_counter_rows(const struct pc_device *d, unsigned table)
{
    return table < PORTCAM_COUNTER_TABLE_MAX ? d->counter_rows[table] : 0;
}

struct portcam_counter_row pc_device_counter(const struct pc_device *d, unsigned table,
                                             unsigned row)
{
    if (row >= pc_device_counter_rows(d, table))
        return (struct portcam_counter_row){0};
    return d->counter[table][row];
}

/* ---- packets ---- */

static inline void count(struct pc_device *d, unsigned table, int row, unsigned octets)
{
    if (row < 0)
        return;
    d->counter[table][row].packets++;
    d->counter[table][row].octets += octets;
}

static inline int directed(int number, bool reply)
{
    return number < 0 ? -1 : 2 * number + reply;
}

static void count_packet(struct pc_device *d, const struct pc_parsed *p,
                         const struct pc_decision *v)
{
    unsigned len = p->len;
    count(d, PORTCAM_COUNTER_TABLE_REASON, v->reason, len);
    count(d, PORTCAM_COUNTER_TABLE_FUNCTION_RX, p->ingress, len);
    count(d, PORTCAM_COUNTER_TABLE_FUNCTION_TX, v->drop ? -1 : v->egress, len);
    count(d, PORTCAM_COUNTER_TABLE_DOMAIN, directed(v->domain, v->reply), len);
    count(d, PORTCAM_COUNTER_TABLE_ADDRESS, directed(v->address, v->reply), len);
    count(d, PORTCAM_COUNTER_TABLE_SERVICE, directed(v->service, v->reply), len);
    count(d, PORTCAM_COUNTER_TABLE_BACKEND, directed(v->backend, v->reply), len);
}

void pc_device_set_punt(struct pc_device *d, const struct pc_punt_port *port)
{
    d->punt = *port;
}

void pc_device_set_trace(struct pc_device *d, const struct pc_trace_port *port)
{
    d->trace = *port;
}

void pc_device_inject(struct pc_device *d, unsigned egress, size_t len)
{
    if (egress < d->counter_rows[PORTCAM_COUNTER_TABLE_FUNCTION_TX])
        count(d, PORTCAM_COUNTER_TABLE_FUNCTION_TX, (int)egress, (unsigned)len);
}

void pc_device_explain(const struct pc_device *d, const uint8_t *frame, size_t len,
                       unsigned ingress, struct pc_parsed *parsed, struct pc_decision *ret)
{
    pc_parse(frame, len, ingress, pc_tables_sizes(d->tables)->max_frame, parsed);
    pc_decide_by_tables(d->tables, parsed, ret);
    pc_stateful_explain(&d->stateful, d->tables, parsed, ret);
    ret->punt_wanted = pc_punt_wanted(d, ret->reason);
    if (ret->punt_wanted && d->punt.runs && d->punt.runs(d->punt.ctx))
        ret->punt = ret->drop = true;
}

/* A refused packet: its answer, if the bucket has one. */
static void refuse(struct pc_device *d, const uint8_t *frame, const struct pc_parsed *p,
                   uint32_t now, struct pc_decision *v, struct pc_answer *answer)
{
    const struct portcam_limits_row *limits = pc_tables_get(d->tables, PORTCAM_TABLE_LIMITS, 0);
    struct pc_bucket *bucket = &d->bucket[pc_reject_bucket(v->reason)];
    if (!pc_bucket_take(bucket, limits ? limits->reject_rate : 0, limits ? limits->reject_burst : 0,
                        now))
        v->reason = PORTCAM_REASON_REJECT_LIMITED;
    else if (answer)
        pc_reject_answer(p, frame, answer);
}

void pc_device_packet_chosen(struct pc_device *d, uint8_t *frame, size_t len, unsigned ingress,
                             uint32_t now, const struct pc_choice *choice, struct pc_parsed *parsed,
                             struct pc_decision *ret, struct pc_answer *answer)
{
    struct pc_trace_window window;
    pc_parse(frame, len, ingress, pc_tables_sizes(d->tables)->max_frame, parsed);
    bool traced = !choice && d->trace.wants && d->trace.wants(d->trace.ctx, parsed);
    if (traced)
        window = pc_trace_window_of(frame, len);
    pc_decide_by_tables(d->tables, parsed, ret);
    pc_stateful_decide(&d->stateful, d->tables, parsed, choice, now, ret);
    if (answer)
        answer->len = 0;
    if (ret->drop && pc_reason_is_reject(ret->reason))
        refuse(d, frame, parsed, now, ret, answer);
    ret->punt_wanted = pc_punt_wanted(d, ret->reason);
    if (ret->punt_wanted && choice)
        return;
    if (ret->punt_wanted)
        pc_punt(d, frame, parsed, now, ret);
    pc_rewrite(d->tables, parsed, ret, frame);
    count_packet(d, parsed, ret);
    if (traced)
        d->trace.sample(d->trace.ctx, parsed, ret, now, &window);
}

void pc_device_punt_chosen(struct pc_device *d, const struct pc_parsed *parsed,
                           const struct pc_punt_limits *limits, uint32_t now, bool runs, bool room,
                           struct pc_decision *v)
{
    pc_punt_chosen(d, limits, now, runs, room, v);
    count_packet(d, parsed, v);
}

void pc_device_packet(struct pc_device *d, uint8_t *frame, size_t len, unsigned ingress,
                      uint32_t now, struct pc_parsed *parsed, struct pc_decision *ret,
                      struct pc_answer *answer)
{
    struct pc_parsed local;
    pc_device_packet_chosen(d, frame, len, ingress, now, NULL, parsed ? parsed : &local, ret,
                            answer);
}

/* ---- time ---- */

enum pc_ageing pc_device_age_slot(struct pc_device *d, uint32_t now, unsigned slot)
{
    struct pc_connections *c = d->stateful.connections;
    const struct pc_connection *r = c ? pc_connections_get(c, slot) : NULL;
    if (!r)
        return PC_AGEING_NOTHING;
    const struct portcam_timeout_row *timeouts =
        pc_tables_get(d->tables, PORTCAM_TABLE_TIMEOUT, r->service);
    const struct portcam_domain_row *domain =
        timeouts ? pc_tables_get(d->tables, PORTCAM_TABLE_DOMAIN, timeouts->domain) : NULL;
    bool frozen = domain && domain->state == PORTCAM_DOMAIN_STATE_PAUSED;
    bool ended = pc_connections_sweep(c, slot, now, timeouts, frozen, NULL);
    return ended ? PC_AGEING_ENDED : frozen ? PC_AGEING_KEPT : PC_AGEING_NOTHING;
}

unsigned pc_device_age(struct pc_device *d, uint32_t now, unsigned slots)
{
    const struct pc_connections *c = d->stateful.connections;
    unsigned ended = 0;
    if (!c || pc_connections_used(c) == 0)
        return 0;
    unsigned capacity = pc_connections_capacity(c);
    for (unsigned i = slots < capacity ? slots : capacity; i > 0; i--) {
        ended += pc_device_age_slot(d, now, d->age_at) == PC_AGEING_ENDED;
        d->age_at = d->age_at + 1 == capacity ? 0 : d->age_at + 1;
    }
    return ended;
}
