// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes of a vfio-user connection: connecting, whole messages in and out, deadlines, and its end.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dev_ops.h"
#include "err.h"
#include "irq.h"
#include "vfu_conn.h"

/* End of the connection, once: the reason is kept for whoever calls later. */
int pc_vfuc_die(struct pc_vfuc_conn *c, int err, const char *why)
{
    if (!c->dead) {
        c->dead = true;
        snprintf(c->why, sizeof(c->why), "%s", why);
        shutdown(c->fd, SHUT_RDWR);
        pc_dev_gone(c->dev, c->why);
    }
    return pc_fail(err, "card is gone: %s: %s; restart the simulated card and open it again",
                   c->dev->name, c->why);
}

int pc_vfuc_late(struct pc_vfuc_conn *c)
{
    char why[64];

    if (c->only_commands)
        return pc_vfuc_die(c, -ETIMEDOUT, "it sends commands and never the reply");
    snprintf(why, sizeof(why), "no answer within %u ms", c->timeout_ms);
    return pc_vfuc_die(c, -ETIMEDOUT, why);
}

static int wait_for(struct pc_vfuc_conn *c, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd p = {.fd = c->fd, .events = events};
        int64_t left = deadline - pc_now_ms();
        int got;

        if (left <= 0)
            return pc_vfuc_late(c);
        got = poll(&p, 1, (int)left);
        if (got > 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return pc_vfuc_die(c, -errno, "poll failed");
    }
}

int pc_vfuc_send(struct pc_vfuc_conn *c, struct iovec *iov, unsigned n_iov, const int *fds,
                 unsigned n_fds, int64_t deadline)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PC_VFU_MAX_FDS * sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n_iov};

    if (n_fds > 0) {
        struct cmsghdr *cm;

        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        cm = CMSG_FIRSTHDR(&msg);
        cm->cmsg_level = SOL_SOCKET;
        cm->cmsg_type = SCM_RIGHTS;
        cm->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(cm), fds, n_fds * sizeof(int));
    }
    while (msg.msg_iovlen > 0) {
        ssize_t n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN) {
            int err = wait_for(c, POLLOUT, deadline);

            if (err)
                return err;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pc_vfuc_die(c, -ENODEV,
                               errno == EPIPE || errno == ECONNRESET
                                   ? "the simulated card closed the connection"
                                   : pc_strerror(errno));
        msg.msg_control = NULL; /* descriptors go with the first byte */
        msg.msg_controllen = 0;
        while (msg.msg_iovlen > 0 && (size_t)n >= msg.msg_iov->iov_len) {
            n -= (ssize_t)msg.msg_iov->iov_len;
            msg.msg_iov++;
            msg.msg_iovlen--;
        }
        if (msg.msg_iovlen > 0) {
            msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
            msg.msg_iov->iov_len -= (size_t)n;
        }
    }
    return 0;
}

/* This client has no use for descriptors from the server (BARs are never mapped). */
static void close_received(struct msghdr *msg)
{
    for (struct cmsghdr *cm = CMSG_FIRSTHDR(msg); cm; cm = CMSG_NXTHDR(msg, cm)) {
        size_t n;

        if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
            continue;
        n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
            close(fd);
        }
    }
}

static int receive_exactly(struct pc_vfuc_conn *c, void *buf, size_t len, int64_t deadline)
{
    while (len > 0) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(PC_VFU_MAX_FDS * sizeof(int))];
        } control;
        struct iovec iov = {.iov_base = buf, .iov_len = len};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
        ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n < 0 && errno == EAGAIN) {
            int err = wait_for(c, POLLIN, deadline);

            if (err)
                return err;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != ECONNRESET)
            return pc_vfuc_die(c, -ENODEV, pc_strerror(errno));
        if (n <= 0)
            return pc_vfuc_die(c, -ENODEV, "the simulated card closed the connection");
        close_received(&msg);
        buf = (char *)buf + n;
        len -= (size_t)n;
    }
    return 0;
}

int pc_vfuc_die_of(struct pc_vfuc_conn *c, const char *what, unsigned long long value)
{
    char why[112];

    snprintf(why, sizeof(why), "%s (%llu)", what, value);
    return pc_vfuc_die(c, -EPROTO, why);
}

/* Header and payload of the next message; the payload is in c->rx. */
int pc_vfuc_receive(struct pc_vfuc_conn *c, struct pc_vfu_header *h, size_t *ret_len,
                    int64_t deadline)
{
    int err = receive_exactly(c, h, sizeof(*h), deadline);

    if (err)
        return err;
    if (h->size < sizeof(*h) || h->size > PC_VFU_MAX_MSG)
        return pc_vfuc_die_of(c, "a message claims an impossible size", h->size);
    *ret_len = h->size - sizeof(*h);
    return receive_exactly(c, c->rx, *ret_len, deadline);
}

static int connect_failed(const char *path, int err)
{
    switch (err) {
    case -ENOENT:
        return pc_fail(err, "no socket at %s: start the simulated card first", path);
    case -ECONNREFUSED:
        return pc_fail(err, "nobody listens at %s: start the simulated card again", path);
    case -EACCES:
        return pc_fail(err, "no permission for %s: become its user or change its mode", path);
    case -EAGAIN:
        return pc_fail(-ETIMEDOUT, "%s accepts no connection: another client may be using it",
                       path);
    default:
        return pc_fail(err, "cannot connect to %s: %s", path, pc_strerror(err));
    }
}

static int connect_until(int fd, const struct sockaddr_un *to, int64_t deadline)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    for (;;) {
        if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
            return 0;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (pc_now_ms() >= deadline)
            return -EAGAIN;
        nanosleep(&pause, NULL);
    }
}

int pc_vfuc_connect(struct pc_vfuc_conn *c, struct portcam_dev *dev, const char *path,
                    unsigned timeout_ms)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int err;

    memset(c, 0, sizeof(*c));
    c->dev = dev;
    c->timeout_ms = timeout_ms;
    c->max_xfer = PC_VFU_DEFAULT_MAX_DATA_XFER;
    if (!*path)
        return pc_fail(-EINVAL, "vfio-user: needs the path of a socket after the colon");
    if (strlen(path) >= sizeof(to.sun_path))
        return pc_fail(-ENAMETOOLONG, "socket path is longer than %zu bytes: use a shorter one",
                       sizeof(to.sun_path) - 1);
    memcpy(to.sun_path, path, strlen(path));
    c->rx = malloc(PC_VFU_MAX_MSG);
    if (!c->rx)
        return pc_fail(-ENOMEM, "out of memory");
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        err = pc_fail(-errno, "no socket: %s", pc_strerror(errno));
        goto out_rx;
    }
    err = connect_until(c->fd, &to, pc_now_ms() + timeout_ms);
    if (err) {
        err = connect_failed(path, err);
        goto out_fd;
    }
    err = -pthread_mutex_init(&c->lock, NULL);
    if (err)
        goto out_fd;
    return 0;

out_fd:
    close(c->fd);
out_rx:
    free(c->rx);
    return err;
}

void pc_vfuc_disconnect(struct pc_vfuc_conn *c)
{
    close(c->fd);
    free(c->rx);
    pthread_mutex_destroy(&c->lock);
}
