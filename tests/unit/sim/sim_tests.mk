# SPDX-License-Identifier: Apache-2.0
# Tests of the vfio-user server and of the packet ports, and the fuzzer of the server.
SIM_UNIT_TESTS := build/tests/unit/sim/test_vfu_probes build/tests/unit/sim/test_vfu_server \
                  build/tests/unit/sim/test_vfu_function build/tests/unit/sim/test_vfu_qemu \
                  build/tests/unit/sim/test_vfu_client build/tests/unit/sim/test_vfu_maps \
                  build/tests/unit/sim/test_vfu_dma_messages build/tests/unit/sim/test_ports
TAP_TESTS += $(SIM_UNIT_TESTS)

$(filter-out %/test_ports,$(SIM_UNIT_TESTS)): \
  build/tests/unit/sim/vfu_client.o
build/tests/unit/sim/test_vfu_client: build/libportcam_driver.a build/libportcam_model.a
build/tests/unit/sim/test_vfu_client: LDLIBS += -lpciaccess
$(SIM_UNIT_TESTS): %: %.o build/libpc_vfu.a build/libpc_ports.a
$(SIM_UNIT_TESTS): LDLIBS += -lcmocka -ljansson -lpcap -lpthread

# The fuzzer is built by clang from the sources, so that the sanitizers see all of the server.
FUZZ_VFU_SRC := tests/fuzz/fuzz_vfu_server.c $(VFU_SRC) sim/ports/acceptor.c \
                driver/unix_listen.c

build/tests/fuzz/fuzz_vfu_server: $(FUZZ_VFU_SRC) sim/vfu/internal.h sim/vfu/vfu.h driver/vfio_user_wire.h
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) -O1 -g -std=gnu11 $(WARNINGS) -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=undefined -o $@ $(FUZZ_VFU_SRC) -ljansson

.PHONY: fuzz-vfu-server
fuzz-vfu-server: build/tests/fuzz/fuzz_vfu_server
	@mkdir -p build/fuzz/vfu_server
	build/tests/fuzz/fuzz_vfu_server -max_total_time=$(or $(SECONDS),60) -max_len=2048 -timeout=10 \
	  -artifact_prefix=build/fuzz/vfu_server- -print_final_stats=1 build/fuzz/vfu_server
FUZZ += fuzz-vfu-server

# So many messages, with the sanitizers, however long it takes.
.PHONY: run-fuzz-messages
run-fuzz-messages: build/tests/fuzz/fuzz_vfu_server
	@mkdir -p build/fuzz/vfu_server
	MESSAGES=$(or $(MESSAGES),10000000) $< -max_len=2048 -timeout=10 -verbosity=0 \
	  -artifact_prefix=build/fuzz/vfu_server- build/fuzz/vfu_server
