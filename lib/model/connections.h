/* SPDX-License-Identifier: Apache-2.0 */
/* The connection table of docs/connections.md: records that pin a client's flow to one backend, found from both
 * directions. Each operation happens completely, one after another; time is an argument; memory is taken once, at
 * creation, and an operation on one record costs the same however many there are. Nothing here decides about packets: the
 * caller looks up, schedules and inserts. Not thread-safe: one caller at a time. */
#ifndef PC_MODEL_CONNECTIONS_H
#define PC_MODEL_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parse.h"
#include "portcam_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- states: connection_state.c, pure functions ---- */

/* enum portcam_connection_state, in short. */
enum pc_connection_state {
    PC_STATE_NONE, /* a free slot */
    PC_STATE_SYN_SEEN,
    PC_STATE_SYN_ACK_SEEN,
    PC_STATE_ESTABLISHED,
    PC_STATE_CLOSING_CLIENT, /* FIN of the client */
    PC_STATE_CLOSING_SERVER, /* FIN of the backend */
    PC_STATE_CLOSING_BOTH,
    PC_STATE_RESET_CLIENT, /* established, then RST of the client: maybe a forged one */
    PC_STATE_RESET_SERVER, /* established, then RST of the backend */
    PC_STATE_RESET,
    PC_STATE_UNREPLIED,
    PC_STATE_REPLIED,
    PC_STATE_MAX
};

enum pc_direction { PC_FROM_CLIENT, PC_FROM_BACKEND, PC_DIRECTION_MAX };

enum pc_tcp_flag {
    PC_TCP_FIN = 1,
    PC_TCP_SYN = 2,
    PC_TCP_RST = 4,
    PC_TCP_PSH = 8,
    PC_TCP_ACK = 16,
    PC_TCP_URG = 32,
    PC_TCP_ECE = 64,
    PC_TCP_CWR = 128
};

/* What a TCP packet means, by its flags. */
enum pc_tcp_class {
    PC_CLASS_SYN,
    PC_CLASS_SYN_ACK,
    PC_CLASS_FIN,
    PC_CLASS_ACK,
    PC_CLASS_RST,
    PC_CLASS_ODD,
    PC_CLASS_MAX
};

/* May a packet create a record? If not, why. */
enum pc_creation {
    PC_CREATE_OK,
    PC_CREATE_BAD_SOURCE,
    PC_CREATE_BAD_DESTINATION,
    PC_CREATE_PORT_ZERO,
    PC_CREATE_LAND,
    PC_CREATE_BAD_FLAGS,
    PC_CREATE_NOT_SYN
};

/* The timeout of a state, ms; 0 for PC_STATE_NONE. */
uint32_t pc_timeout_of(const struct portcam_timeout_row *t, enum pc_connection_state state);

/* True if time has reached last_used + timeout; right across the wrap of the counter. */
bool pc_timeout_over(uint32_t now, uint32_t last_used, uint32_t timeout);

enum pc_tcp_class pc_tcp_class(unsigned tcp_flags);

/* The sequence number behind a segment: seq + payload, SYN and FIN counting one each. */
uint32_t pc_tcp_end(uint32_t seq, uint32_t payload, unsigned tcp_flags);

/* May this packet of a client make a record? Its parse result has decided false. */
enum pc_creation pc_may_create(const struct pc_parsed *p);

/* The two tests of pc_may_create() that also say who is never answered. */
bool pc_is_bad_source(const struct pc_parsed *p);
bool pc_is_land(const struct pc_parsed *p);

/* The state behind a TCP packet of this class. *port_reuse tells that the pair is marked F.14: the state stays, and the
 * port reuse rule is to decide. */
enum pc_connection_state pc_tcp_next(enum pc_connection_state state, enum pc_direction from,
                                     enum pc_tcp_class class_of, bool *port_reuse);

/* Not yet closing: counted as active. */
bool pc_state_is_active(enum pc_connection_state state);

/* "syn_seen" and so on; "none"; never NULL. */
const char *pc_state_name(enum pc_connection_state state);

/* ---- records ---- */

/* What both directions of a flow know. */
struct pc_client_key {
    struct pc_tuple client; /* port 0 where the protocol has none */
    bool is_v6;
    uint8_t protocol;
    uint16_t group; /* of services that share backends */
    /* The port that the client addressed, where the service has no exact port: the backend keeps it. Else 0. */
    uint16_t kept_port;
};

/* What the client addressed. */
struct pc_end {
    uint16_t address; /* its number */
    uint16_t port;
};

struct pc_connection {
    struct pc_client_key key;
    uint16_t service;
    struct pc_end public_end;
    uint16_t backend;
    uint16_t endpoint; /* number of the backend's */
    uint32_t slot, generation;
    uint8_t state;       /* enum pc_connection_state */
    bool embryonic;      /* the client has not shown that it hears the answers */
    uint8_t syn_repeats; /* ends at 255 */
    uint32_t client_next;
    uint32_t created, last_used;                 /* ms */
    struct portcam_counter_row forward, reverse; /* packets modulo 2^48 */
};

