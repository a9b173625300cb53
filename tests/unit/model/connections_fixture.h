/* SPDX-License-Identifier: Apache-2.0 */
/* Small parts for the tests of the connection table. No port, address or number is equal to another one by chance. */
#ifndef CONNECTIONS_FIXTURE_H
#define CONNECTIONS_FIXTURE_H

#include <string.h>

#include "connections.h"

enum {
    FIX_CAPACITY = 8, /* IPv4 slots, of which */
    FIX_STASH = 2,
    FIX_V6 = 3, /* IPv6 rows; their stash comes behind */
    FIX_SLOTS = FIX_CAPACITY + FIX_V6 + FIX_STASH,
    FIX_LIMIT = 6,
    FIX_BACKENDS = 5,
    FIX_TCP = 6,
    FIX_UDP = 17,
    FIX_LEN = 100 /* octets of each frame */
};

static inline struct pc_tuple fix_tuple(unsigned a, unsigned b, unsigned c, unsigned d,
                                        unsigned port)
{
    return (struct pc_tuple){.ip = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d},
                             .port = (uint16_t)port};
}

/* The limit of embryonic records that fix_insert() writes. */
static unsigned fix_limit = FIX_LIMIT;

/* The connection of client `client` to service 1 at address 80, port 443, given to backend 3 with endpoint 7. */
static inline struct pc_insert fix_insert(unsigned client, unsigned protocol)
{
    return (struct pc_insert){
        .key = {.client = fix_tuple(198, 51, 100, 1 + client, 40000 + client),
                .protocol = (uint8_t)protocol,
                .group = 2},
        .service = 1,
        .public_end = {.address = 80, .port = 443},
        .backend = 3,
        .endpoint = 7,
        .slot = PC_SLOT_ANY,
        .embryonic_limit = fix_limit,
    };
}

static inline struct pc_packet fix_packet(enum pc_direction from, unsigned flags, uint32_t now)
{
    return (struct pc_packet){.from = (uint8_t)from,
                              .tcp_flags = (uint8_t)flags,
                              .seq = 1000,
                              .len = FIX_LEN,
                              .now = now,
                              .backend_accepts = true};
}

static inline struct pc_connections *fix_table(void)
{
    struct pc_connection_sizes sizes = {.rows = {FIX_CAPACITY - FIX_STASH, FIX_V6},
                                        .stash = FIX_STASH,
                                        .backends = FIX_BACKENDS,
                                        .secret = {1, 2}};
    fix_limit = FIX_LIMIT;
    return pc_connections_new(&sizes);
}

/* Timeouts of service 1, as IPVS has them; any other service's are the same. */
static inline struct portcam_timeout_row fix_timeouts(void)
{
    return (struct portcam_timeout_row){.syn = 60000,
                                        .syn_ack = 60000,
                                        .established = 900000,
                                        .fin_one = 120000,
                                        .fin_both = 120000,
                                        .reset = 10000,
                                        .unreplied = 300000,
                                        .replied = 300000};
}

/* A new record; its slot, or -1 - result. */
static inline int fix_open(struct pc_connections *c, unsigned client, unsigned protocol,
                           uint32_t now)
{
    struct pc_insert i = fix_insert(client, protocol);
    struct pc_packet p = fix_packet(PC_FROM_CLIENT, PC_TCP_SYN, now);
    unsigned slot = 0;
    enum pc_result result = pc_connections_insert(c, &i, &p, &slot);
    return result == PC_RESULT_OK ? (int)slot : -1 - (int)result;
}

/* A packet; its effects. */
static inline unsigned fix_pass(struct pc_connections *c, int slot, enum pc_direction from,
                                unsigned flags, uint32_t now)
{
    struct pc_packet p = fix_packet(from, flags, now);
    struct pc_packet_result ret = {.ended = NULL};
    pc_connections_packet(c, (unsigned)slot, &p, &ret);
    return ret.effects;
}

/* SYN, SYN-ACK and ACK; the slot. */
static inline int fix_established(struct pc_connections *c, unsigned client, uint32_t now)
{
    int slot = fix_open(c, client, FIX_TCP, now);
    if (slot >= 0) {
        fix_pass(c, slot, PC_FROM_BACKEND, PC_TCP_SYN | PC_TCP_ACK, now);
        fix_pass(c, slot, PC_FROM_CLIENT, PC_TCP_ACK, now);
    }
    return slot;
}

static inline bool fix_same_tuple(const struct pc_tuple *a, const struct pc_tuple *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

static inline bool fix_same_end(struct pc_end a, struct pc_end b)
{
    return a.address == b.address && a.port == b.port;
}

static inline bool fix_same_key(const struct pc_client_key *a, const struct pc_client_key *b)
{
    return fix_same_tuple(&a->client, &b->client) && a->is_v6 == b->is_v6 &&
           a->protocol == b->protocol && a->group == b->group && a->kept_port == b->kept_port;
}

static inline bool fix_same_row(const struct portcam_counter_row *a,
                                const struct portcam_counter_row *b)
{
    return a->packets == b->packets && a->octets == b->octets;
}

/* Two records are equal in every field; padding does not matter. */
static inline bool fix_same(const struct pc_connection *a, const struct pc_connection *b)
{
    return fix_same_key(&a->key, &b->key) && a->service == b->service &&
           fix_same_end(a->public_end, b->public_end) && a->backend == b->backend &&
           a->endpoint == b->endpoint && a->slot == b->slot && a->generation == b->generation &&
           a->state == b->state && a->embryonic == b->embryonic &&
           a->syn_repeats == b->syn_repeats && a->client_next == b->client_next &&
           a->created == b->created && a->last_used == b->last_used &&
           fix_same_row(&a->forward, &b->forward) && fix_same_row(&a->reverse, &b->reverse);
}

#endif
