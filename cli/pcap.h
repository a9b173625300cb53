// SPDX-License-Identifier: Apache-2.0
/* Classic pcap files: reading (both byte orders, micro- and nanoseconds, Ethernet) for explain, writing for trace. */
#ifndef PC_PCAP_H
#define PC_PCAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Frames of the file as hex strings, at most `max`. NULL when it cannot be read at all, with the reason in `error`;
 * *ret_cut when the end is missing or more frames were there.
 */
json_t *pcap_read(const char *file, size_t max, bool *ret_cut, char error[256]);

/* The beginning of a file, and a sample of a trace (its keys "time", "length" and "head") behind it (pcap_write.c). 0, or -1
 * with errno. */
int pcap_write_header(FILE *stream);
int pcap_write_packet(FILE *stream, const json_t *packet);

#endif
