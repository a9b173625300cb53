# SPDX-License-Identifier: Apache-2.0
#
# Lockstep of RTL and model: the default build, and a tiny one whose tables are soon full. `make test` runs
# a share of the seeds, `make cosim` all of them, and the tiny build with other latencies of the memories: SEED= first seed
# (other builds begin thousands later), COUNT= seeds of each build, FRAMES= a seed. As they stand: 500 seeds, 5 million frames.

COSIM_TINY := -GFunctions=4 -GDomains=8 -GAddresses=16 -GServices=32 -GBackends=16 \
              -GEndpointWays=2 -GEndpointRows=32 -GEndpointAnyPortRows=8 -GEndpointAnyRows=8 \
              -GConnectionRows=16 -GConnectionRowsV6=16 -GConnectionWays=2 -GConnectionStash=2 \
              -GScheduleRows=16
$(eval $(call verilated,tiny,Vportcam_tiny,$(COSIM_TINY)))
# The tiny build again, with other latencies of the records' memories; only `make cosim` makes them.
COSIM_LATENCIES := 1 3 4
$(foreach n,$(COSIM_LATENCIES),$(eval $(call verilated,tiny_$(n),Vportcam_tiny,$\
  $(COSIM_TINY) -GConnectionLatency=$(n))))
$(eval $(call verilated,waves,Vportcam_waves,--trace,verilated_vcd_c.o))

COSIM_OBJ := $(REPLAY_OBJ) build/tests/cosim/world_rows.o build/tests/cosim/world_frames.o build/tests/cosim/world_flows.o

# $(1) program, $(2) Verilated build, $(3) class, $(4) further defines
define cosim_program
build/tests/cosim/$(1).o: tests/cosim/cosim.cpp build/verilated/$(2)/lib.a
	$$(call say,CXX,$$<)
	@mkdir -p $$(@D)
	$$(Q)$$(CXX) $$(CPPFLAGS) $$(VERILATED_CPPFLAGS) -Ibuild/verilated/$(2) -Itests/cosim \
	  -DCOSIM_HEADER='"$(3).h"' -DCOSIM_TOP=$(3) $(4) $$(CXXFLAGS) $$(DEPFLAGS) -c -o $$@ $$<
build/tests/cosim/$(1): build/tests/cosim/$(1).o $$(COSIM_OBJ) build/libportcam_model.a \
                        build/verilated/$(2)/lib.a
	$$(call say,LD,$$@)
	$$(Q)$$(CXX) $$(LDFLAGS) -o $$@ $$^ $$(VERILATED_LDLIBS)
endef

$(eval $(call cosim_program,cosim,core,Vportcam_core))
$(eval $(call cosim_program,cosim_tiny,tiny,Vportcam_tiny,-DCOSIM_TINY))
$(foreach n,$(COSIM_LATENCIES),$(eval $(call cosim_program,cosim_tiny_$(n),tiny_$(n),Vportcam_tiny,$\
  -DCOSIM_TINY)))
$(eval $(call cosim_program,cosim_waves,waves,Vportcam_waves,-DCOSIM_WAVES))

TAP_TESTS += build/tests/cosim/cosim build/tests/cosim/cosim_tiny

SEED   ?= 1
COUNT  ?= 100
FRAMES ?= 10000
COSIM += run-cosim run-cosim-tiny $(COSIM_LATENCIES:%=run-cosim-tiny-%)

.PHONY: run-cosim run-cosim-tiny $(COSIM_LATENCIES:%=run-cosim-tiny-%)
run-cosim: build/tests/cosim/cosim
	$< --seed $(SEED) --seeds $(COUNT) --frames $(FRAMES)
run-cosim-tiny: build/tests/cosim/cosim_tiny
	$< --seed $$(($(SEED) + 1000)) --seeds $(COUNT) --frames $(FRAMES)
$(COSIM_LATENCIES:%=run-cosim-tiny-%): run-cosim-tiny-%: build/tests/cosim/cosim_tiny_%
	$< --seed $$(($(SEED) + 1000 + 1000 * $*)) --seeds $(COUNT) --frames $(FRAMES)
