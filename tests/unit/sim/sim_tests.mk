# SPDX-License-Identifier: Apache-2.0
# Tests of the vfio-user server and of the packet ports, and the fuzzer of the server.
SIM_UNIT_TESTS := build/tests/unit/sim/test_vfu_probes build/tests/unit/sim/test_vfu_server \
                  build/tests/unit/sim/test_vfu_function build/tests/unit/sim/test_vfu_qemu \
                  build/tests/unit/sim/test_ports
TAP_TESTS += $(SIM_UNIT_TESTS)

$(filter %/test_vfu_probes %/test_vfu_server %/test_vfu_function %/test_vfu_qemu,$(SIM_UNIT_TESTS)): \
  build/tests/unit/sim/vfu_client.o
$(SIM_UNIT_TESTS): build/libpc_vfu.a build/libpc_ports.a
$(SIM_UNIT_TESTS): LDLIBS += -lcmocka -ljansson -lpcap -lpthread
