// SPDX-License-Identifier: Apache-2.0
/* Connections as the commands that end them print them. */
#ifndef PC_CLI_CONNECTION_H
#define PC_CLI_CONNECTION_H

#include "cli.h"

/* Those of a list, one a line; `first`: none were printed yet. */
void print_connections(struct cli *cli, const json_t *list, bool first);

/* Ends all of a backend (a dry run does not) and appends them to the list. False: not all, and *ret_error says why. */
bool flush_backend(struct cli *cli, const char *backend, json_t *list, json_t **ret_error);

#endif
