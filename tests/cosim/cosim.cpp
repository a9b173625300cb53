// SPDX-License-Identifier: Apache-2.0
/* Lockstep of the whole core and the model: random rows, change sets, frames of both directions, gaps, back-pressure, holds,
 * resets and restarts of the host, all from one seed. Every frame, command result and interrupt is checked and, at the end,
 * every counter and the rows of both banks: all of them in the small build and in every FullSeeds-th run of the default one,
 * else those that the model has and some others.
 *
 *   cosim [--seed N] [--seeds COUNT] [--frames FRAMES-A-SEED] [--waves FILE --from CLOCK --to CLOCK]
 *
 * Prints TAP: one line for the comparison, and one each for what must all have been met: reasons, hazards, packets to and
 * from the host, the mirror, moments. */
#include "cosim_run.hpp"

namespace
{

bool parse(int argc, char **argv, Options &o)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string name = argv[i];
        uint64_t value = strtoull(argv[i + 1], nullptr, 0);
        if (name == "--seed")
            o.seed = value;
        else if (name == "--seeds")
            o.seeds = value;
        else if (name == "--frames")
            o.frames = value;
        else if (name == "--waves")
            o.waves = argv[i + 1];
        else if (name == "--from")
            o.from = value;
        else if (name == "--to")
            o.to = value;
        else
            return false;
    }
    return argc % 2 == 1;
}

} // namespace

int main(int argc, char **argv)
{
    Options options;
    if (!parse(argc, argv, options)) {
        fprintf(
            stderr,
            "usage: cosim [--seed N] [--seeds N] [--frames N] [--waves FILE --from N --to N]\n");
        return 2;
    }
    Totals totals;
    printf("1..6\n# seeds %" PRIu64 " to %" PRIu64 ", %" PRIu64 " frames each\n", options.seed,
           options.seed + options.seeds - 1, options.frames);
    uint64_t bad = 0;
    for (uint64_t i = 0; i < options.seeds; i++) {
        uint64_t before = totals.differences;
        Run run(options.seed + i, options);
        run.go(totals);
        if (totals.differences != before) {
            bad++;
            printf("# seed %" PRIu64 " differs; again with: --seed %" PRIu64
                   " --seeds 1 --frames %" PRIu64 "\n",
                   options.seed + i, options.seed + i, options.frames);
        }
        fflush(stdout);
    }
    printf("# %" PRIu64 " frames out, %" PRIu64 " dropped, %" PRIu64 " punted, %" PRIu64
           " injected, %" PRIu64 " clocks, %" PRIu64 " commits, %" PRIu64 " resets, %" PRIu64
           " stops of the ring, %" PRIu64 " restarts, %" PRIu64 " rows read back, %" PRIu64
           " records deleted, %" PRIu64 " aged, %" PRIu64 " moved, %" PRIu64 " read, %" PRIu64
           " inserted by the host, %" PRIu64 " not, %" PRIu64 " interrupts for commands, %" PRIu64
           " for errors, %" PRIu64 " differences\n",
           totals.frames, totals.drops, totals.punts, totals.injects, totals.clocks, totals.commits,
           totals.resets, totals.stops, totals.restarts, totals.rows, totals.ended, totals.aged,
           totals.moved, totals.images, totals.inserted, totals.refused, totals.irqs, totals.errors,
           totals.differences);
    printf("%s 1 - RTL equals model: bytes, egress, order, results, rows, counters and "
           "interrupts (F.29, sections 2, 8, 9)\n",
           bad ? "not ok" : "ok");
    bool all = all_reasons(totals);
    bool enough = options.seeds * options.frames >= FramesForReasons;
    printf("%s 2 - every reason of the packet semantics was met%s\n",
           all || !enough ? "ok" : "not ok",
           all || enough ? "" : " # SKIP too few frames to meet all");
    bool hazards = all_hazards(totals, options.seeds * options.frames >= FramesForRare);
    printf("%s 3 - every hazard of the record pipeline was met%s\n",
           hazards || !enough ? "ok" : "not ok",
           hazards || enough ? "" : " # SKIP too few frames to meet all");
    bool packets = all_packets(totals);
    printf("%s 4 - everything happened to packets to and from the host, and to samples%s\n",
           packets || !enough ? "ok" : "not ok",
           packets || enough ? "" : " # SKIP too few frames to meet all");
    bool mirror = all_of_the_mirror(totals);
    printf("%s 5 - the mirror met all that it must cope with%s\n",
           mirror || !enough ? "ok" : "not ok",
           mirror || enough ? "" : " # SKIP too few frames to meet all");
    bool moments = all_moments(totals);
    printf("%s 6 - holds, resets and restarts came at every kind of moment%s\n",
           moments || !enough ? "ok" : "not ok",
           moments || enough ? "" : " # SKIP too few frames to meet all");
    return bad || (enough && !(all && hazards && packets && mirror && moments));
}
