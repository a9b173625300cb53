// SPDX-License-Identifier: Apache-2.0
/*
 * DMA as the function: every access is checked against bus master, the map table and its permissions, then
 * made directly in the client's shared memory or, where the client gave no descriptor, by DMA messages.
 *
 * A DMA message is never sent while a request of the client is unanswered: QEMU would wait for its answer
 * with a lock that it needs to answer us. While our message is out, the client's requests are served for
 * the same reason, which may change anything: after each message the map is looked up again.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "vfu/internal.h"

enum { MESSAGE_BYTES = 65536 };

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Serves the client until our message is answered. */
static int await_answer(struct pc_vfu *s)
{
    const uint64_t client = s->client;
    const int64_t end = now_ms() + PC_VFU_DMA_TIMEOUT_MS;

    for (;;) {
        int64_t left = end - now_ms();
        int rc;

        pc_vfu_serve(s, 16);
        if (s->dma_answered)
            return 0;
        if (!s->connected || s->client != client)
            return -ENODEV;
        if (left <= 0)
            return -ETIMEDOUT;
        rc = s->frame.io.wait(s->frame.io.ctx, pc_frame_unsent(&s->frame), (int)left);
        if (rc)
            return rc;
    }
}

/* What one access moves: into buf, or out of it (then it is not written). */
struct move {
    uint8_t *buf;
    bool write;
};

/* The client's answer: its error, or its data copied out. */
static int take_answer(const struct pc_message *m, struct move v, size_t len)
{
    const size_t full = sizeof(struct pc_vfu_dma_access);

    if (m->header.flags & PC_VFU_F_ERROR)
        return m->header.error && m->header.error < 4096 ? -(int)m->header.error : -EIO;
    if (v.write)
        return 0;
    /* QEMU 10 has a 4-byte count. */
    if (m->len == full + len || m->len == full - 4 + len) {
        memcpy(v.buf, m->payload + (m->len - len), len);
        return 0;
    }
    return -EPROTO;
}

static int by_message(struct pc_vfu *s, uint64_t iova, struct move v, size_t len)
{
    const size_t data = v.write ? len : 0;
    struct pc_vfu_dma_access r = {.iova = iova, .count = len};
    struct pc_vfu_header h = {
        .id = ++s->dma_id,
        .cmd = v.write ? PC_VFU_DMA_WRITE : PC_VFU_DMA_READ,
        .size = (uint32_t)(sizeof(h) + sizeof(r) + data),
        .flags = PC_VFU_F_COMMAND,
    };
    int rc;

    s->stats.dma_messages++;
    s->dma_cmd = h.cmd;
    s->dma_answered = false;
    if (pc_frame_send(&s->frame, &h, &r, sizeof(r), v.buf, data)) {
        pc_vfu_detach(s);
        return -ENODEV;
    }
    s->dma_waiting = true;
    rc = await_answer(s);
    s->dma_waiting = false;
    if (s->dma_answered) {
        rc = take_answer(&s->dma_reply, v, len);
        pc_message_release(&s->dma_reply);
        s->dma_answered = false;
    }
    return rc;
}

/* No map allows it: lets the client's IOMMU see that too. What it answers changes nothing. Return: err. */
static int refuse(struct pc_vfu *s, uint64_t iova, struct move v, size_t len, int err)
{
    uint8_t scratch[64];

    if (!s->dev.report_faults || s->answering || s->dma_waiting)
        return err;
    if (len > sizeof(scratch))
        len = sizeof(scratch);
    if (v.write)
        memcpy(scratch, v.buf, len);
    by_message(s, iova, (struct move){scratch, v.write}, len);
    return err;
}

/* One piece, within one map. Return: bytes done or -errno. */
static ssize_t piece(struct pc_vfu *s, uint64_t iova, struct move v, size_t len)
{
    const struct pc_vfu_map *m;
    int rc;

    if (!s->connected || !s->version.done || !pc_config_bus_master(&s->config))
        return -ENODEV;
    m = pc_vfu_maps_find(&s->dma, iova);
    if (!m)
        return refuse(s, iova, v, len, -EFAULT);
    if (!(m->flags & (v.write ? PC_VFU_DMA_FLAG_WRITE : PC_VFU_DMA_FLAG_READ)))
        return refuse(s, iova, v, len, -EACCES);
    if (m->last - iova < len - 1)
        len = (size_t)(m->last - iova) + 1;
    if (m->file) {
        rc = pc_client_copy(pc_vfu_map_at(m, iova), v.buf, len, v.write);
        return rc ? rc : (ssize_t)len;
    }
    if (s->answering || s->dma_waiting)
        return -EBUSY;
    if (len > MESSAGE_BYTES)
        len = MESSAGE_BYTES;
    if (len > s->version.max_data)
        len = s->version.max_data;
    rc = by_message(s, iova, v, len);
    return rc ? rc : (ssize_t)len;
}

static int transfer(struct pc_vfu *s, uint64_t iova, struct move v, size_t len)
{
    if (len && iova + (len - 1) < iova)
        return -EINVAL;
    while (len) {
        ssize_t n = piece(s, iova, v, len);

        if (n < 0) {
            s->stats.dma_refused++;
            return (int)n;
        }
        iova += (uint64_t)n;
        v.buf += n;
        len -= (size_t)n;
    }
    return 0;
}

int pc_vfu_dma_read(struct pc_vfu *s, uint64_t iova, void *dst, size_t len)
{
    return transfer(s, iova, (struct move){dst, false}, len);
}

int pc_vfu_dma_write(struct pc_vfu *s, uint64_t iova, const void *src, size_t len)
{
    return transfer(s, iova, (struct move){(uint8_t *)(uintptr_t)src, true}, len);
}
