// SPDX-License-Identifier: Apache-2.0
/*
 * Processor time to compute a slot table: each scheduler with equal and with random weights. Prints a line for each:
 * median and slowest of the runs.
 * Usage: bench_schedule [SLOTS [BACKENDS [RUNS]]], by default 65536 1000 50.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/src/schedule/schedule.h"

enum { NAME = 32, KINDS = 3 };

static const char *const Kinds[KINDS] = {"equal weights", "weights 1 to 100", "weights 1 to 65535"};

static uint64_t Seed = 1;

static uint32_t draw(uint32_t below)
{
    Seed = Seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(Seed >> 33) % below;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    size_t n_slots = argc > 1 ? strtoul(argv[1], NULL, 0) : PC_SLOTS_MAX;
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000,
           runs = argc > 3 ? strtoul(argv[3], NULL, 0) : 50;
    struct pc_schedule_backend *backend = calloc(n, sizeof(*backend));
    struct pc_schedule_work *work = calloc(n, sizeof(*work));
    char(*name)[NAME] = calloc(n, sizeof(*name));
    uint16_t *slots = calloc(n_slots, sizeof(*slots));
    double *time = calloc(runs, sizeof(*time));
    int status = 1;

    if (!backend || !work || !name || !slots || !time || runs == 0)
        goto out;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < n; i++) {
            snprintf(name[i], NAME, "server-%zu", i);
            backend[i] = (struct pc_schedule_backend){
                name[i], (uint16_t)i,
                (uint16_t)(kind == 0 ? 1 : 1 + draw(kind == 1 ? 100 : 65535))};
        }
        for (unsigned s = 0; s < PC_SCHEDULER_MAX; s++) {
            for (size_t r = 0; r < runs; r++) {
                double start = now();
                int rc = pc_schedule((enum pc_scheduler)s, backend, n, work, slots, n_slots);
                time[r] = now() - start;
                if (rc != (int)n) {
                    fprintf(stderr, "bench_schedule: %s: %d\n", pc_scheduler_name(s), rc);
                    goto out;
                }
            }
            qsort(time, runs, sizeof(*time), by_time);
            printf("schedule: %-4s %zu slots, %zu backends, %s: median %.2f ms, slowest %.2f ms of "
                   "%zu\n",
                   pc_scheduler_name(s), n_slots, n, Kinds[kind], time[runs / 2], time[runs - 1],
                   runs);
        }
    }
    status = 0;
out:
    free(time);
    free(slots);
    free(name);
    free(work);
    free(backend);
    return status;
}
