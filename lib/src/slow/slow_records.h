// SPDX-License-Identifier: Apache-2.0
/* The card's records as the model's decision sees them while one packet is decided: looked up in the mirror, and changed by
 * commands to the card. */
#ifndef PC_SLOW_RECORDS_H
#define PC_SLOW_RECORDS_H

#include "slow.h"
#include "stateful.h"

struct pc_slow_view {
    const struct pc_slow_ops *ops;
    const struct pc_tables *tables;
    struct pc_connections
        *scratch; /* empty between two packets: where the states of a record follow each other */
    struct pc_connection
        known[4]; /* records of this packet; what the model calls a slot is an index of it */
    unsigned n_known;
    bool sure; /* there is a record that was not known a moment ago */
    bool
        creates; /* where no record is found one is made, and then the card tells of one that is there */
    bool
        asked; /* by the forward key: what is asked by the reverse key is a candidate, not a reply */
    bool settled;  /* the card's past is known */
    bool conflict; /* the card has another record than was thought: decide again */
    unsigned inserted, updated;
};

/* A table of one record for pc_slow_view.scratch; NULL without memory. */
struct pc_connections *pc_slow_scratch(void);

/* For struct pc_stateful; its ctx is the view. */
extern const struct pc_record_ops PcSlowRecords;

#endif
