// SPDX-License-Identifier: Apache-2.0
/* From the words after the verb to the arguments of a request, as the command table says. */
#ifndef PC_ARGS_H
#define PC_ARGS_H

#include <jansson.h>

#include "commands.h"

/* What is wrong with the command line. */
struct args_error {
    char text[512];
};

/*
 * A new reference, or NULL with *error filled (an empty text: no memory). Files are not read here: a file name stands in
 * "file", that of a packet capture in "pcap".
 */
json_t *args_parse(const struct command *command, char **words, int count,
                   struct args_error *error);

#endif
