// SPDX-License-Identifier: Apache-2.0
/*
 * The mirror of the connection records in host memory: which connections there are, without asking the card.
 *
 * The card writes each record to its place in an array whenever it begins, ends, moves or changes its state, and posts an
 * event behind it. portcam_mirror_run() follows the events, keeps two indexes (what the client sees, what the server sees)
 * and tells of what changed. Events may be lost: then the array is read again, for it is state, not a queue. An audit
 * compares sums of the card with those of the array.
 *
 * Nothing that the card writes is believed before it is bounded; what cannot be is counted and left out.
 *
 * Threads: portcam_mirror_open(), _close(), _stop(), _restart() and _audit() belong to the thread of the struct portcam.
 * portcam_mirror_run() and _arm() belong to one thread at a time, not while the first four run. Everything else may be
 * called by any thread at any time before _close(), and takes no lock.
 */
#ifndef PORTCAM_MIRROR_H
#define PORTCAM_MIRROR_H

#include "portcam.h"
#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct portcam_mirror;

/* ---- what is told ---- */

enum portcam_mirror_kind {
    PORTCAM_MIRROR_FOUND,   /* was there when the mirror started */
    PORTCAM_MIRROR_BEGAN,   /* a connection began */
    PORTCAM_MIRROR_CHANGED, /* its state changed, or it is no longer embryonic */
    PORTCAM_MIRROR_ENDED,   /* it ended */
};

/**
 * struct portcam_mirror_change - one change of one connection
 * @kind: enum portcam_mirror_kind
 * @cause: enum portcam_end_cause, where it ended
 * @before: its state before, where it changed
 * @counted: it ended and its last counters are known; else they are 0
 * @record: the record; where it ended, as it was last known, with the state that it had before
 * @forward: @reverse: packets and octets of all its time, from the client and from the server
 * @lifetime_s: seconds from its begin to its last packet, at most 67,107
 *
 * Changes that follow each other closely may be told as one: what is told is the difference to what was told before.
 */
struct portcam_mirror_change {
    unsigned kind, cause, before;
    bool counted;
    struct portcam_mirror_record record;
    struct portcam_counter forward, reverse;
    uint32_t lifetime_s;
};

/* In the thread that calls portcam_mirror_run(), _open(), _restart() or _close(); must not call these. */
typedef void (*portcam_mirror_fn)(void *ctx, const struct portcam_mirror_change *change);

/* ---- life ---- */

/**
 * struct portcam_mirror_opts - how to mirror; zero means the default everywhere
 * @sz: sizeof(struct portcam_mirror_opts) of the caller; a tail that the library does not know must be zero
 * @ring_log2: entries of the event ring as a power of two, 2 to 16, default 16
 * @changed: receives changes, NULL: none
 * @ctx: first argument of @changed
 */
struct portcam_mirror_opts {
    size_t sz;
    unsigned ring_log2;
    portcam_mirror_fn changed;
    void *ctx;
};

/**
 * portcam_mirror_open() - mirror the records of a card
 * @pc: card; has at most one mirror
 * @opts: options, NULL for defaults
 * @report: receives the sentence when it fails
 * @ret: receives the mirror
 *
 * All memory is taken here. When it returns, the mirror has all records of the card; each was told as found.
 *
 * Return: 0; -EOPNOTSUPP the card has no records or no mirror; -EBUSY it is mirrored already; -EINVAL for @opts; -ENOMEM;
 * -EIO, -EPROTO, -ETIMEDOUT or -ENODEV of the card.
 */
PORTCAM_API int portcam_mirror_open(struct portcam *pc, const struct portcam_mirror_opts *opts,
                                    struct portcam_report *report, struct portcam_mirror **ret);

/**
 * portcam_mirror_close() - stop mirroring, release everything; portcam_close() does so too
 * @mirror: mirror or NULL
 */
PORTCAM_API void portcam_mirror_close(struct portcam_mirror *mirror);

/**
 * portcam_mirror_stop() - the card writes no more; what it wrote stays and can be read
 * @mirror: mirror
 *
 * Return: 0, -ETIMEDOUT when the card does not confirm, or -errno.
 */
PORTCAM_API int portcam_mirror_stop(struct portcam_mirror *mirror);

/**
 * portcam_mirror_restart() - begin anew: after portcam_mirror_stop(), a reset, or an error of the mirror
 * @mirror: mirror
 * @report: receives the sentence when it fails
 *
 * A connection that is there before and after, with the same ends, service and server, is not told; others are told as found
 * and ended.
 *
 * Return: as portcam_mirror_open().
 */
PORTCAM_API int portcam_mirror_restart(struct portcam_mirror *mirror,
                                       struct portcam_report *report);

