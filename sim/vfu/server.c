// SPDX-License-Identifier: Apache-2.0
/*
 * The life of the server: the socket, one client at a time, and the loop that receives messages.
 *
 * One epoll descriptor stands for everything, so that a program has one thing to watch. A client that leaves
 * takes its maps, its interrupts and its unsent replies with it and nothing else: the state of the function
 * stays. A second client gets EBUSY as the answer to its VERSION. A client that does not read its replies is
 * not read from until it does. What the messages mean is in commands.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vfu/internal.h"

enum { MESSAGES_PER_CALL = 64 };

void pc_vfu_notice(struct pc_vfu *s, const char *format, ...)
{
    char text[256];
    va_list args;

    if (!s->dev.notice)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s->dev.notice(s->dev.ctx, text);
}

/* ---- clients ---- */

void pc_vfu_attach(struct pc_vfu *s, const struct pc_stream *io)
{
    pc_frame_init(&s->frame, io);
    s->version = (struct pc_version){.done = false};
    s->connected = true;
    s->client++;
    s->stats.clients++;
}

void pc_vfu_detach(struct pc_vfu *s)
{
    struct pc_stream io = s->frame.io;

    if (!s->connected)
        return;
    s->connected = false;
    s->version.done = false;
    pc_frame_reset(&s->frame);
    pc_vfu_maps_clear(&s->dma);
    pc_irqs_close(&s->irqs);
    if (io.close)
        io.close(io.ctx);
}

/* A reply: what our DMA message waits for, or nothing that we know. */
static void receive_reply(struct pc_vfu *s, struct pc_message *m)
{
    if (s->dma_waiting && !s->dma_answered && m->header.id == s->dma_id &&
        m->header.cmd == s->dma_cmd) {
        s->dma_reply = *m;
        s->dma_answered = true;
        memset(m, 0, sizeof(*m));
    } else {
        s->stats.stray_replies++;
    }
}

static const char *why(int rc)
{
    switch (rc) {
    case -ECONNRESET:
        return "it closed the connection";
    case -EPROTO:
        return "its messages have impossible sizes";
    default:
        return strerror(-rc);
    }
}

int pc_vfu_serve(struct pc_vfu *s, unsigned limit)
{
    int served = 0, rc = 0;

    while (limit-- && s->connected && !s->dma_answered) {
        struct pc_message m = {.len = 0};

        rc = pc_frame_flush(&s->frame);
        if (!rc && pc_frame_unsent(&s->frame) && !s->dma_waiting)
            break;
        if (!rc)
            rc = pc_frame_receive(&s->frame, &m);
        if (rc == 0)
            break;
        if (rc != 1 && rc != -EBADMSG) {
            pc_vfu_notice(s, "client gone: %s", why(rc));
            pc_vfu_detach(s);
            break;
        }
        s->stats.framing_errors += rc == -EBADMSG;
        if (rc == 1 && (m.header.flags & PC_VFU_F_TYPE_MASK) == PC_VFU_F_REPLY) {
            receive_reply(s, &m);
        } else {
            pc_vfu_command(s, &m);
            served++;
        }
        pc_message_release(&m);
    }
    return served;
}

static void forget_refused(struct pc_vfu *s, int *slot)
{
    pc_socket_watch(s, EPOLL_CTL_DEL, *slot, 0);
    close(*slot);
    *slot = -1;
}

