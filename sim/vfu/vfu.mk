# SPDX-License-Identifier: Apache-2.0
# The vfio-user server of the simulated card. Programs link $(VFU_LIBS) and need $(VFU_LDLIBS).
VFU_SRC := sim/vfu/client_copy.c sim/vfu/commands.c sim/vfu/config_space.c sim/vfu/dma.c \
           sim/vfu/dma_map.c sim/vfu/irq.c sim/vfu/message.c sim/vfu/regions.c sim/vfu/server.c \
           sim/vfu/socket.c sim/vfu/version.c

VFU_LIBS   = build/libpc_vfu.a build/libpc_ports.a
VFU_LDLIBS := -ljansson

build/libpc_vfu.a: $(VFU_SRC:%.c=build/%.o)
