# SPDX-License-Identifier: Apache-2.0
#
# The simulated card. The core is Verilated once for each set of parameters that something needs:
# $(call verilated,NAME,PREFIX,FLAGS) makes build/verilated/NAME/lib.a with class PREFIX in it.

VERILATOR_ROOT_INC := $(shell $(VERILATOR) --getenv VERILATOR_ROOT 2>/dev/null)/include
VERILATED_FLAGS := --cc --top-module portcam_core -O3 --assert --x-assign unique \
                   --x-initial unique
VERILATED_CPPFLAGS = -isystem $(VERILATOR_ROOT_INC) -isystem $(VERILATOR_ROOT_INC)/vltstd
VERILATED_LDLIBS := -latomic -lpthread

# Under `make -n` Verilator has written no makefile, and then there is nothing for the inner make to do.
# $(1) name, $(2) prefix of the C++ class, $(3) further flags of Verilator, $(4) further objects
define verilated
build/verilated/$(1)/lib.a: $(HW_RTL)
	$$(call say,VERILAT,portcam_core as $(1))
	@rm -rf $$(@D) && mkdir -p $$(@D)
	$$(Q)$$(VERILATOR) $$(VERILATED_FLAGS) $(3) --prefix $(2) --Mdir $$(@D) $(HW_RTL) \
	  > $$(@D)/verilator.log 2>&1 || { cat $$(@D)/verilator.log; exit 1; }
	$$(Q)+[ ! -f $$(@D)/$(2).mk ] || $$(MAKE) -s -C $$(@D) -f $(2).mk OPT_FAST=-O3 OPT_SLOW=-O1 \
	  $(2)__ALL.a verilated.o verilated_threads.o $(4) > $$(@D)/make.log 2>&1 || \
	  { cat $$(@D)/make.log; exit 1; }
	$$(Q)cp $$(@D)/$(2)__ALL.a $$@ && ar rs $$@ $$(@D)/verilated*.o 2> /dev/null
build/verilated/$(1)/$(2).h: build/verilated/$(1)/lib.a
endef

$(eval $(call verilated,core,Vportcam_core))

SIM_PROGRAMS += build/sim/portcam-sim
INSTALL_BIN += build/sim/portcam-sim

build/sim/engine_rtl.o: CPPFLAGS += $(VERILATED_CPPFLAGS) -Ibuild/verilated/core
build/sim/engine_rtl.o: build/verilated/core/lib.a

REPLAY_OBJ := $(addprefix build/sim/,replay.o replay_records.o replay_insert.o replay_list.o \
                replay_mirror.o replay_punt.o replay_trace.o)
SIM_OBJ := $(addprefix build/sim/,portcam_sim.o cables.o engine_model.o engine_rtl.o) $(REPLAY_OBJ)
build/sim/portcam-sim: $(SIM_OBJ) build/libpc_vfu.a build/libpc_ports.a build/libportcam_model.a \
                       build/verilated/core/lib.a
	$(call say,LD,$@)
	$(Q)$(CXX) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ljansson -lpcap -levent $(VERILATED_LDLIBS)
