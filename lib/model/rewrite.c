// SPDX-License-Identifier: Apache-2.0
/* Rewriting of translated frames: docs/pipeline.md section 5. */
#include <string.h>

#include "checksum.h"
#include "decide.h"

enum { UDP = 17, UDP_LITE = 136 };

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
    bool zero_is_none = p->protocol == UDP || p->protocol == UDP_LITE;
    if (zero_is_none && sum == 0)
        return;
    sum = pc_checksum_update(sum, l4_delta);
    if (zero_is_none && sum == 0)
        sum = 0xffff;
    memcpy(frame + p->l4_sum_at, &sum, 2);
}

static void update(uint8_t *sum_at, uint64_t delta)
{
    uint16_t sum;
    memcpy(&sum, sum_at, 2);
    sum = pc_checksum_update(sum, delta);
    memcpy(sum_at, &sum, 2);
}

/* The layer-4 checksum of the embedded packet; false: it stays. */
static bool update_embedded(const struct pc_parsed *p, uint8_t *frame, uint64_t delta)
{
    static const uint8_t ones[2] = {0xff, 0xff};
    uint8_t *sum = frame + p->inner_sum_at;
    bool zero_is_none = p->inner_protocol == UDP;
    if (!p->inner_has_sum || (zero_is_none && sum[0] == 0 && sum[1] == 0))
        return false;
    update(sum, delta);
    if (zero_is_none && sum[0] == 0 && sum[1] == 0)
        memcpy(sum, ones, 2);
    return true;
}

/* An ICMP error: the address of this side, and in the embedded packet, which went the other way, the other side. */
static void apply_error(const struct pc_parsed *p, const struct pc_change *c, uint8_t *frame)
{
    bool source = c->side == PC_CHANGE_SOURCE;
    size_t ip_len = p->is_v6 ? 16 : 4, first = p->is_v6 ? 8 : 12;
    uint8_t *outer = frame + p->l3 + first + (source ? 0 : ip_len);
    uint8_t *inner = frame + p->inner_at + first + (source ? ip_len : 0);
    uint8_t *port_at = frame + p->inner_l4 + (source ? 2 : 0);
    uint64_t outer_delta = pc_checksum_delta(outer, c->ip, ip_len);
    uint64_t ip_delta = pc_checksum_delta(inner, c->ip, ip_len);
    uint64_t back_delta = pc_checksum_delta(c->ip, inner, ip_len);
    uint64_t port_delta = 0;
    memcpy(outer, c->ip, ip_len);
    memcpy(inner, c->ip, ip_len);
    if (c->has_port && p->inner_has_ports) {
        uint8_t port[2] = {(uint8_t)(c->port >> 8), (uint8_t)c->port};
        port_delta = pc_checksum_delta(port_at, port, 2);
        memcpy(port_at, port, 2);
    }
    bool new_sum = update_embedded(p, frame, ip_delta + port_delta);
    if (p->is_v6) {
        update(frame + p->l4 + 2, outer_delta + (new_sum ? 0 : ip_delta + port_delta));
    } else {
        update(frame + p->l3 + 10, outer_delta);
        update(frame + p->inner_at + 10, ip_delta);
        update(frame + p->l4 + 2, new_sum ? back_delta : port_delta);
    }
}

/* Addresses, ports and checksums of any other packet. */
static void apply(const struct pc_parsed *p, const struct pc_change *c, uint8_t *frame)
{
    bool source = c->side == PC_CHANGE_SOURCE;
    size_t ip_len = p->is_v6 ? 16 : 4;
    uint8_t *ip = frame + p->l3 + (p->is_v6 ? 24 : 16) - (source ? ip_len : 0);
    uint8_t *port_at = frame + p->l4 + (source ? 0 : 2);
    uint64_t ip_delta = pc_checksum_delta(ip, c->ip, ip_len);
    uint64_t l4_delta = ip_delta;
    if (c->has_port && p->has_ports) {
        uint8_t port[2] = {(uint8_t)(c->port >> 8), (uint8_t)c->port};
        l4_delta += pc_checksum_delta(port_at, port, 2);
        memcpy(port_at, port, 2);
    }
    memcpy(ip, c->ip, ip_len);
    update_checksums(p, frame, ip_delta, l4_delta);
}

void pc_frame_change(const struct pc_parsed *p, const struct pc_change *c, uint8_t *frame)
{
    if (c->side == PC_CHANGE_NONE)
        return;
    if (p->about_flow)
        apply_error(p, c, frame);
    else
        apply(p, c, frame);
    if (c->has_dst_mac)
        memcpy(frame, c->dst_mac, 6);
    if (c->has_src_mac)
        memcpy(frame + 6, c->src_mac, 6);
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
    case PORTCAM_REASON_ICMP_FORWARD:
        return true;
    default:
        return false;
    }
}

bool pc_reason_is_reverse(unsigned reason)
{
    return reason == PORTCAM_REASON_STATIC_REVERSE || reason == PORTCAM_REASON_CONNECTION_REVERSE ||
           reason == PORTCAM_REASON_HASH_REVERSE || reason == PORTCAM_REASON_ICMP_REVERSE;
}

static void forward(const struct pc_tables *t, const struct pc_decision *d, struct pc_change *c)
{
    const struct portcam_backend_row *b =
        pc_tables_get(t, PORTCAM_TABLE_BACKEND, (unsigned)d->backend);
    c->side = PC_CHANGE_DESTINATION;
    memcpy(c->ip, b->ip, sizeof(c->ip));
    c->port = b->port;
    c->has_port = b->port != 0;
    c->has_dst_mac = b->flags & PORTCAM_BACKEND_ROW_HAS_MAC;
    c->has_src_mac = c->has_dst_mac;
    memcpy(c->dst_mac, b->mac, sizeof(c->dst_mac));
}

static void reverse(const struct pc_tables *t, const struct pc_decision *d, struct pc_change *c)
{
    const struct portcam_endpoint_row *e =
        pc_tables_get(t, (unsigned)d->endpoint_table, (unsigned)d->endpoint_row);
    const uint8_t *ip = e->public_ip;
    c->side = PC_CHANGE_SOURCE;
    c->port = e->public_port;
    c->has_port = e->public_port != 0;
    if (d->record >= 0) {
        const struct portcam_public_row *row =
            pc_tables_get(t, PORTCAM_TABLE_PUBLIC, (unsigned)d->address);
        ip = row->ip;
        c->port = d->public_port;
        c->has_port = true;
    }
    memcpy(c->ip, ip, sizeof(c->ip));
    c->has_src_mac = e->flags & PORTCAM_ENDPOINT_ROW_HAS_MAC;
}

void pc_change_of(const struct pc_tables *t, const struct pc_decision *d, struct pc_change *ret)
{
    const struct portcam_device_row *device = pc_tables_get(t, PORTCAM_TABLE_DEVICE, 0);
    *ret = (struct pc_change){.side = PC_CHANGE_NONE};
    if (d->drop)
        return;
    if (pc_reason_is_forward(d->reason))
        forward(t, d, ret);
    else if (pc_reason_is_reverse(d->reason))
        reverse(t, d, ret);
    ret->has_src_mac = ret->has_src_mac && device;
    if (ret->has_src_mac)
        memcpy(ret->src_mac, device->mac, sizeof(ret->src_mac));
}

void pc_rewrite(const struct pc_tables *t, const struct pc_parsed *p, const struct pc_decision *d,
                uint8_t *frame)
{
    struct pc_change change;
    pc_change_of(t, d, &change);
    pc_frame_change(p, &change, frame);
}
