# SPDX-License-Identifier: Apache-2.0
#
# portcam-model: capture files through the reference model.

MODEL_PROGRAM_SRC := cli/portcam_model.c cli/portcam_model_card.c

build/cli/portcam-model: $(MODEL_PROGRAM_SRC:%.c=build/%.o) build/libportcam.a build/libportcam_driver.a build/libportcam_model.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)
build/cli/portcam-model: LDLIBS += -lpcap $(LIB_LIBS)

PROGRAMS += build/cli/portcam-model
INSTALL_BIN += build/cli/portcam-model