/**
 * portcam_mirror_of() - the mirror of a card, or NULL
 * @pc: card
 */
PORTCAM_API struct portcam_mirror *portcam_mirror_of(const struct portcam *pc);

/* ---- following ---- */

/**
 * portcam_mirror_fd() - an eventfd that fires when there are events, after portcam_mirror_arm()
 * @mirror: mirror
 *
 * Return: the descriptor, owned by the mirror; -1 where the card cannot interrupt: call portcam_mirror_run() now and then.
 */
PORTCAM_API int portcam_mirror_fd(const struct portcam_mirror *mirror);

/**
 * portcam_mirror_run() - follow the events that are there
 * @mirror: mirror
 * @max: most events of this call; 0: as many as the ring has entries
 * @ret_more: receives whether there may be more, NULL when not wanted
 *
 * Where events were lost it reads the whole array, a few milliseconds for each 100,000 slots.
 *
 * Return: 0; -EIO the card stopped its mirror; -ENODEV; or -errno of the transport.
 */
PORTCAM_API int portcam_mirror_run(struct portcam_mirror *mirror, unsigned max, bool *ret_more);

/**
 * portcam_mirror_arm() - let the next event fire portcam_mirror_fd()
 * @mirror: mirror
 * @ret_more: receives whether there are events already: then call portcam_mirror_run() first
 *
 * Return: 0 or -errno of the transport.
 */
PORTCAM_API int portcam_mirror_arm(struct portcam_mirror *mirror, bool *ret_more);

/* ---- reading, by any thread ---- */

/**
 * portcam_mirror_slots() - how many slots there are
 * @mirror: mirror
 */
PORTCAM_API uint32_t portcam_mirror_slots(const struct portcam_mirror *mirror);

/**
 * portcam_mirror_read() - the record of a slot
 * @mirror: mirror
 * @slot: slot
 * @ret: receives the whole record as it was at one moment; all numbers are below the card's sizes
 *
 * Return: 0; -ENOENT the slot holds none; -EINVAL there is no such slot; -EAGAIN it is being written all the time; -EPROTO
 * the card wrote what cannot be.
 */
PORTCAM_API int portcam_mirror_read(const struct portcam_mirror *mirror, uint32_t slot,
                                    struct portcam_mirror_record *ret);

/**
 * portcam_mirror_each() - all records, slot by slot
 * @mirror: mirror; also one that is stopped
 * @each: called for each record; what it returns, other than 0, ends the walk
 * @ctx: first argument of @each
 *
 * A record that moves meanwhile may come twice, with one generation, or not.
 *
 * Return: 0, or what @each returned.
 */
PORTCAM_API int
portcam_mirror_each(const struct portcam_mirror *mirror,
                    int (*each)(void *ctx, const struct portcam_mirror_record *record), void *ctx);

/**
 * struct portcam_mirror_client - what both directions of a connection know
 * @ip: IPv4: the first four bytes, the others 0
 * @is_v6: IPv6
 * @protocol: IP protocol
 * @port: port of the client, 0 where the protocol has none
 */
struct portcam_mirror_client {
    uint8_t ip[16];
    bool is_v6;
    uint8_t protocol;
    uint16_t port;
};

/**
 * portcam_mirror_find_forward() - the record of what a client sends
 * @mirror: mirror
 * @client: client
 * @address: number of the address that it sends to
 * @port: port that it sends to, 0 where the protocol has none
 * @ret: receives the record
 *
 * Service numbers are not compared: the record may be of a service that had this end before.
 *
 * Return: 0; -ENOENT there is none; -EAGAIN it moves just now: ask again, later; -EPROTO.
 */
PORTCAM_API int portcam_mirror_find_forward(const struct portcam_mirror *mirror,
                                            const struct portcam_mirror_client *client,
                                            uint16_t address, uint16_t port,
                                            struct portcam_mirror_record *ret);

/**
 * portcam_mirror_find_reverse() - the record of what a server sends
 * @mirror: mirror
 * @client: the client that it sends to
 * @group: group of the endpoint row: field `service` of a stateful one
 * @endpoint: number of the endpoint: its field `backend`
 * @kept_port: where the row has flag keeps_port, the port that the server sends from; else 0
 * @ret: receives the record
 *
 * Return: as portcam_mirror_find_forward().
 */
PORTCAM_API int portcam_mirror_find_reverse(const struct portcam_mirror *mirror,
                                            const struct portcam_mirror_client *client,
                                            uint16_t group, uint16_t endpoint, uint16_t kept_port,
                                            struct portcam_mirror_record *ret);

/**
 * portcam_mirror_share() - the mirror as a file that another process may map, see <portcam/mirror_reader.h>
 * @mirror: mirror
 *
 * Return: a descriptor for reading, owned by the mirror; the kernel lets nobody write by it.
 */
