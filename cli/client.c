// SPDX-License-Identifier: Apache-2.0
/* See client.h. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (64 * 1024 * 1024)

static long long now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int client_open(struct client *client, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memset(client, 0, sizeof(*client));
    client->fd = -1;
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return -errno;
    if (connect(client->fd, (struct sockaddr *)&address, sizeof(address))) {
        int rc = -errno;
        client_close(client);
        return rc;
    }
    return 0;
}

void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    free(client->buffer);
    client->buffer = NULL;
    client->used = client->room = 0;
}

static int wait_for(struct client *client, short events, long long deadline)
{
    struct pollfd fd = {client->fd, events, 0};
    for (;;) {
        long long left = deadline < 0 ? -1 : deadline - now_ms();
        if (deadline >= 0 && left <= 0)
            return -ETIMEDOUT;
        int n = poll(&fd, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int send_all(struct client *client, const char *text, size_t len, long long deadline)
{
    while (len > 0) {
        ssize_t n = send(client->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            int rc = wait_for(client, POLLOUT, deadline);
            if (rc)
                return rc;
            continue;
        }
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

int client_send(struct client *client, const char *text, int timeout_ms)
{
    long long deadline = now_ms() + timeout_ms;
    int rc = send_all(client, text, strlen(text), deadline);
    return rc ? rc : send_all(client, "\n", 1, deadline);
}

static int fill(struct client *client)
{
    if (client->room - client->used < 4096) {
        size_t room = client->room ? 2 * client->room : 65536;
        char *buffer = room > LINE_MAX_BYTES ? NULL : realloc(client->buffer, room);
        if (!buffer)
            return -ENOMEM;
        client->buffer = buffer;
        client->room = room;
    }
    ssize_t n =
        recv(client->fd, client->buffer + client->used, client->room - client->used, MSG_DONTWAIT);
    if (n == 0)
        return -EPIPE;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    client->used += (size_t)n;
    return 0;
}

int client_receive(struct client *client, int timeout_ms, char **ret)
{
    long long deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    size_t looked = 0;

    for (;;) {
        char *end = client->used > looked
                        ? memchr(client->buffer + looked, '\n', client->used - looked)
                        : NULL;
        if (end) {
            size_t len = (size_t)(end - client->buffer);
            char *line = strndup(client->buffer, len);
            if (!line)
                return -ENOMEM;
            client->used -= len + 1;
            memmove(client->buffer, end + 1, client->used);
            *ret = line;
            return 0;
        }
        looked = client->used;
        int rc = wait_for(client, POLLIN, deadline);
        if (rc == 0)
            rc = fill(client);
        if (rc)
            return rc;
    }
}
