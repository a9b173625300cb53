# SPDX-License-Identifier: Apache-2.0
BENCHES += build/tests/bench/bench_core

build/tests/bench/bench_core.o: CPPFLAGS += $(VERILATED_CPPFLAGS) -Ibuild/verilated/core
build/tests/bench/bench_core.o: build/verilated/core/lib.a
build/tests/bench/bench_core: build/tests/bench/bench_core.o build/verilated/core/lib.a
build/tests/bench/bench_core: LDLIBS += $(VERILATED_LDLIBS)
