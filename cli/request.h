// SPDX-License-Identifier: Apache-2.0
/*
 * One request, one answer, both JSON: what portcamd serves on its socket and what `portcam --device` does by itself. A
 * request is {"format": 1, "id": ANY, "object": "service", "verb": "show", "args": {...}}; the answer has the
 * same id and either the values that were asked for or {"error": {"code", "msg", "hint", "messages"}}. Any bytes may be
 * handed in; the answer is then an error.
 */
#ifndef PC_REQUEST_H
#define PC_REQUEST_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "portcam/portcam.h"

/* Longest request, bytes: the configuration of a full card fits, with all its quotes escaped. */
#define PC_REQUEST_MAX (8 * 1024 * 1024)

/* What an answer did beside answering. */
struct pc_effect {
    atomic_bool
        touches;     /* the card is being changed, or was; another thread may look at any time */
    bool changed;    /* the running configuration changed */
    json_t *objects; /* then: what, as portcam_config_diff() tells it; a reference of the caller */
    bool reset;      /* the card was reset */
    bool monitor;    /* the client wants to be told of changes; the caller does that */
    struct portcam_watch
        *watch; /* it wants to be told of these connections; to be freed; NULL: of none */
    int share;  /* a descriptor that goes with the answer; -1: none */
    struct portcam_trace *trace; /* its samples are for the client, to be closed; NULL: none */
    unsigned trace_most;         /* so many of them; 0: all */
    bool untrace;                /* the client's trace shall end */
};

/* A new reference, or NULL without memory. `who` asks, in words for others; NULL: nobody to be named. *effect is always
 * set. */
json_t *pc_request(struct portcam *pc, json_t *request, const char *who, struct pc_effect *effect);

/* The same for a text; an answer without its newline, to be freed, or NULL without memory. */
char *pc_request_text(struct portcam *pc, const char *text, size_t len, const char *who,
                      struct pc_effect *effect);

/* {"format": 1, "error": {...}}; hint may be NULL. */
json_t *pc_error(const char *code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same from what a library call reported; rc speaks where the report is empty. */
json_t *pc_error_report(const struct portcam_report *report, int rc);

#endif
