/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an explanation: what is known of a packet (struct story), and the steps that tell it, with the rule numbers
 * of the packet semantics. */
#ifndef PC_EXPLAIN_STORY_H
#define PC_EXPLAIN_STORY_H

#include "connections/connections.h"
#include "explain.h"
#include "parse.h"

struct pc_reason_words {
    const char *name, *rule, *fate, *about;
};
/* By number. */
extern const struct pc_reason_words PcReasons[];

struct story {
    struct portcam *pc;
    const struct pc_parsed *parsed;
    const struct pc_parsed *key; /* what is looked up; differs for an ICMP error */
    const struct pc_decision *decision;
    enum pc_stage stage;              /* of the decision by the tables alone */
    const struct pc_records *records; /* NULL where they were not needed */
    json_t *steps;
    bool punted; /* the card hands it to the host */
    bool failed;
};

/* ---- words (explain_words.c) ---- */

/* One more step. `row` below 0: no row was taken. */
void pc_story_step(struct story *s, const char *rule, int table, int row, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* One end: an address, and its port where there is one. */
void pc_story_side(const struct pc_tuple *tuple, bool is_v6, bool has_ports, char text[80]);
/* Protocol and both ends of a packet. */
void pc_story_flow(const struct pc_parsed *p, char text[240]);
/* A reason inside a line: no capital, unless its first word has more of them, and no full stop. */
void pc_story_about(unsigned reason, char text[160]);
/* Names by number, "?" where there is none. */
const char *pc_story_domain(const struct portcam *pc, int number);
const char *pc_story_backend(const struct portcam *pc, int number);

/* ---- steps ---- */

/* The step of a stateful service: a record, or how a backend is chosen (explain_connections.c). */
void pc_story_connections(struct story *s);
/* The whole; `after`: the packet as it leaves, NULL where it leaves unchanged (explain_steps.c). NULL without memory. */
json_t *pc_story_tell(struct story *s, const struct pc_parsed *after);

#endif