/* One packet of a flow. */
struct pc_packet {
    uint8_t from;      /* enum pc_direction */
    uint8_t tcp_flags; /* enum pc_tcp_flag */
    uint32_t seq;
    uint32_t payload; /* bytes behind the TCP header */
    uint32_t len;     /* octets of the frame, without FCS */
    uint32_t now;     /* ms */
    /* The record's backend has a weight above 0. Only read where the port reuse rule is. */
    bool backend_accepts;
};

enum pc_end_reason { PC_END_EXPIRED, PC_END_DELETED, PC_END_PORT_REUSE };

/* The receipt of a record's end. */
struct pc_ended {
    struct pc_connection record; /* as it was, with its final counters */
    uint8_t reason;              /* enum pc_end_reason */
    uint32_t at;                 /* ms */
};

enum pc_result {
    PC_RESULT_OK,
    PC_RESULT_EXISTS,         /* a record has the forward key */
    PC_RESULT_AMBIGUOUS,      /* a record has the reverse key, F.18 */
    PC_RESULT_FULL,           /* no free slot of its family, or the caller said so */
    PC_RESULT_EMBRYONIC_FULL, /* as many embryonic records as are allowed, F.15 */
    PC_RESULT_BAD_SLOT,       /* the slot that was asked for is not free, or not there */
    PC_RESULT_NOT_FOUND,      /* the slot is free, or not there */
    PC_RESULT_CHANGED         /* the slot has another generation */
};

/* Counters of one backend number. */
struct pc_backend_counters {
    uint64_t new_connections;
    uint32_t active, records;
    uint64_t syn_repeats;
    uint64_t syn_resets;                /* RST that answered a SYN */
    uint64_t syn_ack_count, syn_ack_ms; /* time from SYN to SYN-ACK: how often, sum */
    uint32_t syn_ack_ms_max;
};

/* ---- the table ---- */

/* Slots: IPv4 rows, IPv4 stash, IPv6 rows, IPv6 stash. A family without rows has no stash either. */
struct pc_connection_sizes {
    unsigned rows[2]; /* IPv4, IPv6; 0 to 2^20 */
    unsigned stash;   /* of each family; at most 64 */
    unsigned backends;
    uint64_t secret[2]; /* of the hash; changes nothing that can be seen */
};

struct pc_connections;

/* An empty table; NULL where there is no memory, or no row, or too many. */
struct pc_connections *pc_connections_new(const struct pc_connection_sizes *sizes);
void pc_connections_free(struct pc_connections *c);

/* As after creation, generations too; no receipts. */
void pc_connections_clear(struct pc_connections *c);

/* Who is told what happens to records, in order: a record that began, changed state or is no longer embryonic, or arrived in
 * its slot; one that ended or left its slot, as it was, and why. */
struct pc_connection_watch {
    void *ctx;
    void (*tell)(void *ctx, enum portcam_event_kind kind, const struct pc_connection *r,
                 enum portcam_end_cause cause);
};

/* One watch at a time; a clear keeps it, and tells nothing. */
void pc_connections_watch(struct pc_connections *c, const struct pc_connection_watch *watch);

/* Slots, of both families; true for those of the stash, for those of IPv6. */
unsigned pc_connections_capacity(const struct pc_connections *c);
bool pc_connections_is_stash(const struct pc_connections *c, unsigned slot);
bool pc_connections_is_v6(const struct pc_connections *c, unsigned slot);

/* Records of both families, of one, embryonic ones. */
unsigned pc_connections_used(const struct pc_connections *c);
unsigned pc_connections_used_by(const struct pc_connections *c, bool is_v6);
unsigned pc_connections_embryonic(const struct pc_connections *c);

/* The record of a slot, NULL if it is free or not there. Valid until the next operation. */
const struct pc_connection *pc_connections_get(const struct pc_connections *c, unsigned slot);

/* Slot of the record with this key, service and public end, or -1. */
int pc_connections_forward(const struct pc_connections *c, const struct pc_client_key *key,
                           unsigned service, struct pc_end public_end);

/* Slot of the record with this key and endpoint, or -1. */
int pc_connections_reverse(const struct pc_connections *c, const struct pc_client_key *key,
                           unsigned endpoint);

#define PC_SLOT_ANY UINT32_MAX

/* A record to be. */
struct pc_insert {
    struct pc_client_key key;
    uint16_t service;
    struct pc_end public_end;
    uint16_t backend; /* below the number of backends */
    uint16_t endpoint;
    /* Where to, or PC_SLOT_ANY: the slot of its family that has been free for longest. */
    uint32_t slot;
    bool full; /* the caller's structure has no room: be full */
    /* Embryonic records at once; 0: no limit. Those beyond a lower one stay. */
    uint32_t embryonic_limit;
};

