# SPDX-License-Identifier: Apache-2.0
#
# The mirror of the connections for other processes: a library without dependencies.
READER_SRC := $(wildcard lib/reader/*.c)

build/libportcam_reader.a: $(READER_SRC:%.c=build/%.o)

LIBRARIES += build/libportcam_reader.a
INSTALL_LIB += build/libportcam_reader.a
