// SPDX-License-Identifier: Apache-2.0
/* What struct portcam is inside: the open card, the plan that runs on it, and the rows it has. */
#ifndef PC_INSTANCE_H
#define PC_INSTANCE_H

#include "card/change.h"
#include "card/hw.h"
#include "rows/plan.h"
#include "tables.h"

struct portcam {
    struct pc_hw *hw;
    char *state_dir;
    int state_lock; /* descriptor of the state directory, locked; -1 none */
    portcam_line_fn log;
    void *log_ctx;
    uint32_t wanted_seed;    /* of the options; 0: random */
    uint32_t seed;           /* in the card */
    struct pc_plan *plan;    /* never NULL */
    struct pc_image *card;   /* rows in the card */
    bool unknown;            /* a change set ended without an answer: read the rows back first */
    bool foreign;            /* the card has rows that no configuration here makes */
    struct pc_tables *model; /* the rows for explain, NULL until needed */
    struct portcam_mirror *mirror;       /* NULL: none */
    struct portcam_slow_path *slow_path; /* NULL: none */
    struct portcam_trace *trace;         /* NULL: none */
    struct pc_measure *measured;         /* by number of a backend, NULL until needed (tune.c) */
};

/* What a backend had counted when its response time was last computed. */
struct pc_measure {
    uint64_t count, ms;
};

void pc_log(struct portcam *pc, enum portcam_severity severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Read the card's rows into pc->card. */
int pc_read_back(struct portcam *pc, struct portcam_report *report);

/* Find out what runs, from the card's rows and the state directory, and make the two agree; see portcam_open(). */
int pc_take_over(struct portcam *pc, struct portcam_report *report);

/* Make the configuration run (apply.c). `names`: older numbers. `diff` may be NULL. */
int pc_apply(struct portcam *pc, struct portcam_config *config, json_t *names, bool dry_run,
             struct portcam_report *report, json_t **diff);

/* Reads the card's seed; a card without one gets it, and a secret (portcam.c). 0 or -errno, with a message. */
int pc_take_seed(struct portcam *pc, struct portcam_report *report);

/* The card is empty, perhaps because who reset it died over that, or had it and ended: its connections, if they were kept a
 * short time ago (reset.c). */
void pc_finish_reset(struct portcam *pc);

/* This library is about to close a card that is reset thereby, as the kernel does: keep its connections for who comes next
 * (reset.c). A card that goes on by itself needs none of that. */
void pc_keep_records(struct portcam *pc);

/* A seed for a card without endpoint rows. */
uint32_t pc_new_seed(const struct portcam *pc, unsigned attempt);

/* ---- starting values of counters (bases.c) ---- */

/* What the counters of numbers show that are given to new objects. 0 or -errno, with a message. */
int pc_read_bases(struct portcam *pc, struct pc_plan *plan, struct portcam_report *report);

/* Before a reset by this library (`hold`): what the counters tell takes the place of the starting values. Behind it: starting
 * values with which they tell that again. A failure forgets the starting values. */
int pc_turn_bases(struct portcam *pc, bool hold);

/* Forget them: the card's counters began at zero. */
void pc_forget_bases(struct pc_plan *plan);

/* The same in saved numbers. */
void pc_clear_bases(json_t *names);

/* Forget them if the card shows less. 0 or -errno, with a message. */
int pc_check_bases(struct portcam *pc, struct portcam_report *report);

/* Add {"packets", "octets"} counters of both directions as "forward" and "reverse" (stats.c). */
int pc_add_counters(struct portcam *pc, enum pc_kind kind, size_t index, json_t *object);

/* Of a backend that stateful services have: "active" and "records", and with `stats` "connections". `states` of all
 * backends, by number, or NULL: it is read. */
int pc_add_connections(struct portcam *pc, size_t index, bool stats,
                       const struct portcam_backend_state *states, json_t *object);

/* The states of all backends, to be freed; *ret NULL where no stateful service has any. */
int pc_backend_states(struct portcam *pc, struct portcam_backend_state **ret);

#endif
