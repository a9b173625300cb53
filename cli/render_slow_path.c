// SPDX-License-Identifier: Apache-2.0
/* What became of the packets of the slow path, as text: a line for each reason and outcome. */
#include <stdio.h>

#include "render.h"
#include "render_words.h"
#include "table.h"

static const char *yes_no(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key)) ? "yes" : "no";
}

static void show_reasons(const json_t *reasons)
{
    struct table table;
    const json_t *entry, *packets;
    const char *outcome;
    size_t i, row = 1;

    table_begin(&table, 3);
    table_cell(&table, 0, 0, "REASON");
    table_cell(&table, 0, 1, "OUTCOME");
    table_cell(&table, 0, 2, "PACKETS");
    table_numbers(&table, 2);
    json_array_foreach (reasons, i, entry) {
        json_object_foreach (json_object_get(entry, "outcomes"), outcome, packets) {
            table_cell(&table, row, 0, "%s", json_string_value(json_object_get(entry, "reason")));
            table_cell(&table, row, 1, "%s", outcome);
            table_cell(&table, row++, 2, "%lld", (long long)json_integer_value(packets));
        }
    }
    if (row > 1)
        table_print(&table, "");
    else
        printf("no packets yet\n");
}

void render_slow_path(const json_t *answer)
{
    show_reasons(json_object_get(answer, "reasons"));
    printf("running %s, connections known %s\n", yes_no(answer, "running"),
           yes_no(answer, "connections_known"));
    printf("waiting now: %lld %s, %lld %s, of %lld %s; most %lld %s, %lld %s\n",
           COUNTED(num(answer, "held"), "frame"), COUNTED(num(answer, "held_bytes"), "byte"),
           COUNTED(num(answer, "datagrams"), "datagram"),
           COUNTED(num(answer, "held_bytes_most"), "byte"),
           COUNTED(num(answer, "datagrams_most"), "datagram"));
    printf("records: %lld made, %lld updated; answers: %lld\n", num(answer, "inserted"),
           num(answer, "updated"), num(answer, "answers"));
    printf("lost: ring full %lld, not sent %lld, refused %lld; rings started again: %lld\n",
           num(answer, "ring_full"), num(answer, "unsent"), num(answer, "refused"),
           num(answer, "restarts"));
}
