// SPDX-License-Identifier: Apache-2.0
/*
 * Prints slot tables. Each line of the standard input is SCHEDULER SLOTS [NAME:NUMBER:WEIGHT]..., each line of the output the
 * result of pc_schedule() and, if it is not an error, the slots.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/src/schedule/schedule.h"

enum { BACKENDS = 4096 };

static bool read_backend(char *word, struct pc_schedule_backend *ret)
{
    char *number = strchr(word, ':'), *weight = number ? strchr(number + 1, ':') : NULL;
    if (!weight)
        return false;
    *number = '\0';
    *ret = (struct pc_schedule_backend){word, (uint16_t)strtoul(number + 1, NULL, 10),
                                        (uint16_t)strtoul(weight + 1, NULL, 10)};
    return true;
}

static bool print_table(char *line)
{
    static struct pc_schedule_backend backends[BACKENDS];
    static struct pc_schedule_work work[BACKENDS];
    static uint16_t slots[PC_SLOTS_MAX];
    enum pc_scheduler scheduler;
    char *rest = NULL, *word = strtok_r(line, " \n", &rest);
    size_t n = 0;

    if (!word || pc_scheduler_parse(word, &scheduler))
        return false;
    word = strtok_r(NULL, " \n", &rest);
    size_t n_slots = word ? strtoul(word, NULL, 10) : 0;
    while ((word = strtok_r(NULL, " \n", &rest))) {
        if (n == BACKENDS || !read_backend(word, &backends[n++]))
            return false;
    }
    int rc = pc_schedule(scheduler, backends, n, work, slots, n_slots);
    printf("%d", rc);
    for (size_t i = 0; rc >= 0 && i < n_slots; i++)
        printf(" %u", slots[i]);
    printf("\n");
    return true;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    int status = 0;

    while (status == 0 && getline(&line, &size, stdin) > 0)
        status = print_table(line) ? 0 : 1;
    free(line);
    return status;
}
