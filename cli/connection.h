// SPDX-License-Identifier: Apache-2.0
/* Connections as the commands that end them print them. */
#ifndef PC_CLI_CONNECTION_H
#define PC_CLI_CONNECTION_H

#include "cli.h"

/* Those of a list, one a line; `first`: none were printed yet. */
void print_connections(struct cli *cli, const json_t *list, bool first);

/* Ends all of a backend and appends them to the list. An exit code. */
int flush_backend(struct cli *cli, const char *backend, json_t *list);

#endif
