// SPDX-License-Identifier: Apache-2.0
/* Records as the host sees them, connection_image: out of the card, and back into it. */
#include <string.h>

#include "device_state.h"

#define PROTOCOL_TCP 6
#define PACKETS_MAX ((1ull << 48) - 1)

struct portcam_connection_image pc_connection_image(const struct pc_connection *r)
{
    struct portcam_connection_image image = {
        .slot = r->slot,
        .generation = r->generation,
        .family = r->key.is_v6 ? PORTCAM_FAMILY_6 : PORTCAM_FAMILY_4,
        .protocol = r->key.protocol,
        .client_port = r->key.client.port,
        .public_port = r->public_end.port,
        .address = r->public_end.address,
        .service = r->service,
        .backend = r->backend,
        .endpoint = r->endpoint,
        .state = r->state,
        .flags = (r->embryonic ? PORTCAM_CONNECTION_IMAGE_EMBRYONIC : 0) |
                 (r->key.kept_port ? PORTCAM_CONNECTION_IMAGE_KEPT_PORT : 0),
        .syn_repeats = r->syn_repeats,
        .group = r->key.group,
        .client_next = r->client_next,
        .created = r->created,
        .last_used = r->last_used,
        .forward_packets = r->forward.packets,
        .forward_octets = r->forward.octets,
        .reverse_packets = r->reverse.packets,
        .reverse_octets = r->reverse.octets,
    };
    memcpy(image.client_ip, r->key.client.ip, sizeof(image.client_ip));
    return image;
}

static bool all_zero(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= p[i];
    return any == 0;
}

/* TCP has states of its own. */
static bool state_fits(const struct portcam_connection_image *i)
{
    if (i->protocol == PROTOCOL_TCP)
        return i->state >= PORTCAM_CONNECTION_STATE_SYN_SEEN &&
               i->state <= PORTCAM_CONNECTION_STATE_RESET;
    return i->state == PORTCAM_CONNECTION_STATE_UNREPLIED ||
           i->state == PORTCAM_CONNECTION_STATE_REPLIED;
}

bool pc_connection_image_is_good(const struct pc_sizes *s, const struct portcam_connection_image *i)
{
    const uint8_t flags = PORTCAM_CONNECTION_IMAGE_EMBRYONIC | PORTCAM_CONNECTION_IMAGE_KEPT_PORT;
    if (i->family != PORTCAM_FAMILY_6 &&
        (i->family != PORTCAM_FAMILY_4 || !all_zero(i->client_ip + 4, 12)))
        return false;
    return i->service < s->services && i->group < s->services && i->address < s->addresses &&
           i->backend < s->backends && i->endpoint < s->backends && state_fits(i) &&
           !(i->flags & ~flags) && i->pad == 0 && i->forward_packets <= PACKETS_MAX &&
           i->reverse_packets <= PACKETS_MAX && all_zero(i->reserved, sizeof(i->reserved)) &&
           all_zero(i->reserved2, sizeof(i->reserved2));
}

static struct pc_connection record_of(const struct portcam_connection_image *i)
{
    struct pc_connection r = {
        .key = {.client = {.port = i->client_port},
                .is_v6 = i->family == PORTCAM_FAMILY_6,
                .protocol = i->protocol,
                .group = i->group,
                .kept_port = i->flags & PORTCAM_CONNECTION_IMAGE_KEPT_PORT ? i->public_port : 0},
        .service = i->service,
        .public_end = {.address = i->address, .port = i->public_port},
        .backend = i->backend,
        .endpoint = i->endpoint,
        .state = i->state,
        .embryonic = i->flags & PORTCAM_CONNECTION_IMAGE_EMBRYONIC,
        .syn_repeats = i->syn_repeats,
        .client_next = i->client_next,
        .created = i->created,
        .last_used = i->last_used,
        .forward = {.packets = i->forward_packets, .octets = i->forward_octets},
        .reverse = {.packets = i->reverse_packets, .octets = i->reverse_octets},
    };
    memcpy(r.key.client.ip, i->client_ip, sizeof(r.key.client.ip));
    return r;
}

unsigned pc_device_insert(struct pc_device *d, const struct portcam_connection_image *image,
                          const struct pc_choice *choice, unsigned *slot)
{
    if (!d->stateful.connections)
        return PORTCAM_STATUS_UNSUPPORTED;
    if (!pc_connection_image_is_good(pc_tables_sizes(d->tables), image))
        return PORTCAM_STATUS_BAD_ROW;
    struct pc_connection r = record_of(image);
    bool full = choice && !choice->room;
    switch (pc_connections_restore(d->stateful.connections, &r, choice ? choice->slot : PC_SLOT_ANY,
                                   full, slot)) {
    case PC_RESULT_OK:
        return PORTCAM_STATUS_OK;
    case PC_RESULT_EXISTS:
        return PORTCAM_STATUS_EXISTS;
    case PC_RESULT_AMBIGUOUS:
        return PORTCAM_STATUS_AMBIGUOUS;
    default:
        return PORTCAM_STATUS_FULL;
    }
}
