# SPDX-License-Identifier: Apache-2.0
# The mirror of the connections: against the model card, with threads, with a card that lies.
MIRROR_TESTS := $(addprefix build/tests/unit/lib/,test_mirror test_mirror_threads test_mirror_reader test_mirror_lies \
                  test_mirror_index)

# Objects before the archives that they need.
$(filter-out %_lies %_index,$(MIRROR_TESTS)): build/tests/unit/lib/mirror_world.o
build/tests/unit/lib/test_mirror_lies: build/tests/fuzz/mirror_lies.o
build/tests/unit/lib/test_mirror_lies: LDFLAGS += -Wl,--wrap=pc_card_reg_read
$(MIRROR_TESTS): build/tests/unit/lib/%: build/tests/unit/lib/%.o build/tests/unit/lib/fixture.o \
  build/libportcam_reader.a $(PORTCAM_ARCHIVES)
$(MIRROR_TESTS): LDLIBS += -lcmocka $(LIB_LIBS)

TAP_TESTS += $(MIRROR_TESTS)

# Once more with the sanitizers: threads by gcc, memory by clang from the objects of the fuzzers.
MIRROR_TEST_SRC := tests/unit/lib/fixture.c $(READER_SRC) $(LIB_SRC) $(DRIVER_SRC) $(MODEL_SRC)

build/tests/tsan/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -O1 -g -std=gnu11 $(WARNINGS) -Wno-tsan -fsanitize=thread $(DEPFLAGS) -c -o $@ $<

MIRROR_TSAN := $(addprefix build/tests/tsan/,test_mirror_threads test_mirror_index)
$(MIRROR_TSAN): build/tests/tsan/%: build/tests/tsan/obj/tests/unit/lib/%.o \
  $(patsubst %.c,build/tests/tsan/obj/%.o,tests/unit/lib/mirror_world.c $(MIRROR_TEST_SRC))
	$(call say,TSAN,$@)
	$(Q)$(CC) -fsanitize=thread -o $@ $(filter %.o,$^) -lcmocka $(LIB_LIBS)

MIRROR_ASAN := $(addprefix build/tests/asan/,test_mirror test_mirror_lies)
build/tests/asan/test_mirror: build/tests/fuzz/obj/tests/unit/lib/mirror_world.o
build/tests/asan/test_mirror_lies: build/tests/fuzz/obj/tests/fuzz/mirror_lies.o
build/tests/asan/test_mirror_lies: LDFLAGS += -Wl,--wrap=pc_card_reg_read
$(MIRROR_ASAN): build/tests/asan/%: build/tests/fuzz/obj/tests/unit/lib/%.o $(MIRROR_TEST_SRC:%.c=build/tests/fuzz/obj/%.o)
	$(call say,ASAN,$@)
	@mkdir -p $(@D)
	$(Q)clang -fsanitize=address,undefined $(LDFLAGS) -o $@ $(filter %.o,$^) -lcmocka $(LIB_LIBS)

TAP_TESTS += $(MIRROR_TSAN) $(MIRROR_ASAN)
