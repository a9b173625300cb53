# SPDX-License-Identifier: Apache-2.0
# Measurements: each prints what it measured and how.
BENCHES += build/tests/bench/bench_model

build/tests/bench/bench_model: build/tests/bench/bench_model.o build/libportcam_model.a
BENCHES += build/tests/bench/bench_rtl build/tests/bench/bench_records build/tests/bench/bench_punt tests/bench/bench_traffic.py

# The RTL alone: without its assertions, and registers that no reset sets begin as 0.
$(eval $(call verilated,bare,Vportcam_core,--no-assert --x-assign fast --x-initial fast))

build/tests/bench/bench_rtl.o: CPPFLAGS += $(VERILATED_CPPFLAGS) -Ibuild/verilated/bare
build/tests/bench/bench_rtl.o: build/verilated/bare/lib.a
build/tests/bench/bench_rtl: build/tests/bench/bench_rtl.o build/verilated/bare/lib.a
build/tests/bench/bench_rtl: LDLIBS += $(VERILATED_LDLIBS)

build/tests/bench/bench_records.o: CPPFLAGS += $(VERILATED_CPPFLAGS) -Ibuild/verilated/bare
build/tests/bench/bench_records.o: build/verilated/bare/lib.a
build/tests/bench/bench_records: build/tests/bench/bench_records.o build/libportcam_model.a build/verilated/bare/lib.a
build/tests/bench/bench_records: LDLIBS += $(VERILATED_LDLIBS)

build/tests/bench/bench_punt.o: CPPFLAGS += $(VERILATED_CPPFLAGS) -Ibuild/verilated/bare
build/tests/bench/bench_punt.o: build/verilated/bare/lib.a
build/tests/bench/bench_punt: build/tests/bench/bench_punt.o build/verilated/bare/lib.a
build/tests/bench/bench_punt: LDLIBS += $(VERILATED_LDLIBS)

BENCHES += build/tests/bench/bench_slow
build/tests/bench/bench_slow: build/tests/bench/bench_slow.o $(PORTCAM_ARCHIVES)
build/tests/bench/bench_slow: LDLIBS += -lcmocka $(LIB_LIBS)
