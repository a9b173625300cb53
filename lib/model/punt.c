// SPDX-License-Identifier: Apache-2.0
/* Which packets go to the host: docs/pipeline.md section 9. */
#include <string.h>

#include "device_state.h"

static uint16_t number(int n)
{
    return n < 0 ? 0xffff : (uint16_t)n;
}

struct portcam_punt_header pc_punt_header(const struct pc_tables *t, const struct pc_parsed *p,
                                          const struct pc_decision *v, uint32_t now)
{
    return (struct portcam_punt_header){.reason = v->reason,
                                        .ingress = p->ingress,
                                        .len = p->len,
                                        .time_ms = now,
                                        .domain = number(v->domain),
                                        .address = number(v->address),
                                        .service = number(v->service),
                                        .egress = (uint8_t)pc_default_egress(t, p)};
}

bool pc_punt_wanted(const struct pc_device *d, unsigned reason)
{
    const struct portcam_limits_row *limits = pc_tables_get(d->tables, PORTCAM_TABLE_LIMITS, 0);
    return limits && reason < 64 && limits->punt_reasons >> reason & 1;
}

static void dropped(struct pc_decision *v, unsigned reason)
{
    v->reason = (uint8_t)reason;
    v->drop = true;
}

/* By the bucket of its reason; false: dropped. */
static bool has_token(struct pc_device *d, const struct pc_punt_limits *limits, uint32_t now,
                      struct pc_decision *v)
{
    if (pc_bucket_take(&d->punt_bucket[v->reason], limits->rate, limits->burst, now))
        return true;
    dropped(v, PORTCAM_REASON_PUNT_LIMITED);
    return false;
}

static void by_room(bool room, struct pc_decision *v)
{
    if (room)
        v->punt = v->drop = true;
    else
        dropped(v, PORTCAM_REASON_PUNT_FULL);
}

struct pc_punt_limits pc_punt_limits_of(const struct pc_tables *t)
{
    const struct portcam_limits_row *row = pc_tables_get(t, PORTCAM_TABLE_LIMITS, 0);
    return row ? (struct pc_punt_limits){row->punt_rate, row->punt_burst}
               : (struct pc_punt_limits){0, 0};
}

void pc_punt(struct pc_device *d, const uint8_t *frame, const struct pc_parsed *p, uint32_t now,
             struct pc_decision *v)
{
    const struct pc_punt_port *port = &d->punt;
    struct pc_punt_limits limits = pc_punt_limits_of(d->tables);
    if (!port->runs || !port->runs(port->ctx) || !has_token(d, &limits, now, v))
        return;
    by_room(port->room(port->ctx), v);
    if (v->punt) {
        struct portcam_punt_header header = pc_punt_header(d->tables, p, v, now);
        port->write(port->ctx, &header, frame);
    }
}

void pc_punt_chosen(struct pc_device *d, const struct pc_punt_limits *limits, uint32_t now,
                    bool runs, bool room, struct pc_decision *v)
{
    if (runs && has_token(d, limits, now, v))
        by_room(room, v);
}
