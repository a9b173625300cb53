# SPDX-License-Identifier: Apache-2.0
#
# Benches of the packet path without the tables: the parser against two references, and ingress, rewriter and egress
# as a chain. One Verilator model for each *_tb.sv. Each takes a seed as its first argument.

STREAM_DIR   := build/tests/unit/stream
STREAM_RTL   := $(wildcard hw/rtl/stream/*.sv hw/rtl/parse/*.sv hw/rtl/common/*.sv)
STREAM_PKG   := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv
STREAM_FLAGS := --cc -O3 --assert --x-assign unique --x-initial unique \
                -y hw/rtl/stream -y hw/rtl/parse -y hw/rtl/common +libext+.sv -MAKEFLAGS OPT_FAST=-O2
STREAM_CPP   := -std=c++17 -Wall -Wextra -I$(CURDIR)/tests/unit/rtl -I$(CURDIR)/tests/unit/stream \
                -I$(CURDIR)/hw/regs/gen -I$(CURDIR)/lib/model
STREAM_HPP   := $(wildcard tests/unit/stream/*.hpp) tests/unit/rtl/tap.hpp

TAP_TESTS += $(STREAM_DIR)/parser_test $(STREAM_DIR)/stream_test

$(STREAM_DIR)/%_test: tests/unit/stream/%_tb.sv tests/unit/stream/%_test.cpp $(STREAM_RTL) $(STREAM_PKG) \
    $(STREAM_HPP) $(wildcard tests/unit/stream/*_bench.cpp) build/libportcam_model.a
	$(call say,VERILAT,$<)
	@mkdir -p $(STREAM_DIR)
	$(Q)$(VERILATOR) $(STREAM_FLAGS) --exe --build -CFLAGS "-O2 $(STREAM_CPP)" --top-module $*_tb \
	  --Mdir $(STREAM_DIR)/$* -o $(CURDIR)/$@ $(STREAM_PKG) $< $(CURDIR)/tests/unit/stream/$*_test.cpp \
	  $(addprefix $(CURDIR)/,$(wildcard tests/unit/stream/$*_bench.cpp)) $(CURDIR)/build/libportcam_model.a > $(STREAM_DIR)/$*.log 2>&1 || { cat $(STREAM_DIR)/$*.log; exit 1; }
	$(Q)touch $@
