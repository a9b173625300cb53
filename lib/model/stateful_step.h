/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a decision over records: stateful.c takes the steps, stateful_pick.c chooses a backend,
 * stateful_records.c knows where the records are. */
#ifndef PC_MODEL_STATEFUL_STEP_H
#define PC_MODEL_STATEFUL_STEP_H

#include "stateful.h"

/* One packet on its way through the steps. */
struct step {
    const struct pc_stateful *see; /* NULL: no records */
    struct pc_stateful *act;       /* NULL: nothing happens */
    const struct pc_tables *t;
    const struct pc_parsed *p;
    const struct pc_choice *choice;
    const struct portcam_service_row *service; /* towards a service */
    struct pc_client_key key;
    struct pc_packet packet;
    struct pc_decision *d;
};

/* ---- the records (stateful_records.c): -1 or the slot; nothing happens where nothing is to ---- */

int pc_step_forward(const struct step *s, struct pc_end public_end);
int pc_step_reverse(const struct step *s, unsigned endpoint);
const struct pc_connection *pc_step_record(const struct step *s, unsigned slot);
uint32_t pc_step_active(const struct step *s, unsigned backend);
enum pc_result pc_step_insert(struct step *s, struct pc_insert *i, unsigned *slot);
void pc_step_replace(struct step *s, unsigned slot, const struct pc_insert *i);
void pc_step_packet(struct step *s, unsigned slot);

/* ---- which backend (stateful_pick.c) ---- */

const struct portcam_backend_row *pc_step_backend(const struct step *s, unsigned backend);
/* Of the packet's IP version? */
bool pc_step_is_own_family(const struct step *s, unsigned family);
/* Step 7: the slot and the candidates that can be used. */
void pc_step_pick(struct step *s);
bool pc_step_has_candidate(const struct step *s);
/* Step 8: the backend, or -1. `own` is the slot of the packet's own record, or -1. */
int pc_step_choose(struct step *s, int own);

#endif
