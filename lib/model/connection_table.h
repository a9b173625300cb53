/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the connection table, for the files that implement connections.h: connection_index.c finds and places
 * entries, connections.c makes and ends records, connection_packet.c changes them. */
#ifndef PC_MODEL_CONNECTION_TABLE_H
#define PC_MODEL_CONNECTION_TABLE_H

#include "connections.h"

#define PC_NO_SLOT UINT32_MAX

enum { PC_PROTOCOL_TCP = 6 };

enum pc_index { PC_INDEX_FORWARD, PC_INDEX_REVERSE, PC_INDEXES };

struct pc_link {
    uint32_t next, previous;
};

struct pc_entry {
    struct pc_connection r;
    struct pc_link in[PC_INDEXES]; /* its chains; the first is its place in the free list too */
};

struct pc_connections {
    struct pc_connection_sizes sizes;
    unsigned limit; /* embryonic records at once */
    unsigned used, embryonic;
    uint32_t first_free, last_free;
    uint32_t chain_mask; /* chains - 1, chains a power of two */
    struct pc_entry *entry;
    uint32_t *chain[PC_INDEXES]; /* first slot of each */
    struct pc_timeouts *timeouts;
    struct pc_backend_counters *backend;
};

/* Out of the free list into both chains, by the keys of the record; and back, as the newest free one. */
void pc_entry_take(struct pc_connections *c, uint32_t slot);
void pc_entry_give(struct pc_connections *c, uint32_t slot);

/* A new connection in a record whose keys and ends are written. */
void pc_record_begin(struct pc_connections *c, struct pc_connection *r,
                     const struct pc_packet *first);

/* What pc_record_begin() counted as present, no longer is; the receipt. The record stays as it is. */
void pc_record_finish(struct pc_connections *c, const struct pc_connection *r,
                      enum pc_end_reason reason, uint32_t now, struct pc_ended *ended);

#endif
