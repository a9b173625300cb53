# SPDX-License-Identifier: Apache-2.0
LIB_TESTS := $(addprefix build/tests/unit/lib/,test_config_errors test_compile test_change test_property \
  test_card_commands)

$(LIB_TESTS): build/tests/unit/lib/%: build/tests/unit/lib/%.o build/tests/unit/lib/fixture.o \
  build/libportcam.a build/libportcam_driver.a build/libportcam_model.a
$(LIB_TESTS): LDLIBS += -lcmocka -ljansson -lpciaccess -lpthread

TAP_TESTS += $(LIB_TESTS)
