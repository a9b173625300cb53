// SPDX-License-Identifier: Apache-2.0
/* Reading of classic pcap files (both byte orders, micro- and nanoseconds, Ethernet) for explain. */
#ifndef PC_PCAP_H
#define PC_PCAP_H

#include <jansson.h>
#include <stdbool.h>

/*
 * Frames of the file as hex strings, at most `max`. NULL when it cannot be read at all, with the reason in `error`;
 * *ret_cut when the end is missing or more frames were there.
 */
json_t *pcap_read(const char *file, size_t max, bool *ret_cut, char error[256]);

#endif
