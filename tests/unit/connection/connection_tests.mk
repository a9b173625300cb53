# SPDX-License-Identifier: Apache-2.0
#
# Benches of the records of connections, small, one for each read latency of the memories. Each takes
# a seed as its first argument.

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

TAP_TESTS += $(CONNECTIONS_TESTS) $(CONNECTIONS_DIR)/walk_test

# connections_bench: read latency, C++ file.
define connections_bench
	$(call say,VERILAT,$@)
	@mkdir -p $(CONNECTIONS_DIR)
	$(Q)$(VERILATOR) $(CONNECTIONS_FLAGS) -GReadLatency=$(1) --Mdir $@.d -o $(CURDIR)/$@ \
	  -CFLAGS "$(CONNECTIONS_CXX) -DBENCH_READ_LATENCY=$(1)" $(CONNECTIONS_RTL) $(CURDIR)/$(2) \
	  $(CURDIR)/build/libportcam_model.a > $@.log 2>&1 || { cat $@.log; exit 1; }
	$(Q)touch $@
endef

$(CONNECTIONS_TESTS): $(CONNECTIONS_DIR)/connections_%_test: $(CONNECTIONS_DEPS)
	$(call connections_bench,$*,tests/unit/connection/connections_test.cpp)

$(CONNECTIONS_DIR)/walk_test: $(CONNECTIONS_DEPS)
	$(call connections_bench,2,tests/unit/connection/walk_test.cpp)
