# SPDX-License-Identifier: Apache-2.0
#
# Benches of the packet path without the tables: the parser against two references, and ingress,
# rewriter and egress as a chain; and the fuzzer of the parser. One Verilator model for each
# *_tb.sv. Each takes a seed as its first argument. `make fuzz` runs fuzz_parser for SECONDS
# seconds.

STREAM_BENCHES := parser stream
STREAM_SRC     := tests/unit/stream
STREAM_DIR     := build/tests/unit/stream
STREAM_RTL     := $(wildcard hw/rtl/stream/*.sv hw/rtl/parse/*.sv hw/rtl/common/*.sv)
STREAM_PKG     := hw/regs/gen/portcam_pkg.sv hw/rtl/core/portcam_types_pkg.sv
STREAM_FLAGS   := --cc --build -O3 --assert --x-assign unique --x-initial unique \
                  -y hw/rtl/stream -y hw/rtl/parse -y hw/rtl/common +libext+.sv \
                  -MAKEFLAGS OPT_FAST=-O2 $(STREAM_PKG)
STREAM_CPP     := -std=c++17 -Wall -Wextra \
                  $(addprefix -I$(CURDIR)/,tests/unit/rtl $(STREAM_SRC) hw/regs/gen lib/model)
STREAM_HPP     := $(wildcard $(STREAM_SRC)/*.hpp) tests/unit/rtl/tap.hpp

TAP_TESTS += $(STREAM_BENCHES:%=$(STREAM_DIR)/%_test)

$(STREAM_DIR)/stream_test: $(STREAM_SRC)/stream_bench.cpp $(STREAM_SRC)/stream_answers.cpp

$(STREAM_BENCHES:%=$(STREAM_DIR)/%_test): $(STREAM_DIR)/%_test: \
    $(STREAM_SRC)/%_tb.sv $(STREAM_SRC)/%_test.cpp $(STREAM_RTL) $(STREAM_PKG) \
    $(STREAM_HPP) build/libportcam_model.a
	$(call say,VERILAT,$<)
	@mkdir -p $(STREAM_DIR)
	$(Q)$(VERILATOR) $(STREAM_FLAGS) --exe -CFLAGS "-O2 $(STREAM_CPP)" --top-module $*_tb \
	  --Mdir $(STREAM_DIR)/$* \
	  -o $(CURDIR)/$@ $< $(addprefix $(CURDIR)/,$(filter %.cpp,$^) build/libportcam_model.a) \
	  > $(STREAM_DIR)/$*.log 2>&1 || { cat $(STREAM_DIR)/$*.log; exit 1; }
	$(Q)touch $@

# The fuzzer: RTL, model and harness instrumented by clang.
FUZZ_PARSER_DIR := build/tests/fuzz/parser

build/tests/fuzz/fuzz_parser: tests/fuzz/fuzz_parser.cpp $(STREAM_SRC)/parser_tb.sv \
    lib/model/parse.c lib/model/parse.h $(STREAM_RTL) $(STREAM_PKG) $(STREAM_HPP)
	$(call say,FUZZ,$@)
	@mkdir -p $(FUZZ_PARSER_DIR)
	$(Q)clang -std=gnu11 -g -O2 -fsanitize=fuzzer-no-link,address,undefined -Ihw/regs/gen -c \
	  -o $(FUZZ_PARSER_DIR)/parse.o lib/model/parse.c
	$(Q)$(VERILATOR) $(STREAM_FLAGS) --exe --top-module parser_tb --Mdir $(FUZZ_PARSER_DIR)/obj \
	  -MAKEFLAGS "CXX=clang++ LINK=clang++" \
	  -CFLAGS "-g -O2 -fsanitize=fuzzer-no-link,address $(STREAM_CPP)" \
	  -LDFLAGS "-fsanitize=fuzzer,address,undefined $(CURDIR)/$(FUZZ_PARSER_DIR)/parse.o" \
	  -o $(CURDIR)/$@ $(STREAM_SRC)/parser_tb.sv $(CURDIR)/tests/fuzz/fuzz_parser.cpp \
	  > $(FUZZ_PARSER_DIR)/log 2>&1 || { cat $(FUZZ_PARSER_DIR)/log; exit 1; }
	$(Q)touch $@

FUZZ += fuzz-parser
.PHONY: fuzz-parser
fuzz-parser: build/tests/fuzz/fuzz_parser
	@mkdir -p build/fuzz
	build/tests/fuzz/fuzz_parser -max_total_time=$(or $(SECONDS),60) -max_len=300 -timeout=10 \
	  -artifact_prefix=build/fuzz/parser- -print_final_stats=1
