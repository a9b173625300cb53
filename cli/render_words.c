// SPDX-License-Identifier: Apache-2.0
/* Values of an answer as text; see render_words.h. */
#include "render_words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Numbers by name: "syn=30,established=3600". */
static void object_text(const json_t *object, char *text, size_t room)
{
    const char *key, *comma = "";
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        size_t n = strlen(text);
        snprintf(text + n, room - n, "%s%s=%.10g", comma, key, json_number_value(value));
        comma = ",";
    }
}

/* A value as it is written on the command line. */
void value_text(const json_t *value, char *text, size_t room)
{
    const json_t *item;
    size_t i;

    text[0] = 0;
    if (json_is_string(value))
        snprintf(text, room, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, room, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, room, "%.1f", json_real_value(value));
    else if (json_is_boolean(value))
        snprintf(text, room, "%s", json_is_true(value) ? "true" : "false");
    else if (json_is_array(value)) {
        json_array_foreach (value, i, item) {
            size_t n = strlen(text);
            snprintf(text + n, room - n, "%s%s", i ? "," : "", json_string_value(item));
        }
    } else if (json_is_object(value)) {
        object_text(value, text, room);
    } else {
        snprintf(text, room, "none");
    }
}
