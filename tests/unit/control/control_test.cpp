// SPDX-License-Identifier: Apache-2.0
//
// Bench of portcam_control: directed tests by name, then random streams and resets. What is watched
// in every clock stands in host_memory.hpp (AXI4), fake_core.hpp (table and counter bus), fake_records.hpp
// (buses of records and of states of backends) and
// card.hpp (commands, completions, banks, interrupts). First argument: seed; second: how many times
// the usual length the random tests run.

#include "stress_tests.hpp"

int main(int argc, char **argv)
{
    setvbuf(stdout, nullptr, _IOLBF, 0);
    uint64_t seed = start(argc, argv);
    unsigned factor = argc > 2 ? unsigned(atoi(argv[2])) : 1;
    Tap tap;
    static Card card(tap, seed);

    test_registers(card);
    test_statuses(card);
    test_reads(card);
    test_change_sets(card);
    test_ring(card);
    test_full_completions(card);
    test_interrupts(card);
    test_dma_errors(card);
    test_fields(card);
    test_stateful_fields(card);
    test_records(card, 200 * factor);
    test_inserts(card, 200 * factor);
    test_speed(card);
    test_flr(card, 400 * factor);
    test_random(card, 40 * factor);
    card.top.final();
    return tap.finish();
}
