# SPDX-License-Identifier: Apache-2.0
#
# libportcam: static for the programs and tests of this tree, shared for everybody else. The shared library holds the
# driver and the model too and shows only what lib/libportcam.map names.

LIB_SRC := $(wildcard lib/src/*/*.c)
LIB_VERSION := 0
LIB_LIBS := -ljansson -lpciaccess -lpthread

build/libportcam.a: $(LIB_SRC:%.c=build/%.o)

# What a program that uses the library links, in this order.
PORTCAM_ARCHIVES := build/libportcam.a build/libportcam_driver.a build/libportcam_model.a

build/libportcam.so.$(LIB_VERSION): lib/libportcam.map $(PORTCAM_ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,--version-script=$< -Wl,-z,defs \
	  -o $@ -Wl,--whole-archive $(filter %.a,$^) -Wl,--no-whole-archive $(LIB_LIBS) $(LDLIBS)

build/libportcam.so: build/libportcam.so.$(LIB_VERSION)
	$(Q)ln -sf $(<F) $@

# What says where it is installed is made anew each time, for PREFIX may be another one.
.PHONY: each-prefix
each-prefix:

build/libportcam.pc: lib/lib.mk each-prefix
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'Name: libportcam' 'Version: $(LIB_VERSION)' \
	  'Description: Tables of a portcam card as one configuration' 'Requires.private: jansson' 'Libs.private: -lpciaccess -lpthread' \
	  'Libs: -L$${prefix}/lib -lportcam' 'Cflags: -I$${prefix}/include' > $@

LIBRARIES += build/libportcam.a build/libportcam.so build/libportcam.pc
INSTALL_LIB += build/libportcam.so.$(LIB_VERSION) build/libportcam.so
INSTALL_PKGCONFIG += build/libportcam.pc
INSTALL_HEADERS += $(wildcard lib/include/portcam/*.h) hw/regs/gen/portcam_defs.h
