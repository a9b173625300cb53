// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of the mirror. mirror.c owns memory and registers, mirror_track.c follows events and tells changes,
 * mirror_scan.c reads the whole array, mirror_index.c keeps the connections findable by their ends, mirror_audit.c
 * compares with the card, mirror_json.c puts changes into words.
 */
#ifndef PC_MIRROR_TRACK_H
#define PC_MIRROR_TRACK_H

#include "instance/instance.h"
#include "lib/reader/record_read.h"
#include "portcam/mirror.h"
#include "portcam/mirror_reader.h"

/* ---- connections that are known (mirror_index.c) ---- */

struct pc_mirror_index;
struct pc_bucket;

/* Where a node stands in a table of the index. */
struct pc_stand {
    uint32_t home, bucket; /* home: where its hash says */
    uint32_t place;
};

/* A connection. All of it is the tracker's, but for what says so. */
struct pc_node {
    struct pc_node *lost_next,
        *lost_before;                 /* mirror_scan.c; lost_next of free ones: of the index */
    uint64_t where;                   /* atomic; slot and generation: all that readers look at */
    struct pc_stand forward, reverse; /* of the index */
    bool lost; /* its slot holds another; it may have moved (mirror_scan.c) */
    struct portcam_mirror_record record __attribute__((aligned(64))); /* as last told */
};

struct pc_mirror_index *pc_index_new(uint32_t slots);
void pc_index_free(struct pc_mirror_index *index);

/* Zeroed memory in pages as large as can be had, for free(). */
void *pc_index_memory(size_t size);

/*
 * Adds a record. 0; -EEXIST: *ret is the node that has one of its two keys; -ENOSPC: the pool is used up, which a card that
 * follows the rules never does.
 */
int pc_index_add(struct pc_mirror_index *index, const struct portcam_mirror_record *r,
                 struct pc_node **ret);
void pc_index_remove(struct pc_mirror_index *index, struct pc_node *node);

/*
 * For speed alone: the record will be added soon, the node removed. What is fetched from memory ahead need not be waited
 * for; the record may be half a one.
 */
void pc_index_prepare(struct pc_mirror_index *index, const struct portcam_mirror_record *r);
void pc_index_prepare_end(const struct pc_mirror_index *index, const struct pc_node *node);

/* Its record went on in another slot, or as another generation. */
void pc_index_update(struct pc_node *node);

struct pc_index_key {
    struct portcam_mirror_client client;
    bool reverse;
    uint16_t address, port;              /* forward */
    uint16_t group, endpoint, kept_port; /* reverse */
};

/*
 * For readers, by any thread: where the record with this key may be. Mostly there is one such slot or none; what is in it
 * may have another key, also when there is a record with this one.
 */
struct pc_index_cursor {
    const struct pc_bucket *table;
    uint64_t hash;
    uint32_t bucket, place, past;
};
void pc_index_look(const struct pc_mirror_index *index, const struct pc_index_key *key,
                   struct pc_index_cursor *ret);
bool pc_index_next(const struct pc_mirror_index *index, struct pc_index_cursor *cursor,
                   uint32_t *ret_slot, uint32_t *ret_generation);

/* Does the record have this key? */
bool pc_index_fits(const struct pc_index_key *key, const struct portcam_mirror_record *r);

/* ---- the mirror ---- */

/* What the tracker knows of a slot. */
struct pc_place {
    struct pc_node *node; /* the connection that is there */
    uint32_t version;     /* of the record that was looked at last */
};

struct portcam_mirror {
    struct portcam *pc;
    struct portcam_dev *dev;
    portcam_mirror_fn changed;
    void *ctx;

    /* the file: head, records */
    int fd, share; /* share: for reading, -1 none */
    void *file;
    struct portcam_mirror_head *head;
    uint32_t *records;
    uint64_t records_iova;
    struct pc_record_bounds bounds;

    /* the ring; of the thread that runs */
    uint32_t *ring;
    uint64_t ring_iova;
    unsigned ring_log2;
    uint32_t next;    /* index of the next event; others look at it too */
    uint32_t dropped; /* EVENT_DROPPED as last seen */

    /* what is known; of the thread that runs */
    struct pc_mirror_index *index;
    struct pc_place *place;
    struct pc_node *lost; /* list */
    bool purge;           /* lost ones are given up when `next` reaches purge_at */
    uint32_t purge_at;
    bool starting;     /* what is new was found */
    unsigned patience; /* with records that are being written, until the next run */

    bool running;     /* of the thread of the card */
    bool scan_wanted; /* atomic */
    void *sum;        /* where the card writes a mirror_sum */
    uint64_t sum_iova;
    struct portcam_mirror_stats stats; /* each atomic; written by one thread */
};

static inline void pc_stat_add(uint64_t *stat, uint64_t n)
{
    __atomic_store_n(stat, __atomic_load_n(stat, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline const uint32_t *pc_track_at(const struct portcam_mirror *m, uint32_t slot)
{
    return m->records + (size_t)slot * PC_RECORD_WORDS;
}

/* ---- following (mirror_track.c) ---- */

/* Why a slot is looked at. */
enum pc_look { PC_LOOK_SCAN = 0 /* else enum portcam_event_kind */ };

/* What the slot holds is made known. `kind`: of the event that says so, or PC_LOOK_SCAN. */
void pc_track_live(struct portcam_mirror *m, const struct portcam_mirror_record *r, unsigned kind);
void pc_track_gone(struct portcam_mirror *m, const struct portcam_mirror_end *end, unsigned kind);

/* The connection has ended; nothing is known of its end. */
void pc_track_end(struct portcam_mirror *m, struct pc_node *node, unsigned cause);

/* Up to `max` events of the ring; how many there were. */
unsigned pc_track_events(struct portcam_mirror *m, unsigned max);

/* Is the entry behind those that were followed written? By any thread. */
bool pc_track_event_is_there(const struct portcam_mirror *m);

/* ---- reading all (mirror_scan.c) ---- */

/* Compare all slots with what is known. */
void pc_track_scan(struct portcam_mirror *m);

/* The node's slot holds another: it is looked for until the next purge. And back. */
void pc_track_lose(struct portcam_mirror *m, struct pc_node *node);
void pc_track_regain(struct portcam_mirror *m, struct pc_node *node);

/* Ends what is lost, when it is time. */
void pc_track_purge(struct portcam_mirror *m);

/* Let the card write slots again. 0 or -errno. */
int pc_track_copy(struct portcam_mirror *m, uint32_t first, uint32_t count);

#endif
