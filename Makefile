# SPDX-License-Identifier: Apache-2.0
#
# The one makefile of portcam. `make` alone lists what it can do. The rules of each part of the
# tree live beside that part in *.mk fragments, which are all read into this one make (no
# recursion into folders), so that every dependency is known and `make -jN` is safe.
# Everything that is built lands under build/.
#
# What a fragment may say (each list is appended to with +=):
#   PROGRAMS, LIBRARIES   files that `make all` builds
#   SIM_PROGRAMS          the simulated card and its tools (`make sim`; part of `make all`)
#   TAP_TESTS, PY_TESTS   what `make test` runs: TAP executables and scripts; pytest files
#   TEST_DEPS             files that tests need and that are not in PROGRAMS or LIBRARIES
#   BENCHES, BENCH_DEPS   programs that `make bench` runs one after another; what they need
#   DEMOS, DEMO_DEPS      the same for `make demo`
#   FORMAL, COSIM, FUZZ   targets (phony, or stamps) of `make formal`, `make cosim`, `make fuzz`
#   INSTALL_BIN, INSTALL_SBIN     programs          INSTALL_LIB         libraries and their links
#   INSTALL_COMPLETION            bash completions  INSTALL_UNIT        systemd unit files
#   INSTALL_HEADERS               headers below lib/include or hw/regs/gen
#   INSTALL_PKGCONFIG             .pc files         INSTALL_UDEV        rules of udev
#   INSTALL_SYSUSERS              users of the system (sysusers.d)
# A target `x: x.o y.a` below build/ needs no recipe: the generic rules at the end of this part
# compile, archive and link. LDLIBS, CFLAGS and the like can be set for one target.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.PRECIOUS: build/%.o
.DEFAULT_GOAL := help

# As many jobs as processors, unless -j says otherwise or another make gave us its job server.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
ifeq ($(origin AR),default)
AR := ar
endif
PYTHON    ?= /usr/bin/python3
VERILATOR ?= verilator
YOSYS     ?= yosys
SCDOC     ?= scdoc
INSTALL   ?= install

PREFIX  ?= /usr/local
DESTDIR ?=

WARNINGS  := -Wall -Wextra -Wshadow
override CPPFLAGS := -Ihw/regs/gen -Ilib/include -Ilib/src -Ilib/model -Idriver -Isim -I. -D_GNU_SOURCE \
                     $(CPPFLAGS)
CFLAGS    ?= -O2 -g -std=gnu11 $(WARNINGS) -Wstrict-prototypes -fvisibility=hidden -fPIC
CXXFLAGS  ?= -O2 -g -std=c++17 $(WARNINGS) -fvisibility=hidden -fPIC
DEPFLAGS   = -MMD -MP

# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

build/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<

build/%.o: %.cpp
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(DEPFLAGS) -c -o $@ $<

build/%.a:
	$(call say,AR,$@)
	@mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

# The C++ compiler links what has an object of C++.
linker = $(if $(wildcard $(patsubst build/%.o,%.cpp,$(filter %.o,$(1)))),$(CXX),$(CC))

build/%: build/%.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(call linker,$^) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a %.so,$^) $(LDLIBS)

build/man/%: docs/man/%.scd
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(SCDOC) < $< > $@

