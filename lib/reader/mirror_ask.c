// SPDX-License-Identifier: Apache-2.0
/* Asking portcamd for its mirror: one line of JSON goes, one comes back, and with it the file's descriptor. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "portcam/mirror_reader.h"

enum { WAIT_MS = 30000, ANSWER_MAX = 4096 };

static const char Socket[] = "/run/portcam/portcam.sock";
static const char Request[] = "{\"format\":1,\"object\":\"mirror\",\"verb\":\"share\"}\n";

static int reach(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
        send(fd, Request, sizeof(Request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(Request) - 1) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

/* The first descriptor of a message; others are closed. */
static void take_descriptors(struct msghdr *message, int *file)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
            if (*file < 0)
                *file = fd;
            else
                close(fd);
        }
    }
}

/* Some bytes of the answer: how many, 0 at its end, or -errno. */
static int receive(int fd, char *text, size_t room, int *file)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    struct iovec part = {text, room};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    int rc = poll(&ready, 1, WAIT_MS);
    if (rc == 0)
        return -ETIMEDOUT;
    if (rc < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    take_descriptors(&message, file);
    return (int)n;
}

/* Without a descriptor the line says why. */
static int refusal(const char *line)
{
    if (strstr(line, "\"unsupported\""))
        return -EOPNOTSUPP;
    if (strstr(line, "\"permission\""))
        return -EACCES;
    return strstr(line, "\"busy\"") ? -EBUSY : -EPROTO;
}

int portcam_reader_open(const char *path, struct portcam_reader **ret)
{
    char line[ANSWER_MAX] = "";
    size_t used = 0;
    int file = -1, rc = 1, fd = reach(path ? path : Socket);

    if (fd < 0)
        return fd;
    while (rc > 0 && !strchr(line, '\n') && used < sizeof(line) - 1) {
        rc = receive(fd, line + used, sizeof(line) - 1 - used, &file);
        if (rc > 0) {
            used += (size_t)rc;
            line[used] = 0;
        } else if (rc == -EAGAIN) {
            rc = 1;
        }
    }
    if (file >= 0)
        rc = portcam_reader_attach(file, ret);
    else if (rc >= 0)
        rc = refusal(line);
    if (file >= 0)
        close(file);
    close(fd);
    return rc;
}
