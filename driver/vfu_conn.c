// SPDX-License-Identifier: Apache-2.0
/*
 * Requests and replies of the vfio-user client, and the DMA commands of the server between them,
 * see vfu_conn.h.
 */
#include "vfu_conn.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "dev_ops.h"
#include "err.h"
#include "irq.h"

enum { PUMP_LIMIT = 64 };

int pc_vfuc_nonsense(struct pc_vfuc_conn *c, const char *fmt, ...)
{
    char why[128];
    va_list ap;
    int err;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    pthread_mutex_lock(&c->lock);
    err = pc_vfuc_die(c, -EPROTO, why);
    pthread_mutex_unlock(&c->lock);
    return err;
}

static int answer(struct pc_vfuc_conn *c, const struct pc_vfu_header *to, int error,
                  const void *payload, size_t len, int64_t deadline)
{
    struct pc_vfu_header h = {
        .id = to->id,
        .cmd = to->cmd,
        .flags = PC_VFU_F_REPLY,
        .size = (uint32_t)sizeof(h),
    };
    struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)(uintptr_t)payload, len}};

    if (to->flags & PC_VFU_F_NO_REPLY)
        return 0;
    if (error) {
        h.flags |= PC_VFU_F_ERROR;
        h.error = (uint32_t)-error;
        len = 0;
    }
    h.size += (uint32_t)len;
    return pc_vfuc_send(c, iov, len ? 2 : 1, NULL, 0, deadline);
}

/*
 * A command of the server: DMA through this process. Refusals are answered, they do not end the
 * connection.
 */
static int serve(struct pc_vfuc_conn *c, const struct pc_vfu_header *h, size_t len,
                 int64_t deadline)
{
    struct pc_vfu_dma_access a;
    int err = 0;

    if (h->cmd != PC_VFU_DMA_READ && h->cmd != PC_VFU_DMA_WRITE)
        return answer(c, h, -EOPNOTSUPP, NULL, 0, deadline);
    if (len < sizeof(a))
        return answer(c, h, -EINVAL, NULL, 0, deadline);
    memcpy(&a, c->rx, sizeof(a));
    if (a.count > c->max_xfer)
        return answer(c, h, -EINVAL, NULL, 0, deadline);
    if (!atomic_load(&c->master))
        return answer(c, h, -EACCES, NULL, 0, deadline);
    if (h->cmd == PC_VFU_DMA_WRITE) {
        if (len - sizeof(a) != a.count)
            return answer(c, h, -EINVAL, NULL, 0, deadline);
        err = pc_dma_table_write(&c->dev->maps, a.iova, c->rx + sizeof(a), (size_t)a.count);
        return answer(c, h, err, &a, sizeof(a), deadline);
    }
    if (len != sizeof(a))
        return answer(c, h, -EINVAL, NULL, 0, deadline);
    err = pc_dma_table_read(&c->dev->maps, a.iova, c->rx + sizeof(a), (size_t)a.count);
    return answer(c, h, err, c->rx, sizeof(a) + (size_t)a.count, deadline);
}

/* Reads until the reply of request `id` is in c->rx. */
static int await_reply(struct pc_vfuc_conn *c, uint16_t id, uint16_t cmd, size_t *ret_len,
                       int64_t deadline)
{
    c->only_commands = false;
    for (;;) {
        struct pc_vfu_header h;
        int err = pc_vfuc_receive(c, &h, ret_len, deadline);

        if (err)
            return err;
        if ((h.flags & PC_VFU_F_TYPE_MASK) == PC_VFU_F_COMMAND) {
            c->only_commands = true;
            err = serve(c, &h, *ret_len, deadline);
            if (err)
                return err;
            if (pc_now_ms() >= deadline)
                return pc_vfuc_late(c);
            continue;
        }
        c->only_commands = false;
        if ((h.flags & PC_VFU_F_TYPE_MASK) != PC_VFU_F_REPLY)
            return pc_vfuc_die_of(c, "a message is neither command nor reply", h.flags);
        if (h.id != id)
            return pc_vfuc_die_of(c, "a reply carries the wrong message id", h.id);
        if (h.cmd != cmd)
            return pc_vfuc_die_of(c, "a reply carries the wrong command", h.cmd);
        if (h.flags & PC_VFU_F_ERROR) {
            if (h.error == 0 || h.error > 4095)
                return pc_vfuc_die_of(c, "an error reply carries no errno", h.error);
            if (cmd == PC_VFU_VERSION && h.error == EBUSY)
                return pc_fail(-EBUSY, "the simulated card has another client; stop that one, or "
                                       "ask it if it is portcamd");
            return pc_fail(-(int)h.error, "the simulated card refused command %u: %s", cmd,
                           pc_strerror((int)h.error));
        }
        return 0;
    }
}

int pc_vfuc_call(struct pc_vfuc_conn *c, const struct pc_vfuc_call *call, size_t *ret_len)
{
    struct pc_vfu_header h = {
        .cmd = (uint16_t)call->cmd,
        .size = (uint32_t)(sizeof(h) + call->head_len + call->data_len),
        .flags = PC_VFU_F_COMMAND,
    };
    struct iovec iov[3];
    unsigned n_iov = 0;
    int64_t deadline;
    size_t len = 0;
    int err;

    iov[n_iov++] = (struct iovec){&h, sizeof(h)};
    if (call->head_len)
        iov[n_iov++] = (struct iovec){(void *)(uintptr_t)call->head, call->head_len};
    if (call->data_len)
        iov[n_iov++] = (struct iovec){(void *)(uintptr_t)call->data, call->data_len};

    pthread_mutex_lock(&c->lock);
    if (c->dead) {
        err = pc_vfuc_die(c, -ENODEV, c->why);
        goto out;
    }
    deadline = pc_now_ms() + c->timeout_ms;
    h.id = c->next_id++;
    err = pc_vfuc_send(c, iov, n_iov, call->fds, call->n_fds, deadline);
    if (!err)
        err = await_reply(c, h.id, h.cmd, &len, deadline);
    if (!err && (len < call->reply_min || len > call->reply_max)) {
        char why[112];

        snprintf(why, sizeof(why), "the reply to command %u has %zu bytes, expected %zu to %zu",
                 h.cmd, len, call->reply_min, call->reply_max);
        err = pc_vfuc_die(c, -EPROTO, why);
    }
    if (!err) {
        if (len)
            memcpy(call->reply, c->rx, len);
        if (ret_len)
            *ret_len = len;
    }
out:
    pthread_mutex_unlock(&c->lock);
    return err;
}

int pc_vfuc_pump(struct pc_vfuc_conn *c)
{
    int err = 0;

    if (pthread_mutex_trylock(&c->lock) != 0)
        return 0; /* a request is under way, and serves commands itself */
    if (c->dead)
        err = pc_vfuc_die(c, -ENODEV, c->why);
    for (unsigned i = 0; !err && i < PUMP_LIMIT; i++) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        int64_t deadline = pc_now_ms() + c->timeout_ms;
        struct pc_vfu_header h;
        size_t len = 0;

        if (poll(&p, 1, 0) <= 0)
            break;
        err = pc_vfuc_receive(c, &h, &len, deadline);
        if (!err && (h.flags & PC_VFU_F_TYPE_MASK) != PC_VFU_F_COMMAND)
            err = pc_vfuc_die_of(c, "a reply came that nobody asked for, id", h.id);
        if (!err)
            err = serve(c, &h, len, deadline);
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}
