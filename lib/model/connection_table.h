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

/* Slots of one family. Those from `fresh` on that are free were never given back and are in no list. */
struct pc_family {
    unsigned first, rows, end; /* its stash is behind its rows */
    unsigned used, fresh;
    unsigned top; /* behind the highest slot that ever had a record */
    uint32_t first_free, last_free;
};

/* A backend's active before it changed. */
struct pc_active_change {
    uint64_t moment;
    uint32_t backend, before;
};

#define PC_ACTIVE_CHANGES 128

struct pc_connections {
    struct pc_connection_sizes sizes;
    struct pc_family family[2];
    unsigned capacity;
    uint32_t began; /* records that ever did */
    unsigned embryonic;
    uint32_t chain_mask; /* chains - 1, chains a power of two */
    struct pc_entry *entry;
    uint32_t *chain[PC_INDEXES]; /* first slot of each plus 1, or 0 */
    struct pc_backend_counters *backend;
    struct pc_connection_watch watch;
    uint64_t moment, changes;
    struct pc_active_change change[PC_ACTIVE_CHANGES];
};

struct pc_family *pc_family_of(struct pc_connections *c, uint32_t slot);

/* The slot that has been free for longest, or PC_NO_SLOT. */
uint32_t pc_entry_free(const struct pc_connections *c, bool is_v6);

/* Out of the free slots into both chains, by the keys of the record; and back, as the newest free one. While the one or the
 * other is called the record's state is not none. */
void pc_entry_take(struct pc_connections *c, uint32_t slot);
void pc_entry_give(struct pc_connections *c, uint32_t slot);

/* One active record more, or fewer. */
void pc_active_add(struct pc_connections *c, unsigned backend, int more);

/* A new connection in a record whose keys and ends are written. */
void pc_record_begin(struct pc_connections *c, struct pc_connection *r,
                     const struct pc_packet *first);

/* Tell the watch, if there is one. */
void pc_record_tell(const struct pc_connections *c, enum portcam_event_kind kind,
                    const struct pc_connection *r, enum portcam_end_cause cause);

/* What pc_record_begin() counted as present, no longer is; the receipt. The record stays as it is. */
void pc_record_finish(struct pc_connections *c, const struct pc_connection *r,
                      enum pc_end_reason reason, uint32_t now, struct pc_ended *ended);

#endif
