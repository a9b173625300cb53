# SPDX-License-Identifier: Apache-2.0
# The mirror of a million connections.
BENCHES += build/tests/bench/bench_mirror

build/tests/bench/bench_mirror: build/tests/bench/bench_mirror.o $(PORTCAM_ARCHIVES)
build/tests/bench/bench_mirror: LDFLAGS += -Wl,--wrap=pc_card_new
build/tests/bench/bench_mirror: LDLIBS += $(LIB_LIBS)
