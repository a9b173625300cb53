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

void pc_punt(struct pc_device *d, const uint8_t *frame, const struct pc_parsed *p, uint32_t now,
             const struct pc_choice *choice, struct pc_decision *v)
{
    const struct pc_punt_port *port = &d->punt;
    const struct portcam_limits_row *limits = pc_tables_get(d->tables, PORTCAM_TABLE_LIMITS, 0);
    bool runs = choice ? choice->punt_runs : port->runs && port->runs(port->ctx);
    if (!runs || !pc_punt_wanted(d, v->reason))
        return;
    if (!pc_bucket_take(&d->punt_bucket[v->reason], limits->punt_rate, limits->punt_burst, now)) {
        dropped(v, PORTCAM_REASON_PUNT_LIMITED);
        return;
    }
    if (!(choice ? choice->punt_room : port->room(port->ctx))) {
        dropped(v, PORTCAM_REASON_PUNT_FULL);
        return;
    }
    v->punt = v->drop = true;
    if (!choice) {
        struct portcam_punt_header header = pc_punt_header(d->tables, p, v, now);
        port->write(port->ctx, &header, frame);
    }
}
