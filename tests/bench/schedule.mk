# SPDX-License-Identifier: Apache-2.0
# The time that slot tables take.
BENCHES += build/tests/bench/bench_schedule

build/tests/bench/bench_schedule: build/tests/bench/bench_schedule.o build/libportcam.a
