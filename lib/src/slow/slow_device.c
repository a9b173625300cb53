// SPDX-License-Identifier: Apache-2.0
/* The model device behind a slow path; see slow_device.h. */
#include "slow_device.h"

#include <errno.h>

static const struct pc_tables *tables(void *ctx)
{
    const struct pc_slow_device *s = ctx;
    return pc_device_tables(s->device);
}

static bool copy(const struct pc_connections *c, int slot, struct pc_connection *ret)
{
    if (slot >= 0)
        *ret = *pc_connections_get(c, (unsigned)slot);
    return slot >= 0;
}

static bool find_forward(void *ctx, const struct pc_client_key *key, unsigned service,
                         struct pc_end public_end, struct pc_connection *ret)
{
    const struct pc_slow_device *s = ctx;
    const struct pc_connections *c = pc_device_connections(s->device);
    return c && copy(c, pc_connections_forward(c, key, service, public_end), ret);
}

static bool find_reverse(void *ctx, const struct pc_client_key *key, unsigned endpoint,
                         struct pc_connection *ret)
{
    const struct pc_slow_device *s = ctx;
    const struct pc_connections *c = pc_device_connections(s->device);
    return c && copy(c, pc_connections_reverse(c, key, endpoint), ret);
}

static enum pc_result insert(void *ctx, const struct pc_connection *r)
{
    struct pc_slow_device *s = ctx;
    struct pc_connections *c = pc_device_connections_rw(s->device);
    unsigned slot;
    return c ? pc_connections_restore(c, r, PC_SLOT_ANY, false, &slot) : PC_RESULT_FULL;
}

static enum pc_result update(void *ctx, const struct pc_connection *from,
                             const struct pc_connection *to)
{
    struct pc_slow_device *s = ctx;
    struct pc_connections *c = pc_device_connections_rw(s->device);
    struct pc_ended ended;
    enum pc_result result =
        c ? pc_connections_delete(c, from->slot, from->generation, to->last_used, &ended)
          : PC_RESULT_NOT_FOUND;
    return result == PC_RESULT_OK ? insert(ctx, to) : result;
}

static uint32_t active(void *ctx, unsigned backend)
{
    const struct pc_slow_device *s = ctx;
    const struct pc_connections *c = pc_device_connections(s->device);
    return c ? pc_connections_backend(c, backend).active : 0;
}

static uint32_t embryonic(void *ctx)
{
    const struct pc_slow_device *s = ctx;
    const struct pc_connections *c = pc_device_connections(s->device);
    return c ? pc_connections_embryonic(c) : 0;
}

static void send_frame(void *ctx, unsigned egress, const uint8_t *frame, size_t len)
{
    const struct pc_slow_device *s = ctx;
    s->send(s->ctx, egress, frame, len);
}

struct pc_slow_ops pc_slow_device_ops(struct pc_slow_device *s)
{
    return (struct pc_slow_ops){.ctx = s,
                                .tables = tables,
                                .find_forward = find_forward,
                                .find_reverse = find_reverse,
                                .insert = insert,
                                .update = update,
                                .active = active,
                                .embryonic = embryonic,
                                .send = send_frame};
}

/* ---- the punt port ---- */

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

static void punted(void *ctx, const struct portcam_punt_header *header, const uint8_t *frame)
{
    struct pc_slow_device *s = ctx;
    const struct pc_slow_header h = {
        .reason = header->reason, .ingress = header->ingress, .time_ms = header->time_ms};
    pc_slow_packet(s->slow, &h, frame, header->len, s->now_ms);
}

int pc_slow_device_init(struct pc_slow_device *s, const struct pc_slow_limits *limits)
{
    const struct pc_slow_ops ops = pc_slow_device_ops(s);
    const struct pc_punt_port port = {.ctx = s, .runs = always, .room = always, .write = punted};

    s->slow = pc_slow_new(&ops, limits);
    if (!s->slow)
        return -ENOMEM;
    pc_device_set_punt(s->device, &port);
    return 0;
}

void pc_slow_device_fini(struct pc_slow_device *s)
{
    const struct pc_punt_port none = {.ctx = NULL};

    if (s->device)
        pc_device_set_punt(s->device, &none);
    pc_slow_free(s->slow);
}
