// SPDX-License-Identifier: Apache-2.0
/*
 * The card's records of one client, in the reference model: so it can tell which of them a packet finds. They are made
 * again there from nothing but their images, by the packets that lead to their state.
 */
#include "explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 1024 }; /* of each family; a client with more of them is told by the first ones */

#define ACK (PC_TCP_ACK)
#define FIN (PC_TCP_FIN | PC_TCP_ACK)
#define SYN_ACK (PC_TCP_SYN | PC_TCP_ACK)
#define RST (PC_TCP_RST)
#define SERVER 0x100 /* of the server */

/* What comes after the first packet; ends with -1. */
static const int Packets[PC_STATE_MAX][5] = {
    [PC_STATE_NONE] = {-1},
    [PC_STATE_SYN_SEEN] = {-1},
    [PC_STATE_SYN_ACK_SEEN] = {SERVER | SYN_ACK, -1},
    [PC_STATE_ESTABLISHED] = {SERVER | SYN_ACK, ACK, -1},
    [PC_STATE_CLOSING_CLIENT] = {SERVER | SYN_ACK, ACK, FIN, -1},
    [PC_STATE_CLOSING_SERVER] = {SERVER | SYN_ACK, ACK, SERVER | FIN, -1},
    [PC_STATE_CLOSING_BOTH] = {SERVER | SYN_ACK, ACK, FIN, SERVER | FIN, -1},
    [PC_STATE_RESET_CLIENT] = {SERVER | SYN_ACK, ACK, RST, -1},
    [PC_STATE_RESET_SERVER] = {SERVER | SYN_ACK, ACK, SERVER | RST, -1},
    [PC_STATE_RESET] = {SERVER | RST, -1},
    [PC_STATE_UNREPLIED] = {-1},
    [PC_STATE_REPLIED] = {SERVER, -1},
};

static void add(struct pc_records *r, const struct portcam *pc,
                const struct portcam_connection_image *i)
{
    int service = pc->plan->numbers[PC_SERVICE].index[i->service];
    struct pc_packet packet = {
        .from = PC_FROM_CLIENT, .tcp_flags = PC_TCP_SYN, .seq = i->client_next - 1};
    struct pc_packet_result result = {.ended = NULL};
    unsigned slot = 0;

    if (service < 0 || pc->plan->config->services[service].mode != PORTCAM_MODE_STATEFUL)
        return;
    bool exact = pc->plan->config->services[service].port != PC_NONE;
    struct pc_insert insert = {
        .key = {.is_v6 = i->family == PORTCAM_FAMILY_6,
                .protocol = i->protocol,
                .group = pc->plan->group[service],
                .kept_port = exact ? 0 : i->public_port},
        .service = i->service,
        .public_end = {.address = i->address, .port = i->public_port},
        .backend = i->backend,
        .endpoint = i->endpoint,
        .slot = PC_SLOT_ANY,
    };
    memcpy(insert.key.client.ip, i->client_ip, sizeof(i->client_ip));
    insert.key.client.port = i->client_port;
    if (pc_connections_insert(r->connections, &insert, &packet, &slot) != PC_RESULT_OK)
        return;
    for (const int *next = Packets[i->state]; *next >= 0; next++) {
        packet.from = *next & SERVER ? PC_FROM_BACKEND : PC_FROM_CLIENT;
        packet.tcp_flags = (uint8_t)*next;
        pc_connections_packet(r->connections, slot, &packet, &result);
    }
    r->images[slot] = *i;
}

int pc_records_read(struct portcam *pc, const uint8_t ip[16], bool is_v6, struct pc_records *ret)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    const struct pc_connection_sizes sizes = {.rows = {RECORDS, RECORDS},
                                              .backends = caps->backends};
    struct portcam_connection_image *chunk = calloc(PC_HW_CHUNK, sizeof(*chunk));
    struct pc_records r = {.connections = pc_connections_new(&sizes),
                           .images = calloc(2 * RECORDS, sizeof(*r.images))};
    uint32_t slots = pc_hw_slots(pc->hw);
    int rc = chunk && r.connections && r.images ? 0 : -ENOMEM;

    for (uint32_t slot = 0; rc == 0 && slot < slots; slot += PC_HW_CHUNK) {
        uint32_t n = 0, left = slots - slot;
        rc = pc_hw_connections(pc->hw, slot, left < PC_HW_CHUNK ? left : PC_HW_CHUNK, chunk, &n);
        for (uint32_t i = 0; rc == 0 && i < n; i++) {
            if ((chunk[i].family == PORTCAM_FAMILY_6) == is_v6 &&
                memcmp(chunk[i].client_ip, ip, sizeof(chunk[i].client_ip)) == 0)
                add(&r, pc, &chunk[i]);
        }
    }
    free(chunk);
    if (rc) {
        pc_records_free(&r);
        return rc;
    }
    *ret = r;
    return 0;
}

void pc_records_free(struct pc_records *r)
{
    pc_connections_free(r->connections);
    free(r->images);
}
