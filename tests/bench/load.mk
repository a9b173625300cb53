# SPDX-License-Identifier: Apache-2.0
# How full a table of records gets.
BENCHES += build/tests/bench/bench_load

build/tests/bench/bench_load: build/tests/bench/bench_load.o
