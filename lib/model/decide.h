/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a parsed frame: steps P2 to P12 of the packet semantics, docs/pipeline.md sections 2 to 4, and the
 * rewriting of section 5. What the tables alone decide is a pure function of them; stateful.h adds the records. */
#ifndef PC_MODEL_DECIDE_H
#define PC_MODEL_DECIDE_H

#include "parse.h"
#include "tables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the tables alone do not decide. */
enum pc_stage {
    PC_STAGE_DONE,    /* nothing: the decision is whole */
    PC_STAGE_SERVICE, /* towards a stateful service */
    PC_STAGE_ENDPOINT /* from a stateful endpoint */
};

/* Everything about one decision; what is not there is -1. explain shows it, the counters follow it. */
struct pc_decision {
    uint8_t reason;
    uint8_t
        refusal; /* the reason of fate reject, also where `reason` became reject_silent or reject_limited; else 0 */
    bool drop;
    bool punt; /* it goes to the host instead of its fate; drop is set too */
    bool
        punt_wanted; /* the limits want it there; of a packet whose choice is told: not yet counted */
    uint8_t egress;       /* function; meaningless where drop */
    uint8_t stage;        /* enum pc_stage: what the tables left open */
    bool loopback;        /* the destination is a loopback address of the source domain */
    bool reply;           /* an endpoint row decided */
    bool asked;           /* the service's counter moves on */
    bool free_choice;     /* pick least: both candidates could be taken */
    bool second;          /* the second candidate was taken */
    bool began;           /* `record` begins with this packet */
    bool inserted;        /* in a slot that was free */
    uint16_t public_port; /* of the record, for connection_reverse */
    int address_row;      /* row of table address that matched */
    int service_row;      /* row of table service that matched */
    int endpoint_table;   /* endpoint table that matched */
    int endpoint_row;     /* and its row */
    int domain, address, service, backend; /* numbers that are counted */
    int record;                            /* slot of the record that was found, or began */
    int index;                             /* of the slot table, before modulo */
    int candidate[2];                      /* backends of that slot that are usable */
};

/**
 * pc_decide_by_tables() - decide about a parsed frame as far as the tables do
 *
 * Context: any thread while nobody changes the tables.
 */
void pc_decide_by_tables(const struct pc_tables *t, const struct pc_parsed *p,
                         struct pc_decision *ret);

/* The same to the end, as by a card without records, whose counters are 0. */
void pc_decide(const struct pc_tables *t, const struct pc_parsed *p, struct pc_decision *ret);

/* Parts of a decision, for stateful.c. */
void pc_decide_pass(const struct pc_tables *t, const struct pc_parsed *p, unsigned reason,
                    struct pc_decision *d);
void pc_decide_drop(unsigned reason, struct pc_decision *d);
/* An ICMP error about nothing that is translated. */
void pc_decide_error_pass(const struct pc_tables *t, const struct pc_parsed *p,
                          struct pc_decision *d);
/* By the policy of the domain: stopped or unknown. */
void pc_decide_by_policy(const struct pc_tables *t, const struct pc_parsed *p,
                         const struct portcam_domain_row *domain, struct pc_decision *d);
/* The egress of section 2, and that of a reply that is translated. */
unsigned pc_default_egress(const struct pc_tables *t, const struct pc_parsed *p);
unsigned pc_reply_egress(const struct pc_tables *t, const struct pc_parsed *p);

/* Packets whose checksum only the slow path can keep right; true if this is one, and decided. Never on the slow path,
 * and never an ICMP error about such a packet. */
bool pc_decide_slow_path(const struct pc_tables *t, const struct pc_parsed *p, bool port_changes,
                         struct pc_decision *d);

/* What becomes of the frames of one decision, whatever happens to the tables afterwards. */
struct pc_change {
    enum { PC_CHANGE_NONE, PC_CHANGE_DESTINATION, PC_CHANGE_SOURCE } side;
    bool has_port, has_dst_mac, has_src_mac;
    uint16_t port; /* where the protocol has some */
    uint8_t ip[16];
    uint8_t dst_mac[6], src_mac[6];
};

/* The change that a decision stands for: none unless its reason is of fate rewrite. */
void pc_change_of(const struct pc_tables *t, const struct pc_decision *d, struct pc_change *ret);

/* Change a frame that was parsed as `p`: also a later fragment of the one that was decided about. */
void pc_frame_change(const struct pc_parsed *p, const struct pc_change *c, uint8_t *frame);

/**
 * pc_rewrite() - change the frame as decided
 * @frame: its bytes, changed in place; length and everything beyond the window stay
 *
 * Does nothing unless the reason is of fate rewrite.
 */
void pc_rewrite(const struct pc_tables *t, const struct pc_parsed *p, const struct pc_decision *d,
                uint8_t *frame);

/* Is the reason of fate rewrite: towards a backend, from an endpoint? */
bool pc_reason_is_forward(unsigned reason);
bool pc_reason_is_reverse(unsigned reason);

#ifdef __cplusplus
}
#endif

#endif
