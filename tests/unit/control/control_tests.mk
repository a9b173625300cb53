# SPDX-License-Identifier: Apache-2.0
#
# Bench of portcam_control at small sizes, so that every limit, the overflow of the dirty list and a
# copy of all rows are reached within seconds. The sizes stand in reference.hpp too.

CONTROL_DIR  := build/tests/unit/control
CONTROL_SIZES := -GFunctions=4 -GDomains=8 -GAddresses=16 -GServices=32 -GBackends=512 \
                 -GEndpointWays=2 -GEndpointRows=64 -GEndpointAnyPortRows=16 -GEndpointAnyRows=32 \
                 -GConnectionRowsV6=32 -GConnectionStash=4 -GScheduleRows=64 \
                 -GBuildId="32'hC0FFEE01" -GPipelineDrain=20 -GDirtyDepth=16

# The same card with connections and without.
TAP_TESTS += $(CONTROL_DIR)/control_test $(CONTROL_DIR)/control_stateless_test

$(CONTROL_DIR)/control_test: CONTROL_KIND := -GConnectionRows=64
$(CONTROL_DIR)/control_stateless_test: CONTROL_KIND := -GConnectionRows=0 \
                                       -CFLAGS -DBENCH_NO_CONNECTIONS

$(CONTROL_DIR)/control_test $(CONTROL_DIR)/control_stateless_test: $(CONTROL_DIR)/%: \
    hw/regs/gen/portcam_pkg.sv hw/regs/gen/portcam_defs.h \
    $(wildcard hw/rtl/control/*.sv hw/rtl/common/*.sv) $(wildcard tests/unit/control/*.[ch]pp) \
    tests/unit/rtl/tap.hpp
	$(call say,VERILAT,$@)
	@mkdir -p $(CONTROL_DIR)
	$(Q)$(VERILATOR) --cc --exe --build -O3 -Wall -Wno-UNUSEDPARAM --assert \
	  --x-assign unique --x-initial unique $(CONTROL_SIZES) $(CONTROL_KIND) -y hw/rtl/common \
	  -y hw/rtl/control -MAKEFLAGS "OPT_FAST=-O2 OPT_SLOW=-O0" \
	  -CFLAGS "-std=c++17 -O1 -Wall -Wextra -I$(CURDIR)/hw/regs/gen" --top-module portcam_control \
	  --Mdir $(CONTROL_DIR)/$*.d -o $(CURDIR)/$@ hw/regs/gen/portcam_pkg.sv \
	  hw/rtl/control/portcam_control.sv $(CURDIR)/tests/unit/control/control_test.cpp \
	  > $(CONTROL_DIR)/$*.log 2>&1 || { cat $(CONTROL_DIR)/$*.log; exit 1; }
	$(Q)touch $@
