# SPDX-License-Identifier: Apache-2.0
#
# Benches of the modules in hw/rtl/connection, as those of rtl_tests.mk. connection_next is its own
# top; the others have a *_tb.sv.

CONNECTION_BENCHES      := connection_next toeplitz schedule
CONNECTION_BENCH_TESTS  := $(CONNECTION_BENCHES:%=$(RTL_BENCH_DIR)/%_test)
CONNECTION_BENCH_COMMON := hw/regs/gen/portcam_pkg.sv $(wildcard hw/rtl/common/*.sv hw/rtl/lookup/*.sv \
                           hw/rtl/connection/*.sv) tests/unit/rtl/tap.hpp build/libportcam_model.a
CONNECTION_BENCH_FLAGS  := $(RTL_BENCH_FLAGS) -CFLAGS "-I$(CURDIR)/lib/model -I$(CURDIR)/hw/regs/gen \
                           -I$(CURDIR)/lib/include" -y hw/rtl/lookup -y hw/rtl/connection \
                           scripts/packages.vlt hw/regs/gen/portcam_pkg.sv

TAP_TESTS += $(CONNECTION_BENCH_TESTS)

$(RTL_BENCH_DIR)/connection_next_test: CONNECTION_TOP := portcam_connection_next
$(RTL_BENCH_DIR)/connection_next_test: hw/rtl/connection/portcam_connection_next.sv
$(filter-out %/connection_next_test,$(CONNECTION_BENCH_TESTS)): $(RTL_BENCH_DIR)/%_test: tests/unit/rtl/%_tb.sv

$(CONNECTION_BENCH_TESTS): $(RTL_BENCH_DIR)/%_test: tests/unit/rtl/%_test.cpp $(CONNECTION_BENCH_COMMON)
	$(call say,VERILAT,$<)
	@mkdir -p $(RTL_BENCH_DIR)
	$(Q)$(VERILATOR) $(CONNECTION_BENCH_FLAGS) --top-module $(or $(CONNECTION_TOP),$*_tb) \
	  --Mdir $(RTL_BENCH_DIR)/$* -o $(CURDIR)/$@ $(if $(CONNECTION_TOP),,tests/unit/rtl/$*_tb.sv) \
	  $(if $(CONNECTION_TOP),hw/rtl/connection/$(CONNECTION_TOP).sv) \
	  $(CURDIR)/$< $(CURDIR)/build/libportcam_model.a > $(RTL_BENCH_DIR)/$*.log 2>&1 || \
	  { cat $(RTL_BENCH_DIR)/$*.log; exit 1; }
	$(Q)touch $@
