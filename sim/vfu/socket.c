// SPDX-License-Identifier: Apache-2.0
/*
 * The connected socket as a stream of bytes and descriptors: one recvmsg or sendmsg a call, never blocking,
 * never SIGPIPE. Room is made for all the descriptors the kernel can pass in one message, so that only its
 * own limits lose some (MSG_CTRUNC); what the receiver has no use for is closed here.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vfu/internal.h"

enum { SCM_FDS = 253 };

static ssize_t socket_recv(void *ctx, void *buf, size_t len, int *fds, unsigned *nfds, bool *lost)
{
    struct pc_vfu *s = ctx;
    union {
        char space[CMSG_SPACE(SCM_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec v = {.iov_base = buf, .iov_len = len};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    unsigned room = *nfds;
    ssize_t n;

    *nfds = 0;
    do
        n = recvmsg(s->conn_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    *lost = m.msg_flags & MSG_CTRUNC;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (*nfds < room)
                fds[(*nfds)++] = fd;
            else
                close(fd);
        }
    }
    return n;
}

static ssize_t socket_send(void *ctx, const void *head, size_t head_len, const void *data,
                           size_t len)
{
    struct pc_vfu *s = ctx;
    struct iovec v[2] = {{.iov_base = (void *)(uintptr_t)head, .iov_len = head_len},
                         {.iov_base = (void *)(uintptr_t)data, .iov_len = len}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = len ? 2 : 1};
    ssize_t n;

    do
        n = sendmsg(s->conn_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n >= 0 ? n : errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static int socket_wait(void *ctx, bool want_send, int timeout_ms)
{
    struct pc_vfu *s = ctx;
    struct pollfd p = {.fd = s->conn_fd, .events = (short)(POLLIN | (want_send ? POLLOUT : 0))};
    int n = poll(&p, 1, timeout_ms);

    return n > 0 || (n < 0 && errno == EINTR) ? 0 : n ? -errno : -ETIMEDOUT;
}

int pc_socket_watch(struct pc_vfu *s, int op, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.fd = fd};

    return epoll_ctl(s->epoll_fd, op, fd, &e) ? -errno : 0;
}

static void socket_close(void *ctx)
{
    struct pc_vfu *s = ctx;

    pc_socket_watch(s, EPOLL_CTL_DEL, s->conn_fd, 0);
    close(s->conn_fd);
    s->conn_fd = -1;
    s->conn_wants_send = false;
}

void pc_socket_attach(struct pc_vfu *s)
{
    const struct pc_stream io = {s, socket_recv, socket_send, socket_wait, socket_close};

    pc_vfu_attach(s, &io);
}
