# SPDX-License-Identifier: Apache-2.0
# Measurements: each prints what it measured and how.
BENCHES += build/tests/bench/bench_model

build/tests/bench/bench_model: build/tests/bench/bench_model.o build/libportcam_model.a
BENCHES += build/tests/bench/bench_rtl tests/bench/bench_traffic.py

build/tests/bench/bench_rtl.o: CPPFLAGS += $(VERILATED_CPPFLAGS) -Ibuild/verilated/core
build/tests/bench/bench_rtl.o: build/verilated/core/lib.a
build/tests/bench/bench_rtl: build/tests/bench/bench_rtl.o build/verilated/core/lib.a
build/tests/bench/bench_rtl: LDLIBS += $(VERILATED_LDLIBS)
