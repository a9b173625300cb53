// SPDX-License-Identifier: Apache-2.0
/*
 * How full a table of connection records is when the first new one finds no room, by the rule of placement of the
 * hardware in C (load_rule.h): lowest and mean load of several secrets, for each set of keys of load_keys.h. bench_fill
 * fills the RTL.
 * Usage: bench_load [RUNS [ROWS...]], by default 20 65536 1048576.
 */
#include <stdio.h>

#include "load_keys.h"

static uint32_t fill(const struct load_set *set, const struct load_hash *hash, struct load_table *t)
{
    uint8_t key[LOAD_KEY];
    load_table_clear(t);
    for (uint32_t n = 0;; n++) {
        set->key(key, n);
        if (!load_table_add(t, load_hash_of(hash, key)))
            return n;
    }
}

int main(int argc, char **argv)
{
    static char *by_default[] = {"65536", "1048576"};
    static struct load_hash hash;
    unsigned runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 20;
    char **sizes = argc > 2 ? argv + 2 : by_default;
    int n_sizes = argc > 2 ? argc - 2 : 2;
    load_prepare();
    for (int i = 0; i < n_sizes; i++) {
        unsigned long rows = strtoul(sizes[i], NULL, 0);
        if (runs == 0 || rows < 64 || rows > 1ul << 20 || (rows & (rows - 1)) != 0) {
            fprintf(stderr, "bench_load: rows must be a power of two, 64 to 1048576\n");
            return 2;
        }
        struct load_table t;
        if (!load_table_new(&t, (uint32_t)rows)) {
            fprintf(stderr, "bench_load: out of memory\n");
            return 1;
        }
        for (const struct load_set *set = load_sets; set < load_sets + LOAD_SETS; set++) {
            double lowest = 0, sum = 0;
            for (unsigned run = 0; run < runs; run++) {
                load_state = run + 1;
                if (set->choose)
                    set->choose();
                load_draw_secret(&hash);
                double load = fill(set, set->known ? &load_known : &hash, &t) / (double)rows;
                lowest = run == 0 || load < lowest ? load : lowest;
                sum += load;
            }
            printf(
                "load: %lu rows, %s: first refusal at %.3f (lowest), %.3f (mean of %u secrets)\n",
                rows, set->name, lowest, sum / runs, runs);
        }
        free(t.used);
    }
    return 0;
}