/**
 * pc_connections_insert() - make a record
 * @first: the packet that makes it, of the client; pc_may_create() allowed it
 * @slot: gets the slot; untouched on failure
 *
 * Return: ok, exists, ambiguous, full, embryonic_full or bad_slot, the first that applies.
 */
enum pc_result pc_connections_insert(struct pc_connections *c, const struct pc_insert *i,
                                     const struct pc_packet *first, unsigned *slot);

/**
 * pc_connections_restore() - make a record with the state and counters of one that was
 * @r: all but slot and generation, which are new; backend below the number of backends
 * @to: where to, or PC_SLOT_ANY
 * @full: the caller's structure has no room
 * @slot: gets the slot; untouched on failure
 *
 * There is no limit of embryonic records. Return: ok, exists, ambiguous, full or bad_slot, the first that applies.
 */
enum pc_result pc_connections_restore(struct pc_connections *c, const struct pc_connection *r,
                                      uint32_t to, bool full, unsigned *slot);

/* What pc_connections_insert() would answer. */
enum pc_result pc_connections_may_insert(const struct pc_connections *c, const struct pc_insert *i);

/* What a packet of a client does to its record. */
enum pc_meeting { PC_MEETS_PASS, PC_MEETS_KEEP, PC_MEETS_RESCHEDULE };
enum pc_meeting pc_connection_meets(const struct pc_connection *r, const struct pc_packet *p);

enum pc_packet_effect {
    PC_EFFECT_SYN_REPEAT = 1, /* F.13: counted, the backend stays */
    PC_EFFECT_SYN_RESET = 2,  /* the backend refused the connection */
    PC_EFFECT_SYN_ACK = 4,    /* the time from SYN to SYN-ACK was measured */
    PC_EFFECT_PROVEN = 8,     /* no longer embryonic */
    PC_EFFECT_KEPT = 16,      /* F.14: a new record began in the slot, the old one is in ended */
    PC_EFFECT_RESCHEDULE = 32 /* F.14: nothing changed; choose a backend and replace */
};

struct pc_packet_result {
    uint8_t before, after;  /* enum pc_connection_state */
    uint8_t effects;        /* enum pc_packet_effect */
    struct pc_ended *ended; /* written where effects has PC_EFFECT_KEPT; may be NULL */
};

/**
 * pc_connections_packet() - a packet passes by the record of a slot
 * @slot: of a record, as a lookup gave it
 * @ret: before, after and effects are written; ended is the caller's
 */
void pc_connections_packet(struct pc_connections *c, unsigned slot, const struct pc_packet *p,
                           struct pc_packet_result *ret);

/**
 * pc_connections_replace() - a new connection takes the slot of one that ends, with another backend (F.14)
 * @i: backend and endpoint; the rest is the record's
 * @first: its SYN
 * @ended: gets the receipt, may be NULL; untouched on failure
 *
 * Return: ok, not_found, changed or ambiguous.
 */
enum pc_result pc_connections_replace(struct pc_connections *c, unsigned slot, uint32_t generation,
                                      const struct pc_insert *i, const struct pc_packet *first,
                                      struct pc_ended *ended);

/* End the record of a slot if it is still that of this generation. Return: ok, not_found or changed. */
enum pc_result pc_connections_delete(struct pc_connections *c, unsigned slot, uint32_t generation,
                                     uint32_t now, struct pc_ended *ended);

/* Look at one slot: true if its record was out of time and ended. `timeouts` are its service's, NULL: it has none and no
 * record of it ends. A frozen record (its domain is paused) does not end, and its last use becomes now. */
bool pc_connections_sweep(struct pc_connections *c, unsigned slot, uint32_t now,
                          const struct portcam_timeout_row *timeouts, bool frozen,
                          struct pc_ended *ended);

/* The record of slot `from` goes to the free slot `to` of its family, as it is. Return: ok, not_found or bad_slot. */
enum pc_result pc_connections_move(struct pc_connections *c, unsigned from, unsigned to);

/* Zeros where there is no such backend. */
struct pc_backend_counters pc_connections_backend(const struct pc_connections *c, unsigned backend);

/* ---- what a backend's active was a little while ago ---- */

/* A new moment begins. */
void pc_connections_tick(struct pc_connections *c);

/* The smallest and largest number of active records of a backend in this moment and the `moments` before it; further back
 * than 128 changes nothing is known. */
void pc_connections_active_range(const struct pc_connections *c, unsigned backend, unsigned moments,
                                 uint32_t *least, uint32_t *most);

#ifdef __cplusplus
}
#endif

#endif
