// SPDX-License-Identifier: Apache-2.0
/* Records as the reference model needs them to explain a packet (explain_records.c). */
#ifndef PC_EXPLAIN_H
#define PC_EXPLAIN_H

#include "instance/instance.h"
#include "stateful.h"

struct pc_records {
    struct pc_connections *connections;
    struct portcam_connection_image *images; /* of the card, by slot of `connections` */
};

/* The model's tables, filled with the rows that the card has. 0 or -ENOMEM. */
int pc_load_tables(const struct portcam *pc, struct pc_tables **ret);

/* All records of a client's address and port. 0 or -errno; pc_hw_error() says why. */
int pc_records_read(struct portcam *pc, const struct pc_tuple *client, bool is_v6,
                    struct pc_records *ret);
void pc_records_free(struct pc_records *records);

#endif
