// SPDX-License-Identifier: Apache-2.0
/*
 * A plan is a configuration that has been given its numbers and rows: all that is needed to make it run, or to show what
 * runs. Numbers are stable: an object keeps its number from plan to plan while its name exists, so its counters go on;
 * a new object gets a number that nothing in the old plan has, as long as there are any. Endpoint rows stay where they
 * are. The same configuration, old plan and seed always give the same plan.
 */
#ifndef PC_PLAN_H
#define PC_PLAN_H

#include <jansson.h>

#include "config/config.h"
#include "image.h"

enum pc_kind { PC_DOMAIN, PC_ADDRESS, PC_SERVICE, PC_BACKEND, PC_KIND_MAX };

/* What the counters of a number showed when its object got it: packets and octets, of both directions; of backends also
 * what backend_read counts: new, SYN repeats, resets, times from SYN to SYN-ACK and their sum. */
enum { PC_PACKET_BASES = 4, PC_BASES = 9 };
struct pc_base {
    uint64_t value[PC_BASES];
};

struct pc_numbers {
    size_t count;         /* objects of the configuration */
    size_t room;          /* numbers there are */
    uint16_t *number;     /* by index in the configuration */
    bool *fresh;          /* by index: got its number in this plan */
    struct pc_base *base; /* by index */
    int32_t *index;       /* by number: index in the configuration, -1 free */
};

struct pc_plan {
    struct portcam_config *config;
    struct pc_numbers numbers[PC_KIND_MAX];
    struct pc_image *image;
    uint32_t seed;
    bool *stateful;      /* by index of a backend: a stateful service has it */
    uint16_t *endpoint;  /* by index of a backend of these: number of its endpoint */
    uint16_t *group;     /* by index of a stateful service */
    int32_t *schedule;   /* by index of a stateful service: first row of its slot table */
    uint8_t *slots_log2; /* and its size */
    json_t *reserved;    /* numbers of backends that are not given out: [number, ...] */
    json_t *response; /* measured times of backends, for scheduler fast: {"NAME": microseconds} */
};

/* Name of an object, addresses with prefix length and VLAN. */
const char *pc_object_name(const struct portcam_config *config, enum pc_kind kind, size_t index);
size_t pc_object_count(const struct portcam_config *config, enum pc_kind kind);

/*
 * Compile. `names` is the saved form of older numbers (pc_plan_names), `before` the rows in the card; both may be NULL.
 * `report` is needed. Return 0, -EBADMSG with messages (capabilities, no room), -ENOSPC with messages (a full endpoint
 * bucket), or -ENOMEM.
 */
int pc_plan_make(struct portcam_config *config, const struct portcam_caps *caps, uint32_t seed,
                 json_t *names, const struct pc_image *before, struct portcam_report *report,
                 struct pc_plan **ret);
void pc_plan_free(struct pc_plan *plan);

/*
 * {"domains": {"NAME": [number, base...]}, ..., "reserved": [number, ...], "response": {"NAME": us}}: numbers in the form that is
 * kept. A new reference, or NULL.
 */
json_t *pc_plan_names(const struct pc_plan *plan);

/*
 * Numbers for the objects of the configuration (numbers.c). New backends get none that is reserved, for the card may have
 * records of it, or that is the number of an endpoint in the card. 0, -EBADMSG with a message, or -ENOMEM.
 */
int pc_numbers_make(struct pc_plan *plan, const struct portcam_caps *caps, json_t *names,
                    const struct pc_image *before, struct portcam_report *report);

/* Numbers of groups and endpoints (groups.c). 0 or -ENOMEM. */
int pc_compile_groups(struct pc_plan *plan, const struct pc_image *before);

/* Slot tables (slots.c); before the rows of the services. 0, -EBADMSG with a message, or -ENOMEM. */
int pc_compile_slots(struct pc_plan *plan, const struct portcam_caps *caps,
                     const struct pc_image *before, struct portcam_report *report);

/* Rows of everything else (compile.c, endpoints.c). */
int pc_compile_rows(struct pc_plan *plan, const struct portcam_caps *caps);
int pc_compile_ordered(struct pc_plan *plan);
int pc_compile_endpoints(struct pc_plan *plan, const struct portcam_caps *caps,
                         const struct pc_image *before, struct portcam_report *report);

/* The configuration that rows come from, with made-up names, and its names in saved form (decompile.c). -EBADMSG when
 * no configuration makes these rows. */
int pc_decompile(const struct pc_image *image, struct portcam_config **ret, json_t **ret_names);

#endif
