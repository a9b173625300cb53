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

# What decides about records and answers, beside the C model.
REJECTS_BENCH_RTL := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv \
                     hw/rtl/lookup/portcam_creation.sv hw/rtl/common/portcam_tokens.sv \
                     hw/rtl/lookup/portcam_reject_limit.sv \
                     tests/unit/rtl/rejects_tb.sv

TAP_TESTS += $(RTL_BENCH_DIR)/rejects_test

$(RTL_BENCH_DIR)/rejects_test: $(REJECTS_BENCH_RTL) tests/unit/rtl/rejects_test.cpp \
    tests/unit/rtl/tap.hpp build/libportcam_model.a
	$(call say,VERILAT,tests/unit/rtl/rejects_tb.sv)
	@mkdir -p $(RTL_BENCH_DIR)
	$(Q)$(VERILATOR) $(RTL_BENCH_FLAGS) -CFLAGS "-I$(CURDIR)/hw/regs/gen -I$(CURDIR)/lib/model" \
	  scripts/packages.vlt --top-module rejects_tb --Mdir $(RTL_BENCH_DIR)/rejects -o $(CURDIR)/$@ \
	  $(REJECTS_BENCH_RTL) $(CURDIR)/tests/unit/rtl/rejects_test.cpp \
	  $(CURDIR)/build/libportcam_model.a > $(RTL_BENCH_DIR)/rejects.log 2>&1 || \
	  { cat $(RTL_BENCH_DIR)/rejects.log; exit 1; }
	$(Q)touch $@

# The tables whose rows say what becomes of a connection, behind the table bus.
ROWS_BENCH_RTL := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv \
                  hw/rtl/lookup/portcam_lookup_pkg.sv tests/unit/rtl/rows_tb.sv

TAP_TESTS += $(RTL_BENCH_DIR)/rows_test

$(RTL_BENCH_DIR)/rows_test: $(ROWS_BENCH_RTL) $(wildcard hw/rtl/lookup/*.sv) $(RTL_BENCH_COMMON) \
    tests/unit/rtl/rows_test.cpp hw/regs/gen/portcam_defs.h
	$(call say,VERILAT,tests/unit/rtl/rows_tb.sv)
	@mkdir -p $(RTL_BENCH_DIR)
	$(Q)$(VERILATOR) $(RTL_BENCH_FLAGS) -y hw/rtl/lookup -CFLAGS "-I$(CURDIR)/hw/regs/gen" \
	  scripts/packages.vlt --top-module rows_tb --Mdir $(RTL_BENCH_DIR)/rows -o $(CURDIR)/$@ \
	  $(ROWS_BENCH_RTL) $(CURDIR)/tests/unit/rtl/rows_test.cpp > $(RTL_BENCH_DIR)/rows.log 2>&1 || \
	  { cat $(RTL_BENCH_DIR)/rows.log; exit 1; }
	$(Q)touch $@

# The rings of packets behind the arbiters of the DMA port.
PUNT_BENCH_RTL := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv \
                  hw/rtl/control/portcam_write_arbiter.sv hw/rtl/control/portcam_read_arbiter.sv \
                  hw/rtl/lookup/portcam_punt_limit.sv $(wildcard hw/rtl/punt/*.sv) \
                  tests/unit/rtl/punt_tb.sv

TAP_TESTS += $(RTL_BENCH_DIR)/punt_test

$(RTL_BENCH_DIR)/punt_test: $(PUNT_BENCH_RTL) $(RTL_BENCH_COMMON) tests/unit/rtl/punt_test.cpp \
    build/libportcam_model.a
	$(call say,VERILAT,tests/unit/rtl/punt_tb.sv)
	@mkdir -p $(RTL_BENCH_DIR)
	$(Q)$(VERILATOR) $(RTL_BENCH_FLAGS) -CFLAGS "-I$(CURDIR)/hw/regs/gen -I$(CURDIR)/lib/model" \
	  scripts/packages.vlt --top-module punt_tb --Mdir $(RTL_BENCH_DIR)/punt -o $(CURDIR)/$@ \
	  $(PUNT_BENCH_RTL) $(CURDIR)/tests/unit/rtl/punt_test.cpp $(CURDIR)/build/libportcam_model.a \
	  > $(RTL_BENCH_DIR)/punt.log 2>&1 || { cat $(RTL_BENCH_DIR)/punt.log; exit 1; }
	$(Q)touch $@

# The trace ring behind the write arbiter, beside the C model.
TRACE_BENCH_RTL := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv \
                   hw/rtl/control/portcam_write_arbiter.sv hw/rtl/punt/portcam_packet_ring.sv \
                   hw/rtl/punt/portcam_ring_room.sv hw/rtl/punt/portcam_entry_writer.sv \
                   hw/rtl/lookup/portcam_delay.sv $(wildcard hw/rtl/trace/*.sv) \
                   tests/unit/rtl/trace_tb.sv

TAP_TESTS += $(RTL_BENCH_DIR)/trace_test

$(RTL_BENCH_DIR)/trace_test: $(TRACE_BENCH_RTL) $(RTL_BENCH_COMMON) tests/unit/rtl/trace_test.cpp \
    build/libportcam_model.a
	$(call say,VERILAT,tests/unit/rtl/trace_tb.sv)
	@mkdir -p $(RTL_BENCH_DIR)
	$(Q)$(VERILATOR) $(RTL_BENCH_FLAGS) -CFLAGS "-I$(CURDIR)/hw/regs/gen -I$(CURDIR)/lib/model" \
	  scripts/packages.vlt --top-module trace_tb --Mdir $(RTL_BENCH_DIR)/trace -o $(CURDIR)/$@ \
	  $(TRACE_BENCH_RTL) $(CURDIR)/tests/unit/rtl/trace_test.cpp $(CURDIR)/build/libportcam_model.a \
	  > $(RTL_BENCH_DIR)/trace.log 2>&1 || { cat $(RTL_BENCH_DIR)/trace.log; exit 1; }
	$(Q)touch $@
