# SPDX-License-Identifier: Apache-2.0
#
# Bench of portcam_mirror: a queue so short that operations are lost, and one at its default size. Each
# takes a seed as its first argument.

MIRROR_DIR   := build/tests/unit/mirror
MIRROR_TESTS := $(MIRROR_DIR)/mirror_tiny_test $(MIRROR_DIR)/mirror_test
MIRROR_PKG   := hw/regs/gen/portcam_pkg.sv hw/rtl/connection/portcam_connection_pkg.sv \
                hw/rtl/mirror/portcam_mirror_pkg.sv
TAP_TESTS += $(MIRROR_TESTS)

$(MIRROR_DIR)/mirror_tiny_test: MIRROR_SIZES := -CFLAGS -DBENCH_TINY
$(MIRROR_DIR)/mirror_test: MIRROR_SIZES := -GRows=8192 -GRowsV6=4096 -GStash=16 -GDepth=512 \
                                           -GReserve=64 -GOutstanding=64

$(MIRROR_TESTS): $(MIRROR_PKG) hw/regs/gen/portcam_defs.h \
    $(wildcard hw/rtl/common/*.sv hw/rtl/connection/portcam_accumulate.sv hw/rtl/mirror/*.sv) \
    $(wildcard tests/unit/mirror/*) tests/unit/rtl/tap.hpp build/libportcam_model.a
	$(call say,VERILAT,$@)
	@mkdir -p $(MIRROR_DIR)
	$(Q)$(VERILATOR) --cc --exe --build -O3 -Wall --assert --x-assign unique --x-initial unique \
	  $(MIRROR_SIZES) -y hw/rtl/common -y hw/rtl/connection -y hw/rtl/mirror scripts/packages.vlt \
	  --top-module mirror_tb -MAKEFLAGS OPT_FAST=-O2 --Mdir $@.d -o $(CURDIR)/$@ \
	  -CFLAGS "-std=c++17 -Wall -Wextra -I$(CURDIR)/tests/unit/rtl -I$(CURDIR)/lib/model \
	  -I$(CURDIR)/hw/regs/gen -I$(CURDIR)/lib/include" \
	  $(MIRROR_PKG) tests/unit/mirror/mirror_tb.sv $(CURDIR)/tests/unit/mirror/mirror_test.cpp \
	  $(CURDIR)/build/libportcam_model.a > $@.log 2>&1 || { cat $@.log; exit 1; }
	$(Q)touch $@
