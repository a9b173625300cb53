# SPDX-License-Identifier: Apache-2.0
#
# Benches of the lookup pipeline with the counters, with small tables and with those of the default
# build, and of the whole core with empty tables. Each takes a seed as its first argument.

CORE_BENCH_DIR   := build/tests/unit/core
CORE_BENCH_RTL   := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv \
                    hw/rtl/lookup/portcam_lookup_pkg.sv \
                    hw/rtl/connection/portcam_connection_pkg.sv hw/rtl/mirror/portcam_mirror_pkg.sv
CORE_BENCH_DEPS  := $(CORE_BENCH_RTL) $(wildcard hw/rtl/common/*.sv) \
                    $(wildcard hw/rtl/lookup/*.sv hw/rtl/connection/*.sv hw/rtl/stats/*.sv) \
                    $(wildcard tests/unit/core/*) tests/unit/rtl/tap.hpp
CORE_BENCH_FLAGS := --cc --exe --build -O3 --assert --x-assign unique --x-initial unique \
                    -y hw/rtl/common -y hw/rtl/core -y hw/rtl/lookup -y hw/rtl/connection \
                    -y hw/rtl/stats -y hw/rtl/punt -y hw/rtl/mirror -y hw/rtl/trace \
                    -MAKEFLAGS OPT_FAST=-O2
CORE_BENCH_CXX   := -std=c++17 -Wall -Wextra -I$(CURDIR)/tests/unit/rtl \
                    -I$(CURDIR)/tests/unit/core -I$(CURDIR)/hw/regs/gen -I$(CURDIR)/lib/model

TAP_TESTS += $(CORE_BENCH_DIR)/lookup_test $(CORE_BENCH_DIR)/lookup_default_test \
             $(CORE_BENCH_DIR)/core_test
PY_TESTS  += tests/unit/core/test_file_list.py

# core_bench: the flags of one bench, and those of its C++.
define core_bench
	$(call say,VERILAT,$@)
	@mkdir -p $(CORE_BENCH_DIR)
	$(Q)$(VERILATOR) $(CORE_BENCH_FLAGS) $(1) -CFLAGS "$(CORE_BENCH_CXX) $(2)" --Mdir $@.d \
	  -o $(CURDIR)/$@ $(3) $(CURDIR)/build/libportcam_model.a > $@.log 2>&1 || { cat $@.log; exit 1; }
	$(Q)touch $@
endef

CORE_BENCH_LOOKUP := $(CORE_BENCH_RTL) tests/unit/core/lookup_tb.sv \
                     $(CURDIR)/tests/unit/core/lookup_test.cpp
CORE_BENCH_DEFAULT_SIZES := -GFunctions=16 -GDomains=256 -GAddresses=256 -GServices=1024 \
                            -GBackends=4096 -GEndpointWays=4 -GEndpointRows=8192 \
                            -GEndpointAnyPortRows=512 -GEndpointAnyRows=512

$(CORE_BENCH_DIR)/lookup_test: $(CORE_BENCH_DEPS) build/libportcam_model.a
	$(call core_bench,--top-module lookup_tb,,$(CORE_BENCH_LOOKUP))

$(CORE_BENCH_DIR)/lookup_default_test: $(CORE_BENCH_DEPS) build/libportcam_model.a
	$(call core_bench,--top-module lookup_tb $(CORE_BENCH_DEFAULT_SIZES),-DBENCH_DEFAULT_SIZES,\
	  $(CORE_BENCH_LOOKUP))

$(CORE_BENCH_DIR)/core_test: $(CORE_BENCH_DEPS) $(wildcard hw/rtl/*/*.sv) build/libportcam_model.a
	$(call core_bench,--top-module portcam_core -y hw/rtl/stream -y hw/rtl/parse -y hw/rtl/control,,\
	  $(CORE_BENCH_RTL) hw/rtl/core/portcam_core.sv $(CURDIR)/tests/unit/core/core_test.cpp)
