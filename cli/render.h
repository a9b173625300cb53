// SPDX-License-Identifier: Apache-2.0
/* Answers as text for people. Everything that is printed is in the JSON answer, too. */
#ifndef PC_RENDER_H
#define PC_RENDER_H

#include <jansson.h>

#include "commands.h"

void render(const struct command *command, const json_t *answer);

/* An event of monitor, one line. */
void render_event(const json_t *event);

/* The messages of an error answer, on standard error. */
void render_error(const json_t *answer);

#endif
