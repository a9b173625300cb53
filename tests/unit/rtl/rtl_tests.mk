# SPDX-License-Identifier: Apache-2.0
#
# Benches of the leaf modules in hw/rtl/common: one Verilator model for each *_tb.sv, with several
# sizes of several modules in it, and the C++ reference of the same name beside it. Each takes a seed
# as its first argument.

RTL_BENCHES      := streams tables numbers
RTL_BENCH_DIR    := build/tests/unit/rtl
RTL_BENCH_COMMON := $(wildcard hw/rtl/common/*.sv) tests/unit/rtl/tap.hpp
RTL_BENCH_FLAGS  := --cc --exe --build -O3 -Wall --assert --x-assign unique --x-initial unique \
                    -y hw/rtl/common -MAKEFLAGS OPT_FAST=-O2 \
                    -CFLAGS "-std=c++17 -Wall -Wextra -I$(CURDIR)/tests/unit/rtl"

TAP_TESTS += $(RTL_BENCHES:%=$(RTL_BENCH_DIR)/%_test)

$(RTL_BENCHES:%=$(RTL_BENCH_DIR)/%_test): $(RTL_BENCH_DIR)/%_test: tests/unit/rtl/%_tb.sv \
    tests/unit/rtl/%_test.cpp $(RTL_BENCH_COMMON)
	$(call say,VERILAT,$<)
	@mkdir -p $(RTL_BENCH_DIR)
	$(Q)$(VERILATOR) $(RTL_BENCH_FLAGS) --top-module $*_tb --Mdir $(RTL_BENCH_DIR)/$* \
	  -o $(CURDIR)/$@ $< $(CURDIR)/tests/unit/rtl/$*_test.cpp > $(RTL_BENCH_DIR)/$*.log 2>&1 || \
	  { cat $(RTL_BENCH_DIR)/$*.log; exit 1; }
	$(Q)touch $@
