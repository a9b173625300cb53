/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a parsed frame: steps P2 to P12 of the packet semantics, docs/pipeline.md sections 2 and 3, and the
 * rewriting of section 4. Pure functions of the tables. */
#ifndef PC_MODEL_DECIDE_H
#define PC_MODEL_DECIDE_H

#include "parse.h"
#include "tables.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything about one decision; what is not there is -1. explain shows it, the counters follow it. */
struct pc_decision {
    uint8_t reason;
    bool drop;
    uint8_t egress;     /* function; meaningless where drop */
    bool loopback;      /* the destination is a loopback address of the source domain */
    bool reply;         /* an endpoint row decided */
    int address_row;    /* row of table address that matched */
    int service_row;    /* row of table service that matched */
    int endpoint_table; /* endpoint table that matched */
    int endpoint_row;   /* and its row */
    int domain, address, service, backend; /* numbers that are counted */
};

/**
 * pc_decide() - decide about a parsed frame
 *
 * Context: any thread while nobody changes the tables.
 */
void pc_decide(const struct pc_tables *t, const struct pc_parsed *p, struct pc_decision *ret);

/**
 * pc_rewrite() - change the frame as decided
 * @frame: its bytes, changed in place; length and everything beyond the window stay
 *
 * Does nothing unless the reason is static_forward or static_reverse.
 */
void pc_rewrite(const struct pc_tables *t, const struct pc_parsed *p, const struct pc_decision *d,
                uint8_t *frame);

#ifdef __cplusplus
}
#endif

#endif
