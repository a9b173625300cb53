# SPDX-License-Identifier: Apache-2.0
# The connection table of the model.
BENCHES += build/tests/bench/bench_connections

build/tests/bench/bench_connections: build/tests/bench/bench_connections.o build/libportcam_model.a
