# SPDX-License-Identifier: Apache-2.0
# How full a table of records gets: the rule of placement in C, and the RTL (its rule is in
# tests/unit/connection, with those of the other benches of the records).
BENCHES += build/tests/bench/bench_load build/tests/bench/bench_fill

build/tests/bench/bench_load: build/tests/bench/bench_load.o