/* Clients that came while another is there: answer what they say first, and hang up. */
static void answer_refused(struct pc_vfu *s)
{
    for (size_t i = 0; i < PC_REFUSED; i++) {
        int *slot = &s->refused[i];
        uint8_t b[4096];
        struct pc_vfu_header h;
        ssize_t n = *slot < 0 ? 0 : recv(*slot, b, sizeof(b), MSG_DONTWAIT);

        if (*slot < 0 || (n < 0 && errno == EAGAIN))
            continue;
        if (n >= (ssize_t)sizeof(h)) {
            memcpy(&h, b, sizeof(h));
            h.size = sizeof(h);
            h.flags = PC_VFU_F_REPLY | PC_VFU_F_ERROR;
            h.error = EBUSY;
            (void)send(*slot, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        forget_refused(s, slot);
    }
}

static void refuse(struct pc_vfu *s, int fd)
{
    size_t i = 0;

    s->stats.refused_clients++;
    pc_vfu_notice(s, "a second client was refused: only one can have the card");
    while (i < PC_REFUSED && s->refused[i] >= 0)
        i++;
    if (i == PC_REFUSED || pc_socket_watch(s, EPOLL_CTL_ADD, fd, EPOLLIN))
        close(fd);
    else
        s->refused[i] = fd;
}

static void accept_clients(struct pc_vfu *s)
{
    int fd;

    while ((fd = pc_acceptor_next(&s->acceptor)) >= 0) {
        if (s->connected) {
            refuse(s, fd);
        } else if (pc_socket_watch(s, EPOLL_CTL_ADD, fd, EPOLLIN)) {
            close(fd);
        } else {
            s->conn_fd = fd;
            pc_socket_attach(s);
            pc_vfu_notice(s, "client connected");
        }
    }
}

int pc_vfu_process(struct pc_vfu *s)
{
    int served;

    if (s->answering || s->dma_waiting)
        return 0;
    served = pc_vfu_serve(s, MESSAGES_PER_CALL);
    accept_clients(s);
    answer_refused(s);
    if (s->connected && pc_frame_unsent(&s->frame) != s->conn_wants_send) {
        s->conn_wants_send = !s->conn_wants_send;
        pc_socket_watch(s, EPOLL_CTL_MOD, s->conn_fd, s->conn_wants_send ? EPOLLOUT : EPOLLIN);
    }
    return served;
}

/* ---- life ---- */

struct pc_vfu *pc_vfu_new_bare(const struct pc_vfu_device *dev, char *err, size_t err_len)
{
    struct pc_vfu *s;

    if (!dev->reg_read || !dev->reg_write || !dev->vectors || dev->vectors > PC_VFU_MAX_VECTORS) {
        snprintf(err, err_len, "the device needs register callbacks and 1 to %d vectors",
                 PC_VFU_MAX_VECTORS);
        return NULL;
    }
    s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(err, err_len, "out of memory");
        return NULL;
    }
    pc_client_copy_init();
    s->dev = *dev;
    s->epoll_fd = s->conn_fd = s->acceptor.fd = s->acceptor.timer_fd = -1;
    for (size_t i = 0; i < PC_REFUSED; i++)
        s->refused[i] = -1;
    pc_config_init(&s->config, dev->vendor, dev->device, dev->vectors);
    pc_irqs_init(&s->irqs);
    return s;
}

struct pc_vfu *pc_vfu_new(const char *socket_path, const struct pc_vfu_device *dev, char *err,
                          size_t err_len)
{
    struct pc_vfu *s = pc_vfu_new_bare(dev, err, err_len);

    if (!s)
        return NULL;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll_fd < 0) {
        snprintf(err, err_len, "cannot watch %s: %s", socket_path, strerror(errno));
    } else if (!pc_acceptor_open(&s->acceptor, s->epoll_fd, socket_path, err, err_len)) {
        s->path = strdup(socket_path);
        if (s->path)
            return s;
        unlink(socket_path);
        snprintf(err, err_len, "out of memory");
    }
    pc_vfu_free(s);
    return NULL;
}

void pc_vfu_free(struct pc_vfu *s)
{
    if (!s)
        return;
    pc_vfu_detach(s);
    for (size_t i = 0; i < PC_REFUSED; i++)
        if (s->refused[i] >= 0)
            forget_refused(s, &s->refused[i]);
    if (s->path)
        unlink(s->path);
    pc_acceptor_close(&s->acceptor);
    if (s->epoll_fd >= 0)
        close(s->epoll_fd);
    free(s->path);
    free(s);
}

int pc_vfu_fd(const struct pc_vfu *s)
{
    return s->epoll_fd;
}

int pc_vfu_connected(const struct pc_vfu *s)
{
    return s->connected;
}

void pc_vfu_get_stats(const struct pc_vfu *s, struct pc_vfu_stats *out)
{
    *out = s->stats;
    out->maps = s->dma.count;
    out->fdless_maps = s->dma.fdless;
    out->files = s->dma.file_count;
}
