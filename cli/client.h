// SPDX-License-Identifier: Apache-2.0
/* The client's end of portcamd's socket: one line out, lines in, within a time. */
#ifndef PC_CLIENT_H
#define PC_CLIENT_H

#include <stddef.h>

struct client {
    int fd;
    char *buffer;
    size_t used, room;
};

#define CLIENT_SOCKET "/run/portcam/portcam.sock"

/* 0 or -errno. */
int client_open(struct client *client, const char *path);
void client_close(struct client *client);

/* Sends the text and a newline. -ETIMEDOUT after timeout_ms without progress. */
int client_send(struct client *client, const char *text, int timeout_ms);

/* The next line without its newline, to be freed. timeout_ms below 0: for ever. -EPIPE: the other side ended. */
int client_receive(struct client *client, int timeout_ms, char **ret);

#endif
