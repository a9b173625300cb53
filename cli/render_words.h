/* SPDX-License-Identifier: Apache-2.0 */
/* Members of an answer, and the parts of render.c. */
#ifndef PC_RENDER_WORDS_H
#define PC_RENDER_WORDS_H

#include <jansson.h>

#include "commands.h"

/* A member that is text, "" where there is none. */
static inline const char *str(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* A member that is a number, 0 where there is none. */
static inline long long num(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* A value as it is written on the command line. */
void value_text(const json_t *value, char *text, size_t room);

/* Objects of a kind, counters of all of them (render_lists.c). */
void render_list(const struct object *object, const json_t *list);
void render_stats(const json_t *answer);

/* What a change did or would do; its objects alone; what it warns of, on standard error (render_diff.c). */
void render_diff(const json_t *answer);
void render_objects(const json_t *objects);
void render_warnings(const json_t *answer);

#endif
