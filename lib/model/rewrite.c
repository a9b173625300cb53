// SPDX-License-Identifier: Apache-2.0
/* Rewriting of translated frames: docs/pipeline.md section 5. */
#include <string.h>

#include "checksum.h"
#include "decide.h"

enum { UDP = 17 };

/* One direction's change, independent of which table it came from. */
struct change {
    const uint8_t *ip; /* new address */
    unsigned port;     /* new port, 0: keep */
    size_t ip_at, port_at;
    bool any_port; /* 0 is a port */
};

static void update_checksums(const struct pc_parsed *p, uint8_t *frame, uint64_t ip_delta,
                             uint64_t l4_delta)
{
    uint16_t sum;
    if (!p->is_v6) {
        memcpy(&sum, frame + p->l3 + 10, 2);
        sum = pc_checksum_update(sum, ip_delta);
        memcpy(frame + p->l3 + 10, &sum, 2);
    }
    if (!p->has_l4_sum)
        return;
    memcpy(&sum, frame + p->l4_sum_at, 2);
    if (p->protocol == UDP && sum == 0)
        return;
    sum = pc_checksum_update(sum, l4_delta);
    if (p->protocol == UDP && sum == 0)
        sum = 0xffff;
    memcpy(frame + p->l4_sum_at, &sum, 2);
}

static void apply(const struct pc_parsed *p, const struct change *c, uint8_t *frame)
{
    size_t ip_len = p->is_v6 ? 16 : 4;
    uint64_t ip_delta = pc_checksum_delta(frame + c->ip_at, c->ip, ip_len);
    uint64_t l4_delta = ip_delta;
    if ((c->port != 0 || c->any_port) && p->has_ports) {
        uint8_t port[2] = {(uint8_t)(c->port >> 8), (uint8_t)c->port};
        l4_delta += pc_checksum_delta(frame + c->port_at, port, 2);
        memcpy(frame + c->port_at, port, 2);
    }
    memcpy(frame + c->ip_at, c->ip, ip_len);
    update_checksums(p, frame, ip_delta, l4_delta);
}

bool pc_reason_is_forward(unsigned reason)
{
    switch (reason) {
    case PORTCAM_REASON_STATIC_FORWARD:
    case PORTCAM_REASON_CONNECTION_FORWARD:
    case PORTCAM_REASON_CONNECTION_NEW:
    case PORTCAM_REASON_HASH_FORWARD:
    case PORTCAM_REASON_TABLE_FULL_HASH:
    case PORTCAM_REASON_EMBRYONIC_FULL_HASH:
        return true;
    default:
        return false;
    }
}

bool pc_reason_is_reverse(unsigned reason)
{
    return reason == PORTCAM_REASON_STATIC_REVERSE || reason == PORTCAM_REASON_CONNECTION_REVERSE ||
           reason == PORTCAM_REASON_HASH_REVERSE;
}

static void forward(const struct pc_tables *t, const struct pc_parsed *p,
                    const struct pc_decision *d, uint8_t *frame)
{
    const struct portcam_device_row *device = pc_tables_get(t, PORTCAM_TABLE_DEVICE, 0);
    const struct portcam_backend_row *b =
        pc_tables_get(t, PORTCAM_TABLE_BACKEND, (unsigned)d->backend);
    struct change c = {b->ip, b->port, p->l3 + (p->is_v6 ? 24u : 16u), p->l4 + 2u, false};
    apply(p, &c, frame);
    if (b->flags & PORTCAM_BACKEND_ROW_HAS_MAC) {
        memcpy(frame, b->mac, 6);
        if (device)
            memcpy(frame + 6, device->mac, 6);
    }
}

static void reverse(const struct pc_tables *t, const struct pc_parsed *p,
                    const struct pc_decision *d, uint8_t *frame)
{
    const struct portcam_device_row *device = pc_tables_get(t, PORTCAM_TABLE_DEVICE, 0);
    const struct portcam_endpoint_row *e =
        pc_tables_get(t, (unsigned)d->endpoint_table, (unsigned)d->endpoint_row);
    struct change c = {e->public_ip, e->public_port, p->l3 + (p->is_v6 ? 8u : 12u), p->l4, false};
    if (d->reason == PORTCAM_REASON_CONNECTION_REVERSE) {
        const struct portcam_public_row *row =
            pc_tables_get(t, PORTCAM_TABLE_PUBLIC, (unsigned)d->address);
        c.ip = row->ip;
        c.port = d->public_port;
        c.any_port = true;
    }
    apply(p, &c, frame);
    if (e->flags & PORTCAM_ENDPOINT_ROW_HAS_MAC && device)
        memcpy(frame + 6, device->mac, 6);
}

void pc_rewrite(const struct pc_tables *t, const struct pc_parsed *p, const struct pc_decision *d,
                uint8_t *frame)
{
    if (d->drop)
        return;
    if (pc_reason_is_forward(d->reason))
        forward(t, p, d, frame);
    else if (pc_reason_is_reverse(d->reason))
        reverse(t, p, d, frame);
}
