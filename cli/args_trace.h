// SPDX-License-Identifier: Apache-2.0
/* The words of `portcam trace`: what a packet has to be, much as tcpdump(8) says it. */
#ifndef PC_ARGS_TRACE_H
#define PC_ARGS_TRACE_H

#include "args.h"

/*
 * All words, into `args`: "src", "dst", "hosts", "src_port", "dst_port", "ports", "protocol", "version", "ingress",
 * "domain", "address", "service", "backend", "reasons", "every", "rate" and "count". 0, or -1 with *error filled (an empty
 * text: no memory). Addresses and names are checked by who knows them.
 */
int args_trace(char **words, int count, json_t *args, struct args_error *error);

/* A word that may stand where another filter begins, for completion; NULL behind the last. */
const char *args_trace_word(size_t index);

#endif
