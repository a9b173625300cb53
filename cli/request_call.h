// SPDX-License-Identifier: Apache-2.0
/* A request in work, for the files that implement verbs: request.c and request_connection.c. */
#ifndef PC_REQUEST_CALL_H
#define PC_REQUEST_CALL_H

#include "request.h"

struct call {
    struct portcam *pc;
    json_t *request;
    json_t *args; /* borrowed; an empty object where there were none */
    bool dry_run, stats;
    struct portcam_report *report;
    struct pc_effect *effect;
    const char *object;
    const char *who; /* asks; NULL: nobody to be named */
};

/* Fills *ret (a new object) or returns -errno with a report. */
typedef int (*verb_fn)(struct call *c, json_t **ret);

int pc_request_connection_list(struct call *c, json_t **ret);
int pc_request_connection_count(struct call *c, json_t **ret);
int pc_request_connection_flush(struct call *c, json_t **ret);
int pc_request_connection_show(struct call *c, json_t **ret);
int pc_request_connection_delete(struct call *c, json_t **ret);
int pc_request_monitor(struct call *c, json_t **ret);
int pc_request_mirror_status(struct call *c, json_t **ret);
int pc_request_mirror_audit(struct call *c, json_t **ret);
int pc_request_mirror_share(struct call *c, json_t **ret);
int pc_request_trace_start(struct call *c, json_t **ret);
int pc_request_trace_stop(struct call *c, json_t **ret);

#endif
