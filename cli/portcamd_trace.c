// SPDX-License-Identifier: Apache-2.0
/* The trace of the card in the worker's thread: one client at a time gets a line of each sample, and one at its end. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "portcam/trace.h"
#include "portcamd.h"

enum {
    TURN = 256,           /* samples, before others are served */
    TURNS_OF_A_RING = 16, /* so many turns empty the ring of the card */
};

struct tracer {
    struct portcam_trace *trace; /* NULL: none */
    uint64_t client;
    unsigned most, told; /* most 0: all */
    struct lines lines;
};

struct tracer *tracer_new(void)
{
    return calloc(1, sizeof(struct tracer));
}

void tracer_free(struct tracer *t)
{
    if (!t)
        return;
    portcam_trace_close(t->trace);
    free(lines_take(&t->lines));
    free(t);
}

static void tell(struct tracer *t, json_t *value)
{
    char *line = NULL;

    if (value && json_object_set_new(value, "format", json_integer(PORTCAM_FORMAT)) == 0)
        line = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(14));
    if (line)
        lines_add(&t->lines, line, strlen(line));
    free(line);
    json_decref(value);
}

void tracer_start(struct tracer *t, uint64_t client, struct portcam_trace *trace, unsigned most)
{
    free(lines_take(&t->lines));
    t->trace = trace;
    t->client = client;
    t->most = most;
    t->told = 0;
}

/* Takes the text of a failure, NULL: there is none. */
static void end(struct tracer *t, const char *why, const char *text)
{
    struct portcam_trace_counts n;

    portcam_trace_get_counts(t->trace, &n);
    json_t *value =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "event", "trace_end", "why", why,
                  "sampled", (json_int_t)n.sampled, "matched", (json_int_t)n.matched, "limited",
                  (json_int_t)n.limited, "lost", (json_int_t)n.lost, "nonsense",
                  (json_int_t)n.nonsense, "restarts", (json_int_t)n.restarts);
    if (value && text)
        json_object_set_new(value, "text", json_string(text));
    tell(t, value);
    portcam_trace_close(t->trace);
    t->trace = NULL;
}

void tracer_end(struct tracer *t, uint64_t client)
{
    if (t->trace && t->client == client) {
        for (unsigned turn = 0; turn < TURNS_OF_A_RING && tracer_run(t); turn++)
            ; /* what is there already */
        if (t->trace)
            end(t, "asked", NULL);
    }
}

void tracer_forget(struct tracer *t, uint64_t client)
{
    if (t->client != client)
        return;
    portcam_trace_close(t->trace);
    t->trace = NULL;
    free(lines_take(&t->lines));
}

bool tracer_runs(const struct tracer *t)
{
    return t->trace != NULL;
}

bool tracer_run(struct tracer *t)
{
    struct portcam_trace_sample sample;
    int rc = 1;

    for (unsigned n = 0; t->trace && rc > 0 && n < TURN; n++) {
        rc = portcam_trace_next(t->trace, &sample);
        if (rc <= 0)
            break;
        tell(t, portcam_trace_sample_json(t->trace, &sample));
        if (++t->told == t->most)
            end(t, "count", NULL);
    }
    if (rc < 0) {
        char *text = strdup(portcam_trace_error());
        end(t, "card", text ? text : "the card failed");
        free(text);
    }
    return t->trace && rc > 0;
}

char *tracer_lines(struct tracer *t, uint64_t *client)
{
    *client = t->client;
    return lines_take(&t->lines);
}
