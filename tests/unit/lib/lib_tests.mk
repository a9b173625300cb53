# SPDX-License-Identifier: Apache-2.0
LIB_TESTS := $(addprefix build/tests/unit/lib/,test_config_errors test_trace test_trace_lies test_config_bounds test_config_stateful test_stateful test_stateful_numbers test_connections test_connections_changes test_compile test_change test_reset \
  test_property test_card_commands test_card_sizes test_schedule test_schedule_mh)

$(LIB_TESTS): build/tests/unit/lib/%: build/tests/unit/lib/%.o build/tests/unit/lib/fixture.o \
  build/libportcam.a build/libportcam_driver.a build/libportcam_model.a
$(LIB_TESTS): LDLIBS += -lcmocka $(LIB_LIBS)

build/tests/unit/lib/test_trace build/tests/unit/lib/test_trace_lies: build/tests/unit/lib/trace_world.o
build/tests/unit/lib/test_connections: LDFLAGS += -Wl,--wrap=portcam_ring_run
build/tests/unit/lib/test_card_sizes: LDFLAGS += -Wl,--wrap=pc_card_reg_read

TAP_TESTS += $(LIB_TESTS)

# Prints tables for the oracle in Python.
TEST_DEPS += build/tests/unit/lib/schedule_tables
build/tests/unit/lib/schedule_tables: build/tests/unit/lib/schedule_tables.o build/libportcam.a
PY_TESTS += tests/unit/lib/test_schedule_oracle.py
