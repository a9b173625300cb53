// SPDX-License-Identifier: Apache-2.0
/* `portcam stats show --rate`: two readings, and what the counters grew in a second by the card's clock. */
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { RATE_SECONDS = 1 };

/* The entry of the older list that speaks of the same object. */
static const json_t *same_entry(const json_t *list, const json_t *entry)
{
    static const char *const keys[] = {"reason", "function", "name", "address"};
    const json_t *other;
    size_t i;

    json_array_foreach (list, i, other) {
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            const json_t *key = json_object_get(entry, keys[k]);
            if (key && json_equal(key, json_object_get(other, keys[k])))
                return other;
        }
    }
    return NULL;
}

static bool grows(const char *key)
{
    static const char *const keys[] = {"packets",     "octets",     "new",
                                       "syn_repeats", "syn_resets", "syn_ack_count"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* The mean of what was measured in between, in place of that since the reset; the longest time is known of all time alone. */
static void mean_of(json_t *now, const json_t *before)
{
    json_int_t count = json_integer_value(json_object_get(now, "syn_ack_count")) -
                       json_integer_value(json_object_get(before, "syn_ack_count"));
    json_int_t ms = json_integer_value(json_object_get(now, "syn_ack_ms")) -
                    json_integer_value(json_object_get(before, "syn_ack_ms"));

    if (!json_object_get(now, "syn_ack_ms"))
        return;
    json_object_set(now, "syn_ack_ms_max_ever", json_object_get(now, "syn_ack_ms_max"));
    json_object_del(now, "syn_ack_ms_max");
    json_object_del(now, "syn_ack_ms");
    json_object_del(now, "syn_ack_ms_mean");
    if (count > 0)
        json_object_set_new(now, "syn_ack_ms_mean", json_real((double)ms / (double)count));
}

/* Replaces counters, at any depth, by their growth a second. */
static void rate_of(json_t *now, const json_t *before, double seconds)
{
    const char *key;
    json_t *value;
    void *next;

    mean_of(now, before);
    json_object_foreach_safe (now, next, key, value) {
        const json_t *old = json_object_get(before, key);
        size_t i;
        json_t *entry;
        if (json_is_array(value)) {
            json_array_foreach (value, i, entry)
                rate_of(entry, same_entry(old, entry), seconds);
        } else if (json_is_object(value)) {
            rate_of(value, old, seconds);
        } else if (grows(key)) {
            json_int_t growth = json_integer_value(value) - json_integer_value(old);
            json_object_set_new(now, key, json_real((double)growth / seconds));
        }
    }
}

int with_rate(struct cli *cli, json_t **answer)
{
    json_t *second = NULL, *args = json_pack("{s:b}", "all", (int)cli->all);

    sleep(RATE_SECONDS);
    int result = ask(cli, make_request(cli, args), &second);
    if (result)
        return result;
    uint32_t from = (uint32_t)json_integer_value(json_object_get(*answer, "time_ms"));
    uint32_t to = (uint32_t)json_integer_value(json_object_get(second, "time_ms"));
    double seconds = to != from ? (double)(uint32_t)(to - from) / 1000.0 : RATE_SECONDS;
    rate_of(second, *answer, seconds);
    json_object_set_new(second, "seconds", json_real(seconds));
    json_decref(*answer);
    *answer = second;
    return EXIT_OK;
}