# Verilator writes makefiles of its own below build/; they are not fragments.
FRAGMENTS := $(filter-out build/%,$(sort $(wildcard */*.mk */*/*.mk */*/*/*.mk)))
include $(FRAGMENTS)

MAN_PAGES := $(patsubst docs/man/%.scd,build/man/%,$(wildcard docs/man/*.scd))

-include $(shell find build -type f -name '*.d' ! -name '*__ver.d' 2>/dev/null)

# ---- targets for people ------------------------------------------------------------------

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: all
all: ## build the library, the programs and the simulated card
all: check-build-deps $(LIBRARIES) $(PROGRAMS) $(SIM_PROGRAMS)

.PHONY: demo
demo: ## a real client and real servers on two sides of the simulated card
	@scripts/deps demo
	@+$(MAKE) run-demo

.PHONY: demo-vm
demo-vm: ## the same with a real kernel and web servers in a virtual machine behind the card
	@scripts/deps demo
	@+$(MAKE) run-demo-vm

.PHONY: restart
restart: ## 50 kills of the daemon and 50 resets of the card beside 500 downloads
	@scripts/deps demo
	@+$(MAKE) run-restart

.PHONY: test
test: ## build and run every test; ONLY=regex picks some, TESTFLAGS go to tests/run
	@scripts/deps test
	@+$(MAKE) run-test

.PHONY: vm-test
vm-test: ## only the tests with a virtual machine: the driver and a real kernel
	@+$(MAKE) test ONLY=tests/vm

.PHONY: vm-test-iommufd
vm-test-iommufd: ## the same through iommufd, with kernel modules that are built for it once
	@scripts/deps test
	@scripts/deps kernel
	@+$(MAKE) run-vm-test-iommufd

.PHONY: lint
lint: ## every static check of RTL, C, shell, Python, generated files; STEPS= picks some
	@scripts/deps lint
	@+$(MAKE) run-lint

.PHONY: bench
bench: ## measure: lookups and latency in clocks, packets and requests a second, area
	@scripts/deps bench
	@+$(MAKE) run-bench

.PHONY: sim
sim: ## build the simulated card (Verilator)
sim: check-build-deps $(SIM_PROGRAMS)

.PHONY: cosim
cosim: ## long lockstep runs of RTL and model (SEED=, COUNT=)
cosim: $(COSIM)

.PHONY: formal
formal: ## prove the leaves of the RTL with yosys-smtbmc
formal: $(FORMAL)

.PHONY: fuzz
fuzz: ## build the fuzzers and run each for SECONDS= seconds
fuzz: $(FUZZ)

.PHONY: fuzz-messages
fuzz-messages: ## 10,000,000 messages to the simulated card, with sanitizers (MESSAGES=)
fuzz-messages: run-fuzz-messages

.PHONY: valgrind
valgrind: ## the driver over vfio-user under valgrind
valgrind: run-valgrind

.PHONY: regs
regs: ## generate registers, rings and table layouts from their one source
	$(PYTHON) hw/regs/generate.py

.PHONY: regs-check
regs-check: ## fail when a generated file is not what its source says
	@$(PYTHON) hw/regs/generate.py --check

.PHONY: docs
docs: ## man pages; fails when the generated register reference is stale
docs: $(MAN_PAGES) $(DOCS) regs-check

.PHONY: install
install: ## install below PREFIX (/usr/local); DESTDIR= for packagers
install: all $(MAN_PAGES)
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' INSTALL='$(INSTALL)' scripts/install-files \
	  bin $(INSTALL_BIN) -- sbin $(INSTALL_SBIN) -- lib $(INSTALL_LIB) -- \
	  headers $(INSTALL_HEADERS) -- pkgconfig $(INSTALL_PKGCONFIG) -- man $(MAN_PAGES) -- \
	  completion $(INSTALL_COMPLETION) -- unit $(INSTALL_UNIT) -- \
	  udev $(INSTALL_UDEV) -- sysusers $(INSTALL_SYSUSERS)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build

# ---- the inner halves, run after the packages are there ------------------------------------

.PHONY: check-build-deps run-test run-lint run-bench run-demo test-programs
check-build-deps:
	@scripts/deps --warn build

# With ONLY= just the test programs that it picks are built; what pytest files need is not known here.
PICKED_TESTS := $(if $(ONLY),$(shell $(PYTHON) tests/run --list --only '$(ONLY)' \
                  --tap $(TAP_TESTS) | sed 's/ .*//'),$(TAP_TESTS))

test-programs: $(LIBRARIES) $(PROGRAMS) $(SIM_PROGRAMS) $(TEST_DEPS) $(PICKED_TESTS)

run-test: test-programs
	@$(PYTHON) tests/run $(TESTFLAGS) $(if $(ONLY),--only '$(ONLY)') \
	  --tap $(TAP_TESTS) --pytest $(PY_TESTS)

run-lint:
	@MAKE='$(MAKE)' PYTHON='$(PYTHON)' CPPFLAGS='$(CPPFLAGS)' scripts/lint $(STEPS)

run-bench: $(LIBRARIES) $(PROGRAMS) $(SIM_PROGRAMS) $(BENCH_DEPS) $(filter build/%,$(BENCHES))
	@scripts/lint-rtl area
	@set -e; for bench in $(BENCHES); do echo "== $$bench"; "./$$bench"; done

run-demo: $(LIBRARIES) $(PROGRAMS) $(SIM_PROGRAMS) $(DEMO_DEPS) $(filter build/%,$(DEMOS))
	@set -e; for demo in $(DEMOS); do "./$$demo"; done
