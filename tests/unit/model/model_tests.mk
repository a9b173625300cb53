# SPDX-License-Identifier: Apache-2.0
# Unit tests of the C reference model.
MODEL_TESTS := $(patsubst tests/unit/model/%.c,build/tests/unit/model/%,$(wildcard tests/unit/model/test_*.c))
TAP_TESTS += $(MODEL_TESTS)

build/tests/unit/model/test_replay build/tests/unit/model/test_replay_lies: $(REPLAY_OBJ)
$(MODEL_TESTS): build/%: build/%.o build/libportcam_model.a
$(MODEL_TESTS): LDLIBS += -lcmocka
build/tests/unit/model/test_checksum.o: CFLAGS += -O3
