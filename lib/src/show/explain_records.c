// SPDX-License-Identifier: Apache-2.0
/*
 * The card's records of one client, in the reference model: so it can tell which of them a packet finds. They are made
 * again there from nothing but their images, by the packets that lead to their state. A mirror that is up to date says
 * where they are, and the card is asked for those alone; else all of its records are looked at.
 */
#include "connections/connections.h"
#include "explain.h"
#include "portcam/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pc_load_tables(const struct portcam *pc, struct pc_tables **ret)
{
    const struct portcam_caps *caps = pc_hw_caps(pc->hw);
    const struct pc_sizes sizes = {
        .functions = caps->functions,
        .domains = caps->domains,
        .addresses = caps->addresses,
        .services = caps->services,
        .backends = caps->backends,
        .endpoint_ways = caps->endpoint_ways[0],
        .endpoint_rows = caps->endpoint_rows[0],
        .endpoint_any_port_rows = caps->endpoint_rows[1],
        .endpoint_any_rows = caps->endpoint_rows[2],
        .max_frame = caps->max_frame,
        /* Rows need only know that there are some. */
        .connection_rows = caps->flags & PORTCAM_CAPS_STATEFUL ? PORTCAM_BUILD_CONNECTION_ROWS : 0,
        .connection_rows_v6 =
            caps->flags & PORTCAM_CAPS_STATEFUL ? PORTCAM_BUILD_CONNECTION_ROWS_V6 : 0,
        .connection_stash = PORTCAM_BUILD_CONNECTION_STASH,
        .schedule_rows = caps->schedule ? caps->schedule : PORTCAM_BUILD_SCHEDULE_ROWS,
    };
    struct pc_tables *model = pc_tables_new(&sizes);
    if (!model)
        return -ENOMEM;
    pc_tables_set_seed(model, pc->seed);
    for (unsigned t = 0; t < PORTCAM_TABLE_MAX; t++) {
        for (uint32_t row = 0; row < pc->card->rows[t]; row++) {
            const struct pc_image_row *at = &pc->card->table[t][row];
            if (at->valid && pc_tables_check(model, t, row, at->data) == PORTCAM_STATUS_OK)
                pc_tables_set(model, t, row, at->data);
        }
    }
    pc_tables_build(model);
    *ret = model;
    return 0;
}

/* Of each family; an address and port with more of them is told by the first ones. */
enum { RECORDS = 1024 };

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

/* Whose records, and where the mirror found them. */
struct search {
    uint8_t ip[16];
    bool is_v6;
    uint16_t port;
    uint32_t slot[RECORDS], generation[RECORDS], n;
};

static bool is_sought(const struct search *s, const struct portcam_connection_image *i)
{
    return (i->family == PORTCAM_FAMILY_6) == s->is_v6 && i->client_port == s->port &&
           memcmp(i->client_ip, s->ip, sizeof(i->client_ip)) == 0;
}

static int note(void *ctx, const struct portcam_mirror_record *r)
{
    struct search *s = ctx;
    struct portcam_connection_image image = pc_image_of_mirror(r);

    if (is_sought(s, &image) && s->n < RECORDS) {
        s->slot[s->n] = r->slot;
        s->generation[s->n++] = r->generation;
    }
    return 0;
}

/* -EAGAIN: the mirror is not up to date, or the card moved one of them just then. */
static int read_noted(struct portcam *pc, struct search *s, struct pc_records *r)
{
    int rc = pc->mirror && pc_mirror_is_exact(pc->mirror) ? portcam_mirror_each(pc->mirror, note, s)
                                                          : -EAGAIN;

    for (uint32_t k = 0; rc == 0 && k < s->n; k++) {
        struct portcam_connection_image image;
        uint32_t n = 0;
        rc = pc_hw_connections(pc->hw, s->slot[k], 1, &image, &n);
        if (rc == 0 && (n == 0 || image.generation != s->generation[k]))
            rc = -EAGAIN;
        if (rc == 0)
            add(r, pc, &image);
    }
    return rc;
}

static int read_all(struct portcam *pc, const struct search *s, struct pc_records *r)
{
    struct portcam_connection_image *chunk = calloc(PC_HW_CHUNK, sizeof(*chunk));
    uint32_t slots = pc_hw_slots(pc->hw);
    int rc = chunk ? 0 : -ENOMEM;

    for (uint32_t slot = 0; rc == 0 && slot < slots; slot += PC_HW_CHUNK) {
        uint32_t n = 0, left = slots - slot;
        rc = pc_hw_connections(pc->hw, slot, left < PC_HW_CHUNK ? left : PC_HW_CHUNK, chunk, &n);
        for (uint32_t i = 0; rc == 0 && i < n; i++) {
            if (is_sought(s, &chunk[i]))
                add(r, pc, &chunk[i]);
        }
    }
    free(chunk);
    return rc;
}

static int make_room(const struct portcam *pc, struct pc_records *ret)
{
    const struct pc_connection_sizes sizes = {.rows = {RECORDS, RECORDS},
                                              .backends = pc_hw_caps(pc->hw)->backends};

    pc_records_free(ret);
    ret->connections = pc_connections_new(&sizes);
    ret->images = calloc(2 * RECORDS, sizeof(*ret->images));
    return ret->connections && ret->images ? 0 : -ENOMEM;
}

int pc_records_read(struct portcam *pc, const struct pc_tuple *client, bool is_v6,
                    struct pc_records *ret)
{
    struct search s = {.is_v6 = is_v6, .port = client->port};
    struct pc_records r = {NULL, NULL};

    memcpy(s.ip, client->ip, sizeof(s.ip));
    int rc = make_room(pc, &r);
    if (rc == 0)
        rc = read_noted(pc, &s, &r);
    if (rc == -EAGAIN) {
        rc = make_room(pc, &r);
        if (rc == 0)
            rc = read_all(pc, &s, &r);
    }
    if (rc)
        pc_records_free(&r);
    else
        *ret = r;
    return rc;
}

void pc_records_free(struct pc_records *r)
{
    pc_connections_free(r->connections);
    free(r->images);
}
