// SPDX-License-Identifier: Apache-2.0
/*
 * A UNIX stream socket as a packet port, framed as QEMU's stream netdev: a 4-byte big-endian length, then
 * the frame. We listen; one peer at a time is the other end of the cable, and when it goes another may come.
 *
 * A frame that is empty or too long for the card is skipped and counted. A length beyond what QEMU can send
 * is a lie or a lost beginning: the peer is disconnected and a sentence says so. Without a peer, frames sent
 * are lost. A second peer is disconnected at once. The port's descriptor is an epoll of socket and peer, so
 * the user has one thing to watch.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports/acceptor.h"
#include "ports/port.h"

enum {
    LENGTH_BYTES = 4,
    QEMU_MAX_FRAME = 4096 + 65536, /* its NET_BUFSIZE */
};

struct wire {
    struct pc_acceptor acceptor;
    int peer_fd;
    char *path;                                   /* of our socket file */
    uint8_t in[LENGTH_BYTES + PC_PORT_MAX_FRAME]; /* the frame being received, length first */
    size_t have, len;                             /* bytes of it so far; what its length says */
    size_t skip;                                  /* bytes of a refused frame still to come */
    uint8_t out[LENGTH_BYTES +
                PC_PORT_MAX_FRAME]; /* rest of the frame being sent: out[sent..out_len) */
    size_t sent, out_len;
};

static int watch(struct pc_port *p, int op, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.fd = fd};

    return epoll_ctl(p->fd, op, fd, &e) ? -errno : 0;
}

static int socket_open(struct pc_port *p, const char *arg)
{
    struct wire *w = p->priv = calloc(1, sizeof(*w));
    int rc;

    if (!w)
        return -ENOMEM;
    w->acceptor.fd = w->acceptor.timer_fd = w->peer_fd = -1;
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    if (p->fd < 0)
        return -errno;
    rc = pc_acceptor_open(&w->acceptor, p->fd, arg, p->message, sizeof(p->message));
    if (rc)
        return rc;
    w->path = strdup(arg);
    if (w->path)
        return 0;
    unlink(arg);
    return -ENOMEM;
}

static void drop_peer(struct pc_port *p, struct wire *w)
{
    if (w->peer_fd >= 0) {
        watch(p, EPOLL_CTL_DEL, w->peer_fd, 0);
        close(w->peer_fd);
    }
    w->peer_fd = -1;
    w->have = w->skip = w->sent = w->out_len = 0;
}

static void accept_peers(struct pc_port *p, struct wire *w)
{
    int fd;

    while ((fd = pc_acceptor_next(&w->acceptor)) >= 0) {
        if (w->peer_fd >= 0 || watch(p, EPOLL_CTL_ADD, fd, EPOLLIN)) {
            close(fd);
            snprintf(p->message, sizeof(p->message),
                     "a second peer of %.100s was disconnected: one cable has two ends", w->path);
        } else {
            w->peer_fd = fd;
            p->stats.peers++;
        }
    }
}

