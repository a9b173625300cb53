# SPDX-License-Identifier: Apache-2.0
# The C reference model: a library of its own, without dependencies.
MODEL_SRC := $(addprefix lib/model/,parse.c ternary.c crc32c.c tables.c row_check.c decide.c \
  stateful.c stateful_pick.c stateful_records.c reject.c rewrite.c punt.c device.c commands.c \
  mirror.c card.c packet_ring.c punt_rings.c trace.c trace_ring.c connection_state.c \
  connection_index.c connection_image.c connection_packet.c connections.c)

build/libportcam_model.a: $(MODEL_SRC:%.c=build/%.o)
