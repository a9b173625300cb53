# SPDX-License-Identifier: Apache-2.0
# The slow path: its engine over a model device, over the model card, its configuration, packets that make no sense.
SLOW_TESTS := $(addprefix build/tests/unit/lib/,test_config_slow test_slow test_slow_card test_slow_fragments test_slow_records test_slow_lies)

build/tests/unit/lib/test_slow_lies: build/tests/fuzz/slow_lies.o
$(SLOW_TESTS): build/tests/unit/lib/%: build/tests/unit/lib/%.o build/tests/unit/lib/fixture.o $(PORTCAM_ARCHIVES)
$(SLOW_TESTS): LDLIBS += -lcmocka $(LIB_LIBS)

TAP_TESTS += $(SLOW_TESTS)

# Once more with the sanitizers, as mirror_tests.mk has them.
build/tests/tsan/test_slow_card: $(patsubst %.c,build/tests/tsan/obj/%.o,tests/unit/lib/test_slow_card.c $(MIRROR_TEST_SRC))
	$(call say,TSAN,$@)
	$(Q)$(CC) -fsanitize=thread -o $@ $(filter %.o,$^) -lcmocka $(LIB_LIBS)

SLOW_ASAN := $(addprefix build/tests/asan/,test_slow test_slow_fragments test_slow_records test_slow_lies)
build/tests/asan/test_slow_lies: build/tests/fuzz/obj/tests/fuzz/slow_lies.o
$(SLOW_ASAN): build/tests/asan/%: build/tests/fuzz/obj/tests/unit/lib/%.o $(MIRROR_TEST_SRC:%.c=build/tests/fuzz/obj/%.o)
	$(call say,ASAN,$@)
	@mkdir -p $(@D)
	$(Q)clang -fsanitize=address,undefined $(LDFLAGS) -o $@ $(filter %.o,$^) -lcmocka $(LIB_LIBS)

TAP_TESTS += build/tests/tsan/test_slow_card $(SLOW_ASAN)
