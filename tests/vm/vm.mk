# SPDX-License-Identifier: Apache-2.0
#
# The driver against a real kernel: the simulated card as a PCI device of a virtual machine. What runs in the guest is
# linked statically from the same objects, for the guest has nothing but a kernel and busybox. The linker would warn of
# name services, which a static program takes from plain files.

VM := build/tests/vm
VM_PROGRAMS := $(addprefix $(VM)/,portcam portcamd driver_check mirror_check keep_check sctp_echo)

$(VM)/portcam: $(CLI_SRC:%.c=build/%.o) $(PORTCAM_ARCHIVES)
$(VM)/portcamd: $(DAEMON_SRC:%.c=build/%.o) $(PORTCAM_ARCHIVES)
$(VM)/portcamd: VM_LIBS := -levent_core
$(VM)/driver_check: $(addprefix $(VM)/,driver_check.o check_dma.o check_life.o) $(PORTCAM_ARCHIVES)
$(VM)/sctp_echo: $(VM)/sctp_echo.o
$(VM)/mirror_check: $(VM)/mirror_check.o $(PORTCAM_ARCHIVES)
$(VM)/keep_check: $(VM)/keep_check.o $(PORTCAM_ARCHIVES)

$(VM_PROGRAMS):
	$(call say,LD,$@ (static))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ $(filter %.o %.a,$^) $(VM_LIBS) $(LIB_LIBS) -lz $(LDLIBS) \
	  > $@.log 2>&1 || { cat $@.log; exit 1; }

TEST_DEPS += $(VM_PROGRAMS)
PY_TESTS += tests/vm/test_vm.py

# Not part of `make test`: building the kernel's modules takes a minute or two.
.PHONY: run-vm-test-iommufd
run-vm-test-iommufd: $(VM_PROGRAMS) $(SIM_PROGRAMS)
	@$(PYTHON) tests/run $(TESTFLAGS) --tap --pytest tests/vm/test_iommufd.py

.PHONY: run-demo-vm
run-demo-vm: $(VM_PROGRAMS) $(SIM_PROGRAMS)
	@tests/vm/shop.py

BENCHES += tests/bench/bench_vm.py
BENCH_DEPS += $(VM_PROGRAMS)
