# SPDX-License-Identifier: Apache-2.0
#
# The driver layer as a library. Whoever links it also links the card model (pc_card_*) and
# $(DRIVER_LIBS).

DRIVER_SRC := $(wildcard driver/*.c)
DRIVER_LIBS := -ljansson -lpciaccess -lpthread

build/libportcam_driver.a: $(DRIVER_SRC:%.c=build/%.o)