PORTCAM_API int portcam_mirror_share(const struct portcam_mirror *mirror);

/* ---- is it right ---- */

/**
 * struct portcam_mirror_audit - what an audit found
 * @blocks: blocks of 4,096 slots that were compared
 * @records: records in them
 * @different: blocks that were not equal; they were copied again
 * @unsettled: blocks that changed all the time and could not be compared
 */
struct portcam_mirror_audit {
    uint32_t blocks, records, different, unsettled;
};

/**
 * portcam_mirror_blocks() - how many blocks there are
 * @mirror: mirror
 */
PORTCAM_API uint32_t portcam_mirror_blocks(const struct portcam_mirror *mirror);

/**
 * portcam_mirror_audit() - compare blocks of the mirror with sums that the card makes
 * @mirror: mirror
 * @first: first block
 * @count: blocks; those beyond the last are left out
 * @ret: receives what was found
 *
 * Return: 0, -EIO, -EPROTO, -ETIMEDOUT or -ENODEV.
 */
PORTCAM_API int portcam_mirror_audit(struct portcam_mirror *mirror, uint32_t first, uint32_t count,
                                     struct portcam_mirror_audit *ret);

/**
 * struct portcam_mirror_stats - what the mirror did since it was opened
 * @records: connections that it knows now
 * @events: events that were followed
 * @merged: of these, those whose change was told before, with an earlier one
 * @dropped: events that the card dropped because the ring was full
 * @gaps: times that the ring was not continued where it ended
 * @rescans: times that the whole array was read
 * @rescan_us: how long the last took
 * @restarts: times that it began anew
 * @began: @changed: @ended: what was told
 * @uncounted: of those ended, how many without their last counters
 * @moved: records that went to another slot
 * @unseen: events of connections that had ended before they were seen
 * @nonsense_events: events that cannot be
 * @nonsense_records: records that cannot be
 * @torn: records that could not be read because they were written all the time
 * @audited: blocks compared
 * @audit_retries: comparisons made again because the block changed
 * @audit_different: blocks that were not equal
 */
struct portcam_mirror_stats {
    uint64_t records, events, merged, dropped, gaps, rescans, rescan_us, restarts;
    uint64_t began, changed, ended, uncounted, moved, unseen;
    uint64_t nonsense_events, nonsense_records, torn;
    uint64_t audited, audit_retries, audit_different;
};

/**
 * portcam_mirror_get_stats() - counters, each by itself right
 * @mirror: mirror
 * @ret: receives them
 */
PORTCAM_API void portcam_mirror_get_stats(const struct portcam_mirror *mirror,
                                          struct portcam_mirror_stats *ret);

/* ---- in words ---- */

/**
 * portcam_mirror_status() - state and counters of a card's mirror
 * @pc: card
 * @report: receives what is wrong
 * @ret: receives {"running", "exact", "slots", "records", "events", ...}
 *
 * Return: 0, -EOPNOTSUPP there is none, -EIO, -ENODEV or -ENOMEM.
 */
PORTCAM_API int portcam_mirror_status(struct portcam *pc, struct portcam_report *report,
                                      struct json_t **ret);

struct portcam_watch;

/**
 * portcam_watch_new() - a choice of connections, by filter as portcam_connection_list() has it
 * @pc: card; names are those of its running configuration
 * @filter: which; "state" is the state behind the change, and before the end
 * @report: receives what is wrong
 * @ret: receives the choice
 *
 * Return: 0, -EINVAL, -ENOENT there is no such service or backend, or -ENOMEM.
 */
PORTCAM_API int portcam_watch_new(const struct portcam *pc, struct json_t *filter,
                                  struct portcam_report *report, struct portcam_watch **ret);

/**
 * portcam_watch_free() - release a choice
 * @watch: choice or NULL
 */
PORTCAM_API void portcam_watch_free(struct portcam_watch *watch);

/**
 * portcam_watch_fits() - is the change one of a chosen connection
 * @watch: choice
 * @change: change
 */
PORTCAM_API bool portcam_watch_fits(const struct portcam_watch *watch,
                                    const struct portcam_mirror_change *change);

/**
 * portcam_mirror_change_json() - a change with the names of the running configuration
 * @pc: card
 * @change: change
 *
 * Return: a new reference: {"event": "connection", "change", "connection", "protocol", "state", "client", "public",
 * "server", "service", "backend", "embryonic"}, and for an end "cause", "forward", "reverse", "lifetime_s"; or NULL.
 */
PORTCAM_API struct json_t *portcam_mirror_change_json(const struct portcam *pc,
                                                      const struct portcam_mirror_change *change);

#ifdef __cplusplus
}
#endif

#endif /* PORTCAM_MIRROR_H */
