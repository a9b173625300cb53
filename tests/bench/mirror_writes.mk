# SPDX-License-Identifier: Apache-2.0
# Writes of the mirror in the RTL.
BENCHES    += tests/bench/bench_mirror_writes
BENCH_DEPS += build/tests/unit/mirror/mirror_test
