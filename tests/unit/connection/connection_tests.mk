# SPDX-License-Identifier: Apache-2.0
#
# Benches of the records of connections: small ones, one for each read latency of the memories, and
# the largest build. Each takes a seed as its first argument.

CONNECTIONS_DIR       := build/tests/unit/connection
CONNECTIONS_LATENCIES := 1 2 3 4
CONNECTIONS_TESTS     := $(CONNECTIONS_LATENCIES:%=$(CONNECTIONS_DIR)/connections_%_test)
CONNECTIONS_DEPS      := hw/regs/gen/portcam_pkg.sv hw/regs/gen/portcam_defs.h \
                         hw/rtl/core/portcam_types_pkg.sv \
                         $(wildcard hw/rtl/common/*.sv hw/rtl/lookup/*.sv hw/rtl/connection/*.sv) \
                         $(wildcard tests/unit/connection/*) tests/unit/rtl/tap.hpp tests/unit/rtl/mix_twin.hpp \
                         build/libportcam_model.a
CONNECTIONS_RTL       := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv \
                         hw/rtl/connection/portcam_connection_pkg.sv \
                         tests/unit/connection/connections_tb.sv
CONNECTIONS_FLAGS     := --cc --exe --build -O3 -Wall --assert --x-assign unique --x-initial unique \
                         -y hw/rtl/common -y hw/rtl/lookup -y hw/rtl/connection scripts/packages.vlt \
                         --top-module connections_tb -MAKEFLAGS OPT_FAST=-O2
CONNECTIONS_CXX       := -std=c++17 -Wall -Wextra -I$(CURDIR)/tests/unit/rtl -I$(CURDIR)/lib/model \
                         -I$(CURDIR)/tests/unit/connection -I$(CURDIR)/hw/regs/gen \
                         -I$(CURDIR)/lib/include

CONNECTIONS_LARGE     := Rows=1048576 RowsV6=262144 Ways=8 Stash=16
CONNECTIONS_LARGE_CXX := -DBENCH_ROWS=1048576 -DBENCH_ROWS_V6=262144 -DBENCH_WAYS=8 -DBENCH_STASH=16

TAP_TESTS += $(CONNECTIONS_TESTS) $(CONNECTIONS_DIR)/connections_large_test $(CONNECTIONS_DIR)/walk_test

# connections_bench: read latency, C++ file, other parameters, and the same for C++.
define connections_bench
	$(call say,VERILAT,$@)
	@mkdir -p $(CONNECTIONS_DIR)
	$(Q)$(VERILATOR) $(CONNECTIONS_FLAGS) -GReadLatency=$(1) $(addprefix -G,$(3)) --Mdir $@.d -o $(CURDIR)/$@ \
	  -CFLAGS "$(CONNECTIONS_CXX) -DBENCH_READ_LATENCY=$(1) $(4)" $(CONNECTIONS_RTL) $(CURDIR)/$(2) \
	  $(CURDIR)/build/libportcam_model.a > $@.log 2>&1 || { cat $@.log; exit 1; }
	$(Q)touch $@
endef

$(CONNECTIONS_TESTS): $(CONNECTIONS_DIR)/connections_%_test: $(CONNECTIONS_DEPS)
	$(call connections_bench,$*,tests/unit/connection/connections_test.cpp)

$(CONNECTIONS_DIR)/connections_large_test: $(CONNECTIONS_DEPS)
	$(call connections_bench,2,tests/unit/connection/connections_large_test.cpp,$(CONNECTIONS_LARGE),$\
	  $(CONNECTIONS_LARGE_CXX))

$(CONNECTIONS_DIR)/walk_test: $(CONNECTIONS_DEPS)
	$(call connections_bench,2,tests/unit/connection/walk_test.cpp)

build/tests/bench/bench_fill: $(CONNECTIONS_DEPS) tests/bench/bench_fill.cpp tests/bench/load_rule.h tests/bench/load_keys.h
	@mkdir -p build/tests/bench
	$(call connections_bench,2,tests/bench/bench_fill.cpp,Rows=65536 RowsV6=64 Ways=8 Stash=16,$\
	  -DBENCH_ROWS=65536 -DBENCH_ROWS_V6=64 -DBENCH_WAYS=8 -DBENCH_STASH=16 -I$(CURDIR)/tests/bench)
