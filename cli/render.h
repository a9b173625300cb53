// SPDX-License-Identifier: Apache-2.0
/* Answers as text for people. Everything that is printed is in the JSON answer, too. */
#ifndef PC_RENDER_H
#define PC_RENDER_H

#include <jansson.h>

#include "commands.h"

/* Arguments of "%lld %s": 1 packet, 2 packets. */
#define COUNTED(n, word) (long long)(n), (n) == 1 ? (word) : word "s"

void render(const struct command *command, const json_t *answer);

/* A connection: a line of a list, with its header, or everything (render_connection.c). */
void render_connection_header(void);
void render_connection(const json_t *connection);
void render_whole_connection(const json_t *connection);

/* What became of the packets of the slow path (render_slow_path.c). */
void render_slow_path(const json_t *status);

/* A change of a connection, one line; the state or the audit of the mirror. */
void render_change(const json_t *event);
void render_mirror(const json_t *answer);

/* A sample of a trace, one line; what became of all of them, on standard error (render_trace.c). */
void render_trace(const json_t *packet);
void render_trace_end(const json_t *end);

/* An event of monitor, one line. */
void render_event(const json_t *event);

/* The messages of an error answer, on standard error. */
void render_error(const json_t *answer);

#endif
