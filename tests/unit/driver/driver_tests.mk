# SPDX-License-Identifier: Apache-2.0
#
# Unit tests of the driver layer. Each links the driver and the card model, or a false card.

DRIVER_TEST := build/tests/unit/driver
DRIVER_TESTS := $(addprefix $(DRIVER_TEST)/,test_preflight test_bind test_failures test_vfio test_vfio_memory test_dma test_model test_ring \
                test_punt test_vfio_user test_vfio_user_lies test_sim_server)

TAP_TESTS += $(DRIVER_TESTS)

$(DRIVER_TESTS): LDLIBS += -lcmocka $(DRIVER_LIBS)

# The programs name their archives themselves: the linker takes them in this order.
$(DRIVER_TEST)/test_preflight $(DRIVER_TEST)/test_bind: $(DRIVER_TEST)/tree.o
$(DRIVER_TEST)/test_vfio $(DRIVER_TEST)/test_vfio_memory $(DRIVER_TEST)/test_failures: $(DRIVER_TEST)/tree.o \
  $(DRIVER_TEST)/fake_kernel.o $(DRIVER_TEST)/fake_ioctl.o
$(DRIVER_TEST)/test_vfio_user $(DRIVER_TEST)/test_vfio_user_lies: $(DRIVER_TEST)/fake_server.o
$(DRIVER_TEST)/test_ring: $(DRIVER_TEST)/fake_card.o build/libportcam_driver.a
$(DRIVER_TEST)/test_sim_server: build/libpc_vfu.a build/libpc_ports.a
$(filter-out %/test_ring,$(DRIVER_TESTS)): build/libportcam_driver.a build/libportcam_model.a

# The driver's way over vfio-user, to a false server and to the real one, without an error or a leak of memory.
VALGRIND_TESTS := $(addprefix $(DRIVER_TEST)/,test_vfio_user test_vfio_user_lies test_sim_server)

.PHONY: run-valgrind
run-valgrind: $(VALGRIND_TESTS)
	@set -e; for test in $^; do \
	  printf '  %-9s' VALGRIND; echo $$test; \
	  valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all $$test; \
	done
