// SPDX-License-Identifier: Apache-2.0
/* The card as the engine of the slow path sees it: records of its mirror, changed by commands; frames by the inject ring. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "mirror/mirror_track.h"
#include "slow_run.h"

enum {
    SETTLE_US = 50, /* between two looks at a mirror that is behind */
    SETTLE_TIMES = 40,
    SEND_TIMES = 100, /* looks at an inject ring that is full */
};

static void rest(unsigned us)
{
    const struct timespec t = {.tv_nsec = (long)us * 1000};
    nanosleep(&t, NULL);
}

static const struct pc_tables *tables(void *ctx)
{
    const struct portcam_slow_path *s = ctx;
    return s->tables;
}

/* ---- records ---- */

static struct portcam_mirror_client client_of(const struct pc_client_key *key)
{
    struct portcam_mirror_client c = {
        .is_v6 = key->is_v6, .protocol = key->protocol, .port = key->client.port};
    memcpy(c.ip, key->client.ip, sizeof(c.ip));
    return c;
}

static void record_of(const struct portcam_mirror_record *r, struct pc_connection *ret)
{
    *ret = (struct pc_connection){
        .key = {.client = {.port = r->client_port},
                .is_v6 = r->flags & PORTCAM_MIRROR_RECORD_IS_V6,
                .protocol = r->protocol,
                .group = r->group,
                .kept_port = r->flags & PORTCAM_MIRROR_RECORD_KEPT_PORT ? r->public_port : 0},
        .service = r->service,
        .public_end = {.address = r->address, .port = r->public_port},
        .backend = r->backend,
        .endpoint = r->endpoint,
        .slot = r->slot,
        .generation = r->generation,
        .state = r->state,
        .embryonic = r->flags & PORTCAM_MIRROR_RECORD_EMBRYONIC,
        .syn_repeats = r->syn_repeats,
        .client_next = r->client_next,
        .created = r->created,
        .last_used = r->last_used,
    };
    memcpy(ret->key.client.ip, r->client_ip, sizeof(ret->key.client.ip));
}

static bool find_forward(void *ctx, const struct pc_client_key *key, unsigned service,
                         struct pc_end public_end, struct pc_connection *ret)
{
    const struct portcam_slow_path *s = ctx;
    struct portcam_mirror_client client = client_of(key);
    struct portcam_mirror_record r;

    (void)service; /* the caller compares */
    if (!s->mirror ||
        portcam_mirror_find_forward(s->mirror, &client, public_end.address, public_end.port, &r))
        return false;
    record_of(&r, ret);
    return true;
}

static bool find_reverse(void *ctx, const struct pc_client_key *key, unsigned endpoint,
                         struct pc_connection *ret)
{
    const struct portcam_slow_path *s = ctx;
    struct portcam_mirror_client client = client_of(key);
    struct portcam_mirror_record r;

    if (!s->mirror || portcam_mirror_find_reverse(s->mirror, &client, key->group,
                                                  (uint16_t)endpoint, key->kept_port, &r))
        return false;
    record_of(&r, ret);
    return true;
}

/* The mirror's events that are there are followed by another thread. */
static void settle(void *ctx, bool sure)
{
    const struct portcam_slow_path *s = ctx;

    if (!s->mirror)
        return;
    if (sure)
        rest(SETTLE_US);
    for (unsigned n = 0; n < SETTLE_TIMES && pc_track_event_is_there(s->mirror); n++)
        rest(SETTLE_US);
}

static enum pc_result result_of(unsigned status)
{
    switch (status) {
    case PORTCAM_STATUS_OK:
        return PC_RESULT_OK;
    case PORTCAM_STATUS_EXISTS:
        return PC_RESULT_EXISTS;
    case PORTCAM_STATUS_AMBIGUOUS:
        return PC_RESULT_AMBIGUOUS;
    default:
        return PC_RESULT_FULL;
    }
}

static enum pc_result insert_image(struct portcam_slow_path *s,
                                   struct portcam_connection_image *image)
{
    unsigned status = PORTCAM_STATUS_FULL;

    image->slot = image->generation = 0;
    if (pc_hw_insert_connection(s->pc->hw, image, &status))
        return PC_RESULT_FULL;
    return result_of(status);
}

static enum pc_result insert(void *ctx, const struct pc_connection *r)
{
    struct portcam_connection_image image = pc_connection_image(r);
    return insert_image(ctx, &image);
}

/* What the card counted since the mirror knew goes on; a record that began anew is new. */
static void carry_on(struct portcam_connection_image *image,
                     const struct portcam_connection_image *last, const struct pc_connection *from,
                     const struct pc_connection *to)
{
    if (to->created != from->created)
        return;
    image->created = last->created;
    image->syn_repeats = last->syn_repeats;
    image->forward_packets = last->forward_packets + (to->forward.packets - from->forward.packets);
    image->forward_octets = last->forward_octets + (to->forward.octets - from->forward.octets);
    image->reverse_packets = last->reverse_packets + (to->reverse.packets - from->reverse.packets);
    image->reverse_octets = last->reverse_octets + (to->reverse.octets - from->reverse.octets);
    if (to->state == from->state)
        image->state = last->state;
    if (!(last->flags & PORTCAM_CONNECTION_IMAGE_EMBRYONIC))
        image->flags &= (uint8_t)~PORTCAM_CONNECTION_IMAGE_EMBRYONIC;
}

/* There is no command for that: it ends and begins again, and has another generation then. */
static enum pc_result update(void *ctx, const struct pc_connection *from,
                             const struct pc_connection *to)
{
    struct portcam_slow_path *s = ctx;
    struct portcam_connection_image last = {.slot = from->slot, .generation = from->generation};
    struct portcam_connection_image image = pc_connection_image(to);
    uint32_t ended = 0;

    if (pc_hw_end_connections(s->pc->hw, &last, 1, &ended) || ended == 0)
        return PC_RESULT_NOT_FOUND;
    carry_on(&image, &last, from, to);
    return insert_image(s, &image);
}

static uint32_t embryonic(void *ctx)
{
    const struct portcam_slow_path *s = ctx;
    uint32_t value = 0;
    return pc_hw_register(s->pc->hw, PORTCAM_REG_CONNECTIONS_EMBRYONIC, &value) ? UINT32_MAX
                                                                                : value;
}

/* ---- frames ---- */

static void send_frame(void *ctx, unsigned egress, const uint8_t *frame, size_t len)
{
    struct portcam_slow_path *s = ctx;
    const struct portcam_injected one = {.frame = frame, .len = len, .egress = egress};
    int rc = portcam_inject_send(s->punt, &one, 1, NULL);

    for (unsigned n = 0; rc == -EAGAIN && n < SEND_TIMES; n++) {
        rest(SETTLE_US);
        rc = portcam_inject_send(s->punt, &one, 1, NULL);
    }
    if (rc == 0)
        return;
    s->now.unsent++;
    s->broken |= rc != -EAGAIN && rc != -EINVAL;
}

struct pc_slow_ops pc_slow_card_ops(struct portcam_slow_path *s)
{
    return (struct pc_slow_ops){.ctx = s,
                                .tables = tables,
                                .find_forward = find_forward,
                                .find_reverse = find_reverse,
                                .settle = settle,
                                .insert = insert,
                                .update = update,
                                .embryonic = embryonic,
                                .send = send_frame};
}
