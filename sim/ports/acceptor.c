// SPDX-License-Identifier: Apache-2.0
/*
 * Takes connections of a listening socket. A connection that cannot be taken keeps a socket readable, and its
 * owner would be woken for it again and again: such a socket is not watched for a while.
 */
#include "ports/acceptor.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "unix_listen.h"

enum { PAUSE_MS = 100 };

static int watch(const struct pc_acceptor *a, int op, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(a->epoll_fd, op, fd, &e) ? -errno : 0;
}

static int watch_both(struct pc_acceptor *a)
{
    int rc;

    a->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (a->timer_fd < 0)
        return -errno;
    rc = watch(a, EPOLL_CTL_ADD, a->timer_fd);
    return rc ? rc : watch(a, EPOLL_CTL_ADD, a->fd);
}

int pc_acceptor_open(struct pc_acceptor *a, int epoll_fd, const char *path, char *err,
                     size_t err_len)
{
    int rc;

    *a = (struct pc_acceptor){-1, -1, epoll_fd, false};
    rc = pc_unix_listen(path, err, err_len);
    if (rc < 0)
        return rc;
    a->fd = rc;
    rc = watch_both(a);
    if (rc) {
        snprintf(err, err_len, "cannot watch %s: %s", path, strerror(-rc));
        pc_acceptor_close(a);
        unlink(path);
    }
    return rc;
}

static void pause_listening(struct pc_acceptor *a)
{
    const struct itimerspec in = {.it_value = {.tv_nsec = PAUSE_MS * 1000000L}};

    if (!a->paused)
        watch(a, EPOLL_CTL_DEL, a->fd);
    a->paused = true;
    timerfd_settime(a->timer_fd, 0, &in, NULL);
}

int pc_acceptor_next(struct pc_acceptor *a)
{
    uint64_t times;
    int fd, err;

    if (a->paused && read(a->timer_fd, &times, sizeof(times)) == sizeof(times)) {
        a->paused = watch(a, EPOLL_CTL_ADD, a->fd) != 0;
        if (a->paused)
            pause_listening(a);
    }
    fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        return fd;
    err = errno;
    if (err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM)
        pause_listening(a);
    return -err;
}

void pc_acceptor_close(struct pc_acceptor *a)
{
    if (a->fd >= 0)
        close(a->fd);
    if (a->timer_fd >= 0)
        close(a->timer_fd);
    a->fd = a->timer_fd = -1;
}
