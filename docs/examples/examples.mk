# SPDX-License-Identifier: Apache-2.0
#
# The programs of docs/programmers-guide.md; tests/unit/docs runs them.

DOC_EXAMPLES := build/docs/examples/drain build/docs/examples/row

$(DOC_EXAMPLES): build/docs/examples/%: build/docs/examples/%.o build/libportcam.a \
  build/libportcam_driver.a build/libportcam_model.a
$(DOC_EXAMPLES): LDLIBS += $(LIB_LIBS)

TEST_DEPS += $(DOC_EXAMPLES)

# A program that reads the mirror needs nothing else.
build/docs/examples/mirror: build/docs/examples/mirror.o build/libportcam_reader.a
TEST_DEPS += build/docs/examples/mirror