/* Sends what is left of a frame. Return: 0 all gone, -EAGAIN, or -ENOTCONN with the peer dropped. */
static int flush(struct pc_port *p, struct wire *w)
{
    while (w->sent < w->out_len) {
        ssize_t n =
            send(w->peer_fd, w->out + w->sent, w->out_len - w->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return -EAGAIN;
        if (n < 0) {
            drop_peer(p, w);
            return -ENOTCONN;
        }
        w->sent += (size_t)n;
    }
    if (w->out_len)
        watch(p, EPOLL_CTL_MOD, w->peer_fd, EPOLLIN);
    w->sent = w->out_len = 0;
    return 0;
}

/* Receives up to want bytes. Return: bytes, 0 none now, or -ENOTCONN with the peer dropped. */
static ssize_t receive(struct pc_port *p, struct wire *w, uint8_t *dst, size_t want)
{
    ssize_t n = recv(w->peer_fd, dst, want, MSG_DONTWAIT);

    if (n > 0)
        return n;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    drop_peer(p, w);
    return -ENOTCONN;
}

/* The length of a frame is whole. Return: 0, or -EPROTO with the peer dropped. */
static int begin_frame(struct pc_port *p, struct wire *w, size_t cap)
{
    size_t len = (size_t)w->in[0] << 24 | (size_t)w->in[1] << 16 | (size_t)w->in[2] << 8 | w->in[3];

    if (len > QEMU_MAX_FRAME) {
        snprintf(
            p->message, sizeof(p->message),
            "the peer of %.100s announced a frame of %zu bytes and was disconnected; it must send "
            "a 4-byte big-endian length before each frame",
            w->path, len);
        drop_peer(p, w);
        return -EPROTO;
    }
    w->len = len;
    if (!len || len > cap) {
        p->stats.rx_refused++;
        w->skip = len;
        w->have = 0;
    }
    return 0;
}

/* Reads no more than one frame, so that the descriptor stays readable while there is another. */
static ssize_t next_frame(struct pc_port *p, struct wire *w, void *buf, size_t cap)
{
    for (;;) {
        size_t want = w->skip                  ? (w->skip < sizeof(w->in) ? w->skip : sizeof(w->in))
                      : w->have < LENGTH_BYTES ? LENGTH_BYTES - w->have
                                               : LENGTH_BYTES + w->len - w->have;
        ssize_t n = receive(p, w, w->skip ? w->in : w->in + w->have, want);

        if (n <= 0)
            return n;
        if (w->skip) {
            w->skip -= (size_t)n;
            continue;
        }
        w->have += (size_t)n;
        if (w->have == LENGTH_BYTES && begin_frame(p, w, cap))
            return -EPROTO;
        if (w->have > LENGTH_BYTES && w->have == LENGTH_BYTES + w->len) {
            w->have = 0;
            if (w->len > cap) { /* the caller's buffer has become smaller meanwhile */
                p->stats.rx_refused++;
                continue;
            }
            memcpy(buf, w->in + LENGTH_BYTES, w->len);
            return (ssize_t)w->len;
        }
    }
}

static ssize_t socket_recv(struct pc_port *p, void *buf, size_t cap)
{
    struct wire *w = p->priv;
    ssize_t n = 0;

    if (w->peer_fd >= 0 && flush(p, w) != -ENOTCONN)
        n = next_frame(p, w, buf, cap);
    if (n > 0 || n == -EPROTO)
        return n;
    accept_peers(p, w);
    return 0;
}

static int socket_send(struct pc_port *p, const void *buf, size_t len)
{
    struct wire *w = p->priv;

    if (w->peer_fd < 0)
        accept_peers(p, w);
    if (w->peer_fd < 0) {
        p->stats.tx_lost++;
        return 0;
    }
    switch (flush(p, w)) {
    case -EAGAIN:
        return -EAGAIN;
    case -ENOTCONN:
        p->stats.tx_lost++;
        return 0;
    }
    for (int i = 0; i < LENGTH_BYTES; i++)
        w->out[i] = (uint8_t)(len >> (24 - 8 * i));
    memcpy(w->out + LENGTH_BYTES, buf, len);
    w->out_len = LENGTH_BYTES + len;
    switch (flush(p, w)) {
    case -EAGAIN:
        watch(p, EPOLL_CTL_MOD, w->peer_fd, EPOLLIN | EPOLLOUT);
        break;
    case -ENOTCONN:
        p->stats.tx_lost++;
        break;
    }
    return 0;
}

static void socket_close(struct pc_port *p)
{
    struct wire *w = p->priv;

    if (!w)
        return;
    pc_acceptor_close(&w->acceptor);
    if (w->path)
        unlink(w->path);
    if (p->fd >= 0) {
        drop_peer(p, w);
        close(p->fd);
    }
    free(w->path);
    free(w);
}

const struct pc_port_ops pc_port_socket = {"socket", socket_open, socket_recv, socket_send,
                                           socket_close};
