# SPDX-License-Identifier: Apache-2.0
#
# Benches of the modules in hw/rtl/connection, as those of rtl_tests.mk. CONNECTION_TOPS are tops
# themselves, with the parameters of *_parameters; the others have a *_tb.sv.

CONNECTION_TOPS         := connection_next candidates backend_state mix
CONNECTION_BENCHES      := $(CONNECTION_TOPS) toeplitz schedule
CONNECTION_BENCH_TESTS  := $(CONNECTION_BENCHES:%=$(RTL_BENCH_DIR)/%_test)
CONNECTION_BENCH_COMMON := hw/regs/gen/portcam_pkg.sv $(wildcard hw/rtl/common/*.sv hw/rtl/lookup/*.sv \
                           hw/rtl/connection/*.sv) tests/unit/rtl/tap.hpp build/libportcam_model.a
CONNECTION_BENCH_FLAGS  := $(RTL_BENCH_FLAGS) -CFLAGS "-I$(CURDIR)/lib/model -I$(CURDIR)/hw/regs/gen \
                           -I$(CURDIR)/lib/include" -y hw/rtl/lookup -y hw/rtl/connection \
                           scripts/packages.vlt hw/regs/gen/portcam_pkg.sv
candidates_parameters    := -GBackends=8 -GCountWidth=20
backend_state_parameters := -GBackends=6

TAP_TESTS += $(CONNECTION_BENCH_TESTS)

connection_bench_source = $(if $(filter $(1),$(CONNECTION_TOPS)),hw/rtl/connection/portcam_$(1).sv,$\
                          tests/unit/rtl/$(1)_tb.sv)

$(foreach bench,$(CONNECTION_BENCHES),$(eval $(RTL_BENCH_DIR)/$(bench)_test: \
  $(call connection_bench_source,$(bench))))

$(CONNECTION_BENCH_TESTS): $(RTL_BENCH_DIR)/%_test: tests/unit/rtl/%_test.cpp $(CONNECTION_BENCH_COMMON)
	$(call say,VERILAT,$<)
	@mkdir -p $(RTL_BENCH_DIR)
	$(Q)$(VERILATOR) $(CONNECTION_BENCH_FLAGS) $($*_parameters) \
	  --top-module $(basename $(notdir $(call connection_bench_source,$*))) \
	  --Mdir $(RTL_BENCH_DIR)/$* -o $(CURDIR)/$@ $(call connection_bench_source,$*) $(CURDIR)/$< \
	  $(CURDIR)/build/libportcam_model.a > $(RTL_BENCH_DIR)/$*.log 2>&1 || \
	  { cat $(RTL_BENCH_DIR)/$*.log; exit 1; }
	$(Q)touch $@
