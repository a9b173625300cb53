# SPDX-License-Identifier: Apache-2.0
#
# The fuzzers of what people and programs hand in, configurations and requests to the daemon, of what a card writes to the
# mirror of its connections, and of packets to the slow path. Built by clang from the sources, so that the sanitizers see library, driver and model.
FUZZ_TEXT := $(addprefix build/tests/fuzz/,fuzz_config fuzz_socket fuzz_mirror fuzz_slow)
FUZZ_TEXT_SRC := $(LIB_SRC) $(DRIVER_SRC) $(MODEL_SRC)
FUZZ_TEXT_FLAGS := -O1 -g -std=gnu11 $(WARNINGS) -fsanitize-address-use-after-scope \
                   -fno-sanitize-recover=undefined

# What reads text is watched for coverage; what walks tables of thousands of rows is not, for speed.
FUZZ_COVERAGE = -fsanitize=fuzzer-no-link
$(patsubst %.c,build/tests/fuzz/obj/%.o,$(DRIVER_SRC) $(MODEL_SRC) \
  $(addprefix lib/src/,rows/image.c card/change.c card/hw.c card/hw_rows.c)): FUZZ_COVERAGE =

build/tests/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) $(FUZZ_TEXT_FLAGS) -fsanitize=address,undefined $(FUZZ_COVERAGE) \
	  $(DEPFLAGS) -c -o $@ $<

$(FUZZ_TEXT): build/tests/fuzz/%: build/tests/fuzz/obj/tests/fuzz/%.o \
  $(FUZZ_TEXT_SRC:%.c=build/tests/fuzz/obj/%.o)
	$(call say,FUZZ,$@)
	$(Q)clang -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_LIBS)

build/tests/fuzz/fuzz_socket: build/tests/fuzz/obj/cli/request.o build/tests/fuzz/obj/cli/request_connection.o build/tests/fuzz/obj/cli/request_trace.o

build/tests/fuzz/fuzz_mirror: build/tests/fuzz/obj/tests/fuzz/mirror_lies.o
build/tests/fuzz/fuzz_mirror: LDFLAGS += -Wl,--wrap=pc_card_reg_read

build/tests/fuzz/fuzz_slow: build/tests/fuzz/obj/tests/fuzz/slow_lies.o
build/tests/fuzz/fuzz_slow: LIB_LIBS += -lcmocka

.PHONY: fuzz-config fuzz-socket fuzz-mirror fuzz-slow
fuzz-config fuzz-socket fuzz-mirror fuzz-slow: fuzz-%: build/tests/fuzz/fuzz_%
	@mkdir -p build/fuzz/$*
	$< -max_total_time=$(or $(SECONDS),60) -max_len=4096 -timeout=20 -dict=tests/fuzz/words.dict \
	  -artifact_prefix=build/fuzz/$*- -print_final_stats=1 build/fuzz/$* tests/fuzz/seeds/$*
FUZZ += fuzz-config fuzz-socket fuzz-mirror fuzz-slow
