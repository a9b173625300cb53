# SPDX-License-Identifier: Apache-2.0
# Packet ports of the simulated card. Programs link $(PORTS_LIBS) and need $(PORTS_LDLIBS).
PORTS_SRC := sim/ports/acceptor.c sim/ports/pcap.c sim/ports/port.c sim/ports/socket.c sim/ports/tap.c \
             driver/unix_listen.c

PORTS_LIBS   := build/libpc_ports.a
PORTS_LDLIBS := -lpcap

build/libpc_ports.a: $(PORTS_SRC:%.c=build/%.o)
