# SPDX-License-Identifier: Apache-2.0
# Measurements: each prints what it measured and how.
BENCHES += build/tests/bench/bench_model

build/tests/bench/bench_model: build/tests/bench/bench_model.o build/libportcam_model.a
