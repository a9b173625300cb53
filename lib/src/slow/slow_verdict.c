// SPDX-License-Identifier: Apache-2.0
/* What becomes of one packet of the slow path: the model's decision over the card's rows and records. */
#include <string.h>

#include "slow_engine.h"
#include "slow_records.h"
#include "slow_sctp.h"

enum { SCTP = 132, TRIES = 4 /* decisions about one packet whose record is in another's way */ };

/* ---- one decision ---- */

static void answer(struct pc_slow *e, const struct pc_slow_work *w, unsigned reason)
{
    const struct portcam_limits_row *limits = pc_tables_get(e->tables, PORTCAM_TABLE_LIMITS, 0);
    struct pc_answer a;

    if (!limits || !pc_bucket_take(&e->bucket[pc_reject_bucket(reason)], limits->reject_rate,
                                   limits->reject_burst, w->header.time_ms))
        return;
    pc_reject_answer(&w->parsed, w->at, &a);
    e->ops.send(e->ops.ctx, a.egress, a.bytes, a.len);
    e->stats.answers++;
}

static enum pc_slow_outcome outcome_of(const struct pc_decision *d, bool conflict)
{
    if (conflict)
        return PC_SLOW_CONFLICT;
    if (d->drop) {
        if (d->refusal)
            return PC_SLOW_REFUSED;
        bool full = d->reason == PORTCAM_REASON_TABLE_FULL ||
                    d->reason == PORTCAM_REASON_TABLE_FULL_PUNT ||
                    d->reason == PORTCAM_REASON_EMBRYONIC_FULL;
        return full ? PC_SLOW_FULL : PC_SLOW_DROPPED;
    }
    if (d->reason == PORTCAM_REASON_DELIVER)
        return PC_SLOW_DELIVERED;
    return pc_reason_is_forward(d->reason) || pc_reason_is_reverse(d->reason) ? PC_SLOW_REWRITTEN
                                                                              : PC_SLOW_PASSED;
}

static bool is_sent(enum pc_slow_outcome outcome)
{
    return outcome <= PC_SLOW_PASSED;
}

struct pc_verdict pc_slow_decide(struct pc_slow *e, const struct pc_slow_work *w)
{
    struct pc_slow_view view;
    struct pc_stateful records = {
        .ops = &PcSlowRecords, .ctx = &view, .counter = e->counter, .random = e->random};
    struct pc_decision d;
    unsigned tries = 0;

    do {
        view = (struct pc_slow_view){.ops = &e->ops,
                                     .tables = e->tables,
                                     .scratch = e->scratch,
                                     .sure = tries > 0,
                                     .creates = pc_may_create(&w->parsed) == PC_CREATE_OK};
        pc_decide_by_tables(e->tables, &w->parsed, &d);
        pc_stateful_decide(&records, e->tables, &w->parsed, NULL, w->header.time_ms, &d);
        e->stats.inserted += view.inserted;
        e->stats.updated += view.updated;
    } while (view.conflict && ++tries < TRIES);
    e->random = records.random;
    struct pc_verdict v = {.outcome = outcome_of(&d, view.conflict), .egress = d.egress};
    if (is_sent(v.outcome))
        pc_change_of(e->tables, &d, &v.change);
    else if (v.outcome == PC_SLOW_REFUSED && pc_reason_is_reject(d.reason))
        answer(e, w, d.reason);
    return v;
}

/* ---- one frame ---- */

bool pc_slow_changes_sctp(const struct pc_slow_work *w, const struct pc_verdict *v)
{
    if (w->parsed.protocol != SCTP || !w->parsed.has_ports || !v->change.has_port)
        return false;
    return v->change.port !=
           (v->change.side == PC_CHANGE_SOURCE ? w->parsed.src.port : w->parsed.dst.port);
}

void pc_slow_follow(struct pc_slow *e, struct pc_slow_work *w, const struct pc_verdict *v,
                    size_t end)
{
    uint8_t *l4 = w->at + w->parsed.l4, ports[4];

    pc_slow_count(e, &w->header, v->outcome);
    if (!is_sent(v->outcome))
        return;
    if (pc_slow_changes_sctp(w, v)) {
        size_t len = w->parsed.fragment.is ? end - (w->parsed.l4 - w->parsed.fragment.at)
                                           : (size_t)(w->parsed.end - w->parsed.l4);
        memcpy(ports, l4, sizeof(ports));
        pc_frame_change(&w->parsed, &v->change, w->at);
        pc_sctp_update(l4, ports, len);
    } else {
        pc_frame_change(&w->parsed, &v->change, w->at);
    }
    e->ops.send(e->ops.ctx, v->egress, w->at, w->len);
}
